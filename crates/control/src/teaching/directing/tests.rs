//! The director's table, line by line.

use super::*;
use crate::teaching::tests::lesson;

const TIMING: Timing = Timing { margin_ms: 1_000, reconnect_window_ms: 500 };
const SILENT: OnAir = OnAir { on_air: false, stalled: false, started: None, viewers: 0 };
const ON: OnAir = OnAir { on_air: true, ..SILENT };
const STALLED: OnAir = OnAir { stalled: true, ..SILENT };

fn step(state: LessonState, seen: Seen, at: i64) -> Option<Step> {
    next_step(&Due { lesson: lesson(state), held: None }, seen, TIMING, UnixMillis(at))
}

fn seen(on_air: OnAir, gone_since: Option<i64>) -> Seen {
    Seen { on_air, gone_since: gone_since.map(UnixMillis) }
}

#[test]
fn a_scheduled_lesson_begins_when_its_media_comes_in_its_slot() {
    // Its time is 10,000 to 20,000, its slot 9,000 to 21,000.
    let at = |at| step(LessonState::Scheduled, seen(ON, None), at);
    assert_eq!(
        [8_999, 9_000, 15_000, 20_999, 21_000].map(at),
        [None, Some(9_000), Some(15_000), Some(20_999), None].map(|at| at.map(|at| Step::Start(UnixMillis(at))))
    );
    for silent in [seen(SILENT, Some(0)), seen(STALLED, None)] {
        assert_eq!(step(LessonState::Scheduled, silent, 15_000), None);
    }
}

#[test]
fn a_lesson_that_nobody_held_is_over_behind_its_slot() {
    let at = |at| step(LessonState::Scheduled, seen(SILENT, Some(at)), at);
    assert_eq!([20_999, 21_000].map(at), [None, Some(Step::End)]);
}

#[test]
fn a_live_lesson_is_over_when_its_time_is_and_its_media_has_been_gone_for_the_window() {
    let at = |at, gone| step(LessonState::Live, seen(SILENT, Some(gone)), at);
    assert_eq!(at(20_999, 0), None, "its time is not over");
    assert_eq!(at(21_000, 20_501), None, "it may come back");
    assert_eq!(at(21_000, 20_500), Some(Step::End));
    assert_eq!(step(LessonState::Live, seen(STALLED, None), 99_000), None, "its stream waits for the publisher");
    assert_eq!(step(LessonState::Live, seen(ON, None), 99_000), None, "nobody is cut off");
}

#[test]
fn a_lesson_whose_media_another_server_has_is_not_over() {
    let gone = seen(SILENT, Some(0));
    let at = |state, held, at: i64| {
        let due = Due { lesson: lesson(state), held: Some(UnixMillis(held)) };
        next_step(&due, gone, TIMING, UnixMillis(at))
    };
    for state in [LessonState::Scheduled, LessonState::Live] {
        assert_eq!(at(state, 60_000, 60_000 + SEEN_FOR_MS - 1), None);
        assert_eq!(at(state, 60_000, 60_000 + SEEN_FOR_MS), Some(Step::End), "nor there any more");
        assert_eq!(at(state, 65_000, 60_000), None, "its clock is ahead");
        assert_eq!(at(state, 60_000 + SEEN_FOR_MS, 60_000), Some(Step::End), "its clock was wrong");
    }
}

#[test]
fn who_has_the_stream_writes_so_now_and_then() {
    let told = |held: Option<i64>, seen| {
        let due = Due { lesson: lesson(LessonState::Live), held: held.map(UnixMillis) };
        due.is_to_be_told(seen, UnixMillis(50_000))
    };
    for here in [seen(ON, None), seen(STALLED, None)] {
        assert!(told(None, here) && told(Some(50_000 - SEEN_EVERY_MS), here) && !told(Some(45_000), here));
        assert!(told(Some(90_000), here), "what a wrong clock wrote");
    }
    assert!(!told(None, seen(SILENT, Some(50_000))));
}

#[test]
fn what_is_over_takes_no_step() {
    for state in [LessonState::Ended, LessonState::Cancelled] {
        for on_air in [ON, SILENT, STALLED] {
            assert_eq!(step(state, seen(on_air, Some(0)), 99_000), None);
        }
    }
}

#[test]
fn gone_counts_from_when_it_was_first_not_seen() {
    let first = Seen::next(None, SILENT, UnixMillis(5));
    assert_eq!(first.gone_since, Some(UnixMillis(5)), "a director that just began has seen nothing before");
    let second = Seen::next(Some(first), SILENT, UnixMillis(9));
    assert_eq!(second.gone_since, Some(UnixMillis(5)));
    for back in [ON, STALLED] {
        let again = Seen::next(Some(second), back, UnixMillis(10));
        assert_eq!(again, seen(back, None));
        assert_eq!(Seen::next(Some(again), SILENT, UnixMillis(12)).gone_since, Some(UnixMillis(12)));
    }
}
