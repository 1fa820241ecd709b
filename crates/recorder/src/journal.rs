//! The journal on disk: what a stream's folder holds, how it is written, and how it is read again after anything.
//!
//! Owns bytes in files and the rules about their order. Does not own threads, queues or the object store.
//! The layout and the reasons are in `docs/design/2026-11-21-recording.md`.

pub(crate) mod frame;
pub(crate) mod record;
pub(crate) mod recover;
pub(crate) mod volume;
pub(crate) mod writer;
