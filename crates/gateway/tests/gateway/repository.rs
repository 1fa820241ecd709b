//! Recordings' rows in memory.

use std::collections::BTreeMap;

use control::{BoxFuture, Recording, RecordingRepository, RepositoryError, Uuid};
use media::StreamId;
use parking_lot::Mutex;

#[derive(Default)]
pub struct MemoryRecordings(Mutex<BTreeMap<(Uuid, StreamId), Recording>>);

impl RecordingRepository for MemoryRecordings {
    fn put_recording<'a>(&'a self, recording: &'a Recording) -> BoxFuture<'a, Result<(), RepositoryError>> {
        self.0.lock().insert((recording.channel, recording.id), recording.clone());
        Box::pin(async { Ok(()) })
    }

    fn recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<Option<Recording>, RepositoryError>> {
        let found = self.0.lock().get(&(channel, id)).cloned();
        Box::pin(async { Ok(found) })
    }

    fn recordings(&self, channel: Option<Uuid>) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        let rows = self.0.lock().values().filter(|row| channel.is_none_or(|id| row.channel == id)).cloned().collect();
        Box::pin(async { Ok(rows) })
    }

    fn delete_recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<(), RepositoryError>> {
        self.0.lock().remove(&(channel, id));
        Box::pin(async { Ok(()) })
    }
}
