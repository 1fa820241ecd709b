//! Sequence headers and temporal units of many legal shapes, read back.

use media::{Colour, FrameRate};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::codec::tests::bit_writer::BitWriter;

#[derive(Clone, Debug)]
struct Fields {
    profile: u8,
    reduced: bool,
    timing: Option<(u32, u32, Option<u8>)>,
    decoder_model: Option<u8>,
    display_delay: bool,
    points: Vec<(u8, bool, bool)>,
    size: (u32, u32),
    frame_ids: bool,
    order_hint: bool,
    screen_content: Option<bool>,
    depth: (bool, bool),
    monochrome: bool,
    colour: Option<(u8, u8, u8)>,
    full_range: bool,
    chroma: (bool, bool, u8),
}

fn fields() -> impl Strategy<Value = Fields> {
    let first = (
        0u8..3,
        any::<bool>(),
        option::of((1u32..100_000, 1u32..200_000, option::of(0u8..7))),
        option::of(0u8..32),
        any::<bool>(),
        prop::collection::vec((0u8..32, any::<bool>(), any::<bool>()), 1..33),
        (1u32..=16_384, 1u32..=16_384),
    );
    let second = (
        any::<bool>(),
        any::<bool>(),
        option::of(any::<bool>()),
        any::<(bool, bool)>(),
        any::<bool>(),
        option::of((1u8..12, 1u8..12, 1u8..12)),
        any::<bool>(),
        (any::<bool>(), any::<bool>(), 0u8..3),
    );
    (first, second).prop_map(|(first, second)| {
        let (profile, reduced, timing, decoder_model, display_delay, points, size) = first;
        let (frame_ids, order_hint, screen_content, depth, monochrome, colour, full_range, chroma) = second;
        Fields {
            profile,
            reduced,
            timing: timing.filter(|_| !reduced),
            decoder_model: decoder_model.filter(|_| !reduced && timing.is_some()),
            display_delay,
            points,
            size,
            frame_ids,
            order_hint,
            screen_content,
            depth,
            monochrome: monochrome && profile != 1,
            colour,
            full_range,
            chroma,
        }
    })
}

impl Fields {
    fn payload(&self) -> Vec<u8> {
        let mut b = BitWriter::default();
        b.u(3, self.profile.into()).flag(self.reduced).flag(self.reduced);
        if self.reduced {
            b.u(5, self.points[0].0.into());
        } else {
            self.write_timing(&mut b);
        }
        b.u(4, 14).u(4, 13).u(15, u64::from(self.size.0) - 1).u(14, u64::from(self.size.1) - 1);
        if !self.reduced {
            b.flag(self.frame_ids).u(if self.frame_ids { 7 } else { 0 }, 0b010_0010);
        }
        b.u(3, 0b011);
        if !self.reduced {
            b.u(4, 0b1010).flag(self.order_hint).u(if self.order_hint { 2 } else { 0 }, 0b11);
            match self.screen_content {
                None => b.flag(true).flag(true), // both chosen by the frame
                Some(true) => b.flag(false).flag(true).flag(false).flag(true), // forced, integer motion vectors too
                Some(false) => b.flag(false).flag(false),
            };
            b.u(if self.order_hint { 3 } else { 0 }, 6);
        }
        b.u(3, 0b110);
        self.write_colour(&mut b);
        b.flag(false).flag(true);
        b.bytes()
    }

    fn write_timing(&self, b: &mut BitWriter) {
        b.flag(self.timing.is_some());
        if let Some((units, scale, interval)) = self.timing {
            b.u(32, units.into()).u(32, scale.into()).flag(interval.is_some());
            if let Some(ticks_minus1) = interval {
                b.ue(ticks_minus1.into());
            }
            b.flag(self.decoder_model.is_some());
            if let Some(bits) = self.decoder_model {
                b.u(5, bits.into()).u(32, 1).u(5, 9).u(5, 9);
            }
        }
        b.flag(self.display_delay).u(5, self.points.len() as u64 - 1);
        for (level, tier, model) in &self.points {
            b.u(12, 0x101).u(5, (*level).into()).u(u32::from(*level > 7), (*tier).into());
            if let Some(bits) = self.decoder_model {
                let bits = u32::from(bits) + 1;
                b.flag(*model).u(if *model { bits } else { 0 }, 1).u(if *model { bits + 1 } else { 0 }, 2);
            }
            if self.display_delay {
                b.flag(*tier).u(if *tier { 4 } else { 0 }, 5);
            }
        }
    }

