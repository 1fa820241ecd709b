//! A lesson from its setting to its recording: who gets what, and who gets nothing.

use std::time::Duration;

use e2e::school::{NOTICED, School};
use e2e::server::Options;
use e2e::{Publisher, Server, poll, signal};
use serde_json::json;

/// Attendance after a second, and an end soon after the publisher's, so that the test is one of seconds.
const CONFIG: &str = "reconnect_window_s = 1\n[lessons]\nattendance_ms = 1000\n";

fn server() -> Server {
    Server::start_with(Options { config: CONFIG.to_owned(), ..Options::default() })
}

/// Every address that a playlist at `path` leads to, itself first, as a player with the right finds them.
fn addresses(school: &School<'_>, path: &str, playback: &e2e::school::Playback) -> Vec<String> {
    let mut found = vec![path.to_owned()];
    let mut at = 0;
    while at < found.len() && found.len() < 40 {
        let path = found[at].clone();
        at += 1;
        if !path.split('?').next().unwrap_or_default().ends_with(".m3u8") {
            continue;
        }
        let response = school.media(&path, Some(playback));
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        let text = response.decoded_text();
        let quoted = text.lines().filter_map(|line| line.split_once("URI=\"")?.1.split('"').next());
        let plain = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for uri in quoted.chain(plain) {
            let uri = if uri.starts_with('/') { uri.to_owned() } else { format!("{folder}/{uri}") };
            // What is only hinted at is not there yet.
            let hinted = text.lines().any(|line| line.starts_with("#EXT-X-PRELOAD-HINT") && line.contains(&uri));
            if !hinted && !found.contains(&uri) {
                found.push(uri);
            }
        }
    }
    found
}

#[test]
fn a_lesson_is_for_its_mentees_and_its_recording_for_who_was_there() {
    let server = server();
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let [present, absent, outsider] = ["hadir", "absen", "luar"].map(|name| school.person(name, "mentee"));
    let course = school.course(&mentor, "Fisika dasar");
    school.enrol(&present, &course);
    school.enrol(&absent, &course);
    let lesson = school.lesson(&mentor, &course, "Gerak lurus");

    let publisher = Publisher::ffmpeg(&server, &school.publish_url(&mentor, &lesson), &signal::ORDINARY);
    school.until(&present, &lesson, "live", |seen| seen["state"] == "live" && seen["on_air"] == true);

    // Who is not enrolled has no way in; who is has one, and it is theirs alone.
    let path = format!("/api/v1/lessons/{lesson}/playback");
    assert_eq!(school.ask(Some(&outsider), "POST", &path, Some(&json!({ "carry": "cookie" }))).status, 403);
    assert_eq!(school.ask(None, "POST", &path, Some(&json!({ "carry": "cookie" }))).status, 401);
    let playback = school.playback(&present, &lesson, "cookie");
    assert_eq!(playback.json["kind"], "live");
    let master = playback.path("llhls");
    poll::until_true("it can be watched", NOTICED, || school.media(&master, Some(&playback)).status == 200);
    let seen = addresses(&school, &master, &playback);
    assert!(seen.len() >= 6, "playlists, parts and segments: {seen:?}");
    for leaked in seen.iter().chain([&playback.path("flv"), &playback.path("dash"), &playback.path("hls_ts")]) {
        assert_eq!(school.media(leaked, None).status, 404, "{leaked} without the right");
    }

    // A second of media is attendance.
    poll::until_true("attendance", NOTICED, || {
        for address in addresses(&school, &master, &playback) {
            let _ = school.media(&address, Some(&playback));
        }
        school.look(&present, &lesson)["attended"] == true
    });

    school.post(&mentor, &format!("/api/v1/lessons/{lesson}/end"), &json!({}));
    drop(publisher);
    school.until(&present, &lesson, "recorded", |seen| seen["state"] == "ended" && seen["recording"] == "ready");

    for (who, may) in [(&mentor, true), (&present, true), (&absent, false), (&outsider, false)] {
        let seen = school.look(who, &lesson);
        assert_eq!(seen["can"]["replay"], may, "{}: {seen}", who.email);
        let status = school.ask(Some(who), "POST", &path, Some(&json!({ "carry": "cookie" }))).status;
        assert_eq!(status, if may { 201 } else { 404 }, "{}", who.email);
    }
    // Within a second of the end.
    poll::until_true("the right to watch is gone", Duration::from_secs(2), || {
        school.media(&playback.path("llhls"), Some(&playback)).status == 404
    });
    for address in &seen {
        assert_eq!(school.media(address, Some(&playback)).status, 404, "{address}: the lesson is over");
    }
    let replay = school.playback(&present, &lesson, "cookie");
    assert_eq!(replay.json["kind"], "recording");
    let master = replay.path("llhls");
    let all = addresses(&school, &master, &replay);
    assert!(all.len() >= 4, "{all:?}");
    for address in all.iter().chain([&replay.path("mp4")]) {
        assert_eq!(school.media(address, Some(&replay)).status, 200, "{address}");
        assert_eq!(school.media(address, None).status, 404, "{address} leaked");
    }
    // Media is the live stream's for a moment after its end, so that all see it to its end; what leads to it is not.
    for address in all.iter().filter(|address| address.ends_with(".m3u8")).chain([&replay.path("mp4")]) {
        assert_eq!(school.media(address, Some(&playback)).status, 404, "{address} with the right to watch it live");
    }

    // Struck from the record, they have nothing any more, open pages included.
    let row = format!("/api/v1/lessons/{lesson}/attendance/{}", present.id);
    let struck = json!({ "decision": "absent", "reason": "salah catat" });
    assert_eq!(school.ask(Some(&mentor), "PATCH", &row, Some(&struck)).status, 200);
    poll::until_true("it is closed to them", Duration::from_secs(2), || {
        school.media(&master, Some(&replay)).status == 404
    });
    assert_eq!(school.ask(Some(&present), "POST", &path, Some(&json!({ "carry": "cookie" }))).status, 404);
}

