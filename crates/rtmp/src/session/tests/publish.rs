//! Publishing, from `connect` to the last tag.

use super::*;
use crate::wire::MediaKind;

#[test]
fn a_publisher_connects_publishes_and_stops() {
    let mut pair = Pair::new(ClientConfig::new(Purpose::Publish, "live", "kunci?x=1"));
    let Some(Event::Connect(connect)) = pair.server_events.first() else { panic!("connect comes first") };
    assert_eq!((connect.app.as_str(), connect.reconnect_supported), ("live", true));
    assert_eq!(pair.client_events, [ClientEvent::Connected { caps_ex: 0x0F }]);
    let publish = Event::Publish { stream_id: 1, name: Redacted("kunci?x=1".into()), kind: PublishKind::Live };
    assert_eq!(pair.server_events.last(), Some(&publish));
    pair.server.accept_publish(1);
    pair.run();
    assert_eq!(pair.client_events.last(), Some(&ClientEvent::Publishing));
    assert_eq!(pair.client.chunk_size_in(), 65_536);
    pair.server_events.clear();
    pair.client.send_media(MediaKind::Video, 40, &[0x17, 1, 2, 3]);
    pair.client.send_media(MediaKind::Audio, 41, &[0xAF, 1]);
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
    assert_eq!(pair.server.counters(), Counters::default());
}

#[test]
fn the_same_in_amf3_and_with_digests() {
    for scheme in [handshake::digest::Scheme::Zero, handshake::digest::Scheme::One] {
        let config = ClientConfig {
            object_encoding: 3,
            handshake: handshake::Form::Digest(scheme),
            ..ClientConfig::new(Purpose::Publish, "live", "kunci")
        };
        let mut pair = Pair::new(config);
        let Some(Event::Connect(connect)) = pair.server_events.first() else { panic!("connect comes first") };
        assert_eq!(connect.object_encoding, 3);
        assert_eq!(asked_name(&pair.server_events), Some("kunci"));
        pair.server.accept_publish(1);
        pair.run();
        assert_eq!(pair.client_events.last(), Some(&ClientEvent::Publishing));
    }
}

#[test]
fn input_behind_a_publish_waits_for_its_answer() {
    let mut raw = Raw::connected();
    let mut bytes = command_bytes(1, "publish", 5.0, &[Value::Null, "kunci".into()]);
    bytes.extend(message(kind::VIDEO, 1, 0, &[0x17, 0]));
    raw.input(&bytes).expect("legal");
    raw.input(&message(kind::AUDIO, 1, 1, &[0xAF, 0])).expect("legal");
    assert_eq!(raw.events.len(), 2, "connect and publish only: {:?}", raw.events);
    assert!(raw.server.bytes_held() > 20);
    raw.server.accept_publish(1);
    raw.drain();
    assert!(matches!(raw.events[2..], [Event::Video { timestamp: 0, .. }, Event::Audio { timestamp: 1, .. }]));
    assert_eq!(raw.server.bytes_held(), 0);
}

#[test]
fn media_is_refused_until_publishing_is_accepted() {
    let mut raw = Raw::connected();
    raw.message(kind::VIDEO, 1, 0, &[0x17, 0]);
    raw.message(kind::AGGREGATE, 1, 0, &[8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11]);
    raw.message(kind::DATA_AMF0, 1, 0, &[2, 0, 1, b'x']);
    assert_eq!((raw.events.len(), raw.server.counters().media_refused), (1, 3));
    // And again after it ended.
    let mut raw = Raw::publishing();
    raw.command(0, "deleteStream", 0.0, &[Value::Null, 1.0.into()]);
    raw.message(kind::VIDEO, 1, 0, &[0x17, 0]);
    assert_eq!(raw.events, [Event::Unpublish { stream_id: 1 }]);
    assert_eq!(raw.server.counters().media_refused, 1);
}

#[test]
fn a_refused_publisher_is_told_and_closed() {
    for (why, code) in [
        (Reject::Denied, "NetStream.Publish.BadName"),
        (Reject::NotFound, "NetStream.Publish.BadName"),
        (Reject::InUse, "NetStream.Publish.BadName"),
        (Reject::Overloaded, "NetStream.Publish.Failed"),
        (Reject::Failed, "NetStream.Publish.Failed"),
    ] {
        let mut raw = Raw::connected();
        raw.clear();
        let mut bytes = command_bytes(1, "publish", 5.0, &[Value::Null, SECRET.into()]);
        bytes.extend(message(kind::VIDEO, 1, 0, &[0x17, 0]));
        raw.input(&bytes).expect("legal");
        raw.server.reject_publish(1, why);
        raw.drain();
        assert_eq!(raw.codes(), [code]);
        let (_, _, values) = &raw.commands()[0];
        assert_eq!(values[1].get("level").and_then(Value::as_str), Some("error"));
        assert_eq!((raw.closed, raw.server.ended()), (true, Some(&Ended::Rejected)));
        assert_eq!(raw.input(b"anything"), Ok(()), "and no longer listened to");
        assert_eq!(raw.events.len(), 1);
    }
}

