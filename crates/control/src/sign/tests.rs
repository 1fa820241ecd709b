//! Signatures: the published vector, every spelling that must be refused, and the edges of time.

use media::Redacted;
use proptest::prelude::*;

use super::*;
use crate::{ChannelOptions, keys};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn path(text: &str) -> ChannelPath {
    let (app, name) = text.split_once('/').expect("app/name");
    ChannelPath { app: app.parse().expect("app"), name: name.parse().expect("name") }
}

fn channel(text: &str) -> Channel {
    Channel::create(path(text), &ChannelOptions { record: false, public: false, legacy_md5: true }, NOW)
}

#[test]
fn the_published_vector_of_seed_002_is_accepted() {
    let mut channel = channel("stream/98724e64-bcd1-4887-af4a-60be440709aa");
    channel.legacy_md5_secret = Some(Redacted("nodemedia2017privatekey".into()));
    let text = "1670544000-63497837275539bdb8e21800887e2db9";
    assert_eq!(issue_legacy_md5(&channel, 1_670_544_000).as_deref(), Some(text));
    let then = UnixMillis(1_670_543_999_000);
    let verified = verify(&channel, Purpose::Publish, text, then).expect("right and in time");
    assert_eq!(verified, Verified { scheme: Scheme::LegacyMd5, expires_s: 1_670_544_000 });
    assert_eq!(verify(&channel, Purpose::Play, text, then), Ok(verified), "that form serves for playing too");
    assert_eq!(verify(&channel, Purpose::Publish, text, NOW), Err(SignError::Expired));
}

#[test]
fn the_hmac_form_is_what_the_documentation_says() {
    // printf '/live/kelas-1800000000' | openssl dgst -sha256 -hmac rahasia
    let mut channel = channel("live/kelas");
    channel.sign_secret = Redacted("rahasia".into());
    assert_eq!(
        issue(&channel, Purpose::Publish, 1_800_000_000),
        "1800000000-5dfbb7346f8f9bf6bca85c81939c78fc6852375d22a531451899f1afdc782a6c"
    );
    assert_eq!(
        issue(&channel, Purpose::Play, 1_800_000_000),
        "1800000000-65a50d5faee361671276f62e19a65ae9b6625fecb595a3784d7ef1742712fbaa"
    );
}

#[test]
fn a_channel_that_did_not_opt_in_refuses_md5() {
    let mut channel = channel("live/kelas");
    let text = issue_legacy_md5(&channel, NOW.seconds()).expect("opted in");
    channel.legacy_md5_secret = None;
    assert_eq!(verify(&channel, Purpose::Publish, &text, NOW), Err(SignError::Forged));
    assert_eq!(issue_legacy_md5(&channel, NOW.seconds()), None);
}

#[test]
fn a_signature_to_play_does_not_publish_nor_the_other_way_round() {
    let channel = channel("live/kelas");
    let play = issue(&channel, Purpose::Play, NOW.seconds());
    let publish = issue(&channel, Purpose::Publish, NOW.seconds());
    assert_eq!(verify(&channel, Purpose::Publish, &play, NOW), Err(SignError::Forged));
    assert_eq!(verify(&channel, Purpose::Play, &publish, NOW), Err(SignError::Forged));
    assert!(verify(&channel, Purpose::Play, &play, NOW).is_ok());
    assert!(verify(&channel, Purpose::Publish, &publish, NOW).is_ok());
}

#[test]
fn a_signature_is_honoured_to_the_last_second_of_the_leeway() {
    let channel = channel("live/kelas");
    let expiry = NOW.seconds();
    let text = issue(&channel, Purpose::Publish, expiry);
    let at =
        |seconds: i64, millis: i64| verify(&channel, Purpose::Publish, &text, UnixMillis(seconds * 1_000 + millis));
    assert!(at(expiry, 0).is_ok());
    assert!(at(expiry + LEEWAY_S, 999).is_ok());
    assert_eq!(at(expiry + LEEWAY_S + 1, 0), Err(SignError::Expired));
}

#[test]
fn an_expiry_changed_by_one_is_a_forgery() {
    let channel = channel("live/kelas");
    for text in
        [issue(&channel, Purpose::Publish, NOW.seconds()), issue_legacy_md5(&channel, NOW.seconds()).expect("opted in")]
    {
        let (_, hex) = text.split_once('-').expect("two parts");
        for other in [NOW.seconds() - 1, NOW.seconds() + 1] {
            let moved = format!("{other}-{hex}");
            assert_eq!(verify(&channel, Purpose::Publish, &moved, NOW), Err(SignError::Forged));
        }
    }
}

#[test]
fn what_is_expired_and_forged_is_called_forged() {
    let channel = channel("live/kelas");
    let old = NOW.seconds() - 1_000;
    for digits in [32, 64] {
        let text = format!("{old}-{}", "0".repeat(digits));
        assert_eq!(verify(&channel, Purpose::Publish, &text, NOW), Err(SignError::Forged), "no hint for a stranger");
    }
}

