//! Client side of an RTMP connection against a hostile server.
//! Covers: rtmp::client.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use rtmp::{ClientConfig, ClientOutput, ClientSession, Purpose};

fuzz_target!(|bytes: &[u8]| {
    let Some((style, bytes)) = bytes.split_first() else { return };
    let purpose = if style & 1 == 0 { Purpose::Publish } else { Purpose::Play };
    let mut now = Instant::now();
    let mut session = ClientSession::new(ClientConfig::new(purpose, "live", "kelas"), [7; 1_536], now);
    drain(&mut session);
    let mut hello = vec![0u8; 1 + 1_536 * 2];
    hello[0] = 3;
    if session.handle_input(now, &hello).is_err() || drain(&mut session) {
        return;
    }
    for piece in bytes.chunks(usize::from(style >> 1) * 8 + 1) {
        now += Duration::from_millis(10);
        if session.handle_input(now, piece).is_err() || drain(&mut session) {
            return;
        }
    }
    session.handle_timeout(now + Duration::from_secs(3_600));
    drain(&mut session);
});

fn drain(session: &mut ClientSession) -> bool {
    for polls in 0.. {
        assert!(polls < 1_000_000, "outputs never end");
        match session.poll_output() {
            ClientOutput::Transmit(_) | ClientOutput::Event(_) => {}
            ClientOutput::WaitUntil(_) => return false,
            ClientOutput::Closed => return true,
        }
    }
    true
}
