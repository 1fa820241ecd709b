//! Channels and their keys.

use control::audit::AuditAction;
use control::{
    BoxFuture, ChangeKind, Channel, ChannelRepository, NewChange, RepositoryError, Snapshot, StreamKey, UserId, Uuid,
};
use media::{ChannelPath, UnixMillis};

use super::audit::Deed;
use super::{Store, Write, changes, rows};

impl ChannelRepository for Store {
    fn create_channel<'a>(
        &'a self,
        channel: &'a Channel,
        key: &'a StreamKey,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            insert_channel(&mut transaction, channel).await?;
            insert_key(&mut transaction, key).await?;
            changed(&mut transaction, channel.id, channel.created).await?;
            transaction.commit().await.map_err(|error| rows::failed("channel", error))
        }))
    }

    fn channel<'a>(&'a self, path: &'a ChannelPath) -> BoxFuture<'a, Result<Option<Channel>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(rows::CHANNEL_BY_PATH)
                .bind(path.app.as_str())
                .bind(path.name.as_str())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("channel", error))?
                .map(|row| rows::channel(&row))
                .transpose()
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, RepositoryError>> {
        Box::pin(async move {
            // One transaction, so that both lists are of the same moment.
            let mut transaction = self.readers.begin().await.map_err(|error| rows::failed("transaction", error))?;
            let channels = sqlx::query(rows::ALL_CHANNELS)
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| rows::failed("channel", error))?;
            let keys = sqlx::query(rows::ALL_KEYS)
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| rows::failed("key", error))?;
            drop(transaction);
            Ok(Snapshot::new(rows::each(&channels, rows::channel)?, rows::each(&keys, rows::key)?))
        })
    }

    fn keys(&self, channel: Uuid) -> BoxFuture<'_, Result<Vec<StreamKey>, RepositoryError>> {
        Box::pin(async move {
            let keys = sqlx::query(rows::KEYS_OF_CHANNEL)
                .bind(channel.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(|error| rows::failed("key", error))?;
            rows::each(&keys, rows::key)
        })
    }

    fn add_key<'a>(&'a self, key: &'a StreamKey, by: Option<UserId>) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            require_channel(&mut transaction, key.channel).await?;
            insert_key(&mut transaction, key).await?;
            changed(&mut transaction, key.channel, key.created).await?;
            noted(&mut transaction, key.channel, (AuditAction::KeyMade, by, key.created), "beside the others").await?;
            transaction.commit().await.map_err(|error| rows::failed("key", error))
        }))
    }

    fn rotate_key<'a>(&'a self, key: &'a StreamKey, by: Option<UserId>) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            require_channel(&mut transaction, key.channel).await?;
            sqlx::query("UPDATE stream_keys SET revoked_ms = $1 WHERE channel_id = $2 AND revoked_ms IS NULL")
                .bind(key.created.0)
                .bind(key.channel.to_string())
                .execute(transaction.connection())
                .await
                .map_err(|error| rows::failed("key", error))?;
            insert_key(&mut transaction, key).await?;
            changed(&mut transaction, key.channel, key.created).await?;
            noted(&mut transaction, key.channel, (AuditAction::KeyMade, by, key.created), "in place of the others")
                .await?;
            transaction.commit().await.map_err(|error| rows::failed("key", error))
        }))
    }

    fn revoke_key(&self, key: Uuid, by: Option<UserId>, at: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let channel: Option<String> = sqlx::query_scalar(
                "UPDATE stream_keys SET revoked_ms = COALESCE(revoked_ms, $1) WHERE id = $2 RETURNING channel_id",
            )
            .bind(at.0)
            .bind(key.to_string())
            .fetch_optional(transaction.connection())
            .await
            .map_err(|error| rows::failed("key", error))?;
            let channel = channel.ok_or(RepositoryError::NotFound("key"))?;
            let channel = channel.parse().map_err(|_| rows::corrupt("channel_id"))?;
            changed(&mut transaction, channel, at).await?;
            noted(&mut transaction, channel, (AuditAction::KeyRevoked, by, at), "").await?;
            transaction.commit().await.map_err(|error| rows::failed("key", error))
        }))
    }

    fn delete_channel(
        &self,
        channel: Uuid,
        by: Option<UserId>,
        at: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            require_channel(&mut transaction, channel).await?;
            sqlx::query("DELETE FROM stream_keys WHERE channel_id = $1")
                .bind(channel.to_string())
                .execute(transaction.connection())
                .await
                .map_err(|error| rows::failed("key", error))?;
            sqlx::query("DELETE FROM relays WHERE channel_id = $1")
                .bind(channel.to_string())
                .execute(transaction.connection())
                .await
                .map_err(|error| rows::failed("relay", error))?;
            sqlx::query(
                "UPDATE channels SET deleted_ms = $1, sign_secret = '', legacy_md5_secret = NULL WHERE id = $2",
            )
            .bind(at.0)
            .bind(channel.to_string())
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("channel", error))?;
            changed(&mut transaction, channel, at).await?;
            changes::append(&mut transaction, at, &NewChange::new(ChangeKind::Revoked).channel(channel)).await?;
            noted(&mut transaction, channel, (AuditAction::ChannelDeleted, by, at), "with its keys and relays").await?;
            transaction.commit().await.map_err(|error| rows::failed("channel", error))
        }))
    }
}

/// Writes a channel; its change is the caller's to append.
pub(super) async fn insert_channel(transaction: &mut Write, channel: &Channel) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO channels (id, app, name, record, public, sign_secret, legacy_md5_secret, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(channel.id.to_string())
    .bind(channel.path.app.as_str())
    .bind(channel.path.name.as_str())
    .bind(i64::from(channel.record))
    .bind(i64::from(channel.public))
    .bind(&channel.sign_secret.0)
    .bind(channel.legacy_md5_secret.as_ref().map(|secret| &secret.0))
    .bind(channel.created.0)
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed("channel", error))
}

pub(super) async fn changed(transaction: &mut Write, channel: Uuid, at: UnixMillis) -> Result<(), RepositoryError> {
    changes::append(transaction, at, &NewChange::new(ChangeKind::Channel).channel(channel)).await.map(|_| ())
}

/// A line of the journal about a channel; about its lesson, if it is one's.
pub(super) async fn noted(
    transaction: &mut Write,
    channel: Uuid,
    (action, by, at): (AuditAction, Option<UserId>, UnixMillis),
    detail: &str,
) -> Result<(), RepositoryError> {
    let lesson: Option<String> = sqlx::query_scalar("SELECT id FROM lessons WHERE channel_id = $1")
        .bind(channel.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(|error| rows::failed("channel", error))?;
    let subject = lesson.map_or_else(|| format!("channel:{channel}"), |lesson| format!("lesson:{lesson}"));
    Deed { at, by, action, subject }.note(transaction, detail).await
}

pub(super) async fn require_channel(transaction: &mut Write, id: Uuid) -> Result<(), RepositoryError> {
    sqlx::query_scalar::<_, i64>("SELECT CAST(1 AS BIGINT) FROM channels WHERE id = $1 AND deleted_ms IS NULL")
        .bind(id.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(|error| rows::failed("channel", error))?
        .map(|_| ())
        .ok_or(RepositoryError::NotFound("channel"))
}

async fn insert_key(transaction: &mut Write, key: &StreamKey) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO stream_keys (id, channel_id, label, hash, created_ms, revoked_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.id.to_string())
    .bind(key.channel.to_string())
    .bind(&key.label)
    .bind(key.hash.to_string())
    .bind(key.created.0)
    .bind(key.revoked_at.map(|at| at.0))
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed("key", error))
}
