//! What Tayang writes: the bytes that other muxers write, and round trips.

use std::sync::Arc;

use media::{Codec, Track, TrackId, TrackSet};
use proptest::prelude::*;

use super::*;
use crate::amf::{Limits, Value, amf0};
use crate::codec::tests::vectors::*;
use crate::codec::{make_track, make_track_from_frame, mp3};

fn track(codec: Codec) -> Track {
    let record = match codec {
        Codec::H264 => AVCC,
        Codec::H265 => HVCC,
        Codec::Av1 => AV1C,
        Codec::Vp9 => VPCC,
        Codec::Aac => ASC_LC,
        Codec::Opus => OPUS_HEAD,
        Codec::Flac => FLAC_BLOCK,
        Codec::Mp3 => return mp3::track(TrackId(1), &[0xFF, 0xFB, 0x90, 0x64]).expect("recorded"),
    };
    make_track(TrackId(u8::from(codec.kind() == media::MediaKind::Audio)), codec, hex(record)).expect("recorded")
}

fn header(codec: Codec, ordinal: u8, cts_ms: i32, key: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame_header(&track(codec), ordinal, cts_ms, key, &mut out);
    out
}

#[test]
fn first_tracks_of_legacy_codecs_take_the_legacy_form() {
    assert_eq!(write_config(&track(Codec::H264), 0), [&hex("1700000000")[..], &hex(AVCC)].concat());
    assert_eq!(write_config(&track(Codec::Aac), 0), hex("af00119056e500"));
    assert_eq!(write_config(&track(Codec::Mp3), 0), Bytes::new());
    assert_eq!(header(Codec::H264, 0, 80, true), *hex("1701000050"));
    assert_eq!(header(Codec::H264, 0, -40, false), *hex("2701ffffd8"));
    assert_eq!(header(Codec::Aac, 0, 0, true), *hex("af01"));
    assert_eq!(header(Codec::Mp3, 0, 0, true), *hex("2f"), "the byte that ffmpeg writes for 44.1 kHz stereo");
}

#[test]
fn other_codecs_take_the_four_cc_form_as_ffmpeg_writes_it() {
    assert_eq!(write_config(&track(Codec::H265), 0), [&hex("9068766331")[..], &hex(HVCC)].concat());
    assert_eq!(write_config(&track(Codec::Opus), 0), [&hex("904f707573")[..], &hex(OPUS_HEAD)].concat());
    assert_eq!(write_config(&track(Codec::Vp9), 0), hex("9076703039000b820202020000"));
    assert_eq!(write_config(&track(Codec::Flac), 0).len(), 5 + 34);
    assert_eq!(header(Codec::H265, 0, 80, true), *hex("9168766331000050"));
    assert_eq!(header(Codec::H265, 0, 0, false), *hex("a368766331"), "no composition time: frames X");
    assert_eq!(header(Codec::Av1, 0, 0, true), *hex("9161763031"));
    assert_eq!(header(Codec::Vp9, 0, 0, false), *hex("a176703039"));
    assert_eq!(header(Codec::Opus, 0, 0, true), *hex("914f707573"));
    assert_eq!(header(Codec::Flac, 0, 0, true), *hex("91664c6143"));
}

#[test]
fn further_tracks_take_the_multitrack_form_as_ffmpeg_writes_it() {
    assert_eq!(write_config(&track(Codec::H264), 1)[..8], *hex("9600617663310101"));
    assert_eq!(write_config(&track(Codec::Aac), 1), hex("95006d70346101119056e500"));
    assert_eq!(write_config(&track(Codec::Mp3), 1), Bytes::new());
    assert_eq!(header(Codec::H264, 1, 200, false), *hex("a601617663310100 00c8".replace(' ', "").as_str()));
    assert_eq!(header(Codec::H264, 2, 0, true), *hex("96036176633102"));
    assert_eq!(header(Codec::Aac, 1, 0, true), *hex("95016d70346101"));
    assert_eq!(header(Codec::Mp3, 3, 0, true), *hex("95012e6d703303"));
}

#[test]
fn mp3_header_bits_tell_rate_and_channels() {
    let byte = |first: [u8; 4]| {
        let mut out = Vec::new();
        let track = mp3::track(TrackId(0), &first).expect("legal");
        write_frame_header(&track, 0, 0, true, &mut out);
        out
    };
    assert_eq!(byte([0xFF, 0xF3, 0x70, 0xC0]), [0x2A], "22,050 Hz mono");
    assert_eq!(byte([0xFF, 0xE3, 0x70, 0x00]), [0x27], "11,025 Hz stereo");
    assert_eq!(byte([0xFF, 0xE3, 0x78, 0xC0]), [0xE2], "8,000 Hz mono has its own format");
    assert_eq!(byte([0xFF, 0xFB, 0x94, 0x00]), [0x2F], "48,000 Hz has no bits: as 44,100");
}

