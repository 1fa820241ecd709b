//! Binds every configured address and starts what serves it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use gateway::Gateway;
use gateway::routes::Listener;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addresses::BoundAddresses;
use crate::config::Config;

/// Connections that wait to be accepted. 8,000 viewers opening a lesson within two minutes come in bursts.
const BACKLOG: i32 = 4_096;

/// Starts all; answers the real addresses.
pub(super) async fn start(
    config: &Config,
    gateway: &Arc<Gateway>,
    stop: &CancellationToken,
    tracker: &TaskTracker,
) -> anyhow::Result<BoundAddresses> {
    let mut bound = BoundAddresses::configured(config, std::process::id());
    let tls = if config.https_addr.is_some() || config.rtmps_addr.is_some() { Some(tls(config)?) } else { None };
    let acceptor = |protocols: &[&[u8]]| {
        tls.as_ref().map(|tls| {
            let mut tls = ServerConfig::clone(tls);
            tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            TlsAcceptor::from(Arc::new(tls))
        })
    };
    let http = |listener, role, tls| {
        tracker.spawn(gateway::http::serve(gateway.clone(), listener, role, tls, stop.clone()));
    };
    let rtmp = |listener, tls| {
        tracker.spawn(gateway::rtmp::serve(gateway.clone(), listener, tls, stop.clone()));
    };
    let (listener, address) = bind(config.http_addr, "http_addr")?;
    bound.http = address;
    http(listener, Listener::Main, None);
    let (listener, address) = bind(config.rtmp_addr, "rtmp_addr")?;
    bound.rtmp = address;
    rtmp(listener, None);
    if let Some(wanted) = config.https_addr {
        let (listener, address) = bind(wanted, "https_addr")?;
        bound.https = Some(address);
        http(listener, Listener::Main, acceptor(&[b"h2", b"http/1.1"]));
    }
    if let Some(wanted) = config.rtmps_addr {
        let (listener, address) = bind(wanted, "rtmps_addr")?;
        bound.rtmps = Some(address);
        rtmp(listener, acceptor(&[]));
    }
    for (wanted, name, role, slot) in [
        (config.legacy.flv_addr, "legacy.flv_addr", Listener::LegacyFlv, &mut bound.flv),
        (config.legacy.hls_addr, "legacy.hls_addr", Listener::LegacyHls, &mut bound.hls),
        (config.legacy.lhls_addr, "legacy.lhls_addr", Listener::LegacyLhls, &mut bound.lhls),
    ] {
        if let Some(wanted) = wanted {
            let (listener, address) = bind(wanted, name)?;
            *slot = Some(address);
            http(listener, role, None);
        }
    }
    Ok(bound)
}

fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let open = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    let listener = open().with_context(|| {
        format!("{address} ({setting}) cannot be listened on; is another server there? `tayang doctor` tells")
    })?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// The configured certificate, or one made for this data directory and kept there.
fn tls(config: &Config) -> anyhow::Result<ServerConfig> {
    let (chain, key) = match &config.tls {
        Some(files) => (read_chain(&files.cert_file)?, read_key(&files.key_file)?),
        None => self_signed(config)?,
    };
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the TLS certificate and key do not go together")
}

fn read_chain(file: &std::path::Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("{} is no PEM certificate chain", file.display()))
}

fn read_key(file: &std::path::Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).with_context(|| format!("{} is no PEM private key", file.display()))
}

fn self_signed(config: &Config) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let cert_file = config.data_dir.join("tls-self-signed.crt");
    let key_file = config.data_dir.join("tls-self-signed.key");
    if !cert_file.exists() || !key_file.exists() {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        names.extend(config.public_url.as_ref().map(|url| url.host.clone()));
        let made = rcgen::generate_simple_self_signed(names).context("a certificate could not be made")?;
        write_private(&key_file, made.signing_key.serialize_pem().as_bytes())?;
        std::fs::write(&cert_file, made.cert.pem())?;
        tracing::warn!(file = %cert_file.display(), "no TLS certificate is configured: a self-signed one was made");
    }
    Ok((read_chain(&cert_file)?, read_key(&key_file)?))
}

/// A file that only its owner reads.
fn write_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}
