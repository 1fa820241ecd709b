//! Courses and who is in them: the rules, and what is needed kept.
//!
//! Owns who may know of a course and how somebody's place in it changes. Who may see a lesson is [`crate::access`]'s.

use media::{Redacted, UnixMillis};
use uuid::Uuid;

use super::{Course, Enrolling, EnrolmentState, TeachingError};
use crate::{BoxFuture, CourseId, KeyHash, RepositoryError, Roles, UserId, keys};

/// Invitations of one course that hold at once: more than any class is split into, few enough to be listed whole.
pub const INVITATIONS_MAX: u32 = 100;

/// A course as somebody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseSeen {
    /// The course.
    pub course: Course,
    /// What its mentor is called.
    pub mentor_name: String,
    /// How many are in.
    pub enrolled: u32,
    /// The place of whoever looks.
    pub mine: Option<EnrolmentState>,
    /// They were at one of its lessons.
    pub attended: bool,
}

impl CourseSeen {
    /// Whether `who` (nobody: a stranger) with these roles may know of it: a course by invitation is there for who is in it
    /// or was at one of its lessons, for its mentor and for operators; any other for everybody.
    #[must_use]
    pub fn may_be_known(&self, who: Option<UserId>, roles: Roles) -> bool {
        self.course.enrolling != Enrolling::Invitation
            || who == Some(self.course.mentor)
            || who.is_some() && (roles.operator || self.attended || self.mine == Some(EnrolmentState::Active))
    }
}

/// What is asked of somebody's place in a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The place they have now.
    pub before: Option<EnrolmentState>,
    /// They showed an invitation that holds.
    pub invited: bool,
    /// How many are in.
    pub enrolled: u32,
}

/// The place that somebody gets who wants to be in.
///
/// Who was put out is let in again by a new invitation or by the mentor, never by asking. A request takes no place: it is
/// when the mentor says yes that there must be one.
///
/// # Errors
/// [`TeachingError::Archived`], [`TeachingError::CourseFull`], [`TeachingError::NotInvited`], [`TeachingError::PutOut`],
/// [`TeachingError::OwnCourse`].
pub fn place(course: &Course, who: UserId, place: Place) -> Result<EnrolmentState, TeachingError> {
    if who == course.mentor {
        return Err(TeachingError::OwnCourse);
    }
    if place.before == Some(EnrolmentState::Active) {
        return Ok(EnrolmentState::Active);
    }
    if course.archived.is_some() {
        return Err(TeachingError::Archived);
    }
    let wanted = match course.enrolling {
        _ if place.invited => EnrolmentState::Active,
        Enrolling::Invitation => return Err(TeachingError::NotInvited),
        _ if place.before == Some(EnrolmentState::Removed) => return Err(TeachingError::PutOut),
        Enrolling::Open => EnrolmentState::Active,
        Enrolling::Approval => EnrolmentState::Requested,
    };
    if wanted == EnrolmentState::Active {
        room_for_one(course, place.enrolled)?;
    }
    Ok(wanted)
}

/// Only invitations that were made after this let somebody in whose place is `before`, since then: who was put out does not
/// come back by the one they had, which may stand in a link that the whole class was sent.
#[must_use]
pub fn invitations_after(before: Option<(EnrolmentState, UnixMillis)>) -> UnixMillis {
    match before {
        Some((EnrolmentState::Removed, since)) => since,
        _ => UnixMillis(i64::MIN),
    }
}

/// Whether one more may be in.
///
/// # Errors
/// [`TeachingError::CourseFull`].
pub fn room_for_one(course: &Course, enrolled: u32) -> Result<(), TeachingError> {
    if course.capacity.is_some_and(|capacity| enrolled >= capacity) { Err(TeachingError::CourseFull) } else { Ok(()) }
}

/// What a mentor says of somebody's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Is in.
    Active,
    /// Is not let in.
    Declined,
    /// Is put out.
    Removed,
}

impl Verdict {
    /// The place it makes of the one before. `None`: it stays.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] where there is nothing to decide on: who never asked cannot be declined.
    pub fn of(self, before: EnrolmentState) -> Result<Option<EnrolmentState>, RepositoryError> {
        use EnrolmentState as S;
        let (wanted, from): (S, &[S]) = match self {
            Self::Active => (S::Active, &[S::Requested, S::Declined, S::Removed]),
            Self::Declined => (S::Declined, &[S::Requested]),
            Self::Removed => (S::Removed, &[S::Active, S::Requested]),
        };
        match before {
            same if same == wanted => Ok(None),
            before if from.contains(&before) => Ok(Some(wanted)),
            _ => Err(RepositoryError::NotFound("enrolment")),
        }
    }
}

/// What of a course is to be changed; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourseChange {
    /// Its name.
    pub title: Option<String>,
    /// What it is about.
    pub summary: Option<String>,
    /// How one gets in.
    pub enrolling: Option<Enrolling>,
    /// How many may be in; `Some(None)`: any number. Fewer than are in puts nobody out.
    pub capacity: Option<Option<u32>>,
    /// It is over, or goes on.
    pub archived: Option<bool>,
}

