//! When it is tried again, and when no more.

use proptest::prelude::*;

use super::*;

#[test]
fn words_survive_their_text() {
    for medium in Medium::ALL {
        assert_eq!(medium.as_str().parse(), Ok(*medium));
    }
    for state in DeliveryState::ALL {
        assert_eq!(state.as_str().parse(), Ok(*state));
    }
    assert_eq!("mail".parse::<Medium>(), Err(DeliveryWordError));
    assert_eq!("Sent".parse::<DeliveryState>(), Err(DeliveryWordError));
}

#[test]
fn pauses_double_up_to_an_hour() {
    let longest: Vec<i64> = (1..=12).map(|attempt| pause_ms(attempt, u64::MAX / 2 * 2 - 1) / 1_000).collect();
    assert!(longest.windows(2).all(|pair| pair[0] <= pair[1] + 1_800), "{longest:?}");
    let shortest: Vec<i64> = (1..=12).map(|attempt| pause_ms(attempt, 0)).collect();
    assert_eq!(shortest[..4], [2_500, 5_000, 10_000, 20_000]);
    assert_eq!(shortest[11], 1_800_000);
}

#[test]
fn what_the_receiver_asks_for_is_heeded_within_an_hour() {
    let next = |asked| next_attempt(UnixMillis(0), 1, 0, asked, UnixMillis(i64::MAX)).map(|at| at.0);
    assert_eq!(next(None), Some(2_500));
    assert_eq!(next(Some(1_000)), Some(2_500), "a pause is never shorter than ours");
    assert_eq!(next(Some(90_000)), Some(90_000));
    assert_eq!(next(Some(i64::MAX)), Some(3_600_000));
}

#[test]
fn what_cannot_be_sent_in_time_is_given_up() {
    assert_eq!(next_attempt(UnixMillis(0), 1, 0, None, UnixMillis(2_500)), None);
    assert_eq!(next_attempt(UnixMillis(0), 1, 0, None, UnixMillis(2_501)), Some(UnixMillis(2_500)));
    let hours: Vec<i64> = Medium::ALL.iter().map(|medium| medium.tries_ms() / 3_600_000).collect();
    assert_eq!(hours, [24, 12, 72]);
}

proptest! {
    #[test]
    fn a_pause_is_bounded_and_spread(attempt: u32, chance: u64) {
        let pause = pause_ms(attempt, chance);
        prop_assert!((2_500..3_600_000).contains(&pause));
        let longest = (5_000i64 << attempt.saturating_sub(1).min(20)).min(3_600_000);
        prop_assert!(pause >= longest / 2 && pause < longest);
    }

    #[test]
    fn a_server_that_is_down_for_three_days_is_asked_a_bounded_number_of_times(seed: u64) {
        let (mut now, mut attempts) = (UnixMillis(0), 0);
        let expires = UnixMillis(Medium::Webhook.tries_ms());
        while let Some(next) = next_attempt(now, attempts + 1, seed.rotate_left(attempts), None, expires) {
            prop_assert!(next > now);
            (now, attempts) = (next, attempts + 1);
        }
        prop_assert!((70..=200).contains(&attempts), "{}", attempts);
    }
}
