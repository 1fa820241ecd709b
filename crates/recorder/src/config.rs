//! What the recorder is told, and every bound on what it holds.

use std::path::PathBuf;

/// Settings of a [`Recorder`](crate::Recorder).
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// Folder of the journals. One process at a time may write in it; a lock file says so.
    pub journal_dir: PathBuf,
    /// Folder of the object store, if it is a local one: sealed segments are then linked into it where the file system
    /// allows, instead of written again.
    pub objects_dir: Option<PathBuf>,
    /// Bytes of the journal's file system that recording leaves free for the database and for the recordings' own ends.
    pub reserve_bytes: u64,
    /// Most bytes that wait for one I/O thread; see [`RecorderConfig::io_threads`].
    pub queue_bytes_max: usize,
    /// Most bytes of one stream that wait for its I/O thread.
    pub stream_queue_bytes_max: usize,
    /// Threads that write journals. A stream stays with one of them, so a flush of one holds up its neighbours only.
    pub io_threads: usize,
    /// How often written bytes are flushed, in milliseconds, and so what a power cut may take.
    pub flush_interval_ms: u64,
    /// Segments on their way to the object store at once.
    pub uploads_max: usize,
    /// Bytes of segments and of MP4 heads each that are kept for the next reader.
    pub cache_bytes_max: usize,
}

impl RecorderConfig {
    /// Defaults around a journal folder.
    #[must_use]
    pub fn new(journal_dir: PathBuf) -> Self {
        Self {
            journal_dir,
            objects_dir: None,
            // Room for days of database growth, and for about 10 years of `Stored` records of one stream.
            reserve_bytes: 64 << 20,
            // 20 s of 100 streams at 3 Mbit/s while a disk flushes.
            queue_bytes_max: 64 << 20,
            // 2.5 s of one stream at 50 Mbit/s; more than 40 s at 3 Mbit/s.
            stream_queue_bytes_max: 16 << 20,
            io_threads: 2,
            flush_interval_ms: 200,
            // 200 streams finish 200 segments a second; at 50 ms a put that is 10 at once.
            uploads_max: 16,
            cache_bytes_max: 64 << 20,
        }
    }
}
