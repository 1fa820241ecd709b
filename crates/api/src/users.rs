//! People, as operators see and change them.

use axum::response::Response;
use control::audit::{AuditAction, AuditEntry};
use control::identity::{Changed, LinkPurpose, OneTimeLink, UserChange, link_path};
use control::{Roles, User, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::Operator;
use crate::etag::{self, Conditions};
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::visit::Visit;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, change)).routes(routes!(make_link))
}

/// Longest text that is searched for: the longest address.
const QUERY_LENGTH_MAX: usize = 254;

/// Somebody, to operators.
#[derive(Serialize, ToSchema)]
struct UserBody {
    id: Uuid,
    email: String,
    name: String,
    /// `id` or `en`.
    locale: &'static str,
    /// IANA name of the time zone.
    zone: String,
    /// Of `mentee`, `mentor`, `operator`.
    roles: Vec<&'static str>,
    is_mentor: bool,
    /// When the address was confirmed.
    verified_at: Option<Moment>,
    suspended_at: Option<Moment>,
    created_at: Moment,
}

impl From<&User> for UserBody {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.0,
            email: user.email.clone(),
            name: user.name.clone(),
            locale: user.locale.as_str(),
            zone: user.zone.clone(),
            roles: user.roles.words(),
            is_mentor: user.roles.mentor,
            verified_at: user.verified.map(Moment),
            suspended_at: user.suspended.map(Moment),
            created_at: user.created.into(),
        }
    }
}

/// Whom to find.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// A part of their address or name.
    query: Option<String>,
}

/// People whose address or name has that text in it.
#[utoipa::path(get, path = "/api/v1/users", tag = "operators", params(Search, PageQuery), responses(
    (status = 200, body = Page<UserBody>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    _: Operator,
    Query(search): Query<Search>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<UserBody>>, Problem> {
    let text = search.query.unwrap_or_default();
    if text.len() > QUERY_LENGTH_MAX {
        return Err(Problem::field("query", Wrong::TooLong, "must have at most 254 bytes"));
    }
    let limit = page.limit()?;
    let users = state.repository.users(text.trim(), page.after_id()?, limit + 1).await?;
    Ok(Json(Page::of(users, limit, |user| user.id.to_string()).map(|user| UserBody::from(&user))))
}

/// One of them.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "operators", params(("id" = Uuid, Path)), responses(
    (status = 200, body = UserBody),
    (status = 304, description = "As known by `If-None-Match`."),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read(
    axum::extract::State(state): axum::extract::State<State>,
    _: Operator,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let user = state.repository.user(UserId(id)).await?.ok_or_else(Problem::not_found)?;
    etag::answer(&conditions, user.version, &UserBody::from(&user))
}

/// What operators may change of somebody.
#[derive(Deserialize, ToSchema)]
struct UserPatch {
    /// Of `mentee`, `mentor`, `operator`: all that they have then.
    roles: Option<Vec<String>>,
    /// Whether they may nothing. All their devices are signed out.
    suspended: Option<bool>,
}

/// Gives and takes roles, suspends and restores.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "operators", params(("id" = Uuid, Path)),
    request_body = UserPatch, responses(
    (status = 200, body = UserBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change(
    axum::extract::State(state): axum::extract::State<State>,
    Operator(operator): Operator,
    Path(id): Path<Uuid>,
    conditions: Conditions,
    Json(patch): Json<UserPatch>,
) -> Result<Response, Problem> {
    let roles = match &patch.roles {
        None => None,
        Some(words) => Some(
            Roles::of_words(words.iter().map(String::as_str))
                .ok_or_else(|| Problem::field("roles", Wrong::Unknown, "must be of mentee, mentor, operator"))?,
        ),
    };
    let (id, by) = (UserId(id), operator.id());
    if id == by && patch.suspended == Some(true) {
        return Err(Problem::conflict("yourself", "you cannot suspend yourself: ask another operator"));
    }
    let change = UserChange { roles, suspended: patch.suspended, ..UserChange::default() };
    let current = state.repository.user(id).await?.ok_or_else(Problem::not_found)?.version;
    let done = state.repository.change_user(id, conditions.expected(current)?, &change, Some(by), state.now()).await?;
    state.known().forget_person(id);
    match done {
        Changed::Done(user) => etag::changed(StatusCode::OK, user.version, &UserBody::from(&*user)),
        Changed::Stale => Err(Problem::changed_meanwhile()),
        Changed::LastOperator => Err(Problem::conflict(
            "last-operator",
            "nobody would be left to run this server: make somebody else an operator first",
        )),
    }
}

/// A link that signs somebody in, once.
#[derive(Serialize, ToSchema)]
struct SignInLink {
    /// Shown this once.
    url: String,
    expires_at: Moment,
}

/// Makes a link that signs somebody in, once; the one before is void.
#[utoipa::path(post, path = "/api/v1/users/{id}/sign-in-link", tag = "operators", params(("id" = Uuid, Path)), responses(
    (status = 201, body = SignInLink),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn make_link(
    axum::extract::State(state): axum::extract::State<State>,
    Operator(operator): Operator,
    Path(id): Path<Uuid>,
    visit: Visit,
) -> Result<(StatusCode, Json<SignInLink>), Problem> {
    let user = state.repository.user(UserId(id)).await?.ok_or_else(Problem::not_found)?;
    if user.suspended.is_some() {
        return Err(Problem::conflict("suspended", "this account is suspended: restore it first"));
    }
    let (base, now) = (visit.base()?, state.now());
    let (link, token) = OneTimeLink::create(user.id, LinkPurpose::SignIn, now);
    let entry = AuditEntry::about(now, Some(operator.id()), AuditAction::LinkMade, user.id, "by an operator");
    state.repository.create_link(&link, &entry).await?;
    let url = format!("{base}{}", link_path(user.roles, link.purpose, &token).0);
    Ok((StatusCode::CREATED, Json(SignInLink { url, expires_at: link.expires.into() })))
}
