//! RTMP and RTMPS: sockets to sessions to streams, and players to fan-out.
//!
//! Owns one task per publishing or still-deciding connection. The protocol is `rtmp::ServerSession`'s; who may is
//! `control`'s; what is sent to players is fan-out's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use control::{Channel, PublishGrant};
use media::{Redacted, UnixMillis};
use rtmp::{CloseCode, Event, Output, Reject, ServerConfig, ServerSession};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::Gateway;
use crate::clock::wall_now;
use crate::fanout::NewViewer;
use crate::ingest::{Ingest, Joined};
use crate::io::{Connection, Door};
use crate::right::Right;
use crate::wire::WireFormat;

/// A peer that does not take our few control bytes within this is gone.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Read buffer: a few frames at once, so that a busy publisher costs few reads.
const READ_BYTES: usize = 64 << 10;
/// Room below which a read gets a new buffer.
const READ_BYTES_MIN: usize = 8 << 10;
/// The same for who does not publish, or not yet: a handshake is 3,073 bytes, and thousands of players come at once.
const TALK_BYTES: usize = 4 << 10;
/// How often a publisher's right is asked again, and a take-over noticed while it is silent.
const RECHECK_EVERY: Duration = Duration::from_millis(250);
/// What a publisher gets to go elsewhere when the server stops.
pub const DRAIN_GRACE: Duration = Duration::from_millis(500);

/// Accepts until `stop`.
pub async fn serve(gateway: Arc<Gateway>, listener: TcpListener, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    let door = Door {
        protocol: "RTMP",
        begins_with: "handshake",
        refused_total: "tayang_rtmp_refused_total",
        connections_max: gateway.limits.rtmp_connections_max,
        per_address_max: gateway.limits.rtmp_per_address_max,
        ..Door::default()
    };
    let stopping = stop.clone();
    let drive = move |connection, address, since| {
        Driver::new(gateway.clone(), connection, address, since).run(stopping.clone())
    };
    door.serve(listener, tls, stop, drive).await;
}

enum Role {
    Undecided,
    Publishing(Box<Publishing>),
    /// Accepted to play a channel that is not live yet.
    Waiting(Right),
}

struct Publishing {
    joined: Joined,
    grant: PublishGrant,
}

enum Step {
    Go,
    /// The socket plays from here on, in fan-out.
    Play {
        stream: Arc<hub::Stream>,
        right: Right,
    },
    End,
}

struct Driver {
    gateway: Arc<Gateway>,
    connection: Connection,
    session: ServerSession,
    address: SocketAddr,
    app: String,
    /// The relay that it says it is.
    relay: Option<u128>,
    role: Role,
    input: BytesMut,
}

impl Driver {
    /// `since` it was accepted: its deadlines count from there, whatever it sent first.
    fn new(gateway: Arc<Gateway>, connection: Connection, address: SocketAddr, since: Instant) -> Self {
        let session = ServerSession::new(ServerConfig::default(), rand::random(), since);
        Self {
            gateway,
            connection,
            session,
            address,
            app: String::new(),
            relay: None,
            role: Role::Undecided,
            input: BytesMut::with_capacity(TALK_BYTES),
        }
    }

