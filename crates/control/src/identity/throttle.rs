//! How often somebody may be wrong before they have to wait.
//!
//! Counted by what is tried (an account, whether or not it exists) and by where from (an address). Kept in the database, so
//! that neither a restart nor a second server gives new tries.

use core::net::IpAddr;

use crate::KeyHash;

/// A share of tries in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// What is tried: part of the subject's name.
    pub what: &'static str,
    /// Tries.
    pub max: u32,
    /// In this time, in milliseconds.
    pub window_ms: i64,
}

const QUARTER_MS: i64 = 15 * 60_000;
const HOUR_MS: i64 = 60 * 60_000;

/// Wrong passwords, for an account and for an address each: at 40 an hour a password of our rules is not guessed, and who
/// mistypes has enough of them.
pub const SIGN_IN: Share = Share { what: "sign-in", max: 10, window_ms: QUARTER_MS };
/// Wrong tokens of links, and new passwords by link, by address: a class in one room has as many. Tokens cannot be guessed.
pub const LINK: Share = Share { what: "link", max: 30, window_ms: QUARTER_MS };
/// Accounts made from an address: a class in one room signs up behind one router.
pub const SIGN_UP: Share = Share { what: "sign-up", max: 60, window_ms: HOUR_MS };
/// Mails to an address that somebody asks for: a mailbox is no drum.
pub const MAIL: Share = Share { what: "mail", max: 5, window_ms: HOUR_MS };
/// Asking for a new password, by address.
pub const FORGOTTEN: Share = Share { what: "forgotten", max: 20, window_ms: HOUR_MS };

/// One try of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is counted. Holds nothing that was typed, only hashes of it: people type passwords where their address belongs.
    pub subject: String,
    /// How many there may be.
    pub share: Share,
}

impl Attempt {
    /// A try on an account, which may not exist.
    #[must_use]
    pub fn on_account(share: Share, email: &str) -> Self {
        Self { subject: format!("{}:account:{}", share.what, KeyHash::of(email)), share }
    }

    /// A try from an address. Of IPv6 the first 64 bits count: one household or phone has all addresses below.
    #[must_use]
    pub fn from_address(share: Share, address: IpAddr) -> Self {
        Self { subject: format!("{}:address:{}", share.what, network(address)), share }
    }
}

/// The part of an address that one customer has: all of an IPv4 address, the first 64 bits of an IPv6 address.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// How long to wait, in milliseconds, when `count` tries were made in the window and the oldest of those that count began it
/// at `oldest_ms`. `None`: go ahead.
#[must_use]
pub fn wait_ms(share: Share, count: i64, oldest_ms: i64, now_ms: i64) -> Option<i64> {
    let full = count >= i64::from(share.max);
    full.then(|| (oldest_ms.saturating_add(share.window_ms) - now_ms).clamp(1_000, share.window_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_taken_whole_and_then_one_waits_for_the_oldest() {
        let share = Share { what: "x", max: 10, window_ms: 900_000 };
        for (count, oldest, now, expected) in [
            (0, 0, 0, None),
            (9, 0, 1, None),
            (10, 0, 1_000, Some(899_000)),
            (11, 500_000, 900_000, Some(500_000)),
            (10, 0, 899_999, Some(1_000)),
            (10, 0, 5_000_000, Some(1_000)),
            (10, 5_000_000, 0, Some(900_000)),
            (10, i64::MAX, 0, Some(900_000)),
        ] {
            assert_eq!(wait_ms(share, count, oldest, now), expected, "{count} {oldest} {now}");
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_and_an_ipv4_address_is_one_however_written() {
        let subject = |text: &str| Attempt::from_address(SIGN_IN, text.parse().expect("address")).subject;
        assert_eq!(subject("2001:db8:1:2::1"), subject("2001:db8:1:2:ffff::9"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_eq!(subject("203.0.113.7"), subject("::ffff:203.0.113.7"));
        assert_ne!(subject("203.0.113.7"), subject("203.0.113.8"));
    }

    #[test]
    fn what_was_typed_is_not_in_the_subject_and_shares_are_apart() {
        let attempt = Attempt::on_account(SIGN_IN, "rahasia-saya");
        assert!(!attempt.subject.contains("rahasia"));
        assert_ne!(attempt.subject, Attempt::on_account(MAIL, "rahasia-saya").subject);
        assert_ne!(attempt.subject, Attempt::on_account(SIGN_IN, "lain").subject);
        assert_eq!((SIGN_IN.max, SIGN_IN.window_ms), (10, 900_000), "what the documentation promises");
    }
}
