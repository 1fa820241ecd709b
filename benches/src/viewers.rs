//! Thousands of viewers in one thread: they read as fast as they can, a few of them measure.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use formats::container::flv::{TagKind, TagReader};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rtmp::{ClientConfig, ClientEvent, ClientOutput, ClientSession};
use testkit::encoder::Stamp;

use crate::publish::Departures;

/// One in so many viewers parses what it gets and measures delays.
const MEASURE_EACH: usize = 50;

/// How the viewers play.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// `GET path` over HTTP, body as it comes.
    HttpFlv {
        /// Path with its leading slash.
        path: String,
    },
    /// RTMP play.
    Rtmp {
        /// Application.
        app: String,
        /// Stream name.
        name: String,
    },
    /// Bytes from the first on: the floor.
    Raw,
}

/// What the viewers saw. Read it while they run.
#[derive(Default)]
pub struct Seen {
    /// Bytes received by all.
    pub bytes: AtomicU64,
    /// Viewers that have got media.
    pub playing: AtomicUsize,
    /// Viewers that were closed by the server.
    pub closed: AtomicUsize,
    /// Delays are collected only while this is set.
    pub measuring: AtomicBool,
}

/// A crowd of viewers in a thread.
pub struct Crowd {
    /// Live counts.
    pub seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<Vec<Duration>>>>,
}

