//! Mentors' pages and keys, and the addresses of calendars.

use control::audit::AuditAction;
use control::search::folded;
use control::teaching::TeachingError;
use control::teaching::mentors::{MENTOR_KEYS_MAX, MentorKey, MentorRepository, MentorSeen, NextLesson};
use control::{BoxFuture, ChangeKind, NewChange, RepositoryError, UserId, Uuid};
use media::UnixMillis;

use super::audit::Deed;
use super::search::pattern;
use super::{Row, Store, Write, changes, rows};

/// Mentors `m` as `$1` sees them at `$2`. What counts and what is next is what [`control::access`] lets them know of.
const SEEN: &str = "SELECT m.id, m.name, COALESCE(p.headline, '') AS headline, COALESCE(p.bio, '') AS bio,
        COALESCE(p.version, CAST(0 AS BIGINT)) AS version,
        (SELECT COUNT(*) FROM courses c
            LEFT JOIN enrolments e ON e.course_id = c.id AND e.user_id = $1
            WHERE c.mentor_id = m.id AND c.archived_ms IS NULL
                AND (c.enrolment <> 'invitation' OR c.mentor_id = $1 OR e.state = 'active' OR v.is_operator = 1
                    OR EXISTS (SELECT 1 FROM attendance a JOIN lessons t ON t.id = a.lesson_id
                        WHERE t.course_id = c.id AND a.user_id = $1 AND a.attended = 1))) AS courses,
        n.id AS n_id, n.title AS n_title, n.starts_ms AS n_starts_ms
    FROM users m
        LEFT JOIN users v ON v.id = $1 AND v.suspended_ms IS NULL
        LEFT JOIN mentors p ON p.user_id = m.id
        LEFT JOIN lessons n ON n.id = (SELECT l.id FROM lessons l JOIN courses c ON c.id = l.course_id
            LEFT JOIN enrolments e ON e.course_id = c.id AND e.user_id = v.id
            WHERE l.mentor_id = m.id AND l.ends_ms > $2 AND l.state IN ('scheduled', 'live')
                AND (c.enrolment = 'open' OR v.id IS NOT NULL AND (c.enrolment = 'approval' OR l.mentor_id = v.id
                    OR e.state = 'active' OR v.is_operator = 1))
            ORDER BY l.starts_ms, l.id LIMIT 1)
    WHERE m.is_mentor = 1 AND m.suspended_ms IS NULL";

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("mentor", error)
}

fn seen(row: &Row) -> Result<MentorSeen, RepositoryError> {
    let next_lesson = match rows::parsed_if(row, "n_id")? {
        None => None,
        Some(id) => Some(NextLesson {
            id,
            title: rows::column(row, "n_title")?,
            starts: UnixMillis(rows::column(row, "n_starts_ms")?),
        }),
    };
    Ok(MentorSeen {
        id: rows::parsed(row, "id")?,
        name: rows::column(row, "name")?,
        headline: rows::column(row, "headline")?,
        bio: rows::column(row, "bio")?,
        courses: rows::small(row, "courses")?,
        next_lesson,
        version: rows::column(row, "version")?,
    })
}

fn key(row: &Row) -> Result<MentorKey, RepositoryError> {
    Ok(MentorKey {
        id: rows::parsed(row, "id")?,
        mentor: rows::parsed(row, "mentor_id")?,
        label: rows::column(row, "label")?,
        hash: rows::parsed(row, "hash")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
    })
}

/// A line of the journal about a key of a mentor's own, which publishes to all their lessons.
async fn noted(
    transaction: &mut Write,
    mentor: UserId,
    (action, at): (AuditAction, UnixMillis),
) -> Result<(), RepositoryError> {
    Deed { at, by: Some(mentor), action, subject: format!("user:{mentor}") }.note(transaction, "of the mentor").await
}