#[test]
fn composition_times_beyond_24_bits_are_limited() {
    assert_eq!(header(Codec::H264, 0, i32::MAX, true)[2..], [0x7F, 0xFF, 0xFF]);
    assert_eq!(header(Codec::H264, 0, i32::MIN, true)[2..], [0x80, 0, 0]);
}

fn metadata(tracks: impl IntoIterator<Item = Track>) -> Value {
    let set = tracks.into_iter().fold(TrackSet::default(), |set, track| set.with(Arc::new(track)));
    let values = amf0::decode_all(&on_metadata(&set), &Limits::DEFAULT).expect("own bytes");
    let [name, properties] = &values[..] else { panic!("{values:?}") };
    assert_eq!(name.as_str(), Some("onMetaData"));
    assert!(matches!(properties, Value::EcmaArray(_)));
    properties.clone()
}

#[test]
fn metadata_tells_what_the_stream_holds() {
    let value = metadata([track(Codec::H264), track(Codec::Aac)]);
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    assert_eq!((number("width"), number("height"), number("framerate")), (Some(320.0), Some(180.0), Some(25.0)));
    assert_eq!((number("videocodecid"), number("audiocodecid")), (Some(7.0), Some(10.0)));
    assert_eq!((number("audiosamplerate"), number("audiochannels")), (Some(48_000.0), Some(2.0)));
    assert_eq!(value.get("stereo").and_then(Value::as_bool), Some(true));
    assert_eq!(value.get("encoder").and_then(Value::as_str), Some("Tayang"));
}

#[test]
fn metadata_names_enhanced_codecs_by_four_cc_and_absent_tracks_not_at_all() {
    let value = metadata([track(Codec::Av1), track(Codec::Opus)]);
    assert_eq!(value.get("videocodecid"), Some(&Value::Number(1_635_135_537.0)), "the value in the specification");
    assert_eq!(value.get("audiocodecid"), Some(&Value::Number(1_332_770_163.0)), "the value in the specification");
    let value = metadata([track(Codec::Mp3)]);
    assert_eq!(value.get("audiocodecid"), Some(&Value::Number(2.0)));
    assert_eq!((value.get("width"), value.get("videocodecid")), (None, None));
    let value = metadata([track(Codec::Vp9)]);
    assert_eq!((value.get("width"), value.get("audiocodecid")), (None, None), "a size that is not known is not told");
    let key_frame = hex("824983420013f00b3600");
    let sized = make_track_from_frame(TrackId(0), Codec::Vp9, None, &key_frame).expect("recorded");
    assert_eq!(metadata([sized]).get("width"), Some(&Value::Number(320.0)));
}

const VIDEO: [Codec; 4] = [Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9];
const AUDIO: [Codec; 4] = [Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3];

proptest! {
    #[test]
    fn what_is_written_of_video_is_read_back(
        codec in prop::sample::select(&VIDEO[..]), ordinal: u8, cts in -0x80_0000i32..0x80_0000, key: bool,
        payload in prop::collection::vec(any::<u8>(), 1..50),
    ) {
        let track = track(codec);
        let cts_ms = if matches!(codec, Codec::H264 | Codec::H265) { cts } else { 0 };
        let mut body = Vec::new();
        write_frame_header(&track, ordinal, cts_ms, key, &mut body);
        body.extend_from_slice(&payload);
        let frame = VideoEvent::Frame { track: ordinal, codec, key, cts_ms, nanos: 0, payload: payload.into() };
        prop_assert_eq!(parse_video(&body.into()).expect("own bytes").into_vec(), [frame]);
        let config = VideoEvent::Config { track: ordinal, codec, config: track.config.clone() };
        prop_assert_eq!(parse_video(&write_config(&track, ordinal)).expect("own bytes").into_vec(), [config]);
    }

    #[test]
    fn what_is_written_of_audio_is_read_back(
        codec in prop::sample::select(&AUDIO[..]), ordinal: u8, payload in prop::collection::vec(any::<u8>(), 1..50),
    ) {
        let track = track(codec);
        let mut body = Vec::new();
        write_frame_header(&track, ordinal, 0, true, &mut body);
        body.extend_from_slice(&payload);
        let frame = AudioEvent::Frame { track: ordinal, codec, nanos: 0, payload: payload.into() };
        prop_assert_eq!(parse_audio(&body.into()).expect("own bytes").into_vec(), [frame]);
        if codec != Codec::Mp3 {
            let config = AudioEvent::Config { track: ordinal, codec, config: track.config.clone() };
            prop_assert_eq!(parse_audio(&write_config(&track, ordinal)).expect("own bytes").into_vec(), [config]);
        }
    }
}
