//! The window as players see it while a stream goes on.

use std::collections::BTreeMap;

use bytes::Bytes;
use media::{Frame, Timescale};
use testkit::encoder::{AUDIO, Encoder, EncoderConfig, VIDEO};
use testkit::{AudioSpec, VideoSpec};

use super::*;
use crate::playlist::Addressing;
use crate::playlist::tests::parsed::Parsed;
use crate::segmenter::tests::{MSN_BASE, Rig, WALL};

const ADDRESSING: Addressing<'static> = Addressing { base: "1/", query: "" };

fn text(window: &Window, track: TrackId, form: Form, skip: bool) -> Option<String> {
    let options = PlaylistOptions { form, skip, addressing: ADDRESSING };
    window.media_playlist(track, &options).map(|text| String::from_utf8(text.to_vec()).expect("UTF-8"))
}

fn low_latency(window: &Window, track: TrackId) -> Option<Parsed> {
    text(window, track, Form::LowLatency, false).map(|text| Parsed::of(&text))
}

fn manifest(window: &Window) -> Option<String> {
    let options = ManifestOptionsLive { addressing: ADDRESSING, now: UnixMillis(WALL), time_url: "/time" };
    window.manifest(&options).map(|text| String::from_utf8(text.to_vec()).expect("UTF-8"))
}

/// A player that loads the LL-HLS playlist after every change and holds it to RFC 8216bis.
#[derive(Default)]
struct StrictPlayer {
    before: Option<Parsed>,
    seen: BTreeMap<String, f64>,
}

impl StrictPlayer {
    fn load(&mut self, window: &Window, track: TrackId) {
        let Some(now) = low_latency(window, track) else { return };
        let name = if track == VIDEO { "video" } else { "audio" };
        assert!(now.other.is_empty(), "{:?}", now.other);
        let part_target = now.part_target.expect("parts are announced");
        assert!(now.block_reload && now.version == 9);
        assert!(now.part_hold_back.is_some_and(|hold| hold >= 3.0 * part_target));
        assert!(now.hold_back.is_some_and(|hold| hold >= 3.0 * now.target_s as f64));
        assert!(now.skip_until.is_some_and(|until| until >= 6.0 * now.target_s as f64));
        for (msn, segment) in now.numbered() {
            assert!(segment.gap || segment.uri == format!("1/{name}/{msn}.m4s"), "{msn} is {}", segment.uri);
            assert!(segment.duration.round() as u64 <= now.target_s);
            let known = *self.seen.entry(segment.uri.clone()).or_insert(segment.duration);
            assert_eq!(known, segment.duration, "what was listed stays as it is");
            if !segment.parts.is_empty() {
                let sum: f64 = segment.parts.iter().map(|part| part.1).sum();
                assert!((sum - segment.duration).abs() < 0.000_1, "parts make up their segment");
            }
        }
        self.parts(window, track, &now, name);
        self.rules_between_loads(&now);
        self.delta_update(window, track, &now);
        self.before = Some(now);
    }

    fn parts(&mut self, window: &Window, track: TrackId, now: &Parsed, name: &str) {
        let target = now.part_target.expect("parts are announced");
        let open_msn = now.media_sequence + now.segments.len() as u64;
        let listed = now.numbered().chain([(open_msn, &now.open)]);
        for (msn, segment) in listed {
            for (index, (uri, duration, independent)) in segment.parts.iter().enumerate() {
                assert_eq!(*uri, format!("1/{name}/{msn}.{index}.m4s"));
                assert!(*duration <= target, "{duration} > {target}");
                let is_last = index + 1 == segment.parts.len();
                assert!(is_last || *independent || *duration >= 0.85 * target, "{duration} in {uri}");
                let part = window.part(track, msn, index as u32).expect("what is listed can be fetched");
                assert_eq!(part.independent, *independent);
                let known = *self.seen.entry(uri.clone()).or_insert(*duration);
                assert_eq!(known, *duration);
            }
        }
        // Whatever lies within three target durations of the end has its parts.
        let open: f64 = now.open.parts.iter().map(|part| part.1).sum();
        let mut from_end = open;
        for segment in now.segments.iter().rev() {
            if from_end < 3.0 * now.target_s as f64 && !segment.gap {
                assert!(!segment.parts.is_empty(), "{} at {from_end} s from the end", segment.uri);
            }
            from_end += segment.duration;
        }
        let next = (open_msn, now.open.parts.len());
        let hint = (!now.ended).then(|| format!("1/{name}/{}.{}.m4s", next.0, next.1));
        assert_eq!(now.hint, hint);
        let position = window.position(track).expect("there are parts");
        assert_eq!((position.msn, position.part as usize), next);
    }

