//! Reading what was said: page by page, for replay, and as a file.

use std::io;
use std::ops::Range;

use axum::body::Body;
use axum::extract;
use axum::response::Response;
use bytes::Bytes;
use control::LessonId;
use control::access::Action;
use control::room::Comment;
use futures_util::Stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::event::Said;
use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::spreadsheet::harmless;

/// Comments that are read at once for a file.
const ROWS_AT_ONCE: u32 = 1_000;

/// Which comments.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CommentQuery {
    /// Behind that place of the room.
    after: Option<i64>,
    /// From that moment of the lesson's media on; orders by it.
    from_ms: Option<i64>,
    /// Until before that moment; orders by it.
    until_ms: Option<i64>,
    /// Items, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl CommentQuery {
    fn page(&self) -> PageQuery {
        PageQuery { limit: self.limit, cursor: self.cursor.clone() }
    }

    fn during(&self) -> Option<Range<i64>> {
        let asked = self.from_ms.is_some() || self.until_ms.is_some();
        asked.then(|| self.from_ms.unwrap_or(0)..self.until_ms.unwrap_or(i64::MAX))
    }
}

/// What was said, by place or, with `from_ms` or `until_ms`, by media time. The mentor reads what is held or deleted too.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/comments", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"), CommentQuery,
), responses(
    (status = 200, body = Page<Said>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn comments(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
    Query(query): Query<CommentQuery>,
) -> Result<Json<Page<Said>>, Problem> {
    let lesson = LessonId(lesson);
    let standing = permit(&state, Some(principal.id()), lesson, Action::ReadChat).await?;
    let mentor = standing.lesson.mentor;
    let (limit, after, all) = (query.page().limit()?, query.page().after()?, mentor == principal.id());
    let page = match query.during() {
        None => {
            let seq = match after {
                Some(key) => key.parse().map_err(|_| bad_cursor())?,
                None => query.after.unwrap_or(0),
            };
            let found = state.repository.comments_after(lesson, seq, limit + 1, all).await?;
            Page::of(found, limit, |comment| comment.seq.to_string())
        }
        Some(stretch) => {
            let after = after.map(|key| media_key(&key).ok_or_else(bad_cursor)).transpose()?;
            let found = state.repository.comments_during(lesson, stretch, after, limit + 1, all).await?;
            Page::of(found, limit, |comment| format!("{} {}", comment.said.media_ms.unwrap_or(0), comment.seq))
        }
    };
    Ok(Json(page.map(|comment| Said::new(&comment, mentor))))
}

fn media_key(key: &str) -> Option<(i64, i64)> {
    let (media_ms, seq) = key.split_once(' ')?;
    Some((media_ms.parse().ok()?, seq.parse().ok()?))
}

fn bad_cursor() -> Problem {
    Problem::field("cursor", Wrong::Malformed, "must be next_cursor of an earlier answer to the same question")
}

/// Reactions of a kind in a stretch of media time.
#[derive(Serialize, ToSchema)]
pub struct Reactions {
    /// Begin of the stretch of 5 seconds, from the first frame of the lesson.
    media_ms: i64,
    /// `hati`, `jempol`, `tepuk`, `tawa`, `kaget` or `tanya`.
    kind: &'static str,
    count: u64,
}

/// How many reactions there were, over media time.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/reactions", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"),
), responses(
    (status = 200, body = [Reactions]),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn reactions(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
) -> Result<Json<Vec<Reactions>>, Problem> {
    let lesson = LessonId(lesson);
    permit(&state, Some(principal.id()), lesson, Action::ReadChat).await?;
    let counts = state.repository.reactions(lesson).await?;
    let counts = counts.iter().map(|count| Reactions {
        media_ms: count.media_ms,
        kind: count.kind.as_str(),
        count: count.count,
    });
    Ok(Json(counts.collect()))
}

/// All that was said, as a file for a spreadsheet: to the mentor.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/comments.csv", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"),
), responses(
    (status = 200, content_type = "text/csv"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn export(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
) -> Result<Response, Problem> {
    let lesson = LessonId(lesson);
    permit(&state, Some(principal.id()), lesson, Action::Run).await?;
    let mut response = Response::new(Body::from_stream(rows(state, lesson)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"comments.csv\""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The file, a page of the database at a time.
fn rows(state: State, lesson: LessonId) -> impl Stream<Item = io::Result<Bytes>> {
    futures_util::stream::try_unfold(Some(-1), move |after| {
        let state = state.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            if after < 0 {
                // Spreadsheets take a file without the mark for one of their own code page.
                let head = "\u{feff}seq,at,media_ms,user_id,name,state,pinned,body\r\n";
                return Ok(Some((Bytes::from_static(head.as_bytes()), Some(0))));
            }
            let comments = state.repository.comments_after(lesson, after, ROWS_AT_ONCE, true).await;
            let comments = comments.map_err(io::Error::other)?;
            let last = comments.last().map(|comment| comment.seq);
            Ok(last.map(|last| (Bytes::from(lines(&comments)), Some(last))))
        }
    })
}

fn lines(comments: &[Comment]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for comment in comments {
        let said = &comment.said;
        let row = [
            comment.seq.to_string(),
            Moment(said.at).to_string(),
            said.media_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            said.user.to_string(),
            harmless(&comment.name),
            said.state.as_str().to_owned(),
            if comment.pinned { "pinned" } else { "" }.to_owned(),
            harmless(&said.body),
        ];
        writer.write_record(row).expect("rows are of one length, and memory takes them");
    }
    writer.into_inner().expect("memory takes it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_of_replay_survive_their_text() {
        assert_eq!(media_key("5000 7"), Some((5_000, 7)));
        for bad in ["", "5000", "5000 x", "x 7"] {
            assert_eq!(media_key(bad), None);
        }
    }
}
