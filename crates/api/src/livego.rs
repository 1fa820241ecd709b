//! The management addresses of livego (`docs/spec/api.md`, "Routes of the earlier systems"): its envelope and its words, on our
//! channels, and for operators alone.
//!
//! A room is a channel in the application `live`. A key that `get` answered stays the room's and is answered again: it is
//! made of the key's id and a secret of the server, so that of it too only the hash is kept. Whoever asks shows a bearer
//! token of an operator, in `Authorization` or as `jwt`; a cookie opens nothing here, as these addresses change things by
//! `GET`.

mod relays;

use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::secrets::{Secret, SecretName};
use control::{Channel, ChannelOptions, KeyHash, RepositoryError, SessionKind, StreamKey, UserId, Uuid, keys};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use media::ChannelPath;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha512;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::extract::Query;
use crate::problem::Problem;

/// Application of rooms.
const ROOM_APP: &str = "live";
/// What keys are called that `get` and `reset` made.
const LABEL: &str = "livego";
/// Longest token that is looked at: twice ours.
const TOKEN_LENGTH_MAX: usize = 96;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(reset))
        .routes(routes!(delete))
        .merge(relays::routes())
        .routes(routes!(livestat))
        .routes(routes!(streams))
        .merge(with_slash())
}

/// With a slash at the end they answer as without.
fn with_slash() -> OpenApiRouter<State> {
    let any = MethodFilter::GET.or(MethodFilter::POST);
    OpenApiRouter::new()
        .route("/control/get/", on(any, get))
        .route("/control/reset/", on(any, reset))
        .route("/control/delete/", on(any.or(MethodFilter::DELETE), delete))
        .route("/control/push/", on(any, relays::push))
        .route("/control/pull/", on(any, relays::pull))
        .route("/stat/livestat/", on(any, livestat))
        .route("/streams/", on(any, streams))
}

/// What every answer is.
#[derive(Serialize, ToSchema)]
#[schema(as = LivegoAnswer)]
struct Envelope {
    /// The status of the answer.
    status: u16,
    /// What was asked for, or what is wrong.
    data: Value,
}

fn answer(status: StatusCode, data: impl Into<Value>) -> Response {
    let body = axum::Json(Envelope { status: status.as_u16(), data: data.into() });
    (status, [(CACHE_CONTROL, "no-store")], body).into_response()
}

/// An answer that is no: livego's clients read it like any other.
type Answered = Result<Response, Response>;

fn failed(error: RepositoryError) -> Response {
    let problem = Problem::from(error);
    answer(problem.status(), problem.code())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Name of the room; of `livestat`, `app/room`.
    room: Option<String>,
    /// Bearer token of an operator, for who cannot send it in `Authorization`.
    jwt: Option<String>,
}

async fn require_operator(state: &State, headers: &HeaderMap, jwt: Option<&str>) -> Result<UserId, Response> {
    let no =
        || answer(StatusCode::FORBIDDEN, "send the bearer token of an operator as Authorization: Bearer or as jwt");
    let shown = match crate::auth::secret(headers) {
        Some((secret, SessionKind::Bearer)) => Some(secret),
        _ => jwt.filter(|token| token.len() <= TOKEN_LENGTH_MAX),
    };
    let found = state.repository.principal(KeyHash::of(shown.ok_or_else(no)?)).await.map_err(failed)?;
    let operator = found.filter(|principal| {
        principal.session.kind == SessionKind::Bearer
            && principal.session.holds(state.now())
            && principal.user.suspended.is_none()
            && principal.user.roles.operator
    });
    operator.map(|principal| principal.id()).ok_or_else(no)
}

fn path_of(state: &State, asked: &Asked) -> Result<ChannelPath, Box<Response>> {
    let wrong = |why: &str| Box::new(answer(StatusCode::BAD_REQUEST, format!("room {why}")));
    let room = asked.room.as_deref().filter(|room| !room.is_empty()).ok_or_else(|| wrong("is missing"))?;
    let (app, name) = room.split_once('/').unwrap_or((ROOM_APP, room));
    let (Ok(app), Ok(name)) = (app.parse(), name.parse()) else {
        return Err(wrong("cannot be called so: use letters, digits, - and _"));
    };
    let path = ChannelPath { app, name };
    if path.app.as_str() == control::teaching::lessons::LESSON_APP {
        return Err(Box::new(answer(StatusCode::NOT_FOUND, "room not found")));
    }
    match (state.settings.refuses_path)(&path) {
        Some(why) => Err(wrong(&why)),
        None => Ok(path),
    }
}

