//! Proves a recording: every segment against its checksum, its boxes and its place in time, the MP4 against itself, and
//! ffprobe's opinion where it is installed.

use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use formats::container::cmaf::{parse_fragments, parse_init};
use formats::container::mp4;
use futures_util::{StreamExt, pin_mut};
use media::Ticks;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::archive::Archive;
use crate::error::RecorderError;
use crate::index::{Init, RecordingIndex, SegmentEntry, TrackIndex};
use crate::key::RecordingKey;
use crate::layout::Mp4Layout;

/// Problems told one by one; later ones are counted only.
const PROBLEMS_MAX: usize = 20;

/// What ffprobe says, as far as it is shown.
const WORDS_BYTES_MAX: usize = 600;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `inits`, `segments`, `mp4` or `ffprobe`.
    pub name: &'static str,
    /// `None` if it could not be looked at here.
    pub passed: Option<bool>,
    /// What was found, for people.
    pub detail: String,
}

/// What [`Archive::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Which recording.
    pub key: RecordingKey,
    /// Media in it, in milliseconds.
    pub duration_ms: u64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Places where something was lost while it was recorded: no fault of the files.
    pub gaps: usize,
    /// In order of looking.
    pub checks: Vec<Check>,
}

impl VerifyReport {
    /// Nothing that was looked at is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|check| check.passed != Some(false))
    }
}

#[derive(Default)]
struct Problems {
    told: Vec<String>,
    count: usize,
}

impl Problems {
    fn add(&mut self, problem: String) {
        self.count += 1;
        if self.told.len() < PROBLEMS_MAX {
            self.told.push(problem);
        }
    }

    fn check(self, name: &'static str, sound: String) -> Check {
        let passed = self.count == 0;
        let detail = if passed { sound } else { format!("{} problems: {}", self.count, self.told.join("; ")) };
        Check { name, passed: Some(passed), detail }
    }
}

impl Archive {
    /// Reads all of a recording and proves it. Holds one segment at a time and the MP4's head.
    ///
    /// # Errors
    /// [`RecorderError::NoRecording`], or where nothing of it can be read at all; what is wrong with it is in the report.
    pub async fn verify(self: &Arc<Self>, key: RecordingKey) -> Result<VerifyReport, RecorderError> {
        let index = self.index(key).await?;
        let mut checks = vec![check_inits(&index), self.check_segments(&index).await];
        match self.mp4(key).await {
            Ok(layout) => {
                checks.push(check_mp4(&layout));
                checks.push(self.check_ffprobe(key, layout).await);
            }
            Err(error) => {
                checks.push(Check { name: "mp4", passed: Some(false), detail: error.to_string() });
            }
        }
        let (duration_ms, bytes, gaps) = (index.duration_ms(), index.bytes(), index.gaps.len());
        Ok(VerifyReport { key, duration_ms, bytes, gaps, checks })
    }

    async fn check_segments(&self, index: &RecordingIndex) -> Check {
        let mut problems = Problems::default();
        let (mut segments, mut parts, mut jumps) = (0, 0, 0);
        for track in &index.tracks {
            let mut before: Option<SegmentEntry> = None;
            for segment in track.segments.iter() {
                segments += 1;
                parts += segment.parts;
                let name = format!("segment {} of {}", segment.msn, track.name());
                match self.read_slice(index.key, track.id, segment.msn, 0..segment.bytes).await {
                    Ok(bytes) => {
                        if let Err(problem) = check_segment(track, segment, &bytes) {
                            problems.add(format!("{name}: {problem}"));
                        }
                    }
                    Err(error) => problems.add(format!("{name}: {error}")),
                }
                let scale = track.timescale_of(segment.epoch);
                // Rounded down, as the end of one unit need not be a tick of the next.
                let end_of = |before: SegmentEntry| {
                    before.start.plus(before.duration).rescale(track.timescale_of(before.epoch), scale)
                };
                match before.map(end_of) {
                    Some(end)
                        if before.is_some_and(|before| before.epoch != segment.epoch)
                            && (segment.start.0 - end.0).abs() <= 1 => {}
                    Some(end) if segment.start < end && !segment.discontinuity => {
                        problems.add(format!(
                            "{name}: begins {} ticks before the one before it ends",
                            end.0 - segment.start.0
                        ));
                    }
                    Some(end) if segment.start > end && !segment.discontinuity => jumps += 1,
                    Some(_) | None => (),
                }
                before = Some(*segment);
            }
        }
        problems.check("segments", format!("{segments} segments, {parts} parts, {jumps} jumps of the sender's time"))
    }

