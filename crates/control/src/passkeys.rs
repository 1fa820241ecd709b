//! Passkeys: keys on people's devices by which they sign in (Web Authentication Level 3, "discoverable credentials").
//!
//! Owns what is kept of them, how many there may be and that a challenge is answered once. Whether an answer is right is the
//! API's to verify, by a library: what that keeps of a key is text here, which nobody else reads.

use media::UnixMillis;

use crate::audit::AuditEntry;
use crate::{BoxFuture, KeyHash, PasskeyId, RepositoryError, UserId};

/// Passkeys of one person: most have one, kept in step over all their devices by the maker of these; this is one for each
/// device and security key of whoever has the most. A device is told of all of them before it adds one, so the list is short.
pub const PASSKEYS_MAX: i64 = 20;

/// Longest name of a passkey, in characters: what fits a line of the list.
pub const PASSKEY_NAME_LENGTH_MAX: usize = 60;

/// How long a challenge may be answered: five minutes, what the standard advises for a device that asks for a finger, a face
/// or a PIN (section 15.1).
pub const CHALLENGE_MS: i64 = 5 * 60_000;

/// What is kept of a passkey. All bytes are in base64url without padding, as browsers write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Ours.
    pub id: PasskeyId,
    /// Whose.
    pub user: UserId,
    /// The credential id, which the device made. Unique.
    pub credential: String,
    /// The public key and what else never changes.
    pub key: String,
    /// What changes with each use: the signature counter, whether there is a copy of the key elsewhere.
    pub state: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created: UnixMillis,
    /// When somebody last signed in with it.
    pub used: Option<UnixMillis>,
}

/// A challenge that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Of the challenge.
    pub challenge: KeyHash,
    /// When it would have ended: until then it is remembered.
    pub expires: UnixMillis,
}

/// A right answer of a passkey, to be kept with the sign-in that it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse<'a> {
    /// Which.
    pub passkey: PasskeyId,
    /// [`Passkey::state`] as it was when the answer was verified: if it has changed since, the answer was not the next one.
    pub before: &'a str,
    /// As it is by the answer.
    pub after: &'a str,
    /// What was answered.
    pub answered: Answered,
}

/// How adding a passkey ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyAdded {
    /// It is kept.
    Done,
    /// The person has [`PASSKEYS_MAX`]: nothing was kept.
    Full,
    /// The challenge was answered before: nothing was kept.
    Answered,
    /// That credential is kept already, for whomever: nothing was kept.
    Known,
}

/// What a passkey is called: what was typed without space around it. `None`: it is empty, too long, or has control characters.
#[must_use]
pub fn passkey_name(typed: &str) -> Option<String> {
    let name = crate::identity::person_name(typed).ok()?;
    (name.chars().count() <= PASSKEY_NAME_LENGTH_MAX).then_some(name)
}

/// The passkeys. One signs in with them by [`Proof::Passkey`](crate::identity::Proof::Passkey).
pub trait PasskeyRepository: Send + Sync {
    /// Those of a person, oldest first.
    fn passkeys(&self, user: UserId) -> BoxFuture<'_, Result<Vec<Passkey>, RepositoryError>>;

    /// The one with that credential id.
    fn passkey<'a>(&'a self, credential: &'a str) -> BoxFuture<'a, Result<Option<Passkey>, RepositoryError>>;

    /// Keeps a new one. Of those that answer the same challenge at once, one is kept.
    fn add_passkey<'a>(
        &'a self,
        passkey: &'a Passkey,
        answered: Answered,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<PasskeyAdded, RepositoryError>>;

    /// Forgets one of that person. Whoever signed in with it stays signed in: that is ended device by device.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if they have none of that id.
    fn remove_passkey<'a>(
        &'a self,
        user: UserId,
        passkey: PasskeyId,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(passkey_name("  Ponsel Ani ").as_deref(), Some("Ponsel Ani"));
        assert_eq!(passkey_name(&"é".repeat(PASSKEY_NAME_LENGTH_MAX)).map(|name| name.chars().count()), Some(60));
        for typed in ["", "  ", "a\nb", "\u{202e}nopel", &"é".repeat(PASSKEY_NAME_LENGTH_MAX + 1)] {
            assert_eq!(passkey_name(typed), None, "{typed:?}");
        }
    }
}
