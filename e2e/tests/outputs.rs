//! ffmpeg publishes, and players of all kinds see and hear every output whole and in sync.

use std::process::Command;
use std::time::Duration;

use e2e::capture::Capture;
use e2e::flv_viewer::{FlvViewer, Via};
use e2e::publish::ON_AIR;
use e2e::server::Options;
use e2e::{Channel, Child, Publisher, Server, capture, poll, signal};

/// Seconds of each output that are looked at.
const SECONDS: f64 = 6.0;

fn on_air(options: Options) -> (Server, Channel, Publisher) {
    let server = Server::start_with(options);
    let channel = server.channel("kelas", &["--no-record"]);
    let publisher = Publisher::ordinary(&server, &channel);
    (server, channel, publisher)
}

#[track_caller]
fn plays_whole(output: &str) {
    let (server, channel, _publisher) = on_air(Options::default());
    if output == "hls" {
        // ffmpeg knows no parts: it needs a whole segment to find the codecs in.
        server.until_listed(&channel, 1.0);
    }
    let url = channel.play_url(output);
    capture(server.folder(), &url, SECONDS).assert_whole(output, SECONDS);
}

#[test]
fn http_flv_plays_whole_and_in_sync() {
    plays_whole("flv");
}

#[test]
fn rtmp_plays_whole_and_in_sync() {
    plays_whole("rtmp");
}

#[test]
fn low_latency_hls_plays_whole_and_in_sync() {
    plays_whole("hls");
}

#[test]
fn hls_in_mpeg_ts_plays_whole_and_in_sync() {
    plays_whole("ts");
}

#[test]
fn live_dash_plays_whole_and_in_sync() {
    plays_whole("dash");
}

#[test]
fn dash_of_a_stream_that_has_ended_plays_whole_and_in_sync() {
    let config = "reconnect_window_s = 1\n".to_owned();
    let (server, channel, publisher) = on_air(Options { config, ..Options::default() });
    server.until_listed(&channel, SECONDS + 1.0);
    publisher.kill();
    server.until_state(&channel, "ended", ON_AIR);
    let sight = e2e::capture::whole(server.folder(), &channel.play_url("dash"));
    sight.assert_whole("dash", SECONDS);
}

#[test]
fn websocket_flv_plays_whole_and_in_sync() {
    let (server, channel, _publisher) = on_air(Options::default());
    let path = format!("/{}.flv", channel.path);
    assert!(channel.play_url("ws_flv").starts_with("ws://") && channel.play_url("ws_flv").ends_with(&path));
    let viewer = FlvViewer::join(server.address("http"), &path, Via::WebSocket, server.folder()).expect("accepted");
    poll::until_true("enough pictures over WebSocket", Duration::from_secs(30), || viewer.pictures() > 220);
    let file = viewer.leave();
    capture(server.folder(), &file.display().to_string(), SECONDS).assert_whole("ws_flv", SECONDS);
}

#[test]
fn what_comes_in_encrypted_goes_out_encrypted() {
    let server = Server::start_with(Options { tls: true, ..Options::default() });
    let channel = server.channel("kelas", &["--no-record"]);
    let url = channel.json["publish"]["rtmps"].as_str().expect("publish.rtmps").to_owned();
    assert!(url.starts_with("rtmps://"), "{url}");
    let _publisher = Publisher::ffmpeg(&server, &url, &signal::ORDINARY);
    server.until_state(&channel, "live", ON_AIR);
    let https = server.address("https");
    // HTTP/1.1 over TLS, in ffmpeg.
    let flv = format!("https://{https}/{}.flv", channel.path);
    let http1 = Capture::start(server.folder(), &["-tls_verify", "0"], &flv, Some(SECONDS));
    // HTTP/2, in curl.
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--http2",
        "--no-buffer",
        "--write-out",
        "%{stderr}%{http_version}",
    ]);
    curl.arg(&flv);
    let file = server.folder().join("http2.flv");
    let mut curl = Child::start_into("curl", curl, &file, &server.folder().join("curl.log"));
    let size = |file: &std::path::Path| std::fs::metadata(file).map_or(0, |meta| meta.len());
    http1.finish().assert_whole("FLV over HTTPS", SECONDS);
    poll::until_true("enough FLV over HTTP/2", Duration::from_secs(30), || size(&file) > 900_000);
    curl.signal(rustix::process::Signal::TERM);
    curl.wait(Duration::from_secs(10));
    let sight = e2e::capture::whole(server.folder(), &file.display().to_string());
    sight.assert_whole("FLV over HTTP/2", 4.0);
    let head = Command::new("curl")
        .args(["--silent", "--insecure", "--http2", "--write-out", "%{http_version}", "--output", "/dev/null"])
        .arg(format!("https://{https}/{}/master.m3u8", channel.path))
        .output()
        .expect("curl runs");
    assert_eq!(String::from_utf8_lossy(&head.stdout), "2", "playlists come over HTTP/2 where the client can");
    // RTMPS play.
    let rtmps = format!("rtmps://{}/{}", server.address("rtmps"), channel.path);
    let sight = Capture::start(server.folder(), &["-tls_verify", "0"], &rtmps, Some(SECONDS)).finish();
    sight.assert_whole("RTMPS", SECONDS);
}

