//! One connection of a relay to another server: resolved, connected, encrypted if wanted, and let in, each within a deadline.
//!
//! Owns the socket and the RTMP session on it. What is to be sent lies in a queue of whole messages until the socket took
//! it: any wait may be given up at any moment, and a goodbye still comes between two messages.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use control::relay::{Direction, RelayUrl};
use media::Redacted;
use rtmp::{ClientConfig, ClientEvent, ClientOutput, ClientSession, Purpose};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::failure::Failure;
use crate::io::UNTAKEN_MAX;

/// A name is resolved, and each of its addresses answers, within this: three round trips of the farthest place, and two
/// packets that are lost on the way.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From the first byte to being let in, TLS included.
const LET_IN_MAX: Duration = Duration::from_secs(10);
/// A server that is to send, and from which no byte came for this long, is gone: it is pinged after 20 s. One that is sent to
/// may say nothing for hours, and ignore pings: of that one it is asked whether it takes what it is sent.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// A server that takes no byte for this long is gone. As long as for viewers.
const BLOCKED_MAX: Duration = Duration::from_secs(15);
/// What a server gets to take our goodbye.
const GOODBYE_MAX: Duration = Duration::from_millis(300);
/// Read buffer: a few frames at once.
const READ_BYTES: usize = 64 << 10;
/// Room below which a read gets a new buffer.
const READ_BYTES_MIN: usize = 8 << 10;
/// Slices of one write call.
const SLICES_MAX: usize = 64;

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<Any: AsyncRead + AsyncWrite + Unpin + Send> Socket for Any {}

/// See the module's documentation.
pub(super) struct Remote {
    socket: Box<dyn Socket>,
    pub(super) session: ClientSession,
    input: BytesMut,
    unsent: VecDeque<Bytes>,
    events: VecDeque<ClientEvent>,
    /// It is to send to us.
    sends: bool,
    heard: Instant,
    /// Since when the socket takes nothing of what is unsent.
    blocked: Option<Instant>,
    /// What the server said of E-RTMP.
    pub(super) caps_ex: u32,
}

impl Remote {
    /// A server that lets us publish or play.
    pub(super) async fn open(
        url: &RelayUrl,
        direction: Direction,
        number: u128,
        tls: &TlsConnector,
    ) -> Result<Self, Failure> {
        let tcp = connect(url).await?;
        let letting_in = async {
            let socket: Box<dyn Socket> =
                if url.is_secure { Box::new(encrypt(tcp, url, tls).await?) } else { Box::new(tcp) };
            let mut remote = Self::over(socket, config(url, direction, number));
            remote.until_let_in().await?;
            Ok(remote)
        };
        tokio::time::timeout(LET_IN_MAX, letting_in).await.unwrap_or(Err(Failure::NoAnswer(LET_IN_MAX)))
    }

    fn over(socket: Box<dyn Socket>, config: ClientConfig) -> Self {
        let now = Instant::now();
        Self {
            sends: config.purpose == Purpose::Play,
            socket,
            session: ClientSession::new(config, rand::random(), now),
            input: BytesMut::with_capacity(READ_BYTES),
            unsent: VecDeque::new(),
            events: VecDeque::new(),
            heard: now,
            blocked: None,
            caps_ex: 0,
        }
    }

    async fn until_let_in(&mut self) -> Result<(), Failure> {
        loop {
            match self.next().await? {
                ClientEvent::Connected { caps_ex } => self.caps_ex = caps_ex,
                ClientEvent::Publishing | ClientEvent::Playing => return Ok(()),
                // Some servers send media without saying that they begin.
                media @ ClientEvent::Media { .. } => {
                    self.events.push_front(media);
                    return Ok(());
                }
                ClientEvent::EndOfStream => return Err(Failure::Over),
                ClientEvent::Status { .. } | ClientEvent::Reconnect { .. } => {}
            }
        }
    }

