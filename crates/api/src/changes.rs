//! The change feed: by long poll, or as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use control::feed::{Beside, Reader};
use control::identity::throttle::network;
use control::{ChangeKind, Principal, Seq};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::Caller;
use crate::extract::{Json, Query};
use crate::feed::{Waiter, Who};
use crate::moment::Moment;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::visit::Visit;

/// Longest wait, in seconds: proxies give up after 60.
const WAIT_S_MAX: u64 = 30;
/// Changes that are looked at in one statement.
const AT_ONCE: u32 = 200;
/// Statements for one answer: of 2,000 changes some may be for whoever asks; if not, they ask again behind these.
const STATEMENTS_MAX: usize = 10;
/// How often a silent stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(changes))
}

/// A change, as it is told. Besides these fields, those of `user_id`, `course_id`, `lesson_id`, `channel_id` that it
/// concerns, and those of its kind.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangeBody {
    seq: i64,
    at: Moment,
    kind: &'static str,
    #[serde(flatten)]
    #[schema(ignore)]
    more: Map<String, Value>,
}

/// Changes that one may know of.
#[derive(Serialize, ToSchema)]
struct Changes {
    items: Vec<ChangeBody>,
    /// What to ask behind the next time.
    last_seq: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Behind {
    /// `last_seq` of the answer before; without it, from now on.
    after: Option<i64>,
    /// How long to wait for a change if there is none, 0 to 30 seconds.
    #[param(maximum = 30)]
    wait_s: Option<u64>,
}

/// What changed of what one may know of.
#[utoipa::path(get, path = "/api/v1/changes", tag = "changes", params(Behind), responses(
    (status = 200, body = Changes, description = "with Accept: text/event-stream as server-sent events of these items"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json", description = "`after` is too long ago"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn changes(
    axum::extract::State(state): axum::extract::State<State>,
    headers: HeaderMap,
    visit: Visit,
    Caller(principal): Caller,
    Query(behind): Query<Behind>,
) -> Result<Response, Problem> {
    let wait = Duration::from_secs(match behind.wait_s.unwrap_or(0) {
        wait_s @ 0..=WAIT_S_MAX => wait_s,
        _ => return Err(Problem::field("wait_s", Wrong::OutOfRange, "must be 0 to 30")),
    });
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let as_events = accepts.split(',').any(|kind| kind.trim().starts_with("text/event-stream"));
    // A stream that broke goes on behind the last event that its reader got.
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let after = match resumed.filter(|_| as_events).or(behind.after) {
        Some(after) if after >= 0 => Seq(after),
        Some(_) => return Err(Problem::field("after", Wrong::Malformed, "must be last_seq of an earlier answer")),
        None => state.repository.last_seq().await?,
    };
    if after < state.repository.kept_behind().await? {
        let detail = "what changed since then is not kept any more: read again what you show, and ask without after";
        return Err(Problem::new(StatusCode::GONE, "too-long-ago", "not kept any more", detail));
    }
    if as_events {
        state.feed().begin(&state).await?;
        let waiter = state.feed().wait(who(principal.as_ref(), &visit))?;
        let events = Follower { state, principal, after, waiter, reads: true, told: Vec::new() }.events();
        return Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response());
    }
    // A place is taken by who only reads, too: reading is what costs.
    let mut waiter = state.feed().wait(who(principal.as_ref(), &visit))?;
    let (mut items, mut last) = told(&state, principal.as_ref(), after).await?;
    if items.is_empty() && !wait.is_zero() {
        state.feed().begin(&state).await?;
        let until = tokio::time::Instant::now() + wait;
        while items.is_empty() && waiter.wait_behind(&state, last, until).await {
            (items, last) = match waiter.told(principal.as_ref(), last, state.now()) {
                Some(read) => read,
                None => told(&state, principal.as_ref(), last).await?,
            };
        }
    }
    Ok(Json(Changes { items, last_seq: last.0 }).into_response())
}

