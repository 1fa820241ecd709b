//! `tayang recording`.

use control::{ChannelRepository, Recording, RecordingRepository};
use serde::Serialize;

use super::{answer, answer_json, open, remark, table};
use crate::addresses::{Origins, recording_urls};
use crate::cli::{Recording as Command, Target};
use crate::config::Config;
use crate::failure::{Code, Failure};

/// Does one of them.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { channel, json } => list(config, channel.as_deref(), json.json).await,
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
    playlist: String,
    mp4: String,
}

impl Entry {
    fn new(origins: &Origins, recording: &Recording) -> Self {
        let (playlist, mp4) = recording_urls(origins, &recording.path, recording.id);
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
    let origins = Origins::of(config);
    let entries: Vec<Entry> = found.iter().map(|recording| Entry::new(&origins, recording)).collect();
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
            entry.mp4.clone(),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    answer(&table(&["CHANNEL", "ID", "START", "DURATION", "STATE", "BYTES", "MP4"], &rows))
}

/// `h:mm:ss` of seconds.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_as_a_clock() {
        for (seconds, text) in [(0.0, "0:00:00"), (59.99, "0:00:59"), (3_661.0, "1:01:01"), (360_000.0, "100:00:00")] {
            assert_eq!(clock(seconds), text);
        }
    }
}
