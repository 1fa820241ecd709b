//! Relays: a channel's stream that goes on to another RTMP server, or comes from one.
//!
//! Owns what a relay is and how its address is read. Who connects, and when, is `gateway`'s.

use std::fmt;
use std::str::FromStr;

use media::{Redacted, UnixMillis};
use uuid::Uuid;

use crate::{BoxFuture, RelayId, RepositoryError, UserId};

/// Relays that one server keeps. Each holds a connection and, where it is pushed, a second reader of its stream: at 64 of
/// 6 Mbit/s a gigabit line is a third full.
pub const RELAYS_MAX: u32 = 64;

/// Longest URL, in bytes: that of a platform with a signed key has some 300, and no RTMP name is longer.
pub const URL_LENGTH_MAX: usize = 1_024;

/// Which way the media goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the channel to the other server.
    Push,
    /// From the other server to the channel.
    Pull,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Push, Self::Pull];

    /// The word in the database, on the wire and in metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
        }
    }
}

/// The text is no direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such direction")]
pub struct DirectionError;

impl FromStr for Direction {
    type Err = DirectionError;

    fn from_str(text: &str) -> Result<Self, DirectionError> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == text).ok_or(DirectionError)
    }
}

/// Why a text is no address to relay to. Repeats nothing of it: its end is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayUrlError {
    /// Too long.
    #[error("is longer than {URL_LENGTH_MAX} bytes")]
    TooLong,
    /// Spaces or control characters.
    #[error("has a space or a control character in it")]
    Characters,
    /// Another scheme, or none.
    #[error("must begin with rtmp:// or rtmps://")]
    Scheme,
    /// A user or a password before the host.
    #[error("must hold no user name and no password")]
    Credentials,
    /// No host, or none that can be one.
    #[error("names no host: write rtmp://host/app/name")]
    Host,
    /// No port number.
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    /// No application.
    #[error("names no application: write rtmp://host/app/name")]
    App,
    /// No stream.
    #[error("names no stream: write rtmp://host/app/name")]
    Name,
}

/// The address of a stream on another server: `rtmp[s]://host[:port]/app/name[?query]`.
///
/// The name is all behind the path's last slash, its query too, as some platforms have half of their key there; the
/// application is what stands before it. Neither is decoded. Shown and logged are [`RelayUrl::host`] and
/// [`RelayUrl::app`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelayUrl {
    /// Over TLS.
    pub is_secure: bool,
    /// Name or address, lower case; one of IPv6 without its brackets.
    pub host: String,
    /// 1935, or 443 over TLS, unless it says otherwise.
    pub port: u16,
    /// Application, without slashes at its ends.
    pub app: String,
    /// Stream with its query: a key.
    pub name: Redacted<String>,
}

impl RelayUrl {
    fn default_port(is_secure: bool) -> u16 {
        if is_secure { 443 } else { 1935 }
    }

    /// The whole of it, written the same way however it was given. A secret.
    #[must_use]
    pub fn text(&self) -> Redacted<String> {
        Redacted(format!("{}/{}", self.tc_url(), self.name.0))
    }

    /// It without the stream: what RTMP's `connect` has as `tcUrl`.
    #[must_use]
    pub fn tc_url(&self) -> String {
        let scheme = if self.is_secure { "rtmps" } else { "rtmp" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let port = (self.port != Self::default_port(self.is_secure)).then(|| format!(":{}", self.port));
        format!("{scheme}://{open}{}{close}{}/{}", self.host, port.unwrap_or_default(), self.app)
    }
}

/// What may be shown: host and application.
impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.app)
    }
}

impl FromStr for RelayUrl {
    type Err = RelayUrlError;

    fn from_str(text: &str) -> Result<Self, RelayUrlError> {
        if text.len() > URL_LENGTH_MAX {
            return Err(RelayUrlError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#') {
            return Err(RelayUrlError::Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(RelayUrlError::Scheme)?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "rtmp" => false,
            "rtmps" => true,
            _ => return Err(RelayUrlError::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(RelayUrlError::Credentials);
        }
        let (host, port) = read_authority(authority)?;
        let port = port.unwrap_or(Self::default_port(is_secure));
        let named = &path[..path.find('?').unwrap_or(path.len())];
        let (app, _) = named.rsplit_once('/').ok_or(RelayUrlError::App)?;
        let name = &path[app.len() + 1..];
        let app = app.trim_matches('/');
        if app.is_empty() {
            return Err(if named.trim_matches('/').is_empty() { RelayUrlError::App } else { RelayUrlError::Name });
        }
        if name.is_empty() || name.starts_with('?') {
            return Err(RelayUrlError::Name);
        }
        let (host, app) = (host.to_ascii_lowercase(), app.to_owned());
        Ok(Self { is_secure, host, port, app, name: Redacted(name.to_owned()) })
    }
}

/// Host without brackets, and the port if there is one.
fn read_authority(text: &str) -> Result<(&str, Option<u16>), RelayUrlError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(six) => {
            let (host, rest) = six.split_once(']').ok_or(RelayUrlError::Host)?;
            let port = rest.strip_prefix(':');
            let is_address =
                host.contains(':') && host.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'));
            if !is_address || (port.is_none() && !rest.is_empty()) {
                return Err(RelayUrlError::Host);
            }
            (host, port)
        }
        None => {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            if host.is_empty() || !host.chars().all(is_name) {
                return Err(RelayUrlError::Host);
            }
            (host, port)
        }
    };
    let number = |port: &str| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        port.parse().ok().filter(|number| digits && *number > 0).ok_or(RelayUrlError::Port)
    };
    Ok((host, port.map(number).transpose()?))
}

/// One relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Which.
    pub id: RelayId,
    /// Which way.
    pub direction: Direction,
    /// Whose stream.
    pub channel: Uuid,
    /// Where to, or where from.
    pub url: RelayUrl,
    /// When it was started.
    pub created: UnixMillis,
}

/// What came of starting a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is kept.
    New,
    /// It is the same as one that is kept: that one goes on.
    Already,
    /// There are [`RELAYS_MAX`] already. Nothing was changed.
    TooMany,
}

/// The relays. They are there until they are stopped or their channel is deleted.
pub trait RelayRepository: Send + Sync {
    /// Keeps a relay, with a line of the journal.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if its channel does not exist.
    fn start_relay<'a>(&'a self, relay: &'a Relay, by: UserId) -> BoxFuture<'a, Result<Started, RepositoryError>>;

    /// Forgets the relay of that direction, channel and address, with a line of the journal.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is none.
    fn stop_relay<'a>(
        &'a self,
        relay: (Direction, Uuid, &'a RelayUrl),
        by: UserId,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Which pulls are that server's until `until`: those that were, and those that are nobody's by `now`. Of the servers on one
    /// database one fetches each; a push is sent by whichever has the stream.
    fn hold_pulls(
        &self,
        server: Uuid,
        now: UnixMillis,
        until: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<RelayId>, RepositoryError>>;

    /// All of them, oldest first.
    fn relays(&self) -> BoxFuture<'_, Result<Vec<Relay>, RepositoryError>>;
}

#[cfg(test)]
mod tests;
