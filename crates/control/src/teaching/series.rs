//! Lessons that are set together: the same time of the wall clock, week after week.
//!
//! A lesson at seven in the evening stays at seven in the evening when the clocks change, so weeks are added to the wall
//! clock of its zone and not to the instant. A time that a change of clocks skips is moved behind it by as much as is
//! skipped, one that it repeats is the first of both (RFC 5545 section 3.3.5 has it so). What a lesson lasts is real time.
//! Zones are those of the IANA database that is built in: the same on every server, whatever its system holds.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};
use media::UnixMillis;

use super::lessons::Times;

/// Most lessons of one series: a year's.
pub const WEEKS_MAX: u32 = 52;

/// No zone of the IANA database is called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no time zone: write it as Asia/Jakarta")]
pub struct ZoneError;

/// A time zone by its name.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// Longest name that is looked for. The longest there is has 32 letters.
const NAME_LENGTH_MAX: usize = 64;

impl std::str::FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        if name.is_empty() || name.len() > NAME_LENGTH_MAX {
            return Err(ZoneError);
        }
        static BUILT_IN: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
        BUILT_IN.get(name).map(Self).map_err(|_| ZoneError)
    }
}

impl Zone {
    /// Its name as the database writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &TimeZone {
        &self.0
    }

    /// What the wall clock shows.
    fn wall_clock(&self, at: UnixMillis) -> DateTime {
        self.0.to_datetime(Timestamp::from_millisecond(at.0).unwrap_or_default())
    }

    /// When it shows that.
    fn instant(&self, wall_clock: DateTime) -> UnixMillis {
        let at = self.0.to_ambiguous_timestamp(wall_clock).compatible().map(Timestamp::as_millisecond);
        UnixMillis(at.unwrap_or(i64::MAX))
    }
}

/// The times of `weeks` lessons (at most [`WEEKS_MAX`]), the first at `first`.
#[must_use]
pub fn weekly(first: Times, zone: &Zone, weeks: u32) -> Vec<Times> {
    let wall_clock = zone.wall_clock(first.starts);
    let mut all = vec![first];
    for week in 1..weeks.min(WEEKS_MAX) {
        let Ok(shown) = wall_clock.checked_add(Span::new().weeks(i64::from(week))) else { break };
        let starts = zone.instant(shown);
        all.push(Times { starts, ends: starts.plus_millis(first.length_ms()) });
    }
    all
}

/// One lesson's times in its zone, before and behind a change.
#[derive(Clone, Debug)]
pub struct Move {
    /// Where it was.
    pub from: (Times, Zone),
    /// Where it is.
    pub to: (Times, Zone),
}

impl Move {
    /// Where a lesson of the same series goes that was at `other`: by as much on the wall clock, and as long as the first.
    #[must_use]
    pub fn of(&self, other: Times) -> Times {
        let ((from, from_zone), (to, to_zone)) = (&self.from, &self.to);
        let length_ms = to.length_ms();
        let by = to_zone.wall_clock(to.starts).duration_since(from_zone.wall_clock(from.starts));
        let shown = from_zone.wall_clock(other.starts).saturating_add(by);
        let starts = to_zone.instant(shown);
        Times { starts, ends: starts.plus_millis(length_ms) }
    }
}

#[cfg(test)]
mod tests;
