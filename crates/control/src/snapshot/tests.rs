use media::Redacted;

use super::*;
use crate::ChannelOptions;
use crate::airing::tests::airing;
use crate::teaching::LessonState;

const NOW: UnixMillis = UnixMillis(1_000);

fn channel(name: &str) -> Channel {
    let path = ChannelPath { app: "live".parse().expect("app"), name: name.parse().expect("name") };
    Channel::create(path, &ChannelOptions { public: false, ..ChannelOptions::default() }, NOW)
}

fn own_key(mentor: UserId, text: &str) -> OwnKey {
    OwnKey { id: crate::keys::random_id(), mentor, hash: KeyHash::of(text), revoked_at: None }
}

fn key(channel: &Channel) -> (StreamKey, Redacted<String>) {
    StreamKey::create(channel.id, "", NOW)
}

/// Two lessons of two mentors, and a channel that is no lesson's.
struct World {
    channels: [Channel; 3],
    airings: [Airing; 2],
    own: [OwnKey; 2],
    snapshot: Snapshot,
}

fn world() -> World {
    let channels = [channel("satu"), channel("dua"), channel("umum")];
    let mentors = [UserId::new(UnixMillis(1)), UserId::new(UnixMillis(2))];
    let airings =
        [0, 1].map(|at| Airing { channel: channels[at].id, ..airing(mentors[at], 900, 1_100, LessonState::Scheduled) });
    let own = [own_key(mentors[0], "kunci-satu"), own_key(mentors[1], "kunci-dua")];
    let keys = channels.iter().map(|channel| key(channel).0).collect();
    let snapshot = Snapshot::new(channels.to_vec(), keys).with_lessons(airings.to_vec(), own.to_vec());
    World { channels, airings, own, snapshot }
}

fn found(snapshot: &Snapshot, mentor: UserId) -> Option<Uuid> {
    snapshot.channel_of_mentor(mentor, &"live".parse().expect("app"), NOW).map(|channel| channel.id)
}

#[test]
fn a_channel_is_asked_for_its_lesson_and_one_without_takes_anybody_with_a_key() {
    let world = world();
    assert_eq!(world.snapshot.airing(world.channels[0].id), Some(&world.airings[0]));
    assert_eq!(world.snapshot.airing(world.channels[2].id), None);
    assert!(world.snapshot.takes_publisher(&world.channels[2], UnixMillis(9_999)));
    assert!(world.snapshot.takes_publisher(&world.channels[0], NOW));
    assert!(!world.snapshot.takes_publisher(&world.channels[0], UnixMillis(1_100)));
    let wide = world.snapshot.with_margin_ms(50);
    assert!(wide.takes_publisher(&world.channels[0], UnixMillis(1_149)));
}

#[test]
fn a_lesson_that_was_touched_is_as_it_is_now_and_the_others_stay() {
    let world = world();
    let [first, second] = world.airings;
    let touched = Touched { lessons: vec![first.lesson], ..Touched::default() };
    let ended = Airing { state: LessonState::Ended, ..first };
    let parts = Parts { channels: vec![world.channels[0].clone()], airings: vec![ended], ..Parts::default() };
    let after = world.snapshot.with(&touched, parts);
    assert_eq!(after.airing(first.channel), Some(&ended));
    assert_eq!((found(&after, first.mentor), found(&after, second.mentor)), (None, Some(second.channel)));
    assert_eq!(after.keys().filter(|key| key.channel == first.channel).count(), 0, "they are not there any more");
    assert_eq!(found(&world.snapshot, first.mentor), Some(first.channel), "what was asked of before stays as it was");
}

#[test]
fn a_channel_that_is_gone_is_forgotten_with_its_keys_but_not_one_that_took_its_path() {
    let world = world();
    let old = &world.channels[2];
    let touched = Touched { channels: vec![old.id], ..Touched::default() };
    let after = world.snapshot.with(&touched, Parts::default());
    assert!(after.channel(&old.path).is_none() && after.channel_by_id(old.id).is_none());
    assert_eq!((after.channels().count(), after.keys().count()), (2, 2));
    // The one before is told of only after the new one is known.
    let new = channel("umum");
    let (key, _) = key(&new);
    let both = Touched { channels: vec![new.id], ..Touched::default() };
    let parts = Parts { channels: vec![new.clone()], keys: vec![key], ..Parts::default() };
    let replaced = world.snapshot.with(&both, parts).with(&touched, Parts::default());
    assert_eq!(replaced.channel(&old.path).map(|channel| channel.id), Some(new.id));
    assert_eq!(replaced.keys().filter(|key| key.channel == new.id).count(), 1);
}

