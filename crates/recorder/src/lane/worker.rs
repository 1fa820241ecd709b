//! What an I/O thread does with its commands: one [`Writing`] per stream, and one flush for all at the interval.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::{TrackId, UnixMillis};

use super::{Command, Lane};
use crate::entry::{Entry, Registry};
use crate::gate::{Admission, Gate};
use crate::index::{Fold, GapReason};
use crate::journal::record::{EndReason, Header, PartRecord};
use crate::journal::volume::Volume;
use crate::journal::writer::Journal;
use crate::key::{INDEX_LOG, RecordingKey};

/// Bytes after which a lane flushes without waiting for the interval, so that a power cut takes no more than recovery
/// looks through.
const FLUSH_BYTES: u64 = 8 << 20;
/// How often a disk that refused is tried again for what must still be written.
const RETRY: Duration = Duration::from_secs(1);
/// Room above the reserve before a stalled recording goes on, at most.
const RESUME_MARGIN_BYTES_MAX: u64 = 8 << 20;

/// What a worker is told.
#[derive(Debug, Clone)]
pub(crate) struct WorkerConfig {
    pub(crate) journal_dir: PathBuf,
    pub(crate) reserve_bytes: u64,
    pub(crate) flush_interval: Duration,
    pub(crate) volume: Arc<dyn Volume>,
    pub(crate) registry: Arc<Registry>,
}

/// One stream's journal and what stands in its way.
struct Writing {
    entry: Arc<Entry>,
    /// Not made yet while the disk refuses.
    journal: Option<Journal>,
    header: Option<Header>,
    gate: Gate,
    /// Tracks whose parts of an epoch are left out, as the journal does not take that configuration.
    refused: HashMap<TrackId, u32>,
    finished: bool,
    closed: bool,
}

/// The state of an I/O thread.
pub(crate) struct Worker {
    config: WorkerConfig,
    lane: Arc<Lane>,
    streams: HashMap<RecordingKey, Writing>,
    unflushed_bytes: u64,
    /// Something was written since the last flush.
    dirty: bool,
    flushed: Instant,
    flush_seconds: metrics::Histogram,
}

impl Worker {
    pub(crate) fn new(config: WorkerConfig, lane: Arc<Lane>) -> Self {
        let flush_seconds = metrics::histogram!("tayang_recording_flush_seconds");
        let streams = HashMap::new();
        Self { config, lane, streams, unflushed_bytes: 0, dirty: false, flushed: Instant::now(), flush_seconds }
    }

    /// Works until [`Command::Shutdown`].
    pub(crate) fn run(mut self) {
        loop {
            let wait = if self.dirty { self.flush_due() } else { RETRY };
            match self.lane.next(wait) {
                Some(Command::Shutdown) => break,
                Some(command) => self.handle(command),
                None => self.dirty |= self.streams.values().any(Writing::is_waiting),
            }
            if self.dirty && (self.flush_due().is_zero() || self.unflushed_bytes >= FLUSH_BYTES) {
                self.flush();
            }
        }
        self.flush();
    }

    fn flush_due(&self) -> Duration {
        self.config.flush_interval.saturating_sub(self.flushed.elapsed())
    }

    fn handle(&mut self, command: Command) {
        self.dirty = true;
        match command {
            Command::Begin(entry, header) => {
                let writing = Writing::new(entry, None, Some(header));
                self.streams.insert(writing.entry.key, writing);
            }
            Command::Adopt(entry, journal) => {
                let mut writing = Writing::new(entry, Some(*journal), None);
                writing.finished = true;
                self.streams.insert(writing.entry.key, writing);
            }
            Command::Part(entry, part) => {
                self.unflushed_bytes += part.bytes.len() as u64;
                self.with(&entry, |writing, config| writing.part(config, &part));
            }
            Command::Seal(entry, track, msn) => self.change(&entry, |journal| journal.seal(track, msn)),
            Command::Gap(entry, why, at) => self.with(&entry, |writing, config| writing.gap(config, why, at)),
            Command::Stored(entry, track, msn) => self.change(&entry, |journal| journal.stored(track, msn)),
            Command::Drop(entry, track, msn) => self.change(&entry, |journal| journal.drop_segment(track, msn)),
            Command::Finish(entry) => {
                self.with(&entry, |writing, _| writing.finish());
                // A recording that has ended should be seen so at once.
                self.flush();
            }
            Command::Remove(entry) => self.remove(&entry),
            Command::Shutdown => (),
        }
    }

