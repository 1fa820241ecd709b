//! Passkeys: added, signed in with, listed, removed; and everything that is not taken for one.

#[path = "stage/browser.rs"]
mod browser;
#[path = "stage/device.rs"]
mod device;
#[path = "stage/stage.rs"]
mod stage;

use std::sync::Arc;

use api::Settings;
use api::passkeys::challenge::{self, Challenge};
use browser::Browser;
use control::UserId;
use control::air::Silence;
use control::audit::{AuditAction, AuditEntry, AuditQuery};
use control::identity::UserChange;
use control::passkeys::{Answered, PASSKEYS_MAX, Passkey};
use device::Device;
use http::{Method, StatusCode};
use media::UnixMillis;
use serde_json::{Value, json};
use stage::{Actor, Answer, Stage};

const EMAIL: &str = "siti@example.test";
const MINE: &str = "/api/v1/me/passkeys";
const HERE: [u8; 4] = [203, 0, 113, 7];

/// Makes a device say something else.
type Bend<'a> = &'a dyn Fn(&mut Device);

fn code(answer: &Answer) -> &str {
    answer.json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
}

async fn may_add(stage: &Stage, who: &Actor) -> Value {
    let answer = stage.post(Some(who), "/api/v1/me/passkeys/options", json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    answer.json
}

fn new_passkey(asked: &Value, credential: &Value) -> Value {
    json!({ "challenge": asked["challenge"], "credential": credential, "name": " Ponsel Siti " })
}

/// Adds the device's passkey to somebody's account.
async fn add(stage: &Stage, who: &Actor, device: &mut Device) -> Answer {
    let asked = may_add(stage, who).await;
    let made = device.make(&asked["public_key"]);
    stage.post(Some(who), MINE, new_passkey(&asked, &made)).await
}

/// Siti with a passkey on a device.
async fn siti(stage: &Stage) -> (Actor, Device) {
    let (siti, mut device) = (stage.mentee(EMAIL).await, Device::new(1));
    let added = add(stage, &siti, &mut device).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.json);
    (siti, device)
}

