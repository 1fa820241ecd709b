//! Every codec that Enhanced RTMP brings, from a real encoder to real players: live, over HTTP-FLV and in the recording.

use std::process::Command;
use std::time::Duration;

use e2e::capture::Player;
use e2e::publish::ON_AIR;
use e2e::recordings::{assert_plays, assert_sound, until_ready};
use e2e::server::Options;
use e2e::signal::{self, Form};
use e2e::{Publisher, Server, capture};

/// Names of the codecs of the tracks of a file.
#[track_caller]
fn probed_codecs(url: &str) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url])
        .output()
        .expect("ffprobe runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{url}: {said}");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

/// `claims` are what CODECS has to hold, `names` are ffprobe's.
#[track_caller]
fn carried(form: &Form, claims: [&str; 2], names: [&str; 2]) {
    // Made before the test's clock runs.
    let _ = signal::clip(form);
    let server = Server::start_with(Options { config: "reconnect_window_s = 1\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::enhanced(&server, &channel, form);
    let flv = Player::enhanced().start(server.folder(), &channel.play_url("flv"), Some(4.0));
    server.until_listed(&channel, 1.0);
    let master = server.get(&format!("/{}/master.m3u8", channel.path)).text();
    for claim in claims {
        assert!(master.contains(claim), "{claim} in {master}");
    }
    capture(server.folder(), &channel.play_url("hls"), 4.0).assert_whole("hls", 4.0);
    flv.finish().assert_whole("flv", 4.0);
    publisher.kill();
    server.until_state(&channel, "ended", ON_AIR);
    e2e::capture::whole(server.folder(), &channel.play_url("dash")).assert_whole("dash", 4.0);
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_eq!(recordings.len(), 1, "{recordings:#?}");
    assert_sound(&server);
    assert_plays(&server, &recordings[0]);
    let mut probed = probed_codecs(&recordings[0].mp4);
    probed.sort_by_key(|name| names.iter().position(|known| known == name));
    assert_eq!(probed, names);
}

#[test]
fn h265_and_aac_come_out_everywhere() {
    carried(&signal::H265_AAC, ["\"hvc1.1.", "mp4a.40.2"], ["hevc", "aac"]);
}

#[test]
fn av1_and_aac_come_out_everywhere() {
    carried(&signal::AV1_AAC, ["\"av01.0.", "mp4a.40.2"], ["av1", "aac"]);
}

#[test]
fn vp9_and_aac_come_out_everywhere() {
    carried(&signal::VP9_AAC, ["\"vp09.00.", "mp4a.40.2"], ["vp9", "aac"]);
}

#[test]
fn av1_and_opus_come_out_everywhere() {
    carried(&signal::AV1_OPUS, ["\"av01.0.", "opus"], ["av1", "opus"]);
}

#[test]
fn h264_and_opus_come_out_everywhere() {
    carried(&signal::H264_OPUS, ["\"avc1.", "opus"], ["h264", "opus"]);
}
