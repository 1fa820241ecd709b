//! Messages into chunks: a type 0 header with absolute time first, type 3 after it, the extended timestamp repeated on
//! each. Nothing is compressed against an earlier message, so one message's bytes are the same for all who get it.

use super::header::write_basic;
use super::{CHUNK_SIZE_MAX, EXTENDED};

/// Appends one message. Payloads longer than 16,777,215 bytes cannot be said in RTMP: nothing is written for them.
pub fn write_message(
    csid: u32,
    timestamp: u32,
    type_id: u8,
    stream_id: u32,
    payload: &[u8],
    chunk_size: u32,
    out: &mut Vec<u8>,
) {
    write_parts(csid, timestamp, type_id, stream_id, &[payload], chunk_size, out);
}

/// As [`write_message`], the payload given in parts that follow one another.
pub fn write_parts(
    csid: u32,
    timestamp: u32,
    type_id: u8,
    stream_id: u32,
    parts: &[&[u8]],
    chunk_size: u32,
    out: &mut Vec<u8>,
) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let Some(wire_length) = u32::try_from(length).ok().filter(|&n| n <= CHUNK_SIZE_MAX) else { return };
    let chunk_size = usize::try_from(chunk_size.clamp(1, CHUNK_SIZE_MAX)).unwrap_or(usize::MAX);
    out.reserve(length + (length / chunk_size + 1) * 7 + 18);
    write_first(csid, timestamp, wire_length, type_id, stream_id, out);
    let mut room = chunk_size;
    for part in parts {
        let mut part = *part;
        while !part.is_empty() {
            if room == 0 {
                write_next(csid, timestamp, out);
                room = chunk_size;
            }
            let (now, later) = part.split_at(room.min(part.len()));
            out.extend_from_slice(now);
            room -= now.len();
            part = later;
        }
    }
}

/// Appends the header of a message's first chunk: type 0.
pub fn write_first(csid: u32, timestamp: u32, length: u32, type_id: u8, stream_id: u32, out: &mut Vec<u8>) {
    write_basic(0, csid, out);
    out.extend_from_slice(&timestamp.min(EXTENDED).to_be_bytes()[1..]);
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.push(type_id);
    out.extend_from_slice(&stream_id.to_le_bytes());
    write_extended(timestamp, out);
}

/// Appends the header of each chunk after the first: type 3.
pub fn write_next(csid: u32, timestamp: u32, out: &mut Vec<u8>) {
    write_basic(3, csid, out);
    write_extended(timestamp, out);
}

fn write_extended(timestamp: u32, out: &mut Vec<u8>) {
    if timestamp >= EXTENDED {
        out.extend_from_slice(&timestamp.to_be_bytes());
    }
}
