//! People and their sessions.

use control::search::folded;
use control::{
    BoxFuture, ChangeKind, KeyHash, NewChange, PeopleRepository, Principal, RepositoryError, Roles, Session, User,
    UserId,
};
use media::{Redacted, UnixMillis};

use super::{Row, Store, Write, changes, rows, sessions};

/// A `SELECT` of whole accounts, `u`.
pub(super) const USERS: &str =
    "SELECT u.id, u.email, u.name, u.locale, u.zone, u.is_mentee, u.is_mentor, u.is_operator, u.password,
    u.verified_ms, u.suspended_ms, u.created_ms, u.version FROM users u";

/// The columns of it, where more is selected.
const USER: &str = "u.id, u.email, u.name, u.locale, u.zone, u.is_mentee, u.is_mentor, u.is_operator, u.password,
    u.verified_ms, u.suspended_ms, u.created_ms, u.version";

/// The columns of a session `s` that [`session`] reads.
pub(super) const SESSION: &str = "s.id AS s_id, s.user_id AS s_user_id, s.kind AS s_kind,
    s.secret_hash AS s_secret_hash, s.label AS s_label, s.created_ms AS s_created_ms, s.seen_ms AS s_seen_ms,
    s.expires_ms AS s_expires_ms, s.revoked_ms AS s_revoked_ms";

/// A row of `users`.
pub(super) fn user(row: &Row) -> Result<User, RepositoryError> {
    Ok(User {
        id: rows::parsed(row, "id")?,
        email: rows::column(row, "email")?,
        name: rows::column(row, "name")?,
        locale: rows::parsed(row, "locale")?,
        zone: rows::column(row, "zone")?,
        roles: Roles {
            mentee: rows::truth(row, "is_mentee")?,
            mentor: rows::truth(row, "is_mentor")?,
            operator: rows::truth(row, "is_operator")?,
        },
        password: rows::column::<Option<String>>(row, "password")?.map(Redacted),
        verified: rows::moment_if(row, "verified_ms")?,
        suspended: rows::moment_if(row, "suspended_ms")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        version: rows::column(row, "version")?,
    })
}

/// A row with the columns [`SESSION`].
pub(super) fn session(row: &Row) -> Result<Session, RepositoryError> {
    Ok(Session {
        id: rows::parsed(row, "s_id")?,
        user: rows::parsed(row, "s_user_id")?,
        kind: rows::parsed(row, "s_kind")?,
        secret: rows::parsed(row, "s_secret_hash")?,
        label: rows::column(row, "s_label")?,
        created: UnixMillis(rows::column(row, "s_created_ms")?),
        seen: UnixMillis(rows::column(row, "s_seen_ms")?),
        expires: UnixMillis(rows::column(row, "s_expires_ms")?),
        revoked: rows::moment_if(row, "s_revoked_ms")?,
    })
}

/// Keeps a new account; what tells of it is the caller's.
pub(super) async fn insert(transaction: &mut Write, user: &User) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO users (id, email, name, locale, zone, is_mentee, is_mentor, is_operator, password,
             verified_ms, suspended_ms, created_ms, version, search)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(user.id.to_string())
    .bind(&user.email)
    .bind(&user.name)
    .bind(user.locale.as_str())
    .bind(&user.zone)
    .bind(i64::from(user.roles.mentee))
    .bind(i64::from(user.roles.mentor))
    .bind(i64::from(user.roles.operator))
    .bind(user.password.as_ref().map(|password| &password.0))
    .bind(user.verified.map(|at| at.0))
    .bind(user.suspended.map(|at| at.0))
    .bind(user.created.0)
    .bind(user.version)
    .bind(folded(&user.name))
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed("account", error))
}

impl PeopleRepository for Store {
    fn create_user<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            insert(&mut transaction, user).await?;
            changes::append(&mut transaction, user.created, &NewChange::new(ChangeKind::User).user(user.id)).await?;
            transaction.commit().await.map_err(|error| rows::failed("account", error))
        }))
    }

    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<User>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("{USERS} WHERE u.id = $1")))
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("account", error))?
                .map(|row| user(&row))
                .transpose()
        })
    }

    fn user_by_email<'a>(&'a self, email: &'a str) -> BoxFuture<'a, Result<Option<User>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("{USERS} WHERE u.email = $1")))
                .bind(email)
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("account", error))?
                .map(|row| user(&row))
                .transpose()
        })
    }

    fn create_session<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            sessions::insert(&mut transaction, session).await?;
            transaction.commit().await.map_err(|error| rows::failed("session", error))
        }))
    }

    fn principal(&self, secret: KeyHash) -> BoxFuture<'_, Result<Option<Principal>, RepositoryError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {USER}, {SESSION} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.secret_hash = $1"
            );
            sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(secret.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| rows::failed("session", error))?
                .map(|row| Ok(Principal { user: user(&row)?, session: session(&row)? }))
                .transpose()
        })
    }
}
