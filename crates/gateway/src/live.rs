//! The live side of every stream: one task that feeds its packager, keeps its window for HLS and DASH, and hands the
//! same bytes to the recorder.
//!
//! Owns the windows, and decides whether a stream may begin: not while the server stops, nor when streams hold as much
//! memory as they may. The task waits for nothing but the stream: the recorder takes what it can or marks a gap.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use control::{Channel, Snapshot};
use hub::{Hub, Item, Listener, Publisher, State, Stream};
use media::{ChannelPath, StreamId, TrackSet, UnixMillis};
use packager::{Packager, Window};
use parking_lot::{Mutex, RwLock};
use recorder::{Recorder, StreamRecorder, Used};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::clock::wall_now;
use crate::hls::{GzipCache, TsCache};

/// Entries taken from the hub under one lock.
const READ_MAX: usize = 256;
/// A window that has not changed for this long wakes its waiters at each tick. With a tick of a quarter of a second, whoever
/// waits is asked about the right to wait well within a second.
const NUDGE_AFTER: Duration = Duration::from_millis(500);
/// How long the playlists of a stream that ended are kept, so that every viewer reads its end.
const ENDED_LINGER: Duration = Duration::from_secs(60);

/// What a new stream is taken to hold until it holds more: 15 segments of 2 s at 2 Mbit/s. Without it, many that begin at
/// once would all be let in by a budget that is still empty.
const STREAM_BYTES_EXPECTED: usize = 8 << 20;

/// Why a stream was not begun. Says nothing about the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// Streams hold as much as they may: `limits.memory_bytes_max`.
    #[error("streams hold {held} bytes or will soon, and limits.memory_bytes_max is {max}")]
    Memory {
        /// Bytes held and expected.
        held: usize,
        /// Bytes allowed.
        max: usize,
    },
}

impl Refused {
    /// One word for metric labels.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Memory { .. } => "memory",
        }
    }
}

/// Wakes one async task when a stream advances.
pub struct Wakeups(Arc<NotifyListener>);

struct NotifyListener(Notify);

impl Listener for NotifyListener {
    fn advanced(&self) {
        self.0.notify_one();
    }
}

impl Wakeups {
    /// Of `stream`, from now on.
    #[must_use]
    pub fn of(stream: &Stream) -> Self {
        let listener = Arc::new(NotifyListener(Notify::new()));
        stream.subscribe(&listener);
        Self(listener)
    }

    /// Returns once the stream has advanced since the last return.
    pub async fn next(&self) {
        self.0.0.notified().await;
    }
}

/// A stream with its window.
pub struct LiveStream {
    /// The stream.
    pub stream: Arc<Stream>,
    /// When it began. Its id runs ahead of the clock where that was set back.
    pub began: UnixMillis,
    /// Whose it is: another channel may have the same path by now.
    pub channel: Uuid,
    /// What can be fetched of it now.
    pub window: RwLock<Window>,
    /// Compressed playlists.
    pub packed: GzipCache,
    /// Segments in MPEG-TS.
    pub ts: TsCache,
    /// The number after the highest media sequence number of the channel, shared by its streams.
    next_msn: Arc<AtomicU64>,
    version: watch::Sender<u64>,
    changed_at: Mutex<Instant>,
    ended_at: RwLock<Option<Instant>>,
    /// By which protocol it comes, and since when this publisher sends.
    publisher: Mutex<Option<(&'static str, UnixMillis)>>,
}

impl LiveStream {
    /// Changes whenever the window has, and now and then while it stands still, so that who waits looks at the time.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// By which protocol the stream comes, and since when its newest publisher sends.
    #[must_use]
    pub fn publisher(&self) -> Option<(&'static str, UnixMillis)> {
        *self.publisher.lock()
    }

    /// A publisher that comes by `protocol` sends from now on.
    pub fn set_publisher(&self, protocol: &'static str) {
        *self.publisher.lock() = Some((protocol, wall_now()));
    }

    fn changed(&self) {
        *self.changed_at.lock() = Instant::now();
        self.version.send_modify(|version| *version += 1);
    }

