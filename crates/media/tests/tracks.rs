//! Tracks, track sets, codecs and frames as every other crate relies on them.

use std::sync::Arc;

use bytes::Bytes;
use media::{
    AudioParams, Codec, Frame, MediaKind, Ticks, Timescale, Track, TrackId, TrackParams, TrackSet, VideoParams,
};

const ALL: [Codec; 8] =
    [Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9, Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3];

fn track(id: u8, codec: Codec) -> Arc<Track> {
    let params = match codec.kind() {
        MediaKind::Video => TrackParams::Video(VideoParams {
            width: 1_280,
            height: 720,
            frame_rate: None,
            colour: None,
            hdr: media::Hdr::default(),
        }),
        MediaKind::Audio => TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1_024 }),
    };
    Arc::new(Track {
        id: TrackId(id),
        codec,
        timescale: Timescale::VIDEO,
        config: Bytes::new(),
        params,
        codec_string: String::new(),
    })
}

fn set(tracks: &[(u8, Codec)]) -> TrackSet {
    tracks.iter().fold(TrackSet::default(), |set, (id, codec)| set.with(track(*id, *codec)))
}

fn ids(set: &TrackSet) -> Vec<u8> {
    set.iter().map(|track| track.id.0).collect()
}

#[test]
fn every_codec_is_video_or_audio_and_has_a_name_of_its_own() {
    let video = ALL.iter().filter(|codec| codec.kind() == MediaKind::Video);
    assert_eq!(video.copied().collect::<Vec<_>>(), [Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9]);
    let mut names: Vec<String> = ALL.iter().map(Codec::to_string).collect();
    assert!(names.iter().zip(ALL).all(|(name, codec)| name == codec.name()));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn only_mp3_has_no_place_in_cmaf() {
    let without: Vec<Codec> = ALL.into_iter().filter(|codec| !codec.has_cmaf()).collect();
    assert_eq!(without, [Codec::Mp3]);
}

#[test]
fn a_set_is_ordered_by_id_in_whatever_order_it_was_made() {
    let set = set(&[(3, Codec::Aac), (0, Codec::H264), (64, Codec::Opus), (1, Codec::H265)]);
    assert_eq!(ids(&set), [0, 1, 3, 64]);
    assert_eq!(set.len(), 4);
    assert!(!set.is_empty() && TrackSet::default().is_empty());
}

#[test]
fn a_track_of_the_same_id_replaces_and_the_old_set_is_untouched() {
    let before = set(&[(0, Codec::H264), (1, Codec::Aac)]);
    let after = before.with(track(0, Codec::H265));
    assert_eq!(after.get(TrackId(0)).map(|track| track.codec), Some(Codec::H265));
    assert_eq!(before.get(TrackId(0)).map(|track| track.codec), Some(Codec::H264));
    assert_eq!((before.len(), after.len()), (2, 2));
    assert_eq!(after.get(TrackId(7)), None);
}

#[test]
fn video_leads_and_audio_leads_only_alone() {
    let leading = |tracks: &[(u8, Codec)]| set(tracks).leading().map(|track| track.id.0);
    assert_eq!(leading(&[(0, Codec::Aac), (1, Codec::H264), (2, Codec::H265)]), Some(1));
    assert_eq!(leading(&[(5, Codec::Opus), (3, Codec::Aac)]), Some(3));
    assert_eq!(leading(&[]), None);
}

#[test]
fn the_first_of_a_kind_is_the_one_of_the_lowest_id() {
    let set = set(&[(9, Codec::H264), (2, Codec::Av1), (64, Codec::Aac), (65, Codec::Opus)]);
    assert_eq!(set.first(MediaKind::Video).map(|track| track.id.0), Some(2));
    assert_eq!(set.first(MediaKind::Audio).map(|track| track.id.0), Some(64));
}

#[test]
fn parameters_are_those_of_the_kind() {
    let video = track(0, Codec::Vp9);
    assert_eq!(
        (video.kind(), video.video().map(|video| video.width), video.audio()),
        (MediaKind::Video, Some(1_280), None)
    );
    let audio = track(1, Codec::Mp3);
    assert_eq!(
        (audio.kind(), audio.audio().map(|audio| audio.channels), audio.video()),
        (MediaKind::Audio, Some(2), None)
    );
}

#[test]
fn a_frame_is_shown_its_offset_after_it_is_decoded() {
    let frame =
        |dts, cts| Frame { track: TrackId(0), dts: Ticks(dts), cts: Ticks(cts), key: true, payload: Bytes::new() };
    assert_eq!(frame(9_000, 3_000).pts(), Ticks(12_000));
    assert_eq!(frame(9_000, -3_000).pts(), Ticks(6_000), "offsets may be negative");
    assert_eq!(frame(i64::MAX, 1).pts(), Ticks(i64::MAX), "a hostile offset saturates");
}

#[test]
fn cloning_a_frame_shares_its_payload() {
    let payload = Bytes::from(vec![7; 100]);
    let frame = Frame { track: TrackId(0), dts: Ticks::ZERO, cts: Ticks::ZERO, key: false, payload: payload.clone() };
    assert_eq!(frame.clone().payload.as_ptr(), payload.as_ptr());
}

#[test]
fn a_set_of_every_id_there_is_stays_ordered_and_unique() {
    let mut all = TrackSet::default();
    for round in 0..3u8 {
        for id in (0..=255u8).rev() {
            all = all.with(track(id, if round == 1 { Codec::Aac } else { Codec::H264 }));
        }
    }
    assert_eq!(ids(&all), (0..=255).collect::<Vec<u8>>());
    assert!(all.iter().all(|track| track.codec == Codec::H264), "the last of each id is what counts");
    assert_eq!(all.first(MediaKind::Audio), None);
}

#[test]
fn taking_a_track_out_leaves_the_others_and_the_old_set() {
    let before = set(&[(0, Codec::H264), (1, Codec::H265), (64, Codec::Aac)]);
    let after = before.without(TrackId(0));
    assert_eq!((ids(&after), ids(&before)), (vec![1, 64], vec![0, 1, 64]));
    assert_eq!(after.leading().map(|track| track.id.0), Some(1), "the next picture leads");
    assert_eq!(after.without(TrackId(1)).leading().map(|track| track.id.0), Some(64), "then the sound");
    assert_eq!(before.without(TrackId(7)), before, "who is not there cannot leave");
    assert!(after.without(TrackId(1)).without(TrackId(64)).leading().is_none());
}

#[test]
fn what_was_taken_out_and_put_back_is_the_same_set_and_shares_its_tracks() {
    let before = set(&[(0, Codec::H264), (64, Codec::Aac)]);
    let sound = before.get(TrackId(64)).expect("is there").clone();
    let again = before.without(TrackId(64)).with(sound.clone());
    assert_eq!(again, before);
    assert!(again.get(TrackId(64)).is_some_and(|track| Arc::ptr_eq(track, &sound)), "no copy of a configuration");
}

#[test]
fn a_track_differs_by_any_part_of_its_configuration() {
    let one = track(0, Codec::H264);
    for other in [
        Track { config: Bytes::from_static(b"x"), ..Track::clone(&one) },
        Track { timescale: Timescale::MILLIS, ..Track::clone(&one) },
        Track { codec_string: "avc1.42c01e".into(), ..Track::clone(&one) },
        Track { codec: Codec::H265, ..Track::clone(&one) },
    ] {
        assert_ne!(*one, other);
    }
    assert_eq!(one, track(0, Codec::H264));
}
