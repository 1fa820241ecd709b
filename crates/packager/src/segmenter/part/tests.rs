use bytes::Bytes;
use media::{Frame, Timescale, TrackId, UnixMillis};
use testkit::encoder::{Encoder, EncoderConfig};

use super::*;
use crate::segmenter::lane::{Accepted, Open};

/// A lane with an open segment and frames at these milliseconds in line; the last is held back.
fn lane_of(millis: &[i64]) -> Lane {
    let track = Encoder::new(EncoderConfig::default()).video_track().expect("has video");
    let mut lane = Lane::new(track, "video".into(), at_ms(0));
    for ms in millis {
        let payload = Bytes::from(format!("at {ms}"));
        let frame = Frame { track: TrackId(0), dts: Ticks(ms * 90), cts: Ticks::ZERO, key: *ms == 0, payload };
        assert_eq!(lane.accept(&frame, UnixMillis(*ms), 4_000), Accepted::Yes);
    }
    lane.open = Some(Open { msn: 7, discontinuity_sequence: 3, discontinuity: true, parts: Vec::new() });
    lane
}

fn at_ms(ms: i64) -> Moment {
    Moment::new(Ticks(ms), Timescale::MILLIS)
}

fn bounds(lane: &Lane, cut_ms: Option<i64>, horizon_ms: Option<i64>, force: bool) -> Bounds {
    Bounds::new(&Config::default(), lane, cut_ms.map(at_ms), None, horizon_ms.map(at_ms), force)
}

fn limits(prft: bool) -> Limits {
    Limits { part_max: Ticks(220 * 90), segment_max: Ticks(4_400 * 90), prft }
}

#[test]
fn a_part_ends_at_the_frame_nearest_to_200_ms() {
    for (millis, fill) in [
        (&[0, 40, 80, 120, 160, 200][..], Fill::Full(5)),
        (&[0, 42, 84, 125, 167, 209], Fill::Full(5)),
        (&[0, 90, 180, 270], Fill::Full(2)),
        (&[0, 150, 300], Fill::Full(1)),
        (&[0, 40, 80], Fill::Waits),
        (&[0], Fill::Waits),
        (&[0, 900], Fill::Full(1)),
        (&[0, 100, 1_000], Fill::Full(1)),
    ] {
        let lane = lane_of(millis);
        assert_eq!(measure(&lane, &bounds(&lane, None, None, false)), fill, "{millis:?}");
    }
}

#[test]
fn a_part_ends_where_the_next_segment_begins() {
    let lane = lane_of(&[0, 40, 80, 120]);
    for (cut_ms, fill) in [(80, Fill::Full(2)), (81, Fill::Full(3)), (120, Fill::Full(3)), (121, Fill::Waits)] {
        assert_eq!(measure(&lane, &bounds(&lane, Some(cut_ms), None, false)), fill, "cut at {cut_ms}");
    }
}

#[test]
fn a_part_waits_for_the_leader_to_pass_unless_it_is_forced() {
    let lane = lane_of(&[0, 40, 80, 120, 160, 200]);
    for (horizon_ms, force, fill) in
        [(159, false, Fill::Waits), (160, false, Fill::Full(5)), (0, false, Fill::Waits), (0, true, Fill::Waits)]
    {
        assert_eq!(measure(&lane, &bounds(&lane, None, Some(horizon_ms), force)), fill, "{horizon_ms} {force}");
    }
    let lane = lane_of(&[0, 40, 80]);
    assert_eq!(measure(&lane, &bounds(&lane, None, None, true)), Fill::Full(2), "what has a duration goes out");
}

#[test]
fn an_even_stream_ends_its_part_with_the_held_frame() {
    let millis: Vec<i64> = (0..15).map(|n| n * 40).collect();
    let mut lane = lane_of(&millis);
    lane.queue.drain(..10); // given out before
    assert_eq!(lane.queue.len(), 4);
    assert_eq!(measure(&lane, &bounds(&lane, None, None, false)), Fill::Expected, "four and the held one are 200 ms");
    assert_eq!(measure(&lane, &bounds(&lane, Some(560), None, false)), Fill::Full(4), "the held one is the next segment's");
    assert_eq!(measure(&lane, &bounds(&lane, None, Some(559), false)), Fill::Waits);
    lane.settle();
    assert_eq!(measure(&lane, &bounds(&lane, None, None, false)), Fill::Full(5));
}

#[test]
fn a_part_says_of_itself_what_its_samples_are() {
    let mut lane = lane_of(&[0, 40, 80, 120]);
    let part = build(&mut lane, 2, &limits(true)).expect("it fits its boxes");
    assert_eq!((part.msn, part.index, part.start, part.duration), (7, 0, Ticks::ZERO, Ticks(80 * 90)));
    assert!(part.independent && part.discontinuity && !part.reanchored && !part.over_target);
    assert_eq!(part.bytes.get(part.payload_offset as usize..), Some(&b"at 0at 40"[..]));
    assert_eq!(part.bytes.get(4..8), Some(&b"prft"[..]));
    let next = build(&mut lane, 1, &limits(false)).expect("it fits its boxes");
    assert_eq!((next.index, next.start, next.wall), (1, part.end(), UnixMillis(80)));
    assert!(!next.independent && !next.discontinuity);
    assert_eq!(next.bytes.get(4..8), Some(&b"moof"[..]));
    assert_eq!(lane.open.as_ref().map(|open| open.parts.len()), Some(2));
}

#[test]
fn no_sample_reaches_beyond_its_segment() {
    let mut lane = lane_of(&[0, 1_000, 4_900, 5_000]);
    let first = build(&mut lane, 1, &limits(false)).expect("it fits its boxes");
    assert!(first.over_target);
    let second = build(&mut lane, 1, &limits(false)).expect("it fits its boxes");
    assert_eq!((second.start, second.end()), (Ticks(1_000 * 90), Ticks(4_400 * 90)), "3.9 s were cut to 3.4");
    let third = build(&mut lane, 1, &limits(false)).expect("it fits its boxes");
    assert!(third.reanchored, "and the gap is told");
}
