//! Who learns of which kind of change.

use super::*;
use crate::access::Person;
use crate::teaching::tests::lesson;
use crate::teaching::{Course, Enrolling, EnrolmentState, LessonState};
use crate::{CourseId, NewChange};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// Who reads, beside a course and a lesson of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Stranger,
    Outsider,
    Enrolled,
    Attendee,
    Mentor,
    Operator,
    Concerned,
}

const ROLES: [Role; 7] =
    [Role::Stranger, Role::Outsider, Role::Enrolled, Role::Attendee, Role::Mentor, Role::Operator, Role::Concerned];

fn reader(role: Role) -> Option<Reader> {
    let roles = Roles { operator: role == Role::Operator, ..Roles::default() };
    (role != Role::Stranger).then(|| Reader { id: UserId::new(NOW), session: SessionId::new(NOW), roles })
}

fn beside(kind: ChangeKind, enrolling: Enrolling, role: Role, reader: Option<Reader>) -> Beside {
    let mut lesson = lesson(LessonState::Ended);
    if let (Role::Mentor, Some(reader)) = (role, reader) {
        lesson.mentor = reader.id;
    }
    let enrolment = (role == Role::Enrolled).then_some(EnrolmentState::Active);
    let attended = (role == Role::Attendee).then_some(true);
    let person = reader.map(|reader| Person {
        id: reader.id,
        roles: reader.roles,
        suspended: false,
        enrolment,
        banned: false,
        attended,
    });
    let course = Course {
        id: lesson.course,
        mentor: lesson.mentor,
        title: String::new(),
        summary: String::new(),
        enrolling,
        capacity: None,
        archived: None,
        created: NOW,
        version: 1,
    };
    let about_somebody = matches!(
        kind,
        ChangeKind::User | ChangeKind::Mentor | ChangeKind::Enrolment | ChangeKind::Attendance | ChangeKind::Revoked
    );
    let mut what = NewChange::new(kind).lesson(lesson.id).course(lesson.course);
    if about_somebody {
        let somebody = reader.filter(|_| role == Role::Concerned).map_or_else(|| UserId::new(NOW), |reader| reader.id);
        what = what.user(somebody);
    }
    Beside {
        change: Change { seq: Seq(1), at: NOW, what },
        lesson: Some(Standing { seq: Seq(1), lesson, enrolling, person }),
        course: Some(CourseSeen {
            course,
            mentor_name: String::new(),
            enrolled: 0,
            mine: enrolment,
            attended: attended == Some(true),
        }),
    }
}

fn told(kind: ChangeKind, enrolling: Enrolling, role: Role) -> bool {
    let reader = reader(role);
    beside(kind, enrolling, role, reader).may_be_told(reader, NOW)
}

fn who(kind: ChangeKind, enrolling: Enrolling) -> Vec<Role> {
    ROLES.into_iter().filter(|role| told(kind, enrolling, *role)).collect()
}

#[test]
fn each_kind_is_told_to_whom_it_concerns_and_to_who_may_know_of_it() {
    use Role::{Attendee, Concerned, Enrolled, Mentor, Operator};
    for enrolling in Enrolling::ALL {
        let members = [Enrolled, Attendee, Mentor, Operator];
        let mut know = members.to_vec();
        if *enrolling != Enrolling::Invitation {
            know = vec![Role::Outsider, Enrolled, Attendee, Mentor, Operator, Concerned];
        }
        let mut lesson = know.clone();
        if *enrolling == Enrolling::Open {
            lesson.insert(0, Role::Stranger);
        }
        let mut course = know;
        if *enrolling != Enrolling::Invitation {
            course.insert(0, Role::Stranger);
        }
        for kind in ChangeKind::ALL {
            let expected: &[Role] = match kind {
                ChangeKind::Channel => &[Operator],
                ChangeKind::User | ChangeKind::Mentor => &[Operator, Concerned],
                ChangeKind::Course => &course,
                ChangeKind::Enrolment | ChangeKind::Attendance | ChangeKind::Revoked => &[Mentor, Concerned],
                ChangeKind::CommentHeld => &[Mentor],
                ChangeKind::RecordingReady => &[Attendee, Mentor],
                _ => &lesson,
            };
            assert_eq!(who(*kind, *enrolling), expected, "{kind:?} {enrolling:?}");
        }
    }
}

#[test]
fn a_right_taken_from_everybody_is_told_to_who_may_know_and_one_of_a_sign_in_to_it_alone() {
    let reader = Reader { id: UserId::new(NOW), session: SessionId::new(NOW), roles: Roles::default() };
    let of = |what: NewChange| Beside { change: Change { seq: Seq(1), at: NOW, what }, lesson: None, course: None };
    let signed_out = of(NewChange::new(ChangeKind::Revoked).session(reader.session).user(reader.id));
    assert!(signed_out.may_be_told(Some(reader), NOW));
    let elsewhere = Reader { session: SessionId::new(NOW), ..reader };
    assert!(!signed_out.may_be_told(Some(elsewhere), NOW), "another device of theirs");
    assert!(!signed_out.may_be_told(None, NOW));
    let channel = of(NewChange::new(ChangeKind::Revoked).channel(crate::keys::random_id()));
    let operator = Reader { roles: Roles { operator: true, ..Roles::default() }, ..reader };
    assert!(!channel.may_be_told(Some(reader), NOW) && channel.may_be_told(Some(operator), NOW));
    let standing =
        Standing { seq: Seq(1), lesson: lesson(LessonState::Ended), enrolling: Enrolling::Open, person: None };
    let mut lesson_wide = of(NewChange::new(ChangeKind::Revoked).lesson(standing.lesson.id));
    assert!(!lesson_wide.may_be_told(None, NOW), "of what is not there nothing is told");
    lesson_wide.lesson = Some(standing);
    assert!(lesson_wide.may_be_told(None, NOW));
    let gone = of(NewChange::new(ChangeKind::Course).course(CourseId::new(NOW)));
    assert!(!gone.may_be_told(Some(operator), NOW));
}

#[test]
fn what_a_stranger_reads_of_a_change_decides_for_others_or_says_that_it_does_not() {
    for kind in ChangeKind::ALL.iter().copied() {
        for enrolling in Enrolling::ALL.iter().copied() {
            for role in ROLES {
                let reader = reader(role);
                let mut seen = beside(kind, enrolling, role, reader);
                let told = seen.may_be_told(reader, NOW);
                if let Some(lesson) = &mut seen.lesson {
                    lesson.person = None;
                }
                if let Some(course) = &mut seen.course {
                    (course.mine, course.attended) = (None, false);
                }
                let surely = seen.may_surely_be_told(reader, NOW);
                assert!(surely.is_none_or(|surely| surely == told), "{kind:?} {enrolling:?} {role:?}: {surely:?}");
                let is_open = enrolling != Enrolling::Invitation && kind != ChangeKind::RecordingReady;
                assert!(surely.is_some() || !is_open && role != Role::Stranger, "{kind:?} {enrolling:?} {role:?}");
            }
        }
    }
}
