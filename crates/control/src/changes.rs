//! What changed, in the order in which it was committed: what the outbox of notices, the feed of the API, and the memory of
//! running servers are fed from.
//!
//! A change is written in the transaction that makes it, so it is there exactly when what it tells of is.

use media::UnixMillis;
use uuid::Uuid;

use crate::{BoxFuture, CourseId, LessonId, RepositoryError, SessionId, UserId};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What kind of thing changed. The words are those of the API's feed and of webhooks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ChangeKind { $($(#[$doc])* $name),* }

        impl ChangeKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in the database and on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

kinds! {
    /// A channel, its keys or its options.
    Channel = "channel",
    /// An account.
    User = "user",
    /// A mentor's page or keys.
    Mentor = "mentor",
    /// A course.
    Course = "course",
    /// Somebody's place in a course.
    Enrolment = "enrolment",
    /// A lesson was set.
    LessonScheduled = "lesson_scheduled",
    /// Its time, or what is said of it, changed.
    LessonChanged = "lesson_changed",
    /// It will not be.
    LessonCancelled = "lesson_cancelled",
    /// It begins in a day. Written by the clock.
    LessonTomorrow = "lesson_tomorrow",
    /// It begins in a quarter of an hour. Written by the clock.
    LessonSoon = "lesson_soon",
    /// It began.
    LessonStarted = "lesson_started",
    /// It is over.
    LessonEnded = "lesson_ended",
    /// Its recording can be played by those who were there.
    RecordingReady = "recording_ready",
    /// A comment waits for the mentor. Told to webhooks that ask for it, and never written as a change: a room has many.
    CommentHeld = "comment_held",
    /// Somebody counts as having been there, or not any more.
    Attendance = "attendance",
    /// A right was taken away: by `session_id`, by `user_id` alone or with `lesson_id` or `course_id`, or by `lesson_id` or
    /// `channel_id` alone for everybody. What was granted before it holds no more.
    Revoked = "revoked",
}

/// The text is no kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of change")]
pub struct ChangeKindError;

impl std::str::FromStr for ChangeKind {
    type Err = ChangeKindError;

    fn from_str(text: &str) -> Result<Self, ChangeKindError> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(ChangeKindError)
    }
}

/// Where a change stands among all: rises by one with each. 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub i64);

/// A change to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// What kind of thing changed.
    pub kind: ChangeKind,
    /// Whom it concerns.
    pub user: Option<UserId>,
    /// Which sign-in.
    pub session: Option<SessionId>,
    /// Which course.
    pub course: Option<CourseId>,
    /// Which lesson.
    pub lesson: Option<LessonId>,
    /// Which channel.
    pub channel: Option<Uuid>,
    /// A JSON object: what cannot be read any more from what changed, such as the time before.
    pub payload: String,
}

impl NewChange {
    /// A change of that kind which concerns nothing yet.
    #[must_use]
    pub fn new(kind: ChangeKind) -> Self {
        Self { kind, user: None, session: None, course: None, lesson: None, channel: None, payload: "{}".to_owned() }
    }

    /// It concerns that person.
    #[must_use]
    pub fn user(mut self, id: UserId) -> Self {
        self.user = Some(id);
        self
    }

    /// It concerns that sign-in.
    #[must_use]
    pub fn session(mut self, id: SessionId) -> Self {
        self.session = Some(id);
        self
    }

    /// It concerns that course.
    #[must_use]
    pub fn course(mut self, id: CourseId) -> Self {
        self.course = Some(id);
        self
    }

    /// It concerns that lesson.
    #[must_use]
    pub fn lesson(mut self, id: LessonId) -> Self {
        self.lesson = Some(id);
        self
    }

    /// It concerns that channel.
    #[must_use]
    pub fn channel(mut self, id: Uuid) -> Self {
        self.channel = Some(id);
        self
    }
}

/// A change that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place.
    pub seq: Seq,
    /// When.
    pub at: UnixMillis,
    /// What.
    pub what: NewChange,
}

/// How long changes are kept that all who plan from them have passed: a month, longer than anybody follows them who was
/// away and comes back, and than any right lasts that was granted before one was taken away.
pub const KEPT_MS: i64 = 30 * 86_400_000;

/// The changes.
pub trait ChangeRepository: Send + Sync {
    /// A number that differs when anything in the database differs, by whichever process. Cheap enough to be asked ten times
    /// a second; means nothing but "same" or "not the same as before".
    fn version(&self) -> BoxFuture<'_, Result<i64, RepositoryError>>;

    /// The newest change's place.
    fn last_seq(&self) -> BoxFuture<'_, Result<Seq, RepositoryError>>;

    /// Up to `limit` changes behind `after`, oldest first.
    fn changes(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<Change>, RepositoryError>>;

    /// The place behind which nothing was forgotten. Whoever has come less far has missed something.
    fn kept_behind(&self) -> BoxFuture<'_, Result<Seq, RepositoryError>>;

    /// Forgets up to about `limit` of the oldest changes, up to the first that is as young as `before` or that the planner of
    /// notices has not passed. The newest stays: the next one's place follows from it. Answers how many.
    fn forget_changes(&self, before: UnixMillis, limit: u32) -> BoxFuture<'_, Result<u64, RepositoryError>>;

    /// The rights taken away since `since`, oldest first: what a server that starts has to know.
    fn revocations(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Change>, RepositoryError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_survive_their_text() {
        for kind in ChangeKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert_eq!("Revoked".parse::<ChangeKind>(), Err(ChangeKindError));
    }
}
