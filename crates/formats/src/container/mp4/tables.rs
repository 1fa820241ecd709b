//! Sample tables of one track: gathered in one pass over its parts, then written.

use std::sync::Arc;

use media::{Ticks, Timescale, Track};

use super::super::boxes::{BoxTooLarge, patch_u32, put_full_box, put_u32};
use super::super::movie::MovieError;
use super::super::sample_entry::put_sample_entry;
use super::{Mp4Error, Mp4Part, Mp4Track};

/// Largest absolute time that is taken: leaves room for sums and for rescaling in 64 bits.
const TIME_MAX: i64 = 1 << 62;

/// Samples that share a value, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run<T> {
    count: u32,
    value: T,
}

fn push_run<T: PartialEq>(runs: &mut Vec<Run<T>>, value: T) {
    match runs.last_mut() {
        Some(last) if last.value == value => last.count += 1,
        _ => runs.push(Run { count: 1, value }),
    }
}

struct Chunk {
    offset: u64,
    samples: u32,
    /// 1-based.
    description: u32,
}

/// The tables, before they are bytes. Times are ticks of the first configuration's timescale.
pub(super) struct Tables {
    first: Arc<Track>,
    configs: Vec<Arc<Track>>,
    durations: Vec<Run<u32>>,
    offsets: Vec<Run<i64>>,
    sizes: Vec<u32>,
    /// 1-based numbers.
    sync: Vec<u32>,
    chunks: Vec<Chunk>,
    first_dts: i64,
    media_ticks: u64,
    earliest_pts: i64,
    latest_end: i64,
    least_offset: i64,
    greatest_offset: i64,
}

/// The sample whose duration is not known before the next one's decode time is.
struct Pending {
    dts: i64,
    pts: i64,
}

impl Tables {
    /// `index` is for errors. The track must have a sample.
    pub(super) fn build(index: usize, track: &Mp4Track, mdat_body_bytes: u64) -> Result<Self, Mp4Error> {
        let first = track.configs.first().ok_or(Mp4Error::Configuration { track: index, part: 0, config: 0 })?;
        let samples = track.parts.iter().map(|part| part.samples.len()).sum();
        if u32::try_from(samples).is_err() {
            return Err(Mp4Error::TooManySamples { track: index });
        }
        let (configs, descriptions) = distinct(&track.configs);
        let mut tables = Self {
            first: first.clone(),
            configs,
            durations: Vec::new(),
            offsets: Vec::new(),
            sizes: Vec::with_capacity(samples),
            sync: Vec::new(),
            chunks: Vec::with_capacity(track.parts.len()),
            first_dts: 0,
            media_ticks: 0,
            earliest_pts: i64::MAX,
            latest_end: i64::MIN,
            least_offset: 0,
            greatest_offset: 0,
        };
        let mut pending = None;
        let mut end = 0;
        for (number, part) in track.parts.iter().enumerate() {
            let fault = Fault { track: index, part: number, config: part.config };
            let config = track.configs.get(part.config).filter(|config| config.kind() == first.kind());
            let (Some(config), Some(&description)) = (config, descriptions.get(part.config)) else {
                return Err(fault.configuration());
            };
            if !part.samples.is_empty() {
                tables.add_chunk(part, description, mdat_body_bytes, &fault)?;
                end = tables.add_samples(part, config.timescale, &mut pending, &fault)?;
            }
        }
        let part = track.parts.len().saturating_sub(1);
        let out_of_range = || Mp4Error::Time { track: index, part };
        if let Some(last) = pending {
            tables.settle(&last, end.max(last.dts)).ok_or_else(out_of_range)?;
        }
        // Version 0 of ctts is unsigned, but read as signed by many.
        if tables.greatest_offset.saturating_add(tables.shift()) > i64::from(i32::MAX) {
            return Err(out_of_range());
        }
        Ok(tables)
    }

    fn add_chunk(&mut self, part: &Mp4Part, description: u32, body: u64, fault: &Fault) -> Result<(), Mp4Error> {
        let bytes: u64 = part.samples.iter().map(|sample| u64::from(sample.size)).sum();
        let end = part.payload_offset.saturating_add(bytes);
        if end > body {
            return Err(fault.outside(end, body));
        }
        self.chunks.push(Chunk { offset: part.payload_offset, samples: part.samples.len() as u32, description });
        Ok(())
    }

