//! The attendance record.
//!
//! A batch is of many people at once: it is read and written in statements of hundreds of rows, so that what 8,000 viewers got
//! in two seconds costs tens of milliseconds. The rows of the people concerned are locked first, so that two servers that
//! record the same lesson add up.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use control::attendance::{
    AttendanceRepository, Attendee, Correction, Decision, Interval, Kept, Ledger, rows as joined,
};
use control::audit::{AuditAction, AuditEntry};
use control::search::folded;
use control::{BoxFuture, ChangeKind, LessonId, NewChange, RepositoryError, UserId};
use media::UnixMillis;
use sqlx::QueryBuilder;

use super::access::{LESSON, PERSON, STANDING};
use super::{Db, Row, Store, Write, access, audit as journal, changes, rows};

/// Rows of one statement: nine placeholders each are within what both databases take.
const ROWS_MAX: usize = 500;

type Key = (LessonId, UserId);

const LEDGER: &str = "a.user_id, a.watched_ms, a.first_ms, a.last_ms, a.decision, a.attended";
const INTERVALS: &str =
    "SELECT lesson_id, user_id, playback_id, protocol, from_ms, to_ms FROM attendance_intervals WHERE lesson_id = ";

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("attendance", error)
}

fn ledger(row: &Row) -> Result<Ledger, RepositoryError> {
    Ok(Ledger {
        watched_ms: rows::column(row, "watched_ms")?,
        first: rows::moment_if(row, "first_ms")?,
        last: rows::moment_if(row, "last_ms")?,
        decision: rows::parsed(row, "decision")?,
        attended: rows::truth(row, "attended")?,
    })
}

/// A row with [`LEDGER`] and the person's name; what it was measured from is elsewhere.
fn line(row: &Row) -> Result<Attendee, RepositoryError> {
    let (user, name) = (rows::parsed(row, "user_id")?, rows::column(row, "name")?);
    Ok(Attendee { user, name, ledger: ledger(row)?, intervals: Vec::new() })
}

fn interval(row: &Row) -> Result<Interval, RepositoryError> {
    Ok(Interval {
        lesson: rows::parsed(row, "lesson_id")?,
        user: rows::parsed(row, "user_id")?,
        playback: rows::parsed(row, "playback_id")?,
        protocol: Cow::Owned(rows::column(row, "protocol")?),
        from: UnixMillis(rows::column(row, "from_ms")?),
        to: UnixMillis(rows::column(row, "to_ms")?),
    })
}

/// `… IN (` the ids `)`.
fn among(query: &mut QueryBuilder<Db>, ids: &[impl ToString]) {
    query.push(" IN (");
    let mut listed = query.separated(", ");
    for id in ids {
        listed.push_bind(id.to_string());
    }
    query.push(")");
}

/// What a lesson says of what counts.
struct Span {
    started: Option<UnixMillis>,
    ended: Option<UnixMillis>,
    course: String,
    mentor: UserId,
}

async fn span(write: &mut Write, lesson: LessonId) -> Result<Option<Span>, RepositoryError> {
    let row = sqlx::query("SELECT course_id, mentor_id, started_ms, ended_ms FROM lessons WHERE id = $1")
        .bind(lesson.to_string())
        .fetch_optional(write.connection())
        .await
        .map_err(failed)?;
    let read = |row: Row| {
        Ok(Span {
            started: rows::moment_if(&row, "started_ms")?,
            ended: rows::moment_if(&row, "ended_ms")?,
            course: rows::column(&row, "course_id")?,
            mentor: rows::parsed(&row, "mentor_id")?,
        })
    };
    row.map(read).transpose()
}

/// Makes lines for those who have none, of those who exist, and answers all of them. Whoever else writes one waits.
async fn lines(
    write: &mut Write,
    lesson: LessonId,
    people: &[UserId],
) -> Result<HashMap<UserId, Ledger>, RepositoryError> {
    let mut found = HashMap::new();
    for people in people.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO attendance (lesson_id, user_id, watched_ms, first_ms, last_ms, decision, attended, version)
             SELECT CAST(",
        );
        query.push_bind(lesson.to_string());
        query.push(
            " AS TEXT), u.id, CAST(0 AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST('measured' AS TEXT),
                 CAST(0 AS BIGINT), CAST(0 AS BIGINT) FROM users u WHERE u.id",
        );
        among(&mut query, people);
        query.push(" ORDER BY u.id ON CONFLICT (lesson_id, user_id) DO UPDATE SET version = attendance.version");
        query.push(" RETURNING user_id, watched_ms, first_ms, last_ms, decision, attended");
        let some = query.build().fetch_all(write.connection()).await.map_err(failed)?;
        for row in &some {
            found.insert(rows::parsed(row, "user_id")?, ledger(row)?);
        }
    }
    Ok(found)
}

