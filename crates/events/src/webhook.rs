//! Webhooks: what happened, signed, to somebody's server.

use control::DeliveryId;
use control::webhooks::{Webhook, signature};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use media::UnixMillis;

/// The headers of a request with that body.
///
/// # Panics
/// Never: ids, numbers and hexadecimal are header values.
#[must_use]
pub fn headers(webhook: &Webhook, id: DeliveryId, body: &[u8], now: UnixMillis) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_str(text).expect("letters and digits are a header value");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("tayang-id"), value(&id.to_string()));
    headers.insert(HeaderName::from_static("tayang-timestamp"), HeaderValue::from(now.seconds()));
    let signed = signature(&webhook.secret.0, now.seconds(), body);
    headers.insert(HeaderName::from_static("tayang-signature"), value(&signed));
    headers
}
