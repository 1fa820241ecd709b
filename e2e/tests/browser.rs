//! Chromium shows every output on the watch page.

use e2e::{Publisher, Server, browser, gate};

#[track_caller]
fn chromium_plays(via: &str) {
    let _turn = gate::one_of("browser");
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let seen = browser::watch(server.folder(), &channel.play_url("page"), via, 8);
    assert_eq!(seen["size"], "640x360", "{seen}");
    assert_eq!(seen["state"], "live", "{seen}");
    assert_eq!(seen["errors"].as_array().map(Vec::len), Some(0), "{seen}");
    let latency = seen["latencyMsP50"].as_f64().unwrap_or(f64::MAX);
    // Figures of latency are the benchmarks'; here a player that never reaches the edge is found.
    let most = if via == "ts" || via == "dash" { 15_000.0 } else { 6_000.0 };
    assert!(latency < most, "{latency} ms behind: {seen}");
}

#[test]
fn chromium_plays_low_latency_hls() {
    chromium_plays("hls");
}

#[test]
fn chromium_plays_http_flv() {
    chromium_plays("flv");
}

#[test]
fn chromium_plays_websocket_flv() {
    chromium_plays("ws-flv");
}

#[test]
fn chromium_plays_dash() {
    chromium_plays("dash");
}

#[test]
fn chromium_plays_hls_in_mpeg_ts() {
    chromium_plays("ts");
}
