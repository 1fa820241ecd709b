//! Elementary streams made by real encoders.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use formats::codec::mp3;
use formats::container::cmaf::{self, Sample};
use media::{Ticks, Timescale, Track, TrackId};

/// A track and its frames, times in ticks of the track.
#[derive(Clone)]
pub struct Stream {
    pub track: Track,
    pub frames: Vec<Coded>,
}

#[derive(Clone, Debug)]
pub struct Coded {
    pub dts: i64,
    pub sample: Sample,
    pub payload: Vec<u8>,
}

impl Coded {
    pub fn pts(&self) -> i64 {
        self.dts + i64::from(self.sample.cts)
    }
}

impl Stream {
    /// All times later by that many ticks.
    pub fn later(mut self, ticks: i64) -> Self {
        self.frames.iter_mut().for_each(|frame| frame.dts += ticks);
        self
    }

    pub fn in_90k(&self, ticks: i64) -> i64 {
        Ticks(ticks).rescale(self.track.timescale, Timescale::VIDEO).0
    }
}

/// Runs `program` and returns what it prints; fails the test with its complaint if it fails.
pub fn run(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed by these tests and cannot be run: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    (stdout.into_owned(), stderr.into_owned())
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// Two seconds of moving pictures at 25 frames a second, key frames every second.
pub fn video(encoder: &[&str]) -> Stream {
    encode("testsrc2=s=160x96:r=25:d=2", &[&["-pix_fmt", "yuv420p", "-g", "25", "-c:v"], encoder].concat(), TrackId(0))
}

/// x264 with B-frames. Encoded once, as most tests take it.
pub fn h264() -> Stream {
    static ENCODED: LazyLock<Stream> = LazyLock::new(encode_h264);
    ENCODED.clone()
}

fn encode_h264() -> Stream {
    video(&["libx264", "-preset", "veryfast", "-bf", "2", "-x264-params", "b-adapt=0:scenecut=0"])
}

/// x265 with B-frames.
pub fn h265() -> Stream {
    video(&[
        "libx265",
        "-preset",
        "ultrafast",
        "-bf",
        "2",
        "-x265-params",
        "log-level=none:keyint=25:bframes=2:b-adapt=0",
    ])
}

/// libvpx.
pub fn vp9() -> Stream {
    video(&["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"])
}

/// libaom. Its configuration is known to ffmpeg's muxer only when the stream comes from a file.
pub fn av1() -> Stream {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("encoded.ivf");
    let input = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=2", "-pix_fmt", "yuv420p", "-g", "25"];
    let encoder = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", path(&file)];
    run("ffmpeg", &[&input[..], &encoder].concat());
    fragment(&["-i", path(&file)], &["-c", "copy"], TrackId(0))
}

/// Two seconds of a tone.
pub fn audio(rate: u32, encoder: &[&str]) -> Stream {
    let source = format!("sine=frequency=440:sample_rate={rate}:duration=2");
    encode(&source, &[&["-ac", "2", "-c:a"], encoder].concat(), TrackId(1))
}

/// ffmpeg's own AAC-LC. Encoded once.
pub fn aac() -> Stream {
    static ENCODED: LazyLock<Stream> = LazyLock::new(|| audio(48_000, &["aac", "-b:a", "96k"]));
    ENCODED.clone()
}

fn encode(source: &str, encoder: &[&str], id: TrackId) -> Stream {
    fragment(&["-f", "lavfi", "-i", source], encoder, id)
}

/// Frames as ffmpeg's own fragmented MP4 has them, from zero on.
fn fragment(input: &[&str], encoder: &[&str], id: TrackId) -> Stream {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("encoded.mp4");
    let muxer = ["-movflags", "empty_moov+default_base_moof", "-frag_duration", "200000", "-use_editlist", "0"];
    run("ffmpeg", &[&["-v", "error"], input, encoder, &muxer, &["-strict", "-2", path(&file)]].concat());
    let bytes = std::fs::read(&file).expect("ffmpeg wrote it");
    let init = cmaf::parse_init(&bytes).expect("ffmpeg's init segment reads");
    let track = Track { id, ..init.to_track().expect("ffmpeg's configuration reads") };
    let mut frames = Vec::new();
    for fragment in cmaf::parse_fragments(&bytes).expect("ffmpeg's fragments read") {
        let mut dts = fragment.base_decode_time as i64;
        let mut at = fragment.payload_range.start;
        for sample in fragment.samples {
            let end = at + sample.size as usize;
            frames.push(Coded { dts, sample, payload: bytes[at..end].to_vec() });
            (at, dts) = (end, dts + i64::from(sample.duration));
        }
    }
    assert!(frames.len() >= 20 && frames[0].sample.key, "two seconds of {}", track.codec);
    in_our_timescale(Stream { track, frames })
}

/// ffmpeg's video timescale is 12,800; ours is 90,000. 25 frames a second are exact in both.
fn in_our_timescale(mut stream: Stream) -> Stream {
    if stream.track.video().is_some() {
        let from = stream.track.timescale;
        let scale = |ticks: i64| Ticks(ticks).rescale(from, Timescale::VIDEO).0;
        for frame in &mut stream.frames {
            frame.dts = scale(frame.dts);
            frame.sample.duration = scale(i64::from(frame.sample.duration)) as u32;
            frame.sample.cts = scale(i64::from(frame.sample.cts)) as i32;
        }
        stream.track.timescale = Timescale::VIDEO;
    }
    let start = stream.frames[0].dts;
    stream.later(-start)
}

/// MP3 has no fragments: frames are cut by their own headers.
pub fn mp3(rate: u32) -> Stream {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("encoded.mp3");
    let source = format!("sine=frequency=440:sample_rate={rate}:duration=2");
    let encoder = ["-ac", "2", "-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0", path(&file)];
    run("ffmpeg", &[&["-v", "error", "-f", "lavfi", "-i", &source][..], &encoder].concat());
    let bytes = std::fs::read(&file).expect("ffmpeg wrote it");
    let track = mp3::track(TrackId(1), &bytes).expect("a first frame");
    let mut frames = Vec::new();
    let (mut rest, mut dts) = (bytes.as_slice(), 0);
    while let Ok(header) = mp3::parse_header(rest) {
        let length = header.frame_bytes.expect("not free format") as usize;
        let (frame, tail) = rest.split_at(length.min(rest.len()));
        let sample = Sample { size: frame.len() as u32, duration: header.frame_samples, cts: 0, key: true };
        frames.push(Coded { dts, sample, payload: frame.to_vec() });
        (rest, dts) = (tail, dts + i64::from(header.frame_samples));
    }
    Stream { track, frames }
}
