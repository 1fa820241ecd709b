//! Fast-start MP4 over segments as they are: the head of a file whose `mdat` holds CMAF segments, byte for byte.
//!
//! A recording's MP4 is `head ++ segments`. The sample tables point at the payloads; the `moof`s between them are dead bytes
//! of the `mdat` that no player looks at (about 1 % of a recording). So an MP4 can be served, ranges included, from
//! segments that exist already, and nothing is re-muxed to be kept.
//!
//! Owns the head and a reader that proves a file against itself ([`verify`]). Does not own the order of the segments, nor
//! their storage (`recorder`).
//!
//! Spec: ISO/IEC 14496-12 §8 (`moov`). Choices:
//! * Decode times of all samples come from `tfdt` and durations of their parts. A gap between parts stretches the sample
//!   before it; parts that overlap shorten it. Presentation times are never moved.
//! * Composition offsets are shifted so that none is negative (`ctts` version 0, which every player reads), and the edit
//!   list takes the shift, B-frame delay and a later start of one track out again. The movie starts at the earliest
//!   presentation time of all tracks.
//! * Tracks may change configuration: one sample entry each. Parts in another timescale are rescaled from their absolute
//!   times, so nothing drifts.

mod tables;
mod verify;

use std::sync::Arc;

use bytes::Bytes;
use media::{MediaKind, Ticks, Timescale, Track};
use mp4_atom::{Edts, Elst, ElstEntry, Encode};

use super::boxes::{BoxTooLarge, put_box, put_u32, put_u64};
use super::cmaf::Sample;
use super::movie::{MovieError, file_track_id, put_ftyp, put_media_headers, put_media_information, put_mvhd, put_tkhd};
use tables::Tables;

pub use verify::{Mp4Report, Problem, TrackReport, VerifyError, verify, verify_file};

/// One track of the file.
#[derive(Clone, Debug)]
pub struct Mp4Track {
    /// Every configuration the track had, all of the same kind; the id of the first is the id of the track.
    pub configs: Vec<Arc<Track>>,
    /// In time order.
    pub parts: Vec<Mp4Part>,
}

/// A run of samples that lie one after the other: a CMAF fragment's payload.
#[derive(Clone, Debug)]
pub struct Mp4Part {
    /// Index in [`Mp4Track::configs`].
    pub config: usize,
    /// Where its first sample begins, bytes from the start of the `mdat`'s body.
    pub payload_offset: u64,
    /// `tfdt`, in ticks of that configuration's timescale.
    pub base_decode_time: u64,
    /// In decode order.
    pub samples: Arc<[Sample]>,
}

/// Why there is no head for these tracks. The caller is at fault, or the recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mp4Error {
    /// No track has a sample.
    #[error("there are no samples")]
    Empty,
    /// A part names a configuration that its track does not have, or configurations are of two kinds.
    #[error("part {part} of track {track} has no fitting configuration {config}")]
    Configuration {
        /// Index of the track.
        track: usize,
        /// Index of the part.
        part: usize,
        /// Index asked for.
        config: usize,
    },
    /// A part's samples do not lie inside the `mdat`.
    #[error("part {part} of track {track} ends at byte {end} of an mdat of {mdat_body_bytes}")]
    OutsideMdat {
        /// Index of the track.
        track: usize,
        /// Index of the part.
        part: usize,
        /// Where it would end.
        end: u64,
        /// Length of the body.
        mdat_body_bytes: u64,
    },
    /// Time that the tables cannot say: a gap of more than 2^32 ticks, offsets further apart than that, or times beyond 2^62.
    #[error("part {part} of track {track}: time out of range")]
    Time {
        /// Index of the track.
        track: usize,
        /// Index of the part.
        part: usize,
    },
    /// More than 2^32 samples.
    #[error("track {track} has more samples than a table can count")]
    TooManySamples {
        /// Index of the track.
        track: usize,
    },
    /// A header box could not be written.
    #[error(transparent)]
    Movie(#[from] MovieError),
    /// The tables exceed a box.
    #[error(transparent)]
    TooLarge(#[from] BoxTooLarge),
}

/// The bytes of a fast-start MP4 up to where the `mdat`'s body begins: `ftyp`, `moov`, `mdat` header.
///
/// `mdat_body_bytes` is the length of the segments that will follow. Tracks without samples are left out.
/// Time and memory are linear in the number of samples.
///
/// # Errors
/// [`Mp4Error`]; nothing is clamped silently but decode times that run backwards.
pub fn fast_start_head(tracks: &[Mp4Track], mdat_body_bytes: u64) -> Result<Bytes, Mp4Error> {
    let mut tables = Vec::with_capacity(tracks.len());
    for (index, track) in tracks.iter().enumerate() {
        if track.parts.iter().any(|part| !part.samples.is_empty()) {
            tables.push(Tables::build(index, track, mdat_body_bytes)?);
        }
    }
    if tables.is_empty() {
        return Err(Mp4Error::Empty);
    }
    let narrow = put_head(&tables, mdat_body_bytes, false)?;
    if mdat_body_bytes.saturating_add(narrow.len() as u64) <= u64::from(u32::MAX) {
        return Ok(narrow.into());
    }
    Ok(put_head(&tables, mdat_body_bytes, true)?.into())
}

/// `wide` chooses 64-bit chunk offsets.
fn put_head(tables: &[Tables], mdat_body_bytes: u64, wide: bool) -> Result<Vec<u8>, Mp4Error> {
    let capacity: usize = tables.iter().map(Tables::bytes_estimate).sum();
    let mut out = Vec::with_capacity(capacity + 4_096);
    put_ftyp(&mut out, b"isom", &brands(tables))?;
    let movie = Movie::of(tables);
    let mut offset_tables = Vec::with_capacity(tables.len());
    put_box::<Mp4Error>(&mut out, b"moov", |out| {
        let next_id = tables.iter().map(|table| file_track_id(table.track().id) + 1).max().unwrap_or(1);
        put_mvhd(out, movie.timescale, movie.duration(tables), next_id)?;
        for table in tables {
            offset_tables.push(put_trak(out, table, &movie, wide)?);
        }
        Ok(())
    })?;
    if mdat_body_bytes.saturating_add(8) > u64::from(u32::MAX) {
        put_u32(&mut out, 1);
        out.extend_from_slice(b"mdat");
        put_u64(&mut out, mdat_body_bytes.saturating_add(16));
    } else {
        put_u32(&mut out, mdat_body_bytes as u32 + 8);
        out.extend_from_slice(b"mdat");
    }
    let body_at = out.len() as u64;
    for (table, at) in tables.iter().zip(offset_tables) {
        table.patch_chunk_offsets(&mut out, at, body_at, wide);
    }
    Ok(out)
}

fn brands(tables: &[Tables]) -> Vec<&'static [u8; 4]> {
    let mut brands: Vec<&[u8; 4]> = vec![b"isom", b"iso2", b"mp41"];
    for (codec, brand) in [(media::Codec::H264, b"avc1"), (media::Codec::Av1, b"av01")] {
        if tables.iter().any(|table| table.track().codec == codec) {
            brands.push(brand);
        }
    }
    brands
}

