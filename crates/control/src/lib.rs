//! The domain: channels, their keys and signatures, recordings, and the one answer to "may they publish, may they play?".
//!
//! Owns the types and rules, and traits for what it needs kept ([`ChannelRepository`], [`RecordingRepository`]); `store`
//! implements those. Knows no socket, no HTTP, no SQL, no runtime and no clock: whoever asks says what time it is.

pub mod access;
pub mod air;
pub mod airing;
pub mod attendance;
pub mod audit;
pub mod changes;
mod channel;
pub mod deliveries;
pub mod directory;
pub mod earlier;
pub mod feed;
pub mod idempotency;
pub mod identity;
mod ids;
pub mod keys;
pub mod mail;
pub mod notices;
pub mod pace;
pub mod passkeys;
pub mod people;
pub mod playback;
pub mod playbacks;
pub mod recordings;
pub mod relay;
pub mod repository;
pub mod revocations;
pub mod room;
pub mod search;
pub mod secrets;
pub mod sign;
mod snapshot;
pub mod teaching;
pub mod webhooks;

pub use changes::{Change, ChangeKind, ChangeRepository, NewChange, Seq};
pub use channel::{Channel, ChannelOptions};
pub use directory::{Credential, Denied, Directory, PlayGrant, PublishGrant};
pub use ids::{
    CommentId, CourseId, DeliveryId, LessonId, NoticeId, PasskeyId, PlaybackId, RelayId, SessionId, SubscriptionId,
    UserId, WebhookId,
};
pub use keys::{KeyHash, StreamKey};
pub use people::{Locale, PeopleRepository, Principal, Roles, Session, SessionKind, User};
pub use recordings::{Recording, RecordingState};
pub use repository::{BoxFuture, ChannelRepository, RecordingRepository, Repository, RepositoryError};
pub use snapshot::Snapshot;

/// The ids of channels and keys.
pub use uuid::Uuid;
