//! What is known of a recording without opening it.

use std::fmt;
use std::str::FromStr;

use media::{ChannelPath, StreamId, UnixMillis};
use uuid::Uuid;

/// How far a recording has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordingState {
    /// The stream is on; it can be played as far as it goes.
    Recording,
    /// The stream has ended and nothing is added; not all of it is in the object store yet.
    Sealed,
    /// All of it is in the object store, playlist and MP4 included.
    Ready,
}

impl RecordingState {
    /// The word in the database, the API and the command line: `recording`, `sealed`, `ready`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Sealed => "sealed",
            Self::Ready => "ready",
        }
    }
}

impl fmt::Display for RecordingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no recording state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recording state is none of recording, sealed, ready")]
pub struct RecordingStateError;

impl FromStr for RecordingState {
    type Err = RecordingStateError;

    fn from_str(text: &str) -> Result<Self, RecordingStateError> {
        [Self::Recording, Self::Sealed, Self::Ready]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(RecordingStateError)
    }
}

/// The recording of one stream of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The stream it is of. Unique within the channel.
    pub id: StreamId,
    /// The channel. It may have been deleted since: recordings outlive their channel.
    pub channel: Uuid,
    /// The channel's path when the stream began.
    pub path: ChannelPath,
    /// Wall clock at its first frame.
    pub started: UnixMillis,
    /// Media in it, in milliseconds.
    pub duration_ms: u64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// The number after its highest media sequence number: where the channel's next stream may begin. 0 in rows of a program
    /// that did not write it.
    pub next_msn: u64,
    /// How far it has come.
    pub state: RecordingState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_ordered_and_survive_their_text() {
        assert!(RecordingState::Recording < RecordingState::Sealed && RecordingState::Sealed < RecordingState::Ready);
        for state in [RecordingState::Recording, RecordingState::Sealed, RecordingState::Ready] {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert_eq!("Ready".parse::<RecordingState>(), Err(RecordingStateError));
    }
}
