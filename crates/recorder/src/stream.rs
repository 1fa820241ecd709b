//! The recorder's end at a live stream: takes what the packager gives out, and never makes it wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use media::UnixMillis;
use packager::Output;

use crate::entry::Entry;
use crate::gate::{Admission, Gate};
use crate::index::{GapReason, Init};
use crate::lane::{Command, Lane};

/// Records one stream. Dropping it ends the recording as [`StreamRecorder::finish`] does.
#[derive(Debug)]
pub struct StreamRecorder {
    entry: Arc<Entry>,
    lane: Arc<Lane>,
    stream_queue_bytes_max: usize,
    gate: Gate,
    /// A gap is to be told before the next part.
    gap_at: Option<UnixMillis>,
    finished: bool,
}

impl StreamRecorder {
    pub(crate) fn new(entry: Arc<Entry>, lane: Arc<Lane>, stream_queue_bytes_max: usize) -> Self {
        Self { entry, lane, stream_queue_bytes_max, gate: Gate::OPEN, gap_at: None, finished: false }
    }

    /// Takes one output. Shares its bytes, does not wait and does not fail: where the disk cannot follow, whole segments
    /// are left out, the gap is marked in the recording, and the alarm is raised until it goes on.
    pub fn push(&mut self, output: &Output) {
        match output {
            Output::Init(init) => self.entry.add_init(Arc::new(Init {
                track: init.track.clone(),
                name: init.name.clone(),
                epoch: init.epoch,
                bytes: init.bytes.clone(),
            })),
            Output::Part(part) => self.push_part(part),
            Output::Segment(segment) => {
                if !self.gate.is_shut() {
                    self.lane.send_small(Command::Seal(self.entry.clone(), segment.track, segment.msn));
                }
            }
            Output::Ended => self.end(),
        }
    }

    fn push_part(&mut self, part: &Arc<packager::Part>) {
        let (entry, lane, max) = (&self.entry, &self.lane, self.stream_queue_bytes_max);
        // Half empty, so that one slow flush does not make a gap per segment.
        let room = || entry.queued_bytes.load(Ordering::Relaxed) <= max / 2 && lane.has_room_again();
        let keep = match self.gate.admit(part.msn, part.index, room) {
            Admission::Drop => false,
            Admission::Keep => true,
            Admission::KeepAfterGap => {
                let at = self.gap_at.take().unwrap_or(part.wall);
                self.lane.send_small(Command::Gap(self.entry.clone(), GapReason::Overflow, at));
                self.entry.set_stalled(None);
                true
            }
        };
        if keep && !self.lane.send_part(&self.entry, part, self.stream_queue_bytes_max) {
            self.gate.shut(part.msn);
            self.gap_at = Some(part.wall);
            if self.entry.set_stalled(Some(GapReason::Overflow)) {
                tracing::error!(recording = %self.entry.key, "recording stalled: parts come faster than the disk takes them");
            }
        }
        if self.gate.is_shut() {
            metrics::counter!("tayang_recording_parts_lost_total").increment(1);
        }
    }

    /// The stream has ended: the recording is sealed, uploaded and made ready in the background.
    pub fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if !self.finished {
            self.finished = true;
            self.entry.ended.store(true, Ordering::Relaxed);
            self.lane.send_small(Command::Finish(self.entry.clone()));
        }
    }
}

impl Drop for StreamRecorder {
    fn drop(&mut self) {
        self.end();
    }
}
