//! One's own account.

use control::Principal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;
use crate::auth::SignedIn;
use crate::extract::Json;
use crate::moment::Moment;
use crate::problem::{Problem, ProblemBody};

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Somebody, to themself.
#[derive(Serialize, ToSchema)]
struct Me {
    id: uuid::Uuid,
    email: String,
    name: String,
    /// `id` or `en`.
    locale: &'static str,
    /// IANA name of the time zone.
    zone: String,
    /// Of `mentee`, `mentor`, `operator`.
    roles: Vec<&'static str>,
    created_at: Moment,
}

impl From<&Principal> for Me {
    fn from(principal: &Principal) -> Self {
        let user = &principal.user;
        let roles = [(user.roles.mentee, "mentee"), (user.roles.mentor, "mentor"), (user.roles.operator, "operator")];
        Self {
            id: user.id.0,
            email: user.email.clone(),
            name: user.name.clone(),
            locale: user.locale.as_str(),
            zone: user.zone.clone(),
            roles: roles.into_iter().filter(|(has, _)| *has).map(|(_, role)| role).collect(),
            created_at: user.created.into(),
        }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/me", tag = "account", responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn me(signed_in: SignedIn) -> Result<Json<Me>, Problem> {
    Ok(Json(Me::from(&signed_in.0)))
}
