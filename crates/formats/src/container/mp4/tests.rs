//! Heads over recordings made of fragments, read by our own verifier and by mp4-atom.

use media::TrackId;
use mp4_atom::{Any, Decode, Moov};
use proptest::prelude::*;

use super::super::cmaf::{FragmentHeader, parse_fragments, write_fragment_header};
use super::super::fixtures;
use super::*;

/// A recording as the recorder has it: segments of several tracks one after the other.
#[derive(Default)]
struct Recording {
    body: Vec<u8>,
    tracks: Vec<Mp4Track>,
}

impl Recording {
    fn with_tracks(tracks: &[Track]) -> Self {
        let tracks = tracks.iter().map(|track| Mp4Track { configs: vec![Arc::new(track.clone())], parts: vec![] });
        Self { body: Vec::new(), tracks: tracks.collect() }
    }

    /// Payload bytes are the number of the part.
    fn part(&mut self, track: usize, config: usize, base_decode_time: u64, samples: &[Sample]) {
        let header = FragmentHeader {
            sequence: 1,
            track: TrackId(track as u8),
            timescale: self.tracks[track].configs[config].timescale,
            base_decode_time,
            samples,
            prft: None,
        };
        write_fragment_header(&header, &mut self.body).expect("fits");
        let payload_offset = self.body.len() as u64;
        let payload: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
        let number = self.tracks[track].parts.len() as u8;
        self.body.resize(self.body.len() + payload as usize, number);
        self.tracks[track].parts.push(Mp4Part { config, payload_offset, base_decode_time, samples: samples.into() });
    }

    fn head(&self) -> Bytes {
        fast_start_head(&self.tracks, self.body.len() as u64).expect("writes")
    }

    fn moov(&self) -> Moov {
        let head = self.head();
        let mut rest = &head[..];
        let Ok(Any::Ftyp(_)) = Any::decode(&mut rest) else { panic!("ftyp first") };
        let Ok(Any::Moov(moov)) = Any::decode(&mut rest) else { panic!("moov then") };
        moov
    }
}

fn sample(size: u32, duration: u32, cts: i32, key: bool) -> Sample {
    Sample { size, duration, cts, key }
}

fn durations(moov: &Moov, track: usize) -> Vec<(u32, u32)> {
    let stts = &moov.trak[track].mdia.minf.stbl.stts;
    stts.entries.iter().map(|run| (run.sample_count, run.sample_delta)).collect()
}

fn edits(moov: &Moov, track: usize) -> Vec<(u64, Option<u64>)> {
    let edts = moov.trak[track].edts.as_ref().expect("has edits");
    edts.elst.as_ref().expect("has a list").entries.iter().map(|e| (e.segment_duration, e.media_time)).collect()
}

#[test]
fn every_sample_is_found_through_the_tables() {
    let mut recording = Recording::with_tracks(&[fixtures::h264(), fixtures::aac()]);
    for n in 0..5u64 {
        recording.part(0, 0, n * 6_000, &[sample(10 + n as u32, 3_000, 0, n == 0), sample(4, 3_000, 0, false)]);
        recording.part(
            1,
            0,
            n * 3_072,
            &[sample(7, 1_024, 0, true), sample(8, 1_024, 0, true), sample(9, 1_024, 0, true)],
        );
    }
    let head = recording.head();
    let file = [&head[..], &recording.body].concat();
    let report = verify(&head, file.len() as u64).expect("reads");
    assert_eq!(report.problems, []);
    assert_eq!(report.tracks.iter().map(|t| (t.samples, t.sync_samples)).collect::<Vec<_>>(), [(10, 1), (15, 15)]);
    let moov = recording.moov();
    for (track, trak) in moov.trak.iter().enumerate() {
        let offsets = &trak.mdia.minf.stbl.stco.as_ref().expect("32 bits suffice").entries;
        assert_eq!(offsets.len(), 5);
        for (number, (&offset, part)) in offsets.iter().zip(&recording.tracks[track].parts).enumerate() {
            let bytes: u32 = part.samples.iter().map(|sample| sample.size).sum();
            let payload = &file[offset as usize..(offset + bytes) as usize];
            assert!(payload.iter().all(|&byte| byte == number as u8), "chunk {number} of track {track}");
        }
    }
    let fragments = parse_fragments(&file[head.len()..]).expect("the body is still CMAF");
    assert_eq!(fragments.len(), 10);
}

