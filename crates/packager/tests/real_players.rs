//! Real media through the packager and back: ffmpeg encodes, ffmpeg and ffprobe play every kind of list that we write,
//! and every picture comes out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use formats::codec::make_track;
use formats::container::flv::{AudioEvent, TagKind, TagReader, VideoEvent, parse_audio, parse_video};
use media::{Frame, StreamId, Ticks, Timescale, Track, TrackId, TrackSet, UnixMillis};
use packager::playlist::{
    Addressing, Container, KeptTrack, Kind, ListOptions, MultivariantOptions, Rates, Rendition, multivariant,
    segment_list, vod_manifest,
};
use packager::{Config, Init, Output, Packager, Segment, SegmentEntry, ts_view};

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);
const SECONDS: u32 = 9;
const RATE: u32 = 30;

/// Everything of one stream.
#[derive(Default)]
struct Kept {
    inits: BTreeMap<u8, Arc<Init>>,
    segments: BTreeMap<u8, Vec<Arc<Segment>>>,
}

impl Kept {
    fn entries(&self, id: TrackId) -> Vec<SegmentEntry> {
        self.segments[&id.0].iter().map(|segment| SegmentEntry::from(&**segment)).collect()
    }
}

/// Packages an FLV file as its publisher would have sent it.
fn package(flv: &[u8]) -> Kept {
    let mut reader = TagReader::new();
    reader.push(flv);
    let mut packager = Packager::new(Config::default(), StreamId(1), 500);
    let mut tracks = TrackSet::default();
    let mut kept = Kept::default();
    while let Some(tag) = reader.next_tag().expect("ffmpeg writes whole tags") {
        match tag.kind {
            TagKind::Video => {
                for event in parse_video(&tag.body).expect("ffmpeg writes whole tags") {
                    match event {
                        VideoEvent::Config { codec, config, .. } => {
                            announce(&mut packager, &mut tracks, make_track(VIDEO, codec, config).expect("a track"));
                        }
                        VideoEvent::Frame { key, cts_ms, payload, .. } => {
                            let (dts, cts) = (i64::from(tag.timestamp_ms) * 90, i64::from(cts_ms) * 90);
                            push(&mut packager, VIDEO, (dts, cts), key, payload, tag.timestamp_ms);
                        }
                        _ => {}
                    }
                }
            }
            TagKind::Audio => {
                for event in parse_audio(&tag.body).expect("ffmpeg writes whole tags") {
                    match event {
                        AudioEvent::Config { codec, config, .. } => {
                            announce(&mut packager, &mut tracks, make_track(AUDIO, codec, config).expect("a track"));
                        }
                        AudioEvent::Frame { payload, .. } => {
                            let dts = i64::from(tag.timestamp_ms) * 48;
                            push(&mut packager, AUDIO, (dts, 0), true, payload, tag.timestamp_ms);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        drain(&mut packager, &mut kept);
    }
    packager.end();
    drain(&mut packager, &mut kept);
    kept
}

fn announce(packager: &mut Packager, tracks: &mut TrackSet, track: Track) {
    *tracks = tracks.with(Arc::new(track));
    packager.set_tracks(tracks, false);
}

fn push(packager: &mut Packager, track: TrackId, (dts, cts): (i64, i64), key: bool, payload: Bytes, ms: u32) {
    let frame = Frame { track, dts: Ticks(dts), cts: Ticks(cts), key, payload };
    packager.push(&frame, UnixMillis(1_700_000_000_000 + i64::from(ms)));
}

fn drain(packager: &mut Packager, kept: &mut Kept) {
    while let Some(output) = packager.poll_output() {
        match output {
            Output::Init(init) => drop(kept.inits.insert(init.track.id.0, init)),
            Output::Segment(segment) => kept.segments.entry(segment.track.0).or_default().push(segment),
            Output::Part(_) | Output::Ended => {}
        }
    }
}

fn source(b_frames: &str) -> Vec<u8> {
    let arguments = testkit::fixtures::bars_and_tone(SECONDS, "320x180", RATE);
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if b_frames != "0" {
        arguments.retain(|argument| !["-tune", "zerolatency"].contains(argument));
    }
    arguments.extend(["-bf", b_frames]);
    let file = testkit::fixtures::ffmpeg("packager.flv", &arguments).expect("ffmpeg encodes the test picture");
    fs::read(file).expect("it is readable")
}

fn write_all(kept: &Kept, folder: &Path) {
    let config = Config::default();
    for (id, segments) in &kept.segments {
        let init = &kept.inits[id];
        let track_folder = folder.join(&*init.name);
        fs::create_dir_all(&track_folder).expect("writable");
        fs::write(track_folder.join("init-0.mp4"), &init.bytes).expect("writable");
        for segment in segments {
            // HLS names a segment by its number, DASH by its time.
            for name in [segment.msn.to_string(), format!("{}-{}", segment.epoch, segment.start.0)] {
                fs::write(track_folder.join(format!("{name}.m4s")), segment.concat()).expect("writable");
            }
        }
        let list = |container| {
            let options = ListOptions { container, kind: Kind::Vod, skip: false, addressing: Addressing::default() };
            segment_list(&config, &init.name, &kept.entries(TrackId(*id)), &options).expect("segments")
        };
        fs::write(folder.join(format!("{}.m3u8", init.name)), list(Container::Cmaf)).expect("writable");
        if *id == VIDEO.0 {
            fs::write(folder.join("ts.m3u8"), list(Container::Ts)).expect("writable");
        }
    }
    fs::create_dir_all(folder.join("ts")).expect("writable");
    let (video, audio) = (&kept.inits[&VIDEO.0].track, &kept.inits[&AUDIO.0].track);
    for (video_segment, audio_segment) in kept.segments[&VIDEO.0].iter().zip(&kept.segments[&AUDIO.0]) {
        assert_eq!(video_segment.msn, audio_segment.msn);
        let sources = [(&**video, video_segment.concat()), (&**audio, audio_segment.concat())];
        let bytes = ts_view(&sources, video_segment.msn).expect("H.264 and AAC");
        fs::write(folder.join(format!("ts/{}.ts", video_segment.msn)), bytes).expect("writable");
    }
    let renditions = kept.inits.values().map(|init| Rendition {
        name: init.name.clone(),
        track: init.track.clone(),
        rates: Rates::of(&kept.entries(init.track.id)),
    });
    let renditions: Vec<Rendition> = renditions.collect();
    let master = multivariant(&renditions, &MultivariantOptions::default()).expect("two tracks");
    fs::write(folder.join("master.m3u8"), master).expect("writable");
    let entries: Vec<Vec<SegmentEntry>> = kept.inits.keys().map(|id| kept.entries(TrackId(*id))).collect();
    let configs: Vec<[(u32, Arc<Track>); 1]> = kept.inits.values().map(|init| [(0, init.track.clone())]).collect();
    let tracks: Vec<KeptTrack<'_>> = kept
        .inits
        .values()
        .zip(&configs)
        .zip(&entries)
        .map(|((init, configs), entries)| KeptTrack { name: &init.name, configs, entries })
        .collect();
    let manifest = vod_manifest(&config, &tracks, Addressing::default()).expect("two tracks");
    fs::write(folder.join("manifest.mpd"), manifest).expect("writable");
}

/// Frames that ffprobe decodes of the stream kind (`v` or `a`), and what it complains about.
fn decoded(file: &Path, kind: &str) -> (u32, String) {
    let output = Command::new("ffprobe")
        .args(["-v", "warning", "-count_frames", "-select_streams", &format!("{kind}:0")])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .expect("ffprobe is installed with ffmpeg");
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().find_map(|line| line.trim().trim_end_matches(',').parse().ok()).unwrap_or(0);
    (count, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn ffmpeg_plays_every_list_to_the_last_picture() {
    for b_frames in ["0", "2"] {
        let kept = package(&source(b_frames));
        // Cargo's own place for the files of this test; what an earlier run left is written over.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("packager-{b_frames}"));
        write_all(&kept, &folder);
        let audio_frames: usize = kept.entries(AUDIO).iter().map(|entry| entry.samples as usize).sum();
        for name in ["master.m3u8", "video.m3u8", "ts.m3u8", "manifest.mpd"] {
            let (frames, complaints) = decoded(&folder.join(name), "v");
            assert_eq!(frames, SECONDS * RATE, "{name}, {b_frames} B-frames: {complaints}");
            assert!(complaints.trim().is_empty(), "{name}: {complaints}");
        }
        for name in ["master.m3u8", "audio.m3u8", "ts.m3u8", "manifest.mpd"] {
            let (frames, complaints) = decoded(&folder.join(name), "a");
            let missing = audio_frames.abs_diff(frames as usize);
            assert!(missing <= 1, "{name}: {frames} of {audio_frames}; {complaints}");
        }
    }
}

#[test]
fn presentation_times_are_those_of_the_source() {
    let kept = package(&source("2"));
    let mut shown: Vec<i64> = Vec::new();
    for part in kept.segments[&VIDEO.0].iter().flat_map(|segment| segment.parts.iter()) {
        let mut time = part.start.0;
        for sample in part.samples.iter() {
            shown.push(time + i64::from(sample.cts));
            time += i64::from(sample.duration);
        }
    }
    shown.sort_unstable();
    let first = shown[0];
    for (n, at) in shown.iter().enumerate() {
        let exact = Ticks(n as i64 * 1_000).rescale(Timescale::new(30_000).expect("not zero"), Timescale::VIDEO);
        assert!((at - first - exact.0).abs() <= 90, "picture {n} at {at}: FLV says milliseconds");
    }
}
