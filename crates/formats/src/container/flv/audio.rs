//! Audio tag bodies.
//!
//! ```text
//! legacy:   SoundFormat u4, rate u2, size u1, type u1 | AAC only: AACPacketType u8 | AudioSpecificConfig or frame
//! enhanced: 9 u4, packet type u4 | extensions, tracks: see `enhanced`
//! ```
//! The rate, size and type bits are never read: AAC's come from its `AudioSpecificConfig`, MP3's from its frames.

use bytes::Bytes;
use media::Codec;
use smallvec::{SmallVec, smallvec};

use super::FlvError;
use super::cursor::Cursor;
use super::enhanced::{self, Packet, Tracks};

const LEGACY_MP3: u8 = 2;
const ENHANCED: u8 = 9;
const LEGACY_AAC: u8 = 10;
const LEGACY_MP3_8K: u8 = 14;
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const MULTICHANNEL_CONFIG: u8 = 4;
const MULTITRACK: u8 = 5;

/// What one audio tag says, one event per track.
#[derive(Clone, Debug, PartialEq)]
pub enum AudioEvent {
    /// A decoder configuration, in force from the next frame of the track on. MP3 has none.
    Config {
        /// E-RTMP track id; 0 where there is one track.
        track: u8,
        /// Its codec.
        codec: Codec,
        /// `AudioSpecificConfig`, `OpusHead`, or FLAC's `STREAMINFO` with or without its headers; unchecked.
        config: Bytes,
    },
    /// One access unit.
    Frame {
        /// E-RTMP track id; 0 where there is one track.
        track: u8,
        /// Its codec.
        codec: Codec,
        /// To be added to the tag's timestamp: nanoseconds.
        nanos: u32,
        /// Raw access unit; never empty.
        payload: Bytes,
    },
    /// No more frames of this track's current configuration.
    EndOfSequence {
        /// E-RTMP track id.
        track: u8,
    },
    /// Where the channels go.
    MultichannelConfig {
        /// E-RTMP track id.
        track: u8,
        /// How many.
        channels: u8,
        /// Which.
        layout: ChannelLayout,
    },
    /// Legal, but nothing that Tayang carries; the text names it.
    Ignored(&'static str),
}

/// E-RTMP `AudioChannelOrder` and what comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelLayout {
    /// Only the count is known.
    Unspecified,
    /// `AudioChannelMask`: a bit per speaker, in the native order.
    Native(u32),
    /// An `AudioChannel` per channel.
    Custom(Bytes),
}

/// The events of an audio tag's or message's body. Payloads share its memory.
///
/// # Errors
/// [`FlvError`] if the header is cut off or breaks a rule of multitrack; the body is then to be dropped.
pub fn parse_audio(body: &Bytes) -> Result<SmallVec<[AudioEvent; 2]>, FlvError> {
    let mut cursor = Cursor::new(body);
    if cursor.is_empty() {
        return Ok(smallvec![AudioEvent::Ignored("empty audio message")]);
    }
    let first = cursor.u8("audio header")?;
    Ok(smallvec![match first >> 4 {
        LEGACY_AAC => match cursor.u8("AACPacketType")? {
            0 => config(0, Codec::Aac, cursor.rest()),
            1 => frame(0, Codec::Aac, 0, cursor.rest()),
            _ => AudioEvent::Ignored("unknown AACPacketType"),
        },
        LEGACY_MP3 | LEGACY_MP3_8K => frame(0, Codec::Mp3, 0, cursor.rest()),
        ENHANCED => return parse_enhanced(&mut cursor, first & 0x0F),
        _ => AudioEvent::Ignored("legacy audio codec"),
    }])
}

fn parse_enhanced(cursor: &mut Cursor<'_>, packet_type: u8) -> Result<SmallVec<[AudioEvent; 2]>, FlvError> {
    let (packet_type, nanos) = enhanced::extensions(cursor, packet_type)?;
    match enhanced::tracks(cursor, packet_type, MULTITRACK)? {
        Tracks::UnknownType => Ok(smallvec![AudioEvent::Ignored("unknown multitrack type")]),
        Tracks::Known(packet_type, packets) => {
            packets.into_iter().map(|packet| event(packet, packet_type, nanos)).collect()
        }
    }
}

fn event(packet: Packet, packet_type: u8, nanos: u32) -> Result<AudioEvent, FlvError> {
    let codec = match &packet.four_cc {
        b"mp4a" => Codec::Aac,
        b"Opus" => Codec::Opus,
        b"fLaC" => Codec::Flac,
        b".mp3" => Codec::Mp3,
        _ => return Ok(AudioEvent::Ignored("audio FourCC that is not carried")),
    };
    let Packet { track, body, .. } = packet;
    Ok(match packet_type {
        SEQUENCE_START if codec == Codec::Mp3 => AudioEvent::Ignored("configuration of MP3, which has none"),
        SEQUENCE_START => config(track, codec, body),
        CODED_FRAMES => frame(track, codec, nanos, body),
        SEQUENCE_END => AudioEvent::EndOfSequence { track },
        MULTICHANNEL_CONFIG => multichannel_config(track, &body)?,
        _ => AudioEvent::Ignored("unknown audio packet type"),
    })
}

fn config(track: u8, codec: Codec, config: Bytes) -> AudioEvent {
    if config.is_empty() {
        return AudioEvent::Ignored("empty audio configuration");
    }
    AudioEvent::Config { track, codec, config }
}

fn frame(track: u8, codec: Codec, nanos: u32, payload: Bytes) -> AudioEvent {
    if payload.is_empty() {
        return AudioEvent::Ignored("empty audio frame");
    }
    AudioEvent::Frame { track, codec, nanos, payload }
}

fn multichannel_config(track: u8, body: &Bytes) -> Result<AudioEvent, FlvError> {
    let mut cursor = Cursor::new(body);
    let order = cursor.u8("channel order")?;
    let channels = cursor.u8("channel count")?;
    let layout = match order {
        0 => ChannelLayout::Unspecified,
        1 => ChannelLayout::Native(cursor.u32("channel mask")?),
        2 => ChannelLayout::Custom(cursor.take(usize::from(channels), "channel mapping")?),
        _ => return Ok(AudioEvent::Ignored("unknown channel order")),
    };
    Ok(AudioEvent::MultichannelConfig { track, channels, layout })
}
