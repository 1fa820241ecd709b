//! From FLV bodies (RTMP messages and FLV tags alike) to frames on a stream.
//!
//! Owns what one publisher's connection knows of its tracks. Nothing a sender gets wrong ends it: it is counted, told
//! once in the log, and the rest goes on. Only the hub can say that this publisher is finished ([`Fenced`]).

mod joined;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use formats::codec;
use formats::container::flv::{self, AudioEvent, ColourInfo, VideoEvent};
use hub::{Fenced, Publisher};
use media::{Codec, Frame, MediaKind, Ticks, TimestampUnwrapper, Track, TrackId, TrackParams, UnixMillis};

use crate::wire::{track_id, track_time};

pub(crate) use joined::Joined;

/// A NAL unit's length prefix inside Tayang, and what a sender without a configuration is taken to write.
const NAL_LENGTH_BYTES: u8 = 4;

/// Oddities of one publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestCounters {
    /// Bodies that could not be read.
    pub malformed: u64,
    /// Frames without a usable configuration.
    pub unconfigured: u64,
    /// Bodies in formats that are not carried.
    pub ignored: u64,
}

/// See the module's documentation.
pub struct Ingest {
    publisher: Publisher,
    clock: TimestampUnwrapper,
    tracks: HashMap<TrackId, KnownTrack>,
    /// What was said of colour beside the configurations.
    colours: HashMap<TrackId, ColourInfo>,
    counters: IngestCounters,
}

struct KnownTrack {
    track: Arc<Track>,
    /// Bytes of a NAL unit's length prefix as this publisher writes it; 4 once inside.
    nal_length_bytes: u8,
    /// It has all that readers need, and the stream has it.
    complete: bool,
}

impl Ingest {
    /// Feeds what comes to `publisher`.
    #[must_use]
    pub fn new(publisher: Publisher) -> Self {
        Self {
            publisher,
            clock: TimestampUnwrapper::new(32),
            tracks: HashMap::new(),
            colours: HashMap::new(),
            counters: IngestCounters::default(),
        }
    }

    /// The right to publish that this feeds.
    #[must_use]
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Gives the right back, to leave it.
    #[must_use]
    pub fn into_publisher(self) -> Publisher {
        self.publisher
    }

    /// Oddities so far.
    #[must_use]
    pub fn counters(&self) -> IngestCounters {
        self.counters
    }

    /// A video body, stamped `timestamp` (milliseconds, 32 bits, wrapping).
    pub fn video(&mut self, timestamp: u32, body: &Bytes, now: UnixMillis) -> Result<(), Fenced> {
        let ms = self.clock.unwrap(u64::from(timestamp));
        let events = match flv::parse_video(body) {
            Ok(events) => events,
            Err(error) => {
                self.malformed(&error);
                return Ok(());
            }
        };
        for event in events {
            match event {
                VideoEvent::Config { track, codec, config } => {
                    self.configure(track_id(MediaKind::Video, track), codec, config, now)?;
                }
                VideoEvent::Frame { track, codec, key, cts_ms, nanos, payload } => {
                    let id = track_id(MediaKind::Video, track);
                    self.picture(id, codec, Picture { ms, nanos, cts_ms, key, payload }, now)?;
                }
                VideoEvent::Ignored(_) => self.ignored(),
                VideoEvent::ColourInfo(info) => self.colour(info),
                VideoEvent::EndOfSequence { .. } => {}
            }
        }
        Ok(())
    }

    /// An audio body, stamped `timestamp` (milliseconds, 32 bits, wrapping).
    pub fn audio(&mut self, timestamp: u32, body: &Bytes, now: UnixMillis) -> Result<(), Fenced> {
        let ms = self.clock.unwrap(u64::from(timestamp));
        let events = match flv::parse_audio(body) {
            Ok(events) => events,
            Err(error) => {
                self.malformed(&error);
                return Ok(());
            }
        };
        for event in events {
            match event {
                AudioEvent::Config { track, codec, config } => {
                    self.configure(track_id(MediaKind::Audio, track), codec, config, now)?;
                }
                AudioEvent::Frame { track, codec, nanos, payload } => {
                    self.sound(track_id(MediaKind::Audio, track), codec, ms, nanos, payload, now)?;
                }
                AudioEvent::Ignored(_) => self.ignored(),
                AudioEvent::EndOfSequence { .. } | AudioEvent::MultichannelConfig { .. } => {}
            }
        }
        Ok(())
    }

    fn configure(&mut self, id: TrackId, codec: Codec, config: Bytes, now: UnixMillis) -> Result<(), Fenced> {
        let nal_length_bytes = codec::length_size(codec, &config).unwrap_or(NAL_LENGTH_BYTES);
        match codec::make_track(id, codec, config) {
            // A record that leaves the picture size out is completed by the first key frame.
            Ok(track) if track.video().is_some_and(|video| video.width == 0) => {
                self.tracks.insert(id, KnownTrack { track: Arc::new(track), nal_length_bytes, complete: false });
                Ok(())
            }
            Ok(track) => self.adopt(track, nal_length_bytes, now),
            Err(error) => {
                self.malformed(&error);
                Ok(())
            }
        }
    }

