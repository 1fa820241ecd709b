//! No secret is logged, at any level. A process of its own, as what is logged is the process's.

#[path = "stage/browser.rs"]
mod browser;
#[path = "stage/stage.rs"]
mod stage;

use std::io::{self, Write};
use std::sync::Arc;

use browser::Browser;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::json;
use stage::Stage;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// All that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_password_token_link_or_cookie_is_logged() {
    let lines = Lines::default();
    let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone());
    everything.finish().try_init().expect("the first");
    let stage = Stage::new().await;
    let mut secrets: Vec<String> = Vec::new();
    let mut keep = |secret: &str| secrets.push(secret.to_owned());
    let mut browser = Browser::new(&stage, [203, 0, 113, 7]);
    for password in ["kuda baterai staples", "gajah lampu merah", "salah sama sekali"] {
        keep(password);
    }
    let newcomer = json!({
        "email": "siti@example.test", "password": "kuda baterai staples", "name": "Siti", "locale": "id", "zone": "Asia/Jakarta",
    });
    assert_eq!(browser.post("/api/v1/accounts", newcomer).await.status, StatusCode::ACCEPTED);
    let token = |stage: &Stage| {
        let body = stage.letterbox.mails().pop().expect("a mail").body;
        body.split_once('#').expect("a link").1.lines().next().expect("a token").to_owned()
    };
    let confirm = token(&stage);
    keep(&confirm);
    let session = browser.post("/api/v1/session/link", json!({ "token": confirm, "keep_password": true })).await;
    browser.csrf = session.json["csrf_token"].as_str().map(str::to_owned);
    keep(browser.csrf.as_deref().expect("a token"));
    keep(&browser.cookies["tayang_session"]);
    browser.sign_in("siti@example.test", "salah sama sekali").await;
    browser.post("/api/v1/session/link", json!({ "token": confirm })).await;
    browser.post("/api/v1/password/forgotten", json!({ "email": "siti@example.test" })).await;
    let reset = token(&stage);
    keep(&reset);
    let chosen = browser.post("/api/v1/password", json!({ "token": reset, "password": "gajah lampu merah" })).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT);
    let bearer = json!({ "email": "siti@example.test", "password": "gajah lampu merah", "bearer": true });
    keep(stage.post(None, "/api/v1/session", bearer).await.json["token"].as_str().expect("a token"));
    browser.sign_in("siti@example.test", "gajah lampu merah").await;
    keep(&browser.cookies["tayang_session"]);
    browser.csrf = Some("salah".to_owned());
    assert_eq!(browser.ask(Method::PATCH, "/api/v1/me", Some(json!({}))).await.status, StatusCode::FORBIDDEN);
    browser.post("/api/v1/session", json!({ "email": 5, "password": "salah sama sekali" })).await;
    tracing::info!("the end");
    let logged = String::from_utf8(lines.0.lock().clone()).expect("text");
    assert!(logged.contains("the end") && logged.lines().count() > 10, "what is logged is seen: {logged}");
    for secret in &secrets {
        assert!(secret.len() > 8 && !logged.contains(secret.as_str()), "{secret} is logged");
    }
    assert!(!logged.contains("$argon2id$"), "nor a hash of it");
}
