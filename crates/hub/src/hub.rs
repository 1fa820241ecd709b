//! The hub: every stream of this server by channel, and the right to publish to each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::{ChannelPath, Frame, StreamId, Track, UnixMillis};
use parking_lot::Mutex;

use crate::stream::{Fenced, Limits, State, Stream};

#[derive(Default)]
struct Streams {
    by_channel: HashMap<ChannelPath, Arc<Stream>>,
    last_id: u64,
}

/// See the module's documentation.
pub struct Hub {
    limits: Limits,
    streams: Mutex<Streams>,
}

impl Hub {
    /// An empty hub whose streams obey `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, streams: Mutex::default() }
    }

    /// Ids of streams are above `used` from now on, whatever the clock says: some bear it already, from before a restart.
    pub fn skip_ids(&self, used: StreamId) {
        let mut streams = self.streams.lock();
        streams.last_id = streams.last_id.max(used.0);
    }

    /// How long a stream without a publisher waits for one.
    #[must_use]
    pub fn reconnect_window(&self) -> Duration {
        self.limits.reconnect_window
    }

    /// The channel's stream, while it has one that has not ended.
    #[must_use]
    pub fn stream(&self, path: &ChannelPath) -> Option<Arc<Stream>> {
        self.streams.lock().by_channel.get(path).filter(|stream| stream.state() != State::Ended).cloned()
    }

    /// Every stream that has not ended.
    #[must_use]
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.lock().by_channel.values().filter(|stream| stream.state() != State::Ended).cloned().collect()
    }

    /// Makes the caller the channel's publisher. One that was there is fenced. True: the stream is new.
    pub fn publish(&self, path: &ChannelPath, now: UnixMillis) -> (Publisher, bool) {
        self.publish_from(path, StreamId(0), now)
    }

    /// As [`Hub::publish`]; a stream that is new gets no id below `id_min`.
    pub fn publish_from(&self, path: &ChannelPath, id_min: StreamId, now: UnixMillis) -> (Publisher, bool) {
        loop {
            let (stream, new) = self.stream_to_publish(path, id_min, now);
            // `None`: it ended between the two locks. The next turn makes another.
            if let Some(generation) = stream.publisher_joined(now) {
                return (Publisher { stream, generation }, new);
            }
        }
    }

    fn stream_to_publish(&self, path: &ChannelPath, id_min: StreamId, now: UnixMillis) -> (Arc<Stream>, bool) {
        let mut streams = self.streams.lock();
        if let Some(stream) = streams.by_channel.get(path).filter(|stream| stream.state() != State::Ended) {
            return (stream.clone(), false);
        }
        let id = u64::try_from(now.0).unwrap_or(0).max(streams.last_id + 1).max(id_min.0);
        streams.last_id = id;
        let stream = Arc::new(Stream::new(StreamId(id), path.clone(), self.limits.clone()));
        streams.by_channel.insert(path.clone(), stream.clone());
        (stream, true)
    }

    /// Ends streams whose reconnect window has closed, and forgets those that ended. Call a few times a second.
    pub fn expire(&self, now: Instant) {
        let streams: Vec<_> = self.streams.lock().by_channel.values().cloned().collect();
        let over: Vec<_> = streams.into_iter().filter(|stream| stream.expire(now, false)).collect();
        let mut streams = self.streams.lock();
        for stream in over {
            if streams.by_channel.get(stream.path()).is_some_and(|present| present.id() == stream.id()) {
                streams.by_channel.remove(stream.path());
            }
        }
    }

    /// Ends the channel's stream at once: the lesson is over, or its channel was deleted.
    pub fn end(&self, path: &ChannelPath, now: Instant) {
        if let Some(stream) = self.stream(path) {
            stream.expire(now, true);
        }
        self.expire(now);
    }

    /// Ends every stream: the server stops.
    pub fn end_all(&self, now: Instant) {
        for stream in self.streams() {
            stream.expire(now, true);
        }
        self.expire(now);
    }
}

/// The right to append to a stream, until somebody else gets it.
pub struct Publisher {
    stream: Arc<Stream>,
    generation: u64,
}

impl Publisher {
    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Announces a track or a new configuration of it. The same configuration again is no change.
    pub fn put_track(&self, track: Track, now: UnixMillis) -> Result<(), Fenced> {
        self.stream.put_track(self.generation, track, now)
    }

    /// Appends a frame whose times are the publisher's own, unwrapped, in its track's timescale.
    pub fn push(&self, frame: Frame, now: UnixMillis) -> Result<(), Fenced> {
        self.stream.push(self.generation, frame, now)
    }

    /// `Err` once another publisher has the stream or it ended.
    pub fn check(&self) -> Result<(), Fenced> {
        let inner = self.stream.inner.lock();
        match inner.state {
            State::Ended => Err(Fenced::Ended),
            _ if inner.generation != self.generation => Err(Fenced::TakenOver),
            State::Waiting | State::Live | State::Stalled => Ok(()),
        }
    }

    /// Ends the stream at once: whoever holds the right to publish may say that the lesson is over.
    pub fn end(&self, now: Instant) {
        if self.check().is_ok() {
            self.stream.expire(now, true);
        }
    }

    /// The connection is gone; the stream waits for another, for as long as the window.
    pub fn leave(self, now: Instant, wall: UnixMillis) {
        self.stream.publisher_left(self.generation, now, wall);
    }
}

#[cfg(test)]
mod tests;
