//! End-to-end tests: the built program between real encoders and real players, and what the tests are made of.
//!
//! This library is the harness; the scenarios are in `tests/`. It starts the `tayang` binary as a user would, speaks to it
//! over sockets and the command line only, and knows nothing of its insides.
//!
//! Needed beside it: ffmpeg, ffprobe, GStreamer with its good, bad, ugly and libav plugins, curl, Node and Chromium
//! (`cargo xtask test` installs them), the pages (`npm ci && npm run build` in `web/`), and the program:
//!
//! ```text
//! cargo build -p server && cargo test -p e2e
//! ```
//!
//! `TAYANG_BIN` names another binary. Each test has its own server, in its own folder, on free ports, and ends only what
//! it started. Nothing waits by sleeping: [`poll`] looks until a condition holds or its deadline passes.

pub mod browser;
pub mod bucket;
pub mod capture;
pub mod flv_viewer;
pub mod gate;
pub mod http;
pub mod llhls;
pub mod metrics;
pub mod newer_ffmpeg;
pub mod playlist;
pub mod poll;
pub mod process;
pub mod publish;
pub mod recordings;
pub mod school;
pub mod sender;
pub mod server;
pub mod sight;
pub mod signal;
pub mod story;
pub mod tools;

pub use capture::capture;
pub use process::Child;
pub use publish::Publisher;
pub use server::{Channel, Server};
