//! The newest parts of a log, which a power cut may have taken, and how to lose least when some are damaged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use media::{TrackId, UnixMillis};

use crate::journal::record::PartRecord;

/// The part's place and checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct TailPart {
    /// Where its record begins in the log.
    at: u64,
    pub(super) track: TrackId,
    pub(super) msn: u64,
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

/// What to do about damage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// Cut the log at this byte.
    pub(super) cut_at: Option<u64>,
    /// Take these segments out.
    pub(super) drop: Vec<(TrackId, u64)>,
}

/// The newest parts.
#[derive(Debug, Default)]
pub(super) struct Tail {
    parts: VecDeque<TailPart>,
    bytes: u64,
}

impl Tail {
    /// Adds the part whose record begins at byte `at` of the log; forgets old ones.
    pub(super) fn push(&mut self, at: u64, part: &PartRecord) {
        let PartRecord { track, msn, offset, len, crc, wall, .. } = *part;
        self.parts.push_back(TailPart { at, track, msn, offset, len, crc, wall });
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

    /// Checks every part and weighs the ways out: cut the log at one of the damaged parts and take the segments of
    /// those before it out, or take out the segments of all. The one that loses fewest bytes wins.
    ///
    /// After a power cut that is a cut at the first part that did not reach the disk; after a flipped bit in the middle
    /// it is the loss of one segment.
    pub(super) fn damage(&self, is_sound: impl Fn(&TailPart) -> io::Result<bool>) -> Damage {
        // A part that cannot be read is as lost as one with other bytes.
        let bad: Vec<usize> = (0..self.parts.len()).filter(|&at| !is_sound(&self.parts[at]).unwrap_or(false)).collect();
        let mut segments: BTreeMap<(TrackId, u64), u64> = BTreeMap::new();
        for part in &self.parts {
            *segments.entry((part.track, part.msn)).or_default() += u64::from(part.len);
        }
        let mut dropped = BTreeSet::new();
        let mut dropped_bytes = 0;
        let mut best: Option<(u64, Damage)> = None;
        for way in 0..=bad.len() {
            let cut = bad.get(way).map(|&at| (at, self.parts[at].at));
            let cut_bytes: u64 = cut.map_or(0, |(at, _)| self.parts.range(at..).map(|part| u64::from(part.len)).sum());
            let lost = dropped_bytes + cut_bytes;
            if best.as_ref().is_none_or(|(least, _)| lost < *least) {
                let drop = dropped.iter().copied().collect();
                best = Some((lost, Damage { cut_at: cut.map(|(_, at)| at), drop }));
            }
            if let Some(part) = bad.get(way).map(|&at| &self.parts[at])
                && dropped.insert((part.track, part.msn))
            {
                dropped_bytes += segments.get(&(part.track, part.msn)).copied().unwrap_or(0);
            }
        }
        best.map(|(_, damage)| damage).unwrap_or_default()
    }
}
