//! `tayang recording` on real recordings, made by the recorder itself: listed, proved, exported, and found out when damaged.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use control::{Channel, ChannelOptions, ChannelRepository as _, StreamKey};
use media::{ChannelPath, StreamId, UnixMillis};
use packager::Packager;
use recorder::{Recorder, RecorderConfig};
use serde_json::Value;
use store::db::sqlite::SqliteStore;
use store::objects::{self, Location};
use testkit::{Encoder, EncoderConfig};

/// Wall clock at the first frame: 2026-11-21T11:40:00Z.
const STARTED: u64 = 1_795_261_200_000;

/// Milliseconds of media.
const MEDIA_MS: i64 = 6_000;

/// Without a PATH, so that ffprobe is not found: the synthetic encoder's pictures are well-formed for every parser, but no
/// decoder makes anything of them. Recordings of real encoders meet ffprobe end to end.
fn tayang(data_dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tayang"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TAYANG_")) {
        command.env_remove(name);
    }
    command.env("PATH", "").arg("--data-dir").arg(data_dir).args(arguments).output().expect("runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Records one stream as the server would. Finished, it is waited for until it is ready; else it is left as a kill leaves
/// it.
fn record(data_dir: &Path, finished: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let store = SqliteStore::open(&data_dir.join("tayang.db")).await.expect("database");
        let path = ChannelPath { app: "live".parse().expect("app"), name: "kelas".parse().expect("name") };
        let now = UnixMillis(STARTED as i64);
        let channel = Channel::create(path, &ChannelOptions::default(), now);
        store.create_channel(&channel, &StreamKey::create(channel.id, "", now).0).await.expect("channel");
        let objects_dir = data_dir.join("objects");
        let objects = objects::open(&Location::Directory(objects_dir.clone()), None).expect("objects");
        let mut config = RecorderConfig::new(data_dir.join("journal"));
        config.objects_dir = Some(objects_dir);
        config.flush_interval_ms = 20;
        let recorder = Recorder::open(config, objects, Arc::new(store)).await.expect("recorder");
        let mut stream = recorder.begin(StreamId(STARTED), &channel, now);
        let mut encoder = Encoder::new(EncoderConfig::default());
        let mut packager = Packager::new(packager::Config::default(), StreamId(STARTED), STARTED / 1_000);
        packager.set_tracks(&encoder.tracks(), false);
        for frame in encoder.frames_until_ms(MEDIA_MS) {
            packager.push(&frame, now);
        }
        if finished {
            packager.end();
        }
        while let Some(output) = packager.poll_output() {
            stream.push(&output);
        }
        if finished {
            stream.finish();
            assert!(recorder.settle(Duration::from_secs(60)).await, "not ready in a minute");
            recorder.shutdown().await;
        } else {
            std::mem::forget(stream);
            recorder.shutdown().await;
        }
    });
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).expect("directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_ready_recording_is_listed_proved_and_exported() {
    let dir = tempfile::tempdir().expect("temporary directory");
    record(dir.path(), true);
    let listed = json(&tayang(dir.path(), &["recording", "list", "--json"]));
    let entry = &listed[0];
    assert_eq!(entry["id"], STARTED.to_string());
    assert_eq!((entry["channel"].as_str(), entry["state"].as_str()), (Some("live/kelas"), Some("ready")));
    assert_eq!(entry["start"], "2026-11-21T11:40:00.000Z");
    let duration = entry["duration"].as_f64().expect("seconds");
    assert!((5.8..=6.2).contains(&duration), "{duration}");
    let base = format!("http://127.0.0.1:8080/live/kelas/{STARTED}");
    assert_eq!(entry["playlist"], format!("{base}/master.m3u8"));
    assert_eq!(entry["mp4"], format!("{base}/recording.mp4"));

    let id = format!("live/kelas/{STARTED}");
    let proved = tayang(dir.path(), &["recording", "verify", &id, "--json"]);
    assert_eq!(proved.status.code(), Some(0), "{}", String::from_utf8_lossy(&proved.stdout));
    let report = json(&proved);
    assert_eq!(report[0]["sound"], true);
    let checks = report[0]["checks"].as_array().expect("checks");
    assert!(checks.iter().any(|check| check["name"] == "mp4" && check["passed"] == true), "{report}");
    let ffprobe = checks.iter().find(|check| check["name"] == "ffprobe").expect("listed even so");
    assert_eq!(ffprobe["passed"], Value::Null, "skipped is neither right nor wrong");
    let told = tayang(dir.path(), &["recording", "verify", "--all"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("sound"), "{told:?}");

    let to = dir.path().join("kelas.mp4");
    let to_text = to.to_str().expect("UTF-8");
    let exported = tayang(dir.path(), &["recording", "export", &STARTED.to_string(), "--to", to_text, "--json"]);
    assert_eq!(exported.status.code(), Some(0), "{}", String::from_utf8_lossy(&exported.stderr));
    let bytes = std::fs::read(&to).expect("exported");
    assert_eq!(json(&exported)["bytes"], bytes.len());
    assert_eq!(&bytes[4..8], b"ftyp");
    let again = tayang(dir.path(), &["recording", "export", &id, "--to", to_text]);
    assert_eq!(again.status.code(), Some(4), "a file is not replaced unasked");
    let forced = tayang(dir.path(), &["recording", "export", &id, "--to", to_text, "--force"]);
    assert_eq!(forced.status.code(), Some(0));
    assert_eq!(std::fs::read(&to).expect("exported again"), bytes);
}

#[test]
fn a_damaged_segment_is_found_out_with_exit_5() {
    let dir = tempfile::tempdir().expect("temporary directory");
    record(dir.path(), true);
    let segment = files(&dir.path().join("objects"), "m4s").into_iter().next().expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).expect("damaged");
    let found = tayang(dir.path(), &["recording", "verify", "--all", "--json"]);
    assert_eq!(found.status.code(), Some(5));
    assert_eq!(json(&found)[0]["sound"], false);
    let told = tayang(dir.path(), &["recording", "verify", "--all"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("BROKEN"));
    std::fs::remove_file(&segment).expect("gone");
    assert_eq!(tayang(dir.path(), &["recording", "verify", "--all"]).status.code(), Some(5), "missing is not sound");
}

#[test]
fn a_recording_that_a_kill_cut_off_is_proved_as_far_as_it_goes() {
    let dir = tempfile::tempdir().expect("temporary directory");
    record(dir.path(), false);
    let listed = json(&tayang(dir.path(), &["recording", "list", "--json"]));
    let entry = &listed[0];
    assert_ne!(entry["state"], "ready", "{listed}");
    let duration = entry["duration"].as_f64().expect("seconds");
    assert!(duration >= 3.9, "two segments are whole: {duration}");
    let proved = tayang(dir.path(), &["recording", "verify", "--all", "--json"]);
    assert_eq!(proved.status.code(), Some(0), "{}", String::from_utf8_lossy(&proved.stdout));
}

#[test]
fn a_recording_whose_channel_was_deleted_has_no_address() {
    let dir = tempfile::tempdir().expect("temporary directory");
    record(dir.path(), true);
    let done = |arguments: &[&str]| assert_eq!(tayang(dir.path(), arguments).status.code(), Some(0), "{arguments:?}");
    done(&["channel", "delete", "kelas"]);
    // The name says nothing: the recording is of the channel that had it then.
    for again in [false, true] {
        if again {
            done(&["channel", "create", "kelas"]);
        }
        let listed = json(&tayang(dir.path(), &["recording", "list", "--channel", "kelas", "--json"]));
        assert_eq!(listed[0]["id"], STARTED.to_string());
        assert_eq!((&listed[0]["playlist"], &listed[0]["mp4"]), (&Value::Null, &Value::Null), "{listed}");
        let shown = tayang(dir.path(), &["recording", "list"]);
        assert!(!String::from_utf8_lossy(&shown.stdout).contains("http"), "{shown:?}");
    }
}

#[test]
fn what_is_not_there_or_written_wrong_has_its_code() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let code = |arguments: &[&str]| tayang(dir.path(), arguments).status.code();
    assert_eq!(code(&["recording", "verify", "1"]), Some(3));
    assert_eq!(code(&["recording", "verify", "live/kelas/1"]), Some(3));
    assert_eq!(code(&["recording", "verify", "kelas"]), Some(2));
    assert_eq!(code(&["recording", "verify"]), Some(2));
    assert_eq!(code(&["recording", "verify", "1", "--all"]), Some(2));
    assert_eq!(code(&["recording", "verify", "--all"]), Some(0), "nothing is wrong with nothing");
    assert_eq!(code(&["recording", "export", "1", "--to", "x.mp4"]), Some(3));
    assert_eq!(code(&["recording", "export", "1"]), Some(2));
}
