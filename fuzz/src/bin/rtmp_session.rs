//! Server side of an RTMP connection after its handshake: whatever comes, memory stays within the limits, every call
//! returns, and the session ends or goes on as it says.
//! Covers: rtmp::session, rtmp::message, rtmp::chunk.
#![no_main]

use std::time::{Duration, Instant};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rtmp::{Event, Limits, Output, ServerConfig, ServerSession};

fuzz_target!(|bytes: &[u8]| {
    let Some((style, bytes)) = bytes.split_first() else { return };
    let step = usize::from(style & 0x3F) * 16 + 1;
    let shared = style & 0x80 != 0;
    let mut now = Instant::now();
    let mut session = ServerSession::new(ServerConfig::default(), [7; 1_536], now);
    let mut hello = vec![0u8; 1 + 1_536 * 2];
    hello[0] = 3;
    if session.handle_input(now, &hello).is_err() || drain(&mut session) {
        panic!("a plain handshake is accepted");
    }
    for piece in bytes.chunks(step) {
        now += Duration::from_millis(10);
        let result = match shared {
            true => session.handle_input_shared(now, &Bytes::copy_from_slice(piece)),
            false => session.handle_input(now, piece),
        };
        let closed = drain(&mut session);
        let held = session.bytes_held();
        assert!(held <= Limits::DEFAULT.memory_bytes_max(), "{held} bytes held");
        assert!(held <= 64 * 1_024 + 64 * bytes.len(), "{held} bytes held for {} received", bytes.len());
        if result.is_err() || closed {
            return;
        }
    }
    session.handle_timeout(now + Duration::from_secs(3_600));
    drain(&mut session);
});

/// Polls until the session waits, answering what it asks. True once it is closed.
fn drain(session: &mut ServerSession) -> bool {
    for polls in 0.. {
        assert!(polls < 1_000_000, "outputs never end");
        match session.poll_output() {
            Output::Transmit(_) => {}
            Output::Event(Event::Publish { stream_id, .. }) => session.accept_publish(stream_id),
            Output::Event(Event::Play { stream_id, .. }) => session.accept_play(stream_id),
            Output::Event(Event::Video { body, .. } | Event::Audio { body, .. }) => {
                assert!(!body.is_empty(), "media bodies are never empty");
            }
            Output::Event(_) => {}
            Output::WaitUntil(_) => return false,
            Output::Closed => return true,
        }
    }
    true
}
