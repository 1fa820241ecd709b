//! The synthetic encoder against independent parsers and against its own promises.

use super::*;
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal, UnitType};
use media::TimestampUnwrapper;

fn specs() -> Vec<VideoSpec> {
    vec![
        VideoSpec::default(),
        VideoSpec { width: 1_920, height: 1_080, b_frames: 2, ..VideoSpec::default() },
        VideoSpec {
            width: 640,
            height: 360,
            frame_rate: FrameRate { frames: 30_000, seconds: 1_001 },
            ..VideoSpec::default()
        },
        VideoSpec { width: 3_840, height: 2_160, ..VideoSpec::default() },
    ]
}

#[test]
fn an_independent_parser_reads_size_and_rate_from_the_parameter_sets() {
    for spec in specs() {
        let config = spec.config();
        let record = AvcDecoderConfigurationRecord::try_from(config.as_ref()).expect("avcC parses");
        let context = record.create_context().expect("parameter sets parse");
        let sps = context.sps().next().expect("one SPS");
        assert_eq!(sps.pixel_dimensions().expect("has a size"), (spec.width, spec.height));
        let rate = f64::from(spec.frame_rate.frames) / f64::from(spec.frame_rate.seconds);
        assert!((sps.fps().expect("has a rate") - rate).abs() < 1e-9);
        assert_eq!(context.pps().count(), 1);
        let track = h264::track(VIDEO, &spec);
        assert_eq!(track.codec_string.to_lowercase(), sps.rfc6381().to_string().to_lowercase());
    }
}

#[test]
fn parameter_sets_in_band_are_those_of_the_record() {
    let spec = VideoSpec { in_band_sets: true, ..VideoSpec::default() };
    let mut encoder = Encoder::new(EncoderConfig { video: Some(spec.clone()), ..EncoderConfig::video_only() });
    let nals = nal_units(&encoder.next_frame().payload);
    let kinds: Vec<UnitType> = nals.iter().map(|nal| unit_type(nal)).collect();
    assert_eq!(
        kinds,
        [UnitType::SeqParameterSet, UnitType::PicParameterSet, UnitType::SliceLayerWithoutPartitioningIdr]
    );
    assert_eq!(nals[0], spec.sps());
    let rbsp = RefNal::new(&nals[0], &[], true);
    SeqParameterSet::from_bits(rbsp.rbsp_bits()).expect("SPS parses from the stream too");
}

#[test]
fn key_frames_come_each_gop_and_carry_idr_slices() {
    let mut encoder = Encoder::new(EncoderConfig::video_only());
    for (n, frame) in encoder.by_ref().take(95).enumerate() {
        assert_eq!(frame.key, n % 30 == 0);
        let expected = if frame.key {
            UnitType::SliceLayerWithoutPartitioningIdr
        } else {
            UnitType::SliceLayerWithoutPartitioningNonIdr
        };
        assert_eq!(unit_type(&nal_units(&frame.payload)[0]), expected);
        assert_eq!(Stamp::find(&frame.payload), Some(Stamp { track: VIDEO, sequence: n as u64 }));
    }
    encoder.force_key();
    assert!(encoder.next_frame().key);
}

#[test]
fn b_frames_reorder_without_gap_or_double_and_never_show_before_they_decode() {
    for (b_frames, gop_frames) in [(0, 30), (1, 30), (2, 30), (3, 25), (2, 1), (5, 4)] {
        let spec = VideoSpec { b_frames, gop_frames, ..VideoSpec::default() };
        let mut encoder = Encoder::new(EncoderConfig { video: Some(spec), ..EncoderConfig::video_only() });
        let frames: Vec<Frame> = encoder.by_ref().take(120).collect();
        assert!(frames.iter().all(|frame| frame.cts >= Ticks::ZERO), "{b_frames} B-frames");
        assert!(frames.windows(2).all(|pair| pair[0].dts < pair[1].dts));
        for gop in frames.chunks(gop_frames as usize).filter(|gop| gop.len() == gop_frames as usize) {
            let mut shown: Vec<i64> = gop.iter().map(|frame| frame.pts().0).collect();
            assert_eq!(shown.iter().min(), shown.first(), "a closed GOP shows its key frame first");
            shown.sort_unstable();
            assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == 3_000), "{shown:?}");
        }
    }
}

#[test]
fn negative_offsets_show_the_key_frame_when_it_decodes() {
    let spec = VideoSpec { b_frames: 2, negative_cts: true, ..VideoSpec::default() };
    let mut encoder = Encoder::new(EncoderConfig { video: Some(spec), ..EncoderConfig::video_only() });
    let sent = encoder.sent_until_ms(1_000);
    assert_eq!(sent[0].cts_ms, 0);
    assert!(sent.iter().any(|frame| frame.cts_ms < 0));
}