/// What keys of rooms are made with, newest first.
async fn secrets(state: &State) -> Result<Vec<Secret>, Response> {
    state.repository.secrets(SecretName::Livego, &keys::generate(), state.now()).await.map_err(failed)
}

fn key_of(secret: &Secret, id: Uuid) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(secret.value.0.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"tayang room key\0");
    mac.update(id.as_bytes());
    let bytes = mac.finalize().into_bytes();
    // 36 of 64 bytes are 48 characters: as long as any key.
    URL_SAFE_NO_PAD.encode(bytes.get(..36).unwrap_or_default())
}

async fn fresh_key(state: &State, channel: Uuid) -> Result<(StreamKey, String), Response> {
    let (mut kept, _) = StreamKey::create(channel, LABEL, state.now());
    let secrets = secrets(state).await?;
    let newest = secrets.first().ok_or_else(|| failed(RepositoryError::NotFound("secret")))?;
    let key = key_of(newest, kept.id);
    kept.hash = KeyHash::of(&key);
    Ok((kept, key))
}

/// Makes the room's channel. `None`: somebody else just did.
async fn make_room(state: &State, path: &ChannelPath) -> Result<Option<String>, Response> {
    let options = ChannelOptions { record: false, public: true, legacy_md5: false };
    let channel = Channel::create(path.clone(), &options, state.now());
    let (kept, key) = fresh_key(state, channel.id).await?;
    match state.repository.create_channel(&channel, &kept).await {
        Ok(()) => Ok(Some(key)),
        Err(RepositoryError::Exists(_)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The room's key; room and key are made if they are not there.
#[utoipa::path(method(get, post), path = "/control/get", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 400, body = Envelope), (status = 403, body = Envelope),
))]
async fn get(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    let by = require_operator(&state, &headers, asked.jwt.as_deref()).await?;
    let path = path_of(&state, &asked).map_err(|refused| *refused)?;
    let mut found = state.repository.channel(&path).await.map_err(failed)?;
    if found.is_none() {
        if let Some(key) = make_room(&state, &path).await? {
            return Ok(answer(StatusCode::OK, key));
        }
        found = state.repository.channel(&path).await.map_err(failed)?;
    }
    let channel = found.ok_or_else(|| answer(StatusCode::NOT_FOUND, "room not found"))?;
    let known = state.repository.keys(channel.id).await.map_err(failed)?;
    let secrets = secrets(&state).await?;
    for kept in known.iter().rev().filter(|kept| kept.revoked_at.is_none()) {
        let answered = secrets.iter().map(|secret| key_of(secret, kept.id)).find(|key| KeyHash::of(key) == kept.hash);
        if let Some(key) = answered {
            return Ok(answer(StatusCode::OK, key));
        }
    }
    // The keys it has were made elsewhere and are nowhere: one more, and those go on.
    let (kept, key) = fresh_key(&state, channel.id).await?;
    state.repository.add_key(&kept, Some(by)).await.map_err(failed)?;
    Ok(answer(StatusCode::OK, key))
}

/// A new key for the room; those before are refused from now on.
#[utoipa::path(method(get, post), path = "/control/reset", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 400, body = Envelope), (status = 403, body = Envelope),
))]
async fn reset(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    let by = require_operator(&state, &headers, asked.jwt.as_deref()).await?;
    let path = path_of(&state, &asked).map_err(|refused| *refused)?;
    let mut found = state.repository.channel(&path).await.map_err(failed)?;
    if found.is_none() {
        if let Some(key) = make_room(&state, &path).await? {
            return Ok(answer(StatusCode::OK, key));
        }
        found = state.repository.channel(&path).await.map_err(failed)?;
    }
    let channel = found.ok_or_else(|| answer(StatusCode::NOT_FOUND, "room not found"))?;
    let (kept, key) = fresh_key(&state, channel.id).await?;
    state.repository.rotate_key(&kept, Some(by)).await.map_err(failed)?;
    Ok(answer(StatusCode::OK, key))
}

