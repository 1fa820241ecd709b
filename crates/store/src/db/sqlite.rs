//! The repositories in one SQLite file.
//!
//! Write-ahead log with `synchronous=FULL`: what was acknowledged survives a kill and a power cut. One connection writes,
//! a few read, so that a reader never waits for a writer; other processes (the command line beside the server) may do the
//! same, and [`SqliteStore::data_version`] tells that they did. The file is readable by its owner only, for it holds the
//! secrets that signatures are made with.

mod rows;
mod write;

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use control::{
    BoxFuture, Channel, ChannelRepository, Recording, RecordingRepository, RepositoryError, Snapshot, StreamKey, Uuid,
};
use media::{ChannelPath, StreamId, UnixMillis};
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use write::Write;

/// Connections that read. Four: the server reads at start, once after each change, and for lists that people ask for.
const READERS: u32 = 4;

/// How long a statement waits for another process's write. Writes here take milliseconds; a disk that stalls may take
/// seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The migrations, in order. A migration that was released is never edited: its checksum is in every database.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "channels and recordings", include_str!("../../migrations/sqlite/0001_channels_and_recordings.sql")),
    (2, "next sequence number", include_str!("../../migrations/sqlite/0002_next_sequence_number.sql")),
];

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or its directory cannot be made, read or locked.
    #[error("cannot use the database file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer Tayang wrote it.
    #[error("the database was written by a newer tayang (migration {0} is unknown here): use that version or newer")]
    Newer(i64),
    /// It is no database of ours.
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[source] MigrateError),
    /// There is no room for what SQLite keeps beside the file, 32 KiB at least.
    #[error("cannot open the database: the disk of {0} is full")]
    Full(PathBuf),
    /// It cannot be opened.
    #[error("cannot open the database: {0}")]
    Open(#[source] sqlx::Error),
}

/// An open database file. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    /// One connection for ever: `PRAGMA data_version` only compares within a connection.
    watcher: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it (and its directory) if need be, and brings it up to date. Processes that do so at the same
    /// time wait for one another; this is for start-up, as it blocks while waiting.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let lock = prepare(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let failed = |error: sqlx::Error| {
            if rows::is_full(&error) { OpenError::Full(path.to_owned()) } else { OpenError::Open(error) }
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        migrator().run(&writer).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) => OpenError::Newer(version),
            MigrateError::Execute(error) if rows::is_full(&error) => OpenError::Full(path.to_owned()),
            other => OpenError::Migrate(other),
        })?;
        drop(lock);
        let watcher = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(failed)?;
        Ok(Self { writer, readers, watcher })
    }

    /// A number that changes when anything in the database changed, by whichever process. Means nothing but "same" or "not
    /// the same as before".
    ///
    /// # Errors
    /// [`RepositoryError::Backend`].
    pub async fn data_version(&self) -> Result<i64, RepositoryError> {
        sqlx::query_scalar("PRAGMA data_version").fetch_one(&self.watcher).await.map_err(|e| rows::failed("value", e))
    }

    /// Ends the connections; the write-ahead log goes into the file. Not needed for anything to be kept.
    pub async fn close(&self) {
        self.readers.close().await;
        self.watcher.close().await;
        self.writer.close().await;
    }

    async fn begin(&self) -> Result<Write, RepositoryError> {
        Write::begin(&self.writer).await.map_err(|error| rows::failed("transaction", error))
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(connections)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .acquire_timeout(BUSY_TIMEOUT * 2)
}

fn migrator() -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

