//! The rules of a room, as of times that the tests set.

mod conversation;

use std::collections::HashMap;

use proptest::prelude::*;

use super::once::Once;
use super::*;
use crate::CourseId;
use crate::pace::{Bucket, Rate};
use crate::teaching::{Lesson, LessonState};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn at(ms: i64) -> UnixMillis {
    NOW.plus_millis(ms)
}

fn user(n: u128) -> UserId {
    UserId(uuid::Uuid::from_u128(n))
}

fn lesson() -> Lesson {
    Lesson {
        id: LessonId::new(NOW),
        course: CourseId::new(NOW),
        mentor: user(1),
        channel: crate::keys::random_id(),
        series: None,
        title: "Gerak lurus".to_owned(),
        summary: String::new(),
        starts: at(0),
        ends: at(3_600_000),
        zone: "Asia/Jakarta".to_owned(),
        state: LessonState::Live,
        started: Some(at(0)),
        ended: None,
        capacity: None,
        slow_ms: 0,
        comments_on: true,
        review_on: false,
        word_filter: vec!["bodoh".to_owned(), "Pergi Sana!".to_owned(), "***".to_owned()],
        created: NOW,
        version: 1,
    }
}

fn floor(change: impl FnOnce(&mut Lesson)) -> Floor {
    let mut lesson = lesson();
    change(&mut lesson);
    Floor::new(&lesson, &[])
}

fn mentee(n: u128) -> Speaker {
    Speaker { user: user(n), runs: false }
}

const MENTOR: Speaker = Speaker { user: UserId(uuid::Uuid::from_u128(1)), runs: true };

/// Says something of a new name; answers its state.
fn say(floor: &mut Floor, speaker: Speaker, body: &str, now: UnixMillis) -> Result<CommentState, Refused> {
    let name = crate::keys::random_id().to_string();
    match floor.comment(speaker, &name, body, now)? {
        Verdict::Keep { state, .. } => Ok(state),
        Verdict::Known(seq, _) => panic!("{name} was never said, yet it is {seq}"),
    }
}

#[test]
fn words_survive_their_text() {
    for state in CommentState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    for kind in ReactionKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert_eq!("Shown".parse::<CommentState>(), Err(CommentStateError));
    assert_eq!("heart".parse::<ReactionKind>(), Err(ReactionKindError));
    let words: std::collections::HashSet<&str> = Why::ALL.map(Why::as_str).into();
    assert_eq!(words.len(), Why::ALL.len(), "each reason has its own word");
    assert!(Why::ALL.iter().all(|why| !why.advice().is_empty()));
}

#[test]
fn a_body_is_trimmed_and_bounded_in_characters_not_bytes() {
    assert_eq!(checked_body("  halo \n"), Ok("halo"));
    assert_eq!(checked_body(&"é".repeat(500)).map(str::len), Ok(1_000));
    assert_eq!(checked_body(&"😂".repeat(500)).map(str::len), Ok(2_000));
    assert_eq!(checked_body(&"x".repeat(501)), Err(BodyError::TooLong));
    assert_eq!(checked_body(&"😂".repeat(501)), Err(BodyError::TooLong));
    assert_eq!(checked_body(&" ".repeat(9_000)), Err(BodyError::Empty));
}

#[test]
fn what_cannot_be_seen_is_empty_and_what_covers_others_is_refused() {
    for unseen in ["", " \t ", "\u{200b}", "\u{2060}\u{feff}", "\u{301}", "\u{3164}", "\u{200b} \u{200b} \u{200b}"] {
        assert_eq!(checked_body(unseen), Err(BodyError::Empty), "{unseen:?}");
    }
    for bad in
        ["a\0b", "a\nb", "a\u{1b}[2Jb", "a\u{85}b", "nama\u{202e}terbalik", "\u{2066}x", "a\u{200b}\u{200b}\u{200b}b"]
    {
        assert_eq!(checked_body(bad), Err(BodyError::Characters), "{bad:?}");
    }
    let piled = |marks: usize| format!("a{}b", "\u{301}".repeat(marks));
    assert!(checked_body(&piled(8)).is_ok());
    assert_eq!(checked_body(&piled(9)), Err(BodyError::Characters));
}

#[test]
fn what_people_really_write_is_taken() {
    for text in [
        "Kenapa a = Δv/Δt, Bu?",
        "👨‍👩‍👧‍👦 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👍🏽",
        "Tiếng Việt: ế ộ",
        "สวัสดีครับ",
        "السَّلَامُ عَلَيْكُمْ",
        "ꦲꦏ꧀ꦱꦫ ꦗꦮ",
        "می‌خواهم",
        "e\u{301}\u{323}",
    ] {
        assert_eq!(checked_body(text), Ok(text), "{text:?}");
    }
}

