//! Starting and stopping as scripts and service managers see it: the ready file, and signals at any moment.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::server::binary;
use e2e::{Child, gate, poll, publish};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// Debug build, loaded machine.
const READY: Duration = Duration::from_secs(30);
/// `drain_timeout_s` is 10, and nothing is left to do.
const STOPPED: Duration = Duration::from_secs(12);

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("tayang-e2e-").tempdir().expect("a folder")
}

fn ready_file(folder: &Path) -> PathBuf {
    folder.join("ready.json")
}

/// The same command line each time, as a script has it.
#[track_caller]
fn serve(folder: &Path) -> Child {
    let mut command = Command::new(binary());
    command.arg("serve").arg("--data-dir").arg(folder.join("data")).arg("--ready-file").arg(ready_file(folder));
    command.args(["--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0"]);
    Child::start("the server", command, &publish::log(folder, "server"))
}

#[track_caller]
fn until_ready(folder: &Path, child: &mut Child) -> Value {
    poll::until("the ready file", READY, || {
        assert_eq!(child.ended(), None, "{}", child.last_words());
        std::fs::read(ready_file(folder)).ok().map(|text| serde_json::from_slice(&text).expect("whole"))
    })
}

/// Holds the database as another process does that brings it up to date.
fn hold_database(folder: &Path) -> File {
    let data_dir = folder.join("data");
    std::fs::create_dir_all(&data_dir).expect("made");
    let lock = File::create(data_dir.join("tayang.lock")).expect("made");
    lock.lock().expect("locked");
    lock
}

#[track_caller]
fn until_starting(child: &Child) {
    poll::until_true("it starts", READY, || child.said().contains("starting"));
}

#[test]
fn a_ready_file_that_a_killed_server_left_is_gone_before_the_next_is_ready() {
    let _turn = gate::together();
    let folder = folder();
    let (data_dir, file) = (folder.path().join("data"), ready_file(folder.path()));
    let mut first = serve(folder.path());
    until_ready(folder.path(), &mut first);
    first.kill();
    assert!(file.exists() && data_dir.join("server.json").exists(), "a kill leaves them");
    let database = hold_database(folder.path());
    let mut second = serve(folder.path());
    until_starting(&second);
    assert!(!file.exists() && !data_dir.join("server.json").exists(), "nobody is told of a server that is gone");
    drop(database);
    let ready = until_ready(folder.path(), &mut second);
    assert_eq!(ready["pid"], second.pid().as_raw_nonzero().get());
    second.signal(Signal::TERM);
    assert_eq!(second.wait(STOPPED).code(), Some(0));
    assert!(!file.exists() && !data_dir.join("server.json").exists(), "nor of one that has stopped");
}

#[test]
fn a_second_server_on_the_same_data_directory_ends_and_leaves_the_first_ones_addresses() {
    let _turn = gate::together();
    let folder = folder();
    let mut first = serve(folder.path());
    let ready = until_ready(folder.path(), &mut first);
    let mut second = serve(folder.path());
    assert_eq!(second.wait(READY).code(), Some(1), "{}", second.last_words());
    for file in [folder.path().join("data/server.json"), ready_file(folder.path())] {
        let told = std::fs::read(&file).expect("still there");
        assert_eq!(serde_json::from_slice::<Value>(&told).expect("whole"), ready, "{}", file.display());
    }
}

#[test]
fn a_signal_ends_a_server_that_waits_for_the_database() {
    let _turn = gate::together();
    let folder = folder();
    let _database = hold_database(folder.path());
    for signal in [Signal::TERM, Signal::INT] {
        let mut child = serve(folder.path());
        until_starting(&child);
        child.signal(signal);
        assert_eq!(child.wait(STOPPED).code(), Some(0), "{}", child.last_words());
    }
    assert!(!ready_file(folder.path()).exists());
}

#[test]
fn a_signal_ends_a_server_that_waits_for_the_disk_of_its_journals() {
    let _turn = gate::together();
    let folder = folder();
    let journals = folder.path().join("data/journal");
    std::fs::create_dir_all(&journals).expect("made");
    // A pipe that nobody reads takes as long to open as a disk that hangs.
    let pipe = Command::new("mkfifo").arg(journals.join("lock")).status().expect("mkfifo runs");
    assert!(pipe.success());
    let mut child = serve(folder.path());
    until_starting(&child);
    poll::until_true("the database is open", READY, || folder.path().join("data/tayang.db-wal").exists());
    child.signal(Signal::TERM);
    assert_eq!(child.wait(STOPPED).code(), Some(0), "{}", child.last_words());
}

#[test]
fn addresses_that_cannot_be_written_for_the_command_line_keep_nobody_from_watching() {
    let _turn = gate::together();
    let folder = folder();
    // Cannot be replaced by a file.
    std::fs::create_dir_all(folder.path().join("data/server.json")).expect("made");
    let mut child = serve(folder.path());
    until_ready(folder.path(), &mut child);
    assert!(child.said().contains("WARN") && child.said().contains("server.json"), "{}", child.said());
    child.signal(Signal::TERM);
    assert_eq!(child.wait(STOPPED).code(), Some(0));
}
