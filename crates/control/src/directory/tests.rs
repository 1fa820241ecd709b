//! Who may and who may not, at the start and while it lasts.

use media::{Redacted, UnixMillis};
use proptest::prelude::*;

use super::*;
use crate::{ChannelOptions, StreamKey};

mod lessons;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn path(text: &str) -> ChannelPath {
    let (app, name) = text.split_once('/').expect("app/name");
    ChannelPath { app: app.parse().expect("app"), name: name.parse().expect("name") }
}

struct World {
    channels: Vec<Channel>,
    keys: Vec<StreamKey>,
    directory: Directory,
}

impl World {
    fn new() -> Self {
        Self { channels: Vec::new(), keys: Vec::new(), directory: Directory::default() }
    }

    fn channel(&mut self, text: &str, public: bool) -> (Channel, Redacted<String>) {
        let options = ChannelOptions { record: true, public, legacy_md5: true };
        let channel = Channel::create(path(text), &options, NOW);
        self.channels.push(channel.clone());
        let key = self.key(&channel);
        (channel, key)
    }

    fn key(&mut self, channel: &Channel) -> Redacted<String> {
        let (kept, key) = StreamKey::create(channel.id, "", NOW);
        self.keys.push(kept);
        self.reload();
        key
    }

    fn reload(&self) {
        self.directory.replace(Snapshot::new(self.channels.clone(), self.keys.clone()));
    }

    fn publish(&self, app: &str, name_and_query: &str) -> Result<PublishGrant, Denied> {
        self.directory.authorize_publish(app, name_and_query, NOW)
    }
}

#[test]
fn a_key_publishes_to_its_channel_in_its_application_only() {
    let mut world = World::new();
    let (channel, key) = world.channel("live/kelas", true);
    world.channel("lain/kelas", true);
    let grant = world.publish("live", &key.0).expect("right key");
    assert_eq!(grant.channel.id, channel.id);
    assert_eq!(grant.credential, Credential::Key(world.keys[0].id));
    assert!(world.directory.still_valid(&grant, NOW));
    assert_eq!(world.publish("lain", &key.0).err(), Some(Denied::Unknown));
    assert_eq!(world.publish("live", &key.0[1..]).err(), Some(Denied::Unknown));
    assert_eq!(world.publish("live", &key.0.to_lowercase()).err(), Some(Denied::Unknown));
}

#[test]
fn what_encoders_add_to_the_application_or_the_name_is_ignored() {
    let mut world = World::new();
    let (_, key) = world.channel("live/kelas", true);
    for app in ["live", "live/", "live?vhost=a", "live/?sign=1-a"] {
        assert!(world.publish(app, &format!("{}?vhost=a&b", key.0)).is_ok(), "{app}");
    }
    for app in ["", "/live", "live/instance", "li ve"] {
        assert_eq!(world.publish(app, &key.0).err(), Some(Denied::Malformed), "{app}");
    }
}

#[test]
fn the_public_name_of_a_channel_is_no_key() {
    let mut world = World::new();
    world.channel("live/kelas", true);
    assert_eq!(world.publish("live", "kelas").err(), Some(Denied::Unknown));
    assert_eq!(world.publish("live", "kelas?key=kelas").err(), Some(Denied::Unknown));
}

#[test]
fn a_channel_named_like_a_key_of_another_opens_nothing_of_it() {
    let mut world = World::new();
    let (victim, key) = world.channel("live/korban", true);
    let (squatter, _) = world.channel(&format!("live/{}", key.0), true);
    let by_key = world.publish("live", &key.0).expect("the key is still the key");
    assert_eq!(by_key.channel.id, victim.id);
    let text = sign::issue(&squatter, Purpose::Publish, NOW.seconds());
    let by_sign = world.publish("live", &format!("{}?sign={text}", key.0)).expect("signed for that name");
    assert_eq!(by_sign.channel.id, squatter.id);
}

#[test]
fn no_signature_plays_a_lesson() {
    let mut world = World::new();
    for (path, opens) in [("live/kelas", true), ("lesson/l-1", false)] {
        let (channel, _) = world.channel(path, false);
        let text = sign::issue(&channel, Purpose::Play, NOW.seconds() + 60);
        let played = world.directory.authorize_play(&channel.path, Some(&text), NOW);
        assert_eq!(played.is_ok(), opens, "{path}");
    }
}

#[test]
fn several_keys_work_side_by_side_and_one_is_revoked_alone() {
    let mut world = World::new();
    let (channel, first) = world.channel("live/kelas", true);
    let second = world.key(&channel);
    let held = world.publish("live", &first.0).expect("first");
    let kept = world.publish("live", &second.0).expect("second");
    world.keys[0].revoked_at = Some(NOW);
    assert!(world.directory.still_valid(&held, NOW), "the snapshot has not changed yet");
    world.reload();
    assert!(!world.directory.still_valid(&held, NOW), "and now it has");
    assert_eq!(world.publish("live", &first.0).err(), Some(Denied::Revoked));
    assert!(world.directory.still_valid(&kept, NOW));
    assert!(world.publish("live", &second.0).is_ok());
}

