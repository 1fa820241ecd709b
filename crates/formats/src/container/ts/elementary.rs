//! Access units as transport streams want them: start codes and parameter sets, ADTS headers, Opus control headers.

use bytes::Bytes;
use media::{Codec, Track};

use super::super::super::codec::aac::AudioSpecificConfig;
use super::super::super::codec::{CodecError, h264, h265, mp3};
use super::TsError;

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Longest frame whose length fits the 13 bits of an ADTS header, less that header.
const ADTS_PAYLOAD_MAX: usize = 0x1FFF - 7;
/// Longest unit that a bounded PES packet takes: 16 bits less 3 flag bytes and two time stamps.
const PES_PAYLOAD_MAX: usize = 0xFFFF - 13;

/// How units of one track are written.
#[derive(Clone, Debug)]
pub(super) enum Elementary {
    /// H.264 or H.265.
    Nal { codec: Codec, length_size: usize, parameter_sets: Vec<Bytes> },
    /// AAC behind ADTS headers; these are the header's bytes with a length of zero.
    Adts { header: [u8; 7] },
    /// MPEG audio, which has its own headers. `low_rate`: MPEG-2, below 32 kHz.
    Mp3 { low_rate: bool },
    /// Opus behind control headers.
    Opus { channel_config: u8 },
}

impl Elementary {
    pub(super) fn of(track: &Track) -> Result<Self, TsError> {
        let codec = track.codec;
        let invalid = |error: CodecError| TsError::Configuration { codec, what: error.to_string() };
        match codec {
            Codec::H264 => {
                let config = h264::AvcConfig::parse(&track.config).map_err(invalid)?;
                let parameter_sets = [config.sps, config.pps].concat();
                Ok(Self::Nal { codec, length_size: usize::from(config.length_size), parameter_sets })
            }
            Codec::H265 => {
                let config = h265::HvcConfig::parse(&track.config).map_err(invalid)?;
                let parameter_sets = [config.vps, config.sps, config.pps].concat();
                Ok(Self::Nal { codec, length_size: usize::from(config.length_size), parameter_sets })
            }
            Codec::Aac => {
                let header = adts_header(&AudioSpecificConfig::parse(&track.config).map_err(invalid)?);
                let unsayable = || TsError::Configuration {
                    codec,
                    what: "object type, sample rate or channel layout has no code in ADTS".into(),
                };
                Ok(Self::Adts { header: header.ok_or_else(unsayable)? })
            }
            Codec::Mp3 => Ok(Self::Mp3 { low_rate: track.audio().is_some_and(|audio| audio.sample_rate < 32_000) }),
            Codec::Opus => {
                let unsayable =
                    || TsError::Configuration { codec, what: "channel mapping family is not 0 or 1".into() };
                Ok(Self::Opus { channel_config: opus_channel_config(&track.config).ok_or_else(unsayable)? })
            }
            Codec::Av1 | Codec::Vp9 | Codec::Flac => Err(TsError::Codec(codec)),
        }
    }

    /// ISO/IEC 13818-1 table 2-34.
    pub(super) fn stream_type(&self) -> u8 {
        match self {
            Self::Nal { codec: Codec::H265, .. } => 0x24,
            Self::Nal { .. } => 0x1B,
            Self::Adts { .. } => 0x0F,
            Self::Mp3 { low_rate: false } => 0x03,
            Self::Mp3 { low_rate: true } => 0x04,
            Self::Opus { .. } => 0x06,
        }
    }

    pub(super) fn stream_id(&self) -> u8 {
        match self {
            Self::Nal { .. } => 0xE0,
            Self::Adts { .. } | Self::Mp3 { .. } => 0xC0,
            Self::Opus { .. } => 0xBD,
        }
    }

    /// Registration where the stream type does not say it all.
    pub(super) fn descriptors(&self) -> Vec<u8> {
        match self {
            Self::Nal { codec: Codec::H265, .. } => b"\x05\x04HEVC".to_vec(),
            Self::Nal { .. } | Self::Adts { .. } | Self::Mp3 { .. } => Vec::new(),
            Self::Opus { channel_config } => {
                let mut descriptors = b"\x05\x04Opus\x7f\x02\x80".to_vec();
                descriptors.push(*channel_config);
                descriptors
            }
        }
    }

