//! The server: opens what the configuration names, wires the crates together, and stops in order.
//!
//! Start: database, what a crash left of recordings, streams, listeners; then the ready file. Stop (SIGTERM, SIGINT):
//! publishers are told, streams end, recordings are sealed, responses under way are finished, sockets close; all within the
//! configured time, for no thread that waits for a disk is waited for longer. A signal at the start ends it as a kill would.

mod air;
mod control_plane;
mod director;
mod first_start;
mod listeners;
mod notices;
mod observe;
mod register;
mod watch;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use control::air::Air;
use control::identity::provider::GroupRule;
use control::teaching::directing::Timing;
use control::{Directory, RecordingRepository, Repository, Seq};
use gateway::Gateway;
use gateway::fanout::{FanOut, FanOutConfig};
use gateway::live::Live;
use gateway::relay::Relays;
use hub::Hub;
use recorder::Recorder;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::control_plane::ControlPlane;
use self::director::Director;
use crate::addresses::{BoundAddresses, Origins};
use crate::config::{self, Config, server_file};

/// How often streams whose window closed are ended and counts are published.
const TICK: Duration = Duration::from_millis(250);
/// Of the time to stop, what is kept for flushing when everything else has run over.
const FLUSH_RESERVE: Duration = Duration::from_millis(500);
/// Beyond the time to stop, what is given to each of the two last things that a disk can hold: removing the files that say
/// where we listen, and threads that are at work.
const END_RESERVE: Duration = Duration::from_millis(500);

/// Serves on `runtime` until told to stop. Ends also when a disk does not answer and threads wait for it.
///
/// # Errors
/// Whatever keeps it from starting: an address in use, a database or folder that cannot be opened.
pub fn run(runtime: Runtime, config: Config, ready_file: Option<PathBuf>) -> anyhow::Result<()> {
    to_the_end(runtime, serve(config, ready_file))
}

/// Dropping a runtime waits for its threads without limit.
fn to_the_end<T>(runtime: Runtime, work: impl Future<Output = T>) -> T {
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(END_RESERVE);
    outcome
}

async fn serve(config: Config, ready_file: Option<PathBuf>) -> anyhow::Result<()> {
    let mut signals = Signals::catch()?;
    let (config, ready_file) = (Arc::new(config), ready_file.map(Arc::<Path>::from));
    // On a thread of its own: it may wait for another process's lock or for a disk, and signals are heard even so.
    let given_up = CancellationToken::new();
    let starting = tokio::task::spawn_blocking({
        let (config, ready_file, given_up) = (config.clone(), ready_file.clone(), given_up.clone());
        move || Handle::current().block_on(Running::start(config, ready_file, &given_up))
    });
    let running = tokio::select! {
        biased;
        started = starting => started.context("starting ended early")??,
        name = signals.next() => {
            given_up.cancel();
            tracing::info!("{name} while starting: ends, and the next start goes on from here");
            return Ok(());
        }
    };
    let name = signals.next().await;
    tracing::info!("{name}: stopping");
    running.stop().await;
    Ok(())
}

/// What ends the server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?,
            interrupt: signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// A server that is on air.
struct Running {
    config: Arc<Config>,
    ready_file: Option<Arc<Path>>,
    bound: BoundAddresses,
    gateway: Arc<Gateway>,
    stop: CancellationToken,
    tracker: TaskTracker,
    ticking: JoinHandle<()>,
    store: Arc<dyn Repository>,
}

impl Running {
    async fn start(
        config: Arc<Config>,
        ready_file: Option<Arc<Path>>,
        given_up: &CancellationToken,
    ) -> anyhow::Result<Self> {
        forget_earlier(&config, ready_file.as_deref())?;
        tracing::info!(data_dir = %config.data_dir.display(), "starting");
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        raise_file_limit();
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("data directory {} cannot be made", config.data_dir.display()))?;
        let metrics = observe::install()?;
        let (gateway, store, seq) = open(&config, metrics).await?;

        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let notices = notices::open(&config, store.clone())?;
        let air: Arc<dyn Air> = Arc::new(air::OnTheAir::new(gateway.clone()));
        let addresses = Arc::new(OnceLock::new());
        let state = api::State::new(api::state::Parts {
            repository: store.clone(),
            air: air.clone(),
            directory: gateway.directory.clone(),
            mailer: notices.mailer(),
            settings: api_settings(&config, &addresses),
            stop: stop.clone(),
            tasks: tracker.clone(),
        });
        let api = api::Api::new(state.clone());
        ensure!(gateway.api.set(Arc::new(ControlPlane(api))).is_ok(), "the API is handed in once");
        let bound = listeners::start(&config, &gateway, &stop, &tracker).await?;
        let origins = Origins::new(config.public_url.as_ref(), &bound);
        addresses.set(api::Addresses { rtmp: origins.rtmp, rtmps: origins.rtmps }).ok();
        first_start::greet(store.as_ref(), &config, &bound, state.now()).await;
        tracker.spawn(api::chores::run(state));
        notices.start(&stop, &tracker);
        let relays = Relays::new(gateway.clone(), relay_trust(), stop.clone(), tracker.clone());
        // A database that is a file has one server, which goes on with its pulls at once when it comes back.
        let server = if config.database_url.is_some() { control::keys::random_id() } else { control::Uuid::nil() };
        let margin_ms = timing(&config).margin_ms;
        let follower = watch::Follower::new(store.clone(), gateway.clone(), (relays, server), margin_ms, seq);
        tracker.spawn(follower.run(stop.clone()));
        tracker.spawn(register::run(gateway.clone(), store.clone(), attendance_ms(&config), stop.clone()));
        tracker.spawn(Director::new(store.clone(), air, timing(&config)).run(stop.clone()));
        // Until the very end: who waits for a part looks at the time when it ticks.
        let ticking = tokio::spawn(tick(gateway.clone()));
        ensure!(!given_up.is_cancelled(), "given up while starting");
        announce(&config, &bound, ready_file.as_deref())?;
        Ok(Self { config, ready_file, bound, gateway, stop, tracker, ticking, store })
    }

    async fn stop(self) {
        drain(&self.config, &self.gateway, &*self.store, &self.stop, &self.tracker).await;
        self.ticking.abort();
        let removing = tokio::task::spawn_blocking(move || {
            for file in written_files(&self.config, self.ready_file.as_deref()) {
                self.bound.remove(&file);
            }
        });
        if tokio::time::timeout(END_RESERVE, removing).await.is_err() {
            tracing::warn!("a disk does not answer: the files that say where this server listened are left");
        }
        tracing::info!("stopped");
    }
}

