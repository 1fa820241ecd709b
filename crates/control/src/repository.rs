//! What the domain needs kept, as traits. `store` implements them and runs one contract suite over every backend.
//!
//! A call that returned `Ok` is on disk: neither a kill nor a power cut loses it.

use std::pin::Pin;

use media::{ChannelPath, StreamId, UnixMillis};
use uuid::Uuid;

use crate::access::AccessRepository;
use crate::airing::AiringRepository;
use crate::attendance::AttendanceRepository;
use crate::audit::AuditRepository;
use crate::deliveries::DeliveryRepository;
use crate::earlier::EarlierRepository;
use crate::feed::FeedRepository;
use crate::idempotency::IdempotencyRepository;
use crate::identity::IdentityRepository;
use crate::notices::NoticeRepository;
use crate::passkeys::PasskeyRepository;
use crate::relay::RelayRepository;
use crate::room::RoomRepository;
use crate::secrets::SecretRepository;
use crate::teaching::courses::CourseRepository;
use crate::teaching::directing::DirectingRepository;
use crate::teaching::lessons::LessonRepository;
use crate::teaching::mentors::MentorRepository;
use crate::webhooks::WebhookRepository;
use crate::{ChangeRepository, Channel, PeopleRepository, Recording, Snapshot, StreamKey, UserId};

/// A future without a runtime, so that the traits work as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a repository did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// There is no such thing.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// There is one already.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// No room on the disk of the database. Nothing was changed.
    #[error("no room to write on the disk of the database")]
    Full,
    /// What is kept is not what this program wrote.
    #[error("the database holds {what} that this program did not write")]
    Corrupt {
        /// Which value.
        what: String,
    },
    /// Others wrote the same at the same time, and the backend ended this one for their sake, as often as it was tried.
    /// Nothing was changed; a moment later it can be done.
    #[error("others write the same at the same time")]
    Contended,
    /// The backend failed. Nothing was changed.
    #[error("the database failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Channels and their keys. Of what is done `by` somebody (nobody: on the command line) the journal has a line.
pub trait ChannelRepository: Send + Sync {
    /// Keeps a new channel and its first key, both or neither.
    ///
    /// # Errors
    /// [`RepositoryError::Exists`] if a channel has that path.
    fn create_channel<'a>(
        &'a self,
        channel: &'a Channel,
        key: &'a StreamKey,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// The channel at that path.
    fn channel<'a>(&'a self, path: &'a ChannelPath) -> BoxFuture<'a, Result<Option<Channel>, RepositoryError>>;

    /// All channels and keys as of one moment, revoked keys included: what the [`Directory`](crate::Directory) is fed.
    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, RepositoryError>>;

    /// The channel's keys, oldest first, revoked ones included.
    fn keys(&self, channel: Uuid) -> BoxFuture<'_, Result<Vec<StreamKey>, RepositoryError>>;

    /// Keeps a key more.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if its channel does not exist.
    fn add_key<'a>(&'a self, key: &'a StreamKey, by: Option<UserId>) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Keeps a new key and revokes all others of its channel at `key.created`, all or nothing.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if its channel does not exist.
    fn rotate_key<'a>(&'a self, key: &'a StreamKey, by: Option<UserId>) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Revokes a key. Doing it again is no error and keeps the first time.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is no such key.
    fn revoke_key(&self, key: Uuid, by: Option<UserId>, at: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// Deletes a channel: its path is free, its keys and signatures are refused, its recordings are kept.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is no such channel.
    fn delete_channel(
        &self,
        channel: Uuid,
        by: Option<UserId>,
        at: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

/// What is known of recordings.
pub trait RecordingRepository: Send + Sync {
    /// Keeps what is known now of a recording: new, or in place of what was known before.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if its channel never existed.
    fn put_recording<'a>(&'a self, recording: &'a Recording) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// The recording of that stream.
    fn recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<Option<Recording>, RepositoryError>>;

    /// Recordings of one channel, or of all, oldest first.
    fn recordings(&self, channel: Option<Uuid>) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>>;

    /// The newest recordings of a channel, newest first, at most `max`. Costs what these cost, however many there are.
    fn newest_recordings(&self, channel: Uuid, max: u32) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>>;

    /// The recordings whose numbers a new stream could meet: that of the highest stream id, and those whose segments are
    /// numbered beyond the second which that id stands for. Costs what these cost, however many there are.
    fn recordings_ahead(&self) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>>;

    /// Forgets a recording. Forgetting what is not there is no error.
    fn delete_recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

/// Names all ports once.
macro_rules! repository {
    ($($port:ident),* $(,)?) => {
        /// All that is kept: what a backend offers.
        pub trait Repository: $($port +)* {}

        impl<T: $($port +)*> Repository for T {}
    };
}

repository!(
    ChannelRepository,
    RecordingRepository,
    ChangeRepository,
    SecretRepository,
    PeopleRepository,
    AccessRepository,
    AiringRepository,
    AttendanceRepository,
    RoomRepository,
    CourseRepository,
    LessonRepository,
    DirectingRepository,
    MentorRepository,
    FeedRepository,
    EarlierRepository,
    AuditRepository,
    IdempotencyRepository,
    IdentityRepository,
    PasskeyRepository,
    NoticeRepository,
    DeliveryRepository,
    WebhookRepository,
    RelayRepository,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_it_is_about() {
        for (error, text) in [
            (RepositoryError::NotFound("channel"), "no such channel"),
            (RepositoryError::Exists("key"), "key exists already"),
            (
                RepositoryError::Corrupt { what: "a value of app".into() },
                "a value of app that this program did not write",
            ),
            (RepositoryError::Backend("disk on fire".into()), "the database failed: disk on fire"),
        ] {
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
