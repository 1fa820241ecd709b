//! What encoders and networks do as well. None of it ends a stream or breaks an invariant.

use media::{TrackParams, VideoParams};

use super::*;

#[test]
fn a_group_of_pictures_of_30_s_is_cut_within_the_target_duration() {
    let mut encoder = video_encoder(VideoSpec { gop_frames: 900, ..VideoSpec::default() });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(65_000));
    let rig = rig.end();
    let segments = rig.segments(VIDEO);
    assert!(rig.segment_ms(VIDEO).iter().all(|length| *length <= 4_000), "{:?}", rig.segment_ms(VIDEO));
    let keys: Vec<i64> =
        segments.iter().filter(|segment| segment.independent).map(|segment| segment.start.0 / 90_000).collect();
    assert_eq!(keys, [0, 30, 60], "key frames always begin a segment here, and only they are called independent");
    assert!(rig.packager.counters().cuts_without_key > 10);
}

#[test]
fn a_frame_longer_than_a_part_gets_a_segment_without_parts() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    let mut at = 0;
    for n in 0..300i64 {
        rig.push(&video_at(at, n % 60 == 0));
        at += if n == 100 { 900 } else { 33 };
    }
    let rig = rig.end();
    let long: Vec<Arc<Part>> = rig.parts(VIDEO).into_iter().filter(|part| part.over_target).collect();
    assert_eq!(long.len(), 1);
    let segment = rig.segments(VIDEO).into_iter().find(|segment| segment.msn == long[0].msn).expect("it has a segment");
    assert_eq!(segment.parts.len(), 1, "{segment:?}");
    assert_eq!(rig.packager.counters().samples_over_target, 1);
}

#[test]
fn a_slide_show_makes_segments_without_parts() {
    let mut encoder = video_encoder(VideoSpec { frame_rate: rate(1, 1), gop_frames: 10, ..VideoSpec::default() });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(30_000));
    let rig = rig.end();
    assert!(rig.segment_ms(VIDEO).iter().all(|length| (1_000..=2_000).contains(length)), "{:?}", rig.segment_ms(VIDEO));
}

#[test]
fn a_gap_longer_than_a_segment_is_a_discontinuity() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    for n in 0..120i64 {
        rig.push(&video_at(n * 33, n % 60 == 0));
    }
    for n in 0..120i64 {
        rig.push(&video_at(12_000 + n * 33, n % 60 == 0));
    }
    let rig = rig.end();
    let jumped: Vec<Arc<Segment>> = rig.segments(VIDEO).into_iter().filter(|segment| segment.discontinuity).collect();
    assert_eq!(jumped.len(), 1);
    assert_eq!(jumped[0].start, Ticks(12_000 * 90));
    assert_eq!(jumped[0].discontinuity_sequence, MSN_BASE + 1);
    assert_eq!(rig.packager.counters().reanchored, 1);
}

#[test]
fn frames_with_equal_times_are_all_kept() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    for n in 0..300i64 {
        let mut frame = video_at(n / 3 * 100, n % 60 == 0);
        frame.payload = Bytes::from(format!("frame {n}"));
        rig.push(&frame);
    }
    let rig = rig.end();
    let samples: usize = rig.parts(VIDEO).iter().map(|part| part.samples.len()).sum();
    assert_eq!(samples, 300);
}

/// A key frame of the track and then frames of a megabyte each, a tick apart.
fn standing_still(track: TrackId, dts: Ticks, count: i64) -> impl Iterator<Item = Frame> {
    let payload = Bytes::from(vec![7; 1 << 20]);
    (0..count).map(move |n| Frame {
        track,
        dts: dts.plus(Ticks(n)),
        cts: Ticks::ZERO,
        key: n == 0,
        payload: payload.clone(),
    })
}

