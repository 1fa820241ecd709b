//! Who was there, who is there, and how what a mentor sends comes in: for the lesson's mentor.

use std::collections::{HashMap, HashSet};
use std::io;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use control::access::Action;
use control::attendance::{Attendee, Correction, Decision, REASON_LENGTH_MAX};
use control::{LessonId, UserId};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::spreadsheet::harmless;
use crate::teaching::Named;

/// Lines read at once for a CSV.
const CSV_LINES: u32 = 1_000;
/// Viewers that are listed: what a page can show. All are counted.
const VIEWERS_MAX: usize = 1_000;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(as_csv))
        .routes(routes!(correct))
        .routes(routes!(viewers))
        .routes(routes!(health))
}

/// Media that one playback session got.
#[derive(Debug, Serialize, ToSchema)]
struct Stretch {
    from_at: Moment,
    to_at: Moment,
    /// `llhls`, `hls`, `hls_ts`, `dash`, `flv`, `ws_flv`, `rtmp`.
    protocol: String,
}

/// A line of the attendance record.
#[derive(Debug, Serialize, ToSchema)]
struct AttendanceLine {
    user: Named,
    /// Media that was delivered while the lesson was live; the same media counts once.
    watched_ms: i64,
    first_at: Option<Moment>,
    last_at: Option<Moment>,
    /// `measured`, `present` or `absent`.
    decision: &'static str,
    /// The recording plays for them.
    attended: bool,
    intervals: Vec<Stretch>,
}

impl From<Attendee> for AttendanceLine {
    fn from(attendee: Attendee) -> Self {
        let ledger = attendee.ledger;
        let intervals = attendee.intervals.into_iter().map(|one| Stretch {
            from_at: one.from.into(),
            to_at: one.to.into(),
            protocol: one.protocol.into_owned(),
        });
        Self {
            user: Named::new(attendee.user, &attendee.name),
            watched_ms: ledger.watched_ms,
            first_at: ledger.first.map(Moment::from),
            last_at: ledger.last.map(Moment::from),
            decision: ledger.decision.as_str(),
            attended: ledger.attended,
            intervals: intervals.collect(),
        }
    }
}

