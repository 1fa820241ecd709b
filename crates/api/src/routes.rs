//! All routes, and the document that describes them.

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::problem::{Problem, ProblemBody};
use crate::{
    State, account, attendance, audit, calendar, changes, compress, courses, document, earlier, enrolments,
    idempotency, lessons, livego, mentors, notices, oidc, pace, passkeys, playback, positions, publishing, push, room,
    session, sign_up, users, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tayang", description = "Live lessons: what docs/spec/api.md promises, field by field."),
    components(schemas(ProblemBody))
)]
struct Document;

fn described() -> OpenApiRouter<State> {
    let mut described = joined();
    document::complete(described.get_openapi_mut());
    described
}

fn joined() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(account::routes())
        .merge(attendance::routes())
        .merge(calendar::routes())
        .merge(changes::routes())
        .merge(courses::routes())
        .merge(earlier::routes())
        .merge(enrolments::routes())
        .merge(lessons::routes())
        .merge(livego::routes())
        .merge(mentors::routes())
        .merge(playback::routes())
        .merge(positions::routes())
        .merge(publishing::routes())
        .merge(notices::routes())
        .merge(push::routes())
        .merge(webhooks::routes())
        .merge(audit::routes())
        .merge(oidc::routes())
        .merge(passkeys::routes())
        .merge(room::routes())
        .merge(session::routes())
        .merge(sign_up::routes())
        .merge(users::routes())
}

/// The document, OpenAPI 3.1 in JSON on many lines. `docs/openapi.json` is this.
///
/// # Panics
/// Never: it is made of what the compiler checked.
#[must_use]
pub fn document() -> String {
    described().into_openapi().to_pretty_json().expect("a document is JSON") + "\n"
}

/// Whether a path is one of ours, rather than media's.
#[must_use]
pub fn answers(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(
        first,
        "api" | "calendar" | "control" | "livestream" | "mentor" | "problems" | "stat" | "store-live" | "streams"
    )
}

pub(crate) fn all(state: State) -> Router {
    let (router, document) = described().split_for_parts();
    let text = document.to_json().expect("a document is JSON");
    let text = bytes::Bytes::from(text);
    let routes = router
        .route(
            "/api/v1/openapi.json",
            axum::routing::get(move || async move {
                ([(http::header::CONTENT_TYPE, "application/json"), (http::header::CACHE_CONTROL, "no-cache")], text)
            }),
        )
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                http::StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "not this way",
                "this address takes other methods: see Allow",
            )
        })
        .layer(axum::middleware::from_fn_with_state(state.clone(), idempotency::once))
        .layer(axum::middleware::from_fn_with_state(state.clone(), pace::held))
        .with_state(state);
    compress::before(routes)
}
