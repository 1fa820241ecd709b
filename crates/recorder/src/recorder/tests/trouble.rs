//! Disks that fill, stores and databases that are away, queues that overflow, bytes that rot.

use std::sync::atomic::{AtomicBool, AtomicU32};

use object_store::local::LocalFileSystem;
use packager::Output;

use super::*;

fn gap_marks(index: &crate::RecordingIndex) -> Vec<Vec<(u64, bool)>> {
    let marks = |track: &crate::TrackIndex| track.segments.iter().map(|s| (s.msn - MSN_BASE, s.gap_before)).collect();
    index.tracks.iter().map(marks).collect()
}

/// A store on a local folder in which nothing can be put while it is away: a file lies where the folder should be.
struct AwayStore(std::path::PathBuf);

impl AwayStore {
    fn put_into(house: &mut House) -> Self {
        let objects = house.dir.path().join("objects");
        std::fs::create_dir_all(&objects).expect("created");
        house.objects = Arc::new(LocalFileSystem::new_with_prefix(&objects).expect("folder"));
        let away = Self(objects.join(key().channel.to_string()));
        std::fs::write(&away.0, b"").expect("written");
        away
    }

    fn comes_back(self) {
        std::fs::remove_file(self.0).expect("removed");
    }
}

async fn sealed(recorder: &Recorder) {
    until("it is sealed", async || recorder.archive().index(key()).await.is_ok_and(|i| i.phase == Phase::Sealed)).await;
}

