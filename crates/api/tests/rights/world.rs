//! A school with everybody in it who can ask, and something of everything that can be asked for.

use std::collections::BTreeMap;

use control::audit::{AuditAction, AuditEntry};
use control::passkeys::{Answered, Passkey};
use control::teaching::lessons::Ban;
use control::teaching::{Course, Enrolling};
use control::{KeyHash, PasskeyId, Session, SessionId, SessionKind, UserId, keys};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{Method, Request};
use http_body_util::Full;
use media::UnixMillis;
use serde_json::json;

use crate::stage::{Actor, Answer, Stage};

pub const PUSH: &str = r#"{"endpoint":"https://push.example.com/abc","keys":{"auth":"BTBZMqHH6r4Tts7J_aSIgg","p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}}"#;
pub const WEBHOOK: &str = r#"{"url":"https://hook.example.com/x","kinds":["lesson_started"]}"#;
const INVITATION: &str = r#"{"uses":3,"expires_at":"{begin}"}"#;

/// Who asks, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Shows nothing.
    Nobody,
    /// Shows a token that was never given out.
    Unknown,
    /// The mentor, whose session's time is over.
    Expired,
    /// The mentor, who signed this device out.
    SignedOut,
    /// Was in the course, and is suspended.
    Suspended,
    /// The mentor's cookie without the CSRF token: another site's page.
    NoCsrf,
    /// Signed in, in no course.
    Outsider,
    /// In the course.
    Enrolled,
    /// In the course, sent out of the lesson.
    Banned,
    /// Mentor of another course.
    OtherMentor,
    /// Whose course it is.
    Mentor,
    /// Runs the server.
    Operator,
}

impl Caller {
    /// In the order of the table's columns.
    pub const ALL: [Self; 12] = [
        Self::Nobody,
        Self::Unknown,
        Self::Expired,
        Self::SignedOut,
        Self::Suspended,
        Self::NoCsrf,
        Self::Outsider,
        Self::Enrolled,
        Self::Banned,
        Self::OtherMentor,
        Self::Mentor,
        Self::Operator,
    ];
}

/// See the module.
pub struct World {
    pub stage: Stage,
    callers: BTreeMap<Caller, Actor>,
    cookie: String,
    /// What stands in the braces of addresses and bodies.
    names: BTreeMap<&'static str, String>,
}

impl World {
    pub async fn new(enrolling: Enrolling) -> Self {
        let stage = Stage::new().await;
        let mentor = stage.mentor("mentor@example.test").await;
        let operator = stage.operator("operator@example.test").await;
        let course = stage.course(&mentor, enrolling).await;
        let suspended = stage.enrolled(&course, "henti@example.test").await;
        let path = format!("/api/v1/users/{}", suspended.id);
        let done = stage.ask(Some(&operator), Method::PATCH, &path, Some(json!({ "suspended": true }))).await;
        assert!(done.status.is_success(), "{done:?}");
        let (past, future) = (-1, 3_600_000);
        let expired = session(&stage, &mentor, SessionKind::Bearer, past, false).await;
        let signed_out = session(&stage, &mentor, SessionKind::Bearer, future, true).await;
        let cookie = session(&stage, &mentor, SessionKind::Browser, future, false).await;
        let banned = stage.enrolled(&course, "keluar@example.test").await;
        let callers = BTreeMap::from([
            (Caller::Unknown, Actor { id: mentor.id, token: keys::generate().0 }),
            (Caller::Expired, Actor { id: mentor.id, token: expired }),
            (Caller::SignedOut, Actor { id: mentor.id, token: signed_out }),
            (Caller::Suspended, suspended),
            (Caller::Outsider, stage.mentee("luar@example.test").await),
            (Caller::Enrolled, stage.enrolled(&course, "dalam@example.test").await),
            (Caller::Banned, banned),
            (Caller::OtherMentor, stage.mentor("lain@example.test").await),
            (Caller::Mentor, mentor),
            (Caller::Operator, operator),
        ]);
        let mut world = Self { stage, callers, cookie, names: BTreeMap::new() };
        world.furnish(&course).await;
        world
    }

