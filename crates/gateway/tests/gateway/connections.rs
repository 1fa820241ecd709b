//! What strangers may open, and how the server lets everyone go when it stops.

use std::time::{Duration, Instant};

use gateway::Limits;
use media::MediaKind;
use packager::Position;
use rtmp::{ClientEvent, Purpose};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::Connection;
use crate::counts;
use crate::flv_viewers::Watched;
use crate::low_latency::{is_silent, next, reload};
use crate::publisher::Peer;
use crate::stage::{Options, Stage, soon};

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

/// True if the server closes a new connection without a word.
async fn is_refused(address: std::net::SocketAddr) -> bool {
    let mut socket = TcpStream::connect(address).await.expect("the kernel accepts");
    let mut said = Vec::new();
    soon("it is closed", socket.read_to_end(&mut said)).await.is_err() || said.is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_connections_are_bounded_and_a_place_is_given_back() {
    let stage = Stage::with(limited(Limits { http_connections_max: 2, ..Limits::default() })).await;
    let before = counts::of("tayang_http_refused_total");
    let mut first = stage.connect().await;
    let mut second = stage.connect().await;
    assert_eq!((first.get("/readyz").await.status, second.get("/readyz").await.status), (200, 200));
    assert!(is_refused(stage.http).await);
    assert!(counts::of("tayang_http_refused_total") > before);
    assert_eq!(first.get("/readyz").await.status, 200, "who is in is not disturbed");
    drop(second);
    assert!(admitted_again(&stage).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_while_its_answer_waits_gives_its_place_back() {
    let stage = Stage::with(limited(Limits { http_connections_max: 1, ..Limits::default() })).await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let mut waiting = reload(&stage, msn, part).await;
    assert!(is_silent(&mut waiting).await, "the part is not there");
    assert!(is_refused(stage.http).await, "it has the only place");
    drop(waiting);
    assert!(admitted_again(&stage).await);
}

/// A place is free again soon after a connection was closed.
async fn admitted_again(stage: &Stage) -> bool {
    let deadline = Instant::now() + crate::stage::PATIENCE;
    while Instant::now() < deadline {
        let mut connection = stage.connect().await;
        connection.ask("GET", "/readyz", &[]).await;
        if connection.bytes().await.starts_with(b"HTTP/1.1 200") {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_does_not_take_every_place() {
    let stage = Stage::with(limited(Limits { http_per_address_max: 1, ..Limits::default() })).await;
    let mut first = stage.connect().await;
    assert_eq!(first.get("/readyz").await.status, 200);
    assert!(is_refused(stage.http).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_in_play_gives_its_place_to_others() {
    let stage = Stage::with(limited(Limits { http_connections_max: 1, ..Limits::default() })).await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let mut viewer = stage.connect().await;
    viewer.ask("GET", "/live/kelas.flv", &[]).await;
    assert_eq!(viewer.head().await.status, 200);
    assert!(admitted_again(&stage).await, "what plays is fan-out's and has bounds of its own");
    publisher.send_until_ms(2_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    Watched::default().until(&mut viewer, &last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtmp_connections_are_bounded() {
    let stage = Stage::with(limited(Limits { rtmp_connections_max: 1, ..Limits::default() })).await;
    let before = counts::of("tayang_rtmp_refused_total");
    let mut publisher = stage.on_air("kelas", 1_000).await;
    assert!(is_refused(stage.rtmp).await);
    assert!(counts::of("tayang_rtmp_refused_total") > before);
    publisher.send_until_ms(2_000).await;
    stage.packaged("kelas", 2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_head_without_end_is_cut_off() {
    let stage = Stage::new().await;
    let mut connection = stage.connect().await;
    let long = "x".repeat(40_000);
    connection.ask("GET", "/readyz", &[("X-Long", &long)]).await;
    let said = String::from_utf8(connection.rest().await).expect("text");
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    assert_eq!(stage.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_in_place_of_a_request_closes_its_connection_only() {
    let stage = Stage::new().await;
    for nonsense in [&b"\x16\x03\x01\x02\x00\x01\x00\x01"[..], b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n"] {
        let mut connection = stage.connect().await;
        connection.send(nonsense).await;
        let said = String::from_utf8(connection.rest().await).expect("text");
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
    }
    assert_eq!(stage.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_may_come_in_pieces_behind_another_and_late() {
    let stage = Stage::new().await;
    let mut connection = stage.connect().await;
    let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for cut in [1, 10, request.len() - 1] {
        connection.send(&[&request[..], &request[..cut]].concat()).await;
        assert_eq!(connection.answer().await.status, 200, "cut at {cut}");
        assert!(is_silent(&mut connection).await, "half a request");
        connection.send(&request[cut..]).await;
        assert_eq!(connection.answer().await.status, 200, "cut at {cut}");
        assert!(is_silent(&mut connection).await, "nothing was asked");
    }
    connection.send(&request.repeat(50)).await;
    for n in 0..50 {
        assert_eq!(connection.answer().await.status, 200, "request {n} of 50 at once");
    }
    let mut head = connection.request("HEAD", "/live/kelas/state", &[]).await;
    assert_eq!(head.status, 200);
    head = connection.request("OPTIONS", "/live/kelas/state", &[]).await;
    assert_eq!(head.status, 204);
    assert_eq!(connection.get("/live/kelas/state").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_does_not_go_on_is_closed_behind_its_answer() {
    let stage = Stage::new().await;
    for request in [
        &b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"[..],
        b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: te, close\r\nTE: trailers\r\n\r\n",
        b"GET /readyz HTTP/1.0\r\n\r\n",
    ] {
        let mut connection = stage.connect().await;
        connection.send(request).await;
        assert_eq!(connection.answer().await.status, 200);
        assert!(connection.rest().await.is_empty(), "{}", String::from_utf8_lossy(request));
    }
    let mut connection = stage.connect().await;
    for _ in 0..2 {
        connection.send(b"GET /readyz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
        assert_eq!(connection.answer().await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_says_so_and_closes_idle_connections() {
    let stage = Stage::new().await;
    let mut idle = stage.connect().await;
    assert_eq!(idle.get("/readyz").await.status, 200);
    stage.gateway.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    let reply = idle.get("/readyz").await;
    assert_eq!((reply.status, reply.json()["status"].as_str()), (503, Some("draining")));
    stage.stop();
    assert!(idle.rest().await.is_empty(), "closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let (_, first) = stage.stream("kelas");
    let mut waiting = stage.connect().await;
    waiting.ask("GET", &format!("/live/kelas/video.m3u8?_HLS_msn={}", first + 1), &[]).await;
    let early = tokio::time::timeout(Duration::from_millis(150), waiting.head()).await;
    assert!(early.is_err(), "it waits");
    stage.stop();
    let done = tokio::time::timeout(Duration::from_millis(150), stage.gateway.responses.wait()).await;
    assert!(done.is_err(), "who stops the server knows that somebody is being answered");
    publisher.send_until_ms(1_200).await;
    assert_eq!(waiting.head().await.status, 200);
    let rest = waiting.rest().await;
    assert!(rest.starts_with(b"#EXTM3U"), "and then it is closed");
    soon("nobody is being answered", stage.gateway.responses.wait()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_new_is_taken_once_the_server_stops() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/readyz").await.status, 200);
    stage.stop();
    for address in [stage.http, stage.rtmp] {
        let refused = async || TcpStream::connect(address).await.is_err();
        soon("the port closes", async { while !refused().await {} }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_begins_once_the_server_stops() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    // The ports are still open: somebody was accepted a moment before.
    stage.gateway.drain();
    let before = counts::of("tayang_publish_denied_total reason=stopping");
    for name in ["tanpa", "kelas"] {
        let mut late = Peer::open(stage.rtmp, Purpose::Publish, "live", stage.key(name)).await;
        assert_eq!(late.status().await, (true, "NetStream.Publish.Failed".to_owned()), "{name}");
    }
    assert!(counts::of("tayang_publish_denied_total reason=stopping") >= before + 2);
    assert_eq!(stage.gateway.live.running(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_are_told_to_come_back_when_the_server_stops() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    stage.stop();
    publisher.peer.expect("a word", |event| matches!(event, ClientEvent::Reconnect { .. }).then_some(())).await;
    let told = Instant::now();
    assert!(soon("it is closed", publisher.peer.is_closed()).await);
    assert!(told.elapsed() < gateway::rtmp::DRAIN_GRACE * 4, "within its grace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_fan_out_closes_every_viewer() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let mut flv = Connection::open(stage.http).await;
    flv.ask("GET", "/live/kelas.flv", &[]).await;
    flv.head().await;
    Watched::default().until(&mut flv, &last).await;
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
    player.expect("media", |event| matches!(event, ClientEvent::Media { .. }).then_some(())).await;
    stage.gateway.fan_out.stop();
    flv.rest().await;
    assert!(soon("it is closed", player.is_closed()).await);
}
