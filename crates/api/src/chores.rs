//! What is to be done now and then: noting which sessions were used, forgetting what is of no more use.

use std::time::Duration;

use control::{BoxFuture, RepositoryError, changes, deliveries, notices};

use crate::State;

/// How often uses of sessions are noted. Those of one that is killed in between are noted with their next use.
const SEEN_EVERY: Duration = Duration::from_secs(10);
/// How often old things are forgotten, in rounds of [`SEEN_EVERY`]: an hour.
const FORGET_EVERY: u32 = 360;

/// Rows that are forgotten in one statement: milliseconds of the database's only writer.
const AT_ONCE: u32 = 1_000;

/// Does it until the server stops.
pub async fn run(state: State) {
    let mut rounds = 0u32;
    loop {
        let stopped = tokio::time::timeout(SEEN_EVERY, state.stop.cancelled()).await.is_ok();
        note_seen(&state).await;
        if stopped {
            return;
        }
        if rounds.is_multiple_of(FORGET_EVERY) {
            forget(&state).await;
        }
        rounds = rounds.wrapping_add(1);
    }
}

/// Notes which sessions were used since the last time.
pub async fn note_seen(state: &State) {
    let seen = state.known().take_seen();
    if seen.is_empty() {
        return;
    }
    if let Err(error) = state.repository.seen(&seen).await {
        tracing::warn!(%error, sessions = seen.len(), "that sessions were used could not be noted: the next use is");
    }
}

/// Forgets what is of no more use, so that nothing grows for ever: sessions, links, tries and audit; keys of requests;
/// notices and reminders; deliveries; changes.
pub async fn forget(state: &State) {
    let (repository, now) = (&state.repository, state.now());
    let ago = |ms: i64| now.plus_millis(-ms);
    let parts = [
        ("sessions, links and tries", repository.forget_old(now).await),
        ("keys of requests", repository.forget_requests(now).await),
        ("notices", part_by_part(state, |some| repository.forget_notices(ago(notices::KEPT_MS), some)).await),
        ("deliveries", part_by_part(state, |some| repository.forget_deliveries(ago(deliveries::KEPT_MS), some)).await),
        ("changes", part_by_part(state, |some| repository.forget_changes(ago(changes::KEPT_MS), some)).await),
    ];
    for (what, done) in parts {
        if let Err(error) = done {
            tracing::warn!(%error, what, "what is old could not be forgotten: tried again in an hour");
        }
    }
}

/// Until nothing is left, or the server stops: others write in between.
async fn part_by_part<'s>(
    state: &'s State,
    forget: impl Fn(u32) -> BoxFuture<'s, Result<u64, RepositoryError>>,
) -> Result<(), RepositoryError> {
    while !state.stop.is_cancelled() && forget(AT_ONCE).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}
