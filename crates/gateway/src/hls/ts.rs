//! HLS in MPEG-TS: a view on the same segments for old players. Each is made when it is first asked for and kept while
//! the stream's window is.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use packager::playlist::{Addressing, Container};
use packager::{Form, PlaylistOptions, SegmentLookup, ts_view};
use parking_lot::Mutex;
use recorder::{RecorderError, RecordingIndex, RecordingKey};

use super::{MPEGURL, live_text, no_track, ranged, window};
use crate::http::Body;
use crate::live::LiveStream;
use crate::routes::Asked;
use crate::{Gateway, reply};

const MIME: &str = "video/mp2t";
/// Views kept of one stream. A live list of [`packager::Config::window_segments`] is what players ask for.
const KEPT: usize = 32;

/// Segments in MPEG-TS that were made already.
#[derive(Default)]
pub struct TsCache(Mutex<Vec<(u64, Bytes)>>);

impl TsCache {
    fn get(&self, msn: u64, make: impl FnOnce() -> Option<Bytes>) -> Option<Bytes> {
        // Made under the lock: viewers that ask together cost one.
        let mut kept = self.0.lock();
        if let Some((_, bytes)) = kept.iter().find(|(known, _)| *known == msn) {
            return Some(bytes.clone());
        }
        let bytes = make()?;
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((msn, bytes.clone()));
        Some(bytes)
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
    let signed = asked.sign.map_or_else(String::new, |sign| format!("/s/{sign}"));
    let base = format!("{signed}/{}/{base}", asked.path.app);
    let options = PlaylistOptions { form: Form::Ts, skip: false, addressing: Addressing { base: &base, query: "" } };
    let first = super::wait_for(live, super::FIRST_SEGMENT_WAIT, |window| {
        let track = window.track_named(&label.0)?;
        window.media_playlist(track, &options)
    })
    .await;
    match first {
        Some(text) => live_text(live, asked, MPEGURL, reply::LIVE_PLAYLIST, text),
        None => reply::text(StatusCode::NOT_FOUND, "there is no whole segment yet"),
    }
}

/// A live segment. `None`: it is not in the window.
pub(super) fn segment(live: &LiveStream, msn: u64, headers: &HeaderMap) -> Option<Response<Body>> {
    let tracks = {
        let window = live.window.read();
        let mut found = Vec::new();
        for track in window.tracks() {
            if let SegmentLookup::Ready(segment) = window.segment(track.id, msn) {
                let init = window.init(track.id, segment.epoch)?;
                found.push((init.track.clone(), segment));
            }
        }
        found
    };
    if tracks.is_empty() {
        return None;
    }
    let made = live.ts.get(msn, || {
        let views: Vec<_> = tracks.iter().map(|(track, segment)| (&**track, segment.concat())).collect();
        ts_view(&views, msn).ok().map(Bytes::from)
    });
    Some(match made {
        Some(bytes) => ranged(&[bytes], MIME, headers),
        None => reply::text(StatusCode::NOT_FOUND, "MPEG-TS cannot carry this stream's codecs"),
    })
}

/// A recorded segment.
pub async fn answer(
    gateway: &Gateway,
    key: RecordingKey,
    index: &RecordingIndex,
    msn: u64,
    headers: &HeaderMap,
) -> Result<Response<Body>, RecorderError> {
    let archive = gateway.recorder.archive();
    let mut tracks = Vec::new();
    for track in &index.tracks {
        let Some(entry) = track.segments.iter().find(|entry| entry.msn == msn) else { continue };
        let init = archive.init(key, track.id, entry.epoch).await?;
        tracks.push((init.track.clone(), archive.read_segment(key, track.id, msn).await?));
    }
    let first = index.leading().map_or(media::TrackId(0), |track| track.id);
    if tracks.is_empty() {
        return Err(RecorderError::NoSegment { key, track: first, msn });
    }
    let views: Vec<_> = tracks.iter().map(|(track, bytes)| (&**track, bytes.clone())).collect();
    Ok(match ts_view(&views, msn) {
        Ok(bytes) => ranged(&[bytes.into()], MIME, headers),
        Err(error) => reply::text(StatusCode::NOT_FOUND, error.to_string()),
    })
}
