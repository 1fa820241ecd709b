//! Thousands of mentees open a lesson within two minutes: from signing in with a password to the first whole segment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use e2e::school::School;
use e2e::server::Options as ServerOptions;
use serde_json::{Value, json};

use crate::Options;
use crate::process::usage_of;
use crate::publish::{Load, Publisher};
use crate::report::{Report, percentile_ms, round3};

const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };
/// All have the same one: what it costs to check does not depend on it.
pub const PASSWORD: &str = "satu kuda benar baterai";
/// Its hash, with the parameters that the server makes hashes with.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$imTgpN69Vo08nQg3917UBg$HsI1WbEJO5TtNga8uHUZzD1P3a1VmZ7Rq4QhDeUJ10w";
/// Openings that are under way at once. One takes tens of milliseconds, and 67 begin in a second.
const THREADS: usize = 64;

/// What one mentee's opening took, step by step.
#[derive(Clone, Copy, Default)]
struct Took {
    sign_in: Duration,
    all: Duration,
}

/// Lets them come, and measures.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (mentees, within) =
        if options.quick { (200, Duration::from_secs(10)) } else { (8_000, Duration::from_secs(120)) };
    let server = e2e::Server::start_with(ServerOptions {
        quiet: true,
        binary: Some(options.binary.clone()),
        ..ServerOptions::default()
    });
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let course = school.course(&mentor, "Fisika dasar");
    import(&server, mentees, &course)?;
    let lesson = school.lesson(&mentor, &course, "Gerak lurus");
    let key = school.publish_url(&mentor, &lesson);
    let key = key.rsplit('/').next().context("a key")?;
    let _publisher = Publisher::start(&server.address("rtmp").to_string(), "lesson", key, LOAD)?;
    school.until(&mentor, &lesson, "live", |seen| seen["state"] == "live" && seen["on_air"] == true);
    // Until segments are whole.
    std::thread::sleep(Duration::from_secs(6));

    let pid = server.pid();
    let before = usage_of(pid)?;
    let (took, failed) = open_all(server.address("http"), &lesson, mentees, within);
    let after = usage_of(pid)?;
    let mut sign_in: Vec<Duration> = took.iter().map(|took| took.sign_in).collect();
    let mut all: Vec<Duration> = took.iter().map(|took| took.all).collect();
    report.row(json!({
        "benchmark": "opening",
        "server": "tayang",
        "mentees": mentees,
        "within_seconds": within.as_secs(),
        "opened": took.len(),
        "failed": failed,
        "sign_in_p50_ms": percentile_ms(&mut sign_in, 0.50),
        "sign_in_p99_ms": percentile_ms(&mut sign_in, 0.99),
        "first_segment_p50_ms": percentile_ms(&mut all, 0.50),
        "first_segment_p95_ms": percentile_ms(&mut all, 0.95),
        "first_segment_p99_ms": percentile_ms(&mut all, 0.99),
        "cpu_seconds": round3(after.cpu_s - before.cpu_s),
        "cpu_ms_per_opening": round3((after.cpu_s - before.cpu_s) * 1e3 / took.len().max(1) as f64),
    }));
    ensure!(failed == 0, "{failed} of {mentees} mentees did not get in");
    Ok(())
}

/// Makes the mentees' accounts, with a password, in the course.
pub fn import(server: &e2e::Server, mentees: usize, course: &str) -> anyhow::Result<()> {
    let file = server.folder().join("mentees.csv");
    let mut text = String::from("email,name,roles,password_hash\n");
    for n in 0..mentees {
        text.push_str(&format!("{},Mentee {n},mentee,\"{PASSWORD_HASH}\"\n", email(n)));
    }
    std::fs::write(&file, text)?;
    let file = file.to_str().context("a path of text")?;
    let made = server.cli_json(&["user", "import", file, "--course", course, "--json"]);
    ensure!(made["created"] == mentees, "not all were made: {made}");
    Ok(())
}

/// Whose account it is.
pub fn email(n: usize) -> String {
    format!("mentee{n}@school.test")
}

