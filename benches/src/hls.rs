//! LL-HLS: many players at a real cadence, each waiting for the next part by a blocking reload and fetching it.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

use crate::Options;
use crate::fanout::wait_live;
use crate::process::Tayang;
use crate::publish::{Load, Publisher};
use crate::report::{Report, round3};
use crate::requests::{content_length, head_end, status};

const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };

enum Next {
    Playlist,
    Part(String),
}

struct Player {
    socket: TcpStream,
    got: Vec<u8>,
    next: Next,
    /// Where to reload: `(msn, part)` that the playlist does not have yet.
    wants: Option<(u64, u64)>,
    connected: bool,
}

/// Runs the players and measures the server.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (players, seconds) = if options.quick { (50, 3) } else { (1_000, 15) };
    let tayang = Tayang::start(&options.binary)?;
    let key = tayang.channel("bench")?;
    let _publisher = Publisher::start(&tayang.rtmp, "live", &key, LOAD)?;
    wait_live(&tayang.http)?;
    std::thread::sleep(Duration::from_secs(3));
    let idle = tayang.server.usage()?;
    let mut crowd = Players::join(tayang.http.parse()?, players)?;
    crowd.play(Duration::from_secs(3))?;
    let (before, bytes_before, parts_before) = (tayang.server.usage()?, crowd.bytes, crowd.parts);
    crowd.play(Duration::from_secs(seconds))?;
    let after = tayang.server.usage()?;
    let (bytes, parts) = (crowd.bytes - bytes_before, crowd.parts - parts_before);
    let cpu_s = after.cpu_s - before.cpu_s;
    let gbit = bytes as f64 * 8.0 / 1e9;
    report.row(json!({
        "benchmark": "ll-hls",
        "server": "tayang",
        "players": players,
        "seconds": seconds,
        "parts_fetched": parts,
        "parts_per_player_second": round3(parts as f64 / (players as f64 * seconds as f64)),
        "gbit": round3(gbit),
        "cpu_seconds": round3(cpu_s),
        "cpu_seconds_per_gbit": round3(cpu_s / gbit),
        "cpu_us_per_request": round3(cpu_s * 1e6 / (2.0 * parts as f64)),
        "rss_bytes_per_player": (after.rss_bytes.saturating_sub(idle.rss_bytes) as f64 / players as f64).round(),
        "errors": crowd.errors,
    }));
    Ok(())
}

struct Players {
    poll: Poll,
    all: Vec<Player>,
    bytes: u64,
    parts: u64,
    errors: u64,
}

impl Players {
    fn join(address: SocketAddr, count: usize) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut all = Vec::with_capacity(count);
        for n in 0..count {
            let mut socket = TcpStream::connect(address)?;
            poll.registry().register(&mut socket, Token(n), Interest::READABLE | Interest::WRITABLE)?;
            all.push(Player { socket, got: Vec::new(), next: Next::Playlist, wants: None, connected: false });
        }
        Ok(Self { poll, all, bytes: 0, parts: 0, errors: 0 })
    }

    fn play(&mut self, duration: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + duration;
        let mut events = Events::with_capacity(1_024);
        let mut buffer = vec![0; 256 << 10];
        while Instant::now() < deadline {
            self.poll.poll(&mut events, Some(Duration::from_millis(10)))?;
            for event in &events {
                let at = event.token().0;
                if event.is_writable() && !self.all[at].connected {
                    self.all[at].connected = true;
                    self.all[at].ask()?;
                }
                if event.is_readable() {
                    self.hear(at, &mut buffer)?;
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, at: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
        loop {
            match self.all[at].socket.read(buffer) {
                Ok(0) => anyhow::bail!("the server closed a player"),
                Ok(n) => {
                    self.bytes += n as u64;
                    self.all[at].got.extend_from_slice(&buffer[..n]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        while let Some((ok, body)) = take_response(&mut self.all[at].got)? {
            let player = &mut self.all[at];
            if !ok {
                self.errors += 1;
            }
            match &player.next {
                Next::Playlist if ok => player.read_playlist(std::str::from_utf8(&body)?)?,
                Next::Part(_) => {
                    self.parts += u64::from(ok);
                    player.next = Next::Playlist;
                }
                Next::Playlist => player.wants = None,
            }
            player.ask()?;
        }
        Ok(())
    }
}

impl Player {
    fn ask(&mut self) -> anyhow::Result<()> {
        let path = match (&self.next, self.wants) {
            (Next::Playlist, Some((msn, part))) => format!("/live/bench/video.m3u8?_HLS_msn={msn}&_HLS_part={part}"),
            (Next::Playlist, None) => "/live/bench/video.m3u8".to_owned(),
            (Next::Part(uri), _) => format!("/live/bench/{uri}"),
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        self.socket.write_all(request.as_bytes()).context("a player could not ask")
    }

    /// The newest part is fetched next; the one that is hinted is waited for after it.
    fn read_playlist(&mut self, text: &str) -> anyhow::Result<()> {
        let newest = text.lines().rev().find(|line| line.starts_with("#EXT-X-PART:")).context("no part listed")?;
        let hint = text.lines().rev().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT:")).context("no hint")?;
        let uri = |line: &str| -> anyhow::Result<String> {
            let rest = line.split_once("URI=\"").context("no URI")?.1;
            Ok(rest.split('"').next().unwrap_or_default().to_owned())
        };
        let hinted = uri(hint)?;
        let name = hinted.rsplit('/').next().unwrap_or_default().trim_end_matches(".m4s");
        let (msn, part) = name.split_once('.').context("a part is named msn.part")?;
        self.wants = Some((msn.parse()?, part.parse()?));
        self.next = Next::Part(uri(newest)?);
        Ok(())
    }
}

/// A whole response at the front of `got`, taken off it: whether it is 200, and its body.
fn take_response(got: &mut Vec<u8>) -> anyhow::Result<Option<(bool, Vec<u8>)>> {
    let Some(end) = head_end(got) else { return Ok(None) };
    let whole = end + content_length(&got[..end])?;
    ensure!(whole < 64 << 20, "a response of {whole} bytes");
    if got.len() < whole {
        return Ok(None);
    }
    let ok = status(&got[..end])? == 200;
    let body = got[end..whole].to_vec();
    got.drain(..whole);
    Ok(Some((ok, body)))
}
