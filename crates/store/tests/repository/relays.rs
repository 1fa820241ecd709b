//! Relays: kept once, bounded, in the journal without their keys, and gone with their channel.

use control::audit::{AuditAction, AuditQuery};
use control::relay::{Direction, RELAYS_MAX, Relay, RelayUrl, Started};
use control::{RelayId, Repository, RepositoryError, Roles, UserId};
use media::UnixMillis;

use super::contract::{channel_at, key_for};
use super::school::somebody;

/// Runs where no relay is kept.
pub async fn relay_contract(repository: &dyn Repository) {
    let operators = Roles { operator: true, ..Roles::default() };
    let by = somebody(repository, operators, UnixMillis(1_700_000_000_000)).await;
    a_relay_is_kept_once_and_is_gone_once_it_is_stopped(repository, by).await;
    relays_are_bounded(repository, by).await;
    a_deleted_channel_has_no_relays(repository, by).await;
}

fn url(text: &str) -> RelayUrl {
    text.parse().expect("an address")
}

fn relay_of(channel: control::Uuid, direction: Direction, address: &str) -> Relay {
    let created = UnixMillis(1_700_000_000_000);
    Relay { id: RelayId::new(created), direction, channel, url: url(address), created }
}

async fn a_relay_is_kept_once_and_is_gone_once_it_is_stopped(repository: &dyn Repository, by: UserId) {
    let channel = channel_at("live/diteruskan");
    repository.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    let there = "rtmps://tujuan.example/app/kunci-rahasia?token=rahasia";
    let push = relay_of(channel.id, Direction::Push, there);
    let before = repository.last_seq().await.expect("read");
    assert_eq!(repository.start_relay(&push, by).await.expect("started"), Started::New);
    let again = relay_of(channel.id, Direction::Push, there);
    assert_eq!(repository.start_relay(&again, by).await.expect("asked"), Started::Already);
    let pull = relay_of(channel.id, Direction::Pull, there);
    assert_eq!(repository.start_relay(&pull, by).await.expect("started"), Started::New, "another direction is another");
    let mut kept = repository.relays().await.expect("read");
    kept.sort_by_key(|relay| relay.direction.as_str());
    assert_eq!(kept, [pull.clone(), push.clone()]);
    let changes = repository.changes(before, 9).await.expect("read");
    assert_eq!(changes.iter().map(|change| change.what.channel).collect::<Vec<_>>(), [Some(channel.id); 2]);
    let at = UnixMillis(1_700_000_000_009);
    let (one, other) = (control::keys::random_id(), control::keys::random_id());
    for (server, now, holds) in
        [(one, 10, true), (other, 11, false), (one, 12, true), (other, 41, false), (other, 42, true)]
    {
        let now = UnixMillis(1_700_000_000_000 + now);
        let held = repository.hold_pulls(server, now, now.plus_millis(30)).await.expect("held");
        assert_eq!(held == [pull.id], holds, "pulls alone, and by one server at a time: {now:?}");
    }
    for (direction, stopped) in [(Direction::Push, true), (Direction::Push, false), (Direction::Pull, true)] {
        let answer = repository.stop_relay((direction, channel.id, &url(there)), by, at).await;
        match answer {
            Ok(()) => assert!(stopped),
            Err(RepositoryError::NotFound("relay")) => assert!(!stopped),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(repository.relays().await.expect("read"), []);
    let query = AuditQuery { subject: Some(format!("channel:{}", channel.id)), ..AuditQuery::default() };
    let lines = repository.audit(&query, 9).await.expect("read");
    let mut told: Vec<_> = lines.iter().map(|line| (line.action.as_str(), line.actor, line.detail.as_str())).collect();
    told.sort_unstable();
    let line = |action: AuditAction, detail| (action.as_str(), Some(by), detail);
    let expected = [
        line(AuditAction::RelayStarted, "pull tujuan.example/app"),
        line(AuditAction::RelayStarted, "push tujuan.example/app"),
        line(AuditAction::RelayStopped, "pull tujuan.example/app"),
        line(AuditAction::RelayStopped, "push tujuan.example/app"),
    ];
    assert_eq!(told, expected);
    repository.delete_channel(channel.id, None, at).await.expect("deleted");
}

async fn relays_are_bounded(repository: &dyn Repository, by: UserId) {
    let channel = channel_at("live/banyak");
    repository.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    let nth = |n: u32| relay_of(channel.id, Direction::Push, &format!("rtmp://tujuan.example/app/{n}"));
    for n in 0..RELAYS_MAX {
        assert_eq!(repository.start_relay(&nth(n), by).await.expect("started"), Started::New);
    }
    assert_eq!(repository.start_relay(&nth(RELAYS_MAX), by).await.expect("asked"), Started::TooMany);
    assert_eq!(repository.start_relay(&nth(0), by).await.expect("asked"), Started::Already, "the same is no more");
    assert_eq!(repository.relays().await.expect("read").len() as u64, u64::from(RELAYS_MAX));
    repository.delete_channel(channel.id, None, UnixMillis(9)).await.expect("deleted");
}

async fn a_deleted_channel_has_no_relays(repository: &dyn Repository, by: UserId) {
    assert_eq!(repository.relays().await.expect("read"), [], "those of channels before went with them");
    let channel = channel_at("live/tiada");
    let relay = relay_of(channel.id, Direction::Pull, "rtmp://asal.example/app/nama");
    let nowhere = repository.start_relay(&relay, by).await;
    assert!(matches!(nowhere, Err(RepositoryError::NotFound("channel"))), "{nowhere:?}");
}
