//! A socket in play, plain or TLS, and the one write that fan-out is made of.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;

/// Plain text that rustls may hold for one viewer: one TLS record and a little more.
const TLS_BUFFER_BYTES_MAX: usize = 32 << 10;

/// A connection whose handshake and request are done.
pub enum PlaySocket {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(TcpStream, Box<ServerConnection>),
}

pub(super) enum Socket {
    Plain(mio::net::TcpStream),
    Tls(mio::net::TcpStream, Box<ServerConnection>),
}

impl Socket {
    pub(super) fn new(socket: PlaySocket, unsent_bytes_max: u32) -> io::Result<Self> {
        let (PlaySocket::Plain(tcp) | PlaySocket::Tls(tcp, _)) = &socket;
        tcp.set_nonblocking(true)?;
        tcp.set_nodelay(true)?;
        socket2::SockRef::from(tcp).set_tcp_notsent_lowat(unsent_bytes_max)?;
        Ok(match socket {
            PlaySocket::Plain(tcp) => Self::Plain(mio::net::TcpStream::from_std(tcp)),
            PlaySocket::Tls(tcp, mut tls) => {
                tls.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
                Self::Tls(mio::net::TcpStream::from_std(tcp), tls)
            }
        })
    }

    fn tcp(&mut self) -> &mut mio::net::TcpStream {
        match self {
            Self::Plain(tcp) | Self::Tls(tcp, _) => tcp,
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.tcp().register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Writes what the kernel takes of `slices`; answers the bytes taken. `WouldBlock`: none now, and an event follows.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => retry(|| tcp.write_vectored(slices)),
            Self::Tls(tcp, tls) => {
                drain_tls(tcp, tls)?;
                let mut taken = 0;
                for slice in slices {
                    let mut rest: &[u8] = slice;
                    while !rest.is_empty() {
                        let n = tls.writer().write(rest)?;
                        taken += n;
                        rest = &rest[n..];
                        // A short count to the caller means that the kernel is full, so rustls' own limit must not show.
                        match drain_tls(tcp, tls) {
                            Ok(()) => {}
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => return Ok(taken),
                            Err(error) => return Err(error),
                        }
                    }
                }
                Ok(taken)
            }
        }
    }

    /// TLS holds bytes that the kernel did not take yet.
    pub(super) fn holds(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(_, tls) => tls.wants_write(),
        }
    }

    /// Sends what TLS still holds. `WouldBlock`: an event follows.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tcp, tls) => drain_tls(tcp, tls),
        }
    }

    /// Reads into `buffer` all that the viewer sent. `Ok(0)`: it closed. `WouldBlock`: nothing more now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => retry(|| tcp.read(buffer)),
            Self::Tls(tcp, tls) => {
                if retry(|| tls.read_tls(tcp))? == 0 {
                    return Ok(0);
                }
                tls.process_new_packets().map_err(io::Error::other)?;
                match tls.reader().read(buffer) {
                    // A record without application bytes (a ticket, a key update) is not the end.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(1),
                    other => other,
                }
            }
        }
    }
}

fn drain_tls(tcp: &mut mio::net::TcpStream, tls: &mut ServerConnection) -> io::Result<()> {
    while tls.wants_write() {
        if retry(|| tls.write_tls(tcp))? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
