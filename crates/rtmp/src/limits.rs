//! Every bound that one RTMP connection is held to, each with its reason.
//!
//! Owns numbers only; the code that enforces one names it in the error.

use std::time::Duration;

/// What one peer can make us hold. All sizes in bytes unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest message once publishing is accepted. 16,777,215 is all that the 24-bit length field can say.
    pub message_bytes_max: u32,
    /// Bytes of unfinished messages over all chunk streams. One largest message and half of another: interleaving
    /// needs two big messages under way at once only if the sender is broken.
    pub partial_bytes_max: usize,
    /// Largest message, unfinished bytes, and input held back, each, before a publisher was accepted.
    pub preauth_bytes_max: usize,
    /// Chunk streams with remembered headers. Real senders use fewer than ten.
    pub chunk_streams_max: usize,
    /// Tags taken from one aggregate message; those after are dropped and counted. Flash wrote some dozens.
    pub aggregate_tags_max: usize,
    /// Events not yet taken before reading pauses: input made of one-byte messages would otherwise grow sixtyfold.
    pub events_max: usize,
    /// Answers not yet taken by the caller. A peer that asks and never reads ends here.
    pub output_bytes_max: usize,
    /// Longest command or shared-object message that is parsed; longer ones are ignored and counted.
    pub command_bytes_max: usize,
    /// Longest application, URL or stream name, in bytes.
    pub name_bytes_max: usize,
}

impl Limits {
    /// The limits in use unless a test says otherwise.
    pub const DEFAULT: Self = Self {
        message_bytes_max: 0x00FF_FFFF,
        partial_bytes_max: 24 << 20,
        preauth_bytes_max: 64 << 10,
        chunk_streams_max: 64,
        aggregate_tags_max: 1024,
        events_max: 1024,
        output_bytes_max: 1 << 20,
        command_bytes_max: 64 << 10,
        name_bytes_max: 1024,
    };

    /// Most memory that one peer can pin, in bytes: unfinished messages grow by doubling, so up to twice what came.
    #[must_use]
    pub const fn memory_bytes_max(&self) -> usize {
        self.partial_bytes_max * 2 + self.output_bytes_max + self.preauth_bytes_max
    }
}

const _: () = assert!(Limits::DEFAULT.memory_bytes_max() <= 64 << 20, "one peer may pin at most 64 MiB");

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a peer may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From accept (or from the end of the last publish or play) to a `publish` or `play` command.
    pub setup: Duration,
    /// A publisher from whom no byte came for this long is gone: a frozen link frees its key within 10 s.
    pub publisher_silence: Duration,
    /// A publisher that answers pings but sends no audio, video or script message for this long is cut.
    pub publisher_idle: Duration,
    /// A quiet publisher is pinged this long after its last byte.
    pub publisher_ping: Duration,
    /// A player from whom no byte came for this long is gone. Players acknowledge or answer pings.
    pub player_silence: Duration,
    /// A quiet player is pinged this long after its last byte.
    pub player_ping: Duration,
}

impl Timeouts {
    /// The times in use unless configured.
    pub const DEFAULT: Self = Self {
        setup: Duration::from_secs(10),
        publisher_silence: Duration::from_secs(9),
        publisher_idle: Duration::from_secs(30),
        publisher_ping: Duration::from_secs(4),
        player_silence: Duration::from_secs(60),
        player_ping: Duration::from_secs(20),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}
