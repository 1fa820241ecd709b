//! Attendance: who was there, by the media that was really delivered to them while the lesson was live.
//!
//! Stretches of media time come in, as often and in whatever order they come; what is the same counts once, on however many
//! devices and protocols it was watched. From the sum of them, or from what the mentor says, follows who counts as having
//! been there, and so for whom the recording plays.

use std::borrow::Cow;

use media::UnixMillis;

use crate::access::Standing;
use crate::{BoxFuture, LessonId, PlaybackId, RepositoryError, UserId};

/// Two stretches with no more than this between them are one: a sound, a late picture, a rounded time.
pub const JOIN_MS: i64 = 250;

/// Longest reason of a correction, in characters: a few sentences.
pub const REASON_LENGTH_MAX: usize = 500;

/// A stretch of media time that one playback session got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Of which lesson.
    pub lesson: LessonId,
    /// Who got it.
    pub user: UserId,
    /// By which session.
    pub playback: PlaybackId,
    /// By which protocol, as counters call it.
    pub protocol: Cow<'static, str>,
    /// Moment of its first media.
    pub from: UnixMillis,
    /// Moment of its last.
    pub to: UnixMillis,
}

impl Interval {
    /// Both are of one person, lesson, session and protocol.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.lesson == other.lesson
            && self.user == other.user
            && self.playback == other.playback
            && self.protocol == other.protocol
    }

    /// Both are one stretch, but for [`JOIN_MS`].
    fn touches(&self, other: &Self) -> bool {
        self.from.0.saturating_sub(JOIN_MS) <= other.to.0 && other.from.0.saturating_sub(JOIN_MS) <= self.to.0
    }

    /// What of it lies within the time that the lesson was live. `None`: nothing.
    #[must_use]
    pub fn within(mut self, started: Option<UnixMillis>, ended: Option<UnixMillis>) -> Option<Self> {
        self.from = self.from.max(started?);
        self.to = ended.map_or(self.to, |ended| self.to.min(ended));
        (self.from <= self.to).then_some(self)
    }
}

/// Adds a stretch to others of one or several sessions, joined to the one like it that it touches. Those that are like it
/// and touch each other by it stay two.
pub fn add(known: &mut Vec<Interval>, fresh: Interval) {
    match known.iter_mut().rev().find(|one| one.is_like(&fresh) && one.touches(&fresh)) {
        Some(one) => {
            one.from = one.from.min(fresh.from);
            one.to = one.to.max(fresh.to);
        }
        None => known.push(fresh),
    }
}

/// What is to be written for what came: a row that is there keeps where it begins, and ends later; all else is a new one.
/// Nothing, if all of it is known.
#[must_use]
pub fn rows(known: &[Interval], fresh: &[Interval]) -> Vec<Interval> {
    let mut written: Vec<Interval> = Vec::new();
    for one in fresh {
        let covers = |row: &&Interval| row.is_like(one) && row.from <= one.from && one.to <= row.to;
        if known.iter().chain(&written).any(|row| covers(&row)) {
            continue;
        }
        let begins = |row: &&Interval| row.is_like(one) && row.from <= one.from && row.touches(one);
        if let Some(row) = written.iter_mut().find(|row| begins(&&**row)) {
            row.to = row.to.max(one.to);
        } else if let Some(row) = known.iter().find(begins) {
            written.push(Interval { to: row.to.max(one.to), ..row.clone() });
        } else {
            written.push(one.clone());
        }
    }
    written
}

/// How much media a person got, whatever it came by: overlaps count once, and so do gaps of up to [`JOIN_MS`].
#[must_use]
pub fn watched_ms<'i>(intervals: impl Iterator<Item = &'i Interval>) -> i64 {
    let mut spans: Vec<(i64, i64)> = intervals.map(|one| (one.from.0, one.to.0)).collect();
    spans.sort_unstable();
    let mut sum = 0i64;
    let mut open: Option<(i64, i64)> = None;
    for (from, to) in spans {
        open = match open {
            Some((first, last)) if from <= last.saturating_add(JOIN_MS) => Some((first, last.max(to))),
            Some((first, last)) => {
                sum = sum.saturating_add(last.saturating_sub(first));
                Some((from, to))
            }
            None => Some((from, to)),
        };
    }
    open.map_or(sum, |(first, last)| sum.saturating_add(last.saturating_sub(first)))
}

/// What the mentor says of somebody's attendance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing: what was measured counts.
    #[default]
    Measured,
    /// They were there.
    Present,
    /// They were not.
    Absent,
}

impl Decision {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Measured, Self::Present, Self::Absent];

    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Present => "present",
            Self::Absent => "absent",
        }
    }
}

/// The text is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is none of measured, present, absent")]
pub struct DecisionError;

