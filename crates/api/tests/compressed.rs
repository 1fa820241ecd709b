//! Answers in gzip, on a real socket.

#[path = "room/port.rs"]
#[allow(dead_code, reason = "only its port is used here")]
mod port;
#[path = "stage/stage.rs"]
mod stage;

use std::io::Read as _;
use std::net::SocketAddr;

use bytes::Bytes;
use control::identity::UserChange;
use control::teaching::Enrolling;
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stage::{Actor, Stage};

/// Reads something, with these headers.
async fn get(port: SocketAddr, who: &Actor, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
    let answer = ask(port, who, Method::GET, path, headers, String::new()).await;
    (answer.status(), answer.headers().clone(), answer.bytes().await.expect("a body"))
}

/// What comes is not unpacked by itself.
async fn ask(
    port: SocketAddr,
    who: &Actor,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> reqwest::Response {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asked = client.request(method, format!("http://{port}{path}")).bearer_auth(&who.token).body(body);
    let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
    asked.send().await.expect("answered")
}

const GZIP: (&str, &str) = ("accept-encoding", "gzip, deflate, br");

fn unpacked(bytes: &Bytes) -> Vec<u8> {
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut whole).expect("gzip");
    whole
}

#[tokio::test]
async fn what_is_read_comes_in_fewer_bytes_that_are_the_same() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let mut last = None;
    for hours in 1..=20 {
        last = Some(stage.lesson(&course, hours * 7_200_000).await);
    }
    let lesson = last.expect("set").id;
    for number in 0..40 {
        stage.enrolled(&course, &format!("mentee{number}@example.test")).await;
    }
    let port = port::open(&stage).await;
    let calendar =
        stage.get(Some(&mentor), "/api/v1/me/calendar").await.json["url"].as_str().expect("a URL").to_owned();
    let calendar = calendar.strip_prefix("https://tayang.test").expect("of this server");
    for (path, kind) in [
        ("/api/v1/lessons?limit=20", "application/json"),
        (calendar, "text/calendar; charset=utf-8"),
        (&format!("/api/v1/lessons/{lesson}/comments.csv"), "text/csv; charset=utf-8"),
        (&format!("/api/v1/lessons/{lesson}/attendance.csv"), "text/csv; charset=utf-8"),
    ] {
        let (status, plain, whole) = get(port, &mentor, path, &[]).await;
        assert_eq!((status, &plain["content-type"]), (StatusCode::OK, &kind.parse().expect("a header")), "{path}");
        assert_eq!(
            (&plain["vary"], plain.get("content-encoding")),
            (&"accept-encoding".parse().expect("a header"), None)
        );
        let (status, headers, packed) = get(port, &mentor, path, &[GZIP]).await;
        assert_eq!(
            (status, &headers["content-encoding"]),
            (StatusCode::OK, &"gzip".parse().expect("a header")),
            "{path}"
        );
        assert_eq!(headers["vary"], "accept-encoding", "{path}");
        assert!(unpacked(&packed) == whole, "{path}");
        // A file without a line is short, and is not known to be before it has come.
        assert!(
            kind.starts_with("text/csv") || packed.len() * 3 < whole.len(),
            "{path}: {} of {}",
            packed.len(),
            whole.len()
        );
    }
}

#[tokio::test]
async fn a_tag_that_came_with_compressed_bytes_is_good_for_reading_again_and_for_changing() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let path = format!("/api/v1/courses/{}", course.id);
    let summary = json!({ "summary": "Gerak dan gaya. ".repeat(100) });
    assert_eq!(stage.ask(Some(&mentor), Method::PATCH, &path, Some(summary)).await.status, StatusCode::OK);
    let port = port::open(&stage).await;
    let (_, plain, _) = get(port, &mentor, &path, &[]).await;
    let (_, headers, _) = get(port, &mentor, &path, &[GZIP]).await;
    assert_eq!(headers["content-encoding"], "gzip");
    let strong = plain["etag"].to_str().expect("text").to_owned();
    let weak = headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(weak, format!("W/{strong}"), "other bytes, of the same");
    for tag in [&strong, &weak] {
        let (status, headers, body) = get(port, &mentor, &path, &[GZIP, ("if-none-match", tag)]).await;
        assert_eq!((status, headers["etag"].to_str().ok(), body.len()), (StatusCode::NOT_MODIFIED, Some(&**tag), 0));
        assert_eq!(headers["vary"], "accept-encoding");
        assert!(!headers.contains_key("content-encoding"));
    }
    for status in [StatusCode::OK, StatusCode::PRECONDITION_FAILED] {
        let headers = [("if-match", &*weak), ("content-type", "application/json")];
        let body = json!({ "title": format!("Fisika {status}") }).to_string();
        let answer = ask(port, &mentor, Method::PATCH, &path, &headers, body).await;
        assert_eq!(answer.status(), status, "the second has seen what is no more");
    }
}

#[tokio::test]
async fn secrets_streams_and_short_answers_go_as_they_are() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let long = UserChange { name: Some("x".repeat(2_000)), ..UserChange::default() };
    stage.repository.change_user(mentor.id, None, &long, None, stage.state.now()).await.expect("named");
    let course = stage.course(&mentor, Enrolling::Open).await;
    let lesson = stage.lesson(&course, 60_000).await.id;
    let port = port::open(&stage).await;
    for path in ["/api/v1/session", "/api/v1/me"] {
        let (status, headers, body) = get(port, &mentor, path, &[GZIP]).await;
        assert_eq!(
            (status, headers.contains_key("content-encoding")),
            (StatusCode::OK, path == "/api/v1/me"),
            "{path}"
        );
        assert!(path == "/api/v1/me" || body.len() > 2_000, "long enough to pay");
    }
    let (_, headers, _) = get(port, &mentor, "/api/v1/me/notice-settings", &[GZIP]).await;
    assert!(!headers.contains_key("content-encoding"), "too short to pay");

    let (_, headers, body) = get(port, &mentor, "/api/v1/openapi.json", &[GZIP]).await;
    assert!(!headers.contains_key("content-encoding") && body.len() > 100_000, "not packed for each stranger anew");

    let headers = [GZIP, ("accept", "text/event-stream")];
    for path in [format!("/api/v1/lessons/{lesson}/room"), "/api/v1/changes?after=0".to_owned()] {
        let mut stream = ask(port, &mentor, Method::GET, &path, &headers, String::new()).await;
        assert_eq!((stream.status(), stream.headers().get("content-encoding")), (StatusCode::OK, None), "{path}");
        let first = stream.chunk().await.expect("no error").expect("something comes");
        assert!(std::str::from_utf8(&first).is_ok(), "{path}");
    }
}
