//! AMF0: recorded commands, round trips, and hostile bytes.

use proptest::prelude::*;

use super::*;

/// A `connect` with the properties that ffmpeg 5.1 sends, in its order.
const CONNECT: &[u8] = b"\x02\x00\x07connect\x00\x3f\xf0\0\0\0\0\0\0\x03\x00\x03app\x02\x00\x04live\
\x00\x04type\x02\x00\x0anonprivate\x00\x08flashVer\x02\x00\x24FMLE/3.0 (compatible; Lavf59.27.100)\
\x00\x05tcUrl\x02\x00\x15rtmp://localhost/live\x00\x00\x09";

fn all(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    decode_all(bytes, &Limits::DEFAULT)
}

#[test]
fn connect_of_ffmpeg_decodes_and_encodes_to_the_same_bytes() {
    let values = all(CONNECT).expect("a recorded command");
    assert_eq!(values.len(), 3);
    assert_eq!(values[0].as_str(), Some("connect"));
    assert_eq!(values[1].as_f64(), Some(1.0));
    assert_eq!(values[2].get("app").and_then(Value::as_str), Some("live"));
    assert_eq!(values[2].get("flashVer").and_then(Value::as_str), Some("FMLE/3.0 (compatible; Lavf59.27.100)"));
    assert_eq!(values[2].get("missing"), None);
    let mut out = Vec::new();
    values.iter().for_each(|value| value.encode(&mut out));
    assert_eq!(out, CONNECT);
}

#[test]
fn every_cut_of_a_command_is_an_error_or_fewer_values() {
    for end in 0..CONNECT.len() {
        match all(&CONNECT[..end]) {
            Ok(values) => assert!([0, 10, 19].contains(&end), "{end}: {values:?}"),
            Err(AmfError::Truncated { at }) => assert!(at <= end),
            Err(other) => panic!("{end}: {other}"),
        }
    }
}

#[test]
fn decode_one_tells_how_far_it_read() {
    assert_eq!(decode_one(CONNECT), Ok((Value::from("connect"), 10)));
    assert_eq!(decode_one(&[]), Err(AmfError::Truncated { at: 0 }));
}

#[test]
fn twenty_thousand_nested_objects_are_refused_without_deep_recursion() {
    for unit in [&b"\x03\x00\x01a"[..], b"\x08\0\0\0\x01\x00\x01a", b"\x0a\0\0\0\x01", b"\x10\x00\x01c\x00\x01a"] {
        let bytes = unit.repeat(20_000);
        assert!(matches!(all(&bytes), Err(AmfError::TooDeep { max: 32, .. })), "{unit:?}");
    }
}

