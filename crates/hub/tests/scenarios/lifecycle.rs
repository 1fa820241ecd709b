//! From the first publisher to the end: windows, take-overs, forced ends, and who hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hub::{Fenced, Hub, Limits, Listener, State};
use media::{StreamId, Track, UnixMillis};
use testkit::{Clock, Encoder, EncoderConfig};

use crate::rig::{Follower, path, publish};

fn key_frame(encoder: &mut Encoder) -> media::Frame {
    encoder.force_key();
    encoder.next_frame()
}

fn pictures() -> (Encoder, Track) {
    let encoder = Encoder::new(EncoderConfig::video_only());
    let track = Track::clone(&encoder.video_track().expect("has pictures"));
    (encoder, track)
}

#[test]
fn a_stream_waits_exactly_as_long_as_its_window() {
    let window = Duration::from_secs(60);
    let (hub, mut clock) = (Hub::new(Limits { reconnect_window: window, ..Limits::default() }), Clock::new());
    assert_eq!(hub.reconnect_window(), window);
    let publisher = publish(&hub, &clock);
    let stream = publisher.stream().clone();
    clock.advance(Duration::from_secs(86_400));
    hub.expire(clock.now());
    assert_eq!(stream.state(), State::Waiting, "a connected publisher may take its time");
    let left = clock.now();
    publisher.leave(left, clock.wall());
    hub.expire(left + window.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(stream.state(), State::Stalled);
    hub.expire(left + window);
    assert_eq!(stream.state(), State::Ended);
    assert!(hub.streams().is_empty());
}

#[test]
fn a_clock_that_is_behind_ends_nothing() {
    let (hub, mut clock) = (Hub::new(Limits::default()), Clock::new());
    let before = clock.now();
    clock.advance(Duration::from_secs(10));
    let publisher = publish(&hub, &clock);
    let stream = publisher.stream().clone();
    publisher.leave(clock.now(), clock.wall());
    hub.expire(before);
    assert_eq!(stream.state(), State::Stalled);
}

#[test]
fn each_return_opens_a_whole_window_again() {
    let (hub, mut clock) = (Hub::new(Limits::default()), Clock::new());
    let id = publish(&hub, &clock).stream().id();
    for _ in 0..10 {
        let publisher = publish(&hub, &clock);
        assert_eq!(publisher.stream().id(), id);
        hub.expire(clock.now());
        publisher.leave(clock.now(), clock.wall());
        clock.advance(Duration::from_secs(59));
        hub.expire(clock.now());
    }
    assert_eq!(hub.stream(&path("kelas")).expect("still waits").counters().publishers, 11);
}

#[test]
fn a_stream_is_live_only_once_a_frame_has_come() {
    let (hub, clock) = (Hub::new(Limits::default()), Clock::new());
    let (mut encoder, track) = pictures();
    let publisher = publish(&hub, &clock);
    publisher.leave(clock.now(), clock.wall());
    let publisher = publish(&hub, &clock);
    assert_eq!(publisher.stream().state(), State::Waiting, "back, and still nothing to see");
    publisher.put_track(track, clock.wall()).expect("put");
    assert_eq!(publisher.stream().state(), State::Waiting);
    publisher.push(key_frame(&mut encoder), clock.wall()).expect("push");
    assert_eq!(publisher.stream().state(), State::Live);
}

#[test]
fn the_end_is_said_once_and_holds_for_everyone() {
    let (hub, clock) = (Hub::new(Limits::default()), Clock::new());
    let (mut encoder, track) = pictures();
    let publisher = publish(&hub, &clock);
    publisher.put_track(track.clone(), clock.wall()).expect("put");
    publisher.push(key_frame(&mut encoder), clock.wall()).expect("push");
    let stream = publisher.stream().clone();
    assert_eq!(publisher.check(), Ok(()));
    hub.end(&path("other"), clock.now());
    assert_eq!(publisher.check(), Ok(()), "another channel's end");
    hub.end(&path("kelas"), clock.now());
    assert_eq!(publisher.check(), Err(Fenced::Ended));
    assert_eq!(publisher.push(key_frame(&mut encoder), clock.wall()), Err(Fenced::Ended));
    assert_eq!(publisher.put_track(track, clock.wall()), Err(Fenced::Ended));
    publisher.leave(clock.now(), clock.wall());
    assert_eq!(stream.state(), State::Ended, "leaving does not wake it");

    let mut reader = Follower::default();
    reader.read(&stream, 1);
    assert!(!reader.ended, "what is in the log can still be read");
    reader.read_all(&stream);
    assert!(reader.ended && reader.entries.len() == 2);
    assert!(hub.stream(&path("kelas")).is_none());
    let again = publish(&hub, &clock);
    assert!(again.stream().id() > stream.id(), "the next lesson is another stream, even in the same millisecond");
}

#[test]
fn only_the_present_publisher_may_end_the_lesson() {
    let (hub, clock) = (Hub::new(Limits::default()), Clock::new());
    let first = publish(&hub, &clock);
    let second = publish(&hub, &clock);
    first.end(clock.now());
    assert_eq!((first.check(), second.check()), (Err(Fenced::TakenOver), Ok(())));
    second.end(clock.now());
    assert_eq!(second.check(), Err(Fenced::Ended));
    assert!(hub.streams().is_empty());
    assert!(hub.publish(&path("kelas"), UnixMillis(-5)).1, "before the housekeeping has come by, too");
}

#[test]
fn a_server_that_stops_ends_every_stream() {
    let (hub, clock) = (Hub::new(Limits::default()), Clock::new());
    let publishers: Vec<_> =
        ["satu", "dua", "tiga"].map(|name| hub.publish(&path(name), clock.wall()).0).into_iter().collect();
    let mut ids: Vec<_> = publishers.iter().map(|publisher| publisher.stream().id()).collect();
    ids.dedup();
    assert_eq!((ids.len(), ids.is_sorted()), (3, true), "one millisecond, three ids");
    assert_eq!(hub.streams().len(), 3);
    hub.end_all(clock.now());
    assert!(hub.streams().is_empty());
    assert!(publishers.iter().all(|publisher| publisher.check() == Err(Fenced::Ended)));
}

#[test]
fn one_channel_does_not_touch_another() {
    let (hub, mut clock) = (Hub::new(Limits::default()), Clock::new());
    let (mut encoder, track) = pictures();
    let (kept, _) = hub.publish(&path("satu"), clock.wall());
    let (left, _) = hub.publish(&path("dua"), clock.wall());
    left.leave(clock.now(), clock.wall());
    clock.advance(Duration::from_secs(61));
    hub.expire(clock.now());
    kept.put_track(track, clock.wall()).expect("put");
    kept.push(key_frame(&mut encoder), clock.wall()).expect("push");
    assert_eq!(hub.streams().len(), 1);
    assert!(hub.stream(&path("dua")).is_none());
}

struct Calls(AtomicU64);

impl Listener for Calls {
    fn advanced(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn listeners_hear_the_end_and_the_dropped_ones_nothing() {
    let (hub, clock) = (Hub::new(Limits::default()), Clock::new());
    let publisher = publish(&hub, &clock);
    let kept = Arc::new(Calls(AtomicU64::new(0)));
    publisher.stream().subscribe(&kept);
    for _ in 0..1_000 {
        let dropped = Arc::new(Calls(AtomicU64::new(0)));
        publisher.stream().subscribe(&dropped);
        let weak = Arc::downgrade(&dropped);
        drop(dropped);
        assert!(weak.upgrade().is_none(), "the stream holds no listener");
    }
    publisher.end(clock.now());
    assert_eq!(kept.0.load(Ordering::Relaxed), 1);
    publisher.end(clock.now());
    hub.expire(clock.now());
    assert_eq!(kept.0.load(Ordering::Relaxed), 1, "the end is heard once");
}

#[test]
fn ids_stay_above_those_of_before_a_restart_whatever_the_clock_says() {
    let hub = Hub::new(Limits::default());
    hub.skip_ids(StreamId(5_000));
    hub.skip_ids(StreamId(4_000));
    let (first, _) = hub.publish(&path("satu"), UnixMillis(1_000));
    assert_eq!(first.stream().id(), StreamId(5_001));
    let (second, _) = hub.publish_from(&path("dua"), StreamId(7_000), UnixMillis(1_000));
    assert_eq!(second.stream().id(), StreamId(7_000));
    let (again, new) = hub.publish_from(&path("dua"), StreamId(9_000), UnixMillis(1_000));
    assert_eq!((again.stream().id(), new), (StreamId(7_000), false), "a stream that goes on keeps its id");
    let (third, _) = hub.publish(&path("tiga"), UnixMillis(8_000));
    assert_eq!(third.stream().id(), StreamId(8_000), "and the clock's time again as soon as it is above");
}
