//! Lessons: what may be set and changed, and what is needed kept.
//!
//! Owns lengths, overlaps and how a lesson goes from state to state. When it does so by itself is [`super::directing`]'s.

use media::{ChannelPath, UnixMillis};
use uuid::Uuid;

use super::series::{Move, Zone};
use super::{Enrolling, EnrolmentState, Lesson, LessonState, TeachingError};
use crate::access::Standing;
use crate::{BoxFuture, Channel, ChannelOptions, CourseId, LessonId, RecordingState, RepositoryError, UserId};

/// Shortest lesson: less is no teaching but a slip of the hand.
pub const LENGTH_MS_MIN: i64 = 5 * 60_000;
/// Longest lesson: a day's seminar. What one recording is planned for.
pub const LENGTH_MS_MAX: i64 = 12 * 3_600_000;
/// How long ago a lesson that is set may have begun: one that is to begin now, while its form is filled in and sent.
pub const BEHIND_MS_MAX: i64 = 5 * 60_000;
/// How far ahead a lesson may be set: further, time zones' rules are guesses.
pub const AHEAD_MS_MAX: i64 = 2 * 366 * 86_400_000;
/// Chapters of one lesson: one every 3 minutes of the longest.
pub const CHAPTERS_MAX: usize = 240;

/// The application in which the channels of lessons are.
pub const LESSON_APP: &str = "lesson";

/// Where the channel of a lesson is.
#[must_use]
pub fn path_of(lesson: LessonId) -> ChannelPath {
    let name = format!("l-{}", lesson.0.simple());
    ChannelPath {
        app: LESSON_APP.parse().expect("the application's name is one"),
        name: name.parse().expect("a letter, a dash and hexadecimal digits are a name"),
    }
}

/// Whose channel is at `path`: the inverse of [`path_of`]. Says nothing of whether there is such a lesson.
#[must_use]
pub fn lesson_at(path: &ChannelPath) -> Option<LessonId> {
    let id = path.name.as_str().strip_prefix("l-").filter(|_| path.app.as_str() == LESSON_APP)?;
    let lesson = LessonId(Uuid::try_parse(id).ok()?);
    // An id has several spellings, a path one.
    (path_of(lesson) == *path).then_some(lesson)
}

/// The channel of a lesson: recorded, not public, named after it.
#[must_use]
pub fn channel_of(lesson: LessonId, now: UnixMillis) -> Channel {
    Channel::create(path_of(lesson), &ChannelOptions { record: true, public: false, legacy_md5: false }, now)
}

/// Why a lesson cannot be at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    /// It would have begun longer ago than [`BEHIND_MS_MAX`].
    #[error("must be in the future, or at most 5 minutes ago to begin at once")]
    Past,
    /// It would end now or before.
    #[error("must be in the future")]
    Over,
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
        if self.starts.0 < now.0.saturating_sub(BEHIND_MS_MAX) {
            return Err(TimesError::Past);
        }
        if self.starts.0.saturating_sub(now.0) > AHEAD_MS_MAX {
            return Err(TimesError::TooFar);
        }
        self.check_length()?;
        if self.ends > now { Ok(()) } else { Err(TimesError::Over) }
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

/// What of a lesson is to be changed; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonChange {
    /// Its name.
    pub title: Option<String>,
    /// What it is about.
    pub summary: Option<String>,
    /// When it begins. Without `ends` it stays as long as it was.
    pub starts: Option<UnixMillis>,
    /// When it ends.
    pub ends: Option<UnixMillis>,
    /// In whose wall clock it is set.
    pub zone: Option<String>,
    /// How many may watch at once; `Some(None)`: any number.
    pub capacity: Option<Option<u32>>,
    /// Milliseconds between two comments of one person.
    pub slow_ms: Option<u32>,
    /// Comments are taken.
    pub comments_on: Option<bool>,
    /// Comments wait for the mentor.
    pub review_on: Option<bool>,
    /// Words that no comment may hold.
    pub word_filter: Option<Vec<String>>,
}

