//! Signing in by OpenID Connect: the code flow with PKCE, for one provider that the operator sets.
//!
//! By `jsonwebtoken` and a key cache of our own, not by a client library: the flow is two requests, what matters are the
//! checks of the ID token ([`token`]) and to whom we speak ([`provider`]), and those are to be read here. It also keeps one
//! crypto library in the program (aws-lc). Between start and callback everything is in a signed cookie of the browser
//! ([`ticket`]): nothing is kept for who never comes back.

pub mod provider;
pub mod ticket;
pub mod token;

use axum::response::{IntoResponse as _, Response};
use control::identity::provider::Assertion;
use control::identity::throttle::{Attempt, LINK, network};
use control::identity::{Email, NAME_LENGTH_MAX, Proof, SESSION_MS, person_name, return_path};
use control::teaching::series::Zone;
use control::{Locale, UserId};
use http::header::{ACCEPT, CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use media::UnixMillis;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use provider::{OidcSettings, Provider};

use crate::State;
use crate::auth::{SESSION_COOKIE, cookie};
use crate::extract::{Path, Query};
use crate::pace::too_fast;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::session::{Begin, attempt, refused, suspended};
use crate::visit::Visit;
use ticket::Ticket;
use token::Claims;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(callback))
}

/// What the provider is called in addresses. There is one; `redirect_uri` must not change when its button does.
pub const PROVIDER: &str = "main";

/// Cookie of the ticket, for these addresses only.
const COOKIE: &str = "tayang_oidc";
const COOKIE_PATH: &str = "/api/v1/oidc";

/// Where to go afterwards.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Start {
    /// A path of this server.
    return_to: Option<String>,
}

