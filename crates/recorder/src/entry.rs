//! A recording that is not ready yet, as everybody but its I/O thread sees it, and the table of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use media::TrackId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::index::{Fold, GapReason, Init, RecordingIndex};
use crate::key::RecordingKey;

/// What is known of a recording now.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) index: Arc<RecordingIndex>,
    /// Media, open segments included.
    pub(crate) duration_ms: u64,
    /// Bytes, open segments included.
    pub(crate) bytes: u64,
    /// The number after the highest sequence number, open segments included.
    pub(crate) next_msn: u64,
    /// The end is written and flushed.
    pub(crate) closed: bool,
    /// The stream has ended without a part.
    pub(crate) empty: bool,
}

/// A recording whose journal lies in a folder.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: RecordingKey,
    pub(crate) folder: PathBuf,
    /// Which I/O thread.
    pub(crate) lane: usize,
    /// Bytes of it in that thread's queue.
    pub(crate) queued_bytes: AtomicUsize,
    /// Its stream has ended; the journal may not say so yet.
    pub(crate) ended: AtomicBool,
    /// Something changed that its uploads wait for.
    pub(crate) changed: Notify,
    view: Mutex<View>,
    stalled: Mutex<Option<GapReason>>,
    /// Configurations that are not in the journal yet. Each is written with the first part that needs it.
    inits: Mutex<Vec<Arc<Init>>>,
    health: Arc<Health>,
}

/// Configurations of one track that wait for their parts. A sender that changes more often than that while the disk stands
/// still loses the parts of the oldest.
const INITS_WAITING_MAX: usize = 64;

impl Entry {
    pub(crate) fn new(journal_dir: &Path, fold: &Fold, lane: usize, health: Arc<Health>) -> Self {
        let index = fold.index().clone();
        let key = index.key;
        let (duration_ms, bytes) = fold.totals();
        let view = View { index, duration_ms, bytes, next_msn: fold.next_msn(), closed: false, empty: false };
        Self {
            key,
            folder: key.folder(journal_dir),
            lane,
            queued_bytes: AtomicUsize::new(0),
            ended: AtomicBool::new(fold.ended()),
            changed: Notify::new(),
            view: Mutex::new(view),
            stalled: Mutex::new(None),
            inits: Mutex::new(Vec::new()),
            health,
        }
    }

    pub(crate) fn view(&self) -> View {
        self.view.lock().clone()
    }

    pub(crate) fn index(&self) -> Arc<RecordingIndex> {
        self.view.lock().index.clone()
    }

    /// Shows readers what the journal holds now. Wakes uploads when a segment was completed.
    pub(crate) fn publish(&self, fold: &Fold) {
        let (duration_ms, bytes) = fold.totals();
        let mut view = self.view.lock();
        let completed = !Arc::ptr_eq(&view.index, fold.index());
        view.index = fold.index().clone();
        view.duration_ms = duration_ms;
        view.bytes = bytes;
        view.next_msn = fold.next_msn();
        drop(view);
        if completed {
            self.changed.notify_one();
        }
    }

    /// The end is on disk.
    pub(crate) fn close(&self, empty: bool) {
        let mut view = self.view.lock();
        view.closed = true;
        view.empty = empty;
        drop(view);
        self.changed.notify_one();
    }

    pub(crate) fn stalled(&self) -> Option<GapReason> {
        *self.stalled.lock()
    }

    /// Raises the alarm, or takes it back. True if that is news.
    pub(crate) fn set_stalled(&self, why: Option<GapReason>) -> bool {
        let before = std::mem::replace(&mut *self.stalled.lock(), why);
        match (before.is_some(), why.is_some()) {
            (false, true) => self.health.stalled_changed(1),
            (true, false) => self.health.stalled_changed(-1),
            (false, false) | (true, true) => return false,
        }
        true
    }

    /// Takes the alarm back if it was raised for `why`.
    pub(crate) fn clear_stalled(&self, why: GapReason) {
        if self.stalled() == Some(why) {
            self.set_stalled(None);
        }
    }

    pub(crate) fn add_init(&self, init: Arc<Init>) {
        let mut inits = self.inits.lock();
        let of_track = || inits.iter().enumerate().filter(|(_, waiting)| waiting.track.id == init.track.id);
        if of_track().count() >= INITS_WAITING_MAX
            && let Some((oldest, _)) = of_track().next()
        {
            inits.remove(oldest);
        }
        inits.push(init);
    }

    /// No part will come of that configuration.
    pub(crate) fn drop_init(&self, track: TrackId, epoch: u32) {
        self.inits.lock().retain(|init| (init.track.id, init.epoch) != (track, epoch));
    }

    /// The configuration that a part of the track is the first to need. It stays until [`Entry::forget_inits`].
    pub(crate) fn waiting_init(&self, track: TrackId, epoch: u32) -> Option<Arc<Init>> {
        self.inits.lock().iter().find(|init| (init.track.id, init.epoch) == (track, epoch)).cloned()
    }

    /// Forgets the track's configurations up to that of `epoch`: it is written, and no part of those before it will come.
    pub(crate) fn forget_inits(&self, track: TrackId, epoch: u32) {
        self.inits.lock().retain(|init| init.track.id != track || init.epoch > epoch);
    }
}

/// Counts what operators look at.
#[derive(Debug, Default)]
pub(crate) struct Health {
    stalled: AtomicI64,
}

impl Health {
    fn stalled_changed(&self, by: i64) {
        let now = self.stalled.fetch_add(by, Ordering::Relaxed) + by;
        metrics::gauge!("tayang_recording_stalled").set(now as f64);
    }
}

/// The recordings that are not ready yet.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<RecordingKey, Arc<Entry>>>);

impl Registry {
    pub(crate) fn get(&self, key: &RecordingKey) -> Option<Arc<Entry>> {
        self.0.lock().get(key).cloned()
    }

    pub(crate) fn insert(&self, entry: Arc<Entry>) {
        self.0.lock().insert(entry.key, entry);
    }

    pub(crate) fn remove(&self, key: &RecordingKey) {
        self.0.lock().remove(key);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.0.lock().values().cloned().collect()
    }
}
