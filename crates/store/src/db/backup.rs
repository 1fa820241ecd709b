//! A copy of the whole database as of one moment, made while others use it, and the way back from one.
//!
//! SQLite copies itself (`VACUUM INTO`): one read transaction, so writers go on and the copy has all of a transaction or none
//! of it. PostgreSQL is copied and read back by its own programs, `pg_dump` and `pg_restore`, for they know all of it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr as _;

use media::Redacted;
use sqlx::Connection as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::Location;

/// Why there is no copy, or it was not read back. Nothing of the database was changed then, but where it says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file of it.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no database.
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    /// There is one, and it was not asked to be replaced.
    #[error("there is a database at {0}: it is only replaced if you say so")]
    Exists(PathBuf),
    /// The copy is not whole.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its own words.
        said: String,
    },
    /// A program of PostgreSQL is missing.
    #[error("{0} is not installed: it comes with PostgreSQL's client programs (Debian: postgresql-client)")]
    NoProgram(&'static str),
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

/// Copies the database to the new file `to`, flushed to disk.
///
/// # Errors
/// [`BackupError`]; there is no file `to` then.
pub async fn copy(location: &Location, to: &Path) -> Result<(), BackupError> {
    let outcome = match location {
        Location::File(path) if !path.exists() => return Err(BackupError::Missing(path.clone())),
        Location::File(path) => copy_sqlite(path, to).await,
        Location::Postgres { url, .. } => {
            let to = to.as_os_str();
            run("pg_dump", url, &["--format=custom".as_ref(), "--no-owner".as_ref(), "--file".as_ref(), to]).await
        }
    };
    let outcome = outcome.and_then(|()| {
        fs::set_permissions(to, fs::Permissions::from_mode(0o600)).map_err(file(to))?;
        fs::File::open(to).and_then(|copy| copy.sync_all()).map_err(file(to))
    });
    if outcome.is_err() {
        fs::remove_file(to).ok();
    }
    outcome
}

async fn copy_sqlite(path: &Path, to: &Path) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(super::sqlite::BUSY_TIMEOUT);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    // As text: SQLite takes no other path.
    let name = to.to_str().ok_or_else(|| BackupError::File {
        path: to.to_owned(),
        source: io::Error::other("the path must be readable as text"),
    })?;
    sqlx::query("VACUUM INTO $1").bind(name).execute(&mut connection).await?;
    connection.close().await?;
    check_sqlite(to).await
}

/// Reads all of a copy and checks it.
async fn check_sqlite(path: &Path) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    let damaged = |error: sqlx::Error| BackupError::Damaged(error.to_string());
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(damaged)?;
    let said: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.map_err(damaged)?;
    connection.close().await.map_err(damaged)?;
    if said == "ok" { Ok(()) } else { Err(BackupError::Damaged(said)) }
}

/// Puts the copy `from` in the place of the database. No server may run on it. A SQLite database that was there stays
/// beside it, under the name that is answered; PostgreSQL's is replaced in one transaction.
///
/// # Errors
/// [`BackupError`].
pub async fn restore(location: &Location, from: &Path, replace: bool) -> Result<Option<PathBuf>, BackupError> {
    match location {
        Location::File(path) => restore_sqlite(path, from, replace).await,
        Location::Postgres { url, .. } => {
            let all: [&std::ffi::OsStr; 6] = [
                "--clean".as_ref(),
                "--if-exists".as_ref(),
                "--no-owner".as_ref(),
                "--single-transaction".as_ref(),
                "--exit-on-error".as_ref(),
                from.as_os_str(),
            ];
            if !replace && has_tables(url).await? {
                return Err(BackupError::Exists(PathBuf::from("database_url")));
            }
            run("pg_restore", url, &all).await.map(|()| None)
        }
    }
}

async fn restore_sqlite(path: &Path, from: &Path, replace: bool) -> Result<Option<PathBuf>, BackupError> {
    check_sqlite(from).await?;
    if path.exists() && !replace {
        return Err(BackupError::Exists(path.to_owned()));
    }
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory).map_err(file(directory))?;
    }
    // The log of the database that was there belongs to it alone: into the file with it first.
    if path.exists() {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(super::sqlite::BUSY_TIMEOUT);
        if let Ok(mut connection) = SqliteConnection::connect_with(&options).await {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.ok();
            connection.close().await.ok();
        }
    }
    let new = path.with_extension("db.new");
    fs::copy(from, &new).map_err(file(&new))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).map_err(file(&new))?;
    fs::File::open(&new).and_then(|copy| copy.sync_all()).map_err(file(&new))?;
    let kept = if path.exists() { Some(set_aside(path)?) } else { None };
    for extension in ["db-wal", "db-shm"] {
        let beside = path.with_extension(extension);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(&beside)(error)),
            _ => {}
        }
    }
    fs::rename(&new, path).map_err(file(path))?;
    if let Some(directory) = path.parent() {
        fs::File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })
            .and_then(|directory| directory.sync_all())
            .map_err(file(directory))?;
    }
    Ok(kept)
}

/// Gives the database a name that nothing has: `tayang.db.before-restore-1`.
fn set_aside(path: &Path) -> Result<PathBuf, BackupError> {
    let free = (1_u32..).map(|n| path.with_extension(format!("db.before-restore-{n}"))).find(|name| !name.exists());
    let kept = free.unwrap_or_else(|| path.with_extension("db.before-restore"));
    fs::rename(path, &kept).map_err(file(path))?;
    Ok(kept)
}

async fn has_tables(url: &Redacted<String>) -> Result<bool, BackupError> {
    let mut connection = sqlx::PgConnection::connect(&url.0).await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema()")
            .fetch_one(&mut connection)
            .await?;
    connection.close().await?;
    Ok(tables > 0)
}

/// Runs one of PostgreSQL's programs. Where to and who goes by its environment, in which nobody else can read a password.
async fn run(program: &'static str, url: &Redacted<String>, arguments: &[&std::ffi::OsStr]) -> Result<(), BackupError> {
    let options = PgConnectOptions::from_str(&url.0)?;
    let database = options.get_database().unwrap_or("postgres");
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).env("PGDATABASE", database).env("PGUSER", options.get_username());
    let host = options.get_socket().map_or_else(|| options.get_host().into(), |folder| folder.as_os_str().to_owned());
    command.env("PGHOST", host).env("PGPORT", options.get_port().to_string());
    if let Some(password) = password_of(&url.0) {
        command.env("PGPASSWORD", password);
    }
    if program == "pg_restore" {
        command.args(["--dbname", database]);
    }
    let output = command.stdin(Stdio::null()).output().await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::NoProgram(program),
        _ => BackupError::File { path: program.into(), source: error },
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Program { program, said: said.lines().take(3).collect::<Vec<_>>().join("; ") })
}

/// What stands between the user and the host of a URL, percent-decoded (RFC 3986 section 2.1).
fn password_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    let mut bytes = Vec::with_capacity(password.len());
    let mut rest = password.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_as_it_was_meant() {
        for (url, password) in [
            ("postgres://tayang:rahasia@db/tayang", Some("rahasia")),
            ("postgres://tayang:r%40h%2fs:ia@db:5432/tayang?x=a@b:c", Some("r@h/s:ia")),
            ("postgres://tayang@db/tayang", None),
            ("postgres://db/tayang", None),
            ("postgres://tayang:%zz@db", None),
        ] {
            assert_eq!(password_of(url).as_deref(), password, "{url}");
        }
    }
}