/// Goes to the identity provider.
#[utoipa::path(get, path = "/api/v1/oidc/{provider}/start", tag = "session", params(("provider" = String, Path), Start),
    responses(
    (status = 302, description = "To the provider; if that fails, a browser goes to `/{app}/sign-in?problem={code}`."),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn start(
    axum::extract::State(state): axum::extract::State<State>,
    Path(name): Path<String>,
    Query(asked): Query<Start>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let return_to = asked.return_to.clone();
    let begun = begin(&state, &name, asked, &visit).await;
    begun.or_else(|problem| to_sign_in(&headers, return_to.as_deref(), problem))
}

async fn begin(state: &State, name: &str, asked: Start, visit: &Visit) -> Result<Response, Problem> {
    let provider = found(state, name)?;
    let return_to = asked.return_to.as_deref().unwrap_or("/");
    let return_to = return_path(return_to)
        .ok_or_else(|| Problem::field("return_to", Wrong::Malformed, "must be a path of this server"))?;
    // In memory: a beginning costs the provider a question at most, and nothing is kept of it.
    state.paces().starts.take(network(visit.address), state.now()).map_err(too_fast)?;
    let ticket = Ticket::new(return_to, state.now());
    let url = provider.authorization_url(&ticket, &redirect_uri(visit)?).await.map_err(provider_failed)?;
    let value = ticket.sealed(&ticket::keys(state).await?);
    let cookie = visit.cookie(COOKIE, &value, COOKIE_PATH, ticket::LIFETIME_MS / 1_000);
    Ok(redirect(&url, &[cookie]))
}

/// What the provider sends the browser back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// Comes back from the identity provider, and goes on to `return_to`.
#[utoipa::path(get, path = "/api/v1/oidc/{provider}/callback", tag = "session",
    params(("provider" = String, Path), Callback), responses(
    (status = 302, description = "Signed in, to `return_to`; if not, a browser goes to `/{app}/sign-in?problem={code}`."),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn callback(
    axum::extract::State(state): axum::extract::State<State>,
    Path(name): Path<String>,
    Query(said): Query<Callback>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = state.now();
    let shown = match cookie(&headers, COOKIE) {
        Some(value) => Ticket::open(value, &ticket::keys(&state).await?, now),
        None => None,
    };
    let return_to = shown.as_ref().map(|ticket| ticket.return_to.clone());
    let came = come_back(&state, &name, said, shown, &visit).await;
    came.or_else(|problem| to_sign_in(&headers, return_to.as_deref(), problem))
}

async fn come_back(
    state: &State,
    name: &str,
    said: Callback,
    shown: Option<Ticket>,
    visit: &Visit,
) -> Result<Response, Problem> {
    let (provider, now) = (found(state, name)?, state.now());
    let ticket = shown.filter(|ticket| said.state.as_deref().is_some_and(|state| ticket.is_of(state)));
    let Some(ticket) = ticket else { return Err(not_begun()) };
    if said.error.is_some() {
        let detail = "the identity provider did not sign you in: try again there, or sign in another way";
        return Err(Problem::new(StatusCode::FORBIDDEN, "provider-refused", "not signed in", detail));
    }
    let code = said.code.filter(|code| code.len() <= 4_096).ok_or_else(not_begun)?;
    let attempts = [Attempt::from_address(LINK, visit.address)];
    attempt(state, &attempts, now).await?;
    let identified = provider.exchange(&code, &ticket, &redirect_uri(visit)?).await;
    let claims = match identified {
        Ok(claims) => claims,
        Err(error) => {
            refused(state, visit, None, &format!("identity provider: {error}"), now).await?;
            return Err(provider_failed(error));
        }
    };
    let secret = sign_in(state, visit, provider, &claims, &attempts, now).await?;
    let session = visit.cookie(SESSION_COOKIE, &secret, "/", SESSION_MS / 1_000);
    Ok(redirect(&ticket.return_to, &[session, visit.cookie(COOKIE, "", COOKIE_PATH, 0)]))
}

/// The secret of the session that begins.
async fn sign_in(
    state: &State,
    visit: &Visit,
    provider: &Provider,
    claims: &Claims,
    attempts: &[Attempt],
    now: UnixMillis,
) -> Result<String, Problem> {
    let assertion = assertion(provider, claims, now);
    let Some(user) = state.repository.assert_identity(&assertion, UserId::new(now), now).await? else {
        refused(state, visit, None, "identity provider has not confirmed the address", now).await?;
        let detail = "your identity provider has not confirmed your e-mail address: confirm it there and try again";
        return Err(Problem::new(StatusCode::FORBIDDEN, "address-not-confirmed", "address not confirmed", detail));
    };
    state.known().forget_person(user.id);
    if user.suspended.is_some() {
        refused(state, visit, Some(&user), "suspended", now).await?;
        return Err(suspended());
    }
    let begin = Begin {
        user: &user,
        bearer: false,
        how: "by the identity provider",
        forgive: attempts,
        proof: Proof::Provider,
    };
    begin.session(state, visit, now).await.map(|(_, secret)| secret.0)
}

/// What the ID token says, as far as it may count.
fn assertion(provider: &Provider, claims: &Claims, now: UnixMillis) -> Assertion {
    let email = claims.confirmed_email().and_then(|text| Email::of(text).ok()).filter(|email| !email.is_local());
    let local = email.as_ref().and_then(|email| email.as_str().split('@').next());
    let typed = claims.name().or(local).unwrap_or("?");
    let name = person_name(&typed.chars().filter(|c| !c.is_control()).take(NAME_LENGTH_MAX).collect::<String>());
    let english = claims.text("locale").is_some_and(|text| text.to_ascii_lowercase().starts_with("en"));
    let zone = claims.text("zoneinfo").and_then(|zone| zone.parse::<Zone>().ok());
    Assertion {
        issuer: provider.settings().issuer.clone(),
        subject: claims.subject().to_owned(),
        email,
        name: name.unwrap_or_else(|_| "?".to_owned()),
        locale: if english { Locale::En } else { Locale::Id },
        zone: zone.as_ref().map_or("Asia/Jakarta", Zone::name).to_owned(),
        groups: claims.texts(&provider.settings().groups_claim),
        rule: provider.settings().rule.clone(),
        at: now,
    }
}

fn found<'s>(state: &'s State, name: &str) -> Result<&'s Provider, Problem> {
    state.provider().filter(|_| name == PROVIDER).ok_or_else(Problem::not_found)
}

fn redirect_uri(visit: &Visit) -> Result<String, Problem> {
    Ok(format!("{}/api/v1/oidc/{PROVIDER}/callback", visit.base()?))
}

/// A person is sent to the sign-in page of the app that they wanted to go to, which says what to do next; a program gets
/// the problem as it is.
fn to_sign_in(headers: &HeaderMap, return_to: Option<&str>, problem: Problem) -> Result<Response, Problem> {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepts.contains("text/html") {
        return Err(problem);
    }
    let is_mentors = return_to.is_some_and(|path| path == "/mymentee" || path.starts_with("/mymentee/"));
    let app = if is_mentors { "mymentee" } else { "mymentor" };
    Ok(redirect(&format!("/{app}/sign-in?problem={}", problem.code()), &[]))
}

fn redirect(to: &str, cookies: &[HeaderValue]) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    // Paths and URLs that were read as such hold nothing else than a header may.
    headers.insert(LOCATION, HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie.clone());
    }
    response
}

fn not_begun() -> Problem {
    let detail =
        "this sign-in was not begun in this browser, or too long ago: go back to the sign-in page and begin again";
    Problem::new(StatusCode::BAD_REQUEST, "not-begun", "not begun here", detail)
}

/// What went wrong is the operator's to read, in the log.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn provider_failed(error: provider::ProviderError) -> Problem {
    tracing::warn!(%error, "the identity provider did not identify somebody");
    let detail =
        "the identity provider could not be asked, or its answer does not hold: try again, or tell the operator";
    Problem::new(StatusCode::BAD_GATEWAY, "provider-failed", "identity provider failed", detail)
}
