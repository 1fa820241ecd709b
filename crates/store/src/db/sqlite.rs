//! The repositories in one SQLite file.
//!
//! Write-ahead log with `synchronous=FULL`: what was acknowledged survives a kill and a power cut. One connection writes,
//! a few read, so that a reader never waits for a writer; other processes (the command line beside the server) may do the
//! same, and [`control::ChangeRepository::version`] tells that they did. The file is readable by its owner only, for it holds the
//! secrets that signatures are made with.

#[path = "sql.rs"]
mod sql;
mod write;

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use control::RepositoryError;
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::contention::{self, Refusal};
use write::Write;

// What `sql` is compiled with here.
type Db = sqlx::Sqlite;
type Row = sqlx::sqlite::SqliteRow;
type Store = SqliteStore;
/// Behind a `SELECT` of rows that are to be taken: there is one writer, and nothing to skip.
const SKIP_LOCKED: &str = "";

/// Connections that read. Four: the server reads at start, once after each change, and for lists that people ask for.
const READERS: u32 = 4;

/// How long a statement waits for another process's write. Writes here take milliseconds; a disk that stalls may take
/// seconds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The migrations, in order. A migration that was released is never edited: its checksum is in every database.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "channels and recordings", include_str!("../../migrations/sqlite/0001_channels_and_recordings.sql")),
    (2, "next sequence number", include_str!("../../migrations/sqlite/0002_next_sequence_number.sql")),
    (3, "people", include_str!("../../migrations/both/0003_people.sql")),
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
            if is_full(&error) { OpenError::Full(path.to_owned()) } else { OpenError::Open(error) }
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        migrator().run(&writer).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) => OpenError::Newer(version),
            MigrateError::Execute(error) if is_full(&error) => OpenError::Full(path.to_owned()),
            other => OpenError::Migrate(other),
        })?;
        drop(lock);
        let watcher = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(failed)?;
        Ok(Self { writer, readers, watcher })
    }

    /// Ends the connections; the write-ahead log goes into the file. Not needed for anything to be kept.
    pub async fn close(&self) {
        self.readers.close().await;
        self.watcher.close().await;
        self.writer.close().await;
    }

    /// The rows of a list that may be some seconds old; here they never are.
    async fn list<'q>(&self, query: impl Fn() -> sql::Query<'q> + Send + Sync) -> Result<Vec<Row>, sqlx::Error> {
        query().fetch_all(&self.readers).await
    }

    async fn version(&self) -> Result<i64, RepositoryError> {
        sqlx::query_scalar("PRAGMA data_version").fetch_one(&self.watcher).await.map_err(|e| sql::failed("value", e))
    }

    /// Does `work`, which is one transaction, and does it again where another process was in the way.
    async fn again<T, E: Refusal, F: Future<Output = Result<T, E>>>(&self, work: impl Fn() -> F) -> Result<T, E> {
        contention::again(work).await
    }

    async fn begin(&self) -> Result<Write, RepositoryError> {
        Write::begin(&self.writer).await.map_err(|error| sql::failed("transaction", error))
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

/// Another process wrote between a transaction's reading and its writing: SQLITE_BUSY_SNAPSHOT. That it waited in vain for
/// one that is slow (SQLITE_BUSY) is no such case: it would wait as long again.
fn is_contended(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code == 517)
}

/// The disk has no room for a page, or none for the file that connections share (`-shm`).
fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    // SQLITE_FULL and SQLITE_IOERR_SHMSIZE, https://sqlite.org/rescode.html; the primary code is the low byte.
    code.is_some_and(|code| code & 0xff == 13 || code == 4_874)
}

#[cfg(test)]
mod tests;
