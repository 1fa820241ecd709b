//! What the addresses of the systems before ask of channels and recordings by a word: an application or a channel's name,
//! as `store-live?app=` has it.

use media::{StreamId, UnixMillis};
use uuid::Uuid;

use crate::{BoxFuture, LessonId, Recording, RepositoryError, UserId};

/// A recording that goes by a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRecording {
    /// What is known of it.
    pub recording: Recording,
    /// Its channel is there and anyone may play it.
    pub public: bool,
    /// The lesson that left it.
    pub lesson: Option<LessonId>,
}

/// Who asks for recordings, and for which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Who.
    pub user: UserId,
    /// They run the server.
    pub is_operator: bool,
    /// Behind this one.
    pub after: Option<Place>,
    /// So many.
    pub limit: u32,
}

/// Where a recording stands among others: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Wall clock of its first frame.
    pub started: UnixMillis,
    /// Its channel.
    pub channel: Uuid,
    /// Its stream.
    pub stream: StreamId,
}

impl From<&Recording> for Place {
    fn from(recording: &Recording) -> Self {
        Self { started: recording.started, channel: recording.channel, stream: recording.id }
    }
}

/// Channels and recordings by a word: `app`, `name` or `app/name`.
pub trait EarlierRepository: Send + Sync {
    /// The newest recordings that go by `word`, newest first, of those that may play for somebody: of lessons that they teach
    /// or attended, and of other channels that are public or where they are an operator. Whether one does is not decided.
    fn recordings_called<'a>(
        &'a self,
        word: &'a str,
        beside: &'a Beside,
    ) -> BoxFuture<'a, Result<Vec<NamedRecording>, RepositoryError>>;

    /// Marks the channels that go by `word` to be recorded from their next stream on. Which they are, at most 1,000; those
    /// that were marked already among them.
    fn mark_recorded<'a>(&'a self, word: &'a str, now: UnixMillis)
    -> BoxFuture<'a, Result<Vec<Uuid>, RepositoryError>>;
}
