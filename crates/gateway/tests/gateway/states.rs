//! What pages are told of a channel, over its whole life.

use std::sync::atomic::Ordering;
use std::time::Duration;

use control::{Recording, RecordingRepository as _, RecordingState};
use media::{StreamId, UnixMillis};
use serde_json::Value;

use crate::stage::{Options, Stage};

async fn state(stage: &Stage) -> Value {
    stage.get("/live/kelas/state").await.json()
}

async fn until_state(stage: &Stage, wanted: hub::State) {
    let live = stage.live("kelas");
    stage.until("the state", || (live.stream.state() == wanted).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_waits_is_live_stalls_comes_back_and_ends() {
    let stage = Stage::new().await;
    let nobody = state(&stage).await;
    assert_eq!((nobody["state"].as_str(), nobody["stream"].is_null()), (Some("waiting"), true));

    let mut publisher = stage.publish("kelas").await;
    stage.until("the stream is there", || stage.gateway.live.of(&stage.channel("kelas").path)).await;
    assert_eq!(state(&stage).await["state"].as_str(), Some("waiting"), "no frame has come");

    publisher.send_until_ms(1_000).await;
    stage.packaged("kelas", 1_000).await;
    let live = state(&stage).await;
    assert_eq!(live["state"].as_str(), Some("live"));
    let (stream, _) = stage.stream("kelas");
    assert_eq!(live["stream"].as_str(), Some(stream.as_str()));

    publisher.leave().await;
    until_state(&stage, hub::State::Stalled).await;
    let stalled = state(&stage).await;
    assert_eq!((stalled["state"].as_str(), &stalled["stream"]), (Some("stalled"), &live["stream"]));

    let mut back = stage.publish("kelas").await;
    back.send_until_ms(500).await;
    until_state(&stage, hub::State::Live).await;
    let again = state(&stage).await;
    assert_eq!((again["state"].as_str(), &again["stream"]), (Some("live"), &live["stream"]), "the same stream goes on");

    stage.end("kelas").await;
    let ended = state(&stage).await;
    assert_eq!((ended["state"].as_str(), &ended["stream"]), (Some("ended"), &live["stream"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_describes_the_tracks_and_the_clock() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let before = gateway::clock::wall_now().0;
    let state = state(&stage).await;
    let after = gateway::clock::wall_now().0;
    assert!((before..=after).contains(&state["serverTime"].as_i64().expect("a time")));
    assert_eq!((state["app"].as_str(), state["name"].as_str()), (Some("live"), Some("kelas")));
    assert_eq!(state["reconnectWindowSeconds"].as_u64(), Some(60));
    let tracks = state["tracks"].as_array().expect("tracks");
    assert_eq!(tracks.len(), 2);
    assert_eq!((tracks[0]["kind"].as_str(), tracks[0]["width"].as_u64()), (Some("video"), Some(1_280)));
    assert!(tracks[0]["codec"].as_str().is_some_and(|codec| codec.starts_with("avc1.")));
    assert_eq!((tracks[1]["kind"].as_str(), tracks[1]["sampleRate"].as_u64()), (Some("audio"), Some(48_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_does_not_come_back_ends_the_stream_and_the_next_is_another() {
    let options = Options { reconnect_window: Duration::from_millis(100), ..Options::default() };
    let stage = Stage::with(options).await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let (first, _) = stage.stream("kelas");
    publisher.leave().await;
    until_state(&stage, hub::State::Ended).await;
    assert_eq!(state(&stage).await["state"].as_str(), Some("ended"));
    let text = stage.text("/live/kelas/video.m3u8").await;
    assert!(text.trim_end().ends_with("#EXT-X-ENDLIST"), "{text}");
    let _next = stage.on_air("kelas", 1_000).await;
    let (second, _) = stage.stream("kelas");
    assert_ne!(first, second);
    assert_eq!(state(&stage).await["state"].as_str(), Some("live"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_stream_shows_all_that_came() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_250).await;
    let (stream, first) = stage.stream("kelas");
    publisher.leave().await;
    until_state(&stage, hub::State::Stalled).await;
    // The part that was open when the publisher left is closed by the stall.
    let asked = format!("/live/kelas/video.m3u8?_HLS_msn={}&_HLS_part=1", first + 2);
    let text = stage.text(&asked).await;
    assert!(text.contains(&format!("{stream}/video/{}.1.m4s", first + 2)), "{text}");
    assert!(!text.contains("ENDLIST"), "it may come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_of_the_newest_recordings_and_costs_no_more() {
    let stage = Stage::new().await;
    let channel = stage.channel("kelas");
    for n in 1..=500 {
        let recording = Recording {
            channel: channel.id,
            id: StreamId(n * 1_000),
            path: channel.path.clone(),
            started: UnixMillis(n as i64 * 1_000),
            duration_ms: 10_000,
            bytes: 1_000,
            next_msn: n + 10,
            state: RecordingState::Ready,
        };
        stage.recordings.put_recording(&recording).await.expect("kept");
    }
    let before = stage.recordings.listed.load(Ordering::Relaxed);
    let told = state(&stage).await;
    let told: Vec<&str> =
        told["recordings"].as_array().expect("a list").iter().filter_map(|one| one["stream"].as_str()).collect();
    let newest: Vec<String> = (481..=500).rev().map(|n| StreamId(n * 1_000).to_string()).collect();
    assert_eq!(told, newest);
    assert_eq!(stage.recordings.listed.load(Ordering::Relaxed) - before, 20);
    let all = stage.get("/live/kelas/recordings").await.json();
    assert_eq!(all["recordings"].as_array().map(Vec::len), Some(500));
}
