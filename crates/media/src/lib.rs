//! The vocabulary of Tayang: time, codecs, tracks, frames and names.
//!
//! Owns the types that every other crate speaks in. Does no I/O, reads no clock, knows no protocol and no container; it
//! depends on `bytes` only.

mod codec;
mod frame;
mod name;
mod time;
mod track;

pub use codec::{Codec, MediaKind};
pub use frame::Frame;
pub use name::{ChannelPath, Name, NameError, Redacted, StreamId};
pub use time::{Ticks, Timescale, TimestampUnwrapper, UnixMillis};
pub use track::{
    AudioParams, Colour, ContentLight, FrameRate, Hdr, MasteringDisplay, Track, TrackId, TrackParams, TrackSet,
    VideoParams,
};
