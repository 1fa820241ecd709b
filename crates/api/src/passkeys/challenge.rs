//! A challenge between being given out and being answered. It is with who asked for it, signed: nothing is kept here for
//! strangers, and any server on the same database takes the answer. That it was answered is kept then
//! ([`control::passkeys::Answered`]).

use control::passkeys::{Answered, CHALLENGE_MS};
use control::secrets::{Secret, SecretName};
use control::{KeyHash, RepositoryError, UserId, Uuid, keys as control_keys};
use media::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{State, seal};

/// What is signed.
const KIND: &str = "passkey challenge";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// To whom a passkey is added by it. `None`: somebody signs in by it.
    adds_to: Option<Uuid>,
    /// What the answer is verified with, see [`super::ceremony`].
    pub(crate) state: String,
    /// When it ends.
    pub expires_ms: i64,
}

/// The keys that sign challenges, newest first.
///
/// # Errors
/// What the repository says.
pub async fn keys(state: &State) -> Result<Vec<Secret>, RepositoryError> {
    state.repository.secrets(SecretName::Passkey, &control_keys::generate(), state.now()).await
}

impl Challenge {
    pub(crate) fn new(adds_to: Option<UserId>, state: String, now: UnixMillis) -> Self {
        Self { adds_to: adds_to.map(|user| user.0), state, expires_ms: now.0 + CHALLENGE_MS }
    }

    /// As text, for who asked for it.
    #[must_use]
    pub fn sealed(&self, keys: &[Secret]) -> String {
        seal::seal(keys, KIND, self)
    }

    /// From that text, if it was given out for this and has not ended.
    #[must_use]
    pub fn open(sealed: &str, keys: &[Secret], adds_to: Option<UserId>, now: UnixMillis) -> Option<Self> {
        let challenge: Self = seal::open(keys, KIND, sealed)?;
        let is_for_this = challenge.adds_to == adds_to.map(|user| user.0);
        (is_for_this && now.0 < challenge.expires_ms).then_some(challenge)
    }

    /// That it was answered.
    pub(crate) fn answered(&self) -> Answered {
        Answered { challenge: KeyHash::of(&self.state), expires: UnixMillis(self.expires_ms) }
    }
}

#[cfg(test)]
mod tests {
    use media::Redacted;

    use super::*;

    #[test]
    fn a_challenge_is_for_one_purpose_and_one_person_and_for_five_minutes() {
        let keys = [Secret { kid: 1, value: Redacted("a".to_owned()), created: UnixMillis(0) }];
        let (me, other) = (UserId::new(UnixMillis(1)), UserId::new(UnixMillis(2)));
        for adds_to in [None, Some(me)] {
            let challenge = Challenge::new(adds_to, "keadaan".to_owned(), UnixMillis(1_000));
            let sealed = challenge.sealed(&keys);
            let open = |adds_to, now| Challenge::open(&sealed, &keys, adds_to, UnixMillis(now));
            assert_eq!(open(adds_to, 300_999), Some(challenge));
            assert_eq!(open(adds_to, 301_000), None, "too late");
            assert_eq!(open(if adds_to.is_some() { None } else { Some(me) }, 1_000), None, "for something else");
            assert_eq!(open(Some(other), 1_000), None, "for somebody else");
        }
    }
}
