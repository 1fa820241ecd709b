//! The wire formats of the fan-out engine: FLV, FLV in WebSocket messages, RTMP. Each renders a stream's entries once for
//! all viewers: the payload stays where it is, for all formats, and only what goes around it is made.
//!
//! Times on the wire are the stream's own, in milliseconds, modulo 2^32 as both formats have it (FLV v10.1 annex E.4.1,
//! RTMP 1.0 §5.3.1.2). A viewer that joins late therefore starts at a large time, as it would on any shared stream.

use bytes::{Bytes, BytesMut};
use formats::container::flv::{self, TagKind};
use hub::{Item, Rendering, WireSlot};
use media::{Frame, MediaKind, Ticks, Timescale, Track, TrackId, TrackSet};

/// A payload up to this long is copied into its rendering: a slice and its place in a write call cost as much.
const COPIED_BYTES_MAX: usize = 512;

/// Audio tracks are numbered from here, so that video leads and an id says its kind and ordinal.
pub const FIRST_AUDIO_TRACK: u8 = 64;

/// The E-RTMP track id of a track: its ordinal among those of its kind.
#[must_use]
pub fn ordinal(id: TrackId) -> u8 {
    id.0 % FIRST_AUDIO_TRACK
}

/// The id of the `ordinal`-th track of a kind, ordinals above 63 folded onto 63.
#[must_use]
pub fn track_id(kind: MediaKind, ordinal: u8) -> TrackId {
    let ordinal = ordinal.min(FIRST_AUDIO_TRACK - 1);
    match kind {
        MediaKind::Video => TrackId(ordinal),
        MediaKind::Audio => TrackId(FIRST_AUDIO_TRACK + ordinal),
    }
}

/// How a viewer's bytes look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// FLV tags after an FLV header: HTTP-FLV.
    Flv,
    /// The same, each tag in a binary WebSocket message (RFC 6455 §5.2), unmasked as a server sends.
    WebSocketFlv,
    /// RTMP messages in chunks of [`rtmp::wire::CHUNK_SIZE`].
    Rtmp,
}

impl WireFormat {
    /// The protocol, as counters and the attendance record call it.
    #[must_use]
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Flv => "flv",
            Self::WebSocketFlv => "ws_flv",
            Self::Rtmp => "rtmp",
        }
    }

    /// The hub's slot for this format's renderings.
    #[must_use]
    pub fn slot(self) -> WireSlot {
        WireSlot(match self {
            Self::Flv => 0,
            Self::WebSocketFlv => 1,
            Self::Rtmp => 2,
        })
    }

    /// What comes first for a viewer that joins: the FLV header, which says truly what follows.
    #[must_use]
    pub fn stream_head(self, tracks: &TrackSet) -> Bytes {
        let header =
            flv::file_header(tracks.first(MediaKind::Video).is_some(), tracks.first(MediaKind::Audio).is_some());
        match self {
            Self::Flv => Bytes::copy_from_slice(&header),
            Self::WebSocketFlv => web_socket_message(&[&header]),
            Self::Rtmp => Bytes::new(),
        }
    }

    /// Metadata and decoder configurations of `tracks`, stamped `time_ms`.
    #[must_use]
    pub fn configuration(self, tracks: &TrackSet, time_ms: i64) -> Bytes {
        let mut out = BytesMut::new();
        self.put(&mut out, TagKind::Script, time_ms, &[&flv::on_metadata(tracks)]);
        for track in tracks.iter() {
            let ordinal = ordinal(track.id);
            for body in [flv::write_config(track, ordinal), flv::write_colour_info(track, ordinal)] {
                if !body.is_empty() {
                    self.put(&mut out, tag_kind(track), time_ms, &[&body]);
                }
            }
        }
        out.freeze()
    }

    /// The bytes of one entry; empty if the format has nothing to say about it.
    #[must_use]
    pub fn render(self, item: &Item, time_ms: i64) -> Rendering {
        match item {
            Item::Frame { frame, track } => self.frame(frame, track),
            Item::Tracks { tracks, .. } => self.configuration(tracks, time_ms).into(),
            Item::Stalled | Item::Resumed => Bytes::new().into(),
        }
    }

    /// What a viewer is told last when the stream is over.
    #[must_use]
    pub fn farewell(self) -> Bytes {
        match self {
            Self::Flv => Bytes::new(),
            Self::WebSocketFlv => Bytes::from_static(&[0x88, 2, 0x03, 0xE8]),
            Self::Rtmp => rtmp::wire::play_end(),
        }
    }

    /// True if these bytes from a playing viewer announce that it leaves: a WebSocket close frame.
    #[must_use]
    pub fn is_farewell(self, bytes: &[u8]) -> bool {
        match self {
            Self::WebSocketFlv => bytes.first() == Some(&0x88),
            Self::Flv | Self::Rtmp => false,
        }
    }

    fn frame(self, frame: &Frame, track: &Track) -> Rendering {
        let time_ms = frame.dts.millis(track.timescale);
        // Through presentation time, so that rounding does not move pictures against each other.
        let cts_ms = frame.pts().millis(track.timescale) - time_ms;
        let cts_ms = i32::try_from(cts_ms).unwrap_or(0);
        let mut header = Vec::with_capacity(16);
        flv::write_frame_header(track, ordinal(track.id), cts_ms, frame.key, &mut header);
        let kind = tag_kind(track);
        if frame.payload.len() <= COPIED_BYTES_MAX {
            let mut out = BytesMut::with_capacity(frame.payload.len() + header.len() + 64);
            self.put(&mut out, kind, time_ms, &[&header, &frame.payload]);
            return out.freeze().into();
        }
        if self == Self::Rtmp {
            let (kind, timestamp) = (message_kind(kind), wire_time(time_ms));
            return Rendering::new(rtmp::wire::media_pieces(kind, timestamp, &header, &frame.payload));
        }
        let body_len = header.len() + frame.payload.len();
        let mut around = BytesMut::with_capacity(header.len() + 32);
        if self == Self::WebSocketFlv {
            put_web_socket_header(&mut around, body_len + 15);
        }
        around.extend_from_slice(&flv::tag_header(kind, body_len as u32, wire_time(time_ms)));
        around.extend_from_slice(&header);
        let tail = around.len();
        around.extend_from_slice(&(body_len as u32 + 11).to_be_bytes());
        let around = around.freeze();
        Rendering::new(vec![around.slice(..tail), frame.payload.clone(), around.slice(tail..)])
    }

    fn put(self, out: &mut BytesMut, kind: TagKind, time_ms: i64, body: &[&[u8]]) {
        let timestamp = wire_time(time_ms);
        let body_len: usize = body.iter().map(|part| part.len()).sum();
        match self {
            Self::Rtmp => out.extend_from_slice(&rtmp::wire::media_message(message_kind(kind), timestamp, body)),
            Self::Flv => put_tag(out, kind, timestamp, body, body_len),
            Self::WebSocketFlv => {
                put_web_socket_header(out, body_len + 15);
                put_tag(out, kind, timestamp, body, body_len);
            }
        }
    }
}

