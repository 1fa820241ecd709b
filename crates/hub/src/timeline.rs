//! One continuous timeline out of whatever clocks the publishers bring.
//!
//! Each publisher counts from where it likes, jumps, repeats and steps back; viewers and recordings see one clock that
//! starts at zero with the stream's first frame and never steps back. Done once, at the edge, for every ingest protocol.
//! Wrapped counters are unrolled before this (`media::TimestampUnwrapper`).
//!
//! An outage is not in the timeline: the publisher that returns continues one frame after the last. Wall-clock time runs
//! beside it, so the outage shows in `EXT-X-PROGRAM-DATE-TIME` and nowhere else.

use std::collections::VecDeque;

use media::{Frame, Ticks, Timescale, Track, TrackId, UnixMillis};

/// A step between a frame and the newest media time that is taken for a jump of the sender's clock and bridged.
/// 10 s: above every frame interval seen in slide shows, below every jump that comes from a reset clock.
const JUMP_MS: i64 = 10_000;
/// A track whose clock steps back by more than this has jumped; by less, it is out of order and is held at its place.
/// 1 s: five times the deepest reordering of an encoder that writes presentation times as decode times.
const STEP_BACK_MS: i64 = 1_000;
/// Wall clock and media time may part by this much before the wall clock is anchored anew.
const WALL_DRIFT_MS: i64 = 1_000;
/// Anchors that are remembered: one for each outage, takeover or second of drift. At 16 bytes each they are 64 KiB, twice; a
/// publisher that drops each minute for two days has no more. Of a stream with more the oldest are forgotten.
const ANCHORS_MAX: usize = 4_096;
/// What a frame is taken to last before its successor is known.
const FIRST_STEP_MS: i64 = 33;

/// Where a frame belongs: its time on the stream's timeline, and the wall clock that goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The frame with stream time.
    pub frame: Frame,
    /// Server wall clock of the frame's decode time.
    pub wall: UnixMillis,
}

/// Oddities bridged so far. Monotone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelineCounters {
    /// Jumps of a publisher's clock that were bridged.
    pub jumps: u64,
    /// Frames held at their place because their decode time did not rise.
    pub held: u64,
    /// Frames older than the stream's first frame, dropped.
    pub before_start: u64,
}

#[derive(Clone, Copy, Debug)]
struct TrackClock {
    id: TrackId,
    /// Unit of `last`. A configuration may bring another; the clock then goes on in that.
    timescale: Timescale,
    last: Ticks,
    last_ms: i64,
    step_ms: i64,
    /// The offset of its newest frame: a track that has followed a jump does not go back.
    offset_ms: i64,
}

/// Wall clock, and the stream time that was then, which rises.
#[derive(Debug, Default)]
struct Anchors(VecDeque<(UnixMillis, i64)>);

