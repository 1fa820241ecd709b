//! A synthetic encoder: frames with valid configuration records and NAL headers, without pictures or sound in them.
//!
//! What it makes parses as H.264 and AAC down to the slice and raw-data-block level, where pseudo-random bytes stand in
//! for entropy-coded data: a decoder gets nowhere, everything short of one works. Real media comes from [`crate::fixtures`].
//! Every access unit carries a [`Stamp`], so that a test can tell which frame came out, and that none is missing.
//!
//! [`Frame`]s are on a normalised timeline, as the hub holds them. [`Sent`] adds what a sender puts on the wire: a
//! wrapped millisecond timestamp, moved by the configured jumps.

mod aac;
mod h264;
mod stamp;

use std::sync::Arc;

use bytes::Bytes;
use media::{Frame, FrameRate, Ticks, Timescale, Track, TrackId, TrackSet};

use crate::Random;

pub use aac::AudioSpec;
pub use h264::VideoSpec;
pub use stamp::Stamp;

/// Track number of the video track.
pub const VIDEO: TrackId = TrackId(0);
/// Track number of the audio track, as ingest numbers the first one.
pub const AUDIO: TrackId = TrackId(64);

/// What to encode. `default()` is 30 fps video with a key frame each second beside 48 kHz stereo AAC.
#[derive(Clone, Debug)]
pub struct EncoderConfig {
    /// Seed of payload bytes and sizes.
    pub seed: u64,
    /// The video track, if there is one.
    pub video: Option<VideoSpec>,
    /// The audio track, if there is one.
    pub audio: Option<AudioSpec>,
    /// Audio starts this many milliseconds after video; before it when negative.
    pub audio_offset_ms: i64,
    /// Width of the sender's timestamps in bits: 32 for RTMP and FLV, 24 for legacy senders.
    pub timestamp_bits: u32,
    /// Timestamp of the sender's first frame in milliseconds: near a wrap to test it.
    pub timestamp_start_ms: u64,
    /// From media time `.0` milliseconds on, the sender's timestamps move by `.1` milliseconds, once. In ascending order.
    pub jumps: Vec<(i64, i64)>,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            video: Some(VideoSpec::default()),
            audio: Some(AudioSpec::default()),
            audio_offset_ms: 0,
            timestamp_bits: 32,
            timestamp_start_ms: 0,
            jumps: Vec::new(),
        }
    }
}

impl EncoderConfig {
    /// The default without sound.
    #[must_use]
    pub fn video_only() -> Self {
        Self { audio: None, ..Self::default() }
    }

    /// The default without pictures.
    #[must_use]
    pub fn audio_only() -> Self {
        Self { video: None, ..Self::default() }
    }
}

/// A frame as its sender puts it on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The frame on the true timeline.
    pub frame: Frame,
    /// Decode timestamp in milliseconds, jumped and wrapped to the configured width.
    pub timestamp_ms: u32,
    /// Composition offset in milliseconds.
    pub cts_ms: i32,
}

/// An endless source of frames in decode order, tracks interleaved by decode time.
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    random: Random,
    video: Option<VideoState>,
    audio: Option<AudioState>,
}

#[derive(Debug)]
struct VideoState {
    spec: VideoSpec,
    track: Arc<Track>,
    /// Frames made since the rate was last set, and the time of the first of them.
    made: u64,
    origin: Ticks,
    /// Position in the GOP, in decode order.
    gop_position: u64,
    sequence: u64,
}

#[derive(Debug)]
struct AudioState {
    spec: AudioSpec,
    track: Arc<Track>,
    made: u64,
    origin: Ticks,
    sequence: u64,
}

