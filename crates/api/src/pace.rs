//! How fast one person may change things, and one network begin what costs us a request elsewhere: in memory, as what is
//! counted is load and not guesses.
//!
//! What has a pace of its own (signing in, what is said in a room) is not counted here.

use std::collections::HashMap;
use std::hash::Hash;

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use control::UserId;
use control::pace::{Bucket, Rate};
use media::UnixMillis;
use parking_lot::Mutex;

use crate::State;
use crate::auth::{is_safe, known};
use crate::idempotency::is_without;
use crate::problem::Problem;

/// Changes of one person: sixty at once, a mentor who sets up a term or lets a class in, one by one; then five a second, faster
/// than anybody presses buttons. A program that does more can wait.
const CHANGES: Rate = Rate { burst: 60, refill_ms: 200 };
/// Beginnings of sign-ins by the identity provider, from one network: two classes behind one router, and then one a second.
const STARTS: Rate = Rate { burst: 60, refill_ms: 1_000 };
/// Challenges for passkeys, from one network: every sign-in page that is opened asks for one, thousands behind one address of a
/// mobile network in the evening. They cost a hash and are kept nowhere.
const CHALLENGES: Rate = Rate { burst: 2_000, refill_ms: 20 };

/// Who is counted at once, of some 50 bytes each: more than come within the time in which one is.
const COUNTED_MAX: usize = 50_000;

/// A share for each.
pub(crate) struct Pace<K> {
    buckets: Mutex<HashMap<K, Bucket>>,
    rate: Rate,
}

impl<K: Eq + Hash> Pace<K> {
    fn new(rate: Rate) -> Self {
        Self { buckets: Mutex::default(), rate }
    }

    /// Takes one. `Err`: how many milliseconds to wait for it.
    pub(crate) fn take(&self, who: K, now: UnixMillis) -> Result<(), i64> {
        let mut all = self.buckets.lock();
        if all.len() >= COUNTED_MAX && !all.contains_key(&who) {
            all.retain(|_, bucket| !bucket.is_full(now));
            if all.len() >= COUNTED_MAX {
                // More than there can be of those who are not there to fill this: all begin anew.
                all.clear();
            }
        }
        all.entry(who).or_default().take(self.rate, 1, now)
    }
}

/// The paces of a server.
pub(crate) struct Paces {
    changes: Pace<UserId>,
    /// By network, see [`control::identity::throttle::network`].
    pub(crate) starts: Pace<String>,
    /// Likewise.
    pub(crate) challenges: Pace<String>,
}

impl Default for Paces {
    fn default() -> Self {
        Self { changes: Pace::new(CHANGES), starts: Pace::new(STARTS), challenges: Pace::new(CHALLENGES) }
    }
}

/// 429 for who has to wait that long.
pub(crate) fn too_fast(wait_ms: i64) -> Problem {
    let seconds = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000);
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
    match state.paces().changes.take(principal.id(), state.now()) {
        Ok(()) => next.run(request).await,
        Err(wait_ms) => too_fast(wait_ms).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_of_their_own() {
        let pace = Pace::new(Rate { burst: 1, refill_ms: 200 });
        assert_eq!(pace.take("a", UnixMillis(0)), Ok(()));
        assert_eq!(pace.take("a", UnixMillis(50)), Err(150));
        assert_eq!(pace.take("b", UnixMillis(50)), Ok(()), "others do not wait");
        assert_eq!(pace.take("a", UnixMillis(200)), Ok(()));
    }

    #[test]
    fn the_memory_of_it_is_bounded() {
        let pace = Pace::new(Rate { burst: 1, refill_ms: 1_000 });
        let now = UnixMillis(0);
        for who in 0..COUNTED_MAX + 10 {
            assert_eq!(pace.take(who, now), Ok(()));
        }
        assert!(pace.buckets.lock().len() <= COUNTED_MAX);
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