#[test]
fn a_mentor_who_was_touched_has_the_keys_and_lessons_that_there_are_now() {
    let world = world();
    let [first, second] = world.airings;
    let touched = Touched { mentors: vec![first.mentor], ..Touched::default() };
    let new = own_key(first.mentor, "kunci-baru");
    let suspended = Airing { suspended: true, ..first };
    let parts = Parts { own_keys: vec![new], airings: vec![suspended], ..Parts::default() };
    let after = world.snapshot.with(&touched, parts);
    assert_eq!(after.own_key(world.own[0].id), None);
    assert_eq!(after.own_key(new.id), Some(&new));
    assert_eq!(after.own_key_of(KeyHash::of("kunci-dua")), Some(&world.own[1]));
    assert_eq!((found(&after, first.mentor), found(&after, second.mentor)), (None, Some(second.channel)));
    assert!(after.channel_by_id(first.channel).is_some(), "its channel was not touched");
    // Said again, nothing is there twice.
    let again = after.with(&touched, Parts { airings: vec![first], ..Parts::default() });
    assert_eq!(again.lessons_of[&first.mentor].len(), 1);
}

#[test]
fn a_lesson_that_has_another_channel_leaves_the_one_before() {
    let world = world();
    let first = world.airings[0];
    let elsewhere = channel("pindah");
    let moved = Airing { channel: elsewhere.id, ..first };
    let touched = Touched { lessons: vec![first.lesson], ..Touched::default() };
    let parts = Parts { channels: vec![elsewhere.clone()], airings: vec![moved], ..Parts::default() };
    let after = world.snapshot.with(&touched, parts);
    assert_eq!(after.airing(first.channel), None);
    assert_eq!(found(&after, first.mentor), Some(elsewhere.id));
}

#[test]
fn a_mentors_key_opens_nothing_in_another_application() {
    let world = world();
    let other: Name = "lain".parse().expect("app");
    assert!(world.snapshot.channel_of_mentor(world.airings[0].mentor, &other, NOW).is_none());
}

#[test]
fn a_lesson_that_is_set_for_some_day_is_there_when_its_slot_comes_and_leaves_a_day_after_its_end() {
    const DAY: i64 = crate::airing::KNOWN_AFTER_END_MS;
    let world = world();
    let (starts, ends) = (NOW.plus_millis(400 * DAY), NOW.plus_millis(401 * DAY));
    let of_some_day = Airing { starts, ends, ..world.airings[0] };
    let keys = vec![key(&world.channels[0]).0];
    let mut snapshot = Snapshot::new(world.channels.to_vec(), keys).with_lessons(vec![of_some_day], world.own.to_vec());
    for day in 0..400 {
        snapshot = snapshot.without_past(NOW.plus_millis(day * DAY));
        assert!(!snapshot.takes_publisher(&world.channels[0], NOW.plus_millis(day * DAY)));
    }
    assert!(snapshot.takes_publisher(&world.channels[0], starts));
    // Whether it came to its end or not: that is for who directs it to say.
    snapshot = snapshot.without_past(ends.plus_millis(9 * DAY));
    for (state, ended, until) in [
        (LessonState::Live, None, i64::MAX / 2),
        (LessonState::Ended, None, ends.0 + DAY),
        (LessonState::Ended, Some(UnixMillis(starts.0 + 5)), starts.0 + 5 + DAY),
        (LessonState::Cancelled, None, ends.0 + DAY),
    ] {
        let now = Airing { state, ended, ..of_some_day };
        let touched = Touched { lessons: vec![now.lesson], ..Touched::default() };
        let parts = || Parts {
            channels: vec![world.channels[0].clone()],
            keys: vec![key(&world.channels[0]).0],
            airings: vec![now],
            ..Parts::default()
        };
        let last = snapshot.with(&touched, parts()).without_past(UnixMillis(until - 1));
        assert!(last.airing(now.channel).is_some() && !last.has_past(UnixMillis(until - 1)), "{now:?}");
        if state != LessonState::Live {
            let after = snapshot.with(&touched, parts()).without_past(UnixMillis(until));
            assert!(last.has_past(UnixMillis(until)));
            assert!(after.airing(now.channel).is_none() && after.channel_by_id(now.channel).is_none(), "{now:?}");
            assert!(after.channel(&world.channels[0].path).is_none() && after.lessons_of.is_empty());
            assert_eq!((after.channels().len(), after.keys().count()), (2, 0), "{now:?}");
        }
    }
}

#[test]
fn a_past_lessons_channel_that_changes_stays_away() {
    let lesson = crate::LessonId::new(NOW);
    let channel = crate::teaching::lessons::channel_of(lesson, NOW);
    let touched = Touched { channels: vec![channel.id], ..Touched::default() };
    let parts = Parts { keys: vec![key(&channel).0], channels: vec![channel], ..Parts::default() };
    let after = Snapshot::default().with(&touched, parts).without_past(NOW);
    assert_eq!((after.channels().len(), after.keys().count()), (0, 0));
}
