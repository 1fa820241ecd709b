//! Responses: one place for cache classes, CORS and security headers.
//!
//! Cache classes: what never changes once named (segments, parts, init) is immutable for a year; live playlists live as
//! long as CDNs can use them; states and pages are revalidated; what plays for one viewer is not stored. What a signature
//! opened is kept by the viewer's own cache alone, and no longer than the signature holds.

use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};

use crate::http::Body;

/// Segments, parts, initialisation: never change once they exist.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// A playlist that the next part changes. One second is what an edge may share among its viewers.
pub const LIVE_PLAYLIST: &str = "public, max-age=1";
/// A playlist asked for by (msn, part): its answer is for that state only, RFC 8216bis appendix C.
pub const BLOCKING_PLAYLIST: &str = "public, max-age=6";
/// A playlist with `EXT-X-ENDLIST`.
pub const ENDED_PLAYLIST: &str = "public, max-age=3600";
/// Revalidated at each use.
pub const NO_CACHE: &str = "no-cache";
/// For one viewer only, or gone at once.
pub const NO_STORE: &str = "no-store";
/// Something that is not there yet: an edge may remember it for a second.
pub const MISSING: &str = "public, max-age=1";

/// A media response: readable from any origin, as players run everywhere.
#[must_use]
pub fn media(status: StatusCode, mime: &'static str, cache: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Content-Length, Content-Range, Date"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whole bytes of a media object.
#[must_use]
pub fn bytes(mime: &'static str, cache: &'static str, bytes: Bytes) -> Response<Body> {
    media(StatusCode::OK, mime, cache, Body::Full(bytes))
}

/// A sentence for people.
#[must_use]
pub fn text(status: StatusCode, sentence: impl Into<String>) -> Response<Body> {
    let mut sentence: String = sentence.into();
    sentence.push('\n');
    let cache = if status == StatusCode::NOT_FOUND { MISSING } else { NO_STORE };
    media(status, "text/plain; charset=utf-8", cache, Body::Full(sentence.into()))
}

/// `404` as the source systems word it, to who may play the channel.
#[must_use]
pub fn not_live(name: &str) -> Response<Body> {
    text(StatusCode::NOT_FOUND, format!("{name} is not streaming live now"))
}

/// The same to who may not, and of a channel that is not there. No cache keeps it: cookie holders, who may, ask at the same
/// address.
#[must_use]
pub fn nothing_for_them(name: &str) -> Response<Body> {
    let mut response = not_live(name);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    response
}

/// Makes of a response that any cache may keep one that only the viewer's may, and only until the signature that it was
/// asked with ends: an edge knows nothing of signatures.
pub fn keep_private(response: &mut Response<Body>, ends_at: Option<Instant>) {
    let Some(cache) = response.headers().get(CACHE_CONTROL).and_then(|cache| cache.to_str().ok()) else { return };
    let private = match cache.strip_prefix("public, max-age=") {
        Some(rest) => {
            let (age, rest) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            let left = ends_at.map_or(u64::MAX, |at| at.saturating_duration_since(Instant::now()).as_secs());
            let age = age.parse().unwrap_or(0).min(left);
            format!("private, max-age={age}{rest}")
        }
        None if cache == NO_CACHE => "private, no-cache".to_owned(),
        None => return,
    };
    if let Ok(private) = HeaderValue::from_str(&private) {
        response.headers_mut().insert(CACHE_CONTROL, private);
    }
}

/// The answer to a preflight (Fetch standard, CORS-preflight fetch).
#[must_use]
pub fn preflight() -> Response<Body> {
    let mut response = media(StatusCode::NO_CONTENT, "text/plain", "public, max-age=86400", Body::Empty);
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Range, Authorization"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}
