//! H.265: recorded configurations, codec strings, hostile parameter sets.

use bytes::Bytes;
use media::{Colour, FrameRate};

use super::*;
use crate::codec::vectors::*;

#[test]
fn hvcc_of_x265_is_read() {
    let hvcc = HvcConfig::parse(&hex(HVCC)).expect("recorded");
    assert_eq!((hvcc.length_size, hvcc.vps.len(), hvcc.sps.len(), hvcc.pps.len()), (4, 1, 1, 1));
    assert_eq!((hvcc.vps[0].len(), hvcc.sps[0].len(), hvcc.pps[0].len()), (24, 43, 7));
    assert_eq!(hvcc.profile_tier_level.codec_string(), "hvc1.1.6.L60.90");
}

#[test]
fn sizes_rates_and_colours_of_x265_are_read() {
    let hvcc = HvcConfig::parse(&hex(HVCC)).expect("recorded");
    let sps = Sps::parse(&hvcc.sps[0]).expect("recorded");
    assert_eq!((sps.width, sps.height), (320, 180), "inside the conformance window");
    assert_eq!(sps.frame_rate, Some(FrameRate { frames: 25, seconds: 1 }));
    assert_eq!(sps.profile_tier_level, hvcc.profile_tier_level);
    assert_eq!((sps.sub_layers, sps.temporal_id_nesting), (1, true));
    let hvcc = HvcConfig::parse(&hex(HVCC_HDR)).expect("recorded");
    let sps = Sps::parse(&hvcc.sps[0]).expect("recorded");
    assert_eq!((sps.width, sps.height, sps.bit_depth_luma, sps.bit_depth_chroma), (1920, 1080, 10, 10));
    assert_eq!(sps.frame_rate, Some(FrameRate { frames: 60_000, seconds: 1_001 }));
    assert_eq!(sps.colour, Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false }));
    assert_eq!(hvcc.profile_tier_level.codec_string(), "hvc1.2.4.L123.90");
}

#[test]
fn codec_strings_follow_annex_e() {
    let main = ProfileTierLevel {
        profile_space: 0,
        high_tier: false,
        profile: 1,
        compatibility: 0x6000_0000,
        constraints: [0xB0, 0, 0, 0, 0, 0],
        level: 93,
    };
    assert_eq!(main.codec_string(), "hvc1.1.6.L93.B0");
    let odd = ProfileTierLevel {
        profile_space: 2,
        high_tier: true,
        profile: 4,
        compatibility: 0x0800_0000,
        constraints: [0xB9, 0, 0x88, 0, 0, 0],
        level: 150,
    };
    assert_eq!(odd.codec_string(), "hvc1.B4.10.H150.B9.0.88");
    assert_eq!(ProfileTierLevel { constraints: [0; 6], ..main }.codec_string(), "hvc1.1.6.L93");
}

#[test]
fn a_configuration_from_sets_describes_the_same_track() {
    for record in [HVCC, HVCC_HDR] {
        let record = hex(record);
        let hvcc = HvcConfig::parse(&record).expect("recorded");
        let made = hvcc_from_sets(&hvcc.vps, &hvcc.sps, &hvcc.pps).expect("whole");
        assert_eq!(HvcConfig::parse(&made), Ok(hvcc.clone()));
        assert_eq!(describe(&made).expect("whole").0, describe(&record).expect("recorded").0);
        assert!(hvcc_from_sets(&[], &hvcc.sps, &hvcc.pps).is_err());
        assert!(hvcc_from_sets(&hvcc.vps, &[], &hvcc.pps).is_err());
        assert!(hvcc_from_sets(&hvcc.vps, &hvcc.sps, &[]).is_err());
    }
}

#[test]
fn a_record_without_a_kind_of_set_names_it() {
    let record = hex(HVCC);
    let mut no_arrays = record[..FIXED_LEN].to_vec();
    no_arrays[22] = 0;
    assert_eq!(describe(&no_arrays.into()).map(|_| ()), Err(CodecError::Missing { what: "H.265 SPS" }));
}

#[test]
fn arrays_that_claim_more_than_is_there_are_refused_and_many_sets_bounded() {
    let mut record = hex(HVCC)[..FIXED_LEN].to_vec();
    record[22] = 1;
    record.extend_from_slice(&[33, 0xFF, 0xFF]);
    let mut claimed = record.clone();
    claimed.extend_from_slice(&[0, 1, 0x42]);
    assert!(matches!(HvcConfig::parse(&claimed.into()), Err(CodecError::Truncated { .. })));
    for id in 0..u16::MAX {
        record.extend_from_slice(&[0, 4, 0x42, 1]);
        record.extend_from_slice(&id.to_be_bytes());
    }
    let parsed = HvcConfig::parse(&Bytes::from(record)).expect("all are there");
    assert_eq!(parsed.sps.len(), SETS_MAX);
}

#[test]
fn irap_pictures_are_sync_samples() {
    for kind in 0..64u8 {
        let frame = [0, 0, 0, 3, kind << 1, 1, 0xAF];
        assert_eq!(is_sync(&frame), (16..=21).contains(&kind), "type {kind}");
    }
    assert!(!is_sync(&[0, 0, 0, 1, 0x26]), "a header that is cut off");
}

#[test]
fn an_sps_cut_anywhere_never_loses_its_size_silently() {
    let hvcc = HvcConfig::parse(&hex(HVCC_HDR)).expect("recorded");
    let whole = Sps::parse(&hvcc.sps[0]).expect("recorded");
    for end in 0..hvcc.sps[0].len() {
        if let Ok(cut) = Sps::parse(&hvcc.sps[0][..end]) {
            assert_eq!((cut.width, cut.height, cut.bit_depth_luma), (whole.width, whole.height, 10), "{end}");
        }
    }
}

#[test]
fn other_nal_units_are_not_taken_for_an_sps() {
    assert_eq!(Sps::parse(&[0x44, 1, 2]), Err(CodecError::Invalid { what: "H.265 SPS NAL type", value: 34 }));
    assert_eq!(Sps::parse(&[0x42]), Err(CodecError::Truncated { what: "H.265 SPS", len: 1 }));
}
