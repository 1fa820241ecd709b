//! What any repository must do with mentors, courses, places in them and lessons.

use control::access::{Action, decide};
use control::air::OnAir;
use control::earlier::{Beside, Place};
use control::feed::Reader;
use control::teaching::courses::{CourseChange, CourseFilter, CourseSeen, INVITATIONS_MAX, Invitation, Verdict};
use control::teaching::directing::{SEEN_FOR_MS, Seen, Step, Timing};
use control::teaching::lessons::{
    Ban, Chapter, LessonChange, LessonEdit, LessonFilter, LessonSeen, Mine, NewLesson, Scope,
};
use control::teaching::mentors::{MENTOR_KEYS_MAX, MentorKey};
use control::teaching::{Course, Enrolling, EnrolmentState, Lesson, LessonState, TeachingError};
use control::{
    Change, ChangeKind, CourseId, KeyHash, LessonId, RecordingState, Repository, RepositoryError, Roles, Seq,
    SessionId, User, UserId, keys,
};
use futures_util::future::join_all;
use media::UnixMillis;

use super::contract::{person, recording};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const MINUTE: i64 = 60_000;
const WEEK: i64 = 7 * 24 * 60 * MINUTE;
const TIMING: Timing = Timing { margin_ms: 15 * MINUTE, reconnect_window_ms: 0 };
/// As a server sees a lesson that has had no stream of it for long.
const GONE: Seen = Seen {
    on_air: OnAir { on_air: false, stalled: false, started: None, viewers: 0 },
    gone_since: Some(UnixMillis(0)),
};

/// Runs on any repository.
pub async fn teaching_contract(repository: &dyn Repository) {
    of_twenty_who_want_three_places_three_get_one(repository).await;
    an_invitation_lets_in_as_many_as_it_says_until_it_is_withdrawn(repository).await;
    a_place_goes_from_hand_to_hand_and_what_is_lost_with_it_is_revoked(repository).await;
    who_was_put_out_comes_back_by_a_new_invitation_alone(repository).await;
    a_course_is_changed_by_who_saw_it_last(repository).await;
    lessons_are_set_all_or_none_and_never_two_at_once(repository).await;
    a_series_moves_together(repository).await;
    a_lesson_goes_through_its_states_once(repository).await;
    a_step_is_decided_on_the_lesson_as_it_is_when_it_is_taken(repository).await;
    a_lesson_that_a_server_holds_is_not_ended_for_one_that_does_not(repository).await;
    a_recording_is_announced_once_when_all_of_it_is_ready(repository).await;
    lists_hold_what_one_may_know_of(repository).await;
    lists_come_in_pages_that_neither_repeat_nor_skip(repository).await;
    who_is_sent_out_is_so_until_let_in_again(repository).await;
    mentors_are_shown_with_what_one_may_know_of(repository).await;
    a_mentor_has_a_few_keys_and_a_calendar_an_address(repository).await;
    recordings_and_channels_go_by_a_word(repository).await;
}

/// PostgreSQL ends the store's: the other program's looks for such circles after a minute.
pub async fn two_that_wait_for_one_another_both_go_through(repository: &dyn Repository, url: &str) {
    let admin = sqlx::PgPool::connect(url).await.expect("connect");
    let mut stranger = admin.begin().await.expect("begun");
    sqlx::query("SET LOCAL deadlock_timeout = '60s'").execute(&mut *stranger).await.expect("patient");
    let mentor = mentor(repository).await;
    let course = course(repository, mentor, Enrolling::Open, None).await;
    let id = lesson(repository, &course, 10).await.lesson.id;
    let locked = async |stranger: &mut sqlx::PgConnection, table: &str, id: String| {
        let text = format!("UPDATE {table} SET version = version WHERE id = $1");
        sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).execute(stranger).await.expect("locked");
    };
    locked(&mut stranger, "lessons", id.to_string()).await;
    let renamed = edit(LessonChange { title: Some("Lain".to_owned()), ..LessonChange::default() }, Scope::One);
    // It locks the mentor, then the lesson; the stranger has the lesson, and wants the mentor.
    let change = repository.change_lessons(id, &renamed, NOW);
    let cross = async {
        loop {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&admin).await.expect("counts");
            if waiting > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        // Given once the store's is ended: until then that has it.
        locked(&mut stranger, "users", mentor.to_string()).await;
        stranger.commit().await.expect("committed");
    };
    let (changed, ()) = futures_util::future::join(change, cross).await;
    let changed = changed.expect("done again");
    assert_eq!((changed[0].title.as_str(), changed[0].version), ("Lain", 2), "once");
    admin.close().await;
}

async fn somebody(repository: &dyn Repository, roles: Roles) -> User {
    let mut user = person(&format!("{}@example.test", keys::random_id()));
    user.id = UserId::new(NOW);
    user.roles = roles;
    repository.create_user(&user).await.expect("created");
    user
}

async fn mentee(repository: &dyn Repository) -> UserId {
    somebody(repository, Roles { mentee: true, ..Roles::default() }).await.id
}

async fn mentor(repository: &dyn Repository) -> UserId {
    somebody(repository, Roles { mentor: true, mentee: true, ..Roles::default() }).await.id
}

async fn course(repository: &dyn Repository, mentor: UserId, enrolling: Enrolling, capacity: Option<u32>) -> Course {
    let course = Course {
        id: CourseId::new(NOW),
        mentor,
        title: "Fisika 100%".to_owned(),
        summary: "Gerak_dan gaya".to_owned(),
        enrolling,
        capacity,
        archived: None,
        created: NOW,
        version: 1,
    };
    repository.create_course(&course).await.expect("created");
    course
}

