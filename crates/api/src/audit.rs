//! The journal of what people did, for operators.

use control::UserId;
use control::audit::{AuditEntry, AuditQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::State;
use crate::auth::Operator;
use crate::extract::{Json, Query};
use crate::moment::Moment;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, ProblemBody, Wrong};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A line of the journal.
#[derive(Serialize, ToSchema)]
struct AuditLine {
    id: Uuid,
    at: Moment,
    /// Who did it; null for nobody who is known, and the command line.
    actor_id: Option<Uuid>,
    action: &'static str,
    /// `user:{id}`, `session:{id}`, `lesson:{id}`, `course:{id}`, `channel:{id}`, `webhook:{id}`, `secret:{name}`, or empty.
    subject: String,
    detail: String,
}

impl From<AuditEntry> for AuditLine {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.into(),
            actor_id: entry.actor.map(|id| id.0),
            action: entry.action.as_str(),
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Of this action only, such as `signed_in`.
    action: Option<String>,
    /// Of this person's doing only.
    actor: Option<Uuid>,
    /// About this only, such as `user:{id}`.
    subject: Option<String>,
}

/// The journal, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "operators", params(Filter, PageQuery), responses(
    (status = 200, body = Page<AuditLine>),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    axum::extract::State(state): axum::extract::State<State>,
    _: Operator,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AuditLine>>, Problem> {
    let limit = page.limit()?;
    let action = filter.action.map(|text| text.parse()).transpose();
    let query = AuditQuery {
        action: action.map_err(|_| {
            Problem::field("action", Wrong::Unknown, "must be an action of the journal such as signed_in")
        })?,
        actor: filter.actor.map(UserId),
        subject: filter.subject,
        before: page.after_id()?,
    };
    let lines = state.repository.audit(&query, limit + 1).await?;
    Ok(Json(Page::of(lines, limit, |entry| entry.id.to_string()).map(AuditLine::from)))
}
