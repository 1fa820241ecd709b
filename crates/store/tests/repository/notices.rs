//! What any repository must do for notices, deliveries, devices and webhooks.

use control::deliveries::{Delivery, DeliveryState, Medium, NewDelivery, Room, Verdict};
use control::notices::{
    Audience, NewNotice, NoticeKind, NoticeSettings, Place, Plan, Quiet, SOON_MS, SUBSCRIPTIONS_MAX, TOMORROW_MS,
};
use control::teaching::lessons::{LessonChange, LessonEdit, Scope};
use control::webhooks::{WEBHOOKS_MAX, Webhook};
use control::{
    ChangeKind, DeliveryId, NoticeId, Repository, RepositoryError, Roles, Seq, SubscriptionId, UserId, Uuid, WebhookId,
    keys,
};
use media::{Redacted, UnixMillis};

use super::receivers::receivers_contract;
use super::school::{School, device, signed_in, somebody};

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);
const HOUR_MS: i64 = 3_600_000;

/// Runs on a repository in which nothing was planned yet.
pub async fn notices_contract(repository: &dyn Repository) {
    a_step_is_taken_once_and_whole(repository).await;
    recipients_are_who_may_be_told_with_their_settings_and_devices(repository).await;
    a_letter_says_what_its_reader_wants_by_now_and_what_else_is_on_its_way(repository).await;
    a_letter_of_several_lessons_alone_has_the_series(repository).await;
    a_lesson_is_reminded_of_once_for_each_start(repository).await;
    settings_are_changed_by_who_has_seen_them(repository).await;
    a_device_belongs_to_its_sign_in(repository).await;
    a_delivery_is_sent_by_one_at_a_time(repository).await;
    receivers_contract(repository).await;
    what_is_over_is_counted_and_forgotten(repository).await;
    old_notices_are_forgotten(repository).await;
    webhooks_are_their_owners_and_what_was_sent_is_sent_again_on_demand(repository).await;
}

pub(super) fn delivery(once: &str, next: UnixMillis) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(NOW),
        once_key: once.to_owned(),
        medium: Medium::Email,
        notice: None,
        webhook: None,
        user: None,
        target: "satu@example.test".to_owned(),
        payload: "{\"subject\":\"s\",\"body\":\"b\"}".to_owned(),
        next,
        created: NOW,
        expires: NOW.plus_millis(12 * HOUR_MS),
    }
}

fn notice(user: UserId, event: &str, lesson: control::LessonId) -> NewNotice {
    NewNotice {
        id: NoticeId::new(NOW),
        user,
        event_key: event.to_owned(),
        kind: NoticeKind::LessonScheduled,
        lesson,
        payload: "{}".to_owned(),
        created: NOW,
    }
}

