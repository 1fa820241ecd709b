//! TLS: HTTP/1.1, HTTP/2 and RTMPS over it, and what strangers may do there.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway::Limits;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use media::MediaKind;
use packager::Position;
use rtmp::Purpose;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::client::{Connection, tcp};
use crate::flv_viewers::{Watched, is_tail};
use crate::low_latency::{is_silent, next};
use crate::publisher::{Peer, Publisher};
use crate::stage::{Options, Stage, soon};

/// The certificate of every stage, and its key.
static CERTIFICATE: LazyLock<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    (made.cert.into(), made.signing_key.serialize_der().into())
});

/// TLS at the server, as the program sets it up, for these protocols.
pub fn acceptor(protocols: &[&[u8]]) -> TlsAcceptor {
    let (certificate, key) = &*CERTIFICATE;
    let key = PrivateKeyDer::Pkcs8(key.clone_key());
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key);
    let mut config = config.expect("they go together");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// TLS at a client that trusts the stages.
pub fn trusting() -> ClientConfig {
    let mut trusted = RootCertStore::empty();
    trusted.add(CERTIFICATE.0.clone()).expect("a certificate");
    ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth()
}

/// TLS at a client that trusts the stages and speaks `protocol`.
async fn tls(address: SocketAddr, protocol: Option<&[u8]>) -> TlsStream<TcpStream> {
    let stream = handshake(address, protocol).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), protocol, "both speak it");
    stream
}

async fn handshake(address: SocketAddr, protocol: Option<&[u8]>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = trusting();
    config.alpn_protocols = protocol.into_iter().map(<[u8]>::to_vec).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    soon("a handshake", TlsConnector::from(Arc::new(config)).connect(name, tcp(address).await)).await
}

/// HTTP/1.1.
async fn http1(stage: &Stage) -> Connection {
    Connection::over(tls(stage.https, Some(b"http/1.1")).await)
}

/// HTTP/2. The task runs the connection, and ends with it.
async fn http2(stage: &Stage, tasks: &mut JoinSet<()>) -> SendRequest<Empty<Bytes>> {
    let socket = TokioIo::new(tls(stage.https, Some(b"h2")).await);
    let (requests, connection) = http2::handshake(TokioExecutor::new(), socket).await.expect("HTTP/2");
    tasks.spawn(async move { drop(connection.await) });
    requests
}

async fn ask(requests: &mut SendRequest<Empty<Bytes>>, path: &str) -> Response<Incoming> {
    let request = Request::get(format!("https://localhost{path}")).body(Empty::new()).expect("a request");
    soon("an answer", requests.send_request(request)).await.expect("an answer")
}

