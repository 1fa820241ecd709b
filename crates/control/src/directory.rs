//! Who may publish and who may play, answered from memory.
//!
//! A [`Snapshot`] is all channels and keys as of one moment; the [`Directory`] holds the newest one and swaps it whole when
//! the database changed. Asking costs a few look-ups in hash tables whatever the number of channels, waits for no disk, and
//! is repeated while somebody publishes or plays: a key revoked or a channel deleted is refused from the next snapshot on.

use std::collections::HashMap;
use std::sync::Arc;

use media::{ChannelPath, Name, UnixMillis};
use parking_lot::RwLock;
use uuid::Uuid;

use crate::sign::{self, Purpose, Scheme, SignError};
use crate::{Channel, KeyHash, StreamKey};

/// All channels and keys as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    by_id: HashMap<Uuid, Arc<Channel>>,
    by_path: HashMap<ChannelPath, Arc<Channel>>,
    by_key: HashMap<KeyHash, Arc<StreamKey>>,
    by_key_id: HashMap<Uuid, Arc<StreamKey>>,
}

impl Snapshot {
    /// Indexes them. Keys of channels that are not among `channels` are left out.
    #[must_use]
    pub fn new(channels: Vec<Channel>, keys: Vec<StreamKey>) -> Self {
        let mut snapshot = Self::default();
        for channel in channels {
            let channel = Arc::new(channel);
            snapshot.by_path.insert(channel.path.clone(), Arc::clone(&channel));
            snapshot.by_id.insert(channel.id, channel);
        }
        for key in keys {
            if snapshot.by_id.contains_key(&key.channel) {
                let key = Arc::new(key);
                snapshot.by_key_id.insert(key.id, Arc::clone(&key));
                snapshot.by_key.insert(key.hash, key);
            }
        }
        snapshot
    }

    /// The channel at that path.
    #[must_use]
    pub fn channel(&self, path: &ChannelPath) -> Option<&Arc<Channel>> {
        self.by_path.get(path)
    }

    /// The channel of that id.
    #[must_use]
    pub fn channel_by_id(&self, id: Uuid) -> Option<&Arc<Channel>> {
        self.by_id.get(&id)
    }

    /// All channels, in no order.
    pub fn channels(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.by_id.values()
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<StreamKey>> {
        self.by_key_id.values()
    }

    /// Whether a grant to play holds as of this moment: the channel exists under that path, and is public or the signature
    /// not expired nor the secret that made it replaced. For who asks for many grants at once.
    #[must_use]
    pub fn play_still_valid(&self, grant: &PlayGrant, now: UnixMillis) -> bool {
        let Some(channel) = unmoved(self, &grant.channel) else { return false };
        match grant.credential {
            _ if channel.public => true,
            None | Some(Credential::Key(_)) => false,
            Some(Credential::Signed { scheme, expires_at }) => {
                now <= expires_at && same_secret(&grant.channel, channel, scheme)
            }
        }
    }

    fn key_in_app(&self, app: &Name, hash: KeyHash) -> Option<(&Arc<StreamKey>, &Arc<Channel>)> {
        let key = self.by_key.get(&hash)?;
        let channel = self.by_id.get(&key.channel)?;
        (channel.path.app == *app).then_some((key, channel))
    }
}

/// Why somebody may not. Prints as one text whatever the reason, for the reason is nobody's business but ours:
/// [`Denied::reason`] is for our logs and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not allowed, or no such channel")]
pub enum Denied {
    /// No such channel or key, or no signature where one is needed.
    Unknown,
    /// The key was right once.
    Revoked,
    /// The signature was right once.
    Expired,
    /// The signature is not by the holder of the secret.
    Forged,
    /// It cannot be read as a name, key or signature.
    Malformed,
}

impl Denied {
    /// One word for logs and metric labels.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Forged => "forged",
            Self::Malformed => "malformed",
        }
    }
}

impl From<SignError> for Denied {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Malformed => Self::Malformed,
            SignError::Forged => Self::Forged,
            SignError::Expired => Self::Expired,
        }
    }
}

/// By what somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A stream key, by its id.
    Key(Uuid),
    /// A signature.
    Signed {
        /// Its form.
        scheme: Scheme,
        /// The last moment it is honoured, leeway included.
        expires_at: UnixMillis,
    },
}

/// Leave to publish. Ask [`Directory::still_valid`] while it is used.
#[derive(Clone, Debug)]
pub struct PublishGrant {
    /// To this channel, as it was when asked.
    pub channel: Arc<Channel>,
    /// By this.
    pub credential: Credential,
}

/// Leave to play. Ask [`Directory::play_still_valid`] while it is used.
#[derive(Clone, Debug)]
pub struct PlayGrant {
    /// This channel, as it was when asked.
    pub channel: Arc<Channel>,
    /// By this; nothing was needed for a public channel.
    pub credential: Option<Credential>,
}

/// The newest snapshot, and the decisions on it. Cheap to ask from any thread.
#[derive(Debug, Default)]
pub struct Directory {
    current: RwLock<Arc<Snapshot>>,
}

