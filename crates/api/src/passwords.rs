//! Hashing passwords: argon2id, beside the live path.
//!
//! Owns how it is hashed and how much of the machine that may take. What a password must be is
//! `control::identity::password`.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use http::StatusCode;
use media::Redacted;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Memory of one hash: 19 MiB, two passes, one lane, the least that OWASP advises ("Password Storage", argon2id): some 25 ms
/// of one core. More would slow who guesses a stolen database, and the lessons of an evening when everybody signs in too.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at once: 38 MiB and two cores at most, whoever asks.
const AT_ONCE: usize = 2;
/// Sign-ins by password at once, from the try that is noted to the answer that forgives it: fewer than the wrong tries that an
/// address may make, so that a class behind one router who all sign in at once are not taken for somebody who guesses.
const SIGN_INS_AT_ONCE: usize = 4;
const _: () = assert!(SIGN_INS_AT_ONCE < control::identity::throttle::SIGN_IN.max as usize);
/// Who waits for a hash: at 25 ms each, the last of them waits a second or two.
const WAITING_MAX: usize = 128;
/// How long one waits at most.
const WAIT: Duration = Duration::from_secs(5);

/// Hash of a password that nobody has, of the same cost as all: what is compared where there is no account.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dGF5YW5nLW5vYm9keS0wMA$K3M4Vq0cS1m7bq7mH0gq1oYwq1g0r1m2v3c4b5n6a7s";

/// Hashes passwords, few at once.
pub struct Passwords {
    permits: Arc<Semaphore>,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self {
            permits: of(AT_ONCE),
            places: of(AT_ONCE + WAITING_MAX),
            turns: of(SIGN_INS_AT_ONCE),
            queue: of(SIGN_INS_AT_ONCE + WAITING_MAX),
        }
    }
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl Passwords {
    /// The PHC string of a password.
    ///
    /// # Errors
    /// 503 if too many wait.
    pub async fn hash(&self, password: Redacted<String>) -> Result<Redacted<String>, Problem> {
        self.work(move || argon2id().hash_password(password.0.as_bytes()).map(|hash| Redacted(hash.to_string())))
            .await?
            .map_err(|error| failed(&error))
    }

    /// Whether a password is that of `kept`. Takes as long where there is none to compare with.
    ///
    /// # Errors
    /// 503 if too many wait.
    pub async fn verify(&self, password: Redacted<String>, kept: Option<Redacted<String>>) -> Result<bool, Problem> {
        self.work(move || {
            let known = kept.is_some();
            let text = kept.as_ref().map_or(NOBODY, |kept| kept.0.as_str());
            let Ok(hash) = PasswordHash::new(text) else { return false };
            argon2id().verify_password(password.0.as_bytes(), &hash).is_ok() && known
        })
        .await
    }

    /// The turn to sign somebody in, until it is dropped.
    ///
    /// # Errors
    /// 503 if too many wait.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let _place = self.queue.clone().try_acquire_owned().map_err(|_| busy())?;
        let waited = tokio::time::timeout(WAIT, self.turns.clone().acquire_owned()).await;
        waited.map_err(|_| busy())?.map_err(|_| busy())
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let _place = self.places.clone().try_acquire_owned().map_err(|_| busy())?;
        let waited = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned()).await;
        let permit = waited.map_err(|_| busy())?.map_err(|_| busy())?;
        // The permit goes with the work: who does not wait for the answer any more does not free the core.
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        done.await.map_err(|error| failed(&error))
    }
}

fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "too many sign in at once",
        "many people sign in right now: try again in a few seconds",
    )
    .retry_after(5)
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a password cannot be hashed");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "failed", "the server could not do it: try again later")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Redacted<String> {
        Redacted(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_by_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash(secret("kuda baterai")).await.expect("hashed");
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert_ne!(passwords.hash(secret("kuda baterai")).await.expect("hashed"), hash, "salted");
        assert!(passwords.verify(secret("kuda baterai"), Some(hash.clone())).await.expect("verified"));
        assert!(!passwords.verify(secret("kuda batera"), Some(hash)).await.expect("verified"));
        assert!(!passwords.verify(secret("x"), Some(secret("no hash"))).await.expect("verified"));
        assert!(!passwords.verify(secret("x"), None).await.expect("verified"));
    }

    #[test]
    fn where_there_is_no_account_the_same_is_computed() {
        let nobody = PasswordHash::new(NOBODY).expect("a hash");
        let params = Params::try_from(&nobody).expect("parameters");
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert_eq!(nobody.hash.expect("output").len(), Params::DEFAULT_OUTPUT_LEN);
        assert_eq!(nobody.algorithm.as_str(), "argon2id");
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so() {
        let passwords = Passwords::default();
        let _all = passwords.places.acquire_many(u32::try_from(AT_ONCE + WAITING_MAX).expect("small")).await;
        let problem = passwords.hash(secret("kuda baterai")).await.expect_err("busy");
        assert_eq!((problem.status(), problem.code()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    }
}
