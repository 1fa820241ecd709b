//! The API behind a real port, and people in a room on real sockets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use api::Peer;
use api::upgrade::Upgrade;
use bytes::Bytes;
use control::LessonId;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::stage::{Actor, Stage};

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Accepts until the test is over.
pub async fn open(stage: &Stage) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, api) = (listener.local_addr().expect("bound"), stage.api.clone());
    tokio::spawn(async move {
        while let Ok((socket, address)) = listener.accept().await {
            let api = api.clone();
            let service = service_fn(move |mut request| {
                let api = api.clone();
                async move {
                    let upgraded = hyper::upgrade::on(&mut request);
                    let response = api.answer(request, Peer { address, secure: true }).await;
                    if let Some(then) = response.extensions().get::<Upgrade>().and_then(Upgrade::take) {
                        tokio::spawn(async move {
                            if let Ok(socket) = upgraded.await {
                                then(Box::new(TokioIo::new(socket))).await;
                            }
                        });
                    }
                    Ok::<_, std::convert::Infallible>(response)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service).with_upgrades());
        }
    });
    address
}

/// A socket with room for so many bytes, on which somebody is in a room and of which nothing is read by itself.
pub async fn narrow(stage: &Stage, lesson: LessonId, who: &Actor, bytes: usize) -> Guest<DuplexStream> {
    let bearer = format!("Bearer {}", who.token);
    let asked = request(([127, 0, 0, 1], 1).into(), lesson, &[("authorization", &bearer)]);
    let peer = Peer { address: ([127, 0, 0, 1], 2).into(), secure: true };
    let response = stage.api.answer(asked.map(|()| Full::new(Bytes::new())), peer).await;
    let then = response.extensions().get::<Upgrade>().and_then(Upgrade::take).expect("a socket is wanted");
    let (client, server) = tokio::io::duplex(bytes);
    tokio::spawn(then(Box::new(server)));
    let socket = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
    Guest { socket, events: VecDeque::new(), closed: None }
}

/// Somebody who listens to server-sent events.
pub struct Listener {
    body: axum::body::Body,
    text: String,
}

impl Listener {
    /// Begins to listen, behind what they have heard.
    pub async fn open(stage: &Stage, lesson: LessonId, who: &Actor, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get(format!("/api/v1/lessons/{lesson}/room"))
            .header("authorization", format!("Bearer {}", who.token))
            .header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let peer = Peer { address: ([127, 0, 0, 1], 2).into(), secure: true };
        let response = stage.api.answer(request.body(Full::new(Bytes::new())).expect("a request"), peer).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    /// What came until `text` is in it. It is there once: what follows is asked for next.
    pub async fn hear(&mut self, text: &str) -> String {
        while !self.text.contains(text) {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes");
            let frame = frame.unwrap_or_else(|| panic!("it ended with {}", self.text)).expect("no error");
            self.text.push_str(std::str::from_utf8(&frame.into_data().expect("data")).expect("text"));
        }
        std::mem::take(&mut self.text)
    }
}

/// Somebody in a room.
pub struct Guest<Socket = TcpStream> {
    socket: WebSocketStream<Socket>,
    /// Events that came and were not asked for yet.
    events: VecDeque<Value>,
    /// The code with which it was closed.
    pub closed: Option<u16>,
}

/// A request for the room's socket.
pub fn request(port: SocketAddr, lesson: LessonId, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = format!("ws://{port}/api/v1/lessons/{lesson}/room").into_client_request().expect("a request");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    request
}

impl Guest<TcpStream> {
    /// Comes in; answers the status if they may not.
    pub async fn try_join(port: SocketAddr, lesson: LessonId, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let socket = TcpStream::connect(port).await.expect("connected");
        match tokio_tungstenite::client_async(request(port, lesson, headers), socket).await {
            Ok((socket, _)) => Ok(Self { socket, events: VecDeque::new(), closed: None }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Comes in as somebody, and hears the room as it is.
    pub async fn join(port: SocketAddr, lesson: LessonId, who: &Actor) -> (Self, Value) {
        let bearer = format!("Bearer {}", who.token);
        let headers = [("authorization", &*bearer), ("sec-websocket-protocol", "tayang.room.v1")];
        let mut guest = Self::try_join(port, lesson, &headers).await.expect("let in");
        let hello = guest.hear("hello").await;
        (guest, hello)
    }
}

impl<Socket: AsyncRead + AsyncWrite + Unpin> Guest<Socket> {
    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.expect("sent");
    }

    /// Says something by that name.
    pub async fn say(&mut self, name: &str, body: &str) {
        self.send(json!({ "t": "comment", "client_id": name, "body": body, "media_ms": 1_000 })).await;
    }

    /// Says something; answers its place, or the refusal.
    pub async fn say_and_hear(&mut self, name: &str, body: &str) -> Result<i64, Value> {
        self.say(name, body).await;
        let answer = self.hear_any(&["ack", "refused"]).await;
        assert_eq!(answer["client_id"], name);
        answer["seq"].as_i64().ok_or(answer)
    }

    /// The next event of that kind; what came before it stays to be asked for.
    pub async fn hear(&mut self, kind: &str) -> Value {
        self.hear_any(&[kind]).await
    }

    async fn hear_any(&mut self, kinds: &[&str]) -> Value {
        let mut passed = 0;
        loop {
            while passed < self.events.len() {
                if kinds.iter().any(|kind| self.events[passed]["t"] == *kind) {
                    return self.events.remove(passed).expect("there");
                }
                passed += 1;
            }
            assert!(
                self.receive().await,
                "closed with {:?} before {kinds:?}; there was {:?}",
                self.closed,
                self.events
            );
        }
    }

    /// Waits until the server closes; answers the code.
    pub async fn end(&mut self) -> Option<u16> {
        while self.receive().await {}
        self.closed
    }

    /// All that came until now and was not asked for.
    pub fn rest(&self) -> impl Iterator<Item = &Value> {
        self.events.iter()
    }

    /// Receives a frame. False: it is closed.
    async fn receive(&mut self) -> bool {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        match next.unwrap_or_else(|_| panic!("nothing came; there was {:?}", self.events)) {
            Some(Ok(Message::Text(text))) => {
                let events: Vec<Value> = serde_json::from_str(&text).expect("a frame is an array");
                assert!(!events.is_empty());
                self.events.extend(events);
                true
            }
            Some(Ok(Message::Close(close))) => {
                self.closed = close.map(|close| close.code.into());
                false
            }
            Some(Ok(_)) => true,
            Some(Err(_)) | None => false,
        }
    }
}
