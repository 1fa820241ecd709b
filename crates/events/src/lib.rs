//! Outbox, notices and their delivery.
