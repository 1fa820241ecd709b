//! Lessons.
//!
//! Whatever sets or moves a lesson locks its mentor's row first, so that of two at one time the later sees the earlier; the
//! changes are appended last, as that lock is everybody's.

use control::teaching::lessons::{LessonRepository, NewLesson, Times};
use control::teaching::{Lesson, TeachingError};
use control::{BoxFuture, ChangeKind, LessonId, NewChange, RepositoryError, UserId};

use super::courses::lock_course;
use super::{Store, Write, changes, channels, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("lesson", error)
}

/// Nobody else sets or moves a lesson of theirs until the transaction is over.
async fn lock_mentor(transaction: &mut Write, mentor: UserId) -> Result<(), RepositoryError> {
    sqlx::query("UPDATE users SET version = version WHERE id = $1")
        .bind(mentor.to_string())
        .execute(transaction.connection())
        .await
        .map(|_| ())
        .map_err(failed)
}

/// Refuses a time at which another lesson of the mentor is or will be.
async fn require_free(
    transaction: &mut Write,
    (mentor, lesson): (UserId, LessonId),
    times: Times,
) -> Result<(), TeachingError> {
    let row = sqlx::query(
        "SELECT id FROM lessons WHERE mentor_id = $1 AND id <> $2 AND state IN ('scheduled', 'live')
             AND starts_ms < $4 AND ends_ms > $3 ORDER BY starts_ms LIMIT 1",
    )
    .bind(mentor.to_string())
    .bind(lesson.to_string())
    .bind(times.starts.0)
    .bind(times.ends.0)
    .fetch_optional(transaction.connection())
    .await
    .map_err(failed)?;
    match row {
        Some(row) => Err(TeachingError::Overlaps(rows::parsed(&row, "id")?)),
        None => Ok(()),
    }
}

async fn insert(transaction: &mut Write, lesson: &Lesson) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO lessons (id, course_id, mentor_id, channel_id, series_id, title, summary, starts_ms, ends_ms, zone,
             state, started_ms, ended_ms, capacity, slow_ms, comments_on, review_on, word_filter, created_ms, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(lesson.id.to_string())
    .bind(lesson.course.to_string())
    .bind(lesson.mentor.to_string())
    .bind(lesson.channel.to_string())
    .bind(lesson.series.map(|id| id.to_string()))
    .bind(&lesson.title)
    .bind(&lesson.summary)
    .bind(lesson.starts.0)
    .bind(lesson.ends.0)
    .bind(&lesson.zone)
    .bind(lesson.state.as_str())
    .bind(lesson.started.map(|at| at.0))
    .bind(lesson.ended.map(|at| at.0))
    .bind(lesson.capacity.map(i64::from))
    .bind(i64::from(lesson.slow_ms))
    .bind(i64::from(lesson.comments_on))
    .bind(i64::from(lesson.review_on))
    .bind(stored_words(&lesson.word_filter))
    .bind(lesson.created.0)
    .bind(lesson.version)
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(failed)
}

fn stored_words(words: &[String]) -> String {
    serde_json::to_string(words).expect("texts are JSON")
}

/// A change of that kind to a lesson.
fn told(kind: ChangeKind, lesson: &Lesson) -> NewChange {
    NewChange::new(kind).lesson(lesson.id).course(lesson.course)
}

impl LessonRepository for Store {
    fn create_lessons<'a>(
        &'a self,
        lessons: &'a [NewLesson],
        may_overlap: bool,
    ) -> BoxFuture<'a, Result<(), TeachingError>> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            for new in lessons {
                let lesson = &new.lesson;
                lock_mentor(&mut transaction, lesson.mentor).await?;
                if lock_course(&mut transaction, lesson.course).await?.archived.is_some() {
                    return Err(TeachingError::Archived);
                }
                if !may_overlap {
                    require_free(&mut transaction, (lesson.mentor, lesson.id), Times::of(lesson)).await?;
                }
                channels::insert_channel(&mut transaction, &new.channel).await?;
                insert(&mut transaction, lesson).await?;
            }
            for NewLesson { lesson, channel } in lessons {
                let at = lesson.created;
                let made = NewChange::new(ChangeKind::Channel).channel(channel.id);
                changes::append(&mut transaction, at, &made).await?;
                changes::append(&mut transaction, at, &told(ChangeKind::LessonScheduled, lesson)).await?;
            }
            Ok(transaction.commit().await.map_err(failed)?)
        })
    }
}
