//! Ten thousand viewers in one lesson's room, five hundred comments a second: how long after its acknowledgement a comment is
//! with everybody, whether all got all of it, and what that costs.
//!
//! One person has up to eight connections, so there are an eighth as many accounts. One thread speaks and listens. One viewer
//! in fifty reads every comment as it comes. Of the others only bytes are counted, four times a second, and thrown away in the
//! kernel: on the same two cores a thread that woke for each frame of each viewer would be what is measured. What all viewers
//! were sent is the same, so the bytes of the others must be as many.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::school::School;
use e2e::server::Options as ServerOptions;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::net::RecvFlags;
use serde_json::{Value, json};

use crate::Options;
use crate::opening::{PASSWORD, Phone, email, import};
use crate::process::usage_of;
use crate::report::{Report, percentile_ms, round3};

/// Connections of one person: what a room allows.
const SEATS: usize = 8;
/// One in so many viewers reads every comment.
const READ_EACH: usize = 50;
/// Sign-ins that are under way at once.
const THREADS: usize = 16;
/// What the last comments are granted to arrive.
const DRAIN: Duration = Duration::from_secs(20);
/// How often those whose bytes are counted are looked at: a quarter of a second is 40 KB, less than a socket holds.
const ROUND: Duration = Duration::from_millis(250);
/// In so many parts, one after the other.
const PARTS: usize = 50;
/// Bytes by which two viewers may differ who were sent the same: pings, two bytes each 20 s.
const PINGS: u64 = 64;

/// What a connection is there for.
enum Role {
    /// Says something in turn; of what comes only acknowledgements are read.
    Speaks(Frames),
    /// Reads every comment.
    Reads(Frames),
    /// Is sent what the others are.
    Takes,
}

struct Viewer {
    socket: TcpStream,
    role: Role,
    /// Received since the measurement began.
    bytes: u64,
    comments: usize,
}

/// All viewers, and which part of them is looked at next, when.
struct Crowd {
    viewers: Vec<Viewer>,
    part: usize,
    due: Instant,
}

/// WebSocket frames of a server, cut out of bytes.
#[derive(Default)]
struct Frames(Vec<u8>);

/// When comments were sent, acknowledged, and read by whom.
#[derive(Default)]
struct Times {
    sent: Vec<Instant>,
    acknowledged: Vec<Option<Instant>>,
    refused: usize,
    from_sent: Vec<Duration>,
    from_acknowledged: Vec<Duration>,
    /// Read before their acknowledgement was: its delay is none.
    waiting: Vec<VecDeque<Instant>>,
}

/// Lets them all in, lets some speak, and measures.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (viewers, seconds) = if options.quick { (400, 5) } else { (10_000, 20) };
    let people = viewers / SEATS;
    // Nobody speaks more often than once in two seconds.
    let per_second = 500.min(people / 2);
    let server = e2e::Server::start_with(ServerOptions {
        quiet: true,
        binary: Some(options.binary.clone()),
        ..ServerOptions::default()
    });
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let course = school.course(&mentor, "Fisika dasar");
    import(&server, people, &course)?;
    let lesson = school.lesson(&mentor, &course, "Gerak lurus");
    let http = server.address("http");
    let tokens = sign_in(http, people)?;
    let mut poll = Poll::new()?;
    let idle = usage_of(server.pid())?;
    let mut crowd = join(http, &lesson, &tokens, viewers, &poll)?;
    let mut times = Times::default();
    // Until nothing more is told of those who came.
    listen(&mut poll, &mut crowd, &mut times, Instant::now() + Duration::from_secs(8), |_| false)?;
    crowd.viewers.iter_mut().for_each(|viewer| viewer.bytes = 0);
    let before = usage_of(server.pid())?;
    let start = Instant::now();
    let total = per_second * seconds;
    for n in 0..total {
        speak(&mut crowd.viewers, people, &mut times, n)?;
        let due = start + Duration::from_secs_f64((n + 1) as f64 / per_second as f64);
        listen(&mut poll, &mut crowd, &mut times, due, |_| false)?;
    }
    let after = usage_of(server.pid())?;
    let took = start.elapsed();
    let done = |crowd: &[Viewer]| all_have_all(crowd, total);
    listen(&mut poll, &mut crowd, &mut times, Instant::now() + DRAIN, done)?;
    let short =
        crowd.viewers.iter().filter(|viewer| matches!(viewer.role, Role::Reads(_)) && viewer.comments != total).count();
    let (less, gigabytes) = compare(&crowd.viewers);
    report.row(json!({
        "benchmark": "room",
        "server": "tayang",
        "viewers": viewers,
        "comments_per_second": round3(total as f64 / took.as_secs_f64()),
        "comments": total,
        "refused": times.refused,
        "acknowledged_to_received_p50_ms": percentile_ms(&mut times.from_acknowledged, 0.50),
        "acknowledged_to_received_p99_ms": percentile_ms(&mut times.from_acknowledged, 0.99),
        "sent_to_received_p50_ms": percentile_ms(&mut times.from_sent, 0.50),
        "sent_to_received_p99_ms": percentile_ms(&mut times.from_sent, 0.99),
        "readers_that_missed_any": short,
        "viewers_with_other_bytes": less,
        "gigabytes_delivered": round3(gigabytes),
        "cpu_cores": round3((after.cpu_s - before.cpu_s) / took.as_secs_f64()),
        "rss_bytes_per_viewer": (before.rss_bytes.saturating_sub(idle.rss_bytes) as f64 / viewers as f64).round(),
    }));
    ensure!(times.refused == 0 && short == 0 && less == 0, "not all viewers got all of it");
    Ok(())
}

