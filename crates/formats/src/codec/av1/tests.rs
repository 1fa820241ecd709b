//! AV1: recorded configurations, temporal units, hostile OBUs.

mod generated;

use bytes::Bytes;
use media::Colour;

use super::*;
use crate::codec::tests::bit_writer::from_text;
use crate::codec::tests::vectors::*;

fn header_of(record: &str) -> SequenceHeader {
    SequenceHeader::parse(obus(&hex(record)[4..]).next().expect("one OBU").payload).expect("recorded")
}

#[test]
fn sequence_headers_of_svt_and_aom_are_read() {
    let header = header_of(AV1C);
    assert_eq!((header.width, header.height, header.profile, header.level), (320, 180, 0, 0));
    assert_eq!((header.bit_depth, header.monochrome, header.colour), (8, false, None));
    let header = header_of(AV1C_HLG);
    assert_eq!((header.width, header.height, header.level, header.bit_depth), (1280, 720, 5, 10));
    assert_eq!(header.colour, Some(Colour { primaries: 9, transfer: 18, matrix: 9, full_range: false }));
}

#[test]
fn reduced_and_high_profile_headers_are_read() {
    let header = header_of(AV1C_STILL);
    assert_eq!((header.width, header.height, header.monochrome, header.level), (320, 180, true, 0));
    let header = header_of(AV1C_444);
    assert_eq!((header.width, header.height, header.profile), (320, 180, 1));
    assert_eq!((header.subsampling_x, header.subsampling_y), (false, false));
    let header = header_of(AV1C_RAV1E);
    assert_eq!((header.width, header.height, header.level, header.bit_depth), (320, 180, 31, 8));
}

/// A sequence header with `timing` between its first bits and the operating points; 320x180, 8 bits.
fn with_timing(timing: &str, operating_points: &str) -> Vec<u8> {
    let size = format!("1000 0111 {:09b} {:08b}", 319, 179);
    let tools = "0 000 0000 0 1 1 000"; // no frame ids, tools off, no order hint, screen content, integer mv, filters
    from_text(&format!("000 0 0 {timing} {operating_points} {size} {tools} 0 0 0 0 00 0 1"))
}

#[test]
fn timing_and_decoder_model_are_read_on_the_way_to_the_size() {
    // 1001 units in a tick of 1/60000 s, equal intervals of 2 ticks: 30000/1001 a second
    let timing = format!("1 {:032b} {:032b} 1 010", 1001, 60_000);
    // a decoder model of 10 bits of delay; one operating point, level 9, high tier, with its model, with display delay
    let model = format!("{timing} 1 01001 {:032b} 00000 00000", 1);
    let points = "1 00000 000000000000 01001 1 1 0000000001 0000000001 0 1 0000";
    let header = SequenceHeader::parse(&with_timing(&model, points)).expect("legal");
    assert_eq!((header.width, header.height, header.level, header.high_tier), (320, 180, 9, true));
    assert_eq!(header.frame_rate, Some(media::FrameRate { frames: 30_000, seconds: 1_001 }));
    // intervals that are not equal tell no rate
    let timing = format!("1 {:032b} {:032b} 0 0", 1001, 60_000);
    let header = SequenceHeader::parse(&with_timing(&timing, "0 00000 000000000000 00100")).expect("legal");
    assert_eq!((header.width, header.level, header.frame_rate), (320, 4, None));
}

#[test]
fn every_operating_point_is_passed_and_the_first_counts() {
    let points = "0 00010 000000000000 00101 000000000000 01101 0 000000000000 00001";
    let header = SequenceHeader::parse(&with_timing("0", points)).expect("legal");
    assert_eq!((header.width, header.height, header.level, header.high_tier), (320, 180, 5, false));
}

#[test]
fn reserved_profiles_and_endless_numbers_are_refused() {
    assert!(matches!(SequenceHeader::parse(&[0xE0, 0, 0]), Err(CodecError::Invalid { what: "AV1 seq_profile", .. })));
    let timing = format!("1 {:032b} {:032b} 1 {:064b}", 1, 1, 0);
    assert!(SequenceHeader::parse(&with_timing(&timing, "0")).is_err());
}

#[test]
fn codec_strings_have_profile_level_tier_and_depth() {
    assert_eq!(describe(&hex(AV1C)).expect("recorded").0.codec_string, "av01.0.00M.08");
    assert_eq!(describe(&hex(AV1C_HLG)).expect("recorded").0.codec_string, "av01.0.05M.10");
}

#[test]
fn a_configuration_from_a_key_frame_is_the_one_that_the_muxer_wrote() {
    for record in [AV1C, AV1C_HLG, AV1C_RAV1E, AV1C_STILL, AV1C_444] {
        let record = hex(record);
        let mut frame = vec![0x12, 0x00]; // temporal delimiter
        frame.extend_from_slice(&record[4..]);
        frame.extend_from_slice(&[0x32, 0x01, 0x10]);
        assert_eq!(config_in_band(&frame.into()), Some(record));
    }
    assert_eq!(config_in_band(&Bytes::from_static(&[0x12, 0, 0x32, 1, 0x10])), None);
}

#[test]
fn a_record_without_sequence_header_or_of_another_version_is_refused() {
    assert_eq!(
        describe(&Bytes::from_static(&[0x81, 0, 0x0C, 0])).map(|_| ()),
        Err(CodecError::Missing { what: "AV1 sequence header" })
    );
    assert!(describe(&Bytes::from_static(&[0x82, 0, 0x0C, 0])).is_err());
}

#[test]
fn temporal_delimiters_go_without_a_copy_where_they_lead() {
    let unit = Bytes::from_static(&[0x12, 0, 0x0A, 1, 9, 0x32, 2, 7, 8]);
    let clean = clean_temporal_unit(&unit);
    assert_eq!(clean, &unit[2..]);
    assert_eq!(clean.as_ptr(), unit[2..].as_ptr());
    let clean_already = clean_temporal_unit(&clean);
    assert_eq!((clean_already.as_ptr(), clean_already.len()), (clean.as_ptr(), clean.len()));
}

#[test]
fn padding_and_tile_lists_in_the_midst_go_too() {
    let unit = Bytes::from_static(&[0x0A, 1, 9, 0x7A, 2, 0, 0, 0x42, 0, 0x32, 2, 7, 8, 0x12, 0]);
    assert_eq!(clean_temporal_unit(&unit), &[0x0A, 1, 9, 0x32, 2, 7, 8][..]);
    assert_eq!(clean_temporal_unit(&Bytes::from_static(&[0x12, 0])), Bytes::new());
}

#[test]
fn an_obu_without_size_is_the_rest_and_one_cut_off_the_end() {
    let kinds = |bytes: &'static [u8]| obus(bytes).map(|obu| (obu.kind, obu.payload.len())).collect::<Vec<_>>();
    assert_eq!(kinds(&[0x12, 0, 0x30, 1, 2, 3]), [(2, 0), (6, 3)]);
    assert_eq!(kinds(&[0x36, 0x20, 2, 1, 2]), [(6, 2)], "an extension byte before the size");
    assert_eq!(kinds(&[0x12, 0, 0x32, 9, 1]), [(2, 0)]);
    assert_eq!(kinds(&[0x32, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), []);
    assert_eq!(kinds(&[0x34]), [], "an extension byte that is not there");
    assert_eq!(clean_temporal_unit(&Bytes::from_static(&[0x32, 1, 7, 0x32, 9, 1])), &[0x32, 1, 7][..]);
}
