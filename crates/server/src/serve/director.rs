//! Directs the lessons: begins one when its media comes, ends one whose time is over and whose media is gone, and tells once
//! that a recording can be played. What to do is `control::teaching::directing`'s; this asks for it once a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use control::air::Air;
use control::teaching::directing::{Due, RECORDING_AWAITED_MS, Seen, Step, Timing, next_step};
use control::{LessonId, Repository, RepositoryError};
use media::UnixMillis;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often it looks: a lesson begins within a second of its media.
const EVERY: Duration = Duration::from_secs(1);

/// What it directs, and by what.
pub(super) struct Director {
    repository: Arc<dyn Repository>,
    air: Arc<dyn Air>,
    timing: Timing,
    /// What was seen of the lessons that were on or due the last time.
    seen: HashMap<LessonId, Seen>,
}

impl Director {
    pub(super) fn new(repository: Arc<dyn Repository>, air: Arc<dyn Air>, timing: Timing) -> Self {
        Self { repository, air, timing, seen: HashMap::new() }
    }

    /// Directs until the server stops.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = UnixMillis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
            match self.look(now).await {
                Ok(()) if failing => {
                    failing = false;
                    tracing::info!("lessons are directed again");
                }
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(%error, "lessons are not directed: none begins or ends by itself until the database answers");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Takes the steps that are due at `now`. Stopped in between, or asked again, it goes on where it was.
    async fn look(&mut self, now: UnixMillis) -> Result<(), RepositoryError> {
        let due = self.repository.lessons_to_direct(now.plus_millis(self.timing.margin_ms + 1)).await?;
        let before = std::mem::take(&mut self.seen);
        for due in &due {
            let id = due.lesson.id;
            let seen = Seen::next(before.get(&id).copied(), self.air.on_air(due.lesson.channel), now);
            self.seen.insert(id, seen);
        }
        let seen_of = |due: &Due| self.seen.get(&due.lesson.id).copied().expect("each that is due was looked at");
        let here: Vec<_> =
            due.iter().filter(|due| due.is_to_be_told(seen_of(due), now)).map(|due| due.lesson.id).collect();
        if !here.is_empty() {
            self.repository.hold_lessons(&here, now).await?;
        }
        for due in &due {
            let seen = seen_of(due);
            if next_step(due, seen, self.timing, now).is_none() {
                continue;
            }
            match self.repository.take_step(due.lesson.id, seen, self.timing, now).await? {
                None => {}
                Some((Step::Start(_), lesson)) => {
                    tracing::info!(lesson = %lesson.id, "the lesson begins: its media is here");
                }
                Some((Step::End, lesson)) => {
                    tracing::info!(lesson = %lesson.id, "the lesson is over");
                    self.air.end(lesson.channel);
                }
            }
        }
        for lesson in self.repository.announce_recordings(now.plus_millis(-RECORDING_AWAITED_MS), now).await? {
            tracing::info!(%lesson, "the recording can be played");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
