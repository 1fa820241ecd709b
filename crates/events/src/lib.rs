//! Outbox, notices and their delivery.

pub mod mail;
