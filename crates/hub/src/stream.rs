//! A stream: a channel while it has a timeline. The log, its readers' starting points, and its state.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use media::{ChannelPath, Frame, MediaKind, StreamId, Track, TrackId, TrackSet, UnixMillis};
use parking_lot::{Mutex, RwLock};

use crate::log::{Entry, Item};
use crate::timeline::{Timeline, TimelineCounters};

/// Bounds of one stream.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Payload bytes the log may hold. 32 MiB = 30 s of GOP at 8 Mbit/s.
    pub log_bytes_max: usize,
    /// Media time kept before the newest starting point, for readers that are a little behind.
    pub log_ms: i64,
    /// How long a stream without a publisher waits for one.
    pub reconnect_window: Duration,
    /// Tracks of one stream. 8 = four qualities and four languages in E-RTMP multitrack.
    pub tracks_max: usize,
    /// Media time after which a track that sends nothing, while another goes on, is no longer part of the stream.
    pub silent_track_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_bytes_max: 32 << 20,
            log_ms: 4_000,
            reconnect_window: Duration::from_secs(60),
            tracks_max: 8,
            silent_track_ms: 4_000,
        }
    }
}

/// Media time without a frame after which the leading track is no longer part of the stream. Longer than for others: a
/// slide show may send a picture every few seconds, and one long wait for pictures is better than a flicker of tracks.
const LEADING_SILENT_MS: i64 = 12_000;

/// Called whenever a stream's log grew or its state changed, from the thread that did it. Must not block and must not
/// call back into the stream.
pub trait Listener: Send + Sync {
    /// Something new can be read.
    fn advanced(&self);
}

/// What a viewer can be told about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A publisher is connected but no frame has come yet.
    Waiting,
    /// Frames come.
    Live,
    /// The publisher is gone; "back in a moment".
    Stalled,
    /// Over. The log stays readable for those who hold the stream.
    Ended,
}

/// The publisher was replaced, or its stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fenced {
    /// Another publisher took the channel over.
    #[error("another publisher took the channel over")]
    TakenOver,
    /// The stream ended.
    #[error("the stream has ended")]
    Ended,
    /// The stream has as many tracks as it may have.
    #[error("the stream has {0} tracks already")]
    TooManyTracks(usize),
}

/// Where a new reader starts.
#[derive(Clone, Debug)]
pub struct StartPoint {
    /// First entry to read.
    pub seq: u64,
    /// Tracks in force before it.
    pub tracks: Arc<TrackSet>,
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The next entry to ask for.
    pub next: u64,
    /// Entries that had left the log before they were read.
    pub missed: u64,
    /// Nothing will come after `next`.
    pub ended: bool,
}

/// Monotone counts of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamCounters {
    /// Frames appended.
    pub frames: u64,
    /// Payload bytes appended.
    pub bytes: u64,
    /// Frames dropped because no decoder could have started on them.
    pub before_key: u64,
    /// Publishers so far.
    pub publishers: u64,
    /// What the timeline bridged.
    pub timeline: TimelineCounters,
}

pub(crate) struct Inner {
    pub(crate) entries: VecDeque<Arc<Entry>>,
    pub(crate) first_seq: u64,
    bytes: usize,
    starts: VecDeque<StartPoint>,
    pub(crate) tracks: Arc<TrackSet>,
    /// Tracks taken out because they fell silent; a frame of theirs brings them back.
    silent: TrackSet,
    /// Stream time at which each track was announced, in milliseconds: one that never sends is silent from there.
    announced_ms: Vec<(TrackId, i64)>,
    timeline: Timeline,
    pub(crate) state: State,
    pub(crate) stalled_since: Option<Instant>,
    pub(crate) generation: u64,
    /// Video tracks of the present publisher on which no key frame has come yet.
    awaiting_key: Vec<TrackId>,
    counters: StreamCounters,
}

/// See the module's documentation.
pub struct Stream {
    id: StreamId,
    path: ChannelPath,
    limits: Limits,
    pub(crate) inner: Mutex<Inner>,
    listeners: RwLock<Vec<Weak<dyn Listener>>>,
    next_seq: AtomicU64,
    kept: AtomicU64,
}

