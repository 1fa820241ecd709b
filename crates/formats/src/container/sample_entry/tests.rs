//! Sample entries of every codec, written and read back, and records that no entry can hold.

use super::super::fixtures;
use super::*;

fn entry_of(track: &Track) -> Vec<u8> {
    let mut out = Vec::new();
    put_sample_entry(&mut out, track).expect("writes");
    out
}

fn parse(bytes: &[u8]) -> Result<Option<ParsedEntry>, BoxError> {
    let mut file = Reader::new(b"stsd", bytes);
    parse_entry(file.next_box()?.expect("is there"))
}

#[test]
fn a_record_is_in_the_entry_byte_for_byte() {
    for track in fixtures::all().into_iter().filter(|track| track.codec != Codec::Opus) {
        let entry = entry_of(&track);
        assert!(entry.windows(track.config.len()).any(|bytes| bytes == track.config), "{}", track.codec);
    }
}

#[test]
fn the_opus_record_turns_its_byte_order_round() {
    let entry = entry_of(&fixtures::opus());
    assert!(entry.ends_with(b"\0\0\0\x13dOps\0\x02\x01\x38\0\0\xbb\x80\x01\x02\0"), "{entry:02x?}");
}

#[test]
fn an_elementary_stream_descriptor_with_optional_fields_is_read() {
    let mut esds = b"esds\0\0\0\0".to_vec();
    let specific = [0x05, 2, 0x11, 0x90];
    let mut decoder = vec![0x04, 13 + specific.len() as u8, 0x40, 0x15];
    decoder.resize(15, 0);
    decoder.extend_from_slice(&specific);
    let optional = [0x00, 0x01, 0xE0, 0, 2, 3, b'u', b'r', b'l', 0, 4];
    esds.extend_from_slice(&[0x03, (optional.len() + decoder.len()) as u8]);
    esds.extend_from_slice(&optional);
    esds.extend_from_slice(&decoder);
    let mut boxed = ((esds.len() + 4) as u32).to_be_bytes().to_vec();
    boxed.extend_from_slice(&esds);
    let config = parse_esds(Reader::new(b"mp4a", &boxed).child(b"esds").expect("reads")).expect("reads");
    assert_eq!(config, [0x11, 0x90].as_slice());
}

#[test]
fn mp4a_that_is_not_mpeg_4_audio_is_refused() {
    let mut entry = entry_of(&fixtures::aac());
    let at = entry.windows(2).position(|bytes| bytes == [0x40, 0x15]).expect("has one");
    entry[at] = 0x6B; // MPEG-1 audio
    assert!(parse(&entry).is_err());
}

#[test]
fn formats_that_are_not_carried_are_passed_over() {
    let mut entry = entry_of(&fixtures::h264());
    entry[4..8].copy_from_slice(b"mp4v");
    assert_eq!(parse(&entry), Ok(None));
}

#[test]
fn flac_depth_comes_from_the_record() {
    let entry = entry_of(&fixtures::flac());
    assert_eq!(entry[26..28], [0, 24]);
    assert_eq!(flac_bits_per_sample(&[]), None);
}
