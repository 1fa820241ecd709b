//! Who gets which place, and who may know of a course.

use super::*;

fn course(enrolling: Enrolling) -> Course {
    let now = UnixMillis(1_700_000_000_000);
    Course {
        id: CourseId::new(now),
        mentor: UserId::new(now),
        title: "Fisika dasar".to_owned(),
        summary: String::new(),
        enrolling,
        capacity: None,
        archived: None,
        created: now,
        version: 1,
    }
}

fn word(outcome: Result<EnrolmentState, TeachingError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |state| state.as_str().to_owned())
}

#[test]
fn the_place_one_gets_follows_from_the_course_the_place_before_and_an_invitation() {
    use EnrolmentState::{Active, Declined, Left, Removed, Requested};
    let none = "the invitation is none, used up, over or withdrawn";
    let out = "put out of the course by its mentor";
    let table: &[(Enrolling, Option<EnrolmentState>, bool, &str)] = &[
        (Enrolling::Open, None, false, "active"),
        (Enrolling::Open, Some(Active), false, "active"),
        (Enrolling::Open, Some(Left), false, "active"),
        (Enrolling::Open, Some(Declined), false, "active"),
        (Enrolling::Open, Some(Removed), false, out),
        (Enrolling::Open, Some(Removed), true, "active"),
        (Enrolling::Invitation, None, false, none),
        (Enrolling::Invitation, None, true, "active"),
        (Enrolling::Invitation, Some(Left), false, none),
        (Enrolling::Invitation, Some(Removed), true, "active"),
        (Enrolling::Invitation, Some(Active), false, "active"),
        (Enrolling::Approval, None, false, "requested"),
        (Enrolling::Approval, None, true, "active"),
        (Enrolling::Approval, Some(Requested), false, "requested"),
        (Enrolling::Approval, Some(Declined), false, "requested"),
        (Enrolling::Approval, Some(Left), false, "requested"),
        (Enrolling::Approval, Some(Removed), false, out),
        (Enrolling::Approval, Some(Active), false, "active"),
    ];
    for &(enrolling, before, invited, expected) in table {
        let outcome = place(&course(enrolling), UserId::new(UnixMillis(1)), Place { before, invited, enrolled: 0 });
        assert_eq!(word(outcome), expected, "{enrolling:?} {before:?} {invited}");
    }
}

#[test]
fn the_last_place_is_the_last_and_a_request_takes_none() {
    let somebody = UserId::new(UnixMillis(1));
    for enrolling in [Enrolling::Open, Enrolling::Approval] {
        let course = Course { capacity: Some(2), ..course(enrolling) };
        let at = |enrolled| place(&course, somebody, Place { before: None, invited: false, enrolled });
        let full = if enrolling == Enrolling::Open { "the course has no place left" } else { "requested" };
        assert!(at(1).is_ok());
        assert_eq!(word(at(2)), full);
        let inside = Place { before: Some(EnrolmentState::Active), invited: false, enrolled: 2 };
        assert_eq!(word(place(&course, somebody, inside)), "active", "who is in stays in");
    }
}

#[test]
fn nobody_gets_into_an_archived_course_or_into_their_own() {
    let archived = Course { archived: Some(UnixMillis(1)), ..course(Enrolling::Open) };
    let asked = Place { before: None, invited: true, enrolled: 0 };
    assert_eq!(word(place(&archived, UserId::new(UnixMillis(1)), asked)), "the course is archived");
    let own = course(Enrolling::Open);
    assert_eq!(word(place(&own, own.mentor, asked)), "one's own course");
}

#[test]
fn a_mentor_decides_only_on_who_asked_or_is_in() {
    use EnrolmentState::{Active, Declined, Left, Removed, Requested};
    let outcome = |verdict: Verdict, before| match verdict.of(before) {
        Ok(Some(state)) => state.as_str(),
        Ok(None) => "stays",
        Err(_) => "not found",
    };
    let row = |verdict| [Requested, Active, Declined, Left, Removed].map(|before| outcome(verdict, before));
    assert_eq!(row(Verdict::Active), ["active", "stays", "active", "not found", "active"]);
    assert_eq!(row(Verdict::Declined), ["declined", "not found", "stays", "not found", "not found"]);
    assert_eq!(row(Verdict::Removed), ["removed", "removed", "not found", "not found", "stays"]);
}

#[test]
fn a_course_by_invitation_is_there_for_its_own_alone() {
    let seen = |enrolling, mine, attended| CourseSeen {
        course: course(enrolling),
        mentor_name: "Mentor".to_owned(),
        enrolled: 1,
        mine,
        attended,
    };
    let somebody = Some(UserId::new(UnixMillis(1)));
    let (mentee, operator) = (Roles { mentee: true, ..Roles::default() }, Roles { operator: true, ..Roles::default() });
    for open in [Enrolling::Open, Enrolling::Approval] {
        assert!(seen(open, None, false).may_be_known(None, Roles::default()));
    }
    let hidden = seen(Enrolling::Invitation, None, false);
    assert!(!hidden.may_be_known(None, Roles::default()));
    assert!(!hidden.may_be_known(None, operator), "roles without a person are nobody's");
    assert!(!hidden.may_be_known(somebody, mentee));
    assert!(hidden.may_be_known(somebody, operator));
    assert!(hidden.may_be_known(Some(hidden.course.mentor), mentee));
    for state in EnrolmentState::ALL {
        let known = seen(Enrolling::Invitation, Some(*state), false).may_be_known(somebody, mentee);
        assert_eq!(known, *state == EnrolmentState::Active, "{state:?}");
    }
    assert!(seen(Enrolling::Invitation, Some(EnrolmentState::Left), true).may_be_known(somebody, mentee));
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let before = course(Enrolling::Open);
    assert_eq!(CourseChange::default().applied(before.clone(), UnixMillis(5)), before);
    let change = CourseChange { capacity: Some(Some(3)), archived: Some(true), ..CourseChange::default() };
    let after = change.applied(before.clone(), UnixMillis(5));
    assert_eq!(after, Course { capacity: Some(3), archived: Some(UnixMillis(5)), ..before.clone() });
    assert_eq!(change.applied(after.clone(), UnixMillis(9)).archived, Some(UnixMillis(5)), "since the first time");
    let change = CourseChange {
        title: Some("Fisika".to_owned()),
        summary: Some("Gerak".to_owned()),
        enrolling: Some(Enrolling::Approval),
        capacity: Some(None),
        archived: Some(false),
    };
    let expected = Course {
        title: "Fisika".to_owned(),
        summary: "Gerak".to_owned(),
        enrolling: Enrolling::Approval,
        capacity: None,
        archived: None,
        ..before
    };
    assert_eq!(change.applied(after, UnixMillis(9)), expected);
}

#[test]
fn an_invitation_keeps_no_token() {
    let now = UnixMillis(1_700_000_000_000);
    let (invitation, token) = Invitation::create(CourseId::new(now), 3, UnixMillis(now.0 + 1), now);
    assert_eq!(invitation.hash, KeyHash::of(&token.0));
    assert!(!format!("{invitation:?}").contains(&token.0));
}
