//! Tracks that fall silent, never speak, or come back.

use std::time::Instant;

use hub::{Hub, Limits, Publisher};
use media::{Frame, Ticks, Timescale, Track, TrackId, UnixMillis};
use testkit::encoder::{AUDIO, VIDEO};
use testkit::{Encoder, EncoderConfig};

use crate::rig::{Follower, path};

fn start() -> (Hub, Publisher, Encoder) {
    let hub = Hub::new(Limits { log_ms: 300_000, ..Limits::default() });
    let publisher = hub.publish(&path("kelas"), UnixMillis(0)).0;
    let encoder = Encoder::new(EncoderConfig::default());
    for track in encoder.tracks().iter() {
        publisher.put_track(Track::clone(track), UnixMillis(0)).expect("put");
    }
    (hub, publisher, encoder)
}

/// Pushes what the encoder makes until then, of the tracks that are not lost.
fn send(publisher: &Publisher, encoder: &mut Encoder, until_ms: i64, lost: &[TrackId]) {
    for frame in encoder.frames_until_ms(until_ms) {
        if !lost.contains(&frame.track) {
            publisher.push(frame, UnixMillis(0)).expect("push");
        }
    }
}

fn ids(publisher: &Publisher) -> Vec<TrackId> {
    publisher.stream().tracks().iter().map(|track| track.id).collect()
}

#[test]
fn a_lost_camera_leaves_the_sound_and_returns_on_a_key_frame() {
    let (_hub, publisher, mut encoder) = start();
    send(&publisher, &mut encoder, 5_000, &[]);
    send(&publisher, &mut encoder, 15_000, &[VIDEO]);
    assert_eq!(ids(&publisher), [VIDEO, AUDIO], "a slide show may rest for ten seconds");
    send(&publisher, &mut encoder, 30_500, &[VIDEO]);
    assert_eq!(ids(&publisher), [AUDIO]);
    let start = publisher.stream().start_point().expect("sound leads now");
    let head = publisher.stream().next_seq();
    assert!(head - start.seq <= 1, "who joins hears what is said now, not the last picture of half a minute ago");
    assert_eq!(start.tracks.len(), 1);

    let dropped = publisher.stream().counters().before_key;
    send(&publisher, &mut encoder, 30_900, &[]);
    assert_eq!(ids(&publisher), [AUDIO], "no decoder can start in the middle of a group of pictures");
    assert!(publisher.stream().counters().before_key > dropped);
    send(&publisher, &mut encoder, 31_500, &[]);
    assert_eq!(ids(&publisher), [VIDEO, AUDIO]);
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    assert!(reader.frames(VIDEO).iter().any(|frame| frame.key && frame.dts.millis(Timescale::VIDEO) == 31_000));
    assert_eq!(reader.announcements(), (4, 2), "two put, one gone, one back");
}

#[test]
fn a_slide_show_with_a_picture_each_ten_seconds_keeps_its_picture() {
    let (_hub, publisher, mut encoder) = start();
    for frame in encoder.frames_until_ms(120_000) {
        let slide = frame.dts.millis(Timescale::VIDEO) % 10_000 == 0;
        if frame.track == AUDIO || slide {
            publisher.push(Frame { key: true, ..frame }, UnixMillis(0)).expect("push");
        }
    }
    assert_eq!(ids(&publisher), [VIDEO, AUDIO]);
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    assert_eq!(reader.announcements(), (2, 0));
    assert_eq!(publisher.stream().counters().timeline.jumps, 0);
}

#[test]
fn sound_that_was_announced_and_never_came_does_not_stay() {
    let (_hub, publisher, mut encoder) = start();
    send(&publisher, &mut encoder, 4_000, &[AUDIO]);
    assert_eq!(ids(&publisher), [VIDEO, AUDIO], "it may be about to come");
    send(&publisher, &mut encoder, 6_500, &[AUDIO]);
    assert_eq!(ids(&publisher), [VIDEO], "nobody waits for it");
    send(&publisher, &mut encoder, 7_000, &[]);
    assert_eq!(ids(&publisher), [VIDEO, AUDIO]);
}

#[test]
fn a_track_announced_late_has_its_time_from_then() {
    let (_hub, publisher, mut encoder) = start();
    send(&publisher, &mut encoder, 60_000, &[AUDIO]);
    let track = encoder.audio_track().expect("has sound");
    publisher.put_track(Track::clone(&track), UnixMillis(0)).expect("put");
    send(&publisher, &mut encoder, 62_000, &[AUDIO]);
    assert_eq!(ids(&publisher), [VIDEO, AUDIO], "two seconds after it was announced");
    send(&publisher, &mut encoder, 66_000, &[AUDIO]);
    assert_eq!(ids(&publisher), [VIDEO]);
}

#[test]
fn a_track_that_returns_with_old_frames_does_not_go_back_behind_its_last() {
    let (_hub, publisher, mut encoder) = start();
    send(&publisher, &mut encoder, 5_000, &[]);
    send(&publisher, &mut encoder, 11_500, &[AUDIO]);
    assert_eq!(ids(&publisher), [VIDEO]);
    for ms in [4_800, 4_900, 5_100, 11_000] {
        let payload = bytes::Bytes::from_static(b"late");
        let late = Frame { track: AUDIO, dts: Ticks(ms * 48), cts: Ticks::ZERO, key: true, payload };
        publisher.push(late, UnixMillis(0)).expect("push");
    }
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    let scale = encoder.audio_track().expect("has sound").timescale;
    let (_, last_ms) = reader.assert_times_rise(AUDIO, scale);
    assert_eq!(last_ms, 11_000);
}

#[test]
fn a_silent_track_does_not_return_where_others_took_its_place() {
    let hub = Hub::new(Limits { tracks_max: 2, ..Limits::default() });
    let publisher = hub.publish(&path("kelas"), UnixMillis(0)).0;
    let mut encoder = Encoder::new(EncoderConfig::default());
    for track in encoder.tracks().iter() {
        publisher.put_track(Track::clone(track), UnixMillis(0)).expect("put");
    }
    send(&publisher, &mut encoder, 6_500, &[AUDIO]);
    let other = Track { id: TrackId(65), ..Track::clone(&encoder.audio_track().expect("has sound")) };
    publisher.put_track(other, UnixMillis(0)).expect("a place is free");
    send(&publisher, &mut encoder, 7_000, &[]);
    assert_eq!(ids(&publisher), [VIDEO, TrackId(65)], "never more tracks than the limit");
}

#[test]
fn a_publisher_that_returns_without_its_camera_is_heard() {
    let (hub, publisher, mut encoder) = start();
    send(&publisher, &mut encoder, 5_000, &[]);
    let now = Instant::now();
    publisher.leave(now, UnixMillis(0));
    let publisher = hub.publish(&path("kelas"), UnixMillis(0)).0;
    let mut sound = Encoder::new(EncoderConfig::audio_only());
    publisher.put_track(Track::clone(&sound.audio_track().expect("has sound")), UnixMillis(0)).expect("put");
    send(&publisher, &mut sound, 20_000, &[]);
    assert_eq!(ids(&publisher), [AUDIO]);
    let start = publisher.stream().start_point().expect("sound leads");
    assert!(publisher.stream().next_seq() - start.seq <= 1);
}
