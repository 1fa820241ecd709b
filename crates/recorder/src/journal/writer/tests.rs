//! Memory and files tell the same story, whatever the disk does.

use std::sync::atomic::Ordering;

use super::*;
use crate::journal::recover::read;
use crate::journal::volume::Disk;
use crate::tests::fixtures::{self, MSN_BASE, PARTS, SmallDisk, WALL};

fn read_back(journal: &Journal) -> Fold {
    let log = File::open(journal.folder().join(INDEX_LOG)).expect("log");
    read(log, |_| ()).expect("readable").expect("header").0
}

fn same(a: &Fold, b: &Fold) -> bool {
    let list = |fold: &Fold| -> Vec<_> {
        fold.index().tracks.iter().map(|t| (t.id, t.segments.iter().copied().collect::<Vec<_>>())).collect()
    };
    list(a) == list(b) && a.open() == b.open() && a.index().gaps == b.index().gaps && a.ended() == b.ended()
}

fn write(journal: &mut Journal, parts: std::ops::Range<u32>) -> io::Result<()> {
    for n in parts {
        for track in [fixtures::video(), fixtures::audio()] {
            let (record, bytes) = fixtures::part(&track, n);
            journal.write_part(record, &bytes)?;
        }
    }
    Ok(())
}

fn begin(dir: &Path, volume: Arc<dyn Volume>) -> io::Result<Journal> {
    let mut journal = Journal::create(dir, fixtures::header(), volume)?;
    journal.write_init(&fixtures::init(fixtures::video()))?;
    journal.write_init(&fixtures::init(fixtures::audio()))?;
    Ok(journal)
}

#[test]
fn a_journal_reads_back_as_it_was_written() {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut journal = begin(dir.path(), Arc::new(Disk)).expect("begins");
    write(&mut journal, 0..PARTS * 2 + 2).expect("room");
    journal.seal(TrackId(0), MSN_BASE + 2);
    journal.end(EndReason::Ended);
    journal.sync().expect("room");
    assert!(journal.is_synced());
    assert!(same(journal.fold(), &read_back(&journal)));
    for track in &journal.fold().index().tracks {
        for segment in track.segments.iter() {
            let file = std::fs::read(journal.folder().join(segment_file(track.id, segment.msn))).expect("file");
            assert_eq!((file.len() as u64, crc32fast::hash(&file)), (segment.bytes, segment.crc));
        }
    }
}

#[test]
fn the_fold_is_what_a_reader_of_the_files_gets_and_a_failed_write_leaves_no_torn_tail() {
    for room in (0..12_000).step_by(97) {
        let dir = tempfile::tempdir().expect("tempdir");
        let disk = SmallDisk::with(room);
        let Ok(mut journal) = begin(dir.path(), disk.clone()) else { continue };
        let failed = write(&mut journal, 0..PARTS * 2).is_err();
        assert!(same(journal.fold(), &read_back(&journal)), "room {room}");
        if failed {
            journal.lose(GapReason::DiskFull, WALL);
            for (track, segment) in segments(&journal) {
                let file = std::fs::metadata(journal.folder().join(segment_file(track, segment.0))).expect("file");
                assert_eq!(file.len(), segment.1, "room {room}");
            }
            disk.left.store(1 << 20, Ordering::SeqCst);
            journal.settle().expect("room now");
            write(&mut journal, PARTS * 3..PARTS * 4).expect("room now");
            assert!(same(journal.fold(), &read_back(&journal)), "room {room}");
        }
        journal.end(EndReason::Ended);
        journal.sync().expect("room now");
        assert!(same(journal.fold(), &read_back(&journal)), "room {room}");
    }
}

fn segments(journal: &Journal) -> Vec<(TrackId, (u64, u64))> {
    let tracks = journal.fold().index().tracks.iter();
    tracks.flat_map(|t| t.segments.iter().map(|s| (t.id, (s.msn, s.bytes)))).collect()
}

#[test]
fn a_journal_that_exists_is_not_begun_again() {
    let dir = tempfile::tempdir().expect("tempdir");
    begin(dir.path(), Arc::new(Disk)).expect("begins");
    let again = begin(dir.path(), Arc::new(Disk)).expect_err("exists");
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn a_stored_segment_loses_its_file_only_after_the_flush() {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut journal = begin(dir.path(), Arc::new(Disk)).expect("begins");
    write(&mut journal, 0..PARTS + 1).expect("room");
    let file = journal.folder().join(segment_file(TrackId(0), MSN_BASE));
    journal.stored(TrackId(0), MSN_BASE);
    assert!(file.exists());
    journal.sync().expect("room");
    assert!(!file.exists());
    assert!(read_back(&journal).index().tracks[0].segments.get(MSN_BASE).expect("listed").stored);
}
