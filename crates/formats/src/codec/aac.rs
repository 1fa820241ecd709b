//! MPEG-4 audio: `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
//!
//! ```text
//! object type u5 (31: 32 + u6) | frequency u4 (15: u24) | channels u4
//! 5, 29: extension frequency | object type          explicit SBR, PS
//! GASpecificConfig
//! 0x2b7 u11 | 5 u5 | SBR u1 | extension frequency | 0x548 u11 | PS u1          backward-compatible signalling
//! ```
//! SBR that is not signalled at all (implicit) is described as the core that it is.

use bytes::Bytes;
use media::{AudioParams, TrackParams};

use super::bits::BitReader;
use super::{CodecError, Description};

const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const OBJECT_SBR: u8 = 5;
const OBJECT_BSAC: u8 = 22;
const OBJECT_PS: u8 = 29;
const SYNC_EXTENSION_SBR: u32 = 0x2B7;
const SYNC_EXTENSION_PS: u32 = 0x548;
/// Longest configuration accepted: a program config element with comment takes some 300 bytes.
const CONFIG_BYTES_MAX: usize = 1_024;

/// What an `AudioSpecificConfig` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Object type of the core: 2 is LC.
    pub object_type: u8,
    /// Samples per second of the core.
    pub core_sample_rate: u32,
    /// `channelConfiguration`, 0 to 14; 0 is a program config element.
    pub channel_configuration: u8,
    /// Channels of the core.
    pub core_channels: u8,
    /// Samples per second after spectral band replication, if that is signalled.
    pub sbr_sample_rate: Option<u32>,
    /// Parametric stereo is signalled.
    pub parametric_stereo: bool,
    /// Samples of the core in an access unit: 1024 or 960, 512 or 480 for low delay.
    pub core_frame_samples: u32,
}

impl AudioSpecificConfig {
    /// Reads a configuration. Bytes behind it are not looked at.
    ///
    /// # Errors
    /// [`CodecError`] if it is cut off, reserved, or of an object type that FLV and CMAF do not carry here.
    pub fn parse(config: &[u8]) -> Result<Self, CodecError> {
        if config.len() > CONFIG_BYTES_MAX {
            let len = config.len();
            return Err(CodecError::TooLong { what: "AudioSpecificConfig", len, max: CONFIG_BYTES_MAX });
        }
        let mut bits = BitReader::new(config, "AudioSpecificConfig");
        let mut object_type = read_object_type(&mut bits)?;
        let core_sample_rate = read_sample_rate(&mut bits)?;
        let channel_configuration = bits.bits(4)? as u8;
        let mut sbr_sample_rate = None;
        let parametric_stereo = object_type == OBJECT_PS;
        if matches!(object_type, OBJECT_SBR | OBJECT_PS) {
            sbr_sample_rate = Some(read_sample_rate(&mut bits)?);
            object_type = read_object_type(&mut bits)?;
            if object_type == OBJECT_BSAC {
                bits.skip(4)?;
            }
        }
        // Main, LC, SSR, LTP, ER LC, ER LTP, ER LD: those with a GASpecificConfig and nothing before it.
        if !matches!(object_type, 1..=4 | 17 | 19 | 23) {
            return Err(CodecError::Invalid { what: "audio object type", value: object_type.into() });
        }
        let short_frames = bits.flag()?;
        let core_channels = read_ga_rest(&mut bits, object_type, channel_configuration)?;
        let mut parsed = Self {
            object_type,
            core_sample_rate,
            channel_configuration,
            core_channels,
            sbr_sample_rate,
            parametric_stereo,
            core_frame_samples: match (object_type, short_frames) {
                (23, false) => 512,
                (23, true) => 480,
                (_, false) => 1_024,
                (_, true) => 960,
            },
        };
        if parsed.sbr_sample_rate.is_none() {
            parsed.read_sync_extension(&mut bits).unwrap_or_default();
        }
        Ok(parsed)
    }

    /// Backward-compatible signalling: what is not whole is not there.
    fn read_sync_extension(&mut self, bits: &mut BitReader<'_>) -> Result<(), CodecError> {
        if bits.bits_left() < 16 || bits.bits(11)? != SYNC_EXTENSION_SBR || read_object_type(bits)? != OBJECT_SBR {
            return Ok(());
        }
        if bits.flag()? {
            self.sbr_sample_rate = Some(read_sample_rate(bits)?);
            self.parametric_stereo = bits.bits_left() >= 12 && bits.bits(11)? == SYNC_EXTENSION_PS && bits.flag()?;
        }
        Ok(())
    }

