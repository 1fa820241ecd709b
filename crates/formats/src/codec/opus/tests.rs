//! Opus: recorded headers in each form, packet durations.

use bytes::Bytes;
use media::{Codec, TrackId};

use super::*;
use crate::codec::tests::vectors::*;
use crate::codec::{make_track, make_track_from_frame};

#[test]
fn every_form_of_the_header_becomes_the_one_with_magic() {
    let expected = hex(OPUS_HEAD);
    for form in [hex(OPUS_HEAD), hex(OPUS_HEAD).slice(8..), hex(OPUS_DOPS)] {
        let track = make_track(TrackId(1), Codec::Opus, form).expect("recorded");
        assert_eq!(track.config, expected);
        let audio = track.audio().expect("audio");
        assert_eq!((audio.sample_rate, audio.channels, audio.frame_samples), (48_000, 2, 960));
        assert_eq!((track.codec_string.as_str(), track.timescale.hz()), ("opus", 48_000));
    }
}

#[test]
fn a_channel_mapping_is_kept_and_what_follows_it_is_not() {
    let mut record = hex(OPUS_DOPS_5_1).to_vec();
    record.extend_from_slice(&[9, 9, 9]);
    let (description, canonical) = describe(&record.into()).expect("recorded");
    let TrackParams::Audio(audio) = description.params else { panic!("audio") };
    assert_eq!(audio.channels, 6);
    assert_eq!(canonical, hex("4f707573486561640106380180bb0000000001040200040102 0305".replace(' ', "").as_str()));
}

#[test]
fn impossible_headers_are_refused() {
    assert!(describe(&hex("0103380180bb0000000000")).is_err(), "three channels in family 0");
    assert!(describe(&hex("0100380180bb0000000001")).is_err(), "no channels");
    assert!(describe(&hex("0106380180bb00000000010402")).is_err(), "a mapping that is cut off");
    assert!(describe(&hex("1002380180bb0000000000")).is_err(), "an incompatible version");
}

#[test]
fn packet_durations_follow_the_table_of_contents() {
    assert_eq!(packet_samples(&[0xFC]), Some(960), "CELT, 20 ms");
    assert_eq!(packet_samples(&[0xE0]), Some(120), "CELT, 2.5 ms");
    assert_eq!(packet_samples(&[0x08]), Some(960), "SILK, 20 ms");
    assert_eq!(packet_samples(&[0x18]), Some(2_880), "SILK, 60 ms");
    assert_eq!(packet_samples(&[0x60]), Some(480), "hybrid, 10 ms");
    assert_eq!(packet_samples(&[0xFD]), Some(1_920), "two frames");
    assert_eq!(packet_samples(&[0xFF, 6]), Some(5_760), "six frames: 120 ms");
    assert_eq!(packet_samples(&[0xFF, 7]), None, "longer than 120 ms");
    assert_eq!(packet_samples(&[0xFF, 0x40]), None, "no frames");
    assert_eq!(packet_samples(&[0xFF]), None);
    assert_eq!(packet_samples(&[]), None);
}

#[test]
fn a_track_without_header_is_made_from_its_first_packet() {
    let packet = Bytes::from_static(&[0xF4, 1, 2]);
    let track = make_track_from_frame(TrackId(1), Codec::Opus, None, &packet).expect("a packet is enough");
    let audio = track.audio().expect("audio");
    assert_eq!((audio.channels, audio.frame_samples), (2, 480));
    let mono = make_track_from_frame(TrackId(1), Codec::Opus, None, &Bytes::from_static(&[0x08, 1])).expect("mono");
    assert_eq!(mono.audio().expect("audio").channels, 1);
}
