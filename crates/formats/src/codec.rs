//! Codec configurations: what decoder configuration records and first frames say about a track.
//!
//! Owns the reading of `avcC`, `hvcC`, `av1C`, `vpcC`, `AudioSpecificConfig`, `OpusHead`, `STREAMINFO` and MP3 frame
//! headers, and the layout of access units as far as key frames and parameter sets go. Decodes no pictures or sound.
//! Knows no container: [`crate::container`] carries these records.
//!
//! Everything here is total: any bytes give a value or a [`CodecError`], every count is capped, and time is linear in
//! the input.

pub mod aac;
pub mod av1;
mod bits;
pub mod flac;
pub mod h264;
pub mod h265;
pub mod mp3;
pub mod nal;
pub mod opus;
pub mod vp9;

use bytes::Bytes;
use media::{Codec, FrameRate, MediaKind, Timescale, Track, TrackId, TrackParams};

/// Longest configuration record accepted. Records in the wild take 7 bytes to 3 kB (x265 writes its settings into them).
pub const CONFIG_BYTES_MAX: usize = 64 << 10;

/// Largest picture accepted, in luma samples across or down. H.264 level 6.2 and AV1 level 6.3 end near it.
pub const DIMENSION_MAX: u32 = 16_384;

/// What a configuration record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Size, rate, channels.
    pub params: TrackParams,
    /// `codecs` parameter, RFC 6381.
    pub codec_string: String,
}

