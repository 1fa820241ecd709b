//! Moderation: what the mentor does with comments and with people who make them.

use std::collections::HashMap;

use axum::extract;
use control::access::Action;
use control::room::{Moderated, Moderation, Mute};
use control::{CommentId, LessonId, Principal, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::Said;
use super::rooms::Mail;
use super::seat::Person;
use super::speak;
use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::teaching::Named;

/// Longest mute: the longest lesson twice over. Who is to stay away for good is sent out.
const MUTE_MINUTES_MAX: u32 = 24 * 60;

/// What becomes of a comment.
#[derive(Deserialize, ToSchema)]
pub struct CommentPatch {
    /// `shown`, `held` or `deleted`.
    state: Option<String>,
    /// Whether it stands above the others.
    pinned: Option<bool>,
}

/// For how long.
#[derive(Deserialize, ToSchema)]
pub struct NewMute {
    /// 1 to 1440.
    #[schema(minimum = 1, maximum = 1440)]
    minutes: u32,
}

/// Until when.
#[derive(Serialize, ToSchema)]
pub struct Muted {
    muted_until_at: Moment,
}

/// Shows, holds, deletes or pins a comment.
#[utoipa::path(patch, path = "/api/v1/lessons/{id}/comments/{comment}", tag = "room", request_body = CommentPatch, params(
    ("id" = uuid::Uuid, Path, description = "the lesson"), ("comment" = uuid::Uuid, Path),
), responses(
    (status = 200, body = Said),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn comment(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path((lesson, comment)): Path<(uuid::Uuid, uuid::Uuid)>,
    Json(patch): Json<CommentPatch>,
) -> Result<Json<Said>, Problem> {
    let (lesson, comment) = (LessonId(lesson), CommentId(comment));
    let mentor = runner(&state, &principal, lesson).await?;
    let becomes = patch.state.as_deref().map(str::parse).transpose();
    let becomes = becomes.map_err(|error: control::room::CommentStateError| {
        Problem::field("state", Wrong::Unknown, error.to_string())
    })?;
    let moderation = Moderation { state: becomes, pinned: patch.pinned };
    match state.repository.moderate_comment(lesson, comment, moderation).await? {
        Moderated::TooManyPins => Err(Problem::conflict("pins-full", "five are pinned: unpin one first")),
        Moderated::Done { before, comment } => {
            let said = Said::new(&comment, mentor);
            tell(&state, lesson, Mail::Moderated { before, comment }).await;
            Ok(Json(said))
        }
    }
}

/// Mutes somebody in this lesson's room.
#[utoipa::path(put, path = "/api/v1/lessons/{id}/mutes/{user}", tag = "room", request_body = NewMute, params(
    ("id" = uuid::Uuid, Path, description = "the lesson"), ("user" = uuid::Uuid, Path),
), responses(
    (status = 200, body = Muted),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn mute(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path((lesson, user)): Path<(uuid::Uuid, uuid::Uuid)>,
    Json(mute): Json<NewMute>,
) -> Result<Json<Muted>, Problem> {
    let (lesson, user) = (LessonId(lesson), UserId(user));
    let mentor = runner(&state, &principal, lesson).await?;
    if !(1..=MUTE_MINUTES_MAX).contains(&mute.minutes) {
        return Err(Problem::field(
            "minutes",
            Wrong::OutOfRange,
            "must be 1 to 1440: whom you do not want at all you can send out",
        ));
    }
    if user == mentor {
        return Err(Problem::field(
            "user",
            Wrong::NotAllowed,
            "must be somebody else: a mentor is not muted in their own lesson",
        ));
    }
    let now = state.now();
    let until = now.plus_millis(i64::from(mute.minutes) * 60_000);
    state.repository.mute(lesson, Mute { user, until }, now).await?;
    tell(&state, lesson, Mail::Muted(user, Some(until))).await;
    Ok(Json(Muted { muted_until_at: until.into() }))
}

/// Ends a mute.
#[utoipa::path(delete, path = "/api/v1/lessons/{id}/mutes/{user}", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"), ("user" = uuid::Uuid, Path),
), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn unmute(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path((lesson, user)): Path<(uuid::Uuid, uuid::Uuid)>,
) -> Result<StatusCode, Problem> {
    let (lesson, user) = (LessonId(lesson), UserId(user));
    runner(&state, &principal, lesson).await?;
    state.repository.unmute(lesson, user).await?;
    tell(&state, lesson, Mail::Muted(user, None)).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who may not comment for a while.
#[derive(Serialize, ToSchema)]
pub struct MutedPerson {
    user: Named,
    muted_until_at: Moment,
}

/// Who is muted now, by id.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/mutes", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"), PageQuery,
), responses(
    (status = 200, body = Page<MutedPerson>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn mutes(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MutedPerson>>, Problem> {
    let (lesson, limit, after) = (LessonId(lesson), page.limit()?, page.after_id::<UserId>()?);
    runner(&state, &principal, lesson).await?;
    let mut mutes = state.repository.mutes(lesson, state.now()).await?;
    mutes.retain(|mute| after.is_none_or(|after| mute.user > after));
    mutes.sort_by_key(|mute| mute.user);
    let page = Page::of(mutes, limit, |mute| mute.user.to_string());
    let people: Vec<UserId> = page.items.iter().map(|mute| mute.user).collect();
    let names: HashMap<UserId, String> = state.repository.names(&people).await?.into_iter().collect();
    Ok(Json(page.map(|mute| MutedPerson {
        user: Named::new(mute.user, names.get(&mute.user).map_or("", String::as_str)),
        muted_until_at: mute.until.into(),
    })))
}

/// Lowers somebody's hand. One that is not up is no error.
#[utoipa::path(delete, path = "/api/v1/lessons/{id}/hands/{user}", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"), ("user" = uuid::Uuid, Path),
), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn lower(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path((lesson, user)): Path<(uuid::Uuid, uuid::Uuid)>,
) -> Result<StatusCode, Problem> {
    let lesson = LessonId(lesson);
    runner(&state, &principal, lesson).await?;
    let mentor = Person {
        user: principal.id(),
        name: principal.user.name.clone(),
        session: principal.session.id,
        expires: principal.session.expires,
        runs: true,
    };
    speak::ask(&state, lesson, mentor, |reply| Mail::Lower(UserId(user), reply)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The lesson's mentor, if they may run it who ask.
async fn runner(state: &State, principal: &Principal, lesson: LessonId) -> Result<UserId, Problem> {
    Ok(permit(state, Some(principal.id()), lesson, Action::Run).await?.lesson.mentor)
}

/// Tells the room, if it is open. One that opens later reads it.
async fn tell(state: &State, lesson: LessonId, mail: Mail) {
    if let Some(room) = state.rooms().get(lesson) {
        drop(room.ask(mail).await);
    }
}