    /// The next event that is no failure. May be given up at any moment: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<ClientEvent, Failure> {
        loop {
            let wake = self.pump();
            match self.events.pop_front() {
                Some(ClientEvent::Status { is_error: true, code, .. }) => return Err(Failure::refused(&code)),
                Some(ClientEvent::Status { code, .. }) if is_over(&code) => return Err(Failure::Over),
                Some(ClientEvent::Reconnect { .. }) => return Err(Failure::GoingAway),
                Some(event) => return Ok(event),
                None => {}
            }
            self.flush().await?;
            let Some(wake) = wake else { return Err(Failure::Closed) };
            let silent_at = if self.sends { self.heard + SILENCE_MAX } else { wake + SILENCE_MAX };
            tokio::select! {
                read = self.socket.read_buf(&mut self.input) => match read {
                    Ok(0) => return Err(Failure::Closed),
                    Ok(_) => self.take_input()?,
                    Err(error) => return Err(Failure::Broken(error)),
                },
                () = tokio::time::sleep_until(wake.min(silent_at).into()) => {
                    let now = Instant::now();
                    if now >= silent_at {
                        return Err(Failure::Silent(SILENCE_MAX));
                    }
                    self.session.handle_timeout(now);
                }
            }
        }
    }

    fn take_input(&mut self) -> Result<(), Failure> {
        self.heard = Instant::now();
        let bytes = self.input.split().freeze();
        if self.input.capacity() < READ_BYTES_MIN {
            self.input.reserve(READ_BYTES);
        }
        Ok(self.session.handle_input_shared(self.heard, &bytes)?)
    }

    /// Takes everything out of the session. When it wants to be woken; `None`: it is over.
    fn pump(&mut self) -> Option<Instant> {
        loop {
            match self.session.poll_output() {
                ClientOutput::Transmit(bytes) => self.unsent.push_back(bytes),
                ClientOutput::Event(event) => self.events.push_back(event),
                ClientOutput::WaitUntil(at) => return Some(at),
                ClientOutput::Closed => return None,
            }
        }
    }

    /// Queues a whole message's bytes, behind what the session has to say.
    pub(super) fn queue(&mut self, pieces: impl Iterator<Item = Bytes>) {
        self.pump();
        self.unsent.extend(pieces.filter(|piece| !piece.is_empty()));
    }

    /// Waits until the socket took all that is queued. May be given up at any moment: nothing is lost.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        self.pump();
        while !self.unsent.is_empty() {
            let blocked_at = *self.blocked.get_or_insert_with(Instant::now) + BLOCKED_MAX;
            let write = tokio::time::timeout_at(blocked_at.into(), self.write_some());
            let written = write.await.map_err(|_| Failure::Blocked(BLOCKED_MAX))?.map_err(Failure::Broken)?;
            self.sent(written);
            self.blocked = None;
        }
        let flush = tokio::time::timeout(BLOCKED_MAX, self.socket.flush());
        flush.await.map_err(|_| Failure::Blocked(BLOCKED_MAX))?.map_err(Failure::Broken)
    }

    async fn write_some(&mut self) -> io::Result<usize> {
        let (socket, unsent) = (&mut self.socket, &self.unsent);
        let write = poll_fn(|context| {
            let slices: Vec<io::IoSlice<'_>> =
                unsent.iter().take(SLICES_MAX).map(|piece| io::IoSlice::new(piece)).collect();
            Pin::new(&mut **socket).poll_write_vectored(context, &slices)
        });
        match write.await? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    fn sent(&mut self, mut count: usize) {
        while let Some(piece) = self.unsent.front_mut() {
            if count < piece.len() {
                piece.advance(count);
                return;
            }
            count -= piece.len();
            self.unsent.pop_front();
        }
    }

    /// Ends as encoders and players do, if the server still listens.
    pub(super) async fn goodbye(mut self) {
        self.session.finish();
        let saying = async {
            if self.flush().await.is_ok() {
                self.socket.shutdown().await.ok();
            }
        };
        tokio::time::timeout(GOODBYE_MAX, saying).await.ok();
    }
}

fn config(url: &RelayUrl, direction: Direction, number: u128) -> ClientConfig {
    let purpose = match direction {
        Direction::Push => Purpose::Publish,
        Direction::Pull => Purpose::Play,
    };
    ClientConfig {
        tc_url: url.tc_url(),
        name: Redacted(url.name.0.clone()),
        // What players get is made in such chunks, and is sent on as it is.
        chunk_size_out: rtmp::wire::CHUNK_SIZE,
        relay: Some(number),
        ..ClientConfig::new(purpose, &url.app, "")
    }
}

/// Each address of the name in turn. It is resolved each time, as services move.
async fn connect(url: &RelayUrl) -> Result<TcpStream, Failure> {
    let late = || io::Error::from(io::ErrorKind::TimedOut);
    let found = tokio::time::timeout(CONNECT_MAX, lookup_host((url.host.as_str(), url.port))).await;
    let addresses = found.unwrap_or_else(|_| Err(late())).map_err(Failure::Name)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(late())) {
            Ok(tcp) => {
                let set = tcp.set_nodelay(true);
                set.and_then(|()| socket2::SockRef::from(&tcp).set_tcp_user_timeout(Some(UNTAKEN_MAX)))
                    .map_err(Failure::Connect)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(Failure::Connect(last))
}

async fn encrypt(tcp: TcpStream, url: &RelayUrl, tls: &TlsConnector) -> Result<impl Socket + use<>, Failure> {
    let name = ServerName::try_from(url.host.clone()).map_err(|error| Failure::Tls(io::Error::other(error)))?;
    tls.connect(name, tcp).await.map_err(Failure::Tls)
}

/// What servers say when a stream ends.
fn is_over(code: &str) -> bool {
    matches!(
        code,
        "NetStream.Play.UnpublishNotify"
            | "NetStream.Play.Stop"
            | "NetStream.Play.Complete"
            | "NetStream.Unpublish.Success"
            | "NetConnection.Connect.Closed"
    )
}
