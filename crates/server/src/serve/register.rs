//! Keeps attendance: what the audience got goes to the database every two seconds, in one transaction.
//!
//! A kill loses at most what has not gone there yet. A database that is away loses nothing for as long as the audience has
//! room for what waits ([`gateway::audience::WAITING_MAX`]).

use std::sync::Arc;
use std::time::Duration;

use control::Repository;
use gateway::Gateway;
use tokio_util::sync::CancellationToken;

use super::watch::wall_now;

/// How often. Two seconds are what a kill costs of somebody's attendance; each time costs a transaction.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// Stretches of one transaction: what 20,000 viewers have, some hundreds of milliseconds of a database's time.
const BATCH_MAX: usize = 20_000;

/// Keeps what waits. True: nothing waits any more.
pub(super) async fn keep(gateway: &Gateway, store: &dyn Repository, threshold_ms: i64) -> bool {
    let mut waiting = gateway.audience().take();
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(BATCH_MAX));
        if let Err(error) = store.record(&waiting, threshold_ms, wall_now()).await {
            tracing::warn!(%error, waiting = waiting.len() + rest.len(), "attendance could not be kept; it waits");
            metrics::counter!("tayang_attendance_retries_total").increment(1);
            gateway.audience().put_back(waiting);
            gateway.audience().put_back(rest);
            return false;
        }
        waiting = rest;
    }
    true
}

/// Keeps it until `stop`.
pub(super) async fn run(gateway: Arc<Gateway>, store: Arc<dyn Repository>, threshold_ms: i64, stop: CancellationToken) {
    let mut times = tokio::time::interval(KEEP_EVERY);
    loop {
        tokio::select! {
            _ = times.tick() => {}
            () = stop.cancelled() => return,
        }
        keep(&gateway, &*store, threshold_ms).await;
    }
}