fn who(principal: Option<&Principal>, visit: &Visit) -> Who {
    principal.map_or_else(|| Who::Network(network(visit.address)), |principal| Who::Person(principal.id()))
}

fn reader(principal: &Principal) -> Reader {
    Reader { id: principal.id(), session: principal.session.id, roles: principal.user.roles }
}

impl Waiter {
    /// What the newest changes, which are read once for all, have behind `after` for somebody, and up to where that is.
    /// `None`: the database must be asked, because more than these are behind `after`, or what is known of all does not
    /// say, or the reader themself may be another by now.
    fn told(&mut self, principal: Option<&Principal>, after: Seq, now: UnixMillis) -> Option<(Vec<ChangeBody>, Seq)> {
        let batch = self.newest.borrow_and_update().clone();
        let stands = principal.is_none_or(|principal| principal.session.holds(now));
        if after < batch.after || !stands {
            return None;
        }
        let reader = principal.map(reader);
        let mut items = Vec::new();
        for beside in batch.changes.iter().filter(|beside| beside.change.seq > after) {
            let what = &beside.change.what;
            let is_theirs = reader.is_some_and(|reader| what.user == Some(reader.id));
            if is_theirs && matches!(what.kind, ChangeKind::User | ChangeKind::Revoked) {
                return None;
            }
            if beside.may_surely_be_told(reader, now)? {
                items.push(body(beside));
            }
        }
        Some((items, batch.to.max(after)))
    }

    /// Waits for a change behind `last`. False: until the end of the time, or of the server.
    async fn wait_behind(&mut self, state: &State, last: Seq, until: tokio::time::Instant) -> bool {
        tokio::select! {
            changed = self.newest.wait_for(|newest| newest.to > last) => changed.is_ok(),
            () = tokio::time::sleep_until(until) => false,
            () = state.stop.cancelled() => false,
        }
    }
}

/// What behind `after` may be told, and up to where was looked.
async fn told(state: &State, principal: Option<&Principal>, after: Seq) -> Result<(Vec<ChangeBody>, Seq), Problem> {
    let reader = principal.map(reader);
    let mut last = after;
    for _ in 0..STATEMENTS_MAX {
        let _leave = state.feed().read().await;
        let found = state.repository.changes_beside(reader.map(|reader| reader.id), last, AT_ONCE).await?;
        let Some(newest) = found.last() else { break };
        last = newest.change.seq;
        let now = state.now();
        let items: Vec<_> = found.iter().filter(|beside| beside.may_be_told(reader, now)).map(body).collect();
        if !items.is_empty() || found.len() < AT_ONCE as usize {
            return Ok((items, last));
        }
    }
    Ok((Vec::new(), last))
}

fn body(beside: &Beside) -> ChangeBody {
    let what = &beside.change.what;
    let mut more: Map<String, Value> = serde_json::from_str(&what.payload).unwrap_or_default();
    let ids = [
        ("user_id", what.user.map(|id| id.0)),
        ("course_id", what.course.map(|id| id.0)),
        ("lesson_id", what.lesson.map(|id| id.0)),
        ("channel_id", what.channel),
    ];
    more.retain(|name, _| !matches!(name.as_str(), "seq" | "at" | "kind"));
    for (name, id) in ids {
        if let Some(id) = id {
            more.insert(name.to_owned(), Value::String(id.to_string()));
        }
    }
    ChangeBody { seq: beside.change.seq.0, at: beside.change.at.into(), kind: what.kind.as_str(), more }
}

