//! Watching: playback sessions and their tokens, the attendance record, who is there.

#[path = "stage/stage.rs"]
mod stage;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::Settings;
use control::air::{Air, AudioHealth, Health, OnAir, Silence, VideoHealth, Watching};
use control::attendance::Interval;
use control::playback::{Claims, Kind};
use control::teaching::{Course, Enrolling, Lesson};
use control::{Channel, PlaybackId, Recording, RecordingState, UserId, Uuid};
use http::{Method, StatusCode};
use media::{StreamId, UnixMillis};
use parking_lot::Mutex;
use serde_json::{Value, json};
use stage::{Actor, Answer, Stage};

struct Class {
    stage: Stage,
    mentor: Actor,
    course: Course,
    mentee: Actor,
}

async fn class(stage: Stage) -> Class {
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let mentee = stage.enrolled(&course, "mentee@example.test").await;
    Class { stage, mentor, course, mentee }
}

impl Class {
    async fn live(&self) -> Lesson {
        let lesson = self.stage.lesson(&self.course, 1_000).await;
        let (now, margin_ms) = (self.stage.state.now(), self.stage.state.settings.slot_margin_ms);
        self.stage.repository.start_lesson(lesson.id, margin_ms, now).await.expect("begun").expect("there")
    }

    async fn play(&self, who: &Actor, lesson: &Lesson, carry: &str) -> Answer {
        let path = format!("/api/v1/lessons/{}/playback", lesson.id);
        self.stage.post(Some(who), &path, json!({ "carry": carry })).await
    }

    /// What the token says that an answer carries.
    fn claims(&self, answer: &Answer) -> Claims {
        let keys = self.stage.state.directory.token_keys();
        let base = answer.json["base_url"].as_str().expect("a base");
        let token = match base.strip_prefix("/p/") {
            Some(rest) => rest.split('/').next().expect("a token"),
            None => {
                let cookie = answer.headers["set-cookie"].to_str().expect("text");
                cookie.strip_prefix("tayang_play=").expect("ours").split(';').next().expect("a token")
            }
        };
        keys.verify(token).expect("one of ours")
    }

    fn is_open(&self, answer: &Answer) -> bool {
        let id = answer.json["playback_id"].as_str().expect("an id").parse().expect("an id");
        self.stage.state.directory.playbacks().get(PlaybackId(id), self.stage.state.now()).is_some()
    }

