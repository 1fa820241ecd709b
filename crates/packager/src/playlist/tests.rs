//! Lists of kept segments, multivariant playlists and manifests of what is complete.

pub(crate) mod parsed;

use std::sync::Arc;

use ::media::{AudioParams, Codec, Colour, FrameRate, Track, TrackId, TrackParams, VideoParams};

use super::*;
use crate::Config;
use parsed::Parsed;

const SCALE: Timescale = Timescale::VIDEO;

fn entry(msn: u64, start_s: i64, duration_s: i64) -> SegmentEntry {
    SegmentEntry {
        msn,
        epoch: 0,
        start: Ticks(start_s * 90_000),
        duration: Ticks(duration_s * 90_000),
        timescale: SCALE,
        independent: true,
        discontinuity_sequence: 100,
        wall: UnixMillis(1_700_000_000_000 + start_s * 1_000),
        bytes_len: 500_000,
        samples: 60,
    }
}

fn entries(count: u64) -> Vec<SegmentEntry> {
    (0..count).map(|n| entry(100 + n, n as i64 * 2, 2)).collect()
}

fn list(entries: &[SegmentEntry], container: Container, kind: Kind, skip: bool) -> Parsed {
    let addressing = Addressing { base: "7/", query: "sign=1-a" };
    let options = ListOptions { container, kind, skip, addressing };
    Parsed::of(&segment_list(&Config::default(), "video", entries, &options).expect("not empty"))
}

#[test]
fn a_recording_is_a_complete_list() {
    let parsed = list(&entries(4), Container::Cmaf, Kind::Vod, false);
    assert!(parsed.vod && parsed.ended && parsed.independent && parsed.other.is_empty());
    assert_eq!((parsed.media_sequence, parsed.discontinuity_sequence, parsed.target_s), (100, 100, 4));
    assert_eq!(parsed.segments[0].map.as_deref(), Some("7/video/init-0.mp4?sign=1-a"));
    assert!(parsed.segments[1..].iter().all(|segment| segment.map.is_none() && segment.dated));
    for (msn, segment) in parsed.numbered() {
        assert_eq!((segment.uri.clone(), segment.duration), (format!("7/video/{msn}.m4s?sign=1-a"), 2.0));
    }
}

#[test]
fn a_transport_stream_list_is_version_3_and_has_no_map() {
    let parsed = list(&entries(3), Container::Ts, Kind::Live, true);
    assert_eq!((parsed.version, parsed.skipped, parsed.skip_until), (3, 0, None));
    assert!(parsed.segments.iter().all(|segment| segment.map.is_none()));
    assert_eq!(parsed.segments[2].uri, "7/ts/102.ts?sign=1-a");
    assert!(!parsed.ended && !parsed.vod && !parsed.event);
}

#[test]
fn an_empty_list_is_no_playlist() {
    let options =
        ListOptions { container: Container::Cmaf, kind: Kind::Vod, skip: false, addressing: Addressing::default() };
    assert_eq!(segment_list(&Config::default(), "video", &[], &options), None);
    assert_eq!(multivariant(&[], &MultivariantOptions::default()), None);
    assert_eq!(vod_manifest(&Config::default(), &[], Addressing::default()), None);
}

#[test]
fn missing_numbers_are_listed_as_gaps() {
    let mut kept = entries(2);
    kept.push(SegmentEntry { discontinuity_sequence: 103, ..entry(105, 10, 2) });
    let parsed = list(&kept, Container::Cmaf, Kind::Event { ended: false }, false);
    let gaps: Vec<bool> = parsed.segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(gaps, [false, false, true, true, true, false]);
    assert!(parsed.segments[2..5].iter().all(|segment| segment.duration == 2.0), "6 s over three");
    assert!(parsed.numbered().all(|(msn, segment)| segment.uri.contains(&format!("/{msn}."))));
    assert_eq!(parsed.sequences().last(), Some(&103), "three discontinuities, each with a place");
}

#[test]
fn a_changed_configuration_has_its_own_map_after_the_discontinuity() {
    let mut kept = entries(3);
    kept[2] = SegmentEntry { epoch: 1, discontinuity_sequence: 101, independent: false, ..kept[2] };
    let parsed = list(&kept, Container::Cmaf, Kind::Vod, false);
    assert!(parsed.segments[2].discontinuity && !parsed.segments[1].discontinuity);
    assert_eq!(parsed.segments[2].map.as_deref(), Some("7/video/init-1.mp4?sign=1-a"));
    assert!(!parsed.independent, "claimed only where it is true");
    let after = list(&kept[2..], Container::Cmaf, Kind::Vod, false);
    assert_eq!(after.discontinuity_sequence, 101);
    assert!(!after.segments[0].discontinuity, "the header has counted it");
}

