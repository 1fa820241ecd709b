//! Signing in and out, and one's devices.

use axum::response::{IntoResponse as _, Response};
use control::audit::{AuditAction, AuditEntry};
use control::identity::throttle::{Attempt, LINK, SIGN_IN};
use control::identity::{Email, LinkPurpose, Proof, SESSION_MS, SignIn, link_page};
use control::{KeyHash, Principal, Session, SessionId, SessionKind, User, keys};
use http::StatusCode;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use media::{Redacted, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::account::Me;
use crate::auth::{Caller, SESSION_COOKIE, SIGN_UP_COOKIE, SIGN_UP_COOKIE_PATH, SignedIn, cookie, csrf_token, secret};
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::Page;
use crate::passkeys::wrong_passkey;
use crate::problem::{Problem, ProblemBody};
use crate::visit::Visit;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(read, sign_in, sign_out))
        .routes(routes!(by_link))
        .routes(routes!(list))
        .routes(routes!(end))
}

/// Who is signed in, to themself.
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    /// Null for nobody.
    user: Option<Me>,
    /// For the header `X-CSRF-Token`; null with a bearer token, which needs none.
    csrf_token: Option<String>,
    /// Of `mentee`, `mentor`, `operator`.
    roles: Vec<&'static str>,
    expires_at: Option<Moment>,
    /// Other ways to sign in.
    oidc: Vec<OidcLink>,
    /// One can sign in by passkey here.
    passkeys: bool,
    /// For `Authorization: Bearer`, only in the answer to a sign-in with `"bearer": true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Only in the answer to a link that confirms an address, and only `true`: the password that was typed with the address
    /// was not typed in this browser, or not by who opened the link, and is not kept; choose one by `POST /api/v1/password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    choose_password: Option<bool>,
}

/// A way to sign in by an identity provider.
#[derive(Serialize, ToSchema)]
struct OidcLink {
    name: String,
    start_url: String,
}

impl SessionBody {
    pub(crate) fn of(state: &State, principal: Option<&Principal>, shown: Option<&str>) -> Self {
        let browser = principal.is_some_and(|principal| principal.session.kind == SessionKind::Browser);
        let oidc = state
            .provider()
            .map(|provider| OidcLink { name: provider.name().to_owned(), start_url: provider.start_path() });
        Self {
            user: principal.map(|principal| Me::from(&principal.user)),
            csrf_token: shown.filter(|_| browser).map(csrf_token),
            roles: principal.map(|principal| principal.user.roles.words()).unwrap_or_default(),
            expires_at: principal.map(|principal| principal.session.expires.into()),
            oidc: oidc.into_iter().collect(),
            passkeys: state.relying_party().is_some(),
            token: None,
            choose_password: None,
        }
    }
}

