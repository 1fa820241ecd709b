//! Tracks from configurations and first frames, over all codecs; hostile bytes for all of them.

pub(crate) mod bit_writer;
pub(crate) mod vectors;

use media::{Codec, MediaKind, Timescale, TrackId, TrackParams};
use proptest::prelude::*;

use super::*;
use vectors::*;

const CODECS: [Codec; 8] =
    [Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9, Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3];

const RECORDS: [(Codec, &str); 21] = [
    (Codec::H264, AVCC),
    (Codec::H264, AVCC_BASELINE),
    (Codec::H264, AVCC_INTERLACED),
    (Codec::H264, AVCC_422),
    (Codec::H264, AVCC_SCALING),
    (Codec::H265, HVCC),
    (Codec::H265, HVCC_HDR),
    (Codec::Av1, AV1C),
    (Codec::Av1, AV1C_HLG),
    (Codec::Av1, AV1C_RAV1E),
    (Codec::Av1, AV1C_STILL),
    (Codec::Av1, AV1C_444),
    (Codec::Vp9, VPCC),
    (Codec::Vp9, VPCC_422),
    (Codec::Aac, ASC_LC),
    (Codec::Aac, ASC_PCE_QUAD),
    (Codec::Aac, ASC_5_1),
    (Codec::Opus, OPUS_HEAD),
    (Codec::Opus, OPUS_DOPS),
    (Codec::Opus, OPUS_DOPS_5_1),
    (Codec::Flac, FLAC_BLOCK),
];

#[test]
fn every_recorded_configuration_makes_a_track() {
    for (codec, record) in RECORDS {
        let track =
            make_track(TrackId(3), codec, hex(record)).unwrap_or_else(|error| panic!("{codec} {record}: {error}"));
        assert_eq!((track.id, track.codec), (TrackId(3), codec));
        match codec.kind() {
            MediaKind::Video => assert_eq!(track.timescale, Timescale::VIDEO),
            MediaKind::Audio => {
                assert_eq!(track.timescale.hz(), track.audio().expect("audio").sample_rate);
            }
        }
        let again = make_track(TrackId(3), codec, track.config.clone()).expect("canonical form is accepted");
        assert_eq!(again, track, "canonical form of {codec} is stable");
    }
}

#[test]
fn every_cut_of_a_recorded_configuration_is_an_error_or_a_track() {
    for (codec, record) in RECORDS {
        let record = hex(record);
        for end in 0..record.len() {
            let _ = make_track(TrackId(0), codec, record.slice(..end));
        }
        assert!(describe(codec, &record.slice(..1)).is_err(), "{codec}");
    }
}

#[test]
fn an_empty_or_huge_configuration_is_an_error() {
    for codec in CODECS {
        assert!(describe(codec, &Bytes::new()).is_err(), "{codec}");
        let huge = Bytes::from(vec![1; CONFIG_BYTES_MAX + 1]);
        assert!(matches!(describe(codec, &huge), Err(CodecError::TooLong { .. })), "{codec}");
    }
}

#[test]
fn errors_name_what_and_how_much() {
    let error = describe(Codec::H264, &Bytes::from_static(&[1, 2])).expect_err("cut off");
    assert_eq!(error.to_string(), "avcC cut off after 2 bytes");
    let error = describe(Codec::Aac, &Bytes::from_static(&[0xFF, 0xFF])).expect_err("reserved");
    assert_eq!(error.to_string(), "AudioSpecificConfig cut off after 2 bytes");
    let error = describe(Codec::Mp3, &Bytes::from_static(&[0])).expect_err("none exists");
    assert_eq!(error.to_string(), "MP3 frame is missing");
}

#[test]
fn a_missing_configuration_is_made_from_the_parameter_sets_of_the_first_key_frame() {
    let avcc = h264::AvcConfig::parse(&hex(AVCC)).expect("recorded");
    let mut frame = Vec::new();
    for unit in [&avcc.sps[0][..], &avcc.pps[0], &[0x65, 0x88, 0x80]] {
        frame.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        frame.extend_from_slice(unit);
    }
    let frame = Bytes::from(frame);
    let track = make_track_from_frame(TrackId(0), Codec::H264, None, &frame).expect("sets are in band");
    assert_eq!(track.config, hex(AVCC), "the very record that x264 and ffmpeg wrote");
    assert_eq!(track.codec_string, "avc1.64000c");

    let without_sets = Bytes::from_static(&[1, 0x64, 0, 12, 0xFF, 0xE0, 0]);
    assert!(make_track(TrackId(0), Codec::H264, without_sets.clone()).is_err());
    assert_eq!(make_track_from_frame(TrackId(0), Codec::H264, Some(&without_sets), &frame), Ok(track.clone()));

    let given = hex(AVCC_BASELINE);
    let other = make_track_from_frame(TrackId(0), Codec::H264, Some(&given), &frame).expect("given");
    assert_eq!(other.codec_string, "avc1.42c00c", "a whole configuration wins over the frame");
}

#[test]
fn a_missing_hevc_configuration_is_made_from_the_first_key_frame() {
    let hvcc = h265::HvcConfig::parse(&hex(HVCC)).expect("recorded");
    let mut frame = Vec::new();
    for unit in [&hvcc.vps[0][..], &hvcc.sps[0], &hvcc.pps[0], &[0x26, 1, 0xAF]] {
        frame.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        frame.extend_from_slice(unit);
    }
    let track = make_track_from_frame(TrackId(0), Codec::H265, None, &Bytes::from(frame)).expect("in band");
    let recorded = make_track(TrackId(0), Codec::H265, hex(HVCC)).expect("recorded");
    assert_eq!((track.params, track.codec_string), (recorded.params, recorded.codec_string));
    assert_eq!(h265::HvcConfig::parse(&track.config), Ok(hvcc));
}

