use media::TrackId;
use testkit::encoder::{Encoder, EncoderConfig};

use super::*;

const GAP_MS: u32 = 4_000;

fn start() -> Moment {
    Moment::new(Ticks::ZERO, Timescale::MILLIS)
}

fn video_lane() -> Lane {
    let track = Encoder::new(EncoderConfig::default()).video_track().expect("has video");
    Lane::new(track, "video".into(), start())
}

fn audio_lane() -> Lane {
    let track = Encoder::new(EncoderConfig::default()).audio_track().expect("has audio");
    Lane::new(track, "audio".into(), start())
}

fn frame(dts: i64, key: bool) -> Frame {
    Frame { track: TrackId(0), dts: Ticks(dts), cts: Ticks::ZERO, key, payload: Bytes::from_static(b"frame") }
}

fn offer(lane: &mut Lane, dts: i64) -> Accepted {
    lane.accept(&frame(dts, true), UnixMillis(0), GAP_MS)
}

fn spans(lane: &Lane) -> Vec<(i64, u32)> {
    lane.queue.iter().map(|sample| (sample.start.0, sample.duration)).collect()
}

#[test]
fn a_video_sample_lasts_until_the_next_comes() {
    let mut lane = video_lane();
    for dts in [0, 3_000, 9_000, 9_000, 9_500] {
        assert_eq!(offer(&mut lane, dts), Accepted::Yes);
    }
    assert_eq!(spans(&lane), [(0, 3_000), (3_000, 6_000), (9_000, 1), (9_001, 499)]);
    assert_eq!(lane.next_start(), Some(Ticks(9_500)), "the last is held back");
}

#[test]
fn an_expected_duration_moves_the_next_decode_time_and_no_presentation_time() {
    let mut lane = video_lane();
    for n in 0..10 {
        offer(&mut lane, n * 3_000);
    }
    assert_eq!(lane.steady_duration(), Some(3_000));
    lane.settle();
    assert_eq!(lane.next_start(), Some(Ticks(30_000)));
    offer(&mut lane, 30_040);
    assert_eq!(lane.held.as_ref().map(|held| (held.start.0, held.cts)), Some((30_000, 40)), "late by 40 ticks");
    lane.settle();
    offer(&mut lane, 32_900);
    let (start, cts) = lane.held.as_ref().map(|held| (held.start.0, held.cts)).expect("one is held");
    assert_eq!(start + i64::from(cts), 32_900, "early, and presented when it should");
    let gapless = lane.queue.iter().zip(lane.queue.iter().skip(1)).all(|(one, next)| one.end() == next.start);
    assert!(gapless, "{:?}", spans(&lane));
}

#[test]
fn only_even_frames_have_a_duration_that_can_be_told() {
    let mut lane = video_lane();
    for n in 0..8 {
        offer(&mut lane, n * 3_000);
        assert_eq!(lane.steady_duration(), None, "too few");
    }
    offer(&mut lane, 8 * 3_000);
    assert_eq!(lane.steady_duration(), Some(3_000));
    offer(&mut lane, 9 * 3_000 + 90);
    assert_eq!(lane.steady_duration(), Some(3_000), "a millisecond of rounding; the shortest counts");
    offer(&mut lane, 10 * 3_000 + 900);
    assert_eq!(lane.steady_duration(), None, "10 ms late");
    assert!((3_000..3_200).contains(&lane.expected_duration()));
}

#[test]
fn before_anything_is_known_a_frame_lasts_33_ms() {
    let mut lane = video_lane();
    assert_eq!(lane.expected_duration(), 33 * 90);
    offer(&mut lane, 500);
    lane.settle();
    assert_eq!(spans(&lane), [(500, 33 * 90)]);
    assert_eq!(audio_lane().expected_duration(), 1_024);
}

#[test]
fn a_gap_beyond_the_longest_frame_is_left_as_it_is() {
    let mut lane = video_lane();
    offer(&mut lane, 0);
    offer(&mut lane, 3_000);
    assert_eq!(offer(&mut lane, 3_000 + 4_000 * 90), Accepted::Yes, "4 s can still be bridged");
    assert_eq!(offer(&mut lane, 3_000 + 8_001 * 90), Accepted::AfterGap);
    let held = lane.held.as_ref().expect("one is held");
    assert!(held.reanchored && held.long_gap);
    assert_eq!((held.start, held.cts), (Ticks(3_000 + 8_001 * 90), 0));
    assert!(lane.queue.back().is_some_and(|last| last.duration < 200_000), "the frame before does not fill it");
}

