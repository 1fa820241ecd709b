//! Notices: planned a step at a time, listed, read; and who is to be told.

use control::notices::{
    Audience, LessonEvent, Letter, Notice, NoticeKind, NoticeRepository, NoticeSettings, Place, Plan, Quiet, Recipient,
    Subscription, Upcoming,
};
use control::{BoxFuture, LessonId, NewChange, NoticeId, RepositoryError, Seq, SubscriptionId, UserId, Uuid};
use media::UnixMillis;

use super::access::{LESSON, lesson};
use super::{Row, Store, Write, changes, deliveries, rows, subscriptions};

/// The planner's name among those who follow the changes.
const FOLLOWER: &str = "notices";

/// Who is told of lesson `$1`: a list of users.
fn audience_of(audience: Audience) -> &'static str {
    match audience {
        Audience::Enrolled => {
            "SELECT e.user_id FROM enrolments e JOIN lessons l ON l.course_id = e.course_id
             WHERE l.id = $1 AND e.state = 'active'"
        }
        Audience::Attended => {
            "SELECT user_id FROM attendance WHERE lesson_id = $1 AND attended = 1
             UNION SELECT mentor_id FROM lessons WHERE id = $1"
        }
    }
}

/// Whether user `u` is not sent out of lesson `$1`.
const NOT_BANNED: &str = "NOT EXISTS (SELECT 1 FROM bans b
    WHERE b.lesson_id = $1 AND b.user_id = u.id AND b.lifted_ms IS NULL)";

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("notice", error)
}

fn settings(row: &Row) -> Result<NoticeSettings, RepositoryError> {
    let Some(version) = rows::column::<Option<i64>>(row, "n_version")? else { return Ok(NoticeSettings::default()) };
    let minutes = |name| {
        let minute = rows::column::<Option<i64>>(row, name)?;
        minute.map(u16::try_from).transpose().map_err(|_| rows::corrupt(name))
    };
    let quiet = minutes("quiet_from_min")?.zip(minutes("quiet_until_min")?);
    let muted = rows::words(row, "muted_kinds")?;
    Ok(NoticeSettings {
        push_on: rows::truth(row, "push_on")?,
        email_on: rows::truth(row, "email_on")?,
        muted: muted
            .iter()
            .map(|kind| kind.parse().map_err(|_| rows::corrupt("muted_kinds")))
            .collect::<Result<_, _>>()?,
        quiet: quiet.and_then(|(from, until)| Quiet::new(from, until)),
        version,
    })
}

fn recipient(row: &Row) -> Result<Recipient, RepositoryError> {
    let confirmed = rows::moment_if(row, "verified_ms")?.is_some();
    Ok(Recipient {
        user: rows::parsed(row, "id")?,
        zone: rows::column(row, "zone")?,
        email: if confirmed { Some(rows::column(row, "email")?) } else { None },
        settings: settings(row)?,
        subscriptions: Vec::new(),
    })
}

fn notice(row: &Row) -> Result<Notice, RepositoryError> {
    Ok(Notice {
        id: rows::parsed(row, "n_id")?,
        kind: rows::parsed(row, "n_kind")?,
        lesson: rows::parsed(row, "n_lesson_id")?,
        payload: rows::column(row, "n_payload")?,
        created: UnixMillis(rows::column(row, "n_created_ms")?),
        read: rows::moment_if(row, "n_read_ms")?,
    })
}

/// The columns of a notice `n` that [`notice`] reads.
const NOTICE: &str = "n.id AS n_id, n.kind AS n_kind, n.lesson_id AS n_lesson_id, n.payload AS n_payload,
    n.created_ms AS n_created_ms, n.read_ms AS n_read_ms";