#[test]
fn words_are_found_whatever_their_case_and_marks_and_only_whole() {
    let filter = WordFilter::new(&["bodoh", "Pergi Sana!", "***", "ÉCOLE"]);
    for held in [
        "bodoh",
        "BODOH!",
        "kamu bódoh ya",
        "b\u{200b}odoh",
        "ｂｏｄｏｈ",
        "pergi, sana",
        "PERGI\tSANA",
        "l'ecole",
        "BO\u{308}DOH",
    ] {
        assert!(filter.finds(held), "{held:?}");
    }
    for free in ["", "kebodohan", "pergi ke sana", "sana pergi", "***", "bo doh", "pergi"] {
        assert!(!filter.finds(free), "{free:?}");
    }
    assert!(!WordFilter::new::<&str>(&[]).finds("bodoh"));
}

#[test]
fn a_name_that_a_sender_gives_is_short_and_plain() {
    for good in ["a", "0b7a3c9e-7d1f-4a52-9c11-5f0d3b2a1c4d", &"_".repeat(64)] {
        assert!(is_client_id(good), "{good}");
    }
    for bad in ["", " ", "a b", "é", "a/b", &"x".repeat(65)] {
        assert!(!is_client_id(bad), "{bad}");
    }
}

#[test]
fn a_picture_was_taken_while_something_was_on_air() {
    let started = Some(at(0));
    for (said, since_ms, expected) in [
        (None, 10_000, Some(10_000)),
        (None, -60_000, Some(0)),
        (Some(4_000), 10_000, Some(4_000)),
        (Some(-5), 10_000, Some(0)),
        (Some(15_000), 10_000, Some(15_000)),
        (Some(i64::MAX), 10_000, Some(15_000)),
        (Some(9_000), -60_000, Some(5_000)),
    ] {
        let expected = expected.map(at);
        assert_eq!(picture_at(said, started, at(since_ms)), expected, "{said:?} after {since_ms} ms");
    }
    assert_eq!(picture_at(Some(4_000), None, at(10_000)), None, "nothing was on air");
}

#[test]
fn a_comment_is_shown_held_or_refused_as_the_mentor_has_set_the_room() {
    let mut open = floor(|_| ());
    assert_eq!(say(&mut open, mentee(2), "halo", NOW), Ok(CommentState::Shown));
    assert_eq!(say(&mut open, mentee(3), "kamu BODOH", NOW), Err(Why::Word.into()));
    assert_eq!(say(&mut open, mentee(3), " ", NOW), Err(Why::Empty.into()));
    assert_eq!(open.comment(mentee(3), "a b", "halo", NOW), Err(Why::ClientId.into()));
    let mut reviewed = floor(|lesson| lesson.review_on = true);
    assert_eq!(say(&mut reviewed, mentee(2), "halo", NOW), Ok(CommentState::Held));
    assert_eq!(say(&mut reviewed, MENTOR, "kamu bodoh", NOW), Ok(CommentState::Shown), "the mentor's own room");
    let mut closed = floor(|lesson| lesson.comments_on = false);
    assert_eq!(say(&mut closed, mentee(2), "halo", NOW), Err(Why::CommentsOff.into()));
    assert_eq!(closed.reactions(mentee(2), 1, NOW), Err(Why::CommentsOff.into()));
    assert_eq!(closed.hand(mentee(2), NOW), Err(Why::CommentsOff.into()));
    assert_eq!(say(&mut closed, MENTOR, "sebentar ya", NOW), Ok(CommentState::Shown));
    closed.set(&lesson());
    assert!(closed.settings().comments_on);
    assert_eq!(say(&mut closed, mentee(2), "halo", NOW), Ok(CommentState::Shown));
}

#[test]
fn slow_mode_says_how_long_to_wait_and_counts_only_what_was_kept() {
    let mut floor = floor(|lesson| lesson.slow_ms = 30_000);
    assert!(say(&mut floor, mentee(2), "satu", at(0)).is_ok());
    assert_eq!(say(&mut floor, mentee(2), "dua", at(10_000)), Err(Refused::for_now(Why::Slow, 20_000)));
    assert!(say(&mut floor, mentee(3), "orang lain", at(10_000)).is_ok());
    assert!(say(&mut floor, mentee(2), "dua", at(30_000)).is_ok(), "to the millisecond");
    floor.not_kept(user(2));
    assert!(say(&mut floor, mentee(2), "dua", at(31_000)).is_ok());
    for n in 0..5 {
        assert!(say(&mut floor, MENTOR, "jawaban", at(31_000 + n)).is_ok(), "the mentor is not slowed");
    }
}

