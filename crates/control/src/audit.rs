//! The journal of what people did that matters later: who signed in, who was given or lost a right, who corrected what.
//!
//! Lines are added, never changed. No line holds a secret, nor what a stranger typed.

use media::UnixMillis;

use crate::{BoxFuture, RepositoryError, UserId, Uuid};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditAction { $($(#[$doc])* $name),* }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in the database and on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

actions! {
    /// An account was made.
    AccountCreated = "account_created",
    /// Somebody signed in.
    SignedIn = "signed_in",
    /// A sign-in that was refused.
    SignInFailed = "sign_in_failed",
    /// Somebody signed out.
    SignedOut = "signed_out",
    /// A session was ended from another one.
    SessionRevoked = "session_revoked",
    /// All sessions of somebody were ended.
    SessionsRevoked = "sessions_revoked",
    /// A one-time link was made.
    LinkMade = "link_made",
    /// A new password was asked for.
    PasswordForgotten = "password_forgotten",
    /// A password was changed.
    PasswordChanged = "password_changed",
    /// A passkey was added to an account.
    PasskeyAdded = "passkey_added",
    /// And removed from it.
    PasskeyRemoved = "passkey_removed",
    /// An account was tied to an identity provider's.
    IdentityLinked = "identity_linked",
    /// Somebody's roles were changed.
    RolesChanged = "roles_changed",
    /// Somebody was suspended.
    Suspended = "suspended",
    /// And is not any more.
    Restored = "restored",
    /// A mentor corrected who was there.
    AttendanceCorrected = "attendance_corrected",
    /// A mentor sent somebody out of a lesson.
    SentOut = "sent_out",
    /// And let them in again.
    LetInAgain = "let_in_again",
    /// A mentor put somebody out of a course.
    PutOut = "put_out",
    /// A key to publish with was made.
    KeyMade = "key_made",
    /// Keys to publish with were revoked.
    KeyRevoked = "key_revoked",
    /// A channel was deleted.
    ChannelDeleted = "channel_deleted",
    /// A webhook was made.
    WebhookMade = "webhook_made",
    /// A webhook was changed, turned off or on.
    WebhookChanged = "webhook_changed",
    /// A webhook was deleted.
    WebhookDeleted = "webhook_deleted",
    /// A channel's stream goes on to another server, or comes from one.
    RelayStarted = "relay_started",
    /// And does not any more.
    RelayStopped = "relay_stopped",
    /// Another key signs for the server from then on.
    SecretRotated = "secret_rotated",
    /// What an older key signed holds no more.
    SecretRetired = "secret_retired",
}

/// The text is no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such action")]
pub struct AuditActionError;

impl std::str::FromStr for AuditAction {
    type Err = AuditActionError;

    fn from_str(text: &str) -> Result<Self, AuditActionError> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or(AuditActionError)
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Ordered by time.
    pub id: Uuid,
    /// When.
    pub at: UnixMillis,
    /// Who did it. `None`: nobody who is known, or the command line.
    pub actor: Option<UserId>,
    /// What.
    pub action: AuditAction,
    /// To what: `user:{id}`, `session:{id}`, `passkey:{id}`, `lesson:{id}`, `course:{id}`, `channel:{id}`,
    /// `webhook:{id}`, `secret:{name}`, or empty for what is not known.
    pub subject: String,
    /// In words for people: how, from where, what it was before.
    pub detail: String,
}

impl AuditEntry {
    /// Longest detail, in characters: two sentences.
    pub const DETAIL_LENGTH_MAX: usize = 300;

    /// A line. A detail that is too long is cut.
    #[must_use]
    pub fn new(at: UnixMillis, actor: Option<UserId>, action: AuditAction, subject: String, detail: &str) -> Self {
        let detail = detail.chars().filter(|c| !c.is_control()).take(Self::DETAIL_LENGTH_MAX).collect();
        Self { id: crate::keys::ordered_id(at), at, actor, action, subject, detail }
    }

    /// A line about somebody.
    #[must_use]
    pub fn about(at: UnixMillis, actor: Option<UserId>, action: AuditAction, user: UserId, detail: &str) -> Self {
        Self::new(at, actor, action, format!("user:{user}"), detail)
    }
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this action only.
    pub action: Option<AuditAction>,
    /// Of this person's doing only.
    pub actor: Option<UserId>,
    /// About this only.
    pub subject: Option<String>,
    /// Older than this line.
    pub before: Option<Uuid>,
}

/// The journal.
pub trait AuditRepository: Send + Sync {
    /// Adds a line.
    fn note<'a>(&'a self, entry: &'a AuditEntry) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Lines, newest first.
    fn audit<'a>(
        &'a self,
        query: &'a AuditQuery,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AuditEntry>, RepositoryError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_survive_their_text() {
        for action in AuditAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
        }
        assert_eq!("signed in".parse::<AuditAction>(), Err(AuditActionError));
    }

    #[test]
    fn lines_are_in_order_and_bounded() {
        let user = UserId::new(UnixMillis(1));
        let line = |at| AuditEntry::about(UnixMillis(at), None, AuditAction::SignedIn, user, &"é\n".repeat(900));
        let (first, second) = (line(1_700_000_000_000), line(1_700_000_000_001));
        assert!(first.id < second.id);
        assert_eq!(first.detail.chars().count(), AuditEntry::DETAIL_LENGTH_MAX);
        assert!(!first.detail.contains('\n'), "one line");
        assert_eq!(first.subject, format!("user:{user}"));
    }
}
