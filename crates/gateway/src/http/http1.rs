//! HTTP/1.1: one request after the other, and what hyper does not do for us between them.
//!
//! Two kinds of requests leave hyper. An FLV viewer needs the raw socket, but hyper gives one up only for upgrades it
//! answered itself: its handler answers nothing, leaves a [`Takeover`] with its connection ([`Desk`]) and stays pending;
//! the connection's task sees it, takes hyper apart and writes the response head itself. A client that pipelines another
//! request behind it is not answered, as the response never ends.
//!
//! And most connections of a live stream wait: for a part, for the playlist that will list it, or for the player to ask
//! again. hyper holds two buffers of 8 KiB meanwhile. So an answer that is not there at once is moved to the desk too, and
//! the task keeps the socket and the answer alone. Once made, it is sent by a new hyper connection, to which the outline of
//! its request is shown again. And once an answer has been sent, the task keeps the socket alone until the next request.

use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::CONNECTION;
use http::{Method, Request, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    Answer, Body, DRAIN_GRACE, HEAD_BYTES_MAX, HEAD_DEADLINE, IDLE_MAX, Peer, Takeover, answer, hand_over, header,
};
use crate::Gateway;
use crate::io::Connection;

/// Where the handlers of a connection leave what the task that owns it is to do without hyper.
#[derive(Default)]
pub struct Desk {
    left: Mutex<Option<Left>>,
    something: Notify,
    /// An answer that waited, to be sent first.
    ready: Mutex<Option<Response<Body>>>,
    /// All that hyper gave to the socket has left.
    flushed: AtomicBool,
    /// Requests that are not answered to the last byte, as far as hyper has taken them.
    answering: AtomicUsize,
    /// The newest request lets the connection go on.
    goes_on: AtomicBool,
    /// Every answer has been sent, and hyper has begun none since.
    idle: AtomicBool,
}

enum Left {
    Takeover(Takeover),
    Waiting(Waiting),
    /// Nothing: hyper is idle.
    Idle,
}

/// An answer that is being made.
struct Waiting {
    answer: Answer,
    outline: String,
}

impl Desk {
    /// Leaves `takeover` and never returns: the connection is gone once all before it has been sent.
    pub async fn take_over(&self, takeover: Takeover) -> std::convert::Infallible {
        self.leave(Left::Takeover(takeover));
        pending().await
    }

    fn leave(&self, left: Left) {
        *self.left.lock() = Some(left);
        self.something.notify_one();
    }

    /// What was left, once bytes of the answer before it are not with hyper any more: they would be lost with it.
    async fn left(&self) -> Left {
        loop {
            self.something.notified().await;
            if self.idle.load(Ordering::Relaxed) {
                return Left::Idle;
            }
            if self.flushed.load(Ordering::Relaxed)
                && let Some(left) = self.left.lock().take()
            {
                return left;
            }
        }
    }

