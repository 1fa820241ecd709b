//! What somebody was told, and how they want to be told.

use axum::response::Response;
use control::notices::{Notice, NoticeKind, NoticeSettings, Quiet};
use control::{Locale, NoticeId};
use events::text;
use events::told::Told;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::SignedIn;
use crate::etag::{self, CHANGE_TRIES, Conditions};
use crate::extract::{Json, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody, Wrong};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(settings, change_settings))
}

/// Something that somebody was told, in their language and on their clock.
#[derive(Serialize, ToSchema)]
struct NoticeBody {
    id: Uuid,
    kind: &'static str,
    /// What it is about.
    lesson: NoticeLesson,
    /// What happened.
    title: String,
    /// To what, and when.
    body: String,
    created_at: Moment,
    /// When it was read; null: not yet.
    read_at: Option<Moment>,
}

/// The lesson that a notice is about.
#[derive(Serialize, ToSchema)]
struct NoticeLesson {
    id: Uuid,
    /// As it was called then.
    title: String,
}

fn body(notice: &Notice, locale: Locale, zone: &str) -> Option<NoticeBody> {
    let told: Told = serde_json::from_str(&notice.payload).ok()?;
    let wording = text::wording(notice.kind, &told, locale, zone);
    Some(NoticeBody {
        id: notice.id.0,
        kind: notice.kind.as_str(),
        lesson: NoticeLesson { id: notice.lesson.0, title: told.title },
        title: wording.title,
        body: wording.body,
        created_at: notice.created.into(),
        read_at: notice.read.map(Moment::from),
    })
}

/// What one was told, newest first.
#[utoipa::path(get, path = "/api/v1/notices", tag = "notices", params(PageQuery), responses(
    (status = 200, body = Page<NoticeBody>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    state: axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<NoticeBody>>, Problem> {
    let limit = page.limit()?;
    let before: Option<NoticeId> = page.after_id()?;
    let found = state.repository.notices(who.id(), before, limit + 1).await?;
    let page = Page::of(found, limit, |notice| notice.id.to_string());
    let (locale, zone) = (who.user.locale, who.user.zone.as_str());
    let items = page.items.iter().filter_map(|notice| body(notice, locale, zone)).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// Up to where somebody has read.
#[derive(Deserialize, ToSchema)]
struct ReadUntil {
    /// The newest notice that was read.
    until_id: Uuid,
}

/// Marks a notice and all before it as read.
#[utoipa::path(post, path = "/api/v1/notices/read", tag = "notices", request_body = ReadUntil, responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read(
    state: axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Json(until): Json<ReadUntil>,
) -> Result<StatusCode, Problem> {
    state.repository.read_notices(who.id(), NoticeId(until.until_id), state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How somebody wants to be told.
#[derive(Serialize, ToSchema)]
struct SettingsBody {
    /// By Web Push, on each device that allowed it.
    push_on: bool,
    /// By e-mail, to the confirmed address.
    email_on: bool,
    /// Kinds that stand in the list of notices alone.
    muted_kinds: Vec<&'static str>,
    /// From when nothing is sent, as `22:00` in the zone of the profile; null: always.
    quiet_from: Option<String>,
    /// Until when; null with `quiet_from`.
    quiet_until: Option<String>,
}

impl From<&NoticeSettings> for SettingsBody {
    fn from(settings: &NoticeSettings) -> Self {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self {
            push_on: settings.push_on,
            email_on: settings.email_on,
            muted_kinds: settings.muted.iter().map(|kind| kind.as_str()).collect(),
            quiet_from: settings.quiet.map(|quiet| clock(quiet.from_min())),
            quiet_until: settings.quiet.map(|quiet| clock(quiet.until_min())),
        }
    }
}

/// How one wants to be told.
#[utoipa::path(get, path = "/api/v1/me/notice-settings", tag = "notices", responses(
    (status = 200, body = SettingsBody),
    (status = 304),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn settings(
    state: axum::extract::State<State>,
    SignedIn(who): SignedIn,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let settings = state.repository.notice_settings(who.id()).await?;
    etag::answer(&conditions, settings.version, &SettingsBody::from(&settings))
}

/// What is to be changed; what is not there stays. Null ends quiet hours.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettingsChange {
    push_on: Option<bool>,
    email_on: Option<bool>,
    muted_kinds: Option<Vec<String>>,
    #[serde(default, deserialize_with = "crate::teaching::named")]
    #[schema(value_type = Option<String>)]
    quiet_from: Option<Option<String>>,
    #[serde(default, deserialize_with = "crate::teaching::named")]
    #[schema(value_type = Option<String>)]
    quiet_until: Option<Option<String>>,
}

/// `22:00`, as minutes of the day.
fn minute(field: &'static str, text: &str) -> Result<u16, Problem> {
    let part = |text: &str, below: u16| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| digits && *number < below)
    };
    let read = text.split_once(':').and_then(|(hour, minute)| Some(part(hour, 24)? * 60 + part(minute, 60)?));
    read.ok_or_else(|| Problem::field(field, Wrong::NotATime, "must be a time of the day as 22:00, or null"))
}

