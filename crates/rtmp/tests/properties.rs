//! Properties of the chunk layer and of whole sessions: whatever a legal sender does and however the network cuts it,
//! the same messages come out; whatever an illegal one does, nothing panics and memory follows the bytes received.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use rtmp::chunk::header::write_basic;
use rtmp::chunk::{Input, Message, Reader, write_message};
use rtmp::handshake::{Form, PACKET, digest::Scheme};
use rtmp::{
    ChunkError, ClientConfig, ClientEvent, ClientOutput, ClientSession, Event, Limits, MediaKind, Output, Purpose,
    ServerConfig, ServerSession,
};

const EXTENDED: u32 = 0x00FF_FFFF;
const CSIDS: [u32; 5] = [3, 63, 64, 320, 65_599];

/// What a chunk stream's next header may be compressed against.
#[derive(Clone, Copy)]
struct Last {
    timestamp: u32,
    /// As a type 3 header repeats it.
    time: u32,
    length: usize,
    type_id: u8,
    stream_id: u32,
    full: bool,
}

/// A sender that uses every liberty of RTMP 1.0 §5.3.
struct Sender {
    last: HashMap<u32, Last>,
    repeats_extended: bool,
    chunk_size: usize,
    out: Vec<u8>,
}

struct Open {
    message: Message,
    sent: usize,
    extended: Option<u32>,
}

impl Sender {
    /// The header of a new message, as much compressed as is legal and `eagerness` (0 to 3) allows.
    fn open(&mut self, message: Message, eagerness: u8) -> Open {
        let csid = message.csid;
        let length = message.payload.len();
        let last = self.last.get(&csid).copied();
        let delta = last.map(|last| message.timestamp.wrapping_sub(last.timestamp));
        let format = match (last, delta) {
            (Some(last), Some(delta)) if last.stream_id == message.stream_id => {
                let same_kind = last.length == length && last.type_id == message.type_id;
                // After type 0 the repeated time is ambiguous beyond ten seconds (`docs/spec/rtmp.md`).
                let same_time = last.time == delta && (!last.full || delta <= 10_000);
                let legal = if same_kind && same_time {
                    3
                } else if same_kind {
                    2
                } else {
                    1
                };
                legal.min(eagerness)
            }
            _ => 0,
        };
        let time = if format == 0 { message.timestamp } else { delta.unwrap_or(0) };
        let extended = (time >= EXTENDED).then_some(time);
        write_basic(format, csid, &mut self.out);
        if format < 3 {
            self.out.extend_from_slice(&time.min(EXTENDED).to_be_bytes()[1..]);
        }
        if format < 2 {
            self.out.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
            self.out.push(message.type_id);
        }
        if format == 0 {
            self.out.extend_from_slice(&message.stream_id.to_le_bytes());
        }
        if let Some(extended) = extended.filter(|_| format < 3 || self.repeats_extended) {
            self.out.extend_from_slice(&extended.to_be_bytes());
        }
        let full = format == 0 || (format == 3 && last.is_some_and(|last| last.full));
        let (type_id, stream_id, timestamp) = (message.type_id, message.stream_id, message.timestamp);
        self.last.insert(csid, Last { timestamp, time, length, type_id, stream_id, full });
        let mut open = Open { message, sent: 0, extended };
        self.payload(&mut open);
        open
    }

    fn proceed(&mut self, open: &mut Open) {
        write_basic(3, open.message.csid, &mut self.out);
        if let Some(extended) = open.extended.filter(|_| self.repeats_extended) {
            self.out.extend_from_slice(&extended.to_be_bytes());
        }
        self.payload(open);
    }

    fn payload(&mut self, open: &mut Open) {
        let end = open.message.payload.len().min(open.sent + self.chunk_size);
        self.out.extend_from_slice(&open.message.payload[open.sent..end]);
        open.sent = end;
    }

    fn set_chunk_size(&mut self, size: u32) -> Message {
        let payload = Bytes::copy_from_slice(&size.to_be_bytes());
        write_message(2, 0, 1, 0, &payload, self.chunk_size as u32, &mut self.out);
        self.chunk_size = size as usize;
        Message { timestamp: 0, type_id: 1, stream_id: 0, csid: 2, payload }
    }
}

#[derive(Clone, Debug)]
struct Plan {
    csid: usize,
    step: u32,
    length: usize,
    audio: bool,
    stream_id: u32,
    eagerness: u8,
    /// Which open message goes on next, or a new chunk size.
    turn: u8,
}

