//! The HTTP port: speaks HTTP/1.1 and HTTP/2, and hands FLV viewers' sockets to fan-out.
//!
//! Owns connections until they play. What a request means is `routes`' business.

mod api;
mod http1;
mod http2;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, IF_NONE_MATCH, RANGE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use self::api::{Api, ApiAnswer, ApiPeer, ForeignBody, WithSocket};
pub use self::http1::Desk;
pub use self::http2::PacedBody;
use crate::delivery::{CountedBody, Receipt};
use crate::fanout::NewViewer;
use crate::io::{Connection, Door};
use crate::right::Right;
use crate::routes::shown::Shown;
use crate::routes::{self, Listener};
use crate::wire::WireFormat;
use crate::{Gateway, fanout};

/// A client that has sent no whole request head by then is cut.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// A client that has been answered may ask again until then. Players of HLS come back every few seconds.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Bytes of request head. 16 KiB holds every cookie and token of ours ten times over.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// What a server that stops grants responses that are under way, at most: `drain_timeout_s` cuts it short.
const DRAIN_GRACE: Duration = Duration::from_secs(80);

/// Pieces of a body made while it is sent that wait for a slow reader: what it may still get once its right is gone.
const PIECES_WAITING: usize = 1;

/// A response body: whole, or made while it is sent.
pub enum Body {
    /// All of it, shared.
    Full(Bytes),
    /// All of it in shared pieces, which are sent one after the other and never joined. See [`Body::joined`].
    Joined(VecDeque<Bytes>),
    /// Pieces from a bounded channel; an error cuts the response off, so that no cache takes it for whole.
    Pieces(mpsc::Receiver<io::Result<Bytes>>),
    /// Another, as fast as the peer of an HTTP/2 stream takes it.
    Paced(Box<PacedBody>),
    /// Another, whose end is told to the attendance record.
    Counted(Box<CountedBody>),
    /// Made by the API.
    Foreign(ForeignBody),
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

    /// The pieces that `feed` sends, for as long as the right to play them holds. Where it answers why the rest will not
    /// come, the response is cut off there.
    pub fn fed<Fed>(gateway: &Gateway, right: Right, feed: impl FnOnce(mpsc::Sender<io::Result<Bytes>>) -> Fed) -> Self
    where
        Fed: Future<Output = Option<&'static str>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING + 1);
        // Kept free for the cut: a reader that takes nothing must not hold it up, nor take what it got for whole.
        let cut = sender.clone().try_reserve_owned().ok();
        let (feeding, directory, api) = (feed(sender), gateway.directory.clone(), gateway.api.clone());
        tokio::spawn(async move {
            let why = tokio::select! {
                why = feeding => why,
                () = right.lost(&directory) => Some("the right to play it is gone"),
                () = right.keep(&directory, &api) => None,
            };
            if let (Some(why), Some(cut)) = (why, cut) {
                cut.send(Err(io::Error::other(why)));
            }
        });
        Self::Pieces(receiver)
    }

    /// The same, for whose end there is a receipt.
    #[must_use]
    pub fn counted(body: Self, receipt: Receipt) -> Self {
        Self::Counted(Box::new(CountedBody::new(body, receipt)))
    }

    /// The number of bytes, where it is known before they are sent.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Joined(pieces) => Some(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Self::Pieces(_) => None,
            Self::Paced(body) => body.length(),
            Self::Counted(body) => body.length(),
            Self::Foreign(body) => body.size_hint().exact(),
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
            Self::Paced(body) => body.poll_frame(cx),
            Self::Counted(body) => body.poll_frame(cx),
            Self::Foreign(body) => Pin::new(body).poll_frame(cx),
            Self::Empty => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Joined(pieces) => pieces.is_empty(),
            Self::Pieces(_) | Self::Paced(_) => false,
            Self::Counted(body) => body.is_over(),
            Self::Foreign(body) => body.is_end_stream(),
            Self::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A request that wants the socket itself.
pub enum Takeover {
    /// To play.
    Viewer {
        /// What to play.
        stream: Arc<hub::Stream>,
        /// In which form.
        format: WireFormat,
        /// The whole response head.
        head: Bytes,
        /// By which right.
        right: Right,
    },
    /// For something of the API.
    Other {
        /// The whole response head.
        head: Bytes,
        /// What is done with it.
        then: WithSocket,
    },
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
        return Box::pin(http2::drive(gateway, connection, peer, stop)).await;
    }
    http1::drive(&gateway, connection, peer, &stop).await;
}

async fn hand_over(gateway: &Gateway, connection: Connection, takeover: Takeover) {
    let (stream, format, head, right) = match takeover {
        Takeover::Viewer { stream, format, head, right } => (stream, format, head, right),
        Takeover::Other { head, then } => return api::hand_over(connection, &head, then).await,
    };
    match connection.into_play_socket() {
        Ok(socket) => {
            gateway.fan_out.add(fanout::NewViewer { stream, format, socket, preamble: head, right });
        }
        Err(error) => tracing::debug!(%error, "a viewer left before it played"),
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

fn answer(gateway: Arc<Gateway>, peer: Peer, request: Request<Incoming>) -> Answer {
    if let Some(api) = gateway.api.get()
        && api.answers(peer.listener, request.uri().path())
    {
        return Box::pin(self::api::answer(api.clone(), peer, request).map(Ok));
    }
    let shown = Shown::of(&gateway.directory, request.headers());
    let request = own(&request);
    Box::pin(async move { Ok(routes::answer(gateway, peer, request, shown).await) })
}

/// What answers look at. A request's address and fields are slices of the buffer of 8 KiB that hyper read it into, which
/// one that waits would hold.
fn own(request: &Request<Incoming>) -> Request<()> {
    let mut own = Request::new(());
    *own.method_mut() = request.method().clone();
    // It was one, so its copy is one.
    *own.uri_mut() = request.uri().path_and_query().and_then(|uri| uri.as_str().parse().ok()).unwrap_or_default();
    let kept = [ACCEPT_ENCODING, CONNECTION, IF_NONE_MATCH, RANGE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE];
    // Only the first page looks at what a browser wants to see.
    for name in kept.into_iter().chain((request.uri().path() == "/").then_some(ACCEPT)) {
        if let Some(value) = request.headers().get(&name)
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            own.headers_mut().insert(name, value);
        }
    }
    own
}

/// A header's text, if it is text.
#[must_use]
pub fn header(headers: &HeaderMap, name: http::header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

const _: () = assert!(std::mem::size_of::<NewViewer>() < 1_024, "a viewer on its way is small");

#[cfg(test)]
mod tests;
