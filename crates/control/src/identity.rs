//! Who somebody is: what an address, a name and a password must be, how often one may be wrong, what a one-time link does,
//! and what an identity provider says. And the port for what is kept of it.
//!
//! Knows no hash function of passwords, no HTTP and no mail server. The secrets of links and sessions are made where they
//! are handed out; here and in the database there is only their [`KeyHash`].

pub mod letters;
pub mod password;
pub mod provider;
pub mod throttle;

use std::fmt;

use media::{Redacted, UnixMillis};

use crate::audit::{AuditAction, AuditEntry};
use crate::passkeys::PasskeyUse;
use crate::{BoxFuture, KeyHash, Locale, RepositoryError, Roles, Session, SessionId, User, UserId};
use provider::Assertion;
use throttle::Attempt;

/// How long a sign-in holds after it was last used: a month of holidays.
pub const SESSION_MS: i64 = 30 * DAY_MS;
/// Sign-ins of one person that stand at once; the one longest unused ends first. More devices than anybody has.
pub const SESSIONS_MAX: u32 = 50;
/// How often it is noted that a session was used.
pub const SEEN_MS: i64 = 60_000;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// An e-mail address: lower case, and such that mail can be sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as nama@example.com")]
pub struct EmailError;

impl Email {
    /// Longest address (RFC 5321 section 4.5.3.1.3, less the brackets).
    pub const LENGTH_MAX: usize = 254;

    /// The address that somebody typed. Quoted local parts, address literals and letters beyond ASCII are refused: what
    /// half of the mail servers refuse is no address to lose an account by.
    ///
    /// # Errors
    /// [`EmailError`].
    pub fn of(typed: &str) -> Result<Self, EmailError> {
        let text = typed.trim().to_ascii_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let local_is_good =
            local.len() <= 64 && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
        let label = |part: &str| {
            (1..=63).contains(&part.len())
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let top_is_name = domain.rsplit('.').next().is_some_and(|top| !top.chars().all(|c| c.is_ascii_digit()));
        let good = local_is_good && top_is_name && domain.split('.').all(label) && text.len() <= Self::LENGTH_MAX;
        if good { Ok(Self(text)) } else { Err(EmailError) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// No other server can deliver to it: `operator@localhost`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.0.rsplit('@').next().is_some_and(|domain| domain.contains('.'))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} characters, without control characters", NAME_LENGTH_MAX)]
pub struct NameError;

/// Longest name, in characters: the longest names of people with all their titles.
pub const NAME_LENGTH_MAX: usize = 100;

/// A person's name as others see it: what was typed without space around it. Characters that turn the direction of the text
/// beside them are refused: in a list of people they would reorder others' names.
///
/// # Errors
/// [`NameError`].
pub fn person_name(typed: &str) -> Result<String, NameError> {
    let name = typed.trim();
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let good =
        (1..=NAME_LENGTH_MAX).contains(&name.chars().count()) && !name.chars().any(|c| c.is_control() || turns(c));
    if good { Ok(name.to_owned()) } else { Err(NameError) }
}

/// What a one-time link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkPurpose {
    /// Signs somebody in.
    SignIn,
    /// Lets them choose a new password.
    Reset,
    /// Confirms that an address is theirs, and signs them in.
    Verify,
}

impl LinkPurpose {
    /// Every purpose.
    pub const ALL: &[Self] = &[Self::SignIn, Self::Reset, Self::Verify];

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
            Self::Verify => "verify",
        }
    }

    /// How long it holds. A new password is chosen at once or asked for again; the others may lie in a mailbox overnight.
    #[must_use]
    pub fn lifetime_ms(self) -> i64 {
        match self {
            Self::Reset => HOUR_MS,
            Self::SignIn | Self::Verify => DAY_MS,
        }
    }
}

/// The text is no purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("purpose is none of sign_in, reset, verify")]
pub struct LinkPurposeError;

impl std::str::FromStr for LinkPurpose {
    type Err = LinkPurposeError;

