//! A push service and the browsers behind it: takes messages as RFC 8030 says, checks who sends them (RFC 8292), and reads
//! them with the browser's private key (RFC 8291). A browser shows each id once, as the service worker does.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::Request;
use serde_json::Value;
use web_push_native::jwt_simple::algorithms::{ECDSAP256PublicKeyLike as _, ES256PublicKey};
use web_push_native::jwt_simple::claims::NoCustomClaims;
use web_push_native::jwt_simple::common::VerificationOptions;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint as _;
use web_push_native::{Auth, decrypt};

use super::receiver::{self, Answer, status};

/// What `PushSubscription.toJSON()` gives.
#[derive(Clone, Debug)]
pub struct Subscribed {
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

/// A message that came for a browser.
#[derive(Clone, Debug)]
pub struct Received {
    pub message: Value,
    pub ttl_s: u64,
    pub urgency: String,
    pub topic: String,
}

struct Browser {
    secret: SecretKey,
    auth: Auth,
    received: Vec<Received>,
    /// What is answered next, last first; then 201.
    answers: Vec<(u16, Option<&'static str>)>,
}

/// See the module.
pub struct PushService {
    address: SocketAddr,
    browsers: Arc<Mutex<HashMap<String, Browser>>>,
}

impl PushService {
    /// Takes messages only of who has that public key.
    pub async fn start(public_key: String) -> Self {
        let browsers: Arc<Mutex<HashMap<String, Browser>>> = Arc::default();
        let shared = browsers.clone();
        let address = receiver::start(move |request| take(&shared, &public_key, &request)).await;
        Self { address, browsers }
    }

    /// A browser more.
    pub fn subscribe(&self) -> Subscribed {
        let secret = SecretKey::random(&mut web_push_native::p256::elliptic_curve::rand_core::OsRng);
        let id = control::keys::random_id();
        let public = secret.public_key().to_encoded_point(false);
        let endpoint = format!("http://{}/push/{id}", self.address);
        let subscribed = Subscribed {
            endpoint,
            p256dh: URL_SAFE_NO_PAD.encode(public.as_bytes()),
            auth: URL_SAFE_NO_PAD.encode(id.as_bytes()),
        };
        let auth: Auth = id.as_bytes().iter().copied().collect();
        let browser = Browser { secret, auth, received: Vec::new(), answers: Vec::new() };
        self.browsers.lock().expect("no test panicked in it").insert(format!("/push/{id}"), browser);
        subscribed
    }

    fn path(endpoint: &str) -> String {
        format!("/push/{}", endpoint.rsplit('/').next().unwrap_or_default())
    }

    /// Answers the next messages for that browser so, with `Retry-After` where there is one.
    pub fn answers(&self, endpoint: &str, answers: &[(u16, Option<&'static str>)]) {
        let mut browsers = self.browsers.lock().expect("no test panicked in it");
        let browser = browsers.get_mut(&Self::path(endpoint)).expect("a browser");
        browser.answers = answers.iter().rev().copied().collect();
    }

    /// All that came for a browser, what came twice included.
    pub fn received(&self, endpoint: &str) -> Vec<Received> {
        let browsers = self.browsers.lock().expect("no test panicked in it");
        browsers.get(&Self::path(endpoint)).expect("a browser").received.clone()
    }

    /// What it showed: each id once.
    pub fn shown(&self, endpoint: &str) -> Vec<Value> {
        let mut shown: Vec<Value> = Vec::new();
        for received in self.received(endpoint) {
            if !shown.iter().any(|message| message["id"] == received.message["id"]) {
                shown.push(received.message);
            }
        }
        shown
    }
}

fn take(browsers: &Mutex<HashMap<String, Browser>>, public_key: &str, request: &Request<Bytes>) -> Answer {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut browsers = browsers.lock().expect("no test panicked in it");
    let Some(browser) = browsers.get_mut(request.uri().path()) else { return status(404) };
    if let Some((code, retry_after)) = browser.answers.pop() {
        let mut answer = status(code);
        if let Some(text) = retry_after {
            answer.headers_mut().insert("retry-after", text.parse().expect("a header"));
        }
        return answer;
    }
    if !is_authorized(header("authorization"), public_key, header("host")) {
        return status(403);
    }
    let Ok(ttl_s) = header("ttl").parse() else { return status(400) };
    let topic = header("topic").to_owned();
    if header("content-encoding") != "aes128gcm" || topic.len() > 32 || request.body().len() > 4_096 {
        return status(400);
    }
    let Ok(message) = decrypt(request.body().to_vec(), &browser.secret, &browser.auth) else { return status(400) };
    let Ok(message) = serde_json::from_slice(&message) else { return status(400) };
    browser.received.push(Received { message, ttl_s, urgency: header("urgency").to_owned(), topic });
    status(201)
}

/// RFC 8292 sections 2 and 3: signed by the key, for this origin, for at most a day, with a contact.
fn is_authorized(header: &str, public_key: &str, host: &str) -> bool {
    let Some((token, key)) = header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")) else {
        return false;
    };
    if key != public_key {
        return false;
    }
    let Some(key) = URL_SAFE_NO_PAD.decode(key).ok().and_then(|bytes| ES256PublicKey::from_bytes(&bytes).ok()) else {
        return false;
    };
    let options = VerificationOptions {
        allowed_audiences: Some([format!("http://{host}")].into_iter().collect()),
        ..VerificationOptions::default()
    };
    let Ok(claims) = key.verify_token::<NoCustomClaims>(token, Some(options)) else { return false };
    let day = web_push_native::jwt_simple::prelude::Duration::from_hours(24);
    let holds = claims.expires_at.zip(claims.issued_at).is_some_and(|(end, begin)| end - begin <= day);
    holds && claims.subject.is_some_and(|subject| subject.starts_with("mailto:"))
}
