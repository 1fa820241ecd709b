//! Handshakes against recorded clients and against each other.

use proptest::prelude::*;

use super::digest::{DIGEST, find, is_reply, sign};
use super::*;

const FFMPEG: &[u8] = include_bytes!("../../../../testdata/rtmp/ffmpeg-publish.bin");
const RTMP2SINK: &[u8] = include_bytes!("../../../../testdata/rtmp/rtmp2sink-publish.bin");

fn random(seed: u8) -> [u8; PACKET] {
    std::array::from_fn(|index| (index as u8).wrapping_mul(37).wrapping_add(seed))
}

fn packet(bytes: &[u8]) -> &[u8; PACKET] {
    bytes.first_chunk().expect("long enough")
}

/// Runs both sides, `step` bytes at a time.
fn run(form: Form, step: usize) -> (Server, Client, Vec<u8>) {
    let (mut server, mut client) = (Server::new(random(1)), Client::new(random(2), form));
    let (mut up, mut down) = (Vec::new(), Vec::new());
    client.hello(&mut up);
    let (mut up_at, mut down_at, mut server_done, mut client_done) = (0, 0, false, false);
    while !(server_done && client_done) {
        let (up_from, down_from) = (up_at, down_at);
        up_at = up.len().min(up_at + step);
        server_done |=
            matches!(server.handle_input(&up[up_from..up_at], &mut down).expect("version 3"), Progress::Done(_));
        down_at = down.len().min(down_at + step);
        let input = down[down_from..down_at].to_vec();
        client_done |= matches!(client.handle_input(&input, &mut up).expect("version 3"), Progress::Done(_));
    }
    (server, client, down)
}

#[test]
fn ffmpegs_digest_is_recognised_and_answered_with_digests_it_can_check() {
    let c1 = packet(&FFMPEG[1..]);
    let (scheme, client_digest) = find(c1, Role::Client).expect("ffmpeg signs C1");
    let (mut server, mut out) = (Server::new(random(1)), Vec::new());
    assert_eq!(server.handle_input(&FFMPEG[..1537], &mut out), Ok(Progress::More));
    assert_eq!(server.form(), Form::Digest(scheme));
    assert_eq!(out.len(), 3073);
    assert_ne!(out[5..9], [0; 4], "a version announces the digest form");
    let (answered, server_digest) = find(packet(&out[1..]), Role::Server).expect("S1 is signed");
    assert_eq!(answered, scheme, "in the client's scheme");
    assert!(is_reply(packet(&out[1537..]), &client_digest, Role::Server), "S2 is keyed by C1's digest");
    // The recorded C2 was computed for another S1, but it must be one of the digest form: 1536 bytes, all skipped.
    assert_eq!(server.handle_input(&FFMPEG[1537..1537 + 1536 + 5], &mut out), Ok(Progress::Done(1536)));
    assert_ne!(server_digest, [0; DIGEST]);
}

