//! How fast somebody may be: in a room, at beginning to play, at changing things.

use media::UnixMillis;

/// A token bucket: `burst` at once, then one each `refill_ms`.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Most at once.
    pub burst: i64,
    /// Milliseconds until there is one more.
    pub refill_ms: i64,
}

/// What somebody has used of a [`Rate`]: how long the bucket is from being full. One number, and nothing to be done while
/// nobody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    full_at_ms: i64,
}

impl Bucket {
    /// Takes `n`.
    ///
    /// # Errors
    /// How many milliseconds until they are there.
    pub fn take(&mut self, rate: Rate, n: i64, now: UnixMillis) -> Result<(), i64> {
        let full_at = self.full_at_ms.max(now.0).saturating_add(n.saturating_mul(rate.refill_ms));
        let wait = full_at.saturating_sub(now.0).saturating_sub(rate.burst.saturating_mul(rate.refill_ms));
        if wait > 0 {
            return Err(wait);
        }
        self.full_at_ms = full_at;
        Ok(())
    }

    /// Whether it is as if it had never been used.
    #[must_use]
    pub fn is_full(self, now: UnixMillis) -> bool {
        self.full_at_ms <= now.0
    }
}
