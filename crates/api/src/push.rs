//! Devices that are told by Web Push.

use control::SubscriptionId;
use control::notices::{SUBSCRIPTIONS_MAX, Subscription};
use events::push::{KeysError, check_keys};
use http::StatusCode;
use media::Redacted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::SignedIn;
use crate::extract::{Json, Path};
use crate::problem::{Problem, ProblemBody, Wrong};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(key)).routes(routes!(subscribe)).routes(routes!(unsubscribe))
}

/// What a browser subscribes with.
#[derive(Serialize, ToSchema)]
struct PushKey {
    /// `applicationServerKey`: P-256, uncompressed, base64url.
    public_key: String,
}

/// The key that push services know this server by.
#[utoipa::path(get, path = "/api/v1/push/key", tag = "notices", responses((status = 200, body = PushKey)))]
async fn key(state: axum::extract::State<State>) -> Result<Json<PushKey>, Problem> {
    Ok(Json(PushKey { public_key: state.push_key().await?.to_owned() }))
}

/// A browser's `PushSubscription`, as its `toJSON()` gives it.
#[derive(Deserialize, ToSchema)]
struct NewSubscription {
    /// Where messages for it are taken.
    endpoint: String,
    keys: SubscriptionKeys,
}

/// With which messages for it are encrypted.
#[derive(Deserialize, ToSchema)]
struct SubscriptionKeys {
    /// P-256, uncompressed, base64url.
    p256dh: String,
    /// 16 bytes, base64url.
    auth: String,
}

/// A device that is told.
#[derive(Serialize, ToSchema)]
struct SubscriptionBody {
    id: Uuid,
}

/// Tells this device too, while it is signed in. The same device again is the same subscription.
#[utoipa::path(post, path = "/api/v1/me/push-subscriptions", tag = "notices", request_body = NewSubscription, responses(
    (status = 201, body = SubscriptionBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn subscribe(
    state: axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Json(new): Json<NewSubscription>,
) -> Result<(StatusCode, Json<SubscriptionBody>), Problem> {
    state
        .settings
        .egress
        .check(&new.endpoint)
        .map_err(|why| Problem::field("endpoint", Wrong::NotAllowed, why.to_string()))?;
    check_keys(&new.keys.p256dh, &new.keys.auth).map_err(|why| {
        let field = match why {
            KeysError::P256dh => "keys.p256dh",
            KeysError::Auth => "keys.auth",
        };
        Problem::field(field, Wrong::Malformed, why.to_string())
    })?;
    let now = state.now();
    let subscription = Subscription {
        id: SubscriptionId::new(now),
        user: who.id(),
        session: who.session.id,
        endpoint: Redacted(new.endpoint),
        p256dh: new.keys.p256dh,
        auth: Redacted(new.keys.auth),
        created: now,
    };
    match state.repository.subscribe(&subscription).await? {
        Some(id) => Ok((StatusCode::CREATED, Json(SubscriptionBody { id: id.0 }))),
        None => Err(Problem::conflict(
            "too-many",
            format!("{SUBSCRIPTIONS_MAX} devices are told already: sign out on one that is not used any more"),
        )),
    }
}

/// Tells a device no more.
#[utoipa::path(delete, path = "/api/v1/me/push-subscriptions/{id}", tag = "notices", params(("id" = Uuid, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn unsubscribe(
    state: axum::extract::State<State>,
    SignedIn(who): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    state.repository.unsubscribe(who.id(), SubscriptionId(id), state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
