//! H.265 sequence parameter set (ITU-T H.265 §7.3.2.2, annex E), as far as a server must know it.
//!
//! Reading stops behind the timing of the VUI. Each loop is bounded by the standard's own limit on its count.

use media::{Colour, FrameRate};

use super::{CodecError, ProfileTierLevel, nal_type};
use crate::codec::bits::{BitReader, unescape};
use crate::codec::{dimensions, frame_rate};

/// What a sequence parameter set says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Profile, tier and level.
    pub profile_tier_level: ProfileTierLevel,
    /// Temporal sub-layers, 1 to 7.
    pub sub_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub temporal_id_nesting: bool,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits per luma sample, 8 to 16.
    pub bit_depth_luma: u8,
    /// Bits per chroma sample, 8 to 16.
    pub bit_depth_chroma: u8,
    /// Luma samples across, inside the conformance window.
    pub width: u32,
    /// Luma samples down, inside the conformance window.
    pub height: u32,
    /// From the VUI, if it is there and plausible.
    pub frame_rate: Option<FrameRate>,
    /// From the VUI, if it is there.
    pub colour: Option<Colour>,
}

impl Sps {
    /// Reads a NAL unit, its two header bytes included.
    ///
    /// # Errors
    /// [`CodecError`] if it is no sequence parameter set, cut off, or out of the standard's ranges. What is malformed
    /// behind the picture size only costs colour and frame rate.
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        match nal_type(nal) {
            Some(super::NAL_SPS) => {}
            Some(kind) => return Err(CodecError::Invalid { what: "H.265 SPS NAL type", value: kind.into() }),
            None => return Err(CodecError::Truncated { what: "H.265 SPS", len: nal.len() }),
        }
        let rbsp = unescape(nal);
        let mut bits = BitReader::new(&rbsp, "H.265 SPS");
        bits.skip(16 + 4)?; // NAL header, VPS id
        let sub_layers_minus1 = bits.bits(3)?;
        if sub_layers_minus1 > 6 {
            return Err(CodecError::Invalid { what: "sps_max_sub_layers_minus1", value: sub_layers_minus1.into() });
        }
        let temporal_id_nesting = bits.flag()?;
        let profile_tier_level = read_profile_tier_level(&mut bits, sub_layers_minus1)?;
        bits.ue_max("sps_seq_parameter_set_id", 15)?;
        let chroma_format = bits.ue_max("chroma_format_idc", 3)?;
        let separate_planes = chroma_format == 3 && bits.flag()?;
        let (mut width, mut height) = (u64::from(bits.ue()?), u64::from(bits.ue()?));
        if bits.flag()? {
            let mut edge = || bits.ue().map(u64::from);
            let (left, right, top, bottom) = (edge()?, edge()?, edge()?, edge()?);
            let (unit_x, unit_y) = match (chroma_format, separate_planes) {
                (1, _) => (2, 2),
                (2, _) => (2, 1),
                _ => (1, 1),
            };
            width = width.saturating_sub((left + right) * unit_x);
            height = height.saturating_sub((top + bottom) * unit_y);
        }
        let (width, height) = dimensions(width, height)?;
        let mut sps = Self {
            profile_tier_level,
            sub_layers: sub_layers_minus1 as u8 + 1,
            temporal_id_nesting,
            chroma_format: chroma_format as u8,
            bit_depth_luma: 8 + bits.ue_max("bit_depth_luma_minus8", 8)? as u8,
            bit_depth_chroma: 8 + bits.ue_max("bit_depth_chroma_minus8", 8)? as u8,
            width,
            height,
            frame_rate: None,
            colour: None,
        };
        if skip_to_vui(&mut bits, sub_layers_minus1).unwrap_or(false) {
            // What was read before an error stands.
            let _ = sps.read_vui(&mut bits);
        }
        Ok(sps)
    }

    fn read_vui(&mut self, bits: &mut BitReader<'_>) -> Result<(), CodecError> {
        if bits.flag()? && bits.u8()? == 255 {
            bits.skip(32)?; // sample aspect ratio
        }
        if bits.flag()? {
            bits.skip(1)?; // overscan
        }
        if bits.flag()? {
            bits.skip(3)?; // video format
            let full_range = bits.flag()?;
            if bits.flag()? {
                let (primaries, transfer, matrix) = (bits.u8()?, bits.u8()?, bits.u8()?);
                self.colour = Some(Colour { primaries, transfer, matrix, full_range });
            }
        }
        if bits.flag()? {
            bits.ue()?; // chroma sample locations
            bits.ue()?;
        }
        bits.skip(3)?; // neutral chroma, field sequence, frame-field information
        if bits.flag()? {
            for _ in 0..4 {
                bits.ue()?; // default display window: cropping for display only
            }
        }
        if bits.flag()? {
            let (units_in_tick, ticks_per_second) = (bits.bits(32)?, bits.bits(32)?);
            self.frame_rate = frame_rate(ticks_per_second.into(), units_in_tick.into());
        }
        Ok(())
    }
}

