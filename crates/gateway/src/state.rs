//! What is so right now: health, time, metrics, and a channel's state for pages.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use hub::State;
use media::TrackParams;
use serde_json::{Value, json};

use crate::clock::wall_now;
use crate::http::Body;
use crate::routes::Asked;
use crate::{Gateway, reply};

/// How long a page waits for the list of recordings before it goes without.
const LIST_PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
/// Recordings that a page is told of; the list itself has them all.
const RECORDINGS_SHOWN: u32 = 20;

/// `/healthz`: the process is up. Recording trouble is told here but is no reason to kill the process.
#[must_use]
pub fn health(gateway: &Gateway) -> Response<Body> {
    let recording = gateway.recorder.status();
    let stalled: Vec<Value> = recording
        .stalled
        .iter()
        .map(|(key, why)| json!({ "recording": key.to_string(), "why": format!("{why:?}") }))
        .collect();
    json_reply(
        StatusCode::OK,
        reply::NO_STORE,
        &json!({
            "status": if stalled.is_empty() { "ok" } else { "degraded" },
            "recording": recording.recording,
            "recordingStalled": stalled,
            "sealed": recording.sealed,
            "streams": gateway.hub.streams().len(),
            "viewers": gateway.fan_out.counters().viewers.load(std::sync::atomic::Ordering::Relaxed),
        }),
    )
}

/// `/readyz`: it can take publishers and viewers.
#[must_use]
pub fn ready(gateway: &Gateway) -> Response<Body> {
    if gateway.is_draining() {
        json_reply(StatusCode::SERVICE_UNAVAILABLE, reply::NO_STORE, &json!({ "status": "draining" }))
    } else {
        json_reply(StatusCode::OK, reply::NO_STORE, &json!({ "status": "ready" }))
    }
}

/// `/time`: the server's clock as DASH's `UTCTiming` (`urn:mpeg:dash:utc:http-xsdate:2014`) and the pages want it.
#[must_use]
pub fn time() -> Response<Body> {
    reply::media(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        reply::NO_STORE,
        Body::Full(wall_now().to_string().into()),
    )
}

/// `/metrics`, Prometheus text exposition format.
#[must_use]
pub fn metrics(gateway: &Gateway) -> Response<Body> {
    let text = (gateway.render_metrics)();
    reply::media(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", reply::NO_STORE, Body::Full(text.into()))
}

/// `/{app}/{name}/state`.
pub async fn channel(gateway: &Gateway, asked: &Asked<'_>) -> Response<Body> {
    let live = gateway.live.of(&asked.path);
    let state = match live.as_ref().map(|live| live.stream.state()) {
        None | Some(State::Waiting) => "waiting",
        Some(State::Live) => "live",
        Some(State::Stalled) => "stalled",
        Some(State::Ended) => "ended",
    };
    let tracks: Vec<Value> = live
        .iter()
        .flat_map(|live| live.stream.tracks().iter().map(|track| describe(track)).collect::<Vec<_>>())
        .collect();
    // Who may watch need not be one of those for whom the recordings play.
    let recordings = match asked.right.kind() {
        Some(_) => Vec::new(),
        None => recordings_of(gateway, asked, Some(RECORDINGS_SHOWN)).await,
    };
    json_reply(
        StatusCode::OK,
        reply::NO_STORE,
        &json!({
            "state": state,
            "app": asked.path.app.as_str(),
            "name": asked.path.name.as_str(),
            "title": asked.path.name.as_str(),
            "stream": live.as_ref().map(|live| live.stream.id().to_string()),
            "started": live.as_ref().map(|live| live.began.0),
            "serverTime": wall_now().0,
            "reconnectWindowSeconds": gateway.hub.reconnect_window().as_secs(),
            "tracks": tracks,
            "recordings": recordings,
        }),
    )
}

/// `/{app}/{name}/recordings`.
pub async fn recordings(gateway: &Gateway, asked: &Asked<'_>) -> Response<Body> {
    let recordings = recordings_of(gateway, asked, None).await;
    json_reply(StatusCode::OK, reply::NO_STORE, &json!({ "recordings": recordings }))
}

/// The newest first: all, or so many at most.
async fn recordings_of(gateway: &Gateway, asked: &Asked<'_>, max: Option<u32>) -> Vec<Value> {
    let (path, channel) = (&asked.path, asked.right.channel_id());
    // Joining must not wait for a database that does not answer.
    let rows = async {
        match max {
            Some(max) => gateway.recorder.newest(channel, max).await,
            None => gateway.recorder.list(Some(channel)).await,
        }
    };
    let listed = tokio::time::timeout(LIST_PATIENCE, rows).await;
    let mut rows = match listed {
        Ok(Ok(rows)) => rows,
        Err(_) => {
            tracing::warn!(%path, "the database is slow: the recordings are not listed now");
            return Vec::new();
        }
        Ok(Err(error)) => {
            tracing::error!(%error, %path, "the recordings could not be listed");
            return Vec::new();
        }
    };
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.into_iter()
        .map(|row| {
            let base = format!("/{path}/{}", row.id);
            json!({
                "stream": row.id.to_string(),
                "started": row.started.0,
                "duration": row.duration_ms as f64 / 1_000.0,
                "bytes": row.bytes,
                "state": row.state.as_str(),
                "playlist": format!("{base}/master.m3u8"),
                "mp4": format!("{base}/recording.mp4"),
            })
        })
        .collect()
}

fn describe(track: &media::Track) -> Value {
    match &track.params {
        TrackParams::Video(video) => json!({
            "kind": "video", "codec": track.codec_string, "name": track.codec.name(),
            "width": video.width, "height": video.height,
        }),
        TrackParams::Audio(audio) => json!({
            "kind": "audio", "codec": track.codec_string, "name": track.codec.name(),
            "sampleRate": audio.sample_rate, "channels": audio.channels,
        }),
    }
}

/// A JSON response.
#[must_use]
pub fn json_reply(status: StatusCode, cache: &'static str, value: &Value) -> Response<Body> {
    let mut response = reply::media(status, "application/json", cache, Body::Full(value.to_string().into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
