//! What a value gives to those who ask for its parts.

use super::*;

fn each_kind() -> [Value; 11] {
    [
        Value::Number(1.5),
        Value::Boolean(true),
        Value::from("text"),
        Value::object([("k", Value::Null)]),
        Value::ecma_array([("k", Value::Null)]),
        Value::StrictArray(vec![Value::Null]),
        Value::Null,
        Value::Undefined,
        Value::Date { millis: 0.0 },
        Value::XmlDocument("<a/>".into()),
        Value::TypedObject { class: "C".into(), properties: vec![("k".into(), Value::Null)] },
    ]
}

#[test]
fn each_accessor_answers_for_its_kind_alone() {
    let answers = |answer: &dyn Fn(&Value) -> bool| -> Vec<usize> {
        each_kind().iter().enumerate().filter(|(_, value)| answer(value)).map(|(at, _)| at).collect()
    };
    assert_eq!(answers(&|value| value.as_f64() == Some(1.5)), [0]);
    assert_eq!(answers(&|value| value.as_f64().is_some()), [0]);
    assert_eq!(answers(&|value| value.as_bool().is_some()), [1]);
    assert_eq!(answers(&|value| value.as_str().is_some()), [2], "XML is not text that anyone asked for");
    assert_eq!(answers(&|value| value.as_array().is_some()), [5]);
    assert_eq!(answers(&|value| value.properties().is_some()), [3, 4, 10]);
    assert_eq!(answers(&|value| value.get("k") == Some(&Value::Null)), [3, 4, 10]);
    assert_eq!(answers(&|value| value.get("other").is_some()), []);
}

#[test]
fn of_duplicate_keys_the_first_counts() {
    let value = Value::object([("k", Value::Number(1.0)), ("k", Value::Number(2.0))]);
    assert_eq!(value.get("k"), Some(&Value::Number(1.0)));
    assert_eq!(value.properties().map(<[_]>::len), Some(2));
}

#[test]
fn plain_rust_values_become_values() {
    assert_eq!(Value::from(2.0), Value::Number(2.0));
    assert_eq!(Value::from(false), Value::Boolean(false));
    assert_eq!(Value::from("a"), Value::from("a".to_owned()));
}

#[test]
fn every_kind_is_written_and_read_back() {
    for value in each_kind() {
        let mut out = Vec::new();
        value.encode(&mut out);
        assert_eq!(amf0::decode_one(&out), Ok((value, out.len())));
    }
}

#[test]
fn default_limits_are_the_documented_ones() {
    assert_eq!(Limits::default(), Limits::DEFAULT);
    assert_eq!((Limits::DEFAULT.depth_max, Limits::DEPTH_CEILING), (32, 32));
}

#[test]
fn errors_say_what_and_where() {
    let text = |error: AmfError| error.to_string();
    assert_eq!(text(AmfError::Truncated { at: 7 }), "amf value cut off at byte 7");
    assert_eq!(text(AmfError::Marker { marker: 0x12, at: 0 }), "unknown amf marker 0x12 at byte 0");
    assert_eq!(text(AmfError::TooDeep { max: 32, at: 99 }), "amf nesting exceeds 32 levels at byte 99");
    assert_eq!(text(AmfError::Reference { index: 3, at: 5 }), "amf3 reference 3 to nothing at byte 5");
}
