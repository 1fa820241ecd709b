//! Repositories in a database: SQLite in a file, or PostgreSQL. One text of SQL for both.

pub mod backup;
mod contention;
pub mod postgres;
pub mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use control::Repository;
use media::Redacted;

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file, made if it is not there.
    File(PathBuf),
    /// The URL of a PostgreSQL database, password and all.
    Postgres {
        /// Of the primary.
        url: Redacted<String>,
        /// Of a replica, for lists that may be some seconds old.
        replica_url: Option<Redacted<String>>,
    },
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum OpenError {
    /// The file.
    Sqlite(#[from] sqlite::OpenError),
    /// The server.
    Postgres(#[from] postgres::OpenError),
}

/// Opens it, and brings it up to date.
///
/// # Errors
/// [`OpenError`].
pub async fn open(location: &Location) -> Result<Arc<dyn Repository>, OpenError> {
    Ok(match location {
        Location::File(path) => Arc::new(sqlite::SqliteStore::open(path).await?),
        Location::Postgres { url, replica_url } => {
            let replica_url = replica_url.as_ref().map(|url| url.0.as_str());
            Arc::new(postgres::PgStore::open(&url.0, replica_url).await?)
        }
    })
}