#[test]
fn equal_durations_are_one_row() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    for n in 0..100 {
        recording.part(0, 0, n * 3_000, &[sample(1, 3_000, 0, true)]);
    }
    let moov = recording.moov();
    assert_eq!(durations(&moov, 0), [(100, 3_000)]);
    assert!(moov.trak[0].mdia.minf.stbl.stss.is_none(), "all are sync samples");
    assert!(moov.trak[0].mdia.minf.stbl.ctts.is_none(), "no sample is presented off its decode time");
    assert_eq!(moov.trak[0].mdia.minf.stbl.stsc.entries.len(), 1);
}

#[test]
fn a_gap_stretches_the_sample_before_it() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    recording.part(0, 0, 1_000_000, &[sample(1, 3_000, 0, true), sample(1, 3_000, 0, false)]);
    recording.part(0, 0, 1_000_000 + 96_000, &[sample(1, 3_000, 0, true)]);
    assert_eq!(durations(&recording.moov(), 0), [(1, 3_000), (1, 93_000), (1, 3_000)]);
}

#[test]
fn parts_that_overlap_shorten_the_sample_before_and_time_is_found_again() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    recording.part(0, 0, 0, &[sample(1, 3_000, 0, true), sample(1, 3_000, 0, false)]);
    recording.part(0, 0, 5_000, &[sample(1, 3_000, 0, true)]);
    recording.part(0, 0, 4_000, &[sample(1, 3_000, 0, true), sample(1, 3_000, 0, true)]);
    // Decode times 0, 3000, 5000, then 4000 which would run backwards and waits at 5000, then 7000.
    assert_eq!(durations(&recording.moov(), 0), [(1, 3_000), (1, 2_000), (1, 0), (1, 2_000), (1, 3_000)]);
}

#[test]
fn sound_that_starts_later_is_delayed_by_an_empty_edit() {
    let mut recording = Recording::with_tracks(&[fixtures::h264(), fixtures::aac()]);
    recording.part(0, 0, 90_000, &[sample(1, 3_000, 0, true)]);
    recording.part(1, 0, 48_000 + 4_800, &[sample(1, 1_024, 0, true)]);
    let moov = recording.moov();
    assert_eq!(edits(&moov, 0), [(3_000, Some(0))]);
    assert_eq!(edits(&moov, 1), [(9_000, None), (1_920, Some(0))]);
    assert_eq!(moov.mvhd.duration, 10_920);
}

#[test]
fn b_frame_delay_is_taken_out_by_the_edit_list() {
    let mut recording = Recording::with_tracks(&[fixtures::h264(), fixtures::aac()]);
    // I P B B: presented at 6000, 15000, 9000, 12000.
    let offsets = [6_000, 12_000, 3_000, 3_000];
    let samples: Vec<_> = offsets.iter().enumerate().map(|(n, &cts)| sample(1, 3_000, cts, n == 0)).collect();
    recording.part(0, 0, 0, &samples);
    recording.part(1, 0, 3_200, &[sample(1, 1_024, 0, true)]);
    let moov = recording.moov();
    assert_eq!(edits(&moov, 0), [(12_000, Some(6_000))], "video is seen from its first picture");
    assert_eq!(edits(&moov, 1), [(1_920, Some(0))], "sound starts with the picture: 3200/48000 = 6000/90000");
}

#[test]
fn negative_composition_offsets_are_shifted_and_the_edit_list_says_so() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    let offsets = [0, 6_000, -3_000, -3_000];
    let samples: Vec<_> = offsets.iter().enumerate().map(|(n, &cts)| sample(1, 3_000, cts, n == 0)).collect();
    recording.part(0, 0, 90_000, &samples);
    let moov = recording.moov();
    let ctts = moov.trak[0].mdia.minf.stbl.ctts.clone().expect("has offsets");
    let read: Vec<_> = ctts.entries.iter().map(|run| (run.sample_count, run.sample_offset)).collect();
    assert_eq!(read, [(1, 3_000), (1, 9_000), (2, 0)]);
    assert_eq!(edits(&moov, 0), [(12_000, Some(3_000))]);
}

