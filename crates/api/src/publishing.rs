//! How a mentor's encoder reaches a lesson: addresses, the key, and the same for OBS, for ffmpeg and for a phone.

use control::access::Action;
use control::teaching::Lesson;
use control::teaching::lessons::LESSON_APP;
use control::{LessonId, StreamKey, Uuid};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path};
use crate::mentors::hint;
use crate::moment::Moment;
use crate::permit::permit;
use crate::problem::{Problem, ProblemBody};

/// What stands for the key where it is not shown.
const NO_KEY: &str = "KEY";

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(publishing)).routes(routes!(make_key))
}

/// How to publish to the lesson.
#[derive(Serialize, ToSchema)]
struct Publishing {
    /// With the key right after it was made, without it otherwise; null while the server does not listen.
    rtmp_url: Option<String>,
    /// The same encrypted; null if that is off.
    rtmps_url: Option<String>,
    /// Not yet.
    whip_url: Option<String>,
    /// The last characters of the key; null if none was made.
    key_hint: Option<String>,
    /// The address with the key as a QR code, SVG; null where the key is not shown.
    qr_svg: Option<String>,
    /// From when on the lesson takes its publisher; null if it is over.
    armed_from: Option<Moment>,
    /// Until when; null while it is live, and if it is over.
    armed_until: Option<Moment>,
    /// A command line that sends a file.
    ffmpeg: Option<String>,
    obs: Obs,
}

/// What OBS asks for, under "Custom".
#[derive(Serialize, ToSchema)]
struct Obs {
    /// Server.
    server: Option<String>,
    /// Stream key, right after it was made and never again.
    key: Option<String>,
}

fn describe(
    state: &State,
    lesson: &Lesson,
    key: Option<&str>,
    key_hint: Option<String>,
) -> Result<Publishing, Problem> {
    let addresses = state.settings.addresses.get();
    let server = addresses.map(|addresses| format!("{}/{LESSON_APP}", addresses.rtmp));
    let encrypted = addresses.and_then(|addresses| addresses.rtmps.as_ref()).map(|url| format!("{url}/{LESSON_APP}"));
    let with_key = |server: &String| key.map_or_else(|| server.clone(), |key| format!("{server}/{key}"));
    // What goes over the network unencrypted can be read there: the phone and OBS get the encrypted one if there is one.
    let best = encrypted.as_ref().or(server.as_ref());
    let qr_svg = match (best, key) {
        (Some(server), Some(_)) => Some(qr(&with_key(server))?),
        _ => None,
    };
    let slot = lesson.slot(state.settings.slot_margin_ms);
    Ok(Publishing {
        rtmp_url: server.as_ref().map(with_key),
        rtmps_url: encrypted.as_ref().map(with_key),
        whip_url: None,
        key_hint,
        qr_svg,
        armed_from: slot.map(|slot| slot.opens.into()),
        armed_until: slot.and_then(|slot| slot.closes).map(Moment::from),
        ffmpeg: best.map(|server| {
            format!(
                "ffmpeg -re -i input.mp4 -c:v libx264 -preset veryfast -tune zerolatency -b:v 2500k -g 60 -c:a aac -f flv \
                 {server}/{}",
                key.unwrap_or(NO_KEY)
            )
        }),
        obs: Obs { server: best.cloned(), key: key.map(str::to_owned) },
    })
}

fn qr(text: &str) -> Result<String, Problem> {
    let code = QrCode::new(text.as_bytes()).map_err(|error| {
        tracing::error!(%error, "an address does not fit a QR code");
        Problem::conflict("no-qr", "the address of this server is too long for a QR code: type it in")
    })?;
    Ok(code.render().min_dimensions(240, 240).dark_color(svg::Color("#000")).light_color(svg::Color("#fff")).build())
}

/// How to publish to the lesson, without the key.
#[utoipa::path(
    get, path = "/api/v1/lessons/{id}/publishing", tag = "teaching", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Publishing),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn publishing(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Publishing>, Problem> {
    let lesson = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?.lesson;
    let keys = state.repository.keys(lesson.channel).await?;
    let newest = keys.into_iter().rfind(|key| key.revoked_at.is_none());
    Ok(Json(describe(&state, &lesson, None, newest.map(|key| key.label))?))
}

/// Makes a new key; the ones before are refused from now on. It is in this answer alone.
#[utoipa::path(
    post, path = "/api/v1/lessons/{id}/publishing/key", tag = "teaching", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Publishing),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn make_key(
    axum::extract::State(state): axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Publishing>, Problem> {
    let lesson = permit(&state, Some(who.id()), LessonId(id), Action::Run).await?.lesson;
    let (mut kept, key) = StreamKey::create(lesson.channel, "", state.now());
    kept.label = hint("", &key.0);
    state.repository.rotate_key(&kept, Some(who.id())).await?;
    Ok(Json(describe(&state, &lesson, Some(&key.0), Some(kept.label))?))
}
