//! What a packager may make, and how much a window may hold.

/// Bounds of parts, segments and windows. All of a stream's playlists are made with one `Config`: PART-TARGET and
/// TARGETDURATION never change while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The part duration aimed at, in milliseconds. A part ends at the frame boundary nearest to it.
    pub part_target_ms: u32,
    /// How much longer than aimed at a part may be, in milliseconds. PART-TARGET is the sum, so that six frames of
    /// 29.97 Hz (200.2 ms) or five of 24 Hz (208 ms) make a part, and none falls under the 85 % that HLS demands.
    pub part_slack_ms: u32,
    /// A segment ends at the first key frame of the leading track after this many milliseconds.
    pub segment_target_ms: u32,
    /// No segment is longer, in milliseconds: one without a key frame is cut at a frame. Rounded up to seconds it is
    /// TARGETDURATION.
    pub segment_max_ms: u32,
    /// Other tracks may run ahead of the leading track by this much, in milliseconds, before they stop waiting to learn
    /// where its segments are cut.
    pub skew_max_ms: u32,
    /// Full segments a window keeps per track.
    pub window_segments: usize,
    /// Bytes of parts a window keeps over all tracks; the oldest segments go first. The newest two always stay.
    pub window_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            part_target_ms: 200,
            part_slack_ms: 20,
            segment_target_ms: 2_000,
            segment_max_ms: 4_000,
            skew_max_ms: 1_000,
            // 30 s at the usual 2 s: above the 6 target durations that delta updates need, and time to pause.
            window_segments: 15,
            // 60 s of 8 Mbit/s.
            window_bytes_max: 60 << 20,
        }
    }
}

impl Config {
    /// PART-TARGET, in milliseconds.
    #[must_use]
    pub const fn part_limit_ms(&self) -> u32 {
        self.part_target_ms.saturating_add(self.part_slack_ms)
    }

    /// TARGETDURATION, in seconds.
    #[must_use]
    pub const fn target_duration_s(&self) -> u32 {
        self.segment_max_ms.div_ceil(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_keep_the_promises_of_the_playlists() {
        let config = Config::default();
        assert_eq!((config.part_limit_ms(), config.target_duration_s()), (220, 4));
        assert!(config.segment_target_ms + config.part_limit_ms() < config.segment_max_ms, "a cut at a key frame fits");
        let listed_ms = config.segment_target_ms as usize * config.window_segments;
        assert!(
            listed_ms > 6 * 1_000 * config.target_duration_s() as usize,
            "the window is longer than CAN-SKIP-UNTIL"
        );
    }

    #[test]
    fn target_duration_is_rounded_up() {
        let config = |segment_max_ms| Config { segment_max_ms, ..Config::default() };
        assert_eq!([1, 1_000, 1_001, 6_000].map(|max| config(max).target_duration_s()), [1, 1, 2, 6]);
    }
}
