//! What the strict reader takes, what it refuses, and that no bytes make it panic.

use proptest::prelude::*;

use super::super::super::fixtures;
use super::super::{FragmentHeader, fragment_header, init_segment};
use super::*;

fn part(sequence: u32, base: u64, sizes: &[u32]) -> Vec<u8> {
    let samples: Vec<Sample> =
        sizes.iter().map(|&size| Sample { size, duration: 3_000, cts: 0, key: sequence == 0 }).collect();
    let header = FragmentHeader {
        sequence,
        track: TrackId(3),
        timescale: Timescale::VIDEO,
        base_decode_time: base,
        samples: &samples,
        prft: Some(Prft { ntp: u64::from(sequence), media_time: base }),
    };
    let mut bytes = fragment_header(&header).expect("fits").to_vec();
    bytes.resize(bytes.len() + sizes.iter().sum::<u32>() as usize, sequence as u8);
    bytes
}

fn segment() -> Vec<u8> {
    [part(0, 0, &[5, 6, 7]), part(1, 9_000, &[1]), part(2, 12_000, &[0, 0, 4])].concat()
}

#[test]
fn a_segment_reads_as_the_parts_that_it_is_made_of() {
    let bytes = segment();
    let parsed = parse_fragments(&bytes).expect("reads");
    assert_eq!(parsed.len(), 3);
    for (n, fragment) in parsed.iter().enumerate() {
        assert_eq!(fragment.sequence as usize, n);
        assert!(bytes[fragment.payload_range.clone()].iter().all(|&byte| byte == n as u8));
        assert_eq!(fragment.track, TrackId(3));
    }
    assert_eq!(parsed[2].base_decode_time, 12_000);
    assert_eq!(parsed[2].duration(), 9_000);
}

#[test]
fn boxes_that_mean_nothing_here_are_passed_over() {
    let mut bytes = b"\0\0\0\x0cstyp1234\0\0\0\x08free".to_vec();
    bytes.extend_from_slice(&segment());
    bytes.extend_from_slice(b"\0\0\0\x01mfra\0\0\0\0\0\0\0\x10");
    assert_eq!(parse_fragments(&bytes).expect("reads").len(), 3);
}

#[test]
fn a_segment_that_is_cut_off_anywhere_is_refused_except_between_parts() {
    let bytes = segment();
    let parsed = parse_fragments(&bytes).expect("reads");
    let whole: Vec<usize> = std::iter::once(0).chain(parsed.iter().map(|f| f.payload_range.end)).collect();
    for length in 0..bytes.len() {
        assert_eq!(parse_fragments(&bytes[..length]).is_ok(), whole.contains(&length), "cut at {length}");
    }
}

