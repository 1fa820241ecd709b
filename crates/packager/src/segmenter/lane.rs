//! One track on its way into parts: sample durations, decode times without gaps, and the samples not yet in a part.
//!
//! A video sample's duration is the time to the next one. Decode times are smoothed so that they never gap: when a part
//! was given out with an expected duration and the next frame comes a little early or late, the frame's *decode* time is
//! moved to follow, and its composition offset takes up the difference, so presentation times stay exact.
//! Audio times come from sample counts.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use formats::codec::opus;
use media::{Codec, Frame, MediaKind, Ticks, Timescale, Track, UnixMillis};

use super::grid::Moment;
use crate::output::Part;

/// Audio's sample count and the stream's time may part by this much, in milliseconds, before the count gives way:
/// below the 80 ms at which people notice sound that is late (ITU-R BT.1359), above any jitter of millisecond stamps.
pub(crate) const AUDIO_DRIFT_MAX_MS: i64 = 60;
/// Intervals that the expected frame duration is averaged over.
const CADENCE_LEN: usize = 8;
/// What a video frame lasts when nothing is known, in milliseconds.
const FRAME_DEFAULT_MS: i64 = 33;
/// Frames whose intervals all lie this close to their mean, in milliseconds, have a duration that can be expected:
/// what rounding to milliseconds does to a steady rate.
const CADENCE_JITTER_MS: i64 = 2;

/// A sample whose duration is known.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) start: Ticks,
    pub(crate) duration: u32,
    pub(crate) cts: i32,
    pub(crate) key: bool,
    /// `start` does not follow from the sample before.
    pub(crate) reanchored: bool,
    /// And by more than a segment: nothing of the gap can be shown.
    pub(crate) long_gap: bool,
    pub(crate) wall: UnixMillis,
    pub(crate) payload: Bytes,
}

impl Queued {
    pub(crate) fn end(&self) -> Ticks {
        self.start.plus(Ticks(i64::from(self.duration)))
    }
}

/// What became of a frame that was offered to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is in line.
    Yes,
    /// It is in line after a gap that was too long to bridge.
    AfterGap,
    /// Video must start with a key frame.
    BeforeKey,
    /// Audio's sample count had run ahead of the stream's time; leaving a frame out brings it back.
    AudioAhead,
    /// It has no bytes.
    Empty,
}

/// Segment that a lane is filling.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) msn: u64,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) discontinuity: bool,
    pub(crate) parts: Vec<Arc<Part>>,
    /// Of the parts.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) track: Arc<Track>,
    pub(crate) name: Arc<str>,
    pub(crate) epoch: u32,
    /// False once the track left the stream.
    pub(crate) active: bool,
    /// `mfhd` sequence number of the next part.
    pub(crate) sequence: u32,
    pub(crate) queue: VecDeque<Queued>,
    /// Newest video sample, whose duration is not known.
    pub(crate) held: Option<Queued>,
    /// Where the next sample starts.
    pub(crate) cursor: Option<Ticks>,
    /// Start of the newest sample; before there is one, where the stream was when the track joined.
    pub(crate) head: Moment,
    pub(crate) open: Option<Open>,
    /// No segment before this one may be opened.
    pub(crate) msn_min: u64,
    /// Has given out a part.
    pub(crate) started: bool,
    /// Where its newest part ends.
    pub(crate) emitted_end: Option<Ticks>,
    /// Of the newest part.
    pub(crate) discontinuity_sequence: Option<u64>,
    /// Queued samples from here on have not been looked at for cuts.
    pub(crate) decided: Ticks,
    awaiting_key: bool,
    /// Left the stream and came back: what is missing between is a gap, however short.
    rejoining: bool,
    last_dts: Option<Ticks>,
    cadence: VecDeque<i64>,
}

