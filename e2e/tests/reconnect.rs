//! A stream outlives its publisher's socket: same stream, same recording, and no viewer is disconnected.

use std::time::{Duration, Instant};

use e2e::flv_viewer::{FlvViewer, Via};
use e2e::playlist::Playlist;
use e2e::publish::ON_AIR;
use e2e::recordings::{assert_sound, list, until_ready};
use e2e::server::Options;
use e2e::{Channel, Publisher, Server, poll, signal};

fn video(server: &Server, channel: &Channel) -> Playlist {
    let response = server.get(&format!("/{}/video.m3u8", channel.path));
    assert_eq!(response.status, 200, "{}", response.text());
    Playlist::parse(&response.text()).expect("a right playlist")
}

fn viewer(server: &Server, channel: &Channel, via: Via) -> FlvViewer {
    FlvViewer::join(server.address("http"), &format!("/{}.flv", channel.path), via, server.folder()).expect("accepted")
}

#[track_caller]
fn outage_of(seconds: u64) {
    let server = Server::start();
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    let viewers = [viewer(&server, &channel, Via::Http), viewer(&server, &channel, Via::WebSocket)];
    poll::until_true("pictures for all", Duration::from_secs(20), || {
        viewers.iter().all(|viewer| viewer.pictures() > 60)
    });
    let before = server.state(&channel);
    let position = video(&server, &channel).next();
    publisher.kill();
    server.until_state(&channel, "stalled", Duration::from_secs(5));
    let stalled = Instant::now();
    let last_before = video(&server, &channel);
    poll::let_pass(Duration::from_secs(seconds).saturating_sub(stalled.elapsed()));
    let kept: Vec<usize> = viewers.iter().map(FlvViewer::pictures).collect();
    let _publisher = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::ORDINARY);
    let after = server.until_state(&channel, "live", ON_AIR);
    assert_eq!(before["stream"], after["stream"], "the same stream goes on");
    poll::until_true("pictures for all again", Duration::from_secs(20), || {
        viewers.iter().zip(&kept).all(|(viewer, kept)| viewer.pictures() > kept + 90)
    });
    let now = video(&server, &channel);
    assert!(now.next() > position, "{:?} after {position:?}", now.next());
    // Numbers go on one by one over the outage, and nothing says discontinuity.
    assert!(now.media_sequence <= last_before.next().0, "{now:?}");
    for pair in now.segments.windows(2) {
        assert_eq!((pair[0].msn + 1, pair[0].discontinuity_sequence), (pair[1].msn, pair[1].discontinuity_sequence));
    }
    for viewer in viewers {
        assert!(viewer.seen().ended.is_none(), "a viewer was cut off: {:?}", viewer.seen().ended);
        let file = viewer.leave();
        let sight = e2e::capture::whole(server.folder(), &file.display().to_string());
        let faults = sight.picture_faults();
        // The clip starts over: one jump in its numbers, none in time.
        assert_eq!(faults.len(), 1, "{faults:#?}");
        sight.assert_in_sync("over the outage");
        let steps = sight.pictures.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms);
        let longest = steps.fold(0.0, f64::max);
        assert!(longest < 120.0, "the outage of {seconds} s is {longest:.0} ms long on the timeline");
    }
    assert_eq!(list(&server).len(), 1, "one recording");
}

#[test]
fn an_outage_of_a_second_is_no_more_than_a_pause() {
    outage_of(1);
}

#[test]
fn an_outage_of_ten_seconds_is_no_more_than_a_pause() {
    outage_of(10);
}

#[test]
fn an_outage_of_fifty_seconds_is_no_more_than_a_pause() {
    outage_of(50);
}

#[test]
fn a_second_publisher_takes_over_and_the_first_is_closed() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let mut first = Publisher::ordinary(&server, &channel);
    let viewer = viewer(&server, &channel, Via::Http);
    poll::until_true("pictures", Duration::from_secs(20), || viewer.pictures() > 60);
    let before = server.state(&channel);
    let mut second = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::ORDINARY);
    let status = first.child.wait(Duration::from_secs(20));
    assert!(!status.success(), "the first publisher is told that it is over");
    let taken = Instant::now();
    let kept = viewer.pictures();
    poll::until_true("pictures of the second", Duration::from_secs(20), || viewer.pictures() > kept + 90);
    assert!(viewer.longest_wait(taken) < Duration::from_millis(2_500), "{:?}", viewer.longest_wait(taken));
    assert!(second.child.ended().is_none(), "the second goes on: {}", second.child.last_words());
    assert_eq!(server.state(&channel)["stream"], before["stream"]);
    let file = viewer.leave();
    let sight = e2e::capture::whole(server.folder(), &file.display().to_string());
    assert_eq!(sight.picture_faults().len(), 1, "one cut, nothing of both: {:#?}", sight.picture_faults());
    sight.assert_in_sync("over the take-over");
}

