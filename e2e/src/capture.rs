//! ffmpeg as a player: plays an address for a while, decodes all of it, and tells what was to be seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::newer_ffmpeg;
use crate::process::Child;
use crate::publish::log;
use crate::sight::{Picture, Sight, SoundSpan};
use crate::signal::{beeps, is_flash, number};

const WIDTH: usize = 160;
const HEIGHT: usize = 90;
const HZ: u32 = 48_000;
/// Beyond what is played, for connecting and for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(40);
/// Timestamps in milliseconds move the end of one packet of sound from the start of the next by this much at most.
const HOLE_MS: f64 = 3.0;

/// Plays `url` for `seconds` of media and tells what was seen.
///
/// # Panics
/// When ffmpeg fails or does not come to the end.
#[must_use]
#[track_caller]
pub fn capture(folder: &Path, url: &str, seconds: f64) -> Sight {
    Capture::start(folder, &[], url, Some(seconds)).finish()
}

/// Decodes a file or a recording to its end and tells what was seen.
///
/// # Panics
/// As for [`capture`].
#[must_use]
#[track_caller]
pub fn whole(folder: &Path, url: &str) -> Sight {
    Capture::start(folder, &[], url, None).finish()
}

/// Which ffmpeg plays what.
#[derive(Clone, Debug)]
pub struct Player {
    /// The program.
    pub program: PathBuf,
    /// Decodes pictures.
    pub picture: bool,
    /// Decodes sound.
    pub sound: bool,
}

impl Player {
    /// The system's.
    #[must_use]
    pub fn ordinary() -> Self {
        Self { program: "ffmpeg".into(), picture: true, sound: true }
    }

    /// The newer one, which knows Enhanced RTMP.
    #[must_use]
    #[track_caller]
    pub fn enhanced() -> Self {
        Self { program: newer_ffmpeg::program(), ..Self::ordinary() }
    }

    /// Plays `url` for `seconds` of media, or to its end.
    #[must_use]
    #[track_caller]
    pub fn start(&self, folder: &Path, url: &str, seconds: Option<f64>) -> Capture {
        Capture::by(self, folder, &[], url, seconds)
    }

    /// Its filters, and its outputs with the extensions of their files.
    fn work(&self) -> (String, Vec<(Vec<&'static str>, &'static str)>) {
        let (mut filters, mut outputs, mut times) = (Vec::new(), Vec::new(), Vec::new());
        if self.picture {
            filters.push(format!("[0:v:0]scale={WIDTH}:{HEIGHT}:flags=area,format=gray,split[v1][v2]"));
            let raw = ["-map", "[v1]", "-fps_mode", "passthrough", "-c:v", "rawvideo", "-f", "rawvideo"];
            outputs.push((raw.to_vec(), "grey"));
            times.extend(["-map", "[v2]", "-fps_mode", "passthrough", "-c:v", "rawvideo"]);
            times.extend(["-enc_time_base:v", "1:90000"]);
        }
        if self.sound {
            filters.push(format!("[0:a:0]aresample={HZ},aformat=sample_fmts=s16:channel_layouts=mono,asplit[a1][a2]"));
            outputs.push((["-map", "[a1]", "-c:a", "pcm_s16le", "-f", "s16le"].to_vec(), "pcm"));
            times.extend(["-map", "[a2]", "-c:a", "pcm_s16le"]);
        }
        times.extend(["-f", "framecrc"]);
        outputs.push((times, "times"));
        (filters.join(";"), outputs)
    }
}

/// A player at work.
#[derive(Debug)]
pub struct Capture {
    child: Child,
    base: PathBuf,
    within: Duration,
    player: Player,
    url: String,
}

impl Capture {
    /// Starts playing `url`, with `options` before it.
    #[must_use]
    #[track_caller]
    pub fn start(folder: &Path, options: &[&str], url: &str, seconds: Option<f64>) -> Self {
        Self::by(&Player::ordinary(), folder, options, url, seconds)
    }

    #[track_caller]
    fn by(player: &Player, folder: &Path, options: &[&str], url: &str, seconds: Option<f64>) -> Self {
        let log = log(folder, "player");
        let base = log.with_extension("");
        let mut command = Command::new(&player.program);
        command.args(["-hide_banner", "-loglevel", "warning", "-nostdin", "-y"]);
        command.args(options).args(["-i", url]);
        let (filters, outputs) = player.work();
        command.args(["-filter_complex", &filters]);
        let limit = seconds.map(|seconds| seconds.to_string());
        let limit: Vec<&str> = limit.iter().flat_map(|seconds| ["-t", seconds.as_str()]).collect();
        for (arguments, extension) in outputs {
            command.args(&limit).args(arguments).arg(base.with_extension(extension));
        }
        let within = PATIENCE + Duration::from_secs_f64(seconds.unwrap_or(60.0));
        Self {
            child: Child::start("ffmpeg, playing", command, &log),
            base,
            within,
            player: player.clone(),
            url: url.to_owned(),
        }
    }

