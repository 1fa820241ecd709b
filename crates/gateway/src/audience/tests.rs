use control::{CourseId, LessonId, Seq, SessionId};
use media::{AudioParams, Codec, Frame, Ticks, Timescale, Track, TrackId, TrackParams};

use super::*;

fn claims(user: UserId, channel: Uuid) -> Arc<Claims> {
    let now = wall_now();
    Arc::new(Claims {
        user,
        session: SessionId::new(now),
        lesson: LessonId(channel),
        course: CourseId::new(now),
        channel,
        playback: PlaybackId::new(now),
        kind: Kind::Live,
        seq: Seq(1),
        issued: now,
        expires: now.plus_millis(60_000),
        kid: 1,
    })
}

fn someone() -> UserId {
    UserId::new(wall_now())
}

#[test]
fn a_person_with_two_devices_is_one_viewer_and_two_lines() {
    let (audience, channel, person) = (Arc::new(Audience::default()), control::keys::random_id(), someone());
    let (phone, laptop, other) = (claims(person, channel), claims(person, channel), claims(someone(), channel));
    audience.asks(&phone, "llhls");
    let laptop_plays = audience.plays(&laptop, "flv");
    audience.asks(&other, "dash");
    audience.asks(&other, "dash");
    assert_eq!((audience.people(channel, None), audience.watching(channel).len()), (2, 3));
    assert_eq!(audience.people(channel, Some(person)), 1, "a mentor looks at what they send");
    assert_eq!(audience.people(control::keys::random_id(), None), 0);
    drop(laptop_plays);
    let protocols: HashSet<&str> = audience.watching(channel).iter().map(|one| one.protocol).collect();
    assert_eq!(protocols, HashSet::from(["llhls", "dash"]), "who closes is gone at once");
}

#[test]
fn a_recording_has_no_audience_and_no_attendance() {
    let (audience, channel) = (Arc::new(Audience::default()), control::keys::random_id());
    let recording = Arc::new(Claims { kind: Kind::Recording, ..(*claims(someone(), channel)).clone() });
    audience.asks(&recording, "hls");
    audience.got(&recording, "hls", (UnixMillis(0), UnixMillis(9_000)));
    assert!(audience.plays(&recording, "flv").is_none());
    assert_eq!((audience.people(channel, None), audience.take().len()), (0, 0));
}

#[test]
fn who_is_silent_for_long_watches_no_more_and_is_forgotten() {
    let (audience, channel) = (Arc::new(Audience::default()), control::keys::random_id());
    let (silent, plays) = (claims(someone(), channel), claims(someone(), channel));
    audience.asks(&silent, "hls");
    let _in_play = audience.plays(&plays, "flv");
    audience.forget(Instant::now() + FORGOTTEN_AFTER + Duration::from_secs(1));
    let left: Vec<_> = audience.watching(channel).iter().map(|one| one.playback).collect();
    assert_eq!(left, [plays.playback]);
}

#[test]
fn what_was_delivered_is_one_stretch_of_media_time_whatever_pieces_it_came_in() {
    let (audience, channel) = (Audience::default(), control::keys::random_id());
    let viewer = claims(someone(), channel);
    let came = |from: i64, to: i64| (UnixMillis(5_000 + from), UnixMillis(5_000 + to));
    for at in 0..10 {
        audience.got(&viewer, "llhls", came(at * 200, at * 200 + 200));
        audience.got(&viewer, "llhls", came(at * 200, at * 200 + 190));
    }
    audience.got(&viewer, "flv", came(0, 1_000));
    assert_eq!(audience.waiting(), 2);
    let mut taken = audience.take();
    taken.sort_by_key(|one| one.to);
    let spans: Vec<_> = taken.iter().map(|one| (one.protocol.as_ref(), one.from.0, one.to.0)).collect();
    assert_eq!(spans, [("flv", 5_000, 6_000), ("llhls", 5_000, 7_000)]);
    assert_eq!((audience.waiting(), audience.take().len()), (0, 0));
    audience.put_back(taken);
    assert_eq!(audience.take().len(), 2, "what could not be kept comes back");
}

#[test]
fn who_comes_after_an_outage_is_on_the_record_when_they_came() {
    let hub = hub::Hub::new(hub::Limits::default());
    let path = media::ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
    let begin = UnixMillis(1_700_000_000_000);
    let track = Track {
        id: TrackId(1),
        codec: Codec::Aac,
        timescale: Timescale::MILLIS,
        config: bytes::Bytes::new(),
        params: TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1024 }),
        codec_string: "mp4a.40.2".into(),
    };
    let sound =
        |ms| Frame { track: TrackId(1), dts: Ticks(ms), cts: Ticks::ZERO, key: true, payload: b"aac"[..].into() };
    let send = |from: UnixMillis| {
        let (publisher, _) = hub.publish(&path, from);
        publisher.put_track(track.clone(), from).expect("put");
        (0..=60).for_each(|s| publisher.push(sound(s * 1_000), from.plus_millis(s * 1_000)).expect("push"));
        publisher
    };
    send(begin).leave(Instant::now(), begin.plus_millis(60_000));
    let back = begin.plus_millis(1_260_000);
    let publisher = send(back);
    let stream = publisher.stream();
    assert_eq!(moments(stream, (10_000, 14_000)), (begin.plus_millis(10_000), begin.plus_millis(14_000)));
    let (from, to) = moments(stream, (71_000, 75_000));
    assert_eq!((from, to.0 - from.0), (back.plus_millis(10_000), 4_000), "ten seconds after it came back");
}

#[test]
fn what_waits_has_a_bound_and_what_goes_on_is_not_lost_to_it() {
    let (audience, channel) = (Audience::default(), control::keys::random_id());
    let viewer = claims(someone(), channel);
    for at in 0..=WAITING_MAX as i64 {
        audience.wait(Interval {
            lesson: viewer.lesson,
            user: viewer.user,
            playback: PlaybackId(Uuid::from_u128(at as u128)),
            protocol: Cow::Borrowed("flv"),
            from: UnixMillis(0),
            to: UnixMillis(1),
        });
    }
    assert_eq!(audience.waiting(), WAITING_MAX);
    let first = PlaybackId(Uuid::from_u128(0));
    let one = |to| Interval {
        lesson: viewer.lesson,
        user: viewer.user,
        playback: first,
        protocol: Cow::Borrowed("flv"),
        from: UnixMillis(1),
        to: UnixMillis(to),
    };
    audience.wait(one(200));
    let taken = audience.take();
    assert_eq!(taken.len(), WAITING_MAX);
    assert!(taken.iter().any(|known| known.playback == first && known.to == UnixMillis(200)));
}

#[test]
fn a_viewer_that_jumps_got_nothing_of_what_lies_between() {
    let mut delivered = Delivered::default();
    for at in [0, 33, 20, 66] {
        delivered.reaches(at);
    }
    assert_eq!(delivered.take(), [(0, 66)]);
    delivered.reaches(100);
    delivered.jumps();
    delivered.reaches(3_000);
    delivered.reaches(3_033);
    assert_eq!(delivered.take(), [(66, 100), (3_000, 3_033)], "on from where it was, and anew");
    delivered.jumps();
    assert_eq!(delivered.take(), []);
}
