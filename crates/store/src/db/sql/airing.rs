//! What the directory is fed from: channels, keys and lessons, all of them or a few.

use control::airing::{Airing, AiringRepository, OwnKey, Parts, Touched};
use control::teaching::lessons::LESSON_APP;
use control::{BoxFuture, RepositoryError, Seq, Snapshot, UserId};
use media::UnixMillis;
use sqlx::QueryBuilder;

use super::{Db, Row, Store, rows};

const AIRINGS: &str = "SELECT l.id, l.course_id, l.mentor_id, l.channel_id, l.starts_ms, l.ends_ms, l.state,
    CASE WHEN l.state = 'ended' AND l.started_ms IS NOT NULL THEN l.ended_ms END AS over_ms,
    CAST(CASE WHEN u.suspended_ms IS NULL AND u.is_mentor = 1 THEN 0 ELSE 1 END AS BIGINT) AS suspended
    FROM lessons l JOIN users u ON u.id = l.mentor_id";

/// Which lessons `l` are not over, or were not at the moment that comes behind. Each half is read along an index, so that it
/// costs what it finds.
const CURRENT: &str = "l.state IN ('scheduled', 'live') OR COALESCE(l.ended_ms, l.ends_ms) > ";

/// All channels that are no lesson's: `$2` is the application of those. Two ranges of the index on paths, where `<>` would read
/// every channel there is.
const OF_OPERATORS: &str = "SELECT c.id FROM channels c WHERE c.deleted_ms IS NULL AND c.app < $2
    UNION ALL SELECT c.id FROM channels c WHERE c.deleted_ms IS NULL AND c.app > $2";

/// A key of somebody who is suspended, or no mentor any more, is refused as a revoked one is. When the role went stands in
/// the journal alone: such a key is refused as if it had never held.
const OWN_KEYS: &str = "SELECT k.id, k.mentor_id, k.hash,
    COALESCE(k.revoked_ms, u.suspended_ms, CASE WHEN u.is_mentor = 1 THEN NULL ELSE k.created_ms END) AS revoked_ms
    FROM mentor_keys k JOIN users u ON u.id = k.mentor_id";

/// Placeholders of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const LISTED_MAX: usize = 10_000;

fn airing(row: &Row) -> Result<Airing, RepositoryError> {
    Ok(Airing {
        lesson: rows::parsed(row, "id")?,
        course: rows::parsed(row, "course_id")?,
        mentor: rows::parsed(row, "mentor_id")?,
        channel: rows::parsed(row, "channel_id")?,
        starts: UnixMillis(rows::column(row, "starts_ms")?),
        ends: UnixMillis(rows::column(row, "ends_ms")?),
        state: rows::parsed(row, "state")?,
        ended: rows::moment_if(row, "over_ms")?,
        suspended: rows::truth(row, "suspended")?,
    })
}

fn own_key(row: &Row) -> Result<OwnKey, RepositoryError> {
    Ok(OwnKey {
        id: rows::parsed(row, "id")?,
        mentor: rows::parsed(row, "mentor_id")?,
        hash: rows::parsed(row, "hash")?,
        revoked_at: rows::moment_if(row, "revoked_ms")?,
    })
}

/// Where in `column` one of `ids` stands.
fn among(query: &mut QueryBuilder<Db>, column: &str, ids: &[impl ToString]) {
    query.push(column).push(" IN (");
    let mut listed = query.separated(", ");
    for id in ids {
        listed.push_bind(id.to_string());
    }
    query.push(")");
}

impl Store {
    /// Rows of `text` where one of the columns has one of its ids. Without ids there is nothing.
    async fn those(
        &self,
        text: &'static str,
        what: &'static str,
        ids: &[(&str, Vec<String>)],
    ) -> Result<Vec<Row>, RepositoryError> {
        let mut found = Vec::new();
        for (column, ids) in ids {
            for ids in ids.chunks(LISTED_MAX) {
                let mut query = QueryBuilder::<Db>::new(text);
                query.push(if text.contains(" WHERE ") { " AND " } else { " WHERE " });
                among(&mut query, column, ids);
                let some = query.build().fetch_all(&self.readers).await.map_err(|error| rows::failed(what, error))?;
                found.extend(some);
            }
        }
        Ok(found)
    }