    /// hyper takes a request.
    fn begin(self: &Arc<Self>, goes_on: bool) -> Answering {
        self.idle.store(false, Ordering::Relaxed);
        self.goes_on.store(goes_on, Ordering::Relaxed);
        self.answering.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// hyper writes, be it an answer to nonsense that was no request.
    fn is_written_to(&self) {
        self.idle.store(false, Ordering::Relaxed);
        self.flushed.store(false, Ordering::Relaxed);
    }

    fn all_has_left(&self) {
        if self.answering.load(Ordering::Relaxed) == 0 && self.goes_on.load(Ordering::Relaxed) {
            self.idle.store(true, Ordering::Relaxed);
            self.something.notify_one();
        }
        if !self.flushed.swap(true, Ordering::Relaxed) && self.left.lock().is_some() {
            self.something.notify_one();
        }
    }
}

/// A request until its answer is with hyper to the last byte.
struct Answering(Arc<Desk>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Next {
    End,
    /// The socket, and what came behind the last request.
    Idle(Connection, BytesMut),
    Play(Connection, Takeover),
    /// The socket, and what came behind the request.
    Wait(Connection, BytesMut, Waiting),
}

/// Serves a connection until it ends or becomes a viewer's.
pub async fn drive(gateway: &Arc<Gateway>, connection: Connection, mut peer: Peer, stop: &CancellationToken) {
    let desk = Arc::new(Desk { flushed: AtomicBool::new(true), ..Desk::default() });
    peer.desk = Some(desk.clone());
    let mut socket = Replayed { before: Bytes::new(), connection, desk: desk.clone() };
    loop {
        // In a box, so that a connection that waits does not hold the room for it.
        let next = Box::pin(exchange(gateway.clone(), socket, peer.clone(), desk.clone(), stop.clone())).await;
        let (mut connection, mut behind, waiting) = match next {
            Next::End => {
                // An answer that was left in the same turn holds the desk, as the desk holds it.
                desk.left.lock().take();
                return;
            }
            Next::Play(connection, takeover) => return hand_over(gateway, connection, takeover).await,
            Next::Wait(connection, behind, waiting) => (connection, behind, waiting),
            Next::Idle(mut connection, mut behind) => {
                if behind.is_empty() {
                    tokio::select! {
                        biased;
                        heard = hears(&mut connection, &mut behind) => if !heard { return },
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(IDLE_MAX) => return,
                    }
                }
                socket = Replayed { before: behind.freeze(), connection, desk: desk.clone() };
                continue;
            }
        };
        let Waiting { mut answer, outline } = waiting;
        tokio::select! {
            biased;
            left = desk.left() => match left {
                Left::Takeover(takeover) => {
                    // It never ends, and holds what it was made with.
                    drop((answer, outline, behind));
                    return hand_over(gateway, connection, takeover).await;
                }
                Left::Waiting(_) | Left::Idle => return, // there is no hyper that could have left them
            },
            Ok(response) = &mut answer => *desk.ready.lock() = Some(response),
            () = gone(&mut connection, &mut behind) => return,
            () = grace_is_over(stop) => return,
        }
        let mut before = BytesMut::from(outline.as_bytes());
        if stop.is_cancelled() {
            before.extend_from_slice(b"Connection: close\r\n");
        }
        before.extend_from_slice(b"\r\n");
        before.unsplit(behind);
        socket = Replayed { before: before.freeze(), connection, desk: desk.clone() };
    }
}

/// Lets hyper serve requests until one of them leaves it.
async fn exchange(
    gateway: Arc<Gateway>,
    socket: Replayed,
    peer: Peer,
    desk: Arc<Desk>,
    stop: CancellationToken,
) -> Next {
    desk.goes_on.store(false, Ordering::Relaxed);
    desk.idle.store(false, Ordering::Relaxed);
    // An answer that waited until the server stops is still to be sent.
    let mut stopping = stop.is_cancelled() && desk.ready.lock().is_some();
    let service = {
        let (gateway, desk) = (gateway.clone(), desk.clone());
        service_fn(move |request: Request<Incoming>| {
            let ready = desk.ready.lock().take();
            let outline = outline(&request);
            let answering = desk.begin(outline.is_some() && goes_on(&request));
            let answer = match ready {
                Some(response) => Box::pin(std::future::ready(Ok(response))),
                None => answer(gateway.clone(), peer.clone(), request),
            };
            Relay { desk: desk.clone(), answer: Some(answer), outline, answering: Some(answering) }
        })
    };
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    let mut over = std::pin::pin!(grace_is_over(&stop));
    let left = loop {
        tokio::select! {
            // hyper first, and what it left within the same turn: thousands that ask at once do not hold its buffers at once.
            biased;
            ended = &mut http => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "an HTTP connection ended early");
                }
                return Next::End;
            }
            left = desk.left() => break left,
            () = stop.cancelled(), if !stopping => {
                Pin::new(&mut http).graceful_shutdown();
                stopping = true;
            }
            () = &mut over => return Next::End,
        }
    };
    let parts = http.into_parts();
    let socket = parts.io.into_inner();
    // Copied, so that hyper's buffer goes.
    let mut behind = BytesMut::from(&*parts.read_buf);
    behind.extend_from_slice(&socket.before);
    match left {
        Left::Takeover(takeover) => Next::Play(socket.connection, takeover),
        Left::Waiting(waiting) => Next::Wait(socket.connection, behind, waiting),
        Left::Idle => Next::Idle(socket.connection, behind),
    }
}

/// Returns when a server that stops has granted enough.
async fn grace_is_over(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(DRAIN_GRACE).await;
}

