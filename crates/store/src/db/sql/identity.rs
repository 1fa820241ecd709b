//! Tries and one-time links; and the joint of all that is kept of who somebody is. Sessions are in `sessions`, accounts in
//! `accounts`.

use control::audit::AuditEntry;
use control::identity::provider::Assertion;
use control::identity::throttle::{Attempt, wait_ms};
use control::identity::{
    Changed, FORGET_AUDIT_MS, FORGET_ENDED_MS, FORGET_FAILED_MS, IdentityRepository, LinkPurpose, NewPassword,
    OneTimeLink, SignIn, SignUp, SignedUp, UserChange,
};
use control::{BoxFuture, KeyHash, RepositoryError, Session, SessionId, User, UserId};
use media::{Redacted, UnixMillis};

use super::{Store, Write, accounts, audit, people, rows, sessions};

impl IdentityRepository for Store {
    fn attempt<'a>(
        &'a self,
        attempts: &'a [Attempt],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<i64>, RepositoryError>> {
        Box::pin(self.again(move || attempt(self, attempts, now)))
    }

    fn forgive<'a>(&'a self, attempts: &'a [Attempt], at: UnixMillis) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            forgive(&mut transaction, attempts, at).await?;
            transaction.commit().await.map_err(|error| rows::failed("try", error))
        }))
    }

    fn wait<'a>(
        &'a self,
        attempts: &'a [Attempt],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<i64>, RepositoryError>> {
        Box::pin(wait(self, attempts, now))
    }

    fn sign_up<'a>(&'a self, sign_up: &'a SignUp<'a>) -> BoxFuture<'a, Result<SignedUp, RepositoryError>> {
        Box::pin(self.again(move || accounts::sign_up(self, sign_up)))
    }

    fn password_asked_for(&self, user: UserId) -> BoxFuture<'_, Result<Option<Redacted<String>>, RepositoryError>> {
        Box::pin(async move {
            sqlx::query_scalar::<_, Option<String>>(
                "SELECT password FROM one_time_links WHERE user_id = $1 AND purpose = 'verify' AND used_ms IS NULL
                 ORDER BY created_ms DESC, hash LIMIT 1",
            )
            .bind(user.to_string())
            .fetch_optional(&self.readers)
            .await
            .map(|found| found.flatten().map(Redacted))
            .map_err(|error| rows::failed("link", error))
        })
    }

    fn sign_in<'a>(&'a self, sign_in: &'a SignIn<'a>) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || sessions::sign_in(self, sign_in)))
    }

    fn sessions(&self, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<Vec<Session>, RepositoryError>> {
        Box::pin(sessions::standing(self, user, now))
    }

    fn end_session<'a>(
        &'a self,
        user: UserId,
        session: SessionId,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || sessions::end_one(self, user, session, entry)))
    }

    fn end_sessions<'a>(&'a self, user: UserId, entry: &'a AuditEntry) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            transaction.take_turn().await.map_err(|error| rows::failed("session", error))?;
            sessions::end_all(&mut transaction, user, entry.at).await?;
            audit::append(&mut transaction, entry).await?;
            transaction.commit().await.map_err(|error| rows::failed("session", error))
        }))
    }

    fn seen<'a>(&'a self, seen: &'a [(SessionId, UnixMillis)]) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || sessions::seen(self, seen)))
    }

    fn create_link<'a>(
        &'a self,
        link: &'a OneTimeLink,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            keep_link(&mut transaction, link).await?;
            audit::append(&mut transaction, entry).await?;
            transaction.commit().await.map_err(|error| rows::failed("link", error))
        }))
    }

    fn link<'a>(
        &'a self,
        hash: KeyHash,
        purposes: &'a [LinkPurpose],
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<User>, RepositoryError>> {
        Box::pin(link(self, hash, purposes, now))
    }

    fn typed_here(&self, link: KeyHash, browser: KeyHash) -> BoxFuture<'_, Result<bool, RepositoryError>> {
        Box::pin(async move {
            sqlx::query("SELECT 1 FROM one_time_links WHERE hash = $1 AND browser = $2 AND password IS NOT NULL")
                .bind(link.to_string())
                .bind(browser.to_string())
                .fetch_optional(&self.readers)
                .await
                .map(|found| found.is_some())
                .map_err(|error| rows::failed("link", error))
        })
    }

    fn set_password<'a>(&'a self, new: &'a NewPassword<'a>) -> BoxFuture<'a, Result<bool, RepositoryError>> {
        Box::pin(self.again(move || accounts::set_password(self, new)))
    }

    fn assert_identity<'a>(
        &'a self,
        assertion: &'a Assertion,
        fresh: UserId,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<User>, RepositoryError>> {
        Box::pin(self.again(move || accounts::assert_identity(self, assertion, fresh, now)))
    }

    fn users<'a>(
        &'a self,
        text: &'a str,
        after: Option<UserId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<User>, RepositoryError>> {
        Box::pin(accounts::users(self, text, after, limit))
    }

    fn change_user<'a>(
        &'a self,
        user: UserId,
        expected: Option<i64>,
        change: &'a UserChange,
        by: Option<UserId>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Changed, RepositoryError>> {
        Box::pin(self.again(move || accounts::change(self, user, expected, change, by, now)))
    }

    fn bootstrap<'a>(
        &'a self,
        first: &'a User,
        token: KeyHash,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<OneTimeLink>, RepositoryError>> {
        Box::pin(self.again(move || accounts::bootstrap(self, first, token, now)))
    }

    fn forget_old(&self, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(forget_old(self, now))
    }
}

