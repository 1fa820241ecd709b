//! HTTP-FLV and FLV over WebSocket: the same frames that were published, from a key frame on.

use bytes::Bytes;
use formats::container::flv::{AudioEvent, Tag, TagKind, TagReader, VideoEvent, parse_audio, parse_video};
use media::MediaKind;

use crate::client::{Connection, narrow_tcp};
use crate::publisher::large;
use crate::stage::Stage;

/// What a viewer was sent.
#[derive(Default)]
pub struct Watched {
    reader: TagReader,
    tags: Vec<Tag>,
}

impl Watched {
    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(tag) = self.reader.next_tag().expect("whole tags only") {
            self.tags.push(tag);
        }
    }

    pub fn video(&self) -> Vec<Bytes> {
        let bodies = self.tags.iter().filter(|tag| tag.kind == TagKind::Video);
        let events = bodies.flat_map(|tag| parse_video(&tag.body).expect("a video body"));
        events
            .filter_map(|event| if let VideoEvent::Frame { payload, .. } = event { Some(payload) } else { None })
            .collect()
    }

    pub fn audio(&self) -> Vec<Bytes> {
        let bodies = self.tags.iter().filter(|tag| tag.kind == TagKind::Audio);
        let events = bodies.flat_map(|tag| parse_audio(&tag.body).expect("an audio body"));
        events
            .filter_map(|event| if let AudioEvent::Frame { payload, .. } = event { Some(payload) } else { None })
            .collect()
    }

    /// Reads plain FLV until the last picture is `last`.
    pub async fn until(&mut self, connection: &mut Connection, last: &Bytes) {
        while self.video().last() != Some(last) {
            let bytes = connection.bytes().await;
            assert!(!bytes.is_empty(), "closed before the last picture");
            self.push(&bytes);
        }
    }
}

/// `got` is what was sent, from some frame on and without a hole.
pub fn is_tail(got: &[Bytes], sent: &[Bytes]) -> bool {
    !got.is_empty() && sent.ends_with(got)
}

/// Unmasked frames of a WebSocket: opcode with FIN bit, and payload.
fn web_socket_frames(bytes: &mut Vec<u8>) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes.as_slice() {
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (length, header) = match (second, rest) {
            (126, [a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 4),
            (127, rest) if rest.len() >= 8 => (u64::from_be_bytes(rest[..8].try_into().expect("8")) as usize, 10),
            (126 | 127, _) => break,
            (short, _) => (usize::from(*short), 2),
        };
        if bytes.len() < header + length {
            break;
        }
        let first = *first;
        let frame: Vec<u8> = bytes.drain(..header + length).collect();
        frames.push((first, frame[header..].to_vec()));
    }
    frames
}