fn lesson_at(course: &Course, starts: i64, series: Option<control::Uuid>) -> NewLesson {
    let lesson = Lesson {
        id: LessonId::new(NOW),
        course: course.id,
        mentor: course.mentor,
        channel: keys::random_id(),
        series,
        title: "Gerak lurus".to_owned(),
        summary: "Bab 1".to_owned(),
        starts: UnixMillis(starts),
        ends: UnixMillis(starts + 60 * MINUTE),
        zone: "Asia/Jakarta".to_owned(),
        state: LessonState::Scheduled,
        started: None,
        ended: None,
        capacity: Some(50),
        slow_ms: 1_000,
        comments_on: true,
        review_on: false,
        word_filter: vec!["\"kasar\"".to_owned()],
        created: NOW,
        version: 1,
    };
    NewLesson::with_channel(lesson, NOW)
}

async fn lesson(repository: &dyn Repository, course: &Course, in_minutes: i64) -> NewLesson {
    let new = lesson_at(course, NOW.0 + in_minutes * MINUTE, None);
    repository.create_lessons(std::slice::from_ref(&new), true).await.expect("created");
    new
}

async fn since(repository: &dyn Repository, before: Seq) -> Vec<Change> {
    repository.changes(before, 1_000).await.expect("read")
}

fn kinds(changes: &[Change]) -> Vec<ChangeKind> {
    changes.iter().map(|change| change.what.kind).collect()
}

async fn seen(repository: &dyn Repository, id: LessonId, who: Option<UserId>) -> LessonSeen {
    repository.lesson(id, who).await.expect("read").expect("there")
}

async fn course_seen(repository: &dyn Repository, id: CourseId, who: Option<UserId>) -> CourseSeen {
    repository.course(id, who).await.expect("read").expect("there")
}

async fn of_twenty_who_want_three_places_three_get_one(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, Some(3)).await;
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(mentee(repository).await);
    }
    let asked = people.iter().map(|who| repository.enrol(course.id, *who, None, NOW));
    let answers = join_all(asked).await;
    let let_in = answers.iter().filter(|answer| matches!(answer, Ok(EnrolmentState::Active))).count();
    let full = answers.iter().filter(|answer| matches!(answer, Err(TeachingError::CourseFull))).count();
    assert_eq!((let_in, full), (3, 17), "{answers:?}");
    assert_eq!(course_seen(repository, course.id, None).await.enrolled, 3);
    // One leaves, and of two who want the place one gets it.
    let inside = repository.enrolments(course.id, Some(EnrolmentState::Active), None, 100).await.expect("read");
    repository.leave(course.id, inside[0].user, NOW).await.expect("left");
    let outside = people.iter().filter(|who| inside.iter().all(|enrolled| enrolled.user != **who)).take(2);
    let late = join_all(outside.map(|who| repository.enrol(course.id, *who, None, NOW))).await;
    assert_eq!(late.iter().filter(|answer| answer.is_ok()).count(), 1, "{late:?}");
    assert_eq!(course_seen(repository, course.id, None).await.enrolled, 3);
}

async fn an_invitation_lets_in_as_many_as_it_says_until_it_is_withdrawn(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Invitation, None).await;
    let end = NOW.plus_millis(1_000);
    let (invitation, token) = Invitation::create(course.id, 2, end, NOW);
    repository.create_invitation(&invitation, NOW).await.expect("created");
    let token = Some(KeyHash::of(&token.0));
    let enrol = async |who, token, now| match repository.enrol(course.id, who, token, now).await {
        Ok(state) => state.as_str().to_owned(),
        Err(error) => error.to_string(),
    };
    let no = "the invitation is none, used up, over or withdrawn";
    let first = mentee(repository).await;
    assert_eq!(enrol(first, None, NOW).await, no);
    assert_eq!(enrol(first, Some(KeyHash::of("x")), NOW).await, no);
    assert_eq!(enrol(first, token, end).await, no, "over");
    assert_eq!(enrol(first, token, NOW).await, "active");
    assert_eq!(enrol(first, token, NOW).await, "active", "again takes no second use");
    let left = repository.invitations(course.id, NOW).await.expect("read");
    assert_eq!(left, [Invitation { uses_left: 1, ..invitation.clone() }]);
    let people = [mentee(repository).await, mentee(repository).await, mentee(repository).await];
    let answers = join_all(people.map(|who| repository.enrol(course.id, who, token, NOW))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(repository.invitations(course.id, NOW).await.expect("read").is_empty(), "used up");
    let (other, token) = Invitation::create(course.id, 9, end, NOW);
    repository.create_invitation(&other, NOW).await.expect("created");
    let elsewhere = self::course(repository, course.mentor, Enrolling::Open, None).await;
    let wrong = repository.revoke_invitation(elsewhere.id, other.id, NOW).await;
    assert!(matches!(wrong, Err(RepositoryError::NotFound(_))), "of another course");
    for _ in 0..2 {
        repository.revoke_invitation(course.id, other.id, NOW).await.expect("withdrawn");
    }
    assert_eq!(enrol(mentee(repository).await, Some(KeyHash::of(&token.0)), NOW).await, no);
    for _ in 0..INVITATIONS_MAX {
        let (one, _) = Invitation::create(course.id, 1, end, NOW);
        repository.create_invitation(&one, NOW).await.expect("created");
    }
    let (more, _) = Invitation::create(course.id, 1, end, NOW);
    let refused = repository.create_invitation(&more, NOW).await;
    assert!(matches!(refused, Err(TeachingError::TooMany(INVITATIONS_MAX))), "{refused:?}");
}

