//! Every codec that Enhanced RTMP brings, from a real encoder to real players: live, over HTTP-FLV and in the recording.

use std::process::Command;
use std::time::Duration;

use e2e::capture::Player;
use e2e::flv_viewer::{FlvViewer, Via};
use e2e::publish::ON_AIR;
use e2e::recordings::{assert_plays, assert_sound, until_ready};
use e2e::server::Options;
use e2e::sight::Sight;
use e2e::signal::{self, Form};
use e2e::{Channel, Child, Publisher, Server, capture, poll};

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

#[test]
fn h264_and_flac_come_out_everywhere() {
    carried(&signal::H264_FLAC, ["\"avc1.", "flac"], ["h264", "flac"]);
}

/// Hertz of a tone's first second, by its middle half: a decoder that joins needs a frame or two.
#[track_caller]
fn hertz(url: &str, audio: u32) -> u32 {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i", url, "-map", &format!("0:a:{audio}")])
        .args(["-t", "1", "-ac", "1", "-f", "s16le", "-"])
        .output()
        .expect("ffmpeg runs");
    let samples: Vec<i16> = output.stdout.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
    assert_eq!(samples.len(), 48_000, "{url}: {}", String::from_utf8_lossy(&output.stderr));
    samples[12_000..36_000].windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count() as u32 * 2
}

#[test]
fn a_second_sound_track_is_a_rendition_of_its_own_and_in_the_recording() {
    let server = Server::start_with(Options { config: "reconnect_window_s = 1\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let mut command = Command::new(e2e::newer_ffmpeg::program());
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i"]);
    command.arg(signal::picture(&signal::SMALL, 60));
    for tone in [440, 880] {
        command.args(["-f", "lavfi", "-i", &format!("sine=frequency={tone}:sample_rate=48000")]);
    }
    command.args(["-map", "0", "-map", "1", "-map", "2", "-pix_fmt", "yuv420p"]).args(signal::SMALL.video);
    command.args(["-g", "30", "-c:a", "aac", "-f", "flv", &channel.publish_url()]);
    let mut encoder = Child::start("ffmpeg, two tones", command, &server.folder().join("encoder.log"));
    server.until_listed(&channel, 3.0);
    let master = server.get(&format!("/{}/master.m3u8", channel.path)).text();
    assert_eq!(master.matches("TYPE=AUDIO").count(), 2, "{master}");
    let heard = |name: &str, audio| hertz(&server.http_url(&format!("/{}/{name}", channel.path)), audio);
    for (list, tone) in [("audio.m3u8", 440), ("audio1.m3u8", 880)] {
        assert!(heard(list, 0).abs_diff(tone) <= 3, "{list}: {} Hz", heard(list, 0));
    }
    encoder.kill();
    server.until_state(&channel, "ended", ON_AIR);
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_sound(&server);
    assert_eq!(probed_codecs(&recordings[0].mp4), ["h264", "aac", "aac"]);
    for (audio, tone) in [(0, 440), (1, 880)] {
        assert!(hertz(&recordings[0].mp4, audio).abs_diff(tone) <= 3, "sound {audio} of the MP4");
    }
}

#[test]
fn pictures_without_sound_come_out_everywhere() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::enhanced(&server, &channel, &signal::SILENT);
    server.until_listed(&channel, 1.0);
    let master = server.get(&format!("/{}/master.m3u8", channel.path)).text();
    assert!(!master.contains("AUDIO") && !master.contains("mp4a"), "no sound is promised: {master}");
    assert_eq!(flags(&server, &channel), 0b001, "the FLV header promises pictures alone");
    let player = Player { sound: false, ..Player::ordinary() };
    for output in OUTPUTS {
        let sight = player.start(server.folder(), &channel.play_url(output), Some(3.0)).finish();
        sight.assert_pictures(output, 3.0);
    }
}

#[test]
fn sound_without_pictures_comes_out_everywhere() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::enhanced(&server, &channel, &signal::UNSEEN);
    poll::until_true("a whole segment", Duration::from_secs(20), || {
        let playlist = server.get(&format!("/{}/audio.m3u8", channel.path));
        playlist.status == 200 && playlist.text().contains("#EXTINF")
    });
    let master = server.get(&format!("/{}/master.m3u8", channel.path)).text();
    assert!(master.contains("mp4a.40.2") && !master.contains("avc1"), "no picture is promised: {master}");
    assert_eq!(flags(&server, &channel), 0b100, "the FLV header promises sound alone");
    let player = Player { picture: false, ..Player::ordinary() };
    for output in OUTPUTS {
        let sight = player.start(server.folder(), &channel.play_url(output), Some(3.0)).finish();
        assert_beeps(output, &sight, 3.0);
    }
}

