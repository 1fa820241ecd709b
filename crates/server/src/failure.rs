//! How a command ends when it does not end well: a sentence on standard error and an exit code. The codes are an interface:
//! `docs/cli.md`.

use std::io::Write as _;
use std::process::ExitCode;

use control::RepositoryError;

/// Exit codes besides 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It was tried and failed.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was tried.
    Usage = 2,
    /// What the command is about does not exist.
    NotFound = 3,
    /// What the command would make exists already.
    Exists = 4,
    /// The command did its work and what it examined is not in order.
    Problem = 5,
}

/// Why a command did not end well. Anything that is an error becomes one with [`Code::Failed`].
#[derive(Debug)]
pub struct Failure {
    code: Code,
    /// `None` where the command has said it all.
    message: Option<String>,
}

impl Failure {
    /// With a message: what happened and, if possible, what to do.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// Where the command has said it all.
    #[must_use]
    pub fn silent(code: Code) -> Self {
        Self { code, message: None }
    }

    /// What happened; nothing where the command has said it all.
    #[must_use]
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    /// Says it, and gives the code to end with.
    pub fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            // Nobody is left to tell if standard error is closed.
            let _ = writeln!(std::io::stderr(), "tayang: {message}");
        }
        ExitCode::from(self.code as u8)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let code = match error.downcast_ref::<RepositoryError>() {
            Some(RepositoryError::NotFound(_)) => Code::NotFound,
            Some(RepositoryError::Exists(_)) => Code::Exists,
            _ => Code::Failed,
        };
        Self::new(code, chain(&error))
    }
}

/// The error and its causes, each said once: many of ours already hold their cause's text.
fn chain(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |said, cause| {
        let cause = cause.to_string();
        if said.contains(&cause) { said } else { format!("{said}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_there_already_has_its_own_code() {
        let code = |error: RepositoryError| Failure::from(error).code;
        assert_eq!(code(RepositoryError::NotFound("key")), Code::NotFound);
        assert_eq!(code(RepositoryError::Exists("channel")), Code::Exists);
        assert_eq!(code(RepositoryError::Full), Code::Failed);
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("disk on fire").context("cannot write: disk on fire").context("cannot record");
        assert_eq!(Failure::from(error).message.as_deref(), Some("cannot record: cannot write: disk on fire"));
    }
}
