//! Channels: durable publishing points.

use media::{ChannelPath, Redacted, UnixMillis};
use uuid::Uuid;

use crate::keys;

/// A durable publishing point: a public path, what is kept of it, who may see it, and the secrets that sign for it.
/// Immutable: a change is a new `Channel` in a new [`Snapshot`](crate::Snapshot).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Never changes, never used again.
    pub id: Uuid,
    /// Public address. Unique among the channels that exist.
    pub path: ChannelPath,
    /// Its streams are recorded.
    pub record: bool,
    /// Anyone may play it. If not, playing needs a signature.
    pub public: bool,
    /// Signs with HMAC-SHA-256, see [`crate::sign`].
    pub sign_secret: Redacted<String>,
    /// Signs with the MD5 form of seed 002, for channels that opted in.
    pub legacy_md5_secret: Option<Redacted<String>>,
    /// When it was made.
    pub created: UnixMillis,
}

/// What whoever creates a channel chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelOptions {
    /// Record its streams.
    pub record: bool,
    /// Let anyone play it.
    pub public: bool,
    /// Accept signatures in the MD5 form of seed 002 too.
    pub legacy_md5: bool,
}

impl Default for ChannelOptions {
    /// Recorded, public, no MD5.
    fn default() -> Self {
        Self { record: true, public: true, legacy_md5: false }
    }
}

impl Channel {
    /// A channel at `path` with a fresh id and fresh secrets.
    #[must_use]
    pub fn create(path: ChannelPath, options: &ChannelOptions, now: UnixMillis) -> Self {
        Self {
            id: keys::random_id(),
            path,
            record: options.record,
            public: options.public,
            sign_secret: keys::generate(),
            legacy_md5_secret: options.legacy_md5.then(keys::generate),
            created: now,
        }
    }
}
