//! The wall clock across the changes of clocks.

use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

fn at(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().expect("a time").as_millisecond())
}

fn hour(starts: UnixMillis) -> Times {
    Times { starts, ends: starts.plus_millis(3_600_000) }
}

fn starts(times: &[Times]) -> Vec<String> {
    times.iter().map(|times| times.starts.to_string()).collect()
}

#[test]
fn seven_in_the_evening_in_berlin_stays_so_when_summer_ends() {
    let times = weekly(hour(at("2026-10-15T19:00:00+02:00")), &zone("Europe/Berlin"), 4);
    let expected = [
        "2026-10-15T17:00:00.000Z",
        "2026-10-22T17:00:00.000Z",
        "2026-10-29T18:00:00.000Z",
        "2026-11-05T18:00:00.000Z",
    ];
    assert_eq!(starts(&times), expected);
    assert!(times.iter().all(|times| times.length_ms() == 3_600_000));
}

#[test]
fn jakarta_has_no_summer_time() {
    let times = weekly(hour(at("2026-10-15T19:00:00+07:00")), &zone("Asia/Jakarta"), 52);
    assert_eq!(times.len(), 52);
    for (week, times) in (0..).zip(&times) {
        assert_eq!(times.starts, at("2026-10-15T12:00:00Z").plus_millis(week * 7 * 86_400_000));
    }
}

#[test]
fn a_time_that_is_skipped_is_moved_and_one_that_is_repeated_is_the_first() {
    let berlin = zone("Europe/Berlin");
    let skipped = weekly(hour(at("2027-03-21T02:30:00+01:00")), &berlin, 3);
    assert_eq!(starts(&skipped)[1], "2027-03-28T01:30:00.000Z", "03:30 in summer time");
    assert_eq!(starts(&skipped)[2], "2027-04-04T00:30:00.000Z", "02:30 again");
    let repeated = weekly(hour(at("2026-10-18T02:30:00+02:00")), &berlin, 2);
    assert_eq!(starts(&repeated)[1], "2026-10-25T00:30:00.000Z", "02:30 in summer time");
}

#[test]
fn a_lesson_across_the_change_lasts_as_long_as_any() {
    let night = Times { starts: at("2026-10-17T23:30:00+02:00"), ends: at("2026-10-18T04:00:00+02:00") };
    let times = weekly(night, &zone("Europe/Berlin"), 2);
    assert_eq!(times[1].length_ms(), 4 * 3_600_000 + 30 * 60_000);
}

#[test]
fn a_series_has_at_most_a_year_and_at_least_the_first() {
    let first = hour(at("2026-10-15T12:00:00Z"));
    for (weeks, lessons) in [(0, 1), (1, 1), (2, 2), (52, 52), (u32::MAX, 52)] {
        assert_eq!(weekly(first, &zone("Asia/Jakarta"), weeks).len(), lessons);
    }
}

#[test]
fn what_follows_moves_by_as_much_on_the_wall_clock() {
    let berlin = zone("Europe/Berlin");
    let series = weekly(hour(at("2026-10-22T19:00:00+02:00")), &berlin, 2);
    let moved = Times { starts: at("2026-10-23T20:30:00+02:00"), ends: at("2026-10-23T22:00:00+02:00") };
    let change = Move { from: (series[0], berlin.clone()), to: (moved, berlin.clone()) };
    assert_eq!(change.of(series[0]), moved);
    let next = change.of(series[1]);
    assert_eq!(next.starts, at("2026-10-30T20:30:00+01:00"), "the clocks went back in between");
    assert_eq!(next.length_ms(), 90 * 60_000);
    // The same instant, but from now on it is Jakarta's clock that counts.
    let jakarta = zone("Asia/Jakarta");
    let elsewhere = Move { from: (series[0], berlin), to: (series[0], jakarta) };
    assert_eq!(elsewhere.of(series[1]).starts, at("2026-10-30T00:00:00+07:00"));
}

#[test]
fn zones_are_those_of_the_database() {
    for name in ["Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar", "UTC", "America/Argentina/ComodRivadavia"] {
        assert!(name.parse::<Zone>().is_ok(), "{name}");
    }
    for name in ["", "Mars/Olympus", "+07:00", "../../etc/passwd", "local", &"x".repeat(65)] {
        assert_eq!(name.parse::<Zone>().err(), Some(ZoneError), "{name}");
    }
}

proptest! {
    #[test]
    fn every_lesson_of_a_series_shows_the_same_time(
        start in 1_600_000_000_000_i64..4_000_000_000_000,
        name in prop::sample::select(vec!["Europe/Berlin", "Asia/Jakarta", "America/New_York", "Australia/Lord_Howe"]),
    ) {
        let zone = zone(name);
        let first = hour(UnixMillis(start - start % 60_000));
        let clock = zone.wall_clock(first.starts).time();
        for times in weekly(first, &zone, WEEKS_MAX) {
            let shown = zone.wall_clock(times.starts).time();
            // Only where that time is skipped is it another.
            let skipped = zone.0.to_ambiguous_timestamp(zone.wall_clock(times.starts).date().to_datetime(clock));
            prop_assert!(shown == clock || skipped.is_ambiguous(), "{shown} instead of {clock}");
        }
    }

    #[test]
    fn moving_back_and_forth_ends_where_it_began(
        start in 1_600_000_000_000_i64..4_000_000_000_000,
        by_minutes in -20_000_i64..20_000,
    ) {
        let jakarta = zone("Asia/Jakarta");
        let (one, other) = (hour(UnixMillis(start)), hour(UnixMillis(start + 604_800_000)));
        let moved = hour(one.starts.plus_millis(by_minutes * 60_000));
        let there = Move { from: (one, jakarta.clone()), to: (moved, jakarta.clone()) };
        let back = Move { from: (moved, jakarta.clone()), to: (one, jakarta) };
        prop_assert_eq!(back.of(there.of(other)), other);
    }
}