fn plan() -> impl Strategy<Value = Plan> {
    let step = prop_oneof![
        4 => Just(20u32),
        3 => 0u32..200,
        1 => Just(0x00FF_FFFE),
        1 => Just(0x00FF_FFFF),
        1 => Just(0x0123_4567),
        1 => any::<u32>(),
    ];
    let length = prop_oneof![Just(0usize), Just(100), 1usize..1000, Just(128), Just(129)];
    (0..CSIDS.len(), step, length, any::<bool>(), 0u32..2, 0u8..4, any::<u8>()).prop_map(
        |(csid, step, length, audio, stream_id, eagerness, turn)| Plan {
            csid,
            step,
            length,
            audio,
            stream_id,
            eagerness,
            turn,
        },
    )
}

/// The bytes of a legal sender and the messages in the order of their completion.
fn send(plans: &[Plan], repeats_extended: bool) -> (Vec<u8>, Vec<Message>) {
    let mut sender = Sender { last: HashMap::new(), repeats_extended, chunk_size: 128, out: Vec::new() };
    let (mut done, mut open): (Vec<Message>, Vec<Open>) = (Vec::new(), Vec::new());
    let mut times = [0u32; CSIDS.len()];
    // Chunks of one byte repeat every header per byte; ten kilobytes of that say no more than one.
    for (index, plan) in plans.iter().enumerate() {
        let csid = CSIDS[plan.csid];
        while let Some(at) = open.iter().position(|open| open.message.csid == csid) {
            sender.proceed(&mut open[at]);
            settle(&mut open, &mut done);
        }
        times[plan.csid] = times[plan.csid].wrapping_add(plan.step);
        let payload: Vec<u8> = (0..plan.length).map(|byte| (byte * 13 + index * 7 + 200) as u8).collect();
        let message = Message {
            timestamp: times[plan.csid],
            type_id: if plan.audio { 8 } else { 9 },
            stream_id: plan.stream_id,
            csid,
            payload: payload.into(),
        };
        open.push(sender.open(message, plan.eagerness));
        settle(&mut open, &mut done);
        match plan.turn {
            0..=9 => done.push(sender.set_chunk_size(1 + u32::from(plan.turn) * 61)),
            10 => done.push(sender.set_chunk_size(65_536)),
            turn if !open.is_empty() => {
                let at = usize::from(turn) % open.len();
                sender.proceed(&mut open[at]);
                settle(&mut open, &mut done);
            }
            _ => {}
        }
    }
    while let Some(last) = open.last_mut() {
        sender.proceed(last);
        settle(&mut open, &mut done);
    }
    (sender.out, done)
}

fn settle(open: &mut Vec<Open>, done: &mut Vec<Message>) {
    while let Some(at) = open.iter().position(|open| open.sent == open.message.payload.len()) {
        done.push(open.remove(at).message);
    }
}

/// Reads `bytes` cut as `cuts` say, copying or sharing.
fn receive(bytes: &[u8], cuts: &[usize], shared: bool) -> Result<Vec<Message>, ChunkError> {
    let mut reader = Reader::new(&Limits::DEFAULT, 0);
    let mut messages = Vec::new();
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        let cut = cuts.next().map_or(rest.len(), |&cut| cut.clamp(1, rest.len()));
        let (piece, later) = rest.split_at(cut);
        rest = later;
        let owned = Bytes::copy_from_slice(piece);
        let mut input = if shared { Input::shared(&owned) } else { Input::borrowed(piece) };
        while let Some(message) = reader.read(&mut input)? {
            messages.push(message);
        }
        assert!(input.rest().is_empty());
    }
    assert_eq!(reader.offset(), bytes.len() as u64);
    assert_eq!(reader.held(), 0);
    Ok(messages)
}

fn entropy(seed: u8) -> [u8; PACKET] {
    std::array::from_fn(|index| (index as u8).wrapping_mul(29).wrapping_add(seed))
}

#[derive(Clone, Debug)]
struct Tag {
    kind: MediaKind,
    timestamp: u32,
    body: Vec<u8>,
}

fn tag() -> impl Strategy<Value = Tag> {
    let kind = prop_oneof![Just(MediaKind::Audio), Just(MediaKind::Video)];
    let timestamp = prop_oneof![0u32..100_000, Just(EXTENDED - 1), Just(EXTENDED), any::<u32>()];
    let body = prop_oneof![vec(any::<u8>(), 1..300), (1usize..9000).prop_map(|length| vec![0x27; length])];
    (kind, timestamp, body).prop_map(|(kind, timestamp, body)| Tag { kind, timestamp, body })
}

/// A server and a client joined by a network that cuts as it likes.
struct Wire {
    server: ServerSession,
    client: ClientSession,
    now: Instant,
    cuts: Vec<usize>,
    cut: usize,
    up: Vec<u8>,
    down: Vec<u8>,
    received: Vec<Tag>,
    accept: bool,
}

