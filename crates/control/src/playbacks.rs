//! The playback sessions that are open on this server: until when each holds, and how many people watch.
//!
//! In memory alone: a token holds by itself for its short life, and after a restart whoever plays asks for a new one. What is
//! kept here lets a session go on under the token it began with, ends it before its time, and counts people.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use media::{StreamId, UnixMillis};
use parking_lot::RwLock;

use crate::pace::{Bucket, Rate};
use crate::playback::{Claims, Kind};
use crate::{LessonId, PlaybackId, Seq, UserId};

/// Sessions of one person at once: a phone, a tablet, a laptop, and as many again that were just closed.
pub const PER_PERSON_MAX: usize = 8;

/// Sessions of all. Some 400 bytes each: 80 MB at ten times the viewers that one server is made for.
pub const OPEN_MAX: usize = 200_000;

/// Sessions that were ended and whose tokens have not run out by themselves. Some 60 bytes each: 60 MB, 7,000 people who
/// begin anew as often as [`BEGINS`] lets them.
pub const ENDED_MAX: usize = 1_000_000;

/// How often one person begins to play: twenty times at once, who looks through a list of lessons or whose network comes and
/// goes; then once a second.
const BEGINS: Rate = Rate { burst: 20, refill_ms: 1_000 };

/// How the token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// In a cookie.
    Cookie,
    /// In the path.
    Path,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What its first token said.
    pub claims: Arc<Claims>,
    /// How its token travels.
    pub carry: Carry,
    /// As of which change it was decided last.
    pub seq: Seq,
    /// Until before when it holds.
    pub expires: UnixMillis,
    /// Which recording was asked for; `None`: whichever plays unless another is.
    pub recording: Option<StreamId>,
}

impl Open {
    fn is_on(&self, now: UnixMillis) -> bool {
        now < self.expires
    }
}

/// On which terms a session opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// All others of the person end, but downloads; one to download ends none.
    pub alone: bool,
    /// No more people than that watch the lesson live, besides its mentor.
    pub places: Option<(usize, UserId)>,
    /// Which recording was asked for.
    pub recording: Option<StreamId>,
}

/// Why a session does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// [`OPEN_MAX`] are open.
    #[error("this server has as many viewers as it takes")]
    TooMany,
    /// As many people watch the lesson as it takes.
    #[error("as many watch this lesson as it takes")]
    Full,
}

/// What one person has.
#[derive(Debug, Default)]
struct Own {
    open: Vec<PlaybackId>,
    begins: Bucket,
}

#[derive(Debug, Default)]
struct Sessions {
    by_id: HashMap<PlaybackId, Open>,
    by_user: HashMap<UserId, Own>,
    /// Live ones.
    by_lesson: HashMap<LessonId, HashSet<PlaybackId>>,
    /// Ended before their tokens ran out, which is then. They are remembered so long.
    ended: HashMap<PlaybackId, UnixMillis>,
}

impl Sessions {
    fn end(&mut self, id: PlaybackId) {
        let Some(open) = self.by_id.remove(&id) else { return };
        if let Some(own) = self.by_user.get_mut(&open.claims.user) {
            own.open.retain(|other| *other != id);
        }
        if let Some(of_lesson) = self.by_lesson.get_mut(&open.claims.lesson) {
            of_lesson.remove(&id);
        }
        self.ended.insert(id, open.expires);
    }

    fn forget(&mut self, now: UnixMillis) {
        self.by_id.retain(|_, open| open.is_on(now));
        self.ended.retain(|_, until| now < *until);
        let by_id = &self.by_id;
        self.by_user.retain(|_, own| {
            own.open.retain(|id| by_id.contains_key(id));
            !own.open.is_empty() || !own.begins.is_full(now)
        });
        self.by_lesson.retain(|_, ids| {
            ids.retain(|id| by_id.contains_key(id));
            !ids.is_empty()
        });
    }

    fn is_full(&self) -> bool {
        self.by_id.len() >= OPEN_MAX || self.ended.len() >= ENDED_MAX
    }