async fn a_step_is_taken_once_and_whole(repository: &dyn Repository) {
    let school = School::with(repository, 2, NOW).await;
    let lesson = school.lesson(repository, NOW.plus_millis(90 * TOMORROW_MS), NOW).await;
    let event = repository.lesson_event(lesson.id).await.expect("read").expect("there");
    assert_eq!(
        (&event.lesson, event.course_title.as_str(), event.mentor_name.as_str()),
        (&lesson, "Fisika X", "Ibu Sari")
    );
    assert_eq!(repository.planned().await.expect("read"), Place::default());
    let (one, two) = (school.mentees[0], school.mentees[1]);
    let told = |user, event: &str, once: &str| {
        let notice = notice(user, event, lesson.id);
        let way = NewDelivery { notice: Some(notice.id), user: Some(user), ..delivery(once, UnixMillis(i64::MAX)) };
        (notice, vec![way])
    };
    let within = Place { seq: Seq(6), within: Some(one) };
    let first = Plan {
        from: Place::default(),
        to: within.clone(),
        notices: vec![told(one, "e", "e:1")],
        calls: vec![delivery("call", UnixMillis(i64::MAX))],
    };
    assert!(repository.plan(&first).await.expect("planned"));
    assert!(!repository.plan(&first).await.expect("planned"), "somebody else took it");
    assert_eq!(repository.planned().await.expect("read"), within);
    // The same event again: what is there stays, and nothing is owed for it again.
    let again = Plan {
        from: within,
        to: Place { seq: Seq(7), within: None },
        notices: vec![told(one, "e", "e:another"), told(two, "e", "e:2")],
        calls: vec![delivery("call", UnixMillis(i64::MAX))],
    };
    assert!(repository.plan(&again).await.expect("planned"));
    let of = async |user| repository.notices(user, None, 10).await.expect("read");
    assert_eq!(of(one).await.iter().map(|notice| notice.id).collect::<Vec<_>>(), [first.notices[0].0.id]);
    assert_eq!(of(two).await.len(), 1);
    let emails = repository.backlog(NOW).await.expect("read").into_iter().find(|of| of.medium == Medium::Email);
    assert_eq!(emails.map(|of| (of.waiting, of.dead, of.due_since)), Some((3, 0, None)));
    let letter = repository.letter(first.notices[0].1[0].id.0, NOW).await.expect("read");
    assert_eq!(letter.notice.map(|notice| notice.id), Some(first.notices[0].0.id));
    assert_eq!((letter.lesson, letter.reader.map(|reader| reader.user)), (Some(lesson), Some(one)));
    repository.read_notices(one, first.notices[0].0.id, NOW).await.expect("read");
    assert_eq!(of(one).await[0].read, Some(NOW));
    let foreign = repository.read_notices(two, first.notices[0].0.id, NOW).await;
    assert!(matches!(foreign, Err(RepositoryError::NotFound(_))), "{foreign:?}");
    assert_eq!(of(two).await[0].read, None);
    assert!(repository.notices(one, Some(first.notices[0].0.id), 10).await.expect("read").is_empty());
}

async fn recipients_are_who_may_be_told_with_their_settings_and_devices(repository: &dyn Repository) {
    let school = School::with(repository, 5, NOW).await;
    let lesson = school.lesson(repository, NOW.plus_millis(HOUR_MS), NOW).await;
    let told = async |audience, after, limit| {
        let found = repository.recipients(lesson.id, audience, after, NOW, limit).await.expect("read");
        found.into_iter().map(|one| one.user).collect::<Vec<UserId>>()
    };
    assert_eq!(told(Audience::Enrolled, None, 9).await, school.mentees);
    assert_eq!(told(Audience::Enrolled, None, 2).await, school.mentees[..2]);
    assert_eq!(told(Audience::Enrolled, Some(school.mentees[1]), 2).await, school.mentees[2..4]);
    assert_eq!(told(Audience::Attended, None, 9).await, [school.mentor], "nobody was there, and it is the mentor's");
    repository.leave(school.course, school.mentees[4], NOW).await.expect("left");
    let ban = control::teaching::lessons::Ban {
        lesson: lesson.id,
        user: school.mentees[3],
        by: school.mentor,
        reason: String::new(),
    };
    repository.ban(&ban, NOW).await.expect("banned");
    assert_eq!(told(Audience::Enrolled, None, 9).await, school.mentees[..3]);
    let quiet = Quiet::new(1_320, 300);
    let settings = NoticeSettings { muted: vec![NoticeKind::LessonSoon], quiet, ..NoticeSettings::default() };
    assert!(repository.set_notice_settings(school.mentees[1], &settings).await.expect("set"));
    let session = signed_in(repository, school.mentees[1], NOW).await;
    let phone = device(school.mentees[1], session, "https://push.example.test/1", NOW);
    assert_eq!(repository.subscribe(&phone).await.expect("kept"), Some(phone.id));
    let found = repository.recipients(lesson.id, Audience::Enrolled, None, NOW, 9).await.expect("read");
    assert_eq!(found[1].settings, NoticeSettings { version: 1, ..settings });
    assert_eq!(found[1].subscriptions, [phone.id]);
    assert_eq!(found[0].settings, NoticeSettings::default());
    assert!(found[0].subscriptions.is_empty() && found[0].email.is_some());
    let later = NOW.plus_millis(2 * HOUR_MS);
    let found = repository.recipients(lesson.id, Audience::Enrolled, None, later, 9).await.expect("read");
    assert!(found[1].subscriptions.is_empty(), "its sign-in is over");
}

