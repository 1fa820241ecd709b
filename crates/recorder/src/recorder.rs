//! The recorder as the server holds it: recovers at start, begins recordings, lists and reads them.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use control::{Channel, Recording, RecordingRepository};
use media::{ChannelPath, StreamId, UnixMillis};
use object_store::ObjectStore;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::archive::Archive;
use crate::config::RecorderConfig;
use crate::entry::{Entry, Health, Registry};
use crate::error::RecorderError;
use crate::index::{Fold, GapReason, Phase};
use crate::journal::record::Header;
use crate::journal::recover::{Outcome, recover};
use crate::journal::volume::{Disk, Volume};
use crate::journal::writer::Journal;
use crate::key::{INDEX_LOG, RecordingKey};
use crate::lane::{Command, Lane, Worker, WorkerConfig};
use crate::sink::{Sink, blocking};
use crate::stream::StreamRecorder;
use crate::tender::{Tending, put_row, row_of, tend};

#[cfg(test)]
mod tests;

/// Where folders go that hold segments but no readable header: for a person to look at, never removed.
const DAMAGED_DIR: &str = "damaged";
/// Journals that are repaired at once at start: the time goes into waiting for flushes.
const RECOVERY_THREADS: usize = 8;
/// Held by the process that writes here.
const LOCK_FILE: &str = "lock";

/// How recording does, for `/healthz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderStatus {
    /// Streams being recorded.
    pub recording: usize,
    /// Of those, the ones that lose media now, and why.
    pub stalled: Vec<(RecordingKey, GapReason)>,
    /// Recordings that have ended and are not wholly in the object store yet.
    pub sealed: usize,
}

/// What recordings have used up already: neither goes back, whatever the clock says after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The highest id of a stream that has a recording, or a journal in any state.
    pub newest: Option<StreamId>,
    /// Per channel, the number after the highest media sequence number, where that is above the second of `newest`.
    pub next_msn: HashMap<ChannelPath, u64>,
}

/// Records streams. One per journal folder.
pub struct Recorder {
    archive: Arc<Archive>,
    tending: Arc<Tending>,
    lanes: Vec<Arc<Lane>>,
    next_lane: AtomicUsize,
    health: Arc<Health>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    tenders: Mutex<JoinSet<()>>,
    /// Where tenders run: streams may begin on any thread.
    runtime: tokio::runtime::Handle,
    /// The highest stream of which a journal lay there at start, readable or not.
    newest_journal: Option<StreamId>,
    _lock: File,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("journal_dir", &self.archive.config.journal_dir).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Takes the journal folder, ends what a kill left open, and goes on with uploads in the background. Recordings can
    /// be listed and played when this returns.
    ///
    /// # Errors
    /// [`RecorderError::Locked`] if another process records there, [`RecorderError::Journal`] if the folder is unusable.
    /// A folder of one recording that cannot be repaired is logged, left alone, and no error.
    pub async fn open(
        config: RecorderConfig,
        objects: Arc<dyn ObjectStore>,
        repository: Arc<dyn RecordingRepository>,
    ) -> Result<Arc<Self>, RecorderError> {
        Self::open_on(config, objects, repository, Arc::new(Disk)).await
    }

    /// As [`Recorder::open`], on a disk of the test's making.
    pub(crate) async fn open_on(
        config: RecorderConfig,
        objects: Arc<dyn ObjectStore>,
        repository: Arc<dyn RecordingRepository>,
        volume: Arc<dyn Volume>,
    ) -> Result<Arc<Self>, RecorderError> {
        let lock = lock(&config.journal_dir)?;
        let registry = Arc::<Registry>::default();
        let archive = Arc::new(Archive::over(config.clone(), objects.clone(), registry.clone()));
        let (lanes, threads) = start_lanes(&config, &volume, &registry)?;
        let sink = Sink { objects, objects_dir: config.objects_dir.clone() };
        let uploads = Semaphore::new(config.uploads_max.max(1));
        let tending = Tending { sink, repository, lanes: lanes.clone(), uploads };
        let recorder = Arc::new(Self {
            archive,
            tending: Arc::new(tending),
            lanes,
            next_lane: AtomicUsize::new(0),
            health: Arc::default(),
            threads: Mutex::new(threads),
            tenders: Mutex::new(JoinSet::new()),
            runtime: tokio::runtime::Handle::current(),
            newest_journal: newest_journal(&config.journal_dir),
            _lock: lock,
        });
        let journal_dir = config.journal_dir.clone();
        let journals = blocking(move || Ok(recover_all(&journal_dir, &volume))).await?;
        for journal in journals {
            recorder.adopt(journal).await;
        }
        Ok(recorder)
    }

    async fn adopt(&self, journal: Journal) {
        let entry = self.add_entry(journal.fold());
        let view = entry.view();
        // Listed at once; what the database does not take now its tender brings later.
        if view.bytes > 0
            && let Err(error) = put_row(&*self.tending.repository, &row_of(&view, phase_state(Phase::Sealed))).await
        {
            tracing::warn!(recording = %entry.key, %error, "recovered recording is not in the database yet");
        }
        tracing::info!(recording = %entry.key, duration_ms = view.duration_ms, bytes = view.bytes, "recovered recording");
        self.lanes[entry.lane].send_small(Command::Adopt(entry.clone(), Box::new(journal)));
        self.tend(entry);
    }