impl CourseChange {
    /// The course with it.
    #[must_use]
    pub fn applied(&self, mut course: Course, now: UnixMillis) -> Course {
        if let Some(title) = &self.title {
            course.title.clone_from(title);
        }
        if let Some(summary) = &self.summary {
            course.summary.clone_from(summary);
        }
        course.enrolling = self.enrolling.unwrap_or(course.enrolling);
        course.capacity = self.capacity.unwrap_or(course.capacity);
        match self.archived {
            Some(true) => course.archived = course.archived.or(Some(now)),
            Some(false) => course.archived = None,
            None => {}
        }
        course
    }
}

/// Somebody's place, as its mentor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// Their place.
    pub state: EnrolmentState,
    /// Since when they have one.
    pub created: UnixMillis,
}

/// A way into a course, as it is kept. The token itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Names it where the token must not stand.
    pub id: Uuid,
    /// Into which course.
    pub course: CourseId,
    /// Of the token.
    pub hash: KeyHash,
    /// When it was made.
    pub created: UnixMillis,
    /// From then on it holds no more.
    pub expires: UnixMillis,
    /// How many more it lets in.
    pub uses_left: u32,
}

impl Invitation {
    /// A new one, and its token, which is not to be had again.
    #[must_use]
    pub fn create(course: CourseId, uses: u32, expires: UnixMillis, now: UnixMillis) -> (Self, Redacted<String>) {
        let token = keys::generate();
        let hash = KeyHash::of(&token.0);
        (Self { id: keys::ordered_id(now), course, hash, created: now, expires, uses_left: uses }, token)
    }
}

/// What somebody has to do with a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// They are in it, have asked to be, or teach it.
    Either,
    /// They teach it.
    Teaching,
    /// They are in it, or have asked to be.
    Following,
}

/// Which courses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourseFilter {
    /// Of that mentor.
    pub mentor: Option<UserId>,
    /// Whoever looks has to do with. Archived ones are among these alone.
    pub mine: Option<Mine>,
    /// With that in title or summary, whatever the case.
    pub query: Option<String>,
    /// Behind that one, in order of age.
    pub after: Option<CourseId>,
    /// At most so many.
    pub limit: u32,
}

/// Courses, kept.
pub trait CourseRepository: Send + Sync {
    /// Keeps a new one.
    fn create_course<'a>(&'a self, course: &'a Course) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// A course as `viewer` sees it, whether or not they may know of it.
    fn course(
        &self,
        id: CourseId,
        viewer: Option<UserId>,
    ) -> BoxFuture<'_, Result<Option<CourseSeen>, RepositoryError>>;

    /// Those that `viewer` may know of, oldest first.
    fn courses<'a>(
        &'a self,
        filter: &'a CourseFilter,
        viewer: Option<UserId>,
    ) -> BoxFuture<'a, Result<Vec<CourseSeen>, RepositoryError>>;

    /// Changes one, if it still is of `version` (`None`: whatever it is).
    fn change_course<'a>(
        &'a self,
        id: CourseId,
        change: &'a CourseChange,
        version: Option<i64>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Course, TeachingError>>;

    /// Puts somebody into a course, or their request; an invitation is used up by one who gets in by it alone.
    fn enrol(
        &self,
        course: CourseId,
        user: UserId,
        invitation: Option<KeyHash>,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<EnrolmentState, TeachingError>>;

    /// Takes somebody out at their own wish; their open playbacks of it end. Out already is no error.
    fn leave(&self, course: CourseId, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// The mentor decides on somebody's place.
    ///
    /// # Errors
    /// [`TeachingError::CourseFull`]; not found if there is nothing to decide on.
    fn decide_enrolment(
        &self,
        course: CourseId,
        user: UserId,
        verdict: Verdict,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Enrolled, TeachingError>>;

    /// Who has a place, of that state or of any, by id, behind `after`.
    fn enrolments(
        &self,
        course: CourseId,
        state: Option<EnrolmentState>,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Enrolled>, RepositoryError>>;

    /// Whether an invitation to the course holds.
    fn is_invited(
        &self,
        course: CourseId,
        invitation: KeyHash,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<bool, RepositoryError>>;

    /// Keeps a new invitation.
    ///
    /// # Errors
    /// [`TeachingError::TooMany`] of the course hold; [`TeachingError::Archived`].
    fn create_invitation<'a>(
        &'a self,
        invitation: &'a Invitation,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), TeachingError>>;

    /// The course's invitations that hold at `now`, oldest first.
    fn invitations(&self, course: CourseId, now: UnixMillis)
    -> BoxFuture<'_, Result<Vec<Invitation>, RepositoryError>>;

    /// Withdraws one. Again is no error.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if the course never had it.
    fn revoke_invitation(
        &self,
        course: CourseId,
        invitation: Uuid,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

#[cfg(test)]
mod tests;