    async fn run(mut self, stop: CancellationToken) {
        let mut drain_until = None;
        let mut started = self.gateway.live.started();
        loop {
            let wake = match self.drain().await {
                Ok((Step::Go, wake)) => wake,
                Ok((Step::Play { stream, right }, _)) => return self.hand_over(stream, right),
                Ok((Step::End, _)) | Err(_) => return,
            };
            if drain_until.is_some_and(|at| Instant::now() >= at) {
                return;
            }
            self.hold_back().await;
            let wake = self.next_wake(wake, drain_until);
            tokio::select! {
                read = self.connection.read_buf(&mut self.input) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {
                        // Large frames stay slices of what was read, small ones are copied out of it.
                        let bytes = self.input.split().freeze();
                        // Neighbouring reads share an allocation, so that a small frame does not pin a large buffer.
                        if self.input.capacity() < READ_BYTES_MIN {
                            let sends = matches!(self.role, Role::Publishing(_));
                            self.input.reserve(if sends { READ_BYTES } else { TALK_BYTES });
                        }
                        if let Err(error) = self.session.handle_input_shared(Instant::now(), &bytes) {
                            self.say_broken(&error);
                        }
                    }
                },
                () = tokio::time::sleep_until(wake.into()) => self.session.handle_timeout(Instant::now()),
                _ = started.changed(), if matches!(self.role, Role::Waiting(_)) => {}
                () = stop.cancelled(), if drain_until.is_none() => {
                    if !self.session.request_reconnect(None, "the server is restarting") {
                        self.session.close(CloseCode::Shutdown, "the server is stopping");
                    }
                    drain_until = Some(Instant::now() + DRAIN_GRACE);
                }
            }
            self.recheck();
        }
    }

    /// A publisher that sends faster than its stream is packaged is read more slowly.
    async fn hold_back(&self) {
        if let Role::Publishing(publishing) = &self.role {
            publishing.joined.hold_back().await;
        }
    }

    fn next_wake(&self, session: Instant, drain_until: Option<Instant>) -> Instant {
        let mut wake = session;
        if !matches!(self.role, Role::Undecided) {
            wake = wake.min(Instant::now() + RECHECK_EVERY);
        }
        drain_until.map_or(wake, |at| wake.min(at))
    }

    /// Does all that the session asks for; answers when it wants to be woken.
    async fn drain(&mut self) -> std::io::Result<(Step, Instant)> {
        loop {
            match self.session.poll_output() {
                Output::Transmit(bytes) => self.send(&bytes).await?,
                Output::Event(event) => match self.on_event(event) {
                    Step::Go => {}
                    step => {
                        self.flush_session().await?;
                        return Ok((step, Instant::now()));
                    }
                },
                Output::WaitUntil(at) => {
                    if let Some(step) = self.play_if_live() {
                        return Ok((step, at));
                    }
                    return Ok((Step::Go, at));
                }
                Output::Closed => return Ok((Step::End, Instant::now())),
            }
        }
    }

    /// Sends what the session still has to say, and takes no more events.
    async fn flush_session(&mut self) -> std::io::Result<()> {
        loop {
            match self.session.poll_output() {
                Output::Transmit(bytes) => self.send(&bytes).await?,
                Output::Event(_) => {}
                Output::WaitUntil(_) | Output::Closed => return Ok(()),
            }
        }
    }

    async fn send(&mut self, bytes: &Bytes) -> std::io::Result<()> {
        let write = async {
            self.connection.write_all(bytes).await?;
            self.connection.flush().await
        };
        tokio::time::timeout(WRITE_DEADLINE, write)
            .await
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
    }

    fn on_event(&mut self, event: Event) -> Step {
        match event {
            Event::Connect(connect) => (self.app, self.relay) = (connect.app, connect.relay),
            Event::Publish { stream_id, name, .. } => self.on_publish(stream_id, &name),
            Event::Play { stream_id, name, .. } => return self.on_play(stream_id, &name),
            Event::Video { timestamp, body } => {
                self.feed(|ingest, now| ingest.video(timestamp, &body, now));
            }
            Event::Audio { timestamp, body } => {
                self.feed(|ingest, now| ingest.audio(timestamp, &body, now));
            }
            Event::Unpublish { .. } => self.role = Role::Undecided,
            Event::StopPlay => return Step::End,
            Event::Malformed { what } => {
                metrics::counter!("tayang_rtmp_malformed_total").increment(1);
                tracing::debug!(peer = %self.address, what, "an RTMP message was skipped");
            }
            Event::ScriptData { .. }
            | Event::ScriptCleared { .. }
            | Event::Pause { .. }
            | Event::Receive { .. }
            | Event::Ack { .. } => {}
        }
        Step::Go
    }

    fn on_publish(&mut self, rtmp_stream: u32, name: &Redacted<String>) {
        let grant = match self.gateway.directory.authorize_publish(&self.app, &name.0, wall_now()) {
            Ok(grant) => grant,
            Err(denied) => {
                let reason = denied.reason();
                metrics::counter!("tayang_publish_denied_total", "reason" => reason).increment(1);
                tracing::warn!(reason, peer = %self.address, "a publisher was refused");
                return self.session.reject_publish(rtmp_stream, Reject::Denied);
            }
        };
        let channel = &grant.channel.path;
        if self.closes_ring(&grant.channel) {
            return self.session.reject_publish(rtmp_stream, Reject::Denied);
        }
        match self.gateway.live.publish(&grant.channel) {
            Ok(publisher) => {
                tracing::info!(%channel, stream = %publisher.stream().id(), peer = %self.address, "publisher joined");
                metrics::counter!("tayang_publishers_total", "protocol" => "rtmp").increment(1);
                if let Some(live) = self.gateway.live.of(channel) {
                    live.set_publisher("rtmp");
                }
                self.session.accept_publish(rtmp_stream);
                self.role = Role::Publishing(Box::new(Publishing { joined: Joined::new(publisher), grant }));
            }
            Err(refused) => {
                metrics::counter!("tayang_publish_denied_total", "reason" => refused.reason()).increment(1);
                tracing::warn!(%channel, peer = %self.address, %refused, "a publisher was refused");
                self.session.reject_publish(rtmp_stream, Reject::Overloaded);
            }
        }
    }

    fn on_play(&mut self, rtmp_stream: u32, name: &Redacted<String>) -> Step {
        match self.gateway.authorize_play_text(&self.app, &name.0) {
            Ok(right) if right.channel().is_some_and(|channel| self.closes_ring(channel)) => {
                self.session.reject_play(rtmp_stream, Reject::Denied);
            }
            Ok(right) => {
                self.session.accept_play(rtmp_stream);
                // A player that comes before the publisher waits and is attached when it comes.
                self.role = Role::Waiting(right);
            }
            Err(denied) => {
                metrics::counter!("tayang_play_denied_total", "reason" => denied.reason()).increment(1);
                self.session.reject_play(rtmp_stream, Reject::NotFound);
            }
        }
        Step::Go
    }

    /// A relay of our own that would bring a channel its own media.
    fn closes_ring(&self, channel: &Channel) -> bool {
        let closes = self.relay.is_some_and(|relay| self.gateway.own_relays.closes_ring(relay, channel.id));
        if closes {
            tracing::warn!(channel = %channel.path, "a relay that leads back to where its media comes from was refused");
        }
        closes
    }

    fn play_if_live(&self) -> Option<Step> {
        let Role::Waiting(right) = &self.role else { return None };
        let stream = self.gateway.live.playable(right.channel()?)?;
        Some(Step::Play { stream, right: right.clone() })
    }

    fn feed(&mut self, give: impl FnOnce(&mut Ingest, UnixMillis) -> Result<(), hub::Fenced>) {
        let Role::Publishing(publishing) = &mut self.role else { return };
        if let Err(fenced) = give(publishing.joined.ingest(), wall_now()) {
            self.dismiss(&fenced.to_string());
        }
    }

    /// Asks again whether this publisher, or this player that waits, may go on.
    fn recheck(&mut self) {
        let publishing = match &self.role {
            Role::Undecided => return,
            Role::Waiting(right) => {
                if !right.holds(&self.gateway.directory.view(), Instant::now()) {
                    metrics::counter!("tayang_play_denied_total", "reason" => "while playing").increment(1);
                    self.session.close(CloseCode::StreamEnded, "the right to play has ended");
                    self.role = Role::Undecided;
                }
                return;
            }
            Role::Publishing(publishing) => publishing,
        };
        if let Err(fenced) = publishing.joined.check() {
            self.dismiss(&fenced.to_string());
        } else if !self.gateway.directory.still_valid(&publishing.grant, wall_now()) {
            metrics::counter!("tayang_publish_denied_total", "reason" => "while publishing").increment(1);
            self.dismiss("the right to publish has ended");
        }
    }

    fn dismiss(&mut self, why: &str) {
        tracing::info!(peer = %self.address, why, "a publisher was closed");
        self.session.close(CloseCode::BadName, why);
        self.role = Role::Undecided;
    }

    fn say_broken(&self, error: &rtmp::SessionError) {
        metrics::counter!("tayang_rtmp_protocol_errors_total").increment(1);
        tracing::debug!(peer = %self.address, %error, "an RTMP connection broke the protocol");
    }

    fn hand_over(self, stream: Arc<hub::Stream>, right: Right) {
        match self.connection.into_play_socket() {
            Ok(socket) => self.gateway.fan_out.add(NewViewer {
                stream,
                format: WireFormat::Rtmp,
                socket,
                preamble: Bytes::new(),
                right,
            }),
            Err(error) => tracing::debug!(%error, "a player left before it played"),
        }
    }
}
