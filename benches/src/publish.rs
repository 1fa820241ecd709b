//! A publisher at real time: synthetic frames over RTMP, each noting when it left.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use formats::container::flv;
use media::{FrameRate, MediaKind};
use rtmp::{ClientConfig, ClientEvent, ClientOutput, ClientSession};
use testkit::encoder::Stamp;
use testkit::{AudioSpec, Encoder, EncoderConfig, VideoSpec};

/// Frames whose departure is remembered.
const REMEMBERED: usize = 1 << 16;
/// How long a publisher that is refused tries again.
const ACCEPTED_MAX: Duration = Duration::from_secs(5);
/// How often one that holds back looks whether it may go on.
const HOLD_LOOK: Duration = Duration::from_millis(5);

/// When each video frame left, by its stamp. Shared with the viewers that measure.
pub struct Departures {
    epoch: Instant,
    micros: Vec<AtomicU64>,
    first: AtomicU64,
}

impl Departures {
    fn new() -> Self {
        Self {
            epoch: Instant::now(),
            micros: (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect(),
            first: AtomicU64::new(0),
        }
    }

    fn note(&self, stamp: Stamp) {
        let now = self.epoch.elapsed().as_micros() as u64;
        self.micros[stamp.sequence as usize % REMEMBERED].store(now, Ordering::Release);
        self.first.compare_exchange(0, now, Ordering::AcqRel, Ordering::Relaxed).ok();
    }

    /// How long ago the first picture, a key frame, left.
    #[must_use]
    pub fn since_first(&self) -> Option<Duration> {
        let left = self.first.load(Ordering::Acquire);
        (left > 0).then(|| self.epoch.elapsed().saturating_sub(Duration::from_micros(left)))
    }

    /// How long ago the frame with this stamp left.
    #[must_use]
    pub fn since(&self, stamp: Stamp) -> Option<Duration> {
        let left = self.micros[stamp.sequence as usize % REMEMBERED].load(Ordering::Acquire);
        (left > 0).then(|| self.epoch.elapsed().saturating_sub(Duration::from_micros(left)))
    }
}

/// What to publish.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Video bits per second; audio adds 128 kbit/s.
    pub video_bps: u32,
    /// Frames per second.
    pub fps: u32,
    /// Seconds from key frame to key frame.
    pub gop_s: u32,
}

/// A publisher in a thread of its own.
pub struct Publisher {
    stop: Arc<AtomicBool>,
    hold: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
    /// When each frame left.
    pub departures: Arc<Departures>,
}

impl Publisher {
    /// Publishes to `rtmp://{address}/{app}/{name}` until dropped.
    pub fn start(address: &str, app: &str, name: &str, load: Load) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let hold = Arc::new(AtomicBool::new(false));
        let departures = Arc::new(Departures::new());
        // A running server learns of a channel that was made on the command line a moment after.
        let deadline = Instant::now() + ACCEPTED_MAX;
        let mut line = loop {
            match Line::publish(address, app, name) {
                Ok(line) => break line,
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let thread = {
            let (stop, hold, departures) = (stop.clone(), hold.clone(), departures.clone());
            std::thread::spawn(move || line.run(load, &stop, &hold, &departures))
        };
        Ok(Self { stop, hold, thread: Some(thread), departures })
    }

    /// Sends nothing while `held`, as an encoder whose network stands still; what follows continues in time.
    pub fn hold(&self, held: bool) {
        self.hold.store(held, Ordering::Relaxed);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(error)) = self.thread.take().and_then(|thread| thread.join().ok()) {
            eprintln!("the publisher ended early: {error:#}");
        }
    }
}

struct Line {
    socket: TcpStream,
    session: ClientSession,
}

impl Line {
    fn publish(address: &str, app: &str, name: &str) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let config = ClientConfig::new(rtmp::client::Purpose::Publish, app, name);
        let mut line = Self { session: ClientSession::new(config, rand::random(), Instant::now()), socket };
        let mut buffer = [0; 4_096];
        while !line.flush()? {
            let n = line.socket.read(&mut buffer)?;
            if n == 0 {
                bail!("the server closed the connection before publishing began");
            }
            line.session.handle_input(Instant::now(), &buffer[..n]).context("rtmp")?;
        }
        line.socket.set_nonblocking(false)?;
        Ok(line)
    }

    /// Sends what the session has to say; true once it may publish.
    fn flush(&mut self) -> anyhow::Result<bool> {
        let mut started = false;
        loop {
            match self.session.poll_output() {
                ClientOutput::Transmit(bytes) => self.socket.write_all(&bytes)?,
                ClientOutput::Event(ClientEvent::Publishing) => started = true,
                ClientOutput::Event(_) => {}
                ClientOutput::WaitUntil(_) => return Ok(started),
                ClientOutput::Closed => bail!("the server refused the publisher"),
            }
        }
    }

    fn run(&mut self, load: Load, stop: &AtomicBool, hold: &AtomicBool, departures: &Departures) -> anyhow::Result<()> {
        let gop = u64::from(load.fps * load.gop_s);
        // A key frame is six P-frames: the mean frame is (gop + 5) / gop of a P-frame.
        let mean = f64::from(load.video_bps) / 8.0 / f64::from(load.fps);
        let mut encoder = Encoder::new(EncoderConfig {
            video: Some(VideoSpec {
                frame_rate: FrameRate { frames: load.fps, seconds: 1 },
                gop_frames: gop,
                frame_bytes: (mean * gop as f64 / (gop as f64 + 5.0)) as usize,
                ..VideoSpec::default()
            }),
            audio: Some(AudioSpec { frame_bytes: 341, ..AudioSpec::default() }),
            ..EncoderConfig::default()
        });
        let tracks = encoder.tracks();
        for track in tracks.iter() {
            self.session.send_media(kind(track.kind()), 0, &flv::write_config(track, 0));
        }
        let mut start = Instant::now();
        let mut body = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            if hold.load(Ordering::Relaxed) {
                let held = Instant::now();
                std::thread::sleep(HOLD_LOOK);
                start += held.elapsed();
                continue;
            }
            let sent = encoder.next_sent();
            let due = start + Duration::from_millis(u64::from(sent.timestamp_ms));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let track = tracks.get(sent.frame.track).context("a frame of no track")?;
            body.clear();
            flv::write_frame_header(track, 0, sent.cts_ms, sent.frame.key, &mut body);
            body.extend_from_slice(&sent.frame.payload);
            if track.kind() == MediaKind::Video
                && let Some(stamp) = Stamp::find(&body)
            {
                departures.note(stamp);
            }
            self.session.send_media(kind(track.kind()), sent.timestamp_ms, &body);
            self.flush()?;
        }
        self.session.finish();
        self.flush().ok();
        Ok(())
    }
}

fn kind(kind: MediaKind) -> rtmp::MediaKind {
    match kind {
        MediaKind::Video => rtmp::MediaKind::Video,
        MediaKind::Audio => rtmp::MediaKind::Audio,
    }
}