    fn add_entry(&self, fold: &Fold) -> Arc<Entry> {
        let lane = self.next_lane.fetch_add(1, Ordering::Relaxed) % self.lanes.len();
        let entry = Arc::new(Entry::new(&self.archive.config.journal_dir, fold, lane, self.health.clone()));
        self.archive.registry.insert(entry.clone());
        entry
    }

    fn tend(&self, entry: Arc<Entry>) {
        let mut tenders = self.tenders.lock();
        while tenders.try_join_next().is_some() {}
        tenders.spawn_on(tend(self.tending.clone(), entry), &self.runtime);
    }

    /// Begins to record a stream. Does not wait: if the disk refuses, the recording begins as soon as it does not.
    ///
    /// A stream is begun once: ids are unique within a channel. They ascend, so that they run ahead of the clock where it was
    /// set back, and are no time to show: `started` is.
    #[must_use]
    pub fn begin(&self, stream: StreamId, channel: &Channel, started: UnixMillis) -> StreamRecorder {
        let key = RecordingKey { channel: channel.id, stream };
        let header = Header { key, path: channel.path.clone(), started };
        let entry = self.add_entry(&Fold::new(header.clone()));
        let lane = self.lanes[entry.lane].clone();
        lane.send_small(Command::Begin(entry.clone(), header));
        self.tend(entry.clone());
        StreamRecorder::new(entry, lane, self.archive.config.stream_queue_bytes_max)
    }

    /// The reading side.
    #[must_use]
    pub fn archive(&self) -> &Arc<Archive> {
        &self.archive
    }

    /// How recording does now.
    #[must_use]
    pub fn status(&self) -> RecorderStatus {
        let mut status = RecorderStatus::default();
        for entry in self.archive.registry.all() {
            match entry.index().phase {
                Phase::Recording => status.recording += 1,
                Phase::Sealed | Phase::Ready => status.sealed += 1,
            }
            status.stalled.extend(entry.stalled().map(|why| (entry.key, why)));
        }
        status.stalled.sort_unstable_by_key(|(key, _)| *key);
        status
    }

    /// Bytes of parts that wait for the disk.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.queued_bytes()).sum()
    }

    /// Recordings of one channel, or of all, oldest first: those of the database, with the newest figures of those that
    /// are not ready.
    ///
    /// # Errors
    /// [`RecorderError::Repository`].
    pub async fn list(&self, channel: Option<uuid::Uuid>) -> Result<Vec<Recording>, RecorderError> {
        let live = self.archive.registry.all();
        let mut rows = self.tending.repository.recordings(channel).await?;
        bring_up_to_date(&mut rows, &live, channel);
        rows.sort_by_key(|row| (row.started, row.id));
        Ok(rows)
    }

    /// The newest recordings of a channel, newest first, at most `max`, with the same figures. Reads no others.
    ///
    /// # Errors
    /// [`RecorderError::Repository`].
    pub async fn newest(&self, channel: uuid::Uuid, max: u32) -> Result<Vec<Recording>, RecorderError> {
        let live = self.archive.registry.all();
        let mut rows = self.tending.repository.newest_recordings(channel, max).await?;
        bring_up_to_date(&mut rows, &live, Some(channel));
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(rows)
    }

    /// What all recordings have used up that a new stream could meet. Reads no others: that of the newest, and of those whose
    /// numbers are above the second of it, below which no stream begins from then on.
    ///
    /// # Errors
    /// [`RecorderError::Repository`].
    pub async fn used(&self) -> Result<Used, RecorderError> {
        let live = self.archive.registry.all();
        let mut rows = self.tending.repository.recordings_ahead().await?;
        bring_up_to_date(&mut rows, &live, None);
        let mut used = Used { newest: self.newest_journal.max(rows.iter().map(|row| row.id).max()), ..Used::default() };
        for row in rows {
            let next = used.next_msn.entry(row.path).or_default();
            *next = row.next_msn.max(*next);
        }
        Ok(used)
    }

    /// Ends recording in this process: what was pushed is written and flushed, uploads stop where they are and go on at
    /// the next start. Streams must have been finished before.
    pub async fn shutdown(&self) {
        for lane in &self.lanes {
            lane.send_small(Command::Shutdown);
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        let _ = blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a recording thread had panicked");
                }
            }
            Ok(())
        })
        .await;
        let mut tenders = std::mem::take(&mut *self.tenders.lock());
        tenders.shutdown().await;
    }

    /// Waits until the recording of every stream that has ended is ready, at most `limit`. True if all are.
    pub async fn settle(&self, limit: Duration) -> bool {
        let until = tokio::time::Instant::now() + limit;
        while self.archive.registry.all().iter().any(|entry| entry.ended.load(Ordering::Relaxed)) {
            if tokio::time::Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.send_small(Command::Shutdown);
        }
    }
}

