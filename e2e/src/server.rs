//! The program under test, run as a user runs it.
//!
//! Whatever a test is about, each server is held to two rules when it is dropped: its log holds no secret of the test, and
//! no panic.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use secrets::Secrets;
use serde_json::Value;
use tempfile::TempDir;

use crate::gate::{self, Turn};
use crate::playlist::Playlist;
use crate::process::{Child, last_lines};
use crate::{http, poll};

/// From start to ready, debug build, loaded machine.
const READY: Duration = Duration::from_secs(30);

/// `docs/cli.md` promises a second; a loaded machine may take longer.
const NOTICED: Duration = Duration::from_secs(3);

/// Beyond what any test waits to see listed.
const LISTED: Duration = Duration::from_secs(60);

/// How to start a server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Content of its configuration file.
    pub config: String,
    /// HTTPS and RTMPS too.
    pub tls: bool,
    /// Where it listens for RTMP on each start, for who comes back to it.
    pub rtmp: Option<SocketAddr>,
    /// Logs what it logs by default, not all there is: for what measures.
    pub quiet: bool,
    /// Another program than the tests'.
    pub binary: Option<PathBuf>,
    /// Its environment beyond the test's own, its commands' too.
    pub environment: Vec<(&'static str, &'static str)>,
}

/// A channel as `channel create --json` gives it.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `{app}/{name}`.
    pub path: String,
    /// The key.
    pub key: String,
    /// The whole answer.
    pub json: Value,
}

impl Channel {
    /// `rtmp://…/{app}/{key}`.
    ///
    /// # Panics
    /// When the answer has none.
    #[must_use]
    pub fn publish_url(&self) -> String {
        self.json["publish"]["rtmp"].as_str().expect("publish.rtmp").to_owned()
    }

    /// One of the URLs to play.
    ///
    /// # Panics
    /// When the answer has none of that name.
    #[must_use]
    pub fn play_url(&self, name: &str) -> String {
        self.json["play"][name].as_str().unwrap_or_else(|| panic!("play.{name} in {}", self.json)).to_owned()
    }
}

/// A running server with its folder.
pub struct Server {
    folder: TempDir,
    data_dir: PathBuf,
    options: Options,
    child: Option<Child>,
    starts: u32,
    ready: Value,
    secrets: Secrets,
    _turn: Turn,
}

impl Server {
    /// Starts one with the defaults.
    ///
    /// # Panics
    /// When it is not ready in time, like all that follow.
    #[track_caller]
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// Starts one.
    #[track_caller]
    #[must_use]
    pub fn start_with(options: Options) -> Self {
        let turn = gate::together();
        let folder = tempfile::Builder::new().prefix("tayang-e2e-").tempdir().expect("a folder");
        let data_dir = folder.path().join("data");
        let mut server = Self {
            data_dir,
            folder,
            options,
            child: None,
            starts: 0,
            ready: Value::Null,
            secrets: Secrets::default(),
            _turn: turn,
        };
        server.start_again();
        server
    }

    /// Starts it on the same data directory, after its end. Ports are new, but for [`Options::rtmp`].
    #[track_caller]
    pub fn start_again(&mut self) {
        self.starts += 1;
        let ready_file = self.folder.path().join(format!("ready-{}.json", self.starts));
        let config = self.folder.path().join("tayang.toml");
        std::fs::write(&config, &self.options.config).expect("written");
        let mut command = Command::new(self.program());
        command.arg("serve").arg("--data-dir").arg(&self.data_dir).arg("--config").arg(&config);
        command.args(["--http", "127.0.0.1:0"]).arg("--ready-file").arg(&ready_file);
        let rtmp = self.options.rtmp.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        command.arg("--rtmp").arg(rtmp.to_string());
        if self.options.tls {
            command.args(["--https", "127.0.0.1:0", "--rtmps", "127.0.0.1:0"]);
        }
        // All that we could ever say, so that a secret in any of it is found.
        if !self.options.quiet {
            command.env(
                "TAYANG_LOG_LEVEL",
                "info,server=trace,gateway=trace,recorder=trace,hub=trace,store=trace,control=trace,rtmp=trace,api=trace,\
                 events=trace",
            );
        }
        command.envs(self.options.environment.iter().copied());
        let mut child = Child::start("the server", command, &self.log_file(self.starts));
        let ready = poll::try_until(READY, || {
            let text = std::fs::read_to_string(&ready_file).ok();
            text.and_then(|text| serde_json::from_str::<Value>(&text).ok()).map(Ok).or_else(|| child.ended().map(Err))
        });
        match ready {
            Some(Ok(ready)) => self.ready = ready,
            Some(Err(status)) => panic!("the server ended at start ({status}):\n{}", child.last_words()),
            None => panic!("the server is not ready:\n{}", child.last_words()),
        }
        self.child = Some(child);
    }

