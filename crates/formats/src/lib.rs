//! Bytes to values and back, stateless: codec configurations, containers, playlists, and AMF.
//!
//! Owns every media byte layout that more than one crate must read or write. Does not own sessions (`rtmp`), segmenting
//! (`packager`), sockets, clocks or tasks: every function here is pure, total over any bytes, and bounded in the memory
//! and time that it takes by the length of its input.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod amf;
pub mod codec;
pub mod container;
pub mod playlist;
