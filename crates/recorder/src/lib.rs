//! Recordings: packager output into a crash-safe journal, from there into the object store, and back to readers.
//!
//! Owns the journal's files, what a recording consists of, its way into the store, recovery after anything, and reading:
//! segments, parts, and the MP4 that is a head in front of the segments as they are. Does not own segmenting
//! (`packager`), boxes (`formats`), rows (`store`), playlists or HTTP (`gateway`).
//!
//! Layout of the files and the reasons: `docs/design/2026-11-21-recording.md`.
//!
//! Invariants (each has a test of the same name or says where):
//! * `live_never_waits_for_the_disk`: [`StreamRecorder::push`] only queues shared bytes.
//! * `a_kill_at_any_byte_loses_at_most_one_part`: see `tests/crash.rs` and `journal::recover`.
//! * `a_full_disk_leaves_an_honest_gap`: whole segments are missing on all tracks alike, and the next one says so.
//! * The local copy goes only after the store has confirmed its segment and that is flushed.

mod archive;
mod cache;
mod config;
mod entry;
mod error;
mod export;
mod gate;
pub mod index;
mod journal;
mod key;
mod lane;
mod layout;
mod recorder;
mod sink;
mod stream;
mod tender;
#[cfg(test)]
mod tests;
mod verify;

pub use archive::Archive;
pub use config::RecorderConfig;
pub use error::RecorderError;
pub use index::{Gap, GapReason, Init, Phase, RecordingIndex, SegmentEntry, SegmentList, TrackIndex};
pub use key::RecordingKey;
pub use layout::{Mp4Layout, PlacedSegment};
pub use recorder::{Recorder, RecorderStatus, Used};
pub use stream::StreamRecorder;
pub use verify::{Check, VerifyReport};
