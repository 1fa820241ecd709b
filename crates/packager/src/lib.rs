//! CMAF packager: frames of one stream in; parts, segments, playlists and manifests out.
//!
//! Pure. No clock, socket, file or task: [`Packager::push`] takes frames, [`Packager::poll_output`] gives what became
//! final, [`Window`] renders text over it, and waiting for a future part (blocking reload) is the caller's job. It never
//! re-encodes and never reorders: input is in decode order per track, times are the hub's stream timeline.
//!
//! Spec: draft-pantos-hls-rfc8216bis, ISO/IEC 23000-19 (CMAF), ISO/IEC 23009-1 (DASH). Deviations: `docs/spec/hls.md`,
//! `docs/spec/dash.md`.
//!
//! Invariants (asserted, and each has a test of the same name):
//! * `part_within_target`: no part that a playlist lists is longer than PART-TARGET.
//! * `segment_starts_with_sync_sample`: a segment opens on a sync sample of the leading track, unless the group of
//!   pictures is longer than a segment may be; such a segment is not called independent.
//! * `tfdt_is_gapless`: `tfdt` of part n+1 = `tfdt` of part n + its duration, in the track's timescale. No rounding.
//!   The one exception says so: [`Part::reanchored`].
//! * `sequence_is_final`: once a reader has seen (msn, part), its bytes never change.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod config;
mod output;
pub mod playlist;
mod segmenter;
mod ts_view;
pub mod window;

pub use config::Config;
pub use formats::container::cmaf::Sample;
pub use output::{Init, Output, Part, Segment};
pub use playlist::SegmentEntry;
pub use segmenter::{Counters, Packager, discontinuity_base};
pub use ts_view::{TsViewError, ts_view};
pub use window::{
    Form, JointLookup, ManifestOptionsLive, NumberAt, PlaylistOptions, Position, Reload, STALE_SEGMENTS, SegmentLookup,
    TrackSummary, Window,
};
