//! `tayang publish-test`: a test signal from ffmpeg, published to the server that runs on this data directory.
//!
//! ffmpeg only makes the signal, as FLV on its standard output; this program speaks RTMP with the server. So no key and no
//! signature ever stand on a command line that others may read. The signature is made here from the channel's secret and
//! ends by itself.

mod signal;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Args;
use control::sign;
use formats::container::flv::{TagKind, TagReader};
use media::{ChannelPath, Redacted};
use rtmp::{ClientConfig, ClientEvent, ClientOutput, ClientSession, MediaKind, Purpose};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal as unix_signal};

use super::{now, open, remark};
use crate::addresses::BoundAddresses;
use crate::cli::Target;
use crate::config::Config;
use crate::failure::{Code, Failure};

/// Longer than any demo or test; the server cuts a publisher whose signature ends.
const SIGNATURE_SECONDS: i64 = 7 * 86_400;
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From connecting to being allowed to publish.
const ACCEPT_MAX: Duration = Duration::from_secs(10);
/// A server looks for new channels several times a second.
const REFUSED_MAX: Duration = Duration::from_secs(3);
const REFUSED_PAUSE: Duration = Duration::from_millis(200);
/// How long the server has to take what was said last.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// Read at once from ffmpeg or the server: a few frames.
const READ_BYTES: usize = 64 << 10;
/// Of what ffmpeg says, this much is shown when it fails.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;

/// Options of `publish-test`.
#[derive(Debug, Args)]
pub struct PublishTest {
    /// Channel to publish to: NAME or APP/NAME
    #[arg(long)]
    channel: String,
    /// Size of the picture
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720")]
    size: signal::Size,
    /// Frames a second
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    rate: u32,
    /// Stop after this long; until stopped otherwise
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u32>,
}

/// Publishes until told to stop, until the time is over, or until the server ends it.
///
/// # Errors
/// [`Failure`]
pub(super) async fn run(config: &Config, options: &PublishTest) -> Result<(), Failure> {
    let path = Target::written(&options.channel).path().map_err(|message| Failure::new(Code::Usage, message))?;
    let channel = open(config).await?.channel(&path).await?;
    let channel = channel.ok_or_else(|| Failure::new(Code::NotFound, format!("there is no channel {path}")))?;
    let bound = BoundAddresses::of_running(&config.data_dir).ok_or_else(|| {
        Failure::new(Code::Failed, format!("no server runs on {}; start `tayang serve`", config.data_dir.display()))
    })?;
    let signature = sign::issue(&channel, sign::Purpose::Publish, now().seconds() + SIGNATURE_SECONDS);
    let mut publisher = accepted(reachable(bound.rtmp), &path, &signature).await?;
    drop(signature);
    remark(&format!("publishing a test signal to {path}"));
    let mut ffmpeg = start_ffmpeg(options)?;
    let outcome =
        publisher.send_all(&mut ffmpeg, options.seconds.map(|seconds| Duration::from_secs(seconds.into()))).await;
    let complaint = stop_ffmpeg(ffmpeg).await;
    match outcome? {
        End::Wanted => publisher.goodbye().await,
        End::SignalEnded => Err(Failure::new(Code::Failed, format!("ffmpeg ended: {}", complaint.trim()))),
    }
}

/// A connection that may publish. A refusal is tried again for a while: a running server learns of a channel that was made
/// on the command line a moment after.
async fn accepted(address: SocketAddr, path: &ChannelPath, signature: &str) -> Result<Publisher, Failure> {
    let start = Instant::now();
    loop {
        let mut publisher = Publisher::connect(address, path, signature).await?;
        let answer = tokio::time::timeout(ACCEPT_MAX, publisher.wait_accepted()).await;
        match answer.map_err(|_| Failure::new(Code::Failed, "the server did not answer"))? {
            Ok(()) => return Ok(publisher),
            Err(refused) if start.elapsed() > REFUSED_MAX => return Err(refused),
            Err(_) => tokio::time::sleep(REFUSED_PAUSE).await,
        }
    }
}

/// A server that listens on all addresses is on this machine.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

fn start_ffmpeg(options: &PublishTest) -> Result<Child, Failure> {
    let font = signal::font();
    if font.is_none() {
        remark("no font was found: the picture has no clock (Debian: fonts-dejavu-core)");
    }
    Command::new("ffmpeg")
        .args(signal::arguments(options.size, options.rate, font))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Failure::new(Code::Failed, format!("ffmpeg does not start ({error}): `apt-get install ffmpeg`"))
        })
}

/// Kills it and answers with what it had to say.
async fn stop_ffmpeg(mut ffmpeg: Child) -> String {
    // It may have ended by itself.
    let _ = ffmpeg.start_kill();
    let mut said = Vec::new();
    if let Some(stderr) = ffmpeg.stderr.take() {
        let _ = stderr.take(COMPLAINT_BYTES_MAX).read_to_end(&mut said).await;
    }
    let _ = ffmpeg.wait().await;
    String::from_utf8_lossy(&said).into_owned()
}

