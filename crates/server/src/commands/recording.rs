//! `tayang recording`. Reads beside a running server as well as without one.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use control::{Recording, RecordingState, Snapshot};
use media::StreamId;
use recorder::{Archive, RecordingKey, VerifyReport};
use serde::Serialize;
use serde_json::json;

use super::{answer, answer_json, open, remark, table};
use crate::addresses::{Origins, recording_urls};
use crate::cli::{Recording as Command, Target};
use crate::config::Config;
use crate::failure::{Code, Failure};

/// Does one of them.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { channel, json } => list(config, channel.as_deref(), json.json).await,
        Command::Verify { ids, json, .. } => verify(config, &ids, json.json).await,
        Command::Export { id, to, force, json } => export(config, &id, &to, force, json.json).await,
    }
}

/// The stable answer of `recording list`.
#[derive(Serialize)]
struct Entry {
    /// Unique within the channel.
    id: String,
    /// `{app}/{name}`.
    channel: String,
    /// RFC 3339.
    start: String,
    /// Seconds.
    duration: f64,
    state: &'static str,
    bytes: u64,
    /// None where the channel was deleted: its addresses are gone, or another channel's.
    playlist: Option<String>,
    mp4: Option<String>,
}

impl Entry {
    fn new(origins: &Origins, channels: &Snapshot, recording: &Recording) -> Self {
        let is_served = channels.channel(&recording.path).is_some_and(|channel| channel.id == recording.channel);
        let (playlist, mp4) = is_served.then(|| recording_urls(origins, &recording.path, recording.id)).unzip();
        Self {
            id: recording.id.to_string(),
            channel: recording.path.to_string(),
            start: recording.started.to_string(),
            duration: recording.duration_ms as f64 / 1_000.0,
            state: recording.state.as_str(),
            bytes: recording.bytes,
            playlist,
            mp4,
        }
    }
}

async fn list(config: &Config, channel: Option<&str>, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let mut found = store.recordings(None).await?;
    if let Some(written) = channel {
        let path = Target::written(written).path().map_err(|message| Failure::new(Code::Usage, message))?;
        // By path, so that those of a channel that was deleted are found too.
        found.retain(|recording| recording.path == path);
        if found.is_empty() && store.channel(&path).await?.is_none() {
            let advice = format!("there is no channel {path}; `tayang channel list` shows all");
            return Err(Failure::new(Code::NotFound, advice));
        }
    }
    refresh(config, &mut found).await?;
    let origins = Origins::of(config);
    let channels = store.snapshot().await?;
    let entries: Vec<Entry> = found.iter().map(|recording| Entry::new(&origins, &channels, recording)).collect();
    if json {
        return answer_json(&entries);
    }
    if entries.is_empty() {
        remark("There is no recording yet.");
        return Ok(());
    }
    let row = |entry: &Entry| {
        vec![
            entry.channel.clone(),
            entry.id.clone(),
            entry.start.clone(),
            clock(entry.duration),
            entry.state.to_owned(),
            entry.bytes.to_string(),
            entry.mp4.clone().unwrap_or_else(|| "- (channel deleted)".to_owned()),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    answer(&table(&["CHANNEL", "ID", "START", "DURATION", "STATE", "BYTES", "MP4"], &rows))
}

/// Brings what is still recorded up to date from its journal: the database learns its length at the end only.
async fn refresh(config: &Config, recordings: &mut [Recording]) -> Result<(), Failure> {
    let growing = |recording: &&mut Recording| recording.state == RecordingState::Recording;
    let mut growing = recordings.iter_mut().filter(growing).peekable();
    if growing.peek().is_none() {
        return Ok(());
    }
    let archive = archive(config)?;
    for recording in growing {
        // One that cannot be read is listed as the database knows it: `verify` tells what is wrong with it.
        if let Ok(index) = archive.index(key(recording)).await {
            (recording.duration_ms, recording.bytes) = (index.duration_ms(), index.bytes());
        }
    }
    Ok(())
}

/// The recording written as ID or APP/NAME/ID.
fn find<'a>(recordings: &'a [Recording], written: &str) -> Result<&'a Recording, Failure> {
    let (path, id) = written.rsplit_once('/').map_or((None, written), |(path, id)| (Some(path), id));
    let id: StreamId = id
        .parse()
        .map_err(|_| Failure::new(Code::Usage, format!("{written:?} is no recording's id: ID or APP/NAME/ID")))?;
    let is_meant =
        |recording: &&Recording| recording.id == id && path.is_none_or(|path| recording.path.to_string() == path);
    let mut found = recordings.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(_)) => {
            let message = format!("several recordings have the id {id}: write it as {}/{id}", one.path);
            Err(Failure::new(Code::Usage, message))
        }
        (None, _) => {
            let message = format!("there is no recording {written}; `tayang recording list` shows all");
            Err(Failure::new(Code::NotFound, message))
        }
    }
}

fn archive(config: &Config) -> Result<Arc<Archive>, Failure> {
    Ok(Arc::new(Archive::open(config.recorder(), config.open_objects()?)))
}

fn key(recording: &Recording) -> RecordingKey {
    RecordingKey { channel: recording.channel, stream: recording.id }
}

