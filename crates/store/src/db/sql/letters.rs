//! What a delivery is made of, and whether whom it is for may still be told: read when it is sent, which may be long after
//! it was planned.

use control::notices::{Audience, Letter, Notice, NoticeKind, NoticeRepository as _, OtherMove, Reader, Standing};
use control::{LessonId, RepositoryError, UserId, Uuid};
use media::UnixMillis;

use super::super::{Row, Store, rows, subscriptions, webhooks};
use super::{NOT_BANNED, NOTICE, audience_of, failed, notice, settings};

/// Other moves of one lesson that are read: who moves it oftener before anybody hears of it is told of the last ones.
const MOVES_MAX: i64 = 16;

fn reader(row: &Row) -> Result<Reader, RepositoryError> {
    let confirmed = rows::moment_if(row, "u_verified_ms")?.is_some();
    Ok(Reader {
        user: rows::parsed(row, "u_id")?,
        locale: rows::parsed(row, "u_locale")?,
        zone: rows::column(row, "u_zone")?,
        email: if confirmed { Some(rows::column(row, "u_email")?) } else { None },
        settings: settings(row)?,
        suspended: rows::truth(row, "u_suspended")?,
        is_told: true,
    })
}

pub(super) async fn letter(store: &Store, delivery: Uuid, now: UnixMillis) -> Result<Letter, RepositoryError> {
    let text = format!(
        "SELECT {NOTICE}, u.id AS u_id, u.locale AS u_locale, u.zone AS u_zone, u.email AS u_email,
             u.verified_ms AS u_verified_ms,
             CAST(CASE WHEN u.suspended_ms IS NULL THEN 0 ELSE 1 END AS BIGINT) AS u_suspended,
             s.push_on, s.email_on, s.muted_kinds, s.quiet_from_min, s.quiet_until_min, s.version AS n_version,
             d.payload AS d_payload, d.target AS d_target, d.medium AS d_medium, d.webhook_id AS d_webhook_id
         FROM deliveries d LEFT JOIN notices n ON n.id = d.notice_id LEFT JOIN users u ON u.id = d.user_id
             LEFT JOIN notice_settings s ON s.user_id = d.user_id
         WHERE d.id = $1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(delivery.to_string())
        .fetch_optional(&store.readers)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(Letter::default()) };
    let mut letter = Letter::default();
    if rows::column::<Option<&str>>(&row, "u_locale")?.is_some() {
        letter.reader = Some(reader(&row)?);
    }
    if rows::column::<Option<&str>>(&row, "n_id")?.is_some() {
        let notice = notice(&row)?;
        letter.lesson = store.lesson_event(notice.lesson).await?.map(|event| event.lesson);
        if let Some(reader) = &mut letter.reader {
            reader.is_told = is_told(store, notice.kind.audience(), notice.lesson, reader.user).await?;
            if is_of_several(&notice)? {
                letter.series = series(store, notice.lesson, reader.user).await?;
            }
            if notice.kind == NoticeKind::LessonChanged {
                letter.others = other_moves(store, delivery, &notice, reader.user).await?;
            }
        }
        letter.notice = Some(notice);
    }
    if rows::column::<&str>(&row, "d_medium")? == "push" {
        letter.subscription = subscriptions::live(store, rows::column(&row, "d_target")?, now).await?;
    }
    if let Some(id) = rows::column::<Option<&str>>(&row, "d_webhook_id")? {
        letter.webhook = webhooks::allowed(store, id, rows::column(&row, "d_payload")?).await?;
    }
    Ok(letter)
}

/// Whether somebody is still told of a lesson.
async fn is_told(store: &Store, audience: Audience, lesson: LessonId, user: UserId) -> Result<bool, RepositoryError> {
    let text =
        format!("SELECT u.id FROM users u WHERE u.id = $2 AND u.id IN ({}) AND {NOT_BANNED}", audience_of(audience));
    sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(lesson.to_string())
        .bind(user.to_string())
        .fetch_optional(&store.readers)
        .await
        .map(|row| row.is_some())
        .map_err(failed)
}

/// Whether a notice is about several lessons of a series, by what it remembers of its event.
fn is_of_several(notice: &Notice) -> Result<bool, RepositoryError> {
    let mark = match notice.kind {
        NoticeKind::LessonScheduled => "series",
        NoticeKind::LessonChanged => "together",
        _ => return Ok(false),
    };
    let payload: serde_json::Value = serde_json::from_str(&notice.payload)
        .map_err(|_| RepositoryError::Corrupt { what: "a value of payload".to_owned() })?;
    Ok(payload[mark] == true || payload[mark].is_object())
}

/// Of the lessons that were set together with one, and of itself, those that somebody in the course is told of.
async fn series(store: &Store, lesson: LessonId, user: UserId) -> Result<Vec<Standing>, RepositoryError> {
    let found = sqlx::query(
        "SELECT l.id, l.starts_ms, l.ends_ms, l.state FROM lessons f JOIN lessons l ON l.series_id = f.series_id AND l.course_id = f.course_id
             JOIN enrolments e ON e.course_id = l.course_id AND e.user_id = $2 AND e.state = 'active'
         WHERE f.id = $1 AND NOT EXISTS (SELECT 1 FROM bans b
             WHERE b.lesson_id = l.id AND b.user_id = $2 AND b.lifted_ms IS NULL)
         ORDER BY l.starts_ms, l.id",
    )
    .bind(lesson.to_string())
    .bind(user.to_string())
    .fetch_all(&store.readers)
    .await
    .map_err(failed)?;
    rows::each(&found, |row| {
        Ok(Standing {
            lesson: rows::parsed(row, "id")?,
            starts: UnixMillis(rows::column(row, "starts_ms")?),
            ends: UnixMillis(rows::column(row, "ends_ms")?),
            state: rows::parsed(row, "state")?,
        })
    })
}

/// What of other moves goes or went to where this delivery goes.
async fn other_moves(
    store: &Store,
    delivery: Uuid,
    notice: &Notice,
    user: UserId,
) -> Result<Vec<OtherMove>, RepositoryError> {
    let found = sqlx::query(
        "SELECT n.payload, e.state, e.attempts,
             CASE WHEN e.lease IS NULL THEN e.next_ms ELSE CAST(0 AS BIGINT) END AS waits_ms
         FROM deliveries d JOIN notices n ON n.user_id = $2 AND n.lesson_id = $3 AND n.kind = $4 AND n.id <> $5
             JOIN deliveries e ON e.notice_id = n.id AND e.medium = d.medium AND e.target = d.target
         WHERE d.id = $1 ORDER BY n.id DESC LIMIT $6",
    )
    .bind(delivery.to_string())
    .bind(user.to_string())
    .bind(notice.lesson.to_string())
    .bind(notice.kind.as_str())
    .bind(notice.id.to_string())
    .bind(MOVES_MAX)
    .fetch_all(&store.readers)
    .await
    .map_err(failed)?;
    rows::each(&found, |row| {
        let state = rows::column::<&str>(row, "state")?;
        Ok(OtherMove {
            payload: rows::column(row, "payload")?,
            waits: if state == "waiting" { rows::moment_if(row, "waits_ms")? } else { None },
            is_unheard: match state {
                "dead" => rows::column::<i64>(row, "attempts")? <= 1,
                "waiting" => rows::column::<i64>(row, "attempts")? == 0,
                _ => false,
            },
        })
    })
}
