//! Who may publish and who may play, answered from memory.
//!
//! A [`Snapshot`] is the channels, keys and lessons that matter as of one moment; the [`Directory`] holds the newest one and
//! swaps it whole when the database changed, or when lessons are past. What plays of these needs no channel here: a token
//! names its lesson, a lesson its channel's path, and what is taken back is told of by name too. Beside it are the keys of playback tokens, what was taken back of them, and which
//! playback sessions are open. Asking costs a few look-ups in hash tables whatever the number of channels, waits for no disk,
//! and is repeated while somebody publishes or plays: a key revoked, a channel deleted, a lesson over or a right taken away is
//! refused from the moment on at which it is known.

use std::sync::Arc;

use media::{ChannelPath, Name, UnixMillis};
use parking_lot::RwLock;
use uuid::Uuid;

use crate::playback::{Claims, Kind, TokenError, TokenKeys};
use crate::playbacks::Playbacks;
use crate::revocations::Revocations;
use crate::sign::{self, Purpose, Scheme, SignError};
use crate::teaching::lessons::{LESSON_APP, lesson_at};
use crate::{Change, Channel, KeyHash, Snapshot};

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
    /// The lesson's time is not now.
    NotNow,
    /// It opens something else: the recording, or what is live.
    OtherKind,
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
            Self::NotNow => "not now",
            Self::OtherKind => "other kind",
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

impl From<TokenError> for Denied {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Malformed,
            TokenError::Forged => Self::Forged,
        }
    }
}

/// By what somebody may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A stream key, by its id.
    Key(Uuid),
    /// A mentor's own key, by its id.
    OwnKey(Uuid),
    /// A playback token.
    Playback {
        /// What it says.
        claims: Arc<Claims>,
        /// Until before when it held when it was shown. It may be longer by now.
        expires_at: UnixMillis,
    },
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
    /// Which channel.
    pub id: Uuid,
    /// The channel as it was when asked. `None`: a past lesson's, of which only recordings play.
    pub channel: Option<Arc<Channel>>,
    /// By this; nothing was needed for a public channel.
    pub credential: Option<Credential>,
}

/// The newest snapshot, and the decisions on it. Cheap to ask from any thread.
#[derive(Debug, Default)]
pub struct Directory {
    current: RwLock<Arc<Snapshot>>,
    token_keys: RwLock<Arc<TokenKeys>>,
    revocations: RwLock<Arc<Revocations>>,
    playbacks: Playbacks,
}

/// What is known as of one moment, for who asks about many grants at once.
#[derive(Debug)]
pub struct View<'d> {
    snapshot: Arc<Snapshot>,
    token_keys: Arc<TokenKeys>,
    revocations: Arc<Revocations>,
    playbacks: &'d Playbacks,
}

impl View<'_> {
    /// Whether a grant to play holds: the channel exists under that path, and is public, or the signature not expired nor the
    /// secret that made it replaced, or the playback session still open, nothing taken away from it and the key of its token
    /// not retired. A lesson may be past by now, and its channel not here any more: its playback sessions go on.
    #[must_use]
    pub fn play_still_valid(&self, grant: &PlayGrant, now: UnixMillis) -> bool {
        let granted = grant.channel.as_deref();
        let path = granted.map(|channel| &channel.path);
        let channel = self.snapshot.channel_by_id(grant.id);
        if channel.is_some_and(|channel| path.is_some_and(|path| *path != channel.path)) {
            return false;
        }
        match (&grant.credential, channel) {
            (_, Some(channel)) if channel.public => true,
            (Some(Credential::Signed { scheme, expires_at }), Some(channel)) => {
                now <= *expires_at && granted.is_some_and(|granted| same_secret(granted, channel, *scheme))
            }
            (Some(Credential::Playback { claims, .. }), channel) => {
                let is_lessons = || path.is_none_or(|path| lesson_at(path) == Some(claims.lesson));
                (channel.is_some() || is_lessons()) && self.until(claims, now).is_ok()
            }
            (None | Some(Credential::Key(_) | Credential::OwnKey(_) | Credential::Signed { .. }), _) => false,
        }
    }

    /// Until before when a token holds that says `claims`.
    fn until(&self, claims: &Claims, now: UnixMillis) -> Result<UnixMillis, Denied> {
        let (seq, expires) = self.playbacks.standing(claims).ok_or(Denied::Revoked)?;
        match () {
            // Not even for a session that was given longer: whoever has the key may have begun it.
            () if !self.token_keys.stands(claims.kid) => Err(Denied::Revoked),
            () if self.revocations.concern(claims, seq) => Err(Denied::Revoked),
            () if expires <= now => Err(Denied::Expired),
            () => Ok(expires),
        }
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }
}

