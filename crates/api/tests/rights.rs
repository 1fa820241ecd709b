//! Who may ask what: every operation of the document, by everybody who can ask and with every state of what they show, in a
//! course for all and in one by invitation.

#[path = "stage/stage.rs"]
mod stage;
#[path = "rights/table.rs"]
mod table;
#[path = "rights/world.rs"]
mod world;

use std::collections::BTreeSet;

use control::teaching::Enrolling;
use http::Method;
use stage::Stage;
use table::{ELSEWHERE, OK, Row, TABLE};
use world::{Caller, World};

#[tokio::test]
async fn every_operation_of_the_document_is_in_the_table() {
    let document = Stage::new().await.get(None, "/api/v1/openapi.json").await.json;
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for verb in item.as_object().expect("operations").keys().filter(|key| key.parse::<Method>().is_ok()) {
            documented.insert(format!("{} {path}", verb.to_uppercase()));
        }
    }
    let listed = TABLE.iter().map(|row| format!("{} {}", row.verb, row.path));
    let listed: BTreeSet<_> = listed.chain(ELSEWHERE.iter().map(|(operation, _)| (*operation).to_owned())).collect();
    assert_eq!(documented, listed);
}

#[tokio::test]
async fn in_a_course_for_all_each_is_answered_as_the_table_says() {
    asked_by_all(Enrolling::Open, |row| row.open).await;
}

#[tokio::test]
async fn in_a_course_by_invitation_each_is_answered_as_the_table_says() {
    asked_by_all(Enrolling::Invitation, |row| row.invited).await;
}

async fn asked_by_all(enrolling: Enrolling, rights: impl Fn(&Row) -> table::Rights) {
    let mut wrong = Vec::new();
    let mut world = World::new(enrolling).await;
    for row in TABLE {
        let method: Method = row.verb.parse().expect("a method");
        let address = address(row.path);
        for who in Caller::ALL {
            let before = world.last_change().await;
            let answer = world.ask(who, &method, &address, row.body).await;
            let (wanted, got) = (wanted(who, row, rights(row)), answer.status.as_u16());
            let is_let_through = answer.status.is_success() || got == 409 || got == 426;
            let is_as_wanted = if wanted == OK { is_let_through } else { got == wanted };
            if !is_as_wanted {
                wrong.push(format!("{who:?} {} {}: {got} and not {wanted}: {}", row.verb, row.path, answer.json));
            }
            if wanted != OK && world.last_change().await != before {
                wrong.push(format!("{who:?} {} {}: refused, and done even so", row.verb, row.path));
            }
            // livego's clients change things by GET.
            if wanted == OK && (method != Method::GET || row.path.starts_with("/control")) {
                world = World::new(enrolling).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wanted(who: Caller, row: &Row, [nobody, outsider, enrolled, banned, other, mentor, operator]: table::Rights) -> u16 {
    match who {
        // What does not hold, or not any more, is worth as much as nothing.
        Caller::Nobody | Caller::Unknown | Caller::Expired | Caller::SignedOut | Caller::Suspended => nobody,
        // livego's clients know no cookies, so that none does any harm.
        Caller::NoCsrf if nobody == 403 => 403,
        // A page that is left can send no token; the id is a secret, and somebody else's.
        Caller::NoCsrf if row.path.ends_with("/end") && row.path.contains("playbacks") => mentor,
        Caller::NoCsrf if row.verb == "GET" => mentor,
        Caller::NoCsrf => 403,
        Caller::Outsider => outsider,
        Caller::Enrolled => enrolled,
        Caller::Banned => banned,
        Caller::OtherMentor => other,
        Caller::Mentor => mentor,
        Caller::Operator => operator,
    }
}

/// The address with the names of the world's things in its braces.
fn address(path: &str) -> String {
    let named = |what: &str| path.replace("{id}", what);
    match path {
        p if p.starts_with("/api/v1/courses/") => named("{course}"),
        p if p.starts_with("/api/v1/lessons/") => named("{lesson}"),
        p if p.starts_with("/api/v1/me/keys/") => named("{key}"),
        p if p.starts_with("/api/v1/me/passkeys/") => named("{passkey}"),
        p if p.starts_with("/api/v1/me/push-subscriptions/") => named("{subscription}"),
        p if p.starts_with("/api/v1/mentors/") => named("{mentor}"),
        p if p.starts_with("/api/v1/sessions/") => named("{session}"),
        p if p.starts_with("/api/v1/users/") => named("{user}"),
        p if p.starts_with("/api/v1/webhooks/") => named("{webhook}"),
        p if p.starts_with("/mentor/") => named("{mentor}").replace("{live_id}", "{lesson}"),
        "/control/get" | "/control/reset" | "/control/delete" => format!("{path}?room=kelas"),
        "/control/push" | "/control/pull" => {
            format!("{path}?oper=start&app=live&name=kelas&url=rtmp://tujuan.example/app/nama")
        }
        "/store-live" => format!("{path}?app=kelas"),
        p => p.replace("{playback_id}", "{playback}"),
    }
}
