//! HTTP/1.1: one request after the other, and what hyper does not do for us between them.
//!
//! Two kinds of requests leave hyper. An FLV viewer needs the raw socket, but hyper gives one up only for upgrades it
//! answered itself: its handler answers nothing, leaves a [`Takeover`] with its connection ([`Desk`]) and stays pending;
//! the connection's task sees it, takes hyper apart and writes the response head itself. A client that pipelines another
//! request behind it is not answered, as the response never ends.
//!
//! And most connections of a live stream wait: for a part, or for the playlist that will list it. hyper holds two buffers
//! of 8 KiB meanwhile. So an answer that is not there at once is moved to the desk too, and the task keeps the socket and
//! the answer alone. Once made, it is sent by a new hyper connection, to which the outline of its request is shown again.

use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::CONNECTION;
use http::{Method, Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Answer, Body, DRAIN_GRACE, HEAD_BYTES_MAX, HEAD_DEADLINE, Peer, Takeover, answer, hand_over, header};
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
}

enum Left {
    Takeover(Takeover),
    Waiting(Waiting),
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
            if self.flushed.load(Ordering::Relaxed)
                && let Some(left) = self.left.lock().take()
            {
                return left;
            }
        }
    }

    fn all_has_left(&self) {
        if !self.flushed.swap(true, Ordering::Relaxed) && self.left.lock().is_some() {
            self.something.notify_one();
        }
    }
}

enum Next {
    End,
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
            Next::End => return,
            Next::Play(connection, takeover) => return hand_over(gateway, connection, takeover),
            Next::Wait(connection, behind, waiting) => (connection, behind, waiting),
        };
        let Waiting { mut answer, outline } = waiting;
        tokio::select! {
            biased;
            left = desk.left() => match left {
                Left::Takeover(takeover) => return hand_over(gateway, connection, takeover),
                Left::Waiting(_) => return, // there is no hyper that could have asked for another
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
    // An answer that waited until the server stops is still to be sent.
    let mut stopping = stop.is_cancelled() && desk.ready.lock().is_some();
    let service = {
        let (gateway, desk) = (gateway.clone(), desk.clone());
        service_fn(move |request: Request<Incoming>| {
            let ready = desk.ready.lock().take();
            let outline = outline(&request);
            let answer = match ready {
                Some(response) => Box::pin(std::future::ready(Ok(response))),
                None => answer(gateway.clone(), peer.clone(), request),
            };
            Relay { desk: desk.clone(), answer: Some(answer), outline }
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
            biased;
            left = desk.left() => break left,
            ended = &mut http => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "an HTTP connection ended early");
                }
                return Next::End;
            }
            () = stop.cancelled(), if !stopping => {
                Pin::new(&mut http).graceful_shutdown();
                stopping = true;
            }
            () = &mut over => return Next::End,
        }
    };
    let parts = http.into_parts();
    let socket = parts.io.into_inner();
    match left {
        Left::Takeover(takeover) => Next::Play(socket.connection, takeover),
        Left::Waiting(waiting) => {
            let mut behind = BytesMut::from(parts.read_buf);
            behind.extend_from_slice(&socket.before);
            Next::Wait(socket.connection, behind, waiting)
        }
    }
}

/// Returns when a server that stops has granted enough.
async fn grace_is_over(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(DRAIN_GRACE).await;
}

/// Returns once the client has closed. What it sends meanwhile is kept in `behind`, as far as a request head is long.
async fn gone(connection: &mut Connection, behind: &mut BytesMut) {
    poll_fn(|cx| {
        while behind.len() < HEAD_BYTES_MAX {
            let mut bytes = [0; 512];
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut *connection).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => behind.extend_from_slice(buffer.filled()),
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending // it is read on when the answer is sent
    })
    .await;
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
    let connection = match header(request.headers(), CONNECTION) {
        Some(value) if value.eq_ignore_ascii_case("close") => "Connection: close\r\n",
        Some(value) if value.eq_ignore_ascii_case("keep-alive") => "Connection: keep-alive\r\n",
        _ => "",
    };
    request.body().is_end_stream().then(|| format!("{method} / {version}\r\n{connection}"))
}

/// An answer as hyper waits for it, until it turns out that there is something to wait for.
struct Relay {
    desk: Arc<Desk>,
    answer: Option<Answer>,
    outline: Option<String>,
}

impl Future for Relay {
    type Output = Result<Response<Body>, std::convert::Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let relay = self.get_mut();
        let Some(answer) = &mut relay.answer else { return Poll::Pending };
        if let Poll::Ready(response) = answer.as_mut().poll(cx) {
            return Poll::Ready(response);
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
        self.desk.flushed.store(false, Ordering::Relaxed);
        Pin::new(&mut self.get_mut().connection).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.desk.flushed.store(false, Ordering::Relaxed);
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