#[test]
fn b_frames_are_shown_in_their_order_on_every_output() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ffmpeg(&server, &channel.publish_url(), &signal::WITH_B_FRAMES);
    server.until_state(&channel, "live", ON_AIR);
    server.until_listed(&channel, 8.0);
    for output in ["flv", "hls", "ts"] {
        capture(server.folder(), &channel.play_url(output), 3.0).assert_whole(output, 3.0);
    }
}

#[test]
fn a_live_encoder_is_on_air_within_a_second_of_its_first_picture() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let (picture, sound) = (signal::picture(&signal::ORDINARY, 600), signal::sound(600));
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "warning", "-nostdin", "-re", "-f", "lavfi", "-i", &picture]);
    command.args(["-re", "-f", "lavfi", "-i", &sound, "-pix_fmt", "yuv420p"]);
    command.args(signal::ORDINARY.video).args(["-g", "30"]).args(signal::ORDINARY.audio);
    command.args(["-f", "flv", &channel.publish_url()]);
    let _encoder = Child::start("an encoder", command, &server.folder().join("encoder.log"));
    let state = server.until_state(&channel, "live", ON_AIR);
    let joined = std::time::Instant::now();
    let master = server.get(&format!("/{}/master.m3u8", channel.path));
    assert_eq!(master.status, 200, "{}", master.text());
    // One second is the product's figure; the other is for a test machine that encodes beside.
    assert!(joined.elapsed() < Duration::from_secs(2), "the first playlist took {:?}", joined.elapsed());
    assert!(state["tracks"].as_array().is_some_and(|tracks| tracks.len() == 2), "{state}");
    server.until_listed(&channel, 1.0);
    capture(server.folder(), &channel.play_url("hls"), 3.0).assert_whole("hls", 3.0);
}

#[test]
fn ffprobe_finds_what_the_multivariant_playlist_claims() {
    let (server, channel, _publisher) = on_air(Options::default());
    server.until_listed(&channel, 1.0);
    let master = server.get(&format!("/{}/master.m3u8", channel.path)).text();
    for claim in ["RESOLUTION=640x360", "FRAME-RATE=30.000", "avc1.42", "mp4a.40.2", "AUDIO=", "AVERAGE-BANDWIDTH="] {
        assert!(master.contains(claim), "{claim} in {master}");
    }
    for output in ["hls", "ts", "flv", "rtmp"] {
        let probe = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-show_entries",
                "stream=codec_name,width,height,sample_rate,channels",
                "-of",
                "json",
            ])
            .arg(channel.play_url(output))
            .output()
            .expect("ffprobe runs");
        let text = String::from_utf8_lossy(&probe.stdout);
        assert!(probe.status.success(), "{output}: {}", String::from_utf8_lossy(&probe.stderr));
        for found in ["\"h264\"", "\"aac\"", "640", "360", "\"48000\""] {
            assert!(text.contains(found), "{output}: {found} in {text}");
        }
    }
}

#[test]
fn a_channel_that_is_not_live_says_so_on_every_output() {
    let server = Server::start();
    let channel = server.channel("kelas", &[]);
    for path in ["live/kelas/master.m3u8", "live/kelas/live.m3u8", "live/kelas/manifest.mpd", "live/kelas.flv"] {
        let response = server.get(&format!("/{path}"));
        assert_eq!((response.status, response.text().trim()), (404, "kelas is not streaming live now"), "{path}");
    }
    assert_eq!(server.state(&channel)["state"], "waiting");
}

#[test]
fn the_old_systems_ports_play_whole_and_in_sync() {
    let names = ["flv", "hls", "lhls"];
    let config = names.map(|name| format!("{name}_addr = '127.0.0.1:0'\n")).concat();
    let (server, channel, _publisher) = on_air(Options { config: format!("[legacy]\n{config}"), ..Options::default() });
    server.until_listed(&channel, 2.0);
    let paths = ["live/kelas.flv", "live/kelas.m3u8", "live/kelas/playlist.m3u8"];
    let url = |(name, path): (&str, &str)| format!("http://{}/{path}", server.address(name));
    let players = names.into_iter().zip(paths).map(|at| Capture::start(server.folder(), &[], &url(at), Some(SECONDS)));
    for (player, path) in players.collect::<Vec<_>>().into_iter().zip(paths) {
        player.finish().assert_whole(path, SECONDS);
    }
}
