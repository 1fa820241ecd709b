//! Recordings over HTTP: playlists over the kept segments, the segments themselves, and the MP4 that they make.
//!
//! Owns no bytes: the recorder's archive has them. A stream that is still live comes here for what has left its window.

use std::io;
use std::sync::Arc;

use futures_util::StreamExt as _;
use http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, RANGE};
use http::{HeaderMap, Response, StatusCode};
use media::{StreamId, Ticks};
use packager::playlist::{
    Addressing, Container, KeptTrack, Kind, ListOptions, MultivariantOptions, Rates, Rendition, SegmentEntry,
    multivariant, segment_list, vod_manifest,
};
use recorder::{Phase, RecorderError, RecordingIndex, RecordingKey, TrackIndex};

use crate::http::{Body, header};
use crate::io::UNTAKEN_MAX;
use crate::made::{self, Made};
use crate::routes::Asked;
use crate::routes::target::{StreamFile, TrackLabel};
use crate::{Gateway, hls, range, reply};

/// What is made of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The multivariant playlist.
    Master,
    /// A track's playlist.
    Media {
        /// The track.
        label: TrackLabel,
        /// Without what a player has already.
        skip: bool,
    },
    /// The DASH manifest.
    Mpd,
    /// The segment of that number in MPEG-TS.
    Ts(u64),
    /// A window by query of a stream that goes on.
    Window {
        /// The track.
        label: TrackLabel,
        /// Segments in MPEG-TS.
        ts: bool,
        /// Without what a player has already.
        skip: bool,
        /// The window's parameters, and no other.
        query: String,
        /// Where its segments are.
        base: String,
    },
}

/// What was made of recordings, by how far the recording was.
pub struct MadeOfRecordings(Made<(RecordingKey, What), (u64, u64)>);

impl Default for MadeOfRecordings {
    /// 64 MiB: the segments in MPEG-TS of twenty viewers, each at another place, and every playlist of a day's recordings.
    fn default() -> Self {
        Self(Made::new(1_024, 64 << 20))
    }
}

