//! What a lesson does by itself as time and media go by.
//!
//! Facts in, the next step out; whoever directs asks about once a second, and each step is one transaction in which it is
//! decided again on the lesson as it is then, so that it may be asked again after a crash, and by several servers at once.
//! What is on air is known to the server that holds the stream: it writes so with the lesson now and then, and no other
//! takes the mentor for gone meanwhile.

use media::UnixMillis;

use super::{Lesson, LessonState};
use crate::air::OnAir;
use crate::{BoxFuture, LessonId, RepositoryError};

/// How long after a lesson's end its recording is waited for. What was not uploaded in a month is not announced when it is:
/// nobody waits for it any more.
pub const RECORDING_AWAITED_MS: i64 = 31 * 86_400_000;

/// How often whoever holds a lesson's stream writes that it does.
pub const SEEN_EVERY_MS: i64 = 10_000;

/// How long it is believed, at the least, that it still does: two of its writes may be late or lost, and clocks of servers
/// may differ by some seconds.
pub const SEEN_FOR_MS: i64 = 3 * SEEN_EVERY_MS;

/// What is set about the time of lessons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Before and behind its time, a lesson takes its publisher.
    pub margin_ms: i64,
    /// How long a stream waits for a publisher that dropped.
    pub reconnect_window_ms: i64,
}

/// What is known of a lesson's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Now.
    pub on_air: OnAir,
    /// Since when whoever directs sees nothing of it. `None`: it is there, or waits for its publisher.
    pub gone_since: Option<UnixMillis>,
}

impl Seen {
    /// What is seen now, after what was seen before.
    #[must_use]
    pub fn next(before: Option<Self>, on_air: OnAir, now: UnixMillis) -> Self {
        if on_air.on_air || on_air.stalled {
            return Self { on_air, gone_since: None };
        }
        Self { on_air, gone_since: Some(before.and_then(|before| before.gone_since).unwrap_or(now)) }
    }
}

/// A lesson that may have a step to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The lesson.
    pub lesson: Lesson,
    /// When a server last wrote that it holds the stream, by that server's clock.
    pub held: Option<UnixMillis>,
}

impl Due {
    /// Whether whoever sees the stream now is to write so.
    #[must_use]
    pub fn is_to_be_told(&self, seen: Seen, now: UnixMillis) -> bool {
        seen.gone_since.is_none() && !self.was_held_within(SEEN_EVERY_MS, now)
    }

    /// Before or after `now`, as clocks differ; what lies further ahead was written by a clock that was wrong.
    fn was_held_within(&self, span_ms: i64, now: UnixMillis) -> bool {
        self.held.is_some_and(|at| now.0.abs_diff(at.0) < span_ms.unsigned_abs())
    }
}

/// What is next for a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It begins, or began at that moment: its media is here.
    Start(UnixMillis),
    /// It is over: its time is, and its media is gone or never came.
    End,
}

/// The next step, if it is due.
///
/// | | media is here | it is gone |
/// |---|---|---|
/// | scheduled, before its slot | | |
/// | scheduled, in its slot | start | |
/// | scheduled, behind its slot | | end |
/// | live, until its end and the margin | | |
/// | live, behind that | | end, once gone for the reconnect window |
///
/// A lesson whose media is here, or at another server, is never ended: its mentor does that, or stops sending.
#[must_use]
pub fn next_step(due: &Due, seen: Seen, timing: Timing, now: UnixMillis) -> Option<Step> {
    let lesson = &due.lesson;
    let slot = lesson.slot(timing.margin_ms)?;
    let is_behind = now >= lesson.ends.plus_millis(timing.margin_ms);
    let is_held = due.was_held_within(timing.reconnect_window_ms.max(SEEN_FOR_MS), now);
    match lesson.state {
        // With its media, also where the database could not be asked then: who watched meanwhile was there.
        LessonState::Scheduled if seen.on_air.on_air && slot.is_open(now) => {
            Some(Step::Start(seen.on_air.started.map_or(now, |first| first.max(slot.opens).min(now))))
        }
        LessonState::Scheduled if is_behind && !seen.on_air.on_air && !is_held => Some(Step::End),
        LessonState::Live if is_behind && !is_held => {
            let gone_ms = seen.gone_since.map_or(-1, |since| now.0.saturating_sub(since.0));
            (gone_ms >= timing.reconnect_window_ms).then_some(Step::End)
        }
        _ => None,
    }
}

/// Lessons as whoever directs them needs them.
pub trait DirectingRepository: Send + Sync {
    /// Those that are live, and those that are scheduled and begin before `until`.
    fn lessons_to_direct(&self, until: UnixMillis) -> BoxFuture<'_, Result<Vec<Due>, RepositoryError>>;

    /// Writes that the streams of these are here. Of a lesson that is over, nothing is written.
    fn hold_lessons<'a>(
        &'a self,
        lessons: &'a [LessonId],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// Takes the [`next_step`] of a lesson as it is now, whatever it was when it was read; of one that ends, what its live
    /// playbacks were granted is revoked. `None`: there is none, and nothing was done.
    fn take_step(
        &self,
        id: LessonId,
        seen: Seen,
        timing: Timing,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<(Step, Lesson)>, RepositoryError>>;

    /// Begins a lesson that is scheduled and whose slot, with that margin, is open. `None`: it is not, and nothing was done.
    fn start_lesson(
        &self,
        id: LessonId,
        margin_ms: i64,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>>;

    /// Ends a lesson that is live; what its live playbacks were granted is revoked. `None`: it is not, and nothing was done.
    fn end_lesson(&self, id: LessonId, now: UnixMillis) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>>;

    /// Tells once that the recording can be played of each lesson that ended since `since` and whose recordings are all
    /// ready. The lessons that it told of, at most 100 at once.
    fn announce_recordings(
        &self,
        since: UnixMillis,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<LessonId>, RepositoryError>>;
}

#[cfg(test)]
mod tests;
