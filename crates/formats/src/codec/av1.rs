//! AV1: `av1C` and access units ("AV1 Codec ISO Media File Format Binding" §2.3), sequence headers (AV1 §5.5).
//!
//! ```text
//! av1C: 1, version u7 (1) | profile u3, level u5 | tier u1, high depth u1, 12 bit u1, mono u1, chroma u4 | delay u8 | OBUs
//! OBU:  0, type u4, extension u1, has size u1, 0 | [extension u8] | [size leb128] | payload
//! ```

use bytes::Bytes;
use media::{Colour, FrameRate, TrackParams, VideoParams};

use super::bits::BitReader;
use super::{CodecError, Description, dimensions, frame_rate};

const OBU_SEQUENCE_HEADER: u8 = 1;
const OBU_TEMPORAL_DELIMITER: u8 = 2;
const OBU_TILE_LIST: u8 = 8;
const OBU_PADDING: u8 = 15;
const RECORD_LEN: usize = 4;

/// One OBU of a temporal unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obu<'a> {
    /// `obu_type`.
    pub kind: u8,
    /// Without header and size.
    pub payload: &'a [u8],
    /// With header and size.
    pub whole: &'a [u8],
}

/// The OBUs of a temporal unit. An OBU that is cut off ends the iteration.
pub fn obus(mut rest: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    std::iter::from_fn(move || {
        let (&header, _) = rest.split_first()?;
        let mut at = if header & 0x04 != 0 { 2 } else { 1 };
        let size = if header & 0x02 != 0 {
            let (size, taken) = leb128(rest.get(at..)?)?;
            at += taken;
            size
        } else {
            rest.len().checked_sub(at)?
        };
        let (whole, after) = rest.split_at_checked(at.checked_add(size)?)?;
        rest = after;
        Some(Obu { kind: header >> 3 & 0x0F, payload: whole.get(at..)?, whole })
    })
}

/// AV1 §4.10.5, of values that fit 32 bits.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(value).ok()?).ok()?, index + 1));
        }
    }
    None
}

/// The temporal unit as an ISO sample: without temporal delimiters, tile lists and padding, and nothing behind an OBU
/// that is cut off. Shares the memory unless something in its midst goes.
#[must_use]
pub fn clean_temporal_unit(payload: &Bytes) -> Bytes {
    let dropped = |obu: &Obu<'_>| matches!(obu.kind, OBU_TEMPORAL_DELIMITER | OBU_TILE_LIST | OBU_PADDING);
    let mut kept: Option<(usize, usize)> = None;
    let mut contiguous = true;
    let mut at = 0;
    for obu in obus(payload) {
        let end = at + obu.whole.len();
        if !dropped(&obu) {
            kept = match kept {
                None => Some((at, end)),
                Some((start, last)) => {
                    contiguous &= last == at;
                    Some((start, end))
                }
            };
        }
        at = end;
    }
    match kept {
        None => Bytes::new(),
        Some((start, end)) if contiguous => payload.slice(start..end),
        Some(_) => {
            let mut out = Vec::with_capacity(payload.len());
            obus(payload).filter(|obu| !dropped(obu)).for_each(|obu| out.extend_from_slice(obu.whole));
            out.into()
        }
    }
}

/// What a sequence header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceHeader {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx[0]`.
    pub level: u8,
    /// `seq_tier[0]`: high tier.
    pub high_tier: bool,
    /// Bits per sample: 8, 10 or 12.
    pub bit_depth: u8,
    /// No chroma.
    pub monochrome: bool,
    /// Chroma is halved across.
    pub subsampling_x: bool,
    /// Chroma is halved down.
    pub subsampling_y: bool,
    /// `chroma_sample_position`.
    pub chroma_position: u8,
    /// Largest frame, across.
    pub width: u32,
    /// Largest frame, down.
    pub height: u32,
    /// From the timing, if it says that frames are equally far apart.
    pub frame_rate: Option<FrameRate>,
    /// If it is described.
    pub colour: Option<Colour>,
}

