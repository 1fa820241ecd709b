//! Windows by query: delayed live, everything so far, clips of a stream that still goes on (the grammar of seed 003).

use http::{Response, StatusCode};
use media::MediaKind;
use packager::playlist::query::{Defaults, QueryError, WindowQuery};
use packager::playlist::{Addressing, Container, Kind, ListOptions, MultivariantOptions, SegmentEntry, segment_list};
use recorder::{RecordingIndex, RecordingKey};

use super::{multivariant, no_track, track_of};
use crate::clock::wall_now;
use crate::http::Body;
use crate::live::LiveStream;
use crate::recorded::What;
use crate::routes::Asked;
use crate::routes::target::TrackLabel;
use crate::{Gateway, made, recorded, reply};

/// The answer to a query that makes no sense.
pub(super) fn refusal(error: QueryError) -> Response<Body> {
    reply::text(StatusCode::BAD_REQUEST, error.to_string())
}

/// The window that a query asks for, if it does.
pub(super) fn asked_for(asked: &Asked<'_>) -> Result<Option<WindowQuery>, QueryError> {
    WindowQuery::parse(asked.query)
}

/// The multivariant playlist whose media playlists carry the same window.
pub(super) fn master(live: &LiveStream, asked: &Asked<'_>) -> Response<Body> {
    if let Err(error) = asked_for(asked) {
        return refusal(error);
    }
    let query = carried(asked.query);
    let options = MultivariantOptions { prefix: "", suffix: "/chunklist.m3u8", query: &query };
    multivariant(live, asked, options)
}

/// The parameters of the window and nothing else: a query ends up inside a playlist.
fn carried(query: &str) -> String {
    let ours = |pair: &&str| {
        pair.split_once('=').is_some_and(|(name, value)| {
            matches!(name, "liveType" | "latency" | "chunksNumber" | "chunksLatency" | "fromEpochS" | "toEpochS")
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
    };
    query.split('&').filter(ours).collect::<Vec<_>>().join("&")
}

/// The media playlist of a window.
pub(super) async fn media(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    label: &TrackLabel,
    wanted: &WindowQuery,
) -> Response<Body> {
    list(gateway, live, asked, label, wanted, Container::Cmaf).await
}

/// A list of segments of `container` in the window.
pub(super) async fn list(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    label: &TrackLabel,
    wanted: &WindowQuery,
    container: Container,
) -> Response<Body> {
    let Some(track) = track_of(live, label) else { return no_track() };
    let (newest, first, ended, before) = {
        let window = live.window.read();
        let before = if container == Container::Ts { window.joint_before() } else { u64::MAX };
        (window.entries(track), window.first_of(track), window.is_ended(), before)
    };
    let key = RecordingKey { channel: live.channel, stream: live.stream.id() };
    let index = recorded::live_index(gateway, key).await;
    let now = wall_now();
    let base = format!("{}/{}/{}/", asked.carried.prefix(), asked.path, live.stream.id());
    let ts = container == Container::Ts;
    let skip = !ts && super::wants_skip(asked.query);
    let what = What::Window { label: label.clone(), ts, skip, query: carried(asked.query), base: base.clone() };
    // As it is in this second, with these segments; an edge may share it for as long.
    let have = newest.last().map_or(0, |entry| entry.msn + 1).min(before);
    let version = (have, now.0 as u64 / 1_000 * 2 + u64::from(ended));
    let (config, name, wanted) = (gateway.live.config().clone(), label.0.clone(), *wanted);
    let is_recorded = index.is_some() || asked.right.channel().is_some_and(|channel| channel.record);
    let all = move || {
        let mut all = entries(index.as_deref(), &name, newest);
        all.retain(|entry| entry.msn < before);
        all
    };
    let again = all.clone();
    let name = label.0.clone();
    let make = made::aside(move || {
        let entries = all();
        let selection = wanted.select(&entries, now, ended, &Defaults::default()).ok()?;
        let addressing = Addressing { base: &base, query: "" };
        let is_kept = is_recorded && entries.first().map(|entry| entry.msn) == first;
        let kind = if is_kept { selection.kind } else { of_what_passes(selection.kind) };
        let options = ListOptions { container, kind, skip, addressing };
        let chosen = entries.get(selection.range).unwrap_or_default();
        segment_list(&config, &name, chosen, &options).map(super::packed)
    });
    match gateway.made.get((key, what), version, make).await {
        Ok(Some(item)) => super::playlist(item, reply::LIVE_PLAYLIST, asked),
        Ok(None) => {
            let why = made::aside(move || wanted.select(&again(), now, ended, &Defaults::default()).err()).await;
            match why.ok().flatten().unwrap_or(QueryError::Empty) {
                QueryError::Empty => reply::text(StatusCode::NOT_FOUND, QueryError::Empty.to_string()),
                error => reply::text(StatusCode::BAD_REQUEST, error.to_string()),
            }
        }
        Err(error) => recorded::failed(&error),
    }
}

/// How a list behaves whose oldest segments go: it must not say that it only grows (RFC 8216bis §6.2.1).
fn of_what_passes(kind: Kind) -> Kind {
    match kind {
        Kind::Event { ended: false } => Kind::Live,
        Kind::Event { ended: true } => Kind::Vod,
        Kind::Live | Kind::Vod => kind,
    }
}

/// All segments of a track: recorded ones, then those that only the window has.
fn entries(index: Option<&RecordingIndex>, name: &str, newest: Vec<SegmentEntry>) -> Vec<SegmentEntry> {
    let Some((index, kept)) = index.and_then(|index| Some((index, index.track_named(name)?))) else { return newest };
    let first = newest.first().map_or(u64::MAX, |entry| entry.msn);
    let mut all = recorded::entries(kept, index.key.stream.0 / 1_000);
    all.retain(|entry| entry.msn < first);
    all.extend(newest);
    all
}

/// The label of the stream's leading track.
pub(super) fn leading(live: &LiveStream) -> Option<(TrackLabel, MediaKind)> {
    let window = live.window.read();
    let first = window.tracks().next()?;
    Some((TrackLabel(first.name.to_string()), first.track.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_windows_own_parameters_are_carried() {
        assert_eq!(
            carried("liveType=vod&x=y&fromEpochS=-1&toEpochS=17\"\n&latency=2"),
            "liveType=vod&fromEpochS=-1&latency=2"
        );
    }
}