fn phase_state(phase: Phase) -> control::RecordingState {
    match phase {
        Phase::Recording => control::RecordingState::Recording,
        Phase::Sealed => control::RecordingState::Sealed,
        Phase::Ready => control::RecordingState::Ready,
    }
}

fn lock(journal_dir: &Path) -> Result<File, RecorderError> {
    let failed = |error| RecorderError::Journal { path: journal_dir.to_owned(), error };
    std::fs::create_dir_all(journal_dir).map_err(failed)?;
    let file = File::create(journal_dir.join(LOCK_FILE)).map_err(failed)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(RecorderError::Locked(journal_dir.to_owned())),
        Err(error) => Err(failed(error.into())),
    }
}

type Lanes = (Vec<Arc<Lane>>, Vec<JoinHandle<()>>);

fn start_lanes(
    config: &RecorderConfig,
    volume: &Arc<dyn Volume>,
    registry: &Arc<Registry>,
) -> Result<Lanes, RecorderError> {
    let (mut lanes, mut threads) = (Vec::new(), Vec::new());
    for number in 0..config.io_threads.max(1) {
        let lane = Arc::new(Lane::new(number, config.queue_bytes_max));
        let worker_config = WorkerConfig {
            journal_dir: config.journal_dir.clone(),
            reserve_bytes: config.reserve_bytes,
            flush_interval: Duration::from_millis(config.flush_interval_ms),
            volume: volume.clone(),
            registry: registry.clone(),
        };
        let worker = Worker::new(worker_config, lane.clone());
        let name = format!("recorder-{number}");
        threads.push(std::thread::Builder::new().name(name).spawn(move || worker.run())?);
        lanes.push(lane);
    }
    Ok((lanes, threads))
}

/// The newest figures of recordings of `channel`, or of any, that are not ready; those that no row tells of are added.
fn bring_up_to_date(rows: &mut Vec<Recording>, live: &[Arc<Entry>], channel: Option<uuid::Uuid>) {
    for entry in live.iter().filter(|entry| channel.is_none_or(|channel| entry.key.channel == channel)) {
        let view = entry.view();
        if view.bytes == 0 {
            continue;
        }
        let row = row_of(&view, phase_state(view.index.phase));
        match rows.iter_mut().find(|old| old.channel == row.channel && old.id == row.id) {
            Some(old) if old.state > row.state => (),
            Some(old) => *old = row,
            None => rows.push(row),
        }
    }
}

/// Repairs every journal under `journal_dir`. Trouble with one never keeps the others, nor the server, from starting.
fn recover_all(journal_dir: &Path, volume: &Arc<dyn Volume>) -> Vec<Journal> {
    let streams: Vec<_> = subfolders(journal_dir).iter().flat_map(|channel| subfolders(channel)).collect();
    let next = AtomicUsize::new(0);
    let journals = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..RECOVERY_THREADS.min(streams.len()) {
            scope.spawn(|| {
                while let Some(stream) = streams.get(next.fetch_add(1, Ordering::Relaxed)) {
                    journals.lock().extend(recover_one(journal_dir, stream, volume));
                }
            });
        }
    });
    let mut journals = journals.into_inner();
    journals.sort_by_key(|journal: &Journal| journal.fold().index().key);
    journals
}

fn recover_one(journal_dir: &Path, stream: &Path, volume: &Arc<dyn Volume>) -> Option<Journal> {
    let mut names = stream.iter().rev().filter_map(|name| name.to_str());
    let (stream_name, channel_name) = (names.next()?, names.next()?);
    let key = RecordingKey::of_folder(channel_name, stream_name)?;
    match recover(stream, volume) {
        Ok(Outcome::Recovered(journal)) if journal.fold().index().key == key => return Some(*journal),
        Ok(Outcome::Recovered(_) | Outcome::Unreadable { has_segments: true }) => set_aside(journal_dir, stream, key),
        Ok(Outcome::Unreadable { has_segments: false }) => {
            // The process died before it had written the first record.
            let _ = std::fs::remove_file(stream.join(INDEX_LOG));
            let _ = std::fs::remove_dir(stream);
        }
        Err(error) => tracing::error!(recording = %key, %error, "journal cannot be repaired now, left as it is"),
    }
    None
}

fn set_aside(journal_dir: &Path, folder: &Path, key: RecordingKey) {
    let damaged = journal_dir.join(DAMAGED_DIR);
    let target = damaged.join(format!("{}-{}", key.channel, key.stream));
    let moved = std::fs::create_dir_all(&damaged).and_then(|()| std::fs::rename(folder, &target));
    tracing::error!(recording = %key, ?moved, to = %target.display(), "journal has no readable header, set aside");
}

/// The highest stream of any journal folder, those set aside included.
fn newest_journal(journal_dir: &Path) -> Option<StreamId> {
    let id_of = |folder: &Path| folder.file_name()?.to_str()?.rsplit('-').next()?.parse().ok();
    let streams = subfolders(journal_dir).into_iter().flat_map(|channel| subfolders(&channel));
    streams.filter_map(|folder| id_of(&folder)).max()
}

fn subfolders(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
