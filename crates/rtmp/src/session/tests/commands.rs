//! `connect` in all its forms, and the small commands that encoders send around `publish`.

use super::*;

fn connected_with(object: Value) -> (Raw, Option<Connect>) {
    let mut raw = Raw::new();
    raw.command(0, "connect", 1.0, &[object]);
    let connect = raw.server.connected().cloned();
    (raw, connect)
}

#[test]
fn the_application_is_found_in_every_form_of_path() {
    let cases = [
        ("live", "rtmp://h/live", "live", None, None),
        ("live/", "rtmp://h/live/", "live", None, None),
        ("/live", "rtmp://h/live", "live", None, None),
        ("live?sign=1-a", "rtmp://h/live?sign=1-a", "live", None, Some("sign=1-a")),
        ("live/?sign=1-a", "", "live", None, Some("sign=1-a")),
        ("live", "rtmp://h/live?sign=1-a/", "live", None, Some("sign=1-a")),
        ("live/kelas", "rtmp://h/live/kelas", "live", Some("kelas"), None),
        ("live/_definst_", "rtmp://h/live/_definst_", "live", None, None),
        ("live/kelas/", "", "live", Some("kelas"), None),
        ("live/a/b?c=d", "", "live", Some("a/b"), Some("c=d")),
        ("", "rtmp://h:1935/live/kelas?c=d", "live", Some("kelas"), Some("c=d")),
        ("/", "rtmp://h/live", "live", None, None),
        ("live?", "", "live", None, None),
        ("stream", "not a url", "stream", None, None),
    ];
    for (app, tc_url, expected, instance, query) in cases {
        let object = Value::object([("app", app.into()), ("tcUrl", tc_url.into())]);
        let connect = connected_with(object).1.expect("connected");
        let text = |value: &Option<Redacted<String>>| value.as_ref().map(|text| text.0.clone());
        assert_eq!(connect.app, expected, "{app}");
        assert_eq!(text(&connect.instance).as_deref(), instance, "{app}");
        assert_eq!(text(&connect.query).as_deref(), query, "{app} {tc_url}");
    }
}

#[test]
fn a_connect_without_an_application_is_rejected_not_fatal_to_us() {
    for values in [
        vec![],
        vec![Value::Null],
        vec![Value::Undefined],
        vec!["text".into()],
        vec![Value::object([])],
        vec![Value::object([("app", Value::Null), ("tcUrl", Value::Null)])],
        vec![Value::object([("app", 5.0.into()), ("tcUrl", "rtmp://h".into())])],
        vec![Value::object([("app", "?a=b".into()), ("tcUrl", "".into())])],
        vec![Value::object([("app", "x".repeat(2000).into())])],
        vec![connect_object("live"), Value::Null],
    ] {
        let accepted = values.len() == 2;
        let mut raw = Raw::new();
        raw.command(0, "connect", 1.0, &values);
        assert_eq!(raw.closed, !accepted, "{values:?}");
        if accepted {
            continue;
        }
        assert_eq!(raw.codes(), ["NetConnection.Connect.Rejected"]);
        assert_eq!((raw.commands()[0].0.as_str(), raw.commands()[0].1), ("_error", 1.0));
        assert_eq!(raw.server.ended(), Some(&Ended::ConnectRejected));
        assert!(raw.events.is_empty());
    }
}

#[test]
fn nulls_beside_the_application_are_taken_as_not_said() {
    let null = |key| (key, Value::Null);
    let object = Value::object([
        ("app", "live".into()),
        null("tcUrl"),
        null("flashVer"),
        null("objectEncoding"),
        null("capsEx"),
        null("fourCcList"),
        null("videoFourCcInfoMap"),
    ]);
    let connect = connected_with(object).1.expect("connected");
    assert_eq!((connect.object_encoding, connect.caps_ex, connect.fourccs.len()), (0, 0, 0));
}

#[test]
fn connect_is_answered_as_rtmp_has_it() {
    let (raw, _) = connected_with(connect_object("live"));
    let controls = raw.controls();
    assert!(matches!(
        controls[..],
        [Control::WindowAckSize(_), Control::SetPeerBandwidth { .. }, Control::SetChunkSize(65_536)]
    ));
    let (name, transaction, values) = &raw.commands()[0];
    assert_eq!((name.as_str(), *transaction), ("_result", 1.0));
    assert_eq!(values[1].get("code").and_then(Value::as_str), Some("NetConnection.Connect.Success"));
    assert_eq!(values[1].get("objectEncoding").and_then(Value::as_f64), Some(0.0));
    assert!(values[1].get("capsEx").is_none(), "nothing enhanced for a client that said nothing");
}

