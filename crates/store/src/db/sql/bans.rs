//! Who was sent out of a lesson.

use control::audit::AuditAction;
use control::teaching::lessons::{Ban, Banned};
use control::{ChangeKind, LessonId, NewChange, RepositoryError, UserId};
use media::UnixMillis;

use super::audit::Deed;
use super::{Store, changes, lessons, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("lesson", error)
}

pub(super) async fn ban(store: &Store, ban: &Ban, now: UnixMillis) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    let done = sqlx::query(
        "INSERT INTO bans (lesson_id, user_id, by_id, reason, created_ms, lifted_ms)
         SELECT CAST($1 AS TEXT), id, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), NULL
         FROM users WHERE id = $2
         ON CONFLICT (lesson_id, user_id) DO UPDATE SET by_id = excluded.by_id, reason = excluded.reason,
             created_ms = excluded.created_ms, lifted_ms = NULL",
    )
    .bind(ban.lesson.to_string())
    .bind(ban.user.to_string())
    .bind(ban.by.to_string())
    .bind(&ban.reason)
    .bind(now.0)
    .execute(transaction.connection())
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Err(RepositoryError::NotFound("person"));
    }
    let revoked = NewChange::new(ChangeKind::Revoked).lesson(ban.lesson).user(ban.user);
    changes::append(&mut transaction, now, &revoked).await?;
    let (by, subject) = (Some(ban.by), format!("lesson:{}", ban.lesson));
    let deed = Deed { at: now, by, action: AuditAction::SentOut, subject };
    deed.note(&mut transaction, &format!("user:{}: {}", ban.user, ban.reason)).await?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn bans(
    store: &Store,
    lesson: LessonId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<Banned>, RepositoryError> {
    let found = sqlx::query(
        "SELECT b.user_id, u.name, b.reason, b.created_ms FROM bans b JOIN users u ON u.id = b.user_id
         WHERE b.lesson_id = $1 AND b.lifted_ms IS NULL AND b.user_id > $2 ORDER BY b.user_id LIMIT $3",
    )
    .bind(lesson.to_string())
    .bind(after.map(|id| id.to_string()).unwrap_or_default())
    .bind(i64::from(limit))
    .fetch_all(&store.readers)
    .await
    .map_err(failed)?;
    rows::each(&found, |row| {
        Ok(Banned {
            user: rows::parsed(row, "user_id")?,
            name: rows::column(row, "name")?,
            reason: rows::column(row, "reason")?,
            since: UnixMillis(rows::column(row, "created_ms")?),
        })
    })
}

/// Who was not sent out is no error, and not noted.
pub(super) async fn lift(
    store: &Store,
    lesson: LessonId,
    user: UserId,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    let lifted =
        sqlx::query("UPDATE bans SET lifted_ms = $3 WHERE lesson_id = $1 AND user_id = $2 AND lifted_ms IS NULL")
            .bind(lesson.to_string())
            .bind(user.to_string())
            .bind(now.0)
            .execute(transaction.connection())
            .await
            .map_err(failed)?
            .rows_affected();
    if lifted > 0 {
        let by = lessons::mentor_of(&mut transaction, lesson).await?;
        let deed = Deed { at: now, by: Some(by), action: AuditAction::LetInAgain, subject: format!("lesson:{lesson}") };
        deed.note(&mut transaction, &format!("user:{user}")).await?;
    }
    transaction.commit().await.map_err(failed)
}