/// Why a configuration or frame cannot be read. Always the publisher's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes end before what they must hold.
    #[error("{what} cut off after {len} bytes")]
    Truncated {
        /// The structure that is not whole.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// A value that the specification forbids or that is beyond what is carried.
    #[error("{what} of {value} is not allowed")]
    Invalid {
        /// The field.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// Something without which the track cannot be described.
    #[error("{what} is missing")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// Longer than the limit.
    #[error("{what} of {len} bytes exceeds {max}")]
    TooLong {
        /// The structure.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
}

/// What `config` says. VP9's record has no picture size: width and height are then 0, and
/// [`make_track_from_frame`] fills them in.
///
/// # Errors
/// [`CodecError`] if the record is malformed or lacks what describes the track; always for MP3, which has none.
pub fn describe(codec: Codec, config: &Bytes) -> Result<Description, CodecError> {
    read(codec, config).map(|(description, _)| description)
}

/// The track of this configuration, in the form that the rest of Tayang relies on: NAL unit lengths of 4 bytes (see
/// [`nal::to_length4`] for frames of senders with shorter ones), `vpcC` without version and flags, `OpusHead` with its
/// magic, a bare `STREAMINFO`.
///
/// # Errors
/// As [`describe`].
pub fn make_track(id: TrackId, codec: Codec, config: Bytes) -> Result<Track, CodecError> {
    let (description, config) = read(codec, &config)?;
    track(id, codec, config, description)
}

/// The track of a first frame, for what the configuration lacks: all of it (`None`), parameter sets, VP9's picture size,
/// Opus' packet duration. NAL units of `frame` have 4-byte lengths. For video it should be a key frame.
///
/// # Errors
/// [`CodecError`] if both together do not describe the track.
pub fn make_track_from_frame(
    id: TrackId,
    codec: Codec,
    config: Option<&Bytes>,
    frame: &Bytes,
) -> Result<Track, CodecError> {
    let given = match config {
        Some(config) => read(codec, config),
        None => Err(CodecError::Missing { what: "configuration" }),
    };
    let (mut description, config) = match (codec, given) {
        (Codec::Mp3, _) => return mp3::track(id, frame),
        (_, Ok(read)) => read,
        (_, Err(error)) => read(codec, &config_in_band(codec, frame).ok_or(error)?)?,
    };
    match (&mut description.params, codec) {
        (TrackParams::Video(video), Codec::Vp9) => {
            let header = vp9::FrameHeader::parse(frame)?;
            let key = header.key.ok_or(CodecError::Missing { what: "VP9 key frame" })?;
            (video.width, video.height) = (key.width, key.height);
        }
        (TrackParams::Audio(audio), Codec::Opus) => {
            audio.frame_samples = opus::packet_samples(frame).unwrap_or(audio.frame_samples);
        }
        _ => {}
    }
    track(id, codec, config, description)
}

/// A configuration record made from what `frame` carries in band, if it carries all that is needed.
#[must_use]
pub fn config_in_band(codec: Codec, frame: &Bytes) -> Option<Bytes> {
    match codec {
        Codec::H264 => h264::config_in_band(frame),
        Codec::H265 => h265::config_in_band(frame),
        Codec::Av1 => av1::config_in_band(frame),
        Codec::Vp9 => vp9::config_in_band(frame),
        Codec::Opus => opus::config_in_band(frame),
        Codec::Aac | Codec::Flac | Codec::Mp3 => None,
    }
}

/// Whether a decoder can start at this frame: what the bytes say where they say it, else `flagged`, the container's word.
/// NAL units have 4-byte lengths. Always true for audio.
#[must_use]
pub fn is_sync(codec: Codec, frame: &[u8], flagged: bool) -> bool {
    match codec {
        Codec::H264 => h264::is_sync(frame),
        Codec::H265 => h265::is_sync(frame),
        Codec::Av1 => flagged,
        Codec::Vp9 => vp9::FrameHeader::parse(frame).map_or(flagged, |header| header.key.is_some()),
        Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => true,
    }
}

/// The frame as [`media::Frame`] has it: NAL units with 4-byte lengths, an AV1 temporal unit without its delimiters.
/// `length_size` is [`length_size`] of the configuration as it came from the sender. Shares the memory wherever the
/// sender already keeps to the rules. May be empty if nothing of the frame is whole.
#[must_use]
pub fn canonical_frame(codec: Codec, payload: &Bytes, length_size: u8) -> Bytes {
    match codec {
        Codec::H264 | Codec::H265 => nal::to_length4(payload, length_size),
        Codec::Av1 => av1::clean_temporal_unit(payload),
        Codec::Vp9 | Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => payload.clone(),
    }
}

/// Bytes of the lengths before NAL units in frames that go with this `avcC` or `hvcC` as it came from the sender.
/// `None` for other codecs and malformed records.
#[must_use]
pub fn length_size(codec: Codec, config: &Bytes) -> Option<u8> {
    match codec {
        Codec::H264 => h264::AvcConfig::parse(config).ok().map(|avcc| avcc.length_size),
        Codec::H265 => h265::HvcConfig::parse(config).ok().map(|hvcc| hvcc.length_size),
        Codec::Av1 | Codec::Vp9 | Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => None,
    }
}

/// The description and the record in its canonical form.
fn read(codec: Codec, config: &Bytes) -> Result<(Description, Bytes), CodecError> {
    if config.len() > CONFIG_BYTES_MAX {
        return Err(CodecError::TooLong { what: "configuration", len: config.len(), max: CONFIG_BYTES_MAX });
    }
    match codec {
        Codec::H264 => h264::describe(config),
        Codec::H265 => h265::describe(config),
        Codec::Av1 => av1::describe(config),
        Codec::Vp9 => vp9::describe(config),
        Codec::Aac => aac::describe(config),
        Codec::Opus => opus::describe(config),
        Codec::Flac => flac::describe(config),
        Codec::Mp3 => Err(CodecError::Missing { what: "MP3 frame" }),
    }
}

fn track(id: TrackId, codec: Codec, config: Bytes, description: Description) -> Result<Track, CodecError> {
    let timescale = match (&description.params, codec.kind()) {
        (TrackParams::Audio(audio), MediaKind::Audio) => {
            Timescale::new(audio.sample_rate).ok_or(CodecError::Invalid { what: "sample rate", value: 0 })?
        }
        _ => Timescale::VIDEO,
    };
    let Description { params, codec_string } = description;
    Ok(Track { id, codec, timescale, config, params, codec_string })
}

/// The picture size if it is within bounds.
fn dimensions(width: u64, height: u64) -> Result<(u32, u32), CodecError> {
    let check = |what, value: u64| match u32::try_from(value) {
        Ok(size) if (1..=DIMENSION_MAX).contains(&size) => Ok(size),
        _ => Err(CodecError::Invalid { what, value }),
    };
    Ok((check("picture width", width)?, check("picture height", height)?))
}

/// `frames / seconds` in lowest terms, if it is a rate that a camera or screen can have: up to 1,000 a second.
fn frame_rate(frames: u64, seconds: u64) -> Option<FrameRate> {
    let (mut a, mut b) = (frames, seconds);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if frames == 0 || seconds == 0 || frames / seconds > 1_000 {
        return None;
    }
    Some(FrameRate { frames: u32::try_from(frames / a).ok()?, seconds: u32::try_from(seconds / a).ok()? })
}

/// The record with the length size in the low bits of byte `at` set to 4. Shares the memory if it is 4 already.
fn with_length_size_4(record: &Bytes, at: usize, length_size: u8) -> Bytes {
    if length_size == 4 {
        return record.clone();
    }
    let mut copy = record.to_vec();
    if let Some(byte) = copy.get_mut(at) {
        *byte |= 3;
    }
    copy.into()
}

#[cfg(test)]
pub(crate) mod tests;
