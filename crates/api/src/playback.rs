//! Watching: playback sessions of lessons.
//!
//! Whether somebody may is [`control::access`]'s answer, here when a session begins and at each refresh; in between it is
//! carried by the session's token, which the gateway asks the directory about. Media itself never comes here.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use control::access::{Action, Standing};
use control::playback::{Claims, DOWNLOAD_MS_MAX, Kind, LIFE_MS, REFRESH_AFTER_MS};
use control::playbacks::{Carry, NotOpened, Terms};
use control::teaching::LessonState;
use control::{Channel, LessonId, PlaybackId, Principal, Recording, RecordingState};
use http::StatusCode;
use http::header::SET_COOKIE;
use media::{StreamId, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::{Leaving, SignedIn, stands};
use crate::extract::{Json, Path};
use crate::moment::Moment;
use crate::pace::too_fast;
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::visit::Visit;

/// Name of the cookie that carries a token. Sent to its channel's addresses alone.
pub const PLAY_COOKIE: &str = "tayang_play";

/// Recordings of one lesson that are offered, the newest of them: a publisher that was away for long fifty times has a network
/// that no lesson survives.
const RECORDINGS_MAX: u32 = 50;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(refresh)).routes(routes!(end)).routes(routes!(leave))
}

/// How the token is to travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CarryBy {
    /// In a cookie: what browsers use. The addresses hold no secret.
    #[default]
    Cookie,
    /// In the addresses: for players without cookies.
    Path,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Begin {
    #[serde(default)]
    carry: CarryBy,
    /// `stream` of one of the lesson's `recordings`; without it the longest plays.
    recording: Option<String>,
    /// A recording is taken away, not watched: the session opens the MP4 alone and goes on by itself while that is being sent,
    /// its token is in the address, and it ends no other.
    #[serde(default)]
    download: bool,
}

/// Where it plays, by way. Paths of this server.
#[derive(Debug, Serialize, ToSchema)]
struct Urls {
    llhls: Option<String>,
    hls_ts: Option<String>,
    dash: Option<String>,
    flv: Option<String>,
    ws_flv: Option<String>,
    mp4: Option<String>,
}

/// A playback session.
#[derive(Debug, Serialize, ToSchema)]
struct Playback {
    playback_id: Uuid,
    /// `live` or `recording`.
    kind: &'static str,
    /// What all its addresses begin with.
    base_url: String,
    urls: Urls,
    /// Until then it plays without being refreshed.
    expires_at: Moment,
    refresh_after_ms: i64,
    /// The moment that was on air when this was answered, by the server's clock; null for a recording.
    live_offset_at: Option<Moment>,
    /// The moment of the first frame; null while nothing has come.
    media_started_at: Option<Moment>,
    /// All that the lesson left, oldest first; it is one, and one more for each long absence of the publisher.
    recordings: Vec<PlayableRecording>,
}

/// A recording that plays by its `stream`.
#[derive(Debug, Serialize, ToSchema)]
struct PlayableRecording {
    stream: String,
    started_at: Moment,
    duration_ms: u64,
}

impl From<&Recording> for PlayableRecording {
    fn from(recording: &Recording) -> Self {
        let (stream, started_at) = (recording.id.to_string(), recording.started.into());
        Self { stream, started_at, duration_ms: recording.duration_ms }
    }
}

/// What is to be played of a lesson.
struct Playable {
    kind: Kind,
    channel: Channel,
    recording: Option<Recording>,
    /// All that there are.
    recordings: Vec<Recording>,
}

/// What a lesson left that can be played, oldest first: one recording, and one more for each time its publisher was away for
/// longer than a stream waits.
pub(crate) async fn recordings_of(state: &State, channel: Uuid) -> Result<Vec<Recording>, Problem> {
    let mut all = state.repository.newest_recordings(channel, RECORDINGS_MAX).await?;
    all.retain(|recording| recording.duration_ms > 0);
    all.sort_by_key(|recording| recording.id);
    Ok(all)
}

/// What plays of several unless another is asked for: by it they are compared.
pub(crate) fn longest(recording: &Recording) -> (u64, StreamId) {
    (recording.duration_ms, recording.id)
}

async fn playable(
    state: &State,
    standing: &Standing,
    kind: Kind,
    wanted: Option<StreamId>,
) -> Result<Playable, Problem> {
    let lesson = &standing.lesson;
    let touched = control::airing::Touched { channels: vec![lesson.channel], ..Default::default() };
    let channel = state.repository.parts(&touched, state.now()).await?.channels.pop().ok_or_else(Problem::not_found)?;
    let recordings = match kind {
        Kind::Live => Vec::new(),
        Kind::Recording | Kind::Download => recordings_of(state, lesson.channel).await?,
    };
    let found = match wanted {
        Some(wanted) => recordings.iter().find(|recording| recording.id == wanted),
        None => recordings.iter().max_by_key(|recording| longest(recording)),
    };
    let recording = found.cloned();
    if kind == Kind::Recording && recording.is_none() {
        return Err(match wanted {
            Some(_) => Problem::not_found(),
            None => Problem::conflict("no-recording", "nothing was recorded of this lesson"),
        });
    }
    Ok(Playable { kind, channel, recording, recordings })
}

