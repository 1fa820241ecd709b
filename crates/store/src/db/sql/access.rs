//! The facts that access decisions stand on, each set of them in one statement: as of one moment.

use control::access::{AccessRepository, Person, Standing};
use control::teaching::Lesson;
use control::{BoxFuture, LessonId, RepositoryError, Roles, Seq, UserId};
use media::UnixMillis;

use super::{Row, Store, rows};

/// The columns of a lesson `l` that [`lesson`] reads.
pub(super) const LESSON: &str = "l.id, l.course_id, l.mentor_id, l.channel_id, l.series_id, l.title, l.summary,
    l.starts_ms, l.ends_ms, l.zone, l.state, l.started_ms, l.ended_ms, l.capacity, l.slow_ms, l.comments_on, l.review_on,
    l.word_filter, l.created_ms, l.version";

/// A row with the columns [`LESSON`].
pub(super) fn lesson(row: &Row) -> Result<Lesson, RepositoryError> {
    Ok(Lesson {
        id: rows::parsed(row, "id")?,
        course: rows::parsed(row, "course_id")?,
        mentor: rows::parsed(row, "mentor_id")?,
        channel: rows::parsed(row, "channel_id")?,
        series: rows::parsed_if(row, "series_id")?,
        title: rows::column(row, "title")?,
        summary: rows::column(row, "summary")?,
        starts: UnixMillis(rows::column(row, "starts_ms")?),
        ends: UnixMillis(rows::column(row, "ends_ms")?),
        zone: rows::column(row, "zone")?,
        state: rows::parsed(row, "state")?,
        started: rows::moment_if(row, "started_ms")?,
        ended: rows::moment_if(row, "ended_ms")?,
        capacity: rows::small_if(row, "capacity")?,
        slow_ms: rows::small(row, "slow_ms")?,
        comments_on: rows::truth(row, "comments_on")?,
        review_on: rows::truth(row, "review_on")?,
        word_filter: rows::words(row, "word_filter")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        version: rows::column(row, "version")?,
    })
}

/// What [`standing`] reads besides [`LESSON`], of a lesson `l` and the person `$1`.
pub(super) const STANDING: &str = "c.enrolment AS c_enrolment,
    (SELECT COALESCE(MAX(seq), 0) FROM changes) AS newest,
    u.id AS p_id, u.is_mentee AS p_mentee, u.is_mentor AS p_mentor, u.is_operator AS p_operator,
    CAST(CASE WHEN u.suspended_ms IS NULL THEN 0 ELSE 1 END AS BIGINT) AS p_suspended,
    e.state AS p_enrolment,
    CAST(CASE WHEN b.user_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS p_banned,
    a.attended AS p_attended";

/// The tables of [`STANDING`] beside `lessons l` and `courses c`.
pub(super) const PERSON: &str = "LEFT JOIN users u ON u.id = $1
    LEFT JOIN enrolments e ON e.course_id = c.id AND e.user_id = u.id
    LEFT JOIN bans b ON b.lesson_id = l.id AND b.user_id = u.id AND b.lifted_ms IS NULL
    LEFT JOIN attendance a ON a.lesson_id = l.id AND a.user_id = u.id";

/// A row with the columns [`LESSON`] and [`STANDING`].
pub(super) fn standing(row: &Row) -> Result<Standing, RepositoryError> {
    let person = match rows::parsed_if::<UserId>(row, "p_id")? {
        None => None,
        Some(id) => Some(Person {
            id,
            roles: Roles {
                mentee: rows::truth(row, "p_mentee")?,
                mentor: rows::truth(row, "p_mentor")?,
                operator: rows::truth(row, "p_operator")?,
            },
            suspended: rows::truth(row, "p_suspended")?,
            enrolment: rows::parsed_if(row, "p_enrolment")?,
            banned: rows::truth(row, "p_banned")?,
            attended: rows::column::<Option<i64>>(row, "p_attended")?.map(|attended| attended != 0),
        }),
    };
    Ok(Standing {
        seq: Seq(rows::column(row, "newest")?),
        lesson: lesson(row)?,
        enrolling: rows::parsed(row, "c_enrolment")?,
        person,
    })
}

impl AccessRepository for Store {
    fn standing(
        &self,
        person: Option<UserId>,
        lesson: LessonId,
    ) -> BoxFuture<'_, Result<Option<Standing>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LESSON}, {STANDING} FROM lessons l JOIN courses c ON c.id = l.course_id {PERSON} WHERE l.id = $2"
            );
            sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(person.map(|id| id.to_string()))
                .bind(lesson.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("lesson", error))?
                .map(|row| standing(&row))
                .transpose()
        })
    }
}
