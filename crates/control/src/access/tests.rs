//! Every action beside every standing.

use super::*;
use crate::{CourseId, keys};

const NOW: UnixMillis = UnixMillis(15_000);

fn lesson(state: LessonState) -> Lesson {
    let made = UnixMillis(1_700_000_000_000);
    Lesson {
        id: LessonId::new(made),
        course: CourseId::new(made),
        mentor: UserId::new(made),
        channel: keys::random_id(),
        series: None,
        title: "Gerak lurus".to_owned(),
        summary: String::new(),
        starts: UnixMillis(10_000),
        ends: UnixMillis(20_000),
        zone: "Asia/Jakarta".to_owned(),
        state,
        started: None,
        ended: None,
        capacity: None,
        slow_ms: 0,
        comments_on: true,
        review_on: false,
        word_filter: Vec::new(),
        created: made,
        version: 1,
    }
}

fn somebody() -> Person {
    Person {
        id: UserId::new(UnixMillis(1_700_000_000_001)),
        roles: Roles { mentee: true, ..Roles::default() },
        suspended: false,
        enrolment: None,
        banned: false,
        attended: None,
    }
}

fn mentor() -> Person {
    Person { roles: Roles { mentor: true, ..Roles::default() }, ..somebody() }
}

fn enrolled() -> Person {
    Person { enrolment: Some(EnrolmentState::Active), ..somebody() }
}

