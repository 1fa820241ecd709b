//! Wire bytes that all players of a stream share, made once: media messages and the notices around them.
//!
//! | what | chunk stream id |
//! |---|---|
//! | protocol control, user control | 2 |
//! | commands | 3 |
//! | audio | 4 |
//! | script data | 5 |
//! | video | 6 |
//!
//! All media goes out on message stream [`MEDIA_STREAM_ID`] in chunks of [`CHUNK_SIZE`] bytes, which each session
//! announces right after `connect`. Every message opens with a type 0 header, so the bytes depend on nothing that a
//! connection sent before.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use formats::amf::Value;

use crate::chunk::{CHUNK_SIZE_MAX, write_first, write_message, write_next, write_parts};
use crate::command::{self, Level};
use crate::message::{Control, UserControl, kind};

/// Chunk stream of protocol control messages (§5.4).
pub const CSID_CONTROL: u32 = 2;
/// Chunk stream of commands.
pub const CSID_COMMAND: u32 = 3;
/// Chunk stream of audio.
pub const CSID_AUDIO: u32 = 4;
/// Chunk stream of script data.
pub const CSID_DATA: u32 = 5;
/// Chunk stream of video.
pub const CSID_VIDEO: u32 = 6;
/// Outgoing chunk size in bytes: nearly every frame fits, so one header each.
pub const CHUNK_SIZE: u32 = 65_536;
/// Message stream of all media to players; the first `createStream` on a connection answers this.
pub const MEDIA_STREAM_ID: u32 = 1;

/// What a media message carries. Bodies are those of FLV tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Message type 8.
    Audio,
    /// Message type 9.
    Video,
    /// Message type 18: AMF0, handler name first.
    Script,
}

impl MediaKind {
    /// Message type id.
    #[must_use]
    pub const fn type_id(self) -> u8 {
        match self {
            Self::Audio => kind::AUDIO,
            Self::Video => kind::VIDEO,
            Self::Script => kind::DATA_AMF0,
        }
    }

    /// Chunk stream id.
    #[must_use]
    pub const fn csid(self) -> u32 {
        match self {
            Self::Audio => CSID_AUDIO,
            Self::Video => CSID_VIDEO,
            Self::Script => CSID_DATA,
        }
    }
}

/// One media message as the fixed wire bytes that all players share. `parts` are joined to the body. A body longer than
/// 16,777,215 bytes cannot be said in RTMP and gives no bytes.
#[must_use]
pub fn media_message(kind: MediaKind, timestamp_ms: u32, parts: &[&[u8]]) -> Bytes {
    let mut out = Vec::new();
    write_parts(kind.csid(), timestamp_ms, kind.type_id(), MEDIA_STREAM_ID, parts, CHUNK_SIZE, &mut out);
    out.into()
}

/// The bytes of [`media_message`] of `head` and `payload`, in the pieces in which they lie: those of the payload are slices
/// of it, and only what stands between them is made. None if there are no bytes.
#[must_use]
pub fn media_pieces(kind: MediaKind, timestamp_ms: u32, head: &[u8], payload: &Bytes) -> Vec<Bytes> {
    let length = head.len() + payload.len();
    let Some(wire_length) = u32::try_from(length).ok().filter(|length| *length <= CHUNK_SIZE_MAX) else {
        return Vec::new();
    };
    let chunk_size = CHUNK_SIZE as usize;
    let Some(mut room) = chunk_size.checked_sub(head.len()) else {
        return vec![media_message(kind, timestamp_ms, &[head, payload])];
    };
    let mut own = Vec::with_capacity(head.len() + 24);
    write_first(kind.csid(), timestamp_ms, wire_length, kind.type_id(), MEDIA_STREAM_ID, &mut own);
    own.extend_from_slice(head);
    let begins = own.len();
    write_next(kind.csid(), timestamp_ms, &mut own);
    let own = Bytes::from(own);
    let mut pieces = Vec::with_capacity(2 * (length / chunk_size + 1));
    pieces.push(own.slice(..begins));
    let mut rest = payload.clone();
    while !rest.is_empty() {
        if room == 0 {
            pieces.push(own.slice(begins..));
            room = chunk_size;
        }
        let now = rest.split_to(room.min(rest.len()));
        room -= now.len();
        if !now.is_empty() {
            pieces.push(now);
        }
    }
    pieces
}

/// The first piece of a media message as it is on another message stream than [`MEDIA_STREAM_ID`], which only the first chunk
/// of a message names (§5.3.1.2.1). For who publishes what players get.
#[must_use]
pub fn readdressed(first_piece: &Bytes, stream_id: u32) -> Bytes {
    if stream_id == MEDIA_STREAM_ID {
        return first_piece.clone();
    }
    let mut bytes = first_piece.to_vec();
    // One byte of basic header, as the chunk streams of media are below 64, and seven of time, length and type.
    if let Some(place) = bytes.get_mut(8..12) {
        place.copy_from_slice(&stream_id.to_le_bytes());
    }
    bytes.into()
}

/// What a player gets when its stream ends: `NetStream.Play.UnpublishNotify` and StreamEOF.
#[must_use]
pub fn play_end() -> Bytes {
    let mut out = Vec::new();
    let info = command::status(Level::Status, "NetStream.Play.UnpublishNotify", "the stream has ended");
    put(CSID_COMMAND, kind::COMMAND_AMF0, MEDIA_STREAM_ID, &command::on_status(info), &mut out);
    put_control(Control::User(UserControl::StreamEof(MEDIA_STREAM_ID)), CHUNK_SIZE, &mut out);
    out.into()
}

/// What comes before the first media message of a player: StreamBegin, `NetStream.Play.Reset` if asked for,
/// `NetStream.Play.Start` and `|RtmpSampleAccess`.
#[must_use]
pub fn play_preamble(stream_id: u32, reset: bool) -> Bytes {
    let mut out = Vec::new();
    put_control(Control::User(UserControl::StreamBegin(stream_id)), CHUNK_SIZE, &mut out);
    let mut tell = |code: &str, text: &str| {
        let body = command::on_status(command::status(Level::Status, code, text));
        put(CSID_COMMAND, kind::COMMAND_AMF0, stream_id, &body, &mut out);
    };
    if reset {
        tell("NetStream.Play.Reset", "playing and resetting");
    }
    tell("NetStream.Play.Start", "started playing");
    let mut body = Vec::new();
    for value in [Value::from("|RtmpSampleAccess"), true.into(), true.into()] {
        value.encode(&mut body);
    }
    put(CSID_DATA, kind::DATA_AMF0, stream_id, &body, &mut out);
    out.into()
}

fn put(csid: u32, type_id: u8, stream_id: u32, body: &[u8], out: &mut Vec<u8>) {
    write_message(csid, 0, type_id, stream_id, body, CHUNK_SIZE, out);
}

/// Appends a control message: chunk stream 2, message stream 0, time 0.
pub(crate) fn put_control(control: Control, chunk_size: u32, out: &mut Vec<u8>) {
    let (type_id, body) = control.encode();
    write_message(CSID_CONTROL, 0, type_id, 0, &body, chunk_size, out);
}
