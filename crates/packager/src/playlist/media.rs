//! Media playlists.

use formats::playlist::m3u8::{self, Item, MediaHeader, Micros, PlaylistType, ServerControl};

use super::{Addressing, SegmentEntry, Uri, Uris};
use crate::Config;

/// EXT-X-VERSION where EXT-X-SKIP may occur.
pub(crate) const VERSION_LOW_LATENCY: u8 = 9;
/// EXT-X-VERSION where EXT-X-MAP and EXT-X-GAP may occur.
const VERSION_CMAF: u8 = 8;
/// EXT-X-VERSION that players for MPEG-TS know.
const VERSION_TS: u8 = 3;
/// A hole in the numbers is listed by no more entries than this; a day of 2 s segments is 43,200.
const GAP_ENTRIES_MAX: u64 = 50_000;

/// What the segments of a list are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// One CMAF track.
    Cmaf,
    /// MPEG-TS with the tracks together.
    Ts,
}

/// How a list behaves when it is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The oldest go as the newest come.
    Live,
    /// Only grows; with `ended` it is complete.
    Event {
        /// Nothing comes after it.
        ended: bool,
    },
    /// Complete.
    Vod,
}

/// How to list segments.
#[derive(Clone, Copy, Debug)]
pub struct ListOptions<'a> {
    /// What they are in.
    pub container: Container,
    /// How the list behaves.
    pub kind: Kind,
    /// Leave out what a player that asked for `_HLS_skip` has already.
    pub skip: bool,
    /// Their addresses.
    pub addressing: Addressing<'a>,
}

/// Playlist of full segments of the track called `name`, without parts: DVR, VOD, and live for players that know no
/// parts. `None` for an empty list, which would be no legal playlist.
#[must_use]
pub fn segment_list(
    config: &Config,
    name: &str,
    entries: &[SegmentEntry],
    options: &ListOptions<'_>,
) -> Option<String> {
    let first = entries.first()?;
    let uris = Uris { addressing: options.addressing, track: name };
    let (playlist_type, ended) = match options.kind {
        Kind::Live => (None, false),
        Kind::Event { ended } => (Some(PlaylistType::Event), ended),
        Kind::Vod => (Some(PlaylistType::Vod), true),
    };
    let target_duration_s = target_duration(config, entries);
    let skippable = options.container == Container::Cmaf && !ended;
    let skip_until = Micros::from_millis(u64::from(target_duration_s) * 6_000);
    let header = MediaHeader {
        version: match options.container {
            Container::Cmaf if skippable => VERSION_LOW_LATENCY,
            Container::Cmaf => VERSION_CMAF,
            Container::Ts => VERSION_TS,
        },
        target_duration_s,
        server_control: skippable
            .then(|| ServerControl { can_skip_until: Some(skip_until), ..ServerControl::default() }),
        part_target: None,
        media_sequence: first.msn,
        discontinuity_sequence: first.discontinuity_sequence,
        playlist_type,
        independent_segments: entries.iter().all(|entry| entry.independent),
    };
    let mut out = String::with_capacity(256 + entries.len() * 120);
    m3u8::write_header(&mut out, &header);
    let mut list = SegmentWriter::new(uris, options.container);
    let skipped = if options.skip && skippable { skippable_count(entries, 0, skip_until) } else { 0 };
    list.skip(&mut out, entries, skipped);
    for entry in entries.iter().skip(skipped) {
        list.lead_in(&mut out, entry);
        list.segment(&mut out, entry);
    }
    if ended {
        m3u8::write_item(&mut out, &Item::<Uri<'_>>::EndList);
    }
    Some(out)
}

/// TARGETDURATION: the configured one, unless a kept segment is longer because it was made with another.
pub(crate) fn target_duration(config: &Config, entries: &[SegmentEntry]) -> u32 {
    let rounded = |entry: &SegmentEntry| (Micros::from_ticks(entry.duration, entry.timescale).0 + 500_000) / 1_000_000;
    let longest = entries.iter().map(rounded).max().unwrap_or(0);
    config.target_duration_s().max(u32::try_from(longest).unwrap_or(u32::MAX))
}

/// How many of `entries` lie before the skip boundary: further than `skip_until` from the end of the playlist, which is
/// `beyond` microseconds after the last entry.
pub(crate) fn skippable_count(entries: &[SegmentEntry], beyond: u64, skip_until: Micros) -> usize {
    let mut from_end = beyond;
    for (at, entry) in entries.iter().enumerate().rev() {
        from_end = from_end.saturating_add(Micros::from_ticks(entry.duration, entry.timescale).0);
        if from_end > skip_until.0 {
            return at + 1;
        }
    }
    0
}

/// Writes segments one after the other, with what must stand between them.
pub(crate) struct SegmentWriter<'a> {
    uris: Uris<'a>,
    container: Container,
    previous: Option<SegmentEntry>,
    map: Option<u32>,
}

