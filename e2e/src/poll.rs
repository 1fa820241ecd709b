//! Waiting for something to become true, with a deadline and a name for what is waited for.

use std::time::{Duration, Instant};

/// Between two looks. Short beside what is waited for, long beside what a look costs.
const EVERY: Duration = Duration::from_millis(20);

/// What `look` finds, as soon as it finds something.
///
/// # Panics
/// When it has found nothing `within` that time.
#[track_caller]
pub fn until<T>(what: &str, within: Duration, look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    match try_until(within, look) {
        Some(found) => found,
        None => panic!("{what}: not within {:.1} s", start.elapsed().as_secs_f64()),
    }
}

/// What `look` finds, or `None` when it has found nothing `within` that time.
pub fn try_until<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() >= within {
            return None;
        }
        pause(EVERY);
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not `within` that time.
#[track_caller]
pub fn until_true(what: &str, within: Duration, mut condition: impl FnMut() -> bool) {
    until(what, within, || condition().then_some(()));
}

/// Lets real time pass because passing time is the scenario: an outage of ten seconds lasts ten seconds.
pub fn let_pass(time: Duration) {
    pause(time);
}

fn pause(time: Duration) {
    // tidy: sleep: the other side is a real process on real time
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_found_and_what_never_comes_is_given_up() {
        let mut looks = 0;
        let found = try_until(Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found, Some(3));
        assert_eq!(try_until::<()>(Duration::from_millis(30), || None), None);
    }
}
