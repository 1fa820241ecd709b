//! H.264: recorded configurations, an independent parser as oracle, and hostile parameter sets.

mod generated;

use bytes::Bytes;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::rbsp::{BitReader as OracleBits, decode_nal};
use media::{Colour, FrameRate};
use proptest::prelude::*;

use super::*;
use crate::codec::DIMENSION_MAX;
use crate::codec::tests::bit_writer::from_text;
use crate::codec::tests::vectors::*;

fn sps_of(record: &str) -> Sps {
    let avcc = AvcConfig::parse(&hex(record)).expect("recorded");
    Sps::parse(&avcc.sps[0]).expect("recorded")
}

#[test]
fn avcc_of_x264_is_read() {
    let avcc = AvcConfig::parse(&hex(AVCC)).expect("recorded");
    assert_eq!((avcc.profile, avcc.compat, avcc.level, avcc.length_size), (100, 0, 12, 4));
    assert_eq!((avcc.sps.len(), avcc.sps[0].len(), avcc.pps.len(), avcc.pps[0].len()), (1, 26, 1, 6));
}

#[test]
fn sizes_rates_and_colours_of_x264_are_read() {
    let sps = sps_of(AVCC);
    assert_eq!((sps.width, sps.height), (320, 180), "180 is not a multiple of 16: cropped");
    assert_eq!(sps.frame_rate, Some(FrameRate { frames: 25, seconds: 1 }));
    assert_eq!((sps.chroma_format, sps.bit_depth_luma, sps.colour), (1, 8, None));
    let sps = sps_of(AVCC_BASELINE);
    assert_eq!((sps.width, sps.height, sps.profile, sps.compat), (320, 180, 66, 0xC0));
    let sps = sps_of(AVCC_INTERLACED);
    assert_eq!((sps.width, sps.height), (1920, 1080), "cropped in units of two lines a field");
    assert_eq!(sps.frame_rate, Some(FrameRate { frames: 30_000, seconds: 1_001 }));
    assert_eq!(sps.colour, Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: true }));
    let sps = sps_of(AVCC_422);
    assert_eq!((sps.width, sps.height, sps.chroma_format, sps.bit_depth_luma), (322, 182, 2, 10));
    let sps = sps_of(AVCC_SCALING);
    assert_eq!((sps.width, sps.height, sps.chroma_format), (320, 180, 3), "4:4:4 crops in single samples");
    assert_eq!(sps.frame_rate, Some(FrameRate { frames: 25, seconds: 1 }), "read over the scaling lists");
}

#[test]
fn a_configuration_from_sets_is_the_one_that_the_muxer_wrote() {
    for record in [AVCC, AVCC_BASELINE, AVCC_INTERLACED, AVCC_422, AVCC_SCALING] {
        let record = hex(record);
        let avcc = AvcConfig::parse(&record).expect("recorded");
        let repeated = [avcc.sps.clone(), avcc.sps.clone()].concat();
        assert_eq!(avcc_from_sets(&repeated, &avcc.pps), Ok(record), "repeated sets are written once");
        assert!(avcc_from_sets(&avcc.sps, &[]).is_err());
        assert!(avcc_from_sets(&[], &avcc.pps).is_err());
    }
}

#[test]
fn a_length_size_of_three_and_other_versions_are_refused() {
    let mut record = hex(AVCC).to_vec();
    record[4] = 0xFE;
    assert_eq!(
        AvcConfig::parse(&record.clone().into()),
        Err(CodecError::Invalid { what: "avcC length size", value: 3 })
    );
    record[0] = 2;
    assert_eq!(AvcConfig::parse(&record.into()), Err(CodecError::Invalid { what: "avcC version", value: 2 }));
}

#[test]
fn a_recovery_point_that_is_exact_at_once_is_a_sync_sample() {
    // SEI type 6, 1 byte: recovery_frame_cnt 0 (code 1), exact match, ...
    assert!(is_sync(&[0, 0, 0, 5, 0x06, 6, 1, 0xC4, 0x80, 0, 0, 0, 2, 0x41, 0x9A]));
    assert!(is_sync(&[0, 0, 0, 8, 0x06, 5, 1, 0xAA, 6, 1, 0xC4, 0x80, 0, 0, 0, 2, 0x41, 0x9A]), "the second message");
    assert!(!is_sync(&[0, 0, 0, 5, 0x06, 6, 1, 0x44, 0x80, 0, 0, 0, 2, 0x41, 0x9A]), "gradual refresh");
    assert!(!is_sync(&[0, 0, 0, 4, 0x06, 6, 0xFF, 0xFF]), "cut off");
    assert!(!is_sync(&[]));
}

