//! Sequence parameter sets of every legal shape, read back, with `h264-reader` as a second opinion.

use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::rbsp::{BitReader as OracleBits, decode_nal};
use media::{Colour, FrameRate};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::codec::tests::bit_writer::BitWriter;

/// Primaries, transfer, matrix.
type CodePoints = (u8, u8, u8);

/// Fields of an SPS in their order, as far as they vary.
#[derive(Clone, Debug)]
struct Fields {
    profile: u8,
    compat: u8,
    chroma: u8,
    separate_planes: bool,
    depths: (u8, u8),
    scaling: Option<Vec<Option<i64>>>,
    order: u8,
    order_cycle: Vec<i64>,
    size_mbs: (u64, u64),
    frame_mbs_only: bool,
    crop: Option<(u64, u64, u64, u64)>,
    vui: Option<Vui>,
}

#[derive(Clone, Debug)]
struct Vui {
    aspect: Option<u8>,
    overscan: bool,
    /// Full range, and code points.
    signal: Option<(bool, Option<CodePoints>)>,
    chroma_location: bool,
    timing: Option<(u32, u32)>,
}

fn vui() -> impl Strategy<Value = Vui> {
    (
        option::of(prop_oneof![Just(1u8), Just(255)]),
        any::<bool>(),
        option::of((any::<bool>(), option::of(any::<(u8, u8, u8)>()))),
        any::<bool>(),
        option::of((1u32..100_000, 1u32..200_000)),
    )
        .prop_map(|(aspect, overscan, signal, chroma_location, timing)| Vui {
            aspect,
            overscan,
            signal,
            chroma_location,
            timing,
        })
}

fn fields() -> impl Strategy<Value = Fields> {
    let format = (
        prop::sample::select(vec![66u8, 77, 88, 100, 110, 122, 244, 44]),
        any::<u8>(),
        0u8..4,
        any::<bool>(),
        (0u8..7, 0u8..7),
        option::of(prop::collection::vec(option::of(-20i64..20), 12)),
    );
    let picture = (
        0u8..3,
        prop::collection::vec(-1_000i64..1_000, 0..20),
        (2u64..256, 2u64..128),
        any::<bool>(),
        option::of((0u64..4, 0u64..4, 0u64..4, 0u64..2)),
        option::of(vui()),
    );
    (format, picture).prop_map(|(format, picture)| {
        let (profile, compat, chroma, separate_planes, depths, scaling) = format;
        let (order, order_cycle, size_mbs, frame_mbs_only, crop, vui) = picture;
        Fields {
            profile,
            compat,
            chroma,
            separate_planes,
            depths,
            scaling,
            order,
            order_cycle,
            size_mbs,
            frame_mbs_only,
            crop,
            vui,
        }
    })
}

impl Fields {
    fn is_high(&self) -> bool {
        !matches!(self.profile, 66 | 77 | 88)
    }

    fn nal(&self) -> Vec<u8> {
        let mut b = BitWriter::default();
        b.u(8, 0x67).u(8, self.profile.into()).u(8, (self.compat & 0xFC).into()).u(8, 62).ue(0);
        if self.is_high() {
            self.write_format(&mut b);
        }
        b.ue(0).ue(self.order.into());
        match self.order {
            0 => {
                b.ue(4);
            }
            1 => {
                b.flag(true).se(-7).se(9).ue(self.order_cycle.len() as u64);
                for offset in &self.order_cycle {
                    b.se(*offset);
                }
            }
            _ => {}
        }
        b.ue(4).flag(false).ue(self.size_mbs.0 - 1).ue(self.size_mbs.1 - 1).flag(self.frame_mbs_only);
        if !self.frame_mbs_only {
            b.flag(true);
        }
        b.flag(true).flag(self.crop.is_some());
        if let Some((left, right, top, bottom)) = self.crop {
            b.ue(left).ue(right).ue(top).ue(bottom);
        }
        b.flag(self.vui.is_some());
        if let Some(vui) = &self.vui {
            vui.write(&mut b);
        }
        b.nal()
    }

    fn write_format(&self, b: &mut BitWriter) {
        b.ue(self.chroma.into());
        if self.chroma == 3 {
            b.flag(self.separate_planes);
        }
        b.ue(self.depths.0.into()).ue(self.depths.1.into()).flag(false).flag(self.scaling.is_some());
        let lists = if self.chroma == 3 { 12 } else { 8 };
        for (index, first) in self.scaling.iter().flatten().take(lists).enumerate() {
            b.flag(first.is_some());
            // the first scale is 8 + delta; a second delta back to 0 ends the list
            match first {
                None => {}
                Some(-8) => {
                    b.se(-8);
                }
                Some(delta) => {
                    b.se(*delta);
                    let size = if index < 6 { 16 } else { 64 };
                    if index % 2 == 0 {
                        b.se(-(8 + delta)); // to 0: the rest repeats
                    } else {
                        (1..size).for_each(|_| {
                            b.se(0);
                        });
                    }
                }
            }
        }
    }