#[test]
fn nesting_up_to_the_limit_is_accepted_and_no_setting_goes_deeper() {
    let nested = |levels: usize| {
        let mut bytes = b"\x0a\0\0\0\x01".repeat(levels);
        bytes.push(NULL);
        bytes
    };
    assert!(all(&nested(32)).is_ok());
    assert!(all(&nested(33)).is_err());
    let reckless = Limits { depth_max: usize::MAX, ..Limits::DEFAULT };
    assert!(decode_all(&nested(33), &reckless).is_err());
    let strict = Limits { depth_max: 1, ..Limits::DEFAULT };
    assert!(decode_all(&nested(1), &strict).is_ok());
    assert_eq!(decode_all(&nested(2), &strict), Err(AmfError::TooDeep { max: 1, at: 10 }));
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused_before_allocation() {
    assert_eq!(all(b"\x0a\xff\xff\xff\xff\x05"), Err(AmfError::TooMany { at: 5 }));
    assert_eq!(all(b"\x0c\xff\xff\xff\xff\x05"), Err(AmfError::Truncated { at: 5 }));
}

#[test]
fn the_number_of_values_and_the_text_are_bounded() {
    let limits = Limits { values_max: 3, text_bytes_max: 4, ..Limits::DEFAULT };
    assert!(decode_all(b"\x05\x05\x05", &limits).is_ok());
    assert_eq!(decode_all(b"\x05\x05\x05\x05", &limits), Err(AmfError::TooMany { at: 3 }));
    assert!(decode_all(b"\x02\x00\x04abcd", &limits).is_ok());
    assert!(matches!(decode_all(b"\x02\x00\x05abcde", &limits), Err(AmfError::TooLong { .. })));
}

#[test]
fn an_ecma_array_ends_at_its_marker_whatever_its_count_says() {
    let values = all(b"\x08\x00\x00\x00\x63\x00\x05width\x00\x40\x94\0\0\0\0\0\0\x00\x00\x09\x05").expect("valid");
    assert_eq!(values, [Value::ecma_array([("width", Value::Number(1280.0))]), Value::Null]);
}

#[test]
fn an_empty_key_that_is_no_end_marker_is_a_property() {
    let values = all(b"\x03\x00\x00\x05\x00\x00\x09").expect("valid");
    assert_eq!(values, [Value::object([("", Value::Null)])]);
}

#[test]
fn rare_types_decode() {
    assert_eq!(all(b"\x07\x00\x01"), Ok(vec![Value::Undefined]));
    assert_eq!(all(b"\x0d\x06"), Ok(vec![Value::Undefined, Value::Undefined]));
    assert_eq!(all(b"\x0b\x42\x77\0\0\0\0\0\0\x01\xe0"), Ok(vec![Value::Date { millis: 1_580_547_964_928.0 }]));
    assert_eq!(all(b"\x0f\0\0\0\x04<a/>"), Ok(vec![Value::XmlDocument("<a/>".into())]));
    assert_eq!(all(b"\x11\x04\x05"), Ok(vec![Value::Number(5.0)]));
    for marker in [0x04, 0x09, 0x0E, 0x12, 0xFF] {
        assert_eq!(all(&[marker]), Err(AmfError::Marker { marker, at: 0 }));
    }
}

#[test]
fn text_that_is_not_utf_8_is_kept_readable() {
    assert_eq!(all(b"\x02\x00\x02a\xff"), Ok(vec![Value::from("a\u{fffd}")]));
}

#[test]
fn long_text_takes_the_long_form_and_a_long_key_is_cut_at_a_character() {
    let text = "é".repeat(40_000);
    let mut out = Vec::new();
    Value::from(text.as_str()).encode(&mut out);
    assert_eq!(out[..5], [LONG_STRING, 0, 1, 0x38, 0x80]);
    assert_eq!(all(&out), Ok(vec![Value::from(text.as_str())]));
    let mut out = Vec::new();
    Value::Object(vec![(text, Value::Null)]).encode(&mut out);
    let values = all(&out).expect("own bytes");
    assert_eq!(values[0].properties().expect("object")[0].0.len(), 65_534);
}

fn arbitrary_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<f64>().prop_filter("compares", |number| !number.is_nan()).prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        ".{0,20}".prop_map(Value::String),
        Just(Value::Null),
        Just(Value::Undefined),
        any::<u32>().prop_map(|n| Value::Date { millis: f64::from(n) }),
        "[a-z]{0,9}".prop_map(Value::XmlDocument),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let pairs = prop::collection::vec(("[a-zA-Z]{1,8}", inner.clone()), 0..6);
        prop_oneof![
            pairs.clone().prop_map(Value::Object),
            pairs.clone().prop_map(Value::EcmaArray),
            ("[A-Z]{1,6}", pairs).prop_map(|(class, properties)| Value::TypedObject { class, properties }),
            prop::collection::vec(inner, 0..6).prop_map(Value::StrictArray),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(value in arbitrary_value()) {
        let mut out = Vec::new();
        value.encode(&mut out);
        prop_assert_eq!(decode_one(&out), Ok((value, out.len())));
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = all(&bytes);
    }

    #[test]
    fn a_mutated_command_gives_a_value_or_an_error(at in 0..CONNECT.len(), byte: u8, to in 0..CONNECT.len()) {
        let mut bytes = CONNECT.to_vec();
        bytes[at] = byte;
        bytes.extend_from_slice(&CONNECT[to..]);
        let _ = all(&bytes);
    }
}
