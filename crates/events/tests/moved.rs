//! What people are told of lessons that move, and of what they do not want any more: judged by what happened, and once more
//! when it is sent.

#[path = "../../store/tests/repository/postgres.rs"]
mod postgres;
#[path = "../../store/tests/repository/school.rs"]
mod school;
#[path = "stand_in"]
mod stand_in {
    pub mod push_service;
    pub mod receiver;
    pub mod running;
}

use std::sync::{Arc, Mutex};

use control::deliveries::{DeliveryState, Medium, Room};
use control::identity::UserChange;
use control::notices::{NoticeKind, NoticeSettings, Quiet, TOMORROW_MS};
use control::teaching::lessons::{Ban, LessonChange, LessonEdit, Scope};
use control::webhooks::Webhook;
use control::{LessonId, Repository, Roles, UserId, WebhookId, keys};
use events::email::Route;
use events::planner::Planner;
use events::text;
use events::told::Told;
use media::{Redacted, UnixMillis};
use school::School;
use stand_in::receiver::{self, status};
use stand_in::running::{Running, databases, is_empty, now, push_service, sqlite, until, with_device};

async fn plan_all(repository: &Arc<dyn Repository>, at: UnixMillis) {
    let mut planner = Planner::new(repository.clone(), Arc::new(tokio::sync::Notify::new()));
    while planner.step(at).await.expect("planned") {}
}

async fn moved(repository: &dyn Repository, lesson: LessonId, to: UnixMillis, scope: Scope) {
    let change = LessonChange { starts: Some(to), ..LessonChange::default() };
    let edit = LessonEdit { change, scope, version: None, may_overlap: true };
    repository.change_lessons(lesson, &edit, now()).await.expect("moved");
}

async fn told(repository: &dyn Repository, user: UserId) -> Vec<(NoticeKind, Told)> {
    let listed = repository.notices(user, None, 99).await.expect("read");
    let read = listed.iter().map(|one| (one.kind, serde_json::from_str(&one.payload).expect("as it is kept")));
    let mut told: Vec<(NoticeKind, Told)> = read.collect();
    told.sort_by_key(|(_, told)| told.seq);
    told
}