/// The certificates that relays over TLS trust: the system's, or those that `SSL_CERT_FILE` names.
fn relay_trust() -> Arc<rustls::ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates of the system cannot be read: relays over TLS may fail");
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn oidc_settings(set: &config::Oidc) -> api::oidc::OidcSettings {
    api::oidc::OidcSettings {
        name: set.name.clone(),
        issuer: set.issuer.clone(),
        client_id: set.client_id.clone(),
        client_secret: set.client_secret.clone(),
        groups_claim: set.groups_claim.clone(),
        rule: GroupRule { mentor: set.mentor_group.clone(), operator: set.operator_group.clone() },
    }
}

fn api_settings(config: &Config, addresses: &Arc<OnceLock<api::Addresses>>) -> api::Settings {
    api::Settings {
        public_url: config.public_url.as_ref().map(ToString::to_string),
        trusted_proxies: config.trusted_proxies.clone(),
        sign_up: config.sign_up,
        slot_margin_ms: timing(config).margin_ms,
        attendance_ms: attendance_ms(config),
        one_stream_each: config.lessons.one_stream_each,
        addresses: addresses.clone(),
        hook_secret: config.legacy.hook_secret.clone(),
        refuses_path: gateway::routes::target::refusal,
        egress: notices::egress(config),
        oidc: config.oidc.as_ref().map(oidc_settings),
    }
}

fn timing(config: &Config) -> Timing {
    let ms = |seconds: u64| i64::try_from(seconds).unwrap_or(0) * 1_000;
    Timing { margin_ms: ms(config.lessons.slot_margin_s), reconnect_window_ms: ms(config.reconnect_window_s) }
}

/// Where it says what it listens on: for the command line beside it, and for whoever waits for it to be ready.
fn written_files(config: &Config, ready_file: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    std::iter::once(server_file(&config.data_dir)).chain(ready_file.map(Path::to_owned))
}

/// Removes what a server that was killed left: whoever waits for the ready file would read of a process that is gone.
fn forget_earlier(config: &Config, ready_file: Option<&Path>) -> anyhow::Result<()> {
    // One that runs keeps its own; we shall not get the directory's lock.
    let own = server_file(&config.data_dir);
    if !BoundAddresses::is_of_another(&own) {
        std::fs::remove_file(own).ok();
    }
    match ready_file.filter(|file| !BoundAddresses::is_of_another(file)).map(|file| (file, std::fs::remove_file(file)))
    {
        Some((file, Err(error))) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} is there and cannot be removed", file.display()))
        }
        _ => Ok(()),
    }
}

fn attendance_ms(config: &Config) -> i64 {
    i64::try_from(config.lessons.attendance_ms).unwrap_or(0)
}

