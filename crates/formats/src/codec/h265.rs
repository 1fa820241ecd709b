//! H.265: `hvcC` (ISO/IEC 14496-15 §8.3.3.1), sequence parameter sets, key frames, the `codecs` string (annex E there).
//!
//! ```text
//! hvcC: 01 | profile space u2, tier u1, profile u5 | compatibility u32 | constraints u48 | level u8
//!       | segmentation u16 | parallelism u8 | chroma u8 | luma depth - 8 u8 | chroma depth - 8 u8 | frame rate u16
//!       | rate u2, layers u3, nested u1, length size - 1 u2 | array count u8
//!       | (complete u1, 0 u1, NAL type u6 | count u16 | (length u16, NAL unit)*)*
//! ```

mod sps;

use bytes::Bytes;
use media::{TrackParams, VideoParams};

pub use super::nal::{NalIter, nal_units, to_length4};
use super::{CodecError, Description};
pub use sps::Sps;

const NAL_VPS: u8 = 32;
const NAL_SPS: u8 = 33;
const NAL_PPS: u8 = 34;
const FIXED_LEN: usize = 23;
/// Offset of the byte that has the length size.
const LENGTH_SIZE_AT: usize = 21;

/// Most NAL units of one kind taken from a record or an access unit. The ids allow 16 VPS, 16 SPS and 64 PPS.
const SETS_MAX: usize = 64;

/// Profile, tier and level: the part of `profile_tier_level()` that is also in `hvcC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// `general_profile_space`, 0 to 3.
    pub profile_space: u8,
    /// High tier.
    pub high_tier: bool,
    /// `general_profile_idc`: 1 Main, 2 Main 10.
    pub profile: u8,
    /// `general_profile_compatibility_flag[0..32]`, the first in the highest bit.
    pub compatibility: u32,
    /// Progressive, interlaced and the other constraint flags, 48 bits.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level.
    pub level: u8,
}

impl ProfileTierLevel {
    /// `hvc1.` and the rest: `hvc1.1.6.L93.B0`. Compatibility bits are reversed and constraint bytes end at the last
    /// that is not zero, as annex E of ISO/IEC 14496-15 has it.
    #[must_use]
    pub fn codec_string(&self) -> String {
        let space = match self.profile_space {
            1 => "A",
            2 => "B",
            3 => "C",
            _ => "",
        };
        let tier = if self.high_tier { 'H' } else { 'L' };
        let mut text =
            format!("hvc1.{space}{}.{:X}.{tier}{}", self.profile, self.compatibility.reverse_bits(), self.level);
        let used = self.constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        for byte in self.constraints.iter().take(used) {
            text.push_str(&format!(".{byte:X}"));
        }
        text
    }
}

/// An `HEVCDecoderConfigurationRecord`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HvcConfig {
    /// Profile, tier and level.
    pub profile_tier_level: ProfileTierLevel,
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// Video parameter sets, NAL headers included.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets, NAL headers included.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, NAL headers included.
    pub pps: Vec<Bytes>,
}

impl HvcConfig {
    /// Reads the record; parameter sets share its memory. NAL units of other kinds (SEI) are passed over.
    ///
    /// # Errors
    /// [`CodecError`] if it is cut off, of another version, or has a length size of 3 bytes.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        let truncated = CodecError::Truncated { what: "hvcC", len: record.len() };
        let Some(fixed) = record.first_chunk::<FIXED_LEN>() else { return Err(truncated) };
        let [version, profile, c0, c1, c2, c3, k0, k1, k2, k3, k4, k5, level, .., lengths, arrays] = *fixed;
        // Version 0 came from encoders of the time before the standard was final.
        if version > 1 {
            return Err(CodecError::Invalid { what: "hvcC version", value: version.into() });
        }
        let length_size = (lengths & 3) + 1;
        if length_size == 3 {
            return Err(CodecError::Invalid { what: "hvcC length size", value: 3 });
        }
        let profile_tier_level = ProfileTierLevel {
            profile_space: profile >> 6,
            high_tier: profile & 0x20 != 0,
            profile: profile & 0x1F,
            compatibility: u32::from_be_bytes([c0, c1, c2, c3]),
            constraints: [k0, k1, k2, k3, k4, k5],
            level,
        };
        let mut config = Self { profile_tier_level, length_size, vps: vec![], sps: vec![], pps: vec![] };
        let mut rest = record.slice(FIXED_LEN..);
        for _ in 0..arrays {
            config.read_array(&mut rest).ok_or(truncated)?;
        }
        Ok(config)
    }

    fn read_array(&mut self, rest: &mut Bytes) -> Option<()> {
        let [kind, n0, n1] = *rest.first_chunk()?;
        *rest = rest.slice(3..);
        for _ in 0..u16::from_be_bytes([n0, n1]) {
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            if rest.len() < 2 + length {
                return None;
            }
            let unit = rest.slice(2..2 + length);
            *rest = rest.slice(2 + length..);
            self.keep(kind & 0x3F, unit);
        }
        Some(())
    }

    fn keep(&mut self, kind: u8, unit: Bytes) {
        let sets = match kind {
            NAL_VPS => &mut self.vps,
            NAL_SPS => &mut self.sps,
            NAL_PPS => &mut self.pps,
            _ => return,
        };
        if sets.len() < SETS_MAX && !unit.is_empty() && !sets.contains(&unit) {
            sets.push(unit);
        }
    }
}

