//! The repositories in SQL that SQLite and PostgreSQL both take, compiled once for each.
//!
//! Included as a module by `sqlite` and by `postgres`, which say what `Db`, `Row`, `Store` and `Write` are. So there is one
//! text of every statement and one reading of every row; what differs between the two (opening, locking, what a full disk
//! is called) is theirs.

#[path = "sql/access.rs"]
mod access;
#[path = "sql/airing.rs"]
mod airing;
#[path = "sql/attendance.rs"]
mod attendance;
#[path = "sql/changes.rs"]
mod changes;
#[path = "sql/channels.rs"]
mod channels;
#[path = "sql/courses.rs"]
mod courses;
#[path = "sql/lessons.rs"]
mod lessons;
#[path = "sql/people.rs"]
mod people;
#[path = "sql/recordings.rs"]
mod recordings;
#[path = "sql/rows.rs"]
mod rows;
#[path = "sql/secrets.rs"]
mod secrets;

use super::write::Write;
use super::{Db, Row, Store, is_full};

/// The domain's word for what the database says went wrong with a `subject`.
pub(super) fn failed(subject: &'static str, error: sqlx::Error) -> control::RepositoryError {
    rows::failed(subject, error)
}
