//! Why a recording could not be opened, read, proved or exported.

use std::io;
use std::path::PathBuf;

use media::TrackId;

use crate::key::RecordingKey;

/// Fails a call on recordings. Recording itself never fails a caller: it marks a gap.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// Another process writes in the journal folder.
    #[error("journal folder {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The journal folder cannot be used.
    #[error("journal folder {}: {error}", path.display())]
    Journal {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// There is no such recording.
    #[error("no recording {0}")]
    NoRecording(RecordingKey),
    /// The recording has no such segment, part or configuration.
    #[error("recording {key} has no segment {msn} on track {}", track.0)]
    NoSegment {
        /// Which recording.
        key: RecordingKey,
        /// Track asked for.
        track: TrackId,
        /// Media sequence number asked for.
        msn: u64,
    },
    /// A byte range that does not lie in the file.
    #[error("range {start}..{end} is outside the {total} bytes of the file")]
    Range {
        /// First byte asked for.
        start: u64,
        /// Byte after the last.
        end: u64,
        /// Length of the file.
        total: u64,
    },
    /// What the object store holds is not what was put there.
    #[error("{what} of recording {key} is damaged")]
    Damaged {
        /// Which recording.
        key: RecordingKey,
        /// Which object.
        what: &'static str,
    },
    /// There is no MP4 of it.
    #[error("no MP4: {0}")]
    Mp4(#[from] formats::container::mp4::Mp4Error),
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// The database failed.
    #[error("database: {0}")]
    Repository(#[from] control::RepositoryError),
    /// A local file could not be read or written.
    #[error("local file: {0}")]
    Io(#[from] io::Error),
}
