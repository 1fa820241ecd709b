//! The table: each operation with what it takes and who may.

use super::world::{PUSH, WEBHOOK};

/// Let through: whatever else is then said of it.
pub const OK: u16 = 0;

/// What a stranger, somebody signed in, in the course, sent out of the lesson, another mentor, the mentor, and an operator are
/// answered.
pub type Rights = [u16; 7];

const ANYBODY: Rights = [OK; 7];
const SIGNED_IN: Rights = [401, OK, OK, OK, OK, OK, OK];
const MENTORS: Rights = [401, 403, 403, 403, OK, OK, 403];
const MENTORS_AND_OPERATORS: Rights = [401, 403, 403, 403, OK, OK, OK];
const OPERATORS: Rights = [401, 403, 403, 403, 403, 403, OK];
/// livego knows no sign-in.
const LIVEGO: Rights = [403, 403, 403, 403, 403, 403, OK];
const ITS_MENTOR: Rights = [401, 403, 403, 403, 403, OK, 403];
const ITS_ROOM: Rights = [401, 403, OK, 403, 403, OK, 403];
/// Nobody was at this lesson but its mentor: for all others its recording is not there.
const WHO_WAS_THERE: Rights = [401, 404, 404, 404, 404, OK, 404];
/// Of somebody in the course: others' things are not there.
const ITS_OWNER: Rights = [401, 404, OK, 404, 404, 404, 404];
/// Of the mentor, and of a kind that mentees have none of.
const ITS_MAKER: Rights = [401, 403, 403, 403, 404, OK, 404];

/// One operation.
pub struct Row {
    pub verb: &'static str,
    pub path: &'static str,
    pub body: &'static str,
    /// In a course for all.
    pub open: Rights,
    /// In a course by invitation.
    pub invited: Rights,
}

const fn row(verb: &'static str, path: &'static str, body: &'static str, open: Rights) -> Row {
    Row { verb, path, body, open, invited: open }
}

impl Row {
    /// By invitation it is not there for whoever is not in the course.
    const fn hidden(mut self) -> Self {
        if self.open[0] == OK {
            self.invited[0] = 404;
        }
        self.invited[1] = 404;
        self.invited[4] = 404;
        self
    }

    /// By invitation it is otherwise.
    const fn invited(mut self, rights: Rights) -> Self {
        self.invited = rights;
        self
    }
}

/// Here the right lies in what the body or the address shows, or needs something that nobody on this stage has: other tests
/// ask these.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("POST /api/v1/accounts", "identity.rs"),
    ("POST /api/v1/session", "identity.rs"),
    ("POST /api/v1/session/link", "identity.rs"),
    ("POST /api/v1/session/passkey", "passkeys.rs"),
    ("POST /api/v1/session/passkey/options", "passkeys.rs"),
    ("POST /api/v1/me/passkeys", "passkeys.rs"),
    ("POST /api/v1/password", "identity.rs"),
    ("POST /api/v1/password/forgotten", "identity.rs"),
    ("GET /api/v1/oidc/{provider}/start", "oidc.rs"),
    ("GET /api/v1/oidc/{provider}/callback", "oidc.rs"),
    ("GET /calendar/{file}", "earlier.rs"),
    ("POST /api/v1/notices/read", "notices.rs"),
    ("POST /api/v1/webhooks/{id}/deliveries/{delivery}/replay", "notices.rs"),
];

