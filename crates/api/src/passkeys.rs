//! Passkeys: signing in by a key on one's device, and the list of one's own.
//!
//! Two requests each: one asks for a challenge and what else a browser wants to know, one brings the answer. What an answer
//! must be is in [`ceremony`], what becomes of a challenge meanwhile in [`challenge`].

pub mod ceremony;
pub mod challenge;

use axum::response::Response;
use control::PasskeyId;
use control::audit::{AuditAction, AuditEntry};
use control::identity::throttle::{Attempt, LINK, network};
use control::identity::{Proof, letters};
use control::passkeys::{PASSKEY_NAME_LENGTH_MAX, PASSKEYS_MAX, Passkey, PasskeyAdded, PasskeyUse, passkey_name};
use http::StatusCode;
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::account::{prove, tell};
use crate::auth::SignedIn;
use crate::extract::{Json, Path};
use crate::moment::Moment;
use crate::pace::too_fast;
use crate::page::Page;
use crate::problem::{Problem, ProblemBody, Wrong};
use crate::session::{Begin, Secret, SessionBody, attempt, begun, may_sign_in, refused};
use crate::visit::Visit;
use ceremony::{Answer, Asked, CeremonyError, RelyingParty};
use challenge::Challenge;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(options_to_sign_in))
        .routes(routes!(sign_in))
        .routes(routes!(options_to_add))
        .routes(routes!(list, add))
        .routes(routes!(remove))
}

/// What a browser is to ask its person.
#[derive(Serialize, ToSchema)]
struct Options {
    /// Comes back with the answer, within five minutes and once.
    challenge: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    public_key: Value,
}

impl Options {
    async fn of(state: &State, adds_to: Option<control::UserId>, asked: Asked) -> Result<Self, Problem> {
        let challenge = Challenge::new(adds_to, asked.state, state.now());
        Ok(Self { challenge: challenge.sealed(&challenge::keys(state).await?), public_key: asked.options })
    }
}

/// Begins to sign in by a passkey. Whose it is, is not asked: the device knows.
#[utoipa::path(post, path = "/api/v1/session/passkey/options", tag = "session", responses(
    (status = 200, body = Options),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn options_to_sign_in(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
) -> Result<Json<Options>, Problem> {
    let asked = party(&state)?.begin_signing_in().map_err(not_taken)?;
    // In memory: nothing is kept of a challenge that is given out.
    state.paces().challenges.take(network(visit.address), state.now()).map_err(too_fast)?;
    Options::of(&state, None, asked).await.map(Json)
}

/// The answer of a passkey.
#[derive(Deserialize, ToSchema)]
struct SignInByPasskey {
    /// As it was given out.
    challenge: String,
    /// `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Object)]
    credential: Value,
    /// As for signing in with a password.
    #[serde(default)]
    bearer: bool,
}

