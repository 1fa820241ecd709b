//! What wakes those who wait for changes, and tells open rooms what changed: one task of a process reads it for all of them,
//! from when somebody first asks on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::feed::Beside;
use control::{Change, RepositoryError, Seq, UserId};
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit, watch};

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
/// Of strangers from one network: a school behind one router, each pupil with a page that is not signed in.
const WAITERS_OF_NETWORK_MAX: usize = 200;
/// Statements for those who wait that run at once: of the four connections that read they leave two to everybody else.
const READS_AT_ONCE: usize = 2;

/// See the module.
pub(crate) struct Feed {
    begun: OnceCell<()>,
    newest: watch::Sender<Arc<Batch>>,
    waiters: Arc<Mutex<Waiters>>,
    reads: Semaphore,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            begun: OnceCell::new(),
            newest: watch::Sender::new(Arc::default()),
            waiters: Arc::default(),
            reads: Semaphore::new(READS_AT_ONCE),
        }
    }
}

/// The newest changes, read once for all who wait: all that are behind `after`, up to `to`.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) after: Seq,
    pub(crate) to: Seq,
    /// As strangers stand to them.
    pub(crate) changes: Vec<Beside>,
}

/// Whose waiting is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Person(UserId),
    /// Strangers, by the part of the address that one customer has.
    Network(String),
}

impl Who {
    fn may_wait(&self) -> usize {
        match self {
            Self::Person(_) => WAITERS_OF_ONE_MAX,
            Self::Network(_) => WAITERS_OF_NETWORK_MAX,
        }
    }
}

#[derive(Default)]
struct Waiters {
    all: usize,
    of_one: HashMap<Who, usize>,
}

/// Somebody's leave to wait, and what they wait on.
pub(crate) struct Waiter {
    pub(crate) newest: watch::Receiver<Arc<Batch>>,
    who: Who,
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
            self.tell(Batch { after, to: after, changes: Vec::new() });
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
    /// 429 for who waits too often at once, or from a network from which too many strangers do; 503 where too many wait.
    pub(crate) fn wait(&self, who: Who) -> Result<Waiter, Problem> {
        let mut waiters = self.waiters.lock();
        if waiters.all >= WAITERS_MAX {
            let detail = "too many wait for changes: ask without wait_s, or try again in a moment";
            return Err(Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, "busy", "too busy", detail));
        }
        let max = who.may_wait();
        let of_one = waiters.of_one.entry(who.clone()).or_default();
        if *of_one >= max {
            let detail = format!("{max} wait for changes like this already: end some, or sign in");
            return Err(Problem::too_fast(detail, 5));
        }
        *of_one += 1;
        waiters.all += 1;
        Ok(Waiter { newest: self.newest.subscribe(), who, waiters: self.waiters.clone() })
    }

    /// These are the newest changes.
    pub(crate) fn tell(&self, batch: Batch) {
        self.newest.send_replace(Arc::new(batch));
    }

    /// Leave to ask the database for somebody who waits.
    pub(crate) async fn read(&self) -> SemaphorePermit<'_> {
        self.reads.acquire().await.expect("it is never closed")
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiters = self.waiters.lock();
        waiters.all = waiters.all.saturating_sub(1);
        if let Some(of_one) = waiters.of_one.get_mut(&self.who) {
            *of_one -= 1;
            if *of_one == 0 {
                waiters.of_one.remove(&self.who);
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
        let before = after;
        match look(&state, &mut after, &mut version).await {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => {
                let news: Vec<Change> = changes.iter().map(|beside| beside.change.clone()).collect();
                state.rooms().tell(&news.into());
                state.feed().tell(Batch { after: before, to: after, changes });
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

async fn look(state: &State, after: &mut Seq, version: &mut Option<i64>) -> Result<Vec<Beside>, RepositoryError> {
    let now = state.repository.version().await?;
    if *version == Some(now) {
        return Ok(Vec::new());
    }
    let news = state.repository.changes_beside(None, *after, CHANGES_AT_ONCE).await?;
    if let Some(last) = news.last() {
        *after = last.change.seq;
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
    fn one_person_and_the_strangers_of_one_network_wait_only_so_often_and_who_is_gone_makes_room() {
        let person = Who::Person(UserId::new(media::UnixMillis(1)));
        for who in [person, Who::Network("203.0.113.7".to_owned())] {
            let (feed, max) = (feed(), who.may_wait());
            let mut waiting: Vec<Waiter> = (0..max).filter_map(|_| feed.wait(who.clone()).ok()).collect();
            assert_eq!(waiting.len(), max);
            assert_eq!(feed.wait(who.clone()).err().map(|problem| problem.status().as_u16()), Some(429));
            assert!(feed.wait(Who::Network("2001:db8:0:1::/64".to_owned())).is_ok(), "others do");
            waiting.pop();
            assert!(feed.wait(who).is_ok());
            drop(waiting);
            assert!(feed.waiters.lock().of_one.is_empty());
            assert_eq!(feed.waiters.lock().all, 0);
        }
    }
}