impl std::str::FromStr for Decision {
    type Err = DecisionError;

    fn from_str(text: &str) -> Result<Self, DecisionError> {
        Self::ALL.iter().copied().find(|decision| decision.as_str() == text).ok_or(DecisionError)
    }
}

/// Somebody's line on the attendance record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Media that was delivered to them.
    pub watched_ms: i64,
    /// Moment of the first of it.
    pub first: Option<UnixMillis>,
    /// Moment of the last.
    pub last: Option<UnixMillis>,
    /// What the mentor says.
    pub decision: Decision,
    /// They count as having been there: the recording plays for them.
    pub attended: bool,
}

impl Ledger {
    /// The line with what was measured by now. Who counts as having been there by measure stays so, whatever the threshold
    /// becomes later: what was granted is taken back by the mentor alone.
    #[must_use]
    pub fn measured(mut self, intervals: &[Interval], threshold_ms: i64) -> Self {
        self.watched_ms = self.watched_ms.max(watched_ms(intervals.iter()));
        self.first = intervals.iter().map(|one| one.from).chain(self.first).min();
        self.last = intervals.iter().map(|one| one.to).chain(self.last).max();
        self.attended = match self.decision {
            Decision::Measured => self.attended || passes(self.watched_ms, threshold_ms),
            Decision::Present => true,
            Decision::Absent => false,
        };
        self
    }

    /// The line once the mentor has decided.
    #[must_use]
    pub fn decided(mut self, decision: Decision, threshold_ms: i64) -> Self {
        self.decision = decision;
        self.attended = match decision {
            Decision::Measured => passes(self.watched_ms, threshold_ms),
            Decision::Present => true,
            Decision::Absent => false,
        };
        self
    }
}

/// Nothing at all is never enough.
fn passes(watched_ms: i64, threshold_ms: i64) -> bool {
    watched_ms > 0 && watched_ms >= threshold_ms
}

/// A line, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// The line.
    pub ledger: Ledger,
    /// What it was measured from, oldest first.
    pub intervals: Vec<Interval>,
}

/// What a mentor corrects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Of which lesson.
    pub lesson: LessonId,
    /// Whose line.
    pub user: UserId,
    /// Who says so.
    pub by: UserId,
    /// What they say.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// When.
    pub at: UnixMillis,
}

/// Where somebody was in the recording of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The lesson, and what is known of them and it.
    pub standing: Standing,
    /// From its first frame, in milliseconds.
    pub at_ms: i64,
    /// When they were there.
    pub saved: UnixMillis,
    /// How long its longest recording is.
    pub duration_ms: i64,
}

/// The attendance record, kept.
pub trait AttendanceRepository: Send + Sync {
    /// Adds stretches of any lessons and people, all or none. Those that are known change nothing; what lies outside of the
    /// time that its lesson was live, is the lesson's mentor's own, or of a lesson or person that is not, is left out. Whoever passes `threshold_ms`
    /// counts as having been there from now on, and that is told once.
    fn record<'a>(
        &'a self,
        intervals: &'a [Interval],
        threshold_ms: i64,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Up to `limit` lines of a lesson by id of the person, behind `after`.
    fn attendance(
        &self,
        lesson: LessonId,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Attendee>, RepositoryError>>;

    /// Up to `limit` lines of a lesson by folded name ([`folded`](crate::search::folded)) and id of the person, behind
    /// `after`; without what they were measured from.
    fn attendance_by_name<'a>(
        &'a self,
        lesson: LessonId,
        after: Option<&'a Attendee>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Attendee>, RepositoryError>>;

    /// Corrects a line, with audit; answers what it is now. Whoever counts as having been there no more loses what plays.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is no such person.
    fn correct<'a>(
        &'a self,
        correction: &'a Correction,
        threshold_ms: i64,
    ) -> BoxFuture<'a, Result<Attendee, RepositoryError>>;

    /// What people are called, of those that there are.
    fn names<'a>(&'a self, people: &'a [UserId]) -> BoxFuture<'a, Result<Vec<(UserId, String)>, RepositoryError>>;

    /// Where somebody was in a recording, in milliseconds from its first frame.
    fn position(&self, user: UserId, lesson: LessonId) -> BoxFuture<'_, Result<Option<i64>, RepositoryError>>;

    /// Where somebody was in recordings that there are, the newest first; whether they still play is
    /// [`access`](crate::access)'s to say.
    fn positions(&self, user: UserId, limit: u32) -> BoxFuture<'_, Result<Vec<Kept>, RepositoryError>>;

    /// Keeps where somebody is.
    fn put_position(
        &self,
        user: UserId,
        lesson: LessonId,
        at_ms: i64,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

#[cfg(test)]
mod tests;
