//! Time on a track, time of day, and the unrolling of wrapped counters. Reads no clock.

use std::fmt;
use std::num::NonZeroU32;

/// Ticks per second of a track. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// One tick is a millisecond: the timescale of RTMP and FLV.
    pub const MILLIS: Self = Self::new_const(1_000);
    /// 90 kHz: MPEG-TS, RTP, and every video track inside Tayang.
    pub const VIDEO: Self = Self::new_const(90_000);

    /// `None` for zero.
    #[must_use]
    pub const fn new(ticks_per_second: u32) -> Option<Self> {
        match NonZeroU32::new(ticks_per_second) {
            Some(n) => Some(Self(n)),
            None => None,
        }
    }

    const fn new_const(ticks_per_second: u32) -> Self {
        match Self::new(ticks_per_second) {
            Some(scale) => scale,
            None => panic!("a constant timescale is not zero"),
        }
    }

    /// Ticks per second.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.0.get()
    }
}

/// A count of ticks. Means nothing without its track's [`Timescale`], so it never leaves the track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub i64);

impl Ticks {
    /// Zero ticks.
    pub const ZERO: Self = Self(0);

    /// Rounds toward negative infinity: a sample may move earlier by less than one target tick, never later.
    /// Saturates at the ends of `i64`.
    #[must_use]
    pub fn rescale(self, from: Timescale, to: Timescale) -> Self {
        if from == to {
            return self;
        }
        let scaled = (i128::from(self.0) * i128::from(to.hz())).div_euclid(i128::from(from.hz()));
        Self(i64::try_from(scaled).unwrap_or(if scaled < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub fn millis(self, scale: Timescale) -> i64 {
        self.rescale(scale, Timescale::MILLIS).0
    }

    /// Seconds as a float, for text that people and playlists read; never for arithmetic on time.
    #[must_use]
    pub fn seconds(self, scale: Timescale) -> f64 {
        self.0 as f64 / f64::from(scale.hz())
    }

    /// Saturating sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Saturating difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Wall-clock time: milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored. Always the server's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This instant moved by `millis` (may be negative). Saturates.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// RFC 3339 in UTC with milliseconds, as `EXT-X-PROGRAM-DATE-TIME` and DASH want it: `2026-11-21T11:40:00.250Z`.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Civil-from-days, H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let days = self.0.div_euclid(86_400_000);
        let millis_of_day = self.0.rem_euclid(86_400_000);
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (seconds, millis) = (millis_of_day / 1_000, millis_of_day % 1_000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// Unrolls an N-bit wrapping counter to 64 bits: RTMP/FLV milliseconds (32), legacy 24-bit senders, MPEG-TS (33).
///
/// Each value is taken as the one nearest to the value before it, so steps of less than half the range in either
/// direction are exact and a wrap costs nothing. The first value is taken as it stands.
#[derive(Clone, Debug)]
pub struct TimestampUnwrapper {
    bits: u32,
    last: Option<i64>,
}

impl TimestampUnwrapper {
    /// `bits` is the width of the counter, 8 to 48.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        assert!((8..=48).contains(&bits), "counter width out of range");
        Self { bits, last: None }
    }

    /// The 64-bit value of `raw`, whose bits above the width are ignored.
    pub fn unwrap(&mut self, raw: u64) -> i64 {
        let range = 1i64 << self.bits;
        let raw = (raw & (range as u64 - 1)) as i64;
        let value = match self.last {
            None => raw,
            Some(last) => {
                let mut delta = (raw - last.rem_euclid(range)).rem_euclid(range);
                if delta >= range / 2 {
                    delta -= range;
                }
                last.saturating_add(delta)
            }
        };
        self.last = Some(value);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescale_rounds_towards_the_past() {
        let audio = Timescale::new(44_100).expect("not zero");
        assert_eq!(Ticks(1).rescale(Timescale::MILLIS, audio), Ticks(44));
        assert_eq!(Ticks(-1).rescale(Timescale::MILLIS, audio), Ticks(-45));
        assert_eq!(Ticks(i64::MAX).rescale(Timescale::MILLIS, audio), Ticks(i64::MAX));
    }

    #[test]
    fn a_counter_that_wraps_goes_on() {
        let mut unwrapper = TimestampUnwrapper::new(32);
        assert_eq!(unwrapper.unwrap(0xFFFF_FFF0), 0xFFFF_FFF0);
        assert_eq!(unwrapper.unwrap(0x10), 0x1_0000_0010);
        assert_eq!(unwrapper.unwrap(0xFFFF_FFFF), 0xFFFF_FFFF, "a small step back over the wrap is a step back");
    }

    #[test]
    fn sixty_days_of_24_32_and_33_bit_counters_stay_monotone() {
        for bits in [24, 32, 33] {
            let mut unwrapper = TimestampUnwrapper::new(bits);
            let step = 1_000; // one frame a second at a millisecond timescale
            for n in 0..60 * 86_400u64 {
                assert_eq!(unwrapper.unwrap(n * step), (n * step) as i64);
            }
        }
    }

    #[test]
    fn wall_clock_prints_rfc_3339() {
        assert_eq!(UnixMillis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMillis(1_670_544_000_250).to_string(), "2022-12-09T00:00:00.250Z");
        assert_eq!(UnixMillis(1_709_210_096_001).to_string(), "2024-02-29T12:34:56.001Z");
        assert_eq!(UnixMillis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }
}