    /// Luma samples after cropping.
    fn size(&self) -> (u64, u64) {
        let chroma = if self.is_high() { self.chroma } else { 1 };
        let (unit_x, unit_y) = match (chroma, self.separate_planes) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        let fields = if self.frame_mbs_only { 1 } else { 2 };
        let (left, right, top, bottom) = self.crop.unwrap_or_default();
        let width = self.size_mbs.0 * 16 - (left + right) * unit_x;
        (width, self.size_mbs.1 * 16 * fields - (top + bottom) * unit_y * fields)
    }
}

impl Vui {
    fn write(&self, b: &mut BitWriter) {
        b.flag(self.aspect.is_some());
        if let Some(aspect) = self.aspect {
            b.u(8, aspect.into());
            if aspect == 255 {
                b.u(16, 4).u(16, 3);
            }
        }
        b.flag(self.overscan);
        if self.overscan {
            b.flag(true);
        }
        b.flag(self.signal.is_some());
        if let Some((full_range, colour)) = self.signal {
            b.u(3, 5).flag(full_range).flag(colour.is_some());
            if let Some((primaries, transfer, matrix)) = colour {
                b.u(8, primaries.into()).u(8, transfer.into()).u(8, matrix.into());
            }
        }
        b.flag(self.chroma_location);
        if self.chroma_location {
            b.ue(0).ue(2);
        }
        b.flag(self.timing.is_some());
        if let Some((units, scale)) = self.timing {
            b.u(32, units.into()).u(32, scale.into()).flag(true);
        }
        b.flag(false).flag(false).flag(false).flag(false);
    }

    fn colour(&self) -> Option<Colour> {
        let (full_range, colour) = self.signal?;
        let (primaries, transfer, matrix) = colour?;
        Some(Colour { primaries, transfer, matrix, full_range })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_legal_sps_is_read(fields in fields()) {
        let nal = fields.nal();
        let sps = Sps::parse(&nal).expect("legal");
        prop_assert_eq!((u64::from(sps.width), u64::from(sps.height)), fields.size());
        prop_assert_eq!((sps.profile, sps.compat, sps.level), (fields.profile, fields.compat & 0xFC, 62));
        if fields.is_high() {
            prop_assert_eq!((sps.bit_depth_luma - 8, sps.bit_depth_chroma - 8), fields.depths);
            prop_assert_eq!(sps.chroma_format, fields.chroma);
        }
        prop_assert_eq!(sps.colour, fields.vui.as_ref().and_then(Vui::colour));
        match fields.vui.as_ref().and_then(|vui| vui.timing) {
            Some((units, scale)) if scale / units / 2 <= 1_000 => {
                let FrameRate { frames, seconds } = sps.frame_rate.expect("told");
                prop_assert_eq!(u64::from(frames) * 2 * u64::from(units), u64::from(scale) * u64::from(seconds));
            }
            _ => prop_assert_eq!(sps.frame_rate, None),
        }
        let rbsp = decode_nal(&nal).expect("escaped rightly");
        if let Ok(oracle) = SeqParameterSet::from_bits(OracleBits::new(&rbsp[..]))
            && let Ok(size) = oracle.pixel_dimensions()
        {
            prop_assert_eq!((sps.width, sps.height), size);
        }
    }

    #[test]
    fn what_the_oracle_reads_we_read(fields in fields()) {
        let nal = fields.nal();
        let rbsp = decode_nal(&nal).expect("escaped rightly");
        let oracle = SeqParameterSet::from_bits(OracleBits::new(&rbsp[..]));
        prop_assert!(oracle.is_ok() || fields.scaling.is_some(), "{:?}", oracle);
    }

    #[test]
    fn every_cut_of_a_legal_sps_ends(fields in fields(), cut in any::<prop::sample::Index>()) {
        let nal = fields.nal();
        let _ = Sps::parse(&nal[..cut.index(nal.len())]);
    }

    #[test]
    fn a_configuration_of_a_legal_sps_is_whole(fields in fields()) {
        let record = avcc_from_sets(&[fields.nal().into()], &[Bytes::from_static(&[0x68, 0xEB])]).expect("legal");
        let parsed = AvcConfig::parse(&record).expect("own bytes");
        prop_assert_eq!((parsed.profile, parsed.level, parsed.length_size), (fields.profile, 62, 4));
        prop_assert_eq!(parsed.sps, vec![Bytes::from(fields.nal())]);
    }
}