impl Wire {
    fn new(config: ClientConfig, cuts: Vec<usize>) -> Self {
        let now = Instant::now();
        Self {
            server: ServerSession::new(ServerConfig::default(), entropy(1), now),
            client: ClientSession::new(config, entropy(2), now),
            now,
            cuts,
            cut: 0,
            up: Vec::new(),
            down: Vec::new(),
            received: Vec::new(),
            accept: true,
        }
    }

    fn piece(&mut self, length: usize) -> usize {
        self.cut += 1;
        self.cuts[self.cut % self.cuts.len()].clamp(1, length)
    }

    fn drain(&mut self) {
        loop {
            match self.client.poll_output() {
                ClientOutput::Transmit(bytes) => self.up.extend_from_slice(&bytes),
                ClientOutput::Event(ClientEvent::Media { kind, timestamp, body }) => {
                    self.received.push(Tag { kind, timestamp, body: body.to_vec() });
                }
                ClientOutput::Event(_) => {}
                ClientOutput::WaitUntil(_) | ClientOutput::Closed => break,
            }
        }
        loop {
            match self.server.poll_output() {
                Output::Transmit(bytes) => self.down.extend_from_slice(&bytes),
                Output::Event(Event::Publish { stream_id, .. }) if self.accept => self.server.accept_publish(stream_id),
                Output::Event(Event::Play { stream_id, .. }) if self.accept => self.server.accept_play(stream_id),
                Output::Event(Event::Video { timestamp, body }) => {
                    self.received.push(Tag { kind: MediaKind::Video, timestamp, body: body.to_vec() });
                }
                Output::Event(Event::Audio { timestamp, body }) => {
                    self.received.push(Tag { kind: MediaKind::Audio, timestamp, body: body.to_vec() });
                }
                Output::Event(_) => {}
                Output::WaitUntil(_) | Output::Closed => break,
            }
        }
    }

    fn run(&mut self) {
        self.drain();
        while !(self.up.is_empty() && self.down.is_empty()) {
            if !self.up.is_empty() {
                let n = self.piece(self.up.len());
                let piece: Vec<u8> = self.up.drain(..n).collect();
                self.server.handle_input(self.now, &piece).expect("a legal client");
            }
            if !self.down.is_empty() {
                let n = self.piece(self.down.len());
                let piece: Vec<u8> = self.down.drain(..n).collect();
                self.client.handle_input(self.now, &piece).expect("a legal server");
            }
            self.drain();
        }
    }
}

