//! What a recording holds: tracks, configurations and complete segments, folded from the journal's records.
//!
//! Pure. The same fold serves the writer, recovery and readers, so that all agree on what a journal means. A snapshot
//! shares its segments with the next one: taking it costs a pointer, keeping it costs at most one chunk per track.

use std::sync::Arc;

use bytes::Bytes;
use media::{ChannelPath, MediaKind, Ticks, Timescale, Track, TrackId, UnixMillis};

pub use crate::journal::record::GapReason;
use crate::journal::record::{Header, PartRecord, Record};
use crate::key::RecordingKey;
pub use segments::SegmentList;

mod segments;

#[cfg(test)]
mod tests;

/// Most gaps of a recording that are listed one by one; later ones are still marked at their segments. A disk that
/// fills and frees every 10 s for an hour makes 360.
const GAPS_LISTED_MAX: usize = 1_024;

/// Most configurations of a recording, and what they have together at most. A sender that comes back with another camera
/// every minute of twelve hours makes 720 of some hundred bytes.
const INITS_MAX: usize = 1_024;
const INIT_BYTES_MAX: usize = 16 << 20;

/// Most tracks of a recording: more than E-RTMP multitrack senders use, far fewer than its 256 ids.
pub(crate) const TRACKS_MAX: usize = 64;

/// A decoder configuration and its CMAF header.
#[derive(Clone, Debug, PartialEq)]
pub struct Init {
    /// The track with its configuration.
    pub track: Arc<Track>,
    /// The track's name in URLs: `video`, `audio`, then `video1`, `audio1` …
    pub name: Arc<str>,
    /// Counts configuration changes of the stream; names the init in URLs.
    pub epoch: u32,
    /// `ftyp` and `moov`.
    pub bytes: Bytes,
}

/// A complete segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Media sequence number: the same number on another track covers the same time.
    pub msn: u64,
    /// Its configuration.
    pub epoch: u32,
    /// `tfdt` of its first sample, in the track's timescale.
    pub start: Ticks,
    /// In the track's timescale.
    pub duration: Ticks,
    /// Server's wall clock at its first sample.
    pub wall: UnixMillis,
    /// Its length.
    pub bytes: u64,
    /// How many parts.
    pub parts: u32,
    /// Begins with a sync sample.
    pub independent: bool,
    /// What is before it does not go on here: another configuration, or a gap.
    pub discontinuity: bool,
    /// Something before it was lost while it was recorded.
    pub gap_before: bool,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// The object store has confirmed it.
    pub(crate) stored: bool,
}

/// A place where something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Why.
    pub why: GapReason,
    /// Server's wall clock when it was noticed.
    pub at: UnixMillis,
}

/// One track's configurations and complete segments, in order.
#[derive(Clone, Debug)]
pub struct TrackIndex {
    /// The track.
    pub id: TrackId,
    /// In order of appearance. Never empty.
    pub inits: Vec<Arc<Init>>,
    /// Ascending sequence numbers; a number may be missing.
    pub segments: SegmentList,
    /// Sum of the segments' durations, in the track's timescale.
    pub duration: Ticks,
    /// Sum of the segments' lengths.
    pub bytes: u64,
}

impl TrackIndex {
    /// Its name in URLs.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inits.first().map_or("", |init| &init.name)
    }

    /// Unit of the times of segments of `epoch`: another sample rate is another unit.
    #[must_use]
    pub fn timescale_of(&self, epoch: u32) -> Timescale {
        self.init(epoch).map_or_else(|| self.timescale(), |init| init.track.timescale)
    }

    /// Unit of its duration: that of its first configuration.
    #[must_use]
    pub fn timescale(&self) -> Timescale {
        self.inits.first().map_or(Timescale::MILLIS, |init| init.track.timescale)
    }

    /// A duration of `epoch` in the unit of [`TrackIndex::timescale`].
    fn in_first_unit(&self, duration: Ticks, epoch: u32) -> Ticks {
        duration.rescale(self.timescale_of(epoch), self.timescale())
    }

    /// Pictures or sound.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.inits.first().map_or(MediaKind::Audio, |init| init.track.kind())
    }

    /// The configuration of that epoch.
    #[must_use]
    pub fn init(&self, epoch: u32) -> Option<&Arc<Init>> {
        self.inits.iter().rev().find(|init| init.epoch == epoch)
    }
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The stream goes on.
    Recording,
    /// The stream has ended; its segments are on their way to the object store. Playable.
    Sealed,
    /// All of it is in the object store.
    Ready,
}

