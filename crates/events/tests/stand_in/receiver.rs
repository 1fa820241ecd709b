//! An HTTP server of the tests' own, real and on loopback: hands each request to a function, with its body read.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What a request is answered with.
pub type Answer = Response<Full<Bytes>>;

/// A status and nothing else.
pub fn status(code: u16) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::from_u16(code).expect("a status");
    answer
}

/// Starts it; it ends with the runtime.
pub async fn start<F>(answer: F) -> SocketAddr
where
    F: Fn(Request<Bytes>) -> Answer + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let (head, body) = request.into_parts();
                    // Of a sender that was killed in the middle there is no whole body, and nothing was received.
                    let Ok(body) = body.collect().await else { return Ok::<_, Infallible>(status(400)) };
                    Ok(answer(Request::from_parts(head, body.to_bytes())))
                }
            });
            tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(socket), service).await });
        }
    });
    address
}
