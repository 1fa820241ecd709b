//! The bounded cursor that both AMF decoders read through.

use super::{AmfError, Limits};

/// Bytes left, and what the message may still cost.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    values_left: usize,
    text_left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        Self {
            bytes,
            at: 0,
            depth_max: limits.depth_max.min(Limits::DEPTH_CEILING),
            values_left: limits.values_max,
            text_left: limits.text_bytes_max,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left() == 0
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], AmfError> {
        let end = self.at.checked_add(len).ok_or(AmfError::Truncated { at: self.at })?;
        let taken = self.bytes.get(self.at..end).ok_or(AmfError::Truncated { at: self.at })?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| AmfError::Truncated { at })
    }

    pub(super) fn u8(&mut self) -> Result<u8, AmfError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, AmfError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, AmfError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, AmfError> {
        self.array().map(f64::from_be_bytes)
    }

    pub(super) fn text(&mut self, len: usize) -> Result<String, AmfError> {
        let at = self.at;
        let bytes = self.take(len)?;
        self.spend_text(len, at)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether the bytes at the cursor are these; moves past them if so.
    pub(super) fn skip_if(&mut self, expected: &[u8]) -> bool {
        let found = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(expected));
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn spend_text(&mut self, len: usize, at: usize) -> Result<(), AmfError> {
        self.text_left = self.text_left.checked_sub(len).ok_or(AmfError::TooLong { at })?;
        Ok(())
    }

    /// Called once for each value, before it is built.
    pub(super) fn enter(&mut self, depth: usize) -> Result<(), AmfError> {
        if depth > self.depth_max {
            return Err(AmfError::TooDeep { max: self.depth_max, at: self.at });
        }
        self.values_left = self.values_left.checked_sub(1).ok_or(AmfError::TooMany { at: self.at })?;
        Ok(())
    }

    /// A count from the wire of items of at least `item_bytes_min` bytes each: refused if they cannot all be there.
    pub(super) fn count(&self, count: u32, item_bytes_min: usize) -> Result<usize, AmfError> {
        let count = usize::try_from(count).map_err(|_| AmfError::TooMany { at: self.at })?;
        match count.checked_mul(item_bytes_min) {
            Some(bytes) if bytes <= self.left() && count <= self.values_left => Ok(count),
            _ => Err(AmfError::TooMany { at: self.at }),
        }
    }
}
