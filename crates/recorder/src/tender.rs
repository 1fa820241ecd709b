//! Takes one recording from its journal to the object store: database row, segments, index, MP4 head. One task each.
//!
//! Off the live path. Everything is tried again until it succeeds, and everything may be done twice: a crash anywhere is
//! repaired by the next start doing it again.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use control::{Recording, RecordingRepository, RecordingState, RepositoryError};
use media::TrackId;
use object_store::ObjectStoreExt;
use tokio::sync::Semaphore;

use crate::entry::{Entry, View};
use crate::error::RecorderError;
use crate::index::{Phase, SegmentEntry};
use crate::journal::frame::{self, FrameReader};
use crate::journal::record::Record;
use crate::key::{INDEX_BIN, INDEX_LOG, MP4_HEAD, segment_file};
use crate::lane::{Command, Lane};
use crate::layout::make_head;
use crate::sink::{Sink, blocking};

/// How often the database learns how long a recording is while it is recorded.
const ROW_INTERVAL: Duration = Duration::from_secs(5);
/// First pause after a failure; doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// Longest pause: an outage of the store is over at most this long before its backlog moves.
const BACKOFF_MAX: Duration = Duration::from_secs(15);

/// What all tenders share.
pub(crate) struct Tending {
    pub(crate) sink: Sink,
    pub(crate) repository: Arc<dyn RecordingRepository>,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) uploads: Semaphore,
}

struct Tender {
    shared: Arc<Tending>,
    entry: Arc<Entry>,
    /// Per track, the number after the last segment that is dealt with.
    next: HashMap<TrackId, u64>,
    /// Segments that were taken out and that the index may still hold: the journal's own thread writes it.
    dropped: Vec<(TrackId, u64)>,
    row: Option<Recording>,
    row_at: Instant,
}

/// Runs until the recording is ready, or until the task is dropped at shutdown.
pub(crate) async fn tend(shared: Arc<Tending>, entry: Arc<Entry>) {
    let mut tender =
        Tender { shared, entry, next: HashMap::new(), dropped: Vec::new(), row: None, row_at: Instant::now() };
    let mut backoff = BACKOFF_MIN;
    loop {
        let pause = match tender.step().await {
            Ok(true) => return,
            Ok(false) => {
                backoff = BACKOFF_MIN;
                ROW_INTERVAL
            }
            Err(error) => {
                metrics::counter!("tayang_recording_upload_errors_total").increment(1);
                tracing::warn!(recording = %tender.entry.key, %error, retry_ms = backoff.as_millis() as u64, "recording not stored yet");
                let pause = backoff;
                backoff = (backoff * 2).min(BACKOFF_MAX);
                // The stream goes on making segments: only time ends the pause.
                tokio::time::sleep(pause).await;
                continue;
            }
        };
        let _ = tokio::time::timeout(pause, tender.entry.changed.notified()).await;
    }
}

impl Tender {
    /// Does all that can be done now. True when there is nothing left to do, ever.
    async fn step(&mut self) -> Result<bool, RecorderError> {
        let view = self.entry.view();
        if view.closed && view.empty {
            self.forget().await?;
            return Ok(true);
        }
        // The store must not wait for the database, nor the other way round.
        let row = self.tell(&view, false).await;
        self.upload(&view).await?;
        row?;
        // What is made ready must be made of an index without the segments that were taken out.
        self.dropped
            .retain(|(track, msn)| view.index.track(*track).is_some_and(|track| track.segments.get(*msn).is_some()));
        if !view.closed || !self.dropped.is_empty() {
            return Ok(false);
        }
        self.make_ready(&view).await?;
        Ok(true)
    }

    /// Keeps the database's row in step: at once when the state changes, at intervals while it grows.
    async fn tell(&mut self, view: &View, ready: bool) -> Result<(), RecorderError> {
        if view.bytes == 0 {
            return Ok(());
        }
        let state = match (view.index.phase, ready) {
            (_, true) | (Phase::Ready, false) => RecordingState::Ready,
            (Phase::Sealed, false) => RecordingState::Sealed,
            (Phase::Recording, false) => RecordingState::Recording,
        };
        let row = row_of(view, state);
        let due = self.row.as_ref().is_none_or(|old| {
            old.state != row.state || (*old != row && (view.closed || self.row_at.elapsed() >= ROW_INTERVAL))
        });
        if due {
            put_row(&*self.shared.repository, &row).await?;
            self.row = Some(row);
            self.row_at = Instant::now();
        }
        Ok(())
    }

    /// Stores what is complete, and takes out what cannot be stored.
    async fn upload(&mut self, view: &View) -> Result<(), RecorderError> {
        for track in &view.index.tracks {
            let first = self.next.get(&track.id).copied().unwrap_or(0);
            for segment in track.segments.iter_from(first) {
                if !segment.stored {
                    self.upload_segment(track.id, segment).await?;
                }
                self.next.insert(track.id, segment.msn + 1);
            }
        }
        Ok(())
    }