/// Who was there, by id.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/attendance", tag = "watching", params(("id" = Uuid, Path), PageQuery),
    responses(
    (status = 200, body = Page<AttendanceLine>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AttendanceLine>>, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let (limit, after) = (page.limit()?, page.after_id()?);
    let found = state.repository.attendance(standing.lesson.id, after, limit + 1).await?;
    Ok(Json(Page::of(found, limit, |one| one.user.to_string()).map(AttendanceLine::from)))
}

/// What stands before the lines: UTF-8 says so to spreadsheets by its byte order mark alone.
const CSV_HEAD: &[u8] = b"\xef\xbb\xbfuser_id,name,watched_ms,first_at,last_at,decision,attended\r\n";

fn write_csv(head: &[u8], lines: &[Attendee]) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(head.to_vec());
    let moment = |at: Option<media::UnixMillis>| at.map(|at| Moment(at).to_string()).unwrap_or_default();
    for one in lines {
        let ledger = &one.ledger;
        csv.write_record([
            one.user.to_string(),
            harmless(&one.name),
            ledger.watched_ms.to_string(),
            moment(ledger.first),
            moment(ledger.last),
            ledger.decision.as_str().to_owned(),
            ledger.attended.to_string(),
        ])?;
    }
    csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// The same as CSV, all of it.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/attendance.csv", tag = "watching", params(("id" = Uuid, Path)),
    responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn as_csv(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    // What goes wrong before the first lines is answered; after that, the answer breaks off.
    let lesson = standing.lesson.id;
    let first = state.repository.attendance_by_name(lesson, None, CSV_LINES).await?;
    let pages = stream::try_unfold((CSV_HEAD, Some(first)), move |(head, lines)| {
        let repository = state.repository.clone();
        async move {
            let Some(lines) = lines else { return Ok(None) };
            let text = Bytes::from(write_csv(head, &lines).map_err(io::Error::other)?);
            let after = lines.last().filter(|_| lines.len() == CSV_LINES as usize);
            let next = match after {
                Some(after) => {
                    let next = repository.attendance_by_name(lesson, Some(after), CSV_LINES).await;
                    Some(
                        next.inspect_err(|error| tracing::error!(%error, "a CSV breaks off"))
                            .map_err(io::Error::other)?,
                    )
                }
                None => None,
            };
            Ok::<_, io::Error>(Some((text, (&[][..], next))))
        }
    });
    let named = format!("attachment; filename=\"attendance-{id}.csv\"");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, named),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Correct {
    /// `measured`, `present` or `absent`.
    decision: String,
    /// Why, 1 to 500 characters: it is kept with the correction.
    reason: String,
}

/// Corrects a line, with audit. Who is `absent` loses the recording, and what plays ends.
#[utoipa::path(patch, path = "/api/v1/lessons/{id}/attendance/{user}", tag = "watching",
    params(("id" = Uuid, Path), ("user" = Uuid, Path)), request_body = Correct, responses(
    (status = 200, body = AttendanceLine),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn correct(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path((id, user)): Path<(Uuid, Uuid)>,
    Json(wanted): Json<Correct>,
) -> Result<Json<AttendanceLine>, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    if UserId(user) == standing.lesson.mentor {
        return Err(Problem::field(
            "user",
            Wrong::NotAllowed,
            "must not be the mentor of the lesson, who attends none",
        ));
    }
    let decision: Decision = wanted
        .decision
        .parse()
        .map_err(|_| Problem::field("decision", Wrong::Unknown, "must be measured, present or absent"))?;
    let reason = wanted.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_LENGTH_MAX {
        let wrong = if reason.is_empty() { Wrong::Required } else { Wrong::TooLong };
        return Err(Problem::field("reason", wrong, "must be 1 to 500 characters: it is kept with the correction"));
    }
    let (lesson, reason) = (standing.lesson.id, reason.to_owned());
    let correction = Correction { lesson, user: UserId(user), by: who.id(), decision, reason, at: state.now() };
    let corrected = state.repository.correct(&correction, state.settings.attendance_ms).await?;
    Ok(Json(corrected.into()))
}

/// Somebody who watches.
#[derive(Debug, Serialize, ToSchema)]
struct Viewer {
    user: Named,
    protocol: &'static str,
    since_at: Moment,
}

#[derive(Debug, Serialize, ToSchema)]
struct Viewers {
    /// People, each counted once, whatever they watch with.
    count: u32,
    /// Their playback sessions, by when they came; the first 1,000.
    items: Vec<Viewer>,
}

/// Who watches now.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/viewers", tag = "watching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Viewers),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn viewers(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Viewers>, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let channel = standing.lesson.channel;
    let mut watching = state.air.watching(channel);
    let count = watching.iter().map(|one| one.user).collect::<HashSet<_>>().len();
    watching.truncate(VIEWERS_MAX);
    let people: Vec<UserId> = watching.iter().map(|one| one.user).collect();
    let names: HashMap<UserId, String> = state.repository.names(&people).await?.into_iter().collect();
    let items = watching.into_iter().map(|one| Viewer {
        user: Named::new(one.user, names.get(&one.user).map_or("", String::as_str)),
        protocol: one.protocol,
        since_at: one.since.into(),
    });
    Ok(Json(Viewers { count: u32::try_from(count).unwrap_or(u32::MAX), items: items.collect() }))
}

#[derive(Debug, Serialize, ToSchema)]
struct Publisher {
    protocol: &'static str,
    since_at: Option<Moment>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Video {
    codec: String,
    width: u32,
    height: u32,
    fps: f64,
    bitrate_kbps: u32,
}

#[derive(Debug, Serialize, ToSchema)]
struct Audio {
    codec: String,
    bitrate_kbps: u32,
}

/// How what the mentor sends comes in.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    on_air: bool,
    publisher: Option<Publisher>,
    video: Option<Video>,
    audio: Option<Audio>,
    /// `no_audio`, `long_gop`, `late`, `jumping_time`, `not_recorded`.
    warnings: Vec<&'static str>,
}

/// How what the mentor sends comes in.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/health", tag = "watching", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Health),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn health(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Health>, Problem> {
    let standing = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?;
    let channel = standing.lesson.channel;
    let on_air = state.air.on_air(channel).on_air;
    let health = state.air.health(channel);
    let publisher =
        health.as_ref().map(|health| Publisher { protocol: health.protocol, since_at: health.since.map(Moment::from) });
    let health = health.unwrap_or_default();
    Ok(Json(Health {
        on_air,
        publisher,
        video: health.video.map(|video| Video {
            codec: video.codec,
            width: video.width,
            height: video.height,
            fps: f64::from(video.fps_milli) / 1_000.0,
            bitrate_kbps: video.bitrate_kbps,
        }),
        audio: health.audio.map(|audio| Audio { codec: audio.codec, bitrate_kbps: audio.bitrate_kbps }),
        warnings: health.warnings,
    }))
}
