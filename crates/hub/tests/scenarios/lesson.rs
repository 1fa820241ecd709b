//! Hours of a lesson: wraps, jumps, reconnects, changes of picture.

use std::time::Duration;

use hub::{Hub, Item, Limits, State};
use media::{Ticks, Timescale, TrackId};
use testkit::encoder::{AUDIO, VIDEO};
use testkit::{AudioSpec, Clock, EncoderConfig, Random, VideoSpec};

use crate::rig::{Follower, Sender, publish};

const SOUND: Timescale = match Timescale::new(48_000) {
    Some(scale) => scale,
    None => panic!("not zero"),
};

fn small() -> EncoderConfig {
    EncoderConfig {
        video: Some(VideoSpec { frame_bytes: 60, ..VideoSpec::default() }),
        audio: Some(AudioSpec { sample_rate: 48_000, frame_bytes: 40, ..AudioSpec::default() }),
        ..EncoderConfig::default()
    }
}

fn in_order(stamps: &[u64]) -> bool {
    stamps.iter().zip(0..).all(|(stamp, n)| *stamp == n)
}

#[test]
fn an_hour_through_a_wrap_and_three_jumps_loses_and_repeats_nothing() {
    for (timestamp_bits, timestamp_start_ms) in [(24, (1 << 24) - 400_000), (32, (1 << 32) - 400_000)] {
        let jumps = vec![(600_000, 3_600_000), (1_200_000, -5_000_000), (3_000_000, 20_000)];
        let mut sender = Sender::new(EncoderConfig { timestamp_bits, timestamp_start_ms, jumps, ..small() });
        let (hub, mut clock) = (Hub::new(Limits::default()), Clock::new());
        let publisher = publish(&hub, &clock);
        sender.announce(&publisher, &clock);
        let mut reader = Follower::default();
        for minute in 1..=60 {
            sender.run(&publisher, &mut clock, minute * 60_000).expect("the publisher's own stream");
            reader.read_all(publisher.stream());
            reader.entries.retain(|entry| entry.dts().is_some() || entry.seq < 10);
        }
        assert!(reader.missed > 0, "a minute is more than the log keeps");
        let counters = publisher.stream().counters();
        assert_eq!((counters.timeline.jumps, counters.timeline.held), (3, 0), "{timestamp_bits} bits");
        let (_, video_ms) = reader.assert_times_rise(VIDEO, Timescale::VIDEO);
        let (_, audio_ms) = reader.assert_times_rise(AUDIO, SOUND);
        assert!((video_ms - 3_600_000).abs() < 200, "an hour of media is an hour of the stream: {video_ms}");
        assert!((video_ms - audio_ms).abs() < 60, "sound stays with the picture: {video_ms} and {audio_ms}");
    }
}

#[test]
fn every_frame_of_a_jumping_sender_comes_out_once_and_in_its_order() {
    let jumps = vec![(2_000, -40_000_000), (5_000, 90_000_000), (5_500, 11_000), (9_000, -12_000)];
    let mut sender = Sender::new(EncoderConfig { jumps, timestamp_start_ms: 50_000_000, ..small() });
    let (hub, mut clock) = (Hub::new(Limits { log_ms: 60_000, ..Limits::default() }), Clock::new());
    let publisher = publish(&hub, &clock);
    sender.announce(&publisher, &clock);
    sender.run(&publisher, &mut clock, 20_000).expect("the publisher's own stream");
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    assert_eq!(reader.missed, 0);
    assert_eq!((reader.stamps(VIDEO).len(), in_order(&reader.stamps(VIDEO))), (600, true));
    assert!(in_order(&reader.stamps(AUDIO)) && reader.stamps(AUDIO).len() > 930);
    assert_eq!(reader.announcements(), (2, 0), "a jump of the clock is no discontinuity");
}

