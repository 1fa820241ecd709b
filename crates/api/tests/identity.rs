//! Signing up, in and out; passwords, links and devices.

#[path = "stage/browser.rs"]
mod browser;
#[path = "stage/stage.rs"]
mod stage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Settings, chores};
use browser::Browser;
use control::air::Silence;
use control::audit::{AuditAction, AuditEntry};
use control::identity::{LinkPurpose, OneTimeLink, UserChange};
use control::mail::Mail;
use control::{Roles, User};
use http::{Method, StatusCode};
use media::UnixMillis;
use serde_json::{Value, json};
use stage::{Answer, Stage};

const EMAIL: &str = "siti@example.test";
const PASSWORD: &str = "kuda baterai staples";
const HERE: [u8; 4] = [203, 0, 113, 7];

fn newcomer(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "Siti Aminah", "locale": "id", "zone": "Asia/Jakarta" })
}

/// The token of the link in a mail.
fn token_of(mail: &Mail) -> String {
    let line = mail.body.lines().find(|line| line.starts_with("https://tayang.test/")).expect("a link");
    line.split_once('#').expect("a token").1.to_owned()
}

fn code(answer: &Answer) -> &str {
    answer.json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
}

/// Signs somebody up and confirms their address; gives the browser in which they did.
async fn member<'s>(stage: &'s Stage, email: &str) -> Browser<'s> {
    let mut browser = Browser::new(stage, HERE);
    let answer = browser.post("/api/v1/accounts", newcomer(email)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json);
    let mail = stage.letterbox.mails().pop().expect("a mail");
    let answer = browser.post("/api/v1/session/link", json!({ "token": token_of(&mail), "keep_password": true })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    browser.csrf = answer.json["csrf_token"].as_str().map(str::to_owned);
    browser
}

async fn account(stage: &Stage, email: &str) -> User {
    stage.repository.user_by_email(email).await.expect("read").expect("there")
}

