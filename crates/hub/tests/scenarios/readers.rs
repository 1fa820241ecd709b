//! The log under readers of every pace: what it keeps, what it lets go, and where it lets readers start.

use bytes::Bytes;
use hub::{Hub, Limits, Publisher, Read};
use media::{Track, UnixMillis};
use proptest::prelude::*;
use testkit::{Encoder, EncoderConfig, VideoSpec};

use crate::rig::{Follower, path};

fn publisher(limits: Limits, encoder: &Encoder) -> Publisher {
    let publisher = Hub::new(limits).publish(&path("kelas"), UnixMillis(0)).0;
    for track in encoder.tracks().iter() {
        publisher.put_track(Track::clone(track), UnixMillis(0)).expect("put");
    }
    publisher
}

/// Every starting point lies in the log, and what lies there can be started on.
fn assert_start_is_readable(publisher: &Publisher) {
    let stream = publisher.stream();
    let Some(start) = stream.start_point() else { return };
    assert!((stream.oldest().seq..stream.next_seq()).contains(&start.seq));
    let mut entries = Vec::new();
    let read = stream.read(start.seq, 1, &mut entries);
    assert_eq!(read, Read { next: start.seq + 1, missed: 0, ended: false });
    let entry = entries.first().expect("it is there");
    assert!(entry.start && entry.seq == start.seq);
    assert!(!start.tracks.is_empty());
}

#[test]
fn the_log_keeps_its_time_and_the_whole_newest_group_of_pictures() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let publisher = publisher(Limits { log_ms: 2_000, ..Limits::default() }, &encoder);
    let tracks = encoder.tracks();
    for frame in encoder.frames_until_ms(30_000) {
        let arrival_ms = frame.dts.millis(tracks.get(frame.track).expect("its track").timescale);
        publisher.push(frame, UnixMillis(arrival_ms)).expect("push");
        assert_start_is_readable(&publisher);
        let mut reader = Follower::default();
        reader.read_all(publisher.stream());
        let (oldest, newest) = (&reader.entries[0], &reader.entries[reader.entries.len() - 1]);
        let held_ms = newest.head_ms - oldest.head_ms;
        assert!(held_ms <= 2_000 && (newest.head_ms < 2_100 || held_ms > 1_900), "{held_ms} ms are held");
    }
}

#[test]
fn media_that_comes_faster_than_it_plays_is_kept_for_the_time_that_it_took() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let publisher = publisher(Limits { log_ms: 2_000, ..Limits::default() }, &encoder);
    for frame in encoder.frames_until_ms(60_000) {
        publisher.push(frame, UnixMillis(0)).expect("a minute in no time");
    }
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    assert_eq!(reader.missed, 0, "nobody could have read it yet");
}

#[test]
fn a_group_of_pictures_longer_than_the_time_is_kept_whole() {
    let spec = VideoSpec { gop_frames: 300, frame_bytes: 50, ..VideoSpec::default() };
    let mut encoder = Encoder::new(EncoderConfig { video: Some(spec), ..EncoderConfig::video_only() });
    let publisher = publisher(Limits { log_ms: 500, ..Limits::default() }, &encoder);
    for frame in encoder.frames_until_ms(19_900) {
        publisher.push(frame, UnixMillis(0)).expect("push");
        assert_start_is_readable(&publisher);
    }
    let start = publisher.stream().start_point().expect("ten seconds ago");
    let mut reader = Follower { next: start.seq, ..Follower::default() };
    reader.read_all(publisher.stream());
    assert_eq!((reader.missed, reader.entries[0].time_ms()), (0, 10_000));
}

#[test]
fn announcements_without_frames_fill_no_memory() {
    let encoder = Encoder::new(EncoderConfig::default());
    let limits = Limits { log_bytes_max: 100_000, ..Limits::default() };
    let publisher = publisher(limits, &encoder);
    let video = encoder.video_track().expect("has pictures");
    for n in 0..2_000u32 {
        let mut config = video.config.to_vec();
        config.extend_from_slice(&n.to_be_bytes());
        config.resize(3_000, 0);
        publisher.put_track(Track { config: Bytes::from(config), ..Track::clone(&video) }, UnixMillis(0)).expect("put");
        assert!(publisher.stream().log_bytes() <= 100_000, "configuration {n}");
    }
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    assert!(reader.missed > 1_900 && reader.entries.len() > 10);
}

#[test]
fn publishers_that_come_and_go_without_a_frame_fill_no_memory() {
    let hub = Hub::new(Limits { log_bytes_max: 20_000, ..Limits::default() });
    let now = std::time::Instant::now();
    for _ in 0..1_000 {
        let (publisher, _) = hub.publish(&path("kelas"), UnixMillis(0));
        let stream = publisher.stream().clone();
        publisher.leave(now, UnixMillis(0));
        assert!(stream.log_bytes() <= 20_000);
    }
}

#[test]
fn a_frame_larger_than_the_log_passes_without_staying() {
    let mut encoder = Encoder::new(EncoderConfig::video_only());
    let publisher = publisher(Limits { log_bytes_max: 10_000, ..Limits::default() }, &encoder);
    let mut frame = encoder.next_frame();
    frame.payload = Bytes::from(vec![0; 20_000]);
    publisher.push(frame, UnixMillis(0)).expect("push");
    assert_eq!((publisher.stream().log_bytes(), publisher.stream().start_point().is_none()), (0, true));
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    assert_eq!((reader.missed, reader.next), (2, publisher.stream().next_seq()), "its readers are told");
}

#[test]
fn a_reader_ahead_of_the_log_waits_where_it_is() {
    let encoder = Encoder::new(EncoderConfig::default());
    let publisher = publisher(Limits::default(), &encoder);
    let mut entries = Vec::new();
    let read = publisher.stream().read(1_000, 10, &mut entries);
    assert_eq!(read, Read { next: 1_000, missed: 0, ended: false });
    assert!(entries.is_empty());
    let read = publisher.stream().read(0, 0, &mut entries);
    assert_eq!((read.next, entries.len()), (0, 0), "asking for nothing moves nobody");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn readers_of_every_pace_see_one_order_and_are_told_what_they_miss(
        paces in prop::collection::vec((1u64..200, 1usize..50), 1..6),
        gop_frames in 1u64..120,
        log_bytes_max in 20_000usize..400_000,
        seed in any::<u64>(),
    ) {
        let video = Some(VideoSpec { gop_frames, frame_bytes: 900, ..VideoSpec::default() });
        let mut encoder = Encoder::new(EncoderConfig { video, seed, ..EncoderConfig::default() });
        let publisher = publisher(Limits { log_bytes_max, log_ms: 1_000, ..Limits::default() }, &encoder);
        let mut readers: Vec<Follower> = paces.iter().map(|_| Follower::default()).collect();
        for n in 0..1_500u64 {
            publisher.push(encoder.next_frame(), UnixMillis(n as i64)).expect("push");
            prop_assert!(publisher.stream().log_bytes() <= log_bytes_max);
            assert_start_is_readable(&publisher);
            for (reader, (every, max)) in readers.iter_mut().zip(&paces) {
                if n % every == 0 {
                    reader.read(publisher.stream(), *max);
                }
            }
        }
        for reader in &mut readers {
            reader.read_all(publisher.stream());
            prop_assert_eq!(reader.entries.len() as u64 + reader.missed, publisher.stream().next_seq());
            for id in [testkit::encoder::VIDEO, testkit::encoder::AUDIO] {
                let stamps = reader.stamps(id);
                prop_assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]), "never back, never twice");
            }
        }
    }
}
