//! Tracks: one elementary stream each, with all that a reader must know before its first frame.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Codec, MediaKind, Timescale};

/// Number of a track within its stream. Stable while the stream lasts: E-RTMP multitrack ids map to it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u8);

/// Frames per second as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// Numerator: frames.
    pub frames: u32,
    /// Denominator: seconds. Not zero.
    pub seconds: u32,
}

/// Colour description, code points of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Colour primaries (1 = BT.709, 9 = BT.2020).
    pub primaries: u8,
    /// Transfer characteristics (16 = PQ, 18 = HLG).
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Full-range samples.
    pub full_range: bool,
}

/// How bright the pictures get (CTA-861.3), in candela per square metre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentLight {
    /// Brightest pixel: MaxCLL.
    pub max_cll: u16,
    /// Brightest average of a picture: MaxFALL.
    pub max_fall: u16,
}

/// The display that the pictures were mastered on (SMPTE ST 2086): chromaticities x and y in 0.00002 (CIE 1931), luminance in
/// 0.0001 candela per square metre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasteringDisplay {
    /// Red primary.
    pub red: (u16, u16),
    /// Green primary.
    pub green: (u16, u16),
    /// Blue primary.
    pub blue: (u16, u16),
    /// White point.
    pub white: (u16, u16),
    /// Brightest.
    pub luminance_max: u32,
    /// Darkest.
    pub luminance_min: u32,
}

/// Static HDR metadata, as the sender gives it beside the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hdr {
    /// How bright the pictures get.
    pub content_light: Option<ContentLight>,
    /// What they were mastered on.
    pub mastering: Option<MasteringDisplay>,
}

/// What a video configuration record says.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoParams {
    /// Luma samples across, after cropping.
    pub width: u32,
    /// Luma samples down, after cropping.
    pub height: u32,
    /// As signalled; many encoders signal none.
    pub frame_rate: Option<FrameRate>,
    /// As signalled.
    pub colour: Option<Colour>,
    /// As signalled beside it.
    pub hdr: Hdr,
}

/// What an audio configuration record says.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioParams {
    /// Output samples per second (after SBR for HE-AAC).
    pub sample_rate: u32,
    /// Output channels.
    pub channels: u8,
    /// Output samples per access unit: 1024 (AAC-LC), 2048 (HE-AAC), 960 (Opus 20 ms), 1152 (MP3), as configured for FLAC.
    pub frame_samples: u32,
}

/// Parameters by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum TrackParams {
    /// Pictures.
    Video(VideoParams),
    /// Sound.
    Audio(AudioParams),
}

/// One elementary stream and its decoder configuration. Immutable: a change of configuration is a new `Track`.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Number within the stream.
    pub id: TrackId,
    /// Format.
    pub codec: Codec,
    /// Unit of its frames' times: [`Timescale::VIDEO`] for video, the sample rate for audio.
    pub timescale: Timescale,
    /// Decoder configuration record as named at [`Codec`]; empty for MP3.
    pub config: Bytes,
    /// What the record says.
    pub params: TrackParams,
    /// `codecs` parameter, RFC 6381: `avc1.64001f`, `mp4a.40.2`.
    pub codec_string: String,
}

impl Track {
    /// Pictures or sound.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.codec.kind()
    }

    /// Video parameters, if it is video.
    #[must_use]
    pub fn video(&self) -> Option<&VideoParams> {
        match &self.params {
            TrackParams::Video(video) => Some(video),
            TrackParams::Audio(_) => None,
        }
    }

    /// Audio parameters, if it is audio.
    #[must_use]
    pub fn audio(&self) -> Option<&AudioParams> {
        match &self.params {
            TrackParams::Audio(audio) => Some(audio),
            TrackParams::Video(_) => None,
        }
    }
}

/// The tracks of a stream from one point of its log on. Ordered by id; ids are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackSet(Vec<Arc<Track>>);

impl TrackSet {
    /// This set with `track` put in, replacing one of the same id.
    #[must_use]
    pub fn with(&self, track: Arc<Track>) -> Self {
        let mut tracks = self.0.clone();
        match tracks.binary_search_by_key(&track.id, |t| t.id) {
            Ok(at) => tracks[at] = track,
            Err(at) => tracks.insert(at, track),
        }
        Self(tracks)
    }

    /// This set less the track of that id.
    #[must_use]
    pub fn without(&self, id: TrackId) -> Self {
        Self(self.0.iter().filter(|track| track.id != id).cloned().collect())
    }

    /// The track of that id.
    #[must_use]
    pub fn get(&self, id: TrackId) -> Option<&Arc<Track>> {
        self.0.iter().find(|track| track.id == id)
    }

    /// In id order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Track>> {
        self.0.iter()
    }

    /// The first track of that kind: the one that readers without a choice get.
    #[must_use]
    pub fn first(&self, kind: MediaKind) -> Option<&Arc<Track>> {
        self.0.iter().find(|track| track.kind() == kind)
    }

    /// The track whose key frames cut segments and start readers: the first video track, else the first audio track.
    #[must_use]
    pub fn leading(&self) -> Option<&Arc<Track>> {
        self.first(MediaKind::Video).or_else(|| self.first(MediaKind::Audio))
    }

    /// No track yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many tracks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
