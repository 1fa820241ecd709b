//! VP9: `vpcC` ("VP Codec ISO Media File Format Binding" v1.0) and uncompressed frame headers (VP9 §6.2).
//!
//! ```text
//! vpcC: [version u8 (1), flags u24] | profile u8 | level u8 | depth u4, chroma u3, full range u1
//!       | primaries u8 | transfer u8 | matrix u8 | initialisation size u16 (0)
//! ```
//! Senders give the record with or without version and flags (ffmpeg: with). Inside Tayang it has none.

use bytes::Bytes;
use media::{Colour, TrackParams, VideoParams};

use super::bits::BitReader;
use super::{CodecError, Description, dimensions};

const RECORD_LEN: usize = 8;
const SYNC_CODE: u32 = 0x49_8342;
const COLOUR_SPACE_RGB: u32 = 7;

/// The part of a frame's uncompressed header that tells about the track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// 0 to 3.
    pub profile: u8,
    /// What only key frames have.
    pub key: Option<KeyFrameHeader>,
}

/// What a key frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFrameHeader {
    /// Bits per sample: 8, 10 or 12.
    pub bit_depth: u8,
    /// As in `vpcC`: 1 4:2:0 (co-located), 2 4:2:2, 3 4:4:4.
    pub chroma_subsampling: u8,
    /// As in the bitstream: 1 BT.601, 2 BT.709, 5 BT.2020, 7 RGB.
    pub colour_space: u8,
    /// Full-range samples.
    pub full_range: bool,
    /// Luma samples across.
    pub width: u32,
    /// Luma samples down.
    pub height: u32,
}

impl FrameHeader {
    /// Reads the start of a frame or superframe.
    ///
    /// # Errors
    /// [`CodecError`] if it is cut off or not VP9.
    pub fn parse(frame: &[u8]) -> Result<Self, CodecError> {
        let mut bits = BitReader::new(frame, "VP9 frame header");
        let marker = bits.bits(2)?;
        if marker != 2 {
            return Err(CodecError::Invalid { what: "VP9 frame marker", value: marker.into() });
        }
        let profile = u8::from(bits.flag()?) | u8::from(bits.flag()?) << 1;
        if profile == 3 && bits.flag()? {
            return Err(CodecError::Invalid { what: "VP9 profile", value: 4 });
        }
        let show_existing = bits.flag()?;
        if show_existing || bits.flag()? {
            return Ok(Self { profile, key: None });
        }
        bits.skip(2)?; // shown, error resilient
        Ok(Self { profile, key: Some(KeyFrameHeader::read(&mut bits, profile)?) })
    }
}

impl KeyFrameHeader {
    fn read(bits: &mut BitReader<'_>, profile: u8) -> Result<Self, CodecError> {
        let sync = bits.bits(24)?;
        if sync != SYNC_CODE {
            return Err(CodecError::Invalid { what: "VP9 sync code", value: sync.into() });
        }
        let bit_depth = match profile {
            0 | 1 => 8,
            _ if bits.flag()? => 12,
            _ => 10,
        };
        let colour_space = bits.bits(3)?;
        let has_subsampling = profile & 1 == 1;
        let (full_range, chroma_subsampling) = if colour_space == COLOUR_SPACE_RGB {
            bits.skip(usize::from(has_subsampling))?;
            (true, 3)
        } else {
            let full_range = bits.flag()?;
            let chroma = match has_subsampling {
                false => 1,
                true => {
                    let (across, down) = (bits.flag()?, bits.flag()?);
                    bits.skip(1)?;
                    match (across, down) {
                        (true, true) => 1,
                        (true, false) => 2,
                        (false, _) => 3,
                    }
                }
            };
            (full_range, chroma)
        };
        let (width, height) = (bits.bits(16)?, bits.bits(16)?);
        let (width, height) = dimensions(u64::from(width) + 1, u64::from(height) + 1)?;
        Ok(Self { bit_depth, chroma_subsampling, colour_space: colour_space as u8, full_range, width, height })
    }

    /// H.273 code points of the bitstream's colour space: primaries, transfer, matrix.
    const fn code_points(&self) -> [u8; 3] {
        match self.colour_space {
            1 => [6, 6, 6],
            2 => [1, 1, 1],
            3 => [6, 6, 6],
            4 => [7, 7, 7],
            5 => [9, 14, 9],
            7 => [1, 13, 0],
            _ => [2, 2, 2],
        }
    }

    /// The lowest level whose largest picture holds this one (VP9 levels, "Luma picture size"). The frame rate, which
    /// could ask for a higher one, is not in the bitstream.
    const fn level(&self) -> u8 {
        match self.width as u64 * self.height as u64 {
            0..=36_864 => 10,
            36_865..=73_728 => 11,
            73_729..=122_880 => 20,
            122_881..=245_760 => 21,
            245_761..=552_960 => 30,
            552_961..=983_040 => 31,
            983_041..=2_228_224 => 40,
            2_228_225..=8_912_896 => 50,
            _ => 60,
        }
    }
}

/// A `vpcC` from a key frame.
#[must_use]
pub fn config_in_band(payload: &Bytes) -> Option<Bytes> {
    let header = FrameHeader::parse(payload).ok()?;
    let key = header.key?;
    let [primaries, transfer, matrix] = key.code_points();
    let sample = key.bit_depth << 4 | key.chroma_subsampling << 1 | u8::from(key.full_range);
    Some(Bytes::copy_from_slice(&[header.profile, key.level(), sample, primaries, transfer, matrix, 0, 0]))
}

/// The description without a picture size, and the record without version and flags.
pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let record = if config.len() >= RECORD_LEN + 4 && config.starts_with(&[1, 0, 0, 0]) {
        config.slice(4..)
    } else {
        config.clone()
    };
    let Some(&[profile, level, sample, primaries, transfer, matrix, ..]) = record.first_chunk::<RECORD_LEN>() else {
        return Err(CodecError::Truncated { what: "vpcC", len: config.len() });
    };
    let bit_depth = sample >> 4;
    if profile > 3 {
        return Err(CodecError::Invalid { what: "vpcC profile", value: profile.into() });
    }
    if !matches!(bit_depth, 8 | 10 | 12) {
        return Err(CodecError::Invalid { what: "vpcC bit depth", value: bit_depth.into() });
    }
    let full_range = sample & 1 == 1;
    let colour =
        (primaries != 2 || transfer != 2 || matrix != 2).then_some(Colour { primaries, transfer, matrix, full_range });
    let params = VideoParams { width: 0, height: 0, frame_rate: None, colour, hdr: media::Hdr::default() };
    let codec_string = format!("vp09.{profile:02}.{level:02}.{bit_depth:02}");
    Ok((Description { params: TrackParams::Video(params), codec_string }, record))
}

#[cfg(test)]
mod tests;
