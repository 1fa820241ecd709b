//! FLAC: a recorded `STREAMINFO` in each form.

use media::{Codec, TrackId};

use super::*;
use crate::codec::make_track;
use crate::codec::tests::vectors::*;

#[test]
fn every_form_of_the_header_becomes_the_bare_block() {
    let block = hex(FLAC_BLOCK);
    let bare = block.slice(4..);
    let whole: Bytes = [&b"fLaC"[..], &block].concat().into();
    let magic_only: Bytes = [&b"fLaC"[..], &bare].concat().into();
    for form in [block, bare.clone(), whole, magic_only] {
        let track = make_track(TrackId(1), Codec::Flac, form).expect("recorded");
        assert_eq!(track.config, bare);
        let audio = track.audio().expect("audio");
        assert_eq!((audio.sample_rate, audio.channels, audio.frame_samples), (48_000, 2, 4_608));
        assert_eq!(track.codec_string, "flac");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let block = hex(FLAC_BLOCK).slice(4..);
    assert_eq!(StreamInfo::parse(&block).expect("recorded").bits_per_sample, 16);
    let mut zero_rate = block.to_vec();
    zero_rate[10..13].copy_from_slice(&[0, 0, 0x0E]);
    assert!(matches!(StreamInfo::parse(&zero_rate), Err(CodecError::Invalid { what: "STREAMINFO sample rate", .. })));
    let mut no_block = block.to_vec();
    no_block[2..4].copy_from_slice(&[0, 15]);
    assert!(matches!(StreamInfo::parse(&no_block), Err(CodecError::Invalid { what: "STREAMINFO block size", .. })));
    assert!(matches!(StreamInfo::parse(&block[..33]), Err(CodecError::Truncated { .. })));
}
