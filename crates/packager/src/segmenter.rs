//! Frames in, parts and segments out.
//!
//! One *leader* at a time decides where segments are cut: the first video track, else the first audio track, unless it has
//! fallen behind the others by more than `skew_max_ms`. The cuts hold for all tracks ([`grid`]); each track ([`lane`])
//! fills its own parts up to them. Nothing waits for a clock: what is held back is one video frame whose duration cannot
//! be told, and what runs ahead of the leader.

mod grid;
mod lane;
mod part;

use std::collections::VecDeque;
use std::sync::Arc;

use formats::container::cmaf;
use media::{Frame, MediaKind, StreamId, Ticks, Timescale, Track, TrackSet, UnixMillis};

use crate::{Config, Init, Output, Segment};
use grid::Grid;
pub(crate) use grid::Moment;
pub use grid::discontinuity_base;
use lane::{Accepted, Lane, Open};

/// Media time for which a discontinuity waits for a key frame of the leader, in milliseconds. Longer, and the tracks
/// whose configuration changed would be held up.
const DISCONTINUITY_WAIT_MS: i64 = 500;
/// Wall clock and media time may part by this much, in milliseconds, before the next key frame begins a segment, whose
/// EXT-X-PROGRAM-DATE-TIME says so.
const WALL_JUMP_MS: i64 = 1_000;
/// Frames too long for a part are gathered into a segment of their own of this length, in milliseconds.
const ISOLATED_SEGMENT_MS: i64 = 500;
/// Samples that lie further than this before the first segment that they may go into are left out, in
/// milliseconds: with them, it could round to more than TARGETDURATION.
const EARLY_MAX_MS: i64 = 400;
/// Segments made for other tracks in one gap of the leader: a minute of the usual 4 s, six times the longest step that
/// the hub lets pass.
const GAP_CUTS_MAX: usize = 15;
/// Samples a track may have in line while it waits for the leader.
const QUEUE_LEN_MAX: usize = 4_096;
/// Their bytes: 32 MiB is a second of 250 Mbit/s.
const QUEUE_BYTES_MAX: usize = 32 << 20;
/// Bytes after which a segment ends, with or without a key frame: 4 s of 64 Mbit/s. Times that stand still would never
/// end it.
const SEGMENT_BYTES_MAX: usize = 32 << 20;

/// What was not ordinary, since the start. Monotone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames of tracks that are not packaged: unknown, or without a CMAF mapping.
    pub frames_untracked: u64,
    /// Video frames before the first key frame of their configuration.
    pub frames_before_key: u64,
    /// Frames without bytes.
    pub frames_empty: u64,
    /// Audio frames left out because the sample count had run ahead of the stream's time.
    pub audio_frames_dropped: u64,
    /// Jumps of `tfdt`: gaps that the sender left and that were too long to bridge.
    pub reanchored: u64,
    /// Segments of the leader that begin without a key frame.
    pub cuts_without_key: u64,
    /// Samples longer than PART-TARGET.
    pub samples_over_target: u64,
    /// Samples left out because no segment has room for their time: before the first segment that they may go into, or
    /// in a gap that was cut while the track was away, or still waiting for one when the track left.
    pub samples_unplaced: u64,
    /// Tracks that no init segment can be written for.
    pub tracks_refused: u64,
    /// Parts lost because their boxes could not be written.
    pub parts_refused: u64,
}

/// Packages one stream. After any `&mut self` call, drain [`Packager::poll_output`].
#[derive(Debug)]
pub struct Packager {
    config: Config,
    stream: StreamId,
    grid: Grid,
    lanes: Vec<Lane>,
    outputs: VecDeque<Output>,
    counters: Counters,
    /// A discontinuity is due, since this time.
    pending: Option<Moment>,
    /// The leader's next key frame begins a segment, whatever the length of the open one.
    cut_at_key: bool,
    /// The open segment is for samples that are too long for a part.
    isolated: bool,
    /// Wall clock less media time at the newest cut, in milliseconds.
    wall_offset_ms: i64,
    ended: bool,
}

impl Packager {
    /// A packager whose first segment has the media sequence number `msn_base`. So has its discontinuity sequence, so
    /// that neither goes back from one stream of a channel to the next.
    #[must_use]
    pub fn new(config: Config, stream: StreamId, msn_base: u64) -> Self {
        Self {
            config,
            stream,
            grid: Grid::new(msn_base),
            lanes: Vec::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            pending: None,
            cut_at_key: false,
            isolated: false,
            wall_offset_ms: 0,
            ended: false,
        }
    }