    fn rules_between_loads(&self, now: &Parsed) {
        let Some(before) = &self.before else { return };
        assert_eq!((before.target_s, before.part_target), (now.target_s, now.part_target));
        assert!(now.media_sequence >= before.media_sequence);
        assert!(now.discontinuity_sequence >= before.discontinuity_sequence);
        let sequences: BTreeMap<u64, u64> = before.numbered().map(|(msn, _)| msn).zip(before.sequences()).collect();
        for ((msn, _), sequence) in now.numbered().zip(now.sequences()) {
            assert!(sequences.get(&msn).is_none_or(|known| *known == sequence), "number {msn}");
        }
    }

    fn delta_update(&self, window: &Window, track: TrackId, now: &Parsed) {
        let delta = Parsed::of(&text(window, track, Form::LowLatency, true).expect("as the full one"));
        assert_eq!(delta.skipped as usize + delta.segments.len(), now.segments.len());
        for (whole, part) in now.segments[delta.skipped as usize..].iter().zip(&delta.segments) {
            assert_eq!((&whole.uri, &whole.parts, whole.gap), (&part.uri, &part.parts, part.gap));
        }
        assert_eq!((&delta.open.parts, &delta.hint, &delta.reports), (&now.open.parts, &now.hint, &now.reports));
    }
}

/// Pushes frames and loads every playlist after each.
fn play(rig: &mut Rig, players: &mut [StrictPlayer; 2], frames: &[Frame]) {
    for frame in frames {
        rig.push(frame);
        players[0].load(&rig.window, VIDEO);
        players[1].load(&rig.window, AUDIO);
    }
}

#[test]
fn a_strict_player_finds_nothing_over_two_minutes() {
    let mut encoder = Encoder::new(EncoderConfig {
        video: Some(VideoSpec { frame_bytes: 60, ..VideoSpec::default() }),
        ..EncoderConfig::default()
    });
    let mut rig = Rig::of(&encoder);
    let mut players = <[StrictPlayer; 2]>::default();
    play(&mut rig, &mut players, &encoder.frames_until_ms(120_000));
    rig.packager.end();
    let rig = rig.end();
    players[0].load(&rig.window, VIDEO);
    let last = players[0].before.as_ref().expect("loaded");
    assert!(last.ended && last.hint.is_none() && last.reports.is_empty());
    assert!(last.segments.len() >= rig.config.window_segments);
}

#[test]
fn a_strict_player_survives_outages_long_pictures_and_new_configurations() {
    let small = VideoSpec { frame_bytes: 60, gop_frames: 450, ..VideoSpec::default() };
    let mut encoder = Encoder::new(EncoderConfig { video: Some(small.clone()), ..EncoderConfig::default() });
    let mut rig = Rig::of(&encoder);
    let mut players = <[StrictPlayer; 2]>::default();
    play(&mut rig, &mut players, &encoder.frames_until_ms(20_000));
    assert_eq!(low_latency(&rig.window, VIDEO).map(|list| list.independent), Some(false), "a segment began midway");
    assert_eq!(low_latency(&rig.window, AUDIO).map(|list| list.independent), Some(true));
    rig.flush();
    rig.wall_offset += 45_000;
    encoder.force_key();
    play(&mut rig, &mut players, &encoder.frames_until_ms(30_000));
    encoder.set_video(VideoSpec { width: 640, height: 360, ..small });
    rig.set_tracks(encoder.tracks(), true);
    play(&mut rig, &mut players, &encoder.frames_until_ms(45_000));
    let list = low_latency(&rig.window, VIDEO).expect("there are parts");
    assert_eq!(list.segments.iter().filter(|segment| segment.discontinuity).count(), 1);
    assert!(list.segments.iter().any(|segment| segment.map.as_deref() == Some("1/video/init-1.mp4")));
    rig.end();
}