/// Tokens of all people.
fn sign_in(http: SocketAddr, people: usize) -> anyhow::Result<Vec<String>> {
    let next = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let next = next.clone();
            std::thread::spawn(move || -> anyhow::Result<Vec<String>> {
                let mut tokens = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= people {
                        return Ok(tokens);
                    }
                    let body = json!({ "email": email(n), "password": PASSWORD, "bearer": true });
                    let session: Value = Phone::connect(http)?.json("POST", "/api/v1/session", &body)?;
                    tokens.push(session["token"].as_str().context("a token")?.to_owned());
                }
            })
        })
        .collect();
    let mut tokens = Vec::with_capacity(people);
    for thread in threads {
        tokens.extend(thread.join().map_err(|_| anyhow::anyhow!("a sign-in panicked"))??);
    }
    Ok(tokens)
}

/// Opens the sockets, one after the other: each is let in before the next.
fn join(http: SocketAddr, lesson: &str, tokens: &[String], viewers: usize, poll: &Poll) -> anyhow::Result<Crowd> {
    let mut crowd = Vec::with_capacity(viewers);
    for n in 0..viewers {
        let mut socket = std::net::TcpStream::connect(http)?;
        socket.set_nodelay(true)?;
        let token = &tokens[n % tokens.len()];
        let request = format!(
            "GET /api/v1/lessons/{lesson}/room HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: tayang.room.v1\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        socket.write_all(request.as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            ensure!(socket.read(&mut byte)? == 1, "the server closed after {}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        ensure!(head.starts_with(b"HTTP/1.1 101"), "not let in: {}", String::from_utf8_lossy(&head));
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        let role = match n {
            // The first connection of each.
            n if n < tokens.len() => Role::Speaks(Frames::default()),
            n if n.is_multiple_of(READ_EACH) => Role::Reads(Frames::default()),
            _ => Role::Takes,
        };
        if !matches!(role, Role::Takes) {
            poll.registry().register(&mut socket, Token(n), Interest::READABLE)?;
        }
        crowd.push(Viewer { socket, role, bytes: 0, comments: 0 });
    }
    Ok(Crowd { viewers: crowd, part: 0, due: Instant::now() })
}

/// Says the comment of that number, whose turn it is.
fn speak(crowd: &mut [Viewer], people: usize, times: &mut Times, n: usize) -> anyhow::Result<()> {
    let text = format!(
        r#"{{"t":"comment","client_id":"b{n}","body":"Kenapa percepatan benda jatuh tidak bergantung massanya, Bu?"}}"#
    );
    // A key of zeros is a key (RFC 6455 §5.3); what it protects from is no matter here.
    let length = u8::try_from(text.len()).context("a short text")?;
    let head = if length < 126 { vec![0x81, 0x80 | length] } else { vec![0x81, 0x80 | 126, 0, length] };
    times.sent.push(Instant::now());
    times.acknowledged.push(None);
    times.waiting.push(VecDeque::new());
    crowd[n % people].socket.write_all(&[&head[..], &[0; 4], text.as_bytes()].concat()).context("a comment")
}

/// Takes what comes until then, or until it is done.
fn listen(
    poll: &mut Poll,
    crowd: &mut Crowd,
    times: &mut Times,
    until: Instant,
    done: impl Fn(&[Viewer]) -> bool,
) -> anyhow::Result<()> {
    let mut events = Events::with_capacity(1_024);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        poll.poll(&mut events, Some(left.min(crowd.due.saturating_duration_since(Instant::now()))))?;
        for event in &events {
            crowd.viewers[event.token().0].take(&mut buffer, times)?;
        }
        if Instant::now() >= crowd.due {
            crowd.look_at_part(&mut buffer, times)?;
        }
        if Instant::now() >= until || done(&crowd.viewers) {
            return Ok(());
        }
    }
}