#[test]
fn times_that_stand_still_end_segments_by_their_bytes() {
    let config = Config { window_bytes_max: 64 << 20, ..Config::default() };
    let mut rig = Rig::new(config);
    rig.set_tracks(video_encoder(VideoSpec::default()).tracks(), false);
    let mut most = 0;
    for frame in standing_still(VIDEO, Ticks::ZERO, 160) {
        rig.push(&frame);
        most = most.max(rig.window.bytes());
    }
    assert!(most <= (64 << 20) + 3 * SEGMENT_BYTES_MAX, "two segments and an open one are kept: {most} bytes");
    let rig = rig.end();
    let bytes: Vec<u64> = rig.segments(VIDEO).iter().map(|segment| segment.bytes_len).collect();
    let most = (SEGMENT_BYTES_MAX + (17 << 20)) as u64;
    assert!(bytes.len() >= 3 && bytes.iter().all(|bytes| *bytes <= most), "{bytes:?}");
    let samples: usize = rig.parts(VIDEO).iter().map(|part| part.samples.len()).sum();
    assert_eq!(samples, 160, "none is left out");
}

#[test]
fn what_waits_for_the_leader_is_bounded_by_its_bytes() {
    let encoder = video_encoder(VideoSpec::default());
    let first = encoder.tracks().get(VIDEO).expect("video").clone();
    let second = |width| {
        let TrackParams::Video(video) = first.params.clone() else { panic!("video") };
        let params = TrackParams::Video(VideoParams { width, ..video });
        Arc::new(Track { id: TrackId(2), params, ..(*first).clone() })
    };
    let mut rig = Rig::new(Config::default());
    rig.set_tracks(encoder.tracks().with(second(640)), false);
    for n in 0..60 {
        let frame = video_at(n * 33, n == 0);
        rig.push(&frame);
        rig.push(&Frame { track: TrackId(2), ..frame });
    }
    // Its next segment comes after all that the leader has begun, and the leader is silent.
    rig.set_tracks(encoder.tracks().with(second(320)), false);
    let mut most = 0;
    for frame in standing_still(TrackId(2), Ticks(60 * 33 * 90), 100) {
        rig.push(&frame);
        most = most.max(rig.packager.lanes.iter().map(Lane::queue_bytes).sum());
    }
    assert!(most > 16 << 20 && most <= QUEUE_BYTES_MAX + (2 << 20), "{most} bytes");
    assert!(rig.packager.counters().samples_unplaced > 50);
}

#[test]
fn configurations_without_frames_are_not_kept() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    let video = encoder.tracks().get(VIDEO).expect("video").clone();
    let other = Arc::new(Track { config: Bytes::from([&video.config[..], &[0]].concat()), ..(*video).clone() });
    let held = |rig: &Rig| (0..2_001).filter(|&epoch| rig.window.init(VIDEO, epoch).is_some()).count();
    for turn in 0..1_000 {
        rig.set_tracks(encoder.tracks().with(if turn % 2 == 0 { other.clone() } else { video.clone() }), false);
    }
    assert_eq!(held(&rig), 1, "before the first frame");
    for n in 0..120 {
        rig.push(&video_at(n * 33, n % 60 == 0));
    }
    for turn in 0..1_000 {
        rig.set_tracks(encoder.tracks().with(if turn % 2 == 0 { other.clone() } else { video.clone() }), false);
    }
    assert_eq!(held(&rig), 2, "what the parts need, and the newest");
    for n in 120..240 {
        rig.push(&video_at(n * 33, n % 60 == 0));
    }
    rig.end();
}

#[test]
fn very_large_frames_are_packaged_like_any() {
    let mut encoder = video_encoder(VideoSpec { frame_bytes: 1_500_000, ..VideoSpec::default() });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(1_200));
    rig.end();
}

#[test]
fn audio_that_starts_later_joins_the_segment_of_its_time() {
    let mut encoder = Encoder::new(EncoderConfig { audio_offset_ms: 5_100, ..EncoderConfig::default() });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(12_000));
    let rig = rig.end();
    let first = rig.segments(AUDIO).first().cloned().expect("audio came");
    assert_eq!(first.msn, MSN_BASE + 2, "5.1 s lies in the third segment");
    assert_eq!(first.start, Ticks(5_100 * 48));
}

