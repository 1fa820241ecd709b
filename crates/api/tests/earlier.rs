//! The change feed, calendars, and the addresses of the systems before.

#[path = "stage/stage.rs"]
mod stage;

use std::sync::Arc;

use control::air::{Air, AudioHealth, Health, OnAir, VideoHealth, Watching};
use control::secrets::{Older, SecretName};
use control::teaching::Enrolling;
use control::{Channel, ChannelOptions, KeyHash, PlaybackId, StreamKey, UserId, Uuid, keys};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use media::UnixMillis;
use serde_json::{Value, json};
use stage::{Actor, Answer, Stage};

#[tokio::test]
async fn the_feed_tells_each_what_they_may_know_and_wakes_who_waits() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let outsider = stage.mentee("luar@example.test").await;
    let start = stage.get(Some(&mentor), "/api/v1/changes").await.json;
    assert_eq!(start["items"], json!([]), "without after, from now on");
    let after = start["last_seq"].as_i64().expect("a number");
    let hidden = stage.course(&mentor, Enrolling::Invitation).await;
    let lesson = stage.lesson(&hidden, 60_000).await;
    let read = async |who: Option<&Actor>| stage.get(who, &format!("/api/v1/changes?after={after}")).await.json;
    let told = read(Some(&mentor)).await;
    let kinds: Vec<_> = told["items"].as_array().expect("items").iter().map(|item| item["kind"].clone()).collect();
    assert_eq!(kinds, [json!("course"), json!("lesson_scheduled")]);
    assert_eq!(told["items"][1]["lesson_id"], lesson.id.to_string());
    assert!(told["items"][1]["at"].as_str().expect("a time").ends_with('Z'));
    for nobody in [None, Some(&outsider)] {
        let told_nothing = read(nobody).await;
        assert_eq!((&told_nothing["items"], &told_nothing["last_seq"]), (&json!([]), &told["last_seq"]));
    }
    let last = told["last_seq"].as_i64().expect("a number");
    let path = format!("/api/v1/changes?after={last}&wait_s=30");
    let waiting = stage.get(Some(&mentor), &path);
    let acting = async {
        // Somebody else's change wakes nobody's answer; the next one does.
        stage.mentee("lagi@example.test").await;
        stage.repository.cancel_lesson(lesson.id, "sakit", stage.state.now()).await.expect("cancelled");
    };
    let (answer, ()) = tokio::join!(waiting, acting);
    let item = &answer.json["items"][0];
    assert_eq!((&item["kind"], &item["reason"]), (&json!("lesson_cancelled"), &json!("sakit")));
    for wrong in ["after=-1", "wait_s=31", "after=x"] {
        let answer = stage.get(None, &format!("/api/v1/changes?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    stage.state.stop.cancel();
    let stopped = stage.get(None, "/api/v1/changes?after=1000000&wait_s=30").await;
    assert_eq!(stopped.json["items"], json!([]), "a server that stops lets nobody wait");
}

#[tokio::test]
async fn who_was_away_for_longer_than_changes_are_kept_is_told_to_begin_anew() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let lesson = stage.lesson(&course, 60_000).await;
    let repository = &stage.repository;
    let (from, last) = (repository.planned().await.expect("read"), repository.last_seq().await.expect("read"));
    let to = control::notices::Place { seq: last, within: None };
    let plan = control::notices::Plan { from, to, notices: Vec::new(), calls: Vec::new() };
    assert!(repository.plan(&plan).await.expect("planned"));
    api::chores::forget(&stage.state).await;
    let behind = async |after: i64| stage.get(Some(&mentor), &format!("/api/v1/changes?after={after}")).await;
    assert_eq!(behind(0).await.status, StatusCode::OK, "a month has not passed");
    repository.forget_changes(UnixMillis(i64::MAX), 1_000).await.expect("forgotten");
    let away = behind(0).await;
    assert_eq!((away.status, &away.json["type"]), (StatusCode::GONE, &json!("/problems/too-long-ago")));
    let near = behind(last.0 - 1).await.json;
    assert_eq!((&near["last_seq"], &near["items"][0]["lesson_id"]), (&json!(last.0), &json!(lesson.id.to_string())));
    assert_eq!(stage.get(Some(&mentor), "/api/v1/changes").await.json["last_seq"], json!(last.0));
}

#[tokio::test]
async fn the_feed_as_events_goes_on_where_it_broke_and_ends_with_the_server() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    stage.lesson(&course, 60_000).await;
    let last = stage.repository.last_seq().await.expect("read").0;
    let request = Request::get("/api/v1/changes?after=0")
        .header("accept", "text/event-stream")
        .header("last-event-id", (last - 1).to_string())
        .body(Full::default())
        .expect("a request");
    let stop = stage.state.stop.clone();
    let reading = stage.send(request);
    let stopping = async {
        stage.repository.version().await.expect("read");
        stop.cancel();
    };
    let (answer, ()) = tokio::join!(reading, stopping);
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(answer.bytes.to_vec()).expect("text");
    assert_eq!(text.matches("event: change").count(), 1, "{text}");
    assert!(text.contains(&format!("id: {last}")) && text.contains("\"kind\":\"lesson_scheduled\""), "{text}");
}

