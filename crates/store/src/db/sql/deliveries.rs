//! What is owed to whom by which way, and who is sending it.

use control::deliveries::{
    Backlog, Delivery, DeliveryRepository, Medium, NewDelivery, PER_OWNER_MAX, PER_WEBHOOK_MAX, Room, Verdict,
};
use control::{BoxFuture, DeliveryId, RepositoryError, Uuid};
use media::UnixMillis;

use super::{Row, SKIP_LOCKED, Store, Write, rows};

/// The columns that [`delivery`] reads.
pub(super) const COLUMNS: &str =
    "id, once_key, medium, notice_id, webhook_id, user_id, target, payload, state, attempts, next_ms,
    lease, created_ms, expires_ms, done_ms, error";

/// A row with the columns [`COLUMNS`].
pub(super) fn delivery(row: &Row) -> Result<Delivery, RepositoryError> {
    Ok(Delivery {
        what: NewDelivery {
            id: rows::parsed(row, "id")?,
            once_key: rows::column(row, "once_key")?,
            medium: rows::parsed(row, "medium")?,
            notice: rows::parsed_if(row, "notice_id")?,
            webhook: rows::parsed_if(row, "webhook_id")?,
            user: rows::parsed_if(row, "user_id")?,
            target: rows::column(row, "target")?,
            payload: rows::column(row, "payload")?,
            next: UnixMillis(rows::column(row, "next_ms")?),
            created: UnixMillis(rows::column(row, "created_ms")?),
            expires: UnixMillis(rows::column(row, "expires_ms")?),
        },
        state: rows::parsed(row, "state")?,
        attempts: rows::small(row, "attempts")?,
        lease: rows::parsed_if(row, "lease")?,
        done: rows::moment_if(row, "done_ms")?,
        error: rows::column(row, "error")?,
    })
}

/// Keeps one in a transaction. `false`: there is one for the same.
pub(super) async fn insert(transaction: &mut Write, what: &NewDelivery) -> Result<bool, RepositoryError> {
    sqlx::query(
        "INSERT INTO deliveries (id, once_key, medium, notice_id, webhook_id, user_id, target, payload, state, attempts,
             next_ms, lease, created_ms, expires_ms, done_ms, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', 0, $9, NULL, $10, $11, NULL, '')
         ON CONFLICT (once_key) DO NOTHING",
    )
    .bind(what.id.to_string())
    .bind(&what.once_key)
    .bind(what.medium.as_str())
    .bind(what.notice.map(|id| id.to_string()))
    .bind(what.webhook.map(|id| id.to_string()))
    .bind(what.user.map(|id| id.to_string()))
    .bind(&what.target)
    .bind(&what.payload)
    .bind(what.next.0)
    .bind(what.created.0)
    .bind(what.expires.0)
    .execute(transaction.connection())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed)
}

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("delivery", error)
}

/// Both of `waiting` and of a lease that stands.
const HELD: &str = "WHERE id = $1 AND lease = $2 AND state = 'waiting'";

/// Which deliveries are taken.
#[derive(Clone, Copy)]
enum Whose<'a> {
    Webhook(&'a str),
    Medium(Medium),
}

/// Somebody who takes deliveries.
struct Claim {
    lease: Uuid,
    now: UnixMillis,
    until: UnixMillis,
}

impl Claim {
    /// Webhooks, and whose, for which something is due and which have room, whose is due longest first. Nobody else takes
    /// for them until the transaction is over.
    async fn webhooks(&self, transaction: &mut Write, limit: u32) -> Result<Vec<(String, String)>, RepositoryError> {
        const UNDER_WAY: &str =
            "FROM deliveries d WHERE d.webhook_id = w.id AND d.lease IS NOT NULL AND d.next_ms > $1";
        const DUE: &str = "FROM deliveries d WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.next_ms <= $1";
        let text = format!(
            "SELECT w.id, w.owner_id FROM webhooks w
             WHERE EXISTS (SELECT 1 {DUE}) AND (SELECT COUNT(*) {UNDER_WAY}) < $2
                 AND (SELECT COUNT(*) FROM webhooks o JOIN deliveries d ON d.webhook_id = o.id
                     WHERE o.owner_id = w.owner_id AND d.lease IS NOT NULL AND d.next_ms > $1) < $4
             ORDER BY (SELECT MIN(d.next_ms) {DUE}), w.id LIMIT $3 {SKIP_LOCKED}"
        );
        let found = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(self.now.0)
            .bind(i64::from(PER_WEBHOOK_MAX))
            .bind(i64::from(limit))
            .bind(i64::from(PER_OWNER_MAX))
            .fetch_all(transaction.connection())
            .await
            .map_err(failed)?;
        rows::each(&found, |row| Ok((rows::column(row, "id")?, rows::column(row, "owner_id")?)))
    }

