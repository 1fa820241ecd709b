//! AAC: recorded configurations and each way to signal SBR and PS.

mod generated;

use super::*;
use crate::codec::tests::vectors::*;

fn parse(text: &str) -> AudioSpecificConfig {
    AudioSpecificConfig::parse(&hex(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Rate, channels, samples in an access unit, codec string.
fn summary(text: &str) -> (u32, u8, u32, String) {
    let config = parse(text);
    (config.sample_rate(), config.channels(), config.frame_samples(), config.codec_string())
}

#[test]
fn low_complexity_is_read() {
    assert_eq!(summary(ASC_LC), (48_000, 2, 1_024, "mp4a.40.2".into()));
    assert_eq!(summary("1210"), (44_100, 2, 1_024, "mp4a.40.2".into()));
    assert_eq!(summary("1588"), (8_000, 1, 1_024, "mp4a.40.2".into()));
    assert_eq!(summary(ASC_5_1), (44_100, 6, 1_024, "mp4a.40.2".into()));
    assert_eq!(parse("1210").sampling_frequency_index(), Some(4));
}

#[test]
fn a_program_config_element_is_counted() {
    let config = parse(ASC_PCE_QUAD);
    assert_eq!((config.channel_configuration, config.channels()), (0, 4));
}

#[test]
fn explicit_sbr_doubles_rate_and_samples() {
    // object type 5, core 22,050 Hz, stereo, extension 44,100 Hz, LC
    assert_eq!(summary("2b920800"), (44_100, 2, 2_048, "mp4a.40.5".into()));
    assert_eq!(parse("2b920800").object_type, 2);
}

#[test]
fn explicit_ps_makes_stereo_of_mono() {
    // object type 29, core 22,050 Hz, mono, extension 44,100 Hz, LC
    assert_eq!(summary("eb8a0800"), (44_100, 2, 2_048, "mp4a.40.29".into()));
    assert_eq!(parse("eb8a0800").core_channels, 1);
}

#[test]
fn backward_compatible_signalling_is_read_behind_the_core() {
    // LC 22,050 Hz stereo, 0x2b7, 5, SBR 1, 44,100 Hz
    assert_eq!(summary("139056e5a0"), (44_100, 2, 2_048, "mp4a.40.5".into()));
    // LC 24,000 Hz mono, 0x2b7, 5, SBR 1, 48,000 Hz, 0x548, PS 1
    assert_eq!(summary("130856e59d4880"), (48_000, 2, 2_048, "mp4a.40.29".into()));
    // the same with PS 0
    assert_eq!(summary("130856e59d4800"), (48_000, 1, 2_048, "mp4a.40.5".into()));
    // the sync extension without what it announces
    assert_eq!(summary("139056e5"), (22_050, 2, 1_024, "mp4a.40.2".into()));
}

#[test]
fn sbr_at_the_same_rate_keeps_the_samples() {
    // object type 5, core 48,000 Hz, stereo, extension 48,000 Hz: downsampled SBR
    assert_eq!(summary("29918800"), (48_000, 2, 1_024, "mp4a.40.5".into()));
}

#[test]
fn an_escaped_sample_rate_and_short_frames_are_read() {
    // LC, index 15, 12,345 Hz, stereo, 960 samples
    let bits = "00010 1111 000000000011000000111001 0010 1 0 0";
    assert_eq!(summary(&to_hex(bits)), (12_345, 2, 960, "mp4a.40.2".into()));
    assert_eq!(parse(&to_hex(bits)).sampling_frequency_index(), None);
}

#[test]
fn low_delay_has_half_frames() {
    // object type 23, 48,000 Hz, stereo
    assert_eq!(summary(&to_hex("10111 0011 0010 0 0 0 00")), (48_000, 2, 512, "mp4a.40.23".into()));
}

#[test]
fn every_channel_configuration_is_known_or_refused() {
    let channels: Vec<Option<u8>> = (1..16)
        .map(|configuration| {
            let bits = format!("00010 0011 {configuration:04b} 0 0 0");
            AudioSpecificConfig::parse(&hex(&to_hex(&bits))).ok().map(|config| config.channels())
        })
        .collect();
    let some = [1, 2, 3, 4, 5, 6, 8].map(Some);
    let expected = [&some[..], &[None; 3], &[Some(7), Some(8), Some(24), Some(8), None]].concat();
    assert_eq!(channels, expected);
}

#[test]
fn reserved_and_unknown_values_are_refused() {
    assert!(matches!(
        AudioSpecificConfig::parse(&hex(&to_hex("00010 1101 0010 0 0 0"))),
        Err(CodecError::Invalid { what: "samplingFrequencyIndex", value: 13 })
    ));
    assert!(matches!(
        AudioSpecificConfig::parse(&hex(&to_hex("00010 1111 000000000000000000000000 0010 0 0 0"))),
        Err(CodecError::Invalid { what: "samplingFrequency", value: 0 })
    ));
    for object_type in [0u8, 5, 8, 22, 29, 30] {
        assert!(AudioSpecificConfig::parse(&hex(&to_hex(&format!("{object_type:05b} 0011 0000")))).is_err());
    }
    assert!(matches!(
        AudioSpecificConfig::parse(&hex(&to_hex("11111 001010 0011 0010 0 0 0"))),
        Err(CodecError::Invalid { what: "audio object type", value: 42 })
    ));
    assert!(AudioSpecificConfig::parse(&[0x12; CONFIG_BYTES_MAX + 1]).is_err());
}

fn to_hex(bits: &str) -> String {
    let mut bits: String = bits.chars().filter(|c| *c != ' ').collect();
    while !bits.len().is_multiple_of(8) {
        bits.push('0');
    }
    let byte = |at: usize| u8::from_str_radix(&bits[at..at + 8], 2).expect("bits");
    (0..bits.len()).step_by(8).map(|at| format!("{:02x}", byte(at))).collect()
}