const UPGRADE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "keep-alive, Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_gets_every_frame_from_the_newest_key_frame_on() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_300).await;
    let mut connection = stage.connect().await;
    connection.ask("GET", "/live/kelas.flv", &[]).await;
    let head = connection.head().await;
    assert_eq!(head.kind(), (200, "video/x-flv", "no-store"));
    assert_eq!(head.header("access-control-allow-origin"), Some("*"));
    assert_eq!(head.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(head.header("connection"), Some("close"));
    let mut watched = Watched::default();
    publisher.send_until_ms(2_400).await;
    let sent = publisher.payloads(MediaKind::Video);
    watched.until(&mut connection, sent.last().expect("a picture")).await;
    assert!(is_tail(&watched.video(), &sent));
    assert!(sent.len() - watched.video().len() <= 30, "it starts at the newest key frame, which is at 1,000 ms");
    assert_eq!((sent.len() - watched.video().len()) % 15, 0, "it starts with a key frame");
    let sound = publisher.payloads(MediaKind::Audio);
    while watched.audio().last() != sound.last() {
        watched.push(&connection.bytes().await);
    }
    assert!(is_tail(&watched.audio(), &sound));
    assert_eq!(watched.tags[0].kind, TagKind::Script, "metadata first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_asked_for_other_things_can_play() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    assert_eq!(connection.get("/readyz").await.status, 200);
    assert_eq!(connection.get("/live/kelas/master.m3u8").await.status, 200);
    assert_eq!(connection.get("/nothing").await.status, 404);
    connection.ask("GET", "/live/kelas/live.flv", &[]).await;
    assert_eq!(connection.head().await.kind(), (200, "video/x-flv", "no-store"));
    let sent = publisher.payloads(MediaKind::Video);
    let mut watched = Watched::default();
    watched.until(&mut connection, sent.last().expect("a picture")).await;
    assert!(is_tail(&watched.video(), &sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_plays_under_all_its_names() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let id = stage.channel("kelas").id;
    for path in ["/live/kelas.flv", "/live/kelas/live.flv", "/kelas/live.flv", &format!("/{id}/live.flv")] {
        let mut connection = stage.connect().await;
        connection.ask("GET", path, &[]).await;
        assert_eq!(connection.head().await.status, 200, "{path}");
        Watched::default().until(&mut connection, &last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_counted_until_it_leaves() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let viewers = || stage.gateway.fan_out.counters().viewers.load(std::sync::atomic::Ordering::Relaxed);
    let mut connection = stage.connect().await;
    connection.ask("GET", "/live/kelas.flv", &[]).await;
    connection.head().await;
    stage.until("the viewer is counted", || (viewers() == 1).then_some(())).await;
    assert_eq!(stage.get("/healthz").await.json()["viewers"].as_u64(), Some(1));
    drop(connection);
    publisher.send_until_ms(2_000).await;
    stage.until("the viewer is gone", || (viewers() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_viewers_connection_closes_when_the_stream_ends() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    connection.ask("GET", "/live/kelas.flv", &[]).await;
    connection.head().await;
    stage.end("kelas").await;
    let mut watched = Watched::default();
    watched.push(&connection.rest().await);
    assert!(is_tail(&watched.video(), &publisher.payloads(MediaKind::Video)), "all of it, and then the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_stays_over_an_outage_of_the_publisher() {
    let stage = Stage::new().await;
    let first = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    connection.ask("GET", "/live/kelas.flv", &[]).await;
    connection.head().await;
    let before = first.payloads(MediaKind::Video);
    let mut watched = Watched::default();
    watched.until(&mut connection, before.last().expect("a picture")).await;
    first.leave().await;
    let live = stage.live("kelas");
    stage.until("the stream stalls", || (live.stream.state() == hub::State::Stalled).then_some(())).await;
    let mut second = stage.publish("kelas").await;
    second.send_until_ms(700).await;
    let after = second.payloads(MediaKind::Video);
    watched.until(&mut connection, after.last().expect("a picture")).await;
    assert!(watched.video().ends_with(&after), "the returned publisher's pictures follow");
    let times: Vec<u32> =
        watched.tags.iter().filter(|tag| tag.kind == TagKind::Video).map(|tag| tag.timestamp_ms).collect();
    assert!(times.is_sorted(), "time goes on: {times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_of_flv_says_the_type_and_keeps_the_connection() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    let head = connection.request("HEAD", "/live/kelas.flv", &[]).await;
    assert_eq!(head.kind(), (200, "video/x-flv", "no-store"));
    assert_eq!(connection.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_carries_the_same_frames_one_tag_a_message_and_says_goodbye() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    assert_eq!(connection.get("/readyz").await.status, 200);
    connection.ask("GET", "/live/kelas.flv", &UPGRADE).await;
    let head = connection.head().await;
    assert_eq!(head.status, 101);
    assert_eq!(head.header("upgrade"), Some("websocket"));
    assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    stage.end("kelas").await;
    let mut bytes = connection.rest().await;
    let mut frames = web_socket_frames(&mut bytes);
    assert!(bytes.is_empty(), "whole messages only");
    assert_eq!(frames.pop(), Some((0x88, 1_000u16.to_be_bytes().to_vec())), "closed normally");
    assert!(frames[0].1.starts_with(b"FLV\x01"), "the header is the first message");
    let mut watched = Watched::default();
    for (opcode, payload) in &frames {
        assert_eq!(*opcode, 0x82, "one binary message");
        watched.push(payload);
    }
    assert!(is_tail(&watched.video(), &publisher.payloads(MediaKind::Video)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_request_that_lacks_something_is_refused_and_the_connection_goes_on() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    for missing in ["Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
        let headers: Vec<_> = UPGRADE.into_iter().filter(|(name, _)| *name != missing).collect();
        let reply = connection.get_with("/live/kelas.flv", &headers).await;
        assert_eq!((reply.status, reply.text().contains("WebSocket")), (400, true), "{missing}");
    }
    let mut old = UPGRADE;
    old[3].1 = "8";
    assert_eq!(connection.get_with("/live/kelas.flv", &old).await.status, 400);
    assert_eq!(connection.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_to_what_is_not_live_is_not_found() {
    let stage = Stage::new().await;
    let reply = stage.connect().await.get_with("/live/kelas.flv", &UPGRADE).await;
    assert_eq!((reply.status, reply.text().as_str()), (404, "kelas is not streaming live now\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_says_goodbye_on_its_web_socket_is_let_go() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let mut connection = stage.connect().await;
    connection.ask("GET", "/live/kelas.flv", &UPGRADE).await;
    assert_eq!(connection.head().await.status, 101);
    // Close, masked as a client must, with status 1000.
    connection.send(&[0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xE8 ^ 2]).await;
    connection.rest().await;
    let viewers = || stage.gateway.fan_out.counters().viewers.load(std::sync::atomic::Ordering::Relaxed);
    stage.until("the viewer is gone", || (viewers() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_for_before_the_stream_is_sent_whole_to_a_slow_reader() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air_with("kelas", 1_100, large()).await;
    let (stream, first) = stage.stream("kelas");
    let part = format!("/live/kelas/{stream}/video/{first}.0.m4s");
    let wanted = stage.get(&part).await.body;
    let mut viewer = Connection::over(narrow_tcp(stage.http).await);
    // The body of the first may be read before its response has left, and then the next is begun.
    let both = format!(
        "GET {part} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello\
         GET /live/kelas.flv HTTP/1.1\r\nHost: localhost\r\n\r\n"
    );
    viewer.send(both.as_bytes()).await;
    let viewers = || stage.gateway.fan_out.counters().viewers.load(std::sync::atomic::Ordering::Relaxed);
    let plays = stage.until("it plays", || (viewers() > 0).then_some(()));
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), plays).await;
    assert!(early.is_err(), "what comes before the stream has not left");
    assert!(viewer.answer().await.body == wanted, "all of it comes");
    assert_eq!(viewer.head().await.status, 200);
    publisher.send_until_ms(2_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    Watched::default().until(&mut viewer, &last).await;
}
