//! Every address: its status, type, cache class and the headers that all share.

use crate::client::Reply;
use crate::stage::{Stage, soon};

const MPEGURL: &str = "application/vnd.apple.mpegurl";
const LIVE: &str = "public, max-age=1";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const TEXT: &str = "text/plain; charset=utf-8";

/// Addresses of a stream that is on air, with type and cache class.
fn addresses(stage: &Stage) -> Vec<(String, &'static str, &'static str)> {
    let (stream, msn) = stage.stream("kelas");
    let id = stage.channel("kelas").id;
    let fixed = [
        ("/live/kelas/master.m3u8", MPEGURL, LIVE),
        ("/live/kelas/index.m3u8", MPEGURL, LIVE),
        ("/live/kelas/video.m3u8", MPEGURL, LIVE),
        ("/live/kelas/audio.m3u8", MPEGURL, LIVE),
        ("/live/kelas/playlist.m3u8", MPEGURL, LIVE),
        ("/live/kelas/lhls-video.m3u8", MPEGURL, LIVE),
        ("/live/kelas/live.m3u8", MPEGURL, LIVE),
        ("/live/kelas.m3u8", MPEGURL, LIVE),
        ("/live/kelas/manifest.mpd", "application/dash+xml", LIVE),
        ("/video/kelas/manifest.m3u8", MPEGURL, LIVE),
        ("/video/kelas/video/chunklist.m3u8?chunksLatency=0", MPEGURL, LIVE),
        ("/video/kelas/source/chunklist.m3u8?chunksLatency=0", MPEGURL, LIVE),
        ("/kelas/master.m3u8", MPEGURL, LIVE),
        ("/kelas/live.m3u8", MPEGURL, LIVE),
        ("/kelas/playlist.m3u8", MPEGURL, LIVE),
        ("/kelas/manifest.mpd", "application/dash+xml", LIVE),
        ("/live/kelas/state", "application/json", "no-store"),
        ("/live/kelas/recordings", "application/json", "no-store"),
        ("/", TEXT, "no-store"),
        ("/time", TEXT, "no-store"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store"),
        ("/healthz", "application/json", "no-store"),
        ("/readyz", "application/json", "no-store"),
    ];
    let mut all: Vec<_> = fixed.into_iter().map(|(path, mime, cache)| (path.to_owned(), mime, cache)).collect();
    all.extend([
        (format!("/{id}/master.m3u8"), MPEGURL, LIVE),
        (format!("/{id}/manifest.mpd"), "application/dash+xml", LIVE),
        (format!("/live/kelas/{stream}/video/init-0.mp4"), "video/mp4", IMMUTABLE),
        (format!("/live/kelas/{stream}/audio/init-0.mp4"), "audio/mp4", IMMUTABLE),
        (format!("/live/kelas/{stream}/video/{msn}.m4s"), "video/mp4", IMMUTABLE),
        (format!("/live/kelas/{stream}/audio/{msn}.m4s"), "audio/mp4", IMMUTABLE),
        (format!("/live/kelas/{stream}/video/{msn}.1.m4s"), "video/mp4", IMMUTABLE),
        (format!("/live/kelas/{stream}/audio/{msn}.0.m4s"), "audio/mp4", IMMUTABLE),
        (format!("/live/kelas/{stream}/ts/{msn}.ts"), "video/mp2t", IMMUTABLE),
    ]);
    all
}

fn has_common_headers(path: &str, reply: &Reply) {
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
    assert!(reply.header("access-control-expose-headers").is_some_and(|names| names.contains("Date")), "{path}");
    assert!(reply.header("date").is_some(), "{path}: players set their clocks by it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_has_its_type_its_cache_class_and_the_common_headers() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_000).await;
    for (path, mime, cache) in addresses(&stage) {
        let reply = stage.get(&path).await;
        assert_eq!(reply.kind(), (200, mime, cache), "{path}");
        has_common_headers(&path, &reply);
        assert!(!reply.body.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_answers_as_get_does_with_its_length_and_no_body() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_000).await;
    let mut connection = stage.connect().await;
    for (path, ..) in addresses(&stage) {
        let whole = stage.get(&path).await;
        // On one connection: a body after the head would be taken for the next response.
        let head = connection.request("HEAD", &path, &[]).await;
        assert_eq!(head.kind(), whole.kind(), "{path}");
        // What is told of recordings grows while they are written.
        if !path.ends_with("/state") && !path.ends_with("/recordings") {
            assert_eq!(head.header("content-length"), whole.header("content-length"), "{path}");
        }
        assert!(head.header("content-length").is_some_and(|length| length != "0"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflights_are_allowed_everywhere_and_remembered() {
    let stage = Stage::new().await;
    for path in ["/live/kelas/master.m3u8", "/live/tertutup/master.m3u8", "/nothing", "/time"] {
        let asked = [("Origin", "https://example.org"), ("Access-Control-Request-Method", "GET")];
        let reply = stage.connect().await.request("OPTIONS", path, &asked).await;
        assert_eq!(reply.status, 204, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
        assert!(reply.header("access-control-allow-headers").is_some_and(|names| names.contains("Range")));
        assert_eq!(reply.header("access-control-max-age"), Some("86400"));
        assert_eq!(reply.header("content-type"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_are_refused_and_the_connection_goes_on() {
    let stage = Stage::new().await;
    let mut connection = stage.connect().await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
        let reply = connection.request(method, "/live/kelas/master.m3u8", &[("Content-Length", "0")]).await;
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"), "{method}");
    }
    assert_eq!(connection.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_live_says_so_as_the_old_systems_did() {
    let stage = Stage::new().await;
    let id = stage.channel("kelas").id;
    for path in [
        "/live/kelas.flv",
        "/live/kelas/live.flv",
        "/kelas/live.flv",
        "/live/kelas/master.m3u8",
        "/live/kelas/video.m3u8",
        "/live/kelas/live.m3u8",
        "/live/kelas.m3u8",
        "/live/kelas/manifest.mpd",
        "/live/kelas/playlist.m3u8",
        "/video/kelas/manifest.m3u8",
        &format!("/{id}/live.flv"),
    ] {
        let reply = stage.get(path).await;
        assert_eq!(reply.kind(), (404, TEXT, "public, max-age=1"), "{path}");
        assert_eq!(reply.text(), "kelas is not streaming live now\n", "{path}");
        has_common_headers(path, &reply);
    }
    let stranger = stage.get("/live/tiada/master.m3u8").await;
    assert_eq!((stranger.status, stranger.text().as_str()), (404, "tiada is not streaming live now\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_name_nothing_are_not_found() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let (stream, msn) = stage.stream("kelas");
    for path in [
        "/nothing",
        "/live/kelas/nothing.m3u8",
        "/live/kelas/video7.m3u8",
        "/assets/none.js",
        "/a/b/c/d/e/f/g",
        "/live/kelas/lhls-audio9.m3u8",
        &format!("/live/kelas/{stream}/video/init-9.mp4"),
        &format!("/live/kelas/{stream}/video/{}.m4s", msn - 1),
        &format!("/live/kelas/{stream}/video/{}.m4s", msn + 500),
        &format!("/live/kelas/{stream}/video/{msn}.900.m4s"),
        &format!("/live/kelas/{stream}/video9/{msn}.m4s"),
        &format!("/live/kelas/{stream}/ts/{}.ts", msn + 500),
        &format!("/live/kelas/{stream}/video/0{msn}.m4s"),
        &format!("/live/kelas/1/video/{msn}.m4s"),
        &format!("/live/tanpa/{stream}/video/{msn}.m4s"),
    ] {
        let reply = stage.get(path).await;
        assert_eq!(reply.kind(), (404, TEXT, "public, max-age=1"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renditions_that_only_a_transcoder_makes_are_named_as_missing() {
    let stage = Stage::new().await;
    let reply = stage.get("/kelas/720p/index.m3u8").await;
    assert_eq!((reply.status, reply.text().contains("720p is not made")), (404, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_pages_lead_to_the_watch_page() {
    let stage = Stage::new().await;
    for (page, via) in [("flv.html", "flv"), ("index.html", "ts"), ("hls.html", "hls"), ("dash.html", "dash")] {
        for channel in ["live/kelas", "kelas"] {
            let reply = stage.get(&format!("/{channel}/{page}")).await;
            assert_eq!(reply.status, 302, "{channel}/{page}");
            assert_eq!(reply.header("location"), Some(format!("/watch/live/kelas?via={via}").as_str()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_the_same_for_every_channel_or_says_that_it_was_not_built() {
    let stage = Stage::new().await;
    let known = stage.get("/watch/live/kelas").await;
    let unknown = stage.get("/watch/live/tiada").await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    match known.status {
        200 => {
            let policy = known.header("content-security-policy").expect("a policy");
            assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(known.header("x-frame-options"), Some("DENY"));
            let tag = known.header("etag").expect("a tag");
            let again = stage.connect().await.get_with("/watch/live/kelas", &[("If-None-Match", tag)]).await;
            assert_eq!(again.status, 304);
        }
        status => assert_eq!((status, known.text().contains("built without its pages")), (503, true)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_utc_to_the_millisecond() {
    let stage = Stage::new().await;
    let before = gateway::clock::wall_now().to_string();
    let said = stage.text("/time").await;
    let after = gateway::clock::wall_now().to_string();
    assert!(before <= said && said <= after, "{before} <= {said} <= {after}");
    assert!(said.ends_with('Z') && said.len() == "2026-01-01T00:00:00.000Z".len(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_metrics_tell_what_is_there() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let health = stage.get("/healthz").await.json();
    assert_eq!((health["status"].as_str(), health["streams"].as_u64()), (Some("ok"), Some(1)));
    assert_eq!(health["recording"].as_u64(), Some(1));
    assert_eq!(stage.get("/readyz").await.json()["status"].as_str(), Some("ready"));
    assert_eq!(stage.text("/metrics").await, "tayang_up 1\n");
    assert_eq!(stage.text("/healthcheck").await, "OK\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_order() {
    let stage = Stage::new().await;
    let mut connection = stage.connect().await;
    connection.ask("HEAD", "/readyz", &[]).await;
    connection.ask("HEAD", "/nothing", &[]).await;
    connection.ask("HEAD", "/time", &[]).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(soon("an answer", connection.head()).await.status);
    }
    assert_eq!(answers, [200, 404, 200]);
}