/// How many tries of $1 there were since $2, and when the first of them was.
const TRIES: &str = "SELECT COUNT(*), COALESCE(MIN(at_ms), 0) FROM sign_in_failures WHERE subject = $1 AND at_ms > $2";

/// Whether a share is used up, as a reader sees it: who tries on and on takes no turn from those who write.
async fn wait(store: &Store, attempts: &[Attempt], now: UnixMillis) -> Result<Option<i64>, RepositoryError> {
    let mut wait = None;
    for Attempt { subject, share } in attempts {
        let (count, oldest): (i64, i64) = sqlx::query_as(TRIES)
            .bind(subject)
            .bind(now.0 - share.window_ms)
            .fetch_one(&store.readers)
            .await
            .map_err(|error| rows::failed("try", error))?;
        wait = wait.max(wait_ms(*share, count, oldest, now.0));
    }
    Ok(wait)
}

/// Counts and notes in one transaction, one at a time.
async fn attempt(store: &Store, attempts: &[Attempt], now: UnixMillis) -> Result<Option<i64>, RepositoryError> {
    let failed = |error| rows::failed("try", error);
    if let Some(wait) = wait(store, attempts, now).await? {
        return Ok(Some(wait));
    }
    let mut transaction = store.begin().await?;
    transaction.take_turn().await.map_err(failed)?;
    let mut wait = None;
    for Attempt { subject, share } in attempts {
        let (count, oldest): (i64, i64) = sqlx::query_as(TRIES)
            .bind(subject)
            .bind(now.0 - share.window_ms)
            .fetch_one(transaction.connection())
            .await
            .map_err(failed)?;
        wait = wait.max(wait_ms(*share, count, oldest, now.0));
    }
    if wait.is_some() {
        return accounts::refuse(transaction, wait).await;
    }
    for Attempt { subject, .. } in attempts {
        sqlx::query("INSERT INTO sign_in_failures (subject, at_ms) VALUES ($1, $2)")
            .bind(subject)
            .bind(now.0)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(None)
}

/// Takes back the tries that a sign-in at `at` makes good: on the account all, from the address its own.
pub(super) async fn forgive(
    transaction: &mut Write,
    attempts: &[Attempt],
    at: UnixMillis,
) -> Result<(), RepositoryError> {
    for Attempt { subject, share } in attempts {
        let own_only = subject.starts_with(&format!("{}:address:", share.what));
        sqlx::query("DELETE FROM sign_in_failures WHERE subject = $1 AND ($2 = 0 OR at_ms = $3)")
            .bind(subject)
            .bind(i64::from(own_only))
            .bind(at.0)
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("try", error))?;
    }
    Ok(())
}

/// Keeps a link in place of those of the same purpose that were not used.
pub(super) async fn keep_link(transaction: &mut Write, link: &OneTimeLink) -> Result<(), RepositoryError> {
    let failed = |error| rows::failed("link", error);
    sqlx::query("DELETE FROM one_time_links WHERE user_id = $1 AND purpose = $2 AND used_ms IS NULL")
        .bind(link.user.to_string())
        .bind(link.purpose.as_str())
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    insert_link(transaction, link).await
}

/// Keeps a link beside others.
pub(super) async fn insert_link(transaction: &mut Write, link: &OneTimeLink) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO one_time_links (hash, user_id, purpose, created_ms, expires_ms, used_ms)
         VALUES ($1, $2, $3, $4, $5, NULL)",
    )
    .bind(link.hash.to_string())
    .bind(link.user.to_string())
    .bind(link.purpose.as_str())
    .bind(link.created.0)
    .bind(link.expires.0)
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed("link", error))
}