/// A snapshot of one recording: complete segments only.
#[derive(Clone, Debug)]
pub struct RecordingIndex {
    /// Which.
    pub key: RecordingKey,
    /// The channel's public address when the stream began.
    pub path: ChannelPath,
    /// Server's wall clock at the stream's first frame.
    pub started: UnixMillis,
    /// How far it is.
    pub phase: Phase,
    /// In order of appearance.
    pub tracks: Vec<TrackIndex>,
    /// Where something is missing, first ones first; at most 1024 are listed.
    pub gaps: Vec<Gap>,
}

impl RecordingIndex {
    /// The track of that id.
    #[must_use]
    pub fn track(&self, id: TrackId) -> Option<&TrackIndex> {
        self.tracks.iter().find(|track| track.id == id)
    }

    /// The track of that name in URLs.
    #[must_use]
    pub fn track_named(&self, name: &str) -> Option<&TrackIndex> {
        self.tracks.iter().find(|track| track.name() == name)
    }

    /// The track whose segments lead: the first with pictures, else the first.
    #[must_use]
    pub fn leading(&self) -> Option<&TrackIndex> {
        let video = self.tracks.iter().filter(|track| track.kind() == MediaKind::Video).min_by_key(|track| track.id);
        video.or_else(|| self.tracks.iter().min_by_key(|track| track.id))
    }

    /// Media kept on the leading track, in milliseconds; what was lost is not counted.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.leading().map_or(0, |track| millis(track.duration, track.timescale()))
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tracks.iter().map(|track| track.bytes).sum()
    }
}

fn millis(duration: Ticks, timescale: Timescale) -> u64 {
    u64::try_from(duration.millis(timescale)).unwrap_or(0)
}

/// The checksum of bytes with checksum `first` followed by `len` bytes with checksum `second`.
fn bytes_of(init: &Init) -> usize {
    init.bytes.len() + init.track.config.len()
}

fn crc_of_both(first: u32, second: u32, len: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(first);
    hasher.combine(&crc32fast::Hasher::new_with_initial_len(second, len.into()));
    hasher.finalize()
}

/// Why a record cannot follow those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    /// A second header.
    #[error("a second header")]
    Header,
    /// A part of a track or epoch without a configuration.
    #[error("part of track {0} without its configuration")]
    NoInit(u8),
    /// A part that does not follow the one before it.
    #[error("part {index} of segment {msn} of track {track} does not follow")]
    Order { track: u8, msn: u64, index: u32 },
    /// More than [`TRACKS_MAX`].
    #[error("more than {TRACKS_MAX} tracks")]
    Tracks,
    /// A record after the end.
    #[error("a record after the end")]
    AfterEnd,
}

/// Folds records into an index.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    index: Arc<RecordingIndex>,
    open: Vec<(TrackId, SegmentEntry)>,
    /// Tracks whose next segment follows a gap.
    after_gap: Vec<TrackId>,
    /// How many configurations, and their bytes.
    inits: (usize, usize),
    ended: bool,
}

impl Fold {
    /// An empty recording.
    pub(crate) fn new(header: Header) -> Self {
        let Header { key, path, started } = header;
        let phase = Phase::Recording;
        let index = RecordingIndex { key, path, started, phase, tracks: Vec::new(), gaps: Vec::new() };
        Self { index: Arc::new(index), open: Vec::new(), after_gap: Vec::new(), inits: (0, 0), ended: false }
    }