impl Anchors {
    fn push(&mut self, wall: UnixMillis, media_ms: i64) {
        while self.0.back().is_some_and(|(_, before_ms)| *before_ms >= media_ms) {
            self.0.pop_back();
        }
        if self.0.len() >= ANCHORS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((wall, media_ms));
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Timeline {
    clocks: Vec<TrackClock>,
    /// Stream time = publisher time + offset, in milliseconds. The one before is kept while the slower track of an
    /// interleaved pair still sends from before the jump.
    offset_ms: Option<i64>,
    offset_before_ms: Option<i64>,
    /// Newest decode time of any track, in milliseconds.
    head_ms: Option<i64>,
    wall_anchor: Option<(UnixMillis, i64)>,
    anchors: Anchors,
    /// The latest that media ever came: as a publisher that was held up sends faster afterwards, it does not run back, and
    /// no two stretches of media came at the same time.
    latest: Anchors,
    counters: TimelineCounters,
}

impl Timeline {
    /// The next frame comes from another publisher, whose clock is unrelated.
    pub fn publisher_changed(&mut self) {
        self.offset_ms = None;
        self.offset_before_ms = None;
        self.wall_anchor = None;
    }

    /// Oddities bridged so far.
    #[must_use]
    pub fn counters(&self) -> TimelineCounters {
        self.counters
    }

    /// Newest decode time of any track, in milliseconds of stream time; `None` before the first frame.
    #[must_use]
    pub fn head_ms(&self) -> Option<i64> {
        self.head_ms
    }

    /// Newest decode time of that track, in milliseconds of stream time.
    #[must_use]
    pub fn track_head_ms(&self, id: TrackId) -> Option<i64> {
        self.clocks.iter().find(|clock| clock.id == id).map(|clock| clock.last_ms)
    }

    /// Wall clock at which the media of that stream time came, outages in it; rises with it, and is late by no more than a
    /// publisher was ever held up. `None` before the first frame.
    #[must_use]
    pub fn wall_of(&self, media_ms: i64) -> Option<UnixMillis> {
        let behind = self.latest.0.partition_point(|(_, at_ms)| *at_ms <= media_ms);
        let (wall, at_ms) = self.latest.0.get(behind.saturating_sub(1))?;
        Some(wall.plus_millis(media_ms - at_ms))
    }

    /// Stream time of what was on air at that wall clock, in an outage that of the last before it. `None` before the first
    /// frame.
    #[must_use]
    pub fn media_at(&self, wall: UnixMillis) -> Option<i64> {
        let at = self.anchors.0.iter().rposition(|(anchor, _)| *anchor <= wall).unwrap_or(0);
        let (anchor, at_ms) = self.anchors.0.get(at)?;
        let end_ms = self.anchors.0.get(at + 1).map(|(_, next_ms)| *next_ms).or(self.head_ms)?;
        Some(at_ms.saturating_add(wall.0 - anchor.0).min(end_ms).max(0))
    }

    /// Gives `frame`, whose times are its publisher's, its place. `None`: it is older than the stream's first frame.
    pub fn place(&mut self, mut frame: Frame, track: &Track, now: UnixMillis) -> Option<Placed> {
        let publisher_ms = frame.dts.millis(track.timescale);
        let clock = self.clocks.iter().position(|clock| clock.id == frame.track);
        let offset_ms = self.choose_offset(publisher_ms, clock);
        let mut dts = frame.dts.plus(Ticks(offset_ms).rescale(Timescale::MILLIS, track.timescale));
        if dts < Ticks::ZERO {
            self.counters.before_start += 1;
            return None;
        }
        match clock.and_then(|at| self.clocks.get_mut(at)) {
            Some(clock) => {
                clock.last = clock.last.rescale(clock.timescale, track.timescale);
                clock.timescale = track.timescale;
                if dts <= clock.last {
                    dts = clock.last.plus(Ticks(1));
                    self.counters.held += 1;
                }
                let dts_ms = dts.millis(track.timescale);
                clock.step_ms = (dts_ms - clock.last_ms).clamp(1, 1_000);
                clock.last = dts;
                clock.last_ms = dts_ms;
                clock.offset_ms = offset_ms;
            }
            None => self.clocks.push(TrackClock {
                id: frame.track,
                timescale: track.timescale,
                last: dts,
                last_ms: dts.millis(track.timescale),
                step_ms: FIRST_STEP_MS,
                offset_ms,
            }),
        }
        let dts_ms = dts.millis(track.timescale);
        self.head_ms = Some(self.head_ms.map_or(dts_ms, |head| head.max(dts_ms)));
        frame.dts = dts;
        Some(Placed { frame, wall: self.wall_at(dts_ms, now) })
    }

    fn choose_offset(&mut self, publisher_ms: i64, clock: Option<usize>) -> i64 {
        let own = clock.and_then(|at| self.clocks.get(at));
        let fits = |offset_ms: i64| {
            let mapped = publisher_ms.saturating_add(offset_ms);
            let near_head = self.head_ms.is_none_or(|head| (mapped.saturating_sub(head)).abs() <= JUMP_MS);
            near_head && own.is_none_or(|own| mapped.saturating_sub(own.last_ms) >= -STEP_BACK_MS)
        };
        if let Some(offset) = self.offset_ms {
            if fits(offset) {
                return offset;
            }
            if let Some(before) =
                self.offset_before_ms.filter(|before| own.is_some_and(|own| own.offset_ms == *before) && fits(*before))
            {
                return before;
            }
            self.counters.jumps += 1;
        }
        let continued = self.clocks.iter().map(|clock| clock.last_ms + clock.step_ms).max().unwrap_or(0);
        self.offset_before_ms = self.offset_ms;
        let offset = continued.saturating_sub(publisher_ms);
        self.offset_ms = Some(offset);
        offset
    }

    fn wall_at(&mut self, dts_ms: i64, now: UnixMillis) -> UnixMillis {
        let late_ms = self.latest.0.back().map(|(wall, at_ms)| now.0 - wall.plus_millis(dts_ms - at_ms).0);
        if late_ms.is_none_or(|late_ms| late_ms > WALL_DRIFT_MS) {
            self.latest.push(now, dts_ms);
        }
        if let Some((wall, media_ms)) = self.wall_anchor {
            let expected = wall.plus_millis(dts_ms - media_ms);
            if (now.0 - expected.0).abs() <= WALL_DRIFT_MS {
                return expected;
            }
        }
        self.wall_anchor = Some((now, dts_ms));
        self.anchors.push(now, dts_ms);
        now
    }
}

#[cfg(test)]
mod tests;