impl Stream {
    pub(crate) fn new(id: StreamId, path: ChannelPath, limits: Limits) -> Self {
        Self {
            id,
            path,
            limits,
            inner: Mutex::new(Inner {
                entries: VecDeque::new(),
                first_seq: 0,
                bytes: 0,
                starts: VecDeque::new(),
                tracks: Arc::default(),
                silent: TrackSet::default(),
                announced_ms: Vec::new(),
                timeline: Timeline::default(),
                state: State::Waiting,
                stalled_since: None,
                generation: 0,
                awaiting_key: Vec::new(),
                counters: StreamCounters::default(),
            }),
            listeners: RwLock::default(),
            next_seq: AtomicU64::new(0),
            kept: AtomicU64::new(0),
        }
    }

    /// Unique on this server, and increasing.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// The channel.
    #[must_use]
    pub fn path(&self) -> &ChannelPath {
        &self.path
    }

    /// Present state.
    #[must_use]
    pub fn state(&self) -> State {
        self.inner.lock().state
    }

    /// Present tracks.
    #[must_use]
    pub fn tracks(&self) -> Arc<TrackSet> {
        self.inner.lock().tracks.clone()
    }

    /// Counts so far.
    #[must_use]
    pub fn counters(&self) -> StreamCounters {
        let inner = self.inner.lock();
        StreamCounters { timeline: inner.timeline.counters(), ..inner.counters }
    }

    /// Wall clock at which the media of that stream time came, outages in it; it rises with it. `None` before the first
    /// frame.
    #[must_use]
    pub fn wall_of(&self, media_ms: i64) -> Option<UnixMillis> {
        self.inner.lock().timeline.wall_of(media_ms)
    }

    /// Stream time in milliseconds of what was on air at that wall clock, in an outage that of the last before it. `None`
    /// before the first frame.
    #[must_use]
    pub fn media_at(&self, wall: UnixMillis) -> Option<i64> {
        self.inner.lock().timeline.media_at(wall)
    }

