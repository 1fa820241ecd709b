//! Each finding at its edges.

use std::path::Path;

use super::machine::{clock_at, files, port};
use super::ours::{free_space, tls_files, writable};
use super::*;
use crate::config::TlsFiles;

fn says(finding: &Finding, level: Level, text: &str) {
    assert_eq!(finding.level, level, "{finding:?}");
    assert!(finding.finding.contains(text), "{finding:?}");
    assert_eq!(
        finding.advice.is_some(),
        level != Level::Ok,
        "advice for all that is not ok, and only that: {finding:?}"
    );
}

#[test]
fn a_taken_port_is_a_problem_and_a_free_one_is_not() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    says(&port("http_addr", address), Level::Problem, "http_addr 127.0.0.1:");
    drop(taken);
    says(&port("http_addr", address), Level::Ok, "is free");
    says(&port("rtmp_addr", "192.0.2.1:1935".parse().expect("TEST-NET")), Level::Problem, "cannot listen");
}

#[test]
fn too_few_files_are_a_warning_and_hardly_any_a_problem() {
    says(&files(Some(1_100), 121_024), Level::Problem, "about 76 connections");
    says(&files(Some(65_536), 121_024), Level::Warning, "about 64512 connections");
    says(&files(Some(121_024), 121_024), Level::Ok, "121024");
    says(&files(None, 121_024), Level::Ok, "any number");
}

#[test]
fn a_clock_of_the_past_is_a_problem() {
    says(&clock_at(0, Some("yes")), Level::Problem, "years behind");
    says(&clock_at(1_800_000_000, Some("no")), Level::Warning, "not kept");
    says(&clock_at(1_800_000_000, Some("yes")), Level::Ok, "kept by NTP");
    says(&clock_at(1_800_000_000, None), Level::Ok, "plausible");
}

#[test]
fn room_is_told_in_hours() {
    says(&free_space(60_000_000, 67_108_864), Level::Problem, "nothing is recorded");
    says(&free_space(67_108_864, 67_108_864), Level::Problem, "nothing is recorded");
    says(&free_space(2_000_000_000, 67_108_864), Level::Warning, "room for 1 h");
    says(&free_space(1_000_000_000_000, 67_108_864), Level::Ok, "room for 740 h");
}

#[test]
fn a_directory_that_is_not_there_will_be_made_where_that_can_be() {
    let directory = tempfile::tempdir().expect("temporary directory");
    says(&writable("data_dir", directory.path()), Level::Ok, "is writable");
    says(&writable("data_dir", &directory.path().join("a/b")), Level::Ok, "will be made");
    says(&writable("data_dir", Path::new("/proc/tayang")), Level::Problem, "cannot write in /proc");
    assert_eq!(std::fs::read_dir(directory.path()).expect("directory").count(), 0, "nothing is left behind");
}

#[test]
fn certificate_and_key_are_read_and_the_key_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().expect("temporary directory");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("certificate");
    let (cert_file, key_file) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    let files = TlsFiles { cert_file: cert_file.clone(), key_file: key_file.clone() };
    says(&tls_files(&files), Level::Problem, "cannot read");
    std::fs::write(&cert_file, "no certificate").expect("written");
    says(&tls_files(&files), Level::Problem, "holds no certificate");
    std::fs::write(&cert_file, made.cert.pem()).expect("written");
    std::fs::write(&key_file, "no key").expect("written");
    says(&tls_files(&files), Level::Problem, "cannot read");
    std::fs::write(&key_file, made.signing_key.serialize_pem()).expect("written");
    let mode = |mode| std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(mode)).expect("mode");
    mode(0o644);
    says(&tls_files(&files), Level::Warning, "may be read by everybody");
    mode(0o600);
    says(&tls_files(&files), Level::Ok, "can be read");
}
