//! Requests that are sent twice and done once.

#[path = "stage/stage.rs"]
mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use api::idempotency;
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use control::KeyHash;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use stage::{Actor, Stage};
use tokio::sync::Notify;
use tower::ServiceExt as _;

/// Routes that count what is done, behind the layer.
struct Counting {
    router: Router,
    done: Arc<AtomicU32>,
    entered: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Counting {
    fn new(stage: &Stage) -> Self {
        let (done, entered, go_on) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let count = {
            let done = done.clone();
            move || done.fetch_add(1, Ordering::SeqCst) + 1
        };
        let (made, failed, long) = (count.clone(), count.clone(), count.clone());
        let (told, answered) = (count.clone(), count.clone());
        let broke = count.clone();
        let (enters, waits) = (entered.clone(), go_on.clone());
        let router = Router::new()
            .route(
                "/api/v1/things",
                post(move || async move { (StatusCode::CREATED, axum::Json(json!({ "n": made() }))) }),
            )
            .route("/api/v1/failing", post(move || async move { (StatusCode::CONFLICT, failed().to_string()) }))
            .route(
                "/api/v1/breaking",
                post(move || async move { (StatusCode::SERVICE_UNAVAILABLE, broke().to_string()) }),
            )
            .route("/api/v1/long", post(move || async move { long().to_string().repeat(70_000) }))
            .route("/api/v1/me/keys", post(move || async move { told().to_string() }))
            .route("/control/get", post(move || async move { answered().to_string() }))
            .route(
                "/api/v1/slow",
                post(move || async move {
                    enters.notify_one();
                    waits.notified().await;
                    (StatusCode::OK, count().to_string())
                }),
            )
            .layer(axum::middleware::from_fn_with_state(stage.state.clone(), idempotency::once));
        Self { router, done, entered, go_on }
    }

    async fn send(&self, who: Option<&Actor>, path: &str, key: &str, body: &'static str) -> (StatusCode, Value) {
        let mut request = Request::builder().method(Method::POST).uri(path).header("idempotency-key", key);
        if let Some(actor) = who {
            request = request.header(AUTHORIZATION, format!("Bearer {}", actor.token));
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(body)));
        let request = request.expect("a request").map(axum::body::Body::new);
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    fn done(&self) -> u32 {
        self.done.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn the_same_request_with_the_same_key_is_done_once_and_answered_the_same() {
    let stage = Stage::new().await;
    let (one, two) = (stage.mentor("a@example.test").await, stage.mentor("b@example.test").await);
    let routes = Counting::new(&stage);
    for _ in 0..3 {
        assert_eq!(
            routes.send(Some(&one), "/api/v1/things", "k", "{}").await,
            (StatusCode::CREATED, json!({ "n": 1 }))
        );
    }
    assert_eq!(routes.done(), 1);
    for (path, body) in [("/api/v1/things", "{\"a\":1}"), ("/api/v1/things?b=1", "{}"), ("/api/v1/long", "{}")] {
        let (status, problem) = routes.send(Some(&one), path, "k", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "another request: {problem}");
    }
    assert_eq!(routes.send(Some(&two), "/api/v1/things", "k", "{}").await.1, json!({ "n": 2 }), "another's key");
    assert_eq!(routes.send(Some(&one), "/api/v1/things", "l", "{}").await.1, json!({ "n": 3 }));
    for bad in ["", "a b", &"x".repeat(65)] {
        assert_eq!(routes.send(Some(&one), "/api/v1/things", bad, "{}").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(routes.send(None, "/api/v1/things", "k", "{}").await.0, StatusCode::CREATED, "nobody has keys");
}

#[tokio::test]
async fn what_failed_may_be_tried_again_and_secrets_and_long_answers_are_not_kept() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("a@example.test").await;
    let routes = Counting::new(&stage);
    for _ in 0..2 {
        assert_eq!(routes.send(Some(&mentor), "/api/v1/failing", "f", "").await.0, StatusCode::CONFLICT);
    }
    assert_eq!(routes.done(), 2, "nothing was done, so it is tried again");
    for path in ["/api/v1/long", "/api/v1/me/keys", "/control/get"] {
        let key = KeyHash::of(path).to_string();
        assert_eq!(routes.send(Some(&mentor), path, &key, "").await.0, StatusCode::OK);
        let before = routes.done();
        let (status, problem) = routes.send(Some(&mentor), path, &key, "").await;
        assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/answered-once")), "{path}");
        assert_eq!(routes.done(), before, "{path}");
    }
}

#[tokio::test]
async fn what_failed_in_the_middle_may_have_been_done_and_is_not_done_again_with_its_key() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("a@example.test").await;
    let routes = Counting::new(&stage);
    assert_eq!(routes.send(Some(&mentor), "/api/v1/breaking", "b", "").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, problem) = routes.send(Some(&mentor), "/api/v1/breaking", "b", "").await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/outcome-unknown")));
    assert_eq!(routes.done(), 1);
    let another = routes.send(Some(&mentor), "/api/v1/breaking", "c", "").await;
    assert_eq!((another.0, routes.done()), (StatusCode::SERVICE_UNAVAILABLE, 2), "with a new key it is");
}

#[tokio::test]
async fn a_request_that_is_worked_on_says_so_and_goes_on_when_nobody_waits_for_it() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("a@example.test").await;
    let routes = Counting::new(&stage);
    let first = routes.send(Some(&mentor), "/api/v1/slow", "s", "");
    tokio::select! {
        _ = first => panic!("it waits"),
        () = routes.entered.notified() => {}
    }
    // Who asked has gone away.
    let (status, problem) = routes.send(Some(&mentor), "/api/v1/slow", "s", "").await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/worked-on")));
    routes.go_on.notify_one();
    stage.state.tasks.close();
    stage.state.tasks.wait().await;
    assert_eq!(routes.send(Some(&mentor), "/api/v1/slow", "s", "").await, (StatusCode::OK, json!(1)));
    assert_eq!(routes.done(), 1);
}

#[tokio::test]
async fn a_request_that_was_lost_with_its_server_is_not_done_again_unseen() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("a@example.test").await;
    let routes = Counting::new(&stage);
    assert_eq!(routes.send(Some(&mentor), "/api/v1/things", "k", "{}").await.0, StatusCode::CREATED);
    stage.lose_requests().await;
    let (status, problem) = routes.send(Some(&mentor), "/api/v1/things", "k", "{}").await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/outcome-unknown")));
    assert_eq!(routes.done(), 1);
}

#[tokio::test]
async fn the_layer_stands_before_the_routes_of_the_api() {
    let stage = Stage::new().await;
    let (operator, mentor) = (stage.operator("a@example.test").await, stage.mentor("b@example.test").await);
    let path = format!("/api/v1/users/{}/sign-in-link", mentor.id);
    let ask = |key: &'static str| {
        let request = Request::post(&path).header("idempotency-key", key);
        let request = request.header(AUTHORIZATION, format!("Bearer {}", operator.token));
        stage.send(request.body(Full::default()).expect("a request"))
    };
    assert_eq!(ask("k").await.status, StatusCode::CREATED);
    assert_eq!(ask("k").await.json["type"], "/problems/answered-once");
    assert_eq!(ask("a b").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