    /// The place after the newest entry, without locking: cheap enough to ask on every wake.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq.load(Ordering::Acquire)
    }

    /// The reader that must miss nothing says how far it is.
    pub fn kept_to(&self, seq: u64) {
        self.kept.store(seq, Ordering::Release);
    }

    /// Entries that the reader that must miss nothing has still to read: a publisher that sends faster than real time
    /// is read more slowly while there are many.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.next_seq().saturating_sub(self.kept.load(Ordering::Acquire))
    }

    /// Payload bytes the log holds now.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        self.inner.lock().bytes
    }

    /// Calls `listener` from now on, until it is dropped.
    pub fn subscribe(&self, listener: &Arc<impl Listener + 'static>) {
        let mut listeners = self.listeners.write();
        listeners.retain(|listener| listener.strong_count() > 0);
        let weak: Weak<dyn Listener> = Arc::downgrade(&(listener.clone() as Arc<dyn Listener>));
        listeners.push(weak);
    }

    /// Where a reader that joins now starts: the newest key frame of the leading track. `None` while there is none.
    #[must_use]
    pub fn start_point(&self) -> Option<StartPoint> {
        self.inner.lock().starts.back().cloned()
    }

    /// The oldest entry still there: where a reader that must miss nothing (packager, recorder) starts.
    #[must_use]
    pub fn oldest(&self) -> StartPoint {
        let inner = self.inner.lock();
        StartPoint { seq: inner.first_seq, tracks: Arc::default() }
    }

    /// Appends up to `max` entries from `from` on to `out`. One lock, no copy of a payload.
    pub fn read(&self, from: u64, max: usize, out: &mut Vec<Arc<Entry>>) -> Read {
        let inner = self.inner.lock();
        let start = from.max(inner.first_seq);
        let skip = usize::try_from(start - inner.first_seq).unwrap_or(usize::MAX);
        let before = out.len();
        out.extend(inner.entries.iter().skip(skip).take(max).cloned());
        let next = start + (out.len() - before) as u64;
        let end = inner.first_seq + inner.entries.len() as u64;
        Read { next, missed: start - from, ended: inner.state == State::Ended && next >= end }
    }

    /// The new publisher's generation; `None` when the stream has ended meanwhile.
    pub(crate) fn publisher_joined(&self, now: UnixMillis) -> Option<u64> {
        let generation = {
            let mut inner = self.inner.lock();
            if inner.state == State::Ended {
                return None;
            }
            inner.generation += 1;
            inner.counters.publishers += 1;
            inner.timeline.publisher_changed();
            inner.silent = TrackSet::default();
            inner.awaiting_key =
                inner.tracks.iter().filter(|track| track.kind() == MediaKind::Video).map(|track| track.id).collect();
            if inner.state == State::Stalled {
                inner.stalled_since = None;
                inner.state = if inner.counters.frames == 0 { State::Waiting } else { State::Live };
                self.append(&mut inner, Item::Resumed, now, false);
            }
            inner.generation
        };
        self.notify();
        Some(generation)
    }

    pub(crate) fn publisher_left(&self, generation: u64, now: Instant, wall: UnixMillis) {
        {
            let mut inner = self.inner.lock();
            if inner.generation != generation || inner.state == State::Ended {
                return;
            }
            inner.stalled_since = Some(now);
            inner.state = State::Stalled;
            self.append(&mut inner, Item::Stalled, wall, false);
        }
        self.notify();
    }

    /// Ends a stalled stream whose window has closed, or any stream when `force`. True if it is over.
    pub(crate) fn expire(&self, now: Instant, force: bool) -> bool {
        {
            let mut inner = self.inner.lock();
            if inner.state == State::Ended {
                return true;
            }
            let window = self.limits.reconnect_window;
            let closed = inner.stalled_since.is_some_and(|since| now.saturating_duration_since(since) >= window);
            if !force && !closed {
                return false;
            }
            inner.state = State::Ended;
            inner.generation += 1;
        }
        self.notify();
        true
    }

    pub(crate) fn put_track(&self, generation: u64, track: Track, now: UnixMillis) -> Result<(), Fenced> {
        {
            let mut inner = self.inner.lock();
            fence(&inner, generation)?;
            let before = inner.tracks.get(track.id).cloned();
            if before.as_deref() == Some(&track) {
                return Ok(());
            }
            if before.is_none() && inner.tracks.len() >= self.limits.tracks_max {
                return Err(Fenced::TooManyTracks(self.limits.tracks_max));
            }
            let head_ms = inner.timeline.head_ms().unwrap_or(0);
            inner.announced_ms.retain(|(id, _)| *id != track.id);
            inner.announced_ms.push((track.id, head_ms));
            if track.kind() == MediaKind::Video && !inner.awaiting_key.contains(&track.id) {
                inner.awaiting_key.push(track.id);
            }
            inner.silent = inner.silent.without(track.id);
            inner.tracks = Arc::new(inner.tracks.with(Arc::new(track)));
            self.announce_tracks(&mut inner, before.is_some(), now);
            self.trim(&mut inner, now);
        }
        self.notify();
        Ok(())
    }

    pub(crate) fn push(&self, generation: u64, frame: Frame, now: UnixMillis) -> Result<(), Fenced> {
        {
            let mut inner = self.inner.lock();
            fence(&inner, generation)?;
            let Some(track) = self.track_of(&mut inner, &frame, now) else {
                inner.counters.before_key += 1;
                return Ok(());
            };
            if let Some(at) = inner.awaiting_key.iter().position(|id| *id == frame.track) {
                if !frame.key {
                    inner.counters.before_key += 1;
                    return Ok(());
                }
                inner.awaiting_key.swap_remove(at);
            }
            let Some(placed) = inner.timeline.place(frame, &track, now) else {
                return Ok(());
            };
            inner.state = State::Live;
            inner.counters.frames += 1;
            inner.counters.bytes += placed.frame.payload.len() as u64;
            let leads = inner.tracks.leading().is_some_and(|leading| leading.id == track.id);
            let start = leads && placed.frame.key;
            self.append(&mut inner, Item::Frame { frame: placed.frame, track }, placed.wall, start);
            self.drop_silent_tracks(&mut inner, start, now);
        }
        self.notify();
        Ok(())
    }

    fn track_of(&self, inner: &mut Inner, frame: &Frame, now: UnixMillis) -> Option<Arc<Track>> {
        if let Some(track) = inner.tracks.get(frame.track) {
            return Some(track.clone());
        }
        // A decoder starts anew when a track comes back, so it comes back on a key frame; and only where there is room.
        let may_return = frame.key && inner.tracks.len() < self.limits.tracks_max;
        let track = inner.silent.get(frame.track).filter(|_| may_return)?.clone();
        inner.tracks = Arc::new(inner.tracks.with(track.clone()));
        inner.silent = inner.silent.without(frame.track);
        self.announce_tracks(inner, true, now);
        Some(track)
    }

    /// A publisher that came back without its sound, or lost its camera, must not hold readers of the other track up.
    /// Those that follow are looked at when the leading track begins a group of pictures, the leading track at any time.
    fn drop_silent_tracks(&self, inner: &mut Inner, at_start: bool, now: UnixMillis) {
        let Some(head_ms) = inner.timeline.head_ms() else { return };
        let leading = inner.tracks.leading().map(|track| track.id);
        let is_silent = |id: TrackId| {
            let announced_ms = inner.announced_ms.iter().find(|(of, _)| *of == id).map(|(_, at)| *at);
            let heard_ms = inner.timeline.track_head_ms(id).max(announced_ms).unwrap_or(0);
            let leads = leading == Some(id);
            let limit_ms = if leads { LEADING_SILENT_MS } else { self.limits.silent_track_ms };
            (leads || at_start) && head_ms - heard_ms > limit_ms
        };
        let silent: Vec<TrackId> = inner.tracks.iter().map(|track| track.id).filter(|id| is_silent(*id)).collect();
        if silent.is_empty() {
            return;
        }
        let mut kept = TrackSet::clone(&inner.tracks);
        for id in silent {
            if let Some(track) = inner.tracks.get(id) {
                inner.silent = inner.silent.with(track.clone());
            }
            kept = kept.without(id);
        }
        inner.tracks = Arc::new(kept);
        self.announce_tracks(inner, true, now);
    }

    fn announce_tracks(&self, inner: &mut Inner, discontinuity: bool, now: UnixMillis) {
        let tracks = inner.tracks.clone();
        self.append(inner, Item::Tracks { tracks, discontinuity }, now, false);
    }

    fn append(&self, inner: &mut Inner, item: Item, wall: UnixMillis, start: bool) {
        let seq = inner.first_seq + inner.entries.len() as u64;
        let head_ms = inner.timeline.head_ms().unwrap_or(0);
        let entry = Entry::new(seq, item, wall, head_ms, start);
        inner.bytes += entry.bytes();
        inner.entries.push_back(Arc::new(entry));
        if start {
            inner.starts.push_back(StartPoint { seq, tracks: inner.tracks.clone() });
        }
        self.next_seq.store(seq + 1, Ordering::Release);
        self.trim(inner, wall);
    }

    /// Keeps the newest GOP and `log_ms` before it; when that is more than the bytes allowed, the oldest go first, and
    /// readers join at the next key frame.
    fn trim(&self, inner: &mut Inner, now: UnixMillis) {
        let newest_start = inner.starts.back().map_or(0, |start| start.seq);
        let head_ms = inner.timeline.head_ms().unwrap_or(0);
        while let Some(oldest) = inner.entries.front() {
            // What has just come stays for readers that must miss nothing, however much media it is.
            let fresh = now.0 - oldest.wall.0 <= self.limits.log_ms;
            let needed = oldest.seq >= newest_start || fresh || head_ms - oldest.head_ms <= self.limits.log_ms;
            if needed && inner.bytes <= self.limits.log_bytes_max {
                break;
            }
            inner.bytes -= oldest.bytes();
            inner.first_seq += 1;
            inner.entries.pop_front();
        }
        let first_seq = inner.first_seq;
        while inner.starts.front().is_some_and(|start| start.seq < first_seq) {
            inner.starts.pop_front();
        }
    }

    /// Ends the stream at once, whoever publishes.
    pub fn end(&self, now: Instant) {
        self.expire(now, true);
    }

    pub(crate) fn notify(&self) {
        for listener in self.listeners.read().iter().filter_map(Weak::upgrade) {
            listener.advanced();
        }
    }
}

fn fence(inner: &Inner, generation: u64) -> Result<(), Fenced> {
    match inner.state {
        State::Ended => Err(Fenced::Ended),
        _ if inner.generation != generation => Err(Fenced::TakenOver),
        State::Waiting | State::Live | State::Stalled => Ok(()),
    }
}
