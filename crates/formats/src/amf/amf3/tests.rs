//! AMF3: examples from the specification's rules, references, and hostile bytes.

mod generated;

use proptest::prelude::*;

use super::*;

fn one(bytes: &[u8]) -> Result<Value, AmfError> {
    decode_one(bytes).map(|(value, taken)| {
        assert_eq!(taken, bytes.len(), "all bytes are the value's");
        value
    })
}

#[test]
fn integers_are_29_bits_with_a_sign() {
    assert_eq!(one(b"\x04\x00"), Ok(Value::Number(0.0)));
    assert_eq!(one(b"\x04\x7f"), Ok(Value::Number(127.0)));
    assert_eq!(one(b"\x04\x81\x00"), Ok(Value::Number(128.0)));
    assert_eq!(one(b"\x04\xbf\xff\xff\xff"), Ok(Value::Number(268_435_455.0)));
    assert_eq!(one(b"\x04\xc0\x80\x80\x00"), Ok(Value::Number(-268_435_456.0)));
    assert_eq!(one(b"\x04\xff\xff\xff\xff"), Ok(Value::Number(-1.0)));
}

#[test]
fn simple_values_decode() {
    assert_eq!(one(b"\x00"), Ok(Value::Undefined));
    assert_eq!(one(b"\x01"), Ok(Value::Null));
    assert_eq!(one(b"\x02"), Ok(Value::Boolean(false)));
    assert_eq!(one(b"\x03"), Ok(Value::Boolean(true)));
    assert_eq!(one(b"\x05\x3f\xf0\0\0\0\0\0\0"), Ok(Value::Number(1.0)));
    assert_eq!(one(b"\x06\x07foo"), Ok(Value::from("foo")));
    assert_eq!(one(b"\x0b\x09<a/>"), Ok(Value::XmlDocument("<a/>".into())));
    assert_eq!(one(b"\x08\x01\x3f\xf0\0\0\0\0\0\0"), Ok(Value::Date { millis: 1.0 }));
    assert_eq!(one(b"\x0c\x07abc"), Ok(Value::Undefined), "byte arrays are skipped");
    assert_eq!(one(b"\x12"), Err(AmfError::Marker { marker: 0x12, at: 0 }));
}

#[test]
fn strings_sent_before_are_referred_to_by_index() {
    let values = decode_all(b"\x06\x07foo\x06\x01\x06\x07bar\x06\x02\x06\x00", &Limits::DEFAULT).expect("valid");
    let texts: Vec<_> = values.iter().filter_map(Value::as_str).collect();
    assert_eq!(texts, ["foo", "", "bar", "bar", "foo"], "the empty string takes no index");
    assert!(matches!(one(b"\x06\x02"), Err(AmfError::Reference { index: 1, .. })));
}

#[test]
fn a_dynamic_object_of_no_class_is_an_object() {
    let value = one(b"\x0a\x0b\x01\x07app\x06\x09live\x03n\x04\x03\x01").expect("valid");
    assert_eq!(value, Value::object([("app", Value::from("live")), ("n", Value::Number(3.0))]));
}

#[test]
fn traits_sent_before_are_referred_to_by_index() {
    // two objects of class "P" with the sealed member "x": traits inline, then by reference
    let values = decode_all(b"\x0a\x13\x03P\x03x\x04\x01\x0a\x01\x04\x02", &Limits::DEFAULT).expect("valid");
    let of = |x| Value::TypedObject { class: "P".into(), properties: vec![("x".into(), Value::Number(x))] };
    assert_eq!(values, [of(1.0), of(2.0)]);
    assert!(matches!(one(b"\x0a\x05"), Err(AmfError::Reference { index: 1, .. })));
}

#[test]
fn arrays_are_dense_or_associative() {
    assert_eq!(one(b"\x09\x05\x01\x04\x01\x04\x02"), Ok(Value::StrictArray(vec![1.0.into(), 2.0.into()])));
    assert_eq!(
        one(b"\x09\x03\x03a\x03\x01\x02"),
        Ok(Value::ecma_array([("a", Value::Boolean(true)), ("0", Value::Boolean(false))]))
    );
    assert_eq!(one(b"\x09\x02"), Ok(Value::Undefined), "an object reference");
}

#[test]
fn vectors_and_dictionaries_decode() {
    assert_eq!(one(b"\x0d\x03\x00\xff\xff\xff\xff"), Ok(Value::StrictArray(vec![Value::Number(-1.0)])));
    assert_eq!(one(b"\x0e\x03\x00\xff\xff\xff\xff"), Ok(Value::StrictArray(vec![Value::Number(4_294_967_295.0)])));
    assert_eq!(one(b"\x0f\x03\x00\x3f\xf0\0\0\0\0\0\0"), Ok(Value::StrictArray(vec![Value::Number(1.0)])));
    assert_eq!(one(b"\x10\x03\x00\x01\x03"), Ok(Value::StrictArray(vec![Value::Boolean(true)])));
    assert_eq!(
        one(b"\x11\x05\x00\x06\x03k\x03\x04\x01\x02"),
        Ok(Value::object([("k", Value::Boolean(true))])),
        "a pair whose key is no text is left out"
    );
}

#[test]
fn flex_collections_are_their_content_and_other_externalizable_classes_an_error() {
    let mut bytes = b"\x0a\x07\x43flex.messaging.io.ArrayCollection".to_vec();
    bytes.extend_from_slice(b"\x09\x03\x01\x03");
    assert_eq!(one(&bytes), Ok(Value::StrictArray(vec![Value::Boolean(true)])));
    assert!(matches!(one(b"\x0a\x07\x03X\x01"), Err(AmfError::Externalizable { .. })));
}

#[test]
fn deep_nesting_is_refused() {
    for unit in [&b"\x09\x03\x01"[..], b"\x0a\x0b\x01\x03a", b"\x11\x03\x00", b"\x10\x03\x00\x01"] {
        assert!(matches!(decode_one(&unit.repeat(20_000)), Err(AmfError::TooDeep { .. })), "{unit:?}");
    }
}

#[test]
fn counts_beyond_the_bytes_are_refused() {
    for bytes in [
        &b"\x09\xff\xff\xff\xff\x01"[..],
        b"\x0d\xff\xff\xff\xff\x00",
        b"\x10\xff\xff\xff\xff\x00\x01",
        b"\x11\xff\xff\xff\xff\x00",
        b"\x0a\xff\xff\xff\xfb\x01",
    ] {
        assert!(matches!(decode_one(bytes), Err(AmfError::TooMany { .. })), "{bytes:?}");
    }
}

#[test]
fn a_text_referred_to_many_times_counts_each_time() {
    let mut bytes = b"\x06\x84\x01".to_vec(); // 256 bytes inline
    bytes.extend_from_slice(&[b'a'; 256]);
    bytes.extend_from_slice(&b"\x06\x00".repeat(5_000));
    assert!(matches!(decode_all(&bytes, &Limits::DEFAULT), Err(AmfError::TooLong { .. })));
}

proptest! {
    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_all(&bytes, &Limits::DEFAULT);
    }

    #[test]
    fn any_structured_bytes_give_a_value_or_an_error(
        bytes in prop::collection::vec(prop_oneof![0u8..0x14, Just(0x0Bu8), Just(0x61), Just(0xFF)], 0..300)
    ) {
        let _ = decode_all(&bytes, &Limits::DEFAULT);
    }
}
