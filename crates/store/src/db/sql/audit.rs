//! The journal of what people did.

use control::audit::{AuditAction, AuditEntry, AuditQuery, AuditRepository};
use control::teaching::{Course, EnrolmentState};
use control::{BoxFuture, RepositoryError, UserId};
use media::UnixMillis;

use super::{Row, Store, Write, rows};

/// Adds a line in the transaction of what it tells of.
pub(super) async fn append(transaction: &mut Write, entry: &AuditEntry) -> Result<(), RepositoryError> {
    sqlx::query("INSERT INTO audit (id, at_ms, actor_id, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(entry.id.to_string())
        .bind(entry.at.0)
        .bind(entry.actor.map(|id| id.to_string()))
        .bind(entry.action.as_str())
        .bind(&entry.subject)
        .bind(&entry.detail)
        .execute(transaction.connection())
        .await
        .map(|_| ())
        .map_err(|error| rows::failed("line of the journal", error))
}

/// What somebody did to something, at a time.
pub(super) struct Deed {
    pub(super) at: UnixMillis,
    pub(super) by: Option<UserId>,
    pub(super) action: AuditAction,
    /// See [`AuditEntry::subject`].
    pub(super) subject: String,
}

impl Deed {
    /// Adds its line in its transaction.
    pub(super) async fn note(self, transaction: &mut Write, detail: &str) -> Result<(), RepositoryError> {
        append(transaction, &AuditEntry::new(self.at, self.by, self.action, self.subject, detail)).await
    }
}

/// That a course's mentor put somebody out of it; what else they decide takes nothing away.
pub(super) async fn decided(
    transaction: &mut Write,
    course: &Course,
    (user, state): (UserId, EnrolmentState),
    at: UnixMillis,
) -> Result<(), RepositoryError> {
    if state != EnrolmentState::Removed {
        return Ok(());
    }
    let (by, subject) = (Some(course.mentor), format!("course:{}", course.id));
    Deed { at, by, action: AuditAction::PutOut, subject }.note(transaction, &format!("user:{user}")).await
}

fn entry(row: &Row) -> Result<AuditEntry, RepositoryError> {
    Ok(AuditEntry {
        id: rows::parsed(row, "id")?,
        at: UnixMillis(rows::column(row, "at_ms")?),
        actor: rows::parsed_if(row, "actor_id")?,
        action: rows::parsed(row, "action")?,
        subject: rows::column(row, "subject")?,
        detail: rows::column(row, "detail")?,
    })
}

impl AuditRepository for Store {
    fn note<'a>(&'a self, entry: &'a AuditEntry) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            append(&mut transaction, entry).await?;
            transaction.commit().await.map_err(|error| rows::failed("line of the journal", error))
        }))
    }

    fn audit<'a>(
        &'a self,
        query: &'a AuditQuery,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AuditEntry>, RepositoryError>> {
        Box::pin(async move {
            // Ids are ordered by time, so the key of the table is the order of the journal.
            let query = || {
                sqlx::query(
                    "SELECT id, at_ms, actor_id, action, subject, detail FROM audit
                     WHERE (CAST($1 AS TEXT) IS NULL OR action = CAST($1 AS TEXT))
                         AND (CAST($2 AS TEXT) IS NULL OR actor_id = CAST($2 AS TEXT))
                         AND (CAST($3 AS TEXT) IS NULL OR subject = CAST($3 AS TEXT))
                         AND (CAST($4 AS TEXT) IS NULL OR id < CAST($4 AS TEXT))
                     ORDER BY id DESC LIMIT $5",
                )
                .bind(query.action.map(|action| action.as_str()))
                .bind(query.actor.map(|id| id.to_string()))
                .bind(query.subject.as_deref())
                .bind(query.before.map(|id| id.to_string()))
                .bind(i64::from(limit))
            };
            let found = self.list(query).await.map_err(|error| rows::failed("line of the journal", error))?;
            rows::each(&found, entry)
        })
    }
}