impl Crowd {
    /// Connects `count` viewers to `address`.
    pub fn start(
        address: &str,
        protocol: &Protocol,
        count: usize,
        departures: Option<Arc<Departures>>,
    ) -> anyhow::Result<Self> {
        let address: SocketAddr = address.parse()?;
        let seen = Arc::new(Seen::default());
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (seen, stop, protocol) = (seen.clone(), stop.clone(), protocol.clone());
            std::thread::spawn(move || run(address, &protocol, count, departures.as_deref(), &seen, &stop))
        };
        Ok(Self { seen, stop, thread: Some(thread) })
    }

    /// Waits until all play.
    pub fn wait_playing(&self, count: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(90);
        while self.seen.playing.load(Ordering::Relaxed) < count {
            let playing = self.seen.playing.load(Ordering::Relaxed);
            ensure!(Instant::now() < deadline, "only {playing} of {count} viewers play after 90 s");
            ensure!(!self.thread.as_ref().is_some_and(JoinHandle::is_finished), "the viewers' thread ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends all; answers the delays that were measured.
    pub fn finish(mut self) -> anyhow::Result<Vec<Duration>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .take()
            .context("finished once")?
            .join()
            .map_err(|_| anyhow::anyhow!("the viewers' thread panicked"))?
    }
}

struct Viewer {
    socket: TcpStream,
    rtmp: Option<Box<ClientSession>>,
    flv: Option<Box<TagReader>>,
    head_done: bool,
    playing: bool,
    measures: bool,
}

fn run(
    address: SocketAddr,
    protocol: &Protocol,
    count: usize,
    departures: Option<&Departures>,
    seen: &Seen,
    stop: &AtomicBool,
) -> anyhow::Result<Vec<Duration>> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1_024);
    let mut viewers: Vec<Viewer> = Vec::with_capacity(count);
    let mut delays = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    while !stop.load(Ordering::Relaxed) {
        // A few new ones at a time, as the listener's backlog is short.
        for _ in 0..50.min(count - viewers.len()) {
            let viewer = join(address, protocol, viewers.len(), departures.is_some())?;
            viewers.push(viewer);
            let at = viewers.len() - 1;
            poll.registry().register(&mut viewers[at].socket, Token(at), Interest::READABLE | Interest::WRITABLE)?;
        }
        poll.poll(&mut events, Some(Duration::from_millis(5)))?;
        for event in &events {
            let viewer = &mut viewers[event.token().0];
            if event.is_writable() {
                greet(viewer, protocol)?;
            }
            if event.is_readable() && !drain(viewer, &mut buffer, departures, seen, &mut delays)? {
                seen.closed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(delays)
}

fn join(address: SocketAddr, protocol: &Protocol, number: usize, may_measure: bool) -> anyhow::Result<Viewer> {
    let socket = TcpStream::connect(address)?;
    let measures = may_measure && number.is_multiple_of(MEASURE_EACH);
    let rtmp = match protocol {
        Protocol::Rtmp { app, name } => {
            let config = ClientConfig::new(rtmp::client::Purpose::Play, app, name);
            Some(Box::new(ClientSession::new(config, rand::random(), Instant::now())))
        }
        Protocol::HttpFlv { .. } | Protocol::Raw => None,
    };
    let flv = (measures && matches!(protocol, Protocol::HttpFlv { .. })).then(Box::<TagReader>::default);
    Ok(Viewer { socket, rtmp, flv, head_done: false, playing: false, measures })
}

fn greet(viewer: &mut Viewer, protocol: &Protocol) -> anyhow::Result<()> {
    viewer.socket.set_nodelay(true).ok();
    match protocol {
        Protocol::HttpFlv { path } if !viewer.head_done => {
            viewer.head_done = true;
            let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
            viewer.socket.write_all(request.as_bytes())?;
        }
        Protocol::Rtmp { .. } => flush(viewer, None, None, &mut Vec::new())?,
        Protocol::HttpFlv { .. } | Protocol::Raw => {}
    }
    Ok(())
}

/// False: the server closed.
fn drain(
    viewer: &mut Viewer,
    buffer: &mut [u8],
    departures: Option<&Departures>,
    seen: &Seen,
    delays: &mut Vec<Duration>,
) -> anyhow::Result<bool> {
    loop {
        match viewer.socket.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                seen.bytes.fetch_add(n as u64, Ordering::Relaxed);
                take(viewer, &buffer[..n], departures, seen, delays)?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(false),
        }
    }
}

fn take(
    viewer: &mut Viewer,
    bytes: &[u8],
    departures: Option<&Departures>,
    seen: &Seen,
    delays: &mut Vec<Duration>,
) -> anyhow::Result<()> {
    if viewer.rtmp.is_some() {
        // A viewer that plays and does not measure only takes bytes, as a player's kernel does.
        if !viewer.playing || viewer.measures {
            if let Some(session) = &mut viewer.rtmp {
                session.handle_input(Instant::now(), bytes).context("rtmp")?;
            }
            flush(viewer, departures, Some(seen), delays)?;
        }
        return Ok(());
    }
    if !viewer.playing {
        viewer.playing = true;
        seen.playing.fetch_add(1, Ordering::Relaxed);
    }
    if let (Some(reader), Some(departures)) = (&mut viewer.flv, departures) {
        let body = match bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) if bytes.starts_with(b"HTTP/") => &bytes[at + 4..],
            _ => bytes,
        };
        reader.push(body);
        while let Some(tag) = reader.next_tag().context("flv")? {
            if tag.kind == TagKind::Video {
                measure(&tag.body, departures, seen, delays);
            }
        }
    }
    Ok(())
}

fn flush(
    viewer: &mut Viewer,
    departures: Option<&Departures>,
    seen: Option<&Seen>,
    delays: &mut Vec<Duration>,
) -> anyhow::Result<()> {
    let Some(session) = &mut viewer.rtmp else { return Ok(()) };
    loop {
        match session.poll_output() {
            ClientOutput::Transmit(bytes) => viewer.socket.write_all(&bytes)?,
            ClientOutput::Event(ClientEvent::Media { kind, body, .. }) => {
                if !viewer.playing {
                    viewer.playing = true;
                    if let Some(seen) = seen {
                        seen.playing.fetch_add(1, Ordering::Relaxed);
                    }
                }
                if let (rtmp::MediaKind::Video, Some(departures), Some(seen)) = (kind, departures, seen) {
                    measure(&body, departures, seen, delays);
                }
            }
            ClientOutput::Event(_) => {}
            ClientOutput::WaitUntil(_) | ClientOutput::Closed => return Ok(()),
        }
    }
}

fn measure(body: &[u8], departures: &Departures, seen: &Seen, delays: &mut Vec<Duration>) {
    if seen.measuring.load(Ordering::Relaxed)
        && let Some(delay) = Stamp::find(body).and_then(|stamp| departures.since(stamp))
    {
        delays.push(delay);
    }
}