/// The type of a NAL unit; `None` if its header is cut off.
#[must_use]
pub fn nal_type(unit: &[u8]) -> Option<u8> {
    unit.first_chunk::<2>().map(|[first, _]| first >> 1 & 0x3F)
}

/// Whether a decoder can start at this access unit: an IDR, BLA or CRA picture (types 16 to 21).
#[must_use]
pub fn is_sync(payload: &[u8]) -> bool {
    nal_units(payload).filter_map(nal_type).any(|kind| (16..=21).contains(&kind))
}

/// An `hvcC` with 4-byte lengths from parameter sets with their NAL headers; those longer than 65,535 bytes are left out.
///
/// # Errors
/// [`CodecError`] if a kind is missing or the first sequence parameter set is malformed.
pub fn hvcc_from_sets(vps: &[Bytes], sps: &[Bytes], pps: &[Bytes]) -> Result<Bytes, CodecError> {
    let first = sps.first().ok_or(CodecError::Missing { what: "H.265 SPS" })?;
    let parsed = Sps::parse(first)?;
    let general = parsed.profile_tier_level;
    let mut out = Vec::with_capacity(256);
    out.push(1);
    out.push(general.profile_space << 6 | u8::from(general.high_tier) << 5 | general.profile);
    out.extend_from_slice(&general.compatibility.to_be_bytes());
    out.extend_from_slice(&general.constraints);
    out.extend_from_slice(&[general.level, 0xF0, 0, 0xFC, 0xFC | parsed.chroma_format]);
    out.extend_from_slice(&[0xF8 | (parsed.bit_depth_luma - 8), 0xF8 | (parsed.bit_depth_chroma - 8), 0, 0]);
    out.push((parsed.sub_layers & 7) << 3 | u8::from(parsed.temporal_id_nesting) << 2 | 3);
    out.push(3);
    for (kind, what, sets) in [(NAL_VPS, "H.265 VPS", vps), (NAL_SPS, "H.265 SPS", sps), (NAL_PPS, "H.265 PPS", pps)] {
        let fits = |set: &&Bytes| (1..=usize::from(u16::MAX)).contains(&set.len());
        let kept: Vec<&Bytes> = sets.iter().filter(fits).take(SETS_MAX).collect();
        if kept.is_empty() {
            return Err(CodecError::Missing { what });
        }
        out.extend_from_slice(&[0x80 | kind, 0, kept.len() as u8]);
        for set in kept {
            out.extend_from_slice(&(set.len() as u16).to_be_bytes());
            out.extend_from_slice(set);
        }
    }
    Ok(out.into())
}

/// An `hvcC` from the parameter sets in a key frame, if it has all three kinds.
#[must_use]
pub fn config_in_band(payload: &Bytes) -> Option<Bytes> {
    let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
    for unit in nal_units(payload) {
        let sets: &mut Vec<Bytes> = match nal_type(unit) {
            Some(NAL_VPS) => &mut vps,
            Some(NAL_SPS) => &mut sps,
            Some(NAL_PPS) => &mut pps,
            _ => continue,
        };
        if sets.len() < SETS_MAX && !sets.iter().any(|set| set == unit) {
            sets.push(payload.slice_ref(unit));
        }
    }
    hvcc_from_sets(&vps, &sps, &pps).ok()
}

/// The description, and the record with its length size set to 4.
pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let hvcc = HvcConfig::parse(config)?;
    let first = hvcc.sps.first().ok_or(CodecError::Missing { what: "H.265 SPS" })?;
    if hvcc.vps.is_empty() {
        return Err(CodecError::Missing { what: "H.265 VPS" });
    }
    if hvcc.pps.is_empty() {
        return Err(CodecError::Missing { what: "H.265 PPS" });
    }
    let sps = Sps::parse(first)?;
    let params = VideoParams {
        width: sps.width,
        height: sps.height,
        frame_rate: sps.frame_rate,
        colour: sps.colour,
        hdr: media::Hdr::default(),
    };
    let codec_string = hvcc.profile_tier_level.codec_string();
    let canonical = super::with_length_size_4(config, LENGTH_SIZE_AT, hvcc.length_size);
    Ok((Description { params: TrackParams::Video(params), codec_string }, canonical))
}

#[cfg(test)]
mod tests;
