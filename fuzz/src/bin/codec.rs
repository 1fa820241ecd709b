//! Configuration records and frames of every codec: what is described makes a track, and a configuration found in a
//! frame is one that can be described.
//! Covers: formats::codec.
#![no_main]

use bytes::Bytes;
use formats::codec;
use libfuzzer_sys::fuzz_target;
use media::{Codec, TrackId};

const CODECS: [Codec; 8] =
    [Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9, Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let codec = CODECS[usize::from(choice & 7)];
    let bytes = Bytes::copy_from_slice(bytes);
    if choice & 8 == 0 {
        config(codec, &bytes);
    } else {
        frame(codec, &bytes, choice >> 4);
    }
});

fn config(codec: Codec, record: &Bytes) {
    let described = codec::describe(codec, record);
    if let Ok(description) = &described {
        assert!(!description.codec_string.is_empty());
    }
    let made = codec::make_track(TrackId(0), codec, record.clone());
    assert!(described.is_ok() || made.is_err(), "a track of what cannot be described");
    let _ = codec::length_size(codec, record);
}

fn frame(codec: Codec, frame: &Bytes, length_size: u8) {
    let _ = codec::is_sync(codec, frame, length_size & 1 == 0);
    let _ = codec::make_track_from_frame(TrackId(0), codec, None, frame);
    if let Some(found) = codec::config_in_band(codec, frame) {
        assert!(codec::describe(codec, &found).is_ok(), "found in a frame, and not described: {found:02x?}");
    }
    match codec {
        Codec::H264 | Codec::H265 => {
            let rewritten = codec::h264::to_length4(frame, length_size & 7);
            let mut units = codec::h264::nal_units(&rewritten);
            let carried: usize = units.by_ref().map(<[u8]>::len).sum();
            assert!(carried <= frame.len());
        }
        Codec::Av1 => {
            let _ = codec::av1::clean_temporal_unit(frame);
        }
        Codec::Opus => {
            let _ = codec::opus::packet_samples(frame);
        }
        Codec::Vp9 | Codec::Aac | Codec::Flac | Codec::Mp3 => {}
    }
}
