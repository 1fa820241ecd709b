//! People: accounts, roles, and the sessions by which they are known.

use media::{Redacted, UnixMillis};

use crate::{BoxFuture, KeyHash, RepositoryError, SessionId, UserId};

/// What somebody may be. One person may be several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles {
    /// Watches and takes part.
    pub mentee: bool,
    /// Teaches.
    pub mentor: bool,
    /// Runs the server.
    pub operator: bool,
}

impl Roles {
    /// Its words: of `mentee`, `mentor`, `operator`.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let words = [(self.mentee, "mentee"), (self.mentor, "mentor"), (self.operator, "operator")];
        words.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect()
    }

    /// The roles of these words. `None`: one of them is no role.
    #[must_use]
    pub fn of_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut roles = Self::default();
        for word in words {
            match word {
                "mentee" => roles.mentee = true,
                "mentor" => roles.mentor = true,
                "operator" => roles.operator = true,
                _ => return None,
            }
        }
        Some(roles)
    }
}

/// Language of what the server itself says to somebody: notices, mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    /// Indonesian.
    Id,
    /// English.
    En,
}

impl Locale {
    /// BCP 47 tag.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
        }
    }
}

/// The text is no language that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("language is none of id, en")]
pub struct LocaleError;

impl std::str::FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, LocaleError> {
        [Self::Id, Self::En].into_iter().find(|locale| locale.as_str() == text).ok_or(LocaleError)
    }
}

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Never changes, never used again.
    pub id: UserId,
    /// Lower case. Unique.
    pub email: String,
    /// As others see it.
    pub name: String,
    /// For what the server says.
    pub locale: Locale,
    /// IANA name of the time zone, for what the server says.
    pub zone: String,
    /// What they may be.
    pub roles: Roles,
    /// PHC string of argon2id. `None`: signs in by link or by an identity provider.
    pub password: Option<Redacted<String>>,
    /// When the address was confirmed.
    pub verified: Option<UnixMillis>,
    /// Since when they may nothing.
    pub suspended: Option<UnixMillis>,
    /// When the account was made.
    pub created: UnixMillis,
    /// Counts changes, for ETags.
    pub version: i64,
}

/// How a session is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// By a cookie.
    Browser,
    /// By a bearer token.
    Bearer,
}

impl SessionKind {
    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Bearer => "bearer",
        }
    }
}

/// The text is no kind of session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kind of session is none of browser, bearer")]
pub struct SessionKindError;

impl std::str::FromStr for SessionKind {
    type Err = SessionKindError;

    fn from_str(text: &str) -> Result<Self, SessionKindError> {
        [Self::Browser, Self::Bearer].into_iter().find(|kind| kind.as_str() == text).ok_or(SessionKindError)
    }
}

/// One sign-in on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Public name of it.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// How it is shown.
    pub kind: SessionKind,
    /// Of the secret in the cookie or token. The secret itself is nowhere.
    pub secret: KeyHash,
    /// What the device calls itself.
    pub label: String,
    /// When it began.
    pub created: UnixMillis,
    /// When it was last shown, to the minute.
    pub seen: UnixMillis,
    /// When it ends by itself.
    pub expires: UnixMillis,
    /// When it was ended.
    pub revoked: Option<UnixMillis>,
}

impl Session {
    /// Whether it stands at `now`.
    #[must_use]
    pub fn holds(&self, now: UnixMillis) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// Who asks: a person with a session that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person.
    pub user: User,
    /// The session.
    pub session: Session,
}

impl Principal {
    /// The person's id.
    #[must_use]
    pub fn id(&self) -> UserId {
        self.user.id
    }
}

/// People and their sessions.
pub trait PeopleRepository: Send + Sync {
    /// Keeps a new account.
    ///
    /// # Errors
    /// [`RepositoryError::Exists`] if the address has one.
    fn create_user<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// An account.
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<User>, RepositoryError>>;

    /// The account of an address, which is in lower case.
    fn user_by_email<'a>(&'a self, email: &'a str) -> BoxFuture<'a, Result<Option<User>, RepositoryError>>;

    /// Keeps a new session.
    fn create_session<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// The session whose secret has that hash, and its person, whether or not they hold.
    fn principal(&self, secret: KeyHash) -> BoxFuture<'_, Result<Option<Principal>, RepositoryError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_survive_their_words() {
        for bits in 0..8 {
            let roles = Roles { mentee: bits & 1 != 0, mentor: bits & 2 != 0, operator: bits & 4 != 0 };
            assert_eq!(Roles::of_words(roles.words()), Some(roles));
        }
        assert_eq!(Roles::of_words(["mentee", "admin"]), None);
    }

    #[test]
    fn kinds_of_session_survive_their_text() {
        for kind in [SessionKind::Browser, SessionKind::Bearer] {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("cookie".parse::<SessionKind>(), Err(SessionKindError));
    }

    #[test]
    fn locales_survive_their_text() {
        for locale in [Locale::Id, Locale::En] {
            assert_eq!(locale.as_str().parse(), Ok(locale));
        }
        assert_eq!("ID".parse::<Locale>(), Err(LocaleError));
    }
}
