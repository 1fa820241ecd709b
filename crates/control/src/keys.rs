//! Stream keys: what an encoder is given to publish with.
//!
//! A key is 48 characters of `A-Z a-z 0-9 - _`: 288 bits from the operating system. It is shown once, when it is made, and
//! kept as its SHA-256 only. No slow, salted hash: those buy time against guessing what people choose, and nobody guesses
//! among 2^288 equally likely keys; a fast hash lets every connection be refused at the cost of one table look-up.

use std::fmt;
use std::str::FromStr;

use media::{Redacted, UnixMillis};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Characters of a key. Each carries 6 bits.
pub const KEY_LENGTH: usize = 48;

/// RFC 4648 section 5, so that a key needs no escaping in a URL and fits the grammar of [`media::Name`].
pub(crate) const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A new key or secret.
///
/// # Panics
/// If the operating system has no entropy to give: there is no safe way on.
#[must_use]
pub fn generate() -> Redacted<String> {
    let mut bytes = [0u8; KEY_LENGTH];
    fill(&mut bytes);
    Redacted(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect())
}

/// A random (version 4) UUID.
#[must_use]
pub fn random_id() -> Uuid {
    let mut bytes = [0u8; 16];
    fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A UUID that sorts by `now` (version 7), random in all else.
#[must_use]
pub fn ordered_id(now: UnixMillis) -> Uuid {
    let mut bytes = [0u8; 10];
    fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &bytes).into_uuid()
}

fn fill(bytes: &mut [u8]) {
    SysRng.try_fill_bytes(bytes).expect("the operating system gives random bytes");
}

/// SHA-256 of a key: all that is kept of it. Prints as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of `key`.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key hash is not 64 lower-case hexadecimal digits")]
pub struct KeyHashError;

impl FromStr for KeyHash {
    type Err = KeyHashError;

    fn from_str(text: &str) -> Result<Self, KeyHashError> {
        crate::sign::decode_hex::<32>(text).map(Self).ok_or(KeyHashError)
    }
}

/// One key of a channel, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamKey {
    /// Names the key where the key itself must not stand: logs, lists, revocations.
    pub id: Uuid,
    /// The channel it publishes to.
    pub channel: Uuid,
    /// What people call it; at most [`StreamKey::LABEL_LENGTH_MAX`] characters.
    pub label: String,
    /// Hash of the key.
    pub hash: KeyHash,
    /// When it was made.
    pub created: UnixMillis,
    /// Since when it is refused.
    pub revoked_at: Option<UnixMillis>,
}

impl StreamKey {
    /// Longest label, in characters: enough for "OBS, meeting room 2, second floor" and short enough for a table.
    pub const LABEL_LENGTH_MAX: usize = 100;

    /// A new key for `channel`, and the key itself, which is not to be had again. A label that is too long is cut.
    #[must_use]
    pub fn create(channel: Uuid, label: &str, now: UnixMillis) -> (Self, Redacted<String>) {
        let key = generate();
        let label = label.chars().take(Self::LABEL_LENGTH_MAX).collect();
        let kept = Self { id: random_id(), channel, label, hash: KeyHash::of(&key.0), created: now, revoked_at: None };
        (kept, key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_key_is_48_characters_that_need_no_escaping() {
        let key = generate().0;
        assert_eq!(key.len(), KEY_LENGTH);
        assert!(key.parse::<media::Name>().is_ok());
    }

    #[test]
    fn keys_differ_and_use_the_whole_alphabet() {
        let keys: HashSet<String> = (0..200).map(|_| generate().0).collect();
        assert_eq!(keys.len(), 200);
        let used: HashSet<char> = keys.iter().flat_map(|key| key.chars()).collect();
        assert_eq!(used.len(), 64, "9,600 characters leave none of 64 out by chance");
    }

    #[test]
    fn the_hash_is_sha_256_and_survives_its_text() {
        // FIPS 180-2, appendix B.1.
        let hash = KeyHash::of("abc");
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for bad in ["", "ba", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(bad.parse::<KeyHash>(), Err(KeyHashError));
        }
    }

    #[test]
    fn what_is_kept_of_a_key_does_not_show_it() {
        let (kept, key) = StreamKey::create(random_id(), &"é".repeat(200), UnixMillis(1));
        assert!(!format!("{kept:?}").contains(&key.0));
        assert_eq!(format!("{key:?}"), "[redacted]");
        assert_eq!(kept.hash, KeyHash::of(&key.0));
        assert_eq!(kept.label.chars().count(), StreamKey::LABEL_LENGTH_MAX);
    }
}
