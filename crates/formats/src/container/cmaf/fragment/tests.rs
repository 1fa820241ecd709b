//! Fragment headers, byte for byte, and as mp4-atom and our own reader see them.

use mp4_atom::{Any, Decode};
use proptest::prelude::*;

use super::super::parse_fragments;
use super::*;

fn header(samples: &[Sample]) -> FragmentHeader<'_> {
    FragmentHeader {
        sequence: 7,
        track: TrackId(0),
        timescale: Timescale::VIDEO,
        base_decode_time: 1 << 40,
        samples,
        prft: None,
    }
}

fn fragment(header: &FragmentHeader<'_>) -> Vec<u8> {
    let mut bytes = fragment_header(header).expect("fits").to_vec();
    let payload: usize = header.samples.iter().map(|sample| sample.size as usize).sum();
    bytes.resize(bytes.len() + payload, 0xA5);
    bytes
}

fn sample(size: u32, duration: u32, cts: i32, key: bool) -> Sample {
    Sample { size, duration, cts, key }
}

#[test]
fn the_bytes_of_a_small_fragment_are_these() {
    let samples = [sample(3, 3_000, 0, true), sample(2, 3_000, 0, false)];
    let bytes = fragment_header(&header(&samples)).expect("fits");
    let mut expected = Vec::new();
    expected.extend_from_slice(b"\0\0\0\x6cmoof");
    expected.extend_from_slice(b"\0\0\0\x10mfhd\0\0\0\0\0\0\0\x07");
    expected.extend_from_slice(b"\0\0\0\x54traf");
    expected.extend_from_slice(b"\0\0\0\x18tfhd\0\x02\0\x28\0\0\0\x01\0\0\x0b\xb8\x01\x01\0\0");
    expected.extend_from_slice(b"\0\0\0\x14tfdt\x01\0\0\0\0\0\x01\0\0\0\0\0");
    expected.extend_from_slice(b"\0\0\0\x20trun\x01\0\x02\x05\0\0\0\x02\0\0\0\x74\x02\0\0\0\0\0\0\x03\0\0\0\x02");
    expected.extend_from_slice(b"\0\0\0\x0dmdat");
    assert_eq!(bytes, expected);
}

#[test]
fn one_allocation_holds_the_whole_header() {
    let samples: Vec<Sample> = (0..100).map(|n| sample(n, n + 1, n as i32, n % 7 == 0)).collect();
    let mut with = header(&samples);
    with.prft = Some(Prft { ntp: 1, media_time: 2 });
    for header in [header(&samples), with, header(&[])] {
        let length = fragment_header_bytes(&header).expect("fits");
        let mut out = Vec::with_capacity(length);
        let before = out.capacity();
        write_fragment_header(&header, &mut out).expect("fits");
        assert_eq!((out.len(), out.capacity()), (length, before));
    }
}

#[test]
fn mp4_atom_agrees_on_every_sample() {
    let samples = [sample(10, 3_000, 6_000, true), sample(20, 3_001, -1, false), sample(30, 2_999, 0, false)];
    let mut header = header(&samples);
    header.prft = Some(Prft { ntp: 0x1234_5678_9abc_def0, media_time: 99 });
    let bytes = fragment(&header);
    let mut rest = bytes.as_slice();
    let Ok(Any::Prft(prft)) = Any::decode(&mut rest) else { panic!("prft first") };
    assert_eq!((prft.ntp_timestamp, prft.media_time, prft.reference_track_id), (0x1234_5678_9abc_def0, 99, 1));
    let moof_at = bytes.len() - rest.len();
    let Ok(Any::Moof(moof)) = Any::decode(&mut rest) else { panic!("moof then") };
    assert_eq!(moof.mfhd.sequence_number, 7);
    let traf = &moof.traf[0];
    assert_eq!(traf.tfdt.as_ref().expect("tfdt").base_media_decode_time, 1 << 40);
    let trun = &traf.trun[0];
    let payload_at = bytes.len() - rest.len() + 8;
    assert_eq!(trun.data_offset, Some((payload_at - moof_at) as i32));
    let read: Vec<_> = trun.samples.iter().map(|s| (s.size, s.duration, s.cts)).collect();
    assert_eq!(
        read,
        [(Some(10), Some(3_000), Some(6_000)), (Some(20), Some(3_001), Some(-1)), (Some(30), Some(2_999), Some(0))]
    );
}

#[test]
fn a_fragment_beyond_four_gibibytes_is_refused_and_nothing_is_written() {
    let samples = [sample(u32::MAX, 1, 0, true), sample(1, 1, 0, true)];
    let mut out = vec![1, 2, 3];
    let error = write_fragment_header(&header(&samples), &mut out).expect_err("too large");
    assert_eq!(error, FragmentError::TooLarge { bytes: 1 << 32 });
    assert_eq!(out, [1, 2, 3]);
    assert!(fragment_header(&header(&[sample(u32::MAX - 8, 1, 0, true)])).is_ok());
    assert!(fragment_header(&header(&[sample(u32::MAX - 7, 1, 0, true)])).is_err());
}

#[test]
fn ntp_time_counts_from_1900_with_a_binary_fraction() {
    let prft = Prft::at(UnixMillis(500), 42);
    assert_eq!(prft, Prft { ntp: (2_208_988_800 << 32) | (1 << 31), media_time: 42 });
    for millis in [0, 1, 999, 1_763_725_980_123, 2_085_978_495_999, 2_085_978_496_000, 4_000_000_000_001] {
        assert_eq!(Prft::at(UnixMillis(millis), 0).wall(), UnixMillis(millis));
    }
    assert_eq!(Prft::at(UnixMillis(i64::MIN), 0).ntp, 0);
}

proptest! {
    #[test]
    fn any_samples_come_back_as_they_went_in(
        raw in prop::collection::vec((0u32..2_000, 0u32..5, -3i32..3, any::<bool>()), 0..60),
        sequence: u32, base: u64, track in 0u8..=255, ntp: Option<u64>,
    ) {
        let samples: Vec<Sample> = raw.into_iter().map(|(size, duration, cts, key)| sample(size, duration, cts, key)).collect();
        let header = FragmentHeader {
            sequence,
            track: TrackId(track),
            timescale: Timescale::VIDEO,
            base_decode_time: base,
            samples: &samples,
            prft: ntp.map(|ntp| Prft { ntp, media_time: base }),
        };
        let bytes = fragment(&header);
        let parsed = parse_fragments(&bytes).expect("own reader reads it");
        prop_assert_eq!(parsed.len(), 1);
        let read = &parsed[0];
        prop_assert_eq!(&read.samples, &samples);
        prop_assert_eq!((read.sequence, read.base_decode_time, read.track.0), (sequence, base, track));
        prop_assert_eq!(read.prft, header.prft);
        prop_assert_eq!(read.payload_range.clone(), fragment_header_bytes(&header).expect("fits")..bytes.len());
    }
}