#[test]
fn sound_and_picture_keep_their_distance_through_thirty_reconnects() {
    let mut random = Random::for_test("thirty_reconnects", 0x7A7A);
    let (hub, mut clock) = (Hub::new(Limits { log_ms: i64::MAX, ..Limits::default() }), Clock::new());
    let mut sent_ms = 0;
    let mut reader = Follower::default();
    for connection in 0..30u64 {
        let publisher = publish(&hub, &clock);
        let mut sender = Sender::new(EncoderConfig {
            seed: connection,
            audio_offset_ms: 7,
            timestamp_start_ms: random.below(1 << 32),
            ..small()
        });
        sender.announce(&publisher, &clock);
        let length_ms = random.between(1_500, 9_000) as i64;
        sender.run(&publisher, &mut clock, length_ms).expect("the publisher's own stream");
        sent_ms += length_ms;
        let before = reader.entries.len();
        reader.read_all(publisher.stream());
        let this = Follower { entries: reader.entries.split_off(before), ..Follower::default() };
        assert!(in_order(&this.stamps(VIDEO)) && in_order(&this.stamps(AUDIO)), "connection {connection}");
        let (video, audio) = (this.frames(VIDEO)[0].dts, this.frames(AUDIO)[0].dts);
        let apart_ms = audio.millis(SOUND) - video.millis(Timescale::VIDEO);
        assert!((6..=8).contains(&apart_ms), "connection {connection}: {apart_ms} ms");
        reader.entries.extend(this.entries);
        let stream = publisher.stream().clone();
        publisher.leave(clock.now(), clock.wall());
        assert_eq!(stream.state(), State::Stalled);
        clock.advance(Duration::from_millis(random.between(0, 59_999)));
        hub.expire(clock.now());
    }
    let (first, last) = reader.assert_times_rise(VIDEO, Timescale::VIDEO);
    reader.assert_times_rise(AUDIO, SOUND);
    assert!(first == 0 && (last - sent_ms).abs() < 30 * 60, "{last} of {sent_ms} ms: no outage in the timeline");
    assert_eq!(reader.announcements().1, 0, "the same configuration: no discontinuity");
    let is = |entry: &&std::sync::Arc<hub::Entry>, what: fn(&Item) -> bool| what(&entry.item);
    let stalls = reader.entries.iter().filter(|entry| is(entry, |item| matches!(item, Item::Stalled))).count();
    let returns = reader.entries.iter().filter(|entry| is(entry, |item| matches!(item, Item::Resumed))).count();
    assert_eq!((stalls, returns), (29, 29), "the last stall was after the last read");
}

#[test]
fn wall_clock_shows_the_outage_that_media_time_does_not() {
    let (hub, mut clock) = (Hub::new(Limits { log_ms: 60_000, ..Limits::default() }), Clock::new());
    let mut reader = Follower::default();
    for _ in 0..2 {
        let publisher = publish(&hub, &clock);
        let mut sender = Sender::new(small());
        sender.announce(&publisher, &clock);
        sender.run(&publisher, &mut clock, 3_000).expect("the publisher's own stream");
        reader.read_all(publisher.stream());
        publisher.leave(clock.now(), clock.wall());
        clock.advance(Duration::from_secs(30));
    }
    let pictures: Vec<_> = reader
        .entries
        .iter()
        .filter(|entry| matches!(&entry.item, Item::Frame { frame, .. } if frame.track == VIDEO))
        .collect();
    let steps: Vec<(i64, i64)> = pictures
        .windows(2)
        .map(|pair| (pair[1].time_ms() - pair[0].time_ms(), pair[1].wall.0 - pair[0].wall.0))
        .collect();
    assert!(steps.iter().all(|(media, _)| (1..=60).contains(media)), "{steps:?}");
    let outages: Vec<i64> = steps.iter().map(|(_, wall)| *wall).filter(|wall| *wall > 100).collect();
    assert_eq!(outages.len(), 1);
    assert!((30_000..30_100).contains(&outages[0]), "{outages:?}");
}

#[test]
fn four_tracks_start_readers_on_the_first_picture_only_and_each_keeps_its_order() {
    let (hub, clock) = (Hub::new(Limits { log_ms: 60_000, ..Limits::default() }), Clock::new());
    let publisher = publish(&hub, &clock);
    let mut encoder = testkit::Encoder::new(small());
    let second = |id: TrackId| TrackId(id.0 + 1);
    for track in encoder.tracks().iter() {
        publisher.put_track(track.as_ref().clone(), clock.wall()).expect("room");
        let twin = media::Track { id: second(track.id), ..track.as_ref().clone() };
        publisher.put_track(twin, clock.wall()).expect("room");
    }
    for frame in encoder.frames_until_ms(10_000) {
        let late = Ticks(if frame.track == VIDEO { 900 } else { 480 });
        let twin = media::Frame { track: second(frame.track), dts: frame.dts.plus(late), ..frame.clone() };
        publisher.push(frame, clock.wall()).expect("push");
        publisher.push(twin, clock.wall()).expect("push");
    }
    let mut reader = Follower::default();
    reader.read_all(publisher.stream());
    for id in [VIDEO, second(VIDEO)] {
        reader.assert_times_rise(id, Timescale::VIDEO);
        assert_eq!(reader.frames(id).len(), 300);
    }
    assert_eq!(reader.frames(AUDIO).len(), reader.frames(second(AUDIO)).len());
    let starts: Vec<_> = reader.entries.iter().filter(|entry| entry.start).collect();
    assert_eq!(starts.len(), 10, "one each second");
    assert!(starts.iter().all(|at| matches!(&at.item, Item::Frame { frame, .. } if frame.track == VIDEO && frame.key)));
    assert_eq!(publisher.stream().start_point().expect("started").tracks.len(), 4);
}
