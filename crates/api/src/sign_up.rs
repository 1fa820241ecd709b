//! Making an account.

use axum::response::{IntoResponse as _, Response};
use control::identity::throttle::{Attempt, MAIL, SIGN_UP};
use control::identity::{LinkPurpose, OneTimeLink, SignUp, SignedUp, letters, link_path};
use control::{KeyHash, RepositoryError, Roles, User, UserId, keys};
use http::StatusCode;
use http::header::SET_COOKIE;
use media::{Redacted, UnixMillis};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::account::{Fields, evenly};
use crate::auth::{SIGN_UP_COOKIE, SIGN_UP_COOKIE_PATH};
use crate::extract::Json;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::session::{Secret, attempt};
use crate::visit::Visit;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(sign_up))
}

/// How long the browser is known in which somebody signed up: a mail is read within the hour, and a computer that others
/// use soon forgets.
const COOKIE_SECONDS: i64 = 3_600;

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
struct Newcomer {
    email: String,
    /// 10 characters to 256 bytes; not the name, the address, or a common one.
    #[schema(value_type = String)]
    password: Secret,
    /// 1 to 100 characters.
    name: String,
    /// `id` or `en`.
    locale: String,
    /// IANA name of the time zone.
    zone: String,
}

/// Makes an account, which can be used once its address is confirmed by the link in the mail that goes out. The password is
/// kept if that link is opened in the same browser, by a cookie that this sets for an hour, and whoever opens it says that they
/// typed it; else one is chosen anew, as whoever signs up has not shown yet that the address is theirs.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "account", request_body = Newcomer, responses(
    (status = 202, description = "A mail is under way, whether or not the address has an account."),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn sign_up(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    Json(newcomer): Json<Newcomer>,
) -> Result<Response, Problem> {
    if !state.settings.sign_up {
        let detail = "this server makes accounts by its operator only: ask there for a sign-in link";
        return Err(Problem::new(StatusCode::FORBIDDEN, "sign-up-closed", "sign-up is closed", detail));
    }
    let (base, now) = (visit.base_for_mail()?.to_owned(), state.now());
    let user = read(&newcomer, now)?;
    let attempts = [Attempt::on_account(MAIL, &user.email), Attempt::from_address(SIGN_UP, visit.address)];
    attempt(&state, &attempts, now).await?;
    let password = state.passwords().hash(newcomer.password.redacted()).await?;
    let user = User { password: Some(password), ..user };
    let browser = keys::generate();
    evenly(keep(&state, &base, &user, KeyHash::of(&browser.0), now)).await;
    let mut response = StatusCode::ACCEPTED.into_response();
    let cookie = visit.cookie(SIGN_UP_COOKIE, &browser.0, SIGN_UP_COOKIE_PATH, COOKIE_SECONDS);
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// The account without its password, if all fields are as they must be.
fn read(newcomer: &Newcomer, now: UnixMillis) -> Result<User, Problem> {
    let mut fields = Fields::default();
    let email = match fields.email(&newcomer.email) {
        Some(email) if email.is_local() => {
            fields.wrong("email", Wrong::NotAllowed, "must be an address that mail reaches from elsewhere")
        }
        email => email,
    };
    let (name, locale) = (fields.name(&newcomer.name), fields.locale(&newcomer.locale));
    let zone = fields.zone(&newcomer.zone);
    let (typed_email, typed_name) = (newcomer.email.trim().to_lowercase(), newcomer.name.trim());
    fields.password(newcomer.password.expose(), &typed_email, typed_name);
    let (Some(email), Some(name), Some(locale), Some(zone)) = (email, name, locale, zone) else {
        return Err(fields.good().err().unwrap_or_else(Problem::not_found));
    };
    fields.good()?;
    Ok(User {
        id: UserId::new(now),
        email: email.as_str().to_owned(),
        name,
        locale,
        zone,
        roles: Roles { mentee: true, ..Roles::default() },
        password: None,
        verified: None,
        suspended: None,
        created: now,
        version: 1,
    })
}

/// Keeps the account and sends its link; or tells who has the address that somebody wanted another.
async fn keep(
    state: &State,
    base: &str,
    user: &User,
    browser: KeyHash,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    let (link, token) = OneTimeLink::create(user.id, LinkPurpose::Verify, now);
    let mail = match state.repository.sign_up(&SignUp { user, link: &link, browser }).await? {
        SignedUp::Waiting => {
            let url = Redacted(format!("{base}{}", link_path(user.roles, link.purpose, &token).0));
            letters::confirm(&user.email, &user.name, user.locale, &link, &url)
        }
        SignedUp::Exists => {
            let Some(owner) = state.repository.user_by_email(&user.email).await? else { return Ok(()) };
            if owner.suspended.is_some() {
                return Ok(());
            }
            letters::has_account(&owner.email, &owner.name, owner.locale, &link.hash.to_string())
        }
    };
    state.mailer.send(&mail).await
}

/// 409: who opens the link says whose password it is.
pub(crate) fn password_typed() -> Problem {
    let detail = "a password was typed in this browser within the last hour for this account: send keep_password true if you \
                  typed it, false to choose another";
    Problem::conflict("password-typed", detail)
}
