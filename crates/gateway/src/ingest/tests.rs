//! Bodies as encoders send them, and as they should not.

use std::time::Instant;

use formats::container::flv;
use hub::{Hub, Item, Limits};
use media::{ChannelPath, Colour, ContentLight, Hdr, TrackSet, VideoParams};
use testkit::{Encoder, EncoderConfig};

use super::*;

fn ingest() -> Ingest {
    let hub = Hub::new(Limits::default());
    let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
    Ingest::new(hub.publish(&path, UnixMillis(1_000)).0)
}

fn body(track: &Track, frame: &Frame, cts_ms: i32) -> Bytes {
    let mut out = Vec::new();
    flv::write_frame_header(track, 0, cts_ms, frame.key, &mut out);
    out.extend_from_slice(&frame.payload);
    out.into()
}

fn frames(ingest: &Ingest) -> Vec<Frame> {
    let mut entries = Vec::new();
    ingest.publisher().stream().read(0, usize::MAX, &mut entries);
    entries
        .iter()
        .filter_map(|entry| match &entry.item {
            Item::Frame { frame, .. } => Some(frame.clone()),
            Item::Tracks { .. } | Item::Stalled | Item::Resumed => None,
        })
        .collect()
}

fn feed(ingest: &mut Ingest, encoder: &mut Encoder, until_ms: i64, configured: bool) {
    let tracks: TrackSet = encoder.tracks();
    let video = encoder.video_track();
    for track in tracks.iter().filter(|_| configured) {
        let config = flv::write_config(track, 0);
        let now = UnixMillis(1_000);
        match track.kind() {
            MediaKind::Video => ingest.video(0, &config, now).expect("not fenced"),
            MediaKind::Audio => ingest.audio(0, &config, now).expect("not fenced"),
        }
    }
    for sent in encoder.sent_until_ms(until_ms) {
        let now = UnixMillis(1_000 + i64::from(sent.timestamp_ms));
        let track = tracks.get(sent.frame.track).expect("its track");
        let body = body(track, &sent.frame, sent.cts_ms);
        if video.as_ref().is_some_and(|video| video.id == track.id) {
            ingest.video(sent.timestamp_ms, &body, now).expect("not fenced");
        } else {
            ingest.audio(sent.timestamp_ms, &body, now).expect("not fenced");
        }
    }
}

#[test]
fn frames_come_out_as_the_encoder_made_them() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut ingest = ingest();
    feed(&mut ingest, &mut encoder, 3_000, true);
    let expected = Encoder::new(EncoderConfig::default()).frames_until_ms(3_000);
    let got = frames(&ingest);
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(got.payload, expected.payload);
        assert_eq!(got.key, expected.key);
    }
    assert_eq!(ingest.counters(), IngestCounters::default());
}

#[test]
fn a_missing_video_configuration_is_taken_from_the_key_frame() {
    let mut config = EncoderConfig::video_only();
    config.video.as_mut().expect("video").in_band_sets = true;
    let mut encoder = Encoder::new(config);
    let mut ingest = ingest();
    feed(&mut ingest, &mut encoder, 1_000, false);
    assert!(!frames(&ingest).is_empty());
    let track = ingest.publisher().stream().tracks();
    let video = track.first(MediaKind::Video).expect("a track").video().expect("video").clone();
    let spec = testkit::VideoSpec::default();
    assert_eq!((video.width, video.height), (spec.width, spec.height));
}

#[test]
fn sound_without_a_configuration_is_left_out_and_counted() {
    let mut encoder = Encoder::new(EncoderConfig::audio_only());
    let mut ingest = ingest();
    feed(&mut ingest, &mut encoder, 500, false);
    assert!(frames(&ingest).is_empty());
    assert!(ingest.counters().unconfigured > 0);
}

#[test]
fn rubbish_is_counted_and_the_rest_goes_on() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut ingest = ingest();
    for rubbish in [&b"\x17"[..], b"\x17\0\0\0\0", b"\xff\xff\xff\xff\xff\xff", b"\x27\x01\0\0\0\xff\xff\xff\xff"] {
        ingest.video(0, &Bytes::copy_from_slice(rubbish), UnixMillis(0)).expect("not fenced");
        ingest.audio(0, &Bytes::copy_from_slice(rubbish), UnixMillis(0)).expect("not fenced");
    }
    feed(&mut ingest, &mut encoder, 1_000, true);
    assert!(!frames(&ingest).is_empty());
    assert!(ingest.counters().malformed > 0);
}

