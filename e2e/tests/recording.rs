//! What was recorded is there after a kill, after a full disk, and at once after the end.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::flv_viewer::{FlvViewer, Via};
use e2e::playlist::Playlist;
use e2e::publish::ON_AIR;
use e2e::recordings::{assert_plays, assert_sound, list, until_ready};
use e2e::server::Options;
use e2e::{Channel, Publisher, Server, capture, http, metrics, poll, signal};
use testkit::Random;

/// A kill may cost what the journal's thread had not reached, and one part: 200 ms each, and a part's slack.
const LOSS_MAX_S: f64 = 0.2 + 0.22;
const KILLS: u64 = 10;
/// Id of a channel that is no more.
const NO_MORE: &str = "01234567-89ab-4cde-8f01-23456789abcd";

/// What live viewers were shown of the stream, in seconds; `None` before the first part.
fn shown_seconds(server: &Server, channel: &Channel) -> Option<f64> {
    let response = server.get(&format!("/{}/video.m3u8", channel.path));
    let playlist = (response.status == 200).then(|| Playlist::parse(&response.text()).expect("a right playlist"))?;
    Some(playlist.duration_us() as f64 / 1_000_000.0)
}

/// Kills the server again and again while it records, at moments that `seed` chooses.
fn survives_kills(seed: u64) {
    let mut random = Random::new(seed);
    let mut server = Server::start();
    let channel = server.channel("kelas", &[]);
    let mut shown = Vec::new();
    for _ in 0..KILLS {
        let publisher = Publisher::ffmpeg(&server, &server.publish_url(&channel), &signal::ORDINARY);
        server.until_state(&channel, "live", ON_AIR);
        let wanted = 0.3 + random.below(3_000) as f64 / 1_000.0;
        let seen = poll::until("enough is on air", Duration::from_secs(30), || {
            shown_seconds(&server, &channel).filter(|seen| *seen >= wanted)
        });
        server.kill();
        publisher.kill();
        shown.push(seen);
        let restart = Instant::now();
        server.start_again();
        assert!(restart.elapsed() < Duration::from_secs(6), "the start after a kill took {:?}", restart.elapsed());
        let recordings = list(&server);
        assert_eq!(recordings.len(), shown.len(), "seed {seed}: one recording for each kill: {recordings:#?}");
        let last = recordings.last().expect("one at least");
        assert_ne!(last.state, "recording", "seed {seed}: nothing is recorded now");
        assert!(
            last.seconds >= seen - LOSS_MAX_S,
            "seed {seed}: {seen:.3} s were shown, {:.3} s are kept",
            last.seconds
        );
    }
    assert_sound(&server);
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_eq!(recordings.len(), shown.len());
    for (recording, seen) in recordings.iter().zip(&shown) {
        assert!(recording.seconds >= seen - LOSS_MAX_S, "{recording:?}: {seen} s were shown");
        assert_plays(&server, recording);
    }
    assert_sound(&server);
    let journals = std::fs::read_dir(server.data_dir().join("journal")).expect("the journal's folder").flatten();
    let left: Vec<_> = journals
        .filter(|entry| entry.path().is_dir() && entry.path().read_dir().is_ok_and(|mut dir| dir.next().is_some()))
        .collect();
    assert!(left.is_empty(), "journals of recordings that are ready: {left:?}");
}

#[test]
fn ten_kills_lose_no_recording_and_at_most_a_part() {
    survives_kills(1);
}

#[test]
fn ten_more_kills_lose_no_recording_and_at_most_a_part() {
    survives_kills(2);
}

#[test]
fn a_recording_plays_while_it_grows_and_at_once_after_the_end() {
    let server = Server::start_with(Options { config: "reconnect_window_s = 1\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    let growing = poll::until("a recording that grows", Duration::from_secs(30), || {
        list(&server).into_iter().next().filter(|recording| recording.seconds >= 4.0)
    });
    assert_eq!(growing.state, "recording");
    let sight = capture(server.folder(), &growing.playlist, 2.0);
    sight.assert_pictures("the playlist while it grows", 2.0);
    assert_eq!(http::get(server.address("http"), &path_of(&growing.mp4)).expect("an answer").status, 409, "no MP4 yet");
    publisher.kill();
    server.until_state(&channel, "ended", Duration::from_secs(10));
    let ended = Instant::now();
    let playlist = e2e::capture::whole(server.folder(), &growing.playlist);
    playlist.assert_pictures("the playlist right after the end", 4.0);
    let recordings =
        until_ready(&server, Duration::from_secs(5).saturating_sub(ended.elapsed()).max(Duration::from_secs(2)));
    assert_eq!(recordings.len(), 1);
    assert_plays(&server, &recordings[0]);
    assert_sound(&server);
    let file = server.folder().join("export.mp4");
    server.cli_json(&["recording", "export", &growing.id, "--to", &file.display().to_string(), "--json"]);
    let sight = e2e::capture::whole(server.folder(), &file.display().to_string());
    sight.assert_whole("the exported MP4", recordings[0].seconds - 0.15);
    let bytes = std::fs::read(&file).expect("exported");
    let moov = bytes.windows(4).position(|kind| kind == b"moov");
    let mdat = bytes.windows(4).position(|kind| kind == b"mdat");
    assert!(moov < mdat && moov.is_some(), "moov at {moov:?}, mdat at {mdat:?}");
}

/// The path of an address.
fn path_of(url: &str) -> String {
    let rest = url.trim_start_matches("http://");
    rest.get(rest.find('/').unwrap_or(0)..).unwrap_or_default().to_owned()
}