impl Lane {
    pub(crate) fn new(track: Arc<Track>, name: Arc<str>, joined: Moment) -> Self {
        Self {
            awaiting_key: track.kind() == MediaKind::Video,
            track,
            name,
            epoch: 0,
            active: true,
            sequence: 1,
            queue: VecDeque::new(),
            held: None,
            cursor: None,
            head: joined,
            open: None,
            msn_min: 0,
            started: false,
            emitted_end: None,
            discontinuity_sequence: None,
            decided: Ticks(i64::MIN),
            rejoining: false,
            last_dts: None,
            cadence: VecDeque::with_capacity(CADENCE_LEN),
        }
    }

    pub(crate) fn scale(&self) -> Timescale {
        self.track.timescale
    }

    pub(crate) fn queue_bytes(&self) -> usize {
        self.queue.iter().map(|sample| sample.payload.len()).sum()
    }

    pub(crate) fn is_video(&self) -> bool {
        self.track.kind() == MediaKind::Video
    }

    /// The next configuration of the track. The lane was drained and its segment closed.
    pub(crate) fn reconfigure(&mut self, track: Arc<Track>) {
        let (from, to) = (self.scale(), track.timescale);
        self.cursor = self.cursor.map(|cursor| Moment::new(cursor, from).ceil(to));
        self.emitted_end = self.emitted_end.map(|end| Moment::new(end, from).ceil(to));
        self.decided = Ticks(i64::MIN);
        self.epoch += 1;
        self.awaiting_key = track.kind() == MediaKind::Video;
        self.cadence.clear();
        self.last_dts = None;
        self.track = track;
    }

    /// The track is part of the stream again, which stands at `joined`.
    pub(crate) fn rejoin(&mut self, joined: Moment) {
        self.active = true;
        self.rejoining = true;
        self.head = joined;
        self.cadence.clear();
        self.last_dts = None;
        self.awaiting_key = self.is_video();
    }

    /// Puts a frame in line. `gap_max_ms`: no sample lasts longer.
    pub(crate) fn accept(&mut self, frame: &Frame, wall: UnixMillis, gap_max_ms: u32) -> Accepted {
        if frame.payload.is_empty() {
            return Accepted::Empty;
        }
        let gap_max = self.ticks_of_millis(if self.rejoining { 0 } else { i64::from(gap_max_ms) });
        match self.track.kind() {
            MediaKind::Video => self.accept_video(frame, wall, gap_max),
            MediaKind::Audio => self.accept_audio(frame, wall, gap_max),
        }
    }

    fn accept_video(&mut self, frame: &Frame, wall: UnixMillis, gap_max: Ticks) -> Accepted {
        if self.awaiting_key && !frame.key {
            return Accepted::BeforeKey;
        }
        self.awaiting_key = false;
        self.rejoining = false;
        let expected = self.held.as_ref().map(|held| held.start).or(self.cursor);
        let gap = expected.is_some_and(|expected| frame.dts.minus(expected) > gap_max);
        if gap {
            self.settle();
        } else if let Some(held) = self.held.take() {
            self.cursor = Some(self.enqueue(held, frame.dts));
        }
        if let Some(last) = self.last_dts.filter(|_| !gap) {
            if self.cadence.len() == CADENCE_LEN {
                self.cadence.pop_front();
            }
            self.cadence.push_back(frame.dts.minus(last).0);
        }
        self.last_dts = Some(frame.dts);
        let start = if gap { frame.dts } else { self.cursor.unwrap_or(frame.dts) };
        let cts = clamp_i32(frame.pts().minus(start).0);
        self.held = Some(Queued {
            start,
            duration: 0,
            cts,
            key: frame.key,
            reanchored: gap,
            long_gap: gap,
            wall,
            payload: frame.payload.clone(),
        });
        self.cursor = Some(start);
        self.head = Moment::new(start, self.scale());
        if gap { Accepted::AfterGap } else { Accepted::Yes }
    }

