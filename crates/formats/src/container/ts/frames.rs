//! From CMAF parts to what the muxer takes: frames at 90 kHz, two tracks interleaved by decode time.

use std::cmp::Ordering;

use media::{Ticks, Timescale, Track};

use super::super::cmaf::Sample;
use super::TsFrame;

/// The frames of one CMAF fragment: its samples, `payload` being their bytes one after the other, the first decoded at
/// `base_decode_time` ticks of the track. Ends early where the payload does.
pub fn part_frames<'a>(
    track: &Track,
    base_decode_time: u64,
    samples: &'a [Sample],
    payload: &'a [u8],
) -> impl Iterator<Item = TsFrame<'a>> + use<'a> {
    let (id, timescale) = (track.id, track.timescale);
    let in_90k = move |ticks: i64| Ticks(ticks).rescale(timescale, Timescale::VIDEO).0;
    let mut dts = i64::try_from(base_decode_time).unwrap_or(i64::MAX);
    let mut rest = payload;
    samples.iter().map_while(move |sample| {
        let (payload, later) = rest.split_at_checked(sample.size as usize)?;
        rest = later;
        let pts = dts.saturating_add(i64::from(sample.cts));
        let frame = TsFrame { track: id, pts_90k: in_90k(pts), dts_90k: in_90k(dts), key: sample.key, payload };
        dts = dts.saturating_add(i64::from(sample.duration));
        Some(frame)
    })
}

/// Both sequences as one, by decode time; at the same time the first's frame comes first.
pub fn interleave<'a>(
    first: impl IntoIterator<Item = TsFrame<'a>>,
    second: impl IntoIterator<Item = TsFrame<'a>>,
) -> impl Iterator<Item = TsFrame<'a>> {
    let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (first.peek(), second.peek()) {
            (Some(one), Some(other)) => one.dts_90k.cmp(&other.dts_90k),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        if order.is_le() { first.next() } else { second.next() }
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures;
    use super::*;

    fn sample(size: u32, duration: u32, cts: i32, key: bool) -> Sample {
        Sample { size, duration, cts, key }
    }

    #[test]
    fn a_part_gives_its_frames_at_90_khz() {
        let samples = [sample(2, 1_024, 0, true), sample(0, 1_024, 0, true), sample(3, 1_024, 0, true)];
        let frames: Vec<_> = part_frames(&fixtures::aac(), 48_000, &samples, &[1, 2, 3, 4, 5]).collect();
        let read: Vec<_> = frames.iter().map(|frame| (frame.pts_90k, frame.dts_90k, frame.payload)).collect();
        assert_eq!(read, [(90_000, 90_000, &[1, 2][..]), (91_920, 91_920, &[]), (93_840, 93_840, &[3, 4, 5])]);
        assert!(frames.iter().all(|frame| frame.track == fixtures::aac().id && frame.key));
    }

    #[test]
    fn composition_offsets_of_either_sign_are_kept() {
        let samples = [sample(1, 3_000, 6_000, true), sample(1, 3_000, -3_000, false)];
        let frames: Vec<_> = part_frames(&fixtures::h264(), 9_000, &samples, &[1, 2]).collect();
        let read: Vec<_> = frames.iter().map(|frame| (frame.pts_90k, frame.dts_90k, frame.key)).collect();
        assert_eq!(read, [(15_000, 9_000, true), (9_000, 12_000, false)]);
    }

    #[test]
    fn a_payload_that_is_too_short_ends_the_part() {
        let samples = [sample(2, 1, 0, true), sample(2, 1, 0, true)];
        assert_eq!(part_frames(&fixtures::aac(), 0, &samples, &[1, 2, 3]).count(), 1);
        assert_eq!(
            part_frames(&fixtures::aac(), u64::MAX, &samples, &[1, 2, 3, 4]).count(),
            2,
            "absurd times are taken"
        );
    }

    #[test]
    fn two_tracks_alternate_by_decode_time_and_both_are_whole() {
        let (h264, aac) = (fixtures::h264(), fixtures::aac());
        let pictures = vec![sample(1, 3_600, 0, true); 5];
        let sound = vec![sample(1, 1_024, 0, true); 12];
        let merged = interleave(part_frames(&h264, 0, &pictures, &[0; 5]), part_frames(&aac, 0, &sound, &[0; 12]));
        let merged: Vec<_> = merged.map(|frame| (frame.dts_90k, frame.track.0)).collect();
        assert_eq!(merged.len(), 17);
        assert!(merged.is_sorted(), "{merged:?}");
        assert_eq!(merged[..2], [(0, 0), (0, 1)], "the picture first");
        let none = Vec::<TsFrame<'_>>::new();
        assert_eq!(interleave(none.clone(), part_frames(&aac, 0, &sound, &[0; 12])).count(), 12);
        assert_eq!(interleave(part_frames(&aac, 0, &sound, &[0; 12]), none).count(), 12);
    }
}
