//! The door of every port, and the sockets accepted there, plain or TLS, as one type that async code reads and writes
//! and that fan-out can take over.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::fanout::PlaySocket;

/// A peer that takes none of what was sent for this long is cut by the kernel (`TCP_USER_TIMEOUT`), whatever protocol it
/// speaks. So is one stream of a peer that takes others, and a body that is made for it. 20 s: longer than any phone's change of cells that a player survives.
pub(crate) const UNTAKEN_MAX: Duration = Duration::from_secs(20);
/// A connection that has done no TLS handshake by then, or said nothing at all, is cut.
const FIRST_BYTE_DEADLINE: Duration = Duration::from_secs(10);
/// Unsent bytes the kernel may hold for one connection.
const UNSENT_BYTES_MAX: u32 = 256 << 10;

/// One accepted connection.
pub enum Connection {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP, handshake done.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Does the TLS handshake if there is an acceptor, and waits for a first byte on plain sockets.
    async fn accept(tcp: TcpStream, tls: Option<&TlsAcceptor>) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let socket = socket2::SockRef::from(&tcp);
        socket.set_tcp_user_timeout(Some(UNTAKEN_MAX))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
        let ready = async {
            match tls {
                // In a box: a handshake is larger than all that plain connections ever hold.
                Some(acceptor) => Box::pin(acceptor.accept(tcp)).await.map(|tls| Self::Tls(Box::new(tls))),
                None => {
                    // A socket that was just accepted is taken to be readable until somebody tries.
                    tcp.peek(&mut [0]).await?;
                    Ok(Self::Plain(tcp))
                }
            }
        };
        tokio::time::timeout(FIRST_BYTE_DEADLINE, ready).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// The protocol that TLS negotiated is HTTP/2.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// Bytes go encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Gives the socket up to fan-out.
    pub fn into_play_socket(self) -> io::Result<PlaySocket> {
        match self {
            Self::Plain(tcp) => Ok(PlaySocket::Plain(tcp.into_std()?)),
            Self::Tls(tls) => {
                let (tcp, tls) = tls.into_inner();
                Ok(PlaySocket::Tls(tcp.into_std()?, Box::new(tls)))
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

/// The door of one port: how many connections it holds at once, in all and from one address (IPv6 counts by /64), and
/// how they come in. The same for every protocol.
#[derive(Default)]
pub(crate) struct Door {
    /// The protocol and what it begins with, as log lines name them.
    pub(crate) protocol: &'static str,
    pub(crate) begins_with: &'static str,
    /// The metric that counts who found no place.
    pub(crate) refused_total: &'static str,
    pub(crate) connections_max: usize,
    pub(crate) per_address_max: usize,
    pub(crate) present: Mutex<Present>,
}

#[derive(Default)]
pub(crate) struct Present {
    total: usize,
    by_address: std::collections::HashMap<IpAddr, usize>,
}

/// One admitted connection; gives its place back when dropped.
struct Admitted {
    door: Arc<Door>,
    address: IpAddr,
}

impl Door {
    /// Accepts until `stop`, and gives each connection that is ready to `drive`, on a task of its own, with the time at which
    /// it was accepted.
    pub(crate) async fn serve<Driving: Future<Output = ()> + Send>(
        self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        stop: CancellationToken,
        drive: impl Fn(Connection, SocketAddr, Instant) -> Driving + Clone + Send + 'static,
    ) {
        let (protocol, begins_with, door) = (self.protocol, self.begins_with, Arc::new(self));
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            let (tcp, address) = match accepted {
                Ok(accepted) => accepted,
                // It left before it was accepted: no trouble of ours.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    // Out of descriptors, most likely: give the ones in use a moment to close rather than spin.
                    tracing::warn!(%error, "an {protocol} connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(admitted) = door.admit(address) else {
                metrics::counter!(door.refused_total).increment(1);
                continue;
            };
            let (tls, drive, since) = (tls.clone(), drive.clone(), Instant::now());
            tokio::spawn(async move {
                let _admitted = admitted;
                match Connection::accept(tcp, tls.as_ref()).await {
                    Ok(connection) => drive(connection, address, since).await,
                    Err(error) => tracing::trace!(%error, "an {protocol} connection ended before its {begins_with}"),
                }
            });
        }
    }

    /// A place for a connection from `peer`, if there is one.
    fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Admitted> {
        let address = match peer.ip().to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::from((v6.to_bits() >> 64 << 64).to_be_bytes()),
        };
        let mut present = self.present.lock();
        if present.total >= self.connections_max {
            return None;
        }
        let here = present.by_address.entry(address).or_default();
        if *here >= self.per_address_max {
            return None;
        }
        *here += 1;
        present.total += 1;
        Some(Admitted { door: self.clone(), address })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut present = self.door.present.lock();
        present.total -= 1;
        if let Some(here) = present.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                present.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_address_and_given_back() {
        let door = Arc::new(Door { connections_max: 3, per_address_max: 2, ..Door::default() });
        let v4: SocketAddr = "192.0.2.1:1000".parse().expect("address");
        let first = door.admit(v4).expect("a place");
        let second = door.admit(v4).expect("a place");
        assert!(door.admit(v4).is_none(), "two from one address are enough");
        let v6 = door.admit("[2001:db8::1]:1".parse().expect("address")).expect("a place");
        assert!(door.admit("192.0.2.2:1".parse().expect("address")).is_none(), "three in all");
        drop(v6);
        drop(first);
        let same_64 = door.admit("[2001:db8::2]:1".parse().expect("address"));
        assert!(same_64.is_some());
        drop((second, same_64));
        assert!(door.present.lock().by_address.is_empty());
    }
}
