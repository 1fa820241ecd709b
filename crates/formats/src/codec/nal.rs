//! NAL units in an access unit: length-prefixed, as all of Tayang holds them, and what senders make of that.
//!
//! Spec: ISO/IEC 14496-15 §5.3.2 (lengths of 1, 2 or 4 bytes), ITU-T H.264 annex B (start codes). Units of no bytes and
//! units that are cut off are ordinary input: skipped and counted, never an error.

use bytes::Bytes;

/// The NAL units of an access unit whose lengths take 4 bytes.
#[must_use]
pub fn nal_units(payload: &[u8]) -> NalIter<'_> {
    NalIter { rest: payload, length_size: 4, malformed: 0 }
}

/// Iterator over NAL units. Never yields an empty one.
#[derive(Clone, Debug)]
pub struct NalIter<'a> {
    rest: &'a [u8],
    length_size: u8,
    malformed: usize,
}

impl NalIter<'_> {
    /// How many units of no bytes or cut off were passed over so far.
    #[must_use]
    pub fn malformed(&self) -> usize {
        self.malformed
    }

    fn length(&mut self) -> Option<usize> {
        let (prefix, rest) = self.rest.split_at_checked(usize::from(self.length_size))?;
        self.rest = rest;
        Some(prefix.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte)))
    }
}

impl<'a> Iterator for NalIter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let unit = match self.length() {
                Some(0) => {
                    self.malformed += 1;
                    continue;
                }
                Some(length) => self.rest.split_at_checked(length),
                None => None,
            };
            let Some((unit, rest)) = unit else {
                self.rest = &[];
                self.malformed += 1;
                return None;
            };
            self.rest = rest;
            return Some(unit);
        }
        None
    }
}

/// The access unit with 4-byte lengths and only whole units. Shares the memory if it already is so. `length_size` is
/// the configuration's ([`super::length_size`]). An access unit in start-code form, which some senders put into FLV
/// against its rules, is converted.
#[must_use]
pub fn to_length4(payload: &Bytes, length_size: u8) -> Bytes {
    let mut units = NalIter { rest: payload, length_size: length_size.clamp(1, 4), malformed: 0 };
    let mut count = 0usize;
    while units.next().is_some() {
        count += 1;
    }
    if units.malformed() == 0 && length_size == 4 {
        return payload.clone();
    }
    let mut out = Vec::with_capacity(payload.len() + 4 * count);
    if units.malformed() > 0 && (payload.starts_with(&[0, 0, 0, 1]) || payload.starts_with(&[0, 0, 1])) {
        start_code_units(payload).for_each(|unit| push_unit(unit, &mut out));
    } else {
        let units = NalIter { rest: payload, length_size: length_size.clamp(1, 4), malformed: 0 };
        units.for_each(|unit| push_unit(unit, &mut out));
    }
    out.into()
}

fn push_unit(unit: &[u8], out: &mut Vec<u8>) {
    if let Ok(length) = u32::try_from(unit.len()) {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(unit);
    }
}

/// The NAL units of a byte stream with start codes. Trailing zeros are not part of a unit.
fn start_code_units(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    let start = |bytes: &[u8]| bytes.windows(3).position(|window| window == [0, 0, 1]);
    rest = start(rest).and_then(|at| rest.get(at + 3..)).unwrap_or_default();
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (mut unit, after) = match start(rest) {
                Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 3..).unwrap_or_default()),
                None => (rest, &[][..]),
            };
            rest = after;
            while let Some((0, shorter)) = unit.split_last() {
                unit = shorter;
            }
            if !unit.is_empty() {
                return Some(unit);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(payload: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let mut iter = nal_units(payload);
        let units = iter.by_ref().map(<[u8]>::to_vec).collect();
        (units, iter.malformed())
    }

    #[test]
    fn units_of_no_bytes_and_cut_off_units_are_skipped_and_counted() {
        assert_eq!(units(&[0, 0, 0, 2, 9, 0xF0, 0, 0, 0, 1, 0x65]), (vec![vec![9, 0xF0], vec![0x65]], 0));
        assert_eq!(units(&[0, 0, 0, 0, 0, 0, 0, 1, 0x65, 0, 0, 0, 0]), (vec![vec![0x65]], 2));
        assert_eq!(units(&[0, 0, 0, 1, 0x65, 0, 0, 0, 9, 1, 2]), (vec![vec![0x65]], 1));
        assert_eq!(units(&[0, 0, 0, 1, 0x65, 0, 0]), (vec![vec![0x65]], 1));
        assert_eq!(units(&[0xFF; 4]), (vec![], 1));
        assert_eq!(units(&[]), (vec![], 0));
    }

    #[test]
    fn a_well_formed_access_unit_is_not_copied() {
        let payload = Bytes::from_static(&[0, 0, 0, 2, 9, 0xF0, 0, 0, 0, 1, 0x65]);
        assert_eq!(to_length4(&payload, 4).as_ptr(), payload.as_ptr());
    }

    #[test]
    fn shorter_lengths_become_four_bytes() {
        let four = [0, 0, 0, 2, 9, 0xF0, 0, 0, 0, 1, 0x65];
        assert_eq!(to_length4(&Bytes::from_static(&[0, 2, 9, 0xF0, 0, 1, 0x65]), 2), &four[..]);
        assert_eq!(to_length4(&Bytes::from_static(&[2, 9, 0xF0, 1, 0x65]), 1), &four[..]);
        assert_eq!(to_length4(&Bytes::from_static(&[0, 0, 2, 9, 0xF0, 0, 0, 1, 0x65]), 3), &four[..]);
        assert_eq!(to_length4(&Bytes::from_static(&[1, 0x65]), 0), &four[6..], "0 is taken as 1");
    }

    #[test]
    fn malformed_units_are_left_out() {
        assert_eq!(to_length4(&Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 1, 0x65, 0]), 4), &[0, 0, 0, 1, 0x65][..]);
    }

    #[test]
    fn start_codes_where_lengths_belong_are_converted() {
        let payload = Bytes::from_static(&[0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4, 0, 0]);
        let expected = [0, 0, 0, 3, 0x67, 1, 2, 0, 0, 0, 2, 0x68, 3, 0, 0, 0, 2, 0x65, 4];
        assert_eq!(to_length4(&payload, 4), &expected[..]);
    }

    proptest! {
        #[test]
        fn any_bytes_become_whole_units(
            bytes in prop::collection::vec(prop_oneof![Just(0u8), 0u8..5, any::<u8>()], 0..200),
            length_size in 0u8..6,
        ) {
            let out = to_length4(&Bytes::from(bytes.clone()), length_size);
            prop_assert!(out.len() <= 4 * bytes.len() + 4);
            let (_, malformed) = units(&out);
            prop_assert_eq!(malformed, 0);
        }
    }
}
