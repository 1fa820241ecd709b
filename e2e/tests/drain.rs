//! SIGTERM: publishers are told, recordings are sealed, and the program ends in time with exit code 0.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::publish::log;
use e2e::recordings::{assert_plays, assert_sound, list, until_ready};
use e2e::sender::Sender;
use e2e::server::Options;
use e2e::{Child, Publisher, Server, http, poll};
use rtmp::ClientEvent;
use rustix::process::Signal;
use testkit::{EncoderConfig, VideoSpec};

#[test]
fn a_server_that_is_told_to_stop_seals_and_ends_in_time() {
    let mut server = Server::start();
    let channel = server.channel("kelas", &[]);
    let mut publisher = Publisher::ordinary(&server, &channel);
    poll::until_true("four seconds are kept", Duration::from_secs(30), || {
        list(&server).first().is_some_and(|recording| recording.seconds > 4.0)
    });
    let start = Instant::now();
    // drain_timeout_s is 10.
    let status = server.terminate(Duration::from_secs(11));
    assert_eq!(status.code(), Some(0), "after {:?}", start.elapsed());
    publisher.child.wait(Duration::from_secs(5));
    let recordings = list(&server);
    assert_eq!(recordings.len(), 1);
    assert!(["sealed", "ready"].contains(&recordings[0].state.as_str()), "{recordings:?}");
    assert!(!server.data_dir().join("server.json").exists(), "nothing says that it runs");
    assert_sound(&server);
    server.start_again();
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_plays(&server, &recordings[0]);
}

#[test]
fn a_publisher_that_understands_is_asked_to_connect_again() {
    let mut server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let mut sender = Sender::start(server.address("rtmp"), "live", &channel.key, EncoderConfig::default());
    let live = sender.run_until(Duration::from_secs(20), |_| (server.state(&channel)["state"] == "live").then_some(()));
    assert!(live.is_some(), "it is live");
    server.child().signal(Signal::TERM);
    let asked = sender.run_until(Duration::from_secs(10), |sender| {
        sender.events().iter().any(|event| matches!(event, ClientEvent::Reconnect { .. })).then_some(())
    });
    assert!(asked.is_some(), "no ReconnectRequest: {:?}", sender.events());
    assert_eq!(server.child().wait(Duration::from_secs(11)).code(), Some(0));
}

#[test]
fn a_response_under_way_is_finished_before_the_server_ends() {
    let mut server =
        Server::start_with(Options { config: "reconnect_window_s = 0\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    // 20 MB: more than the kernel holds for a client that does not read.
    let video = VideoSpec { frame_bytes: 100_000, ..VideoSpec::default() };
    let config = EncoderConfig { video: Some(video), ..EncoderConfig::default() };
    let mut sender = Sender::start(server.address("rtmp"), "live", &channel.key, config);
    assert!(sender.push_until(7_000));
    drop(sender);
    let recording = until_ready(&server, Duration::from_secs(30)).remove(0);
    let path = recording.mp4.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    let path = path.expect("an address with a path");
    let (head, mut body) = http::open(server.address("http"), "GET", &path, &[]).expect("an answer");
    let length: u64 = head.header("content-length").and_then(|text| text.parse().ok()).expect("a length");
    assert!(length > 15_000_000, "{length} bytes");
    server.child().signal(Signal::TERM);
    // Longer than everything else takes that is done before the end.
    poll::let_pass(Duration::from_secs(4));
    let got = std::io::copy(&mut body, &mut std::io::sink()).expect("the whole answer");
    assert_eq!(got, length);
    assert_eq!(server.child().wait(Duration::from_secs(11)).code(), Some(0));
}

/// Takes leases on files and never gives them back: whoever opens one of them waits for 45 s (fcntl(2), `F_SETLEASE`), as
/// for a disk that hangs. Says `asked` when somebody does.
const HANGING_FILES: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: print('asked', flush=True))
for path in sys.argv[1:]:
    fcntl.fcntl(os.open(path, os.O_RDWR | os.O_CREAT), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
while True:
    signal.pause()
";

/// Segments in the journals: folder, track and number of each.
fn segments(journals: &Path) -> Vec<(PathBuf, String, u64)> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = entries(journals).flat_map(|channel| entries(&channel)).flat_map(|stream| entries(&stream));
    let parsed = files.filter_map(|file| {
        let (track, number) = file.file_name()?.to_str()?.strip_suffix(".m4s")?.split_once('-')?;
        Some((file.parent()?.to_owned(), track.to_owned(), number.parse().ok()?))
    });
    parsed.collect()
}

#[test]
fn a_disk_that_hangs_does_not_hold_up_the_end() {
    let mut server = Server::start_with(Options { config: "drain_timeout_s = 3\n".to_owned(), ..Options::default() });
    let channel = server.channel("kelas", &[]);
    let _publisher = Publisher::ordinary(&server, &channel);
    poll::until_true("two seconds are kept", Duration::from_secs(30), || {
        list(&server).first().is_some_and(|recording| recording.seconds > 2.0)
    });
    // Between two segments there may be none for a moment: what is stored has gone.
    let (folder, track, number) = poll::until("a segment", Duration::from_secs(10), || {
        segments(&server.data_dir().join("journal")).into_iter().max_by_key(|(.., number)| *number)
    });
    let mut command = Command::new("python3");
    command.args(["-c", HANGING_FILES]);
    command.args((number + 2..number + 5).map(|number| folder.join(format!("{track}-{number}.m4s"))));
    let disk = Child::start("python3, holding files", command, &log(server.folder(), "disk"));
    poll::until_true("recording waits for the disk", Duration::from_secs(60), || disk.said().contains("asked"));
    // A second for what is beyond `drain_timeout_s`, and the rest for a loaded machine.
    assert_eq!(server.terminate(Duration::from_secs(3 + 1 + 5)).code(), Some(0));
    assert!(server.log().contains("a disk does not answer"), "says what was cut short");
    drop(disk);
    server.start_again();
    until_ready(&server, Duration::from_secs(30));
    assert_sound(&server);
}