#[test]
fn a_hostile_count_in_an_sps_is_refused_at_once() {
    // Main profile, id 0, frame_num 0, pic_order_cnt_type 1, then a cycle of 2^31 pictures: what hung nginx-rtmp
    let mut sps = vec![0x67, 77, 0, 30];
    sps.extend(from_text("1 1 010 0 1 1 0000000000000000000000000000000 1 0000000000000000000000000000001"));
    sps.extend([0xFF; 64]);
    assert!(matches!(Sps::parse(&sps), Err(CodecError::Invalid { what: "num_ref_frames_in_pic_order_cnt_cycle", .. })));
}

#[test]
fn an_absurd_picture_size_is_refused() {
    // width 2^31 macroblocks
    let mut sps = vec![0x67, 77, 0, 30];
    sps.extend(from_text("1 1 1 1 1 0 0000000000000000000000000000000 1 0000000000000000000000000000001 1 1 1 0 0"));
    assert!(matches!(Sps::parse(&sps), Err(CodecError::Invalid { what: "picture width", .. })));
    // cropped to nothing: 16x16 less 8 chroma samples right
    let mut sps = vec![0x67, 77, 0, 30];
    sps.extend(from_text("1 1 1 1 1 0 1 1 1 1 1 1 0001001 1 1 0"));
    assert!(matches!(Sps::parse(&sps), Err(CodecError::Invalid { what: "picture width", .. })));
}

#[test]
fn a_vui_that_is_cut_off_costs_only_what_it_would_have_said() {
    let avcc = AvcConfig::parse(&hex(AVCC)).expect("recorded");
    let whole = Sps::parse(&avcc.sps[0]).expect("recorded");
    let cut = Sps::parse(&avcc.sps[0][..14]).expect("size is whole");
    assert_eq!((cut.width, cut.height, cut.frame_rate), (whole.width, whole.height, None));
}

#[test]
fn other_nal_units_are_not_taken_for_an_sps() {
    assert_eq!(Sps::parse(&[0x68, 1, 2, 3]), Err(CodecError::Invalid { what: "H.264 SPS NAL type", value: 8 }));
    assert_eq!(Sps::parse(&[]), Err(CodecError::Truncated { what: "H.264 SPS", len: 0 }));
}

#[test]
fn in_band_sets_share_the_memory_of_the_frame_and_are_bounded() {
    let frame: Bytes = [0, 0, 0, 2, 0x67, 0x42].repeat(100).into();
    let (sps, pps) = parameter_sets(&frame);
    assert_eq!((sps.len(), pps.len()), (IN_BAND_SETS_MAX, 0));
    assert_eq!(sps[1].as_ptr(), frame[10..].as_ptr());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// `h264-reader` is the oracle: where both read a mutated SPS, they read the same picture size.
    #[test]
    fn picture_sizes_agree_with_another_parser(
        record in prop::sample::select(vec![AVCC, AVCC_BASELINE, AVCC_INTERLACED, AVCC_422, AVCC_SCALING]),
        flips in prop::collection::vec(8usize..200, 0..4),
    ) {
        let mut nal = AvcConfig::parse(&hex(record)).expect("recorded").sps[0].to_vec();
        for bit in flips {
            let byte = bit / 8 % nal.len().max(2);
            if byte > 0 {
                nal[byte] ^= 0x80 >> (bit % 8);
            }
        }
        let ours = Sps::parse(&nal);
        let Ok(rbsp) = decode_nal(&nal) else { return Ok(()) };
        let Ok(theirs) = SeqParameterSet::from_bits(OracleBits::new(&rbsp[..])) else { return Ok(()) };
        let Ok(size) = theirs.pixel_dimensions() else { return Ok(()) };
        if (1..=DIMENSION_MAX).contains(&size.0) && (1..=DIMENSION_MAX).contains(&size.1) {
            match ours {
                Ok(ours) => prop_assert_eq!((ours.width, ours.height), size),
                // we hold to ranges that it does not check
                Err(CodecError::Invalid { .. }) => {}
                Err(error) => prop_assert!(false, "the other parser takes it: {error}"),
            }
        }
    }
}
