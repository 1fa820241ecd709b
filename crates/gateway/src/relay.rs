//! Relays: channels' streams that go on to other RTMP servers, or come from them.
//!
//! Owns their tasks, one a relay, and when they try again: after each connection that ended, whatever it ended by, for as
//! long as the relay is kept. Which relays there are is the database's; what media is, [`crate::ingest`]'s and the hub's.
//!
//! * A push waits while its channel is not on air, and begins with configuration and a key frame.
//! * A pull waits while somebody else publishes to its channel. See [`pull`].
//! * A relay that would bring a channel its own media is refused where both ends are ours. See [`own`].
//! * Of an address only host and application are ever told: the rest is a key.

mod failure;
mod own;
mod pull;
mod push;
mod remote;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::relay::{Direction, Relay};
use control::{Channel, RelayId};
use rustls::ClientConfig;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Gateway;
use failure::Failure;
use own::Known;
pub use own::OwnRelays;
use remote::Remote;

/// How often who waits looks whether it still has to.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// First pause before trying again. Half of it at random, so that what broke together does not come back together.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// Longest such pause: so late a server that is back is noticed.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A connection that carried for this long was a good one: the next pause is a short one again.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// The relays that run.
pub struct Relays {
    gateway: Arc<Gateway>,
    tls: TlsConnector,
    stop: CancellationToken,
    tasks: TaskTracker,
    running: HashMap<RelayId, CancellationToken>,
}

impl Relays {
    /// None yet. They end with `stop`, run as `tasks`, and trust servers as `tls` does.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, tls: Arc<ClientConfig>, stop: CancellationToken, tasks: TaskTracker) -> Self {
        Self { gateway, tls: tls.into(), stop, tasks, running: HashMap::new() }
    }

    /// Runs these and no others from now on. Those that go on are not touched.
    pub fn keep(&mut self, relays: Vec<Relay>) {
        self.running.retain(|id, stop| {
            let is_kept = relays.iter().any(|relay| relay.id == *id);
            if !is_kept {
                stop.cancel();
            }
            is_kept
        });
        for direction in Direction::ALL {
            let count = relays.iter().filter(|relay| relay.direction == direction).count();
            metrics::gauge!("tayang_relays", "direction" => direction.as_str()).set(count as f64);
        }
        for relay in relays {
            if let Entry::Vacant(place) = self.running.entry(relay.id) {
                let stop = self.stop.child_token();
                place.insert(stop.clone());
                let runner = Runner { gateway: self.gateway.clone(), tls: self.tls.clone(), relay };
                self.tasks.spawn(runner.run(stop));
            }
        }
    }
}

/// One relay at work.
struct Runner {
    gateway: Arc<Gateway>,
    tls: TlsConnector,
    relay: Relay,
}

/// There is nothing more to carry for now, and nothing went wrong.
struct Over;

impl Runner {
    async fn run(self, stop: CancellationToken) {
        let (direction, url) = (self.relay.direction.as_str(), &self.relay.url);
        let channel = self.channel().map_or_else(String::new, |channel| channel.path.to_string());
        tracing::info!(direction, channel, %url, "a relay starts");
        let mut pace = Pace::default();
        // What went wrong the last time is told once, not each time.
        let mut told = None;
        while let Some((ended, carried)) = self.once(&stop).await {
            let pause = match &ended {
                Ok(Over) => {
                    tracing::info!(direction, channel, %url, "a relay waits");
                    told = None;
                    pace.restart()
                }
                Err(failure) => {
                    let pause = pace.next(carried);
                    metrics::counter!("tayang_relay_failures_total", "reason" => failure.reason()).increment(1);
                    if carried >= GOOD_AFTER || told != Some(failure.reason()) {
                        told = Some(failure.reason());
                        tracing::warn!(direction, channel, %url, %failure, "a relay's connection ended; it tries again and again");
                    }
                    pause
                }
            };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
            metrics::counter!("tayang_relay_reconnects_total").increment(1);
        }
        tracing::info!(direction, channel, %url, "a relay ends");
    }

    /// One connection, from when there is something to carry to its end, and how long it carried. `None`: it was stopped.
    async fn once(&self, stop: &CancellationToken) -> Option<(Result<Over, Failure>, Duration)> {
        let (direction, channel) = (self.relay.direction, self.relay.channel);
        let stream = match direction {
            Direction::Push => Some(stop.run_until_cancelled(push::on_air(self)).await?),
            Direction::Pull => {
                stop.run_until_cancelled(pull::free(self)).await?;
                None
            }
        };
        let known = Known::new(&self.gateway, direction, channel);
        let opening = Remote::open(&self.relay.url, direction, known.number, &self.tls);
        let mut remote = match stop.run_until_cancelled(opening).await? {
            Ok(remote) => remote,
            Err(failure) => return Some((Err(failure), Duration::ZERO)),
        };
        let began = Instant::now();
        tracing::info!(direction = direction.as_str(), url = %self.relay.url, "a relay is connected");
        let carrying = async {
            match &stream {
                Some(stream) => push::carry(self, stream, &mut remote).await,
                None => pull::carry(self, &mut remote).await,
            }
        };
        let ended = stop.run_until_cancelled(carrying).await;
        remote.goodbye().await;
        Some((ended?, began.elapsed()))
    }

    /// Its channel, if it is there.
    fn channel(&self) -> Option<Arc<Channel>> {
        self.gateway.directory.snapshot().channel_by_id(self.relay.channel).cloned()
    }
}

/// How long to wait before trying again: twice as long each time, up to [`PAUSE_MAX`].
#[derive(Default)]
struct Pace {
    failures: u32,
}

impl Pace {
    fn restart(&mut self) -> Duration {
        self.failures = 0;
        Self::pause(0)
    }

    /// After a connection that carried for so long.
    fn next(&mut self, carried: Duration) -> Duration {
        if carried >= GOOD_AFTER {
            self.failures = 0;
        }
        let pause = Self::pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    fn pause(failures: u32) -> Duration {
        let longest = PAUSE_FIRST.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX);
        longest.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_a_second_or_two_to_half_a_minute_and_are_short_again_after_a_good_connection() {
        for _ in 0..100 {
            let mut pace = Pace::default();
            for longest in [2, 4, 8, 16, 30, 30, 30] {
                let pause = pace.next(GOOD_AFTER - Duration::from_millis(1)).as_secs_f64();
                assert!((f64::from(longest) / 2.0..=f64::from(longest)).contains(&pause), "{pause} of {longest}");
            }
            assert!(pace.next(GOOD_AFTER) <= PAUSE_FIRST && pace.next(Duration::ZERO) > PAUSE_FIRST.mul_f64(0.99));
            assert!(pace.restart() <= PAUSE_FIRST);
        }
    }
}
