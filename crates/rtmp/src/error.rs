//! What can be wrong with a peer's bytes so badly that the connection must end. Offsets count from the first byte the
//! peer sent, handshake included. None of these texts carries a stream name.

/// The handshake cannot go on. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Not RTMP, or one of the encrypted kinds (6, 8, 9) that are not offered.
    #[error("peer speaks rtmp version {version} at byte 0, only 3 is supported")]
    Version {
        /// First byte of the connection.
        version: u8,
    },
}

/// The chunk stream is corrupt and cannot be read on. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// Message length exceeds what is allowed now; refused before anything is allocated.
    #[error("peer announced a message of {length} bytes at byte {at}, limit {max}")]
    MessageTooLong {
        /// Declared length in bytes.
        length: u32,
        /// Limit in bytes.
        max: u32,
        /// Offset of the chunk header.
        at: u64,
    },
    /// A header inside an unfinished message says something else than the message's first header.
    #[error("peer changed a message of {was} bytes to {now} on chunk stream {csid} at byte {at}")]
    LengthChanged {
        /// Chunk stream id.
        csid: u32,
        /// Length in the first header.
        was: u32,
        /// Length in this header.
        now: u32,
        /// Offset of the chunk header.
        at: u64,
    },
    /// A compressed header (type 2 or 3) on a chunk stream that had none before.
    #[error("peer sent a type {format} header on fresh chunk stream {csid} at byte {at}")]
    NoPreviousHeader {
        /// Header type 2 or 3.
        format: u8,
        /// Chunk stream id.
        csid: u32,
        /// Offset of the chunk header.
        at: u64,
    },
    /// More chunk streams than are remembered.
    #[error("peer opened more than {max} chunk streams at byte {at}")]
    TooManyChunkStreams {
        /// Limit.
        max: usize,
        /// Offset of the chunk header.
        at: u64,
    },
    /// Unfinished messages together exceed their limit.
    #[error("peer left more than {max} bytes in unfinished messages at byte {at}")]
    PartialBytes {
        /// Limit in bytes.
        max: usize,
        /// Offset of the payload byte that was too much.
        at: u64,
    },
    /// Set Chunk Size of zero or with the top bit set (RTMP 1.0 §5.4.1).
    #[error("peer set chunk size {size} at byte {at}, legal is 1 to 2147483647")]
    ChunkSize {
        /// As sent.
        size: u32,
        /// Offset after the message.
        at: u64,
    },
}

/// Why a session's input could not be taken. Ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// See [`HandshakeError`].
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// See [`ChunkError`].
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// More input than may wait while a publish or play request is being decided, or while events are not fetched.
    #[error("more than {max} bytes of input wait to be read, at byte {at}")]
    HeldInput {
        /// Limit in bytes.
        max: usize,
        /// Offset of the first byte held back.
        at: u64,
    },
    /// The peer asks for answers and does not read them.
    #[error("answers of {bytes} bytes wait for a peer that does not read, limit {max}")]
    OutputFull {
        /// Waiting bytes.
        bytes: usize,
        /// Limit in bytes.
        max: usize,
    },
}
