//! Who may not, may not; and no secret is ever written down. (That no log holds a secret is checked on every server.)

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use e2e::flv_viewer::{FlvViewer, Via};
use e2e::publish::{ON_AIR, log};
use e2e::sender::Sender;
use e2e::server::Options;
use e2e::{Channel, Child, Publisher, Server, metrics, poll, signal};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use testkit::EncoderConfig;

fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

fn mac(secret: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `sign=…` for publishing, made here and not by the program.
fn sign(server: &Server, channel: &Channel, expiry: u64) -> String {
    let secrets = server.cli_json(&["channel", "secrets", "kelas", "--json"]);
    let secret = secrets["sign_secret"].as_str().expect("sign_secret");
    let hex = mac(secret, &format!("/{}-{expiry}", channel.path));
    server.keep_secret(&hex);
    format!("sign={expiry}-{hex}")
}

/// ffmpeg tries to publish, and fails.
#[track_caller]
fn refused(server: &Server, what: &str, url: &str) {
    let denied = || metrics::sum(&server.get("/metrics").text(), "tayang_publish_denied_total", "");
    let before = denied();
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-i"]).arg(signal::clip(&signal::ORDINARY));
    command.args(["-c", "copy", "-f", "flv", url]);
    let mut child = Child::start("ffmpeg, refused", command, &log(server.folder(), "refused"));
    let status = child.wait(Duration::from_secs(20));
    assert!(!status.success(), "{what} may publish");
    assert!(denied() > before, "{what}: not counted");
}

#[test]
fn keys_and_signatures_that_are_not_right_are_refused_and_counted() {
    let server = Server::start();
    let channel = server.channel("kelas", &[]);
    let rtmp = server.address("rtmp");
    let url = |name: &str| format!("rtmp://{rtmp}/live/{name}");
    let wrong = format!("{}x", &channel.key[..channel.key.len() - 1]);
    server.keep_secret(&wrong);
    refused(&server, "an unknown key", &url(&wrong));
    refused(&server, "the name of the channel", &url("kelas"));
    let other = server.channel("lain", &[]);
    refused(&server, "a key in another application", &format!("rtmp://{rtmp}/video/{}", other.key));
    let good = sign(&server, &channel, now_s() + 600);
    let (front, hex) = good.split_once('-').expect("expiry and hex");
    let flipped = if hex.starts_with('0') { "1" } else { "0" };
    refused(&server, "a forged signature", &url(&format!("kelas?{front}-{flipped}{}", &hex[1..])));
    refused(&server, "a signature for another channel", &url(&format!("lain?{good}")));
    refused(&server, "a signature twice", &url(&format!("kelas?{good}&{good}")));
    refused(&server, "an empty signature", &url("kelas?sign="));
    refused(
        &server,
        "a signature that has expired",
        &url(&format!("kelas?{}", sign(&server, &channel, now_s() - 120))),
    );
    let later = now_s() + 9_000;
    let stretched = format!("sign={later}-{hex}");
    refused(&server, "a signature with another expiry", &url(&format!("kelas?{stretched}")));
    let revoked = server.cli_json(&["channel", "rotate-key", "lain", "--json"]);
    refused(&server, "a revoked key", &url(&other.key));
    server.keep_secret(&other.key);
    assert_eq!(server.state(&channel)["state"], "waiting");
    // And the right ones still work.
    let key = revoked["key"].as_str().expect("key");
    let _by_key = Publisher::ffmpeg(&server, &url(key), &signal::ORDINARY);
    server.until_state(&other, "live", ON_AIR);
    let _by_sign = Publisher::ffmpeg(&server, &url(&format!("kelas?{good}")), &signal::ORDINARY);
    server.until_state(&channel, "live", ON_AIR);
}

#[test]
fn a_right_that_ends_closes_the_publisher_that_has_it() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    // Clocks may differ by 60 s, so a signature from a minute ago has a few seconds left.
    let expiry = now_s() - 60 + 8;
    let url = format!("rtmp://{}/live/kelas?{}", server.address("rtmp"), sign(&server, &channel, expiry));
    let mut publisher = Publisher::ffmpeg(&server, &url, &signal::ORDINARY);
    server.until_state(&channel, "live", ON_AIR);
    let status = publisher.child.wait(Duration::from_secs(20));
    assert!(!status.success());
    let late = now_s().saturating_sub(expiry + 60);
    assert!(late <= 2, "closed {late} s after the end of the right");
    server.until_state(&channel, "stalled", Duration::from_secs(5));
}