async fn a_letter_says_what_its_reader_wants_by_now_and_what_else_is_on_its_way(repository: &dyn Repository) {
    let school = School::with(repository, 3, NOW).await;
    let lesson = school.lesson(repository, NOW.plus_millis(HOUR_MS), NOW).await;
    let (user, left, banned) = (school.mentees[0], school.mentees[1], school.mentees[2]);
    let from = repository.planned().await.expect("read");
    let mail = |to, n: i64, kind| {
        let notice = NewNotice {
            id: NoticeId::new(NOW.plus_millis(n)),
            kind,
            payload: format!("{{\"n\":{n}}}"),
            ..notice(to, &format!("letter:{n}"), lesson.id)
        };
        let way = delivery(&format!("letter:{n}:{to}"), UnixMillis(i64::MAX));
        (notice.clone(), vec![NewDelivery { notice: Some(notice.id), user: Some(to), ..way }])
    };
    let moves = [1, 2, 3].map(|n| mail(user, n, NoticeKind::LessonChanged));
    let others = [
        mail(left, 4, NoticeKind::LessonSoon),
        mail(banned, 5, NoticeKind::LessonSoon),
        mail(school.mentor, 6, NoticeKind::RecordingReady),
        mail(left, 7, NoticeKind::RecordingReady),
    ];
    let ids: Vec<Uuid> = moves.iter().chain(&others).map(|(_, ways)| ways[0].id.0).collect();
    let notices = moves.iter().chain(&others).cloned().collect();
    let to = Place { seq: Seq(from.seq.0 + 1), within: None };
    assert!(repository.plan(&Plan { from, to, notices, calls: Vec::new() }).await.expect("planned"));
    let is_told = async |at: usize| {
        let letter = repository.letter(ids[at], NOW).await.expect("read");
        letter.reader.expect("there").is_told
    };
    assert!(is_told(0).await && is_told(3).await && is_told(4).await && is_told(5).await);
    assert!(!is_told(6).await, "they were not there");
    repository.leave(school.course, left, NOW).await.expect("left");
    let ban =
        control::teaching::lessons::Ban { lesson: lesson.id, user: banned, by: school.mentor, reason: String::new() };
    repository.ban(&ban, NOW).await.expect("banned");
    assert!(is_told(0).await && !is_told(3).await && !is_told(4).await);
    let settings = NoticeSettings { muted: vec![NoticeKind::LessonChanged], ..NoticeSettings::default() };
    assert!(repository.set_notice_settings(user, &settings).await.expect("set"));
    let letter = repository.letter(ids[2], NOW).await.expect("read");
    assert_eq!(letter.reader.map(|reader| reader.settings), Some(NoticeSettings { version: 1, ..settings }));
    let mut others: Vec<_> =
        letter.others.iter().map(|one| (one.payload.as_str(), one.waits, one.is_unheard)).collect();
    others.sort_unstable();
    let later = Some(UnixMillis(i64::MAX));
    assert_eq!(others, [("{\"n\":1}", later, true), ("{\"n\":2}", later, true)], "nobody can have heard of what waits");
    assert!(repository.letter(ids[3], NOW).await.expect("read").others.is_empty(), "it is of no move");
}