    /// Returns where the part ends.
    fn add_samples(
        &mut self,
        part: &Mp4Part,
        timescale: Timescale,
        pending: &mut Option<Pending>,
        fault: &Fault,
    ) -> Result<i64, Mp4Error> {
        let media_timescale = self.first.timescale;
        let in_media = |ticks: i64| Ticks(ticks).rescale(timescale, media_timescale).0;
        let mut at = i64::try_from(part.base_decode_time).map_err(|_| fault.time())?;
        for sample in part.samples.iter() {
            let (target, pts) = (in_media(at), in_media(at.saturating_add(i64::from(sample.cts))));
            if at > TIME_MAX || target > TIME_MAX || pts.abs() > TIME_MAX {
                return Err(fault.time());
            }
            let dts = match pending.take() {
                None => {
                    self.first_dts = target;
                    target
                }
                Some(last) => {
                    let dts = target.max(last.dts);
                    self.settle(&last, dts).ok_or_else(|| fault.time())?;
                    dts
                }
            };
            self.sizes.push(sample.size);
            if sample.key {
                self.sync.push(self.sizes.len() as u32);
            }
            let offset = pts.saturating_sub(dts);
            self.least_offset = self.least_offset.min(offset);
            self.greatest_offset = self.greatest_offset.max(offset);
            push_run(&mut self.offsets, offset);
            *pending = Some(Pending { dts, pts });
            at = at.saturating_add(i64::from(sample.duration));
        }
        Ok(in_media(at))
    }

    /// Writes down the duration of a sample, now that the next one's decode time is known. `None` beyond 32 bits.
    fn settle(&mut self, sample: &Pending, next_dts: i64) -> Option<()> {
        let duration = u32::try_from(next_dts - sample.dts).ok()?;
        push_run(&mut self.durations, duration);
        self.media_ticks = self.media_ticks.checked_add(u64::from(duration))?;
        self.earliest_pts = self.earliest_pts.min(sample.pts);
        self.latest_end = self.latest_end.max(sample.pts.saturating_add(i64::from(duration)));
        Some(())
    }

    /// What all composition offsets are raised by so that none is negative.
    fn shift(&self) -> i64 {
        self.least_offset.min(0).saturating_neg()
    }

    /// The track as its first configuration describes it.
    pub(super) fn track(&self) -> &Track {
        &self.first
    }

    pub(super) fn timescale(&self) -> Timescale {
        self.first.timescale
    }

    /// Sum of all durations.
    pub(super) fn media_ticks(&self) -> u64 {
        self.media_ticks
    }

    /// Earliest presentation time, on the stream's timeline.
    pub(super) fn earliest_pts(&self) -> i64 {
        self.earliest_pts
    }

    /// From the earliest presentation time to the end of what is presented last.
    pub(super) fn presented_ticks(&self) -> u64 {
        self.latest_end.saturating_sub(self.earliest_pts).max(0) as u64
    }

    /// Where the earliest presentation time is in the media, whose own time starts at zero: `media_time` of the edit.
    pub(super) fn presentation_offset(&self) -> u64 {
        self.earliest_pts.saturating_sub(self.first_dts).saturating_add(self.shift()).max(0) as u64
    }

    /// About how many bytes [`Tables::put`] writes: a capacity, not a promise.
    pub(super) fn bytes_estimate(&self) -> usize {
        1_024
            + 8 * (self.durations.len() + self.offsets.len() + self.chunks.len())
            + 4 * (self.sizes.len() + self.sync.len())
    }