#[tokio::test]
async fn signing_up_with_anothers_address_lets_no_password_in() {
    let stage = Stage::new().await;
    let mut siti = Browser::new(&stage, HERE);
    siti.post("/api/v1/accounts", newcomer(EMAIL)).await;
    let own = token_of(&stage.letterbox.mails().pop().expect("a mail"));
    let mut attacker = Browser::new(&stage, [203, 0, 113, 66]);
    let mut theirs = newcomer(EMAIL);
    theirs["password"] = json!("sandi penyerang 1");
    attacker.post("/api/v1/accounts", theirs).await;
    let lure = token_of(&stage.letterbox.mails().pop().expect("a mail"));
    let answer = siti.post("/api/v1/session/link", json!({ "token": lure })).await;
    assert_eq!((answer.status, &answer.json["choose_password"]), (StatusCode::OK, &json!(true)));
    siti.csrf = answer.json["csrf_token"].as_str().map(str::to_owned);
    assert_eq!(attacker.sign_in(EMAIL, "sandi penyerang 1").await.status, StatusCode::UNAUTHORIZED);
    let answer = attacker.post("/api/v1/session/link", json!({ "token": own })).await;
    assert_eq!(code(&answer), "void-link", "the other sign-ups are void");
    let chosen = siti.post("/api/v1/password", json!({ "password": "gajah lampu merah" })).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT, "she chooses one, without one before");
    assert_eq!(siti.sign_in(EMAIL, "gajah lampu merah").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_password_is_kept_where_it_was_typed_whoever_signs_up_meanwhile() {
    let stage = Stage::new().await;
    let mut siti = Browser::new(&stage, HERE);
    siti.post("/api/v1/accounts", newcomer(EMAIL)).await;
    let own = token_of(&stage.letterbox.mails().pop().expect("a mail"));
    assert!(siti.cookies.contains_key("tayang_sign_up"));
    Browser::new(&stage, [203, 0, 113, 66]).post("/api/v1/accounts", newcomer(EMAIL)).await;
    let answer = siti.post("/api/v1/session/link", json!({ "token": own, "keep_password": true })).await;
    assert_eq!((answer.status, answer.json.get("choose_password")), (StatusCode::OK, None));
    assert!(!siti.cookies.contains_key("tayang_sign_up"), "used");
    assert_eq!(Browser::new(&stage, HERE).sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn at_a_shared_computer_a_password_that_somebody_else_typed_stands_only_if_who_opens_the_link_says_so() {
    let stage = Stage::new().await;
    let mut shared = Browser::new(&stage, HERE);
    shared.post("/api/v1/accounts", newcomer(EMAIL)).await;
    let link = token_of(&stage.letterbox.mails().pop().expect("a mail"));
    let asked = shared.post("/api/v1/session/link", json!({ "token": link })).await;
    assert_eq!((asked.status, code(&asked)), (StatusCode::CONFLICT, "password-typed"));
    assert_eq!(shared.user().await, Value::Null, "it is asked before anything is done");
    assert!(shared.cookies.contains_key("tayang_sign_up"), "and can be answered");
    let answer = shared.post("/api/v1/session/link", json!({ "token": link, "keep_password": false })).await;
    assert_eq!((answer.status, &answer.json["choose_password"]), (StatusCode::OK, &json!(true)));
    shared.csrf = answer.json["csrf_token"].as_str().map(str::to_owned);
    let stranger = Browser::new(&stage, HERE).sign_in(EMAIL, PASSWORD).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "the stranger's password opens nothing");
    let chosen = shared.post("/api/v1/password", json!({ "password": "gajah lampu merah" })).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_class_behind_one_router_confirms_and_none_of_it_is_sent_away() {
    let stage = Stage::new().await;
    // One more than the tries of one address.
    for pupil in 0..31 {
        let mut browser = Browser::new(&stage, HERE);
        browser.post("/api/v1/accounts", newcomer(&format!("siswa{pupil}@example.test"))).await;
        let link = token_of(&stage.letterbox.mails().pop().expect("a mail"));
        let asked = browser.post("/api/v1/session/link", json!({ "token": link })).await;
        assert_eq!(code(&asked), "password-typed", "{pupil}");
        let answer = browser.post("/api/v1/session/link", json!({ "token": link, "keep_password": true })).await;
        assert_eq!(answer.status, StatusCode::OK, "{pupil}");
    }
}

#[tokio::test]
async fn who_signs_up_is_let_in_by_the_link_in_the_mail() {
    let stage = Stage::new().await;
    let mut browser = Browser::new(&stage, HERE);
    let answer = browser.post("/api/v1/accounts", newcomer("  Siti@Example.TEST ")).await;
    assert_eq!((answer.status, answer.bytes.len()), (StatusCode::ACCEPTED, 0));
    let mails = stage.letterbox.mails();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, EMAIL));
    assert!(
        mails[0].body.contains("Halo Siti Aminah") && mails[0].body.contains("/mymentor/link#"),
        "{}",
        mails[0].body
    );
    assert_eq!(browser.user().await, Value::Null, "not yet");
    let early = browser.sign_in(EMAIL, PASSWORD).await;
    assert_eq!((early.status, code(&early)), (StatusCode::FORBIDDEN, "address-not-confirmed"));
    let wrong = browser.sign_in(EMAIL, "sesuatu yang lain").await;
    assert_eq!(code(&wrong), "wrong-credentials", "who has not shown the password is told nothing");
    let kept = json!({ "token": token_of(&mails[0]), "keep_password": true });
    let answer = browser.post("/api/v1/session/link", kept).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!((&answer.json["user"]["email"], &answer.json["roles"]), (&json!(EMAIL), &json!(["mentee"])));
    assert!(answer.json.get("token").is_none(), "the cookie's secret is nowhere else");
    let user = browser.user().await;
    assert_eq!(
        (&user["name"], &user["zone"], &user["is_mentor"]),
        (&json!("Siti Aminah"), &json!("Asia/Jakarta"), &json!(false))
    );
    assert_eq!(Browser::new(&stage, HERE).sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_cookie_is_closed_to_scripts_and_plain_connections_and_slides() {
    let stage = Stage::new().await;
    member(&stage, EMAIL).await;
    for (secure, end) in [(true, "; Secure"), (false, "")] {
        let mut browser = Browser::new(&stage, HERE);
        browser.secure = secure;
        let first = browser.sign_in(EMAIL, PASSWORD).await;
        let cookie = first.headers["set-cookie"].to_str().expect("text").to_owned();
        let secret = cookie.strip_prefix("tayang_session=").and_then(|rest| rest.split(';').next()).expect("named");
        assert_eq!(secret.len(), 48);
        assert_eq!(cookie, format!("tayang_session={secret}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax{end}"));
        let again = browser.get("/api/v1/session").await;
        assert_eq!(again.headers["set-cookie"], cookie, "as long again");
        assert_eq!(again.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn what_changes_something_needs_the_token_of_the_page_with_a_cookie_and_none_with_a_bearer_token() {
    let stage = Stage::new().await;
    let mut browser = member(&stage, EMAIL).await;
    let right = browser.csrf.take();
    let change = json!({ "name": "Siti A." });
    for csrf in [None, Some(String::new()), Some("salah".to_owned()), Some(api::auth::csrf_token("another session"))] {
        browser.csrf = csrf;
        let answer = browser.ask(Method::PATCH, "/api/v1/me", Some(change.clone())).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::FORBIDDEN, "csrf"), "{:?}", browser.csrf);
        let answer = browser.ask(Method::DELETE, "/api/v1/session", None).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::FORBIDDEN, "csrf"), "nobody else signs one out");
    }
    assert_eq!(browser.get("/api/v1/me").await.status, StatusCode::OK, "what changes nothing needs none");
    browser.csrf = right;
    let answer = browser.ask(Method::PATCH, "/api/v1/me", Some(change.clone())).await;
    assert_eq!((answer.status, &answer.json["name"]), (StatusCode::OK, &json!("Siti A.")));
    let sign_in = json!({ "email": EMAIL, "password": PASSWORD, "bearer": true });
    let answer = stage.post(None, "/api/v1/session", sign_in).await;
    assert!(answer.headers.get("set-cookie").is_none() && answer.json["csrf_token"].is_null());
    let token = answer.json["token"].as_str().expect("a token").to_owned();
    let actor = stage::Actor { id: account(&stage, EMAIL).await.id, token: token.clone() };
    let answer = stage.ask(Some(&actor), Method::PATCH, "/api/v1/me", Some(change)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut thief = Browser::new(&stage, HERE);
    thief.cookies.insert("tayang_session".to_owned(), token);
    assert_eq!(thief.user().await, Value::Null, "a bearer token is no cookie");
}

#[tokio::test]
async fn an_address_that_has_an_account_answers_like_one_that_has_none() {
    let stage = Stage::new().await;
    member(&stage, EMAIL).await;
    let before = stage.letterbox.mails().len();
    let mut browser = Browser::new(&stage, HERE);
    let mut answers = Vec::new();
    for email in [EMAIL, "baru@example.test"] {
        for (path, body) in
            [("/api/v1/accounts", newcomer(email)), ("/api/v1/password/forgotten", json!({ "email": email }))]
        {
            let begun = Instant::now();
            let answer = browser.post(path, body).await;
            assert!(begun.elapsed() >= Duration::from_millis(250), "{path} takes as long whoever is asked about");
            answers.push((answer.status, answer.bytes.clone()));
        }
    }
    assert_eq!(answers[..2], answers[2..]);
    let told: Vec<(String, String)> =
        stage.letterbox.mails()[before..].iter().map(|mail| (mail.to.clone(), mail.subject.clone())).collect();
    let told: Vec<_> = told.iter().map(|(to, subject)| (to.as_str(), subject.as_str())).collect();
    assert_eq!(
        told,
        [
            (EMAIL, "Anda sudah memiliki akun"),
            (EMAIL, "Pilih kata sandi baru"),
            ("baru@example.test", "Konfirmasi alamat e-mail Anda"),
            ("baru@example.test", "Pilih kata sandi baru"),
        ]
    );
    let nobody = browser.post("/api/v1/password/forgotten", json!({ "email": "bukan@example.test" })).await;
    assert_eq!((nobody.status, nobody.bytes), (answers[1].0, answers[1].1.clone()));
    assert_eq!(stage.letterbox.mails().len(), before + 4, "nobody is written to");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_and_last_the_same() {
    let stage = Stage::new().await;
    member(&stage, EMAIL).await;
    let mut spent = [Vec::new(), Vec::new()];
    let mut said = Vec::new();
    for round in 0..4u8 {
        for (n, email) in [EMAIL, "bukan@example.test"].into_iter().enumerate() {
            let mut browser = Browser::new(&stage, [198, 51, 100, round]);
            let begun = Instant::now();
            let answer = browser.sign_in(email, "sesuatu yang lain").await;
            spent[n].push(begun.elapsed());
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            said.push(answer.bytes);
        }
    }
    assert!(said.iter().all(|bytes| *bytes == said[0]), "the same text");
    let least = spent.map(|all| all.into_iter().min().expect("four"));
    let (known, unknown) = (least[0].as_secs_f64(), least[1].as_secs_f64());
    assert!(unknown > known / 2.0 && known > unknown / 2.0, "{least:?}: a hash is computed either way");
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_said_field_by_field() {
    let stage = Stage::new().await;
    let wrong = json!({ "email": "siti", "password": "pendek", "name": " ", "locale": "fr", "zone": "Bulan/Kawah" });
    let answer = stage.post(None, "/api/v1/accounts", wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> =
        answer.json["errors"].as_array().expect("a list").iter().filter_map(|e| e["field"].as_str()).collect();
    assert_eq!(fields, ["email", "name", "locale", "zone", "password"]);
    for (email, password) in
        [("operator@localhost", PASSWORD), (EMAIL, "siti@example.test"), (EMAIL, "Siti Aminah"), (EMAIL, "password123")]
    {
        let mut body = newcomer(email);
        body["password"] = json!(password);
        let answer = stage.post(None, "/api/v1/accounts", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{email} {password}");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(password), "no error repeats a password");
    }
    assert!(stage.letterbox.mails().is_empty());
}

#[tokio::test]
async fn sign_up_is_closed_where_the_operator_says_so() {
    let settings = Settings { sign_up: false, ..Stage::settings() };
    let stage = Stage::with(Arc::new(Silence), settings).await;
    let answer = stage.post(None, "/api/v1/accounts", newcomer(EMAIL)).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::FORBIDDEN, "sign-up-closed"));
}

#[tokio::test]
async fn a_mail_never_holds_a_host_that_a_stranger_named() {
    let stage = Stage::with(Arc::new(Silence), Settings { public_url: None, ..Stage::settings() }).await;
    let ask = |host: &'static str| {
        let request = http::Request::post("/api/v1/accounts")
            .header("host", host)
            .header("content-type", "application/json")
            .body(http_body_util::Full::new(newcomer(EMAIL).to_string().into()))
            .expect("a request");
        stage.send(request)
    };
    let answer = ask("evil.example").await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::CONFLICT, "no-public-url"));
    assert!(stage.letterbox.mails().is_empty());
    assert_eq!(ask("127.0.0.1:8080").await.status, StatusCode::ACCEPTED);
    assert!(stage.letterbox.mails()[0].body.contains("https://127.0.0.1:8080/mymentor/link#"));
}

#[tokio::test]
async fn ten_wrong_passwords_and_one_waits_also_after_a_restart() {
    let stage = Stage::new().await;
    member(&stage, EMAIL).await;
    for n in 0..10 {
        let answer = Browser::new(&stage, [198, 51, 100, n]).sign_in(EMAIL, "sesuatu yang lain").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    let mut elsewhere = Browser::new(&stage, [192, 0, 2, 1]);
    let answer = elsewhere.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "not even with the right one");
    let seconds: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((800..=900).contains(&seconds), "{seconds}");
    let restarted = stage.restarted().await;
    let answer = Browser::new(&restarted, [192, 0, 2, 2]).sign_in(EMAIL, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "it is not forgotten");
    elsewhere.post("/api/v1/password/forgotten", json!({ "email": EMAIL })).await;
    let token = token_of(&stage.letterbox.mails().pop().expect("a mail"));
    let answer = elsewhere.post("/api/v1/password", json!({ "token": token, "password": "gajah lampu merah" })).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "who owns the mailbox is not locked out");
    let unknown = Browser::new(&stage, [192, 0, 2, 3]).sign_in("bukan@example.test", PASSWORD).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED, "others do not wait");
}