async fn open(
    config: &Config,
    metrics: gateway::RenderMetrics,
) -> anyhow::Result<(Arc<Gateway>, Arc<dyn Repository>, Seq)> {
    let store = store::db::open(&config.database()).await?;
    let directory = Arc::new(Directory::default());
    let read = watch::read_all(&*store, &directory, timing(config).margin_ms, watch::wall_now()).await;
    let seq = read.context("channels and lessons cannot be read")?;
    let objects = config.open_objects()?;
    let recordings: Arc<dyn RecordingRepository> = store.clone();
    let recorder =
        Recorder::open(config.recorder(), objects, recordings.clone()).await.context("recordings cannot be opened")?;
    let hub = Arc::new(Hub::new(hub::Limits {
        log_bytes_max: config.live.gop_bytes_max,
        reconnect_window: Duration::from_secs(config.reconnect_window_s),
        ..hub::Limits::default()
    }));
    let packaging = packager::Config {
        part_target_ms: config.live.part_target_ms,
        segment_target_ms: config.live.segment_target_ms,
        segment_max_ms: 2 * config.live.segment_target_ms,
        window_segments: config.live.window_segments,
        ..packager::Config::default()
    };
    let fan_out = FanOutConfig {
        coalesce_max: Duration::from_millis(config.live.coalesce_ms_max),
        lag_ms_max: i64::try_from(config.live.lag_ms_max).unwrap_or(i64::MAX),
        ..FanOutConfig::default()
    };
    let fan_out = FanOut::start(&fan_out, &directory).context("the fan-out threads cannot start")?;
    let live = Live::new(hub.clone(), packaging, recorder.clone(), config.limits.memory_bytes_max);
    live.resume(recorder.used().await.context("recordings cannot be listed")?);
    let gateway = Arc::new(Gateway {
        live,
        hub,
        directory,
        fan_out,
        recorder,
        made: gateway::recorded::MadeOfRecordings::default(),
        recordings,
        own_relays: gateway::relay::OwnRelays::default(),
        limits: gateway::Limits {
            http_connections_max: config.limits.http_connections_max,
            http_per_address_max: config.limits.http_per_address_max,
            rtmp_connections_max: config.limits.rtmp_connections_max,
            rtmp_per_address_max: config.limits.rtmp_per_address_max,
        },
        api: OnceLock::new(),
        render_metrics: metrics,
        draining: AtomicBool::new(false),
        responses: TaskTracker::new(),
    });
    Ok((gateway, store, seq))
}

/// Says where it listens, once every listener accepts.
fn announce(config: &Config, bound: &BoundAddresses, ready_file: Option<&Path>) -> anyhow::Result<()> {
    let own = server_file(&config.data_dir);
    if let Err(error) = bound.write(&own) {
        // A full disk keeps nobody from watching.
        let file = own.display();
        tracing::warn!(%file, %error, "cannot be written: commands beside this server take the configured addresses");
    }
    if let Some(file) = ready_file {
        bound.write(file).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    tracing::info!(http = %bound.http, rtmp = %bound.rtmp, https = ?bound.https, rtmps = ?bound.rtmps, "on air");
    Ok(())
}

async fn tick(gateway: Arc<Gateway>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        gateway.live.expire(Instant::now());
        observe::publish(&gateway);
    }
}

/// Publishers are told and given a moment, streams end, recordings are flushed, and who is being answered is answered.
async fn drain(
    config: &Config,
    gateway: &Gateway,
    store: &dyn Repository,
    stop: &CancellationToken,
    tracker: &TaskTracker,
) {
    let end = tokio::time::Instant::now() + Duration::from_secs(config.drain_timeout_s);
    let deadline = end - FLUSH_RESERVE;
    gateway.drain();
    stop.cancel();
    tracker.close();
    let told = tokio::time::Instant::now() + gateway::rtmp::DRAIN_GRACE;
    tokio::time::sleep_until(told.min(deadline)).await;
    gateway.hub.end_all(Instant::now());
    let ended = async {
        while gateway.live.running() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        gateway.recorder.settle(Duration::from_secs(config.drain_timeout_s)).await;
        tracker.wait().await;
        gateway.responses.wait().await;
    };
    if tokio::time::timeout_at(deadline, ended).await.is_err() {
        tracing::warn!(
            streams = gateway.live.running(),
            connections = tracker.len(),
            responses = gateway.responses.len(),
            "stopping took too long and is cut short; recordings go on from their journals at the next start"
        );
    }
    gateway.fan_out.stop();
    let kept = async {
        // Viewers in play tell what they got when they are closed.
        while gateway.fan_out.counters().viewers.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        register::keep(gateway, store, attendance_ms(config)).await
    };
    if !tokio::time::timeout_at(end, kept).await.unwrap_or(false) {
        tracing::warn!(waiting = gateway.audience().waiting(), "attendance of the last seconds could not be kept");
    }
    if tokio::time::timeout_at(end, gateway.recorder.shutdown()).await.is_err() {
        tracing::warn!(
            queued_bytes = gateway.recorder.queued_bytes(),
            "a disk does not answer: what it has not taken is not recorded; recordings go on from their journals at the \
             next start"
        );
    }
}

/// Each viewer is a descriptor: take all that the system grants.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).is_err() {
        tracing::warn!(?limit.current, "the limit of open files could not be raised");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_disk_does_not_hold_the_end() {
        let (disk, waits) = sync_channel::<()>(0);
        let (ends, ended) = sync_channel(1);
        std::thread::spawn(move || {
            let runtime = Runtime::new().expect("a runtime");
            to_the_end(runtime, async { drop(tokio::task::spawn_blocking(move || waits.recv())) });
            ends.send(()).expect("waited for");
        });
        ended.recv_timeout(Duration::from_secs(20)).expect("an end");
        drop(disk);
    }
}
