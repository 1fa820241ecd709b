//! One shard: a thread, a readiness queue, its viewers and their feeds.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use control::Directory;
use hub::Rendering;
use media::{StreamId, TrackSet};
use mio::{Events, Poll, Registry, Token, Waker};
use parking_lot::Mutex;

use super::feed::Feed;
use super::socket::Socket;
use super::{FanOutConfig, FanOutCounters, NewViewer};
use crate::audience::{Audience, Delivered, InPlay, moments};
use crate::right::{self, ASK_EVERY, Right};
use crate::wire::WireFormat;

const WAKE: Token = Token(usize::MAX);
/// Slices handed to one write call. A picture is up to three, a sound one: 128 are a second of media.
const SLICES_MAX: usize = 128;
/// Bytes handed to one write call: about what the kernel takes for one viewer at a time.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Wakes the shard once, however often it is called before the shard looks.
pub(super) struct Signal {
    waker: Waker,
    pending: AtomicBool,
}

impl Signal {
    /// Wakes the poll of `registry`.
    pub(super) fn new(registry: &Registry) -> io::Result<Self> {
        Ok(Self { waker: Waker::new(registry, WAKE)?, pending: AtomicBool::new(false) })
    }

    pub(super) fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // A full queue means that a wake-up is on its way already.
            self.waker.wake().ok();
        }
    }
}

#[derive(Default)]
struct Inbox {
    viewers: Vec<NewViewer>,
    stopped: bool,
}

pub(super) struct ShardHandle {
    inbox: Arc<Mutex<Inbox>>,
    signal: Arc<Signal>,
}

impl ShardHandle {
    pub(super) fn spawn(
        number: usize,
        config: FanOutConfig,
        counters: Arc<FanOutCounters>,
        directory: Arc<Directory>,
        audience: Arc<Audience>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let signal = Arc::new(Signal::new(poll.registry())?);
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let shard = Shard {
            config,
            counters,
            directory,
            audience,
            poll,
            signal: signal.clone(),
            inbox: inbox.clone(),
            viewers: slab::Slab::new(),
            feeds: HashMap::new(),
            rest_until: Instant::now(),
            swept: Instant::now(),
        };
        let left = inbox.clone();
        thread::Builder::new().name(format!("fan-out-{number}")).spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| shard.run())).is_err() {
                tracing::error!(shard = number, "a fan-out shard panicked; its viewers are closed");
            }
            // Nobody listens here any more: newcomers must go elsewhere, and those that wait must not hang.
            let mut inbox = left.lock();
            inbox.stopped = true;
            inbox.viewers.clear();
        })?;
        Ok(Self { inbox, signal })
    }

    /// Gives the viewer back if the shard has stopped.
    pub(super) fn add(&self, viewer: NewViewer) -> Option<NewViewer> {
        let mut inbox = self.inbox.lock();
        if inbox.stopped {
            return Some(viewer);
        }
        inbox.viewers.push(viewer);
        drop(inbox);
        self.signal.wake();
        None
    }

    pub(super) fn stop(&self) {
        self.inbox.lock().stopped = true;
        self.signal.wake();
    }
}

type FeedKey = (StreamId, WireFormat);

struct Viewer {
    socket: Socket,
    feed: FeedKey,
    /// Bytes to send before the next chunk: the response head, configuration, the rest of a chunk half taken. A chunk
    /// once begun belongs to the viewer, so the log may move on without cutting a message off.
    first: Vec<Bytes>,
    /// Next chunk. `None`: waiting for a key frame.
    cursor: Option<u64>,
    tracks: Option<Arc<TrackSet>>,
    /// Since when the socket has taken nothing.
    blocked_since: Option<Instant>,
    right: Right,
    /// Its place among the viewers of its feed.
    place: usize,
    /// The stream is over and the viewer has been told so.
    told: bool,
    /// For the attendance record, of whoever is on it. In a box: most viewers of public channels are not.
    counted: Option<Box<Counted>>,
}

/// What a viewer with a playback session got.
struct Counted {
    delivered: Delivered,
    _in_play: InPlay,
}

#[derive(Debug, PartialEq, Eq)]
enum Flow {
    Keep,
    Close,
}

