//! Names that reach URLs, files and logs, and the wrapper that keeps secrets out of them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An application or channel name: `[A-Za-z0-9_-]{1,64}`. The only text of a stranger that may reach a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// No characters.
    Empty,
    /// More than 64 characters.
    TooLong,
    /// A character outside `[A-Za-z0-9_-]`, at this byte.
    Character(usize),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("name is empty"),
            Self::TooLong => write!(f, "name is longer than {} characters", Name::LENGTH_MAX),
            Self::Character(at) => write!(f, "name has a character outside A-Z a-z 0-9 _ - at byte {at}"),
        }
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// Longest name, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(at) = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'-')) {
            return Err(NameError::Character(at));
        }
        if text.len() > Self::LENGTH_MAX {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A channel's public address, `{app}/{name}`: what viewers write in every play URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelPath {
    /// Application: the first path component.
    pub app: Name,
    /// Channel name: the second.
    pub name: Name,
}

impl fmt::Display for ChannelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.name)
    }
}

/// One stream of a channel: the server's wall clock at its first frame, in milliseconds. Unique within a channel and
/// increasing, so it also orders a channel's streams. It is the id of the stream's recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for StreamId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A value that must not be printed: keys, tokens, signatures. `Debug` and `Display` show `[redacted]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_folder_are_refused() {
        for bad in ["", "..", "a/b", "a\\b", "a%2fb", "a b", "a\0", "\u{ff0e}\u{ff0e}", "kelas.flv", &"x".repeat(65)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        for good in ["a", "Kelas-1_pagi", &"x".repeat(64)] {
            assert_eq!(good.parse::<Name>().expect("allowed").as_str(), good);
        }
    }

    #[test]
    fn a_redacted_value_prints_nothing_of_itself() {
        let secret = Redacted("kunci-rahasia");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    }
}
