//! An I/O thread and the bounded queue in front of it. All journal writes of a stream happen on its lane, in order.
//!
//! Parts are bounded by bytes, per lane and per stream; commands that carry no media are few (a constant number per
//! stream, segment and upload) and always taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use media::{TrackId, UnixMillis};
use parking_lot::{Condvar, Mutex};

use crate::entry::Entry;
use crate::index::GapReason;
use crate::journal::record::Header;
use crate::journal::writer::Journal;

mod worker;

pub(crate) use worker::{Worker, WorkerConfig};

/// What a queued command costs besides its media bytes.
const COMMAND_BYTES: usize = 256;

/// Work for an I/O thread.
#[derive(Debug)]
pub(crate) enum Command {
    /// A stream begins.
    Begin(Arc<Entry>, Header),
    /// A journal from before this start takes its last records.
    Adopt(Arc<Entry>, Box<Journal>),
    Part(Arc<Entry>, Arc<packager::Part>),
    /// The segment is complete.
    Seal(Arc<Entry>, TrackId, u64),
    /// Parts were left out before the next one.
    Gap(Arc<Entry>, GapReason, UnixMillis),
    /// The stream has ended.
    Finish(Arc<Entry>),
    /// The object store has the segment.
    Stored(Arc<Entry>, TrackId, u64),
    /// The segment is damaged.
    Drop(Arc<Entry>, TrackId, u64),
    /// All of it is in the object store: the folder goes, and with it the recording from the registry.
    Remove(Arc<Entry>),
    /// Write and flush everything, then stop.
    Shutdown,
}

#[derive(Debug, Default)]
struct Queue {
    commands: VecDeque<Command>,
    bytes: usize,
}

/// The queue of one I/O thread.
#[derive(Debug)]
pub(crate) struct Lane {
    queue: Mutex<Queue>,
    filled: Condvar,
    bytes_max: usize,
    gauge: metrics::Gauge,
}

impl Lane {
    pub(crate) fn new(number: usize, bytes_max: usize) -> Self {
        let gauge = metrics::gauge!("tayang_recording_queue_bytes", "lane" => number.to_string());
        Self { queue: Mutex::default(), filled: Condvar::new(), bytes_max, gauge }
    }

    /// Queues a part. False if the lane or the stream has too many bytes waiting.
    pub(crate) fn send_part(&self, entry: &Arc<Entry>, part: &Arc<packager::Part>, stream_bytes_max: usize) -> bool {
        let cost = cost_of(part);
        let mut queue = self.queue.lock();
        let stream_bytes = entry.queued_bytes.load(Ordering::Relaxed);
        // A part that alone exceeds a bound still passes when nothing else waits: frames are bounded at the edge.
        let lane_full = queue.bytes > 0 && queue.bytes + cost > self.bytes_max;
        let stream_full = stream_bytes > 0 && stream_bytes + cost > stream_bytes_max;
        if lane_full || stream_full {
            return false;
        }
        entry.queued_bytes.fetch_add(cost, Ordering::Relaxed);
        queue.bytes += cost;
        queue.commands.push_back(Command::Part(entry.clone(), part.clone()));
        drop(queue);
        self.filled.notify_one();
        true
    }

    /// Queues a command without media.
    pub(crate) fn send_small(&self, command: Command) {
        self.queue.lock().commands.push_back(command);
        self.filled.notify_one();
    }

    /// Whether a stream that lost parts may go on.
    pub(crate) fn has_room_again(&self) -> bool {
        self.queue.lock().bytes <= self.bytes_max / 2
    }

    /// Bytes of the parts that wait.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes
    }

    /// The next command; `None` if there is none within `wait`.
    fn next(&self, wait: Duration) -> Option<Command> {
        let mut queue = self.queue.lock();
        if queue.commands.is_empty() {
            let until = Instant::now() + wait;
            while queue.commands.is_empty() && !self.filled.wait_until(&mut queue, until).timed_out() {}
        }
        let command = queue.commands.pop_front()?;
        if let Command::Part(entry, part) = &command {
            let cost = cost_of(part);
            queue.bytes = queue.bytes.saturating_sub(cost);
            entry.queued_bytes.fetch_sub(cost, Ordering::Relaxed);
        }
        let bytes = queue.bytes;
        drop(queue);
        self.gauge.set(bytes as f64);
        Some(command)
    }
}

fn cost_of(part: &packager::Part) -> usize {
    part.bytes.len() + COMMAND_BYTES
}