async fn a_place_goes_from_hand_to_hand_and_what_is_lost_with_it_is_revoked(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Approval, Some(1)).await;
    let (one, two) = (mentee(repository).await, mentee(repository).await);
    let before = repository.last_seq().await.expect("read");
    for who in [one, two] {
        assert_eq!(repository.enrol(course.id, who, None, NOW).await.expect("asked"), EnrolmentState::Requested);
    }
    let decide = async |who, verdict| repository.decide_enrolment(course.id, who, verdict, NOW).await;
    let decided = decide(one, Verdict::Active).await.expect("let in");
    assert_eq!((decided.user, decided.state, decided.created), (one, EnrolmentState::Active, NOW));
    assert!(matches!(decide(two, Verdict::Active).await, Err(TeachingError::CourseFull)));
    let requested = repository.enrolments(course.id, Some(EnrolmentState::Requested), None, 9).await.expect("read");
    assert_eq!(requested.iter().map(|enrolled| enrolled.user).collect::<Vec<_>>(), [two]);
    decide(one, Verdict::Removed).await.expect("put out");
    decide(one, Verdict::Removed).await.expect("again is no error");
    assert!(matches!(repository.enrol(course.id, one, None, NOW).await, Err(TeachingError::PutOut)));
    decide(two, Verdict::Active).await.expect("there is room now");
    repository.leave(course.id, two, NOW).await.expect("left");
    repository.leave(course.id, two, NOW).await.expect("again is no error");
    let changes = since(repository, before).await;
    use ChangeKind::{Enrolment, Revoked};
    assert_eq!(kinds(&changes), [Enrolment, Enrolment, Enrolment, Enrolment, Revoked, Enrolment, Enrolment, Revoked]);
    let revoked: Vec<_> = changes.iter().filter(|change| change.what.kind == Revoked).collect();
    assert_eq!(revoked.iter().map(|change| change.what.user).collect::<Vec<_>>(), [Some(one), Some(two)]);
    assert!(revoked.iter().all(|change| change.what.course == Some(course.id) && change.what.lesson.is_none()));
    let nobody = decide(mentee(repository).await, Verdict::Active).await;
    assert!(matches!(nobody, Err(TeachingError::Repository(RepositoryError::NotFound(_)))), "who never asked");
}

async fn who_was_put_out_comes_back_by_a_new_invitation_alone(repository: &dyn Repository) {
    let teacher = mentor(repository).await;
    for enrolling in Enrolling::ALL {
        let course = course(repository, teacher, *enrolling, None).await;
        let (who, end) = (mentee(repository).await, NOW.plus_millis(MINUTE));
        let invite = async |now| {
            let (invitation, token) = Invitation::create(course.id, 9, end, now);
            repository.create_invitation(&invitation, now).await.expect("created");
            Some(KeyHash::of(&token.0))
        };
        let old = invite(NOW).await;
        assert_eq!(repository.enrol(course.id, who, old, NOW).await.expect("in"), EnrolmentState::Active);
        let (out, later) = (NOW.plus_millis(10), NOW.plus_millis(20));
        repository.decide_enrolment(course.id, who, Verdict::Removed, out).await.expect("put out");
        let again = repository.enrol(course.id, who, old, later).await;
        assert!(matches!(again, Err(TeachingError::PutOut | TeachingError::NotInvited)), "{enrolling:?}: {again:?}");
        let another = mentee(repository).await;
        assert!(repository.enrol(course.id, another, old, later).await.is_ok(), "it holds for whoever was not put out");
        let new = invite(later).await;
        assert_eq!(repository.enrol(course.id, who, new, later).await.expect("back"), EnrolmentState::Active);
        // Who left by themselves is not put out.
        repository.leave(course.id, who, later).await.expect("left");
        assert!(repository.enrol(course.id, who, old, later).await.is_ok(), "{enrolling:?}");
    }
}

async fn a_course_is_changed_by_who_saw_it_last(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let change = CourseChange { title: Some("Lain".to_owned()), ..CourseChange::default() };
    let stale = repository.change_course(course.id, &change, Some(7), NOW).await;
    assert!(matches!(stale, Err(TeachingError::ChangedMeanwhile)), "{stale:?}");
    let before = repository.last_seq().await.expect("read");
    let both = [1, 2].map(|n| CourseChange { title: Some(format!("Lain {n}")), ..CourseChange::default() });
    let answers = join_all(both.iter().map(|change| repository.change_course(course.id, change, Some(1), NOW))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "one of two who saw the same");
    let same = CourseChange { capacity: Some(None), ..CourseChange::default() };
    assert_eq!(repository.change_course(course.id, &same, Some(2), NOW).await.expect("same").version, 2);
    assert_eq!(kinds(&since(repository, before).await), [ChangeKind::Course], "what changes nothing tells nothing");
    let archived = CourseChange { archived: Some(true), ..CourseChange::default() };
    repository.change_course(course.id, &archived, None, NOW).await.expect("archived");
    let new = lesson_at(&course, NOW.0 + MINUTE, None);
    let refused = repository.create_lessons(std::slice::from_ref(&new), true).await;
    assert!(matches!(refused, Err(TeachingError::Archived)), "{refused:?}");
    let late = repository.enrol(course.id, mentee(repository).await, None, NOW).await;
    assert!(matches!(late, Err(TeachingError::Archived)), "{late:?}");
}