#[test]
fn video_that_starts_later_takes_over_the_cutting() {
    let mut encoder = Encoder::new(EncoderConfig { audio_offset_ms: -5_100, ..EncoderConfig::default() });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(15_000));
    let rig = rig.end();
    let (video, audio) = (rig.segments(VIDEO), rig.segments(AUDIO));
    let first = video.first().expect("video came");
    assert!(first.independent);
    assert!(audio.first().is_some_and(|audio| audio.msn < first.msn), "audio did not wait for video for ever");
    for pair in &video[1..] {
        let beside = audio.iter().find(|audio| audio.msn == pair.msn).expect("audio has every number of video");
        let late = Moment::new(beside.start, beside.timescale).millis_since(Moment::new(pair.start, pair.timescale));
        assert!((0..=22).contains(&late), "{late}");
    }
}

#[test]
fn video_that_stops_leaves_audio_going() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    for frame in encoder.frames_until_ms(60_000) {
        if frame.track == AUDIO || frame.dts.0 < 10 * 90_000 || frame.dts.0 > 40 * 90_000 {
            rig.push(&frame);
        }
    }
    let rig = rig.end();
    let longest = rig.parts(AUDIO).windows(2).map(|pair| pair[1].wall.0 - pair[0].wall.0).max();
    assert!(longest.is_some_and(|longest| longest <= 260), "{longest:?}");
    assert!(rig.segments(VIDEO).iter().any(|segment| segment.discontinuity), "30 s cannot be bridged");
}

#[test]
fn a_track_that_appears_midway_is_announced_before_its_parts() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::new(Config::default());
    rig.set_tracks(TrackSet::default().with(encoder.video_track().expect("has video")), false);
    rig.push_all(encoder.frames_until_ms(5_000).iter().filter(|frame| frame.track == VIDEO));
    rig.set_tracks(encoder.tracks(), false);
    rig.push_all(&encoder.frames_until_ms(12_000));
    let rig = rig.end();
    assert!(rig.segments(VIDEO).iter().all(|segment| !segment.discontinuity));
    assert_eq!(rig.inits().iter().map(|init| init.name.to_string()).collect::<Vec<_>>(), ["video", "audio"]);
    assert_eq!(rig.segments(AUDIO).first().map(|segment| segment.msn), Some(MSN_BASE + 2));
}

#[test]
fn a_changed_configuration_is_a_discontinuity_in_all_tracks() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(5_000));
    encoder.set_video(VideoSpec { width: 640, height: 360, ..VideoSpec::default() });
    rig.set_tracks(encoder.tracks(), true);
    rig.push_all(&encoder.frames_until_ms(10_000));
    let rig = rig.end();
    for id in [VIDEO, AUDIO] {
        let segments = rig.segments(id);
        let jumped: Vec<u64> = segments.iter().filter(|segment| segment.discontinuity).map(|one| one.msn).collect();
        assert_eq!(jumped, [MSN_BASE + 3], "track {id:?}");
    }
    let epochs: Vec<u32> = rig.segments(VIDEO).iter().map(|segment| segment.epoch).collect();
    assert_eq!(epochs, [0, 0, 0, 1, 1, 1]);
    assert!(rig.segments(AUDIO).iter().all(|segment| segment.epoch == 0), "only video changed");
    assert!(rig.segments(VIDEO).iter().all(|segment| segment.independent));
}

#[test]
fn audio_with_another_sample_rate_goes_on_in_its_own_ticks() {
    let mut first = Encoder::new(EncoderConfig::default());
    let mut second = Encoder::new(EncoderConfig { audio: Some(he_aac()), ..EncoderConfig::default() });
    let mut rig = Rig::of(&first);
    rig.push_all(&first.frames_until_ms(6_000));
    second.frames_until_ms(6_000);
    rig.set_tracks(second.tracks(), true);
    rig.push_all(&second.frames_until_ms(12_000));
    let rig = rig.end();
    let epochs: Vec<u32> = rig.inits().iter().filter(|init| init.track.id == AUDIO).map(|init| init.epoch).collect();
    assert_eq!(epochs, [0, 1]);
    let changed = rig.parts(AUDIO).into_iter().find(|part| part.epoch == 1).expect("audio went on");
    let start_ms = changed.start.millis(changed.timescale);
    assert!((5_990..=6_050).contains(&start_ms), "{start_ms}");
    assert!(changed.discontinuity);
}