    /// Waits for its end and looks at what it decoded.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    #[track_caller]
    pub fn finish(mut self) -> Sight {
        let status = self.child.wait(self.within);
        let said = self.child.last_words();
        assert!(status.success(), "ffmpeg could not play {}: {said}", self.url);
        let read = |extension| std::fs::read(self.base.with_extension(extension)).expect("ffmpeg wrote it");
        let of = |wanted, extension| if wanted { read(extension) } else { Vec::new() };
        let packets = packets(&String::from_utf8(read("times")).expect("text"));
        let (grey, pcm) = (of(self.player.picture, "grey"), of(self.player.sound, "pcm"));
        let packets_of =
            |wanted: bool, stream: u32| packets.get(&stream).filter(|_| wanted).cloned().unwrap_or_default();
        let picture_times = packets_of(self.player.picture, 0);
        let sound_times = packets_of(self.player.sound, u32::from(self.player.picture));
        let sight = look((&grey, &picture_times), (&pcm, &sound_times), said);
        for extension in ["grey", "pcm", "times"] {
            // Large, and of no use to anyone now.
            let _ = std::fs::remove_file(self.base.with_extension(extension));
        }
        sight
    }
}

/// Decoded bytes, and time and duration in milliseconds of the packets that they came in.
type Decoded<'a> = (&'a [u8], &'a [(f64, f64)]);

/// Puts decoded pictures and sound together with their times.
fn look((grey, picture_times): Decoded<'_>, (pcm, sound_times): Decoded<'_>, complaints: String) -> Sight {
    let pictures = grey.chunks_exact(WIDTH * HEIGHT).zip(picture_times).map(|(picture, (at_ms, _))| Picture {
        at_ms: *at_ms,
        number: number(picture, WIDTH, HEIGHT),
        flash: is_flash(picture, WIDTH, HEIGHT),
    });
    let mut sound: Vec<SoundSpan> = Vec::new();
    // Where in the samples each span begins.
    let mut begins = Vec::new();
    let mut samples = 0_usize;
    for &(at_ms, duration_ms) in sound_times {
        match sound.last_mut() {
            Some(span) if (at_ms - span.to_ms).abs() <= HOLE_MS => span.to_ms = at_ms + duration_ms,
            _ => {
                begins.push(samples);
                sound.push(SoundSpan { from_ms: at_ms, to_ms: at_ms + duration_ms });
            }
        }
        samples += (duration_ms * f64::from(HZ) / 1_000.0).round() as usize;
    }
    let mono: Vec<i16> = pcm.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
    let mut beeps_ms = Vec::new();
    for (n, (span, &begin)) in sound.iter().zip(&begins).enumerate() {
        let end = begins.get(n + 1).copied().unwrap_or(mono.len()).min(mono.len());
        let heard = mono.get(begin..end).unwrap_or_default();
        beeps_ms.extend(beeps(heard, HZ).into_iter().map(|at| span.from_ms + at as f64 * 1_000.0 / f64::from(HZ)));
    }
    Sight { pictures: pictures.collect(), sound, beeps_ms, complaints }
}

/// Time and duration of each packet, in milliseconds, by stream, from ffmpeg's framecrc listing.
fn packets(times: &str) -> BTreeMap<u32, Vec<(f64, f64)>> {
    let mut bases = BTreeMap::new();
    let mut packets: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
    for line in times.lines() {
        if let Some(base) = line.strip_prefix("#tb ") {
            let parts = base.split_once(": ").and_then(|(stream, ratio)| {
                let (num, den) = ratio.split_once('/')?;
                Some((stream.parse::<u32>().ok()?, num.parse::<f64>().ok()? / den.parse::<f64>().ok()?))
            });
            bases.extend(parts);
        } else if !line.starts_with('#') {
            let fields: Vec<f64> = line.split(',').take(4).filter_map(|field| field.trim().parse().ok()).collect();
            if let [stream, _dts, pts, duration] = fields[..] {
                let stream = stream as u32;
                let ms = bases.get(&stream).copied().unwrap_or(1.0) * 1_000.0;
                packets.entry(stream).or_default().push((pts * ms, duration * ms));
            }
        }
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_itself_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let clip = crate::signal::clip(&crate::signal::ORDINARY);
        let sight = capture(folder.path(), &clip.display().to_string(), 5.0);
        sight.assert_whole("the clip", 5.0);
        assert_eq!(sight.pictures.first().map(|picture| (picture.number, picture.flash)), Some((0, true)));
    }

    #[test]
    fn times_of_packets_are_read_in_their_own_base() {
        let text =
            "#software: x\n#tb 0: 1/90000\n#tb 1: 1/48000\n0, 0, 3000, 3000, 14400, 0x1\n1, 0, 1024, 1024, 2, 0x2\n";
        let packets = packets(text);
        assert_eq!(packets[&0].len(), 1);
        assert!((packets[&0][0].0 - 33.333).abs() < 0.01);
        assert!((packets[&1][0].1 - 21.333).abs() < 0.01);
    }
}
