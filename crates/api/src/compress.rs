//! Answers in gzip (RFC 9110 section 8.4), for who takes it: pages of lessons and comments, on phones in the evening.
//!
//! Stands before all routes. Only what is read (`GET`) and is JSON, CSV or iCalendar, so neither streams of events, which
//! would wait in the encoder, nor sockets. Answers that hold a secret go as they are: beside text that somebody else chose,
//! their compressed length tells the secret (BREACH). What changes something may answer one and is left out as a whole; of
//! what is read, [`holds_secret`] names them.
//!
//! Compressed bytes are others than those that the tag of an answer was made of, so that there it is a weak one; what
//! [`crate::etag`] compares is the same for both.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::Body;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

use crate::idempotency;

/// Shorter answers fit into the first packet as they are.
const WORTH_BYTES: u16 = 1_024;
/// As for playlists: faster than the usual level (6).
const LEVEL: CompressionLevel = CompressionLevel::Precise(4);

/// Where the description of the API is.
const DOCUMENT: &str = "/api/v1/openapi.json";

/// What is compressed.
const TYPES: &[&str] = &["application/json", "application/problem+json", "text/csv", "text/calendar"];

/// Puts it before all routes.
pub(crate) fn before(routes: Router) -> Router {
    let packing = CompressionLayer::new().gzip(true).quality(LEVEL);
    let packing = packing.compress_when(SizeAbove::new(WORTH_BYTES).and(MayBePacked));
    routes.layer(from_fn(marked)).layer(packing).layer(from_fn(tagged))
}

/// Beside an answer: it goes as it is.
#[derive(Clone, Copy)]
struct AsItIs;

async fn marked(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Of whatever size: programs read it once, and strangers may ask for it.
    let as_it_is = request.method() != Method::GET || holds_secret(path) || path == DOCUMENT;
    let mut response = next.run(request).await;
    if as_it_is {
        response.extensions_mut().insert(AsItIs);
    }
    response
}

#[derive(Clone, Copy)]
struct MayBePacked;

impl Predicate for MayBePacked {
    fn should_compress<B: Body>(&self, response: &http::Response<B>) -> bool {
        let headers = response.headers();
        response.extensions().get::<AsItIs>().is_none() && is_text(headers) && !headers.contains_key(SET_COOKIE)
    }
}

/// Whether a `GET` there answers a secret: the token of forms, addresses of calendars and webhooks, keys of rooms. Those whose
/// `POST` does are left out as well.
fn holds_secret(path: &str) -> bool {
    let in_address = path == "/api/v1/me/calendar" || path.starts_with("/api/v1/webhooks/");
    in_address || idempotency::is_without(path) || idempotency::is_secretive(path)
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    TYPES.contains(&kind.split(';').next().unwrap_or_default().trim())
}

/// Tags compressed bytes weakly, and whoever has some finds them again by the tag that they came with.
async fn tagged(request: Request, next: Next) -> Response {
    let known = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let mut response = next.run(request).await;
    let is_known = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    if is_known {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
    let packed = headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
    let weak = headers.get(ETAG).and_then(weak).filter(|weak| packed || is_known && names(&known, weak));
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
    response
}

/// The weak form of a strong tag.
fn weak(tag: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok().filter(|text| text.starts_with('"'))?;
    HeaderValue::from_str(&format!("W/{text}")).ok()
}

/// Whether whoever asks has the answer by that tag.
fn names(known: &[HeaderValue], tag: &HeaderValue) -> bool {
    let mut tags = known.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    tags.any(|one| one.trim().as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_a_secret_is_known() {
        for (path, secret) in [
            ("/api/v1/session", true),
            ("/api/v1/me/calendar", true),
            ("/api/v1/webhooks/0193", true),
            ("/api/v1/courses/1/invitations", true),
            ("/control/get", true),
            ("/api/v1/me", false),
            ("/api/v1/lessons", false),
        ] {
            assert_eq!(holds_secret(path), secret, "{path}");
        }
    }
}
