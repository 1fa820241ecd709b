//! Headers, byte by byte.

use super::*;

#[test]
fn each_type_has_its_fields() {
    let bytes = [0x06, 0, 0, 40, 0, 1, 2, 9, 1, 2, 3, 4, 0xAA];
    let full = Format::Full { stream_id: 0x0403_0201, length: 258, type_id: 9 };
    assert_eq!(Header::parse(&bytes), Some(Header { csid: 6, format: full, time: 40, size: 12 }));
    let bytes = [0x46, 0, 0, 40, 0, 1, 2, 9, 0xAA];
    let same_stream = Format::SameStream { length: 258, type_id: 9 };
    assert_eq!(Header::parse(&bytes), Some(Header { csid: 6, format: same_stream, time: 40, size: 8 }));
    let bytes = [0x86, 1, 0, 0, 0xAA];
    assert_eq!(Header::parse(&bytes), Some(Header { csid: 6, format: Format::SameLength, time: 65_536, size: 4 }));
    assert_eq!(Header::parse(&[0xC6]), Some(Header { csid: 6, format: Format::Same, time: 0, size: 1 }));
}

#[test]
fn a_header_cut_off_anywhere_waits_for_more() {
    for (first, size) in [(0x00u8, 13), (0x01, 14), (0x06, 12), (0x40, 9), (0x46, 8), (0x81, 6), (0x86, 4), (0xC0, 2)] {
        let mut bytes = [0; HEADER_MAX];
        bytes[0] = first;
        for cut in 0..size {
            assert_eq!(Header::parse(&bytes[..cut]), None, "{first:#x} cut at {cut}");
        }
        assert_eq!(Header::parse(&bytes[..size]).map(|header| header.size), Some(size), "{first:#x}");
    }
}

#[test]
fn the_extended_mark_is_all_ones() {
    let time = |time: [u8; 3]| Header::parse(&[0x86, time[0], time[1], time[2]]).expect("type 2").is_extended();
    assert!(time([255; 3]));
    assert!(!time([255, 255, 254]) && !time([0; 3]));
    assert!(!Header::parse(&[0xC6]).expect("type 3").is_extended());
}

#[test]
fn written_chunk_stream_ids_are_read_back() {
    for csid in (2..70).chain(310..330).chain(65_590..=65_599) {
        for format in 0..4 {
            let mut bytes = Vec::new();
            write_basic(format, csid, &mut bytes);
            assert_eq!(
                bytes.len(),
                if csid < 64 {
                    1
                } else if csid < 320 {
                    2
                } else {
                    3
                }
            );
            bytes.resize(HEADER_MAX, 0);
            let header = Header::parse(&bytes).expect("whole");
            assert_eq!(header.csid, csid);
        }
    }
    // Ids that cannot be written become the nearest that can.
    for (csid, bytes) in [(0, &[2u8][..]), (1, &[2]), (70_000, &[1, 255, 255])] {
        let mut out = Vec::new();
        write_basic(0, csid, &mut out);
        assert_eq!(out, bytes);
    }
}
