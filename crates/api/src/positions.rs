//! Where somebody was in the recordings of lessons, so that they go on there.

use control::LessonId;
use control::access::{Action, decide};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::{LIMIT, LIMIT_MAX};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::teaching::Titled;

/// Longest recording, in milliseconds: a day.
const POSITION_MS_MAX: i64 = 86_400_000;
/// Positions that are looked at for those whose recording still plays: the newest of a year's lessons.
const LOOKED_AT_MAX: u32 = 200;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(position, put_position)).routes(routes!(all))
}

/// Where somebody is in a recording.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Position {
    /// From its first frame, in milliseconds.
    #[schema(minimum = 0, maximum = 86_400_000)]
    at_ms: i64,
}

/// Where I was in the recording; its begin if I was nowhere.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/position", tag = "watching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Position),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn position(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Position>, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Replay).await?;
    let at_ms = state.repository.position(who.id(), standing.lesson.id).await?.unwrap_or(0);
    Ok(Json(Position { at_ms }))
}

/// Keeps where I am in the recording.
#[utoipa::path(put, path = "/api/v1/lessons/{id}/position", tag = "watching", params(("id" = Uuid, Path)),
    request_body = Position, responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put_position(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
    Json(at): Json<Position>,
) -> Result<StatusCode, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Replay).await?;
    if !(0..=POSITION_MS_MAX).contains(&at.at_ms) {
        return Err(Problem::field(
            "at_ms",
            Wrong::OutOfRange,
            "must be 0 to 86,400,000: milliseconds from the first frame",
        ));
    }
    state.repository.put_position(who.id(), standing.lesson.id, at.at_ms, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A recording that somebody began to watch.
#[derive(Debug, Serialize, ToSchema)]
struct Begun {
    lesson: Titled,
    /// From its first frame, in milliseconds.
    at_ms: i64,
    saved_at: Moment,
    /// How long the recording is.
    duration_ms: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Newest {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Recordings that I began to watch and that play for me, the newest first.
#[utoipa::path(get, path = "/api/v1/me/positions", tag = "watching", params(Newest), responses(
    (status = 200, body = Vec<Begun>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn all(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Query(asked): Query<Newest>,
) -> Result<Json<Vec<Begun>>, Problem> {
    let limit = match asked.limit.unwrap_or(LIMIT) {
        limit @ 1..=LIMIT_MAX => limit as usize,
        _ => return Err(Problem::field("limit", Wrong::OutOfRange, "must be 1 to 100")),
    };
    let (found, now) = (state.repository.positions(who.id(), LOOKED_AT_MAX).await?, state.now());
    let margin_ms = state.settings.slot_margin_ms;
    let plays = found.into_iter().filter(|kept| decide(&kept.standing, Action::Replay, now, margin_ms).is_ok());
    let begun = plays.take(limit).map(|kept| Begun {
        lesson: Titled { id: kept.standing.lesson.id.0, title: kept.standing.lesson.title },
        at_ms: kept.at_ms,
        saved_at: kept.saved.into(),
        duration_ms: kept.duration_ms,
    });
    Ok(Json(begun.collect()))
}
