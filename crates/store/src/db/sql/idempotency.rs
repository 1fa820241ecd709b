//! Requests that are sent twice and done once.

use control::idempotency::{Begun, IdempotencyRepository, KEYS_MAX, KeptAnswer, REMEMBERED_MS};
use control::{BoxFuture, KeyHash, RepositoryError, UserId};
use media::UnixMillis;

use super::{Row, Store, Write, identity, rows};

const SUBJECT: &str = "idempotency key";

/// `body` begins with `=`, or is `-` where the answer's is not kept.
fn known(row: &Row, request: KeyHash) -> Result<Begun, RepositoryError> {
    if rows::parsed::<KeyHash>(row, "request_hash")? != request {
        return Ok(Begun::Another);
    }
    let status = u16::try_from(rows::column::<i64>(row, "status")?).map_err(|_| rows::corrupt("status"))?;
    if status == 0 {
        return Ok(Begun::WorkedOn(UnixMillis(rows::column(row, "created_ms")?)));
    }
    let body = rows::column::<&str>(row, "body")?.strip_prefix('=').map(str::to_owned);
    Ok(Begun::Done(KeptAnswer { status, body }))
}

/// Forgets what is done and older than the newest [`KEYS_MAX`] of somebody.
async fn forget_surplus(transaction: &mut Write, user: UserId) -> Result<(), RepositoryError> {
    sqlx::query(
        "DELETE FROM idempotency_keys WHERE user_id = $1 AND status <> 0 AND created_ms <=
             (SELECT created_ms FROM idempotency_keys WHERE user_id = $1 ORDER BY created_ms DESC LIMIT 1 OFFSET $2)",
    )
    .bind(user.to_string())
    .bind(KEYS_MAX)
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed(SUBJECT, error))
}

impl IdempotencyRepository for Store {
    fn begin_request<'a>(
        &'a self,
        user: UserId,
        key: &'a str,
        request: KeyHash,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Begun, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let failed = |error| rows::failed(SUBJECT, error);
            let mut transaction = self.begin().await?;
            let mine = sqlx::query(
                "INSERT INTO idempotency_keys (user_id, key, request_hash, status, body, created_ms)
                 VALUES ($1, $2, $3, 0, '-', $4)
                 ON CONFLICT (user_id, key) DO UPDATE SET request_hash = excluded.request_hash, status = 0, body = '-',
                     created_ms = excluded.created_ms
                 WHERE idempotency_keys.created_ms <= $5",
            )
            .bind(user.to_string())
            .bind(key)
            .bind(request.to_string())
            .bind(now.0)
            .bind(now.0 - REMEMBERED_MS)
            .execute(transaction.connection())
            .await
            .map_err(failed)?
            .rows_affected();
            let begun = if mine > 0 {
                forget_surplus(&mut transaction, user).await?;
                Begun::Yours
            } else {
                let row = sqlx::query(
                    "SELECT request_hash, status, body, created_ms FROM idempotency_keys WHERE user_id = $1 AND key = $2",
                )
                .bind(user.to_string())
                .bind(key)
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
                known(&row, request)?
            };
            transaction.commit().await.map_err(failed)?;
            Ok(begun)
        }))
    }

    fn end_request<'a>(
        &'a self,
        user: UserId,
        key: &'a str,
        answer: Option<&'a KeptAnswer>,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            let query = match answer {
                None => sqlx::query("DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2")
                    .bind(user.to_string())
                    .bind(key),
                Some(answer) => {
                    sqlx::query("UPDATE idempotency_keys SET status = $3, body = $4 WHERE user_id = $1 AND key = $2")
                        .bind(user.to_string())
                        .bind(key)
                        .bind(i64::from(answer.status))
                        .bind(answer.body.as_ref().map_or_else(|| "-".to_owned(), |body| format!("={body}")))
                }
            };
            query.execute(&self.writer).await.map(|_| ()).map_err(|error| rows::failed(SUBJECT, error))
        })
    }

    fn forget_requests(&self, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        const TEXT: &str = "DELETE FROM idempotency_keys WHERE (user_id, key) IN
            (SELECT user_id, key FROM idempotency_keys WHERE created_ms <= $1 LIMIT $2)";
        Box::pin(identity::delete_some_at_a_time(self, TEXT, now.0 - REMEMBERED_MS))
    }
}