    /// Makes the track from its first frame, for senders that leave the configuration out. True: it is known now.
    fn learn(&mut self, id: TrackId, codec: Codec, frame: &Bytes, now: UnixMillis) -> Result<bool, Fenced> {
        let known = self.tracks.get(&id).filter(|known| known.track.codec == codec);
        let nal_length_bytes = known.map_or(NAL_LENGTH_BYTES, |known| known.nal_length_bytes);
        let config = known.map(|known| known.track.config.clone());
        match codec::make_track_from_frame(id, codec, config.as_ref(), frame) {
            Ok(track) => {
                self.adopt(track, nal_length_bytes, now)?;
                Ok(self.tracks.get(&id).is_some_and(|known| known.complete))
            }
            Err(_) => {
                self.counters.unconfigured += 1;
                metrics::counter!("tayang_ingest_unconfigured_total").increment(1);
                Ok(false)
            }
        }
    }

    fn is_known(&self, id: TrackId, codec: Codec) -> bool {
        self.tracks.get(&id).is_some_and(|known| known.complete && known.track.codec == codec)
    }

    /// Senders tell a track's colour before or after its configuration, at any time, and may take it back. It is in force from
    /// the next key frame on: a changed track begins with one.
    fn colour(&mut self, info: ColourInfo) {
        self.colours.insert(track_id(MediaKind::Video, info.track), info);
    }

    /// Another colour was told than the stream has: at a key frame.
    fn recolour(&mut self, id: TrackId, now: UnixMillis) -> Result<(), Fenced> {
        let Some(known) = self.tracks.get(&id).filter(|known| known.complete && self.colours.contains_key(&id)) else {
            return Ok(());
        };
        let (track, nal_length_bytes) = (known.track.clone(), known.nal_length_bytes);
        if self.publisher.stream().tracks().get(id).is_some_and(|present| **present == self.coloured(&track)) {
            return Ok(());
        }
        self.adopt((*track).clone(), nal_length_bytes, now)
    }

    /// The track as the stream gets it: what the configuration says of colour goes above what was said beside it. A publisher
    /// that comes back and has said nothing yet is taken to mean what it meant before.
    fn coloured(&self, track: &Track) -> Track {
        let mut track = track.clone();
        let TrackParams::Video(video) = &mut track.params else { return track };
        match self.colours.get(&track.id) {
            Some(info) => {
                video.colour = video.colour.or(info.colour);
                video.hdr = info.hdr;
            }
            None => {
                let tracks = self.publisher.stream().tracks();
                let before = tracks.get(track.id).filter(|before| before.config == track.config);
                if let Some(before) = before.and_then(|before| before.video()) {
                    video.colour = before.colour;
                    video.hdr = before.hdr;
                }
            }
        }
        track
    }

    fn adopt(&mut self, track: Track, nal_length_bytes: u8, now: UnixMillis) -> Result<(), Fenced> {
        match self.publisher.put_track(self.coloured(&track), now) {
            Ok(()) => {}
            Err(error @ Fenced::TooManyTracks(_)) => {
                self.malformed(&error);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.tracks.insert(track.id, KnownTrack { track: Arc::new(track), nal_length_bytes, complete: true });
        Ok(())
    }

    fn picture(&mut self, id: TrackId, codec: Codec, picture: Picture, now: UnixMillis) -> Result<(), Fenced> {
        let length_bytes = self.tracks.get(&id).map_or(NAL_LENGTH_BYTES, |known| known.nal_length_bytes);
        let payload = codec::canonical_frame(codec, &picture.payload, length_bytes);
        if payload.is_empty() {
            self.counters.malformed += 1;
            metrics::counter!("tayang_ingest_malformed_total").increment(1);
            return Ok(());
        }
        let key = codec::is_sync(codec, &payload, picture.key);
        if !self.is_known(id, codec) && !self.learn(id, codec, &payload, now)? {
            return Ok(());
        }
        if key {
            self.recolour(id, now)?;
        }
        let Some(known) = self.tracks.get(&id) else { return Ok(()) };
        let frame = Frame {
            track: id,
            dts: track_time(picture.ms, picture.nanos, &known.track),
            cts: track_time(i64::from(picture.cts_ms), 0, &known.track),
            key,
            payload,
        };
        self.publisher.push(frame, now)
    }

    fn sound(
        &mut self,
        id: TrackId,
        codec: Codec,
        ms: i64,
        nanos: u32,
        payload: Bytes,
        now: UnixMillis,
    ) -> Result<(), Fenced> {
        if !self.is_known(id, codec) && !self.learn(id, codec, &payload, now)? {
            return Ok(());
        }
        let Some(known) = self.tracks.get(&id) else { return Ok(()) };
        let dts = track_time(ms, nanos, &known.track);
        self.publisher.push(Frame { track: id, dts, cts: Ticks::ZERO, key: true, payload }, now)
    }

    fn ignored(&mut self) {
        self.counters.ignored += 1;
        metrics::counter!("tayang_ingest_ignored_total").increment(1);
    }

    fn malformed(&mut self, error: &dyn std::error::Error) {
        self.counters.malformed += 1;
        metrics::counter!("tayang_ingest_malformed_total").increment(1);
        if self.counters.malformed == 1 {
            let channel = self.publisher.stream().path();
            tracing::warn!(%channel, %error, "a publisher sent something unreadable; it was left out (told once)");
        }
    }
}

struct Picture {
    ms: i64,
    nanos: u32,
    cts_ms: i32,
    key: bool,
    payload: Bytes,
}

#[cfg(test)]
mod tests;
