//! Which changes somebody learns of by the feed of the API.
//!
//! A change is told to whom it concerns and to who may know of what changed, never to anybody else: by its course or lesson
//! it would tell that there is one, by its user who is in it.

use media::UnixMillis;

use crate::access::{Action, Person, Standing, decide};
use crate::changes::ChangeKind;
use crate::teaching::EnrolmentState;
use crate::teaching::courses::CourseSeen;
use crate::{BoxFuture, Change, RepositoryError, Roles, Seq, SessionId, UserId};

/// Who reads the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Who.
    pub id: UserId,
    /// By which sign-in.
    pub session: SessionId,
    /// What they may be.
    pub roles: Roles,
}

/// A change, and what is known of its reader and of what changed as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The change.
    pub change: Change,
    /// Its lesson, if it has one that still is.
    pub lesson: Option<Standing>,
    /// Its course, or its lesson's.
    pub course: Option<CourseSeen>,
}

impl Beside {
    /// Whether `reader` (nobody: a stranger) learns of it.
    #[must_use]
    pub fn may_be_told(&self, reader: Option<Reader>, now: UnixMillis) -> bool {
        let what = &self.change.what;
        let is_operator = reader.is_some_and(|reader| reader.roles.operator);
        let is_concerned = reader.is_some_and(|reader| what.user == Some(reader.id));
        let teaches =
            reader.is_some_and(|reader| self.course.as_ref().is_some_and(|seen| seen.course.mentor == reader.id));
        match what.kind {
            ChangeKind::Channel => is_operator,
            ChangeKind::User | ChangeKind::Mentor => is_concerned || is_operator,
            ChangeKind::Course => self.course.as_ref().is_some_and(|seen| knows_course(seen, reader)),
            ChangeKind::CommentHeld => teaches,
            ChangeKind::Enrolment | ChangeKind::Attendance => is_concerned || teaches,
            ChangeKind::LessonScheduled
            | ChangeKind::LessonChanged
            | ChangeKind::LessonCancelled
            | ChangeKind::LessonTomorrow
            | ChangeKind::LessonSoon
            | ChangeKind::LessonStarted
            | ChangeKind::LessonEnded => self.may(Action::Know, now),
            ChangeKind::RecordingReady => self.may(Action::Replay, now),
            ChangeKind::Revoked => {
                let others_session = what.session.is_some() && what.session != reader.map(|reader| reader.session);
                match (what.user, &self.lesson) {
                    _ if others_session => false,
                    (Some(_), _) => is_concerned || teaches,
                    (None, Some(_)) => self.may(Action::Know, now),
                    (None, None) => is_operator || what.session.is_some(),
                }
            }
        }
    }

    /// The same, of a change that was read as strangers stand to it; `None`: it depends on the reader's own place in the
    /// course, or on what they attended. That they are not suspended is for whoever asks to know.
    #[must_use]
    pub fn may_surely_be_told(&self, reader: Option<Reader>, now: UnixMillis) -> Option<bool> {
        // These go by who the reader is and by whose course it is, and one change of them comes for each of thousands of viewers.
        if matches!(
            self.change.what.kind,
            ChangeKind::Channel
                | ChangeKind::User
                | ChangeKind::Mentor
                | ChangeKind::Enrolment
                | ChangeKind::Attendance
                | ChangeKind::CommentHeld
        ) {
            return Some(self.may_be_told(reader, now));
        }
        if self.seen_by(reader, false).may_be_told(reader, now) {
            return Some(true);
        }
        // Nobody may know more of it than who is in the course and was there.
        (!self.seen_by(reader, true).may_be_told(reader, now)).then_some(false)
    }

    fn seen_by(&self, reader: Option<Reader>, has_all: bool) -> Self {
        let mut seen = self.clone();
        let enrolment = has_all.then_some(EnrolmentState::Active);
        let attended = has_all.then_some(true);
        if let (Some(lesson), Some(Reader { id, roles, .. })) = (&mut seen.lesson, reader) {
            lesson.person = Some(Person { id, roles, suspended: false, enrolment, banned: false, attended });
        }
        if let (Some(course), Some(_)) = (&mut seen.course, reader) {
            (course.mine, course.attended) = (enrolment, has_all);
        }
        seen
    }

    fn may(&self, action: Action, now: UnixMillis) -> bool {
        // The margin matters to publishing alone.
        self.lesson.as_ref().is_some_and(|standing| decide(standing, action, now, 0).is_ok())
    }
}

fn knows_course(seen: &CourseSeen, reader: Option<Reader>) -> bool {
    seen.may_be_known(reader.map(|reader| reader.id), reader.map(|reader| reader.roles).unwrap_or_default())
}

/// Changes with what is known beside them.
pub trait FeedRepository: Send + Sync {
    /// Up to `limit` changes behind `after`, oldest first, as `reader` stands to each, whether or not they may learn of it.
    fn changes_beside(
        &self,
        reader: Option<UserId>,
        after: Seq,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Beside>, RepositoryError>>;
}

#[cfg(test)]
mod tests;
