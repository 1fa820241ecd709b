//! Tag bodies from tracks and frames.
//!
//! H.264, AAC and MP3 on ordinal 0 take the legacy form that every player reads; other codecs take the FourCC form and
//! ordinals above 0 the multitrack form with one track. `ordinal` counts tracks of the same kind: it is the E-RTMP track
//! id on the wire.

use bytes::Bytes;
use media::{Codec, Hdr, Track};

use crate::amf::Value;

const LEGACY_AVC: u8 = 0x07;
const LEGACY_AAC: u8 = 0xA0;
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const VIDEO_MULTITRACK: u8 = 6;
const AUDIO_MULTITRACK: u8 = 5;
const ENHANCED_VIDEO: u8 = 0x80;
const ENHANCED_AUDIO: u8 = 0x90;

/// FourCC of a codec in E-RTMP.
pub(super) const fn four_cc(codec: Codec) -> [u8; 4] {
    match codec {
        Codec::H264 => *b"avc1",
        Codec::H265 => *b"hvc1",
        Codec::Av1 => *b"av01",
        Codec::Vp9 => *b"vp09",
        Codec::Aac => *b"mp4a",
        Codec::Opus => *b"Opus",
        Codec::Flac => *b"fLaC",
        Codec::Mp3 => *b".mp3",
    }
}

/// Body of the tag that carries `track`'s configuration. Empty for MP3, which has none: no tag is to be sent then.
#[must_use]
pub fn write_config(track: &Track, ordinal: u8) -> Bytes {
    if track.codec == Codec::Mp3 {
        return Bytes::new();
    }
    let mut out = Vec::with_capacity(16 + track.config.len());
    match track.codec {
        Codec::H264 if ordinal == 0 => out.extend_from_slice(&[0x10 | LEGACY_AVC, 0, 0, 0, 0]),
        Codec::Aac if ordinal == 0 => out.extend_from_slice(&[LEGACY_AAC | 0x0F, 0]),
        codec => enhanced_header(codec, ordinal, true, SEQUENCE_START, &mut out),
    }
    out.extend_from_slice(&track.config);
    out.into()
}

/// Body of the tag with `track`'s colour and HDR metadata (E-RTMP "Metadata Frame", `colorInfo`). Empty where there is
/// nothing beyond what the bitstream says itself: no tag is to be sent then. Legacy H.264 has no such tag.
#[must_use]
pub fn write_colour_info(track: &Track, ordinal: u8) -> Bytes {
    let legacy = track.codec == Codec::H264 && ordinal == 0;
    let Some(video) = track.video().filter(|video| !legacy && video.hdr != Hdr::default()) else { return Bytes::new() };
    let numbers = |pairs: Vec<(&'static str, f64)>| {
        Value::object(pairs.into_iter().map(|(name, number)| (name, Value::Number(number))))
    };
    let mut groups = Vec::new();
    if let Some(colour) = video.colour {
        let config = vec![
            ("colorPrimaries", colour.primaries.into()),
            ("transferCharacteristics", colour.transfer.into()),
            ("matrixCoefficients", colour.matrix.into()),
        ];
        groups.push(("colorConfig", numbers(config)));
    }
    if let Some(light) = video.hdr.content_light {
        groups.push(("hdrCll", numbers(vec![("maxCLL", light.max_cll.into()), ("maxFall", light.max_fall.into())])));
    }
    if let Some(display) = video.hdr.mastering {
        let share = |steps: u16| f64::from(steps) / 50_000.0;
        let nits = |steps: u32| f64::from(steps) / 10_000.0;
        let mastering = vec![
            ("redX", share(display.red.0)),
            ("redY", share(display.red.1)),
            ("greenX", share(display.green.0)),
            ("greenY", share(display.green.1)),
            ("blueX", share(display.blue.0)),
            ("blueY", share(display.blue.1)),
            ("whitePointX", share(display.white.0)),
            ("whitePointY", share(display.white.1)),
            ("maxLuminance", nits(display.luminance_max)),
            ("minLuminance", nits(display.luminance_min)),
        ];
        groups.push(("hdrMdcv", numbers(mastering)));
    }
    let mut out = Vec::with_capacity(512);
    enhanced_header(track.codec, ordinal, true, METADATA, &mut out);
    Value::from("colorInfo").encode(&mut out);
    Value::object(groups).encode(&mut out);
    out.into()
}

/// Appends what goes before a frame's payload in its tag. `frame_cts_ms` is limited to 24 bits with a sign, as the
/// format has no more. `key` and `frame_cts_ms` mean nothing for audio.
pub fn write_frame_header(track: &Track, ordinal: u8, frame_cts_ms: i32, key: bool, out: &mut Vec<u8>) {
    let [_, a, b, c] = frame_cts_ms.clamp(-0x80_0000, 0x7F_FFFF).to_be_bytes();
    match track.codec {
        Codec::H264 if ordinal == 0 => out.extend_from_slice(&[frame_type(key) << 4 | LEGACY_AVC, 1, a, b, c]),
        Codec::H264 | Codec::H265 if frame_cts_ms == 0 => {
            enhanced_header(track.codec, ordinal, key, CODED_FRAMES_X, out);
        }
        Codec::H264 | Codec::H265 => {
            enhanced_header(track.codec, ordinal, key, CODED_FRAMES, out);
            out.extend_from_slice(&[a, b, c]);
        }
        Codec::Aac if ordinal == 0 => out.extend_from_slice(&[LEGACY_AAC | 0x0F, 1]),
        Codec::Mp3 if ordinal == 0 => out.push(mp3_header(track)),
        codec => enhanced_header(codec, ordinal, key, CODED_FRAMES, out),
    }
}

const fn frame_type(key: bool) -> u8 {
    if key { 1 } else { 2 }
}

fn enhanced_header(codec: Codec, ordinal: u8, key: bool, packet_type: u8, out: &mut Vec<u8>) {
    let (base, multitrack) = match codec {
        Codec::H264 | Codec::H265 | Codec::Av1 | Codec::Vp9 => {
            (ENHANCED_VIDEO | frame_type(key) << 4, VIDEO_MULTITRACK)
        }
        Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => (ENHANCED_AUDIO, AUDIO_MULTITRACK),
    };
    if ordinal == 0 {
        out.push(base | packet_type);
        out.extend_from_slice(&four_cc(codec));
    } else {
        out.extend_from_slice(&[base | multitrack, packet_type]); // multitrack type 0: one track
        out.extend_from_slice(&four_cc(codec));
        out.push(ordinal);
    }
}

/// SoundFormat, and the rate, size and type bits that old players do read for MP3.
fn mp3_header(track: &Track) -> u8 {
    let (sample_rate, channels) = track.audio().map_or((44_100, 2), |audio| (audio.sample_rate, audio.channels));
    let (format, rate) = match sample_rate {
        8_000 => (14, 0),
        11_025 => (2, 1),
        22_050 => (2, 2),
        _ => (2, 3),
    };
    format << 4 | rate << 2 | 1 << 1 | u8::from(channels > 1)
}
