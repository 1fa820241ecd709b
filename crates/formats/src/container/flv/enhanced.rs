//! The head that E-RTMP video and audio messages share: ModEx extensions, then one or many tracks.
//!
//! ```text
//! ModEx:      size-1 u8 (255: then size-1 u16) | payload | type u4, next packet type u4
//! one track:  FourCC | body
//! multitrack: type u4, packet type u4 | FourCC unless many codecs | per track: [FourCC] track u8 [size u24] body
//! ```

use bytes::Bytes;
use smallvec::SmallVec;

use super::cursor::Cursor;
use super::{FlvError, TRACKS_PER_MESSAGE_MAX};

const MOD_EX: u8 = 7;
const TIMESTAMP_OFFSET_NANO: u8 = 0;
const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// One track's share of a message.
pub(super) struct Packet {
    pub(super) track: u8,
    pub(super) four_cc: [u8; 4],
    pub(super) body: Bytes,
}

/// All of a message behind its extensions.
pub(super) enum Tracks {
    /// The packet type of all, and the tracks.
    Known(u8, SmallVec<[Packet; 1]>),
    /// A multitrack type that E-RTMP v2 reserves.
    UnknownType,
}

/// Reads over ModEx extensions; gives the packet type behind them and the sum of their nanosecond offsets.
pub(super) fn extensions(cursor: &mut Cursor<'_>, mut packet_type: u8) -> Result<(u8, u32), FlvError> {
    let mut nanos = 0u32;
    for _ in 0..TRACKS_PER_MESSAGE_MAX {
        if packet_type != MOD_EX {
            return Ok((packet_type, nanos));
        }
        let mut size = usize::from(cursor.u8("ModEx size")?) + 1;
        if size == 256 {
            size = usize::from(cursor.u16("ModEx size")?) + 1;
        }
        let payload = cursor.take(size, "ModEx payload")?;
        let next = cursor.u8("ModEx type")?;
        packet_type = next & 0x0F;
        if next >> 4 == TIMESTAMP_OFFSET_NANO
            && let Some([a, b, c]) = payload.first_chunk()
        {
            nanos = nanos.saturating_add(u32::from_be_bytes([0, *a, *b, *c]));
        }
    }
    Err(FlvError::TooManyTracks)
}

/// Splits a message into tracks. `multitrack` is the packet type that means so: 6 for video, 5 for audio.
pub(super) fn tracks(cursor: &mut Cursor<'_>, packet_type: u8, multitrack: u8) -> Result<Tracks, FlvError> {
    let mut packets = SmallVec::new();
    if packet_type != multitrack {
        let four_cc = cursor.array("FourCC")?;
        packets.push(Packet { track: 0, four_cc, body: cursor.rest() });
        return Ok(Tracks::Known(packet_type, packets));
    }
    let at = cursor.at();
    let types = cursor.u8("multitrack type")?;
    let (kind, packet_type) = (types >> 4, types & 0x0F);
    if packet_type == multitrack {
        return Err(FlvError::NestedMultitrack { at });
    }
    let shared = match kind {
        ONE_TRACK | MANY_TRACKS => Some(cursor.array("FourCC")?),
        MANY_TRACKS_MANY_CODECS => None,
        _ => return Ok(Tracks::UnknownType),
    };
    if kind == ONE_TRACK {
        let four_cc = shared.unwrap_or_default();
        packets.push(Packet { track: cursor.u8("track id")?, four_cc, body: cursor.rest() });
        return Ok(Tracks::Known(packet_type, packets));
    }
    while !cursor.is_empty() {
        if packets.len() == TRACKS_PER_MESSAGE_MAX {
            return Err(FlvError::TooManyTracks);
        }
        let four_cc = match shared {
            Some(four_cc) => four_cc,
            None => cursor.array("FourCC")?,
        };
        let track = cursor.u8("track id")?;
        let size = cursor.u24("track size")? as usize;
        packets.push(Packet { track, four_cc, body: cursor.take(size, "track body")? });
    }
    Ok(Tracks::Known(packet_type, packets))
}
