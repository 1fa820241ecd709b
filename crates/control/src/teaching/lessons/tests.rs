//! When lessons may be, how they are changed, and who could enrol.

use proptest::prelude::*;

use super::*;
use crate::access::Person;
use crate::teaching::tests::lesson;
use crate::{Roles, Seq};

const MINUTE: i64 = 60_000;
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn times(starts: i64, minutes: i64) -> Times {
    Times { starts: UnixMillis(starts), ends: UnixMillis(starts + minutes * MINUTE) }
}

fn to_come(state: LessonState) -> Lesson {
    let Times { starts, ends } = times(NOW.0 + 60 * MINUTE, 60);
    Lesson { starts, ends, ..lesson(state) }
}

#[test]
fn a_lesson_is_in_the_future_and_as_long_as_lessons_are() {
    let at = |in_minutes: i64, length| times(NOW.0 + in_minutes * MINUTE, length).check(NOW);
    assert_eq!(at(0, 60), Ok(()), "it begins at once");
    assert_eq!(at(-5, 60), Ok(()), "the form took a while");
    assert_eq!(times(NOW.0 - 5 * MINUTE - 1, 60).check(NOW), Err(TimesError::Past));
    assert_eq!(at(-5, 5), Err(TimesError::Over));
    assert_eq!(at(1, 60), Ok(()));
    assert_eq!(at(1, 4), Err(TimesError::TooShort));
    assert_eq!(at(1, -60), Err(TimesError::TooShort), "it ends before it begins");
    assert_eq!((at(1, 5), at(1, 720)), (Ok(()), Ok(())));
    assert_eq!(at(1, 721), Err(TimesError::TooLong));
    assert_eq!(at(2 * 366 * 24 * 60, 60), Ok(()));
    assert_eq!(at(2 * 366 * 24 * 60 + 1, 60), Err(TimesError::TooFar));
    let extreme = Times { starts: UnixMillis(i64::MAX), ends: UnixMillis(i64::MIN) };
    assert_eq!(extreme.check(UnixMillis(i64::MIN)), Err(TimesError::TooFar));
}

proptest! {
    #[test]
    fn two_lessons_overlap_exactly_if_some_minute_is_of_both(a in 0_i64..50, m in 1_i64..20, b in 0_i64..50, n in 1_i64..20) {
        let (one, other) = (times(a * MINUTE, m), times(b * MINUTE, n));
        let common = (0..100).any(|minute| (a..a + m).contains(&minute) && (b..b + n).contains(&minute));
        prop_assert_eq!(one.overlap(other), common);
        prop_assert_eq!(other.overlap(one), common);
    }
}

#[test]
fn the_channel_of_a_lesson_is_recorded_and_not_public() {
    let id = LessonId::new(NOW);
    let channel = channel_of(id, NOW);
    assert_eq!(channel.path.to_string(), format!("lesson/l-{}", id.0.simple()));
    assert!(channel.record && !channel.public);
    let new = NewLesson::with_channel(lesson(LessonState::Scheduled), NOW);
    assert_eq!(new.lesson.channel, new.channel.id);
}

#[test]
fn a_moved_begin_keeps_the_length_unless_the_end_is_named_too() {
    let before = to_come(LessonState::Scheduled);
    let later = before.starts.plus_millis(30 * MINUTE);
    let change = LessonChange { starts: Some(later), ..LessonChange::default() };
    let after = change.applied(&before, NOW).expect("changed");
    assert_eq!((after.starts, after.ends), (later, later.plus_millis(60 * MINUTE)));
    let change = LessonChange { ends: Some(later.plus_millis(5 * MINUTE)), ..change };
    assert_eq!(change.applied(&before, NOW).expect("changed").ends, later.plus_millis(5 * MINUTE));
}

#[test]
fn what_may_be_changed_depends_on_how_far_the_lesson_has_come() {
    let shown = |change: &LessonChange, state, now| match change.applied(&to_come(state), now) {
        Ok(_) => "changed".to_owned(),
        Err(error) => error.to_string(),
    };
    let begin = to_come(LessonState::Scheduled).starts;
    let during = begin.plus_millis(10 * MINUTE);
    let moved = LessonChange { starts: Some(begin.plus_millis(MINUTE)), ..LessonChange::default() };
    let longer = LessonChange { ends: Some(begin.plus_millis(90 * MINUTE)), ..LessonChange::default() };
    let over = LessonChange { ends: Some(begin.plus_millis(6 * MINUTE)), ..LessonChange::default() };
    let renamed = LessonChange { title: Some("Lain".to_owned()), ..LessonChange::default() };
    let row = |change, now| LessonState::ALL.iter().map(|state| shown(change, *state, now)).collect::<Vec<_>>();
    let cancelled = "the lesson is cancelled";
    assert_eq!(row(&moved, NOW), ["changed", "the lesson is live", "the lesson is ended", cancelled]);
    assert_eq!(row(&longer, during), ["changed", "changed", "the lesson is ended", cancelled]);
    let past = "the time must be in the future";
    assert_eq!(row(&over, during), [past, past, "the lesson is ended", cancelled]);
    assert_eq!(row(&moved, during)[0], format!("{past}, or at most 5 minutes ago to begin at once"));
    assert_eq!(row(&renamed, during), ["changed", "changed", "changed", cancelled]);
    let nowhere = LessonChange { zone: Some("Mars/Olympus".to_owned()), ..LessonChange::default() };
    assert_eq!(shown(&nowhere, LessonState::Scheduled, NOW), "the zone is no time zone: write it as Asia/Jakarta");
}

