//! The server's own secrets: what it signs with. Kept in the database, so that every server of it signs alike.

use media::{Redacted, UnixMillis};

use crate::{BoxFuture, RepositoryError};

/// One key of a name. The newest that is not retired signs; all that are not retired verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Which of its name: rises with each.
    pub kid: i64,
    /// The key.
    pub value: Redacted<String>,
    /// When it was made.
    pub created: UnixMillis,
}

/// The secrets.
pub trait SecretRepository: Send + Sync {
    /// Those of `name` that are not retired, newest first. If there is none, `fresh` becomes the first: of servers that ask
    /// at once, all get the same.
    fn secrets<'a>(
        &'a self,
        name: &'a str,
        fresh: &'a Redacted<String>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Secret>, RepositoryError>>;
}