    /// Streams the MP4 through ffprobe, which counts every packet.
    async fn check_ffprobe(self: &Arc<Self>, key: RecordingKey, layout: Arc<Mp4Layout>) -> Check {
        let skipped = |detail: String| Check { name: "ffprobe", passed: None, detail };
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-protocol_whitelist", "pipe", "-f", "mp4", "-count_packets"]);
        // Its parsers read every picture by the track's first configuration, and complain once there is another.
        command.args(["-fflags", "+nofillin+noparse"]);
        command.args(["-show_entries", "stream=codec_name,nb_read_packets", "-of", "compact=p=0", "pipe:0"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return skipped("not installed".into()),
            Err(error) => return skipped(error.to_string()),
        };
        let Some(mut stdin) = child.stdin.take() else { return skipped("no pipe".into()) };
        let total = layout.total_len;
        let pieces = match self.mp4_range(key, layout, 0..total) {
            Ok(pieces) => pieces,
            Err(error) => return Check { name: "ffprobe", passed: Some(false), detail: error.to_string() },
        };
        let feed = async move {
            pin_mut!(pieces);
            while let Some(piece) = pieces.next().await {
                // A closed pipe means that ffprobe has seen enough; what it says counts.
                if stdin.write_all(&piece?).await.is_err() {
                    break;
                }
            }
            Ok::<(), RecorderError>(())
        };
        let said = first_words(child.stdout.take());
        let complaints = first_words(child.stderr.take());
        let (fed, said, complaints, status) = tokio::join!(feed, said, complaints, child.wait());
        match (fed, status) {
            (Err(error), _) => Check { name: "ffprobe", passed: Some(false), detail: error.to_string() },
            (Ok(()), Err(error)) => skipped(error.to_string()),
            (Ok(()), Ok(status)) => {
                let passed = status.success() && complaints.is_empty();
                Check { name: "ffprobe", passed: Some(passed), detail: if passed { said } else { complaints } }
            }
        }
    }
}

/// What a child writes, on one line and cut to a length that people read. All of it is read, so that the child ends.
async fn first_words(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut kept = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        let room = WORDS_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..read.min(room)]);
    }
    String::from_utf8_lossy(&kept).trim().replace('\n', "; ")
}

fn check_inits(index: &RecordingIndex) -> Check {
    let mut problems = Problems::default();
    let mut count = 0;
    for init in index.tracks.iter().flat_map(|track| track.inits.iter()) {
        count += 1;
        if let Err(problem) = check_init(init) {
            problems.add(format!("init {} of {}: {problem}", init.epoch, init.name));
        }
    }
    problems.check("inits", format!("{count} configurations on {} tracks", index.tracks.len()))
}

fn check_init(init: &Init) -> Result<(), String> {
    let parsed = parse_init(&init.bytes).map_err(|error| error.to_string())?;
    if parsed.codec != init.track.codec || parsed.timescale != init.track.timescale {
        return Err("its boxes name another format or timescale than its record".into());
    }
    Ok(())
}

fn check_segment(track: &TrackIndex, segment: &SegmentEntry, bytes: &Bytes) -> Result<(), String> {
    if bytes.len() as u64 != segment.bytes || crc32fast::hash(bytes) != segment.crc {
        return Err("its bytes are not those that were recorded".into());
    }
    let fragments = parse_fragments(bytes).map_err(|error| error.to_string())?;
    if fragments.len() != segment.parts as usize {
        return Err(format!("{} fragments instead of {}", fragments.len(), segment.parts));
    }
    let mut time = u64::try_from(segment.start.0).unwrap_or(0);
    let mut duration = Ticks::ZERO;
    for (at, fragment) in fragments.iter().enumerate() {
        let wrong_start = at == 0 && fragment.base_decode_time != time;
        if wrong_start || fragment.base_decode_time < time {
            return Err(format!("fragment {at} begins at {} instead of {time}", fragment.base_decode_time));
        }
        if track.init(segment.epoch).is_none() {
            return Err(format!("no configuration {}", segment.epoch));
        }
        time = fragment.base_decode_time.saturating_add(fragment.duration());
        duration = duration.plus(Ticks(i64::try_from(fragment.duration()).unwrap_or(i64::MAX)));
    }
    if duration != segment.duration {
        return Err(format!("lasts {} ticks instead of {}", duration.0, segment.duration.0));
    }
    Ok(())
}

fn check_mp4(layout: &Mp4Layout) -> Check {
    let mut problems = Problems::default();
    let detail = match mp4::verify(&layout.head, layout.total_len) {
        Ok(report) => {
            for problem in &report.problems {
                problems.add(problem.to_string());
            }
            problems.count = problems.count.max(usize::try_from(report.problem_count).unwrap_or(usize::MAX));
            format!("{} tracks, {} ms, {} bytes", report.tracks.len(), report.duration_ms, layout.total_len)
        }
        Err(error) => {
            problems.add(error.to_string());
            String::new()
        }
    };
    problems.check("mp4", detail)
}
