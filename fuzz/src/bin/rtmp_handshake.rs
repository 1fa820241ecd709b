//! Handshake, both sides, in pieces.
//! Covers: rtmp::handshake.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmp::handshake::digest::Scheme;
use rtmp::handshake::{Client, Form, Progress, Server};

fuzz_target!(|bytes: &[u8]| {
    let Some((style, bytes)) = bytes.split_first() else { return };
    let step = usize::from(style >> 1) * 16 + 1;
    let mut out = Vec::new();
    if style & 1 == 0 {
        let mut server = Server::new([7; 1_536]);
        for piece in bytes.chunks(step) {
            match server.handle_input(piece, &mut out) {
                Ok(Progress::More) => {}
                Ok(Progress::Done(used)) => return assert!(used <= piece.len()),
                Err(_) => return,
            }
        }
    } else {
        let mut client = Client::new([7; 1_536], Form::Digest(Scheme::One));
        client.hello(&mut out);
        for piece in bytes.chunks(step) {
            match client.handle_input(piece, &mut out) {
                Ok(Progress::More) => {}
                Ok(Progress::Done(used)) => return assert!(used <= piece.len()),
                Err(_) => return,
            }
        }
    }
    assert!(out.len() <= 4 * 1_537, "an answer has a fixed size");
});
