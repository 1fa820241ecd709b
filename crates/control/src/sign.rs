//! Signatures that let somebody publish to, or play, one channel until a stated second.
//!
//! The parameter is `sign={expiry}-{hex}`, expiry in Unix seconds. Two forms, told apart by their length:
//!
//! | form | hex | over |
//! |---|---|---|
//! | HMAC-SHA-256 | 64 digits | publish: `/{app}/{channel}-{expiry}`, play: `play:/{app}/{channel}-{expiry}` |
//! | MD5, only where a channel opted in | 32 digits | both: `/{app}/{channel}-{expiry}-{secret}` |
//!
//! The second is that of Node-Media-Server (seed 002), in which one signature serves for publishing and for playing: whoever
//! is given a link to play such a channel can publish to it. That is why a channel has to opt in, and why [`issue`] never
//! makes one for playing.
//!
//! A text is taken in exactly one spelling (decimal digits without sign or leading zero, lower-case hexadecimal), a query
//! with exactly one `sign`. Comparison takes the same time wherever the difference is.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use media::{ChannelPath, UnixMillis};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::Channel;

/// A signature is honoured this long after its expiry: clocks of signer and server differ.
pub const LEEWAY_S: i64 = 60;

/// Longest text of a signature that is looked at: 12 digits of expiry (to the year 33658), `-`, 64 hexadecimal digits.
pub const TEXT_LENGTH_MAX: usize = EXPIRY_DIGITS_MAX + 1 + 64;

const EXPIRY_DIGITS_MAX: usize = 12;

/// What a signature permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Sending media to the channel.
    Publish,
    /// Watching it.
    Play,
}

/// Which form a signature has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA-256 with the channel's secret.
    HmacSha256,
    /// MD5 as Node-Media-Server does it.
    LegacyMd5,
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not `{expiry}-{hex}`, or not exactly one in the query.
    #[error("signature is malformed")]
    Malformed,
    /// Nobody with the secret made it, or the channel does not accept its form.
    #[error("signature does not match")]
    Forged,
    /// It was right once.
    #[error("signature has expired")]
    Expired,
}

/// A signature that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its form.
    pub scheme: Scheme,
    /// Last second it was made for, without leeway.
    pub expires_s: i64,
}

/// Whether something made for `expires_s` still holds.
#[must_use]
pub fn holds(expires_s: i64, now: UnixMillis) -> bool {
    now.seconds() <= expires_s.saturating_add(LEEWAY_S)
}

/// The value of the one `sign` in a query string (without `?`): `None` if there is none.
///
/// # Errors
/// [`SignError::Malformed`] if there are several, or it has no value.
pub fn from_query(query: &str) -> Result<Option<&str>, SignError> {
    let mut found = None;
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name != "sign" {
            continue;
        }
        if value.is_empty() || found.is_some() {
            return Err(SignError::Malformed);
        }
        found = Some(value);
    }
    Ok(found)
}

/// Checks the text of a signature for one channel and purpose.
///
/// # Errors
/// [`SignError::Expired`] only for a signature that is otherwise right, so that it tells a stranger nothing.
pub fn verify(channel: &Channel, purpose: Purpose, text: &str, now: UnixMillis) -> Result<Verified, SignError> {
    if text.len() > TEXT_LENGTH_MAX {
        return Err(SignError::Malformed);
    }
    let (expiry, hex) = text.split_once('-').ok_or(SignError::Malformed)?;
    let expires_s = parse_expiry(expiry).ok_or(SignError::Malformed)?;
    let scheme = if let Some(given) = decode_hex::<32>(hex) {
        let mac = keyed(channel.sign_secret.0.as_bytes(), purpose, &channel.path, expires_s);
        mac.verify_slice(&given).map_err(|_| SignError::Forged)?;
        Scheme::HmacSha256
    } else if let Some(given) = decode_hex::<16>(hex) {
        let secret = channel.legacy_md5_secret.as_ref().ok_or(SignError::Forged)?;
        let expected = legacy_md5(&secret.0, &channel.path, expires_s);
        if !bool::from(expected.ct_eq(&given)) {
            return Err(SignError::Forged);
        }
        Scheme::LegacyMd5
    } else {
        return Err(SignError::Malformed);
    };
    if holds(expires_s, now) { Ok(Verified { scheme, expires_s }) } else { Err(SignError::Expired) }
}

/// The text `{expiry}-{hex}` that permits `purpose` on `channel` until `expires_s`, in HMAC-SHA-256. An expiry before 1970
/// or beyond 12 digits is moved to the nearest second that can be written.
#[must_use]
pub fn issue(channel: &Channel, purpose: Purpose, expires_s: i64) -> String {
    let expires_s = expires_s.clamp(0, 999_999_999_999);
    let mac = keyed(channel.sign_secret.0.as_bytes(), purpose, &channel.path, expires_s);
    format!("{expires_s}-{}", encode_hex(&mac.finalize().into_bytes()))
}

/// The text `{expiry}-{hex}` in the MD5 form, for publishing; `None` if the channel did not opt in.
#[must_use]
pub fn issue_legacy_md5(channel: &Channel, expires_s: i64) -> Option<String> {
    let expires_s = expires_s.clamp(0, 999_999_999_999);
    let secret = channel.legacy_md5_secret.as_ref()?;
    Some(format!("{expires_s}-{}", encode_hex(&legacy_md5(&secret.0, &channel.path, expires_s))))
}

fn keyed(secret: &[u8], purpose: Purpose, path: &ChannelPath, expires_s: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    if purpose == Purpose::Play {
        mac.update(b"play:");
    }
    mac.update(format!("/{path}-{expires_s}").as_bytes());
    mac
}

fn legacy_md5(secret: &str, path: &ChannelPath, expires_s: i64) -> [u8; 16] {
    Md5::digest(format!("/{path}-{expires_s}-{secret}").as_bytes()).into()
}

fn parse_expiry(text: &str) -> Option<i64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if !canonical || text.is_empty() || text.len() > EXPIRY_DIGITS_MAX { None } else { text.parse().ok() }
}

/// Exactly `N` bytes as lower-case hexadecimal.
pub(crate) fn decode_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

fn encode_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
