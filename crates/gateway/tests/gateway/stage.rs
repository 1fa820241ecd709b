//! A whole gateway on ports of its own, with three channels: `live/kelas` (public, recorded), `live/tertutup` (private,
//! recorded) and `live/tanpa` (public, not recorded).

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use control::{Channel, ChannelOptions, Directory, RecordingRepository, Snapshot, StreamKey};
use gateway::fanout::{FanOut, FanOutConfig};
use gateway::live::{Live, LiveStream};
use gateway::routes::Listener;
use gateway::{Gateway, Limits};
use hub::Hub;
use media::{ChannelPath, UnixMillis};
use object_store::local::LocalFileSystem;
use packager::Position;
use recorder::{Recorder, RecorderConfig};
use tempfile::TempDir;
use testkit::{Encoder, EncoderConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::{Connection, Reply};
use crate::counts;
use crate::encrypted;
use crate::publisher::{Publisher, encoding};
use crate::repository::MemoryRecordings;

/// Long enough for a loaded machine; no test waits this long unless something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often conditions are looked at, and the server's own tick.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A part is 200 ms, a segment half a second, TARGETDURATION one second.
pub fn packaging() -> packager::Config {
    packager::Config { segment_target_ms: 500, segment_max_ms: 1_000, ..packager::Config::default() }
}

/// What a test wants otherwise.
pub struct Options {
    pub limits: Limits,
    pub packaging: packager::Config,
    pub reconnect_window: Duration,
    pub log_bytes_max: usize,
    pub memory_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            packaging: packaging(),
            reconnect_window: Duration::from_secs(60),
            log_bytes_max: hub::Limits::default().log_bytes_max,
            memory_bytes_max: usize::MAX,
        }
    }
}

