//! The live DASH manifest.

use bytes::Bytes;
use formats::playlist::mpd::{self, Latency, Mpd, Presentation};
use media::{Ticks, Timescale, UnixMillis};

use super::Window;
use super::cache::{self, Key};
use super::track::TrackWindow;
use crate::playlist::manifest::{KeptTrack, ManifestOptions, periods};
use crate::playlist::{Addressing, Rates, SegmentEntry};

/// Latency that players are asked to keep, in milliseconds: what dash.js holds over LL-HLS's three parts for its
/// manifest reloads.
const LATENCY: Latency = Latency { target_ms: 2_000, min_ms: 1_000, max_ms: 8_000 };

/// How to render a live manifest.
#[derive(Clone, Copy, Debug)]
pub struct ManifestOptionsLive<'a> {
    /// Addresses of segments.
    pub addressing: Addressing<'a>,
    /// `publishTime`, if the window has changed since it was asked before.
    pub now: UnixMillis,
    /// Address of the server's clock: `/time`.
    pub time_url: &'a str,
}

impl Window {
    /// The DASH manifest as text. `None` before the first part. Once ended it is static, with what the window holds.
    #[must_use]
    pub fn manifest(&self, options: &ManifestOptionsLive<'_>) -> Option<Bytes> {
        let base = format!("{}\n{}", options.addressing.base, options.time_url);
        let query = options.addressing.query.into();
        let key = Key { track: None, form: cache::MANIFEST, base: base.into(), query };
        self.cache.get(key, || self.render_manifest(options).map(Bytes::from))
    }

    fn render_manifest(&self, options: &ManifestOptionsLive<'_>) -> Option<String> {
        let availability_start = self.availability_start?;
        let tracks: Vec<&TrackWindow> = self.offered().collect();
        let entries: Vec<Vec<SegmentEntry>> = tracks.iter().map(|track| self.dash_entries(track)).collect();
        let configs: Vec<Vec<_>> = tracks
            .iter()
            .map(|track| track.inits.iter().map(|init| (init.epoch, init.track.clone())).collect())
            .collect();
        let rates: Vec<Rates> = tracks.iter().map(|track| track.measured()).collect();
        let kept: Vec<KeptTrack<'_>> = tracks
            .iter()
            .zip(&entries)
            .zip(&configs)
            .map(|((track, entries), configs)| KeptTrack { name: &track.name, configs, entries })
            .collect();
        if self.ended {
            return crate::playlist::vod_manifest(&self.config, &kept, options.addressing);
        }
        let offset_ms = self.config.segment_target_ms.saturating_sub(self.config.part_limit_ms());
        let manifest = ManifestOptions {
            addressing: options.addressing,
            availability_time_offset_ms: Some(offset_ms),
            producer_times: true,
        };
        let depth_ms = entries.iter().map(|entries| length_ms(entries)).max().unwrap_or(0);
        let manifest = Mpd {
            presentation: Presentation::Dynamic {
                availability_start,
                publish_time: options.now,
                minimum_update_ms: u64::from(self.config.segment_target_ms / 2),
                time_shift_buffer_ms: depth_ms,
                suggested_delay_ms: u64::from(LATENCY.target_ms),
                utc_timing: Some(options.time_url.to_owned()),
                latency: Some(LATENCY),
            },
            min_buffer_ms: u64::from(self.config.part_limit_ms()) * 3,
            max_segment_ms: u64::from(self.config.segment_max_ms),
            periods: periods(&self.periods, &kept, &rates, &manifest),
        };
        Some(mpd::write(&manifest))
    }

    /// Listed segments and the one being made, with the length that is expected of it: that of the one before, or the
    /// target. The next manifest corrects it.
    fn dash_entries(&self, track: &TrackWindow) -> Vec<SegmentEntry> {
        let all = track.entries();
        let from = all.len().saturating_sub(self.config.window_segments.max(2));
        let mut entries = all.get(from..).unwrap_or_default().to_vec();
        if let Some(mut open) = track.open_entry() {
            if !self.ended {
                let target = Ticks(i64::from(self.config.segment_target_ms)).rescale(Timescale::MILLIS, open.timescale);
                let before = entries.last().filter(|last| last.epoch == open.epoch).map(|last| last.duration);
                open.duration = open.duration.max(before.unwrap_or(target));
            }
            entries.push(open);
        }
        entries
    }
}

fn length_ms(entries: &[SegmentEntry]) -> u64 {
    let millis: i64 = entries.iter().map(|entry| entry.duration.millis(entry.timescale)).sum();
    u64::try_from(millis).unwrap_or(0)
}
