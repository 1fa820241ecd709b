//! The repositories in a PostgreSQL database, for where one machine ends.
//!
//! `synchronous_commit` stays as the server has it (`on` by default): what was acknowledged survives. Connections are few
//! and shared; a statement that waits for a connection or a lock longer than a person would is given up.

mod replica;
#[path = "sql.rs"]
mod sql;
mod write;

use std::str::FromStr;
use std::time::Duration;

use control::{ChangeRepository as _, RepositoryError};
use sqlx::SqlSafeStr;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::contention::{self, Refusal};
use replica::Replica;
use write::Write;

// What `sql` is compiled with here.
type Db = sqlx::Postgres;
type Row = sqlx::postgres::PgRow;
type Store = PgStore;
/// Behind a `SELECT` of rows that are to be taken: leaves those that another server is taking.
const SKIP_LOCKED: &str = "FOR UPDATE SKIP LOCKED";

/// Connections of one server. PostgreSQL allows 100 in all by default: six servers and some people.
const CONNECTIONS_MAX: u32 = 16;

/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// What each connection asks of the server: that no lost host, and no transaction that hangs, holds what others wait for.
/// What the URL's own `options` say of one of them stands.
const SESSION: &[(&str, &str)] = &[
    // Locks are held for milliseconds: who waits this long waits for something broken, and a person for an answer.
    ("lock_timeout", "5s"),
    // Between two statements of a transaction here there is no wait but for the machine.
    ("idle_in_transaction_session_timeout", "15s"),
    // The longest statement reads a page of a list; a minute is far beyond what anybody waits for.
    ("statement_timeout", "60s"),
    // A host that is gone without a word is noticed after 10 + 3 * 5 seconds, and what it held is free.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// For migrations: they take as long as the tables are large, and servers that start at one time wait for one another.
const UNHURRIED: [(&str, &str); 2] = [("lock_timeout", "0"), ("statement_timeout", "0")];

/// The migrations, in order. A migration that was released is never edited: its checksum is in every database.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "channels and recordings", include_str!("../../migrations/postgres/0001_channels_and_recordings.sql")),
    (2, "next sequence number", include_str!("../../migrations/postgres/0002_next_sequence_number.sql")),
    (3, "people", include_str!("../../migrations/both/0003_people.sql")),
];

/// Why the database could not be opened. No text holds the URL, in which a password may stand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none.
    #[error("the database URL cannot be read: it must be postgres://user:password@host:port/name")]
    Url,
    /// A newer Tayang wrote it.
    #[error("the database was written by a newer tayang (migration {0} is unknown here): use that version or newer")]
    Newer(i64),
    /// It is no database of ours.
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[source] MigrateError),
    /// It cannot be reached.
    #[error("cannot open the database: {0}")]
    Open(#[source] sqlx::Error),
}

/// An open database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct PgStore {
    writer: PgPool,
    /// Of the primary too: what was just written is read.
    readers: PgPool,
    replica: Option<Replica>,
}

impl PgStore {
    /// Connects, and brings the database up to date. Servers that do so at the same time wait for one another.
    ///
    /// # Errors
    /// [`OpenError`]. A replica that cannot be reached is none: it is left out until it can.
    pub async fn open(url: &str, replica_url: Option<&str>) -> Result<Self, OpenError> {
        let options = options(url)?;
        let replica = replica_url.map(self::options).transpose()?.map(|options| Replica::new(options, CONNECTIONS_MAX));
        let pool = |connections| PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
        let first = pool(1).connect_with(options.clone().options(UNHURRIED)).await.map_err(OpenError::Open)?;
        migrator().run(&first).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) => OpenError::Newer(version),
            other => OpenError::Migrate(other),
        })?;
        first.close().await;
        let pool = pool(CONNECTIONS_MAX).connect_with(options).await.map_err(OpenError::Open)?;
        Ok(Self { writer: pool.clone(), readers: pool, replica })
    }

    /// Ends the connections. Not needed for anything to be kept.
    pub async fn close(&self) {
        self.writer.close().await;
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
    }

    /// The rows of a list that may be some seconds old: from the replica while it follows, else, and when it fails, from the
    /// primary.
    async fn list<'q>(&self, query: impl Fn() -> sql::Query<'q> + Send + Sync) -> Result<Vec<Row>, sqlx::Error> {
        if let Some(replica) = &self.replica
            && let Some(pool) = replica.keeps_up().await
        {
            match query().fetch_all(pool).await {
                Ok(rows) => return Ok(rows),
                Err(error) => replica.failed(&error),
            }
        }
        query().fetch_all(&self.readers).await
    }

    async fn version(&self) -> Result<i64, RepositoryError> {
        self.last_seq().await.map(|seq| seq.0)
    }

    /// Does `work`, which is one transaction, and does it again where that was ended for the sake of others.
    async fn again<T, E: Refusal, F: Future<Output = Result<T, E>>>(&self, work: impl Fn() -> F) -> Result<T, E> {
        contention::again(work).await
    }

    async fn begin(&self) -> Result<Write, RepositoryError> {
        Write::begin(&self.writer).await.map_err(|error| sql::failed("transaction", error))
    }
}

fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Url)?.application_name("tayang");
    let theirs = options.get_options().unwrap_or_default().to_owned();
    let says = |name: &str| {
        let mut said = theirs.split_whitespace().map(|word| word.trim_start_matches("--").trim_start_matches("-c"));
        said.any(|word| word.split('=').next() == Some(name))
    };
    Ok(options.options(SESSION.iter().copied().filter(|(name, _)| !says(name))))
}

fn migrator() -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

/// `serialization_failure` and `deadlock_detected`, same page as below.
fn is_contended(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "40001" || code == "40P01")
}

/// `disk_full`, <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
fn is_full(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "53100")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_url_says_of_a_session_stands_and_the_rest_is_ours() {
        for (said, stands) in [
            ("-c%20lock_timeout%3D1s", "-c lock_timeout=1s"),
            ("-clock_timeout%3D1s", "-clock_timeout=1s"),
            ("--lock_timeout%3D1s", "--lock_timeout=1s"),
        ] {
            let options = options(&format!("postgres://db/tayang?options={said}")).expect("read");
            let options = options.get_options().expect("some").to_owned();
            assert!(options.contains(stands) && !options.contains("lock_timeout=5s"), "{options}");
            assert!(options.contains("statement_timeout=60s"), "{options}");
        }
        let options = options("postgres://db/tayang?options=-c%20deadlock_timeout%3D3s").expect("read");
        let options = options.get_options().expect("some");
        assert!(options.contains(" lock_timeout=5s"), "another setting whose name holds it: {options}");
    }
}
