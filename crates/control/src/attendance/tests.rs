use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn interval(playback: u128, protocol: &'static str, from: i64, to: i64) -> Interval {
    Interval {
        lesson: LessonId(Uuid::from_u128(1)),
        user: UserId(Uuid::from_u128(2)),
        playback: PlaybackId(Uuid::from_u128(playback)),
        protocol: Cow::Borrowed(protocol),
        from: UnixMillis(from),
        to: UnixMillis(to),
    }
}

fn spans(intervals: &[Interval]) -> Vec<(i64, i64)> {
    intervals.iter().map(|one| (one.from.0, one.to.0)).collect()
}

/// What there is once `fresh` was written over `known`.
fn written(known: &[Interval], fresh: &[Interval]) -> Vec<Interval> {
    let mut all = known.to_vec();
    for row in rows(known, fresh) {
        match all.iter_mut().find(|one| one.is_like(&row) && one.from == row.from) {
            Some(one) => *one = row,
            None => all.push(row),
        }
    }
    all
}

#[test]
fn the_same_media_counts_once_on_however_many_devices() {
    for (intervals, expected) in [
        (vec![], 0),
        (vec![interval(1, "flv", 0, 10_000)], 10_000),
        (vec![interval(1, "flv", 0, 10_000), interval(2, "llhls", 0, 10_000)], 10_000),
        (vec![interval(1, "flv", 0, 10_000), interval(2, "llhls", 5_000, 15_000)], 15_000),
        (vec![interval(2, "llhls", 5_000, 6_000), interval(1, "flv", 0, 10_000)], 10_000),
        (vec![interval(1, "flv", 0, 1_000), interval(1, "flv", 1_250, 2_000)], 2_000),
        (vec![interval(1, "flv", 0, 1_000), interval(1, "flv", 1_251, 2_000)], 1_749),
        (vec![interval(1, "flv", i64::MIN, i64::MAX)], i64::MAX),
    ] {
        assert_eq!(watched_ms(intervals.iter()), expected, "{intervals:?}");
    }
}

#[test]
fn a_stretch_goes_on_where_the_one_before_ended_and_another_session_has_its_own() {
    let mut known = Vec::new();
    for (playback, protocol, from, to) in
        [(1, "flv", 0, 400), (1, "flv", 400, 800), (1, "llhls", 800, 900), (2, "flv", 0, 400), (1, "flv", 5_000, 5_400)]
    {
        add(&mut known, interval(playback, protocol, from, to));
    }
    assert_eq!(spans(&known), [(0, 800), (800, 900), (0, 400), (5_000, 5_400)]);
}

#[test]
fn only_what_lies_within_the_lesson_counts() {
    let at = |ms| Some(UnixMillis(ms));
    for (started, ended, expected) in [
        (None, None, None),
        (at(0), None, Some((100, 200))),
        (at(150), None, Some((150, 200))),
        (at(0), at(150), Some((100, 150))),
        (at(201), None, None),
        (at(0), at(99), None),
    ] {
        let found = interval(1, "flv", 100, 200).within(started, ended);
        assert_eq!(found.map(|one| (one.from.0, one.to.0)), expected, "{started:?} {ended:?}");
    }
}

#[test]
fn what_is_known_is_not_written_again() {
    let known = [interval(1, "flv", 0, 1_000)];
    assert!(rows(&known, &known).is_empty());
    assert!(rows(&known, &[interval(1, "flv", 300, 400)]).is_empty());
    assert_eq!(spans(&rows(&known, &[interval(1, "flv", 900, 1_400)])), [(0, 1_400)]);
    assert_eq!(spans(&rows(&known, &[interval(1, "flv", 3_000, 3_400)])), [(3_000, 3_400)]);
    assert_eq!(spans(&rows(&[], &[interval(1, "flv", 0, 4), interval(1, "flv", 4, 9)])), [(0, 9)]);
}

#[test]
fn two_protocols_that_begin_together_have_a_row_each() {
    let found = rows(&[interval(1, "flv", 0, 1_000)], &[interval(1, "llhls", 0, 2_000)]);
    assert_eq!(spans(&found), [(0, 2_000)]);
    assert_eq!(found[0].protocol, "llhls");
}

#[test]
fn who_passes_the_threshold_was_there_and_stays_so() {
    let line = Ledger::default().measured(&[interval(1, "flv", 0, 9_999)], 10_000);
    assert_eq!((line.watched_ms, line.attended), (9_999, false));
    let line = line.measured(&[interval(1, "flv", 0, 10_000)], 10_000);
    assert_eq!((line.watched_ms, line.attended), (10_000, true));
    assert_eq!((line.first, line.last), (Some(UnixMillis(0)), Some(UnixMillis(10_000))));
    assert!(line.clone().measured(&[interval(1, "flv", 0, 10_000)], 99_000).attended);
    assert!(!Ledger::default().measured(&[], 0).attended, "nothing at all is not enough");
}

#[test]
fn the_mentors_word_goes_before_the_measure() {
    let short = Ledger { watched_ms: 5, ..Ledger::default() };
    let long = Ledger { watched_ms: 50_000, attended: true, ..Ledger::default() };
    for (line, decision, expected) in [
        (&short, Decision::Present, true),
        (&short, Decision::Measured, false),
        (&short, Decision::Absent, false),
        (&long, Decision::Present, true),
        (&long, Decision::Measured, true),
        (&long, Decision::Absent, false),
    ] {
        let decided = line.clone().decided(decision, 10_000);
        assert_eq!(decided.attended, expected, "{decision:?}");
        let more = decided.measured(&[interval(1, "flv", 0, 900)], 10_000);
        assert_eq!(more.attended, expected, "media that comes later does not undo it: {decision:?}");
    }
}

#[test]
fn words_survive_their_text() {
    for decision in Decision::ALL {
        assert_eq!(decision.as_str().parse(), Ok(*decision));
    }
    assert_eq!("Present".parse::<Decision>(), Err(DecisionError));
}

proptest! {
    #[test]
    fn however_stretches_come_and_how_often_the_sum_is_that_of_the_media(
        stretches in proptest::collection::vec((1u128..4, 0usize..3, 0i64..20_000, 0i64..5_000), 0..30),
        cuts in proptest::collection::vec(0usize..30, 0..6),
    ) {
        let protocols = ["flv", "llhls", "rtmp"];
        let all: Vec<Interval> = stretches
            .iter()
            .map(|(playback, protocol, from, length)| interval(*playback, protocols[*protocol], *from, from + length))
            .collect();
        let expected = watched_ms(all.iter());
        let mut known = Vec::new();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).collect();
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let batch = &all[pair[0]..pair[1]];
            known = written(&known, batch);
            // Acknowledged or not: sent again it changes nothing.
            prop_assert!(rows(&known, batch).is_empty());
        }
        prop_assert_eq!(watched_ms(known.iter()), expected);
    }
}
