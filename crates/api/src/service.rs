//! The way in: a request of the port, an answer for it.

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response};
use http_body::Body;
use tower::ServiceExt as _;

use crate::{State, routes};

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
}

impl Api {
    /// Answers from `state`.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { router: routes::all(state) }
    }

    /// Whether a path is one of ours.
    #[must_use]
    pub fn answers(&self, path: &str) -> bool {
        routes::answers(path)
    }

    /// Answers one request. A response with [`crate::upgrade::Upgrade`] among its extensions wants the socket.
    pub async fn answer<B>(&self, request: Request<B>, peer: Peer) -> Response<axum::body::Body>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        let answered = self.router.clone().oneshot(request).await;
        let mut response = match answered {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let headers = response.headers_mut();
        headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
        headers.entry(HeaderName::from_static("x-frame-options")).or_insert(HeaderValue::from_static("DENY"));
        response
    }
}