    /// What is complete.
    pub(crate) fn index(&self) -> &Arc<RecordingIndex> {
        &self.index
    }

    /// An end record was seen.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// The segments that are not complete.
    pub(crate) fn open(&self) -> &[(TrackId, SegmentEntry)] {
        &self.open
    }

    /// The open segment of `track`.
    pub(crate) fn open_of(&self, track: TrackId) -> Option<&SegmentEntry> {
        self.open.iter().find(|(id, _)| *id == track).map(|(_, entry)| entry)
    }

    /// Duration in milliseconds and bytes, open segments included.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let open_bytes: u64 = self.open.iter().map(|(_, entry)| entry.bytes).sum();
        let duration = self.index.leading().map_or(0, |track| {
            let open =
                self.open_of(track.id).map_or(Ticks::ZERO, |entry| track.in_first_unit(entry.duration, entry.epoch));
            millis(track.duration.plus(open), track.timescale())
        });
        (duration, self.index.bytes() + open_bytes)
    }

    /// The number after the highest of any track, open segments included; 0 while there is none.
    pub(crate) fn next_msn(&self) -> u64 {
        let complete = self.index.tracks.iter().filter_map(|track| track.segments.last());
        complete.chain(self.open.iter().map(|(_, entry)| entry)).map(|entry| entry.msn + 1).max().unwrap_or(0)
    }

    /// Moves the phase on.
    pub(crate) fn set_phase(&mut self, phase: Phase) {
        if self.index.phase != phase {
            Arc::make_mut(&mut self.index).phase = phase;
        }
    }

    /// Adds a record. On an error nothing has changed.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), Misfit> {
        match record {
            Record::Header(_) => Err(Misfit::Header),
            Record::Stored { track, msn } => {
                self.amend(*track, |segments| segments.mark_stored(*msn));
                Ok(())
            }
            Record::Dropped { track, msn } => {
                self.drop_segment(*track, *msn);
                Ok(())
            }
            _ if self.ended => Err(Misfit::AfterEnd),
            Record::Init(init) => self.add_init(init),
            Record::Part(part) => self.add_part(part),
            Record::Sealed { track, msn } => {
                if self.open_of(*track).is_some_and(|entry| entry.msn == *msn) {
                    self.close(*track);
                }
                Ok(())
            }
            Record::Gap { why, at } => {
                self.add_gap(Gap { why: *why, at: *at });
                Ok(())
            }
            Record::End(_) => {
                self.close_all();
                self.ended = true;
                self.set_phase(Phase::Sealed);
                Ok(())
            }
        }
    }

    /// Another configuration keeps within the bounds. Asked before one is written; what is written is read whatever it is.
    pub(crate) fn has_room_for(&self, init: &Init) -> bool {
        self.inits.0 < INITS_MAX && self.inits.1 + bytes_of(init) <= INIT_BYTES_MAX
    }

    fn add_init(&mut self, init: &Arc<Init>) -> Result<(), Misfit> {
        let id = init.track.id;
        let at = self.index.tracks.iter().position(|track| track.id == id);
        if at.is_none() && self.index.tracks.len() >= TRACKS_MAX {
            return Err(Misfit::Tracks);
        }
        let (count, bytes) = self.inits;
        self.inits = (count + 1, bytes + bytes_of(init));
        let tracks = &mut Arc::make_mut(&mut self.index).tracks;
        match at {
            Some(at) => tracks[at].inits.push(init.clone()),
            None => {
                tracks.push(TrackIndex {
                    id,
                    inits: vec![init.clone()],
                    segments: SegmentList::default(),
                    duration: Ticks::ZERO,
                    bytes: 0,
                });
                // Pictures first, as players take a file's first track for its main one.
                tracks.sort_by_key(|track| (track.inits[0].track.kind() == MediaKind::Audio, track.id));
            }
        }
        Ok(())
    }

    /// Whether the part is the next of its track.
    pub(crate) fn check_part(&self, part: &PartRecord) -> Result<(), Misfit> {
        if self.ended {
            return Err(Misfit::AfterEnd);
        }
        let misfit = Misfit::Order { track: part.track.0, msn: part.msn, index: part.index };
        let track = self.index.track(part.track).ok_or(Misfit::NoInit(part.track.0))?;
        if track.init(part.epoch).is_none() {
            return Err(Misfit::NoInit(part.track.0));
        }
        if let Some(open) = self.open_of(part.track).filter(|open| open.msn == part.msn) {
            return if open.bytes == part.offset && open.parts == part.index { Ok(()) } else { Err(misfit) };
        }
        let last_msn = self.open_of(part.track).or(track.segments.last()).map(|entry| entry.msn);
        if part.index != 0 || part.offset != 0 || last_msn.is_some_and(|last| part.msn <= last) {
            return Err(misfit);
        }
        Ok(())
    }

    fn add_part(&mut self, part: &PartRecord) -> Result<(), Misfit> {
        self.check_part(part)?;
        if let Some((_, open)) = self.open.iter_mut().find(|(id, _)| *id == part.track)
            && open.msn == part.msn
        {
            open.bytes += u64::from(part.len);
            open.crc = crc_of_both(open.crc, part.crc, part.len);
            open.duration = open.duration.plus(part.duration);
            open.parts += 1;
            return Ok(());
        }
        self.close(part.track);
        let after_gap = self.after_gap.iter().position(|id| *id == part.track);
        if let Some(at) = after_gap {
            self.after_gap.swap_remove(at);
        }
        let gap_before = part.gap_before || after_gap.is_some();
        let entry = SegmentEntry {
            msn: part.msn,
            epoch: part.epoch,
            start: part.start,
            duration: part.duration,
            wall: part.wall,
            bytes: part.len.into(),
            parts: 1,
            independent: part.independent,
            discontinuity: part.discontinuity || gap_before,
            gap_before,
            crc: part.crc,
            stored: false,
        };
        self.open.push((part.track, entry));
        Ok(())
    }

    fn add_gap(&mut self, gap: Gap) {
        self.close_all();
        self.after_gap = self.index.tracks.iter().filter(|t| !t.segments.is_empty()).map(|track| track.id).collect();
        let index = Arc::make_mut(&mut self.index);
        if index.gaps.len() < GAPS_LISTED_MAX {
            index.gaps.push(gap);
        }
    }

    fn close_all(&mut self) {
        while let Some((track, _)) = self.open.first() {
            self.close(*track);
        }
    }

    fn close(&mut self, track: TrackId) {
        let Some(at) = self.open.iter().position(|(id, _)| *id == track) else { return };
        let (_, entry) = self.open.swap_remove(at);
        let index = Arc::make_mut(&mut self.index);
        if let Some(track) = index.tracks.iter_mut().find(|t| t.id == track) {
            track.duration = track.duration.plus(track.in_first_unit(entry.duration, entry.epoch));
            track.bytes += entry.bytes;
            track.segments.push(entry);
        }
    }

    fn amend(&mut self, id: TrackId, change: impl FnOnce(&mut SegmentList)) {
        if let Some(track) = Arc::make_mut(&mut self.index).tracks.iter_mut().find(|track| track.id == id) {
            change(&mut track.segments);
        }
    }

    fn drop_segment(&mut self, id: TrackId, msn: u64) {
        let index = Arc::make_mut(&mut self.index);
        let Some(track) = index.tracks.iter_mut().find(|track| track.id == id) else { return };
        if let Some(entry) = track.segments.remove(msn) {
            track.duration = track.duration.minus(track.in_first_unit(entry.duration, entry.epoch));
            track.bytes = track.bytes.saturating_sub(entry.bytes);
            if index.gaps.len() < GAPS_LISTED_MAX {
                index.gaps.push(Gap { why: GapReason::Damaged, at: entry.wall });
            }
        }
    }
}