async fn intervals_of(
    write: &mut Write,
    lesson: LessonId,
    people: &[UserId],
) -> Result<HashMap<UserId, Vec<Interval>>, RepositoryError> {
    let mut found: HashMap<UserId, Vec<Interval>> = HashMap::new();
    for people in people.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Db>::new(INTERVALS);
        query.push_bind(lesson.to_string()).push(" AND user_id");
        among(&mut query, people);
        let some = query.build().fetch_all(write.connection()).await.map_err(failed)?;
        for row in &some {
            let one = interval(row)?;
            found.entry(one.user).or_default().push(one);
        }
    }
    Ok(found)
}

async fn write_intervals(write: &mut Write, intervals: &[Interval]) -> Result<(), RepositoryError> {
    for some in intervals.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO attendance_intervals (lesson_id, user_id, playback_id, protocol, from_ms, to_ms) ",
        );
        query.push_values(some, |mut row, one| {
            row.push_bind(one.lesson.to_string())
                .push_bind(one.user.to_string())
                .push_bind(one.playback.to_string())
                .push_bind(one.protocol.to_string())
                .push_bind(one.from.0)
                .push_bind(one.to.0);
        });
        query.push(
            " ON CONFLICT (lesson_id, user_id, playback_id, protocol, from_ms) DO UPDATE SET to_ms =
                 CASE WHEN excluded.to_ms > attendance_intervals.to_ms THEN excluded.to_ms
                     ELSE attendance_intervals.to_ms END",
        );
        query.build().execute(write.connection()).await.map_err(failed)?;
    }
    Ok(())
}

async fn write_lines(write: &mut Write, lesson: LessonId, changed: &[(UserId, Ledger)]) -> Result<(), RepositoryError> {
    for some in changed.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO attendance (lesson_id, user_id, watched_ms, first_ms, last_ms, decision, attended, version) ",
        );
        query.push_values(some, |mut row, (user, line)| {
            row.push_bind(lesson.to_string())
                .push_bind(user.to_string())
                .push_bind(line.watched_ms)
                .push_bind(line.first.map(|at| at.0))
                .push_bind(line.last.map(|at| at.0))
                .push_bind(line.decision.as_str())
                .push_bind(i64::from(line.attended))
                .push_bind(1i64);
        });
        query.push(
            " ON CONFLICT (lesson_id, user_id) DO UPDATE SET watched_ms = excluded.watched_ms,
                 first_ms = excluded.first_ms, last_ms = excluded.last_ms, decision = excluded.decision,
                 attended = excluded.attended, version = attendance.version + 1",
        );
        query.build().execute(write.connection()).await.map_err(failed)?;
    }
    Ok(())
}

