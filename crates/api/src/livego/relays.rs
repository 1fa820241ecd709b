//! livego's relays: a channel's stream goes on to another server (`push`), or comes from one (`pull`).
//!
//! Starting keeps the relay and answers; whoever runs relays learns of it from the database. So starting twice is one
//! relay, and one that was acknowledged is there after a kill. No answer repeats an address or a key.

use axum::response::Response;
use control::relay::{Direction, RELAYS_MAX, Relay, RelayUrl, Started};
use control::{Channel, KeyHash, RelayId, RepositoryError};
use http::{HeaderMap, StatusCode};
use media::{ChannelPath, Name};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answered, Envelope, answer, failed, require_operator};
use crate::State;
use crate::extract::Query;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(push)).routes(routes!(pull))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `start` or `stop`.
    oper: Option<String>,
    /// Application of the channel.
    app: Option<String>,
    /// Name of the channel, or one of its keys.
    name: Option<String>,
    /// The stream on the other server: `rtmp://host/app/name`, or `rtmps://`; percent-encoded if it has a `&`.
    url: Option<String>,
    /// Bearer token of an operator, for who cannot send it in `Authorization`.
    jwt: Option<String>,
}

fn wrong(what: impl std::fmt::Display) -> Response {
    answer(StatusCode::BAD_REQUEST, what.to_string())
}

fn required<'a>(value: Option<&'a str>, name: &str) -> Result<&'a str, String> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} is missing"))
}

/// The channel of that name in the application, or the one that has this key. Lessons have none here: who watches them is
/// decided for each person.
async fn channel_of(state: &State, app: Name, name: &str) -> Result<Channel, Response> {
    let nothing = || answer(StatusCode::NOT_FOUND, "room not found");
    if app.as_str() == control::teaching::lessons::LESSON_APP {
        return Err(nothing());
    }
    let (snapshot, _) = state.repository.directory(state.now()).await.map_err(failed)?;
    let by_name = name.parse().ok().and_then(|name| snapshot.channel(&ChannelPath { app: app.clone(), name }));
    if let Some(channel) = by_name {
        return Ok((**channel).clone());
    }
    let hash = KeyHash::of(name);
    let key = snapshot.keys().find(|key| key.hash == hash && key.revoked_at.is_none());
    let by_key = key.and_then(|key| snapshot.channel_by_id(key.channel)).filter(|channel| channel.path.app == app);
    by_key.map(|channel| (**channel).clone()).ok_or_else(nothing)
}

async fn relay(state: &State, headers: &HeaderMap, asked: &Asked, direction: Direction) -> Answered {
    let by = require_operator(state, headers, asked.jwt.as_deref()).await?;
    let starts = match required(asked.oper.as_deref(), "oper").map_err(wrong)? {
        "start" => true,
        "stop" => false,
        _ => return Err(wrong("oper must be start or stop")),
    };
    let app = required(asked.app.as_deref(), "app").map_err(wrong)?;
    let app = app.parse().map_err(|_| wrong("app cannot be called so: use letters, digits, - and _"))?;
    let name = required(asked.name.as_deref(), "name").map_err(wrong)?;
    let url = required(asked.url.as_deref(), "url").map_err(wrong)?;
    let url: RelayUrl = url.parse().map_err(|error| wrong(format!("url {error}")))?;
    let channel = channel_of(state, app, name).await?;
    let now = state.now();
    if !starts {
        return match state.repository.stop_relay((direction, channel.id, &url), by, now).await {
            Ok(()) => Ok(answer(StatusCode::OK, "Ok")),
            Err(RepositoryError::NotFound(_)) => Err(answer(StatusCode::NOT_FOUND, "relay not found")),
            Err(error) => Err(failed(error)),
        };
    }
    let relay = Relay { id: RelayId::new(now), direction, channel: channel.id, url, created: now };
    match state.repository.start_relay(&relay, by).await {
        Ok(Started::New | Started::Already) => Ok(answer(StatusCode::OK, "Ok")),
        Ok(Started::TooMany) => {
            let detail = format!("there are {RELAYS_MAX} relays already: stop one that is not used any more");
            Err(answer(StatusCode::CONFLICT, detail))
        }
        // It was deleted a moment ago.
        Err(RepositoryError::NotFound(_)) => Err(answer(StatusCode::NOT_FOUND, "room not found")),
        Err(error) => Err(failed(error)),
    }
}

/// Sends a channel's stream on to another server, from now on until it is stopped.
#[utoipa::path(method(get, post), path = "/control/push", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 400, body = Envelope), (status = 403, body = Envelope),
    (status = 404, body = Envelope), (status = 409, body = Envelope),
))]
pub(super) async fn push(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    relay(&state, &headers, &asked, Direction::Push).await
}

/// Fetches a stream from another server into a channel, from now on until it is stopped.
#[utoipa::path(method(get, post), path = "/control/pull", tag = "earlier", params(Asked), responses(
    (status = 200, body = Envelope), (status = 400, body = Envelope), (status = 403, body = Envelope),
    (status = 404, body = Envelope), (status = 409, body = Envelope),
))]
pub(super) async fn pull(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answered {
    relay(&state, &headers, &asked, Direction::Pull).await
}
