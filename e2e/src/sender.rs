//! A publisher of synthetic frames, through our own client side of RTMP: at real time, or as fast as the server takes it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use formats::container::flv;
use media::{MediaKind, TrackSet};
use rtmp::{ClientConfig, ClientEvent, ClientOutput, ClientSession, Purpose};
use testkit::{Encoder, EncoderConfig};

use crate::poll;

/// The server answers, or the test fails.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Reads that are kept until somebody asks for them; the rest of them waits in the socket.
const READS_WAITING: usize = 1_024;

/// One RTMP connection that publishes.
pub struct Sender {
    socket: TcpStream,
    session: ClientSession,
    encoder: Encoder,
    tracks: TrackSet,
    input: Option<Receiver<Vec<u8>>>,
    events: Vec<ClientEvent>,
    started: Instant,
    sent_ms: u64,
}

impl Sender {
    /// Connects and begins to publish `rtmp://{to}/{app}/{key}`.
    ///
    /// # Panics
    /// When the server refuses or cannot be reached.
    #[must_use]
    #[track_caller]
    pub fn start(to: SocketAddr, app: &str, key: &str, config: EncoderConfig) -> Self {
        let socket = TcpStream::connect_timeout(&to, TIMEOUT).expect("the server accepts");
        socket.set_nodelay(true).expect("a TCP option");
        socket.set_read_timeout(Some(TIMEOUT)).expect("a socket option");
        socket.set_write_timeout(Some(TIMEOUT)).expect("a socket option");
        let session = ClientSession::new(ClientConfig::new(Purpose::Publish, app, key), rand::random(), Instant::now());
        let encoder = Encoder::new(config);
        let tracks = encoder.tracks();
        let (started, input) = (Instant::now(), None);
        let mut sender = Self { socket, session, encoder, tracks, input, events: Vec::new(), started, sent_ms: 0 };
        let mut buffer = vec![0; 64 << 10];
        while !sender.events.contains(&ClientEvent::Publishing) {
            assert!(sender.flush(), "the server refused: {:?}", sender.events);
            if sender.events.contains(&ClientEvent::Publishing) {
                break;
            }
            let read = sender.socket.read(&mut buffer).expect("the server answers");
            assert!(read > 0, "the server closed before publishing began: {:?}", sender.events);
            sender.session.handle_input(Instant::now(), &buffer[..read]).expect("RTMP");
        }
        sender.read_on();
        for track in sender.tracks.iter() {
            sender.session.send_media(kind(track.kind()), 0, &flv::write_config(track, 0));
        }
        sender.started = Instant::now();
        sender
    }

    /// Reads on beside the writing, so that neither side waits for the other.
    fn read_on(&mut self) {
        let mut socket = self.socket.try_clone().expect("a second handle");
        let (give, take) = sync_channel(READS_WAITING);
        socket.set_read_timeout(None).expect("a socket option");
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(read) = socket.read(&mut buffer) {
                if read == 0 || give.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        self.input = Some(take);
    }

    /// Sends what the session has to say; false once it is over.
    fn flush(&mut self) -> bool {
        loop {
            match self.session.poll_output() {
                ClientOutput::Transmit(bytes) => {
                    if self.socket.write_all(&bytes).is_err() {
                        return false;
                    }
                }
                ClientOutput::Event(event) => self.events.push(event),
                ClientOutput::WaitUntil(_) => return true,
                ClientOutput::Closed => return false,
            }
        }
    }

    fn take_input(&mut self) {
        while let Some(bytes) = self.input.as_ref().and_then(|input| input.try_recv().ok()) {
            if self.session.handle_input(Instant::now(), &bytes).is_err() {
                return;
            }
        }
    }

    /// Media time sent so far, in milliseconds.
    #[must_use]
    pub fn sent_ms(&self) -> u64 {
        self.sent_ms
    }

    /// What the server has said besides.
    pub fn events(&mut self) -> &[ClientEvent] {
        self.take_input();
        self.flush();
        &self.events
    }

    /// Sends all frames before `until_ms` of media time, at once. False when the server has closed.
    pub fn push_until(&mut self, until_ms: u64) -> bool {
        let mut body = Vec::new();
        while self.sent_ms < until_ms {
            let sent = self.encoder.next_sent();
            let Some(track) = self.tracks.get(sent.frame.track) else { return false };
            body.clear();
            flv::write_frame_header(track, 0, sent.cts_ms, sent.frame.key, &mut body);
            body.extend_from_slice(&sent.frame.payload);
            self.session.send_media(kind(track.kind()), sent.timestamp_ms, &body);
            let millis = sent.frame.dts.rescale(track.timescale, media::Timescale::MILLIS).0;
            self.sent_ms = self.sent_ms.max(u64::try_from(millis).unwrap_or(0));
            self.take_input();
            if !self.flush() {
                return false;
            }
        }
        true
    }

    /// Sends at real time for as long as `look` finds nothing; `None` when the server closed or time is over.
    pub fn run_until<T>(&mut self, within: Duration, mut look: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        poll::try_until(within, || {
            let due = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.push_until(due);
            look(self)
        })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn kind(kind: MediaKind) -> rtmp::MediaKind {
    match kind {
        MediaKind::Video => rtmp::MediaKind::Video,
        MediaKind::Audio => rtmp::MediaKind::Audio,
    }
}
