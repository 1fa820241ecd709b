//! Aggregate messages (RTMP 1.0 §7.1.6): FLV tags with headers and back pointers in one body.
//!
//! ```text
//! tag type: 1, length: 3, timestamp: 3, timestamp bits 24..31: 1, stream id: 3, body, length of header and body: 4
//! ```
//! A tag's time is the message's plus the tag's distance from the first tag. Back pointers are skipped unread: Flash
//! and its imitators disagree on them.

use bytes::Bytes;

/// Length of a tag header in bytes.
const TAG_HEADER: usize = 11;

/// One tag of an aggregate.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag {
    /// Message type: 8, 9 or 18.
    pub type_id: u8,
    /// Corrected time in milliseconds, wrapping.
    pub timestamp: u32,
    /// Body, a slice of the message.
    pub body: Bytes,
}

/// Iterates over the tags of an aggregate. Ends at the first tag that is cut off; see [`Tags::is_cut_off`].
pub struct Tags {
    rest: Bytes,
    message_time: u32,
    first_time: Option<u32>,
    cut_off: bool,
}

impl Tags {
    /// `timestamp` and `body` of the aggregate message.
    #[must_use]
    pub fn new(timestamp: u32, body: &Bytes) -> Self {
        Self { rest: body.clone(), message_time: timestamp, first_time: None, cut_off: false }
    }

    /// The body ended inside a tag.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }
}

impl Iterator for Tags {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        if self.rest.is_empty() || self.cut_off {
            return None;
        }
        let Some(&[type_id, l0, l1, l2, t0, t1, t2, t3, ..]) = self.rest.first_chunk::<TAG_HEADER>() else {
            self.cut_off = true;
            return None;
        };
        let length = usize::try_from(u32::from_be_bytes([0, l0, l1, l2])).unwrap_or(usize::MAX);
        if self.rest.len() - TAG_HEADER < length {
            self.cut_off = true;
            return None;
        }
        let time = u32::from_be_bytes([t3, t0, t1, t2]);
        let first = *self.first_time.get_or_insert(time);
        let body = self.rest.slice(TAG_HEADER..TAG_HEADER + length);
        // The last back pointer may be missing.
        let end = (TAG_HEADER + length + 4).min(self.rest.len());
        self.rest = self.rest.slice(end..);
        Some(Tag { type_id: type_id & 0x1F, timestamp: self.message_time.wrapping_add(time.wrapping_sub(first)), body })
    }
}
