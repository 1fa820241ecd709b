//! Courses and who is in them.
//!
//! Whatever depends on how many are in locks the course's row first, so that of two who want the last place one gets it; the
//! changes are appended last, as that lock is everybody's.

use control::search::folded;
use control::teaching::courses::{
    CourseChange, CourseFilter, CourseRepository, CourseSeen, Enrolled, INVITATIONS_MAX, Invitation, Mine, Place,
    Verdict, invitations_after, place, room_for_one,
};
use control::teaching::{Course, EnrolmentState, TeachingError};
use control::{BoxFuture, ChangeKind, CourseId, KeyHash, NewChange, RepositoryError, UserId, Uuid};
use media::UnixMillis;

use super::search::pattern;
use super::{Row, Store, Write, audit, changes, rows};

/// The columns of a course `c` that [`course`] reads.
const COURSE: &str =
    "c.id, c.mentor_id, c.title, c.summary, c.enrolment, c.capacity, c.archived_ms, c.created_ms, c.version";

/// Courses as `$1` sees them.
const SEEN: &str = "m.name AS mentor_name,
    (SELECT COUNT(*) FROM enrolments n WHERE n.course_id = c.id AND n.state = 'active') AS enrolled,
    e.state AS mine,
    CAST(CASE WHEN EXISTS (SELECT 1 FROM attendance a JOIN lessons l ON l.id = a.lesson_id
        WHERE l.course_id = c.id AND a.user_id = $1 AND a.attended = 1) THEN 1 ELSE 0 END AS BIGINT) AS attended
    FROM courses c JOIN users m ON m.id = c.mentor_id
        LEFT JOIN enrolments e ON e.course_id = c.id AND e.user_id = $1";

/// What of a course searches look at.
fn searched(course: &Course) -> String {
    folded(&format!("{}\n{}", course.title, course.summary))
}

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("course", error)
}

fn course(row: &Row) -> Result<Course, RepositoryError> {
    Ok(Course {
        id: rows::parsed(row, "id")?,
        mentor: rows::parsed(row, "mentor_id")?,
        title: rows::column(row, "title")?,
        summary: rows::column(row, "summary")?,
        enrolling: rows::parsed(row, "enrolment")?,
        capacity: rows::small_if(row, "capacity")?,
        archived: rows::moment_if(row, "archived_ms")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        version: rows::column(row, "version")?,
    })
}

fn seen(row: &Row) -> Result<CourseSeen, RepositoryError> {
    Ok(CourseSeen {
        course: course(row)?,
        mentor_name: rows::column(row, "mentor_name")?,
        enrolled: rows::small(row, "enrolled")?,
        mine: rows::parsed_if(row, "mine")?,
        attended: rows::truth(row, "attended")?,
    })
}

fn enrolled(row: &Row) -> Result<Enrolled, RepositoryError> {
    Ok(Enrolled {
        user: rows::parsed(row, "user_id")?,
        name: rows::column(row, "name")?,
        state: rows::parsed(row, "state")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
    })
}

fn invitation(row: &Row) -> Result<Invitation, RepositoryError> {
    Ok(Invitation {
        id: rows::parsed(row, "id")?,
        course: rows::parsed(row, "course_id")?,
        hash: rows::parsed(row, "hash")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        expires: UnixMillis(rows::column(row, "expires_ms")?),
        uses_left: rows::small(row, "uses_left")?,
    })
}

/// The course, whose row nobody else changes until the transaction is over.
pub(super) async fn lock_course(transaction: &mut Write, id: CourseId) -> Result<Course, RepositoryError> {
    let row = sqlx::query(
        "UPDATE courses SET version = version WHERE id = $1
         RETURNING id, mentor_id, title, summary, enrolment, capacity, archived_ms, created_ms, version",
    )
    .bind(id.to_string())
    .fetch_optional(transaction.connection())
    .await
    .map_err(failed)?;
    course(&row.ok_or(RepositoryError::NotFound("course"))?)
}

/// Somebody's place, and since when it is this one.
async fn place_of(
    transaction: &mut Write,
    course: CourseId,
    user: UserId,
) -> Result<Option<(EnrolmentState, UnixMillis)>, RepositoryError> {
    sqlx::query("SELECT state, changed_ms FROM enrolments WHERE course_id = $1 AND user_id = $2")
        .bind(course.to_string())
        .bind(user.to_string())
        .fetch_optional(transaction.connection())
        .await
        .map_err(failed)?
        .map(|row| Ok((rows::parsed(&row, "state")?, UnixMillis(rows::column(&row, "changed_ms")?))))
        .transpose()
}

