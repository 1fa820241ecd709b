//! Rights that were taken away, for as long as something granted before may still be shown.
//!
//! Bounded in time and in number: what was granted lives [`crate::playback::LIFE_MS`] at most, so what was taken away longer
//! ago concerns nothing that holds; and when more is taken away than is remembered, everything granted before counts as
//! taken away, and whoever still may asks anew.

use std::collections::HashMap;
use std::hash::Hash;

use media::UnixMillis;
use uuid::Uuid;

use crate::playback::{Claims, LIFE_MS};
use crate::{Change, ChangeKind, CourseId, LessonId, Seq, SessionId, UserId};

/// How long a right that was taken away is remembered: what was granted a moment before has ended by then, on servers whose
/// clocks differ by a minute.
pub const KEPT_MS: i64 = LIFE_MS + 60_000;

/// Most that are remembered: 28,000 viewers who all sign out three times within three minutes. Some 60 bytes each, 6 MB.
pub const KEPT_MAX: usize = 100_000;

/// The newest change that took something away, by whom or what it was.
#[derive(Clone, Debug)]
struct Scope<K>(HashMap<K, (Seq, UnixMillis)>);

impl<K> Default for Scope<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Scope<K> {
    fn add(&mut self, key: K, change: &Change) {
        let newest = self.0.entry(key).or_insert((change.seq, change.at));
        if newest.0 <= change.seq {
            *newest = (change.seq, change.at);
        }
    }

    fn is_after(&self, key: &K, seq: Seq) -> bool {
        self.0.get(key).is_some_and(|(revoked, _)| *revoked > seq)
    }

    fn forget(&mut self, before: UnixMillis) {
        self.0.retain(|_, (_, at)| *at >= before);
    }
}

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    sessions: Scope<SessionId>,
    users: Scope<UserId>,
    user_lessons: Scope<(UserId, LessonId)>,
    user_courses: Scope<(UserId, CourseId)>,
    lessons: Scope<LessonId>,
    courses: Scope<CourseId>,
    channels: Scope<Uuid>,
    /// What was granted as of an older change holds no more, whoever it was granted to.
    floor: Seq,
}

impl Revocations {
    /// Learns of a change, if it took something away.
    pub fn learn(&mut self, change: &Change) {
        let what = &change.what;
        if what.kind != ChangeKind::Revoked {
            return;
        }
        match (what.session, what.user, what.lesson, what.course, what.channel) {
            (Some(session), ..) => self.sessions.add(session, change),
            (None, Some(user), Some(lesson), ..) => self.user_lessons.add((user, lesson), change),
            (None, Some(user), None, Some(course), _) => self.user_courses.add((user, course), change),
            (None, Some(user), None, None, _) => self.users.add(user, change),
            (None, None, Some(lesson), ..) => self.lessons.add(lesson, change),
            (None, None, None, Some(course), _) => self.courses.add(course, change),
            (None, None, None, None, Some(channel)) => self.channels.add(channel, change),
            // From nobody in particular: from everybody.
            (None, None, None, None, None) => self.floor = self.floor.max(change.seq),
        }
        if self.len() > KEPT_MAX {
            *self = Self { floor: self.floor.max(change.seq), ..Self::default() };
        }
    }

    /// Forgets what concerns nothing any more.
    pub fn forget(&mut self, now: UnixMillis) {
        let before = now.plus_millis(-KEPT_MS);
        self.sessions.forget(before);
        self.users.forget(before);
        self.user_lessons.forget(before);
        self.user_courses.forget(before);
        self.lessons.forget(before);
        self.courses.forget(before);
        self.channels.forget(before);
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.0.len()
            + self.users.0.len()
            + self.user_lessons.0.len()
            + self.user_courses.0.len()
            + self.lessons.0.len()
            + self.courses.0.len()
            + self.channels.0.len()
    }