pub struct Stage {
    pub gateway: Arc<Gateway>,
    pub http: SocketAddr,
    pub legacy_flv: SocketAddr,
    pub legacy_hls: SocketAddr,
    pub legacy_lhls: SocketAddr,
    pub rtmp: SocketAddr,
    pub https: SocketAddr,
    pub rtmps: SocketAddr,
    pub recordings: Arc<MemoryRecordings>,
    channels: Vec<Channel>,
    keys: Vec<(StreamKey, String)>,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        counts::begin();
        let (channels, keys) = channels();
        let folder = TempDir::new().expect("a folder");
        let snapshot = Snapshot::new(channels.clone(), keys.iter().map(|(key, _)| key.clone()).collect());
        let recordings = Arc::new(MemoryRecordings::default());
        let gateway = open(&folder, snapshot, &options, recordings.clone()).await;
        let stop = CancellationToken::new();
        let mut ports = Vec::new();
        for role in [Listener::Main, Listener::LegacyFlv, Listener::LegacyHls, Listener::LegacyLhls] {
            let (listener, address) = bind().await;
            tokio::spawn(gateway::http::serve(gateway.clone(), listener, role, None, stop.clone()));
            ports.push(address);
        }
        let (listener, rtmp) = bind().await;
        tokio::spawn(gateway::rtmp::serve(gateway.clone(), listener, None, stop.clone()));
        let (listener, https) = bind().await;
        let tls = encrypted::acceptor(&[b"h2", b"http/1.1"]);
        tokio::spawn(gateway::http::serve(gateway.clone(), listener, Listener::Main, Some(tls), stop.clone()));
        let (listener, rtmps) = bind().await;
        tokio::spawn(gateway::rtmp::serve(gateway.clone(), listener, Some(encrypted::acceptor(&[])), stop.clone()));
        tokio::spawn(tick(gateway.clone(), stop.clone()));
        Self {
            gateway,
            http: ports[0],
            legacy_flv: ports[1],
            legacy_hls: ports[2],
            legacy_lhls: ports[3],
            rtmp,
            https,
            rtmps,
            recordings,
            channels,
            keys,
            stop,
            _folder: folder,
        }
    }

    pub fn channel(&self, name: &str) -> &Channel {
        self.channels.iter().find(|channel| channel.path.name.as_str() == name).expect("a channel of the stage")
    }

    /// The stream key of a channel.
    pub fn key(&self, name: &str) -> &str {
        let id = self.channel(name).id;
        &self.keys.iter().find(|(key, _)| key.channel == id).expect("a key").1
    }

    /// The directory as it is once the channel's key is revoked.
    pub fn revoke(&self, name: &str) {
        let id = self.channel(name).id;
        let keys = self.keys.iter().map(|(key, _)| {
            let revoked_at = (key.channel == id).then_some(UnixMillis(2));
            StreamKey { revoked_at, ..key.clone() }
        });
        self.gateway.directory.replace(Snapshot::new(self.channels.clone(), keys.collect()));
    }

    /// The directory as it is once the channel is private.
    pub fn close_to_the_public(&self, name: &str) {
        let id = self.channel(name).id;
        let channels = self.channels.iter().map(|channel| {
            let public = channel.public && channel.id != id;
            Channel { public, ..channel.clone() }
        });
        self.gateway.directory.replace(Snapshot::new(channels.collect(), self.keys()));
    }

    /// The directory as it is once the channel was deleted and another made at its path. Answers the other and its key.
    pub fn make_anew(&self, name: &str) -> (Channel, String) {
        let old = self.channel(name);
        let new = Channel::create(old.path.clone(), &ChannelOptions::default(), UnixMillis(3));
        let (key, text) = StreamKey::create(new.id, "another", UnixMillis(3));
        let others = self.channels.iter().filter(|channel| channel.id != old.id).cloned();
        let (mut channels, mut keys) = (others.collect::<Vec<_>>(), self.keys());
        channels.push(new.clone());
        keys.push(key);
        self.gateway.directory.replace(Snapshot::new(channels, keys));
        (new, text.0)
    }

    fn keys(&self) -> Vec<StreamKey> {
        self.keys.iter().map(|(key, _)| key.clone()).collect()
    }

    /// A publisher of the channel that may send.
    pub async fn publish(&self, name: &str) -> Publisher {
        Publisher::start(self.rtmp, "live", self.key(name)).await
    }

    /// A publisher that has sent `ms` of media, all of which is in the window.
    pub async fn on_air(&self, name: &str, ms: i64) -> Publisher {
        self.on_air_with(name, ms, encoding()).await
    }

    /// The same with another encoder.
    pub async fn on_air_with(&self, name: &str, ms: i64, encoding: EncoderConfig) -> Publisher {
        let mut publisher = self.publish(name).await;
        publisher.encoder = Encoder::new(encoding);
        // Faster than life, but not faster than a stream's log allows its readers.
        for until in (1_000..ms).step_by(1_000).chain([ms]) {
            publisher.send_until_ms(until).await;
            self.packaged(name, until).await;
        }
        let (live, sent) = (self.live(name), publisher.sent.len() as u64);
        self.until("all frames have come", || (live.stream.counters().frames >= sent).then_some(())).await;
        publisher
    }

    /// Waits until what was sent up to `ms` is in the window, but for the part that is open.
    pub async fn packaged(&self, name: &str, ms: i64) {
        // The last of the pictures, thirty a second, closes the part before its own: segments of half a second have
        // parts of 200, 200 and 100 ms.
        let last_ms = ((ms * 30 + 999) / 1_000 - 1) * 1_000 / 30;
        let wanted = (last_ms / 500, (last_ms % 500 / 200) as u32);
        self.until("the window has what was sent", || {
            let live = self.gateway.live.of(&self.channel(name).path)?;
            let window = live.window.read();
            let Position { msn, part } = window.position(window.track_named("video")?)?;
            ((msn as i64 - (live.stream.id().0 / 1_000) as i64, part) >= wanted).then_some(())
        })
        .await;
    }

    pub fn live(&self, name: &str) -> Arc<LiveStream> {
        self.gateway.live.of(&self.channel(name).path).expect("a stream")
    }

    /// The stream's id and its first segment number.
    pub fn stream(&self, name: &str) -> (String, u64) {
        let id = self.live(name).stream.id();
        (id.to_string(), id.0 / 1_000)
    }

    /// Ends the channel's stream, which must be the only one.
    pub async fn end(&self, name: &str) {
        self.gateway.hub.end(&self.channel(name).path, Instant::now());
        self.until("the stream is packaged to its end", || (self.gateway.live.running() == 0).then_some(())).await;
    }

    /// Looks until there is something.
    pub async fn until<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        until(what, look).await
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(self.http).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.connect().await.get(path).await
    }

    pub async fn head(&self, path: &str) -> Reply {
        self.connect().await.request("HEAD", path, &[]).await
    }

    /// A playlist that must be there.
    pub async fn text(&self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }

    /// The server stops.
    pub fn stop(&self) {
        self.gateway.drain();
        self.stop.cancel();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Looks until there is something.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        looks.tick().await;
    }
}

