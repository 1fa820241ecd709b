//! Why a relay's connection ended, in words that hold no key: what other servers say may repeat one, so that only the codes
//! they say it by are told.

use std::io;
use std::time::Duration;

/// Longest status code that is told.
const CODE_LENGTH_MAX: usize = 64;

/// What went wrong. [`super`] tries again whatever it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the name of the server cannot be resolved: {0}")]
    Name(#[source] io::Error),
    #[error("the server cannot be reached: {0}")]
    Connect(#[source] io::Error),
    #[error("no encrypted connection: {0}")]
    Tls(#[source] io::Error),
    #[error("the server did not let us in within {} s", .0.as_secs())]
    NoAnswer(Duration),
    #[error("the server said no: {0}")]
    Refused(String),
    #[error("the server speaks no RTMP that can be read: {0}")]
    Protocol(#[from] rtmp::SessionError),
    #[error("nothing came from the server for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the server took nothing for {} s", .0.as_secs())]
    Blocked(Duration),
    #[error("the connection broke: {0}")]
    Broken(#[source] io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("the server is going away")]
    GoingAway,
    #[error("the stream on the server has ended")]
    Over,
    #[error("the channel's stream cannot begin: {0}")]
    Here(#[from] crate::live::Refused),
}

impl Failure {
    /// What a server's error status means. Its code is told if it is one.
    pub(super) fn refused(code: &str) -> Self {
        let is_code = code.len() <= CODE_LENGTH_MAX
            && ["NetStream.", "NetConnection."].iter().any(|family| code.starts_with(family))
            && code.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.');
        Self::Refused(if is_code { code.to_owned() } else { "without a reason".to_owned() })
    }

    /// One word for metric labels.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::NoAnswer(_) => "no_answer",
            Self::Refused(_) => "refused",
            Self::Protocol(_) => "protocol",
            Self::Silent(_) => "silent",
            Self::Blocked(_) => "blocked",
            Self::Broken(_) => "broken",
            Self::Closed => "closed",
            Self::GoingAway => "going_away",
            Self::Over => "over",
            Self::Here(_) => "here",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_server_says_only_codes_are_told() {
        for (said, told) in [
            ("NetStream.Publish.BadName", "NetStream.Publish.BadName"),
            ("NetStream.Publish.kunci-1", "without a reason"),
            ("stream kunci is taken", "without a reason"),
            (&format!("NetStream.{}", "a".repeat(64)), "without a reason"),
        ] {
            let Failure::Refused(code) = Failure::refused(said) else { panic!("refused") };
            assert_eq!(code, told, "{said}");
        }
    }
}
