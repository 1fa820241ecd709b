//! The addresses of the lesson systems before: scheduling, the page of a live, and recordings by the name of an application.
//!
//! They answer as those systems documented them, from the same lessons and with the same rights as everything else.

use axum::response::{IntoResponse as _, Response};
use control::access::{Action, decide};
use control::earlier::{Beside, Place};
use control::teaching::courses::CourseFilter;
use control::{LessonId, UserId, Uuid};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::extract::{Json, Path, Query};
use crate::lessons::{NewLessonBody, body, set};
use crate::moment::Moment;
use crate::page::{LIMIT_MAX, Page, PageQuery};
use crate::permit::permit;
use crate::playback::{longest, recordings_of};
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::teaching::origin;
use crate::visit::Visit;

/// Longest word that is looked for: an application, a slash, a name.
const WORD_LENGTH_MAX: usize = 200;
/// How long a lesson is if it is not said.
const MINUTES: i64 = 60;

/// The routes, with and without a slash at the end.
pub fn routes() -> OpenApiRouter<State> {
    use axum::routing::{get, post};
    OpenApiRouter::new()
        .routes(routes!(schedule))
        .routes(routes!(live))
        .routes(routes!(store_live, recordings))
        .route("/livestream", post(schedule))
        .route("/mentor/{id}/live/{live_id}", get(live))
        .route("/store-live/", post(store_live).get(recordings))
}

/// A session to be scheduled, as JSON or as a form. Other spellings that are taken: `name`, `summary`, `course`, `starts_at`,
/// `ends_at`, `duration`, `timezone`.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes what `Fields` reads")]
struct Livestream {
    title: String,
    description: Option<String>,
    /// One's own; without it the newest course that is not over.
    course_id: Option<Uuid>,
    start_time: Moment,
    /// Or `duration_minutes`; without both an hour.
    end_time: Option<Moment>,
    duration_minutes: Option<u32>,
    /// Without it, the mentor's own.
    zone: Option<String>,
    /// If given: one's own id.
    mentor_id: Option<Uuid>,
}

/// The fields of a body, whatever they are written in.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let pairs = url::form_urlencoded::parse(body);
            return Ok(Self(
                pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect(),
            ));
        }
        serde_json::from_slice(body).map(Self).map_err(|_| {
            Problem::field(
                "body",
                Wrong::Malformed,
                "must be a JSON object, or a form as application/x-www-form-urlencoded",
            )
        })
    }

    /// The first of these that is there, as text.
    pub(crate) fn text(&self, names: &[&str]) -> Option<String> {
        let found = names.iter().find_map(|name| self.0.get(*name).filter(|value| !value.is_null()))?;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned)).filter(|text| !text.is_empty())
    }

    fn parsed<T>(
        &self,
        names: &[&str],
        (wrong, must): (Wrong, &str),
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let field = names.first().copied().unwrap_or_default();
        self.text(names).map(|text| parse(&text).ok_or_else(|| Problem::field(field, wrong, must))).transpose()
    }

    fn moment(&self, names: &[&str]) -> Result<Option<Moment>, Problem> {
        let read = |text: &str| serde_json::from_value(Value::String(text.to_owned())).ok();
        self.parsed(names, (Wrong::NotATime, "must be a time as 2026-11-28T12:00:00Z"), read)
    }

    fn id(&self, names: &[&str]) -> Result<Option<Uuid>, Problem> {
        self.parsed(names, (Wrong::Malformed, "must be an id"), |text| text.parse().ok())
    }
}

/// What was scheduled.
#[derive(Serialize, ToSchema)]
struct Scheduled {
    /// `scheduled`.
    status: &'static str,
    message: &'static str,
    live_id: Uuid,
    mentor_id: Uuid,
    course_id: Uuid,
    title: String,
    start_time: Moment,
    end_time: Moment,
    url: String,
}

