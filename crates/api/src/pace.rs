//! How fast one person may change things, and one network begin what costs us a request elsewhere: in memory, as what is
//! counted is load and not guesses.
//!
//! What has a pace of its own (signing in, what is said in a room) is not counted here.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use control::UserId;
use parking_lot::Mutex;

use crate::State;
use crate::auth::{is_safe, known};
use crate::idempotency::is_without;
use crate::problem::Problem;

/// Changes of one person at once: a mentor who sets up a term, or lets a class of sixty in, one by one.
const CHANGES_AT_ONCE: u32 = 60;
/// And then each: five a second, faster than anybody presses buttons; a program that does more can wait.
const CHANGE_EACH: Duration = Duration::from_millis(200);
/// Beginnings of sign-ins by the identity provider from one network at once: two classes behind one router.
const STARTS_AT_ONCE: u32 = 60;
/// And then each.
const START_EACH: Duration = Duration::from_secs(1);

/// Who is counted at once, of some 50 bytes each: more than come within the time in which one is.
const COUNTED_MAX: usize = 50_000;

/// A share for each: so many at once, and then one in each stretch of time.
pub(crate) struct Pace<K> {
    /// When the share of each will be whole again (GCRA).
    whole: Mutex<HashMap<K, Instant>>,
    each: Duration,
    at_once: u32,
}

impl<K: Eq + Hash> Pace<K> {
    fn new(at_once: u32, each: Duration) -> Self {
        Self { whole: Mutex::default(), each, at_once }
    }

    /// Takes one. `Err`: how long to wait for it.
    pub(crate) fn take(&self, who: K, now: Instant) -> Result<(), Duration> {
        let mut all = self.whole.lock();
        if all.len() >= COUNTED_MAX && !all.contains_key(&who) {
            all.retain(|_, whole| *whole > now);
            if all.len() >= COUNTED_MAX {
                // More than there can be of those who are not there to fill this: all begin anew.
                all.clear();
            }
        }
        let whole = all.entry(who).or_insert(now);
        let then = (*whole).max(now) + self.each;
        let wait = then.saturating_duration_since(now).saturating_sub(self.each * self.at_once);
        if wait.is_zero() {
            *whole = then;
            return Ok(());
        }
        Err(wait)
    }
}

/// The paces of a server.
pub(crate) struct Paces {
    changes: Pace<UserId>,
    /// By network, see [`control::identity::throttle::network`].
    pub(crate) starts: Pace<String>,
}

impl Default for Paces {
    fn default() -> Self {
        Self { changes: Pace::new(CHANGES_AT_ONCE, CHANGE_EACH), starts: Pace::new(STARTS_AT_ONCE, START_EACH) }
    }
}

/// 429 for who has to wait that long.
pub(crate) fn too_fast(wait: Duration) -> Problem {
    let seconds = u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
    metrics::counter!("tayang_api_throttled_total").increment(1);
    Problem::too_fast(format!("too many requests: try again in {seconds} seconds"), seconds)
}

/// Last words of paths with a pace of their own: what is said in a room.
const OF_ROOMS: &[&str] = &["comments", "reactions", "reaction", "hand"];

fn has_its_own(path: &str) -> bool {
    is_without(path) || path.trim_end_matches('/').rsplit('/').next().is_some_and(|last| OF_ROOMS.contains(&last))
}

/// Stands before all routes: each change of somebody who is signed in counts. Operators, whose programs set up whole schools,
/// are held to nothing: it is their server.
pub(crate) async fn held(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    if is_safe(request.method()) || has_its_own(request.uri().path()) {
        return next.run(request).await;
    }
    // Who cannot be known changes nothing, and is told so by the route.
    let Ok(Some(principal)) = known(request.headers(), &state).await else { return next.run(request).await };
    if principal.user.roles.operator {
        return next.run(request).await;
    }
    match state.paces().changes.take(principal.id(), Instant::now()) {
        Ok(()) => next.run(request).await,
        Err(wait) => too_fast(wait).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_at_once_and_then_one_in_each_stretch() {
        let pace = Pace::new(3, Duration::from_millis(200));
        let begin = Instant::now();
        let take = |who: &'static str, ms: u64| pace.take(who, begin + Duration::from_millis(ms));
        for _ in 0..3 {
            assert_eq!(take("a", 0), Ok(()));
        }
        assert_eq!(take("a", 0), Err(Duration::from_millis(200)));
        assert_eq!(take("a", 150), Err(Duration::from_millis(50)), "who is refused waits no longer for it");
        assert_eq!(take("b", 150), Ok(()), "others do not wait");
        assert_eq!(take("a", 200), Ok(()));
        assert!(take("a", 200).is_err());
        for _ in 0..3 {
            assert_eq!(take("a", 10_000), Ok(()), "the share is whole again");
        }
        assert!(take("a", 10_000).is_err());
    }

    #[test]
    fn the_memory_of_it_is_bounded() {
        let pace = Pace::new(1, Duration::from_secs(1));
        let now = Instant::now();
        for who in 0..COUNTED_MAX + 10 {
            assert_eq!(pace.take(who, now), Ok(()));
        }
        assert!(pace.whole.lock().len() <= COUNTED_MAX);
    }

    #[test]
    fn what_has_a_pace_of_its_own_is_not_counted() {
        for (path, own) in [
            ("/api/v1/session", true),
            ("/api/v1/lessons/1/comments", true),
            ("/mentor/1/live/2/reaction/", true),
            ("/api/v1/lessons/1/comments/2", false),
            ("/api/v1/me", false),
            ("/api/v1/courses", false),
        ] {
            assert_eq!(has_its_own(path), own, "{path}");
        }
    }
}
