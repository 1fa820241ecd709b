//! Teaching: mentors, courses, who is enrolled, and lessons.

pub mod courses;
pub mod directing;
pub mod lessons;
pub mod mentors;
mod refusal;
pub mod series;

pub use refusal::TeachingError;

use media::UnixMillis;
use uuid::Uuid;

use crate::{CourseId, LessonId, UserId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $error:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in the database and on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        /// The text is none of the words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("is none of {}", [$($text),*].join(", "))]
        pub struct $error;

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or($error)
            }
        }
    };
}

words! {
    /// How one gets into a course.
    Enrolling, EnrollingError {
        /// Whoever wants to is in.
        Open = "open",
        /// Who was given an invitation.
        Invitation = "invitation",
        /// Who asked and was let in by the mentor.
        Approval = "approval",
    }
}

words! {
    /// Somebody's place in a course.
    EnrolmentState, EnrolmentStateError {
        /// Asked, and waits for the mentor.
        Requested = "requested",
        /// Is in.
        Active = "active",
        /// Asked, and was not let in.
        Declined = "declined",
        /// Left.
        Left = "left",
        /// Was put out.
        Removed = "removed",
    }
}

words! {
    /// How far a lesson has come.
    LessonState, LessonStateError {
        /// It will be.
        Scheduled = "scheduled",
        /// It is.
        Live = "live",
        /// It was.
        Ended = "ended",
        /// It will not be.
        Cancelled = "cancelled",
    }
}

/// A mentor's course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Never changes, never used again.
    pub id: CourseId,
    /// Whose.
    pub mentor: UserId,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// How one gets in.
    pub enrolling: Enrolling,
    /// How many may be in.
    pub capacity: Option<u32>,
    /// Since when it is over: nobody gets in, no lesson is set; recordings stay.
    pub archived: Option<UnixMillis>,
    /// When it was made.
    pub created: UnixMillis,
    /// Counts changes, for ETags.
    pub version: i64,
}

/// One teaching session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Never changes, never used again.
    pub id: LessonId,
    /// Of which course.
    pub course: CourseId,
    /// Whose: the course's mentor.
    pub mentor: UserId,
    /// Where it is published and what keeps its recording: a channel of its own, which is not public.
    pub channel: Uuid,
    /// Lessons that were set together.
    pub series: Option<Uuid>,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// As scheduled.
    pub starts: UnixMillis,
    /// As scheduled; behind `starts`.
    pub ends: UnixMillis,
    /// IANA name of the zone in whose wall clock it was set.
    pub zone: String,
    /// How far it has come.
    pub state: LessonState,
    /// When it began.
    pub started: Option<UnixMillis>,
    /// When it was over.
    pub ended: Option<UnixMillis>,
    /// How many may watch at once.
    pub capacity: Option<u32>,
    /// Milliseconds between two comments of one person; 0: none.
    pub slow_ms: u32,
    /// Comments are taken.
    pub comments_on: bool,
    /// Comments wait for the mentor.
    pub review_on: bool,
    /// Words that no comment may hold.
    pub word_filter: Vec<String>,
    /// When it was set.
    pub created: UnixMillis,
    /// Counts changes, for ETags.
    pub version: i64,
}

impl Lesson {
    /// When its channel takes a publisher: from `margin_ms` before its time to `margin_ms` behind it, while it is scheduled
    /// or live. A lesson that is live is not cut off at its end: its mentor ends it. `None`: never again.
    #[must_use]
    pub fn slot(&self, margin_ms: i64) -> Option<Slot> {
        Slot::of(self.state, self.starts, self.ends, margin_ms)
    }
}

/// When a lesson's channel takes a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From this moment on.
    pub opens: UnixMillis,
    /// Until before this one; `None` while the lesson is live.
    pub closes: Option<UnixMillis>,
}

impl Slot {
    /// See [`Lesson::slot`].
    #[must_use]
    pub fn of(state: LessonState, starts: UnixMillis, ends: UnixMillis, margin_ms: i64) -> Option<Self> {
        let opens = starts.plus_millis(-margin_ms);
        match state {
            LessonState::Scheduled => Some(Self { opens, closes: Some(ends.plus_millis(margin_ms)) }),
            LessonState::Live => Some(Self { opens, closes: None }),
            LessonState::Ended | LessonState::Cancelled => None,
        }
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(self, now: UnixMillis) -> bool {
        self.opens <= now && self.closes.is_none_or(|closes| now < closes)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn lesson(state: LessonState) -> Lesson {
        let now = UnixMillis(1_700_000_000_000);
        Lesson {
            id: LessonId::new(now),
            course: CourseId::new(now),
            mentor: UserId::new(now),
            channel: crate::keys::random_id(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts: UnixMillis(10_000),
            ends: UnixMillis(20_000),
            zone: "Asia/Jakarta".to_owned(),
            state,
            started: None,
            ended: None,
            capacity: None,
            slow_ms: 0,
            comments_on: true,
            review_on: false,
            word_filter: Vec::new(),
            created: now,
            version: 1,
        }
    }

    #[test]
    fn words_survive_their_text() {
        for state in LessonState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for state in EnrolmentState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for enrolling in Enrolling::ALL {
            assert_eq!(enrolling.as_str().parse(), Ok(*enrolling));
        }
        let error = "Open".parse::<Enrolling>().expect_err("another word");
        assert_eq!(error.to_string(), "is none of open, invitation, approval");
    }

    #[test]
    fn a_slot_is_open_from_its_margin_before_to_its_margin_behind() {
        let slot = lesson(LessonState::Scheduled).slot(1_000).expect("a slot");
        let open: Vec<bool> = [8_999, 9_000, 20_999, 21_000].map(|at| slot.is_open(UnixMillis(at))).into();
        assert_eq!(open, [false, true, true, false]);
    }

    #[test]
    fn a_lesson_that_is_live_is_not_cut_off_and_one_that_is_over_takes_nobody() {
        let slot = lesson(LessonState::Live).slot(1_000).expect("a slot");
        assert!(slot.is_open(UnixMillis(99_000)) && !slot.is_open(UnixMillis(8_999)));
        assert_eq!(lesson(LessonState::Ended).slot(1_000), None);
        assert_eq!(lesson(LessonState::Cancelled).slot(1_000), None);
    }
}