#[test]
fn another_resolution_mid_stream_is_a_discontinuity_that_plays() {
    // Made before the clock of the reconnect window runs.
    let _ = signal::clip(&signal::SMALL);
    let server = Server::start_with(Options { config: "reconnect_window_s = 5\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let first = Publisher::ordinary(&server, &channel);
    poll::until_true("two segments", Duration::from_secs(20), || video(&server, &channel).segments.len() > 2);
    let viewer = viewer(&server, &channel, Via::Http);
    poll::until_true("pictures", Duration::from_secs(20), || viewer.pictures() > 30);
    let stream = server.state(&channel)["stream"].clone();
    first.kill();
    let second = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::SMALL);
    poll::until_true("the small picture", Duration::from_secs(20), || {
        server.state(&channel)["tracks"].to_string().contains("\"width\":320")
    });
    assert_eq!(server.state(&channel)["stream"], stream, "the same stream goes on");
    let playlist = poll::until("a segment of the small picture", Duration::from_secs(20), || {
        Some(video(&server, &channel)).filter(|now| {
            now.segments
                .iter()
                .rfind(|segment| segment.complete.is_some())
                .is_some_and(|last| last.discontinuity_sequence > now.segments[0].discontinuity_sequence)
        })
    });
    let maps: std::collections::BTreeSet<_> =
        playlist.segments.iter().filter_map(|segment| segment.map.clone()).collect();
    assert_eq!(maps.len(), 2, "an EXT-X-MAP for each configuration: {maps:?}");
    let kept = viewer.pictures();
    poll::until_true("more pictures", Duration::from_secs(20), || viewer.pictures() > kept + 60);
    assert!(viewer.seen().ended.is_none(), "a viewer was cut off");
    let file = viewer.leave();
    let sight = e2e::capture::whole(server.folder(), &file.display().to_string());
    assert_eq!(sight.picture_faults().len(), 1, "{:#?}", sight.picture_faults());
    second.kill();
    server.until_state(&channel, "ended", Duration::from_secs(10));
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_eq!(recordings.len(), 1, "one recording");
    assert_sound(&server);
    let sight = e2e::capture::whole(server.folder(), &recordings[0].mp4);
    let off = sight.picture_ms() / 1_000.0 - recordings[0].seconds;
    assert!(off.abs() < 0.2, "the MP4 shows {:.0} ms of {} s", sight.picture_ms(), recordings[0].seconds);
    assert_eq!(sight.picture_faults().len(), 1, "{:#?}", sight.picture_faults());
    each_configuration_decodes(&server, &channel, &recordings[0].id);
}

/// ffmpeg 5.1 takes no second EXT-X-MAP, so each of them is played with its own segments.
#[track_caller]
fn each_configuration_decodes(server: &Server, channel: &Channel, id: &str) {
    let folder = format!("/{}/{id}/", channel.path);
    let playlist = Playlist::parse(&server.get(&format!("{folder}video.m3u8")).text()).expect("a right playlist");
    let mut files: std::collections::BTreeMap<String, Vec<u8>> = std::collections::BTreeMap::new();
    for segment in playlist.segments {
        let (map, (_, uri)) = (segment.map.expect("a map"), segment.complete.expect("complete"));
        let init = || server.get(&format!("{folder}{map}")).body;
        files.entry(map.clone()).or_insert_with(init).extend(server.get(&format!("{folder}{uri}")).body);
    }
    assert_eq!(files.len(), 2, "{:?}", files.keys());
    for (at, bytes) in files.into_values().enumerate() {
        let file = server.folder().join(format!("configuration-{at}.mp4"));
        std::fs::write(&file, bytes).expect("written");
        let output = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&file)
            .args(["-f", "null", "-"])
            .output()
            .expect("ffmpeg runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "configuration {at}: {said}");
    }
}