impl Directory {
    /// Starts with `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { current: RwLock::new(Arc::new(snapshot)), ..Self::default() }
    }

    /// Every question from now on is answered from `snapshot`.
    pub fn replace(&self, snapshot: Snapshot) {
        *self.current.write() = Arc::new(snapshot);
    }

    /// Lessons that are past by `now` are not known any more.
    pub fn forget_past(&self, now: UnixMillis) {
        let snapshot = self.snapshot();
        if snapshot.has_past(now) {
            self.replace(Snapshot::clone(&snapshot).without_past(now));
        }
    }

    /// Tokens are made and checked with these keys from now on.
    pub fn set_token_keys(&self, keys: TokenKeys) {
        *self.token_keys.write() = Arc::new(keys);
    }

    /// The keys of tokens.
    #[must_use]
    pub fn token_keys(&self) -> Arc<TokenKeys> {
        Arc::clone(&self.token_keys.read())
    }

    /// Learns what was taken away, and forgets what concerns nothing any more.
    pub fn learn(&self, changes: &[Change], now: UnixMillis) {
        let mut revocations = Revocations::clone(&self.revocations.read());
        for change in changes {
            revocations.learn(change);
        }
        revocations.forget(now);
        *self.revocations.write() = Arc::new(revocations);
    }

    /// The open playback sessions.
    #[must_use]
    pub fn playbacks(&self) -> &Playbacks {
        &self.playbacks
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read())
    }

    /// All that is known now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let (snapshot, revocations) = (self.snapshot(), Arc::clone(&self.revocations.read()));
        View { snapshot, token_keys: self.token_keys(), revocations, playbacks: &self.playbacks }
    }

    /// The channel at that path, if it exists.
    #[must_use]
    pub fn channel(&self, path: &ChannelPath) -> Option<Arc<Channel>> {
        self.current.read().channel(path).cloned()
    }

    /// May somebody publish as `rtmp://host/{app}/{name_and_query}`?
    ///
    /// Either the name is a stream key of that application, or a mentor's own, and no `sign` is given, or the name is a
    /// channel's and the query has exactly one `sign`. The two never meet: a name without `sign` is only ever looked up as a
    /// key, a name with it only ever as a channel, so a channel called like somebody's key opens nothing. A lesson's channel
    /// takes its publisher only while the lesson's slot is open, whatever is shown; a mentor's own key publishes to the
    /// lesson of theirs that has its slot ([`crate::airing::chosen`]). Other parameters are ignored; a query on the
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
        let (channel, credential) = match sign::from_query(query)? {
            None => with_key(&snapshot, &app, KeyHash::of(name.as_str()), now)?,
            Some(signature) => {
                let channel = snapshot.channel(&ChannelPath { app, name }).ok_or(Denied::Unknown)?;
                (channel, signed(channel, Purpose::Publish, signature, now)?)
            }
        };
        if !snapshot.takes_publisher(channel, now) {
            return Err(Denied::NotNow);
        }
        Ok(PublishGrant { channel: Arc::clone(channel), credential })
    }

    /// May somebody play `path`, showing `signature` (the text `{expiry}-{hex}`) if any?
    ///
    /// A public channel may be played by anyone, whatever is shown; any other only with a right signature. A lesson's never: it
    /// is for whom [`crate::access`] says, and a signature would not know of attendance, bans or the end.
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
            return Ok(PlayGrant { id: channel.id, channel: Some(channel), credential: None });
        }
        if path.app.as_str() == LESSON_APP {
            return Err(Denied::Unknown);
        }
        let credential = signed(&channel, Purpose::Play, signature.ok_or(Denied::Unknown)?, now)?;
        Ok(PlayGrant { id: channel.id, channel: Some(channel), credential: Some(credential) })
    }

    /// What a playback token says, if it is one of ours. Whether it opens anything now is [`Self::authorize_playback`]'s
    /// answer.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn read_token(&self, text: &str) -> Result<Arc<Claims>, Denied> {
        Ok(Arc::new(self.token_keys().verify(text)?))
    }

    /// May somebody play `path` whose token says `claims`? Which of live and recording it opens is for the caller to look at:
    /// only there it is known which of the two a file is.
    ///
    /// A past lesson's channel is not here, and the database is not asked: we signed which lesson and channel the token of its
    /// recording opens, and where a lesson's channel is follows from its id ([`lesson_at`]). So who has no token of ours is refused whatever
    /// names they try, at the cost of a look-up.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn authorize_playback(
        &self,
        path: &ChannelPath,
        claims: &Arc<Claims>,
        now: UnixMillis,
    ) -> Result<PlayGrant, Denied> {
        let view = self.view();
        let channel = view.snapshot.channel(path);
        let is_theirs = match channel {
            Some(channel) => channel.id == claims.channel,
            None => claims.kind != Kind::Live && lesson_at(path) == Some(claims.lesson),
        };
        if !is_theirs {
            return Err(Denied::Unknown);
        }
        let expires_at = view.until(claims, now)?;
        let credential = Some(Credential::Playback { claims: Arc::clone(claims), expires_at });
        Ok(PlayGrant { id: claims.channel, channel: channel.cloned(), credential })
    }

    /// Whether a grant to publish still holds: the channel exists under that path, the key is not revoked, the signature not
    /// expired nor the secret that made it replaced; and the slot of the lesson, if the channel is one's, is open.
    #[must_use]
    pub fn still_valid(&self, grant: &PublishGrant, now: UnixMillis) -> bool {
        let snapshot = self.snapshot();
        let Some(channel) = unmoved(&snapshot, &grant.channel) else { return false };
        snapshot.takes_publisher(channel, now)
            && match &grant.credential {
                Credential::Key(id) => snapshot.key(*id).is_some_and(|key| key.revoked_at.is_none()),
                Credential::OwnKey(id) => snapshot.own_key(*id).is_some_and(|key| key.revoked_at.is_none()),
                Credential::Signed { scheme, expires_at } => {
                    now <= *expires_at && same_secret(&grant.channel, channel, *scheme)
                }
                Credential::Playback { .. } => false,
            }
    }

    /// Whether a grant to play still holds.
    #[must_use]
    pub fn play_still_valid(&self, grant: &PlayGrant, now: UnixMillis) -> bool {
        self.view().play_still_valid(grant, now)
    }
}

/// The channel that a key publishes to.
fn with_key<'s>(
    snapshot: &'s Snapshot,
    app: &Name,
    hash: KeyHash,
    now: UnixMillis,
) -> Result<(&'s Arc<Channel>, Credential), Denied> {
    if let Some((key, channel)) = snapshot.key_in_app(app, hash) {
        return if key.revoked_at.is_some() { Err(Denied::Revoked) } else { Ok((channel, Credential::Key(key.id))) };
    }
    let key = snapshot.own_key_of(hash).ok_or(Denied::Unknown)?;
    if key.revoked_at.is_some() {
        return Err(Denied::Revoked);
    }
    let channel = snapshot.channel_of_mentor(key.mentor, app, now).ok_or(Denied::NotNow)?;
    Ok((channel, Credential::OwnKey(key.id)))
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
