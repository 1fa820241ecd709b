//! Scenarios on simulated publishers' clocks.

use bytes::Bytes;
use media::{AudioParams, Codec, TrackParams, VideoParams};
use proptest::prelude::*;

use super::*;

fn video() -> Track {
    Track {
        id: TrackId(0),
        codec: Codec::H264,
        timescale: Timescale::VIDEO,
        config: Bytes::new(),
        params: TrackParams::Video(VideoParams {
            width: 640,
            height: 360,
            frame_rate: None,
            colour: None,
            hdr: media::Hdr::default(),
        }),
        codec_string: "avc1.64001f".into(),
    }
}

fn audio() -> Track {
    Track {
        id: TrackId(1),
        codec: Codec::Aac,
        timescale: Timescale::new(48_000).expect("not zero"),
        config: Bytes::new(),
        params: TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1024 }),
        codec_string: "mp4a.40.2".into(),
    }
}

fn at(track: &Track, ms: i64) -> Frame {
    Frame {
        track: track.id,
        dts: Ticks(ms).rescale(Timescale::MILLIS, track.timescale),
        cts: Ticks::ZERO,
        key: true,
        payload: Bytes::new(),
    }
}

/// Pushes a frame at `ms` of the publisher's clock; answers stream milliseconds.
fn place(timeline: &mut Timeline, track: &Track, ms: i64, wall_ms: i64) -> Option<i64> {
    timeline.place(at(track, ms), track, UnixMillis(wall_ms)).map(|placed| placed.frame.dts.millis(track.timescale))
}

#[test]
fn the_first_frame_is_at_zero_and_the_offset_between_tracks_is_kept() {
    let mut timeline = Timeline::default();
    assert_eq!(place(&mut timeline, &video(), 5_000_000, 0), Some(0));
    assert_eq!(place(&mut timeline, &audio(), 5_000_120, 0), Some(120));
    assert_eq!(place(&mut timeline, &video(), 5_000_040, 40), Some(40));
}

#[test]
fn audio_from_before_the_first_picture_is_dropped_and_counted() {
    let mut timeline = Timeline::default();
    place(&mut timeline, &video(), 1_000, 0);
    assert_eq!(place(&mut timeline, &audio(), 990, 0), None);
    assert_eq!(timeline.counters().before_start, 1);
}

#[test]
fn jumps_of_hours_in_both_directions_are_bridged_in_one_frame_step() {
    let mut timeline = Timeline::default();
    for (n, ms) in [0, 40, 80, 7_200_000, 7_200_040, 3_000, 3_040].into_iter().enumerate() {
        assert_eq!(place(&mut timeline, &video(), ms, 40 * n as i64), Some(40 * n as i64), "at {ms}");
    }
    assert_eq!(timeline.counters().jumps, 2);
}

#[test]
fn the_slower_track_of_a_jump_keeps_its_offset_until_it_jumps_too() {
    let (mut timeline, video, audio) = (Timeline::default(), video(), audio());
    place(&mut timeline, &video, 0, 0);
    place(&mut timeline, &audio, 10, 0);
    place(&mut timeline, &video, 40, 0);
    assert_eq!(place(&mut timeline, &video, 9_000_080, 80), Some(80));
    assert_eq!(place(&mut timeline, &audio, 31, 80), Some(31), "audio from before the jump stays where it was");
    assert_eq!(place(&mut timeline, &audio, 9_000_052, 80), Some(52), "and jumps by the same distance");
    assert_eq!(timeline.counters().jumps, 1);
}

#[test]
fn a_returning_publisher_continues_one_frame_after_the_last() {
    let mut timeline = Timeline::default();
    place(&mut timeline, &video(), 100_000, 0);
    place(&mut timeline, &video(), 100_040, 40);
    timeline.publisher_changed();
    let placed = timeline.place(at(&video(), 0), &video(), UnixMillis(50_000)).expect("placed");
    assert_eq!(placed.frame.dts.millis(Timescale::VIDEO), 80, "no gap in media time");
    assert_eq!(placed.wall, UnixMillis(50_000), "the outage is in the wall clock");
}

