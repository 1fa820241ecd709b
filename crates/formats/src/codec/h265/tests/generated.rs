//! Sequence parameter sets of many legal shapes, read back.

use media::{Colour, FrameRate};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::codec::tests::bit_writer::BitWriter;

/// Distance less one, and whether the current picture uses it.
type Pictures = Vec<(u64, bool)>;

#[derive(Clone, Debug)]
struct Fields {
    sub_layers: u8,
    general: (u8, bool, u8, u32, u64, u8),
    layer_presence: Vec<(bool, bool)>,
    chroma: u8,
    separate_planes: bool,
    size: (u64, u64),
    window: Option<(u64, u64, u64, u64)>,
    depths: (u8, u8),
    layer_ordering: bool,
    pcm: bool,
    /// Negative and positive.
    explicit_sets: Vec<(Pictures, Pictures)>,
    long_term: Option<Vec<(u8, bool)>>,
    colour: Option<(u8, u8, u8, bool)>,
    timing: Option<(u32, u32)>,
}

fn fields() -> impl Strategy<Value = Fields> {
    let pictures = || prop::collection::vec((0u64..300, any::<bool>()), 0..5);
    let first = (
        1u8..8,
        (0u8..4, any::<bool>(), 0u8..32, any::<u32>(), 0u64..1 << 48, any::<u8>()),
        prop::collection::vec(any::<(bool, bool)>(), 6),
        0u8..4,
        any::<bool>(),
        (64u64..8_192, 64u64..4_320),
        option::of((0u64..8, 0u64..8, 0u64..8, 0u64..8)),
    );
    let second = (
        (0u8..9, 0u8..9),
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec((pictures(), pictures()), 0..6),
        option::of(prop::collection::vec(any::<(u8, bool)>(), 0..33)),
        option::of(any::<(u8, u8, u8, bool)>()),
        option::of((1u32..100_000, 1u32..200_000)),
    );
    (first, second).prop_map(|(first, second)| {
        let (sub_layers, general, layer_presence, chroma, separate_planes, size, window) = first;
        let (depths, layer_ordering, pcm, explicit_sets, long_term, colour, timing) = second;
        Fields {
            sub_layers,
            general,
            layer_presence,
            chroma,
            separate_planes,
            size,
            window,
            depths,
            layer_ordering,
            pcm,
            explicit_sets,
            long_term,
            colour,
            timing,
        }
    })
}

impl Fields {
    fn nal(&self) -> Vec<u8> {
        let mut b = BitWriter::default();
        b.u(16, 0x4201).u(4, 0).u(3, u64::from(self.sub_layers) - 1).flag(true);
        self.write_profile_tier_level(&mut b);
        b.ue(0).ue(self.chroma.into());
        if self.chroma == 3 {
            b.flag(self.separate_planes);
        }
        b.ue(self.size.0).ue(self.size.1).flag(self.window.is_some());
        if let Some((left, right, top, bottom)) = self.window {
            b.ue(left).ue(right).ue(top).ue(bottom);
        }
        b.ue(self.depths.0.into()).ue(self.depths.1.into()).ue(4).flag(self.layer_ordering);
        for _ in 0..if self.layer_ordering { self.sub_layers } else { 1 } {
            b.ue(4).ue(2).ue(0);
        }
        b.ue(0).ue(3).ue(0).ue(3).ue(1).ue(1).flag(false).u(2, 0b01).flag(self.pcm);
        if self.pcm {
            b.u(8, 0x77).ue(0).ue(2).flag(false);
        }
        self.write_reference_pictures(&mut b);
        b.u(2, 0b10);
        self.write_vui(&mut b);
        b.nal()
    }

    fn write_profile_tier_level(&self, b: &mut BitWriter) {
        let (space, tier, profile, compatibility, constraints, level) = self.general;
        b.u(2, space.into()).flag(tier).u(5, profile.into()).u(32, compatibility.into()).u(48, constraints);
        b.u(8, level.into());
        let layers = usize::from(self.sub_layers) - 1;
        for (profile, level) in self.layer_presence.iter().take(layers) {
            b.flag(*profile).flag(*level);
        }
        if layers > 0 {
            b.u(2 * (8 - layers as u32), 0);
        }
        for (profile, level) in self.layer_presence.iter().take(layers) {
            b.u(if *profile { 64 } else { 0 }, u64::MAX).u(if *profile { 24 } else { 0 }, 0);
            b.u(if *level { 8 } else { 0 }, 0x5D);
        }
    }

