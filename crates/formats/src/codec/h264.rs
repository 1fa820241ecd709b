//! H.264: `avcC` (ISO/IEC 14496-15 §5.3.3.1), sequence parameter sets, key frames.
//!
//! ```text
//! avcC: 01 | profile u8 | compatibility u8 | level u8 | 6 bits 1, length size - 1 u2 | 3 bits 1, SPS count u5
//!       | (length u16, SPS)* | PPS count u8 | (length u16, PPS)* | high profiles: chroma, bit depths, SPS extensions
//! ```

mod sps;

use bytes::Bytes;
use media::{TrackParams, VideoParams};

pub use super::nal::{NalIter, nal_units, to_length4};
use super::{CodecError, Description};
pub use sps::Sps;

const NAL_SLICE_IDR: u8 = 5;
const NAL_SEI: u8 = 6;
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;
const SEI_RECOVERY_POINT: u32 = 6;

/// Most parameter sets of each kind taken from one access unit. The ids allow 32 SPS and 256 PPS; encoders send 1 to 3.
const IN_BAND_SETS_MAX: usize = 32;

/// An `AVCDecoderConfigurationRecord`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// `AVCProfileIndication`.
    pub profile: u8,
    /// `profile_compatibility`: the constraint flags.
    pub compat: u8,
    /// `AVCLevelIndication`: ten times the level.
    pub level: u8,
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// Sequence parameter sets, NAL headers included.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, NAL headers included.
    pub pps: Vec<Bytes>,
}

impl AvcConfig {
    /// Reads the record; parameter sets share its memory. What follows the picture parameter sets is not read.
    ///
    /// # Errors
    /// [`CodecError`] if it is cut off, of another version, or has a length size of 3 bytes.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        let truncated = CodecError::Truncated { what: "avcC", len: record.len() };
        let Some(&[version, profile, compat, level, lengths, sps_count]) = record.first_chunk() else {
            return Err(truncated);
        };
        if version != 1 {
            return Err(CodecError::Invalid { what: "avcC version", value: version.into() });
        }
        let length_size = (lengths & 3) + 1;
        if length_size == 3 {
            return Err(CodecError::Invalid { what: "avcC length size", value: 3 });
        }
        let mut rest = record.slice(6..);
        let sps = sets(&mut rest, sps_count & 0x1F).ok_or(truncated)?;
        let pps_count = *rest.first().ok_or(truncated)?;
        let mut rest = rest.slice(1..);
        let pps = sets(&mut rest, pps_count).ok_or(truncated)?;
        Ok(Self { profile, compat, level, length_size, sps, pps })
    }
}

/// Takes `count` sets, each after a length of 16 bits. Sets of no bytes are left out.
fn sets(rest: &mut Bytes, count: u8) -> Option<Vec<Bytes>> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        if rest.len() < 2 + length {
            return None;
        }
        if length > 0 {
            sets.push(rest.slice(2..2 + length));
        }
        *rest = rest.slice(2 + length..);
    }
    Some(sets)
}

/// An `avcC` with 4-byte lengths from parameter sets with their NAL headers. Of each kind the first 31 that are
/// distinct and no longer than 65,535 bytes are kept.
///
/// # Errors
/// [`CodecError`] if there is no sequence or picture parameter set, or the first sequence parameter set is malformed.
pub fn avcc_from_sets(sps: &[Bytes], pps: &[Bytes]) -> Result<Bytes, CodecError> {
    let sps = distinct(sps);
    let pps = distinct(pps);
    let first = sps.first().ok_or(CodecError::Missing { what: "H.264 SPS" })?;
    if pps.is_empty() {
        return Err(CodecError::Missing { what: "H.264 PPS" });
    }
    let parsed = Sps::parse(first)?;
    let mut out = vec![1, parsed.profile, parsed.compat, parsed.level, 0xFF, 0xE0 | sps.len() as u8];
    let push = |set: &Bytes, out: &mut Vec<u8>| {
        out.extend_from_slice(&(set.len() as u16).to_be_bytes());
        out.extend_from_slice(set);
    };
    sps.iter().for_each(|set| push(set, &mut out));
    out.push(pps.len() as u8);
    pps.iter().for_each(|set| push(set, &mut out));
    if !matches!(parsed.profile, 66 | 77 | 88) {
        let chroma = 0xFC | parsed.chroma_format;
        out.extend_from_slice(&[chroma, 0xF8 | (parsed.bit_depth_luma - 8), 0xF8 | (parsed.bit_depth_chroma - 8), 0]);
    }
    Ok(out.into())
}