/// What each action answers: `y`, or the reason's first letters.
fn row(state: LessonState, enrolling: Enrolling, person: Option<Person>) -> String {
    let standing = Standing { seq: Seq(1), lesson: lesson(state), enrolling, person };
    let word = |action: &Action| match decide(&standing, *action, NOW, 0) {
        Ok(()) => "y",
        Err(Refusal::Hidden) => "hidden",
        Err(Refusal::Stranger) => "stranger",
        Err(Refusal::NotEnrolled) => "enrol",
        Err(Refusal::Banned) => "banned",
        Err(Refusal::NotTheirs) => "theirs",
        Err(Refusal::NotNow) => "now",
        Err(Refusal::CommentsOff) => "off",
    };
    Action::ALL.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn strangers_know_of_open_courses_and_of_nothing_else() {
    let open = row(LessonState::Live, Enrolling::Open, None);
    assert_eq!(open, "y stranger stranger stranger stranger stranger stranger");
    for enrolling in [Enrolling::Approval, Enrolling::Invitation] {
        assert_eq!(row(LessonState::Live, enrolling, None), "hidden hidden hidden hidden hidden hidden hidden");
    }
}

#[test]
fn who_is_not_enrolled_knows_and_does_nothing_and_of_an_invitations_course_not_even_that() {
    let outsider = Some(somebody());
    assert_eq!(row(LessonState::Live, Enrolling::Open, outsider.clone()), "y theirs enrol hidden enrol enrol theirs");
    assert_eq!(
        row(LessonState::Live, Enrolling::Invitation, outsider),
        "hidden hidden hidden hidden hidden hidden hidden"
    );
    for state in [EnrolmentState::Requested, EnrolmentState::Declined, EnrolmentState::Left, EnrolmentState::Removed] {
        let person = Some(Person { enrolment: Some(state), ..somebody() });
        assert_eq!(row(LessonState::Live, Enrolling::Approval, person), "y theirs enrol hidden enrol enrol theirs");
    }
}

#[test]
fn who_is_enrolled_takes_part_and_replays_only_what_they_attended() {
    let there = Person { attended: Some(true), ..enrolled() };
    for enrolling in Enrolling::ALL {
        let of = |state, person: &Person| row(state, *enrolling, Some(person.clone()));
        assert_eq!(of(LessonState::Scheduled, &enrolled()), "y theirs y hidden y y theirs");
        assert_eq!(of(LessonState::Live, &enrolled()), "y theirs y hidden y y theirs");
        assert_eq!(of(LessonState::Ended, &enrolled()), "y theirs now hidden now hidden theirs");
        assert_eq!(of(LessonState::Cancelled, &enrolled()), "y theirs now hidden now hidden theirs");
        assert_eq!(of(LessonState::Live, &there), "y theirs y y y y theirs");
        assert_eq!(of(LessonState::Ended, &there), "y theirs now y now y theirs");
    }
}

#[test]
fn what_was_attended_stays_for_who_left_the_course() {
    let left = Person { enrolment: Some(EnrolmentState::Left), attended: Some(true), ..somebody() };
    assert_eq!(row(LessonState::Ended, Enrolling::Invitation, Some(left)), "y theirs enrol y enrol y theirs");
}

#[test]
fn who_is_out_of_the_course_does_not_read_what_is_said_while_the_lesson_is_on() {
    for enrolment in [None, Some(EnrolmentState::Left), Some(EnrolmentState::Removed)] {
        let out = Person { enrolment, attended: Some(true), ..somebody() };
        for state in [LessonState::Scheduled, LessonState::Live] {
            assert_eq!(row(state, Enrolling::Open, Some(out.clone())), "y theirs enrol y enrol enrol theirs");
        }
    }
}

#[test]
fn who_was_sent_out_or_struck_has_nothing_of_it() {
    let banned = Person { banned: true, attended: Some(true), ..enrolled() };
    assert_eq!(row(LessonState::Live, Enrolling::Open, Some(banned)), "y theirs banned hidden banned banned theirs");
    let struck = Person { attended: Some(false), ..enrolled() };
    assert_eq!(row(LessonState::Ended, Enrolling::Open, Some(struck)), "y theirs now hidden now hidden theirs");
    let suspended = Person { suspended: true, attended: Some(true), ..enrolled() };
    assert_eq!(
        row(LessonState::Live, Enrolling::Open, Some(suspended)),
        "hidden hidden hidden hidden hidden hidden hidden"
    );
}

#[test]
fn its_mentor_may_all_in_its_time_and_replays_for_ever() {
    let of = |state| {
        let mut standing = Standing { seq: Seq(1), lesson: lesson(state), enrolling: Enrolling::Open, person: None };
        standing.person = Some(Person { id: standing.lesson.mentor, ..mentor() });
        Action::ALL.iter().map(|action| decide(&standing, *action, NOW, 0).is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(of(LessonState::Scheduled), [true; 7]);
    assert_eq!(of(LessonState::Live), [true; 7]);
    assert_eq!(of(LessonState::Ended), [true, false, false, true, false, true, true]);
    let mut early = Standing {
        seq: Seq(1),
        lesson: lesson(LessonState::Scheduled),
        enrolling: Enrolling::Open,
        person: Some(somebody()),
    };
    early.person = Some(Person { id: early.lesson.mentor, ..mentor() });
    assert_eq!(decide(&early, Action::Publish, UnixMillis(9_000), 500), Err(Refusal::NotNow));
    assert_eq!(decide(&early, Action::Publish, UnixMillis(9_500), 500), Ok(()));
}

#[test]
fn who_is_no_mentor_any_more_neither_sends_nor_runs_and_keeps_what_they_taught() {
    for (state, may) in [
        (LessonState::Live, [true, false, true, true, true, true, false]),
        (LessonState::Ended, [true, false, false, true, false, true, false]),
    ] {
        let mut standing = Standing { seq: Seq(1), lesson: lesson(state), enrolling: Enrolling::Open, person: None };
        standing.person = Some(Person { id: standing.lesson.mentor, ..somebody() });
        let of = Action::ALL.iter().map(|action| decide(&standing, *action, NOW, 0).is_ok());
        assert_eq!(of.collect::<Vec<_>>(), may, "{state:?}");
        assert!(!standing.runs());
    }
}

#[test]
fn another_mentor_and_an_operator_are_nobody_special_to_it() {
    assert_eq!(row(LessonState::Ended, Enrolling::Open, Some(mentor())), "y theirs enrol hidden enrol enrol theirs");
    let operator = Person { roles: Roles { operator: true, ..Roles::default() }, ..somebody() };
    assert_eq!(
        row(LessonState::Live, Enrolling::Invitation, Some(operator)),
        "y theirs enrol hidden enrol enrol theirs"
    );
}

#[test]
fn comments_that_are_off_are_off_for_all_but_the_mentor() {
    let mut standing = Standing {
        seq: Seq(1),
        lesson: Lesson { comments_on: false, ..lesson(LessonState::Live) },
        enrolling: Enrolling::Open,
        person: Some(enrolled()),
    };
    assert_eq!(decide(&standing, Action::Chat, NOW, 0), Err(Refusal::CommentsOff));
    assert_eq!(decide(&standing, Action::ReadChat, NOW, 0), Ok(()));
    standing.person = Some(Person { id: standing.lesson.mentor, ..somebody() });
    assert_eq!(decide(&standing, Action::Chat, NOW, 0), Ok(()));
}