#[test]
fn answers_to_what_was_not_asked_do_nothing() {
    let mut raw = Raw::connected();
    raw.clear();
    raw.server.accept_publish(1);
    raw.server.reject_publish(1, Reject::Denied);
    raw.server.accept_play(1);
    raw.server.reject_play(1, Reject::Denied);
    raw.command(7, "publish", 5.0, &[Value::Null, "kunci".into()]);
    raw.server.accept_publish(1);
    raw.server.reject_publish(6, Reject::Denied);
    raw.server.accept_play(7);
    raw.drain();
    assert!(raw.sent.is_empty() && !raw.closed);
    raw.server.accept_publish(7);
    raw.drain();
    assert_eq!(raw.codes(), ["NetStream.Publish.Start"]);
    assert!(raw.answers.iter().any(|message| message.stream_id == 7), "on the stream that asked");
}

#[test]
fn metadata_comes_without_its_wrapping() {
    let mut raw = Raw::publishing();
    let mut metadata = Vec::new();
    for value in [Value::from("onMetaData"), Value::ecma_array([("width", 160.0.into())])] {
        value.encode(&mut metadata);
    }
    let wrapped = [&[2, 0, 13][..], b"@setDataFrame", &metadata].concat();
    raw.message(kind::DATA_AMF0, 1, 3, &wrapped);
    raw.message(kind::DATA_AMF0, 1, 4, &metadata);
    raw.message(kind::DATA_AMF3, 1, 5, &[&[0][..], &wrapped].concat());
    raw.message(kind::DATA_AMF0, 1, 6, &[&[2, 0, 15][..], b"@clearDataFrame", &metadata[..13]].concat());
    let set =
        |timestamp| Event::ScriptData { timestamp, body: Bytes::from(metadata.clone()), name: "onMetaData".into() };
    let cleared = Event::ScriptCleared { name: "onMetaData".into() };
    assert_eq!(raw.events, [set(3), set(4), set(5), cleared]);
}

#[test]
fn amf3_values_in_metadata_become_amf0() {
    let mut raw = Raw::publishing();
    // onMetaData, then the AMF0 marker "AMF3 follows" and the AMF3 integer 5.
    let body = [&[0, 2, 0, 10][..], b"onMetaData", &[0x11, 0x04, 0x05]].concat();
    raw.message(kind::DATA_AMF3, 1, 0, &body);
    let [Event::ScriptData { body, .. }] = &raw.events[..] else { panic!("{:?}", raw.events) };
    let values = amf0::decode_all(body, &formats::amf::Limits::DEFAULT).expect("amf0");
    assert_eq!(values, [Value::from("onMetaData"), Value::Number(5.0)]);
    assert_eq!(body[13], 0, "a plain AMF0 number");
}

#[test]
fn aggregates_are_split_and_their_times_corrected() {
    let mut raw = Raw::publishing();
    let mut body = Vec::new();
    for (type_id, time, content) in
        [(9u8, 0x0100_0010u32, &b"vv"[..]), (8, 0x0100_0024, b"a"), (18, 0x0100_0008, b"\x02\0\x01n")]
    {
        let [t3, t0, t1, t2] = time.to_be_bytes();
        body.extend_from_slice(&[type_id, 0, 0, content.len() as u8, t0, t1, t2, t3, 0, 0, 0]);
        body.extend_from_slice(content);
        body.extend_from_slice(&(11 + content.len() as u32).to_be_bytes());
    }
    raw.message(kind::AGGREGATE, 1, 5000, &body);
    assert_eq!(
        raw.events,
        [
            Event::Video { timestamp: 5000, body: Bytes::from_static(b"vv") },
            Event::Audio { timestamp: 5020, body: Bytes::from_static(b"a") },
            Event::ScriptData { timestamp: 4992, body: Bytes::from_static(b"\x02\0\x01n"), name: "n".into() },
        ]
    );
    // Cut anywhere, the whole tags are kept and the rest is counted.
    for cut in 1..body.len() {
        let mut raw = Raw::publishing();
        raw.message(kind::AGGREGATE, 1, 5000, &body[..cut]);
        let media = raw.events.iter().filter(|event| !matches!(event, Event::Malformed { .. })).count();
        let whole = [13, 13 + 4 + 12, 13 + 4 + 12 + 4 + 15].iter().filter(|&&end| cut >= end).count();
        assert_eq!(media, whole, "cut at {cut}");
    }
}

#[test]
fn an_aggregate_of_too_many_tags_is_cut_short() {
    let mut raw = Raw::publishing();
    let tag = [&[8, 0, 0, 1][..], &[0; 7], &[0xAF], &[0, 0, 0, 12]].concat();
    raw.message(kind::AGGREGATE, 1, 0, &tag.repeat(1025));
    assert_eq!(raw.events.len(), 1025);
    assert_eq!(raw.events[1024], Event::Malformed { what: "aggregate message has too many tags" });
}