/// The future's answer, which must come.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

fn channels() -> (Vec<Channel>, Vec<(StreamKey, String)>) {
    let make = |name: &str, record, public| {
        let path = ChannelPath { app: "live".parse().expect("app"), name: name.parse().expect("name") };
        let options = ChannelOptions { record, public, ..ChannelOptions::default() };
        Channel::create(path, &options, UnixMillis(1))
    };
    let channels = vec![make("kelas", true, true), make("tertutup", true, false), make("tanpa", false, true)];
    let keys = channels.iter().map(|channel| {
        let (key, text) = StreamKey::create(channel.id, "first", UnixMillis(1));
        (key, text.0)
    });
    let keys = keys.collect();
    (channels, keys)
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

async fn tick(gateway: Arc<Gateway>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    while !stop.is_cancelled() {
        ticks.tick().await;
        gateway.live.expire(Instant::now());
    }
}

async fn open(
    folder: &TempDir,
    snapshot: Snapshot,
    options: &Options,
    recordings: Arc<dyn RecordingRepository>,
) -> Arc<Gateway> {
    let objects = folder.path().join("objects");
    std::fs::create_dir_all(&objects).expect("a folder");
    let config = RecorderConfig {
        reserve_bytes: 0,
        flush_interval_ms: 10,
        objects_dir: Some(objects.clone()),
        ..RecorderConfig::new(folder.path().join("journal"))
    };
    let store = Arc::new(LocalFileSystem::new_with_prefix(&objects).expect("a store"));
    let recorder = Recorder::open(config, store, recordings.clone()).await.expect("a recorder");
    let hub = Arc::new(Hub::new(hub::Limits {
        log_bytes_max: options.log_bytes_max,
        reconnect_window: options.reconnect_window,
        ..hub::Limits::default()
    }));
    let fan_out = FanOutConfig { shards: 1, coalesce_max: Duration::from_millis(5), ..FanOutConfig::default() };
    let directory = Arc::new(Directory::new(snapshot));
    let live = Live::new(hub.clone(), options.packaging.clone(), recorder.clone(), options.memory_bytes_max);
    live.resume(recorder.used().await.expect("rows"));
    Arc::new(Gateway {
        live,
        hub,
        fan_out: FanOut::start(&fan_out, &directory).expect("threads"),
        directory,
        recorder,
        made: gateway::recorded::MadeOfRecordings::default(),
        recordings,
        own_relays: gateway::relay::OwnRelays::default(),
        limits: options.limits.clone(),
        api: std::sync::OnceLock::new(),
        render_metrics: Arc::new(|| "tayang_up 1\n".to_owned()),
        draining: AtomicBool::new(false),
        responses: TaskTracker::new(),
    })
}
