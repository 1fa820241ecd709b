//! What a packager gives out. All of it is final: it is shared, kept and served as it is.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use formats::container::cmaf::Sample;
use media::{Ticks, Timescale, Track, TrackId, UnixMillis};

/// One thing that became final.
#[derive(Clone, Debug)]
pub enum Output {
    /// A track's parts of this epoch need this header. Comes before the first of them.
    Init(Arc<Init>),
    /// The next part of a track.
    Part(Arc<Part>),
    /// A segment is complete: all of its parts have come before.
    Segment(Arc<Segment>),
    /// Nothing comes after this.
    Ended,
}

/// Initialisation segment of one configuration of a track.
#[derive(Clone, Debug)]
pub struct Init {
    /// The track with that configuration.
    pub track: Arc<Track>,
    /// Its name in URLs: `video`, `audio`, then `video1`, `audio1` … in order of appearance. Constant for the stream.
    pub name: Arc<str>,
    /// Which configuration of the track: from 0, one more at each change.
    pub epoch: u32,
    /// `ftyp` and `moov`.
    pub bytes: Bytes,
}

/// One CMAF chunk: an LL-HLS partial segment.
#[derive(Clone)]
pub struct Part {
    /// Its track.
    pub track: TrackId,
    /// The [`Init`] it needs.
    pub epoch: u32,
    /// Media sequence number of its segment.
    pub msn: u64,
    /// Place in its segment, from 0.
    pub index: u32,
    /// `tfdt`: decode time of its first sample.
    pub start: Ticks,
    /// Sum of its samples' durations.
    pub duration: Ticks,
    /// Unit of `start`, `duration` and the samples.
    pub timescale: Timescale,
    /// Holds a sync sample. Always true for audio.
    pub independent: bool,
    /// First part of the first segment after a discontinuity.
    pub discontinuity: bool,
    /// EXT-X-DISCONTINUITY-SEQUENCE of its segment; the same in all tracks for one msn.
    pub discontinuity_sequence: u64,
    /// `tfdt` does not follow from the part before: the sender left a gap that was too long to bridge.
    pub reanchored: bool,
    /// Longer than PART-TARGET, because one sample is: playlists list its segment without parts.
    pub over_target: bool,
    /// Server wall clock of the first sample's decode time.
    pub wall: UnixMillis,
    /// In decode order, never empty.
    pub samples: Arc<[Sample]>,
    /// `[prft] moof mdat`.
    pub bytes: Bytes,
    /// Where in `bytes` the first sample's payload starts; the others follow without space between.
    pub payload_offset: u32,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("track", &self.track.0)
            .field("epoch", &self.epoch)
            .field("msn", &self.msn)
            .field("index", &self.index)
            .field("start", &self.start.0)
            .field("duration", &self.duration.0)
            .field("samples", &self.samples.len())
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Part {
    /// Decode time after its last sample.
    #[must_use]
    pub fn end(&self) -> Ticks {
        self.start.plus(self.duration)
    }
}

/// A complete segment. Its bytes are those of its parts, one after the other.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its track.
    pub track: TrackId,
    /// The [`Init`] it needs.
    pub epoch: u32,
    /// Media sequence number.
    pub msn: u64,
    /// Decode time of its first sample.
    pub start: Ticks,
    /// From `start` to the end of its last sample.
    pub duration: Ticks,
    /// Unit of `start` and `duration`.
    pub timescale: Timescale,
    /// Begins with a sync sample.
    pub independent: bool,
    /// First after a discontinuity.
    pub discontinuity: bool,
    /// EXT-X-DISCONTINUITY-SEQUENCE; the same in all tracks for one msn.
    pub discontinuity_sequence: u64,
    /// Server wall clock of the first sample's decode time.
    pub wall: UnixMillis,
    /// All of its parts, never empty.
    pub parts: Arc<[Arc<Part>]>,
    /// Sum of its parts' lengths.
    pub bytes_len: u64,
}

impl Segment {
    /// Decode time after its last sample.
    #[must_use]
    pub fn end(&self) -> Ticks {
        self.start.plus(self.duration)
    }

    /// Its bytes without a copy.
    pub fn chunks(&self) -> impl ExactSizeIterator<Item = Bytes> + '_ {
        self.parts.iter().map(|part| part.bytes.clone())
    }

    /// Its bytes in one piece. Copies.
    #[must_use]
    pub fn concat(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(usize::try_from(self.bytes_len).unwrap_or(0));
        for part in self.parts.iter() {
            out.extend_from_slice(&part.bytes);
        }
        out.freeze()
    }
}