impl Encoder {
    /// An encoder at media time zero.
    ///
    /// # Panics
    /// When the configuration has neither track, a zero frame rate or GOP, or a sample rate that AAC does not list.
    #[must_use]
    pub fn new(config: EncoderConfig) -> Self {
        assert!(config.video.is_some() || config.audio.is_some(), "an encoder makes at least one track");
        let video_start = Ticks(config.audio_offset_ms.min(0).saturating_neg());
        let audio_start = Ticks(config.audio_offset_ms.max(0));
        let video = config.video.clone().map(|spec| VideoState {
            track: h264::track(VIDEO, &spec),
            origin: if config.audio.is_some() {
                video_start.rescale(Timescale::MILLIS, Timescale::VIDEO)
            } else {
                Ticks::ZERO
            },
            spec,
            made: 0,
            gop_position: 0,
            sequence: 0,
        });
        let audio = config.audio.clone().map(|spec| {
            let track = aac::track(AUDIO, &spec);
            let origin =
                if video.is_some() { audio_start.rescale(Timescale::MILLIS, track.timescale) } else { Ticks::ZERO };
            AudioState { spec, track, made: 0, origin, sequence: 0 }
        });
        Self { random: Random::new(config.seed), config, video, audio }
    }

    /// The tracks as they are from the next frame on.
    #[must_use]
    pub fn tracks(&self) -> TrackSet {
        let mut set = TrackSet::default();
        for track in self.video_track().into_iter().chain(self.audio_track()) {
            set = set.with(track);
        }
        set
    }

    /// The video track as it is from the next frame on.
    #[must_use]
    pub fn video_track(&self) -> Option<Arc<Track>> {
        self.video.as_ref().map(|video| video.track.clone())
    }

    /// The audio track as it is from the next frame on.
    #[must_use]
    pub fn audio_track(&self) -> Option<Arc<Track>> {
        self.audio.as_ref().map(|audio| audio.track.clone())
    }

    /// Changes the picture mid-stream: a new configuration record, and the next video frame is a key frame.
    ///
    /// # Panics
    /// When there is no video track.
    pub fn set_video(&mut self, spec: VideoSpec) {
        let video = self.video.as_mut().expect("only an encoder with video can change its video");
        video.origin = video.next_dts();
        video.made = 0;
        video.gop_position = 0;
        video.track = h264::track(VIDEO, &spec);
        video.spec = spec;
    }

    /// Makes the next video frame a key frame.
    pub fn force_key(&mut self) {
        if let Some(video) = &mut self.video {
            video.gop_position = 0;
        }
    }

    /// The next frame by decode time; video first where both tracks have the same time.
    pub fn next_frame(&mut self) -> Frame {
        let video_millis = self.video.as_ref().map(|video| video.next_dts().rescale(Timescale::VIDEO, MICROS));
        let audio_millis = self.audio.as_ref().map(|audio| audio.next_dts().rescale(audio.track.timescale, MICROS));
        let video_is_next = match (video_millis, audio_millis) {
            (Some(video), Some(audio)) => video <= audio,
            (video, _) => video.is_some(),
        };
        match (&mut self.video, &mut self.audio) {
            (Some(video), _) if video_is_next => video.frame(&mut self.random),
            (_, Some(audio)) => audio.frame(&mut self.random),
            (Some(video), None) => video.frame(&mut self.random),
            (None, None) => unreachable!("`new` refuses an encoder without tracks"),
        }
    }

    /// The next frame as its sender would put it on the wire.
    pub fn next_sent(&mut self) -> Sent {
        let frame = self.next_frame();
        let timescale = self.timescale(frame.track);
        self.sent(frame, timescale)
    }

    /// The frames whose decode time lies before `millis` of media time, from where the encoder stands.
    pub fn frames_until_ms(&mut self, millis: i64) -> Vec<Frame> {
        let mut frames = Vec::new();
        while self.next_dts_ms() < millis {
            frames.push(self.next_frame());
        }
        frames
    }

    /// As [`Encoder::frames_until_ms`], on the wire.
    pub fn sent_until_ms(&mut self, millis: i64) -> Vec<Sent> {
        let mut sent = Vec::new();
        while self.next_dts_ms() < millis {
            sent.push(self.next_sent());
        }
        sent
    }

