//! Webhooks, and what was sent to them.

use control::audit::AuditAction;
use control::deliveries::{Delivery, DeliveryState, Medium};
use control::webhooks::{WEBHOOKS_MAX, Webhook, WebhookRepository};
use control::{BoxFuture, DeliveryId, RepositoryError, UserId, WebhookId};
use media::{Redacted, UnixMillis};

use super::audit::Deed;
use super::{Row, Store, Write, deliveries, rows};

/// A `SELECT` of webhooks, `w`.
const WEBHOOKS: &str =
    "SELECT w.id, w.owner_id, w.url, w.secret, w.kinds, w.created_ms, w.disabled_ms, w.version FROM webhooks w";

fn webhook(row: &Row) -> Result<Webhook, RepositoryError> {
    let kinds = rows::words(row, "kinds")?;
    Ok(Webhook {
        id: rows::parsed(row, "id")?,
        owner: rows::parsed(row, "owner_id")?,
        url: Redacted(rows::column(row, "url")?),
        secret: Redacted(rows::column(row, "secret")?),
        kinds: kinds.iter().map(|kind| kind.parse().map_err(|_| rows::corrupt("kinds"))).collect::<Result<_, _>>()?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        disabled: rows::moment_if(row, "disabled_ms")?,
        version: rows::column(row, "version")?,
    })
}

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("webhook", error)
}

fn kinds(webhook: &Webhook) -> String {
    let words: Vec<&str> = webhook.kinds.iter().map(|kind| kind.as_str()).collect();
    serde_json::to_string(&words).expect("words are JSON")
}

