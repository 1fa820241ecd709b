//! FLV bodies: what ffmpeg and OBS send, the bytes that Tayang writes, and hostile bytes.
//!
//! Bodies marked "ffmpeg 9" were cut out of `ffmpeg -f lavfi -i testsrc=size=320x180 ... -f flv`, which writes E-RTMP.

mod file;
mod generated;
mod hostile;
mod write;

use bytes::Bytes;
use media::{Codec, Colour, ContentLight, Hdr, TrackParams};

use super::*;
use crate::codec::tests::vectors::hex;

fn video(text: &str) -> Vec<VideoEvent> {
    parse_video(&hex(text)).unwrap_or_else(|error| panic!("{text}: {error}")).into_vec()
}

fn audio(text: &str) -> Vec<AudioEvent> {
    parse_audio(&hex(text)).unwrap_or_else(|error| panic!("{text}: {error}")).into_vec()
}

fn video_frame(track: u8, codec: Codec, key: bool, cts_ms: i32, nanos: u32, payload: &str) -> VideoEvent {
    VideoEvent::Frame { track, codec, key, cts_ms, nanos, payload: hex(payload) }
}

fn audio_frame(track: u8, codec: Codec, nanos: u32, payload: &str) -> AudioEvent {
    AudioEvent::Frame { track, codec, nanos, payload: hex(payload) }
}