#[test]
fn without_configuration_and_sets_there_is_no_track() {
    let frame = Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]);
    for codec in CODECS {
        if codec != Codec::Opus {
            assert!(make_track_from_frame(TrackId(0), codec, None, &frame).is_err(), "{codec}");
        }
    }
}

#[test]
fn key_frames_are_known_by_their_bytes_where_bytes_tell() {
    let idr = [0, 0, 0, 2, 0x65, 0x88];
    let slice = [0, 0, 0, 2, 0x41, 0x9A];
    assert!(is_sync(Codec::H264, &idr, false), "flagged wrongly as an inter frame");
    assert!(!is_sync(Codec::H264, &slice, true), "flagged wrongly as a key frame");
    assert!(is_sync(Codec::H265, &[0, 0, 0, 2, 0x26, 1], false));
    assert!(!is_sync(Codec::H265, &[0, 0, 0, 2, 0x02, 1], true));
    assert!(is_sync(Codec::Av1, &[], true) && !is_sync(Codec::Av1, &[], false), "the flag is all there is");
    for audio in [Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3] {
        assert!(is_sync(audio, &[], false));
    }
}

#[test]
fn short_nal_lengths_are_told_once_and_gone_from_the_track() {
    let mut record = hex(AVCC).to_vec();
    record[4] = 0xFC | 1;
    let record = Bytes::from(record);
    assert_eq!(length_size(Codec::H264, &record), Some(2));
    let track = make_track(TrackId(0), Codec::H264, record).expect("valid");
    assert_eq!(track.config, hex(AVCC));
    let mut record = hex(HVCC).to_vec();
    record[21] &= !3;
    let record = Bytes::from(record);
    assert_eq!(length_size(Codec::H265, &record), Some(1));
    assert_eq!(make_track(TrackId(0), Codec::H265, record).expect("valid").config, hex(HVCC));
    assert_eq!(length_size(Codec::Aac, &hex(ASC_LC)), None);
    assert_eq!(length_size(Codec::H264, &Bytes::new()), None);
}

#[test]
fn frames_become_canonical_and_are_not_copied_where_they_are_so() {
    let short = Bytes::from_static(&[0, 1, 0x65]);
    for codec in [Codec::H264, Codec::H265] {
        assert_eq!(canonical_frame(codec, &short, 2), &[0, 0, 0, 1, 0x65][..]);
    }
    assert_eq!(canonical_frame(Codec::Av1, &Bytes::from_static(&[0x12, 0, 0x32, 1, 7]), 4), &[0x32, 1, 7][..]);
    for codec in [Codec::Vp9, Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3] {
        assert_eq!(canonical_frame(codec, &short, 4).as_ptr(), short.as_ptr());
    }
}

#[test]
fn frame_rates_are_in_lowest_terms_and_implausible_ones_are_none() {
    assert_eq!(frame_rate(60_000, 2_002), Some(FrameRate { frames: 30_000, seconds: 1_001 }));
    assert_eq!(frame_rate(0, 1), None);
    assert_eq!(frame_rate(1, 0), None);
    assert_eq!(frame_rate(90_000, 1), None, "a timescale, not a frame rate");
    assert_eq!(frame_rate(u64::from(u32::MAX), u64::MAX), None);
}

/// A record with some bytes changed and perhaps cut.
fn mutated() -> impl Strategy<Value = (Codec, Bytes)> {
    let change = (any::<prop::sample::Index>(), any::<u8>());
    (0..RECORDS.len(), prop::collection::vec(change, 1..8), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(record, changes, cut, is_cut)| {
            let (codec, record) = RECORDS[record];
            let mut bytes = hex(record).to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if is_cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            (codec, Bytes::from(bytes))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn mutated_records_give_a_bounded_track_or_an_error((codec, record) in mutated()) {
        if let Ok(track) = make_track(TrackId(0), codec, record) {
            if let TrackParams::Video(video) = &track.params {
                prop_assert!(video.width <= DIMENSION_MAX && video.height <= DIMENSION_MAX);
            }
            prop_assert!(track.timescale.hz() <= 655_350);
            prop_assert!(track.codec_string.len() < 64);
        }
    }

    #[test]
    fn any_bytes_are_survived_as_configuration_and_frame(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        other in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let (bytes, other) = (Bytes::from(bytes), Bytes::from(other));
        for codec in CODECS {
            let _ = describe(codec, &bytes);
            let _ = length_size(codec, &bytes);
            let _ = is_sync(codec, &bytes, false);
            let _ = config_in_band(codec, &bytes);
            let _ = make_track_from_frame(TrackId(0), codec, Some(&other), &bytes);
        }
    }

    #[test]
    fn any_frame_of_plausible_units_is_survived(
        units in prop::collection::vec((prop_oneof![Just(0x67u8), Just(0x68), Just(0x65), Just(0x06), Just(0x40), Just(0x42), Just(0x44)],
            prop::collection::vec(any::<u8>(), 0..40)), 0..8)
    ) {
        let mut frame = Vec::new();
        for (header, body) in units {
            frame.extend_from_slice(&(1 + body.len() as u32).to_be_bytes());
            frame.push(header);
            frame.extend_from_slice(&body);
        }
        let frame = Bytes::from(frame);
        for codec in [Codec::H264, Codec::H265] {
            if let Some(config) = config_in_band(codec, &frame) {
                prop_assert!(describe(codec, &config).is_ok(), "what we make, we read");
            }
            let _ = is_sync(codec, &frame, true);
        }
    }
}
