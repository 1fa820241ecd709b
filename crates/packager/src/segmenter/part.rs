//! How many samples make a part, and its bytes.

use std::sync::Arc;

use bytes::BufMut;
use formats::container::cmaf::{self, FragmentError, FragmentHeader, Prft, Sample};
use media::{MediaKind, Ticks};

use super::grid::Moment;
use super::lane::{Lane, Queued};
use crate::{Config, Part};

/// Samples in one part: 220 ms hold 27 of 120 fps and 88 Opus packets of 2.5 ms.
const SAMPLES_MAX: usize = 1_024;
/// Bytes after which a part ends early: a part is copied once, and served in one piece.
const PART_BYTES_MAX: usize = 16 << 20;

/// What limits the next part of a lane, in its ticks.
pub(super) struct Bounds {
    aim: i64,
    limit: i64,
    cut: Option<Ticks>,
    horizon: Option<Ticks>,
    force: bool,
}

impl Bounds {
    /// `cut`: where the next segment begins; `full`: where this one must end.
    pub(super) fn new(
        config: &Config,
        lane: &Lane,
        cut: Option<Moment>,
        full: Option<Ticks>,
        horizon: Option<Moment>,
        force: bool,
    ) -> Self {
        let scale = lane.scale();
        Self {
            aim: lane.ticks_of_millis(i64::from(config.part_target_ms)).0,
            limit: lane.ticks_of_millis(i64::from(config.part_limit_ms())).0,
            cut: cut.map(|cut| cut.ceil(scale)).into_iter().chain(full).min(),
            horizon: horizon.map(|horizon| horizon.ticks.rescale(horizon.scale, scale)),
            force,
        }
    }

    fn is_cut(&self, start: Ticks) -> bool {
        self.cut.is_some_and(|cut| start >= cut)
    }

    fn is_beyond_horizon(&self, start: Ticks) -> bool {
        self.horizon.is_some_and(|horizon| start > horizon)
    }

    /// Another sample as long as `sample` would take the part further from the aim, or over the limit.
    fn is_enough(&self, duration: i64, sample: i64) -> bool {
        duration + sample / 2 >= self.aim || duration + sample > self.limit
    }
}

/// What a part may be, in ticks of its lane.
pub(super) struct Limits {
    /// PART-TARGET.
    pub(super) part_max: Ticks,
    /// Length of a segment.
    pub(super) segment_max: Ticks,
    /// Write the wall clock into it.
    pub(super) prft: bool,
}

/// How far the next part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// So many samples make it.
    Full(usize),
    /// The held sample ends it, and its duration can be told.
    Expected,
    /// It cannot be told yet.
    Waits,
}

pub(super) fn measure(lane: &Lane, bounds: &Bounds) -> Fill {
    let (mut count, mut duration, mut bytes) = (0usize, 0i64, 0usize);
    for sample in &lane.queue {
        let length = i64::from(sample.duration);
        let over = duration + length > bounds.limit || bytes + sample.payload.len() > PART_BYTES_MAX;
        if count > 0 && (sample.reanchored || bounds.is_cut(sample.start) || over || count >= SAMPLES_MAX) {
            return Fill::Full(count);
        }
        if bounds.is_beyond_horizon(sample.start) {
            return Fill::Waits;
        }
        count += 1;
        duration += length;
        bytes += sample.payload.len();
        if bounds.is_enough(duration, length) {
            return Fill::Full(count);
        }
    }
    let next = lane.next_start();
    let breaks = lane.held.as_ref().is_some_and(|held| held.reanchored);
    if count > 0 && (bounds.force || breaks || next.is_some_and(|next| bounds.is_cut(next))) {
        return Fill::Full(count);
    }
    match (&lane.held, lane.steady_duration()) {
        (Some(held), Some(expected)) if !bounds.is_cut(held.start) && !bounds.is_beyond_horizon(held.start) => {
            let total = duration + expected;
            if total <= bounds.limit && bounds.is_enough(total, expected) { Fill::Expected } else { Fill::Waits }
        }
        _ => Fill::Waits,
    }
}

/// Takes the next `count` samples of `lane` out of its line and makes the next part of its open segment.
/// No sample reaches further than `segment_max` from the segment's start: one that does ends there, and what follows is
/// after a gap. That happens to the long frames of a track that does not cut the segments.
pub(super) fn build(lane: &mut Lane, count: usize, limits: &Limits) -> Result<Arc<Part>, FragmentError> {
    let mut taken: Vec<Queued> = lane.queue.drain(..count.min(lane.queue.len())).collect();
    let segment_start = lane.open.as_ref().and_then(|open| Some(open.parts.first()?.start));
    let segment_start = segment_start.or(taken.first().map(|first| first.start)).unwrap_or_default();
    let end_max = segment_start.plus(limits.segment_max);
    if let Some(last) = taken.last_mut().filter(|last| last.end() > end_max) {
        last.duration = u32::try_from(end_max.minus(last.start).0.max(1)).unwrap_or(u32::MAX);
    }
    let first = taken.first();
    let (start, wall) = first.map_or((Ticks::ZERO, Default::default()), |first| (first.start, first.wall));
    let reanchored = lane.emitted_end.is_some_and(|end| end != start);
    let end = taken.last().map_or(start, Queued::end);
    let samples: Arc<[Sample]> = taken.iter().map(sample_of).collect();
    let media_time = u64::try_from(start.0).unwrap_or(0);
    let header = FragmentHeader {
        sequence: lane.sequence,
        track: lane.track.id,
        timescale: lane.track.timescale,
        base_decode_time: media_time,
        samples: &samples,
        prft: limits.prft.then(|| Prft::at(wall, media_time)),
    };
    let payload_bytes: usize = taken.iter().map(|sample| sample.payload.len()).sum();
    let payload_offset = cmaf::fragment_header_bytes(&header)?;
    let mut bytes = Vec::with_capacity(payload_offset + payload_bytes);
    cmaf::write_fragment_header(&header, &mut bytes)?;
    for sample in &taken {
        bytes.put_slice(&sample.payload);
    }
    lane.sequence = lane.sequence.wrapping_add(1);
    lane.started = true;
    lane.emitted_end = Some(end);
    let independent = lane.track.kind() == MediaKind::Audio || samples.iter().any(|sample| sample.key);
    let Some(open) = lane.open.as_mut() else { return Err(FragmentError::TooLarge { bytes: 0 }) };
    debug_assert!(open.parts.last().is_none_or(|before| before.end() <= start), "tfdt_is_gapless");
    let part = Arc::new(Part {
        track: lane.track.id,
        epoch: lane.epoch,
        msn: open.msn,
        index: u32::try_from(open.parts.len()).unwrap_or(u32::MAX),
        start,
        duration: end.minus(start),
        timescale: lane.track.timescale,
        independent,
        discontinuity: open.discontinuity && open.parts.is_empty(),
        discontinuity_sequence: open.discontinuity_sequence,
        reanchored,
        over_target: end.minus(start) > limits.part_max,
        wall,
        samples,
        bytes: bytes.into(),
        payload_offset: u32::try_from(payload_offset).unwrap_or(u32::MAX),
    });
    open.bytes += part.bytes.len();
    open.parts.push(part.clone());
    lane.discontinuity_sequence = Some(open.discontinuity_sequence);
    Ok(part)
}

fn sample_of(queued: &Queued) -> Sample {
    Sample {
        size: u32::try_from(queued.payload.len()).unwrap_or(u32::MAX),
        duration: queued.duration,
        cts: queued.cts,
        key: queued.key,
    }
}
