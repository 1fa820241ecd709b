//! MP4 files as `recording verify` reads them, from memory and through a reader alike.
//! Covers: formats::container::mp4.
#![no_main]

use std::io::Cursor;

use formats::container::mp4::{verify, verify_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = verify(bytes, bytes.len() as u64);
    let _ = verify(bytes, u64::MAX);
    let _ = verify_file(&mut Cursor::new(bytes));
});