    /// Whether nobody else takes for that owner until the transaction is over, by their first webhook. `false`: somebody
    /// does, perhaps for another webhook of theirs, and what they take is not to be counted yet.
    async fn has_owner(&self, transaction: &mut Write, owner: &str) -> Result<bool, RepositoryError> {
        let text = format!(
            "SELECT id FROM webhooks WHERE id = (SELECT MIN(id) FROM webhooks WHERE owner_id = $1) {SKIP_LOCKED}"
        );
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(owner)
            .fetch_optional(transaction.connection())
            .await
            .map(|row| row.is_some())
            .map_err(failed)
    }

    /// Requests under way to a webhook, and to all of its owner.
    async fn under_way(
        &self,
        transaction: &mut Write,
        webhook: &str,
        owner: &str,
    ) -> Result<(u32, u32), RepositoryError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS to_all, COUNT(CASE WHEN d.webhook_id = $2 THEN 1 END) AS to_it
             FROM webhooks w JOIN deliveries d ON d.webhook_id = w.id
             WHERE w.owner_id = $3 AND d.lease IS NOT NULL AND d.next_ms > $1",
        )
        .bind(self.now.0)
        .bind(webhook)
        .bind(owner)
        .fetch_one(transaction.connection())
        .await
        .map_err(failed)?;
        Ok((rows::small(&row, "to_it")?, rows::small(&row, "to_all")?))
    }

    /// Takes up to `limit` of them.
    async fn take(
        &self,
        transaction: &mut Write,
        whose: Whose<'_>,
        limit: u32,
    ) -> Result<Vec<Delivery>, RepositoryError> {
        let (whose, of) = match whose {
            Whose::Webhook(id) => ("webhook_id = $5", id),
            Whose::Medium(medium) => ("webhook_id IS NULL AND medium = $5", medium.as_str()),
        };
        // Read once, or PostgreSQL may read it for each row, pass what it has locked, and take more than `limit`. What
        // another server took between the inner and the outer reading is not taken again; looked at so that no index of
        // all that is due is gone through for it.
        let text = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM deliveries WHERE state = 'waiting' AND next_ms <= $3 AND {whose}
                 ORDER BY next_ms, id LIMIT $4 {SKIP_LOCKED})
             UPDATE deliveries SET lease = $1, next_ms = $2, attempts = attempts + 1
             WHERE id IN (SELECT id FROM due) AND state || '' = 'waiting' AND next_ms + 0 <= $3
             RETURNING {COLUMNS}"
        );
        let found = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(self.lease.to_string())
            .bind(self.until.0)
            .bind(self.now.0)
            .bind(i64::from(limit))
            .bind(of)
            .fetch_all(transaction.connection())
            .await
            .map_err(failed)?;
        rows::each(&found, delivery)
    }
}

