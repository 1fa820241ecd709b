//! Taking part over real sockets: order, once, who is told what, and who has to leave.

#[path = "room/port.rs"]
mod port;
#[path = "stage/stage.rs"]
mod stage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::air::{Air, Health, OnAir, Watching};
use control::teaching::courses::Verdict;
use control::teaching::{Course, Enrolling, Lesson};
use control::{KeyHash, Session, SessionId, SessionKind, Uuid, keys};
use http::{Method, StatusCode};
use media::UnixMillis;
use parking_lot::Mutex;
use port::{Guest, Listener};
use serde_json::{Value, json};
use stage::{Actor, Stage};

/// On air as the test says, but for an outage.
#[derive(Default)]
struct Antenna(Mutex<OnAir>, Mutex<Option<(UnixMillis, i64)>>);

impl Air for Antenna {
    fn on_air(&self, _: Uuid) -> OnAir {
        *self.0.lock()
    }

    fn media_at(&self, _: Uuid, at: UnixMillis) -> Option<i64> {
        let started = self.0.lock().started?;
        let away_ms = self.1.lock().filter(|(back, _)| *back <= at).map_or(0, |(_, away_ms)| away_ms);
        Some(at.0 - started.0 - away_ms)
    }

    fn watching(&self, _: Uuid) -> Vec<Watching> {
        Vec::new()
    }

    fn health(&self, _: Uuid) -> Option<Health> {
        None
    }

    fn end(&self, _: Uuid) {}
}

/// A lesson with a mentor and a mentee, and its port.
struct Setting {
    stage: Stage,
    antenna: Arc<Antenna>,
    port: SocketAddr,
    mentor: Actor,
    mentee: Actor,
    course: Course,
    lesson: Lesson,
}

impl Setting {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Lesson)) -> Self {
        let antenna = Arc::new(Antenna::default());
        let stage = Stage::with_air(antenna.clone()).await;
        let mentor = stage.mentor("mentor@example.test").await;
        let course = stage.course(&mentor, Enrolling::Open).await;
        let lesson = stage.lesson_with(&course, 60_000, change).await;
        let mentee = stage.enrolled(&course, "mentee@example.test").await;
        let port = port::open(&stage).await;
        Self { stage, antenna, port, mentor, mentee, course, lesson }
    }

    async fn join(&self, who: &Actor) -> Guest {
        Guest::join(self.port, self.lesson.id, who).await.0
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/lessons/{}/{rest}", self.lesson.id)
    }

    async fn patch(&self, who: &Actor, comment: &Value, change: Value) -> StatusCode {
        let path = self.path(&format!("comments/{}", comment.as_str().expect("an id")));
        self.stage.ask(Some(who), Method::PATCH, &path, Some(change)).await.status
    }

    /// A mentee more.
    async fn other(&self, name: &str) -> Actor {
        self.stage.enrolled(&self.course, &format!("{name}@example.test")).await
    }
}