    fn accept_audio(&mut self, frame: &Frame, wall: UnixMillis, gap_max: Ticks) -> Accepted {
        let drift_max = self.ticks_of_millis(AUDIO_DRIFT_MAX_MS);
        let duration = audio_samples(&self.track, &frame.payload);
        let (start, reanchored) = match self.cursor {
            Some(cursor) if cursor.minus(frame.dts) > drift_max => return Accepted::AudioAhead,
            Some(cursor) if frame.dts.minus(cursor) > drift_max => (frame.dts, true),
            Some(cursor) => (cursor, false),
            None => (frame.dts, false),
        };
        self.rejoining = false;
        let long_gap = reanchored && self.cursor.is_some_and(|cursor| frame.dts.minus(cursor) > gap_max);
        let sample =
            Queued { start, duration, cts: 0, key: true, reanchored, long_gap, wall, payload: frame.payload.clone() };
        self.cursor = Some(sample.end());
        self.head = Moment::new(start, self.scale());
        self.queue.push_back(sample);
        if reanchored { Accepted::AfterGap } else { Accepted::Yes }
    }

    /// Gives the held sample the duration that is expected of it and queues it: nothing says when the next one comes.
    pub(crate) fn settle(&mut self) {
        if let Some(held) = self.held.take() {
            let expected = self.steady_duration().unwrap_or_else(|| self.expected_duration());
            let next = held.start.plus(Ticks(expected.max(1)));
            self.cursor = Some(self.enqueue(held, next));
        }
    }

    /// Queues `sample`, which lasts until `next` or, should that not be after its start, for one tick. Returns its end.
    fn enqueue(&mut self, mut sample: Queued, next: Ticks) -> Ticks {
        sample.duration = u32::try_from(next.minus(sample.start).0.max(1)).unwrap_or(u32::MAX);
        let end = sample.end();
        self.queue.push_back(sample);
        end
    }

    /// What a frame lasts by the frames so far, in ticks.
    pub(crate) fn expected_duration(&self) -> i64 {
        if let Some(audio) = self.track.audio() {
            return i64::from(audio.frame_samples.max(1));
        }
        match i64::try_from(self.cadence.len()) {
            Ok(len @ 1..) => self.cadence.iter().sum::<i64>().div_euclid(len).max(1),
            _ => self.ticks_of_millis(FRAME_DEFAULT_MS).0,
        }
    }

    /// The held sample's duration, when the frames before came so evenly that it can be told before the next one comes.
    pub(crate) fn steady_duration(&self) -> Option<i64> {
        if self.cadence.len() < CADENCE_LEN {
            return None;
        }
        let mean = self.expected_duration();
        let jitter = self.ticks_of_millis(CADENCE_JITTER_MS).0;
        let steady = self.cadence.iter().all(|interval| (interval - mean).abs() <= jitter);
        // The shortest of them: the next decode time then lies before its frame's own rather than after it, where it
        // could come to lie after its presentation time.
        self.cadence.iter().min().copied().filter(|shortest| steady && *shortest > 0)
    }

    /// Where the sample after the queue starts, as far as that is known.
    pub(crate) fn next_start(&self) -> Option<Ticks> {
        self.held.as_ref().map(|held| held.start).or(self.cursor)
    }

    pub(crate) fn ticks_of_millis(&self, millis: i64) -> Ticks {
        Ticks(millis).rescale(Timescale::MILLIS, self.scale())
    }
}

fn clamp_i32(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

/// Samples in one access unit.
fn audio_samples(track: &Track, payload: &[u8]) -> u32 {
    let configured = track.audio().map_or(1, |audio| audio.frame_samples.max(1));
    match track.codec {
        Codec::Opus => opus::packet_samples(payload)
            .and_then(|samples| u32::try_from(u64::from(samples) * u64::from(track.timescale.hz()) / 48_000).ok())
            .unwrap_or(configured),
        Codec::Aac | Codec::Flac | Codec::Mp3 | Codec::H264 | Codec::H265 | Codec::Av1 | Codec::Vp9 => configured,
    }
}

#[cfg(test)]
mod tests;