async fn lessons_are_set_all_or_none_and_never_two_at_once(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let before = repository.last_seq().await.expect("read");
    let new = lesson(repository, &course, 60).await;
    let found = seen(repository, new.lesson.id, None).await;
    assert_eq!(found.standing.lesson, new.lesson);
    assert_eq!((found.course_title.as_str(), found.recording), ("Fisika 100%", None));
    assert_eq!(repository.channel(&new.channel.path).await.expect("read"), Some(new.channel.clone()));
    let changes = since(repository, before).await;
    assert_eq!(kinds(&changes), [ChangeKind::Channel, ChangeKind::LessonScheduled]);
    assert_eq!(changes[1].what.lesson, Some(new.lesson.id));
    let at = |minutes: i64| lesson_at(&course, NOW.0 + minutes * MINUTE, None);
    let both = [at(600), at(119)];
    let refused = repository.create_lessons(&both, false).await;
    assert!(matches!(refused, Err(TeachingError::Overlaps(id)) if id == new.lesson.id), "{refused:?}");
    assert_eq!(repository.lesson(both[0].lesson.id, None).await.expect("read"), None, "all or none");
    repository.create_lessons(&[at(120), at(0)], false).await.expect("side by side");
    let race = [at(3_000), at(3_030)];
    let answers = join_all(race.iter().map(|new| repository.create_lessons(std::slice::from_ref(new), false))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    repository.create_lessons(&[at(119)], true).await.expect("if it is wanted so");
}

fn edit(change: LessonChange, scope: Scope) -> LessonEdit {
    LessonEdit { change, scope, version: None, may_overlap: false }
}

async fn a_series_moves_together(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let begin = NOW.0 + 60 * MINUTE;
    let series = Some(keys::random_id());
    let lessons: Vec<NewLesson> = (0..4).map(|week| lesson_at(&course, begin + week * WEEK, series)).collect();
    repository.create_lessons(&lessons, false).await.expect("created");
    let id = |at: usize| lessons[at].lesson.id;
    repository.cancel_lesson(id(2), "libur", NOW).await.expect("cancelled");
    let before = repository.last_seq().await.expect("read");
    // A week later: onto where the next one is, which moves as well.
    let later = LessonChange { starts: Some(UnixMillis(begin + 2 * WEEK)), ..LessonChange::default() };
    let changed = repository.change_lessons(id(1), &edit(later, Scope::Following), NOW).await.expect("changed");
    let moved: Vec<_> = changed.iter().map(|lesson| (lesson.id, lesson.starts.0, lesson.version)).collect();
    assert_eq!(moved, [(id(1), begin + 2 * WEEK, 2), (id(3), begin + 4 * WEEK, 2)], "not what was, nor what is off");
    let changes = since(repository, before).await;
    assert_eq!(kinds(&changes), [ChangeKind::LessonChanged; 2]);
    let kept = [0, 1].map(|at| serde_json::from_str::<serde_json::Value>(&changes[at].what.payload).expect("JSON"));
    let times = |starts: i64| serde_json::json!({ "starts_ms": starts, "ends_ms": starts + 60 * MINUTE });
    assert_eq!((&kept[1]["before"], &kept[1]["after"]), (&times(begin + 3 * WEEK), &times(begin + 4 * WEEK)));
    let together = &kept[0]["edit"];
    assert_eq!(
        (&together["before"], &together["after"]),
        (&times(begin + WEEK), &times(begin + 2 * WEEK)),
        "of the first"
    );
    assert_eq!(together["starts_ms"], serde_json::json!([begin + 2 * WEEK, begin + 4 * WEEK]));
    assert_eq!(together["lessons"], serde_json::json!([id(1).to_string(), id(3).to_string()]));
    assert!(together["id"].is_string() && *together == kept[1]["edit"], "one name for what moved together");
    assert_eq!(seen(repository, id(0), None).await.standing.lesson, lessons[0].lesson);
    let onto = LessonChange { starts: Some(UnixMillis(begin + 30 * MINUTE)), ..LessonChange::default() };
    let refused = repository.change_lessons(id(1), &edit(onto.clone(), Scope::One), NOW).await;
    assert!(matches!(refused, Err(TeachingError::Overlaps(other)) if other == id(0)), "{refused:?}");
    let forced = LessonEdit { may_overlap: true, ..edit(onto, Scope::One) };
    let before = repository.last_seq().await.expect("read");
    repository.change_lessons(id(1), &forced, NOW).await.expect("if it is wanted so");
    let alone = since(repository, before).await;
    assert!(alone.len() == 1 && !alone[0].what.payload.contains("edit"), "{alone:?}");
    let stale = LessonEdit { version: Some(1), ..edit(LessonChange::default(), Scope::One) };
    let refused = repository.change_lessons(id(1), &stale, NOW).await;
    assert!(matches!(refused, Err(TeachingError::ChangedMeanwhile)), "{refused:?}");
    let before = repository.last_seq().await.expect("read");
    let same = repository.change_lessons(id(3), &edit(LessonChange::default(), Scope::One), NOW).await.expect("same");
    assert_eq!((same.len(), same[0].version), (1, 2));
    assert!(since(repository, before).await.is_empty(), "what changes nothing tells nothing");
}

async fn a_lesson_goes_through_its_states_once(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let (held, unheld, off) = (
        lesson(repository, &course, 10).await.lesson.id,
        lesson(repository, &course, 20).await.lesson.id,
        lesson(repository, &course, 30).await.lesson.id,
    );
    let due = repository.lessons_to_direct(NOW.plus_millis(15 * MINUTE)).await.expect("read");
    let ours: Vec<_> = due.iter().map(|due| &due.lesson).filter(|of| of.course == course.id).map(|of| of.id).collect();
    assert_eq!(ours, [held]);
    let before = repository.last_seq().await.expect("read");
    for (margin_ms, at) in [(9 * MINUTE, NOW), (0, NOW.plus_millis(90 * MINUTE))] {
        let outside = repository.start_lesson(held, margin_ms, at).await.expect("no error");
        assert_eq!(outside, None, "its slot is not open");
    }
    let begun = join_all((0..3).map(|_| repository.start_lesson(held, 15 * MINUTE, NOW))).await;
    let once = begun.into_iter().filter_map(|begun| begun.expect("no error")).collect::<Vec<_>>();
    assert_eq!(once.len(), 1, "whoever asks and how often");
    assert_eq!((once[0].state, once[0].started, once[0].version), (LessonState::Live, Some(NOW), 2));
    let cancelled = repository.cancel_lesson(held, "", NOW).await;
    assert!(matches!(cancelled, Err(TeachingError::NotNow(LessonState::Live))), "{cancelled:?}");
    assert_eq!(repository.end_lesson(unheld, NOW).await.expect("no error"), None, "it did not begin");
    let late = NOW.plus_millis(300 * MINUTE);
    let ended = repository.end_lesson(held, NOW).await.expect("no error").expect("ended");
    assert_eq!((ended.state, ended.ended), (LessonState::Ended, Some(NOW)));
    let (step, ended) = repository.take_step(unheld, GONE, TIMING, late).await.expect("no error").expect("ended");
    assert_eq!((step, ended.state, ended.ended), (Step::End, LessonState::Ended, Some(late)));
    for id in [held, unheld] {
        assert_eq!(repository.end_lesson(id, NOW).await.expect("no error"), None);
        assert_eq!(repository.start_lesson(id, 60 * MINUTE, NOW).await.expect("no error"), None, "over is over");
        assert_eq!(repository.take_step(id, GONE, TIMING, late).await.expect("no error"), None);
    }
    for _ in 0..2 {
        let called_off = repository.cancel_lesson(off, "mentor \"sakit\"", NOW).await.expect("cancelled");
        assert_eq!(called_off.state, LessonState::Cancelled);
    }
    let changes = since(repository, before).await;
    use ChangeKind::{LessonCancelled, LessonEnded, LessonStarted, Revoked};
    assert_eq!(kinds(&changes), [LessonStarted, LessonEnded, Revoked, LessonEnded, Revoked, LessonCancelled, Revoked]);
    assert_eq!(changes[5].what.payload, "{\"reason\":\"mentor \\\"sakit\\\"\"}");
    let revoked = changes.iter().filter(|change| change.what.kind == Revoked);
    let scopes: Vec<_> = revoked.map(|change| (change.what.lesson, change.what.user)).collect();
    assert_eq!(scopes, [(Some(held), None), (Some(unheld), None), (Some(off), None)], "everybody's");
    let nobody = LessonId::new(NOW);
    assert!(matches!(repository.start_lesson(nobody, 0, NOW).await, Err(RepositoryError::NotFound("lesson"))));
}

async fn a_step_is_decided_on_the_lesson_as_it_is_when_it_is_taken(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let (moved, off, late) = (
        lesson(repository, &course, 10).await.lesson.id,
        lesson(repository, &course, 200).await.lesson.id,
        300 * MINUTE,
    );
    let here = Seen { on_air: OnAir { on_air: true, ..OnAir::default() }, gone_since: None };
    let step = async |id, seen, at: i64| {
        let taken = repository.take_step(id, seen, TIMING, NOW.plus_millis(at)).await.expect("no error");
        taken.map(|(step, lesson)| (step, lesson.started, lesson.version))
    };
    // Whoever directs read both while they were due; then one was moved, and the other called off.
    let later = LessonChange { starts: Some(NOW.plus_millis(late)), ..LessonChange::default() };
    repository.change_lessons(moved, &edit(later, Scope::One), NOW).await.expect("moved");
    repository.cancel_lesson(off, "", NOW).await.expect("cancelled");
    let before = repository.last_seq().await.expect("read");
    assert_eq!((step(moved, here, 0).await, step(off, here, 200 * MINUTE).await), (None, None), "neither begins");
    assert_eq!((step(moved, GONE, 100 * MINUTE).await, step(off, GONE, late).await), (None, None), "nor is over");
    assert!(since(repository, before).await.is_empty());
    let first = Seen { on_air: OnAir { started: Some(NOW), ..here.on_air }, gone_since: None };
    let opens = NOW.plus_millis(late - 15 * MINUTE);
    let begun = step(moved, first, late).await;
    assert_eq!(begun, Some((Step::Start(opens), Some(opens), 3)), "with its media, not before its slot");
    assert_eq!(step(moved, first, late).await, None);
}

async fn a_lesson_that_a_server_holds_is_not_ended_for_one_that_does_not(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let id = lesson(repository, &course, 10).await.lesson.id;
    let begun = repository.start_lesson(id, 15 * MINUTE, NOW).await.expect("no error").expect("begun");
    let at = |m: i64| NOW.plus_millis(m * MINUTE);
    let (seen_at, before) = (at(100), repository.last_seq().await.expect("read"));
    repository.hold_lessons(&[LessonId::new(NOW), id], seen_at).await.expect("written");
    assert!(since(repository, before).await.is_empty(), "nobody is woken");
    let due = repository.lessons_to_direct(NOW).await.expect("read");
    let due = due.into_iter().find(|due| due.lesson.id == id).expect("it is live");
    assert_eq!((due.held, due.lesson), (Some(seen_at), begun), "and its tags stand");
    let step = async |at| repository.take_step(id, GONE, TIMING, at).await.expect("no error").map(|(step, _)| step);
    assert_eq!(step(seen_at.plus_millis(SEEN_FOR_MS - 1)).await, None);
    assert_eq!(step(seen_at.plus_millis(SEEN_FOR_MS)).await, Some(Step::End));
    repository.hold_lessons(&[id], at(200)).await.expect("no error");
    assert_eq!(step(at(300)).await, None, "once");
}

async fn a_recording_is_announced_once_when_all_of_it_is_ready(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let new = lesson(repository, &course, 10).await;
    let silent = lesson(repository, &course, 20).await;
    let put = async |stream, state| {
        repository.put_recording(&recording(&new.channel, stream, state)).await.expect("kept");
    };
    let announce = async || {
        let told = repository.announce_recordings(NOW, NOW).await.expect("no error");
        told.into_iter().filter(|id| [new.lesson.id, silent.lesson.id].contains(id)).count()
    };
    let state = async || seen(repository, new.lesson.id, None).await.recording;
    put(1, RecordingState::Ready).await;
    assert_eq!((announce().await, state().await), (0, Some(RecordingState::Ready)), "the lesson is not over");
    put(2, RecordingState::Recording).await;
    assert_eq!(state().await, Some(RecordingState::Recording), "of two, what has come least far");
    for id in [new.lesson.id, silent.lesson.id] {
        repository.start_lesson(id, 60 * MINUTE, NOW).await.expect("no error").expect("begun");
        repository.end_lesson(id, NOW).await.expect("no error").expect("ended");
    }
    assert_eq!(announce().await, 0);
    put(2, RecordingState::Sealed).await;
    assert_eq!((announce().await, state().await), (0, Some(RecordingState::Sealed)));
    put(2, RecordingState::Ready).await;
    let before = repository.last_seq().await.expect("read");
    let told = join_all((0..3).map(|_| repository.announce_recordings(NOW, NOW))).await;
    let told: Vec<_> = told.into_iter().flat_map(|told| told.expect("no error")).collect();
    assert_eq!(told.iter().filter(|id| **id == new.lesson.id).count(), 1, "of three who look at once");
    assert_eq!(announce().await, 0, "and never again");
    let changes = since(repository, before).await;
    let ready: Vec<_> = changes.iter().filter(|change| change.what.lesson == Some(new.lesson.id)).collect();
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].what.kind, ChangeKind::RecordingReady);
}