#[test]
fn tracks_are_interleaved_by_time_with_the_offset_between_them() {
    for audio_offset_ms in [0, 250, -40] {
        let mut encoder = Encoder::new(EncoderConfig { audio_offset_ms, ..EncoderConfig::default() });
        let frames = encoder.frames_until_ms(3_000);
        let seconds = |frame: &Frame| frame.dts.seconds(encoder.timescale(frame.track));
        assert!(frames.windows(2).all(|pair| seconds(&pair[0]) <= seconds(&pair[1]) + 1e-4));
        let first = |id| frames.iter().find(|frame| frame.track == id).map(seconds).expect("has both tracks");
        let offset_s = first(AUDIO) - first(VIDEO);
        assert!((offset_s - audio_offset_ms as f64 / 1_000.0).abs() < 1e-4, "{offset_s}");
    }
}

#[test]
fn audio_has_one_frame_per_1024_samples_or_2048_for_he() {
    let he = AudioSpec { he: true, sample_rate: 44_100, ..AudioSpec::default() };
    for (spec, samples, config) in
        [(AudioSpec::default(), 1_024, vec![0x11, 0x90]), (he, 2_048, vec![0x2B, 0x92, 0x08, 0x00])]
    {
        assert_eq!(spec.config(), config);
        let mut encoder = Encoder::new(EncoderConfig { audio: Some(spec), ..EncoderConfig::audio_only() });
        let times: Vec<i64> = encoder.by_ref().take(50).map(|frame| frame.dts.0).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == samples));
    }
}

#[test]
fn a_sender_wraps_and_jumps_as_told_and_the_frames_do_not() {
    for (timestamp_bits, start) in [(32, u64::from(u32::MAX) - 1_500), (24, 0xFF_FFFF - 1_500)] {
        let jumps = vec![(4_000, 3_600_000), (6_000, -3_600_000)];
        let config = EncoderConfig { timestamp_bits, timestamp_start_ms: start, jumps, ..EncoderConfig::video_only() };
        let sent = Encoder::new(config).sent_until_ms(8_000);
        let mut unwrapper = TimestampUnwrapper::new(timestamp_bits);
        for one in &sent {
            let true_ms = one.frame.dts.millis(Timescale::VIDEO);
            let jump_ms = if (4_000..6_000).contains(&true_ms) { 3_600_000 } else { 0 };
            assert_eq!(unwrapper.unwrap(one.timestamp_ms.into()), start as i64 + true_ms + jump_ms);
        }
        assert!(sent.iter().any(|one| u64::from(one.timestamp_ms) < 1_500), "a wrap happened");
    }
}

#[test]
fn a_change_of_picture_is_a_new_track_a_key_frame_and_no_gap() {
    let mut encoder = Encoder::new(EncoderConfig::video_only());
    let before = encoder.video_track();
    let first = encoder.frames_until_ms(500);
    encoder.set_video(VideoSpec { width: 640, height: 360, ..VideoSpec::default() });
    assert_ne!(encoder.video_track(), before);
    let next = encoder.next_frame();
    assert!(next.key);
    assert_eq!(next.dts.minus(first.last().expect("frames came").dts), Ticks(3_000));
    assert_eq!(Stamp::find(&next.payload).map(|stamp| stamp.sequence), Some(first.len() as u64));
}

#[test]
fn sixty_days_of_ntsc_do_not_drift() {
    let rate = FrameRate { frames: 30_000, seconds: 1_001 };
    let frames = 60 * 86_400 * 30_000 / 1_001;
    let seconds = frame_time(frames, rate).seconds(Timescale::VIDEO);
    assert!((seconds - frames as f64 * 1_001.0 / 30_000.0).abs() < 1e-4);
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let make = |seed| Encoder::new(EncoderConfig { seed, ..EncoderConfig::default() }).frames_until_ms(500);
    assert_eq!(make(5), make(5));
    assert_ne!(make(5), make(6));
}

fn nal_units(payload: &[u8]) -> Vec<Vec<u8>> {
    let (mut units, mut rest) = (Vec::new(), payload);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        units.push(unit.to_vec());
        rest = after;
    }
    assert!(rest.is_empty(), "lengths cover the payload");
    units
}

fn unit_type(nal: &[u8]) -> UnitType {
    RefNal::new(nal, &[], true).header().expect("has a header").nal_unit_type()
}