/// The timeline that all tracks are laid on: it starts at the earliest presentation time of any of them.
struct Movie {
    timescale: Timescale,
    /// Ticks of `timescale`.
    start: i64,
}

impl Movie {
    fn of(tables: &[Tables]) -> Self {
        let video = tables.iter().find(|table| table.track().kind() == MediaKind::Video);
        let timescale = video.or(tables.first()).map_or(Timescale::VIDEO, |table| table.timescale());
        let start = tables.iter().map(|table| Ticks(table.earliest_pts()).rescale(table.timescale(), timescale).0);
        Self { timescale, start: start.min().unwrap_or(0) }
    }

    /// How much later than the movie the track starts.
    fn delay(&self, table: &Tables) -> u64 {
        let start = Ticks(table.earliest_pts()).rescale(table.timescale(), self.timescale).0;
        start.saturating_sub(self.start).max(0) as u64
    }

    /// How long the track is seen or heard, rounded up: an edit must not cut the last sample off.
    fn presented(&self, table: &Tables) -> u64 {
        let ticks = i128::from(table.presented_ticks()) * i128::from(self.timescale.hz());
        let hz = i128::from(table.timescale().hz());
        u64::try_from((ticks + hz - 1) / hz).unwrap_or(u64::MAX)
    }

    fn track_duration(&self, table: &Tables) -> u64 {
        self.delay(table).saturating_add(self.presented(table))
    }

    fn duration(&self, tables: &[Tables]) -> u64 {
        tables.iter().map(|table| self.track_duration(table)).max().unwrap_or(0)
    }
}

/// Returns where the chunk offsets begin, to be patched when the head's length is known.
fn put_trak(out: &mut Vec<u8>, table: &Tables, movie: &Movie, wide: bool) -> Result<usize, Mp4Error> {
    let mut offsets_at = 0;
    put_box::<Mp4Error>(out, b"trak", |out| {
        put_tkhd(out, table.track(), movie.track_duration(table))?;
        put_edit_list(out, table, movie)?;
        put_box(out, b"mdia", |out| {
            put_media_headers(out, table.track().kind(), table.timescale(), table.media_ticks())?;
            put_box(out, b"minf", |out| {
                put_media_information(out, table.track().kind())?;
                put_box(out, b"stbl", |out| {
                    offsets_at = table.put(out, wide)?;
                    Ok(())
                })
            })
        })
    })?;
    Ok(offsets_at)
}

fn put_edit_list(out: &mut Vec<u8>, table: &Tables, movie: &Movie) -> Result<(), Mp4Error> {
    let mut entries = Vec::with_capacity(2);
    let delay = movie.delay(table);
    if delay > 0 {
        entries.push(ElstEntry { segment_duration: delay, media_time: None, media_rate: 1.into() });
    }
    let media_time = Some(table.presentation_offset());
    entries.push(ElstEntry { segment_duration: movie.presented(table), media_time, media_rate: 1.into() });
    let edits = Edts { elst: Some(Elst { entries }) };
    edits.encode(out).map_err(|error| Mp4Error::Movie(error.into()))
}

#[cfg(test)]
mod tests;
