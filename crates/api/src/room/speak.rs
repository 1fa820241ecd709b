//! Saying something without a WebSocket.

use axum::extract;
use control::access::Action;
use control::room::{Refused, Why};
use control::{LessonId, Principal};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::message::Message;
use super::rooms::{Mail, Reply};
use super::seat::Person;
use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};

/// A comment to be said.
#[derive(Deserialize, ToSchema)]
pub struct NewComment {
    /// The sender's own name for it, 1 to 64 of `A-Z a-z 0-9 _ -`: sent twice, it is there once.
    client_id: String,
    /// 1 to 500 characters.
    body: String,
    /// Where the sender's picture was, from the first frame of the lesson.
    media_ms: Option<i64>,
}

/// Where a comment stands.
#[derive(Serialize, ToSchema)]
pub struct Acknowledged {
    client_id: String,
    /// Place in the room.
    seq: i64,
}

/// Reactions of one kind.
#[derive(Deserialize, ToSchema)]
pub struct NewReaction {
    /// `hati`, `jempol`, `tepuk`, `tawa`, `kaget` or `tanya`.
    kind: String,
    /// 1 to 10; 1 if absent.
    n: Option<i64>,
    /// Where the sender's picture was, from the first frame of the lesson.
    media_ms: Option<i64>,
}

/// One's hand.
#[derive(Deserialize, ToSchema)]
pub struct NewHand {
    raised: bool,
}

/// Says something. It is kept when this is answered.
#[utoipa::path(post, path = "/api/v1/lessons/{id}/comments", tag = "room", request_body = NewComment, params(
    ("id" = uuid::Uuid, Path, description = "the lesson"),
), responses(
    (status = 201, body = Acknowledged),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn comment(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
    Json(new): Json<NewComment>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    let NewComment { client_id, body, media_ms } = new;
    let message = Message::Comment { client_id: client_id.clone(), body, media_ms };
    let seq = say(&state, &principal, LessonId(lesson), message).await?;
    Ok((StatusCode::CREATED, Json(Acknowledged { client_id, seq })))
}

/// Reacts. It is counted when this is answered.
#[utoipa::path(post, path = "/api/v1/lessons/{id}/reactions", tag = "room", request_body = NewReaction, params(
    ("id" = uuid::Uuid, Path, description = "the lesson"),
), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn react(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
    Json(new): Json<NewReaction>,
) -> Result<StatusCode, Problem> {
    let kind = new
        .kind
        .parse()
        .map_err(|error: control::room::ReactionKindError| Problem::field("kind", Wrong::Unknown, error.to_string()))?;
    let n = new.n.unwrap_or(1);
    if !(1..=10).contains(&n) {
        return Err(Problem::field("n", Wrong::OutOfRange, "must be 1 to 10"));
    }
    say(&state, &principal, LessonId(lesson), Message::React { kind, n, media_ms: new.media_ms }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Raises or lowers one's hand.
#[utoipa::path(post, path = "/api/v1/lessons/{id}/hand", tag = "room", request_body = NewHand, params(
    ("id" = uuid::Uuid, Path, description = "the lesson"),
), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn hand(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
    Json(new): Json<NewHand>,
) -> Result<StatusCode, Problem> {
    say(&state, &principal, LessonId(lesson), Message::Hand { raised: new.raised }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn say(state: &State, principal: &Principal, lesson: LessonId, message: Message) -> Result<i64, Problem> {
    let standing = permit(state, Some(principal.id()), lesson, Action::Chat).await?;
    let person = Person {
        user: principal.id(),
        name: principal.user.name.clone(),
        session: principal.session.id,
        expires: principal.session.expires,
        runs: standing.runs(),
    };
    ask(state, lesson, person, |reply| Mail::Message(message, reply)).await
}

/// Asks the room of a lesson, opened if need be, on behalf of somebody, and waits for its answer.
pub(super) async fn ask(
    state: &State,
    lesson: LessonId,
    person: Person,
    mail: impl FnOnce(Reply) -> Mail,
) -> Result<i64, Problem> {
    let (asked, answer) = oneshot::channel();
    let mut mail = mail(Reply::Request(Box::new(person), asked));
    loop {
        let room = state.rooms().open(state, lesson).await?;
        match room.ask(mail).await {
            Ok(()) => break,
            // It has ended in this moment, and is opened anew.
            Err(back) => mail = back,
        }
        tokio::task::yield_now().await;
    }
    match answer.await {
        Ok(Ok(seq)) => Ok(seq),
        Ok(Err(refused)) => Err(refusal(refused)),
        Err(_) => Err(refusal(Why::NotKept.into())),
    }
}

/// A refusal as requests are answered.
fn refusal(refused: Refused) -> Problem {
    let Refused { why, retry_after_ms } = refused;
    let (advice, seconds) = (why.advice(), retry_after_ms.unwrap_or(1_000).max(0).unsigned_abs().div_ceil(1_000));
    match why {
        Why::Empty => Problem::field("body", Wrong::Required, advice),
        Why::TooLong => Problem::field("body", Wrong::TooLong, advice),
        Why::Characters => Problem::field("body", Wrong::Characters, advice),
        Why::Word => Problem::field("body", Wrong::NotAllowed, advice),
        Why::ClientId => Problem::field("client_id", Wrong::Malformed, advice),
        Why::Malformed => Problem::field("body", Wrong::Malformed, advice),
        Why::CommentsOff => Problem::new(StatusCode::FORBIDDEN, "comments-off", "not allowed", advice),
        Why::Muted => Problem::new(StatusCode::FORBIDDEN, "muted", "not allowed", advice),
        Why::Slow | Why::TooFast | Why::Busy => Problem::too_fast(advice, seconds),
        Why::NotKept => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-kept", "not available", advice),
    }
}
