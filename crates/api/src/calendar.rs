//! Calendars: one lesson as a file, and all of one's own at an address that calendar programs read by themselves.
//!
//! Such programs cannot sign in, so the address itself is the secret: whose it is and which of theirs, signed with a secret of
//! the server. Who withdraws it gets another one.

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::access::Action;
use control::secrets::{Secret, SecretName};
use control::teaching::lessons::{LessonFilter, LessonSeen, Mine};
use control::{LessonId, UserId, Uuid, keys};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Serialize;
use sha2::Sha256;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::{Caller, SignedIn};
use crate::extract::{Json, Path};
use crate::icalendar;
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody};
use crate::teaching::origin;
use crate::visit::Visit;

/// Of the user's id, the number of the address, and the signature's first half: 128 bits are not guessed.
const TOKEN_BYTES: usize = 16 + 8 + 16;
/// How far back a calendar goes: a month, for whoever looks what was.
const PAST_MS: i64 = 31 * 86_400_000;
/// Lessons of one calendar: three a day for a year.
const LESSONS_MAX: u32 = 1_000;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(of_lesson)).routes(routes!(address, withdraw)).routes(routes!(of_user))
}

fn signature(secret: &Secret, user: UserId, generation: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.value.0.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"tayang calendar\0");
    mac.update(user.0.as_bytes());
    mac.update(&generation.to_be_bytes());
    mac
}

fn token(secret: &Secret, user: UserId, generation: i64) -> String {
    let mut bytes = Vec::with_capacity(TOKEN_BYTES);
    bytes.extend_from_slice(user.0.as_bytes());
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend(signature(secret, user, generation).finalize().into_bytes().into_iter().take(16));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a token, if it may be one.
fn bytes_of(token: &str) -> Option<[u8; TOKEN_BYTES]> {
    URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()
}

/// Whose a token is, and which of theirs, if one of these secrets signed it.
fn read(secrets: &[Secret], bytes: &[u8; TOKEN_BYTES]) -> Option<(UserId, i64)> {
    let (user, rest) = bytes.split_first_chunk::<16>()?;
    let (generation, shown) = rest.split_first_chunk::<8>()?;
    let (user, generation) = (UserId(Uuid::from_bytes(*user)), i64::from_be_bytes(*generation));
    let is_signed = |secret| signature(secret, user, generation).verify_truncated_left(shown).is_ok();
    secrets.iter().any(is_signed).then_some((user, generation))
}

async fn secrets(state: &State) -> Result<Vec<Secret>, Problem> {
    Ok(state.repository.secrets(SecretName::Calendar, &keys::generate(), state.now()).await?)
}

fn file(name: &str, lessons: &[LessonSeen], origin: &str, state: &State) -> Response {
    let text = icalendar::calendar(name, lessons, origin, state.now());
    let headers = [
        (CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"tayang.ics\""),
        (CACHE_CONTROL, "private, no-cache"),
    ];
    (headers, text).into_response()
}

/// The lesson as iCalendar.
#[utoipa::path(
    get, path = "/api/v1/lessons/{id}/calendar.ics", tag = "teaching", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = String, content_type = "text/calendar"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn of_lesson(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    permit(&state, caller.id(), LessonId(id), Action::Know).await?;
    let seen = state.repository.lesson(LessonId(id), caller.id()).await?.ok_or_else(Problem::not_found)?;
    let name = seen.course_title.clone();
    Ok(file(&name, &[seen], origin(&visit), &state))
}

/// Where one's calendar is.
#[derive(Serialize, ToSchema)]
struct Address {
    /// Whoever has it can read it: hand it to calendar programs only.
    url: String,
}

/// The address of one's calendar.
#[utoipa::path(get, path = "/api/v1/me/calendar", tag = "teaching", responses(
    (status = 200, body = Address),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn address(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    who: SignedIn,
) -> Result<Json<Address>, Problem> {
    let generation = state.repository.calendar_generation(who.id()).await?;
    let secrets = secrets(&state).await?;
    let newest = secrets.first().ok_or_else(Problem::not_found)?;
    let token = token(newest, who.id(), generation);
    Ok(Json(Address { url: format!("{}/calendar/{token}.ics", origin(&visit)) }))
}

/// Withdraws the address of one's calendar; the next `GET` answers another one.
#[utoipa::path(delete, path = "/api/v1/me/calendar", tag = "teaching", responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn withdraw(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
) -> Result<StatusCode, Problem> {
    state.repository.withdraw_calendar(who.id(), state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody's lessons as iCalendar, those they teach and those they attend.
#[utoipa::path(get, path = "/calendar/{file}", tag = "teaching", params(("file" = String, Path)), responses(
    (status = 200, body = String, content_type = "text/calendar"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn of_user(
    axum::extract::State(state): axum::extract::State<State>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let token = name.strip_suffix(".ics").ok_or_else(Problem::not_found)?;
    let token = bytes_of(token).ok_or_else(Problem::not_found)?;
    let (user, generation) = read(&secrets(&state).await?, &token).ok_or_else(Problem::not_found)?;
    let stands = state.repository.user(user).await?.is_some_and(|user| user.suspended.is_none());
    if !stands || state.repository.calendar_generation(user).await? != generation {
        return Err(Problem::not_found());
    }
    let mut lessons = Vec::new();
    for mine in [Mine::Teaching, Mine::Attending] {
        let filter = LessonFilter {
            mine: Some(mine),
            from: Some(state.now().plus_millis(-PAST_MS)),
            limit: LESSONS_MAX,
            ..LessonFilter::default()
        };
        lessons.extend(state.repository.lessons(&filter, Some(user)).await?);
    }
    lessons.sort_by_key(|seen| (seen.standing.lesson.starts, seen.standing.lesson.id));
    lessons.dedup_by_key(|seen| seen.standing.lesson.id);
    Ok(file("Tayang", &lessons, origin(&visit), &state))
}

#[cfg(test)]
mod tests {
    use media::{Redacted, UnixMillis};

    use super::*;

    #[test]
    fn a_token_is_its_owners_and_of_a_secret_that_stands() {
        let secret = |text: &str| Secret { kid: 1, value: Redacted(text.to_owned()), created: UnixMillis(1) };
        let (user, other) = (UserId(keys::random_id()), UserId(keys::random_id()));
        let token_of = token(&secret("a"), user, 3);
        let read = |secrets: &[Secret], token: &str| read(secrets, &bytes_of(token)?);
        assert_eq!(read(&[secret("b"), secret("a")], &token_of), Some((user, 3)));
        assert_eq!(read(&[secret("b")], &token_of), None);
        assert_ne!(token(&secret("a"), other, 3), token_of);
        let mut forged = URL_SAFE_NO_PAD.decode(&token_of).expect("bytes");
        for at in 0..forged.len() {
            forged[at] ^= 1;
            assert_eq!(read(&[secret("a")], &URL_SAFE_NO_PAD.encode(&forged)), None, "byte {at}");
            forged[at] ^= 1;
        }
        for odd in ["", "x", &token_of[..50], &format!("{token_of}AAAA")] {
            assert_eq!(read(&[secret("a")], odd), None);
        }
    }
}
