//! The codecs that Tayang carries. Adding one means answering for it in every exhaustive `match` on [`Codec`].

use std::fmt;

/// What a track is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// An elementary-stream format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// ITU-T H.264, length-prefixed NAL units, `avcC` configuration.
    H264,
    /// ITU-T H.265, length-prefixed NAL units, `hvcC` configuration.
    H265,
    /// AV1, OBUs of one temporal unit, `av1C` configuration.
    Av1,
    /// VP9, one superframe, `vpcC` configuration.
    Vp9,
    /// MPEG-4 audio (LC, HE, HEv2), raw access units, `AudioSpecificConfig`.
    Aac,
    /// Opus packets, `OpusHead` configuration (RFC 7845 §5.1).
    Opus,
    /// FLAC frames; configuration is the 34-byte `STREAMINFO` block.
    Flac,
    /// MPEG-1/2 layer III frames with their headers; no configuration. FLV and RTMP only.
    Mp3,
}

impl Codec {
    /// Pictures or sound.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::H264 | Self::H265 | Self::Av1 | Self::Vp9 => MediaKind::Video,
            Self::Aac | Self::Opus | Self::Flac | Self::Mp3 => MediaKind::Audio,
        }
    }

    /// True where CMAF has a mapping that Tayang writes. MP3 has none in use, so it plays over FLV and RTMP only.
    #[must_use]
    pub const fn has_cmaf(self) -> bool {
        match self {
            Self::H264 | Self::H265 | Self::Av1 | Self::Vp9 | Self::Aac | Self::Opus | Self::Flac => true,
            Self::Mp3 => false,
        }
    }

    /// Short name for people: logs, metrics labels, the watch page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Av1 => "AV1",
            Self::Vp9 => "VP9",
            Self::Aac => "AAC",
            Self::Opus => "Opus",
            Self::Flac => "FLAC",
            Self::Mp3 => "MP3",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
