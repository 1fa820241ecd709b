//! A transaction that writes.

use sqlx::Postgres;
use sqlx::postgres::{PgConnection, PgPool};

/// The advisory lock under which changes are appended: one transaction at a time, until its end, so that their order is
/// that of commits. Any number does that nothing else in the database uses.
const CHANGES_LOCK: i64 = 0x7461_7961_6e67;

/// The advisory lock of those that take turns. Another number.
const TURNS_LOCK: i64 = CHANGES_LOCK + 1;

/// Between `BEGIN` and `COMMIT`. Dropped before [`Write::commit`], it rolls back.
pub(super) struct Write(sqlx::Transaction<'static, Postgres>);

impl Write {
    /// Begins one.
    pub(super) async fn begin(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self(pool.begin().await?))
    }

    /// Waits until no other transaction is under way that takes turns: what is read after it stays so among them. Before any
    /// row, and so before [`Self::lock_changes`].
    pub(super) async fn take_turn(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TURNS_LOCK).execute(&mut *self.0).await.map(|_| ())
    }

    /// Waits until no other transaction appends changes.
    pub(super) async fn lock_changes(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(CHANGES_LOCK).execute(&mut *self.0).await.map(|_| ())
    }

    /// Waits until no other transaction numbers what is said in that lesson's room. Does nothing for a lesson that is not.
    pub(super) async fn lock_room(&mut self, lesson: &str) -> Result<(), sqlx::Error> {
        // The weakest lock that excludes itself: whoever refers to the lesson meanwhile does not wait.
        sqlx::query("SELECT 1 FROM lessons WHERE id = $1 FOR NO KEY UPDATE")
            .bind(lesson)
            .execute(&mut *self.0)
            .await
            .map(|_| ())
    }

    /// The connection, for statements of this transaction.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// When this returns `Ok`, all of it is on the server's disk.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.commit().await
    }

    /// Undoes all of it.
    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.0.rollback().await
    }
}