    fn write_colour(&self, b: &mut BitWriter) {
        b.flag(self.depth.0);
        if self.profile == 2 && self.depth.0 {
            b.flag(self.depth.1);
        }
        if self.profile != 1 {
            b.flag(self.monochrome);
        }
        b.flag(self.colour.is_some());
        if let Some((primaries, transfer, matrix)) = self.colour {
            b.u(8, primaries.into()).u(8, transfer.into()).u(8, matrix.into());
        }
        b.flag(self.full_range);
        if self.monochrome {
            return;
        }
        let (across, down) = self.subsampling();
        if self.profile == 2 && self.bit_depth() == 12 {
            b.flag(across);
            if across {
                b.flag(down);
            }
        }
        if across && down {
            b.u(2, self.chroma.2.into());
        }
    }

    fn bit_depth(&self) -> u8 {
        match (self.profile, self.depth) {
            (2, (true, true)) => 12,
            (_, (true, _)) => 10,
            _ => 8,
        }
    }

    fn subsampling(&self) -> (bool, bool) {
        match (self.profile, self.bit_depth()) {
            _ if self.monochrome => (true, true),
            (0, _) => (true, true),
            (1, _) => (false, false),
            (_, 12) => (self.chroma.0, self.chroma.0 && self.chroma.1),
            _ => (true, false),
        }
    }
}

fn obu(kind: u8, extension: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind << 3 | u8::from(extension) << 2 | 2];
    if extension {
        out.push(0x20);
    }
    let mut size = payload.len();
    while size > 0x7F {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend_from_slice(payload);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_legal_sequence_header_is_read(fields in fields()) {
        let header = SequenceHeader::parse(&fields.payload()).expect("legal");
        prop_assert_eq!((header.width, header.height), fields.size);
        let (level, tier, _) = fields.points[0];
        prop_assert_eq!((header.profile, header.level), (fields.profile, level));
        prop_assert_eq!(header.high_tier, tier && level > 7 && !fields.reduced);
        prop_assert_eq!((header.bit_depth, header.monochrome), (fields.bit_depth(), fields.monochrome));
        prop_assert_eq!((header.subsampling_x, header.subsampling_y), fields.subsampling());
        let full_range = fields.full_range;
        let colour = fields.colour.map(|(primaries, transfer, matrix)| Colour { primaries, transfer, matrix, full_range });
        prop_assert_eq!(header.colour, colour);
        match fields.timing {
            Some((units, scale, Some(ticks_minus1))) if scale / (units * (u32::from(ticks_minus1) + 1)) <= 1_000 => {
                let FrameRate { frames, seconds } = header.frame_rate.expect("told");
                let ticks = u64::from(ticks_minus1) + 1;
                prop_assert_eq!(u64::from(frames) * u64::from(units) * ticks, u64::from(scale) * u64::from(seconds));
            }
            _ => prop_assert_eq!(header.frame_rate, None),
        }
    }

    #[test]
    fn a_record_made_of_a_key_frame_describes_it(fields in fields()) {
        let unit = [obu(2, false, &[]), obu(1, false, &fields.payload()), obu(6, false, &[0x10; 9])].concat();
        let record = config_in_band(&unit.into()).expect("it has a sequence header");
        let (description, canonical) = describe(&record).expect("own bytes");
        prop_assert_eq!(&canonical, &record);
        let TrackParams::Video(video) = description.params else { panic!("video") };
        prop_assert_eq!((video.width, video.height), fields.size);
        prop_assert_eq!(record[1], fields.profile << 5 | fields.points[0].0);
        let string = description.codec_string;
        prop_assert!(string.starts_with(&format!("av01.{}.{:02}", fields.profile, fields.points[0].0)), "{}", string);
    }

    #[test]
    fn a_temporal_unit_keeps_what_a_sample_has(
        units in prop::collection::vec((prop::sample::select(vec![1u8, 2, 3, 4, 5, 6, 8, 15]), any::<bool>(),
            prop::collection::vec(any::<u8>(), 0..200)), 0..8)
    ) {
        let write = |keep: &dyn Fn(u8) -> bool| -> Vec<u8> {
            let kept = units.iter().filter(|(kind, ..)| keep(*kind));
            kept.flat_map(|(kind, extension, payload)| obu(*kind, *extension, payload)).collect()
        };
        let all = Bytes::from(write(&|_| true));
        let expected = write(&|kind| !matches!(kind, 2 | 8 | 15));
        let clean = clean_temporal_unit(&all);
        prop_assert_eq!(&clean[..], &expected[..]);
        prop_assert_eq!(clean_temporal_unit(&clean), clean, "clean already");
        let read: Vec<_> = obus(&all).map(|obu| (obu.kind, obu.payload.to_vec())).collect();
        let written: Vec<_> = units.iter().map(|(kind, _, payload)| (*kind, payload.clone())).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn any_bytes_are_survived_as_a_temporal_unit(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let clean = clean_temporal_unit(&bytes.clone().into());
        prop_assert!(clean.len() <= bytes.len());
        let _ = SequenceHeader::parse(&bytes);
    }
}
