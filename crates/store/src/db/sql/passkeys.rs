//! Passkeys, and the challenges that were answered.

use control::audit::AuditEntry;
use control::passkeys::{Answered, PASSKEYS_MAX, Passkey, PasskeyAdded, PasskeyRepository, PasskeyUse};
use control::{BoxFuture, PasskeyId, RepositoryError, UserId};
use media::UnixMillis;

use super::{Row, Store, Write, accounts, audit, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("passkey", error)
}

fn read(row: &Row) -> Result<Passkey, RepositoryError> {
    Ok(Passkey {
        id: rows::parsed(row, "id")?,
        user: rows::parsed(row, "user_id")?,
        credential: rows::column(row, "credential")?,
        key: rows::column(row, "public_key")?,
        state: rows::column(row, "state")?,
        name: rows::column(row, "name")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        used: rows::moment_if(row, "used_ms")?,
    })
}

const OF_USER: &str = "SELECT id, user_id, credential, public_key, state, name, created_ms, used_ms FROM passkeys
     WHERE user_id = $1 ORDER BY created_ms, id LIMIT 1000";
const BY_CREDENTIAL: &str = "SELECT id, user_id, credential, public_key, state, name, created_ms, used_ms FROM passkeys
     WHERE credential = $1";

impl PasskeyRepository for Store {
    fn passkeys(&self, user: UserId) -> BoxFuture<'_, Result<Vec<Passkey>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(OF_USER).bind(user.to_string()).fetch_all(&self.readers).await.map_err(failed)?;
            rows::each(&found, read)
        })
    }

    fn passkey<'a>(&'a self, credential: &'a str) -> BoxFuture<'a, Result<Option<Passkey>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query(BY_CREDENTIAL).bind(credential).fetch_optional(&self.readers).await;
            found.map_err(failed)?.map(|row| read(&row)).transpose()
        })
    }

    fn add_passkey<'a>(
        &'a self,
        passkey: &'a Passkey,
        answered: Answered,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<PasskeyAdded, RepositoryError>> {
        Box::pin(self.again(move || add(self, passkey, answered, entry)))
    }

    fn remove_passkey<'a>(
        &'a self,
        user: UserId,
        passkey: PasskeyId,
        entry: &'a AuditEntry,
    ) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(self.again(move || remove(self, user, passkey, entry)))
    }
}

async fn add(
    store: &Store,
    passkey: &Passkey,
    answered: Answered,
    entry: &AuditEntry,
) -> Result<PasskeyAdded, RepositoryError> {
    let mut transaction = store.begin().await?;
    // One at a time, so that those added at once do not exceed the limit together.
    transaction.take_turn().await.map_err(failed)?;
    if !is_first_answer(&mut transaction, answered).await? {
        return accounts::refuse(transaction, PasskeyAdded::Answered).await;
    }
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM passkeys WHERE user_id = $1")
        .bind(passkey.user.to_string())
        .fetch_one(transaction.connection())
        .await
        .map_err(failed)?;
    if held >= PASSKEYS_MAX {
        return accounts::refuse(transaction, PasskeyAdded::Full).await;
    }
    let done = sqlx::query(
        "INSERT INTO passkeys (id, user_id, credential, public_key, state, name, created_ms, used_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) ON CONFLICT (credential) DO NOTHING",
    )
    .bind(passkey.id.to_string())
    .bind(passkey.user.to_string())
    .bind(&passkey.credential)
    .bind(&passkey.key)
    .bind(&passkey.state)
    .bind(&passkey.name)
    .bind(passkey.created.0)
    .execute(transaction.connection())
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return accounts::refuse(transaction, PasskeyAdded::Known).await;
    }
    audit::append(&mut transaction, entry).await?;
    transaction.commit().await.map(|()| PasskeyAdded::Done).map_err(failed)
}

async fn remove(store: &Store, user: UserId, passkey: PasskeyId, entry: &AuditEntry) -> Result<(), RepositoryError> {
    let mut transaction = store.begin().await?;
    let done = sqlx::query("DELETE FROM passkeys WHERE id = $1 AND user_id = $2")
        .bind(passkey.to_string())
        .bind(user.to_string())
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
    if done.rows_affected() == 0 {
        accounts::refuse(transaction, ()).await?;
        return Err(RepositoryError::NotFound("passkey"));
    }
    audit::append(&mut transaction, entry).await?;
    transaction.commit().await.map_err(failed)
}

/// Notes that a passkey of `user` has answered. `false`: it was removed, has answered something else meanwhile, or the
/// challenge was answered before.
pub(super) async fn answer(
    transaction: &mut Write,
    user: UserId,
    answer: &PasskeyUse<'_>,
    at: UnixMillis,
) -> Result<bool, RepositoryError> {
    let done =
        sqlx::query("UPDATE passkeys SET state = $1, used_ms = $2 WHERE id = $3 AND user_id = $4 AND state = $5")
            .bind(answer.after)
            .bind(at.0)
            .bind(answer.passkey.to_string())
            .bind(user.to_string())
            .bind(answer.before)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
    Ok(done.rows_affected() == 1 && is_first_answer(transaction, answer.answered).await?)
}

async fn is_first_answer(transaction: &mut Write, answered: Answered) -> Result<bool, RepositoryError> {
    sqlx::query(
        "INSERT INTO answered_challenges (challenge, expires_ms) VALUES ($1, $2) ON CONFLICT (challenge) DO NOTHING",
    )
    .bind(answered.challenge.to_string())
    .bind(answered.expires.0)
    .execute(transaction.connection())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed)
}
