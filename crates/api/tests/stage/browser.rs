//! A browser on the stage: keeps its cookies, shows the CSRF token, comes from an address.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::collections::BTreeMap;

use api::Peer;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::stage::{Answer, Stage};

/// See the module.
pub struct Browser<'s> {
    stage: &'s Stage,
    pub cookies: BTreeMap<String, String>,
    /// Shown with what changes something.
    pub csrf: Option<String>,
    pub address: [u8; 4],
    pub secure: bool,
}

impl<'s> Browser<'s> {
    /// A fresh one, from an address of its own.
    pub fn new(stage: &'s Stage, address: [u8; 4]) -> Self {
        Self { stage, cookies: BTreeMap::new(), csrf: None, address, secure: true }
    }

    pub async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(USER_AGENT, "Peramban/1.0");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |json| json.to_string().into());
        let request = request.body(Full::new(body)).expect("a request");
        let peer = Peer { address: (self.address, 40_000).into(), secure: self.secure };
        let answer = self.stage.send_from(request, peer).await;
        self.take_cookies(&answer);
        answer
    }

    fn take_cookies(&mut self, answer: &Answer) {
        for header in answer.headers.get_all(SET_COOKIE) {
            let text = header.to_str().expect("text");
            let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Signs in with a password, and reads the CSRF token.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let answer = self.post("/api/v1/session", json!({ "email": email, "password": password })).await;
        self.csrf = answer.json["csrf_token"].as_str().map(str::to_owned).or(self.csrf.take());
        answer
    }

    /// Who it is by its session; null for nobody.
    pub async fn user(&mut self) -> Value {
        self.get("/api/v1/session").await.json["user"].clone()
    }
}
