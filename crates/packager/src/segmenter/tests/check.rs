//! Every invariant that the crate promises, over everything that a packager gave out.

use formats::container::cmaf::{parse_fragments, parse_init};

use super::*;

pub(crate) fn all(rig: &Rig) {
    let ids: Vec<TrackId> = {
        let mut ids: Vec<TrackId> = rig.inits().iter().map(|init| init.track.id).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    inits_come_first(rig);
    for id in &ids {
        let parts = rig.parts(*id);
        part_within_target(rig, &parts);
        tfdt_is_gapless(&parts);
        numbers_ascend(&parts);
        parts_are_their_samples(&parts);
        segments_are_their_parts(rig, *id, &parts);
        nothing_is_lost(rig, *id, &parts);
    }
    discontinuities_agree(rig, &ids);
    assert!(matches!(rig.outputs.last(), Some(Output::Ended)));
}

/// No part is longer than PART-TARGET, but one whose only sample is; that one says so.
fn part_within_target(rig: &Rig, parts: &[Arc<Part>]) {
    for part in parts {
        let limit = Ticks(i64::from(rig.config.part_limit_ms())).rescale(Timescale::MILLIS, part.timescale);
        assert!(!part.samples.is_empty() && part.duration.0 > 0, "{part:?}");
        assert_eq!(part.over_target, part.duration > limit, "{part:?}");
        assert!(!part.over_target || part.samples.len() == 1, "{part:?}");
    }
}

/// `tfdt` follows from the part before, in and between segments and configurations of one timescale.
fn tfdt_is_gapless(parts: &[Arc<Part>]) {
    for pair in parts.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if before.timescale != after.timescale {
            let end = Moment::new(before.end(), before.timescale);
            assert!(Moment::new(after.start, after.timescale) >= end, "{before:?} {after:?}");
        } else if after.reanchored {
            assert!(after.start > before.end(), "a gap lies ahead: {before:?} {after:?}");
        } else {
            assert_eq!(before.end(), after.start, "{before:?} {after:?}");
        }
    }
}

fn numbers_ascend(parts: &[Arc<Part>]) {
    let mut expected: Option<(u64, u32)> = None;
    for part in parts {
        match expected {
            Some((msn, index)) if part.msn == msn => assert_eq!(part.index, index, "{part:?}"),
            Some((msn, _)) => assert!(part.msn > msn && part.index == 0, "{part:?}"),
            None => assert!(part.msn >= MSN_BASE && part.index == 0, "{part:?}"),
        }
        expected = Some((part.msn, part.index + 1));
    }
}

/// The bytes say what the values say.
fn parts_are_their_samples(parts: &[Arc<Part>]) {
    for part in parts {
        let fragments = parse_fragments(&part.bytes).expect("our own fragment parses");
        assert_eq!(fragments.len(), 1);
        assert_eq!(fragments[0].base_decode_time, part.start.0 as u64);
        assert_eq!(fragments[0].samples, part.samples.to_vec());
        assert_eq!(fragments[0].payload_range.start, part.payload_offset as usize);
        assert_eq!(fragments[0].payload_range.end, part.bytes.len());
        let duration: i64 = part.samples.iter().map(|sample| i64::from(sample.duration)).sum();
        assert_eq!(Ticks(duration), part.duration);
        let has_key = part.samples.iter().any(|sample| sample.key);
        assert_eq!(part.independent, has_key);
    }
}

/// A segment is its parts and nothing else, and no longer than TARGETDURATION.
fn segments_are_their_parts(rig: &Rig, id: TrackId, parts: &[Arc<Part>]) {
    let segments = rig.segments(id);
    let in_segments: Vec<Arc<Part>> = segments.iter().flat_map(|segment| segment.parts.to_vec()).collect();
    assert_eq!(in_segments.len(), parts.len(), "every part is in a segment once the stream has ended");
    for (kept, given) in in_segments.iter().zip(parts) {
        assert!(Arc::ptr_eq(kept, given), "sequence_is_final: {kept:?}");
    }
    for segment in &segments {
        let (first, last) = (segment.parts.first().expect("not empty"), segment.parts.last().expect("not empty"));
        assert_eq!((segment.start, segment.end()), (first.start, last.end()));
        assert_eq!((segment.wall, segment.discontinuity), (first.wall, first.discontinuity));
        assert!(segment.parts.iter().all(|part| (part.msn, part.epoch) == (segment.msn, segment.epoch)));
        assert_eq!(segment.independent, first.samples[0].key);
        let bytes = segment.concat();
        assert_eq!(bytes.len() as u64, segment.bytes_len);
        assert_eq!(bytes.to_vec(), segment.chunks().flat_map(|chunk| chunk.to_vec()).collect::<Vec<u8>>());
        let rounded = (segment.duration.seconds(segment.timescale)).round() as u32;
        assert!(
            rounded <= rig.config.target_duration_s(),
            "{rounded} s from {:?}, number {}",
            segment.start,
            segment.msn
        );
    }
}

fn inits_come_first(rig: &Rig) {
    let mut known = Vec::new();
    for output in &rig.outputs {
        match output {
            Output::Init(init) => {
                assert_eq!(parse_init(&init.bytes).expect("our own init parses").timescale, init.track.timescale);
                known.push((init.track.id, init.epoch));
            }
            Output::Part(part) => assert!(known.contains(&(part.track, part.epoch)), "{part:?}"),
            Output::Segment(_) | Output::Ended => {}
        }
    }
}

/// Frames come out once, in order, with their payload; video with its exact presentation time.
fn nothing_is_lost(rig: &Rig, id: TrackId, parts: &[Arc<Part>]) {
    let counters = rig.packager.counters();
    let pushed = rig.pushed.get(&id.0).map(Vec::as_slice).unwrap_or_default();
    let is_video = rig.inits().iter().any(|init| init.track.id == id && init.track.video().is_some());
    let mut came = Vec::new();
    for part in parts {
        let (mut time, mut at) = (part.start.0, part.payload_offset as usize);
        for sample in part.samples.iter() {
            let end = at + sample.size as usize;
            came.push((time + i64::from(sample.cts), part.bytes.slice(at..end)));
            time += i64::from(sample.duration);
            at = end;
        }
    }
    let mut left = pushed.iter();
    for (pts, payload) in &came {
        let found = left.find(|(_, pushed)| pushed == payload);
        let (pushed_pts, _) = found.expect("a sample is one of the frames, in their order");
        assert!(!is_video || pts == pushed_pts, "presented at {pts}, pushed for {pushed_pts}");
    }
    let dropped = counters.frames_untracked
        + counters.frames_before_key
        + counters.frames_empty
        + counters.audio_frames_dropped
        + counters.samples_unplaced;
    assert!((pushed.len() - came.len()) as u64 <= dropped, "{} of {} came: {counters:?}", came.len(), pushed.len());
}

/// A number has one discontinuity sequence in all tracks, and it never goes back.
fn discontinuities_agree(rig: &Rig, ids: &[TrackId]) {
    let mut by_msn: BTreeMap<u64, u64> = BTreeMap::new();
    for id in ids {
        let mut before: Option<u64> = None;
        for segment in rig.segments(*id) {
            let sequence = *by_msn.entry(segment.msn).or_insert(segment.discontinuity_sequence);
            assert_eq!(sequence, segment.discontinuity_sequence, "{segment:?}");
            assert_eq!(segment.discontinuity, before.is_some_and(|before| before != sequence), "{segment:?}");
            before = Some(sequence);
        }
    }
    assert!(by_msn.values().is_sorted());
    assert!(by_msn.values().all(|sequence| *sequence >= MSN_BASE));
}
