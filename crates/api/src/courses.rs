//! Courses.

use axum::response::Response;
use control::teaching::courses::{CourseChange, CourseFilter, CourseSeen, Mine};
use control::teaching::{Course, Enrolling};
use control::{CourseId, KeyHash, UserId, Uuid};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::enrolments::TOKEN_LENGTH_MAX;
use crate::etag::{self, Conditions};
use crate::extract::{Json, Path, Query};
use crate::mentors::require_mentor;
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::teaching::{Checks, Named, SUMMARY_LENGTH_MAX, TITLE_LENGTH_MAX, named, query};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(one, change, archive))
}

/// A course, as who asks sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Course)]
struct CourseBody {
    id: Uuid,
    mentor: Named,
    title: String,
    summary: String,
    /// `open`, `invitation` or `approval`.
    enrolment: &'static str,
    /// How many may be in; null: any number.
    capacity: Option<u32>,
    /// How many are in.
    enrolled: u32,
    /// One's own place: `requested`, `active`, `declined`, `left`, `removed`.
    my_enrolment: Option<&'static str>,
    archived_at: Option<Moment>,
    created_at: Moment,
}

impl From<&CourseSeen> for CourseBody {
    fn from(seen: &CourseSeen) -> Self {
        let course = &seen.course;
        Self {
            id: course.id.0,
            mentor: Named::new(course.mentor, &seen.mentor_name),
            title: course.title.clone(),
            summary: course.summary.clone(),
            enrolment: course.enrolling.as_str(),
            capacity: course.capacity,
            enrolled: seen.enrolled,
            my_enrolment: seen.mine.map(control::teaching::EnrolmentState::as_str),
            archived_at: course.archived.map(Moment::from),
            created_at: course.created.into(),
        }
    }
}

/// For the wording of schemas.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes Page<CourseBody>")]
struct CoursePage {
    items: Vec<CourseBody>,
    next_cursor: Option<String>,
}

/// A course that whoever asks may know of.
pub(crate) async fn known(state: &State, caller: &Caller, id: CourseId) -> Result<CourseSeen, Problem> {
    let seen = state.repository.course(id, caller.id()).await?.ok_or_else(Problem::not_found)?;
    let roles = caller.0.as_ref().map(|principal| principal.user.roles).unwrap_or_default();
    if seen.may_be_known(caller.id(), roles) { Ok(seen) } else { Err(Problem::not_found()) }
}

/// A course of whoever asks: 404 if they may not know of it, 403 if it is another's.
pub(crate) async fn own(state: &State, who: &SignedIn, id: CourseId) -> Result<CourseSeen, Problem> {
    let seen = known(state, &Caller(Some(who.0.clone())), id).await?;
    if seen.course.mentor == who.id() {
        require_mentor(who)?;
        Ok(seen)
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-yours",
            "not allowed",
            "only the mentor of the course may do this",
        ))
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Of that mentor.
    mentor: Option<Uuid>,
    /// `teaching`; `following`: in which one is or has asked to be; `true`: either. Archived ones too.
    mine: Option<String>,
    /// What title or summary hold.
    query: Option<String>,
}

/// Courses that one may know of, oldest first.
#[utoipa::path(get, path = "/api/v1/courses", tag = "teaching", params(Filter, PageQuery), responses(
    (status = 200, body = CoursePage),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CourseBody>>, Problem> {
    let mine = match filter.mine.as_deref() {
        None | Some("false") => None,
        Some(_) if caller.0.is_none() => return Err(Problem::not_signed_in()),
        Some("true") => Some(Mine::Either),
        Some("teaching") => Some(Mine::Teaching),
        Some("following") => Some(Mine::Following),
        Some(_) => return Err(Problem::field("mine", Wrong::Unknown, "is none of teaching, following, true")),
    };
    let limit = page.limit()?;
    let filter = CourseFilter {
        mentor: filter.mentor.map(UserId),
        mine,
        query: query(filter.query.as_deref())?.map(str::to_owned),
        after: page.after_id()?,
        limit: limit + 1,
    };
    let found = state.repository.courses(&filter, caller.id()).await?;
    let page = Page::of(found, limit, |seen| seen.course.id.to_string());
    Ok(Json(page.map(|seen| CourseBody::from(&seen))))
}

/// A course to be made.
#[derive(Deserialize, ToSchema)]
struct NewCourse {
    /// 1 to 120 characters.
    title: String,
    /// At most 4,000 characters.
    #[serde(default)]
    summary: String,
    /// `open`, `invitation` or `approval`.
    enrolment: String,
    /// 1 to 100,000; null: any number.
    capacity: Option<u32>,
}