async fn waiting(repository: &dyn Repository, medium: Medium) -> u64 {
    let backlog = repository.backlog(now()).await.expect("read");
    backlog.into_iter().find(|of| of.medium == medium).map_or(0, |of| of.waiting)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_moves_is_told_once_to_each_by_each_way() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for repository in databases(folder.path()).await {
        let school = School::with(&*repository, 3, now()).await;
        let starts = now().plus_millis(7 * TOMORROW_MS);
        let lessons = school.series(&*repository, starts, 12, now()).await;
        plan_all(&repository, now()).await;
        assert_eq!(waiting(&*repository, Medium::Email).await, 3, "one of the series to each");
        let onto = lessons[2].starts.plus_millis(2 * TOMORROW_MS);
        moved(&*repository, lessons[2].id, onto, Scope::Following).await;
        // Who is sent out of the first that moved is told of the others all the same.
        let ban = Ban { lesson: lessons[2].id, user: school.mentees[2], by: school.mentor, reason: String::new() };
        repository.ban(&ban, now()).await.expect("banned");
        plan_all(&repository, now()).await;
        assert_eq!(waiting(&*repository, Medium::Email).await, 6, "one of the move to each");
        for mentee in &school.mentees {
            let told = told(&*repository, *mentee).await;
            assert_eq!(told.len(), 2);
            let (kind, said) = &told[1];
            let together = said.together.as_ref().expect("several");
            assert_eq!((*kind, together.starts_ms.len()), (NoticeKind::LessonChanged, 10));
            let moved: Vec<_> = lessons[2..].iter().map(|lesson| lesson.id.0).collect();
            assert_eq!((said.starts_ms, &together.lessons), (onto.0, &moved));
            let body = text::wording(*kind, said, control::Locale::En, "Asia/Jakarta").body;
            assert!(body.contains("is now every") && body.contains("10 lessons: "), "{body}");
        }
        // One of them alone is told by itself, and so is the next move of all.
        moved(&*repository, lessons[4].id, onto.plus_millis(15 * TOMORROW_MS), Scope::One).await;
        moved(&*repository, lessons[2].id, onto.plus_millis(TOMORROW_MS), Scope::Following).await;
        plan_all(&repository, now()).await;
        assert_eq!(told(&*repository, school.mentees[0]).await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_told_as_it_was_made_whatever_the_lesson_is_by_then() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let repository = sqlite(folder.path()).await;
    let school = School::with(&*repository, 1, now()).await;
    let (first, second) = (now().plus_millis(3 * TOMORROW_MS), now().plus_millis(5 * TOMORROW_MS));
    let lesson = school.lesson(&*repository, first, now()).await;
    // It is described, moved, and given a new name, before anybody plans.
    let described = LessonChange { summary: Some("Bab 2".to_owned()), ..LessonChange::default() };
    let renamed = LessonChange { title: Some("Gerak".to_owned()), ..LessonChange::default() };
    let edit = |change| LessonEdit { change, scope: Scope::One, version: None, may_overlap: true };
    repository.change_lessons(lesson.id, &edit(described), now()).await.expect("changed");
    repository.put_chapters(lesson.id, &[], now()).await.expect("changed");
    moved(&*repository, lesson.id, second, Scope::One).await;
    repository.change_lessons(lesson.id, &edit(renamed), now()).await.expect("changed");
    plan_all(&repository, now()).await;
    let told = told(&*repository, school.mentees[0]).await;
    let kinds: Vec<NoticeKind> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [NoticeKind::LessonScheduled, NoticeKind::LessonChanged], "of the move alone");
    let said = told[1].1.moved.expect("a move");
    assert_eq!((said.before.starts_ms, said.after.starts_ms), (first.0, second.0));
    assert_eq!(told[1].1.title, "Gerak lurus", "as it was called then");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_again_before_anybody_heard_of_it_is_told_as_one_move_or_not_at_all() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let school = School::with(&*repository, 1, now()).await;
        let push = push_service(&*repository).await;
        let endpoint = with_device(&*repository, &push, school.mentees[0]).await;
        let at = |days: i64| now().plus_millis(days * TOMORROW_MS);
        let (back, on) =
            (school.lesson(&*repository, at(3), now()).await, school.lesson(&*repository, at(4), now()).await);
        let series = school.series(&*repository, at(9), 3, now()).await;
        for to in [at(20), back.starts] {
            moved(&*repository, back.id, to, Scope::One).await;
        }
        let between = at(21);
        for to in [between, at(22)] {
            moved(&*repository, on.id, to, Scope::One).await;
        }
        for to in [at(10), series[0].starts] {
            moved(&*repository, series[0].id, to, Scope::Following).await;
        }
        let running = Running::start(&repository, Route::Folder(folder.path().join(format!("mails{n}"))));
        // The list has all that happened.
        until("all is told", async || {
            told(&*repository, school.mentees[0]).await.len() == 9 && is_empty(&*repository).await
        })
        .await;
        running.end().await;
        let shown = push.shown(&endpoint);
        let changed: Vec<_> = shown.iter().filter(|message| message["kind"] == "lesson_changed").collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(changed[0]["lesson"], on.id.to_string());
        let said = |at| text::moment(at, control::Locale::Id, "Asia/Jakarta");
        let body = changed[0]["body"].as_str().expect("text");
        assert!(body.contains(&said(on.starts)) && !body.contains(&said(between)), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_several_lessons_is_sent_while_any_stands_that_its_reader_may_attend() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let school = School::with(&*repository, 3, now()).await;
        let push = push_service(&*repository).await;
        let mut endpoints = Vec::new();
        for mentee in &school.mentees {
            endpoints.push(with_device(&*repository, &push, *mentee).await);
        }
        let [goes, is_out_of_first, is_out_of_middle] = school.mentees[..].try_into().expect("three");
        let at = |days: i64| now().plus_millis(days * TOMORROW_MS);
        let (series, other) =
            (school.series(&*repository, at(9), 4, now()).await, school.series(&*repository, at(10), 3, now()).await);
        let off = school.series(&*repository, at(11), 2, now()).await;
        moved(&*repository, series[0].id, at(12), Scope::Following).await;
        moved(&*repository, other[0].id, at(13), Scope::Following).await;
        // Of one, first and last move again; of the others, nothing and all is called off.
        moved(&*repository, series[0].id, at(100), Scope::One).await;
        moved(&*repository, series[3].id, at(101), Scope::One).await;
        plan_all(&repository, now()).await;
        for lesson in &off {
            repository.cancel_lesson(lesson.id, "", now()).await.expect("cancelled");
        }
        let bans = [
            (other[0].id, is_out_of_first),
            (series[1].id, is_out_of_middle),
            (series[2].id, is_out_of_middle),
            (other[2].id, is_out_of_middle),
        ];
        for (lesson, user) in bans {
            let ban = Ban { lesson, user, by: school.mentor, reason: String::new() };
            repository.ban(&ban, now()).await.expect("banned");
        }
        let running = Running::start(&repository, Route::Folder(folder.path().join(format!("mails{n}"))));
        until("all is told", async || told(&*repository, goes).await.len() == 9 && is_empty(&*repository).await).await;
        running.end().await;
        let shown = |at: usize, kind: &str| {
            let all = push.shown(&endpoints[at]);
            let of_kind = all.iter().filter(|message| message["kind"] == kind);
            let mut lessons: Vec<String> =
                of_kind.map(|message| message["lesson"].as_str().expect("an id").to_owned()).collect();
            lessons.sort();
            lessons
        };
        let ids = |of: &[&control::teaching::Lesson]| {
            let mut ids: Vec<String> = of.iter().map(|lesson| lesson.id.to_string()).collect();
            ids.sort();
            ids
        };
        let [s0, s1, s3, o0, o1] = [&series[0], &series[1], &series[3], &other[0], &other[1]];
        assert_eq!(shown(0, "lesson_scheduled"), ids(&[s0, o0]), "not of what was called off as a whole");
        assert_eq!(shown(0, "lesson_changed"), ids(&[s0, s1, s3, o0]));
        assert_eq!(shown(1, "lesson_scheduled"), ids(&[s0, o1]));
        assert_eq!(shown(1, "lesson_changed"), ids(&[s0, s1, s3, o1]));
        assert_eq!(shown(2, "lesson_scheduled"), ids(&[s0, o0]));
        assert_eq!(shown(2, "lesson_changed"), ids(&[s0, s3, o0]), "what stands is not for them");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesson_that_is_moved_back_is_told_at_once_while_the_move_of_its_series_waits_for_the_morning() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let school = School::with(&*repository, 1, now()).await;
        let push = push_service(&*repository).await;
        let endpoint = with_device(&*repository, &push, school.mentees[0]).await;
        // From two hours ago to two hours from now, on the clock of Jakarta; the first lesson is an hour after.
        let minute = (now().0 / 60_000 + 7 * 60).rem_euclid(1_440);
        let quiet = |by: i64| u16::try_from((minute + by).rem_euclid(1_440)).expect("a minute of the day");
        let settings = NoticeSettings { quiet: Quiet::new(quiet(-120), quiet(120)), ..NoticeSettings::default() };
        assert!(repository.set_notice_settings(school.mentees[0], &settings).await.expect("set"));
        let series = school.series(&*repository, now().plus_millis(3 * 3_600_000), 3, now()).await;
        moved(&*repository, series[0].id, series[0].starts.plus_millis(2 * TOMORROW_MS), Scope::Following).await;
        moved(&*repository, series[0].id, series[0].starts, Scope::One).await;
        let running = Running::start(&repository, Route::Folder(folder.path().join(format!("mails{n}"))));
        until("all is told that does not wait for the morning", async || {
            told(&*repository, school.mentees[0]).await.len() == 3
                && !repository.any_due(now()).await.expect("read")
                && (waiting(&*repository, Medium::Push).await, waiting(&*repository, Medium::Email).await) == (1, 1)
        })
        .await;
        running.end().await;
        let shown = push.shown(&endpoint);
        let changed: Vec<_> = shown.iter().filter(|message| message["kind"] == "lesson_changed").collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(changed[0]["lesson"], series[0].id.to_string());
        let is_at = text::moment(series[0].starts, control::Locale::Id, "Asia/Jakarta");
        let body = changed[0]["body"].as_str().expect("text");
        assert!(body.contains(&format!("sekarang {is_at}, bukan lagi ")), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_of_a_series_names_the_lessons_that_stand_and_that_its_reader_may_attend() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let school = School::with(&*repository, 2, now()).await;
        let push = push_service(&*repository).await;
        let endpoints = [
            with_device(&*repository, &push, school.mentees[0]).await,
            with_device(&*repository, &push, school.mentees[1]).await,
        ];
        let series = school.series(&*repository, now().plus_millis(9 * TOMORROW_MS), 4, now()).await;
        let onto = |at: usize| series[at].starts.plus_millis(2 * TOMORROW_MS);
        moved(&*repository, series[0].id, onto(0), Scope::Following).await;
        moved(&*repository, series[0].id, series[0].starts, Scope::One).await;
        for lesson in [&series[1], &series[3]] {
            let ban = Ban { lesson: lesson.id, user: school.mentees[1], by: school.mentor, reason: String::new() };
            repository.ban(&ban, now()).await.expect("banned");
        }
        let running = Running::start(&repository, Route::Folder(folder.path().join(format!("mails{n}"))));
        until("all is told", async || {
            told(&*repository, school.mentees[0]).await.len() == 3 && is_empty(&*repository).await
        })
        .await;
        running.end().await;
        let body = |at: usize, lesson: LessonId| {
            let shown = push.shown(&endpoints[at]);
            let mut of_move = shown.iter().filter(|one| one["kind"] == "lesson_changed");
            let of_lesson = of_move.find(|one| one["lesson"] == lesson.to_string()).expect("told of the series");
            of_lesson["body"].as_str().expect("text").to_owned()
        };
        let said = |at| text::moment(at, control::Locale::Id, "Asia/Jakarta");
        let three = body(0, series[1].id);
        assert!(three.contains(&format!("mulai {}", said(onto(1)))), "{three}");
        assert!(three.contains("setiap ") && three.contains(" 3 pelajaran: "), "{three}");
        let one = body(1, series[2].id);
        assert!(one.contains(&format!("sekarang {}, bukan lagi {}.", said(onto(2)), said(series[2].starts))), "{one}");
        assert!(!one.contains("pelajaran: ") && !one.contains("setiap "), "{one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_moves_that_nobody_heard_of_each_lesson_that_is_elsewhere_is_told_under_its_own_name() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let school = School::with(&*repository, 1, now()).await;
        let push = push_service(&*repository).await;
        let endpoint = with_device(&*repository, &push, school.mentees[0]).await;
        let set = async |days: i64| school.series(&*repository, now().plus_millis(days * TOMORROW_MS), 4, now()).await;
        let (alone, between, named) = (set(9).await, set(10).await, set(11).await);
        let by = |lesson: &control::teaching::Lesson, days: i64| lesson.starts.plus_millis(days * TOMORROW_MS);
        // The first alone, and back with all: the others are a day before.
        moved(&*repository, alone[0].id, by(&alone[0], 1), Scope::One).await;
        moved(&*repository, alone[0].id, alone[0].starts, Scope::Following).await;
        // All, one of them once more, and all back: that one is a day after.
        moved(&*repository, between[0].id, by(&between[0], 1), Scope::Following).await;
        moved(&*repository, between[2].id, by(&between[2], 2), Scope::One).await;
        moved(&*repository, between[0].id, between[0].starts, Scope::Following).await;
        // The first has a name of its own, and is called off.
        let renamed = LessonChange { title: Some("Ujian".to_owned()), ..LessonChange::default() };
        let edit = LessonEdit { change: renamed, scope: Scope::One, version: None, may_overlap: true };
        repository.change_lessons(named[0].id, &edit, now()).await.expect("changed");
        moved(&*repository, named[0].id, by(&named[0], 1), Scope::Following).await;
        repository.cancel_lesson(named[0].id, "", now()).await.expect("cancelled");
        let running = Running::start(&repository, Route::Folder(folder.path().join(format!("mails{n}"))));
        until("all is told", async || {
            told(&*repository, school.mentees[0]).await.len() == 10 && is_empty(&*repository).await
        })
        .await;
        running.end().await;
        let shown = push.shown(&endpoint);
        let said = |at| text::moment(at, control::Locale::Id, "Asia/Jakarta");
        let told_of = |at: UnixMillis| {
            let of_move = shown.iter().filter(|one| one["kind"] == "lesson_changed");
            let mut bodies = of_move.map(|one| one["body"].as_str().expect("text"));
            bodies.find(|body| body.contains(&said(at))).unwrap_or_else(|| panic!("{}: {shown:?}", said(at)))
        };
        let body = told_of(alone[0].starts);
        assert!(body.contains(" 4 pelajaran: "), "the move of the others is not lost: {body}");
        let body = told_of(by(&between[2], 1));
        assert!(body.contains("Gerak lurus"), "{body}");
        let body = told_of(by(&named[1], 1));
        assert!(body.contains(" 3 pelajaran: ") && !body.contains("Ujian"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_does_not_want_any_more_is_not_sent_though_it_was_planned() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let school = School::with(&*repository, 8, now()).await;
        let push = push_service(&*repository).await;
        let mut endpoints = Vec::new();
        for mentee in &school.mentees {
            endpoints.push(with_device(&*repository, &push, *mentee).await);
        }
        let lesson = school.lesson(&*repository, now().plus_millis(3 * TOMORROW_MS), now()).await;
        plan_all(&repository, now()).await;
        assert_eq!(waiting(&*repository, Medium::Push).await, 8);
        let [mutes, leaves, is_banned, is_suspended, wants_mails, wants_pushes, sleeps, wants_all] =
            school.mentees[..].try_into().expect("eight");
        let wants = async |user, settings| {
            assert!(repository.set_notice_settings(user, &settings).await.expect("set"));
        };
        let all = NoticeSettings::default;
        wants(mutes, NoticeSettings { muted: vec![NoticeKind::LessonScheduled], ..all() }).await;
        wants(wants_mails, NoticeSettings { push_on: false, ..all() }).await;
        wants(wants_pushes, NoticeSettings { email_on: false, ..all() }).await;
        // From two hours ago to two hours from now, on the clock of Jakarta.
        let minute = (now().0 / 60_000 + 7 * 60).rem_euclid(1_440);
        let quiet = |by: i64| u16::try_from((minute + by).rem_euclid(1_440)).expect("a minute of the day");
        wants(sleeps, NoticeSettings { quiet: Quiet::new(quiet(-120), quiet(120)), ..all() }).await;
        repository.leave(school.course, leaves, now()).await.expect("left");
        let ban = Ban { lesson: lesson.id, user: is_banned, by: school.mentor, reason: String::new() };
        repository.ban(&ban, now()).await.expect("banned");
        let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
        repository.change_user(is_suspended, None, &suspended, None, now()).await.expect("suspended");
        let mails = folder.path().join(format!("mails{n}"));
        let running = Running::start(&repository, Route::Folder(mails.clone()));
        until("all is sent but what waits for the morning", async || {
            !repository.any_due(now()).await.expect("read")
                && (waiting(&*repository, Medium::Push).await, waiting(&*repository, Medium::Email).await) == (1, 1)
        })
        .await;
        running.end().await;
        let shown = |at: usize| !push.received(&endpoints[at]).is_empty();
        let heard: Vec<UserId> = (0..8).filter(|at| shown(*at)).map(|at| school.mentees[at]).collect();
        assert_eq!(heard, [wants_pushes, wants_all]);
        let files = std::fs::read_dir(&mails).expect("mails").flatten().map(|file| file.path());
        let written: String = files.map(|file| std::fs::read_to_string(file).expect("text")).collect();
        let to = |user: &UserId| written.contains(&format!("To: {user}@"));
        let mailed: Vec<UserId> = school.mentees.iter().copied().filter(to).collect();
        assert_eq!(mailed, [wants_mails, wants_all]);
        // The night over, whoever slept is told, though it is later than a push is worth otherwise.
        let morning = now().plus_millis(2 * 3_600_000);
        assert!(repository.any_due(morning).await.expect("read"));
        let held = repository
            .claim(control::keys::random_id(), morning, morning, Room { all: 9, webhooks: 0, mails: 9 })
            .await
            .expect("claimed");
        assert!(held.iter().all(|one| one.what.user == Some(sleeps) && one.attempts == 1), "{held:?}");
        assert!(held.iter().all(|one| one.what.expires > one.what.created.plus_millis(13 * 3_600_000)), "{held:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_who_may_have_none_any_more_are_not_called_with_what_was_planned() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for repository in databases(folder.path()).await {
        let called = Arc::new(Mutex::new(Vec::new()));
        let address = receiver::start({
            let called = called.clone();
            move |request| {
                called.lock().expect("no panic").push(request.uri().path().to_owned());
                status(204)
            }
        })
        .await;
        let school = School::with(&*repository, 0, now()).await;
        let roles = Roles { operator: true, ..Roles::default() };
        let suspended = school::somebody(&*repository, roles, now()).await;
        let kept = school::somebody(&*repository, roles, now()).await;
        let of_others = school::somebody(&*repository, Roles { mentor: true, ..roles }, now()).await;
        let mut hooks = Vec::new();
        for (owner, name) in
            [(school.mentor, "demoted"), (suspended, "suspended"), (kept, "kept"), (of_others, "of_others")]
        {
            let hook = Webhook {
                id: WebhookId::new(now()),
                owner,
                url: Redacted(format!("http://{address}/{name}")),
                secret: keys::generate(),
                kinds: Vec::new(),
                created: now(),
                disabled: None,
                version: 1,
            };
            assert!(repository.create_webhook(&hook).await.expect("made"));
            hooks.push(hook.id);
        }
        school.lesson(&*repository, now().plus_millis(7 * TOMORROW_MS), now()).await;
        plan_all(&repository, now()).await;
        assert_eq!(waiting(&*repository, Medium::Webhook).await, 4, "they were to be told");
        let mentor = Roles { mentor: true, ..Roles::default() };
        let mentee = Roles { mentee: true, ..Roles::default() };
        for (user, change) in [
            (school.mentor, UserChange { roles: Some(mentee), ..UserChange::default() }),
            (suspended, UserChange { suspended: Some(true), ..UserChange::default() }),
            (of_others, UserChange { roles: Some(mentor), ..UserChange::default() }),
        ] {
            repository.change_user(user, None, &change, None, now()).await.expect("changed");
        }
        let running = Running::start(&repository, Route::Folder(folder.path().join("mails")));
        until("nothing waits", async || is_empty(&*repository).await).await;
        running.end().await;
        assert_eq!(*called.lock().expect("no panic"), ["/kept"]);
        let states = [DeliveryState::Dead, DeliveryState::Dead, DeliveryState::Sent, DeliveryState::Dead];
        for (hook, state) in hooks.into_iter().zip(states) {
            let sent = repository.webhook_deliveries(hook, None, None, 9).await.expect("read").remove(0);
            assert_eq!(sent.state, state);
            assert_eq!(sent.error.contains("may have none any more"), state == DeliveryState::Dead, "{}", sent.error);
        }
    }
}