/// Schedules a session of the mentor who asks; the mentees of the course are told.
#[utoipa::path(post, path = "/livestream/", tag = "earlier", request_body = Livestream, responses(
    (status = 201, body = Scheduled),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "no such course"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn schedule(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    headers: HeaderMap,
    who: SignedIn,
    bytes: bytes::Bytes,
) -> Result<(StatusCode, Json<Scheduled>), Problem> {
    crate::mentors::require_mentor(&who)?;
    let fields = Fields::read(&headers, &bytes)?;
    if fields.id(&["mentor_id", "mentor"])?.is_some_and(|mentor| mentor != who.id().0) {
        return Err(Problem::forbidden("you can schedule your own sessions only: leave mentor_id out"));
    }
    let missing = |field| Problem::field(field, Wrong::Required, "is missing");
    let starts_at = fields.moment(&["start_time", "starts_at"])?.ok_or_else(|| missing("start_time"))?;
    let minutes = fields.parsed(
        &["duration_minutes", "duration"],
        (Wrong::Malformed, "must be a number of minutes"),
        |text| text.parse::<i64>().ok().filter(|minutes| (0..=100_000).contains(minutes)),
    )?;
    let by_length = Moment(starts_at.0.plus_millis(minutes.unwrap_or(MINUTES) * 60_000));
    let new = NewLessonBody {
        course_id: match fields.id(&["course_id", "course"])? {
            Some(course) => course,
            None => newest_course(&state, who.id()).await?,
        },
        title: fields.text(&["title", "name"]).ok_or_else(|| missing("title"))?,
        summary: fields.text(&["description", "summary"]).unwrap_or_default(),
        starts_at,
        ends_at: fields.moment(&["end_time", "ends_at"])?.unwrap_or(by_length),
        zone: fields.text(&["zone", "timezone"]).unwrap_or_else(|| who.0.user.zone.clone()),
        repeat_weeks: None,
        capacity: None,
        slow_ms: 0,
        comments_on: true,
        review_on: false,
        word_filter: Vec::new(),
        allow_overlap: false,
    };
    let mut items = set(&state, &who, new).await?;
    let lesson = items.pop().ok_or_else(Problem::not_found)?;
    let scheduled = Scheduled {
        status: "scheduled",
        message: "the session is scheduled; the mentees of the course will be told",
        live_id: lesson.id,
        mentor_id: who.id().0,
        course_id: lesson.course.id,
        title: lesson.title,
        start_time: lesson.starts_at,
        end_time: lesson.ends_at,
        url: format!("{}/mentor/{}/live/{}/", origin(&visit), who.id(), lesson.id),
    };
    Ok((StatusCode::CREATED, Json(scheduled)))
}

async fn newest_course(state: &State, mentor: UserId) -> Result<Uuid, Problem> {
    let mut filter = CourseFilter { mentor: Some(mentor), limit: crate::page::LIMIT_MAX, ..CourseFilter::default() };
    let mut newest = None;
    loop {
        let found = state.repository.courses(&filter, Some(mentor)).await?;
        let Some(last) = found.last() else { break };
        newest = Some(last.course.id);
        filter.after = newest;
    }
    newest.map(|id| id.0).ok_or_else(|| {
        Problem::field("course_id", Wrong::Required, "is missing, and you have no course: make one first")
    })
}

