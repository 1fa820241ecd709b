//! Time stamps, adaptation fields and stuffing, bit by bit.

use super::*;

fn pes(unit: &[u8], pcr: Option<i64>, key: bool, pts: i64, dts: i64) -> Vec<u8> {
    let mut writer = PacketWriter::new();
    let mut counter = 0;
    writer.pes(0x100, PesHeader { stream_id: 0xC0, pts, dts }, unit, pcr, key, &mut counter);
    writer.into_bytes()
}

#[test]
fn time_stamps_are_33_bits_between_marker_bits() {
    let stamp = |ticks| {
        let mut out = Vec::new();
        put_stamp(&mut out, 2, ticks);
        out
    };
    assert_eq!(stamp(0), [0x21, 0, 1, 0, 1]);
    assert_eq!(stamp(0x1_FFFF_FFFF), [0x2F, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(stamp(1 << 33), stamp(0), "wraps");
    assert_eq!(stamp(-1), stamp(0x1_FFFF_FFFF));
    assert_eq!(stamp(126_000), [0x21, 0, 0x07, 0xD8, 0x61]);
}

#[test]
fn every_length_fills_whole_packets() {
    for length in 1..800 {
        for (pcr, key) in [(None, false), (Some(5), false), (Some(5), true), (None, true)] {
            let unit: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let packets = pes(&unit, pcr, key, 7, 7);
            assert_eq!(packets.len() % PACKET_BYTES, 0);
            let mut body = Vec::new();
            for packet in packets.chunks(PACKET_BYTES) {
                let skipped = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
                body.extend_from_slice(&packet[4 + skipped..]);
            }
            assert_eq!(body[..6], [0, 0, 1, 0xC0, ((length + 8) >> 8) as u8, (length + 8) as u8]);
            assert_eq!(body[14..], unit, "length {length}");
        }
    }
}

#[test]
fn the_first_packet_carries_clock_and_random_access() {
    let packet = pes(&[1, 2, 3], Some(0x1_2345_6789), true, 0, 0);
    assert_eq!(packet[..5], [0x47, 0x41, 0x00, 0x30, 188 - 5 - 14 - 3]);
    assert_eq!(packet[5], 0x50);
    let base = (u64::from(packet[6]) << 25)
        | (u64::from(packet[7]) << 17)
        | (u64::from(packet[8]) << 9)
        | (u64::from(packet[9]) << 1)
        | u64::from(packet[10] >> 7);
    assert_eq!(base, 0x1_2345_6789);
    assert_eq!((packet[10] & 0x7F, packet[11]), (0x7E, 0), "reserved bits set, extension zero");
}

#[test]
fn decode_times_are_written_only_where_they_differ() {
    let with = pes(&[1], None, false, 6_000, 3_000);
    let at = with.windows(4).position(|bytes| bytes == [0, 0, 1, 0xC0]).expect("starts");
    assert_eq!(with[at + 7..at + 9], [0xC0, 10]);
    assert_eq!((with[at + 9] >> 4, with[at + 14] >> 4), (3, 1));
    let without = pes(&[1], None, false, 3_000 + (1 << 33), 3_000);
    let at = without.windows(4).position(|bytes| bytes == [0, 0, 1, 0xC0]).expect("starts");
    assert_eq!(without[at + 7..at + 9], [0x80, 5]);
}

#[test]
fn a_packet_of_nothing_but_clock_repeats_the_counter() {
    let mut writer = PacketWriter::new();
    let mut counter = 0;
    writer.pes(0x100, PesHeader { stream_id: 0xE0, pts: 0, dts: 0 }, &[0; 300], None, false, &mut counter);
    writer.clock(0x100, 90_000, counter);
    writer.clock(0x100, 90_000, 0);
    let bytes = writer.into_bytes();
    assert_eq!(bytes.len(), 4 * PACKET_BYTES);
    assert_eq!(bytes[188 + 3] & 0x0F, 1);
    assert_eq!(bytes[2 * 188..2 * 188 + 6], [0x47, 0x01, 0x00, 0x21, 183, 0x10]);
    assert_eq!(bytes[3 * 188 + 3], 0x2F, "before the first packet the counter stands one below zero");
}
