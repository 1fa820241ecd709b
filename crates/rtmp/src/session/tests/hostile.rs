//! What hostile or broken peers do (`robustness.md`), one by one.

use super::*;

fn chunk(csid: u8, time: u32, length: u32, type_id: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![csid];
    out.extend_from_slice(&time.to_be_bytes()[1..]);
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[type_id, 1, 0, 0, 0]);
    out.extend_from_slice(payload);
    out
}

#[test]
fn a_peer_holds_at_most_64_kib_before_it_is_accepted() {
    // One long message.
    let mut raw = Raw::connected();
    let error = raw.input(&chunk(6, 0, 65_537, kind::VIDEO, b"")).expect_err("refused at its header");
    assert!(matches!(error, SessionError::Chunk(ChunkError::MessageTooLong { length: 65_537, max: 65_536, .. })));
    assert!(raw.closed);
    // Many unfinished ones.
    let mut raw = Raw::new();
    raw.message(kind::SET_CHUNK_SIZE, 0, 0, &20_000u32.to_be_bytes());
    for csid in 10..13 {
        raw.input(&chunk(csid, 0, 60_000, kind::VIDEO, &[0; 20_000])).expect("within 64 KiB");
    }
    assert_eq!(raw.server.bytes_held(), 60_000);
    let error = raw.input(&chunk(13, 0, 60_000, kind::VIDEO, &[0; 20_000])).expect_err("beyond");
    assert!(matches!(error, SessionError::Chunk(ChunkError::PartialBytes { max: 65_536, .. })), "{error}");
    assert_eq!(raw.server.ended(), Some(&Ended::Fault(error)));
    // Input behind a request that is being decided.
    let mut raw = Raw::connected();
    raw.command(1, "publish", 5.0, &[Value::Null, SECRET.into()]);
    raw.input(&[0; 65_536]).expect("held");
    let error = raw.input(&[0]).expect_err("one too many");
    assert!(matches!(error, SessionError::HeldInput { max: 65_536, .. }));
    assert_eq!(raw.server.bytes_held(), 0, "let go of");
    assert_eq!(raw.input(&[0]), Err(error), "the same error again");
}

#[test]
fn an_accepted_publisher_may_send_16_mib_but_only_as_it_comes() {
    let mut raw = Raw::publishing();
    raw.message(kind::SET_CHUNK_SIZE, 0, 0, &0x7FFF_FFFFu32.to_be_bytes());
    raw.input(&chunk(6, 0, 0x00FF_FFFF, kind::VIDEO, &[0x17; 1000])).expect("begun");
    assert!(raw.server.link.reader.allocated() <= 2000);
    for _ in 0..15 {
        raw.input(&vec![0x17; 1 << 20]).expect("coming");
        assert!(raw.server.link.reader.allocated() <= 2 * raw.server.bytes_held());
    }
    assert_eq!(raw.events.len(), 0);
    raw.input(&vec![0x17; 0x00FF_FFFF - 1000 - (15 << 20)]).expect("the last of it");
    assert!(matches!(&raw.events[..], [Event::Video { body, .. }] if body.len() == 0x00FF_FFFF));
}

#[test]
fn an_idle_connection_costs_little() {
    let session = size_of::<ServerSession>() + size_of::<handshake::Server>();
    assert!(session <= 5 << 10, "{session} bytes before the first answer");
    let raw = Raw::connected();
    assert!(raw.server.handshake.is_none(), "the handshake's buffers are gone after it");
    assert!(size_of::<ServerSession>() <= 1 << 10, "{} bytes once connected", size_of::<ServerSession>());
}

#[test]
fn nothing_but_corrupt_framing_ends_a_session() {
    let mut raw = Raw::publishing();
    for type_id in 0..=255u8 {
        for payload in [&b""[..], b"\0", b"\xFF\xFF\xFF", &[0xFF; 40], b"\0\x02\0\x05abcde", b"\x02\xFF\xFFabc"] {
            // Set Chunk Size with a value changes framing; it has its own test.
            if type_id != kind::SET_CHUNK_SIZE || payload.len() < 4 {
                raw.message(type_id, 1, 0, payload);
            }
        }
    }
    assert!(!raw.closed);
    let counters = raw.server.counters();
    assert!(counters.messages_ignored > 200 && counters.malformed > 20, "{counters:?}");
    raw.clear();
    raw.message(kind::VIDEO, 1, 0, &[0x17, 1]);
    assert!(matches!(raw.events[..], [Event::Video { .. }]), "and media still flows");
}

#[test]
fn unknown_commands_are_counted_and_not_answered() {
    let mut raw = Raw::connected();
    raw.clear();
    for name in ["", "onStatus", "_error", "_result", "call", "\u{1F4A5}", "connectx"] {
        raw.command(0, name, 1.0, &[Value::Null]);
    }
    assert_eq!((raw.server.counters().commands_ignored, raw.sent.len()), (7, 0));
    assert!(!raw.closed);
}

