//! The newest parts of a log: those whose bytes a power cut may have taken.

use std::collections::{HashSet, VecDeque};
use std::io;

use media::{TrackId, UnixMillis};

use crate::journal::record::PartRecord;

/// The part's place and checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct TailPart {
    pub(super) track: TrackId,
    pub(super) msn: u64,
    index: u32,
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) crc: u32,
    wall: UnixMillis,
}

/// Bytes whose checksums are read again at start. A lane flushes after at most 8 MiB plus one part of at most 16 MB, so
/// what a power cut can take is inside; older bytes are checked when their segment is uploaded.
const TAIL_BYTES_MAX: u64 = 32 << 20;
/// The same by time, so that many streams are ready soon: flushes are 200 ms apart, and a disk that holds one up longer
/// than this is caught by the check at upload.
const TAIL_MILLIS_MAX: i64 = 30_000;

/// The newest parts.
#[derive(Debug, Default)]
pub(super) struct Tail {
    parts: VecDeque<TailPart>,
    bytes: u64,
}

impl Tail {
    /// Adds a part; forgets old ones.
    pub(super) fn push(&mut self, part: &PartRecord) {
        let PartRecord { track, msn, index, offset, len, crc, wall, .. } = *part;
        self.parts.push_back(TailPart { track, msn, index, offset, len, crc, wall });
        self.bytes += u64::from(len);
        while self.parts.len() > 1
            && let Some(first) = self.parts.front()
            && (self.bytes > TAIL_BYTES_MAX || wall.0.saturating_sub(first.wall.0) > TAIL_MILLIS_MAX)
        {
            self.bytes -= u64::from(first.len);
            self.parts.pop_front();
        }
    }

    /// Whether parts of that segment are in the tail.
    pub(super) fn has(&self, track: TrackId, msn: u64) -> bool {
        self.parts.iter().any(|part| part.track == track && part.msn == msn)
    }

    /// The parts that fail the check, by track, segment and index.
    pub(super) fn damaged(&self, is_sound: impl Fn(&TailPart) -> io::Result<bool>) -> HashSet<(TrackId, u64, u32)> {
        // A part that cannot be read is as lost as one with other bytes.
        let damaged = self.parts.iter().filter(|part| !is_sound(part).unwrap_or(false));
        damaged.map(|part| (part.track, part.msn, part.index)).collect()
    }
}