impl DeliveryRepository for Store {
    fn enqueue<'a>(&'a self, what: &'a NewDelivery) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let new = insert(&mut transaction, what).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(new)
        }))
    }

    fn any_due(&self, now: UnixMillis) -> BoxFuture<'_, Result<bool, RepositoryError>> {
        Box::pin(async move {
            sqlx::query("SELECT id FROM deliveries WHERE state = 'waiting' AND next_ms <= $1 LIMIT 1")
                .bind(now.0)
                .fetch_optional(&self.readers)
                .await
                .map(|row| row.is_some())
                .map_err(failed)
        })
    }

    fn claim(
        &self,
        lease: Uuid,
        now: UnixMillis,
        until: UnixMillis,
        room: Room,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let claim = Claim { lease, now, until };
            let mut taken = Vec::new();
            for (webhook, owner) in claim.webhooks(&mut transaction, room.webhooks.min(room.all)).await? {
                let left = room.webhooks.min(room.all).saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
                if left == 0 {
                    break;
                }
                if !claim.has_owner(&mut transaction, &owner).await? {
                    continue;
                }
                let (to_it, to_all) = claim.under_way(&mut transaction, &webhook, &owner).await?;
                let free = PER_WEBHOOK_MAX.saturating_sub(to_it).min(PER_OWNER_MAX.saturating_sub(to_all)).min(left);
                if free > 0 {
                    taken.extend(claim.take(&mut transaction, Whose::Webhook(&webhook), free).await?);
                }
            }
            for (medium, bound) in [(Medium::Email, room.mails), (Medium::Push, room.all)] {
                let left = room.all.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
                taken.extend(claim.take(&mut transaction, Whose::Medium(medium), left.min(bound)).await?);
            }
            transaction.commit().await.map_err(failed)?;
            Ok(taken)
        }))
    }

    fn settle<'a>(
        &'a self,
        id: DeliveryId,
        lease: Uuid,
        verdict: &'a Verdict,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(async move {
            const DONE: &str = "done_ms = $3, lease = NULL, error = $4,
                payload = CASE WHEN medium = 'email' THEN '{}' ELSE payload END";
            const UNTRIED: &str = "next_ms = $3, lease = NULL, attempts = attempts - 1";
            let (change, at, error) = match verdict {
                Verdict::Sent => (format!("state = 'sent', {DONE}"), now, ""),
                Verdict::Dead(error) => (format!("state = 'dead', {DONE}"), now, error.as_str()),
                Verdict::Again(at, error) => ("next_ms = $3, lease = NULL, error = $4".to_owned(), *at, error.as_str()),
                Verdict::Postponed(at) | Verdict::Held(at, _) => (
                    format!(
                        "{UNTRIED}, error = CASE WHEN error = '' THEN $4 ELSE error END,
                         expires_ms = CASE WHEN expires_ms < $5 THEN $5 ELSE expires_ms END"
                    ),
                    *at,
                    "",
                ),
            };
            let query = sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE deliveries SET {change} {HELD}")));
            let query = query.bind(id.to_string()).bind(lease.to_string()).bind(at.0).bind(error);
            let query = match verdict {
                Verdict::Held(_, expires) => query.bind(expires.0),
                Verdict::Postponed(_) => query.bind(0_i64),
                Verdict::Sent | Verdict::Dead(_) | Verdict::Again(..) => query,
            };
            query.execute(&self.writer).await.map(|done| done.rows_affected() == 1).map_err(failed)
        })
    }

    fn backlog(&self, now: UnixMillis) -> BoxFuture<'_, Result<Vec<Backlog>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(
                "SELECT medium, state, COUNT(*) AS n, MIN(CASE WHEN next_ms <= $1 THEN next_ms END) AS due_ms
                 FROM deliveries WHERE state IN ('waiting', 'dead') GROUP BY medium, state",
            )
            .bind(now.0)
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
            let mut backlog: Vec<Backlog> =
                Medium::ALL.iter().map(|&medium| Backlog { medium, waiting: 0, dead: 0, due_since: None }).collect();
            for row in &found {
                let medium: Medium = rows::parsed(row, "medium")?;
                let Some(of) = backlog.iter_mut().find(|of| of.medium == medium) else { continue };
                if rows::column::<&str>(row, "state")? == "dead" {
                    of.dead = rows::count(row, "n")?;
                } else {
                    of.waiting = rows::count(row, "n")?;
                    of.due_since = rows::moment_if(row, "due_ms")?;
                }
            }
            Ok(backlog)
        })
    }

    fn forget_deliveries(&self, before: UnixMillis, limit: u32) -> BoxFuture<'_, Result<u64, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(
                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries
                     WHERE state IN ('sent', 'dead') AND next_ms < $1 AND done_ms < $1 LIMIT $2)",
            )
            .bind(before.0)
            .bind(i64::from(limit))
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(failed)
        })
    }
}