impl std::ops::Deref for MadeOfRecordings {
    type Target = Made<(RecordingKey, What), (u64, u64)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Answers for a stream that is not live.
pub async fn answer(
    gateway: &Gateway,
    asked: &Asked<'_>,
    stream: StreamId,
    file: StreamFile,
    headers: &HeaderMap,
) -> Response<Body> {
    let key = RecordingKey { channel: asked.right.channel_id(), stream };
    match serve(gateway, asked, key, file, headers).await {
        Ok(response) => response,
        Err(error) => failed(&error),
    }
}

/// The recorder's errors as a client may see them.
#[must_use]
pub fn failed(error: &RecorderError) -> Response<Body> {
    match error {
        RecorderError::NoRecording(_) => reply::text(StatusCode::NOT_FOUND, "there is no such recording"),
        RecorderError::NoSegment { .. } => {
            reply::text(StatusCode::NOT_FOUND, "the recording has nothing under this number")
        }
        RecorderError::Range { .. } => reply::text(StatusCode::RANGE_NOT_SATISFIABLE, "the range is outside the file"),
        RecorderError::Mp4(_) => {
            reply::text(StatusCode::CONFLICT, "this recording cannot be one MP4: play its playlist instead")
        }
        other => {
            tracing::error!(error = %other, "a recording could not be read");
            metrics::counter!("tayang_recording_read_errors_total").increment(1);
            reply::text(StatusCode::SERVICE_UNAVAILABLE, "the recording cannot be read now; try again")
        }
    }
}

async fn serve(
    gateway: &Gateway,
    asked: &Asked<'_>,
    key: RecordingKey,
    file: StreamFile,
    headers: &HeaderMap,
) -> Result<Response<Body>, RecorderError> {
    let archive = gateway.recorder.archive();
    let index = archive.index(key).await?;
    match file {
        StreamFile::Master => text(gateway, index, asked, What::Master).await,
        StreamFile::Media(label) => {
            // A list that is complete is never told in part.
            let skip = index.phase == Phase::Recording && hls::wants_skip(asked.query);
            text(gateway, index, asked, What::Media { label, skip }).await
        }
        StreamFile::Mpd => text(gateway, index, asked, What::Mpd).await,
        StreamFile::Mp4 => mp4(gateway, key, &index, asked, headers).await,
        StreamFile::Init(label, epoch) => {
            let track = track(&index, &label).ok_or(RecorderError::NoRecording(key))?;
            let init = archive.init(key, track.id, epoch).await?;
            Ok(hls::object(init.bytes.clone(), track.kind(), headers))
        }
        StreamFile::Segment(label, msn) => {
            let track = track(&index, &label).ok_or(RecorderError::NoRecording(key))?;
            let bytes = archive.read_segment(key, track.id, msn).await?;
            Ok(hls::object(bytes, track.kind(), headers))
        }
        StreamFile::SegmentAt(label, epoch, start) => {
            let track = track(&index, &label).ok_or(RecorderError::NoRecording(key))?;
            let entry = i64::try_from(start).ok().and_then(|start| track.segments.at(epoch, Ticks(start)));
            let entry = entry.ok_or(RecorderError::NoSegment { key, track: track.id, msn: start })?;
            let bytes = archive.read_segment(key, track.id, entry.msn).await?;
            Ok(hls::object(bytes, track.kind(), headers))
        }
        StreamFile::Part(label, msn, part) => {
            let track = track(&index, &label).ok_or(RecorderError::NoRecording(key))?;
            let bytes = archive.read_part(key, track.id, msn, part).await?;
            Ok(hls::object(bytes, track.kind(), headers))
        }
        StreamFile::Ts(msn) => hls::answer_ts(gateway, key, &index, msn, headers).await,
    }
}

fn track<'i>(index: &'i RecordingIndex, label: &TrackLabel) -> Option<&'i TrackIndex> {
    index.track_named(&label.0)
}

/// What playlists say of a track's segments.
#[must_use]
pub fn entries(track: &TrackIndex, msn_base: u64) -> Vec<SegmentEntry> {
    let mut discontinuity_sequence = packager::discontinuity_base(msn_base);
    track
        .segments
        .iter()
        .map(|segment| {
            if segment.discontinuity || segment.gap_before {
                discontinuity_sequence += 1;
            }
            SegmentEntry {
                msn: segment.msn,
                epoch: segment.epoch,
                start: segment.start,
                duration: segment.duration,
                timescale: track.timescale_of(segment.epoch),
                independent: segment.independent,
                discontinuity_sequence,
                wall: segment.wall,
                bytes_len: segment.bytes,
                samples: 0,
            }
        })
        .collect()
}

/// All tracks as a multivariant playlist lists them.
#[must_use]
pub fn renditions(index: &RecordingIndex) -> Vec<Rendition> {
    index
        .tracks
        .iter()
        .filter_map(|track| {
            let init = track.inits.last()?;
            Some(Rendition { name: init.name.clone(), track: init.track.clone(), rates: Rates::of(&entries(track, 0)) })
        })
        .collect()
}

/// A playlist or manifest, made once for all who ask for it.
async fn text(
    gateway: &Gateway,
    index: Arc<RecordingIndex>,
    asked: &Asked<'_>,
    what: What,
) -> Result<Response<Body>, RecorderError> {
    let (cache, is_manifest) = (cache(&index), matches!(what, What::Mpd));
    let key = (index.key, what.clone());
    let version = (index.bytes(), u64::from(index.phase == Phase::Recording));
    let config = gateway.live.config().clone();
    let make = made::aside(move || {
        let text = match &what {
            What::Master => multivariant(&renditions(&index), &MultivariantOptions::default()),
            What::Media { label, skip } => media(&config, &index, label, *skip),
            What::Mpd => mpd(&config, &index),
            What::Window { .. } | What::Ts(_) => None,
        };
        text.map(hls::packed)
    });
    Ok(match gateway.made.get(key, version, make).await? {
        Some(item) if is_manifest => hls::manifest_text(item, cache, asked),
        Some(item) => hls::playlist(item, cache, asked),
        None => reply::text(StatusCode::NOT_FOUND, "the recording has no such track, or no whole segment yet"),
    })
}

