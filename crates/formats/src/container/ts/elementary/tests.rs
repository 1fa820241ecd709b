//! Access units of every codec in their form for transport streams.

use super::super::super::fixtures;
use super::*;

fn unit(track: &Track, key: bool, payload: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Elementary::of(track).expect("carried").put_unit(&mut out, key, payload)?;
    Some(out)
}

fn adts(config: &[u8]) -> Option<[u8; 7]> {
    adts_header(&AudioSpecificConfig::parse(config).expect("valid"))
}

#[test]
fn a_key_frame_has_delimiter_and_parameter_sets_before_it() {
    let out = unit(&fixtures::h264(), true, &[0, 0, 0, 3, 0x65, 1, 2]).expect("written");
    let sets = h264::AvcConfig::parse(&fixtures::h264().config).expect("valid");
    let mut expected = vec![0, 0, 0, 1, 0x09, 0xF0];
    put_nal(&mut expected, &sets.sps[0]);
    put_nal(&mut expected, &sets.pps[0]);
    put_nal(&mut expected, &[0x65, 1, 2]);
    assert_eq!(out, expected);
}

#[test]
fn other_frames_have_a_delimiter_only() {
    let out = unit(&fixtures::h264(), false, &[0, 0, 0, 2, 0x41, 9, 0, 0, 0, 2, 0x41, 8]).expect("written");
    assert_eq!(out, [0, 0, 0, 1, 0x09, 0xF0, 0, 0, 0, 1, 0x41, 9, 0, 0, 0, 1, 0x41, 8]);
}

#[test]
fn h265_has_three_parameter_sets_and_its_own_delimiter() {
    let out = unit(&fixtures::h265(), true, &[0, 0, 0, 3, 0x26, 1, 2]).expect("written");
    let mut expected = vec![0, 0, 0, 1, 0x46, 0x01, 0x50];
    for unit in [[64u8, 1, 0xAA], [66, 1, 0xBB], [68, 1, 0xCC], [0x26, 1, 2]] {
        put_nal(&mut expected, &unit);
    }
    assert_eq!(out, expected);
}

#[test]
fn a_delimiter_of_the_sender_is_not_doubled() {
    let out = unit(&fixtures::h264(), false, &[0, 0, 0, 2, 0x09, 0x10, 0, 0, 0, 1, 0x41]).expect("written");
    assert_eq!(out, [0, 0, 0, 1, 0x09, 0xF0, 0, 0, 0, 1, 0x41]);
    let out = unit(&fixtures::h265(), false, &[0, 0, 0, 3, 0x46, 1, 0x10, 0, 0, 0, 2, 0x02, 1]).expect("written");
    assert_eq!(out, [0, 0, 0, 1, 0x46, 0x01, 0x50, 0, 0, 0, 1, 0x02, 1]);
}

#[test]
fn payload_bytes_are_not_touched_not_even_those_like_start_codes() {
    let nal = [0x41, 0, 0, 3, 1, 0, 0, 3, 0, 0xFF];
    let out = unit(&fixtures::h264(), false, &[&[0, 0, 0, 10][..], &nal].concat()).expect("written");
    assert!(out.ends_with(&nal));
}

#[test]
fn empty_and_cut_off_units_are_passed_over() {
    let out = unit(&fixtures::h264(), false, &[0, 0, 0, 0, 0, 0, 0, 1, 0x41, 0, 0, 0, 9, 0x41]).expect("one is left");
    assert!(out.ends_with(&[0xF0, 0, 0, 0, 1, 0x41]));
    for nothing in [&[][..], &[0, 0, 0, 0], &[0xFF; 7], &[0, 0, 0, 2, 9, 0xF0]] {
        assert_eq!(unit(&fixtures::h264(), true, nothing), None, "{nothing:?}");
    }
}

