//! Notices, devices and webhooks over HTTP.

#[path = "../../store/tests/repository/school.rs"]
mod school;
#[path = "stage/stage.rs"]
mod stage;

use std::sync::Arc;

use control::notices::TOMORROW_MS;
use events::planner::Planner;
use http::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, Method, Request, StatusCode};
use http_body_util::Full;
use school::School;
use serde_json::{Value, json};
use stage::{Actor, Answer, Stage};

/// The example of RFC 8291 section 5.
const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

async fn with_header(
    stage: &Stage,
    who: &Actor,
    method: Method,
    path: &str,
    header: (HeaderName, &str),
    body: Value,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(AUTHORIZATION, format!("Bearer {}", who.token))
        .header(CONTENT_TYPE, "application/json")
        .header(header.0, header.1);
    stage.send(request.body(Full::new(body.to_string().into())).expect("a request")).await
}

#[tokio::test]
async fn notices_are_listed_in_the_readers_language_and_read() {
    let stage = Stage::new().await;
    let mentee = stage.mentee("satu@example.test").await;
    let stranger = stage.mentee("dua@example.test").await;
    let now = stage.state.now();
    let school = School::with(&*stage.repository, 0, now).await;
    stage.repository.enrol(school.course, mentee.id, None, now).await.expect("enrolled");
    for n in 0..3 {
        school.lesson(&*stage.repository, now.plus_millis((7 + n) * TOMORROW_MS), now).await;
    }
    let mut planner = Planner::new(stage.repository.clone(), Arc::default());
    // Each at a time of its own, as ids are ordered by it.
    for n in 0.. {
        if !planner.step(now.plus_millis(n)).await.expect("planned") {
            break;
        }
    }
    assert_eq!(stage.get(None, "/api/v1/notices").await.status, StatusCode::UNAUTHORIZED);
    let first = stage.get(Some(&mentee), "/api/v1/notices?limit=2").await;
    assert_eq!(first.status, StatusCode::OK);
    let items = first.json["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["kind"], &items[0]["title"]), (&json!("lesson_scheduled"), &json!("Pelajaran baru")));
    assert_eq!(items[0]["lesson"]["title"], "Gerak lurus");
    assert!(items[0]["body"].as_str().is_some_and(|body| body.contains("WIB")), "{}", items[0]);
    assert_eq!(items[0]["read_at"], Value::Null);
    let cursor = first.json["next_cursor"].as_str().expect("more");
    let second = stage.get(Some(&mentee), &format!("/api/v1/notices?limit=2&cursor={cursor}")).await;
    assert_eq!((second.json["items"].as_array().map(Vec::len), &second.json["next_cursor"]), (Some(1), &Value::Null));
    let until = json!({ "until_id": items[1]["id"] });
    let foreign = stage.post(Some(&stranger), "/api/v1/notices/read", until.clone()).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.post(Some(&mentee), "/api/v1/notices/read", until).await.status, StatusCode::NO_CONTENT);
    let all = stage.get(Some(&mentee), "/api/v1/notices").await;
    let read: Vec<bool> =
        all.json["items"].as_array().expect("a list").iter().map(|n| n["read_at"].is_string()).collect();
    assert_eq!(read, [false, true, true]);
    assert_eq!(stage.get(Some(&stranger), "/api/v1/notices").await.json["items"], json!([]));
}