    /// The stream it was made for.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// What was not ordinary so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The next output, in the order in which things became final.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// From the next frame on these are the tracks. Tracks without a CMAF mapping are left out. A changed configuration
    /// is a discontinuity whatever `discontinuity` says.
    pub fn set_tracks(&mut self, tracks: &TrackSet, discontinuity: bool) {
        if self.ended {
            return;
        }
        let joined = self.stream_head();
        let mut changed = discontinuity;
        for at in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get(at).filter(|lane| lane.active) else { continue };
            let new = tracks.get(lane.track.id).filter(|track| track.codec.has_cmaf());
            if new.is_none_or(|new| **new != *lane.track) {
                changed = true;
                let leaves = new.is_none_or(|new| new.kind() != lane.track.kind());
                self.finish_lane(at);
                if let Some(lane) = self.lanes.get_mut(at) {
                    lane.active = !leaves;
                }
            }
        }
        for track in tracks.iter() {
            self.put_track(track, joined);
        }
        if changed && self.grid.newest().is_some() {
            self.pending.get_or_insert(joined);
        }
        self.drain(false);
    }

    /// Takes the next frame. Times are stream time; per track they do not go back. `wall` is the server's clock at the
    /// frame's decode time. A frame that cannot be used is counted and left out.
    pub fn push(&mut self, frame: &Frame, wall: UnixMillis) {
        let gap_max_ms = self.config.segment_max_ms;
        let at = self.lanes.iter().position(|lane| lane.active && lane.track.id == frame.track);
        let Some((at, lane)) = at.and_then(|at| Some((at, self.lanes.get_mut(at)?))).filter(|_| !self.ended) else {
            self.counters.frames_untracked += 1;
            return;
        };
        match lane.accept(frame, wall, gap_max_ms) {
            Accepted::Yes => {}
            Accepted::AfterGap => self.counters.reanchored += 1,
            Accepted::BeforeKey => {
                self.counters.frames_before_key += 1;
                return;
            }
            Accepted::AudioAhead => {
                self.counters.audio_frames_dropped += 1;
                return;
            }
            Accepted::Empty => {
                self.counters.frames_empty += 1;
                return;
            }
        }
        if let Some(leader) = self.leader() {
            if leader == at {
                self.isolate_long_sample(at);
            }
            self.decide_cuts(leader);
        }
        self.drain(false);
        self.bound_queue(at);
    }

    /// The publisher has gone quiet: what came becomes parts, so that it can be played. The segment stays open; the next
    /// key frame begins another, which carries the wall clock of its own time.
    pub fn flush(&mut self) {
        for lane in &mut self.lanes {
            lane.settle();
        }
        match (self.grid.newest(), self.lanes.iter().position(|lane| !lane.queue.is_empty())) {
            (None, Some(waiting)) => self.decide_cuts(waiting),
            (Some(newest), _) if self.pending.is_some() => {
                // Who waits for the segment after the discontinuity gets it now.
                let waits = |lane: &&Lane| lane.open.is_none() && lane.msn_min > newest.msn;
                let firsts = self
                    .lanes
                    .iter()
                    .filter(waits)
                    .filter_map(|lane| Some(Moment::new(lane.queue.front()?.start, lane.scale())));
                if let Some(first) = firsts.min() {
                    self.grid.push(first.max(newest.at), true);
                    self.pending = None;
                }
            }
            _ => {}
        }
        self.drain(true);
        self.cut_at_key = true;
    }

    /// The stream is over: everything becomes final. Later calls change nothing.
    pub fn end(&mut self) {
        if self.ended {
            return;
        }
        self.flush();
        for at in 0..self.lanes.len() {
            self.close_segment(at);
        }
        self.outputs.push_back(Output::Ended);
        self.ended = true;
    }

    fn put_track(&mut self, track: &Arc<Track>, joined: Moment) {
        if !track.codec.has_cmaf() {
            return;
        }
        // A track number that comes back as another kind of media gets a lane of its own.
        let same = |lane: &Lane| lane.track.id == track.id && lane.track.kind() == track.kind();
        let known = self.lanes.iter().position(same);
        let unchanged = |lane: &Lane| *lane.track == **track;
        if let Some(lane) = known.and_then(|at| self.lanes.get_mut(at)).filter(|lane| unchanged(lane)) {
            if !lane.active {
                lane.rejoin(joined);
            }
            return;
        }
        let Ok(bytes) = cmaf::init_segment(track) else {
            self.counters.tracks_refused += 1;
            if let Some(lane) = known.and_then(|at| self.lanes.get_mut(at)) {
                lane.active = false;
            }
            return;
        };
        let lane = match known.and_then(|at| self.lanes.get_mut(at)) {
            Some(lane) => {
                lane.reconfigure(track.clone());
                if !lane.active {
                    lane.rejoin(joined);
                }
                lane
            }
            None => {
                let name = self.name_for(track.kind());
                self.lanes.push(Lane::new(track.clone(), name, joined));
                match self.lanes.last_mut() {
                    Some(lane) => lane,
                    None => return,
                }
            }
        };
        let init = Init { track: track.clone(), name: lane.name.clone(), epoch: lane.epoch, bytes };
        self.outputs.push_back(Output::Init(Arc::new(init)));
    }

    /// `video`, `video1`, `video2` … in order of appearance.
    fn name_for(&self, kind: MediaKind) -> Arc<str> {
        let base = match kind {
            MediaKind::Video => "video",
            MediaKind::Audio => "audio",
        };
        match self.lanes.iter().filter(|lane| lane.track.kind() == kind).count() {
            0 => base.into(),
            n => format!("{base}{n}").into(),
        }
    }

    /// Everything of a track becomes final, because it changes or leaves.
    fn finish_lane(&mut self, at: usize) {
        let Some(lane) = self.lanes.get_mut(at) else { return };
        lane.settle();
        if self.grid.newest().is_none() {
            self.decide_cuts(at);
        }
        self.drain_lane(at, None, true);
        self.close_segment(at);
        if let Some(lane) = self.lanes.get_mut(at) {
            self.counters.samples_unplaced += lane.queue.len() as u64;
            lane.queue.clear();
        }
    }

    /// Start of the newest sample of any track.
    fn stream_head(&self) -> Moment {
        self.active().map(|(_, lane)| lane.head).max().unwrap_or(Moment::new(Ticks::ZERO, Timescale::MILLIS))
    }

    fn active(&self) -> impl Iterator<Item = (usize, &Lane)> {
        self.lanes.iter().enumerate().filter(|(_, lane)| lane.active)
    }

    /// The track that cuts segments now.
    fn leader(&self) -> Option<usize> {
        let head = self.stream_head();
        let in_step = |lane: &Lane| head.millis_since(lane.head) <= i64::from(self.config.skew_max_ms);
        self.active()
            .filter(|(_, lane)| in_step(lane))
            .min_by_key(|(_, lane)| (!lane.is_video(), lane.track.id))
            .map(|(at, _)| at)
    }

    /// Looks at the leader's samples that it has not looked at yet.
    fn decide_cuts(&mut self, leader: usize) {
        let Some(lane) = self.lanes.get_mut(leader) else { return };
        let mut joins = !lane.started && lane.decided == Ticks(i64::MIN);
        let samples: Vec<Candidate> = lane
            .queue
            .iter()
            .chain(&lane.held)
            .filter(|sample| sample.start >= lane.decided)
            .map(|sample| Candidate {
                at: Moment::new(sample.start, lane.scale()),
                key: sample.key,
                gap: sample.long_gap,
                joins: std::mem::take(&mut joins),
                wall: sample.wall,
            })
            .collect();
        if let Some(newest) = samples.last() {
            lane.decided = newest.at.ticks.plus(Ticks(1));
        }
        for sample in samples {
            self.decide_cut(leader, sample);
        }
    }

    fn decide_cut(&mut self, leader: usize, sample: Candidate) {
        let Some(lane) = self.lanes.get(leader) else { return };
        let offset_ms = sample.wall.0 - sample.at.ticks.millis(sample.at.scale);
        let Some(newest) = self.grid.newest() else {
            let earliest = self.active().filter_map(|(_, lane)| {
                let first = lane.queue.front().or(lane.held.as_ref())?;
                Some(Moment::new(first.start, lane.scale()))
            });
            let earliest = earliest.min().unwrap_or(sample.at).min(sample.at);
            self.grid.push(earliest, false);
            if sample.at.millis_since(earliest) > EARLY_MAX_MS {
                self.cut(sample.at, false);
            }
            self.wall_offset_ms = offset_ms;
            return;
        };
        if sample.at <= newest.at {
            return;
        }
        let elapsed_ms = sample.at.millis_since(newest.at);
        let tolerance_ms = Ticks(lane.expected_duration() / 2).millis(lane.scale());
        let (target_ms, max_ms) = (i64::from(self.config.segment_target_ms), i64::from(self.config.segment_max_ms));
        let due = self.pending.is_some_and(|since| sample.at.millis_since(since) >= DISCONTINUITY_WAIT_MS);
        let discontinuity = sample.gap || due || (self.pending.is_some() && sample.key);
        let at_key = elapsed_ms + tolerance_ms >= target_ms
            || self.cut_at_key
            || (offset_ms - self.wall_offset_ms).abs() > WALL_JUMP_MS;
        let must = elapsed_ms >= max_ms - i64::from(self.config.part_limit_ms())
            || lane.open.as_ref().is_some_and(|open| open.bytes > SEGMENT_BYTES_MAX)
            || (self.isolated && elapsed_ms >= ISOLATED_SEGMENT_MS);
        if discontinuity || sample.joins || (sample.key && at_key) || must {
            self.cut(sample.at, discontinuity);
            self.counters.cuts_without_key += u64::from(!sample.key);
            self.wall_offset_ms = offset_ms;
            self.isolated = false;
            if discontinuity {
                self.pending = None;
            }
            if sample.key {
                self.cut_at_key = false;
            }
        }
    }

    /// Begins the next segment at `at`. Should that be more than a segment away, because the leader left a gap, other
    /// tracks may have something to show meanwhile: they get segments of their own numbers, which the leader skips.
    fn cut(&mut self, at: Moment, discontinuity: bool) {
        let max_ms = i64::from(self.config.segment_max_ms.max(1));
        let alone = self.active().count() < 2;
        let mut left = if alone { 0 } else { GAP_CUTS_MAX };
        while let Some(newest) = self.grid.newest().filter(|newest| left > 0 && at.millis_since(newest.at) > max_ms) {
            let step = Ticks(max_ms).rescale(Timescale::MILLIS, newest.at.scale);
            self.grid.push(Moment::new(newest.at.ticks.plus(step), newest.at.scale), false);
            left -= 1;
        }
        self.grid.push(at, discontinuity);
    }

    /// A sample longer than PART-TARGET cannot be a part by the rules of HLS: it gets a segment that is listed without
    /// parts. Called for the leader when its newest queued sample just got its duration.
    fn isolate_long_sample(&mut self, leader: usize) {
        let limit_ms = i64::from(self.config.part_limit_ms());
        let Some(lane) = self.lanes.get(leader) else { return };
        let (Some(sample), Some(newest)) = (lane.queue.back(), self.grid.newest()) else { return };
        let at = Moment::new(sample.start, lane.scale());
        if at < newest.at {
            return;
        }
        let over = i64::from(sample.duration) > lane.ticks_of_millis(limit_ms).0;
        let length_ms = Moment::new(sample.end(), lane.scale()).millis_since(newest.at);
        let fits = self.isolated == over && length_ms <= i64::from(self.config.segment_max_ms);
        if !fits && at > newest.at && (over || self.isolated) {
            self.counters.cuts_without_key += u64::from(!sample.key);
            self.cut(at, false);
        }
        self.isolated = over;
    }

    fn drain(&mut self, force: bool) {
        let Some(leader) = self.leader() else { return };
        let horizon = self.lanes.get(leader).map(|lane| lane.head);
        for at in 0..self.lanes.len() {
            let horizon = if at == leader || force { None } else { horizon };
            self.drain_lane(at, horizon, force);
        }
    }

    /// Makes parts of what is in line. `horizon`: up to where cuts are known; `force`: nothing more will come soon.
    fn drain_lane(&mut self, at: usize, horizon: Option<Moment>, force: bool) {
        while let Some(lane) = self.lanes.get_mut(at).filter(|lane| lane.active) {
            let scale = lane.scale();
            let first = lane.queue.front().map(|sample| sample.start);
            let next_cut = lane.open.as_ref().and_then(|open| self.grid.after(open.msn));
            let front = first.or(lane.next_start());
            if next_cut.zip(front).is_some_and(|(cut, front)| Moment::new(front, scale) >= cut.at) {
                self.close_segment(at);
                continue;
            }
            if lane.open.is_none() {
                let Some(first) = first.map(|first| Moment::new(first, scale)) else { break };
                if horizon.is_some_and(|horizon| first > horizon) || !self.open_segment(at, first) {
                    break;
                }
                continue;
            }
            let longest = lane.ticks_of_millis(i64::from(self.config.segment_max_ms) + EARLY_MAX_MS);
            let full = lane.open.as_ref().and_then(|open| Some(open.parts.first()?.start.plus(longest)));
            let over_long = next_cut.is_some() && full.zip(first).is_some_and(|(full, first)| first >= full);
            // Only a track that does not cut gets this far beyond: the leader's segment has ended.
            let over_large = lane.open.as_ref().is_some_and(|open| open.bytes > 2 * SEGMENT_BYTES_MAX);
            if first.is_some() && (over_long || over_large) {
                lane.queue.pop_front();
                self.counters.samples_unplaced += 1;
                continue;
            }
            let bounds = part::Bounds::new(&self.config, lane, next_cut.map(|cut| cut.at), full, horizon, force);
            match part::measure(lane, &bounds) {
                part::Fill::Full(samples) => self.emit_part(at, samples),
                part::Fill::Expected => lane.settle(),
                part::Fill::Waits => break,
            }
        }
    }

    /// Opens the segment that `first` goes into, or leaves `first` out because it lies too far before it. False: there is
    /// no such segment yet.
    fn open_segment(&mut self, at: usize, first: Moment) -> bool {
        let Some(lane) = self.lanes.get_mut(at) else { return false };
        let Some(cut) = self.grid.covering(first, lane.msn_min) else { return false };
        if cut.at.millis_since(first) > EARLY_MAX_MS {
            lane.queue.pop_front();
            self.counters.samples_unplaced += 1;
            return true;
        }
        lane.msn_min = cut.msn + 1;
        lane.open = Some(Open {
            msn: cut.msn,
            discontinuity_sequence: cut.discontinuity_sequence,
            discontinuity: lane.discontinuity_sequence.is_some_and(|before| before != cut.discontinuity_sequence),
            parts: Vec::new(),
            bytes: 0,
        });
        true
    }

    fn emit_part(&mut self, at: usize, samples: usize) {
        let leads = self.leader() == Some(at);
        let Some(lane) = self.lanes.get_mut(at) else { return };
        let limits = part::Limits {
            part_max: lane.ticks_of_millis(i64::from(self.config.part_limit_ms())),
            segment_max: lane.ticks_of_millis(i64::from(self.config.segment_max_ms) + EARLY_MAX_MS),
            prft: leads,
        };
        match part::build(lane, samples, &limits) {
            Ok(part) => {
                self.counters.samples_over_target += u64::from(part.over_target);
                self.outputs.push_back(Output::Part(part));
            }
            Err(_) => self.counters.parts_refused += 1,
        }
    }

    fn close_segment(&mut self, at: usize) {
        let Some(lane) = self.lanes.get_mut(at) else { return };
        let Some(open) = lane.open.take() else { return };
        let (Some(first), Some(last)) = (open.parts.first(), open.parts.last()) else { return };
        let segment = Segment {
            track: lane.track.id,
            epoch: lane.epoch,
            msn: open.msn,
            start: first.start,
            duration: last.end().minus(first.start),
            timescale: lane.track.timescale,
            independent: first.samples.first().is_some_and(|sample| sample.key),
            discontinuity: open.discontinuity,
            discontinuity_sequence: open.discontinuity_sequence,
            wall: first.wall,
            bytes_len: open.parts.iter().map(|part| part.bytes.len() as u64).sum(),
            parts: open.parts.into(),
        };
        self.outputs.push_back(Output::Segment(Arc::new(segment)));
    }

    /// A track that waits for the leader with too much in line stops waiting.
    fn bound_queue(&mut self, at: usize) {
        let is_over = |lane: &Lane| lane.queue.len() > QUEUE_LEN_MAX || lane.queue_bytes() > QUEUE_BYTES_MAX;
        if !self.lanes.get(at).is_some_and(is_over) {
            return;
        }
        if self.grid.newest().is_none() {
            self.decide_cuts(at);
        }
        self.drain_lane(at, None, true);
        if let Some(lane) = self.lanes.get_mut(at) {
            // Still there: it waits for a segment of a later number than any. What is oldest goes.
            let mut bytes = lane.queue_bytes();
            while lane.queue.len() > QUEUE_LEN_MAX / 2 || bytes > QUEUE_BYTES_MAX / 2 {
                let Some(oldest) = lane.queue.pop_front() else { break };
                bytes -= oldest.payload.len();
                self.counters.samples_unplaced += 1;
            }
        }
    }
}

/// A sample at which a segment may begin.
#[derive(Clone, Copy)]
struct Candidate {
    at: Moment,
    key: bool,
    gap: bool,
    /// First of its track.
    joins: bool,
    wall: UnixMillis,
}

#[cfg(test)]
pub(crate) mod tests;
