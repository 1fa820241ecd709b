//! Who asks: read from the cookie or the bearer token of a request.
//!
//! A handler takes [`SignedIn`] where somebody must be signed in and [`Caller`] where nobody need be. With the cookie, what
//! changes something needs the CSRF token too (synchroniser token, bound to the session); a bearer token is never sent by a
//! browser on its own, so it needs none.

use axum::extract::FromRequestParts;
use control::{KeyHash, Principal, SessionKind};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method};
use sha2::Sha256;

use crate::State;
use crate::problem::Problem;

/// Name of the session's cookie.
pub const SESSION_COOKIE: &str = "tayang_session";

/// Name of the cookie of the browser in which somebody signed up: by it the password that was typed there is kept once the
/// address is confirmed.
pub const SIGN_UP_COOKIE: &str = "tayang_sign_up";
/// Where that cookie is shown.
pub const SIGN_UP_COOKIE_PATH: &str = "/api/v1/session/link";

/// Name of the header that carries the CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Longest secret that is looked at: twice ours.
const SECRET_LENGTH_MAX: usize = 96;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Principal);

/// Somebody, or nobody.
#[derive(Clone, Debug)]
pub struct Caller(pub Option<Principal>);

/// Somebody who is signed in, on a page that is being left: `sendBeacon` carries no header, so no CSRF token. Only for what
/// harms nobody who has not been told a secret: the cookie is not sent from other sites (`SameSite=Lax`), a browser that says
/// that the page is another's is refused, and the address must hold an id that nobody can guess.
#[derive(Clone, Debug)]
pub struct Leaving(pub Principal);

/// An operator who is signed in.
#[derive(Clone, Debug)]
pub struct Operator(pub Principal);

impl FromRequestParts<State> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let SignedIn(principal) = SignedIn::from_request_parts(parts, state).await?;
        if principal.user.roles.operator {
            Ok(Self(principal))
        } else {
            Err(Problem::forbidden("only an operator of this server may do this: ask one"))
        }
    }
}

impl FromRequestParts<State> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let Caller(principal) = Caller::from_request_parts(parts, state).await?;
        principal.map(Self).ok_or_else(Problem::not_signed_in)
    }
}

impl FromRequestParts<State> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let Some((secret, principal)) = shown(parts, state).await? else { return Ok(Self(None)) };
        let by_cookie = principal.session.kind == SessionKind::Browser;
        if by_cookie && !is_safe(&parts.method) && !shows_csrf_token(&parts.headers, secret) {
            let detail = "the header X-CSRF-Token is missing or wrong: read GET /api/v1/session and repeat";
            return Err(not_ours(detail));
        }
        Ok(Self(Some(principal)))
    }
}

impl FromRequestParts<State> for Leaving {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let (_, principal) = shown(parts, state).await?.ok_or_else(Problem::not_signed_in)?;
        let site = parts.headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        if principal.session.kind == SessionKind::Browser && site.is_some_and(|site| site != "same-origin") {
            return Err(not_ours("this is asked by a page of this server, or with a bearer token"));
        }
        Ok(Self(principal))
    }
}

/// That a sign-in stands, as the database has it now: asked after something was given that outlasts the request. By then what
/// ends the sign-in later is a change behind those that it was given by, and ends it too.
///
/// # Errors
/// 401; what the repository says.
pub async fn stands(state: &State, principal: &Principal) -> Result<(), Problem> {
    let found = state.repository.principal(principal.session.secret).await?;
    let holds = |it: &Principal| it.session.holds(state.now()) && it.user.suspended.is_none();
    if found.as_ref().is_some_and(holds) { Ok(()) } else { Err(Problem::not_signed_in()) }
}

/// Whose secret a request shows, and the secret.
async fn shown<'p>(parts: &'p Parts, state: &State) -> Result<Option<(&'p str, Principal)>, Problem> {
    let Some((secret, _)) = secret(&parts.headers) else { return Ok(None) };
    Ok(known(&parts.headers, state).await?.map(|principal| (secret, principal)))
}

/// Who a request is of, whether or not it comes from our page: for counting, not for letting anybody in.
pub(crate) async fn known(headers: &HeaderMap, state: &State) -> Result<Option<Principal>, Problem> {
    let Some((secret, kind)) = secret(headers) else { return Ok(None) };
    let known = state.known().principal(state.repository.as_ref(), KeyHash::of(secret), state.now()).await?;
    Ok(known.filter(|principal| principal.session.kind == kind))
}

fn not_ours(detail: &str) -> Problem {
    Problem::new(http::StatusCode::FORBIDDEN, "csrf", "not from our page", detail)
}

/// The token that a page shows with the session whose secret this is. Tells nothing of the secret.
#[must_use]
pub fn csrf_token(secret: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(csrf_mac(secret).finalize().into_bytes())
}

fn csrf_mac(secret: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"tayang csrf");
    mac
}

fn shows_csrf_token(headers: &HeaderMap, secret: &str) -> bool {
    use base64::Engine as _;
    let shown = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let shown = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(shown).unwrap_or_default();
    csrf_mac(secret).verify_slice(&shown).is_ok()
}

/// Changes nothing (RFC 9110 section 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The secret that a request shows, and how. A bearer token goes before a cookie.
#[must_use]
pub fn secret(headers: &HeaderMap) -> Option<(&str, SessionKind)> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        bearer.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let found = match bearer {
        Some((_, token)) => Some((token.trim(), SessionKind::Bearer)),
        None => cookie(headers, SESSION_COOKIE).map(|value| (value, SessionKind::Browser)),
    };
    found.filter(|(secret, _)| !secret.is_empty() && secret.len() <= SECRET_LENGTH_MAX)
}

/// The value of a cookie (RFC 6265 section 5.4). Two of that name: none, as one of them is not ours.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut found = None;
    for header in headers.get_all(COOKIE) {
        for pair in header.to_str().ok()?.split(';') {
            let Some((key, value)) = pair.trim().split_once('=') else { continue };
            if key == name && found.replace(value).is_some() {
                return None;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().expect("name"), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_secret_is_read_from_cookie_or_bearer_and_never_from_two_cookies() {
        let of = |pairs: &[_]| secret(&headers(pairs)).map(|(secret, kind)| (secret.to_owned(), kind));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("cookie", "a=1; tayang_session=x")]), Some(("x".to_owned(), SessionKind::Browser)));
        assert_eq!(of(&[("cookie", "tayang_session=x; tayang_session=y")]), None);
        let both = [("cookie", "tayang_session=x"), ("authorization", "bearer y")];
        assert_eq!(of(&both), Some(("y".to_owned(), SessionKind::Bearer)));
        assert_eq!(of(&[("authorization", "Basic eDp5")]), None);
        assert_eq!(of(&[("authorization", "Bearer ")]), None);
    }

    #[test]
    fn a_csrf_token_is_its_own_sessions_alone() {
        let token = csrf_token("x");
        let shown = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CSRF_HEADER, HeaderValue::from_str(text).expect("header"));
            shows_csrf_token(&headers, "x")
        };
        assert!(shown(&token));
        assert!(!shown(&csrf_token("y")) && !shown("") && !shown("!") && !shows_csrf_token(&HeaderMap::new(), "x"));
    }
}