fn quiet(change: &SettingsChange, now: Option<Quiet>) -> Result<Option<Quiet>, Problem> {
    let side = |field, change: &Option<Option<String>>, now: Option<u16>| match change {
        None => Ok(now),
        Some(None) => Ok(None),
        Some(Some(text)) => minute(field, text).map(Some),
    };
    let from = side("quiet_from", &change.quiet_from, now.map(Quiet::from_min))?;
    let until = side("quiet_until", &change.quiet_until, now.map(Quiet::until_min))?;
    match (from, until) {
        (None, None) => Ok(None),
        (Some(from), Some(until)) => Quiet::new(from, until)
            .map(Some)
            .ok_or_else(|| Problem::field("quiet_until", Wrong::NotAllowed, "must be another time than quiet_from")),
        (Some(_), None) => Err(Problem::field("quiet_until", Wrong::Required, "must be a time if quiet_from is one")),
        (None, Some(_)) => Err(Problem::field("quiet_from", Wrong::Required, "must be a time if quiet_until is one")),
    }
}

fn muted(words: &[String]) -> Result<Vec<NoticeKind>, Problem> {
    let mut kinds = Vec::new();
    if words.len() > 2 * NoticeKind::ALL.len() {
        let detail = "has more words than there are kinds: name each once";
        return Err(Problem::field("muted_kinds", Wrong::TooMany, detail));
    }
    for (at, word) in words.iter().enumerate() {
        let kind = word.parse().map_err(|_| Problem::field(format!("muted_kinds.{at}"), Wrong::Unknown, one_of()))?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn one_of() -> String {
    let words: Vec<&str> = NoticeKind::ALL.iter().map(|kind| kind.as_str()).collect();
    format!("must be one of {}", words.join(", "))
}

/// Changes how one wants to be told.
#[utoipa::path(patch, path = "/api/v1/me/notice-settings", tag = "notices", request_body = SettingsChange, responses(
    (status = 200, body = SettingsBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change_settings(
    state: axum::extract::State<State>,
    SignedIn(who): SignedIn,
    conditions: Conditions,
    Json(change): Json<SettingsChange>,
) -> Result<Response, Problem> {
    for _ in 0..CHANGE_TRIES {
        let mut settings = state.repository.notice_settings(who.id()).await?;
        conditions.check(settings.version)?;
        settings.push_on = change.push_on.unwrap_or(settings.push_on);
        settings.email_on = change.email_on.unwrap_or(settings.email_on);
        settings.quiet = quiet(&change, settings.quiet)?;
        if let Some(words) = &change.muted_kinds {
            settings.muted = muted(words)?;
        }
        if state.repository.set_notice_settings(who.id(), &settings).await? {
            settings.version += 1;
            return etag::changed(StatusCode::OK, settings.version, &SettingsBody::from(&settings));
        }
    }
    Err(Problem::changed_meanwhile())
}
