//! Signing in by OpenID Connect, against a real provider from npm.

#[path = "stage/browser.rs"]
mod browser;
#[path = "oidc/provider.rs"]
mod provider;
#[path = "stage/stage.rs"]
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Settings;
use api::oidc::OidcSettings;
use browser::Browser;
use control::air::Silence;
use control::identity::UserChange;
use control::identity::provider::GroupRule;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use media::Redacted;
use serde_json::{Value, json};
use stage::{Answer, Stage};

const HERE: [u8; 4] = [203, 0, 113, 7];
const OURS: &str = "https://tayang.test";

/// A provider, and what asks it.
struct Provider {
    process: provider::Provider,
    client: reqwest::Client,
}

impl Provider {
    fn start() -> Option<Self> {
        let process = provider::Provider::start()?;
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Some(Self { process, client: client.expect("a client") })
    }

    async fn stage(&self) -> Stage {
        let oidc = OidcSettings {
            name: "Sekolah".to_owned(),
            issuer: self.process.origin.clone(),
            client_id: provider::CLIENT.0.to_owned(),
            client_secret: Some(Redacted(provider::CLIENT.1.to_owned())),
            groups_claim: "groups".to_owned(),
            rule: GroupRule { mentor: Some("guru".to_owned()), operator: Some("admin".to_owned()) },
        };
        Stage::with(Arc::new(Silence), Settings { oidc: Some(oidc), ..Stage::settings() }).await
    }

    async fn tell(&self, what: Value) {
        let answer =
            self.client.post(format!("{}/test/control", self.process.origin)).body(what.to_string()).send().await;
        assert!(answer.expect("told").status().is_success());
    }

    /// Says who signs in next.
    async fn is(&self, subject: &str, claims: Value) {
        self.tell(json!({ "as": subject, "claims": claims })).await;
    }

    /// Goes where the browser is sent, until it is sent back to us: the path there.
    async fn walk(&self, mut url: String) -> String {
        let mut jar: BTreeMap<String, String> = BTreeMap::new();
        for _ in 0..10 {
            let pairs: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = self.client.get(&url).header(COOKIE, pairs.join("; ")).send().await.expect("answered");
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().expect("text").split(';').next().and_then(|pair| pair.split_once('='));
                let (name, value) = pair.expect("a cookie");
                jar.insert(name.to_owned(), value.to_owned());
            }
            let next = location(answer.headers());
            if let Some(path) = next.strip_prefix(OURS) {
                return path.to_owned();
            }
            url = if next.starts_with('/') { format!("{}{next}", self.process.origin) } else { next };
        }
        panic!("sent around in circles");
    }

    /// All of it, in that browser.
    async fn sign_in(&self, browser: &mut Browser<'_>) -> Answer {
        let started = browser.get("/api/v1/oidc/main/start?return_to=/mymentor/lessons").await;
        assert_eq!(started.status, StatusCode::FOUND, "{}", started.json);
        let back = self.walk(location(&started.headers)).await;
        browser.get(&back).await
    }
}

fn location(headers: &HeaderMap) -> String {
    headers.get(LOCATION).expect("sent on").to_str().expect("text").to_owned()
}

fn code(answer: &Answer) -> &str {
    answer.json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
}

fn siti(groups: &[&str]) -> Value {
    json!({
        "email": "siti@sekolah.test", "email_verified": true, "name": "Siti Aminah", "locale": "en-GB",
        "zoneinfo": "Asia/Makassar", "groups": groups,
    })
}

#[tokio::test]
async fn a_person_of_the_provider_is_let_in_and_their_groups_give_and_take_roles() {
    let Some(provider) = Provider::start() else { return };
    let stage = provider.stage().await;
    stage.operator("operator@sekolah.test").await;
    let mut browser = Browser::new(&stage, HERE);
    let offered = browser.get("/api/v1/session").await.json["oidc"].clone();
    assert_eq!(offered, json!([{ "name": "Sekolah", "start_url": "/api/v1/oidc/main/start" }]));
    provider.is("42", siti(&["guru", "lain"])).await;
    let answer = provider.sign_in(&mut browser).await;
    assert_eq!(
        (answer.status, location(&answer.headers).as_str()),
        (StatusCode::FOUND, "/mymentor/lessons"),
        "{}",
        answer.json
    );
    assert!(!browser.cookies.contains_key("tayang_oidc") && browser.cookies.contains_key("tayang_session"));
    let user = browser.user().await;
    assert_eq!(user["roles"], json!(["mentee", "mentor"]));
    assert_eq!((&user["email"], &user["name"]), (&json!("siti@sekolah.test"), &json!("Siti Aminah")));
    assert_eq!((&user["locale"], &user["zone"]), (&json!("en"), &json!("Asia/Makassar")));
    provider.is("42", siti(&["admin"])).await;
    provider.sign_in(&mut browser).await;
    let again = browser.user().await;
    assert_eq!((&again["id"], &again["roles"]), (&user["id"], &json!(["mentee", "operator"])));
    provider.is("42", siti(&[])).await;
    provider.sign_in(&mut browser).await;
    assert_eq!(browser.user().await["roles"], json!(["mentee"]));
    let moved = json!({ "email": "lain@sekolah.test", "email_verified": false, "name": "Siti", "groups": [] });
    provider.is("42", moved).await;
    provider.sign_in(&mut browser).await;
    assert_eq!(browser.user().await["id"], user["id"], "known by the subject, whatever the address");
}