/// Who is signed in; 200 for nobody too.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SessionBody)))]
async fn read(
    axum::extract::State(state): axum::extract::State<State>,
    Caller(principal): Caller,
    visit: Visit,
    headers: http::HeaderMap,
) -> Response {
    let shown = secret(&headers).map(|(secret, _)| secret);
    let mut response = Json(SessionBody::of(&state, principal.as_ref(), shown)).into_response();
    // The cookie slides with the session.
    if let (Some(principal), Some(shown)) = (&principal, shown)
        && principal.session.kind == SessionKind::Browser
    {
        let cookie = visit.cookie(SESSION_COOKIE, shown, "/", SESSION_MS / 1_000);
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// With what one signs in.
#[derive(Deserialize, ToSchema)]
struct Credentials {
    email: String,
    #[schema(value_type = String)]
    password: Secret,
    /// For programs: the answer holds `token`, and no cookie is set.
    #[serde(default)]
    bearer: bool,
}

/// A text that is never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn redacted(&self) -> Redacted<String> {
        Redacted(self.0.clone())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Signs in with a password.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Credentials, responses(
    (status = 200, body = SessionBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn sign_in(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    Json(credentials): Json<Credentials>,
) -> Result<Response, Problem> {
    let email = Email::of(&credentials.email).ok();
    let account = email.as_ref().map_or(credentials.email.as_str(), Email::as_str);
    let attempts = [Attempt::on_account(SIGN_IN, account), Attempt::from_address(SIGN_IN, visit.address)];
    // Who has to wait takes no turn from those who need not.
    may_go(state.repository.wait(&attempts, state.now()).await?)?;
    let _turn = state.passwords().turn().await?;
    let now = state.now();
    attempt(&state, &attempts, now).await?;
    // From here on the same is done for an address that has an account and for one that has none.
    let user = match &email {
        Some(email) => state.repository.user_by_email(email.as_str()).await?,
        None => None,
    };
    let kept = match &user {
        // What they typed counts once the address is confirmed: until then they are told so, and nothing is opened.
        Some(user) if user.verified.is_none() && user.password.is_none() => {
            state.repository.password_asked_for(user.id).await?
        }
        Some(user) => user.password.clone(),
        None => None,
    };
    let right = state.passwords().verify(credentials.password.redacted(), kept.clone()).await?;
    let proven = user.as_ref().zip(kept.as_ref()).filter(|_| right);
    let Some((user, password)) = proven else {
        refused(&state, &visit, user.as_ref(), "wrong password", now).await?;
        return Err(wrong_credentials());
    };
    may_sign_in(&state, &visit, user, now).await?;
    let proof = Proof::Password(password);
    let begin = Begin { user, bearer: credentials.bearer, how: "by password", forgive: &attempts, proof };
    let (principal, secret) = begin.principal(&state, &visit, now).await?;
    Ok(begun(&visit, SessionBody::of(&state, Some(&principal), Some(&secret.0)), secret, credentials.bearer))
}

fn wrong_credentials() -> Problem {
    let detail = "the address or the password is wrong: check both, or ask for a new password";
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-credentials", "not signed in", detail)
}

/// Notes tries, or says how long to wait.
pub(crate) async fn attempt(state: &State, attempts: &[Attempt], now: UnixMillis) -> Result<(), Problem> {
    may_go(state.repository.attempt(attempts, now).await?)
}

fn may_go(wait_ms: Option<i64>) -> Result<(), Problem> {
    match wait_ms {
        None => Ok(()),
        Some(wait_ms) => {
            metrics::counter!("tayang_api_throttled_total").increment(1);
            let seconds = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000);
            let detail = format!("too many tries: try again in {} minutes", seconds.div_ceil(60));
            Err(Problem::too_fast(detail, seconds))
        }
    }
}

/// Writes down a sign-in that was refused. Nothing that was typed is written.
pub(crate) async fn refused(
    state: &State,
    visit: &Visit,
    user: Option<&User>,
    why: &str,
    now: UnixMillis,
) -> Result<(), Problem> {
    let subject = user.map(|user| format!("user:{}", user.id)).unwrap_or_default();
    let detail = format!("{why}, from {}", visit.address);
    let entry = AuditEntry::new(now, None, AuditAction::SignInFailed, subject, &detail);
    Ok(state.repository.note(&entry).await?)
}

/// Whether somebody who has shown who they are may come in.
pub(crate) async fn may_sign_in(state: &State, visit: &Visit, user: &User, now: UnixMillis) -> Result<(), Problem> {
    let (why, problem) = if user.suspended.is_some() {
        ("suspended", suspended())
    } else if user.verified.is_none() {
        let detail = "open the link in the mail that was sent when you signed up; for a new one, sign up again";
        let problem = Problem::new(StatusCode::FORBIDDEN, "address-not-confirmed", "address not confirmed", detail);
        ("address not confirmed", problem)
    } else {
        return Ok(());
    };
    refused(state, visit, Some(user), why, now).await?;
    Err(problem)
}

pub(crate) fn suspended() -> Problem {
    let detail = "this account is suspended: ask the operator of this server";
    Problem::new(StatusCode::FORBIDDEN, "suspended", "suspended", detail)
}

/// A sign-in that is to begin.
pub(crate) struct Begin<'a> {
    pub(crate) user: &'a User,
    pub(crate) bearer: bool,
    /// For the journal.
    pub(crate) how: &'a str,
    pub(crate) forgive: &'a [Attempt],
    pub(crate) proof: Proof<'a>,
}

impl Begin<'_> {
    /// Begins it, in place of what the browser showed before.
    pub(crate) async fn session(
        &self,
        state: &State,
        visit: &Visit,
        now: UnixMillis,
    ) -> Result<(Session, Redacted<String>), Problem> {
        let secret = keys::generate();
        let kind = if self.bearer { SessionKind::Bearer } else { SessionKind::Browser };
        let session = Session {
            id: SessionId::new(now),
            user: self.user.id,
            kind,
            secret: KeyHash::of(&secret.0),
            label: visit.label.clone(),
            created: now,
            seen: now,
            expires: UnixMillis(now.0 + SESSION_MS),
            revoked: None,
        };
        let replaces = match &visit.shown {
            Some(shown) if !self.bearer => {
                state.repository.principal(KeyHash::of(shown)).await?.map(|before| before.session.id)
            }
            _ => None,
        };
        let detail = format!("{}, from {}", self.how, visit.address);
        let entry = AuditEntry::about(now, Some(self.user.id), AuditAction::SignedIn, self.user.id, &detail);
        let sign_in = SignIn { session: &session, replaces, entry: &entry, forgive: self.forgive, proof: self.proof };
        if !state.repository.sign_in(&sign_in).await? {
            return Err(match self.proof {
                Proof::Password(_) => wrong_credentials(),
                Proof::Link { .. } => void_link(),
                Proof::Passkey(_) => wrong_passkey(),
                Proof::Provider => suspended(),
            });
        }
        if let Some(before) = replaces {
            state.known().forget_session(before);
        }
        state.known().forget_person(self.user.id);
        Ok((session, secret))
    }

    /// Begins it, and reads who is signed in then.
    pub(crate) async fn principal(
        &self,
        state: &State,
        visit: &Visit,
        now: UnixMillis,
    ) -> Result<(Principal, Redacted<String>), Problem> {
        let (session, secret) = self.session(state, visit, now).await?;
        let user = state.repository.user(session.user).await?.ok_or_else(Problem::not_found)?;
        Ok((Principal { user, session }, secret))
    }
}

/// Says that a session has begun, and hands out its secret.
pub(crate) fn begun(visit: &Visit, mut body: SessionBody, secret: Redacted<String>, bearer: bool) -> Response {
    if bearer {
        body.token = Some(secret.0);
        return Json(body).into_response();
    }
    let cookie = visit.cookie(SESSION_COOKIE, &secret.0, "/", SESSION_MS / 1_000);
    let mut response = Json(body).into_response();
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

/// 400: a link that does not hold, for whatever reason.
pub(crate) fn void_link() -> Problem {
    let detail = "this link was used, has ended, or was replaced by a newer one: ask for another";
    Problem::new(StatusCode::BAD_REQUEST, "void-link", "the link does not hold", detail)
}

/// 400: a link that holds, and is for something else.
fn link_elsewhere(user: &User) -> Problem {
    let page = link_page(user.roles, LinkPurpose::Reset);
    let detail =
        format!("this link chooses a new password and does not sign in: open {page} with what stands behind #");
    Problem::new(StatusCode::BAD_REQUEST, "reset-link", "a link for a new password", detail)
}

/// With which link one signs in.
#[derive(Deserialize, ToSchema)]
struct LinkToken {
    #[schema(value_type = String)]
    token: Secret,
    /// As for signing in with a password.
    #[serde(default)]
    bearer: bool,
    /// Whether the password stands that was typed in this browser with the address that the link confirms. Asked for by 409
    /// `password-typed`: at a computer that several use, somebody else may have typed it.
    #[serde(default)]
    keep_password: Option<bool>,
}

/// Signs in with a one-time link, or with the one that confirms an address.
#[utoipa::path(post, path = "/api/v1/session/link", tag = "session", request_body = LinkToken, responses(
    (status = 200, body = SessionBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`password-typed`"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn by_link(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    headers: http::HeaderMap,
    Json(shown): Json<LinkToken>,
) -> Result<Response, Problem> {
    let now = state.now();
    let attempts = [Attempt::from_address(LINK, visit.address)];
    attempt(&state, &attempts, now).await?;
    let hash = KeyHash::of(shown.token.expose());
    let waiting = state.repository.link(hash, &[LinkPurpose::Verify], now).await?;
    let confirms = waiting.is_some();
    let user = match waiting {
        Some(user) => Some(user),
        None => state.repository.link(hash, &[LinkPurpose::SignIn], now).await?,
    };
    let Some(user) = user else {
        if let Some(user) = state.repository.link(hash, &[LinkPurpose::Reset], now).await? {
            return Err(link_elsewhere(&user));
        }
        refused(&state, &visit, None, "link that does not hold", now).await?;
        return Err(void_link());
    };
    let browser = cookie(&headers, SIGN_UP_COOKIE).map(KeyHash::of);
    if let (true, Some(browser), None) = (confirms, browser, shown.keep_password)
        && state.repository.typed_here(hash, browser).await?
    {
        // Whoever has the link is asked, not refused: a class behind one router answers as often.
        state.repository.forgive(&attempts, now).await?;
        return Err(crate::sign_up::password_typed());
    }
    let proof = Proof::Link { hash, browser: browser.filter(|_| shown.keep_password == Some(true)) };
    let begin = Begin { user: &user, bearer: shown.bearer, how: "by link", forgive: &attempts, proof };
    let (principal, secret) = begin.principal(&state, &visit, now).await?;
    let mut body = SessionBody::of(&state, Some(&principal), Some(&secret.0));
    body.choose_password = (confirms && principal.user.password.is_none()).then_some(true);
    let mut response = begun(&visit, body, secret, shown.bearer);
    if browser.is_some() {
        response.headers_mut().append(SET_COOKIE, visit.cookie(SIGN_UP_COOKIE, "", SIGN_UP_COOKIE_PATH, 0));
    }
    Ok(response)
}

/// Where to sign out.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SignOut {
    /// On all devices.
    #[serde(default)]
    everywhere: bool,
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", params(SignOut), responses(
    (status = 204, description = "Signed out, or was not signed in."),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn sign_out(
    axum::extract::State(state): axum::extract::State<State>,
    Caller(principal): Caller,
    visit: Visit,
    Query(asked): Query<SignOut>,
) -> Result<Response, Problem> {
    if let Some(principal) = &principal {
        let (me, now) = (principal.id(), state.now());
        if asked.everywhere {
            let entry = AuditEntry::about(now, Some(me), AuditAction::SessionsRevoked, me, "signed out everywhere");
            state.repository.end_sessions(me, &entry).await?;
            state.known().forget_person(me);
        } else {
            let entry = AuditEntry::about(now, Some(me), AuditAction::SignedOut, me, "");
            end_if_there(&state, principal, principal.session.id, &entry).await?;
        }
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response.headers_mut().insert(SET_COOKIE, visit.cookie(SESSION_COOKIE, "", "/", 0));
    Ok(response)
}

async fn end_if_there(
    state: &State,
    principal: &Principal,
    session: SessionId,
    entry: &AuditEntry,
) -> Result<(), Problem> {
    let ended = state.repository.end_session(principal.id(), session, entry).await;
    state.known().forget_session(session);
    match ended {
        Err(control::RepositoryError::NotFound(_)) => Ok(()),
        other => Ok(other?),
    }
}

/// One's sign-in on a device.
#[derive(Serialize, ToSchema)]
struct Device {
    id: Uuid,
    /// `browser` or `bearer`.
    kind: &'static str,
    /// What the device says it is.
    label: String,
    created_at: Moment,
    /// To the minute.
    seen_at: Moment,
    expires_at: Moment,
    /// The one that asks.
    current: bool,
}

/// One's devices, newest use first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "session", responses(
    (status = 200, body = Page<Device>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
) -> Result<Json<Page<Device>>, Problem> {
    let sessions = state.repository.sessions(principal.id(), state.now()).await?;
    let device = |session: Session| Device {
        id: session.id.0,
        kind: session.kind.as_str(),
        current: session.id == principal.session.id,
        created_at: session.created.into(),
        seen_at: session.seen.into(),
        expires_at: session.expires.into(),
        label: session.label,
    };
    // All of them: there are no more than SESSIONS_MAX.
    Ok(Json(Page { items: sessions.into_iter().map(device).collect(), next_cursor: None }))
}

/// Signs out one device.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "session", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Signed out."),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn end(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let (me, now) = (principal.id(), state.now());
    let entry = AuditEntry::new(now, Some(me), AuditAction::SessionRevoked, format!("session:{id}"), "");
    state.repository.end_session(me, SessionId(id), &entry).await?;
    state.known().forget_session(SessionId(id));
    Ok(StatusCode::NO_CONTENT)
}
