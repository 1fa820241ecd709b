//! Chromium shows every output on the watch page.

use std::time::{Duration, Instant};

use e2e::browser::Watching;
use e2e::recordings::until_ready;
use e2e::server::Options;
use e2e::{Publisher, Server, browser, gate, poll, recordings, signal};

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
    let mut sync: Vec<i64> = seen["syncMs"].as_array().into_iter().flatten().filter_map(|ms| ms.as_i64()).collect();
    sync.sort_unstable();
    assert!(sync.len() >= 4, "beeps beside their flashes: {seen}");
    // A picture of 33 ms is in it, and how late a browser gives out sound.
    assert!(sync[sync.len() / 2].abs() <= 90, "{sync:?} ms: {seen}");
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

#[test]
fn chromium_plays_a_recording_from_the_beginning_and_from_its_middle() {
    let _turn = gate::one_of("browser");
    let server = Server::start_with(Options { config: "reconnect_window_s = 1\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    poll::until_true("enough is recorded", Duration::from_secs(60), || {
        recordings::list(&server).iter().any(|recording| recording.seconds >= 14.0)
    });
    publisher.kill();
    server.until_state(&channel, "ended", Duration::from_secs(10));
    let recording = until_ready(&server, Duration::from_secs(20)).into_iter().next().expect("a recording");
    let page = format!("{}?stream={}", channel.play_url("page"), recording.id);
    let seen = Watching::start(server.folder(), &page, &["--seconds", "4", "--seek", "0.5"]).report(8);
    assert_eq!(seen["size"], "640x360", "{seen}");
    assert_eq!(seen["states"], serde_json::json!(["recording"]), "{seen}");
    assert_eq!(seen["errors"].as_array().map(Vec::len), Some(0), "{seen}");
    let length = seen["duration"].as_f64().unwrap_or_default();
    assert!((length - recording.seconds).abs() < 0.5, "{length} s of {recording:?}: {seen}");
}

#[test]
fn chromium_says_that_the_publisher_is_away_and_plays_on_when_it_is_back() {
    const AWAY: Duration = Duration::from_secs(3);
    let _turn = gate::one_of("browser");
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let publisher = Publisher::ordinary(&server, &channel);
    let mut watching = Watching::start(server.folder(), &channel.play_url("page"), &["--seconds", "6", "--outage"]);
    watching.until_playing();
    let stream = server.state(&channel)["stream"].clone();
    publisher.kill();
    let gone = Instant::now();
    watching.until_state("stalled");
    poll::let_pass(AWAY.saturating_sub(gone.elapsed()));
    let _publisher = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::ORDINARY);
    let seen = watching.report(6);
    assert_eq!(seen["stream"], stream, "the same stream goes on: {seen}");
    assert_eq!((&seen["state"], &seen["engine"]), (&"live".into(), &"hls".into()), "{seen}");
    assert_eq!(seen["size"], "640x360", "{seen}");
    let latency = seen["latencyMsP50"].as_f64().unwrap_or(f64::MAX);
    assert!(latency < 6_000.0, "{latency} ms behind after the outage: {seen}");
}