#[test]
fn video_starts_with_a_key_frame_and_so_does_each_configuration() {
    let mut lane = video_lane();
    assert_eq!(lane.accept(&frame(0, false), UnixMillis(0), GAP_MS), Accepted::BeforeKey);
    assert_eq!(offer(&mut lane, 3_000), Accepted::Yes);
    assert_eq!(lane.accept(&frame(6_000, false), UnixMillis(0), GAP_MS), Accepted::Yes);
    lane.settle();
    lane.reconfigure(lane.track.clone());
    assert_eq!(lane.epoch, 1);
    assert_eq!(lane.accept(&frame(9_000, false), UnixMillis(0), GAP_MS), Accepted::BeforeKey);
    assert_eq!(offer(&mut lane, 12_000), Accepted::Yes);
    assert_eq!(lane.held.as_ref().map(|held| held.start.0), Some(9_000), "decode times go on where they were");
}

#[test]
fn composition_offsets_that_no_box_can_say_are_held_at_its_limits() {
    let mut lane = video_lane();
    for cts in [i64::MAX, i64::MIN, 1 << 40] {
        lane.accept(&Frame { cts: Ticks(cts), ..frame(0, true) }, UnixMillis(0), GAP_MS);
        let held = lane.held.as_ref().expect("one is held").cts;
        assert!(held == i32::MAX || held == i32::MIN);
    }
}

#[test]
fn audio_is_counted_until_the_clock_leaves_it() {
    let mut lane = audio_lane();
    offer(&mut lane, 1_000);
    for (dts, accepted) in [
        (2_024, Accepted::Yes),
        (3_048 + 2_880, Accepted::Yes),      // 60 ms late: jitter
        (4_072 - 2_880, Accepted::Yes),      // 60 ms early: jitter
        (5_096 + 2_881, Accepted::AfterGap), // beyond
        (9_001 - 2_881, Accepted::AudioAhead),
    ] {
        assert_eq!(offer(&mut lane, dts), accepted, "{dts}");
    }
    assert_eq!(spans(&lane), [(1_000, 1_024), (2_024, 1_024), (3_048, 1_024), (4_072, 1_024), (7_977, 1_024)]);
    assert!(lane.queue.back().is_some_and(|last| last.reanchored && !last.long_gap));
    assert_eq!(offer(&mut lane, 9_001 + 48 * 4_001), Accepted::AfterGap);
    assert!(lane.queue.back().is_some_and(|last| last.long_gap));
}

#[test]
fn audio_with_another_sample_rate_continues_on_the_next_tick_of_its_own() {
    let mut lane = audio_lane();
    offer(&mut lane, 0);
    lane.emitted_end = lane.cursor;
    let slower = Track { timescale: Timescale::new(44_100).expect("not zero"), ..(*lane.track).clone() };
    lane.queue.clear();
    lane.reconfigure(Arc::new(slower));
    assert_eq!((lane.cursor, lane.emitted_end), (Some(Ticks(941)), Some(Ticks(941))), "1024/48000 is 940.8/44100");
    offer(&mut lane, 945);
    assert_eq!(spans(&lane), [(941, 1_024)], "4 samples late is jitter");
}

#[test]
fn opus_packets_of_mixed_length_keep_time() {
    let mut opus = audio_lane();
    opus.track = Arc::new(Track { codec: Codec::Opus, ..(*opus.track).clone() });
    let mut at = 0;
    for toc in [0xF8u8, 0xE0, 0xF9, 0x18] {
        let payload = Bytes::from(vec![toc, 1, 2, 3]);
        opus.accept(&Frame { payload, ..frame(at, true) }, UnixMillis(0), GAP_MS);
        at = opus.cursor.expect("it has begun").0;
    }
    assert_eq!(spans(&opus), [(0, 960), (960, 120), (1_080, 1_920), (3_000, 2_880)]);
}

#[test]
fn a_track_that_comes_back_does_not_pretend_it_was_there() {
    let mut lane = video_lane();
    offer(&mut lane, 0);
    lane.settle();
    lane.active = false;
    lane.rejoin(Moment::new(Ticks(2_000), Timescale::MILLIS));
    assert!(lane.active && lane.head.millis_since(start()) == 2_000);
    assert_eq!(lane.accept(&frame(180_000, false), UnixMillis(0), GAP_MS), Accepted::BeforeKey);
    assert_eq!(offer(&mut lane, 183_000), Accepted::AfterGap, "2 s could be bridged, but are not");
    assert_eq!(offer(&mut lane, 186_000), Accepted::Yes);
}

#[test]
fn frames_without_bytes_are_not_taken() {
    let mut lane = video_lane();
    let empty = Frame { payload: Bytes::new(), ..frame(0, true) };
    assert_eq!(lane.accept(&empty, UnixMillis(0), GAP_MS), Accepted::Empty);
    assert!(lane.held.is_none() && lane.next_start().is_none());
}
