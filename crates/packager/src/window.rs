//! The live window: what playlists list and viewers fetch, bounded by segments and bytes.
//!
//! [`Window::apply`] takes what the packager gives out; everything else is `&self`. Text is rendered once per change and
//! addressing, and then shared. Segments that playlists no longer list stay for as long again, as HLS demands, while
//! there is room in `window_bytes_max`.

mod cache;
mod dash;
mod hls;
mod joint;
mod track;

use std::sync::Arc;

use bytes::Bytes;
use media::{Ticks, Timescale, Track, TrackId, TrackSet, UnixMillis};

use crate::playlist::manifest::{PeriodMark, wall_of_zero};
use crate::playlist::{MultivariantOptions, Rendition, SegmentEntry, multivariant};
use crate::segmenter::Moment;
use crate::{Config, Init, Output, Part, Segment};
use cache::{Cache, Key};
pub use dash::ManifestOptionsLive;
pub use hls::{Form, PlaylistOptions};
pub use joint::JointLookup;
use track::TrackWindow;

/// Wall clock and media time may part by this much, in milliseconds, before a new DASH period says so.
const WALL_JUMP_MS: i64 = 1_000;
/// A track this many segments behind the newest is not offered to new viewers, nor waited for.
pub const STALE_SEGMENTS: u64 = 3;
/// Periods remembered: each outage and configuration change makes one.
const PERIODS_MAX: usize = 256;

/// The end of a track's playlist: the next part to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Media sequence number of the segment being made.
    pub msn: u64,
    /// How many of its parts there are.
    pub part: u32,
}

/// What to do with a blocking playlist request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Answer now.
    Ready,
    /// Answer when the window has changed; ask again then.
    Wait,
    /// It asks too far ahead: refuse.
    TooFar,
}

/// What became of a segment.
#[derive(Clone, Debug)]
pub enum SegmentLookup {
    /// Complete.
    Ready(Arc<Segment>),
    /// Being made; these are its parts so far, perhaps none.
    Open(Vec<Arc<Part>>),
    /// Not begun.
    NotYet,
    /// Never was, or no longer kept.
    Gone,
}

/// What an address by time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberAt {
    /// The segment of this number, which has begun.
    Number(u64),
    /// The segment that begins when the newest has ended.
    Coming,
    /// None, or none that is still kept.
    Nothing,
}