async fn lists_hold_what_one_may_know_of(repository: &dyn Repository) {
    let owner = mentor(repository).await;
    let operator = somebody(repository, Roles { operator: true, ..Roles::default() }).await.id;
    let (enrolled, outsider) = (mentee(repository).await, mentee(repository).await);
    let mut lessons = Vec::new();
    for (at, enrolling) in (0..).zip(Enrolling::ALL) {
        let course = course(repository, owner, *enrolling, None).await;
        let (invitation, token) = Invitation::create(course.id, 1, NOW.plus_millis(1), NOW);
        repository.create_invitation(&invitation, NOW).await.expect("created");
        repository.enrol(course.id, enrolled, Some(KeyHash::of(&token.0)), NOW).await.expect("in");
        lessons.push((course.id, lesson(repository, &course, 10 + 100 * at).await.lesson.id));
    }
    for who in [None, Some(owner), Some(operator), Some(enrolled), Some(outsider)] {
        let filter = LessonFilter { mentor: Some(owner), limit: 100, ..LessonFilter::default() };
        let listed = repository.lessons(&filter, who).await.expect("read");
        let listed: Vec<_> = listed.iter().map(|seen| seen.standing.lesson.id).collect();
        let filter = CourseFilter { mentor: Some(owner), limit: 100, ..CourseFilter::default() };
        let courses = repository.courses(&filter, who).await.expect("read");
        let courses: Vec<_> = courses.iter().map(|seen| seen.course.id).collect();
        let roles = Roles { operator: who == Some(operator), ..Roles::default() };
        for (course, lesson) in &lessons {
            let standing = repository.standing(who, *lesson).await.expect("read").expect("there");
            assert_eq!(seen(repository, *lesson, who).await.standing, standing, "both read the same");
            let may = decide(&standing, Action::Know, NOW, 0).is_ok();
            assert_eq!(listed.contains(lesson), may, "{who:?} {:?}", standing.enrolling);
            let known = course_seen(repository, *course, who).await.may_be_known(who, roles);
            assert_eq!(courses.contains(course), known, "{who:?} {:?}", standing.enrolling);
        }
        let reader = who.map(|id| Reader { id, session: SessionId::new(NOW), roles });
        let beside = repository.changes_beside(who, Seq(0), 10_000).await.expect("read");
        for (_, lesson) in &lessons {
            let set = beside.iter().find(|beside| {
                beside.change.what.lesson == Some(*lesson) && beside.change.what.kind == ChangeKind::LessonScheduled
            });
            let set = set.expect("it was told");
            assert_eq!(set.may_be_told(reader, NOW), listed.contains(lesson), "the feed agrees");
        }
    }
    let mine = async |mine, who| {
        let filter = LessonFilter { mine: Some(mine), limit: 100, ..LessonFilter::default() };
        repository.lessons(&filter, Some(who)).await.expect("read").len()
    };
    assert_eq!((mine(Mine::Teaching, owner).await, mine(Mine::Attending, owner).await), (3, 0));
    assert_eq!((mine(Mine::Teaching, enrolled).await, mine(Mine::Attending, enrolled).await), (0, 3));
    assert_eq!(mine(Mine::Attending, outsider).await, 0);
}