    /// Appends `payload` in its form for transport streams; `None` (nothing appended that counts) where it has none.
    pub(super) fn put_unit(&self, out: &mut Vec<u8>, key: bool, payload: &[u8]) -> Option<()> {
        match self {
            Self::Nal { codec, length_size, parameter_sets } => {
                let delimiter: &[u8] = if *codec == Codec::H265 { &[0x46, 0x01, 0x50] } else { &[0x09, 0xF0] };
                put_nal(out, delimiter);
                if key {
                    parameter_sets.iter().for_each(|set| put_nal(out, set));
                }
                put_nals(out, *codec, *length_size, payload)
            }
            Self::Adts { header } => {
                let length = Some(payload.len()).filter(|length| (1..=ADTS_PAYLOAD_MAX).contains(length))? + 7;
                let [h0, h1, h2, h3, h4, h5, h6] = *header;
                let length = [h3 | (length >> 11) as u8, h4 | (length >> 3) as u8, h5 | (length << 5) as u8];
                out.extend_from_slice(&[h0, h1, h2]);
                out.extend_from_slice(&length);
                out.push(h6);
                out.extend_from_slice(payload);
                Some(())
            }
            Self::Mp3 { .. } => {
                mp3::parse_header(payload).ok().filter(|_| payload.len() <= PES_PAYLOAD_MAX)?;
                out.extend_from_slice(payload);
                Some(())
            }
            Self::Opus { .. } => {
                if payload.is_empty() || payload.len() + payload.len() / 255 + 3 > PES_PAYLOAD_MAX {
                    return None;
                }
                out.extend_from_slice(&[0x7F, 0xE0]);
                out.resize(out.len() + payload.len() / 255, 0xFF);
                out.push((payload.len() % 255) as u8);
                out.extend_from_slice(payload);
                Some(())
            }
        }
    }
}

fn put_nal(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(unit);
}

/// NAL units with start codes in place of lengths. Delimiters of the sender are left out, for there is ours; empty and
/// cut-off units are passed over. `None` when no unit is left.
fn put_nals(out: &mut Vec<u8>, codec: Codec, length_size: usize, mut payload: &[u8]) -> Option<()> {
    let mut any = None;
    while let Some((prefix, rest)) = payload.split_at_checked(length_size) {
        let length = prefix.iter().fold(0usize, |length, &byte| (length << 8) | usize::from(byte));
        let Some((unit, rest)) = rest.split_at_checked(length) else { break };
        payload = rest;
        let is_delimiter = match (codec, unit.first()) {
            (_, None) => true,
            (Codec::H265, Some(header)) => (header >> 1) & 0x3F == 35,
            (_, Some(header)) => header & 0x1F == 9,
        };
        if !is_delimiter {
            put_nal(out, unit);
            any = Some(());
        }
    }
    any
}

/// A fixed ADTS header. HE-AAC is signalled as the AAC-LC that its core is, at the core's rate: decoders find SBR and
/// PS in the frames (implicit signalling), and would be an octave off if told the output rate.
fn adts_header(config: &AudioSpecificConfig) -> Option<[u8; 7]> {
    let profile = config.object_type.checked_sub(1).filter(|&profile| profile < 4)?;
    let rate = config.sampling_frequency_index()?;
    let channels = Some(config.channel_configuration).filter(|channels| (1..=7).contains(channels))?;
    let third = (profile << 6) | (rate << 2) | (channels >> 2);
    Some([0xFF, 0xF1, third, (channels & 3) << 6, 0, 0x1F, 0xFC])
}

/// Channel configuration code: the number of channels, for the layouts of families 0 and 1.
fn opus_channel_config(head: &[u8]) -> Option<u8> {
    let record = head.strip_prefix(b"OpusHead")?;
    let (&channels, &family) = (record.get(1)?, record.get(10)?);
    match (family, channels) {
        (0, 1..=2) | (1, 1..=8) => Some(channels),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
