//! RTMP: who may publish, who takes over from whom, and what players get.

use bytes::Bytes;
use formats::container::flv::{VideoEvent, parse_video};
use media::MediaKind;
use rtmp::{ClientEvent, Purpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::counts;
use crate::flv_viewers::is_tail;
use crate::publisher::{Peer, Publisher};
use crate::stage::{Stage, soon};

const BAD_NAME: &str = "NetStream.Publish.BadName";

fn picture(event: &ClientEvent) -> Option<Bytes> {
    let ClientEvent::Media { kind: rtmp::MediaKind::Video, body, .. } = event else { return None };
    parse_video(body).expect("a video body").into_iter().find_map(|event| match event {
        VideoEvent::Frame { payload, .. } => Some(payload),
        _ => None,
    })
}

/// Pictures up to the one that is `last`.
async fn pictures(player: &mut Peer, last: &Bytes) -> Vec<Bytes> {
    let mut got = Vec::new();
    while got.last() != Some(last) {
        got.push(player.expect("a picture", picture).await);
    }
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_refused_and_counted() {
    let stage = Stage::new().await;
    let unknown = || counts::of("tayang_publish_denied_total reason=unknown");
    let before = unknown();
    let key = stage.key("kelas").to_owned();
    let near = format!("{}x", &key[..key.len() - 1]);
    for (app, name) in [("live", "wrong"), ("live", near.as_str()), ("live", "kelas"), ("other", key.as_str())] {
        let mut stranger = Peer::open(stage.rtmp, Purpose::Publish, app, name).await;
        assert_eq!(stranger.status().await, (true, BAD_NAME.to_owned()), "{app}");
    }
    assert!(unknown() >= before + 4);
    assert!(stage.gateway.hub.streams().is_empty(), "nothing began");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_publishes_as_a_key_does_and_a_signature_to_play_does_not() {
    let stage = Stage::new().await;
    let until = gateway::clock::wall_now().seconds() + 600;
    let channel = stage.channel("kelas");
    let play = control::sign::issue(channel, control::sign::Purpose::Play, until);
    let mut wrong = Peer::open(stage.rtmp, Purpose::Publish, "live", &format!("kelas?sign={play}")).await;
    assert_eq!(wrong.status().await, (true, BAD_NAME.to_owned()));
    let publish = control::sign::issue(channel, control::sign::Purpose::Publish, until);
    let mut right = Publisher::start(stage.rtmp, "live", &format!("kelas?sign={publish}")).await;
    right.send_until_ms(1_000).await;
    stage.packaged("kelas", 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_over_closes_the_first_and_the_stream_goes_on() {
    let stage = Stage::new().await;
    let mut first = stage.on_air("kelas", 1_000).await;
    let (stream, _) = stage.stream("kelas");
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
    let before = first.payloads(MediaKind::Video);
    pictures(&mut player, before.last().expect("a picture")).await;
    let mut second = stage.publish("kelas").await;
    assert_eq!(first.peer.status().await, (true, BAD_NAME.to_owned()));
    assert!(soon("the first is closed", first.peer.is_closed()).await);
    second.send_until_ms(1_000).await;
    let after = second.payloads(MediaKind::Video);
    let got = pictures(&mut player, after.last().expect("a picture")).await;
    assert_eq!(got, after, "the viewer sees the second's pictures, all of them");
    assert_eq!(stage.stream("kelas").0, stream, "it is the same stream");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_closes_its_publisher() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    stage.revoke("kelas");
    assert_eq!(publisher.peer.status().await, (true, BAD_NAME.to_owned()));
    assert!(soon("it is closed", publisher.peer.is_closed()).await);
    let live = stage.live("kelas");
    stage.until("the stream stalls", || (live.stream.state() == hub::State::Stalled).then_some(())).await;
    let mut again = Peer::open(stage.rtmp, Purpose::Publish, "live", stage.key("kelas")).await;
    assert_eq!(again.status().await, (true, BAD_NAME.to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_that_comes_before_the_publisher_gets_all_of_it() {
    let stage = Stage::new().await;
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
    player.expect("playing", |event| (*event == ClientEvent::Playing).then_some(())).await;
    let mut publisher = stage.publish("kelas").await;
    publisher.send_until_ms(1_400).await;
    let sent = publisher.payloads(MediaKind::Video);
    let got = pictures(&mut player, sent.last().expect("a picture")).await;
    assert!(is_tail(&got, &sent), "without a hole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_that_comes_later_starts_at_the_newest_key_frame() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 2_250).await;
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
    let first = player.expect("a picture", picture).await;
    let sent = publisher.payloads(MediaKind::Video);
    assert_eq!(sent.iter().position(|payload| *payload == first), Some(60), "the key frame at 2,000 ms");
    publisher.send_until_ms(3_000).await;
    let sent = publisher.payloads(MediaKind::Video);
    let got = pictures(&mut player, sent.last().expect("a picture")).await;
    assert_eq!(got, sent[61..], "and everything after it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_of_a_stream_that_ends_are_told() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    pictures(&mut player, &last).await;
    stage.end("kelas").await;
    player.expect("the end", |event| (*event == ClientEvent::EndOfStream).then_some(())).await;
    assert!(soon("it is closed", player.is_closed()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playing_what_does_not_exist_is_refused() {
    let stage = Stage::new().await;
    for (app, name) in [("live", "tiada"), ("other", "kelas"), ("live", "ke las"), ("live", "kelas?sign=1&sign=2")] {
        let mut player = Peer::open(stage.rtmp, Purpose::Play, app, name).await;
        assert_eq!(player.status().await, (true, "NetStream.Play.StreamNotFound".to_owned()), "{app}/{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_never_plays_and_is_never_shown() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let key = stage.key("kelas").to_owned();
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", &key).await;
    assert_eq!(player.status().await, (true, "NetStream.Play.StreamNotFound".to_owned()));
    for file in ["state", "master.m3u8", "manifest.mpd", "recordings"] {
        assert!(!stage.text(&format!("/live/kelas/{file}")).await.contains(&key), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_may_say_what_cannot_be_read_and_the_rest_is_kept() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    for body in [&[][..], &[0xFF; 40], &[0x17, 0, 0, 0, 0, 9, 9], &[0x1F, 1]] {
        publisher.peer.send(rtmp::MediaKind::Video, 1_000, body).await;
        publisher.peer.send(rtmp::MediaKind::Audio, 1_000, body).await;
    }
    publisher.send_until_ms(2_000).await;
    stage.packaged("kelas", 2_000).await;
    let mut player = Peer::open(stage.rtmp, Purpose::Play, "live", "kelas").await;
    let sent = publisher.payloads(MediaKind::Video);
    let got = pictures(&mut player, sent.last().expect("a picture")).await;
    assert!(is_tail(&got, &sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_speak_rtmp_is_closed() {
    let stage = Stage::new().await;
    let mut socket = TcpStream::connect(stage.rtmp).await.expect("connect");
    socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("send");
    let mut said = Vec::new();
    soon("it is closed", socket.read_to_end(&mut said)).await.ok();
    assert!(said.len() <= 1 + 2 * 1536, "no more than a handshake");
    let _publisher = stage.on_air("kelas", 1_000).await;
}
