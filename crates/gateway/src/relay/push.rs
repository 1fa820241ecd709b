//! A channel's stream to another server: follows it as an RTMP viewer does, and publishes there what viewers get.
//!
//! The bytes of frames are those that all RTMP players share. Nobody counts it: it is no viewer and attends nothing.

use std::sync::Arc;

use bytes::Bytes;
use formats::container::flv;
use hub::{Entry, Item, State, Stream};
use media::{MediaKind, Track, TrackSet};
use rtmp::ClientEvent;
use rtmp::session::caps;

use super::failure::Failure;
use super::remote::Remote;
use super::{LOOK_EVERY, Over, Runner};
use crate::flv::follow::newer_start;
use crate::live::Wakeups;
use crate::wire::{WireFormat, ordinal, wire_time};

const FORMAT: WireFormat = WireFormat::Rtmp;
/// Entries taken from the hub under one lock.
const READ_MAX: usize = 64;

/// The channel's stream, once somebody sends it.
pub(super) async fn on_air(runner: &Runner) -> Arc<Stream> {
    let mut started = runner.gateway.live.started();
    loop {
        let playable = runner.channel().and_then(|channel| runner.gateway.live.playable(&channel));
        if let Some(stream) = playable.filter(|stream| stream.state() == State::Live) {
            return stream;
        }
        tokio::select! {
            _ = started.changed() => {}
            // A publisher that comes back is told by nobody.
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Sends the stream to its end.
pub(super) async fn carry(runner: &Runner, stream: &Arc<Stream>, remote: &mut Remote) -> Result<Over, Failure> {
    let lag_ms_max = runner.gateway.fan_out.config().lag_ms_max;
    let wakeups = Wakeups::of(stream);
    let Some(start) = stream.start_point() else { return Ok(Over) };
    // What the server was told of the tracks, and what it must be told before the next entry.
    let (mut told, mut untold) = (None::<Arc<TrackSet>>, Some(start.tracks));
    let mut place = start.seq;
    let mut entries = Vec::new();
    loop {
        entries.clear();
        let read = stream.read(place, READ_MAX, &mut entries);
        let mut jump = (read.missed > 0).then(|| stream.start_point()).flatten().filter(|at| at.seq > place);
        for entry in &entries {
            jump = jump.or_else(|| newer_start(stream, entry, lag_ms_max));
            if jump.is_some() {
                break;
            }
            if let Item::Tracks { tracks, .. } = &entry.item {
                untold = Some(tracks.clone());
            }
            if let Some(tracks) = untold.take().filter(|new| told.as_ref().is_none_or(|old| !Arc::ptr_eq(old, new))) {
                configure(remote, &tracks, entry.time_ms());
                told = Some(tracks);
            }
            send(remote, entry);
            remote.flush().await?;
        }
        if let Some(start) = jump {
            metrics::counter!("tayang_relay_skips_total").increment(1);
            (place, untold) = (start.seq, Some(start.tracks));
            continue;
        }
        place = read.next;
        if read.ended {
            return Ok(Over);
        }
        while place >= stream.next_seq() && stream.state() != State::Ended {
            tokio::select! {
                event = remote.next() => heed(event?)?,
                () = wakeups.next() => {}
            }
        }
    }
}

/// What a server says while it is sent media.
fn heed(event: ClientEvent) -> Result<(), Failure> {
    match event {
        ClientEvent::EndOfStream => Err(Failure::Over),
        ClientEvent::Connected { .. }
        | ClientEvent::Publishing
        | ClientEvent::Playing
        | ClientEvent::Status { .. }
        | ClientEvent::Reconnect { .. }
        | ClientEvent::Media { .. } => Ok(()),
    }
}

/// Beyond the first of its kind a track is told only to servers that know of more than one.
fn takes(remote: &Remote, track: &Track) -> bool {
    ordinal(track.id) == 0 || remote.caps_ex & caps::MULTITRACK != 0
}

/// Metadata and decoder configurations, as an encoder sends them.
fn configure(remote: &mut Remote, tracks: &TrackSet, time_ms: i64) {
    let time = wire_time(time_ms);
    remote.session.send_metadata(time, &flv::on_metadata(tracks));
    for track in tracks.iter() {
        if !takes(remote, track) {
            continue;
        }
        let kind = match track.kind() {
            MediaKind::Video => rtmp::MediaKind::Video,
            MediaKind::Audio => rtmp::MediaKind::Audio,
        };
        let ordinal = ordinal(track.id);
        for body in [flv::write_config(track, ordinal), flv::write_colour_info(track, ordinal)] {
            if !body.is_empty() {
                remote.session.send_media(kind, time, &body);
            }
        }
    }
    remote.queue(std::iter::empty());
}

fn send(remote: &mut Remote, entry: &Entry) {
    let Item::Frame { track, .. } = &entry.item else { return };
    if !takes(remote, track) {
        return;
    }
    let Some(stream_id) = remote.session.media_stream_id() else { return };
    let rendering = entry.wire(FORMAT.slot(), |item| FORMAT.render(item, entry.time_ms()));
    let mut pieces = rendering.pieces().iter();
    let first: Option<Bytes> = pieces.next().map(|first| rtmp::wire::readdressed(first, stream_id));
    remote.queue(first.into_iter().chain(pieces.cloned()));
}
