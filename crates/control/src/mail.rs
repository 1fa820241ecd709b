//! Mails that the server owes somebody.

use crate::{BoxFuture, RepositoryError};

/// A mail in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The same mail asked for twice goes out once: unique for what it says and to whom.
    pub once: String,
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Takes mails.
pub trait Mailer: Send + Sync {
    /// Keeps a mail to be sent. Once this returned `Ok` it goes out, whatever is killed.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), RepositoryError>>;
}