async fn asked(stage: &Stage) -> Value {
    let answer = stage.post(None, "/api/v1/session/passkey/options", json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    answer.json
}

fn shown(asked: &Value, device: &Device) -> Value {
    json!({ "challenge": asked["challenge"], "credential": device.answer(&asked["public_key"]) })
}

async fn sign_in(stage: &Stage, device: &Device) -> Answer {
    let asked = asked(stage).await;
    Browser::new(stage, HERE).post("/api/v1/session/passkey", shown(&asked, device)).await
}

async fn journal(stage: &Stage) -> Vec<AuditEntry> {
    stage.repository.audit(&AuditQuery::default(), 100).await.expect("read")
}

async fn suspend(stage: &Stage, who: UserId, suspended: bool) {
    let change = UserChange { suspended: Some(suspended), ..UserChange::default() };
    stage.repository.change_user(who, None, &change, None, stage.state.now()).await.expect("changed");
}

#[tokio::test]
async fn who_adds_a_passkey_signs_in_with_it_and_nothing_else() {
    let stage = Stage::new().await;
    assert_eq!(stage.get(None, "/api/v1/session").await.json["passkeys"], json!(true));
    let (siti, mut device) = siti(&stage).await;
    let listed = stage.get(Some(&siti), MINE).await.json["items"][0].clone();
    assert_eq!((&listed["name"], &listed["used_at"]), (&json!("Ponsel Siti"), &Value::Null));
    let told = stage.letterbox.mails().pop().expect("a mail");
    assert_eq!((told.to.as_str(), told.subject.as_str()), (EMAIL, "Passkey ditambahkan ke akun Anda"));

    device.counter = 1;
    let asked = asked(&stage).await;
    let options = &asked["public_key"];
    assert_eq!((&options["rpId"], &options["userVerification"]), (&json!("tayang.test"), &json!("required")));
    assert_eq!(options["allowCredentials"], json!([]), "whoever it is");
    let mut browser = Browser::new(&stage, HERE);
    let answer = browser.post("/api/v1/session/passkey", shown(&asked, &device)).await;
    assert_eq!((answer.status, &answer.json["user"]["email"]), (StatusCode::OK, &json!(EMAIL)), "{}", answer.json);
    assert!(answer.json["csrf_token"].is_string() && answer.json.get("token").is_none());
    assert_eq!(browser.user().await["email"], EMAIL, "the cookie holds");
    let used = stage.get(Some(&siti), MINE).await.json["items"][0]["used_at"].clone();
    assert!(used.is_string(), "{used}");

    device.counter = 2;
    let asked = self::asked(&stage).await;
    let mut by_program = shown(&asked, &device);
    by_program["bearer"] = json!(true);
    let answer = stage.post(None, "/api/v1/session/passkey", by_program).await;
    let token = answer.json["token"].as_str().expect("a token").to_owned();
    let me = stage.get(Some(&Actor { id: siti.id, token }), "/api/v1/me").await;
    assert_eq!(me.json["email"], EMAIL);
    let lines = journal(&stage).await;
    let said = |action, detail: &str| lines.iter().any(|line| line.action == action && line.detail.contains(detail));
    assert!(
        said(AuditAction::PasskeyAdded, "127.0.0.1") && said(AuditAction::SignedIn, "by passkey, from 203.0.113.7")
    );
}

#[tokio::test]
async fn what_is_kept_of_a_passkey_is_what_versions_to_come_must_read() {
    let stage = Stage::new().await;
    let (siti, _) = siti(&stage).await;
    let kept = stage.repository.passkeys(siti.id).await.expect("read").remove(0);
    assert_eq!(
        (kept.key.as_str(), kept.state.as_str()),
        ("AW_wO5SSQc4drdQ1GeaWDgqFtBppoFwygQOqK84VlMoWAAAA", "AQAAAAAAAQ")
    );
}

#[tokio::test]
async fn another_server_on_the_same_database_takes_the_answer_and_none_takes_it_twice() {
    let stage = Stage::new().await;
    let (siti, device) = siti(&stage).await;
    let other = stage.restarted().await;
    let asked = asked(&stage).await;
    let answer = shown(&asked, &device);
    assert_eq!(other.post(None, "/api/v1/session/passkey", answer.clone()).await.status, StatusCode::OK);
    for server in [&stage, &other] {
        let again = server.post(None, "/api/v1/session/passkey", answer.clone()).await;
        assert_eq!((again.status, code(&again)), (StatusCode::UNAUTHORIZED, "wrong-passkey"));
    }
    let asked = may_add(&stage, &siti).await;
    let new = new_passkey(&asked, &Device::new(2).make(&asked["public_key"]));
    let added = stage.post(Some(&siti), MINE, new.clone()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.json);
    let path = format!("{MINE}/{}", added.json["id"].as_str().expect("an id"));
    assert_eq!(stage.ask(Some(&siti), Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        code(&other.post(Some(&siti), MINE, new).await),
        "void-challenge",
        "what was removed does not come back"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_hold_signs_nobody_in_and_the_journal_says_why() {
    let stage = Stage::new().await;
    let (_, device) = siti(&stage).await;
    let other = stage.mentee("lain@example.test").await;
    let mut theirs = Device::new(2);
    add(&stage, &other, &mut theirs).await;
    let bent: [(&str, Bend); 6] = [
        ("page of another server", &|device| device.origin = "https://tayang.test.evil.example".to_owned()),
        ("page of another server", &|device| device.origin = "http://tayang.test".to_owned()),
        ("is of another server", &|device| device.rp_id = "evil.example".to_owned()),
        ("did not ask for a finger", &|device| device.flags = 0x01),
        ("somebody else's", &|device| device.handle.clone_from(&theirs.handle)),
        ("unknown passkey", &|device| {
            *device = device.forged();
        }),
    ];
    for (at, (why, bend)) in bent.into_iter().enumerate() {
        let mut bad = device.clone();
        bend(&mut bad);
        let answer = sign_in(&stage, &bad).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::UNAUTHORIZED, "wrong-passkey"), "{why}");
        // Lines of one millisecond are in no order.
        let mut lines = journal(&stage).await;
        lines.retain(|line| line.action == AuditAction::SignInFailed);
        assert_eq!(lines.len(), at + 1, "{why}");
        assert!(lines.iter().any(|line| line.detail.contains(why)), "{why}: {lines:?}");
    }
    let (one, two) = (asked(&stage).await, asked(&stage).await);
    let mut crossed = shown(&one, &device);
    crossed["challenge"] = two["challenge"].clone();
    assert_eq!(code(&stage.post(None, "/api/v1/session/passkey", crossed).await), "wrong-passkey");
    let mut forged = shown(&one, &device);
    let signature = theirs.answer(&one["public_key"])["response"]["signature"].clone();
    forged["credential"]["response"]["signature"] = signature;
    assert_eq!(code(&stage.post(None, "/api/v1/session/passkey", forged).await), "wrong-passkey");
    let none = json!({ "challenge": one["challenge"], "credential": { "id": "x" } });
    let answer = stage.post(None, "/api/v1/session/passkey", none).await;
    assert_eq!(
        (answer.status, &answer.json["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("credential"))
    );
    assert_eq!(sign_in(&stage, &device).await.status, StatusCode::OK, "as it was, it holds");
}

#[tokio::test]
async fn a_challenge_that_ended_was_forged_or_was_for_something_else_is_void() {
    let stage = Stage::new().await;
    let (siti, device) = siti(&stage).await;
    let keys = challenge::keys(&stage.state).await.expect("keys");
    let ended = |sealed: &Value, adds_to| {
        let challenge = Challenge::open(sealed.as_str().expect("text"), &keys, adds_to, UnixMillis(0));
        let mut challenge = challenge.expect("one of ours");
        challenge.expires_ms = stage.state.now().0;
        challenge.sealed(&keys)
    };
    let asked = asked(&stage).await;
    let to_add = may_add(&stage, &siti).await;
    for void in [json!(ended(&asked["challenge"], None)), json!("x.y"), to_add["challenge"].clone()] {
        let mut answer = shown(&asked, &device);
        answer["challenge"] = void;
        let answer = stage.post(None, "/api/v1/session/passkey", answer).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "void-challenge"));
    }
    let other = stage.mentee("lain@example.test").await;
    let others = may_add(&stage, &other).await;
    let made = Device::new(3).make(&to_add["public_key"]);
    for void in
        [json!(ended(&to_add["challenge"], Some(siti.id))), asked["challenge"].clone(), others["challenge"].clone()]
    {
        let mut new = new_passkey(&to_add, &made);
        new["challenge"] = void;
        let answer = stage.post(Some(&siti), MINE, new).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "void-challenge"));
    }
}

