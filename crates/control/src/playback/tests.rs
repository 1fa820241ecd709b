use proptest::prelude::*;

use super::*;

pub(crate) fn secret(kid: i64) -> Secret {
    Secret { kid, value: crate::keys::generate(), created: UnixMillis(1) }
}

pub(crate) fn claims() -> Claims {
    let now = UnixMillis(1_700_000_000_000);
    Claims {
        user: UserId::new(now),
        session: SessionId::new(now),
        lesson: LessonId::new(now),
        course: CourseId::new(now),
        channel: crate::keys::random_id(),
        playback: PlaybackId::new(now),
        kind: Kind::Live,
        seq: Seq(7),
        issued: now,
        expires: now.plus_millis(LIFE_MS),
        kid: 1,
    }
}

fn issue(keys: &TokenKeys, claims: &Claims) -> String {
    keys.issue(claims).expect("there is a key").0
}

#[test]
fn a_token_says_what_it_was_made_with() {
    let keys = TokenKeys::new(&[secret(1)]);
    for kind in [Kind::Live, Kind::Recording] {
        let claims = Claims { kind, ..claims() };
        let token = issue(&keys, &claims);
        assert_eq!(keys.verify(&token), Ok(claims));
        assert_eq!(token.len(), TEXT_LENGTH);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    }
    assert_eq!([Kind::Live.as_str(), Kind::Recording.as_str()], ["live", "recording"]);
}

#[test]
fn a_token_has_one_spelling() {
    let keys = TokenKeys::new(&[secret(1)]);
    let token = issue(&keys, &claims());
    for other in [format!("{token}="), format!(" {token}"), format!("{token}A"), token[..207].to_owned(), String::new()]
    {
        assert_eq!(keys.verify(&other), Err(TokenError::Malformed), "{other}");
    }
    // Standard alphabet, percent escapes, other scripts of the same length.
    for other in ["+", "/", "%", "é"] {
        let changed = format!("{other}{}", &token[other.len()..]);
        assert_eq!(keys.verify(&changed), Err(TokenError::Malformed), "{other}");
    }
}

#[test]
fn no_character_of_a_token_can_be_changed() {
    let keys = TokenKeys::new(&[secret(1)]);
    let token = issue(&keys, &claims());
    for at in 0..token.len() {
        for to in ['A', 'b', '0', '-', '_'] {
            let mut changed: Vec<char> = token.chars().collect();
            if changed[at] == to {
                continue;
            }
            changed[at] = to;
            assert!(keys.verify(&changed.into_iter().collect::<String>()).is_err(), "{at} {to}");
        }
    }
}

#[test]
fn the_newest_key_signs_and_all_that_are_not_retired_verify() {
    let (first, second) = (secret(1), secret(2));
    let before = TokenKeys::new(std::slice::from_ref(&first));
    let rotated = TokenKeys::new(&[second.clone(), first]);
    let retired = TokenKeys::new(&[second]);
    let (old, new) = (issue(&before, &claims()), issue(&rotated, &claims()));
    assert!(rotated.verify(&old).is_ok() && rotated.verify(&new).is_ok() && retired.verify(&new).is_ok());
    assert_eq!(retired.verify(&old), Err(TokenError::Forged));
    assert_eq!(before.verify(&new), Err(TokenError::Forged));
}

#[test]
fn a_new_key_signs_once_every_server_knows_it_or_when_it_is_the_only_one() {
    let made = claims().issued;
    let (first, second) = (secret(1), Secret { created: made, ..secret(2) });
    let rotated = TokenKeys::new(&[second.clone(), first]);
    let kid = |keys: &TokenKeys, after_ms: i64| {
        let claims = Claims { issued: made.plus_millis(after_ms), ..claims() };
        keys.verify(&issue(keys, &claims)).expect("one of ours").kid
    };
    assert_eq!([0, SIGNS_AFTER_MS - 1, SIGNS_AFTER_MS].map(|after| kid(&rotated, after)), [1, 1, 2]);
    let retired = TokenKeys::new(std::slice::from_ref(&second));
    assert_eq!(kid(&retired, 0), 2);
    assert_eq!(
        [rotated.stands(1), rotated.stands(2), rotated.stands(3), retired.stands(1)],
        [true, true, false, false]
    );
}

#[test]
fn another_servers_key_of_the_same_number_is_no_key() {
    let token = issue(&TokenKeys::new(&[secret(1)]), &claims());
    assert_eq!(TokenKeys::new(&[secret(1)]).verify(&token), Err(TokenError::Forged));
}

#[test]
fn without_a_key_nothing_is_made_and_nothing_verified() {
    let token = issue(&TokenKeys::new(&[secret(1)]), &claims());
    let none = TokenKeys::new(&[secret(65_536), secret(-1)]);
    assert_eq!(none.issue(&claims()), None);
    assert_eq!(none.verify(&token), Err(TokenError::Forged));
}

#[test]
fn keys_do_not_print() {
    let secret = secret(3);
    let text = format!("{:?}", TokenKeys::new(std::slice::from_ref(&secret)));
    assert!(text.contains('3') && !text.contains(&secret.value.0));
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic_and_opens_nothing(text in "[A-Za-z0-9_-]{200,212}|.{0,300}") {
        prop_assert!(TokenKeys::new(&[secret(1)]).verify(&text).is_err());
    }

    #[test]
    fn any_claims_survive_their_text(
        ids in proptest::array::uniform6(any::<u128>()),
        numbers in proptest::array::uniform3(any::<i64>()),
        recorded in any::<bool>(),
    ) {
        let [user, session, lesson, course, channel, playback] = ids.map(Uuid::from_u128);
        let claims = Claims {
            user: UserId(user),
            session: SessionId(session),
            lesson: LessonId(lesson),
            course: CourseId(course),
            channel,
            playback: PlaybackId(playback),
            kind: if recorded { Kind::Recording } else { Kind::Live },
            seq: Seq(numbers[0]),
            issued: UnixMillis(numbers[1]),
            expires: UnixMillis(numbers[2]),
            kid: 1,
        };
        let keys = TokenKeys::new(&[secret(1)]);
        prop_assert_eq!(keys.verify(&issue(&keys, &claims)), Ok(claims));
    }

    #[test]
    fn a_text_that_decodes_encodes_to_itself(bytes in proptest::collection::vec(any::<u8>(), TOKEN_BYTES)) {
        let text = encode(&bytes);
        prop_assert_eq!(decode(&text).expect("it was encoded").to_vec(), bytes);
    }
}
