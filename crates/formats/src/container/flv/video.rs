//! Video tag bodies.
//!
//! ```text
//! legacy:   frame type u4, CodecID u4 | AVCPacketType u8 | composition time i24 | avcC or NAL units
//! enhanced: 1, frame type u3, packet type u4 | extensions, tracks: see `enhanced`
//! ```

use bytes::Bytes;
use media::{Codec, Colour, ContentLight, Hdr, MasteringDisplay};
use smallvec::{SmallVec, smallvec};

use super::FlvError;
use super::cursor::Cursor;
use super::enhanced::{self, Packet, Tracks};
use crate::amf::{Limits, Value, amf0};

const FRAME_KEY: u8 = 1;
const FRAME_COMMAND: u8 = 5;
const LEGACY_AVC: u8 = 7;
const LEGACY_HEVC: u8 = 12;
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MPEG2TS_SEQUENCE_START: u8 = 5;
const MULTITRACK: u8 = 6;

/// What one video tag says, one event per track.
#[derive(Clone, Debug, PartialEq)]
pub enum VideoEvent {
    /// A decoder configuration, in force from the next frame of the track on.
    Config {
        /// E-RTMP track id; 0 where there is one track.
        track: u8,
        /// Its codec.
        codec: Codec,
        /// `avcC`, `hvcC`, `av1C` or `vpcC` content, unchecked.
        config: Bytes,
    },
    /// One access unit.
    Frame {
        /// E-RTMP track id; 0 where there is one track.
        track: u8,
        /// Its codec.
        codec: Codec,
        /// Flagged as a key frame. Senders do lie: see [`crate::codec::is_sync`].
        key: bool,
        /// Presentation less decode time, milliseconds.
        cts_ms: i32,
        /// To be added to the tag's timestamp: nanoseconds.
        nanos: u32,
        /// Access unit as the codec's container mapping has it; never empty.
        payload: Bytes,
    },
    /// No more frames of this track's current configuration.
    EndOfSequence {
        /// E-RTMP track id.
        track: u8,
    },
    /// HDR and colour metadata (E-RTMP `colorInfo`).
    ColourInfo(ColourInfo),
    /// Legal, but nothing that Tayang carries; the text names it.
    Ignored(&'static str),
}

/// E-RTMP `colorInfo`. An empty one takes back what was said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColourInfo {
    /// E-RTMP track id.
    pub track: u8,
    /// Code points, if all three are given. Full range is not in `colorInfo`, so it is false.
    pub colour: Option<Colour>,
    /// Light levels and mastering display.
    pub hdr: Hdr,
}

/// The events of a video tag's or message's body. Payloads share its memory.
///
/// # Errors
/// [`FlvError`] if the header is cut off or breaks a rule of multitrack; the body is then to be dropped.
pub fn parse_video(body: &Bytes) -> Result<SmallVec<[VideoEvent; 2]>, FlvError> {
    let mut cursor = Cursor::new(body);
    if cursor.is_empty() {
        return Ok(smallvec![VideoEvent::Ignored("empty video message")]);
    }
    let first = cursor.u8("video header")?;
    if first & 0x80 != 0 {
        return parse_enhanced(&mut cursor, first >> 4 & 0x07, first & 0x0F);
    }
    let frame_type = first >> 4;
    if frame_type == FRAME_COMMAND {
        return Ok(smallvec![VideoEvent::Ignored("video command")]);
    }
    let codec = match first & 0x0F {
        LEGACY_AVC => Codec::H264,
        LEGACY_HEVC => Codec::H265,
        _ => return Ok(smallvec![VideoEvent::Ignored("legacy video codec")]),
    };
    let packet_type = cursor.u8("AVCPacketType")?;
    let cts_ms = cursor.i24("composition time")?;
    let payload = cursor.rest();
    Ok(smallvec![match packet_type {
        0 => config(0, codec, payload),
        1 => frame(Packet { track: 0, four_cc: [0; 4], body: payload }, codec, frame_type, cts_ms, 0),
        2 => VideoEvent::EndOfSequence { track: 0 },
        _ => VideoEvent::Ignored("unknown AVCPacketType"),
    }])
}

fn parse_enhanced(
    cursor: &mut Cursor<'_>,
    frame_type: u8,
    packet_type: u8,
) -> Result<SmallVec<[VideoEvent; 2]>, FlvError> {
    let (packet_type, nanos) = enhanced::extensions(cursor, packet_type)?;
    if frame_type == FRAME_COMMAND && packet_type != METADATA {
        return Ok(smallvec![VideoEvent::Ignored("video command")]);
    }
    match enhanced::tracks(cursor, packet_type, MULTITRACK)? {
        Tracks::UnknownType => Ok(smallvec![VideoEvent::Ignored("unknown multitrack type")]),
        Tracks::Known(packet_type, packets) => {
            packets.into_iter().map(|packet| event(packet, frame_type, packet_type, nanos)).collect()
        }
    }
}

