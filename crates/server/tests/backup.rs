//! `tayang backup` beside a running server, and `tayang restore`.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn tayang(data_dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tayang"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TAYANG_")) {
        command.env_remove(name);
    }
    command.arg("--data-dir").arg(data_dir).args(arguments).output().expect("runs")
}

fn json(data_dir: &Path, arguments: &[&str]) -> Value {
    let output = tayang(data_dir, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn names(data_dir: &Path) -> Vec<String> {
    let list = json(data_dir, &["channel", "list", "--json"]);
    let name = |channel: &Value| channel["name"].as_str().expect("a name").to_owned();
    list.as_array().expect("a list").iter().map(name).collect()
}

#[test]
fn a_backup_is_made_beside_a_running_server_and_restored_without_one() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    json(&data, &["channel", "create", "pagi", "--json"]);
    std::fs::create_dir_all(data.join("objects/a")).expect("made");
    std::fs::write(data.join("objects/a/segment"), "media").expect("written");
    let ready = folder.path().join("ready.json");
    let mut server = Command::new(env!("CARGO_BIN_EXE_tayang"))
        .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .arg("--ready-file")
        .arg(&ready)
        .stderr(Stdio::null())
        .spawn()
        .expect("a server");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ready.exists() {
        assert!(Instant::now() < deadline, "the server is not ready");
        std::thread::yield_now();
    }
    let copy_text = copy.to_str().expect("text");
    let made = json(&data, &["backup", copy_text, "--recordings", "--json"]);
    assert_eq!(made["about"]["objects"], 1);
    assert_eq!(std::fs::read_to_string(copy.join("objects/a/segment")).expect("copied"), "media");
    let again = tayang(&data, &["backup", copy_text]);
    assert_eq!(again.status.code(), Some(4), "a backup never goes over another");

    json(&data, &["channel", "create", "malam", "--json"]);
    let refused = tayang(&data, &["restore", copy_text, "--replace"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a server runs on"), "{refused:?}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&server), rustix::process::Signal::TERM)
        .expect("told");
    server.wait().expect("ended");

    assert_eq!(tayang(&data, &["restore", copy_text]).status.code(), Some(4), "it says that there is a database");
    std::fs::remove_file(data.join("objects/a/segment")).expect("lost");
    let restored = json(&data, &["restore", copy_text, "--replace", "--json"]);
    assert!(restored["kept"].as_str().is_some_and(|kept| Path::new(kept).exists()), "{restored}");
    assert_eq!(names(&data), ["pagi"]);
    assert_eq!(std::fs::read_to_string(data.join("objects/a/segment")).expect("back"), "media");
}

#[test]
fn a_backup_that_was_changed_is_not_restored() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    json(&data, &["channel", "create", "pagi", "--json"]);
    json(&data, &["backup", copy.to_str().expect("text"), "--json"]);
    let database = copy.join("tayang.db");
    let mut bytes = std::fs::read(&database).expect("read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&database, bytes).expect("written");
    let refused = tayang(&data, &["restore", copy.to_str().expect("text"), "--replace"]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    let missing = tayang(&data, &["restore", folder.path().to_str().expect("text")]);
    assert_eq!(missing.status.code(), Some(3), "{missing:?}");
    assert_eq!(names(&data), ["pagi"]);
}