/// The webhook of that id, paused or not, if its owner may still be told `payload`, whatever was planned before: operators of
/// every lesson, mentors of their own, and who is suspended of none.
pub(super) async fn allowed(store: &Store, id: &str, payload: &str) -> Result<Option<Webhook>, RepositoryError> {
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    let text = format!(
        "{WEBHOOKS} JOIN users u ON u.id = w.owner_id
         WHERE w.id = $1 AND u.suspended_ms IS NULL AND (u.is_operator = 1 OR (u.is_mentor = 1
             AND EXISTS (SELECT 1 FROM lessons l WHERE l.id = $2 AND l.mentor_id = u.id)))"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(payload["lesson"]["id"].as_str());
    let row = query.fetch_optional(&store.readers).await.map_err(failed)?;
    row.map(|row| webhook(&row)).transpose()
}

/// A line of the journal about a webhook. Not its address, in which there may be a secret.
async fn noted(
    transaction: &mut Write,
    (owner, id): (UserId, WebhookId),
    (action, at): (AuditAction, UnixMillis),
    detail: &str,
) -> Result<(), RepositoryError> {
    Deed { at, by: Some(owner), action, subject: format!("webhook:{id}") }.note(transaction, detail).await
}

impl WebhookRepository for Store {
    fn create_webhook<'a>(&'a self, webhook: &'a Webhook) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            sqlx::query(
                "INSERT INTO webhooks (id, owner_id, url, secret, kinds, created_ms, disabled_ms, version)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(webhook.id.to_string())
            .bind(webhook.owner.to_string())
            .bind(&webhook.url.0)
            .bind(&webhook.secret.0)
            .bind(kinds(webhook))
            .bind(webhook.created.0)
            .bind(webhook.disabled.map(|at| at.0))
            .bind(webhook.version)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM webhooks WHERE owner_id = $1")
                .bind(webhook.owner.to_string())
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
            if held > i64::from(WEBHOOKS_MAX) {
                transaction.rollback().await.map_err(failed)?;
                return Ok(false);
            }
            let made = (AuditAction::WebhookMade, webhook.created);
            noted(&mut transaction, (webhook.owner, webhook.id), made, "").await?;
            transaction.commit().await.map_err(failed)?;
            Ok(true)
        }))
    }

    fn webhook(&self, owner: UserId, id: WebhookId) -> BoxFuture<'_, Result<Option<Webhook>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("{WEBHOOKS} WHERE w.id = $1 AND w.owner_id = $2")))
                .bind(id.to_string())
                .bind(owner.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?
                .map(|row| webhook(&row))
                .transpose()
        })
    }

    fn webhooks(&self, owner: UserId) -> BoxFuture<'_, Result<Vec<Webhook>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(sqlx::AssertSqlSafe(format!("{WEBHOOKS} WHERE w.owner_id = $1 ORDER BY w.id")))
                .bind(owner.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, webhook)
        })
    }

    fn webhooks_for(&self, mentor: UserId) -> BoxFuture<'_, Result<Vec<Webhook>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "{WEBHOOKS} JOIN users u ON u.id = w.owner_id
                 WHERE w.disabled_ms IS NULL AND u.suspended_ms IS NULL
                     AND (u.is_operator = 1 OR (u.id = $1 AND u.is_mentor = 1)) ORDER BY w.id"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(mentor.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, webhook)
        })
    }

    fn change_webhook<'a>(
        &'a self,
        webhook: &'a Webhook,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let changed = sqlx::query(
                "UPDATE webhooks SET url = $3, kinds = $4, disabled_ms = $5, version = version + 1
                 WHERE id = $1 AND owner_id = $2 AND version = $6",
            )
            .bind(webhook.id.to_string())
            .bind(webhook.owner.to_string())
            .bind(&webhook.url.0)
            .bind(kinds(webhook))
            .bind(webhook.disabled.map(|at| at.0))
            .bind(webhook.version)
            .execute(transaction.connection())
            .await
            .map_err(failed)?
            .rows_affected();
            if changed == 1 {
                let state = if webhook.disabled.is_some() { "off" } else { "on" };
                let detail = format!("{state}, kinds {}", kinds(webhook));
                let change = (AuditAction::WebhookChanged, now);
                noted(&mut transaction, (webhook.owner, webhook.id), change, &detail).await?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(changed == 1)
        }))
    }

    fn delete_webhook(
        &self,
        owner: UserId,
        id: WebhookId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let done = sqlx::query("DELETE FROM webhooks WHERE id = $1 AND owner_id = $2")
                .bind(id.to_string())
                .bind(owner.to_string())
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            if done.rows_affected() == 0 {
                return Err(RepositoryError::NotFound("webhook"));
            }
            sqlx::query("DELETE FROM deliveries WHERE webhook_id = $1")
                .bind(id.to_string())
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            noted(&mut transaction, (owner, id), (AuditAction::WebhookDeleted, now), "").await?;
            transaction.commit().await.map_err(failed)
        }))
    }

    fn webhook_deliveries(
        &self,
        id: WebhookId,
        state: Option<DeliveryState>,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {} FROM deliveries WHERE webhook_id = $1 AND id < $2 AND ($3 = '' OR state = $3)
                 ORDER BY id DESC LIMIT $4",
                deliveries::COLUMNS
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(id.to_string())
                .bind(before.map_or_else(|| "g".to_owned(), |id| id.to_string()))
                .bind(state.map_or("", DeliveryState::as_str))
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, deliveries::delivery)
        })
    }

    fn replay(
        &self,
        id: WebhookId,
        delivery: DeliveryId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let done = sqlx::query(
                "UPDATE deliveries SET state = 'waiting', attempts = 0, next_ms = $3, expires_ms = $4, done_ms = NULL,
                     lease = NULL, error = ''
                 WHERE id = $1 AND webhook_id = $2 AND state IN ('sent', 'dead')",
            )
            .bind(delivery.to_string())
            .bind(id.to_string())
            .bind(now.0)
            .bind(now.0 + Medium::Webhook.tries_ms())
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            let there = sqlx::query("SELECT id FROM deliveries WHERE id = $1 AND webhook_id = $2")
                .bind(delivery.to_string())
                .bind(id.to_string())
                .fetch_optional(transaction.connection())
                .await
                .map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            if there.is_none() {
                return Err(RepositoryError::NotFound("delivery"));
            }
            Ok(done.rows_affected() == 1)
        }))
    }
}
