//! `cargo xtask demo`: from a clean clone to a picture in the browser, and back to nothing on Ctrl-C.

mod school;

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use school::School;
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::child::Child;
use crate::command::{cargo, run as run_command};
use crate::test::build_pages;
use crate::tree::Tree;
use crate::{packages, value};

/// Ports that people know; others are taken when these are.
const HTTP_PORT: u16 = 8080;
const RTMP_PORT: u16 = 1935;
/// A server with an empty data directory is ready long before.
const READY_SECONDS_MAX: u64 = 30;
/// The server bounds its own drain; this is beyond it.
const DRAIN_SECONDS_MAX: u64 = 30;
const POLL: Duration = Duration::from_millis(100);

/// Builds, starts, publishes, prints, waits, stops.
pub fn run(tree: &Tree, arguments: &[String]) -> Result<ExitCode> {
    let stop_after = stop_after(arguments)?;
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stopped)).context("signals cannot be caught")?;
    }
    let tayang = build(tree)?;
    ensure!(!stopped.load(Ordering::Relaxed), "stopped");
    let (folder, _mine) = fresh_folder(&tree.target().join("demo"))?;
    step(4, "start the server");
    let mut server = start_server(&tayang, &folder)?;
    let outcome = wait_ready(&mut server, &folder, &stopped)
        .and_then(|()| on_air(&tayang, &folder, &mut server, &stopped, stop_after));
    eprintln!("\nstopping");
    server.stop(Duration::from_secs(DRAIN_SECONDS_MAX))?;
    outcome?;
    if holds_recordings(&folder) {
        let (tayang, folder) = (shown(tree, &tayang), shown(tree, &folder));
        eprintln!(
            "stopped. What was recorded is in {folder}; this serves it again:\n\n  {tayang} serve --data-dir {folder}\n"
        );
    } else {
        eprintln!("stopped. Nothing was recorded");
    }
    Ok(ExitCode::SUCCESS)
}

fn stop_after(arguments: &[String]) -> Result<Option<Duration>> {
    let mut rest = arguments.iter();
    let mut seconds = None;
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => {
                seconds = Some(value(argument, &mut rest)?.parse().context("--seconds takes a whole number")?)
            }
            other => bail!("unexpected argument `{other}`"),
        }
    }
    Ok(seconds.map(Duration::from_secs))
}

fn step(number: u32, what: &str) {
    eprintln!("\n==== {number} of 5: {what}");
}

/// Installs and builds; answers with the program.
fn build(tree: &Tree) -> Result<PathBuf> {
    step(1, "system packages");
    packages::install(&[packages::BUILD, packages::DEMO])?;
    step(2, "the watch page");
    build_pages(tree)?;
    step(3, "the server, in release (the first time takes minutes)");
    let built = run_command(cargo(&["build", "--release", "--locked", "-p", "server"], &tree.root))?;
    ensure!(built.success, "the server does not build");
    Ok(tree.target().join("release/tayang"))
}

/// A new data directory, with the lock that says that a demo has it. Those of demos that have ended and recorded nothing are
/// removed.
fn fresh_folder(parent: &Path) -> Result<(PathBuf, File)> {
    std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    // One demo at a time looks here, so that none sees a folder that is made but not locked yet.
    let looking = lock_file(parent)?;
    looking.lock().context("the demos' folder cannot be locked")?;
    let mut kept = 0;
    for entry in std::fs::read_dir(parent)? {
        let old = entry?.path();
        if !old.is_dir() || is_in_use(&old)? {
            continue;
        }
        if holds_recordings(&old) {
            kept += 1;
        } else {
            std::fs::remove_dir_all(&old).with_context(|| old.display().to_string())?;
        }
    }
    if kept > 0 {
        eprintln!("recordings of {kept} earlier demos are in {}; remove what you do not need", parent.display());
    }
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let free = (seconds..).map(|name| parent.join(name.to_string())).find(|folder| !folder.exists());
    let folder = free.context("no name is free")?;
    std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    let mine = lock_file(&folder)?;
    mine.lock().context("the demo's folder cannot be locked")?;
    Ok((folder, mine))
}

