//! A viewer of HTTP-FLV or WebSocket-FLV who notes when what arrived, keeps all of it, and notices when he is cut off.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use formats::container::flv::{TagKind, TagReader};

use crate::http;

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// HTTP response body.
    Http,
    /// WebSocket messages.
    WebSocket,
}

/// One tag as it came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: TagKind,
    /// Its timestamp in milliseconds.
    pub timestamp_ms: u32,
    /// Bytes of its body.
    pub bytes: usize,
}

/// What has come so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Tags.
    pub arrivals: Vec<Arrival>,
    /// Why nothing more comes.
    pub ended: Option<String>,
}

/// A viewer on a connection of his own. Leaves when dropped.
#[derive(Debug)]
pub struct FlvViewer {
    seen: Arc<Mutex<Seen>>,
    socket: TcpStream,
    thread: Option<JoinHandle<()>>,
    file: PathBuf,
}

impl FlvViewer {
    /// Joins; what comes is written to a file in `folder`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn join(to: SocketAddr, path: &str, via: Via, folder: &Path) -> io::Result<Self> {
        let headers: &[(&str, &str)] = match via {
            Via::Http => &[],
            Via::WebSocket => &[
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
        };
        let (response, mut reader) = http::open(to, "GET", path, headers)?;
        let accepted = match via {
            Via::Http => response.status == 200,
            // RFC 6455 §1.3 has this key and its answer.
            Via::WebSocket => {
                response.status == 101
                    && response.header("sec-websocket-accept") == Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            }
        };
        if !accepted {
            return Err(io::Error::other(format!("{} {:?}", response.status, response.headers)));
        }
        let socket = reader.get_ref().try_clone()?;
        // A stream without a publisher is silent for as long as the outage lasts.
        socket.set_read_timeout(Some(Duration::from_secs(120)))?;
        let log = crate::publish::log(folder, "viewer");
        let file = log.with_extension("flv");
        std::fs::write(&log, b"")?;
        let mut out = std::fs::File::create(&file)?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let noted = seen.clone();
        let thread = std::thread::spawn(move || {
            let ended = match via {
                Via::Http => follow(&mut reader, &mut out, &noted),
                Via::WebSocket => follow(&mut Messages { inner: reader, left: 0 }, &mut out, &noted),
            };
            let why = ended.map_or_else(|error| error.to_string(), |()| "the server closed".to_owned());
            lock(&noted).ended = Some(why);
        });
        Ok(Self { seen, socket, thread: Some(thread), file })
    }

    /// What has come so far.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// Pictures that have come.
    #[must_use]
    pub fn pictures(&self) -> usize {
        self.seen().arrivals.iter().filter(|arrival| arrival.kind == TagKind::Video).count()
    }

    /// Longest time between two pictures since `from`, up to now.
    #[must_use]
    pub fn longest_wait(&self, from: Instant) -> Duration {
        let seen = self.seen();
        let pictures = seen.arrivals.iter().filter(|arrival| arrival.kind == TagKind::Video);
        let times: Vec<Instant> = pictures.map(|arrival| arrival.at).filter(|at| *at >= from).collect();
        let all: Vec<Instant> = std::iter::once(from).chain(times).chain([Instant::now()]).collect();
        all.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// Leaves; answers the file with all that came.
    ///
    /// # Panics
    /// When the reading thread did.
    #[must_use]
    pub fn leave(mut self) -> PathBuf {
        self.stop();
        self.file.clone()
    }

    fn stop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the reader does not panic");
        }
    }
}

impl Drop for FlvViewer {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().expect("nobody panics while holding it")
}

fn follow(from: &mut impl Read, out: &mut impl Write, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut tags = TagReader::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let at = Instant::now();
        out.write_all(&buffer[..read])?;
        tags.push(&buffer[..read]);
        while let Some(tag) = tags.next_tag().map_err(|error| io::Error::other(format!("no FLV: {error}")))? {
            let arrival = Arrival { at, kind: tag.kind, timestamp_ms: tag.timestamp_ms, bytes: tag.body.len() };
            lock(seen).arrivals.push(arrival);
        }
    }
}

/// The payload of a server's binary messages, RFC 6455 §5.2. Pings go unanswered; a close ends.
struct Messages<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Messages<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            let mut head = [0; 2];
            self.inner.read_exact(&mut head)?;
            let [first, length] = head;
            let length = match length {
                126 => {
                    let mut long = [0; 2];
                    self.inner.read_exact(&mut long)?;
                    u64::from(u16::from_be_bytes(long))
                }
                127 => {
                    let mut long = [0; 8];
                    self.inner.read_exact(&mut long)?;
                    u64::from_be_bytes(long)
                }
                masked if masked >= 128 => return Err(io::Error::other("a server must not mask")),
                length => u64::from(length),
            };
            match first & 0x0F {
                0 | 2 => self.left = length,
                8 => return Ok(0),
                9 | 10 => {
                    io::copy(&mut (&mut self.inner).take(length), &mut io::sink())?;
                }
                opcode => return Err(io::Error::other(format!("a message of kind {opcode}"))),
            }
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..room])?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_all_lengths_give_their_payload() {
        let mut wire = vec![0x82, 3, 1, 2, 3, 0x89, 1, 9, 0x02, 126, 1, 0];
        wire.extend([4; 256]);
        wire.extend([0x80, 127, 0, 0, 0, 0, 0, 0, 0, 1, 5, 0x88, 0]);
        let mut payload = Vec::new();
        Messages { inner: wire.as_slice(), left: 0 }.read_to_end(&mut payload).expect("well formed");
        assert_eq!((payload.len(), &payload[..4], payload.last()), (260, &[1, 2, 3, 4][..], Some(&5)));
    }
}