#[test]
fn timestamps_that_wrap_at_32_bits_go_on() {
    let config = EncoderConfig { timestamp_start_ms: 0xFFFF_FFFF - 500, ..EncoderConfig::default() };
    let mut encoder = Encoder::new(config);
    let mut ingest = ingest();
    feed(&mut ingest, &mut encoder, 2_000, true);
    let video: Vec<i64> = frames(&ingest)
        .iter()
        .filter(|frame| frame.track.0 == 0)
        .map(|frame| frame.dts.millis(media::Timescale::VIDEO))
        .collect();
    assert!(video.windows(2).all(|pair| (1..=42).contains(&(pair[1] - pair[0]))), "{video:?}");
    assert_eq!(ingest.publisher().stream().counters().timeline.jumps, 0);
}

#[test]
fn a_fenced_publisher_is_told() {
    let mut ingest = ingest();
    ingest.publisher().end(Instant::now());
    let config = flv::write_config(&Encoder::new(EncoderConfig::default()).video_track().expect("video"), 0);
    assert!(ingest.video(0, &config, UnixMillis(0)).is_err());
}

#[test]
fn colour_told_beside_a_configuration_is_its_track_s_until_it_is_taken_back() {
    let mut ingest = ingest();
    let encoder = Encoder::new(EncoderConfig::default());
    let track = encoder.video_track().expect("video");
    let now = UnixMillis(1_000);
    let hdr = Hdr { content_light: Some(ContentLight { max_cll: 1_000, max_fall: 400 }), mastering: None };
    let colour = Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false });
    let TrackParams::Video(params) = track.params.clone() else { panic!("video") };
    let told = Track { params: TrackParams::Video(VideoParams { colour, hdr, ..params.clone() }), ..(*track).clone() };
    // On ordinal 1, as the legacy form of ordinal 0 has no such message.
    let (info, config) = (flv::write_colour_info(&told, 1), flv::write_config(&track, 1));
    let known = |ingest: &Ingest| {
        let tracks = ingest.publisher().stream().tracks();
        let video = tracks.get(track_id(MediaKind::Video, 1)).and_then(|track| track.video()).expect("known").clone();
        (video.colour, video.hdr)
    };
    let picture = |ingest: &mut Ingest, ms: u32, key: bool| {
        let mut body = Vec::new();
        flv::write_frame_header(&track, 1, 0, key, &mut body);
        body.extend_from_slice(&[0, 0, 0, 2, if key { 0x65 } else { 0x41 }, 1]);
        ingest.video(ms, &body.into(), now).expect("not fenced");
    };
    ingest.video(0, &info, now).expect("not fenced");
    ingest.video(0, &config, now).expect("not fenced");
    picture(&mut ingest, 0, true);
    assert_eq!(known(&ingest), (colour, hdr), "told before the configuration");
    let mut nothing = Vec::from(&info[..7]);
    formats::amf::Value::from("colorInfo").encode(&mut nothing);
    formats::amf::Value::object([]).encode(&mut nothing);
    ingest.video(10, &nothing.into(), now).expect("not fenced");
    picture(&mut ingest, 40, false);
    assert_eq!(known(&ingest), (colour, hdr), "not in the middle of a group of pictures");
    assert_eq!(frames(&ingest).len(), 2, "which loses no picture");
    picture(&mut ingest, 80, true);
    assert_eq!(known(&ingest), (params.colour, Hdr::default()), "taken back");
    ingest.video(90, &info, now).expect("not fenced");
    picture(&mut ingest, 120, true);
    assert_eq!(known(&ingest), (colour, hdr), "told behind it");
    let hub = Hub::new(Limits::default());
    let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
    let mut first = Ingest::new(hub.publish(&path, now).0);
    first.video(0, &info, now).expect("not fenced");
    first.video(0, &config, now).expect("not fenced");
    picture(&mut first, 0, true);
    let mut second = Ingest::new(hub.publish(&path, now).0);
    second.video(0, &config, now).expect("not fenced");
    assert_eq!(known(&second), (colour, hdr), "one that comes back begins with what was said before");
}