#[tokio::test]
async fn ten_wrong_passwords_from_one_address_and_it_waits_whatever_the_account() {
    let stage = Stage::new().await;
    member(&stage, EMAIL).await;
    let mut browser = Browser::new(&stage, [198, 51, 100, 1]);
    for n in 0..10 {
        let answer = browser.sign_in(&format!("orang{n}@example.test"), "sesuatu yang lain").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(Browser::new(&stage, [198, 51, 100, 2]).sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK);
    let mut behind = Browser::new(&stage, [198, 51, 100, 3]);
    for _ in 0..12 {
        assert_eq!(behind.sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK, "what is right is not counted");
    }
}

#[tokio::test]
async fn links_and_mails_have_their_shares_too() {
    let stage = Stage::new().await;
    let mut browser = Browser::new(&stage, HERE);
    let mut last = StatusCode::OK;
    for _ in 0..31 {
        last = browser.post("/api/v1/session/link", json!({ "token": "tebakan" })).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let mut statuses = Vec::new();
    for n in 0..6u8 {
        let mut browser = Browser::new(&stage, [198, 51, 100, n]);
        statuses
            .push(browser.post("/api/v1/password/forgotten", json!({ "email": "bukan@example.test" })).await.status);
    }
    let (mails, refused) = statuses.split_at(5);
    assert!(mails.iter().all(|status| *status == StatusCode::ACCEPTED), "{statuses:?}");
    assert_eq!(refused, [StatusCode::TOO_MANY_REQUESTS], "whether or not there is an account");
}

#[tokio::test]
async fn a_link_that_does_not_hold_says_the_same_whatever_the_reason() {
    let stage = Stage::new().await;
    member(&stage, EMAIL).await;
    let user = account(&stage, EMAIL).await;
    let used = token_of(&stage.letterbox.mails()[0]);
    let long_ago = UnixMillis(stage.state.now().0 - 25 * 3_600_000);
    let entry = |at| AuditEntry::about(at, None, AuditAction::LinkMade, user.id, "");
    let (ended, ended_token) = OneTimeLink::create(user.id, LinkPurpose::SignIn, long_ago);
    stage.repository.create_link(&ended, &entry(long_ago)).await.expect("kept");
    let mut said = Vec::new();
    for token in [used.as_str(), &ended_token.0, "tidak ada", ""] {
        let answer = Browser::new(&stage, HERE).post("/api/v1/session/link", json!({ "token": token })).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "void-link"));
        said.push(answer.bytes);
    }
    assert!(said.iter().all(|bytes| *bytes == said[0]));
    let wrong_use = json!({ "token": used, "password": "gajah lampu merah" });
    let answer = Browser::new(&stage, HERE).post("/api/v1/password", wrong_use).await;
    assert_eq!(code(&answer), "void-link");
}

