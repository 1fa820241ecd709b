use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::*;

/// An Ed25519 key made for these tests (`openssl genpkey -algorithm ed25519`), and another.
const OURS: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
const THEIRS: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA\n-----END PRIVATE KEY-----\n";

const EXPECTED: Expected<'static> = Expected { issuer: "https://id.example", client_id: "tayang", nonce: "n" };

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn key(pem: &str) -> EncodingKey {
    EncodingKey::from_ed_pem(pem.as_bytes()).expect("a key")
}

fn jwk(pem: &str, kid: &str) -> Jwk {
    let mut jwk = Jwk::from_encoding_key(&key(pem), Algorithm::EdDSA).expect("a key");
    jwk.common.key_id = Some(kid.to_owned());
    jwk
}

fn good() -> Value {
    json!({ "iss": "https://id.example", "aud": "tayang", "sub": "42", "exp": now_s() + 300, "iat": now_s(), "nonce": "n" })
}

fn with(changes: Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

fn signed(pem: &str, kid: Option<&str>, claims: &Value) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &key(pem)).expect("signed")
}

fn checked(token: &str, keys: &[Jwk]) -> Result<Claims, TokenError> {
    let key = key_of(token, keys)?.ok_or(TokenError::UnknownKey)?;
    check(token, key, EXPECTED)
}

#[test]
fn a_token_holds_if_all_of_it_does() {
    let keys = [jwk(OURS, "1"), jwk(THEIRS, "2")];
    let told =
        |claims: Value| checked(&signed(OURS, Some("1"), &claims), &keys).map(|claims| claims.subject().to_owned());
    for claims in [
        good(),
        with(json!({ "aud": ["tayang"] })),
        with(json!({ "aud": ["tayang", "lain"], "azp": "tayang" })),
        with(json!({ "exp": now_s() - 30 })),
        with(json!({ "token_use": "id" })),
    ] {
        assert_eq!(told(claims.clone()).as_deref(), Ok("42"), "{claims}");
    }
    for (claims, error) in [
        (with(json!({ "iss": "https://id.example/" })), TokenError::NotForUs),
        (with(json!({ "iss": null })), TokenError::NotForUs),
        (with(json!({ "aud": "lain" })), TokenError::NotForUs),
        (with(json!({ "aud": ["tayang", "lain"] })), TokenError::NotForUs),
        (with(json!({ "aud": ["tayang", "lain"], "azp": "lain" })), TokenError::NotForUs),
        (with(json!({ "azp": "lain" })), TokenError::NotForUs),
        (with(json!({ "token_use": "access" })), TokenError::NotForUs),
        (with(json!({ "sub": "" })), TokenError::NotForUs),
        (with(json!({ "sub": "x".repeat(256) })), TokenError::NotForUs),
        (with(json!({ "exp": now_s() - 90 })), TokenError::Time),
        (with(json!({ "nbf": now_s() + 90 })), TokenError::Time),
        (with(json!({ "nonce": "lain" })), TokenError::Nonce),
        (with(json!({ "nonce": null })), TokenError::Nonce),
    ] {
        assert_eq!(told(claims.clone()), Err(error), "{claims}");
    }
    let mut endless = good();
    endless.as_object_mut().expect("an object").remove("exp");
    assert!(told(endless).is_err());
}

#[test]
fn a_token_is_the_keys_that_it_names() {
    let keys = [jwk(OURS, "1"), jwk(THEIRS, "2")];
    let told = |token: &str| checked(token, &keys).map(|_| ());
    assert_eq!(told(&signed(THEIRS, Some("2"), &good())), Ok(()));
    assert_eq!(told(&signed(THEIRS, Some("1"), &good())), Err(TokenError::Signature), "forged");
    assert_eq!(told(&signed(OURS, Some("3"), &good())), Err(TokenError::UnknownKey));
    assert_eq!(told(&signed(OURS, None, &good())), Err(TokenError::UnknownKey), "there is a choice");
    assert!(checked(&signed(OURS, None, &good()), &keys[..1]).is_ok(), "there is none");
    let mut encrypts = keys[0].clone();
    encrypts.common.public_key_use = Some(PublicKeyUse::Encryption);
    assert_eq!(checked(&signed(OURS, Some("1"), &good()), &[encrypts]).map(|_| ()), Err(TokenError::UnknownKey));
}

#[test]
fn how_a_token_is_signed_is_the_keys_to_say() {
    use base64::Engine as _;
    let keys = [jwk(OURS, "1")];
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", encode(&json!({ "alg": "none", "kid": "1" })), encode(&good()));
    assert_eq!(checked(&unsigned, &keys).map(|_| ()), Err(TokenError::Malformed));
    let header = Header { kid: Some("1".to_owned()), ..Header::new(Algorithm::HS256) };
    let public = serde_json::to_vec(&keys[0]).expect("text");
    let shared = jsonwebtoken::encode(&header, &good(), &EncodingKey::from_secret(&public)).expect("signed");
    assert_eq!(checked(&shared, &keys).map(|_| ()), Err(TokenError::UnknownKey), "its public key is no shared secret");
    let mut other = keys[0].clone();
    other.common.key_algorithm = Some(KeyAlgorithm::RS256);
    let token = signed(OURS, Some("1"), &good());
    assert_eq!(check(&token, &other, EXPECTED).map(|_| ()), Err(TokenError::Algorithm));
    for text in ["", "a", "a.b.c", &"x".repeat(TOKEN_LENGTH_MAX + 1)] {
        assert_eq!(checked(text, &keys).map(|_| ()), Err(TokenError::Malformed));
    }
}

#[test]
fn claims_are_read_as_providers_write_them() {
    let claims = |value: Value| Claims(value.as_object().expect("an object").clone());
    let groups = |value: Value| claims(json!({ "g": value })).texts("g");
    assert_eq!(groups(json!(["a", 1, "b"])), ["a", "b"]);
    assert_eq!(groups(json!("a")), ["a"]);
    assert_eq!(groups(json!(null)), Vec::<String>::new());
    for (confirmed, expected) in
        [(json!(true), true), (json!("true"), true), (json!(false), false), (json!("1"), false), (json!(null), false)]
    {
        let claims = claims(json!({ "email": "a@x.com", "email_verified": confirmed }));
        assert_eq!(claims.confirmed_email().is_some(), expected);
    }
    assert_eq!(claims(json!({ "name": " ", "given_name": "Siti" })).name(), Some("Siti"));
    assert_eq!(format!("{:?}", claims(json!({ "sub": "42" }))), "Claims");
}
