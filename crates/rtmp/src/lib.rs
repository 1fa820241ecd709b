//! RTMP and Enhanced RTMP, sans-IO: handshake, chunk streams, commands; server and client side.
//!
//! Owns one connection's protocol from the first byte on. Does not own sockets, clocks or tasks (time comes in as
//! `Instant`s), does not decide who may publish or play (it asks, by [`Event`]), and does not look into media: bodies
//! are FLV tag bodies for `formats::container::flv`.
//!
//! Spec: Adobe RTMP 1.0; Enhanced RTMP v2 (Veovera). Deviations and what is accepted: `docs/spec/rtmp.md`.
//!
//! Contract of [`ServerSession`] and [`ClientSession`]: after *any* `&mut self` call, drain `poll_output` until
//! [`Output::WaitUntil`] or [`Output::Closed`] before the next one. `now` never goes backwards.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod chunk;
pub mod client;
mod command;
pub mod error;
pub mod handshake;
pub mod limits;
mod link;
pub mod message;
pub mod session;
pub mod wire;

pub use client::{ClientConfig, ClientEvent, ClientOutput, ClientSession, Purpose};
pub use error::{ChunkError, HandshakeError, SessionError};
pub use limits::{Limits, Timeouts};
pub use session::{
    CloseCode, Connect, Counters, Ended, Event, Output, PlayStart, PublishKind, Reject, ServerConfig, ServerSession,
};
pub use wire::MediaKind;
