//! Mentors: their pages and their own keys.

use axum::response::Response;
use control::teaching::mentors::{KEY_LABEL_LENGTH_MAX, MentorKey, MentorSeen};
use control::{UserId, Uuid};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::etag::{self, Conditions};
use crate::extract::{Json, Path, Query, object_if_any};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody};
use crate::teaching::{Checks, SUMMARY_LENGTH_MAX, TITLE_LENGTH_MAX, query};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(put_page))
        .routes(routes!(keys, make_key))
        .routes(routes!(delete_key))
}

/// A mentor, as anybody sees them.
#[derive(Serialize, ToSchema)]
struct Mentor {
    id: Uuid,
    name: String,
    headline: String,
    bio: String,
    /// Courses that one may know of.
    courses: u32,
    next_lesson: Option<NextLesson>,
}

/// The first lesson to come that one may know of.
#[derive(Serialize, ToSchema)]
struct NextLesson {
    id: Uuid,
    title: String,
    starts_at: Moment,
}

impl From<MentorSeen> for Mentor {
    fn from(seen: MentorSeen) -> Self {
        Self {
            id: seen.id.0,
            name: seen.name,
            headline: seen.headline,
            bio: seen.bio,
            courses: seen.courses,
            next_lesson: seen.next_lesson.map(|next| NextLesson {
                id: next.id.0,
                title: next.title,
                starts_at: next.starts.into(),
            }),
        }
    }
}

/// For the wording of schemas.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes Page<Mentor>")]
struct MentorPage {
    items: Vec<Mentor>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// What name or headline hold.
    query: Option<String>,
}

/// Mentors, by when they came.
#[utoipa::path(get, path = "/api/v1/mentors", tag = "teaching", params(Search, PageQuery), responses(
    (status = 200, body = MentorPage),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    Query(search): Query<Search>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Mentor>>, Problem> {
    let limit = page.limit()?;
    let after = page.after_id()?;
    let found =
        state.repository.mentors(query(search.query.as_deref())?, caller.id(), after, limit + 1, state.now()).await?;
    Ok(Json(Page::of(found, limit, |seen| seen.id.to_string()).map(Mentor::from)))
}

/// One mentor.
#[utoipa::path(get, path = "/api/v1/mentors/{id}", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Mentor),
    (status = 304, description = "as If-None-Match says"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn one(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    conditions: Conditions,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let seen = state.repository.mentor(UserId(id), caller.id(), state.now()).await?.ok_or_else(Problem::not_found)?;
    etag::answer(&conditions, seen.version, &Mentor::from(seen))
}

/// What a mentor says of themself.
#[derive(Deserialize, ToSchema)]
struct PageText {
    /// What they teach, in a line of at most 120 characters.
    headline: String,
    /// Who they are, in at most 4,000 characters.
    bio: String,
}

/// Writes one's own page.
#[utoipa::path(put, path = "/api/v1/me/mentor", tag = "teaching", request_body = PageText, responses(
    (status = 200, body = Mentor),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put_page(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Json(text): Json<PageText>,
) -> Result<Json<Mentor>, Problem> {
    require_mentor(&who)?;
    let mut checks = Checks::default();
    let headline = checks.line("headline", &text.headline, 0, TITLE_LENGTH_MAX);
    let bio = checks.lines("bio", &text.bio, SUMMARY_LENGTH_MAX);
    checks.done()?;
    state.repository.put_mentor(who.id(), &headline, &bio, state.now()).await?;
    let seen = state.repository.mentor(who.id(), Some(who.id()), state.now()).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(seen.into()))
}

/// Whether somebody may teach.
pub(crate) fn require_mentor(who: &SignedIn) -> Result<(), Problem> {
    if who.0.user.roles.mentor {
        Ok(())
    } else {
        Err(Problem::forbidden("only mentors teach: ask whoever runs this server to make you one"))
    }
}

/// A key of the mentor's own.
#[derive(Serialize, ToSchema)]
struct OwnKey {
    id: Uuid,
    /// What it is called, and its last characters.
    hint: String,
    created_at: Moment,
    /// The key, in the answer that made it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<MentorKey> for OwnKey {
    fn from(key: MentorKey) -> Self {
        Self { id: key.id, hint: key.label, created_at: key.created.into(), key: None }
    }
}

/// For the wording of schemas.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes Page<OwnKey>")]
struct OwnKeyPage {
    items: Vec<OwnKey>,
    next_cursor: Option<String>,
}

/// The mentor's own keys, oldest first; there are at most 20.
#[utoipa::path(get, path = "/api/v1/me/keys", tag = "teaching", responses(
    (status = 200, body = OwnKeyPage),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn keys(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
) -> Result<Json<Page<OwnKey>>, Problem> {
    require_mentor(&who)?;
    let keys = state.repository.mentor_keys(who.id()).await?;
    Ok(Json(Page { items: keys.into_iter().map(OwnKey::from).collect(), next_cursor: None }))
}

/// What a new key is called.
#[derive(Default, Deserialize, ToSchema)]
struct NewKey {
    /// For instance the device it is for; at most 80 characters.
    #[serde(default)]
    label: String,
}

/// What the label of a key may take of what is kept: the rest is for its last characters.
const LABEL_LENGTH_MAX: usize = KEY_LABEL_LENGTH_MAX - 20;

/// How a key is told from others once it is not shown any more: by its last 4 characters, 24 of its 288 bits.
pub(crate) fn hint(label: &str, key: &str) -> String {
    let last = key.get(key.len().saturating_sub(4)..).unwrap_or_default();
    format!("{label} …{last}").trim_start().to_owned()
}

/// Makes a key. It is in this answer alone.
#[utoipa::path(post, path = "/api/v1/me/keys", tag = "teaching", request_body = Option<NewKey>, responses(
    (status = 201, body = OwnKey),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn make_key(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    body: bytes::Bytes,
) -> Result<(StatusCode, Json<OwnKey>), Problem> {
    require_mentor(&who)?;
    let new: NewKey = object_if_any(&body)?;
    let mut checks = Checks::default();
    let label = checks.line("label", &new.label, 0, LABEL_LENGTH_MAX);
    checks.done()?;
    let (mut kept, key) = MentorKey::create(who.id(), "", state.now());
    kept.label = hint(&label, &key.0);
    state.repository.add_mentor_key(&kept).await?;
    Ok((StatusCode::CREATED, Json(OwnKey { key: Some(key.0), ..kept.into() })))
}

/// Revokes a key: what publishes with it ends.
#[utoipa::path(delete, path = "/api/v1/me/keys/{id}", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete_key(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    state.repository.revoke_mentor_key(who.id(), id, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
