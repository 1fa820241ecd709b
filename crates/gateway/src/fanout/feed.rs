//! One stream in one wire format on one shard: the shared bytes that the shard's viewers of it walk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hub::{Entry, Item, Listener, Rendering, Stream};
use media::TrackSet;

use super::shard::Signal;
use crate::wire::WireFormat;

/// Entries taken from the hub under one lock.
const READ_MAX: usize = 256;
/// Bytes a feed keeps. They are the hub's own, so this bounds what outlives the hub's log.
const FEED_BYTES_MAX: usize = 32 << 20;
/// Media time kept behind the newest key frame, for viewers in the middle of the GOP before.
const KEEP_MS: i64 = 4_000;

/// Wakes a shard when the stream of one of its feeds advanced.
pub(super) struct FeedListener {
    pub(super) dirty: AtomicBool,
    pub(super) signal: Arc<Signal>,
}

impl Listener for FeedListener {
    fn advanced(&self) {
        if !self.dirty.swap(true, Ordering::AcqRel) {
            self.signal.wake();
        }
    }
}

pub(super) struct Chunk {
    pub(super) wire: Rendering,
    pub(super) time_ms: i64,
    /// Tracks in force from this chunk on, where it announces them.
    pub(super) tracks: Option<Arc<TrackSet>>,
}

#[derive(Clone)]
pub(super) struct Start {
    pub(super) index: u64,
    pub(super) tracks: Arc<TrackSet>,
    pub(super) time_ms: i64,
}

/// Where a viewer would start, and the tracks there: what is older is of no use to anybody here.
fn beginning(stream: &Stream) -> (u64, Arc<TrackSet>) {
    match stream.start_point() {
        Some(start) => (start.seq, start.tracks),
        None => (stream.next_seq(), stream.tracks()),
    }
}

pub(super) struct Feed {
    pub(super) stream: Arc<Stream>,
    pub(super) format: WireFormat,
    pub(super) listener: Arc<FeedListener>,
    pub(super) viewers: Vec<usize>,
    pub(super) ended: bool,
    pub(super) head_ms: i64,
    next_seq: u64,
    chunks: VecDeque<Chunk>,
    first_index: u64,
    bytes: usize,
    starts: VecDeque<Start>,
    tracks: Arc<TrackSet>,
    scratch: Vec<Arc<Entry>>,
}

impl Feed {
    pub(super) fn new(stream: Arc<Stream>, format: WireFormat, signal: Arc<Signal>) -> Self {
        let listener = Arc::new(FeedListener { dirty: AtomicBool::new(true), signal });
        stream.subscribe(&listener);
        let (next_seq, tracks) = beginning(&stream);
        Self {
            stream,
            format,
            listener,
            viewers: Vec::new(),
            ended: false,
            head_ms: 0,
            next_seq,
            chunks: VecDeque::new(),
            first_index: 0,
            bytes: 0,
            starts: VecDeque::new(),
            tracks,
            scratch: Vec::new(),
        }
    }

    /// Takes what the stream has gained.
    pub(super) fn advance(&mut self) {
        loop {
            let mut entries = std::mem::take(&mut self.scratch);
            let read = self.stream.read(self.next_seq, READ_MAX, &mut entries);
            self.next_seq = read.next;
            if read.missed > 0 {
                tracing::warn!(channel = %self.stream.path(), missed = read.missed, "a feed fell behind the stream's log");
                metrics::counter!("tayang_fan_out_missed_total").increment(read.missed);
                entries.clear();
                self.scratch = entries;
                self.begin_anew();
                continue;
            }
            for entry in entries.drain(..) {
                self.take(&entry);
            }
            let more = self.next_seq < self.stream.next_seq();
            self.scratch = entries;
            self.ended = read.ended;
            if !more {
                break;
            }
        }
        self.trim();
    }

    /// What was missed may have held a configuration and a key frame: everybody goes on where a newcomer would. One number is
    /// left out, so that no viewer's place is what follows the hole.
    fn begin_anew(&mut self) {
        self.first_index = self.end_index() + 1;
        self.chunks.clear();
        self.starts.clear();
        self.bytes = 0;
        (self.next_seq, self.tracks) = beginning(&self.stream);
    }

    fn take(&mut self, entry: &Arc<Entry>) {
        let format = self.format;
        let tracks = match &entry.item {
            Item::Tracks { tracks, .. } => {
                self.tracks = tracks.clone();
                Some(tracks.clone())
            }
            Item::Frame { .. } | Item::Stalled | Item::Resumed => None,
        };
        let time_ms = entry.time_ms();
        let wire = entry.wire(format.slot(), |item| format.render(item, time_ms)).clone();
        if wire.is_empty() {
            return;
        }
        let index = self.first_index + self.chunks.len() as u64;
        if entry.start {
            self.starts.push_back(Start { index, tracks: self.tracks.clone(), time_ms });
        }
        self.head_ms = self.head_ms.max(entry.head_ms);
        self.bytes += wire.len();
        self.chunks.push_back(Chunk { wire, time_ms, tracks });
    }

    fn trim(&mut self) {
        let newest_start = self.starts.back().map_or(u64::MAX, |start| start.index);
        while let Some(oldest) = self.chunks.front() {
            let needed = self.first_index >= newest_start || self.head_ms - oldest.time_ms <= KEEP_MS;
            if needed && self.bytes <= FEED_BYTES_MAX {
                break;
            }
            self.bytes -= oldest.wire.len();
            self.first_index += 1;
            self.chunks.pop_front();
        }
        while self.starts.front().is_some_and(|start| start.index < self.first_index) {
            self.starts.pop_front();
        }
    }

    pub(super) fn newest_start(&self) -> Option<&Start> {
        self.starts.back()
    }

    pub(super) fn end_index(&self) -> u64 {
        self.first_index + self.chunks.len() as u64
    }

    pub(super) fn has(&self, index: u64) -> bool {
        index >= self.first_index
    }

    pub(super) fn chunk(&self, index: u64) -> Option<&Chunk> {
        self.chunks.get(usize::try_from(index.checked_sub(self.first_index)?).ok()?)
    }

    /// The chunks from `index` on.
    pub(super) fn chunks_from(&self, index: u64) -> impl Iterator<Item = &Chunk> {
        let skip = usize::try_from(index.saturating_sub(self.first_index)).unwrap_or(usize::MAX);
        self.chunks.range(skip.min(self.chunks.len())..)
    }
}