#[test]
fn mp3_is_heard_over_flv_and_rtmp_and_the_others_show_the_pictures() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::enhanced(&server, &channel, &signal::H264_MP3);
    server.until_listed(&channel, 1.0);
    for output in ["flv", "rtmp"] {
        capture(server.folder(), &channel.play_url(output), 3.0).assert_whole(output, 3.0);
    }
    let player = Player { sound: false, ..Player::ordinary() };
    for output in ["hls", "dash"] {
        let sight = player.start(server.folder(), &channel.play_url(output), Some(3.0)).finish();
        sight.assert_pictures(output, 3.0);
    }
}

#[test]
fn another_codec_and_another_sample_rate_mid_stream_are_discontinuities_of_one_recording() {
    for form in [&signal::H265_AAC, &signal::AT_44100, &signal::WITH_B_FRAMES] {
        let _ = signal::clip(form);
    }
    let server = Server::start_with(Options { config: "reconnect_window_s = 5\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let mut stream = None;
    for (form, shown) in [
        (&signal::SMALL, "avc1."),
        (&signal::H265_AAC, "hvc1."),
        (&signal::AT_44100, "44100"),
        // Its slices cannot be read with the parameter sets of the one before.
        (&signal::WITH_B_FRAMES, "avc1.64"),
    ] {
        let publisher = Publisher::enhanced(&server, &channel, form);
        let state = poll::until("the new configuration", Duration::from_secs(20), || {
            Some(server.state(&channel)).filter(|state| state["tracks"].to_string().contains(shown))
        });
        assert_eq!(*stream.get_or_insert_with(|| state["stream"].clone()), state["stream"], "one stream goes on");
        let before = whole_segments(&server, &channel);
        poll::until_true("two more segments", Duration::from_secs(20), || {
            whole_segments(&server, &channel) >= before + 2
        });
        publisher.kill();
    }
    let playlist = server.get(&format!("/{}/video.m3u8", channel.path)).text();
    assert_eq!(playlist.matches("#EXT-X-MAP").count(), 4, "an initialisation for each: {playlist}");
    assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 3, "{playlist}");
    server.until_state(&channel, "ended", Duration::from_secs(15));
    assert_eq!(until_ready(&server, Duration::from_secs(20)).len(), 1, "one recording");
    assert_sound(&server);
}

#[test]
fn sound_that_is_lost_for_seconds_costs_no_picture_and_comes_back_in_sync() {
    let _ = signal::clip(&signal::SOUND_LOST);
    let server = Server::start_with(Options { config: "reconnect_window_s = 1\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::SOUND_LOST);
    server.until_state(&channel, "live", ON_AIR);
    let flv = Player::ordinary().start(server.folder(), &channel.play_url("flv"), Some(11.0));
    server.until_listed(&channel, 12.0);
    let check = |what: &str, sight: &Sight| {
        sight.assert_pictures(what, 10.0);
        let hole = sight.sound.windows(2).map(|pair| pair[1].from_ms - pair[0].to_ms).fold(0.0, f64::max);
        assert!((hole - 4_000.0).abs() < 200.0, "{what}: {hole:.0} ms without sound: {:?}", sight.sound);
        sight.assert_in_sync(what);
    };
    check("flv", &flv.finish());
    publisher.kill();
    server.until_state(&channel, "ended", ON_AIR);
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_sound(&server);
    for url in [&recordings[0].playlist, &recordings[0].mp4] {
        check(url, &e2e::capture::whole(server.folder(), url));
    }
}

/// What ffmpeg 5.1 plays of a stream with one track.
const OUTPUTS: [&str; 5] = ["hls", "dash", "ts", "flv", "rtmp"];

#[track_caller]
fn whole_segments(server: &Server, channel: &Channel) -> usize {
    server.get(&format!("/{}/video.m3u8", channel.path)).text().matches("#EXTINF").count()
}

/// Type flags of the FLV header: 4 for sound, 1 for pictures.
#[track_caller]
fn flags(server: &Server, channel: &Channel) -> u8 {
    let viewer = FlvViewer::join(server.address("http"), &format!("/{}.flv", channel.path), Via::Http, server.folder());
    let viewer = viewer.expect("accepted");
    poll::until_true("media", Duration::from_secs(20), || viewer.seen().arrivals.len() > 20);
    let file = std::fs::read(viewer.leave()).expect("what was received");
    file[4]
}

/// A beep each second, and no hole.
#[track_caller]
fn assert_beeps(what: &str, sight: &Sight, seconds: f64) {
    assert!(sight.sound_ms() >= seconds * 1_000.0 - 300.0, "{what}: {:.0} ms {}", sight.sound_ms(), sight.complaints);
    assert_eq!(sight.sound.len(), 1, "{what}: holes in the sound: {:?}", sight.sound);
    assert!(sight.beeps_ms.len() >= seconds as usize - 1, "{what}: beeps at {:?}", sight.beeps_ms);
    for pair in sight.beeps_ms.windows(2) {
        assert!((pair[1] - pair[0] - 1_000.0).abs() < 5.0, "{what}: beeps at {:?}", sight.beeps_ms);
    }
}
