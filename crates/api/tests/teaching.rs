//! Mentors, courses, places in them and lessons, as each role is answered.

#[path = "stage/stage.rs"]
mod stage;

use control::teaching::{Course, Enrolling, Lesson};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use media::UnixMillis;
use serde_json::{Value, json};
use stage::{Actor, Answer, Stage};

/// A course of each way in with a lesson, and somebody of each role beside it.
struct Scene {
    stage: Stage,
    course: Course,
    lesson: Lesson,
    mentor: Actor,
    other: Actor,
    mentee: Actor,
    enrolled: Actor,
    operator: Actor,
}

impl Scene {
    async fn new(enrolling: Enrolling) -> Self {
        let stage = Stage::new().await;
        let mentor = stage.mentor("mentor@example.test").await;
        let course = stage.course(&mentor, enrolling).await;
        let lesson = stage.lesson(&course, 60_000).await;
        let enrolled = stage.enrolled(&course, "dalam@example.test").await;
        Self {
            other: stage.mentor("lain@example.test").await,
            mentee: stage.mentee("luar@example.test").await,
            operator: stage.operator("operator@example.test").await,
            stage,
            course,
            lesson,
            mentor,
            enrolled,
        }
    }

    /// Statuses for a stranger, a mentee, an enrolled mentee, another mentor, the mentor, and an operator.
    async fn statuses(&self, method: Method, path: &str, body: Option<Value>) -> [u16; 6] {
        let roles = [
            None,
            Some(&self.mentee),
            Some(&self.enrolled),
            Some(&self.other),
            // Before the mentor, so that what changes something is refused to all others first.
            Some(&self.operator),
            Some(&self.mentor),
        ];
        let mut found = [0; 6];
        for (at, who) in roles.into_iter().enumerate() {
            found[at] = self.stage.ask(who, method.clone(), path, body.clone()).await.status.as_u16();
        }
        found.swap(4, 5);
        found
    }
}

fn at(now: UnixMillis, in_ms: i64) -> String {
    now.plus_millis(in_ms).to_string()
}