#[test]
fn a_changed_configuration_gets_its_own_sample_entry() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    let configs = &mut recording.tracks[0].configs;
    configs.push(Arc::new(fixtures::h265()));
    configs.push(Arc::new(fixtures::h264()));
    for config in [0, 1, 2, 2, 1] {
        let at = recording.tracks[0].parts.len() as u64 * 3_000;
        recording.part(0, config, at, &[sample(1, 3_000, 0, true)]);
    }
    let moov = recording.moov();
    let stbl = &moov.trak[0].mdia.minf.stbl;
    assert_eq!(stbl.stsd.codecs.len(), 2, "the third equals the first");
    let runs: Vec<_> = stbl.stsc.entries.iter().map(|e| (e.first_chunk, e.sample_description_index)).collect();
    assert_eq!(runs, [(1, 1), (2, 2), (3, 1), (5, 2)]);
    let head = recording.head();
    let report = verify(&head, head.len() as u64 + recording.body.len() as u64).expect("reads");
    assert_eq!(report.tracks[0].codecs, [Some(media::Codec::H264), Some(media::Codec::H265)]);
    assert_eq!(report.problems, []);
}

#[test]
fn a_changed_sample_rate_is_rescaled_without_drift() {
    let mut recording = Recording::with_tracks(&[fixtures::aac()]);
    let slower = fixtures::audio(media::Codec::Aac, 44_100, 1_024, &[0x12, 0x10]);
    recording.tracks[0].configs.push(Arc::new(slower));
    recording.part(0, 0, 0, &[sample(1, 48_000, 0, true)]);
    for n in 0..4_410u64 {
        recording.part(0, 1, 44_100 + n * 10, &[sample(1, 10, 0, true)]);
    }
    let moov = recording.moov();
    assert_eq!(moov.trak[0].mdia.mdhd.timescale, 48_000);
    assert_eq!(moov.trak[0].mdia.mdhd.duration, 96_000, "two seconds to the tick");
}

#[test]
fn a_body_beyond_four_gibibytes_gets_64_bit_offsets() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    recording.part(0, 0, 0, &[sample(5, 3_000, 0, true)]);
    recording.tracks[0].parts.push(Mp4Part {
        config: 0,
        payload_offset: 5 << 30,
        base_decode_time: 3_000,
        samples: [sample(9, 3_000, 0, true)].into(),
    });
    let body = (5 << 30) + 9;
    let head = fast_start_head(&recording.tracks, body).expect("writes");
    let report = verify(&head, head.len() as u64 + body).expect("reads");
    assert_eq!((report.problems.as_slice(), report.mdat_body_bytes), ([].as_slice(), body));
    assert!(head.windows(4).any(|kind| kind == b"co64"));
    assert!(head.ends_with(&[b"\0\0\0\x01mdat".as_slice(), &(body + 16).to_be_bytes()].concat()));
}

#[test]
fn offsets_widen_exactly_where_they_must() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    recording.part(0, 0, 0, &[sample(5, 3_000, 0, true)]);
    let head_bytes = recording.head().len() as u64;
    let most = u64::from(u32::MAX) - head_bytes;
    let has_co64 = |body| {
        let head = fast_start_head(&recording.tracks, body).expect("writes");
        let report = verify(&head, head.len() as u64 + body).expect("reads");
        assert_eq!(report.problems, []);
        head.windows(4).any(|kind| kind == b"co64")
    };
    assert!(!has_co64(most));
    assert!(has_co64(most + 1));
}

#[test]
fn a_body_of_any_length_is_answered() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    recording.part(0, 0, 0, &[sample(5, 3_000, 0, true)]);
    for body in [u64::MAX, u64::MAX - 8, u64::MAX - 16, 1 << 63, u64::from(u32::MAX) - 8, u64::from(u32::MAX) - 7] {
        let head = fast_start_head(&recording.tracks, body).expect("writes");
        let large = head.ends_with(&body.saturating_add(16).to_be_bytes());
        assert_eq!(large, body > u64::from(u32::MAX) - 8, "{body}");
    }
}