/// Which lessons a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one.
    One,
    /// The one, and all behind it in its series that are still to come.
    Following,
}

/// How a lesson is to be changed, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonEdit {
    /// What of it.
    pub change: LessonChange,
    /// Of which lessons.
    pub scope: Scope,
    /// If it still is of that version; `None`: whatever it is.
    pub version: Option<i64>,
    /// Even if another lesson of the mentor is at that time.
    pub may_overlap: bool,
}

impl LessonChange {
    /// The lesson with it.
    ///
    /// A lesson that is on keeps its begin; one that is over keeps its times; one that was cancelled is not changed.
    ///
    /// # Errors
    /// [`TeachingError::NotNow`], [`TeachingError::Times`], [`TeachingError::Zone`].
    pub fn applied(&self, before: &Lesson, now: UnixMillis) -> Result<Lesson, TeachingError> {
        if before.state == LessonState::Cancelled {
            return Err(TeachingError::NotNow(before.state));
        }
        let mut after = self.with_texts(before);
        after.starts = self.starts.unwrap_or(before.starts);
        after.ends = self.ends.unwrap_or_else(|| after.starts.plus_millis(Times::of(before).length_ms()));
        if let Some(zone) = &self.zone {
            zone.parse::<Zone>()?;
            after.zone.clone_from(zone);
        }
        let times = Times::of(&after);
        if times != Times::of(before) {
            let begin_moves = times.starts != before.starts;
            match before.state {
                LessonState::Scheduled if begin_moves => times.check(now)?,
                LessonState::Scheduled | LessonState::Live if !begin_moves => {
                    times.check_length()?;
                    if times.ends <= now {
                        return Err(TimesError::Over.into());
                    }
                }
                state => return Err(TeachingError::NotNow(state)),
            }
        }
        Ok(after)
    }

    /// A lesson that follows `this` in its series (as it was, and as it is with the change), with the same change: what is
    /// said of it is the same, its time moves by as much on the wall clock.
    ///
    /// # Errors
    /// [`TeachingError::Times`] if it would begin in the past; [`TeachingError::Zone`].
    pub fn followed(
        &self,
        (before, after): (&Lesson, &Lesson),
        other: &Lesson,
        now: UnixMillis,
    ) -> Result<Lesson, TeachingError> {
        let mut followed = self.with_texts(other);
        let (from, to) = (Times::of(before), Times::of(after));
        if from != to || before.zone != after.zone {
            let moved = Move { from: (from, before.zone.parse()?), to: (to, after.zone.parse()?) };
            let times = moved.of(Times::of(other));
            times.check(now)?;
            (followed.starts, followed.ends) = (times.starts, times.ends);
            followed.zone.clone_from(&after.zone);
        }
        Ok(followed)
    }

    fn with_texts(&self, lesson: &Lesson) -> Lesson {
        let mut lesson = lesson.clone();
        if let Some(title) = &self.title {
            lesson.title.clone_from(title);
        }
        if let Some(summary) = &self.summary {
            lesson.summary.clone_from(summary);
        }
        if let Some(words) = &self.word_filter {
            lesson.word_filter.clone_from(words);
        }
        lesson.capacity = self.capacity.unwrap_or(lesson.capacity);
        lesson.slow_ms = self.slow_ms.unwrap_or(lesson.slow_ms);
        lesson.comments_on = self.comments_on.unwrap_or(lesson.comments_on);
        lesson.review_on = self.review_on.unwrap_or(lesson.review_on);
        lesson
    }
}

/// A lesson as somebody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonSeen {
    /// The lesson, and what is known of whoever looks.
    pub standing: Standing,
    /// What its course is called.
    pub course_title: String,
    /// Its course takes nobody any more.
    pub course_archived: bool,
    /// What its mentor is called.
    pub mentor_name: String,
    /// How far what it left has come; of several streams, the one that has come least far. Whether whoever looks may know
    /// of it is [`crate::access`]'s to say.
    pub recording: Option<RecordingState>,
}