async fn taken(transaction: &mut Write, course: CourseId) -> Result<u32, RepositoryError> {
    let row = sqlx::query("SELECT COUNT(*) AS enrolled FROM enrolments WHERE course_id = $1 AND state = 'active'")
        .bind(course.to_string())
        .fetch_one(transaction.connection())
        .await
        .map_err(failed)?;
    rows::small(&row, "enrolled")
}

/// Writes somebody's place, and tells of it; of the right that is lost with it, if any.
async fn put_place(
    transaction: &mut Write,
    (course, user): (CourseId, UserId),
    before: Option<EnrolmentState>,
    state: EnrolmentState,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO enrolments (course_id, user_id, state, created_ms, changed_ms, version)
         VALUES ($1, $2, $3, $4, $4, 1)
         ON CONFLICT (course_id, user_id) DO UPDATE SET state = excluded.state, changed_ms = excluded.changed_ms,
             version = enrolments.version + 1",
    )
    .bind(course.to_string())
    .bind(user.to_string())
    .bind(state.as_str())
    .bind(now.0)
    .execute(transaction.connection())
    .await
    .map_err(failed)?;
    let mut told = NewChange::new(ChangeKind::Enrolment).course(course).user(user);
    told.payload = format!("{{\"state\":\"{}\"}}", state.as_str());
    changes::append(transaction, now, &told).await?;
    if before == Some(EnrolmentState::Active) && state != EnrolmentState::Active {
        let revoked = NewChange::new(ChangeKind::Revoked).course(course).user(user);
        changes::append(transaction, now, &revoked).await?;
    }
    Ok(())
}

/// The invitation that `token` stands for, if it holds at `now` and was made after `after`.
async fn invited(
    transaction: &mut Write,
    course: CourseId,
    token: Option<KeyHash>,
    (after, now): (UnixMillis, UnixMillis),
) -> Result<Option<String>, RepositoryError> {
    let Some(token) = token else { return Ok(None) };
    sqlx::query_scalar(INVITED)
        .bind(token.to_string())
        .bind(course.to_string())
        .bind(now.0)
        .bind(after.0)
        .fetch_optional(transaction.connection())
        .await
        .map_err(failed)
}