    /// Makes something of everything.
    async fn furnish(&mut self, course: &Course) {
        let now = self.stage.state.now();
        let lesson = self.stage.lesson(course, 1_000).await;
        self.stage
            .repository
            .start_lesson(lesson.id, self.stage.state.settings.slot_margin_ms, now)
            .await
            .expect("begun")
            .expect("there");
        let room = self.ask(Caller::Operator, &Method::GET, "/control/get?room=kelas", "").await;
        assert!(room.status.is_success(), "{room:?}");
        let (banned, mentor) = (self.callers[&Caller::Banned].id, self.callers[&Caller::Mentor].id);
        let ban = Ban { lesson: lesson.id, user: banned, by: mentor, reason: String::new() };
        self.stage.repository.ban(&ban, now).await.expect("sent out");
        let seated = self.stage.enrolled(course, "duduk@example.test").await;
        let at = |ms: i64| api::moment::Moment(now.plus_millis(ms)).to_string();
        self.names.extend([
            ("course", course.id.to_string()),
            ("lesson", lesson.id.to_string()),
            ("user", seated.id.to_string()),
            ("mentor", mentor.to_string()),
            ("begin", at(172_800_000)),
            ("end", at(176_400_000)),
        ]);
        for (name, who, path, body, field) in [
            (
                "comment",
                Caller::Enrolled,
                "/api/v1/lessons/{lesson}/comments",
                r#"{"client_id":"a","body":"Halo"}"#,
                "seq",
            ),
            ("playback", Caller::Enrolled, "/api/v1/lessons/{lesson}/playback", r#"{"carry":"path"}"#, "playback_id"),
            ("subscription", Caller::Enrolled, "/api/v1/me/push-subscriptions", PUSH, "id"),
            ("key", Caller::Mentor, "/api/v1/me/keys", "{}", "id"),
            ("webhook", Caller::Mentor, "/api/v1/webhooks", WEBHOOK, "id"),
            ("invitation", Caller::Mentor, "/api/v1/courses/{course}/invitations", INVITATION, "id"),
        ] {
            let answer = self.ask(who, &Method::POST, path, body).await;
            assert!(answer.status.is_success(), "{path}: {answer:?}");
            let text = answer.json[field].as_str().map_or_else(|| answer.json[field].to_string(), str::to_owned);
            self.names.insert(name, text);
        }
        let passkey = a_passkey(self.callers[&Caller::Enrolled].id, now);
        let entry = AuditEntry::about(now, None, AuditAction::PasskeyAdded, passkey.user, "");
        let answered = Answered { challenge: KeyHash::of("tantangan"), expires: now };
        self.stage.repository.add_passkey(&passkey, answered, &entry).await.expect("added");
        self.names.insert("passkey", passkey.id.to_string());
        let devices = self.ask(Caller::Enrolled, &Method::GET, "/api/v1/sessions", "").await;
        self.names.insert("session", devices.json["items"][0]["id"].as_str().expect("an id").to_owned());
        let said = self.ask(Caller::Mentor, &Method::GET, "/api/v1/lessons/{lesson}/comments", "").await;
        self.names.insert("comment", said.json["items"][0]["id"].as_str().expect("an id").to_owned());
    }

    /// The number of the newest change of anything.
    pub async fn last_change(&self) -> i64 {
        self.stage.repository.last_seq().await.expect("read").0
    }

    /// The text with what is in its braces.
    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    pub async fn ask(&self, who: Caller, method: &Method, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(self.filled(path));
        if who == Caller::NoCsrf {
            request = request.header(COOKIE, format!("__Host-tayang_session={0}; tayang_session={0}", self.cookie));
        } else if let Some(actor) = self.callers.get(&who) {
            request = request.header(AUTHORIZATION, format!("Bearer {}", actor.token));
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        self.stage.send(request.body(Full::new(self.filled(body).into())).expect("a request")).await
    }
}

fn a_passkey(user: UserId, created: UnixMillis) -> Passkey {
    let credential = "AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let (key, state, name) = (String::new(), String::new(), "Ponsel".to_owned());
    Passkey { id: PasskeyId::new(created), user, credential, key, state, name, created, used: None }
}

async fn session(stage: &Stage, who: &Actor, kind: SessionKind, ends_in_ms: i64, is_out: bool) -> String {
    let (now, token) = (stage.state.now(), keys::generate().0);
    let session = Session {
        id: SessionId::new(now),
        user: who.id,
        kind,
        secret: KeyHash::of(&token),
        label: "test".to_owned(),
        created: now,
        seen: now,
        expires: now.plus_millis(ends_in_ms),
        revoked: is_out.then_some(now),
    };
    stage.repository.create_session(&session).await.expect("created");
    token
}
