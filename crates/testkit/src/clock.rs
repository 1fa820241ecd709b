//! A clock that moves only when told to.

use std::time::{Duration, Instant};

use media::UnixMillis;

/// Simulated time: a monotonic instant for sessions and a wall clock that may be set apart from it.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    elapsed: Duration,
    wall_start: UnixMillis,
    wall_step_ms: i64,
}

impl Clock {
    /// Wall-clock time at which every simulation starts: 2026-01-01T00:00:00Z.
    pub const WALL_START: UnixMillis = UnixMillis(1_767_225_600_000);

    /// A clock at time zero of its simulation.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), elapsed: Duration::ZERO, wall_start: Self::WALL_START, wall_step_ms: 0 }
    }

    /// The instant that sans-IO sessions are given.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.start + self.elapsed
    }

    /// Time since the simulation began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Wall-clock time.
    #[must_use]
    pub fn wall(&self) -> UnixMillis {
        let elapsed_ms = i64::try_from(self.elapsed.as_millis()).unwrap_or(i64::MAX);
        self.wall_start.plus_millis(elapsed_ms).plus_millis(self.wall_step_ms)
    }

    /// Lets `by` pass.
    pub fn advance(&mut self, by: Duration) {
        self.elapsed += by;
    }

    /// Lets time pass until `instant`; does nothing when that is in the past. Time never goes back.
    pub fn advance_to(&mut self, instant: Instant) {
        self.elapsed = self.elapsed.max(instant.saturating_duration_since(self.start));
    }

    /// Steps the wall clock alone by `millis`, as an operator or NTP does.
    pub fn step_wall(&mut self, millis: i64) {
        self.wall_step_ms += millis;
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_only_when_told_to_and_never_back() {
        let mut clock = Clock::new();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_secs(60 * 86_400));
        assert_eq!(clock.now() - start, Duration::from_secs(60 * 86_400));
        let later = clock.now();
        clock.advance_to(start);
        assert_eq!(clock.now(), later);
        clock.advance_to(later + Duration::from_millis(5));
        assert_eq!(clock.now() - later, Duration::from_millis(5));
    }

    #[test]
    fn a_wall_clock_step_leaves_monotonic_time_alone() {
        let mut clock = Clock::new();
        clock.advance(Duration::from_millis(1_500));
        let monotonic = clock.now();
        clock.step_wall(-86_400_000);
        assert_eq!(clock.now(), monotonic);
        assert_eq!(clock.wall(), Clock::WALL_START.plus_millis(1_500 - 86_400_000));
    }
}
