//! Taking part: the room of a lesson, in which people comment, react and raise hands.
//!
//! Owns the rooms that are open in this process, the sockets of those who are in them, and how they are told. What may be
//! said is [`control::room`]'s, who may be here [`control::access`]'s, and what is kept the repository's.
//!
//! A room is one task ([`hall`]) behind a bounded inbox. It makes each frame once ([`gather`], [`websocket`]) and puts it
//! into a log ([`log`]); viewers ([`viewer`], [`stream`]) read the log at their own pace and share its bytes. A viewer costs
//! a future and a cursor; one that is slow costs nobody anything, and goes on at the newest.

mod earlier;
mod event;
mod gather;
mod hall;
mod join;
mod log;
pub mod message;
mod moderate;
mod news;
mod read;
mod review;
mod rooms;
mod seat;
mod speak;
mod stream;
mod viewer;
pub mod websocket;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::rooms::Rooms;
use crate::State;

/// The routes.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(join::join))
        .routes(routes!(read::comments, speak::comment))
        .routes(routes!(read::reactions, speak::react))
        .routes(routes!(speak::hand))
        .routes(routes!(read::export))
        .routes(routes!(moderate::comment))
        .routes(routes!(moderate::mute, moderate::unmute))
        .routes(routes!(moderate::mutes))
        .routes(routes!(moderate::lower))
        .routes(routes!(earlier::list, earlier::send))
        .route("/mentor/{id}/live/{live_id}/reaction/", axum::routing::get(earlier::list).post(earlier::send))
}
