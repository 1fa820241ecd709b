//! HTTP requests one at a time, for what benchmarks need to know before they measure.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// A response in whole.
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// `GET http://{address}{path}` over a connection of its own.
pub fn get(address: &str, path: &str) -> anyhow::Result<Response> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut all = Vec::new();
    socket.read_to_end(&mut all)?;
    let end = head_end(&all).context("a response without a head")?;
    Ok(Response { status: status(&all[..end])?, body: all.split_off(end) })
}

/// The same, as text of a response that must be 200.
pub fn text(address: &str, path: &str) -> anyhow::Result<String> {
    let response = get(address, path)?;
    ensure!(response.status == 200, "{path} was answered with {}", response.status);
    String::from_utf8(response.body).context("text")
}

/// Where the body begins, once the head is whole.
#[must_use]
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Status code of a response head.
pub fn status(head: &[u8]) -> anyhow::Result<u16> {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line)?;
    line.split(' ').nth(1).and_then(|code| code.parse().ok()).with_context(|| format!("an odd status line: {line}"))
}

/// `Content-Length` of a response head.
pub fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?.to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Ok(value.context("a response without a length")?.trim().parse()?)
}
