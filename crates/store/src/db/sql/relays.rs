//! Relays of channels' streams.

use control::audit::AuditAction;
use control::relay::{Direction, RELAYS_MAX, Relay, RelayRepository, RelayUrl, Started};
use control::{BoxFuture, RelayId, RepositoryError, UserId, Uuid};
use media::UnixMillis;

use super::{Row, Store, Write, channels, rows};

/// The relays, `r`, of channels that are there: one that is deleted while its relay is started may leave a row.
const KEPT: &str = "FROM relays r JOIN channels c ON c.id = r.channel_id AND c.deleted_ms IS NULL";

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("relay", error)
}

fn relay(row: &Row) -> Result<Relay, RepositoryError> {
    Ok(Relay {
        id: rows::parsed(row, "id")?,
        direction: rows::parsed(row, "direction")?,
        channel: rows::parsed(row, "channel_id")?,
        url: rows::parsed(row, "url")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
    })
}

/// A line of the journal about a relay: which way, host and application, never the stream, which is a key. And a change of
/// its channel, from which servers that run learn of it.
async fn changed(
    transaction: &mut Write,
    (direction, channel, url): (Direction, Uuid, &RelayUrl),
    (action, by, at): (AuditAction, UserId, UnixMillis),
) -> Result<(), RepositoryError> {
    channels::changed(transaction, channel, at).await?;
    let detail = format!("{} {url}", direction.as_str());
    channels::noted(transaction, channel, (action, Some(by), at), &detail).await
}

impl RelayRepository for Store {
    fn start_relay<'a>(&'a self, relay: &'a Relay, by: UserId) -> BoxFuture<'a, Result<Started, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            // Of two that start at once, one is the last that there is room for.
            transaction.take_turn().await.map_err(failed)?;
            channels::require_channel(&mut transaction, relay.channel).await?;
            let made = sqlx::query(
                "INSERT INTO relays (id, channel_id, direction, url, created_ms, held_ms)
                 VALUES ($1, $2, $3, $4, $5, CAST(0 AS BIGINT))
                 ON CONFLICT (channel_id, direction, url) DO NOTHING",
            )
            .bind(relay.id.to_string())
            .bind(relay.channel.to_string())
            .bind(relay.direction.as_str())
            .bind(relay.url.text().0)
            .bind(relay.created.0)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            if made.rows_affected() == 0 {
                transaction.rollback().await.map_err(failed)?;
                return Ok(Started::Already);
            }
            let held: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {KEPT}")))
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
            if held > i64::from(RELAYS_MAX) {
                transaction.rollback().await.map_err(failed)?;
                return Ok(Started::TooMany);
            }
            let what = (relay.direction, relay.channel, &relay.url);
            changed(&mut transaction, what, (AuditAction::RelayStarted, by, relay.created)).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(Started::New)
        }))
    }

    fn stop_relay<'a>(
        &'a self,
        relay: (Direction, Uuid, &'a RelayUrl),
        by: UserId,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let (direction, channel, url) = relay;
            let mut transaction = self.begin().await?;
            let gone = sqlx::query("DELETE FROM relays WHERE channel_id = $1 AND direction = $2 AND url = $3")
                .bind(channel.to_string())
                .bind(direction.as_str())
                .bind(url.text().0)
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            if gone.rows_affected() == 0 {
                transaction.rollback().await.map_err(failed)?;
                return Err(RepositoryError::NotFound("relay"));
            }
            changed(&mut transaction, relay, (AuditAction::RelayStopped, by, at)).await?;
            transaction.commit().await.map_err(failed)
        }))
    }

    fn hold_pulls(
        &self,
        server: Uuid,
        now: UnixMillis,
        until: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<RelayId>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            sqlx::query(
                "UPDATE relays SET server_id = $1, held_ms = $3
                 WHERE direction = 'pull' AND (server_id = $1 OR held_ms <= $2)",
            )
            .bind(server.to_string())
            .bind(now.0)
            .bind(until.0)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            let held = sqlx::query("SELECT id FROM relays WHERE server_id = $1")
                .bind(server.to_string())
                .fetch_all(transaction.connection())
                .await
                .map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            rows::each(&held, |row| rows::parsed(row, "id"))
        }))
    }

    fn relays(&self) -> BoxFuture<'_, Result<Vec<Relay>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT r.id, r.channel_id, r.direction, r.url, r.created_ms {KEPT} ORDER BY r.created_ms, r.id"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&self.readers).await.map_err(failed)?;
            rows::each(&found, relay)
        })
    }
}
