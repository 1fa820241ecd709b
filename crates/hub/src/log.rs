//! What a stream's log holds.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use media::{Frame, Ticks, Track, TrackSet, UnixMillis};

/// How many wire formats can keep their rendering beside an entry.
pub const WIRE_SLOTS: usize = 4;

/// A wire format's place in an entry. Formats are the readers' business; the hub only keeps the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WireSlot(pub usize);

/// An entry in one wire format: what was made for it, and what it shares with the entry itself, in the order in which it is
/// sent. A clone shares all of it.
#[derive(Clone, Debug)]
pub struct Rendering {
    pieces: Arc<[Bytes]>,
    len: usize,
}

impl Rendering {
    /// Of these pieces. Empty ones are left out.
    #[must_use]
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let pieces: Arc<[Bytes]> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Self { len: pieces.iter().map(Bytes::len).sum(), pieces }
    }

    /// The pieces, none of them empty.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The format has nothing to say about the entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl From<Bytes> for Rendering {
    fn from(bytes: Bytes) -> Self {
        Self::new(vec![bytes])
    }
}

/// One thing that happened on a stream.
#[derive(Clone, Debug)]
pub enum Item {
    /// From here on these are the tracks.
    Tracks {
        /// The tracks in force.
        tracks: Arc<TrackSet>,
        /// A track's decoder configuration changed, or a track went away.
        discontinuity: bool,
    },
    /// A frame and its track as in force.
    Frame {
        /// On stream time.
        frame: Frame,
        /// Its track.
        track: Arc<Track>,
    },
    /// The publisher is gone; the stream waits for it.
    Stalled,
    /// A publisher is back.
    Resumed,
}

/// An [`Item`] with what its readers share.
#[derive(Debug)]
pub struct Entry {
    /// Place in the log, from 0, without gaps.
    pub seq: u64,
    /// What happened.
    pub item: Item,
    /// Server wall clock that goes with it.
    pub wall: UnixMillis,
    /// Newest decode time of any track when this was appended, in milliseconds of stream time.
    pub head_ms: i64,
    /// A reader may start here: key frame of the leading track (any frame if audio leads).
    pub start: bool,
    wire: [OnceLock<Rendering>; WIRE_SLOTS],
}

impl Entry {
    pub(crate) fn new(seq: u64, item: Item, wall: UnixMillis, head_ms: i64, start: bool) -> Self {
        Self { seq, item, wall, head_ms, start, wire: Default::default() }
    }

    /// The rendering of this entry in `slot`, made by `render` the first time and shared from then on.
    pub fn wire(&self, slot: WireSlot, render: impl FnOnce(&Item) -> Rendering) -> &Rendering {
        self.wire[slot.0].get_or_init(|| render(&self.item))
    }

    /// Decode time in milliseconds of stream time; for what is not a frame, the newest decode time before it.
    #[must_use]
    pub fn time_ms(&self) -> i64 {
        match &self.item {
            Item::Frame { frame, track } => frame.dts.millis(track.timescale),
            Item::Tracks { .. } | Item::Stalled | Item::Resumed => self.head_ms,
        }
    }

    /// Bytes charged for it: the frame's payload or the tracks' configurations. Renderings share the payload, but for small
    /// ones; what they add is within [`ENTRY_OVERHEAD_BYTES`] each.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let payload = match &self.item {
            Item::Frame { frame, .. } => frame.payload.len(),
            Item::Tracks { tracks, .. } => tracks.iter().map(|track| track.config.len()).sum(),
            Item::Stalled | Item::Resumed => 0,
        };
        payload + ENTRY_OVERHEAD_BYTES
    }

    /// Decode time in the track's own ticks, for frames.
    #[must_use]
    pub fn dts(&self) -> Option<Ticks> {
        match &self.item {
            Item::Frame { frame, .. } => Some(frame.dts),
            Item::Tracks { .. } | Item::Stalled | Item::Resumed => None,
        }
    }
}

/// Charged for each entry beside its payload, so that a flood of empty frames is bounded too.
pub(crate) const ENTRY_OVERHEAD_BYTES: usize = 256;