#[test]
fn what_follows_gets_the_same_words_and_moves_alike() {
    let before = to_come(LessonState::Scheduled);
    let week = 7 * 24 * 60 * MINUTE;
    let (starts, ends) = (before.starts.plus_millis(week), before.ends.plus_millis(week));
    let next = Lesson { starts, ends, title: "Gerak melingkar".to_owned(), ..to_come(LessonState::Scheduled) };
    let words = LessonChange { summary: Some("Bab 2".to_owned()), slow_ms: Some(5_000), ..LessonChange::default() };
    let after = words.applied(&before, NOW).expect("changed");
    let followed = words.followed((&before, &after), &next, NOW).expect("changed");
    let expected = Lesson { summary: "Bab 2".to_owned(), slow_ms: 5_000, ..next.clone() };
    assert_eq!(followed, expected, "what is not named stays, the time too");
    let later = LessonChange { starts: Some(before.starts.plus_millis(30 * MINUTE)), ..LessonChange::default() };
    let after = later.applied(&before, NOW).expect("changed");
    let followed = later.followed((&before, &after), &next, NOW).expect("changed");
    assert_eq!(followed.starts, next.starts.plus_millis(30 * MINUTE));
    assert_eq!(followed.title, next.title);
    let much_earlier = Lesson { starts: UnixMillis(NOW.0 + MINUTE), ends: UnixMillis(NOW.0 + 61 * MINUTE), ..after };
    let soon = Lesson { starts: before.starts, ends: before.ends, ..next };
    assert!(
        later.followed((&before, &much_earlier), &soon, UnixMillis(NOW.0 + 7 * MINUTE)).is_err(),
        "not into the past"
    );
}

#[test]
fn everything_that_is_named_is_changed() {
    let change = LessonChange {
        title: Some("a".to_owned()),
        summary: Some("b".to_owned()),
        starts: None,
        ends: None,
        zone: Some("Asia/Makassar".to_owned()),
        capacity: Some(Some(7)),
        slow_ms: Some(9),
        comments_on: Some(false),
        review_on: Some(true),
        word_filter: Some(vec!["c".to_owned()]),
    };
    let before = to_come(LessonState::Scheduled);
    let expected = Lesson {
        title: "a".to_owned(),
        summary: "b".to_owned(),
        zone: "Asia/Makassar".to_owned(),
        capacity: Some(7),
        slow_ms: 9,
        comments_on: false,
        review_on: true,
        word_filter: vec!["c".to_owned()],
        ..before.clone()
    };
    assert_eq!(change.applied(&before, NOW).expect("changed"), expected);
}

#[test]
fn who_has_no_place_could_enrol_where_no_invitation_is_needed() {
    let seen = |enrolling, enrolment, archived| {
        let person = Person {
            id: UserId::new(NOW),
            roles: Roles { mentee: true, ..Roles::default() },
            suspended: false,
            enrolment,
            banned: false,
            attended: None,
        };
        LessonSeen {
            standing: Standing {
                seq: Seq(1),
                lesson: to_come(LessonState::Scheduled),
                enrolling,
                person: Some(person),
            },
            course_title: String::new(),
            course_archived: archived,
            mentor_name: String::new(),
            recording: None,
        }
    };
    for enrolling in Enrolling::ALL {
        let without = *enrolling != Enrolling::Invitation;
        assert_eq!(seen(*enrolling, None, false).may_enrol(), without);
        assert!(!seen(*enrolling, None, true).may_enrol(), "archived");
        for state in EnrolmentState::ALL {
            let out = matches!(state, EnrolmentState::Left | EnrolmentState::Declined);
            assert_eq!(seen(*enrolling, Some(*state), false).may_enrol(), without && out, "{enrolling:?} {state:?}");
        }
    }
    let mut own = seen(Enrolling::Open, None, false);
    own.standing.lesson.mentor = own.standing.person.as_ref().map_or(own.standing.lesson.mentor, |person| person.id);
    assert!(!own.may_enrol(), "one's own course");
    own.standing.person = None;
    assert!(!own.may_enrol(), "a stranger signs in first");
}
