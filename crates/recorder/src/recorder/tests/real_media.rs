//! Real pictures and sound: ffmpeg makes them, the packager cuts them, ffprobe reads the recording.

use bytes::Bytes;
use formats::codec::make_track;
use formats::container::flv::{AudioEvent, TagKind, TagReader, VideoEvent, parse_audio, parse_video};
use media::{Codec, Frame, Ticks, Timescale, Track, TrackSet, UnixMillis};
use packager::{Output, Packager};

use super::*;

/// Track, codec, then a configuration, or a frame's composition offset, key flag and payload.
enum Event {
    Config(u8, Codec, Bytes),
    Frame(u8, i64, bool, Bytes),
}

fn events(kind: TagKind, body: &Bytes) -> Vec<Event> {
    let video = |event| match event {
        VideoEvent::Config { codec, config, .. } => Some(Event::Config(0, codec, config)),
        VideoEvent::Frame { key, cts_ms, payload, .. } => Some(Event::Frame(0, cts_ms.into(), key, payload)),
        _ => None,
    };
    let audio = |event| match event {
        AudioEvent::Config { codec, config, .. } => Some(Event::Config(1, codec, config)),
        AudioEvent::Frame { payload, .. } => Some(Event::Frame(1, 0, true, payload)),
        _ => None,
    };
    match kind {
        TagKind::Video => parse_video(body).expect("sound").into_iter().filter_map(video).collect(),
        TagKind::Audio => parse_audio(body).expect("sound").into_iter().filter_map(audio).collect(),
        TagKind::Script => Vec::new(),
    }
}

/// All outputs of a packager that is fed the file.
fn packaged(file: &Path) -> Vec<Output> {
    let mut reader = TagReader::new();
    reader.push(&std::fs::read(file).expect("fixture"));
    let mut packager = Packager::new(packager::Config::default(), key().stream, MSN_BASE);
    let mut tracks = TrackSet::default();
    let mut outputs = Vec::new();
    while let Some(tag) = reader.next_tag().expect("FLV") {
        let time = Ticks(tag.timestamp_ms.into());
        for event in events(tag.kind, &tag.body) {
            match event {
                Event::Config(id, codec, config) => {
                    tracks = tracks.with(Arc::new(make_track(TrackId(id), codec, config).expect("sound")));
                    packager.set_tracks(&tracks, false);
                }
                Event::Frame(id, cts, is_key, payload) => {
                    let track = tracks.get(TrackId(id)).expect("configured");
                    let scaled = |ticks: Ticks| ticks.rescale(Timescale::MILLIS, track.timescale);
                    let (dts, cts) = (scaled(time), scaled(Ticks(cts)));
                    let frame = Frame { track: track.id, dts, cts, key: is_key, payload };
                    packager.push(&frame, UnixMillis(key().stream.0 as i64 + time.0));
                }
            }
        }
        outputs.extend(std::iter::from_fn(|| packager.poll_output()));
    }
    packager.end();
    outputs.extend(std::iter::from_fn(|| packager.poll_output()));
    outputs
}

fn bars() -> std::path::PathBuf {
    let arguments = testkit::fixtures::bars_and_tone(7, "320x180", 25);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    testkit::fixtures::ffmpeg("recorder-bars.flv", &arguments).expect("ffmpeg is installed")
}

fn track_of(index: &crate::RecordingIndex, name: &str) -> Arc<Track> {
    index.track_named(name).expect("recorded").inits[0].track.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffprobe_reads_every_packet_of_a_recording_of_real_media() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    for output in packaged(&bars()) {
        stream.push(&output);
    }
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let rows = recorder.list(None).await.expect("rows");
    assert_eq!(rows[0].state, RecordingState::Ready);
    assert!((6_900..=7_100).contains(&rows[0].duration_ms), "{} ms", rows[0].duration_ms);
    let index = recorder.archive().index(key()).await.expect("there");
    assert_eq!(track_of(&index, "video").video().map(|video| (video.width, video.height)), Some((320, 180)));
    let report = recorder.archive().verify(key()).await.expect("readable");
    assert!(report.is_sound() && report.gaps == 0, "{report:#?}");
    let ffprobe = report.checks.iter().find(|check| check.name == "ffprobe").expect("installed");
    assert!(ffprobe.detail.contains("codec_name=h264|nb_read_packets=175"), "{}", ffprobe.detail);
    assert!(ffprobe.detail.contains("codec_name=aac|nb_read_packets="), "{}", ffprobe.detail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_cut_off_by_a_kill_decodes_to_its_last_part() {
    let house = House::new();
    let first = house.open().await;
    let mut stream = begin(&first);
    let outputs = packaged(&bars());
    let cut = &outputs[..outputs.len() * 3 / 5];
    for output in cut {
        stream.push(output);
    }
    let len = |output: &Output| if let Output::Part(part) = output { part.bytes.len() as u64 } else { 0 };
    let bytes: u64 = cut.iter().map(len).sum();
    until("all is kept", async || first.list(None).await.expect("rows").iter().any(|row| row.bytes == bytes)).await;
    first.shutdown().await;
    drop((first, stream));
    let second = house.open().await;
    let report = second.archive().verify(key()).await.expect("readable");
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.bytes, bytes);
    let path = house.dir.path().join("cut.mp4");
    second.archive().export(key(), &path, |_, _| ()).await.expect("exported");
    let mut decode = std::process::Command::new("ffmpeg");
    decode.args(["-v", "error", "-nostdin", "-i"]).arg(&path).args(["-f", "null", "-"]);
    let decoded = decode.output().expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(decoded.status.success() && said.is_empty(), "{said}");
}
