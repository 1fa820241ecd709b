//! Web Push: a notice, encrypted for one device, to the push service of its browser (RFC 8030, 8291, 8292).
//!
//! The message is JSON `{id, kind, title, body, url, lesson}`. The service worker shows each `id` once; the header `Topic`,
//! made of the same id, lets the push service replace what it still holds by what comes again.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use control::notices::{Notice, Subscription};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use media::UnixMillis;
use serde::Serialize;
use web_push_native::Auth;
use web_push_native::p256::PublicKey;

use crate::egress::Policy;
use crate::text::Wording;
use crate::vapid::Vapid;

/// Bytes of a device's public key, uncompressed (SEC 1).
const KEY_BYTES: usize = 65;
/// Bytes of its authentication secret (RFC 8291 section 3.2).
const AUTH_BYTES: usize = 16;

/// Characters of each of title and sentence. A push service takes 4,096 bytes at least (RFC 8030 section 7.2), which leaves
/// 3,993 for the message (RFC 8291 section 4): in any script there is room for both.
const TEXT_LENGTH_MAX: usize = 300;

/// The keys of a device are not what browsers give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// `p256dh`.
    #[error("must be a point on P-256, 65 bytes in base64url")]
    P256dh,
    /// `auth`.
    #[error("must be 16 bytes in base64url")]
    Auth,
}

/// With or without padding: both are sent.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn keys(p256dh: &str, auth: &str) -> Result<(PublicKey, Auth), KeysError> {
    let point = decode(p256dh).filter(|bytes| bytes.len() == KEY_BYTES).ok_or(KeysError::P256dh)?;
    let point = PublicKey::from_sec1_bytes(&point).map_err(|_| KeysError::P256dh)?;
    let auth = decode(auth).filter(|bytes| bytes.len() == AUTH_BYTES).ok_or(KeysError::Auth)?;
    Ok((point, auth.into_iter().collect()))
}

/// Whether a device can be written to with these keys.
///
/// # Errors
/// [`KeysError`].
pub fn check_keys(p256dh: &str, auth: &str) -> Result<(), KeysError> {
    keys(p256dh, auth).map(|_| ())
}

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    kind: &'static str,
    title: &'a str,
    body: &'a str,
    url: &'a str,
    lesson: String,
}

/// A request that is ready to go.
#[derive(Debug)]
pub struct Request {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, encrypted.
    pub body: Vec<u8>,
}

/// Why a notice cannot be sent to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The keys.
    #[error("the device's keys are wrong")]
    Keys(#[from] KeysError),
    /// The endpoint.
    #[error("the push service's address is refused: {0}")]
    Endpoint(#[from] crate::egress::Refused),
    /// It could not be encrypted or signed.
    #[error("it could not be encrypted")]
    Crypto,
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= TEXT_LENGTH_MAX {
        return text.to_owned();
    }
    text.chars().take(TEXT_LENGTH_MAX - 1).chain(std::iter::once('…')).collect()
}

/// The request that tells a device of a notice.
///
/// # Errors
/// [`PushError`].
pub fn request(
    subscription: &Subscription,
    notice: &Notice,
    wording: &Wording,
    link: &str,
    vapid: &Vapid,
    policy: Policy,
    now: UnixMillis,
) -> Result<Request, PushError> {
    let (point, auth) = keys(&subscription.p256dh, &subscription.auth.0)?;
    let endpoint = policy.check(&subscription.endpoint.0)?;
    let message = Message {
        id: notice.id.to_string(),
        kind: notice.kind.as_str(),
        title: &shortened(&wording.title),
        body: &shortened(&wording.body),
        url: link,
        lesson: notice.lesson.to_string(),
    };
    let message = serde_json::to_vec(&message).map_err(|_| PushError::Crypto)?;
    let body = web_push_native::encrypt(message, &point, &auth).map_err(|_| PushError::Crypto)?;
    let authorization = vapid.authorization(&endpoint, now).ok_or(PushError::Crypto)?;
    let left_ms = notice.created.0 + notice.kind.lasts_ms() - now.0;
    let header = |text: &str| HeaderValue::from_str(text).map_err(|_| PushError::Crypto);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, header(&authorization)?);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(HeaderName::from_static("ttl"), HeaderValue::from((left_ms / 1_000).max(60)));
    let urgency = if notice.kind.wakes() { "high" } else { "normal" };
    headers.insert(HeaderName::from_static("urgency"), HeaderValue::from_static(urgency));
    // At most 32 characters of base64url (RFC 8030 section 5.4): 16 bytes are 22.
    headers.insert(HeaderName::from_static("topic"), header(&URL_SAFE_NO_PAD.encode(notice.id.0.as_bytes()))?);
    Ok(Request { headers, body })
}
