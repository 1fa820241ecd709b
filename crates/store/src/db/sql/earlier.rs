//! Channels and recordings by a word.

use control::earlier::{Beside, EarlierRepository, NamedRecording};
use control::{BoxFuture, ChangeKind, NewChange, RepositoryError, Uuid};
use media::UnixMillis;

use super::{Row, Store, changes, rows};

/// Channels that are marked at once.
const CHANNELS_MAX: i64 = 1_000;

fn named(row: &Row) -> Result<NamedRecording, RepositoryError> {
    Ok(NamedRecording {
        recording: rows::recording(row)?,
        public: rows::truth(row, "c_public")?,
        lesson: rows::parsed_if(row, "l_id")?,
    })
}

/// `app/name`, or the word as both.
fn parts(word: &str) -> (&str, &str, i64) {
    match word.split_once('/') {
        Some((app, name)) => (app, name, 1),
        None => (word, word, 0),
    }
}

impl EarlierRepository for Store {
    fn recordings_called<'a>(
        &'a self,
        word: &'a str,
        beside: &'a Beside,
    ) -> BoxFuture<'a, Result<Vec<NamedRecording>, RepositoryError>> {
        Box::pin(async move {
            let (app, name, both) = parts(word);
            let found = sqlx::query(
                "SELECT r.channel_id, r.stream, r.app, r.name, r.started_ms, r.duration_ms, r.bytes, r.next_msn, r.state,
                     CAST(CASE WHEN c.public = 1 AND c.deleted_ms IS NULL THEN 1 ELSE 0 END AS BIGINT) AS c_public,
                     l.id AS l_id
                 FROM recordings r JOIN channels c ON c.id = r.channel_id LEFT JOIN lessons l ON l.channel_id = c.id
                     LEFT JOIN attendance a ON a.lesson_id = l.id AND a.user_id = $5
                 WHERE (CAST($3 AS BIGINT) = 1 AND r.app = $1 AND r.name = $2
                     OR CAST($3 AS BIGINT) = 0 AND (r.app = $1 OR r.name = $2))
                   AND (l.mentor_id = $5 OR a.attended = 1
                     OR l.id IS NULL AND (CAST($6 AS BIGINT) = 1 OR c.public = 1 AND c.deleted_ms IS NULL))
                   AND (CAST($7 AS BIGINT) IS NULL OR r.started_ms < CAST($7 AS BIGINT)
                     OR r.started_ms = CAST($7 AS BIGINT) AND (r.channel_id > CAST($8 AS TEXT)
                         OR r.channel_id = CAST($8 AS TEXT) AND r.stream < CAST($9 AS BIGINT)))
                 ORDER BY r.started_ms DESC, r.channel_id, r.stream DESC LIMIT $4",
            )
            .bind(app)
            .bind(name)
            .bind(both)
            .bind(i64::from(beside.limit))
            .bind(beside.user.to_string())
            .bind(i64::from(beside.is_operator))
            .bind(beside.after.map(|after| after.started.0))
            .bind(beside.after.map(|after| after.channel.to_string()))
            .bind(beside.after.map(|after| i64::try_from(after.stream.0).unwrap_or(i64::MAX)))
            .fetch_all(&self.readers)
            .await
            .map_err(|error| rows::failed("recording", error))?;
            rows::each(&found, named)
        })
    }

    fn mark_recorded<'a>(
        &'a self,
        word: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Uuid>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let (app, name, both) = parts(word);
            let failed = |error| rows::failed("channel", error);
            let mut transaction = self.begin().await?;
            let found = sqlx::query(
                "SELECT id, CAST(record AS BIGINT) AS record FROM channels
                 WHERE deleted_ms IS NULL AND (CAST($3 AS BIGINT) = 1 AND app = $1 AND name = $2
                     OR CAST($3 AS BIGINT) = 0 AND (app = $1 OR name = $2))
                 ORDER BY id LIMIT $4",
            )
            .bind(app)
            .bind(name)
            .bind(both)
            .bind(CHANNELS_MAX)
            .fetch_all(transaction.connection())
            .await
            .map_err(failed)?;
            let mut all = Vec::with_capacity(found.len());
            let mut marked = Vec::new();
            for row in &found {
                let id: Uuid = rows::parsed(row, "id")?;
                all.push(id);
                if !rows::truth(row, "record")? {
                    marked.push(id);
                }
            }
            for id in &marked {
                sqlx::query("UPDATE channels SET record = 1 WHERE id = $1")
                    .bind(id.to_string())
                    .execute(transaction.connection())
                    .await
                    .map_err(failed)?;
            }
            for id in &marked {
                changes::append(&mut transaction, now, &NewChange::new(ChangeKind::Channel).channel(*id)).await?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(all)
        }))
    }
}