#[test]
fn a_segment_longer_than_configured_raises_the_target() {
    let parsed = list(&[entry(1, 0, 9)], Container::Cmaf, Kind::Vod, false);
    assert_eq!(parsed.target_s, 9);
    let mut short = entry(1, 0, 4);
    short.duration = Ticks(4 * 90_000 + 44_000);
    assert_eq!(list(&[short], Container::Cmaf, Kind::Vod, false).target_s, 4, "4.49 s round to 4");
    short.duration = Ticks(4 * 90_000 + 45_000);
    assert_eq!(list(&[short], Container::Cmaf, Kind::Vod, false).target_s, 5);
}

#[test]
fn a_delta_update_leaves_out_what_lies_before_the_boundary() {
    let mut kept = entries(40);
    kept.remove(3); // a gap among what is skipped counts as well
    let full = list(&kept, Container::Cmaf, Kind::Event { ended: false }, false);
    let delta = list(&kept, Container::Cmaf, Kind::Event { ended: false }, true);
    let skip_until = full.skip_until.expect("skipping is offered");
    assert_eq!(skip_until, 24.0, "six target durations");
    assert_eq!(delta.skipped as usize + delta.segments.len(), full.segments.len());
    assert_eq!(delta.segments.len(), 12, "24 s of 2 s");
    let kept_part = &full.segments[delta.skipped as usize..];
    for (whole, part) in kept_part.iter().zip(&delta.segments) {
        assert_eq!((&whole.uri, whole.duration, whole.discontinuity), (&part.uri, part.duration, part.discontinuity));
    }
    let ended = list(&kept, Container::Cmaf, Kind::Event { ended: true }, true);
    assert_eq!((ended.skipped, ended.ended), (0, true), "a finished list is not loaded again");
}

fn video(colour: Option<Colour>, frame_rate: Option<FrameRate>) -> Arc<Track> {
    Arc::new(Track {
        id: TrackId(0),
        codec: Codec::H264,
        timescale: SCALE,
        config: bytes::Bytes::new(),
        params: TrackParams::Video(VideoParams {
            width: 1_280,
            height: 720,
            frame_rate,
            colour,
            hdr: ::media::Hdr::default(),
        }),
        codec_string: "avc1.64001f".into(),
    })
}

fn audio(codec_string: &str) -> Arc<Track> {
    Arc::new(Track {
        id: TrackId(1),
        codec: Codec::Aac,
        timescale: Timescale::new(48_000).expect("not zero"),
        config: bytes::Bytes::new(),
        params: TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 6, frame_samples: 1_024 }),
        codec_string: codec_string.into(),
    })
}

fn rendition(name: &str, track: Arc<Track>, bytes: &[u64]) -> Rendition {
    let kept: Vec<SegmentEntry> = bytes
        .iter()
        .zip(entries(99))
        .map(|(bytes_len, entry)| SegmentEntry { bytes_len: *bytes_len, ..entry })
        .collect();
    Rendition { name: name.into(), track, rates: Rates::of(&kept) }
}

#[test]
fn bandwidth_is_the_peak_and_the_mean_of_all_that_plays_together() {
    let renditions = [
        rendition("video", video(None, None), &[500_000, 1_000_000, 750_000]),
        rendition("audio", audio("mp4a.40.2"), &[16_000, 16_000]),
        rendition("audio1", audio("mp4a.40.5"), &[32_000, 32_000]),
    ];
    let text = multivariant(&renditions, &MultivariantOptions::default()).expect("three tracks");
    assert!(text.contains("BANDWIDTH=4128000,AVERAGE-BANDWIDTH=3128000,"), "{text}");
    assert!(text.contains(
        "CODECS=\"avc1.64001f,mp4a.40.2,mp4a.40.5\",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO=\"audio\"\nvideo.m3u8\n"
    ));
    assert!(text.contains("NAME=\"Audio 1\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"6\",URI=\"audio.m3u8\""));
    assert!(text.contains("NAME=\"Audio 2\",DEFAULT=NO"));
    assert!(!text.contains("INDEPENDENT-SEGMENTS") && !text.contains("VIDEO-RANGE"));
}