    /// Decode time of the next frame, in whole milliseconds of media time.
    #[must_use]
    pub fn next_dts_ms(&self) -> i64 {
        let video = self.video.as_ref().map(|video| video.next_dts().millis(Timescale::VIDEO));
        let audio = self.audio.as_ref().map(|audio| audio.next_dts().millis(audio.track.timescale));
        video.into_iter().chain(audio).min().unwrap_or(0)
    }

    fn timescale(&self, id: TrackId) -> Timescale {
        match &self.audio {
            Some(audio) if audio.track.id == id => audio.track.timescale,
            _ => Timescale::VIDEO,
        }
    }

    fn sent(&self, frame: Frame, timescale: Timescale) -> Sent {
        let dts_ms = frame.dts.millis(timescale);
        let moved: i64 = self.config.jumps.iter().filter(|(from, _)| dts_ms >= *from).map(|(_, by)| by).sum();
        let counter = (self.config.timestamp_start_ms as i64).wrapping_add(dts_ms).wrapping_add(moved);
        let timestamp_ms = (counter as u64 & ((1u64 << self.config.timestamp_bits) - 1)) as u32;
        let cts_ms = (frame.pts().millis(timescale) - dts_ms) as i32;
        Sent { frame, timestamp_ms, cts_ms }
    }
}

impl Iterator for Encoder {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        Some(self.next_frame())
    }
}

/// Fine enough to order frames of any two tracks.
const MICROS: Timescale = match Timescale::new(1_000_000) {
    Some(scale) => scale,
    None => panic!("a million is not zero"),
};

impl VideoState {
    fn next_dts(&self) -> Ticks {
        self.origin.plus(frame_time(self.made, self.spec.frame_rate))
    }

    fn frame(&mut self, random: &mut Random) -> Frame {
        let picture = self.spec.picture(self.gop_position);
        let dts = self.next_dts();
        // The display position is counted from this frame's own decode position, so the rate's rounding stays exact.
        let shown = self.made as i64 + picture.reorder;
        let shown_at = if shown < 0 {
            Ticks::ZERO.minus(frame_time(shown.unsigned_abs(), self.spec.frame_rate))
        } else {
            frame_time(shown.unsigned_abs(), self.spec.frame_rate)
        };
        let cts = self.origin.plus(shown_at).minus(dts);
        let payload = h264::access_unit(&self.spec, &picture, self.stamp(), random);
        self.made += 1;
        self.sequence += 1;
        self.gop_position = (self.gop_position + 1) % self.spec.gop_frames;
        Frame { track: VIDEO, dts, cts, key: picture.key, payload }
    }

    fn stamp(&self) -> Stamp {
        Stamp { track: VIDEO, sequence: self.sequence }
    }
}

impl AudioState {
    fn next_dts(&self) -> Ticks {
        let samples = self.made.saturating_mul(u64::from(self.spec.frame_samples()));
        self.origin.plus(Ticks(i64::try_from(samples).unwrap_or(i64::MAX)))
    }

    fn frame(&mut self, random: &mut Random) -> Frame {
        let dts = self.next_dts();
        let stamp = Stamp { track: AUDIO, sequence: self.sequence };
        let payload: Bytes = aac::access_unit(&self.spec, stamp, random);
        self.made += 1;
        self.sequence += 1;
        Frame { track: AUDIO, dts, cts: Ticks::ZERO, key: true, payload }
    }
}

/// Time of frame `n` at that rate in [`Timescale::VIDEO`], rounded down.
fn frame_time(n: u64, rate: FrameRate) -> Ticks {
    let ticks =
        u128::from(n) * u128::from(rate.seconds) * u128::from(Timescale::VIDEO.hz()) / u128::from(rate.frames.max(1));
    Ticks(i64::try_from(ticks).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
