//! Signatures and names as strangers send them: nothing that was not issued is accepted.
//! Covers: control::sign, control::directory.
#![no_main]

use std::sync::LazyLock;

use control::sign::{self, Purpose};
use control::{Channel, Directory, Snapshot};
use libfuzzer_sys::fuzz_target;
use media::{Name, Redacted, UnixMillis};

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| {
    let path = media::ChannelPath { app: name("live"), name: name("kelas") };
    let mut channel = Channel::create(path, &control::ChannelOptions::default(), UnixMillis(0));
    channel.legacy_md5_secret = Some(Redacted("rahasia".to_owned()));
    channel
});
static DIRECTORY: LazyLock<Directory> =
    LazyLock::new(|| Directory::new(Snapshot::new(vec![CHANNEL.clone()], Vec::new())));

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let now = UnixMillis(1_700_000_000_000);
    let _ = sign::from_query(text);
    for purpose in [Purpose::Publish, Purpose::Play] {
        assert!(sign::verify(&CHANNEL, purpose, text, now).is_err(), "the secret is random: nothing here was issued");
    }
    let (app, rest) = text.split_once('/').unwrap_or(("live", text));
    assert!(DIRECTORY.authorize_publish(app, rest, now).is_err());
    if let Ok(path) = rest.parse::<Name>() {
        let path = media::ChannelPath { app: name("live"), name: path };
        let known = path == CHANNEL.path;
        let played = DIRECTORY.authorize_play(&path, Some(app), now);
        assert!(known || played.is_err());
    }
});

fn name(text: &str) -> Name {
    text.parse().expect("a constant name is a name")
}