async fn lists_come_in_pages_that_neither_repeat_nor_skip(repository: &dyn Repository) {
    let owner = mentor(repository).await;
    let course = course(repository, owner, Enrolling::Open, None).await;
    let mut expected = Vec::new();
    for minutes in [30, 10, 10, 10, 20] {
        let lesson = lesson(repository, &course, minutes).await.lesson;
        expected.push((lesson.starts, lesson.id));
    }
    expected.sort_unstable();
    for newest_first in [false, true] {
        let mut filter = LessonFilter { course: Some(course.id), newest_first, limit: 2, ..LessonFilter::default() };
        let mut listed = Vec::new();
        loop {
            let page = repository.lessons(&filter, None).await.expect("read");
            let Some(last) = page.last() else { break };
            filter.after = Some((last.standing.lesson.starts, last.standing.lesson.id));
            listed.extend(page.iter().map(|seen| (seen.standing.lesson.starts, seen.standing.lesson.id)));
        }
        assert_eq!(listed, expected);
        expected.reverse();
    }
    let between = LessonFilter {
        course: Some(course.id),
        from: Some(NOW.plus_millis(20 * MINUTE)),
        until: Some(NOW.plus_millis(30 * MINUTE)),
        state: Some(LessonState::Scheduled),
        limit: 9,
        ..LessonFilter::default()
    };
    assert_eq!(repository.lessons(&between, None).await.expect("read").len(), 1, "the end is not in it");
    let found = async |text: &str| {
        let query = Some(text.to_owned());
        let filter = CourseFilter { mentor: Some(owner), query, limit: 9, ..CourseFilter::default() };
        repository.courses(&filter, None).await.expect("read").len()
    };
    assert_eq!((found("FISIKA").await, found("100%").await, found("gerak_dan").await), (1, 1, 1));
    let renamed =
        CourseChange { title: Some("Ökologie für École İzmir, groß".to_owned()), ..CourseChange::default() };
    repository.change_course(course.id, &renamed, None, NOW).await.expect("changed");
    for text in ["ökologie", "ÖKOLOGIE FÜR", "école", "ECOLE i", "izmir", "İZMİR", "GROSS", "groß"] {
        assert_eq!(found(text).await, 1, "{text}");
    }
    assert_eq!(found("fisika").await, 0, "it is called otherwise now");
    assert_eq!(
        (found("fisika%dasar").await, found("gerak dan").await, found("_isika").await),
        (0, 0, 0),
        "no patterns"
    );
}

