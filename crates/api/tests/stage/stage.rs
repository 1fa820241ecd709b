//! A server's API on a fresh database, asked without sockets.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::sync::Arc;

use api::state::Parts;
use api::{Addresses, Api, Peer, Settings, State};
use bytes::Bytes;
use control::air::{Air, Silence};
use control::mail::{Mail, Mailer};
use control::secrets::SecretName;
use control::teaching::lessons::NewLesson;
use control::teaching::{Course, Enrolling, EnrolmentState, Lesson, LessonState};
use control::{
    BoxFuture, CourseId, KeyHash, LessonId, Locale, Repository, RepositoryError, Roles, Session, SessionId,
    SessionKind, User, UserId, keys,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use media::{Redacted, UnixMillis};
use parking_lot::Mutex;
use serde_json::Value;
use store::db::sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Keeps mails for tests to read.
#[derive(Default)]
pub struct Letterbox(Mutex<Vec<Mail>>);

impl Letterbox {
    /// What came, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().clone()
    }
}

impl Mailer for Letterbox {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), RepositoryError>> {
        self.0.lock().push(mail.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// See the module.
pub struct Stage {
    pub api: Api,
    pub state: State,
    pub repository: Arc<dyn Repository>,
    pub letterbox: Arc<Letterbox>,
    folder: Arc<tempfile::TempDir>,
}

/// Somebody with a bearer token.
#[derive(Clone, Debug)]
pub struct Actor {
    pub id: UserId,
    pub token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Its JSON; null where it is none.
    pub json: Value,
    pub bytes: Bytes,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with_air(Arc::new(Silence)).await
    }

    pub async fn with_air(air: Arc<dyn Air>) -> Self {
        Self::with(air, Self::settings()).await
    }

    /// What the configuration says if a test says nothing else.
    pub fn settings() -> Settings {
        Settings {
            public_url: Some("https://tayang.test".to_owned()),
            trusted_proxies: api::Network::loopback().to_vec(),
            sign_up: true,
            slot_margin_ms: 900_000,
            attendance_ms: 10_000,
            one_stream_each: false,
            addresses: Arc::new(
                Addresses {
                    rtmp: "rtmp://tayang.test:1935".to_owned(),
                    rtmps: Some("rtmps://tayang.test:1936".to_owned()),
                }
                .into(),
            ),
            hook_secret: Some(Redacted("rahasia-kait".to_owned())),
            refuses_path: |path| (path.name.as_str() == "watch").then(|| "is the server's own".to_owned()),
            egress: events::egress::Policy::default(),
            oidc: None,
        }
    }

    pub async fn with(air: Arc<dyn Air>, settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("temporary directory");
        let store = SqliteStore::open(&folder.path().join("tayang.db")).await.expect("open");
        let (repository, letterbox): (Arc<dyn Repository>, _) = (Arc::new(store), Arc::new(Letterbox::default()));
        Self::on(air, settings, repository, letterbox, Arc::new(folder)).await
    }

    async fn on(
        air: Arc<dyn Air>,
        settings: Settings,
        repository: Arc<dyn Repository>,
        letterbox: Arc<Letterbox>,
        folder: Arc<tempfile::TempDir>,
    ) -> Self {
        let rights = control::Directory::default();
        let secrets =
            repository.secrets(SecretName::Playback, &keys::generate(), UnixMillis(1)).await.expect("a secret");
        rights.set_token_keys(control::playback::TokenKeys::new(&secrets));
        let state = State::new(Parts {
            repository: repository.clone(),
            air,
            directory: Arc::new(rights),
            mailer: letterbox.clone(),
            settings,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        Self { api: Api::new(state.clone()), state, repository, letterbox, folder }
    }

    /// Another server on the same database.
    pub async fn restarted(&self) -> Self {
        let (air, settings) = (self.state.air.clone(), self.state.settings.clone());
        Self::on(air, settings, self.repository.clone(), self.letterbox.clone(), self.folder.clone()).await
    }

    /// Makes all sessions look as if they were last used then.
    pub async fn age_sessions(&self, seen: UnixMillis) {
        self.disturb("UPDATE sessions SET seen_ms = $1", seen).await;
    }

    /// Makes all requests with keys look as if the server had ended in the middle of them, two minutes ago.
    pub async fn lose_requests(&self) {
        let then = UnixMillis(self.state.now().0 - 120_000);
        self.disturb("UPDATE idempotency_keys SET status = 0, body = '-', created_ms = $1", then).await;
    }

    /// Makes the database refuse hands, or take them again.
    pub async fn refuse_hands(&self, refused: bool) {
        let text = match refused {
            true => "CREATE TRIGGER refused BEFORE INSERT ON hands BEGIN SELECT RAISE(ABORT, 'no hands'); END",
            false => "DROP TRIGGER refused",
        };
        sqlx::query(text).execute(&self.pool().await).await.expect("written");
    }

    async fn disturb(&self, text: &'static str, at: UnixMillis) {
        sqlx::query(text).bind(at.0).execute(&self.pool().await).await.expect("written");
    }

    /// Another opening of the database.
    async fn pool(&self) -> sqlx::SqlitePool {
        let file = self.folder.path().join("tayang.db");
        let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(file)).await;
        pool.expect("open")
    }

    /// Makes somebody and signs them in.
    pub async fn person(&self, email: &str, roles: Roles) -> Actor {
        let now = self.state.now();
        let user = User {
            id: UserId::new(now),
            email: email.to_owned(),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            locale: Locale::Id,
            zone: "Asia/Jakarta".to_owned(),
            roles,
            password: None,
            verified: Some(now),
            suspended: None,
            created: now,
            version: 1,
        };
        self.repository.create_user(&user).await.expect("created");
        let token = keys::generate().0;
        let session = Session {
            id: SessionId::new(now),
            user: user.id,
            kind: SessionKind::Bearer,
            secret: KeyHash::of(&token),
            label: "test".to_owned(),
            created: now,
            seen: now,
            expires: UnixMillis(now.0 + 3_600_000),
            revoked: None,
        };
        self.repository.create_session(&session).await.expect("created");
        Actor { id: user.id, token }
    }

    pub async fn mentee(&self, email: &str) -> Actor {
        self.person(email, Roles { mentee: true, ..Roles::default() }).await
    }

    pub async fn mentor(&self, email: &str) -> Actor {
        self.person(email, Roles { mentor: true, mentee: true, ..Roles::default() }).await
    }

    pub async fn operator(&self, email: &str) -> Actor {
        self.person(email, Roles { operator: true, ..Roles::default() }).await
    }

    /// Makes a course of that mentor.
    pub async fn course(&self, mentor: &Actor, enrolling: Enrolling) -> Course {
        let now = self.state.now();
        let course = Course {
            id: CourseId::new(now),
            mentor: mentor.id,
            title: "Fisika dasar".to_owned(),
            summary: "Gerak dan gaya".to_owned(),
            enrolling,
            capacity: None,
            archived: None,
            created: now,
            version: 1,
        };
        self.repository.create_course(&course).await.expect("created");
        course
    }

    /// Sets a lesson of that course, of an hour that begins `in_ms` from now.
    pub async fn lesson(&self, course: &Course, in_ms: i64) -> Lesson {
        self.lesson_with(course, in_ms, |_| ()).await
    }

    /// The same, changed before it is set.
    pub async fn lesson_with(&self, course: &Course, in_ms: i64, change: impl FnOnce(&mut Lesson)) -> Lesson {
        let now = self.state.now();
        let mut lesson = Lesson {
            id: LessonId::new(now),
            course: course.id,
            mentor: course.mentor,
            channel: keys::random_id(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts: now.plus_millis(in_ms),
            ends: now.plus_millis(in_ms + 3_600_000),
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
        change(&mut lesson);
        let new = NewLesson::with_channel(lesson, now);
        self.repository.create_lessons(std::slice::from_ref(&new), true).await.expect("created");
        new.lesson
    }

    /// Makes somebody who is in that course.
    pub async fn enrolled(&self, course: &Course, email: &str) -> Actor {
        let mentee = self.mentee(email).await;
        self.enrol(course, &mentee).await;
        mentee
    }

    /// Puts somebody into a course, however one gets into it.
    pub async fn enrol(&self, course: &Course, who: &Actor) {
        use control::teaching::courses::{Invitation, Verdict};
        let now = self.state.now();
        let token = if course.enrolling == Enrolling::Invitation {
            let (invitation, token) = Invitation::create(course.id, 1, now.plus_millis(60_000), now);
            self.repository.create_invitation(&invitation, now).await.expect("created");
            Some(KeyHash::of(&token.0))
        } else {
            None
        };
        let state = self.repository.enrol(course.id, who.id, token, now).await.expect("enrolled");
        if state == EnrolmentState::Requested {
            self.repository.decide_enrolment(course.id, who.id, Verdict::Active, now).await.expect("let in");
        }
    }

    /// Asks as somebody, or as nobody.
    pub async fn ask(&self, who: Option<&Actor>, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(actor) = who {
            request = request.header(AUTHORIZATION, format!("Bearer {}", actor.token));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |json| json.to_string().into());
        self.send(request.body(Full::new(body)).expect("a request")).await
    }

    pub async fn get(&self, who: Option<&Actor>, path: &str) -> Answer {
        self.ask(who, Method::GET, path, None).await
    }

    pub async fn post(&self, who: Option<&Actor>, path: &str, body: Value) -> Answer {
        self.ask(who, Method::POST, path, Some(body)).await
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.send_from(request, Peer { address: ([127, 0, 0, 1], 40_000).into(), secure: true }).await
    }

    /// Sends a request from somewhere.
    pub async fn send_from(&self, request: Request<Full<Bytes>>, peer: Peer) -> Answer {
        let response = self.api.answer(request, peer).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, json, bytes }
    }
}
