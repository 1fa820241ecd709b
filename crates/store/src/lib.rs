//! What is kept, kept: the repositories of `control` in a database, and objects in a directory or an S3 bucket.
//!
//! Owns SQL, migrations and the choice of an object store. Decides nothing: rules are `control`'s, and what objects mean is
//! the recorder's. One contract suite per trait runs on every backend (`tests/`).

#![allow(clippy::duplicate_mod, reason = "db/sql is compiled once for each database")]

pub mod db;
pub mod objects;