#[test]
fn there_is_a_playlist_from_the_first_part_on() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    assert!(low_latency(&rig.window, VIDEO).is_none() && manifest(&rig.window).is_none());
    assert!(rig.window.multivariant(&MultivariantOptions::default()).is_none());
    assert!(!rig.window.is_ready());
    rig.push_all(&encoder.frames_until_ms(450));
    let list = low_latency(&rig.window, VIDEO).expect("a part has come");
    assert!(list.segments.is_empty() && !list.open.parts.is_empty());
    assert_eq!(list.media_sequence, MSN_BASE);
    assert_eq!(list.open.map.as_deref(), Some("1/video/init-0.mp4"));
    assert!(rig.window.is_ready());
    assert!(text(&rig.window, VIDEO, Form::Plain, false).is_none(), "no full segment yet");
    let names: Vec<String> = rig.window.tracks().map(|track| track.name.to_string()).collect();
    assert_eq!(names, ["video", "audio"]);
    let variants = rig.window.multivariant(&MultivariantOptions::default()).expect("two tracks");
    let variants = String::from_utf8(variants.to_vec()).expect("UTF-8");
    assert!(variants.contains("CODECS=\"avc1.") && variants.contains("mp4a.40.2\",RESOLUTION=1280x720"), "{variants}");
    assert!(manifest(&rig.window).is_some_and(|manifest| manifest.contains("<S t=\"0\" d=\"180000\"/>")));
}

#[test]
fn rendition_reports_say_where_the_other_track_is() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    for frame in encoder.frames_until_ms(9_000) {
        rig.push(&frame);
        let (Some(list), Some(last)) = (low_latency(&rig.window, VIDEO), rig.parts(AUDIO).last().cloned()) else {
            continue;
        };
        assert_eq!(list.reports, [("audio.m3u8".to_owned(), last.msn, Some(u64::from(last.index)))]);
    }
}

#[test]
fn plain_lists_hold_full_segments_only() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(61_000));
    for (form, version, uri) in [(Form::Plain, 9, "1/video/1029.m4s"), (Form::Ts, 3, "1/ts/1029.ts")] {
        let list = Parsed::of(&text(&rig.window, VIDEO, form, false).expect("full segments"));
        assert_eq!((list.version, list.segments.len()), (version, rig.config.window_segments), "{form:?}");
        assert_eq!(list.segments.last().map(|segment| segment.uri.as_str()), Some(uri));
        assert!(list.open.parts.is_empty() && list.hint.is_none() && !list.ended && list.part_target.is_none());
    }
    rig.packager.end();
    let rig = rig.end();
    assert!(Parsed::of(&text(&rig.window, VIDEO, Form::Ts, false).expect("kept")).ended);
}

#[test]
fn a_prefetch_list_names_the_segment_being_made() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(7_000));
    let list = text(&rig.window, VIDEO, Form::Lhls, false).expect("full segments");
    assert!(list.ends_with("#EXT-X-PREFETCH:1/video/1003.m4s\n"), "{list}");
    let rig = rig.end();
    assert!(text(&rig.window, VIDEO, Form::Lhls, false).is_some_and(|list| list.ends_with("#EXT-X-ENDLIST\n")));
}

#[test]
fn a_long_frame_is_listed_without_parts() {
    let encoder = Encoder::new(EncoderConfig::video_only());
    let mut rig = Rig::of(&encoder);
    let mut player = StrictPlayer::default();
    let mut at = 0;
    for n in 0..200i64 {
        rig.push(&crate::segmenter::tests::video_at(at, n % 60 == 0));
        at += if n == 100 { 900 } else { 33 };
        if let Some(list) = low_latency(&rig.window, VIDEO) {
            assert!(list.segments.iter().flat_map(|segment| &segment.parts).all(|part| part.1 <= 0.22));
            player.before = Some(list);
        }
    }
    let list = player.before.expect("loaded");
    let long: Vec<_> = list.segments.iter().filter(|segment| segment.parts.is_empty()).collect();
    assert_eq!(long.len(), 1);
    assert!((long[0].duration - 0.9).abs() < 0.001, "{:?}", long[0]);
}