/// Makes a course.
#[utoipa::path(post, path = "/api/v1/courses", tag = "teaching", request_body = NewCourse, responses(
    (status = 201, body = CourseBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn create(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Json(new): Json<NewCourse>,
) -> Result<Response, Problem> {
    require_mentor(&who)?;
    let mut checks = Checks::default();
    let title = checks.line("title", &new.title, 1, TITLE_LENGTH_MAX);
    let summary = checks.lines("summary", &new.summary, SUMMARY_LENGTH_MAX);
    let capacity = checks.capacity(new.capacity);
    let enrolling = enrolling(&mut checks, &new.enrolment);
    checks.done()?;
    let now = state.now();
    let course = Course {
        id: CourseId::new(now),
        mentor: who.id(),
        title,
        summary,
        enrolling,
        capacity,
        archived: None,
        created: now,
        version: 1,
    };
    state.repository.create_course(&course).await?;
    let seen = CourseSeen { course, mentor_name: who.0.user.name.clone(), enrolled: 0, mine: None, attended: false };
    etag::changed(StatusCode::CREATED, seen.course.version, &CourseBody::from(&seen))
}

fn enrolling(checks: &mut Checks, text: &str) -> Enrolling {
    text.parse().unwrap_or_else(|error: control::teaching::EnrollingError| {
        checks.that(false, "enrolment", Wrong::Unknown, &error.to_string());
        Enrolling::Invitation
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Shown {
    /// The token of an invitation that holds shows a course by invitation before one is in it.
    invitation: Option<String>,
}

/// One course.
#[utoipa::path(get, path = "/api/v1/courses/{id}", tag = "teaching", params(("id" = Uuid, Path), Shown), responses(
    (status = 200, body = CourseBody),
    (status = 304, description = "as If-None-Match says"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn one(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    conditions: Conditions,
    Path(id): Path<Uuid>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let id = CourseId(id);
    let is_invited = match shown.invitation.filter(|token| token.len() <= TOKEN_LENGTH_MAX) {
        Some(token) => state.repository.is_invited(id, KeyHash::of(token.trim()), state.now()).await?,
        None => false,
    };
    let seen = if is_invited {
        state.repository.course(id, caller.id()).await?.ok_or_else(Problem::not_found)?
    } else {
        known(&state, &caller, id).await?
    };
    etag::answer(&conditions, seen.course.version, &CourseBody::from(&seen))
}

/// What of a course is to be changed; what is missing stays.
#[derive(Deserialize, ToSchema)]
struct CoursePatch {
    title: Option<String>,
    summary: Option<String>,
    enrolment: Option<String>,
    /// null: any number.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<u32>)]
    capacity: Option<Option<u32>>,
    /// Over: nobody gets in, no lesson is set; recordings stay.
    archived: Option<bool>,
}

/// Changes a course.
#[utoipa::path(
    patch, path = "/api/v1/courses/{id}", tag = "teaching", params(("id" = Uuid, Path)), request_body = CoursePatch,
    responses(
        (status = 200, body = CourseBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn change(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    conditions: Conditions,
    Path(id): Path<Uuid>,
    Json(patch): Json<CoursePatch>,
) -> Result<Response, Problem> {
    own(&state, &who, CourseId(id)).await?;
    let mut checks = Checks::default();
    let change = CourseChange {
        title: patch.title.map(|text| checks.line("title", &text, 1, TITLE_LENGTH_MAX)),
        summary: patch.summary.map(|text| checks.lines("summary", &text, SUMMARY_LENGTH_MAX)),
        enrolling: patch.enrolment.map(|text| enrolling(&mut checks, &text)),
        capacity: patch.capacity.map(|capacity| checks.capacity(capacity)),
        archived: patch.archived,
    };
    checks.done()?;
    changed(&state, &who, id, &change, &conditions).await
}

async fn changed(
    state: &State,
    who: &SignedIn,
    id: Uuid,
    change: &CourseChange,
    conditions: &Conditions,
) -> Result<Response, Problem> {
    let current = own(state, who, CourseId(id)).await?.course.version;
    state.repository.change_course(CourseId(id), change, conditions.expected(current)?, state.now()).await?;
    let seen = own(state, who, CourseId(id)).await?;
    etag::changed(StatusCode::OK, seen.course.version, &CourseBody::from(&seen))
}

/// Archives a course.
#[utoipa::path(delete, path = "/api/v1/courses/{id}", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn archive(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    conditions: Conditions,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    own(&state, &who, CourseId(id)).await?;
    let change = CourseChange { archived: Some(true), ..CourseChange::default() };
    changed(&state, &who, id, &change, &conditions).await?;
    Ok(StatusCode::NO_CONTENT)
}
