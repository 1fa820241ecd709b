//! Where segments are cut, for all tracks of a stream alike: media sequence number N covers the same time in each.

use std::cmp::Ordering;
use std::collections::VecDeque;

use media::{Ticks, Timescale};

/// Cuts kept for tracks that lag behind. 64 is two minutes of ordinary segments; a track further behind joins later.
const CUTS_MAX: usize = 64;

/// An instant of stream time in the unit of the track that it was read from. Compared exactly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) ticks: Ticks,
    pub(crate) scale: Timescale,
}

impl Moment {
    pub(crate) fn new(ticks: Ticks, scale: Timescale) -> Self {
        Self { ticks, scale }
    }

    /// The first tick of `scale` that is not before this instant.
    pub(crate) fn ceil(self, scale: Timescale) -> Ticks {
        Ticks::ZERO.minus(Ticks::ZERO.minus(self.ticks).rescale(self.scale, scale))
    }

    /// Milliseconds from `earlier` to here, rounded down. Negative when this is before it.
    pub(crate) fn millis_since(self, earlier: Self) -> i64 {
        const MICROS: Timescale = match Timescale::new(1_000_000) {
            Some(scale) => scale,
            None => Timescale::MILLIS,
        };
        let here = self.ticks.rescale(self.scale, MICROS);
        here.minus(earlier.ticks.rescale(earlier.scale, MICROS)).millis(MICROS)
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Moment {}
impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        let here = i128::from(self.ticks.0) * i128::from(other.scale.hz());
        here.cmp(&(i128::from(other.ticks.0) * i128::from(self.scale.hz())))
    }
}

/// The beginning of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) msn: u64,
    pub(crate) at: Moment,
    pub(crate) discontinuity_sequence: u64,
}

/// The cuts so far, oldest first; media sequence numbers have no gaps.
#[derive(Debug)]
pub(crate) struct Grid {
    cuts: VecDeque<Cut>,
    next_msn: u64,
    discontinuity_sequence: u64,
}

/// Below this EXT-X-DISCONTINUITY-SEQUENCE starts. hls.js walks an array from zero to the number at every update, so a
/// number taken from a clock would hang it; this one keeps apart the streams of a channel and costs nothing.
const DISCONTINUITY_BASE_BELOW: u64 = 4_096;

/// EXT-X-DISCONTINUITY-SEQUENCE of the first segment of a stream whose segments count from `msn_base`.
#[must_use]
pub const fn discontinuity_base(msn_base: u64) -> u64 {
    msn_base % DISCONTINUITY_BASE_BELOW
}

impl Grid {
    pub(crate) fn new(msn_base: u64) -> Self {
        let discontinuity_sequence = discontinuity_base(msn_base);
        Self { cuts: VecDeque::new(), next_msn: msn_base, discontinuity_sequence }
    }

    /// Begins the next segment at `at`, which is not before the newest cut.
    pub(crate) fn push(&mut self, at: Moment, discontinuity: bool) {
        if discontinuity && !self.cuts.is_empty() {
            self.discontinuity_sequence += 1;
        }
        self.cuts.push_back(Cut { msn: self.next_msn, at, discontinuity_sequence: self.discontinuity_sequence });
        self.next_msn += 1;
        if self.cuts.len() > CUTS_MAX {
            self.cuts.pop_front();
        }
    }

    pub(crate) fn newest(&self) -> Option<Cut> {
        self.cuts.back().copied()
    }

    /// The first cut after the segment `msn`.
    pub(crate) fn after(&self, msn: u64) -> Option<Cut> {
        self.cuts.iter().find(|cut| cut.msn > msn).copied()
    }

    /// The segment that `at` belongs to, but none before `msn_min`: before the first cut, the first.
    pub(crate) fn covering(&self, at: Moment, msn_min: u64) -> Option<Cut> {
        let eligible = || self.cuts.iter().filter(|cut| cut.msn >= msn_min);
        eligible().rev().find(|cut| cut.at <= at).or_else(|| eligible().next()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ticks: i64, hz: u32) -> Moment {
        Moment::new(Ticks(ticks), Timescale::new(hz).expect("not zero"))
    }

    #[test]
    fn instants_of_different_units_compare_without_rounding() {
        assert_eq!(at(1, 3), at(30_000, 90_000));
        assert!(at(44_100, 44_100) < at(90_001, 90_000));
        assert!(at(i64::MAX, 1) > at(i64::MAX, 2), "no overflow at the ends of the range");
    }

    #[test]
    fn the_first_tick_at_or_after_an_instant() {
        let audio = Timescale::new(44_100).expect("not zero");
        assert_eq!(at(90_000, 90_000).ceil(audio), Ticks(44_100));
        assert_eq!(at(90_001, 90_000).ceil(audio), Ticks(44_101));
        assert_eq!(at(-1, 90_000).ceil(audio), Ticks(0));
    }

    #[test]
    fn a_time_before_the_first_cut_belongs_to_the_first_segment() {
        let mut grid = Grid::new(7);
        assert!(grid.covering(at(0, 1_000), 0).is_none());
        grid.push(at(66, 1_000), false);
        grid.push(at(2_066, 1_000), false);
        assert_eq!(grid.covering(at(0, 1_000), 0).map(|cut| cut.msn), Some(7));
        assert_eq!(grid.covering(at(2_066, 1_000), 0).map(|cut| cut.msn), Some(8));
        assert_eq!(grid.covering(at(0, 1_000), 8).map(|cut| cut.msn), Some(8), "never an earlier segment than allowed");
        assert!(grid.covering(at(0, 1_000), 9).is_none());
    }

    #[test]
    fn only_a_discontinuity_after_the_start_counts() {
        let mut grid = Grid::new(100);
        for (ticks, discontinuity) in [(0, true), (2, false), (4, true), (6, false)] {
            grid.push(at(ticks, 1), discontinuity);
        }
        let sequences: Vec<u64> = grid.cuts.iter().map(|cut| cut.discontinuity_sequence).collect();
        assert_eq!(sequences, [100, 100, 101, 101]);
    }

    #[test]
    fn cuts_are_bounded() {
        let mut grid = Grid::new(0);
        for n in 0..1_000 {
            grid.push(at(n, 1), false);
        }
        assert_eq!(grid.cuts.len(), CUTS_MAX);
        assert_eq!(grid.newest().map(|cut| cut.msn), Some(999));
    }
}
