//! The fan-out engine: a few threads that own every playing FLV and RTMP socket.
//!
//! A connection starts on the ordinary HTTP or RTMP code; once it plays, its socket comes here and nothing else runs for
//! it: no task, timer, channel or buffer, only a cursor. When a stream has new frames its shards walk their viewers with
//! vectored, non-blocking writes straight from the bytes that all viewers share.
//!
//! Owns sockets in play, their cursors, slow-viewer policy and the counting of delivered bytes. Knows wire formats only
//! as [`WireFormat`]; never blocks and never waits for a viewer.
//!
//! * A viewer that falls more than [`FanOutConfig::lag_ms_max`] behind jumps to the newest key frame, between two whole
//!   messages; configuration travels with the jump. It is counted.
//! * A viewer that takes nothing for [`FanOutConfig::blocked_max`] is cut, and so is one whose right no longer holds when it
//!   is asked again.
//! * Coalescing: a shard rests as long as its last walk took, at most [`FanOutConfig::coalesce_max`]. An idle shard
//!   writes each frame at once; a busy one sends several frames in one call, which is where the time goes.

mod feed;
mod shard;
mod socket;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use control::Directory;
use hub::Stream;

use crate::audience::Audience;
use crate::right::Right;
use crate::wire::WireFormat;
use shard::ShardHandle;
pub use socket::PlaySocket;

/// Bounds and pace of the engine.
#[derive(Clone, Debug)]
pub struct FanOutConfig {
    /// Threads. One a core is right: the work is kernel time in send calls.
    pub shards: usize,
    /// Longest rest between two walks of a shard. 40 ms: two frames at 60 fps, one at 25.
    pub coalesce_max: Duration,
    /// Media time a viewer may be behind before it skips to the newest key frame.
    pub lag_ms_max: i64,
    /// A viewer that takes no byte for this long is cut.
    pub blocked_max: Duration,
    /// Unsent bytes the kernel may hold for one viewer (`TCP_NOTSENT_LOWAT`).
    pub unsent_bytes_max: u32,
    /// Viewers a shard takes; one more is refused.
    pub viewers_max: usize,
}

impl Default for FanOutConfig {
    fn default() -> Self {
        Self {
            shards: std::thread::available_parallelism().map_or(1, usize::from),
            coalesce_max: Duration::from_millis(40),
            lag_ms_max: 2_000,
            blocked_max: Duration::from_secs(15),
            unsent_bytes_max: 128 << 10,
            viewers_max: 50_000,
        }
    }
}

/// Counts of all shards. Monotone but for `viewers`.
#[derive(Debug, Default)]
pub struct FanOutCounters {
    /// Viewers in play.
    pub viewers: AtomicUsize,
    /// Bytes accepted by the kernel (before TLS).
    pub bytes: AtomicU64,
    /// Jumps of slow viewers to a newer key frame.
    pub skips: AtomicU64,
    /// Viewers cut because they took nothing.
    pub cut: AtomicU64,
    /// Write calls.
    pub writes: AtomicU64,
}

/// A connection that is ready to play.
pub struct NewViewer {
    /// What to play.
    pub stream: Arc<Stream>,
    /// In which form.
    pub format: WireFormat,
    /// Non-blocking socket with all that must come before the media already written, but for `preamble`.
    pub socket: PlaySocket,
    /// Written first: the HTTP response head.
    pub preamble: Bytes,
    /// By which right. Asked again while it plays.
    pub right: Right,
}

/// See the module's documentation.
pub struct FanOut {
    shards: Vec<ShardHandle>,
    next: AtomicUsize,
    counters: Arc<FanOutCounters>,
    audience: Arc<Audience>,
    config: FanOutConfig,
}

impl FanOut {
    /// Starts the shards. They ask `directory` whether viewers may go on.
    pub fn start(config: &FanOutConfig, directory: &Arc<Directory>) -> io::Result<Self> {
        let (counters, audience) = (Arc::new(FanOutCounters::default()), Arc::new(Audience::default()));
        let shards = (0..config.shards.max(1))
            .map(|n| ShardHandle::spawn(n, config.clone(), counters.clone(), directory.clone(), audience.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self { shards, next: AtomicUsize::new(0), counters, audience, config: config.clone() })
    }

    /// Hands a socket over. It is closed if the engine has as many viewers as it may have, or has stopped.
    pub fn add(&self, viewer: NewViewer) {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut viewer = viewer;
        for n in 0..self.shards.len() {
            match self.shards[(first + n) % self.shards.len()].add(viewer) {
                None => return,
                Some(back) => viewer = back,
            }
        }
    }

    /// Counts of all shards.
    #[must_use]
    pub fn counters(&self) -> &Arc<FanOutCounters> {
        &self.counters
    }

    /// Who watches lessons: what it writes is told there, and so is what others hand over.
    #[must_use]
    pub fn audience(&self) -> &Arc<Audience> {
        &self.audience
    }

    /// Its bounds. Viewers that it does not own keep to them too.
    #[must_use]
    pub fn config(&self) -> &FanOutConfig {
        &self.config
    }

    /// Closes every viewer and stops the threads.
    pub fn stop(&self) {
        for shard in &self.shards {
            shard.stop();
        }
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