    /// What is not over of mentors' lessons, or was not at `since`: not all that they ever taught.
    async fn of_mentors(&self, mentors: &[UserId], since: UnixMillis) -> Result<Vec<Airing>, RepositoryError> {
        let mut found = Vec::new();
        for mentors in mentors.chunks(LISTED_MAX) {
            let mut query = QueryBuilder::<Db>::new(AIRINGS);
            among(query.push(" WHERE "), "l.mentor_id", mentors);
            query.push(" AND (").push(CURRENT).push_bind(since.0).push(")");
            let some = query.build().fetch_all(&self.readers).await.map_err(|error| rows::failed("lesson", error))?;
            found.extend(rows::each(&some, airing)?);
        }
        Ok(found)
    }
}

fn texts(ids: &[impl ToString]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

impl AiringRepository for Store {
    fn directory(&self, since: UnixMillis) -> BoxFuture<'_, Result<(Snapshot, Seq), RepositoryError>> {
        Box::pin(async move {
            use control::ChangeRepository as _;
            // First, so that what is written meanwhile is read again as a change rather than missed.
            let seq = self.last_seq().await?;
            let ids = format!("SELECT l.channel_id FROM lessons l WHERE {CURRENT}$1 UNION ALL {OF_OPERATORS}");
            let of_channels = async |text: String| {
                let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(since.0).bind(LESSON_APP);
                query.fetch_all(&self.readers).await.map_err(|error| rows::failed("channel", error))
            };
            let channels = of_channels(format!("{} AND id IN ({ids})", rows::CHANNELS)).await?;
            let keys = of_channels(format!("{} WHERE channel_id IN ({ids})", rows::KEYS)).await?;
            let lessons = sqlx::query(sqlx::AssertSqlSafe(format!("{AIRINGS} WHERE {CURRENT}$1"))).bind(since.0);
            let lessons = lessons.fetch_all(&self.readers).await.map_err(|error| rows::failed("lesson", error))?;
            let own_keys = sqlx::query(OWN_KEYS).fetch_all(&self.readers).await;
            let own_keys = own_keys.map_err(|error| rows::failed("key", error))?;
            let snapshot = Snapshot::new(rows::each(&channels, rows::channel)?, rows::each(&keys, rows::key)?);
            let (lessons, own_keys) = (rows::each(&lessons, airing)?, rows::each(&own_keys, own_key)?);
            Ok((snapshot.with_lessons(lessons, own_keys), seq))
        })
    }

    fn parts<'a>(&'a self, touched: &'a Touched, since: UnixMillis) -> BoxFuture<'a, Result<Parts, RepositoryError>> {
        Box::pin(async move {
            let by = [("l.id", texts(&touched.lessons))];
            let mut airings = rows::each(&self.those(AIRINGS, "lesson", &by).await?, airing)?;
            airings.extend(self.of_mentors(&touched.mentors, since).await?);
            airings.sort_unstable_by_key(|airing| airing.lesson);
            airings.dedup_by_key(|airing| airing.lesson);
            let by = [("k.mentor_id", texts(&touched.mentors))];
            let own_keys = rows::each(&self.those(OWN_KEYS, "key", &by).await?, own_key)?;
            // A lesson is set with its channel, in one change.
            let mut channels = texts(&touched.channels);
            channels.extend(
                airings
                    .iter()
                    .filter(|airing| touched.lessons.contains(&airing.lesson))
                    .map(|airing| airing.channel.to_string()),
            );
            channels.sort_unstable();
            channels.dedup();
            let found = self.those(rows::CHANNELS, "channel", &[("id", channels.clone())]).await?;
            let keys = self.those(rows::KEYS, "key", &[("channel_id", channels)]).await?;
            Ok(Parts {
                channels: rows::each(&found, rows::channel)?,
                keys: rows::each(&keys, rows::key)?,
                airings,
                own_keys,
            })
        })
    }
}