async fn kept(recorder: &Recorder, duration_ms: u64) {
    let rows = async || recorder.list(None).await.expect("rows");
    until("all is kept", async || rows().await.iter().any(|row| row.duration_ms == duration_ms)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_leaves_an_honest_gap() {
    let mut house = House::new();
    let disk = SmallDisk::with(u64::MAX / 2);
    house.volume = disk.clone();
    house.config.reserve_bytes = 100_000;
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS + 2);
    kept(&recorder, 1_400).await;
    disk.left.store(100_001, Ordering::SeqCst);
    push(&mut stream, PARTS + 2..PARTS * 3);
    until("the alarm is raised", async || recorder.status().stalled == [(key(), GapReason::DiskFull)]).await;
    assert!(disk.left.load(Ordering::SeqCst) > 99_000, "the reserve is kept but for the gap's record");
    until("the queue is empty", async || recorder.archive().registry.all()[0].queued_bytes.load(Ordering::SeqCst) == 0)
        .await;
    disk.left.store(u64::MAX / 2, Ordering::SeqCst);
    push(&mut stream, PARTS * 3..PARTS * 5);
    until("the alarm is over", async || recorder.status().stalled.is_empty()).await;
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    let marks = vec![(0, false), (1, false), (3, true), (4, false)];
    assert_eq!(gap_marks(&index), [marks.clone(), marks]);
    assert_eq!(index.duration_ms(), 200 * u64::from(PARTS * 3 + 2));
    assert_eq!(index.gaps.iter().map(|gap| gap.why).collect::<Vec<_>>(), [GapReason::DiskFull]);
    check_sound(&recorder, key()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_from_the_start_begins_the_recording_when_it_is_not() {
    let mut house = House::new();
    let disk = SmallDisk::with(10);
    house.volume = disk.clone();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS);
    until("the alarm is raised", async || !recorder.status().stalled.is_empty()).await;
    until("the queue is empty", async || recorder.archive().registry.all()[0].queued_bytes.load(Ordering::SeqCst) == 0)
        .await;
    disk.left.store(u64::MAX / 2, Ordering::SeqCst);
    push(&mut stream, PARTS..PARTS * 2);
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    check_ready(&recorder, &[1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_never_became_parts_is_a_gap_that_says_so() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS + 2);
    stream.missed(fixtures::WALL);
    assert!(recorder.status().stalled.is_empty(), "the disk does what it should");
    push(&mut stream, PARTS + 2..PARTS * 3);
    stream.missed(fixtures::WALL);
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    let marks = vec![(0, false), (1, false), (2, true)];
    assert_eq!(gap_marks(&index), [marks.clone(), marks], "what there is of a segment is kept");
    assert_eq!(index.gaps, [crate::Gap { why: GapReason::Missed, at: fixtures::WALL }; 2], "one of them at the end");
    check_sound(&recorder, key()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_beginning_that_was_missed_is_a_gap() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    stream.missed(fixtures::WALL);
    push(&mut stream, 0..PARTS);
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    assert_eq!(gap_marks(&index), [vec![(0, false)], vec![(0, false)]], "nothing before it to go on from");
    assert_eq!(index.gaps.iter().map(|gap| gap.why).collect::<Vec<_>>(), [GapReason::Missed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_nothing_leaves_nothing() {
    let house = House::new();
    let recorder = house.open().await;
    drop(begin(&recorder));
    let mut missed = recorder.begin(StreamId(6), &fixtures::channel(), fixtures::WALL);
    missed.missed(fixtures::WALL);
    drop(missed);
    let mut configured = recorder.begin(StreamId(7), &fixtures::channel(), fixtures::WALL);
    for output in outputs(0..0) {
        configured.push(&output);
    }
    configured.finish();
    assert!(recorder.settle(LIMIT).await);
    assert!(recorder.list(None).await.expect("rows").is_empty());
    assert!(matches!(recorder.archive().index(key()).await, Err(RecorderError::NoRecording(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_never_waits_for_the_disk() {
    let mut house = House::new();
    let held = Arc::new(Mutex::new(()));
    house.volume = Arc::new(StoppedDisk(held.clone()));
    house.config.stream_queue_bytes_max = 8_000;
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    let stop = held.lock();
    push(&mut stream, 0..PARTS * 20);
    assert_eq!(recorder.status().stalled, [(key(), GapReason::Overflow)], "nobody waited, and the loss is told");
    drop(stop);
    let mut next = PARTS * 20;
    // No faster than the disk takes it, and until a whole segment is behind the hole.
    let mut goes_on = async || {
        if recorder.archive().registry.all()[0].queued_bytes.load(Ordering::SeqCst) == 0 {
            push(&mut stream, next..next + 1);
            next += 1;
        }
        recorder.status().stalled.is_empty() && next > PARTS * 22
    };
    until("the recording goes on", &mut goes_on).await;
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    assert!(!index.gaps.is_empty() && index.gaps.iter().all(|gap| gap.why == GapReason::Overflow));
    for marks in gap_marks(&index) {
        assert!(marks.iter().any(|(_, gap)| *gap), "{marks:?}");
        assert!(marks.windows(2).all(|pair| pair[1].1 || pair[1].0 == pair[0].0 + 1), "{marks:?}");
    }
    check_sound(&recorder, key()).await;
}

/// A disk that stands still while the test holds it.
#[derive(Debug)]
struct StoppedDisk(Arc<Mutex<()>>);

impl Volume for StoppedDisk {
    fn free_bytes(&self, dir: &Path) -> std::io::Result<u64> {
        Disk.free_bytes(dir)
    }

    fn write_at(&self, file: &File, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        let _stopped = self.0.lock();
        Disk.write_at(file, offset, bytes)
    }

    fn sync(&self, _: &File) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_and_a_database_that_are_away_delay_a_recording_and_lose_nothing() {
    let mut house = House::new();
    let away = AwayStore::put_into(&mut house);
    house.rows.broken.store(true, Ordering::SeqCst);
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS * 2);
    stream.finish();
    sealed(&recorder).await;
    check_sound(&recorder, key()).await;
    away.comes_back();
    house.rows.broken.store(false, Ordering::SeqCst);
    assert!(recorder.settle(LIMIT).await);
    check_ready(&recorder, &[0, 1]).await;
    assert_eq!(recorder.list(None).await.expect("rows").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_seals_lists_and_finishes_what_was_open() {
    let mut house = House::new();
    let away = AwayStore::put_into(&mut house);
    let first = house.open().await;
    let mut stream = begin(&first);
    push(&mut stream, 0..PARTS + 3);
    kept(&first, 1_600).await;
    let busy = Recorder::open(house.config.clone(), house.objects.clone(), house.rows.clone()).await;
    assert!(matches!(busy, Err(RecorderError::Locked(_))), "one writer at a time");
    first.shutdown().await;
    drop((first, stream));
    let second = house.open().await;
    let rows = second.list(None).await.expect("rows");
    assert_eq!((rows[0].state, rows[0].duration_ms), (RecordingState::Sealed, 1_600));
    check_sound(&second, key()).await;
    away.comes_back();
    assert!(second.settle(LIMIT).await);
    check_ready(&second, &[0, 1]).await;
    second.shutdown().await;
    drop(second);
    let third = house.open().await;
    check_ready(&third, &[0, 1]).await;
    assert_eq!(third.status(), RecorderStatus::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_ready_and_the_end_of_its_journal_makes_it_ready_again_and_its_row_never_goes_back() {
    let house = House::new();
    let first = house.open().await;
    let mut stream = begin(&first);
    push(&mut stream, 0..PARTS * 2);
    kept(&first, 2_000).await;
    // The journal as it lies when the process dies there: complete, with every segment stored.
    let folder = key().folder(&house.config.journal_dir);
    let aside = house.dir.path().join("aside");
    std::fs::create_dir_all(&aside).expect("created");
    std::fs::copy(folder.join(INDEX_LOG), aside.join(INDEX_LOG)).expect("copied");
    stream.finish();
    assert!(first.settle(LIMIT).await);
    first.shutdown().await;
    drop(first);
    std::fs::create_dir_all(&folder).expect("created");
    std::fs::copy(aside.join(INDEX_LOG), folder.join(INDEX_LOG)).expect("copied");
    let second = house.open().await;
    assert_eq!(second.list(None).await.expect("rows")[0].state, RecordingState::Ready);
    assert!(second.settle(LIMIT).await);
    check_ready(&second, &[0, 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_rotted_before_its_upload_leaves_and_the_rest_is_ready() {
    let mut house = House::new();
    let away = AwayStore::put_into(&mut house);
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS * 4);
    stream.finish();
    sealed(&recorder).await;
    let file = key().folder(&house.config.journal_dir).join(crate::key::segment_file(TrackId(1), MSN_BASE + 2));
    let mut bytes = std::fs::read(&file).expect("there");
    bytes[77] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let report = recorder.archive().verify(key()).await.expect("readable");
    let segments = report.checks.iter().find(|check| check.name == "segments").expect("looked at");
    assert!(segments.passed == Some(false) && segments.detail.starts_with("1 problems: segment"), "{segments:?}");
    away.comes_back();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    assert_eq!(gap_marks(&index)[1], [(0, false), (1, false), (3, true)]);
    assert_eq!(gap_marks(&index)[0].len(), 4);
    check_sound(&recorder, key()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_reads_beside_the_writer() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS * 2 + 1);
    let archive = Arc::new(Archive::open(house.config.clone(), house.objects.clone()));
    let segments = async || archive.index(key()).await.map_or(0, |i| i.tracks.iter().map(|t| t.segments.len()).sum());
    until("it sees two segments a track", async || segments().await == 4).await;
    let report = archive.verify(key()).await.expect("readable");
    assert!(report.checks.iter().filter(|check| check.name != "ffprobe").all(|check| check.passed == Some(true)));
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    until("it sees the end", async || archive.index(key()).await.is_ok_and(|i| i.phase == Phase::Ready)).await;
}

/// A disk whose write or flush number `fails` fails, once. Nothing of that write arrives.
#[derive(Debug, Default)]
struct OnceBroken {
    writes: AtomicU32,
    failing_write: Option<u32>,
    flush_fails: AtomicBool,
}

impl Volume for OnceBroken {
    fn free_bytes(&self, _: &Path) -> std::io::Result<u64> {
        Ok(u64::MAX / 2)
    }

    fn write_at(&self, file: &File, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        if Some(self.writes.fetch_add(1, Ordering::SeqCst)) == self.failing_write {
            return Err(std::io::ErrorKind::Other.into());
        }
        Disk.write_at(file, offset, bytes)
    }

    fn sync(&self, _: &File) -> std::io::Result<()> {
        if self.flush_fails.swap(false, Ordering::SeqCst) { Err(std::io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_once_costs_its_segment_at_most_whichever_it_is() {
    // The header, two configurations, and two writes for each of the first parts.
    for failing in 0..8 {
        let mut house = House::new();
        let disk = Arc::new(OnceBroken { failing_write: Some(failing), ..OnceBroken::default() });
        house.volume = disk.clone();
        let recorder = house.open().await;
        let mut stream = begin(&recorder);
        push(&mut stream, 0..PARTS * 3);
        stream.finish();
        assert!(recorder.settle(LIMIT).await);
        assert!(disk.writes.load(Ordering::SeqCst) > failing, "it failed");
        let index = recorder.archive().index(key()).await.expect("there");
        assert_eq!(index.tracks.len(), 2, "write {failing}");
        for track in &index.tracks {
            let last: Vec<_> = track.segments.iter().map(|segment| (segment.msn - MSN_BASE, segment.parts)).collect();
            assert!(last.ends_with(&[(1, PARTS), (2, PARTS)]), "write {failing}: {last:?}");
        }
        check_sound(&recorder, key()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_fails_between_segments_raises_the_alarm_until_the_next() {
    let mut house = House::new();
    let disk = Arc::new(OnceBroken::default());
    house.volume = disk.clone();
    house.config.flush_interval_ms = 3_000;
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    // Whole segments only, long before the next flush: none is open when it comes.
    push(&mut stream, 0..PARTS * 2);
    kept(&recorder, 2_000).await;
    disk.flush_fails.store(true, Ordering::SeqCst);
    until("the alarm is raised", async || !recorder.status().stalled.is_empty()).await;
    until("the alarm is over", async || recorder.status().stalled.is_empty()).await;
    push(&mut stream, PARTS * 2..PARTS * 3);
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    check_ready(&recorder, &[0, 1, 2]).await;
}

/// The same output, of another configuration if it holds pictures.
fn pictures_of(output: Output, epoch: u32) -> Output {
    match output {
        Output::Part(part) if part.track == TrackId(0) => {
            Output::Part(Arc::new(packager::Part { epoch, ..(*part).clone() }))
        }
        other => other,
    }
}

/// The configuration of a track in another epoch.
fn init_of(track: Arc<media::Track>, epoch: u32) -> Output {
    let crate::index::Init { track, name, bytes, .. } = (*fixtures::init(track)).clone();
    Output::Init(Arc::new(packager::Init { track, name, epoch, bytes }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_too_long_for_the_journal_costs_its_own_track_alone() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    let long = media::Track { config: vec![0; 2 << 20].into(), ..(*fixtures::video()).clone() };
    let bytes = fixtures::init(fixtures::video()).bytes.clone();
    stream.push(&Output::Init(Arc::new(packager::Init {
        track: Arc::new(long),
        name: "video".into(),
        epoch: 0,
        bytes,
    })));
    stream.push(&init_of(fixtures::audio(), 0));
    for output in outputs(0..PARTS * 2).into_iter().filter(|output| !matches!(output, Output::Init(_))) {
        stream.push(&output);
    }
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    let kept: Vec<_> = index.tracks.iter().map(|track| (track.id, track.segments.len())).collect();
    assert_eq!(kept, [(TrackId(1), 2)], "the sound is whole");
    check_sound(&recorder, key()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_refused_within_a_segment_leaves_the_other_track_s_whole() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    // Sound is in the middle of its second segment.
    push(&mut stream, 0..PARTS + 2);
    let long = media::Track { config: vec![0; 2 << 20].into(), ..(*fixtures::video()).clone() };
    let Output::Init(init) = init_of(fixtures::video(), 1) else { panic!("a configuration") };
    stream.push(&Output::Init(Arc::new(packager::Init { track: Arc::new(long), ..(*init).clone() })));
    for output in outputs(PARTS + 2..PARTS * 3) {
        // The segment of the pictures that the new configuration cut short is complete.
        if !matches!(&output, Output::Segment(segment) if segment.track == TrackId(0)) {
            stream.push(&pictures_of(output, 1));
        }
    }
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    let kept: Vec<Vec<_>> = index
        .tracks
        .iter()
        .map(|track| track.segments.iter().map(|segment| (segment.msn - MSN_BASE, segment.parts)).collect())
        .collect();
    assert_eq!(kept, [vec![(0, PARTS), (1, 2)], vec![(0, PARTS), (1, PARTS), (2, PARTS)]]);
    assert!(index.gaps.is_empty(), "{:?}", index.gaps);
    check_sound(&recorder, key()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configurations_without_a_part_are_not_kept() {
    let house = House::new();
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS);
    // While the disk has not taken the first part yet, most likely.
    for epoch in 1..=10_000 {
        stream.push(&init_of(fixtures::video(), epoch));
    }
    for output in outputs(PARTS..PARTS * 2) {
        stream.push(&pictures_of(output, 10_000));
    }
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    assert_eq!(index.tracks.iter().map(|track| track.inits.len()).collect::<Vec<_>>(), [2, 1]);
    check_ready(&recorder, &[0, 1]).await;
}
