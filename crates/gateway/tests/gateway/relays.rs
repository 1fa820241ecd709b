//! Relays between two gateways: what comes to the one is what was sent to the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use control::RelayId;
use control::relay::{Direction, Relay};
use gateway::relay::Relays;
use hub::{Item, State, Stream};
use media::{MediaKind, UnixMillis};
use rtmp::{Event, Output, ServerConfig, ServerSession};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counts;
use crate::encrypted::trusting;
use crate::publisher::large;
use crate::stage::{Stage, soon};

/// Within this a relay that is stopped has ended.
const STOPPED: Duration = Duration::from_secs(1);

/// The relays of a stage.
struct Runs {
    relays: Relays,
    tasks: TaskTracker,
}

impl Runs {
    fn of(stage: &Stage, tls: ClientConfig) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self { relays: Relays::new(stage.gateway.clone(), Arc::new(tls), stop, tasks.clone()), tasks }
    }

    /// Runs none any more, and waits until all have ended.
    async fn stop(mut self) {
        let asked = Instant::now();
        self.relays.keep(Vec::new());
        self.tasks.close();
        soon("the relays end", self.tasks.wait()).await;
        assert!(asked.elapsed() < STOPPED, "{:?}", asked.elapsed());
    }
}

fn relay(stage: &Stage, direction: Direction, name: &str, url: &str) -> Relay {
    let (created, url) = (UnixMillis(1_700_000_000_000), url.parse().expect("an address"));
    Relay { id: RelayId::new(created), direction, channel: stage.channel(name).id, url, created }
}

/// Where the channel of another stage is published to.
fn into(address: SocketAddr, stage: &Stage, name: &str) -> String {
    format!("rtmp://{address}/live/{}", stage.key(name))
}

/// Payloads of the frames of that kind that the stream's log has.
fn payloads(stream: &Stream, kind: MediaKind) -> Vec<Bytes> {
    let mut entries = Vec::new();
    stream.read(stream.oldest().seq, usize::MAX, &mut entries);
    let of_kind = |item: &Item| match item {
        Item::Frame { frame, track } if track.kind() == kind => Some(frame.payload.clone()),
        _ => None,
    };
    entries.iter().filter_map(|entry| of_kind(&entry.item)).collect()
}