async fn a_letter_of_several_lessons_alone_has_the_series(repository: &dyn Repository) {
    let school = School::with(repository, 2, NOW).await;
    let series = school.series(repository, NOW.plus_millis(HOUR_MS), 3, NOW).await;
    let ban = control::teaching::lessons::Ban {
        lesson: series[1].id,
        user: school.mentees[1],
        by: school.mentor,
        reason: String::new(),
    };
    repository.ban(&ban, NOW).await.expect("banned");
    let from = repository.planned().await.expect("read");
    let mail = |to: UserId, kind, payload: &str| {
        let once = format!("several:{kind:?}:{payload}:{to}");
        let notice = NewNotice { kind, payload: payload.to_owned(), ..notice(to, &once, series[0].id) };
        let way = delivery(&once, UnixMillis(i64::MAX));
        (notice.clone(), vec![NewDelivery { notice: Some(notice.id), user: Some(to), ..way }])
    };
    let (one, out_of_one) = (school.mentees[0], school.mentees[1]);
    let notices = vec![
        mail(one, NoticeKind::LessonScheduled, r#"{"series":true}"#),
        mail(out_of_one, NoticeKind::LessonChanged, r#"{"together":{},"series":true}"#),
        mail(one, NoticeKind::LessonScheduled, r#"{"series":false}"#),
        mail(one, NoticeKind::LessonChanged, r#"{"series":true}"#),
        mail(one, NoticeKind::LessonSoon, r#"{"series":true}"#),
    ];
    let ids: Vec<Uuid> = notices.iter().map(|(_, ways)| ways[0].id.0).collect();
    let to = Place { seq: Seq(from.seq.0 + 1), within: None };
    assert!(repository.plan(&Plan { from, to, notices, calls: Vec::new() }).await.expect("planned"));
    let read = async |at: usize| {
        let letter = repository.letter(ids[at], NOW).await.expect("read");
        letter.series.iter().map(|one| one.lesson).collect::<Vec<_>>()
    };
    assert_eq!(read(0).await, [series[0].id, series[1].id, series[2].id]);
    assert_eq!(read(1).await, [series[0].id, series[2].id], "what its reader may attend");
    for at in 2..5 {
        assert!(read(at).await.is_empty(), "it is of one lesson");
    }
}

async fn a_lesson_is_reminded_of_once_for_each_start(repository: &dyn Repository) {
    let school = School::with(repository, 0, NOW).await;
    let now = NOW.plus_millis(3 * TOMORROW_MS);
    let starts = now.plus_millis(TOMORROW_MS);
    let lesson = school.lesson(repository, starts, NOW).await;
    let late = school.lesson(repository, starts, now.plus_millis(5_000)).await;
    let due = async |now| {
        let found = repository.upcoming(now, 100).await.expect("read");
        found.into_iter().filter_map(|one| Some((one.lesson, one.reminder(now)?))).collect::<Vec<_>>()
    };
    assert_eq!(due(now.plus_millis(-1)).await, []);
    assert_eq!(due(now).await, [(lesson.id, NoticeKind::LessonTomorrow)]);
    let before = repository.last_seq().await.expect("read");
    let remind = async |kind, starts, now| repository.remind(kind, lesson.id, starts, now).await.expect("written");
    assert!(remind(NoticeKind::LessonTomorrow, starts, now).await);
    assert!(!remind(NoticeKind::LessonTomorrow, starts, now).await, "once, whoever's clock");
    assert!(!remind(NoticeKind::LessonTomorrow, starts.plus_millis(1), now).await, "not for another start");
    let changes = repository.changes(before, 10).await.expect("read");
    assert_eq!(changes.iter().map(|change| change.what.kind).collect::<Vec<_>>(), [ChangeKind::LessonTomorrow]);
    assert_eq!((changes[0].what.lesson, changes[0].what.course), (Some(lesson.id), Some(lesson.course)));
    assert_eq!(due(now.plus_millis(HOUR_MS)).await, [], "what was set today has no tomorrow");
    let soon = starts.plus_millis(-SOON_MS);
    let mut kinds = due(soon).await;
    kinds.sort_by_key(|(id, _)| *id);
    assert_eq!(kinds, [(lesson.id, NoticeKind::LessonSoon), (late.id, NoticeKind::LessonSoon)]);
    assert!(remind(NoticeKind::LessonSoon, starts, soon).await);
    // Moved by two days: it reminds again, of both.
    let moved = starts.plus_millis(2 * TOMORROW_MS);
    let change = LessonChange { starts: Some(moved), ..LessonChange::default() };
    let edit = LessonEdit { change, scope: Scope::One, version: None, may_overlap: true };
    repository.change_lessons(lesson.id, &edit, soon).await.expect("moved");
    assert_eq!(due(moved.plus_millis(-TOMORROW_MS)).await, [(lesson.id, NoticeKind::LessonTomorrow)]);
    assert!(remind(NoticeKind::LessonTomorrow, moved, moved.plus_millis(-TOMORROW_MS)).await);
    repository.cancel_lesson(lesson.id, "", soon).await.expect("cancelled");
    assert_eq!(due(moved.plus_millis(-SOON_MS)).await, []);
    assert!(!remind(NoticeKind::LessonSoon, moved, soon).await, "what is cancelled is not reminded of");
}

async fn settings_are_changed_by_who_has_seen_them(repository: &dyn Repository) {
    let user = somebody(repository, Roles::default(), NOW).await;
    let settings = repository.notice_settings(user).await.expect("read");
    assert_eq!(settings, NoticeSettings::default());
    let changed = NoticeSettings { push_on: false, ..settings.clone() };
    assert!(repository.set_notice_settings(user, &changed).await.expect("set"));
    assert!(!repository.set_notice_settings(user, &settings).await.expect("set"), "it was changed meanwhile");
    assert_eq!(repository.notice_settings(user).await.expect("read"), NoticeSettings { version: 1, ..changed });
}

async fn a_device_belongs_to_its_sign_in(repository: &dyn Repository) {
    let (one, two) =
        (somebody(repository, Roles::default(), NOW).await, somebody(repository, Roles::default(), NOW).await);
    let (of_one, of_two) = (signed_in(repository, one, NOW).await, signed_in(repository, two, NOW).await);
    let phone = device(one, of_one, "https://push.example.test/same", NOW);
    assert_eq!(repository.subscribe(&phone).await.expect("kept"), Some(phone.id));
    let again = device(two, of_two, "https://push.example.test/same", NOW);
    assert_eq!(repository.subscribe(&again).await.expect("kept"), Some(phone.id), "the same device, another person");
    let foreign = repository.unsubscribe(one, phone.id, NOW).await;
    assert!(matches!(foreign, Err(RepositoryError::NotFound(_))), "{foreign:?}");
    for n in 1..SUBSCRIPTIONS_MAX {
        let other = device(two, of_two, &format!("https://push.example.test/two/{n}"), NOW);
        assert_eq!(repository.subscribe(&other).await.expect("kept"), Some(other.id));
    }
    let one_more = device(two, of_two, "https://push.example.test/two/more", NOW);
    assert_eq!(repository.subscribe(&one_more).await.expect("refused"), None);
    let waits = NewDelivery {
        medium: Medium::Push,
        user: Some(two),
        target: phone.id.to_string(),
        ..delivery("to a device", UnixMillis(i64::MAX))
    };
    assert!(repository.enqueue(&waits).await.expect("kept"));
    let device_of = async |id: DeliveryId| repository.letter(id.0, NOW).await.expect("read").subscription;
    assert_eq!(device_of(waits.id).await.map(|device| device.user), Some(two));
    let under_way = NewDelivery {
        id: DeliveryId::new(NOW),
        next: NOW.plus_millis(-HOUR_MS),
        once_key: "under way to a device".to_owned(),
        ..waits.clone()
    };
    assert!(repository.enqueue(&under_way).await.expect("kept"));
    let (lease, taken) = claim(repository, NOW.plus_millis(-HOUR_MS), 9).await;
    assert_eq!(taken.len(), 1);
    repository.subscription_gone(phone.id, NOW).await.expect("gone");
    assert_eq!(device_of(waits.id).await, None);
    let dead = Verdict::Dead("the push service knows the device no more".to_owned());
    assert!(repository.settle(under_way.id, lease, &dead, NOW).await.expect("said"), "whoever asked says how it went");
    let push = repository.backlog(NOW).await.expect("read").into_iter().find(|of| of.medium == Medium::Push);
    assert_eq!(push.map(|of| (of.waiting, of.dead)), Some((0, 2)), "what waited for it is dead");
    assert_eq!(repository.subscribe(&one_more).await.expect("kept"), Some(one_more.id), "one that is gone makes room");
    repository.unsubscribe(two, one_more.id, NOW).await.expect("forgotten");
    let unknown = repository.unsubscribe(two, SubscriptionId::new(NOW), NOW).await;
    assert!(matches!(unknown, Err(RepositoryError::NotFound(_))), "{unknown:?}");
}

async fn claim(repository: &dyn Repository, now: UnixMillis, limit: u32) -> (Uuid, Vec<Delivery>) {
    let lease = keys::random_id();
    (
        lease,
        repository
            .claim(lease, now, now.plus_millis(90_000), Room { all: limit, webhooks: limit, mails: limit })
            .await
            .expect("claimed"),
    )
}

async fn a_delivery_is_sent_by_one_at_a_time(repository: &dyn Repository) {
    let what = delivery("one at a time", NOW);
    assert!(!repository.any_due(NOW).await.expect("read"));
    assert!(repository.enqueue(&what).await.expect("kept"));
    assert!(!repository.enqueue(&NewDelivery { id: DeliveryId::new(NOW), ..what.clone() }).await.expect("kept"));
    assert!(
        repository.any_due(NOW).await.expect("read") && !repository.any_due(NOW.plus_millis(-1)).await.expect("read")
    );
    let (first, taken) = claim(repository, NOW, 9).await;
    assert_eq!(taken.len(), 1);
    let expected = NewDelivery { next: NOW.plus_millis(90_000), ..what.clone() };
    assert_eq!((&taken[0].what, taken[0].attempts, taken[0].lease), (&expected, 1, Some(first)));
    assert!(claim(repository, NOW, 9).await.1.is_empty(), "it is taken");
    let later = NOW.plus_millis(90_000);
    let (second, taken) = claim(repository, later, 9).await;
    assert_eq!((taken.len(), taken[0].attempts), (1, 2), "whoever had it was killed");
    let settle =
        async |lease, verdict: &Verdict| repository.settle(what.id, lease, verdict, later).await.expect("said");
    assert!(!settle(first, &Verdict::Sent).await, "who was too slow is not believed");
    let busy = Verdict::Postponed(later.plus_millis(5));
    assert!(settle(second, &busy).await);
    let (third, taken) = claim(repository, later.plus_millis(5), 9).await;
    assert_eq!((taken.len(), taken[0].attempts), (1, 2), "what was not tried is not counted");
    assert!(settle(third, &Verdict::Again(later.plus_millis(7), "it answered 500".to_owned())).await);
    assert!(claim(repository, later.plus_millis(6), 9).await.1.is_empty());
    let (held, taken) = claim(repository, later.plus_millis(7), 9).await;
    assert_eq!((taken[0].attempts, taken[0].what.expires), (3, what.expires));
    let morning = later.plus_millis(20 * HOUR_MS);
    assert!(settle(held, &Verdict::Held(morning, morning.plus_millis(1))).await);
    assert!(claim(repository, morning.plus_millis(-1), 9).await.1.is_empty());
    let (fourth, taken) = claim(repository, morning, 9).await;
    assert_eq!((taken[0].attempts, taken[0].error.as_str()), (3, "it answered 500"));
    assert_eq!(taken[0].what.expires, morning.plus_millis(1), "it is not given up for having been held");
    assert!(settle(fourth, &Verdict::Sent).await);
    assert!(!settle(fourth, &Verdict::Dead(String::new())).await, "it is over");
    assert!(!repository.any_due(UnixMillis(i64::MAX - 1)).await.expect("read"));
    assert!(!repository.enqueue(&what).await.expect("kept"), "what was sent is not sent again");
}

async fn what_is_over_is_counted_and_forgotten(repository: &dyn Repository) {
    let what = delivery("forgotten", NOW);
    repository.enqueue(&what).await.expect("kept");
    let before = repository.backlog(NOW.plus_millis(1)).await.expect("read");
    let email = |backlog: &[control::deliveries::Backlog]| {
        backlog.iter().find(|of| of.medium == Medium::Email).copied().expect("of every way")
    };
    assert_eq!(email(&before).due_since, Some(NOW));
    let (lease, _) = claim(repository, NOW, 9).await;
    let dead = Verdict::Dead("never".to_owned());
    assert!(repository.settle(what.id, lease, &dead, NOW).await.expect("said"));
    let after = repository.backlog(NOW.plus_millis(1)).await.expect("read");
    assert_eq!((email(&after).waiting + 1, email(&after).dead), (email(&before).waiting, email(&before).dead + 1));
    let long_after = NOW.plus_millis(30 * TOMORROW_MS);
    let mut forgotten = 0;
    while let n @ 1.. = repository.forget_deliveries(long_after, 1).await.expect("forgotten") {
        assert_eq!(n, 1);
        forgotten += n;
    }
    assert!(forgotten >= 2, "{forgotten}");
    let waiting = email(&repository.backlog(NOW).await.expect("read"));
    assert_eq!((waiting.waiting, waiting.dead), (email(&after).waiting, 0), "what waits is never forgotten");
}

async fn old_notices_are_forgotten(repository: &dyn Repository) {
    let school = School::with(repository, 2, NOW).await;
    let (one, two) = (school.mentees[0], school.mentees[1]);
    let lesson = school.lesson(repository, NOW.plus_millis(HOUR_MS), NOW).await;
    let from = repository.planned().await.expect("read");
    let young = NewNotice { created: NOW.plus_millis(5), ..notice(two, "muda", lesson.id) };
    let notices = vec![(notice(one, "tua", lesson.id), Vec::new()), (young, Vec::new())];
    let plan =
        Plan { from: from.clone(), to: Place { seq: Seq(from.seq.0 + 1), within: None }, notices, calls: Vec::new() };
    assert!(repository.plan(&plan).await.expect("planned"));
    let reminded =
        async || repository.remind(NoticeKind::LessonSoon, lesson.id, lesson.starts, NOW).await.expect("said");
    assert!(reminded().await && !reminded().await, "once");
    let forget = async |before| while repository.forget_notices(before, 2).await.expect("forgotten") > 0 {};
    let counts = async || {
        let of = async |user| repository.notices(user, None, 9).await.expect("read").len();
        (of(one).await, of(two).await)
    };
    forget(NOW).await;
    assert_eq!(counts().await, (1, 1));
    forget(NOW.plus_millis(1)).await;
    assert_eq!((counts().await, reminded().await), ((0, 1), false), "the lesson is still to come");
    forget(lesson.starts.plus_millis(1)).await;
    assert!(counts().await == (0, 0) && reminded().await);
}

pub(super) fn hook(owner: UserId) -> Webhook {
    Webhook {
        id: WebhookId::new(NOW),
        owner,
        url: Redacted("https://hook.example.test/".to_owned()),
        secret: keys::generate(),
        kinds: vec![ChangeKind::LessonStarted],
        created: NOW,
        disabled: None,
        version: 1,
    }
}

async fn webhooks_are_their_owners_and_what_was_sent_is_sent_again_on_demand(repository: &dyn Repository) {
    let school = School::with(repository, 0, NOW).await;
    let (mentor, lesson) = (school.mentor, school.lesson(repository, NOW.plus_millis(HOUR_MS), NOW).await.id);
    let other = somebody(repository, Roles { mentor: true, ..Roles::default() }, NOW).await;
    let operator = somebody(repository, Roles { operator: true, ..Roles::default() }, NOW).await;
    let (mine, theirs, all) = (hook(mentor), hook(other), hook(operator));
    for webhook in [&mine, &theirs, &all] {
        assert!(repository.create_webhook(webhook).await.expect("made"));
    }
    let told: Vec<WebhookId> =
        repository.webhooks_for(mentor).await.expect("read").into_iter().map(|webhook| webhook.id).collect();
    assert!(told.contains(&mine.id) && told.contains(&all.id) && !told.contains(&theirs.id));
    assert_eq!(repository.webhook(mentor, mine.id).await.expect("read"), Some(mine.clone()));
    assert_eq!(repository.webhook(other, mine.id).await.expect("read"), None);
    for _ in 1..WEBHOOKS_MAX {
        assert!(repository.create_webhook(&hook(mentor)).await.expect("made"));
    }
    assert!(!repository.create_webhook(&hook(mentor)).await.expect("refused"));
    assert_eq!(repository.webhooks(mentor).await.expect("read").len(), WEBHOOKS_MAX as usize);
    let call = NewDelivery {
        medium: Medium::Webhook,
        webhook: Some(mine.id),
        payload: format!("{{\"lesson\":{{\"id\":\"{lesson}\"}}}}"),
        ..delivery("a call", NOW)
    };
    repository.enqueue(&call).await.expect("kept");
    let state = async |state| repository.webhook_deliveries(mine.id, state, None, 9).await.expect("read").len();
    assert!(!repository.replay(mine.id, call.id, NOW).await.expect("waits"), "it waits anyway");
    let (lease, _) = claim(repository, NOW, 9).await;
    repository.settle(call.id, lease, &Verdict::Dead("never".to_owned()), NOW).await.expect("said");
    assert_eq!(
        (state(None).await, state(Some(DeliveryState::Dead)).await, state(Some(DeliveryState::Sent)).await),
        (1, 1, 0)
    );
    let foreign = repository.replay(theirs.id, call.id, NOW).await;
    assert!(matches!(foreign, Err(RepositoryError::NotFound(_))), "{foreign:?}");
    assert!(repository.replay(mine.id, call.id, NOW).await.expect("again"));
    let (lease, taken) = claim(repository, NOW, 9).await;
    assert_eq!(
        (taken[0].what.id, taken[0].attempts, taken[0].what.payload.as_str()),
        (call.id, 1, call.payload.as_str())
    );
    assert_eq!(repository.letter(call.id.0, NOW).await.expect("read").webhook, Some(mine.clone()));
    repository.settle(call.id, lease, &Verdict::Sent, NOW).await.expect("said");
    let off = Webhook { disabled: Some(NOW), kinds: Vec::new(), ..mine.clone() };
    assert!(repository.change_webhook(&off, NOW).await.expect("changed"));
    assert!(!repository.change_webhook(&off, NOW).await.expect("refused"), "it was changed meanwhile");
    assert_eq!(repository.webhook(mentor, mine.id).await.expect("read"), Some(Webhook { version: 2, ..off.clone() }));
    let paused = repository.letter(call.id.0, NOW).await.expect("read").webhook;
    assert_eq!(paused, Some(Webhook { version: 2, ..off }), "what waits for it is held, not lost");
    repository.delete_webhook(mentor, mine.id, NOW).await.expect("forgotten");
    assert_eq!(state(None).await, 0);
    let again = repository.delete_webhook(mentor, mine.id, NOW).await;
    assert!(matches!(again, Err(RepositoryError::NotFound(_))), "{again:?}");
}
