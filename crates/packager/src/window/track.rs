//! One track's part of the window.

use std::collections::VecDeque;
use std::sync::Arc;

use media::{MediaKind, Ticks, Track, TrackId};

use super::Position;
use crate::playlist::{Rates, SegmentEntry};
use crate::{Init, Part, Segment};

#[derive(Debug)]
pub(super) struct TrackWindow {
    pub(super) id: TrackId,
    pub(super) name: Arc<str>,
    /// Never empty: those that kept parts need, and the newest.
    pub(super) inits: VecDeque<Arc<Init>>,
    first_init: Arc<Init>,
    pub(super) segments: VecDeque<Arc<Segment>>,
    /// Parts of the segment being made.
    pub(super) open: Vec<Arc<Part>>,
    /// Number of the first segment, kept or not.
    pub(super) first: Option<u64>,
    /// All segments so far began with a sync sample.
    pub(super) independent: bool,
    rates: Rates,
}

impl TrackWindow {
    pub(super) fn new(init: Arc<Init>) -> Self {
        Self {
            id: init.track.id,
            name: init.name.clone(),
            first_init: init.clone(),
            inits: VecDeque::from([init]),
            segments: VecDeque::new(),
            open: Vec::new(),
            first: None,
            independent: true,
            rates: Rates::default(),
        }
    }

    pub(super) fn config(&self) -> &Arc<Track> {
        &self.inits.back().unwrap_or(&self.first_init).track
    }

    pub(super) fn is_audio(&self) -> bool {
        self.config().kind() == MediaKind::Audio
    }

    /// Takes the next configuration. The one before goes if no part was made with it.
    pub(super) fn push_init(&mut self, init: Arc<Init>) {
        let used = self.open.last().map(|part| part.epoch).or(self.segments.back().map(|segment| segment.epoch));
        if self.inits.back().is_some_and(|last| used.is_none_or(|used| used < last.epoch)) {
            self.inits.pop_back();
        }
        self.inits.push_back(init);
    }

    pub(super) fn push_part(&mut self, part: Arc<Part>) {
        self.first.get_or_insert(part.msn);
        if part.index == 0 {
            self.independent &= part.samples.first().is_some_and(|sample| sample.key);
        }
        self.open.push(part);
    }

    pub(super) fn push_segment(&mut self, segment: Arc<Segment>) {
        self.rates.observe(&SegmentEntry::from(&*segment));
        self.open.retain(|part| part.msn != segment.msn);
        self.segments.push_back(segment);
    }

    /// Forgets the oldest segment, and init segments that only it needed. Returns the bytes let go.
    pub(super) fn pop_front(&mut self) -> usize {
        let gone = self.segments.pop_front();
        let needed = self.segments.front().map(|segment| segment.epoch);
        while self.inits.len() > 1
            && needed.is_some_and(|needed| self.inits.front().is_some_and(|init| init.epoch < needed))
        {
            self.inits.pop_front();
        }
        gone.map_or(0, |segment| usize::try_from(segment.bytes_len).unwrap_or(0))
    }

    pub(super) fn bytes(&self) -> usize {
        let segments: u64 = self.segments.iter().map(|segment| segment.bytes_len).sum();
        let open: usize = self.open.iter().map(|part| part.bytes.len()).sum();
        usize::try_from(segments).unwrap_or(usize::MAX).saturating_add(open)
    }

    pub(super) fn segment(&self, msn: u64) -> Option<&Arc<Segment>> {
        let at = self.segments.partition_point(|segment| segment.msn < msn);
        self.segments.get(at).filter(|segment| segment.msn == msn)
    }

    /// It may have had a segment of that number, which is not kept any more.
    pub(super) fn had(&self, msn: u64) -> bool {
        self.first.is_some_and(|first| first <= msn) && self.segments.front().is_some_and(|oldest| msn < oldest.msn)
    }

    /// The segment of `epoch` that begins at `start`, kept or being made. Epochs and starts ascend.
    pub(super) fn number_at(&self, epoch: u32, start: Ticks) -> Option<u64> {
        if let Some(first) = self.open.first().filter(|first| (first.epoch, first.start) == (epoch, start)) {
            return Some(first.msn);
        }
        let at = self.segments.partition_point(|segment| (segment.epoch, segment.start) < (epoch, start));
        let segment = self.segments.get(at)?;
        (segment.epoch == epoch && segment.start == start).then_some(segment.msn)
    }

    /// The segment being made, or else the last.
    pub(super) fn newest(&self) -> Option<SegmentEntry> {
        self.open_entry().or_else(|| Some(SegmentEntry::from(&**self.segments.back()?)))
    }

    pub(super) fn part(&self, msn: u64, index: u32) -> Option<Arc<Part>> {
        let parts = match self.segment(msn) {
            Some(segment) => &*segment.parts,
            None => &*self.open,
        };
        let at = usize::try_from(index).ok()?;
        parts.get(at).filter(|part| part.msn == msn).cloned()
    }

    pub(super) fn last_part(&self) -> Option<&Arc<Part>> {
        self.open.last().or_else(|| self.segments.back()?.parts.last())
    }

    pub(super) fn position(&self) -> Option<Position> {
        match (self.open.last(), self.segments.back()) {
            (Some(part), _) => Some(Position { msn: part.msn, part: part.index.saturating_add(1) }),
            (None, Some(segment)) => Some(Position { msn: segment.msn.saturating_add(1), part: 0 }),
            (None, None) => None,
        }
    }

    /// The last part that the playlist has, as an EXT-X-PART or inside a segment.
    pub(super) fn last_listed(&self) -> Option<Position> {
        let listed = listed_parts(&self.open);
        let part = listed.last().or_else(|| self.segments.back()?.parts.last())?;
        Some(Position { msn: part.msn, part: part.index })
    }

    pub(super) fn entries(&self) -> Vec<SegmentEntry> {
        self.segments.iter().map(|segment| SegmentEntry::from(&**segment)).collect()
    }

    /// The segment being made, as far as it is.
    pub(super) fn open_entry(&self) -> Option<SegmentEntry> {
        let (first, last) = (self.open.first()?, self.open.last()?);
        let samples: usize = self.open.iter().map(|part| part.samples.len()).sum();
        Some(SegmentEntry {
            msn: first.msn,
            epoch: first.epoch,
            start: first.start,
            duration: last.end().minus(first.start),
            timescale: first.timescale,
            independent: first.samples.first().is_some_and(|sample| sample.key),
            discontinuity_sequence: first.discontinuity_sequence,
            wall: first.wall,
            bytes_len: self.open.iter().map(|part| part.bytes.len() as u64).sum(),
            samples: u32::try_from(samples).unwrap_or(u32::MAX),
        })
    }

    /// Rates so far; before the first segment, those of the parts.
    pub(super) fn measured(&self) -> Rates {
        let mut rates = self.rates;
        if let (true, Some(open)) = (self.segments.is_empty(), self.open_entry()) {
            rates.observe(&open);
        }
        rates
    }
}

/// The parts of a segment that a playlist may list: those before one that is longer than PART-TARGET.
pub(super) fn listed_parts(parts: &[Arc<Part>]) -> &[Arc<Part>] {
    let listed = parts.iter().position(|part| part.over_target).unwrap_or(parts.len());
    parts.get(..listed).unwrap_or_default()
}