#[tokio::test]
async fn keys_may_change_and_neither_a_forged_token_nor_one_of_another_sign_in_holds() {
    let Some(provider) = Provider::start() else { return };
    let stage = provider.stage().await;
    let mut browser = Browser::new(&stage, HERE);
    provider.is("42", siti(&[])).await;
    assert_eq!(provider.sign_in(&mut browser).await.status, StatusCode::FOUND);
    provider.tell(json!({ "rotate": true })).await;
    assert_eq!(provider.sign_in(&mut browser).await.status, StatusCode::FOUND, "a new key is read when it is named");
    provider.tell(json!({ "forged": true })).await;
    let mut thief = Browser::new(&stage, HERE);
    let answer = provider.sign_in(&mut thief).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_GATEWAY, "provider-failed"));
    assert!(!thief.cookies.contains_key("tayang_session"));
    provider.tell(json!({ "forged": false })).await;
    let started = thief.get("/api/v1/oidc/main/start").await;
    let mut url = url::Url::parse(&location(&started.headers)).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert!(pairs.contains(&("code_challenge_method".to_owned(), "S256".to_owned())));
    let other =
        pairs.into_iter().map(|(name, value)| if name == "nonce" { (name, "lain".to_owned()) } else { (name, value) });
    let other: Vec<_> = other.collect();
    url.query_pairs_mut().clear().extend_pairs(other);
    let back = provider.walk(url.to_string()).await;
    let answer = thief.get(&back).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_GATEWAY, "provider-failed"), "the nonce is another's");
    assert_eq!(provider.sign_in(&mut thief).await.status, StatusCode::FOUND, "and then all is well");
    let operator = stage.operator("operator@example.test").await;
    let lines = stage.get(Some(&operator), "/api/v1/audit?action=sign_in_failed").await;
    let details: Vec<&str> =
        lines.json["items"].as_array().expect("a list").iter().filter_map(|l| l["detail"].as_str()).collect();
    assert!(details[0].contains("another sign-in") && details[1].contains("signature"), "{details:?}");
}

#[tokio::test]
async fn who_comes_back_is_who_left_and_goes_where_this_server_is() {
    let Some(provider) = Provider::start() else { return };
    let stage = provider.stage().await;
    let mut browser = Browser::new(&stage, HERE);
    for evil in ["//evil.example", "https://evil.example/", "%2F%5Cevil.example"] {
        let answer = browser.get(&format!("/api/v1/oidc/main/start?return_to={evil}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{evil}");
    }
    assert_eq!(browser.get("/api/v1/oidc/lain/start").await.status, StatusCode::NOT_FOUND);
    provider.is("42", siti(&[])).await;
    let started = browser.get("/api/v1/oidc/main/start").await;
    let cookie = started.headers[SET_COOKIE].to_str().expect("text");
    assert!(cookie.ends_with("; Path=/api/v1/oidc; Max-Age=900; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let back = provider.walk(location(&started.headers)).await;
    let mut other = Browser::new(&stage, HERE);
    assert_eq!(code(&other.get(&back).await), "not-begun", "a link to somebody else's sign-in is worth nothing");
    let began = other.get("/api/v1/oidc/main/start").await;
    assert_eq!(began.status, StatusCode::FOUND);
    assert_eq!(code(&other.get(&back).await), "not-begun", "nor with a sign-in of one's own under way");
    let refused = browser.get(&format!("{}&error=access_denied", back.replace("code=", "x="))).await;
    assert_eq!((refused.status, code(&refused)), (StatusCode::FORBIDDEN, "provider-refused"));
    let page = |path: &str, ticket: &str| {
        let request = http::Request::get(path).header("accept", "text/html,*/*;q=0.8");
        let request = request.header("cookie", format!("tayang_oidc={ticket}")).header("host", "tayang.test");
        stage.send(request.body(http_body_util::Full::default()).expect("a request"))
    };
    let unknown = page(&back, "salah").await;
    assert_eq!(location(&unknown.headers), "/mymentor/sign-in?problem=not-begun", "a person is shown a page");
    let away = page("/api/v1/oidc/lain/start?return_to=/mymentee/", "").await;
    assert_eq!((away.status, &*location(&away.headers)), (StatusCode::FOUND, "/mymentee/sign-in?problem=not-found"));
    assert_eq!(browser.get(&back).await.status, StatusCode::FOUND);
    assert_eq!(code(&browser.get(&back).await), "not-begun", "once");
}

#[tokio::test]
async fn an_account_is_tied_by_a_confirmed_address_alone_and_suspension_holds() {
    let Some(provider) = Provider::start() else { return };
    let stage = provider.stage().await;
    let local = stage.mentee("siti@sekolah.test").await;
    let mut browser = Browser::new(&stage, HERE);
    for unconfirmed in [
        json!({ "email": "siti@sekolah.test", "email_verified": false }),
        json!({ "email": "siti@sekolah.test" }),
        json!({}),
    ] {
        provider.is("7", unconfirmed.clone()).await;
        let answer = provider.sign_in(&mut browser).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::FORBIDDEN, "address-not-confirmed"), "{unconfirmed}");
    }
    provider.is("42", siti(&[])).await;
    assert_eq!(provider.sign_in(&mut browser).await.status, StatusCode::FOUND);
    assert_eq!(browser.user().await["id"], json!(local.id.to_string()));
    let suspend = UserChange { suspended: Some(true), ..UserChange::default() };
    stage.repository.change_user(local.id, None, &suspend, None, stage.state.now()).await.expect("suspended");
    let answer = provider.sign_in(&mut browser).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::FORBIDDEN, "suspended"));
}