#[tokio::test]
async fn settings_are_changed_by_who_has_seen_them() {
    let stage = Stage::new().await;
    let mentee = stage.mentee("satu@example.test").await;
    let path = "/api/v1/me/notice-settings";
    let fresh = stage.get(Some(&mentee), path).await;
    let none = json!({ "push_on": true, "email_on": true, "muted_kinds": [], "quiet_from": null, "quiet_until": null });
    assert_eq!((fresh.status, &fresh.json), (StatusCode::OK, &none));
    let tag = fresh.headers["etag"].to_str().expect("text");
    let known = with_header(&stage, &mentee, Method::GET, path, (IF_NONE_MATCH, tag), json!({})).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let change = json!({ "email_on": false, "muted_kinds": ["lesson_soon", "lesson_soon"], "quiet_from": "22:00", "quiet_until": "05:30" });
    let changed = with_header(&stage, &mentee, Method::PATCH, path, (IF_MATCH, tag), change.clone()).await;
    let expected = json!({ "push_on": true, "email_on": false, "muted_kinds": ["lesson_soon"], "quiet_from": "22:00", "quiet_until": "05:30" });
    assert_eq!((changed.status, &changed.json), (StatusCode::OK, &expected));
    let late = with_header(&stage, &mentee, Method::PATCH, path, (IF_MATCH, tag), change).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    let quiet_over = json!({ "quiet_from": null, "quiet_until": null });
    let loud = stage.ask(Some(&mentee), Method::PATCH, path, Some(quiet_over)).await;
    assert_eq!((&loud.json["quiet_from"], &loud.json["email_on"]), (&Value::Null, &json!(false)));
    for wrong in [
        json!({ "quiet_from": "22:00" }),
        json!({ "quiet_until": "22:00" }),
        json!({ "quiet_from": "22:00", "quiet_until": "22:00" }),
        json!({ "quiet_from": "24:00", "quiet_until": "5:00" }),
        json!({ "muted_kinds": ["revoked"] }),
        json!({ "push": true }),
    ] {
        let answer = stage.ask(Some(&mentee), Method::PATCH, path, Some(wrong.clone())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_device_subscribes_with_keys_of_a_browser_at_a_public_address() {
    let stage = Stage::new().await;
    let mentee = stage.mentee("satu@example.test").await;
    let other = stage.mentee("dua@example.test").await;
    let key = stage.get(None, "/api/v1/push/key").await;
    assert_eq!(key.json["public_key"].as_str().map(str::len), Some(87));
    assert_eq!(stage.get(None, "/api/v1/push/key").await.json, key.json, "the same for everybody");
    let path = "/api/v1/me/push-subscriptions";
    let body = |endpoint: &str, p256dh: &str, auth: &str| json!({ "endpoint": endpoint, "expirationTime": null, "keys": { "p256dh": p256dh, "auth": auth } });
    let good = body("https://push.example.com/abc", P256DH, AUTH);
    assert_eq!(stage.post(None, path, good.clone()).await.status, StatusCode::UNAUTHORIZED);
    let made = stage.post(Some(&mentee), path, good.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(stage.post(Some(&mentee), path, good).await.json["id"], made.json["id"]);
    for (wrong, field) in [
        (body("http://push.example.com/abc", P256DH, AUTH), "endpoint"),
        (body("https://127.0.0.1/abc", P256DH, AUTH), "endpoint"),
        (body("https://push.example.com/abc", &P256DH[..80], AUTH), "keys.p256dh"),
        (body("https://push.example.com/abc", &format!("BB{}", &P256DH[2..]), AUTH), "keys.p256dh"),
        (body("https://push.example.com/abc", P256DH, "abc"), "keys.auth"),
    ] {
        let answer = stage.post(Some(&mentee), path, wrong).await;
        assert_eq!(
            (answer.status, &answer.json["errors"][0]["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field))
        );
    }
    let one = format!("{path}/{}", made.json["id"].as_str().expect("an id"));
    assert_eq!(stage.ask(Some(&other), Method::DELETE, &one, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.ask(Some(&mentee), Method::DELETE, &one, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.ask(Some(&mentee), Method::DELETE, &one, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_webhooks_secret_is_shown_once_and_only_its_owner_has_it() {
    let stage = Stage::new().await;
    let (mentor, other) = (stage.mentor("a@example.test").await, stage.mentor("b@example.test").await);
    let mentee = stage.mentee("satu@example.test").await;
    let path = "/api/v1/webhooks";
    let new = json!({ "url": "https://hook.example.com/x", "kinds": ["lesson_started"] });
    assert_eq!(stage.post(Some(&mentee), path, new.clone()).await.status, StatusCode::FORBIDDEN);
    let made = stage.post(Some(&mentor), path, new.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json["secret"].as_str().map(str::len), Some(48));
    let one = format!("{path}/{}", made.json["id"].as_str().expect("an id"));
    let shown = stage.get(Some(&mentor), &one).await;
    assert_eq!((shown.status, shown.json.get("secret")), (StatusCode::OK, None));
    assert_eq!(stage.get(Some(&mentor), path).await.json["items"][0].get("secret"), None);
    assert_eq!(stage.get(Some(&other), &one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.get(Some(&other), path).await.json["items"], json!([]));
    let tag = shown.headers["etag"].to_str().expect("text");
    let off = json!({ "disabled": true, "kinds": [] });
    let changed = with_header(&stage, &mentor, Method::PATCH, &one, (IF_MATCH, tag), off.clone()).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert!(changed.json["disabled_at"].is_string() && changed.json["kinds"] == json!([]), "{}", changed.json);
    let late = with_header(&stage, &mentor, Method::PATCH, &one, (IF_MATCH, tag), off).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    for wrong in [
        json!({ "url": "http://hook.example.com/" }),
        json!({ "url": "https://10.0.0.1/" }),
        json!({ "url": "https://hook.example.com/", "kinds": ["revoked"] }),
    ] {
        let answer = stage.post(Some(&mentor), path, wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for _ in 1..20 {
        assert_eq!(stage.post(Some(&mentor), path, new.clone()).await.status, StatusCode::CREATED);
    }
    let too_many = stage.post(Some(&mentor), path, new).await;
    assert_eq!((too_many.status, &too_many.json["type"]), (StatusCode::CONFLICT, &json!("/problems/too-many")));
    assert_eq!(stage.ask(Some(&other), Method::DELETE, &one, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.ask(Some(&mentor), Method::DELETE, &one, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.get(Some(&mentor), &one).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_sent_to_a_webhook_is_listed_and_replayed() {
    let stage = Stage::new().await;
    let operator = stage.operator("op@example.test").await;
    let new = json!({ "url": "https://hook.example.com/x", "kinds": [] });
    let made = stage.post(Some(&operator), "/api/v1/webhooks", new).await;
    let now = stage.state.now();
    let school = School::with(&*stage.repository, 0, now).await;
    school.lesson(&*stage.repository, now.plus_millis(7 * TOMORROW_MS), now).await;
    let mut planner = Planner::new(stage.repository.clone(), Arc::default());
    while planner.step(now).await.expect("planned") {}
    let path = format!("/api/v1/webhooks/{}/deliveries", made.json["id"].as_str().expect("an id"));
    let listed = stage.get(Some(&operator), &path).await;
    let delivery = listed.json["items"][0].clone();
    assert_eq!((&delivery["kind"], &delivery["state"]), (&json!("lesson_scheduled"), &json!("waiting")));
    assert_eq!(stage.get(Some(&operator), &format!("{path}?state=dead")).await.json["items"], json!([]));
    let wrong = stage.get(Some(&operator), &format!("{path}?state=lost")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let replay = format!("{path}/{}/replay", delivery["id"].as_str().expect("an id"));
    assert_eq!(stage.post(Some(&operator), &replay, json!({})).await.status, StatusCode::CONFLICT);
    let lease = control::keys::random_id();
    let taken = stage
        .repository
        .claim(lease, now, now.plus_millis(1_000), control::deliveries::Room { all: 1, webhooks: 1, mails: 1 })
        .await
        .expect("taken")
        .remove(0);
    let dead = control::deliveries::Verdict::Dead("it answered 500".to_owned());
    stage.repository.settle(taken.what.id, lease, &dead, now).await.expect("said");
    let listed = stage.get(Some(&operator), &format!("{path}?state=dead")).await;
    assert_eq!(listed.json["items"][0]["last_status"], 500);
    assert_eq!(stage.post(Some(&operator), &replay, json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(
        stage.get(Some(&operator), &format!("{path}?state=waiting")).await.json["items"][0]["id"],
        delivery["id"]
    );
    let other = stage.mentor("b@example.test").await;
    assert_eq!(stage.get(Some(&other), &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.post(Some(&other), &replay, json!({})).await.status, StatusCode::NOT_FOUND);
}
