//! What a sequence of records means.

use media::{Codec, StreamId, TrackParams, VideoParams};
use uuid::Uuid;

use super::*;
use crate::journal::record::EndReason;

fn fold() -> Fold {
    let key = RecordingKey { channel: Uuid::from_u128(1), stream: StreamId(1) };
    let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
    let mut fold = Fold::new(Header { key, path, started: UnixMillis(1_000) });
    fold.apply(&Record::Init(init(0, 0))).expect("first");
    fold
}

fn init(track: u8, epoch: u32) -> Arc<Init> {
    let params = TrackParams::Video(VideoParams {
        width: 64,
        height: 64,
        frame_rate: None,
        colour: None,
        hdr: media::Hdr::default(),
    });
    let track = Track {
        id: TrackId(track),
        codec: Codec::H264,
        timescale: Timescale::VIDEO,
        config: Bytes::new(),
        params,
        codec_string: "avc1.64001f".into(),
    };
    Arc::new(Init { track: Arc::new(track), name: "video".into(), epoch, bytes: Bytes::new() })
}

fn part(track: u8, msn: u64, index: u32) -> Record {
    Record::Part(PartRecord {
        track: TrackId(track),
        epoch: 0,
        msn,
        index,
        start: Ticks(msn as i64 * 180_000 + i64::from(index) * 18_000),
        duration: Ticks(18_000),
        wall: UnixMillis(0),
        independent: index == 0,
        discontinuity: false,
        reanchored: false,
        gap_before: false,
        offset: u64::from(index) * 100,
        len: 100,
        payload_offset: 8,
        crc: 0,
        samples: [].into(),
    })
}

#[test]
fn a_segment_is_listed_once_it_is_complete() {
    let mut fold = fold();
    fold.apply(&part(0, 7, 0)).expect("fits");
    fold.apply(&part(0, 7, 1)).expect("fits");
    assert_eq!(fold.index().leading().expect("track").segments.len(), 0);
    assert_eq!(fold.totals(), (400, 200), "what is open counts for list and for the end");
    fold.apply(&Record::Sealed { track: TrackId(0), msn: 7 }).expect("fits");
    let entry = *fold.index().track(TrackId(0)).expect("track").segments.get(7).expect("listed");
    assert_eq!((entry.parts, entry.bytes, entry.duration), (2, 200, Ticks(36_000)));
    assert_eq!((fold.index().duration_ms(), fold.index().bytes()), (400, 200));
}

#[test]
fn a_new_segment_or_the_end_completes_the_one_before() {
    let mut fold = fold();
    for record in [part(0, 7, 0), part(0, 8, 0), Record::End(EndReason::Ended)] {
        fold.apply(&record).expect("fits");
    }
    assert_eq!(fold.index().leading().expect("track").segments.len(), 2);
    assert_eq!(fold.index().phase, Phase::Sealed);
    assert_eq!(fold.apply(&part(0, 9, 0)), Err(Misfit::AfterEnd));
}

#[test]
fn the_first_segment_of_every_track_after_a_gap_says_so() {
    let mut fold = fold();
    fold.apply(&Record::Init(init(1, 0))).expect("fits");
    for track in [0, 1] {
        fold.apply(&part(track, 7, 0)).expect("fits");
    }
    fold.apply(&Record::Gap { why: GapReason::DiskFull, at: UnixMillis(5) }).expect("fits");
    for msn in [9, 10] {
        for track in [0, 1] {
            fold.apply(&part(track, msn, 0)).expect("fits");
        }
    }
    fold.apply(&Record::End(EndReason::Ended)).expect("fits");
    for track in &fold.index().tracks {
        let marks: Vec<_> = track.segments.iter().map(|s| (s.msn, s.gap_before, s.discontinuity)).collect();
        assert_eq!(marks, [(7, false, false), (9, true, true), (10, false, false)]);
    }
    assert_eq!(fold.index().gaps, [Gap { why: GapReason::DiskFull, at: UnixMillis(5) }]);
}

#[test]
fn parts_out_of_order_or_without_configuration_do_not_fit_and_change_nothing() {
    let mut fold = fold();
    fold.apply(&part(0, 7, 0)).expect("fits");
    let before = fold.totals();
    for record in [part(0, 7, 2), part(0, 7, 0), part(0, 6, 0), part(0, 8, 1), part(5, 8, 0)] {
        assert!(fold.apply(&record).is_err(), "{record:?}");
    }
    assert_eq!(fold.totals(), before);
    fold.apply(&part(0, 7, 1)).expect("still fits");
}

#[test]
fn a_snapshot_does_not_change_and_lookups_find_every_number_across_chunks() {
    let mut fold = fold();
    for msn in 0..600 {
        fold.apply(&part(0, msn * 2, 0)).expect("fits");
    }
    let snapshot = fold.index().clone();
    fold.apply(&Record::Stored { track: TrackId(0), msn: 20 }).expect("fits");
    fold.apply(&Record::End(EndReason::Ended)).expect("fits");
    let (old, new) = (&snapshot.tracks[0].segments, &fold.index().tracks[0].segments);
    assert_eq!((old.len(), new.len()), (599, 600));
    assert!(!old.get(20).expect("there").stored && new.get(20).expect("there").stored);
    for msn in 0..600 {
        assert_eq!(new.get(msn * 2).map(|entry| entry.msn), Some(msn * 2));
        assert_eq!(new.get(msn * 2 + 1), None);
        assert_eq!(new.iter_from(msn * 2 + 1).next().map(|entry| entry.msn), (msn < 599).then_some(msn * 2 + 2));
    }
}

#[test]
fn a_dropped_segment_leaves_an_honest_gap() {
    let mut fold = fold();
    for msn in 0..300 {
        fold.apply(&part(0, msn, 0)).expect("fits");
    }
    fold.apply(&Record::End(EndReason::Ended)).expect("fits");
    fold.apply(&Record::Dropped { track: TrackId(0), msn: 255 }).expect("fits");
    let index = fold.index();
    assert_eq!(index.tracks[0].segments.len(), 299);
    assert!(index.tracks[0].segments.get(256).expect("there").gap_before);
    assert_eq!((index.duration_ms(), index.bytes()), (299 * 200, 299 * 100));
    assert_eq!(index.gaps[0].why, GapReason::Damaged);
}

#[test]
fn configurations_have_room_by_number_and_by_bytes_and_are_read_beyond() {
    let filled = |init_of: &dyn Fn(u32) -> Arc<Init>| {
        let mut fold = fold();
        let taken = (1..).take_while(|&epoch| {
            let (init, room) = (init_of(epoch), fold.has_room_for(&init_of(epoch)));
            fold.apply(&Record::Init(init)).expect("what was written is read");
            room
        });
        let taken = taken.count();
        fold.apply(&part(0, 7, 0)).expect("what is there serves on");
        taken
    };
    assert_eq!(filled(&|epoch| init(0, epoch)) + 1, INITS_MAX);
    let large = |epoch| Arc::new(Init { bytes: vec![0; 1 << 20].into(), ..(*init(0, epoch)).clone() });
    assert_eq!(filled(&large), INIT_BYTES_MAX >> 20, "the first has no bytes");
}