/// §7.3.3 with the profile present.
fn read_profile_tier_level(bits: &mut BitReader<'_>, sub_layers_minus1: u32) -> Result<ProfileTierLevel, CodecError> {
    let profile_space = bits.bits(2)? as u8;
    let high_tier = bits.flag()?;
    let profile = bits.bits(5)? as u8;
    let compatibility = bits.bits(32)?;
    let mut constraints = [0; 6];
    for byte in &mut constraints {
        *byte = bits.u8()?;
    }
    let level = bits.u8()?;
    let mut sub_layer_bits = 0;
    for _ in 0..sub_layers_minus1 {
        let (profile_present, level_present) = (bits.flag()?, bits.flag()?);
        sub_layer_bits += if profile_present { 88 } else { 0 } + if level_present { 8 } else { 0 };
    }
    if sub_layers_minus1 > 0 {
        bits.skip(2 * (8 - sub_layers_minus1 as usize))?;
    }
    bits.skip(sub_layer_bits)?;
    Ok(ProfileTierLevel { profile_space, high_tier, profile, compatibility, constraints, level })
}

/// Reads over everything between the bit depths and the VUI; true if there is one.
fn skip_to_vui(bits: &mut BitReader<'_>, sub_layers_minus1: u32) -> Result<bool, CodecError> {
    let poc_lsb_bits = bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)? + 4;
    let first_layer = if bits.flag()? { 0 } else { sub_layers_minus1 };
    for _ in first_layer..=sub_layers_minus1 {
        for _ in 0..3 {
            bits.ue()?; // buffering, reordering, latency
        }
    }
    for _ in 0..6 {
        bits.ue()?; // block sizes and transform depths
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?; // asymmetric motion partitions, sample adaptive offset
    if bits.flag()? {
        bits.skip(8)?; // PCM bit depths
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    skip_short_term_ref_pic_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.ue_max("num_long_term_ref_pics_sps", 32)? {
            bits.skip(poc_lsb_bits as usize + 1)?;
        }
    }
    bits.skip(2)?; // temporal motion vectors, strong intra smoothing
    bits.flag()
}

/// §7.3.4.
fn skip_scaling_lists(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    for size_id in 0..4u32 {
        for _ in (0..6).step_by(if size_id == 3 { 3 } else { 1 }) {
            if !bits.flag()? {
                bits.ue()?; // taken from an earlier list
                continue;
            }
            if size_id > 1 {
                bits.se()?;
            }
            for _ in 0..64.min(1 << (4 + 2 * size_id)) {
                bits.se()?;
            }
        }
    }
    Ok(())
}

/// A short-term reference picture set: picture order counts relative to the current picture, nearest first. Each set
/// may be told by difference from the one before it, so the values matter to where the next one starts.
#[derive(Default)]
struct RefPicSet {
    negative: Vec<i64>,
    positive: Vec<i64>,
}

/// Pictures before, and behind, the current one in a set: `sps_max_dec_pic_buffering_minus1` is at most 15.
const REF_PICS_MAX: u32 = 16;

/// §7.3.7, all sets of an SPS.
fn skip_short_term_ref_pic_sets(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    let mut previous = RefPicSet::default();
    for index in 0..bits.ue_max("num_short_term_ref_pic_sets", 64)? {
        let predicted = index > 0 && bits.flag()?;
        previous = if predicted { read_predicted_set(bits, &previous)? } else { read_explicit_set(bits)? };
    }
    Ok(())
}

fn read_explicit_set(bits: &mut BitReader<'_>) -> Result<RefPicSet, CodecError> {
    let negative_count = bits.ue_max("num_negative_pics", REF_PICS_MAX)?;
    let positive_count = bits.ue_max("num_positive_pics", REF_PICS_MAX)?;
    let mut set = RefPicSet::default();
    for (pictures, count, sign) in [(&mut set.negative, negative_count, -1), (&mut set.positive, positive_count, 1)] {
        let mut distance = 0;
        for _ in 0..count {
            distance += i64::from(bits.ue_max("delta_poc_minus1", 0x7FFF)?) + 1;
            bits.skip(1)?; // used by the current picture
            pictures.push(sign * distance);
        }
    }
    Ok(set)
}

/// Equations 7-61 and 7-62.
fn read_predicted_set(bits: &mut BitReader<'_>, previous: &RefPicSet) -> Result<RefPicSet, CodecError> {
    let backwards = bits.flag()?;
    let distance = i64::from(bits.ue_max("abs_delta_rps_minus1", 0x7FFF)?) + 1;
    let delta = if backwards { -distance } else { distance };
    let mut moved = |poc: i64| -> Result<Option<i64>, CodecError> {
        let used = bits.flag()?;
        Ok((used || bits.flag()?).then_some(poc + delta))
    };
    let negative = previous.negative.iter().map(|&poc| moved(poc)).collect::<Result<Vec<_>, _>>()?;
    let positive = previous.positive.iter().map(|&poc| moved(poc)).collect::<Result<Vec<_>, _>>()?;
    let own = moved(0)?;
    let before = positive.iter().rev().chain([&own]).chain(&negative).flatten().copied().filter(|&poc| poc < 0);
    let behind = negative.iter().rev().chain([&own]).chain(&positive).flatten().copied().filter(|&poc| poc > 0);
    let set = RefPicSet { negative: before.collect(), positive: behind.collect() };
    let longest = set.negative.len().max(set.positive.len());
    if longest > REF_PICS_MAX as usize {
        return Err(CodecError::Invalid { what: "predicted reference pictures", value: longest as u64 });
    }
    Ok(set)
}
