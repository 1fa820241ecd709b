//! DASH manifests: what goes into which period.
//!
//! A period is a stretch in which one configuration holds and wall clock and media time keep step. An outage is not in
//! media time, so the period after it starts as much later as the outage lasted (`Period@start` is on the wall clock's
//! axis, `presentationTimeOffset` on the media's).

use std::sync::Arc;

use formats::playlist::mpd::{self, AdaptationSet, Content, Mpd, Period, Presentation, ProducerTime, SegmentTemplate};
use media::{Ticks, Timescale, Track, TrackParams, UnixMillis};

use super::{Addressing, Rates, SegmentEntry, Uris};
use crate::Config;
use crate::segmenter::Moment;

/// Beginning of a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeriodMark {
    /// Its first segment.
    pub(crate) msn: u64,
    /// From the presentation's zero, in milliseconds.
    pub(crate) start_ms: i64,
    /// The media time there.
    pub(crate) at: Moment,
}

/// One kept track with all its segments.
#[derive(Clone, Debug)]
pub struct KeptTrack<'a> {
    /// Its name in addresses.
    pub name: &'a str,
    /// Its configurations by epoch, ascending.
    pub configs: &'a [(u32, Arc<Track>)],
    /// Its segments.
    pub entries: &'a [SegmentEntry],
}

pub(crate) struct ManifestOptions<'a> {
    pub(crate) addressing: Addressing<'a>,
    pub(crate) availability_time_offset_ms: Option<u32>,
    pub(crate) producer_times: bool,
}

/// Manifest of something that is complete. Media time alone counts: an outage leaves no hole. `None` without segments.
#[must_use]
pub fn vod_manifest(config: &Config, tracks: &[KeptTrack<'_>], addressing: Addressing<'_>) -> Option<String> {
    let longest = tracks.iter().max_by_key(|track| track.entries.len())?;
    let zero = tracks.iter().filter_map(|track| Some(start_of(track.entries.first()?))).min()?;
    let end = tracks.iter().filter_map(|track| track.entries.last().map(end_of)).max()?;
    let mut marks: Vec<PeriodMark> = Vec::new();
    let mut sequence = None;
    for entry in longest.entries {
        if sequence.replace(entry.discontinuity_sequence) != Some(entry.discontinuity_sequence) {
            let at = if marks.is_empty() { zero } else { start_of(entry) };
            let msn = if marks.is_empty() { 0 } else { entry.msn };
            marks.push(PeriodMark { msn, start_ms: at.millis_since(zero), at });
        }
    }
    let rates: Vec<Rates> = tracks.iter().map(|track| Rates::of(track.entries)).collect();
    let options = ManifestOptions { addressing, availability_time_offset_ms: None, producer_times: false };
    let manifest = Mpd {
        presentation: Presentation::Static { duration_ms: u64::try_from(end.millis_since(zero)).unwrap_or(0) },
        min_buffer_ms: u64::from(config.segment_target_ms),
        max_segment_ms: u64::from(config.segment_max_ms),
        periods: periods(&marks, tracks, &rates, &options),
    };
    Some(mpd::write(&manifest))
}

fn start_of(entry: &SegmentEntry) -> Moment {
    Moment::new(entry.start, entry.timescale)
}

fn end_of(entry: &SegmentEntry) -> Moment {
    Moment::new(entry.end(), entry.timescale)
}

/// The periods that have segments, in order. `marks` ascend.
pub(crate) fn periods(
    marks: &[PeriodMark],
    tracks: &[KeptTrack<'_>],
    rates: &[Rates],
    options: &ManifestOptions<'_>,
) -> Vec<Period> {
    let mut out = Vec::with_capacity(marks.len());
    for (at, mark) in marks.iter().enumerate() {
        let end = marks.get(at + 1).map_or(u64::MAX, |next| next.msn);
        let sets: Vec<AdaptationSet> = tracks
            .iter()
            .zip(rates)
            .zip(0u32..)
            .filter_map(|((track, rates), id)| adaptation_set(id, track, rates, mark, end, options))
            .collect();
        if !sets.is_empty() {
            out.push(Period {
                id: format!("p{}", mark.msn),
                start_ms: u64::try_from(mark.start_ms).unwrap_or(0),
                duration_ms: None,
                sets,
            });
        }
    }
    out
}

fn adaptation_set(
    id: u32,
    track: &KeptTrack<'_>,
    rates: &Rates,
    mark: &PeriodMark,
    end: u64,
    options: &ManifestOptions<'_>,
) -> Option<AdaptationSet> {
    let from = track.entries.partition_point(|entry| entry.msn < mark.msn);
    let to = track.entries.partition_point(|entry| entry.msn < end);
    let entries = track.entries.get(from..to)?;
    let first = entries.first()?;
    let config = track.configs.iter().find(|(epoch, _)| *epoch == first.epoch).map(|(_, config)| config)?;
    let uris = Uris { addressing: options.addressing, track: track.name };
    Some(AdaptationSet {
        id,
        name: track.name.to_owned(),
        codecs: config.codec_string.clone(),
        bandwidth_bps: rates.peak_bps(),
        content: content(config, rates),
        starts_with_sync: entries.iter().all(|entry| entry.independent),
        producer_time: options
            .producer_times
            .then(|| ProducerTime { wall: first.wall, presentation_time: unsigned(first.start) }),
        template: SegmentTemplate {
            timescale: first.timescale.hz(),
            presentation_time_offset: unsigned(mark.at.ticks.rescale(mark.at.scale, first.timescale)),
            initialization: uris.init(first.epoch).to_string(),
            media: uris.any_time(first.epoch).to_string(),
            availability_time_offset_ms: options.availability_time_offset_ms,
            timeline: mpd::timeline(entries.iter().map(|entry| (unsigned(entry.start), unsigned(entry.duration)))),
        },
    })
}

fn content(track: &Track, rates: &Rates) -> Content {
    match &track.params {
        TrackParams::Video(video) => Content::Video {
            width: video.width,
            height: video.height,
            frame_rate: video.frame_rate.map(|rate| (rate.frames, rate.seconds)).or_else(|| {
                let millihz = u32::try_from(rates.samples_millihz()?).ok()?;
                Some(if millihz % 1_000 == 0 { (millihz / 1_000, 1) } else { (millihz, 1_000) })
            }),
        },
        TrackParams::Audio(audio) => Content::Audio { sample_rate: audio.sample_rate, channels: audio.channels },
    }
}

fn unsigned(ticks: Ticks) -> u64 {
    u64::try_from(ticks.0).unwrap_or(0)
}

/// The wall clock of media time zero, as `at` and `wall` have it.
pub(crate) fn wall_of_zero(at: Moment, wall: UnixMillis) -> UnixMillis {
    wall.plus_millis(-at.millis_since(Moment::new(Ticks::ZERO, Timescale::MILLIS)))
}
