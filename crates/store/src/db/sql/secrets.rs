//! What the server signs with.

use control::audit::AuditAction;
use control::secrets::{Older, Secret, SecretName, SecretRepository, SecretSeen};
use control::{BoxFuture, RepositoryError};
use media::{Redacted, UnixMillis};

use super::audit::Deed;
use super::{Row, Store, rows};

fn failed(error: sqlx::Error) -> RepositoryError {
    rows::failed("secret", error)
}

fn secret(row: &Row) -> Result<Secret, RepositoryError> {
    Ok(Secret {
        kid: rows::column(row, "kid")?,
        value: Redacted(rows::column(row, "value")?),
        created: UnixMillis(rows::column(row, "created_ms")?),
    })
}

fn seen(row: &Row) -> Result<SecretSeen, RepositoryError> {
    Ok(SecretSeen {
        name: rows::column(row, "name")?,
        kid: rows::column(row, "kid")?,
        created: UnixMillis(rows::column(row, "created_ms")?),
        retired: rows::column::<Option<i64>>(row, "retired_ms")?.map(UnixMillis),
    })
}

fn deed(name: SecretName, action: AuditAction, at: UnixMillis) -> Deed {
    Deed { at, by: None, action, subject: format!("secret:{}", name.as_str()) }
}

const STANDING: &str =
    "SELECT kid, value, created_ms FROM secrets WHERE name = $1 AND retired_ms IS NULL ORDER BY kid DESC";

impl SecretRepository for Store {
    fn secrets<'a>(
        &'a self,
        name: SecretName,
        fresh: &'a Redacted<String>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Secret>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let name = name.as_str();
            // They are made once, and asked for by whoever comes along.
            let found = sqlx::query(STANDING).bind(name).fetch_all(&self.readers).await.map_err(failed)?;
            if !found.is_empty() {
                return rows::each(&found, secret);
            }
            let mut transaction = self.begin().await?;
            sqlx::query(
                "INSERT INTO secrets (name, kid, value, created_ms, retired_ms) VALUES ($1, 1, $2, $3, NULL)
                 ON CONFLICT (name, kid) DO NOTHING",
            )
            .bind(name)
            .bind(&fresh.0)
            .bind(now.0)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            let found = sqlx::query(STANDING).bind(name).fetch_all(transaction.connection()).await.map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            rows::each(&found, secret)
        }))
    }

    fn secrets_seen(&self) -> BoxFuture<'_, Result<Vec<SecretSeen>, RepositoryError>> {
        Box::pin(async move {
            let found = sqlx::query("SELECT name, kid, created_ms, retired_ms FROM secrets ORDER BY name, kid DESC")
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
            rows::each(&found, seen)
        })
    }

    fn rotate_secret<'a>(
        &'a self,
        name: SecretName,
        value: &'a Redacted<String>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<i64, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let kid: Option<i64> = sqlx::query_scalar(
                "INSERT INTO secrets (name, kid, value, created_ms, retired_ms)
                 SELECT name, MAX(kid) + 1, CAST($2 AS TEXT), CAST($3 AS BIGINT), NULL
                 FROM secrets WHERE name = $1 GROUP BY name
                 RETURNING kid",
            )
            .bind(name.as_str())
            .bind(&value.0)
            .bind(now.0)
            .fetch_optional(transaction.connection())
            .await
            .map_err(failed)?;
            let kid = kid.ok_or(RepositoryError::NotFound("secret"))?;
            deed(name, AuditAction::SecretRotated, now).note(&mut transaction, &format!("key {kid}")).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(kid)
        }))
    }

    fn retire_secrets(
        &self,
        name: SecretName,
        which: Older,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<i64>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let mut transaction = self.begin().await?;
            let mut kids: Vec<i64> = sqlx::query_scalar(
                "UPDATE secrets SET retired_ms = $2 WHERE name = $1 AND retired_ms IS NULL
                     AND kid < (SELECT MAX(kid) FROM secrets WHERE name = $1)
                     AND (CAST($3 AS BIGINT) = 1
                         OR kid = (SELECT MIN(kid) FROM secrets WHERE name = $1 AND retired_ms IS NULL))
                 RETURNING kid",
            )
            .bind(name.as_str())
            .bind(now.0)
            .bind(i64::from(which == Older::All))
            .fetch_all(transaction.connection())
            .await
            .map_err(failed)?;
            kids.sort_unstable();
            for kid in &kids {
                deed(name, AuditAction::SecretRetired, now).note(&mut transaction, &format!("key {kid}")).await?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(kids)
        }))
    }
}