    fn with(&mut self, entry: &Arc<Entry>, change: impl FnOnce(&mut Writing, &WorkerConfig)) {
        if let Some(writing) = self.streams.get_mut(&entry.key) {
            change(writing, &self.config);
            if let Some(journal) = &writing.journal {
                writing.entry.publish(journal.fold());
            }
        }
    }

    fn change(&mut self, entry: &Arc<Entry>, change: impl FnOnce(&mut Journal)) {
        self.with(entry, |writing, _| {
            if let Some(journal) = &mut writing.journal {
                change(journal);
            }
        });
    }

    fn remove(&mut self, entry: &Arc<Entry>) {
        let journal = self.streams.remove(&entry.key).and_then(|writing| writing.journal);
        // What says that every segment is stored reaches the disk before the first of them goes.
        let synced = journal.map_or(Ok(()), |mut journal| journal.sync());
        if let Err(error) = synced.and_then(|()| remove_journal(&entry.folder))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(recording = %entry.key, %error, "journal folder of a finished recording stays");
        }
        if let Some(channel) = entry.folder.parent() {
            // Fails while other streams of the channel lie there, and should.
            let _ = std::fs::remove_dir(channel);
            let _ = self.config.volume.sync_dir(&self.config.journal_dir);
        }
        // Last: who does not find it there looks into the folder next, and into the store after that.
        self.config.registry.remove(&entry.key);
    }

    fn flush(&mut self) {
        let begun = Instant::now();
        for writing in self.streams.values_mut() {
            writing.flush();
        }
        self.flush_seconds.record(begun.elapsed().as_secs_f64());
        self.flushed = Instant::now();
        self.unflushed_bytes = 0;
        self.dirty = false;
    }
}

impl Writing {
    fn new(entry: Arc<Entry>, journal: Option<Journal>, header: Option<Header>) -> Self {
        Self { entry, journal, header, gate: Gate::OPEN, refused: HashMap::new(), finished: false, closed: false }
    }

    /// Something could not be written yet and must be.
    fn is_waiting(&self) -> bool {
        (self.finished && !self.closed) || self.journal.as_ref().is_some_and(|journal| !journal.is_synced())
    }

    fn part(&mut self, config: &WorkerConfig, part: &packager::Part) {
        if self.refused.get(&part.track) == Some(&part.epoch) {
            metrics::counter!("tayang_recording_parts_lost_total").increment(1);
            return;
        }
        let mut gate = self.gate;
        let admission = gate.admit(part.msn, part.index, || self.can_go_on(config));
        self.gate = gate;
        match admission {
            Admission::Drop => {
                metrics::counter!("tayang_recording_parts_lost_total").increment(1);
                return;
            }
            Admission::KeepAfterGap => {
                self.entry.set_stalled(None);
                tracing::info!(recording = %self.entry.key, "recording goes on after a gap");
            }
            Admission::Keep => (),
        }
        if let Err(error) = self.write(config, part) {
            match error {
                Unwritten::Configuration(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.refuse(part, &error);
                }
                Unwritten::Configuration(error) | Unwritten::Part(error) => self.lose(part, &error),
            }
        }
    }

    /// The journal can never take this configuration. Its track is left out until the next one; the others go on.
    fn refuse(&mut self, part: &packager::Part, error: &io::Error) {
        self.refused.insert(part.track, part.epoch);
        self.entry.forget_inits(part.track, part.epoch);
        metrics::counter!("tayang_recording_parts_lost_total").increment(1);
        metrics::counter!("tayang_recording_gaps_total").increment(1);
        let (recording, track) = (self.entry.key, part.track.0);
        tracing::error!(%recording, track, %error, "a track's configuration cannot be recorded: it is left out, live goes on");
    }

    fn can_go_on(&mut self, config: &WorkerConfig) -> bool {
        let margin = (config.reserve_bytes / 8).min(RESUME_MARGIN_BYTES_MAX);
        let free = config.volume.free_bytes(&config.journal_dir).unwrap_or(0);
        free > config.reserve_bytes + margin && self.journal.as_mut().is_none_or(|journal| journal.settle().is_ok())
    }

    fn write(&mut self, config: &WorkerConfig, part: &packager::Part) -> Result<(), Unwritten> {
        let entry = self.entry.clone();
        let init = entry.waiting_init(part.track, part.epoch);
        let len = part.bytes.len() + init.as_ref().map_or(0, |init| init.bytes.len() + init.track.config.len());
        let free = config.volume.free_bytes(&config.journal_dir).map_err(Unwritten::Part)?;
        if free < config.reserve_bytes + len as u64 {
            return Err(Unwritten::Part(io::ErrorKind::StorageFull.into()));
        }
        let journal = self.opened(config).map_err(Unwritten::Part)?;
        if let Some(init) = init {
            journal.write_init(&init).map_err(Unwritten::Configuration)?;
            entry.forget_inits(part.track, part.epoch);
        }
        journal.write_part(record_of(part), &part.bytes).map_err(Unwritten::Part)
    }