    async fn upload_segment(&mut self, track: TrackId, segment: &SegmentEntry) -> Result<(), RecorderError> {
        let shared = self.shared.clone();
        let _permit = shared.uploads.acquire().await.map_err(std::io::Error::other)?;
        let object = self.entry.key.segment_object(track, segment.msn);
        let path = self.entry.folder.join(segment_file(track, segment.msn));
        let (entry, msn) = (self.entry.clone(), segment.msn);
        let command = match self.read_whole(path.clone()).await? {
            Some(bytes) if is_whole(&bytes, segment) => {
                self.shared.sink.put(&object, bytes, Some(&path)).await?;
                metrics::counter!("tayang_recording_segments_stored_total").increment(1);
                Command::Stored(entry, track, msn)
            }
            Some(_) => Command::Drop(entry, track, msn),
            // Stored before a crash that came before its record.
            None => match self.shared.sink.objects.head(&object).await {
                Ok(meta) if meta.size == segment.bytes => Command::Stored(entry, track, msn),
                Ok(_) | Err(object_store::Error::NotFound { .. }) => Command::Drop(entry, track, msn),
                Err(error) => return Err(error.into()),
            },
        };
        let dropped = matches!(command, Command::Drop(..));
        if dropped {
            self.dropped.push((track, msn));
            tracing::error!(recording = %self.entry.key, track = track.0, msn, "segment is damaged or missing and leaves the recording");
            metrics::counter!("tayang_recording_segments_damaged_total").increment(1);
        }
        self.lane().send_small(command);
        Ok(())
    }

    async fn read_whole(&self, path: PathBuf) -> Result<Option<Bytes>, RecorderError> {
        let read = move || match std::fs::read(path) {
            Ok(bytes) => Ok(Some(Bytes::from(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        Ok(blocking(read).await?)
    }

    fn lane(&self) -> &Arc<Lane> {
        &self.shared.lanes[self.entry.lane % self.shared.lanes.len()]
    }

    /// Writes what readers of a finished recording need, the index last: its presence says that all else is there.
    async fn make_ready(&mut self, view: &View) -> Result<(), RecorderError> {
        let log = self.entry.folder.join(INDEX_LOG);
        let index = view.index.clone();
        let made = move || {
            let head = make_head(&index, std::fs::File::open(&log)?)?;
            Ok((head, finished_records(std::fs::File::open(&log)?)?))
        };
        let (head, records) = blocking(made).await?;
        match head {
            Ok(head) => self.shared.sink.put(&self.entry.key.object(MP4_HEAD), head, None).await?,
            Err(error) => tracing::error!(recording = %self.entry.key, %error, "recording has no MP4"),
        }
        self.shared.sink.put(&self.entry.key.object(INDEX_BIN), records.into(), None).await?;
        self.tell(view, true).await?;
        self.lane().send_small(Command::Remove(self.entry.clone()));
        tracing::info!(recording = %self.entry.key, duration_ms = view.duration_ms, bytes = view.bytes, "recording is ready");
        Ok(())
    }

    /// A recording of nothing leaves nothing.
    async fn forget(&self) -> Result<(), RecorderError> {
        let key = self.entry.key;
        self.shared.repository.delete_recording(key.channel, key.stream).await?;
        self.lane().send_small(Command::Remove(self.entry.clone()));
        Ok(())
    }
}

fn is_whole(bytes: &[u8], segment: &SegmentEntry) -> bool {
    bytes.len() as u64 == segment.bytes && crc32fast::hash(bytes) == segment.crc
}

/// Keeps what is known of a recording. After a crash between the last steps a recording is sealed once more although it
/// was ready already; its row does not go back.
pub(crate) async fn put_row(repository: &dyn RecordingRepository, row: &Recording) -> Result<(), RepositoryError> {
    if row.state == RecordingState::Sealed {
        let known = repository.recording(row.channel, row.id).await?;
        if known.is_some_and(|known| known.state > row.state) {
            return Ok(());
        }
    }
    repository.put_recording(row).await
}

pub(crate) fn row_of(view: &View, state: RecordingState) -> Recording {
    Recording {
        id: view.index.key.stream,
        channel: view.index.key.channel,
        path: view.index.path.clone(),
        started: view.index.started,
        duration_ms: view.duration_ms,
        bytes: view.bytes,
        next_msn: view.next_msn,
        state,
    }
}

/// The sound records of a log without those that only its journal needed.
fn finished_records(log: impl Read) -> std::io::Result<Vec<u8>> {
    let mut frames = FrameReader::new(std::io::BufReader::new(log));
    let mut out = Vec::new();
    while let Some(bytes) = frames.next_record()? {
        if !matches!(Record::decode(bytes), Some(Record::Stored { .. }) | None) {
            frame::append(&mut out, |out| out.extend_from_slice(bytes));
        }
    }
    Ok(out)
}
