//! The playback sessions that are open on this server: until when each holds, and how many people watch.
//!
//! In memory alone: a token holds by itself for its short life, and after a restart whoever plays asks for a new one. What is
//! kept here lets a session go on under the token it began with, ends it before its time, and counts people.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use media::UnixMillis;
use parking_lot::RwLock;

use crate::playback::{Claims, Kind};
use crate::{LessonId, PlaybackId, Seq, UserId};

/// Sessions of one person at once: a phone, a tablet, a laptop, and as many again that were just closed.
pub const PER_PERSON_MAX: usize = 8;

/// Sessions of all. Some 400 bytes each: 80 MB at ten times the viewers that one server is made for.
pub const OPEN_MAX: usize = 200_000;

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
    /// It was ended: its tokens open nothing any more.
    pub ended: bool,
}

impl Open {
    fn is_on(&self, now: UnixMillis) -> bool {
        !self.ended && now < self.expires
    }
}

/// No room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this server has as many viewers as it takes")]
pub struct TooMany;

#[derive(Debug, Default)]
struct Sessions {
    by_id: HashMap<PlaybackId, Open>,
    by_user: HashMap<UserId, Vec<PlaybackId>>,
}

impl Sessions {
    fn end(&mut self, id: PlaybackId) {
        if let Some(open) = self.by_id.get_mut(&id) {
            open.ended = true;
        }
    }

    fn forget(&mut self, now: UnixMillis) {
        // One that was ended is remembered until its token has run out by itself.
        self.by_id.retain(|_, open| now < open.expires);
        let by_id = &self.by_id;
        self.by_user.retain(|_, ids| {
            ids.retain(|id| by_id.contains_key(id));
            !ids.is_empty()
        });
    }
}

/// See the module's documentation. Cheap to ask from any thread.
#[derive(Debug, Default)]
pub struct Playbacks(RwLock<Sessions>);

impl Playbacks {
    /// Opens one. Of a person who has [`PER_PERSON_MAX`] already, the oldest ends; with `alone`, all others of theirs do.
    ///
    /// # Errors
    /// [`TooMany`], if [`OPEN_MAX`] are open.
    pub fn open(&self, claims: &Arc<Claims>, carry: Carry, alone: bool, now: UnixMillis) -> Result<(), TooMany> {
        let mut sessions = self.0.write();
        if sessions.by_id.len() >= OPEN_MAX {
            sessions.forget(now);
            if sessions.by_id.len() >= OPEN_MAX {
                return Err(TooMany);
            }
        }
        let mut others: Vec<PlaybackId> = sessions.by_user.get(&claims.user).cloned().unwrap_or_default();
        others.retain(|id| sessions.by_id.get(id).is_some_and(|open| open.is_on(now)));
        let stay = if alone { 0 } else { PER_PERSON_MAX - 1 };
        for id in others.iter().take(others.len().saturating_sub(stay)) {
            sessions.end(*id);
        }
        sessions.by_user.entry(claims.user).or_default().push(claims.playback);
        let open = Open { claims: Arc::clone(claims), carry, seq: claims.seq, expires: claims.expires, ended: false };
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
        match self.0.read().by_id.get(&claims.playback) {
            Some(open) if open.ended => None,
            Some(open) => Some((open.seq.max(claims.seq), open.expires.max(claims.expires))),
            None => Some((claims.seq, claims.expires)),
        }
    }

    /// The people who watch a lesson live now, once each.
    #[must_use]
    pub fn people(&self, lesson: LessonId, now: UnixMillis) -> HashSet<UserId> {
        let sessions = self.0.read();
        let of = |open: &&Open| open.claims.lesson == lesson && open.claims.kind == Kind::Live && open.is_on(now);
        sessions.by_id.values().filter(of).map(|open| open.claims.user).collect()
    }

    /// Forgets sessions that are over.
    pub fn forget(&self, now: UnixMillis) {
        self.0.write().forget(now);
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().by_id.len()
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
        playbacks.open(&claims, Carry::Cookie, false, now).expect("room");
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
        playbacks.open(&second, Carry::Path, true, at(1)).expect("room");
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
        assert_eq!(playbacks.open(&more, Carry::Path, false, at(0)), Err(TooMany));
        assert_eq!(playbacks.open(&more, Carry::Path, false, at(LIFE_MS)), Ok(()));
        assert_eq!(playbacks.len(), 1);
    }
}
