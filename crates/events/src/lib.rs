//! Outbox, notices and their delivery.
//!
//! Owns how what changed becomes notices ([`planner`]), how they leave ([`delivery`], by [`push`], [`email`] and
//! [`webhook`]), what they say ([`text`]), and where requests to addresses of strangers may go ([`egress`]). Decides nothing
//! about lessons, and keeps nothing itself: rules are `control`'s, storage is behind its ports.
//!
//! Invariants, shown by kills at random moments:
//! * `nothing_is_lost`: a change that is committed is told, however often servers are killed between.
//! * `nobody_is_told_twice`: what is sent again after a kill carries the id it had, by which receivers know it.

pub mod delivery;
pub mod egress;
pub mod email;
pub mod mail;
pub mod planner;
pub mod push;
pub mod service;
pub mod text;
pub mod told;
pub mod vapid;
pub mod webhook;

mod clock;
mod smtp;

pub use service::{Config, Service};