async fn body(response: Response<Incoming>) -> Bytes {
    soon("a body", response.into_body().collect()).await.expect("a whole body").to_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_answers_others_while_a_reload_waits_on_the_same_connection() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let (stream, first) = stage.stream("kelas");
    let Position { msn, part } = next(&stage);
    let mut tasks = JoinSet::new();
    let mut requests = http2(&stage, &mut tasks).await;
    let reload = format!("https://localhost/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}");
    let mut waiting = tokio::spawn(requests.send_request(Request::get(reload).body(Empty::new()).expect("a request")));
    let path = format!("/live/kelas/{stream}/video/{first}.m4s");
    let segment = ask(&mut requests, &path).await;
    assert_eq!((segment.status().as_u16(), segment.version()), (200, Version::HTTP_2));
    assert_eq!(body(segment).await, stage.get(&path).await.body, "the same bytes as over HTTP/1.1");
    let early = tokio::time::timeout(Duration::from_millis(150), &mut waiting).await;
    assert!(early.is_err(), "the part is not there");
    publisher.send_until_ms(1_300).await;
    let reply = soon("the reload", waiting).await.expect("no panic").expect("an answer");
    assert_eq!(reply.status(), 200);
    let text = String::from_utf8(body(reply).await.to_vec()).expect("text");
    assert!(text.contains(&format!("/video/{msn}.{part}.m4s\"")), "the part is listed: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http1_over_tls_waits_and_plays_as_it_does_without() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let mut client = http1(&stage).await;
    client.ask("GET", &format!("/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}"), &[]).await;
    assert!(is_silent(&mut client).await, "the part is not there");
    publisher.send_until_ms(1_300).await;
    assert!(client.answer().await.text().contains(&format!("/video/{msn}.{part}.m4s\"")));
    client.ask("GET", "/live/kelas.flv", &[]).await;
    assert_eq!(client.head().await.status, 200, "the same connection plays");
    publisher.send_until_ms(2_400).await;
    let sent = publisher.payloads(MediaKind::Video);
    let mut watched = Watched::default();
    watched.until(&mut client, sent.last().expect("a picture")).await;
    assert!(is_tail(&watched.video(), &sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtmps_publishes_and_plays() {
    let stage = Stage::new().await;
    let peer = Peer::over(tls(stage.rtmps, None).await, Purpose::Publish, "live", stage.key("kelas"));
    let mut publisher = Publisher::by(peer).await;
    publisher.send_until_ms(1_000).await;
    stage.packaged("kelas", 1_000).await;
    let mut player = Peer::over(tls(stage.rtmps, None).await, Purpose::Play, "live", "kelas");
    let wanted = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let of_last = |event: &rtmp::ClientEvent| match event {
        rtmp::ClientEvent::Media { body, .. } => body.ends_with(&wanted).then_some(()),
        _ => None,
    };
    player.expect("the last picture", of_last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flv_over_http2_is_whole_and_ends_when_its_channel_closes_to_the_public() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let mut tasks = JoinSet::new();
    let mut requests = http2(&stage, &mut tasks).await;
    let mut playing = ask(&mut requests, "/live/kelas.flv").await.into_body();
    publisher.send_until_ms(2_400).await;
    let sent = publisher.payloads(MediaKind::Video);
    let mut watched = Watched::default();
    while watched.video().last() != sent.last() {
        let frame = soon("more of the stream", playing.frame()).await.expect("not over").expect("not cut");
        watched.push(&frame.into_data().expect("data"));
    }
    assert!(is_tail(&watched.video(), &sent));
    stage.close_to_the_public("kelas");
    let closed = Instant::now();
    let ended = async { while let Some(Ok(_)) = playing.frame().await {} };
    soon("it is closed", ended).await;
    assert!(closed.elapsed() < Duration::from_secs(2), "{:?}", closed.elapsed());
    assert_eq!(ask(&mut requests, "/readyz").await.status(), 200, "the connection stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_no_handshake_and_who_asks_nothing_is_cut_after_ten_seconds() {
    let stage = Stage::new().await;
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    // Answers each PING, and wants nothing.
    let idle = http2(&stage, &mut tasks).await;
    let served = http2(&stage, &mut tasks).await;
    assert_eq!(ask(&mut served.clone(), "/readyz").await.status(), 200);
    let mut silent = Connection::open(stage.https).await;
    let mut half = Connection::open(stage.https).await;
    // The head of a ClientHello of 512 bytes (RFC 8446 §4.1.2) without the rest.
    half.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    let mut unasked = http1(&stage).await;
    soon("all are cut", async {
        silent.rest().await;
        half.rest().await;
        unasked.rest().await;
        tasks.join_next().await;
    })
    .await;
    let took = start.elapsed();
    assert!((9.0..15.0).contains(&took.as_secs_f64()), "{took:?}");
    assert!(idle.is_closed());
    assert_eq!(ask(&mut served.clone(), "/readyz").await.status(), 200, "who asked once stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_in_place_of_a_handshake_is_nobody_elses_trouble() {
    let limits = Limits { http_connections_max: 2, ..Limits::default() };
    let stage = Stage::with(Options { limits, ..Options::default() }).await;
    let mut tasks = JoinSet::new();
    let mut requests = http2(&stage, &mut tasks).await;
    assert_eq!(ask(&mut requests, "/readyz").await.status(), 200);
    let nonsense: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &[0; 4_096],
        &[0xFF; 40_000],
    ];
    for bytes in nonsense {
        // Each needs the second place, which the one before must have given back.
        let mut connection = loop {
            let mut socket = tcp(stage.https).await;
            if socket.write_all(bytes).await.is_ok() {
                break Connection::over(socket);
            }
        };
        connection.rest().await;
    }
    // The same inside TLS: an HTTP/2 preface that is none, and frames that are none (RFC 9113 §3.4, §4.1).
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"]
    {
        // The place is given back a moment after its connection ended.
        let place = async {
            loop {
                if let Ok(stream) = handshake(stage.https, Some(b"h2")).await {
                    break stream;
                }
            }
        };
        let mut connection = Connection::over(soon("the second place", place).await);
        connection.send(bytes).await;
        connection.rest().await;
    }
    assert_eq!(ask(&mut requests, "/readyz").await.status(), 200, "others go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_reset_at_once_cost_others_nothing() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let mut tasks = JoinSet::new();
    let mut requests = http2(&stage, &mut tasks).await;
    let mut other = http2(&stage, &mut tasks).await;
    let mut refused = 0;
    for _ in 0..5_000 {
        let reload = format!("https://localhost/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}");
        let request = Request::get(reload).body(Empty::new()).expect("a request");
        if requests.ready().await.is_err() {
            refused += 1;
            break;
        }
        // Sent, and taken back: a RST_STREAM behind each HEADERS.
        let asked = requests.send_request(request);
        tokio::select! {
            biased;
            _ = asked => {}
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(ask(&mut other, "/readyz").await.status(), 200, "others are served");
    if refused == 0 {
        assert_eq!(ask(&mut requests, "/readyz").await.status(), 200, "or even the same");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_head_over_http2_is_bounded() {
    let stage = Stage::new().await;
    let mut tasks = JoinSet::new();
    let mut requests = http2(&stage, &mut tasks).await;
    let long = "x".repeat(64 << 10);
    let request =
        Request::get("https://localhost/readyz").header("x-long", long).body(Empty::new()).expect("a request");
    let answer = soon("an answer", requests.send_request(request)).await;
    assert!(answer.as_ref().map_or(true, |response| response.status() == 431), "{answer:?}");
    let mut another = http2(&stage, &mut tasks).await;
    assert_eq!(ask(&mut another, "/readyz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_answers_what_was_asked_over_http2() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let Position { msn, part } = next(&stage);
    let mut tasks = JoinSet::new();
    let mut requests = http2(&stage, &mut tasks).await;
    assert_eq!(ask(&mut requests, "/readyz").await.status(), 200);
    let reload = format!("https://localhost/live/kelas/video.m3u8?_HLS_msn={msn}&_HLS_part={part}");
    let mut waiting = tokio::spawn(requests.send_request(Request::get(reload).body(Empty::new()).expect("a request")));
    let early = tokio::time::timeout(Duration::from_millis(150), &mut waiting).await;
    assert!(early.is_err(), "the part is not there");
    stage.stop();
    publisher.send_until_ms(1_300).await;
    let reply = soon("the reload", waiting).await.expect("no panic").expect("an answer");
    assert_eq!(reply.status(), 200);
    assert!(!body(reply).await.is_empty());
    soon("the connection ends", tasks.join_next()).await;
}
