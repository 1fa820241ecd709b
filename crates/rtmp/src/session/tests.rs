//! Scenarios between a client and a server session, in simulated time.

use std::time::{Duration, Instant};

use super::*;
use crate::client::{ClientConfig, ClientEvent, ClientOutput, ClientSession, Purpose};

/// Both ends of a connection without a network.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) server: ServerSession,
    pub(crate) client: ClientSession,
    pub(crate) server_events: Vec<Event>,
    pub(crate) client_events: Vec<ClientEvent>,
    pub(crate) closed: bool,
    /// All that the server sent, handshake included.
    pub(crate) sent: Vec<u8>,
}

pub(crate) fn entropy(seed: u8) -> [u8; handshake::PACKET] {
    let mut random = [0; handshake::PACKET];
    for (index, byte) in random.iter_mut().enumerate() {
        *byte = (index as u8).wrapping_mul(31).wrapping_add(seed);
    }
    random
}

impl Pair {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self::with_server(ServerConfig::default(), config)
    }

    pub(crate) fn with_server(server: ServerConfig, config: ClientConfig) -> Self {
        let now = Instant::now();
        let mut pair = Self {
            now,
            server: ServerSession::new(server, entropy(1), now),
            client: ClientSession::new(config, entropy(2), now),
            server_events: Vec::new(),
            client_events: Vec::new(),
            closed: false,
            sent: Vec::new(),
        };
        pair.run();
        pair
    }

    /// Carries bytes both ways until both wait.
    pub(crate) fn run(&mut self) {
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
                    self.sent.extend_from_slice(&bytes);
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

#[test]
fn a_publisher_connects_publishes_and_stops() {
    let mut pair = Pair::new(ClientConfig::new(Purpose::Publish, "live", "kunci?x=1"));
    let Some(Event::Connect(connect)) = pair.server_events.first() else { panic!("connect comes first") };
    assert_eq!((connect.app.as_str(), connect.reconnect_supported), ("live", true));
    let publish = Event::Publish { stream_id: 1, name: Redacted("kunci?x=1".into()), kind: PublishKind::Live };
    assert_eq!(pair.server_events.last(), Some(&publish));
    pair.server.accept_publish(1);
    pair.run();
    assert_eq!(pair.client_events.last(), Some(&ClientEvent::Publishing));
    pair.server_events.clear();
    pair.client.send_media(wire::MediaKind::Video, 40, &[0x17, 1, 2, 3]);
    pair.client.send_media(wire::MediaKind::Audio, 41, &[0xAF, 1]);
    pair.client.finish();
    pair.run();
    assert_eq!(
        pair.server_events,
        [
            Event::Video { timestamp: 40, body: Bytes::from_static(&[0x17, 1, 2, 3]) },
            Event::Audio { timestamp: 41, body: Bytes::from_static(&[0xAF, 1]) },
            Event::Unpublish { stream_id: 1 },
        ]
    );
}

use media::Redacted;
