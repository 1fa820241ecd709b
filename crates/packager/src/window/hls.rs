//! Live media playlists: low latency, plain, LHLS and MPEG-TS.

use bytes::Bytes;
use formats::playlist::m3u8::{self, Item, MediaHeader, Micros, ServerControl};
use media::TrackId;

use super::Window;
use super::cache::Key;
use super::track::{TrackWindow, listed_parts};
use crate::playlist::media::{SegmentWriter, VERSION_LOW_LATENCY, skippable_count};
use crate::playlist::{Addressing, Container, Kind, ListOptions, SegmentEntry, Uri, Uris, segment_list};

/// Which media playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// LL-HLS: parts, preload hint, rendition reports. There from the first part on.
    LowLatency,
    /// Full segments only.
    Plain,
    /// Full segments, and the one being made as EXT-X-PREFETCH.
    Lhls,
    /// Full segments as MPEG-TS, version 3.
    Ts,
}

/// How to render a media playlist.
#[derive(Clone, Copy, Debug)]
pub struct PlaylistOptions<'a> {
    /// Which.
    pub form: Form,
    /// The player asked for a delta update (`_HLS_skip`).
    pub skip: bool,
    /// Addresses of segments.
    pub addressing: Addressing<'a>,
}

impl Window {
    /// A media playlist of a track, as text. `None` when there is nothing to list yet: no part for [`Form::LowLatency`],
    /// no full segment for the others. For [`Form::Ts`], ask with the first track.
    #[must_use]
    pub fn media_playlist(&self, track: TrackId, options: &PlaylistOptions<'_>) -> Option<Bytes> {
        let window = self.track(track)?;
        let key = Key {
            track: Some(track),
            form: options.form as u8 * 2 + u8::from(options.skip),
            base: options.addressing.base.into(),
            query: options.addressing.query.into(),
        };
        self.cache.get(key, || {
            let text = match options.form {
                Form::LowLatency => self.low_latency(window, options),
                Form::Plain => self.plain(window, Container::Cmaf, options),
                Form::Ts => self.plain(window, Container::Ts, options),
                Form::Lhls => self.lhls(window, options),
            };
            text.map(Bytes::from)
        })
    }

    /// Segments that playlists list.
    fn listed<'a>(&self, entries: &'a [SegmentEntry]) -> &'a [SegmentEntry] {
        entries.get(entries.len().saturating_sub(self.config.window_segments.max(2))..).unwrap_or_default()
    }

    fn plain(&self, track: &TrackWindow, container: Container, asked: &PlaylistOptions<'_>) -> Option<String> {
        let mut entries = track.entries();
        if container == Container::Ts {
            entries.retain(|entry| entry.msn < self.joint_before);
        }
        let (skip, addressing) = (asked.skip, asked.addressing);
        let options = ListOptions { container, kind: Kind::Live, skip, addressing };
        let mut text = segment_list(&self.config, &track.name, self.listed(&entries), &options)?;
        if self.ended {
            m3u8::write_item(&mut text, &Item::<Uri<'_>>::EndList);
        }
        Some(text)
    }

    fn lhls(&self, track: &TrackWindow, options: &PlaylistOptions<'_>) -> Option<String> {
        let mut text = self.plain(track, Container::Cmaf, options)?;
        let uris = Uris { addressing: options.addressing, track: &track.name };
        let last = track.segments.back()?;
        if !self.ended {
            // A segment of another configuration needs its EXT-X-MAP, which a prefetch entry cannot carry.
            match track.open.first() {
                Some(open) if open.epoch != last.epoch => {}
                Some(open) => {
                    if open.discontinuity_sequence != last.discontinuity_sequence {
                        m3u8::write_item(&mut text, &Item::<Uri<'_>>::PrefetchDiscontinuity);
                    }
                    m3u8::write_item(&mut text, &Item::Prefetch(uris.segment(open.msn)));
                }
                None => m3u8::write_item(&mut text, &Item::Prefetch(uris.segment(last.msn + 1))),
            }
        }
        Some(text)
    }

    fn low_latency(&self, track: &TrackWindow, options: &PlaylistOptions<'_>) -> Option<String> {
        let uris = Uris { addressing: options.addressing, track: &track.name };
        let all = track.entries();
        let entries = self.listed(&all);
        let open = track.open_entry();
        let first = entries.first().copied().or(open)?;
        let beyond = open.map_or(0, |open| Micros::from_ticks(open.duration, open.timescale).0);
        let target_us = u64::from(self.config.target_duration_s()) * 1_000_000;
        let skip_until = Micros(target_us * 6);
        let part_target = Micros::from_millis(u64::from(self.config.part_limit_ms()));
        let header = MediaHeader {
            version: VERSION_LOW_LATENCY,
            target_duration_s: self.config.target_duration_s(),
            server_control: Some(ServerControl {
                can_block_reload: true,
                can_skip_until: Some(skip_until),
                hold_back: Some(Micros(target_us * 3)),
                part_hold_back: Some(Micros(part_target.0 * 3)),
            }),
            part_target: Some(part_target),
            media_sequence: first.msn,
            discontinuity_sequence: first.discontinuity_sequence,
            playlist_type: None,
            independent_segments: track.independent,
        };
        let mut out = String::with_capacity(8_192);
        m3u8::write_header(&mut out, &header);
        let skipped = if options.skip { skippable_count(entries, beyond, skip_until) } else { 0 };
        let mut list = SegmentWriter::new(uris, Container::Cmaf);
        list.skip(&mut out, entries, skipped);
        let with_parts = skippable_count(entries, beyond, Micros(target_us * 3));
        for (at, entry) in entries.iter().enumerate().skip(skipped) {
            list.lead_in(&mut out, entry);
            // Whatever the list holds of the last three target durations has its parts.
            if let Some(segment) = track.segment(entry.msn).filter(|_| at + 1 >= with_parts) {
                write_parts(&mut out, uris, &segment.parts);
            }
            list.segment(&mut out, entry);
        }
        if let Some(open) = &open {
            list.lead_in(&mut out, open);
            write_parts(&mut out, uris, &track.open);
        }
        self.write_tail(&mut out, track, uris);
        Some(out)
    }

    fn write_tail(&self, out: &mut String, track: &TrackWindow, uris: Uris<'_>) {
        if self.ended {
            m3u8::write_item(out, &Item::<Uri<'_>>::EndList);
            return;
        }
        let all_listed = track.open.iter().all(|part| !part.over_target);
        if let Some(next) = track.position().filter(|_| all_listed) {
            m3u8::write_item(out, &Item::PreloadHint(uris.part(next.msn, next.part)));
        }
        for other in self.offered().filter(|other| other.id != track.id) {
            if let Some(last) = other.last_listed() {
                let uri = uris.playlist(&other.name);
                let report = Item::RenditionReport { uri, last_msn: last.msn, last_part: Some(last.part) };
                m3u8::write_item(out, &report);
            }
        }
    }
}

fn write_parts(out: &mut String, uris: Uris<'_>, parts: &[std::sync::Arc<crate::Part>]) {
    for part in listed_parts(parts) {
        let duration = Micros::from_ticks(part.duration, part.timescale);
        let uri = uris.part(part.msn, part.index);
        m3u8::write_item(out, &Item::Part { duration, uri, independent: part.independent });
    }
}
