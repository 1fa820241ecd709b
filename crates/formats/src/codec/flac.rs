//! FLAC: the `STREAMINFO` metadata block (RFC 9639 §8.2).
//!
//! ```text
//! ["fLaC"] | [last u1, type u7 (0), length u24 (34)]
//! | block min u16, max u16 | frame min u24, max u24 | rate u20 | channels - 1 u3 | bits - 1 u5 | samples u36 | MD5
//! ```
//! E-RTMP's text asks for signature and block header, ffmpeg sends neither; all forms are taken. Inside Tayang the
//! record is the bare block.

use bytes::Bytes;
use media::{AudioParams, TrackParams};

use super::bits::BitReader;
use super::{CodecError, Description};

/// Length of the block.
pub const STREAMINFO_LEN: usize = 34;

/// What a `STREAMINFO` block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Longest block, in samples of each channel, 16 to 65,535.
    pub block_samples_max: u32,
    /// Samples per second, 1 to 655,350.
    pub sample_rate: u32,
    /// 1 to 8.
    pub channels: u8,
    /// 4 to 32.
    pub bits_per_sample: u8,
}

impl StreamInfo {
    /// Reads the bare block.
    ///
    /// # Errors
    /// [`CodecError`] if it is cut off or out of range.
    pub fn parse(block: &[u8]) -> Result<Self, CodecError> {
        let block =
            block.get(..STREAMINFO_LEN).ok_or(CodecError::Truncated { what: "STREAMINFO", len: block.len() })?;
        let mut bits = BitReader::new(block, "STREAMINFO");
        bits.skip(16)?;
        let block_samples_max = bits.bits(16)?;
        bits.skip(48)?;
        let sample_rate = bits.bits(20)?;
        let (channels, bits_per_sample) = (bits.bits(3)? as u8 + 1, bits.bits(5)? as u8 + 1);
        if block_samples_max < 16 {
            return Err(CodecError::Invalid { what: "STREAMINFO block size", value: block_samples_max.into() });
        }
        if !(1..=655_350).contains(&sample_rate) {
            return Err(CodecError::Invalid { what: "STREAMINFO sample rate", value: sample_rate.into() });
        }
        if bits_per_sample < 4 {
            return Err(CodecError::Invalid { what: "STREAMINFO sample size", value: bits_per_sample.into() });
        }
        Ok(Self { block_samples_max, sample_rate, channels, bits_per_sample })
    }
}

/// The description, and the bare block.
pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let mut start = if config.starts_with(b"fLaC") { 4 } else { 0 };
    if config.get(start..).is_some_and(|rest| matches!(rest, [0 | 0x80, 0, 0, 34, ..] if rest.len() >= 38)) {
        start += 4;
    }
    let block = config.slice(start..);
    let info = StreamInfo::parse(&block)?;
    let params =
        AudioParams { sample_rate: info.sample_rate, channels: info.channels, frame_samples: info.block_samples_max };
    let description = Description { params: TrackParams::Audio(params), codec_string: "flac".to_owned() };
    Ok((description, block.slice(..STREAMINFO_LEN)))
}

#[cfg(test)]
mod tests;
