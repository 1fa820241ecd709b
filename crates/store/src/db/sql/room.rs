//! What is said in the rooms of lessons.

use std::ops::Range;

use control::deliveries::NewDelivery;
use control::room::{
    Appended, Comment, Counts, HandChange, Moderated, Moderation, Mute, NewComment, PINS_MAX, RaisedHand,
    ReactionCount, ReactionKind, RoomRepository,
};
use control::{BoxFuture, CommentId, LessonId, RepositoryError, UserId};
use media::UnixMillis;

use super::{Row, Store, Write, deliveries, rows};

/// A `SELECT` of whole comments, `c`.
const COMMENTS: &str =
    "SELECT c.seq, c.id, c.user_id, c.client_id, c.body, c.at_ms, c.media_ms, c.state, c.pinned, u.name
    FROM comments c JOIN users u ON u.id = c.user_id";

fn comment(row: &Row) -> Result<Comment, RepositoryError> {
    Ok(Comment {
        seq: rows::column(row, "seq")?,
        name: rows::column(row, "name")?,
        said: NewComment {
            id: rows::parsed(row, "id")?,
            user: rows::parsed(row, "user_id")?,
            client_id: rows::column(row, "client_id")?,
            body: rows::column(row, "body")?,
            at: UnixMillis(rows::column(row, "at_ms")?),
            media_ms: rows::column(row, "media_ms")?,
            state: rows::parsed(row, "state")?,
        },
        pinned: rows::truth(row, "pinned")?,
    })
}

fn reaction(row: &Row) -> Result<ReactionCount, RepositoryError> {
    Ok(ReactionCount {
        media_ms: rows::column(row, "media_ms")?,
        kind: rows::parsed(row, "kind")?,
        count: rows::count(row, "count")?,
    })
}

fn failed(error: sqlx::Error) -> RepositoryError {
    match rows::failed("comment", error) {
        RepositoryError::NotFound(_) => RepositoryError::NotFound("lesson or person"),
        other => other,
    }
}

/// Puts a comment at `seq`, unless its sender has said it before.
async fn append(
    transaction: &mut Write,
    lesson: &str,
    seq: i64,
    comment: &NewComment,
) -> Result<Appended, RepositoryError> {
    let (user, client_id) = (comment.user.to_string(), &comment.client_id);
    let inserted = sqlx::query(
        "INSERT INTO comments (lesson_id, seq, id, user_id, client_id, body, at_ms, media_ms, state, pinned)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CAST(0 AS BIGINT))
         ON CONFLICT (lesson_id, user_id, client_id) DO NOTHING",
    )
    .bind(lesson)
    .bind(seq)
    .bind(comment.id.to_string())
    .bind(&user)
    .bind(client_id)
    .bind(&comment.body)
    .bind(comment.at.0)
    .bind(comment.media_ms)
    .bind(comment.state.as_str())
    .execute(transaction.connection())
    .await
    .map_err(failed)?;
    if inserted.rows_affected() == 1 {
        return Ok(Appended { seq, is_new: true, state: comment.state });
    }
    let kept = sqlx::query("SELECT seq, state FROM comments WHERE lesson_id = $1 AND user_id = $2 AND client_id = $3")
        .bind(lesson)
        .bind(&user)
        .bind(client_id)
        .fetch_one(transaction.connection())
        .await
        .map_err(failed)?;
    Ok(Appended { seq: rows::column(&kept, "seq")?, is_new: false, state: rows::parsed(&kept, "state")? })
}

async fn moderate(
    transaction: &mut Write,
    lesson: &str,
    id: CommentId,
    moderation: Moderation,
) -> Result<Moderated, RepositoryError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COMMENTS} WHERE c.lesson_id = $1 AND c.id = $2")))
        .bind(lesson)
        .bind(id.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(failed)?
        .ok_or(RepositoryError::NotFound("comment"))?;
    let mut comment = comment(&row)?;
    let (before, was_pinned) = (comment.said.state, comment.pinned);
    (comment.said.state, comment.pinned) = moderation.applied(before, was_pinned);
    if comment.pinned && !was_pinned {
        let pins: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM comments WHERE lesson_id = $1 AND pinned = 1")
            .bind(lesson)
            .fetch_one(transaction.connection())
            .await
            .map_err(failed)?;
        if usize::try_from(pins).is_ok_and(|pins| pins >= PINS_MAX) {
            return Ok(Moderated::TooManyPins);
        }
    }
    sqlx::query("UPDATE comments SET state = $3, pinned = $4 WHERE lesson_id = $1 AND id = $2")
        .bind(lesson)
        .bind(id.to_string())
        .bind(comment.said.state.as_str())
        .bind(i64::from(comment.pinned))
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    Ok(Moderated::Done { before, comment })
}