/// Signs in by a passkey.
#[utoipa::path(post, path = "/api/v1/session/passkey", tag = "session", request_body = SignInByPasskey, responses(
    (status = 200, body = SessionBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn sign_in(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    Json(shown): Json<SignInByPasskey>,
) -> Result<Response, Problem> {
    let (party, now) = (party(&state)?, state.now());
    // As links: what opens an account cannot be guessed.
    let attempts = [Attempt::from_address(LINK, visit.address)];
    attempt(&state, &attempts, now).await?;
    let challenge = Challenge::open(&shown.challenge, &challenge::keys(&state).await?, None, now);
    let challenge = challenge.ok_or_else(void_challenge)?;
    let answer = Answer::read(&shown.credential).map_err(not_taken)?;
    let Some(passkey) = state.repository.passkey(&answer.credential()).await? else {
        refused(&state, &visit, None, "unknown passkey", now).await?;
        return Err(wrong_passkey());
    };
    let user = state.repository.user(passkey.user).await?.ok_or_else(wrong_passkey)?;
    let after = match party.verify(&challenge.state, &answer, &passkey) {
        Ok(after) => after,
        Err(error) => {
            refused(&state, &visit, Some(&user), &error.to_string(), now).await?;
            return Err(not_taken(error));
        }
    };
    may_sign_in(&state, &visit, &user, now).await?;
    let used =
        PasskeyUse { passkey: passkey.id, before: &passkey.state, after: &after, answered: challenge.answered() };
    let proof = Proof::Passkey(&used);
    let begin = Begin { user: &user, bearer: shown.bearer, how: "by passkey", forgive: &attempts, proof };
    let (principal, secret) = begin.principal(&state, &visit, now).await?;
    Ok(begun(&visit, SessionBody::of(&state, Some(&principal), Some(&secret.0)), secret, shown.bearer))
}

/// By what right a passkey is added.
#[derive(Deserialize, ToSchema)]
struct MayAdd {
    /// The password of who has one.
    #[schema(value_type = Option<String>)]
    current_password: Option<Secret>,
}

/// Begins to add a passkey to one's account.
#[utoipa::path(post, path = "/api/v1/me/passkeys/options", tag = "account", request_body = MayAdd, responses(
    (status = 200, body = Options),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn options_to_add(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
    visit: Visit,
    Json(may): Json<MayAdd>,
) -> Result<Json<Options>, Problem> {
    let party = party(&state)?;
    let held = state.repository.passkeys(principal.id()).await?;
    if held.len() as i64 >= PASSKEYS_MAX {
        return Err(too_many());
    }
    prove(&state, &visit, &principal.user, may.current_password.as_ref(), state.now()).await?;
    let asked = party.begin_adding(&principal.user, &held).map_err(not_taken)?;
    Options::of(&state, Some(principal.id()), asked).await.map(Json)
}

/// A passkey that a device has made.
#[derive(Deserialize, ToSchema)]
struct NewPasskey {
    /// As it was given out.
    challenge: String,
    /// `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Object)]
    credential: Value,
    /// What its owner calls it: 1 to 60 characters.
    name: String,
}

/// A passkey, to its owner.
#[derive(Serialize, ToSchema)]
struct PasskeyBody {
    id: Uuid,
    name: String,
    created_at: Moment,
    /// Null: nobody has signed in with it yet.
    used_at: Option<Moment>,
}

impl From<Passkey> for PasskeyBody {
    fn from(passkey: Passkey) -> Self {
        Self {
            id: passkey.id.0,
            name: passkey.name,
            created_at: passkey.created.into(),
            used_at: passkey.used.map(Moment::from),
        }
    }
}

/// Adds a passkey to one's account.
#[utoipa::path(post, path = "/api/v1/me/passkeys", tag = "account", request_body = NewPasskey, responses(
    (status = 201, body = PasskeyBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn add(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
    visit: Visit,
    Json(new): Json<NewPasskey>,
) -> Result<(StatusCode, Json<PasskeyBody>), Problem> {
    let (party, me, now) = (party(&state)?, principal.id(), state.now());
    let name = passkey_name(&new.name).ok_or_else(|| wrong_name(&new.name))?;
    let challenge = Challenge::open(&new.challenge, &challenge::keys(&state).await?, Some(me), now);
    let challenge = challenge.ok_or_else(void_challenge)?;
    let made = party.finish_adding(&challenge.state, &new.credential).map_err(not_added)?;
    let passkey = Passkey {
        id: PasskeyId::new(now),
        user: me,
        credential: made.credential,
        key: made.key,
        state: made.state,
        name,
        created: now,
        used: None,
    };
    let entry = line(AuditAction::PasskeyAdded, &passkey.id, me, &visit, now);
    match state.repository.add_passkey(&passkey, challenge.answered(), &entry).await? {
        PasskeyAdded::Done => {}
        PasskeyAdded::Full => return Err(too_many()),
        PasskeyAdded::Answered => return Err(void_challenge()),
        PasskeyAdded::Known => {
            return Err(Problem::conflict("exists", "this passkey is there already: make another on another device"));
        }
    }
    let user = &principal.user;
    tell(&state, user, &letters::passkey_added(&user.email, &user.name, user.locale, &entry.id.to_string())).await;
    Ok((StatusCode::CREATED, Json(passkey.into())))
}

/// One's passkeys, oldest first.
#[utoipa::path(get, path = "/api/v1/me/passkeys", tag = "account", responses(
    (status = 200, body = Page<PasskeyBody>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
) -> Result<Json<Page<PasskeyBody>>, Problem> {
    let passkeys = state.repository.passkeys(principal.id()).await?;
    // All of them: there are no more than PASSKEYS_MAX.
    Ok(Json(Page { items: passkeys.into_iter().map(PasskeyBody::from).collect(), next_cursor: None }))
}

/// Removes one of one's passkeys. Who signed in with it stays signed in: see one's devices.
#[utoipa::path(delete, path = "/api/v1/me/passkeys/{id}", tag = "account", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Removed."),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn remove(
    axum::extract::State(state): axum::extract::State<State>,
    SignedIn(principal): SignedIn,
    visit: Visit,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let (me, id) = (principal.id(), PasskeyId(id));
    let entry = line(AuditAction::PasskeyRemoved, &id, me, &visit, state.now());
    state.repository.remove_passkey(me, id, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn line(action: AuditAction, passkey: &PasskeyId, me: control::UserId, visit: &Visit, now: UnixMillis) -> AuditEntry {
    AuditEntry::new(now, Some(me), action, format!("passkey:{passkey}"), &format!("from {}", visit.address))
}

fn party(state: &State) -> Result<&RelyingParty, Problem> {
    state.relying_party().ok_or_else(|| {
        let detail = "this server takes no passkeys yet: ask its operator to set public_url to an address with https";
        Problem::conflict("passkeys-off", detail)
    })
}

fn too_many() -> Problem {
    Problem::conflict("too-many", format!("you have {PASSKEYS_MAX} passkeys: remove one that is not used any more"))
}

/// 400: a challenge that does not hold, for whatever reason.
fn void_challenge() -> Problem {
    let detail = "it took longer than five minutes, or was answered before: begin again";
    Problem::new(StatusCode::BAD_REQUEST, "void-challenge", "the challenge does not hold", detail)
}

/// 401: as for a wrong password.
pub(crate) fn wrong_passkey() -> Problem {
    let detail = "this passkey does not sign in here: choose another one, or sign in another way";
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-passkey", "not signed in", detail)
}

fn wrong_name(typed: &str) -> Problem {
    let wrong = if typed.trim().is_empty() {
        Wrong::Required
    } else if typed.chars().count() > PASSKEY_NAME_LENGTH_MAX {
        Wrong::TooLong
    } else {
        Wrong::Characters
    };
    Problem::field(
        "name",
        wrong,
        format!("must be 1 to {PASSKEY_NAME_LENGTH_MAX} characters, without control characters"),
    )
}

/// As for an answer, but that nobody signs in by it.
fn not_added(error: CeremonyError) -> Problem {
    match error {
        CeremonyError::Refused(_) => {
            let detail = "does not hold here: make it on a page of this server, with a finger, a face or a PIN";
            Problem::field("credential", Wrong::NotAllowed, detail)
        }
        CeremonyError::Malformed | CeremonyError::Ours(_) => not_taken(error),
    }
}

fn not_taken(error: CeremonyError) -> Problem {
    match error {
        CeremonyError::Malformed => {
            Problem::field("credential", Wrong::Malformed, "must be what PublicKeyCredential.toJSON() gives")
        }
        CeremonyError::Refused(_) => wrong_passkey(),
        CeremonyError::Ours(_) => {
            tracing::error!(%error, "a passkey cannot be used");
            let detail = "the server could not do it: sign in another way, and tell the operator";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "failed", detail)
        }
    }
}
