//! Lessons as time and media go by: each step once, whoever asks for it and how often.

use control::teaching::directing::{DirectingRepository, Due, Seen, Step, Timing, next_step};
use control::teaching::{Lesson, LessonState};
use control::{BoxFuture, ChangeKind, LessonId, NewChange, RepositoryError};
use media::UnixMillis;

use super::access::LESSON;
use super::lessons::{lock_lesson, told, update};
use super::{Row, Store, Write, access, changes, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("lesson", error)
}

/// Lessons of which it is told at once: a transaction of some milliseconds.
const ANNOUNCED_AT_ONCE: i64 = 100;

/// A row with the columns [`LESSON`] and `seen_ms`.
fn due(row: &Row) -> Result<Due, RepositoryError> {
    Ok(Due { lesson: access::lesson(row)?, held: rows::moment_if(row, "seen_ms")? })
}

/// It is on from `began`.
async fn start(transaction: &mut Write, lesson: &mut Lesson, began: UnixMillis) -> Result<(), RepositoryError> {
    lesson.state = LessonState::Live;
    lesson.started = Some(began);
    lesson.version += 1;
    update(transaction, lesson).await?;
    changes::append(transaction, began, &told(ChangeKind::LessonStarted, lesson)).await.map(|_| ())
}

/// It is over, and so is what its live playbacks were granted.
async fn end(transaction: &mut Write, lesson: &mut Lesson, now: UnixMillis) -> Result<(), RepositoryError> {
    lesson.state = LessonState::Ended;
    lesson.ended = Some(now);
    lesson.version += 1;
    update(transaction, lesson).await?;
    changes::append(transaction, now, &told(ChangeKind::LessonEnded, lesson)).await?;
    let revoked = NewChange::new(ChangeKind::Revoked).lesson(lesson.id);
    changes::append(transaction, now, &revoked).await.map(|_| ())
}

impl DirectingRepository for Store {
    fn lessons_to_direct(&self, until: UnixMillis) -> BoxFuture<'_, Result<Vec<Due>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LESSON}, l.seen_ms FROM lessons l
                 WHERE l.state = 'live' OR l.state = 'scheduled' AND l.starts_ms < $1 ORDER BY l.starts_ms, l.id"
            );
            let found =
                sqlx::query(sqlx::AssertSqlSafe(text)).bind(until.0).fetch_all(&self.readers).await.map_err(failed)?;
            rows::each(&found, due)
        })
    }

    fn hold_lessons<'a>(
        &'a self,
        lessons: &'a [LessonId],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            // Always in one order: two that write of the same lessons do not wait for one another in a circle.
            let mut ids: Vec<_> = lessons.iter().map(ToString::to_string).collect();
            ids.sort_unstable();
            for id in ids {
                sqlx::query("UPDATE lessons SET seen_ms = $2 WHERE id = $1 AND state IN ('scheduled', 'live')")
                    .bind(id)
                    .bind(now.0)
                    .execute(transaction.connection())
                    .await
                    .map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)
        }))
    }

    fn take_step(
        &self,
        id: LessonId,
        seen: Seen,
        timing: Timing,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<(Step, Lesson)>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let lesson = lock_lesson(&mut transaction, id).await?;
            let held: Option<i64> = sqlx::query_scalar("SELECT seen_ms FROM lessons WHERE id = $1")
                .bind(id.to_string())
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
            let mut due = Due { lesson, held: held.map(UnixMillis) };
            let Some(step) = next_step(&due, seen, timing, now) else { return Ok(None) };
            match step {
                Step::Start(began) => start(&mut transaction, &mut due.lesson, began).await?,
                Step::End => end(&mut transaction, &mut due.lesson, now).await?,
            }
            transaction.commit().await.map_err(failed)?;
            Ok(Some((step, due.lesson)))
        }))
    }

    fn start_lesson(
        &self,
        id: LessonId,
        margin_ms: i64,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let mut lesson = lock_lesson(&mut transaction, id).await?;
            let is_open = lesson.slot(margin_ms).is_some_and(|slot| slot.is_open(now));
            if lesson.state != LessonState::Scheduled || !is_open {
                return Ok(None);
            }
            start(&mut transaction, &mut lesson, now).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(Some(lesson))
        }))
    }

    fn end_lesson(&self, id: LessonId, now: UnixMillis) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let mut lesson = lock_lesson(&mut transaction, id).await?;
            if lesson.state != LessonState::Live {
                return Ok(None);
            }
            end(&mut transaction, &mut lesson, now).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(Some(lesson))
        }))
    }

    fn announce_recordings(
        &self,
        since: UnixMillis,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<LessonId>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            // Most of the time there is none: that is found without the writer's lock.
            let found: Vec<String> = sqlx::query_scalar(
                "SELECT l.id FROM lessons l
                 WHERE l.state = 'ended' AND l.announced_ms IS NULL AND l.ended_ms >= $1
                     AND EXISTS (SELECT 1 FROM recordings r WHERE r.channel_id = l.channel_id)
                     AND NOT EXISTS (SELECT 1 FROM recordings r WHERE r.channel_id = l.channel_id AND r.state <> 'ready')
                 ORDER BY l.ended_ms, l.id LIMIT $2",
            )
            .bind(since.0)
            .bind(ANNOUNCED_AT_ONCE)
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
            if found.is_empty() {
                return Ok(Vec::new());
            }
            let mut transaction = self.begin().await?;
            let mut announced = Vec::new();
            for id in found {
                // Once: of two that come here, the second finds it done.
                let done = sqlx::query("UPDATE lessons SET announced_ms = $2 WHERE id = $1 AND announced_ms IS NULL")
                    .bind(&id)
                    .bind(now.0)
                    .execute(transaction.connection())
                    .await
                    .map_err(failed)?;
                if done.rows_affected() == 1 {
                    announced.push(id.parse::<LessonId>().map_err(|_| rows::corrupt("id"))?);
                }
            }
            // Their rows are locked already: nothing is waited for under the lock of changes.
            for id in &announced {
                let lesson = lock_lesson(&mut transaction, *id).await?;
                changes::append(&mut transaction, now, &told(ChangeKind::RecordingReady, &lesson)).await?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(announced)
        }))
    }
}
