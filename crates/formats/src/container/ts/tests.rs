//! Segments taken apart again by the tests' own demuxer, which holds every rule of the packet layer.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::fixtures;
use super::*;

/// A PES packet as a demuxer puts it together.
#[derive(Debug, PartialEq)]
struct Pes {
    pid: u16,
    pts: u64,
    dts: u64,
    random_access: bool,
    unit: Vec<u8>,
}

/// What the tests' own demuxer sees. Panics where the stream breaks a rule.
#[derive(Default)]
struct Demuxed {
    pes: Vec<Pes>,
    clocks: Vec<u64>,
    tables: Vec<u16>,
    counters: HashMap<u16, u8>,
}

fn stamp(bytes: &[u8]) -> u64 {
    assert_eq!((bytes[0] & 1, bytes[2] & 1, bytes[4] & 1), (1, 1, 1), "marker bits");
    let (high, middle, low) = (u64::from(bytes[0] >> 1 & 7), u64::from(bytes[1]) << 7, u64::from(bytes[3]) << 7);
    (high << 30) | ((middle | u64::from(bytes[2] >> 1)) << 15) | low | u64::from(bytes[4] >> 1)
}

impl Demuxed {
    fn of(segments: &[&[u8]]) -> Self {
        let mut demuxed = Self::default();
        let mut open: HashMap<u16, (Vec<u8>, bool)> = HashMap::new();
        let mut order = Vec::new();
        for packet in segments.iter().flat_map(|segment| segment.chunks(188)) {
            assert_eq!((packet.len(), packet[0]), (188, 0x47));
            let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
            let (adaptation, payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
            let skipped = if adaptation { 1 + usize::from(packet[4]) } else { 0 };
            let flags = if adaptation && packet[4] > 0 { packet[5] } else { 0 };
            if flags & 0x10 != 0 {
                let base = u32::from_be_bytes([packet[6], packet[7], packet[8], packet[9]]);
                demuxed.clocks.push(u64::from(base) << 1 | u64::from(packet[10] >> 7));
            }
            if !payload {
                assert_eq!(skipped, 184, "nothing but adaptation field");
                continue;
            }
            if let Some(last) = demuxed.counters.insert(pid, packet[3] & 0x0F) {
                assert_eq!((last + 1) & 0x0F, packet[3] & 0x0F, "continuity of {pid:#x}");
            }
            if matches!(pid, 0 | PID_PMT) {
                demuxed.tables.push(pid);
                continue;
            }
            let body = &packet[4 + skipped..];
            if packet[1] & 0x40 != 0 {
                if let Some((bytes, key)) = open.insert(pid, (body.to_vec(), flags & 0x40 != 0)) {
                    order.push((pid, bytes, key));
                }
            } else {
                open.get_mut(&pid).expect("starts with a start").0.extend_from_slice(body);
            }
        }
        order.extend(open.into_iter().map(|(pid, (bytes, key))| (pid, bytes, key)));
        demuxed.pes = order.into_iter().map(|(pid, bytes, key)| Self::pes(pid, &bytes, key)).collect();
        demuxed
    }

    fn pes(pid: u16, bytes: &[u8], random_access: bool) -> Pes {
        assert_eq!(bytes[..3], [0, 0, 1]);
        let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        assert!(if bytes[3] == 0xE0 { length == 0 } else { length == bytes.len() - 6 }, "{length} of {}", bytes.len());
        let pts = stamp(&bytes[9..14]);
        let dts = if bytes[7] == 0xC0 { stamp(&bytes[14..19]) } else { pts };
        Pes { pid, pts, dts, random_access, unit: bytes[9 + usize::from(bytes[8])..].to_vec() }
    }

    fn of_pid(&self, pid: u16) -> Vec<&Pes> {
        self.pes.iter().filter(|pes| pes.pid == pid).collect()
    }
}

fn frame(track: u8, pts_90k: i64, dts_90k: i64, key: bool, payload: &[u8]) -> TsFrame<'_> {
    TsFrame { track: TrackId(track), pts_90k, dts_90k, key, payload }
}

