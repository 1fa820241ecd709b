//! What is to be done now and then: noting which sessions were used, forgetting what is of no more use.

use std::time::Duration;

use crate::State;

/// How often uses of sessions are noted. Those of one that is killed in between are noted with their next use.
const SEEN_EVERY: Duration = Duration::from_secs(10);
/// How often old things are forgotten, in rounds of [`SEEN_EVERY`]: an hour.
const FORGET_EVERY: u32 = 360;

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

async fn forget(state: &State) {
    let now = state.now();
    for done in [state.repository.forget_old(now).await, state.repository.forget_requests(now).await] {
        if let Err(error) = done {
            tracing::warn!(%error, "old sessions, links and tries could not be forgotten: tried again in an hour");
        }
    }
}
