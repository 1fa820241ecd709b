//! Lessons: who publishes when, and what playback tokens open for how long.

use super::*;
use crate::airing::tests::airing;
use crate::airing::{Airing, OwnKey};
use crate::playback::tests::{claims, secret};
use crate::playback::{Kind, LIFE_MS};
use crate::playbacks::{Carry, Terms};
use crate::teaching::LessonState;
use crate::{ChangeKind, NewChange, PlaybackId, Seq, UserId};

const MARGIN_MS: i64 = 1_000;

struct Lesson {
    directory: Directory,
    channel: Channel,
    key: String,
    own: OwnKey,
    own_key: String,
    airing: Airing,
    keys: Vec<StreamKey>,
}

impl Lesson {
    /// From a second after [`NOW`] to an hour later.
    fn new() -> Self {
        let options = ChannelOptions { public: false, ..ChannelOptions::default() };
        let channel = Channel::create(path("live/pelajaran"), &options, NOW);
        let (kept, key) = StreamKey::create(channel.id, "", NOW);
        let (mentor, own_key) = (UserId::new(NOW), crate::keys::generate().0);
        let own = OwnKey { id: crate::keys::random_id(), mentor, hash: KeyHash::of(&own_key), revoked_at: None };
        let airing = airing(mentor, NOW.0 + 2_000, NOW.0 + 3_602_000, LessonState::Scheduled);
        let airing = Airing { channel: channel.id, ..airing };
        let directory = Directory::default();
        directory.set_token_keys(TokenKeys::new(&[secret(1)]));
        let lesson = Self { directory, channel, key: key.0, own, own_key, airing, keys: vec![kept] };
        lesson.is(lesson.airing, lesson.own);
        lesson
    }

    fn is(&self, airing: Airing, own: OwnKey) {
        let snapshot = Snapshot::new(vec![self.channel.clone()], self.keys.clone());
        self.directory.replace(snapshot.with_lessons(vec![airing], vec![own]).with_margin_ms(MARGIN_MS));
    }

    fn claims(&self) -> Claims {
        let expires = NOW.plus_millis(LIFE_MS);
        Claims { channel: self.channel.id, lesson: self.airing.lesson, issued: NOW, expires, ..claims() }
    }

    /// The claims and what comes of their token.
    fn play(&self, claims: &Claims, now: UnixMillis) -> Result<PlayGrant, Denied> {
        let token = self.directory.token_keys().issue(claims).expect("a key");
        self.directory.authorize_playback(&self.channel.path, &self.directory.read_token(&token.0)?, now)
    }

    fn revoke(&self, seq: i64, scope: NewChange) {
        self.directory.learn(&[Change { seq: Seq(seq), at: NOW, what: scope }], NOW);
    }
}

fn at(ms: i64) -> UnixMillis {
    NOW.plus_millis(ms)
}

#[test]
fn a_lessons_channel_takes_its_publisher_while_its_slot_is_open_whatever_is_shown() {
    let lesson = Lesson::new();
    let sign = sign::issue(&lesson.channel, Purpose::Publish, NOW.seconds() + 99_999);
    for shown in [lesson.key.clone(), lesson.own_key.clone(), format!("pelajaran?sign={sign}")] {
        let ask = |now| lesson.directory.authorize_publish("live", &shown, now);
        assert_eq!(ask(at(999)).err(), Some(Denied::NotNow), "{shown}");
        let grant = ask(at(1_000)).expect("open");
        assert_eq!(grant.channel.id, lesson.channel.id);
        assert!(lesson.directory.still_valid(&grant, at(3_602_999)));
        assert!(!lesson.directory.still_valid(&grant, at(3_603_000)), "the slot closed");
        lesson.is(Airing { state: LessonState::Live, ..lesson.airing }, lesson.own);
        assert!(lesson.directory.still_valid(&grant, at(9_603_000)), "who is live is not cut off");
        lesson.is(Airing { state: LessonState::Ended, ..lesson.airing }, lesson.own);
        assert!(!lesson.directory.still_valid(&grant, at(2_000)));
        assert_eq!(ask(at(2_000)).err(), Some(Denied::NotNow));
        lesson.is(lesson.airing, lesson.own);
    }
}

