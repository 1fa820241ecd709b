//! Live HLS and DASH over HTTP: playlists and manifests from a stream's window, and the bytes that they name.
//!
//! Owns waiting: blocking reloads, hinted parts and segments that are read while they grow. All waiters of a stream share
//! one signal and no timer of their own: the signal also ticks while a stream stands still, and then they look at their
//! deadline.

mod gzip;
mod query;
mod ts;
mod window;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, HeaderValue, RANGE, VARY};
use http::{HeaderMap, Response, StatusCode};
use media::{MediaKind, Ticks, TrackId};
use packager::playlist::{Addressing, MultivariantOptions};
use packager::{Form, ManifestOptionsLive, NumberAt, PlaylistOptions, Reload, SegmentLookup, Window};
use tokio::sync::mpsc;

use crate::clock::wall_now;
use crate::http::{Body, header};
use crate::live::LiveStream;
use crate::made::Item;
use crate::routes::Asked;
use crate::routes::target::{ChannelFile, StreamFile, TrackLabel};
use crate::{Gateway, range, recorded, reply};

pub use gzip::GzipCache;
pub use ts::{TsCache, answer as answer_ts};

const MPEGURL: &str = "application/vnd.apple.mpegurl";
const DASH_XML: &str = "application/dash+xml";
/// A playlist asked for before the first part waits this long for it.
const FIRST_PART_WAIT: Duration = Duration::from_secs(5);
/// A playlist of whole segments asked for before the first waits this long for it: a segment of 4 s and its frame.
const FIRST_SEGMENT_WAIT: Duration = Duration::from_secs(6);
/// What a growing segment gets beyond the time that it takes by itself: for the way, and for a clock that is not the media's.
const GROWING_SLACK: Duration = Duration::from_secs(1);

/// The client takes gzip.
#[must_use]
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    header(headers, ACCEPT_ENCODING).is_some_and(|accepted| accepts(accepted, "gzip"))
}

/// Whether an `Accept-Encoding` header names `coding` with a weight above zero (RFC 9110 §12.5.3).
#[must_use]
pub fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        named && weight.is_none_or(|weight| weight.bytes().any(|digit| (b'1'..=b'9').contains(&digit)))
    })
}

/// A query asks for a delta update (`_HLS_skip`).
#[must_use]
pub fn wants_skip(query: &str) -> bool {
    query::Directives::parse(query).is_ok_and(|directives| directives.skip)
}

/// A text with its compressed form.
#[must_use]
pub fn packed(text: String) -> Item {
    let bytes = Bytes::from(text);
    Item { packed: gzip::pack(&bytes), bytes }
}

/// A playlist of something that is not live, compressed where the client takes it.
#[must_use]
pub fn playlist(text: Item, cache: &'static str, asked: &Asked<'_>) -> Response<Body> {
    text_reply(MPEGURL, cache, text.bytes, text.packed.filter(|_| asked.gzip))
}

/// A manifest of something that is not live.
#[must_use]
pub fn manifest_text(text: Item, cache: &'static str, asked: &Asked<'_>) -> Response<Body> {
    text_reply(DASH_XML, cache, text.bytes, text.packed.filter(|_| asked.gzip))
}

