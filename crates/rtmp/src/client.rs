//! Client side of one RTMP connection: publishes or plays one stream. For tests, relays and pulls.
//!
//! Owns the order of commands up to the first media message. Does not reconnect, does not resolve names, and leaves
//! deadlines to its caller except for answering pings.
//!
//! Sequence: handshake, `connect`, then `releaseStream`, `FCPublish`, `createStream`, `publish` as encoders do, or
//! `createStream`, `play`.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use formats::amf::Value;
use media::Redacted;

use crate::chunk::{Input, Message};
use crate::command::{self, Command};
use crate::error::SessionError;
use crate::handshake::{self, Form, Progress};
use crate::limits::Limits;
use crate::link::Link;
use crate::message::aggregate::Tags;
use crate::message::{Control, Script, UserControl, kind, parse_script};
use crate::session::{RELAY_PROPERTY, caps};
use crate::wire::MediaKind;

/// A quiet server is pinged this long after its last byte.
const PING_AFTER: Duration = Duration::from_secs(20);
const TRANSACTION_CONNECT: f64 = 1.0;
const TRANSACTION_RELEASE: f64 = 2.0;
const TRANSACTION_FC_PUBLISH: f64 = 3.0;
const TRANSACTION_CREATE: f64 = 4.0;

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Send media.
    Publish,
    /// Receive media.
    Play,
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Application, without slashes.
    pub app: String,
    /// `rtmp://host/app`.
    pub tc_url: String,
    /// Stream name with its query, if any.
    pub name: Redacted<String>,
    /// Publish or play.
    pub purpose: Purpose,
    /// Handshake to try; simple unless the server insists.
    pub handshake: Form,
    /// Outgoing chunk size in bytes, announced before `connect`.
    pub chunk_size_out: u32,
    /// Announce E-RTMP abilities.
    pub enhanced: bool,
    /// By what a server knows this connection again if it is its own: see [`crate::Connect::relay`].
    pub relay: Option<u128>,
    /// 0, or 3 to send commands as message type 17.
    pub object_encoding: u8,
    /// Bounds of what the server may make this side hold.
    pub limits: Limits,
}

