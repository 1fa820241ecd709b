//! A stream of another server into a channel: plays it there, and is the channel's publisher for as long as media comes.
//!
//! It takes no channel from anybody: while somebody else publishes there it waits, and whoever comes takes over from it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hub::{Fenced, State};
use rtmp::{ClientEvent, MediaKind};

use super::failure::Failure;
use super::remote::Remote;
use super::{LOOK_EVERY, Over, Runner};
use crate::clock::wall_now;
use crate::ingest::Joined;

/// Once media came and no more does for this long, the channel is given up. As long as for other publishers.
const MEDIA_MAX: Duration = Duration::from_secs(10);

/// Returns once nobody publishes to the channel.
pub(super) async fn free(runner: &Runner) {
    while is_held(runner) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Somebody publishes there, or it is not known.
fn is_held(runner: &Runner) -> bool {
    runner.channel().is_none_or(|channel| {
        let stream = runner.gateway.hub.stream(&channel.path);
        stream.is_some_and(|stream| matches!(stream.state(), State::Waiting | State::Live))
    })
}

/// Feeds the channel until somebody else takes it over or its stream is ended.
pub(super) async fn carry(runner: &Runner, remote: &mut Remote) -> Result<Over, Failure> {
    let mut joined: Option<Joined> = None;
    let mut last_media = Instant::now();
    loop {
        if let Some(joined) = &joined {
            if last_media.elapsed() >= MEDIA_MAX {
                return Err(Failure::Silent(MEDIA_MAX));
            }
            if joined.check().is_err() {
                return Ok(Over);
            }
            joined.hold_back().await;
        }
        let event = tokio::select! {
            event = remote.next() => event?,
            () = tokio::time::sleep(LOOK_EVERY) => continue,
        };
        match event {
            ClientEvent::EndOfStream => return Err(Failure::Over),
            ClientEvent::Media { kind: kind @ (MediaKind::Audio | MediaKind::Video), timestamp, body } => {
                last_media = Instant::now();
                let joined = match &mut joined {
                    Some(joined) => joined,
                    None if is_held(runner) => return Ok(Over),
                    None => match join(runner)? {
                        Some(fresh) => joined.insert(fresh),
                        None => return Ok(Over),
                    },
                };
                if feed(joined, kind, timestamp, &body).is_err() {
                    return Ok(Over);
                }
            }
            ClientEvent::Media { .. }
            | ClientEvent::Connected { .. }
            | ClientEvent::Publishing
            | ClientEvent::Playing
            | ClientEvent::Status { .. }
            | ClientEvent::Reconnect { .. } => {}
        }
    }
}

/// Becomes the channel's publisher. `None`: there is no such channel any more.
fn join(runner: &Runner) -> Result<Option<Joined>, Failure> {
    let Some(channel) = runner.channel() else { return Ok(None) };
    let publisher = runner.gateway.live.publish(&channel)?;
    tracing::info!(channel = %channel.path, stream = %publisher.stream().id(), from = %runner.relay.url, "publisher joined");
    metrics::counter!("tayang_publishers_total", "protocol" => "relay").increment(1);
    if let Some(live) = runner.gateway.live.of(&channel.path) {
        live.set_publisher("relay");
    }
    Ok(Some(Joined::new(publisher)))
}

fn feed(joined: &mut Joined, kind: MediaKind, timestamp: u32, body: &Bytes) -> Result<(), Fenced> {
    match kind {
        MediaKind::Audio => joined.ingest().audio(timestamp, body, wall_now()),
        MediaKind::Video => joined.ingest().video(timestamp, body, wall_now()),
        MediaKind::Script => Ok(()),
    }
}
