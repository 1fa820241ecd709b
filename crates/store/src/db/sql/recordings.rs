//! What is known of recordings.

use control::{BoxFuture, Recording, RecordingRepository, RepositoryError, Uuid};
use media::StreamId;

use super::{Store, rows};

impl RecordingRepository for Store {
    fn put_recording<'a>(&'a self, recording: &'a Recording) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO recordings (channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (channel_id, stream) DO UPDATE SET
                     app = excluded.app, name = excluded.name, started_ms = excluded.started_ms,
                     duration_ms = excluded.duration_ms, bytes = excluded.bytes, next_msn = excluded.next_msn,
                     state = excluded.state",
            )
            .bind(recording.channel.to_string())
            .bind(rows::stored(recording.id.0)?)
            .bind(recording.path.app.as_str())
            .bind(recording.path.name.as_str())
            .bind(recording.started.0)
            .bind(rows::stored(recording.duration_ms)?)
            .bind(rows::stored(recording.bytes)?)
            .bind(rows::stored(recording.next_msn)?)
            .bind(recording.state.as_str())
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(|error| rows::failed("recording", error))
        })
    }

    fn recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<Option<Recording>, RepositoryError>> {
        Box::pin(async move {
            let Ok(stream) = i64::try_from(id.0) else { return Ok(None) };
            sqlx::query(rows::RECORDING_BY_ID)
                .bind(channel.to_string())
                .bind(stream)
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("recording", error))?
                .map(|row| rows::recording(&row))
                .transpose()
        })
    }

    fn recordings(&self, channel: Option<Uuid>) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            let query = match channel {
                Some(id) => sqlx::query(rows::RECORDINGS_OF_CHANNEL).bind(id.to_string()),
                None => sqlx::query(rows::ALL_RECORDINGS),
            };
            let found = query.fetch_all(&self.readers).await.map_err(|error| rows::failed("recording", error))?;
            rows::each(&found, rows::recording)
        })
    }

    fn newest_recordings(&self, channel: Uuid, max: u32) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            let query = sqlx::query(rows::NEWEST_RECORDINGS).bind(channel.to_string()).bind(i64::from(max));
            let found = query.fetch_all(&self.readers).await.map_err(|error| rows::failed("recording", error))?;
            rows::each(&found, rows::recording)
        })
    }

    fn recordings_ahead(&self) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(rows::RECORDINGS_AHEAD).fetch_all(&self.readers).await;
            rows::each(&found.map_err(|error| rows::failed("recording", error))?, rows::recording)
        })
    }

    fn delete_recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            let Ok(stream) = i64::try_from(id.0) else { return Ok(()) };
            sqlx::query("DELETE FROM recordings WHERE channel_id = $1 AND stream = $2")
                .bind(channel.to_string())
                .bind(stream)
                .execute(&self.writer)
                .await
                .map(|_| ())
                .map_err(|error| rows::failed("recording", error))
        })
    }
}
