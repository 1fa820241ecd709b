//! Errors as clients get them: `application/problem+json` (RFC 9457).
//!
//! A code is a stable word, the detail says what to do next. What a stranger must not learn is not told apart: who may not
//! know of a thing gets [`Problem::not_found`]. What went wrong inside is logged and counted, never sent.

use axum::Json;
use axum::response::{IntoResponse, Response};
use control::RepositoryError;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// An answer that says why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Its name, with dots and indices: `items.0.title`.
    pub field: String,
    /// A stable word for what is wrong: see [`Wrong`].
    pub code: &'static str,
    /// What it must be.
    pub detail: String,
}

impl FieldError {
    /// Of that field.
    pub fn new(field: impl Into<String>, wrong: Wrong, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code: wrong.as_str(), detail: detail.into() }
    }
}

/// What is wrong with a field, so that a page can say it in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is missing or empty.
    Required,
    /// A text or a time has too little.
    TooShort,
    /// A text or a time has too much.
    TooLong,
    /// A list has too many.
    TooMany,
    /// A number is too small or too large.
    OutOfRange,
    /// No time.
    NotATime,
    /// A time that is over.
    InThePast,
    /// A time that is too far ahead.
    TooFar,
    /// None of the words that it can be.
    Unknown,
    /// Not of the form that it must have.
    Malformed,
    /// Characters that it must not have.
    Characters,
    /// Of the right form, and not to be had here.
    NotAllowed,
    /// Not what is known here: a password.
    Mismatch,
    /// A password that anybody tries first.
    Common,
    /// A password that is made of one's name or address.
    Yours,
}

impl Wrong {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::OutOfRange => "out_of_range",
            Self::NotATime => "not_a_time",
            Self::InThePast => "in_the_past",
            Self::TooFar => "too_far",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
            Self::Characters => "characters",
            Self::NotAllowed => "not_allowed",
            Self::Mismatch => "mismatch",
            Self::Common => "common",
            Self::Yours => "yours",
        }
    }
}

/// As it is sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/{code}`.
    #[serde(rename = "type")]
    kind: String,
    /// What it is, the same for all of a code.
    title: &'static str,
    /// The status.
    status: u16,
    /// What to do next.
    detail: String,
    /// Field by field, for 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    /// One of a kind that has no function of its own.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), errors: Vec::new(), retry_after_s: None }
    }

    /// 401: nobody is signed in.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in", "not signed in", "sign in and try again")
    }

    /// 403: may know of it, may not do it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "not allowed", detail)
    }

    /// 404: there is none, or it is not for who asks.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "not found", "there is no such thing, or it is not for you")
    }

    /// 409: it is not in the state for it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "not possible now", detail)
    }

    /// 412: somebody else changed it.
    #[must_use]
    pub fn changed_meanwhile() -> Self {
        let detail = "it was changed meanwhile: read it again and repeat the change";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", "changed meanwhile", detail)
    }

    /// 422: one field is wrong.
    pub fn field(field: impl Into<String>, wrong: Wrong, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(field, wrong, detail)])
    }

    /// 422: fields are wrong.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = "some fields are not as they must be: see errors";
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "not valid", detail);
        Self { errors, ..problem }
    }

    /// 429: too fast.
    pub fn too_fast(detail: impl Into<String>, retry_after_s: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-fast", "too many requests", detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// The same, with when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// Its stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::NotFound(_) => Self::not_found(),
            RepositoryError::Exists(what) => Self::conflict("exists", format!("there is such {what} already")),
            RepositoryError::Full => {
                tracing::error!("the disk of the database is full");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "disk-full",
                    "no room",
                    "the server has no room to keep this: try again later",
                )
            }
            RepositoryError::Contended => {
                let detail = "others changed the same at the same time, and nothing was done: try again in a moment";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available", detail);
                Self { retry_after_s: Some(1), ..problem }
            }
            other => {
                tracing::error!(error = %other, "the database failed");
                let detail = "the server could not do it: look whether it was done, and try again in a moment";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available", detail);
                Self { retry_after_s: Some(2), ..problem }
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        metrics::counter!("tayang_api_problems_total", "code" => self.code).increment(1);
        let body = ProblemBody {
            kind: format!("/problems/{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