impl<'a> SegmentWriter<'a> {
    pub(crate) fn new(uris: Uris<'a>, container: Container) -> Self {
        Self { uris, container, previous: None, map: None }
    }

    /// Leaves out the first `count` of `entries`. Numbers missing among them count: they were listed as gaps.
    pub(crate) fn skip(&mut self, out: &mut String, entries: &[SegmentEntry], count: usize) {
        let last = count.checked_sub(1).and_then(|at| entries.get(at));
        if let (Some(first), Some(last)) = (entries.first(), last) {
            m3u8::write_item(out, &Item::<Uri<'_>>::Skip(last.msn - first.msn + 1));
            self.previous = Some(*last);
        }
    }

    /// What stands above a segment or its first part.
    pub(crate) fn lead_in(&mut self, out: &mut String, entry: &SegmentEntry) {
        if let Some(previous) = self.previous {
            let sequence = self.gaps(out, &previous, entry);
            if sequence < entry.discontinuity_sequence {
                m3u8::write_item(out, &Item::<Uri<'_>>::Discontinuity);
            }
        }
        if self.container == Container::Cmaf && self.map != Some(entry.epoch) {
            m3u8::write_item(out, &Item::Map(self.uris.init(entry.epoch)));
            self.map = Some(entry.epoch);
        }
        m3u8::write_item(out, &Item::<Uri<'_>>::ProgramDateTime(entry.wall));
        self.previous = Some(*entry);
    }

    /// Entries for the numbers between two segments. Each takes up one discontinuity, should more than one lie between.
    /// Returns the discontinuity sequence reached.
    fn gaps(&self, out: &mut String, previous: &SegmentEntry, entry: &SegmentEntry) -> u64 {
        let missing = entry.msn.saturating_sub(previous.msn).saturating_sub(1).min(GAP_ENTRIES_MAX);
        let mut sequence = previous.discontinuity_sequence;
        if missing == 0 {
            return sequence;
        }
        let from = Micros::from_ticks(previous.end(), previous.timescale).0;
        let to = Micros::from_ticks(entry.start, entry.timescale).0;
        let duration = Micros(to.saturating_sub(from) / missing);
        for msn in (entry.msn - missing)..entry.msn {
            if sequence + 1 < entry.discontinuity_sequence {
                sequence += 1;
                m3u8::write_item(out, &Item::<Uri<'_>>::Discontinuity);
            }
            m3u8::write_item(out, &Item::<Uri<'_>>::Gap);
            m3u8::write_item(out, &Item::Segment { duration, uri: self.uri(msn) });
        }
        sequence
    }

    pub(crate) fn segment(&self, out: &mut String, entry: &SegmentEntry) {
        let duration = Micros::from_ticks(entry.duration, entry.timescale);
        m3u8::write_item(out, &Item::Segment { duration, uri: self.uri(entry.msn) });
    }

    fn uri(&self, msn: u64) -> Uri<'a> {
        match self.container {
            Container::Cmaf => self.uris.segment(msn),
            Container::Ts => self.uris.ts(msn),
        }
    }
}