#[test]
fn a_blocking_request_is_answered_when_its_part_is_there() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    assert_eq!(rig.window.reload(VIDEO, MSN_BASE, Some(0)), Reload::Wait, "before the first part");
    rig.push_all(&encoder.frames_until_ms(2_450));
    let next = rig.window.position(VIDEO).expect("there are parts");
    assert_eq!(next, Position { msn: MSN_BASE + 1, part: 2 });
    for (msn, part, answer) in [
        (MSN_BASE, None, Reload::Ready),
        (MSN_BASE, Some(3), Reload::Ready),
        (MSN_BASE, Some(40), Reload::Ready),
        (MSN_BASE + 1, Some(1), Reload::Ready),
        (MSN_BASE + 1, Some(2), Reload::Wait),
        (MSN_BASE + 1, None, Reload::Wait),
        (MSN_BASE + 2, Some(0), Reload::Wait),
        (MSN_BASE + 2, None, Reload::Wait),
        (MSN_BASE + 3, None, Reload::TooFar),
        (MSN_BASE + 1, Some(2 + 15), Reload::TooFar),
        (u64::MAX, Some(u32::MAX), Reload::TooFar),
    ] {
        assert_eq!(rig.window.reload(VIDEO, msn, part), answer, "{msn} {part:?}");
    }
    let rig = rig.end();
    assert_eq!(rig.window.reload(VIDEO, u64::MAX, None), Reload::Ready, "the end is told to all");
}

#[test]
fn segments_are_found_open_ready_and_gone() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(70_500));
    let next = rig.window.position(VIDEO).expect("there are parts");
    assert!(
        matches!(rig.window.segment(VIDEO, next.msn), SegmentLookup::Open(parts) if parts.len() == next.part as usize)
    );
    assert!(
        matches!(rig.window.segment(VIDEO, next.msn - 1), SegmentLookup::Ready(segment) if segment.msn == next.msn - 1)
    );
    assert!(matches!(rig.window.segment(VIDEO, next.msn + 1), SegmentLookup::NotYet));
    assert!(matches!(rig.window.segment(VIDEO, MSN_BASE), SegmentLookup::Gone));
    assert!(matches!(rig.window.segment(TrackId(77), MSN_BASE), SegmentLookup::Gone));
    assert!(rig.window.part(VIDEO, next.msn, next.part).is_none());
    assert!(rig.window.init(VIDEO, 0).is_some() && rig.window.init(VIDEO, 1).is_none());
    let listed = low_latency(&rig.window, VIDEO).expect("there are parts").media_sequence;
    let unlisted = listed - rig.config.window_segments as u64 + 1;
    assert!(
        matches!(rig.window.segment(VIDEO, unlisted), SegmentLookup::Ready(_)),
        "kept for those who read the list before"
    );
}

#[test]
fn a_time_means_the_segment_that_begins_there_or_at_the_live_edge_the_one_that_follows() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    let at = |rig: &Rig, ms: i64| rig.window.number_at(VIDEO, 0, Ticks(ms * 90));
    rig.push_all(&encoder.frames_until_ms(70_500));
    let newest = MSN_BASE + 35;
    assert_eq!(rig.window.position(VIDEO).map(|next| next.msn), Some(newest), "it begins at 70 s");
    for (ms, expected) in [
        (70_000, NumberAt::Number(newest)),
        (68_000, NumberAt::Number(newest - 1)),
        (70_020, NumberAt::Number(newest)),
        (69_980, NumberAt::Number(newest)),
        (72_000, NumberAt::Coming),
        (74_000, NumberAt::Coming),
        (66_020, NumberAt::Nothing),
        (0, NumberAt::Nothing),
    ] {
        assert_eq!(at(&rig, ms), expected, "{ms} ms");
    }
    assert_eq!(rig.window.number_at(VIDEO, 1, Ticks(70_000 * 90)), NumberAt::Nothing, "of another initialisation");
    assert_eq!(rig.window.number_at(TrackId(77), 0, Ticks(0)), NumberAt::Nothing);
    let rig = rig.end();
    assert_eq!(at(&rig, 72_000), NumberAt::Nothing, "nothing comes any more");
}

