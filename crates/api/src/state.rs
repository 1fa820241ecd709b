//! What every answer may use.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use control::air::Air;
use control::mail::Mailer;
use control::{Directory, Repository};
use media::UnixMillis;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the configuration says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach this server, without a slash at the end: `https://tayang.example`. `None`: as the request says.
    pub public_url: Option<String>,
    /// Strangers may make an account.
    pub sign_up: bool,
    /// How long before its time a lesson takes its publisher, and after it while nothing came.
    pub slot_margin_ms: i64,
    /// Media delivered to somebody before they count as having been there.
    pub attendance_ms: i64,
    /// Whoever begins to play ends what they played before.
    pub one_stream_each: bool,
}

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct State(Arc<Parts>);

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
        Self(Arc::new(parts))
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
        &self.0
    }
}