    /// None is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether what these claims say, decided as of `seq`, was taken away since.
    #[must_use]
    pub fn concern(&self, claims: &Claims, seq: Seq) -> bool {
        seq < self.floor
            || self.sessions.is_after(&claims.session, seq)
            || self.users.is_after(&claims.user, seq)
            || self.user_lessons.is_after(&(claims.user, claims.lesson), seq)
            || self.user_courses.is_after(&(claims.user, claims.course), seq)
            || self.lessons.is_after(&claims.lesson, seq)
            || self.courses.is_after(&claims.course, seq)
            || self.channels.is_after(&claims.channel, seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewChange;
    use crate::playback::tests::claims;

    fn revoked(seq: i64, at: i64, scope: impl FnOnce(NewChange) -> NewChange) -> Change {
        Change { seq: Seq(seq), at: UnixMillis(at), what: scope(NewChange::new(ChangeKind::Revoked)) }
    }

    #[test]
    fn each_scope_takes_away_from_its_own_alone_and_only_what_was_granted_before() {
        type Mark = fn(NewChange, &Claims) -> NewChange;
        let (mine, other) = (claims(), claims());
        let scopes: [(&str, Mark); 8] = [
            ("session", |change, of| change.session(of.session).user(of.user)),
            ("user", |change, of| change.user(of.user)),
            ("user and lesson", |change, of| change.user(of.user).lesson(of.lesson).course(of.course)),
            ("user and course", |change, of| change.user(of.user).course(of.course)),
            ("lesson", |change, of| change.lesson(of.lesson)),
            ("lesson with its channel", |change, of| change.lesson(of.lesson).channel(of.channel)),
            ("course", |change, of| change.course(of.course)),
            ("channel", |change, of| change.channel(of.channel)),
        ];
        for (name, mark) in scopes {
            let mut table = Revocations::default();
            table.learn(&revoked(10, 1_000, |change| mark(change, &mine)));
            assert!(table.concern(&mine, Seq(9)), "{name}");
            assert!(!table.concern(&mine, Seq(10)) && !table.concern(&mine, Seq(11)), "{name}: decided with it");
            assert!(!table.concern(&other, Seq(9)), "{name}: somebody else");
        }
    }

    #[test]
    fn one_person_sent_out_of_one_lesson_keeps_the_others_and_others_keep_it() {
        let mine = claims();
        let mut table = Revocations::default();
        table.learn(&revoked(10, 1_000, |change| change.user(mine.user).lesson(mine.lesson)));
        let elsewhere = Claims { lesson: claims().lesson, ..mine.clone() };
        let neighbour = Claims { user: claims().user, ..mine.clone() };
        assert!(table.concern(&mine, Seq(1)));
        assert!(!table.concern(&elsewhere, Seq(1)) && !table.concern(&neighbour, Seq(1)));
    }

    #[test]
    fn the_newest_of_a_scope_counts_in_whatever_order_they_come() {
        let mine = claims();
        let mut table = Revocations::default();
        for seq in [20, 10] {
            table.learn(&revoked(seq, seq, |change| change.user(mine.user)));
        }
        assert!(table.concern(&mine, Seq(19)) && !table.concern(&mine, Seq(20)));
    }

    #[test]
    fn other_changes_take_nothing_away() {
        let mine = claims();
        let mut table = Revocations::default();
        for kind in ChangeKind::ALL.iter().filter(|kind| **kind != ChangeKind::Revoked) {
            let what = NewChange::new(*kind).user(mine.user).lesson(mine.lesson);
            table.learn(&Change { seq: Seq(99), at: UnixMillis(1), what });
        }
        assert!(table.is_empty() && !table.concern(&mine, Seq(1)));
    }

    #[test]
    fn a_revocation_is_remembered_for_as_long_as_a_token_lives_and_then_forgotten() {
        let mine = claims();
        let mut table = Revocations::default();
        table.learn(&revoked(10, 1_000, |change| change.session(mine.session)));
        table.forget(UnixMillis(1_000 + LIFE_MS));
        assert!(table.concern(&mine, Seq(1)), "a token made a moment before may still be shown");
        table.forget(UnixMillis(1_000 + KEPT_MS + 1));
        assert!(table.is_empty());
    }

    #[test]
    fn more_than_can_be_remembered_takes_away_from_everybody_rather_than_from_nobody() {
        let mut table = Revocations::default();
        let count = i64::try_from(KEPT_MAX).expect("small") + 1;
        for seq in 1..=count {
            let user = UserId(Uuid::from_u128(u128::from(seq.unsigned_abs())));
            table.learn(&revoked(seq, 1, |change| change.user(user)));
        }
        assert!(table.is_empty(), "bounded");
        let mine = claims();
        assert!(table.concern(&mine, Seq(count - 1)) && !table.concern(&mine, Seq(count)));
    }

    #[test]
    fn a_revocation_of_nothing_in_particular_is_of_everything() {
        let mut table = Revocations::default();
        table.learn(&revoked(5, 1, |change| change));
        assert!(table.concern(&claims(), Seq(4)) && !table.concern(&claims(), Seq(5)));
    }
}