#[test]
fn the_window_is_bounded_by_segments_and_bytes() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(200_000));
    assert_eq!(rig.window.entries(VIDEO).len(), 2 * rig.config.window_segments);
    let held: u64 = [VIDEO, AUDIO].iter().flat_map(|id| rig.window.entries(*id)).map(|entry| entry.bytes_len).sum();
    assert!((rig.window.bytes() as u64).abs_diff(held) < 400_000);

    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::new(Config { window_bytes_max: 1 << 20, ..Config::default() });
    rig.set_tracks(encoder.tracks(), false);
    for frame in encoder.frames_until_ms(60_000) {
        rig.push(&frame);
        assert!(rig.window.bytes() < (1 << 20) + 400_000, "a segment above the bound at most: {}", rig.window.bytes());
    }
    assert!(rig.window.entries(VIDEO).len() >= 2);
    assert!(low_latency(&rig.window, VIDEO).is_some());
}

#[test]
fn text_is_rendered_once_until_something_changes() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(5_000));
    let options = PlaylistOptions { form: Form::LowLatency, skip: false, addressing: ADDRESSING };
    let load = |rig: &Rig| rig.window.media_playlist(VIDEO, &options).expect("there are parts");
    let first = load(&rig);
    assert_eq!(first.as_ptr(), load(&rig).as_ptr(), "the same bytes for everyone");
    let signed = PlaylistOptions { addressing: Addressing { base: "1/", query: "sign=1-a" }, ..options };
    let own = rig.window.media_playlist(VIDEO, &signed).expect("there are parts");
    assert!(own.windows(13).any(|text| text == b".m4s?sign=1-a"));
    for n in 0..1_000 {
        let query = format!("sign={n}");
        let addressing = Addressing { base: "1/", query: &query };
        assert!(rig.window.media_playlist(VIDEO, &PlaylistOptions { addressing, ..options }).is_some());
    }
    assert_eq!(first.as_ptr(), load(&rig).as_ptr(), "what others ask for does not push it out");
    rig.push_all(&encoder.frames_until_ms(5_500));
    assert_ne!(first, load(&rig));
}

#[test]
fn a_track_that_fell_silent_is_not_offered_to_new_viewers() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(4_000));
    rig.push_all(encoder.frames_until_ms(15_000).iter().filter(|frame| frame.track == VIDEO));
    assert_eq!(rig.window.tracks().count(), 1);
    assert!(low_latency(&rig.window, VIDEO).is_some_and(|list| list.reports.is_empty()));
    assert!(low_latency(&rig.window, AUDIO).is_some(), "who plays it may read its list on");
}

#[test]
fn the_manifest_follows_the_wall_clock_over_an_outage() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(6_000));
    rig.flush();
    rig.wall_offset += 30_000;
    encoder.force_key();
    rig.push_all(&encoder.frames_until_ms(13_000));
    let text = manifest(&rig.window).expect("there are parts");
    for expected in [
        "type=\"dynamic\" availabilityStartTime=\"2023-11-14T22:13:20.000Z\"",
        "<Period id=\"p1000\" start=\"PT0.000S\">",
        "<Period id=\"p1003\" start=\"PT36.000S\">",
        "presentationTimeOffset=\"540000\" initialization=",
        "availabilityTimeOffset=\"1.780\" availabilityTimeComplete=\"false\"",
        "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"/time\"/>",
        "inband=\"true\" type=\"encoder\" wallClockTime=\"2023-11-14T22:13:56.000Z\" presentationTime=\"540000\"",
        "<S t=\"540000\" d=\"180000\" r=\"3\"/>",
    ] {
        assert!(text.contains(expected), "{expected} not in\n{text}");
    }
    assert_eq!(text.matches("<AdaptationSet").count(), 4);
    let rig = rig.end();
    assert!(manifest(&rig.window).is_some_and(|text| text.contains("type=\"static\"")));
}

