//! VP9: recorded configurations and frame headers.

use bytes::Bytes;
use media::{Codec, Colour, TrackId};

use super::*;
use crate::codec::make_track_from_frame;
use crate::codec::tests::vectors::*;

/// First bytes of the key frame that belongs to [`VPCC`]: 320x180, profile 0.
const KEY_FRAME: &str = "824983420013f00b3600";
/// First bytes of `ffmpeg -f lavfi -i testsrc=size=320x180 -c:v libvpx-vp9`: profile 1, RGB.
const KEY_FRAME_RGB: &str = "a2498342e013f00b360638241c184a00";

#[test]
fn the_record_is_read_with_and_without_version_and_flags() {
    let with = describe(&hex(VPCC)).expect("recorded");
    let without = describe(&hex(VPCC).slice(4..)).expect("recorded");
    assert_eq!(with, without);
    assert_eq!(with.1, hex(VPCC).slice(4..));
    assert_eq!(with.0.codec_string, "vp09.00.11.08");
    assert_eq!(describe(&hex(VPCC_422)).expect("recorded").0.codec_string, "vp09.03.11.10");
}

#[test]
fn a_key_frame_tells_the_size() {
    let header = FrameHeader::parse(&hex(KEY_FRAME)).expect("recorded");
    let key = header.key.expect("key frame");
    assert_eq!((header.profile, key.width, key.height, key.bit_depth), (0, 320, 180, 8));
    let header = FrameHeader::parse(&hex(KEY_FRAME_RGB)).expect("recorded");
    let key = header.key.expect("key frame");
    assert_eq!((header.profile, key.width, key.height, key.colour_space, key.full_range), (1, 320, 180, 7, true));
}

#[test]
fn a_track_takes_its_size_from_the_frame_and_its_record_if_none_was_sent() {
    let frame = hex(KEY_FRAME);
    let given = make_track_from_frame(TrackId(0), Codec::Vp9, Some(&hex(VPCC)), &frame).expect("both");
    let video = given.video().expect("video");
    assert_eq!((video.width, video.height), (320, 180));
    let made = make_track_from_frame(TrackId(0), Codec::Vp9, None, &frame).expect("frame only");
    assert_eq!(made.codec_string, given.codec_string);
    let rgb = make_track_from_frame(TrackId(0), Codec::Vp9, None, &hex(KEY_FRAME_RGB)).expect("frame only");
    let colour = rgb.video().expect("video").colour;
    assert_eq!(colour, Some(Colour { primaries: 1, transfer: 13, matrix: 0, full_range: true }));
    assert!(make_track_from_frame(TrackId(0), Codec::Vp9, Some(&hex(VPCC)), &hex("a6004092")).is_err(), "no key frame");
}

#[test]
fn frames_that_are_not_key_frames_or_not_vp9_are_told_apart() {
    assert_eq!(FrameHeader::parse(&hex("a6004092")), Ok(FrameHeader { profile: 1, key: None }));
    assert_eq!(FrameHeader::parse(&[0x88]), Ok(FrameHeader { profile: 0, key: None }), "shows an existing frame");
    assert!(matches!(FrameHeader::parse(&[0x42, 0]), Err(CodecError::Invalid { what: "VP9 frame marker", .. })));
    assert!(matches!(FrameHeader::parse(&[0x82, 1, 2, 3]), Err(CodecError::Invalid { what: "VP9 sync code", .. })));
    assert!(FrameHeader::parse(&[]).is_err());
}

#[test]
fn impossible_records_are_refused() {
    assert!(describe(&hex("040b820202020000")).is_err(), "profile 4");
    assert!(describe(&hex("000b720202020000")).is_err(), "7 bits");
    assert!(describe(&Bytes::from_static(&[0, 11, 0x82])).is_err(), "cut off");
}