impl Directory {
    /// Starts with `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { current: RwLock::new(Arc::new(snapshot)) }
    }

    /// Every question from now on is answered from `snapshot`.
    pub fn replace(&self, snapshot: Snapshot) {
        *self.current.write() = Arc::new(snapshot);
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read())
    }

    /// The channel at that path, if it exists.
    #[must_use]
    pub fn channel(&self, path: &ChannelPath) -> Option<Arc<Channel>> {
        self.current.read().channel(path).cloned()
    }

    /// May somebody publish as `rtmp://host/{app}/{name_and_query}`?
    ///
    /// Either the name is a stream key of that application and no `sign` is given, or the name is a channel's and the query
    /// has exactly one `sign`. The two never meet: a name without `sign` is only ever looked up as a key, a name with it only
    /// ever as a channel, so a channel called like somebody's key opens nothing. Other parameters are ignored; a query on the
    /// application (`live?x=y`) and slashes at its end are too, as encoders add them.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn authorize_publish(&self, app: &str, name_and_query: &str, now: UnixMillis) -> Result<PublishGrant, Denied> {
        let app = app.split('?').next().unwrap_or_default().trim_end_matches('/');
        let app: Name = app.parse().map_err(|_| Denied::Malformed)?;
        let (name, query) = name_and_query.split_once('?').unwrap_or((name_and_query, ""));
        let name: Name = name.parse().map_err(|_| Denied::Malformed)?;
        let snapshot = self.snapshot();
        let Some(signature) = sign::from_query(query)? else {
            let (key, channel) = snapshot.key_in_app(&app, KeyHash::of(name.as_str())).ok_or(Denied::Unknown)?;
            if key.revoked_at.is_some() {
                return Err(Denied::Revoked);
            }
            return Ok(PublishGrant { channel: Arc::clone(channel), credential: Credential::Key(key.id) });
        };
        let channel = snapshot.channel(&ChannelPath { app, name }).ok_or(Denied::Unknown)?;
        let credential = signed(channel, Purpose::Publish, signature, now)?;
        Ok(PublishGrant { channel: Arc::clone(channel), credential })
    }

    /// May somebody play `path`, showing `signature` (the text `{expiry}-{hex}`) if any?
    ///
    /// A public channel may be played by anyone, whatever is shown; any other only with a right signature.
    ///
    /// # Errors
    /// [`Denied`]; [`Denied::Unknown`] alike for no channel and for no signature.
    pub fn authorize_play(
        &self,
        path: &ChannelPath,
        signature: Option<&str>,
        now: UnixMillis,
    ) -> Result<PlayGrant, Denied> {
        let channel = self.channel(path).ok_or(Denied::Unknown)?;
        if channel.public {
            return Ok(PlayGrant { channel, credential: None });
        }
        let credential = signed(&channel, Purpose::Play, signature.ok_or(Denied::Unknown)?, now)?;
        Ok(PlayGrant { channel, credential: Some(credential) })
    }

    /// Whether a grant to publish still holds: the channel exists under that path, the key is not revoked, the signature not
    /// expired nor the secret that made it replaced.
    #[must_use]
    pub fn still_valid(&self, grant: &PublishGrant, now: UnixMillis) -> bool {
        let snapshot = self.snapshot();
        let Some(channel) = unmoved(&snapshot, &grant.channel) else { return false };
        match grant.credential {
            Credential::Key(id) => snapshot.by_key_id.get(&id).is_some_and(|key| key.revoked_at.is_none()),
            Credential::Signed { scheme, expires_at } => {
                now <= expires_at && same_secret(&grant.channel, channel, scheme)
            }
        }
    }

    /// Whether a grant to play still holds.
    #[must_use]
    pub fn play_still_valid(&self, grant: &PlayGrant, now: UnixMillis) -> bool {
        self.snapshot().play_still_valid(grant, now)
    }
}

fn signed(channel: &Channel, purpose: Purpose, text: &str, now: UnixMillis) -> Result<Credential, Denied> {
    let verified = sign::verify(channel, purpose, text, now)?;
    // The last millisecond of the last second that `sign::holds` accepts.
    let last_s = verified.expires_s.saturating_add(sign::LEEWAY_S);
    let expires_at = UnixMillis(last_s.saturating_mul(1_000).saturating_add(999));
    Ok(Credential::Signed { scheme: verified.scheme, expires_at })
}

fn unmoved<'a>(snapshot: &'a Snapshot, granted: &Channel) -> Option<&'a Arc<Channel>> {
    snapshot.channel_by_id(granted.id).filter(|channel| channel.path == granted.path)
}

fn same_secret(granted: &Channel, now: &Channel, scheme: Scheme) -> bool {
    match scheme {
        Scheme::HmacSha256 => granted.sign_secret == now.sign_secret,
        Scheme::LegacyMd5 => granted.legacy_md5_secret == now.legacy_md5_secret,
    }
}

#[cfg(test)]
mod tests;
