//! Follows the database: what the command line changes in another process holds here within a tenth of a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use control::{Directory, Repository};
use gateway::Gateway;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether it changed. The question costs one page of memory, no disk.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Replaces the directory's snapshot whenever the database changed; ends streams whose channel is gone.
pub(super) async fn follow_database(
    store: Arc<dyn Repository>,
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
            let version = store.version().await?;
            if known != Some(version) {
                directory.replace(store.snapshot().await?);
                known = Some(version);
                gateway.live.keep_channels(&directory.snapshot(), Instant::now());
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