#[test]
fn nobody_is_faster_than_five_at_once_and_one_a_second() {
    let mut floor = floor(|_| ());
    let said =
        |floor: &mut Floor, from: i64| (0..20).filter(|n| say(floor, mentee(2), "a", at(from + n)).is_ok()).count();
    assert_eq!(said(&mut floor, 0), 5);
    assert_eq!(say(&mut floor, mentee(2), "a", at(500)), Err(Refused::for_now(Why::TooFast, 500)));
    assert_eq!(said(&mut floor, 3_000), 3);
    assert_eq!(said(&mut floor, 60_000), 5);
    assert_eq!((0..40).filter(|n| say(&mut floor, MENTOR, "a", at(60_000 + n)).is_ok()).count(), 20);
    assert_eq!((0..10).filter(|_| floor.hand(mentee(2), at(0)).is_ok()).count(), 5);
}

#[test]
fn reactions_come_in_tens_at_most_and_not_faster_than_a_thumb() {
    let mut floor = floor(|_| ());
    for n in [0, -1, 11, i64::MAX, i64::MIN] {
        assert_eq!(floor.reactions(mentee(2), n, NOW), Err(Why::Malformed.into()), "{n}");
    }
    assert_eq!((0..10).filter(|_| floor.reactions(mentee(2), 10, NOW).is_ok()).count(), 3);
    assert_eq!(floor.reactions(mentee(2), 10, at(999)), Err(Refused::for_now(Why::TooFast, 1)));
    assert!(floor.reactions(mentee(2), 10, at(1_000)).is_ok());
}

#[test]
fn a_mute_ends_by_itself_or_by_hand_and_stops_words_alone() {
    let mut floor = Floor::new(&lesson(), &[Mute { user: user(2), until: at(5_000) }]);
    assert_eq!(say(&mut floor, mentee(2), "halo", at(1_000)), Err(Refused::for_now(Why::Muted, 4_000)));
    assert_eq!(floor.muted_until(user(2), at(1_000)), Some(at(5_000)));
    assert!(floor.reactions(mentee(2), 1, at(1_000)).is_ok() && floor.hand(mentee(2), at(1_000)).is_ok());
    assert!(say(&mut floor, mentee(2), "halo", at(5_000)).is_ok());
    floor.mute(user(3), Some(at(9_000)));
    assert!(say(&mut floor, mentee(3), "halo", at(6_000)).is_err());
    floor.mute(user(3), None);
    assert!(say(&mut floor, mentee(3), "halo", at(6_000)).is_ok());
    assert_eq!(floor.muted_until(user(3), at(6_000)), None);
}

#[test]
fn what_was_said_before_is_known_even_to_who_would_be_too_fast() {
    let mut floor = floor(|lesson| lesson.slow_ms = 60_000);
    let first = floor.comment(mentee(2), "c1", " halo ", NOW).expect("taken");
    assert_eq!(first, Verdict::Keep { body: "halo", state: CommentState::Shown });
    floor.kept(user(2), "c1", (7, CommentState::Held));
    assert_eq!(
        floor.comment(mentee(2), "c1", "halo", at(1)),
        Ok(Verdict::Known(7, CommentState::Held)),
        "answered as before"
    );
    assert!(
        floor.comment(mentee(3), "c1", "halo", at(1)).is_ok_and(|v| !matches!(v, Verdict::Known(..))),
        "names are one's own"
    );
}

#[test]
fn only_so_much_is_remembered_and_the_oldest_is_forgotten_first() {
    let mut once = Once::default();
    for n in 0..10_000 {
        once.remember(user(n % 7), &n.to_string(), (n as i64 + 1, CommentState::Shown));
    }
    once.remember(user(9_999 % 7), "9999", (10_000, CommentState::Shown));
    assert_eq!(once.len(), 8_192);
    assert_eq!(once.place(user(9_999 % 7), "9999"), Some((10_000, CommentState::Shown)));
    assert_eq!(once.place(user(0), "0"), None);
}

#[test]
fn people_who_rest_are_forgotten_and_those_who_do_not_are_not() {
    let mut floor = floor(|lesson| lesson.slow_ms = 10_000);
    let busy = mentee(u128::MAX);
    for n in 0..5_000 {
        assert!(say(&mut floor, mentee(n + 10), "halo", at(n as i64 * 100)).is_ok());
        if n % 100 == 0 {
            assert!(say(&mut floor, busy, "halo", at(n as i64 * 100)).is_ok(), "{n}");
        } else {
            assert!(
                matches!(say(&mut floor, busy, "x", at(n as i64 * 100)), Err(Refused { why: Why::Slow, .. })),
                "{n}"
            );
        }
    }
}