#[tokio::test]
async fn a_link_for_a_new_password_leads_to_its_page_and_shown_to_sign_in_says_so() {
    let stage = Stage::new().await;
    let mut mentee = member(&stage, EMAIL).await;
    stage.mentor("guru@example.test").await;
    for (email, page) in [(EMAIL, "/mymentor/password"), ("guru@example.test", "/mymentee/password")] {
        mentee.post("/api/v1/password/forgotten", json!({ "email": email })).await;
        let mail = stage.letterbox.mails().pop().expect("a mail");
        assert!(mail.body.contains(&format!("https://tayang.test{page}#")), "{}", mail.body);
        let shown = json!({ "token": token_of(&mail) });
        let answer = Browser::new(&stage, HERE).post("/api/v1/session/link", shown).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "reset-link"));
        assert!(answer.json["detail"].as_str().expect("a detail").contains(page));
        let chosen = json!({ "token": token_of(&mail), "password": "gajah lampu merah" });
        let answer = Browser::new(&stage, HERE).post("/api/v1/password", chosen).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "the link is not used up by that");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_and_signs_out_all_devices() {
    let stage = Stage::new().await;
    let mut old = member(&stage, EMAIL).await;
    let mut browser = Browser::new(&stage, HERE);
    browser.post("/api/v1/password/forgotten", json!({ "email": EMAIL })).await;
    let token = token_of(&stage.letterbox.mails().pop().expect("a mail"));
    let choose = |password: &str| json!({ "token": token, "password": password });
    let answer = browser.post("/api/v1/password", choose("pendek")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "the link is not used up by that");
    assert_eq!(browser.post("/api/v1/password", choose("gajah lampu merah")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(code(&browser.post("/api/v1/password", choose("lampu merah gajah")).await), "void-link");
    assert_eq!(old.user().await, Value::Null, "at once");
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.sign_in(EMAIL, "gajah lampu merah").await.status, StatusCode::OK);
    assert_eq!(stage.letterbox.mails().pop().expect("a mail").subject, "Kata sandi Anda telah diubah");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_others_are_signed_out() {
    let stage = Stage::new().await;
    let mut here = member(&stage, EMAIL).await;
    let mut there = Browser::new(&stage, HERE);
    there.sign_in(EMAIL, PASSWORD).await;
    let change = |current: Value| json!({ "current_password": current, "password": "gajah lampu merah" });
    for wrong in [json!("sesuatu yang lain"), Value::Null] {
        let answer = here.post("/api/v1/password", change(wrong)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.json["errors"][0]["field"], "current_password");
    }
    let query = control::audit::AuditQuery { action: Some(AuditAction::SignInFailed), ..Default::default() };
    let journal = stage.repository.audit(&query, 10).await.expect("read");
    assert_eq!(journal.len(), 1, "a wrong one is in the journal: {journal:?}");
    let stranger = Browser::new(&stage, HERE).post("/api/v1/password", change(json!(PASSWORD))).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(here.post("/api/v1/password", change(json!(PASSWORD))).await.status, StatusCode::NO_CONTENT);
    assert_eq!(here.user().await["email"], EMAIL, "goes on");
    assert_eq!(there.user().await, Value::Null);
    let link_only = stage.mentor("mentor@example.test").await;
    let answer = stage.post(Some(&link_only), "/api/v1/password", json!({ "password": "gajah lampu merah" })).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "who has none chooses one");
    let answer = stage.post(Some(&link_only), "/api/v1/password", json!({ "password": "lampu merah gajah" })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "and shows it from then on");
}

#[tokio::test]
async fn devices_are_listed_and_signed_out_one_by_one_or_all() {
    let stage = Stage::new().await;
    let mut here = member(&stage, EMAIL).await;
    let mut there = Browser::new(&stage, HERE);
    there.sign_in(EMAIL, PASSWORD).await;
    let devices = here.get("/api/v1/sessions").await.json["items"].as_array().expect("a list").clone();
    assert_eq!(devices.len(), 2);
    let other = devices.iter().find(|device| device["current"] == false).expect("the other");
    assert_eq!((&other["label"], &other["kind"]), (&json!("Peramban/1.0"), &json!("browser")));
    let path = format!("/api/v1/sessions/{}", other["id"].as_str().expect("an id"));
    let mut stranger = member(&stage, "lain@example.test").await;
    assert_eq!(stranger.ask(Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(there.user().await["email"], EMAIL);
    assert_eq!(here.ask(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(there.user().await, Value::Null, "at once");
    assert_eq!(here.ask(Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    there.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(there.ask(Method::DELETE, "/api/v1/session?everywhere=true", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!((here.user().await, there.user().await), (Value::Null, Value::Null));
    assert!(there.cookies.is_empty(), "the cookie is removed");
    assert_eq!(
        there.ask(Method::DELETE, "/api/v1/session", None).await.status,
        StatusCode::NO_CONTENT,
        "again is fine"
    );
    assert_eq!(here.get("/api/v1/sessions").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ended_by_another_server_ends_here_within_five_seconds() {
    let stage = Stage::new().await;
    let mut here = member(&stage, EMAIL).await;
    assert_eq!(here.user().await["email"], EMAIL);
    let other_server = stage.restarted().await;
    let mut there = Browser::new(&other_server, HERE);
    (there.cookies, there.csrf) = (here.cookies.clone(), here.csrf.clone());
    assert_eq!(there.ask(Method::DELETE, "/api/v1/session", None).await.status, StatusCode::NO_CONTENT);
    let begun = Instant::now();
    while here.user().await != Value::Null {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn signing_in_gives_a_new_secret_and_ends_what_the_browser_had() {
    let stage = Stage::new().await;
    let mut browser = member(&stage, EMAIL).await;
    let mut thief = Browser::new(&stage, HERE);
    thief.cookies = browser.cookies.clone();
    assert_eq!(thief.user().await["email"], EMAIL);
    browser.sign_in(EMAIL, PASSWORD).await;
    assert_ne!(browser.cookies, thief.cookies);
    assert_eq!(thief.user().await, Value::Null, "a secret fixed before is worth nothing");
    let devices = browser.get("/api/v1/sessions").await.json["items"].as_array().expect("a list").len();
    assert_eq!(devices, 1);
}

#[tokio::test]
async fn who_is_suspended_is_out_at_once_and_told_so_only_with_the_right_password() {
    let stage = Stage::new().await;
    let mut browser = member(&stage, EMAIL).await;
    let user = account(&stage, EMAIL).await;
    let operator = stage.operator("operator@example.test").await;
    let path = format!("/api/v1/users/{}", user.id);
    let answer = stage.ask(Some(&operator), Method::PATCH, &path, Some(json!({ "suspended": true }))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    assert_eq!(browser.user().await, Value::Null);
    assert_eq!(code(&browser.sign_in(EMAIL, PASSWORD).await), "suspended");
    assert_eq!(code(&browser.sign_in(EMAIL, "sesuatu yang lain").await), "wrong-credentials");
    let mails = stage.letterbox.mails().len();
    browser.post("/api/v1/password/forgotten", json!({ "email": EMAIL })).await;
    assert_eq!(stage.letterbox.mails().len(), mails);
    let restore = UserChange { suspended: Some(false), ..UserChange::default() };
    stage.repository.change_user(user.id, None, &restore, None, stage.state.now()).await.expect("restored");
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_profile_changes_by_the_version_that_was_read() {
    let stage = Stage::new().await;
    let mentor = stage.person("mentor@example.test", Roles { mentor: true, ..Roles::default() }).await;
    let first = stage.get(Some(&mentor), "/api/v1/me").await;
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let ask = |method: Method, name: &'static str, tag: String, body: Value| {
        let request = http::Request::builder().method(method).uri("/api/v1/me").header(name, tag);
        let request = request.header("authorization", format!("Bearer {}", mentor.token));
        let request = request.header("content-type", "application/json");
        stage.send(request.body(http_body_util::Full::new(body.to_string().into())).expect("a request"))
    };
    assert_eq!(ask(Method::GET, "if-none-match", tag.clone(), Value::Null).await.status, StatusCode::NOT_MODIFIED);
    let change = json!({ "name": "Pak Budi", "locale": "en", "zone": "Asia/Makassar" });
    let changed = ask(Method::PATCH, "if-match", tag.clone(), change.clone()).await;
    assert_eq!((changed.status, &changed.json["name"]), (StatusCode::OK, &json!("Pak Budi")));
    assert_eq!(ask(Method::PATCH, "if-match", tag.clone(), change).await.status, StatusCode::PRECONDITION_FAILED);
    let again = ask(Method::GET, "if-none-match", tag, Value::Null).await;
    assert_eq!((again.status, &again.json["locale"]), (StatusCode::OK, &json!("en")), "known anew at once");
    let wrong = stage.ask(Some(&mentor), Method::PATCH, "/api/v1/me", Some(json!({ "zone": "x", "name": "" }))).await;
    assert_eq!(wrong.json["errors"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn when_a_session_was_used_is_noted_to_the_minute() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let seen = || async { stage.repository.sessions(mentor.id, stage.state.now()).await.expect("read")[0].seen };
    let before = seen().await;
    stage.get(Some(&mentor), "/api/v1/me").await;
    chores::note_seen(&stage.state).await;
    assert_eq!(seen().await, before, "within a minute of the last time");
    let old = UnixMillis(before.0 - 120_000);
    stage.age_sessions(old).await;
    let restarted = stage.restarted().await;
    restarted.get(Some(&mentor), "/api/v1/me").await;
    chores::note_seen(&restarted.state).await;
    assert!(seen().await > before);
    let session = stage.repository.sessions(mentor.id, stage.state.now()).await.expect("read").remove(0);
    assert_eq!(session.expires.0 - session.seen.0, 30 * 24 * 3_600_000, "and it holds a month from then");
}
