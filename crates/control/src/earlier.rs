//! What the addresses of the systems before ask of channels and recordings by a word: an application or a channel's name,
//! as `store-live?app=` has it.

use media::UnixMillis;
use uuid::Uuid;

use crate::{BoxFuture, LessonId, Recording, RepositoryError};

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

/// Channels and recordings by a word: `app`, `name` or `app/name`.
pub trait EarlierRepository: Send + Sync {
    /// The newest recordings that go by `word`, newest first.
    fn recordings_called<'a>(
        &'a self,
        word: &'a str,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<NamedRecording>, RepositoryError>>;

    /// Marks the channels that go by `word` to be recorded from their next stream on. Which they are, at most 1,000; those
    /// that were marked already among them.
    fn mark_recorded<'a>(&'a self, word: &'a str, now: UnixMillis)
    -> BoxFuture<'a, Result<Vec<Uuid>, RepositoryError>>;
}
