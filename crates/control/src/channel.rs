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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn create(legacy_md5: bool) -> Channel {
        let path = ChannelPath { app: "live".parse().expect("app"), name: "kelas".parse().expect("name") };
        Channel::create(path, &ChannelOptions { legacy_md5, ..ChannelOptions::default() }, UnixMillis(9))
    }

    #[test]
    fn every_channel_has_its_own_id_and_secrets() {
        let channels: Vec<Channel> = (0..50).map(|_| create(true)).collect();
        let ids: HashSet<_> = channels.iter().map(|channel| channel.id).collect();
        let hmac = channels.iter().map(|channel| channel.sign_secret.0.as_str());
        let md5 = channels.iter().filter_map(|channel| channel.legacy_md5_secret.as_ref()).map(|s| s.0.as_str());
        let secrets: HashSet<&str> = hmac.chain(md5).collect();
        assert_eq!((ids.len(), secrets.len()), (50, 100), "the two secrets of one channel differ as well");
        assert!(secrets.iter().all(|secret| secret.len() == keys::KEY_LENGTH));
    }

    #[test]
    fn a_channel_is_recorded_and_public_and_takes_no_md5_unless_told_so() {
        let channel = create(false);
        assert!(channel.record && channel.public);
        assert_eq!(channel.legacy_md5_secret, None);
        assert_eq!(channel.created, UnixMillis(9));
    }
}
