//! Good files, each way for a file to be wrong, and bytes that are no file.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::super::cmaf::Sample;
use super::super::super::fixtures;
use super::super::{Mp4Part, Mp4Track, fast_start_head};
use super::*;

/// Two tracks, 3 chunks each; payload zeroes.
fn file() -> (Vec<u8>, usize) {
    let mut offset = 8;
    let tracks = [fixtures::h264(), fixtures::aac()].map(|track| {
        let parts = (0..3u64).map(|n| {
            let samples: Arc<[Sample]> = (0..4)
                .map(|at| Sample { size: 10 + at, duration: 1_000, cts: 500 * (at as i32 % 2), key: at == 0 })
                .collect();
            let part = Mp4Part { config: 0, payload_offset: offset, base_decode_time: n * 4_000, samples };
            offset += 50;
            part
        });
        Mp4Track { parts: parts.collect(), configs: vec![Arc::new(track)] }
    });
    let head = fast_start_head(&tracks, offset).expect("writes");
    let mut file = head.to_vec();
    file.resize(head.len() + offset as usize, 0);
    (file, head.len())
}

fn at(file: &[u8], kind: &[u8; 4]) -> usize {
    file.windows(4).position(|bytes| bytes == kind).expect("has one")
}

fn problems(file: &[u8], head: usize) -> Vec<String> {
    let report = verify(&file[..head], file.len() as u64).expect("reads");
    assert_eq!(report, verify_file(&mut Cursor::new(file)).expect("reads"), "both ways of reading agree");
    report.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_good_file_has_no_problem() {
    let (file, head) = file();
    assert_eq!(problems(&file, head), [""; 0]);
    let report = verify(&file[..head], file.len() as u64).expect("reads");
    assert_eq!(report.tracks.len(), 2);
    assert_eq!((report.tracks[0].samples, report.tracks[0].sync_samples, report.tracks[0].bytes), (12, 3, 138));
    assert_eq!((report.tracks[1].timescale, report.tracks[1].duration_ticks), (48_000, 12_000));
}

#[test]
fn a_file_that_is_cut_off_is_found_out() {
    let (file, head) = file();
    let found = problems(&file[..file.len() - 1], head);
    assert_eq!(found, [format!("mdat ends at byte {} of a file of {}", file.len(), file.len() - 1)]);
}

#[test]
fn a_chunk_outside_the_mdat_is_found_out() {
    let (mut file, head) = file();
    let stco = at(&file, b"stco");
    file[stco + 12..stco + 16].copy_from_slice(&((head - 1) as u32).to_be_bytes());
    let found = problems(&file, head);
    assert!(found[0].starts_with("track 1: chunk 1 at bytes"), "{found:?}");
    let end = file.len() as u32;
    file[stco + 12..stco + 16].copy_from_slice(&end.to_be_bytes());
    let found = problems(&file, head);
    assert!(
        found[0].starts_with("track 1: chunk 1 at bytes") && found[1].contains("chunk 2 begins before"),
        "{found:?}"
    );
}

#[test]
fn tables_that_count_differently_are_found_out() {
    for (kind, column) in [(b"stts", 8), (b"ctts", 8), (b"stsc", 12)] {
        let (mut file, head) = file();
        let row = at(&file, kind) + 4 + column;
        file[row + 3] += 1;
        let found = problems(&file, head).join("; ");
        assert!(found.contains(&format!("{} counts", kind.escape_ascii())), "{found}");
    }
}

#[test]
fn sync_samples_out_of_order_are_found_out() {
    let (mut file, head) = file();
    let stss = at(&file, b"stss");
    file[stss + 12 + 3] = 9;
    assert!(problems(&file, head)[0].contains("row 2 of stss"));
    file[stss + 12 + 3] = 0;
    assert!(problems(&file, head)[0].contains("row 1 of stss"));
}

#[test]
fn a_sample_entry_that_is_not_there_is_found_out() {
    let (mut file, head) = file();
    let stsc = at(&file, b"stsc");
    file[stsc + 12 + 8 + 3] = 2;
    assert!(problems(&file, head)[0].contains("names no sample entry"));
}

#[test]
fn a_moov_behind_the_mdat_is_read_and_named() {
    let (file, head) = file();
    let moov = at(&file, b"moov") - 4;
    let mdat = head - 8;
    let moved = [&file[..moov], &file[mdat..], &file[moov..mdat]].concat();
    let report = verify_file(&mut Cursor::new(&moved)).expect("reads");
    assert_eq!(report.problems[0], Problem::NotFastStart);
}

#[test]
fn many_problems_are_counted_but_not_kept() {
    let samples: Arc<[Sample]> = [Sample { size: 1, duration: 1, cts: 0, key: true }].into();
    let parts =
        (0..500).map(|n| Mp4Part { config: 0, payload_offset: n, base_decode_time: n, samples: samples.clone() });
    let track = Mp4Track { configs: vec![Arc::new(fixtures::h264())], parts: parts.collect() };
    let mut head = fast_start_head(&[track], 500).expect("writes").to_vec();
    let stco = at(&head, b"stco");
    head[stco + 12..stco + 12 + 2_000].fill(0);
    let report = verify(&head, head.len() as u64 + 500).expect("reads");
    assert_eq!((report.problems.len(), report.problem_count), (100, 999), "500 outside, 499 overlaps");
}

/// A file of which only the head is really there; behind it are zeroes that nobody should read.
struct Sparse {
    head: Vec<u8>,
    bytes: u64,
    at: u64,
    read: u64,
}

impl Read for Sparse {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(self.at)).expect("64 bits").min(out.len());
        for slot in &mut out[..left] {
            *slot = self.head.get(self.at as usize).copied().unwrap_or(0);
            self.at += 1;
            self.read += 1;
        }
        Ok(left)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.bytes.saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn a_file_of_many_gibibytes_is_verified_from_its_head() {
    let samples: Arc<[Sample]> = [Sample { size: u32::MAX, duration: 1, cts: 0, key: true }].into();
    let parts = (0..10).map(|n| Mp4Part {
        config: 0,
        payload_offset: n * (5 << 30),
        base_decode_time: n,
        samples: samples.clone(),
    });
    let track = Mp4Track { configs: vec![Arc::new(fixtures::h264())], parts: parts.collect() };
    let head = fast_start_head(&[track], 50 << 30).expect("writes").to_vec();
    let bytes = head.len() as u64 + (50 << 30);
    let mut file = Sparse { bytes, at: 0, read: 0, head: head.clone() };
    let report = verify_file(&mut file).expect("reads");
    assert_eq!((report.problems.as_slice(), report.tracks[0].bytes), ([].as_slice(), 10 * u64::from(u32::MAX)));
    assert!(file.read <= head.len() as u64 + 64, "{} bytes read", file.read);
    assert_eq!(report, verify(&head, bytes).expect("reads"));
}

#[test]
fn a_reader_that_fails_is_passed_on() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk on fire"))
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
            Ok(100)
        }
    }
    let error = verify_file(&mut Failing).expect_err("fails");
    assert_eq!(error.to_string(), "reading the file: disk on fire");
}

