//! A device with a passkey: makes a key and signs with it, as an authenticator and the browser before it do (Web
//! Authentication Level 3, sections 6.1, 6.5 and 5.8.1). What it says can be bent, to see it refused.

#![allow(dead_code, reason = "each test file uses what it needs")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The person was there, and the device has asked for a finger, a face or a PIN.
const PRESENT_AND_VERIFIED: u8 = 0x05;
/// Behind the counter stands a new key.
const HOLDS_KEY: u8 = 0x40;

/// See the module.
#[derive(Clone)]
pub struct Device {
    key: SigningKey,
    credential: [u8; 32],
    /// Whose passkey it holds, as the server named them.
    pub handle: String,
    pub origin: String,
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
}

impl Device {
    /// One whose key is made of that number.
    pub fn new(number: u8) -> Self {
        Self {
            key: SigningKey::from_slice(&[number; 32]).expect("a key"),
            credential: [number; 32],
            handle: String::new(),
            origin: "https://tayang.test".to_owned(),
            rp_id: "tayang.test".to_owned(),
            flags: PRESENT_AND_VERIFIED,
            counter: 0,
        }
    }

    /// One that says that it holds the same person's, and has a key of its own.
    pub fn forged(&self) -> Self {
        Self { handle: self.handle.clone(), ..Self::new(9) }
    }

    /// Makes the passkey that `options` ask for.
    pub fn make(&mut self, options: &Value) -> Value {
        self.handle = text(&options["user"]["id"]);
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01];
        let point = self.key.verifying_key().to_encoded_point(false);
        for (label, coordinate) in [(0x21, point.x().expect("x")), (0x22, point.y().expect("y"))] {
            key.extend([label, 0x58, 0x20]);
            key.extend_from_slice(coordinate);
        }
        let mut data = self.data(self.flags | HOLDS_KEY);
        data.extend([0; 16]);
        data.extend([0, 32]);
        data.extend(self.credential);
        data.extend(key);
        let mut object = b"\xa3cfmtdnonegattStmt\xa0hauthDataX".to_vec();
        object.push(u8::try_from(data.len()).expect("short"));
        object.extend(&data);
        self.said(json!({
            "clientDataJSON": encoded(self.client_data("webauthn.create", options).as_bytes()),
            "attestationObject": encoded(&object),
            "transports": ["internal"],
        }))
    }

    /// Answers what `options` ask of a passkey that there is.
    pub fn answer(&self, options: &Value) -> Value {
        let (data, client) = (self.data(self.flags), self.client_data("webauthn.get", options));
        let signed = [data.as_slice(), Sha256::digest(client.as_bytes()).as_slice()].concat();
        let signature: Signature = self.key.sign(&signed);
        self.said(json!({
            "clientDataJSON": encoded(client.as_bytes()),
            "authenticatorData": encoded(&data),
            "signature": encoded(signature.to_der().as_bytes()),
            "userHandle": self.handle,
        }))
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let challenge = text(&options["challenge"]);
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false }).to_string()
    }

    fn said(&self, response: Value) -> Value {
        let id = encoded(&self.credential);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {}, "response": response,
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