impl Store {
    async fn begin_in_room(&self, lesson: &str) -> Result<Write, RepositoryError> {
        let mut transaction = self.begin().await?;
        transaction.lock_room(lesson).await.map_err(failed)?;
        Ok(transaction)
    }
}

impl RoomRepository for Store {
    fn append_comments<'a>(
        &'a self,
        lesson: LessonId,
        comments: &'a [NewComment],
        calls: &'a [(usize, NewDelivery)],
    ) -> BoxFuture<'a, Result<Vec<Appended>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let lesson = lesson.to_string();
            let mut transaction = self.begin_in_room(&lesson).await?;
            let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM comments WHERE lesson_id = $1")
                .bind(&lesson)
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
            let (mut next, mut places) = (last + 1, Vec::with_capacity(comments.len()));
            for comment in comments {
                let place = append(&mut transaction, &lesson, next, comment).await?;
                next += i64::from(place.is_new);
                places.push(place);
            }
            for (at, call) in calls {
                if places.get(*at).is_some_and(|place| place.is_new) {
                    deliveries::insert(&mut transaction, call).await?;
                }
            }
            transaction.commit().await.map_err(failed)?;
            Ok(places)
        }))
    }

    fn last_comment(&self, lesson: LessonId) -> BoxFuture<'_, Result<i64, RepositoryError>> {
        Box::pin(async move {
            sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM comments WHERE lesson_id = $1")
                .bind(lesson.to_string())
                .fetch_one(&self.readers)
                .await
                .map_err(failed)
        })
    }

    fn comments_after(
        &self,
        lesson: LessonId,
        after: i64,
        limit: u32,
        all: bool,
    ) -> BoxFuture<'_, Result<Vec<Comment>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "{COMMENTS} WHERE c.lesson_id = $1 AND c.seq > $2 AND (c.state = 'shown' OR $3 = 1)
                 ORDER BY c.seq LIMIT $4"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .bind(after)
                .bind(i64::from(all))
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, comment)
        })
    }

    fn comments_during(
        &self,
        lesson: LessonId,
        stretch: Range<i64>,
        after: Option<(i64, i64)>,
        limit: u32,
        all: bool,
    ) -> BoxFuture<'_, Result<Vec<Comment>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "{COMMENTS} WHERE c.lesson_id = $1 AND c.media_ms >= $2 AND c.media_ms < $3
                     AND (c.media_ms, c.seq) > ($4, $5) AND (c.state = 'shown' OR $6 = 1)
                 ORDER BY c.media_ms, c.seq LIMIT $7"
            );
            let (media_ms, seq) = after.unwrap_or((-1, 0));
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .bind(stretch.start)
                .bind(stretch.end)
                .bind(media_ms)
                .bind(seq)
                .bind(i64::from(all))
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, comment)
        })
    }

    fn pinned_comments(&self, lesson: LessonId) -> BoxFuture<'_, Result<Vec<Comment>, RepositoryError>> {
        Box::pin(async move {
            let text = format!("{COMMENTS} WHERE c.lesson_id = $1 AND c.pinned = 1 ORDER BY c.seq");
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(lesson.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, comment)
        })
    }

    fn moderate_comment(
        &self,
        lesson: LessonId,
        comment: CommentId,
        moderation: Moderation,
    ) -> BoxFuture<'_, Result<Moderated, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let lesson = lesson.to_string();
            let mut transaction = self.begin_in_room(&lesson).await?;
            let moderated = moderate(&mut transaction, &lesson, comment, moderation).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(moderated)
        }))
    }

    fn add_reactions<'a>(
        &'a self,
        lesson: LessonId,
        counts: &'a [ReactionCount],
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let lesson = lesson.to_string();
            let mut transaction = self.begin_in_room(&lesson).await?;
            for count in counts {
                sqlx::query(
                    "INSERT INTO reactions (lesson_id, kind, media_ms, count) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (lesson_id, media_ms, kind) DO UPDATE SET count = reactions.count + excluded.count",
                )
                .bind(&lesson)
                .bind(count.kind.as_str())
                .bind(count.media_ms)
                .bind(rows::stored(count.count)?)
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)
        }))
    }

    fn reactions(&self, lesson: LessonId) -> BoxFuture<'_, Result<Vec<ReactionCount>, RepositoryError>> {
        Box::pin(async move {
            let found =
                sqlx::query("SELECT media_ms, kind, count FROM reactions WHERE lesson_id = $1 ORDER BY media_ms, kind")
                    .bind(lesson.to_string())
                    .fetch_all(&self.readers)
                    .await
                    .map_err(failed)?;
            rows::each(&found, reaction)
        })
    }

    fn reaction_totals(&self, lesson: LessonId) -> BoxFuture<'_, Result<Counts, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(
                "SELECT kind, CAST(SUM(count) AS BIGINT) AS count FROM reactions WHERE lesson_id = $1 GROUP BY kind",
            )
            .bind(lesson.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
            let mut totals = Counts::default();
            for row in &found {
                totals[rows::parsed::<ReactionKind>(row, "kind")? as usize] = rows::count(row, "count")?;
            }
            Ok(totals)
        })
    }

    fn set_hands<'a>(
        &'a self,
        lesson: LessonId,
        hands: &'a [HandChange],
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            for hand in hands {
                // A hand that stays up keeps its turn.
                sqlx::query(
                    "INSERT INTO hands (lesson_id, user_id, raised_ms, lowered_ms) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (lesson_id, user_id) DO UPDATE SET
                         raised_ms = CASE WHEN excluded.lowered_ms IS NULL AND hands.lowered_ms IS NOT NULL
                             THEN excluded.raised_ms ELSE hands.raised_ms END,
                         lowered_ms = excluded.lowered_ms",
                )
                .bind(lesson.to_string())
                .bind(hand.user.to_string())
                .bind(hand.at.0)
                .bind((!hand.raised).then_some(hand.at.0))
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)
        }))
    }

    fn raised_hands(&self, lesson: LessonId) -> BoxFuture<'_, Result<Vec<RaisedHand>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(
                "SELECT h.user_id, u.name, h.raised_ms FROM hands h JOIN users u ON u.id = h.user_id
                 WHERE h.lesson_id = $1 AND h.lowered_ms IS NULL ORDER BY h.raised_ms, h.user_id",
            )
            .bind(lesson.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
            rows::each(&found, |row| {
                Ok(RaisedHand {
                    user: rows::parsed(row, "user_id")?,
                    name: rows::column(row, "name")?,
                    since: UnixMillis(rows::column(row, "raised_ms")?),
                })
            })
        })
    }

    fn mute(&self, lesson: LessonId, mute: Mute, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO mutes (lesson_id, user_id, until_ms, created_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (lesson_id, user_id) DO UPDATE SET until_ms = excluded.until_ms",
            )
            .bind(lesson.to_string())
            .bind(mute.user.to_string())
            .bind(mute.until.0)
            .bind(now.0)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(failed)
        })
    }

    fn unmute(&self, lesson: LessonId, user: UserId) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            sqlx::query("DELETE FROM mutes WHERE lesson_id = $1 AND user_id = $2")
                .bind(lesson.to_string())
                .bind(user.to_string())
                .execute(&self.writer)
                .await
                .map(|_| ())
                .map_err(failed)
        })
    }

    fn mutes(&self, lesson: LessonId, now: UnixMillis) -> BoxFuture<'_, Result<Vec<Mute>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query("SELECT user_id, until_ms FROM mutes WHERE lesson_id = $1 AND until_ms > $2")
                .bind(lesson.to_string())
                .bind(now.0)
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, |row| {
                Ok(Mute { user: rows::parsed(row, "user_id")?, until: UnixMillis(rows::column(row, "until_ms")?) })
            })
        })
    }
}
