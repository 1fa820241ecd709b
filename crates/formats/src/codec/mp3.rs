//! MPEG audio layer III: frame headers (ISO/IEC 11172-3 §2.4.1.3, 13818-3; MPEG-2.5 as in use).
//!
//! ```text
//! sync u11 (all 1) | version u2 | layer u2 | no CRC u1 | bitrate u4 | rate u2 | padding u1 | private u1 | mode u2 | ...
//! ```
//! There is no configuration record: a track is made from its first frame.

use bytes::Bytes;
use media::{AudioParams, Codec, Track, TrackId, TrackParams};

use super::{CodecError, Description};

const BITRATES_KBPS_V1: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BITRATES_KBPS_V2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// What a frame header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Samples of each channel in the frame: 1152, or 576 at the lower sampling rates.
    pub frame_samples: u32,
    /// Kilobits per second; 0 is "free format".
    pub bitrate_kbps: u32,
    /// Bytes of the frame, header included; `None` for free format.
    pub frame_bytes: Option<u32>,
}

/// Reads the header at the start of `frame`.
///
/// # Errors
/// [`CodecError`] if it is cut off, has no sync word, or is of another layer or a reserved value.
pub fn parse_header(frame: &[u8]) -> Result<Header, CodecError> {
    let Some(header) = frame.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
        return Err(CodecError::Truncated { what: "MP3 frame header", len: frame.len() });
    };
    let field = |shift: u32, bits: u32| header >> shift & ((1 << bits) - 1);
    let invalid = |what, value: u32| CodecError::Invalid { what, value: value.into() };
    if field(21, 11) != 0x7FF {
        return Err(invalid("MP3 sync word", field(21, 11)));
    }
    if field(17, 2) != 1 {
        return Err(invalid("MPEG audio layer code", field(17, 2)));
    }
    // version 3: MPEG-1, 2: MPEG-2 (half the rates), 0: MPEG-2.5 (a quarter), 1: reserved
    let rate_shift = match field(19, 2) {
        3 => 0,
        2 => 1,
        0 => 2,
        version => return Err(invalid("MPEG audio version code", version)),
    };
    let sample_rate = match field(10, 2) {
        0 => 44_100 >> rate_shift,
        1 => 48_000 >> rate_shift,
        2 => 32_000 >> rate_shift,
        index => return Err(invalid("MP3 sampling rate index", index)),
    };
    let bitrates = if rate_shift == 0 { BITRATES_KBPS_V1 } else { BITRATES_KBPS_V2 };
    let index = field(12, 4);
    let bitrate_kbps = *bitrates.get(index as usize).ok_or(invalid("MP3 bitrate index", index))?;
    let frame_samples = if rate_shift == 0 { 1_152 } else { 576 };
    let frame_bytes = (bitrate_kbps > 0).then(|| frame_samples / 8 * bitrate_kbps * 1_000 / sample_rate + field(9, 1));
    let channels = if field(6, 2) == 3 { 1 } else { 2 };
    Ok(Header { sample_rate, channels, frame_samples, bitrate_kbps, frame_bytes })
}

/// The track of this first frame.
///
/// # Errors
/// As [`parse_header`].
pub fn track(id: TrackId, first_frame: &[u8]) -> Result<Track, CodecError> {
    let header = parse_header(first_frame)?;
    let params =
        AudioParams { sample_rate: header.sample_rate, channels: header.channels, frame_samples: header.frame_samples };
    let description = Description { params: TrackParams::Audio(params), codec_string: "mp4a.40.34".to_owned() };
    super::track(id, Codec::Mp3, Bytes::new(), description)
}

#[cfg(test)]
mod tests;
