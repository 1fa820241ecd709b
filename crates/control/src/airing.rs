//! Which lesson has which channel, and when it takes its publisher: what the [`Directory`](crate::Directory) knows of
//! teaching.
//!
//! Of a lesson only what decides who may send and where; what it is about is not known here. Kept current by whoever follows
//! the changes of the database, a few lessons at a time ([`AiringRepository::parts`]).

use media::UnixMillis;
use uuid::Uuid;

use crate::teaching::{LessonState, Slot};
use crate::{BoxFuture, Channel, CourseId, KeyHash, LessonId, RepositoryError, Seq, Snapshot, StreamKey, UserId};

/// How long after its end a lesson is still known here. A day: its stream is packaged to the end, whoever watched live has
/// seen it, and encoders that were not stopped have been told, minutes behind it; the rest is for clocks that differ and a
/// server that stood still. What plays of it later needs nothing from here ([`crate::Directory::authorize_playback`]).
pub const KNOWN_AFTER_END_MS: i64 = 86_400_000;

const _: () = assert!(KNOWN_AFTER_END_MS > QUIET_AFTER_END_MS, "that a lesson ended just now is known of it");

/// A lesson, as far as media goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Airing {
    /// Which.
    pub lesson: LessonId,
    /// Of which course.
    pub course: CourseId,
    /// Whose.
    pub mentor: UserId,
    /// Where it is published.
    pub channel: Uuid,
    /// As scheduled.
    pub starts: UnixMillis,
    /// As scheduled.
    pub ends: UnixMillis,
    /// How far it has come.
    pub state: LessonState,
    /// When it was over, if it had begun.
    pub ended: Option<UnixMillis>,
    /// Its mentor may not teach now: suspended, or no mentor any more.
    pub suspended: bool,
}

impl Airing {
    /// Whether its channel takes a publisher.
    #[must_use]
    pub fn is_open(&self, now: UnixMillis, margin_ms: i64) -> bool {
        let slot = Slot::of(self.state, self.starts, self.ends, margin_ms);
        !self.suspended && slot.is_some_and(|slot| slot.is_open(now))
    }

    /// Whether it is over for so long that nothing here asks for it any more.
    #[must_use]
    pub fn is_past(&self, now: UnixMillis) -> bool {
        match self.state {
            LessonState::Scheduled | LessonState::Live => false,
            LessonState::Ended | LessonState::Cancelled => {
                self.ended.unwrap_or(self.ends).plus_millis(KNOWN_AFTER_END_MS) <= now
            }
        }
    }

    /// How willingly a mentor's own key goes to it, of those that are open: the less the sooner.
    fn rank(&self, now: UnixMillis) -> u8 {
        let (is_live, has_begun) = (self.state == LessonState::Live, self.starts <= now);
        match (now < self.ends, is_live || has_begun) {
            (true, true) => 0,
            // It runs over, and none that should be on waits.
            (false, _) if is_live => 1,
            (true, false) => 2,
            (false, _) => 3,
        }
    }
}

/// How long after a lesson's end the mentor's own key begins none whose time has not come: an encoder that was not stopped
/// connects again by itself, and everybody would be told that the next lesson is on. As long as the margin that is set by
/// default, so that it never does before the time of the next.
pub const QUIET_AFTER_END_MS: i64 = 15 * 60_000;

/// Which of a mentor's lessons their own key publishes to, of those whose slot is open: the one that is on or whose time is
/// now; else one that is on though its time has passed; else the next, unless one ended just now; else one to which nobody
/// came. Of several alike the one that starts first.
#[must_use]
pub fn chosen<'l>(
    lessons: impl Iterator<Item = &'l Airing> + Clone,
    now: UnixMillis,
    margin_ms: i64,
) -> Option<&'l Airing> {
    let just_ended = |lesson: &Airing| lesson.ended.is_some_and(|at| now < at.plus_millis(QUIET_AFTER_END_MS));
    let is_quiet = lessons.clone().any(just_ended);
    lessons
        .filter(|lesson| lesson.is_open(now, margin_ms))
        .filter(|lesson| !(is_quiet && lesson.state == LessonState::Scheduled && now < lesson.starts))
        .min_by_key(|lesson| (lesson.rank(now), lesson.starts, lesson.lesson))
}

/// A mentor's own key, as far as it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// Names the key.
    pub id: Uuid,
    /// Whose.
    pub mentor: UserId,
    /// Of the key.
    pub hash: KeyHash,
    /// Since when it is refused.
    pub revoked_at: Option<UnixMillis>,
}

/// What may have changed: read anew, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Channels and their keys.
    pub channels: Vec<Uuid>,
    /// Lessons, with their channels and the keys of those.
    pub lessons: Vec<LessonId>,
    /// People: their own keys, and their lessons.
    pub mentors: Vec<UserId>,
}

impl Touched {
    /// Nothing may have changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.lessons.is_empty() && self.mentors.is_empty()
    }

    /// How many things.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channels.len() + self.lessons.len() + self.mentors.len()
    }
}