/// Somebody who follows the changes.
struct Follower {
    state: State,
    principal: Option<Principal>,
    after: Seq,
    waiter: Waiter,
    /// The database is asked: it may have more than the newest changes that all are told from.
    reads: bool,
    /// Read and not sent yet, the next one last.
    told: Vec<ChangeBody>,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let change = follower.next().await?;
            let text = serde_json::to_string(&change).ok()?;
            let event = Event::default().event("change").id(change.seq.to_string()).data(text);
            Some((Ok(event), follower))
        })
        .boxed()
    }

    /// The next change; `None` when the server stops, the database fails, or they are not signed in any more.
    async fn next(&mut self) -> Option<ChangeBody> {
        loop {
            if let Some(change) = self.told.pop() {
                return Some(change);
            }
            let (told, last) = if self.reads {
                if !self.still_stands().await {
                    return None;
                }
                let (told, last) = told(&self.state, self.principal.as_ref(), self.after).await.ok()?;
                self.reads = last > self.after;
                (told, last)
            } else {
                let day = tokio::time::Instant::now() + Duration::from_secs(86_400);
                if !self.waiter.wait_behind(&self.state, self.after, day).await {
                    return None;
                }
                let Some(read) = self.waiter.told(self.principal.as_ref(), self.after, self.state.now()) else {
                    self.reads = true;
                    continue;
                };
                read
            };
            self.after = last;
            self.told = told;
            self.told.reverse();
        }
    }

    /// Asked before the database is: a sign-in that ended hears nothing more.
    async fn still_stands(&mut self) -> bool {
        let Some(known) = &self.principal else { return true };
        let _leave = self.state.feed().read().await;
        match self.state.repository.principal(known.session.secret).await {
            Ok(Some(now)) if now.session.holds(self.state.now()) && now.user.suspended.is_none() => {
                self.principal = Some(now);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use control::{Change, KeyHash, Locale, NewChange, Roles, Session, SessionId, SessionKind, User, UserId};

    use super::*;
    use crate::feed::{Batch, Feed};

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn principal() -> Principal {
        let id = UserId::new(NOW);
        let user = User {
            id,
            email: "a@example.test".to_owned(),
            name: "Ana".to_owned(),
            locale: Locale::Id,
            zone: "Asia/Jakarta".to_owned(),
            roles: Roles::default(),
            password: None,
            verified: None,
            suspended: None,
            created: NOW,
            version: 1,
        };
        let session = Session {
            id: SessionId::new(NOW),
            user: id,
            kind: SessionKind::Bearer,
            secret: KeyHash::of("x"),
            label: String::new(),
            created: NOW,
            seen: NOW,
            expires: NOW.plus_millis(1_000),
            revoked: None,
        };
        Principal { user, session }
    }

    #[test]
    fn who_waits_is_told_of_the_newest_changes_without_asking_the_database_unless_it_says_more() {
        let (feed, who, other) = (Feed::default(), principal(), principal());
        let told = |what: NewChange, principal: Option<&Principal>, after: i64, now: UnixMillis| {
            let changes = vec![Beside { change: Change { seq: Seq(9), at: NOW, what }, lesson: None, course: None }];
            feed.tell(Batch { after: Seq(7), to: Seq(9), changes });
            let mut waiter = feed.wait(Who::Network("203.0.113.7".to_owned())).unwrap_or_else(|_| panic!("room"));
            waiter.told(principal, Seq(after), now).map(|(items, last)| (items.len(), last.0))
        };
        let channel = || NewChange::new(ChangeKind::Channel);
        let mentor = || NewChange::new(ChangeKind::Mentor).user(who.id());
        assert_eq!(told(channel(), None, 7, NOW), Some((0, 9)));
        assert_eq!(told(channel(), None, 8, NOW), Some((0, 9)));
        assert_eq!(told(channel(), None, 6, NOW), None, "there may be one between");
        assert_eq!(told(mentor(), Some(&who), 8, NOW), Some((1, 9)));
        assert_eq!(told(mentor(), Some(&who), 9, NOW), Some((0, 9)), "once");
        assert_eq!(told(mentor(), Some(&other), 8, NOW), Some((0, 9)));
        let revoked = || NewChange::new(ChangeKind::Revoked).user(who.id());
        assert_eq!(told(revoked(), Some(&who), 8, NOW), None, "they may be another now");
        assert_eq!(told(revoked(), Some(&other), 8, NOW), Some((0, 9)));
        assert_eq!(told(mentor(), Some(&who), 8, NOW.plus_millis(1_000)), None, "the sign-in is over");
    }
}