/// A file system of its own, small enough to fill.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    #[track_caller]
    fn mount(at: &std::path::Path) -> Self {
        std::fs::create_dir_all(at).expect("a folder to mount on");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at).status();
        assert!(mounted.is_ok_and(|status| status.success()), "a tmpfs cannot be mounted: this scenario needs root");
        Self(at.to_path_buf())
    }

    /// Takes all but `left` bytes.
    fn fill(&self, left: u64) {
        let stat = rustix::fs::statvfs(&self.0).expect("mounted");
        let free = stat.f_bavail * stat.f_frsize;
        let filler = vec![7_u8; usize::try_from(free.saturating_sub(left)).expect("it is small")];
        std::fs::write(self.0.join("filler"), filler).expect("there was room");
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("it was there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_recording_with_an_alarm_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = SmallDisk::mount(&folder.path().join("disk"));
    let config = format!(
        "reconnect_window_s = 1\n[recording]\njournal_dir = '{0}/journal'\nobjects = '{0}/objects'\ndisk_reserve_bytes = 2000000\n",
        disk.0.display()
    );
    let server = Server::start_with(Options { config, ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    let path = format!("/{}.flv", channel.path);
    let viewer = FlvViewer::join(server.address("http"), &path, Via::Http, server.folder()).expect("accepted");
    poll::until_true("three seconds are kept", Duration::from_secs(30), || {
        list(&server).first().is_some_and(|recording| recording.seconds > 3.0)
    });
    let stalled = || metrics::sum(&server.get("/metrics").text(), "tayang_recording_stalled", "");
    assert_eq!((stalled(), server.get_json("/healthz")["status"].as_str()), (0.0, Some("ok")));
    let from = Instant::now();
    disk.fill(2_200_000);
    poll::until_true("the alarm", Duration::from_secs(5) + filling(200_000), || {
        stalled() > 0.0 && server.get_json("/healthz")["status"] == "degraded"
    });
    let kept = list(&server)[0].seconds;
    // Live goes on: as long again as it took, and no viewer notices.
    let on = viewer.pictures();
    poll::until_true("five more seconds of pictures", Duration::from_secs(20), || viewer.pictures() > on + 150);
    assert!(list(&server)[0].seconds < kept + 0.5, "nothing is kept meanwhile");
    disk.free();
    poll::until_true("recording again within 10 s", Duration::from_secs(10), || {
        stalled() == 0.0 && list(&server)[0].seconds > kept + 0.5
    });
    assert!(
        viewer.longest_wait(from) < Duration::from_millis(1_500),
        "a viewer waited {:?}",
        viewer.longest_wait(from)
    );
    assert_eq!(server.get_json("/healthz")["status"], "ok");
    let log = server.log();
    assert!(log.lines().any(|line| line.contains("ERROR")), "the alarm is in the log");
    poll::until_true("five seconds after the hole are kept", Duration::from_secs(20), || {
        list(&server)[0].seconds > kept + 5.0
    });
    let file = viewer.leave();
    let sight = e2e::capture::whole(server.folder(), &file.display().to_string());
    sight.assert_whole("what the live viewer saw", 10.0);
    publisher.kill();
    server.until_state(&channel, "ended", Duration::from_secs(10));
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_eq!(recordings.len(), 1, "one recording, with a hole in it");
    assert_sound(&server);
    let playlist = path_of(&recordings[0].playlist).replace("master", "video");
    let playlist = Playlist::parse(&server.get(&playlist).text()).expect("a right playlist");
    let gaps: Vec<bool> = playlist.segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(gaps.windows(2).filter(|pair| !pair[0] && pair[1]).count(), 1, "one hole: {gaps:?}");
    let discontinuities = |at: usize| playlist.segments[at].discontinuity_sequence;
    assert_eq!(discontinuities(gaps.len() - 1) - discontinuities(0), 1, "and a discontinuity after it");
    // Players of the playlist may still get the hole from the live window: the MP4 has only what was kept.
    let sight = e2e::capture::whole(server.folder(), &recordings[0].mp4);
    let jumps: Vec<_> = sight.pictures.windows(2).filter(|pair| pair[1].number != pair[0].number + 1).collect();
    assert_eq!(jumps.len(), 1, "one hole and nothing else: {jumps:?}");
    let shown = sight.pictures.len() as f64 / 30.0;
    assert!((shown - recordings[0].seconds).abs() < 0.15, "{shown} s of {:?}", recordings[0]);
}

/// How long the signal takes to write so many bytes, beyond what ends the room.
fn filling(bytes: u64) -> Duration {
    // 800 kbit/s of video and 96 kbit/s of audio.
    Duration::from_millis(bytes * 8 / 800)
}

#[test]
fn a_stream_after_a_kill_begins_above_all_before_it_whatever_the_clock_says() {
    let mut server = Server::start();
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    let id = |server: &Server| -> u64 {
        let state = server.state(&channel);
        state["stream"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("a stream in {state}"))
    };
    let first = id(&server);
    server.kill();
    publisher.kill();
    // What a stream leaves that began when the clock was an hour ahead, and was killed with its first record.
    let ahead = first + 3_600_000;
    let journal = server.data_dir().join("journal").join(NO_MORE).join(ahead.to_string());
    std::fs::create_dir_all(&journal).expect("made");
    server.start_again();
    let _publisher = Publisher::ordinary(&server, &channel);
    assert!(id(&server) > ahead, "{} is not above {ahead}", id(&server));
    let playlist = Playlist::parse(&server.get("/live/kelas/video.m3u8").text()).expect("a right playlist");
    assert!(playlist.next().0 >= ahead / 1_000, "{}", playlist.next().0);
}
