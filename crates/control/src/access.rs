//! The one answer to "may they?", for everything about a lesson, on every protocol.
//!
//! Facts go in ([`Standing`]), a yes or a reason comes out. Whoever asks reads the facts in one transaction and remembers
//! as of which change ([`Standing::seq`]) they were: a yes holds until a change of kind `revoked` that concerns it, or
//! until its time runs out. Nothing else decides; what nobody may know of looks like what is not there
//! ([`Refusal::is_hidden`]).

use media::UnixMillis;

use crate::teaching::{Enrolling, EnrolmentState, Lesson, LessonState, Slot};
use crate::{BoxFuture, LessonId, RepositoryError, Roles, Seq, UserId};

/// What somebody wants with a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// To know that it is, and what it is about.
    Know,
    /// To send its media.
    Publish,
    /// To watch it while it is live, waiting room included.
    Watch,
    /// To watch, or fetch, its recording or a part of it.
    Replay,
    /// To comment, react, raise a hand.
    Chat,
    /// To read what was said.
    ReadChat,
    /// To change, cancel, end it; to see who is there; to send people out; to correct its attendance.
    Run,
}

impl Action {
    /// Every action.
    pub const ALL: &[Self] =
        &[Self::Know, Self::Publish, Self::Watch, Self::Replay, Self::Chat, Self::ReadChat, Self::Run];
}

/// What is known of somebody and a lesson, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The newest change that the facts have in them.
    pub seq: Seq,
    /// The lesson.
    pub lesson: Lesson,
    /// How one gets into its course.
    pub enrolling: Enrolling,
    /// Somebody; `None` is a stranger.
    pub person: Option<Person>,
}

impl Standing {
    /// The person has the lesson in hand: it is theirs, and they may teach.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.id == self.lesson.mentor && person.roles.mentor)
    }
}

/// What is known of somebody beside a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// What they may be.
    pub roles: Roles,
    /// They may nothing.
    pub suspended: bool,
    /// Their place in the course.
    pub enrolment: Option<EnrolmentState>,
    /// They were sent out of this lesson.
    pub banned: bool,
    /// The server counts them as having been there, or the mentor said so. `None`: nothing was measured.
    pub attended: Option<bool>,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// They may not know of it.
    #[error("there is no such lesson, or it is not for you")]
    Hidden,
    /// Nobody is signed in.
    #[error("sign in first")]
    Stranger,
    /// They are not in the course.
    #[error("enrol in the course first")]
    NotEnrolled,
    /// They were sent out.
    #[error("the mentor sent you out of this lesson")]
    Banned,
    /// It is not theirs to run.
    #[error("only the mentor of the lesson may do this")]
    NotTheirs,
    /// Its time is not now.
    #[error("the lesson is not on")]
    NotNow,
    /// The mentor has turned comments off.
    #[error("comments are turned off")]
    CommentsOff,
}

impl Refusal {
    /// They must not learn that there is anything: answer as if it did not exist.
    #[must_use]
    pub fn is_hidden(self) -> bool {
        self == Self::Hidden
    }
}

/// Decides. `now` and `margin_ms` are for the slot in which a lesson takes its publisher.
///
/// | | stranger | signed in | enrolled | mentor | operator |
/// |---|---|---|---|---|---|
/// | know | open courses | unless by invitation | yes | yes | yes |
/// | watch | | | while scheduled or live, unless sent out | yes | |
/// | replay | | | who was there, unless sent out | yes | |
/// | chat | | | while scheduled or live, unless sent out | yes | |
/// | read what is said | | | the same; once over, who was there | yes | |
/// | publish, run | | | | while they have the role | |
///
/// Who is no mentor any more teaches no more: what they taught stays theirs to watch and to read.
/// Who left the course keeps the recordings of what they attended: those are on the attendance record. An operator runs the
/// server and watches nobody's lessons.
///
/// # Errors
/// [`Refusal`].
pub fn decide(standing: &Standing, action: Action, now: UnixMillis, margin_ms: i64) -> Result<(), Refusal> {
    let lesson = &standing.lesson;
    let Some(person) = &standing.person else {
        return match action {
            Action::Know if standing.enrolling == Enrolling::Open => Ok(()),
            _ if standing.enrolling == Enrolling::Open => Err(Refusal::Stranger),
            _ => Err(Refusal::Hidden),
        };
    };
    if person.suspended {
        return Err(Refusal::Hidden);
    }
    if person.id == lesson.mentor {
        return match action {
            Action::Publish | Action::Run if !person.roles.mentor => Err(Refusal::NotTheirs),
            Action::Publish if !lesson.slot(margin_ms).is_some_and(|slot: Slot| slot.is_open(now)) => {
                Err(Refusal::NotNow)
            }
            Action::Watch | Action::Chat if !is_on(lesson) => Err(Refusal::NotNow),
            _ => Ok(()),
        };
    }
    let attended = person.attended == Some(true);
    if action == Action::Replay {
        // Not even a reason: a recording does not exist for whoever was not there.
        return if attended && !person.banned { Ok(()) } else { Err(Refusal::Hidden) };
    }
    let enrolled = person.enrolment == Some(EnrolmentState::Active);
    if !enrolled && !attended && standing.enrolling == Enrolling::Invitation && !person.roles.operator {
        return Err(Refusal::Hidden);
    }
    match action {
        Action::Know => Ok(()),
        Action::Publish | Action::Run => Err(Refusal::NotTheirs),
        Action::Replay => Err(Refusal::Hidden),
        Action::Watch | Action::Chat | Action::ReadChat if person.banned => Err(Refusal::Banned),
        // While the lesson is on, what is said is for those who may answer; afterwards it stays with who was there.
        Action::ReadChat if attended && !is_on(lesson) => Ok(()),
        Action::Watch | Action::Chat | Action::ReadChat if !enrolled => Err(Refusal::NotEnrolled),
        Action::ReadChat => {
            if is_on(lesson) {
                Ok(())
            } else {
                Err(Refusal::Hidden)
            }
        }
        Action::Watch | Action::Chat if !is_on(lesson) => Err(Refusal::NotNow),
        Action::Chat if !lesson.comments_on => Err(Refusal::CommentsOff),
        Action::Watch | Action::Chat => Ok(()),
    }
}

fn is_on(lesson: &Lesson) -> bool {
    matches!(lesson.state, LessonState::Scheduled | LessonState::Live)
}

/// The facts that decisions stand on.
pub trait AccessRepository: Send + Sync {
    /// What is known of somebody, or of a stranger, and a lesson, in one transaction. `None`: there is no such lesson.
    fn standing(
        &self,
        person: Option<UserId>,
        lesson: LessonId,
    ) -> BoxFuture<'_, Result<Option<Standing>, RepositoryError>>;
}

#[cfg(test)]
mod tests;
