//! AMF3 values.
//! Covers: formats::amf::amf3.
#![no_main]

use formats::amf::{Limits, amf3};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((_, used)) = amf3::decode_one(bytes) {
        assert!(used <= bytes.len(), "a value cannot use more bytes than there are");
    }
    let _ = amf3::decode_all(bytes, &Limits::DEFAULT);
});