    fn nudge(&self, now: Instant) {
        if now.saturating_duration_since(*self.changed_at.lock()) >= NUDGE_AFTER {
            self.version.send_modify(|version| *version += 1);
        }
    }
}

#[derive(Default)]
struct Streams {
    by_channel: HashMap<ChannelPath, Arc<LiveStream>>,
}

/// Held while a stream begins, so that only one does at a time.
#[derive(Default)]
struct Beginning {
    /// None begins any more.
    closed: bool,
    /// Grows by one for each path ever streamed to, which are channels.
    next_msn: HashMap<ChannelPath, Arc<AtomicU64>>,
}

/// Every live stream of this server.
pub struct Live {
    hub: Arc<Hub>,
    config: packager::Config,
    recorder: Arc<Recorder>,
    memory_bytes_max: usize,
    beginning: Mutex<Beginning>,
    streams: RwLock<Streams>,
    running: Arc<AtomicUsize>,
    started: watch::Sender<u64>,
}

impl Live {
    /// None yet. Streams are cut as `config` says; none begins while they hold `memory_bytes_max`.
    #[must_use]
    pub fn new(hub: Arc<Hub>, config: packager::Config, recorder: Arc<Recorder>, memory_bytes_max: usize) -> Self {
        Self {
            hub,
            config,
            recorder,
            memory_bytes_max,
            beginning: Mutex::default(),
            streams: RwLock::default(),
            running: Arc::default(),
            started: watch::Sender::new(0),
        }
    }

    /// Goes on after what recordings have used up: neither stream ids nor media sequence numbers come twice.
    pub fn resume(&self, used: Used) {
        if let Some(newest) = used.newest {
            self.hub.skip_ids(newest);
        }
        let mut beginning = self.beginning.lock();
        for (path, next) in used.next_msn {
            beginning.next_msn.entry(path).or_default().fetch_max(next, Ordering::Relaxed);
        }
    }

    /// Makes the caller the publisher of `channel`, and starts the stream's live side if it is new. A stream of another
    /// channel that had the same path ends.
    ///
    /// # Errors
    /// [`Refused`], if it would have to begin a stream. Whoever comes back to one that goes on is always let in, unless the
    /// server stops.
    pub fn publish(&self, channel: &Channel) -> Result<Publisher, Refused> {
        let mut beginning = self.beginning.lock();
        if beginning.closed {
            return Err(Refused::Stopping);
        }
        let before = self.of(&channel.path);
        if let Some(other) = before.as_ref().filter(|live| live.channel != channel.id) {
            other.stream.end(Instant::now());
        }
        let next_msn = beginning.next_msn.entry(channel.path.clone()).or_default();
        if self.hub.stream(&channel.path).is_none() {
            self.has_room()?;
            // What the one before has still to package begins a segment per entry at the very most.
            let behind = before.map_or(0, |before| before.stream.behind());
            next_msn.fetch_max(next_msn.load(Ordering::Relaxed) + behind, Ordering::Relaxed);
        }
        // Segment numbers start at the stream's second, so that they rise from stream to stream of a channel. Media that
        // came faster than life, or a clock that was set back, makes that later.
        let id_min = StreamId(next_msn.load(Ordering::Relaxed) * 1_000);
        let (publisher, new) = self.hub.publish_from(&channel.path, id_min, wall_now());
        if new {
            let next_msn = next_msn.clone();
            self.start(publisher.stream().clone(), channel, next_msn);
        }
        Ok(publisher)
    }

    fn has_room(&self) -> Result<(), Refused> {
        let held = self.held(STREAM_BYTES_EXPECTED);
        if held < self.memory_bytes_max { Ok(()) } else { Err(Refused::Memory { held, max: self.memory_bytes_max }) }
    }

    /// Bytes that streams hold: logs, windows, and what waits for the disk.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held(0)
    }

    /// Bytes that streams may hold before no new one begins.
    #[must_use]
    pub fn held_bytes_max(&self) -> usize {
        self.memory_bytes_max
    }

    fn held(&self, least: usize) -> usize {
        let streams = self.streams.read();
        let of = |live: &Arc<LiveStream>| live.stream.log_bytes() + live.window.read().bytes();
        streams.by_channel.values().map(|live| of(live).max(least)).sum::<usize>() + self.recorder.queued_bytes()
    }

    /// No stream begins from now on: the server stops.
    pub fn close(&self) {
        self.beginning.lock().closed = true;
    }

    /// The channel's stream, if it can be joined: it has not ended and there is a key frame.
    #[must_use]
    pub fn playable(&self, channel: &Channel) -> Option<Arc<Stream>> {
        let live = self.of(&channel.path).filter(|live| live.channel == channel.id)?;
        (live.stream.state() != State::Ended && live.stream.start_point().is_some()).then(|| live.stream.clone())
    }