/// Deletes the room: its keys are refused, its recordings stay.
#[utoipa::path(method(get, post, delete), path = "/control/delete", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 400, body = Envelope), (status = 403, body = Envelope),
    (status = 404, body = Envelope),
))]
async fn delete(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    let by = require_operator(&state, &headers, asked.jwt.as_deref()).await?;
    let path = path_of(&state, &asked).map_err(|refused| *refused)?;
    let nothing = || answer(StatusCode::NOT_FOUND, "room not found");
    let channel = state.repository.channel(&path).await.map_err(failed)?.ok_or_else(nothing)?;
    match state.repository.delete_channel(channel.id, Some(by), state.now()).await {
        Ok(()) => Ok(answer(StatusCode::OK, "Ok")),
        Err(RepositoryError::NotFound(_)) => Err(nothing()),
        Err(error) => Err(failed(error)),
    }
}

/// Channels that have media, by path.
async fn on_air(state: &State) -> Result<Vec<Channel>, Response> {
    // What is over has none: it is not read.
    let (snapshot, _) = state.repository.directory(state.now()).await.map_err(failed)?;
    let has_media = |channel: &&std::sync::Arc<Channel>| state.air.on_air(channel.id).on_air;
    let mut channels: Vec<Channel> = snapshot.channels().filter(has_media).map(|channel| (**channel).clone()).collect();
    channels.sort_by_key(|channel| channel.path.to_string());
    Ok(channels)
}

/// livego's entry of a publisher. What goes by is told as it is now; totals are not kept, so they are null.
fn publisher(state: &State, channel: &Channel) -> Value {
    let health = state.air.health(channel.id).unwrap_or_default();
    let started = state.air.on_air(channel.id).started;
    json!({
        "key": channel.path.to_string(),
        "url": state.settings.addresses.get().map(|addresses| format!("{}/{}", addresses.rtmp, channel.path)),
        "stream_id": started.map_or(0, |at| at.seconds()),
        "video_total_bytes": null,
        "video_speed": health.video.map_or(0, |video| video.bitrate_kbps),
        "audio_total_bytes": null,
        "audio_speed": health.audio.map_or(0, |audio| audio.bitrate_kbps),
    })
}

fn players(state: &State, channel: &Channel) -> Vec<Value> {
    let entry = |watching: control::air::Watching| {
        json!({
            "key": channel.path.to_string(),
            "url": watching.protocol,
            "stream_id": watching.since.seconds(),
            "id": watching.playback.to_string(),
        })
    };
    state.air.watching(channel.id).into_iter().map(entry).collect()
}

/// Who publishes and who plays: of one room, or of all.
#[utoipa::path(method(get, post), path = "/stat/livestat", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 403, body = Envelope), (status = 404, body = Envelope),
))]
async fn livestat(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    require_operator(&state, &headers, asked.jwt.as_deref()).await?;
    let mut channels = on_air(&state).await?;
    if let Some(room) = asked.room.as_deref().filter(|room| !room.is_empty()) {
        let path = if room.contains('/') { room.to_owned() } else { format!("{ROOM_APP}/{room}") };
        channels.retain(|channel| channel.path.to_string() == path);
        if channels.is_empty() {
            return Err(answer(StatusCode::NOT_FOUND, "room not found or not live"));
        }
    }
    let publishers: Vec<Value> = channels.iter().map(|channel| publisher(&state, channel)).collect();
    let players: Vec<Value> = channels.iter().flat_map(|channel| players(&state, channel)).collect();
    Ok(answer(StatusCode::OK, json!({ "publishers": publishers, "players": players })))
}

/// The same in short: paths and ids, never a key.
#[utoipa::path(method(get, post), path = "/streams", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 403, body = Envelope),
))]
async fn streams(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    require_operator(&state, &headers, asked.jwt.as_deref()).await?;
    let (mut publishers, mut players) = (Vec::new(), Vec::new());
    for channel in on_air(&state).await? {
        let key = channel.path.to_string();
        publishers.push(json!({ "key": key, "id": channel.id.to_string() }));
        for watching in state.air.watching(channel.id) {
            players.push(json!({ "key": key, "id": watching.playback.to_string() }));
        }
    }
    Ok(answer(StatusCode::OK, json!({ "publishers": publishers, "players": players })))
}
