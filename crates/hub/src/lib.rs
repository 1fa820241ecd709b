//! Live fan-out: who publishes to a channel, the one timeline of its stream, and a bounded log of frames that any number
//! of readers follow.
//!
//! Owns stream identity, time normalisation, publisher fencing and the log. Runtime-neutral: it reads no clock (callers
//! pass `now`), spawns nothing, and wakes readers through the [`Listener`] they register. It knows no protocol: a wire
//! format is a numbered slot in which a reader's rendering of an entry is kept once for all its viewers.
//!
//! Invariants (each has a test of the same name):
//! * `a_stream_outlives_its_publisher`: a publisher that drops and returns within the window appends to the same stream.
//! * `a_fenced_publisher_appends_nothing`: after a take-over every push of the old publisher fails with [`Fenced`].
//! * `decode_times_rise_on_every_track`: whatever a publisher sends, `dts` on a track strictly increases.
//! * `the_log_is_bounded`: bytes and time held by a stream stay under [`Limits`], whatever the GOP.

mod hub;
mod log;
mod stream;
mod timeline;

pub use hub::{Hub, Publisher};
pub use log::{Entry, Item, Rendering, WIRE_SLOTS, WireSlot};
pub use stream::{Fenced, Limits, Listener, Read, StartPoint, State, Stream, StreamCounters};
pub use timeline::{Placed, Timeline, TimelineCounters};
