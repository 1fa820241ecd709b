//! Coming into a room: over a WebSocket, or asked for server-sent events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use control::access::{Action, Standing};
use control::room::Comment;
use control::teaching::LessonState;
use control::{LessonId, Principal, SessionKind, UserId};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, StatusCode};
use sha1::{Digest as _, Sha1};

use super::rooms::Room;
use super::seat::{NoSeat, Person, Seat};
use super::stream::Events;
use super::viewer::Viewer;
use crate::State;
use crate::auth::{SignedIn, stands};
use crate::extract::Path;
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody};
use crate::upgrade::Upgrade;

/// The protocol that is spoken over the socket.
const SUBPROTOCOL: &str = "tayang.room.v1";
/// RFC 6455 section 1.3.
const WEB_SOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Comments that a viewer who comes back is sent at once; what is missing before them is read page by page.
const MISSED_MAX: u32 = 500;

/// The room of a lesson: a WebSocket (subprotocol `tayang.room.v1`) or, with `Accept: text/event-stream`, server-sent events.
#[utoipa::path(get, path = "/api/v1/lessons/{id}/room", tag = "room", params(
    ("id" = uuid::Uuid, Path, description = "the lesson"),
    ("Last-Event-ID" = Option<i64>, Header, description = "goes on behind that place (server-sent events)"),
), responses(
    (status = 101, description = "a WebSocket"),
    (status = 200, description = "server-sent events", content_type = "text/event-stream"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 426, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn join(
    extract::State(state): extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(lesson): Path<uuid::Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let lesson = LessonId(lesson);
    if says(&headers, &UPGRADE, "websocket") {
        let accept = handshake(&headers)?;
        if principal.session.kind == SessionKind::Browser && !is_own_page(&state, &headers) {
            let detail = "open the room from a page of this server";
            return Err(Problem::new(StatusCode::FORBIDDEN, "origin", "not from our page", detail));
        }
        let (room, seat, _) = enter(&state, &principal, lesson).await?;
        return Ok(upgrade(state, room, seat, &accept, offers(&headers)));
    }
    if says(&headers, &ACCEPT, "text/event-stream") {
        return stream(state, &principal, lesson, &headers).await;
    }
    Err(Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        "upgrade",
        "a socket is needed",
        "open this address as a WebSocket, or with Accept: text/event-stream",
    ))
}

/// A seat, and what the right to it stood on.
async fn enter(
    state: &State,
    principal: &Principal,
    lesson: LessonId,
) -> Result<(Arc<Room>, Place, Standing), Problem> {
    let user = principal.id();
    loop {
        let standing = permit_reader(state, user, lesson).await?;
        let room = state.rooms().open(state, lesson).await?;
        let person = Person {
            user,
            name: principal.user.name.clone(),
            session: principal.session.id,
            expires: principal.session.expires,
            runs: standing.runs(),
        };
        let seat = match room.roster.sit(person) {
            Ok(seat) => Place { room: room.clone(), seat: Some(seat) },
            // It has ended in this moment, and is opened anew; it is forgotten before long.
            Err(NoSeat::Ended) => {
                tokio::task::yield_now().await;
                continue;
            }
            Err(NoSeat::TooMany) => {
                return Err(Problem::too_fast("you are in this room on many devices: close it on some of them", 10));
            }
        };
        // A change that the room knew of before they sat down, and their right did not, has passed them by.
        if room.followed.load(std::sync::atomic::Ordering::SeqCst) > standing.seq.0 {
            permit_reader(state, user, lesson).await?;
        }
        stands(state, principal).await?;
        return Ok((room, seat, standing));
    }
}

/// Whoever may read what is said may be in the room; whether they may say something is asked when they do.
async fn permit_reader(state: &State, user: UserId, lesson: LessonId) -> Result<Standing, Problem> {
    let standing = permit(state, Some(user), lesson, Action::ReadChat).await?;
    match standing.lesson.state {
        LessonState::Scheduled | LessonState::Live => Ok(standing),
        LessonState::Ended | LessonState::Cancelled => {
            Err(Problem::conflict("lesson-over", "the lesson is over: read what was said in its comments"))
        }
    }
}

/// A seat that is given back unless it is taken.
struct Place {
    room: Arc<Room>,
    seat: Option<Arc<Seat>>,
}

impl Place {
    fn seat(&self) -> &Arc<Seat> {
        self.seat.as_ref().expect("it is taken once, at the end")
    }

    fn take(mut self) -> Arc<Seat> {
        self.seat.take().expect("it is taken once")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(seat) = &self.seat {
            self.room.roster.leave(seat);
        }
    }
}

fn upgrade(state: State, room: Arc<Room>, place: Place, accept: &str, protocol: Option<&'static str>) -> Response {
    let then = Upgrade::new(move |socket| async move {
        let seat = place.take();
        let (hello, cursor, _) = room.hello(&seat, state.now());
        Box::pin(Viewer::new(state, room, seat, (&hello, cursor), socket).run()).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response.extensions_mut().insert(then);
    response
}

async fn stream(
    state: State,
    principal: &Principal,
    lesson: LessonId,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let (room, place, standing) = enter(&state, principal, lesson).await?;
    let (hello, cursor, seq) = room.hello(place.seat(), state.now());
    let missed = match last {
        Some(last) if (0..seq).contains(&last) => missed(&state, lesson, last..seq).await?,
        _ => Vec::new(),
    };
    let events = Events::new(state, room, place.take(), (&hello, cursor, seq), &missed, standing.lesson.mentor);
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx gathers answers otherwise.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The newest that were said behind the first place, up to the last.
async fn missed(state: &State, lesson: LessonId, places: std::ops::Range<i64>) -> Result<Vec<Comment>, Problem> {
    let after = places.start.max(places.end - i64::from(MISSED_MAX));
    let mut comments = state.repository.comments_after(lesson, after, MISSED_MAX, true).await?;
    comments.retain(|comment| comment.seq <= places.end);
    Ok(comments)
}

/// The answer to the client's key, if it asks for a WebSocket as RFC 6455 section 4.2.1 has it.
fn handshake(headers: &HeaderMap) -> Result<String, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, "handshake", "no WebSocket handshake", detail);
    if !says(headers, &CONNECTION, "upgrade") {
        return Err(bad("send Connection: Upgrade"));
    }
    if text(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(bad("send Sec-WebSocket-Version: 13"));
    }
    let protocols = text(headers, &SEC_WEBSOCKET_PROTOCOL);
    if protocols.is_some() && offers(headers).is_none() {
        return Err(bad("offer the subprotocol tayang.room.v1"));
    }
    let key = text(headers, &SEC_WEBSOCKET_KEY).filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
    let key = key.ok_or_else(|| bad("send a Sec-WebSocket-Key of 16 bytes"))?;
    Ok(STANDARD.encode(Sha1::new().chain_update(key).chain_update(WEB_SOCKET_GUID).finalize()))
}

fn offers(headers: &HeaderMap) -> Option<&'static str> {
    says(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL).then_some(SUBPROTOCOL)
}

/// A browser says of which page a WebSocket is, and sends the cookie whichever it is: it must be ours.
fn is_own_page(state: &State, headers: &HeaderMap) -> bool {
    let Some(origin) = text(headers, &ORIGIN) else { return false };
    let is_public = state.settings.public_url.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(origin));
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_here = authority.is_some_and(|own| text(headers, &HOST).is_some_and(|host| host.eq_ignore_ascii_case(own)));
    is_public || is_here
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A header has that word among others.
fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(',')).map(|part| part.split(';').next().unwrap_or_default());
    words.any(|said| said.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().expect("name"), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_handshake_is_answered_as_the_standard_has_it_and_what_is_none_is_said_so() {
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "other, tayang.room.v1"),
        ];
        // RFC 6455 section 1.3.
        assert_eq!(handshake(&headers(&whole)).expect("one"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(handshake(&headers(&whole[..3])).is_ok(), "clients without subprotocols are none the worse");
        for (at, bad) in [(0, "close"), (1, "8"), (2, "AAAA"), (3, "other")] {
            let mut pairs = whole;
            pairs[at].1 = bad;
            let problem = handshake(&headers(&pairs)).expect_err(bad);
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        }
    }
}
