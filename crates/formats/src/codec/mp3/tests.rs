//! MP3: recorded frame headers and each reserved value.

use media::{Codec, TrackId};

use super::*;

#[test]
fn a_header_of_lame_is_read() {
    // ffmpeg 5.1 -f lavfi -i sine -ac 2 -c:a libmp3lame -f flv: 44.1 kHz, joint stereo, 128 kbit/s
    let header = parse_header(&[0xFF, 0xFB, 0x90, 0x64]).expect("recorded");
    assert_eq!((header.sample_rate, header.channels, header.frame_samples), (44_100, 2, 1_152));
    assert_eq!((header.bitrate_kbps, header.frame_bytes), (128, Some(417)));
    let padded = parse_header(&[0xFF, 0xFB, 0x92, 0x64]).expect("recorded");
    assert_eq!(padded.frame_bytes, Some(418));
}

#[test]
fn a_header_at_half_the_rate_is_read() {
    // ... -ac 1 -ar 22050: MPEG-2, mono
    let header = parse_header(&[0xFF, 0xF3, 0x70, 0xC0]).expect("recorded");
    assert_eq!((header.sample_rate, header.channels, header.frame_samples), (22_050, 1, 576));
    assert_eq!((header.bitrate_kbps, header.frame_bytes), (56, Some(182)));
    let quarter = parse_header(&[0xFF, 0xE3, 0x78, 0xC0]).expect("MPEG-2.5");
    assert_eq!((quarter.sample_rate, quarter.frame_samples), (8_000, 576));
}

#[test]
fn free_format_has_no_frame_length() {
    assert_eq!(parse_header(&[0xFF, 0xFB, 0x00, 0x64]).expect("legal").frame_bytes, None);
}

#[test]
fn reserved_values_are_refused() {
    let what = |bytes: [u8; 4]| match parse_header(&bytes) {
        Err(CodecError::Invalid { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what([0xFF, 0x1B, 0x90, 0x64]), "MP3 sync word");
    assert_eq!(what([0xFF, 0xFD, 0x90, 0x64]), "MPEG audio layer code");
    assert_eq!(what([0xFF, 0xEB, 0x90, 0x64]), "MPEG audio version code");
    assert_eq!(what([0xFF, 0xFB, 0x9C, 0x64]), "MP3 sampling rate index");
    assert_eq!(what([0xFF, 0xFB, 0xF0, 0x64]), "MP3 bitrate index");
    assert_eq!(parse_header(&[0xFF, 0xFB]), Err(CodecError::Truncated { what: "MP3 frame header", len: 2 }));
}

#[test]
fn a_track_is_made_from_the_first_frame() {
    let track = track(TrackId(1), &[0xFF, 0xFB, 0x90, 0x64, 0, 0]).expect("recorded");
    assert_eq!((track.codec, track.config.len(), track.timescale.hz()), (Codec::Mp3, 0, 44_100));
    assert_eq!(track.audio().expect("audio").frame_samples, 1_152);
}
