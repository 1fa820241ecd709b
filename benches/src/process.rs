//! Servers under test: started, measured through `/proc`, stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// A running process that is ended when dropped.
pub struct Server {
    child: Child,
    /// Its name in results.
    pub name: &'static str,
}

/// CPU seconds (user and system, children not counted) and resident bytes at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Seconds.
    pub cpu_s: f64,
    /// Bytes.
    pub rss_bytes: u64,
}

impl Server {
    /// Starts `command` with its output going nowhere.
    pub fn start(name: &'static str, command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        Ok(Self { child, name })
    }

    /// Takes over a child that was started elsewhere.
    #[must_use]
    pub fn adopt(name: &'static str, child: Child) -> Self {
        Self { child, name }
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has used so far, with its children (nginx works in those).
    pub fn usage(&self) -> anyhow::Result<Usage> {
        let mut total = Usage { cpu_s: 0.0, rss_bytes: 0 };
        for pid in family(self.pid())? {
            let one = usage_of(pid)?;
            total.cpu_s += one.cpu_s;
            total.rss_bytes += one.rss_bytes;
        }
        Ok(total)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.pid() as i32) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn family(pid: u32) -> anyhow::Result<Vec<u32>> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut all = vec![pid];
    for child in children.split_whitespace() {
        all.push(child.parse()?);
    }
    Ok(all)
}

/// What one process has used so far.
pub fn usage_of(pid: u32) -> anyhow::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server is gone")?;
    let after = stat.rsplit_once(')').context("an odd stat line")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // utime and stime are fields 14 and 15 of proc(5); `after` starts with field 3.
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    let pages: u64 = fields[21].parse()?;
    Ok(Usage {
        cpu_s: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        rss_bytes: pages * rustix::param::page_size() as u64,
    })
}

/// Tayang with a fresh data directory and a channel that is not recorded.
pub struct Tayang {
    /// The process.
    pub server: Server,
    /// `127.0.0.1:port` of HTTP.
    pub http: String,
    /// `127.0.0.1:port` of RTMP.
    pub rtmp: String,
    binary: PathBuf,
    directory: tempfile::TempDir,
}

impl Tayang {
    /// Starts `binary` and waits until it accepts.
    pub fn start(binary: &Path) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let ready = directory.path().join("ready.json");
        let server = Server::start(
            "tayang",
            Command::new(binary)
                .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data-dir"])
                .arg(directory.path().join("data"))
                .arg("--ready-file")
                .arg(&ready),
        )?;
        let deadline = Instant::now() + Duration::from_secs(20);
        let addresses: Value = loop {
            if let Ok(text) = fs::read_to_string(&ready)
                && let Ok(value) = serde_json::from_str(&text)
            {
                break value;
            }
            ensure!(Instant::now() < deadline, "tayang did not get ready");
            std::thread::sleep(Duration::from_millis(20));
        };
        let address = |name: &str| {
            addresses[name].as_str().map(str::to_owned).with_context(|| format!("no {name} address in {addresses}"))
        };
        Ok(Self { http: address("http")?, rtmp: address("rtmp")?, server, binary: binary.to_owned(), directory })
    }

    /// Creates a channel; answers its key.
    pub fn channel(&self, name: &str) -> anyhow::Result<String> {
        let out = Command::new(&self.binary)
            .arg("--data-dir")
            .arg(self.directory.path().join("data"))
            .args(["channel", "create", name, "--no-record", "--json"])
            .output()?;
        if !out.status.success() {
            bail!("channel create failed: {}", String::from_utf8_lossy(&out.stderr));
        }
        let value: Value = serde_json::from_slice(&out.stdout)?;
        Ok(value["key"].as_str().context("no key")?.to_owned())
    }
}
