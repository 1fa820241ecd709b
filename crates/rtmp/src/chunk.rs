//! RTMP chunk stream (RTMP 1.0 §5.3): messages cut into chunks, and back.
//!
//! Owns framing alone: it knows Set Chunk Size and Abort, because they change framing, and no other message.
//!
//! ```text
//! basic header   format: 2 bits, chunk stream id: 6 bits (2..=63), or 0 + 1 byte (64..=319), or 1 + 2 bytes (64..=65599)
//! message header type 0: timestamp 3, length 3, type 1, stream id 4 (little endian)
//!                type 1: delta 3, length 3, type 1     type 2: delta 3     type 3: nothing
//! extended       4 bytes if the 3-byte time is 0xFFFFFF
//! ```

pub mod header;
pub mod reader;
pub mod writer;

pub use reader::{Input, Message, Reader};
pub use writer::{write_first, write_message, write_next, write_parts};

/// Chunk size before any Set Chunk Size, in bytes (§5.3).
pub const CHUNK_SIZE_DEFAULT: u32 = 128;
/// Longest chunk that can matter: no message is longer. Larger announcements are legal and read as this.
pub const CHUNK_SIZE_MAX: u32 = 0x00FF_FFFF;
/// Largest chunk stream id that the basic header can name.
pub const CHUNK_STREAM_ID_MAX: u32 = 65_599;
/// The 3-byte time that says "see the extended timestamp".
pub const EXTENDED: u32 = 0x00FF_FFFF;
