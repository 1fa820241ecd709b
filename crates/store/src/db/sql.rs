//! The repositories in SQL that SQLite and PostgreSQL both take, compiled once for each.
//!
//! Included as a module by `sqlite` and by `postgres`, which say what `Db`, `Row`, `Store` and `Write` are. So there is one
//! text of every statement and one reading of every row; what differs between the two (opening, locking, what a full disk
//! is called) is theirs.

#[path = "sql/access.rs"]
mod access;
#[path = "sql/accounts.rs"]
mod accounts;
#[path = "sql/airing.rs"]
mod airing;
#[path = "sql/attendance.rs"]
mod attendance;
#[path = "sql/audit.rs"]
mod audit;
#[path = "sql/bans.rs"]
mod bans;
#[path = "sql/changes.rs"]
mod changes;
#[path = "sql/channels.rs"]
mod channels;
#[path = "sql/courses.rs"]
mod courses;
#[path = "sql/deliveries.rs"]
mod deliveries;
#[path = "sql/directing.rs"]
mod directing;
#[path = "sql/earlier.rs"]
mod earlier;
#[path = "sql/edits.rs"]
mod edits;
#[path = "sql/feed.rs"]
mod feed;
#[path = "sql/idempotency.rs"]
mod idempotency;
#[path = "sql/identity.rs"]
mod identity;
#[path = "sql/lessons.rs"]
mod lessons;
#[path = "sql/mentors.rs"]
mod mentors;
#[path = "sql/notices.rs"]
mod notices;
#[path = "sql/passkeys.rs"]
mod passkeys;
#[path = "sql/people.rs"]
mod people;
#[path = "sql/recordings.rs"]
mod recordings;
#[path = "sql/relays.rs"]
mod relays;
#[path = "sql/room.rs"]
mod room;
#[path = "sql/rows.rs"]
mod rows;
#[path = "sql/search.rs"]
mod search;
#[path = "sql/secrets.rs"]
mod secrets;
#[path = "sql/sessions.rs"]
mod sessions;
#[path = "sql/subscriptions.rs"]
mod subscriptions;
#[path = "sql/webhooks.rs"]
mod webhooks;

use super::write::Write;
use super::{Db, Row, SKIP_LOCKED, Store, is_contended, is_full};

/// A statement with its values, not sent yet.
pub(super) type Query<'q> = sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>;

impl Store {
    /// The rows of a list as `viewer` sees it. Nobody's may be some seconds old; whoever is signed in sees what they just
    /// wrote.
    async fn listed<'q>(
        &self,
        viewer: Option<control::UserId>,
        query: impl Fn() -> Query<'q> + Send + Sync,
    ) -> Result<Vec<Row>, sqlx::Error> {
        match viewer {
            None => self.list(query).await,
            Some(_) => query().fetch_all(&self.readers).await,
        }
    }
}

/// The domain's word for what the database says went wrong with a `subject`.
pub(super) fn failed(subject: &'static str, error: sqlx::Error) -> control::RepositoryError {
    rows::failed(subject, error)
}
