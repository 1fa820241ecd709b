//! The place of one publisher in its channel's stream, however it came by it.

use std::time::{Duration, Instant};

use hub::{Fenced, Publisher};

use super::Ingest;
use crate::clock::wall_now;

/// Entries that the packager may have to read still before the publisher is read more slowly: ten seconds of media.
const BEHIND_MAX: u64 = 1_024;
/// Longest such pause before the publisher is looked at again.
const HOLD_BACK_MAX: Duration = Duration::from_millis(200);

/// A publisher that feeds its stream. When it is dropped, in any way, a panic included, it gives its place up.
pub(crate) struct Joined(Option<Ingest>);

impl Joined {
    pub(crate) fn new(publisher: Publisher) -> Self {
        Self(Some(Ingest::new(publisher)))
    }

    fn get(&self) -> &Ingest {
        self.0.as_ref().expect("there until it is dropped")
    }

    pub(crate) fn ingest(&mut self) -> &mut Ingest {
        self.0.as_mut().expect("there until it is dropped")
    }

    /// `Err` once another publisher has the stream or it ended.
    pub(crate) fn check(&self) -> Result<(), Fenced> {
        self.get().publisher().check()
    }

    /// Waits a moment if more was sent than is packaged. A packager that is gone is not waited for.
    pub(crate) async fn hold_back(&self) {
        let stream = self.get().publisher().stream();
        let until = Instant::now() + HOLD_BACK_MAX;
        while stream.behind() > BEHIND_MAX && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let Some(ingest) = self.0.take() else { return };
        let counters = ingest.counters();
        let publisher = ingest.into_publisher();
        tracing::info!(
            channel = %publisher.stream().path(),
            stream = %publisher.stream().id(),
            malformed = counters.malformed,
            unconfigured = counters.unconfigured,
            ignored = counters.ignored,
            "publisher left"
        );
        publisher.leave(Instant::now(), wall_now());
    }
}
