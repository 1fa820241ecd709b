//! Lessons.
//!
//! Whatever sets or moves a lesson locks its mentor's row first, so that of two at one time the later sees the earlier; the
//! changes are appended last, as that lock is everybody's.

use control::teaching::lessons::{
    Ban, Banned, Chapter, LessonEdit, LessonFilter, LessonRepository, LessonSeen, Mine, NewLesson, Scope, Times,
};
use control::teaching::{Lesson, LessonState, TeachingError};
use control::{BoxFuture, ChangeKind, LessonId, NewChange, RepositoryError, UserId};
use media::UnixMillis;

use super::access::{LESSON, PERSON, STANDING};
use super::courses::lock_course;
use super::{Row, Store, Write, access, bans, changes, channels, edits, rows};

/// What [`seen`] reads, as `$1` sees it.
fn seen_by() -> String {
    format!(
        "SELECT {LESSON}, {STANDING}, c.title AS c_title, m.name AS m_name,
             CAST(CASE WHEN c.archived_ms IS NULL THEN 0 ELSE 1 END AS BIGINT) AS c_archived,
             (SELECT CASE MIN(CASE r.state WHEN 'recording' THEN 1 WHEN 'sealed' THEN 2 ELSE 3 END)
                  WHEN 1 THEN 'recording' WHEN 2 THEN 'sealed' WHEN 3 THEN 'ready' END
              FROM recordings r WHERE r.channel_id = l.channel_id) AS recording
         FROM lessons l JOIN courses c ON c.id = l.course_id JOIN users m ON m.id = l.mentor_id {PERSON}"
    )
}

/// `control::access` on whether `$1` may know of a lesson; a test compares them.
const KNOWN: &str = "(u.id IS NULL AND c.enrolment = 'open' OR u.id IS NOT NULL AND u.suspended_ms IS NULL
    AND (c.enrolment <> 'invitation' OR u.id = l.mentor_id OR e.state = 'active' OR a.attended = 1 OR u.is_operator = 1))";

fn seen(row: &Row) -> Result<LessonSeen, RepositoryError> {
    Ok(LessonSeen {
        standing: access::standing(row)?,
        course_title: rows::column(row, "c_title")?,
        course_archived: rows::truth(row, "c_archived")?,
        mentor_name: rows::column(row, "m_name")?,
        recording: rows::parsed_if(row, "recording")?,
    })
}

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

/// The lesson, whose row nobody else changes until the transaction is over.
pub(super) async fn lock_lesson(transaction: &mut Write, id: LessonId) -> Result<Lesson, RepositoryError> {
    sqlx::query("UPDATE lessons SET version = version WHERE id = $1")
        .bind(id.to_string())
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {LESSON} FROM lessons l WHERE l.id = $1")))
        .bind(id.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(failed)?;
    access::lesson(&row.ok_or(RepositoryError::NotFound("lesson"))?)
}

/// Writes what of a lesson may change.
pub(super) async fn update(transaction: &mut Write, lesson: &Lesson) -> Result<(), RepositoryError> {
    sqlx::query(
        "UPDATE lessons SET title = $2, summary = $3, starts_ms = $4, ends_ms = $5, zone = $6, state = $7,
             started_ms = $8, ended_ms = $9, capacity = $10, slow_ms = $11, comments_on = $12, review_on = $13,
             word_filter = $14, version = $15 WHERE id = $1",
    )
    .bind(lesson.id.to_string())
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
    .bind(lesson.version)
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(failed)
}

/// Of the series of `this`, what begins behind it and is still to come; their rows are locked.
async fn following(transaction: &mut Write, this: &Lesson) -> Result<Vec<Lesson>, RepositoryError> {
    let Some(series) = this.series else { return Ok(Vec::new()) };
    let text = format!(
        "SELECT {LESSON} FROM lessons l WHERE l.series_id = $1 AND l.course_id = $2 AND l.state = 'scheduled'
             AND l.starts_ms > $3 AND l.id <> $4 ORDER BY l.starts_ms, l.id"
    );
    sqlx::query("UPDATE lessons SET version = version WHERE series_id = $1 AND course_id = $2")
        .bind(series.to_string())
        .bind(this.course.to_string())
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    let found = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(series.to_string())
        .bind(this.course.to_string())
        .bind(this.starts.0)
        .bind(this.id.to_string())
        .fetch_all(transaction.connection())
        .await
        .map_err(failed)?;
    rows::each(&found, access::lesson)
}

/// What of `id` and, if asked for, of what follows is different with the edit: before and after, the one first.
async fn edited(
    transaction: &mut Write,
    id: LessonId,
    edit: &LessonEdit,
    now: UnixMillis,
) -> Result<Vec<(Lesson, Lesson)>, TeachingError> {
    let before = lock_lesson(transaction, id).await?;
    if edit.version.is_some_and(|version| version != before.version) {
        return Err(TeachingError::ChangedMeanwhile);
    }
    let after = edit.change.applied(&before, now)?;
    let mut all = Vec::new();
    if edit.scope == Scope::Following {
        for other in following(transaction, &before).await? {
            let followed = edit.change.followed((&before, &after), &other, now)?;
            all.push((other, followed));
        }
    }
    all.insert(0, (before, after));
    Ok(all)
}

/// A change of that kind to a lesson.
pub(super) fn told(kind: ChangeKind, lesson: &Lesson) -> NewChange {
    NewChange::new(kind).lesson(lesson.id).course(lesson.course)
}

/// Lessons that `$1` counts as having been at.
const ATTENDED: &str = "l.id IN (SELECT lesson_id FROM attendance WHERE user_id = $1 AND attended = 1)";
/// Those, and the ones of courses that `$1` is in.
const ATTENDING: &str = "(l.id IN (SELECT lesson_id FROM attendance WHERE user_id = $1 AND attended = 1)
    OR l.course_id IN (SELECT course_id FROM enrolments WHERE user_id = $1 AND state = 'active'))";

