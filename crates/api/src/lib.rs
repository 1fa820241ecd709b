//! Control over HTTP: JSON, server-sent events and WebSockets, and the document that describes them.
//!
//! Owns what a request means, who asks, and how an answer looks. Decides nothing itself (rules are `control`'s), knows no SQL
//! and no media byte, and owns no listening socket: [`Api::answer`] takes requests that the gateway's port received.
//!
//! One file per part of the contract (`docs/spec/api.md`); each offers `routes()`, which [`routes`] joins.

pub mod auth;
pub mod chores;
pub mod etag;
pub mod extract;
pub mod idempotency;
pub mod known;
pub mod moment;
pub mod oidc;
pub mod page;
pub mod passkeys;
pub mod passwords;
pub mod permit;
pub mod problem;
pub mod room;
pub mod routes;
pub mod seal;
pub mod state;
pub mod upgrade;
pub mod visit;

mod account;
mod attendance;
mod audit;
mod calendar;
mod changes;
mod compress;
mod courses;
mod document;
mod earlier;
mod enrolments;
mod feed;
mod icalendar;
mod lessons;
mod livego;
mod mentors;
mod network;
mod notices;
mod pace;
mod playback;
mod positions;
mod publishing;
mod push;
mod service;
mod session;
mod sign_up;
mod spreadsheet;
mod teaching;
mod users;
mod webhooks;

pub use network::{Network, NetworkError};
pub use service::{Api, Peer};
pub use state::{Addresses, Settings, State};