#[tokio::test]
async fn a_counter_that_goes_back_is_a_copy_and_signs_nobody_in() {
    let stage = Stage::new().await;
    let (_, mut device) = siti(&stage).await;
    device.counter = 7;
    assert_eq!(sign_in(&stage, &device).await.status, StatusCode::OK);
    for counter in [7, 6, 0] {
        device.counter = counter;
        assert_eq!(code(&sign_in(&stage, &device).await), "wrong-passkey", "{counter}");
        assert!(journal(&stage).await.iter().any(|line| line.detail.contains("went back")));
    }
    device.counter = 8;
    assert_eq!(sign_in(&stage, &device).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_suspended_is_told_so_and_does_not_come_in() {
    let stage = Stage::new().await;
    let (siti, device) = siti(&stage).await;
    suspend(&stage, siti.id, true).await;
    let answer = sign_in(&stage, &device).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::FORBIDDEN, "suspended"));
    let stranger = device.forged();
    assert_eq!(code(&sign_in(&stage, &stranger).await), "wrong-passkey", "who has not shown the key is told nothing");
    suspend(&stage, siti.id, false).await;
    assert_eq!(sign_in(&stage, &device).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_passkey_is_added_by_who_knows_the_password_and_removed_by_its_owner() {
    let stage = Stage::new().await;
    let siti = stage.mentee(EMAIL).await;
    let options = "/api/v1/me/passkeys/options";
    let chosen = stage.post(Some(&siti), "/api/v1/password", json!({ "password": "kuda baterai staples" })).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT);
    for (current, word) in [(Value::Null, "required"), (json!("gajah lampu merah"), "mismatch")] {
        let answer = stage.post(Some(&siti), options, json!({ "current_password": current })).await;
        let error = &answer.json["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!("current_password"), &json!(word)), "{}", answer.json);
    }
    for _ in 0..12 {
        let right = stage.post(Some(&siti), options, json!({ "current_password": "kuda baterai staples" })).await;
        assert_eq!(right.status, StatusCode::OK, "what is right is no wrong try: {}", right.json);
    }
    let asked = stage.post(Some(&siti), options, json!({ "current_password": "kuda baterai staples" })).await.json;
    let chosen = &asked["public_key"]["authenticatorSelection"];
    assert_eq!((&chosen["residentKey"], &chosen["userVerification"]), (&json!("required"), &json!("required")));
    assert_eq!(
        (&asked["public_key"]["attestation"], &asked["public_key"]["user"]["name"]),
        (&json!("none"), &json!(EMAIL))
    );
    let enforced = &asked["public_key"]["extensions"]["enforceCredentialProtectionPolicy"];
    assert_eq!(enforced, &json!(false), "or phones make none");
    let mut device = Device::new(1);
    let made = device.make(&asked["public_key"]);
    for (name, word) in [("", "required"), ("a\nb", "characters"), (&*"x".repeat(61), "too_long")] {
        let mut new = new_passkey(&asked, &made);
        new["name"] = json!(name);
        assert_eq!(stage.post(Some(&siti), MINE, new).await.json["errors"][0]["code"], word);
    }
    let added = stage.post(Some(&siti), MINE, new_passkey(&asked, &made)).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.json);
    let other = stage.mentee("lain@example.test").await;
    assert_eq!(code(&add(&stage, &other, &mut device.clone()).await), "exists", "it is somebody's");
    let path = format!("{MINE}/{}", added.json["id"].as_str().expect("an id"));
    assert_eq!(stage.ask(Some(&other), Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    let mut browser = Browser::new(&stage, HERE);
    let answer = browser.post("/api/v1/session/passkey", shown(&self::asked(&stage).await, &device)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    assert_eq!(stage.ask(Some(&siti), Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(browser.user().await["email"], EMAIL, "who signed in with it stays in");
    assert_eq!(code(&sign_in(&stage, &device).await), "wrong-passkey");
    assert_eq!(stage.get(Some(&siti), MINE).await.json["items"], json!([]));
    let removed = journal(&stage).await.into_iter().find(|line| line.action == AuditAction::PasskeyRemoved);
    assert_eq!(removed.expect("a line").actor, Some(siti.id));
}

#[tokio::test]
async fn who_chooses_a_password_by_mail_has_their_account_back_without_passkeys_of_others() {
    let stage = Stage::new().await;
    let (siti, device) = siti(&stage).await;
    assert_eq!(sign_in(&stage, &device).await.status, StatusCode::OK);
    stage.post(None, "/api/v1/password/forgotten", json!({ "email": EMAIL })).await;
    let mail = stage.letterbox.mails().pop().expect("a mail");
    let token =
        mail.body.split_once("/password#").expect("a link").1.split_whitespace().next().expect("a token").to_owned();
    let chosen = json!({ "token": token, "password": "gajah lampu merah" });
    let answer = stage.post(None, "/api/v1/password", chosen).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.json);
    assert_eq!(code(&sign_in(&stage, &device).await), "wrong-passkey");
    assert_eq!(stage.repository.passkeys(siti.id).await.expect("read"), []);
}

#[tokio::test]
async fn a_new_passkey_that_does_not_hold_is_not_kept() {
    let stage = Stage::new().await;
    let siti = stage.mentee(EMAIL).await;
    let bent: [Bend; 3] = [
        &|device| device.origin = "https://evil.example".to_owned(),
        &|device| device.rp_id = "evil.example".to_owned(),
        &|device| device.flags = 0x01,
    ];
    for bend in bent {
        let mut device = Device::new(1);
        bend(&mut device);
        let answer = add(&stage, &siti, &mut device).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"), "{}", answer.json);
        assert_eq!(answer.json["errors"][0]["code"], "not_allowed");
    }
    assert_eq!(stage.get(Some(&siti), MINE).await.json["items"], json!([]));
}

#[tokio::test]
async fn twenty_passkeys_are_enough_and_the_device_is_told_of_all() {
    let stage = Stage::new().await;
    let (siti, _) = siti(&stage).await;
    let kept = stage.repository.passkeys(siti.id).await.expect("read").remove(0);
    for n in 1..PASSKEYS_MAX {
        let made = control::PasskeyId::new(UnixMillis(n));
        let next = Passkey { id: made, credential: format!("{}{n:02}", "A".repeat(42)), ..kept.clone() };
        let entry = AuditEntry::about(UnixMillis(n), None, AuditAction::PasskeyAdded, siti.id, "");
        let answered = Answered { challenge: control::KeyHash::of(&next.credential), expires: UnixMillis(n) };
        if n == PASSKEYS_MAX - 1 {
            let asked = may_add(&stage, &siti).await;
            assert_eq!(asked["public_key"]["excludeCredentials"].as_array().map(Vec::len), Some(19));
        }
        stage.repository.add_passkey(&next, answered, &entry).await.expect("added");
    }
    let answer = stage.post(Some(&siti), "/api/v1/me/passkeys/options", json!({})).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::CONFLICT, "too-many"));
}

#[tokio::test]
async fn a_server_without_a_safe_address_takes_no_passkeys_and_says_what_to_set() {
    for public_url in [None, Some("http://tayang.test".to_owned()), Some("https://192.0.2.7".to_owned())] {
        let settings = Settings { public_url, ..Stage::settings() };
        let stage = Stage::with(Arc::new(Silence), settings).await;
        let siti = stage.mentee(EMAIL).await;
        assert_eq!(stage.get(None, "/api/v1/session").await.json["passkeys"], json!(false));
        for (who, path) in [(None, "/api/v1/session/passkey/options"), (Some(&siti), "/api/v1/me/passkeys/options")] {
            let answer = stage.post(who, path, json!({})).await;
            assert_eq!((answer.status, code(&answer)), (StatusCode::CONFLICT, "passkeys-off"), "{path}");
            assert!(answer.json["detail"].as_str().is_some_and(|said| said.contains("public_url")));
        }
    }
}

#[tokio::test]
async fn challenges_and_tries_are_paced_by_network() {
    let stage = Stage::new().await;
    let (_, device) = siti(&stage).await;
    let mut browser = Browser::new(&stage, HERE);
    let asked = asked(&stage).await;
    let stranger = shown(&asked, &device.forged());
    for _ in 0..30 {
        assert_eq!(code(&browser.post("/api/v1/session/passkey", stranger.clone()).await), "wrong-passkey");
    }
    assert_eq!(code(&browser.post("/api/v1/session/passkey", stranger.clone()).await), "too-fast");
    let mut given = 0;
    while browser.post("/api/v1/session/passkey/options", json!({})).await.status == StatusCode::OK {
        given += 1;
        assert!(given < 20_000, "for ever");
    }
    assert!(given >= 2_000, "an evening behind one address of a mobile network: {given}");
    assert_eq!(sign_in_from(&stage, [198, 51, 100, 3], &device).await.status, StatusCode::OK, "elsewhere all is well");
}

async fn sign_in_from(stage: &Stage, address: [u8; 4], device: &Device) -> Answer {
    let mut browser = Browser::new(stage, address);
    let asked = browser.post("/api/v1/session/passkey/options", json!({})).await.json;
    browser.post("/api/v1/session/passkey", shown(&asked, device)).await
}