#[test]
fn manifest_periods_keep_their_start_as_segments_leave() {
    let mut encoder = Encoder::new(EncoderConfig {
        audio: Some(AudioSpec { sample_rate: 44_100, ..AudioSpec::default() }),
        ..EncoderConfig::default()
    });
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(100_000));
    let text = manifest(&rig.window).expect("there are parts");
    assert_eq!(text.matches("<Period id=\"p1000\" start=\"PT0.000S\">").count(), 1);
    let first = rig.window.position(VIDEO).expect("there are parts").msn - rig.config.window_segments as u64;
    assert!(text.contains(&format!("<S t=\"{}\" d=\"180000\"", (first - MSN_BASE) * 180_000)), "{text}");
}

#[test]
fn a_number_that_comes_back_as_another_kind_replaces_the_track() {
    let mut video = Encoder::new(EncoderConfig::video_only());
    let mut rig = Rig::of(&video);
    rig.push_all(&video.frames_until_ms(5_000));
    let held = rig.window.bytes();
    let mut audio = Encoder::new(EncoderConfig::audio_only());
    let track = Track { id: VIDEO, ..(*audio.audio_track().expect("has audio")).clone() };
    rig.set_tracks(media::TrackSet::default().with(Arc::new(track)), true);
    assert!(held > 0 && rig.window.bytes() == 0);
    for frame in audio.frames_until_ms(9_000) {
        if frame.dts.millis(Timescale::new(48_000).expect("not zero")) > 5_000 {
            rig.push(&Frame { track: VIDEO, payload: Bytes::from_static(b"sound"), ..frame });
        }
    }
    assert_eq!(rig.window.track_named("audio"), Some(VIDEO));
    assert!(low_latency(&rig.window, VIDEO).is_some_and(|list| list.discontinuity_sequence == MSN_BASE + 1));
}

/// Numbers that the MPEG-TS list holds.
fn joint(window: &Window) -> Vec<u64> {
    let list = text(window, VIDEO, Form::Ts, false).map(|text| Parsed::of(&text));
    list.iter().flat_map(|list| list.numbered().map(|(msn, _)| msn).collect::<Vec<_>>()).collect()
}

fn tracks_of(window: &Window, msn: u64) -> Option<usize> {
    match window.joint_segment(msn) {
        JointLookup::Ready(tracks) => Some(tracks.len()),
        JointLookup::Coming | JointLookup::Gone => None,
    }
}

/// Pictures up to `ms`, and sound that comes `late_ms` behind them.
fn with_late_sound(ms: i64, late_ms: i64) -> Vec<Frame> {
    let mut frames = Encoder::new(EncoderConfig::default()).frames_until_ms(ms);
    let audio = Timescale::new(48_000).expect("not zero");
    frames.sort_by_key(|frame| match frame.track {
        AUDIO => frame.dts.millis(audio) + late_ms,
        _ => frame.dts.millis(Timescale::VIDEO),
    });
    frames
}

#[test]
fn what_holds_all_tracks_is_listed_once_all_have_come_so_far() {
    let mut rig = Rig::of(&Encoder::new(EncoderConfig::default()));
    let (mut late, mut last) = (0, 0);
    for frame in with_late_sound(20_000, 700) {
        rig.push(&frame);
        let listed = joint(&rig.window);
        for msn in &listed {
            assert_eq!(tracks_of(&rig.window, *msn), Some(2), "{msn} is listed");
        }
        let newest = listed.last().copied().unwrap_or(0);
        assert!(newest >= last, "what was listed stays");
        last = newest;
        if let Some(pictures) = rig.window.entries(VIDEO).last().filter(|entry| entry.msn > newest) {
            assert!(matches!(rig.window.joint_segment(pictures.msn), JointLookup::Coming));
            late += 1;
        }
    }
    assert!(late > 20, "pictures were ahead: {late}");
    assert!(matches!(rig.window.joint_segment(last + 50), JointLookup::Coming));
    assert!(matches!(rig.window.joint_segment(MSN_BASE - 1), JointLookup::Gone));
    let rig = rig.end();
    let ready = |msn: &u64| tracks_of(&rig.window, *msn) == Some(2);
    assert!(joint(&rig.window).iter().all(ready) && joint(&rig.window).len() == 10);
}