impl SequenceHeader {
    /// Reads the payload of a sequence header OBU (§5.5.1).
    ///
    /// # Errors
    /// [`CodecError`] if it is cut off or out of range.
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        let mut bits = BitReader::new(payload, "AV1 sequence header");
        let profile = bits.bits(3)? as u8;
        if profile > 2 {
            return Err(CodecError::Invalid { what: "AV1 seq_profile", value: profile.into() });
        }
        bits.skip(1)?; // still picture
        let reduced = bits.flag()?;
        let mut rate = None;
        let (level, high_tier) = if reduced {
            (bits.bits(5)? as u8, false)
        } else {
            rate = read_timing(&mut bits)?;
            read_operating_points(&mut bits, rate.map_or(0, |timing| timing.decoder_model_delay_bits as usize))?
        };
        let (width_bits, height_bits) = (bits.bits(4)? + 1, bits.bits(4)? + 1);
        let (width, height) = (bits.bits(width_bits)?, bits.bits(height_bits)?);
        let (width, height) = dimensions(u64::from(width) + 1, u64::from(height) + 1)?;
        skip_tools(&mut bits, reduced)?;
        let mut header = Self {
            profile,
            level,
            high_tier,
            bit_depth: 8,
            monochrome: false,
            subsampling_x: true,
            subsampling_y: true,
            chroma_position: 0,
            width,
            height,
            frame_rate: rate.and_then(|timing| timing.frame_rate),
            colour: None,
        };
        header.read_colour(&mut bits)?;
        Ok(header)
    }

    /// §5.5.2.
    fn read_colour(&mut self, bits: &mut BitReader<'_>) -> Result<(), CodecError> {
        let high_depth = bits.flag()?;
        self.bit_depth = match (high_depth, self.profile) {
            (true, 2) if bits.flag()? => 12,
            (true, _) => 10,
            (false, _) => 8,
        };
        self.monochrome = self.profile != 1 && bits.flag()?;
        let described = bits.flag()?;
        let (primaries, transfer, matrix) = if described { (bits.u8()?, bits.u8()?, bits.u8()?) } else { (2, 2, 2) };
        let full_range;
        if self.monochrome {
            full_range = bits.flag()?;
        } else if (primaries, transfer, matrix) == (1, 13, 0) {
            full_range = true;
            (self.subsampling_x, self.subsampling_y) = (false, false);
        } else {
            full_range = bits.flag()?;
            (self.subsampling_x, self.subsampling_y) = match (self.profile, self.bit_depth) {
                (0, _) => (true, true),
                (1, _) => (false, false),
                (_, 12) => {
                    let across = bits.flag()?;
                    (across, across && bits.flag()?)
                }
                _ => (true, false),
            };
            if self.subsampling_x && self.subsampling_y {
                self.chroma_position = bits.bits(2)? as u8;
            }
        }
        self.colour = described.then_some(Colour { primaries, transfer, matrix, full_range });
        Ok(())
    }

    /// The `av1C` record with this sequence header OBU in it.
    fn record(&self, obu: &[u8]) -> Bytes {
        let flag = |truth: bool, shift: u8| u8::from(truth) << shift;
        let mut out = Vec::with_capacity(RECORD_LEN + obu.len());
        out.extend_from_slice(&[0x81, self.profile << 5 | self.level]);
        out.push(
            flag(self.high_tier, 7)
                | flag(self.bit_depth > 8, 6)
                | flag(self.bit_depth == 12, 5)
                | flag(self.monochrome, 4)
                | flag(self.subsampling_x, 3)
                | flag(self.subsampling_y, 2)
                | self.chroma_position & 3,
        );
        out.push(0);
        out.extend_from_slice(obu);
        out.into()
    }
}

#[derive(Clone, Copy)]
struct Timing {
    frame_rate: Option<FrameRate>,
    /// `buffer_delay_length_minus_1 + 1`; 0 without a decoder model.
    decoder_model_delay_bits: u32,
}

/// §5.5.3 and §5.5.4; `None` if there is no timing.
fn read_timing(bits: &mut BitReader<'_>) -> Result<Option<Timing>, CodecError> {
    if !bits.flag()? {
        return Ok(None);
    }
    let (units_in_tick, time_scale) = (bits.bits(32)?, bits.bits(32)?);
    let mut rate = None;
    if bits.flag()? {
        let ticks_per_picture = uvlc(bits)? + 1;
        rate = frame_rate(time_scale.into(), u64::from(units_in_tick).saturating_mul(ticks_per_picture));
    }
    let mut decoder_model_delay_bits = 0;
    if bits.flag()? {
        decoder_model_delay_bits = bits.bits(5)? + 1;
        bits.skip(32 + 5 + 5)?;
    }
    Ok(Some(Timing { frame_rate: rate, decoder_model_delay_bits }))
}