/// The channel's stream, once it has this picture.
async fn until_has(stage: &Stage, name: &str, picture: &Bytes) -> Arc<Stream> {
    stage
        .until("the picture has come", || {
            let live = stage.gateway.live.of(&stage.channel(name).path)?;
            payloads(&live.stream, MediaKind::Video).contains(picture).then(|| live.stream.clone())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_sends_what_viewers_get_from_a_key_frame_on_and_ends_when_it_is_stopped() {
    let (here, there) = (Stage::new().await, Stage::new().await);
    let mut publisher = here.on_air("kelas", 1_200).await;
    let mut runs = Runs::of(&here, trusting());
    runs.relays.keep(vec![relay(&here, Direction::Push, "kelas", &into(there.rtmp, &there, "tanpa"))]);
    let first = publisher.payloads(MediaKind::Video).last().expect("sent").clone();
    until_has(&there, "tanpa", &first).await;
    publisher.send_until_ms(3_000).await;
    let sent = publisher.payloads(MediaKind::Video);
    let stream = until_has(&there, "tanpa", sent.last().expect("sent")).await;
    let got = payloads(&stream, MediaKind::Video);
    // The group of pictures that was under way begins with the 31st of 30 a second.
    assert!(got == sent[30..], "{} of {} pictures", got.len(), sent.len());
    let sound = payloads(&stream, MediaKind::Audio);
    assert!(!sound.is_empty() && publisher.payloads(MediaKind::Audio).ends_with(&sound), "{}", sound.len());
    assert_eq!(stream.tracks(), here.live("kelas").stream.tracks(), "the same configurations");
    assert_eq!(here.gateway.fan_out.counters().viewers.load(std::sync::atomic::Ordering::Relaxed), 0, "no viewer");
    runs.stop().await;
    there.until("its publisher is gone", || (stream.state() == State::Stalled).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_waits_until_its_channel_is_on_air_and_outlives_its_publishers() {
    let (here, there) = (Stage::new().await, Stage::new().await);
    let mut runs = Runs::of(&here, trusting());
    runs.relays.keep(vec![relay(&here, Direction::Push, "kelas", &into(there.rtmp, &there, "kelas"))]);
    let publisher = here.on_air("kelas", 1_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("sent").clone();
    let stream = until_has(&there, "kelas", &last).await;
    publisher.leave().await;
    here.until("nobody publishes", || (here.live("kelas").stream.state() == State::Stalled).then_some(())).await;
    assert_eq!(stream.counters().publishers, 1);
    let again = here.on_air("kelas", 2_000).await;
    let last = again.payloads(MediaKind::Video).last().expect("sent").clone();
    let same = until_has(&there, "kelas", &last).await;
    assert!(Arc::ptr_eq(&same, &stream) && same.counters().publishers == 1, "over the same connection");
    runs.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_publishes_gives_way_to_whoever_publishes_and_comes_back_behind_them() {
    let (here, there) = (Stage::new().await, Stage::new().await);
    let remote = there.on_air("kelas", 2_000).await;
    let mut runs = Runs::of(&here, trusting());
    let from = format!("rtmp://{}/live/kelas", there.rtmp);
    runs.relays.keep(vec![relay(&here, Direction::Pull, "tanpa", &from)]);
    let sent = remote.payloads(MediaKind::Video);
    let stream = until_has(&here, "tanpa", sent.last().expect("sent")).await;
    assert!(sent.ends_with(&payloads(&stream, MediaKind::Video)));
    assert_eq!(here.live("tanpa").publisher().map(|(protocol, _)| protocol), Some("relay"));
    // Somebody comes, and is not fought.
    let publisher = here.on_air("tanpa", 3_000).await;
    assert_eq!(stream.counters().publishers, 2);
    publisher.leave().await;
    here.until("the relay is back", || (stream.counters().publishers == 3).then_some(())).await;
    runs.stop().await;
    here.until("its publisher is gone", || (stream.state() == State::Stalled).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_never_its_own_source() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let refused = || counts::of("tayang_relay_failures_total reason=refused");
    let before = refused();
    let mut runs = Runs::of(&stage, trusting());
    let itself = into(stage.rtmp, &stage, "kelas");
    runs.relays.keep(vec![relay(&stage, Direction::Push, "kelas", &itself)]);
    stage.until("the push is refused", || (refused() > before).then_some(())).await;
    let stream = stage.live("kelas").stream.clone();
    assert_eq!(stream.counters().publishers, 1, "its publisher goes on");
    // From kelas to tanpa is no ring; from there back to kelas would be one.
    let onward = relay(&stage, Direction::Push, "kelas", &into(stage.rtmp, &stage, "tanpa"));
    runs.relays.keep(vec![onward.clone()]);
    let last = publisher.payloads(MediaKind::Video).last().expect("sent").clone();
    until_has(&stage, "tanpa", &last).await;
    let before = refused();
    runs.relays.keep(vec![onward, relay(&stage, Direction::Push, "tanpa", &itself)]);
    stage.until("the way back is refused", || (refused() > before).then_some(())).await;
    assert_eq!(stream.counters().publishers, 1);
    // What is not published to could be pulled from itself.
    let before = refused();
    runs.relays.keep(vec![relay(&stage, Direction::Pull, "kelas", &format!("rtmp://{}/live/kelas", stage.rtmp))]);
    publisher.leave().await;
    stage.until("the pull is refused", || (refused() > before).then_some(())).await;
    assert_eq!(stream.counters().publishers, 1);
    runs.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_over_tls_is_encrypted_and_knows_whom_it_speaks_with() {
    let (here, there) = (Stage::new().await, Stage::new().await);
    let publisher = here.on_air("kelas", 1_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("sent").clone();
    let url = format!("rtmps://localhost:{}/live/{}", there.rtmps.port(), there.key("kelas"));
    let untrusted = || counts::of("tayang_relay_failures_total reason=tls");
    let before = untrusted();
    let nobody = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let mut runs = Runs::of(&here, nobody);
    runs.relays.keep(vec![relay(&here, Direction::Push, "kelas", &url)]);
    here.until("the certificate is refused", || (untrusted() > before).then_some(())).await;
    assert!(there.gateway.live.of(&there.channel("kelas").path).is_none(), "and nothing is sent");
    runs.stop().await;
    let mut runs = Runs::of(&here, trusting());
    runs.relays.keep(vec![relay(&here, Direction::Push, "kelas", &url)]);
    until_has(&there, "kelas", &last).await;
    runs.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_tries_again_until_it_is_stopped() {
    let here = Stage::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("rtmp://{}/live/kelas", listener.local_addr().expect("bound"));
    let mut runs = Runs::of(&here, trusting());
    let pull = relay(&here, Direction::Pull, "kelas", &url);
    for _ in 0..3 {
        runs.relays.keep(vec![pull.clone()]);
        let (socket, _) = soon("it connects", listener.accept()).await.expect("accepted");
        drop(socket);
    }
    // In the pause as well as while it waits for an answer that does not come.
    runs.stop().await;
    let mut runs = Runs::of(&here, trusting());
    runs.relays.keep(vec![pull]);
    let _silent = soon("it connects", listener.accept()).await.expect("accepted");
    runs.stop().await;
}

/// A server that lets in whoever publishes, and reads when it is told to.
struct Slow {
    socket: TcpStream,
    session: ServerSession,
    bodies: Vec<Bytes>,
}

impl Slow {
    async fn accept(listener: &TcpListener) -> Self {
        let (socket, _) = soon("it connects", listener.accept()).await.expect("accepted");
        let session = ServerSession::new(ServerConfig::default(), [7; 1536], Instant::now());
        let mut slow = Self { socket, session, bodies: Vec::new() };
        while slow.bodies.is_empty() {
            slow.read().await;
        }
        slow
    }

    /// Reads once, and takes all that came.
    async fn read(&mut self) {
        let mut bytes = vec![0; 64 << 10];
        let read = soon("it sends", self.socket.read(&mut bytes)).await.expect("connected");
        assert!(read > 0, "it closed the connection");
        self.session.handle_input(Instant::now(), &bytes[..read]).expect("whole messages");
        loop {
            match self.session.poll_output() {
                Output::Transmit(bytes) => self.socket.write_all(&bytes).await.expect("taken"),
                Output::Event(Event::Publish { stream_id, .. }) => self.session.accept_publish(stream_id),
                Output::Event(Event::Video { body, .. }) => self.bodies.push(body),
                Output::Event(_) => {}
                Output::WaitUntil(_) | Output::Closed => return,
            }
        }
    }

    fn has(&self, picture: &Bytes) -> bool {
        self.bodies.iter().any(|body| body.ends_with(picture))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_to_a_server_that_is_too_slow_skips_to_a_newer_key_frame_between_two_messages() {
    let here = Stage::new().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8 << 10).expect("a small buffer");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("listens");
    let url = format!("rtmp://{}/live/kelas", listener.local_addr().expect("bound"));
    let mut publisher = here.on_air_with("kelas", 500, large()).await;
    let mut runs = Runs::of(&here, trusting());
    runs.relays.keep(vec![relay(&here, Direction::Push, "kelas", &url)]);
    let mut slow = Slow::accept(&listener).await;
    let skips = || counts::of("tayang_relay_skips_total");
    let before = skips();
    for until in (1_000..=9_000).step_by(500) {
        publisher.send_until_ms(until).await;
        here.packaged("kelas", until).await;
    }
    let sent = publisher.payloads(MediaKind::Video);
    while !slow.has(sent.last().expect("sent")) {
        slow.read().await;
    }
    assert!(skips() > before);
    let got: Vec<usize> =
        slow.bodies.iter().filter_map(|body| sent.iter().position(|picture| body.ends_with(picture))).collect();
    let jumps: Vec<_> = got.windows(2).filter(|pair| pair[0] + 1 != pair[1]).collect();
    assert!(!jumps.is_empty() && jumps.iter().all(|pair| pair[0] < pair[1] && pair[1] % 15 == 0), "{jumps:?}");
    runs.stop().await;
}
