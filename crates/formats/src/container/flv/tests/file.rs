//! FLV files: headers, tags, and reading in pieces.

use proptest::prelude::*;

use super::*;

fn file(tags: &[(TagKind, u32, &[u8])]) -> Vec<u8> {
    let mut out = file_header(true, true).to_vec();
    for (kind, timestamp_ms, body) in tags {
        out.extend_from_slice(&tag_header(*kind, body.len() as u32, *timestamp_ms));
        out.extend_from_slice(body);
        out.extend_from_slice(&(body.len() as u32 + 11).to_be_bytes());
    }
    out
}

fn read(reader: &mut TagReader) -> Vec<(TagKind, u32, Vec<u8>)> {
    std::iter::from_fn(|| reader.next_tag().expect("an FLV file"))
        .map(|tag| (tag.kind, tag.timestamp_ms, tag.body.to_vec()))
        .collect()
}

#[test]
fn header_flags_tell_the_truth() {
    assert_eq!(file_header(true, true), *b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
    assert_eq!(file_header(true, false)[4], 1);
    assert_eq!(file_header(false, true)[4], 4);
    let mut reader = TagReader::new();
    assert_eq!(reader.announced(), None);
    reader.push(&file_header(false, true));
    assert_eq!(reader.next_tag(), Ok(None));
    assert_eq!(reader.announced(), Some((false, true)));
}

#[test]
fn timestamps_keep_their_32_bits() {
    assert_eq!(tag_header(TagKind::Video, 0x01_0203, 0xA1B2_C3D4), [9, 1, 2, 3, 0xB2, 0xC3, 0xD4, 0xA1, 0, 0, 0]);
    let mut reader = TagReader::new();
    reader.push(&file(&[(TagKind::Audio, 0xFFFF_FFFF, b"x")]));
    assert_eq!(read(&mut reader), [(TagKind::Audio, 0xFFFF_FFFF, b"x".to_vec())]);
}

#[test]
fn tags_of_unknown_kind_are_passed_over_and_the_rest_is_read() {
    let mut bytes = file(&[(TagKind::Script, 0, b"s")]);
    bytes.extend_from_slice(&[15, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 7, 0, 0, 0, 13]);
    bytes.extend_from_slice(&file(&[(TagKind::Video, 40, b"")])[13..]);
    let mut reader = TagReader::new();
    reader.push(&bytes);
    assert_eq!(read(&mut reader), [(TagKind::Script, 0, b"s".to_vec()), (TagKind::Video, 40, vec![])]);
}

#[test]
fn what_is_no_flv_file_is_refused_each_time() {
    let mut reader = TagReader::new();
    reader.push(b"GET / HTTP/1.1");
    assert_eq!(reader.next_tag(), Err(FlvError::Signature(*b"GET")));
    assert_eq!(reader.next_tag(), Err(FlvError::Signature(*b"GET")));
    let mut reader = TagReader::new();
    reader.push(b"FLV\x01\x05\xFF\0\0\x09");
    assert_eq!(reader.next_tag(), Err(FlvError::HeaderLength(0xFF00_0009)));
    let mut reader = TagReader::new();
    reader.push(b"FLV\x01\x05\0\0\0\0");
    assert_eq!(reader.next_tag(), Err(FlvError::HeaderLength(0)));
}

#[test]
fn a_longer_header_is_passed_over() {
    let mut reader = TagReader::new();
    reader.push(b"FLV\x01\x05\0\0\0\x0Bzz\0\0\0\0");
    reader.push(&file(&[(TagKind::Video, 1, b"v")])[13..]);
    assert_eq!(read(&mut reader).len(), 1);
}

proptest! {
    #[test]
    fn a_file_reads_the_same_in_any_pieces(
        bodies in prop::collection::vec((prop::sample::select(&[TagKind::Audio, TagKind::Video, TagKind::Script][..]),
            any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
        cuts in prop::collection::vec(1usize..30, 1..200),
    ) {
        let tags: Vec<_> = bodies.iter().map(|(kind, time, body)| (*kind, *time, &body[..])).collect();
        let bytes = file(&tags);
        let mut reader = TagReader::new();
        let mut found = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            reader.push(piece);
            found.extend(read(&mut reader));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, bodies);
    }

    #[test]
    fn any_bytes_after_a_header_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut reader = TagReader::new();
        reader.push(&file_header(true, true));
        reader.push(&bytes);
        prop_assert!(read(&mut reader).len() <= bytes.len() / 11);
    }
}
