//! Server side of one RTMP connection, after TCP accept.
//!
//! Owns the order of things (handshake, `connect`, one publish or one play at a time), their deadlines, and the peer's
//! budgets. Policy is the caller's: the session asks with [`Event::Publish`] and [`Event::Play`] and reads no further
//! until it is answered.
//!
//! Invariants, each with a test of the same name:
//! * `nothing_but_corrupt_framing_ends_a_session`
//! * `media_is_refused_until_publishing_is_accepted`
//! * `a_peer_holds_at_most_64_kib_before_it_is_accepted`
//! * `stream_names_appear_in_no_output_but_their_event`

mod commands;
mod connect;
#[cfg(test)]
mod tests;
mod types;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use formats::amf::{Value, amf0};

pub(crate) use connect::RELAY_PROPERTY;
pub use connect::caps;
pub use types::{CloseCode, Connect, Counters, Ended, Event, Output, PlayStart, PublishKind, Reject, ServerConfig};

use crate::chunk::{Input, Message};
use crate::command::{self, Level};
use crate::error::SessionError;
use crate::handshake::{self, Progress};
use crate::link::Link;
use crate::message::aggregate::Tags;
use crate::message::{Control, Script, UserControl, kind, parse_script};
use crate::wire;

/// Room for this many events is kept between calls.
const EVENTS_KEPT: usize = 64;

/// What the peer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Idle,
    PublishAsked(u32),
    Publishing(u32),
    PlayAsked { stream_id: u32, reset: bool },
    Playing(u32),
}

/// Server side of one RTMP connection. Contract: after *any* `&mut self` call, drain [`ServerSession::poll_output`] until
/// `WaitUntil` or `Closed` before the next one. `now` never goes backwards.
pub struct ServerSession {
    config: ServerConfig,
    link: Link,
    /// Present until the handshake is done; boxed because it is 3 KiB that a connection needs only then.
    handshake: Option<Box<handshake::Server>>,
    connect: Option<Connect>,
    role: Role,
    streams_created: u32,
    events: VecDeque<Event>,
    /// Input that waits for the caller's decision.
    held: Vec<u8>,
    now: Instant,
    setup_deadline: Option<Instant>,
    last_media: Instant,
    counters: Counters,
    ended: Option<Ended>,
}

impl ServerSession {
    /// A session at the first byte. `random` is entropy for the handshake.
    #[must_use]
    pub fn new(config: ServerConfig, random: [u8; handshake::PACKET], now: Instant) -> Self {
        let mut link = Link::new(&config.limits, now);
        let preauth = config.limits.preauth_bytes_max;
        link.reader.set_size_limits(u32::try_from(preauth).unwrap_or(u32::MAX), preauth);
        Self {
            link,
            handshake: Some(Box::new(handshake::Server::new(random))),
            connect: None,
            role: Role::Idle,
            streams_created: 0,
            events: VecDeque::new(),
            held: Vec::new(),
            now,
            setup_deadline: Some(now + config.timeouts.setup),
            last_media: now,
            counters: Counters::default(),
            ended: None,
            config,
        }
    }

    /// Takes bytes from the peer; message bodies are copied out of them once.
    ///
    /// # Errors
    /// The peer's bytes cannot be read on: close the socket. Repeated calls return the same error.
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