/// What there is of what was asked for, as of one moment. What is not here is not there any more.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Channels.
    pub channels: Vec<Channel>,
    /// Keys of those channels.
    pub keys: Vec<StreamKey>,
    /// Lessons.
    pub airings: Vec<Airing>,
    /// Mentors' own keys.
    pub own_keys: Vec<OwnKey>,
}

/// What the directory is fed from.
pub trait AiringRepository: Send + Sync {
    /// All channels, keys and lessons as of one moment, and the newest change that they have in them; but of lessons that were
    /// over at `since` nothing. Costs what these cost, however many lessons are over.
    fn directory(&self, since: UnixMillis) -> BoxFuture<'_, Result<(Snapshot, Seq), RepositoryError>>;

    /// What there is of `touched`; of a mentor's lessons those that were not over at `since`. Costs what these cost, however
    /// many others there are.
    fn parts<'a>(&'a self, touched: &'a Touched, since: UnixMillis) -> BoxFuture<'a, Result<Parts, RepositoryError>>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const MARGIN_MS: i64 = 10;

    pub(crate) fn airing(mentor: UserId, starts: i64, ends: i64, state: LessonState) -> Airing {
        let now = UnixMillis(1_700_000_000_000);
        Airing {
            lesson: LessonId::new(now),
            course: CourseId::new(now),
            mentor,
            channel: crate::keys::random_id(),
            starts: UnixMillis(starts),
            ends: UnixMillis(ends),
            state,
            ended: None,
            suspended: false,
        }
    }

    #[test]
    fn a_mentors_key_goes_to_the_lesson_that_is_on() {
        use LessonState::{Ended, Live, Scheduled};
        let mentor = UserId::new(UnixMillis(1));
        // Two lessons back to back, 100 to 200 and 200 to 300, ten milliseconds of margin.
        for (now, first, second, expected) in [
            (89, Scheduled, Scheduled, None),
            (90, Scheduled, Scheduled, Some(0)),
            (195, Scheduled, Scheduled, Some(0)),
            (195, Ended, Scheduled, Some(1)),
            (200, Scheduled, Scheduled, Some(1)),
            (199, Live, Scheduled, Some(0)),
            (200, Live, Scheduled, Some(1)),
            (205, Live, Ended, Some(0)),
            (205, Scheduled, Ended, Some(0)),
            (195, Live, Live, Some(0)),
            (250, Live, Live, Some(1)),
            (310, Scheduled, Scheduled, None),
        ] {
            let lessons = [airing(mentor, 100, 200, first), airing(mentor, 200, 300, second)];
            for order in [[0, 1], [1, 0]] {
                let found = chosen(order.iter().map(|at| &lessons[*at]), UnixMillis(now), MARGIN_MS);
                let expected = expected.map(|at: usize| lessons[at].lesson);
                assert_eq!(found.map(|lesson| lesson.lesson), expected, "{now} {first:?} {second:?}");
            }
        }
    }

    #[test]
    fn an_encoder_that_goes_on_after_the_end_does_not_begin_the_next_lesson_before_its_time() {
        use LessonState::{Ended, Live, Scheduled};
        const MINUTE: i64 = 60_000;
        let mentor = UserId::new(UnixMillis(1));
        // From minute 60 to 120 and from 120 to 180; the first was ended in minute 110. A margin of 15 minutes.
        for (minute, next, margin, expected) in [
            (110, Scheduled, 15, false),
            (119, Scheduled, 15, false),
            (120, Scheduled, 15, true),
            // Its mentor began it.
            (112, Live, 15, true),
            // It was long ago.
            (124, Scheduled, 60, true),
        ] {
            let (starts, ended) = if margin == 60 { (150, 109) } else { (120, 110) };
            let ended = Some(UnixMillis(ended * MINUTE));
            let before = Airing { ended, ..airing(mentor, 60 * MINUTE, 120 * MINUTE, Ended) };
            let next = airing(mentor, starts * MINUTE, 180 * MINUTE, next);
            let lessons = [before, next];
            let found = chosen(lessons.iter(), UnixMillis(minute * MINUTE), margin * MINUTE);
            assert_eq!(found.map(|lesson| lesson.lesson), expected.then_some(next.lesson), "minute {minute}");
        }
    }

    #[test]
    fn nobody_publishes_for_a_mentor_who_is_suspended() {
        let lesson = Airing { suspended: true, ..airing(UserId::new(UnixMillis(1)), 0, 10, LessonState::Live) };
        assert!(!lesson.is_open(UnixMillis(5), MARGIN_MS));
        assert!(Airing { suspended: false, ..lesson }.is_open(UnixMillis(5), MARGIN_MS));
    }

    #[test]
    fn what_is_touched_is_counted() {
        let touched = Touched { channels: vec![crate::keys::random_id()], ..Touched::default() };
        assert!(Touched::default().is_empty() && !touched.is_empty());
        assert_eq!(touched.len(), 1);
    }
}
