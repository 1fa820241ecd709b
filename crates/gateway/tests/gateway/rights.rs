//! A right that is lost while it is used closes whoever used it, and a channel made anew is another channel.

use std::time::{Duration, Instant};

use media::MediaKind;
use packager::{Config, Position};
use rtmp::{ClientEvent, Purpose};

use crate::client::{Connection, narrow_tcp};
use crate::counts;
use crate::flv_viewers::Watched;
use crate::low_latency::{is_silent, next};
use crate::publisher::{Peer, Publisher, large};
use crate::stage::{Options, PATIENCE, Stage, packaging, soon};

/// What is promised is a second; a loaded machine may need longer, but nothing that is asked only now and then.
const IN_TIME: Duration = Duration::from_secs(3);

struct Viewers {
    flv: Connection,
    web_socket: Connection,
    rtmp: Peer,
    /// Plays a channel that nobody publishes to.
    waiting: Peer,
}

impl Viewers {
    /// Of `kelas`, one each; the one that waits is of `idle`.
    async fn of(stage: &Stage, publisher: &Publisher, idle: &str) -> Self {
        let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
        let mut flv = stage.connect().await;
        flv.ask("GET", "/live/kelas.flv", &[]).await;
        assert_eq!(flv.head().await.status, 200);
        Watched::default().until(&mut flv, &last).await;
        let mut web_socket = stage.connect().await;
        let upgrade = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        web_socket.ask("GET", "/live/kelas.flv", &upgrade).await;
        assert_eq!(web_socket.head().await.status, 101);
        let mut rtmp = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
        rtmp.expect("media", |event| matches!(event, ClientEvent::Media { .. }).then_some(())).await;
        let mut waiting = Peer::open(stage.rtmp, Purpose::Play, "live", idle).await;
        waiting.expect("playing", |event| (*event == ClientEvent::Playing).then_some(())).await;
        Self { flv, web_socket, rtmp, waiting }
    }

    async fn are_closed(mut self) {
        let start = Instant::now();
        self.flv.rest().await;
        self.web_socket.rest().await;
        assert!(soon("the player is closed", self.rtmp.is_closed()).await);
        assert!(start.elapsed() < IN_TIME, "{:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_made_private_closes_those_who_watch_without_a_signature() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let viewers = Viewers::of(&stage, &publisher, "tanpa").await;
    let before = counts::of("tayang_play_denied_total reason=while playing");
    stage.close_to_the_public("kelas");
    viewers.are_closed().await;
    assert!(counts::of("tayang_play_denied_total reason=while playing") >= before + 3);
    publisher.send_until_ms(1_500).await;
    stage.packaged("kelas", 1_500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_that_waits_for_a_channel_made_private_is_closed() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let mut viewers = Viewers::of(&stage, &publisher, "tanpa").await;
    stage.close_to_the_public("tanpa");
    assert!(soon("it is closed", viewers.waiting.is_closed()).await);
    assert_eq!(
        stage.gateway.fan_out.counters().viewers.load(std::sync::atomic::Ordering::Relaxed),
        3,
        "the others stay"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_made_anew_closes_the_viewers_and_the_publisher_of_the_old_one() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let viewers = Viewers::of(&stage, &publisher, "tanpa").await;
    let old = stage.live("kelas");
    let (_, key) = stage.make_anew("kelas");
    viewers.are_closed().await;
    let (is_error, code) = publisher.peer.status().await;
    assert!(is_error, "{code}");
    assert!(soon("it is closed", publisher.peer.is_closed()).await);
    let mut new = Publisher::start(stage.rtmp, "live", &key).await;
    assert_eq!(old.stream.state(), hub::State::Ended, "nobody goes on with another channel's stream");
    new.send_until_ms(1_000).await;
    stage.packaged("kelas", 1_000).await;
    assert!(stage.live("kelas").stream.id() > old.stream.id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_old_channel_showed_is_not_shown_under_the_new_one() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let (channel, _) = stage.make_anew("kelas");
    assert!(stage.gateway.live.playable(&channel).is_none(), "before the housekeeping has come by, too");
    stage.gateway.live.keep_channels(&stage.gateway.directory.snapshot(), Instant::now());
    for file in ["master.m3u8", "video.m3u8", "live.flv", "manifest.mpd"] {
        assert_eq!(stage.get(&format!("/live/kelas/{file}")).await.status, 404, "{file}");
    }
    stage.until("the old stream is packaged to its end", || (stage.gateway.live.running() == 0).then_some(())).await;
    drop(publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_grows_ends_for_a_reader_that_loses_its_right() {
    let options = Options { packaging: Config { segment_max_ms: 10_000, ..packaging() }, ..Options::default() };
    let stage = Stage::with(options).await;
    let _publisher = stage.on_air("kelas", 1_300).await;
    let (stream, first) = stage.stream("kelas");
    let mut reader = stage.connect().await;
    reader.ask("GET", &format!("/live/kelas/{stream}/video/{}.m4s", first + 2), &[]).await;
    assert!(reader.head().await.is_chunked());
    assert!(reader.chunk().await.is_some(), "its first part");
    stage.close_to_the_public("kelas");
    let start = Instant::now();
    assert!(!reader.rest().await.ends_with(b"0\r\n\r\n"), "it must not pass for a whole segment");
    assert!(start.elapsed() < IN_TIME, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_media_is_refused_to_whoever_lost_the_right_meanwhile() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let (stream, _) = stage.stream("kelas");
    let Position { msn, part } = next(&stage);
    let mut waiting = Vec::new();
    for file in [format!("video.m3u8?_HLS_msn={msn}&_HLS_part={part}"), format!("{stream}/video/{msn}.{part}.m4s")] {
        let mut one = stage.connect().await;
        one.ask("GET", &format!("/live/kelas/{file}"), &[]).await;
        assert!(is_silent(&mut one).await, "the part is not there");
        waiting.push(one);
    }
    stage.close_to_the_public("kelas");
    publisher.send_until_ms(1_300).await;
    for mut one in waiting {
        assert_eq!(one.answer().await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mp4_ends_for_a_reader_that_loses_its_right() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air_with("kelas", 6_000, large()).await;
    let (stream, _) = stage.stream("kelas");
    stage.end("kelas").await;
    assert!(stage.gateway.recorder.settle(PATIENCE).await, "the recording becomes ready");
    let mut reader = Connection::over(narrow_tcp(stage.http).await);
    reader.ask("GET", &format!("/live/kelas/{stream}/recording.mp4"), &[]).await;
    let head = reader.head().await;
    let total: usize = head.header("content-length").expect("a length").parse().expect("a number");
    stage.close_to_the_public("kelas");
    let closed = Instant::now();
    // It takes nothing meanwhile: what it gets after that was on its way.
    stage.until("the right was asked again", || (closed.elapsed() > IN_TIME / 2).then_some(())).await;
    let got = reader.rest().await.len();
    assert!(got < total, "{got} of {total}");
}