#[test]
fn a_run_of_four_billion_costs_its_row() {
    let (mut file, head) = file();
    for kind in [b"stts", b"ctts"] {
        let row = at(&file, kind) + 12;
        file[row..row + 8].fill(0xFF);
    }
    let stsc = at(&file, b"stsc") + 12;
    file[stsc + 4..stsc + 8].fill(0xFF);
    let found = problems(&file, head);
    assert!(found.iter().any(|problem| problem.contains("stts counts 4294967295 samples")), "{found:?}");
    assert!(found.iter().any(|problem| problem.contains("stsc counts 12884901885 samples")), "{found:?}");
}

#[test]
fn what_is_no_file_is_an_error() {
    assert!(verify(b"", 0).is_err());
    assert!(verify(b"\0\0\0\x08ftyp\0\0\0\x08mdat", 16).is_err(), "no moov");
    let (file, head) = file();
    for cut in 0..head - 8 {
        assert!(verify(&file[..cut], file.len() as u64).is_err(), "{cut}");
    }
}

#[test]
fn a_moov_that_claims_to_be_huge_is_refused_before_it_is_loaded() {
    let mut bytes = b"\0\0\0\x08ftyp\0\0\0\x01moov\0\0\0\x01\0\0\0\0".to_vec();
    bytes.extend_from_slice(&[0; 64]);
    let error = verify_file(&mut Cursor::new(&bytes)).expect_err("refused");
    assert!(matches!(error, VerifyError::TooLarge { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_mutation_panics(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (mut file, head) = file();
        for (index, value) in edits {
            let at = index.index(head);
            file[at] = value;
        }
        let _ = verify(&file[..head], file.len() as u64);
        let _ = verify_file(&mut Cursor::new(&file));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300), length: u64) {
        let _ = verify(&bytes, length);
        let _ = verify_file(&mut Cursor::new(&bytes));
    }
}