async fn sent(
    stage: &Stage,
    who: &Actor,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("authorization", format!("Bearer {}", who.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Full::default()
    } else {
        request = request.header("content-type", "application/json");
        Full::from(body.to_string())
    };
    stage.send(request.body(body).expect("a request")).await
}

#[tokio::test]
async fn each_role_gets_of_a_course_by_invitation_what_is_theirs() {
    let scene = Scene::new(Enrolling::Invitation).await;
    let (course, lesson, nobody) = (scene.course.id, scene.lesson.id, scene.mentee.id);
    let table: &[(Method, String, Option<Value>, [u16; 6])] = &[
        (Method::GET, format!("/api/v1/courses/{course}"), None, [404, 404, 200, 404, 200, 200]),
        (Method::GET, format!("/api/v1/lessons/{lesson}"), None, [404, 404, 200, 404, 200, 200]),
        (Method::GET, format!("/api/v1/lessons/{lesson}/calendar.ics"), None, [404, 404, 200, 404, 200, 200]),
        (Method::GET, format!("/api/v1/lessons/{lesson}/chapters"), None, [404, 404, 404, 404, 200, 404]),
        (Method::GET, format!("/api/v1/lessons/{lesson}/publishing"), None, [401, 404, 403, 404, 200, 403]),
        (Method::GET, format!("/api/v1/courses/{course}/enrolments"), None, [401, 404, 403, 404, 200, 403]),
        (Method::GET, format!("/api/v1/courses/{course}/invitations"), None, [401, 404, 403, 404, 200, 403]),
        (Method::GET, format!("/mentor/{}/live/{lesson}/", scene.mentor.id), None, [404, 404, 200, 404, 200, 200]),
        (Method::GET, format!("/mentor/{}/live/{lesson}", scene.other.id), None, [404; 6]),
        (
            Method::PATCH,
            format!("/api/v1/courses/{course}"),
            Some(json!({"title": "Lain"})),
            [401, 404, 403, 404, 200, 403],
        ),
        (
            Method::PATCH,
            format!("/api/v1/lessons/{lesson}"),
            Some(json!({"title": "Lain"})),
            [401, 404, 403, 404, 200, 403],
        ),
        (
            Method::PUT,
            format!("/api/v1/lessons/{lesson}/chapters"),
            Some(json!([{"at_ms": 0, "title": "Pembuka"}])),
            [401, 404, 403, 404, 200, 403],
        ),
        (
            Method::PUT,
            format!("/api/v1/lessons/{lesson}/bans/{nobody}"),
            Some(json!({"reason": ""})),
            [401, 404, 403, 404, 204, 403],
        ),
        (Method::DELETE, format!("/api/v1/lessons/{lesson}/bans/{nobody}"), None, [401, 404, 403, 404, 204, 403]),
        (Method::POST, format!("/api/v1/lessons/{lesson}/publishing/key"), None, [401, 404, 403, 404, 200, 403]),
        (
            Method::POST,
            format!("/api/v1/courses/{course}/invitations"),
            Some(json!({"uses": 1, "expires_at": null})),
            [401, 404, 403, 404, 201, 403],
        ),
        (Method::POST, format!("/api/v1/lessons/{lesson}/start"), None, [401, 404, 403, 404, 200, 403]),
        (Method::POST, format!("/api/v1/lessons/{lesson}/end"), None, [401, 404, 403, 404, 200, 403]),
        (
            Method::POST,
            format!("/api/v1/lessons/{lesson}/cancel"),
            Some(json!({"reason": ""})),
            [401, 404, 403, 404, 409, 403],
        ),
        (Method::DELETE, format!("/api/v1/courses/{course}"), None, [401, 404, 403, 404, 204, 403]),
    ];
    for (method, path, body, expected) in table {
        assert_eq!(scene.statuses(method.clone(), path, body.clone()).await, *expected, "{method} {path}");
    }
}

#[tokio::test]
async fn an_open_course_is_there_for_everybody_and_its_mentors_alone_to_change() {
    let scene = Scene::new(Enrolling::Open).await;
    let (course, lesson) = (scene.course.id, scene.lesson.id);
    for path in [format!("/api/v1/courses/{course}"), format!("/api/v1/lessons/{lesson}")] {
        assert_eq!(scene.statuses(Method::GET, &path, None).await, [200; 6], "{path}");
        let change = Some(json!({"summary": "Lain"}));
        assert_eq!(scene.statuses(Method::PATCH, &path, change).await, [401, 403, 403, 403, 200, 403], "{path}");
    }
    let new = json!({"title": "Kimia", "enrolment": "open"});
    let made = scene.statuses(Method::POST, "/api/v1/courses", Some(new)).await;
    assert_eq!(made, [401, 403, 403, 201, 201, 403]);
    let page = Some(json!({"headline": "Fisika", "bio": ""}));
    assert_eq!(scene.statuses(Method::PUT, "/api/v1/me/mentor", page).await, [401, 403, 403, 200, 200, 403]);
    assert_eq!(scene.statuses(Method::POST, "/api/v1/me/keys", None).await, [401, 403, 403, 201, 201, 403]);
    assert_eq!(
        scene.statuses(Method::GET, "/api/v1/lessons?mine=teaching", None).await,
        [401, 200, 200, 200, 200, 200]
    );
}

#[tokio::test]
async fn a_lesson_is_answered_as_the_contract_says() {
    let scene = Scene::new(Enrolling::Approval).await;
    let path = format!("/api/v1/lessons/{}", scene.lesson.id);
    let shown = scene.stage.get(Some(&scene.enrolled), &path).await.json;
    let expected = json!({
        "id": scene.lesson.id.to_string(),
        "course": {"id": scene.course.id.to_string(), "title": "Fisika dasar"},
        "mentor": {"id": scene.mentor.id.to_string(), "name": "mentor"},
        "title": "Gerak lurus", "summary": "",
        "starts_at": scene.lesson.starts.to_string(), "ends_at": scene.lesson.ends.to_string(), "zone": "Asia/Jakarta",
        "state": "scheduled", "on_air": false, "stalled": false, "started_at": null, "ended_at": null,
        "series_id": null, "capacity": null, "comments_on": true, "review_on": false, "slow_ms": 0,
        "word_filter": null, "recording": null,
        "can": {"watch": true, "replay": false, "comment": true, "moderate": false, "enrol": false},
        "attended": null, "viewers": 0,
    });
    assert_eq!(shown, expected);
    let outside = scene.stage.get(Some(&scene.mentee), &path).await.json;
    assert_eq!(
        outside["can"],
        json!({"watch": false, "replay": false, "comment": false, "moderate": false, "enrol": true})
    );
    let own = scene.stage.get(Some(&scene.mentor), &path).await.json;
    assert_eq!((&own["word_filter"], &own["can"]["moderate"]), (&json!([]), &json!(true)));
}

#[tokio::test]
async fn a_series_is_set_changed_and_its_times_stay_on_the_wall_clock() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let now = stage.state.now();
    let body = json!({
        "course_id": course.id.to_string(), "title": " Gerak lurus ", "summary": "Bab 1",
        "starts_at": at(now, 3_600_000), "ends_at": at(now, 7_200_000), "zone": "Asia/Jakarta", "repeat_weeks": 52,
        "slow_ms": 2_000, "word_filter": ["kasar"],
    });
    let answer = stage.post(Some(&mentor), "/api/v1/lessons", body.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
    let items = answer.json["items"].as_array().expect("items");
    assert_eq!(items.len(), 52);
    assert_eq!((&items[0]["title"], &items[0]["word_filter"]), (&json!("Gerak lurus"), &json!(["kasar"])));
    assert!(items.iter().all(|item| item["series_id"] == items[0]["series_id"] && item["series_id"].is_string()));
    assert_eq!(items[51]["starts_at"], at(now, 3_600_000 + 51 * 604_800_000));
    let overlap = stage.post(Some(&mentor), "/api/v1/lessons", body.clone()).await;
    assert_eq!((overlap.status.as_u16(), &overlap.json["type"]), (409, &json!("/problems/overlaps")));
    let mut forced = body;
    forced["allow_overlap"] = json!(true);
    forced["repeat_weeks"] = json!(1);
    let forced = stage.post(Some(&mentor), "/api/v1/lessons", forced).await;
    assert_eq!((forced.status.as_u16(), &forced.json["items"][0]["series_id"]), (201, &Value::Null));
    let path = format!("/api/v1/lessons/{}?series=following", items[50]["id"].as_str().expect("id"));
    let change = json!({"starts_at": at(now, 5_400_000 + 50 * 604_800_000), "title": "Ulangan"});
    let changed = stage.ask(Some(&mentor), Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json);
    let last = stage.get(None, &format!("/api/v1/lessons/{}", items[51]["id"].as_str().expect("id"))).await.json;
    assert_eq!(
        (&last["title"], &last["starts_at"]),
        (&json!("Ulangan"), &json!(at(now, 5_400_000 + 51 * 604_800_000)))
    );
    assert_eq!(last["ends_at"], at(now, 9_000_000 + 51 * 604_800_000));
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/lessons?course={}&limit=20{cursor}", course.id);
        let page = stage.get(None, &path).await.json;
        listed.extend(page["items"].as_array().expect("items").iter().map(|item| item["id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed.len(), 53);
    listed.sort_by_key(ToString::to_string);
    listed.dedup();
    assert_eq!(listed.len(), 53, "none twice");
}

#[tokio::test]
async fn what_is_wrong_with_a_lesson_is_said_field_by_field() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let course = stage.course(&mentor, Enrolling::Open).await;
    let now = stage.state.now();
    let good = json!({
        "course_id": course.id.to_string(), "title": "x", "starts_at": at(now, 60_000), "ends_at": at(now, 660_000),
        "zone": "Asia/Jakarta",
    });
    let wrong = [
        ("title", json!("")),
        ("title", json!("x".repeat(121))),
        ("summary", json!("x".repeat(4_001))),
        ("starts_at", json!(at(now, -360_000))),
        ("ends_at", json!(at(now, 61_000))),
        ("ends_at", json!(at(now, 13 * 3_600_000))),
        ("zone", json!("Mars/Olympus")),
        ("repeat_weeks", json!(0)),
        ("repeat_weeks", json!(53)),
        ("capacity", json!(0)),
        ("slow_ms", json!(600_001)),
    ];
    for (field, value) in wrong {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = stage.post(Some(&mentor), "/api/v1/lessons", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert_eq!(answer.json["errors"][0]["field"], field, "{}", answer.json);
    }
    assert_eq!(stage.post(Some(&mentor), "/api/v1/lessons", good).await.status, StatusCode::CREATED);
    for query in ["state=x", "mine=x", "cursor=x", "limit=0", "from=x"] {
        let answer = stage.get(Some(&mentor), &format!("/api/v1/lessons?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test]
async fn lessons_are_listed_from_either_end_page_by_page() {
    let scene = Scene::new(Enrolling::Open).await;
    let stage = &scene.stage;
    let mut oldest: Vec<Value> = vec![json!(scene.lesson.id.to_string())];
    for hours in 30..33 {
        oldest.push(json!(stage.lesson(&scene.course, hours * 3_600_000).await.id.to_string()));
    }
    let newest: Vec<Value> = oldest.iter().rev().cloned().collect();
    for (order, expected) in [("", &oldest), ("&order=oldest", &oldest), ("&order=newest", &newest)] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stage.get(None, &format!("/api/v1/lessons?limit=2{order}{cursor}")).await.json;
            found.extend(page["items"].as_array().expect("items").iter().map(|lesson| lesson["id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(&found, expected, "{order}");
    }
    assert_eq!(stage.get(None, "/api/v1/lessons?order=best").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_lesson_that_begins_at_once_is_set_and_begun() {
    let scene = Scene::new(Enrolling::Open).await;
    let stage = &scene.stage;
    let now = stage.state.now();
    let set = async |begin: i64| {
        let body = json!({
            "course_id": scene.course.id.to_string(), "title": "Sekarang", "zone": "Asia/Jakarta",
            "starts_at": at(now, begin * 60_000), "ends_at": at(now, 3_000_000), "allow_overlap": true,
        });
        stage.post(Some(&scene.mentor), "/api/v1/lessons", body).await
    };
    let late = set(-6).await;
    assert_eq!(
        (late.status, &late.json["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("starts_at"))
    );
    assert!(late.json["errors"][0]["detail"].as_str().expect("a detail").contains("5 minutes ago"));
    let answer = set(-2).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
    let start = format!("/api/v1/lessons/{}/start", answer.json["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(stage.post(Some(&scene.mentor), &start, json!({})).await.json["state"], "live");
}

#[tokio::test]
async fn a_change_goes_to_what_was_seen_and_what_is_known_is_not_sent_again() {
    let scene = Scene::new(Enrolling::Open).await;
    let (stage, mentor) = (&scene.stage, &scene.mentor);
    for path in [format!("/api/v1/courses/{}", scene.course.id), format!("/api/v1/lessons/{}", scene.lesson.id)] {
        let first = stage.get(Some(mentor), &path).await;
        let tag = first.headers["etag"].to_str().expect("text").to_owned();
        let again = sent(stage, mentor, Method::GET, &path, &[("if-none-match", &tag)], &Value::Null).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        let change = json!({"title": "Lain"});
        let changed = sent(stage, mentor, Method::PATCH, &path, &[("if-match", &tag)], &change).await;
        assert_eq!((changed.status, &changed.json["title"]), (StatusCode::OK, &json!("Lain")), "{path}");
        let stale = sent(stage, mentor, Method::PATCH, &path, &[("if-match", &tag)], &json!({"title": "Basi"})).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{path}");
        let again = sent(stage, mentor, Method::GET, &path, &[("if-none-match", &tag)], &Value::Null).await;
        assert_eq!((again.status, &again.json["title"]), (StatusCode::OK, &json!("Lain")), "{path}");
    }
}

#[tokio::test]
async fn an_invitation_is_shown_once_opens_the_course_and_tells_nothing_to_who_has_none() {
    let scene = Scene::new(Enrolling::Invitation).await;
    let (stage, course) = (&scene.stage, scene.course.id);
    let path = format!("/api/v1/courses/{course}/invitations");
    let made = stage.post(Some(&scene.mentor), &path, json!({"uses": 1})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let url = made.json["url"].as_str().expect("shown").to_owned();
    let (address, token) = url.split_once('#').expect("the token is behind the #");
    assert_eq!(address, format!("https://tayang.test/mymentor/courses/{course}"));
    let listed = stage.get(Some(&scene.mentor), &path).await.json;
    let ours = listed["items"].as_array().expect("items").iter().find(|item| item["id"] == made.json["id"]);
    assert!(ours.is_some_and(|item| item.get("url").is_none() && item["uses_left"] == 1), "{listed}");
    assert!(!listed.to_string().contains(token));
    let enrol = format!("/api/v1/courses/{course}/enrolment");
    let nothing = stage.post(Some(&scene.mentee), &enrol, json!({})).await;
    assert_eq!((nothing.status.as_u16(), &nothing.json["type"]), (404, &json!("/problems/not-found")));
    let look = async |token: &str| {
        stage.get(Some(&scene.mentee), &format!("/api/v1/courses/{course}?invitation={token}")).await
    };
    assert_eq!((look("salah").await.status, look("").await.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    let invited = look(token).await;
    assert_eq!((invited.status, &invited.json["title"]), (StatusCode::OK, &json!("Fisika dasar")), "what one joins");
    assert!(invited.json["my_enrolment"].is_null(), "looking is not joining");
    let elsewhere = format!("/api/v1/courses/{}?invitation={token}", scene.lesson.id);
    assert_eq!(stage.get(Some(&scene.mentee), &elsewhere).await.status, StatusCode::NOT_FOUND);
    let absent = format!("/api/v1/courses/{}/enrolment", scene.lesson.id);
    let wrong = stage.post(Some(&scene.mentee), &enrol, json!({"invitation": "salah"})).await;
    let nowhere = stage.post(Some(&scene.mentee), &absent, json!({"invitation": "salah"})).await;
    assert_eq!((wrong.status, &wrong.json), (nowhere.status, &nowhere.json), "there or not, it looks the same");
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let archive = async |archived: bool| {
        let path = format!("/api/v1/courses/{course}");
        let archived = stage.ask(Some(&scene.mentor), Method::PATCH, &path, Some(json!({"archived": archived}))).await;
        assert_eq!(archived.status, StatusCode::OK, "{archived:?}");
    };
    archive(true).await;
    let hidden = stage.post(Some(&scene.mentee), &enrol, json!({"invitation": "salah"})).await;
    assert_eq!((hidden.status, &hidden.json), (nowhere.status, &nowhere.json), "nor how it is");
    archive(false).await;
    let inside = stage.post(Some(&scene.mentee), &enrol, json!({"invitation": token})).await;
    assert_eq!((inside.status.as_u16(), &inside.json), (201, &json!({"state": "active"})));
    let late = stage.post(Some(&scene.other), &enrol, json!({"invitation": token})).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND, "used up");
    let late = stage.get(Some(&scene.other), &format!("/api/v1/courses/{course}?invitation={token}")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND, "used up, it shows nothing");
    for (who, teaching, following) in [(&scene.mentor, 1, 0), (&scene.mentee, 0, 1)] {
        for (mine, count) in [("teaching", teaching), ("following", following), ("true", 1)] {
            let listed = stage.get(Some(who), &format!("/api/v1/courses?mine={mine}")).await.json["items"].clone();
            assert_eq!(listed.as_array().map(Vec::len), Some(count), "{mine}: {listed}");
        }
    }
    let word = stage.get(Some(&scene.mentee), "/api/v1/courses?mine=all").await;
    assert_eq!((word.status.as_u16(), &word.json["errors"][0]["code"]), (422, &json!("unknown")));
    let (other, _) = (stage.post(Some(&scene.mentor), &path, json!({"uses": 5})).await, ());
    let id = other.json["id"].as_str().expect("id");
    let gone = stage.ask(Some(&scene.mentor), Method::DELETE, &format!("{path}/{id}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    for wrong in [json!({"uses": 0}), json!({"uses": 10_001}), json!({"expires_at": "2020-01-01T00:00:00Z"})] {
        let answer = stage.post(Some(&scene.mentor), &path, wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_place_is_asked_for_given_left_and_taken() {
    let scene = Scene::new(Enrolling::Approval).await;
    let (stage, course) = (&scene.stage, scene.course.id);
    let enrol = format!("/api/v1/courses/{course}/enrolment");
    let asked = stage.ask(Some(&scene.mentee), Method::POST, &enrol, None).await;
    assert_eq!((asked.status.as_u16(), &asked.json["state"]), (201, &json!("requested")), "without a body");
    let list = format!("/api/v1/courses/{course}/enrolments");
    let waiting = stage.get(Some(&scene.mentor), &format!("{list}?state=requested")).await.json;
    assert_eq!(waiting["items"][0]["user"], json!({"id": scene.mentee.id.to_string(), "name": "luar"}));
    let decide = async |state: &str| {
        let path = format!("{list}/{}", scene.mentee.id);
        stage.ask(Some(&scene.mentor), Method::PATCH, &path, Some(json!({"state": state}))).await
    };
    assert_eq!(decide("active").await.json["state"], "active");
    let own = stage.get(Some(&scene.mentee), &format!("/api/v1/courses/{course}")).await.json;
    assert_eq!((&own["my_enrolment"], &own["enrolled"]), (&json!("active"), &json!(2)));
    assert_eq!(decide("declined").await.status, StatusCode::NOT_FOUND, "who is in is not declined");
    assert_eq!(decide("x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stage.ask(Some(&scene.mentee), Method::DELETE, &enrol, None).await.status, StatusCode::NO_CONTENT);
    let own = stage.get(Some(&scene.mentee), &format!("/api/v1/courses/{course}")).await.json;
    assert_eq!((&own["my_enrolment"], &own["enrolled"]), (&json!("left"), &json!(1)));
    let mentors = stage.post(Some(&scene.mentor), &enrol, json!({})).await;
    assert_eq!((mentors.status.as_u16(), &mentors.json["type"]), (409, &json!("/problems/own-course")));
}

#[tokio::test]
async fn a_lesson_is_begun_in_its_slot_and_what_is_repeated_is_answered_alike() {
    let scene = Scene::new(Enrolling::Open).await;
    let (stage, mentor) = (&scene.stage, &scene.mentor);
    let later = stage.lesson(&scene.course, 24 * 3_600_000).await;
    let act = async |lesson: &Lesson, what: &str| {
        let body = (what == "cancel").then(|| json!({"reason": "sakit"}));
        stage.ask(Some(mentor), Method::POST, &format!("/api/v1/lessons/{}/{what}", lesson.id), body).await
    };
    let early = act(&later, "start").await;
    assert_eq!((early.status.as_u16(), &early.json["type"]), (409, &json!("/problems/not-now")));
    assert!(early.json["detail"].as_str().expect("text").contains("from "), "says when");
    assert_eq!(act(&later, "end").await.status, StatusCode::CONFLICT, "what did not begin is called off");
    for _ in 0..2 {
        let cancelled = act(&later, "cancel").await;
        assert_eq!((cancelled.status.as_u16(), &cancelled.json["state"]), (200, &json!("cancelled")));
    }
    for (what, state) in [("start", "live"), ("start", "live"), ("end", "ended"), ("end", "ended")] {
        let answer = act(&scene.lesson, what).await;
        assert_eq!((answer.status.as_u16(), &answer.json["state"]), (200, &json!(state)), "{what}");
    }
    assert_eq!(act(&scene.lesson, "start").await.status, StatusCode::CONFLICT);
    let moved = json!({"starts_at": at(stage.state.now(), 60_000)});
    let path = format!("/api/v1/lessons/{}", scene.lesson.id);
    assert_eq!(stage.ask(Some(mentor), Method::PATCH, &path, Some(moved)).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn who_is_sent_out_watches_no_more_until_let_in() {
    let scene = Scene::new(Enrolling::Open).await;
    let stage = &scene.stage;
    let lesson = format!("/api/v1/lessons/{}", scene.lesson.id);
    let ban = format!("{lesson}/bans/{}", scene.enrolled.id);
    let watch = async || stage.get(Some(&scene.enrolled), &lesson).await.json["can"]["watch"].clone();
    assert_eq!(watch().await, json!(true));
    for (method, watches) in
        [(Method::PUT, false), (Method::PUT, false), (Method::DELETE, true), (Method::DELETE, true)]
    {
        let body = (method == Method::PUT).then(|| json!({"reason": "kasar"}));
        let answer = stage.ask(Some(&scene.mentor), method, &ban, body).await;
        assert_eq!((answer.status, watch().await), (StatusCode::NO_CONTENT, json!(watches)));
        let listed = stage.get(Some(&scene.mentor), &format!("{lesson}/bans")).await.json["items"].clone();
        let (count, reason) = (listed.as_array().map(Vec::len), &listed[0]["reason"]);
        assert_eq!((count, reason == "kasar"), (Some(usize::from(!watches)), !watches), "{listed}");
    }
    let listed = stage.get(Some(&scene.enrolled), &format!("{lesson}/bans")).await;
    assert_eq!(listed.status, StatusCode::FORBIDDEN);
    let own = format!("{lesson}/bans/{}", scene.mentor.id);
    let answer = stage.ask(Some(&scene.mentor), Method::PUT, &own, Some(json!({"reason": ""}))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nobody = format!("{lesson}/bans/{}", scene.lesson.id);
    let answer = stage.ask(Some(&scene.mentor), Method::PUT, &nobody, Some(json!({"reason": ""}))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_key_is_shown_once_and_the_one_before_is_refused() {
    let scene = Scene::new(Enrolling::Open).await;
    let stage = &scene.stage;
    let path = format!("/api/v1/lessons/{}/publishing", scene.lesson.id);
    let before = stage.get(Some(&scene.mentor), &path).await.json;
    assert_eq!(
        (&before["key_hint"], &before["qr_svg"], &before["whip_url"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(before["obs"], json!({"server": "rtmps://tayang.test:1936/lesson", "key": null}));
    assert_eq!(before["armed_from"], scene.lesson.starts.plus_millis(-900_000).to_string());
    assert_eq!(before["armed_until"], scene.lesson.ends.plus_millis(900_000).to_string());
    let mut keys = Vec::new();
    for _ in 0..2 {
        let made = stage.ask(Some(&scene.mentor), Method::POST, &format!("{path}/key"), None).await;
        assert_eq!(made.headers["cache-control"], "no-store");
        let key = made.json["obs"]["key"].as_str().expect("shown").to_owned();
        assert_eq!(made.json["rtmp_url"], format!("rtmp://tayang.test:1935/lesson/{key}"));
        assert!(
            made.json["ffmpeg"].as_str().expect("text").ends_with(&format!("rtmps://tayang.test:1936/lesson/{key}"))
        );
        assert!(made.json["qr_svg"].as_str().expect("a picture").contains("<svg"));
        keys.push(key);
    }
    let after = stage.get(Some(&scene.mentor), &path).await;
    assert!(!keys.iter().any(|key| String::from_utf8_lossy(&after.bytes).contains(key.as_str())));
    assert_eq!(after.json["key_hint"], format!("…{}", &keys[1][44..]));
    let kept = stage.repository.keys(scene.lesson.channel).await.expect("read");
    let standing: Vec<_> = kept.iter().filter(|key| key.revoked_at.is_none()).map(|key| key.hash).collect();
    assert_eq!(standing, [control::KeyHash::of(&keys[1])]);
    let own = stage.post(Some(&scene.mentor), "/api/v1/me/keys", json!({"label": "telepon"})).await;
    let key = own.json["key"].as_str().expect("shown");
    assert_eq!(own.json["hint"], format!("telepon …{}", &key[44..]));
    let listed = stage.get(Some(&scene.mentor), "/api/v1/me/keys").await.json;
    assert_eq!((listed["items"].as_array().map(Vec::len), listed["items"][0].get("key")), (Some(1), None));
    let id = format!("/api/v1/me/keys/{}", own.json["id"].as_str().expect("id"));
    assert_eq!(stage.ask(Some(&scene.other), Method::DELETE, &id, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.ask(Some(&scene.mentor), Method::DELETE, &id, None).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn chapters_are_in_order_and_for_those_the_recording_plays_for() {
    let scene = Scene::new(Enrolling::Open).await;
    let path = format!("/api/v1/lessons/{}/chapters", scene.lesson.id);
    let put = async |body: Value| scene.stage.ask(Some(&scene.mentor), Method::PUT, &path, Some(body)).await;
    let chapters = json!([{"at_ms": 0, "title": "Pembuka"}, {"at_ms": 90_000, "title": "Isi"}]);
    assert_eq!(put(chapters.clone()).await.json, chapters);
    assert_eq!(scene.stage.get(Some(&scene.mentor), &path).await.json, chapters);
    for wrong in [
        json!([{"at_ms": -1, "title": "x"}]),
        json!([{"at_ms": 5, "title": "x"}, {"at_ms": 5, "title": "y"}]),
        json!([{"at_ms": 5, "title": " "}]),
        json!((0..241).map(|at| json!({"at_ms": at, "title": "x"})).collect::<Vec<_>>()),
    ] {
        assert_eq!(put(wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn mentors_are_found_with_what_one_may_know_of() {
    let scene = Scene::new(Enrolling::Open).await;
    let stage = &scene.stage;
    let page = json!({"headline": "Fisika SMA", "bio": "Sejak 2010\nDi Bandung"});
    let written = stage.ask(Some(&scene.mentor), Method::PUT, "/api/v1/me/mentor", Some(page)).await.json;
    assert_eq!(stage.get(None, &format!("/api/v1/mentors/{}", scene.mentor.id)).await.json, written);
    assert_eq!((&written["courses"], &written["bio"]), (&json!(1), &json!("Sejak 2010\nDi Bandung")));
    assert_eq!(written["next_lesson"]["id"], scene.lesson.id.to_string());
    let found = stage.get(None, "/api/v1/mentors?query=fisika").await.json;
    assert_eq!((found["items"].as_array().map(Vec::len), &found["items"][0]), (Some(1), &written));
    assert_eq!(stage.get(None, &format!("/api/v1/mentors/{}", scene.mentee.id)).await.status, StatusCode::NOT_FOUND);
    let all = async || stage.get(None, "/api/v1/mentors").await.json["items"].as_array().map(Vec::len);
    assert_eq!(all().await, Some(1), "who has neither a page nor a course is not looked for");
    let page = json!({"headline": "Kimia", "bio": ""});
    assert_eq!(
        stage.ask(Some(&scene.other), Method::PUT, "/api/v1/me/mentor", Some(page)).await.status,
        StatusCode::OK
    );
    assert_eq!(all().await, Some(2));
    let first = stage.get(None, "/api/v1/mentors?limit=1").await.json;
    let next = format!("/api/v1/mentors?limit=1&cursor={}", first["next_cursor"].as_str().expect("more"));
    assert_ne!(stage.get(None, &next).await.json["items"][0]["id"], first["items"][0]["id"]);
}

#[tokio::test]
async fn who_is_no_mentor_any_more_teaches_no_more() {
    use control::Roles;
    use control::identity::UserChange;
    let scene = Scene::new(Enrolling::Open).await;
    let now = scene.stage.state.now();
    let new = json!({
        "course_id": scene.course.id.to_string(), "title": "Gaya", "summary": "", "zone": "Asia/Jakarta",
        "starts_at": at(now, 86_400_000), "ends_at": at(now, 90_000_000), "allow_overlap": true,
    });
    let (lesson, course) = (scene.lesson.id, scene.course.id);
    let lesson = format!("/api/v1/lessons/{lesson}");
    let asked = [
        (Method::POST, "/api/v1/lessons".to_owned(), new),
        (Method::PATCH, lesson.clone(), json!({ "title": "Energi" })),
        (Method::PATCH, format!("/api/v1/courses/{course}"), json!({ "title": "Energi" })),
    ];
    for (roles, may) in [(Roles { mentee: true, mentor: true, operator: false }, true), (Roles::default(), false)] {
        let change = UserChange { roles: Some(roles), ..UserChange::default() };
        scene.stage.repository.change_user(scene.mentor.id, None, &change, None, now).await.expect("changed");
        scene.stage.state.known().forget_person(scene.mentor.id);
        for (method, path, body) in &asked {
            let answer = scene.stage.ask(Some(&scene.mentor), method.clone(), path, Some(body.clone())).await;
            assert_eq!(answer.status.is_success(), may, "{method} {path}: {answer:?}");
            assert!(may || answer.status == StatusCode::FORBIDDEN, "{answer:?}");
        }
        assert_eq!(scene.stage.get(Some(&scene.mentor), &lesson).await.status, StatusCode::OK);
    }
}
