//! The client alone; both sides together are tested with the server session.

use super::*;
use crate::message::Control;
use crate::session::{Output, Reject, ServerConfig, ServerSession};

fn random(seed: u8) -> [u8; handshake::PACKET] {
    [seed; handshake::PACKET]
}

/// Exchanges everything; returns the client's events.
fn run(server: &mut ServerSession, client: &mut ClientSession, now: Instant) -> Vec<ClientEvent> {
    let mut events = Vec::new();
    for _ in 0..20 {
        loop {
            match client.poll_output() {
                ClientOutput::Transmit(bytes) => server.handle_input(now, &bytes).expect("rtmp"),
                ClientOutput::Event(event) => events.push(event),
                ClientOutput::WaitUntil(_) | ClientOutput::Closed => break,
            }
        }
        loop {
            match server.poll_output() {
                Output::Transmit(bytes) => client.handle_input(now, &bytes).expect("rtmp"),
                Output::Event(_) => {}
                Output::WaitUntil(_) | Output::Closed => break,
            }
        }
    }
    events
}

fn pair(config: ClientConfig) -> (ServerSession, ClientSession, Instant) {
    let now = Instant::now();
    (ServerSession::new(ServerConfig::default(), random(1), now), ClientSession::new(config, random(2), now), now)
}

#[test]
fn a_refusal_reaches_the_caller() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    run(&mut server, &mut client, now);
    server.reject_publish(1, Reject::Denied);
    let events = run(&mut server, &mut client, now);
    let [ClientEvent::Status { is_error: true, code, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(code, "NetStream.Publish.BadName");
}

#[test]
fn a_connect_that_is_rejected_reaches_the_caller() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Play, "", ""));
    client.config.tc_url = String::new();
    let events = run(&mut server, &mut client, now);
    let [ClientEvent::Status { is_error: true, code, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(code, "NetConnection.Connect.Rejected");
}

#[test]
fn media_is_not_sent_before_the_server_said_start() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    run(&mut server, &mut client, now);
    client.send_media(MediaKind::Video, 0, b"early");
    assert!(matches!(client.poll_output(), ClientOutput::WaitUntil(_)));
    server.accept_publish(1);
    run(&mut server, &mut client, now);
    client.send_media(MediaKind::Video, 0, b"now");
    assert!(matches!(client.poll_output(), ClientOutput::Transmit(_)));
}

#[test]
fn a_quiet_server_is_pinged() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Play, "live", "kelas"));
    run(&mut server, &mut client, now);
    let later = now + PING_AFTER;
    assert_eq!(client.poll_output(), ClientOutput::WaitUntil(later));
    client.handle_timeout(later);
    let ClientOutput::Transmit(bytes) = client.poll_output() else { panic!("a ping") };
    assert_eq!(bytes.len(), 18);
    assert_eq!(client.poll_output(), ClientOutput::WaitUntil(later + PING_AFTER));
}

#[test]
fn a_server_that_speaks_rubbish_is_left() {
    let (_, mut client, now) = pair(ClientConfig::new(Purpose::Play, "live", "kelas"));
    let error = client.handle_input(now, b"HTTP/1.1 400").expect_err("not rtmp");
    assert_eq!(client.handle_input(now, b"more"), Err(error));
    while matches!(client.poll_output(), ClientOutput::Transmit(_)) {}
    assert_eq!(client.poll_output(), ClientOutput::Closed);
}

#[test]
fn a_server_cannot_make_a_client_hold_more_than_its_limits() {
    let mut config = ClientConfig::new(Purpose::Play, "live", "kelas");
    config.limits.message_bytes_max = 1000;
    let (mut server, mut client, now) = pair(config);
    run(&mut server, &mut client, now);
    server.accept_play(1);
    server.send_media(MediaKind::Video, 0, &[&[0; 1001]]);
    let mut result = Ok(());
    while let Output::Transmit(bytes) = server.poll_output() {
        result = client.handle_input(now, &bytes);
    }
    assert!(result.is_err());
}

#[test]
fn metadata_is_sent_and_received_without_its_wrapping() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    run(&mut server, &mut client, now);
    server.accept_publish(1);
    run(&mut server, &mut client, now);
    client.send_metadata(5, b"\x02\0\x0AonMetaData\x05");
    let ClientOutput::Transmit(bytes) = client.poll_output() else { panic!("bytes") };
    assert!(bytes.windows(13).any(|window| window == b"@setDataFrame"));
    server.handle_input(now, &bytes).expect("rtmp");
    let Output::Event(crate::Event::ScriptData { body, timestamp: 5, .. }) = server.poll_output() else { panic!() };
    assert_eq!(body, &b"\x02\0\x0AonMetaData\x05"[..]);
}

#[test]
fn a_finished_client_says_goodbye_and_closes() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    run(&mut server, &mut client, now);
    client.finish();
    let ClientOutput::Transmit(bytes) = client.poll_output() else { panic!("bytes") };
    for name in [&b"FCUnpublish"[..], b"deleteStream"] {
        assert!(bytes.windows(name.len()).any(|window| window == name));
    }
    assert_eq!(client.poll_output(), ClientOutput::Closed);
}

#[test]
fn aggregates_and_pings_from_a_server_are_understood() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Play, "live", "kelas"));
    run(&mut server, &mut client, now);
    let mut bytes = Vec::new();
    crate::wire::put_control(Control::User(UserControl::PingRequest(3)), 128, &mut bytes);
    let tag = [&[9, 0, 0, 1][..], &[0; 7], &[0x17], &[0, 0, 0, 12]].concat();
    crate::chunk::write_message(6, 50, kind::AGGREGATE, 1, &tag, 128, &mut bytes);
    client.handle_input(now, &bytes).expect("rtmp");
    let ClientOutput::Transmit(pong) = client.poll_output() else { panic!("a pong") };
    assert_eq!(pong[12..], [0, 7, 0, 0, 0, 3]);
    let media = ClientEvent::Media { kind: MediaKind::Video, timestamp: 50, body: Bytes::from_static(&[0x17]) };
    assert_eq!(client.poll_output(), ClientOutput::Event(media));
}

#[test]
fn a_relay_is_told_to_the_server_by_its_number() {
    for relay in [None, Some(7), Some(u128::MAX)] {
        let config = ClientConfig { relay, ..ClientConfig::new(Purpose::Publish, "live", "kunci") };
        let (mut server, mut client, now) = pair(config);
        run(&mut server, &mut client, now);
        assert_eq!(server.connected().expect("connected").relay, relay);
    }
}

#[test]
fn a_server_that_does_not_know_the_commands_before_publish_is_no_failure() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    run(&mut server, &mut client, now);
    for (transaction, told) in [(2.0, false), (3.0, false), (4.0, true)] {
        let body = command::encode("_error", transaction, &[Value::Null, Value::Null]);
        let mut bytes = Vec::new();
        crate::chunk::write_message(3, 0, kind::COMMAND_AMF0, 0, &body, 65_536, &mut bytes);
        client.handle_input(now, &bytes).expect("rtmp");
        assert_eq!(matches!(client.poll_output(), ClientOutput::Event(_)), told, "{transaction}");
    }
}

#[test]
fn media_may_be_sent_on_the_stream_that_the_server_made_once_it_said_start() {
    let (mut server, mut client, now) = pair(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    run(&mut server, &mut client, now);
    assert_eq!(client.media_stream_id(), None);
    server.accept_publish(1);
    run(&mut server, &mut client, now);
    assert_eq!(client.media_stream_id(), Some(1));
    client.finish();
    assert_eq!(client.media_stream_id(), None);
}
