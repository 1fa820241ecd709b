//! LL-HLS: reloads that wait for what they name, and no longer than they may.

use std::time::{Duration, Instant};

use packager::Position;

use crate::client::Connection;
use crate::stage::{Options, Stage, packaging};

/// Long enough for an answer that would come at once, short enough to wait for its absence.
const NOT_YET: Duration = Duration::from_millis(150);

pub fn next(stage: &Stage) -> Position {
    let live = stage.live("kelas");
    let window = live.window.read();
    window.position(window.track_named("video").expect("video")).expect("a position")
}

pub async fn reload(stage: &Stage, msn: u64, part: u32) -> Connection {
    let mut connection = stage.connect().await;
    connection.ask("GET", &format!("/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}"), &[]).await;
    connection
}

pub async fn is_silent(connection: &mut Connection) -> bool {
    tokio::time::timeout(NOT_YET, connection.head()).await.is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_returns_when_its_part_comes_and_not_before() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let mut waiting = reload(&stage, msn, part).await;
    assert!(is_silent(&mut waiting).await, "the part is not there");
    publisher.send_until_ms(1_300).await;
    let reply = waiting.answer().await;
    assert_eq!(reply.kind(), (200, "application/vnd.apple.mpegurl", "public, max-age=6"));
    let text = reply.text();
    assert!(text.contains(&format!("/video/{msn}.{part}.m4s\"")), "the part is listed: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_before_and_behind_a_reload_that_waits_is_answered_in_order() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let (stream, first) = stage.stream("kelas");
    let request = |method: &str, path: &str| format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let reload = format!("/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}");
    let mut client = stage.connect().await;
    let requests = [
        request("GET", &format!("/live/kelas/{stream}/video/{first}.m4s")),
        request("HEAD", &reload),
        request("GET", &reload),
        request("GET", "/healthz"),
    ];
    client.send(requests.concat().as_bytes()).await;
    let segment = client.answer().await;
    let whole = stage.get(&format!("/live/kelas/{stream}/video/{first}.m4s")).await;
    assert_eq!((segment.status, &segment.body), (200, &whole.body));
    assert!(is_silent(&mut client).await, "the part is not there");
    publisher.send_until_ms(1_300).await;
    let head = client.head().await;
    assert_eq!(head.status, 200);
    let reply = client.answer().await;
    assert_eq!(reply.status, 200);
    assert_eq!(head.header("content-length"), reply.header("content-length"), "of the same text");
    assert!(reply.text().contains(&format!("/video/{msn}.{part}.m4s\"")), "{}", reply.text());
    assert_eq!(client.answer().await.status, 200, "the connection goes on");

    let Position { msn, part } = next(&stage);
    let old = format!("GET /live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part} HTTP/1.0\r\n\r\n");
    client.send(old.as_bytes()).await;
    assert!(is_silent(&mut client).await, "the part is not there");
    publisher.send_until_ms(1_600).await;
    assert_eq!(client.answer().await.status, 200);
    assert!(client.rest().await.is_empty(), "HTTP/1.0 closes after its answer");

    let Position { msn, part } = next(&stage);
    let mut client = stage.connect().await;
    let path = format!("/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}");
    client.ask("GET", &path, &[("Connection", "TE, close"), ("TE", "trailers")]).await;
    assert!(is_silent(&mut client).await, "the part is not there");
    publisher.send_until_ms(2_000).await;
    let reply = client.answer().await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert!(client.rest().await.is_empty(), "closed as it was asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_for_a_whole_segment_waits_for_its_end() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_100).await;
    let Position { msn, .. } = next(&stage);
    let mut waiting = stage.connect().await;
    waiting.ask("GET", &format!("/live/kelas/video.m3u8?_HLS_msn={msn}"), &[]).await;
    publisher.send_until_ms(1_400).await;
    assert!(is_silent(&mut waiting).await, "the segment is not whole");
    publisher.send_until_ms(2_300).await;
    let reply = waiting.answer().await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(text.lines().any(|line| line.ends_with(&format!("/video/{msn}.m4s"))), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_who_waits_for_a_part_gets_the_same_text() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_150).await;
    // What comes next closes a part of the pictures and none of the sound: the only change, so there is one text to be
    // had. A part of the sound would change the text for who looks later, by its rendition report.
    let live = stage.live("kelas");
    stage.until("all of it is packaged", || (live.stream.behind() == 0).then_some(())).await;
    let Position { msn, part } = next(&stage);
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(reload(&stage, msn, part).await);
    }
    publisher.send_until_ms(1_190).await;
    let mut texts = Vec::new();
    for mut one in all {
        let reply = one.answer().await;
        assert_eq!(reply.status, 200);
        texts.push(reply.text());
    }
    let wanted = format!("/video/{msn}.{part}.m4s\"");
    assert!(texts.iter().all(|text| text.contains(&wanted) && *text == texts[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_already_is_answered_at_once() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let (_, first) = stage.stream("kelas");
    for query in [format!("_HLS_msn={first}"), format!("_HLS_msn={first}&_HLS_part=1"), "_HLS_msn=0".to_owned()] {
        assert_eq!(stage.get(&format!("/live/kelas/video.m3u8?{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_far_future_and_nonsense_are_refused_at_once() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    for query in [
        format!("_HLS_msn={}", msn + 2),
        format!("_HLS_msn={}&_HLS_part=0", msn + 2),
        format!("_HLS_msn={msn}&_HLS_part={}", part + 100),
        format!("_HLS_msn={}", u64::MAX),
        "_HLS_part=1".to_owned(),
        "_HLS_msn=x".to_owned(),
        format!("_HLS_msn={msn}&_HLS_msn={msn}"),
    ] {
        let reply = stage.get(&format!("/live/kelas/video.m3u8?{query}")).await;
        assert_eq!((reply.status, reply.header("cache-control")), (400, Some("no-store")), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_stands_still_answers_503_within_three_target_durations() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let asked = Instant::now();
    let reply = stage.get(&format!("/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}")).await;
    let waited = asked.elapsed();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(waited >= Duration::from_secs(2), "it waited for media: {waited:?}");
    assert!(waited <= Duration::from_secs(3), "three target durations of one second: {waited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_playlist_says_what_a_low_latency_player_needs() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_400).await;
    let text = stage.text("/live/kelas/video.m3u8").await;
    let (stream, first) = stage.stream("kelas");
    let Position { msn, part } = next(&stage);
    for wanted in [
        "#EXT-X-TARGETDURATION:1".to_owned(),
        "#EXT-X-PART-INF:PART-TARGET=0.22".to_owned(),
        "CAN-BLOCK-RELOAD=YES".to_owned(),
        "PART-HOLD-BACK=0.66".to_owned(),
        format!("#EXT-X-MEDIA-SEQUENCE:{first}"),
        format!("#EXT-X-MAP:URI=\"{stream}/video/init-0.mp4\""),
        format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{stream}/video/{msn}.{part}.m4s\""),
        "#EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\"".to_owned(),
        "#EXT-X-PROGRAM-DATE-TIME:".to_owned(),
    ] {
        assert!(text.contains(&wanted), "{wanted} is missing in {text}");
    }
    assert!(!text.contains("ENDLIST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_update_leaves_out_what_the_player_has() {
    let options = Options { packaging: packager::Config { window_segments: 20, ..packaging() }, ..Options::default() };
    let stage = Stage::with(options).await;
    let _publisher = stage.on_air("kelas", 9_000).await;
    let whole = stage.text("/live/kelas/video.m3u8").await;
    let delta = stage.text("/live/kelas/video.m3u8?_HLS_skip=YES").await;
    let skipped = delta.lines().find_map(|line| line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=")).expect("a skip");
    let skipped: usize = skipped.parse().expect("a number");
    let segments = |text: &str| text.lines().filter(|line| !line.starts_with('#') && line.ends_with(".m4s")).count();
    assert!(skipped >= 2, "of nine seconds all before the last six: {skipped}");
    assert_eq!(segments(&delta) + skipped, segments(&whole));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_waits_when_the_stream_ends_gets_the_end() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, .. } = next(&stage);
    let mut waiting = reload(&stage, msn + 1, 0).await;
    assert!(is_silent(&mut waiting).await);
    stage.end("kelas").await;
    let reply = waiting.answer().await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(text.trim_end().ends_with("#EXT-X-ENDLIST"), "{text}");
    assert!(!text.contains("PRELOAD-HINT"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_comes_before_the_first_part_waits_for_it() {
    let stage = Stage::new().await;
    let mut publisher = stage.publish("kelas").await;
    stage.until("the stream is there", || stage.gateway.live.of(&stage.channel("kelas").path)).await;
    let mut early = stage.connect().await;
    early.ask("GET", "/live/kelas/master.m3u8", &[]).await;
    assert!(is_silent(&mut early).await, "nothing to list");
    publisher.send_until_ms(600).await;
    assert_eq!(early.head().await.status, 200);
}