    /// The journal, made with the first thing that is to be in it.
    fn opened(&mut self, config: &WorkerConfig) -> io::Result<&mut Journal> {
        match &mut self.journal {
            Some(journal) => Ok(journal),
            none => {
                let header = self.header.clone().ok_or(io::ErrorKind::NotFound)?;
                Ok(none.insert(Journal::create(&config.journal_dir, header, config.volume.clone())?))
            }
        }
    }

    /// Something was lost before it came here. A disk that takes no journal either tells a gap of its own.
    fn gap(&mut self, config: &WorkerConfig, why: GapReason, at: UnixMillis) {
        if let Ok(journal) = self.opened(config) {
            journal.lose(why, at);
        }
    }

    /// The part is lost: the gap is marked, the alarm raised, and nothing is kept until a segment starts with room.
    fn lose(&mut self, part: &packager::Part, error: &io::Error) {
        let why = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => GapReason::DiskFull,
            io::ErrorKind::InvalidInput => GapReason::Sequence,
            _ => GapReason::DiskFault,
        };
        self.gate.shut(part.msn);
        if let Some(journal) = &mut self.journal {
            journal.lose(why, part.wall);
        }
        metrics::counter!("tayang_recording_gaps_total").increment(1);
        if self.entry.set_stalled(Some(why)) {
            tracing::error!(recording = %self.entry.key, ?why, %error, "recording stalled, live goes on");
        }
    }

    fn finish(&mut self) {
        self.finished = true;
        if let Some(journal) = &mut self.journal {
            journal.end(EndReason::Ended);
        }
    }

    fn flush(&mut self) {
        let Some(journal) = &mut self.journal else {
            if self.finished && !self.closed {
                self.closed = true;
                self.entry.set_stalled(None);
                self.entry.close(true);
            }
            return;
        };
        if !journal.is_synced()
            && let Err(error) = journal.sync()
        {
            self.flush_failed(&error);
            return;
        }
        if !self.gate.is_shut() && journal.is_synced() {
            // Nothing of an open segment was lost to it: the alarm was for a flush, which has worked now.
            self.entry.clear_stalled(GapReason::DiskFault);
        }
        if self.finished && !self.closed && journal.is_synced() {
            self.closed = true;
            self.entry.set_stalled(None);
            self.entry.close(is_empty(journal.fold()));
        }
    }

    /// What was written since the last flush may be gone: the recording goes on at the next segment, behind a gap.
    fn flush_failed(&mut self, error: &io::Error) {
        metrics::counter!("tayang_recording_flush_errors_total").increment(1);
        let Some(journal) = &mut self.journal else { return };
        let open = journal.fold().open().iter().map(|(_, entry)| entry.msn).max();
        if let Some(msn) = open {
            self.gate.shut(msn);
            journal.lose(GapReason::DiskFault, UnixMillis(self.entry.index().started.0));
            self.entry.publish(journal.fold());
        }
        if self.entry.set_stalled(Some(GapReason::DiskFault)) {
            tracing::error!(recording = %self.entry.key, %error, "recording cannot be flushed, live goes on");
        }
    }
}

/// Removes a journal's files, its log last: a start in between finds a log that tells of a recording that is stored.
fn remove_journal(folder: &Path) -> io::Result<()> {
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        if file.file_name() != INDEX_LOG {
            std::fs::remove_file(file.path())?;
        }
    }
    std::fs::remove_file(folder.join(INDEX_LOG))?;
    std::fs::remove_dir(folder)
}

/// What of a part could not be written, and why.
enum Unwritten {
    /// The configuration that it is the first to need.
    Configuration(io::Error),
    /// Itself.
    Part(io::Error),
}

fn is_empty(fold: &Fold) -> bool {
    fold.index().tracks.iter().all(|track| track.segments.is_empty())
}

fn record_of(part: &packager::Part) -> PartRecord {
    PartRecord {
        track: part.track,
        epoch: part.epoch,
        msn: part.msn,
        index: part.index,
        start: part.start,
        duration: part.duration,
        wall: part.wall,
        independent: part.samples.first().is_some_and(|sample| sample.key),
        discontinuity: part.discontinuity,
        reanchored: part.reanchored,
        gap_before: false,
        offset: 0,
        len: part.bytes.len() as u32,
        payload_offset: part.payload_offset,
        crc: crc32fast::hash(&part.bytes),
        samples: part.samples.clone(),
    }
}
