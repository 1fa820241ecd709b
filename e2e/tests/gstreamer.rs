//! GStreamer publishes and plays.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::publish::ON_AIR;
use e2e::recordings::until_ready;
use e2e::server::Options;
use e2e::sight::Sight;
use e2e::{Child, Publisher, Server, capture, poll};
use rustix::process::Signal;

fn gst(arguments: &str) -> Command {
    let mut command = Command::new("gst-launch-1.0");
    command.args(["--eos-on-shutdown", "--quiet"]).args(arguments.split_whitespace());
    command
}

/// Plays into a file until it has enough, and tells what is in it.
#[track_caller]
fn play(server: &Server, pipeline: &str, seconds: f64) -> Sight {
    play_until(server, pipeline, (seconds + 2.0) * 100_000.0)
}

/// Plays until the file has as many bytes.
#[track_caller]
fn play_until(server: &Server, pipeline: &str, enough: f64) -> Sight {
    let file = server.folder().join("gst.mkv");
    let mut child = Child::start(
        "gst-launch-1.0",
        gst(&format!("{pipeline} ! filesink location={}", file.display())),
        &server.folder().join("gst.log"),
    );
    let size = |file: &Path| std::fs::metadata(file).map_or(0, |meta| meta.len()) as f64;
    let came =
        poll::try_until(Duration::from_secs(60), || (size(&file) > enough || child.ended().is_some()).then_some(()));
    assert!(came.is_some() && child.ended().is_none(), "{pipeline}: {} bytes, {}", size(&file), child.last_words());
    // A pipeline on HLS does not heed; what it has written can be read without its end.
    child.signal(Signal::INT);
    let heeded = poll::try_until(Duration::from_secs(3), || child.ended());
    if heeded.is_none() {
        child.kill();
    }
    e2e::capture::whole(server.folder(), &file.display().to_string())
}

/// Plays to the end into a file, and tells what is in it.
#[track_caller]
fn play_to_the_end(server: &Server, pipeline: &str) -> Sight {
    let file = server.folder().join("gst.mkv");
    let command = gst(&format!("{pipeline} ! filesink location={}", file.display()));
    let mut child = Child::start("gst-launch-1.0", command, &server.folder().join("gst.log"));
    let status = child.wait(Duration::from_secs(60));
    assert!(status.success(), "{pipeline}: {}", child.last_words());
    e2e::capture::whole(server.folder(), &file.display().to_string())
}

#[test]
fn gstreamer_publishes_and_ffmpeg_sees_pictures_and_sound() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let pipeline = format!(
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! \
         x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=800 ! h264parse ! mux. \
         audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux. \
         flvmux name=mux streamable=true ! rtmp2sink location={}",
        channel.publish_url()
    );
    let mut sender = Child::start("gst-launch-1.0", gst(&pipeline), &server.folder().join("gst-publisher.log"));
    server.until_state(&channel, "live", ON_AIR);
    server.until_listed(&channel, 1.0);
    for output in ["hls", "flv"] {
        let sight = capture(server.folder(), &channel.play_url(output), 4.0);
        assert!(sight.pictures.len() >= 115, "{output}: {} pictures {}", sight.pictures.len(), sight.complaints);
        assert_eq!(sight.sound.len(), 1, "{output}: {:?}", sight.sound);
        let even = sight.pictures.windows(2).all(|pair| (pair[1].at_ms - pair[0].at_ms - 33.33).abs() < 12.0);
        assert!(even, "{output}: {:?}", sight.pictures.iter().map(|picture| picture.at_ms).collect::<Vec<_>>());
        assert!(sight.beeps_ms.len() >= 3, "{output}: ticks at {:?}", sight.beeps_ms);
    }
    assert!(sender.ended().is_none(), "{}", sender.last_words());
    sender.signal(Signal::INT);
    sender.wait(Duration::from_secs(20));
}

#[test]
fn gstreamer_plays_rtmp() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let pipeline = format!(
        "rtmp2src location={} ! flvdemux name=d d.video ! queue ! h264parse ! mux. d.audio ! queue ! aacparse ! mux. \
         matroskamux name=mux",
        channel.play_url("rtmp")
    );
    play(&server, &pipeline, 6.0).assert_whole("RTMP in GStreamer", 6.0);
}

#[test]
fn gstreamer_plays_http_flv() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let pipeline = format!(
        "souphttpsrc is-live=true location={} ! flvdemux name=d d.video ! queue ! h264parse ! mux. \
         d.audio ! queue ! aacparse ! mux. matroskamux name=mux",
        channel.play_url("flv")
    );
    play(&server, &pipeline, 6.0).assert_whole("HTTP-FLV in GStreamer", 6.0);
}

#[test]
fn gstreamer_plays_hls_in_mpeg_ts() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let pipeline = format!(
        "souphttpsrc location={} ! hlsdemux ! tsdemux name=d d. ! queue ! h264parse ! mux. \
         d. ! queue ! aacparse ! mux. matroskamux name=mux",
        channel.play_url("ts")
    );
    play(&server, &pipeline, 6.0).assert_whole("TS-HLS in GStreamer", 6.0);
}

/// GStreamer's own adaptive player, its pictures coded again and its sound as it is.
fn adaptive(url: &str) -> String {
    format!(
        "uridecodebin3 uri={url} name=d d. ! video/x-raw ! queue ! videoconvert ! \
         x264enc tune=zerolatency speed-preset=ultrafast bitrate=1000 ! h264parse ! mux. \
         d. ! audio/x-raw ! queue ! audioconvert ! audio/x-raw,format=S16LE ! mux. matroskamux name=mux"
    )
}

#[test]
fn gstreamer_plays_low_latency_hls() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    server.until_listed(&channel, 1.0);
    // Sound of 192 kB and pictures of at most 125 kB a second.
    let sight = play_until(&server, &adaptive(&channel.play_url("hls")), 8.0 * 317_000.0);
    sight.assert_whole("LL-HLS in GStreamer", 6.0);
}

#[test]
fn gstreamer_plays_a_recording_over_hls_and_dash() {
    let server = Server::start_with(Options { config: "reconnect_window_s = 1\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    server.until_listed(&channel, 8.0);
    publisher.kill();
    server.until_state(&channel, "ended", ON_AIR);
    let recordings = until_ready(&server, Duration::from_secs(20));
    let playlist = &recordings[0].playlist;
    for (what, url) in [("HLS", playlist.clone()), ("DASH", playlist.replace("master.m3u8", "manifest.mpd"))] {
        play_to_the_end(&server, &adaptive(&url)).assert_whole(&format!("a recording over {what} in GStreamer"), 6.0);
    }
}
