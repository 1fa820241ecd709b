//! Changes, and how somebody stands to each: in one statement, as of one moment.

use control::feed::{Beside, FeedRepository};
use control::teaching::courses::CourseSeen;
use control::{BoxFuture, Change, NewChange, RepositoryError, Seq, UserId};
use media::UnixMillis;

use super::access::{LESSON, PERSON, STANDING};
use super::{Row, Store, access, rows};

fn change(row: &Row) -> Result<Change, RepositoryError> {
    Ok(Change {
        seq: Seq(rows::column(row, "x_seq")?),
        at: UnixMillis(rows::column(row, "x_at_ms")?),
        what: NewChange {
            kind: rows::parsed(row, "x_kind")?,
            user: rows::parsed_if(row, "x_user_id")?,
            session: rows::parsed_if(row, "x_session_id")?,
            course: rows::parsed_if(row, "x_course_id")?,
            lesson: rows::parsed_if(row, "x_lesson_id")?,
            channel: rows::parsed_if(row, "x_channel_id")?,
            payload: rows::column(row, "x_payload")?,
        },
    })
}

fn beside(row: &Row) -> Result<Beside, RepositoryError> {
    let has = |name| rows::column::<Option<String>>(row, name).map(|found| found.is_some());
    let lesson = if has("id")? { Some(access::standing(row)?) } else { None };
    let course = if has("k_id")? { Some(course(row)?) } else { None };
    Ok(Beside { change: change(row)?, lesson, course })
}

/// Who may know of a course is asked of its kind, its mentor and the reader's place: what it is called is not read.
fn course(row: &Row) -> Result<CourseSeen, RepositoryError> {
    Ok(CourseSeen {
        course: control::teaching::Course {
            id: rows::parsed(row, "k_id")?,
            mentor: rows::parsed(row, "k_mentor_id")?,
            title: String::new(),
            summary: String::new(),
            enrolling: rows::parsed(row, "c_enrolment")?,
            capacity: None,
            archived: rows::moment_if(row, "k_archived_ms")?,
            created: UnixMillis(rows::column(row, "k_created_ms")?),
            version: rows::column(row, "k_version")?,
        },
        mentor_name: String::new(),
        enrolled: 0,
        mine: rows::parsed_if(row, "p_enrolment")?,
        attended: rows::truth(row, "k_attended")?,
    })
}

impl FeedRepository for Store {
    fn changes_beside(
        &self,
        reader: Option<UserId>,
        after: Seq,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Beside>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT x.seq AS x_seq, x.at_ms AS x_at_ms, x.kind AS x_kind, x.user_id AS x_user_id,
                     x.session_id AS x_session_id, x.course_id AS x_course_id, x.lesson_id AS x_lesson_id,
                     x.channel_id AS x_channel_id, x.payload AS x_payload,
                     c.id AS k_id, c.mentor_id AS k_mentor_id, c.archived_ms AS k_archived_ms,
                     c.created_ms AS k_created_ms, c.version AS k_version,
                     CAST(CASE WHEN EXISTS (SELECT 1 FROM attendance t JOIN lessons o ON o.id = t.lesson_id
                         WHERE o.course_id = c.id AND t.user_id = $1 AND t.attended = 1)
                         THEN 1 ELSE 0 END AS BIGINT) AS k_attended,
                     {LESSON}, {STANDING}
                 FROM changes x LEFT JOIN lessons l ON l.id = x.lesson_id
                     LEFT JOIN courses c ON c.id = COALESCE(l.course_id, x.course_id) {PERSON}
                 WHERE x.seq > $2 ORDER BY x.seq LIMIT $3"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(reader.map(|id| id.to_string()))
                .bind(after.0)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(|error| rows::failed("change", error))?;
            rows::each(&found, beside)
        })
    }
}
