//! Lessons: what may be set and changed, and what is needed kept.
//!
//! Owns lengths, overlaps and how a lesson goes from state to state. When it does so by itself is [`super::directing`]'s.

use media::{ChannelPath, UnixMillis};

use super::{Lesson, TeachingError};
use crate::{BoxFuture, Channel, ChannelOptions, LessonId};

/// Shortest lesson: less is no teaching but a slip of the hand.
pub const LENGTH_MS_MIN: i64 = 5 * 60_000;
/// Longest lesson: a day's seminar. What one recording is planned for.
pub const LENGTH_MS_MAX: i64 = 12 * 3_600_000;
/// How far ahead a lesson may be set: further, time zones' rules are guesses.
pub const AHEAD_MS_MAX: i64 = 2 * 366 * 86_400_000;
/// Chapters of one lesson: one every 3 minutes of the longest.
pub const CHAPTERS_MAX: usize = 240;

/// The application in which the channels of lessons are.
pub const LESSON_APP: &str = "lesson";

/// The channel of a lesson: recorded, not public, named after it.
#[must_use]
pub fn channel_of(lesson: LessonId, now: UnixMillis) -> Channel {
    let name = format!("l-{}", lesson.0.simple());
    let path = ChannelPath {
        app: LESSON_APP.parse().expect("the application's name is one"),
        name: name.parse().expect("a letter, a dash and hexadecimal digits are a name"),
    };
    Channel::create(path, &ChannelOptions { record: true, public: false, legacy_md5: false }, now)
}

/// Why a lesson cannot be at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    /// It would begin now or before.
    #[error("must be in the future")]
    Past,
    /// It would begin further ahead than [`AHEAD_MS_MAX`].
    #[error("must be within two years")]
    TooFar,
    /// It would end before [`LENGTH_MS_MIN`].
    #[error("must be at least 5 minutes behind the begin")]
    TooShort,
    /// It would end behind [`LENGTH_MS_MAX`].
    #[error("must be at most 12 hours behind the begin")]
    TooLong,
}

/// Begin and end, as scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// First moment.
    pub starts: UnixMillis,
    /// First moment behind it.
    pub ends: UnixMillis,
}

impl Times {
    /// Of a lesson.
    #[must_use]
    pub fn of(lesson: &Lesson) -> Self {
        Self { starts: lesson.starts, ends: lesson.ends }
    }

    /// How long.
    #[must_use]
    pub fn length_ms(self) -> i64 {
        self.ends.0.saturating_sub(self.starts.0)
    }

    /// Whether both have a moment in common. One that begins when the other ends does not overlap it.
    #[must_use]
    pub fn overlap(self, other: Self) -> bool {
        self.starts < other.ends && other.starts < self.ends
    }

    /// Whether a lesson may be set at that time.
    ///
    /// # Errors
    /// [`TimesError`].
    pub fn check(self, now: UnixMillis) -> Result<(), TimesError> {
        if self.starts <= now {
            return Err(TimesError::Past);
        }
        if self.starts.0.saturating_sub(now.0) > AHEAD_MS_MAX {
            return Err(TimesError::TooFar);
        }
        self.check_length()
    }

    /// Whether it is as long as lessons are.
    ///
    /// # Errors
    /// [`TimesError::TooShort`], [`TimesError::TooLong`].
    pub fn check_length(self) -> Result<(), TimesError> {
        match self.length_ms() {
            ..LENGTH_MS_MIN => Err(TimesError::TooShort),
            LENGTH_MS_MIN..=LENGTH_MS_MAX => Ok(()),
            _ => Err(TimesError::TooLong),
        }
    }
}

/// A lesson to be set, and its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLesson {
    /// The lesson.
    pub lesson: Lesson,
    /// [`channel_of`] it.
    pub channel: Channel,
}

impl NewLesson {
    /// With its channel. Whatever channel `lesson` names is replaced.
    #[must_use]
    pub fn with_channel(mut lesson: Lesson, now: UnixMillis) -> Self {
        let channel = channel_of(lesson.id, now);
        lesson.channel = channel.id;
        Self { lesson, channel }
    }
}

/// Lessons, kept.
pub trait LessonRepository: Send + Sync {
    /// Keeps new lessons of one course with their channels, all or none.
    ///
    /// # Errors
    /// [`TeachingError::Overlaps`] another lesson of the mentor, unless `may_overlap`; [`TeachingError::Archived`].
    fn create_lessons<'a>(
        &'a self,
        lessons: &'a [NewLesson],
        may_overlap: bool,
    ) -> BoxFuture<'a, Result<(), TeachingError>>;
}