async fn who_is_sent_out_is_so_until_let_in_again(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let id = lesson(repository, &course, 10).await.lesson.id;
    let who = mentee(repository).await;
    let banned = async || {
        let standing = repository.standing(Some(who), id).await.expect("read").expect("there");
        standing.person.expect("known").banned
    };
    let before = repository.last_seq().await.expect("read");
    let mut ban = Ban { lesson: id, user: who, by: course.mentor, reason: "kasar".to_owned() };
    for _ in 0..2 {
        repository.ban(&ban, NOW).await.expect("sent out");
        assert!(banned().await);
        let listed = repository.bans(id, None, 9).await.expect("read");
        assert_eq!((listed.len(), listed[0].user, &*listed[0].reason, listed[0].since), (1, who, "kasar", NOW));
        assert!(repository.bans(id, Some(who), 9).await.expect("read").is_empty(), "behind the last is none");
        repository.lift_ban(id, who, NOW).await.expect("let in");
        repository.lift_ban(id, who, NOW).await.expect("again is no error");
        assert!(repository.bans(id, None, 9).await.expect("read").is_empty());
        assert!(!banned().await);
    }
    let changes = since(repository, before).await;
    assert_eq!(kinds(&changes), [ChangeKind::Revoked; 2]);
    assert_eq!((changes[0].what.lesson, changes[0].what.user), (Some(id), Some(who)));
    ban.user = UserId::new(NOW);
    assert!(matches!(repository.ban(&ban, NOW).await, Err(RepositoryError::NotFound("person"))));
    let chapters = [(0, "Pembuka"), (60_000, "Isi")];
    let chapters = chapters.map(|(at_ms, title)| Chapter { at_ms, title: title.to_owned() });
    for kept in [&chapters[..], &chapters[1..], &[]] {
        repository.put_chapters(id, kept, NOW).await.expect("kept");
        assert_eq!(repository.chapters(id).await.expect("read"), kept);
    }
}

async fn mentors_are_shown_with_what_one_may_know_of(repository: &dyn Repository) {
    let (owner, outsider) = (mentor(repository).await, mentee(repository).await);
    let bare = repository.mentor(owner, None, NOW).await.expect("read").expect("there");
    assert_eq!((bare.headline.as_str(), bare.courses, bare.next_lesson, bare.version), ("", 0, None, 0));
    for version in [1, 2] {
        repository.put_mentor(owner, "Fisika_SMA", "Sejak 2010", NOW).await.expect("written");
        let page = repository.mentor(owner, None, NOW).await.expect("read").expect("there");
        assert_eq!((page.headline.as_str(), page.bio.as_str(), page.version), ("Fisika_SMA", "Sejak 2010", version));
    }
    let hidden = course(repository, owner, Enrolling::Invitation, None).await;
    let approval = course(repository, owner, Enrolling::Approval, None).await;
    let open = course(repository, owner, Enrolling::Open, None).await;
    let (first, second, third) = (
        lesson(repository, &hidden, 10).await.lesson.id,
        lesson(repository, &approval, 20).await.lesson.id,
        lesson(repository, &open, 30).await.lesson.id,
    );
    let shown = async |who| {
        let page = repository.mentor(owner, who, NOW).await.expect("read").expect("there");
        (page.courses, page.next_lesson.expect("there is one").id)
    };
    assert_eq!(shown(None).await, (2, third));
    assert_eq!(shown(Some(outsider)).await, (2, second));
    assert_eq!(shown(Some(owner)).await, (3, first));
    repository.put_mentor(owner, "Fisika_SMA İzmir, Weiß", "", NOW).await.expect("written");
    for text in ["izmir", "WEISS", "weiß", "ızmır"] {
        let found = repository.mentors(Some(text), None, None, 9, NOW).await.expect("read");
        assert_eq!(found.iter().map(|page| page.id).collect::<Vec<_>>(), [owner], "{text}");
    }
    let found = repository.mentors(Some("fisika_s"), None, None, 9, NOW).await.expect("read");
    assert_eq!(found.iter().map(|page| page.id).collect::<Vec<_>>(), [owner]);
    assert!(repository.mentors(Some("fisika_"), None, Some(owner), 9, NOW).await.expect("read").is_empty());
    assert_eq!(repository.mentor(outsider, None, NOW).await.expect("read"), None, "a mentee is none");
}

