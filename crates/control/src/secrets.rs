//! The server's own secrets: what it signs with. Kept in the database, so that every server of it signs alike.

use media::{Redacted, UnixMillis};

use crate::{BoxFuture, RepositoryError};

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretName {
    /// Playback tokens ([`crate::playback`]).
    Playback,
    /// Addresses of calendars.
    Calendar,
    /// Sign-ins that were begun at an identity provider.
    Oidc,
    /// Challenges that passkeys answer.
    Passkey,
    /// Keys of rooms, as livego answers them.
    Livego,
    /// Who the server is to push services (RFC 8292).
    Vapid,
}

impl SecretName {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Playback, Self::Calendar, Self::Oidc, Self::Passkey, Self::Livego, Self::Vapid];

    /// The word in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Playback => "playback",
            Self::Calendar => "calendar",
            Self::Oidc => "oidc",
            Self::Passkey => "passkey",
            Self::Livego => "livego",
            Self::Vapid => "vapid",
        }
    }

    /// Whether another key can take over. Devices subscribe to pushes for one key (RFC 8292 section 4.2): with another one
    /// push services refuse what is sent to all of them.
    #[must_use]
    pub fn is_rotated(self) -> bool {
        match self {
            Self::Playback | Self::Calendar | Self::Oidc | Self::Passkey | Self::Livego => true,
            Self::Vapid => false,
        }
    }
}

/// The text is no name of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of playback, calendar, oidc, passkey, livego, vapid")]
pub struct SecretNameError;

impl std::str::FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or(SecretNameError)
    }
}

/// One key of a name. The newest that is not retired signs; all that are not retired verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Which of its name: rises with each.
    pub kid: i64,
    /// The key.
    pub value: Redacted<String>,
    /// When it was made.
    pub created: UnixMillis,
}

/// What may be told of a key: all but its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSeen {
    /// What it is for, as it stands in the database: a newer version may have made it for something unknown here.
    pub name: String,
    /// Which of its name.
    pub kid: i64,
    /// When it was made.
    pub created: UnixMillis,
    /// Since when nothing is verified with it.
    pub retired: Option<UnixMillis>,
}

/// Which keys of a name are retired. Never the newest, which signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// The oldest that is not retired.
    Oldest,
    /// All but the newest.
    All,
}

/// The secrets. What is changed of them is no [`crate::Change`]: servers read those that they hold in memory every few
/// seconds, and what a retired key signed is refused by the key that is missing ([`crate::Directory`]), wherever it was shown.
pub trait SecretRepository: Send + Sync {
    /// Those of `name` that are not retired, newest first. If there is none, `fresh` becomes the first: of servers that ask
    /// at once, all get the same.
    fn secrets<'a>(
        &'a self,
        name: SecretName,
        fresh: &'a Redacted<String>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Secret>, RepositoryError>>;

    /// All there are, retired ones too, without their values: by name, newest first.
    fn secrets_seen(&self) -> BoxFuture<'_, Result<Vec<SecretSeen>, RepositoryError>>;

    /// Makes `value` the newest key of `name`, and notes that. Answers its `kid`.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`]: `name` has no key yet, and gets its first when it is needed.
    fn rotate_secret<'a>(
        &'a self,
        name: SecretName,
        value: &'a Redacted<String>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<i64, RepositoryError>>;

    /// Retires older keys of `name`, and notes that. Answers their `kid`s, oldest first; none if there is no older one.
    fn retire_secrets(
        &self,
        name: SecretName,
        which: Older,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<i64>, RepositoryError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_their_text_and_the_error_tells_them_all() {
        for name in SecretName::ALL {
            assert_eq!(name.as_str().parse(), Ok(*name));
            assert!(SecretNameError.to_string().contains(name.as_str()), "{name:?}");
        }
        assert_eq!("Playback".parse::<SecretName>(), Err(SecretNameError));
    }
}
