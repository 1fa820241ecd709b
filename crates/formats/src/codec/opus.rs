//! Opus: the identification header (RFC 7845 §5.1) and the table-of-contents byte of packets (RFC 6716 §3.1).
//!
//! ```text
//! ["OpusHead"] | version u8 (1) | channels u8 | pre-skip u16le | input rate u32le | gain i16le | family u8
//!              | family != 0: streams u8, coupled u8, map u8 per channel
//! ```
//! Inside Tayang the record has its magic. A `dOps` box (version 0, big endian) is taken too.

use bytes::Bytes;
use media::{AudioParams, TrackParams};

use super::{CodecError, Description};

const MAGIC: &[u8; 8] = b"OpusHead";
/// Opus always decodes to 48 kHz, whatever the input rate in the header.
const SAMPLE_RATE: u32 = 48_000;
/// 20 ms, what encoders send unless told otherwise.
const FRAME_SAMPLES: u32 = 960;
/// 120 ms, the longest packet (RFC 6716 §3.2.5).
const PACKET_SAMPLES_MAX: u32 = 5_760;

/// Samples at 48 kHz in a packet. `None` if it is empty, cut off in its header, or longer than 120 ms.
#[must_use]
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    // Durations go by the low bits of the configuration: SILK to 60 ms, hybrid to 20 ms, CELT to 20 ms.
    let frame = match toc >> 3 {
        config @ 0..=11 if config & 3 == 3 => 2_880,
        config @ 0..=11 => 480 << (config & 3),
        config @ 12..=15 => 480 << (config & 1),
        config => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3F),
    };
    Some(frame * frames).filter(|samples| (1..=PACKET_SAMPLES_MAX).contains(samples))
}

/// An `OpusHead` from a packet: stereo or mono as its table of contents says, no pre-skip.
#[must_use]
pub fn config_in_band(packet: &Bytes) -> Option<Bytes> {
    packet_samples(packet)?;
    let channels = if packet.first()? & 4 != 0 { 2 } else { 1 };
    Some(head(1, channels, [0, 0], SAMPLE_RATE.to_le_bytes(), [0, 0], &[0]))
}

fn head(version: u8, channels: u8, pre_skip: [u8; 2], rate: [u8; 4], gain: [u8; 2], mapping: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(18 + mapping.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[version, channels]);
    out.extend_from_slice(&pre_skip);
    out.extend_from_slice(&rate);
    out.extend_from_slice(&gain);
    out.extend_from_slice(mapping);
    out.into()
}

/// The description, and the record with its magic and without what follows it.
pub(super) fn describe(config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    let record = config.strip_prefix(MAGIC).unwrap_or(config);
    let truncated = CodecError::Truncated { what: "OpusHead", len: config.len() };
    let Some((&[version, channels, p0, p1, r0, r1, r2, r3, g0, g1, family], rest)) = record.split_first_chunk() else {
        return Err(truncated);
    };
    if version > 15 {
        return Err(CodecError::Invalid { what: "OpusHead version", value: version.into() });
    }
    let mapping = match family {
        0 if !(1..=2).contains(&channels) => {
            return Err(CodecError::Invalid { what: "Opus channels of mapping family 0", value: channels.into() });
        }
        0 => &[][..],
        _ if channels == 0 => return Err(CodecError::Invalid { what: "Opus channels", value: 0 }),
        _ => rest.get(..2 + usize::from(channels)).ok_or(truncated)?,
    };
    let mapping = [&[family][..], mapping].concat();
    let canonical = if version == 0 && !config.starts_with(MAGIC) {
        head(1, channels, [p1, p0], [r3, r2, r1, r0], [g1, g0], &mapping)
    } else {
        head(version, channels, [p0, p1], [r0, r1, r2, r3], [g0, g1], &mapping)
    };
    let params = AudioParams { sample_rate: SAMPLE_RATE, channels, frame_samples: FRAME_SAMPLES };
    Ok((Description { params: TrackParams::Audio(params), codec_string: "opus".to_owned() }, canonical))
}

#[cfg(test)]
mod tests;