async fn verify(config: &Config, ids: &[String], json: bool) -> Result<(), Failure> {
    let recordings = open(config).await?.recordings(None).await?;
    let chosen: Vec<&Recording> = if ids.is_empty() {
        recordings.iter().collect()
    } else {
        ids.iter().map(|id| find(&recordings, id)).collect::<Result<_, _>>()?
    };
    let archive = archive(config)?;
    let (mut answers, mut all_sound) = (Vec::new(), true);
    for recording in chosen {
        let report = archive.verify(key(recording)).await.map_err(|error| error.to_string());
        let sound = report.as_ref().is_ok_and(VerifyReport::is_sound);
        all_sound &= sound;
        if json {
            answers.push(verdict(recording, &report));
        } else {
            answer(&told(recording, &report))?;
        }
    }
    if json {
        answer_json(&answers)?;
    }
    if all_sound { Ok(()) } else { Err(Failure::silent(Code::Problem)) }
}

fn verdict(recording: &Recording, report: &Result<VerifyReport, String>) -> serde_json::Value {
    let (id, channel) = (recording.id.to_string(), recording.path.to_string());
    match report {
        Err(error) => json!({ "id": id, "channel": channel, "sound": false, "error": error }),
        Ok(report) => {
            let checks: Vec<_> = report
                .checks
                .iter()
                .map(|check| json!({ "name": check.name, "passed": check.passed, "detail": check.detail }))
                .collect();
            json!({
                "id": id,
                "channel": channel,
                "sound": report.is_sound(),
                "duration": report.duration_ms as f64 / 1_000.0,
                "bytes": report.bytes,
                "gaps": report.gaps,
                "checks": checks,
            })
        }
    }
}

fn told(recording: &Recording, report: &Result<VerifyReport, String>) -> String {
    let name = format!("{}/{}", recording.path, recording.id);
    match report {
        Err(error) => format!("{name}  BROKEN\n  {error}\n"),
        Ok(report) => {
            let word = if report.is_sound() { "sound" } else { "BROKEN" };
            let gaps = if report.gaps == 0 { String::new() } else { format!(", {} gaps", report.gaps) };
            let duration = clock(report.duration_ms as f64 / 1_000.0);
            let lines: String = report
                .checks
                .iter()
                .map(|check| {
                    let passed = match check.passed {
                        Some(true) => "ok",
                        Some(false) => "WRONG",
                        None => "skipped",
                    };
                    format!("  {passed:<8}{:<10}{}\n", check.name, check.detail)
                })
                .collect();
            format!("{name}  {word}  {duration}, {} bytes{gaps}\n{lines}", report.bytes)
        }
    }
}

async fn export(config: &Config, id: &str, to: &Path, force: bool, json: bool) -> Result<(), Failure> {
    let recordings = open(config).await?.recordings(None).await?;
    let recording = find(&recordings, id)?;
    if to.is_dir() {
        return Err(Failure::new(Code::Usage, format!("{} is a directory: name the file", to.display())));
    }
    if to.exists() && !force {
        let message = format!("{} exists already: name another, or replace it with --force", to.display());
        return Err(Failure::new(Code::Exists, message));
    }
    let terminal = !json && std::io::stderr().is_terminal();
    let mut shown = None;
    let progress = |written: u64, total: u64| {
        let percent = written.saturating_mul(100) / total.max(1);
        if terminal && shown.replace(percent) != Some(percent) {
            let _ = write!(std::io::stderr(), "\r{percent} %");
        }
    };
    let written = archive(config)?.export(key(recording), to, progress).await;
    if terminal {
        remark("");
    }
    let bytes = written?;
    if json {
        answer_json(&json!({ "id": recording.id.to_string(), "file": to.display().to_string(), "bytes": bytes }))
    } else {
        answer(&format!("{} written, {bytes} bytes.\n", to.display()))
    }
}

/// `h:mm:ss` of seconds.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(path: &str, id: u64) -> Recording {
        Recording {
            id: StreamId(id),
            channel: control::Uuid::from_u128(u128::from(id)),
            path: Target::written(path).path().expect("path"),
            started: media::UnixMillis(0),
            duration_ms: 0,
            bytes: 0,
            next_msn: 0,
            state: control::RecordingState::Ready,
        }
    }

    #[test]
    fn a_recording_is_found_by_id_or_by_channel_and_id() {
        let all = [recording("live/a", 1), recording("live/a", 2), recording("live/b", 2)];
        let find = |written: &str| find(&all, written).map(|found| found.path.to_string()).ok();
        assert_eq!(find("1").as_deref(), Some("live/a"));
        assert_eq!(find("live/b/2").as_deref(), Some("live/b"));
        for bad in ["2", "3", "live/c/1", "b/2", "x", "", "live/a/", "-1"] {
            assert_eq!(find(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_reads_as_a_clock() {
        for (seconds, text) in [(0.0, "0:00:00"), (59.99, "0:00:59"), (3_661.0, "1:01:01"), (360_000.0, "100:00:00")] {
            assert_eq!(clock(seconds), text);
        }
    }
}