#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row("GET", "/api/v1/audit", "", OPERATORS),
    row("GET", "/api/v1/changes", "", ANYBODY),
    row("GET", "/api/v1/courses", "", ANYBODY),
    row("POST", "/api/v1/courses", r#"{"title":"Kimia","enrolment":"open"}"#, MENTORS),
    row("DELETE", "/api/v1/courses/{id}", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/courses/{id}", "", ANYBODY).hidden(),
    row("PATCH", "/api/v1/courses/{id}", "{}", ITS_MENTOR).hidden(),
    row("DELETE", "/api/v1/courses/{id}/enrolment", "", SIGNED_IN).hidden(),
    row("POST", "/api/v1/courses/{id}/enrolment", "{}", SIGNED_IN).invited([401, 404, OK, OK, 404, OK, 403]),
    row("GET", "/api/v1/courses/{id}/enrolments", "", ITS_MENTOR).hidden(),
    row("PATCH", "/api/v1/courses/{id}/enrolments/{user}", r#"{"state":"removed"}"#, ITS_MENTOR).hidden(),
    row("GET", "/api/v1/courses/{id}/invitations", "", ITS_MENTOR).hidden(),
    row("POST", "/api/v1/courses/{id}/invitations", r#"{"uses":3,"expires_at":"{begin}"}"#, ITS_MENTOR).hidden(),
    row("DELETE", "/api/v1/courses/{id}/invitations/{invitation}", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons", "", ANYBODY),
    row("POST", "/api/v1/lessons", r#"{"course_id":"{course}","title":"Gaya","starts_at":"{begin}","ends_at":"{end}","zone":"Asia/Jakarta"}"#, ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}", "", ANYBODY).hidden(),
    row("PATCH", "/api/v1/lessons/{id}", "{}", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/attendance", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/attendance.csv", "", ITS_MENTOR).hidden(),
    row("PATCH", "/api/v1/lessons/{id}/attendance/{user}", r#"{"decision":"present","reason":"hadir"}"#, ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/bans", "", ITS_MENTOR).hidden(),
    row("DELETE", "/api/v1/lessons/{id}/bans/{user}", "", ITS_MENTOR).hidden(),
    row("PUT", "/api/v1/lessons/{id}/bans/{user}", r#"{"reason":""}"#, ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/calendar.ics", "", ANYBODY).hidden(),
    row("POST", "/api/v1/lessons/{id}/cancel", "{}", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/chapters", "", WHO_WAS_THERE).invited([404, 404, 404, 404, 404, OK, 404]),
    row("PUT", "/api/v1/lessons/{id}/chapters", r#"[{"at_ms":0,"title":"Awal"}]"#, ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/comments", "", ITS_ROOM).hidden(),
    row("POST", "/api/v1/lessons/{id}/comments", r#"{"client_id":"b","body":"Halo lagi"}"#, ITS_ROOM).hidden(),
    row("GET", "/api/v1/lessons/{id}/comments.csv", "", ITS_MENTOR).hidden(),
    row("PATCH", "/api/v1/lessons/{id}/comments/{comment}", r#"{"pinned":true}"#, ITS_MENTOR).hidden(),
    row("POST", "/api/v1/lessons/{id}/end", "", ITS_MENTOR).hidden(),
    row("POST", "/api/v1/lessons/{id}/hand", r#"{"raised":true}"#, ITS_ROOM).hidden(),
    row("DELETE", "/api/v1/lessons/{id}/hands/{user}", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/health", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/mutes", "", ITS_MENTOR).hidden(),
    row("DELETE", "/api/v1/lessons/{id}/mutes/{user}", "", ITS_MENTOR).hidden(),
    row("PUT", "/api/v1/lessons/{id}/mutes/{user}", r#"{"minutes":1}"#, ITS_MENTOR).hidden(),
    row("POST", "/api/v1/lessons/{id}/playback", r#"{"carry":"path"}"#, ITS_ROOM).hidden(),
    row("GET", "/api/v1/lessons/{id}/position", "", WHO_WAS_THERE),
    row("PUT", "/api/v1/lessons/{id}/position", r#"{"at_ms":1000}"#, WHO_WAS_THERE),
    row("GET", "/api/v1/lessons/{id}/publishing", "", ITS_MENTOR).hidden(),
    row("POST", "/api/v1/lessons/{id}/publishing/key", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/reactions", "", ITS_ROOM).hidden(),
    row("POST", "/api/v1/lessons/{id}/reactions", r#"{"kind":"hati"}"#, ITS_ROOM).hidden(),
    row("GET", "/api/v1/lessons/{id}/room", "", SIGNED_IN),
    row("POST", "/api/v1/lessons/{id}/start", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/lessons/{id}/viewers", "", ITS_MENTOR).hidden(),
    row("GET", "/api/v1/me", "", SIGNED_IN),
    row("PATCH", "/api/v1/me", "{}", SIGNED_IN),
    row("DELETE", "/api/v1/me/calendar", "", SIGNED_IN),
    row("GET", "/api/v1/me/calendar", "", SIGNED_IN),
    row("GET", "/api/v1/me/keys", "", MENTORS),
    row("POST", "/api/v1/me/keys", "{}", MENTORS),
    row("DELETE", "/api/v1/me/keys/{id}", "", WHO_WAS_THERE),
    row("PUT", "/api/v1/me/mentor", r#"{"bio":"","headline":"Fisika"}"#, MENTORS),
    row("GET", "/api/v1/me/notice-settings", "", SIGNED_IN),
    row("PATCH", "/api/v1/me/notice-settings", "{}", SIGNED_IN),
    row("GET", "/api/v1/me/passkeys", "", SIGNED_IN),
    row("DELETE", "/api/v1/me/passkeys/{id}", "", ITS_OWNER),
    row("POST", "/api/v1/me/passkeys/options", "{}", SIGNED_IN),
    row("GET", "/api/v1/me/positions", "", SIGNED_IN),
    row("POST", "/api/v1/me/push-subscriptions", PUSH, SIGNED_IN),
    row("DELETE", "/api/v1/me/push-subscriptions/{id}", "", ITS_OWNER),
    row("GET", "/api/v1/mentors", "", ANYBODY),
    row("GET", "/api/v1/mentors/{id}", "", ANYBODY),
    row("GET", "/api/v1/notices", "", SIGNED_IN),
    row("DELETE", "/api/v1/playbacks/{playback_id}", "", ITS_OWNER),
    row("POST", "/api/v1/playbacks/{playback_id}/end", "", ITS_OWNER),
    row("POST", "/api/v1/playbacks/{playback_id}/refresh", "", ITS_OWNER),
    row("GET", "/api/v1/push/key", "", ANYBODY),
    row("DELETE", "/api/v1/session", "", ANYBODY),
    row("GET", "/api/v1/session", "", ANYBODY),
    row("GET", "/api/v1/sessions", "", SIGNED_IN),
    row("DELETE", "/api/v1/sessions/{id}", "", ITS_OWNER),
    row("GET", "/api/v1/users", "", OPERATORS),
    row("GET", "/api/v1/users/{id}", "", OPERATORS),
    row("PATCH", "/api/v1/users/{id}", r#"{"suspended":true}"#, OPERATORS),
    row("POST", "/api/v1/users/{id}/sign-in-link", "", OPERATORS),
    row("GET", "/api/v1/webhooks", "", MENTORS_AND_OPERATORS),
    row("POST", "/api/v1/webhooks", WEBHOOK, MENTORS_AND_OPERATORS),
    row("DELETE", "/api/v1/webhooks/{id}", "", ITS_MAKER),
    row("GET", "/api/v1/webhooks/{id}", "", ITS_MAKER),
    row("PATCH", "/api/v1/webhooks/{id}", r#"{"disabled":true}"#, ITS_MAKER),
    row("GET", "/api/v1/webhooks/{id}/deliveries", "", ITS_MAKER),
    row("DELETE", "/control/delete", "", LIVEGO),
    row("GET", "/control/delete", "", LIVEGO),
    row("POST", "/control/delete", "", LIVEGO),
    row("GET", "/control/get", "", LIVEGO),
    row("POST", "/control/get", "", LIVEGO),
    row("GET", "/control/pull", "", LIVEGO),
    row("POST", "/control/pull", "", LIVEGO),
    row("GET", "/control/push", "", LIVEGO),
    row("POST", "/control/push", "", LIVEGO),
    row("GET", "/control/reset", "", LIVEGO),
    row("POST", "/control/reset", "", LIVEGO),
    row("POST", "/livestream/", r#"{"title":"Gaya","start_time":"{begin}","course_id":"{course}"}"#, ITS_MENTOR).invited([401, 403, 403, 403, 404, OK, 403]),
    row("GET", "/mentor/{id}/live/{live_id}/", "", ANYBODY).hidden(),
    row("GET", "/mentor/{id}/live/{live_id}/reaction", "", ITS_ROOM).hidden(),
    row("POST", "/mentor/{id}/live/{live_id}/reaction", r#"{"reaction":"hati"}"#, ITS_ROOM).hidden(),
    row("GET", "/stat/livestat", "", LIVEGO),
    row("POST", "/stat/livestat", "", LIVEGO),
    row("GET", "/store-live", "", SIGNED_IN),
    row("POST", "/store-live", "", OPERATORS),
    row("GET", "/streams", "", LIVEGO),
    row("POST", "/streams", "", LIVEGO),
];
