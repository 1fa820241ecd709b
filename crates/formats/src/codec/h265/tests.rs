//! H.265: recorded configurations, codec strings, hostile parameter sets.

mod generated;

use bytes::Bytes;
use media::{Colour, FrameRate};

use super::*;
use crate::codec::tests::bit_writer::BitWriter;
use crate::codec::tests::vectors::*;

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

/// Three temporal layers of which one tells profile and level, scaling lists, PCM, predicted reference picture sets,
/// long-term pictures, a VUI with every part. ffmpeg 5.1's `trace_headers` reads each field of it as it is meant here.
fn elaborate_sps(short_term_sets: impl Fn(&mut BitWriter)) -> Vec<u8> {
    let mut b = BitWriter::default();
    b.u(16, 0x4201).u(4, 0).u(3, 2).u(1, 1);
    b.u(8, 1).u(32, 0x6000_0000).u(48, 0x9000_0000_0000).u(8, 93);
    b.u(2, 0b11).u(2, 0b00).u(12, 0); // flags of two sub-layers, alignment of six more
    b.u(8, 1).u(32, 0x6000_0000).u(48, 0x9000_0000_0000).u(8, 90);
    b.ue(0).ue(2).ue(1288).ue(728).u(1, 1).ue(4).ue(0).ue(0).ue(8); // 4:2:2: 1280x720 of 1288x728
    b.ue(0).ue(2).ue(4).u(1, 1); // 8 and 10 bits, 8-bit picture order, layers told apart
    for _ in 0..9 {
        b.ue(1);
    }
    b.ue(0).ue(2).ue(0).ue(3).ue(0).ue(0);
    b.u(1, 1).u(1, 1); // scaling lists, written out: of each size the first in full, the others copied
    for size_id in 0..4 {
        for matrix in 0..if size_id == 3 { 2 } else { 6 } {
            b.u(1, u64::from(matrix == 0));
            if matrix > 0 {
                b.ue(1);
                continue;
            }
            if size_id > 1 {
                b.se(-3);
            }
            for coefficient in 0..if size_id == 0 { 16 } else { 64 } {
                b.se(if coefficient % 2 == 0 { 1 } else { -1 });
            }
        }
    }
    b.u(2, 0b11).u(1, 1).u(4, 7).u(4, 7).ue(0).ue(0).u(1, 1); // AMP, SAO, PCM
    short_term_sets(&mut b);
    b.u(1, 1).ue(2).u(8, 5).u(1, 1).u(8, 9).u(1, 0).u(2, 0b11); // long-term pictures
    b.u(1, 1); // VUI
    b.u(1, 1).u(8, 255).u(16, 4).u(16, 3).u(1, 1).u(1, 0); // aspect ratio, overscan
    b.u(1, 1).u(3, 5).u(1, 1).u(1, 1).u(8, 9).u(8, 18).u(8, 9); // colour
    b.u(1, 1).ue(0).ue(0).u(3, 0).u(1, 1).ue(0).ue(0).ue(0).ue(4); // chroma location, display window
    b.u(1, 1).u(32, 1001).u(32, 30_000).u(1, 0).u(1, 0).u(1, 0).u(1, 0);
    b.nal()
}

#[test]
fn an_sps_with_every_part_is_read_to_its_timing() {
    let nal = elaborate_sps(|b| {
        b.ue(3);
        b.ue(2).ue(1).ue(0).u(1, 1).ue(1).u(1, 0).ue(0).u(1, 1); // three pictures, told one by one
        // -1, -3, +1 moved by +1, of which +1 is left out: 0 is no picture, so -2, and +1 itself
        b.u(1, 1).u(1, 0).ue(0).u(1, 1).u(2, 0b01).u(2, 0b00).u(1, 1);
        // -2, +1 moved by -2: three flags
        b.u(1, 1).u(1, 1).ue(1).u(1, 1).u(2, 0b01).u(1, 1);
    });
    let sps = Sps::parse(&nal).expect("legal");
    assert_eq!((sps.width, sps.height, sps.chroma_format, sps.sub_layers), (1280, 720, 2, 3));
    assert_eq!((sps.bit_depth_luma, sps.bit_depth_chroma, sps.profile_tier_level.level), (8, 10, 93));
    assert_eq!(sps.colour, Some(Colour { primaries: 9, transfer: 18, matrix: 9, full_range: true }));
    assert_eq!(sps.frame_rate, Some(FrameRate { frames: 30_000, seconds: 1_001 }));
}

#[test]
fn hostile_reference_picture_sets_cost_colour_and_rate_only() {
    let many = elaborate_sps(|b| {
        b.ue(65);
    });
    let deep = elaborate_sps(|b| {
        b.ue(64).ue(16).ue(17);
    });
    for nal in [many, deep] {
        let sps = Sps::parse(&nal).expect("the size is whole");
        assert_eq!((sps.width, sps.height, sps.colour, sps.frame_rate), (1280, 720, None, None));
    }
}

#[test]
fn too_many_sub_layers_are_refused() {
    let mut nal = hex(HVCC).slice(FIXED_LEN + 3 + 2 + 24 + 3 + 2..).to_vec();
    assert!(Sps::parse(&nal).is_ok(), "the SPS of the record");
    nal[2] |= 0x0E;
    assert!(matches!(Sps::parse(&nal), Err(CodecError::Invalid { what: "sps_max_sub_layers_minus1", value: 7 })));
}
