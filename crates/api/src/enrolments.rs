//! Getting into a course and out of it: by oneself, by invitation, by its mentor.

use control::teaching::courses::{Enrolled, INVITATIONS_MAX, Invitation, Verdict};
use control::teaching::{EnrolmentState, TeachingError};
use control::{CourseId, KeyHash, UserId, Uuid};
use http::StatusCode;
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::courses::{known, own};
use crate::extract::{Json, Path, Query, object_if_any};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::teaching::{Checks, Named, origin, word};
use crate::visit::Visit;

/// Longest token that is looked at: twice ours.
pub(crate) const TOKEN_LENGTH_MAX: usize = 96;
/// People that one invitation lets in at most: a school.
const USES_MAX: u32 = 10_000;
/// How long an invitation holds if it is not said: two weeks.
const HOLDS_MS: i64 = 14 * 86_400_000;
/// How long it holds at most: a year.
const HOLDS_MS_MAX: i64 = 366 * 86_400_000;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(enrol, leave))
        .routes(routes!(list))
        .routes(routes!(decide))
        .routes(routes!(invitations, invite))
        .routes(routes!(withdraw))
}

/// How somebody wants to get in.
#[derive(Default, Deserialize, ToSchema)]
struct Wish {
    /// The token of an invitation.
    invitation: Option<String>,
}

/// One's place.
#[derive(Serialize, ToSchema)]
struct PlaceBody {
    /// `active`, or `requested`: its mentor decides.
    state: &'static str,
}

