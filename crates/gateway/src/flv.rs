//! HTTP-FLV and WebSocket-FLV: from a request to a viewer in fan-out.

pub(crate) mod follow;

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hub::Stream;
use sha1::Digest as _;
use tokio::sync::mpsc;

use crate::http::{Body, Peer, Takeover, header};
use crate::right::Right;
use crate::wire::WireFormat;
use crate::{Gateway, reply};
use follow::Follower;

const MIME: &str = "video/x-flv";
/// RFC 6455 §1.3.
const WEB_SOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Answers `GET|HEAD …​.flv`, plain or as a WebSocket upgrade.
pub async fn answer<B>(
    gateway: &Gateway,
    peer: &Peer,
    request: &Request<B>,
    stream: Arc<Stream>,
    right: Right,
) -> Response<Body> {
    if is_upgrade(request.headers()) {
        return web_socket(peer, request.headers(), stream, right).await;
    }
    if request.method() == Method::HEAD {
        return reply::media(StatusCode::OK, MIME, reply::NO_STORE, Body::Empty);
    }
    match &peer.desk {
        Some(desk) => {
            let head = Bytes::from_static(
                concat!(
                    "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nCache-Control: no-store\r\n",
                    "Access-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
                )
                .as_bytes(),
            );
            match desk.take_over(Takeover::Viewer { stream, format: WireFormat::Flv, head, right }).await {}
        }
        None => reply::media(StatusCode::OK, MIME, reply::NO_STORE, through_body(gateway, stream, right)),
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    header(headers, UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && header(headers, CONNECTION).is_some_and(|value| value.to_ascii_lowercase().contains("upgrade"))
}

async fn web_socket(peer: &Peer, headers: &HeaderMap, stream: Arc<Stream>, right: Right) -> Response<Body> {
    let (Some(key), Some("13"), Some(desk)) =
        (header(headers, SEC_WEBSOCKET_KEY), header(headers, SEC_WEBSOCKET_VERSION), &peer.desk)
    else {
        return reply::text(StatusCode::BAD_REQUEST, "a WebSocket request needs Sec-WebSocket-Key and version 13");
    };
    let accept = web_socket_accept(key);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    match desk.take_over(Takeover::Viewer { stream, format: WireFormat::WebSocketFlv, head: head.into(), right }).await {}
}

fn web_socket_accept(key: &str) -> String {
    let mut hash = sha1::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(WEB_SOCKET_GUID.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash.finalize())
}

/// Serves a viewer whose socket cannot be taken over (HTTP/2): the same bytes, through a response body.
fn through_body(gateway: &Gateway, stream: Arc<Stream>, right: Right) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    let follower = Follower {
        stream,
        right,
        directory: gateway.directory.clone(),
        config: gateway.fan_out.config().clone(),
        counters: gateway.fan_out.counters().clone(),
        audience: gateway.audience().clone(),
    };
    tokio::spawn(follower.play_into(sender));
    Body::Pieces(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_the_standards_own_example() {
        assert_eq!(web_socket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
