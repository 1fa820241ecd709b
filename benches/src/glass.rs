//! Glass to glass: pictures that carry the time at which they were drawn, through x264 in ffmpeg, the server and a player
//! in Chromium, which reads that time off the picture it shows.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::Options;
use crate::fanout::wait_live;
use crate::process::Tayang;
use crate::report::Report;

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
const FPS: u32 = 30;
/// Side of the squares that stand for bits: large enough to survive the encoder.
const SQUARE: usize = 16;
/// 32 bits of milliseconds and 8 of their sum.
const BITS: usize = 40;

/// Watches over LL-HLS and HTTP-FLV.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let seconds = if options.quick { 5 } else { 30 };
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no parent")?.join("web");
    if !Path::new("/usr/bin/chromium").exists() && std::env::var_os("CHROMIUM").is_none() {
        eprintln!("Chromium is not installed: no glass-to-glass figures in this run");
        return Ok(());
    }
    for via in ["hls", "flv"] {
        let tayang = Tayang::start(&options.binary)?;
        let key = tayang.channel("bench")?;
        let camera = Camera::start(&format!("rtmp://{}/live/{key}", tayang.rtmp))?;
        wait_live(&tayang.http)?;
        let out = Command::new("node")
            .arg(web.join("e2e/glass.mjs"))
            .args(["--url", &format!("http://{}/watch/live/bench", tayang.http), "--via", via])
            .args(["--seconds", &seconds.to_string(), "--square", &SQUARE.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .context("node could not be started")?;
        ensure!(out.status.success(), "the browser saw no marked pictures over {via}");
        drop(camera);
        let mut row: Value = serde_json::from_slice(&out.stdout).context("what the browser saw")?;
        let fields = row.as_object_mut().context("an object")?;
        fields.insert("benchmark".into(), json!("glass to glass"));
        fields.insert("server".into(), json!("tayang"));
        fields.insert("encoder".into(), json!("x264 veryfast, zerolatency"));
        fields.insert("seconds".into(), json!(seconds));
        report.row(row);
    }
    Ok(())
}

/// Draws marked pictures in real time into an encoder.
struct Camera {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    ffmpeg: Child,
}

impl Camera {
    fn start(url: &str) -> anyhow::Result<Self> {
        let size = format!("{WIDTH}x{HEIGHT}");
        let (rate, gop) = (FPS.to_string(), (FPS * 2).to_string());
        let mut ffmpeg = Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-probesize", "32", "-analyzeduration", "0"])
            .args(["-f", "rawvideo", "-pix_fmt", "gray", "-s", &size, "-r", &rate, "-i", "-"])
            .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-map", "0:v", "-map", "1:a"])
            .args(["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"])
            .args(["-b:v", "1000k", "-g", &gop, "-c:a", "aac", "-b:a", "64k", "-flush_packets", "1", "-f", "flv", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("ffmpeg could not be started")?;
        let mut pictures = ffmpeg.stdin.take().context("its input")?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = stop.clone();
            std::thread::spawn(move || {
                let mut picture = vec![128; WIDTH * HEIGHT];
                let start = Instant::now();
                for n in 0.. {
                    let due = start + Duration::from_secs(1) * n / FPS;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    draw(&mut picture);
                    if stop.load(Ordering::Relaxed) || pictures.write_all(&picture).is_err() {
                        return;
                    }
                }
            })
        };
        Ok(Self { stop, thread: Some(thread), ffmpeg })
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.ffmpeg.kill().ok();
        self.ffmpeg.wait().ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Writes the milliseconds of the wall clock, modulo 2^32, and the sum of their bytes as black and white squares into the
/// upper left corner, most significant bit first.
fn draw(picture: &mut [u8]) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u32;
    let sum = now.to_be_bytes().iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    let code = u64::from(now) << 8 | u64::from(sum);
    for bit in 0..BITS {
        let white = code >> (BITS - 1 - bit) & 1 == 1;
        let value = if white { 235 } else { 16 };
        for y in 0..SQUARE {
            let from = y * WIDTH + bit * SQUARE;
            picture[from..from + SQUARE].fill(value);
        }
    }
}
