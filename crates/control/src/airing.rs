//! Which lesson has which channel, and when it takes its publisher: what the [`Directory`](crate::Directory) knows of
//! teaching.
//!
//! Of a lesson only what decides who may send and where; what it is about is not known here. Kept current by whoever follows
//! the changes of the database, a few lessons at a time ([`AiringRepository::parts`]).

use media::UnixMillis;
use uuid::Uuid;

use crate::teaching::{LessonState, Slot};
use crate::{BoxFuture, Channel, CourseId, KeyHash, LessonId, RepositoryError, Seq, Snapshot, StreamKey, UserId};

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

    /// Its time is over, though nobody has ended it.
    fn is_overdue(&self, now: UnixMillis) -> bool {
        self.state != LessonState::Live && self.ends <= now
    }
}

/// Which of a mentor's lessons their own key publishes to: of those whose slot is open the one that started first and is not
/// over; one whose time has passed only where there is no other.
#[must_use]
pub fn chosen<'l>(lessons: impl Iterator<Item = &'l Airing>, now: UnixMillis, margin_ms: i64) -> Option<&'l Airing> {
    lessons
        .filter(|lesson| lesson.is_open(now, margin_ms))
        .min_by_key(|lesson| (lesson.is_overdue(now), lesson.starts, lesson.lesson))
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
    /// All channels, keys and lessons as of one moment, and the newest change that they have in them.
    fn directory(&self) -> BoxFuture<'_, Result<(Snapshot, Seq), RepositoryError>>;

    /// What there is of `touched`. Costs what these cost, however many others there are.
    fn parts<'a>(&'a self, touched: &'a Touched) -> BoxFuture<'a, Result<Parts, RepositoryError>>;
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
            (200, Live, Scheduled, Some(0)),
            (205, Scheduled, Ended, Some(0)),
            (250, Live, Live, Some(0)),
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