    /// Explicit sets, and behind each but the first a set predicted from it that keeps every picture.
    fn write_reference_pictures(&self, b: &mut BitWriter) {
        b.ue(2 * self.explicit_sets.len() as u64);
        for (index, (negative, positive)) in self.explicit_sets.iter().enumerate() {
            if index > 0 {
                b.flag(false);
            }
            b.ue(negative.len() as u64).ue(positive.len() as u64);
            for (distance, used) in negative.iter().chain(positive) {
                b.ue(*distance).flag(*used);
            }
            // moved by 2^15, so that none falls on the current picture
            b.flag(true).flag(index % 2 == 0).ue(0x7FFF);
            for _ in 0..=negative.len() + positive.len() {
                b.flag(true);
            }
        }
        b.flag(self.long_term.is_some());
        if let Some(pictures) = &self.long_term {
            b.ue(pictures.len() as u64);
            for (lsb, used) in pictures {
                b.u(8, (*lsb).into()).flag(*used);
            }
        }
    }

    fn write_vui(&self, b: &mut BitWriter) {
        b.flag(true).flag(false).flag(false).flag(self.colour.is_some());
        if let Some((primaries, transfer, matrix, full_range)) = self.colour {
            b.u(3, 5).flag(full_range).flag(true);
            b.u(8, primaries.into()).u(8, transfer.into()).u(8, matrix.into());
        }
        b.flag(false).u(3, 0).flag(false).flag(self.timing.is_some());
        if let Some((units, scale)) = self.timing {
            b.u(32, units.into()).u(32, scale.into()).u(2, 0);
        }
        b.flag(false).flag(false);
    }

    fn cropped(&self) -> (u64, u64) {
        let (unit_x, unit_y) = match (self.chroma, self.separate_planes) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        let (left, right, top, bottom) = self.window.unwrap_or_default();
        (self.size.0 - (left + right) * unit_x, self.size.1 - (top + bottom) * unit_y)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_legal_sps_is_read_to_its_timing(fields in fields()) {
        let sps = Sps::parse(&fields.nal()).expect("legal");
        prop_assert_eq!((u64::from(sps.width), u64::from(sps.height)), fields.cropped());
        prop_assert_eq!((sps.bit_depth_luma - 8, sps.bit_depth_chroma - 8), fields.depths);
        prop_assert_eq!((sps.chroma_format, sps.sub_layers), (fields.chroma, fields.sub_layers));
        let general = sps.profile_tier_level;
        let (space, tier, profile, compatibility, constraints, level) = fields.general;
        prop_assert_eq!((general.profile_space, general.high_tier, general.profile), (space, tier, profile));
        prop_assert_eq!((general.compatibility, general.level), (compatibility, level));
        prop_assert_eq!(&general.constraints[..], &constraints.to_be_bytes()[2..]);
        let colour = fields.colour.map(|(primaries, transfer, matrix, full_range)| Colour {
            primaries,
            transfer,
            matrix,
            full_range,
        });
        prop_assert_eq!(sps.colour, colour);
        match fields.timing {
            Some((units, scale)) if scale / units <= 1_000 => {
                let FrameRate { frames, seconds } = sps.frame_rate.expect("told");
                prop_assert_eq!(u64::from(frames) * u64::from(units), u64::from(scale) * u64::from(seconds));
            }
            _ => prop_assert_eq!(sps.frame_rate, None),
        }
    }

    #[test]
    fn a_configuration_of_a_legal_sps_says_the_same(fields in fields()) {
        let sps = Bytes::from(fields.nal());
        let parsed = Sps::parse(&sps).expect("legal");
        let vps = Bytes::from_static(&[0x40, 1, 0x0C]);
        let pps = Bytes::from_static(&[0x44, 1, 0xC1]);
        let record = hvcc_from_sets(std::slice::from_ref(&vps), std::slice::from_ref(&sps), std::slice::from_ref(&pps)).expect("legal");
        let config = HvcConfig::parse(&record).expect("own bytes");
        prop_assert_eq!(config.profile_tier_level, parsed.profile_tier_level);
        prop_assert_eq!((config.vps, config.sps, config.pps), (vec![vps], vec![sps], vec![pps]));
        let (description, canonical) = describe(&record).expect("own bytes");
        prop_assert_eq!(canonical, record);
        prop_assert_eq!(description.codec_string, parsed.profile_tier_level.codec_string());
    }

    #[test]
    fn a_flipped_bit_never_hangs_or_leaves_the_bounds(fields in fields(), flips in prop::collection::vec(any::<prop::sample::Index>(), 1..6)) {
        let mut nal = fields.nal();
        for flip in flips {
            let bit = 16 + flip.index(8 * nal.len() - 16);
            nal[bit / 8] ^= 0x80 >> (bit % 8);
        }
        if let Ok(sps) = Sps::parse(&nal) {
            prop_assert!(sps.width <= crate::codec::DIMENSION_MAX && sps.height <= crate::codec::DIMENSION_MAX);
        }
    }
}
