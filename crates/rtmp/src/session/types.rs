//! What a server session tells and is told: configuration, events, outputs, reasons.

use std::time::Instant;

use bytes::Bytes;
use media::Redacted;

use crate::error::SessionError;
use crate::limits::{Limits, Timeouts};

/// How a server session behaves.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Bounds of memory.
    pub limits: Limits,
    /// Bounds of time.
    pub timeouts: Timeouts,
    /// Outgoing chunk size in bytes, announced after `connect`. Players need [`crate::wire::CHUNK_SIZE`].
    pub chunk_size_out: u32,
    /// Window after which the peer shall acknowledge, and bandwidth it is told, in bytes.
    pub window_ack: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            limits: Limits::DEFAULT,
            timeouts: Timeouts::DEFAULT,
            chunk_size_out: crate::wire::CHUNK_SIZE,
            window_ack: 2_500_000,
        }
    }
}

/// What a client said in `connect`.
#[derive(Clone, Debug, PartialEq)]
pub struct Connect {
    /// Application: the first path component, without slashes and query.
    pub app: String,
    /// What follows the application in the path (`app/instance`). Redacted: people put keys there. When `publish` or
    /// `play` names nothing, this is the name.
    pub instance: Option<Redacted<String>>,
    /// Query of the application or of `tcUrl`. Appended to stream names that have none of their own.
    pub query: Option<Redacted<String>>,
    /// As sent; may hold a key or signature.
    pub tc_url: Redacted<String>,
    /// Client's own name, at most 64 characters.
    pub flash_ver: String,
    /// 0 or 3.
    pub object_encoding: u8,
    /// FourCCs the client said it can handle (`fourCcList` and both `FourCcInfoMap`s), at most 32; `*` for all.
    pub fourccs: Vec<String>,
    /// `capsEx` bits; see [`crate::session::caps`].
    pub caps_ex: u32,
    /// What a relay called itself: a number that only who made the relay knows to be its own.
    pub relay: Option<u128>,
    /// The client acts on [`super::ServerSession::request_reconnect`].
    pub reconnect_supported: bool,
}

/// Second argument of `publish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishKind {
    /// `live`, or nothing said.
    Live,
    /// `record`.
    Record,
    /// `append`.
    Append,
    /// Something else.
    Other,
}

/// Second argument of `play`. The specification counts seconds, every client in use milliseconds; read as the latter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayStart {
    /// -2 or -2000, and what is not said: the live stream, or the recording of that name.
    LiveOrRecorded,
    /// -1 or -1000: the live stream only.
    LiveOnly,
    /// A recording from this time on, in milliseconds.
    At(u32),
}

impl PlayStart {
    pub(super) fn from_argument(start: Option<f64>) -> Self {
        match start {
            Some(-1.0 | -1000.0) => Self::LiveOnly,
            // Saturates at the end of the type.
            Some(start) if start >= 0.0 => Self::At(start as u32),
            Some(_) | None => Self::LiveOrRecorded,
        }
    }
}

