//! Windows by query: delayed live, everything so far, clips of a stream that still goes on (the grammar of seed 003).

use http::{Response, StatusCode};
use media::MediaKind;
use packager::playlist::query::{Defaults, QueryError, WindowQuery};
use packager::playlist::{Addressing, Container, ListOptions, MultivariantOptions, SegmentEntry, segment_list};
use recorder::RecordingKey;

use super::{MPEGURL, multivariant, no_track, text_reply, track_of};
use crate::clock::wall_now;
use crate::http::Body;
use crate::live::LiveStream;
use crate::routes::Asked;
use crate::routes::target::TrackLabel;
use crate::{Gateway, recorded, reply};

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
    let Some(entries) = entries(gateway, live, asked, label).await else { return no_track() };
    let ended = live.window.read().is_ended();
    let selection = match wanted.select(&entries, wall_now(), ended, &Defaults::default()) {
        Ok(selection) => selection,
        Err(error @ QueryError::Empty) => return reply::text(StatusCode::NOT_FOUND, error.to_string()),
        Err(error) => return reply::text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let signed = asked.sign.map_or_else(String::new, |sign| format!("/s/{sign}"));
    let base = format!("{signed}/{}/{}/", asked.path, live.stream.id());
    let options =
        ListOptions { container, kind: selection.kind, skip: false, addressing: Addressing { base: &base, query: "" } };
    let chosen = entries.get(selection.range).unwrap_or_default();
    match segment_list(gateway.live.config(), &label.0, chosen, &options) {
        Some(text) => text_reply(MPEGURL, reply::LIVE_PLAYLIST, text.into(), None),
        None => reply::text(StatusCode::NOT_FOUND, QueryError::Empty.to_string()),
    }
}

/// All segments of a track: recorded ones, then those that only the window has.
async fn entries(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    label: &TrackLabel,
) -> Option<Vec<SegmentEntry>> {
    let track = track_of(live, label)?;
    let newest = live.window.read().entries(track);
    let Some(channel) = gateway.directory.channel(&asked.path) else { return Some(newest) };
    let key = RecordingKey { channel: channel.id, stream: live.stream.id() };
    let Some(index) = recorded::live_index(gateway, key).await else { return Some(newest) };
    let Some(kept) = index.track_named(&label.0) else { return Some(newest) };
    let first = newest.first().map_or(u64::MAX, |entry| entry.msn);
    let mut all = recorded::entries(kept, live.stream.id().0 / 1_000);
    all.retain(|entry| entry.msn < first);
    all.extend(newest);
    Some(all)
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