#[test]
fn enhanced_clients_are_told_what_is_forwarded() {
    for said in [
        ("capsEx", Value::Number(1.0)),
        ("fourCcList", Value::StrictArray(vec!["hvc1".into(), "av01".into(), "toolong".into(), 5.0.into()])),
        ("videoFourCcInfoMap", Value::object([("*", 4.0.into())])),
        ("audioFourCcInfoMap", Value::object([("Opus", 1.0.into())])),
    ] {
        let (raw, connect) = connected_with(Value::object([("app", "live".into()), said.clone()]));
        let connect = connect.expect("connected");
        let fourccs: Vec<&str> = connect.fourccs.iter().map(String::as_str).collect();
        match said.0 {
            "capsEx" => assert!(connect.reconnect_supported),
            "fourCcList" => assert_eq!(fourccs, ["hvc1", "av01"]),
            "videoFourCcInfoMap" => assert_eq!(fourccs, ["*"]),
            _ => assert_eq!(fourccs, ["Opus"]),
        }
        for object in &raw.commands()[0].2 {
            assert_eq!(object.get("capsEx").and_then(Value::as_f64), Some(15.0));
            let list = object.get("fourCcList").and_then(Value::as_array).expect("a list");
            for fourcc in ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", "fLaC", ".mp3"] {
                assert!(list.contains(&fourcc.into()), "{fourcc}");
            }
            let map = object.get("videoFourCcInfoMap").expect("a map");
            assert_eq!(map.get("av01").and_then(Value::as_f64), Some(4.0));
        }
    }
}

#[test]
fn a_client_that_lists_codecs_without_end_is_not_remembered_in_full() {
    let many = (0..5000).map(|n| format!("{n:04}").as_str().into()).collect();
    let connect = connected_with(Value::object([("app", "live".into()), ("fourCcList", Value::StrictArray(many))])).1;
    assert_eq!(connect.expect("connected").fourccs.len(), 32);
}

#[test]
fn a_second_connect_is_ignored() {
    let mut raw = Raw::connected();
    raw.clear();
    raw.command(0, "connect", 2.0, &[connect_object("lain")]);
    raw.command(0, "connect", 3.0, &[Value::Null]);
    assert!(!raw.closed && raw.sent.is_empty());
    assert_eq!(raw.server.connected().map(|connect| connect.app.as_str()), Some("live"));
    assert_eq!(raw.events, [Event::Malformed { what: "connect that names nothing" }]);
}

#[test]
fn commands_before_connect_are_ignored() {
    let mut raw = Raw::new();
    for name in ["createStream", "publish", "play", "deleteStream", "FCPublish", "releaseStream"] {
        raw.command(0, name, 1.0, &[Value::Null, "kunci".into()]);
    }
    assert!(raw.events.is_empty() && raw.sent.is_empty());
    assert_eq!(raw.server.counters().commands_ignored, 6);
}

#[test]
fn small_commands_get_the_answers_that_encoders_wait_for() {
    let mut raw = Raw::connected();
    raw.clear();
    raw.command(0, "releaseStream", 2.0, &[Value::Null, SECRET.into()]);
    raw.command(0, "FCPublish", 3.0, &[Value::Null, SECRET.into()]);
    raw.command(0, "createStream", 4.0, &[Value::Null]);
    raw.command(0, "createStream", 5.0, &[Value::Null]);
    raw.command(0, "_checkbw", 6.0, &[Value::Null]);
    raw.command(0, "getStreamLength", 7.0, &[Value::Null, SECRET.into()]);
    raw.command(0, "FCSubscribe", 0.0, &[Value::Null, SECRET.into()]);
    let said: Vec<(String, f64)> = raw.commands().into_iter().map(|(name, id, _)| (name, id)).collect();
    let expected = [
        ("_result", 2.0),
        ("_result", 3.0),
        ("onFCPublish", 0.0),
        ("_result", 4.0),
        ("_result", 5.0),
        ("_result", 6.0),
        ("_result", 7.0),
        ("onFCSubscribe", 0.0),
    ];
    assert_eq!(said, expected.map(|(name, id)| (name.to_owned(), id)));
    let ids: Vec<_> = raw.commands().iter().filter_map(|(_, _, values)| values.get(1)?.as_f64()).collect();
    assert_eq!(ids, [1.0, 1.0, 0.0], "the shared stream each time, and a length of zero");
}