#[test]
fn a_mentors_own_key_is_refused_once_it_is_revoked_and_elsewhere() {
    let lesson = Lesson::new();
    let grant = lesson.directory.authorize_publish("live", &lesson.own_key, at(2_000)).expect("open");
    assert_eq!(grant.credential, Credential::OwnKey(lesson.own.id));
    assert_eq!(lesson.directory.authorize_publish("lain", &lesson.own_key, at(2_000)).err(), Some(Denied::NotNow));
    lesson.is(lesson.airing, OwnKey { revoked_at: Some(NOW), ..lesson.own });
    assert!(!lesson.directory.still_valid(&grant, at(2_000)));
    assert_eq!(lesson.directory.authorize_publish("live", &lesson.own_key, at(2_000)).err(), Some(Denied::Revoked));
}

#[test]
fn a_token_opens_its_own_channel_until_its_time_is_over() {
    let lesson = Lesson::new();
    let mine = lesson.claims();
    let grant = lesson.play(&mine, NOW).expect("right");
    assert!(lesson.directory.play_still_valid(&grant, at(LIFE_MS - 1)));
    assert!(!lesson.directory.play_still_valid(&grant, at(LIFE_MS)));
    assert_eq!(lesson.play(&mine, at(LIFE_MS)).err(), Some(Denied::Expired));
    let elsewhere = Claims { channel: crate::keys::random_id(), ..mine.clone() };
    assert_eq!(lesson.play(&elsewhere, NOW).err(), Some(Denied::Unknown));
    assert_eq!(lesson.directory.read_token("nonsense").err(), Some(Denied::Malformed));
    let forged = TokenKeys::new(&[secret(1)]).issue(&mine).expect("a key").0;
    assert_eq!(lesson.directory.read_token(&forged).err(), Some(Denied::Forged));
    lesson.directory.replace(Snapshot::default());
    assert!(!lesson.directory.play_still_valid(&grant, NOW), "the channel is gone");
    assert_eq!(lesson.play(&mine, NOW).err(), Some(Denied::Unknown));
}

#[test]
fn what_was_taken_away_after_it_was_granted_is_refused_at_once() {
    let lesson = Lesson::new();
    let mine = lesson.claims();
    let scopes = [
        NewChange::new(ChangeKind::Revoked).session(mine.session),
        NewChange::new(ChangeKind::Revoked).user(mine.user),
        NewChange::new(ChangeKind::Revoked).user(mine.user).lesson(mine.lesson),
        NewChange::new(ChangeKind::Revoked).user(mine.user).course(mine.course),
        NewChange::new(ChangeKind::Revoked).lesson(mine.lesson),
        NewChange::new(ChangeKind::Revoked).channel(mine.channel),
    ];
    for (seq, scope) in (mine.seq.0 + 1..).zip(scopes) {
        let before = Claims { seq: Seq(seq - 1), ..mine.clone() };
        let grant = lesson.play(&before, NOW).expect("right until then");
        lesson.revoke(seq, scope.clone());
        assert!(!lesson.directory.play_still_valid(&grant, NOW), "{scope:?}");
        assert_eq!(lesson.play(&before, NOW).err(), Some(Denied::Revoked), "{scope:?}");
        assert!(lesson.play(&Claims { seq: Seq(seq), ..mine.clone() }, NOW).is_ok(), "granted anew: {scope:?}");
    }
}

