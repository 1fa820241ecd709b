//! The mark inside every synthetic access unit.

use media::TrackId;

/// Which frame an access unit is. Written with bytes that are never zero, so that it survives any NAL unit escaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its track.
    pub track: TrackId,
    /// How many frames of the track came before it.
    pub sequence: u64,
}

/// Opens a stamp; no byte of it occurs in the random filling, which has its highest bit set.
const MARK: [u8; 4] = *b"ayng";
/// Mark, two half bytes of track, sixteen of sequence.
const LENGTH: usize = 4 + 2 + 16;

impl Stamp {
    /// Appends the stamp's 22 bytes.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MARK);
        for shift in [4u32, 0] {
            out.push(0x40 | (self.track.0 >> shift & 0x0F));
        }
        for half in (0..16u32).rev() {
            out.push(0x40 | (self.sequence >> (4 * half) & 0x0F) as u8);
        }
    }

    /// Finds the stamp in an access unit, in whatever it is wrapped. `None` when there is none.
    #[must_use]
    pub fn find(payload: &[u8]) -> Option<Self> {
        let at = payload.windows(LENGTH).position(|window| window.starts_with(&MARK))?;
        let halves = &payload[at + MARK.len()..at + LENGTH];
        let value = halves.iter().skip(2).fold(0u64, |value, byte| value << 4 | u64::from(byte & 0x0F));
        Some(Self { track: TrackId((halves[0] & 0x0F) << 4 | halves[1] & 0x0F), sequence: value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_again_wherever_it_stands() {
        let stamp = Stamp { track: TrackId(0xA5), sequence: 0x0123_4567_89AB_CDEF };
        let mut bytes = vec![0xFF; 9];
        stamp.write(&mut bytes);
        bytes.push(0xEE);
        assert_eq!(Stamp::find(&bytes), Some(stamp));
        assert_eq!(Stamp::find(&bytes[..30]), None, "a cut-off stamp is none");
        assert!(bytes.iter().all(|byte| *byte != 0));
    }
}
