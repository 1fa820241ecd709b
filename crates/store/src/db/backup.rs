//! A copy of the whole database as of one moment, made while others use it, and the way back from one.
//!
//! SQLite copies itself (`VACUUM INTO`): one read transaction, so writers go on and the copy has all of a transaction or none
//! of it. PostgreSQL is copied and read back by its own programs, `pg_dump` and `pg_restore`, for they know all of it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr as _;
use std::time::Duration;

use media::Redacted;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
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
    /// Another program has it open.
    #[error("another program uses the database at {0}: stop it first")]
    InUse(PathBuf),
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

/// How often it is tried to have a database alone that another program has open: two seconds, in which one that was just
/// stopped closes it.
const CLOSING_TRIES: u32 = 40;
/// Between two tries.
const CLOSING_EVERY: Duration = Duration::from_millis(50);

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
/// beside it, under the name that is answered; PostgreSQL's is replaced in one transaction. A kill at any moment leaves
/// the one database or the other.
///
/// # Errors
/// [`BackupError`].
pub async fn restore(location: &Location, from: &Path, replace: bool) -> Result<Option<PathBuf>, BackupError> {
    match location {
        Location::File(path) => restore_sqlite(path, from, replace).await,
        Location::Postgres { url, .. } => {
            let all: [&OsStr; 6] = [
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
    let new = beside(path, ".new");
    fs::copy(from, &new).map_err(file(&new))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).map_err(file(&new))?;
    fs::File::open(&new).and_then(|copy| copy.sync_all()).map_err(file(&new))?;
    let kept = if path.exists() {
        Some(keep(path).await?)
    } else {
        // A log without its file is of nothing; the new file must not be taken for its.
        log_aside(path, &unused_name(path))?;
        None
    };
    // From here on there is the new one: there was the old one until now, whole, and at no moment none.
    fs::rename(&new, path).map_err(file(path))?;
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(file(directory))?;
    Ok(kept)
}

/// A file beside the database's, which has all of its name.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Gives the database another name that nothing has, `tayang.db.before-restore-1`, beside the one that it has.
async fn keep(path: &Path) -> Result<PathBuf, BackupError> {
    let kept = unused_name(path);
    let is_whole = fold_log(path).await?;
    // Where names cannot be shared, a copy does as well.
    fs::hard_link(path, &kept).or_else(|_| fs::copy(path, &kept).map(|_| ())).map_err(file(&kept))?;
    if !is_whole {
        // What SQLite cannot read is kept as it is, with its log: the new one must not take that for its own.
        log_aside(path, &kept)?;
    }
    Ok(kept)
}

fn unused_name(path: &Path) -> PathBuf {
    let name = |n: u32| beside(path, &format!(".before-restore-{n}"));
    let is_unused = |name: &PathBuf| !name.exists() && !beside(name, "-wal").exists();
    (1_u32..).map(name).find(is_unused).unwrap_or_else(|| name(0))
}

/// Gives what SQLite keeps beside a database the name of `kept`.
fn log_aside(path: &Path, kept: &Path) -> Result<(), BackupError> {
    for extension in ["-wal", "-shm", "-journal"] {
        match fs::rename(beside(path, extension), beside(kept, extension)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(kept)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Puts the log of a database into its file, so that there is none beside it. Whether that could be done: it cannot be of
/// what is no database or is damaged.
async fn fold_log(path: &Path) -> Result<bool, BackupError> {
    let mut tries_left = CLOSING_TRIES;
    loop {
        match try_fold_log(path).await {
            Err(BackupError::InUse(_)) if tries_left > 0 => tries_left -= 1,
            done => return done,
        }
        tokio::time::sleep(CLOSING_EVERY).await;
    }
}

async fn try_fold_log(path: &Path) -> Result<bool, BackupError> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO);
    let Ok(mut connection) = SqliteConnection::connect_with(&options).await else { return Ok(false) };
    // Only who is alone with the database can.
    let mode: Result<String, _> = sqlx::query_scalar("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
    connection.close().await.ok();
    let is_busy = |error: &sqlx::Error| {
        // SQLITE_BUSY and SQLITE_LOCKED with what stands above them, https://sqlite.org/rescode.html.
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
    };
    match mode {
        Ok(mode) if mode == "delete" => Ok(true),
        Ok(_) => Err(BackupError::InUse(path.to_owned())),
        Err(error) if is_busy(&error) => Err(BackupError::InUse(path.to_owned())),
        Err(_) => Ok(false),
    }
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
async fn run(program: &'static str, url: &Redacted<String>, arguments: &[&OsStr]) -> Result<(), BackupError> {
    let environment = environment(&url.0)?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments);
    if program == "pg_restore" {
        let database = environment.iter().find(|(name, _)| *name == "PGDATABASE");
        command.arg("--dbname").args(database.map(|(_, name)| name));
    }
    command.envs(environment);
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

/// What a URL says, as PostgreSQL's programs read it from their environment: all of it that this program goes by
/// (<https://www.postgresql.org/docs/current/libpq-envars.html>).
fn environment(url: &str) -> Result<Vec<(&'static str, OsString)>, BackupError> {
    let options = PgConnectOptions::from_str(url)?;
    let host = options.get_socket().map_or_else(|| options.get_host().into(), |folder| folder.as_os_str().to_owned());
    let mode = match options.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    };
    let mut all: Vec<(&str, OsString)> = vec![
        ("PGHOST", host),
        ("PGPORT", options.get_port().to_string().into()),
        ("PGUSER", options.get_username().into()),
        ("PGDATABASE", options.get_database().unwrap_or(options.get_username()).into()),
        ("PGSSLMODE", mode.into()),
    ];
    if let Some(options) = options.get_options() {
        all.push(("PGOPTIONS", options.into()));
    }
    if let Some(password) = password_of(url) {
        all.push(("PGPASSWORD", password.into()));
    }
    // What stands last counts, here as there.
    for (key, value) in queried(url) {
        let name = match key.as_str() {
            "password" => "PGPASSWORD",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            _ => continue,
        };
        all.push((name, value.into()));
    }
    Ok(all)
}

/// What stands between the user and the host of a URL.
fn password_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    decoded(user.split_once(':')?.1)
}

/// What a URL asks, name by name.
fn queried(url: &str) -> Vec<(String, String)> {
    let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(key, value)| Some((decoded(key)?, decoded(&value.replace('+', " "))?))).collect()
}

/// Percent-decoded (RFC 3986 section 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
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

    #[test]
    fn what_a_url_says_of_tls_and_options_holds_for_the_programs_too() {
        let url = "postgres://tayang:a@db.example:5433/kelas?sslmode=verify-full&sslrootcert=%2Fetc%2Fdb+ca.pem\
                   &sslcert=/c.pem&sslkey=/k.pem&options=-c%20search_path%3Dtayang&password=b%26";
        let environment: std::collections::HashMap<_, _> = environment(url).expect("read").into_iter().collect();
        for (name, value) in [
            ("PGHOST", "db.example"),
            ("PGPORT", "5433"),
            ("PGUSER", "tayang"),
            ("PGDATABASE", "kelas"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/etc/db ca.pem"),
            ("PGSSLCERT", "/c.pem"),
            ("PGSSLKEY", "/k.pem"),
            ("PGOPTIONS", "-c search_path=tayang"),
            ("PGPASSWORD", "b&"),
        ] {
            assert_eq!(environment.get(name).and_then(|value| value.to_str()), Some(value), "{name}");
        }
    }
}
