//! Recordings as the command line and the players see them.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::server::Server;
use crate::{capture, poll};

/// One line of `recording list --json`.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its id.
    pub id: String,
    /// `recording`, `sealed` or `ready`.
    pub state: String,
    /// Seconds.
    pub seconds: f64,
    /// URL of the playlist.
    pub playlist: String,
    /// URL of the MP4.
    pub mp4: String,
}

/// All recordings, oldest first.
///
/// # Panics
/// When the command fails, like all that follow.
#[must_use]
#[track_caller]
pub fn list(server: &Server) -> Vec<Recording> {
    let answer = server.cli_json(&["recording", "list", "--json"]);
    let text =
        |entry: &Value, name: &str| entry[name].as_str().unwrap_or_else(|| panic!("{name} in {entry}")).to_owned();
    let entries = answer.as_array().expect("a list").iter();
    entries
        .map(|entry| Recording {
            id: text(entry, "id"),
            state: text(entry, "state"),
            seconds: entry["duration"].as_f64().unwrap_or_else(|| panic!("duration in {entry}")),
            playlist: text(entry, "playlist"),
            mp4: text(entry, "mp4"),
        })
        .collect()
}

/// Waits until every recording is in the object store.
#[track_caller]
pub fn until_ready(server: &Server, within: Duration) -> Vec<Recording> {
    let ready = poll::try_until(within, || Some(list(server)).filter(|all| all.iter().all(|one| one.state == "ready")));
    ready.unwrap_or_else(|| panic!("not all recordings are ready: {:#?}", list(server)))
}

/// `recording verify --all` finds every one sound.
#[track_caller]
pub fn assert_sound(server: &Server) {
    let output = server.cli(&["recording", "verify", "--all", "--json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("verify answered {text:?}: {error}"));
    let entries = answer.as_array().expect("a list");
    let unsound: Vec<&Value> = entries.iter().filter(|entry| entry["sound"] != true).collect();
    assert!(unsound.is_empty(), "verify finds these not sound: {unsound:#?}");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Duration that ffprobe finds, in seconds.
#[must_use]
#[track_caller]
pub fn probed_seconds(url: &str) -> f64 {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", url])
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.parse().unwrap_or_else(|_| panic!("{url}: {text:?} {}", String::from_utf8_lossy(&output.stderr)))
}

/// Playlist and MP4 show the same: every picture from the first to the last, in sync where there is time for a beep, for
/// as long as the list says.
#[track_caller]
pub fn assert_plays(server: &Server, recording: &Recording) {
    for url in [&recording.playlist, &recording.mp4] {
        let sight = capture::whole(server.folder(), url);
        sight.assert_pictures(url, recording.seconds - 0.15);
        let over = sight.picture_ms() / 1_000.0 - recording.seconds;
        assert!(over.abs() < 0.15, "{url} shows {over:.3} s more than its {:.3} s", recording.seconds);
        assert!(sight.sound.len() <= 1, "{url}: holes in the sound: {:?}", sight.sound);
        for (at, distance) in sight.sync() {
            assert!(
                distance.is_some_and(|ms| ms.abs() <= 60.0),
                "{url}: the flash at {at:.0} ms is {distance:?} ms off"
            );
        }
    }
    let probed = probed_seconds(&recording.mp4);
    assert!(
        (probed - recording.seconds).abs() < 0.15,
        "{} lasts {probed} s, not {} s",
        recording.mp4,
        recording.seconds
    );
}
