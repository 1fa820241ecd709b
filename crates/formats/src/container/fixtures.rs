//! Tracks for the tests of containers, with records as real encoders write them.

use bytes::Bytes;
use media::{
    AudioParams, Codec, Colour, ContentLight, Hdr, MasteringDisplay, Timescale, Track, TrackId, TrackParams,
    VideoParams,
};

/// x264, 64x36, High 1.0 with one SPS and one PPS.
pub const AVCC: &[u8] = &[
    0x01, 0x64, 0x00, 0x0a, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x44, 0x7f, 0x9f, 0x01, 0x10,
    0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x22, 0x59, 0x60, 0x01, 0x00, 0x06, 0x68, 0xeb,
    0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
];

pub fn video(codec: Codec, config: &[u8]) -> Track {
    Track {
        id: TrackId(0),
        codec,
        timescale: Timescale::VIDEO,
        config: Bytes::copy_from_slice(config),
        params: TrackParams::Video(VideoParams {
            width: 64,
            height: 36,
            frame_rate: None,
            colour: Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true }),
            hdr: hdr(),
        }),
        codec_string: String::new(),
    }
}

pub fn audio(codec: Codec, sample_rate: u32, frame_samples: u32, config: &[u8]) -> Track {
    Track {
        id: TrackId(1),
        codec,
        timescale: Timescale::new(sample_rate).expect("not zero"),
        config: Bytes::copy_from_slice(config),
        params: TrackParams::Audio(AudioParams { sample_rate, channels: 2, frame_samples }),
        codec_string: String::new(),
    }
}

pub fn h264() -> Track {
    video(Codec::H264, AVCC)
}

/// Two layers of parameter sets (VPS, SPS, PPS), one of each, contents made up.
pub fn h265() -> Track {
    let mut record = vec![1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 30, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 3];
    for (kind, body) in [(32u8, 0xAAu8), (33, 0xBB), (34, 0xCC)] {
        record.extend_from_slice(&[0x80 | kind, 0, 1, 0, 3, kind << 1, 1, body]);
    }
    video(Codec::H265, &record)
}

pub fn av1() -> Track {
    video(Codec::Av1, &[0x81, 0x00, 0x0c, 0x00, 0x0a, 0x0a, 0, 0, 0, 2, 0xaf, 0xff, 0x9b, 0x5f, 0x30, 0x08])
}

pub fn vp9() -> Track {
    video(Codec::Vp9, &[0, 10, 0x82, 2, 2, 2, 0, 0])
}

/// AAC-LC, 48 kHz, stereo.
pub fn aac() -> Track {
    audio(Codec::Aac, 48_000, 1_024, &[0x11, 0x90])
}

pub fn opus() -> Track {
    audio(Codec::Opus, 48_000, 960, b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x02\x01\x00")
}

/// 44.1 kHz, stereo, 24 bits.
pub fn flac() -> Track {
    let mut record = vec![0x12, 0x00, 0x12, 0x00, 0, 0, 0, 0, 0, 0, 0x0a, 0xc4, 0x43, 0x70];
    record.resize(34, 0);
    audio(Codec::Flac, 44_100, 4_608, &record)
}

pub fn all() -> Vec<Track> {
    vec![h264(), h265(), av1(), vp9(), aac(), opus(), flac()]
}

/// BT.2020 primaries and D65 at 1,000 candela per square metre.
pub(crate) fn hdr() -> Hdr {
    Hdr {
        content_light: Some(ContentLight { max_cll: 1_000, max_fall: 400 }),
        mastering: Some(MasteringDisplay {
            red: (35_400, 14_600),
            green: (8_500, 39_850),
            blue: (6_550, 2_300),
            white: (15_635, 16_450),
            luminance_max: 10_000_000,
            luminance_min: 50,
        }),
    }
}
