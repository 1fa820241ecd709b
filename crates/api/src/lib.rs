//! Control over HTTP: JSON, server-sent events and WebSockets, and the document that describes them.
//!
//! Owns what a request means, who asks, and how an answer looks. Decides nothing itself (rules are `control`'s), knows no SQL
//! and no media byte, and owns no listening socket: [`Api::answer`] takes requests that the gateway's port received.
//!
//! One file per part of the contract (`docs/spec/api.md`); each offers `routes()`, which [`routes`] joins.

pub mod auth;
pub mod extract;
pub mod moment;
pub mod page;
pub mod permit;
pub mod problem;
pub mod routes;
pub mod state;
pub mod upgrade;

mod account;
mod attendance;
mod playback;
mod service;

pub use service::{Api, Peer};
pub use state::{Settings, State};