impl Crowd {
    /// Takes what came for the next part of those whose bytes are counted.
    fn look_at_part(&mut self, buffer: &mut [u8], times: &mut Times) -> anyhow::Result<()> {
        for viewer in self.viewers.iter_mut().skip(self.part).step_by(PARTS) {
            if matches!(viewer.role, Role::Takes) {
                viewer.take(buffer, times)?;
            }
        }
        self.part = (self.part + 1) % PARTS;
        self.due = (self.due + ROUND / PARTS as u32).max(Instant::now());
        Ok(())
    }
}

fn all_have_all(crowd: &[Viewer], total: usize) -> bool {
    let reads = crowd.iter().filter(|viewer| matches!(viewer.role, Role::Reads(_)));
    reads.clone().all(|viewer| viewer.comments >= total) && compare(crowd).0 == 0
}

/// How many viewers who do not speak were sent other than the readers were, and the gigabytes of all.
fn compare(crowd: &[Viewer]) -> (usize, f64) {
    let readers = crowd.iter().filter(|viewer| matches!(viewer.role, Role::Reads(_)));
    let most = readers.map(|viewer| viewer.bytes).max().unwrap_or(0);
    let silent = crowd.iter().filter(|viewer| !matches!(viewer.role, Role::Speaks(_)));
    let other = silent.filter(|viewer| viewer.bytes.abs_diff(most) > PINGS).count();
    (other, crowd.iter().map(|viewer| viewer.bytes).sum::<u64>() as f64 / 1e9)
}

impl Viewer {
    fn take(&mut self, buffer: &mut [u8], times: &mut Times) -> anyhow::Result<()> {
        loop {
            let read = match &self.role {
                // Thrown away where it lies (tcp(7)).
                Role::Takes => match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::TRUNC) {
                    Ok((_, bytes)) => Ok(bytes),
                    Err(error) => Err(io::Error::from(error)),
                },
                Role::Speaks(_) | Role::Reads(_) => self.socket.read(buffer),
            };
            let bytes = match read {
                Ok(0) => anyhow::bail!("the server closed a viewer"),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.bytes += bytes as u64;
            let now = Instant::now();
            match &mut self.role {
                Role::Takes => {}
                Role::Speaks(frames) => frames.each(&buffer[..bytes], |frame| {
                    if frame.starts_with(br#"[{"t":"ack""#) {
                        numbers(frame, |n| times.is_acknowledged(n, now));
                    } else if frame.starts_with(br#"[{"t":"refused""#) {
                        times.refused += 1;
                    }
                }),
                Role::Reads(frames) => frames.each(&buffer[..bytes], |frame| {
                    numbers(frame, |n| {
                        self.comments += 1;
                        times.is_read(n, now);
                    });
                }),
            }
        }
    }
}

impl Frames {
    /// Calls with the payload of each frame that is whole now.
    fn each(&mut self, bytes: &[u8], mut whole: impl FnMut(&[u8])) {
        self.0.extend_from_slice(bytes);
        let mut at = 0;
        while let [_, length, rest @ ..] = &self.0[at..] {
            let (head, length) = match length {
                126 => match rest.first_chunk::<2>() {
                    Some(wide) => (4, usize::from(u16::from_be_bytes(*wide))),
                    None => break,
                },
                127 => match rest.first_chunk::<8>() {
                    Some(wide) => (10, u64::from_be_bytes(*wide) as usize),
                    None => break,
                },
                short => (2, usize::from(*short)),
            };
            let Some(frame) = self.0.get(at + head..at + head + length) else { break };
            whole(frame);
            at += head + length;
        }
        self.0.drain(..at);
    }
}

/// The numbers of the comments in a frame, by the names that they were sent by.
fn numbers(frame: &[u8], mut each: impl FnMut(usize)) {
    let text = String::from_utf8_lossy(frame);
    for (at, name) in text.match_indices(r#""client_id":"b"#) {
        let digits = text[at + name.len()..].split('"').next().unwrap_or_default();
        if let Ok(n) = digits.parse() {
            each(n);
        }
    }
}

impl Times {
    fn is_acknowledged(&mut self, n: usize, now: Instant) {
        self.acknowledged[n] = Some(now);
        for read in std::mem::take(&mut self.waiting[n]) {
            self.from_acknowledged.push(read.saturating_duration_since(now));
        }
    }

    fn is_read(&mut self, n: usize, now: Instant) {
        self.from_sent.push(now.saturating_duration_since(self.sent[n]));
        match self.acknowledged[n] {
            Some(at) => self.from_acknowledged.push(now.saturating_duration_since(at)),
            None => self.waiting[n].push_back(now),
        }
    }
}
