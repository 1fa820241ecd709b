//! FLV against ffmpeg (Debian's): what it writes is read, made into tracks, written again, and decoded by it without a
//! complaint, frame for frame.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use formats::codec;
use formats::container::flv::{self, AudioEvent, TagKind, TagReader, VideoEvent};
use media::{Codec, MediaKind, Track, TrackId, TrackSet};
use std::sync::Arc;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Codec and number of decoded frames of each stream.
fn probe(file: &Path) -> Vec<String> {
    let file = file.to_str().expect("UTF-8 path");
    let entries = "stream=codec_name,width,height,sample_rate,channels,nb_read_frames";
    let text = run("ffprobe", &["-v", "error", "-count_frames", "-show_entries", entries, "-of", "csv=p=0", file]);
    text.lines().map(str::to_owned).collect()
}

/// Reads an FLV file in small pieces and writes it again as Tayang would.
fn rewrite(input: &[u8]) -> Vec<u8> {
    let mut reader = TagReader::new();
    let mut tracks: [Option<Track>; 2] = [None, None];
    let mut tags: Vec<(TagKind, u32, Vec<u8>)> = Vec::new();
    for piece in input.chunks(1_000) {
        reader.push(piece);
        while let Some(tag) = reader.next_tag().expect("an FLV file") {
            match tag.kind {
                TagKind::Video => video(&tag.body, tag.timestamp_ms, &mut tracks[0], &mut tags),
                TagKind::Audio => audio(&tag.body, tag.timestamp_ms, &mut tracks[1], &mut tags),
                TagKind::Script => {}
            }
        }
    }
    let mut set = TrackSet::default();
    for track in tracks.into_iter().flatten() {
        set = set.with(Arc::new(track));
    }
    let mut out =
        flv::file_header(set.first(MediaKind::Video).is_some(), set.first(MediaKind::Audio).is_some()).to_vec();
    let metadata = (TagKind::Script, 0, flv::on_metadata(&set).to_vec());
    for (kind, timestamp_ms, body) in std::iter::once(metadata).chain(tags) {
        let length = u32::try_from(body.len()).expect("small");
        out.extend_from_slice(&flv::tag_header(kind, length, timestamp_ms));
        out.extend_from_slice(&body);
        out.extend_from_slice(&(length + 11).to_be_bytes());
    }
    out
}

fn video(body: &Bytes, timestamp_ms: u32, track: &mut Option<Track>, tags: &mut Vec<(TagKind, u32, Vec<u8>)>) {
    for event in flv::parse_video(body).expect("ffmpeg's own") {
        match event {
            VideoEvent::Config { codec, config, .. } => {
                let made = codec::make_track(TrackId(0), codec, config).expect("ffmpeg's own");
                tags.push((TagKind::Video, timestamp_ms, flv::write_config(&made, 0).to_vec()));
                *track = Some(made);
            }
            VideoEvent::Frame { key, cts_ms, payload, codec, .. } => {
                assert_eq!(codec::is_sync(codec, &payload, key), key, "flag and bytes agree");
                let mut out = Vec::new();
                flv::write_frame_header(track.as_ref().expect("configured"), 0, cts_ms, key, &mut out);
                out.extend_from_slice(&payload);
                tags.push((TagKind::Video, timestamp_ms, out));
            }
            // Ours end without one.
            VideoEvent::EndOfSequence { .. } => tags.push((TagKind::Video, timestamp_ms, body.to_vec())),
            VideoEvent::ColourInfo(_) | VideoEvent::Ignored(_) => {}
        }
    }
}

fn audio(body: &Bytes, timestamp_ms: u32, track: &mut Option<Track>, tags: &mut Vec<(TagKind, u32, Vec<u8>)>) {
    for event in flv::parse_audio(body).expect("ffmpeg's own") {
        match event {
            AudioEvent::Config { codec, config, .. } => {
                let made = codec::make_track(TrackId(1), codec, config).expect("ffmpeg's own");
                tags.push((TagKind::Audio, timestamp_ms, flv::write_config(&made, 0).to_vec()));
                *track = Some(made);
            }
            AudioEvent::Frame { codec, payload, .. } => {
                if track.is_none() && codec == Codec::Mp3 {
                    *track = Some(codec::mp3::track(TrackId(1), &payload).expect("ffmpeg's own"));
                }
                let mut out = Vec::new();
                flv::write_frame_header(track.as_ref().expect("configured"), 0, 0, true, &mut out);
                out.extend_from_slice(&payload);
                tags.push((TagKind::Audio, timestamp_ms, out));
            }
            AudioEvent::EndOfSequence { .. } | AudioEvent::MultichannelConfig { .. } | AudioEvent::Ignored(_) => {}
        }
    }
}

/// Makes a file of these inputs and codecs, rewrites it, and compares what ffprobe decodes of both.
fn survives(name: &str, codecs: &[&str], streams: &[&str]) {
    let folder = std::env::temp_dir().join(format!("tayang-flv-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("temporary folder");
    let (made, rewritten) = (folder.join("made.flv"), folder.join("rewritten.flv"));
    let inputs = [
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25",
        "-f",
        "lavfi",
        "-i",
        "sine=sample_rate=44100",
    ];
    let arguments =
        [&inputs[..], &["-t", "2", "-g", "25", "-y"], codecs, &[made.to_str().expect("UTF-8 path")]].concat();
    run("ffmpeg", &arguments);
    std::fs::write(&rewritten, rewrite(&std::fs::read(&made).expect("made"))).expect("written");
    let (before, after) = (probe(&made), probe(&rewritten));
    std::fs::remove_dir_all(&folder).expect("temporary folder");
    assert_eq!(after, before);
    assert_eq!(after.len(), streams.len());
    for (line, stream) in after.iter().zip(streams) {
        assert!(line.starts_with(stream), "{line}");
    }
}

#[test]
fn h264_with_b_frames_and_aac_survive_a_rewrite() {
    survives(
        "avc-aac",
        &["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p", "-c:a", "aac"],
        &["h264,320,180,50", "aac,44100,1"],
    );
}

#[test]
fn mp3_survives_a_rewrite() {
    survives("mp3", &["-vn", "-c:a", "libmp3lame", "-ac", "2"], &["mp3,44100,2"]);
}

#[test]
fn video_alone_survives_a_rewrite() {
    survives("avc", &["-an", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"], &["h264,320,180,50"]);
}
