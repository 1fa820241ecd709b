//! The HTTP port: speaks HTTP/1.1 and HTTP/2, and hands FLV viewers' sockets to fan-out.
//!
//! Owns connections until they play. What a request means is `routes`' business.

mod http1;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use self::http1::Desk;
use crate::fanout::NewViewer;
use crate::io::{Connection, Door};
use crate::right::Right;
use crate::routes::{self, Listener};
use crate::wire::WireFormat;
use crate::{Gateway, fanout};

/// A client that has sent no whole request head by then is cut.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of request head. 16 KiB holds every cookie and token of ours ten times over.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Streams of one HTTP/2 connection.
const HTTP2_STREAMS_MAX: u32 = 128;
/// A peer from which nothing comes for this long is asked whether it is there (PING).
const PING_AFTER: Duration = Duration::from_secs(4);
/// It has this long to answer: a peer that falls silent is cut within ten seconds.
const PING_DEADLINE: Duration = Duration::from_secs(5);
/// What a server that stops grants responses that are under way, at most: `drain_timeout_s` cuts it short.
const DRAIN_GRACE: Duration = Duration::from_secs(80);

/// A response body: whole, or made while it is sent.
pub enum Body {
    /// All of it, shared.
    Full(Bytes),
    /// All of it in shared pieces, which are sent one after the other and never joined. See [`Body::joined`].
    Joined(VecDeque<Bytes>),
    /// Pieces from a bounded channel; an error cuts the response off, so that no cache takes it for whole.
    Pieces(mpsc::Receiver<io::Result<Bytes>>),
    /// Nothing.
    Empty,
}

impl Body {
    /// `range` of what `pieces` make together. Shares them: nothing is copied.
    #[must_use]
    pub fn joined(pieces: &[Bytes], range: Range<u64>) -> Self {
        let mut at = 0;
        let mut within = VecDeque::with_capacity(pieces.len());
        for piece in pieces {
            let end = at + piece.len() as u64;
            let (from, to) = (range.start.max(at), range.end.min(end));
            if from < to {
                within.push_back(piece.slice((from - at) as usize..(to - at) as usize));
            }
            at = end;
        }
        Self::Joined(within)
    }

    /// The number of bytes, where it is known before they are sent.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Joined(pieces) => Some(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Self::Pieces(_) => None,
            Self::Empty => Some(0),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = self.get_mut();
        match body {
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *body = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Joined(pieces) => Poll::Ready(pieces.pop_front().map(|piece| Ok(Frame::data(piece)))),
            Self::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
            Self::Empty => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Joined(pieces) => pieces.is_empty(),
            Self::Pieces(_) => false,
            Self::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A request that wants the socket itself.
pub struct Takeover {
    /// What to play.
    pub stream: Arc<hub::Stream>,
    /// In which form.
    pub format: WireFormat,
    /// The whole response head.
    pub head: Bytes,
    /// By which right.
    pub right: Right,
}

/// What a handler knows of its connection.
#[derive(Clone)]
pub struct Peer {
    /// Remote address.
    pub address: SocketAddr,
    /// The request came encrypted.
    pub secure: bool,
    /// Which listener took it.
    pub listener: Listener,
    /// Present where the socket can be taken over: HTTP/1.
    pub desk: Option<Arc<Desk>>,
}

/// Accepts until `stop`; open requests then have a moment to finish.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    role: Listener,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    let door = Door {
        protocol: "HTTP",
        begins_with: "first request",
        refused_total: "tayang_http_refused_total",
        connections_max: gateway.limits.http_connections_max,
        per_address_max: gateway.limits.http_per_address_max,
        ..Door::default()
    };
    let stopping = stop.clone();
    let drive = move |connection, address, _| drive(gateway.clone(), connection, address, role, stopping.clone());
    door.serve(listener, tls, stop, drive).await;
}

async fn drive(
    gateway: Arc<Gateway>,
    connection: Connection,
    address: SocketAddr,
    listener: Listener,
    stop: CancellationToken,
) {
    let _answering = gateway.responses.token();
    let secure = connection.is_secure();
    let peer = Peer { address, secure, listener, desk: None };
    if connection.is_http2() {
        return Box::pin(drive_http2(gateway, connection, peer, stop)).await;
    }
    http1::drive(&gateway, connection, peer, &stop).await;
}

async fn drive_http2(gateway: Arc<Gateway>, connection: Connection, peer: Peer, stop: CancellationToken) {
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = asked.clone();
        service_fn(move |request| {
            asked.store(true, Ordering::Relaxed);
            answer(gateway.clone(), peer.clone(), request)
        })
    };
    let mut http = std::pin::pin!(http2_server().serve_connection(TokioIo::new(connection), service));
    tokio::select! {
        ended = &mut http => {
            if let Err(error) = ended {
                tracing::trace!(%error, "an HTTP/2 connection ended early");
            }
        }
        () = asks_nothing(&asked) => tracing::trace!("an HTTP/2 connection asked for nothing"),
        () = stop.cancelled() => {
            http.as_mut().graceful_shutdown();
            tokio::time::timeout(DRAIN_GRACE, http).await.ok();
        }
    }
}

fn http2_server() -> http2::Builder<TokioExecutor> {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .keep_alive_interval(Some(PING_AFTER))
        .keep_alive_timeout(PING_DEADLINE);
    server
}

/// Returns once the deadline for a first request is over without one: a PING goes to peers that speak HTTP/2 only.
async fn asks_nothing(asked: &AtomicBool) {
    tokio::time::sleep(HEAD_DEADLINE).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn hand_over(gateway: &Gateway, connection: Connection, takeover: Takeover) {
    match connection.into_play_socket() {
        Ok(socket) => gateway.fan_out.add(fanout::NewViewer {
            stream: takeover.stream,
            format: takeover.format,
            socket,
            preamble: takeover.head,
            right: takeover.right,
        }),
        Err(error) => tracing::debug!(%error, "a viewer left before it played"),
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

fn answer(gateway: Arc<Gateway>, peer: Peer, request: Request<Incoming>) -> Answer {
    Box::pin(async move { Ok(routes::answer(gateway, peer, request).await) })
}

/// A header's text, if it is text.
#[must_use]
pub fn header(headers: &HeaderMap, name: http::header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

const _: () = assert!(std::mem::size_of::<NewViewer>() < 1_024, "a viewer on its way is small");

#[cfg(test)]
mod tests;
