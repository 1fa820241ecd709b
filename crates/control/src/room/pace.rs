//! How fast one person may be.

use media::UnixMillis;

/// A token bucket: `burst` at once, then one each `refill_ms`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Most at once.
    pub(crate) burst: i64,
    /// Milliseconds until there is one more.
    pub(crate) refill_ms: i64,
}

/// What somebody has used of a [`Rate`]: how long the bucket is from being full. One number, and nothing to be done while
/// nobody asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    full_at_ms: i64,
}

impl Bucket {
    /// Takes `n`, or answers how many milliseconds until they are there.
    pub(crate) fn take(&mut self, rate: Rate, n: i64, now: UnixMillis) -> Result<(), i64> {
        let full_at = self.full_at_ms.max(now.0).saturating_add(n.saturating_mul(rate.refill_ms));
        let wait = full_at.saturating_sub(now.0).saturating_sub(rate.burst.saturating_mul(rate.refill_ms));
        if wait > 0 {
            return Err(wait);
        }
        self.full_at_ms = full_at;
        Ok(())
    }

    /// Whether it is as if it had never been used.
    pub(crate) fn is_full(self, now: UnixMillis) -> bool {
        self.full_at_ms <= now.0
    }
}
