//! Sign-ins: their begin, their use, their end.

use control::audit::AuditEntry;
use control::identity::{LinkPurpose, Proof, SESSION_MS, SESSIONS_MAX, SignIn};
use control::{ChangeKind, NewChange, RepositoryError, Session, SessionId, UserId};
use media::UnixMillis;

use super::{Store, Write, accounts, audit, changes, identity, passkeys, people, rows};

const SUBJECT: &str = "session";

pub(super) async fn sign_in(store: &Store, sign_in: &SignIn<'_>) -> Result<bool, RepositoryError> {
    let SignIn { session, replaces, entry, forgive, proof } = sign_in;
    let mut transaction = store.begin().await?;
    // Nobody signs in while they are being suspended, or while their password is changed.
    transaction.take_turn().await.map_err(|error| rows::failed(SUBJECT, error))?;
    if !accounts::may_sign_in(&mut transaction, session.user, proof).await? {
        return accounts::refuse(transaction, false).await;
    }
    if let Proof::Link { hash, browser } = *proof {
        let purposes = [LinkPurpose::SignIn, LinkPurpose::Verify];
        if !identity::use_up(&mut transaction, hash, session.user, &purposes, session.created).await? {
            return accounts::refuse(transaction, false).await;
        }
        accounts::confirm(&mut transaction, session.user, hash, browser, session.created).await?;
    }
    if let Proof::Passkey(answer) = *proof
        && !passkeys::answer(&mut transaction, session.user, answer, session.created).await?
    {
        return accounts::refuse(transaction, false).await;
    }
    insert(&mut transaction, session).await?;
    if let Some(old) = replaces {
        end(&mut transaction, None, *old, session.created).await?;
    }
    let surplus: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM sessions WHERE user_id = $1 AND revoked_ms IS NULL AND expires_ms > $2 AND id <> $3
         ORDER BY seen_ms DESC, id DESC LIMIT 1000 OFFSET $4",
    )
    .bind(session.user.to_string())
    .bind(session.created.0)
    .bind(session.id.to_string())
    .bind(i64::from(SESSIONS_MAX) - 1)
    .fetch_all(transaction.connection())
    .await
    .map_err(|error| rows::failed(SUBJECT, error))?;
    for id in surplus {
        let id = id.parse().map_err(|_| rows::corrupt("id"))?;
        end(&mut transaction, None, id, session.created).await?;
    }
    identity::forgive(&mut transaction, forgive, session.created).await?;
    audit::append(&mut transaction, entry).await?;
    transaction.commit().await.map_err(|error| rows::failed(SUBJECT, error))?;
    Ok(true)
}

/// Keeps a session.
pub(super) async fn insert(transaction: &mut Write, session: &Session) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO sessions (id, user_id, kind, secret_hash, label, created_ms, seen_ms, expires_ms, revoked_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(session.id.to_string())
    .bind(session.user.to_string())
    .bind(session.kind.as_str())
    .bind(session.secret.to_string())
    .bind(&session.label)
    .bind(session.created.0)
    .bind(session.seen.0)
    .bind(session.expires.0)
    .bind(session.revoked.map(|at| at.0))
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed(SUBJECT, error))
}

pub(super) async fn standing(store: &Store, user: UserId, now: UnixMillis) -> Result<Vec<Session>, RepositoryError> {
    let text = format!(
        "SELECT {} FROM sessions s WHERE s.user_id = $1 AND s.revoked_ms IS NULL AND s.expires_ms > $2
         ORDER BY s.seen_ms DESC, s.id DESC LIMIT 1000",
        people::SESSION
    );
    let found = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(user.to_string())
        .bind(now.0)
        .fetch_all(&store.readers)
        .await
        .map_err(|error| rows::failed(SUBJECT, error))?;
    rows::each(&found, people::session)
}

pub(super) async fn end_one(
    store: &Store,
    user: UserId,
    session: SessionId,
    entry: &AuditEntry,
) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    // Before any row of theirs, as where a password is changed.
    transaction.take_turn().await.map_err(|error| rows::failed(SUBJECT, error))?;
    if !end(&mut transaction, Some(user), session, entry.at).await? {
        return accounts::refuse(transaction, ()).await.and(Err(RepositoryError::NotFound(SUBJECT)));
    }
    audit::append(&mut transaction, entry).await?;
    transaction.commit().await.map_err(|error| rows::failed(SUBJECT, error))
}

/// Ends a session, of that person if one is named. `false`: none stood.
async fn end(
    transaction: &mut Write,
    user: Option<UserId>,
    session: SessionId,
    at: UnixMillis,
) -> Result<bool, RepositoryError> {
    let ended = sqlx::query(
        "UPDATE sessions SET revoked_ms = $1
         WHERE id = $2 AND revoked_ms IS NULL AND (CAST($3 AS TEXT) IS NULL OR user_id = CAST($3 AS TEXT))",
    )
    .bind(at.0)
    .bind(session.to_string())
    .bind(user.map(|id| id.to_string()))
    .execute(transaction.connection())
    .await
    .map_err(|error| rows::failed(SUBJECT, error))?
    .rows_affected();
    if ended == 1 {
        changes::append(transaction, at, &NewChange::new(ChangeKind::Revoked).session(session)).await?;
    }
    Ok(ended == 1)
}

/// Ends all sessions of somebody.
pub(super) async fn end_all(transaction: &mut Write, user: UserId, at: UnixMillis) -> Result<(), RepositoryError> {
    sqlx::query("UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL")
        .bind(at.0)
        .bind(user.to_string())
        .execute(transaction.connection())
        .await
        .map_err(|error| rows::failed(SUBJECT, error))?;
    changes::append(transaction, at, &NewChange::new(ChangeKind::Revoked).user(user)).await.map(|_| ())
}

/// Ends all sessions of somebody but one: each by itself, so that what the one was granted stays.
pub(super) async fn end_others(
    transaction: &mut Write,
    user: UserId,
    keep: SessionId,
    at: UnixMillis,
) -> Result<(), RepositoryError> {
    let others: Vec<String> =
        sqlx::query_scalar("SELECT id FROM sessions WHERE user_id = $1 AND revoked_ms IS NULL AND id <> $2")
            .bind(user.to_string())
            .bind(keep.to_string())
            .fetch_all(transaction.connection())
            .await
            .map_err(|error| rows::failed(SUBJECT, error))?;
    for id in others {
        end(transaction, None, id.parse().map_err(|_| rows::corrupt("id"))?, at).await?;
    }
    Ok(())
}

pub(super) async fn seen(store: &Store, seen: &[(SessionId, UnixMillis)]) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    // In one order, so that servers that note the same ones wait for each other in a line.
    let mut seen = seen.to_vec();
    seen.sort_unstable();
    for (session, at) in &seen {
        sqlx::query(
            "UPDATE sessions SET seen_ms = $1, expires_ms = $2
             WHERE id = $3 AND revoked_ms IS NULL AND seen_ms < $1 AND expires_ms > $1",
        )
        .bind(at.0)
        .bind(at.0 + SESSION_MS)
        .bind(session.to_string())
        .execute(transaction.connection())
        .await
        .map_err(|error| rows::failed(SUBJECT, error))?;
    }
    transaction.commit().await.map_err(|error| rows::failed(SUBJECT, error))
}
