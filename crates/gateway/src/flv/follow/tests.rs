//! Frames of a synthetic encoder into a body that is read, read late, or not at all.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use control::{Channel, ChannelOptions, PlayGrant, Snapshot};
use formats::container::flv::{Tag, TagKind, TagReader};
use hub::{Hub, Limits, Publisher};
use media::{ChannelPath, UnixMillis};
use testkit::{Encoder, EncoderConfig};
use tokio::task::JoinHandle;

use super::*;

/// Long enough for a loaded machine; no test waits this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    encoder: Encoder,
    publisher: Publisher,
    channel: Channel,
    directory: Arc<Directory>,
    counters: Arc<FanOutCounters>,
}

type Body = mpsc::Receiver<io::Result<Bytes>>;

impl Stage {
    fn new() -> Self {
        let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
        let (publisher, _) = Hub::new(Limits::default()).publish(&path, UnixMillis(1_000));
        let encoder = Encoder::new(EncoderConfig::default());
        for track in encoder.tracks().iter() {
            publisher.put_track((**track).clone(), UnixMillis(1_000)).expect("put");
        }
        let channel = Channel::create(path, &ChannelOptions::default(), UnixMillis(1));
        let directory = Arc::new(Directory::new(Snapshot::new(vec![channel.clone()], Vec::new())));
        Self { encoder, publisher, channel, directory, counters: Arc::default() }
    }

    fn push_until(&mut self, ms: i64) {
        for frame in self.encoder.frames_until_ms(ms) {
            self.publisher.push(frame, UnixMillis(1_000 + ms)).expect("push");
        }
    }

    fn follow(&self, config: FanOutConfig) -> (Body, JoinHandle<()>) {
        let (sender, body) = mpsc::channel(1);
        let follower = Follower {
            stream: self.publisher.stream().clone(),
            right: Right::new(PlayGrant {
                id: self.channel.id,
                channel: Some(Arc::new(self.channel.clone())),
                credential: None,
            }),
            directory: self.directory.clone(),
            config,
            counters: self.counters.clone(),
            audience: Arc::default(),
        };
        (body, tokio::spawn(follower.play_into(sender)))
    }
}

async fn rest(body: &mut Body, out: &mut BytesMut) {
    while let Some(piece) = body.recv().await {
        out.extend_from_slice(&piece.expect("no error"));
    }
}

fn tags(bytes: &[u8]) -> Vec<Tag> {
    let mut reader = TagReader::new();
    reader.push(bytes);
    std::iter::from_fn(|| reader.next_tag().expect("whole tags")).collect()
}

#[tokio::test]
async fn a_reader_that_lags_skips_to_the_newest_key_frame_and_loses_no_half_of_a_tag() {
    let mut stage = Stage::new();
    stage.push_until(500);
    let (mut body, task) = stage.follow(FanOutConfig::default());
    let mut got = BytesMut::new();
    got.extend_from_slice(&body.recv().await.expect("a head").expect("no error"));
    assert_eq!(stage.counters.viewers.load(Ordering::Relaxed), 1);
    for until in (1_000..=9_000).step_by(500) {
        stage.push_until(until);
    }
    stage.publisher.stream().end(Instant::now());
    tokio::time::timeout(PATIENCE, rest(&mut body, &mut got)).await.expect("it ends with the stream");
    task.await.expect("no panic");
    assert!(stage.counters.skips.load(Ordering::Relaxed) > 0, "it was eight seconds behind");
    let tags = tags(&got);
    let video: Vec<&Tag> = tags.iter().filter(|tag| tag.kind == TagKind::Video).collect();
    let gap = video.windows(2).position(|two| two[1].timestamp_ms.saturating_sub(two[0].timestamp_ms) > 1_000);
    let after = video[gap.expect("a jump") + 1];
    assert_eq!(after.body[0] & 0x70, 0x10, "the first picture behind the jump is a key frame or its configuration");
    assert_eq!(stage.counters.viewers.load(Ordering::Relaxed), 0);
    assert!(stage.counters.bytes.load(Ordering::Relaxed) >= got.len() as u64);
}

#[tokio::test]
async fn a_body_that_is_not_read_is_cut() {
    let mut stage = Stage::new();
    stage.push_until(2_000);
    let config = FanOutConfig { blocked_max: Duration::from_millis(200), ..FanOutConfig::default() };
    let (body, task) = stage.follow(config);
    tokio::time::timeout(PATIENCE, task).await.expect("it is not waited for").expect("no panic");
    assert_eq!(stage.counters.cut.load(Ordering::Relaxed), 1);
    assert_eq!(stage.counters.viewers.load(Ordering::Relaxed), 0);
    drop(body);
}

#[tokio::test]
async fn a_viewer_that_leaves_is_forgotten() {
    let mut stage = Stage::new();
    stage.push_until(500);
    let (body, task) = stage.follow(FanOutConfig::default());
    drop(body);
    tokio::time::timeout(PATIENCE, task).await.expect("nobody reads").expect("no panic");
    assert_eq!(stage.counters.cut.load(Ordering::Relaxed), 0);
    assert_eq!(stage.counters.viewers.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_right_that_is_lost_ends_the_play_within_a_second_even_of_a_stream_that_stands_still() {
    let mut stage = Stage::new();
    stage.push_until(500);
    let (mut body, task) = stage.follow(FanOutConfig::default());
    let mut got = BytesMut::new();
    got.extend_from_slice(&body.recv().await.expect("a head").expect("no error"));
    let lost = Instant::now();
    stage.directory.replace(Snapshot::new(vec![Channel { public: false, ..stage.channel.clone() }], Vec::new()));
    tokio::time::timeout(PATIENCE, rest(&mut body, &mut got)).await.expect("it ends");
    task.await.expect("no panic");
    assert!(lost.elapsed() < Duration::from_secs(1), "{:?}", lost.elapsed());
}