#[test]
fn empty_media_keeps_the_line_but_is_no_event() {
    let mut raw = Raw::publishing();
    raw.message(kind::AUDIO, 1, 0, b"");
    raw.message(kind::VIDEO, 1, 0, b"");
    assert_eq!((raw.events.len(), raw.server.counters().media_empty), (0, 2));
}

#[test]
fn a_second_publish_on_a_connection_is_refused_and_the_first_goes_on() {
    let mut raw = Raw::publishing();
    raw.command(2, "publish", 8.0, &[Value::Null, "lain".into()]);
    assert_eq!(raw.codes(), ["NetStream.Publish.BadName"]);
    raw.command(2, "play", 9.0, &[Value::Null, "lain".into()]);
    assert_eq!(raw.codes()[1..], ["NetStream.Play.Failed"]);
    raw.message(kind::VIDEO, 1, 0, &[0x17, 1]);
    assert!(matches!(raw.events[..], [Event::Video { .. }]));
}

#[test]
fn a_connection_can_publish_again_after_it_stopped() {
    for farewell in ["FCUnpublish", "closeStream", "deleteStream"] {
        let mut raw = Raw::publishing();
        raw.command(1, farewell, 6.0, &[Value::Null, if farewell == "deleteStream" { 1.0.into() } else { "x".into() }]);
        assert_eq!(raw.events, [Event::Unpublish { stream_id: 1 }], "{farewell}");
        raw.command(0, "createStream", 7.0, &[Value::Null]);
        raw.command(1, "publish", 8.0, &[Value::Null, "lagi".into()]);
        assert_eq!(asked_name(&raw.events), Some("lagi"));
        raw.server.accept_publish(1);
        raw.drain();
        assert_eq!(raw.codes().last().map(String::as_str), Some("NetStream.Publish.Start"));
    }
}

#[test]
fn a_farewell_for_another_stream_changes_nothing() {
    let mut raw = Raw::publishing();
    raw.command(0, "deleteStream", 0.0, &[Value::Null, 9.0.into()]);
    raw.command(9, "closeStream", 0.0, &[Value::Null]);
    raw.command(0, "deleteStream", 0.0, &[Value::Null, (-1.5).into()]);
    raw.message(kind::VIDEO, 1, 0, &[0x17, 1]);
    assert!(matches!(raw.events[..], [Event::Video { .. }]), "{:?}", raw.events);
}

#[test]
fn a_fenced_publisher_hears_bad_name_and_a_drained_one_hears_why() {
    let cases: [(CloseCode, &[&str]); 3] = [
        (CloseCode::BadName, &["NetStream.Publish.BadName"]),
        (CloseCode::Closed, &["NetStream.Unpublish.Success", "NetConnection.Connect.Closed"]),
        (CloseCode::Shutdown, &["NetStream.Unpublish.Success", "NetConnection.Connect.AppShutdown"]),
    ];
    for (code, told) in cases {
        let mut raw = Raw::publishing();
        raw.server.close(code, "because");
        raw.server.close(CloseCode::Closed, "twice");
        raw.drain();
        assert_eq!(raw.codes(), told);
        assert_eq!((raw.closed, raw.server.ended()), (true, Some(&Ended::Closed(code))));
    }
}

#[test]
fn a_reconnect_request_goes_to_those_who_understand_it() {
    let mut pair = Pair::new(ClientConfig::new(Purpose::Publish, "live", "kunci"));
    pair.server.accept_publish(1);
    assert!(pair.server.request_reconnect(Some("rtmp://lain/live"), "maintenance"));
    pair.run();
    let tc_url = Some(Redacted("rtmp://lain/live".to_owned()));
    assert_eq!(pair.client_events.last(), Some(&ClientEvent::Reconnect { tc_url }));
    assert!(pair.server.request_reconnect(None, "maintenance"));
    pair.run();
    assert_eq!(pair.client_events.last(), Some(&ClientEvent::Reconnect { tc_url: None }));
    assert!(!pair.closed, "the client goes when it is ready");

    let mut raw = Raw::publishing();
    assert!(!raw.server.request_reconnect(None, "maintenance"));
    raw.drain();
    assert!(raw.sent.is_empty());
}

#[test]
fn what_the_client_sends_in_one_chunk_is_not_copied() {
    let mut raw = Raw::publishing();
    let mut bytes = message(kind::SET_CHUNK_SIZE, 0, 0, &65_536u32.to_be_bytes());
    write_message(6, 0, kind::VIDEO, 1, &[0x27; 16_000], 65_536, &mut bytes);
    let bytes = Bytes::from(bytes);
    raw.server.handle_input_shared(raw.now, &bytes).expect("legal");
    raw.drain();
    let [Event::Video { body, .. }] = &raw.events[..] else { panic!("{:?}", raw.events) };
    assert!(bytes.as_ptr_range().contains(&body.as_ptr()));
}
