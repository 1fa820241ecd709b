//! What the rules hold true of each crate, in one place.

/// Crates that take time, entropy and bytes as arguments: no clock, socket, file, thread or runtime.
pub const PURE: &[&str] = &["media", "formats", "rtmp", "packager", "hub", "control"];

/// Crates in which a peer's bytes are parsed: no `unwrap`, `expect`, `panic!` or indexing outside tests.
pub const PARSING: &[&str] = &["formats", "rtmp", "packager"];

/// Crates that never ship: their lines count neither as source nor as tests.
pub const EQUIPMENT: &[&str] = &["testkit", "xtask", "benches"];
