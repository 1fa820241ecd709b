//! The whole of it: streams in, recordings out, through kills, full disks and stores that are away.

mod crash;
mod real_media;
mod tmpfs;
mod trouble;

use control::RecordingState;
use futures_util::StreamExt;
use media::TrackId;
use object_store::memory::InMemory;

use super::*;
use crate::tests::fixtures::{self, MSN_BASE, MemoryRows, PARTS, SmallDisk, outputs};

const LIMIT: Duration = Duration::from_secs(20);

struct House {
    dir: tempfile::TempDir,
    objects: Arc<dyn ObjectStore>,
    rows: Arc<MemoryRows>,
    volume: Arc<dyn Volume>,
    config: RecorderConfig,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut config = RecorderConfig::new(dir.path().join("journal"));
        config.reserve_bytes = 0;
        config.flush_interval_ms = 20;
        let rows = Arc::default();
        Self { objects: Arc::new(InMemory::new()), rows, volume: SmallDisk::with(u64::MAX / 2), config, dir }
    }

    async fn open(&self) -> Arc<Recorder> {
        let end = tokio::time::Instant::now() + LIMIT;
        loop {
            let (config, objects, rows) = (self.config.clone(), self.objects.clone(), self.rows.clone());
            match Recorder::open_on(config, objects, rows, self.volume.clone()).await {
                // A child that another test starts holds this process's locks until it has become its program.
                Err(RecorderError::Locked(_)) if tokio::time::Instant::now() < end => tokio::task::yield_now().await,
                opened => return opened.expect("opens"),
            }
        }
    }
}

fn key() -> RecordingKey {
    fixtures::header().key
}

fn begin(recorder: &Recorder) -> StreamRecorder {
    recorder.begin(key().stream, &fixtures::channel(), fixtures::WALL)
}

fn push(stream: &mut StreamRecorder, parts: std::ops::Range<u32>) {
    for output in outputs(parts) {
        stream.push(&output);
    }
}

/// Waits for something that a thread or task brings about.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + LIMIT;
    while !is().await {
        assert!(tokio::time::Instant::now() < end, "waited in vain until {what}");
        // tidy: sleep: polls an I/O thread of the program under test, which has no event for it
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn kept_parts(recorder: &Recorder) -> u32 {
    let index = recorder.archive().index(key()).await.expect("there");
    index.tracks.iter().flat_map(|track| track.segments.iter()).map(|segment| segment.parts).sum()
}

/// What a player gets is what the packager made, byte for byte; the MP4 is sound; nothing is left behind.
async fn check_ready(recorder: &Recorder, segments: &[u64]) {
    let archive = recorder.archive();
    let index = archive.index(key()).await.expect("there");
    assert_eq!(index.phase, Phase::Ready);
    for (id, track) in [(TrackId(0), fixtures::video()), (TrackId(1), fixtures::audio())] {
        let listed: Vec<u64> = index.track(id).expect("track").segments.iter().map(|s| s.msn - MSN_BASE).collect();
        assert_eq!(listed, segments);
        for n in segments {
            let bytes = archive.read_segment(key(), id, MSN_BASE + n).await.expect("stored");
            let count = index.track(id).expect("track").segments.get(MSN_BASE + n).expect("listed").parts;
            let mut made = Vec::new();
            for part in 0..count {
                let bytes = fixtures::part(&track, *n as u32 * PARTS + part).1;
                let read = archive.read_part(key(), id, MSN_BASE + n, part).await.expect("stored");
                assert_eq!(read, bytes, "part {part} of segment {n}");
                made.extend(bytes);
            }
            assert_eq!(bytes, made);
        }
    }
    check_sound(recorder, key()).await;
}

/// The samples are synthetic, so ffprobe's opinion does not count here; `real_media` asks it about real ones.
async fn check_sound(recorder: &Recorder, key: RecordingKey) {
    let report = recorder.archive().verify(key).await.expect("readable");
    let ours: Vec<_> = report.checks.iter().filter(|check| check.name != "ffprobe").collect();
    assert!(ours.len() == 3 && ours.iter().all(|check| check.passed == Some(true)), "{ours:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_playable_while_it_is_recorded_and_ready_after_its_end() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS * 2 + 2);
    until("two segments are listed", async || {
        recorder.archive().index(key()).await.expect("there").bytes() > 0 && kept_parts(&recorder).await == 4 * PARTS
    })
    .await;
    let layout = recorder.archive().mp4(key()).await.expect("so far");
    assert_eq!(layout.segments.len(), 4);
    until("it is listed", async || !recorder.list(None).await.expect("rows").is_empty()).await;
    assert_eq!(recorder.list(None).await.expect("rows")[0].state, RecordingState::Recording);
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    assert_eq!(recorder.status(), RecorderStatus::default());
    check_ready(&recorder, &[0, 1, 2]).await;
    let rows = recorder.list(Some(key().channel)).await.expect("rows");
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].state, rows[0].duration_ms), (RecordingState::Ready, u64::from(PARTS * 2 + 2) * 200));
    until("the journal is gone", async || !key().folder(&house.config.journal_dir).exists()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_range_of_the_mp4_is_that_range_of_the_exported_file() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS * 3);
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let archive = recorder.archive();
    let path = house.dir.path().join("kelas.mp4");
    let mut told = 0;
    let len = archive.export(key(), &path, |written, _| told = written).await.expect("exported");
    let file = std::fs::read(&path).expect("file");
    assert_eq!((file.len() as u64, told), (len, len));
    formats::container::mp4::verify_file(&mut std::io::Cursor::new(&file)).expect("readable");
    let layout = archive.mp4(key()).await.expect("there");
    let mut edges: Vec<u64> = layout.segments.iter().map(|segment| segment.offset).collect();
    edges.extend([0, 1, len - 1, len]);
    for &start in &edges {
        for &end in &edges {
            let range = archive.mp4_range(key(), layout.clone(), start..end);
            if start >= end {
                assert!(range.is_err());
                continue;
            }
            let pieces: Vec<_> = range.expect("inside").collect().await;
            let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.expect("stored")).collect();
            assert_eq!(bytes, file[start as usize..end as usize], "{start}..{end}");
        }
    }
    assert!(archive.mp4_range(key(), layout, 0..len + 1).is_err());
}
