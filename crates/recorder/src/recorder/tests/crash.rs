//! A child process that records and is killed with -9, again and again, on a real disk.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use object_store::local::LocalFileSystem;

use super::*;

/// Names the data folder for the child.
const DIR: &str = "TAYANG_TEST_CRASH_DIR";
/// Which stream the child records; none: it only recovers.
const STREAM: &str = "TAYANG_TEST_CRASH_STREAM";
const KILLS: u64 = 20;

fn house(dir: &Path) -> (RecorderConfig, Arc<dyn ObjectStore>) {
    let objects = dir.join("objects");
    std::fs::create_dir_all(&objects).expect("created");
    let mut config = RecorderConfig::new(dir.join("journal"));
    config.objects_dir = Some(objects.clone());
    config.flush_interval_ms = 50;
    (config, Arc::new(LocalFileSystem::new_with_prefix(objects).expect("folder")))
}

fn key_of(stream: u64) -> RecordingKey {
    RecordingKey { channel: key().channel, stream: StreamId(stream) }
}

/// Not a test of its own: what the child of the test below runs. Without its variable it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_records_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (config, objects) = house(Path::new(&dir));
    let recorder = Recorder::open(config, objects, Arc::<MemoryRows>::default()).await.expect("opens");
    say("open");
    let Some(stream) = std::env::var(STREAM).ok().and_then(|text| text.parse().ok()) else {
        recorder.settle(LIMIT).await;
        return;
    };
    let mut recording = recorder.begin(StreamId(stream), &fixtures::channel(), fixtures::WALL);
    let mut pushed = 0;
    for output in outputs(0..PARTS * 40) {
        recording.push(&output);
        let packager::Output::Part(part) = output else { continue };
        pushed += part.bytes.len() as u64;
        let kept = async || {
            let rows = recorder.list(None).await.expect("rows");
            rows.iter().any(|row| row.id == StreamId(stream) && row.bytes == pushed)
        };
        until("the part is kept", kept).await;
        say(&format!("kept {pushed}"));
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.expect("the parent listens");
}

fn child(dir: &Path, stream: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "recorder::tests::crash::child_records_until_it_is_killed", "--nocapture"]);
    command.env(DIR, dir).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(stream) = stream {
        command.env(STREAM, stream.to_string());
    }
    command.spawn().expect("starts")
}

/// Reads the child's lines until `lines` of them tell of parts, kills it, and returns the bytes it had told last.
fn kill_after(mut child: Child, lines: u64) -> u64 {
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let (mut seen, mut kept) = (0, 0);
    for line in stdout.lines() {
        let line = line.expect("text");
        let Some(bytes) = line.strip_prefix("kept ") else { continue };
        kept = bytes.parse().expect("a number");
        seen += 1;
        if seen == lines {
            child.kill().expect("is ours");
        }
    }
    child.wait().expect("is ours");
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_byte_loses_at_most_one_part() {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut random = testkit::Random::for_test("kill", 0x7A7A);
    let mut told = Vec::new();
    for stream in 1..=KILLS {
        let recording = child(dir.path(), Some(stream));
        told.push((stream, kill_after(recording, 1 + random.below(u64::from(PARTS) * 8))));
        if stream % 5 == 0 {
            // And one that dies in the middle of its uploads.
            let mut recovering = child(dir.path(), None);
            let stdout = BufReader::new(recovering.stdout.take().expect("piped"));
            let opened = stdout.lines().map_while(Result::ok).any(|line| line.ends_with("open"));
            assert!(opened, "recovery succeeds");
            recovering.kill().expect("is ours");
            recovering.wait().expect("is ours");
        }
    }
    let (config, objects) = house(dir.path());
    let journal_dir = config.journal_dir.clone();
    let recorder = Recorder::open(config, objects, Arc::<MemoryRows>::default()).await.expect("opens");
    assert!(recorder.settle(LIMIT).await);
    let longest =
        [fixtures::video(), fixtures::audio()].iter().map(|track| fixtures::part(track, 0).1.len() as u64).max();
    for (stream, kept) in told {
        let index = recorder.archive().index(key_of(stream)).await.expect("there");
        assert!(index.bytes() >= kept, "stream {stream}: {} of {kept} bytes", index.bytes());
        assert!(index.gaps.is_empty());
        assert!(index.duration_ms() * 2 >= kept / longest.expect("two tracks") * 200, "stream {stream}");
        check_sound(&recorder, key_of(stream)).await;
    }
    until("no journal is left", async || subfolders(&journal_dir).is_empty()).await;
}
