//! Scenarios of publishers and readers on simulated time.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use media::{AudioParams, Codec, Ticks, Timescale, TrackId, TrackParams, VideoParams};
use proptest::prelude::*;

use super::*;
use crate::{Entry, Item, Listener, Rendering, WireSlot};

fn path() -> ChannelPath {
    ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") }
}

fn video(config: &'static [u8]) -> Track {
    Track {
        id: TrackId(0),
        codec: Codec::H264,
        timescale: Timescale::VIDEO,
        config: Bytes::from_static(config),
        params: TrackParams::Video(VideoParams {
            width: 640,
            height: 360,
            frame_rate: None,
            colour: None,
            hdr: media::Hdr::default(),
        }),
        codec_string: "avc1.64001f".into(),
    }
}

fn audio(id: u8) -> Track {
    Track {
        id: TrackId(id),
        codec: Codec::Aac,
        timescale: Timescale::new(48_000).expect("not zero"),
        config: Bytes::new(),
        params: TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1024 }),
        codec_string: "mp4a.40.2".into(),
    }
}

fn picture(ms: i64, key: bool) -> Frame {
    Frame { track: TrackId(0), dts: Ticks(ms * 90), cts: Ticks::ZERO, key, payload: Bytes::from(vec![0; 100]) }
}

fn sound(ms: i64) -> Frame {
    Frame { track: TrackId(1), dts: Ticks(ms * 48), cts: Ticks::ZERO, key: true, payload: Bytes::from_static(b"aac") }
}

fn wall(ms: i64) -> UnixMillis {
    UnixMillis(1_000_000 + ms)
}

fn all(stream: &Stream) -> Vec<Arc<Entry>> {
    let mut entries = Vec::new();
    stream.read(0, usize::MAX, &mut entries);
    entries
}

fn times(stream: &Stream) -> Vec<i64> {
    all(stream).iter().filter(|entry| entry.dts().is_some()).map(|entry| entry.time_ms()).collect()
}

#[test]
fn a_stream_outlives_its_publisher() {
    let hub = Hub::new(Limits::default());
    let t0 = Instant::now();
    let (first, new) = hub.publish(&path(), wall(0));
    assert!(new);
    first.put_track(video(b"a"), wall(0)).expect("put");
    first.push(picture(0, true), wall(0)).expect("push");
    first.push(picture(40, false), wall(40)).expect("push");
    let id = first.stream().id();
    first.leave(t0, wall(50));
    assert_eq!(hub.stream(&path()).expect("still there").state(), State::Stalled);

    hub.expire(t0 + Duration::from_secs(59));
    let (second, new) = hub.publish(&path(), wall(59_000));
    assert!(!new, "the window was open");
    assert_eq!(second.stream().id(), id);
    second.put_track(video(b"a"), wall(59_000)).expect("put");
    second.push(picture(7_000, true), wall(59_000)).expect("push");
    assert_eq!(times(second.stream()), [0, 40, 80]);
    let discontinuities = all(second.stream())
        .iter()
        .filter(|entry| matches!(entry.item, Item::Tracks { discontinuity: true, .. }))
        .count();
    assert_eq!(discontinuities, 0, "same configuration, same timeline");
}

#[test]
fn a_stream_ends_when_the_window_closes_and_the_next_has_a_later_id() {
    let hub = Hub::new(Limits::default());
    let t0 = Instant::now();
    let (first, _) = hub.publish(&path(), wall(0));
    let stream = first.stream().clone();
    first.leave(t0, wall(0));
    hub.expire(t0 + Duration::from_secs(61));
    assert_eq!(stream.state(), State::Ended);
    assert!(hub.stream(&path()).is_none());
    let mut rest = Vec::new();
    let read = stream.read(stream.next_seq(), 10, &mut rest);
    assert!(read.ended && rest.is_empty());
    let (second, new) = hub.publish(&path(), wall(0));
    assert!(new && second.stream().id() > stream.id());
}

#[test]
fn a_fenced_publisher_appends_nothing() {
    let hub = Hub::new(Limits::default());
    let (old, _) = hub.publish(&path(), wall(0));
    old.put_track(video(b"a"), wall(0)).expect("put");
    old.push(picture(0, true), wall(0)).expect("push");
    let (new, created) = hub.publish(&path(), wall(10));
    assert!(!created);
    assert_eq!(old.push(picture(40, false), wall(40)), Err(Fenced::TakenOver));
    assert_eq!(old.put_track(audio(1), wall(40)), Err(Fenced::TakenOver));
    assert_eq!(old.check(), Err(Fenced::TakenOver));
    let stream = new.stream().clone();
    old.leave(Instant::now(), wall(50));
    assert_eq!(stream.state(), State::Live, "the old one leaving does not stall the new one");
    new.push(picture(0, true), wall(60)).expect("push");
    assert_eq!(times(&stream).len(), 2);
}