/// Why sending ended without a failure of the connection.
#[derive(Debug, PartialEq)]
enum End {
    /// The time is over, or somebody asked.
    Wanted,
    /// ffmpeg has no more.
    SignalEnded,
}

/// One connection to the server.
struct Publisher {
    socket: TcpStream,
    session: ClientSession,
    accepted: bool,
    input: Vec<u8>,
}

impl Publisher {
    async fn connect(address: SocketAddr, path: &ChannelPath, signature: &str) -> Result<Self, Failure> {
        let connecting = tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await;
        let socket = connecting
            .map_err(|_| Failure::new(Code::Failed, format!("the server at {address} does not answer")))?
            .map_err(|error| {
                Failure::new(Code::Failed, format!("the server at {address} cannot be reached: {error}"))
            })?;
        socket.set_nodelay(true)?;
        let name = format!("{}?sign={signature}", path.name);
        let mut config = ClientConfig::new(Purpose::Publish, path.app.as_str(), "");
        config.name = Redacted(name);
        // The plain handshake proves nothing with these bytes, so they need not be random.
        let session = ClientSession::new(config, [0x54; 1_536], Instant::now());
        Ok(Self { socket, session, accepted: false, input: vec![0; READ_BYTES] })
    }

    async fn wait_accepted(&mut self) -> Result<(), Failure> {
        self.drain().await?;
        while !self.accepted {
            self.receive().await?;
        }
        Ok(())
    }

    /// Sends what ffmpeg makes.
    async fn send_all(&mut self, ffmpeg: &mut Child, at_most: Option<Duration>) -> Result<End, Failure> {
        let mut output = ffmpeg.stdout.take().ok_or_else(|| Failure::new(Code::Failed, "ffmpeg has no output"))?;
        let (mut interrupt, mut terminate) =
            (unix_signal(SignalKind::interrupt())?, unix_signal(SignalKind::terminate())?);
        let time_over = tokio::time::sleep(at_most.unwrap_or(Duration::from_secs(u64::from(u32::MAX))));
        tokio::pin!(time_over);
        let mut reader = TagReader::new();
        let mut piece = vec![0; READ_BYTES];
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(End::Wanted),
                _ = terminate.recv() => return Ok(End::Wanted),
                () = &mut time_over => return Ok(End::Wanted),
                read = output.read(&mut piece) => match read? {
                    0 => return Ok(End::SignalEnded),
                    count => self.send_tags(&mut reader, &piece[..count]).await?,
                },
                read = self.socket.read(&mut self.input) => self.on_read(read?).await?,
            }
        }
    }

    async fn send_tags(&mut self, reader: &mut TagReader, piece: &[u8]) -> Result<(), Failure> {
        reader.push(piece);
        while let Some(tag) = reader.next_tag()? {
            match tag.kind {
                TagKind::Video => self.session.send_media(MediaKind::Video, tag.timestamp_ms, &tag.body),
                TagKind::Audio => self.session.send_media(MediaKind::Audio, tag.timestamp_ms, &tag.body),
                TagKind::Script => self.session.send_metadata(tag.timestamp_ms, &tag.body),
            }
            self.drain().await?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        let count = self.socket.read(&mut self.input).await?;
        self.on_read(count).await
    }

    async fn on_read(&mut self, count: usize) -> Result<(), Failure> {
        if count == 0 {
            return Err(Failure::new(Code::Failed, "the server closed the connection"));
        }
        self.session.handle_input(Instant::now(), &self.input[..count])?;
        self.drain().await
    }

    /// Takes everything out of the session: bytes to the socket, events into account.
    async fn drain(&mut self) -> Result<(), Failure> {
        loop {
            match self.session.poll_output() {
                ClientOutput::Transmit(bytes) => self.socket.write_all(&bytes).await?,
                ClientOutput::Event(ClientEvent::Publishing) => self.accepted = true,
                ClientOutput::Event(ClientEvent::Status { is_error, code, description }) => {
                    if is_error || self.accepted {
                        return Err(Failure::new(Code::Failed, format!("the server ended it: {code}: {description}")));
                    }
                }
                ClientOutput::Event(ClientEvent::Reconnect { .. }) => {
                    return Err(Failure::new(Code::Failed, "the server is going away"));
                }
                ClientOutput::Event(_) => {}
                ClientOutput::WaitUntil(_) | ClientOutput::Closed => return Ok(()),
            }
        }
    }

    /// Ends as encoders do, so that the stream's end is no lost connection.
    async fn goodbye(mut self) -> Result<(), Failure> {
        self.session.finish();
        let said = async {
            self.drain().await?;
            self.socket.shutdown().await?;
            drained(&mut self.socket).await
        };
        // A server that does not listen any more has nothing to be told.
        tokio::time::timeout(GOODBYE_MAX, said).await.unwrap_or(Ok(()))
    }
}

/// Reads to the end: closing with unread input would reset the connection and take the last words with it.
async fn drained(socket: &mut (impl AsyncRead + Unpin)) -> Result<(), Failure> {
    let mut rest = [0; 1_024];
    while socket.read(&mut rest).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests;
