//! Lessons as time and media go by: each step once, whoever asks for it and how often.

use control::teaching::directing::DirectingRepository;
use control::teaching::{Lesson, LessonState};
use control::{BoxFuture, ChangeKind, LessonId, NewChange, RepositoryError};
use media::UnixMillis;

use super::access::LESSON;
use super::lessons::{lock_lesson, told, update};
use super::{Store, access, changes, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("lesson", error)
}

/// Lessons of which it is told at once: a transaction of some milliseconds.
const ANNOUNCED_AT_ONCE: i64 = 100;

impl DirectingRepository for Store {
    fn lessons_to_direct(&self, until: UnixMillis) -> BoxFuture<'_, Result<Vec<Lesson>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LESSON} FROM lessons l
                 WHERE l.state = 'live' OR l.state = 'scheduled' AND l.starts_ms < $1 ORDER BY l.starts_ms, l.id"
            );
            let found =
                sqlx::query(sqlx::AssertSqlSafe(text)).bind(until.0).fetch_all(&self.readers).await.map_err(failed)?;
            rows::each(&found, access::lesson)
        })
    }

    fn start_lesson(&self, id: LessonId, now: UnixMillis) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            let mut lesson = lock_lesson(&mut transaction, id).await?;
            if lesson.state != LessonState::Scheduled {
                return Ok(None);
            }
            lesson.state = LessonState::Live;
            lesson.started = Some(now);
            lesson.version += 1;
            update(&mut transaction, &lesson).await?;
            changes::append(&mut transaction, now, &told(ChangeKind::LessonStarted, &lesson)).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(Some(lesson))
        })
    }

    fn end_lesson(
        &self,
        id: LessonId,
        unheld: bool,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<Lesson>, RepositoryError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            let mut lesson = lock_lesson(&mut transaction, id).await?;
            let ends = match lesson.state {
                LessonState::Live => true,
                LessonState::Scheduled => unheld,
                LessonState::Ended | LessonState::Cancelled => false,
            };
            if !ends {
                return Ok(None);
            }
            lesson.state = LessonState::Ended;
            lesson.ended = Some(now);
            lesson.version += 1;
            update(&mut transaction, &lesson).await?;
            changes::append(&mut transaction, now, &told(ChangeKind::LessonEnded, &lesson)).await?;
            let revoked = NewChange::new(ChangeKind::Revoked).lesson(id);
            changes::append(&mut transaction, now, &revoked).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(Some(lesson))
        })
    }

    fn announce_recordings(
        &self,
        since: UnixMillis,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<LessonId>, RepositoryError>> {
        Box::pin(async move {
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
        })
    }
}
