//! A lesson's room in the program as built: on its own port, with a database that others write to as well, stopped and killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use control::room::{Comment, RoomRepository as _};
use control::teaching::courses::{CourseRepository as _, Verdict};
use control::teaching::lessons::{LessonRepository as _, NewLesson};
use control::teaching::{Course, Enrolling, Lesson, LessonState};
use control::{
    CourseId, KeyHash, LessonId, Locale, PeopleRepository as _, Roles, Session, SessionId, SessionKind, User, UserId,
    keys,
};
use futures_util::{SinkExt as _, StreamExt as _};
use media::UnixMillis;
use serde_json::{Value, json};
use store::db::sqlite::SqliteStore;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running program, killed at the end of its test.
struct Tayang {
    child: Child,
    http: String,
    store: SqliteStore,
    directory: tempfile::TempDir,
}

impl Tayang {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let ready = directory.path().join("ready.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tayang"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TAYANG_")) {
            command.env_remove(name);
        }
        let child = command
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data-dir"])
            .arg(directory.path().join("kept"))
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let http = address(&ready).await;
        let store = SqliteStore::open(&database(directory.path())).await.expect("another opening");
        Self { child, http, store, directory }
    }

    /// Somebody, and a token of theirs.
    async fn person(&self, name: &str) -> (UserId, String) {
        let now = wall();
        let user = User {
            id: UserId::new(now),
            email: format!("{name}@example.test"),
            name: name.to_owned(),
            locale: Locale::Id,
            zone: "Asia/Jakarta".to_owned(),
            roles: Roles { mentee: true, mentor: true, operator: false },
            password: None,
            verified: Some(now),
            suspended: None,
            created: now,
            version: 1,
        };
        self.store.create_user(&user).await.expect("created");
        let token = keys::generate().0;
        let session = Session {
            id: SessionId::new(now),
            user: user.id,
            kind: SessionKind::Bearer,
            secret: KeyHash::of(&token),
            label: "test".to_owned(),
            created: now,
            seen: now,
            expires: now.plus_millis(3_600_000),
            revoked: None,
        };
        self.store.create_session(&session).await.expect("created");
        (user.id, token)
    }

    /// A lesson of that mentor.
    async fn lesson(&self, mentor: UserId) -> Lesson {
        let now = wall();
        let course = Course {
            id: CourseId::new(now),
            mentor,
            title: "Fisika".to_owned(),
            summary: String::new(),
            enrolling: Enrolling::Open,
            capacity: None,
            archived: None,
            created: now,
            version: 1,
        };
        self.store.create_course(&course).await.expect("created");
        let lesson = Lesson {
            id: LessonId::new(now),
            course: course.id,
            mentor,
            channel: keys::random_id(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts: now.plus_millis(60_000),
            ends: now.plus_millis(3_660_000),
            zone: "Asia/Jakarta".to_owned(),
            state: LessonState::Scheduled,
            started: None,
            ended: None,
            capacity: None,
            slow_ms: 0,
            comments_on: true,
            review_on: false,
            word_filter: Vec::new(),
            created: now,
            version: 1,
        };
        let new = NewLesson::with_channel(lesson, now);
        self.store.create_lessons(std::slice::from_ref(&new), true).await.expect("created");
        new.lesson
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("runs").success());
    }
}

impl Drop for Tayang {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn database(directory: &Path) -> PathBuf {
    directory.join("kept/tayang.db")
}

fn wall() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    UnixMillis(since.as_millis() as i64)
}

/// Where the program listens, once it says so.
async fn address(ready: &Path) -> String {
    let end = Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        if let Ok(text) = std::fs::read_to_string(ready)
            && let Ok(addresses) = serde_json::from_str::<Value>(&text)
        {
            return addresses["http"].as_str().expect("an address").to_owned();
        }
        assert!(Instant::now() < end, "it did not get ready");
    }
}

/// Somebody in a room.
struct Guest(WebSocketStream<TcpStream>);

impl Guest {
    async fn join(http: &str, lesson: LessonId, token: &str) -> Self {
        let url = format!("ws://{http}/api/v1/lessons/{lesson}/room");
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a value"));
        request.headers_mut().insert("sec-websocket-protocol", "tayang.room.v1".parse().expect("a value"));
        let socket = TcpStream::connect(http).await.expect("connected");
        let (socket, response) = tokio_tungstenite::client_async(request, socket).await.expect("let in");
        assert_eq!(response.headers()["sec-websocket-protocol"], "tayang.room.v1");
        let mut guest = Self(socket);
        guest.hear("hello").await;
        guest
    }

    async fn say(&mut self, name: &str, body: &str) {
        let message = json!({ "t": "comment", "client_id": name, "body": body });
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The next event of that kind.
    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something comes");
            let Some(Ok(Message::Text(text))) = message else { panic!("{message:?} before {kind}") };
            let events: Vec<Value> = serde_json::from_str(&text).expect("an array");
            if let Some(event) = events.into_iter().find(|event| event["t"] == kind) {
                return event;
            }
        }
    }

    /// The code with which the server closes.
    async fn end(&mut self) -> Option<u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("it ends") {
                Some(Ok(Message::Close(close))) => return close.map(|close| close.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

#[tokio::test]
async fn a_room_is_on_the_programs_own_port_and_follows_what_others_change() {
    let tayang = Tayang::start().await;
    let (mentor, mentor_token) = tayang.person("mentor").await;
    let (mentee, token) = tayang.person("mentee").await;
    let lesson = tayang.lesson(mentor).await;
    let now = wall();
    tayang.store.enrol(lesson.course, mentee, None, now).await.expect("enrolled");
    let mut mentor = Guest::join(&tayang.http, lesson.id, &mentor_token).await;
    let mut guest = Guest::join(&tayang.http, lesson.id, &token).await;
    guest.say("c1", "halo").await;
    assert_eq!(guest.hear("ack").await["seq"], 1);
    assert_eq!(mentor.hear("comment").await["body"], "halo");
    // By another process: the server hears of it from the database alone.
    let start = Instant::now();
    tayang.store.decide_enrolment(lesson.course, mentee, Verdict::Removed, wall()).await.expect("removed");
    assert_eq!(guest.end().await, Some(4_001));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let start = Instant::now();
    tayang.signal("-TERM");
    assert_eq!(mentor.end().await, Some(1_012));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_kill_loses_no_comment_that_was_acknowledged() {
    let mut tayang = Tayang::start().await;
    let (mentor, token) = tayang.person("mentor").await;
    let lesson = tayang.lesson(mentor).await;
    let mut guest = Guest::join(&tayang.http, lesson.id, &token).await;
    let mut last = 0;
    for n in 0..15 {
        guest.say(&format!("c{n}"), "halo").await;
        last = guest.hear("ack").await["seq"].as_i64().expect("a place");
    }
    guest.say("c15", "ini mungkin hilang").await;
    tayang.child.kill().expect("killed");
    tayang.child.wait().expect("gone");
    let store = SqliteStore::open(&database(tayang.directory.path())).await.expect("it opens");
    let kept: Vec<Comment> = store.comments_after(lesson.id, 0, 100, true).await.expect("read");
    assert!(kept.len() as i64 >= last, "{} of {last}", kept.len());
    assert!(kept.iter().zip(1..).all(|(comment, seq)| comment.seq == seq), "without gaps");
}