#[test]
fn a_simple_client_gets_its_bytes_back() {
    let (mut server, mut out) = (Server::new(random(1)), Vec::new());
    server.handle_input(&RTMP2SINK[..1537], &mut out).expect("version 3");
    assert_eq!(server.form(), Form::Simple);
    assert_eq!(out[..9], [3, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(out[1537..], RTMP2SINK[1..1537]);
}

#[test]
fn both_sides_agree_in_every_form_and_split() {
    for form in [Form::Simple, Form::Digest(Scheme::Zero), Form::Digest(Scheme::One)] {
        for step in [1, 7, 1536, 1537, 5000] {
            let (server, client, _) = run(form, step);
            assert_eq!((server.form(), client.form()), (form, form), "step {step}");
        }
    }
}

#[test]
fn the_clients_c2_is_keyed_by_s1() {
    for scheme in [Scheme::Zero, Scheme::One] {
        let (mut server, mut client) = (Server::new(random(1)), Client::new(random(2), Form::Digest(scheme)));
        let (mut up, mut down) = (Vec::new(), Vec::new());
        client.hello(&mut up);
        server.handle_input(&up, &mut down).expect("version 3");
        up.clear();
        client.handle_input(&down, &mut up).expect("version 3");
        let (_, server_digest) = find(packet(&down[1..]), Role::Server).expect("S1 is signed");
        assert!(is_reply(packet(&up), &server_digest, Role::Client));
        assert!(!is_reply(packet(&up), &server_digest, Role::Server), "each side has its own key");
    }
}

#[test]
fn a_client_that_signs_takes_a_simple_server() {
    let mut client = Client::new(random(2), Form::Digest(Scheme::One));
    let (mut out, mut answer) = (Vec::new(), vec![VERSION]);
    answer.extend_from_slice(&random(9));
    answer.extend_from_slice(&random(2));
    assert_eq!(client.handle_input(&answer, &mut out), Ok(Progress::Done(3073)));
    assert_eq!(client.form(), Form::Simple);
    assert_eq!(out, random(9), "C2 echoes S1");
}

#[test]
fn a_damaged_digest_is_answered_simply() {
    let mut c1 = random(3);
    sign(&mut c1, Scheme::One, Role::Client);
    c1[1000] ^= 1;
    assert_eq!(find(&c1, Role::Client), None);
    let (mut server, mut out) = (Server::new(random(1)), Vec::new());
    server.handle_input(&[&[VERSION], &c1[..]].concat(), &mut out).expect("version 3");
    assert_eq!(server.form(), Form::Simple);
    assert_eq!(out[1537..], c1);
}

#[test]
fn what_follows_the_handshake_is_left_alone() {
    let (mut server, mut out) = (Server::new(random(1)), Vec::new());
    let mut input = FFMPEG[..3073].to_vec();
    input.extend_from_slice(&[2, 0, 0]);
    assert_eq!(server.handle_input(&input, &mut out), Ok(Progress::Done(3073)));
}

#[test]
fn other_protocols_are_refused_at_their_first_byte() {
    for (first, name) in [(b'G', "http"), (0x16, "tls"), (6, "rtmpe"), (8, "rtmpe with xtea"), (0, "nothing")] {
        let mut out = Vec::new();
        let refused = Server::new(random(1)).handle_input(&[first], &mut out);
        assert_eq!(refused, Err(HandshakeError::Version { version: first }), "{name}");
        assert!(out.is_empty());
        let refused = Client::new(random(1), Form::Simple).handle_input(&[first], &mut out);
        assert_eq!(refused, Err(HandshakeError::Version { version: first }), "{name}");
    }
    let text = HandshakeError::Version { version: 22 }.to_string();
    assert_eq!(text, "peer speaks rtmp version 22 at byte 0, only 3 is supported");
}

#[test]
fn no_input_is_no_progress() {
    let mut out = Vec::new();
    assert_eq!(Server::new(random(1)).handle_input(&[], &mut out), Ok(Progress::More));
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn a_digest_is_found_wherever_its_place_is(seed: u8, first in any::<[u8; 4]>(), second in any::<[u8; 4]>(), zero: bool) {
        let scheme = if zero { Scheme::Zero } else { Scheme::One };
        let mut c1 = random(seed);
        c1[8..12].copy_from_slice(&first);
        c1[772..776].copy_from_slice(&second);
        sign(&mut c1, scheme, Role::Client);
        prop_assert_eq!(find(&c1, Role::Client).map(|(found, _)| found), Some(scheme));
        prop_assert_eq!(find(&c1, Role::Server), None);
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..4000), split in 0usize..4000) {
        let mut out = Vec::new();
        let mut server = Server::new(random(1));
        let (one, two) = bytes.split_at(split.min(bytes.len()));
        if server.handle_input(one, &mut out) == Ok(Progress::More) {
            let _ = server.handle_input(two, &mut out);
        }
        prop_assert!(out.len() <= 3073);
    }
}
