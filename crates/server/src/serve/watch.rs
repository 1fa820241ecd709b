//! Follows the database: what the command line changes in another process holds here within a tenth of a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use control::{ChannelRepository as _, Directory};
use gateway::Gateway;
use store::db::sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether it changed. The question costs one page of memory, no disk.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Replaces the directory's snapshot whenever the database changed; ends streams whose channel is gone.
pub(super) async fn follow_database(
    store: Arc<SqliteStore>,
    directory: Arc<Directory>,
    gateway: Arc<Gateway>,
    stop: CancellationToken,
) {
    let mut polls = tokio::time::interval(POLL_EVERY);
    let mut known = None;
    let mut failing = false;
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = stop.cancelled() => return,
        }
        let result = async {
            let version = store.data_version().await?;
            if known != Some(version) {
                directory.replace(store.snapshot().await?);
                known = Some(version);
                end_deleted(&gateway);
            }
            Ok::<_, control::RepositoryError>(())
        }
        .await;
        match result {
            Ok(()) if failing => {
                failing = false;
                tracing::info!("the database answers again");
            }
            Ok(()) => {}
            Err(error) if !failing => {
                failing = true;
                tracing::error!(%error, "the database does not answer; channels stay as they were");
            }
            Err(_) => {}
        }
    }
}

fn end_deleted(gateway: &Gateway) {
    for stream in gateway.hub.streams() {
        if gateway.directory.channel(stream.path()).is_none() {
            tracing::info!(channel = %stream.path(), "the channel was deleted: its stream ends");
            gateway.hub.end(stream.path(), Instant::now());
        }
    }
}