#[tokio::test]
async fn a_calendar_is_read_by_its_address_until_it_is_withdrawn() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Invitation).await;
    let mentee = stage.enrolled(&course, "dalam@example.test").await;
    let (one, off) = (stage.lesson(&course, 60_000).await, stage.lesson(&course, 7_200_000).await);
    stage.repository.cancel_lesson(off.id, "", stage.state.now()).await.expect("cancelled");
    let address = async || {
        let url = stage.get(Some(&mentee), "/api/v1/me/calendar").await.json["url"].as_str().expect("url").to_owned();
        url.strip_prefix("https://tayang.test").expect("ours").to_owned()
    };
    let path = address().await;
    assert_eq!(address().await, path, "it stays");
    let answer = stage.get(None, &path).await;
    assert_eq!(answer.headers["content-type"], "text/calendar; charset=utf-8");
    let text = String::from_utf8(answer.bytes.to_vec()).expect("text");
    let events = events(&text);
    assert_eq!(events.len(), 2);
    let value = |event: &[(String, String)], name: &str| {
        event.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(value(&events[0], "UID"), format!("{}@lesson.tayang", one.id));
    assert_eq!(
        (value(&events[0], "SUMMARY"), value(&events[0], "SEQUENCE")),
        ("Gerak lurus".to_owned(), "1".to_owned())
    );
    assert_eq!(
        (value(&events[0], "STATUS"), value(&events[0], "TRIGGER")),
        ("CONFIRMED".to_owned(), "-PT15M".to_owned())
    );
    assert_eq!((value(&events[1], "STATUS"), value(&events[1], "SEQUENCE")), ("CANCELLED".to_owned(), "2".to_owned()));
    assert_eq!(value(&events[1], "TRIGGER"), "", "nobody is woken for what is off");
    assert!(value(&events[0], "DESCRIPTION").starts_with("Fisika dasar · mentor\\n"));
    for odd in ["/calendar/x.ics", "/calendar/", &path.replace(".ics", ""), &path.replace(".ics", "A.ics")] {
        assert_eq!(stage.get(None, odd).await.status, StatusCode::NOT_FOUND, "{odd}");
    }
    assert_eq!(stage.ask(None, Method::DELETE, "/api/v1/me/calendar", None).await.status, StatusCode::UNAUTHORIZED);
    let withdrawn = stage.ask(Some(&mentee), Method::DELETE, "/api/v1/me/calendar", None).await;
    assert_eq!(withdrawn.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.get(None, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.get(None, &address().await).await.status, StatusCode::OK, "another one");
}

/// The events of a calendar, read strictly: each line ends in CR LF, none is longer than 75 bytes, each begins and ends
/// what it says, and each event has what RFC 5545 section 3.6.1 requires once.
fn events(text: &str) -> Vec<Vec<(String, String)>> {
    assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
    assert!(text.split("\r\n").all(|line| line.len() <= 75));
    let unfolded = text.replace("\r\n ", "");
    let (mut open, mut found): (Vec<String>, Vec<Vec<(String, String)>>) = (Vec::new(), Vec::new());
    for line in unfolded.trim_end().split("\r\n") {
        let (name, value) = line.split_once(':').expect("a name and a value");
        match name {
            "BEGIN" => {
                if value == "VEVENT" {
                    assert_eq!(open, ["VCALENDAR"]);
                    found.push(Vec::new());
                }
                open.push(value.to_owned());
            }
            "END" => assert_eq!(open.pop().as_deref(), Some(value)),
            _ if open.iter().any(|part| part == "VEVENT") => {
                let in_alarm = open.last().is_some_and(|part| part == "VALARM");
                let name = if in_alarm && name == "DESCRIPTION" { "ALARM-DESCRIPTION" } else { name };
                found.last_mut().expect("an event").push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    assert!(open.is_empty());
    for event in &found {
        for required in ["UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "SUMMARY"] {
            assert_eq!(event.iter().filter(|(name, _)| name == required).count(), 1, "{required}");
        }
    }
    found
}

#[tokio::test]
async fn a_session_is_scheduled_as_json_or_form_with_or_without_a_slash() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let mentee = stage.mentee("luar@example.test").await;
    let now = stage.state.now();
    let body = |minutes: i64| json!({"title": "Gerak", "description": "Bab 1", "start_time": now.plus_millis(minutes * 60_000).to_string()});
    let none = stage.post(Some(&mentor), "/livestream/", body(60)).await;
    assert_eq!((none.status.as_u16(), &none.json["errors"][0]["field"]), (422, &json!("course_id")), "no course yet");
    let first = stage.course(&mentor, Enrolling::Open).await;
    // The newest is meant where none is named, and a millisecond makes one newer.
    while stage.state.now() <= first.created {
        tokio::task::yield_now().await;
    }
    let course = stage.course(&mentor, Enrolling::Open).await;
    let set = stage.post(Some(&mentor), "/livestream/", body(60)).await;
    assert_eq!((set.status.as_u16(), &set.json["status"]), (201, &json!("scheduled")), "{}", set.json);
    assert_eq!(set.json["end_time"], now.plus_millis(120 * 60_000).to_string(), "an hour");
    assert!(set.json["message"].as_str().expect("text").contains("told"));
    let form = format!(
        "name=Gaya+dan+gerak&course={}&starts_at={}&duration=30&timezone=Asia%2FMakassar&mentor_id={}",
        course.id,
        now.plus_millis(180 * 60_000),
        mentor.id
    );
    let send = async |form: String| {
        let request = Request::post("/livestream")
            .header("authorization", format!("Bearer {}", mentor.token))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(form))
            .expect("a request");
        stage.send(request).await
    };
    let by_form = send(form.clone()).await;
    assert_eq!((by_form.status.as_u16(), &by_form.json["title"]), (201, &json!("Gaya dan gerak")), "{}", by_form.json);
    assert_eq!(by_form.json["end_time"], now.plus_millis(210 * 60_000).to_string());
    let others = send(form.replace(&mentor.id.to_string(), &mentee.id.to_string())).await;
    assert_eq!(others.status, StatusCode::FORBIDDEN, "another mentor's");
    assert_eq!(stage.post(None, "/livestream/", body(300)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stage.post(Some(&mentee), "/livestream/", body(300)).await.status, StatusCode::FORBIDDEN);
    let mut untimed = body(300);
    untimed["start_time"] = Value::Null;
    let untimed = stage.post(Some(&mentor), "/livestream/", untimed).await;
    assert_eq!(untimed.json["errors"][0]["field"], "start_time");
    let url = set.json["url"].as_str().expect("url").strip_prefix("https://tayang.test").expect("ours").to_owned();
    let live = stage.get(Some(&mentee), &url).await.json;
    assert_eq!((&live["live_url"], &live["recorded_url"]), (&Value::Null, &Value::Null), "not enrolled");
    stage.enrol(&course, &mentee).await;
    let live = stage.get(Some(&mentee), url.trim_end_matches('/')).await.json;
    assert!(live["live_url"].as_str().expect("enrolled").starts_with("https://tayang.test/lesson/l-"));
    assert_eq!((&live["mentor"]["name"], &live["course"]["id"]), (&json!("mentor"), &json!(course.id.to_string())));
}

#[tokio::test]
async fn a_recording_is_asked_for_by_operators_and_the_hook_and_seen_by_whom_it_plays_for() {
    let stage = Stage::new().await;
    let (mentor, mentee) = (stage.mentor("mentor@example.test").await, stage.mentee("luar@example.test").await);
    let operator = stage.operator("operator@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let lesson = stage.lesson(&course, 60_000).await;
    let path = media::ChannelPath { app: "aula".parse().expect("app"), name: "fisika".parse().expect("name") };
    let options = ChannelOptions { record: false, public: true, legacy_md5: false };
    let room = Channel::create(path, &options, stage.state.now());
    let (key, _) = StreamKey::create(room.id, "", stage.state.now());
    stage.repository.create_channel(&room, &key).await.expect("created");
    for (who, status) in [(None, 401), (Some(&mentor), 403), (Some(&operator), 202)] {
        for query in ["appName=aula", "app=aula"] {
            let answer = stage.ask(who, Method::POST, &format!("/store-live?{query}"), None).await;
            assert_eq!(answer.status.as_u16(), status, "{query}");
        }
    }
    let hooked = |secret: &str| {
        let request = Request::post("/store-live/?appName=aula/fisika");
        request.header("authorization", format!("Bearer {secret}")).body(Full::default()).expect("a request")
    };
    assert_eq!(stage.send(hooked("rahasia-kait")).await.json["channels"], json!([room.id.to_string()]));
    assert_eq!(stage.send(hooked("rahasia")).await.status, StatusCode::UNAUTHORIZED);
    assert!(stage.repository.channel(&room.path).await.expect("read").expect("there").record, "marked");
    let none = stage.ask(Some(&operator), Method::POST, "/store-live?app=tidak-ada", None).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let lessons_path = control::teaching::lessons::channel_of(lesson.id, UnixMillis(1)).path;
    for (channel, path) in [(room.id, room.path.clone()), (lesson.channel, lessons_path.clone())] {
        let recording = recording(7, channel, path);
        stage.repository.put_recording(&recording).await.expect("kept");
    }
    let seen = async |who: &Actor, word: &str| {
        let answer = stage.get(Some(who), &format!("/store-live?appName={word}")).await;
        answer.json["items"].as_array().expect("items").len()
    };
    assert_eq!(
        (seen(&mentor, "lesson").await, seen(&mentee, "lesson").await, seen(&operator, "lesson").await),
        (1, 0, 0)
    );
    assert_eq!((seen(&mentor, "aula").await, seen(&mentee, "fisika").await), (1, 1), "anyone may play it");
    let item = stage.get(Some(&mentee), "/store-live/?app=aula").await.json["items"][0].clone();
    assert_eq!((&item["path"], &item["state"]), (&json!("aula/fisika/7/recording.mp4"), &json!("ready")));
    assert_eq!(stage.get(None, "/store-live?app=aula").await.status, StatusCode::UNAUTHORIZED);
    stage.repository.put_recording(&recording(8, room.id, room.path.clone())).await.expect("kept");
    let first = stage.get(Some(&mentee), "/store-live?app=aula&limit=1").await.json;
    let cursor = first["next_cursor"].as_str().expect("there is one more");
    let second = stage.get(Some(&mentee), &format!("/store-live?app=aula&limit=1&cursor={cursor}")).await.json;
    let paths = [&first["items"][0]["path"], &second["items"][0]["path"], &second["next_cursor"]];
    assert_eq!(paths, [&json!("aula/fisika/8/recording.mp4"), &json!("aula/fisika/7/recording.mp4"), &Value::Null]);
    assert_eq!(stage.get(Some(&mentee), "/store-live").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

fn recording(stream: u64, channel: Uuid, path: media::ChannelPath) -> control::Recording {
    control::Recording {
        id: media::StreamId(stream),
        channel,
        path,
        started: UnixMillis(1_000),
        duration_ms: 5,
        bytes: 6,
        next_msn: 1,
        state: control::RecordingState::Ready,
    }
}

#[tokio::test]
async fn a_reaction_and_a_comment_are_sent_and_read_at_one_address() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let (lesson, mentee) = (stage.lesson(&course, 60_000).await, stage.enrolled(&course, "dalam@example.test").await);
    let outsider = stage.mentee("luar@example.test").await;
    let path = format!("/mentor/{}/live/{}/reaction", mentor.id, lesson.id);
    let said = stage.post(Some(&mentee), &path, json!({"comment": "Halo"})).await;
    assert_eq!((said.status.as_u16(), &said.json["comment"]["seq"]), (201, &json!(1)), "{}", said.json);
    let reacted = stage.post(Some(&mentee), &format!("{path}/"), json!({"reaction": "hati"})).await;
    assert_eq!(reacted.status, StatusCode::CREATED, "{}", reacted.json);
    use control::room::{ReactionCount, ReactionKind};
    for (media_ms, kind, count) in
        [(0, ReactionKind::Tawa, 3), (5_000, ReactionKind::Tawa, 4), (5_000, ReactionKind::Hati, 2)]
    {
        let counted = ReactionCount { media_ms, kind, count };
        stage.repository.add_reactions(lesson.id, &[counted]).await.expect("added");
    }
    let read = stage.get(Some(&mentee), &path).await.json;
    assert_eq!(read["comments"][0]["body"], "Halo", "{read}");
    assert_eq!(read["reactions"]["tawa"], 7, "summed over the lesson: {read}");
    let shown = read["reactions"].as_object().expect("by kind");
    assert!(shown.contains_key("hati") && !shown.contains_key("kaget"), "none of which there is nothing: {read}");
    let nothing = stage.post(Some(&mentee), &path, json!({})).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stage.post(Some(&outsider), &path, json!({"comment": "Halo"})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(stage.get(None, &path).await.status, StatusCode::UNAUTHORIZED);
    let others = format!("/mentor/{}/live/{}/reaction", mentee.id, lesson.id);
    assert_eq!(stage.get(Some(&mentee), &others).await.status, StatusCode::NOT_FOUND);
}

/// One channel is on air with one viewer.
struct OneOnAir(parking_lot::Mutex<Option<Uuid>>);

impl Air for OneOnAir {
    fn on_air(&self, channel: Uuid) -> OnAir {
        let on_air = *self.0.lock() == Some(channel);
        OnAir { on_air, started: on_air.then_some(UnixMillis(7_000)), viewers: u32::from(on_air), ..OnAir::default() }
    }

    fn watching(&self, _: Uuid) -> Vec<Watching> {
        let (playback, user) = (PlaybackId(Uuid::nil()), UserId(Uuid::nil()));
        vec![Watching { playback, user, protocol: "http-flv", since: UnixMillis(9_000) }]
    }

    fn health(&self, _: Uuid) -> Option<Health> {
        Some(Health {
            video: Some(VideoHealth { bitrate_kbps: 2_500, ..VideoHealth::default() }),
            audio: Some(AudioHealth { bitrate_kbps: 128, ..AudioHealth::default() }),
            ..Health::default()
        })
    }

    fn end(&self, _: Uuid) {}
}

#[tokio::test]
async fn livegos_addresses_answer_operators_in_its_envelope() {
    let air = Arc::new(OneOnAir(parking_lot::Mutex::new(None)));
    let stage = Stage::with_air(air.clone()).await;
    let operator = stage.operator("operator@example.test").await;
    let mentor = stage.mentor("mentor@example.test").await;
    let all =
        ["control/get?room=r", "control/reset?room=r", "control/delete?room=r", "control/push?x=1", "control/pull?x=1"];
    for path in all.into_iter().chain(["stat/livestat?room=live/r", "streams?x=1"]) {
        for who in [None, Some(&mentor)] {
            let answer = stage.get(who, &format!("/{path}")).await;
            assert_eq!((answer.status.as_u16(), &answer.json["status"]), (403, &json!(403)), "{path}");
        }
        let by_cookie = Request::get(format!("/{path}")).header("cookie", format!("tayang_session={}", operator.token));
        let answer = stage.send(by_cookie.body(Full::default()).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let get = async |path: &str| -> Answer { stage.get(Some(&operator), path).await };
    let key = get("/control/get?room=aula").await.json;
    assert_eq!((key["status"].as_u64(), key.as_object().map(serde_json::Map::len)), (Some(200), Some(2)));
    let key = key["data"].as_str().expect("a key").to_owned();
    assert_eq!(key.len(), keys::KEY_LENGTH);
    assert_eq!(get("/control/get?room=aula").await.json["data"], key, "the same again");
    assert_eq!(get("/control/get/?room=aula").await.json["data"], key, "with a slash at the end");
    for path in ["control/reset/", "control/delete/", "control/push/", "control/pull/", "stat/livestat/", "streams/"] {
        assert_eq!(stage.get(None, &format!("/{path}")).await.json["status"], 403, "{path}");
    }
    let (now, livego) = (stage.state.now(), SecretName::Livego);
    assert_eq!(stage.repository.rotate_secret(livego, &keys::generate(), now).await.expect("rotated"), 2);
    assert_eq!(get("/control/get?room=aula").await.json["data"], key, "made by a secret that stands");
    let by_next = get("/control/get?room=baru").await.json["data"].clone();
    assert_eq!(stage.repository.retire_secrets(livego, Older::All, now).await.expect("retired"), [1]);
    assert_eq!(get("/control/get?room=baru").await.json["data"], by_next, "made by the newer one");
    let other = get("/control/get?room=aula").await.json["data"].as_str().expect("a key").to_owned();
    assert_ne!(other, key, "it cannot be made again");
    let key = other;
    let by_jwt = format!("/control/get?room=aula&jwt={}", operator.token);
    assert_eq!(stage.post(None, &by_jwt, json!({})).await.json["data"], key, "by any method");
    let path = "live/aula"
        .split_once('/')
        .map(|(app, name)| media::ChannelPath { app: app.parse().expect("app"), name: name.parse().expect("name") });
    let path = path.expect("a path");
    let channel = stage.repository.channel(&path).await.expect("read").expect("made");
    let new = get("/control/reset?room=aula").await.json["data"].as_str().expect("a key").to_owned();
    assert_ne!(new, key);
    let kept = stage.repository.keys(channel.id).await.expect("read");
    let standing: Vec<_> = kept.iter().filter(|key| key.revoked_at.is_none()).map(|key| key.hash).collect();
    assert_eq!(standing, [KeyHash::of(&new)], "the one before is refused");
    for (room, status) in [("", 400), ("a b", 400), ("watch", 400), ("lesson/l-1", 404)] {
        let room: String = url_encoded(room);
        assert_eq!(get(&format!("/control/get?room={room}")).await.json["status"], status, "{room}");
    }
    assert_eq!(get("/stat/livestat?room=live/aula").await.json["status"], 404, "not live");
    *air.0.lock() = Some(channel.id);
    let stat = get("/stat/livestat?room=aula").await.json;
    let publisher = &stat["data"]["publishers"][0];
    assert_eq!((&publisher["key"], &publisher["video_speed"]), (&json!("live/aula"), &json!(2_500)));
    assert_eq!((&publisher["audio_speed"], &publisher["stream_id"]), (&json!(128), &json!(7)));
    assert_eq!(stat["data"]["players"].as_array().map(Vec::len), Some(1));
    let streams = get("/streams").await;
    assert_eq!(streams.json["data"]["publishers"], json!([{"key": "live/aula", "id": channel.id.to_string()}]));
    assert!(!String::from_utf8_lossy(&streams.bytes).contains(&new), "no key is shown");
    assert_eq!(get("/control/delete?room=aula").await.json, json!({"status": 200, "data": "Ok"}));
    let gone = get("/control/delete?room=aula").await;
    assert_eq!((gone.status.as_u16(), &gone.json), (404, &json!({"status": 404, "data": "room not found"})));
}

#[tokio::test]
async fn livegos_relays_are_started_and_stopped_by_name_or_key_and_repeat_no_secret() {
    let stage = Stage::new().await;
    let operator = stage.operator("operator@example.test").await;
    let get = async |path: &str| -> (u64, String) {
        let answer = stage.get(Some(&operator), path).await;
        let status = answer.json["status"].as_u64().expect("a status");
        assert_eq!(u64::from(answer.status.as_u16()), status);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("rahasia"), "an address was repeated: {path}");
        (status, answer.json["data"].as_str().expect("text").to_owned())
    };
    let ok = (200, "Ok".to_owned());
    let (_, key) = get("/control/get?room=aula").await;
    let there = "rtmps://tujuan.example/app/rahasia?token=rahasia%26b=1";
    for (relay, other) in [("push", "pull"), ("pull", "push")] {
        let kept = async || stage.repository.relays().await.expect("read");
        let ask =
            |oper: &str, name: &str, url: &str| format!("/control/{relay}?oper={oper}&app=live&name={name}&url={url}");
        assert_eq!(get(&ask("stop", "aula", there)).await, (404, "relay not found".to_owned()));
        assert_eq!(get(&ask("start", "aula", there)).await, ok);
        assert_eq!(get(&ask("start", "aula", there)).await, ok, "again is the same one");
        assert_eq!(get(&ask("start", &key, there)).await, ok, "and so it is by key");
        let [one] = &kept().await[..] else { panic!("one relay: {:?}", kept().await) };
        assert_eq!((one.direction.as_str(), one.url.to_string().as_str()), (relay, "tujuan.example/app"));
        assert_eq!(one.url.name.0, "rahasia?token=rahasia&b=1", "the query is part of the name");
        let elsewhere = format!("/control/{other}?oper=stop&app=live&name=aula&url={there}");
        assert_eq!(get(&elsewhere).await.0, 404, "the other direction is another relay");
        for (room, url, status, said) in [
            ("tiada", there, 404, "room not found"),
            ("", there, 400, "name is missing"),
            ("aula", "", 400, "url is missing"),
            ("aula", "http://tujuan.example/app/rahasia", 400, "url must begin with rtmp:// or rtmps://"),
            ("aula", "rahasia", 400, "url must begin with rtmp:// or rtmps://"),
            ("aula", "rtmp:///app/rahasia", 400, "url names no host: write rtmp://host/app/name"),
            ("aula", "rtmp://tujuan.example", 400, "url names no application: write rtmp://host/app/name"),
            ("aula", "rtmp://tujuan.example/rahasia", 400, "url names no stream: write rtmp://host/app/name"),
            ("aula", "rtmp://saya:rahasia@tujuan/app/n", 400, "url must hold no user name and no password"),
        ] {
            assert_eq!(get(&ask("start", room, url)).await, (status, said.to_owned()), "{room} {url}");
        }
        let long = ask("start", "aula", &format!("rtmp://tujuan.example/app/rahasia{}", "x".repeat(1_024)));
        assert_eq!(get(&long).await, (400, "url is longer than 1024 bytes".to_owned()));
        assert_eq!(get(&ask("restart", "aula", there)).await, (400, "oper must be start or stop".to_owned()));
        let lesson = format!("/control/{relay}?oper=start&app=lesson&name=l-1&url={there}");
        assert_eq!(get(&lesson).await, (404, "room not found".to_owned()), "who watches a lesson is decided elsewhere");
        assert_eq!(kept().await.len(), 1, "nothing that was refused is kept");
        let stop = ask("stop", &key, there);
        assert_eq!(stage.get(None, &stop).await.status, StatusCode::FORBIDDEN);
        assert_eq!((get(&stop).await, get(&stop).await.0), (ok.clone(), 404));
        assert_eq!(kept().await, []);
    }
    get("/control/reset?room=aula").await;
    let revoked = format!("/control/push?oper=start&app=live&name={key}&url={there}");
    assert_eq!(get(&revoked).await.0, 404, "a key that was revoked names nothing");
    let lines = stage.get(Some(&operator), "/api/v1/audit?action=relay_started").await;
    let lines = lines.json["items"].clone();
    assert_eq!(lines.as_array().map(Vec::len), Some(2));
    assert!(lines[0]["actor_id"].is_string() && lines.to_string().contains("push tujuan.example/app"), "{lines}");
    assert!(!lines.to_string().contains("rahasia"), "{lines}");
}

fn url_encoded(text: &str) -> String {
    text.replace(' ', "%20")
}
