//! The live side of every stream: one task that feeds its packager, keeps its window for HLS and DASH, and hands the
//! same bytes to the recorder.
//!
//! Owns the windows. The task waits for nothing but the stream: the recorder takes what it can or marks a gap.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::Channel;
use hub::{Hub, Item, Listener, Publisher, Stream};
use media::{ChannelPath, StreamId};
use packager::{Packager, Window};
use parking_lot::{Mutex, RwLock};
use recorder::{Recorder, StreamRecorder};
use tokio::sync::{Notify, watch};

use crate::clock::wall_now;
use crate::hls::{GzipCache, TsCache};

/// Entries taken from the hub under one lock.
const READ_MAX: usize = 256;
/// A window that has not changed for this long wakes its waiters at each tick.
const NUDGE_AFTER: Duration = Duration::from_secs(1);
/// How long the playlists of a stream that ended are kept, so that every viewer reads its end.
const ENDED_LINGER: Duration = Duration::from_secs(60);

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
    /// What can be fetched of it now.
    pub window: RwLock<Window>,
    /// Compressed playlists.
    pub packed: GzipCache,
    /// Segments in MPEG-TS.
    pub ts: TsCache,
    version: watch::Sender<u64>,
    changed_at: Mutex<Instant>,
    ended_at: RwLock<Option<Instant>>,
}

impl LiveStream {
    /// Changes whenever the window has, and now and then while it stands still, so that who waits looks at the time.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
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

/// Every live stream of this server.
pub struct Live {
    hub: Arc<Hub>,
    config: packager::Config,
    recorder: Arc<Recorder>,
    streams: RwLock<Streams>,
    started: watch::Sender<u64>,
}

impl Live {
    /// None yet. Streams are cut as `config` says.
    #[must_use]
    pub fn new(hub: Arc<Hub>, config: packager::Config, recorder: Arc<Recorder>) -> Self {
        Self { hub, config, recorder, streams: RwLock::default(), started: watch::Sender::new(0) }
    }

    /// Makes the caller the publisher of `channel`, and starts the stream's live side if it is new.
    pub fn publish(&self, channel: &Channel) -> Publisher {
        let (publisher, new) = self.hub.publish(&channel.path, wall_now());
        if new {
            self.start(publisher.stream().clone(), channel);
        }
        publisher
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
        self.streams.read().by_channel.values().filter(|live| live.ended_at.read().is_none()).count()
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

    fn start(&self, stream: Arc<Stream>, channel: &Channel) {
        // Segment numbers start at the stream's second, so that they rise from stream to stream of a channel.
        let msn_base = stream.id().0 / 1_000;
        let live = Arc::new(LiveStream {
            window: RwLock::new(Window::new(self.config.clone())),
            stream: stream.clone(),
            packed: GzipCache::default(),
            ts: TsCache::default(),
            version: watch::Sender::new(0),
            changed_at: Mutex::new(Instant::now()),
            ended_at: RwLock::new(None),
        });
        self.streams.write().by_channel.insert(channel.path.clone(), live.clone());
        let recording = channel.record.then(|| self.recorder.begin(stream.id(), channel));
        let packager = Packager::new(self.config.clone(), stream.id(), msn_base);
        let run = Run { live, packager, recording, started: self.started.clone(), playable: false };
        tokio::spawn(run.until_it_ends());
    }
}

struct Run {
    live: Arc<LiveStream>,
    packager: Packager,
    recording: Option<StreamRecorder>,
    started: watch::Sender<u64>,
    playable: bool,
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
                self.packager.set_tracks(&stream.tracks(), true);
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
        if let Some(recording) = self.recording.take() {
            recording.finish();
        }
        *self.live.ended_at.write() = Some(Instant::now());
        tracing::info!(channel = %stream.path(), stream = %stream.id(), "stream ended");
    }

    fn take(&mut self, entry: &hub::Entry) {
        match &entry.item {
            Item::Tracks { tracks, discontinuity } => self.packager.set_tracks(tracks, *discontinuity),
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

    fn publish_outputs(&mut self) {
        let mut changed = false;
        while let Some(output) = self.packager.poll_output() {
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