struct Shard {
    config: FanOutConfig,
    counters: Arc<FanOutCounters>,
    directory: Arc<Directory>,
    audience: Arc<Audience>,
    poll: Poll,
    signal: Arc<Signal>,
    inbox: Arc<Mutex<Inbox>>,
    viewers: slab::Slab<Viewer>,
    feeds: HashMap<FeedKey, Feed>,
    rest_until: Instant,
    swept: Instant,
}

impl Shard {
    fn run(mut self) {
        let mut events = Events::with_capacity(1_024);
        loop {
            let now = Instant::now();
            let dirty = self.signal.pending.load(Ordering::Acquire);
            let timeout = if dirty { self.rest_until.saturating_duration_since(now) } else { ASK_EVERY };
            // Whole milliseconds are what the kernel waits; a rest of less is no rest.
            let timeout = if timeout < Duration::from_millis(1) { Duration::ZERO } else { timeout };
            match self.poll.poll(&mut events, Some(timeout)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "the fan-out shard's readiness queue failed; its viewers are closed");
                    return;
                }
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.on_event(event.token().0, event.is_readable() || event.is_read_closed(), event.is_writable());
            }
            let now = Instant::now();
            if now >= self.rest_until && self.signal.pending.swap(false, Ordering::AcqRel) {
                if self.take_inbox() {
                    return;
                }
                self.walk();
                let took = now.elapsed();
                self.rest_until = now + took + took.min(self.config.coalesce_max);
            }
            if now.duration_since(self.swept) >= ASK_EVERY {
                self.swept = now;
                self.sweep(now);
            }
        }
    }

    /// True: stop.
    fn take_inbox(&mut self) -> bool {
        let (arrived, stopped) = {
            let mut inbox = self.inbox.lock();
            (std::mem::take(&mut inbox.viewers), inbox.stopped)
        };
        if stopped {
            let keys: Vec<_> = self.viewers.iter().map(|(key, _)| key).collect();
            for key in keys {
                self.close(key);
            }
            return true;
        }
        for viewer in arrived {
            if let Err(error) = self.admit(viewer) {
                tracing::debug!(%error, "a viewer left before it played");
            }
        }
        false
    }

    fn admit(&mut self, new: NewViewer) -> io::Result<()> {
        if self.viewers.len() >= self.config.viewers_max {
            tracing::warn!(viewers_max = self.config.viewers_max, "a viewer was refused: the shard is full");
            return Ok(());
        }
        let feed_key = (new.stream.id(), new.format);
        let mut socket = Socket::new(new.socket, self.config.unsent_bytes_max)?;
        let slot = self.viewers.vacant_entry();
        let key = slot.key();
        socket.register(self.poll.registry(), Token(key))?;
        let signal = self.signal.clone();
        let claims = new.right.claims();
        let in_play = claims.and_then(|claims| self.audience.plays(claims, new.format.protocol()));
        let counted = in_play.map(|in_play| Box::new(Counted { delivered: Delivered::default(), _in_play: in_play }));
        let feed = self.feeds.entry(feed_key).or_insert_with(|| Feed::new(new.stream, new.format, signal));
        slot.insert(Viewer {
            socket,
            feed: feed_key,
            first: if new.preamble.is_empty() { Vec::new() } else { vec![new.preamble] },
            cursor: None,
            tracks: None,
            blocked_since: None,
            right: new.right,
            place: feed.viewers.len(),
            told: false,
            counted,
        });
        self.counters.viewers.fetch_add(1, Ordering::Relaxed);
        feed.viewers.push(key);
        feed.listener.dirty.store(true, Ordering::Release);
        Ok(())
    }

    /// Sends every viewer what its stream has gained since the last walk.
    fn walk(&mut self) {
        let mut gone = Vec::new();
        let now = Instant::now();
        for feed in self.feeds.values_mut() {
            if !feed.listener.dirty.swap(false, Ordering::AcqRel) {
                continue;
            }
            let advanced = guarded(|| {
                feed.advance();
                Flow::Keep
            });
            if advanced == Flow::Close {
                gone.extend(&feed.viewers);
                continue;
            }
            for &key in &feed.viewers {
                let viewer = &mut self.viewers[key];
                // A socket that is full says so itself when it is not any more.
                if viewer.blocked_since.is_none()
                    && guarded(|| pump(viewer, feed, &self.config, &self.counters, now)) == Flow::Close
                {
                    gone.push(key);
                }
            }
        }
        for key in gone {
            self.close(key);
        }
    }

    fn on_event(&mut self, key: usize, readable: bool, writable: bool) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let mut flow = Flow::Keep;
        if readable {
            flow = hear(viewer);
        }
        if writable && flow == Flow::Keep && viewer.socket.holds() {
            match viewer.socket.flush() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // It took something, so its patience begins anew.
                    viewer.blocked_since = Some(Instant::now());
                    return;
                }
                Err(_) => flow = Flow::Close,
            }
        }
        if writable
            && flow == Flow::Keep
            && viewer.blocked_since.take().is_some()
            && let Some(feed) = self.feeds.get(&viewer.feed)
        {
            flow = guarded(|| pump(viewer, feed, &self.config, &self.counters, Instant::now()));
        }
        if flow == Flow::Close {
            self.close(key);
        }
    }

    /// Closes who takes nothing and who may not go on.
    fn sweep(&mut self, now: Instant) {
        let view = self.directory.view();
        let mut gone = Vec::new();
        for (key, viewer) in &mut self.viewers {
            tell(viewer, &self.feeds, &self.audience);
            let blocked = viewer.blocked_since.is_some_and(|since| now - since >= self.config.blocked_max);
            let may_play = viewer.right.holds(&view, now);
            if blocked {
                self.counters.cut.fetch_add(1, Ordering::Relaxed);
            }
            if !may_play {
                right::count_lost();
            }
            if blocked || !may_play {
                gone.push(key);
            }
        }
        for key in gone {
            self.close(key);
        }
    }

    fn close(&mut self, key: usize) {
        let Some(mut viewer) = self.viewers.try_remove(key) else { return };
        viewer.socket.flush().ok();
        tell(&mut viewer, &self.feeds, &self.audience);
        self.counters.viewers.fetch_sub(1, Ordering::Relaxed);
        if let Some(feed) = self.feeds.get_mut(&viewer.feed) {
            feed.viewers.swap_remove(viewer.place);
            // The last one has its place now: leaving costs the same however many stay.
            if let Some(moved) = feed.viewers.get(viewer.place) {
                self.viewers[*moved].place = viewer.place;
            }
            if feed.viewers.is_empty() {
                self.feeds.remove(&viewer.feed);
            }
        }
    }
}

