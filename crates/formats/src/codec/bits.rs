//! A reader of bits that cannot run over, and the removal of emulation prevention.

use super::CodecError;

/// Most significant bit first. Reading past the end is an error that names the structure.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, at: 0, what }
    }

    fn truncated(&self) -> CodecError {
        CodecError::Truncated { what: self.what, len: self.bytes.len() }
    }

    pub(super) fn bits_left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.at)
    }

    /// Position in bits.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn flag(&mut self) -> Result<bool, CodecError> {
        let byte = *self.bytes.get(self.at / 8).ok_or_else(|| self.truncated())?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    /// Up to 32 bits as a number; more are an error, as no caller asks for them.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32, CodecError> {
        if count > 32 || self.bits_left() < count as usize {
            return Err(self.truncated());
        }
        let mut value = 0u64;
        let mut left = count as usize;
        while left > 0 {
            let byte = u64::from(*self.bytes.get(self.at / 8).ok_or_else(|| self.truncated())?);
            let offset = self.at % 8;
            let taken = left.min(8 - offset);
            value = value << taken | (byte >> (8 - offset - taken)) & ((1 << taken) - 1);
            self.at += taken;
            left -= taken;
        }
        Ok(value as u32)
    }

    pub(super) fn u8(&mut self) -> Result<u8, CodecError> {
        self.bits(8).map(|byte| byte as u8)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), CodecError> {
        if count > self.bits_left() {
            return Err(self.truncated());
        }
        self.at += count;
        Ok(())
    }

    /// Unsigned Exp-Golomb code, up to 2^32 - 2.
    pub(super) fn ue(&mut self) -> Result<u32, CodecError> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(CodecError::Invalid { what: "Exp-Golomb prefix", value: 32 });
            }
        }
        let suffix = self.bits(zeros)?;
        Ok(((1u64 << zeros) - 1 + u64::from(suffix)) as u32)
    }

    /// Unsigned Exp-Golomb code of at most `max`.
    pub(super) fn ue_max(&mut self, what: &'static str, max: u32) -> Result<u32, CodecError> {
        match self.ue()? {
            value if value <= max => Ok(value),
            value => Err(CodecError::Invalid { what, value: value.into() }),
        }
    }

    /// Signed Exp-Golomb code.
    pub(super) fn se(&mut self) -> Result<i64, CodecError> {
        let code = i64::from(self.ue()?);
        Ok(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) })
    }
}

/// The raw byte sequence payload of a NAL unit: `00 00 03` becomes `00 00` (H.264 §7.4.1.1, H.265 §7.4.2.1).
pub(super) fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_over_byte_boundaries() {
        let mut reader = BitReader::new(&[0b1010_0101, 0xFF, 0, 0, 0, 1], "test");
        assert!(reader.flag().expect("there"));
        assert_eq!(reader.bits(3), Ok(0b010));
        assert_eq!(reader.bits(8), Ok(0b0101_1111));
        assert_eq!(reader.position(), 12);
        assert_eq!(reader.bits(32), Ok(0xF000_0000));
        assert_eq!(reader.bits(0), Ok(0));
        assert_eq!(reader.bits(5), Err(CodecError::Truncated { what: "test", len: 6 }));
        assert_eq!(reader.bits(4), Ok(1), "a failed read takes nothing");
        assert!(reader.flag().is_err());
        assert!(reader.skip(1).is_err());
    }

    #[test]
    fn exp_golomb_codes_follow_table_9_2() {
        // 1, 010, 011, 00100, 00101
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut reader = BitReader::new(&bytes, "test");
        assert_eq!((0..5).map(|_| reader.ue().expect("there")).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let mut reader = BitReader::new(&bytes, "test");
        assert_eq!((0..5).map(|_| reader.se().expect("there")).collect::<Vec<_>>(), [0, 1, -1, 2, -2]);
        assert!(BitReader::new(&bytes, "test").ue_max("x", 0).is_ok());
        let mut reader = BitReader::new(&[0x40], "test");
        assert_eq!(reader.ue_max("x", 0), Err(CodecError::Invalid { what: "x", value: 1 }));
    }

    #[test]
    fn an_exp_golomb_code_of_any_length_ends() {
        let mut reader = BitReader::new(&[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFE], "test");
        assert_eq!(reader.ue(), Ok(u32::MAX - 1));
        assert!(BitReader::new(&[0; 64], "test").ue().is_err());
        assert!(BitReader::new(&[0; 2], "test").ue().is_err());
    }

    #[test]
    fn emulation_prevention_is_removed_and_nothing_else() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3]), [0, 0, 1, 0, 0]);
        assert_eq!(unescape(&[0, 3, 0, 0, 0, 3, 3]), [0, 3, 0, 0, 0, 3]);
        assert_eq!(unescape(&[0, 0, 3, 0, 0, 3, 0]), [0, 0, 0, 0, 0]);
    }
}
