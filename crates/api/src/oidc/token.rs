//! The ID token: whether it holds, and what it says (OpenID Connect Core section 3.1.3.7).
//!
//! Which algorithms are taken is the key's to say, never the token's: `none` and shared secrets are not among them.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

/// How far clocks may be apart, in seconds.
const LEEWAY_S: u64 = 60;
/// Longest token: some hundred groups.
const TOKEN_LENGTH_MAX: usize = 32 << 10;
/// Groups of one person that are read.
const GROUPS_MAX: usize = 1_000;

/// Why a token does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("the ID token cannot be read")]
    Malformed,
    /// No key of the provider fits.
    #[error("the ID token names a key that the provider does not have")]
    UnknownKey,
    /// The algorithm is not that of the key.
    #[error("the ID token is signed in a way that its key is not for")]
    Algorithm,
    /// The signature is wrong.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// It is over, or not yet.
    #[error("the ID token has ended, or its time has not come")]
    Time,
    /// By another issuer, for another client, or not an ID token.
    #[error("the ID token is not by this issuer for this client")]
    NotForUs,
    /// Of another sign-in.
    #[error("the ID token is of another sign-in")]
    Nonce,
}

/// What a token must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who gave it.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// In which sign-in.
    pub nonce: &'a str,
}

/// The key that a token names. `None`: it names one that is not among them.
///
/// # Errors
/// [`TokenError::Malformed`].
pub fn key_of<'k>(token: &str, keys: &'k [Jwk]) -> Result<Option<&'k Jwk>, TokenError> {
    if token.len() > TOKEN_LENGTH_MAX {
        return Err(TokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    let mut fitting = keys.iter().filter(|key| {
        let signs = key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let named = header.kid.is_none() || key.common.key_id == header.kid;
        signs && named && algorithms(key).contains(&header.alg)
    });
    Ok(match (fitting.next(), fitting.next()) {
        // Without a name there must be no choice.
        (Some(_), Some(_)) if header.kid.is_none() => None,
        (first, _) => first,
    })
}

/// What a key may have signed with: what it says, or what its kind can.
fn algorithms(key: &Jwk) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let of_kind: &[Algorithm] = match &key.algorithm {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => &[ES256],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P384 => &[ES384],
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => &[EdDSA],
        _ => &[],
    };
    let said = match key.common.key_algorithm {
        None => return of_kind.to_vec(),
        Some(KeyAlgorithm::RS256) => RS256,
        Some(KeyAlgorithm::RS384) => RS384,
        Some(KeyAlgorithm::RS512) => RS512,
        Some(KeyAlgorithm::PS256) => PS256,
        Some(KeyAlgorithm::PS384) => PS384,
        Some(KeyAlgorithm::PS512) => PS512,
        Some(KeyAlgorithm::ES256) => ES256,
        Some(KeyAlgorithm::ES384) => ES384,
        Some(KeyAlgorithm::EdDSA) => EdDSA,
        Some(_) => return Vec::new(),
    };
    of_kind.iter().copied().filter(|algorithm| *algorithm == said).collect()
}

/// What a token says, if it is signed by that key and as it must be.
///
/// # Errors
/// [`TokenError`].
pub fn check(token: &str, key: &Jwk, expected: Expected<'_>) -> Result<Claims, TokenError> {
    let allowed = algorithms(key);
    let Some(first) = allowed.first() else { return Err(TokenError::Algorithm) };
    let mut validation = Validation::new(*first);
    validation.algorithms = allowed;
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_jwk(key).map_err(|_| TokenError::Algorithm)?;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::InvalidSignature => TokenError::Signature,
            ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => TokenError::Time,
            ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
            ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience | ErrorKind::MissingRequiredClaim(_) => {
                TokenError::NotForUs
            }
            _ => TokenError::Malformed,
        }
    })?;
    let claims = Claims(decoded.claims);
    if claims.text("nonce") != Some(expected.nonce) {
        return Err(TokenError::Nonce);
    }
    // With several audiences, who it was made for is said apart. Cognito says of its tokens what they are for.
    let several = claims.0.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
    let party = claims.text("azp").map_or(!several, |party| party == expected.client_id);
    let identifies = claims.text("token_use").is_none_or(|it| it == "id");
    let named = (1..=255).contains(&claims.subject().len());
    if party && identifies && named { Ok(claims) } else { Err(TokenError::NotForUs) }
}

/// What a token says. Prints nothing: it is about somebody.
pub struct Claims(Map<String, Value>);

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims")
    }
}

impl Claims {
    /// The provider's name for the person.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A claim that is a list of texts, or one.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => {
                all.iter().filter_map(Value::as_str).take(GROUPS_MAX).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Their address, if the provider has confirmed it. Some providers write the truth as a text.
    #[must_use]
    pub fn confirmed_email(&self) -> Option<&str> {
        let confirmed = match self.0.get("email_verified") {
            Some(Value::Bool(truth)) => *truth,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        self.text("email").filter(|_| confirmed)
    }

    /// What to call them.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let names = ["name", "nickname", "given_name", "preferred_username"];
        names.into_iter().filter_map(|claim| self.text(claim)).find(|name| !name.trim().is_empty())
    }
}

#[cfg(test)]
mod tests;