#[test]
fn a_deleted_channel_refuses_its_keys_signatures_and_viewers() {
    let mut world = World::new();
    let (channel, key) = world.channel("live/kelas", true);
    let text = sign::issue(&channel, Purpose::Publish, NOW.seconds());
    let by_key = world.publish("live", &key.0).expect("key");
    let by_sign = world.publish("live", &format!("kelas?sign={text}")).expect("sign");
    let play = world.directory.authorize_play(&channel.path, None, NOW).expect("public");
    world.channels.clear();
    world.reload();
    assert!(!world.directory.still_valid(&by_key, NOW));
    assert!(!world.directory.still_valid(&by_sign, NOW));
    assert!(!world.directory.play_still_valid(&play, NOW));
    assert_eq!(world.publish("live", &key.0).err(), Some(Denied::Unknown));
}

#[test]
fn a_channel_made_anew_under_the_same_path_honours_nothing_of_the_old_one() {
    let mut world = World::new();
    let (old, key) = world.channel("live/kelas", false);
    let text = sign::issue(&old, Purpose::Publish, NOW.seconds());
    let held = world.publish("live", &format!("kelas?sign={text}")).expect("sign");
    world.channels.clear();
    world.channel("live/kelas", false);
    assert!(!world.directory.still_valid(&held, NOW));
    assert_eq!(world.publish("live", &key.0).err(), Some(Denied::Unknown));
    assert_eq!(world.publish("live", &format!("kelas?sign={text}")).err(), Some(Denied::Forged));
}

#[test]
fn a_signed_publisher_is_refused_once_the_signature_expires_while_it_publishes() {
    let mut world = World::new();
    let (channel, _) = world.channel("live/kelas", true);
    let expiry = NOW.seconds() + 10;
    let text = sign::issue(&channel, Purpose::Publish, expiry);
    let grant = world.publish("live", &format!("kelas?a=b&sign={text}&c=d")).expect("sign");
    let last = UnixMillis((expiry + sign::LEEWAY_S) * 1_000 + 999);
    assert!(world.directory.still_valid(&grant, last));
    assert!(!world.directory.still_valid(&grant, last.plus_millis(1)));
}

#[test]
fn a_new_secret_ends_what_the_old_one_signed() {
    let mut world = World::new();
    let (channel, _) = world.channel("live/kelas", false);
    let publish = sign::issue(&channel, Purpose::Publish, NOW.seconds());
    let legacy = sign::issue_legacy_md5(&channel, NOW.seconds()).expect("opted in");
    let by_hmac = world.publish("live", &format!("kelas?sign={publish}")).expect("hmac");
    let by_md5 = world.publish("live", &format!("kelas?sign={legacy}")).expect("md5");
    world.channels[0].sign_secret = crate::keys::generate();
    world.reload();
    assert!(!world.directory.still_valid(&by_hmac, NOW));
    assert!(world.directory.still_valid(&by_md5, NOW));
    world.channels[0].legacy_md5_secret = None;
    world.reload();
    assert!(!world.directory.still_valid(&by_md5, NOW));
}

#[test]
fn reasons_are_ours_and_the_text_outside_is_one() {
    let mut world = World::new();
    let (channel, key) = world.channel("live/kelas", true);
    let now = NOW.seconds();
    let old = sign::issue(&channel, Purpose::Publish, now - 61);
    let forged = sign::issue(&channel, Purpose::Play, now);
    world.keys[0].revoked_at = Some(NOW);
    world.reload();
    let mut texts = std::collections::HashSet::new();
    for (name, denied) in [
        ("tidakada".to_owned(), Denied::Unknown),
        (format!("tidakada?sign={forged}"), Denied::Unknown),
        (key.0, Denied::Revoked),
        (format!("kelas?sign={old}"), Denied::Expired),
        (format!("kelas?sign={forged}"), Denied::Forged),
        ("kelas?sign=".to_owned(), Denied::Malformed),
        (format!("kelas?sign={old}&sign={old}"), Denied::Malformed),
        ("../kelas".to_owned(), Denied::Malformed),
        ("kelas%2e".to_owned(), Denied::Malformed),
        (String::new(), Denied::Malformed),
        ("?".to_owned(), Denied::Malformed),
        ("x".repeat(1 << 20), Denied::Malformed),
    ] {
        assert_eq!(world.publish("live", &name).err(), Some(denied), "{name:.80}");
        texts.insert(denied.to_string());
    }
    assert_eq!(texts.len(), 1);
}

