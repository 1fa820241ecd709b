//! What changed, in the order in which it was committed.

use control::{BoxFuture, Change, ChangeRepository, NewChange, RepositoryError, Seq};
use media::UnixMillis;

use super::{Row, Store, Write, rows};

const COLUMNS: &str =
    "SELECT seq, at_ms, kind, user_id, session_id, course_id, lesson_id, channel_id, payload FROM changes";

/// Writes a change in the transaction that makes it. Nothing else of this kind is written until that is over, so that the
/// order of places is that of commits: a follower that has read up to a place misses nothing before it.
///
/// The rule of all that write, so that no two wait for one another: first the turn, of those that take turns
/// (`Write::take_turn`); then rows; last the place in this line, as it is everybody's. Behind it no row is waited for that
/// somebody may hold who waits for a place: only rows that are the transaction's already, and those of sessions, links and
/// tries, which nobody locks and then appends without having the turn.
pub(super) async fn append(transaction: &mut Write, at: UnixMillis, what: &NewChange) -> Result<Seq, RepositoryError> {
    transaction.lock_changes().await.map_err(|error| rows::failed("change", error))?;
    sqlx::query_scalar(
        "INSERT INTO changes (seq, at_ms, kind, user_id, session_id, course_id, lesson_id, channel_id, payload)
         SELECT COALESCE(MAX(seq), 0) + 1, CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT),
             CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT) FROM changes
         RETURNING seq",
    )
    .bind(at.0)
    .bind(what.kind.as_str())
    .bind(what.user.map(|id| id.to_string()))
    .bind(what.session.map(|id| id.to_string()))
    .bind(what.course.map(|id| id.to_string()))
    .bind(what.lesson.map(|id| id.to_string()))
    .bind(what.channel.map(|id| id.to_string()))
    .bind(&what.payload)
    .fetch_one(transaction.connection())
    .await
    .map(Seq)
    .map_err(|error| rows::failed("change", error))
}

fn change(row: &Row) -> Result<Change, RepositoryError> {
    Ok(Change {
        seq: Seq(rows::column(row, "seq")?),
        at: UnixMillis(rows::column(row, "at_ms")?),
        what: NewChange {
            kind: rows::parsed(row, "kind")?,
            user: rows::parsed_if(row, "user_id")?,
            session: rows::parsed_if(row, "session_id")?,
            course: rows::parsed_if(row, "course_id")?,
            lesson: rows::parsed_if(row, "lesson_id")?,
            channel: rows::parsed_if(row, "channel_id")?,
            payload: rows::column(row, "payload")?,
        },
    })
}

impl ChangeRepository for Store {
    fn version(&self) -> BoxFuture<'_, Result<i64, RepositoryError>> {
        Box::pin(Self::version(self))
    }

    fn last_seq(&self) -> BoxFuture<'_, Result<Seq, RepositoryError>> {
        Box::pin(async move {
            sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM changes")
                .fetch_one(&self.readers)
                .await
                .map(Seq)
                .map_err(|error| rows::failed("change", error))
        })
    }

    fn changes(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<Change>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE seq > $1 ORDER BY seq LIMIT $2")))
                .bind(after.0)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(|error| rows::failed("change", error))?;
            rows::each(&found, change)
        })
    }

    fn kept_behind(&self) -> BoxFuture<'_, Result<Seq, RepositoryError>> {
        Box::pin(async move {
            sqlx::query_scalar("SELECT COALESCE(MIN(seq) - 1, 0) FROM changes")
                .fetch_one(&self.readers)
                .await
                .map(Seq)
                .map_err(|error| rows::failed("change", error))
        })
    }

    fn forget_changes(&self, before: UnixMillis, limit: u32) -> BoxFuture<'_, Result<u64, RepositoryError>> {
        Box::pin(async move {
            // Who plans from changes and has not begun has passed none: the comparison with no cursor holds for none.
            sqlx::query(
                "DELETE FROM changes WHERE seq < (SELECT MAX(seq) FROM changes)
                     AND seq < (SELECT MIN(seq) FROM changes) + $2
                     AND seq <= (SELECT MIN(seq) FROM cursors)
                     AND seq < COALESCE((SELECT MIN(seq) FROM changes WHERE at_ms >= $1), (SELECT MAX(seq) FROM changes))",
            )
            .bind(before.0)
            .bind(i64::from(limit))
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(|error| rows::failed("change", error))
        })
    }

    fn revocations(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Change>, RepositoryError>> {
        Box::pin(async move {
            let text = format!("{COLUMNS} WHERE kind = 'revoked' AND at_ms >= $1 ORDER BY seq");
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(since.0)
                .fetch_all(&self.readers)
                .await
                .map_err(|error| rows::failed("change", error))?;
            rows::each(&found, change)
        })
    }
}
