//! Bodies: what is sent is where it was.

use std::future::poll_fn;

use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::*;
use crate::io::UNTAKEN_MAX;

async fn sent(mut body: Body) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        pieces.push(frame.expect("no error").into_data().expect("data"));
    }
    pieces
}

#[tokio::test]
async fn joined_pieces_are_sent_in_order_and_never_copied() {
    let pieces = [Bytes::from(vec![1; 100]), Bytes::from(vec![2; 50]), Bytes::from(vec![3; 10])];
    let whole = pieces.concat();
    for (from, to) in [(0, 160), (0, 1), (99, 101), (100, 150), (149, 160), (159, 160), (20, 30)] {
        let body = Body::joined(&pieces, from..to);
        assert_eq!(body.length(), Some(to - from));
        let got = sent(body).await;
        assert_eq!(got.concat(), whole[from as usize..to as usize], "{from}..{to}");
        for piece in got {
            let within = |own: &Bytes| own.as_ptr_range().contains(&piece.as_ptr());
            assert!(pieces.iter().any(within), "a piece lies where it lay");
        }
    }
}

#[tokio::test]
async fn an_http2_peer_that_falls_silent_is_cut_within_ten_seconds() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (mut client, server) = tokio::io::duplex(64 << 10);
    let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) });
    let serving = tokio::spawn(http2::server(UNTAKEN_MAX).serve_connection(TokioIo::new(server), service));
    // The preface and an empty SETTINGS frame (RFC 9113 §3.4), and then nothing: no request and no answer to a PING.
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("it is taken");
    let silent_since = std::time::Instant::now();
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut said)).await;
    let waited = silent_since.elapsed();
    assert!(read.is_ok() && waited < Duration::from_secs(10), "{waited:?}");
    assert!(waited > Duration::from_secs(4), "it was asked first: {waited:?}");
    serving.await.expect("no panic").ok();
}

/// A client that grants `window` bytes of each body, and the server that answers it with `make`'s.
async fn client_of(window: u32, make: impl Fn() -> Body + Send + Sync + 'static) -> SendRequest<Empty<Bytes>> {
    let (client, server) = tokio::io::duplex(256 << 10);
    let service = service_fn(move |_| {
        let body = make();
        async { Ok::<_, Infallible>(http2::paced(Response::new(body))) }
    });
    tokio::spawn(http2::server(Duration::from_millis(500)).serve_connection(TokioIo::new(server), service));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).initial_stream_window_size(window).initial_connection_window_size(16 << 20);
    let (requests, connection) = builder.handshake(TokioIo::new(client)).await.expect("HTTP/2");
    tokio::spawn(connection);
    requests
}

async fn ask(requests: &mut SendRequest<Empty<Bytes>>) -> Response<Incoming> {
    requests.ready().await.expect("open");
    requests
        .send_request(Request::get("http://localhost/").body(Empty::new()).expect("a request"))
        .await
        .expect("a head")
}

/// Bytes that can be watched for being let go of.
struct Held(Vec<u8>, #[expect(dead_code)] Arc<()>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[tokio::test]
async fn a_body_that_is_not_taken_over_http2_is_cut_and_let_go_of() {
    for (window, len) in [(0, 1), (0, 3_000_000), (1, 100), (20_000, 3_000_000), (65_535, 65_536)] {
        let held = Arc::new(());
        let bytes = Bytes::from_owner(Held(vec![7; len], held.clone()));
        let half = bytes.len() / 2;
        let mut bodies =
            vec![Body::joined(&[bytes.slice(..half), bytes.slice(half..)], 0..len as u64), Body::Full(bytes)];
        let bodies = parking_lot::Mutex::new(std::mem::take(&mut bodies));
        let mut requests = client_of(window, move || bodies.lock().pop().unwrap_or(Body::Empty)).await;
        let untaken = [ask(&mut requests).await, ask(&mut requests).await];
        let started = std::time::Instant::now();
        while Arc::strong_count(&held) > 1 {
            assert!(started.elapsed() < Duration::from_secs(20), "{len} bytes are held with a window of {window}");
            tokio::task::yield_now().await;
        }
        for one in untaken {
            assert!(one.into_body().collect().await.is_err(), "{len} bytes with a window of {window}");
        }
        assert!(ask(&mut requests).await.into_body().is_end_stream(), "the connection goes on");
    }
}

#[tokio::test]
async fn a_body_over_http2_is_whole_however_little_is_granted_at_once() {
    let whole: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    for window in [1_000, 65_535, 4 << 20] {
        let bytes = Bytes::from(whole.clone());
        let mut requests = client_of(window, move || Body::Full(bytes.clone())).await;
        for _ in 0..3 {
            let response = ask(&mut requests).await;
            assert_eq!(response.headers()[http::header::CONTENT_LENGTH], "1000000");
            assert!(response.into_body().collect().await.expect("whole").to_bytes() == whole);
        }
    }
}

#[tokio::test]
async fn a_source_that_pauses_for_longer_than_a_peer_may_is_waited_for() {
    let (sender, receiver) = mpsc::channel(1);
    let receiver = parking_lot::Mutex::new(Some(receiver));
    let mut requests = client_of(65_535, move || receiver.lock().take().map_or(Body::Empty, Body::Pieces)).await;
    let mut body = ask(&mut requests).await.into_body();
    for n in 0..2 {
        let early = tokio::time::timeout(Duration::from_millis(900), body.frame()).await;
        assert!(early.is_err(), "there is nothing yet");
        sender.send(Ok(Bytes::from(vec![n; 30_000]))).await.expect("it is waited for");
        let mut got = 0;
        while got < 30_000 {
            got += body.frame().await.expect("more").expect("not cut").into_data().expect("data").len();
        }
    }
    drop(sender);
    assert!(body.collect().await.expect("a whole end").to_bytes().is_empty());
}