impl CourseRepository for Store {
    fn create_course<'a>(&'a self, course: &'a Course) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            sqlx::query(
                "INSERT INTO courses
                     (id, mentor_id, title, summary, enrolment, capacity, archived_ms, created_ms, version, search)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(course.id.to_string())
            .bind(course.mentor.to_string())
            .bind(&course.title)
            .bind(&course.summary)
            .bind(course.enrolling.as_str())
            .bind(course.capacity.map(i64::from))
            .bind(course.archived.map(|at| at.0))
            .bind(course.created.0)
            .bind(course.version)
            .bind(searched(course))
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            let told = NewChange::new(ChangeKind::Course).course(course.id);
            changes::append(&mut transaction, course.created, &told).await?;
            transaction.commit().await.map_err(failed)
        }))
    }

    fn course(
        &self,
        id: CourseId,
        viewer: Option<UserId>,
    ) -> BoxFuture<'_, Result<Option<CourseSeen>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COURSE}, {SEEN} WHERE c.id = $2")))
                .bind(viewer.map(|id| id.to_string()))
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?
                .map(|row| seen(&row))
                .transpose()
        })
    }

    fn courses<'a>(
        &'a self,
        filter: &'a CourseFilter,
        viewer: Option<UserId>,
    ) -> BoxFuture<'a, Result<Vec<CourseSeen>, RepositoryError>> {
        Box::pin(async move {
            // The first condition is `CourseSeen::may_be_known`; a test compares them.
            let text = format!(
                "SELECT {COURSE}, {SEEN}
                 WHERE (c.enrolment <> 'invitation' OR c.mentor_id = $1 OR e.state = 'active'
                     OR EXISTS (SELECT 1 FROM attendance a JOIN lessons l ON l.id = a.lesson_id
                         WHERE l.course_id = c.id AND a.user_id = $1 AND a.attended = 1)
                     OR EXISTS (SELECT 1 FROM users u WHERE u.id = $1 AND u.is_operator = 1))
                 AND (CAST($2 AS TEXT) IS NULL OR c.mentor_id = $2)
                 AND (CAST($3 AS BIGINT) = 0 OR CAST($3 AS BIGINT) <> 3 AND c.mentor_id = $1
                     OR CAST($3 AS BIGINT) <> 2 AND e.state IN ('requested', 'active'))
                 AND (CAST($3 AS BIGINT) > 0 OR c.archived_ms IS NULL)
                 AND (CAST($4 AS TEXT) IS NULL OR c.search LIKE $4 ESCAPE '!')
                 AND (CAST($5 AS TEXT) IS NULL OR c.id > $5) ORDER BY c.id LIMIT $6"
            );
            let query = || {
                sqlx::query(sqlx::AssertSqlSafe(text.clone()))
                    .bind(viewer.map(|id| id.to_string()))
                    .bind(filter.mentor.map(|id| id.to_string()))
                    .bind(match filter.mine {
                        None => 0_i64,
                        Some(Mine::Either) => 1,
                        Some(Mine::Teaching) => 2,
                        Some(Mine::Following) => 3,
                    })
                    .bind(filter.query.as_deref().map(pattern))
                    .bind(filter.after.map(|id| id.to_string()))
                    .bind(i64::from(filter.limit))
            };
            let found = self.listed(viewer, query).await.map_err(failed)?;
            rows::each(&found, seen)
        })
    }

    fn change_course<'a>(
        &'a self,
        id: CourseId,
        change: &'a CourseChange,
        version: Option<i64>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Course, TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let before = lock_course(&mut transaction, id).await?;
            if version.is_some_and(|version| version != before.version) {
                return Err(TeachingError::ChangedMeanwhile);
            }
            let mut after = change.applied(before.clone(), now);
            if after == before {
                return Ok(before);
            }
            after.version += 1;
            sqlx::query(
                "UPDATE courses SET title = $2, summary = $3, enrolment = $4, capacity = $5, archived_ms = $6,
                     version = $7, search = $8 WHERE id = $1",
            )
            .bind(id.to_string())
            .bind(&after.title)
            .bind(&after.summary)
            .bind(after.enrolling.as_str())
            .bind(after.capacity.map(i64::from))
            .bind(after.archived.map(|at| at.0))
            .bind(after.version)
            .bind(searched(&after))
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            changes::append(&mut transaction, now, &NewChange::new(ChangeKind::Course).course(id)).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(after)
        }))
    }

    fn enrol(
        &self,
        id: CourseId,
        user: UserId,
        token: Option<KeyHash>,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<EnrolmentState, TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let course = lock_course(&mut transaction, id).await?;
            let place_before = place_of(&mut transaction, id, user).await?;
            let before = place_before.map(|(state, _)| state);
            let enrolled = taken(&mut transaction, id).await?;
            let asked = place(&course, user, Place { before, invited: false, enrolled });
            let after = invitations_after(place_before);
            let invitation = invited(&mut transaction, id, token, (after, now)).await?;
            let state = match (asked, &invitation) {
                (Ok(EnrolmentState::Active), _) => EnrolmentState::Active,
                (asked, None) => asked?,
                (_, Some(invitation)) => {
                    let state = place(&course, user, Place { before, invited: true, enrolled })?;
                    sqlx::query("UPDATE invitations SET uses_left = uses_left - 1 WHERE id = $1")
                        .bind(invitation)
                        .execute(transaction.connection())
                        .await
                        .map_err(failed)?;
                    state
                }
            };
            if before != Some(state) {
                put_place(&mut transaction, (id, user), before, state, now).await?;
                transaction.commit().await.map_err(failed)?;
            }
            Ok(state)
        }))
    }

    fn leave(&self, course: CourseId, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            lock_course(&mut transaction, course).await?;
            let before = place_of(&mut transaction, course, user).await?.map(|(state, _)| state);
            if matches!(before, Some(EnrolmentState::Active | EnrolmentState::Requested)) {
                put_place(&mut transaction, (course, user), before, EnrolmentState::Left, now).await?;
                transaction.commit().await.map_err(failed)?;
            }
            Ok(())
        }))
    }

    fn decide_enrolment(
        &self,
        id: CourseId,
        user: UserId,
        verdict: Verdict,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Enrolled, TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let course = lock_course(&mut transaction, id).await?;
            let before = place_of(&mut transaction, id, user).await?;
            let (before, _) = before.ok_or(RepositoryError::NotFound("enrolment"))?;
            if let Some(state) = verdict.of(before)? {
                if state == EnrolmentState::Active {
                    room_for_one(&course, taken(&mut transaction, id).await?)?;
                }
                put_place(&mut transaction, (id, user), Some(before), state, now).await?;
                audit::decided(&mut transaction, &course, (user, state), now).await?;
            }
            let row = sqlx::query(sqlx::AssertSqlSafe(format!("{ENROLLED} AND e.user_id = $2")))
                .bind(id.to_string())
                .bind(user.to_string())
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
            let decided = enrolled(&row)?;
            transaction.commit().await.map_err(failed)?;
            Ok(decided)
        }))
    }

    fn enrolments(
        &self,
        course: CourseId,
        state: Option<EnrolmentState>,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Enrolled>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "{ENROLLED} AND (CAST($2 AS TEXT) IS NULL OR e.state = $2)
                 AND (CAST($3 AS TEXT) IS NULL OR e.user_id > $3) ORDER BY e.user_id LIMIT $4"
            );
            let found = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(course.to_string())
                .bind(state.map(EnrolmentState::as_str))
                .bind(after.map(|id| id.to_string()))
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, enrolled)
        })
    }

    fn is_invited(
        &self,
        course: CourseId,
        invitation: KeyHash,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<bool, RepositoryError>> {
        Box::pin(async move {
            sqlx::query_scalar(INVITED)
                .bind(invitation.to_string())
                .bind(course.to_string())
                .bind(now.0)
                .bind(invitations_after(None).0)
                .fetch_optional(&self.readers)
                .await
                .map(|found: Option<String>| found.is_some())
                .map_err(failed)
        })
    }

    fn create_invitation<'a>(
        &'a self,
        invitation: &'a Invitation,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), TeachingError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            if lock_course(&mut transaction, invitation.course).await?.archived.is_some() {
                return Err(TeachingError::Archived);
            }
            let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) AS held {HOLDING}")))
                .bind(invitation.course.to_string())
                .bind(now.0)
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
            if rows::small(&row, "held")? >= INVITATIONS_MAX {
                return Err(TeachingError::TooMany(INVITATIONS_MAX));
            }
            sqlx::query(
                "INSERT INTO invitations (id, hash, course_id, created_ms, expires_ms, uses_left, revoked_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, NULL)",
            )
            .bind(invitation.id.to_string())
            .bind(invitation.hash.to_string())
            .bind(invitation.course.to_string())
            .bind(invitation.created.0)
            .bind(invitation.expires.0)
            .bind(i64::from(invitation.uses_left))
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("invitation", error))?;
            Ok(transaction.commit().await.map_err(failed)?)
        }))
    }

    fn invitations(
        &self,
        course: CourseId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<Invitation>, RepositoryError>> {
        Box::pin(async move {
            let columns = "SELECT id, course_id, hash, created_ms, expires_ms, uses_left";
            let found = sqlx::query(sqlx::AssertSqlSafe(format!("{columns} {HOLDING} ORDER BY id")))
                .bind(course.to_string())
                .bind(now.0)
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, invitation)
        })
    }

    fn revoke_invitation(
        &self,
        course: CourseId,
        invitation: Uuid,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            let done = sqlx::query(
                "UPDATE invitations SET revoked_ms = COALESCE(revoked_ms, $1) WHERE id = $2 AND course_id = $3",
            )
            .bind(now.0)
            .bind(invitation.to_string())
            .bind(course.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| rows::failed("invitation", error))?;
            if done.rows_affected() == 0 { Err(RepositoryError::NotFound("invitation")) } else { Ok(()) }
        })
    }
}

/// Those of course `$1` that hold at `$2`.
const HOLDING: &str =
    "FROM invitations WHERE course_id = $1 AND expires_ms > $2 AND uses_left > 0 AND revoked_ms IS NULL";

/// Who has a place in course `$1`.
const ENROLLED: &str = "SELECT e.user_id, u.name, e.state, e.created_ms
    FROM enrolments e JOIN users u ON u.id = e.user_id WHERE e.course_id = $1";

/// The invitation to a course that holds at `$3` and was made after `$4`.
const INVITED: &str = "SELECT id FROM invitations
    WHERE hash = $1 AND course_id = $2 AND expires_ms > $3 AND uses_left > 0 AND revoked_ms IS NULL AND created_ms > $4";