/// A live or what it left, its mentor and its course.
#[utoipa::path(
    get, path = "/mentor/{id}/live/{live_id}/", tag = "earlier", params(("id" = Uuid, Path), ("live_id" = Uuid, Path)),
    responses(
        (status = 200, body = Object),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn live(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    caller: Caller,
    Path((mentor, id)): Path<(Uuid, Uuid)>,
) -> Result<Json<Value>, Problem> {
    let lesson = permit(&state, caller.id(), LessonId(id), Action::Know).await?.lesson;
    if lesson.mentor != UserId(mentor) {
        return Err(Problem::not_found());
    }
    let seen = state.repository.lesson(lesson.id, caller.id()).await?.ok_or_else(Problem::not_found)?;
    let profile = state.repository.mentor(lesson.mentor, caller.id(), state.now()).await?;
    let course = state.repository.course(lesson.course, caller.id()).await?.ok_or_else(Problem::not_found)?;
    let origin = origin(&visit);
    let media = format!("{origin}/{}", control::teaching::lessons::path_of(lesson.id));
    let shown = body(&state, &seen);
    let recorded = match shown.can.replay {
        true => recordings_of(&state, lesson.channel).await?.into_iter().max_by_key(longest),
        false => None,
    };
    Ok(Json(json!({
        "live_id": id,
        "title": lesson.title,
        "description": lesson.summary,
        "state": shown.state,
        "on_air": shown.on_air,
        "viewers": shown.viewers,
        "start_time": shown.starts_at,
        "end_time": shown.ends_at,
        // Both play with the cookie or token of a playback alone.
        "live_url": shown.can.watch.then(|| format!("{media}/master.m3u8")),
        "recorded_url": recorded.map(|recording| format!("{media}/{}/master.m3u8", recording.id)),
        "playback_url": format!("{origin}/api/v1/lessons/{id}/playback"),
        "page_url": format!("{origin}/mymentor/lessons/{id}"),
        "mentor": {
            "id": lesson.mentor.0,
            "name": seen.mentor_name,
            "headline": profile.as_ref().map(|profile| profile.headline.clone()),
            "bio": profile.as_ref().map(|profile| profile.bio.clone()),
        },
        "course": {
            "id": lesson.course.0,
            "title": seen.course_title,
            "description": course.course.summary,
            "enrolled": course.enrolled,
        },
    })))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct App {
    /// An application, a channel's name, or both with a slash between.
    #[serde(alias = "appName")]
    app: Option<String>,
}

/// Which page of recordings. Those who know of no pages get the longest.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RecordingPage {
    /// Recordings, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl App {
    fn word(self) -> Result<String, Problem> {
        let word = self.app.filter(|word| !word.is_empty() && word.len() <= WORD_LENGTH_MAX);
        word.ok_or_else(|| Problem::field("app", Wrong::Required, "must name an application: app=live or appName=live"))
    }
}

/// The hook with which a recording is asked for: what goes by that name is recorded from its next stream on. For operators,
/// and with the secret of the configuration (`Authorization: Bearer`).
#[utoipa::path(post, path = "/store-live", tag = "earlier", params(App), responses(
    (status = 202, body = Object),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn store_live(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    caller: Caller,
    Query(app): Query<App>,
) -> Result<Response, Problem> {
    if !shows_hook_secret(&state, &headers) {
        let principal = caller.0.ok_or_else(Problem::not_signed_in)?;
        if !principal.user.roles.operator {
            return Err(Problem::forbidden("recordings are asked for by operators: ask whoever runs this server"));
        }
    }
    let word = app.word()?;
    let channels = state.repository.mark_recorded(&word, state.now()).await?;
    if channels.is_empty() {
        return Err(Problem::not_found());
    }
    let body = json!({ "status": "accepted", "app": word, "channels": channels });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

fn shows_hook_secret(state: &State, headers: &HeaderMap) -> bool {
    let Some(secret) = &state.settings.hook_secret else { return false };
    let shown =
        headers.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok()).and_then(|shown| shown.split_once(' '));
    shown.is_some_and(|(scheme, shown)| {
        scheme.eq_ignore_ascii_case("bearer") && bool::from(shown.trim().as_bytes().ct_eq(secret.0.as_bytes()))
    })
}

/// The recordings that go by a name, newest first, of those that one may see.
#[utoipa::path(get, path = "/store-live", tag = "earlier", params(App, RecordingPage), responses(
    (status = 200, body = Object),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn recordings(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    who: SignedIn,
    Query(app): Query<App>,
    Query(page): Query<RecordingPage>,
) -> Result<Json<Value>, Problem> {
    let word = app.word()?;
    let origin = origin(&visit);
    let limit = page.limit.unwrap_or(LIMIT_MAX);
    let query = PageQuery { limit: Some(limit), cursor: page.cursor };
    let after = query.after()?.map(|text| place(&text)).transpose()?;
    let beside = Beside {
        user: who.id(),
        is_operator: who.0.user.roles.operator,
        after,
        limit: query.limit()?.saturating_add(1),
    };
    let found = state.repository.recordings_called(&word, &beside).await?;
    let page = Page::of(found, limit, |named| {
        let Place { started, channel, stream } = Place::from(&named.recording);
        format!("{} {channel} {stream}", started.0)
    });
    let mut items = Vec::new();
    for named in page.items {
        let may_see = match named.lesson {
            Some(lesson) => {
                let standing = state.repository.standing(Some(who.id()), lesson).await?;
                standing.is_some_and(|standing| decide(&standing, Action::Replay, state.now(), 0).is_ok())
            }
            None => named.public || who.0.user.roles.operator,
        };
        if !may_see {
            continue;
        }
        let recording = named.recording;
        let path = format!("{}/{}", recording.path, recording.id);
        items.push(json!({
            "app": recording.path.app.as_str(),
            "name": recording.path.name.as_str(),
            "lesson_id": named.lesson.map(|id| id.0),
            "state": recording.state.as_str(),
            "started_at": Moment(recording.started),
            "duration_ms": recording.duration_ms,
            "bytes": recording.bytes,
            "path": format!("{path}/recording.mp4"),
            "url": format!("{origin}/{path}/master.m3u8"),
            "mp4_url": format!("{origin}/{path}/recording.mp4"),
        }));
    }
    Ok(Json(json!({ "app": word, "items": items, "next_cursor": page.next_cursor })))
}

fn place(text: &str) -> Result<Place, Problem> {
    let mut parts = text.split(' ');
    let mut read = || {
        let started = UnixMillis(parts.next()?.parse().ok()?);
        Some(Place { started, channel: parts.next()?.parse().ok()?, stream: parts.next()?.parse().ok()? })
    };
    read().ok_or_else(|| Problem::field("cursor", Wrong::Malformed, "must be next_cursor of an earlier answer"))
}