    /// Ends and forgets the streams whose channel is not in `snapshot` any more; a channel of the same path is another.
    pub fn keep_channels(&self, snapshot: &Snapshot, now: Instant) {
        let is_kept = |live: &LiveStream| {
            snapshot.channel_by_id(live.channel).is_some_and(|channel| channel.path == *live.stream.path())
        };
        for live in self.all().into_iter().filter(|live| !is_kept(live)) {
            tracing::info!(channel = %live.stream.path(), stream = %live.stream.id(), "the channel was deleted: its stream ends");
            live.stream.end(now);
            let mut streams = self.streams.write();
            if streams.by_channel.get(live.stream.path()).is_some_and(|present| Arc::ptr_eq(present, &live)) {
                streams.by_channel.remove(live.stream.path());
            }
        }
        self.hub.expire(now);
    }

    /// The channel's newest stream, live or ended a moment ago.
    #[must_use]
    pub fn of(&self, path: &ChannelPath) -> Option<Arc<LiveStream>> {
        self.streams.read().by_channel.get(path).cloned()
    }

    /// That stream, if it is the channel's newest.
    #[must_use]
    pub fn stream(&self, path: &ChannelPath, id: StreamId) -> Option<Arc<LiveStream>> {
        self.of(path).filter(|live| live.stream.id() == id)
    }

    /// Every stream with a window.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<LiveStream>> {
        self.streams.read().by_channel.values().cloned().collect()
    }

    /// How streams are cut.
    #[must_use]
    pub fn config(&self) -> &packager::Config {
        &self.config
    }

    /// How many streams have not been packaged to their end yet.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// Changes whenever a stream has become playable.
    #[must_use]
    pub fn started(&self) -> watch::Receiver<u64> {
        self.started.subscribe()
    }

    /// Ends streams whose window closed and forgets those that ended a while ago. Call a few times a second.
    pub fn expire(&self, now: Instant) {
        self.hub.expire(now);
        for live in self.all() {
            live.nudge(now);
        }
        let over = |live: &LiveStream| live.ended_at.read().is_some_and(|at| now - at >= ENDED_LINGER);
        let stale = self.streams.read().by_channel.values().any(|live| over(live));
        if stale {
            self.streams.write().by_channel.retain(|_, live| !over(live));
        }
    }

    fn start(&self, stream: Arc<Stream>, channel: &Channel, next_msn: Arc<AtomicU64>) {
        let msn_base = stream.id().0 / 1_000;
        let began = wall_now();
        let live = Arc::new(LiveStream {
            began,
            window: RwLock::new(Window::new(self.config.clone())),
            stream: stream.clone(),
            channel: channel.id,
            next_msn,
            packed: GzipCache::default(),
            ts: TsCache::default(),
            version: watch::Sender::new(0),
            changed_at: Mutex::new(Instant::now()),
            ended_at: RwLock::new(None),
            publisher: Mutex::new(None),
        });
        self.streams.write().by_channel.insert(channel.path.clone(), live.clone());
        let recording = channel.record.then(|| self.recorder.begin(stream.id(), channel, began));
        let packager = Packager::new(self.config.clone(), stream.id(), msn_base);
        self.running.fetch_add(1, Ordering::AcqRel);
        let (started, running) = (self.started.clone(), self.running.clone());
        let run = Run { live, packager, recording, started, running, playable: false, told: Oddities::default() };
        tokio::spawn(run.until_it_ends());
    }
}

struct Run {
    live: Arc<LiveStream>,
    packager: Packager,
    recording: Option<StreamRecorder>,
    started: watch::Sender<u64>,
    running: Arc<AtomicUsize>,
    playable: bool,
    /// Of what was not ordinary, what the metrics have.
    told: Oddities,
}

/// What was not ordinary on the way from a stream's frames to its parts. Bridged, left out, and gone on.
#[derive(Default)]
struct Oddities([u64; 13]);

impl Oddities {
    /// As `tayang_stream_oddities_total` names them.
    const NAMES: [&str; 13] = [
        "clock jump bridged",
        "frame held at its place",
        "frame before the stream's start",
        "frame before a key frame",
        "frame of a track that is not packaged",
        "frame without bytes",
        "audio frame ahead of its time",
        "gap too long to bridge",
        "segment without a key frame",
        "sample longer than a part",
        "sample without a segment",
        "track without an init segment",
        "part that could not be written",
    ];

