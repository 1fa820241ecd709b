//! Lessons: set, read, changed, called off, begun, ended; who is sent out; chapters.

mod body;
mod written;

pub(crate) use body::{LessonBody, body};
pub(crate) use written::NewLessonBody;

use axum::response::Response;
use control::access::{Action, Person, Standing};
use control::teaching::courses::CourseSeen;
use control::teaching::lessons::{Ban, CHAPTERS_MAX, Chapter, LENGTH_MS_MAX, LessonFilter, LessonSeen, Mine, Scope};
use control::teaching::{Lesson, LessonState, TeachingError};
use control::{CourseId, LessonId, Seq, UserId, Uuid};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::courses::own;
use crate::etag::{self, Conditions};
use crate::extract::{Json, JsonList, Path, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::teaching::{Checks, Named, TITLE_LENGTH_MAX, word};
use written::LessonPatch;

/// Longest reason, in characters: a paragraph that a notice can hold.
const REASON_LENGTH_MAX: usize = 500;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change))
        .routes(routes!(cancel))
        .routes(routes!(start))
        .routes(routes!(end))
        .routes(routes!(chapters, put_chapters))
        .routes(routes!(bans))
        .routes(routes!(ban, lift_ban))
}

/// For the wording of schemas.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes Page<LessonBody>")]
struct LessonPage {
    items: Vec<LessonBody>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `scheduled`, `live`, `ended` or `cancelled`.
    state: Option<String>,
    /// Of that course.
    course: Option<Uuid>,
    /// Of that mentor.
    mentor: Option<Uuid>,
    /// `teaching`; `attending`: of courses that one is in, and those that one attended; `attended`: these alone.
    mine: Option<String>,
    /// That begin then or later.
    from: Option<Moment>,
    /// That begin before.
    until: Option<Moment>,
    /// By begin: `oldest` first, if not said otherwise, or `newest` first.
    order: Option<String>,
}

/// Lessons that one may know of, by begin.
#[utoipa::path(get, path = "/api/v1/lessons", tag = "teaching", params(Filter, PageQuery), responses(
    (status = 200, body = LessonPage),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LessonBody>>, Problem> {
    let limit = page.limit()?;
    let mine = match filter.mine.as_deref() {
        None => None,
        Some(_) if caller.0.is_none() => return Err(Problem::not_signed_in()),
        Some("teaching") => Some(Mine::Teaching),
        Some("attending") => Some(Mine::Attending),
        Some("attended") => Some(Mine::Attended),
        Some(_) => return Err(Problem::field("mine", Wrong::Unknown, "is none of teaching, attending, attended")),
    };
    let newest_first = match filter.order.as_deref() {
        None | Some("oldest") => false,
        Some("newest") => true,
        Some(_) => return Err(Problem::field("order", Wrong::Unknown, "is none of newest, oldest")),
    };
    let filter = LessonFilter {
        state: word::<LessonState>("state", filter.state.as_deref())?,
        course: filter.course.map(CourseId),
        mentor: filter.mentor.map(UserId),
        mine,
        from: filter.from.map(|at| at.0),
        until: filter.until.map(|at| at.0),
        newest_first,
        after: behind(page.after()?)?,
        limit: limit + 1,
    };
    let found = state.repository.lessons(&filter, caller.id()).await?;
    let key = |seen: &LessonSeen| format!("{} {}", seen.standing.lesson.starts.0, seen.standing.lesson.id);
    Ok(Json(Page::of(found, limit, key).map(|seen| body(&state, &seen))))
}

fn behind(after: Option<String>) -> Result<Option<(media::UnixMillis, LessonId)>, Problem> {
    let Some(text) = after else { return Ok(None) };
    let parts = text.split_once(' ').and_then(|(starts, id)| Some((starts.parse().ok()?, id.parse().ok()?)));
    let (starts, id) =
        parts.ok_or_else(|| Problem::field("cursor", Wrong::Malformed, "must be next_cursor of an earlier answer"))?;
    Ok(Some((media::UnixMillis(starts), id)))
}

/// The lessons that were set.
#[derive(Serialize, ToSchema)]
struct Set {
    /// By begin; those of a series have its `series_id`.
    items: Vec<LessonBody>,
}

/// Sets a lesson, or one a week.
#[utoipa::path(post, path = "/api/v1/lessons", tag = "teaching", request_body = NewLessonBody, responses(
    (status = 201, body = Set),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn create(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Json(new): Json<NewLessonBody>,
) -> Result<(StatusCode, Json<Set>), Problem> {
    let items = set(&state, &who, new).await?;
    Ok((StatusCode::CREATED, Json(Set { items })))
}

/// Sets what is asked for, and answers it.
pub(crate) async fn set(state: &State, who: &SignedIn, new: NewLessonBody) -> Result<Vec<LessonBody>, Problem> {
    let course = own(state, who, CourseId(new.course_id)).await?;
    let may_overlap = new.allow_overlap;
    let lessons = new.lessons(&course.course, state.now())?;
    state.repository.create_lessons(&lessons, may_overlap).await?;
    // Not read back: what was set is answered though the database be gone by now.
    Ok(lessons.into_iter().map(|new| body(state, &just_set(new.lesson, &course, who))).collect())
}

