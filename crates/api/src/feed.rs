//! What wakes those who wait for changes: one task of a process looks whether there are any, however many wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::{Seq, UserId};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::State;
use crate::problem::Problem;

/// How often the database is asked whether it changed. It costs a page of memory, and nothing while nobody waits.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// Who may wait at once: what one process is planned to hold of connections.
const WAITERS_MAX: usize = 20_000;
/// Of one person: devices and open pages, and some that hang.
const WAITERS_OF_ONE_MAX: usize = 20;

/// See the module.
pub(crate) struct Feed {
    newest: watch::Sender<Seq>,
    waiters: Arc<Mutex<Waiters>>,
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
    /// Starts to look.
    pub(crate) fn start(state: &State) -> Self {
        let (newest, _) = watch::channel(Seq(0));
        state.tasks.spawn(follow(state.clone(), newest.clone()));
        Self { newest, waiters: Arc::default() }
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

async fn follow(state: State, newest: watch::Sender<Seq>) {
    let mut polls = tokio::time::interval(POLL_EVERY);
    polls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known = None;
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = state.stop.cancelled() => return,
        }
        if newest.receiver_count() == 0 {
            continue;
        }
        // A database that fails is told of by whoever follows it for the streams; waiters wait on.
        let Ok(version) = state.repository.version().await else { continue };
        if known == Some(version) {
            continue;
        }
        let Ok(last) = state.repository.last_seq().await else { continue };
        known = Some(version);
        newest.send_if_modified(|newest| std::mem::replace(newest, last) != last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        Feed { newest: watch::channel(Seq(0)).0, waiters: Arc::default() }
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
