//! The virtual MP4: a head made from the index, then the segments as they are.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use formats::container::mp4::{Mp4Error, Mp4Part, Mp4Track, fast_start_head};
use media::TrackId;

use crate::index::RecordingIndex;
use crate::journal::record::PartRecord;
use crate::journal::recover::read;

/// A segment's place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedSegment {
    /// Its track.
    pub track: TrackId,
    /// Its media sequence number.
    pub msn: u64,
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// Its length.
    pub len: u64,
}

/// A recording as one fast-start MP4.
#[derive(Clone, Debug)]
pub struct Mp4Layout {
    /// `ftyp`, `moov` and the header of the `mdat`.
    pub head: Bytes,
    /// Length of the file.
    pub total_len: u64,
    /// What follows the head, in order and without space between.
    pub segments: Arc<[PlacedSegment]>,
}

impl Mp4Layout {
    /// Puts the segments of `index` behind a head.
    pub(crate) fn new(head: Bytes, index: &RecordingIndex) -> Self {
        let mut at = head.len() as u64;
        let mut segments = in_order(index);
        for segment in &mut segments {
            segment.offset = at;
            at += segment.len;
        }
        Self { head, total_len: at, segments: segments.into() }
    }

    /// The segment that holds byte `at` of the file; `None` in the head and past the end.
    #[must_use]
    pub fn segment_at(&self, at: u64) -> Option<&PlacedSegment> {
        let after = self.segments.partition_point(|segment| segment.offset <= at);
        self.segments.get(after.checked_sub(1)?).filter(|segment| at < segment.offset + segment.len)
    }
}

/// All segments by number, the leading track's first: what plays together lies together. Offsets count from the first.
fn in_order(index: &RecordingIndex) -> Vec<PlacedSegment> {
    let leading = index.leading().map(|track| track.id);
    let mut segments: Vec<PlacedSegment> = Vec::new();
    for track in &index.tracks {
        let placed = |entry: &crate::SegmentEntry| PlacedSegment {
            track: track.id,
            msn: entry.msn,
            offset: 0,
            len: entry.bytes,
        };
        segments.extend(track.segments.iter().map(placed));
    }
    segments.sort_by_key(|segment| (segment.msn, Some(segment.track) != leading, segment.track));
    let mut at = 0;
    for segment in &mut segments {
        segment.offset = at;
        at += segment.len;
    }
    segments
}

/// Makes the head from the records in `log`; only segments that `index` lists are in it.
///
/// Reads the log once and holds the sample tables of the whole recording while it works.
pub(crate) fn make_head(index: &RecordingIndex, log: impl io::Read) -> io::Result<Result<Bytes, Mp4Error>> {
    let segments = in_order(index);
    let body_len = segments.last().map_or(0, |last| last.offset + last.len);
    let offsets: HashMap<(TrackId, u64), u64> =
        segments.iter().map(|segment| ((segment.track, segment.msn), segment.offset)).collect();
    let mut tracks: Vec<(TrackId, Vec<u32>, Mp4Track)> = Vec::new();
    for track in &index.tracks {
        let epochs = track.inits.iter().map(|init| init.epoch).collect();
        let configs = track.inits.iter().map(|init| init.track.clone()).collect();
        tracks.push((track.id, epochs, Mp4Track { configs, parts: Vec::new() }));
    }
    read(log, |part| {
        if let Some(&offset) = offsets.get(&(part.track, part.msn))
            && let Some((_, epochs, track)) = tracks.iter_mut().find(|(id, _, _)| *id == part.track)
            && let Some(config) = epochs.iter().position(|epoch| *epoch == part.epoch)
        {
            track.parts.push(mp4_part(part, config, offset));
        }
    })?;
    let tracks: Vec<Mp4Track> = tracks.into_iter().map(|(_, _, track)| track).collect();
    Ok(fast_start_head(&tracks, body_len))
}

fn mp4_part(part: &PartRecord, config: usize, segment_offset: u64) -> Mp4Part {
    Mp4Part {
        config,
        payload_offset: segment_offset + part.offset + u64::from(part.payload_offset),
        base_decode_time: u64::try_from(part.start.0).unwrap_or(0),
        samples: part.samples.clone(),
    }
}