#[test]
fn a_returning_publisher_starts_on_a_key_frame() {
    let hub = Hub::new(Limits::default());
    let (first, _) = hub.publish(&path(), wall(0));
    first.put_track(video(b"a"), wall(0)).expect("put");
    first.push(picture(0, true), wall(0)).expect("push");
    let (second, _) = hub.publish(&path(), wall(0));
    second.put_track(video(b"a"), wall(0)).expect("put");
    second.push(picture(0, false), wall(0)).expect("dropped");
    assert_eq!(times(second.stream()), [0]);
    assert_eq!(second.stream().counters().before_key, 1);
    second.push(picture(40, true), wall(0)).expect("push");
    assert_eq!(times(second.stream()), [0, 33]);
}

#[test]
fn a_changed_configuration_is_a_discontinuity_and_the_timeline_goes_on() {
    let hub = Hub::new(Limits::default());
    let (publisher, _) = hub.publish(&path(), wall(0));
    publisher.put_track(video(b"a"), wall(0)).expect("put");
    publisher.push(picture(0, true), wall(0)).expect("push");
    publisher.put_track(video(b"b"), wall(40)).expect("put");
    publisher.push(picture(40, false), wall(40)).expect("not decodable: dropped");
    publisher.push(picture(80, true), wall(80)).expect("push");
    let stream = publisher.stream();
    assert_eq!(times(stream), [0, 80]);
    let marks: Vec<bool> = all(stream)
        .iter()
        .filter_map(|entry| match entry.item {
            Item::Tracks { discontinuity, .. } => Some(discontinuity),
            Item::Frame { .. } | Item::Stalled | Item::Resumed => None,
        })
        .collect();
    assert_eq!(marks, [false, true]);
}

#[test]
fn readers_join_at_the_newest_key_frame_with_the_tracks_in_force_there() {
    let hub = Hub::new(Limits::default());
    let (publisher, _) = hub.publish(&path(), wall(0));
    assert!(publisher.stream().start_point().is_none());
    publisher.put_track(video(b"a"), wall(0)).expect("put");
    for ms in (0..3_000).step_by(40) {
        publisher.push(picture(ms, ms % 1_000 == 0), wall(ms)).expect("push");
    }
    let start = publisher.stream().start_point().expect("key frames came");
    let mut entries = Vec::new();
    publisher.stream().read(start.seq, 1, &mut entries);
    assert_eq!(entries[0].time_ms(), 2_000);
    assert_eq!(start.tracks.len(), 1);
}

#[test]
fn sound_alone_starts_readers_anywhere() {
    let hub = Hub::new(Limits::default());
    let (publisher, _) = hub.publish(&path(), wall(0));
    publisher.put_track(audio(1), wall(0)).expect("put");
    publisher.push(sound(0), wall(0)).expect("push");
    publisher.push(sound(21), wall(21)).expect("push");
    let start = publisher.stream().start_point().expect("audio leads");
    assert_eq!(start.seq, 2);
}

#[test]
fn a_track_that_falls_silent_leaves_the_stream_and_may_return() {
    let hub = Hub::new(Limits::default());
    let (publisher, _) = hub.publish(&path(), wall(0));
    publisher.put_track(video(b"a"), wall(0)).expect("put");
    publisher.put_track(audio(1), wall(0)).expect("put");
    publisher.push(picture(0, true), wall(0)).expect("push");
    publisher.push(sound(5), wall(5)).expect("push");
    for ms in (40..8_000).step_by(40) {
        publisher.push(picture(ms, ms % 1_000 == 0), wall(ms)).expect("push");
    }
    assert_eq!(publisher.stream().tracks().len(), 1, "no sound for 4 s");
    publisher.push(sound(8_000), wall(8_000)).expect("push");
    assert_eq!(publisher.stream().tracks().len(), 2);
}

