//! Webhooks: servers that are told of what happens to lessons, and what was sent to them.

use axum::response::{IntoResponse as _, Response};
use control::deliveries::{Delivery, DeliveryState};
use control::webhooks::{KINDS, WEBHOOKS_MAX, Webhook};
use control::{ChangeKind, DeliveryId, Principal, WebhookId, keys};
use http::StatusCode;
use media::Redacted;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::SignedIn;
use crate::etag::{self, CHANGE_TRIES, Conditions};
use crate::extract::{Json, Path, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody, Wrong};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// A server that is told.
#[derive(Serialize, ToSchema)]
struct WebhookBody {
    id: Uuid,
    url: String,
    /// Kinds that it is told of; empty: all.
    kinds: Vec<&'static str>,
    created_at: Moment,
    /// Since when it is told nothing; null: it is told.
    disabled_at: Option<Moment>,
    /// What its requests are signed with: in the answer that made it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<&Webhook> for WebhookBody {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.0,
            url: webhook.url.0.clone(),
            kinds: webhook.kinds.iter().map(|kind| kind.as_str()).collect(),
            created_at: webhook.created.into(),
            disabled_at: webhook.disabled.map(Moment::from),
            secret: None,
        }
    }
}

/// A webhook to be made.
#[derive(Deserialize, ToSchema)]
struct NewWebhook {
    /// `https`, at a public address.
    url: String,
    /// Kinds that it is to be told of; empty: all.
    #[serde(default)]
    kinds: Vec<String>,
}

/// What is to be changed; what is not there stays.
#[derive(Deserialize, ToSchema)]
struct WebhookChange {
    url: Option<String>,
    kinds: Option<Vec<String>>,
    /// Whether it is told nothing.
    disabled: Option<bool>,
}

/// Whoever teaches or runs the server.
fn permitted(SignedIn(who): SignedIn) -> Result<Principal, Problem> {
    if who.user.roles.mentor || who.user.roles.operator {
        Ok(who)
    } else {
        Err(Problem::forbidden("webhooks are for mentors and operators: become a mentor first"))
    }
}

fn read_url(state: &State, url: String) -> Result<Redacted<String>, Problem> {
    state.settings.egress.check(&url).map_err(|why| Problem::field("url", Wrong::NotAllowed, why.to_string()))?;
    Ok(Redacted(url))
}

