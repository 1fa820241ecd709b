//! Scenarios over synthetic streams, each checked against every invariant of the crate.

mod check;
mod odd;
mod ordinary;
mod random;

use std::collections::BTreeMap;

use bytes::Bytes;
use media::{FrameRate, TrackId};
use testkit::encoder::{AUDIO, Encoder, EncoderConfig, VIDEO};
use testkit::{AudioSpec, VideoSpec};

use super::*;
use crate::{Part, Window};

pub(crate) const WALL: i64 = 1_700_000_000_000;
pub(crate) const MSN_BASE: u64 = 1_000;

/// A packager fed by hand, a window behind it, and all that came out.
pub(crate) struct Rig {
    pub(crate) config: Config,
    pub(crate) packager: Packager,
    pub(crate) window: Window,
    pub(crate) outputs: Vec<Output>,
    pub(crate) tracks: TrackSet,
    /// Wall clock less media time.
    pub(crate) wall_offset: i64,
    /// Presentation times and payloads of the frames pushed, by track.
    pub(crate) pushed: BTreeMap<u8, Vec<(i64, Bytes)>>,
}

impl Rig {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            packager: Packager::new(config.clone(), StreamId(1), MSN_BASE),
            window: Window::new(config.clone()),
            config,
            outputs: Vec::new(),
            tracks: TrackSet::default(),
            wall_offset: WALL,
            pushed: BTreeMap::new(),
        }
    }

    /// A rig with the default configuration and the tracks of an encoder.
    pub(crate) fn of(encoder: &Encoder) -> Self {
        let mut rig = Self::new(Config::default());
        rig.set_tracks(encoder.tracks(), false);
        rig
    }

    pub(crate) fn set_tracks(&mut self, tracks: TrackSet, discontinuity: bool) {
        self.tracks = tracks;
        self.packager.set_tracks(&self.tracks, discontinuity);
        self.drain();
        self.window.set_tracks(&self.tracks);
    }

    pub(crate) fn push(&mut self, frame: &Frame) {
        let scale = self.tracks.get(frame.track).map_or(Timescale::VIDEO, |track| track.timescale);
        let wall = UnixMillis(self.wall_offset + frame.dts.millis(scale));
        self.packager.push(frame, wall);
        self.pushed.entry(frame.track.0).or_default().push((frame.pts().0, frame.payload.clone()));
        self.drain();
    }

    pub(crate) fn push_all<'a>(&mut self, frames: impl IntoIterator<Item = &'a Frame>) {
        for frame in frames {
            self.push(frame);
        }
    }

    pub(crate) fn flush(&mut self) {
        self.packager.flush();
        self.drain();
    }

    /// Ends the stream and checks every invariant.
    pub(crate) fn end(mut self) -> Self {
        self.packager.end();
        self.drain();
        check::all(&self);
        self
    }

    fn drain(&mut self) {
        while let Some(output) = self.packager.poll_output() {
            self.window.apply(&output);
            self.outputs.push(output);
        }
    }

    pub(crate) fn parts(&self, id: TrackId) -> Vec<Arc<Part>> {
        let of_track = |output: &Output| match output {
            Output::Part(part) if part.track == id => Some(part.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(of_track).collect()
    }

    pub(crate) fn segments(&self, id: TrackId) -> Vec<Arc<Segment>> {
        let of_track = |output: &Output| match output {
            Output::Segment(segment) if segment.track == id => Some(segment.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(of_track).collect()
    }

    pub(crate) fn inits(&self) -> Vec<Arc<Init>> {
        let init = |output: &Output| match output {
            Output::Init(init) => Some(init.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(init).collect()
    }

    /// Segment lengths of a track in milliseconds.
    pub(crate) fn segment_ms(&self, id: TrackId) -> Vec<i64> {
        self.segments(id).iter().map(|segment| segment.duration.millis(segment.timescale)).collect()
    }
}

/// An encoder of `video` alone.
pub(crate) fn video_encoder(video: VideoSpec) -> Encoder {
    Encoder::new(EncoderConfig { video: Some(video), ..EncoderConfig::video_only() })
}

/// A video frame at hand-picked times, in milliseconds, for the track of a default encoder.
pub(crate) fn video_at(dts_ms: i64, key: bool) -> Frame {
    Frame {
        track: VIDEO,
        dts: Ticks(dts_ms * 90),
        cts: Ticks::ZERO,
        key,
        payload: Bytes::from(format!("video at {dts_ms}")),
    }
}

/// An audio frame at that sample, for the track of a default encoder (48 kHz).
pub(crate) fn audio_at(sample: i64) -> Frame {
    Frame {
        track: AUDIO,
        dts: Ticks(sample),
        cts: Ticks::ZERO,
        key: true,
        payload: Bytes::from(format!("audio at {sample}")),
    }
}

pub(crate) fn rate(frames: u32, seconds: u32) -> FrameRate {
    FrameRate { frames, seconds }
}

pub(crate) fn he_aac() -> AudioSpec {
    AudioSpec { he: true, sample_rate: 44_100, ..AudioSpec::default() }
}
