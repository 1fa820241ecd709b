//! Paths, ranges and LL-HLS directives of HTTP requests: every path means something, and nothing of a name that could
//! leave its folder comes out of it; a range is never empty and never past the end.
//! Covers: gateway::routes::target, gateway::range, gateway::hls::query.
#![no_main]

// Included rather than depended on: the gateway brings runtime, TLS and database along, and these files need none of it.
#[allow(dead_code)]
#[path = "../../../crates/gateway/src/hls/query.rs"]
#[rustfmt::skip]
mod query;
#[allow(dead_code)]
#[path = "../../../crates/gateway/src/range.rs"]
#[rustfmt::skip]
mod range;
#[allow(dead_code)]
#[path = "../../../crates/gateway/src/routes/target.rs"]
#[rustfmt::skip]
mod target;

use libfuzzer_sys::fuzz_target;
use query::Directives;
use range::Asked;
use target::Target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (signature, _) = target::split_signed(text);
    assert!(signature.is_none_or(|signature| !signature.contains('/')));
    let (carried, rest) = target::split_carried(text);
    assert!(text.starts_with(&carried.prefix()) && text.ends_with(rest));
    assert_eq!(carried.prefix().len() + rest.len(), text.len());
    match target::parse(rest) {
        Target::Watch(path) => assert!(!path.to_string().contains(['.', '\\', '%', '\0'])),
        Target::Asset(file) => assert!(!file.contains('/'), "{file:?}"),
        _ => {}
    }
    for total in [0, 1, 10_000, u64::MAX] {
        if let Asked::Part(part) = range::parse(Some(text), total) {
            assert!(part.start < part.end && part.end <= total);
        }
    }
    let _ = Directives::parse(text);
});
