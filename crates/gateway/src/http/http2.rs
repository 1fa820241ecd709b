//! HTTP/2: streams of one connection, and a deadline for each body.
//!
//! A peer grants room for each stream by itself (RFC 9113 §5.2), so it can leave a response untaken for ever while the
//! connection lives and answers every PING: neither TCP nor hyper sees anything wrong. So a body is handed over in small
//! pieces, few at a time, each of which tells when it has left; and a stream of which nothing leaves for too long, though
//! there is something to send, is reset (§6.4). What it held goes with it.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::{Body, DRAIN_GRACE, HEAD_DEADLINE, Peer, answer};
use crate::Gateway;
use crate::io::{Connection, UNTAKEN_MAX};

/// Streams of one connection.
const STREAMS_MAX: u32 = 128;
/// A peer from which nothing comes for this long is asked whether it is there (PING).
const PING_AFTER: Duration = Duration::from_secs(4);
/// It has this long to answer: a peer that falls silent is cut within ten seconds.
const PING_DEADLINE: Duration = Duration::from_secs(5);
/// A piece of a body. A peer that takes less than this in [`UNTAKEN_MAX`] takes nothing that anyone can watch.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes of one body that hyper and h2 hold at once: four pieces, so that there is one to send while others leave.
const UNDERWAY_BYTES_MAX: usize = 64 << 10;

tokio::task_local! {
    /// Of the stream whose request is being answered.
    static PACE: Arc<Pace>;
}

/// Serves a connection until it ends.
pub(super) async fn drive(gateway: Arc<Gateway>, connection: Connection, peer: Peer, stop: CancellationToken) {
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = asked.clone();
        service_fn(move |request| {
            asked.store(true, Ordering::Relaxed);
            let answer = answer(gateway.clone(), peer.clone(), request);
            async move { answer.await.map(paced) }
        })
    };
    let server = server(UNTAKEN_MAX);
    let mut http = std::pin::pin!(server.serve_connection(TokioIo::new(connection), service));
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

/// What serves connections. A stream of which nothing is taken for `untaken_max` is reset.
pub(super) fn server(untaken_max: Duration) -> http2::Builder<Streams> {
    let mut server = http2::Builder::new(Streams { untaken_max });
    server
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
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

/// The response, with a body that keeps to the pace of its stream.
pub(super) fn paced(response: Response<Body>) -> Response<Body> {
    if response.body().is_end_stream() {
        return response;
    }
    let Ok(pace) = PACE.try_with(Arc::clone) else { return response };
    response.map(|body| Body::Paced(Box::new(PacedBody { body, rest: VecDeque::new(), pace })))
}

/// How far a body is taken.
#[derive(Default)]
struct Pace(Mutex<Underway>);

#[derive(Default)]
struct Underway {
    /// Bytes handed over that have not left.
    bytes: usize,
    /// When some left last, or the first were handed over.
    since: Option<Instant>,
    /// The body waits until more have left.
    waiting: Option<Waker>,
}

impl Pace {
    /// The piece, counted until it has left.
    fn hand_over(self: &Arc<Self>, piece: Bytes) -> Bytes {
        let mut underway = self.0.lock();
        if underway.bytes == 0 {
            underway.since = Some(Instant::now());
        }
        underway.bytes += piece.len();
        Bytes::from_owner(Piece { bytes: piece, pace: self.clone() })
    }

    /// Since when the peer has taken nothing of what it could. `None`: there is nothing for it to take.
    fn untaken_since(&self) -> Option<Instant> {
        let underway = self.0.lock();
        underway.since.filter(|_| underway.bytes > 0)
    }
}

/// A piece on its way.
struct Piece {
    bytes: Bytes,
    pace: Arc<Pace>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut underway = self.pace.0.lock();
        underway.bytes -= self.bytes.len();
        underway.since = Some(Instant::now());
        let waiting = underway.waiting.take();
        drop(underway);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// Another body, handed over as it is taken.
pub struct PacedBody {
    body: Body,
    /// Of the frame that is being handed over.
    rest: VecDeque<Bytes>,
    pace: Arc<Pace>,
}

impl PacedBody {
    /// The number of bytes, where it is known before they are sent.
    pub(super) fn length(&self) -> Option<u64> {
        self.body.length()
    }

    /// The next piece. The end is told when all has left, so that the stream can be reset until then.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if self.is_held_back(UNDERWAY_BYTES_MAX, cx) {
                return Poll::Pending;
            }
            if let Some(bytes) = self.rest.front_mut() {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                if bytes.is_empty() {
                    self.rest.pop_front();
                }
                return Poll::Ready(Some(Ok(Frame::data(self.pace.hand_over(piece)))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => self.rest.extend(frame.into_data().ok().filter(|bytes| !bytes.is_empty())),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.is_held_back(1, cx) => return Poll::Pending,
                None => return Poll::Ready(None),
            }
        }
    }

    /// So many bytes or more are under way; if so, wakes the task once some have left.
    fn is_held_back(&self, bytes: usize, cx: &Context<'_>) -> bool {
        let mut underway = self.pace.0.lock();
        let is_held_back = underway.bytes >= bytes;
        if is_held_back {
            underway.waiting = Some(cx.waker().clone());
        }
        is_held_back
    }
}

/// Runs the streams of connections, each until its response is taken or is not taken any more.
#[derive(Clone)]
pub(super) struct Streams {
    untaken_max: Duration,
}

impl<Fut: Future<Output = ()> + Send + 'static> Executor<Fut> for Streams {
    fn execute(&self, stream: Fut) {
        let (pace, untaken_max) = (Arc::new(Pace::default()), self.untaken_max);
        tokio::spawn(Bounded { stream: Box::pin(stream), pace, untaken_max, deadline: None });
    }
}

/// A stream that ends with its deadline. Dropped before it has sent all, it is reset.
struct Bounded<Fut> {
    stream: Pin<Box<Fut>>,
    pace: Arc<Pace>,
    untaken_max: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<Fut: Future<Output = ()>> Future for Bounded<Fut> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let bounded = self.get_mut();
        let stream = bounded.stream.as_mut();
        if PACE.sync_scope(bounded.pace.clone(), || stream.poll(cx)).is_ready() {
            return Poll::Ready(());
        }
        while let Some(since) = bounded.pace.untaken_since() {
            let at = since + bounded.untaken_max;
            if at <= Instant::now() {
                metrics::counter!("tayang_http2_untaken_total").increment(1);
                return Poll::Ready(());
            }
            let deadline = bounded.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at.into())));
            // Most bodies move on before it has come, so it is set anew only then.
            ready!(deadline.as_mut().poll(cx));
            bounded.deadline = None;
        }
        Poll::Pending
    }
}
