//! Fast-start heads over segments as they are.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use formats::container::cmaf::parse_fragments;
use formats::container::mp4::{Mp4Part, Mp4Track, fast_start_head, verify_file};
use media::{Ticks, Timescale};
use tempfile::TempDir;

use crate::cmaf::part;
use crate::encode::{Coded, Stream, aac, audio, av1, h264, h265, video, vp9};
use crate::probe::{codec_name, decoded, decodes_in_silence, packets, streams};

struct Recording {
    _folder: TempDir,
    file: PathBuf,
}

/// Segments of all streams in turn, five frames to a part; the head before them.
fn record(streams: &[Stream]) -> Recording {
    let mut body = Vec::new();
    let one = |stream: &Stream| Mp4Track { configs: vec![Arc::new(stream.track.clone())], parts: vec![] };
    let mut tracks: Vec<Mp4Track> = streams.iter().map(one).collect();
    let most = streams.iter().map(|stream| stream.frames.len().div_ceil(5)).max().unwrap_or(0);
    for number in 0..most {
        for (stream, track) in streams.iter().zip(&mut tracks) {
            let Some(frames) = stream.frames.chunks(5).nth(number) else { continue };
            let bytes = part(stream, number as u32, frames);
            let payload = parse_fragments(&bytes).expect("reads")[0].payload_range.start;
            track.parts.push(Mp4Part {
                config: 0,
                payload_offset: (body.len() + payload) as u64,
                base_decode_time: frames[0].dts as u64,
                samples: frames.iter().map(|frame| frame.sample).collect(),
            });
            body.extend_from_slice(&bytes);
        }
    }
    write(&tracks, &body)
}

fn write(tracks: &[Mp4Track], body: &[u8]) -> Recording {
    let head = fast_start_head(tracks, body.len() as u64).expect("writes");
    let bytes = [&head[..], body].concat();
    let report = verify_file(&mut Cursor::new(&bytes)).expect("reads");
    assert_eq!(report.problems, []);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("recording.mp4");
    std::fs::write(&file, bytes).expect("writes");
    Recording { _folder: folder, file }
}

/// Every packet at its time, on a timeline that starts with the earliest presentation of all streams.
fn check(sent: &[Stream]) {
    let recording = record(sent);
    let probed = streams(&recording.file);
    assert_eq!(probed.len(), sent.len());
    let listed = packets(&recording.file);
    let start_90k = sent.iter().flat_map(|stream| stream.frames.iter().map(|frame| stream.in_90k(frame.pts()))).min();
    for (index, (stream, probed)) in sent.iter().zip(&probed).enumerate() {
        assert_eq!((probed.codec.as_str(), probed.frames), (codec_name(stream), stream.frames.len()));
        let start = Ticks(start_90k.expect("frames")).rescale(Timescale::VIDEO, stream.track.timescale).0;
        let listed: Vec<_> = listed.iter().filter(|packet| packet.stream == index).collect();
        assert_eq!(listed.len(), stream.frames.len());
        for (packet, frame) in listed.iter().zip(&stream.frames) {
            assert!(
                (packet.pts - (frame.pts() - start)).abs() <= 1,
                "{packet:?} of {} at {}",
                probed.codec,
                frame.pts()
            );
            assert_eq!((packet.size, packet.key, packet.discarded), (frame.payload.len(), frame.sample.key, false));
        }
    }
    decodes_in_silence(&recording.file);
}

#[test]
fn pictures_with_b_frames_and_sound_are_exact() {
    check(&[h264(), aac()]);
}

#[test]
fn a_start_far_from_zero_is_taken_out() {
    check(&[h264().later(26 * 3_600 * 90_000), aac().later(26 * 3_600 * 48_000)]);
}

#[test]
fn sound_that_starts_later_or_earlier_keeps_its_distance() {
    check(&[h264().later(90_000), aac().later(48_000 + 24_000)]);
    check(&[h264().later(2 * 90_000), aac().later(48_000)]);
}

#[test]
fn negative_composition_offsets_are_exact() {
    let mut stream = h264().later(90_000);
    stream.frames.iter_mut().for_each(|frame| frame.sample.cts -= 7_200);
    check(&[stream, aac().later(48_000)]);
}

#[test]
fn h265_with_opus_is_exact() {
    check(&[h265(), audio(48_000, &["libopus"])]);
}

#[test]
fn vp9_with_flac_is_exact() {
    check(&[vp9(), audio(44_100, &["flac"])]);
}

#[test]
fn av1_alone_is_exact() {
    check(&[av1()]);
}

#[test]
fn sound_alone_is_exact() {
    check(&[aac()]);
}

#[test]
fn a_gap_in_time_is_kept_and_nothing_else_moves() {
    let (mut pictures, mut sound) = (h264(), aac());
    let later = |frames: &mut [Coded], ticks| frames.iter_mut().for_each(|frame| frame.dts += ticks);
    later(&mut pictures.frames[25..], 3 * 90_000);
    let at = 5 * 10;
    later(&mut sound.frames[at..], 3 * 48_000);
    check(&[pictures, sound]);
}

#[test]
fn a_changed_configuration_is_decoded_to_the_end() {
    let first = h264();
    let baseline = ["libx264", "-preset", "veryfast", "-profile:v", "baseline"];
    let second = video(&baseline).later(first.frames.len() as i64 * 3_600);
    assert_ne!(first.track.config, second.track.config);
    let (mut body, mut parts) = (Vec::new(), Vec::new());
    for (config, stream) in [&first, &second].into_iter().enumerate() {
        for frames in stream.frames.chunks(5) {
            let bytes = part(stream, 0, frames);
            let payload = parse_fragments(&bytes).expect("reads")[0].payload_range.start;
            let samples = frames.iter().map(|frame| frame.sample).collect();
            let payload_offset = (body.len() + payload) as u64;
            parts.push(Mp4Part { config, payload_offset, base_decode_time: frames[0].dts as u64, samples });
            body.extend_from_slice(&bytes);
        }
    }
    let configs = vec![Arc::new(first.track.clone()), Arc::new(second.track.clone())];
    let recording = write(&[Mp4Track { configs, parts }], &body);
    // ffmpeg's parser, which looks ahead with the parameter sets of before, grumbles here; its decoder does not.
    let pictures = decoded(&recording.file, "0:v");
    assert_eq!(pictures.len(), 100);
    assert_eq!(pictures[..50], decoded(&record(&[first]).file, "0:v"));
    assert_eq!(pictures[50..], decoded(&record(&[second]).file, "0:v"));
}

#[test]
fn decoded_pictures_are_those_of_the_segments() {
    let stream = h264();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("track.mp4");
    let mut bytes = formats::container::cmaf::init_segment(&stream.track).expect("writes").to_vec();
    bytes.extend(part(&stream, 0, &stream.frames));
    std::fs::write(&file, bytes).expect("writes");
    let from_segments = decoded(&file, "0:v");
    assert_eq!(from_segments.len(), 50);
    assert_eq!(decoded(&record(&[stream]).file, "0:v"), from_segments);
}