#[test]
fn a_rotated_key_closes_its_publisher_within_a_second() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let mut publisher = Publisher::ordinary(&server, &channel);
    let new = server.cli_json(&["channel", "rotate-key", "kelas", "--json"]);
    let rotated = Instant::now();
    publisher.child.wait(Duration::from_secs(10));
    // A second is the promise; the rest is ffmpeg's own way out.
    assert!(rotated.elapsed() < Duration::from_secs(2), "{:?}", rotated.elapsed());
    let url = format!("rtmp://{}/live/{}", server.address("rtmp"), new["key"].as_str().expect("key"));
    let _publisher = Publisher::ffmpeg(&server, &url, &signal::ORDINARY);
    server.until_state(&channel, "live", ON_AIR);
}

#[test]
fn a_private_channel_plays_with_a_signature_only_on_every_output() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--private"]);
    let _publisher = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::ORDINARY);
    let signed = server.cli_json(&["channel", "sign-url", "kelas", "--expires-in-s", "600", "--json"]);
    let sign = signed["sign"].as_str().expect("sign");
    poll::until_true("it is live", ON_AIR, || server.get(&format!("/s/{sign}/live/kelas/master.m3u8")).status == 200);
    poll::until_true("a whole segment", ON_AIR, || {
        server.get(&format!("/s/{sign}/live/kelas/video.m3u8")).text().contains("#EXTINF")
    });
    for path in ["master.m3u8", "video.m3u8", "live.m3u8", "manifest.mpd", "live.flv", "state", "recordings"] {
        let response = server.get(&format!("/live/kelas/{path}"));
        assert_eq!((response.status, response.text().trim()), (404, "kelas is not streaming live now"), "{path}");
        let forged = server.get(&format!("/s/{}/live/kelas/{path}", sign.replace('-', "-0")));
        assert_eq!(forged.status, 404, "{path}");
    }
    let text = server.get(&format!("/s/{sign}/live/kelas/video.m3u8")).text();
    let playlist = e2e::playlist::Playlist::parse(&text).expect("a right playlist");
    let segment = playlist.segments.iter().flat_map(|segment| &segment.parts).next().expect("a part").uri.clone();
    assert_eq!(server.get(&format!("/s/{sign}/live/kelas/{segment}")).status, 200);
    assert_eq!(server.get(&format!("/live/kelas/{segment}")).status, 404, "a segment without the signature");
    for output in ["hls", "ts", "dash", "flv", "rtmp"] {
        let url = signed["play"][output].as_str().unwrap_or_else(|| panic!("play.{output} in {signed}"));
        e2e::capture(server.folder(), url, 2.0).assert_pictures(output, 2.0);
    }
    let denied = metrics::sum(&server.get("/metrics").text(), "tayang_play_denied_total", "");
    assert!(denied >= 14.0, "{denied} refusals are counted");
}

