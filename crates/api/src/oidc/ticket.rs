//! What a browser keeps between leaving for the identity provider and coming back: signed, short-lived, and its own.
//!
//! The PKCE verifier in it can be read by who has the cookie, and by nobody else: it proves that who comes back is who left.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::secrets::{Secret, SecretName};
use control::{RepositoryError, keys as control_keys};
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{State, seal};

/// How long one may take at the provider: a forgotten password and a code by mail.
pub const LIFETIME_MS: i64 = 15 * 60_000;
/// What is signed.
const KIND: &str = "oidc ticket";

/// See the module.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Of PKCE (RFC 7636).
    pub verifier: String,
    /// Where to go afterwards.
    pub return_to: String,
    expires_ms: i64,
}

/// The keys that sign tickets, newest first.
///
/// # Errors
/// What the repository says.
pub async fn keys(state: &State) -> Result<Vec<Secret>, RepositoryError> {
    state.repository.secrets(SecretName::Oidc, &control_keys::generate(), state.now()).await
}

impl Ticket {
    /// A new one.
    #[must_use]
    pub fn new(return_to: &str, now: UnixMillis) -> Self {
        Self {
            state: control_keys::generate().0,
            nonce: control_keys::generate().0,
            verifier: control_keys::generate().0,
            return_to: return_to.to_owned(),
            expires_ms: now.0 + LIFETIME_MS,
        }
    }

    /// The parameter `state`, which comes back in the address.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Whether that `state` came back.
    #[must_use]
    pub fn is_of(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }

    /// `S256` of the verifier (RFC 7636 section 4.2).
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    /// As a cookie, signed with the newest key.
    #[must_use]
    pub fn sealed(&self, keys: &[Secret]) -> String {
        seal::seal(keys, KIND, self)
    }

    /// From a cookie, if one of the keys signed it and it has not ended.
    #[must_use]
    pub fn open(cookie: &str, keys: &[Secret], now: UnixMillis) -> Option<Self> {
        let ticket: Self = seal::open(keys, KIND, cookie)?;
        (now.0 < ticket.expires_ms).then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use media::Redacted;

    use super::*;

    fn key(kid: i64, value: &str) -> Secret {
        Secret { kid, value: Redacted(value.to_owned()), created: UnixMillis(0) }
    }

    #[test]
    fn a_ticket_is_taken_as_it_was_given_by_any_key_that_is_not_retired() {
        let ticket = Ticket::new("/mymentor/", UnixMillis(1_000));
        let sealed = ticket.sealed(&[key(1, "a")]);
        let open = |text: &str, keys: &[Secret], now| Ticket::open(text, keys, UnixMillis(now));
        assert!(open(&sealed, &[key(2, "b"), key(1, "a")], 1_000) == Some(ticket.clone()));
        assert!(open(&sealed, &[key(2, "b")], 1_000).is_none(), "the key is retired");
        assert!(open(&sealed, &[key(1, "a")], 1_000 + LIFETIME_MS).is_none(), "too late");
        let forged = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&ticket).expect("text"));
        for text in ["", ".", "x.y", &forged, &format!("{forged}."), &sealed[1..], &format!("{sealed}A")] {
            assert!(open(text, &[key(1, "a")], 1_000).is_none(), "{text}");
        }
        assert!(ticket.is_of(ticket.state()) && !ticket.is_of("") && !ticket.is_of(&ticket.nonce));
        assert!(sealed.len() < 1_000, "{}", sealed.len());
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let mut ticket = Ticket::new("/", UnixMillis(0));
        // RFC 7636, appendix B.
        ticket.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        assert_eq!(ticket.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
