//! Chromium on the watch page, through `web/e2e/live.mjs`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::Child;
use crate::publish::log;

/// Beyond what is watched: starting a browser on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Watches a page for `seconds` over `via`; answers what `live.mjs` saw.
///
/// # Panics
/// When the script fails or pictures did not advance.
#[must_use]
#[track_caller]
pub fn watch(folder: &Path, page: &str, via: &str, seconds: u32) -> Value {
    let script = web().join("e2e/live.mjs");
    let log = log(folder, "browser");
    let out = log.with_extension("json");
    let mut command = Command::new("node");
    command.arg(script).args(["--url", page, "--via", via, "--seconds", &seconds.to_string(), "--json"]);
    let mut child = Child::start_into("the browser", command, &out, &log);
    let status = child.wait(PATIENCE + Duration::from_secs(seconds.into()));
    let text = std::fs::read_to_string(&out).unwrap_or_default();
    assert!(status.success(), "{via} does not play in Chromium: {text}\n{}", child.last_words());
    serde_json::from_str(&text).expect("JSON")
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("e2e lies in the repository").join("web")
}
