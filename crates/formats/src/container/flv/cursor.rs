//! A position in a shared tag body; what is taken from it shares its memory.

use bytes::Bytes;

use super::FlvError;

pub(super) struct Cursor<'a> {
    body: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a Bytes) -> Self {
        Self { body, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.body.len()
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], FlvError> {
        let found = self.body.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let found = *found.ok_or(FlvError::Truncated { what, at: self.at })?;
        self.at += N;
        Ok(found)
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, FlvError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, FlvError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self, what: &'static str) -> Result<u32, FlvError> {
        self.array(what).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, FlvError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// A signed 24-bit number.
    pub(super) fn i24(&mut self, what: &'static str) -> Result<i32, FlvError> {
        self.array(what).map(|[a, b, c]| i32::from_be_bytes([a, b, c, 0]) >> 8)
    }

    pub(super) fn take(&mut self, len: usize, what: &'static str) -> Result<Bytes, FlvError> {
        match self.at.checked_add(len) {
            Some(end) if end <= self.body.len() => {
                let taken = self.body.slice(self.at..end);
                self.at = end;
                Ok(taken)
            }
            _ => Err(FlvError::Truncated { what, at: self.at }),
        }
    }

    pub(super) fn rest(&mut self) -> Bytes {
        let rest = self.body.slice(self.at.min(self.body.len())..);
        self.at = self.body.len();
        rest
    }
}