/// Milliseconds of stream time as 32 bits that wrap.
#[must_use]
pub fn wire_time(time_ms: i64) -> u32 {
    (time_ms & 0xFFFF_FFFF) as u32
}

/// Milliseconds that a sender wrote, with its nanosecond offset (E-RTMP ModEx), in a track's timescale.
#[must_use]
pub fn track_time(ms: i64, nanos: u32, track: &Track) -> Ticks {
    let whole = Ticks(ms).rescale(Timescale::MILLIS, track.timescale);
    let rest = u64::from(nanos) * u64::from(track.timescale.hz()) / 1_000_000_000;
    whole.plus(Ticks(rest as i64))
}

fn tag_kind(track: &Track) -> TagKind {
    match track.kind() {
        MediaKind::Video => TagKind::Video,
        MediaKind::Audio => TagKind::Audio,
    }
}

fn message_kind(kind: TagKind) -> rtmp::MediaKind {
    match kind {
        TagKind::Audio => rtmp::MediaKind::Audio,
        TagKind::Video => rtmp::MediaKind::Video,
        TagKind::Script => rtmp::MediaKind::Script,
    }
}

fn put_tag(out: &mut BytesMut, kind: TagKind, timestamp: u32, body: &[&[u8]], body_len: usize) {
    out.extend_from_slice(&flv::tag_header(kind, body_len as u32, timestamp));
    for part in body {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&(body_len as u32 + 11).to_be_bytes());
}

fn put_web_socket_header(out: &mut BytesMut, len: usize) {
    out.extend_from_slice(&[0x82]);
    if len < 126 {
        out.extend_from_slice(&[len as u8]);
    } else if let Ok(short) = u16::try_from(len) {
        out.extend_from_slice(&[126]);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.extend_from_slice(&[127]);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
}

fn web_socket_message(parts: &[&[u8]]) -> Bytes {
    let len = parts.iter().map(|part| part.len()).sum();
    let mut out = BytesMut::with_capacity(len + 10);
    put_web_socket_header(&mut out, len);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.freeze()
}

#[cfg(test)]
mod tests;
