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