#[test]
fn a_moderator_shows_holds_deletes_and_what_is_not_shown_is_not_pinned() {
    use CommentState::{Deleted, Held, Shown};
    let moderation = |state, pinned| Moderation { state, pinned };
    for (what, before, after) in [
        (moderation(None, Some(true)), (Shown, false), (Shown, true)),
        (moderation(None, Some(true)), (Held, false), (Held, false)),
        (moderation(Some(Shown), Some(true)), (Held, false), (Shown, true)),
        (moderation(Some(Deleted), None), (Shown, true), (Deleted, false)),
        (moderation(Some(Shown), None), (Deleted, false), (Shown, false)),
        (moderation(None, None), (Shown, true), (Shown, true)),
    ] {
        assert_eq!(what.applied(before.0, before.1), after, "{what:?} of {before:?}");
    }
}

#[test]
fn reactions_that_could_not_be_written_are_written_later_and_counted_once() {
    let mut tally = Tally::new([40, 0, 0, 0, 0, 0]);
    assert!(tally.is_empty() && tally.to_write().is_empty());
    tally.add(ReactionKind::Hati, 2, Some(12_345));
    tally.add(ReactionKind::Tanya, 1, None);
    let first = tally.to_write();
    let expected = [
        ReactionCount { media_ms: 0, kind: ReactionKind::Tanya, count: 1 },
        ReactionCount { media_ms: 10_000, kind: ReactionKind::Hati, count: 2 },
    ];
    assert_eq!(first, expected);
    tally.add(ReactionKind::Hati, 5, Some(10_000));
    assert!(tally.to_write().is_empty(), "one write at a time");
    tally.not_written();
    assert_eq!(tally.totals()[0], 40);
    assert_eq!(tally.to_write().iter().map(|count| count.count).sum::<u64>(), 8);
    assert_eq!(tally.written(), ([7, 0, 0, 0, 0, 1], 10_000));
    assert_eq!(tally.totals(), [47, 0, 0, 0, 0, 1]);
    assert!(tally.is_empty());
}

proptest! {
    #[test]
    fn a_body_that_is_taken_is_within_all_bounds(text in "\\PC{0,40}[\\u{200b}\\u{301}\\u{0}\\u{202e} a]{0,12}\\PC{0,4}") {
        if let Ok(body) = checked_body(&text) {
            prop_assert_eq!(body, text.trim());
            prop_assert!((1..=BODY_CHARACTERS_MAX).contains(&body.chars().count()));
            prop_assert!(!body.chars().any(char::is_control));
            prop_assert_eq!(checked_body(body), Ok(body), "taken once, taken always");
        }
    }

    #[test]
    fn a_filter_finds_its_word_among_any_others(before in "[a-z ]{0,20}", after in "[a-z ]{0,20}", upper: bool) {
        let filter = WordFilter::new(&["bodoh"]);
        let word = if upper { "BODOH" } else { "bódoh" };
        let found = format!("{before} {word}, {after}");
        prop_assert!(filter.finds(&found));
        let inside = format!("{before}x{word}");
        prop_assert!(!filter.finds(&inside));
    }

    /// Against a bucket that is kept the long way: tokens that trickle in each millisecond.
    #[test]
    fn a_bucket_gives_no_more_than_its_rate(steps in proptest::collection::vec((0i64..700, 1i64..4), 1..80)) {
        let rate = Rate { burst: 6, refill_ms: 100 };
        let (mut bucket, mut tokens_ms, mut now) = (Bucket::default(), 600i64, NOW);
        for (step, n) in steps {
            now = now.plus_millis(step);
            tokens_ms = (tokens_ms + step).min(600);
            match bucket.take(rate, n, now) {
                Ok(()) => {
                    prop_assert!(tokens_ms >= n * 100);
                    tokens_ms -= n * 100;
                }
                Err(wait) => prop_assert_eq!(wait, n * 100 - tokens_ms),
            }
            prop_assert_eq!(bucket.is_full(now), tokens_ms == 600);
        }
    }

    #[test]
    fn totals_are_the_sum_of_all_that_was_added(
        steps in proptest::collection::vec((0usize..6, 1u64..11, -10i64..60_000, 0u8..4), 0..120)
    ) {
        let (mut tally, mut kept, mut expected) = (Tally::default(), HashMap::new(), Counts::default());
        for (kind, n, media_ms, then) in steps {
            expected[kind] += n;
            tally.add(ReactionKind::ALL[kind], n, Some(media_ms));
            if then == 0 {
                let counts = tally.to_write();
                counts.iter().for_each(|c| *kept.entry((c.media_ms, c.kind)).or_insert(0) += c.count);
                tally.written();
            } else if then == 1 {
                tally.to_write();
                tally.not_written();
            }
        }
        for count in tally.to_write() {
            *kept.entry((count.media_ms, count.kind)).or_insert(0) += count.count;
        }
        tally.written();
        prop_assert_eq!(tally.totals(), expected);
        prop_assert_eq!(kept.values().sum::<u64>(), expected.iter().sum::<u64>());
        prop_assert!(kept.keys().all(|(at, _)| *at >= 0 && at % REACTION_STRETCH_MS == 0));
    }
}
