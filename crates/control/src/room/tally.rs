//! Reactions, counted exactly: what is shown is what is kept.

use std::collections::BTreeMap;

use super::{REACTION_STRETCH_MS, ReactionCount, ReactionKind};

/// A count for each kind, in the order of [`ReactionKind::ALL`].
pub type Counts = [u64; ReactionKind::ALL.len()];

/// Reactions on their way: new ones gather while those before them are being written.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    totals: Counts,
    fresh: BTreeMap<(i64, ReactionKind), u64>,
    writing: BTreeMap<(i64, ReactionKind), u64>,
}

impl Tally {
    /// Goes on from what is kept.
    #[must_use]
    pub fn new(totals: Counts) -> Self {
        Self { totals, ..Self::default() }
    }

    /// Counts `n` more. Before the first frame of the lesson is at its begin.
    pub fn add(&mut self, kind: ReactionKind, n: u64, media_ms: Option<i64>) {
        let at = media_ms.unwrap_or(0).max(0);
        *self.fresh.entry((at - at % REACTION_STRETCH_MS, kind)).or_default() += n;
    }

    /// What is to be written now; empty while other counts are being written, or there are none.
    pub fn to_write(&mut self) -> Vec<ReactionCount> {
        if !self.writing.is_empty() {
            return Vec::new();
        }
        self.writing = std::mem::take(&mut self.fresh);
        let count = |(&(media_ms, kind), &count): (&(i64, ReactionKind), &u64)| ReactionCount { media_ms, kind, count };
        self.writing.iter().map(count).collect()
    }

    /// It was written. Answers by how much the totals rose, and the newest stretch of them.
    pub fn written(&mut self) -> (Counts, i64) {
        let (mut rose, mut newest) = (Counts::default(), 0);
        for ((at, kind), n) in std::mem::take(&mut self.writing) {
            rose[kind as usize] += n;
            self.totals[kind as usize] += n;
            newest = newest.max(at);
        }
        (rose, newest)
    }

    /// It was not written: it is still to be.
    pub fn not_written(&mut self) {
        for (at, n) in std::mem::take(&mut self.writing) {
            *self.fresh.entry(at).or_default() += n;
        }
    }

    /// Whether there is something to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.writing.is_empty()
    }

    /// All that is kept.
    #[must_use]
    pub fn totals(&self) -> Counts {
        self.totals
    }
}