    fn of(stream: &hub::StreamCounters, packager: &packager::Counters) -> Self {
        Self([
            stream.timeline.jumps,
            stream.timeline.held,
            stream.timeline.before_start,
            stream.before_key + packager.frames_before_key,
            packager.frames_untracked,
            packager.frames_empty,
            packager.audio_frames_dropped,
            packager.reanchored,
            packager.cuts_without_key,
            packager.samples_over_target,
            packager.samples_unplaced,
            packager.tracks_refused,
            packager.parts_refused,
        ])
    }

    /// Adds to the metrics what there is beyond `told`.
    fn tell_beyond(&self, told: &Self) {
        for ((name, now), before) in Self::NAMES.iter().zip(self.0).zip(told.0) {
            if now > before {
                metrics::counter!("tayang_stream_oddities_total", "what" => *name).increment(now - before);
            }
        }
    }
}

/// A packager that stops in any other way than by its stream's end ends the stream, so that the encoder comes back to a
/// new one and viewers read an end.
impl Drop for Run {
    fn drop(&mut self) {
        if self.live.ended_at.read().is_none() {
            tracing::error!(channel = %self.live.stream.path(), "the packager stopped; the stream ends");
            self.live.stream.end(Instant::now());
            self.live.window.write().apply(&packager::Output::Ended);
            self.live.changed();
            *self.live.ended_at.write() = Some(Instant::now());
        }
        self.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Run {
    async fn until_it_ends(mut self) {
        let stream = self.live.stream.clone();
        let wakeups = Wakeups::of(&stream);
        let mut next = stream.oldest().seq;
        let mut entries = Vec::new();
        loop {
            let read = stream.read(next, READ_MAX, &mut entries);
            next = read.next;
            if read.missed > 0 {
                tracing::warn!(channel = %stream.path(), missed = read.missed, "the packager fell behind the stream's log");
                metrics::counter!("tayang_packager_missed_total").increment(read.missed);
                // What was missed may have held a configuration: begin anew with what is in force.
                self.packager.flush();
                self.publish_outputs();
                if let Some(recording) = &mut self.recording {
                    recording.missed(wall_now());
                }
                self.set_tracks(&stream.tracks(), true);
            }
            for entry in entries.drain(..) {
                self.take(&entry);
            }
            stream.kept_to(next);
            if read.ended {
                break;
            }
            if next >= stream.next_seq() {
                wakeups.next().await;
            } else {
                tokio::task::yield_now().await;
            }
        }
        self.packager.end();
        self.publish_outputs();
        self.count_oddities();
        if let Some(recording) = self.recording.take() {
            recording.finish();
        }
        *self.live.ended_at.write() = Some(Instant::now());
        tracing::info!(channel = %stream.path(), stream = %stream.id(), "stream ended");
    }

    fn set_tracks(&mut self, tracks: &TrackSet, discontinuity: bool) {
        self.packager.set_tracks(tracks, discontinuity);
        self.publish_outputs();
        self.live.window.write().set_tracks(tracks);
        self.live.changed();
    }

    fn take(&mut self, entry: &hub::Entry) {
        match &entry.item {
            Item::Tracks { tracks, discontinuity } => self.set_tracks(tracks, *discontinuity),
            Item::Frame { frame, .. } => {
                self.packager.push(frame, entry.wall);
                if entry.start && !self.playable {
                    self.playable = true;
                    self.started.send_modify(|n| *n += 1);
                }
            }
            Item::Stalled => self.packager.flush(),
            Item::Resumed => {}
        }
        self.publish_outputs();
    }

    fn count_oddities(&mut self) {
        let now = Oddities::of(&self.live.stream.counters(), &self.packager.counters());
        now.tell_beyond(&self.told);
        self.told = now;
    }

    fn publish_outputs(&mut self) {
        let mut changed = false;
        while let Some(output) = self.packager.poll_output() {
            if let packager::Output::Part(part) = &output {
                self.live.next_msn.fetch_max(part.msn + 1, Ordering::Relaxed);
            }
            if matches!(output, packager::Output::Segment(_)) {
                self.count_oddities();
            }
            self.live.window.write().apply(&output);
            if let Some(recording) = &mut self.recording {
                recording.push(&output);
            }
            changed = true;
        }
        if changed {
            self.live.changed();
        }
    }
}