#[test]
fn the_log_is_bounded() {
    let limits = Limits { log_bytes_max: 100_000, ..Limits::default() };
    let hub = Hub::new(limits);
    let (publisher, _) = hub.publish(&path(), wall(0));
    publisher.put_track(video(b"a"), wall(0)).expect("put");
    publisher.push(picture(0, true), wall(0)).expect("push");
    for ms in (40..60_000).step_by(40) {
        publisher.push(picture(ms, false), wall(ms)).expect("one GOP of a minute");
        assert!(publisher.stream().log_bytes() <= 100_000);
    }
    assert!(publisher.stream().start_point().is_none(), "its key frame is gone: joiners wait for the next");
    let mut entries = Vec::new();
    let read = publisher.stream().read(0, 1, &mut entries);
    assert!(read.missed > 0 && !read.ended, "a reader is told what it missed");
    publisher.push(picture(60_000, true), wall(60_000)).expect("push");
    assert!(publisher.stream().start_point().is_some());
}

#[test]
fn tracks_are_limited() {
    let hub = Hub::new(Limits { tracks_max: 2, ..Limits::default() });
    let (publisher, _) = hub.publish(&path(), wall(0));
    publisher.put_track(audio(1), wall(0)).expect("put");
    publisher.put_track(audio(2), wall(0)).expect("put");
    assert_eq!(publisher.put_track(audio(3), wall(0)), Err(Fenced::TooManyTracks(2)));
}

#[test]
fn a_wire_rendering_is_made_once_and_shared() {
    let hub = Hub::new(Limits::default());
    let (publisher, _) = hub.publish(&path(), wall(0));
    publisher.put_track(video(b"a"), wall(0)).expect("put");
    let entries = all(publisher.stream());
    let made = AtomicUsize::new(0);
    for _ in 0..3 {
        let bytes = entries[0].wire(WireSlot(1), |_| {
            made.fetch_add(1, Ordering::Relaxed);
            Rendering::new(vec![Bytes::from_static(b"t"), Bytes::new(), Bytes::from_static(b"ag")])
        });
        assert_eq!((bytes.pieces().concat().as_slice(), bytes.pieces().len(), bytes.len()), (&b"tag"[..], 2, 3));
    }
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[test]
fn listeners_hear_of_every_change_until_they_are_dropped() {
    struct Count(AtomicUsize);
    impl Listener for Count {
        fn advanced(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let hub = Hub::new(Limits::default());
    let (publisher, _) = hub.publish(&path(), wall(0));
    let listener = Arc::new(Count(AtomicUsize::new(0)));
    publisher.stream().subscribe(&listener);
    publisher.put_track(video(b"a"), wall(0)).expect("put");
    publisher.push(picture(0, true), wall(0)).expect("push");
    assert_eq!(listener.0.load(Ordering::Relaxed), 2);
    let stream = publisher.stream().clone();
    publisher.leave(Instant::now(), wall(0));
    assert_eq!(listener.0.load(Ordering::Relaxed), 3);
    drop(listener);
    stream.notify();
}

proptest! {
    #[test]
    fn entries_are_numbered_without_gaps_and_times_rise(
        steps in prop::collection::vec((0u8..4, any::<i32>(), any::<bool>()), 1..300),
    ) {
        let hub = Hub::new(Limits { log_bytes_max: 20_000, ..Limits::default() });
        let (mut publisher, _) = hub.publish(&path(), wall(0));
        let mut cursor = 0;
        let mut last = [i64::MIN; 2];
        for (what, number, flag) in steps {
            let ms = i64::from(number);
            match what {
                0 => publisher.push(picture(ms, flag), wall(ms)).expect("push"),
                1 => publisher.push(sound(ms), wall(ms)).expect("push"),
                2 => {
                    publisher.put_track(video(if flag { b"a" } else { b"b" }), wall(ms)).expect("put");
                    publisher.put_track(audio(1), wall(ms)).expect("put");
                }
                _ => publisher = hub.publish(&path(), wall(ms)).0,
            }
            let mut entries = Vec::new();
            let read = publisher.stream().read(cursor, usize::MAX, &mut entries);
            for (expected, entry) in (cursor + read.missed..).zip(entries) {
                prop_assert_eq!(entry.seq, expected);
                if let Item::Frame { frame, .. } = &entry.item {
                    let last = &mut last[usize::from(frame.track.0)];
                    prop_assert!(frame.dts.0 > *last);
                    *last = frame.dts.0;
                }
            }
            cursor = read.next;
            prop_assert_eq!(cursor, publisher.stream().next_seq());
        }
    }
}