async fn a_mentor_has_a_few_keys_and_a_calendar_an_address(repository: &dyn Repository) {
    let owner = mentor(repository).await;
    let mut made = Vec::new();
    for at in 0..MENTOR_KEYS_MAX {
        let (key, _) = MentorKey::create(owner, &format!("telepon {at}"), NOW.plus_millis(i64::from(at)));
        repository.add_mentor_key(&key).await.expect("made");
        made.push(key);
    }
    assert_eq!(repository.mentor_keys(owner).await.expect("read"), made);
    let (more, _) = MentorKey::create(owner, "", NOW);
    let refused = repository.add_mentor_key(&more).await;
    assert!(matches!(refused, Err(TeachingError::TooMany(MENTOR_KEYS_MAX))), "{refused:?}");
    let other = mentor(repository).await;
    let theirs = repository.revoke_mentor_key(other, made[0].id, NOW).await;
    assert!(matches!(theirs, Err(RepositoryError::NotFound("key"))), "another's");
    for _ in 0..2 {
        repository.revoke_mentor_key(owner, made[0].id, NOW).await.expect("revoked");
    }
    assert_eq!(repository.mentor_keys(owner).await.expect("read"), made[1..]);
    repository.add_mentor_key(&more).await.expect("there is room now");
    for generation in 0..3 {
        assert_eq!(repository.calendar_generation(owner).await.expect("read"), generation);
        repository.withdraw_calendar(owner, NOW).await.expect("withdrawn");
    }
    assert_eq!(repository.calendar_generation(other).await.expect("read"), 0);
}

async fn recordings_and_channels_go_by_a_word(repository: &dyn Repository) {
    let course = course(repository, mentor(repository).await, Enrolling::Open, None).await;
    let new = lesson(repository, &course, 10).await;
    repository.put_recording(&recording(&new.channel, 77, RecordingState::Ready)).await.expect("kept");
    let room = super::contract::channel_at("aula/fisika");
    let room = control::Channel { record: false, ..room };
    repository.create_channel(&room, &super::contract::key_for(&room).0).await.expect("created");
    repository.put_recording(&recording(&room, 78, RecordingState::Sealed)).await.expect("kept");
    let stranger = mentor(repository).await;
    let of = |user, is_operator| Beside { user, is_operator, after: None, limit: 9 };
    let called = async |word: &str, beside: Beside| repository.recordings_called(word, &beside).await.expect("read");
    for word in ["aula", "fisika", "aula/fisika"] {
        let found = called(word, of(stranger, true)).await;
        assert_eq!(found.len(), 1, "{word}");
        assert_eq!((found[0].recording.channel, found[0].public, found[0].lesson), (room.id, false, None));
        assert_eq!(called(word, of(stranger, false)).await, [], "it is not public");
    }
    let name = new.channel.path.to_string();
    let found = called(&name, of(course.mentor, false)).await;
    assert_eq!(found[0].lesson, Some(new.lesson.id));
    assert_eq!(called(&name, of(stranger, true)).await, [], "an operator watches nobody's lessons");
    assert_eq!(called("fisika/aula", of(stranger, true)).await, []);
    recordings_of_others_hide_none_of_ones_own(repository, &course, (&new, stranger)).await;
    let before = repository.last_seq().await.expect("read");
    for _ in 0..2 {
        assert_eq!(repository.mark_recorded("aula", NOW).await.expect("marked"), [room.id]);
    }
    assert!(repository.channel(&room.path).await.expect("read").expect("there").record);
    assert_eq!(kinds(&since(repository, before).await), [ChangeKind::Channel], "told once");
    assert!(repository.mark_recorded("tidak-ada", NOW).await.expect("none").is_empty());
}

/// However many newer ones there are, somebody finds what they attended, a page at a time.
async fn recordings_of_others_hide_none_of_ones_own(
    repository: &dyn Repository,
    course: &Course,
    (attended, user): (&NewLesson, UserId),
) {
    let correction = control::attendance::Correction {
        lesson: attended.lesson.id,
        user,
        by: course.mentor,
        decision: control::attendance::Decision::Present,
        reason: "hadir".to_owned(),
        at: NOW,
    };
    repository.correct(&correction, 10_000).await.expect("corrected");
    let others = lesson(repository, course, 500_000).await;
    for stream in 100..110 {
        repository.put_recording(&recording(&others.channel, stream, RecordingState::Ready)).await.expect("kept");
    }
    repository.put_recording(&recording(&attended.channel, 76, RecordingState::Ready)).await.expect("kept");
    let app = attended.channel.path.app.as_str();
    let read = async |user, after| {
        let beside = Beside { user, is_operator: false, after, limit: 2 };
        let found = repository.recordings_called(app, &beside).await.expect("read");
        found.into_iter().map(|named| named.recording).collect::<Vec<_>>()
    };
    let page = read(user, None).await;
    assert_eq!(
        page.iter().map(|one| (one.channel, one.id.0)).collect::<Vec<_>>(),
        [(attended.channel.id, 77), (attended.channel.id, 76)]
    );
    assert_eq!(read(user, page.last().map(Place::from)).await, []);
    let (mut all, mut after) = (std::collections::HashSet::new(), None);
    loop {
        let page = read(course.mentor, after).await;
        let Some(last) = page.last() else { break };
        after = Some(Place::from(last));
        assert!(page.iter().all(|one| all.insert((one.channel, one.id.0))), "none twice");
    }
    assert_eq!(all.len(), 12);
}
