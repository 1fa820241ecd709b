//! `ETag`, `If-None-Match` and `If-Match` (RFC 9110 sections 8.8.3 and 13.1), so that nothing is fetched or overwritten twice.
//!
//! A tag has two parts, `"v{version}.{hash}"`: the version of what is kept, and a hash of what was answered, which may also
//! hold what changes without a version (who watches, what one may). Whether an answer is still the same goes by the whole
//! tag; whether a change is made to what one has seen goes by the version.
//!
//! Handlers take [`Conditions`]; a `GET` ends in [`answer`], a `PATCH` or `DELETE` hands [`Conditions::expected`] to the
//! repository, which compares it in the transaction of the change.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::State;
use crate::problem::Problem;

/// Longest header that is looked at, over all its lines: some twenty of our tags.
const HEADER_LENGTH_MAX: usize = 1_024;

/// How often a change is tried that others come before: each time one of them has gone through, so that as many at once of
/// one person's devices stand side by side.
pub(crate) const CHANGE_TRIES: u32 = 4;

/// What a request makes its answer depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Conditions {
    /// Those of these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            let values: Vec<&str> = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()).collect();
            let text = values.join(",");
            headers.contains_key(&name).then_some(text)
        };
        let if_none_match = text(IF_NONE_MATCH).filter(|text| text.len() <= HEADER_LENGTH_MAX);
        Self { if_match: text(IF_MATCH), if_none_match }
    }

    /// The version to be changed, which a transaction compares once more: `current`, if it is among those that whoever asks
    /// has seen. `None`: whichever there is.
    ///
    /// # Errors
    /// 412 if it is not: of tags that are none of ours, and of more than we look at, none can be what is there.
    pub fn expected(&self, current: i64) -> Result<Option<i64>, Problem> {
        match self.seen()? {
            None => Ok(None),
            Some(seen) if seen.contains(&current) => Ok(Some(current)),
            Some(_) => Err(Problem::changed_meanwhile()),
        }
    }

    /// The versions that whoever asks would have changed. `None`: whichever there is.
    fn seen(&self) -> Result<Option<Vec<i64>>, Problem> {
        match self.if_match.as_deref() {
            None => Ok(None),
            Some(text) if text.trim() == "*" => Ok(None),
            Some(text) if text.len() > HEADER_LENGTH_MAX => Err(Problem::changed_meanwhile()),
            Some(text) => Ok(Some(tags(text).filter_map(version).collect())),
        }
    }

    /// Whether a change may be made to this version. For where the repository does not compare: what changes between this
    /// and the change is overwritten.
    ///
    /// # Errors
    /// 412.
    pub fn check(&self, current: i64) -> Result<(), Problem> {
        self.expected(current).map(|_| ())
    }

    fn has(&self, tag: &HeaderValue) -> bool {
        let Some(text) = &self.if_none_match else { return false };
        text.trim() == "*" || tags(text).any(|known| known.as_bytes() == tag.as_bytes())
    }
}

impl FromRequestParts<State> for Conditions {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

/// The tag of a version alone, for answers that hold nothing else.
#[must_use]
pub fn tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"v{version}\"")).expect("digits are a header")
}

/// The answer to a `GET`: 200 with its tag, or 304 if whoever asks has it.
///
/// # Errors
/// 500 if `body` cannot be written as JSON.
pub fn answer<T: Serialize>(conditions: &Conditions, version: i64, body: &T) -> Result<Response, Problem> {
    let (tag, bytes) = written(version, body)?;
    if conditions.has(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers(tag)).into_response());
    }
    Ok((headers(tag), [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response())
}

/// The answer to what made or changed something: `body` with its tag.
///
/// # Errors
/// 500 if `body` cannot be written as JSON.
pub fn changed<T: Serialize>(status: StatusCode, version: i64, body: &T) -> Result<Response, Problem> {
    let (tag, bytes) = written(version, body)?;
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((status, headers(tag), json, bytes).into_response())
}

/// Kept by the browser of who asked, and asked for again each time.
fn headers(tag: HeaderValue) -> [(http::HeaderName, HeaderValue); 2] {
    [(ETAG, tag), (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))]
}

fn written<T: Serialize>(version: i64, body: &T) -> Result<(HeaderValue, Vec<u8>), Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written");
        let detail = "the server could not write its answer: try again later";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "failed", detail)
    })?;
    // 48 bits: between two answers of one thing, not against who looks for two alike.
    let hash: String = Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::from_str(&format!("\"v{version}.{hash}\"")).expect("digits are a header");
    Ok((tag, bytes))
}

/// The tags of a list. `W/` is dropped: ours are strong, but a proxy that compresses makes them weak.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(|tag| tag.trim().trim_start_matches("W/"))
}

fn version(tag: &str) -> Option<i64> {
    let inner = tag.strip_prefix("\"v")?.strip_suffix('"')?;
    inner.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(name: http::HeaderName, text: &str) -> Conditions {
        let mut headers = HeaderMap::new();
        headers.insert(name, text.parse().expect("header"));
        Conditions::of(&headers)
    }

    fn tag_of(response: &Response) -> String {
        response.headers()[ETAG].to_str().expect("text").to_owned()
    }

    #[test]
    fn who_has_the_answer_gets_it_not_again() {
        let first = answer(&Conditions::default(), 3, &"a").expect("answered");
        assert_eq!(first.status(), StatusCode::OK);
        let known = tag_of(&first);
        for text in [known.clone(), format!("\"x\", W/{known}"), "*".to_owned()] {
            let again = answer(&conditions(IF_NONE_MATCH, &text), 3, &"a").expect("answered");
            assert_eq!((again.status(), tag_of(&again)), (StatusCode::NOT_MODIFIED, known.clone()), "{text}");
        }
        for (version, body) in [(4, "a"), (3, "b")] {
            let other = answer(&conditions(IF_NONE_MATCH, &known), version, &body).expect("answered");
            assert_eq!(other.status(), StatusCode::OK, "{version} {body}");
        }
    }

    #[test]
    fn a_change_goes_by_the_version_alone() {
        let known = tag_of(&changed(StatusCode::OK, 3, &"whatever").expect("answered"));
        let long = format!("\"v3\"{}", ", \"v4\"".repeat(200));
        for (text, expected) in [
            (known.as_str(), Ok(Some(3))),
            ("\"v3\"", Ok(Some(3))),
            ("W/\"v3.00\"", Ok(Some(3))),
            ("\"v2.00\", \"x\", \"v3.00\"", Ok(Some(3))),
            ("\"v2.00\", \"v4.00\"", Err(StatusCode::PRECONDITION_FAILED)),
            ("*", Ok(None)),
            ("\"abc\"", Err(StatusCode::PRECONDITION_FAILED)),
            ("v3", Err(StatusCode::PRECONDITION_FAILED)),
            ("", Err(StatusCode::PRECONDITION_FAILED)),
            (&long, Err(StatusCode::PRECONDITION_FAILED)),
        ] {
            let got = conditions(IF_MATCH, text).expected(3).map_err(|problem| problem.status());
            assert_eq!(got, expected, "{text}");
        }
        assert_eq!(Conditions::default().expected(3).ok(), Some(None));
        let condition = conditions(IF_MATCH, &known);
        assert!(condition.check(3).is_ok() && condition.check(4).is_err() && Conditions::default().check(4).is_ok());
        assert_eq!(tag(3), "\"v3\"");
    }
}