#[tokio::test]
async fn a_comment_is_kept_acknowledged_and_shown_to_all_in_order() {
    let setting = Setting::new().await;
    let (mut mentee, hello) = Guest::join(setting.port, setting.lesson.id, &setting.mentee).await;
    assert_eq!((&hello["seq"], &hello["comments_on"], &hello["slow_ms"]), (&json!(0), &json!(true), &json!(0)));
    assert_eq!(hello["me"], json!({ "muted_until_at": null, "hand": false }));
    assert!(hello.get("hands").is_none(), "hands are the mentor's to see");
    let mut mentor = setting.join(&setting.mentor).await;
    assert_eq!(mentee.say_and_hear("c1", "  halo, Bu  ").await, Ok(1));
    let kept = setting.stage.repository.comments_after(setting.lesson.id, 0, 10, true).await.expect("read");
    assert_eq!(kept[0].said.body, "halo, Bu", "what is acknowledged is in the database");
    assert_eq!(mentor.say_and_hear("c1", "halo juga").await, Ok(2));
    for guest in [&mut mentee, &mut mentor] {
        let (first, second) = (guest.hear("comment").await, guest.hear("comment").await);
        assert_eq!((&first["seq"], &first["body"], &second["seq"]), (&json!(1), &json!("halo, Bu"), &json!(2)));
        let user = json!({ "id": setting.mentee.id.to_string(), "name": "mentee", "mentor": false });
        assert_eq!((&first["user"], &first["client_id"], &first["media_ms"]), (&user, &json!("c1"), &Value::Null));
        assert_eq!(second["user"]["mentor"], true);
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_there_once_and_acknowledged_twice() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    mentee.say("c1", "halo").await;
    mentee.say("c1", "halo").await;
    assert_eq!(
        (mentee.hear("ack").await["seq"].as_i64(), mentee.hear("ack").await["seq"].as_i64()),
        (Some(1), Some(1))
    );
    // On another connection, and by a request.
    let mut again = setting.join(&setting.mentee).await;
    assert_eq!(again.say_and_hear("c1", "halo").await, Ok(1));
    let body = json!({ "client_id": "c1", "body": "halo" });
    let answer = setting.stage.post(Some(&setting.mentee), &setting.path("comments"), body).await;
    assert_eq!((answer.status, &answer.json["seq"]), (StatusCode::CREATED, &json!(1)));
    assert_eq!(again.say_and_hear("c2", "lagi").await, Ok(2));
    assert_eq!(mentee.hear("comment").await["seq"], 1);
    assert_eq!(mentee.hear("comment").await["seq"], 2, "and shown once");
}

#[tokio::test]
async fn many_who_speak_at_once_are_heard_in_one_order_without_gaps() {
    let setting = Setting::new().await;
    let mut watcher = setting.join(&setting.mentor).await;
    let mut speakers = Vec::new();
    for n in 0..20 {
        let actor = setting.other(&format!("m{n}")).await;
        speakers.push(setting.join(&actor).await);
    }
    let said = speakers.iter_mut().map(|guest| async {
        for n in 0..5 {
            guest.say(&format!("c{n}"), "halo").await;
        }
        let mut seqs = Vec::new();
        for _ in 0..5 {
            seqs.push(guest.hear("ack").await["seq"].as_i64().expect("a place"));
        }
        assert!(seqs.is_sorted(), "one's own words stay in order: {seqs:?}");
        seqs
    });
    let mut acknowledged: Vec<i64> = futures_util::future::join_all(said).await.concat();
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (1..=100).collect::<Vec<i64>>());
    for seq in 1..=100 {
        assert_eq!(watcher.hear("comment").await["seq"], seq);
    }
}