    /// The people who watch a lesson live now, once each.
    fn people(&self, lesson: LessonId, now: UnixMillis) -> HashSet<UserId> {
        let ids = self.by_lesson.get(&lesson).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get(id)).filter(|open| open.is_on(now)).map(|open| open.claims.user).collect()
    }

    fn has_place(&self, claims: &Claims, (places, mentor): (usize, UserId), now: UnixMillis) -> bool {
        if claims.kind != Kind::Live || claims.user == mentor {
            return true;
        }
        let mut people = self.people(claims.lesson, now);
        people.remove(&mentor);
        // Who watches already has a place.
        people.len() < places || people.contains(&claims.user)
    }
}

/// See the module's documentation. Cheap to ask from any thread.
#[derive(Debug, Default)]
pub struct Playbacks(RwLock<Sessions>);

impl Playbacks {
    /// Counts that somebody wants to begin, or answers in how many milliseconds they may.
    ///
    /// # Errors
    /// They begin too often.
    pub fn begins(&self, user: UserId, now: UnixMillis) -> Result<(), i64> {
        self.0.write().by_user.entry(user).or_default().begins.take(BEGINS, 1, now)
    }

    /// Opens one. Of a person who has [`PER_PERSON_MAX`] already, the oldest ends.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(&self, claims: &Arc<Claims>, carry: Carry, terms: Terms, now: UnixMillis) -> Result<(), NotOpened> {
        let mut sessions = self.0.write();
        if sessions.is_full() {
            sessions.forget(now);
            if sessions.is_full() {
                return Err(NotOpened::TooMany);
            }
        }
        if terms.places.is_some_and(|places| !sessions.has_place(claims, places, now)) {
            return Err(NotOpened::Full);
        }
        let mut others = sessions.by_user.get(&claims.user).map(|own| own.open.clone()).unwrap_or_default();
        others.retain(|id| sessions.by_id.get(id).is_some_and(|open| open.is_on(now)));
        if terms.alone && claims.kind != Kind::Download {
            let watched =
                |id: &PlaybackId| sessions.by_id.get(id).is_none_or(|open| open.claims.kind != Kind::Download);
            let (ended, stay) = others.into_iter().partition::<Vec<_>, _>(watched);
            ended.into_iter().for_each(|id| sessions.end(id));
            others = stay;
        }
        for id in others.drain(..others.len().saturating_sub(PER_PERSON_MAX - 1)) {
            sessions.end(id);
        }
        others.push(claims.playback);
        sessions.by_user.entry(claims.user).or_default().open = others;
        if claims.kind == Kind::Live {
            sessions.by_lesson.entry(claims.lesson).or_default().insert(claims.playback);
        }
        let open = Open {
            claims: Arc::clone(claims),
            carry,
            seq: claims.seq,
            expires: claims.expires,
            recording: terms.recording,
        };
        sessions.by_id.insert(claims.playback, open);
        Ok(())
    }

    /// That session, if it is known and holds.
    #[must_use]
    pub fn get(&self, id: PlaybackId, now: UnixMillis) -> Option<Open> {
        self.0.read().by_id.get(&id).filter(|open| open.is_on(now)).cloned()
    }

    /// Lets it go on until before `expires`, decided anew as of `seq`. False: it is not open, and stays so.
    pub fn extend(&self, id: PlaybackId, seq: Seq, expires: UnixMillis, now: UnixMillis) -> bool {
        match self.0.write().by_id.get_mut(&id).filter(|open| open.is_on(now)) {
            Some(open) => {
                open.seq = open.seq.max(seq);
                open.expires = open.expires.max(expires);
                true
            }
            None => false,
        }
    }

    /// Ends it. Its tokens open nothing from now on.
    pub fn end(&self, id: PlaybackId) {
        self.0.write().end(id);
    }

    /// As of which change what a token says was decided last, and until before when it holds. `None`: it was ended.
    #[must_use]
    pub fn standing(&self, claims: &Claims) -> Option<(Seq, UnixMillis)> {
        let sessions = self.0.read();
        if sessions.ended.contains_key(&claims.playback) {
            return None;
        }
        Some(match sessions.by_id.get(&claims.playback) {
            Some(open) => (open.seq.max(claims.seq), open.expires.max(claims.expires)),
            None => (claims.seq, claims.expires),
        })
    }

    /// The people who watch a lesson live now, once each.
    #[must_use]
    pub fn people(&self, lesson: LessonId, now: UnixMillis) -> HashSet<UserId> {
        self.0.read().people(lesson, now)
    }

    /// Forgets sessions that are over.
    pub fn forget(&self, now: UnixMillis) {
        self.0.write().forget(now);
    }

    /// How many are remembered, those that were ended among them.
    #[must_use]
    pub fn len(&self) -> usize {
        let sessions = self.0.read();
        sessions.by_id.len() + sessions.ended.len()
    }

    /// None is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::LIFE_MS;
    use crate::playback::tests::claims;

    fn opened(playbacks: &Playbacks, claims: Claims) -> Arc<Claims> {
        let (claims, now) = (Arc::new(claims), UnixMillis(1_700_000_000_000));
        playbacks.open(&claims, Carry::Cookie, Terms::default(), now).expect("room");
        claims
    }

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(1_700_000_000_000 + ms)
    }

    #[test]
    fn a_session_holds_until_its_time_is_over_or_longer_if_it_is_extended() {
        let playbacks = Playbacks::default();
        let one = opened(&playbacks, claims());
        assert!(playbacks.get(one.playback, at(LIFE_MS - 1)).is_some());
        assert!(playbacks.get(one.playback, at(LIFE_MS)).is_none());
        assert!(playbacks.extend(one.playback, Seq(9), at(3 * LIFE_MS), at(LIFE_MS - 1)));
        assert_eq!(playbacks.standing(&one), Some((Seq(9), at(3 * LIFE_MS))));
        assert!(playbacks.extend(one.playback, Seq(8), at(2 * LIFE_MS), at(LIFE_MS)), "nothing is taken back");
        assert_eq!(playbacks.standing(&one), Some((Seq(9), at(3 * LIFE_MS))));
        assert!(!playbacks.extend(one.playback, Seq(9), at(9 * LIFE_MS), at(3 * LIFE_MS)), "too late");
    }

    #[test]
    fn one_that_was_ended_stays_so_until_its_token_is_worth_nothing() {
        let playbacks = Playbacks::default();
        let one = opened(&playbacks, claims());
        playbacks.end(one.playback);
        assert_eq!(playbacks.standing(&one), None);
        assert!(!playbacks.extend(one.playback, Seq(99), at(9 * LIFE_MS), at(1)));
        playbacks.forget(at(LIFE_MS - 1));
        assert_eq!((playbacks.standing(&one), playbacks.len()), (None, 1));
        playbacks.forget(at(LIFE_MS));
        assert!(playbacks.is_empty());
        playbacks.end(one.playback);
    }

    #[test]
    fn a_token_whose_session_is_not_known_here_stands_by_itself() {
        let claims = claims();
        assert_eq!(Playbacks::default().standing(&claims), Some((claims.seq, claims.expires)));
        assert!(!Playbacks::default().extend(claims.playback, Seq(9), at(9), at(0)));
    }

    #[test]
    fn people_are_counted_once_each_and_only_those_who_watch_live_now() {
        let playbacks = Playbacks::default();
        let one = opened(&playbacks, claims());
        opened(&playbacks, Claims { playback: claims().playback, ..(*one).clone() });
        let other = Claims { lesson: one.lesson, ..claims() };
        opened(&playbacks, other.clone());
        opened(&playbacks, Claims { lesson: one.lesson, kind: Kind::Recording, ..claims() });
        opened(&playbacks, claims());
        assert_eq!(playbacks.people(one.lesson, at(0)), HashSet::from([one.user, other.user]));
        playbacks.end(other.playback);
        assert_eq!(playbacks.people(one.lesson, at(0)), HashSet::from([one.user]));
        assert!(playbacks.people(one.lesson, at(LIFE_MS)).is_empty());
    }

    #[test]
    fn of_one_person_the_oldest_session_makes_room_for_the_newest() {
        let playbacks = Playbacks::default();
        let first = opened(&playbacks, claims());
        let more = |n: usize| {
            (0..n).map(|_| opened(&playbacks, Claims { playback: claims().playback, ..(*first).clone() })).collect()
        };
        let others: Vec<Arc<Claims>> = more(PER_PERSON_MAX - 1);
        assert!(playbacks.standing(&first).is_some());
        let _: Vec<_> = more(1);
        assert_eq!(playbacks.standing(&first), None);
        assert!(others.iter().all(|one| playbacks.standing(one).is_some()));
    }

    #[test]
    fn where_each_person_has_one_stream_the_newest_ends_the_others_and_nobody_elses() {
        let playbacks = Playbacks::default();
        let (first, neighbour) = (opened(&playbacks, claims()), opened(&playbacks, claims()));
        let second = Arc::new(Claims { playback: claims().playback, lesson: claims().lesson, ..(*first).clone() });
        playbacks.open(&second, Carry::Path, Terms { alone: true, ..Terms::default() }, at(1)).expect("room");
        assert_eq!(playbacks.standing(&first), None);
        assert!(playbacks.standing(&second).is_some() && playbacks.standing(&neighbour).is_some());
        assert_eq!(playbacks.get(second.playback, at(1)).expect("open").carry, Carry::Path);
    }

    #[test]
    fn there_is_an_end_to_how_many_are_open_and_those_that_are_over_make_room() {
        let playbacks = Playbacks::default();
        for n in 0..OPEN_MAX as u128 {
            let id = uuid::Uuid::from_u128(n);
            opened(&playbacks, Claims { playback: PlaybackId(id), user: UserId(id), ..claims() });
        }
        let more = Arc::new(claims());
        let open = |at| playbacks.open(&more, Carry::Path, Terms::default(), at);
        assert_eq!(open(at(0)), Err(NotOpened::TooMany));
        assert_eq!(open(at(LIFE_MS)), Ok(()));
        assert_eq!(playbacks.len(), 1);
    }

    #[test]
    fn who_begins_again_and_again_takes_nobodys_place_and_is_slowed() {
        let playbacks = Playbacks::default();
        let first = opened(&playbacks, claims());
        for _ in 0..1_000 {
            opened(&playbacks, Claims { playback: claims().playback, ..(*first).clone() });
        }
        let sessions = playbacks.0.read();
        assert_eq!((sessions.by_id.len(), sessions.ended.len()), (PER_PERSON_MAX, 1_001 - PER_PERSON_MAX));
        assert_eq!(sessions.by_user[&first.user].open.len(), PER_PERSON_MAX);
        drop(sessions);
        let (user, other) = (first.user, claims().user);
        assert!((0..20).all(|_| playbacks.begins(user, at(0)).is_ok()));
        assert_eq!(playbacks.begins(user, at(0)), Err(1_000));
        assert_eq!((playbacks.begins(other, at(0)), playbacks.begins(user, at(1_000))), (Ok(()), Ok(())));
        playbacks.forget(at(LIFE_MS));
        assert!(playbacks.0.read().by_user.is_empty(), "who rests is forgotten");
    }

    #[test]
    fn of_those_who_come_at_once_as_many_watch_as_the_lesson_takes_and_its_mentor_besides() {
        let (playbacks, first, mentor) = (Playbacks::default(), claims(), claims().user);
        let terms = Terms { places: Some((30, mentor)), ..Terms::default() };
        let open = |user: UserId, kind: Kind| {
            let one = Claims { playback: claims().playback, user, lesson: first.lesson, kind, ..claims() };
            playbacks.open(&Arc::new(one), Carry::Cookie, terms, at(0))
        };
        assert_eq!(open(mentor, Kind::Live), Ok(()));
        let came = std::thread::scope(|scope| {
            let all: Vec<_> = (0..100).map(|_| scope.spawn(|| open(claims().user, Kind::Live))).collect();
            all.into_iter().map(|one| one.join().expect("no panic")).filter(Result::is_ok).count()
        });
        assert_eq!((came, playbacks.people(first.lesson, at(0)).len()), (30, 31));
        let inside = *playbacks.people(first.lesson, at(0)).iter().find(|user| **user != mentor).expect("one");
        assert_eq!((open(inside, Kind::Live), open(mentor, Kind::Live)), (Ok(()), Ok(())));
        assert_eq!(open(claims().user, Kind::Live), Err(NotOpened::Full));
        assert_eq!(open(claims().user, Kind::Recording), Ok(()));
    }
}