#[test]
fn a_legacy_avc_frame_shares_the_memory_of_its_body() {
    let body = hex("1701ffffd80000000165");
    let events = parse_video(&body).expect("valid");
    let [VideoEvent::Frame { track: 0, codec: Codec::H264, key: true, cts_ms: -40, nanos: 0, payload }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(payload.as_ptr(), body[5..].as_ptr());
}

#[test]
fn legacy_avc_bodies_are_read() {
    let config = VideoEvent::Config { track: 0, codec: Codec::H264, config: hex("0164000c") };
    assert_eq!(video("17000000000164000c"), [config]);
    assert_eq!(video("2701000050000000020910"), [video_frame(0, Codec::H264, false, 80, 0, "000000020910")]);
    assert_eq!(video("1702000000"), [VideoEvent::EndOfSequence { track: 0 }]);
    assert_eq!(video("1703000000"), [VideoEvent::Ignored("unknown AVCPacketType")]);
}

#[test]
fn hevc_under_codec_id_12_is_read_as_avc_is() {
    let config = VideoEvent::Config { track: 0, codec: Codec::H265, config: hex("0101") };
    assert_eq!(video("1c000000000101"), [config]);
    assert_eq!(
        video("1c0100002800000002 2601".replace(' ', "").as_str()),
        [video_frame(0, Codec::H265, true, 40, 0, "000000022601")]
    );
}

#[test]
fn legacy_audio_bodies_are_read_and_their_rate_bits_are_not() {
    let config = AudioEvent::Config { track: 0, codec: Codec::Aac, config: hex("1210") };
    for header in ["af", "a0"] {
        assert_eq!(audio(&format!("{header}001210")), std::slice::from_ref(&config), "44 kHz or 5.5 kHz, it says");
    }
    assert_eq!(audio("af01214c"), [audio_frame(0, Codec::Aac, 0, "214c")]);
    assert_eq!(audio("2ffffb9064"), [audio_frame(0, Codec::Mp3, 0, "fffb9064")]);
    assert_eq!(audio("e2ffe378c0"), [audio_frame(0, Codec::Mp3, 0, "ffe378c0")], "MP3 at 8 kHz");
}

#[test]
fn enhanced_hevc_of_ffmpeg_is_read() {
    let [VideoEvent::Config { track: 0, codec: Codec::H265, config }] = &video("90687663310101600000")[..] else {
        panic!()
    };
    assert_eq!(config, &hex("0101600000"));
    assert_eq!(
        video("91687663310000500000000428011f1d"),
        [video_frame(0, Codec::H265, true, 80, 0, "0000000428011f1d")]
    );
    assert_eq!(video("a168766331ffffd80000000102"), [video_frame(0, Codec::H265, false, -40, 0, "0000000102")]);
    assert_eq!(video("a3687663310000000102"), [video_frame(0, Codec::H265, false, 0, 0, "0000000102")]);
    assert_eq!(video("9268766331"), [VideoEvent::EndOfSequence { track: 0 }]);
}

#[test]
fn enhanced_av1_and_vp9_have_no_composition_time() {
    assert_eq!(video("916176303112000a0b"), [video_frame(0, Codec::Av1, true, 0, 0, "12000a0b")]);
    assert_eq!(video("a376703039a600"), [video_frame(0, Codec::Vp9, false, 0, 0, "a600")]);
    let config = VideoEvent::Config { track: 0, codec: Codec::Vp9, config: hex("01000000010b870202000000") };
    assert_eq!(video("907670303901000000010b870202000000"), [config]);
}

#[test]
fn enhanced_audio_of_ffmpeg_is_read() {
    let head = hex("4f707573486561640102380180bb0000000000");
    assert_eq!(
        audio("904f7075734f707573486561640102380180bb0000000000"),
        [AudioEvent::Config { track: 0, codec: Codec::Opus, config: head }]
    );
    assert_eq!(audio("914f707573fc7e02"), [audio_frame(0, Codec::Opus, 0, "fc7e02")]);
    assert_eq!(audio("91664c6143fff8a988"), [audio_frame(0, Codec::Flac, 0, "fff8a988")]);
    assert_eq!(audio("912e6d7033fffb9064"), [audio_frame(0, Codec::Mp3, 0, "fffb9064")]);
    assert_eq!(audio("924f707573"), [AudioEvent::EndOfSequence { track: 0 }]);
    assert_eq!(
        audio("944f70757301060000003f"),
        [AudioEvent::MultichannelConfig { track: 0, channels: 6, layout: ChannelLayout::Native(0x3F) }]
    );
}

#[test]
fn multichannel_layouts_of_each_order_are_read() {
    let layout = |text| match &audio(text)[..] {
        [AudioEvent::MultichannelConfig { layout, .. }] => layout.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(layout("946d7034610002"), ChannelLayout::Unspecified);
    assert_eq!(layout("946d70346102020001"), ChannelLayout::Custom(hex("0001")));
    assert_eq!(audio("946d7034610302"), [AudioEvent::Ignored("unknown channel order")]);
    assert!(matches!(parse_audio(&hex("946d703461020400")), Err(FlvError::Truncated { what: "channel mapping", .. })));
}

#[test]
fn one_track_of_many_as_ffmpeg_and_obs_send_it_is_read() {
    assert_eq!(video("960061766331010164"), [VideoEvent::Config { track: 1, codec: Codec::H264, config: hex("0164") }]);
    assert_eq!(video("a60161766331010000c80000000141"), [video_frame(1, Codec::H264, false, 200, 0, "0000000141")]);
    assert_eq!(audio("95006d703461011208"), [AudioEvent::Config { track: 1, codec: Codec::Aac, config: hex("1208") }]);
    assert_eq!(audio("95016d70346101dc00"), [audio_frame(1, Codec::Aac, 0, "dc00")]);
    assert_eq!(
        audio("95046d70346101010100000004"),
        [AudioEvent::MultichannelConfig { track: 1, channels: 1, layout: ChannelLayout::Native(4) }]
    );
}

#[test]
fn many_tracks_of_one_codec_are_split_by_their_sizes() {
    // key, multitrack | many tracks, coded frames | hvc1 | track 0, 5 bytes: cts 40 | track 7, 4 bytes: cts 0
    let events = video("96116876633100000005000028aabb07000004000000cc");
    assert_eq!(
        events,
        [video_frame(0, Codec::H265, true, 40, 0, "aabb"), video_frame(7, Codec::H265, true, 0, 0, "cc")]
    );
}

#[test]
fn many_tracks_of_many_codecs_name_each_codec() {
    let events = audio("95216d70346100000002aabb4f70757301000001cc61632d3302000001dd");
    assert_eq!(
        events,
        [
            audio_frame(0, Codec::Aac, 0, "aabb"),
            audio_frame(1, Codec::Opus, 0, "cc"),
            AudioEvent::Ignored("audio FourCC that is not carried")
        ]
    );
}

#[test]
fn nanosecond_offsets_are_folded_in_and_other_extensions_passed_over() {
    // ModEx: 3 bytes, 0x01e240 ns, next packet type: coded frames
    assert_eq!(audio("970201e240014f707573fc"), [audio_frame(0, Codec::Opus, 123_456, "fc")]);
    // an extension of type 1 and 1 byte, then the offset, then frames without composition time
    assert_eq!(video("9700aa170201e2400368766331cc"), [video_frame(0, Codec::H265, true, 0, 123_456, "cc")]);
    // the long form of the size: 255, then 256 bytes less one
    let long = format!("97ff00ff{}11", "aa".repeat(256)) + "4f707573fc";
    assert_eq!(audio(&long), [audio_frame(0, Codec::Opus, 0, "fc")]);
    // an offset that is shorter than its 3 bytes is no offset
    assert_eq!(audio("9701aabb014f707573fc"), [audio_frame(0, Codec::Opus, 0, "fc")]);
}

#[test]
fn extensions_may_precede_many_tracks() {
    assert_eq!(audio("970200000105016d70346103aa"), [audio_frame(3, Codec::Aac, 1, "aa")]);
}

#[test]
fn hdr_metadata_of_ffmpeg_is_read() {
    // ffmpeg 9 -vf setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc -c:v libx265
    let body = "d468766331020009636f6c6f72496e666f03000b636f6c6f72436f6e6669670300177472616e73666572436861726163746572697374\
                69637300403000000000000000126d6174726978436f656666696369656e7473004022000000000000000e636f6c6f725072696d6172\
                696573004022000000000000000009000009";
    let [VideoEvent::ColourInfo(info)] = &video(body)[..] else { panic!() };
    assert_eq!(info.colour, Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false }));
    assert_eq!((info.track, info.hdr), (0, Hdr::default()));
    let empty = "d468766331020009636f6c6f72496e666f03000b636f6c6f72436f6e66696703000009000009";
    assert_eq!(video(empty), [VideoEvent::ColourInfo(ColourInfo::default())], "takes back what was said");
}