#[test]
fn a_viewer_whose_signature_runs_out_is_closed_on_every_output() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--private"]);
    let _publisher = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::ORDINARY);
    let signed = server.cli_json(&["channel", "sign-url", "kelas", "--expires-in-s", "600", "--json"]);
    let longer = format!("/s/{}/{}/master.m3u8", signed["sign"].as_str().expect("sign"), channel.path);
    poll::until_true("it is live", ON_AIR, || server.get(&longer).status == 200);
    let secrets = server.cli_json(&["channel", "secrets", "kelas", "--json"]);
    let secret = secrets["sign_secret"].as_str().expect("sign_secret");
    // Clocks may differ by 60 s, so a signature from a minute ago has a few seconds left.
    let expiry = now_s() - 60 + 12;
    let hex = mac(secret, &format!("play:/{}-{expiry}", channel.path));
    server.keep_secret(&hex);
    let sign = format!("{expiry}-{hex}");
    let path = format!("/s/{sign}/{}.flv", channel.path);
    let join = |via| FlvViewer::join(server.address("http"), &path, via, server.folder()).expect("accepted");
    let (flv, web_socket) = (join(Via::Http), join(Via::WebSocket));
    let url = format!("rtmp://{}/{}?sign={sign}", server.address("rtmp"), channel.path);
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i", &url, "-c", "copy", "-f", "null", "-"]);
    let mut rtmp = Child::start("ffmpeg, playing", command, &log(server.folder(), "rtmp"));
    let viewers = || server.get_json("/healthz")["viewers"].as_u64();
    poll::until_true("three watch", Duration::from_secs(8), || viewers() == Some(3));
    let playlist = format!("/s/{sign}/{}/master.m3u8", channel.path);
    assert_eq!(server.get(&playlist).status, 200);
    poll::until_true("pictures", Duration::from_secs(8), || flv.pictures() > 0 && web_socket.pictures() > 0);
    assert!(now_s() < expiry + 60, "the signature still held");
    poll::until_true("all are closed", Duration::from_secs(20), || viewers() == Some(0));
    let over = now_s() as i64 - (expiry + 60) as i64;
    assert!((0..=2).contains(&over), "they were closed {over} s after the end of the right");
    rtmp.wait(Duration::from_secs(10));
    assert_eq!(server.get(&playlist).status, 404);
}

#[test]
fn a_channel_made_anew_closes_the_viewers_and_the_publisher_of_the_old_one() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let mut publisher = Publisher::ordinary(&server, &channel);
    let _viewer =
        FlvViewer::join(server.address("http"), "/live/kelas.flv", Via::Http, server.folder()).expect("joins");
    let viewers = || server.get_json("/healthz")["viewers"].as_u64();
    poll::until_true("it watches", Duration::from_secs(10), || viewers() == Some(1));
    let old = server.state(&channel)["stream"].clone();
    server.cli_json(&["channel", "delete", "kelas", "--json"]);
    let new = server.channel("kelas", &["--no-record"]);
    poll::until_true("it is closed within a second", Duration::from_secs(1), || viewers() == Some(0));
    publisher.child.wait(Duration::from_secs(5));
    assert_eq!(server.state(&new)["state"], "waiting", "nothing of the old channel is shown");
    let _publisher = Publisher::ordinary(&server, &new);
    assert_ne!(server.state(&new)["stream"], old);
}

#[test]
fn a_stream_beyond_the_memory_budget_is_refused_and_those_on_air_go_on() {
    // Each stream is taken to hold 8 MiB at least, so this is room for eight.
    let config = "[limits]\nmemory_bytes_max = 67108864\n".to_owned();
    let server = Server::start_with(Options { config, ..Options::default() });
    let mut senders = Vec::new();
    for n in 0..8 {
        let channel = server.channel(&format!("kelas{n}"), &["--no-record"]);
        senders.push(Sender::start(server.address("rtmp"), "live", &channel.key, EncoderConfig::default()));
    }
    let ninth = server.channel("kelas8", &["--no-record"]);
    refused(&server, "a ninth stream", &server.publish_url(&ninth));
    let text = server.get("/metrics").text();
    assert!(metrics::sum(&text, "tayang_publish_denied_total", "reason=\"memory\"") >= 1.0, "{text}");
    assert_eq!(metrics::sum(&text, "tayang_held_bytes_max", ""), 67_108_864.0);
    for sender in &mut senders {
        assert!(sender.push_until(2_000), "{:?}", sender.events());
    }
    let held = || metrics::sum(&server.get("/metrics").text(), "tayang_held_bytes", "");
    poll::until_true("what they hold is told", Duration::from_secs(5), || held() > 1_000_000.0);
}
