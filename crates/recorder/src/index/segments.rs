//! A growing list of segments whose snapshots share all but its last chunk.

use std::sync::Arc;

use media::Ticks;

use super::SegmentEntry;

/// Segments per chunk: about 20 kB that a writer may have to copy when a reader holds a snapshot.
const CHUNK: usize = 256;

/// Segments in ascending order of their sequence numbers. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct SegmentList {
    /// None is empty.
    chunks: Vec<Arc<Vec<SegmentEntry>>>,
    len: usize,
}

impl SegmentList {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// None yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// In order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &SegmentEntry> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// In order, from the first whose number is at least `msn`.
    pub fn iter_from(&self, msn: u64) -> impl Iterator<Item = &SegmentEntry> {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|entry| entry.msn < msn));
        let rest = self.chunks.get(chunk..).unwrap_or_default();
        rest.iter().flat_map(|chunk| chunk.iter()).skip_while(move |entry| entry.msn < msn)
    }

    /// The one of `epoch` that begins at `start`. Epochs and starts ascend.
    #[must_use]
    pub fn at(&self, epoch: u32, start: Ticks) -> Option<&SegmentEntry> {
        let before = |entry: &SegmentEntry| (entry.epoch, entry.start) < (epoch, start);
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(before));
        let chunk = self.chunks.get(chunk)?;
        let entry = chunk.get(chunk.partition_point(before))?;
        (entry.epoch == epoch && entry.start == start).then_some(entry)
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> Option<&SegmentEntry> {
        self.chunks.first()?.first()
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&SegmentEntry> {
        self.chunks.last()?.last()
    }

    /// The one of that number.
    #[must_use]
    pub fn get(&self, msn: u64) -> Option<&SegmentEntry> {
        self.iter_from(msn).next().filter(|entry| entry.msn == msn)
    }

    /// Appends; the caller has checked that the number rises.
    pub(super) fn push(&mut self, entry: SegmentEntry) {
        debug_assert!(self.last().is_none_or(|last| last.msn < entry.msn), "sequence numbers rise");
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(entry),
            _ => self.chunks.push(Arc::new(vec![entry])),
        }
        self.len += 1;
    }

    pub(super) fn mark_stored(&mut self, msn: u64) {
        if let Some((chunk, at)) = self.find(msn)
            && let Some(entry) = Arc::make_mut(&mut self.chunks[chunk]).get_mut(at)
        {
            entry.stored = true;
        }
    }

    /// Takes one out; the one after it follows a gap.
    pub(super) fn remove(&mut self, msn: u64) -> Option<SegmentEntry> {
        let (chunk, at) = self.find(msn)?;
        let entry = Arc::make_mut(&mut self.chunks[chunk]).remove(at);
        if self.chunks[chunk].is_empty() {
            self.chunks.remove(chunk);
        }
        self.len -= 1;
        let next = self.iter_from(msn).next().map(|next| next.msn);
        if let Some((chunk, at)) = next.and_then(|next| self.find(next))
            && let Some(next) = Arc::make_mut(&mut self.chunks[chunk]).get_mut(at)
        {
            next.gap_before = true;
            next.discontinuity = true;
        }
        Some(entry)
    }

    fn find(&self, msn: u64) -> Option<(usize, usize)> {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|entry| entry.msn < msn));
        let at = self.chunks.get(chunk)?.binary_search_by_key(&msn, |entry| entry.msn).ok()?;
        Some((chunk, at))
    }
}