    /// Lets time pass: deadlines and pings.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if self.ended.is_some() {
            return;
        }
        let timeouts = self.config.timeouts.clone();
        if self.setup_deadline.is_some_and(|deadline| now >= deadline) {
            return self.end(Ended::SetupTimeout);
        }
        if now >= self.silence_deadline() {
            return self.end(Ended::Silent);
        }
        if self.is_publishing() && now >= self.last_media + timeouts.publisher_idle {
            let text = "no media was received for too long";
            self.tell(0, Level::Status, "NetConnection.Connect.IdleTimeout", text);
            return self.end(Ended::Idle);
        }
        if self.connect.is_some() && now >= self.ping_deadline() {
            self.link.ping(now);
        }
    }

    /// What to do next. Bytes first, then events.
    pub fn poll_output(&mut self) -> Output {
        loop {
            if let Some(bytes) = self.link.take_output() {
                return Output::Transmit(bytes);
            }
            if let Some(event) = self.events.pop_front() {
                if self.events.is_empty() && self.events.capacity() > EVENTS_KEPT {
                    self.events = VecDeque::new();
                }
                return Output::Event(event);
            }
            if self.ended.is_some() {
                return Output::Closed;
            }
            if self.held.is_empty() || self.is_undecided() {
                return Output::WaitUntil(self.next_deadline());
            }
            // Reading paused because too many events waited.
            self.read_held();
        }
    }

    /// Lets the asking publisher publish. Input that waited is read now.
    pub fn accept_publish(&mut self, stream_id: u32) {
        if self.role != Role::PublishAsked(stream_id) || self.ended.is_some() {
            return;
        }
        self.role = Role::Publishing(stream_id);
        self.last_media = self.now;
        self.link.last_input = self.now;
        let limits = &self.config.limits;
        self.link.reader.set_size_limits(limits.message_bytes_max, limits.partial_bytes_max);
        self.link.control(Control::User(UserControl::StreamBegin(stream_id)));
        self.tell(stream_id, Level::Status, "NetStream.Publish.Start", "publishing has started");
        self.read_held();
    }

    /// Refuses the asking publisher and ends the session once it was told.
    pub fn reject_publish(&mut self, stream_id: u32, why: Reject) {
        if self.role != Role::PublishAsked(stream_id) || self.ended.is_some() {
            return;
        }
        let (code, text) = why.publish_status();
        self.tell(stream_id, Level::Error, code, text);
        self.end(Ended::Rejected);
    }

    /// Lets the asking player play: it is told so, and media may follow. See [`wire::play_preamble`].
    pub fn accept_play(&mut self, stream_id: u32) {
        let Role::PlayAsked { stream_id: asked, reset } = self.role else { return };
        if asked != stream_id || self.ended.is_some() {
            return;
        }
        self.role = Role::Playing(stream_id);
        self.link.last_input = self.now;
        self.link.raw(&wire::play_preamble(stream_id, reset));
        self.read_held();
    }

    /// Refuses the asking player and ends the session once it was told.
    pub fn reject_play(&mut self, stream_id: u32, why: Reject) {
        if !matches!(self.role, Role::PlayAsked { stream_id: asked, .. } if asked == stream_id) || self.ended.is_some()
        {
            return;
        }
        let (code, text) = why.play_status();
        self.tell(stream_id, Level::Error, code, text);
        self.end(Ended::Rejected);
    }

    /// Asks the client to connect again, elsewhere if `tc_url` is given (E-RTMP v2 "Reconnect Request"). True if it was
    /// sent: only clients that said they understand it get it.
    pub fn request_reconnect(&mut self, tc_url: Option<&str>, description: &str) -> bool {
        if self.ended.is_some() || !self.connect.as_ref().is_some_and(|connect| connect.reconnect_supported) {
            return false;
        }
        let mut info =
            vec![("level", Value::from("status")), ("code", "NetConnection.Connect.ReconnectRequest".into())];
        info.extend(tc_url.map(|url| ("tcUrl", Value::from(url))));
        info.push(("description", description.into()));
        self.link.command(0, &command::on_status(Value::object(info)));
        true
    }

    /// Tells the peer why and ends the session once it was told.
    pub fn close(&mut self, code: CloseCode, description: &str) {
        if self.ended.is_some() {
            return;
        }
        match (self.role, code) {
            (Role::Publishing(id) | Role::PublishAsked(id), CloseCode::BadName) => {
                self.tell(id, Level::Error, "NetStream.Publish.BadName", description);
            }
            (Role::Publishing(id), _) => {
                self.tell(id, Level::Status, "NetStream.Unpublish.Success", description);
            }
            (Role::Playing(_), _) => self.link.raw(&wire::play_end()),
            (Role::Idle | Role::PublishAsked(_) | Role::PlayAsked { .. }, _) => {}
        }
        match code {
            CloseCode::Closed if self.connect.is_some() => {
                self.tell(0, Level::Status, "NetConnection.Connect.Closed", description);
            }
            CloseCode::Shutdown if self.connect.is_some() => {
                self.tell(0, Level::Error, "NetConnection.Connect.AppShutdown", description);
            }
            CloseCode::Closed | CloseCode::Shutdown | CloseCode::BadName | CloseCode::StreamEnded => {}
        }
        self.end(Ended::Closed(code));
    }

    /// Sends one media message to an accepted player, for callers without a shard.
    pub fn send_media(&mut self, kind: wire::MediaKind, timestamp_ms: u32, parts: &[&[u8]]) {
        if matches!(self.role, Role::Playing(_)) && self.ended.is_none() {
            self.link.raw(&wire::media_message(kind, timestamp_ms, parts));
        }
    }

    /// Why the session is over, once it is.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// What was skipped so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What the client said in `connect`, once it has.
    #[must_use]
    pub fn connected(&self) -> Option<&Connect> {
        self.connect.as_ref()
    }

    /// Bytes of input held: unfinished messages, and what waits for a decision.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.link.reader.held() + self.held.len()
    }

    fn on_input(&mut self, now: Instant, length: usize, input: &mut Input<'_>) -> Result<(), SessionError> {
        self.now = now;
        if self.ended.is_none() {
            self.link.count_input(now, length);
            let result = self.read(input);
            self.settle(result);
        }
        match self.ended {
            Some(Ended::Fault(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, result: Result<(), SessionError>) {
        if let Err(error) = result {
            self.end(Ended::Fault(error));
        }
    }

    fn read(&mut self, input: &mut Input<'_>) -> Result<(), SessionError> {
        if let Some(handshake) = &mut self.handshake {
            match handshake.handle_input(input.rest(), self.link.raw_buffer())? {
                Progress::More => return Ok(()),
                Progress::Done(taken) => input.advance(taken),
            }
            self.handshake = None;
            self.link.reader.skip_offset(1 + 2 * handshake::PACKET);
        }
        while self.ended.is_none() {
            if self.is_undecided() || self.events.len() >= self.config.limits.events_max {
                return self.hold(input.rest());
            }
            let Some(message) = self.link.reader.read(input)? else { break };
            self.on_message(&message);
            self.link.check_output()?;
        }
        if self.ended.is_none() {
            self.link.acknowledge();
        }
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let limits = &self.config.limits;
        let max = if self.is_publishing() { limits.partial_bytes_max } else { limits.preauth_bytes_max };
        if self.held.len() + bytes.len() > max {
            return Err(SessionError::HeldInput { max, at: self.link.reader.offset() });
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn read_held(&mut self) {
        let held = Bytes::from(std::mem::take(&mut self.held));
        let result = self.read(&mut Input::shared(&held));
        self.settle(result);
    }

    fn on_message(&mut self, message: &Message) {
        match message.type_id {
            kind::SET_CHUNK_SIZE..=kind::SET_PEER_BANDWIDTH => {
                match Control::parse(message.type_id, &message.payload) {
                    Some(Control::Acknowledgement(sequence)) => self.on_ack(sequence),
                    Some(control) => {
                        self.link.on_control(control);
                    }
                    None => self.malformed("control message too short"),
                }
            }
            kind::AUDIO | kind::VIDEO | kind::DATA_AMF0 | kind::DATA_AMF3 => {
                self.on_media(message.type_id, message.timestamp, &message.payload);
            }
            kind::AGGREGATE => self.on_aggregate(message),
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => self.on_command(message),
            _ => self.counters.messages_ignored += 1,
        }
    }

    /// Only the newest of acknowledgements that follow one another says anything.
    fn on_ack(&mut self, sequence: u32) {
        match self.events.back_mut() {
            Some(Event::Ack { sequence: waiting }) => *waiting = sequence,
            Some(_) | None => self.events.push_back(Event::Ack { sequence }),
        }
    }

    fn on_media(&mut self, type_id: u8, timestamp: u32, body: &Bytes) {
        if !self.is_publishing() {
            self.counters.media_refused += 1;
            return;
        }
        self.last_media = self.now;
        match type_id {
            _ if body.is_empty() => self.counters.media_empty += 1,
            kind::AUDIO => self.events.push_back(Event::Audio { timestamp, body: body.clone() }),
            kind::VIDEO => self.events.push_back(Event::Video { timestamp, body: body.clone() }),
            _ => self.on_script(type_id, timestamp, body),
        }
    }

    fn on_script(&mut self, type_id: u8, timestamp: u32, body: &Bytes) {
        match parse_script(body, self.config.limits.name_bytes_max) {
            Some(Script::Set { name, body }) => {
                let body = if type_id == kind::DATA_AMF3 { as_amf0(body) } else { body };
                self.events.push_back(Event::ScriptData { timestamp, body, name });
            }
            Some(Script::Clear { name }) => self.events.push_back(Event::ScriptCleared { name }),
            None => self.malformed("data message without a name"),
        }
    }

    fn on_aggregate(&mut self, message: &Message) {
        if !self.is_publishing() {
            self.counters.media_refused += 1;
            return;
        }
        let mut tags = Tags::new(message.timestamp, &message.payload);
        for tag in tags.by_ref().take(self.config.limits.aggregate_tags_max) {
            match tag.type_id {
                kind::AUDIO | kind::VIDEO | kind::DATA_AMF0 => self.on_media(tag.type_id, tag.timestamp, &tag.body),
                _ => self.counters.messages_ignored += 1,
            }
        }
        if tags.is_cut_off() {
            self.malformed("aggregate message ends inside a tag");
        } else if tags.next().is_some() {
            self.malformed("aggregate message has too many tags");
        }
    }

    fn malformed(&mut self, what: &'static str) {
        self.counters.malformed += 1;
        self.events.push_back(Event::Malformed { what });
    }

    fn tell(&mut self, stream_id: u32, level: Level, code: &str, description: &str) {
        self.link.command(stream_id, &command::on_status(command::status(level, code, description)));
    }

    fn end(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
        self.held = Vec::new();
        self.handshake = None;
    }

    fn is_publishing(&self) -> bool {
        matches!(self.role, Role::Publishing(_))
    }

    fn is_undecided(&self) -> bool {
        matches!(self.role, Role::PublishAsked(_) | Role::PlayAsked { .. })
    }

    fn next_deadline(&self) -> Instant {
        let idle = self.is_publishing().then(|| self.last_media + self.config.timeouts.publisher_idle);
        let ping = self.connect.is_some().then(|| self.ping_deadline());
        [idle, ping, self.setup_deadline].into_iter().flatten().fold(self.silence_deadline(), Instant::min)
    }

    fn silence_deadline(&self) -> Instant {
        let timeouts = &self.config.timeouts;
        let after = if self.is_publishing() { timeouts.publisher_silence } else { timeouts.player_silence };
        self.link.last_input + after
    }

    fn ping_deadline(&self) -> Instant {
        let timeouts = &self.config.timeouts;
        self.link.ping_at(if self.is_publishing() { timeouts.publisher_ping } else { timeouts.player_ping })
    }
}

/// AMF3 values inside a data message become AMF0 ones, because FLV readers expect those. What cannot be read stays.
fn as_amf0(body: Bytes) -> Bytes {
    let Ok(values) = amf0::decode_all(&body, &formats::amf::Limits::DEFAULT) else { return body };
    let mut out = Vec::with_capacity(body.len());
    for value in values {
        value.encode(&mut out);
    }
    out.into()
}
