//! What a request holds, or a problem that says what is wrong with it.

use std::marker::PhantomData;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::problem::{Problem, Wrong};

/// A JSON body: a JSON object, taken with a problem where it is none; given uncached, whatever it is.
pub struct Json<T>(pub T);

/// A JSON body that is a list of objects.
pub struct JsonList<T>(pub Vec<T>);

/// What is read of a JSON object alone: the reader would take a list for one, its values for the fields in their order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(Object(body)) = axum::Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonList<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(body) = axum::Json::<Vec<Object<T>>>::from_request(request, state).await?;
        Ok(Self(body.into_iter().map(|Object(one)| one).collect()))
    }
}

/// A JSON object that may be missing as a whole, however it is sent.
pub(crate) fn object_if_any<T: Default + DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let read = serde_json::from_slice(body).map(|Object(body)| body);
    read.map_err(|error| misread("body", &error.to_string()))
}

/// The query's parameters.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// The path's parameters. What cannot be one is not there.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.0).into_response();
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::JsonDataError(error) => misread("body", &error.body_text()),
            JsonRejection::MissingJsonContentType(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "not JSON",
                "send the body as Content-Type: application/json",
            ),
            other => Self::new(other.status(), "malformed", "cannot be read", other.body_text()),
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        misread("query", &rejection.body_text())
    }
}

/// What could not be read, by the field that it is about where the reader (serde) says which: `starts_at: must be a time …`,
/// ``missing field `title` ``. `whole`: what it stood in.
fn misread(whole: &str, text: &str) -> Problem {
    let said = text.split_once(": ").filter(|(what, _)| what.starts_with("Failed to")).map_or(text, |(_, said)| said);
    let (path, said) = match said.split_once(": ") {
        Some((path, said)) if !path.contains([' ', '`']) => (Some(path), said),
        _ => (None, said),
    };
    let quoted =
        |before: &str| said.split_once(before).and_then(|(_, rest)| rest.split_once('`')).map(|(name, _)| name);
    if let Some(name) = quoted("missing field `") {
        let field = path.map_or_else(|| name.to_owned(), |path| format!("{path}.{name}"));
        return Problem::field(field, Wrong::Required, "is missing");
    }
    let wrong = if said.starts_with("must be a time") {
        Wrong::NotATime
    } else if said.starts_with("unknown ") {
        Wrong::Unknown
    } else {
        Wrong::Malformed
    };
    let field = path.or_else(|| quoted("unknown field `")).unwrap_or(whole);
    Problem::field(field, wrong, said)
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said_of_the_field_that_it_is_about() {
        let json = "Failed to deserialize the JSON body into the target type: ";
        for (text, field, wrong) in [
            (format!("{json}missing field `title` at line 1 column 2"), "title", Wrong::Required),
            (format!("{json}keys: missing field `auth` at line 1 column 9"), "keys.auth", Wrong::Required),
            (
                format!("{json}starts_at: must be a time as 2026-11-28T12:00:00Z at line 1"),
                "starts_at",
                Wrong::NotATime,
            ),
            (format!("{json}carry: unknown variant `x`, expected `cookie`"), "carry", Wrong::Unknown),
            (format!("{json}x: unknown field `x`, expected `carry`"), "x", Wrong::Unknown),
            (format!("{json}invalid type: integer `5`, expected struct Begin"), "body", Wrong::Malformed),
            (format!("{json}uses: invalid type: string \"a\", expected u32"), "uses", Wrong::Malformed),
        ] {
            let problem = format!("{:?}", misread("body", &text));
            let (named, coded) = (format!("field: \"{field}\""), format!("code: \"{}\"", wrong.as_str()));
            assert!(problem.contains(&named) && problem.contains(&coded), "{text}: {problem}");
        }
    }

    #[test]
    fn a_list_is_no_object() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        struct Wish {
            uses: Option<u32>,
        }
        assert_eq!(object_if_any::<Wish>(b"").expect("nothing"), Wish::default());
        assert_eq!(object_if_any::<Wish>(b"{\"uses\":3}").expect("an object"), Wish { uses: Some(3) });
        for wrong in ["[3]", "[null]", "3", "null", "\"uses\""] {
            assert!(object_if_any::<Wish>(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Vec<Object<Wish>>>("[{\"uses\":3},[3]]").is_err());
    }
}