#[test]
fn a_track_that_leaves_closes_its_segment_and_one_that_returns_goes_on() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(5_000));
    rig.set_tracks(TrackSet::default().with(encoder.video_track().expect("has video")), true);
    let last = rig.segments(AUDIO).last().map(|segment| segment.msn);
    assert_eq!(last, Some(MSN_BASE + 2), "what audio had is complete");
    rig.push_all(encoder.frames_until_ms(20_000).iter().filter(|frame| frame.track == VIDEO));
    rig.set_tracks(encoder.tracks(), false);
    rig.push_all(&encoder.frames_until_ms(26_000));
    let rig = rig.end();
    let returned = rig.segments(AUDIO).into_iter().find(|segment| segment.msn > MSN_BASE + 2).expect("it returned");
    assert!(returned.discontinuity && returned.parts[0].reanchored);
    assert_eq!(returned.start.millis(returned.timescale), 20_010);
}

#[test]
fn a_publisher_that_stalls_and_returns_continues_with_a_new_segment() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(5_100));
    rig.flush();
    let samples: usize = rig.parts(VIDEO).iter().map(|part| part.samples.len()).sum();
    assert_eq!(samples, 153, "all that came can be played");
    rig.wall_offset += 20_000;
    encoder.force_key();
    rig.push_all(&encoder.frames_until_ms(10_000));
    let rig = rig.end();
    let segments = rig.segments(VIDEO);
    assert!(segments.iter().all(|segment| segment.independent && !segment.discontinuity));
    let walls: Vec<i64> = segments.iter().map(|segment| (segment.wall.0 - WALL) / 1_000).collect();
    assert_eq!(walls, [0, 2, 4, 25, 27, 29], "media time has no gap, the wall clock has");
    assert!(rig.parts(VIDEO).iter().all(|part| !part.reanchored));
}

#[test]
fn audio_that_runs_fast_loses_frames_instead_of_time() {
    let encoder = Encoder::new(EncoderConfig::audio_only());
    let mut rig = Rig::of(&encoder);
    for n in 0..2_000i64 {
        rig.push(&audio_at(n * 1_000)); // 1,024 samples each, stamped 1,000 apart
    }
    let rig = rig.end();
    let dropped = rig.packager.counters().audio_frames_dropped;
    assert!((40..=50).contains(&dropped), "2.3 % of 2,000: {dropped}");
    let last = rig.parts(AUDIO).last().map(|part| part.end().0).unwrap_or_default();
    assert!((last - 2_000_000).abs() <= 60 * 48 + 1_024, "{last}");
}

#[test]
fn audio_that_leaves_a_gap_says_so() {
    let encoder = Encoder::new(EncoderConfig::audio_only());
    let mut rig = Rig::of(&encoder);
    for n in 0..400i64 {
        let gap = if n >= 200 { 48 * 500 } else { 0 };
        rig.push(&audio_at(n * 1_024 + gap));
    }
    let rig = rig.end();
    let marked: Vec<Arc<Part>> = rig.parts(AUDIO).into_iter().filter(|part| part.reanchored).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0].start, Ticks(200 * 1_024 + 48 * 500));
    assert_eq!(rig.packager.counters().reanchored, 1);
}

#[test]
fn jitter_of_60_ms_never_moves_audio() {
    let encoder = Encoder::new(EncoderConfig::audio_only());
    let mut rig = Rig::of(&encoder);
    for n in 0..1_000i64 {
        rig.push(&audio_at((n * 1_024 + (n % 7 - 3) * 48 * 18).max(0)));
    }
    let rig = rig.end();
    assert_eq!(rig.packager.counters(), Counters::default());
}

