//! Publishers, readers and housekeeping on threads of their own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hub::{Hub, Limits, Listener};
use media::{Track, UnixMillis};
use testkit::encoder::{AUDIO, VIDEO};
use testkit::{Encoder, EncoderConfig};

use crate::rig::{Follower, path};

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Bell {
    fn wait(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = Duration::from_secs(30);
        let (mut rung, waited) =
            self.bell.wait_timeout_while(rung, patience, |rung| !*rung).unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "nobody rang");
        *rung = false;
    }
}

impl Listener for Bell {
    fn advanced(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
    }
}

#[test]
fn readers_that_wake_by_their_listeners_miss_nothing_and_hear_the_end() {
    let hub = Hub::new(Limits { log_ms: i64::MAX, log_bytes_max: usize::MAX, ..Limits::default() });
    let (publisher, _) = hub.publish(&path("kelas"), UnixMillis(0));
    let stream = publisher.stream().clone();
    thread::scope(|scope| {
        for pace in [1, 7, 500, usize::MAX] {
            let stream = stream.clone();
            scope.spawn(move || {
                let bell = Arc::new(Bell::default());
                stream.subscribe(&bell);
                let mut reader = Follower::default();
                loop {
                    reader.read(&stream, pace);
                    if reader.ended {
                        break;
                    }
                    if reader.next == stream.next_seq() {
                        bell.wait();
                    }
                }
                assert_eq!(reader.missed, 0);
                for id in [VIDEO, AUDIO] {
                    let stamps = reader.stamps(id);
                    assert!(stamps.len() > 1_500 && stamps.iter().zip(0..).all(|(stamp, n)| *stamp == n));
                }
            });
        }
        let mut encoder = Encoder::new(EncoderConfig::default());
        for track in encoder.tracks().iter() {
            publisher.put_track(Track::clone(track), UnixMillis(0)).expect("put");
        }
        for frame in encoder.frames_until_ms(60_000) {
            publisher.push(frame, UnixMillis(0)).expect("push");
        }
        publisher.end(Instant::now());
    });
}

#[test]
fn of_many_who_take_a_channel_over_one_remains_and_no_frame_is_counted_twice() {
    let hub = Hub::new(Limits::default());
    let taken = AtomicU64::new(0);
    let remaining: Vec<bool> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let (publisher, _) = hub.publish(&path("kelas"), UnixMillis(0));
                    let mut encoder = Encoder::new(EncoderConfig::audio_only());
                    let track = encoder.audio_track().expect("has sound");
                    let mut result = publisher.put_track(Track::clone(&track), UnixMillis(0));
                    for _ in 0..500 {
                        result = result.and_then(|()| publisher.push(encoder.next_frame(), UnixMillis(0)));
                        taken.fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
                    }
                    publisher
                })
            })
            .collect();
        let publishers: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        publishers.iter().map(|publisher| publisher.check().is_ok()).collect()
    });
    assert_eq!(remaining.iter().filter(|remains| **remains).count(), 1);
    let counters = hub.stream(&path("kelas")).expect("it is live").counters();
    assert_eq!((counters.publishers, counters.frames), (8, taken.load(Ordering::Relaxed)));
}

#[test]
fn a_publisher_who_comes_at_the_end_of_a_stream_gets_one_that_it_may_publish_to() {
    let hub = Hub::new(Limits { reconnect_window: Duration::ZERO, ..Limits::default() });
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Ends only what has no publisher: who is there must never see it.
                hub.expire(Instant::now());
            }
        });
        for _ in 0..20_000 {
            let (publisher, _) = hub.publish(&path("kelas"), UnixMillis(0));
            let fate = publisher.check();
            publisher.leave(Instant::now(), UnixMillis(0));
            if fate.is_err() {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(fate, Ok(()));
        }
        done.store(true, Ordering::Relaxed);
    });
}
