//! People and lessons on a server under test: accounts from the command line, everything else over the API, as the apps do it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::http::{self, Response};
use crate::{Server, poll};

/// From a change to its effect on a loaded machine.
pub const NOTICED: Duration = Duration::from_secs(10);

/// Somebody with a bearer token.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their address.
    pub email: String,
    token: String,
}

impl Person {
    /// What signs them in.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

/// What plays a lesson, for one person.
#[derive(Clone, Debug)]
pub struct Playback {
    /// The whole answer.
    pub json: Value,
    /// `tayang_play=…`, as a browser sends it back.
    pub cookie: Option<String>,
}

impl Playback {
    /// The path of one of the addresses.
    ///
    /// # Panics
    /// When there is none of that name, like all that follow when the server does not do what they ask.
    #[must_use]
    #[track_caller]
    pub fn path(&self, name: &str) -> String {
        let url = self.json["urls"][name].as_str().unwrap_or_else(|| panic!("urls.{name} in {}", self.json));
        match url.split_once("://") {
            Some((_, rest)) => format!("/{}", rest.split_once('/').map_or("", |(_, path)| path)),
            None => url.to_owned(),
        }
    }
}

/// See the module.
pub struct School<'s> {
    server: &'s Server,
}

impl<'s> School<'s> {
    /// On that server.
    #[must_use]
    pub fn new(server: &'s Server) -> Self {
        Self { server }
    }

    /// Makes somebody and signs them in.
    #[track_caller]
    #[must_use]
    pub fn person(&self, name: &str, roles: &str) -> Person {
        let email = format!("{name}@school.test");
        self.server.cli_json(&["user", "create", &email, "--name", name, "--roles", roles, "--json"]);
        let session = self.session(&email, "mymentor");
        let token = text(&session, "token");
        self.server.keep_secret(&token);
        let id = text(&session["user"], "id");
        Person { id, email, token }
    }

    /// A link that signs somebody in to an app, once.
    #[track_caller]
    #[must_use]
    pub fn link(&self, email: &str, app: &str) -> String {
        let link = text(&self.server.cli_json(&["user", "link", email, "--app", app, "--json"]), "url");
        self.server.keep_secret(link.rsplit('#').next().unwrap_or_default());
        link
    }

    #[track_caller]
    fn session(&self, email: &str, app: &str) -> Value {
        let link = self.link(email, app);
        let token = link.rsplit('#').next().unwrap_or_default().to_owned();
        let body = json!({ "token": token, "bearer": true });
        answered(&self.ask(None, "POST", "/api/v1/session/link", Some(&body)), "POST /api/v1/session/link")
    }

    /// Asks the API as somebody, or as nobody.
    #[track_caller]
    #[must_use]
    pub fn ask(&self, who: Option<&Person>, method: &str, path: &str, body: Option<&Value>) -> Response {
        let bearer = who.map(|person| format!("Bearer {}", person.token));
        let body = body.map(Value::to_string);
        let mut headers = Vec::new();
        if let Some(bearer) = &bearer {
            headers.push(("Authorization", bearer.as_str()));
        }
        let address = self.server.address("http");
        match http::send(address, method, path, &headers, body.as_deref()) {
            Ok(response) => response,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Gets JSON, which must be there.
    #[track_caller]
    #[must_use]
    pub fn get(&self, who: &Person, path: &str) -> Value {
        answered(&self.ask(Some(who), "GET", path, None), path)
    }

    /// Posts JSON, which must be taken.
    #[track_caller]
    pub fn post(&self, who: &Person, path: &str, body: &Value) -> Value {
        answered(&self.ask(Some(who), "POST", path, Some(body)), path)
    }

    /// A course that everybody may enrol in; answers its id.
    #[track_caller]
    #[must_use]
    pub fn course(&self, mentor: &Person, title: &str) -> String {
        text(
            &self.post(mentor, "/api/v1/courses", &json!({ "title": title, "summary": "", "enrolment": "open" })),
            "id",
        )
    }

    /// Enrols somebody.
    #[track_caller]
    pub fn enrol(&self, mentee: &Person, course: &str) {
        let place = self.post(mentee, &format!("/api/v1/courses/{course}/enrolment"), &json!({}));
        assert_eq!(place["state"], "active");
    }

    /// A lesson that begins in a minute, and whose slot is open already; answers its id.
    #[track_caller]
    #[must_use]
    pub fn lesson(&self, mentor: &Person, course: &str, title: &str) -> String {
        let body = json!({
            "course_id": course, "title": title, "summary": "", "zone": "Asia/Jakarta",
            "starts_at": from_now(60), "ends_at": from_now(3_660),
        });
        text(&self.post(mentor, "/api/v1/lessons", &body)["items"][0], "id")
    }

    /// A new key of the lesson; answers where it publishes to.
    #[track_caller]
    #[must_use]
    pub fn publish_url(&self, mentor: &Person, lesson: &str) -> String {
        let made = self.post(mentor, &format!("/api/v1/lessons/{lesson}/publishing/key"), &json!({}));
        let key = text(&made["obs"], "key");
        self.server.keep_secret(&key);
        format!("rtmp://{}/lesson/{key}", self.server.address("rtmp"))
    }

    /// The lesson as somebody sees it.
    #[track_caller]
    #[must_use]
    pub fn look(&self, who: &Person, lesson: &str) -> Value {
        self.get(who, &format!("/api/v1/lessons/{lesson}"))
    }

    /// Waits until the lesson is so, to somebody.
    #[track_caller]
    pub fn until(&self, who: &Person, lesson: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let found = poll::try_until(NOTICED * 3, || Some(self.look(who, lesson)).filter(&is_so));
        found.unwrap_or_else(|| panic!("the lesson is not {what}: {}", self.look(who, lesson)))
    }

    /// What plays the lesson for somebody: by cookie as browsers have it, or by `path` as other players do.
    #[track_caller]
    #[must_use]
    pub fn playback(&self, who: &Person, lesson: &str, carry: &str) -> Playback {
        let path = format!("/api/v1/lessons/{lesson}/playback");
        let response = self.ask(Some(who), "POST", &path, Some(&json!({ "carry": carry })));
        let json = answered(&response, &path);
        let cookie = response.header("set-cookie").and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        if let Some((_, token)) = cookie.as_ref().and_then(|cookie| cookie.split_once('=')) {
            self.server.keep_secret(token);
        }
        Playback { json, cookie }
    }

    /// Gets a media path with the cookie of a playback, or without.
    #[track_caller]
    #[must_use]
    pub fn media(&self, path: &str, playback: Option<&Playback>) -> Response {
        let cookie = playback.and_then(|playback| playback.cookie.as_deref());
        let headers: Vec<(&str, &str)> = cookie.map(|cookie| ("Cookie", cookie)).into_iter().collect();
        match http::request(self.server.address("http"), "GET", path, &headers) {
            Ok(response) => response,
            Err(error) => panic!("GET {path}: {error}"),
        }
    }
}

/// The JSON of an answer of 2xx.
#[track_caller]
fn answered(response: &Response, what: &str) -> Value {
    assert!((200..300).contains(&response.status), "{what}: {} {}", response.status, response.text());
    serde_json::from_slice(&response.body).unwrap_or(Value::Null)
}

#[track_caller]
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// RFC 3339, so many seconds from now.
#[must_use]
pub fn from_now(seconds: i64) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = i64::try_from(since.as_secs()).unwrap_or(0) + seconds;
    jiff::Timestamp::from_second(at).expect("in range").to_string()
}
