//! Codec configurations: what decoder configuration records and first frames say about a track.
//!
//! Owns the reading of `avcC`, `hvcC`, `av1C`, `vpcC`, `AudioSpecificConfig`, `OpusHead`, `STREAMINFO` and MP3 frame
//! headers, and the layout of access units as far as key frames and parameter sets go. Decodes no pictures or sound.
//! Knows no container: [`crate::container`] carries these records.

use bytes::Bytes;
use media::{Codec, MediaKind, Timescale, Track, TrackId, TrackParams};

/// What a configuration record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Size, rate, channels.
    pub params: TrackParams,
    /// `codecs` parameter, RFC 6381.
    pub codec_string: String,
}
