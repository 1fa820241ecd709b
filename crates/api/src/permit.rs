//! Asking for leave to do something with a lesson, and the one way in which a refusal is answered.

use control::access::{Action, Refusal, Standing, decide};
use control::{LessonId, UserId};
use http::StatusCode;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::problem::Problem;

impl Caller {
    /// Who it is, if it is anybody.
    #[must_use]
    pub fn id(&self) -> Option<UserId> {
        self.0.as_ref().map(control::Principal::id)
    }
}

impl SignedIn {
    /// Who it is.
    #[must_use]
    pub fn id(&self) -> UserId {
        self.0.id()
    }
}

/// What is known of `who` (nobody: a stranger) and a lesson, if they may do that.
///
/// # Errors
/// 404 for a lesson that is not, or that they may not know of; 401 and 403 as [`refused`] says.
pub async fn permit(state: &State, who: Option<UserId>, lesson: LessonId, action: Action) -> Result<Standing, Problem> {
    let standing = state.repository.standing(who, lesson).await?.ok_or_else(Problem::not_found)?;
    decide(&standing, action, state.now(), state.settings.slot_margin_ms).map_err(refused)?;
    Ok(standing)
}

/// The answer to who may not: as if there were nothing, or why, and what to do next.
#[must_use]
pub fn refused(refusal: Refusal) -> Problem {
    let because = |code, detail: &str| Problem::new(StatusCode::FORBIDDEN, code, "not allowed", detail);
    match refusal {
        Refusal::Hidden => Problem::not_found(),
        Refusal::Stranger => Problem::not_signed_in(),
        Refusal::NotEnrolled => because("not-enrolled", "enrol in the course first"),
        Refusal::Banned => because("sent-out", "the mentor sent you out of this lesson: ask them to let you in again"),
        Refusal::NotTheirs => because("not-yours", "only the mentor of the lesson may do this"),
        Refusal::NotNow => because("not-now", "the lesson is not on: look at its state and time"),
        Refusal::CommentsOff => because("comments-off", "the mentor has turned comments off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_may_not_know_of_is_not_there_and_all_else_says_why() {
        let refusals = [
            (Refusal::Hidden, 404, "not-found"),
            (Refusal::Stranger, 401, "not-signed-in"),
            (Refusal::NotEnrolled, 403, "not-enrolled"),
            (Refusal::Banned, 403, "sent-out"),
            (Refusal::NotTheirs, 403, "not-yours"),
            (Refusal::NotNow, 403, "not-now"),
            (Refusal::CommentsOff, 403, "comments-off"),
        ];
        for (refusal, status, code) in refusals {
            let problem = refused(refusal);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            assert_eq!(refusal.is_hidden(), status == 404);
        }
    }
}
