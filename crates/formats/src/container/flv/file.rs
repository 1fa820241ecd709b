//! FLV files and HTTP-FLV bodies: header, tags, and an incremental reader.
//!
//! ```text
//! file: "FLV" 01 flags u8 | header length u32 | (PreviousTagSize u32 | tag)*
//! tag:  kind u8 | body length u24 | timestamp u24, its high byte u8 | stream id u24 (0) | body
//! ```

use bytes::{Buf, Bytes, BytesMut};

use super::FlvError;

const HEADER_LEN: usize = 9;
const PREVIOUS_TAG_SIZE_LEN: usize = 4;
const TAG_HEADER_LEN: usize = 11;
/// Longest header accepted. Version 1 has 9 bytes; the room is for extensions that nobody has made.
const HEADER_LEN_MAX: u32 = 64;
const FLAG_AUDIO: u8 = 4;
const FLAG_VIDEO: u8 = 1;

/// What a tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TagKind {
    /// An audio body: [`super::parse_audio`].
    Audio = 8,
    /// A video body: [`super::parse_video`].
    Video = 9,
    /// AMF0 values, such as `onMetaData`.
    Script = 18,
}

/// The header of a file and the PreviousTagSize that follows it. The flags are the truth about what will come.
#[must_use]
pub const fn file_header(has_video: bool, has_audio: bool) -> [u8; 13] {
    let flags = if has_video { FLAG_VIDEO } else { 0 } | if has_audio { FLAG_AUDIO } else { 0 };
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// What goes before a tag's body. After the body goes PreviousTagSize, big endian: `body_len + 11`. A body longer than
/// 2^24 - 1 bytes cannot be told; its length is taken modulo 2^24, so the caller must not have one.
#[must_use]
pub const fn tag_header(kind: TagKind, body_len: u32, timestamp_ms: u32) -> [u8; 11] {
    let [_, l0, l1, l2] = body_len.to_be_bytes();
    let [t3, t0, t1, t2] = timestamp_ms.to_be_bytes();
    [kind as u8, l0, l1, l2, t0, t1, t2, t3, 0, 0, 0]
}

/// One tag of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What it holds.
    pub kind: TagKind,
    /// Milliseconds, wrapping at 32 bits.
    pub timestamp_ms: u32,
    /// Its body, for [`super::parse_video`] and the like.
    pub body: Bytes,
}

/// Reads a file as its bytes come. Holds at most one tag (16 MiB, the format's own limit) and what was pushed since.
#[derive(Debug, Default)]
pub struct TagReader {
    buffer: BytesMut,
    header: Option<u8>,
    skip: usize,
}

impl TagReader {
    /// At the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes of the file; call [`Self::next_tag`] until it has no more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the header announced video and audio, in this order. `None` until it was read.
    #[must_use]
    pub fn announced(&self) -> Option<(bool, bool)> {
        self.header.map(|flags| (flags & FLAG_VIDEO != 0, flags & FLAG_AUDIO != 0))
    }

    /// The next whole tag, if it is there. Tags of unknown kind are passed over.
    ///
    /// # Errors
    /// [`FlvError::Signature`] or [`FlvError::HeaderLength`] if this is no FLV file: each further call says so again.
    pub fn next_tag(&mut self) -> Result<Option<Tag>, FlvError> {
        if self.header.is_none() && !self.read_header()? {
            return Ok(None);
        }
        loop {
            let skipped = self.skip.min(self.buffer.len());
            self.buffer.advance(skipped);
            self.skip -= skipped;
            let Some(header) = self.buffer.first_chunk::<TAG_HEADER_LEN>() else { return Ok(None) };
            let [kind, l0, l1, l2, t0, t1, t2, t3, ..] = *header;
            let len = u32::from_be_bytes([0, l0, l1, l2]) as usize;
            let kind = match kind & 0x1F {
                8 => TagKind::Audio,
                9 => TagKind::Video,
                18 => TagKind::Script,
                _ => {
                    self.skip = TAG_HEADER_LEN + len + PREVIOUS_TAG_SIZE_LEN;
                    continue;
                }
            };
            if self.buffer.len() < TAG_HEADER_LEN + len {
                return Ok(None);
            }
            self.buffer.advance(TAG_HEADER_LEN);
            let body = self.buffer.split_to(len).freeze();
            self.skip = PREVIOUS_TAG_SIZE_LEN;
            return Ok(Some(Tag { kind, timestamp_ms: u32::from_be_bytes([t3, t0, t1, t2]), body }));
        }
    }

    fn read_header(&mut self) -> Result<bool, FlvError> {
        let Some(header) = self.buffer.first_chunk::<HEADER_LEN>() else { return Ok(false) };
        let [s0, s1, s2, _version, flags, l0, l1, l2, l3] = *header;
        if [s0, s1, s2] != *b"FLV" {
            return Err(FlvError::Signature([s0, s1, s2]));
        }
        let len = u32::from_be_bytes([l0, l1, l2, l3]);
        if !(HEADER_LEN as u32..=HEADER_LEN_MAX).contains(&len) {
            return Err(FlvError::HeaderLength(len));
        }
        self.skip = len as usize + PREVIOUS_TAG_SIZE_LEN;
        self.header = Some(flags);
        Ok(true)
    }
}