#[test]
fn a_session_that_is_refreshed_goes_on_under_its_old_token_and_one_that_is_ended_does_not() {
    let lesson = Lesson::new();
    let mine = Arc::new(lesson.claims());
    lesson.directory.playbacks().open(&mine, Carry::Cookie, Terms::default(), NOW).expect("room");
    let grant = lesson.play(&mine, NOW).expect("right");
    let later = at(3 * LIFE_MS);
    assert!(lesson.directory.playbacks().extend(mine.playback, Seq(mine.seq.0 + 5), later, at(1)));
    assert!(lesson.directory.play_still_valid(&grant, at(2 * LIFE_MS)));
    let shown = lesson.play(&mine, at(2 * LIFE_MS)).expect("it goes on");
    assert_eq!(shown.credential, Some(Credential::Playback { claims: Arc::clone(&mine), expires_at: later }));
    lesson.revoke(mine.seq.0 + 5, NewChange::new(ChangeKind::Revoked).user(mine.user));
    assert!(lesson.directory.play_still_valid(&grant, NOW), "it was decided anew with that change");
    lesson.directory.playbacks().end(mine.playback);
    assert!(!lesson.directory.play_still_valid(&grant, NOW));
    assert_eq!(lesson.play(&mine, NOW).err(), Some(Denied::Revoked));
}

#[test]
fn what_a_retired_key_signed_is_refused_and_closed_and_goes_on_under_a_token_of_the_next() {
    let lesson = Lesson::new();
    let (first, second) = (secret(1), secret(2));
    lesson.directory.set_token_keys(TokenKeys::new(std::slice::from_ref(&first)));
    let mine = Arc::new(lesson.claims());
    lesson.directory.playbacks().open(&mine, Carry::Cookie, Terms::default(), NOW).expect("room");
    let old = lesson.directory.token_keys().issue(&mine).expect("a key").0;
    let grant = lesson.play(&mine, NOW).expect("right");
    lesson.directory.set_token_keys(TokenKeys::new(&[second.clone(), first]));
    assert!(lesson.directory.play_still_valid(&grant, NOW) && lesson.directory.read_token(&old).is_ok());
    let renewed = lesson.play(&mine, NOW).expect("right");
    lesson.directory.set_token_keys(TokenKeys::new(&[second]));
    assert!(!lesson.directory.play_still_valid(&grant, NOW), "what was opened with it is closed");
    assert_eq!(lesson.directory.read_token(&old).err(), Some(Denied::Forged));
    assert!(lesson.directory.play_still_valid(&renewed, NOW), "the session itself goes on");
}

#[test]
fn a_token_that_plays_does_not_publish() {
    let lesson = Lesson::new();
    let token = lesson.directory.token_keys().issue(&lesson.claims()).expect("a key").0;
    for text in [token.clone(), format!("pelajaran?token={token}"), format!("pelajaran?sign={token}")] {
        assert!(lesson.directory.authorize_publish("live", &text, at(2_000)).is_err());
    }
    let grant = lesson.play(&lesson.claims(), at(2_000)).expect("right");
    let as_publisher =
        PublishGrant { channel: grant.channel.expect("known"), credential: grant.credential.expect("a token") };
    assert!(!lesson.directory.still_valid(&as_publisher, at(2_000)));
}

#[test]
fn a_recording_token_says_so() {
    let lesson = Lesson::new();
    let recording = Claims { kind: Kind::Recording, playback: PlaybackId::new(NOW), ..lesson.claims() };
    match lesson.play(&recording, NOW).expect("right").credential {
        Some(Credential::Playback { claims, .. }) => assert_eq!(claims.kind, Kind::Recording),
        other => panic!("{other:?}"),
    }
}

/// A lesson as it is set: at its own path. Ended at [`NOW`].
struct Held {
    directory: Directory,
    channel: Channel,
    key: String,
    claims: Arc<Claims>,
}

impl Held {
    fn new() -> Self {
        let claims = claims();
        let channel = crate::teaching::lessons::channel_of(claims.lesson, NOW);
        let (kept, key) = StreamKey::create(channel.id, "", NOW);
        let of_lesson = airing(UserId::new(NOW), NOW.0 - 3_600_000, NOW.0, LessonState::Ended);
        let of_lesson = Airing { lesson: claims.lesson, channel: channel.id, ended: Some(NOW), ..of_lesson };
        let snapshot = Snapshot::new(vec![channel.clone()], vec![kept]).with_lessons(vec![of_lesson], Vec::new());
        let claims = Claims { channel: channel.id, kind: Kind::Recording, expires: at(2 * DAY_MS), kid: 1, ..claims };
        let directory = Directory::new(snapshot);
        directory.set_token_keys(TokenKeys::new(&[secret(1)]));
        Self { directory, channel, key: key.0, claims: Arc::new(claims) }
    }