fn distinct(sets: &[Bytes]) -> Vec<&Bytes> {
    let mut kept: Vec<&Bytes> = Vec::new();
    for set in sets {
        if kept.len() < 31 && (1..=usize::from(u16::MAX)).contains(&set.len()) && !kept.contains(&set) {
            kept.push(set);
        }
    }
    kept
}

/// Parameter sets that an access unit carries in band, as `(SPS, PPS)`, sharing its memory.
#[must_use]
pub fn parameter_sets(payload: &Bytes) -> (Vec<Bytes>, Vec<Bytes>) {
    let (mut sps, mut pps) = (Vec::new(), Vec::new());
    for unit in nal_units(payload) {
        let sets = match unit.first().map(|header| header & 0x1F) {
            Some(NAL_SPS) => &mut sps,
            Some(NAL_PPS) => &mut pps,
            _ => continue,
        };
        if sets.len() < IN_BAND_SETS_MAX {
            sets.push(payload.slice_ref(unit));
        }
    }
    (sps, pps)
}

/// An `avcC` from the parameter sets in a key frame, if it has both kinds.
#[must_use]
pub fn config_in_band(payload: &Bytes) -> Option<Bytes> {
    let (sps, pps) = parameter_sets(payload);
    avcc_from_sets(&sps, &pps).ok()
}

/// Whether a decoder can start at this access unit: an IDR picture, or a recovery point that is exact at once (the key
/// frames of encoders with open groups of pictures).
#[must_use]
pub fn is_sync(payload: &[u8]) -> bool {
    nal_units(payload).any(|unit| match unit.split_first() {
        Some((header, body)) => match header & 0x1F {
            NAL_SLICE_IDR => true,
            NAL_SEI => is_immediate_recovery_point(body),
            _ => false,
        },
        None => false,
    })
}

/// H.264 §7.3.2.3.1, D.1.8: walks the SEI messages of one NAL unit.
fn is_immediate_recovery_point(mut sei: &[u8]) -> bool {
    let number = |sei: &mut &[u8]| {
        let mut sum = 0u32;
        loop {
            let (&byte, rest) = sei.split_first()?;
            *sei = rest;
            sum = sum.saturating_add(byte.into());
            if byte != 0xFF {
                return Some(sum);
            }
        }
    };
    while sei.len() > 2 {
        let (Some(kind), Some(size)) = (number(&mut sei), number(&mut sei)) else { return false };
        let Some((payload, rest)) = sei.split_at_checked(size as usize) else { return false };
        if kind == SEI_RECOVERY_POINT {
            // recovery_frame_cnt is 0: its Exp-Golomb code is a single 1
            return payload.first().is_some_and(|byte| byte & 0x80 != 0);
        }
        sei = rest;
    }
    false
}

/// The description, and the record with its length size set to 4.
pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let avcc = AvcConfig::parse(config)?;
    let first = avcc.sps.first().ok_or(CodecError::Missing { what: "H.264 SPS" })?;
    if avcc.pps.is_empty() {
        return Err(CodecError::Missing { what: "H.264 PPS" });
    }
    let sps = Sps::parse(first)?;
    let params = VideoParams {
        width: sps.width,
        height: sps.height,
        frame_rate: sps.frame_rate,
        colour: sps.colour,
        hdr: media::Hdr::default(),
    };
    let codec_string = format!("avc1.{:02x}{:02x}{:02x}", avcc.profile, avcc.compat, avcc.level);
    let canonical = super::with_length_size_4(config, 4, avcc.length_size);
    Ok((Description { params: TrackParams::Video(params), codec_string }, canonical))
}

#[cfg(test)]
mod tests;