#[test]
fn commands_that_are_none_are_counted() {
    let mut raw = Raw::connected();
    raw.events.clear();
    for body in [&b""[..], &[5], &[2, 0, 9, b'c'], &[0xFF; 100], &[0; 9], &[0x11, 0x06, 0x01]] {
        raw.message(kind::COMMAND_AMF0, 0, 0, body);
        raw.message(kind::COMMAND_AMF3, 0, 0, body);
    }
    assert!(!raw.closed);
    assert!(raw.server.counters().malformed >= 10);
}

#[test]
fn nested_values_neither_overflow_the_stack_nor_end_the_session() {
    for (marker, rest) in [(0x03u8, &b"\0\x01a"[..]), (0x0A, &[0, 0, 0, 1]), (0x08, b"\0\0\0\x01\0\x01a")] {
        let mut body = command::encode("connect", 1.0, &[]);
        for _ in 0..9000 {
            body.push(marker);
            body.extend_from_slice(rest);
        }
        body.truncate(60_000);
        let mut raw = Raw::new();
        raw.message(kind::COMMAND_AMF0, 0, 0, &body);
        assert_eq!(raw.server.ended(), Some(&Ended::ConnectRejected), "as a connect that names nothing");
        let mut raw = Raw::publishing();
        raw.message(kind::COMMAND_AMF0, 0, 0, &body);
        let mut script = b"\0\x02\0\x0AonMetaData".to_vec();
        script.extend_from_slice(&body[20..]);
        raw.message(kind::DATA_AMF3, 1, 0, &script);
        assert!(!raw.closed);
    }
}

#[test]
fn counts_that_the_bytes_cannot_hold_allocate_nothing() {
    let mut raw = Raw::connected();
    let mut body = command::encode("publish", 1.0, &[Value::Null]);
    body.extend_from_slice(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF]);
    raw.message(kind::COMMAND_AMF0, 1, 0, &body);
    assert!(!raw.closed);
    assert_eq!(raw.codes().last().map(String::as_str), Some("NetStream.Publish.BadName"));
}

#[test]
fn a_long_command_is_not_parsed() {
    let mut raw = Raw::publishing();
    raw.command(1, "publish", 1.0, &[Value::Null, "x".repeat(70_000).into()]);
    assert_eq!(raw.events, [Event::Malformed { what: "command too long" }]);
}

#[test]
fn a_peer_that_asks_and_never_reads_ends_at_the_limit() {
    let mut raw = Raw::connected();
    let (type_id, body) = Control::User(UserControl::PingRequest(1)).encode();
    let pings = message(type_id, 0, 0, &body).repeat(1000);
    let error = (0..100)
        .find_map(|_| raw.server.handle_input(raw.now, &pings).err())
        .expect("answers pile up, as nobody drains the session");
    assert!(matches!(error, SessionError::OutputFull { max: 1_048_576, .. }), "{error}");
}

#[test]
fn a_flood_of_tiny_messages_is_read_in_portions() {
    assert!(size_of::<Event>() <= 80, "{} bytes an event", size_of::<Event>());
    let mut raw = Raw::publishing();
    // One header, then one byte for each empty command: the densest flood there is.
    let mut bytes = chunk(6, 0, 0, kind::COMMAND_AMF0, b"");
    bytes.resize(60_000, 0xC6);
    bytes.extend(message(kind::VIDEO, 1, 3, &[0x17, 1]));
    raw.server.handle_input(raw.now, &bytes).expect("legal");
    assert_eq!(raw.server.events.len(), 1024);
    raw.drain();
    assert_eq!(raw.events.len(), 60_000 - 12 + 1 + 1, "all of it in the end, and in order");
    assert!(matches!(raw.events.last(), Some(Event::Video { timestamp: 3, .. })));
    assert_eq!(raw.server.bytes_held(), 0);
    assert!(raw.server.events.capacity() <= 64, "and the room for it is given back");
}

#[test]
fn a_caller_that_fetches_no_events_is_not_flooded() {
    let mut raw = Raw::connected();
    let mut bytes = chunk(6, 0, 0, kind::COMMAND_AMF0, b"");
    bytes.resize(40_000, 0xC6);
    raw.server.handle_input(raw.now, &bytes).expect("legal");
    let error = raw.server.handle_input(raw.now, &bytes).expect_err("80 kB with nobody listening");
    assert!(matches!(error, SessionError::HeldInput { max: 65_536, .. }));
}

#[test]
fn acknowledgements_in_a_row_are_one_event() {
    let mut raw = Raw::playing();
    let bytes: Vec<u8> =
        (0..500u32).flat_map(|sequence| message(kind::ACKNOWLEDGEMENT, 0, 0, &sequence.to_be_bytes())).collect();
    raw.input(&bytes).expect("legal");
    assert_eq!(raw.events, [Event::Ack { sequence: 499 }]);
}