    fn play(&self, path: &ChannelPath, now: UnixMillis) -> Result<PlayGrant, Denied> {
        self.directory.authorize_playback(path, &self.claims, now)
    }
}

const DAY_MS: i64 = crate::airing::KNOWN_AFTER_END_MS;

#[test]
fn a_past_lessons_recording_plays_though_nothing_is_known_of_it_any_more_until_its_right_is_taken_back() {
    let held = Held::new();
    let before = held.play(&held.channel.path, at(DAY_MS - 1)).expect("right");
    held.directory.forget_past(at(DAY_MS - 1));
    assert_eq!(held.directory.snapshot().channels().len(), 1);
    held.directory.forget_past(at(DAY_MS));
    assert_eq!((held.directory.snapshot().channels().len(), held.directory.snapshot().keys().count()), (0, 0));
    let after = held.play(&held.channel.path, at(DAY_MS)).expect("right");
    assert!(before.channel.is_some() && after.channel.is_none());
    assert_eq!((before.id, after.id), (held.channel.id, held.channel.id));
    let valid = |grant: &PlayGrant| held.directory.play_still_valid(grant, at(DAY_MS));
    assert!(valid(&before) && valid(&after), "what was open goes on");
    let what = NewChange::new(ChangeKind::Revoked).channel(held.channel.id);
    held.directory.learn(&[Change { seq: Seq(held.claims.seq.0 + 1), at: at(DAY_MS), what }], at(DAY_MS));
    assert!(!valid(&before) && !valid(&after));
    assert_eq!(held.play(&held.channel.path, at(DAY_MS)).err(), Some(Denied::Revoked));
}

#[test]
fn a_past_lessons_token_opens_its_own_path_and_no_other() {
    let held = Held::new();
    held.directory.forget_past(at(DAY_MS));
    let live = Arc::new(Claims { kind: Kind::Live, ..Claims::clone(&held.claims) });
    let live = held.directory.authorize_playback(&held.channel.path, &live, at(DAY_MS));
    assert_eq!(live.err(), Some(Denied::Unknown), "nothing of it is on, or not known yet: they try again");
    let other = crate::teaching::lessons::path_of(claims().lesson);
    let shouted = held.channel.path.name.as_str().to_uppercase().replace('L', "l");
    let shouted = ChannelPath { app: held.channel.path.app.clone(), name: shouted.parse().expect("a name") };
    for path in [other, shouted, path("lesson/lain"), path("live/kelas")] {
        assert_eq!(held.play(&path, at(DAY_MS)).err(), Some(Denied::Unknown), "{path}");
    }
    let there = Channel::create(held.channel.path.clone(), &ChannelOptions::default(), NOW);
    held.directory.replace(Snapshot::new(vec![there], Vec::new()));
    assert_eq!(held.play(&held.channel.path, at(DAY_MS)).err(), Some(Denied::Unknown), "another channel is there");
}

#[test]
fn nobody_publishes_to_a_past_lesson_nor_to_a_lessons_channel_of_which_nothing_is_known() {
    let held = Held::new();
    let sign = sign::issue(&held.channel, Purpose::Publish, NOW.seconds() + 999_999);
    let ask = |shown: &str| held.directory.authorize_publish("lesson", shown, at(DAY_MS)).err();
    let signed = format!("{}?sign={sign}", held.channel.path.name);
    assert_eq!((ask(&held.key), ask(&signed)), (Some(Denied::NotNow), Some(Denied::NotNow)));
    held.directory.forget_past(at(DAY_MS));
    assert_eq!((ask(&held.key), ask(&signed)), (Some(Denied::Unknown), Some(Denied::Unknown)));
    // As a change of its keys brings it.
    let (kept, key) = StreamKey::create(held.channel.id, "", NOW);
    held.directory.replace(Snapshot::new(vec![held.channel.clone()], vec![kept]));
    assert_eq!((ask(&key.0), ask(&signed)), (Some(Denied::NotNow), Some(Denied::NotNow)));
}
