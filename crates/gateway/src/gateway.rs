//! What every connection of this server shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use control::playback::Kind;
use control::{Denied, Directory, RecordingRepository};
use hub::Hub;
use media::ChannelPath;
use recorder::Recorder;
use tokio_util::task::TaskTracker;

use crate::audience::Audience;
use crate::clock::wall_now;
use crate::fanout::FanOut;
use crate::live::Live;
use crate::recorded::MadeOfRecordings;
use crate::relay::OwnRelays;
use crate::right::Right;
use crate::routes::shown::token_in;

/// Bounds on what strangers may open.
#[derive(Clone, Debug)]
pub struct Limits {
    /// HTTP connections of one listener that are not in fan-out.
    pub http_connections_max: usize,
    /// The same from one address. Many phones share one behind a carrier's NAT.
    pub http_per_address_max: usize,
    /// RTMP connections that are not in fan-out.
    pub rtmp_connections_max: usize,
    /// The same from one address.
    pub rtmp_per_address_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            http_connections_max: 100_000,
            http_per_address_max: 20_000,
            rtmp_connections_max: 20_000,
            rtmp_per_address_max: 8_000,
        }
    }
}

/// Answers `/metrics`.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// See the module's documentation.
pub struct Gateway {
    /// Streams.
    pub hub: Arc<Hub>,
    /// Who may.
    pub directory: Arc<Directory>,
    /// Playing sockets.
    pub fan_out: FanOut,
    /// Windows.
    pub live: Live,
    /// Recordings' bytes.
    pub recorder: Arc<Recorder>,
    /// What was made of recordings.
    pub made: MadeOfRecordings,
    /// Recordings' rows.
    pub recordings: Arc<dyn RecordingRepository>,
    /// Relays of this server that are connected.
    pub own_relays: OwnRelays,
    /// Bounds.
    pub limits: Limits,
    /// What answers the addresses that are not media's, once it is there.
    pub api: OnceLock<Arc<dyn crate::http::Api>>,
    /// Prometheus text.
    pub render_metrics: RenderMetrics,
    /// Set once the server stops: it takes nobody new. See [`Gateway::drain`].
    pub draining: AtomicBool,
    /// Holds a token for each HTTP connection, so that a server that stops can wait for those that are being answered.
    pub responses: TaskTracker,
}

impl Gateway {
    /// The server stops.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The server stops: no stream begins from now on, idle HTTP connections close, and the others close after their
    /// answer. [`Gateway::responses`] is done when they have.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.live.close();
        self.responses.close();
    }

    /// Who watches lessons.
    #[must_use]
    pub fn audience(&self) -> &Arc<Audience> {
        self.fan_out.audience()
    }

    /// May somebody play `{app}/{name_and_query}` as RTMP writes it?
    pub fn authorize_play_text(&self, app: &str, name_and_query: &str) -> Result<Right, Denied> {
        let app = app.split('?').next().unwrap_or_default().trim_end_matches('/');
        let (name, query) = name_and_query.split_once('?').unwrap_or((name_and_query, ""));
        let path = ChannelPath {
            app: app.parse().map_err(|_| Denied::Malformed)?,
            name: name.parse().map_err(|_| Denied::Malformed)?,
        };
        if let Some(token) = token_in(query)? {
            let claims = self.directory.read_token(token)?;
            let grant = self.directory.authorize_playback(&path, &claims, wall_now())?;
            return if claims.kind == Kind::Live { Ok(Right::new(grant)) } else { Err(Denied::OtherKind) };
        }
        let grant = self.directory.authorize_play(&path, control::sign::from_query(query)?, wall_now())?;
        Ok(Right::new(grant))
    }
}
