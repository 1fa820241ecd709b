//! Requests that are sent twice and done once.

use media::UnixMillis;

use crate::{BoxFuture, KeyHash, RepositoryError, UserId};

/// How long a key is remembered: a day, as the API promises.
pub const REMEMBERED_MS: i64 = 24 * 3_600_000;

/// Keys that are remembered of one person at once, the newest; a mentor who moderates a lesson all evening has as many.
pub const KEYS_MAX: i64 = 1_000;

/// How long a request may be at work. None takes this long; one that has not ended by then was lost with its server, and
/// nobody knows how far it came.
pub const WORKED_ON_MS: i64 = 60_000;

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status. 500 and more: it failed, and nobody knows how far it came.
    pub status: u16,
    /// JSON. `None`: it held a secret, or was too long.
    pub body: Option<String>,
}

/// What is known of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is yours to do, and noted as begun.
    Yours,
    /// It was done.
    Done(KeptAnswer),
    /// It is being done, since then.
    WorkedOn(UnixMillis),
    /// The key stands for another request.
    Another,
}

/// The keys.
pub trait IdempotencyRepository: Send + Sync {
    /// Notes a request as begun, or says what is known of its key. What is done and older than the [`KEYS_MAX`] newest of the
    /// person is forgotten. Of those that ask at once, one gets [`Begun::Yours`].
    fn begin_request<'a>(
        &'a self,
        user: UserId,
        key: &'a str,
        request: KeyHash,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Begun, RepositoryError>>;

    /// Keeps the answer; `None` forgets the key: nothing was done.
    fn end_request<'a>(
        &'a self,
        user: UserId,
        key: &'a str,
        answer: Option<&'a KeptAnswer>,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Forgets keys older than [`REMEMBERED_MS`].
    fn forget_requests(&self, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 of A-Z a-z 0-9 _ -")]
pub struct KeyError;

/// The key that a client chose.
///
/// # Errors
/// [`KeyError`].
pub fn key(text: &str) -> Result<&str, KeyError> {
    let good = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if good { Ok(text) } else { Err(KeyError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_plain() {
        let long = "k".repeat(65);
        for (text, good) in [
            ("a", true),
            ("2026-11_28", true),
            (&long[..64], true),
            ("", false),
            (&long, false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(key(text).is_ok(), good, "{text}");
        }
    }
}
