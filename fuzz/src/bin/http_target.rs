//! Paths of HTTP requests: every path means something, and nothing of a name that could leave its folder comes out of it.
//! Covers: gateway::routes::target.
#![no_main]

// Included rather than depended on: the gateway brings runtime, TLS and database along, and this file needs none of it.
#[allow(dead_code)]
#[rustfmt::skip]
#[path = "../../../crates/gateway/src/routes/target.rs"]
mod target;

use libfuzzer_sys::fuzz_target;
use target::Target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (signature, rest) = target::split_signed(text);
    assert!(signature.is_none_or(|signature| !signature.contains('/')));
    match target::parse(rest) {
        Target::Watch(path) => assert!(!path.to_string().contains(['.', '\\', '%', '\0'])),
        Target::Asset(file) => assert!(!file.contains('/'), "{file:?}"),
        _ => {}
    }
});