/// Uses a link of `user` up, whose purpose is one of these. `false`: it does not hold.
pub(super) async fn use_up(
    transaction: &mut Write,
    hash: KeyHash,
    user: UserId,
    purposes: &[LinkPurpose],
    now: UnixMillis,
) -> Result<bool, RepositoryError> {
    let text = format!(
        "UPDATE one_time_links SET used_ms = $1
         WHERE hash = $2 AND user_id = $3 AND used_ms IS NULL AND expires_ms > $4 AND purpose IN ({})",
        listed(purposes)
    );
    sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(now.0)
        .bind(hash.to_string())
        .bind(user.to_string())
        .bind(now.0)
        .execute(transaction.connection())
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(|error| rows::failed("link", error))
}

/// Voids all links of somebody that were not used.
pub(super) async fn void_links(transaction: &mut Write, user: UserId) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM one_time_links WHERE user_id = $1 AND used_ms IS NULL")
        .bind(user.to_string())
        .execute(transaction.connection())
        .await
        .map(|_| ())
        .map_err(|error| rows::failed("link", error))
}

/// Forgets what was asked for with somebody's address, used or not.
pub(super) async fn void_sign_ups(transaction: &mut Write, user: UserId) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM one_time_links WHERE user_id = $1 AND purpose = 'verify'")
        .bind(user.to_string())
        .execute(transaction.connection())
        .await
        .map(|_| ())
        .map_err(|error| rows::failed("link", error))
}

async fn link(
    store: &Store,
    hash: KeyHash,
    purposes: &[LinkPurpose],
    now: UnixMillis,
) -> Result<Option<User>, RepositoryError> {
    let text = format!(
        "{} JOIN one_time_links l ON l.user_id = u.id
         WHERE l.hash = $1 AND l.used_ms IS NULL AND l.expires_ms > $2 AND u.suspended_ms IS NULL AND l.purpose IN ({})",
        people::USERS,
        listed(purposes)
    );
    sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(hash.to_string())
        .bind(now.0)
        .fetch_optional(&store.readers)
        .await
        .map_err(|error| rows::failed("link", error))?
        .map(|row| people::user(&row))
        .transpose()
}

/// As SQL text. The words are constants of ours.
fn listed(purposes: &[LinkPurpose]) -> String {
    let words: Vec<String> = purposes.iter().map(|purpose| format!("'{}'", purpose.as_str())).collect();
    words.join(", ")
}

/// Some at a time: others write in between.
async fn forget_old(store: &Store, now: UnixMillis) -> Result<(), RepositoryError> {
    let ended = now.0 - FORGET_ENDED_MS;
    for (rows, which, before) in [
        (
            "sign_in_failures",
            "(subject, at_ms) IN (SELECT subject, at_ms FROM sign_in_failures WHERE at_ms < $1",
            now.0 - 24 * 3_600_000,
        ),
        ("one_time_links", "hash IN (SELECT hash FROM one_time_links WHERE expires_ms < $1", ended),
        // A server whose clock is behind may still take the challenge.
        (
            "answered_challenges",
            "challenge IN (SELECT challenge FROM answered_challenges WHERE expires_ms < $1",
            now.0 - 3_600_000,
        ),
        ("sessions", "id IN (SELECT id FROM sessions WHERE expires_ms < $1", ended),
        ("sessions", "id IN (SELECT id FROM sessions WHERE revoked_ms < $1", ended),
        (
            "audit",
            "id IN (SELECT id FROM audit WHERE at_ms < $1 AND action = 'sign_in_failed'",
            now.0 - FORGET_FAILED_MS,
        ),
        ("audit", "id IN (SELECT id FROM audit WHERE at_ms < $1", now.0 - FORGET_AUDIT_MS),
    ] {
        delete_some_at_a_time(store, &format!("DELETE FROM {rows} WHERE {which} LIMIT $2)"), before).await?;
    }
    Ok(())
}

/// Deletes what lies before $1, up to $2 rows at a time, until none is left.
pub(super) async fn delete_some_at_a_time(store: &Store, text: &str, before: i64) -> Result<(), RepositoryError> {
    const SOME: i64 = 1_000;
    loop {
        let query = sqlx::query(sqlx::AssertSqlSafe(text.to_owned())).bind(before).bind(SOME);
        let done = query.execute(&store.writer).await.map_err(|error| rows::failed("line", error))?;
        if done.rows_affected() == 0 {
            return Ok(());
        }
    }
}
