//! How people get into their app in a browser: by a provider of OpenID Connect, a real one from npm, and by
//! an account of their own, with the mails that belong to it, and by passkey.

#[path = "../../crates/api/tests/oidc/provider.rs"]
mod provider;

use e2e::server::Options;
use e2e::story::{PHONE, Story};
use e2e::{Server, gate, signal};
use provider::{CLIENT, Provider};
use serde_json::{Value, json};

#[test]
fn who_signs_in_at_their_school_comes_to_where_they_wanted_to_go_and_who_is_refused_is_told() {
    let _turn = gate::one_of("browser");
    let Some(provider) = Provider::start() else { return };
    let (client, secret) = CLIENT;
    let config = format!(
        "[oidc]\nname = \"Sekolah\"\nissuer = \"{}\"\nclient_id = \"{client}\"\nclient_secret = \"{secret}\"\n",
        provider.origin
    );
    let server = Server::start_with(Options { config, ..Options::default() });
    server.keep_secret(secret);
    let links = json!({ "provider": provider.origin });
    let told = Story::begin(&server, "provider", PHONE, "", &links, &signal::ORDINARY).told(Vec::new);
    assert_eq!(told["name"], "Siti Aminah", "{told}");
    assert!(told["refused"].as_str().is_some_and(|said| said.contains("ditolak")), "{told}");
}

#[test]
fn who_makes_an_account_comes_in_by_mail_and_nobody_takes_an_address_that_is_not_theirs() {
    let _turn = gate::one_of("browser");
    let server = Server::start();
    let links = json!({ "mails": server.data_dir().join("mail") });
    let told = Story::begin(&server, "mails", PHONE, "", &links, &signal::ORDINARY).told(Vec::new);
    for secret in told["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        server.keep_secret(secret);
    }
}

#[test]
fn who_adds_a_passkey_signs_in_with_it_until_it_is_removed() {
    let _turn = gate::one_of("browser");
    let config = "public_url = \"http://localhost\"\n".to_owned();
    let server = Server::start_with(Options { config, ..Options::default() });
    let links = json!({ "mails": server.data_dir().join("mail"), "named": "http://localhost" });
    let told = Story::begin(&server, "passkeys", PHONE, "", &links, &signal::ORDINARY).told(Vec::new);
    for secret in told["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        server.keep_secret(secret);
    }
    assert_eq!(told["rp"], "localhost", "{told}");
}