#[test]
fn faults_of_the_caller_are_named() {
    let mut recording = Recording::with_tracks(&[fixtures::h264()]);
    assert!(matches!(fast_start_head(&recording.tracks, 0), Err(Mp4Error::Empty)));
    recording.part(0, 0, 0, &[sample(5, 3_000, 0, true)]);
    let body = recording.body.len() as u64;
    let error = fast_start_head(&recording.tracks, body - 1).expect_err("too short");
    assert!(matches!(error, Mp4Error::OutsideMdat { track: 0, part: 0, .. }), "{error}");
    recording.tracks[0].parts[0].config = 1;
    let error = fast_start_head(&recording.tracks, body).expect_err("no such configuration");
    assert!(matches!(error, Mp4Error::Configuration { config: 1, .. }), "{error}");
    recording.tracks[0].configs.push(Arc::new(fixtures::aac()));
    let error = fast_start_head(&recording.tracks, body).expect_err("sound on a picture track");
    assert!(matches!(error, Mp4Error::Configuration { config: 1, .. }), "{error}");
    recording.tracks[0].parts[0] =
        Mp4Part { config: 0, base_decode_time: u64::MAX, ..recording.tracks[0].parts[0].clone() };
    assert!(matches!(fast_start_head(&recording.tracks, body), Err(Mp4Error::Time { .. })));
    let far = Mp4Part { base_decode_time: 1 << 40, ..recording.tracks[0].parts[0].clone() };
    recording.tracks[0].parts[0].base_decode_time = 0;
    recording.tracks[0].parts.push(far);
    assert!(matches!(fast_start_head(&recording.tracks, body), Err(Mp4Error::Time { part: 1, .. })), "gap of 141 days");
}

#[test]
fn four_hours_are_one_pass() {
    // 1.1 million samples in 144,000 parts: a quadratic step would not end within the test run.
    let mut tracks = Recording::with_tracks(&[fixtures::h264(), fixtures::aac()]).tracks;
    let mut offset = 0u64;
    for part in 0..72_000u64 {
        let samples: Arc<[Sample]> = (0..6).map(|n| sample(9_000 + n, 3_000, 3_000 * (n as i32 % 3), n == 0)).collect();
        tracks[0].parts.push(Mp4Part { config: 0, payload_offset: offset, base_decode_time: part * 18_000, samples });
        offset += 60_000;
        let count = 9 + u32::from(part % 8 < 3);
        let samples: Arc<[Sample]> = (0..count).map(|n| sample(300 + n, 1_024, 0, true)).collect();
        tracks[1].parts.push(Mp4Part { config: 0, payload_offset: offset, base_decode_time: part * 9_600, samples });
        offset += 4_000;
    }
    let head = fast_start_head(&tracks, offset).expect("writes");
    let report = verify(&head, head.len() as u64 + offset).expect("reads");
    assert_eq!(report.problems, []);
    assert_eq!(report.tracks[0].samples, 432_000);
    assert_eq!(report.duration_ms, 14_400_066, "four hours and the delay of the last B-frame");
}

/// Every sample of a track as a player finds it: where it lies, and when it is shown (ticks of the track, movie time).
fn played(moov: &Moov, index: usize) -> Vec<(u64, u32, i64)> {
    let trak = &moov.trak[index];
    let stbl = &trak.mdia.minf.stbl;
    let sizes: Vec<u32> = match &stbl.stsz.samples {
        mp4_atom::StszSamples::Identical { count, size } => vec![*size; *count as usize],
        mp4_atom::StszSamples::Different { sizes } => sizes.clone(),
    };
    let mut shift = 0i64;
    for edit in &trak.edts.as_ref().and_then(|edts| edts.elst.as_ref()).expect("has edits").entries {
        let hz = i64::from(trak.mdia.mdhd.timescale);
        match edit.media_time {
            None => shift += edit.segment_duration as i64 * hz / i64::from(moov.mvhd.timescale),
            Some(media_time) => shift -= media_time as i64,
        }
    }
    let durations =
        stbl.stts.entries.iter().flat_map(|run| vec![i64::from(run.sample_delta); run.sample_count as usize]);
    let offsets = stbl.ctts.iter().flat_map(|ctts| &ctts.entries);
    let mut offsets = offsets.flat_map(|run| vec![run.sample_offset; run.sample_count as usize]);
    let starts = durations.scan(0, |at, duration| {
        *at += duration;
        Some(*at - duration)
    });
    let shown: Vec<i64> = starts.map(|dts| dts + offsets.next().unwrap_or(0) + shift).collect();
    let mut out = Vec::new();
    for (number, &offset) in stbl.stco.as_ref().expect("32 bits suffice").entries.iter().enumerate() {
        let run = stbl.stsc.entries.iter().rev().find(|run| run.first_chunk as usize <= number + 1).expect("a run");
        let mut at = u64::from(offset);
        for _ in 0..run.samples_per_chunk {
            let sample = out.len();
            out.push((at, sizes[sample], shown[sample]));
            at += u64::from(sizes[sample]);
        }
    }
    assert_eq!(out.len(), sizes.len());
    out
}

