//! Webhooks: servers that are told of what happens to lessons.
//!
//! A mentor's are told of the mentor's own lessons, an operator's of all.

use hmac::{Hmac, KeyInit as _, Mac as _};
use media::{Redacted, UnixMillis};
use sha2::Sha256;

use crate::deliveries::{Delivery, DeliveryState};
use crate::{BoxFuture, ChangeKind, DeliveryId, RepositoryError, UserId, WebhookId};

/// Webhooks of one person. A few systems, each in a few environments.
pub const WEBHOOKS_MAX: u32 = 20;

/// What webhooks can be told of: whatever happens to a lesson, and comments that wait to be reviewed.
pub const KINDS: &[ChangeKind] = &[
    ChangeKind::LessonScheduled,
    ChangeKind::LessonChanged,
    ChangeKind::LessonCancelled,
    ChangeKind::LessonTomorrow,
    ChangeKind::LessonSoon,
    ChangeKind::LessonStarted,
    ChangeKind::LessonEnded,
    ChangeKind::RecordingReady,
    ChangeKind::CommentHeld,
];

/// A server that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Never changes, never used again.
    pub id: WebhookId,
    /// Whose.
    pub owner: UserId,
    /// Where requests go.
    pub url: Redacted<String>,
    /// Signs them.
    pub secret: Redacted<String>,
    /// What it is told of; empty: all of [`KINDS`] but comments, of which there are many.
    pub kinds: Vec<ChangeKind>,
    /// When it was made.
    pub created: UnixMillis,
    /// Since when it is told nothing.
    pub disabled: Option<UnixMillis>,
    /// Counts changes, for ETags.
    pub version: i64,
}

impl Webhook {
    /// Whether it is told of a kind.
    #[must_use]
    pub fn wants(&self, kind: ChangeKind) -> bool {
        let by_all = self.kinds.is_empty() && kind != ChangeKind::CommentHeld;
        self.disabled.is_none() && KINDS.contains(&kind) && (by_all || self.kinds.contains(&kind))
    }
}

/// The header `Tayang-Signature` of a request: `v1=` and HMAC-SHA-256 over `timestamp "." body` in hexadecimal. The time is in
/// it so that a request that was overheard cannot be sent again later.
#[must_use]
pub fn signature(secret: &str, timestamp_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(timestamp_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={hex}")
}

/// Webhooks and what was sent to them.
pub trait WebhookRepository: Send + Sync {
    /// Keeps a new one. `false`: its owner has [`WEBHOOKS_MAX`].
    fn create_webhook<'a>(&'a self, webhook: &'a Webhook) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// One of somebody's.
    fn webhook(&self, owner: UserId, id: WebhookId) -> BoxFuture<'_, Result<Option<Webhook>, RepositoryError>>;

    /// Somebody's, oldest first.
    fn webhooks(&self, owner: UserId) -> BoxFuture<'_, Result<Vec<Webhook>, RepositoryError>>;

    /// Those that are told of a lesson of `mentor`: the mentor's, and the operators'. Of people who may still have them.
    fn webhooks_for(&self, mentor: UserId) -> BoxFuture<'_, Result<Vec<Webhook>, RepositoryError>>;

    /// Changes URL, kinds and whether it is on. `webhook.version` is the one that it is a change of. `false`: it was changed
    /// meanwhile, or is not there.
    fn change_webhook<'a>(
        &'a self,
        webhook: &'a Webhook,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// Forgets one of somebody's, and all that was or is to be sent to it.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is none of theirs.
    fn delete_webhook(
        &self,
        owner: UserId,
        id: WebhookId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// What was or is to be sent to it, newest first, older than `before`, at most `limit`.
    fn webhook_deliveries(
        &self,
        id: WebhookId,
        state: Option<DeliveryState>,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, RepositoryError>>;

    /// Sends again what was sent or given up, under the same id. `false`: it waits to be sent anyway.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if the webhook has none such.
    fn replay(
        &self,
        id: WebhookId,
        delivery: DeliveryId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<bool, RepositoryError>>;
}

#[cfg(test)]
mod tests;