impl MentorRepository for Store {
    fn put_mentor<'a>(
        &'a self,
        id: UserId,
        headline: &'a str,
        bio: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            sqlx::query(
                "INSERT INTO mentors (user_id, headline, bio, created_ms, version, search) VALUES ($1, $2, $3, $4, 1, $5)
                 ON CONFLICT (user_id) DO UPDATE SET headline = excluded.headline, bio = excluded.bio,
                     search = excluded.search, version = mentors.version + 1",
            )
            .bind(id.to_string())
            .bind(headline)
            .bind(bio)
            .bind(now.0)
            .bind(folded(headline))
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            changes::append(&mut transaction, now, &NewChange::new(ChangeKind::Mentor).user(id)).await?;
            transaction.commit().await.map_err(failed)
        }))
    }

    fn mentor(
        &self,
        id: UserId,
        viewer: Option<UserId>,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<MentorSeen>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("{SEEN} AND m.id = $3")))
                .bind(viewer.map(|id| id.to_string()))
                .bind(now.0)
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?
                .map(|row| seen(&row))
                .transpose()
        })
    }

    fn mentors<'a>(
        &'a self,
        query: Option<&'a str>,
        viewer: Option<UserId>,
        after: Option<UserId>,
        limit: u32,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<MentorSeen>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "{SEEN} AND (CAST($3 AS TEXT) IS NULL OR m.search LIKE $3 ESCAPE '!'
                     OR p.search LIKE $3 ESCAPE '!')
                 AND (p.user_id IS NOT NULL OR EXISTS (SELECT 1 FROM courses t WHERE t.mentor_id = m.id))
                 AND (CAST($4 AS TEXT) IS NULL OR m.id > $4) ORDER BY m.id LIMIT $5"
            );
            let asked = || {
                sqlx::query(sqlx::AssertSqlSafe(text.clone()))
                    .bind(viewer.map(|id| id.to_string()))
                    .bind(now.0)
                    .bind(query.map(pattern))
                    .bind(after.map(|id| id.to_string()))
                    .bind(i64::from(limit))
            };
            let found = self.listed(viewer, asked).await.map_err(failed)?;
            rows::each(&found, seen)
        })
    }

    fn add_mentor_key<'a>(&'a self, key: &'a MentorKey) -> BoxFuture<'a, Result<(), TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            // Their row is locked, so that of two keys at once the second counts the first.
            sqlx::query("UPDATE users SET version = version WHERE id = $1")
                .bind(key.mentor.to_string())
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            let row =
                sqlx::query("SELECT COUNT(*) AS held FROM mentor_keys WHERE mentor_id = $1 AND revoked_ms IS NULL")
                    .bind(key.mentor.to_string())
                    .fetch_one(transaction.connection())
                    .await
                    .map_err(failed)?;
            if rows::small(&row, "held")? >= MENTOR_KEYS_MAX {
                return Err(TeachingError::TooMany(MENTOR_KEYS_MAX));
            }
            sqlx::query(
                "INSERT INTO mentor_keys (id, mentor_id, label, hash, created_ms, revoked_ms)
                 VALUES ($1, $2, $3, $4, $5, NULL)",
            )
            .bind(key.id.to_string())
            .bind(key.mentor.to_string())
            .bind(&key.label)
            .bind(key.hash.to_string())
            .bind(key.created.0)
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("key", error))?;
            let told = NewChange::new(ChangeKind::Mentor).user(key.mentor);
            changes::append(&mut transaction, key.created, &told).await?;
            noted(&mut transaction, key.mentor, (AuditAction::KeyMade, key.created)).await?;
            Ok(transaction.commit().await.map_err(failed)?)
        }))
    }

    fn mentor_keys(&self, mentor: UserId) -> BoxFuture<'_, Result<Vec<MentorKey>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(
                "SELECT id, mentor_id, label, hash, created_ms FROM mentor_keys
                 WHERE mentor_id = $1 AND revoked_ms IS NULL ORDER BY created_ms, id",
            )
            .bind(mentor.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
            rows::each(&found, key)
        })
    }

    fn revoke_mentor_key(
        &self,
        mentor: UserId,
        key: Uuid,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let done = sqlx::query(
                "UPDATE mentor_keys SET revoked_ms = COALESCE(revoked_ms, $1) WHERE id = $2 AND mentor_id = $3",
            )
            .bind(now.0)
            .bind(key.to_string())
            .bind(mentor.to_string())
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            if done.rows_affected() == 0 {
                return Err(RepositoryError::NotFound("key"));
            }
            changes::append(&mut transaction, now, &NewChange::new(ChangeKind::Mentor).user(mentor)).await?;
            noted(&mut transaction, mentor, (AuditAction::KeyRevoked, now)).await?;
            transaction.commit().await.map_err(failed)
        }))
    }

    fn calendar_generation(&self, user: UserId) -> BoxFuture<'_, Result<i64, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query_scalar("SELECT generation FROM calendars WHERE user_id = $1")
                .bind(user.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("calendar", error))?;
            Ok(found.unwrap_or(0))
        })
    }

    fn withdraw_calendar(&self, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO calendars (user_id, generation, changed_ms) VALUES ($1, 1, $2)
                 ON CONFLICT (user_id) DO UPDATE SET generation = calendars.generation + 1,
                     changed_ms = excluded.changed_ms",
            )
            .bind(user.to_string())
            .bind(now.0)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(|error| rows::failed("calendar", error))
        })
    }
}
