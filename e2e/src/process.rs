//! A program that runs beside a test: in a process group of its own, its words in a file, never left behind.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::poll;

/// One running program. It and what it started are killed when dropped.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Starts it with its output, both kinds, in `log`.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(name: &str, command: Command, log: &Path) -> Self {
        let file = File::create(log).expect("a log file in the test's folder");
        let stdout = file.try_clone().expect("a second handle");
        Self::start_with(name, command, Stdio::from(stdout), file, log)
    }

    /// Starts it with standard output in `out` and standard error in `log`.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start_into(name: &str, command: Command, out: &Path, log: &Path) -> Self {
        let file = File::create(log).expect("a log file in the test's folder");
        let out = File::create(out).expect("an output file in the test's folder");
        Self::start_with(name, command, Stdio::from(out), file, log)
    }

    #[track_caller]
    fn start_with(name: &str, mut command: Command, stdout: Stdio, stderr: File, log: &Path) -> Self {
        let started = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0).spawn();
        match started {
            Ok(process) => Self { name: name.to_owned(), process, log: log.to_path_buf(), ended: None },
            Err(error) => panic!("{name} does not start: {error}"),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.process.try_wait().ok().flatten();
        }
        self.ended
    }

    /// How it ends.
    ///
    /// # Panics
    /// When it does not end `within` that time.
    #[track_caller]
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        match poll::try_until(within, || self.ended()) {
            Some(status) => status,
            None => panic!("{} did not end within {} s; it said:\n{}", self.name, within.as_secs(), self.last_words()),
        }
    }

    /// Sends it a signal. One that has ended takes none.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let _ = kill_process(self.pid(), signal);
        }
    }

    /// Ends it at once, with all that it started, as a crash would.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            self.ended = self.process.wait().ok();
        }
    }

    /// All it said.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of what it said.
    #[must_use]
    pub fn last_words(&self) -> String {
        last_lines(&self.said(), 30)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last `count` lines of a text.
#[must_use]
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_started_dies_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]);
        let child = Child::start("sh", command, &log);
        let grandchild =
            poll::until("the grandchild's id", Duration::from_secs(10), || child.said().trim().parse().ok());
        let pid = Pid::from_raw(grandchild).expect("a process id");
        drop(child);
        // An orphan is reaped by init, so it may be seen dead for a moment.
        poll::until_true("the grandchild is gone", Duration::from_secs(10), || {
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
                .map_or(true, |stat| stat.contains(") Z"))
        });
    }
}
