//! What a change means for the people in a room.

use std::sync::Arc;

use control::access::{Action, decide};
use control::teaching::Lesson;
use control::{Change, ChangeKind, SessionId, UserId};
use futures_util::StreamExt as _;

use super::rooms::Room;
use super::seat::code;
use crate::State;

/// People who are looked at at once. The database has four connections that read.
const AT_ONCE: usize = 4;

/// Whom changes concern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concerned {
    /// The lesson itself has changed.
    pub lesson: bool,
    /// Anybody may have lost their right.
    pub all: bool,
    /// These may have.
    pub people: Vec<UserId>,
    /// These sign-ins are over.
    pub sessions: Vec<SessionId>,
}

impl Concerned {
    /// By changes, in the room of that lesson.
    pub fn of(lesson: &Lesson, changes: &[Change]) -> Self {
        let mut concerned = Self::default();
        for change in changes {
            let what = &change.what;
            let ours = what.lesson.is_none_or(|id| id == lesson.id)
                && what.course.is_none_or(|id| id == lesson.course)
                && what.channel.is_none_or(|id| id == lesson.channel);
            if !ours {
                continue;
            }
            if what.kind != ChangeKind::Revoked {
                concerned.lesson |= what.lesson.is_some();
                continue;
            }
            match (what.session, what.user) {
                (Some(session), _) => concerned.sessions.push(session),
                (None, Some(user)) => concerned.people.push(user),
                (None, None) => {
                    concerned.all = true;
                    concerned.lesson = true;
                }
            }
        }
        concerned
    }
}

/// Looks again at the rights of whom it concerns, and ends the connections of those who have none.
pub fn look_again(state: &State, room: &Arc<Room>, concerned: Concerned) {
    for seat in room.roster.seats(None).iter().filter(|_| !concerned.sessions.is_empty()) {
        if concerned.sessions.contains(&seat.person.session) {
            seat.end(code::RIGHT_GONE);
        }
    }
    let people = if concerned.all { room.roster.people() } else { concerned.people };
    if people.is_empty() {
        return;
    }
    let (looking, room) = (state.clone(), room.clone());
    state.tasks.spawn(async move {
        let look = |user| look_at(&looking, &room, user);
        futures_util::stream::iter(people).for_each_concurrent(AT_ONCE, look).await;
    });
}

async fn look_at(state: &State, room: &Room, user: UserId) {
    let seats = room.roster.seats(Some(user));
    if seats.is_empty() {
        return;
    }
    let ends = match state.repository.standing(Some(user), room.lesson).await {
        Ok(Some(standing)) => match decide(&standing, Action::ReadChat, state.now(), state.settings.slot_margin_ms) {
            // Who has it in hand sees what others do not: they come back as what they are now.
            Ok(()) => {
                let changed = seats.iter().filter(|seat| seat.person.runs != standing.runs());
                return changed.for_each(|seat| seat.end(code::RESTART));
            }
            Err(_) => code::RIGHT_GONE,
        },
        Ok(None) => code::LESSON_OVER,
        Err(error) => {
            // Nobody stays on a right that cannot be looked at: they come back, and are asked anew.
            tracing::warn!(%error, "the right to be in a room cannot be read");
            code::RESTART
        }
    };
    seats.iter().for_each(|seat| seat.end(ends));
}

#[cfg(test)]
mod tests {
    use control::teaching::LessonState;
    use control::{CourseId, LessonId, NewChange, Seq};
    use media::UnixMillis;

    use super::*;

    fn lesson() -> Lesson {
        let now = UnixMillis(1_700_000_000_000);
        Lesson {
            id: LessonId::new(now),
            course: CourseId::new(now),
            mentor: UserId::new(now),
            channel: control::keys::random_id(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts: now,
            ends: now.plus_millis(1),
            zone: "Asia/Jakarta".to_owned(),
            state: LessonState::Live,
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
    fn a_change_concerns_whom_it_names_here_and_nobody_elsewhere() {
        let (lesson, now) = (lesson(), UnixMillis(1_700_000_000_000));
        let (user, session) = (UserId::new(now), SessionId::new(now));
        let revoked = || NewChange::new(ChangeKind::Revoked);
        let of = |what: NewChange| Concerned::of(&lesson, &[Change { seq: Seq(1), at: now, what }]);
        let one = Concerned { people: vec![user], ..Concerned::default() };
        for here in
            [revoked().user(user), revoked().user(user).lesson(lesson.id), revoked().user(user).course(lesson.course)]
        {
            assert_eq!(of(here), one);
        }
        let everybody = Concerned { all: true, lesson: true, ..Concerned::default() };
        assert_eq!(of(revoked().lesson(lesson.id)), everybody);
        assert_eq!(of(revoked().channel(lesson.channel)), everybody);
        assert_eq!(of(revoked().session(session).user(user)).sessions, [session]);
        for changed in [ChangeKind::LessonChanged, ChangeKind::LessonStarted, ChangeKind::LessonEnded] {
            let itself = Concerned { lesson: true, ..Concerned::default() };
            assert_eq!(of(NewChange::new(changed).lesson(lesson.id)), itself);
        }
        for elsewhere in [
            revoked().user(user).lesson(LessonId::new(now)),
            revoked().course(CourseId::new(now)),
            NewChange::new(ChangeKind::LessonEnded).lesson(LessonId::new(now)),
            NewChange::new(ChangeKind::User).user(user),
        ] {
            assert_eq!(of(elsewhere), Concerned::default());
        }
    }
}
