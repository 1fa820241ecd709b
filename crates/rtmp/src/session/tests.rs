//! Scenarios between a client and a server session, in simulated time.

mod commands;
mod hostile;
mod play;
mod publish;
mod recorded;
mod time;

use std::time::{Duration, Instant};

use formats::amf::Value;
use media::Redacted;

use super::*;
use crate::chunk::{Reader, write_message};
use crate::client::{ClientConfig, ClientEvent, ClientOutput, ClientSession, Purpose};
use crate::limits::{Limits, Timeouts};

/// A name that no output but its own event may show.
pub(super) const SECRET: &str = "kunci-rahasia-7f3a";

pub(super) fn entropy(seed: u8) -> [u8; handshake::PACKET] {
    std::array::from_fn(|index| (index as u8).wrapping_mul(31).wrapping_add(seed))
}

/// Both ends of a connection without a network.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) server: ServerSession,
    pub(super) client: ClientSession,
    pub(super) server_events: Vec<Event>,
    pub(super) client_events: Vec<ClientEvent>,
    pub(super) closed: bool,
}

impl Pair {
    pub(super) fn new(config: ClientConfig) -> Self {
        let now = Instant::now();
        let mut pair = Self {
            now,
            server: ServerSession::new(ServerConfig::default(), entropy(1), now),
            client: ClientSession::new(config, entropy(2), now),
            server_events: Vec::new(),
            client_events: Vec::new(),
            closed: false,
        };
        pair.run();
        pair
    }

    /// Carries bytes both ways until both wait.
    pub(super) fn run(&mut self) {
        loop {
            let mut moved = false;
            loop {
                match self.client.poll_output() {
                    ClientOutput::Transmit(bytes) => {
                        moved = true;
                        self.server.handle_input(self.now, &bytes).expect("client speaks rtmp");
                        self.drain_server();
                    }
                    ClientOutput::Event(event) => self.client_events.push(event),
                    ClientOutput::WaitUntil(_) | ClientOutput::Closed => break,
                }
            }
            moved |= self.drain_server();
            if !moved {
                return;
            }
        }
    }

    fn drain_server(&mut self) -> bool {
        let mut moved = false;
        loop {
            match self.server.poll_output() {
                Output::Transmit(bytes) => {
                    moved = true;
                    self.client.handle_input(self.now, &bytes).expect("server speaks rtmp");
                }
                Output::Event(event) => self.server_events.push(event),
                Output::WaitUntil(_) => return moved,
                Output::Closed => {
                    self.closed = true;
                    return moved;
                }
            }
        }
    }
}

/// A server session and a client made by hand, past the handshake.
pub(super) struct Raw {
    pub(super) now: Instant,
    pub(super) server: ServerSession,
    pub(super) events: Vec<Event>,
    /// Messages that the server sent, in order.
    pub(super) answers: Vec<Message>,
    /// All bytes that the server sent after the handshake.
    pub(super) sent: Vec<u8>,
    pub(super) closed: bool,
    pub(super) wait: Option<Instant>,
    reader: Reader,
    skip: usize,
}

impl Raw {
    pub(super) fn silent(config: ServerConfig) -> Self {
        let now = Instant::now();
        Self {
            now,
            server: ServerSession::new(config, entropy(1), now),
            events: Vec::new(),
            answers: Vec::new(),
            sent: Vec::new(),
            closed: false,
            wait: None,
            reader: Reader::new(&Limits::DEFAULT, 0),
            skip: 1 + 2 * handshake::PACKET,
        }
    }

    pub(super) fn new() -> Self {
        let mut raw = Self::silent(ServerConfig::default());
        raw.shake();
        raw
    }

    pub(super) fn connected() -> Self {
        let mut raw = Self::new();
        raw.command(0, "connect", 1.0, &[connect_object("live")]);
        raw
    }

    pub(super) fn publishing() -> Self {
        let mut raw = Self::connected();
        raw.command(1, "publish", 5.0, &[Value::Null, SECRET.into(), "live".into()]);
        raw.server.accept_publish(1);
        raw.drain();
        raw.clear();
        raw
    }

    pub(super) fn playing() -> Self {
        let mut raw = Self::connected();
        raw.command(1, "play", 5.0, &[Value::Null, SECRET.into()]);
        raw.server.accept_play(1);
        raw.drain();
        raw.clear();
        raw
    }

    pub(super) fn shake(&mut self) {
        let mut hello = vec![handshake::VERSION];
        hello.extend_from_slice(&[0; 2 * handshake::PACKET]);
        self.input(&hello).expect("version 3");
    }

    pub(super) fn input(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let result = self.server.handle_input(self.now, bytes);
        self.drain();
        result
    }

    pub(super) fn message(&mut self, type_id: u8, stream_id: u32, timestamp: u32, payload: &[u8]) {
        self.input(&message(type_id, stream_id, timestamp, payload)).expect("legal framing");
    }

    pub(super) fn command(&mut self, stream_id: u32, name: &str, transaction: f64, values: &[Value]) {
        self.message(kind::COMMAND_AMF0, stream_id, 0, &command::encode(name, transaction, values));
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.server.handle_timeout(self.now);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        loop {
            match self.server.poll_output() {
                Output::Transmit(bytes) => {
                    let skipped = self.skip.min(bytes.len());
                    self.skip -= skipped;
                    let bytes = bytes.slice(skipped..);
                    self.sent.extend_from_slice(&bytes);
                    let mut input = Input::borrowed(&bytes);
                    while let Some(message) = self.reader.read(&mut input).expect("server frames well") {
                        self.answers.push(message);
                    }
                }
                Output::Event(event) => self.events.push(event),
                Output::WaitUntil(at) => {
                    self.wait = Some(at);
                    return;
                }
                Output::Closed => {
                    self.closed = true;
                    return;
                }
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.answers.clear();
        self.sent.clear();
    }

    /// Commands that the server sent: name, transaction, values.
    pub(super) fn commands(&self) -> Vec<(String, f64, Vec<Value>)> {
        let is_command = |message: &&Message| message.type_id == kind::COMMAND_AMF0;
        self.answers
            .iter()
            .filter(is_command)
            .map(|message| {
                let command = command::Command::parse(&message.payload).expect("a command");
                (command.name, command.transaction, command.args)
            })
            .collect()
    }

    /// Codes of all status objects that the server sent.
    pub(super) fn codes(&self) -> Vec<String> {
        let code = |values: &[Value]| values.iter().find_map(|value| value.get("code")?.as_str().map(str::to_owned));
        self.commands().iter().filter_map(|(_, _, values)| code(values)).collect()
    }

    pub(super) fn controls(&self) -> Vec<Control> {
        self.answers.iter().filter_map(|message| Control::parse(message.type_id, &message.payload)).collect()
    }
}

pub(super) fn message(type_id: u8, stream_id: u32, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_message(8, timestamp, type_id, stream_id, payload, 128, &mut bytes);
    bytes
}

pub(super) fn command_bytes(stream_id: u32, name: &str, transaction: f64, values: &[Value]) -> Vec<u8> {
    message(kind::COMMAND_AMF0, stream_id, 0, &command::encode(name, transaction, values))
}

pub(super) fn connect_object(app: &str) -> Value {
    Value::object([("app", app.into()), ("tcUrl", format!("rtmp://host/{app}").into())])
}

pub(super) fn asked_name(events: &[Event]) -> Option<&str> {
    events.iter().rev().find_map(|event| match event {
        Event::Publish { name: Redacted(name), .. } | Event::Play { name: Redacted(name), .. } => Some(name.as_str()),
        _ => None,
    })
}
