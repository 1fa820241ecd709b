//! Cut or damage a journal anywhere: what comes back is sound, and a cut costs no more than the part it hit.

use media::Track;

use super::*;
use crate::index::RecordingIndex;
use crate::tests::fixtures::{self, MSN_BASE, PARTS, SmallDisk};

/// What was written, in order: file and bytes.
struct Written {
    _dir: tempfile::TempDir,
    folder: std::path::PathBuf,
}

const SEGMENTS: u32 = 3;

fn tracks() -> [Arc<Track>; 2] {
    [fixtures::video(), fixtures::audio()]
}

/// A recording of `parts` parts per track that was not ended.
fn recording(parts: u32) -> Written {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut journal = Journal::create(dir.path(), fixtures::header(), SmallDisk::with(u64::MAX)).expect("begins");
    for track in tracks() {
        journal.write_init(&fixtures::init(track)).expect("room");
    }
    for n in 0..parts {
        for track in tracks() {
            let (record, bytes) = fixtures::part(&track, n);
            let (msn, last) = (record.msn, record.index + 1 == PARTS);
            journal.write_part(record, &bytes).expect("room");
            if last {
                journal.seal(track.id, msn);
            }
        }
    }
    Written { folder: journal.folder().to_owned(), _dir: dir }
}

fn copy(from: &Written) -> Written {
    let dir = tempfile::tempdir().expect("tempdir");
    let folder = fixtures::header().key.folder(dir.path());
    std::fs::create_dir_all(&folder).expect("created");
    for entry in std::fs::read_dir(&from.folder).expect("readable") {
        let entry = entry.expect("entry");
        std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("copied");
    }
    Written { _dir: dir, folder }
}

fn recovered(written: &Written) -> Option<Arc<RecordingIndex>> {
    let volume: Arc<dyn Volume> = SmallDisk::with(u64::MAX);
    match recover(&written.folder, &volume).expect("no fault of the disk") {
        Outcome::Recovered(journal) => {
            check(&written.folder, journal.fold().index());
            Some(journal.fold().index().clone())
        }
        Outcome::Unreadable { .. } => None,
    }
}

/// Every listed segment is there, whole, with its checksum; nothing else is there.
fn check(folder: &Path, index: &RecordingIndex) {
    let mut known = 0;
    for track in &index.tracks {
        let mut end = None;
        for segment in track.segments.iter() {
            let bytes = std::fs::read(folder.join(segment_file(track.id, segment.msn))).expect("file");
            assert_eq!((bytes.len() as u64, crc32fast::hash(&bytes)), (segment.bytes, segment.crc));
            let fragments = formats::container::cmaf::parse_fragments(&bytes).expect("sound fragments");
            assert_eq!(fragments.len() as u32, segment.parts);
            assert_eq!(fragments[0].base_decode_time, segment.start.0 as u64);
            assert!(segment.gap_before || end.is_none_or(|end| end == segment.start), "gap without a mark");
            end = Some(segment.start.plus(segment.duration));
            known += 1;
        }
    }
    assert_eq!(segment_files(folder).expect("readable").len(), known);
}

fn parts(index: &RecordingIndex) -> u32 {
    index.tracks.iter().flat_map(|track| track.segments.iter()).map(|segment| segment.parts).sum()
}

/// Where the records of parts begin in a log, and the segments they are of, counted from 0.
fn part_records(log: &[u8]) -> Vec<(usize, u64)> {
    let (mut rest, mut found) = (log, Vec::new());
    while let Some((record, behind)) = crate::journal::frame::split(rest) {
        if let Some(Record::Part(part)) = Record::decode(record) {
            found.push((log.len() - rest.len(), part.msn - MSN_BASE));
        }
        rest = behind;
    }
    found
}

#[test]
fn a_killed_recording_keeps_every_part_whose_record_is_there() {
    let written = recording(PARTS * SEGMENTS - 2);
    let index = recovered(&written).expect("header");
    assert_eq!(parts(&index), 2 * (PARTS * SEGMENTS - 2));
    assert_eq!(index.duration_ms(), u64::from(PARTS * SEGMENTS - 2) * 200);
    assert_eq!(index.phase, crate::Phase::Sealed);
}

#[test]
fn recovering_again_changes_nothing() {
    let written = recording(PARTS + 3);
    let first = recovered(&written).expect("header");
    let log = std::fs::read(written.folder.join(INDEX_LOG)).expect("log");
    let second = recovered(&written).expect("header");
    assert_eq!(log, std::fs::read(written.folder.join(INDEX_LOG)).expect("log"));
    assert_eq!((parts(&first), first.bytes()), (parts(&second), second.bytes()));
}

