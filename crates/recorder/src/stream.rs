//! The recorder's end at a live stream: takes what the packager gives out, and never makes it wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use media::{TrackId, UnixMillis};
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
    /// A gap is to be told before the next part, or before the end.
    gap: Option<(GapReason, UnixMillis)>,
    /// Configurations of which no part has come.
    unused: Vec<(TrackId, u32)>,
    /// Highest sequence number of which a part came.
    newest_msn: u64,
    finished: bool,
}

impl StreamRecorder {
    pub(crate) fn new(entry: Arc<Entry>, lane: Arc<Lane>, stream_queue_bytes_max: usize) -> Self {
        Self {
            entry,
            lane,
            stream_queue_bytes_max,
            gate: Gate::OPEN,
            gap: None,
            unused: Vec::new(),
            newest_msn: 0,
            finished: false,
        }
    }

    /// Takes one output. Shares its bytes, does not wait and does not fail: where the disk cannot follow, whole segments
    /// are left out, the gap is marked in the recording, and the alarm is raised until it goes on.
    pub fn push(&mut self, output: &Output) {
        match output {
            Output::Init(init) => self.push_init(init),
            Output::Part(part) => self.push_part(part),
            Output::Segment(segment) => {
                if !self.gate.is_shut() {
                    self.lane.send_small(Command::Seal(self.entry.clone(), segment.track, segment.msn));
                }
            }
            Output::Ended => self.end(),
        }
    }

    /// Media is missing from here on that never became parts: open segments end with what they have, and the gap is marked
    /// in the recording. It goes on with the next segment.
    pub fn missed(&mut self, at: UnixMillis) {
        if !self.gate.is_shut() {
            metrics::counter!("tayang_recording_gaps_total").increment(1);
            self.gate.shut(self.newest_msn);
            self.gap = Some((GapReason::Missed, at));
        }
    }

    /// One that replaces another before any part of it came is the only one that waits.
    fn push_init(&mut self, init: &packager::Init) {
        let track = init.track.id;
        if let Some(at) = self.unused.iter().position(|(unused, _)| *unused == track) {
            let (_, epoch) = self.unused.swap_remove(at);
            self.entry.drop_init(track, epoch);
        }
        self.unused.push((track, init.epoch));
        self.entry.add_init(Arc::new(Init {
            track: init.track.clone(),
            name: init.name.clone(),
            epoch: init.epoch,
            bytes: init.bytes.clone(),
        }));
    }

    fn push_part(&mut self, part: &Arc<packager::Part>) {
        self.newest_msn = self.newest_msn.max(part.msn);
        self.unused.retain(|unused| *unused != (part.track, part.epoch));
        let (entry, lane, max) = (&self.entry, &self.lane, self.stream_queue_bytes_max);
        // Half empty, so that one slow flush does not make a gap per segment.
        let room = || entry.queued_bytes.load(Ordering::Relaxed) <= max / 2 && lane.has_room_again();
        let keep = match self.gate.admit(part.msn, part.index, room) {
            Admission::Drop => false,
            Admission::Keep => true,
            Admission::KeepAfterGap => {
                self.tell_gap();
                true
            }
        };
        if keep && !self.lane.send_part(&self.entry, part, self.stream_queue_bytes_max) {
            self.gate.shut(part.msn);
            self.gap = Some((GapReason::Overflow, part.wall));
            if self.entry.set_stalled(Some(GapReason::Overflow)) {
                tracing::error!(recording = %self.entry.key, "recording stalled: parts come faster than the disk takes them");
            }
        }
        if self.gate.is_shut() {
            metrics::counter!("tayang_recording_parts_lost_total").increment(1);
        }
    }

    fn tell_gap(&mut self) {
        if let Some((why, at)) = self.gap.take() {
            self.lane.send_small(Command::Gap(self.entry.clone(), why, at));
            if why == GapReason::Overflow {
                self.entry.set_stalled(None);
            }
        }
    }

    /// The stream has ended: the recording is sealed, uploaded and made ready in the background.
    pub fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if !self.finished {
            self.finished = true;
            self.tell_gap();
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
