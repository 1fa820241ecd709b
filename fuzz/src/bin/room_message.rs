//! What a viewer's socket sends to a room: the same messages however the bytes are cut, nothing that the rules let through
//! is out of bounds, and nothing is held between whole messages.
//! Covers: api::room::websocket, api::room::message, control::room.
#![no_main]

// Both are pure, and all else of that crate is a web server, which would be built with the fuzzer's instrumentation.
#[path = "../../../crates/api/src/room/message.rs"]
#[allow(dead_code)]
mod message;
#[path = "../../../crates/api/src/room/websocket.rs"]
#[allow(dead_code)]
mod websocket;

use message::Message;
use websocket::{Fault, Heard, MESSAGE_BYTES_MAX, Reader};
use control::room::{BODY_CHARACTERS_MAX, WordFilter, checked_body};
use libfuzzer_sys::fuzz_target;

fn heard<'b>(cuts: impl Iterator<Item = &'b [u8]>) -> (Vec<Heard>, Option<Fault>) {
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    for bytes in cuts {
        reader.take(bytes);
        loop {
            match reader.next() {
                Ok(Some(message)) => all.push(message),
                Ok(None) => break,
                Err(fault) => return (all, Some(fault)),
            }
        }
    }
    (all, None)
}

fn look(text: &str) {
    assert!(text.len() <= MESSAGE_BYTES_MAX);
    if let Ok(Message::Comment { body, .. }) = message::parse(text)
        && let Ok(kept) = checked_body(&body)
    {
        assert!((1..=BODY_CHARACTERS_MAX).contains(&kept.chars().count()));
        assert!(!kept.chars().any(char::is_control));
        WordFilter::new(&[kept, "bodoh"]).finds(&body);
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how the rest is cut.
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = heard(std::iter::once(bytes));
    assert_eq!(whole, heard(bytes.chunks(usize::from(*cut).max(1))));
    for message in &whole.0 {
        if let Heard::Text(text) = message {
            look(text);
        }
    }
    if let Ok(text) = std::str::from_utf8(&bytes[..bytes.len().min(MESSAGE_BYTES_MAX)]) {
        look(text);
    }
});
