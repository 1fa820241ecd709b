//! What a lesson does by itself as time and media go by.
//!
//! Facts in, the next step out; whoever directs asks about once a second, and each step is one transaction that does nothing
//! when it was done already, so it may be asked again after a crash. What is on air is known to the process that holds the
//! stream: one process directs the lessons of one database.

use media::UnixMillis;

use super::{Lesson, LessonState};
use crate::air::OnAir;
use crate::{BoxFuture, LessonId, RepositoryError};

/// How long after a lesson's end its recording is waited for. What was not uploaded in a month is not announced when it is:
/// nobody waits for it any more.
pub const RECORDING_AWAITED_MS: i64 = 31 * 86_400_000;

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

/// What is next for a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It begins: its media is here.
    Start,
    /// It is over: its time is, and its media is gone or never came.
    End,
}

/// The next step of `lesson`, if it is due.
///
/// | | media is here | it is gone |
/// |---|---|---|
/// | scheduled, before its slot | | |
/// | scheduled, in its slot | start | |
/// | scheduled, behind its slot | | end |
/// | live, until its end and the margin | | |
/// | live, behind that | | end, once gone for the reconnect window |
///
/// A lesson whose media is here is never ended: its mentor does that, or stops sending.
#[must_use]
pub fn next_step(lesson: &Lesson, seen: Seen, timing: Timing, now: UnixMillis) -> Option<Step> {
    let slot = lesson.slot(timing.margin_ms)?;
    let is_behind = now >= lesson.ends.plus_millis(timing.margin_ms);
    match lesson.state {
        LessonState::Scheduled if seen.on_air.on_air && slot.is_open(now) => Some(Step::Start),
        LessonState::Scheduled if is_behind && !seen.on_air.on_air => Some(Step::End),
        LessonState::Live if is_behind => {
            let gone_ms = seen.gone_since.map_or(-1, |since| now.0.saturating_sub(since.0));
            (gone_ms >= timing.reconnect_window_ms).then_some(Step::End)
        }
        _ => None,
    }
}

/// Lessons as whoever directs them needs them.
pub trait DirectingRepository: Send + Sync {
    /// Those that are live, and those that are scheduled and begin before `until`.
    fn lessons_to_direct(&self, until: UnixMillis) -> BoxFuture<'_, Result<Vec<Lesson>, RepositoryError>>;

    /// Begins a lesson that is scheduled. `None`: it is not, and nothing was done.
    fn start_lesson(&self, id: LessonId, now: UnixMillis) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>>;

    /// Ends a lesson that is live, or one that is scheduled if `unheld`; what its live playbacks were granted is revoked.
    /// `None`: it is neither, and nothing was done.
    fn end_lesson(
        &self,
        id: LessonId,
        unheld: bool,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>>;

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
