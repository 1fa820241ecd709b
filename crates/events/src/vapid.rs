//! Who this server is to push services (VAPID, RFC 8292): one key for all servers of a database, kept among its secrets.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::RepositoryError;
use control::secrets::{SecretName, SecretRepository};
use media::{Redacted, UnixMillis};
use parking_lot::Mutex;
use url::Url;
use web_push_native::jwt_simple::algorithms::{ECDSAP256KeyPairLike as _, ECDSAP256PublicKeyLike as _, ES256KeyPair};
use web_push_native::jwt_simple::claims::Claims;

/// How long a token holds. RFC 8292 section 2 allows 24 hours.
const HOLDS: std::time::Duration = std::time::Duration::from_secs(12 * 3_600);

/// How long it is used.
const USED_MS: i64 = 6 * 3_600_000;

/// Push services of which tokens are held: there are about five.
const ORIGINS_MAX: usize = 64;

/// The key, and tokens made with it.
pub struct Vapid {
    key: ES256KeyPair,
    public: String,
    /// Whom a push service writes to when we do it harm.
    contact: String,
    tokens: Mutex<HashMap<String, (UnixMillis, String)>>,
}

fn load(value: &str) -> Option<ES256KeyPair> {
    ES256KeyPair::from_bytes(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()
}

fn public_text(key: &ES256KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(key.public_key().public_key().to_bytes_uncompressed())
}

async fn key<R: SecretRepository + ?Sized>(repository: &R, now: UnixMillis) -> Result<ES256KeyPair, RepositoryError> {
    let fresh = Redacted(URL_SAFE_NO_PAD.encode(ES256KeyPair::generate().to_bytes()));
    let secrets = repository.secrets(SecretName::Vapid, &fresh, now).await?;
    let newest = secrets.first().ok_or(RepositoryError::NotFound("secret"))?;
    load(&newest.value.0).ok_or_else(|| RepositoryError::Corrupt { what: "a value of secrets".to_owned() })
}

/// The public key, P-256 uncompressed in base64url: what a browser subscribes with.
///
/// # Errors
/// [`RepositoryError`].
pub async fn public_key<R: SecretRepository + ?Sized>(
    repository: &R,
    now: UnixMillis,
) -> Result<String, RepositoryError> {
    key(repository, now).await.map(|key| public_text(&key))
}

impl Vapid {
    /// Reads the key, or makes the first.
    ///
    /// # Errors
    /// [`RepositoryError`].
    pub async fn open<R: SecretRepository + ?Sized>(
        repository: &R,
        contact: String,
        now: UnixMillis,
    ) -> Result<Self, RepositoryError> {
        let key = key(repository, now).await?;
        Ok(Self { public: public_text(&key), key, contact, tokens: Mutex::default() })
    }

    /// The header `Authorization` for a push service (RFC 8292 section 3). `None`: it cannot be signed.
    #[must_use]
    pub fn authorization(&self, endpoint: &Url, now: UnixMillis) -> Option<String> {
        // The origin with its port, if that is not the scheme's own.
        let origin = endpoint.origin().ascii_serialization();
        let mut tokens = self.tokens.lock();
        if let Some((until, token)) = tokens.get(&origin).filter(|(until, _)| now < *until) {
            tracing::trace!(until = until.0, "token is used again");
            return Some(token.clone());
        }
        let claims = Claims::create(HOLDS.into()).with_audience(&origin).with_subject(&self.contact);
        let token = format!("vapid t={}, k={}", self.key.sign(claims).ok()?, self.public);
        if tokens.len() >= ORIGINS_MAX {
            tokens.clear();
        }
        tokens.insert(origin, (now.plus_millis(USED_MS), token.clone()));
        Some(token)
    }
}
