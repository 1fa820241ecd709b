//! An HTTP/1.1 client that takes nothing for granted: it reads what is on the wire and no more.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::stage::soon;

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Status, type and cache class.
    pub fn kind(&self) -> (u16, &str, &str) {
        (self.status, self.header("content-type").unwrap_or_default(), self.header("cache-control").unwrap_or_default())
    }

    fn length(&self) -> Option<usize> {
        self.header("content-length").map(|length| length.parse().expect("a length"))
    }

    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }
}

/// What HTTP/1.1 and RTMP run on.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<Any: AsyncRead + AsyncWrite + Unpin + Send> Socket for Any {}

/// A TCP connection.
pub async fn tcp(address: SocketAddr) -> TcpStream {
    soon("a connection", TcpStream::connect(address)).await.expect("connect")
}

/// A TCP connection whose client takes in little by itself.
pub async fn narrow_tcp(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8 << 10).expect("a small buffer");
    // The server's kernel makes room for some segments of TCP, so they are to be small too.
    socket2::SockRef::from(&socket).set_tcp_mss(536).expect("small segments");
    soon("a connection", socket.connect(address)).await.expect("connect")
}

pub struct Connection {
    socket: Box<dyn Socket>,
    unread: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        Self::over(tcp(address).await)
    }

    pub fn over(socket: impl Socket + 'static) -> Self {
        Self { socket: Box::new(socket), unread: Vec::new() }
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[]).await
    }

    pub async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.request("GET", path, headers).await
    }

    /// Asks and reads the whole answer.
    pub async fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask(method, path, headers).await;
        let mut reply = self.head().await;
        if method == "HEAD" || matches!(reply.status, 204 | 304) {
            return reply;
        }
        reply.body = self.body(&reply).await;
        reply
    }

    /// Reads the body that belongs to `head`.
    pub async fn body(&mut self, head: &Reply) -> Vec<u8> {
        if head.is_chunked() {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk().await {
                body.extend_from_slice(&chunk);
            }
            return body;
        }
        let length = head.length().expect("a length or chunks");
        while self.unread.len() < length {
            assert!(self.more().await > 0, "cut off in a body");
        }
        self.unread.drain(..length).collect()
    }

    /// Reads a head and its body.
    pub async fn answer(&mut self) -> Reply {
        let mut reply = self.head().await;
        reply.body = self.body(&reply).await;
        reply
    }

    pub async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        self.send(text.as_bytes()).await;
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        soon("a request is taken", self.socket.write_all(bytes)).await.expect("send");
    }

    /// Reads a response's head.
    pub async fn head(&mut self) -> Reply {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await > 0, "closed before a response");
        };
        let head: Vec<u8> = self.unread.drain(..end + 4).collect();
        let head = String::from_utf8(head).expect("text");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        Reply {
            status: status.parse().expect("a status"),
            headers: lines
                .map(|line| line.split_once(':').expect("a header"))
                .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    /// The next chunk of a chunked body; `None` after the last.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                break self.unread.drain(..end + 2).collect::<Vec<u8>>();
            }
            assert!(self.more().await > 0, "cut off before a chunk");
        };
        let size = std::str::from_utf8(&line).expect("text").trim();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        while self.unread.len() < size + 2 {
            assert!(self.more().await > 0, "cut off in a chunk");
        }
        let mut chunk: Vec<u8> = self.unread.drain(..size + 2).collect();
        assert_eq!(chunk.split_off(size), b"\r\n", "a chunk ends with a line end");
        (size > 0).then_some(chunk)
    }

    /// What there is beyond what was read; empty once the peer has closed.
    pub async fn bytes(&mut self) -> Vec<u8> {
        if self.unread.is_empty() {
            self.more().await;
        }
        std::mem::take(&mut self.unread)
    }

    /// Waits until the peer closes, and answers what it sent before.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.unread)
    }

    async fn more(&mut self) -> usize {
        match soon("the server sends something", self.socket.read_buf(&mut self.unread)).await {
            Ok(read) => read,
            // TLS tells an end without a goodbye.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => 0,
            Err(error) => panic!("reading failed: {error}"),
        }
    }
}
