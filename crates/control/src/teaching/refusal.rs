//! Why something about a course or a lesson is not done.

use crate::teaching::LessonState;
use crate::teaching::lessons::TimesError;
use crate::teaching::series::ZoneError;
use crate::{LessonId, RepositoryError};

/// Why not. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeachingError {
    /// The database did not do it.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Somebody else changed it since it was read.
    #[error("it was changed meanwhile")]
    ChangedMeanwhile,
    /// As many are in the course as may be.
    #[error("the course has no place left")]
    CourseFull,
    /// The course is over.
    #[error("the course is archived")]
    Archived,
    /// It takes an invitation, and this is none that holds.
    #[error("the invitation is none, used up, over or withdrawn")]
    NotInvited,
    /// They were put out; the mentor alone lets them in again.
    #[error("put out of the course by its mentor")]
    PutOut,
    /// A mentor is in their own course anyway.
    #[error("one's own course")]
    OwnCourse,
    /// Another lesson of the mentor is at that time.
    #[error("lesson {0} of the same mentor is at that time")]
    Overlaps(LessonId),
    /// The lesson's state does not allow it.
    #[error("the lesson is {}", .0.as_str())]
    NotNow(LessonState),
    /// It cannot be at that time.
    #[error("the time {0}")]
    Times(#[from] TimesError),
    /// It cannot be in that zone.
    #[error("the zone {0}")]
    Zone(#[from] ZoneError),
    /// There are as many of it as may be.
    #[error("there are {0} already, which is as many as may be")]
    TooMany(u32),
}