/// Tells the audience what the viewer got since the last time.
fn tell(viewer: &mut Viewer, feeds: &HashMap<FeedKey, Feed>, audience: &Audience) {
    let Some(counted) = &mut viewer.counted else { return };
    let (Some(claims), Some(feed)) = (viewer.right.claims(), feeds.get(&viewer.feed)) else { return };
    for span in counted.delivered.take() {
        audience.got(claims, viewer.feed.1.protocol(), moments(&feed.stream, span));
    }
}

/// A panic closes whom it happened for and nobody else.
fn guarded(flow: impl FnOnce() -> Flow) -> Flow {
    catch_unwind(AssertUnwindSafe(flow)).unwrap_or_else(|_| {
        metrics::counter!("tayang_fan_out_panics_total").increment(1);
        Flow::Close
    })
}

/// Reads and forgets what a viewer says; a viewer in play only ever says that it leaves.
fn hear(viewer: &mut Viewer) -> Flow {
    let mut buffer = [0; 1_024];
    // Edge-triggered: read until there is no more, but never for ever. 64 KiB in one go is not a viewer's talk.
    for _ in 0..64 {
        match viewer.socket.read(&mut buffer) {
            Ok(0) => return Flow::Close,
            Ok(n) => {
                if viewer.feed.1.is_farewell(&buffer[..n]) {
                    return Flow::Close;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flow::Keep,
            Err(_) => return Flow::Close,
        }
    }
    Flow::Close
}

/// Gives a viewer that is waiting, or has fallen behind, its place at the newest key frame.
fn place(viewer: &mut Viewer, feed: &Feed, config: &FanOutConfig, counters: &FanOutCounters) {
    let behind = match viewer.cursor {
        None => true,
        Some(cursor) if !feed.has(cursor) => true,
        Some(cursor) => {
            let at_ms = feed.chunk(cursor).map_or(feed.head_ms, |chunk| chunk.time_ms);
            feed.head_ms - at_ms > config.lag_ms_max && feed.newest_start().is_some_and(|start| start.index > cursor)
        }
    };
    if !behind {
        return;
    }
    let joining = viewer.tracks.is_none();
    let Some(start) = feed.newest_start().filter(|start| viewer.cursor.is_none_or(|cursor| start.index >= cursor))
    else {
        viewer.cursor = None;
        return;
    };
    if joining {
        viewer.first.push(feed.format.stream_head(&start.tracks));
    } else {
        counters.skips.fetch_add(1, Ordering::Relaxed);
    }
    if viewer.tracks.as_ref().is_none_or(|tracks| !Arc::ptr_eq(tracks, &start.tracks)) {
        viewer.first.push(feed.format.configuration(&start.tracks, start.time_ms));
        viewer.tracks = Some(start.tracks.clone());
    }
    viewer.cursor = Some(start.index);
    if let Some(counted) = &mut viewer.counted {
        counted.delivered.jumps();
    }
}

/// Writes until the viewer has everything or takes no more.
fn pump(viewer: &mut Viewer, feed: &Feed, config: &FanOutConfig, counters: &FanOutCounters, now: Instant) -> Flow {
    loop {
        place(viewer, feed, config, counters);
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let (mut count, mut bytes) = (0, 0);
        for head in viewer.first.iter().take(SLICES_MAX) {
            slices[count] = IoSlice::new(head);
            count += 1;
            bytes += head.len();
        }
        if let Some(cursor) = viewer.cursor {
            for piece in feed.chunks_from(cursor).flat_map(|chunk| chunk.wire.pieces()) {
                if count == SLICES_MAX || bytes >= WRITE_BYTES_MAX {
                    break;
                }
                slices[count] = IoSlice::new(piece);
                bytes += piece.len();
                count += 1;
            }
        }
        if bytes == 0 {
            let over = feed.ended && viewer.cursor.is_none_or(|cursor| cursor >= feed.end_index());
            if over && !viewer.told {
                viewer.told = true;
                viewer.first.push(feed.format.farewell());
                continue;
            }
            return if over { Flow::Close } else { Flow::Keep };
        }
        counters.writes.fetch_add(1, Ordering::Relaxed);
        match viewer.socket.write(&slices[..count]) {
            Ok(0) => return Flow::Close,
            Ok(taken) => {
                counters.bytes.fetch_add(taken as u64, Ordering::Relaxed);
                advance(viewer, feed, taken);
                if taken < bytes || viewer.socket.holds() {
                    // The kernel is full; its event is armed by the short write.
                    viewer.blocked_since = Some(now);
                    return Flow::Keep;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                viewer.blocked_since.get_or_insert(now);
                return Flow::Keep;
            }
            Err(_) => return Flow::Close,
        }
    }
}

/// Moves a viewer on by `taken` bytes.
fn advance(viewer: &mut Viewer, feed: &Feed, mut taken: usize) {
    let mut done = 0;
    for head in &mut viewer.first {
        if taken < head.len() {
            head.advance(taken);
            taken = 0;
            break;
        }
        taken -= head.len();
        done += 1;
    }
    viewer.first.drain(..done);
    let Some(mut cursor) = viewer.cursor else { return };
    while taken > 0 {
        let Some(chunk) = feed.chunk(cursor) else { break };
        if let Some(tracks) = &chunk.tracks {
            viewer.tracks = Some(tracks.clone());
        }
        if let Some(counted) = &mut viewer.counted {
            counted.delivered.reaches(chunk.time_ms);
        }
        cursor += 1;
        if taken < chunk.wire.len() {
            push_rest(&mut viewer.first, &chunk.wire, taken);
            break;
        }
        taken -= chunk.wire.len();
    }
    viewer.cursor = Some(cursor);
}

/// What is behind the first `taken` bytes.
pub(super) fn push_rest(first: &mut Vec<Bytes>, wire: &Rendering, mut taken: usize) {
    for piece in wire.pieces() {
        let skipped = taken.min(piece.len());
        taken -= skipped;
        if skipped < piece.len() {
            first.push(piece.slice(skipped..));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_closes_whom_it_happened_for() {
        assert_eq!(guarded(|| Flow::Keep), Flow::Keep);
        assert_eq!(guarded(|| panic!("a bug")), Flow::Close);
    }
}