#[test]
fn a_log_cut_at_any_byte_keeps_every_part_before_the_cut() {
    let written = recording(PARTS + 2);
    let log = std::fs::read(written.folder.join(INDEX_LOG)).expect("log");
    let ends: Vec<u64> = part_records(&log).iter().map(|(at, _)| *at as u64).collect();
    for cut in 0..log.len() {
        let copy = copy(&written);
        std::fs::write(copy.folder.join(INDEX_LOG), &log[..cut]).expect("written");
        let kept = recovered(&copy).map_or(0, |index| parts(&index));
        // A part is whole once the next record begins; the last one before the cut may be torn.
        let whole = ends.iter().filter(|&&at| at < cut as u64).count() as u32;
        assert!(kept + 1 >= whole && kept <= whole, "cut at {cut}: {kept} of {whole}");
    }
}

#[test]
fn the_newest_segment_cut_at_any_byte_loses_only_parts_from_the_cut_on() {
    let written = recording(PARTS + 3);
    let name = segment_file(TrackId(1), MSN_BASE + 1);
    let bytes = std::fs::read(written.folder.join(&name)).expect("file");
    let last = fixtures::part(&fixtures::audio(), PARTS + 2).1.len();
    for cut in (0..bytes.len()).step_by(7) {
        let copy = copy(&written);
        std::fs::write(copy.folder.join(&name), &bytes[..cut]).expect("written");
        let index = recovered(&copy).expect("header");
        let lost = 2 * (PARTS + 3) - parts(&index);
        if cut >= bytes.len() - last {
            assert_eq!(lost, 1, "cut at {cut}");
        }
        assert!(lost <= 3, "cut at {cut}: {lost} lost, at most the parts of that segment");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_segment_costs_the_rest_of_that_segment() {
    let written = recording(PARTS * SEGMENTS);
    let name = segment_file(TrackId(0), MSN_BASE + 1);
    let bytes = std::fs::read(written.folder.join(&name)).expect("file");
    for at in (0..bytes.len()).step_by(5) {
        let copy = copy(&written);
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(copy.folder.join(&name), &damaged).expect("written");
        let index = recovered(&copy).expect("header");
        let hit = part_at(at);
        assert_eq!(parts(&index), 2 * PARTS * SEGMENTS - (PARTS - hit), "flip at {at}");
        assert!(index.tracks[0].segments.get(MSN_BASE + 2).expect("kept").gap_before);
    }
}

/// Which part of the video's second segment lies at byte `at`.
fn part_at(at: usize) -> u32 {
    let mut end = 0;
    let ends = (0..PARTS).map(|n| {
        end += fixtures::part(&fixtures::video(), PARTS + n).1.len();
        end
    });
    ends.filter(|end| *end <= at).count() as u32
}

#[test]
fn a_flipped_bit_anywhere_in_the_log_leaves_a_sound_recording() {
    let written = recording(PARTS + 2);
    let log = std::fs::read(written.folder.join(INDEX_LOG)).expect("log");
    for at in 0..log.len() {
        let copy = copy(&written);
        let mut damaged = log.clone();
        damaged[at] ^= 0x04;
        std::fs::write(copy.folder.join(INDEX_LOG), &damaged).expect("written");
        recovered(&copy);
    }
}

#[test]
fn a_flipped_bit_in_the_middle_of_the_log_costs_the_segments_around_it_and_not_the_rest() {
    let written = recording(PARTS * 6);
    let log = std::fs::read(written.folder.join(INDEX_LOG)).expect("log");
    for &(at, msn) in part_records(&log).iter().filter(|(_, msn)| (1..4).contains(msn)) {
        let copy = copy(&written);
        let mut damaged = log.clone();
        damaged[at + 9] ^= 0x40;
        std::fs::write(copy.folder.join(INDEX_LOG), &damaged).expect("written");
        let index = recovered(&copy).expect("header");
        for track in &index.tracks {
            let kept: Vec<u64> = track.segments.iter().map(|segment| segment.msn - MSN_BASE).collect();
            let others: Vec<u64> = (0..6).filter(|n| *n != msn).collect();
            assert!(others.iter().all(|n| kept.contains(n)), "record at {at} of segment {msn}: {kept:?}");
            // On the track that was not hit, the segment itself may begin behind the gap and be whole.
            let mut marked = (msn..=msn + 1).filter_map(|n| track.segments.get(MSN_BASE + n));
            assert!(marked.any(|segment| segment.gap_before), "record at {at}");
        }
    }
}

#[test]
fn a_log_with_a_hole_of_zeros_or_noise_goes_on_behind_it() {
    let written = recording(PARTS * 6);
    let log = std::fs::read(written.folder.join(INDEX_LOG)).expect("log");
    for fill in [0u8, 0xFF, 0x5A] {
        let copy = copy(&written);
        let mut damaged = log.clone();
        let third = damaged.len() / 3;
        damaged[third..third + 200].fill(fill);
        std::fs::write(copy.folder.join(INDEX_LOG), &damaged).expect("written");
        let index = recovered(&copy).expect("header");
        assert!(parts(&index) >= 2 * PARTS * 4, "{} parts", parts(&index));
        assert_eq!(index.gaps.len(), 1);
    }
}

#[test]
fn a_folder_without_a_header_holds_no_recording() {
    let dir = tempfile::tempdir().expect("tempdir");
    let volume: Arc<dyn Volume> = SmallDisk::with(u64::MAX);
    let empty = recover(dir.path(), &volume).expect("readable");
    assert!(matches!(empty, Outcome::Unreadable { has_segments: false }));
    std::fs::write(dir.path().join("0-7.m4s"), b"moof").expect("written");
    std::fs::write(dir.path().join(INDEX_LOG), [0; 300]).expect("written");
    let zeros = recover(dir.path(), &volume).expect("readable");
    assert!(matches!(zeros, Outcome::Unreadable { has_segments: true }));
    assert!(dir.path().join("0-7.m4s").exists(), "nothing is removed that no log explains");
}

/// Every write of a recording, in the order in which the writer makes them: file name and bytes to append.
fn writes(written: &Written) -> Vec<(String, Vec<u8>)> {
    let log = std::fs::read(written.folder.join(INDEX_LOG)).expect("log");
    let mut writes = Vec::new();
    let mut rest = &log[..];
    while let Some((record, behind)) = crate::journal::frame::split(rest) {
        if let Some(Record::Part(part)) = Record::decode(record) {
            let name = segment_file(part.track, part.msn);
            let bytes = std::fs::read(written.folder.join(&name)).expect("file");
            writes.push((name, bytes[part.offset as usize..][..part.len as usize].to_vec()));
        }
        writes.push((INDEX_LOG.into(), rest[..rest.len() - behind.len()].to_vec()));
        rest = behind;
    }
    writes
}

#[test]
fn a_kill_at_any_byte_of_the_writing_loses_only_the_part_being_written() {
    let written = recording(PARTS + 1);
    let writes = writes(&written);
    let total: usize = writes.iter().map(|(_, bytes)| bytes.len()).sum();
    for cut in (0..total).step_by(11) {
        let dir = tempfile::tempdir().expect("tempdir");
        let folder = fixtures::header().key.folder(dir.path());
        std::fs::create_dir_all(&folder).expect("created");
        let (mut left, mut whole, mut begun) = (cut, 0, 0);
        for (name, bytes) in &writes {
            let now = left.min(bytes.len());
            let mut file = OpenOptions::new().append(true).create(true).open(folder.join(name)).expect("opened");
            io::Write::write_all(&mut file, &bytes[..now]).expect("written");
            begun += u32::from(name != INDEX_LOG);
            whole += u32::from(now == bytes.len() && name == INDEX_LOG && is_part(bytes));
            left -= now;
            if left == 0 {
                break;
            }
        }
        let kept = recovered(&Written { folder, _dir: dir }).map_or(0, |index| parts(&index));
        assert!(kept == whole && kept + 1 >= begun, "cut at {cut}: {kept} of {whole} whole and {begun} begun");
    }
}

fn is_part(frame: &[u8]) -> bool {
    let (record, _) = crate::journal::frame::split(frame).expect("sound");
    matches!(Record::decode(record), Some(Record::Part(_)))
}

#[test]
fn bytes_that_a_power_cut_took_behind_a_record_that_survived_are_cut_off() {
    let written = recording(PARTS + 3);
    // The last three parts of video were never flushed: zeros, as after a journalled length without its blocks.
    let name = segment_file(TrackId(0), MSN_BASE + 1);
    let mut bytes = std::fs::read(written.folder.join(&name)).expect("file");
    let first = fixtures::part(&fixtures::video(), PARTS).1.len();
    bytes[first..].fill(0);
    std::fs::write(written.folder.join(&name), &bytes).expect("written");
    let index = recovered(&written).expect("header");
    assert_eq!(index.tracks[0].segments.get(MSN_BASE + 1).expect("its first part is sound").parts, 1);
    assert_eq!(index.duration_ms(), 200 * u64::from(PARTS + 1));
}

#[test]
fn a_disk_without_a_byte_left_delays_the_end_of_a_journal_and_nothing_else() {
    let written = recording(PARTS + 3);
    let disk = SmallDisk::with(0);
    let volume: Arc<dyn Volume> = disk.clone();
    let Outcome::Recovered(mut journal) = recover(&written.folder, &volume).expect("no fault of the disk") else {
        panic!("there is a header");
    };
    check(&written.folder, journal.fold().index());
    assert_eq!(parts(journal.fold().index()), 2 * (PARTS + 3));
    assert!(!journal.is_synced());
    disk.left.store(1_000, std::sync::atomic::Ordering::SeqCst);
    journal.sync().expect("room now");
    let log = File::open(written.folder.join(INDEX_LOG)).expect("log");
    let (fold, _) = read(log, |_| ()).expect("readable").expect("header");
    assert!(fold.ended() && journal.is_synced());
}
