//! What operators do with people, and the journal of it.

#[path = "stage/stage.rs"]
mod stage;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use stage::{Actor, Answer, Stage};

fn code(answer: &Answer) -> &str {
    answer.json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
}

async fn patch(stage: &Stage, who: &Actor, whom: &Actor, body: Value) -> Answer {
    stage.ask(Some(who), Method::PATCH, &format!("/api/v1/users/{}", whom.id), Some(body)).await
}

#[tokio::test]
async fn only_operators_see_and_change_people() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let user = format!("/api/v1/users/{}", mentor.id);
    let link = format!("{user}/sign-in-link");
    for (method, path) in [
        (Method::GET, "/api/v1/users"),
        (Method::GET, user.as_str()),
        (Method::PATCH, &user),
        (Method::POST, &link),
        (Method::GET, "/api/v1/audit"),
    ] {
        let body = (method == Method::PATCH).then(|| json!({ "roles": ["operator"] }));
        let stranger = stage.ask(None, method.clone(), path, body.clone()).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let other = stage.ask(Some(&mentor), method.clone(), path, body).await;
        assert_eq!(other.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn people_are_found_a_page_at_a_time() {
    let stage = Stage::new().await;
    let operator = stage.operator("pengelola@example.test").await;
    for n in 0..5 {
        stage.mentee(&format!("mentee{n}@example.test")).await;
    }
    let mut path = "/api/v1/users?query=MENTEE&limit=2".to_owned();
    let mut found = Vec::new();
    loop {
        let page = stage.get(Some(&operator), &path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.json);
        let items = page.json["items"].as_array().expect("a list").clone();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|item| item["email"].as_str().expect("text").to_owned()));
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/users?query=MENTEE&limit=2&cursor={cursor}"),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, (0..5).map(|n| format!("mentee{n}@example.test")).collect::<Vec<_>>());
    for bad in ["limit=0", "cursor=x", "cursor=eA"] {
        let answer = stage.get(Some(&operator), &format!("/api/v1/users?{bad}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn roles_and_suspension_change_at_once_and_never_leave_nobody() {
    let stage = Stage::new().await;
    let (operator, mentee) = (stage.operator("a@example.test").await, stage.mentee("b@example.test").await);
    assert_eq!(stage.get(Some(&mentee), "/api/v1/me").await.json["roles"], json!(["mentee"]));
    let promoted = patch(&stage, &operator, &mentee, json!({ "roles": ["mentee", "mentor"] })).await;
    assert_eq!((promoted.status, &promoted.json["is_mentor"]), (StatusCode::OK, &json!(true)));
    assert_eq!(stage.get(Some(&mentee), "/api/v1/me").await.json["roles"], json!(["mentee", "mentor"]), "at once");
    assert_eq!(
        patch(&stage, &operator, &mentee, json!({ "roles": ["admin"] })).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let last = patch(&stage, &operator, &operator, json!({ "roles": ["mentee"] })).await;
    assert_eq!((last.status, code(&last)), (StatusCode::CONFLICT, "last-operator"));
    assert_eq!(code(&patch(&stage, &operator, &operator, json!({ "suspended": true })).await), "yourself");
    let suspended = patch(&stage, &operator, &mentee, json!({ "suspended": true })).await;
    assert!(suspended.json["suspended_at"].is_string());
    assert_eq!(stage.get(Some(&mentee), "/api/v1/me").await.status, StatusCode::UNAUTHORIZED, "at once");
    let link = format!("/api/v1/users/{}/sign-in-link", mentee.id);
    assert_eq!(code(&stage.ask(Some(&operator), Method::POST, &link, None).await), "suspended");
    let nobody = format!("/api/v1/users/{}", control::keys::random_id());
    assert_eq!(stage.get(Some(&operator), &nobody).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.get(Some(&operator), "/api/v1/users/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_of_an_operator_signs_in_once_in_the_app_of_the_role() {
    let stage = Stage::new().await;
    let (operator, mentor) = (stage.operator("a@example.test").await, stage.mentor("b@example.test").await);
    let path = format!("/api/v1/users/{}/sign-in-link", mentor.id);
    let first = stage.ask(Some(&operator), Method::POST, &path, None).await;
    let second = stage.ask(Some(&operator), Method::POST, &path, None).await;
    assert_eq!(second.status, StatusCode::CREATED);
    let token = |answer: &Answer| {
        let url = answer.json["url"].as_str().expect("a URL");
        url.strip_prefix("https://tayang.test/mymentee/link#").expect("the mentors' app").to_owned()
    };
    let use_it = |token: String| stage.post(None, "/api/v1/session/link", json!({ "token": token, "bearer": true }));
    assert_eq!(code(&use_it(token(&first)).await), "void-link", "replaced by the second");
    let session = use_it(token(&second)).await;
    assert_eq!(session.json["user"]["email"], "b@example.test");
    assert_eq!(code(&use_it(token(&second)).await), "void-link");
}

#[tokio::test]
async fn the_journal_tells_what_was_done_by_whom_and_no_secret() {
    let stage = Stage::new().await;
    let (operator, mentee) = (stage.operator("a@example.test").await, stage.mentee("b@example.test").await);
    stage.post(None, "/api/v1/session", json!({ "email": "b@example.test", "password": "sesuatu yang lain" })).await;
    stage.post(None, "/api/v1/session", json!({ "email": "kata sandi saya", "password": "x" })).await;
    let link = format!("/api/v1/users/{}/sign-in-link", mentee.id);
    let link =
        stage.ask(Some(&operator), Method::POST, &link, None).await.json["url"].as_str().expect("a URL").to_owned();
    let token = link.split_once('#').expect("a token").1.to_owned();
    let bearer = stage.post(None, "/api/v1/session/link", json!({ "token": token, "bearer": true })).await;
    let bearer = Actor { id: mentee.id, token: bearer.json["token"].as_str().expect("a token").to_owned() };
    stage.post(Some(&bearer), "/api/v1/password", json!({ "password": "kuda baterai staples" })).await;
    patch(&stage, &operator, &mentee, json!({ "roles": ["mentor"] })).await;
    patch(&stage, &operator, &mentee, json!({ "suspended": true })).await;
    let mut path = "/api/v1/audit?limit=3".to_owned();
    let mut lines: Vec<Value> = Vec::new();
    loop {
        let page = stage.get(Some(&operator), &path).await;
        lines.extend(page.json["items"].as_array().expect("a list").iter().cloned());
        assert!(
            ![&token, &bearer.token, "kuda baterai", "sesuatu", "kata sandi saya"]
                .iter()
                .any(|secret| String::from_utf8_lossy(&page.bytes).contains(*secret))
        );
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/audit?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let mut actions: Vec<&str> = lines.iter().filter_map(|line| line["action"].as_str()).collect();
    actions.sort_unstable();
    let expected = [
        "link_made",
        "password_changed",
        "roles_changed",
        "sign_in_failed",
        "sign_in_failed",
        "signed_in",
        "suspended",
    ];
    assert_eq!(actions, expected);
    let by = |action: &str| lines.iter().find(|line| line["action"] == action).map(|line| line["actor_id"].clone());
    assert_eq!(by("suspended"), Some(json!(operator.id.to_string())));
    assert_eq!(by("password_changed"), Some(json!(mentee.id.to_string())));
    let about = format!("/api/v1/audit?subject=user:{}&action=roles_changed", mentee.id);
    assert_eq!(stage.get(Some(&operator), &about).await.json["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(stage.get(Some(&operator), "/api/v1/audit?action=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_is_given_and_taken_is_in_the_journal() {
    let stage = Stage::new().await;
    let (mentor, operator) = (stage.mentor("mentor@example.test").await, stage.operator("operator@example.test").await);
    let course = stage.course(&mentor, control::teaching::Enrolling::Open).await;
    let mentee = stage.enrolled(&course, "mentee@example.test").await;
    let lesson = stage.lesson(&course, 1_000).await;
    let ask = async |who: &Actor, method: Method, path: &str, body: Option<Value>| {
        let answer = stage.ask(Some(who), method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.json);
        answer
    };
    let (put, post, delete) = (Method::PUT, Method::POST, Method::DELETE);
    let ban = format!("/api/v1/lessons/{}/bans/{}", lesson.id, mentee.id);
    ask(&mentor, put, &ban, Some(json!({ "reason": "ribut" }))).await;
    ask(&mentor, delete.clone(), &ban, None).await;
    ask(&mentor, delete.clone(), &ban, None).await;
    let place = format!("/api/v1/courses/{}/enrolments/{}", course.id, mentee.id);
    ask(&mentor, Method::PATCH, &place, Some(json!({ "state": "removed" }))).await;
    let attendance = |user| format!("/api/v1/lessons/{}/attendance/{user}", lesson.id);
    let present = json!({ "decision": "present", "reason": "hadir" });
    ask(&mentor, Method::PATCH, &attendance(mentee.id), Some(present.clone())).await;
    let own = stage.ask(Some(&mentor), Method::PATCH, &attendance(mentor.id), Some(present)).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "the mentor attends no lesson of theirs");
    ask(&mentor, post.clone(), &format!("/api/v1/lessons/{}/publishing/key", lesson.id), Some(json!({}))).await;
    let key = ask(&mentor, post.clone(), "/api/v1/me/keys", Some(json!({}))).await;
    let key = format!("/api/v1/me/keys/{}", key.json["id"].as_str().expect("an id"));
    ask(&mentor, delete.clone(), &key, None).await;
    let hook = json!({ "url": "https://kait.example.test/rahasia", "kinds": [] });
    let hook = ask(&mentor, post.clone(), "/api/v1/webhooks", Some(hook)).await;
    let hook = format!("/api/v1/webhooks/{}", hook.json["id"].as_str().expect("an id"));
    ask(&mentor, Method::PATCH, &hook, Some(json!({ "disabled": true }))).await;
    ask(&mentor, delete, &hook, None).await;
    for path in ["get", "reset", "delete"] {
        ask(&operator, post.clone(), &format!("/control/{path}?room=aula"), None).await;
    }
    let lines = stage.get(Some(&operator), "/api/v1/audit?limit=100").await.json["items"].clone();
    let mut done: Vec<(String, bool, String)> = Vec::new();
    for line in lines.as_array().expect("lines").iter().rev() {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        let kind = text("subject").split(':').next().unwrap_or_default().to_owned();
        done.push((text("action"), line["actor_id"] == json!(mentor.id.to_string()), kind));
    }
    let mut done: Vec<_> =
        done.iter().map(|(action, mentors, kind)| (action.as_str(), *mentors, kind.as_str())).collect();
    // What was done within one millisecond stands in any order.
    done.sort_unstable();
    assert_eq!(
        done,
        [
            ("attendance_corrected", true, "lesson"),
            ("channel_deleted", false, "channel"),
            ("key_made", false, "channel"),
            ("key_made", true, "lesson"),
            ("key_made", true, "user"),
            ("key_revoked", true, "user"),
            ("let_in_again", true, "lesson"),
            ("put_out", true, "course"),
            ("sent_out", true, "lesson"),
            ("webhook_changed", true, "webhook"),
            ("webhook_deleted", true, "webhook"),
            ("webhook_made", true, "webhook"),
        ]
    );
    assert!(!lines.to_string().contains("kait.example"), "an address may hold a secret");
    let about = format!("/api/v1/audit?subject=lesson:{}", lesson.id);
    assert_eq!(stage.get(Some(&operator), &about).await.json["items"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn one_person_changes_things_at_a_pace() {
    let stage = Stage::new().await;
    let (mentor, other) = (stage.mentor("mentor@example.test").await, stage.mentor("lain@example.test").await);
    let rename = async |who: &Actor| {
        stage.ask(Some(who), Method::PATCH, "/api/v1/me", Some(json!({ "name": "Pak Budi" }))).await
    };
    let mut refused = None;
    for _ in 0..400 {
        let answer = rename(&mentor).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
        assert_eq!((answer.status, &answer.headers["etag"].to_str().expect("text")[..3]), (StatusCode::OK, "\"v2"));
    }
    let refused = refused.expect("not on and on");
    assert_eq!((code(&refused), refused.headers["retry-after"].to_str().ok()), ("too-fast", Some("1")));
    assert_eq!(rename(&other).await.status, StatusCode::OK, "others go on");
    let operator = stage.operator("operator@example.test").await;
    for _ in 0..70 {
        assert_eq!(rename(&operator).await.status, StatusCode::OK, "whose server it is");
    }
    assert_eq!(stage.get(Some(&mentor), "/api/v1/me").await.status, StatusCode::OK, "and reading does");
}