fn event(packet: Packet, frame_type: u8, packet_type: u8, nanos: u32) -> Result<VideoEvent, FlvError> {
    if packet_type == METADATA {
        return Ok(colour_info(packet.track, &packet.body));
    }
    let codec = match &packet.four_cc {
        b"avc1" => Codec::H264,
        b"hvc1" => Codec::H265,
        b"av01" => Codec::Av1,
        b"vp09" => Codec::Vp9,
        _ => return Ok(VideoEvent::Ignored("video FourCC that is not carried")),
    };
    Ok(match packet_type {
        SEQUENCE_START => config(packet.track, codec, packet.body),
        CODED_FRAMES => {
            let mut cursor = Cursor::new(&packet.body);
            let cts_ms = match codec {
                Codec::H264 | Codec::H265 => cursor.i24("composition time")?,
                _ => 0,
            };
            let body = cursor.rest();
            frame(Packet { body, ..packet }, codec, frame_type, cts_ms, nanos)
        }
        SEQUENCE_END => VideoEvent::EndOfSequence { track: packet.track },
        CODED_FRAMES_X => frame(packet, codec, frame_type, 0, nanos),
        MPEG2TS_SEQUENCE_START => VideoEvent::Ignored("MPEG-2 TS descriptor of a video sequence"),
        _ => VideoEvent::Ignored("unknown video packet type"),
    })
}

fn config(track: u8, codec: Codec, config: Bytes) -> VideoEvent {
    if config.is_empty() {
        return VideoEvent::Ignored("empty video configuration");
    }
    VideoEvent::Config { track, codec, config }
}

fn frame(packet: Packet, codec: Codec, frame_type: u8, cts_ms: i32, nanos: u32) -> VideoEvent {
    if packet.body.is_empty() {
        return VideoEvent::Ignored("empty video frame");
    }
    let key = frame_type == FRAME_KEY;
    VideoEvent::Frame { track: packet.track, codec, key, cts_ms, nanos, payload: packet.body }
}

/// E-RTMP "Metadata Frame": AMF0 pairs of a name and an object. Bad AMF costs the metadata only.
fn colour_info(track: u8, body: &[u8]) -> VideoEvent {
    let Ok(values) = amf0::decode_all(body, &Limits::DEFAULT) else {
        return VideoEvent::Ignored("video metadata that is not AMF");
    };
    let mut values = values.into_iter();
    while let Some(name) = values.next() {
        let Some(value) = values.next() else { break };
        if name.as_str() == Some("colorInfo") {
            return VideoEvent::ColourInfo(colour_info_of(track, &value));
        }
    }
    VideoEvent::Ignored("video metadata without colorInfo")
}

fn colour_info_of(track: u8, value: &Value) -> ColourInfo {
    let number = |group: &str, key: &str| value.get(group)?.get(key)?.as_f64();
    let code = |key: &str| number("colorConfig", key).filter(|n| (0.0..=255.0).contains(n)).map(|n| n as u8);
    let colour = || {
        Some(Colour {
            primaries: code("colorPrimaries")?,
            transfer: code("transferCharacteristics")?,
            matrix: code("matrixCoefficients")?,
            full_range: false,
        })
    };
    let light = |key: &str| number("hdrCll", key).map(|nits| steps(nits, 1.0) as u16);
    let content_light = || {
        let max_fall = light("maxFall").or_else(|| light("maxFALL"))?;
        Some(ContentLight { max_cll: light("maxCLL")?, max_fall })
    };
    let coordinate = |key: &str| number("hdrMdcv", key).map(|share| steps(share, 50_000.0) as u16);
    let point = |x: &str, y: &str| Some((coordinate(x)?, coordinate(y)?));
    let luminance = |key: &str| number("hdrMdcv", key).map(|nits| steps(nits, 10_000.0) as u32);
    let mastering = || {
        Some(MasteringDisplay {
            red: point("redX", "redY")?,
            green: point("greenX", "greenY")?,
            blue: point("blueX", "blueY")?,
            white: point("whitePointX", "whitePointY")?,
            luminance_max: luminance("maxLuminance")?,
            luminance_min: luminance("minLuminance")?,
        })
    };
    ColourInfo { track, colour: colour(), hdr: Hdr { content_light: content_light(), mastering: mastering() } }
}

/// Whole steps, of which there are so many in one. A cast to an integer then keeps within its range.
fn steps(value: f64, in_one: f64) -> f64 {
    (value * in_one).round()
}
