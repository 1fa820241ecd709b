//! Chunk headers as values: parsing without side effects, so that a header split over reads is simply parsed again.

use super::EXTENDED;

/// Longest chunk header: basic 3, message 11, extended 4.
pub const HEADER_MAX: usize = 18;

/// Message header fields that are present in a header of type 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Type 0: everything.
    Full {
        /// Message stream id.
        stream_id: u32,
        /// Message length in bytes.
        length: u32,
        /// Message type.
        type_id: u8,
    },
    /// Type 1: no message stream id.
    SameStream {
        /// Message length in bytes.
        length: u32,
        /// Message type.
        type_id: u8,
    },
    /// Type 2: a timestamp delta only.
    SameLength,
    /// Type 3: nothing.
    Same,
}

/// Basic and message header, extended timestamp excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Chunk stream id, 2 to 65599.
    pub csid: u32,
    /// The fields that this type has.
    pub format: Format,
    /// Three-byte timestamp or delta; zero for type 3, which has none.
    pub time: u32,
    /// Bytes taken.
    pub size: usize,
}

impl Header {
    /// Reads a header. `None`: more bytes are needed.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let (csid, basic) = match first & 0x3F {
            0 => (u32::from(*rest.first()?) + 64, 2),
            1 => (u32::from(*rest.first()?) + u32::from(*rest.get(1)?) * 256 + 64, 3),
            id => (u32::from(id), 1),
        };
        let fields = bytes.get(basic..)?;
        let (format, time, length) = match first >> 6 {
            0 => {
                let fields = fields.first_chunk::<11>()?;
                let &[t0, t1, t2, l0, l1, l2, type_id, s0, s1, s2, s3] = fields;
                let stream_id = u32::from_le_bytes([s0, s1, s2, s3]);
                (Format::Full { stream_id, length: u24([l0, l1, l2]), type_id }, u24([t0, t1, t2]), 11)
            }
            1 => {
                let &[t0, t1, t2, l0, l1, l2, type_id] = fields.first_chunk::<7>()?;
                (Format::SameStream { length: u24([l0, l1, l2]), type_id }, u24([t0, t1, t2]), 7)
            }
            2 => (Format::SameLength, u24(*fields.first_chunk::<3>()?), 3),
            _ => (Format::Same, 0, 0),
        };
        Some(Self { csid, format, time, size: basic + length })
    }

    /// Whether the three-byte time of this header says that an extended timestamp follows. Never for type 3.
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.time == EXTENDED
    }
}

/// Appends a basic header. `csid` outside 2..=65599 is brought into that range.
pub fn write_basic(format: u8, csid: u32, out: &mut Vec<u8>) {
    let csid = csid.clamp(2, super::CHUNK_STREAM_ID_MAX);
    let top = format << 6;
    match csid {
        0..=63 => out.push(top | csid.to_le_bytes()[0]),
        64..=319 => out.extend_from_slice(&[top, (csid - 64).to_le_bytes()[0]]),
        _ => {
            let [low, high, ..] = (csid - 64).to_le_bytes();
            out.extend_from_slice(&[top | 1, low, high]);
        }
    }
}

fn u24([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

#[cfg(test)]
mod tests;
