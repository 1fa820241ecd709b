//! Whole segments over HTTP/1.1: ours from memory, nginx with `sendfile` from files with the same bytes in the page cache.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

use crate::Options;
use crate::fanout::wait_live;
use crate::nginx::{self, Nginx};
use crate::process::{Server, Tayang};
use crate::publish::{Load, Publisher};
use crate::report::{Report, round3};
use crate::requests::{self, content_length, head_end, status};

/// 2 Mbit/s: a segment of two seconds has half a megabyte.
const LOAD: Load = Load { video_bps: 2_000_000, fps: 30, gop_s: 2 };
/// Connections that ask again as soon as they have been answered.
const CONNECTIONS: usize = 100;
/// So many requests are answered before measuring begins.
const WARM_UP: Duration = Duration::from_secs(1);

/// Fetches one segment again and again, from ours and from nginx.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let seconds = if options.quick { 2 } else { 10 };
    let tayang = Tayang::start(&options.binary)?;
    let key = tayang.channel("bench")?;
    let publisher = Publisher::start(&tayang.rtmp, "live", &key, LOAD)?;
    wait_live(&tayang.http)?;
    let path = whole_segment(&tayang.http)?;
    // Only requests are measured: the stream stands still, its segments stay in memory.
    publisher.hold(true);
    let bytes = requests::get(&tayang.http, &path)?.body;
    measure(report, &tayang.server, &tayang.http, &path, bytes.len(), seconds)?;
    if !nginx::available() {
        eprintln!("nginx is not installed: no peer in this run");
        return Ok(());
    }
    let nginx = Nginx::start()?;
    fs::write(nginx.files().join("segment.m4s"), &bytes)?;
    measure(report, &nginx.server, &nginx.http, "/segment.m4s", bytes.len(), seconds)
}

/// Path of a segment that is complete.
fn whole_segment(http: &str) -> anyhow::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let playlist = requests::text(http, "/live/bench/video.m3u8")?;
        if let Some(uri) = playlist.lines().rev().find(|line| !line.is_empty() && !line.starts_with('#')) {
            return Ok(format!("/live/bench/{uri}"));
        }
        ensure!(Instant::now() < deadline, "no segment was complete after 20 s");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn measure(
    report: &mut Report,
    server: &Server,
    address: &str,
    path: &str,
    length: usize,
    seconds: u64,
) -> anyhow::Result<()> {
    let mut fetchers = Fetchers::join(address, path, length)?;
    fetchers.run(WARM_UP)?;
    let (before, bytes, responses) = (server.usage()?, fetchers.bytes, fetchers.responses);
    fetchers.run(Duration::from_secs(seconds))?;
    let after = server.usage()?;
    let gbit = (fetchers.bytes - bytes) as f64 * 8.0 / 1e9;
    let cpu_s = after.cpu_s - before.cpu_s;
    report.row(json!({
        "benchmark": "segments",
        "server": server.name,
        "connections": CONNECTIONS,
        "segment_bytes": length,
        "seconds": seconds,
        "responses": fetchers.responses - responses,
        "gbit": round3(gbit),
        "cpu_seconds": round3(cpu_s),
        "cpu_seconds_per_gbit": round3(cpu_s / gbit),
    }));
    Ok(())
}

struct Fetcher {
    socket: TcpStream,
    /// Head bytes until it is whole.
    head: Vec<u8>,
    /// Body bytes to come, once the head is whole.
    left: Option<usize>,
    asked: bool,
}

struct Fetchers {
    poll: Poll,
    all: Vec<Fetcher>,
    request: String,
    length: usize,
    bytes: u64,
    responses: u64,
}

impl Fetchers {
    fn join(address: &str, path: &str, length: usize) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut all = Vec::with_capacity(CONNECTIONS);
        for n in 0..CONNECTIONS {
            let mut socket = TcpStream::connect(address.parse()?)?;
            poll.registry().register(&mut socket, Token(n), Interest::READABLE | Interest::WRITABLE)?;
            all.push(Fetcher { socket, head: Vec::new(), left: None, asked: false });
        }
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        Ok(Self { poll, all, request, length, bytes: 0, responses: 0 })
    }

    fn run(&mut self, duration: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + duration;
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; 256 << 10];
        while Instant::now() < deadline {
            self.poll.poll(&mut events, Some(Duration::from_millis(10)))?;
            for event in &events {
                let at = event.token().0;
                if event.is_writable() && !self.all[at].asked {
                    self.all[at].asked = true;
                    self.all[at].socket.write_all(self.request.as_bytes())?;
                }
                if event.is_readable() {
                    self.read(at, &mut buffer)?;
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, at: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
        loop {
            let n = match self.all[at].socket.read(buffer) {
                Ok(0) => anyhow::bail!("the server closed a connection"),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.bytes += n as u64;
            if self.all[at].take(&buffer[..n], self.length)? {
                self.responses += 1;
                self.all[at].socket.write_all(self.request.as_bytes()).context("the next request")?;
            }
        }
    }
}

impl Fetcher {
    /// True: the response is whole.
    fn take(&mut self, bytes: &[u8], length: usize) -> anyhow::Result<bool> {
        let left = if let Some(left) = self.left {
            left.checked_sub(bytes.len())
        } else {
            self.head.extend_from_slice(bytes);
            let Some(end) = head_end(&self.head) else { return Ok(false) };
            ensure!(status(&self.head[..end])? == 200, "a segment was refused");
            ensure!(content_length(&self.head[..end])? == length, "the segment has another length");
            length.checked_sub(self.head.len() - end)
        }
        .context("more bytes than were announced")?;
        self.head.clear();
        self.left = (left > 0).then_some(left);
        Ok(left == 0)
    }
}
