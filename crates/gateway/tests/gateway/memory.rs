//! The budget of memory: above it no stream begins, and what is on goes on.

use media::MediaKind;
use rtmp::Purpose;

use crate::counts;
use crate::flv_viewers::Watched;
use crate::publisher::Peer;
use crate::stage::{Options, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_budget_no_stream_begins_and_those_that_are_on_go_on() {
    let stage = Stage::with(Options { memory_bytes_max: 100_000, ..Options::default() }).await;
    let publisher = stage.on_air("kelas", 2_000).await;
    assert!(
        stage.gateway.live.held_bytes() >= stage.gateway.live.held_bytes_max(),
        "{}",
        stage.gateway.live.held_bytes()
    );
    let before = counts::of("tayang_publish_denied_total reason=memory");
    let mut refused = Peer::open(stage.rtmp, Purpose::Publish, "live", stage.key("tanpa")).await;
    assert_eq!(refused.status().await, (true, "NetStream.Publish.Failed".to_owned()));
    assert!(counts::of("tayang_publish_denied_total reason=memory") > before);
    drop(publisher);
    let mut back = stage.publish("kelas").await;
    back.send_until_ms(1_000).await;
    let mut viewer = stage.connect().await;
    viewer.ask("GET", "/live/kelas.flv", &[]).await;
    assert_eq!(viewer.head().await.status, 200, "viewers are let in");
    back.send_until_ms(2_000).await;
    let last = back.payloads(MediaKind::Video).last().expect("a picture").clone();
    Watched::default().until(&mut viewer, &last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_begin_at_once_are_counted_before_they_hold_anything() {
    let stage = Stage::with(Options { memory_bytes_max: 8 << 20, ..Options::default() }).await;
    let live = &stage.gateway.live;
    let _first = live.publish(stage.channel("kelas")).expect("an empty server has room");
    let refused = live.publish(stage.channel("tanpa")).err().expect("it would not fit");
    assert_eq!(refused.reason(), "memory");
    assert!(refused.to_string().contains("limits.memory_bytes_max is 8388608"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stream_held_is_given_back_when_it_is_forgotten() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tanpa", 1_000).await;
    assert!(stage.gateway.live.held_bytes() > 10_000);
    stage.make_anew("tanpa");
    stage.gateway.live.keep_channels(&stage.gateway.directory.snapshot(), std::time::Instant::now());
    assert_eq!(stage.gateway.live.held_bytes(), 0);
}
