//! `Idempotency-Key`: a `POST` that is sent twice is done once, and answered the same.
//!
//! For who is signed in: a key is one person's. Not for signing in and passwords, whose answers hold secrets and whose
//! routes have rules of their own. Of other answers that hold a secret it is kept that they were given, not what they were:
//! the second time it is said so. What was refused (4xx) is not kept: nothing was done, so it may be tried again with the same
//! key. What failed here (5xx) may have been done before it failed: that it is not known is kept.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use control::idempotency::{Begun, KeptAnswer, WORKED_ON_MS, key};
use control::{KeyHash, UserId};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::State;
use crate::auth::Caller;
use crate::problem::{Problem, Wrong};
use crate::service::BODY_BYTES_MAX;

/// The header.
pub const HEADER: &str = "idempotency-key";

/// Longest body that is taken with a key, as long as any that a route takes.
const REQUEST_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Longest body that is kept to be given again: a page of lessons.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Paths whose first words these are take no key.
const WITHOUT: &[&str] = &[
    "/api/v1/session",
    "/api/v1/sessions",
    "/api/v1/password",
    "/api/v1/accounts",
    "/api/v1/oidc",
    "/api/v1/me/passkeys",
];

/// Last words of paths whose answers hold a secret. An answer that sets a cookie does anyway.
const SECRETIVE: &[&str] = &["sign-in-link", "keys", "key", "invitations", "webhooks", "playback", "refresh"];

/// Stands before all routes.
pub async fn once(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let takes = request.method() == Method::POST && !is_without(request.uri().path());
    if !takes || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    with_key(state, request, next).await.unwrap_or_else(Problem::into_response)
}

pub(crate) fn is_without(path: &str) -> bool {
    WITHOUT.iter().any(|first| path.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// livego's addresses answer keys of rooms.
pub(crate) fn is_secretive(path: &str) -> bool {
    path.starts_with("/control/") || path.rsplit('/').next().is_some_and(|last| SECRETIVE.contains(&last))
}

/// The key of a request. Two of them are none.
fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let (first, second) = (values.next().and_then(|value| value.to_str().ok()), values.next());
    let found = first.filter(|_| second.is_none()).and_then(|text| key(text).ok());
    found
        .map(str::to_owned)
        .ok_or_else(|| Problem::field("Idempotency-Key", Wrong::Malformed, "must be 1 to 64 of A-Z a-z 0-9 _ -"))
}

async fn with_key(state: State, request: Request, next: Next) -> Result<Response, Problem> {
    let key = key_of(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let Caller(Some(principal)) = Caller::from_request_parts(&mut parts, &state).await? else {
        // Nobody's: the route says what it says to nobody.
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let user = principal.id();
    let body = to_bytes(body, REQUEST_BYTES_MAX).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "too large", "send at most 2 MiB, and send them whole")
    })?;
    let path = parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
    let hash = request_hash(&path, &body);
    let secretive = is_secretive(parts.uri.path());
    let now = state.now();
    match state.repository.begin_request(user, &key, hash, now).await? {
        Begun::Yours => {}
        Begun::Another => {
            return Err(Problem::field(
                "Idempotency-Key",
                Wrong::NotAllowed,
                "stands for another request: take a new one",
            ));
        }
        Begun::Done(answer) if answer.status >= 500 => {
            return Err(unknown("the server failed in the middle of this request"));
        }
        Begun::Done(answer) => return given_again(answer),
        Begun::WorkedOn(since) if now.0 - since.0 < WORKED_ON_MS => {
            return Err(Problem::conflict("worked-on", "this request is being worked on: ask again").retry_after(1));
        }
        Begun::WorkedOn(_) => return Err(unknown("the server ended in the middle of this request")),
    }
    let request = Request::from_parts(parts, Body::from(body));
    // Goes on to its end when whoever asked goes away: then they ask again, and it is known.
    let work = state.clone().tasks.spawn(async move {
        let response = next.run(request).await;
        keep(&state, user, &key, secretive, response).await
    });
    work.await.map_err(|error| {
        tracing::error!(%error, "a request ended in the middle");
        let detail = "the server failed in the middle of this: look whether it was done before you try again";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "failed", detail)
    })
}

fn unknown(why: &str) -> Problem {
    Problem::conflict("outcome-unknown", format!("{why}: look whether it was done, and take a new key"))
}

fn request_hash(path: &str, body: &Bytes) -> KeyHash {
    use sha2::{Digest as _, Sha256};
    let body: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    KeyHash::of(&format!("POST {path}\n{body}"))
}

/// Keeps what may be given again, and gives it.
async fn keep(state: &State, user: UserId, key: &str, secretive: bool, response: Response) -> Response {
    let status = response.status();
    let (done, refused) = (status.is_success() || status.is_redirection(), status.is_client_error());
    let (parts, body) = response.into_parts();
    let length = axum::body::HttpBody::size_hint(&body).exact();
    let plain = !secretive && !parts.headers.contains_key(SET_COOKIE);
    let short = length.is_some_and(|length| length <= ANSWER_BYTES_MAX as u64);
    let (text, body) = if done && plain && short {
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
        (String::from_utf8(bytes.to_vec()).ok(), Body::from(bytes))
    } else {
        (None, body)
    };
    let answer = (!refused).then_some(KeptAnswer { status: status.as_u16(), body: text });
    if let Err(error) = state.repository.end_request(user, key, answer.as_ref()).await {
        tracing::error!(%error, "the answer to a request with a key could not be kept");
    }
    Response::from_parts(parts, body)
}

fn given_again(answer: KeptAnswer) -> Result<Response, Problem> {
    let Some(body) = answer.body else {
        let detail = "this was done; its answer held a secret or was long and is not kept: read what is there now";
        return Err(Problem::conflict("answered-once", detail));
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, body.clone()).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_whose_answers_are_secrets_are_known() {
        for (path, without, secretive) in [
            ("/api/v1/session", true, false),
            ("/api/v1/session/link", true, false),
            ("/api/v1/password/forgotten", true, false),
            ("/api/v1/sessionsx", false, false),
            ("/api/v1/courses", false, false),
            ("/api/v1/me/keys", false, true),
            ("/api/v1/lessons/1/publishing/key", false, true),
            ("/api/v1/users/1/sign-in-link", false, true),
        ] {
            assert_eq!((is_without(path), is_secretive(path)), (without, secretive), "{path}");
        }
    }

    #[test]
    fn a_key_is_one_and_plain() {
        let key = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, HeaderValue::from_static(value));
            }
            key_of(&headers).map_err(|problem| problem.status())
        };
        assert_eq!(key(&["a-1_B"]), Ok("a-1_B".to_owned()));
        for bad in [&["a", "b"][..], &["a b"], &[""], &[]] {
            assert_eq!(key(bad), Err(StatusCode::UNPROCESSABLE_ENTITY), "{bad:?}");
        }
    }

    #[test]
    fn a_request_is_its_path_and_body() {
        let hash = |path: &str, body: &'static str| request_hash(path, &Bytes::from_static(body.as_bytes()));
        assert_eq!(hash("/a?b=1", "x"), hash("/a?b=1", "x"));
        for other in [hash("/a?b=2", "x"), hash("/a?b=1", "y"), hash("/a?b=1\nx", "")] {
            assert_ne!(hash("/a?b=1", "x"), other);
        }
    }
}