#[test]
fn light_levels_and_mastering_display_are_read() {
    use crate::amf::Value;
    let numbers = |pairs: &[(&'static str, f64)]| Value::object(pairs.iter().map(|(key, n)| (*key, Value::Number(*n))));
    let mastering = numbers(&[
        ("redX", 0.68),
        ("redY", 0.32),
        ("greenX", 0.265),
        ("greenY", 0.69),
        ("blueX", 0.15),
        ("blueY", 0.06),
        ("whitePointX", 0.3127),
        ("whitePointY", 0.329),
        ("maxLuminance", 1000.0),
        ("minLuminance", 0.005),
    ]);
    let info = Value::object([
        ("colorConfig", numbers(&[("bitDepth", 10.0), ("colorPrimaries", 9.0), ("transferCharacteristics", 300.0)])),
        ("hdrCll", numbers(&[("maxCLL", 1000.0), ("maxFall", 400.0)])),
        ("hdrMdcv", mastering),
    ]);
    let mut body = vec![0x94];
    body.extend_from_slice(b"hvc1");
    Value::from("colorInfo").encode(&mut body);
    info.encode(&mut body);
    let events = parse_video(&Bytes::from(body)).expect("valid");
    let [VideoEvent::ColourInfo(info)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(info.colour, None, "a code point beyond 255 is none");
    assert_eq!(info.hdr.content_light, Some(ContentLight { max_cll: 1_000, max_fall: 400 }));
    let mastering = info.hdr.mastering.expect("all are there");
    assert_eq!((mastering.red, mastering.luminance_max, mastering.luminance_min), ((34_000, 16_000), 10_000_000, 50));
}

#[test]
fn colour_and_hdr_are_read_back_as_they_were_written() {
    let track = crate::container::fixtures::h265();
    let TrackParams::Video(params) = &track.params else { panic!("video") };
    let colour = params.colour.map(|colour| Colour { full_range: false, ..colour });
    for ordinal in [0, 3] {
        let events = parse_video(&write_colour_info(&track, ordinal)).expect("valid");
        assert_eq!(events[..], [VideoEvent::ColourInfo(ColourInfo { track: ordinal, colour, hdr: params.hdr })]);
    }
    assert!(write_colour_info(&crate::container::fixtures::h264(), 0).is_empty(), "legacy H.264 has no such tag");
}

#[test]
fn metadata_that_is_not_amf_costs_only_itself() {
    assert_eq!(video("9468766331ffff"), [VideoEvent::Ignored("video metadata that is not AMF")]);
    assert_eq!(video("94687663310200016105"), [VideoEvent::Ignored("video metadata without colorInfo")]);
    assert_eq!(video("9468766331"), [VideoEvent::Ignored("video metadata without colorInfo")]);
}

#[test]
fn what_is_legal_but_not_carried_is_ignored_by_name() {
    assert_eq!(video(""), [VideoEvent::Ignored("empty video message")]);
    assert_eq!(audio(""), [AudioEvent::Ignored("empty audio message")]);
    assert_eq!(video("5700"), [VideoEvent::Ignored("video command")]);
    assert_eq!(video("d100"), [VideoEvent::Ignored("video command")]);
    assert_eq!(video("2200"), [VideoEvent::Ignored("legacy video codec")]);
    assert_eq!(video("9176703038aa"), [VideoEvent::Ignored("video FourCC that is not carried")]);
    assert_eq!(video("9176766331000000aa"), [VideoEvent::Ignored("video FourCC that is not carried")]);
    assert_eq!(video("9561763031aa"), [VideoEvent::Ignored("MPEG-2 TS descriptor of a video sequence")]);
    assert_eq!(video("9f61763031aa"), [VideoEvent::Ignored("unknown video packet type")]);
    assert_eq!(video("9630aabbccdd"), [VideoEvent::Ignored("unknown multitrack type")]);
    assert_eq!(audio("b2aabb"), [AudioEvent::Ignored("legacy audio codec")]);
    assert_eq!(audio("af02"), [AudioEvent::Ignored("unknown AACPacketType")]);
    assert_eq!(audio("9165632d33aa"), [AudioEvent::Ignored("audio FourCC that is not carried")]);
    assert_eq!(audio("902e6d7033aa"), [AudioEvent::Ignored("configuration of MP3, which has none")]);
    assert_eq!(audio("966d703461"), [AudioEvent::Ignored("unknown audio packet type")]);
    assert_eq!(audio("95306d703461"), [AudioEvent::Ignored("unknown multitrack type")]);
}

#[test]
fn frames_and_configurations_of_no_bytes_are_ignored() {
    assert_eq!(video("1701000000"), [VideoEvent::Ignored("empty video frame")]);
    assert_eq!(video("1700000000"), [VideoEvent::Ignored("empty video configuration")]);
    assert_eq!(video("9168766331000000"), [VideoEvent::Ignored("empty video frame")]);
    assert_eq!(audio("af01"), [AudioEvent::Ignored("empty audio frame")]);
    assert_eq!(audio("af00"), [AudioEvent::Ignored("empty audio configuration")]);
    assert_eq!(audio("914f707573"), [AudioEvent::Ignored("empty audio frame")], "as ffmpeg ends a stream");
}
