//! Initialisation segment and fragments, one track to a file.

use formats::container::cmaf::{FragmentHeader, Prft, Sample, init_segment, parse_fragments, write_fragment_header};
use media::UnixMillis;

use crate::encode::{Coded, Stream, aac, audio, av1, h264, h265, vp9};
use crate::probe::{codec_name, decodes_in_silence, packets, streams};

/// A part of the frames, `prft` included.
pub fn part(stream: &Stream, sequence: u32, frames: &[Coded]) -> Vec<u8> {
    let samples: Vec<Sample> = frames.iter().map(|frame| frame.sample).collect();
    let base_decode_time = frames[0].dts as u64;
    let header = FragmentHeader {
        sequence,
        track: stream.track.id,
        timescale: stream.track.timescale,
        base_decode_time,
        samples: &samples,
        prft: Some(Prft::at(UnixMillis(1_763_725_980_123), base_decode_time)),
    };
    let mut bytes = Vec::new();
    write_fragment_header(&header, &mut bytes).expect("fits");
    frames.iter().for_each(|frame| bytes.extend_from_slice(&frame.payload));
    bytes
}

/// Parts of five frames each.
pub fn file_of(stream: &Stream) -> Vec<u8> {
    let mut bytes = init_segment(&stream.track).expect("writes").to_vec();
    for (sequence, frames) in stream.frames.chunks(5).enumerate() {
        bytes.extend_from_slice(&part(stream, sequence as u32, frames));
    }
    bytes
}

fn check(stream: Stream) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("track.mp4");
    std::fs::write(&file, file_of(&stream)).expect("writes");
    let probed = streams(&file);
    assert_eq!(probed.len(), 1);
    assert_eq!((probed[0].codec.as_str(), probed[0].frames), (codec_name(&stream), stream.frames.len()));
    assert_eq!(probed[0].time_base, i64::from(stream.track.timescale.hz()));
    // Where offsets are negative, ffmpeg raises all of them; MSE does not.
    let raised = i64::from(stream.frames.iter().map(|frame| -frame.sample.cts).max().unwrap_or(0).max(0));
    let listed: Vec<_> = packets(&file).iter().map(|p| (p.dts, p.pts - raised, p.size, p.key)).collect();
    let sent: Vec<_> = stream.frames.iter().map(|f| (f.dts, f.pts(), f.payload.len(), f.sample.key)).collect();
    assert_eq!(listed, sent);
    decodes_in_silence(&file);
}

#[test]
fn h264_with_b_frames_is_exact() {
    let stream = h264();
    assert!(stream.frames.iter().any(|frame| frame.sample.cts != stream.frames[0].sample.cts), "has B-frames");
    check(stream.later(7 * 90_000));
}

#[test]
fn h264_with_negative_composition_offsets_is_exact() {
    let mut stream = h264().later(90_000);
    stream.frames.iter_mut().for_each(|frame| frame.sample.cts -= 7_200);
    assert!(stream.frames.iter().any(|frame| frame.sample.cts < 0));
    check(stream);
}

#[test]
fn h265_is_exact() {
    check(h265());
}

#[test]
fn av1_is_exact() {
    check(av1());
}

#[test]
fn vp9_is_exact() {
    check(vp9());
}

#[test]
fn aac_is_exact() {
    check(aac());
    check(audio(44_100, &["aac"]));
}

#[test]
fn opus_is_exact() {
    check(audio(48_000, &["libopus"]));
}

#[test]
fn flac_is_exact() {
    check(audio(44_100, &["flac"]));
    check(audio(96_000, &["flac", "-sample_fmt", "s32"]));
}

#[test]
fn times_beyond_49_days_and_33_bits_are_exact() {
    check(h264().later(60 * 86_400 * 90_000));
}

#[test]
fn colour_reaches_the_decoder() {
    let mut stream = h264();
    if let media::TrackParams::Video(video) = &mut stream.track.params {
        video.colour = Some(media::Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false });
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("track.mp4");
    std::fs::write(&file, file_of(&stream)).expect("writes");
    let fields = &streams(&file)[0].fields;
    let colour = ["color_primaries", "color_transfer", "color_space"].map(|key| fields[key].as_str());
    assert_eq!(colour, ["bt2020", "smpte2084", "bt2020nc"]);
}

#[test]
fn our_own_reader_reads_what_ffmpeg_reads() {
    let stream = h264();
    let parsed = parse_fragments(&file_of(&stream)).expect("reads");
    let samples: Vec<_> = parsed.iter().flat_map(|fragment| fragment.samples.clone()).collect();
    assert_eq!(samples, stream.frames.iter().map(|frame| frame.sample).collect::<Vec<_>>());
}

#[test]
fn a_track_is_what_the_encoder_was_told() {
    for (stream, codec) in [(h264(), "avc1.64"), (h265(), "hvc1.1."), (av1(), "av01.0."), (vp9(), "vp09.00.")] {
        let video = stream.track.video().expect("pictures");
        assert_eq!((video.width, video.height), (160, 96), "{codec}");
        assert!(stream.track.codec_string.starts_with(codec), "{}", stream.track.codec_string);
    }
    let opus = audio(48_000, &["libopus"]);
    for (stream, rate, codec) in [(aac(), 48_000, "mp4a.40.2"), (opus, 48_000, "opus")] {
        let sound = stream.track.audio().expect("sound");
        assert_eq!((sound.sample_rate, sound.channels), (rate, 2), "{codec}");
        assert_eq!(stream.track.codec_string.to_ascii_lowercase(), codec);
        assert!(
            stream.frames.iter().rev().skip(1).all(|frame| frame.sample.duration == sound.frame_samples),
            "{codec}"
        );
    }
}
