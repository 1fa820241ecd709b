//! ISO base media boxes: the strict reader and the small writer that `cmaf` and `mp4` share.
//!
//! Owns box framing (ISO/IEC 14496-12 §4.2) and nothing of what is inside a box. The reader never recurses, never allocates,
//! and never looks beyond the bounds of the box that it was made for.

use std::fmt;

/// A box type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{self}'")
    }
}

/// What is wrong with boxes that were read. The file is at fault, never the reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// The box ends inside a field.
    #[error("box {kind} ends inside {field} at byte {at}")]
    Truncated {
        /// The box.
        kind: FourCc,
        /// The field that did not fit.
        field: &'static str,
        /// Byte offset of the field in the input.
        at: usize,
    },
    /// The declared size is smaller than the box header or runs beyond the parent.
    #[error("box {kind} at byte {at} declares {size} bytes where {room} are left")]
    Size {
        /// The box.
        kind: FourCc,
        /// Byte offset of the box in the input.
        at: usize,
        /// Size as declared, header included.
        size: u64,
        /// Bytes left in the parent.
        room: usize,
    },
    /// A box that must be there is not.
    #[error("box {parent} has no {kind}")]
    Missing {
        /// The box that should hold it.
        parent: FourCc,
        /// The box that is missing.
        kind: FourCc,
    },
    /// A box that may be there once is there twice.
    #[error("box {kind} appears again at byte {at}")]
    Repeated {
        /// The box.
        kind: FourCc,
        /// Byte offset of the second one.
        at: usize,
    },
    /// A value that this reader refuses.
    #[error("box {kind} at byte {at}: {what}")]
    Value {
        /// The box.
        kind: FourCc,
        /// Byte offset near the value.
        at: usize,
        /// What is refused and why.
        what: &'static str,
    },
}

/// Reads the body of one box, knowing where in the input it stands.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    kind: FourCc,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Over a whole input; `kind` names it in errors.
    pub(crate) fn new(kind: &[u8; 4], bytes: &'a [u8]) -> Self {
        Self { kind: FourCc(*kind), bytes, at: 0 }
    }

    /// The box that this reader is inside of.
    pub(crate) fn kind(&self) -> FourCc {
        self.kind
    }

    /// Offset of the next byte in the input.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Bytes left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len()
    }

    /// All bytes left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// A [`BoxError::Value`] at this place.
    pub(crate) fn refuse(&self, what: &'static str) -> BoxError {
        BoxError::Value { kind: self.kind, at: self.at, what }
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], BoxError> {
        let Some((head, tail)) = self.bytes.split_at_checked(length) else {
            return Err(BoxError::Truncated { kind: self.kind, field, at: self.at });
        };
        self.bytes = tail;
        self.at = self.at.saturating_add(length);
        Ok(head)
    }

    /// Forgets all but the next `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) -> Result<(), BoxError> {
        let (kind, at) = (self.kind, self.at);
        let field = "descriptor";
        self.bytes = self.bytes.get(..length).ok_or(BoxError::Truncated { kind, field, at })?;
        Ok(())
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], BoxError> {
        let (kind, at) = (self.kind, self.at);
        let bytes = self.take(N, field)?;
        bytes.try_into().map_err(|_| BoxError::Truncated { kind, field, at })
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, BoxError> {
        Ok(u8::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, BoxError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, BoxError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, BoxError> {
        Ok(u64::from_be_bytes(self.array(field)?))
    }

    /// Version and flags of a full box.
    pub(crate) fn version_flags(&mut self) -> Result<(u8, u32), BoxError> {
        let word = self.u32("version and flags")?;
        Ok(((word >> 24) as u8, word & 0x00FF_FFFF))
    }

    /// A 64-bit field in version 1, a 32-bit field in version 0.
    pub(crate) fn u32_or_u64(&mut self, version: u8, field: &'static str) -> Result<u64, BoxError> {
        if version == 0 { self.u32(field).map(u64::from) } else { self.u64(field) }
    }

    /// The next child box, header read; `None` at the end. A size of zero ("to the end") is refused.
    pub(crate) fn next_box(&mut self) -> Result<Option<Self>, BoxError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let (start, room) = (self.at, self.bytes.len());
        let small = self.u32("box size")?;
        let kind = FourCc(self.array("box type")?);
        let size = if small == 1 { self.u64("large box size")? } else { u64::from(small) };
        let header = self.at.saturating_sub(start) as u64;
        let body = size.checked_sub(header).and_then(|body| usize::try_from(body).ok());
        let Some(body) = body.filter(|&body| body <= self.bytes.len()) else {
            return Err(BoxError::Size { kind, at: start, size, room });
        };
        let at = self.at;
        let bytes = self.take(body, "box body")?;
        Ok(Some(Self { kind, bytes, at }))
    }

    /// Keeps `child` in `slot`, refusing a second one.
    pub(crate) fn once(slot: &mut Option<Self>, child: Self) -> Result<(), BoxError> {
        if slot.is_some() {
            return Err(BoxError::Repeated { kind: child.kind, at: child.at });
        }
        *slot = Some(child);
        Ok(())
    }

    /// The child that must be there.
    pub(crate) fn need(&self, kind: &[u8; 4], slot: Option<Self>) -> Result<Self, BoxError> {
        slot.ok_or(BoxError::Missing { parent: self.kind, kind: FourCc(*kind) })
    }

    /// The only child of each of these kinds, others passed over; `None` where there is none.
    pub(crate) fn children<const N: usize>(&mut self, kinds: [&[u8; 4]; N]) -> Result<[Option<Self>; N], BoxError> {
        let mut found = [const { None }; N];
        while let Some(child) = self.next_box()? {
            for (slot, kind) in found.iter_mut().zip(kinds) {
                if child.kind.0 == *kind {
                    Self::once(slot, child.clone())?;
                }
            }
        }
        Ok(found)
    }

    /// The only child of that kind, which must be there; others passed over.
    pub(crate) fn child(&mut self, kind: &[u8; 4]) -> Result<Self, BoxError> {
        let [found] = self.children([kind])?;
        self.need(kind, found)
    }
}

/// A box of ours would be longer than its 32-bit size field can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("box {0} exceeds 4 GiB")]
pub struct BoxTooLarge(pub FourCc);

/// Writes a box whose body `body` appends; the size is filled in afterwards.
pub(crate) fn put_box<E: From<BoxTooLarge>>(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(kind);
    body(out)?;
    let size = u32::try_from(out.len() - start).map_err(|_| BoxTooLarge(FourCc(*kind)))?;
    patch_u32(out, start, size);
    Ok(())
}

/// As [`put_box`] with version and flags before the body.
pub(crate) fn put_full_box<E: From<BoxTooLarge>>(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    put_box(out, kind, |out| {
        put_u32(out, (u32::from(version) << 24) | (flags & 0x00FF_FFFF));
        body(out)
    })
}

/// Overwrites four bytes that were written before; does nothing where they were not.
pub(crate) fn patch_u32(out: &mut [u8], at: usize, value: u32) {
    if let Some(slot) = out.get_mut(at..).and_then(|tail| tail.first_chunk_mut::<4>()) {
        *slot = value.to_be_bytes();
    }
}

pub(crate) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests;
