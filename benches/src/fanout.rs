//! Fan-out: one publisher, N viewers.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use crate::Options;
use crate::nginx::{self, Nginx};
use crate::process::{Server, Tayang, Usage};
use crate::publish::{Departures, Load, Publisher};
use crate::report::{Report, percentile_ms, round3};
use crate::viewers::{Crowd, Protocol};

/// 600 kbit/s of video: what a phone watches, and what 4,000 viewers of it make on loopback (2.9 Gbit/s) leaves two
/// cores room to receive.
const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };

struct Window {
    bytes: u64,
    before: Usage,
    after: Usage,
    delays: Vec<Duration>,
}

/// Runs ours over HTTP-FLV and RTMP, the floor, and nginx over RTMP, at each number of viewers.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let seconds = if options.quick { 3 } else { 15 };
    let counts: &[usize] = if options.quick { &[200] } else { &[1_000, 4_000] };
    for &viewers in counts {
        ours(options, report, viewers, seconds, "http-flv")?;
        ours(options, report, viewers, seconds, "rtmp")?;
        floor(report, viewers, seconds)?;
        if nginx::available() {
            peer(report, viewers, seconds)?;
        } else {
            eprintln!("nginx with libnginx-mod-rtmp is not installed: no peer in this run");
        }
    }
    Ok(())
}

fn ours(
    options: &Options,
    report: &mut Report,
    viewers: usize,
    seconds: u64,
    protocol: &'static str,
) -> anyhow::Result<()> {
    let tayang = Tayang::start(&options.binary)?;
    let key = tayang.channel("bench")?;
    let publisher = Publisher::start(&tayang.rtmp, "live", &key, LOAD)?;
    let (address, how) = match protocol {
        "rtmp" => (&tayang.rtmp, Protocol::Rtmp { app: "live".into(), name: "bench".into() }),
        _ => (&tayang.http, Protocol::HttpFlv { path: "/live/bench.flv".into() }),
    };
    wait_live(&tayang.http)?;
    let idle = tayang.server.usage()?;
    let window = watch(address, &how, viewers, seconds, &tayang.server, Some(publisher.departures.clone()))?;
    write_row(report, "tayang", protocol, viewers, seconds, idle, window);
    Ok(())
}

fn floor(report: &mut Report, viewers: usize, seconds: u64) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["floor", &viewers.to_string(), &LOAD.video_bps.to_string(), &LOAD.fps.to_string()])
        .args([&LOAD.gop_s.to_string(), &threads.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().context("the floor could not be started")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
    let server = Server::adopt("writev", child);
    let idle = server.usage()?;
    let window = watch(line.trim(), &Protocol::Raw, viewers, seconds, &server, None)?;
    write_row(report, "writev floor", "tcp", viewers, seconds, idle, window);
    Ok(())
}

fn peer(report: &mut Report, viewers: usize, seconds: u64) -> anyhow::Result<()> {
    let nginx = Nginx::start()?;
    let publisher = Publisher::start(&nginx.rtmp, "live", "bench", LOAD)?;
    let idle = nginx.server.usage()?;
    let how = Protocol::Rtmp { app: "live".into(), name: "bench".into() };
    let window = watch(&nginx.rtmp, &how, viewers, seconds, &nginx.server, Some(publisher.departures.clone()))?;
    write_row(report, "nginx-rtmp", "rtmp", viewers, seconds, idle, window);
    Ok(())
}

fn watch(
    address: &str,
    protocol: &Protocol,
    viewers: usize,
    seconds: u64,
    server: &Server,
    departures: Option<Arc<Departures>>,
) -> anyhow::Result<Window> {
    let crowd = Crowd::start(address, protocol, viewers, departures)?;
    crowd.wait_playing(viewers)?;
    // The groups of pictures that joiners get at once are not what is measured.
    std::thread::sleep(Duration::from_secs(3));
    crowd.seen.measuring.store(true, Ordering::Relaxed);
    let (before, bytes_before) = (server.usage()?, crowd.seen.bytes.load(Ordering::Relaxed));
    std::thread::sleep(Duration::from_secs(seconds));
    let (after, bytes_after) = (server.usage()?, crowd.seen.bytes.load(Ordering::Relaxed));
    crowd.seen.measuring.store(false, Ordering::Relaxed);
    let closed = crowd.seen.closed.load(Ordering::Relaxed);
    if closed > 0 {
        eprintln!("{closed} viewers were closed by {}", server.name);
    }
    let delays = crowd.finish()?;
    Ok(Window { bytes: bytes_after - bytes_before, before, after, delays })
}

fn write_row(
    report: &mut Report,
    server: &str,
    protocol: &str,
    viewers: usize,
    seconds: u64,
    idle: Usage,
    mut window: Window,
) {
    let gbit = window.bytes as f64 * 8.0 / 1e9;
    let cpu_s = window.after.cpu_s - window.before.cpu_s;
    let rss = window.after.rss_bytes.saturating_sub(idle.rss_bytes) as f64 / viewers as f64;
    report.row(json!({
        "benchmark": "fanout",
        "server": server,
        "protocol": protocol,
        "viewers": viewers,
        "seconds": seconds,
        "gbit": round3(gbit),
        "cpu_seconds": round3(cpu_s),
        "cpu_seconds_per_gbit": round3(cpu_s / gbit),
        "rss_bytes_per_viewer": rss.round(),
        "delay_p50_ms": percentile_ms(&mut window.delays, 0.50),
        "delay_p99_ms": percentile_ms(&mut window.delays, 0.99),
        "delay_samples": window.delays.len(),
    }));
}

/// Waits until the channel plays over HTTP-FLV.
pub fn wait_live(http: &str) -> anyhow::Result<()> {
    use std::io::{Read as _, Write as _};
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut socket = std::net::TcpStream::connect(http)?;
        socket.write_all(b"GET /live/bench.flv HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut head = [0; 12];
        socket.read_exact(&mut head)?;
        if &head == b"HTTP/1.1 200" {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "the channel did not go live");
        std::thread::sleep(Duration::from_millis(50));
    }
}
