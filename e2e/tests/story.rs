//! Mentors and mentees in their apps, on a phone and on a desk: a lesson from its setting to its recording, who gets
//! nothing of it, and how somebody is sent out. Pictures of each step are in `target/stories`.

#[path = "../../crates/events/tests/stand_in/push_service.rs"]
mod push_service;
#[path = "../../crates/events/tests/stand_in/receiver.rs"]
mod receiver;

use e2e::school::{Person, School};
use e2e::server::Options;
use e2e::story::{DESK, PHONE, Size, Story};
use e2e::{Server, gate, signal};
use serde_json::{Value, json};

use push_service::PushService;

/// Attendance after a second, an end soon after the publisher's, and a push service on this machine.
const CONFIG: &str =
    "reconnect_window_s = 1\n[lessons]\nattendance_ms = 1000\n[notices]\nlocal_targets = \"allowed\"\n";
/// A person is sent out within a second; beyond that, what a page needs to show it on a loaded machine.
const OUT_MS_MAX: u64 = 2_000;

fn server() -> Server {
    Server::start_with(Options { config: CONFIG.to_owned(), ..Options::default() })
}

/// A device of somebody's that the server can reach; answers where its messages go.
fn subscribe(school: &School<'_>, who: &Person, service: &PushService) -> String {
    let device = service.subscribe();
    let keys = json!({ "p256dh": device.p256dh, "auth": device.auth });
    school.post(who, "/api/v1/me/push-subscriptions", &json!({ "endpoint": device.endpoint, "keys": keys }));
    device.endpoint
}

fn links(school: &School<'_>, people: &[(&str, &Person, &str)]) -> Value {
    let link = |&(part, person, app): &(&str, &Person, &str)| (part.to_owned(), school.link(&person.email, app).into());
    Value::Object(people.iter().map(link).collect())
}

fn keep_secrets(server: &Server, told: &Value) {
    for secret in told["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        server.keep_secret(secret);
    }
}

fn a_lesson_is_told(size: Size) {
    let _turn = gate::one_of("browser");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = server();
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let [present, absent, stranger] = ["hadir", "absen", "luar"].map(|name| school.person(name, "mentee"));
    let key = school.get(&present, "/api/v1/push/key")["public_key"].as_str().expect("a key").to_owned();
    let service = runtime.block_on(PushService::start(key));
    let device = subscribe(&school, &present, &service);
    let course = school.course(&mentor, "Fisika dasar");
    school.enrol(&present, &course);
    school.enrol(&absent, &course);
    let people = [
        ("mentor", &mentor, "mymentee"),
        ("present", &present, "mymentor"),
        ("absent", &absent, "mymentor"),
        ("stranger", &stranger, "mymentor"),
    ];
    let story = Story::begin(&server, "lesson", size, "Gerak lurus", &links(&school, &people), &signal::ORDINARY);
    let told = story.told(|| service.shown(&device));
    keep_secrets(&server, &told);
    assert!(told["live"].as_array().is_some_and(|copied| copied.len() >= 5), "{told}");
    assert!(told["recorded"].as_array().is_some_and(|copied| copied.len() >= 5), "{told}");
    let kinds: Vec<String> =
        service.shown(&device).iter().filter_map(|message| message["kind"].as_str().map(str::to_owned)).collect();
    for kind in ["lesson_scheduled", "lesson_started", "recording_ready"] {
        assert_eq!(kinds.iter().filter(|told| *told == kind).count(), 1, "{kind} in {kinds:?}");
    }
}

fn somebody_is_sent_out(size: Size) {
    let _turn = gate::one_of("browser");
    let server = server();
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let present = school.person("hadir", "mentee");
    let course = school.course(&mentor, "Fisika dasar");
    school.enrol(&present, &course);
    let people = [("mentor", &mentor, "mymentee"), ("present", &present, "mymentor")];
    let story = Story::begin(&server, "sent-out", size, "Gerak lurus", &links(&school, &people), &signal::ORDINARY);
    let told = story.told(Vec::new);
    keep_secrets(&server, &told);
    let closed_ms = told["closedMs"].as_u64().expect("milliseconds");
    assert!(closed_ms <= OUT_MS_MAX, "player and room were there for {closed_ms} ms");
}

#[test]
fn a_lesson_is_set_told_watched_and_replayed_on_a_phone_by_who_may() {
    a_lesson_is_told(PHONE);
}

#[test]
fn a_lesson_is_set_told_watched_and_replayed_on_a_desk_by_who_may() {
    a_lesson_is_told(DESK);
}

#[test]
fn who_is_sent_out_loses_player_and_room_on_a_phone() {
    somebody_is_sent_out(PHONE);
}

#[test]
fn who_is_sent_out_loses_player_and_room_on_a_desk() {
    somebody_is_sent_out(DESK);
}