fn lock_file(folder: &Path) -> Result<File> {
    let path = folder.join("demo.lock");
    File::options().create(true).append(true).open(&path).with_context(|| path.display().to_string())
}

/// A demo has the folder, or a server that outlived its demo or was started on it again.
fn is_in_use(folder: &Path) -> Result<bool> {
    let is_locked = matches!(lock_file(folder)?.try_lock(), Err(TryLockError::WouldBlock));
    Ok(is_locked || pid(folder).is_some_and(|pid| Path::new("/proc").join(pid.to_string()).exists()))
}

/// Anything in the store of recordings, or a journal, each of which is a folder.
fn holds_recordings(folder: &Path) -> bool {
    let entries = |name: &str| std::fs::read_dir(folder.join(name)).into_iter().flatten().flatten();
    entries("objects").next().is_some() || entries("journal").any(|entry| entry.path().is_dir())
}

fn ready_file(folder: &Path) -> PathBuf {
    folder.join("ready.json")
}

/// The server that runs on the folder says so there.
fn pid(folder: &Path) -> Option<u64> {
    let server: Value = serde_json::from_slice(&std::fs::read(folder.join("server.json")).ok()?).ok()?;
    server["pid"].as_u64()
}

fn start_server(tayang: &Path, folder: &Path) -> Result<Child> {
    let mut command = Command::new(tayang);
    command.arg("serve").arg("--data-dir").arg(folder).arg("--ready-file").arg(ready_file(folder));
    for (flag, port) in [("--http", HTTP_PORT), ("--rtmp", RTMP_PORT)] {
        if TcpListener::bind(("0.0.0.0", port)).is_err() {
            eprintln!("port {port} is taken: using a free one");
            command.args([flag, "0.0.0.0:0"]);
        }
    }
    Child::start("the server", command, &folder.join("server.log"))
}

