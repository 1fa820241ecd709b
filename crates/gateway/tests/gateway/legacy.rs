//! The old systems' ports serve their own shapes and nothing else.

use std::net::SocketAddr;

use crate::client::Connection;
use crate::stage::Stage;

async fn statuses(address: SocketAddr, paths: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in paths {
        let mut connection = Connection::open(address).await;
        connection.ask("GET", path, &[]).await;
        statuses.push(connection.head().await.status);
    }
    statuses
}

const ELSEWHERE: [&str; 8] = [
    "/metrics",
    "/time",
    "/healthz",
    "/watch/live/kelas",
    "/live/kelas/state",
    "/live/kelas/recordings",
    "/live/kelas/manifest.mpd",
    "/live/kelas/master.m3u8",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flv_port_serves_flv_only() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_500).await;
    assert_eq!(statuses(stage.legacy_flv, &["/live/kelas.flv", "/kelas/live.flv"]).await, [200, 200]);
    assert_eq!(statuses(stage.legacy_flv, &ELSEWHERE).await, [404; 8]);
    assert_eq!(statuses(stage.legacy_flv, &["/live/kelas.m3u8", "/live/kelas/live.m3u8", "/"]).await, [404; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hls_port_serves_its_playlist_and_what_that_names() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_500).await;
    let mut connection = Connection::open(stage.legacy_hls).await;
    let playlist = connection.get("/live/kelas.m3u8").await;
    assert_eq!(playlist.status, 200);
    let text = playlist.text();
    let segments: Vec<&str> = text.lines().filter(|line| line.ends_with(".ts")).collect();
    assert!(segments.len() >= 2, "{text}");
    for segment in segments {
        let reply = connection.get(segment).await;
        assert_eq!(reply.kind().0, 200, "{segment}");
        assert_eq!(reply.body.first(), Some(&0x47), "{segment}");
    }
    assert_eq!(statuses(stage.legacy_hls, &ELSEWHERE).await, [404; 8]);
    assert_eq!(statuses(stage.legacy_hls, &["/live/kelas.flv", "/live/kelas/playlist.m3u8"]).await, [404; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lhls_port_serves_its_playlists() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_500).await;
    let known = ["/kelas/playlist.m3u8", "/live/kelas/playlist.m3u8", "/live/kelas/lhls-video.m3u8"];
    assert_eq!(statuses(stage.legacy_lhls, &known).await, [200; 3]);
    assert_eq!(statuses(stage.legacy_lhls, &ELSEWHERE).await, [404; 8]);
    assert_eq!(statuses(stage.legacy_lhls, &["/live/kelas.flv", "/live/kelas.m3u8"]).await, [404; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_port_has_the_old_health_check() {
    let stage = Stage::new().await;
    for address in [stage.http, stage.legacy_flv, stage.legacy_hls, stage.legacy_lhls] {
        assert_eq!(Connection::open(address).await.get("/healthcheck").await.text(), "OK\n");
    }
}
