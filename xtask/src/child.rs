//! A program that runs beside us: its words in a file, its end noticed, and never left behind.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const POLL: Duration = Duration::from_millis(50);
/// Lines of a program's log that are shown when it fails.
const LAST_LINES: usize = 15;

/// One running program. Killed when dropped.
pub struct Child {
    name: &'static str,
    process: std::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts it with its output in `log`, in a process group of its own: Ctrl-C reaches us alone, and we decide in which
    /// order to stop.
    pub fn start(name: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let file = std::fs::File::create(log).with_context(|| log.display().to_string())?;
        let process = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        Ok(Self { name, process, log: log.to_path_buf() })
    }

    /// Fails, with its last words, once it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.process.try_wait().with_context(|| self.name)? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}){}", self.name, self.last_words()),
        }
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let text =
            std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        if last.is_empty() { String::new() } else { format!(":\n  {}", last.join("\n  ")) }
    }

    /// Asks it to end (SIGTERM) and kills it when it has not after `patience`.
    pub fn stop(&mut self, patience: Duration) -> Result<ExitStatus> {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let start = Instant::now();
        if let Some(pid) = pid {
            // Already gone is as good as asked.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        while start.elapsed() < patience {
            if let Some(status) = self.process.try_wait().with_context(|| self.name)? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        eprintln!("{} did not end in {} s: killed", self.name, patience.as_secs());
        self.process.kill().with_context(|| self.name)?;
        self.process.wait().with_context(|| self.name)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, log: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let log = std::env::temp_dir().join(format!("tayang-child-{}-{log}", std::process::id()));
        Child::start("the child", command, &log).expect("sh starts")
    }

    #[test]
    fn an_end_is_noticed_with_its_last_words() {
        let mut child = start("echo port is taken; exit 3", "ends");
        child.process.wait().expect("it ends");
        let error = child.check().expect_err("it has ended").to_string();
        assert!(error.contains("exit status: 3") && error.contains("port is taken"), "{error}");
    }

    #[test]
    fn a_child_that_heeds_is_asked_and_one_that_does_not_is_killed() {
        let mut heeds = start("exec sleep 60", "heeds");
        assert!(heeds.check().is_ok());
        assert!(!heeds.stop(Duration::from_secs(10)).expect("ended").success());
        let mut stubborn = start("trap '' TERM; echo ready; while :; do sleep 0.1; done", "stubborn");
        while !stubborn.last_words().contains("ready") {
            std::thread::yield_now();
        }
        assert!(!stubborn.stop(Duration::from_millis(200)).expect("killed").success());
    }
}
