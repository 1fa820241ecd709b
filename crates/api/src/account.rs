//! One's own account: profile and password.

use std::time::Duration;

use axum::response::Response;
use control::audit::{AuditAction, AuditEntry};
use control::identity::password::PasswordError;
use control::identity::throttle::{Attempt, FORGOTTEN, LINK, MAIL, SIGN_IN};
use control::identity::{
    Changed, Email, LinkPurpose, NewPassword, OneTimeLink, UserChange, letters, link_path, password, person_name,
};
use control::mail::Mail;
use control::teaching::series::Zone;
use control::{KeyHash, Locale, RepositoryError, User};
use http::StatusCode;
use media::{Redacted, UnixMillis};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::etag::{self, Conditions};
use crate::extract::Json;
use crate::moment::Moment;
use crate::problem::{FieldError, Problem, ProblemBody, Wrong};
use crate::session::{Secret, attempt, refused, void_link};
use crate::visit::Visit;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(me, change_me)).routes(routes!(forgotten)).routes(routes!(choose_password))
}

/// How long an answer takes at least that must not tell by its time whether an address has an account: more than all the
/// work that it stands for.
const EVEN: Duration = Duration::from_millis(250);

/// Somebody, to themself.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    id: uuid::Uuid,
    email: String,
    name: String,
    /// `id` or `en`.
    locale: &'static str,
    /// IANA name of the time zone.
    zone: String,
    /// Of `mentee`, `mentor`, `operator`.
    roles: Vec<&'static str>,
    is_mentor: bool,
    created_at: Moment,
}

impl From<&User> for Me {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.0,
            email: user.email.clone(),
            name: user.name.clone(),
            locale: user.locale.as_str(),
            zone: user.zone.clone(),
            roles: user.roles.words(),
            is_mentor: user.roles.mentor,
            created_at: user.created.into(),
        }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/me", tag = "account", responses(
    (status = 200, body = Me),
    (status = 304, description = "As known by `If-None-Match`."),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn me(SignedIn(principal): SignedIn, conditions: Conditions) -> Result<Response, Problem> {
    etag::answer(&conditions, principal.user.version, &Me::from(&principal.user))
}

/// What one may change of one's profile.
#[derive(Deserialize, ToSchema)]
struct Profile {
    /// 1 to 100 characters.
    name: Option<String>,
    /// `id` or `en`.
    locale: Option<String>,
    /// IANA name of the time zone.
    zone: Option<String>,
}

/// Changes one's profile.
#[utoipa::path(patch, path = "/api/v1/me", tag = "account", request_body = Profile, responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change_me(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
    conditions: Conditions,
    Json(profile): Json<Profile>,
) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let change = UserChange {
        name: profile.name.and_then(|name| fields.name(&name)),
        locale: profile.locale.and_then(|locale| fields.locale(&locale)),
        zone: profile.zone.and_then(|zone| fields.zone(&zone)),
        ..UserChange::default()
    };
    fields.good()?;
    let me = principal.id();
    // As it is kept: another server may have changed what is known here.
    let current = state.repository.user(me).await?.ok_or_else(Problem::not_found)?.version;
    let done = state.repository.change_user(me, conditions.expected(current)?, &change, Some(me), state.now()).await?;
    state.known().forget_person(me);
    match done {
        Changed::Done(user) => etag::changed(StatusCode::OK, user.version, &Me::from(&*user)),
        Changed::Stale | Changed::LastOperator => Err(Problem::changed_meanwhile()),
    }
}

/// What is wrong with the fields of an account, all at once.
#[derive(Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    pub(crate) fn wrong<T>(&mut self, field: &str, wrong: Wrong, detail: &str) -> Option<T> {
        self.0.push(FieldError::new(field, wrong, detail));
        None
    }

    pub(crate) fn email(&mut self, typed: &str) -> Option<Email> {
        Email::of(typed).map_or_else(|error| self.wrong("email", Wrong::Malformed, &error.to_string()), Some)
    }

    pub(crate) fn name(&mut self, typed: &str) -> Option<String> {
        let wrong = if typed.trim().is_empty() {
            Wrong::Required
        } else if typed.chars().any(char::is_control) {
            Wrong::Characters
        } else {
            Wrong::TooLong
        };
        person_name(typed).map_or_else(|error| self.wrong("name", wrong, &error.to_string()), Some)
    }

    pub(crate) fn locale(&mut self, typed: &str) -> Option<Locale> {
        typed.parse().map_or_else(|_| self.wrong("locale", Wrong::Unknown, "must be id or en"), Some)
    }

    pub(crate) fn zone(&mut self, typed: &str) -> Option<String> {
        match typed.parse::<Zone>() {
            Ok(zone) => Some(zone.name().to_owned()),
            Err(_) => self.wrong("zone", Wrong::Unknown, "must be the name of a time zone such as Asia/Jakarta"),
        }
    }

    pub(crate) fn password(&mut self, typed: &str, email: &str, name: &str) {
        if let Err(error) = password::check(typed, email, name) {
            let wrong = match error {
                PasswordError::TooShort => Wrong::TooShort,
                PasswordError::TooLong => Wrong::TooLong,
                PasswordError::Yours => Wrong::Yours,
                PasswordError::Common => Wrong::Common,
            };
            self.wrong::<()>("password", wrong, &error.to_string());
        }
    }

    pub(crate) fn good(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::fields(self.0)) }
    }
}

/// Whose password was forgotten.
#[derive(Deserialize, ToSchema)]
struct Forgotten {
    email: String,
}