#[test]
fn shorter_length_prefixes_are_read_as_the_record_says() {
    let mut config = fixtures::AVCC.to_vec();
    config[4] = 0xFD; // two bytes
    let out = unit(&fixtures::video(Codec::H264, &config), false, &[0, 2, 0x41, 7]).expect("written");
    assert!(out.ends_with(&[0, 0, 0, 1, 0x41, 7]));
}

#[test]
fn an_adts_header_says_profile_rate_channels_and_length() {
    let out = unit(&fixtures::aac(), true, &[0xAB; 300]).expect("written");
    assert_eq!(out[..7], [0xFF, 0xF1, 0x4C, 0x80, 0x26, 0x7F, 0xFC], "LC, 48 kHz, 2 channels, 307 bytes");
    assert_eq!(out.len(), 307);
    let longest = unit(&fixtures::aac(), true, &[0; 0x1FFF - 7]).expect("fits 13 bits");
    assert_eq!(longest[3..6], [0x83, 0xFF, 0xFF]);
    assert_eq!(unit(&fixtures::aac(), true, &[0; 0x1FFF - 6]), None);
    assert_eq!(unit(&fixtures::aac(), true, &[]), None);
}

#[test]
fn he_aac_is_signalled_as_its_core() {
    let lc_24k_stereo = adts(&[0x13, 0x10]);
    assert!(lc_24k_stereo.is_some());
    // Explicit SBR: object type 5, core 24 kHz (index 6), stereo, output 48 kHz (index 3), core object type 2.
    assert_eq!(adts(&[0x2B, 0x11, 0x88, 0x00]), lc_24k_stereo);
    // Backward-compatible signalling: LC first, then the sync extension.
    assert_eq!(adts(&[0x13, 0x10, 0x56, 0xE5, 0x98]), lc_24k_stereo);
    // Explicit PS: object type 29, core 24 kHz mono, output 48 kHz.
    assert_eq!(adts(&[0xEB, 0x09, 0x88, 0x00]), adts(&[0x13, 0x08]));
}

#[test]
fn what_adts_cannot_say_is_refused() {
    let explicit_rate = [0x17, 0x80, 0x1F, 0x80, 0x10]; // LC, index 15, 16128 Hz
    assert_eq!(adts(&explicit_rate), None);
    let error_resilient = [0x89, 0x90, 0x00]; // object type 17
    let track = fixtures::audio(Codec::Aac, 48_000, 1_024, &error_resilient);
    assert!(matches!(Elementary::of(&track), Err(TsError::Configuration { codec: Codec::Aac, .. })));
    for track in [fixtures::av1(), fixtures::vp9(), fixtures::flac()] {
        assert_eq!(Elementary::of(&track).expect_err("refused"), TsError::Codec(track.codec));
    }
}

#[test]
fn an_opus_packet_has_a_control_header_with_its_length() {
    for (length, header) in [(1usize, vec![1u8]), (254, vec![254]), (255, vec![255, 0]), (600, vec![255, 255, 90])] {
        let out = unit(&fixtures::opus(), true, &vec![0xAB; length]).expect("written");
        assert_eq!(out[..2], [0x7F, 0xE0]);
        assert_eq!(out[2..2 + header.len()], header);
        assert_eq!(out.len(), 2 + header.len() + length);
    }
    assert_eq!(unit(&fixtures::opus(), true, &[]), None);
}

#[test]
fn mp3_goes_through_if_it_is_mp3() {
    let track = fixtures::audio(Codec::Mp3, 44_100, 1_152, &[]);
    let mut frame = vec![0xFF, 0xFB, 0x90, 0x00];
    frame.resize(417, 0x55);
    assert_eq!(unit(&track, true, &frame), Some(frame));
    assert_eq!(unit(&track, true, &[1, 2, 3, 4]), None);
    assert_eq!(Elementary::of(&track).expect("carried").stream_type(), 0x03);
    let low = fixtures::audio(Codec::Mp3, 22_050, 576, &[]);
    assert_eq!(Elementary::of(&low).expect("carried").stream_type(), 0x04);
}