#[test]
fn frames_before_the_first_key_frame_and_empty_ones_are_left_out() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push(&video_at(0, false));
    rig.push(&Frame { payload: Bytes::new(), ..video_at(33, true) });
    rig.push(&Frame { track: TrackId(9), ..video_at(33, true) });
    for n in 2..100 {
        rig.push(&video_at(n * 33, n % 30 == 2));
    }
    let rig = rig.end();
    let counters = rig.packager.counters();
    assert_eq!((counters.frames_before_key, counters.frames_empty, counters.frames_untracked), (1, 1, 1));
    assert_eq!(rig.parts(VIDEO)[0].start, Ticks(66 * 90));
}

#[test]
fn mp3_is_left_out_and_video_goes_on() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mp3 = Track {
        codec: media::Codec::Mp3,
        config: Bytes::new(),
        codec_string: "mp3".into(),
        ..(*encoder.audio_track().expect("has audio")).clone()
    };
    let mut rig = Rig::new(Config::default());
    rig.set_tracks(encoder.tracks().with(Arc::new(mp3)), false);
    rig.push_all(&encoder.frames_until_ms(5_000));
    let rig = rig.end();
    assert_eq!(rig.inits().len(), 1);
    assert!(rig.parts(AUDIO).is_empty() && !rig.parts(VIDEO).is_empty());
    assert!(rig.packager.counters().frames_untracked > 200);
}

#[test]
fn a_second_video_track_is_cut_where_the_first_is() {
    let mut first = Encoder::new(EncoderConfig::default());
    let mut second = video_encoder(VideoSpec { width: 640, height: 360, ..VideoSpec::default() });
    let other = TrackId(5);
    let track = Track { id: other, ..(*second.video_track().expect("has video")).clone() };
    let mut rig = Rig::new(Config::default());
    rig.set_tracks(first.tracks().with(Arc::new(track)), false);
    for frame in first.frames_until_ms(10_000) {
        rig.push(&frame);
        if frame.track == VIDEO {
            rig.push(&Frame { track: other, ..second.next_frame() });
        }
    }
    let rig = rig.end();
    let starts = |id| rig.segments(id).iter().map(|segment| (segment.msn, segment.start)).collect::<Vec<_>>();
    assert_eq!(starts(VIDEO), starts(other));
    assert_eq!(rig.window.track_named("video1"), Some(other));
}

#[test]
fn nothing_comes_after_the_end() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder).end();
    rig.push_all(&encoder.frames_until_ms(3_000));
    rig.set_tracks(encoder.tracks(), true);
    rig.packager.end();
    assert!(rig.packager.poll_output().is_none());
}

#[test]
fn a_discontinuity_that_finds_no_key_frame_is_cut_without() {
    let mut encoder = video_encoder(VideoSpec { gop_frames: 900, ..VideoSpec::default() });
    let mut audio = Encoder::new(EncoderConfig::audio_only());
    let mut rig = Rig::new(Config::default());
    let both = encoder.tracks().with(audio.audio_track().expect("has audio"));
    rig.set_tracks(both, false);
    let interleaved = |rig: &mut Rig, encoder: &mut Encoder, audio: &mut Encoder, from: i64, to: i64| {
        for at in (from..to).step_by(100) {
            rig.push_all(&encoder.frames_until_ms(at + 100));
            rig.push_all(&audio.frames_until_ms(at + 100));
        }
    };
    interleaved(&mut rig, &mut encoder, &mut audio, 0, 2_000);
    let changed = Track { codec_string: "mp4a.40.5".into(), ..(*audio.audio_track().expect("has audio")).clone() };
    rig.set_tracks(encoder.tracks().with(Arc::new(changed)), true);
    interleaved(&mut rig, &mut encoder, &mut audio, 2_000, 6_000);
    let rig = rig.end();
    let cut = rig.segments(VIDEO).into_iter().find(|segment| segment.discontinuity).expect("it was cut");
    let start_ms = cut.start.millis(cut.timescale);
    assert!(!cut.independent && (2_450..=2_600).contains(&start_ms), "{start_ms}");
    let sound = rig.parts(AUDIO).into_iter().find(|part| part.epoch == 1).expect("sound went on");
    assert_eq!(sound.msn, cut.msn);
    assert!(sound.discontinuity);
}

