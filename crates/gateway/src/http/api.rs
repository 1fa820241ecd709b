//! The addresses that are not media's, as far as the HTTP port knows them: whose they are, and how they are answered.
//!
//! What they mean is not known here; the program hands it in.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use control::playback::Claims;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt as _;

use super::{Body, Peer, Takeover};
use crate::io::Connection;
use crate::reply;
use crate::routes::Listener;

/// A body that is made elsewhere.
pub type ForeignBody = UnsyncBoxBody<Bytes, io::Error>;

/// What is done with a socket that was given up.
pub type WithSocket = Box<dyn FnOnce(Connection) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Who asks, as far as the socket tells.
#[derive(Clone, Copy, Debug)]
pub struct ApiPeer {
    /// Remote address.
    pub address: SocketAddr,
    /// The request came encrypted.
    pub secure: bool,
}

/// What a request gets.
pub enum ApiAnswer {
    /// A response.
    Response(Response<ForeignBody>),
    /// The socket itself, behind that response head (RFC 9110 section 7.8).
    Upgrade {
        /// From the status line to the empty line.
        head: Bytes,
        /// What comes then.
        then: WithSocket,
    },
}

/// Answers what is not media's.
pub trait Api: Send + Sync {
    /// Whether a request of that path, come in by that port, is its own.
    fn answers(&self, listener: Listener, path: &str) -> bool;

    /// Answers one.
    fn answer(&self, request: Request<Incoming>, peer: ApiPeer) -> Pin<Box<dyn Future<Output = ApiAnswer> + Send>>;

    /// Has that playback session go on, if it is a download and whose it is still may: something of it is being sent.
    fn renew(&self, claims: Arc<Claims>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Lets `api` answer.
pub(super) async fn answer(api: Arc<dyn Api>, peer: Peer, request: Request<Incoming>) -> Response<Body> {
    let asks = ApiPeer { address: peer.address, secure: peer.secure };
    match api.answer(request, asks).await {
        ApiAnswer::Response(response) => response.map(Body::Foreign),
        ApiAnswer::Upgrade { head, then } => match &peer.desk {
            Some(desk) => match desk.take_over(Takeover::Other { head, then }).await {},
            None => reply::text(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "this address takes HTTP/1.1 only"),
        },
    }
}

/// Sends the head, and gives the socket up.
pub(super) async fn hand_over(mut connection: Connection, head: &[u8], then: WithSocket) {
    if connection.write_all(head).await.is_ok() && connection.flush().await.is_ok() {
        then(connection).await;
    }
}
