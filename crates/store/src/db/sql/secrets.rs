//! What the server signs with.

use control::secrets::{Secret, SecretRepository};
use control::{BoxFuture, RepositoryError};
use media::{Redacted, UnixMillis};

use super::{Row, Store, rows};

fn secret(row: &Row) -> Result<Secret, RepositoryError> {
    Ok(Secret {
        kid: rows::column(row, "kid")?,
        value: Redacted(rows::column(row, "value")?),
        created: UnixMillis(rows::column(row, "created_ms")?),
    })
}

const STANDING: &str =
    "SELECT kid, value, created_ms FROM secrets WHERE name = $1 AND retired_ms IS NULL ORDER BY kid DESC";

impl SecretRepository for Store {
    fn secrets<'a>(
        &'a self,
        name: &'a str,
        fresh: &'a Redacted<String>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Secret>, RepositoryError>> {
        Box::pin(self.again(move || async move {
            let failed = |error| rows::failed("secret", error);
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
}
