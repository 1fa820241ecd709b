//! Configuration: one TOML file, the environment above it, flags above both; checked once into a [`Config`] that cannot be
//! wrong.
//!
//! What may be set, its default, unit and range stand in one table, [`settings::SETTINGS`], from which the file's keys, the
//! environment's names, the checks and `tayang config explain` all come.

mod resolve;
pub mod settings;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media::Redacted;
use object_store::ObjectStore;
use recorder::RecorderConfig;
use store::objects::{self, Location};

pub use resolve::{Explained, Sources, load};

/// Every setting, checked. Addresses are where to listen; `None` is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where everything of ours lies.
    pub data_dir: PathBuf,
    /// Pages, playlists, segments, FLV, API.
    pub http_addr: SocketAddr,
    /// The same over TLS.
    pub https_addr: Option<SocketAddr>,
    /// RTMP.
    pub rtmp_addr: SocketAddr,
    /// RTMP over TLS.
    pub rtmps_addr: Option<SocketAddr>,
    /// Certificate for HTTPS and RTMPS. Without one, a self-signed one is made.
    pub tls: Option<TlsFiles>,
    /// Where viewers reach us, if not at the address we listen on: scheme, host and port, no path, no `/` at the end.
    pub public_url: Option<PublicUrl>,
    /// Proxies that are believed who asks.
    pub trusted_proxies: Vec<api::Network>,
    /// PostgreSQL, instead of a file in `data_dir`.
    pub database_url: Option<Redacted<String>>,
    /// A replica of it, for lists that may be some seconds old.
    pub database_replica_url: Option<Redacted<String>>,
    /// Rules of lessons.
    pub lessons: Lessons,
    /// Strangers may make an account.
    pub sign_up: bool,
    /// How mails go out.
    pub mail: Mail,
    /// Push endpoints and webhooks may be on this machine itself.
    pub local_targets: bool,
    /// Who else tells us who somebody is.
    pub oidc: Option<Oidc>,
    /// How long a stream waits for its publisher to come back, in seconds.
    pub reconnect_window_s: u64,
    /// How long a shutdown may take, in seconds.
    pub drain_timeout_s: u64,
    /// What live streams are cut into and how much of them is held.
    pub live: Live,
    /// What strangers may open.
    pub limits: Limits,
    /// What is kept.
    pub recording: Recording,
    /// The ports of the systems that Tayang replaces.
    pub legacy: Legacy,
    /// What is logged.
    pub log: Log,
}

/// Certificate and key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, own certificate first.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// `{scheme}://{authority}`, of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host, in brackets if it is an IPv6 address.
    pub host: String,
    /// Port, where it is not the scheme's own.
    pub port: Option<u16>,
}

/// Rules of lessons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lessons {
    /// How long before its time a lesson takes its publisher, in seconds.
    pub slot_margin_s: u64,
    /// Media delivered to somebody before they count as having been there, in milliseconds.
    pub attendance_ms: u64,
    /// Whoever begins to play ends what they played before.
    pub one_stream_each: bool,
}

/// How mails go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The server that takes them, with user and password.
    pub smtp_url: Option<Redacted<String>>,
    /// Their sender.
    pub from: String,
    /// Where they are put without one.
    pub dir: PathBuf,
}

/// A provider of OpenID Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oidc {
    /// What its button says.
    pub name: String,
    /// Its issuer.
    pub issuer: String,
    /// By which it knows us.
    pub client_id: String,
    /// With which we prove it.
    pub client_secret: Option<Redacted<String>>,
    /// Claim with somebody's groups.
    pub groups_claim: String,
    /// Whose members are mentors.
    pub mentor_group: Option<String>,
    /// Whose members are operators.
    pub operator_group: Option<String>,
}

/// Times and bounds of live streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Duration of a part, in milliseconds.
    pub part_target_ms: u32,
    /// Duration of a segment, in milliseconds.
    pub segment_target_ms: u32,
    /// Full segments in a live playlist.
    pub window_segments: usize,
    /// Bytes of one stream that are held for players to start from.
    pub gop_bytes_max: usize,
    /// How long frames may wait for others to be sent together, in milliseconds.
    pub coalesce_ms_max: u64,
    /// How far behind a viewer may fall before it skips, in milliseconds.
    pub lag_ms_max: u64,
}

/// Connections that may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// HTTP connections of one listener.
    pub http_connections_max: usize,
    /// The same from one address.
    pub http_per_address_max: usize,
    /// RTMP connections of one listener.
    pub rtmp_connections_max: usize,
    /// The same from one address.
    pub rtmp_per_address_max: usize,
    /// Bytes that streams may hold before no new one begins.
    pub memory_bytes_max: usize,
}

/// Where recordings lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Directory of the journals, on a local disk.
    pub journal_dir: PathBuf,
    /// Finished recordings.
    pub objects: Location,
    /// URL of an S3-compatible store other than AWS.
    pub s3_endpoint: Option<String>,
    /// Bytes that recording leaves free on the journal's disk.
    pub disk_reserve_bytes: u64,
}

/// Extra listeners, all HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legacy {
    /// HTTP-FLV of livego, usually port 7001.
    pub flv_addr: Option<SocketAddr>,
    /// HLS of livego, usually port 7002.
    pub hls_addr: Option<SocketAddr>,
    /// LHLS of the old LHLS platform, usually port 9094.
    pub lhls_addr: Option<SocketAddr>,
    /// Opens `POST /store-live` to whoever shows it.
    pub hook_secret: Option<Redacted<String>>,
}

/// Logging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or directives of `tracing`'s `EnvFilter`.
    pub level: String,
    /// One JSON object a line, not text.
    pub json: bool,
}

impl Config {
    /// The database.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("tayang.db")
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> store::db::Location {
        match &self.database_url {
            Some(url) => {
                store::db::Location::Postgres { url: url.clone(), replica_url: self.database_replica_url.clone() }
            }
            None => store::db::Location::File(self.database_file()),
        }
    }

    /// How the recorder is told to work.
    #[must_use]
    pub fn recorder(&self) -> RecorderConfig {
        let mut recorder = RecorderConfig::new(self.recording.journal_dir.clone());
        recorder.reserve_bytes = self.recording.disk_reserve_bytes;
        if let Location::Directory(path) = &self.recording.objects {
            recorder.objects_dir = Some(path.clone());
        }
        recorder
    }

    /// Opens the object store.
    ///
    /// # Errors
    /// [`objects::OpenError`]
    pub fn open_objects(&self) -> Result<Arc<dyn ObjectStore>, objects::OpenError> {
        objects::open(&self.recording.objects, self.recording.s3_endpoint.as_deref())
    }
}

/// Written by a server that runs on this data directory: its pid and the addresses it listens on.
#[must_use]
pub fn server_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}
