//! What a client keeps for us between two requests: signed, so that it comes back as it was given. It can be read by who has
//! it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::secrets::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// Longest text that is looked at: what a cookie holds in browsers.
const LENGTH_MAX: usize = 4_096;

/// As text, signed with the newest key (`keys` are newest first) as something of this kind and of no other.
#[must_use]
pub fn seal(keys: &[Secret], kind: &str, what: &impl Serialize) -> String {
    let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(what).unwrap_or_default());
    let signature = keys.first().map(|key| URL_SAFE_NO_PAD.encode(mac(key, kind, &text).finalize().into_bytes()));
    format!("{text}.{}", signature.unwrap_or_default())
}

/// From that text, if one of the keys signed it as this.
#[must_use]
pub fn open<T: DeserializeOwned>(keys: &[Secret], kind: &str, sealed: &str) -> Option<T> {
    let (text, signature) = sealed.split_once('.').filter(|_| sealed.len() <= LENGTH_MAX)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    keys.iter().find(|key| mac(key, kind, text).verify_slice(&signature).is_ok())?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn mac(key: &Secret, kind: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.value.0.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(kind.as_bytes());
    mac.update(b"\n");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use media::{Redacted, UnixMillis};

    use super::*;

    #[test]
    fn what_was_sealed_is_opened_as_the_same_kind_by_a_key_that_stands_and_not_otherwise() {
        let key = |kid, value: &str| Secret { kid, value: Redacted(value.to_owned()), created: UnixMillis(0) };
        let sealed = seal(&[key(2, "b"), key(1, "a")], "one", &7);
        let open = |text: &str, kind: &str, keys: &[Secret]| super::open::<u32>(keys, kind, text);
        assert_eq!(open(&sealed, "one", &[key(3, "c"), key(2, "b")]), Some(7));
        assert_eq!(open(&sealed, "one", &[key(1, "a")]), None, "the key is retired");
        assert_eq!(open(&sealed, "two", &[key(2, "b")]), None, "of another kind");
        let forged = URL_SAFE_NO_PAD.encode("8");
        for text in ["", ".", "x.y", &forged, &format!("{forged}."), &sealed[1..], &format!("{sealed}A")] {
            assert_eq!(open(text, "one", &[key(2, "b")]), None, "{text}");
        }
        let long = seal(&[key(2, "b")], "one", &"x".repeat(4_000));
        assert_eq!(super::open::<String>(&[key(2, "b")], "one", &long), None, "too long");
    }
}
