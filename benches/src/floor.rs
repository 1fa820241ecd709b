//! The floor: the same bytes to the same number of sockets by bare `writev` calls, one per frame and viewer, from one
//! thread per core and nothing else. A program of its own, so that its CPU time is measured as a server's is.

use std::io::{IoSlice, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use formats::container::flv;
use media::MediaKind;
use testkit::{AudioSpec, Encoder, EncoderConfig, VideoSpec};

use crate::publish::Load;

/// Accepts `viewers` on a port that it prints, then sends in real time until it is killed.
pub fn run(viewers: usize, load: Load, threads: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    let mut shares: Vec<Vec<TcpStream>> = (0..threads).map(|_| Vec::new()).collect();
    for n in 0..viewers {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        shares[n % threads].push(socket);
    }
    let frames = frames(load)?;
    let start = Instant::now();
    thread::scope(|scope| {
        for mut share in shares {
            let frames = &frames;
            scope.spawn(move || {
                for (at, bytes) in frames.iter().cycle_in_time() {
                    thread::sleep((start + at).saturating_duration_since(Instant::now()));
                    for socket in &mut share {
                        // A full socket loses this frame: the floor has no policy.
                        let _ = socket.write_vectored(&[IoSlice::new(bytes)]);
                    }
                }
            });
        }
    });
    Ok(())
}

/// Ten seconds of FLV tags with their times.
fn frames(load: Load) -> anyhow::Result<Vec<(Duration, Vec<u8>)>> {
    let gop = u64::from(load.fps * load.gop_s);
    let mean = f64::from(load.video_bps) / 8.0 / f64::from(load.fps);
    let mut encoder = Encoder::new(EncoderConfig {
        video: Some(VideoSpec {
            frame_rate: media::FrameRate { frames: load.fps, seconds: 1 },
            gop_frames: gop,
            frame_bytes: (mean * gop as f64 / (gop as f64 + 5.0)) as usize,
            ..VideoSpec::default()
        }),
        audio: Some(AudioSpec { frame_bytes: 341, ..AudioSpec::default() }),
        ..EncoderConfig::default()
    });
    let tracks = encoder.tracks();
    let mut all = Vec::new();
    for sent in encoder.sent_until_ms(10_000) {
        let track = tracks.get(sent.frame.track).context("a frame of no track")?;
        let mut body = Vec::new();
        flv::write_frame_header(track, 0, sent.cts_ms, sent.frame.key, &mut body);
        body.extend_from_slice(&sent.frame.payload);
        let kind = if track.kind() == MediaKind::Video { flv::TagKind::Video } else { flv::TagKind::Audio };
        let mut bytes = flv::tag_header(kind, body.len() as u32, sent.timestamp_ms).to_vec();
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&(body.len() as u32 + 11).to_be_bytes());
        all.push((Duration::from_millis(u64::from(sent.timestamp_ms)), bytes));
    }
    Ok(all)
}

trait CycleInTime<'a> {
    fn cycle_in_time(self) -> Box<dyn Iterator<Item = (Duration, &'a [u8])> + 'a>;
}

impl<'a, I: Iterator<Item = &'a (Duration, Vec<u8>)> + Clone + 'a> CycleInTime<'a> for I {
    fn cycle_in_time(self) -> Box<dyn Iterator<Item = (Duration, &'a [u8])> + 'a> {
        Box::new((0u32..).flat_map(move |round| {
            self.clone().map(move |(at, bytes)| (*at + Duration::from_secs(10) * round, bytes.as_slice()))
        }))
    }
}
