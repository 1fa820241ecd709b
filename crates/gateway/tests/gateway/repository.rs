//! Recordings' rows in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use control::{BoxFuture, Recording, RecordingRepository, RepositoryError, Uuid};
use media::StreamId;
use parking_lot::Mutex;

#[derive(Default)]
pub struct MemoryRecordings {
    rows: Mutex<BTreeMap<(Uuid, StreamId), Recording>>,
    /// Rows that lists were made of.
    pub listed: AtomicUsize,
}

impl RecordingRepository for MemoryRecordings {
    fn put_recording<'a>(&'a self, recording: &'a Recording) -> BoxFuture<'a, Result<(), RepositoryError>> {
        self.rows.lock().insert((recording.channel, recording.id), recording.clone());
        Box::pin(async { Ok(()) })
    }

    fn recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<Option<Recording>, RepositoryError>> {
        let found = self.rows.lock().get(&(channel, id)).cloned();
        Box::pin(async { Ok(found) })
    }

    fn recordings(&self, channel: Option<Uuid>) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        let rows = self.rows.lock();
        let rows: Vec<_> = rows.values().filter(|row| channel.is_none_or(|id| row.channel == id)).cloned().collect();
        self.listed.fetch_add(rows.len(), Ordering::Relaxed);
        Box::pin(async { Ok(rows) })
    }

    fn newest_recordings(&self, channel: Uuid, max: u32) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        let rows = self.rows.lock();
        let newest = rows.values().rev().filter(|row| row.channel == channel).take(max as usize);
        let newest: Vec<_> = newest.cloned().collect();
        self.listed.fetch_add(newest.len(), Ordering::Relaxed);
        Box::pin(async { Ok(newest) })
    }

    fn recordings_ahead(&self) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        self.recordings(None)
    }

    fn delete_recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<(), RepositoryError>> {
        self.rows.lock().remove(&(channel, id));
        Box::pin(async { Ok(()) })
    }
}