proptest! {
    #[test]
    fn a_player_finds_every_sample_in_its_place_and_at_its_time(
        parts in prop::collection::vec(
            (0usize..2, 0u64..20_000, prop::collection::vec((0u32..50, 1u32..4_000, -5_000i32..5_000), 1..6)),
            2..30,
        ),
        starts in prop::array::uniform2(0u64..1_000_000),
    ) {
        let mut recording = Recording::with_tracks(&[fixtures::h264(), fixtures::aac()]);
        let (mut at, mut sent) = (starts, [Vec::new(), Vec::new()]);
        for (track, gap, samples) in parts {
            let samples: Vec<_> = samples.into_iter().map(|(size, duration, cts)| sample(size, duration, cts, true)).collect();
            at[track] += gap;
            recording.part(track, 0, at[track], &samples);
            let mut offset = recording.tracks[track].parts.last().expect("just added").payload_offset;
            for sample in samples {
                sent[track].push((offset, sample.size, at[track] as i64 + i64::from(sample.cts)));
                offset += u64::from(sample.size);
                at[track] += u64::from(sample.duration);
            }
        }
        prop_assume!(sent.iter().all(|samples| !samples.is_empty()));
        let body_at = recording.head().len() as u64;
        let moov = recording.moov();
        let earliest = |track: usize| sent[track].iter().map(|sample| sample.2).min().expect("not empty");
        let seconds = [earliest(0) as f64 / 90_000.0, earliest(1) as f64 / 48_000.0];
        for (track, hz) in [(0, 90_000.0), (1, 48_000.0)] {
            let start = (seconds[0].min(seconds[1]) * hz).round() as i64;
            let played = played(&moov, track);
            prop_assert_eq!(played.len(), sent[track].len());
            for (played, sent) in played.iter().zip(&sent[track]) {
                prop_assert_eq!((played.0, played.1), (body_at + sent.0, sent.1));
                prop_assert!((played.2 - (sent.2 - start)).abs() <= 2, "shown at {} instead of {}", played.2, sent.2 - start);
            }
        }
    }

    #[test]
    fn absurd_numbers_are_answered(
        parts in prop::collection::vec(
            (any::<usize>(), any::<u64>(), any::<u64>(), prop::collection::vec(any::<(u32, u32, i32, bool)>(), 0..4)),
            0..5,
        ),
        timescales in prop::array::uniform2(1u32..),
        body: u64,
    ) {
        let config = |hz| Arc::new(Track { timescale: Timescale::new(hz).expect("not zero"), ..fixtures::h264() });
        let parts = parts.into_iter().map(|(config, payload_offset, base_decode_time, samples)| Mp4Part {
            config: config % 3,
            payload_offset,
            base_decode_time: base_decode_time >> (config % 64),
            samples: samples.into_iter().map(|(size, duration, cts, key)| sample(size, duration, cts, key)).collect(),
        });
        let track = Mp4Track { configs: timescales.map(config).to_vec(), parts: parts.collect() };
        let _ = fast_start_head(&[track], body);
    }
}

proptest! {
    #[test]
    fn whatever_the_parts_the_file_proves_itself(
        parts in prop::collection::vec(
            (0usize..2, 0u64..20_000, prop::collection::vec((0u32..50, 0u32..4_000, -5_000i32..5_000, any::<bool>()), 0..6)),
            1..30,
        )
    ) {
        let mut recording = Recording::with_tracks(&[fixtures::h264(), fixtures::aac()]);
        let mut at = [0u64; 2];
        for (track, gap, samples) in parts {
            let samples: Vec<_> = samples.into_iter().map(|(size, duration, cts, key)| sample(size, duration, cts, key)).collect();
            at[track] += gap;
            recording.part(track, 0, at[track], &samples);
            at[track] += samples.iter().map(|sample| u64::from(sample.duration)).sum::<u64>();
        }
        let samples: u64 = recording.tracks.iter().flat_map(|t| &t.parts).map(|p| p.samples.len() as u64).sum();
        match fast_start_head(&recording.tracks, recording.body.len() as u64) {
            Err(error) => prop_assert!(matches!(error, Mp4Error::Empty) && samples == 0),
            Ok(head) => {
                let report = verify(&head, (head.len() + recording.body.len()) as u64).expect("reads");
                prop_assert_eq!(&report.problems, &[]);
                prop_assert_eq!(report.tracks.iter().map(|track| track.samples).sum::<u64>(), samples);
                let mut rest = &head[..];
                prop_assert!(Any::decode(&mut rest).is_ok() && Any::decode(&mut rest).is_ok(), "mp4-atom reads it");
            }
        }
    }
}