    fn from_str(text: &str) -> Result<Self, LinkPurposeError> {
        Self::ALL.iter().copied().find(|purpose| purpose.as_str() == text).ok_or(LinkPurposeError)
    }
}

/// A one-time link, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeLink {
    /// Of its token.
    pub hash: KeyHash,
    /// Whose.
    pub user: UserId,
    /// What it does.
    pub purpose: LinkPurpose,
    /// When it was made.
    pub created: UnixMillis,
    /// When it ends by itself.
    pub expires: UnixMillis,
}

impl OneTimeLink {
    /// A new one, and its token, which is not to be had again.
    #[must_use]
    pub fn create(user: UserId, purpose: LinkPurpose, now: UnixMillis) -> (Self, Redacted<String>) {
        let token = crate::keys::generate();
        let expires = UnixMillis(now.0 + purpose.lifetime_ms());
        (Self { hash: KeyHash::of(&token.0), user, purpose, created: now, expires }, token)
    }
}

/// Where somebody with these roles opens a link: `/mymentee/link#…` for mentors and operators, `/mymentor/link#…` for
/// mentees. The token stands behind `#`, so that no server, proxy or referrer sees it.
#[must_use]
pub fn link_path(roles: Roles, purpose: LinkPurpose, token: &Redacted<String>) -> Redacted<String> {
    Redacted(format!("{}#{}", link_page(roles, purpose), token.0))
}

/// The page that takes a link of that purpose: `/mymentor/password` chooses a password, `/mymentor/link` signs in.
#[must_use]
pub fn link_page(roles: Roles, purpose: LinkPurpose) -> &'static str {
    match (roles.mentor || roles.operator, purpose) {
        (true, LinkPurpose::Reset) => "/mymentee/password",
        (false, LinkPurpose::Reset) => "/mymentor/password",
        (true, LinkPurpose::SignIn | LinkPurpose::Verify) => "/mymentee/link",
        (false, LinkPurpose::SignIn | LinkPurpose::Verify) => "/mymentor/link",
    }
}

/// Where to go after signing in elsewhere, if it is a path of this server: one that begins with one slash, and has nothing
/// by which a browser would leave.
#[must_use]
pub fn return_path(asked: &str) -> Option<&str> {
    let inside = asked.starts_with('/') && !asked.starts_with("//") && asked.len() <= 512;
    let plain = asked.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>'));
    (inside && plain).then_some(asked)
}

/// What is to be changed of an account. `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// As others see them.
    pub name: Option<String>,
    /// For what the server says.
    pub locale: Option<Locale>,
    /// IANA name.
    pub zone: Option<String>,
    /// What they may be.
    pub roles: Option<Roles>,
    /// They may nothing, or may again.
    pub suspended: Option<bool>,
}

impl UserChange {
    /// The account as it becomes.
    #[must_use]
    pub fn of(&self, user: &User, now: UnixMillis) -> User {
        let suspended = match self.suspended {
            None => user.suspended,
            Some(true) => user.suspended.or(Some(now)),
            Some(false) => None,
        };
        User {
            name: self.name.clone().unwrap_or_else(|| user.name.clone()),
            locale: self.locale.unwrap_or(user.locale),
            zone: self.zone.clone().unwrap_or_else(|| user.zone.clone()),
            roles: self.roles.unwrap_or(user.roles),
            suspended,
            version: user.version + 1,
            ..user.clone()
        }
    }
}

/// What the journal says when an account was `before` and is `after`.
#[must_use]
pub fn entries(before: &User, after: &User, by: Option<UserId>, how: &str, now: UnixMillis) -> Vec<AuditEntry> {
    let mut entries = Vec::new();
    let mut note = |action, detail: &str| entries.push(AuditEntry::about(now, by, action, before.id, detail));
    if before.roles != after.roles {
        let words = |roles: Roles| roles.words().join("+");
        note(AuditAction::RolesChanged, &format!("{how}: {} to {}", words(before.roles), words(after.roles)));
    }
    match (before.suspended, after.suspended) {
        (None, Some(_)) => note(AuditAction::Suspended, how),
        (Some(_), None) => note(AuditAction::Restored, how),
        (None, None) | (Some(_), Some(_)) => {}
    }
    entries
}

