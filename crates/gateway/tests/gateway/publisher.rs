//! RTMP peers: a publisher that sends a synthetic encoder's frames, and a player.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use formats::container::flv;
use gateway::wire::ordinal;
use media::{FrameRate, MediaKind as Kind};
use rtmp::{ClientConfig, ClientEvent, ClientOutput, ClientSession, MediaKind, Purpose};
use testkit::{Encoder, EncoderConfig, Sent, VideoSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Socket, tcp};
use crate::stage::soon;

/// One RTMP connection.
pub struct Peer {
    socket: Box<dyn Socket>,
    session: ClientSession,
}

impl Peer {
    pub async fn open(address: SocketAddr, purpose: Purpose, app: &str, name: &str) -> Self {
        Self::over(tcp(address).await, purpose, app, name)
    }

    pub fn over(socket: impl Socket + 'static, purpose: Purpose, app: &str, name: &str) -> Self {
        let config = ClientConfig::new(purpose, app, name);
        Self { socket: Box::new(socket), session: ClientSession::new(config, [7; 1536], Instant::now()) }
    }

    /// The next event; `None` once the connection is closed.
    pub async fn event(&mut self) -> Option<ClientEvent> {
        loop {
            match self.session.poll_output() {
                // A server that has closed takes nothing more, but what it said before is still to be read.
                ClientOutput::Transmit(bytes) => {
                    self.socket.write_all(&bytes).await.ok();
                }
                ClientOutput::Event(event) => return Some(event),
                ClientOutput::Closed => return None,
                ClientOutput::WaitUntil(_) => {
                    let mut bytes = vec![0; 64 << 10];
                    match soon("the server says something", self.socket.read(&mut bytes)).await {
                        Ok(0) | Err(_) => return None,
                        Ok(n) => self.session.handle_input(Instant::now(), &bytes[..n]).expect("well-formed RTMP"),
                    }
                }
            }
        }
    }

    /// The first event that `wanted` makes something of.
    pub async fn expect<T>(&mut self, what: &str, mut wanted: impl FnMut(&ClientEvent) -> Option<T>) -> T {
        let mut seen = Vec::new();
        while let Some(event) = self.event().await {
            if let Some(found) = wanted(&event) {
                return found;
            }
            if !matches!(event, ClientEvent::Media { .. }) {
                seen.push(event);
            }
        }
        panic!("closed before {what}; there was {seen:?}");
    }

    /// The code and whether it is an error, of the next status.
    pub async fn status(&mut self) -> (bool, String) {
        self.expect("a status", |event| match event {
            ClientEvent::Status { is_error, code, .. } => Some((*is_error, code.clone())),
            _ => None,
        })
        .await
    }

    /// Sends one body as it is.
    pub async fn send(&mut self, kind: MediaKind, timestamp_ms: u32, body: &[u8]) {
        self.session.send_media(kind, timestamp_ms, body);
        self.flush().await;
    }

    async fn flush(&mut self) {
        while let ClientOutput::Transmit(bytes) = self.session.poll_output() {
            soon("the server takes what is sent", self.socket.write_all(&bytes)).await.expect("send");
        }
    }

    /// True once the server has closed the connection, whatever it still says.
    pub async fn is_closed(&mut self) -> bool {
        while self.event().await.is_some() {}
        true
    }
}

/// What the encoder makes: 30 pictures a second, a key frame each half second, sound.
pub fn encoding() -> EncoderConfig {
    let video = VideoSpec {
        gop_frames: 15,
        frame_rate: FrameRate { frames: 30, seconds: 1 },
        frame_bytes: 600,
        ..VideoSpec::default()
    };
    EncoderConfig { video: Some(video), ..EncoderConfig::default() }
}

/// The same with pictures so large that a few seconds of them fill every buffer between a server and its client.
pub fn large() -> EncoderConfig {
    let encoding = encoding();
    let video = encoding.video.map(|video| VideoSpec { frame_bytes: 60_000, ..video });
    EncoderConfig { video, ..encoding }
}

pub struct Publisher {
    pub peer: Peer,
    pub encoder: Encoder,
    /// All frames that were sent.
    pub sent: Vec<Sent>,
    configured: bool,
}

impl Publisher {
    /// A publisher that the server has accepted.
    pub async fn start(address: SocketAddr, app: &str, name: &str) -> Self {
        Self::by(Peer::open(address, Purpose::Publish, app, name).await).await
    }

    /// A publisher on that connection, once the server has accepted it.
    pub async fn by(mut peer: Peer) -> Self {
        peer.expect("publishing", |event| (*event == ClientEvent::Publishing).then_some(())).await;
        Self { peer, encoder: Encoder::new(encoding()), sent: Vec::new(), configured: false }
    }

    /// Sends the media before `ms` that was not sent yet.
    pub async fn send_until_ms(&mut self, ms: i64) {
        let frames = self.encoder.sent_until_ms(ms);
        self.send_frames(frames).await;
    }

    /// Sends frames of the encoder in the order given.
    pub async fn send_frames(&mut self, frames: Vec<Sent>) {
        if !self.configured {
            self.configured = true;
            for track in self.encoder.tracks().iter() {
                let body = flv::write_config(track, ordinal(track.id));
                self.peer.session.send_media(kind(track.kind()), 0, &body);
            }
        }
        let tracks = self.encoder.tracks();
        for sent in frames {
            let track = tracks.iter().find(|track| track.id == sent.frame.track).expect("its track");
            let mut body = Vec::new();
            flv::write_frame_header(track, ordinal(track.id), sent.cts_ms, sent.frame.key, &mut body);
            body.extend_from_slice(&sent.frame.payload);
            self.peer.session.send_media(kind(track.kind()), sent.timestamp_ms, &body);
            self.sent.push(sent);
        }
        self.peer.flush().await;
    }

    /// Says goodbye and closes.
    pub async fn leave(mut self) -> Vec<Sent> {
        self.peer.session.finish();
        self.peer.flush().await;
        self.sent
    }

    /// Payloads that were sent on the track of that kind.
    pub fn payloads(&self, wanted: Kind) -> Vec<Bytes> {
        let tracks = self.encoder.tracks();
        let track = tracks.iter().find(|track| track.kind() == wanted).expect("a track").id;
        self.sent.iter().filter(|sent| sent.frame.track == track).map(|sent| sent.frame.payload.clone()).collect()
    }
}

fn kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Video => MediaKind::Video,
        Kind::Audio => MediaKind::Audio,
    }
}
