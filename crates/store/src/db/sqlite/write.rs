//! A transaction that writes.

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

/// Between `BEGIN` and `COMMIT`. Dropped before [`Write::commit`] or [`Write::rollback`], whether for an answer that changes
/// nothing, for an error, or because whoever waited went away, it is rolled back behind whoever dropped it; a connection that
/// cannot do that is closed, and the pool opens another.
///
/// Not `sqlx::Transaction`: when SQLite itself ends a transaction (a full disk does that), sqlx still believes in it, and
/// its connection refuses every transaction after it.
pub(super) struct Write(Option<PoolConnection<Sqlite>>);

impl Write {
    /// Takes the write lock first (`IMMEDIATE`), so that no statement later finds that another process wrote in between.
    pub(super) async fn begin(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        let mut write = Self(Some(pool.acquire().await?));
        sqlx::query("BEGIN IMMEDIATE").execute(write.connection()).await?;
        Ok(write)
    }

    /// Nobody else writes until this is over anyway: there is one writer.
    #[allow(clippy::unused_async, reason = "PostgreSQL's waits for a lock")]
    pub(super) async fn take_turn(&mut self) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// Nobody else writes until this is over anyway: there is one writer.
    #[allow(clippy::unused_async, reason = "PostgreSQL's waits for a lock")]
    pub(super) async fn lock_changes(&mut self) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// Nobody else writes until this is over anyway: there is one writer.
    #[allow(clippy::unused_async, reason = "PostgreSQL's waits for a lock")]
    pub(super) async fn lock_room(&mut self, _: &str) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// The connection, for statements of this transaction.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.0.as_mut().expect("only commit, rollback and drop take it")
    }

    /// When this returns `Ok`, all of it is on disk.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("COMMIT").execute(self.connection()).await?;
        drop(self.0.take());
        Ok(())
    }

    /// Undoes all of it, and keeps the connection for the next.
    pub(super) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("ROLLBACK").execute(self.connection()).await?;
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            // The next writer waits for the connection until then.
            Ok(runtime) => drop(runtime.spawn(async move {
                // What was still being done is done before it. SQLite may have ended the transaction by itself.
                if sqlx::query("ROLLBACK").execute(&mut *connection).await.is_err() {
                    drop(connection.detach());
                }
            })),
            Err(_) => drop(connection.detach()),
        }
    }
}