/// Sends a link by which a new password can be chosen, if the address has an account.
#[utoipa::path(post, path = "/api/v1/password/forgotten", tag = "account", request_body = Forgotten, responses(
    (status = 202, description = "If the address has an account, a mail is under way."),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn forgotten(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    Json(asked): Json<Forgotten>,
) -> Result<StatusCode, Problem> {
    let (base, now) = (visit.base_for_mail()?.to_owned(), state.now());
    let Ok(email) = Email::of(&asked.email) else {
        return Err(Problem::field("email", Wrong::Malformed, "must be an e-mail address"));
    };
    let attempts = [Attempt::on_account(MAIL, email.as_str()), Attempt::from_address(FORGOTTEN, visit.address)];
    attempt(&state, &attempts, now).await?;
    evenly(async {
        let user = state.repository.user_by_email(email.as_str()).await?;
        match user.filter(|user| user.suspended.is_none() && !email.is_local()) {
            Some(user) => send_reset(&state, &visit, &base, &user, now).await,
            None => Ok(()),
        }
    })
    .await;
    Ok(StatusCode::ACCEPTED)
}

async fn send_reset(
    state: &State,
    visit: &Visit,
    base: &str,
    user: &User,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    let (link, token) = OneTimeLink::create(user.id, LinkPurpose::Reset, now);
    let url = Redacted(format!("{base}{}", link_path(user.roles, link.purpose, &token).0));
    let detail = format!("from {}", visit.address);
    let entry = AuditEntry::about(now, None, AuditAction::PasswordForgotten, user.id, &detail);
    state.repository.create_link(&link, &entry).await?;
    state.mailer.send(&letters::reset(&user.email, &user.name, user.locale, &link, &url)).await
}

/// Does something whose time and outcome must not be told. What fails is logged: an answer about it would tell.
pub(crate) async fn evenly(work: impl Future<Output = Result<(), RepositoryError>>) {
    let end = Instant::now() + EVEN;
    if let Err(error) = work.await {
        tracing::error!(%error, "a mail about an account could not be kept");
    }
    tokio::time::sleep_until(end).await;
}

/// A new password, and by what right.
#[derive(Deserialize, ToSchema)]
struct ChosenPassword {
    /// The token of a link from a mail.
    #[schema(value_type = Option<String>)]
    token: Option<Secret>,
    /// Or the password until now; neither by who is signed in and has none.
    #[schema(value_type = Option<String>)]
    current_password: Option<Secret>,
    /// 10 characters to 256 bytes.
    #[schema(value_type = String)]
    password: Secret,
}

/// Chooses a password. All other devices are signed out.
#[utoipa::path(post, path = "/api/v1/password", tag = "account", request_body = ChosenPassword, responses(
    (status = 204, description = "Chosen."),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn choose_password(
    axum::extract::State(state): axum::extract::State<State>,
    Caller(principal): Caller,
    visit: Visit,
    Json(chosen): Json<ChosenPassword>,
) -> Result<StatusCode, Problem> {
    let now = state.now();
    let (user, keep, link) = match (&chosen.token, principal) {
        (Some(token), _) => {
            attempt(&state, &[Attempt::from_address(LINK, visit.address)], now).await?;
            let hash = KeyHash::of(token.expose());
            let user = state.repository.link(hash, &[LinkPurpose::Reset], now).await?.ok_or_else(void_link)?;
            (user, None, Some(hash))
        }
        (None, Some(principal)) => {
            prove(&state, &visit, &principal.user, chosen.current_password.as_ref(), now).await?;
            (principal.user, Some(principal.session.id), None)
        }
        (None, None) => return Err(Problem::not_signed_in()),
    };
    let mut fields = Fields::default();
    fields.password(chosen.password.expose(), &user.email, &user.name);
    fields.good()?;
    let password = state.passwords().hash(chosen.password.redacted()).await?;
    let how = if link.is_some() { "by link" } else { "by the password before" };
    let detail = format!("{how}, from {}", visit.address);
    let entry = AuditEntry::about(now, Some(user.id), AuditAction::PasswordChanged, user.id, &detail);
    let new = NewPassword { user: user.id, password: &password, at: now, keep, link, entry: &entry };
    if !state.repository.set_password(&new).await? {
        return Err(void_link());
    }
    state.known().forget_person(user.id);
    let mail = letters::password_changed(&user.email, &user.name, user.locale, &entry.id.to_string());
    tell(&state, &user, &mail).await;
    Ok(StatusCode::NO_CONTENT)
}

/// That it is really them who are signed in: by the password until now, where there is one.
pub(crate) async fn prove(
    state: &State,
    visit: &Visit,
    user: &User,
    shown: Option<&Secret>,
    now: UnixMillis,
) -> Result<(), Problem> {
    let Some(kept) = &user.password else { return Ok(()) };
    let Some(shown) = shown else {
        return Err(Problem::field("current_password", Wrong::Required, "must be your password until now"));
    };
    let attempts = [Attempt::on_account(SIGN_IN, &user.email), Attempt::from_address(SIGN_IN, visit.address)];
    attempt(state, &attempts, now).await?;
    if state.passwords().verify(shown.redacted(), Some(kept.clone())).await? {
        state.repository.forgive(&attempts, now).await?;
        return Ok(());
    }
    refused(state, visit, Some(user), "wrong current password", now).await?;
    Err(Problem::field(
        "current_password",
        Wrong::Mismatch,
        "is not your password: if you forgot it, ask for a new one",
    ))
}

/// Tells somebody by mail what was done to their account. It is done by now: that a mail cannot be kept undoes nothing.
pub(crate) async fn tell(state: &State, user: &User, mail: &Mail) {
    if Email::of(&user.email).is_ok_and(|email| email.is_local()) {
        return;
    }
    if let Err(error) = state.mailer.send(mail).await {
        tracing::error!(%error, "the mail that an account was changed could not be kept");
    }
}
