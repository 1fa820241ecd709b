//! Frames: coded access units on their way through.

use bytes::Bytes;

use crate::{Ticks, TrackId};

/// One coded access unit. Cloning shares the payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its track within the stream.
    pub track: TrackId,
    /// Decode time, in the track's timescale.
    pub dts: Ticks,
    /// Presentation time less decode time, in the track's timescale. May be negative; zero for audio.
    pub cts: Ticks,
    /// A decoder can start here (sync sample). Always true for audio.
    pub key: bool,
    /// Length-prefixed NAL units (H.264, H.265), OBUs (AV1), one superframe (VP9), one raw access unit (audio).
    pub payload: Bytes,
}

impl Frame {
    /// Presentation time, in the track's timescale.
    #[must_use]
    pub fn pts(&self) -> Ticks {
        self.dts.plus(self.cts)
    }
}