fn open_all(http: SocketAddr, lesson: &str, mentees: usize, within: Duration) -> (Vec<Took>, usize) {
    let (next, start) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (next, lesson) = (next.clone(), lesson.to_owned());
            std::thread::spawn(move || {
                let (mut took, mut failed) = (Vec::new(), 0);
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= mentees {
                        return (took, failed);
                    }
                    let due = start + within.mul_f64(n as f64 / mentees as f64);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    // From when it was due: a generator that is late hides nothing.
                    match open(http, &email(n), &lesson, due) {
                        Ok(one) => took.push(one),
                        Err(error) => {
                            failed += 1;
                            if failed == 1 {
                                eprintln!("mentee {n}: {error:#}");
                            }
                        }
                    }
                }
            })
        })
        .collect();
    let mut all = (Vec::new(), 0);
    for thread in threads {
        if let Ok((took, failed)) = thread.join() {
            all.0.extend(took);
            all.1 += failed;
        }
    }
    all
}

/// What a phone does when the notice is tapped.
fn open(http: SocketAddr, email: &str, lesson: &str, due: Instant) -> anyhow::Result<Took> {
    let mut phone = Phone::connect(http)?;
    let session =
        phone.json("POST", "/api/v1/session", &json!({ "email": email, "password": PASSWORD, "bearer": true }))?;
    let sign_in = due.elapsed();
    phone.token = session["token"].as_str().context("a token")?.to_owned();
    phone.json("GET", &format!("/api/v1/lessons/{lesson}"), &Value::Null)?;
    let playback = phone.json("POST", &format!("/api/v1/lessons/{lesson}/playback"), &json!({ "carry": "path" }))?;
    let master = playback["urls"]["llhls"].as_str().context("an address")?;
    let master = master.split_once("://").map_or(master, |(_, rest)| &rest[rest.find('/').unwrap_or(0)..]).to_owned();
    let text = String::from_utf8(phone.ask("GET", &master, &Value::Null)?)?;
    let media =
        text.lines().find(|line| line.ends_with(".m3u8") && !line.starts_with('#')).context("a media playlist")?;
    let media = beside(&master, media);
    let text = String::from_utf8(phone.ask("GET", &media, &Value::Null)?)?;
    let segment =
        text.lines().rfind(|line| line.ends_with(".m4s") && !line.starts_with('#')).context("a whole segment")?;
    let bytes = phone.ask("GET", &beside(&media, segment), &Value::Null)?;
    ensure!(bytes.len() > 10_000, "a segment of {} bytes", bytes.len());
    Ok(Took { sign_in, all: due.elapsed() })
}

fn beside(path: &str, uri: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) if !uri.starts_with('/') => format!("{folder}/{uri}"),
        _ => uri.to_owned(),
    }
}

/// One connection that is kept.
pub struct Phone {
    reader: BufReader<TcpStream>,
    /// Bearer token, once signed in.
    pub token: String,
}

impl Phone {
    /// Connects.
    pub fn connect(http: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpStream::connect_timeout(&http, Duration::from_secs(30))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { reader: BufReader::new(socket), token: String::new() })
    }

    /// Asks, and reads JSON of an answer that must be 2xx.
    pub fn json(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let bytes = self.ask(method, path, body)?;
        if bytes.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&bytes)?) }
    }

    /// Asks, and reads the body of an answer that must be 2xx.
    pub fn ask(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<Vec<u8>> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n");
        if !self.token.is_empty() {
            text.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&body);
        self.reader.get_mut().write_all(text.as_bytes())?;
        let (mut head, mut length) = (String::new(), 0_usize);
        self.reader.read_line(&mut head)?;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                bail!("the server closed after {head:?}");
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        let path = if path.starts_with("/p/") { "media" } else { path };
        ensure!(head.contains(" 2"), "{method} {path}: {} {}", head.trim(), String::from_utf8_lossy(&bytes));
        Ok(bytes)
    }
}