impl ClientConfig {
    /// Ordinary settings: simple handshake, chunks of 4096 bytes, E-RTMP announced, AMF0.
    #[must_use]
    pub fn new(purpose: Purpose, app: &str, name: &str) -> Self {
        Self {
            app: app.to_owned(),
            tc_url: format!("rtmp://localhost/{app}"),
            name: Redacted(name.to_owned()),
            purpose,
            handshake: Form::Simple,
            chunk_size_out: 4096,
            enhanced: true,
            relay: None,
            object_encoding: 0,
            limits: Limits::DEFAULT,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The server took the `connect`, and said these `capsEx` bits.
    Connected {
        /// See [`caps`].
        caps_ex: u32,
    },
    /// Media may be sent.
    Publishing,
    /// Media will come.
    Playing,
    /// Any other `onStatus`, or an `_error`.
    Status {
        /// `status` or `error`.
        is_error: bool,
        /// `NetStream.Publish.BadName`, ...
        code: String,
        /// The server's words.
        description: String,
    },
    /// The server asks to connect again.
    Reconnect {
        /// Elsewhere, if given.
        tc_url: Option<Redacted<String>>,
    },
    /// Media or script data.
    Media {
        /// Which.
        kind: MediaKind,
        /// Milliseconds, wrapping at 32 bits.
        timestamp: u32,
        /// FLV tag body.
        body: Bytes,
    },
    /// StreamEOF: playback is over.
    EndOfStream,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientOutput {
    /// Send these bytes, in order.
    Transmit(Bytes),
    /// Something happened.
    Event(ClientEvent),
    /// Nothing more until input comes or this time passes.
    WaitUntil(Instant),
    /// All was sent; close the socket.
    Closed,
}

/// Client side of one RTMP connection. Same contract as [`crate::ServerSession`].
pub struct ClientSession {
    config: ClientConfig,
    link: Link,
    handshake: Option<Box<handshake::Client>>,
    stream_id: Option<u32>,
    active: bool,
    finished: bool,
    error: Option<SessionError>,
    events: VecDeque<ClientEvent>,
}

impl ClientSession {
    /// A session that opens with the handshake. `random` is entropy for it.
    #[must_use]
    pub fn new(config: ClientConfig, random: [u8; handshake::PACKET], now: Instant) -> Self {
        let mut link = Link::new(&config.limits, now);
        let handshake = handshake::Client::new(random, config.handshake);
        handshake.hello(link.raw_buffer());
        Self {
            link,
            handshake: Some(Box::new(handshake)),
            stream_id: None,
            active: false,
            finished: false,
            error: None,
            events: VecDeque::new(),
            config,
        }
    }

    /// Takes bytes from the server.
    ///
    /// # Errors
    /// The server's bytes cannot be read on: close the socket.
    pub fn handle_input(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        self.on_input(now, bytes.len(), &mut Input::borrowed(bytes))
    }

    /// As [`Self::handle_input`], but a message that lies in one chunk becomes a slice of `bytes` unless it is so small
    /// that it would pin a much larger buffer.
    ///
    /// # Errors
    /// As [`Self::handle_input`].
    pub fn handle_input_shared(&mut self, now: Instant, bytes: &Bytes) -> Result<(), SessionError> {
        self.on_input(now, bytes.len(), &mut Input::shared(bytes))
    }

    fn on_input(&mut self, now: Instant, length: usize, input: &mut Input<'_>) -> Result<(), SessionError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.link.count_input(now, length);
        let result = self.read(input);
        if let Err(error) = result {
            self.error = Some(error);
        }
        result
    }

    /// Lets time pass: pings a quiet server.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.handshake.is_none() && now >= self.link.ping_at(PING_AFTER) {
            self.link.ping(now);
        }
    }

    /// What to do next. Bytes first, then events.
    pub fn poll_output(&mut self) -> ClientOutput {
        if let Some(bytes) = self.link.take_output() {
            return ClientOutput::Transmit(bytes);
        }
        if let Some(event) = self.events.pop_front() {
            return ClientOutput::Event(event);
        }
        if self.finished || self.error.is_some() {
            return ClientOutput::Closed;
        }
        ClientOutput::WaitUntil(self.link.ping_at(PING_AFTER))
    }

    /// Sends media: an FLV tag body. Nothing is sent before [`ClientEvent::Publishing`].
    pub fn send_media(&mut self, kind: MediaKind, timestamp_ms: u32, body: &[u8]) {
        if let Some(stream_id) = self.stream_id.filter(|_| self.active) {
            self.link.message(kind.csid(), timestamp_ms, kind.type_id(), stream_id, body);
        }
    }

    /// Sends metadata the way encoders do: `@setDataFrame`, then the script tag body (`onMetaData` and its values).
    pub fn send_metadata(&mut self, timestamp_ms: u32, body: &[u8]) {
        let mut framed = Vec::with_capacity(body.len() + 16);
        Value::from("@setDataFrame").encode(&mut framed);
        framed.extend_from_slice(body);
        self.send_media(MediaKind::Script, timestamp_ms, &framed);
    }

    /// Ends publishing or playing as encoders do, then closes.
    pub fn finish(&mut self) {
        if let Some(stream_id) = self.stream_id.take() {
            if self.config.purpose == Purpose::Publish {
                let name = self.config.name.0.as_str().into();
                self.command(0, "FCUnpublish", 6.0, &[Value::Null, name]);
            }
            self.command(0, "deleteStream", 7.0, &[Value::Null, f64::from(stream_id).into()]);
        }
        self.active = false;
        self.finished = true;
    }

    /// The message stream on which media may be sent now: what [`crate::wire::readdressed`] asks for.
    #[must_use]
    pub fn media_stream_id(&self) -> Option<u32> {
        self.stream_id.filter(|_| self.active)
    }

    /// Chunk size in force for the server's chunks, in bytes.
    #[must_use]
    pub fn chunk_size_in(&self) -> u32 {
        self.link.reader.chunk_size()
    }

    fn read(&mut self, input: &mut Input<'_>) -> Result<(), SessionError> {
        if let Some(handshake) = &mut self.handshake {
            match handshake.handle_input(input.rest(), self.link.raw_buffer())? {
                Progress::More => return Ok(()),
                Progress::Done(taken) => input.advance(taken),
            }
            self.handshake = None;
            self.link.reader.skip_offset(1 + 2 * handshake::PACKET);
            self.connect();
        }
        while let Some(message) = self.link.reader.read(input)? {
            self.on_message(&message);
            self.link.check_output()?;
        }
        self.link.acknowledge();
        Ok(())
    }

    fn connect(&mut self) {
        self.link.control(Control::SetChunkSize(self.config.chunk_size_out));
        let mut object = vec![
            ("app", Value::from(self.config.app.as_str())),
            ("type", "nonprivate".into()),
            ("flashVer", "FMLE/3.0 (compatible; Tayang)".into()),
            ("tcUrl", self.config.tc_url.as_str().into()),
            ("objectEncoding", f64::from(self.config.object_encoding).into()),
        ];
        if self.config.enhanced {
            object.push(("fourCcList", Value::StrictArray(vec!["*".into()])));
            object.push(("capsEx", f64::from(caps::ALL).into()));
        }
        if let Some(relay) = self.config.relay {
            object.push((RELAY_PROPERTY, format!("{relay:032x}").into()));
        }
        self.command(0, "connect", TRANSACTION_CONNECT, &[Value::object(object)]);
    }

    fn command(&mut self, stream_id: u32, name: &str, transaction: f64, values: &[Value]) {
        let body = command::encode(name, transaction, values);
        if self.config.object_encoding != 3 {
            return self.link.command(stream_id, &body);
        }
        let mut framed = Vec::with_capacity(body.len() + 1);
        framed.push(0);
        framed.extend_from_slice(&body);
        self.link.message(crate::wire::CSID_COMMAND, 0, kind::COMMAND_AMF3, stream_id, &framed);
    }

    fn on_message(&mut self, message: &Message) {
        match message.type_id {
            kind::SET_CHUNK_SIZE..=kind::SET_PEER_BANDWIDTH => {
                match Control::parse(message.type_id, &message.payload) {
                    Some(Control::User(UserControl::StreamEof(_))) => self.events.push_back(ClientEvent::EndOfStream),
                    Some(control) => {
                        self.link.on_control(control);
                    }
                    None => {}
                }
            }
            kind::AGGREGATE => {
                for tag in Tags::new(message.timestamp, &message.payload).take(self.config.limits.aggregate_tags_max) {
                    self.on_media(tag.type_id, tag.timestamp, &tag.body);
                }
            }
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => {
                let short = message.payload.len() <= self.config.limits.command_bytes_max;
                if let Some(command) = short.then(|| Command::parse(&message.payload)).flatten() {
                    self.on_command(&command);
                }
            }
            type_id => self.on_media(type_id, message.timestamp, &message.payload),
        }
    }

    fn on_media(&mut self, type_id: u8, timestamp: u32, body: &Bytes) {
        let media = match type_id {
            kind::AUDIO => Some((MediaKind::Audio, body.clone())),
            kind::VIDEO => Some((MediaKind::Video, body.clone())),
            kind::DATA_AMF0 | kind::DATA_AMF3 => match parse_script(body, self.config.limits.name_bytes_max) {
                Some(Script::Set { name, body }) if name != "|RtmpSampleAccess" && name != "onStatus" => {
                    Some((MediaKind::Script, body))
                }
                Some(Script::Set { .. } | Script::Clear { .. }) | None => None,
            },
            _ => None,
        };
        if let Some((kind, body)) = media.filter(|(_, body)| !body.is_empty()) {
            self.events.push_back(ClientEvent::Media { kind, timestamp, body });
        }
    }

    fn on_command(&mut self, command: &Command) {
        match command.name.as_str() {
            "_result" if command.transaction == TRANSACTION_CONNECT => self.on_connected(command),
            "_result" if command.transaction == TRANSACTION_CREATE => {
                let id = command.number(0).and_then(command::stream_id).unwrap_or(1);
                self.on_stream(id);
            }
            // Servers that do not know these two say so, and take the publish that follows.
            "_error" if [TRANSACTION_RELEASE, TRANSACTION_FC_PUBLISH].contains(&command.transaction) => {}
            "onStatus" | "_error" => self.on_status(command),
            _ => {}
        }
    }

    fn on_connected(&mut self, command: &Command) {
        let said = |value: Option<&Value>| value.and_then(|object| object.get("capsEx")).and_then(Value::as_f64);
        let caps_ex = said(command.arg(0)).or_else(|| said(command.object())).and_then(command::stream_id).unwrap_or(0);
        self.events.push_back(ClientEvent::Connected { caps_ex });
        if self.config.purpose == Purpose::Publish {
            let name = Value::from(self.config.name.0.as_str());
            self.command(0, "releaseStream", TRANSACTION_RELEASE, &[Value::Null, name.clone()]);
            self.command(0, "FCPublish", TRANSACTION_FC_PUBLISH, &[Value::Null, name]);
        }
        self.command(0, "createStream", TRANSACTION_CREATE, &[Value::Null]);
    }

    fn on_stream(&mut self, stream_id: u32) {
        self.stream_id = Some(stream_id);
        let name = Value::from(self.config.name.0.as_str());
        match self.config.purpose {
            Purpose::Publish => self.command(stream_id, "publish", 5.0, &[Value::Null, name, "live".into()]),
            Purpose::Play => {
                self.command(stream_id, "play", 5.0, &[Value::Null, name, (-2000.0).into()]);
                self.link.control(Control::User(UserControl::SetBufferLength { stream_id, buffer_ms: 1000 }));
            }
        }
    }

    fn on_status(&mut self, command: &Command) {
        let text =
            |key: &str| command.arg(0).and_then(|info| info.get(key)).and_then(Value::as_str).unwrap_or_default();
        let event = match text("code") {
            "NetStream.Publish.Start" => {
                self.active = true;
                ClientEvent::Publishing
            }
            "NetStream.Play.Start" => ClientEvent::Playing,
            "NetConnection.Connect.ReconnectRequest" => {
                let url = Some(text("tcUrl")).filter(|url| !url.is_empty());
                ClientEvent::Reconnect { tc_url: url.map(|url| Redacted(url.to_owned())) }
            }
            code => ClientEvent::Status {
                is_error: text("level") == "error" || command.name == "_error",
                code: code.to_owned(),
                description: text("description").to_owned(),
            },
        };
        self.events.push_back(event);
    }
}