#[test]
fn a_public_channel_plays_for_anyone_and_a_private_one_for_who_is_signed_for() {
    let mut world = World::new();
    let (open, _) = world.channel("live/terbuka", true);
    let (closed, _) = world.channel("live/tertutup", false);
    let play = |path: &ChannelPath, text: Option<&str>| world.directory.authorize_play(path, text, NOW).err();
    assert_eq!(play(&open.path, None), None);
    assert_eq!(play(&open.path, Some("rubbish")), None, "nothing to check");
    assert_eq!(play(&closed.path, None), Some(Denied::Unknown));
    assert_eq!(play(&closed.path, Some("rubbish")), Some(Denied::Malformed));
    assert_eq!(play(&path("live/tidakada"), None), Some(Denied::Unknown));
    let right = sign::issue(&closed, Purpose::Play, NOW.seconds());
    assert_eq!(play(&closed.path, Some(&right)), None);
    let legacy = sign::issue_legacy_md5(&closed, NOW.seconds()).expect("opted in");
    assert_eq!(play(&closed.path, Some(&legacy)), None);
    let publish = sign::issue(&closed, Purpose::Publish, NOW.seconds());
    assert_eq!(play(&closed.path, Some(&publish)), Some(Denied::Forged));
}

#[test]
fn a_channel_that_becomes_private_ends_unsigned_playback_and_keeps_the_signed() {
    let mut world = World::new();
    let (channel, _) = world.channel("live/kelas", true);
    let anyone = world.directory.authorize_play(&channel.path, None, NOW).expect("public");
    assert!(world.directory.play_still_valid(&anyone, NOW));
    world.channels[0].public = false;
    world.reload();
    assert!(!world.directory.play_still_valid(&anyone, NOW));
    let text = sign::issue(&channel, Purpose::Play, NOW.seconds());
    let signed = world.directory.authorize_play(&channel.path, Some(&text), NOW).expect("signed");
    assert!(world.directory.play_still_valid(&signed, NOW));
    assert!(!world.directory.play_still_valid(&signed, NOW.plus_millis(61_000)));
}

#[test]
fn a_key_whose_channel_is_gone_is_not_in_the_snapshot() {
    let (orphan, key) = StreamKey::create(crate::keys::random_id(), "", NOW);
    let directory = Directory::new(Snapshot::new(Vec::new(), vec![orphan]));
    assert_eq!(directory.snapshot().keys().count(), 0);
    assert_eq!(directory.authorize_publish("live", &key.0, NOW).err(), Some(Denied::Unknown));
}

#[test]
fn a_grant_prints_no_secret() {
    let mut world = World::new();
    let (channel, key) = world.channel("live/kelas", false);
    let text = format!("{:?} {:?}", world.publish("live", &key.0).expect("key"), world.directory);
    assert!(!text.contains(&key.0) && !text.contains(&channel.sign_secret.0));
    assert!(!text.contains(&channel.legacy_md5_secret.expect("opted in").0));
}

#[test]
fn a_snapshot_is_swapped_whole_while_others_ask() {
    let mut world = World::new();
    let (channel, key) = world.channel("live/kelas", true);
    let (with, without) = (Snapshot::new(world.channels.clone(), world.keys.clone()), Snapshot::default());
    let directory = &world.directory;
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..5_000).fold((0, 0), |(yes, no), _| match directory.authorize_publish("live", &key.0, NOW) {
                        Ok(grant) => {
                            assert_eq!(grant.channel.id, channel.id);
                            (yes + 1, no)
                        }
                        Err(denied) => {
                            assert_eq!(denied, Denied::Unknown, "never a key without its channel");
                            (yes, no + 1)
                        }
                    })
                })
            })
            .collect();
        for turn in 0..2_000 {
            directory.replace(if turn % 2 == 0 { without.clone() } else { with.clone() });
        }
        for asker in askers {
            let (yes, no) = asker.join().expect("no panic");
            assert_eq!(yes + no, 5_000);
        }
    });
    assert!(world.publish("live", &key.0).is_ok(), "the last one stands");
}

proptest! {
    #[test]
    fn nothing_a_stranger_writes_is_granted_or_panics(app in ".{0,80}", name in ".{0,200}") {
        let mut world = World::new();
        world.channel("live/kelas", false);
        prop_assert!(world.publish(&app, &name).is_err());
        prop_assert!(world.publish("live", &name).is_err());
        let query = format!("kelas?{name}");
        prop_assert!(world.publish("live", &query).is_err());
        prop_assert!(world.directory.authorize_play(&path("live/kelas"), Some(&name), NOW).is_err());
    }
}
