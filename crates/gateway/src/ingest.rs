//! From FLV bodies (RTMP messages and FLV tags alike) to frames on a stream.
//!
//! Owns what one publisher's connection knows of its tracks. Nothing a sender gets wrong ends it: it is counted, told
//! once in the log, and the rest goes on. Only the hub can say that this publisher is finished ([`Fenced`]).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use formats::codec::{self, h264, h265, mp3};
use formats::container::flv::{self, AudioEvent, VideoEvent};
use hub::{Fenced, Publisher};
use media::{Codec, Frame, MediaKind, Ticks, TimestampUnwrapper, Track, TrackId, UnixMillis};

use crate::wire::{track_id, track_time};

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
    counters: IngestCounters,
}

struct KnownTrack {
    track: Arc<Track>,
    /// Bytes of a NAL unit's length prefix as this publisher writes it; 4 once inside.
    nal_length_bytes: u8,
}

impl Ingest {
    /// Feeds what comes to `publisher`.
    #[must_use]
    pub fn new(publisher: Publisher) -> Self {
        Self {
            publisher,
            clock: TimestampUnwrapper::new(32),
            tracks: HashMap::new(),
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
                VideoEvent::Ignored(_) => self.counters.ignored += 1,
                VideoEvent::EndOfSequence { .. } | VideoEvent::ColourInfo(_) => {}
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
                AudioEvent::Ignored(_) => self.counters.ignored += 1,
                AudioEvent::EndOfSequence { .. } | AudioEvent::MultichannelConfig { .. } => {}
            }
        }
        Ok(())
    }

    fn configure(&mut self, id: TrackId, codec: Codec, config: Bytes, now: UnixMillis) -> Result<(), Fenced> {
        let (config, nal_length_bytes) = normalise_config(codec, config);
        match codec::make_track(id, codec, config) {
            Ok(track) => self.adopt(track, nal_length_bytes, now),
            Err(error) => {
                self.malformed(&error);
                Ok(())
            }
        }
    }

    fn adopt(&mut self, track: Track, nal_length_bytes: u8, now: UnixMillis) -> Result<(), Fenced> {
        match self.publisher.put_track(track.clone(), now) {
            Ok(()) => {}
            Err(error @ Fenced::TooManyTracks(_)) => {
                self.malformed(&error);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.tracks.insert(track.id, KnownTrack { track: Arc::new(track), nal_length_bytes });
        Ok(())
    }

    fn picture(&mut self, id: TrackId, codec: Codec, picture: Picture, now: UnixMillis) -> Result<(), Fenced> {
        if !self.tracks.get(&id).is_some_and(|known| known.track.codec == codec) {
            match in_band_config(codec, &picture) {
                Some(config) => self.configure(id, codec, config, now)?,
                None => {
                    self.counters.unconfigured += 1;
                    return Ok(());
                }
            }
        }
        let Some(known) = self.tracks.get(&id) else { return Ok(()) };
        let payload = match codec {
            Codec::H264 | Codec::H265 => h264::to_length4(&picture.payload, known.nal_length_bytes),
            Codec::Av1 | Codec::Vp9 | Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => picture.payload,
        };
        if payload.is_empty() {
            self.counters.malformed += 1;
            return Ok(());
        }
        let frame = Frame {
            track: id,
            dts: track_time(picture.ms, picture.nanos, &known.track),
            cts: track_time(i64::from(picture.cts_ms), 0, &known.track),
            key: picture.key,
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
        if payload.is_empty() {
            self.counters.malformed += 1;
            return Ok(());
        }
        if !self.tracks.get(&id).is_some_and(|known| known.track.codec == codec) {
            // Only MP3 carries its configuration in every frame.
            let track = if codec == Codec::Mp3 { mp3::track(id, &payload).ok() } else { None };
            match track {
                Some(track) => self.adopt(track, 0, now)?,
                None => {
                    self.counters.unconfigured += 1;
                    return Ok(());
                }
            }
        }
        let Some(known) = self.tracks.get(&id) else { return Ok(()) };
        let dts = track_time(ms, nanos, &known.track);
        self.publisher.push(Frame { track: id, dts, cts: Ticks::ZERO, key: true, payload }, now)
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

/// Inside, every NAL unit has a length of four bytes, and the configuration says so.
fn normalise_config(codec: Codec, config: Bytes) -> (Bytes, u8) {
    // Byte 4 of avcC and byte 21 of hvcC hold lengthSizeMinusOne in their low two bits (ISO/IEC 14496-15 §5.3.3, §8.3.3).
    let at = match codec {
        Codec::H264 => 4,
        Codec::H265 => 21,
        Codec::Av1 | Codec::Vp9 | Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => return (config, 0),
    };
    match config.get(at) {
        Some(byte) if byte & 3 != 3 => {
            let length_bytes = (byte & 3) + 1;
            let mut rewritten = config.to_vec();
            rewritten[at] |= 3;
            (rewritten.into(), length_bytes)
        }
        _ => (config, 4),
    }
}

/// The configuration that a sender left out, from the parameter sets inside a key frame.
fn in_band_config(codec: Codec, picture: &Picture) -> Option<Bytes> {
    if !picture.key {
        return None;
    }
    match codec {
        Codec::H264 => h264::config_from_payload(&picture.payload),
        Codec::H265 => h265::config_from_payload(&picture.payload),
        Codec::Av1 | Codec::Vp9 | Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => None,
    }
}

#[cfg(test)]
mod tests;
