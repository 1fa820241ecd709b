//! Writes the bit syntaxes that the readers read, so that tests can make what no encoder at hand does.

/// Most significant bit first.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    bits: usize,
}

impl BitWriter {
    /// The low `count` bits of `value`.
    pub(crate) fn u(&mut self, count: u32, value: u64) -> &mut Self {
        for shift in (0..count).rev() {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().expect("pushed") |= ((value >> shift & 1) as u8) << (7 - self.bits % 8);
            self.bits += 1;
        }
        self
    }

    pub(crate) fn flag(&mut self, truth: bool) -> &mut Self {
        self.u(1, truth.into())
    }

    /// Unsigned Exp-Golomb.
    pub(crate) fn ue(&mut self, value: u64) -> &mut Self {
        let bits = 64 - (value + 1).leading_zeros();
        self.u(bits - 1, 0).u(bits, value + 1)
    }

    /// Signed Exp-Golomb.
    pub(crate) fn se(&mut self, value: i64) -> &mut Self {
        self.ue(if value > 0 { 2 * value as u64 - 1 } else { 2 * value.unsigned_abs() })
    }

    /// Zeros up to the next byte.
    pub(crate) fn align(&mut self) -> &mut Self {
        self.bits = self.bytes.len() * 8;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// As a NAL unit: with the stop bit and emulation prevention.
    pub(crate) fn nal(&self) -> Vec<u8> {
        let mut rbsp = self.clone();
        rbsp.u(1, 1);
        let mut out: Vec<u8> = Vec::new();
        let mut zeros = 0;
        for &byte in &rbsp.bytes {
            if zeros >= 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}

/// Bits as text, blanks ignored, filled up with zeros.
pub(crate) fn from_text(text: &str) -> Vec<u8> {
    let mut writer = BitWriter::default();
    for bit in text.bytes().filter(|byte| *byte != b' ') {
        writer.flag(bit == b'1');
    }
    writer.bytes()
}

#[test]
fn what_is_written_is_what_the_standard_says() {
    let mut writer = BitWriter::default();
    writer.u(3, 0b101).ue(0).ue(3).se(-2).flag(true);
    assert_eq!(writer.bytes(), from_text("101 1 00100 00101 1"));
    assert_eq!(BitWriter::default().u(24, 1).nal(), [0, 0, 3, 1, 0x80]);
    assert_eq!(writer.align().u(8, 0xFF).bytes().len(), 3);
}
