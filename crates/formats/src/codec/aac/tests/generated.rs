//! Configurations of every legal shape, read back.

use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::codec::tests::bit_writer::BitWriter;

#[derive(Clone, Debug)]
enum Extension {
    None,
    ExplicitSbr(u32),
    ExplicitPs(u32),
    CompatibleSbr(u32),
    CompatiblePs(u32),
}

#[derive(Clone, Debug)]
struct Fields {
    object_type: u8,
    rate: u32,
    channels: u8,
    short: bool,
    core_coder: Option<u16>,
    extension: Extension,
}

fn rate() -> impl Strategy<Value = u32> {
    prop_oneof![prop::sample::select(&SAMPLE_RATES[..]), 1_000u32..=192_000]
}

fn fields() -> impl Strategy<Value = Fields> {
    let extension = prop_oneof![
        Just(Extension::None),
        rate().prop_map(Extension::ExplicitSbr),
        rate().prop_map(Extension::ExplicitPs),
        rate().prop_map(Extension::CompatibleSbr),
        rate().prop_map(Extension::CompatiblePs),
    ];
    let object_type = prop::sample::select(vec![1u8, 2, 3, 4, 17, 23]);
    (object_type, rate(), 1u8..8, any::<bool>(), option::of(0u16..1 << 14), extension).prop_map(
        |(object_type, rate, channels, short, core_coder, extension)| Fields {
            object_type,
            rate,
            channels,
            short,
            core_coder,
            extension,
        },
    )
}

fn write_rate(b: &mut BitWriter, rate: u32) {
    match SAMPLE_RATES.iter().position(|known| *known == rate) {
        Some(index) => b.u(4, index as u64),
        None => b.u(4, 15).u(24, rate.into()),
    };
}

impl Fields {
    fn config(&self) -> Vec<u8> {
        let mut b = BitWriter::default();
        let outer = match self.extension {
            Extension::ExplicitSbr(_) => 5,
            Extension::ExplicitPs(_) => 29,
            _ => self.object_type,
        };
        b.u(5, outer.into());
        write_rate(&mut b, self.rate);
        b.u(4, self.channels.into());
        if let Extension::ExplicitSbr(rate) | Extension::ExplicitPs(rate) = self.extension {
            write_rate(&mut b, rate);
            b.u(5, self.object_type.into());
        }
        b.flag(self.short).flag(self.core_coder.is_some());
        if let Some(delay) = self.core_coder {
            b.u(14, delay.into());
        }
        let resilient = matches!(self.object_type, 17 | 23);
        b.flag(resilient);
        if resilient {
            b.u(3, 0b101).flag(false).u(2, 0);
        }
        if let Extension::CompatibleSbr(rate) | Extension::CompatiblePs(rate) = self.extension {
            b.u(11, 0x2B7).u(5, 5).flag(true);
            write_rate(&mut b, rate);
        }
        if let Extension::CompatiblePs(_) = self.extension {
            b.u(11, 0x548).flag(true);
        }
        b.bytes()
    }

    fn extension_rate(&self) -> Option<u32> {
        match self.extension {
            Extension::None => None,
            Extension::ExplicitSbr(rate)
            | Extension::ExplicitPs(rate)
            | Extension::CompatibleSbr(rate)
            | Extension::CompatiblePs(rate) => Some(rate),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_legal_configuration_is_read(fields in fields()) {
        let config = AudioSpecificConfig::parse(&fields.config()).expect("legal");
        prop_assert_eq!((config.object_type, config.core_sample_rate), (fields.object_type, fields.rate));
        prop_assert_eq!((config.channel_configuration, config.sbr_sample_rate), (fields.channels, fields.extension_rate()));
        prop_assert_eq!(config.core_channels, if fields.channels == 7 { 8 } else { fields.channels });
        let ps = matches!(fields.extension, Extension::ExplicitPs(_) | Extension::CompatiblePs(_));
        prop_assert_eq!(config.parametric_stereo, ps);
        let core = match (fields.object_type, fields.short) {
            (23, short) => if short { 480 } else { 512 },
            (_, short) => if short { 960 } else { 1_024 },
        };
        prop_assert_eq!(config.core_frame_samples, core);
        let doubles = config.sample_rate() == 2 * fields.rate;
        prop_assert_eq!(config.frame_samples(), if doubles { 2 * core } else { core });
        let suffix = match fields.extension {
            Extension::None => fields.object_type,
            Extension::ExplicitSbr(_) | Extension::CompatibleSbr(_) => 5,
            Extension::ExplicitPs(_) | Extension::CompatiblePs(_) => 29,
        };
        prop_assert_eq!(config.codec_string(), format!("mp4a.40.{suffix}"));
    }

    #[test]
    fn bytes_behind_a_configuration_change_nothing_that_they_do_not_signal(fields in fields(), extra in 0usize..8) {
        let config = fields.config();
        let longer = [&config[..], &vec![0; extra]].concat();
        prop_assert_eq!(AudioSpecificConfig::parse(&longer), AudioSpecificConfig::parse(&config));
    }

    #[test]
    fn a_program_config_element_of_any_elements_is_counted(
        front in prop::collection::vec(any::<bool>(), 0..4), side in prop::collection::vec(any::<bool>(), 0..3),
        back in prop::collection::vec(any::<bool>(), 0..4), lfe in 0u64..3, coupling in 0u64..3, comment in 0u64..9,
        mixdowns in any::<(bool, bool, bool)>(),
    ) {
        let mut b = BitWriter::default();
        b.u(5, 2).u(4, 3).u(4, 0).u(3, 0).u(4, 0).u(2, 1).u(4, 3);
        b.u(4, front.len() as u64).u(4, side.len() as u64).u(4, back.len() as u64).u(2, lfe).u(3, 1).u(4, coupling);
        for (present, bits) in [(mixdowns.0, 4), (mixdowns.1, 4), (mixdowns.2, 3)] {
            b.flag(present).u(if present { bits } else { 0 }, 5);
        }
        let elements = [front, side, back].concat();
        for (tag, pair) in elements.iter().enumerate() {
            b.flag(*pair).u(4, tag as u64);
        }
        (0..lfe + 1).for_each(|tag| { b.u(4, tag); });
        (0..coupling).for_each(|tag| { b.u(5, tag); });
        b.align().u(8, comment);
        (0..comment).for_each(|_| { b.u(8, b'c'.into()); });
        let expected = elements.iter().map(|pair| 1 + u8::from(*pair)).sum::<u8>() + lfe as u8;
        match AudioSpecificConfig::parse(&b.bytes()) {
            Ok(config) => prop_assert_eq!(config.channels(), expected),
            Err(error) => prop_assert!(expected == 0, "{error}"),
        }
    }
}