    /// Everybody's line on the record, by mentor.
    async fn attendance(&self, lesson: &Lesson) -> Vec<Value> {
        let answer = self.stage.get(Some(&self.mentor), &format!("/api/v1/lessons/{}/attendance", lesson.id)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json["items"].as_array().expect("items").clone()
    }

    /// The lesson left recordings of these ids, which are their starts too, and durations in milliseconds.
    async fn recorded(&self, lesson: &Lesson, recordings: &[(u64, u64)]) -> Channel {
        let touched = control::airing::Touched { channels: vec![lesson.channel], ..Default::default() };
        let channel =
            self.stage.repository.parts(&touched, self.stage.state.now()).await.expect("read").channels.remove(0);
        for (id, duration_ms) in recordings {
            let recording = Recording {
                id: StreamId(*id),
                channel: lesson.channel,
                path: channel.path.clone(),
                started: UnixMillis(*id as i64),
                duration_ms: *duration_ms,
                bytes: 1,
                next_msn: 1,
                state: RecordingState::Ready,
            };
            self.stage.repository.put_recording(&recording).await.expect("kept");
        }
        channel
    }

    async fn watched(&self, lesson: &Lesson, who: &Actor, ms: i64) {
        let from = lesson.started.expect("live");
        let interval = Interval {
            lesson: lesson.id,
            user: who.id,
            playback: PlaybackId::new(from),
            protocol: Cow::Borrowed("llhls"),
            from,
            to: from.plus_millis(ms),
        };
        self.stage.repository.record(&[interval], 10_000, from).await.expect("recorded");
    }

    async fn correct(&self, who: &Actor, lesson: &Lesson, user: UserId, body: Value) -> Answer {
        let path = format!("/api/v1/lessons/{}/attendance/{user}", lesson.id);
        self.stage.ask(Some(who), Method::PATCH, &path, Some(body)).await
    }
}

#[tokio::test]
async fn a_browser_gets_a_cookie_for_the_channel_alone_and_addresses_without_a_secret() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    let answer = class.play(&class.mentee, &lesson, "cookie").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let claims = class.claims(&answer);
    assert_eq!((claims.user, claims.lesson, claims.kind), (class.mentee.id, lesson.id, Kind::Live));
    assert_eq!((claims.course, claims.channel), (class.course.id, lesson.channel));
    let base = answer.json["base_url"].as_str().expect("a base").to_owned();
    let cookie = answer.headers["set-cookie"].to_str().expect("text").to_owned();
    for part in [format!("Path={base}"), "HttpOnly".to_owned(), "SameSite=Lax".to_owned(), "Secure".to_owned()] {
        assert!(cookie.split("; ").any(|one| one == part), "{part}: {cookie}");
    }
    let token = cookie.strip_prefix("tayang_play=").expect("ours").split(';').next().expect("a token");
    assert!(!answer.json.to_string().contains(token), "copied elsewhere, the addresses are worth nothing");
    for (way, file) in [
        ("llhls", "master.m3u8"),
        ("hls_ts", "live.m3u8"),
        ("dash", "manifest.mpd"),
        ("flv", "live.flv"),
        ("ws_flv", "live.flv"),
    ] {
        assert_eq!(answer.json["urls"][way], json!(format!("{base}{file}")));
    }
    assert_eq!((&answer.json["kind"], &answer.json["urls"]["mp4"]), (&json!("live"), &Value::Null));
    assert_eq!(answer.json["refresh_after_ms"], json!(60_000));
    let by_path = class.play(&class.mentee, &lesson, "path").await;
    assert!(by_path.json["urls"]["flv"].as_str().expect("an address").starts_with("/p/"));
    assert!(!by_path.headers.contains_key("set-cookie"));
    assert_eq!(class.claims(&by_path).kind, Kind::Live);
}

#[tokio::test]
async fn behind_a_proxy_that_ends_tls_the_cookie_and_addresses_are_for_https() {
    let settings = Settings { public_url: None, ..Stage::settings() };
    let class = class(Stage::with(Arc::new(Silence), settings).await).await;
    let lesson = class.live().await;
    let playback = (Method::POST, format!("/api/v1/lessons/{}/playback", lesson.id), Some(json!({})));
    let calendar = (Method::GET, "/api/v1/me/calendar".to_owned(), None);
    let invitations = format!("/api/v1/courses/{}/invitations", class.course.id);
    let ask = async |(method, path, body): (Method, String, Option<Value>), who: &Actor, proto: &str| {
        let body = http_body_util::Full::from(body.map_or_else(String::new, |body| body.to_string()));
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", who.token))
            .header("content-type", "application/json")
            .header("host", "tayang.test")
            .header("x-forwarded-proto", proto);
        let peer = api::Peer { address: ([127, 0, 0, 1], 40_000).into(), secure: false };
        class.stage.send_from(request.body(body).expect("a request"), peer).await
    };
    for (proto, is_secure) in [("https", true), ("http", false)] {
        let answer = ask(playback.clone(), &class.mentee, proto).await;
        let cookie = answer.headers["set-cookie"].to_str().expect("text");
        assert_eq!(cookie.ends_with("; Secure"), is_secure, "{cookie}");
        let address = ask(calendar.clone(), &class.mentee, proto).await.json["url"].clone();
        let url = address.as_str().expect("an address");
        assert!(url.starts_with(&format!("{proto}://tayang.test/calendar/")), "{url}");
        let new = json!({ "uses": 1, "expires_at": null });
        let invited = ask((Method::POST, invitations.clone(), Some(new)), &class.mentor, proto).await;
        assert!(invited.json["url"].as_str().is_some_and(|url| url.starts_with(&format!("{proto}://"))), "{invited:?}");
    }
}