fn answer(state: &State, playable: &Playable, claims: &Claims, (token, carry): (&str, Carry)) -> Playback {
    let path = &playable.channel.path;
    let carried = match carry {
        Carry::Cookie => String::new(),
        Carry::Path => format!("/p/{token}"),
    };
    let base = match &playable.recording {
        None => format!("{carried}/{}/{}/", path.app, path.name),
        Some(recording) => format!("{carried}/{}/{}/{}/", path.app, path.name, recording.id),
    };
    let at = |file: &str| format!("{base}{file}");
    let live = |file: &str| (playable.kind == Kind::Live).then(|| at(file));
    let watched = |file: &str| (claims.kind != Kind::Download).then(|| at(file));
    let urls = Urls {
        llhls: watched("master.m3u8"),
        hls_ts: live("live.m3u8"),
        dash: watched("manifest.mpd"),
        flv: live("live.flv"),
        ws_flv: live("live.flv"),
        // Made once the stream is over.
        mp4: playable
            .recording
            .as_ref()
            .filter(|recording| recording.state != RecordingState::Recording)
            .map(|_| at("recording.mp4")),
    };
    let started = match &playable.recording {
        Some(recording) => Some(recording.started),
        None => state.air.on_air(playable.channel.id).started,
    };
    Playback {
        playback_id: claims.playback.0,
        kind: playable.kind.as_str(),
        base_url: base,
        urls,
        expires_at: claims.expires.into(),
        refresh_after_ms: REFRESH_AFTER_MS,
        live_offset_at: (playable.kind == Kind::Live).then(|| state.now().into()),
        media_started_at: started.map(Moment::from),
        recordings: playable.recordings.iter().map(PlayableRecording::from).collect(),
    }
}

fn respond(
    state: &State,
    visit: &Visit,
    status: StatusCode,
    playable: &Playable,
    (claims, carry): (&Claims, Carry),
) -> Result<Response, Problem> {
    let Some(token) = state.directory.token_keys().issue(claims) else {
        tracing::error!("there is no key to sign playback tokens with");
        let detail = "nothing can be played now: try again in a moment";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available", detail));
    };
    let body = Json(answer(state, playable, claims, (&token.0, carry)));
    Ok(match carry {
        Carry::Cookie => {
            // To its channel's addresses and nowhere else.
            let path = format!("/{}/{}/", playable.channel.path.app, playable.channel.path.name);
            let cookie = visit.cookie(PLAY_COOKIE, &token.0, &path, LIFE_MS / 1_000);
            (status, [(SET_COOKIE, cookie)], body).into_response()
        }
        Carry::Path => (status, body).into_response(),
    })
}

/// What a lesson has for those who may, in the state that it is in.
async fn may_play(state: &State, who: &Principal, lesson: LessonId) -> Result<(Standing, Kind), Problem> {
    let standing = permit(state, Some(who.id()), lesson, Action::Know).await?;
    let (action, kind) = match standing.lesson.state {
        LessonState::Scheduled | LessonState::Live => (Action::Watch, Kind::Live),
        LessonState::Ended => (Action::Replay, Kind::Recording),
        LessonState::Cancelled => return Err(Problem::not_found()),
    };
    // Facts of one moment: those that decide are those that the token remembers.
    let standing = permit(state, Some(who.id()), lesson, action).await?;
    Ok((standing, kind))
}

