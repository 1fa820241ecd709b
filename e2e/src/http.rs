//! A small HTTP/1.1 client that shows what came over the wire: no cache, no redirect, no decompression.

use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A response that takes longer than this is none.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Largest body. A recording of a minute has 10 MB.
const BODY_BYTES_MAX: u64 = 256 << 20;

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body as it came, transfer coding undone.
    pub body: Vec<u8>,
}

impl Response {
    /// A header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as text, gzip undone.
    ///
    /// # Panics
    /// When it says gzip and is not.
    #[must_use]
    pub fn decoded_text(&self) -> String {
        if self.header("content-encoding") != Some("gzip") {
            return self.text();
        }
        let mut text = String::new();
        flate2::read::GzDecoder::new(self.body.as_slice()).read_to_string(&mut text).expect("gzip");
        text
    }
}

/// Gets a path.
///
/// # Errors
/// What the socket says, or that the answer is no HTTP.
pub fn get(to: SocketAddr, path: &str) -> io::Result<Response> {
    request(to, "GET", path, &[])
}

/// Makes a request and reads the whole response.
///
/// # Errors
/// As for [`get`].
pub fn request(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
    send(to, method, path, headers, None)
}

/// The same with a body in JSON.
///
/// # Errors
/// As for [`get`].
pub fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    json: Option<&str>,
) -> io::Result<Response> {
    let length = json.unwrap_or_default().len().to_string();
    let mut all = vec![("Connection", "close")];
    if json.is_some() {
        all.extend([("Content-Type", "application/json"), ("Content-Length", length.as_str())]);
    }
    all.extend(headers);
    let (mut response, mut reader) = open_with(to, method, path, &all, json.unwrap_or_default())?;
    let empty = method == "HEAD" || matches!(response.status, 204 | 304) || response.status < 200;
    if !empty {
        response.body = body(&response, &mut reader)?;
    }
    Ok(response)
}

/// Makes a request and reads the head of the response: the body is the caller's.
///
/// # Errors
/// As for [`get`].
pub fn open(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<(Response, BufReader<TcpStream>)> {
    open_with(to, method, path, headers, "")
}

fn open_with(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<(Response, BufReader<TcpStream>)> {
    let mut socket = TcpStream::connect_timeout(&to, TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    socket.set_nodelay(true)?;
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    socket.write_all(text.as_bytes())?;
    let mut reader = BufReader::with_capacity(64 << 10, socket);
    let response = head(&mut reader)?;
    Ok((response, reader))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.take(64 << 10).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn head(reader: &mut impl BufRead) -> io::Result<Response> {
    let first = line(reader)?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    let mut response = Response { status: status.ok_or_else(|| bad(&first))?, headers: Vec::new(), body: Vec::new() };
    loop {
        let field = line(reader)?;
        if field.is_empty() {
            return Ok(response);
        }
        let (name, value) = field.split_once(':').ok_or_else(|| bad(&field))?;
        response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn body(response: &Response, reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = line(reader)?;
            let size = u64::from_str_radix(size.split(';').next().unwrap_or_default(), 16).map_err(|_| bad(&size))?;
            if reader.take(size).read_to_end(&mut body)? as u64 != size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            line(reader)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let length =
        response.header("content-length").map(|text| text.parse::<u64>().map_err(|_| bad(text))).transpose()?;
    let read = reader.take(length.unwrap_or(BODY_BYTES_MAX)).read_to_end(&mut body)? as u64;
    match length {
        Some(length) if length != read => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &str) -> io::Result<Response> {
        let mut reader = wire.as_bytes();
        let mut response = head(&mut reader)?;
        response.body = body(&response, &mut reader)?;
        Ok(response)
    }

    #[test]
    fn a_body_is_read_by_length_by_chunks_and_to_the_end() {
        let response = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd").expect("whole");
        assert_eq!((response.status, response.text().as_str()), (200, "abc"));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        assert_eq!(read(chunked).expect("whole").text(), "abcde");
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\nabc").expect("whole").text(), "abc");
    }

    #[test]
    fn a_body_that_is_cut_off_is_an_error() {
        assert!(read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc").is_err());
        assert!(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").is_err());
        assert!(read("hello").is_err());
    }
}