fn wait_ready(server: &mut Child, folder: &Path, stopped: &AtomicBool) -> Result<()> {
    let start = Instant::now();
    while !ready_file(folder).exists() {
        server.check()?;
        ensure!(!stopped.load(Ordering::Relaxed), "stopped");
        ensure!(
            start.elapsed() < Duration::from_secs(READY_SECONDS_MAX),
            "not ready in {READY_SECONDS_MAX} s{}",
            server.last_words()
        );
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Publishes, says where, and waits for the end.
fn on_air(
    tayang: &Path,
    folder: &Path,
    server: &mut Child,
    stopped: &AtomicBool,
    stop_after: Option<Duration>,
) -> Result<()> {
    step(5, "a mentor, a course, mentees, and a lesson with a test signal");
    let school = school::open(tayang, folder, &listens(folder)?)?;
    let mut command = Command::new(tayang);
    command.arg("--data-dir").arg(folder).args(["publish-test", "--channel", &school.channel]);
    let mut publisher = Some(Child::start("the test signal", command, &folder.join("publish-test.log"))?);
    println!("{}", banner(&school));
    let start = Instant::now();
    let outcome = loop {
        if stopped.load(Ordering::Relaxed) || stop_after.is_some_and(|after| start.elapsed() >= after) {
            break Ok(());
        }
        if let Err(error) = server.check() {
            break Err(error);
        }
        if let Some(Err(error)) = publisher.as_mut().map(Child::check) {
            // Another publisher took over, or ffmpeg failed: the server goes on either way.
            eprintln!("{error:#}");
            publisher = None;
        }
        std::thread::sleep(POLL);
    };
    if let Some(mut publisher) = publisher {
        publisher.stop(Duration::from_secs(5))?;
    }
    outcome
}

/// Where the server takes HTTP, for this machine.
fn listens(folder: &Path) -> Result<String> {
    let ready: Value = serde_json::from_slice(&std::fs::read(ready_file(folder))?)?;
    let address = ready["http"].as_str().context("the ready file has no http")?;
    Ok(address.replace("0.0.0.0", "127.0.0.1"))
}

/// What a newcomer needs to know.
fn banner(school: &School) -> String {
    let line = "─".repeat(78);
    let (server, key) = &school.obs;
    format!(
        "\n{line}\n  On air.\n\
         \n  Watch        {}\
         \n               MyMentor, as a mentee\
         \n  Teach        {}\
         \n               MyMentee, as the mentor\n\
         \n  Each link signs in once; `tayang user link` makes others. Sign in with different browsers, or one in a\
         \n  private window.\n\
         \n  Publish your own (it takes over from the test signal)\n\
         \n  OBS          Settings > Stream > Service: Custom\n\
         \x20              Server      {server}\n\
         \x20              Stream key  {key}\n\
         \n  ffmpeg       ffmpeg -re -i FILE -c copy -f flv {server}/{key}\n\
         \n  Stop         Ctrl-C\n{line}",
        school.mentee_link, school.mentor_link
    )
}

fn shown(tree: &Tree, folder: &Path) -> String {
    folder.strip_prefix(&tree.root).unwrap_or(folder).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_says_where_to_watch_to_teach_and_to_publish() {
        let school = School {
            channel: "lesson/l-1".to_owned(),
            mentor_link: "http://localhost:8080/mymentee/link#a".to_owned(),
            mentee_link: "http://localhost:8080/mymentor/link#b".to_owned(),
            obs: ("rtmp://localhost:1935/lesson".to_owned(), "kunci".to_owned()),
        };
        let text = banner(&school);
        for line in [
            "  Watch        http://localhost:8080/mymentor/link#b\n",
            "  Teach        http://localhost:8080/mymentee/link#a\n",
            "Server      rtmp://localhost:1935/lesson\n",
            "Stream key  kunci\n",
            "-f flv rtmp://localhost:1935/lesson/kunci\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    fn parent(name: &str) -> PathBuf {
        let parent = std::env::temp_dir().join(format!("tayang-demo-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&parent).expect("a folder");
        parent
    }

    #[test]
    fn an_ended_demo_is_removed_unless_it_recorded_and_a_running_server_is_left_alone() {
        let parent = parent("ended");
        for (name, pid) in [("runs", u64::from(std::process::id())), ("empty", u64::MAX), ("recorded", u64::MAX)] {
            let folder = parent.join(name);
            std::fs::create_dir_all(folder.join("journal")).expect("a folder");
            std::fs::write(folder.join("journal/lock"), "").expect("a file");
            std::fs::write(folder.join("server.json"), format!("{{\"pid\":{pid}}}")).expect("a file");
        }
        std::fs::create_dir_all(parent.join("recorded/objects/channel")).expect("a folder");
        std::fs::create_dir_all(parent.join("killed/journal/channel")).expect("a folder");
        fresh_folder(&parent).expect("a fresh one");
        let is_there = |name: &str| parent.join(name).exists();
        assert!(is_there("runs"), "its process runs");
        assert!(!is_there("empty"), "its process is gone");
        assert!(is_there("recorded") && is_there("killed"), "what was recorded is kept");
        std::fs::remove_dir_all(parent).expect("cleaned up");
    }

    #[test]
    fn a_demo_that_has_not_started_its_server_yet_keeps_its_folder() {
        let parent = parent("two");
        let (first, _first) = fresh_folder(&parent).expect("one");
        let (second, _second) = fresh_folder(&parent).expect("another, in the same second");
        assert!(first.exists() && second.exists() && first != second);
        std::fs::remove_dir_all(parent).expect("cleaned up");
    }

    #[test]
    fn a_demo_may_be_told_to_stop_by_itself() {
        let arguments = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
        assert_eq!(stop_after(&[]).expect("none"), None);
        assert_eq!(stop_after(&arguments(&["--seconds", "5"])).expect("five"), Some(Duration::from_secs(5)));
        assert!(stop_after(&arguments(&["--second"])).is_err());
    }
}