#[test]
fn any_other_spelling_of_a_right_signature_is_refused() {
    let channel = channel("live/kelas");
    let right = issue(&channel, Purpose::Publish, NOW.seconds());
    let (expiry, hex) = right.split_once('-').expect("two parts");
    for bad in [
        String::new(),
        "-".into(),
        expiry.to_owned(),
        hex.to_owned(),
        format!("-{hex}"),
        format!("0{expiry}-{hex}"),
        format!("+{expiry}-{hex}"),
        format!("-{expiry}-{hex}"),
        format!(" {right}"),
        format!("{right} "),
        format!("{right}-"),
        format!("{expiry}-{}", hex.to_uppercase()),
        format!("{expiry}-0x{hex}"),
        format!("{expiry}-{}", &hex[1..]),
        format!("{expiry}--{hex}"),
        format!("{expiry}%2d{hex}"),
        format!("{}-{hex}", "9".repeat(13)),
        format!("{}-{hex}", "9".repeat(40)),
        format!("٣-{hex}"),
        "9".repeat(1 << 20),
    ] {
        assert_eq!(verify(&channel, Purpose::Publish, &bad, NOW), Err(SignError::Malformed), "{bad:.100}");
    }
}

#[test]
fn a_query_has_exactly_one_sign_or_none() {
    assert_eq!(from_query(""), Ok(None));
    assert_eq!(from_query("a=b&&c"), Ok(None));
    assert_eq!(from_query("Sign=1-a&signature=1-a&xsign=1"), Ok(None), "only that name, in that case");
    assert_eq!(from_query("sign=1-a"), Ok(Some("1-a")));
    assert_eq!(from_query("a=b&sign=1-a&c=d"), Ok(Some("1-a")), "wherever it stands");
    assert_eq!(from_query("sign=1-a=b"), Ok(Some("1-a=b")), "the value goes to the next &");
    for bad in ["sign", "sign=", "sign=1-a&sign=1-a", "sign=1-a&sign=", "sign=&sign=1-a", "sign=1-a&sign"] {
        assert_eq!(from_query(bad), Err(SignError::Malformed), "{bad}");
    }
}

#[test]
fn an_expiry_beyond_what_can_be_written_is_cut_to_what_can() {
    let channel = channel("live/kelas");
    let text = issue(&channel, Purpose::Play, i64::MAX);
    assert!(text.starts_with("999999999999-"));
    assert_eq!(text.len(), TEXT_LENGTH_MAX);
    assert!(verify(&channel, Purpose::Play, &text, NOW).is_ok());
    assert_eq!(verify(&channel, Purpose::Play, &issue(&channel, Purpose::Play, -5), NOW), Err(SignError::Expired));
}

proptest! {
    #[test]
    fn what_was_issued_is_accepted_until_it_expires(expiry in 0i64..=999_999_999_999, offset in -200i64..200) {
        let channel = channel("live/kelas");
        let now = UnixMillis((expiry + offset) * 1_000);
        for text in [issue(&channel, Purpose::Publish, expiry), issue_legacy_md5(&channel, expiry).expect("opted in")] {
            let result = verify(&channel, Purpose::Publish, &text, now);
            if offset <= LEEWAY_S {
                prop_assert_eq!(result.expect("in time").expires_s, expiry);
            } else {
                prop_assert_eq!(result, Err(SignError::Expired));
            }
        }
    }

    #[test]
    fn one_changed_character_is_never_accepted(at in 0usize..TEXT_LENGTH_MAX, to in "[ -~]") {
        let channel = channel("live/kelas");
        for text in [issue(&channel, Purpose::Play, 1_900_000_000), issue_legacy_md5(&channel, 1_900_000_000).expect("opted in")] {
            let at = at % text.len();
            prop_assume!(text[at..=at] != to);
            let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
            prop_assert!(verify(&channel, Purpose::Play, &changed, NOW).is_err());
        }
    }

    #[test]
    fn a_signature_for_one_channel_opens_no_other(a in "[a-z]{1,8}", b in "[a-z]{1,8}") {
        prop_assume!(a != b);
        let one = channel(&format!("live/{a}"));
        let mut other = channel(&format!("live/{b}"));
        other.sign_secret = one.sign_secret.clone();
        let text = issue(&one, Purpose::Publish, NOW.seconds());
        prop_assert_eq!(verify(&other, Purpose::Publish, &text, NOW), Err(SignError::Forged));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in ".*") {
        let _ = from_query(&text);
        let _ = verify(&channel("live/kelas"), Purpose::Publish, &text, NOW);
        let _ = text.parse::<keys::KeyHash>();
    }

    #[test]
    fn a_second_sign_is_refused_wherever_it_stands(
        mut others in prop::collection::vec("[a-r]{1,4}=[a-z]{0,4}", 0..5), first in 0usize..6, second in 0usize..7,
    ) {
        others.insert(first % (others.len() + 1), "sign=1-a".into());
        let once = others.join("&");
        prop_assert_eq!(from_query(&once), Ok(Some("1-a")));
        others.insert(second % (others.len() + 1), "sign=1-b".into());
        let twice = others.join("&");
        prop_assert_eq!(from_query(&twice), Err(SignError::Malformed));
    }
}