#[test]
fn the_worst_answers_to_one_read_stay_below_the_limit() {
    for name in ["play", "publish", "FCPublish", "FCSubscribe", "createStream", "getStreamLength", "seek", "connect"] {
        let mut raw = Raw::connected();
        raw.clear();
        let body = command::encode(name, 1.0, &[]);
        let mut bytes = chunk(6, 0, body.len() as u32, kind::COMMAND_AMF0, &body);
        while bytes.len() + body.len() < 65_536 {
            bytes.push(0xC6);
            bytes.extend_from_slice(&body);
        }
        raw.input(&bytes).expect("answered in full");
        assert!(raw.sent.len() < 1 << 20, "{name}: {} bytes", raw.sent.len());
    }
}

#[test]
fn output_for_ordinary_floods_is_not_larger_than_their_input() {
    let mut raw = Raw::connected();
    raw.clear();
    let (type_id, body) = Control::User(UserControl::PingRequest(1)).encode();
    let pings = message(type_id, 0, 0, &body).repeat(1000);
    raw.input(&pings).expect("legal");
    assert_eq!(raw.sent.len(), pings.len());
}

#[test]
fn stream_names_appear_in_no_output_but_their_event() {
    let secret = SECRET.as_bytes();
    let mut raw = Raw::new();
    let app = format!("live/{SECRET}?sign={SECRET}");
    raw.command(0, "connect", 1.0, &[connect_object(&app)]);
    for name in ["releaseStream", "FCPublish", "getStreamLength", "FCSubscribe", "_checkbw", "seek", SECRET] {
        raw.command(0, name, 2.0, &[Value::Null, SECRET.into()]);
    }
    raw.command(1, "publish", 5.0, &[Value::Null, SECRET.into()]);
    raw.server.accept_publish(1);
    raw.drain();
    raw.command(1, "publish", 5.0, &[Value::Null, SECRET.into()]);
    raw.command(0, "FCUnpublish", 5.0, &[Value::Null, SECRET.into()]);
    raw.command(1, "play", 5.0, &[Value::Null, SECRET.into()]);
    raw.server.reject_play(1, Reject::Denied);
    raw.drain();
    assert!(raw.events.len() >= 4 && raw.codes().len() >= 6);
    let debug = format!("{:?} {:?} {:?} {:?}", raw.events, raw.answers, raw.server.ended(), raw.server.connected());
    assert!(!debug.contains("rahasia"), "{debug}");
    assert!(!raw.sent.windows(secret.len()).any(|window| window == secret), "nor in what is sent back");
}

#[test]
fn errors_name_a_byte_of_the_connection() {
    let mut raw = Raw::new();
    let error = raw.input(&[0xC5]).expect_err("a compressed header on a fresh chunk stream");
    assert_eq!(error.to_string(), "peer sent a type 3 header on fresh chunk stream 5 at byte 3073");
    let mut raw = Raw::silent(ServerConfig::default());
    let error = raw.input(b"GET / HTTP/1.1\r\n\r\n").expect_err("http");
    assert_eq!(error.to_string(), "peer speaks rtmp version 71 at byte 0, only 3 is supported");
    assert!(raw.closed && raw.sent.is_empty());
}

#[test]
fn a_reader_is_back_to_small_limits_after_a_publish() {
    let mut raw = Raw::publishing();
    raw.input(&chunk(6, 0, 100_000, kind::VIDEO, b"")).expect("allowed while publishing");
    let mut raw = Raw::publishing();
    raw.command(1, "closeStream", 0.0, &[Value::Null]);
    assert!(raw.input(&chunk(6, 0, 100_000, kind::VIDEO, b"")).is_err());
}

#[test]
fn mutated_recordings_never_panic() {
    let bytes = include_bytes!("../../../../../testdata/rtmp/librtmp-publish.bin");
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for _ in 0..400 {
        let mut mutated = bytes[..8000].to_vec();
        for _ in 0..=next(8) {
            let at = 3073 + next(mutated.len() - 3073);
            match next(4) {
                0 => mutated[at] = next(256) as u8,
                1 => drop(mutated.drain(at..(at + 1 + next(20)).min(mutated.len()))),
                2 => mutated.insert(at, next(256) as u8),
                _ => mutated[at] ^= 1 << next(8),
            }
        }
        let mut raw = Raw::silent(ServerConfig::default());
        for piece in mutated.chunks(1 + next(5000)) {
            let result = raw.server.handle_input(raw.now, piece);
            loop {
                match raw.server.poll_output() {
                    Output::Event(Event::Publish { stream_id, .. }) => raw.server.accept_publish(stream_id),
                    Output::Event(Event::Play { stream_id, .. }) => raw.server.accept_play(stream_id),
                    Output::Event(_) | Output::Transmit(_) => {}
                    Output::WaitUntil(_) | Output::Closed => break,
                }
            }
            if result.is_err() {
                break;
            }
            assert!(raw.server.link.reader.allocated() <= 2 * mutated.len());
        }
    }
}

use crate::error::ChunkError;
