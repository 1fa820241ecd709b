//! What wakes those who wait for changes, and tells open rooms what changed: one task of a process reads it for all of them,
//! from when somebody first asks on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::{Change, RepositoryError, Seq, UserId};
use parking_lot::Mutex;
use tokio::sync::{OnceCell, watch};

use crate::State;
use crate::problem::Problem;

/// How often the database is asked whether it changed, which costs a page of memory. A right that is gone is to end within a
/// second, in rooms as well.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// Changes that are read at once.
const CHANGES_AT_ONCE: u32 = 500;
/// Who may wait at once: what one process is planned to hold of connections.
const WAITERS_MAX: usize = 20_000;
/// Of one person: devices and open pages, and some that hang.
const WAITERS_OF_ONE_MAX: usize = 20;

/// See the module.
pub(crate) struct Feed {
    begun: OnceCell<()>,
    newest: watch::Sender<Seq>,
    waiters: Arc<Mutex<Waiters>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { begun: OnceCell::new(), newest: watch::Sender::new(Seq(0)), waiters: Arc::default() }
    }
}

#[derive(Default)]
struct Waiters {
    all: usize,
    of_one: HashMap<UserId, usize>,
}

/// Somebody's leave to wait, and what they wait on: the newest change's place.
pub(crate) struct Waiter {
    pub(crate) newest: watch::Receiver<Seq>,
    who: Option<UserId>,
    waiters: Arc<Mutex<Waiters>>,
}

impl Feed {
    /// From here on all that changes is told; once for all who ask.
    ///
    /// # Errors
    /// The database does not say where it is.
    pub(crate) async fn begin(&self, state: &State) -> Result<(), RepositoryError> {
        let begin = async || {
            let after = state.repository.last_seq().await?;
            self.newest.send_replace(after);
            let (state, stop) = (state.clone(), state.stop.clone());
            state.tasks.clone().spawn(async move {
                stop.run_until_cancelled(follow(state, after)).await;
            });
            Ok(())
        };
        self.begun.get_or_try_init(begin).await.copied()
    }

    /// Lets somebody wait.
    ///
    /// # Errors
    /// 429 for who waits too often at once, 503 where too many wait.
    pub(crate) fn wait(&self, who: Option<UserId>) -> Result<Waiter, Problem> {
        let mut waiters = self.waiters.lock();
        if waiters.all >= WAITERS_MAX {
            let detail = "too many wait for changes: ask without wait_s, or try again in a moment";
            return Err(Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, "busy", "too busy", detail));
        }
        if let Some(who) = who {
            let of_one = waiters.of_one.entry(who).or_default();
            if *of_one >= WAITERS_OF_ONE_MAX {
                return Err(Problem::too_fast("you wait for changes 20 times at once already: end some", 5));
            }
            *of_one += 1;
        }
        waiters.all += 1;
        Ok(Waiter { newest: self.newest.subscribe(), who, waiters: self.waiters.clone() })
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiters = self.waiters.lock();
        waiters.all = waiters.all.saturating_sub(1);
        let Some(who) = self.who else { return };
        if let Some(of_one) = waiters.of_one.get_mut(&who) {
            *of_one -= 1;
            if *of_one == 0 {
                waiters.of_one.remove(&who);
            }
        }
    }
}

/// Reads what changed, by whichever process, and tells it.
async fn follow(state: State, mut after: Seq) {
    let mut polls = tokio::time::interval(POLL_EVERY);
    polls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut version = None;
    loop {
        polls.tick().await;
        match look(&state, &mut after, &mut version).await {
            Ok(news) if news.is_empty() => {}
            Ok(news) => {
                state.rooms().tell(&news.into());
                state.feed().newest.send_if_modified(|newest| std::mem::replace(newest, after) != after);
            }
            Err(error) => {
                // What changed is read once the database answers again.
                version = None;
                metrics::counter!("tayang_room_follow_errors_total").increment(1);
                tracing::warn!(%error, "what changed cannot be read: rooms and those who wait are told later");
            }
        }
    }
}

async fn look(state: &State, after: &mut Seq, version: &mut Option<i64>) -> Result<Vec<Change>, RepositoryError> {
    let now = state.repository.version().await?;
    if *version == Some(now) {
        return Ok(Vec::new());
    }
    let news = state.repository.changes(*after, CHANGES_AT_ONCE).await?;
    if let Some(last) = news.last() {
        *after = last.seq;
    }
    if news.len() < CHANGES_AT_ONCE as usize {
        *version = Some(now);
    }
    Ok(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        Feed::default()
    }

    #[test]
    fn one_person_waits_only_so_often_and_who_is_gone_makes_room() {
        let (feed, who) = (feed(), UserId::new(media::UnixMillis(1)));
        let mut waiting: Vec<Waiter> = (0..WAITERS_OF_ONE_MAX).filter_map(|_| feed.wait(Some(who)).ok()).collect();
        assert_eq!(waiting.len(), WAITERS_OF_ONE_MAX);
        assert_eq!(feed.wait(Some(who)).err().map(|problem| problem.status().as_u16()), Some(429));
        assert!(feed.wait(None).is_ok(), "others do");
        waiting.pop();
        assert!(feed.wait(Some(who)).is_ok());
        drop(waiting);
        assert!(feed.waiters.lock().of_one.is_empty());
        assert_eq!(feed.waiters.lock().all, 0);
    }
}
