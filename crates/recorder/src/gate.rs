//! Which parts are kept after something was lost: whole segments only, of every track from the same sequence number on.
//!
//! Pure. Used on both sides of the queue: where it overflows, and where the disk refuses.

/// Passes parts until one is lost; then nothing until a segment starts whose number is above everything lost.
///
/// Segment `msn` of every track covers the same time, so one number fits all: the part that reopens the gate sets it,
/// and parts of other tracks below it stay out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Parts of segments from this number on pass.
    From(u64),
    /// Nothing passes. The highest sequence number of which a part was lost.
    Shut(u64),
}

/// What to do with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Keep it.
    Keep,
    /// Keep it, and note first that something before it is missing.
    KeepAfterGap,
    /// Drop it.
    Drop,
}

impl Gate {
    /// Everything passes.
    pub(crate) const OPEN: Self = Self::From(0);

    /// A part of segment `msn` was lost.
    pub(crate) fn shut(&mut self, msn: u64) {
        *self = match *self {
            Self::From(_) => Self::Shut(msn),
            Self::Shut(lost) => Self::Shut(lost.max(msn)),
        };
    }

    /// Whether something is missing and nothing passes.
    pub(crate) fn is_shut(&self) -> bool {
        matches!(self, Self::Shut(_))
    }

    /// Decides about part `index` of segment `msn`. `room` is asked only where the gate could open again.
    pub(crate) fn admit(&mut self, msn: u64, index: u32, room: impl FnOnce() -> bool) -> Admission {
        match *self {
            Self::From(first) if msn >= first => Admission::Keep,
            Self::From(_) => Admission::Drop,
            Self::Shut(lost) if index == 0 && msn > lost && room() => {
                *self = Self::From(msn);
                Admission::KeepAfterGap
            }
            Self::Shut(lost) => {
                *self = Self::Shut(lost.max(msn));
                Admission::Drop
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_until_a_segment_starts_above_what_was_lost() {
        let mut gate = Gate::OPEN;
        assert_eq!(gate.admit(5, 3, || false), Admission::Keep);
        gate.shut(5);
        assert_eq!(gate.admit(5, 4, || true), Admission::Drop, "the rest of the segment that lost a part");
        assert_eq!(gate.admit(6, 0, || false), Admission::Drop, "no room yet");
        assert_eq!(
            gate.admit(6, 0, || true),
            Admission::Drop,
            "another track's start of a segment already lost in part"
        );
        assert_eq!(gate.admit(7, 1, || true), Admission::Drop, "not the start of a segment");
        assert_eq!(gate.admit(8, 0, || true), Admission::KeepAfterGap);
        assert_eq!(gate.admit(7, 2, || true), Admission::Drop, "a slower track's tail from before the gap's end");
        assert_eq!(gate.admit(8, 0, || true), Admission::Keep);
        assert_eq!(gate.admit(9, 0, || true), Admission::Keep);
    }

    #[test]
    fn a_second_loss_while_shut_moves_the_start_on() {
        let mut gate = Gate::OPEN;
        gate.shut(2);
        gate.shut(9);
        gate.shut(4);
        assert_eq!(gate.admit(9, 0, || true), Admission::Drop);
        assert_eq!(gate.admit(10, 0, || true), Admission::KeepAfterGap);
    }
}
