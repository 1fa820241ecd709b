//! Segments of all tracks together, for containers that hold them so: MPEG-TS.
//!
//! Tracks are not in step: sound may be muxed behind the pictures, or be lost. Such a segment is there once each track
//! has its segment of the number, or is past it, or has left the stream, or is too far behind to be waited for.

use std::sync::Arc;

use media::Track;

use super::Window;
use super::track::TrackWindow;
use crate::Segment;

/// What became of the segments of one number.
#[derive(Clone, Debug)]
pub enum JointLookup {
    /// Those of all tracks that have one, with their configurations. Not empty.
    Ready(Vec<(Arc<Track>, Arc<Segment>)>),
    /// A track has not come so far.
    Coming,
    /// Never were, or one is no longer kept.
    Gone,
}

impl Window {
    /// The segments of number `msn`, video first.
    #[must_use]
    pub fn joint_segment(&self, msn: u64) -> JointLookup {
        let mut found = Vec::new();
        let mut coming = false;
        for track in &self.tracks {
            match (track.segment(msn), track.position()) {
                (Some(segment), _) => match self.init(track.id, segment.epoch) {
                    Some(init) => found.push((init.track.clone(), segment.clone())),
                    None => return JointLookup::Gone,
                },
                // Without it the rest would look whole.
                (None, Some(next)) if msn < next.msn && track.had(msn) => return JointLookup::Gone,
                (None, Some(next)) if msn < next.msn => {}
                (None, _) => coming |= !self.ended && self.is_awaited(track),
            }
        }
        match (coming, found.is_empty()) {
            (true, _) => JointLookup::Coming,
            (false, true) => JointLookup::Gone,
            (false, false) => JointLookup::Ready(found),
        }
    }

    /// Up to which number each track that keeps step has come.
    pub(super) fn joint_now(&self) -> u64 {
        if self.ended {
            return u64::MAX;
        }
        let come = |track: &TrackWindow| track.position().map_or(0, |next| next.msn);
        self.tracks.iter().filter(|track| self.is_awaited(track)).map(come).min().unwrap_or(0)
    }
}
