//! `onMetaData`, the script tag that says what a stream holds.

use bytes::Bytes;
use media::{Codec, MediaKind, Track, TrackSet};

use super::write::four_cc;
use crate::amf::Value;

/// Body of the `onMetaData` script tag for these tracks: the first video and the first audio track are described.
/// `videocodecid` and `audiocodecid` are legacy ids or, for E-RTMP codecs, the FourCC as a number.
#[must_use]
pub fn on_metadata(tracks: &TrackSet) -> Bytes {
    let mut properties = Vec::new();
    if let Some(track) = tracks.first(MediaKind::Video)
        && let Some(video) = track.video()
    {
        if video.width > 0 && video.height > 0 {
            properties.push(("width", Value::Number(f64::from(video.width))));
            properties.push(("height", Value::Number(f64::from(video.height))));
        }
        properties.push(("videocodecid", Value::Number(codec_id(track))));
        if let Some(rate) = video.frame_rate.filter(|rate| rate.seconds > 0) {
            properties.push(("framerate", Value::Number(f64::from(rate.frames) / f64::from(rate.seconds))));
        }
    }
    if let Some(track) = tracks.first(MediaKind::Audio)
        && let Some(audio) = track.audio()
    {
        properties.push(("audiocodecid", Value::Number(codec_id(track))));
        properties.push(("audiosamplerate", Value::Number(f64::from(audio.sample_rate))));
        properties.push(("audiosamplesize", Value::Number(16.0)));
        properties.push(("audiochannels", Value::Number(f64::from(audio.channels))));
        properties.push(("stereo", Value::Boolean(audio.channels >= 2)));
    }
    properties.push(("encoder", Value::from("Tayang")));
    let mut out = Vec::with_capacity(256);
    Value::from("onMetaData").encode(&mut out);
    Value::ecma_array(properties).encode(&mut out);
    out.into()
}

fn codec_id(track: &Track) -> f64 {
    match track.codec {
        Codec::H264 => 7.0,
        Codec::Aac => 10.0,
        Codec::Mp3 => 2.0,
        codec @ (Codec::H265 | Codec::Av1 | Codec::Vp9 | Codec::Opus | Codec::Flac) => {
            f64::from(u32::from_be_bytes(four_cc(codec)))
        }
    }
}