#[test]
fn sound_that_has_left_the_stream_holds_up_nothing() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(4_500));
    let video = encoder.tracks().get(VIDEO).expect("video").clone();
    rig.set_tracks(media::TrackSet::default().with(video), false);
    for frame in encoder.frames_until_ms(12_000).iter().filter(|frame| frame.track == VIDEO) {
        rig.push(frame);
        let newest = rig.window.entries(VIDEO).last().map_or(0, |entry| entry.msn);
        assert_eq!(joint(&rig.window).last(), Some(&newest));
    }
    rig.set_tracks(encoder.tracks(), false);
    for frame in encoder.frames_until_ms(16_000) {
        rig.push(&frame);
    }
    let back = rig.window.entries(AUDIO).last().expect("sound is back").msn;
    assert_eq!(tracks_of(&rig.window, back), Some(2));
}

#[test]
fn sound_that_is_lost_holds_up_what_holds_all_tracks_for_three_segments_at_most() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(4_500));
    let mut held = 0;
    for frame in encoder.frames_until_ms(21_000).iter().filter(|frame| frame.track == VIDEO) {
        rig.push(frame);
        let newest = rig.window.entries(VIDEO).last().map_or(0, |entry| entry.msn);
        held = held.max(newest - joint(&rig.window).last().copied().unwrap_or(newest));
    }
    assert!((1..=STALE_SEGMENTS).contains(&held), "{held}");
    let newest = rig.window.entries(VIDEO).last().map_or(0, |entry| entry.msn);
    assert_eq!(joint(&rig.window).last(), Some(&newest));
    assert_eq!((tracks_of(&rig.window, MSN_BASE + 1), tracks_of(&rig.window, newest)), (Some(2), Some(1)));
}

#[test]
fn what_holds_all_tracks_is_gone_with_the_first_of_them() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(20_500));
    let gone = |rig: &Rig, msn: u64| matches!(rig.window.joint_segment(msn), JointLookup::Gone);
    assert!(!gone(&rig, MSN_BASE));
    rig.window.tracks[0].pop_front();
    assert!(gone(&rig, MSN_BASE), "sound alone would pass for all of it");
    assert!(!gone(&rig, MSN_BASE + 1));
}

#[test]
fn manifests_and_lists_of_lists_are_rendered_once_until_something_changes() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(5_000));
    let manifest_at = |rig: &Rig, seconds: i64| {
        let now = UnixMillis(WALL + seconds * 1_000);
        let options = ManifestOptionsLive { addressing: ADDRESSING, now, time_url: "/time" };
        rig.window.manifest(&options).expect("there are parts")
    };
    let lists = |rig: &Rig, options: MultivariantOptions<'_>| rig.window.multivariant(&options).expect("two tracks");
    let plain = MultivariantOptions::default();
    let (manifest, list) = (manifest_at(&rig, 0), lists(&rig, plain));
    assert_eq!(manifest.as_ptr(), manifest_at(&rig, 1).as_ptr(), "the same bytes for everyone");
    assert_eq!(list.as_ptr(), lists(&rig, plain).as_ptr());
    for other in [
        MultivariantOptions { prefix: "lhls-", ..plain },
        MultivariantOptions { suffix: "/chunklist.m3u8", ..plain },
        MultivariantOptions { query: "liveType=vod", ..plain },
    ] {
        assert_ne!(lists(&rig, other), list, "{other:?}");
    }
    rig.push_all(&encoder.frames_until_ms(5_500));
    let later = String::from_utf8(manifest_at(&rig, 2).to_vec()).expect("UTF-8");
    assert!(later.contains("publishTime=\"2023-11-14T22:13:22.000Z\""), "{later}");
}

#[test]
fn lists_of_full_segments_leave_out_what_a_player_has_already() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::of(&encoder);
    rig.push_all(&encoder.frames_until_ms(61_000));
    for form in [Form::Plain, Form::Lhls] {
        let list = |skip| Parsed::of(&text(&rig.window, VIDEO, form, skip).expect("full segments"));
        let (whole, delta) = (list(false), list(true));
        assert!(whole.skipped == 0 && delta.skipped > 0, "{form:?} skips {}", delta.skipped);
        assert_eq!(delta.skipped as usize + delta.segments.len(), whole.segments.len());
    }
    let list = |skip| text(&rig.window, VIDEO, Form::Ts, skip);
    assert_eq!(list(true), list(false), "players for MPEG-TS know nothing of it");
}