fn media(config: &packager::Config, index: &RecordingIndex, label: &TrackLabel, skip: bool) -> Option<String> {
    let track = track(index, label)?;
    let kind = if index.phase == Phase::Recording { Kind::Event { ended: false } } else { Kind::Vod };
    let options = ListOptions { container: Container::Cmaf, kind, skip, addressing: Addressing::default() };
    segment_list(config, track.name(), &entries(track, index.key.stream.0 / 1_000), &options)
}

fn mpd(config: &packager::Config, index: &RecordingIndex) -> Option<String> {
    let entries: Vec<_> = index.tracks.iter().map(|track| entries(track, index.key.stream.0 / 1_000)).collect();
    let configs: Vec<Vec<_>> = index
        .tracks
        .iter()
        .map(|track| track.inits.iter().map(|init| (init.epoch, init.track.clone())).collect())
        .collect();
    let kept: Vec<KeptTrack<'_>> = index
        .tracks
        .iter()
        .zip(&entries)
        .zip(&configs)
        .map(|((track, entries), configs)| KeptTrack { name: track.name(), configs, entries })
        .collect();
    vod_manifest(config, &kept, Addressing::default())
}

fn cache(index: &RecordingIndex) -> &'static str {
    if index.phase == Phase::Recording { reply::LIVE_PLAYLIST } else { reply::ENDED_PLAYLIST }
}

async fn mp4(
    gateway: &Gateway,
    key: RecordingKey,
    index: &RecordingIndex,
    asked: &Asked<'_>,
    headers: &HeaderMap,
) -> Result<Response<Body>, RecorderError> {
    if index.phase == Phase::Recording {
        return Ok(reply::text(StatusCode::CONFLICT, "the stream goes on: its MP4 is there when it has ended"));
    }
    let archive = gateway.recorder.archive();
    let layout = archive.mp4(key).await?;
    let total = layout.total_len;
    let (status, wanted) = match range::parse(header(headers, RANGE), total) {
        range::Asked::Whole => (StatusCode::OK, 0..total),
        range::Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        range::Asked::Unsatisfiable => {
            let mut response = reply::text(StatusCode::RANGE_NOT_SATISFIABLE, "the range is outside the file");
            set(&mut response, CONTENT_RANGE, &format!("bytes */{total}"));
            return Ok(response);
        }
    };
    let body = if asked.head {
        Body::Empty
    } else {
        let mut pieces = Box::pin(archive.mp4_range(key, layout, wanted.clone())?);
        Body::fed(gateway, asked.right.clone(), move |body| async move {
            while let Some(piece) = pieces.next().await {
                let sent = body.send(piece.map_err(io::Error::other));
                match tokio::time::timeout(UNTAKEN_MAX, sent).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => return Some("it was not taken in time"),
                }
            }
            None
        })
    };
    let mut response = reply::media(status, "video/mp4", reply::IMMUTABLE, body);
    set(&mut response, CONTENT_LENGTH, &(wanted.end - wanted.start).to_string());
    set(&mut response, ACCEPT_RANGES, "bytes");
    set(&mut response, CONTENT_DISPOSITION, &format!("inline; filename=\"{}-{}.mp4\"", asked.path.name, key.stream));
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{total}", wanted.start, wanted.end - 1));
    }
    Ok(response)
}

fn set(response: &mut Response<Body>, name: http::header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The recording of a stream that is live, if it is recorded.
pub async fn live_index(gateway: &Gateway, key: RecordingKey) -> Option<Arc<RecordingIndex>> {
    gateway.recorder.archive().index(key).await.ok()
}