fn read_kinds(words: &[String]) -> Result<Vec<ChangeKind>, Problem> {
    let mut kinds = Vec::new();
    if words.len() > 2 * KINDS.len() {
        return Err(Problem::field("kinds", Wrong::TooMany, "has more words than there are kinds: name each once"));
    }
    for (at, word) in words.iter().enumerate() {
        let kind = word.parse().ok().filter(|kind| KINDS.contains(kind)).ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.as_str()).collect();
            Problem::field(format!("kinds.{at}"), Wrong::Unknown, format!("must be one of {}", known.join(", ")))
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// One's webhooks, oldest first.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", params(PageQuery), responses(
    (status = 200, body = Page<WebhookBody>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    state: axum::extract::State<State>,
    who: SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<WebhookBody>>, Problem> {
    let who = permitted(who)?;
    let limit = page.limit()?;
    let after: Option<WebhookId> = page.after_id()?;
    let mut found = state.repository.webhooks(who.id()).await?;
    found.retain(|webhook| after.is_none_or(|after| webhook.id > after));
    let page = Page::of(found, limit, |webhook| webhook.id.to_string());
    Ok(Json(page.map(|webhook| WebhookBody::from(&webhook))))
}

/// Makes a webhook. Its secret is in this answer alone.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", request_body = NewWebhook, responses(
    (status = 201, body = WebhookBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn create(
    state: axum::extract::State<State>,
    who: SignedIn,
    Json(new): Json<NewWebhook>,
) -> Result<Response, Problem> {
    let who = permitted(who)?;
    let now = state.now();
    let webhook = Webhook {
        id: WebhookId::new(now),
        owner: who.id(),
        url: read_url(&state, new.url)?,
        secret: keys::generate(),
        kinds: read_kinds(&new.kinds)?,
        created: now,
        disabled: None,
        version: 1,
    };
    if !state.repository.create_webhook(&webhook).await? {
        let detail = format!("you have {WEBHOOKS_MAX} webhooks already: delete one that is not used any more");
        return Err(Problem::conflict("too-many", detail));
    }
    let body = WebhookBody { secret: Some(webhook.secret.0.clone()), ..WebhookBody::from(&webhook) };
    Ok((StatusCode::CREATED, [(http::header::ETAG, etag::tag(webhook.version))], Json(body)).into_response())
}

async fn owned(state: &State, who: &Principal, id: Uuid) -> Result<Webhook, Problem> {
    state.repository.webhook(who.id(), WebhookId(id)).await?.ok_or_else(Problem::not_found)
}

/// One of one's webhooks.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)), responses(
    (status = 200, body = WebhookBody),
    (status = 304),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn show(
    state: axum::extract::State<State>,
    who: SignedIn,
    conditions: Conditions,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let webhook = owned(&state, &permitted(who)?, id).await?;
    etag::answer(&conditions, webhook.version, &WebhookBody::from(&webhook))
}

/// Changes one of one's webhooks, turns it off or on.
#[utoipa::path(patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)),
    request_body = WebhookChange, responses(
    (status = 200, body = WebhookBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change(
    state: axum::extract::State<State>,
    who: SignedIn,
    conditions: Conditions,
    Path(id): Path<Uuid>,
    Json(change): Json<WebhookChange>,
) -> Result<Response, Problem> {
    let who = permitted(who)?;
    for _ in 0..CHANGE_TRIES {
        let mut webhook = owned(&state, &who, id).await?;
        conditions.check(webhook.version)?;
        if let Some(url) = &change.url {
            webhook.url = read_url(&state, url.clone())?;
        }
        if let Some(words) = &change.kinds {
            webhook.kinds = read_kinds(words)?;
        }
        match change.disabled {
            Some(true) => webhook.disabled = webhook.disabled.or_else(|| Some(state.now())),
            Some(false) => webhook.disabled = None,
            None => {}
        }
        if state.repository.change_webhook(&webhook, state.now()).await? {
            webhook.version += 1;
            return etag::changed(StatusCode::OK, webhook.version, &WebhookBody::from(&webhook));
        }
    }
    Err(Problem::changed_meanwhile())
}

/// Deletes one of one's webhooks, with all that was or is to be sent to it.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn remove(
    state: axum::extract::State<State>,
    who: SignedIn,
    conditions: Conditions,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let who = permitted(who)?;
    conditions.check(owned(&state, &who, id).await?.version)?;
    state.repository.delete_webhook(who.id(), WebhookId(id), state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something that was or is to be sent.
#[derive(Serialize, ToSchema)]
struct DeliveryBody {
    /// `Tayang-Id` of its requests.
    id: Uuid,
    kind: String,
    /// `waiting`, `sent`, or `dead`: given up.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// Status of the last answer that was an error; null: there was none.
    last_status: Option<u16>,
    /// Why the last attempt failed; empty: it did not.
    error: String,
    created_at: Moment,
    /// When it is tried again; null: not any more.
    next_at: Option<Moment>,
    /// When it was sent or given up.
    done_at: Option<Moment>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let kind = serde_json::from_str::<Kind>(&delivery.what.payload).map(|payload| payload.kind);
        Self {
            id: delivery.what.id.0,
            kind: kind.unwrap_or_default(),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            last_status: events::delivery::status_of(&delivery.error),
            error: delivery.error,
            created_at: delivery.what.created.into(),
            next_at: (delivery.state == DeliveryState::Waiting).then(|| delivery.what.next.into()),
            done_at: delivery.done.map(Moment::from),
        }
    }
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// `waiting`, `sent` or `dead`.
    state: Option<String>,
    /// Items, 1 to 100.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What was or is to be sent to one of one's webhooks, newest first.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = Uuid, Path), DeliveriesQuery), responses(
    (status = 200, body = Page<DeliveryBody>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn deliveries(
    state: axum::extract::State<State>,
    who: SignedIn,
    Path(id): Path<Uuid>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<Page<DeliveryBody>>, Problem> {
    let webhook = owned(&state, &permitted(who)?, id).await?;
    let word = query.state.as_deref().map(str::parse::<DeliveryState>).transpose();
    let wanted = word.map_err(|_| Problem::field("state", Wrong::Unknown, "must be one of waiting, sent, dead"))?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let limit = page.limit()?;
    let before: Option<DeliveryId> = page.after_id()?;
    let found = state.repository.webhook_deliveries(webhook.id, wanted, before, limit + 1).await?;
    let page = Page::of(found, limit, |delivery| delivery.what.id.to_string());
    Ok(Json(page.map(DeliveryBody::from)))
}

/// Sends again what was sent or given up, under the same id.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", tag = "webhooks",
    params(("id" = Uuid, Path), ("delivery" = Uuid, Path)), responses(
    (status = 202),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn replay(
    state: axum::extract::State<State>,
    who: SignedIn,
    Path((id, delivery)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let webhook = owned(&state, &permitted(who)?, id).await?;
    if state.repository.replay(webhook.id, DeliveryId(delivery), state.now()).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::conflict("waiting", "it waits to be sent already: see next_at of the delivery"))
    }
}