#[tokio::test]
async fn what_may_not_be_said_is_refused_to_the_sender_alone() {
    let setting = Setting::with(|lesson| {
        lesson.slow_ms = 30_000;
        lesson.word_filter = vec!["bodoh".to_owned()];
    })
    .await;
    let mut mentee = setting.join(&setting.mentee).await;
    let mut watcher = setting.join(&setting.mentor).await;
    let code = |refused: Result<i64, Value>| refused.expect_err("refused")["code"].clone();
    assert_eq!(code(mentee.say_and_hear("c1", " \u{200b} ").await), "empty");
    assert_eq!(code(mentee.say_and_hear("c2", "Kamu BÓDOH").await), "word");
    assert_eq!(code(mentee.say_and_hear("c3", &"x".repeat(501)).await), "too-long");
    assert_eq!(mentee.say_and_hear("c4", "halo").await, Ok(1));
    let slow = mentee.say_and_hear("c5", "halo lagi").await.expect_err("slow mode");
    assert_eq!(slow["code"], "slow");
    assert!((1..=30_000).contains(&slow["retry_after_ms"].as_i64().expect("a time")), "{slow}");
    mentee.send_text("{\"t\":\"comment\",\"client_id\":\"c6\"}".to_owned()).await;
    let malformed = mentee.hear("refused").await;
    assert_eq!((&malformed["code"], &malformed["client_id"]), (&json!("malformed"), &json!("c6")));
    assert_eq!(watcher.say_and_hear("c1", "bodoh amat").await, Ok(2), "the mentor is not filtered");
    assert_eq!(
        (watcher.hear("comment").await["seq"].clone(), watcher.hear("comment").await["seq"].clone()),
        (json!(1), json!(2))
    );
    assert!(watcher.rest().all(|event| event["t"] != "refused"));
    // The same by requests.
    let post = |body: &'static str| {
        let body = json!({ "client_id": "p1", "body": body });
        async { setting.stage.post(Some(&setting.mentee), &setting.path("comments"), body).await }
    };
    assert_eq!(post("bodoh").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let slow = post("halo").await;
    assert_eq!(slow.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(slow.headers["retry-after"].to_str().is_ok_and(|s| (1..=30).contains(&s.parse().unwrap_or(0))));
}

#[tokio::test]
async fn a_comment_that_is_held_is_seen_by_the_mentor_until_they_show_it() {
    let setting = Setting::with(|lesson| lesson.review_on = true).await;
    let mut author = setting.join(&setting.mentee).await;
    let mut other = setting.join(&setting.other("lain").await).await;
    let mut mentor = setting.join(&setting.mentor).await;
    author.say("c1", "halo").await;
    let ack = author.hear("ack").await;
    assert_eq!((&ack["seq"], &ack["state"]), (&json!(1), &json!("held")));
    author.say("c1", "halo").await;
    assert_eq!(author.hear("ack").await, ack, "sent again after its answer was lost");
    let held = mentor.hear("comment").await;
    assert_eq!((&held["state"], &held["body"]), (&json!("held"), &json!("halo")));
    assert_eq!(other.hear("skip").await["seq"], 1, "no gap for others, and no word of it");
    let listed = setting.stage.get(Some(&setting.mentee), &setting.path("comments")).await;
    assert_eq!(listed.json["items"], json!([]));
    let listed = setting.stage.get(Some(&setting.mentor), &setting.path("comments")).await;
    assert_eq!(listed.json["items"][0]["state"], "held");
    let show = json!({ "state": "shown" });
    assert_eq!(setting.patch(&setting.mentee, &held["id"], show.clone()).await, StatusCode::FORBIDDEN);
    assert_eq!(setting.patch(&setting.mentor, &held["id"], show).await, StatusCode::OK);
    let shown = other.hear("comment").await;
    assert_eq!((&shown["seq"], &shown["state"], &shown["body"]), (&json!(1), &json!("shown"), &json!("halo")));
}

#[tokio::test]
async fn the_mentor_pins_and_deletes_and_all_are_told() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    let mut ids = Vec::new();
    for n in 0..2 {
        mentee.say_and_hear(&format!("c{n}"), "halo").await.expect("kept");
        ids.push(mentee.hear("comment").await["id"].clone());
    }
    assert_eq!(setting.patch(&setting.mentor, &ids[0], json!({ "pinned": true })).await, StatusCode::OK);
    let pinned = mentee.hear("comment_changed").await;
    assert_eq!((&pinned["id"], &pinned["pinned"], &pinned["state"]), (&ids[0], &json!(true), &json!("shown")));
    let (_late, hello) = Guest::join(setting.port, setting.lesson.id, &setting.mentor).await;
    assert_eq!((&hello["pinned"][0]["id"], &hello["seq"], &hello["viewers"].is_u64()), (&ids[0], &json!(2), &true));
    assert_eq!(setting.patch(&setting.mentor, &ids[0], json!({ "state": "deleted" })).await, StatusCode::OK);
    let deleted = mentee.hear("comment_changed").await;
    assert_eq!((&deleted["state"], &deleted["pinned"]), (&json!("deleted"), &json!(false)));
    let (_later, hello) = Guest::join(setting.port, setting.lesson.id, &setting.mentor).await;
    assert_eq!(hello["pinned"], json!([]));
    let listed = setting.stage.get(Some(&setting.mentee), &setting.path("comments")).await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(setting.patch(&setting.mentor, &json!(Uuid::nil().to_string()), json!({})).await, StatusCode::NOT_FOUND);
    assert_eq!(
        setting.patch(&setting.mentor, &ids[0], json!({ "state": "gone" })).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn who_is_muted_reads_on_and_says_nothing_until_it_is_over() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    let path = setting.path(&format!("mutes/{}", setting.mentee.id));
    let put = async |who: &Actor, minutes: u32| {
        setting.stage.ask(Some(who), Method::PUT, &path, Some(json!({ "minutes": minutes }))).await
    };
    assert_eq!(put(&setting.mentee, 5).await.status, StatusCode::FORBIDDEN);
    assert_eq!(put(&setting.mentor, 0).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let muted = put(&setting.mentor, 5).await;
    assert_eq!(muted.status, StatusCode::OK);
    assert_eq!(mentee.hear("me").await["muted_until_at"], muted.json["muted_until_at"]);
    let refused = mentee.say_and_hear("c1", "halo").await.expect_err("muted");
    assert_eq!(refused["code"], "muted");
    let (_again, hello) = Guest::join(setting.port, setting.lesson.id, &setting.mentee).await;
    assert_eq!(hello["me"]["muted_until_at"], muted.json["muted_until_at"]);
    let listed = async |who: &Actor| setting.stage.get(Some(who), &setting.path("mutes")).await;
    assert_eq!(listed(&setting.mentee).await.status, StatusCode::FORBIDDEN);
    let line = json!({
        "user": { "id": setting.mentee.id.to_string(), "name": "mentee" },
        "muted_until_at": muted.json["muted_until_at"],
    });
    assert_eq!(listed(&setting.mentor).await.json, json!({ "items": [line], "next_cursor": null }));
    let answer = setting.stage.ask(Some(&setting.mentor), Method::DELETE, &path, None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(listed(&setting.mentor).await.json["items"], json!([]));
    assert_eq!(mentee.hear("me").await["muted_until_at"], Value::Null);
    assert_eq!(mentee.say_and_hear("c1", "halo").await, Ok(1));
}

#[tokio::test]
async fn reactions_are_counted_exactly_and_shown_few_times_a_second() {
    let setting = Setting::new().await;
    let mut watcher = setting.join(&setting.mentor).await;
    let mut guests = Vec::new();
    for n in 0..10 {
        guests.push(setting.join(&setting.other(&format!("m{n}")).await).await);
    }
    let start = Instant::now();
    for guest in &mut guests {
        for n in [1, 2, 3] {
            guest.send(json!({ "t": "react", "kind": "hati", "n": n, "media_ms": 12_000 })).await;
        }
        guest.send(json!({ "t": "react", "kind": "tanya" })).await;
    }
    let posted = json!({ "kind": "tawa", "n": 4 });
    let answer = setting.stage.post(Some(&setting.mentee), &setting.path("reactions"), posted).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let (mut seen, mut updates) = (0, 0);
    while seen < 74 {
        let event = watcher.hear("reactions").await;
        let counts = event["counts"].as_object().expect("counts");
        seen += counts.values().filter_map(Value::as_u64).sum::<u64>();
        let totals: u64 = event["totals"].as_object().expect("totals").values().filter_map(Value::as_u64).sum();
        assert_eq!(totals, seen, "what rose is what the totals rose by");
        updates += 1;
    }
    assert_eq!(seen, 74);
    assert!(updates <= 1 + 4 * (start.elapsed().as_secs() + 1), "{updates} updates");
    let kept = setting.stage.get(Some(&setting.mentor), &setting.path("reactions")).await;
    let nothing_on_air = json!([
        { "media_ms": 0, "kind": "hati", "count": 60 },
        { "media_ms": 0, "kind": "tanya", "count": 10 },
        { "media_ms": 0, "kind": "tawa", "count": 4 },
    ]);
    assert_eq!(kept.json, nothing_on_air);
    let (_late, hello) = Guest::join(setting.port, setting.lesson.id, &setting.mentee).await;
    assert_eq!(hello["totals"], json!({ "hati": 60, "tanya": 10, "tawa": 4 }));
}

#[tokio::test]
async fn a_reaction_is_counted_once_though_hands_beside_it_cannot_be_kept_for_a_while() {
    let setting = Setting::new().await;
    let (mut mentor, mut mentee) = (setting.join(&setting.mentor).await, setting.join(&setting.mentee).await);
    let counted = async || {
        let kept = setting.stage.get(Some(&setting.mentor), &setting.path("reactions")).await;
        kept.json[0]["count"].as_u64().unwrap_or(0)
    };
    setting.stage.refuse_hands(true).await;
    // The hand first: it is tried again and again, so that the reaction goes beside it.
    mentee.send(json!({ "t": "hand", "raised": true })).await;
    mentee.send(json!({ "t": "react", "kind": "hati", "n": 3 })).await;
    while counted().await == 0 {
        tokio::task::yield_now().await;
    }
    setting.stage.refuse_hands(false).await;
    assert_eq!(mentor.hear("hand").await["raised"], true, "it is not lost");
    let shown = mentor.hear("reactions").await;
    assert_eq!((&shown["counts"], &shown["totals"]), (&json!({ "hati": 3 }), &json!({ "hati": 3 })));
    assert_eq!(counted().await, 3);
}

#[tokio::test]
async fn hands_are_told_to_the_mentor_and_not_to_others() {
    let setting = Setting::new().await;
    let mut mentor = setting.join(&setting.mentor).await;
    let mut other = setting.join(&setting.other("lain").await).await;
    let mut mentee = setting.join(&setting.mentee).await;
    mentee.send(json!({ "t": "hand", "raised": true })).await;
    let hand = mentor.hear("hand").await;
    assert_eq!((&hand["user"]["name"], &hand["raised"]), (&json!("mentee"), &json!(true)));
    assert_eq!(mentee.hear("me").await["hand"], true);
    let (_tablet, hello) = Guest::join(setting.port, setting.lesson.id, &setting.mentor).await;
    assert_eq!(hello["hands"][0]["id"], json!(setting.mentee.id.to_string()));
    let lowered = setting.stage.post(Some(&setting.mentee), &setting.path("hand"), json!({ "raised": false })).await;
    assert_eq!(lowered.status, StatusCode::NO_CONTENT);
    assert_eq!(mentor.hear("hand").await["raised"], false);
    other.say_and_hear("c1", "halo").await.expect("kept");
    other.hear("comment").await;
    assert!(other.rest().all(|event| event["t"] != "hand"));
}

#[tokio::test]
async fn the_mentor_lowers_a_hand_and_its_owner_is_told() {
    let setting = Setting::new().await;
    let (mut mentee, mut mentor) = (setting.join(&setting.mentee).await, setting.join(&setting.mentor).await);
    mentee.send(json!({ "t": "hand", "raised": true })).await;
    assert_eq!((&mentor.hear("hand").await["raised"], &mentee.hear("me").await["hand"]), (&json!(true), &json!(true)));
    let path = setting.path(&format!("hands/{}", setting.mentee.id));
    let lower = async |who: &Actor| setting.stage.ask(Some(who), Method::DELETE, &path, None).await.status;
    assert_eq!(lower(&setting.mentee).await, StatusCode::FORBIDDEN, "one lowers one's own by /hand");
    assert_eq!(lower(&setting.mentor).await, StatusCode::NO_CONTENT);
    let lowered = mentor.hear("hand").await;
    assert_eq!((&lowered["user"]["name"], &lowered["raised"]), (&json!("mentee"), &json!(false)));
    assert_eq!(mentee.hear("me").await["hand"], false);
    assert_eq!(lower(&setting.mentor).await, StatusCode::NO_CONTENT, "down already is no error");
    let hands = setting.stage.repository.raised_hands(setting.lesson.id).await.expect("read");
    assert!(hands.is_empty(), "it is kept");
}

#[tokio::test]
async fn who_is_put_out_of_the_course_is_out_of_the_room_within_a_second() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    let mut second = setting.join(&setting.mentee).await;
    let mut other = setting.join(&setting.other("lain").await).await;
    let (course, who) = (setting.course.id, setting.mentee.id);
    let now = setting.stage.state.now();
    // Having been there gives the recording later, and no place now.
    let path = setting.path(&format!("attendance/{who}"));
    let present = json!({ "decision": "present", "reason": "hadir" });
    let corrected = setting.stage.ask(Some(&setting.mentor), Method::PATCH, &path, Some(present)).await;
    assert_eq!(corrected.status, StatusCode::OK);
    let start = Instant::now();
    setting.stage.repository.decide_enrolment(course, who, Verdict::Removed, now).await.expect("removed");
    assert_eq!((mentee.end().await, second.end().await), (Some(4_001), Some(4_001)));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(other.say_and_hear("c1", "masih di sini").await, Ok(1));
    let bearer = format!("Bearer {}", setting.mentee.token);
    let again = Guest::try_join(setting.port, setting.lesson.id, &[("authorization", &bearer)]).await;
    assert_eq!(again.err(), Some(403));
}

#[tokio::test]
async fn who_may_not_know_of_a_lesson_finds_no_room() {
    let setting = Setting::new().await;
    let stranger = setting.stage.mentee("jauh@example.test").await;
    let bearer = format!("Bearer {}", stranger.token);
    let join = async |headers: Vec<(&'static str, String)>| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Guest::try_join(setting.port, setting.lesson.id, &headers).await.err()
    };
    assert_eq!(join(vec![]).await, Some(401));
    assert_eq!(join(vec![("authorization", bearer.clone())]).await, Some(403));
    let mentee = format!("Bearer {}", setting.mentee.token);
    assert_eq!(
        join(vec![("authorization", mentee.clone()), ("sec-websocket-protocol", "chat".to_owned())]).await,
        Some(400)
    );
    let nowhere = control::LessonId(Uuid::nil());
    assert_eq!(Guest::try_join(setting.port, nowhere, &[("authorization", &mentee)]).await.err(), Some(404));
    let plain = setting.stage.get(Some(&setting.mentee), &setting.path("room")).await;
    assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn with_a_cookie_only_our_own_pages_get_a_socket() {
    let setting = Setting::new().await;
    let (now, secret) = (setting.stage.state.now(), keys::generate().0);
    let session = Session {
        id: SessionId::new(now),
        user: setting.mentee.id,
        kind: SessionKind::Browser,
        secret: KeyHash::of(&secret),
        label: "test".to_owned(),
        created: now,
        seen: now,
        expires: now.plus_millis(3_600_000),
        revoked: None,
    };
    setting.stage.repository.create_session(&session).await.expect("created");
    let cookie = format!("tayang_session={secret}");
    let here = format!("http://{}", setting.port);
    for (origin, status) in [
        (Some("https://tayang.test"), None),
        (Some(&*here), None),
        (Some("https://jahat.test"), Some(403)),
        (Some("null"), Some(403)),
        (None, Some(403)),
    ] {
        let mut headers = vec![("cookie", &*cookie)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let joined = Guest::try_join(setting.port, setting.lesson.id, &headers).await;
        assert_eq!(joined.err(), status, "{origin:?}");
    }
}

#[tokio::test]
async fn a_server_that_stops_says_that_it_will_be_back() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    let mut stream = Listener::open(&setting.stage, setting.lesson.id, &setting.mentee, None).await;
    mentee.say("c1", "satu kata terakhir").await;
    mentee.hear("ack").await;
    setting.stage.state.stop.cancel();
    assert_eq!(mentee.end().await, Some(1_012));
    stream.hear("event: close\ndata: {\"code\":1012").await;
    setting.stage.state.tasks.close();
    tokio::time::timeout(Duration::from_secs(10), setting.stage.state.tasks.wait()).await.expect("rooms have ended");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_holds_nobody_and_goes_on_at_the_newest() {
    let setting = Setting::new().await;
    let mut slow = port::narrow(&setting.stage, setting.lesson.id, &setting.mentee, 1_024).await;
    let mut quick = setting.join(&setting.other("cepat").await).await;
    let mut last = 0;
    // More frames than the room keeps, one comment in each.
    for n in 0..64 {
        let mut guest = setting.join(&setting.other(&format!("m{n}")).await).await;
        for name in ["c1", "c2", "c3", "c4", "c5"] {
            last = guest.say_and_hear(name, "halo").await.expect("kept");
            assert_eq!(quick.hear("comment").await["seq"], last, "others hear all of it meanwhile");
        }
    }
    assert_eq!(slow.hear("hello").await["seq"], 0);
    let newest = slow.hear("hello").await["seq"].as_i64().expect("a place");
    assert_eq!(newest, last, "by a second hello they know of the gap");
    let heard = slow.rest().filter(|event| event["t"] == "comment").count();
    assert!(heard < 100, "{heard} comments waited for who took none");
    assert_eq!(slow.say_and_hear("s1", "saya kembali").await, Ok(last + 1));
}

#[tokio::test]
async fn server_sent_events_go_on_where_they_were_left() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    for n in 1..=3 {
        assert_eq!(mentee.say_and_hear(&format!("c{n}"), &format!("kata {n}")).await, Ok(n));
        // What is acknowledged is kept, and in the room only a moment later.
        assert_eq!(mentee.hear("comment").await["seq"], n);
    }
    let mut stream = Listener::open(&setting.stage, setting.lesson.id, &setting.mentee, Some("1")).await;
    let first = stream.hear("\n\n").await;
    assert!(first.starts_with("retry: 3000\nevent: frame\nid: 3\ndata: [{\"t\":\"hello\",\"seq\":3"), "{first}");
    assert!(!first.contains("kata 1") && first.contains("kata 2") && first.contains("kata 3"), "{first}");
    assert_eq!(mentee.say_and_hear("c4", "kata 4").await, Ok(4));
    let next = stream.hear("kata 4").await;
    assert!(next.contains("event: frame\nid: 4\ndata: [{\"t\":\"comment\",\"id\""), "{next}");
}

#[tokio::test]
async fn what_was_said_is_read_by_place_and_by_media_time_in_pages() {
    let setting = Setting::new().await;
    *setting.antenna.0.lock() =
        OnAir { on_air: true, started: Some(setting.stage.state.now().plus_millis(-60_000)), ..OnAir::default() };
    let mut mentor = setting.join(&setting.mentor).await;
    for (n, media_ms) in [30_000, 10_000, 10_000, 900_000, -1].into_iter().enumerate() {
        mentor
            .send(json!({ "t": "comment", "client_id": format!("c{n}"), "body": "halo", "media_ms": media_ms }))
            .await;
        mentor.hear("ack").await;
    }
    let seqs = |answer: &stage::Answer| -> Vec<i64> {
        let items = answer.json["items"].as_array().expect("items");
        items.iter().filter_map(|item| item["seq"].as_i64()).collect()
    };
    let read = async |query: String| {
        setting.stage.get(Some(&setting.mentee), &setting.path(&format!("comments?{query}"))).await
    };
    let page = read("after=1&limit=2".to_owned()).await;
    assert_eq!(seqs(&page), [2, 3]);
    let next = read(format!("after=1&limit=2&cursor={}", page.json["next_cursor"].as_str().expect("more"))).await;
    assert_eq!((seqs(&next), &next.json["next_cursor"]), (vec![4, 5], &Value::Null));
    let page = read("from_ms=0&until_ms=60000&limit=2".to_owned()).await;
    assert_eq!(seqs(&page), [5, 2]);
    let cursor = page.json["next_cursor"].as_str().expect("more");
    assert_eq!(seqs(&read(format!("from_ms=0&until_ms=60000&limit=2&cursor={cursor}")).await), [3, 1]);
    let ahead = read("from_ms=60000".to_owned()).await;
    let at = ahead.json["items"][0]["media_ms"].as_i64().expect("a time");
    assert!((60_000..70_000).contains(&at), "kept within what was on air: {at}");
    for bad in ["limit=0", "limit=101", "cursor=!", "after=x"] {
        assert_eq!(read(bad.to_owned()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    let stranger = setting.stage.mentee("jauh@example.test").await;
    let refused = setting.stage.get(Some(&stranger), &setting.path("comments")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_mentor_takes_all_words_away_as_a_file_without_formulas() {
    let setting = Setting::new().await;
    let mut mentee = setting.join(&setting.mentee).await;
    mentee.say_and_hear("c1", "=HYPERLINK(\"http://jahat.test\")").await.expect("kept");
    mentee.say_and_hear("c2", "satu, \"dua\"").await.expect("kept");
    let path = setting.path("comments.csv");
    assert_eq!(setting.stage.get(Some(&setting.mentee), &path).await.status, StatusCode::FORBIDDEN);
    let file = setting.stage.get(Some(&setting.mentor), &path).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let text = String::from_utf8(file.bytes.to_vec()).expect("text");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}seq,at,media_ms,user_id,name,state,pinned,body");
    assert!(lines[1].ends_with(",mentee,shown,,\"'=HYPERLINK(\"\"http://jahat.test\"\")\""), "{}", lines[1]);
    assert!(lines[2].ends_with("\"satu, \"\"dua\"\"\"") && lines.len() == 4, "{text}");
}

#[tokio::test]
async fn what_is_on_air_and_who_is_here_is_told_when_it_changes() {
    let setting = Setting::new().await;
    let mut mentor = setting.join(&setting.mentor).await;
    let started = Some(UnixMillis(setting.stage.state.now().0 - 1_000));
    *setting.antenna.0.lock() = OnAir { on_air: true, stalled: false, started, viewers: 3 };
    let lesson = mentor.hear("lesson").await;
    assert_eq!((&lesson["on_air"], &lesson["state"]), (&json!(true), &json!("scheduled")));
    let _mentee = setting.join(&setting.mentee).await;
    while mentor.hear("viewers").await["n"] != 4 {}
    *setting.antenna.0.lock() = OnAir { on_air: false, stalled: true, started, viewers: 3 };
    assert_eq!(mentor.hear("lesson").await["stalled"], true);
}

#[tokio::test]
async fn what_is_said_after_an_outage_stands_where_the_recording_has_it() {
    let setting = Setting::new().await;
    let now = setting.stage.state.now();
    let started = UnixMillis(now.0 - 1_500_000);
    *setting.antenna.0.lock() = OnAir { on_air: true, stalled: false, started: Some(started), viewers: 0 };
    // Five minutes, twenty minutes away, and a little that has not passed yet when it is said.
    *setting.antenna.1.lock() = Some((UnixMillis(now.0 - 1_000), 1_199_000));
    let mut mentee = setting.join(&setting.mentee).await;
    let mut heard = Vec::new();
    for (name, media_ms) in [("c1", Value::Null), ("c2", json!(1_500_000)), ("c3", json!(120_000))] {
        mentee.send(json!({ "t": "comment", "client_id": name, "body": "halo", "media_ms": media_ms })).await;
        heard.push(mentee.hear("comment").await["media_ms"].as_i64().expect("a time"));
    }
    assert!((301_000..400_000).contains(&heard[0]), "what is on air now: {heard:?}");
    assert_eq!(heard[1..], [301_000, 120_000], "as the picture bears it, and before the outage");
}

#[tokio::test]
async fn a_socket_that_breaks_the_rules_is_closed_with_the_code_for_it() {
    let setting = Setting::new().await;
    let mut long = setting.join(&setting.mentee).await;
    long.send_text("x".repeat(5_000)).await;
    assert_eq!(long.end().await, Some(1_009));
    let mut fast = setting.join(&setting.mentee).await;
    for _ in 0..30 {
        fast.send(json!({ "t": "nothing" })).await;
    }
    assert_eq!(fast.end().await, Some(1_008));
}

#[tokio::test]
async fn who_reviews_is_called_for_each_comment_that_waits_and_answers_for_it() {
    let setting = Setting::with(|lesson| lesson.review_on = true).await;
    let hook = |kinds: Value| json!({ "url": "https://hook.example.com/x", "kinds": kinds });
    let asks = setting.stage.post(Some(&setting.mentor), "/api/v1/webhooks", hook(json!(["comment_held"]))).await;
    let all = setting.stage.post(Some(&setting.mentor), "/api/v1/webhooks", hook(json!([]))).await;
    let mut mentee = setting.join(&setting.mentee).await;
    mentee.say("c1", "boleh tanya?").await;
    assert_eq!(mentee.hear("ack").await["state"], "held");
    mentee.say("c1", "boleh tanya?").await;
    mentee.hear("ack").await;
    let (now, lease) = (setting.stage.state.now(), control::keys::random_id());
    let owed = setting
        .stage
        .repository
        .claim(lease, now, now.plus_millis(1_000), control::deliveries::Room { all: 10, webhooks: 10, mails: 10 })
        .await
        .expect("taken");
    assert_eq!(owed.len(), 1, "once, and not to whoever did not name it: {owed:?}");
    assert_eq!(owed[0].what.target, asks.json["id"].as_str().expect("an id"));
    assert_ne!(asks.json["id"], all.json["id"]);
    let call: Value = serde_json::from_str(&owed[0].what.payload).expect("JSON");
    assert_eq!((&call["kind"], &call["comment"]["body"]), (&json!("comment_held"), &json!("boleh tanya?")));
    assert_eq!(call["lesson"]["id"], setting.lesson.id.to_string());
    let shown = setting.patch(&setting.mentor, &call["comment"]["id"], json!({ "state": "shown" })).await;
    assert_eq!(shown, StatusCode::OK);
    assert_eq!(mentee.hear("comment").await["body"], "boleh tanya?");
}