#[test]
fn a_declared_count_allocates_nothing() {
    let mut bytes = part(0, 0, &[4, 4]);
    let trun = bytes.windows(4).position(|kind| kind == b"trun").expect("has one");
    bytes[trun + 8..trun + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = parse_fragments(&bytes).expect_err("refused");
    assert!(error.to_string().contains("more samples than there is room for"), "{error}");
}

#[test]
fn limits_hold() {
    let limits = FragmentLimits { samples_max: 3, fragments_max: 3 };
    assert!(parse_fragments_within(&segment(), &limits).is_ok());
    let one_less = FragmentLimits { samples_max: 2, ..limits };
    assert!(parse_fragments_within(&segment(), &one_less).is_err());
    let one_less = FragmentLimits { fragments_max: 2, ..limits };
    assert!(parse_fragments_within(&segment(), &one_less).is_err());
}

#[test]
fn payload_that_the_samples_do_not_fill_is_refused() {
    let mut bytes = part(0, 0, &[4, 5]);
    let mdat = bytes.windows(4).position(|kind| kind == b"mdat").expect("has one");
    bytes[mdat - 1] += 1;
    bytes.push(0);
    let error = parse_fragments(&bytes).expect_err("refused");
    assert!(error.to_string().contains("do not fill the mdat"), "{error}");
}

#[test]
fn a_data_offset_that_points_elsewhere_is_refused() {
    let mut bytes = part(0, 0, &[4, 5]);
    let trun = bytes.windows(4).position(|kind| kind == b"trun").expect("has one");
    bytes[trun + 15] ^= 1;
    let error = parse_fragments(&bytes).expect_err("refused");
    assert!(error.to_string().contains("data offset"), "{error}");
}

#[test]
fn orphans_are_refused() {
    let whole = part(0, 0, &[4]);
    let mdat = whole.windows(4).position(|kind| kind == b"mdat").expect("has one") - 4;
    assert!(parse_fragments(&whole[mdat..]).is_err(), "mdat alone");
    assert!(parse_fragments(&whole[..mdat]).is_err(), "moof alone");
    assert!(parse_fragments(&whole[..32]).is_err(), "prft alone");
    assert!(parse_fragments(&whole[32..]).is_ok(), "no prft is needed");
}

#[test]
fn a_moof_with_two_tracks_is_refused() {
    let bytes = part(0, 0, &[4]);
    let traf = bytes.windows(4).position(|kind| kind == b"traf").expect("has one") - 4;
    let mdat = bytes.windows(4).position(|kind| kind == b"mdat").expect("has one") - 4;
    let mut twice = bytes[..mdat].to_vec();
    twice.extend_from_slice(&bytes[traf..mdat]);
    let moof_bytes = (twice.len() - 32) as u32;
    twice[32..36].copy_from_slice(&moof_bytes.to_be_bytes());
    twice.extend_from_slice(&bytes[mdat..]);
    assert!(matches!(parse_fragments(&twice), Err(BoxError::Repeated { .. })));
}

#[test]
fn an_init_segment_that_is_cut_off_is_refused() {
    for track in fixtures::all() {
        let bytes = init_segment(&track).expect("writes");
        for length in 0..bytes.len() {
            assert!(parse_init(&bytes[..length]).is_err(), "{} cut at {length}", track.codec);
        }
    }
}

#[test]
fn an_unknown_sample_entry_is_refused_by_name() {
    let mut bytes = init_segment(&fixtures::aac()).expect("writes").to_vec();
    let at = bytes.windows(4).position(|kind| kind == b"mp4a").expect("has one");
    bytes[at..at + 4].copy_from_slice(b"ac-3");
    let error = parse_init(&bytes).expect_err("refused");
    assert!(error.to_string().contains("ac-3"), "{error}");
}

/// Bytes that are nearly right reach deeper than random ones.
fn mutated(seed: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = seed.len();
    prop::collection::vec((0..length, any::<u8>()), 1..8).prop_map(move |edits| {
        let mut bytes = seed.clone();
        for (at, value) in edits {
            bytes[at] = value;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_mutation_of_a_segment_panics_or_reads_outside(bytes in mutated(segment())) {
        if let Ok(fragments) = parse_fragments(&bytes) {
            for fragment in fragments {
                let payload: u64 = fragment.samples.iter().map(|sample| u64::from(sample.size)).sum();
                prop_assert!(fragment.payload_range.end <= bytes.len());
                prop_assert_eq!(fragment.payload_range.len() as u64, payload);
            }
        }
    }

    #[test]
    fn no_mutation_of_an_init_segment_panics(
        bytes in (0usize..7).prop_flat_map(|n| mutated(init_segment(&fixtures::all()[n]).expect("writes").to_vec()))
    ) {
        if let Ok(parsed) = parse_init(&bytes) {
            prop_assert!(parsed.config.len() <= bytes.len() + 19);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_init(&bytes);
        let _ = parse_fragments(&bytes);
    }
}

fn at(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == kind).expect("has one")
}

fn refusal_of_part(edit: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = part(0, 9_000, &[4, 4]);
    assert!(parse_fragments(&bytes).is_ok());
    edit(&mut bytes);
    parse_fragments(&bytes).expect_err("refused").to_string()
}

#[test]
fn each_refusal_of_a_fragment_says_what_it_is_about() {
    let missing = |kind: &[u8; 4]| {
        refusal_of_part(|bytes| {
            let name = at(bytes, kind);
            bytes[name..name + 4].copy_from_slice(b"free");
        })
    };
    assert_eq!(missing(b"mfhd"), "box moof has no mfhd");
    assert_eq!(missing(b"traf"), "box moof has no traf");
    assert_eq!(missing(b"tfhd"), "box traf has no tfhd");
    assert_eq!(missing(b"tfdt"), "box traf has no tfdt");
    assert_eq!(missing(b"trun"), "box traf has no trun");
    assert!(missing(b"mdat").contains("mdat is expected behind a moof"));
    assert!(missing(b"moof").contains("mdat without a moof before it"));
    let flag = |kind: &'static [u8; 4], mask: u8| {
        refusal_of_part(|bytes| {
            let flags = at(bytes, kind) + 7;
            bytes[flags] ^= mask;
        })
    };
    assert!(flag(b"tfhd", 0x01).contains("only offsets from the moof are read"));
    assert!(flag(b"trun", 0x01).contains("data offset is missing"));
    assert!(flag(b"tfhd", 0x10).contains("neither in the trun nor in the tfhd"), "no size");
    for id in [0u32, 257, u32::MAX] {
        let refused = refusal_of_part(|bytes| {
            let track = at(bytes, b"tfhd") + 8;
            bytes[track..track + 4].copy_from_slice(&id.to_be_bytes());
        });
        assert!(refused.contains("track id is outside 1 to 256"), "{id}: {refused}");
    }
}

#[test]
fn a_version_0_run_cannot_show_a_sample_before_it_is_decoded() {
    let samples = [Sample { size: 1, duration: 3_000, cts: -3_000, key: true }];
    let header = FragmentHeader {
        sequence: 1,
        track: TrackId(0),
        timescale: Timescale::VIDEO,
        base_decode_time: 0,
        samples: &samples,
        prft: None,
    };
    let mut bytes = fragment_header(&header).expect("fits").to_vec();
    bytes.push(0);
    assert_eq!(parse_fragments(&bytes).expect("version 1 is signed")[0].samples, samples);
    let version = at(&bytes, b"trun") + 4;
    bytes[version] = 0;
    let error = parse_fragments(&bytes).expect_err("refused");
    assert!(error.to_string().contains("composition time offset exceeds 31 bits"), "{error}");
}

#[test]
fn decode_times_of_32_bits_are_read_as_they_are() {
    let mut bytes = part(0, 0, &[4, 4]);
    let tfdt = at(&bytes, b"tfdt");
    bytes[tfdt + 4] = 0;
    bytes[tfdt + 8..tfdt + 12].copy_from_slice(&0xFFFF_FFFEu32.to_be_bytes());
    assert_eq!(parse_fragments(&bytes).expect("reads")[0].base_decode_time, 0xFFFF_FFFE);
}

#[test]
fn each_refusal_of_an_init_segment_says_what_it_is_about() {
    let refusal = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = init_segment(&fixtures::h264()).expect("writes").to_vec();
        edit(&mut bytes);
        parse_init(&bytes).expect_err("refused").to_string()
    };
    let rename = |from: &'static [u8; 4], to: &'static [u8; 4]| {
        refusal(&|bytes| {
            let name = at(bytes, from);
            bytes[name..name + 4].copy_from_slice(to);
        })
    };
    for (kind, parent) in [
        (b"moov", "file"),
        (b"trak", "moov"),
        (b"tkhd", "trak"),
        (b"mdia", "trak"),
        (b"mdhd", "mdia"),
        (b"stsd", "stbl"),
    ] {
        assert_eq!(rename(kind, b"free"), format!("box {parent} has no {}", kind.escape_ascii()));
    }
    assert!(rename(b"mvex", b"trak").starts_with("box trak appears again"), "one track to a file");
    let zero = |kind: &'static [u8; 4]| {
        refusal(&|bytes| {
            let version = at(bytes, kind) + 4;
            let field = version + 4 + if bytes[version] == 0 { 8 } else { 16 };
            bytes[field..field + 4].fill(0);
        })
    };
    assert!(zero(b"mdhd").contains("timescale is zero"));
    assert!(zero(b"tkhd").contains("track id is outside 1 to 256"));
    for count in [0, 2] {
        let refused = refusal(&|bytes| {
            let entries = at(bytes, b"stsd") + 11;
            bytes[entries] = count;
        });
        assert!(refused.contains("exactly one sample entry"), "{count}: {refused}");
    }
}
