//! Stream ids and media sequence numbers never go back within a channel: not after media that came faster than life, and
//! not after a restart with a clock that was set back.

use std::collections::HashMap;

use media::{StreamId, TrackId};
use recorder::{RecordingKey, Used};

use crate::stage::{PATIENCE, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_above_the_numbers_of_a_hurried_one_before_it() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 20_000).await;
    let id = stage.live("kelas").stream.id();
    stage.end("kelas").await;
    drop(publisher);
    assert!(stage.gateway.recorder.settle(PATIENCE).await, "the recording becomes ready");
    let key = RecordingKey { channel: stage.channel("kelas").id, stream: id };
    let index = stage.gateway.recorder.archive().index(key).await.expect("a recording");
    let last = index.track(TrackId(0)).and_then(|track| track.segments.last()).expect("a segment").msn;
    let used = stage.gateway.recorder.used().await.expect("rows");
    let path = stage.channel("kelas").path.clone();
    assert_eq!(used, Used { newest: Some(id), next_msn: HashMap::from([(path, last + 1)]) });

    let _publisher = stage.on_air("kelas", 1_000).await;
    let (_, first) = stage.stream("kelas");
    assert!(first > last, "{first} is not above {last}");
    let playlist = stage.text("/live/kelas/video.m3u8").await;
    assert!(playlist.contains(&format!("#EXT-X-MEDIA-SEQUENCE:{first}\n")), "{playlist}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_streams_begin_above_what_was_recorded() {
    let stage = Stage::new().await;
    // An hour after now, as if the clock had been set back by one.
    let now_s = gateway::clock::wall_now().seconds() as u64;
    let (newest, next_msn) = (StreamId((now_s + 3_600) * 1_000), now_s + 7_200);
    let path = stage.channel("kelas").path.clone();
    stage.gateway.live.resume(Used { newest: Some(newest), next_msn: HashMap::from([(path, next_msn)]) });
    let _other = stage.on_air("tanpa", 1_000).await;
    assert_eq!(stage.live("tanpa").stream.id(), StreamId(newest.0 + 1));
    let _publisher = stage.on_air("kelas", 1_000).await;
    assert_eq!(stage.stream("kelas").1, next_msn);
}