/// §4.10.3.
fn uvlc(bits: &mut BitReader<'_>) -> Result<u64, CodecError> {
    let mut zeros = 0;
    while !bits.flag()? {
        zeros += 1;
        if zeros > 31 {
            return Err(CodecError::Invalid { what: "AV1 uvlc prefix", value: 32 });
        }
    }
    Ok(u64::from(bits.bits(zeros)?) + (1 << zeros) - 1)
}

/// Level and tier of the first operating point. `delay_bits` is 0 without a decoder model.
fn read_operating_points(bits: &mut BitReader<'_>, delay_bits: usize) -> Result<(u8, bool), CodecError> {
    let display_delay = bits.flag()?;
    let mut first = None;
    for _ in 0..=bits.bits(5)? {
        bits.skip(12)?; // layers of the operating point
        let level = bits.bits(5)? as u8;
        let high_tier = level > 7 && bits.flag()?;
        if delay_bits > 0 && bits.flag()? {
            bits.skip(2 * delay_bits + 1)?;
        }
        if display_delay && bits.flag()? {
            bits.skip(4)?;
        }
        first.get_or_insert((level, high_tier));
    }
    Ok(first.unwrap_or_default())
}

/// Everything of §5.5.1 between the frame size and the colour.
fn skip_tools(bits: &mut BitReader<'_>, reduced: bool) -> Result<(), CodecError> {
    if !reduced && bits.flag()? {
        bits.skip(4 + 3)?; // lengths of frame ids
    }
    bits.skip(3)?; // 128x128 superblocks, filter intra, intra edge filter
    if !reduced {
        bits.skip(4)?; // interintra, masked, warped, dual filter
        let order_hint = bits.flag()?;
        if order_hint {
            bits.skip(2)?; // joint compound, reference motion vectors
        }
        let screen_content = bits.flag()? || bits.flag()?;
        if screen_content && !bits.flag()? {
            bits.skip(1)?; // integer motion vectors
        }
        if order_hint {
            bits.skip(3)?;
        }
    }
    bits.skip(3) // superresolution, CDEF, restoration
}

/// The first sequence header among OBUs: parsed, and with its OBU header.
fn sequence_header(bytes: &[u8]) -> Option<Result<(SequenceHeader, &[u8]), CodecError>> {
    let obu = obus(bytes).find(|obu| obu.kind == OBU_SEQUENCE_HEADER)?;
    Some(SequenceHeader::parse(obu.payload).map(|header| (header, obu.whole)))
}

/// An `av1C` from the sequence header in a key frame.
#[must_use]
pub fn config_in_band(payload: &Bytes) -> Option<Bytes> {
    let (header, obu) = sequence_header(payload)?.ok()?;
    Some(header.record(obu))
}

/// `av01.0.04M.08`: profile, level, tier, bit depth.
fn codec_string(header: &SequenceHeader) -> String {
    let tier = if header.high_tier { 'H' } else { 'M' };
    format!("av01.{}.{:02}{tier}.{:02}", header.profile, header.level, header.bit_depth)
}

pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let Some((&[version, ..], configuration_obus)) = config.split_first_chunk::<RECORD_LEN>() else {
        return Err(CodecError::Truncated { what: "av1C", len: config.len() });
    };
    if version != 0x81 {
        return Err(CodecError::Invalid { what: "av1C version", value: version.into() });
    }
    let (header, _) =
        sequence_header(configuration_obus).ok_or(CodecError::Missing { what: "AV1 sequence header" })??;
    let codec_string = codec_string(&header);
    let params = VideoParams {
        width: header.width,
        height: header.height,
        frame_rate: header.frame_rate,
        colour: header.colour,
        hdr: media::Hdr::default(),
    };
    Ok((Description { params: TrackParams::Video(params), codec_string }, config.clone()))
}

#[cfg(test)]
mod tests;
