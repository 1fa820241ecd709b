//! What holds for every address.

#[path = "stage/stage.rs"]
mod stage;

use http::{Method, StatusCode};
use serde_json::json;
use stage::Stage;

#[tokio::test]
async fn errors_are_problems_that_say_what_to_do_next() {
    let stage = Stage::new().await;
    let answer = stage.get(None, "/api/v1/me").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(
        answer.json,
        json!({
            "type": "/problems/not-signed-in", "title": "not signed in", "status": 401, "detail": "sign in and try again",
        })
    );
    assert_eq!(stage.get(None, "/api/v1/nothing").await.json["type"], "/problems/not-found");
    let answer = stage.ask(None, Method::PUT, "/api/v1/me", None).await;
    assert_eq!((answer.status, &answer.json["type"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("/problems/method")));
}

#[tokio::test]
async fn each_field_that_is_wrong_has_a_word_for_it_that_stays() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let path = "/api/v1/courses";
    for (body, field, code) in [
        (json!({ "enrolment": "open" }), "title", "required"),
        (json!({ "title": " ", "enrolment": "open" }), "title", "required"),
        (json!({ "title": "x".repeat(121), "enrolment": "open" }), "title", "too_long"),
        (json!({ "title": "a\nb", "enrolment": "open" }), "title", "characters"),
        (json!({ "title": "x", "enrolment": "closed" }), "enrolment", "unknown"),
        (json!({ "title": "x", "enrolment": "open", "capacity": 0 }), "capacity", "out_of_range"),
        (json!({ "title": "x", "enrolment": "open", "capacity": "many" }), "capacity", "malformed"),
        (json!([]), "body", "malformed"),
    ] {
        let answer = stage.post(Some(&mentor), path, body).await;
        let error = &answer.json["errors"][0];
        assert_eq!((answer.status.as_u16(), &error["field"], &error["code"]), (422, &json!(field), &json!(code)));
    }
    let untimed = stage.get(None, "/api/v1/lessons?from=besok").await.json;
    assert_eq!((&untimed["errors"][0]["field"], &untimed["errors"][0]["code"]), (&json!("from"), &json!("not_a_time")));
}

#[tokio::test]
async fn the_document_is_openapi_and_says_what_is_served() {
    let stage = Stage::new().await;
    let answer = stage.get(None, "/api/v1/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["openapi"], "3.1.0");
    assert!(answer.json["paths"]["/api/v1/me"]["get"].is_object());
}

#[test]
fn the_document_that_is_kept_is_the_one_that_is_served() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let made = api::routes::document();
    let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made).map_or(0, |line| line + 1);
    assert!(kept == made, "line {differs}: cargo run -q -p server -- openapi > docs/openapi.json");
}

#[tokio::test]
async fn who_is_signed_in_is_told_who_they_are() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let answer = stage.get(Some(&mentor), "/api/v1/me").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["email"], "mentor@example.test");
    assert_eq!(answer.json["roles"], json!(["mentee", "mentor"]));
    assert_eq!(answer.json["id"], json!(mentor.id.to_string()));
}

#[tokio::test]
async fn changes_of_different_fields_that_come_at_once_both_stand() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, control::teaching::Enrolling::Open).await.id;
    let hook =
        stage.post(Some(&mentor), "/api/v1/webhooks", json!({ "url": "https://93.184.215.14/", "kinds": [] })).await;
    let hook = hook.json["id"].as_str().unwrap_or_else(|| panic!("{}", hook.json)).to_owned();
    for round in 0..6 {
        let is_even = round % 2 == 0;
        let (zone, kind) = if is_even { ("Asia/Makassar", "lesson_soon") } else { ("Asia/Jakarta", "lesson_changed") };
        for (path, one, other) in [
            ("/api/v1/me".to_owned(), json!({ "name": format!("Nama {round}") }), json!({ "zone": zone })),
            (
                format!("/api/v1/courses/{course}"),
                json!({ "title": format!("Judul {round}") }),
                json!({ "summary": format!("Isi {round}") }),
            ),
            ("/api/v1/me/notice-settings".to_owned(), json!({ "push_on": is_even }), json!({ "muted_kinds": [kind] })),
            (format!("/api/v1/webhooks/{hook}"), json!({ "kinds": [kind] }), json!({ "disabled": is_even })),
        ] {
            let change = |body: &serde_json::Value| stage.ask(Some(&mentor), Method::PATCH, &path, Some(body.clone()));
            let (first, second) = tokio::join!(change(&one), change(&other));
            assert_eq!((first.status, second.status), (StatusCode::OK, StatusCode::OK), "{path} {round}");
            let kept = stage.get(Some(&mentor), &path).await.json;
            for (field, value) in [&one, &other].into_iter().flat_map(|body| body.as_object().expect("fields")) {
                let is_so = match field.as_str() {
                    "disabled" => kept["disabled_at"].is_string() == is_even,
                    field => kept[field] == *value,
                };
                assert!(is_so, "{path} {round}: {field} {value} in {kept}");
            }
        }
    }
}
