//! Blocking reloads that wait: what each costs in memory while a stream stands still, and how long it takes to answer all
//! of them once it goes on.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

use crate::Options;
use crate::fanout::wait_live;
use crate::process::Tayang;
use crate::publish::{Load, Publisher};
use crate::report::{Report, percentile_ms, round3};
use crate::requests::{self, content_length, head_end, status};

const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };
/// Connections opened before the server gets time to accept them.
const BACKLOG: usize = 200;

struct Waiter {
    socket: TcpStream,
    got: Vec<u8>,
    answered: bool,
}

/// Parks the reloads, weighs them, lets the stream go on and waits for every answer.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let count = if options.quick { 1_000 } else { 20_000.min(sockets_max()) };
    let tayang = Tayang::start(&options.binary)?;
    let key = tayang.channel("bench")?;
    let publisher = Publisher::start(&tayang.rtmp, "live", &key, LOAD)?;
    wait_live(&tayang.http)?;
    std::thread::sleep(Duration::from_secs(3));
    publisher.hold(true);
    // What was sent has been packaged; the rest of the part comes when the stream goes on.
    std::thread::sleep(Duration::from_millis(500));
    let idle = tayang.server.usage()?;
    let mut poll = Poll::new()?;
    let mut waiters = connect(&tayang.http, count, &poll)?;
    let connected = tayang.server.usage()?;
    let request = reload(&tayang.http)?;
    let asked = Instant::now();
    for waiter in &mut waiters {
        waiter.socket.write_all(request.as_bytes()).context("a reload could not be asked")?;
    }
    // Whoever is answered now was not parked.
    let early = collect(&mut poll, &mut waiters, Instant::now() + Duration::from_secs(2), &mut Vec::new())?;
    ensure!(early == 0, "{early} of {count} reloads were answered while the stream stood still");
    let parked = tayang.server.usage()?;
    let parked_for = asked.elapsed();
    publisher.hold(false);
    let released = Instant::now();
    let mut delays = Vec::with_capacity(count);
    let answered = collect(&mut poll, &mut waiters, released + Duration::from_secs(15), &mut delays)?;
    ensure!(answered == count, "only {answered} of {count} reloads were answered");
    let after = tayang.server.usage()?;
    let per = |bytes: u64| (bytes.saturating_sub(idle.rss_bytes) as f64 / count as f64).round();
    report.row(json!({
        "benchmark": "parked reloads",
        "server": "tayang",
        "reloads": count,
        "parked_seconds": round3(parked_for.as_secs_f64()),
        "rss_bytes_per_connection": per(connected.rss_bytes),
        "rss_bytes_per_parked_reload": per(parked.rss_bytes),
        "answered_p50_ms": percentile_ms(&mut delays, 0.50),
        "answered_p99_ms": percentile_ms(&mut delays, 0.99),
        "answered_all_ms": percentile_ms(&mut delays, 1.0),
        "cpu_us_per_answer": round3((after.cpu_s - parked.cpu_s) * 1e6 / count as f64),
    }));
    Ok(())
}

/// Sockets that one process may hold here, with room for what else it has open.
fn sockets_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(500)
}

fn connect(http: &str, count: usize, poll: &Poll) -> anyhow::Result<Vec<Waiter>> {
    let address = http.parse()?;
    let mut waiters = Vec::with_capacity(count);
    for n in 0..count {
        // A blocking connect: the listener's backlog is short.
        let socket = std::net::TcpStream::connect::<std::net::SocketAddr>(address)?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(n), Interest::READABLE)?;
        waiters.push(Waiter { socket, got: Vec::new(), answered: false });
        if n % BACKLOG == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(waiters)
}

/// The request for the part that is hinted.
fn reload(http: &str) -> anyhow::Result<String> {
    let playlist = requests::text(http, "/live/bench/video.m3u8")?;
    let hint = playlist.lines().rev().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT:")).context("no hint")?;
    let uri = hint.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no URI in the hint")?;
    let name = uri.rsplit('/').next().unwrap_or_default().trim_end_matches(".m4s");
    let (msn, part) = name.split_once('.').context("a part is named msn.part")?;
    Ok(format!("GET /live/bench/video.m3u8?_HLS_msn={msn}&_HLS_part={part} HTTP/1.1\r\nHost: bench\r\n\r\n"))
}

/// Reads answers until all have come or `deadline`; answers how many there are and notes how long each took.
fn collect(
    poll: &mut Poll,
    waiters: &mut [Waiter],
    deadline: Instant,
    delays: &mut Vec<Duration>,
) -> anyhow::Result<usize> {
    let start = Instant::now();
    let mut events = Events::with_capacity(1_024);
    let mut buffer = vec![0; 64 << 10];
    let mut answered = 0;
    while answered < waiters.len() && Instant::now() < deadline {
        poll.poll(&mut events, Some(Duration::from_millis(10)))?;
        for event in &events {
            let waiter = &mut waiters[event.token().0];
            if !waiter.answered && waiter.read(&mut buffer)? {
                waiter.answered = true;
                answered += 1;
                delays.push(start.elapsed());
            }
        }
    }
    Ok(answered)
}

impl Waiter {
    /// True: the answer is whole.
    fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<bool> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => anyhow::bail!("the server closed a parked connection"),
                Ok(n) => self.got.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let Some(end) = head_end(&self.got) else { return Ok(false) };
        let code = status(&self.got[..end])?;
        ensure!(code == 200, "a parked reload was answered with {code}");
        Ok(self.got.len() >= end + content_length(&self.got[..end])?)
    }
}
