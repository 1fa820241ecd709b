//! What an ordinary encoder sends.

use super::*;

fn part_ms(parts: &[Arc<Part>]) -> Vec<i64> {
    parts.iter().map(|part| part.duration.millis(part.timescale)).collect()
}

/// Longest time between the arrival of a part's last frame and the part, in frames of the track.
fn held_back(encoder: &mut Encoder, until_ms: i64, id: TrackId) -> usize {
    let mut rig = Rig::of(encoder);
    let (mut pushed, mut worst) = (0usize, 0usize);
    for frame in encoder.frames_until_ms(until_ms) {
        pushed += usize::from(frame.track == id);
        let before = rig.parts(id).iter().map(|part| part.samples.len()).sum::<usize>();
        rig.push(&frame);
        let after = rig.parts(id).iter().map(|part| part.samples.len()).sum::<usize>();
        if after > before && pushed > 60 {
            worst = worst.max(pushed - after);
        }
    }
    worst
}

#[test]
fn part_within_target() {
    for (frames, seconds) in [(24, 1), (25, 1), (30_000, 1_001), (30, 1), (50, 1), (60_000, 1_001), (60, 1), (15, 1)] {
        let mut encoder = video_encoder(VideoSpec {
            frame_rate: rate(frames, seconds),
            gop_frames: u64::from(frames.div_ceil(seconds) * 2),
            ..VideoSpec::default()
        });
        let mut rig = Rig::of(&encoder);
        rig.push_all(&encoder.frames_until_ms(20_000));
        let rig = rig.end();
        for segment in rig.segments(VIDEO) {
            // RFC 8216bis: at least 85 % of the target, but for the last of a segment and independent ones.
            let (_, but_last) = segment.parts.split_last().expect("not empty");
            let least = i64::from(rig.config.part_limit_ms()) * 85 / 100;
            let lengths = part_ms(but_last);
            assert!(lengths.iter().all(|length| *length >= least), "{frames}/{seconds}: {lengths:?}");
        }
    }
}

#[test]
fn segment_starts_with_sync_sample() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(30_000));
    let rig = rig.end();
    let segments = rig.segments(VIDEO);
    assert!(segments.iter().all(|segment| segment.independent && !segment.discontinuity));
    assert_eq!(rig.segment_ms(VIDEO), [2_000; 15]);
    assert_eq!(segments.first().map(|segment| segment.msn), Some(MSN_BASE));
    assert_eq!(rig.packager.counters(), Counters::default(), "nothing odd is counted");
}

#[test]
fn tfdt_is_gapless() {
    // Millisecond timestamps of a 59.94 Hz stream: intervals of 16 and 17 ms.
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    for n in 0..3_000i64 {
        rig.push(&video_at(n * 1_001 / 60, n % 120 == 0));
    }
    let rig = rig.end();
    assert!(rig.parts(VIDEO).iter().all(|part| !part.reanchored && part.samples.len() <= 13));
    assert_eq!(rig.parts(VIDEO)[1].samples.len(), 12);
}

#[test]
fn sequence_is_final() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    let mut seen: BTreeMap<(u8, u64, u32), Bytes> = BTreeMap::new();
    for frame in encoder.frames_until_ms(12_000) {
        rig.push(&frame);
        for id in [VIDEO, AUDIO] {
            for part in rig.parts(id) {
                let bytes = seen.entry((id.0, part.msn, part.index)).or_insert_with(|| part.bytes.clone());
                assert_eq!(*bytes, part.bytes);
                if let Some(kept) = rig.window.part(id, part.msn, part.index) {
                    assert_eq!(kept.bytes, *bytes, "the window serves the same");
                }
            }
        }
    }
    rig.end();
}

#[test]
fn audio_and_video_segments_of_one_number_cover_the_same_time() {
    for audio in [AudioSpec::default(), he_aac(), AudioSpec { sample_rate: 44_100, ..AudioSpec::default() }] {
        let mut encoder = Encoder::new(EncoderConfig { audio: Some(audio), ..EncoderConfig::default() });
        let mut rig = Rig::of(&encoder);
        rig.push_all(&encoder.frames_until_ms(31_000));
        let rig = rig.end();
        let (video, audio) = (rig.segments(VIDEO), rig.segments(AUDIO));
        assert_eq!(video.len(), audio.len());
        for (video, audio) in video.iter().zip(&audio) {
            assert_eq!(video.msn, audio.msn);
            let late =
                Moment::new(audio.start, audio.timescale).millis_since(Moment::new(video.start, video.timescale));
            assert!((0..=47).contains(&late), "audio starts {late} ms after video of {}", video.msn);
        }
    }
}

