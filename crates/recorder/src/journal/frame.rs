//! Framing of `index.log` and `index.bin`: `length: u32 LE`, `crc32: u32 LE`, then `length` bytes of one record.
//!
//! The checksum (CRC-32, IEEE 802.3) covers the four length bytes and the record, so that a run of zeros, which a file
//! system may leave at the end of a file after a power cut, is never a valid frame. A length of zero is not valid.

use crc32fast::Hasher;

/// Bytes before the record: length and checksum.
pub(crate) const HEADER_BYTES: usize = 8;

/// Longest record. A part of 4 s at 240 frames/s with 16 bytes per sample is 16 kB; an `Init` of HEVC with large
/// parameter sets some 70 kB. 1 MiB is far above both and keeps a damaged length from costing memory.
pub(crate) const RECORD_BYTES_MAX: usize = 1 << 20;

fn checksum(length: [u8; 4], record: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&length);
    hasher.update(record);
    hasher.finalize()
}

/// Appends a frame whose record `write` appends to the buffer. Returns false, with `out` as it was, if the record is
/// empty or longer than [`RECORD_BYTES_MAX`].
pub(crate) fn append(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    write(out);
    let length = out.len() - start - HEADER_BYTES;
    if length == 0 || length > RECORD_BYTES_MAX {
        out.truncate(start);
        return false;
    }
    let length_bytes = (length as u32).to_le_bytes();
    let crc = checksum(length_bytes, &out[start + HEADER_BYTES..]);
    out[start..start + 4].copy_from_slice(&length_bytes);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    true
}

/// The record of the frame at the start of `bytes` and the bytes after it. `None` if no whole, sound frame is there.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length_bytes, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length_bytes) as usize;
    if length == 0 || length > RECORD_BYTES_MAX {
        return None;
    }
    let record = rest.get(..length)?;
    (checksum(*length_bytes, record) == u32::from_le_bytes(*crc)).then(|| (record, &rest[length..]))
}

/// Reads frames one after another; holds one record at a time.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    source: R,
    frame: Vec<u8>,
    sound_len: u64,
}

impl<R: std::io::Read> FrameReader<R> {
    /// From the start of `source`, which should be buffered.
    pub(crate) fn new(source: R) -> Self {
        Self { source, frame: Vec::new(), sound_len: 0 }
    }

    /// Bytes of the whole, sound frames read so far.
    pub(crate) fn sound_len(&self) -> u64 {
        self.sound_len
    }

    /// The next record; `None` at the end or at the first frame that is cut off or damaged.
    ///
    /// # Errors
    /// What the source says.
    pub(crate) fn next_record(&mut self) -> std::io::Result<Option<&[u8]>> {
        self.frame.resize(HEADER_BYTES, 0);
        if !self.fill(0)? {
            return Ok(None);
        }
        let length = self.frame.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
        if length == 0 || length > RECORD_BYTES_MAX {
            return Ok(None);
        }
        self.frame.resize(HEADER_BYTES + length, 0);
        if !self.fill(HEADER_BYTES)? {
            return Ok(None);
        }
        let frame_len = self.frame.len() as u64;
        Ok(split(&self.frame).map(|(record, _)| {
            self.sound_len += frame_len;
            record
        }))
    }

    fn fill(&mut self, from: usize) -> std::io::Result<bool> {
        match self.source.read_exact(&mut self.frame[from..]) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame_of(record: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(append(&mut out, |out| out.extend_from_slice(record)));
        out
    }

    #[test]
    fn a_frame_reads_back_and_leaves_what_follows() {
        let mut bytes = frame_of(b"satu");
        bytes.extend(frame_of(b"dua"));
        let (first, rest) = split(&bytes).expect("whole");
        assert_eq!(first, b"satu");
        assert_eq!(split(rest).expect("whole"), (&b"dua"[..], &b""[..]));
    }

    #[test]
    fn every_single_bit_flip_and_every_cut_is_seen() {
        let bytes = frame_of(b"rekaman kelas pagi");
        for cut in 0..bytes.len() {
            assert!(split(&bytes[..cut]).is_none(), "cut at {cut}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(split(&damaged).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_run_of_zeros_is_no_frame() {
        assert!(split(&[0; 64]).is_none());
    }

    #[test]
    fn a_record_too_long_or_empty_is_refused_and_leaves_the_buffer_alone() {
        let mut out = vec![7];
        assert!(!append(&mut out, |_| ()));
        assert!(!append(&mut out, |out| out.resize(out.len() + RECORD_BYTES_MAX + 1, 1)));
        assert_eq!(out, [7]);
    }
}