impl LessonRepository for Store {
    fn create_lessons<'a>(
        &'a self,
        lessons: &'a [NewLesson],
        may_overlap: bool,
    ) -> BoxFuture<'a, Result<(), TeachingError>> {
        Box::pin(self.again(move || async move {
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
        }))
    }

    fn lesson(
        &self,
        id: LessonId,
        viewer: Option<UserId>,
    ) -> BoxFuture<'_, Result<Option<LessonSeen>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("{} WHERE l.id = $2", seen_by())))
                .bind(viewer.map(|id| id.to_string()))
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?
                .map(|row| seen(&row))
                .transpose()
        })
    }

    fn lessons<'a>(
        &'a self,
        filter: &'a LessonFilter,
        viewer: Option<UserId>,
    ) -> BoxFuture<'a, Result<Vec<LessonSeen>, RepositoryError>> {
        Box::pin(async move {
            let (behind, order, start) =
                if filter.newest_first { ("<", "DESC", i64::MAX) } else { (">", "ASC", i64::MIN) };
            // Each condition that is not asked for is left out, so that an index can serve those that are.
            let state = filter.state.map_or("CAST($2 AS TEXT) IS NULL", |_| "l.state = $2");
            let course = filter.course.map_or("CAST($3 AS TEXT) IS NULL", |_| "l.course_id = $3");
            let mentor = filter.mentor.map_or("CAST($4 AS TEXT) IS NULL", |_| "l.mentor_id = $4");
            let mine = filter.mine.map_or("1 = 1", |mine| match mine {
                Mine::Teaching => "l.mentor_id = $1",
                Mine::Attending => ATTENDING,
                Mine::Attended => ATTENDED,
            });
            let text = format!(
                "{} WHERE {KNOWN} AND {state} AND {course} AND {mentor} AND {mine}
                 AND l.starts_ms >= $5 AND l.starts_ms < $6
                 AND (l.starts_ms {behind} $7 OR l.starts_ms = $7 AND l.id {behind} $8)
                 ORDER BY l.starts_ms {order}, l.id {order} LIMIT $9",
                seen_by()
            );
            let (after_ms, after_id) = match filter.after {
                Some((starts, id)) => (starts.0, id.to_string()),
                None => (start, String::new()),
            };
            let query = || {
                sqlx::query(sqlx::AssertSqlSafe(text.clone()))
                    .bind(viewer.map(|id| id.to_string()))
                    .bind(filter.state.map(LessonState::as_str))
                    .bind(filter.course.map(|id| id.to_string()))
                    .bind(filter.mentor.map(|id| id.to_string()))
                    .bind(filter.from.map_or(i64::MIN, |at| at.0))
                    .bind(filter.until.map_or(i64::MAX, |at| at.0))
                    .bind(after_ms)
                    .bind(after_id.clone())
                    .bind(i64::from(filter.limit))
            };
            let found = self.listed(viewer, query).await.map_err(failed)?;
            rows::each(&found, seen)
        })
    }

    fn change_lessons<'a>(
        &'a self,
        id: LessonId,
        edit: &'a LessonEdit,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Lesson>, TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let mentor = mentor_of(&mut transaction, id).await?;
            lock_mentor(&mut transaction, mentor).await?;
            let mut all = edited(&mut transaction, id, edit, now).await?;
            let first = all.first().map(|(_, after)| after.clone());
            all.retain(|(before, after)| before != after);
            for (_, after) in &mut all {
                after.version += 1;
                update(&mut transaction, after).await?;
            }
            // Only now, as they may have moved to where another of them was.
            for (before, after) in &all {
                if !edit.may_overlap && Times::of(before) != Times::of(after) {
                    require_free(&mut transaction, (after.mentor, after.id), Times::of(after)).await?;
                }
            }
            for changed in edits::changes_of(&all, now) {
                changes::append(&mut transaction, now, &changed).await?;
            }
            transaction.commit().await.map_err(failed)?;
            let mut changed: Vec<Lesson> = all.into_iter().map(|(_, after)| after).collect();
            if changed.is_empty() {
                changed.extend(first);
            }
            Ok(changed)
        }))
    }

    fn cancel_lesson<'a>(
        &'a self,
        id: LessonId,
        reason: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Lesson, TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let mut lesson = lock_lesson(&mut transaction, id).await?;
            match lesson.state {
                LessonState::Scheduled => {}
                LessonState::Cancelled => return Ok(lesson),
                state @ (LessonState::Live | LessonState::Ended) => return Err(TeachingError::NotNow(state)),
            }
            lesson.state = LessonState::Cancelled;
            lesson.ended = Some(now);
            lesson.version += 1;
            update(&mut transaction, &lesson).await?;
            let mut cancelled = told(ChangeKind::LessonCancelled, &lesson);
            cancelled.payload = serde_json::json!({ "reason": reason }).to_string();
            changes::append(&mut transaction, now, &cancelled).await?;
            let revoked = NewChange::new(ChangeKind::Revoked).lesson(id);
            changes::append(&mut transaction, now, &revoked).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(lesson)
        }))
    }

    fn chapters(&self, id: LessonId) -> BoxFuture<'_, Result<Vec<Chapter>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query("SELECT at_ms, title FROM chapters WHERE lesson_id = $1 ORDER BY at_ms")
                .bind(id.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, |row| {
                Ok(Chapter { at_ms: rows::column(row, "at_ms")?, title: rows::column(row, "title")? })
            })
        })
    }

    fn put_chapters<'a>(
        &'a self,
        id: LessonId,
        chapters: &'a [Chapter],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let lesson = lock_lesson(&mut transaction, id).await?;
            sqlx::query("DELETE FROM chapters WHERE lesson_id = $1")
                .bind(id.to_string())
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            for chapter in chapters {
                sqlx::query("INSERT INTO chapters (lesson_id, at_ms, title) VALUES ($1, $2, $3)")
                    .bind(id.to_string())
                    .bind(chapter.at_ms)
                    .bind(&chapter.title)
                    .execute(transaction.connection())
                    .await
                    .map_err(|error| rows::failed("chapter", error))?;
            }
            let mut changed = told(ChangeKind::LessonChanged, &lesson);
            changed.payload = edits::payload_of_chapters(&lesson, chapters.len());
            changes::append(&mut transaction, now, &changed).await?;
            transaction.commit().await.map_err(failed)
        }))
    }

    fn ban<'a>(&'a self, ban: &'a Ban, now: UnixMillis) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || bans::ban(self, ban, now)))
    }

    fn bans(
        &self,
        lesson: LessonId,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Banned>, RepositoryError>> {
        Box::pin(bans::bans(self, lesson, after, limit))
    }

    fn lift_ban(&self, lesson: LessonId, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || bans::lift(self, lesson, user, now)))
    }
}

pub(super) async fn mentor_of(transaction: &mut Write, id: LessonId) -> Result<UserId, RepositoryError> {
    let row = sqlx::query("SELECT mentor_id FROM lessons WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(failed)?;
    rows::parsed(&row.ok_or(RepositoryError::NotFound("lesson"))?, "mentor_id")
}