/// A lesson that its mentor, who asks, set this moment.
fn just_set(lesson: Lesson, course: &CourseSeen, who: &SignedIn) -> LessonSeen {
    let person = Person {
        id: who.id(),
        roles: who.0.user.roles,
        suspended: who.0.user.suspended.is_some(),
        enrolment: course.mine,
        banned: false,
        attended: None,
    };
    // Nothing hangs on the number of the newest change: no right is granted by it.
    let standing = Standing { seq: Seq(0), lesson, enrolling: course.course.enrolling, person: Some(person) };
    LessonSeen {
        standing,
        course_title: course.course.title.clone(),
        course_archived: course.course.archived.is_some(),
        mentor_name: course.mentor_name.clone(),
        recording: None,
    }
}

/// A lesson as somebody sees it, which they were found to know of.
async fn seen(state: &State, who: Option<UserId>, id: LessonId) -> Result<LessonBody, Problem> {
    let seen = state.repository.lesson(id, who).await?.ok_or_else(Problem::not_found)?;
    Ok(body(state, &seen))
}

/// One lesson.
#[utoipa::path(get, path = "/api/v1/lessons/{id}", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = LessonBody),
    (status = 304, description = "as If-None-Match says"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn one(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    conditions: Conditions,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    permit(&state, caller.id(), LessonId(id), Action::Know).await?;
    let seen = state.repository.lesson(LessonId(id), caller.id()).await?.ok_or_else(Problem::not_found)?;
    etag::answer(&conditions, seen.standing.lesson.version, &body(&state, &seen))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Series {
    /// `following`: the lesson and all behind it in its series that are still to come.
    series: Option<String>,
}

/// Changes a lesson, or it and what follows.
#[utoipa::path(
    patch, path = "/api/v1/lessons/{id}", tag = "teaching", params(("id" = Uuid, Path), Series),
    request_body = LessonPatch,
    responses(
        (status = 200, body = LessonBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn change(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    conditions: Conditions,
    Path(id): Path<Uuid>,
    Query(series): Query<Series>,
    Json(patch): Json<LessonPatch>,
) -> Result<Response, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let scope = match series.series.as_deref() {
        None => Scope::One,
        Some("following") => Scope::Following,
        Some(_) => return Err(Problem::field("series", Wrong::Unknown, "is not following")),
    };
    let edit = patch.edit(scope, conditions.expected(standing.lesson.version)?)?;
    state.repository.change_lessons(LessonId(id), &edit, state.now()).await?;
    let seen = state.repository.lesson(LessonId(id), Some(who.id())).await?.ok_or_else(Problem::not_found)?;
    etag::changed(StatusCode::OK, seen.standing.lesson.version, &body(&state, &seen))
}

/// Why.
#[derive(Default, Deserialize, ToSchema)]
struct Reason {
    /// At most 500 characters. Those who it concerns read it.
    #[serde(default)]
    reason: String,
}

impl Reason {
    fn checked(&self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        let reason = checks.lines("reason", &self.reason, REASON_LENGTH_MAX);
        checks.done()?;
        Ok(reason)
    }
}

/// Calls a lesson off.
#[utoipa::path(
    post, path = "/api/v1/lessons/{id}/cancel", tag = "teaching", params(("id" = Uuid, Path)), request_body = Reason,
    responses(
        (status = 200, body = LessonBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn cancel(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
    Json(reason): Json<Reason>,
) -> Result<Json<LessonBody>, Problem> {
    permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let lesson = state.repository.cancel_lesson(LessonId(id), &reason.checked()?, state.now()).await?;
    state.air.end(lesson.channel);
    Ok(Json(seen(&state, Some(who.id()), LessonId(id)).await?))
}

/// Begins a lesson before its media comes: the waiting room says that it is on. Begun already is no error.
#[utoipa::path(post, path = "/api/v1/lessons/{id}/start", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = LessonBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn start(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<LessonBody>, Problem> {
    let lesson = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?.lesson;
    let now = state.now();
    let Some(slot) = lesson.slot(state.settings.slot_margin_ms) else {
        return Err(TeachingError::NotNow(lesson.state).into());
    };
    if !slot.is_open(now) {
        let detail = format!("the lesson can begin from {} on: change its time to begin now", Moment(slot.opens));
        return Err(Problem::conflict("not-now", detail));
    }
    if state.repository.start_lesson(LessonId(id), state.settings.slot_margin_ms, now).await?.is_none() {
        require(&state, LessonId(id), LessonState::Live).await?;
    }
    Ok(Json(seen(&state, Some(who.id()), LessonId(id)).await?))
}

/// Ends a lesson and its stream. Ended already is no error.
#[utoipa::path(post, path = "/api/v1/lessons/{id}/end", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = LessonBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn end(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<LessonBody>, Problem> {
    permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    match state.repository.end_lesson(LessonId(id), state.now()).await? {
        Some(lesson) => state.air.end(lesson.channel),
        None => require(&state, LessonId(id), LessonState::Ended).await?,
    }
    Ok(Json(seen(&state, Some(who.id()), LessonId(id)).await?))
}

/// It is in that state already: whoever asked twice is answered alike.
async fn require(state: &State, id: LessonId, wanted: LessonState) -> Result<(), Problem> {
    let standing = state.repository.standing(None, id).await?.ok_or_else(Problem::not_found)?;
    match standing.lesson.state {
        same if same == wanted => Ok(()),
        other => Err(TeachingError::NotNow(other).into()),
    }
}

/// A named stretch of the recording.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Chapter)]
struct ChapterBody {
    /// From the recording's first frame.
    at_ms: i64,
    /// 1 to 120 characters.
    title: String,
}

/// The chapters of the recording, in order; for those it plays for.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/chapters", tag = "teaching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Vec<ChapterBody>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn chapters(
    axum::extract::State(state): axum::extract::State<State>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<ChapterBody>>, Problem> {
    permit(&state, caller.id(), LessonId(id), Action::Replay).await?;
    let found = state.repository.chapters(LessonId(id)).await?;
    Ok(Json(found.into_iter().map(|chapter| ChapterBody { at_ms: chapter.at_ms, title: chapter.title }).collect()))
}

/// Puts these chapters in place of those that were.
#[utoipa::path(
    put, path = "/api/v1/lessons/{id}/chapters", tag = "teaching", params(("id" = Uuid, Path)),
    request_body = Vec<ChapterBody>,
    responses(
        (status = 200, body = Vec<ChapterBody>),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn put_chapters(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
    JsonList(new): JsonList<ChapterBody>,
) -> Result<Json<Vec<ChapterBody>>, Problem> {
    permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let mut checks = Checks::default();
    checks.that(new.len() <= CHAPTERS_MAX, "body", Wrong::TooMany, "must have at most 240 chapters");
    let mut kept: Vec<Chapter> = Vec::new();
    for (at, chapter) in new.iter().take(CHAPTERS_MAX).enumerate() {
        let title = checks.line(&format!("{at}.title"), &chapter.title, 1, TITLE_LENGTH_MAX);
        let in_order = kept.last().is_none_or(|before| before.at_ms < chapter.at_ms);
        // A lesson may run over; twice the longest is no slip of the hand.
        let fits = (0..=2 * LENGTH_MS_MAX).contains(&chapter.at_ms) && in_order;
        checks.that(
            fits,
            &format!("{at}.at_ms"),
            Wrong::OutOfRange,
            "must be 0 or more, and more than of the chapter before",
        );
        kept.push(Chapter { at_ms: chapter.at_ms, title });
    }
    checks.done()?;
    state.repository.put_chapters(LessonId(id), &kept, state.now()).await?;
    let body = kept.into_iter().map(|chapter| ChapterBody { at_ms: chapter.at_ms, title: chapter.title });
    Ok(Json(body.collect()))
}

/// Somebody who is sent out.
#[derive(Serialize, ToSchema)]
struct BanBody {
    user: Named,
    /// As the mentor wrote it; may be empty.
    reason: String,
    since_at: Moment,
}

/// Who is sent out, by id; for the lesson's mentor.
#[utoipa::path(
    get, path = "/api/v1/lessons/{id}/bans", tag = "watching", params(("id" = Uuid, Path), PageQuery),
    responses(
        (status = 200, body = Page<BanBody>),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn bans(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BanBody>>, Problem> {
    permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let limit = page.limit()?;
    let found = state.repository.bans(LessonId(id), page.after_id()?, limit + 1).await?;
    Ok(Json(Page::of(found, limit, |ban| ban.user.to_string()).map(|ban| BanBody {
        user: Named::new(ban.user, &ban.name),
        reason: ban.reason,
        since_at: ban.since.into(),
    })))
}

/// Sends somebody out of the lesson: they watch, comment and replay no more. Out already is no error.
#[utoipa::path(
    put, path = "/api/v1/lessons/{id}/bans/{user}", tag = "watching",
    params(("id" = Uuid, Path), ("user" = Uuid, Path)), request_body = Reason,
    responses(
        (status = 204),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn ban(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path((id, user)): Path<(Uuid, Uuid)>,
    Json(reason): Json<Reason>,
) -> Result<StatusCode, Problem> {
    let lesson = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?.lesson;
    if UserId(user) == lesson.mentor {
        return Err(Problem::field(
            "user",
            Wrong::NotAllowed,
            "must not be the mentor of the lesson: end the lesson instead",
        ));
    }
    let ban = Ban { lesson: lesson.id, user: UserId(user), by: who.id(), reason: reason.checked()? };
    state.repository.ban(&ban, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets somebody in again. Who was not sent out is no error.
#[utoipa::path(
    delete, path = "/api/v1/lessons/{id}/bans/{user}", tag = "watching",
    params(("id" = Uuid, Path), ("user" = Uuid, Path)),
    responses(
        (status = 204),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn lift_ban(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path((id, user)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    state.repository.lift_ban(LessonId(id), UserId(user), state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