#[tokio::test]
async fn who_may_not_watch_gets_no_token() {
    let class = class(Stage::new().await).await;
    let (lesson, stranger) = (class.live().await, class.stage.mentee("lain@example.test").await);
    assert_eq!(class.play(&stranger, &lesson, "cookie").await.status, StatusCode::FORBIDDEN);
    let path = format!("/api/v1/lessons/{}/playback", lesson.id);
    assert_eq!(class.stage.post(None, &path, json!({})).await.status, StatusCode::UNAUTHORIZED);
    let nowhere = format!("/api/v1/lessons/{}/playback", Uuid::from_u128(1));
    assert_eq!(class.stage.post(Some(&class.mentee), &nowhere, json!({})).await.status, StatusCode::NOT_FOUND);
    let odd = class.stage.post(Some(&class.mentee), &path, json!({ "carry": "pigeon" })).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    let ban = control::teaching::lessons::Ban {
        lesson: lesson.id,
        user: class.mentee.id,
        by: class.mentor.id,
        reason: "mengganggu".to_owned(),
    };
    class.stage.repository.ban(&ban, class.stage.state.now()).await.expect("sent out");
    assert_eq!(class.play(&class.mentee, &lesson, "cookie").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_is_refreshed_and_ended_by_whoever_has_it_and_nobody_else() {
    let class = class(Stage::new().await).await;
    let (lesson, other) = (class.live().await, class.stage.enrolled(&class.course, "lain@example.test").await);
    let begun = class.play(&class.mentee, &lesson, "cookie").await;
    let id = begun.json["playback_id"].as_str().expect("an id").to_owned();
    let refresh = format!("/api/v1/playbacks/{id}/refresh");
    assert_eq!(class.stage.post(Some(&other), &refresh, json!({})).await.status, StatusCode::NOT_FOUND);
    let end = format!("/api/v1/playbacks/{id}");
    assert_eq!(class.stage.ask(Some(&other), Method::DELETE, &end, None).await.status, StatusCode::NOT_FOUND);
    assert!(class.is_open(&begun));
    let again = class.stage.post(Some(&class.mentee), &refresh, json!({})).await;
    assert_eq!((again.status, &again.json["playback_id"]), (StatusCode::OK, &json!(id)));
    assert!(again.headers.contains_key("set-cookie"), "as it began");
    let (first, second) = (class.claims(&begun), class.claims(&again));
    assert_eq!(first.playback, second.playback);
    assert!(second.expires >= first.expires);
    assert_eq!(class.stage.ask(Some(&class.mentee), Method::DELETE, &end, None).await.status, StatusCode::NO_CONTENT);
    assert!(!class.is_open(&begun));
    assert_eq!(class.stage.post(Some(&class.mentee), &refresh, json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_session_is_refreshed_by_the_sign_in_that_began_it_alone() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    let begun = class.play(&class.mentee, &lesson, "cookie").await;
    let refresh = format!("/api/v1/playbacks/{}/refresh", begun.json["playback_id"].as_str().expect("an id"));
    let (token, now) = (control::keys::generate().0, class.stage.state.now());
    let session = control::Session {
        id: control::SessionId::new(now),
        user: class.mentee.id,
        kind: control::SessionKind::Bearer,
        secret: control::KeyHash::of(&token),
        label: "lain".to_owned(),
        created: now,
        seen: now,
        expires: UnixMillis(now.0 + 3_600_000),
        revoked: None,
    };
    class.stage.repository.create_session(&session).await.expect("created");
    let elsewhere = Actor { id: class.mentee.id, token };
    let sign_out = class.stage.ask(Some(&class.mentee), Method::DELETE, "/api/v1/session", None).await;
    assert_eq!(sign_out.status, StatusCode::NO_CONTENT);
    let answer = class.stage.post(Some(&elsewhere), &refresh, json!({})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "it would outlive the sign-in whose right it was");
}

#[tokio::test]
async fn a_page_that_is_left_ends_its_session_without_a_header_and_no_other_site_does() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    let begun = class.play(&class.mentee, &lesson, "cookie").await;
    let end = format!("/api/v1/playbacks/{}/end", begun.json["playback_id"].as_str().expect("an id"));
    let secret = control::keys::generate().0;
    let now = class.stage.state.now();
    let session = control::Session {
        id: control::SessionId::new(now),
        user: class.mentee.id,
        kind: control::SessionKind::Browser,
        secret: control::KeyHash::of(&secret),
        label: "peramban".to_owned(),
        created: now,
        seen: now,
        expires: now.plus_millis(60_000),
        revoked: None,
    };
    class.stage.repository.create_session(&session).await.expect("created");
    let beacon = async |path: &str, site: Option<&str>| {
        let mut request = http::Request::post(path).header("cookie", format!("tayang_session={secret}"));
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        class.stage.send(request.body(http_body_util::Full::default()).expect("a request")).await.status
    };
    for site in ["cross-site", "same-site"] {
        assert_eq!(beacon(&end, Some(site)).await, StatusCode::FORBIDDEN, "{site}");
    }
    assert!(class.is_open(&begun));
    assert_eq!(class.stage.post(None, &end, json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(beacon(&end, Some("same-origin")).await, StatusCode::NO_CONTENT);
    assert!(!class.is_open(&begun));
    let again = class.play(&class.mentee, &lesson, "cookie").await;
    let end = format!("/api/v1/playbacks/{}/end", again.json["playback_id"].as_str().expect("an id"));
    assert_eq!(beacon(&end, None).await, StatusCode::NO_CONTENT, "a browser that does not say");
    let refresh = end.replace("/end", "/refresh");
    assert_eq!(beacon(&refresh, None).await, StatusCode::FORBIDDEN, "nothing else is asked without the token");
}

#[tokio::test]
async fn a_session_whose_right_is_gone_ends_when_it_is_refreshed() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    let begun = class.play(&class.mentee, &lesson, "path").await;
    let id = begun.json["playback_id"].as_str().expect("an id");
    class.stage.repository.leave(class.course.id, class.mentee.id, class.stage.state.now()).await.expect("left");
    let refused = class.stage.post(Some(&class.mentee), &format!("/api/v1/playbacks/{id}/refresh"), json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!class.is_open(&begun));
}

#[tokio::test]
async fn a_lesson_takes_as_many_people_as_it_says_and_its_mentor_besides() {
    let class = class(Stage::new().await).await;
    let lesson = class.stage.lesson_with(&class.course, 1_000, |lesson| lesson.capacity = Some(2)).await;
    let second = class.stage.enrolled(&class.course, "dua@example.test").await;
    let third = class.stage.enrolled(&class.course, "tiga@example.test").await;
    for who in [&class.mentee, &class.mentor, &second, &class.mentee] {
        assert_eq!(class.play(who, &lesson, "cookie").await.status, StatusCode::CREATED);
    }
    let full = class.play(&third, &lesson, "cookie").await;
    assert_eq!((full.status, &full.json["type"]), (StatusCode::CONFLICT, &json!("/problems/full")));
    let again = class.play(&second, &lesson, "cookie").await;
    let end = format!("/api/v1/playbacks/{}", again.json["playback_id"].as_str().expect("an id"));
    assert_eq!(class.stage.ask(Some(&second), Method::DELETE, &end, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(class.play(&third, &lesson, "cookie").await.status, StatusCode::CONFLICT, "one session is left of two");
}

#[tokio::test]
async fn who_begins_to_play_again_and_again_is_told_to_wait_and_others_are_not() {
    let class = class(Stage::new().await).await;
    let (lesson, other) = (class.live().await, class.stage.enrolled(&class.course, "dua@example.test").await);
    let mut refused = None;
    for _ in 0..60 {
        let answer = class.play(&class.mentee, &lesson, "cookie").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    assert_eq!(refused.expect("sixty at once are too many").headers["retry-after"], "1");
    assert_eq!(class.play(&other, &lesson, "cookie").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn where_each_person_has_one_stream_the_newest_ends_the_one_before() {
    let class =
        class(Stage::with(Arc::new(Silence), Settings { one_stream_each: true, ..Stage::settings() }).await).await;
    let lesson = class.live().await;
    let first = class.play(&class.mentee, &lesson, "cookie").await;
    let second = class.play(&class.mentee, &lesson, "cookie").await;
    assert!(!class.is_open(&first) && class.is_open(&second));
}

#[tokio::test]
async fn a_recording_plays_for_who_was_there_and_is_not_there_for_others() {
    let class = class(Stage::new().await).await;
    let (lesson, absent) = (class.live().await, class.stage.enrolled(&class.course, "lain@example.test").await);
    class.watched(&lesson, &class.mentee, 20_000).await;
    class.stage.repository.end_lesson(lesson.id, class.stage.state.now()).await.expect("ended").expect("there");
    let nothing = class.play(&class.mentee, &lesson, "cookie").await;
    assert_eq!((nothing.status, &nothing.json["type"]), (StatusCode::CONFLICT, &json!("/problems/no-recording")));
    let channel = class.recorded(&lesson, &[(1_000, 5_000), (2_000, 3_600_000), (3_000, 9_000)]).await;
    for who in [&class.mentee, &class.mentor] {
        let answer = class.play(who, &lesson, "cookie").await;
        assert_eq!((answer.status, &answer.json["kind"]), (StatusCode::CREATED, &json!("recording")));
        assert_eq!(class.claims(&answer).kind, Kind::Recording);
        let base = format!("/{}/{}/2000/", channel.path.app, channel.path.name);
        assert_eq!(answer.json["base_url"], json!(base), "the longest");
        assert_eq!(answer.json["urls"]["mp4"], json!(format!("{base}recording.mp4")));
        assert_eq!(answer.json["urls"]["flv"], Value::Null);
        assert_eq!(answer.json["media_started_at"], json!("1970-01-01T00:00:02.000Z"));
        let streams = answer.json["recordings"].as_array().expect("all").iter().map(|one| one["stream"].clone());
        assert_eq!(streams.collect::<Vec<_>>(), [json!("1000"), json!("2000"), json!("3000")]);
    }
    let earlier = format!("/mentor/{}/live/{}", class.mentor.id, lesson.id);
    let earlier = class.stage.get(Some(&class.mentee), &earlier).await.json["recorded_url"].clone();
    assert!(earlier.as_str().expect("an address").ends_with("/2000/master.m3u8"), "the same: {earlier}");
    let begin = format!("/api/v1/lessons/{}/playback", lesson.id);
    for (recording, status) in [("3000", 201), ("4000", 404), ("x", 422)] {
        let answer = class.stage.post(Some(&class.mentee), &begin, json!({ "recording": recording })).await;
        assert_eq!(answer.status.as_u16(), status, "{recording}");
        if status == 201 {
            let base = format!("/{}/{}/3000/", channel.path.app, channel.path.name);
            let refresh = format!("/api/v1/playbacks/{}/refresh", answer.json["playback_id"].as_str().expect("an id"));
            let refreshed = class.stage.post(Some(&class.mentee), &refresh, json!({})).await;
            assert_eq!((&answer.json["base_url"], &refreshed.json["base_url"]), (&json!(base), &json!(base)));
        }
    }
    assert_eq!(class.play(&absent, &lesson, "cookie").await.status, StatusCode::NOT_FOUND);
    let position = format!("/api/v1/lessons/{}/position", lesson.id);
    assert_eq!(class.stage.get(Some(&class.mentee), &position).await.json, json!({ "at_ms": 0 }));
    for (at_ms, status) in [(61_000, 204), (-1, 422), (86_400_001, 422)] {
        let put = class.stage.ask(Some(&class.mentee), Method::PUT, &position, Some(json!({ "at_ms": at_ms }))).await;
        assert_eq!(put.status.as_u16(), status, "{at_ms}");
    }
    assert_eq!(class.stage.get(Some(&class.mentee), &position).await.json, json!({ "at_ms": 61_000 }));
    assert_eq!(class.stage.get(Some(&absent), &position).await.status, StatusCode::NOT_FOUND);
    let begun = async |who: &Actor| class.stage.get(Some(who), "/api/v1/me/positions").await.json;
    let listed = begun(&class.mentee).await;
    assert_eq!(listed[0]["lesson"], json!({ "id": lesson.id.to_string(), "title": lesson.title }));
    assert_eq!((&listed[0]["at_ms"], &listed[0]["duration_ms"]), (&json!(61_000), &json!(3_600_000)));
    assert_eq!((listed.as_array().map(Vec::len), begun(&absent).await), (Some(1), json!([])));
    let absence = json!({ "decision": "absent", "reason": "salah orang" });
    class.correct(&class.mentor, &lesson, class.mentee.id, absence).await;
    assert_eq!(begun(&class.mentee).await, json!([]), "what does not play is not gone on with");
    let recordings = async |mine: &str| {
        let path = format!("/api/v1/lessons?mine={mine}&order=newest");
        class.stage.get(Some(&class.mentee), &path).await.json["items"].as_array().map(Vec::len)
    };
    assert_eq!((recordings("attended").await, recordings("attending").await), (Some(0), Some(1)));
    class.correct(&class.mentor, &lesson, class.mentee.id, json!({ "decision": "present", "reason": "hadir" })).await;
    assert_eq!(recordings("attended").await, Some(1));
}

#[tokio::test]
async fn a_download_goes_on_by_itself_while_one_may_and_stands_beside_what_one_watches() {
    let class =
        class(Stage::with(Arc::new(Silence), Settings { one_stream_each: true, ..Stage::settings() }).await).await;
    let lesson = class.live().await;
    class.watched(&lesson, &class.mentee, 20_000).await;
    let begin = format!("/api/v1/lessons/{}/playback", lesson.id);
    let download = async || class.stage.post(Some(&class.mentee), &begin, json!({ "download": true })).await;
    let early = download().await;
    assert_eq!((early.status, &early.json["type"]), (StatusCode::CONFLICT, &json!("/problems/no-recording")));
    class.stage.repository.end_lesson(lesson.id, class.stage.state.now()).await.expect("ended").expect("there");
    class.recorded(&lesson, &[(1_000, 5_000)]).await;

    let watched = class.play(&class.mentee, &lesson, "cookie").await;
    let taken = download().await;
    let again = class.play(&class.mentee, &lesson, "cookie").await;
    assert!(!class.is_open(&watched) && class.is_open(&again) && class.is_open(&taken), "one of each");
    assert!(!taken.headers.contains_key("set-cookie"), "the cookie stays the player's");
    let mp4 = taken.json["urls"]["mp4"].as_str().expect("an address");
    assert!(mp4.starts_with("/p/") && mp4.ends_with("/recording.mp4"), "{mp4}");

    let (api, claims) = (api::Api::new(class.stage.state.clone()), class.claims(&taken));
    let expires = || {
        class.stage.state.directory.playbacks().get(claims.playback, class.stage.state.now()).map(|open| open.expires)
    };
    let (first, seq) =
        (expires().expect("open"), || class.stage.state.directory.playbacks().standing(&claims).map(|(seq, _)| seq));
    let decided = seq();
    while expires().expect("open") == first {
        api.renew(&claims).await;
    }
    assert!(expires().expect("open") > first);
    assert_eq!(seq(), decided, "it is not lifted over what came since");
    let watching = class.claims(&again);
    let until = || class.stage.state.directory.playbacks().standing(&watching);
    let before = until();
    api.renew(&watching).await;
    assert_eq!(until(), before, "what is watched is kept by its page alone");
    let absence = json!({ "decision": "absent", "reason": "salah catat" });
    class.correct(&class.mentor, &lesson, class.mentee.id, absence).await;
    api.renew(&claims).await;
    assert_eq!(expires(), None, "who may not any more gets no more of it");
}

#[tokio::test]
async fn nobody_asks_what_is_on_air_of_lessons_that_are_over() {
    let studio = Arc::new(Studio::default());
    let class = class(Stage::with_air(studio.clone()).await).await;
    for _ in 0..3 {
        let lesson = class.live().await;
        class.stage.repository.end_lesson(lesson.id, class.stage.state.now()).await.expect("ended").expect("there");
    }
    class.live().await;
    let before = studio.1.load(Ordering::Relaxed);
    let list = class.stage.get(Some(&class.mentee), "/api/v1/lessons").await.json;
    assert_eq!((list["items"].as_array().map(Vec::len), studio.1.load(Ordering::Relaxed) - before), (Some(4), 1));
}

#[tokio::test]
async fn the_mentor_reads_the_record_and_corrects_it_with_a_reason() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    class.watched(&lesson, &class.mentee, 4_000).await;
    let path = format!("/api/v1/lessons/{}/attendance", lesson.id);
    assert_eq!(class.stage.get(Some(&class.mentee), &path).await.status, StatusCode::FORBIDDEN);
    let lines = class.attendance(&lesson).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["user"], json!({ "id": class.mentee.id.to_string(), "name": "mentee" }));
    assert_eq!((&lines[0]["watched_ms"], &lines[0]["attended"]), (&json!(4_000), &json!(false)));
    assert_eq!(lines[0]["intervals"][0]["protocol"], json!("llhls"));
    for (body, field) in [
        (json!({ "decision": "maybe", "reason": "x" }), "decision"),
        (json!({ "decision": "present", "reason": "  " }), "reason"),
        (json!({ "decision": "present", "reason": "x".repeat(501) }), "reason"),
    ] {
        let answer = class.correct(&class.mentor, &lesson, class.mentee.id, body).await;
        assert_eq!(
            (answer.status, &answer.json["errors"][0]["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field))
        );
    }
    let present = json!({ "decision": "present", "reason": "listrik padam" });
    assert_eq!(
        class.correct(&class.mentee, &lesson, class.mentee.id, present.clone()).await.status,
        StatusCode::FORBIDDEN,
        "nobody corrects their own"
    );
    let answer = class.correct(&class.mentor, &lesson, class.mentee.id, present).await;
    assert_eq!((answer.status, &answer.json["attended"]), (StatusCode::OK, &json!(true)));
    let before = class.stage.repository.last_seq().await.expect("read");
    let absent = json!({ "decision": "absent", "reason": "akun dipinjam" });
    let answer = class.correct(&class.mentor, &lesson, class.mentee.id, absent).await;
    assert_eq!((&answer.json["attended"], &answer.json["decision"]), (&json!(false), &json!("absent")));
    let changes = class.stage.repository.changes(before, 10).await.expect("read");
    assert!(changes.iter().any(|change| change.what.kind == control::ChangeKind::Revoked));
    let nobody = json!({ "decision": "present", "reason": "x" });
    let nobody = class.correct(&class.mentor, &lesson, UserId(Uuid::from_u128(1)), nobody).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_record_comes_in_pages_and_as_csv_that_is_no_formula() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    let mut people = vec![class.stage.enrolled(&class.course, "=1+1@example.test").await];
    for n in 0..4 {
        people.push(class.stage.enrolled(&class.course, &format!("m{n}@example.test")).await);
    }
    for who in &people {
        class.watched(&lesson, who, 12_000).await;
    }
    let path = format!("/api/v1/lessons/{}/attendance", lesson.id);
    let (mut seen, mut cursor) = (HashSet::new(), String::new());
    loop {
        let page = class.stage.get(Some(&class.mentor), &format!("{path}?limit=2{cursor}")).await.json;
        for line in page["items"].as_array().expect("items") {
            assert!(seen.insert(line["user"]["id"].as_str().expect("an id").to_owned()), "nobody twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, people.iter().map(|who| who.id.to_string()).collect());
    let csv = class.stage.get(Some(&class.mentor), &format!("{path}.csv")).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.bytes.starts_with(b"\xef\xbb\xbfuser_id,name,watched_ms,first_at,last_at,decision,attended\r\n"));
    let text = String::from_utf8(csv.bytes.to_vec()).expect("UTF-8");
    assert_eq!(text.lines().count(), 6);
    assert!(text.contains(",'=1+1,12000,") && text.contains(",measured,true"), "{text}");
    assert_eq!(class.stage.get(Some(&class.mentee), &format!("{path}.csv")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_csv_of_a_large_room_has_every_line_once_by_name() {
    let class = class(Stage::new().await).await;
    let lesson = class.live().await;
    let began = lesson.started.expect("live");
    let mut watched = Vec::new();
    // More than are read at once.
    for n in 0..1_050 {
        let who = class.stage.mentee(&format!("murid{:04}@example.test", n * 37 % 1_050)).await;
        watched.push(Interval {
            lesson: lesson.id,
            user: who.id,
            playback: PlaybackId::new(began),
            protocol: Cow::Borrowed("llhls"),
            from: began,
            to: began.plus_millis(1_000),
        });
    }
    class.stage.repository.record(&watched, 10_000, began).await.expect("recorded");
    let csv = class.stage.get(Some(&class.mentor), &format!("/api/v1/lessons/{}/attendance.csv", lesson.id)).await;
    let text = String::from_utf8(csv.bytes.to_vec()).expect("UTF-8");
    let names: Vec<_> = text.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(names, (0..1_050).map(|n| format!("murid{n:04}")).collect::<Vec<_>>());
}

/// Somebody sends, and some watch; how often was asked.
#[derive(Default)]
struct Studio(Mutex<Vec<Watching>>, AtomicUsize);

impl Air for Studio {
    fn on_air(&self, _: Uuid) -> OnAir {
        self.1.fetch_add(1, Ordering::Relaxed);
        OnAir { on_air: true, stalled: false, started: Some(UnixMillis(5_000)), viewers: 1 }
    }

    fn watching(&self, _: Uuid) -> Vec<Watching> {
        self.0.lock().clone()
    }

    fn health(&self, _: Uuid) -> Option<Health> {
        Some(Health {
            protocol: "rtmp",
            since: Some(UnixMillis(4_000)),
            video: Some(VideoHealth {
                codec: "avc1.640028".to_owned(),
                width: 1_280,
                height: 720,
                fps_milli: 29_970,
                bitrate_kbps: 1_500,
                gop_ms: 2_000,
            }),
            audio: Some(AudioHealth { codec: "mp4a.40.2".to_owned(), bitrate_kbps: 128 }),
            warnings: vec!["late"],
        })
    }

    fn end(&self, _: Uuid) {}
}

#[tokio::test]
async fn the_mentor_sees_who_watches_and_how_their_picture_comes_in() {
    let studio = Arc::new(Studio::default());
    let class = class(Stage::with_air(studio.clone()).await).await;
    let lesson = class.live().await;
    let session = |protocol, at| Watching {
        playback: PlaybackId::new(UnixMillis(at)),
        user: class.mentee.id,
        protocol,
        since: UnixMillis(at),
    };
    *studio.0.lock() = vec![session("llhls", 1_000), session("flv", 2_000)];
    let path = |what: &str| format!("/api/v1/lessons/{}/{what}", lesson.id);
    for what in ["viewers", "health"] {
        assert_eq!(class.stage.get(Some(&class.mentee), &path(what)).await.status, StatusCode::FORBIDDEN);
    }
    let viewers = class.stage.get(Some(&class.mentor), &path("viewers")).await.json;
    assert_eq!(viewers["count"], json!(1), "people, not devices");
    assert_eq!(viewers["items"][0]["user"]["name"], json!("mentee"));
    assert_eq!(viewers["items"][1]["protocol"], json!("flv"));
    assert_eq!(viewers["items"][1]["since_at"], json!("1970-01-01T00:00:02.000Z"));
    let health = class.stage.get(Some(&class.mentor), &path("health")).await.json;
    assert_eq!(
        health,
        json!({
            "on_air": true,
            "publisher": { "protocol": "rtmp", "since_at": "1970-01-01T00:00:04.000Z" },
            "video": { "codec": "avc1.640028", "width": 1280, "height": 720, "fps": 29.97, "bitrate_kbps": 1500 },
            "audio": { "codec": "mp4a.40.2", "bitrate_kbps": 128 },
            "warnings": ["late"],
        })
    );
    let played = class.play(&class.mentee, &lesson, "cookie").await;
    assert_eq!(played.json["media_started_at"], json!("1970-01-01T00:00:05.000Z"));
}