fn both() -> TsMuxer {
    TsMuxer::new(Some(&fixtures::h264()), Some(&fixtures::aac())).expect("carried")
}

const PICTURE: &[u8] = &[0, 0, 0, 2, 0x41, 0x9A];
const KEY_PICTURE: &[u8] = &[0, 0, 0, 2, 0x65, 0x88];

#[test]
fn a_segment_starts_with_its_tables_and_its_key_frame() {
    let mut continuity = Continuity::default();
    let segment = both().segment([frame(0, 0, 0, true, KEY_PICTURE), frame(1, 0, 0, true, &[1; 9])], &mut continuity);
    let demuxed = Demuxed::of(&[&segment]);
    assert_eq!(demuxed.tables, [0, PID_PMT]);
    assert_eq!((segment[2], segment[188 + 1] & 0x1F), (0, 0x10), "in that order, before all else");
    let video = demuxed.of_pid(PID_VIDEO);
    assert!(video[0].random_access && video[0].unit.starts_with(&[0, 0, 0, 1, 9, 0xF0, 0, 0, 0, 1, 0x67]));
    assert!(!demuxed.of_pid(PID_AUDIO)[0].random_access, "players start at pictures");
}

#[test]
fn counters_go_on_from_segment_to_segment() {
    let mut continuity = Continuity::default();
    let muxer = both();
    let segments: Vec<_> = (0..5)
        .map(|n| {
            let frames =
                [frame(0, n * 9_000, n * 9_000, true, KEY_PICTURE), frame(1, n * 9_000, n * 9_000, true, &[3; 700])];
            muxer.segment(frames, &mut continuity)
        })
        .collect();
    let demuxed = Demuxed::of(&segments.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!((demuxed.of_pid(PID_VIDEO).len(), demuxed.of_pid(PID_AUDIO).len()), (5, 5));
    assert_eq!(demuxed.tables.len(), 10);
}

#[test]
fn the_clock_is_behind_the_decode_time_and_never_silent_for_long() {
    let mut frames = vec![frame(0, 3_000, 0, true, KEY_PICTURE)];
    let sound: Vec<_> = (1..100).map(|n| frame(1, n * 1_920, n * 1_920, true, &[5; 20])).collect();
    frames.extend(sound);
    frames.push(frame(0, 200_000, 193_000, false, PICTURE));
    let segment = both().segment(frames, &mut Continuity::default());
    let clocks = Demuxed::of(&[&segment]).clocks;
    assert_eq!(clocks[0], 63_000);
    assert_eq!(*clocks.last().expect("some"), 193_000 + 63_000);
    for pair in clocks.windows(2) {
        assert!(pair[0] < pair[1] && pair[1] - pair[0] <= 9_000 + 1_920, "{pair:?}");
    }
}

#[test]
fn sound_alone_carries_the_clock_itself() {
    let muxer = TsMuxer::new(None, Some(&fixtures::aac())).expect("carried");
    let frames = (0..10).map(|n| frame(1, n * 1_920, n * 1_920, true, &[5; 20]));
    let segment = muxer.segment(frames, &mut Continuity::default());
    let demuxed = Demuxed::of(&[&segment]);
    assert_eq!((demuxed.clocks.len(), demuxed.pes.len()), (10, 10));
    assert!(demuxed.pes.iter().all(|pes| pes.random_access));
    assert_eq!(segment[188 + 13..188 + 15], [0xE1, 0x01], "PCR PID in the PMT");
}

#[test]
fn times_wrap_at_33_bits_and_go_on() {
    let end = (1i64 << 33) - TIME_OFFSET_90K;
    let frames = (-2..3).map(|n| frame(0, end + n * 3_000, end + n * 3_000, true, KEY_PICTURE));
    let segment = both().segment(frames, &mut Continuity::default());
    let times: Vec<_> = Demuxed::of(&[&segment]).pes.iter().map(|pes| pes.pts).collect();
    assert_eq!(times, [(1 << 33) - 6_000, (1 << 33) - 3_000, 0, 3_000, 6_000]);
}

#[test]
fn sixty_days_of_segments_stay_exact() {
    let muxer = both();
    let mut continuity = Continuity::default();
    for hour in 0..60 * 24i64 {
        let at = hour * 3_600 * 90_000;
        let segment = muxer.segment([frame(0, at + 3_000, at, true, KEY_PICTURE)], &mut continuity);
        let demuxed = Demuxed::of(&[&segment]);
        let expected = ((at + TIME_OFFSET_90K) as u64) % (1 << 33);
        assert_eq!((demuxed.pes[0].dts, demuxed.clocks[0]), (expected, (expected + (1 << 33) - 63_000) % (1 << 33)));
    }
}

#[test]
fn frames_that_cannot_be_written_are_counted_not_fatal() {
    let mut continuity = Continuity::default();
    let frames = [
        frame(0, 0, 0, true, &[]),
        frame(1, 0, 0, true, &[0; 9_000]),
        frame(7, 0, 0, true, &[1, 2]),
        frame(0, 0, 0, true, KEY_PICTURE),
    ];
    let segment = both().segment(frames, &mut continuity);
    assert_eq!(Demuxed::of(&[&segment]).pes.len(), 1);
    assert_eq!(continuity.skipped_frames, 2, "a foreign track is passed over, not skipped");
}

#[test]
fn a_segment_without_frames_is_its_tables() {
    let segment = both().segment([], &mut Continuity::default());
    assert_eq!(segment.len(), 2 * 188);
}

#[test]
fn tracks_in_the_wrong_place_are_refused() {
    assert_eq!(TsMuxer::new(None, None).expect_err("refused"), TsError::Empty);
    assert_eq!(TsMuxer::new(Some(&fixtures::aac()), None).expect_err("refused"), TsError::Kind(TrackId(1)));
    assert_eq!(TsMuxer::new(None, Some(&fixtures::h264())).expect_err("refused"), TsError::Kind(TrackId(0)));
}

proptest! {
    #[test]
    fn any_frames_come_out_as_whole_packets_with_their_times(
        raw in prop::collection::vec((any::<bool>(), any::<i64>(), any::<i64>(), any::<bool>(), 1usize..2_000), 0..20)
    ) {
        let bytes: Vec<u8> = [&[0, 0, 0x07, 0xD0][..], &[0x41; 2_000]].concat();
        let pictures: Vec<Vec<u8>> = raw.iter()
            .map(|&(_, _, _, _, length)| [&(length as u32).to_be_bytes()[..], &bytes[4..4 + length]].concat())
            .collect();
        let frames: Vec<_> = raw.iter().zip(&pictures).map(|(&(video, pts, dts, key, length), picture)| {
            if video { frame(0, pts, dts, key, picture) } else { frame(1, pts, pts, true, &bytes[4..4 + length]) }
        }).collect();
        let mut continuity = Continuity::default();
        let segment = both().segment(frames.iter().copied(), &mut continuity);
        let demuxed = Demuxed::of(&[&segment]);
        prop_assert_eq!(continuity.skipped_frames, 0);
        for (pid, track) in [(PID_VIDEO, 0), (PID_AUDIO, 1)] {
            let sent: Vec<_> = frames.iter().filter(|frame| frame.track.0 == track).collect();
            let received = demuxed.of_pid(pid);
            prop_assert_eq!(sent.len(), received.len());
            for (sent, received) in sent.iter().zip(received) {
                let wrapped = |ticks: i64| ticks.saturating_add(TIME_OFFSET_90K) as u64 & 0x1_FFFF_FFFF;
                prop_assert_eq!((received.pts, received.dts), (wrapped(sent.pts_90k), wrapped(sent.dts_90k)));
                let body = if track == 0 { &sent.payload[4..] } else { sent.payload };
                prop_assert!(received.unit.ends_with(body));
            }
        }
    }
}