#[test]
fn a_key_is_armed_in_its_slot_alone() {
    let server = server();
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let course = school.course(&mentor, "Fisika dasar");
    let body = json!({
        "course_id": course, "title": "Besok", "summary": "", "zone": "Asia/Jakarta",
        "starts_at": e2e::school::from_now(86_400), "ends_at": e2e::school::from_now(90_000),
    });
    let lesson = school.post(&mentor, "/api/v1/lessons", &body)["items"][0]["id"].as_str().expect("id").to_owned();
    let url = school.publish_url(&mentor, &lesson);
    let mut early = Publisher::ffmpeg(&server, &url, &signal::ORDINARY);
    let status = early.child.wait(Duration::from_secs(30));
    assert!(!status.success(), "it is not its time");
    assert_eq!(school.look(&mentor, &lesson)["state"], "scheduled");

    // Set to now, the same key opens it.
    let now = json!({ "starts_at": e2e::school::from_now(60), "ends_at": e2e::school::from_now(3_660) });
    let changed = school.ask(Some(&mentor), "PATCH", &format!("/api/v1/lessons/{lesson}"), Some(&now));
    assert_eq!(changed.status, 200, "{}", changed.text());
    poll::until_true("it is let in", NOTICED * 2, || {
        let mut publisher = Publisher::ffmpeg(&server, &url, &signal::ORDINARY);
        poll::try_until(Duration::from_secs(5), || (school.look(&mentor, &lesson)["on_air"] == true).then_some(()))
            .is_some_and(|()| publisher.child.ended().is_none())
    });
}

#[test]
fn who_is_sent_out_is_out_within_a_second_and_who_left_the_course_too() {
    let server = server();
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let [banned, leaving] = ["satu", "dua"].map(|name| school.person(name, "mentee"));
    let course = school.course(&mentor, "Fisika dasar");
    school.enrol(&banned, &course);
    school.enrol(&leaving, &course);
    let lesson = school.lesson(&mentor, &course, "Gerak lurus");
    let _publisher = Publisher::ffmpeg(&server, &school.publish_url(&mentor, &lesson), &signal::ORDINARY);
    school.until(&mentor, &lesson, "live", |seen| seen["on_air"] == true);
    for (who, out) in [
        (&banned, ("PUT", format!("/api/v1/lessons/{lesson}/bans/{}", banned.id), &mentor)),
        (&leaving, ("DELETE", format!("/api/v1/courses/{course}/enrolment"), &leaving)),
    ] {
        let playback = school.playback(who, &lesson, "path");
        let master = playback.path("llhls");
        poll::until_true("it plays", NOTICED, || school.media(&master, None).status == 200);
        let (method, path, by) = out;
        let done = school.ask(Some(by), method, &path, Some(&json!({ "reason": "mengganggu" })));
        assert!((200..300).contains(&done.status), "{method} {path}: {}", done.text());
        poll::until_true("they are out", Duration::from_secs(2), || school.media(&master, None).status == 404);
    }
}