/// What happened. `Publish` and `Play` wait for an answer; no input is looked at until it is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The client connected to an application. Already answered.
    Connect(Box<Connect>),
    /// Answer with `accept_publish` or `reject_publish`.
    Publish {
        /// Message stream id.
        stream_id: u32,
        /// Stream name with its query: may be, or hold, the key.
        name: Redacted<String>,
        /// Live in practice.
        kind: PublishKind,
    },
    /// Answer with `accept_play` or `reject_play`.
    Play {
        /// Message stream id.
        stream_id: u32,
        /// Stream name with its query: may hold a signature.
        name: Redacted<String>,
        /// Where to start.
        start: PlayStart,
        /// Earlier playlist entries are to be dropped.
        reset: bool,
    },
    /// An FLV video tag body.
    Video {
        /// Milliseconds, wrapping at 32 bits.
        timestamp: u32,
        /// Never empty.
        body: Bytes,
    },
    /// An FLV audio tag body.
    Audio {
        /// Milliseconds, wrapping at 32 bits.
        timestamp: u32,
        /// Never empty.
        body: Bytes,
    },
    /// An FLV script tag body: AMF0, handler name first, `@setDataFrame` taken off.
    ScriptData {
        /// Milliseconds, wrapping at 32 bits.
        timestamp: u32,
        /// AMF0.
        body: Bytes,
        /// `onMetaData`, `onTextData`, ...
        name: String,
    },
    /// `@clearDataFrame`: what was said under this name no longer holds.
    ScriptCleared {
        /// `onMetaData`.
        name: String,
    },
    /// The publisher stopped by itself. The connection stays usable for ten seconds.
    Unpublish {
        /// Message stream id.
        stream_id: u32,
    },
    /// The player stopped by itself, or asked for another stream.
    StopPlay,
    /// The player paused or went on.
    Pause {
        /// True: paused.
        paused: bool,
        /// Where it paused, in milliseconds.
        position_ms: u32,
    },
    /// The player wants no more audio or video, or wants it again.
    Receive {
        /// Which.
        kind: media::MediaKind,
        /// Wants it.
        wanted: bool,
    },
    /// The peer received so many bytes, wrapping at 32 bits.
    Ack {
        /// Bytes.
        sequence: u32,
    },
    /// Something that could not be read was skipped. Also in [`Counters::malformed`].
    Malformed {
        /// What, without its content.
        what: &'static str,
    },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these bytes, in order.
    Transmit(Bytes),
    /// Something happened.
    Event(Event),
    /// Nothing more until input comes or this time passes.
    WaitUntil(Instant),
    /// All was sent; close the socket. [`super::ServerSession::ended`] says why.
    Closed,
}

/// Why a publish or play request is refused. All are told in RTMP's own words, none says which secret was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Unknown, revoked, expired or forged: one outward text for all.
    Denied,
    /// No such stream to play.
    NotFound,
    /// Somebody else publishes under this name and may not be taken over.
    InUse,
    /// The server has no room now.
    Overloaded,
    /// The server failed.
    Failed,
}

impl Reject {
    pub(super) const fn publish_status(self) -> (&'static str, &'static str) {
        match self {
            Self::Denied | Self::NotFound => {
                ("NetStream.Publish.BadName", "publishing is not permitted with this name")
            }
            Self::InUse => ("NetStream.Publish.BadName", "the stream is being published already"),
            Self::Overloaded => ("NetStream.Publish.Failed", "the server takes no more streams now"),
            Self::Failed => ("NetStream.Publish.Failed", "the server could not take the stream"),
        }
    }

    pub(super) const fn play_status(self) -> (&'static str, &'static str) {
        match self {
            Self::Denied | Self::NotFound | Self::InUse => {
                ("NetStream.Play.StreamNotFound", "there is no such stream to play")
            }
            Self::Overloaded => ("NetStream.Play.Failed", "the server takes no more players now"),
            Self::Failed => ("NetStream.Play.Failed", "the server could not play the stream"),
        }
    }
}

/// In which words a session is closed from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// `NetConnection.Connect.Closed`, after `NetStream.Unpublish.Success` or the end of playback.
    Closed,
    /// `NetConnection.Connect.AppShutdown`, after the same.
    Shutdown,
    /// `NetStream.Publish.BadName`: another publisher took over, or the key was revoked or ran out.
    BadName,
    /// `NetStream.Play.UnpublishNotify` and StreamEOF: what was played is over.
    StreamEnded,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No publish or play within [`Timeouts::setup`].
    SetupTimeout,
    /// No byte within [`Timeouts::publisher_silence`] or [`Timeouts::player_silence`].
    Silent,
    /// No media within [`Timeouts::publisher_idle`].
    Idle,
    /// `connect` was refused by the session: no usable application name.
    ConnectRejected,
    /// The caller refused the request.
    Rejected,
    /// The caller closed.
    Closed(CloseCode),
    /// The peer's bytes cannot be read on.
    Fault(SessionError),
}

/// What was skipped so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages of unknown or unused type.
    pub messages_ignored: u64,
    /// Commands of unknown name, or out of place.
    pub commands_ignored: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Media that came while nothing was accepted for publishing.
    pub media_refused: u64,
    /// Audio and video messages without a body: some senders use them to keep the line busy.
    pub media_empty: u64,
}
