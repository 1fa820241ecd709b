//! Playlists and manifests over lists of segments: the live window renders with this, and so does whoever keeps segments.
//!
//! A list is all that is needed: [`SegmentEntry`] says of a segment what a playlist says of it. Media sequence numbers
//! may have holes (a track was away for a while); holes are listed as EXT-X-GAP.

mod address;
pub(crate) mod manifest;
pub(crate) mod media;
mod multivariant;
pub mod query;
mod rates;

pub use address::Addressing;
pub(crate) use address::{Uri, Uris};
pub use manifest::{KeptTrack, vod_manifest};
pub use media::{Container, Kind, ListOptions, segment_list};
pub use multivariant::{MultivariantOptions, Rendition, multivariant};
pub use rates::Rates;

use crate::Segment;
use ::media::{Ticks, Timescale, UnixMillis};

/// What playlists say of a complete segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Media sequence number.
    pub msn: u64,
    /// Number of the init segment that it needs.
    pub epoch: u32,
    /// Decode time of its first sample.
    pub start: Ticks,
    /// Length.
    pub duration: Ticks,
    /// Unit of `start` and `duration`.
    pub timescale: Timescale,
    /// Begins with a sync sample.
    pub independent: bool,
    /// EXT-X-DISCONTINUITY-SEQUENCE.
    pub discontinuity_sequence: u64,
    /// Server wall clock of its first sample.
    pub wall: UnixMillis,
    /// Bytes.
    pub bytes_len: u64,
    /// Samples, for the measured frame rate.
    pub samples: u32,
}

impl SegmentEntry {
    /// Decode time after its last sample.
    #[must_use]
    pub fn end(&self) -> Ticks {
        self.start.plus(self.duration)
    }

    /// Server wall clock of its end.
    #[must_use]
    pub fn wall_end(&self) -> UnixMillis {
        self.wall.plus_millis(self.duration.millis(self.timescale))
    }
}

impl From<&Segment> for SegmentEntry {
    fn from(segment: &Segment) -> Self {
        let samples: usize = segment.parts.iter().map(|part| part.samples.len()).sum();
        Self {
            msn: segment.msn,
            epoch: segment.epoch,
            start: segment.start,
            duration: segment.duration,
            timescale: segment.timescale,
            independent: segment.independent,
            discontinuity_sequence: segment.discontinuity_sequence,
            wall: segment.wall,
            bytes_len: segment.bytes_len,
            samples: u32::try_from(samples).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