#[test]
fn a_peak_is_not_taken_from_a_splinter() {
    let splinter = SegmentEntry { duration: Ticks(9_000), bytes_len: 500_000, ..entry(1, 0, 2) };
    let mut kept = vec![splinter];
    kept.extend(entries(3));
    assert!(Rates::of(&kept).peak_bps() < 4_000_000, "{}", Rates::of(&kept).peak_bps());
    assert_eq!(Rates::default().peak_bps(), 1, "never zero");
    assert_eq!(Rates::default().samples_millihz(), None);
}

#[test]
fn audio_alone_and_video_alone_are_variants() {
    let options = MultivariantOptions { prefix: "", suffix: "/chunklist.m3u8", query: "latency=4&liveType=event" };
    let text = multivariant(&[rendition("audio", audio("mp4a.40.2"), &[16_000])], &options).expect("one track");
    assert!(text.ends_with("CODECS=\"mp4a.40.2\"\naudio/chunklist.m3u8?latency=4&liveType=event\n"), "{text}");
    let signalled = Some(FrameRate { frames: 30_000, seconds: 1_001 });
    let text = multivariant(&[rendition("video", video(None, signalled), &[1])], &MultivariantOptions::default());
    let text = text.expect("one track");
    assert!(text.contains("FRAME-RATE=29.970\nvideo.m3u8"), "{text}");
}

#[test]
fn high_dynamic_range_is_told_apart() {
    let colour = |transfer| Some(Colour { primaries: 9, transfer, matrix: 9, full_range: false });
    let renditions = [
        rendition("video", video(colour(16), None), &[1]),
        rendition("video1", video(colour(18), None), &[1]),
        rendition("video2", video(None, None), &[1]),
    ];
    let text = multivariant(&renditions, &MultivariantOptions::default()).expect("three tracks");
    let ranges: Vec<&str> =
        text.split("VIDEO-RANGE=").skip(1).filter_map(|rest| rest.split(['\n', ',']).next()).collect();
    assert_eq!(ranges, ["PQ", "HLG", "SDR"]);
}

#[test]
fn a_finished_manifest_has_a_period_for_each_discontinuity() {
    let mut kept = entries(5);
    for later in &mut kept[3..] {
        later.discontinuity_sequence = 101;
        later.epoch = 1;
        later.wall = later.wall.plus_millis(600_000); // an outage leaves no hole in what is kept
    }
    let configs = [(0, video(None, None)), (1, video(None, None))];
    let sound: Vec<SegmentEntry> =
        kept.iter().map(|entry| SegmentEntry { epoch: 0, bytes_len: 16_000, ..*entry }).collect();
    let sound_configs = [(0, audio("mp4a.40.2"))];
    let tracks = [
        KeptTrack { name: "video", configs: &configs, entries: &kept },
        KeptTrack { name: "audio", configs: &sound_configs, entries: &sound },
    ];
    let text = vod_manifest(&Config::default(), &tracks, Addressing::default()).expect("two tracks");
    for expected in [
        "type=\"static\" mediaPresentationDuration=\"PT10.000S\"",
        "<Period id=\"p0\" start=\"PT0.000S\">",
        "<Period id=\"p103\" start=\"PT6.000S\">",
        "timescale=\"90000\" initialization=\"video/init-0.mp4\" media=\"video/0-$Time$.m4s\">",
        "presentationTimeOffset=\"540000\" initialization=\"video/init-1.mp4\" media=\"video/1-$Time$.m4s\">",
        "<S t=\"0\" d=\"180000\" r=\"2\"/>",
        "<S t=\"540000\" d=\"180000\" r=\"1\"/>",
        "frameRate=\"30\"",
    ] {
        assert!(text.contains(expected), "{expected} not in\n{text}");
    }
    assert_eq!(text.matches("<AdaptationSet").count(), 4);
    assert!(!text.contains("availabilityTimeOffset"));
}

#[test]
fn a_segment_that_is_missing_is_a_hole_in_the_timeline() {
    let kept = [entry(100, 0, 2), entry(103, 6, 2)];
    let configs = [(0, video(None, None))];
    let tracks = [KeptTrack { name: "video", configs: &configs, entries: &kept }];
    let text = vod_manifest(&Config::default(), &tracks, Addressing::default()).expect("one track");
    assert!(text.contains("<S t=\"0\" d=\"180000\"/>\n          <S t=\"540000\" d=\"180000\"/>"), "{text}");
}
