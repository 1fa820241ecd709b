//! Chunk streams: the same messages come out however the bytes are cut, and what is written is read again.
//! Covers: rtmp::chunk.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmp::Limits;
use rtmp::chunk::reader::{Input, Message, Reader};
use rtmp::chunk::writer::write_message;

fuzz_target!(|bytes: &[u8]| {
    let Some((style, bytes)) = bytes.split_first() else { return };
    let whole = messages(bytes, bytes.len().max(1));
    assert_eq!(whole, messages(bytes, usize::from(*style) + 1), "cutting changed the messages");
    let mut written = Vec::new();
    for (timestamp, type_id, stream_id, payload) in whole.iter().filter(|message| !is_control(message.1)) {
        write_message(5, *timestamp, *type_id, *stream_id, payload, 128, &mut written);
    }
    let again = messages(&written, 64);
    let sent: Vec<_> = whole.into_iter().filter(|message| !is_control(message.1)).collect();
    assert_eq!(again, sent, "what was written is not what was read");
});

/// Chunk size, abort and the like act on the reader itself.
fn is_control(type_id: u8) -> bool {
    (1..=6).contains(&type_id)
}

type Read = (u32, u8, u32, Vec<u8>);

fn messages(bytes: &[u8], step: usize) -> Vec<Read> {
    let mut reader = Reader::new(&Limits::DEFAULT, 0);
    let mut out = Vec::new();
    for piece in bytes.chunks(step) {
        let mut input = Input::borrowed(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(Message { timestamp, type_id, stream_id, payload, .. })) => {
                    out.push((timestamp, type_id, stream_id, payload.to_vec()));
                }
                Ok(None) => break,
                Err(_) => return out,
            }
        }
    }
    out
}