/// Who counts as having been there since now.
async fn record_lesson(
    write: &mut Write,
    lesson: LessonId,
    fresh: &[&Interval],
    threshold_ms: i64,
) -> Result<Vec<NewChange>, RepositoryError> {
    let Some(span) = span(write, lesson).await? else { return Ok(Vec::new()) };
    let mut by_person: HashMap<UserId, Vec<Interval>> = HashMap::new();
    // A mentor who looks at what they send attends nothing.
    for one in fresh.iter().filter(|one| one.user != span.mentor) {
        if let Some(one) = (*one).clone().within(span.started, span.ended) {
            by_person.entry(one.user).or_default().push(one);
        }
    }
    let mut people: Vec<UserId> = by_person.keys().copied().collect();
    // In one order, so that two who lock them do not wait for each other.
    people.sort_unstable();
    let lines = lines(write, lesson, &people).await?;
    let mut known = intervals_of(write, lesson, &people).await?;
    let (mut written, mut changed, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (user, before) in lines {
        let (mut all, fresh) = (known.remove(&user).unwrap_or_default(), &by_person[&user]);
        let new = joined(&all, fresh);
        if new.is_empty() {
            continue;
        }
        for row in &new {
            match all.iter_mut().find(|one| one.is_like(row) && one.from == row.from) {
                Some(one) => one.to = row.to,
                None => all.push(row.clone()),
            }
        }
        written.extend(new);
        let after = before.clone().measured(&all, threshold_ms);
        if after.attended && !before.attended {
            let course = span.course.parse().map_err(|_| rows::corrupt("course_id"))?;
            told.push(NewChange::new(ChangeKind::Attendance).user(user).lesson(lesson).course(course));
        }
        changed.push((user, after));
    }
    write_intervals(write, &written).await?;
    write_lines(write, lesson, &changed).await?;
    Ok(told)
}

async fn attendee(
    write: &mut Write,
    (lesson, user): Key,
    name: String,
    ledger: Ledger,
) -> Result<Attendee, RepositoryError> {
    let mut intervals = intervals_of(write, lesson, &[user]).await?.remove(&user).unwrap_or_default();
    intervals.sort_by_key(|one| one.from);
    Ok(Attendee { user, name, ledger, intervals })
}

async fn audit(write: &mut Write, correction: &Correction, before: Decision) -> Result<(), RepositoryError> {
    let detail = format!(
        "user:{}: {} to {}: {}",
        correction.user,
        before.as_str(),
        correction.decision.as_str(),
        correction.reason
    );
    let (by, action) = (Some(correction.by), AuditAction::AttendanceCorrected);
    let entry = AuditEntry::new(correction.at, by, action, format!("lesson:{}", correction.lesson), &detail);
    sqlx::query(
        "INSERT INTO attendance_corrections (id, lesson_id, user_id, by_id, before, after, reason, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.id.to_string())
    .bind(correction.lesson.to_string())
    .bind(correction.user.to_string())
    .bind(correction.by.to_string())
    .bind(before.as_str())
    .bind(correction.decision.as_str())
    .bind(&correction.reason)
    .bind(correction.at.0)
    .execute(write.connection())
    .await
    .map_err(failed)?;
    journal::append(write, &entry).await
}

impl AttendanceRepository for Store {
    fn record<'a>(
        &'a self,
        intervals: &'a [Interval],
        threshold_ms: i64,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut by_lesson: HashMap<LessonId, Vec<&Interval>> = HashMap::new();
            for one in intervals {
                by_lesson.entry(one.lesson).or_default().push(one);
            }
            let mut lessons: Vec<LessonId> = by_lesson.keys().copied().collect();
            lessons.sort_unstable();
            let mut write = self.begin().await?;
            let mut told = Vec::new();
            for lesson in lessons {
                told.extend(record_lesson(&mut write, lesson, &by_lesson[&lesson], threshold_ms).await?);
            }
            // Last, as their lock is everybody's.
            for change in &told {
                changes::append(&mut write, now, change).await?;
            }
            write.commit().await.map_err(failed)
        }))
    }

    fn attendance(
        &self,
        lesson: LessonId,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Attendee>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LEDGER}, u.name FROM attendance a JOIN users u ON u.id = a.user_id
                 WHERE a.lesson_id = $1 AND a.user_id > $2 ORDER BY a.user_id LIMIT $3"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .bind(after.map(|id| id.to_string()).unwrap_or_default())
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            let mut all = rows::each(&found, line)?;
            let at: HashMap<UserId, usize> = all.iter().enumerate().map(|(at, one)| (one.user, at)).collect();
            let people: Vec<UserId> = all.iter().map(|one| one.user).collect();
            for people in people.chunks(ROWS_MAX) {
                let mut query = QueryBuilder::<Db>::new(INTERVALS);
                query.push_bind(lesson.to_string()).push(" AND user_id");
                among(&mut query, people);
                query.push(" ORDER BY from_ms, to_ms");
                for row in &query.build().fetch_all(&self.readers).await.map_err(failed)? {
                    let one = interval(row)?;
                    if let Some(at) = at.get(&one.user) {
                        all[*at].intervals.push(one);
                    }
                }
            }
            Ok(all)
        })
    }

    fn attendance_by_name<'a>(
        &'a self,
        lesson: LessonId,
        after: Option<&'a Attendee>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Attendee>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LEDGER}, u.name FROM attendance a JOIN users u ON u.id = a.user_id
                 WHERE a.lesson_id = $1 AND (u.search > $2 OR u.search = $2 AND a.user_id > $3)
                 ORDER BY u.search, a.user_id LIMIT $4"
            );
            // No name is empty.
            let (name, user) = after.map(|one| (folded(&one.name), one.user.to_string())).unwrap_or_default();
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .bind(name)
                .bind(user)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, line)
        })
    }

    fn correct<'a>(
        &'a self,
        correction: &'a Correction,
        threshold_ms: i64,
    ) -> BoxFuture<'a, Result<Attendee, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let Correction { lesson, user, decision, at, .. } = *correction;
            let mut write = self.begin().await?;
            let name: Option<String> = sqlx::query_scalar("SELECT name FROM users WHERE id = $1")
                .bind(user.to_string())
                .fetch_optional(write.connection())
                .await
                .map_err(failed)?;
            let name = name.ok_or(RepositoryError::NotFound("person"))?;
            let span = span(&mut write, lesson).await?.ok_or(RepositoryError::NotFound("lesson"))?;
            let course = span.course.parse().map_err(|_| rows::corrupt("course_id"))?;
            let before = lines(&mut write, lesson, &[user]).await?.remove(&user).unwrap_or_default();
            let after = before.clone().decided(decision, threshold_ms);
            write_lines(&mut write, lesson, &[(user, after.clone())]).await?;
            audit(&mut write, correction, before.decision).await?;
            let attendee = attendee(&mut write, (lesson, user), name, after.clone()).await?;
            let about = |kind| NewChange::new(kind).user(user).lesson(lesson).course(course);
            if before.attended != after.attended {
                changes::append(&mut write, at, &about(ChangeKind::Attendance)).await?;
            }
            if decision == Decision::Absent || before.attended && !after.attended {
                changes::append(&mut write, at, &about(ChangeKind::Revoked)).await?;
            }
            write.commit().await.map_err(failed)?;
            Ok(attendee)
        }))
    }

    fn names<'a>(&'a self, people: &'a [UserId]) -> BoxFuture<'a, Result<Vec<(UserId, String)>, RepositoryError>> {
        Box::pin(async move {
            let distinct: Vec<UserId> = people.iter().copied().collect::<HashSet<_>>().into_iter().collect();
            let mut all = Vec::with_capacity(distinct.len());
            for people in distinct.chunks(ROWS_MAX) {
                let mut query = QueryBuilder::<Db>::new("SELECT id, name FROM users WHERE id");
                among(&mut query, people);
                for row in &query.build().fetch_all(&self.readers).await.map_err(failed)? {
                    all.push((rows::parsed(row, "id")?, rows::column(row, "name")?));
                }
            }
            Ok(all)
        })
    }

    fn position(&self, user: UserId, lesson: LessonId) -> BoxFuture<'_, Result<Option<i64>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query_scalar("SELECT at_ms FROM positions WHERE user_id = $1 AND lesson_id = $2")
                .bind(user.to_string())
                .bind(lesson.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("position", error))
        })
    }

    fn positions(&self, user: UserId, limit: u32) -> BoxFuture<'_, Result<Vec<Kept>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LESSON}, {STANDING}, p.at_ms, p.saved_ms,
                     (SELECT MAX(r.duration_ms) FROM recordings r WHERE r.channel_id = l.channel_id) AS duration_ms
                 FROM positions p JOIN lessons l ON l.id = p.lesson_id JOIN courses c ON c.id = l.course_id {PERSON}
                 WHERE p.user_id = $1
                     AND EXISTS (SELECT 1 FROM recordings r WHERE r.channel_id = l.channel_id AND r.duration_ms > 0)
                 ORDER BY p.saved_ms DESC, p.lesson_id LIMIT $2"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(user.to_string())
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(|error| rows::failed("position", error))?;
            rows::each(&found, |row| {
                Ok(Kept {
                    standing: access::standing(row)?,
                    at_ms: rows::column(row, "at_ms")?,
                    saved: UnixMillis(rows::column(row, "saved_ms")?),
                    duration_ms: rows::column(row, "duration_ms")?,
                })
            })
        })
    }

    fn put_position(
        &self,
        user: UserId,
        lesson: LessonId,
        at_ms: i64,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO positions (user_id, lesson_id, at_ms, saved_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (user_id, lesson_id) DO UPDATE SET at_ms = excluded.at_ms, saved_ms = excluded.saved_ms",
            )
            .bind(user.to_string())
            .bind(lesson.to_string())
            .bind(at_ms)
            .bind(now.0)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(|error| rows::failed("position", error))
        })
    }
}
