//! Answers in gzip (RFC 9110 section 8.4), for who takes it: pages of lessons and comments, on phones in the evening.
//!
//! Stands before all routes. Only what is read (`GET`) and is JSON, CSV or iCalendar, so neither streams of events, which
//! would wait in the encoder, nor sockets. Answers that hold a secret go as they are: beside text that somebody else chose,
//! their compressed length tells the secret (BREACH). What changes something may answer one and is left out as a whole; of
//! what is read, [`holds_secret`] names them.
//!
//! Compressed bytes are others than those that the tag of an answer was made of, so that there it is a weak one; what
//! [`crate::etag`] compares is the same for both.

use std::io::{self, Write as _};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{Stream, StreamExt as _, try_unfold};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::idempotency;

/// Shorter answers fit into the first packet as they are.
const WORTH_BYTES: u64 = 1_024;
/// A third of the time of the usual level (6), for some hundredths more bytes of JSON.
const LEVEL: Compression = Compression::new(4);

/// What is compressed.
const TYPES: &[&str] = &["application/json", "application/problem+json", "text/csv", "text/calendar"];

/// Stands before all routes.
pub(crate) async fn packed(request: Request, next: Next) -> Response {
    if request.method() != Method::GET || holds_secret(request.uri().path()) {
        return next.run(request).await;
    }
    let takes = takes_gzip(request.headers());
    let known = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    if status == StatusCode::NOT_MODIFIED {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(weak) = headers.get(ETAG).and_then(weak).filter(|weak| names(&known, weak)) {
            headers.insert(ETAG, weak);
        }
        return response;
    }
    if !is_text(headers) || headers.contains_key(SET_COOKIE) || headers.contains_key(CONTENT_ENCODING) {
        return response;
    }
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if !takes || response.body().size_hint().exact().is_some_and(|bytes| bytes < WORTH_BYTES) {
        return response;
    }
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    if let Some(weak) = headers.get(ETAG).and_then(weak) {
        headers.insert(ETAG, weak);
    }
    response.map(|body| Body::from_stream(pieces(body)))
}

/// Whether a `GET` there answers a secret: the token of forms, the address of one's calendar, keys of rooms. Those whose
/// `POST` does are left out as well.
fn holds_secret(path: &str) -> bool {
    idempotency::is_without(path) || idempotency::is_secretive(path) || path == "/api/v1/me/calendar"
}

/// `gzip` itself with a weight above zero, or whatever there is.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let weighed = |coding: &str| {
        let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).find_map(|one| {
            let mut parts = one.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            named.then(|| weight.is_none_or(|weight| weight.bytes().any(|digit| matches!(digit, b'1'..=b'9'))))
        })
    };
    weighed("gzip").or_else(|| weighed("*")).unwrap_or(false)
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    TYPES.contains(&kind.split(';').next().unwrap_or_default().trim())
}

/// The weak form of a strong tag.
fn weak(tag: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok().filter(|text| text.starts_with('"'))?;
    HeaderValue::from_str(&format!("W/{text}")).ok()
}

/// Whether whoever asks has the answer by that tag, so that they find it again by it.
fn names(known: &[HeaderValue], tag: &HeaderValue) -> bool {
    let mut tags = known.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    tags.any(|one| one.trim().as_bytes() == tag.as_bytes())
}

/// The body, compressed as it comes. What breaks off breaks off here as well.
fn pieces(body: Body) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let packer = GzEncoder::new(Vec::new(), LEVEL);
    try_unfold((body.into_data_stream(), Some(packer)), |(mut body, packer)| async move {
        let Some(mut packer) = packer else { return Ok(None) };
        loop {
            let Some(piece) = body.next().await else {
                let rest = packer.finish().map_err(failed)?;
                return Ok(Some((Bytes::from(rest), (body, None))));
            };
            packer.write_all(&piece?).map_err(failed)?;
            let packed = std::mem::take(packer.get_mut());
            if !packed.is_empty() {
                return Ok(Some((Bytes::from(packed), (body, Some(packer)))));
            }
        }
    })
}

fn failed(error: io::Error) -> axum::Error {
    axum::Error::new(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_or_anything_is_named_and_not_weighed_with_nothing() {
        for (lines, takes) in [
            (&["gzip, deflate, br"][..], true),
            (&["br", "GZIP;q=0.5"], true),
            (&["*"], true),
            (&["gzip;q=0, *"], false),
            (&["*;q=0.000"], false),
            (&["identity"], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(line));
            }
            assert_eq!(takes_gzip(&headers), takes, "{lines:?}");
        }
    }

    #[test]
    fn what_answers_a_secret_is_known() {
        for (path, secret) in [
            ("/api/v1/session", true),
            ("/api/v1/me/calendar", true),
            ("/api/v1/courses/1/invitations", true),
            ("/control/get", true),
            ("/api/v1/me", false),
            ("/api/v1/lessons", false),
        ] {
            assert_eq!(holds_secret(path), secret, "{path}");
        }
    }
}