#[test]
fn a_connection_in_use_gets_other_streams() {
    let mut raw = Raw::publishing();
    raw.command(0, "createStream", 4.0, &[Value::Null]);
    raw.command(0, "createStream", 5.0, &[Value::Null]);
    let ids: Vec<_> = raw.commands().iter().filter_map(|(_, _, values)| values.get(1)?.as_f64()).collect();
    assert_eq!(ids, [2.0, 3.0]);
}

#[test]
fn names_are_put_together_from_where_people_put_them() {
    for (app, name, expected) in [
        ("live", "kunci", "kunci"),
        ("live", "/kunci", "kunci"),
        ("live", "kunci?sign=1-a", "kunci?sign=1-a"),
        ("live?sign=1-a", "kunci", "kunci?sign=1-a"),
        ("live?sign=1-a", "kunci?sign=2-b", "kunci?sign=2-b"),
        ("live/kunci", "", "kunci"),
        ("live/kunci", "?sign=1-a", "kunci?sign=1-a"),
        ("live/kunci?sign=1-a", "", "kunci?sign=1-a"),
        ("live/instance", "kunci", "kunci"),
    ] {
        for command in ["publish", "play"] {
            let mut raw = Raw::new();
            raw.command(0, "connect", 1.0, &[connect_object(app)]);
            raw.command(1, command, 5.0, &[Value::Null, name.into()]);
            assert_eq!(asked_name(&raw.events), Some(expected), "{app} {name}");
        }
    }
}

#[test]
fn names_that_are_none_are_refused_and_the_session_goes_on() {
    let mut raw = Raw::connected();
    raw.clear();
    for name in [Value::Null, "".into(), "/".into(), "?a=b".into(), 5.0.into(), "x".repeat(1025).into()] {
        raw.command(1, "publish", 5.0, &[Value::Null, name]);
    }
    assert_eq!(raw.codes(), ["NetStream.Publish.BadName"; 6]);
    assert!(!raw.closed && raw.events.is_empty());
}

#[test]
fn publish_kinds_are_told_apart() {
    for (argument, expected) in [
        (Value::Undefined, PublishKind::Live),
        ("live".into(), PublishKind::Live),
        ("record".into(), PublishKind::Record),
        ("append".into(), PublishKind::Append),
        ("LIVE".into(), PublishKind::Other),
    ] {
        let mut raw = Raw::connected();
        raw.command(1, "publish", 5.0, &[Value::Null, "kunci".into(), argument]);
        assert!(matches!(raw.events.last(), Some(Event::Publish { kind, .. }) if *kind == expected));
    }
}

#[test]
fn a_command_with_a_broken_tail_keeps_what_was_read() {
    let mut raw = Raw::connected();
    let mut body = command::encode("publish", 5.0, &[Value::Null, "kunci".into(), "live".into()]);
    body.extend_from_slice(&[0x03, 0xFF, 0xFF, 1]);
    raw.message(kind::COMMAND_AMF0, 1, 0, &body);
    assert_eq!(asked_name(&raw.events), Some("kunci"));
}

#[test]
fn commands_may_come_with_the_format_byte_of_amf3() {
    let mut raw = Raw::new();
    let connect = command::encode("connect", 1.0, &[connect_object("live")]);
    raw.message(kind::COMMAND_AMF3, 0, 0, &[&[0], &connect[..]].concat());
    assert!(raw.server.connected().is_some());
    // A string inside that is itself AMF3.
    let mut publish = vec![0];
    publish.extend_from_slice(&command::encode("publish", 5.0, &[Value::Null]));
    publish.extend_from_slice(&[0x11, 0x06, 0x0B]);
    publish.extend_from_slice(b"kunci");
    raw.message(kind::COMMAND_AMF3, 1, 0, &publish);
    assert_eq!(asked_name(&raw.events), Some("kunci"));
}