/// Enrols, or asks to.
#[utoipa::path(
    post, path = "/api/v1/courses/{id}/enrolment", tag = "teaching", params(("id" = Uuid, Path)),
    request_body = Option<Wish>,
    responses(
        (status = 201, body = PlaceBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn enrol(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
    body: bytes::Bytes,
) -> Result<(StatusCode, Json<PlaceBody>), Problem> {
    let wish: Wish = object_if_any(&body)?;
    let token = wish.invitation.filter(|token| token.len() <= TOKEN_LENGTH_MAX).map(|token| KeyHash::of(token.trim()));
    let is_known = known(&state, &Caller(Some(who.0.clone())), CourseId(id)).await.map(|_| ());
    if token.is_none() {
        is_known.clone()?;
    }
    match state.repository.enrol(CourseId(id), who.id(), token, state.now()).await {
        Ok(place) => Ok((StatusCode::CREATED, Json(PlaceBody { state: place.as_str() }))),
        Err(TeachingError::Repository(error)) if !matches!(error, control::RepositoryError::NotFound(_)) => {
            Err(error.into())
        }
        // Whether there is such a course, and how it is, is told to nobody who shows a token that opens nothing.
        Err(_) if is_known.is_err() => {
            let detail = "this invitation opens nothing: ask the mentor for another one";
            Err(Problem::new(StatusCode::NOT_FOUND, "not-invited", "not found", detail))
        }
        Err(error) => Err(error.into()),
    }
}

/// Leaves the course, or takes the request back. What one attended can still be watched.
#[utoipa::path(
    delete, path = "/api/v1/courses/{id}/enrolment", tag = "teaching", params(("id" = Uuid, Path)),
    responses(
        (status = 204),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn leave(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    known(&state, &Caller(Some(who.0.clone())), CourseId(id)).await?;
    state.repository.leave(CourseId(id), who.id(), state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody's place in the course.
#[derive(Serialize, ToSchema)]
struct EnrolmentBody {
    user: Named,
    /// `requested`, `active`, `declined`, `left`, `removed`.
    state: &'static str,
    created_at: Moment,
}

impl From<Enrolled> for EnrolmentBody {
    fn from(enrolled: Enrolled) -> Self {
        Self {
            user: Named::new(enrolled.user, &enrolled.name),
            state: enrolled.state.as_str(),
            created_at: enrolled.created.into(),
        }
    }
}

/// For the wording of schemas.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes Page<EnrolmentBody>")]
struct EnrolmentPage {
    items: Vec<EnrolmentBody>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `requested`, `active`, `declined`, `left` or `removed`.
    state: Option<String>,
}

/// Who is in the course, asked to be, or was.
#[utoipa::path(
    get, path = "/api/v1/courses/{id}/enrolments", tag = "teaching", params(("id" = Uuid, Path), Filter, PageQuery),
    responses(
        (status = 200, body = EnrolmentPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<EnrolmentBody>>, Problem> {
    own(&state, &who, CourseId(id)).await?;
    let limit = page.limit()?;
    let place = word::<EnrolmentState>("state", filter.state.as_deref())?;
    let found = state.repository.enrolments(CourseId(id), place, page.after_id()?, limit + 1).await?;
    Ok(Json(Page::of(found, limit, |enrolled| enrolled.user.to_string()).map(EnrolmentBody::from)))
}

/// What the mentor says.
#[derive(Deserialize, ToSchema)]
struct VerdictBody {
    /// `active`, `declined` or `removed`.
    state: String,
}

/// Lets somebody in, declines, or puts out.
#[utoipa::path(
    patch, path = "/api/v1/courses/{id}/enrolments/{user}", tag = "teaching",
    params(("id" = Uuid, Path), ("user" = Uuid, Path)), request_body = VerdictBody,
    responses(
        (status = 200, body = EnrolmentBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn decide(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path((id, user)): Path<(Uuid, Uuid)>,
    Json(body): Json<VerdictBody>,
) -> Result<Json<EnrolmentBody>, Problem> {
    own(&state, &who, CourseId(id)).await?;
    let verdict = match body.state.as_str() {
        "active" => Verdict::Active,
        "declined" => Verdict::Declined,
        "removed" => Verdict::Removed,
        _ => return Err(Problem::field("state", Wrong::Unknown, "is none of active, declined, removed")),
    };
    let decided = state.repository.decide_enrolment(CourseId(id), UserId(user), verdict, state.now()).await?;
    Ok(Json(decided.into()))
}

/// A way into the course.
#[derive(Serialize, ToSchema)]
struct InvitationBody {
    id: Uuid,
    /// What to hand on, in the answer that made it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// How many more it lets in.
    uses_left: u32,
    expires_at: Moment,
}

impl From<&Invitation> for InvitationBody {
    fn from(invitation: &Invitation) -> Self {
        Self { id: invitation.id, url: None, uses_left: invitation.uses_left, expires_at: invitation.expires.into() }
    }
}

/// For the wording of schemas.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes Page<InvitationBody>")]
struct InvitationPage {
    items: Vec<InvitationBody>,
    next_cursor: Option<String>,
}

/// The course's invitations that hold, oldest first; there are at most 100.
#[utoipa::path(
    get, path = "/api/v1/courses/{id}/invitations", tag = "teaching", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = InvitationPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn invitations(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Page<InvitationBody>>, Problem> {
    own(&state, &who, CourseId(id)).await?;
    let found = state.repository.invitations(CourseId(id), state.now()).await?;
    debug_assert!(found.len() <= INVITATIONS_MAX as usize);
    Ok(Json(Page { items: found.iter().map(InvitationBody::from).collect(), next_cursor: None }))
}

/// An invitation to be made.
#[derive(Default, Deserialize, ToSchema)]
struct NewInvitation {
    /// How many it lets in, 1 to 10,000; 1 if null.
    uses: Option<u32>,
    /// Within a year; in two weeks if null.
    expires_at: Option<Moment>,
}

/// Makes an invitation. Its address is in this answer alone.
#[utoipa::path(
    post, path = "/api/v1/courses/{id}/invitations", tag = "teaching", params(("id" = Uuid, Path)),
    request_body = NewInvitation,
    responses(
        (status = 201, body = InvitationBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn invite(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    who: SignedIn,
    Path(id): Path<Uuid>,
    Json(new): Json<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationBody>), Problem> {
    own(&state, &who, CourseId(id)).await?;
    let now = state.now();
    let uses = new.uses.unwrap_or(1);
    let expires = new.expires_at.map_or(now.plus_millis(HOLDS_MS), |at| at.0);
    let mut checks = Checks::default();
    checks.that((1..=USES_MAX).contains(&uses), "uses", Wrong::OutOfRange, "must be 1 to 10000");
    let in_time = now < expires && expires <= UnixMillis(now.0 + HOLDS_MS_MAX);
    checks.that(in_time, "expires_at", Wrong::InThePast, "must be in the future and within a year");
    checks.done()?;
    let (invitation, token) = Invitation::create(CourseId(id), uses, expires, now);
    state.repository.create_invitation(&invitation, now).await?;
    // Behind the `#`, which browsers send to no server and name in no Referer: the token is in no log.
    let url = format!("{}/mymentor/courses/{id}#{}", origin(&visit), token.0);
    Ok((StatusCode::CREATED, Json(InvitationBody { url: Some(url), ..InvitationBody::from(&invitation) })))
}

/// Withdraws an invitation.
#[utoipa::path(
    delete, path = "/api/v1/courses/{id}/invitations/{invitation}", tag = "teaching",
    params(("id" = Uuid, Path), ("invitation" = Uuid, Path)),
    responses(
        (status = 204),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn withdraw(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path((id, invitation)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    own(&state, &who, CourseId(id)).await?;
    state.repository.revoke_invitation(CourseId(id), invitation, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