/// Returns once the client has closed. What it sends meanwhile is kept in `behind`, as far as a request head is long.
async fn gone(connection: &mut Connection, behind: &mut BytesMut) {
    while behind.len() < HEAD_BYTES_MAX {
        if !hears(connection, behind).await {
            return;
        }
    }
    pending().await // it is read on when the answer is sent
}

/// Waits for bytes and appends them to `behind`. False: the client has closed.
async fn hears(connection: &mut Connection, behind: &mut BytesMut) -> bool {
    poll_fn(|cx| {
        let mut bytes = [0; 512];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = ready!(Pin::new(&mut *connection).poll_read(cx, &mut buffer));
        behind.extend_from_slice(buffer.filled());
        Poll::Ready(read.is_ok() && !buffer.filled().is_empty())
    })
    .await
}

/// The connection persists behind the answer (RFC 9112 §9.3).
fn goes_on(request: &Request<Incoming>) -> bool {
    if request.version() == Version::HTTP_10 { says(request, "keep-alive") } else { !says(request, "close") }
}

/// `Connection` has that option among others.
fn says(request: &Request<Incoming>, option: &str) -> bool {
    let options = header(request.headers(), CONNECTION).unwrap_or_default();
    options.split(',').any(|said| said.trim().eq_ignore_ascii_case(option))
}

/// What hyper must know of a request to send its answer: method, version and whether the connection goes on. `None` where
/// the request has a body, which only its own hyper connection can read.
fn outline(request: &Request<Incoming>) -> Option<String> {
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        _ => return None,
    };
    let version = if request.version() == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let connection = match (says(request, "close"), says(request, "keep-alive")) {
        (true, _) => "Connection: close\r\n",
        (false, true) => "Connection: keep-alive\r\n",
        (false, false) => "",
    };
    request.body().is_end_stream().then(|| format!("{method} / {version}\r\n{connection}"))
}

/// An answer as hyper waits for it, until it turns out that there is something to wait for.
struct Relay {
    desk: Arc<Desk>,
    answer: Option<Answer>,
    outline: Option<String>,
    answering: Option<Answering>,
}

impl Future for Relay {
    type Output = Result<Response<Sent>, std::convert::Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let relay = self.get_mut();
        let Some(answer) = &mut relay.answer else { return Poll::Pending };
        if let Poll::Ready(Ok(response)) = answer.as_mut().poll(cx) {
            let answering = relay.answering.take();
            return Poll::Ready(Ok(response.map(|body| Sent { body, _answering: answering })));
        }
        // As long as bytes of the answer before it are with hyper, hyper has to stay.
        if relay.desk.flushed.load(Ordering::Relaxed)
            && relay.desk.left.lock().is_none()
            && let Some(outline) = relay.outline.take()
            && let Some(answer) = relay.answer.take()
        {
            relay.desk.leave(Left::Waiting(Waiting { answer, outline }));
        }
        Poll::Pending
    }
}

/// A body until hyper has all of it.
struct Sent {
    body: Body,
    _answering: Option<Answering>,
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that first gives what is to be read again.
struct Replayed {
    before: Bytes,
    connection: Connection,
    desk: Arc<Desk>,
}

impl AsyncRead for Replayed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if socket.before.is_empty() {
            return Pin::new(&mut socket.connection).poll_read(cx, buf);
        }
        let len = socket.before.len().min(buf.remaining());
        buf.put_slice(&socket.before[..len]);
        socket.before.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replayed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.desk.is_written_to();
        Pin::new(&mut self.get_mut().connection).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.desk.is_written_to();
        Pin::new(&mut self.get_mut().connection).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let flushed = ready!(Pin::new(&mut socket.connection).poll_flush(cx));
        socket.desk.all_has_left();
        Poll::Ready(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hyper_stays_until_what_it_has_to_write_has_left() {
        let desk = Desk::default();
        desk.leave(Left::Waiting(Waiting { answer: Box::pin(pending()), outline: String::new() }));
        let mut left = Box::pin(desk.left());
        for _ in 0..3 {
            assert!(futures_util::poll!(&mut left).is_pending(), "bytes of the answer before it are with hyper");
        }
        desk.all_has_left();
        assert!(futures_util::poll!(&mut left).is_ready());
        // Flushed before anything was left: at once.
        desk.all_has_left();
        desk.leave(Left::Waiting(Waiting { answer: Box::pin(pending()), outline: String::new() }));
        assert!(futures_util::poll!(Box::pin(desk.left())).is_ready());
    }
}