#[test]
fn the_wall_clock_of_media_is_known_across_an_outage_and_the_media_of_the_wall_clock_too() {
    let mut timeline = Timeline::default();
    assert_eq!((timeline.wall_of(0), timeline.media_at(UnixMillis(0))), (None, None));
    for ms in (0..=60_000).step_by(1_000) {
        place(&mut timeline, &video(), ms, 1_000_000 + ms);
    }
    timeline.publisher_changed();
    for ms in (0..=30_000).step_by(1_000) {
        place(&mut timeline, &video(), ms, 2_260_000 + ms);
    }
    for (media_ms, wall_ms) in [(0, 1_000_000), (59_000, 1_059_000), (61_000, 2_260_000), (91_000, 2_290_000)] {
        assert_eq!(timeline.wall_of(media_ms), Some(UnixMillis(wall_ms)));
        assert_eq!(timeline.media_at(UnixMillis(wall_ms)), Some(media_ms));
    }
    assert_eq!(timeline.media_at(UnixMillis(1_900_000)), Some(61_000), "away: where it goes on");
    assert_eq!(timeline.media_at(UnixMillis(9_000_000)), Some(91_000), "nothing newer was on air");
    assert_eq!(timeline.media_at(UnixMillis(0)), Some(0), "nor before the first");
}

#[test]
fn what_was_held_up_and_came_at_once_came_one_after_the_other() {
    let mut timeline = Timeline::default();
    place(&mut timeline, &video(), 0, 10_000);
    for ms in (1_000..=6_000).step_by(100) {
        place(&mut timeline, &video(), ms, 16_000);
    }
    place(&mut timeline, &video(), 7_000, 17_000);
    let walls: Vec<_> = (0..=7_000).step_by(500).filter_map(|ms| timeline.wall_of(ms)).map(|wall| wall.0).collect();
    assert!(walls.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{walls:?}");
    assert!((17_000..=22_000).contains(walls.last().expect("some")), "as late as it was held up: {walls:?}");
    let on_air_ms = timeline.media_at(UnixMillis(17_000)).expect("some");
    assert!((7_000 - WALL_DRIFT_MS..=7_000).contains(&on_air_ms), "and on air is what is on air: {on_air_ms}");
}

#[test]
fn of_a_publisher_that_drops_for_ever_the_newest_outages_are_remembered() {
    let mut timeline = Timeline::default();
    let outages = ANCHORS_MAX as i64 + 10;
    for outage in 0..outages {
        timeline.publisher_changed();
        place(&mut timeline, &video(), 0, outage * 60_000);
    }
    assert_eq!(timeline.anchors.0.len().max(timeline.latest.0.len()), ANCHORS_MAX);
    assert_eq!(timeline.wall_of(timeline.head_ms().expect("some")), Some(UnixMillis((outages - 1) * 60_000)));
}

#[test]
fn wall_clock_follows_media_time_and_not_the_jitter_of_arrival() {
    let mut timeline = Timeline::default();
    let mut walls = Vec::new();
    for (ms, arrival) in [(0, 1_000), (40, 1_300), (80, 1_085)] {
        walls.push(timeline.place(at(&video(), ms), &video(), UnixMillis(arrival)).expect("placed").wall.0);
    }
    assert_eq!(walls, [1_000, 1_040, 1_080]);
}

proptest! {
    #[test]
    fn decode_times_rise_on_every_track(times in prop::collection::vec((any::<bool>(), any::<i64>(), any::<bool>()), 1..200)) {
        let mut timeline = Timeline::default();
        let tracks = [video(), audio()];
        let mut last = [None::<Ticks>; 2];
        for (which, ticks, reconnect) in times {
            let track = &tracks[usize::from(which)];
            if reconnect {
                timeline.publisher_changed();
            }
            let frame = Frame { dts: Ticks(ticks), ..at(track, 0) };
            if let Some(placed) = timeline.place(frame, track, UnixMillis(0)) {
                let before = last[usize::from(which)].replace(placed.frame.dts);
                prop_assert!(before.is_none_or(|before| before < placed.frame.dts));
                let head = timeline.head_ms().expect("a frame was placed");
                prop_assert!(head - placed.frame.dts.millis(track.timescale) <= 2 * JUMP_MS);
            }
        }
    }

    #[test]
    fn a_well_behaved_publisher_is_only_shifted(start in 0i64..1 << 40, steps in prop::collection::vec(1i64..900, 1..200)) {
        let (mut timeline, video) = (Timeline::default(), video());
        let mut ms = start;
        for step in steps {
            prop_assert_eq!(place(&mut timeline, &video, ms, 0), Some(ms - start));
            ms += step;
        }
        prop_assert_eq!(timeline.counters(), TimelineCounters::default());
    }
}

#[test]
fn sixty_days_through_every_wrap_stay_continuous() {
    for bits in [24, 32, 33] {
        let (mut timeline, video) = (Timeline::default(), video());
        let mut unwrapper = media::TimestampUnwrapper::new(bits);
        for n in 0..60 * 86_400i64 {
            let raw = (n * 1_000 + 12_345) as u64 & ((1 << bits) - 1);
            assert_eq!(place(&mut timeline, &video, unwrapper.unwrap(raw), n * 1_000), Some(n * 1_000));
        }
        assert_eq!(timeline.counters().jumps, 0, "{bits} bits");
    }
}
