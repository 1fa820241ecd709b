//! H.264 sequence parameter set (ITU-T H.264 §7.3.2.1.1, annex E), as far as a server must know it.
//!
//! Reading stops behind the timing of the VUI: the HRD parameters that follow it, whose counts filled other servers'
//! memory, are never looked at. Each loop is bounded by the standard's own limit on its count.

use media::{Colour, FrameRate};

use super::CodecError;
use crate::codec::bits::{BitReader, unescape};
use crate::codec::{dimensions, frame_rate};

/// What a sequence parameter set says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`.
    pub profile: u8,
    /// Constraint flags.
    pub compat: u8,
    /// `level_idc`.
    pub level: u8,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits per luma sample, 8 to 14.
    pub bit_depth_luma: u8,
    /// Bits per chroma sample, 8 to 14.
    pub bit_depth_chroma: u8,
    /// Luma samples across, after cropping.
    pub width: u32,
    /// Luma samples down, after cropping.
    pub height: u32,
    /// From the VUI, if it is there and plausible.
    pub frame_rate: Option<FrameRate>,
    /// From the VUI, if it is there.
    pub colour: Option<Colour>,
}

impl Sps {
    /// Reads a NAL unit, its header byte included.
    ///
    /// # Errors
    /// [`CodecError`] if it is no sequence parameter set, cut off, or out of the standard's ranges. A malformed VUI only
    /// costs what it would have said.
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        match nal.first() {
            Some(header) if header & 0x1F == super::NAL_SPS => {}
            Some(header) => {
                return Err(CodecError::Invalid { what: "H.264 SPS NAL type", value: (header & 0x1F).into() });
            }
            None => return Err(CodecError::Truncated { what: "H.264 SPS", len: 0 }),
        }
        let rbsp = unescape(nal);
        let mut bits = BitReader::new(&rbsp, "H.264 SPS");
        bits.skip(8)?;
        let (profile, compat, level) = (bits.u8()?, bits.u8()?, bits.u8()?);
        bits.ue_max("seq_parameter_set_id", 31)?;
        let chroma = Chroma::read(&mut bits, profile)?;
        skip_picture_order(&mut bits)?;
        let (width, height) = read_size(&mut bits, &chroma)?;
        let mut sps = Self {
            profile,
            compat,
            level,
            chroma_format: chroma.format,
            bit_depth_luma: chroma.bit_depth_luma,
            bit_depth_chroma: chroma.bit_depth_chroma,
            width,
            height,
            frame_rate: None,
            colour: None,
        };
        if bits.flag().unwrap_or(false) {
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
        if bits.flag()? {
            let (units_in_tick, ticks_per_second) = (bits.bits(32)?, bits.bits(32)?);
            // two ticks, one per field, make a frame
            self.frame_rate = frame_rate(ticks_per_second.into(), 2 * u64::from(units_in_tick));
        }
        Ok(())
    }
}

struct Chroma {
    format: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
    bit_depth_chroma: u8,
}

impl Chroma {
    fn read(bits: &mut BitReader<'_>, profile: u8) -> Result<Self, CodecError> {
        let mut chroma = Self { format: 1, separate_planes: false, bit_depth_luma: 8, bit_depth_chroma: 8 };
        if !matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            return Ok(chroma);
        }
        chroma.format = bits.ue_max("chroma_format_idc", 3)? as u8;
        if chroma.format == 3 {
            chroma.separate_planes = bits.flag()?;
        }
        chroma.bit_depth_luma = 8 + bits.ue_max("bit_depth_luma_minus8", 6)? as u8;
        chroma.bit_depth_chroma = 8 + bits.ue_max("bit_depth_chroma_minus8", 6)? as u8;
        bits.skip(1)?; // lossless transform bypass
        if bits.flag()? {
            for list in 0..if chroma.format == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(chroma)
    }
}

/// §7.3.2.1.1.1: a delta per coefficient until the scale becomes 0.
fn skip_scaling_list(bits: &mut BitReader<'_>, size: usize) -> Result<(), CodecError> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn skip_picture_order(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    bits.ue_max("log2_max_frame_num_minus4", 12)?;
    match bits.ue_max("pic_order_cnt_type", 2)? {
        0 => {
            bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)?;
        }
        1 => {
            bits.skip(1)?;
            bits.se()?;
            bits.se()?;
            for _ in 0..bits.ue_max("num_ref_frames_in_pic_order_cnt_cycle", 255)? {
                bits.se()?;
            }
        }
        _ => {}
    }
    bits.ue()?; // max_num_ref_frames: told, not used
    bits.skip(1) // gaps in frame_num
}

fn read_size(bits: &mut BitReader<'_>, chroma: &Chroma) -> Result<(u32, u32), CodecError> {
    let width_in_mbs = u64::from(bits.ue()?) + 1;
    let height_in_map_units = u64::from(bits.ue()?) + 1;
    let frame_mbs_only = bits.flag()?;
    if !frame_mbs_only {
        bits.skip(1)?; // macroblock-adaptive frame-field coding
    }
    bits.skip(1)?; // direct 8x8 inference
    let field_factor = if frame_mbs_only { 1 } else { 2 };
    let (mut width, mut height) = (width_in_mbs * 16, height_in_map_units * 16 * field_factor);
    if bits.flag()? {
        let mut crop = || bits.ue().map(u64::from);
        let (left, right, top, bottom) = (crop()?, crop()?, crop()?, crop()?);
        // §7.4.2.1.1: units are chroma samples, and lines of one field
        let (unit_x, unit_y) = match (chroma.format, chroma.separate_planes) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        width = width.saturating_sub((left + right) * unit_x);
        height = height.saturating_sub((top + bottom) * unit_y * field_factor);
    }
    dimensions(width, height)
}
