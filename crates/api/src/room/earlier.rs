//! The room as the lesson system before had it: one address to send a reaction or a comment, and to read both.

use axum::extract;
use control::access::Action;
use control::room::ReactionKind;
use control::{LessonId, UserId, Uuid, keys};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::read::{self, CommentQuery};
use super::speak;
use crate::State;
use crate::auth::SignedIn;
use crate::earlier::Fields;
use crate::extract::{Json, Path, Query};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};

/// The lesson is that mentor's, and may be known of.
async fn require(state: &State, who: &SignedIn, mentor: Uuid, lesson: Uuid) -> Result<(), Problem> {
    let standing = permit(state, Some(who.id()), LessonId(lesson), Action::Know).await?;
    if standing.lesson.mentor == UserId(mentor) { Ok(()) } else { Err(Problem::not_found()) }
}

/// The reactions of the lesson, summed, and its comments, a page at a time.
#[utoipa::path(
    get, path = "/mentor/{id}/live/{live_id}/reaction", tag = "earlier",
    params(("id" = Uuid, Path), ("live_id" = Uuid, Path), CommentQuery),
    responses(
        (status = 200, body = Object),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    extract::State(state): extract::State<State>,
    who: SignedIn,
    Path((mentor, lesson)): Path<(Uuid, Uuid)>,
    Query(query): Query<CommentQuery>,
) -> Result<Json<Value>, Problem> {
    require(&state, &who, mentor, lesson).await?;
    let comments = read::comments(extract::State(state.clone()), who, Path(lesson), Query(query)).await?.0;
    let totals = state.repository.reaction_totals(LessonId(lesson)).await?;
    let counted = ReactionKind::ALL.into_iter().zip(totals).filter(|(_, count)| *count > 0);
    let reactions: Map<String, Value> = counted.map(|(kind, count)| (kind.as_str().to_owned(), json!(count))).collect();
    let items: Vec<Value> = comments.items.iter().map(|said| json!(said)).collect();
    Ok(Json(json!({ "reactions": reactions, "comments": items, "next_cursor": comments.next_cursor })))
}

/// Sends a reaction (`reaction`, or `kind`) or a comment (`comment`, or `body`), as JSON or as a form.
#[utoipa::path(
    post, path = "/mentor/{id}/live/{live_id}/reaction", tag = "earlier",
    params(("id" = Uuid, Path), ("live_id" = Uuid, Path)), request_body = Object,
    responses(
        (status = 201, body = Object),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn send(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    who: SignedIn,
    Path((mentor, lesson)): Path<(Uuid, Uuid)>,
    bytes: bytes::Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    require(&state, &who, mentor, lesson).await?;
    let fields = Fields::read(&headers, &bytes)?;
    let state = extract::State(state);
    let odd = |error: serde_json::Error| Problem::field("body", Wrong::Malformed, error.to_string());
    if let Some(kind) = fields.text(&["reaction", "kind"]) {
        let reaction = serde_json::from_value(json!({ "kind": kind })).map_err(odd)?;
        speak::react(state, who, Path(lesson), Json(reaction)).await?;
        return Ok((StatusCode::CREATED, Json(json!({ "status": "sent", "reaction": kind }))));
    }
    let body = fields.text(&["comment", "body"]);
    let body = body.ok_or_else(|| {
        Problem::field("reaction", Wrong::Required, "is missing, and so is comment: send one of both")
    })?;
    let client_id = fields.text(&["client_id"]).unwrap_or_else(|| keys::random_id().to_string());
    let comment = serde_json::from_value(json!({ "client_id": client_id, "body": body })).map_err(odd)?;
    let (status, Json(kept)) = speak::comment(state, who, Path(lesson), Json(comment)).await?;
    Ok((status, Json(json!({ "status": "sent", "comment": kept }))))
}
