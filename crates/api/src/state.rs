//! What every answer may use.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use control::air::Air;
use control::mail::Mailer;
use control::{Directory, Repository, RepositoryError};
use media::{ChannelPath, Redacted, UnixMillis};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::feed::Feed;
use crate::known::Known;
use crate::network::Network;
use crate::oidc::{OidcSettings, Provider};
use crate::pace::Paces;
use crate::passkeys::ceremony::RelyingParty;
use crate::passwords::Passwords;
use crate::room::Rooms;

/// What the configuration says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach this server, without a slash at the end: `https://tayang.example`. `None`: as the request says,
    /// and no mail with a link goes out except to who is on this machine.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Strangers may make an account.
    pub sign_up: bool,
    /// How long before its time a lesson takes its publisher, and after it while nothing came.
    pub slot_margin_ms: i64,
    /// Media delivered to somebody before they count as having been there.
    pub attendance_ms: i64,
    /// Whoever begins to play ends what they played before.
    pub one_stream_each: bool,
    /// Where publishers reach this server: known once it listens.
    pub addresses: Arc<OnceLock<Addresses>>,
    /// What opens `POST /store-live` besides an operator's sign-in.
    pub hook_secret: Option<Redacted<String>>,
    /// Why no channel can be made at a path, if none can: its addresses would mean something else.
    pub refuses_path: fn(&ChannelPath) -> Option<String>,
    /// Where requests to addresses of strangers may go.
    pub egress: events::egress::Policy,
    /// Who else tells us who somebody is.
    pub oidc: Option<OidcSettings>,
}

/// The beginnings of the addresses that publishers use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// `rtmp://host:port`.
    pub rtmp: String,
    /// `rtmps://host:port`, if on.
    pub rtmps: Option<String>,
}

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct State(Arc<Whole>);

struct Whole {
    parts: Parts,
    known: Known,
    passwords: Passwords,
    provider: Option<Provider>,
    relying_party: Option<RelyingParty>,
    feed: Feed,
    rooms: Rooms,
    push_key: OnceCell<String>,
    paces: Paces,
}

/// See [`State`].
pub struct Parts {
    /// All that is kept.
    pub repository: Arc<dyn Repository>,
    /// What is on air.
    pub air: Arc<dyn Air>,
    /// Makes playback tokens, and knows which sessions are open.
    pub directory: Arc<Directory>,
    /// Takes mails.
    pub mailer: Arc<dyn Mailer>,
    /// What the configuration says.
    pub settings: Settings,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// What outlives its request: rooms, senders. Waited for when the server stops.
    pub tasks: TaskTracker,
}

impl State {
    /// Joins them.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let provider = parts.settings.oidc.clone().map(Provider::new);
        let relying_party = parts.settings.public_url.as_deref().and_then(RelyingParty::of);
        let (known, passwords) = (Known::default(), Passwords::default());
        let (feed, rooms, push_key) = (Feed::default(), Rooms::default(), OnceCell::new());
        let paces = Paces::default();
        let whole = Whole { parts, known, passwords, provider, relying_party, feed, rooms, push_key, paces };
        Self(Arc::new(whole))
    }

    /// Who was lately known.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.0.known
    }

    /// What hashes passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// The identity provider.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        self.0.provider.as_ref()
    }

    /// What passkeys know this server as. `None`: browsers keep none for it.
    #[must_use]
    pub fn relying_party(&self) -> Option<&RelyingParty> {
        self.0.relying_party.as_ref()
    }

    /// What wakes those who wait for changes.
    pub(crate) fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// The rooms that are open here.
    pub(crate) fn rooms(&self) -> &Rooms {
        &self.0.rooms
    }

    /// The key that push services know this server by, which is made once for all time.
    pub(crate) async fn push_key(&self) -> Result<&str, RepositoryError> {
        let read = || events::vapid::public_key(&*self.repository, self.now());
        self.0.push_key.get_or_try_init(read).await.map(String::as_str)
    }

    /// How fast somebody may do something.
    pub(crate) fn paces(&self) -> &Paces {
        &self.0.paces
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
