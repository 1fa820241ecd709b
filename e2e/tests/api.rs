//! The API keeps what its document says, asked by a program that knows nothing else of it.

use std::process::Command;
use std::time::Duration;

use e2e::school::School;
use e2e::{Child, Server, tools};

/// Some thousand requests on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(900);

/// Schemathesis makes requests of the document, right ones and wrong ones, and holds each answer to it.
#[track_caller]
fn keeps_its_document(server: &Server, what: &str, arguments: &[&str]) {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", tools::folder("schemathesis")).env("PYTHONDONTWRITEBYTECODE", "1");
    // Its own notes of earlier runs would lie there.
    command.current_dir(server.folder());
    command.args(["-m", "schemathesis.cli", "run", &server.http_url("/api/v1/openapi.json")]);
    command.args(["--checks", "all", "--phases", "examples,coverage,fuzzing", "--workers", "2", "--seed", "17"]);
    // What the document cannot say (a lesson begins in the future, a mentor teaches in their own courses) is refused, rightly.
    command.args(["--exclude-checks", "positive_data_acceptance", "--no-color"]);
    // A question for changes waits up to 30 s for one, as it says.
    command.args(["--request-timeout", "35", "--max-response-time", "35"]);
    command.args(arguments);
    let log = server.folder().join(format!("schemathesis-{what}.log"));
    let mut child = Child::start("schemathesis", command, &log);
    let status = child.wait(PATIENCE);
    assert!(status.success(), "{}", child.said());
}

#[test]
fn who_is_signed_in_gets_what_the_document_says() {
    let server = Server::start();
    let school = School::new(&server);
    let person = school.person("semua", "mentee,mentor,operator");
    let course = school.course(&person, "Fisika dasar");
    let lesson = school.lesson(&person, &course, "Gerak lurus");
    assert_eq!(school.look(&person, &lesson)["state"], "scheduled");
    let bearer = format!("Authorization: Bearer {}", person.token());
    // What signs out, and what never ends, is asked elsewhere.
    let left_out = "/api/v1/(session|sessions|password)|/room$|/api/v1/users";
    keeps_its_document(&server, "signed-in", &["-H", &bearer, "-n", "12", "--exclude-path-regex", left_out]);
}

#[test]
fn a_stranger_gets_what_the_document_says() {
    let server = Server::start();
    keeps_its_document(&server, "stranger", &["-n", "8", "--exclude-path-regex", "/room$"]);
}