#[test]
fn a_stream_that_ends_while_a_change_waits_loses_nothing_that_has_a_place() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(3_000));
    let changed = Track { codec_string: "mp4a.40.5".into(), ..(*encoder.audio_track().expect("has audio")).clone() };
    rig.set_tracks(encoder.tracks().with(Arc::new(changed)), true);
    rig.push_all(encoder.frames_until_ms(3_200).iter().filter(|frame| frame.track == AUDIO));
    let rig = rig.end();
    let samples: usize = rig.parts(AUDIO).iter().filter(|part| part.epoch == 1).map(|part| part.samples.len()).sum();
    assert!(samples >= 9, "{samples}");
}

#[test]
fn a_track_without_an_init_segment_is_counted_and_the_others_go_on() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let broken = Track {
        id: TrackId(9),
        codec: media::Codec::Opus,
        config: Bytes::from_static(b"no record"),
        ..(*encoder.audio_track().expect("has audio")).clone()
    };
    let mut rig = Rig::new(Config::default());
    rig.set_tracks(encoder.tracks().with(Arc::new(broken)), false);
    rig.push_all(&encoder.frames_until_ms(3_000));
    rig.push(&Frame { track: TrackId(9), ..video_at(0, true) });
    let rig = rig.end();
    assert_eq!(rig.packager.counters().tracks_refused, 1);
    assert_eq!(rig.packager.counters().frames_untracked, 1);
    assert!(rig.parts(TrackId(9)).is_empty() && rig.parts(VIDEO).len() > 10);
}

#[test]
fn two_sound_tracks_have_names_and_segments_of_their_own() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let other = TrackId(AUDIO.0 + 1);
    let second = Track { id: other, ..(*encoder.audio_track().expect("has audio")).clone() };
    let mut rig = Rig::new(Config::default());
    rig.set_tracks(encoder.tracks().with(Arc::new(second)), false);
    for frame in encoder.frames_until_ms(7_000) {
        rig.push(&frame);
        if frame.track == AUDIO {
            rig.push(&Frame { track: other, ..frame });
        }
    }
    let rig = rig.end();
    let names: Vec<String> = rig.inits().iter().map(|init| init.name.to_string()).collect();
    assert_eq!(names, ["video", "audio", "audio1"]);
    let spans = |id| rig.segments(id).iter().map(|one| (one.msn, one.start, one.duration)).collect::<Vec<_>>();
    assert_eq!(spans(AUDIO), spans(other));
}

#[test]
fn sound_far_ahead_of_the_picture_waits_no_longer_than_the_skew() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push(&video_at(0, true));
    rig.push(&video_at(33, false));
    for n in 0..46 {
        rig.push(&audio_at(n * 1_024));
    }
    assert!(rig.parts(AUDIO).is_empty(), "what runs ahead waits for the picture");
    for n in 46..60 {
        rig.push(&audio_at(n * 1_024));
    }
    let out: usize = rig.parts(AUDIO).iter().map(|part| part.samples.len()).sum();
    assert!(out > 45, "{out}");
    rig.end();
}

#[test]
fn a_flood_of_tiny_frames_is_bounded() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push(&video_at(0, true));
    for n in 0..20_000i64 {
        let payload = Bytes::from(format!("{n}"));
        rig.push(&Frame { dts: Ticks(n), payload, ..video_at(0, false) });
    }
    let rig = rig.end();
    let most = rig.parts(VIDEO).iter().map(|part| part.samples.len()).max();
    assert_eq!(most, Some(1_024), "samples of a part are capped");
}

#[test]
fn a_flood_of_bytes_ends_parts_early() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    for n in 0..40i64 {
        let mut payload = vec![0u8; 3 << 20];
        payload[..8].copy_from_slice(&n.to_be_bytes());
        rig.push(&Frame { payload: payload.into(), ..video_at(n * 5, n == 0) });
    }
    let rig = rig.end();
    assert!(rig.parts(VIDEO).iter().all(|part| part.bytes.len() < 17 << 20));
}