/// How a change of an account ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is so now.
    Done(Box<User>),
    /// Somebody else changed it: nothing was done.
    Stale,
    /// Nobody would be left to run the server: nothing was done.
    LastOperator,
}

/// Who signs up, as it is kept with the link that confirms it: nothing of it counts before that is used, as anybody may
/// type anybody's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignUp<'a> {
    /// The account as it is asked for, its password with it.
    pub user: &'a User,
    /// Confirms the address.
    pub link: &'a OneTimeLink,
    /// Of the secret that the browser shows in which the password was typed. The link used elsewhere does not prove that
    /// whoever has the address chose the password, and it is dropped.
    pub browser: KeyHash,
}

/// Sign-ups that wait for one address, each with its link: as many as mails may go to it while a link holds, so that no
/// stranger can push out the one that counts.
pub const SIGN_UPS_MAX: i64 = throttle::MAIL.max as i64 * (DAY_MS / throttle::MAIL.window_ms);

/// By what somebody has shown who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof<'a> {
    /// The password that is kept, as it was when what they typed was compared with it.
    Password(&'a Redacted<String>),
    /// A link, for signing in or confirming an address, which is used up; an address that was not confirmed is so then.
    /// Of those who use it at once, one signs in.
    Link {
        /// Of its token.
        hash: KeyHash,
        /// Of the secret that the browser shows, see [`SignUp::browser`].
        browser: Option<KeyHash>,
    },
    /// A passkey, whose device has signed the challenge.
    Passkey(&'a PasskeyUse<'a>),
    /// What an identity provider says.
    Provider,
}

/// How signing up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedUp {
    /// The account waits for its address to be confirmed with the link.
    Waiting,
    /// The address has an account: nothing was changed, the link is void.
    Exists,
}

/// A sign-in to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn<'a> {
    /// The session.
    pub session: &'a Session,
    /// The session of the same browser that it takes the place of.
    pub replaces: Option<SessionId>,
    /// What the journal says of it.
    pub entry: &'a AuditEntry,
    /// Tries that it makes good, made at the session's begin: those on the account all, those from the address this one.
    pub forgive: &'a [Attempt],
    /// By what right. What does not hold any more begins nothing.
    pub proof: Proof<'a>,
}

/// A new password to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassword<'a> {
    /// Whose.
    pub user: UserId,
    /// PHC string.
    pub password: &'a Redacted<String>,
    /// When.
    pub at: UnixMillis,
    /// The session that goes on; all others end.
    pub keep: Option<SessionId>,
    /// The link that it uses up, for choosing a password; it came by mail, so the address is confirmed.
    pub link: Option<KeyHash>,
    /// What the journal says of it.
    pub entry: &'a AuditEntry,
}

/// Accounts, sign-ins and links. What ends a session also appends a change of kind `revoked` for it.
pub trait IdentityRepository: Send + Sync {
    /// Notes a try on each of the subjects, unless one of them has had its share: then how long to wait, in milliseconds.
    /// Noted before it is known whether the try is right, so that many at once cannot all go ahead.
    fn attempt<'a>(
        &'a self,
        attempts: &'a [Attempt],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<i64>, RepositoryError>>;

    /// Takes back what [`Self::attempt`] noted at `at`, which was right: on the account all, from the address its own.
    fn forgive<'a>(&'a self, attempts: &'a [Attempt], at: UnixMillis) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// As [`Self::attempt`] without noting one: for who has to take a turn before they try.
    fn wait<'a>(
        &'a self,
        attempts: &'a [Attempt],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<i64>, RepositoryError>>;

