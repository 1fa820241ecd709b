//! Transactions that a database ended for the sake of others, done again.
//!
//! Two that wait for one another are both right, and one of them has to give way: nothing of it was kept, and a moment later
//! it goes through. What is done again reads all of what it decides on anew; nothing that it does reaches beyond its
//! transaction.

use std::time::Duration;

use control::RepositoryError;
use control::teaching::TeachingError;

/// How often one is tried in all. Of those that wait in a circle all but one go through each time.
const TRIES: u32 = 4;

/// How long it rests before it is tried again, at most and at first; the next time twice that. A transaction takes some
/// milliseconds.
const REST_MS: u64 = 10;

/// An error of which one asks whether the same would go through if it were done again.
pub(super) trait Refusal {
    /// Others were in the way, and nothing else.
    fn is_contention(&self) -> bool;
}

impl Refusal for RepositoryError {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Contended)
    }
}

impl Refusal for TeachingError {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Repository(error) if error.is_contention())
    }
}

/// Does `work`, which is one transaction, and does it again while others are in the way.
pub(super) async fn again<T, E: Refusal, F: Future<Output = Result<T, E>>>(work: impl Fn() -> F) -> Result<T, E> {
    let mut rest_ms = REST_MS;
    for _ in 1..TRIES {
        match work().await {
            Err(error) if error.is_contention() => {}
            done => return done,
        }
        // Each another while, so that they do not meet again.
        let part = control::keys::random_id().as_u128() % u128::from(rest_ms);
        tokio::time::sleep(Duration::from_millis(u64::try_from(part).unwrap_or(REST_MS))).await;
        rest_ms *= 2;
    }
    work().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn tried(refused: impl Fn(u32) -> Option<RepositoryError>) -> (u32, Result<u32, RepositoryError>) {
        let times = Cell::new(0);
        let outcome = again(|| async {
            times.set(times.get() + 1);
            refused(times.get()).map_or(Ok(times.get()), Err)
        });
        let outcome = outcome.await;
        (times.get(), outcome)
    }

    #[tokio::test]
    async fn what_others_were_in_the_way_of_is_done_again_a_few_times_and_nothing_else_is() {
        for refusals in 0..TRIES {
            let (times, outcome) = tried(|time| (time <= refusals).then_some(RepositoryError::Contended)).await;
            assert_eq!((times, outcome.expect("done")), (refusals + 1, refusals + 1));
        }
        let (times, outcome) = tried(|_| Some(RepositoryError::Contended)).await;
        assert!(times == TRIES && matches!(outcome, Err(RepositoryError::Contended)), "{times} {outcome:?}");
        let (times, outcome) = tried(|_| Some(RepositoryError::Full)).await;
        assert!(times == 1 && matches!(outcome, Err(RepositoryError::Full)), "{times} {outcome:?}");
    }

    #[test]
    fn a_refusal_of_teaching_is_contention_where_the_database_says_so() {
        assert!(TeachingError::from(RepositoryError::Contended).is_contention());
        assert!(!TeachingError::CourseFull.is_contention());
    }
}