fn same(received: &[Tag], sent: &[Tag]) -> bool {
    let like = |one: &Tag, two: &Tag| (one.kind, one.timestamp, &one.body) == (two.kind, two.timestamp, &two.body);
    received.len() == sent.len() && received.iter().zip(sent).all(|(one, two)| like(one, two))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_legal_chunking_and_any_cut_yield_the_same_messages(
        plans in vec(plan(), 1..40),
        repeats in any::<bool>(),
        cuts in vec(1usize..700, 1..8),
        shared in any::<bool>(),
    ) {
        let (bytes, sent) = send(&plans, repeats);
        prop_assert_eq!(receive(&bytes, &cuts, shared).expect("legal"), sent.clone());
        prop_assert_eq!(receive(&bytes, &[1], shared).expect("legal"), sent);
    }

    #[test]
    fn a_written_message_is_read_back_at_any_chunk_size(
        csid in prop_oneof![2u32..70, 300u32..400, 65_500u32..=65_599],
        timestamp in prop_oneof![any::<u32>(), Just(EXTENDED)],
        type_id in 7u8..,
        stream_id: u32,
        payload in vec(any::<u8>(), 0..2000),
        chunk_size in prop_oneof![1u32..300, Just(65_536), Just(u32::MAX >> 1)],
    ) {
        let mut bytes = Vec::new();
        write_message(2, 0, 1, 0, &chunk_size.to_be_bytes(), 128, &mut bytes);
        write_message(csid, timestamp, type_id, stream_id, &payload, chunk_size, &mut bytes);
        let messages = receive(&bytes, &[4096], false).expect("legal");
        let expected = Message { timestamp, type_id, stream_id, csid, payload: payload.into() };
        prop_assert_eq!(&messages[1], &expected);
    }

    #[test]
    fn what_a_client_publishes_the_server_gets_over_any_network(
        tags in vec(tag(), 1..12),
        cuts in vec(prop_oneof![1usize..10, 1usize..3000], 1..8),
        chunk_size_out in prop_oneof![Just(1u32), 2u32..400, Just(4096), Just(1 << 20)],
        object_encoding in prop_oneof![Just(0u8), Just(3)],
        handshake in prop_oneof![Just(Form::Simple), Just(Form::Digest(Scheme::Zero)), Just(Form::Digest(Scheme::One))],
    ) {
        let config = ClientConfig::new(Purpose::Publish, "live", "kunci");
        let mut wire = Wire::new(ClientConfig { chunk_size_out, object_encoding, handshake, ..config }, cuts);
        wire.run();
        for tag in &tags {
            wire.client.send_media(tag.kind, tag.timestamp, &tag.body);
        }
        wire.run();
        prop_assert!(same(&wire.received, &tags));
    }

    #[test]
    fn what_a_server_plays_the_client_gets_over_any_network(
        tags in vec(tag(), 1..12),
        cuts in vec(prop_oneof![1usize..10, 1usize..3000], 1..8),
    ) {
        let mut wire = Wire::new(ClientConfig::new(Purpose::Play, "live", "kelas"), cuts);
        wire.run();
        for tag in &tags {
            let (one, two) = tag.body.split_at(tag.body.len() / 2);
            wire.server.send_media(tag.kind, tag.timestamp, &[one, two]);
        }
        wire.run();
        prop_assert!(same(&wire.received, &tags));
    }

    #[test]
    fn noise_never_panics_the_reader_and_memory_follows_it(
        bytes in vec(any::<u8>(), 0..3000),
        cuts in vec(1usize..300, 1..5),
    ) {
        let mut reader = Reader::new(&Limits::DEFAULT, 0);
        let (mut rest, mut cuts, mut came) = (&bytes[..], cuts.iter().cycle(), 0);
        'reading: while !rest.is_empty() {
            let (piece, later) = rest.split_at((*cuts.next().expect("endless")).min(rest.len()));
            rest = later;
            came += piece.len();
            let mut input = Input::borrowed(piece);
            loop {
                match reader.read(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'reading,
                }
            }
            prop_assert!(reader.allocated() <= 2 * came + 512, "{} for {came}", reader.allocated());
            prop_assert!(reader.held() <= came);
        }
    }

    #[test]
    fn noise_after_the_handshake_never_panics_a_session(
        bytes in vec(prop_oneof![3 => any::<u8>(), 1 => Just(0u8), 1 => Just(20u8), 1 => Just(3u8)], 0..4000),
        cuts in vec(1usize..500, 1..5),
    ) {
        let now = Instant::now();
        let mut session = ServerSession::new(ServerConfig::default(), entropy(1), now);
        let mut hello = vec![0; 3073];
        hello[0] = 3;
        session.handle_input(now, &hello).expect("a handshake");
        let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((*cuts.next().expect("endless")).min(rest.len()));
            rest = later;
            let ended = session.handle_input(now, piece).is_err();
            loop {
                match session.poll_output() {
                    Output::Event(Event::Publish { stream_id, .. }) => session.accept_publish(stream_id),
                    Output::Event(Event::Play { stream_id, .. }) => session.accept_play(stream_id),
                    Output::Event(_) | Output::Transmit(_) => {}
                    Output::WaitUntil(_) => {
                        prop_assert!(!ended, "an error ends the session");
                        break;
                    }
                    Output::Closed => break,
                }
            }
            if ended {
                break;
            }
        }
    }

    #[test]
    fn a_mutated_publisher_never_panics_a_session(
        edits in vec((0usize..8000, any::<u8>(), 0u8..3), 1..12),
        step in 1usize..5000,
    ) {
        let recorded: &[u8] = include_bytes!("../../../testdata/rtmp/ffmpeg-publish.bin");
        let mut bytes = recorded[..11_000].to_vec();
        for (at, value, edit) in edits {
            let at = 3073 + at.min(bytes.len() - 3074);
            match edit {
                0 => bytes[at] = value,
                1 => bytes.insert(at, value),
                _ => drop(bytes.remove(at)),
            }
        }
        let now = Instant::now();
        let mut session = ServerSession::new(ServerConfig::default(), entropy(1), now);
        for piece in bytes.chunks(step) {
            let ended = session.handle_input(now, piece).is_err();
            loop {
                match session.poll_output() {
                    Output::Event(Event::Publish { stream_id, .. }) => session.accept_publish(stream_id),
                    Output::Event(event) => {
                        let text = format!("{event:?}");
                        prop_assert!(!text.contains("kunci") || text.contains("ScriptData"), "{text}");
                    }
                    Output::Transmit(_) => {}
                    Output::WaitUntil(_) | Output::Closed => break,
                }
            }
            if ended {
                prop_assert!(matches!(session.ended(), Some(rtmp::Ended::Fault(_))));
                break;
            }
        }
    }
}