/// Moves the planner. `false`: it was not at `plan.from`.
async fn advance(transaction: &mut Write, plan: &Plan) -> Result<bool, RepositoryError> {
    let text = |within: Option<UserId>| within.map(|id| id.to_string()).unwrap_or_default();
    sqlx::query("INSERT INTO cursors (name, seq, resume) VALUES ($1, 0, '') ON CONFLICT (name) DO NOTHING")
        .bind(FOLLOWER)
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE cursors SET seq = $2, resume = $3 WHERE name = $1 AND seq = $4 AND resume = $5")
        .bind(FOLLOWER)
        .bind(plan.to.seq.0)
        .bind(text(plan.to.within))
        .bind(plan.from.seq.0)
        .bind(text(plan.from.within))
        .execute(transaction.connection())
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed)
}

impl NoticeRepository for Store {
    fn planned(&self) -> BoxFuture<'_, Result<Place, RepositoryError>> {
        Box::pin(async move {
            let row = sqlx::query("SELECT seq, resume FROM cursors WHERE name = $1")
                .bind(FOLLOWER)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
            let Some(row) = row else { return Ok(Place::default()) };
            let within = match rows::column::<&str>(&row, "resume")? {
                "" => None,
                id => Some(id.parse().map_err(|_| rows::corrupt("resume"))?),
            };
            Ok(Place { seq: Seq(rows::column(&row, "seq")?), within })
        })
    }

    fn plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            if !advance(&mut transaction, plan).await? {
                return Ok(false);
            }
            for (notice, ways) in &plan.notices {
                let new = sqlx::query(
                    "INSERT INTO notices (id, user_id, event_key, kind, lesson_id, payload, created_ms, read_ms)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) ON CONFLICT (user_id, event_key) DO NOTHING",
                )
                .bind(notice.id.to_string())
                .bind(notice.user.to_string())
                .bind(&notice.event_key)
                .bind(notice.kind.as_str())
                .bind(notice.lesson.to_string())
                .bind(&notice.payload)
                .bind(notice.created.0)
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
                let ways = if new.rows_affected() == 1 { ways.as_slice() } else { &[] };
                for way in ways {
                    deliveries::insert(&mut transaction, way).await?;
                }
            }
            for call in &plan.calls {
                deliveries::insert(&mut transaction, call).await?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(true)
        }))
    }

    fn lesson_event(&self, id: LessonId) -> BoxFuture<'_, Result<Option<LessonEvent>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LESSON}, c.title AS course_title, m.name AS mentor_name
                 FROM lessons l JOIN courses c ON c.id = l.course_id JOIN users m ON m.id = l.mentor_id WHERE l.id = $1"
            );
            let row = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
            row.map(|row| {
                Ok(LessonEvent {
                    lesson: lesson(&row)?,
                    course_title: rows::column(&row, "course_title")?,
                    mentor_name: rows::column(&row, "mentor_name")?,
                })
            })
            .transpose()
        })
    }

    fn recipients(
        &self,
        lesson: LessonId,
        audience: Audience,
        after: Option<UserId>,
        now: UnixMillis,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Recipient>, RepositoryError>> {
        Box::pin(async move {
            let told = audience_of(audience);
            let text = format!(
                "SELECT u.id, u.zone, u.email, u.verified_ms, s.push_on, s.email_on, s.muted_kinds, s.quiet_from_min,
                     s.quiet_until_min, s.version AS n_version
                 FROM users u LEFT JOIN notice_settings s ON s.user_id = u.id
                 WHERE u.id IN ({told}) AND u.id > $2 AND u.suspended_ms IS NULL AND u.email NOT LIKE 'erased:%'
                     AND {NOT_BANNED}
                 ORDER BY u.id LIMIT $3"
            );
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .bind(&after)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            let mut recipients = rows::each(&found, recipient)?;
            let Some(last) = recipients.last().map(|last| last.user.to_string()) else { return Ok(recipients) };
            let text = format!(
                "SELECT p.id, p.user_id FROM push_subscriptions p JOIN sessions s ON s.id = p.session_id
                 WHERE p.user_id IN ({told}) AND p.user_id > $2 AND p.user_id <= $3 AND p.gone_ms IS NULL
                     AND s.revoked_ms IS NULL AND s.expires_ms > $4
                 ORDER BY p.id"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .bind(&after)
                .bind(last)
                .bind(now.0)
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            for row in &found {
                let user: UserId = rows::parsed(row, "user_id")?;
                if let Ok(at) = recipients.binary_search_by(|recipient| recipient.user.cmp(&user)) {
                    recipients[at].subscriptions.push(rows::parsed(row, "id")?);
                }
            }
            Ok(recipients)
        })
    }

    fn upcoming(&self, now: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<Upcoming>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(
                "SELECT * FROM (
                     SELECT l.id, l.starts_ms,
                         COALESCE((SELECT MAX(c.at_ms) FROM changes c
                             WHERE c.kind IN ('lesson_scheduled', 'lesson_changed') AND c.at_ms > l.starts_ms - $2
                                 AND c.lesson_id = l.id), l.created_ms) AS set_ms,
                         CAST(EXISTS (SELECT 1 FROM reminders r WHERE r.lesson_id = l.id
                             AND r.kind = 'lesson_tomorrow' AND r.starts_ms = l.starts_ms) AS INTEGER) AS tomorrow,
                         CAST(EXISTS (SELECT 1 FROM reminders r WHERE r.lesson_id = l.id
                             AND r.kind = 'lesson_soon' AND r.starts_ms = l.starts_ms) AS INTEGER) AS soon
                     FROM lessons l
                     WHERE l.state = 'scheduled' AND l.starts_ms > $1 AND l.starts_ms <= $1 + $2
                 ) q
                 WHERE (soon = 0 AND starts_ms <= $1 + $3)
                     OR (tomorrow = 0 AND set_ms <= starts_ms - $2 AND starts_ms > $1 + $4)
                 ORDER BY starts_ms LIMIT $5",
            )
            .bind(now.0)
            .bind(control::notices::TOMORROW_MS)
            .bind(control::notices::SOON_MS)
            .bind(control::notices::TOMORROW_MS - control::notices::TOMORROW_LATE_MS)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
            rows::each(&found, |row| {
                Ok(Upcoming {
                    lesson: rows::parsed(row, "id")?,
                    starts: UnixMillis(rows::column(row, "starts_ms")?),
                    set: UnixMillis(rows::column(row, "set_ms")?),
                    told_tomorrow: rows::column::<i32>(row, "tomorrow")? != 0,
                    told_soon: rows::column::<i32>(row, "soon")? != 0,
                })
            })
        })
    }

    fn remind(
        &self,
        kind: NoticeKind,
        lesson: LessonId,
        starts: UnixMillis,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let course = sqlx::query(
                "INSERT INTO reminders (lesson_id, kind, starts_ms, at_ms)
                 SELECT id, CAST($2 AS TEXT), starts_ms, CAST($4 AS BIGINT) FROM lessons
                 WHERE id = $1 AND starts_ms = $3 AND state = 'scheduled'
                 ON CONFLICT (lesson_id, kind, starts_ms) DO NOTHING
                 RETURNING (SELECT course_id FROM lessons WHERE id = $1) AS course_id",
            )
            .bind(lesson.to_string())
            .bind(kind.as_str())
            .bind(starts.0)
            .bind(now.0)
            .fetch_optional(transaction.connection())
            .await
            .map_err(failed)?;
            let Some(course) = course else { return Ok(false) };
            let mut change = NewChange::new(kind.change()).lesson(lesson).course(rows::parsed(&course, "course_id")?);
            change.payload = format!("{{\"starts_ms\":{}}}", starts.0);
            changes::append(&mut transaction, now, &change).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(true)
        }))
    }

    fn notices(
        &self,
        user: UserId,
        before: Option<NoticeId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Notice>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {NOTICE} FROM notices n WHERE n.user_id = $1 AND n.id < $2 ORDER BY n.id DESC LIMIT $3"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(user.to_string())
                .bind(before.map_or_else(|| "g".to_owned(), |id| id.to_string()))
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, notice)
        })
    }

    fn forget_notices(&self, before: UnixMillis, limit: u32) -> BoxFuture<'_, Result<u64, RepositoryError>> {
        Box::pin(async move {
            let mut forgotten = 0;
            for text in [
                "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE created_ms < $1 LIMIT $2)",
                "DELETE FROM reminders WHERE (lesson_id, kind, starts_ms) IN
                     (SELECT lesson_id, kind, starts_ms FROM reminders WHERE starts_ms < $1 LIMIT $2)",
            ] {
                let done = sqlx::query(text).bind(before.0).bind(i64::from(limit)).execute(&self.writer).await;
                forgotten += done.map_err(failed)?.rows_affected();
            }
            Ok(forgotten)
        })
    }

    fn read_notices(
        &self,
        user: UserId,
        until: NoticeId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            let there = sqlx::query("SELECT id FROM notices WHERE id = $1 AND user_id = $2")
                .bind(until.to_string())
                .bind(user.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
            if there.is_none() {
                return Err(RepositoryError::NotFound("notice"));
            }
            sqlx::query("UPDATE notices SET read_ms = $3 WHERE user_id = $1 AND id <= $2 AND read_ms IS NULL")
                .bind(user.to_string())
                .bind(until.to_string())
                .bind(now.0)
                .execute(&self.writer)
                .await
                .map(|_| ())
                .map_err(failed)
        })
    }

    fn notice_settings(&self, user: UserId) -> BoxFuture<'_, Result<NoticeSettings, RepositoryError>> {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT push_on, email_on, muted_kinds, quiet_from_min, quiet_until_min, version AS n_version
                 FROM notice_settings WHERE user_id = $1",
            )
            .bind(user.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
            row.map_or_else(|| Ok(NoticeSettings::default()), |row| settings(&row))
        })
    }

    fn set_notice_settings<'a>(
        &'a self,
        user: UserId,
        settings: &'a NoticeSettings,
    ) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(async move {
            let muted: Vec<&str> = settings.muted.iter().map(|kind| kind.as_str()).collect();
            let muted = serde_json::to_string(&muted).expect("words are JSON");
            sqlx::query(
                "INSERT INTO notice_settings (user_id, push_on, email_on, muted_kinds, quiet_from_min, quiet_until_min,
                     version)
                 VALUES ($1, $2, $3, $4, $5, $6, $7 + 1)
                 ON CONFLICT (user_id) DO UPDATE SET push_on = excluded.push_on, email_on = excluded.email_on,
                     muted_kinds = excluded.muted_kinds, quiet_from_min = excluded.quiet_from_min,
                     quiet_until_min = excluded.quiet_until_min, version = excluded.version
                 WHERE notice_settings.version = excluded.version - 1",
            )
            .bind(user.to_string())
            .bind(i64::from(settings.push_on))
            .bind(i64::from(settings.email_on))
            .bind(muted)
            .bind(settings.quiet.map(|quiet| i64::from(quiet.from_min())))
            .bind(settings.quiet.map(|quiet| i64::from(quiet.until_min())))
            .bind(settings.version)
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(failed)
        })
    }

    fn subscribe<'a>(
        &'a self,
        subscription: &'a Subscription,
    ) -> BoxFuture<'a, Result<Option<SubscriptionId>, RepositoryError>> {
        Box::pin(self.again(move || subscriptions::subscribe(self, subscription)))
    }

    fn unsubscribe(
        &self,
        user: UserId,
        id: SubscriptionId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || subscriptions::unsubscribe(self, user, id, now)))
    }

    fn subscription_gone(&self, id: SubscriptionId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || subscriptions::gone(self, id, now)))
    }

    fn letter(&self, delivery: Uuid, now: UnixMillis) -> BoxFuture<'_, Result<Letter, RepositoryError>> {
        Box::pin(letters::letter(self, delivery, now))
    }
}

#[path = "letters.rs"]
mod letters;