    fn program(&self) -> PathBuf {
        self.options.binary.clone().unwrap_or_else(binary)
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    #[track_caller]
    pub fn pid(&self) -> u32 {
        let pid = self.child.as_ref().expect("the server runs").pid();
        u32::try_from(pid.as_raw_nonzero().get()).expect("a process id is positive")
    }

    fn log_file(&self, start: u32) -> PathBuf {
        self.folder.path().join(format!("server-{start}.log"))
    }

    /// The test's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A bound address from the ready file: `http`, `rtmp`, ….
    #[must_use]
    #[track_caller]
    pub fn address(&self, name: &str) -> SocketAddr {
        let text = self.ready[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.ready));
        text.parse().expect("an address")
    }

    /// `http://{address}{path}`.
    #[must_use]
    pub fn http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address("http"))
    }

    /// Where the channel's key lets publish on this start of the server.
    #[must_use]
    #[track_caller]
    pub fn publish_url(&self, channel: &Channel) -> String {
        let app = channel.path.split('/').next().unwrap_or_default();
        format!("rtmp://{}/{app}/{}", self.address("rtmp"), channel.key)
    }

    /// Gets a path over HTTP.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> http::Response {
        match http::get(self.address("http"), path) {
            Ok(response) => response,
            Err(error) => panic!("GET {path}: {error}\n{}", self.log_end()),
        }
    }

    /// Gets JSON over HTTP.
    #[must_use]
    #[track_caller]
    pub fn get_json(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "GET {path}: {}", response.text());
        serde_json::from_slice(&response.body).expect("JSON")
    }

    /// Runs a command of the program on this data directory.
    #[track_caller]
    pub fn cli(&self, arguments: &[&str]) -> Output {
        Command::new(self.program())
            .arg("--data-dir")
            .arg(&self.data_dir)
            .arg("--config")
            .arg(self.folder.path().join("tayang.toml"))
            .args(arguments)
            .envs(self.options.environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    /// Runs a command that answers in JSON.
    #[track_caller]
    pub fn cli_json(&self, arguments: &[&str]) -> Value {
        let output = self.cli(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} ({}): {error}", output.status);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|why| {
            panic!("{arguments:?} answered no JSON ({why}): {}", String::from_utf8_lossy(&output.stdout))
        });
        self.secrets.learn(&answer);
        answer
    }

    /// Makes a channel in the application `live`.
    #[track_caller]
    pub fn channel(&self, name: &str, flags: &[&str]) -> Channel {
        let arguments: Vec<&str> = ["channel", "create", name, "--json"].iter().chain(flags).copied().collect();
        let json = self.cli_json(&arguments);
        let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("{name} in {json}")).to_owned();
        let channel = Channel { path: format!("{}/{}", text("app"), text("name")), key: text("key"), json };
        // A running server notices what the command line did within a second.
        let mut path = format!("/{}/state", channel.path);
        if flags.contains(&"--private") {
            let signed = self.cli_json(&["channel", "sign-url", name, "--json"]);
            path = format!("/s/{}{path}", signed["sign"].as_str().expect("sign"));
        }
        poll::until_true("the server knows its new channel", NOTICED, || self.get(&path).status == 200);
        channel
    }

    /// `state` of a channel as its page sees it.
    #[must_use]
    #[track_caller]
    pub fn state(&self, channel: &Channel) -> Value {
        self.get_json(&format!("/{}/state", channel.path))
    }

    /// Waits until the channel is in this state; answers its description.
    #[track_caller]
    pub fn until_state(&self, channel: &Channel, state: &str, within: Duration) -> Value {
        let found = poll::try_until(within, || Some(self.state(channel)).filter(|said| said["state"] == state));
        found.unwrap_or_else(|| panic!("{} is not {state}: {}\n{}", channel.path, self.state(channel), self.log_end()))
    }

    /// Waits until whole segments of so many seconds are listed: what players without parts need.
    #[track_caller]
    pub fn until_listed(&self, channel: &Channel, seconds: f64) {
        let path = format!("/{}/video.m3u8", channel.path);
        poll::until_true("segments are listed", LISTED, || {
            let response = self.get(&path);
            let playlist =
                (response.status == 200).then(|| Playlist::parse(&response.text()).expect("a right playlist"));
            let whole = playlist.iter().flat_map(|playlist| &playlist.segments).filter_map(|one| one.complete.as_ref());
            whole.map(|(duration_us, _)| *duration_us as f64 / 1_000_000.0).sum::<f64>() >= seconds
        });
    }

    /// Another secret to look for in the log.
    pub fn keep_secret(&self, secret: &str) {
        self.secrets.add(secret);
    }

    /// Its child process.
    #[track_caller]
    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("the server runs")
    }

    /// Kills it at once.
    #[track_caller]
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        assert!(child.ended().is_none(), "the server had ended by itself:\n{}", child.last_words());
        child.kill();
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub fn terminate(&mut self, within: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        child.signal(Signal::TERM);
        child.wait(within)
    }

    /// Resident memory in bytes.
    #[must_use]
    #[track_caller]
    pub fn memory_bytes(&self) -> u64 {
        let pid = self.child.as_ref().expect("the server runs").pid();
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1_024
    }

    /// Open file descriptors.
    #[must_use]
    #[track_caller]
    pub fn descriptors(&self) -> usize {
        let pid = self.child.as_ref().expect("the server runs").pid();
        std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).expect("it runs").count()
    }

    /// All that it has logged since the first start.
    #[must_use]
    pub fn log(&self) -> String {
        let read = |start| std::fs::read(self.log_file(start)).unwrap_or_default();
        (1..=self.starts).map(|start| String::from_utf8_lossy(&read(start)).into_owned()).collect()
    }

    fn log_end(&self) -> String {
        format!("the server said:\n{}", last_lines(&self.log(), 40))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child = None;
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("{}", self.log_end());
            return;
        }
        assert!(!log.contains("panicked at"), "the server panicked:\n{}", last_lines(&log, 40));
        for secret in self.secrets.all() {
            let line = log.lines().find(|line| line.contains(&secret));
            assert!(line.is_none(), "a secret is in the log: {}", line.unwrap_or_default());
        }
    }
}

/// The program: `TAYANG_BIN`, or what `cargo build -p server` made beside this test.
///
/// # Panics
/// When it is not there.
#[must_use]
#[track_caller]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TAYANG_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test is a program");
    let path = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps").join("tayang");
    assert!(path.is_file(), "{} is not there: run `cargo build -p server` first, or set TAYANG_BIN", path.display());
    path
}

/// What must not be in a log.
mod secrets {
    use std::sync::Mutex;

    use serde_json::Value;

    /// Members of answers that are secret.
    const SECRET_MEMBERS: [&str; 4] = ["key", "sign_secret", "legacy_md5_secret", "sign"];

    #[derive(Debug, Default)]
    pub(super) struct Secrets(Mutex<Vec<String>>);

    impl Secrets {
        pub(super) fn add(&self, secret: &str) {
            self.0.lock().expect("nobody panics in here").push(secret.to_owned());
        }

        pub(super) fn learn(&self, answer: &Value) {
            for member in SECRET_MEMBERS {
                if let Some(secret) = answer[member].as_str() {
                    self.add(secret);
                }
            }
        }

        pub(super) fn all(&self) -> Vec<String> {
            self.0.lock().expect("nobody panics in here").clone()
        }
    }
}
