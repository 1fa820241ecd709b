//! Command bodies as bytes.

use formats::amf::Limits;

use super::*;

fn parse(body: &[u8]) -> Option<Command> {
    Command::parse(&Bytes::copy_from_slice(body))
}

#[test]
fn a_command_is_name_number_and_values() {
    let command = parse(&encode("publish", 5.0, &[Value::Null, "a".into(), 2.0.into()])).expect("a command");
    assert_eq!((command.name.as_str(), command.transaction), ("publish", 5.0));
    assert_eq!(command.object(), Some(&Value::Null));
    assert_eq!((command.text(0), command.number(1), command.arg(2)), (Some("a"), Some(2.0), None));
    assert_eq!((command.text(1), command.number(0)), (None, None), "of the wrong type");
}

#[test]
fn a_command_may_be_only_a_name() {
    let mut body = Vec::new();
    Value::from("close").encode(&mut body);
    let command = parse(&body).expect("a command");
    assert_eq!((command.name.as_str(), command.transaction, command.args.len()), ("close", 0.0, 0));
    assert_eq!(command.object(), None);
}

#[test]
fn a_transaction_that_is_no_number_is_zero() {
    let mut body = Vec::new();
    for value in [Value::from("call"), Value::Null, "x".into()] {
        value.encode(&mut body);
    }
    let command = parse(&body).expect("a command");
    assert_eq!((command.transaction, command.object()), (0.0, Some(&"x".into())));
}

#[test]
fn the_format_byte_is_taken_off_but_not_a_number() {
    let plain = encode("connect", 1.0, &[]);
    assert!(parse(&[&[0], &plain[..]].concat()).is_some());
    assert!(parse(&[&[0, 0], &plain[..]].concat()).is_none(), "a number is no name");
    assert!(parse(&plain[1..]).is_none());
    assert!(parse(&[]).is_none());
}

#[test]
fn only_so_many_values_are_read() {
    let command = parse(&encode("flood", 1.0, &vec![Value::Null; 5000])).expect("a command");
    assert_eq!(command.args.len(), VALUES_MAX - 2);
}

#[test]
fn a_status_has_level_code_and_description() {
    for (level, text) in [(Level::Status, "status"), (Level::Error, "error")] {
        let body = on_status(status(level, "NetStream.Publish.Start", "go"));
        let values = amf0::decode_all(&body, &Limits::DEFAULT).expect("amf0");
        assert_eq!(values[..3], ["onStatus".into(), 0.0.into(), Value::Null]);
        let said = ["level", "code", "description"].map(|key| values[3].get(key).and_then(Value::as_str));
        assert_eq!(said, [Some(text), Some("NetStream.Publish.Start"), Some("go")]);
    }
}

#[test]
fn only_whole_numbers_in_range_are_stream_ids() {
    assert_eq!((stream_id(0.0), stream_id(1.0), stream_id(4_294_967_295.0)), (Some(0), Some(1), Some(u32::MAX)));
    for bad in [-1.0, 0.5, 4_294_967_296.0, f64::NAN, f64::INFINITY] {
        assert_eq!(stream_id(bad), None, "{bad}");
    }
}