fn text_reply(mime: &'static str, cache: &'static str, text: Bytes, packed: Option<Bytes>) -> Response<Body> {
    let encoded = packed.is_some();
    let mut response = reply::bytes(mime, cache, packed.unwrap_or(text));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if encoded {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A media object that never changes, or the range of it that is asked for.
#[must_use]
pub fn object(bytes: Bytes, kind: MediaKind, headers: &HeaderMap) -> Response<Body> {
    ranged(&[bytes], mime_of(kind), headers)
}

fn mime_of(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Video => "video/mp4",
        MediaKind::Audio => "audio/mp4",
    }
}

/// What `pieces` make together, or the range of it that is asked for. They are sent as they are.
fn ranged(pieces: &[Bytes], mime: &'static str, headers: &HeaderMap) -> Response<Body> {
    let total = pieces.iter().map(|piece| piece.len() as u64).sum();
    let mut response = match range::parse(header(headers, RANGE), total) {
        range::Asked::Whole => reply::media(StatusCode::OK, mime, reply::IMMUTABLE, Body::joined(pieces, 0..total)),
        range::Asked::Part(part) => {
            let said = format!("bytes {}-{}/{total}", part.start, part.end - 1);
            let body = Body::joined(pieces, part);
            let mut response = reply::media(StatusCode::PARTIAL_CONTENT, mime, reply::IMMUTABLE, body);
            if let Ok(value) = HeaderValue::from_str(&said) {
                response.headers_mut().insert(CONTENT_RANGE, value);
            }
            response
        }
        range::Asked::Unsatisfiable => {
            let mut response = reply::text(StatusCode::RANGE_NOT_SATISFIABLE, "the range is outside the object");
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{total}")) {
                response.headers_mut().insert(CONTENT_RANGE, value);
            }
            response
        }
    };
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

/// Answers a channel's playlist or manifest. The large ones are in boxes, as most answers wait for a part's playlist.
pub async fn live(gateway: &Gateway, asked: &Asked<'_>, file: ChannelFile) -> Response<Body> {
    let Some(live) = gateway.live.of(&asked.path) else {
        return reply::not_live(asked.path.name.as_str());
    };
    let first = wait_for(gateway, &live, asked, FIRST_PART_WAIT, |window| {
        (window.is_ready() || window.is_ended()).then_some(())
    })
    .await;
    if first.is_none() {
        return reply::not_live(asked.path.name.as_str());
    }
    match file {
        ChannelFile::Master => multivariant(&live, asked, MultivariantOptions { query: "", ..Default::default() }),
        ChannelFile::LhlsMaster => {
            multivariant(&live, asked, MultivariantOptions { prefix: "lhls-", ..Default::default() })
        }
        ChannelFile::Media(label) => match window::asked_for(asked) {
            Ok(Some(wanted)) => Box::pin(window::media(gateway, &live, asked, &label, &wanted)).await,
            Ok(None) => low_latency(gateway, &live, asked, &label).await,
            Err(error) => window::refusal(error),
        },
        ChannelFile::LhlsMedia(label) => plain(&live, asked, &label, Form::Lhls),
        ChannelFile::TsPlaylist => Box::pin(ts::playlist(gateway, &live, asked)).await,
        ChannelFile::Mpd => manifest(&live, asked),
        ChannelFile::WindowMaster => window::master(&live, asked),
        ChannelFile::WindowMedia(label) => match window::asked_for(asked) {
            Ok(wanted) => Box::pin(window::media(gateway, &live, asked, &label, &wanted.unwrap_or_default())).await,
            Err(error) => window::refusal(error),
        },
        ChannelFile::Flv
        | ChannelFile::State
        | ChannelFile::Recordings
        | ChannelFile::Page(_)
        | ChannelFile::Stream(..)
        | ChannelFile::Rendition(_) => reply::text(StatusCode::NOT_FOUND, "there is nothing at this address"),
    }
}

/// Looks at the window whenever it has changed, until `look` finds something, `patience` is over, or whoever asks may not
/// have it any more. All waiters of a stream are woken when something comes, and a few times a second while nothing does: so
/// often they are asked about their right.
async fn wait_for<T>(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    patience: Duration,
    mut look: impl FnMut(&Window) -> Option<T>,
) -> Option<T> {
    let mut changes = live.changes();
    let deadline = Instant::now() + patience;
    loop {
        changes.borrow_and_update();
        if let Some(found) = look(&live.window.read()) {
            return Some(found);
        }
        if Instant::now() >= deadline || changes.changed().await.is_err() {
            return None;
        }
        if asked.right.is_private() && !asked.right.holds(&gateway.directory.view(), Instant::now()) {
            return None;
        }
    }
}

fn multivariant(live: &LiveStream, asked: &Asked<'_>, options: MultivariantOptions<'_>) -> Response<Body> {
    let text = live.window.read().multivariant(&options);
    match text {
        Some(text) => live_text(live, asked, MPEGURL, reply::LIVE_PLAYLIST, text),
        None => reply::not_live(asked.path.name.as_str()),
    }
}

fn live_text(
    live: &LiveStream,
    asked: &Asked<'_>,
    mime: &'static str,
    cache: &'static str,
    text: Bytes,
) -> Response<Body> {
    let packed = if asked.gzip { live.packed.get(&text) } else { None };
    text_reply(mime, cache, text, packed)
}

fn manifest(live: &LiveStream, asked: &Asked<'_>) -> Response<Body> {
    let base = format!("{}/", live.stream.id());
    let options =
        ManifestOptionsLive { addressing: Addressing { base: &base, query: "" }, now: wall_now(), time_url: "/time" };
    let text = live.window.read().manifest(&options);
    match text {
        Some(text) => live_text(live, asked, DASH_XML, reply::LIVE_PLAYLIST, text),
        None => reply::not_live(asked.path.name.as_str()),
    }
}

fn track_of(live: &LiveStream, label: &TrackLabel) -> Option<TrackId> {
    live.window.read().track_named(&label.0)
}

fn no_track() -> Response<Body> {
    reply::text(StatusCode::NOT_FOUND, "the stream has no such track")
}

fn plain(live: &LiveStream, asked: &Asked<'_>, label: &TrackLabel, form: Form) -> Response<Body> {
    let Some(track) = track_of(live, label) else { return no_track() };
    let base = format!("{}/", live.stream.id());
    let skip = wants_skip(asked.query);
    let options = PlaylistOptions { form, skip, addressing: Addressing { base: &base, query: "" } };
    let text = live.window.read().media_playlist(track, &options);
    match text {
        Some(text) => live_text(live, asked, MPEGURL, reply::LIVE_PLAYLIST, text),
        None => reply::text(StatusCode::NOT_FOUND, "there is no whole segment yet"),
    }
}

/// The LL-HLS media playlist, at once or when it has what is asked for (RFC 8216bis §6.2.5.2).
async fn low_latency(gateway: &Gateway, live: &LiveStream, asked: &Asked<'_>, label: &TrackLabel) -> Response<Body> {
    let directives = match query::Directives::parse(asked.query) {
        Ok(directives) => directives,
        Err(why) => return reply::text(StatusCode::BAD_REQUEST, why),
    };
    let Some(track) = track_of(live, label) else { return no_track() };
    let base = format!("{}/", live.stream.id());
    let options = PlaylistOptions {
        form: Form::LowLatency,
        skip: directives.skip,
        addressing: Addressing { base: &base, query: "" },
    };
    let Some((msn, part)) = directives.wanted else {
        return match live.window.read().media_playlist(track, &options) {
            Some(text) => live_text(live, asked, MPEGURL, reply::LIVE_PLAYLIST, text),
            None => reply::text(StatusCode::NOT_FOUND, "the track has no media yet"),
        };
    };
    // RFC 8216bis allows three target durations; half a second of it is for the way.
    let target = Duration::from_secs(gateway.live.config().target_duration_s().into());
    let patience = 3 * target - Duration::from_millis(500);
    let answer = wait_for(gateway, live, asked, patience, |window| match window.reload(track, msn, part) {
        Reload::Ready => Some(window.media_playlist(track, &options)),
        Reload::TooFar => Some(None),
        Reload::Wait => None,
    })
    .await;
    match answer {
        Some(Some(text)) => live_text(live, asked, MPEGURL, reply::BLOCKING_PLAYLIST, text),
        Some(None) => reply::text(StatusCode::BAD_REQUEST, "_HLS_msn or _HLS_part is too far in the future"),
        None => {
            metrics::counter!("tayang_hls_reload_timeouts_total").increment(1);
            let mut response =
                reply::text(StatusCode::SERVICE_UNAVAILABLE, "the stream stands still; ask again in a moment");
            response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// Answers for something of a stream that is live or ended a moment ago.
pub async fn of_stream(
    gateway: &Gateway,
    live: &Arc<LiveStream>,
    asked: &Asked<'_>,
    file: StreamFile,
    headers: &HeaderMap,
) -> Response<Body> {
    let found = match &file {
        StreamFile::Init(label, epoch) => init(live, label, *epoch, headers),
        StreamFile::Segment(label, msn) => segment(gateway, live, asked, label, *msn, headers),
        StreamFile::SegmentAt(label, epoch, start) => {
            match number_at(gateway, live, asked, label, (*epoch, *start)).await {
                Some(msn) => segment(gateway, live, asked, label, msn, headers),
                None => None,
            }
        }
        StreamFile::Part(label, msn, index) => part(gateway, live, asked, label, (*msn, *index), headers).await,
        StreamFile::Ts(msn) => Box::pin(ts::segment(gateway, live, asked, *msn, headers)).await,
        StreamFile::Master | StreamFile::Media(_) | StreamFile::Mpd | StreamFile::Mp4 => None,
    };
    match found {
        Some(response) => response,
        // What has left the window may have been recorded.
        // In a box: it is large, and most answers wait for what is live.
        None => Box::pin(recorded::answer(gateway, asked, live.stream.id(), file, headers)).await,
    }
}

fn init(live: &LiveStream, label: &TrackLabel, epoch: u32, headers: &HeaderMap) -> Option<Response<Body>> {
    let window = live.window.read();
    let init = window.init(window.track_named(&label.0)?, epoch)?;
    Some(object(init.bytes.clone(), init.track.kind(), headers))
}

fn kind_of(label: &TrackLabel) -> MediaKind {
    if label.0.starts_with("video") { MediaKind::Video } else { MediaKind::Audio }
}

/// How long the segment being made and the one after it take at most.
fn two_segments(gateway: &Gateway) -> Duration {
    Duration::from_millis(u64::from(gateway.live.config().segment_max_ms) * 2)
}

async fn part(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    label: &TrackLabel,
    (msn, index): (u64, u32),
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    let track = track_of(live, label)?;
    let patience = two_segments(gateway);
    let found = wait_for(gateway, live, asked, patience, |window| match window.part(track, msn, index) {
        Some(part) => Some(Some(part)),
        None => match window.segment(track, msn) {
            // A hint holds until the part comes or the segment closes without it.
            SegmentLookup::Open(parts) if index == parts.len() as u32 => None,
            SegmentLookup::NotYet if index == 0 && window.position(track).is_some_and(|next| msn <= next.msn + 1) => {
                None
            }
            SegmentLookup::Ready(_) | SegmentLookup::Open(_) | SegmentLookup::NotYet | SegmentLookup::Gone => {
                Some(None)
            }
        },
    })
    .await
    .flatten()?;
    Some(object(found.bytes.clone(), kind_of(label), headers))
}

/// The number of the segment that an address by time means, once it has begun.
async fn number_at(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    label: &TrackLabel,
    (epoch, start): (u32, u64),
) -> Option<u64> {
    let track = track_of(live, label)?;
    let start = Ticks(i64::try_from(start).ok()?);
    let patience = two_segments(gateway);
    wait_for(gateway, live, asked, patience, |window| match window.number_at(track, epoch, start) {
        NumberAt::Number(msn) => Some(Some(msn)),
        NumberAt::Coming => None,
        NumberAt::Nothing => Some(None),
    })
    .await
    .flatten()
}

fn segment(
    gateway: &Gateway,
    live: &Arc<LiveStream>,
    asked: &Asked<'_>,
    label: &TrackLabel,
    msn: u64,
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    let track = track_of(live, label)?;
    let lookup = live.window.read().segment(track, msn);
    match lookup {
        SegmentLookup::Ready(segment) => {
            let parts: Vec<Bytes> = segment.chunks().collect();
            Some(ranged(&parts, mime_of(kind_of(label)), headers))
        }
        SegmentLookup::Open(_) => Some(growing(gateway, live, asked, label, track, msn)),
        SegmentLookup::NotYet => {
            // LHLS names the segment after the one being made; anything later is a guess.
            let next = live.window.read().position(track)?;
            (msn <= next.msn + 1).then(|| growing(gateway, live, asked, label, track, msn))
        }
        SegmentLookup::Gone => None,
    }
}

/// A segment that is read while it is made: low-latency DASH and LHLS. Each part leaves as it becomes final.
fn growing(
    gateway: &Gateway,
    live: &Arc<LiveStream>,
    asked: &Asked<'_>,
    label: &TrackLabel,
    track: TrackId,
    msn: u64,
) -> Response<Body> {
    let mime = mime_of(kind_of(label));
    if asked.head {
        return reply::media(StatusCode::OK, mime, reply::NO_CACHE, Body::Empty);
    }
    // The segment before it may have to end first. One that is not whole by then will not be soon.
    let patience = two_segments(gateway) + GROWING_SLACK;
    let live = live.clone();
    let body = Body::fed(gateway, asked.right.clone(), move |body| follow_segment(live, track, msn, body, patience));
    // It may be cut off, and whoever kept what came until then would keep it under the whole segment's name.
    reply::media(StatusCode::OK, mime, reply::NO_CACHE, body)
}

/// Sends a segment as it grows. Answers why the rest will not come.
async fn follow_segment(
    live: Arc<LiveStream>,
    track: TrackId,
    msn: u64,
    body: mpsc::Sender<io::Result<Bytes>>,
    patience: Duration,
) -> Option<&'static str> {
    let cut = tokio::select! {
        cut = send_parts(&live, track, msn, &body) => cut,
        () = tokio::time::sleep(patience) => Some("the segment was not whole, or not taken, in time"),
    };
    if cut.is_some() {
        metrics::counter!("tayang_growing_segments_cut_total").increment(1);
    }
    cut
}

/// Sends the parts as they come. Answers why the rest will not come; `None`: it is whole, or nobody reads it any more.
async fn send_parts(
    live: &LiveStream,
    track: TrackId,
    msn: u64,
    body: &mpsc::Sender<io::Result<Bytes>>,
) -> Option<&'static str> {
    let mut changes = live.changes();
    let mut sent = 0;
    loop {
        changes.borrow_and_update();
        let lookup = live.window.read().segment(track, msn);
        let (parts, complete) = match lookup {
            SegmentLookup::Ready(segment) => (segment.parts.to_vec(), true),
            SegmentLookup::Open(parts) => (parts, false),
            SegmentLookup::NotYet => (Vec::new(), false),
            SegmentLookup::Gone => return Some("the segment is gone"),
        };
        for part in parts.iter().skip(sent) {
            body.send(Ok(part.bytes.clone())).await.ok()?;
        }
        sent = parts.len();
        if complete {
            return None;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Some("the stream is gone") },
            () = body.closed() => return None,
        }
    }
}
