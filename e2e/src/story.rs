//! Whole stories in Chromium, through `web/e2e/story.mjs`: the apps before the real server, at the size of a device.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::poll;
use crate::process::Child;
use crate::publish::log;
use crate::server::Server;
use crate::signal::Form;

/// A story of some minutes of looking, at the pace of a loaded machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A device that people look at.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Stands in the names of pictures.
    pub name: &'static str,
    width: u32,
    height: u32,
}

/// A small phone.
pub const PHONE: Size = Size { name: "phone", width: 360, height: 740 };
/// A laptop.
pub const DESK: Size = Size { name: "desk", width: 1_280, height: 800 };

/// A story that is told.
#[derive(Debug)]
pub struct Story {
    child: Child,
    out: PathBuf,
    pushes: PathBuf,
}

impl Story {
    /// Begins it. `links` sign people in, by their part in the story; the mentor publishes the signal in `form`.
    ///
    /// # Panics
    /// When it cannot begin.
    #[must_use]
    #[track_caller]
    pub fn begin(server: &Server, name: &str, size: Size, lesson: &str, links: &Value, form: &Form) -> Self {
        let log = log(server.folder(), "story");
        let (out, spec) = (log.with_extension("json"), log.with_extension("spec.json"));
        let pushes = log.with_extension("pushes.json");
        let mut publish = vec!["ffmpeg".to_owned()];
        publish.extend(crate::publish::arguments(form).iter().map(|text| text.to_string_lossy().into_owned()));
        publish.push("{url}".to_owned());
        let text = json!({
            "story": name, "base": format!("http://{}", server.address("http")),
            "size": { "name": size.name, "width": size.width, "height": size.height },
            "shots": shots(&format!("{name}-{}", size.name)), "pushes": pushes, "lesson": lesson, "links": links,
            "publish": publish,
        });
        std::fs::write(&spec, text.to_string()).expect("written");
        let mut command = Command::new("node");
        command.arg(web().join("e2e/story.mjs")).arg(&spec);
        Self { child: Child::start_into("the story", command, &out, &log), out, pushes }
    }

    /// How it went, once it is over; `pushed` are the messages that have come for the mentee's device, asked for all the while.
    ///
    /// # Panics
    /// When it went otherwise.
    #[must_use]
    #[track_caller]
    pub fn told(mut self, pushed: impl Fn() -> Vec<Value>) -> Value {
        let mut known = 0;
        let status = poll::until("the end of the story", PATIENCE, || {
            let messages = pushed();
            if messages.len() > known {
                known = messages.len();
                self.push(&messages);
            }
            self.child.ended()
        });
        assert!(status.success(), "the story went otherwise:\n{}", self.child.last_words());
        let text = std::fs::read_to_string(&self.out).expect("read");
        let report: Value = text.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("a report");
        assert_eq!(report["problems"], json!([]), "{report}");
        report
    }

    /// Whole at any time: it is read meanwhile.
    fn push(&self, messages: &[Value]) {
        let next = self.pushes.with_extension("next");
        std::fs::write(&next, json!(messages).to_string()).expect("written");
        std::fs::rename(&next, &self.pushes).expect("renamed");
    }
}

/// Where pictures of a story go, empty: `stories/NAME` in the target directory that this test was built in.
fn shots(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let folder = test.ancestors().nth(3).expect("tests lie in target/PROFILE/deps").join("stories").join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("made");
    folder
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("e2e lies in the repository").join("web")
}
