//! AMF0 values: what decodes is encoded again to the same values.
//! Covers: formats::amf, formats::amf::amf0.
#![no_main]

use formats::amf::{Limits, amf0};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = amf0::decode_one(bytes);
    let Ok(values) = amf0::decode_all(bytes, &Limits::DEFAULT) else { return };
    let mut again = Vec::new();
    for value in &values {
        value.encode(&mut again);
    }
    let limits = Limits { values_max: usize::MAX, text_bytes_max: usize::MAX, ..Limits::DEFAULT };
    let decoded = amf0::decode_all(&again, &limits).expect("what was encoded decodes");
    // By text: a number may be NaN, which equals nothing.
    assert_eq!(format!("{decoded:?}"), format!("{values:?}"));
});