#[test]
fn a_steady_stream_is_held_back_by_no_frame() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    assert_eq!(held_back(&mut encoder, 10_000, VIDEO), 0, "the last frame of a part goes out with it");
    let mut encoder = Encoder::new(EncoderConfig::audio_only());
    assert_eq!(
        held_back(&mut encoder, 10_000, AUDIO),
        1,
        "but for the last part of a segment, which ends where the next begins"
    );
}

#[test]
fn an_uneven_stream_is_held_back_by_one_frame() {
    let encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    let mut at = 0;
    for n in 0..600i64 {
        rig.push(&video_at(at, n % 60 == 0));
        at += if n % 3 == 0 { 10 } else { 45 };
        let out: usize = rig.parts(VIDEO).iter().map(|part| part.samples.len()).sum();
        assert!(n as usize + 1 - out <= 1 + 12, "no more than a part and a frame wait");
    }
    rig.end();
}

#[test]
fn b_frames_keep_their_presentation_times() {
    for negative_cts in [false, true] {
        let mut encoder =
            video_encoder(VideoSpec { b_frames: 2, negative_cts, gop_frames: 48, ..VideoSpec::default() });
        let mut rig = Rig::of(&encoder);
        rig.push_all(&encoder.frames_until_ms(9_000));
        let rig = rig.end();
        let negative = rig.parts(VIDEO).iter().any(|part| part.samples.iter().any(|sample| sample.cts < 0));
        assert_eq!(negative, negative_cts);
    }
}

#[test]
fn audio_alone_is_cut_on_time() {
    let mut encoder = Encoder::new(EncoderConfig::audio_only());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(20_000));
    let rig = rig.end();
    let lengths = rig.segment_ms(AUDIO);
    let (_, whole) = lengths.split_last().expect("not empty");
    assert!(whole.iter().all(|length| (1_985..=2_030).contains(length)), "{whole:?}");
    assert!(rig.segments(AUDIO).iter().all(|segment| segment.independent));
    assert_eq!(rig.inits().iter().map(|init| init.name.to_string()).collect::<Vec<_>>(), ["audio"]);
}

#[test]
fn the_first_part_of_each_leading_segment_carries_the_wall_clock() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(5_000));
    let rig = rig.end();
    for part in rig.parts(VIDEO) {
        assert_eq!(part.bytes.get(4..8), Some(&b"prft"[..]));
        assert_eq!(part.wall, UnixMillis(WALL + part.start.millis(part.timescale)));
    }
    assert!(rig.parts(AUDIO).iter().all(|part| part.bytes.get(4..8) == Some(&b"moof"[..])));
}

#[test]
fn all_intra_video_still_makes_whole_segments() {
    let mut encoder = video_encoder(VideoSpec { gop_frames: 1, ..VideoSpec::default() });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(8_000));
    let rig = rig.end();
    assert_eq!(rig.segment_ms(VIDEO), [2_000; 4]);
    assert!(rig.parts(VIDEO).iter().all(|part| part.independent));
}

#[test]
fn twelve_hours_are_packaged_in_seconds() {
    let mut encoder = video_encoder(VideoSpec { frame_bytes: 40, ..VideoSpec::default() });
    let mut packager = Packager::new(Config::default(), StreamId(1), 0);
    let mut window = Window::new(Config::default());
    packager.set_tracks(&encoder.tracks(), false);
    let (mut segments, mut end) = (0u64, Ticks::ZERO);
    for n in 0..12 * 3_600 * 30u64 {
        let frame = encoder.next_frame();
        packager.push(&frame, UnixMillis(WALL + frame.dts.millis(Timescale::VIDEO)));
        while let Some(output) = packager.poll_output() {
            window.apply(&output);
            if let Output::Segment(segment) = output {
                assert_eq!(segment.start, end, "at frame {n}");
                end = segment.end();
                segments += 1;
            }
        }
    }
    assert_eq!(segments, 12 * 1_800 - 1);
    assert!(window.bytes() < 1 << 20, "{}", window.bytes());
}