    /// Keeps an account without password whose address is not confirmed, if there is none, and what was asked for with
    /// its link: beside those that wait already, [`SIGN_UPS_MAX`] of them.
    fn sign_up<'a>(&'a self, sign_up: &'a SignUp<'a>) -> BoxFuture<'a, Result<SignedUp, RepositoryError>>;

    /// The password of the newest sign-up that waits for that person's address. Opens nothing: for telling who knows it what
    /// they wait for.
    fn password_asked_for(&self, user: UserId) -> BoxFuture<'_, Result<Option<Redacted<String>>, RepositoryError>>;

    /// Keeps a session. `false`: its proof does not hold (any more), nothing was done.
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn<'a>) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// The person's sessions that stand at `now`, newest use first.
    fn sessions(&self, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<Vec<Session>, RepositoryError>>;

    /// Ends one session of that person.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if they have none of that id that stands.
    fn end_session<'a>(
        &'a self,
        user: UserId,
        session: SessionId,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Ends all sessions of that person.
    fn end_sessions<'a>(&'a self, user: UserId, entry: &'a AuditEntry) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Notes when sessions were used, and lets them hold [`SESSION_MS`] from then.
    fn seen<'a>(&'a self, seen: &'a [(SessionId, UnixMillis)]) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Keeps a link. All links of the same purpose and person that were not used are void.
    fn create_link<'a>(
        &'a self,
        link: &'a OneTimeLink,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Whose link that is, if it holds for one of these purposes. It is used up by [`SignIn::link`] or [`NewPassword::link`]
    /// only.
    fn link<'a>(
        &'a self,
        hash: KeyHash,
        purposes: &'a [LinkPurpose],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<User>, RepositoryError>>;

    /// Whether a password was typed in that browser with what the link confirms, so that signing in by it can keep it.
    fn typed_here(&self, link: KeyHash, browser: KeyHash) -> BoxFuture<'_, Result<bool, RepositoryError>>;

    /// Keeps a password, voids the person's links, ends their other sessions. `false`: its link does not hold (any more),
    /// nothing was done.
    fn set_password<'a>(&'a self, new: &'a NewPassword<'a>) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// The person whom a provider speaks of: known by its issuer and subject, or by a confirmed address, or made now with
    /// the id `fresh`. Their roles become what their groups give. `None`: the provider has not confirmed an address and
    /// nobody is known by this subject.
    fn assert_identity<'a>(
        &'a self,
        assertion: &'a Assertion,
        fresh: UserId,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<User>, RepositoryError>>;

    /// Accounts behind `after` whose address or name has `text` in it, by id.
    fn users<'a>(
        &'a self,
        text: &'a str,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<User>, RepositoryError>>;

    /// Changes an account, if it is at version `expected` or that is `None`. Who is suspended loses all sessions and links;
    /// who loses a role, or is suspended, what was granted.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`].
    fn change_user<'a>(
        &'a self,
        user: UserId,
        expected: Option<i64>,
        change: &'a UserChange,
        by: Option<UserId>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Changed, RepositoryError>>;

    /// At the first start: keeps `first` and a link for them, if there is nobody. If they are there and have never signed
    /// in, keeps the link alone, in place of earlier ones. Whose link it became; nobody's at any later start.
    fn bootstrap<'a>(
        &'a self,
        first: &'a User,
        token: KeyHash,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<OneTimeLink>, RepositoryError>>;

    /// Forgets what is of no more use: tries, links and sessions long over, old lines of the journal.
    fn forget_old(&self, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

/// How long after its end a session or link is kept, for whoever asks what was: 30 days.
pub const FORGET_ENDED_MS: i64 = 30 * DAY_MS;
/// How long the journal is kept: 400 days, a year and what was asked about late.
pub const FORGET_AUDIT_MS: i64 = 400 * DAY_MS;
/// How long the journal keeps wrong tries, which strangers write: 30 days.
pub const FORGET_FAILED_MS: i64 = 30 * DAY_MS;

#[cfg(test)]
mod tests;