/// Makes directory and file, closes them to others, and takes the lock under which migrations run: it is held until the
/// file that is returned is dropped.
fn prepare(path: &Path) -> io::Result<fs::File> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    let owner_only = |path: &Path| fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let database = owner_only(path)?;
    let mut permissions = database.metadata()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o600);
        database.set_permissions(permissions)?;
    }
    // Its own file: closing any handle of the database itself would drop SQLite's own locks on it (POSIX).
    let lock = owner_only(&path.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

impl ChannelRepository for SqliteStore {
    fn create_channel<'a>(
        &'a self,
        channel: &'a Channel,
        key: &'a StreamKey,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            sqlx::query(
                "INSERT INTO channels (id, app, name, record, public, sign_secret, legacy_md5_secret, created_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(channel.id.to_string())
            .bind(channel.path.app.as_str())
            .bind(channel.path.name.as_str())
            .bind(i64::from(channel.record))
            .bind(i64::from(channel.public))
            .bind(&channel.sign_secret.0)
            .bind(channel.legacy_md5_secret.as_ref().map(|secret| &secret.0))
            .bind(channel.created.0)
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("channel", error))?;
            insert_key(&mut transaction, key).await?;
            transaction.commit().await.map_err(|error| rows::failed("channel", error))
        })
    }

    fn channel<'a>(&'a self, path: &'a ChannelPath) -> BoxFuture<'a, Result<Option<Channel>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(rows::CHANNEL_BY_PATH)
                .bind(path.app.as_str())
                .bind(path.name.as_str())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("channel", error))?
                .map(|row| rows::channel(&row))
                .transpose()
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, RepositoryError>> {
        Box::pin(async move {
            // One transaction, so that both lists are of the same moment.
            let mut transaction = self.readers.begin().await.map_err(|error| rows::failed("transaction", error))?;
            let channels = sqlx::query(rows::ALL_CHANNELS)
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| rows::failed("channel", error))?;
            let keys = sqlx::query(rows::ALL_KEYS)
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| rows::failed("key", error))?;
            drop(transaction);
            Ok(Snapshot::new(rows::each(&channels, rows::channel)?, rows::each(&keys, rows::key)?))
        })
    }

    fn keys(&self, channel: Uuid) -> BoxFuture<'_, Result<Vec<StreamKey>, RepositoryError>> {
        Box::pin(async move {
            let keys = sqlx::query(rows::KEYS_OF_CHANNEL)
                .bind(channel.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(|error| rows::failed("key", error))?;
            rows::each(&keys, rows::key)
        })
    }

    fn add_key<'a>(&'a self, key: &'a StreamKey) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            require_channel(&mut transaction, key.channel).await?;
            insert_key(&mut transaction, key).await?;
            transaction.commit().await.map_err(|error| rows::failed("key", error))
        })
    }

    fn rotate_key<'a>(&'a self, key: &'a StreamKey) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            require_channel(&mut transaction, key.channel).await?;
            sqlx::query("UPDATE stream_keys SET revoked_ms = $1 WHERE channel_id = $2 AND revoked_ms IS NULL")
                .bind(key.created.0)
                .bind(key.channel.to_string())
                .execute(transaction.connection())
                .await
                .map_err(|error| rows::failed("key", error))?;
            insert_key(&mut transaction, key).await?;
            transaction.commit().await.map_err(|error| rows::failed("key", error))
        })
    }

    fn revoke_key(&self, key: Uuid, at: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            let done = sqlx::query("UPDATE stream_keys SET revoked_ms = COALESCE(revoked_ms, $1) WHERE id = $2")
                .bind(at.0)
                .bind(key.to_string())
                .execute(&self.writer)
                .await
                .map_err(|error| rows::failed("key", error))?;
            if done.rows_affected() == 0 { Err(RepositoryError::NotFound("key")) } else { Ok(()) }
        })
    }

    fn delete_channel(&self, channel: Uuid, at: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            require_channel(&mut transaction, channel).await?;
            sqlx::query("DELETE FROM stream_keys WHERE channel_id = $1")
                .bind(channel.to_string())
                .execute(transaction.connection())
                .await
                .map_err(|error| rows::failed("key", error))?;
            sqlx::query(
                "UPDATE channels SET deleted_ms = $1, sign_secret = '', legacy_md5_secret = NULL WHERE id = $2",
            )
            .bind(at.0)
            .bind(channel.to_string())
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("channel", error))?;
            transaction.commit().await.map_err(|error| rows::failed("channel", error))
        })
    }
}

async fn require_channel(transaction: &mut Write, id: Uuid) -> Result<(), RepositoryError> {
    sqlx::query_scalar::<_, i64>("SELECT 1 FROM channels WHERE id = $1 AND deleted_ms IS NULL")
        .bind(id.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(|error| rows::failed("channel", error))?
        .map(|_| ())
        .ok_or(RepositoryError::NotFound("channel"))
}

async fn insert_key(transaction: &mut Write, key: &StreamKey) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO stream_keys (id, channel_id, label, hash, created_ms, revoked_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.id.to_string())
    .bind(key.channel.to_string())
    .bind(&key.label)
    .bind(key.hash.to_string())
    .bind(key.created.0)
    .bind(key.revoked_at.map(|at| at.0))
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed("key", error))
}

impl RecordingRepository for SqliteStore {
    fn put_recording<'a>(&'a self, recording: &'a Recording) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO recordings (channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (channel_id, stream) DO UPDATE SET
                     app = excluded.app, name = excluded.name, started_ms = excluded.started_ms,
                     duration_ms = excluded.duration_ms, bytes = excluded.bytes, next_msn = excluded.next_msn,
                     state = excluded.state",
            )
            .bind(recording.channel.to_string())
            .bind(rows::stored(recording.id.0)?)
            .bind(recording.path.app.as_str())
            .bind(recording.path.name.as_str())
            .bind(recording.started.0)
            .bind(rows::stored(recording.duration_ms)?)
            .bind(rows::stored(recording.bytes)?)
            .bind(rows::stored(recording.next_msn)?)
            .bind(recording.state.as_str())
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(|error| rows::failed("recording", error))
        })
    }

    fn recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<Option<Recording>, RepositoryError>> {
        Box::pin(async move {
            let Ok(stream) = i64::try_from(id.0) else { return Ok(None) };
            sqlx::query(rows::RECORDING_BY_ID)
                .bind(channel.to_string())
                .bind(stream)
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("recording", error))?
                .map(|row| rows::recording(&row))
                .transpose()
        })
    }

    fn recordings(&self, channel: Option<Uuid>) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            let query = match channel {
                Some(id) => sqlx::query(rows::RECORDINGS_OF_CHANNEL).bind(id.to_string()),
                None => sqlx::query(rows::ALL_RECORDINGS),
            };
            let found = query.fetch_all(&self.readers).await.map_err(|error| rows::failed("recording", error))?;
            rows::each(&found, rows::recording)
        })
    }

    fn newest_recordings(&self, channel: Uuid, max: u32) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            let query = sqlx::query(rows::NEWEST_RECORDINGS).bind(channel.to_string()).bind(i64::from(max));
            let found = query.fetch_all(&self.readers).await.map_err(|error| rows::failed("recording", error))?;
            rows::each(&found, rows::recording)
        })
    }

    fn delete_recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            let Ok(stream) = i64::try_from(id.0) else { return Ok(()) };
            sqlx::query("DELETE FROM recordings WHERE channel_id = $1 AND stream = $2")
                .bind(channel.to_string())
                .bind(stream)
                .execute(&self.writer)
                .await
                .map(|_| ())
                .map_err(|error| rows::failed("recording", error))
        })
    }
}

#[cfg(test)]
mod tests;