    /// Appends the children of `stbl` and returns where the chunk offsets are, to be patched. `wide`: 64-bit offsets.
    pub(super) fn put(&self, out: &mut Vec<u8>, wide: bool) -> Result<usize, Mp4Error> {
        put_full_box::<MovieError>(out, b"stsd", 0, 0, |out| {
            put_u32(out, self.configs.len() as u32);
            self.configs.iter().try_for_each(|config| Ok(put_sample_entry(out, config)?))
        })?;
        put_table(out, b"stts", self.durations.iter().map(|run| [run.count, run.value]))?;
        if self.offsets.iter().any(|run| run.value != 0) {
            let shift = self.shift();
            put_table(out, b"ctts", self.offsets.iter().map(|run| [run.count, (run.value + shift) as u32]))?;
        }
        if self.sync.len() < self.sizes.len() {
            put_table(out, b"stss", self.sync.iter().map(|&number| [number]))?;
        }
        put_table(out, b"stsc", self.chunk_runs().iter().copied())?;
        self.put_sizes(out)?;
        let mut offsets_at = 0;
        put_full_box::<BoxTooLarge>(out, if wide { b"co64" } else { b"stco" }, 0, 0, |out| {
            put_u32(out, self.chunks.len() as u32);
            offsets_at = out.len();
            out.resize(offsets_at + self.chunks.len() * if wide { 8 } else { 4 }, 0);
            Ok(())
        })?;
        Ok(offsets_at)
    }

    fn chunk_runs(&self) -> Vec<[u32; 3]> {
        let mut runs: Vec<[u32; 3]> = Vec::new();
        for (at, chunk) in self.chunks.iter().enumerate() {
            match runs.last() {
                Some([_, samples, description]) if (*samples, *description) == (chunk.samples, chunk.description) => {}
                _ => runs.push([at as u32 + 1, chunk.samples, chunk.description]),
            }
        }
        runs
    }

    fn put_sizes(&self, out: &mut Vec<u8>) -> Result<(), BoxTooLarge> {
        let first = self.sizes.first().copied().unwrap_or(0);
        let alike = first != 0 && self.sizes.iter().all(|&size| size == first);
        put_full_box(out, b"stsz", 0, 0, |out| {
            put_u32(out, if alike { first } else { 0 });
            put_u32(out, self.sizes.len() as u32);
            if !alike {
                self.sizes.iter().for_each(|&size| put_u32(out, size));
            }
            Ok(())
        })
    }

    /// Fills in the chunk offsets at `at`, now that it is known that the `mdat`'s body begins at byte `body_at`.
    pub(super) fn patch_chunk_offsets(&self, out: &mut [u8], at: usize, body_at: u64, wide: bool) {
        for (number, chunk) in self.chunks.iter().enumerate() {
            let offset = body_at.saturating_add(chunk.offset);
            if wide {
                patch_u32(out, at + 8 * number, (offset >> 32) as u32);
                patch_u32(out, at + 8 * number + 4, offset as u32);
            } else {
                patch_u32(out, at + 4 * number, offset as u32);
            }
        }
    }
}

fn put_table<const N: usize>(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    rows: impl ExactSizeIterator<Item = [u32; N]>,
) -> Result<(), BoxTooLarge> {
    put_full_box(out, kind, 0, 0, |out| {
        put_u32(out, rows.len() as u32);
        rows.for_each(|row| row.into_iter().for_each(|value| put_u32(out, value)));
        Ok(())
    })
}

/// The configurations that differ, and for each given one the 1-based number of the one it equals.
fn distinct(configs: &[Arc<Track>]) -> (Vec<Arc<Track>>, Vec<u32>) {
    let mut kept: Vec<Arc<Track>> = Vec::new();
    let mut numbers = Vec::with_capacity(configs.len());
    for config in configs {
        let same = kept.iter().rposition(|other| {
            other.codec == config.codec && other.config == config.config && other.params == config.params
        });
        let at = same.unwrap_or_else(|| {
            kept.push(config.clone());
            kept.len() - 1
        });
        numbers.push(at as u32 + 1);
    }
    (kept, numbers)
}

/// Where an error is.
struct Fault {
    track: usize,
    part: usize,
    config: usize,
}

impl Fault {
    fn configuration(&self) -> Mp4Error {
        Mp4Error::Configuration { track: self.track, part: self.part, config: self.config }
    }

    fn time(&self) -> Mp4Error {
        Mp4Error::Time { track: self.track, part: self.part }
    }

    fn outside(&self, end: u64, mdat_body_bytes: u64) -> Mp4Error {
        Mp4Error::OutsideMdat { track: self.track, part: self.part, end, mdat_body_bytes }
    }
}