/// A track in the window.
#[derive(Clone, Debug)]
pub struct TrackSummary {
    /// Number in the stream.
    pub id: TrackId,
    /// Name in addresses.
    pub name: Arc<str>,
    /// Newest configuration.
    pub track: Arc<Track>,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Window {
    config: Config,
    tracks: Vec<TrackWindow>,
    ended: bool,
    bytes: usize,
    /// Wall clock of media time zero, by the first part.
    availability_start: Option<UnixMillis>,
    periods: Vec<PeriodMark>,
    /// Newest period: wall clock of its media time zero, and its discontinuity sequence.
    period_wall_zero: UnixMillis,
    period_sequence: u64,
    /// Segments before this number have every track that keeps step. Never falls.
    joint_before: u64,
    /// Tracks that are not part of the stream now.
    away: Vec<TrackId>,
    cache: Cache,
}

impl Window {
    /// An empty window.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            tracks: Vec::new(),
            ended: false,
            bytes: 0,
            availability_start: None,
            periods: Vec::new(),
            period_wall_zero: UnixMillis(0),
            period_sequence: 0,
            joint_before: 0,
            away: Vec::new(),
            cache: Cache::default(),
        }
    }

    /// These are the stream's tracks from now on: what others would bring is waited for no more.
    pub fn set_tracks(&mut self, tracks: &TrackSet) {
        let away = |track: &&TrackWindow| tracks.get(track.id).is_none();
        self.away = self.tracks.iter().filter(away).map(|track| track.id).collect();
        self.joint_before = self.joint_before.max(self.joint_now());
        self.cache.clear();
    }

    /// Takes in what the packager gave out, in its order.
    pub fn apply(&mut self, output: &Output) {
        match output {
            Output::Init(init) => self.apply_init(init),
            Output::Part(part) => {
                self.mark_period(part);
                if let Some(track) = self.tracks.iter_mut().find(|track| track.id == part.track) {
                    track.push_part(part.clone());
                    self.bytes += part.bytes.len();
                }
                self.evict();
            }
            Output::Segment(segment) => {
                if let Some(track) = self.tracks.iter_mut().find(|track| track.id == segment.track) {
                    track.push_segment(segment.clone());
                }
                self.evict();
            }
            Output::Ended => self.ended = true,
        }
        self.joint_before = self.joint_before.max(self.joint_now());
        self.cache.clear();
    }

    fn apply_init(&mut self, init: &Arc<Init>) {
        match self.tracks.iter_mut().find(|track| track.name == init.name) {
            Some(track) => track.push_init(init.clone()),
            None => {
                // A number that came back as another kind of media: the one before is gone.
                let bytes: usize =
                    self.tracks.iter().filter(|track| track.id == init.track.id).map(TrackWindow::bytes).sum();
                self.bytes -= bytes;
                self.tracks.retain(|track| track.id != init.track.id);
                self.tracks.push(TrackWindow::new(init.clone()));
                self.tracks.sort_by_key(|track| (track.is_audio(), track.id));
            }
        }
    }

    fn mark_period(&mut self, part: &Part) {
        if self.periods.last().is_some_and(|period| part.msn <= period.msn) {
            return;
        }
        let at = Moment::new(part.start, part.timescale);
        let wall_zero = wall_of_zero(at, part.wall);
        let start = *self.availability_start.get_or_insert(wall_zero);
        let same = part.discontinuity_sequence == self.period_sequence
            && (wall_zero.0 - self.period_wall_zero.0).abs() <= WALL_JUMP_MS;
        if same && !self.periods.is_empty() {
            return;
        }
        if part.index != 0 {
            return; // periods begin with segments
        }
        self.period_wall_zero = wall_zero;
        self.period_sequence = part.discontinuity_sequence;
        self.periods.push(PeriodMark { msn: part.msn, start_ms: (part.wall.0 - start.0).max(0), at });
        if self.periods.len() > PERIODS_MAX {
            self.periods.remove(0);
        }
    }

    /// Keeps segments within the configured number and bytes. The two newest of a track stay whatever they weigh.
    fn evict(&mut self) {
        let keep = self.config.window_segments.max(2).saturating_mul(2);
        for track in &mut self.tracks {
            while track.segments.len() > keep {
                self.bytes -= track.pop_front();
            }
        }
        while self.bytes > self.config.window_bytes_max {
            let oldest = self.tracks.iter_mut().filter(|track| track.segments.len() > 2);
            let Some(track) = oldest.min_by_key(|track| track.segments.front().map_or(u64::MAX, |oldest| oldest.msn))
            else {
                break;
            };
            self.bytes -= track.pop_front();
        }
    }

    /// Bytes of parts held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True once nothing more comes.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Every track that was announced has a part, or is too far behind to wait for: playlists list what they should.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let waits = |track: &TrackWindow| track.last_part().is_none() && self.is_early();
        self.tracks.iter().any(|track| track.last_part().is_some()) && !self.tracks.iter().any(waits)
    }

    /// A track that has nothing yet may still come in time.
    fn is_early(&self) -> bool {
        let newest = self.newest_msn();
        newest.is_none_or(|newest| self.first_msn().is_none_or(|first| newest < first + STALE_SEGMENTS))
    }

    /// Tracks that have media, video first.
    pub fn tracks(&self) -> impl Iterator<Item = TrackSummary> + '_ {
        self.offered().map(|track| TrackSummary {
            id: track.id,
            name: track.name.clone(),
            track: track.config().clone(),
        })
    }

    /// The track of that name.
    #[must_use]
    pub fn track_named(&self, name: &str) -> Option<TrackId> {
        self.tracks.iter().find(|track| &*track.name == name).map(|track| track.id)
    }

    /// The part, if it is there.
    #[must_use]
    pub fn part(&self, track: TrackId, msn: u64, index: u32) -> Option<Arc<Part>> {
        self.track(track)?.part(msn, index)
    }

    /// The segment.
    #[must_use]
    pub fn segment(&self, track: TrackId, msn: u64) -> SegmentLookup {
        let Some(track) = self.track(track) else { return SegmentLookup::Gone };
        if let Some(segment) = track.segment(msn) {
            return SegmentLookup::Ready(segment.clone());
        }
        match track.position() {
            Some(next) if msn == next.msn && !self.ended => SegmentLookup::Open(track.open.clone()),
            Some(next) if msn < next.msn => SegmentLookup::Gone,
            _ if self.ended => SegmentLookup::Gone,
            _ => SegmentLookup::NotYet,
        }
    }

    /// The segment of `epoch` that begins at `start`, in ticks of the track.
    ///
    /// A manifest's forecast of where the newest segment ends may fail. A time that is no segment's means the one after
    /// the last that begins at least half a segment target before it, if that is the newest or the one to come.
    #[must_use]
    pub fn number_at(&self, track: TrackId, epoch: u32, start: Ticks) -> NumberAt {
        let Some(track) = self.track(track) else { return NumberAt::Nothing };
        if let Some(msn) = track.number_at(epoch, start) {
            return NumberAt::Number(msn);
        }
        let Some(newest) = track.newest().filter(|newest| newest.epoch == epoch && !self.ended) else {
            return NumberAt::Nothing;
        };
        let half = Ticks(i64::from(self.config.segment_target_ms / 2)).rescale(Timescale::MILLIS, newest.timescale);
        let begun = start.minus(half);
        if begun >= newest.start {
            return NumberAt::Coming;
        }
        match track.segments.iter().rev().find(|segment| segment.msn < newest.msn) {
            Some(before) if begun >= before.start && before.epoch == epoch => NumberAt::Number(newest.msn),
            _ => NumberAt::Nothing,
        }
    }

    /// The init segment.
    #[must_use]
    pub fn init(&self, track: TrackId, epoch: u32) -> Option<Arc<Init>> {
        self.track(track)?.inits.iter().find(|init| init.epoch == epoch).cloned()
    }

    /// The next part to come. `None` before the first.
    #[must_use]
    pub fn position(&self, track: TrackId) -> Option<Position> {
        self.track(track)?.position()
    }

    /// What to do with a request for the playlist that has segment `msn` or, when given, its part `part` or one after it
    /// (`_HLS_msn`, `_HLS_part`; RFC 8216bis §6.2.5.2). Before the first part everything waits.
    #[must_use]
    pub fn reload(&self, track: TrackId, msn: u64, part: Option<u32>) -> Reload {
        let Some(track) = self.track(track).filter(|_| !self.ended) else { return Reload::Ready };
        let Some(next) = track.position() else { return Reload::Wait };
        let advance_limit = 3_000u32.div_ceil(self.config.part_limit_ms().max(1)).max(3);
        let too_far = msn > next.msn.saturating_add(1)
            || (msn >= next.msn && part.is_some_and(|part| part > next.part.saturating_add(advance_limit)));
        let ready = match part {
            None => next.msn > msn,
            Some(part) => track.last_listed().is_some_and(|last| last >= Position { msn, part }),
        };
        match (ready, too_far) {
            (true, _) => Reload::Ready,
            (false, true) => Reload::TooFar,
            (false, false) => Reload::Wait,
        }
    }

    /// Complete segments of a track, for windows by query; all that are kept.
    #[must_use]
    pub fn entries(&self, track: TrackId) -> Vec<SegmentEntry> {
        self.track(track).map(TrackWindow::entries).unwrap_or_default()
    }

    /// Number of the track's first segment ever, which may have left the window. `None` before its first part.
    #[must_use]
    pub fn first_of(&self, track: TrackId) -> Option<u64> {
        self.track(track)?.first
    }

    /// Segments before this number are whole in every track that keeps step, so that a container of all tracks may list
    /// them. Never falls.
    #[must_use]
    pub fn joint_before(&self) -> u64 {
        self.joint_before
    }

    /// The multivariant playlist. `None` before the first part.
    #[must_use]
    pub fn multivariant(&self, options: &MultivariantOptions<'_>) -> Option<Bytes> {
        let base = format!("{}\n{}", options.prefix, options.suffix);
        let key = Key { track: None, form: cache::MULTIVARIANT, base: base.into(), query: options.query.into() };
        self.cache.get(key, || {
            let rendition = |track: &TrackWindow| Rendition {
                name: track.name.clone(),
                track: track.config().clone(),
                rates: track.measured(),
            };
            let renditions: Vec<Rendition> = self.offered().map(rendition).collect();
            multivariant(&renditions, options).map(Bytes::from)
        })
    }

    fn track(&self, id: TrackId) -> Option<&TrackWindow> {
        self.tracks.iter().find(|track| track.id == id)
    }

    fn newest_msn(&self) -> Option<u64> {
        self.tracks.iter().filter_map(|track| track.position()).map(|position| position.msn).max()
    }

    fn first_msn(&self) -> Option<u64> {
        self.periods.first().map(|period| period.msn)
    }

    /// Tracks with media that keep step.
    fn offered(&self) -> impl Iterator<Item = &TrackWindow> {
        self.tracks.iter().filter(|track| track.position().is_some() && self.keeps_step(track))
    }

    /// The track is part of the stream and keeps step with it.
    fn is_awaited(&self, track: &TrackWindow) -> bool {
        !self.away.contains(&track.id) && self.keeps_step(track)
    }

    /// The track may still bring media that belongs beside the newest of the others.
    fn keeps_step(&self, track: &TrackWindow) -> bool {
        match track.position() {
            Some(position) => {
                self.newest_msn().is_none_or(|newest| position.msn.saturating_add(STALE_SEGMENTS) > newest)
            }
            None => self.is_early(),
        }
    }
}

#[cfg(test)]
mod tests;
