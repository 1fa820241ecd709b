//! FLV through a response body, for HTTP/2, whose sockets cannot be taken over: one task a viewer, held to what fan-out
//! holds its viewers to. It counts with fan-out's viewers, skips to the newest key frame past the same lag, is cut when it
//! takes nothing for as long, and has its right asked again as often.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use control::Directory;
use hub::{Entry, Item, StartPoint, State, Stream};
use media::TrackSet;
use tokio::sync::mpsc;

use crate::audience::{Audience, Delivered, moments};
use crate::fanout::{FanOutConfig, FanOutCounters};
use crate::live::Wakeups;
use crate::right::Right;
use crate::wire::WireFormat;

const FORMAT: WireFormat = WireFormat::Flv;
/// Entries taken from the hub under one lock.
const READ_MAX: usize = 64;

/// Who follows what, and within which bounds.
pub struct Follower {
    /// What to play.
    pub stream: Arc<Stream>,
    /// By which right.
    pub right: Right,
    /// Knows whether the right still holds.
    pub directory: Arc<Directory>,
    /// Lag, and patience with a body that is not read.
    pub config: FanOutConfig,
    /// Counts it in.
    pub counters: Arc<FanOutCounters>,
    /// Is told what it got.
    pub audience: Arc<Audience>,
}

/// The body is not read any more.
struct Gone;

/// A viewer is counted until its task ends in any way.
struct Counted(Arc<FanOutCounters>);

impl Counted {
    fn new(counters: Arc<FanOutCounters>) -> Self {
        counters.viewers.fetch_add(1, Ordering::Relaxed);
        Self(counters)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Follower {
    /// Plays until the stream, the right or the viewer's patience ends.
    pub async fn play_into(self, body: mpsc::Sender<io::Result<Bytes>>) {
        let _counted = Counted::new(self.counters.clone());
        let _in_play = self.right.claims().and_then(|claims| self.audience.plays(claims, FORMAT.protocol()));
        let mut delivered = Delivered::default();
        tokio::select! {
            _ = self.play(&body, &mut delivered) => {}
            () = self.right.lost(&self.directory) => {}
        }
        self.tell(&mut delivered);
    }

    /// Tells the audience what was delivered since the last time.
    fn tell(&self, delivered: &mut Delivered) {
        let Some(claims) = self.right.claims() else { return };
        for span in delivered.take() {
            self.audience.got(claims, FORMAT.protocol(), moments(&self.stream, span));
        }
    }

    async fn play(&self, body: &mpsc::Sender<io::Result<Bytes>>, delivered: &mut Delivered) -> Result<(), Gone> {
        let wakeups = Wakeups::of(&self.stream);
        let start = loop {
            match self.stream.start_point() {
                Some(start) => break start,
                None if self.stream.state() == State::Ended => return Ok(()),
                None => wait(&wakeups, body).await?,
            }
        };
        self.send(body, FORMAT.stream_head(&start.tracks)).await?;
        let mut place = start.seq;
        // What the viewer was told of the tracks, and what it must be told before the next entry.
        let (mut told, mut untold) = (None::<Arc<TrackSet>>, Some(start.tracks));
        let mut entries = Vec::new();
        loop {
            entries.clear();
            let read = self.stream.read(place, READ_MAX, &mut entries);
            let missed = (read.missed > 0).then(|| self.stream.start_point()).flatten().filter(|at| at.seq > place);
            let mut jump = missed;
            for entry in &entries {
                jump = jump.or_else(|| newer_start(&self.stream, entry, self.config.lag_ms_max));
                if jump.is_some() {
                    break;
                }
                if let Some(tracks) = untold.take().filter(|new| told.as_ref().is_none_or(|old| !Arc::ptr_eq(old, new)))
                {
                    self.send(body, FORMAT.configuration(&tracks, entry.time_ms())).await?;
                    told = Some(tracks);
                }
                if let Item::Tracks { tracks, .. } = &entry.item {
                    told = Some(tracks.clone());
                }
                let rendering = entry.wire(FORMAT.slot(), |item| FORMAT.render(item, entry.time_ms())).clone();
                for piece in rendering.pieces() {
                    self.send(body, piece.clone()).await?;
                }
                if self.right.claims().is_some() {
                    delivered.reaches(entry.time_ms());
                }
            }
            self.tell(delivered);
            if let Some(start) = jump {
                self.counters.skips.fetch_add(1, Ordering::Relaxed);
                delivered.jumps();
                (place, untold) = (start.seq, Some(start.tracks));
                continue;
            }
            place = read.next;
            if read.ended {
                return Ok(());
            }
            if place >= self.stream.next_seq() {
                wait(&wakeups, body).await?;
            }
        }
    }

    async fn send(&self, body: &mpsc::Sender<io::Result<Bytes>>, piece: Bytes) -> Result<(), Gone> {
        if piece.is_empty() {
            return Ok(());
        }
        let len = piece.len() as u64;
        match tokio::time::timeout(self.config.blocked_max, body.send(Ok(piece))).await {
            Ok(Ok(())) => {
                self.counters.writes.fetch_add(1, Ordering::Relaxed);
                self.counters.bytes.fetch_add(len, Ordering::Relaxed);
                Ok(())
            }
            Ok(Err(_)) => Err(Gone),
            Err(_) => {
                self.counters.cut.fetch_add(1, Ordering::Relaxed);
                Err(Gone)
            }
        }
    }
}

/// Where to go on instead, if who reads `entry` is further behind than it may be and there is a newer key frame.
pub(crate) fn newer_start(stream: &Stream, entry: &Entry, lag_ms_max: i64) -> Option<StartPoint> {
    let start = stream.start_point().filter(|start| start.seq > entry.seq)?;
    let mut newest = Vec::with_capacity(1);
    stream.read(stream.next_seq().saturating_sub(1), 1, &mut newest);
    let head_ms = newest.last()?.head_ms;
    (head_ms - entry.time_ms() > lag_ms_max).then_some(start)
}

async fn wait(wakeups: &Wakeups, body: &mpsc::Sender<io::Result<Bytes>>) -> Result<(), Gone> {
    tokio::select! {
        () = wakeups.next() => Ok(()),
        () = body.closed() => Err(Gone),
    }
}

#[cfg(test)]
mod tests;