fn not_opened(error: NotOpened) -> Problem {
    let detail = match error {
        NotOpened::Full => {
            return Problem::conflict("full", format!("{error}: try again when somebody has left"));
        }
        NotOpened::TooMany => format!("{error}: try again in a moment"),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-viewers", "not available", detail)
}

/// Begins to play a lesson: what is live, or once it is over its recording.
#[utoipa::path(post, path = "/api/v1/lessons/{id}/playback", tag = "watching", params(("id" = Uuid, Path)),
    request_body = Begin, responses(
    (status = 201, body = Playback, description = "with `cookie`, sets the cookie `tayang_play`"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`full`, `no-recording`"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "`too-many-viewers`"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn begin(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
    Json(wanted): Json<Begin>,
) -> Result<Response, Problem> {
    let playbacks = state.directory.playbacks();
    playbacks.begins(who.id(), state.now()).map_err(too_fast)?;
    let (standing, kind) = may_play(&state, &who, LessonId(id)).await?;
    if wanted.download && kind == Kind::Live {
        return Err(Problem::conflict(
            "no-recording",
            "the lesson is not over: its recording is there when it has ended",
        ));
    }
    let recording = match wanted.recording.as_deref().map(str::parse).transpose() {
        Ok(recording) => recording.filter(|_| kind == Kind::Recording),
        Err(_) => return Err(Problem::field("recording", Wrong::Malformed, "must be a stream of the recordings")),
    };
    let playable = playable(&state, &standing, kind, recording).await?;
    let carry = match wanted.carry {
        // The cookie is the player's, in whatever page that is.
        CarryBy::Cookie if !wanted.download => Carry::Cookie,
        CarryBy::Cookie | CarryBy::Path => Carry::Path,
    };
    let kind = if wanted.download { Kind::Download } else { kind };
    let claims = Arc::new(claims(&standing, &who, kind, PlaybackId::new(state.now()), state.now()));
    let places = standing.lesson.capacity.map(|capacity| (capacity as usize, standing.lesson.mentor));
    let terms = Terms { alone: state.settings.one_stream_each, places, recording };
    playbacks.open(&claims, carry, terms, state.now()).map_err(not_opened)?;
    stands(&state, &who).await.inspect_err(|_| playbacks.end(claims.playback))?;
    respond(&state, &visit, StatusCode::CREATED, &playable, (&claims, carry))
}

fn claims(standing: &Standing, who: &Principal, kind: Kind, playback: PlaybackId, now: UnixMillis) -> Claims {
    let lesson = &standing.lesson;
    Claims {
        user: who.id(),
        session: who.session.id,
        lesson: lesson.id,
        course: lesson.course,
        channel: lesson.channel,
        playback,
        kind,
        seq: standing.seq,
        issued: now,
        expires: now.plus_millis(LIFE_MS),
        kid: 0,
    }
}

/// Lets a session go on, by the sign-in that began it. What plays with the old token goes on as well.
#[utoipa::path(post, path = "/api/v1/playbacks/{playback_id}/refresh", tag = "watching",
    params(("playback_id" = Uuid, Path)), responses(
    (status = 200, body = Playback),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "it is over: begin anew"),
))]
async fn refresh(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let playbacks = state.directory.playbacks();
    // By the sign-in that began it alone: another of the same person would lift it over the end of that one.
    let open = playbacks.get(PlaybackId(id), state.now()).filter(|open| open.claims.session == who.session.id);
    let open = open.ok_or_else(Problem::not_found)?;
    let decided = may_play(&state, &who, open.claims.lesson).await;
    // Behind it: what ends the sign-in after this is a change behind those that were decided by.
    let decided = match stands(&state, &who).await {
        Ok(()) => decided,
        Err(problem) => Err(problem),
    };
    let (standing, kind) = match decided {
        Ok(decided) if decided.1 == open.claims.kind => decided,
        // The lesson is over: what was live of it is there until this session ends by itself.
        Ok(_) => return Err(Problem::not_found()),
        Err(problem) => {
            if problem.status().is_client_error() {
                playbacks.end(PlaybackId(id));
            }
            return Err(problem);
        }
    };
    let playable = playable(&state, &standing, kind, open.recording).await?;
    let claims = claims(&standing, &who, kind, PlaybackId(id), state.now());
    if !playbacks.extend(PlaybackId(id), claims.seq, claims.expires, state.now()) {
        return Err(Problem::not_found());
    }
    respond(&state, &visit, StatusCode::OK, &playable, (&claims, open.carry))
}

/// Lets a download go on while something of it is being sent, if whose it is still may. Only as of the change that it was decided
/// at: it is no sign-in's doing, and must not lift the session over the end of the one that began it.
pub(crate) async fn renew(state: &State, claims: &Claims) {
    let (playbacks, id) = (state.directory.playbacks(), claims.playback);
    let Some(open) = playbacks.get(id, state.now()).filter(|open| open.claims.kind == Kind::Download) else { return };
    let end = open.claims.issued.plus_millis(DOWNLOAD_MS_MAX);
    match permit(state, Some(claims.user), claims.lesson, Action::Replay).await {
        Ok(_) => {
            playbacks.extend(id, open.seq, state.now().plus_millis(LIFE_MS).min(end), state.now());
        }
        Err(problem) if problem.status().is_client_error() => playbacks.end(id),
        Err(problem) => tracing::warn!(code = problem.code(), "a download cannot be renewed now: it is tried again"),
    }
}

/// Ends a session: what plays of it ends within a second.
#[utoipa::path(delete, path = "/api/v1/playbacks/{playback_id}", tag = "watching",
    params(("playback_id" = Uuid, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn end(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    end_own(&state, &who, PlaybackId(id))
}

/// The same from a page that is being left: takes no body and no header, so that `navigator.sendBeacon` may ask it.
#[utoipa::path(post, path = "/api/v1/playbacks/{playback_id}/end", tag = "watching",
    params(("playback_id" = Uuid, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn leave(
    axum::extract::State(state): axum::extract::State<State>,
    Leaving(who): Leaving,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    end_own(&state, &who, PlaybackId(id))
}

fn end_own(state: &State, who: &Principal, id: PlaybackId) -> Result<StatusCode, Problem> {
    let playbacks = state.directory.playbacks();
    let open = playbacks.get(id, state.now()).filter(|open| open.claims.user == who.id());
    open.ok_or_else(Problem::not_found)?;
    playbacks.end(id);
    Ok(StatusCode::NO_CONTENT)
}
