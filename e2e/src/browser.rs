//! Chromium on the watch page, through `web/e2e/live.mjs`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::poll;
use crate::process::Child;
use crate::publish::log;

/// Beyond what is watched: starting a browser on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser that watches a page. Ends when dropped.
#[derive(Debug)]
pub struct Watching {
    child: Child,
    out: PathBuf,
}

impl Watching {
    /// Opens a page and watches it; `arguments` are those of `live.mjs`.
    #[must_use]
    #[track_caller]
    pub fn start(folder: &Path, page: &str, arguments: &[&str]) -> Self {
        let log = log(folder, "browser");
        let out = log.with_extension("json");
        let mut command = Command::new("node");
        command.arg(web().join("e2e/live.mjs")).args(["--url", page, "--json"]).args(arguments);
        Self { child: Child::start_into("the browser", command, &out, &log), out }
    }

    /// Waits until the page shows pictures.
    ///
    /// # Panics
    /// When it has none in time, or the watching is over before.
    #[track_caller]
    pub fn until_playing(&mut self) {
        self.until("pictures", &json!({ "playing": true }));
    }

    /// Waits until the page says this of the channel.
    ///
    /// # Panics
    /// When it does not in time, or the watching is over before.
    #[track_caller]
    pub fn until_state(&mut self, state: &str) {
        self.until(state, &json!({ "state": state }));
    }

    #[track_caller]
    fn until(&mut self, what: &str, wanted: &Value) {
        let told = poll::try_until(PATIENCE, || {
            let told = self.lines().contains(wanted);
            (told || self.child.ended().is_some()).then_some(told)
        });
        assert_eq!(told, Some(true), "the page does not show {what}: {:?}\n{}", self.lines(), self.child.last_words());
    }

    /// What it saw, after `seconds` of watching at most.
    ///
    /// # Panics
    /// When `live.mjs` finds fault with it.
    #[must_use]
    #[track_caller]
    pub fn report(mut self, seconds: u32) -> Value {
        let status = self.child.wait(PATIENCE + Duration::from_secs(seconds.into()));
        let lines = self.lines();
        assert!(status.success(), "the page does not play in Chromium: {lines:?}\n{}", self.child.last_words());
        lines.into_iter().next_back().expect("a report")
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.out).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Watches a page for `seconds` over `via`, and measures sound against pictures; answers what `live.mjs` saw.
///
/// # Panics
/// When the script fails or pictures did not advance.
#[must_use]
#[track_caller]
pub fn watch(folder: &Path, page: &str, via: &str, seconds: u32) -> Value {
    Watching::start(folder, page, &["--via", via, "--seconds", &seconds.to_string(), "--sync"]).report(seconds)
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("e2e lies in the repository").join("web")
}