impl LessonSeen {
    /// Whether whoever looks could enrol in the course now, without an invitation.
    #[must_use]
    pub fn may_enrol(&self) -> bool {
        let Some(person) = &self.standing.person else { return false };
        let no_place = matches!(person.enrolment, None | Some(EnrolmentState::Left | EnrolmentState::Declined));
        no_place
            && !person.suspended
            && person.id != self.standing.lesson.mentor
            && !self.course_archived
            && self.standing.enrolling != Enrolling::Invitation
    }
}

/// In whose eyes lessons are somebody's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// They teach them.
    Teaching,
    /// They are in the course, or were at the lesson.
    Attending,
    /// They were at the lesson.
    Attended,
}

/// Which lessons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonFilter {
    /// In that state.
    pub state: Option<LessonState>,
    /// Of that course.
    pub course: Option<CourseId>,
    /// Of that mentor.
    pub mentor: Option<UserId>,
    /// One's own.
    pub mine: Option<Mine>,
    /// That begin then or later.
    pub from: Option<UnixMillis>,
    /// That begin before.
    pub until: Option<UnixMillis>,
    /// From the one that begins last to the one that begins first, rather than the other way.
    pub newest_first: bool,
    /// Behind that one in that order, by begin and id.
    pub after: Option<(UnixMillis, LessonId)>,
    /// At most so many.
    pub limit: u32,
}

/// A stretch of a recording that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// From the first frame of the recording, in milliseconds.
    pub at_ms: i64,
    /// What it is called.
    pub title: String,
}

/// Somebody is sent out of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Out of which.
    pub lesson: LessonId,
    /// Who.
    pub user: UserId,
    /// By whom.
    pub by: UserId,
    /// Why.
    pub reason: String,
}

/// Somebody who is sent out, as the mentor sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banned {
    /// Who.
    pub user: UserId,
    /// As they are called.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: UnixMillis,
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

    /// A lesson as `viewer` sees it, whether or not they may know of it.
    fn lesson(
        &self,
        id: LessonId,
        viewer: Option<UserId>,
    ) -> BoxFuture<'_, Result<Option<LessonSeen>, RepositoryError>>;

    /// Those that `viewer` may know of, by begin and id, in the order of the filter.
    fn lessons<'a>(
        &'a self,
        filter: &'a LessonFilter,
        viewer: Option<UserId>,
    ) -> BoxFuture<'a, Result<Vec<LessonSeen>, RepositoryError>>;

    /// Changes a lesson, or it and what follows, all or none. Those that differ now, the one first.
    ///
    /// # Errors
    /// As [`LessonChange::applied`] and [`LessonChange::followed`]; [`TeachingError::ChangedMeanwhile`];
    /// [`TeachingError::Overlaps`].
    fn change_lessons<'a>(
        &'a self,
        id: LessonId,
        edit: &'a LessonEdit,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Lesson>, TeachingError>>;

    /// Calls a scheduled lesson off. Again is no error and changes nothing.
    ///
    /// # Errors
    /// [`TeachingError::NotNow`] if it is live or over.
    fn cancel_lesson<'a>(
        &'a self,
        id: LessonId,
        reason: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Lesson, TeachingError>>;

    /// The chapters of its recording, in order.
    fn chapters(&self, id: LessonId) -> BoxFuture<'_, Result<Vec<Chapter>, RepositoryError>>;

    /// Puts these in place of those that were.
    fn put_chapters<'a>(
        &'a self,
        id: LessonId,
        chapters: &'a [Chapter],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Sends somebody out; all that they were granted of the lesson is revoked.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is no such person.
    fn ban<'a>(&'a self, ban: &'a Ban, now: UnixMillis) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Those who are sent out, behind `after`, by id.
    fn bans(
        &self,
        lesson: LessonId,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Banned>, RepositoryError>>;

    /// Lets somebody in again. Who was not sent out is no error.
    fn lift_ban(&self, lesson: LessonId, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

#[cfg(test)]
mod tests;
