//! Deliveries: what is owed to somebody by one way, until it was sent or given up.
//!
//! Owns when it is tried again and when no more. A delivery is claimed with a lease, a random token that whoever says how it
//! went must show: who was too slow is not believed, as another has it by then. What was sent and not yet marked when a
//! server is killed is sent again, under the same id, by which the receiver recognises it.

use media::UnixMillis;

use crate::{BoxFuture, DeliveryId, NoticeId, RepositoryError, UserId, Uuid, WebhookId};

/// How long what was sent or given up is kept: a month, for whoever asks why they were not told.
pub const KEPT_MS: i64 = 30 * 86_400_000;

/// A way to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Medium {
    /// Web Push to a device.
    Push,
    /// A mail.
    Email,
    /// A request to somebody's server.
    Webhook,
}

impl Medium {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Push, Self::Email, Self::Webhook];

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }

    /// How long it is tried from when it is due, in milliseconds: a mail half a day, as what is in it is of the day; a
    /// server three days, which is a weekend.
    #[must_use]
    pub fn tries_ms(self) -> i64 {
        const HOUR: i64 = 3_600_000;
        match self {
            Self::Push => 24 * HOUR,
            Self::Email => 12 * HOUR,
            Self::Webhook => 72 * HOUR,
        }
    }
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be sent.
    Waiting,
    /// Was sent.
    Sent,
    /// Was given up.
    Dead,
}

impl DeliveryState {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Waiting, Self::Sent, Self::Dead];

    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// The text is none of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such word of deliveries")]
pub struct DeliveryWordError;

impl std::str::FromStr for Medium {
    type Err = DeliveryWordError;

    fn from_str(text: &str) -> Result<Self, DeliveryWordError> {
        Self::ALL.iter().copied().find(|medium| medium.as_str() == text).ok_or(DeliveryWordError)
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = DeliveryWordError;

    fn from_str(text: &str) -> Result<Self, DeliveryWordError> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text).ok_or(DeliveryWordError)
    }
}

/// First pause between two attempts.
const PAUSE_FIRST_MS: i64 = 5_000;

/// Longest pause: a server that comes back is not kept waiting longer than an hour.
const PAUSE_MAX_MS: i64 = 3_600_000;

/// Requests under way to one webhook at once. One that takes a second each still takes four events a second, more than a
/// mentor's lessons have; one that is dead holds four slots and no more.
pub const PER_WEBHOOK_MAX: u32 = 4;

/// Requests under way to all webhooks of one person at once: two of them may be dead, and the others are called.
pub const PER_OWNER_MAX: u32 = 3 * PER_WEBHOOK_MAX;

/// How long to wait after attempt number `attempt` (from 1) failed, in milliseconds: doubles each time, and `chance` takes
/// up to half of it away, so that what failed together does not come back together.
#[must_use]
pub fn pause_ms(attempt: u32, chance: u64) -> i64 {
    let doublings = attempt.saturating_sub(1).min(20);
    let pause = (PAUSE_FIRST_MS << doublings).min(PAUSE_MAX_MS);
    let half = pause / 2;
    half + i64::try_from(chance % u64::try_from(half).unwrap_or(1)).unwrap_or(0)
}

/// When it is tried again: after the pause or what the receiver asked for, whichever is longer, but at most
/// [`PAUSE_MAX_MS`] later. `None`: that is behind `expires`, and it is given up.
#[must_use]
pub fn next_attempt(
    now: UnixMillis,
    attempt: u32,
    chance: u64,
    asked_ms: Option<i64>,
    expires: UnixMillis,
) -> Option<UnixMillis> {
    let pause = pause_ms(attempt, chance).max(asked_ms.unwrap_or(0)).min(PAUSE_MAX_MS);
    let next = UnixMillis(now.0 + pause);
    (next < expires).then_some(next)
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Never changes: by it the receiver recognises what comes twice.
    pub id: DeliveryId,
    /// Unique for what is told, to whom, by which way, where to: what makes "once" true.
    pub once_key: String,
    /// By which way.
    pub medium: Medium,
    /// Which notice is told.
    pub notice: Option<NoticeId>,
    /// Which webhook is called.
    pub webhook: Option<WebhookId>,
    /// Who is told.
    pub user: Option<UserId>,
    /// Id of a subscription or webhook, or an address.
    pub target: String,
    /// JSON object: what is sent, where it is not made of the notice.
    pub payload: String,
    /// Not before.
    pub next: UnixMillis,
    /// When it was made.
    pub created: UnixMillis,
    /// Not after.
    pub expires: UnixMillis,
}

/// A delivery that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What is to be sent; `next` is until when the lease holds while somebody has it.
    pub what: NewDelivery,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried, the one that is under way included.
    pub attempts: u32,
    /// Who has it.
    pub lease: Option<Uuid>,
    /// When it was sent or given up.
    pub done: Option<UnixMillis>,
    /// Why the last attempt failed, or it was given up.
    pub error: String,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Sent,
    /// Not now: again at that time.
    Again(UnixMillis, String),
    /// It was not tried, for others were before it: again at that time, and not counted.
    Postponed(UnixMillis),
    /// It was not tried, for whom it is does not want it now: again at that time, not counted, and not given up before the
    /// second one.
    Held(UnixMillis, UnixMillis),
    /// Never.
    Dead(String),
}

/// What waits and what was given up, of one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Which way.
    pub medium: Medium,
    /// To be sent, now or later.
    pub waiting: u64,
    /// Given up and still kept.
    pub dead: u64,
    /// Since when the oldest one is due. `None`: none is.
    pub due_since: Option<UnixMillis>,
}

/// How many deliveries somebody can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of any way.
    pub all: u32,
    /// Of them, to webhooks.
    pub webhooks: u32,
    /// Of them, mails.
    pub mails: u32,
}

/// Deliveries.
pub trait DeliveryRepository: Send + Sync {
    /// Keeps one to be sent. `false`: there is one for the same.
    fn enqueue<'a>(&'a self, delivery: &'a NewDelivery) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// Whether any is due. Takes no lock.
    fn any_due(&self, now: UnixMillis) -> BoxFuture<'_, Result<bool, RepositoryError>>;

    /// Takes up to `room` that are due, longest first, under a lease until `until`. Nobody else gets them before that. Of
    /// those to webhooks at most [`PER_WEBHOOK_MAX`] and [`PER_OWNER_MAX`] are under way at once, whoever has them.
    fn claim(
        &self,
        lease: Uuid,
        now: UnixMillis,
        until: UnixMillis,
        room: Room,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, RepositoryError>>;

    /// Says how it went. `false`: the lease was over and another has it; nothing was changed. What a mail said is forgotten
    /// when it is sent or dead: links to sign in stand in mails.
    fn settle<'a>(
        &'a self,
        id: DeliveryId,
        lease: Uuid,
        verdict: &'a Verdict,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// What waits, by way.
    fn backlog(&self, now: UnixMillis) -> BoxFuture<'_, Result<Vec<Backlog>, RepositoryError>>;

    /// Forgets up to `limit` deliveries that were done before `before`. How many it were.
    fn forget_deliveries(&self, before: UnixMillis, limit: u32) -> BoxFuture<'_, Result<u64, RepositoryError>>;
}

#[cfg(test)]
mod tests;
