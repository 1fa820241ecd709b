//! From a change to the phone, the mailbox and the server that is told, on both databases and against real peers.

#[path = "../../store/tests/repository/postgres.rs"]
mod postgres;
#[path = "../../store/tests/repository/school.rs"]
mod school;
#[path = "stand_in"]
mod stand_in {
    pub mod mail_server;
    pub mod push_service;
    pub mod receiver;
    pub mod running;
}

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use control::deliveries::{DeliveryState, Medium};
use control::mail::Mail;
use control::notices::{NoticeKind, SOON_MS, TOMORROW_MS};
use control::webhooks::{Webhook, signature};
use control::{Roles, WebhookId, keys};
use events::email::Route;
use events::planner::Planner;
use media::{Redacted, UnixMillis};
use school::School;
use serde_json::Value;
use stand_in::mail_server::MailServer;
use stand_in::receiver::{self, status};
use stand_in::running::{Running, databases, is_empty, now, push_service, sqlite, until, with_device};

#[test]
fn the_stand_in_reads_the_example_of_rfc_8291() {
    use base64::Engine as _;
    let decode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let secret = decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
    let secret = web_push_native::p256::SecretKey::from_slice(&secret).expect("a key");
    let auth = decode("BTBZMqHH6r4Tts7J_aSIgg").into_iter().collect();
    let body = decode(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_\
         yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    let plain = web_push_native::decrypt(body, &secret, &auth).expect("decrypts");
    assert_eq!(plain, b"When I grow up, I want to be a watermelon");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_in_a_course_is_told_once_by_each_way_with_two_servers_on_it() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for (n, repository) in databases(folder.path()).await.into_iter().enumerate() {
        let repository_ref = &*repository;
        let mails = folder.path().join(format!("mails{n}"));
        let push = push_service(repository_ref).await;
        let school = School::with(repository_ref, 5, now()).await;
        let mut endpoints = Vec::new();
        for mentee in &school.mentees {
            endpoints.push(with_device(repository_ref, &push, *mentee).await);
        }
        let servers = [(); 2].map(|()| Running::start(&repository, Route::Folder(mails.clone())));
        let lesson = school.lesson(repository_ref, now().plus_millis(7 * TOMORROW_MS), now()).await;
        until("all pushes came", async || {
            endpoints.iter().all(|endpoint| !push.received(endpoint).is_empty()) && is_empty(repository_ref).await
        })
        .await;
        repository.cancel_lesson(lesson.id, "sakit", now()).await.expect("cancelled");
        until("all pushes came", async || {
            endpoints.iter().all(|endpoint| push.received(endpoint).len() >= 2) && is_empty(repository_ref).await
        })
        .await;
        for server in servers {
            server.end().await;
        }
        for (endpoint, mentee) in endpoints.iter().zip(&school.mentees) {
            let received = push.received(endpoint);
            let kinds: Vec<&Value> = received.iter().map(|received| &received.message["kind"]).collect();
            assert_eq!(kinds, ["lesson_scheduled", "lesson_cancelled"]);
            assert_eq!((received[0].urgency.as_str(), received[1].urgency.as_str()), ("normal", "high"));
            assert!(received[0].ttl_s > 23 * 3_600 && received[0].topic.len() == 22, "{received:?}");
            assert_eq!(received[0].message["url"], format!("/mymentor/lessons/{}", lesson.id));
            let body = received[1].message["body"].as_str().expect("text");
            assert!(body.contains("Gerak lurus") && body.contains("WIB") && body.contains("sakit"), "{body}");
            let listed = repository.notices(*mentee, None, 10).await.expect("read");
            let ids: Vec<String> = listed.iter().rev().map(|notice| notice.id.to_string()).collect();
            assert_eq!(ids, received.iter().map(|r| r.message["id"].as_str().expect("id")).collect::<Vec<_>>());
        }
        let files: Vec<_> = std::fs::read_dir(&mails).expect("mails").flatten().map(|file| file.path()).collect();
        assert_eq!(files.len(), 10, "two mails for each of five: {files:?}");
        assert!(files.iter().all(|file| file.extension().is_some_and(|end| end == "eml")), "{files:?}");
        assert!(repository.notices(school.mentor, None, 10).await.expect("read").is_empty(), "they know");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_service_that_is_busy_is_asked_again_and_a_device_that_is_gone_is_not() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let repository = sqlite(folder.path()).await;
    let push = push_service(&*repository).await;
    let school = School::with(&*repository, 3, now()).await;
    let mut endpoints = Vec::new();
    for mentee in &school.mentees {
        endpoints.push(with_device(&*repository, &push, *mentee).await);
    }
    push.answers(&endpoints[0], &[(429, Some("1"))]);
    push.answers(&endpoints[1], &[(410, None)]);
    push.answers(&endpoints[2], &[(400, None)]);
    let running = Running::start(&repository, Route::Folder(folder.path().join("mails")));
    let lesson = school.lesson(&*repository, now().plus_millis(7 * TOMORROW_MS), now()).await;
    until("what can be sent is sent", async || {
        is_empty(&*repository).await && !push.received(&endpoints[0]).is_empty()
    })
    .await;
    let dead = repository.backlog(now()).await.expect("read").into_iter().find(|of| of.medium == Medium::Push);
    assert_eq!(dead.map(|of| of.dead), Some(2));
    repository.cancel_lesson(lesson.id, "", now()).await.expect("cancelled");
    until("the others are told", async || {
        push.received(&endpoints[0]).len() == 2
            && push.received(&endpoints[2]).len() == 1
            && is_empty(&*repository).await
    })
    .await;
    assert!(push.received(&endpoints[1]).is_empty(), "who is gone is not asked again");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_go_to_a_mail_server_that_refuses_some_and_delays_others() {
    let (folder, mails) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let Some(server) = MailServer::start(mails.path()) else { return };
    let repository = sqlite(folder.path()).await;
    let running = Running::start(&repository, Route::Smtp(Redacted(server.url())));
    let mailer = running.service.mailer();
    let mail = |once: &str, to: &str| Mail {
        once: once.to_owned(),
        to: to.to_owned(),
        subject: "Konfirmasi alamat – é".to_owned(),
        body: format!("tautan rahasia {once}\n"),
    };
    for once in ["a", "a", "b"] {
        mailer.send(&mail(once, "satu@example.test")).await.expect("kept");
    }
    mailer.send(&mail("c", "nobody@example.test")).await.expect("kept");
    mailer.send(&mail("d", "later@example.test")).await.expect("kept");
    mailer.send(&mail("e", "no address")).await.expect("kept");
    until("all is over", async || is_empty(&*repository).await).await;
    let mut taken = server.mails();
    taken.sort_by_key(|mail| mail.contains("later@"));
    assert_eq!(taken.len(), 3, "{taken:?}");
    assert!(taken[2].contains("later@example.test"), "what was put off came");
    for mail in &taken {
        assert!(mail.contains("Message-ID: <") && mail.contains("@example.test>"), "{mail}");
        assert!(mail.contains("From: Tayang <tayang@example.test>") && mail.contains("Auto-Submitted:"), "{mail}");
    }
    let dead = repository.backlog(now()).await.expect("read").into_iter().find(|of| of.medium == Medium::Email);
    assert_eq!(dead.map(|of| of.dead), Some(2), "no mailbox, and no address");
    running.end().await;
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("tayang.db"));
    let database = sqlx::SqlitePool::connect_with(file).await.expect("opens");
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT payload FROM deliveries").fetch_all(&database).await.expect("read");
    assert_eq!(kept, ["{}"; 5], "links to sign in are not kept when they are sent or dead");
}

/// What a webhook's server took.
#[derive(Default)]
struct Hooked {
    /// How often it still fails.
    failures: Mutex<u32>,
    /// By `Tayang-Id`, how often it came, and its body.
    taken: Mutex<HashMap<String, (u32, Value)>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_tried_again_and_replayed_under_the_same_id() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for repository in databases(folder.path()).await {
        let secret = keys::generate();
        let hooked = Arc::new(Hooked { failures: Mutex::new(1), ..Hooked::default() });
        let address = receiver::start({
            let (hooked, secret) = (hooked.clone(), secret.0.clone());
            move |request| {
                let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
                let timestamp: i64 = header("tayang-timestamp").parse().expect("a number");
                assert!((now().seconds() - timestamp).abs() < 60);
                if header("tayang-signature") != signature(&secret, timestamp, request.body()) {
                    return status(401);
                }
                let failures = &mut *hooked.failures.lock().expect("no panic");
                if *failures > 0 {
                    *failures -= 1;
                    return status(500);
                }
                let body: Value = serde_json::from_slice(request.body()).expect("JSON");
                assert_eq!(body["id"], header("tayang-id"));
                let mut taken = hooked.taken.lock().expect("no panic");
                taken.entry(header("tayang-id")).or_insert((0, body)).0 += 1;
                status(204)
            }
        })
        .await;
        let school = School::with(&*repository, 1, now()).await;
        let other = school::somebody(&*repository, Roles { mentor: true, ..Roles::default() }, now()).await;
        let hook = |owner| Webhook {
            id: WebhookId::new(now()),
            owner,
            url: Redacted(format!("http://{address}/hook")),
            secret: secret.clone(),
            kinds: Vec::new(),
            created: now(),
            disabled: None,
            version: 1,
        };
        let (mine, theirs) = (hook(school.mentor), hook(other));
        for webhook in [&mine, &theirs] {
            repository.create_webhook(webhook).await.expect("made");
        }
        let running = Running::start(&repository, Route::Folder(folder.path().join("mails")));
        let lesson = school.lesson(&*repository, now().plus_millis(7 * TOMORROW_MS), now()).await;
        let of = async |state| repository.webhook_deliveries(mine.id, state, None, 9).await.expect("read");
        until("it was taken", async || of(Some(DeliveryState::Sent)).await.len() == 1).await;
        let sent = of(None).await.remove(0);
        assert_eq!(sent.attempts, 2, "once in vain");
        assert!(repository.webhook_deliveries(theirs.id, None, None, 9).await.expect("read").is_empty());
        assert!(repository.replay(mine.id, sent.what.id, now()).await.expect("again"));
        let id = sent.what.id.to_string();
        until("it came again", async || hooked.taken.lock().expect("no panic")[&id].0 == 2).await;
        let taken = hooked.taken.lock().expect("no panic").clone();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[&id].1["kind"], "lesson_scheduled");
        assert_eq!(taken[&id].1["lesson"]["id"], lesson.id.to_string());
        assert_eq!(taken[&id].1["lesson"]["course"]["title"], "Fisika X");
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_course_is_planned_in_steps_that_two_planners_share() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for repository in databases(folder.path()).await {
        let school = School::with(&*repository, 450, now()).await;
        school.lesson(&*repository, now().plus_millis(7 * TOMORROW_MS), now()).await;
        let wake = Arc::new(tokio::sync::Notify::new());
        let mut planners = [(); 2].map(|()| Planner::new(repository.clone(), wake.clone()));
        let mut steps = 0;
        let last = repository.last_seq().await.expect("read");
        while repository.planned().await.expect("read").seq < last {
            let [one, two] = &mut planners;
            let (one, two) = tokio::join!(one.step(now()), two.step(now()));
            assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
            steps += 1;
            assert!(steps < 100);
        }
        assert!(steps >= 3, "450 people are three steps at least, not {steps}");
        for mentee in &school.mentees {
            assert_eq!(repository.notices(*mentee, None, 10).await.expect("read").len(), 1);
        }
        let mails = repository.backlog(now()).await.expect("read").into_iter().find(|of| of.medium == Medium::Email);
        assert_eq!(mails.map(|of| of.waiting), Some(450));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_are_planned_once_over_restarts_and_again_for_a_moved_lesson() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let repository = sqlite(folder.path()).await;
    let set = now();
    let school = School::with(&*repository, 1, set).await;
    let starts = set.plus_millis(3 * TOMORROW_MS);
    school.lesson(&*repository, starts, set).await;
    let plan_at = async |at: UnixMillis| {
        // A planner each time: as if the server had been started again.
        let mut planner = Planner::new(repository.clone(), Arc::new(tokio::sync::Notify::new()));
        planner.remind(at).await.expect("reminded");
        while planner.step(at).await.expect("planned") {}
        let mut listed = repository.notices(school.mentees[0], None, 10).await.expect("read");
        listed.sort_by_key(|notice| notice.created);
        listed.into_iter().map(|notice| notice.kind).collect::<Vec<_>>()
    };
    let (day, quarter) = (starts.plus_millis(-TOMORROW_MS), starts.plus_millis(-SOON_MS));
    use NoticeKind::{LessonScheduled, LessonSoon, LessonTomorrow};
    assert_eq!(plan_at(set).await, [LessonScheduled]);
    for _ in 0..2 {
        assert_eq!(plan_at(day).await, [LessonScheduled, LessonTomorrow]);
    }
    for _ in 0..2 {
        assert_eq!(plan_at(quarter).await, [LessonScheduled, LessonTomorrow, LessonSoon]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_holds_few_requests_and_nobody_elses() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for repository in databases(folder.path()).await {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let nowhere = format!("http://{}/", silent.local_addr().expect("bound"));
        let held = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let held = held.clone();
            async move {
                while let Ok((stream, _)) = silent.accept().await {
                    held.lock().expect("no panic").push(stream);
                }
            }
        });
        let heard = Arc::new(Mutex::new(0_usize));
        let address = receiver::start({
            let heard = heard.clone();
            move |_| {
                *heard.lock().expect("no panic") += 1;
                status(204)
            }
        })
        .await;
        let (slow, other) = (School::with(&*repository, 0, now()).await, School::with(&*repository, 0, now()).await);
        let hook = |owner, url: &str| Webhook {
            id: WebhookId::new(now()),
            owner,
            url: Redacted(url.to_owned()),
            secret: keys::generate(),
            kinds: Vec::new(),
            created: now(),
            disabled: None,
            version: 1,
        };
        for _ in 0..2 {
            repository.create_webhook(&hook(slow.mentor, &nowhere)).await.expect("made");
        }
        repository.create_webhook(&hook(other.mentor, &format!("http://{address}/"))).await.expect("made");
        for school in [&slow, &other] {
            for _ in 0..40 {
                school.lesson(&*repository, now().plus_millis(7 * TOMORROW_MS), now()).await;
            }
        }
        let running = Running::start(&repository, Route::Folder(folder.path().join("mails")));
        until("the other is told of all", async || *heard.lock().expect("no panic") == 40).await;
        let held = held.lock().expect("no panic").len();
        assert!((1..=8).contains(&held), "four of each of the two: {held}");
        drop(running);
    }
}