    /// Output samples per second.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.sbr_sample_rate.unwrap_or(self.core_sample_rate)
    }

    /// Output channels: parametric stereo makes two of one.
    #[must_use]
    pub fn channels(&self) -> u8 {
        if self.parametric_stereo && self.core_channels == 1 { 2 } else { self.core_channels }
    }

    /// Output samples in an access unit: twice the core's where SBR doubles the rate.
    #[must_use]
    pub fn frame_samples(&self) -> u32 {
        if self.sample_rate() == 2 * self.core_sample_rate {
            2 * self.core_frame_samples
        } else {
            self.core_frame_samples
        }
    }

    /// `mp4a.40.` and the object type that a decoder must have: 29 with PS, 5 with SBR, else the core's.
    #[must_use]
    pub fn codec_string(&self) -> String {
        let object_type = match (self.parametric_stereo, self.sbr_sample_rate) {
            (true, _) => OBJECT_PS,
            (false, Some(_)) => OBJECT_SBR,
            (false, None) => self.object_type,
        };
        format!("mp4a.40.{object_type}")
    }

    /// Index of the core's sample rate for ADTS and the like, if the standard has one.
    #[must_use]
    pub fn sampling_frequency_index(&self) -> Option<u8> {
        SAMPLE_RATES.iter().position(|&rate| rate == self.core_sample_rate).map(|index| index as u8)
    }
}

fn read_object_type(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    match bits.bits(5)? {
        31 => Ok(32 + bits.bits(6)? as u8),
        object_type => Ok(object_type as u8),
    }
}

fn read_sample_rate(bits: &mut BitReader<'_>) -> Result<u32, CodecError> {
    let index = bits.bits(4)?;
    let rate = match SAMPLE_RATES.get(index as usize) {
        Some(&rate) => rate,
        None if index == 15 => bits.bits(24)?,
        None => return Err(CodecError::Invalid { what: "samplingFrequencyIndex", value: index.into() }),
    };
    // The lowest and highest rates that any decoder here takes.
    if !(1_000..=192_000).contains(&rate) {
        return Err(CodecError::Invalid { what: "samplingFrequency", value: rate.into() });
    }
    Ok(rate)
}

/// The rest of `GASpecificConfig` (§4.4.1) behind its first flag; gives the channels.
fn read_ga_rest(bits: &mut BitReader<'_>, object_type: u8, channel_configuration: u8) -> Result<u8, CodecError> {
    if bits.flag()? {
        bits.skip(14)?; // core coder delay
    }
    let extension = bits.flag()?;
    let channels = match channel_configuration {
        0 => read_program_channels(bits)?,
        1..=6 => channel_configuration,
        7 | 12 | 14 => 8,
        11 => 7,
        13 => 24,
        value => return Err(CodecError::Invalid { what: "channelConfiguration", value: value.into() }),
    };
    if extension {
        if matches!(object_type, 17 | 19 | 23) {
            bits.skip(3)?; // error resilience tools
        }
        bits.skip(1)?;
    }
    if matches!(object_type, 17 | 19 | 23) {
        bits.skip(2)?; // error protection
    }
    Ok(channels)
}

/// §4.4.1.1, `program_config_element`: channels of all its elements.
fn read_program_channels(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    bits.skip(4 + 2 + 4)?; // tag, object type, frequency
    let (front, side, back) = (bits.bits(4)?, bits.bits(4)?, bits.bits(4)?);
    let (lfe, associated, coupling) = (bits.bits(2)?, bits.bits(3)?, bits.bits(4)?);
    for mixdown_bits in [4, 4, 3] {
        if bits.flag()? {
            bits.skip(mixdown_bits)?;
        }
    }
    let mut channels = lfe;
    for _ in 0..front + side + back {
        channels += 1 + u32::from(bits.flag()?); // a pair or a single
        bits.skip(4)?;
    }
    bits.skip((4 * lfe + 4 * associated + 5 * coupling) as usize)?;
    bits.skip((8 - bits.position() % 8) % 8)?;
    let comment = bits.bits(8)? as usize;
    bits.skip(8 * comment)?;
    match u8::try_from(channels) {
        Ok(channels @ 1..) => Ok(channels),
        _ => Err(CodecError::Invalid { what: "program_config_element channels", value: channels.into() }),
    }
}

pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let parsed = AudioSpecificConfig::parse(config)?;
    let params = AudioParams {
        sample_rate: parsed.sample_rate(),
        channels: parsed.channels(),
        frame_samples: parsed.frame_samples(),
    };
    Ok((Description { params: TrackParams::Audio(params), codec_string: parsed.codec_string() }, config.clone()))
}

#[cfg(test)]
mod tests;
