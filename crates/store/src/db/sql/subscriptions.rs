//! Devices that are told by Web Push.

use control::notices::{SUBSCRIPTIONS_MAX, Subscription};
use control::{RepositoryError, SubscriptionId, UserId};
use media::{Redacted, UnixMillis};

use super::{Store, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("subscription", error)
}

/// Keeps a device, or moves it to whom it belongs now. `None`: the person has too many others.
pub(super) async fn subscribe(
    store: &Store,
    subscription: &Subscription,
) -> Result<Option<SubscriptionId>, RepositoryError> {
    let mut transaction = store.begin().await?;
    let row = sqlx::query(
        "INSERT INTO push_subscriptions (id, user_id, session_id, endpoint, p256dh, auth, created_ms, gone_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)
         ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id, session_id = excluded.session_id,
             p256dh = excluded.p256dh, auth = excluded.auth, created_ms = excluded.created_ms, gone_ms = NULL
         RETURNING id",
    )
    .bind(subscription.id.to_string())
    .bind(subscription.user.to_string())
    .bind(subscription.session.to_string())
    .bind(&subscription.endpoint.0)
    .bind(&subscription.p256dh)
    .bind(&subscription.auth.0)
    .bind(subscription.created.0)
    .fetch_one(transaction.connection())
    .await
    .map_err(failed)?;
    let id = rows::parsed(&row, "id")?;
    // Devices of sign-ins that are over do not count, and are forgotten on the way.
    sqlx::query(
        "DELETE FROM push_subscriptions WHERE user_id = $1 AND (gone_ms IS NOT NULL OR NOT EXISTS (
             SELECT 1 FROM sessions s WHERE s.id = push_subscriptions.session_id AND s.revoked_ms IS NULL
                 AND s.expires_ms > $2))",
    )
    .bind(subscription.user.to_string())
    .bind(subscription.created.0)
    .execute(transaction.connection())
    .await
    .map_err(failed)?;
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM push_subscriptions WHERE user_id = $1")
        .bind(subscription.user.to_string())
        .fetch_one(transaction.connection())
        .await
        .map_err(failed)?;
    if held > i64::from(SUBSCRIPTIONS_MAX) {
        return Ok(None);
    }
    transaction.commit().await.map_err(failed)?;
    Ok(Some(id))
}

/// Forgets a device of somebody.
pub(super) async fn unsubscribe(
    store: &Store,
    user: UserId,
    id: SubscriptionId,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    let done = sqlx::query("DELETE FROM push_subscriptions WHERE id = $1 AND user_id = $2")
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Err(RepositoryError::NotFound("subscription"));
    }
    sqlx::query(BURY)
        .bind(id.to_string())
        .bind(now.0)
        .bind("the device was signed off")
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What waits for device `$1` is dead, for the reason `$3`. What somebody has is left to whoever has it, and meets no device
/// if it comes again.
const BURY: &str = "UPDATE deliveries SET state = 'dead', done_ms = $2, error = $3
    WHERE medium = 'push' AND target = $1 AND state = 'waiting' AND lease IS NULL";

/// Its push service knows the device no more.
pub(super) async fn gone(store: &Store, id: SubscriptionId, now: UnixMillis) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    sqlx::query("UPDATE push_subscriptions SET gone_ms = $2 WHERE id = $1 AND gone_ms IS NULL")
        .bind(id.to_string())
        .bind(now.0)
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    sqlx::query(BURY)
        .bind(id.to_string())
        .bind(now.0)
        .bind("the push service knows the device no more")
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The device, if it is there and its sign-in stands.
pub(super) async fn live(store: &Store, id: &str, now: UnixMillis) -> Result<Option<Subscription>, RepositoryError> {
    let row = sqlx::query(
        "SELECT p.id, p.user_id, p.session_id, p.endpoint, p.p256dh, p.auth, p.created_ms
         FROM push_subscriptions p JOIN sessions s ON s.id = p.session_id
         WHERE p.id = $1 AND p.gone_ms IS NULL AND s.revoked_ms IS NULL AND s.expires_ms > $2",
    )
    .bind(id)
    .bind(now.0)
    .fetch_optional(&store.readers)
    .await
    .map_err(failed)?;
    row.map(|row| {
        Ok(Subscription {
            id: rows::parsed(&row, "id")?,
            user: rows::parsed(&row, "user_id")?,
            session: rows::parsed(&row, "session_id")?,
            endpoint: Redacted(rows::column(&row, "endpoint")?),
            p256dh: rows::column(&row, "p256dh")?,
            auth: Redacted(rows::column(&row, "auth")?),
            created: UnixMillis(rows::column(&row, "created_ms")?),
        })
    })
    .transpose()
}
