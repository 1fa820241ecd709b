//! HLS in MPEG-TS: a view on the same segments for old players. Each is made when it is first asked for and kept while
//! the stream's window is.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use media::Track;
use packager::playlist::{Addressing, Container};
use packager::{Form, JointLookup, PlaylistOptions, ts_view};
use recorder::{Phase, RecorderError, RecordingIndex, RecordingKey, TrackIndex};

use super::{MPEGURL, live_text, no_track, ranged, window};
use crate::http::Body;
use crate::live::LiveStream;
use crate::made::{self, Item, Made};
use crate::recorded::What;
use crate::routes::Asked;
use crate::{Gateway, reply};

const MIME: &str = "video/mp2t";
/// Views kept of one stream. A live list of [`packager::Config::window_segments`] is what players ask for.
const KEPT: usize = 32;

/// Bytes of them: as much as the windows of most streams hold.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// Segments in MPEG-TS that were made already.
pub struct TsCache(Made<u64, ()>);

impl Default for TsCache {
    fn default() -> Self {
        Self(Made::new(KEPT, KEPT_BYTES_MAX))
    }
}

/// The live MPEG-TS playlist, or a window of it by query.
pub(super) async fn playlist(gateway: &Gateway, live: &LiveStream, asked: &Asked<'_>) -> Response<Body> {
    let Some((label, _)) = window::leading(live) else { return no_track() };
    match window::asked_for(asked) {
        Err(error) => return window::refusal(error),
        Ok(Some(wanted)) => return window::list(gateway, live, asked, &label, &wanted, Container::Ts).await,
        Ok(None) => {}
    }
    let base = format!("{}/{}/", asked.path.name, live.stream.id());
    // livego's address lies one level above the canonical one; an absolute path serves both.
    let base = format!("{}/{}/{base}", asked.carried.prefix(), asked.path.app);
    let options = PlaylistOptions { form: Form::Ts, skip: false, addressing: Addressing { base: &base, query: "" } };
    let first = super::wait_for(gateway, live, asked, super::FIRST_SEGMENT_WAIT, |window| {
        let track = window.track_named(&label.0)?;
        window.media_playlist(track, &options)
    })
    .await;
    match first {
        Some(text) => live_text(live, asked, MPEGURL, reply::LIVE_PLAYLIST, text),
        None => reply::text(StatusCode::NOT_FOUND, "there is no whole segment yet"),
    }
}

/// A live segment, once every track that keeps step has come so far. `None`: it is not in the window.
pub(super) async fn segment(
    gateway: &Gateway,
    live: &LiveStream,
    asked: &Asked<'_>,
    msn: u64,
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    let patience = super::two_segments(gateway);
    let found = super::wait_for(gateway, live, asked, patience, |window| match window.joint_segment(msn) {
        JointLookup::Ready(tracks) => Some(Some(tracks)),
        // The one after the segment being made, at most: anything later is a guess.
        JointLookup::Coming if msn <= window.joint_before().saturating_add(1) => None,
        JointLookup::Coming | JointLookup::Gone => Some(None),
    });
    let tracks = found.await.flatten()?;
    let make = made::aside(move || {
        let views: Vec<_> = tracks.iter().map(|(track, segment)| (&**track, segment.concat())).collect();
        view(&views, msn)
    });
    Some(reply_with(live.ts.0.get(msn, (), make).await.ok().flatten(), headers))
}

fn view(tracks: &[(&Track, Bytes)], msn: u64) -> Option<Item> {
    match ts_view(tracks, msn) {
        Ok(bytes) => Some(Item { bytes: bytes.into(), packed: None }),
        Err(error) => {
            tracing::debug!(%error, "a segment has no view in MPEG-TS");
            None
        }
    }
}

fn reply_with(made: Option<Item>, headers: &HeaderMap) -> Response<Body> {
    match made {
        Some(item) => ranged(&[item.bytes], MIME, headers),
        None => reply::text(StatusCode::NOT_FOUND, "MPEG-TS cannot carry this stream's codecs"),
    }
}

/// A recorded segment.
pub async fn answer(
    gateway: &Gateway,
    key: RecordingKey,
    index: &RecordingIndex,
    msn: u64,
    headers: &HeaderMap,
) -> Result<Response<Body>, RecorderError> {
    if !is_whole(index, msn) {
        let first = index.leading().map_or(media::TrackId(0), |track| track.id);
        return Err(RecorderError::NoSegment { key, track: first, msn });
    }
    let make = async {
        let archive = gateway.recorder.archive();
        let mut tracks = Vec::new();
        for track in &index.tracks {
            let Some(entry) = track.segments.get(msn) else { continue };
            let init = archive.init(key, track.id, entry.epoch).await?;
            tracks.push((init.track.clone(), archive.read_segment(key, track.id, msn).await?));
        }
        made::aside(move || {
            let views: Vec<_> = tracks.iter().map(|(track, bytes)| (&**track, bytes.clone())).collect();
            view(&views, msn)
        })
        .await
    };
    // A segment that is whole never changes, however far the recording is.
    Ok(reply_with(gateway.made.get((key, What::Ts(msn)), (0, 0), make).await?, headers))
}

/// Some track has a segment of that number, and no other may still get one: made now, it would stay without.
fn is_whole(index: &RecordingIndex, msn: u64) -> bool {
    let next = |track: &TrackIndex| track.segments.last().map(|newest| newest.msn + 1);
    let newest = index.tracks.iter().filter_map(next).max().unwrap_or(0);
    let may_come = |track: &TrackIndex| {
        let is_behind = next(track).is_none_or(|next| next <= msn);
        index.phase == Phase::Recording && is_behind && newest <= msn + packager::STALE_SEGMENTS
    };
    let mut has_one = false;
    index.tracks.iter().all(|track| {
        let has = track.segments.get(msn).is_some();
        has_one |= has;
        has || !may_come(track)
    }) && has_one
}
