//! The way in: a request of the port, an answer for it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use control::playback::Claims;
use http::header::{HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower::ServiceExt as _;

use crate::problem::Problem;
use crate::{State, playback, routes};

/// Bytes of a request's body. The longest texts that anyone may write (a page about oneself, a hundred chapters) are a tenth.
pub(crate) const BODY_BYTES_MAX: usize = 256 << 10;

/// How long a request may take to come in and be understood, until its answer begins. Twice what a long poll waits; a client
/// that sends its body slower than this is no client.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Who asks, as far as the socket tells. An extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Remote address.
    pub address: SocketAddr,
    /// The request came encrypted.
    pub secure: bool,
}

/// See the crate.
#[derive(Clone)]
pub struct Api {
    router: Router,
    state: State,
}

impl Api {
    /// Answers from `state`.
    #[must_use]
    pub fn new(state: State) -> Self {
        let router = routes::all(state.clone()).layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
        Self { router, state }
    }

    /// Whether a path is one of ours.
    #[must_use]
    pub fn answers(&self, path: &str) -> bool {
        routes::answers(path)
    }

    /// Has a playback session go on, if it is a download and whose it is still may.
    pub async fn renew(&self, claims: &Claims) {
        playback::renew(&self.state, claims).await;
    }

    /// Answers one request. A response with [`crate::upgrade::Upgrade`] among its extensions wants the socket.
    pub async fn answer<B>(&self, request: Request<B>, peer: Peer) -> Response<axum::body::Body>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        let mut response = match tokio::time::timeout(ANSWER_WITHIN, self.router.clone().oneshot(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                let detail = "the request did not come in, or could not be answered, in time: try again";
                Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "took too long", detail).into_response()
            }
        };
        let headers = response.headers_mut();
        headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
        headers.entry(HeaderName::from_static("x-frame-options")).or_insert(HeaderValue::from_static("DENY"));
        response
    }
}
