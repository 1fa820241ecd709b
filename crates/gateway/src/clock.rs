//! The two clocks, read here and nowhere else in the crate's logic.

use std::time::{SystemTime, UNIX_EPOCH};

use media::UnixMillis;

/// The server's wall clock.
#[must_use]
pub fn wall_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
