//! What is on air now, for whoever must know of it without knowing media: a port that the media side implements.

use media::UnixMillis;
use uuid::Uuid;

use crate::{PlaybackId, UserId};

/// A channel's stream, as of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnAir {
    /// Media is coming in.
    pub on_air: bool,
    /// It was, and the stream waits for its publisher: "back in a moment".
    pub stalled: bool,
    /// Wall clock of the stream's first frame.
    pub started: Option<UnixMillis>,
    /// People watching, each counted once whatever they open. The lesson's mentor is none of them.
    pub viewers: u32,
}

/// Somebody who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// Which playback session.
    pub playback: PlaybackId,
    /// Who.
    pub user: UserId,
    /// By which protocol, as counters call it.
    pub protocol: &'static str,
    /// Since when.
    pub since: UnixMillis,
}

/// What a mentor wants to know of what they send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// By which protocol it comes.
    pub protocol: &'static str,
    /// Since when this publisher sends.
    pub since: Option<UnixMillis>,
    /// Pictures, if there are any.
    pub video: Option<VideoHealth>,
    /// Sound, if there is any.
    pub audio: Option<AudioHealth>,
    /// Stable words for what is odd: `no_audio`, `long_gop`, `late`, `jumping_time`, `not_recorded`.
    pub warnings: Vec<&'static str>,
}

/// Pictures as they come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VideoHealth {
    /// RFC 6381.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames in the last seconds, per 1,000 seconds.
    pub fps_milli: u32,
    /// Over the last seconds.
    pub bitrate_kbps: u32,
    /// Between two key frames, the longest of the last minute.
    pub gop_ms: u32,
}

/// Sound as it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioHealth {
    /// RFC 6381.
    pub codec: String,
    /// Over the last seconds.
    pub bitrate_kbps: u32,
}

/// What is on air. Cheap: answered from memory.
pub trait Air: Send + Sync {
    /// The channel's stream.
    fn on_air(&self, channel: Uuid) -> OnAir;

    /// Media time, in milliseconds from the first frame, of what was on air at that moment: outages are not in it. `None`
    /// before there was any.
    fn media_at(&self, channel: Uuid, at: UnixMillis) -> Option<i64> {
        self.on_air(channel).started.map(|started| at.0.saturating_sub(started.0).max(0))
    }

    /// Who watches it, by when they came; without the lesson's mentor.
    fn watching(&self, channel: Uuid) -> Vec<Watching>;

    /// How it comes in. `None`: it does not.
    fn health(&self, channel: Uuid) -> Option<Health>;

    /// Ends the channel's stream: the lesson is over.
    fn end(&self, channel: Uuid);
}

/// Nothing is, ever: for what runs without media.
#[derive(Clone, Copy, Debug)]
pub struct Silence;

impl Air for Silence {
    fn on_air(&self, _: Uuid) -> OnAir {
        OnAir::default()
    }

    fn watching(&self, _: Uuid) -> Vec<Watching> {
        Vec::new()
    }

    fn health(&self, _: Uuid) -> Option<Health> {
        None
    }

    fn end(&self, _: Uuid) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_nothing_on() {
        let (silence, channel) = (Silence, crate::keys::random_id());
        silence.end(channel);
        assert_eq!(silence.on_air(channel), OnAir::default());
        assert!(silence.watching(channel).is_empty() && silence.health(channel).is_none());
    }
}
