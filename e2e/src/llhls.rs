//! What RFC 8216bis demands of a live low-latency playlist, checked on the playlists that one rendition showed in turn.
//!
//! Pure: [`Follower::see`] takes what was answered and says what is wrong with it. [`live`] does the asking.
//!
//! Spec: draft-pantos-hls-rfc8216bis; the section stands beside each rule.

pub mod live;

use std::collections::BTreeMap;

use crate::playlist::{Playlist, Segment};

/// Rounding of six decimals, per duration that is added up.
const ROUNDING_US: u64 = 1;
/// EXT-X-PROGRAM-DATE-TIME may differ from the durations before it by this much: it is a clock, they are media.
const CLOCK_MS: i64 = 150;

/// What one rendition has shown so far.
#[derive(Debug, Default)]
pub struct Follower {
    first: Option<Playlist>,
    newest: Option<Playlist>,
    /// Every segment ever listed, as it was last listed, with all its parts.
    segments: BTreeMap<u64, Segment>,
    /// Playlists seen.
    pub seen: usize,
}

impl Follower {
    /// The newest playlist.
    #[must_use]
    pub fn newest(&self) -> Option<&Playlist> {
        self.newest.as_ref()
    }

    /// Segments that are complete, and known from their first part on.
    pub fn complete(&self) -> impl Iterator<Item = &Segment> {
        self.segments.values().filter(|segment| segment.complete.is_some() && !segment.parts.is_empty())
    }

    /// Takes a full playlist; `asked` is the position that a blocking reload asked for. Answers what is wrong.
    pub fn see(&mut self, playlist: Playlist, asked: Option<(u64, u64)>) -> Vec<String> {
        let mut faults = header(&playlist);
        faults.extend(durations(&playlist));
        faults.extend(clocks(&playlist));
        if let Some((msn, part)) = asked.filter(|_| !playlist.ended) {
            // §6.2.5.2: the answer holds that part or a later one.
            if playlist.next() <= (msn, part) {
                faults.push(format!("asked for {msn}.{part}, the answer ends before {:?}", playlist.next()));
            }
        }
        if let Some(first) = &self.first {
            faults.extend(same_header(first, &playlist));
        }
        if let Some(before) = &self.newest {
            faults.extend(progress(before, &playlist));
            faults.extend(hint_kept(before, &playlist));
        }
        for segment in &playlist.segments {
            if let Some(known) = self.segments.get(&segment.msn) {
                faults.extend(same_segment(known, segment));
            }
            let keep = self.segments.get(&segment.msn).is_none_or(|known| known.parts.len() <= segment.parts.len());
            if keep {
                self.segments.insert(segment.msn, segment.clone());
            } else if let Some(known) = self.segments.get_mut(&segment.msn) {
                known.complete.clone_from(&segment.complete);
            }
        }
        self.first.get_or_insert_with(|| playlist.clone());
        self.newest = Some(playlist);
        self.seen += 1;
        faults
    }
}

/// What stands above the segments.
fn header(playlist: &Playlist) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, rule: &str| {
        if !holds {
            faults.push(rule.to_owned());
        }
    };
    let part_target = playlist.part_target_us.unwrap_or(0);
    must(playlist.version >= 9, "§7: EXT-X-SKIP needs version 9");
    must(playlist.part_target_us.is_some(), "§4.4.3.7: EXT-X-PART-INF is missing");
    must(playlist.can_block, "§4.4.3.8: CAN-BLOCK-RELOAD is missing");
    must(
        playlist.part_hold_back_us.is_some_and(|us| us >= 3 * part_target),
        "§4.4.3.8: PART-HOLD-BACK under three part targets",
    );
    must(
        playlist.hold_back_us.is_none_or(|us| us >= 3 * playlist.target_us),
        "§4.4.3.8: HOLD-BACK under three target durations",
    );
    must(
        playlist.can_skip_until_us.is_none_or(|us| us >= 6 * playlist.target_us),
        "§4.4.3.8: CAN-SKIP-UNTIL under six target durations",
    );
    must(playlist.segments.iter().all(|segment| segment.map.is_some()), "§4.4.4.5: a CMAF segment without EXT-X-MAP");
    must(
        playlist.ended == playlist.hint.is_none(),
        "§4.4.5.3: a live playlist without a hint, or an ended one with one",
    );
    must(playlist.ended || !playlist.reports.is_empty(), "§4.4.5.4: EXT-X-RENDITION-REPORT is missing");
    must(playlist.segments.first().is_some_and(|segment| segment.wall.is_some()), "§6.2.1: no EXT-X-PROGRAM-DATE-TIME");
    faults
}

/// EXTINF, PART-TARGET, TARGETDURATION.
fn durations(playlist: &Playlist) -> Vec<String> {
    let mut faults = Vec::new();
    let part_target = playlist.part_target_us.unwrap_or(0);
    let target_s = playlist.target_us / 1_000_000;
    for segment in &playlist.segments {
        let msn = segment.msn;
        if let Some((duration, _)) = &segment.complete {
            // §4.4.3.1: rounded to the nearest second, no longer than the target duration.
            if (duration + 500_000) / 1_000_000 > target_s {
                faults.push(format!("§4.4.3.1: segment {msn} lasts {duration} us"));
            }
            let sum: u64 = segment.parts.iter().map(|part| part.duration_us).sum();
            let slack = ROUNDING_US * (segment.parts.len() as u64 + 1);
            if !segment.parts.is_empty() && sum.abs_diff(*duration) > slack {
                faults.push(format!("segment {msn} lasts {duration} us, its parts {sum} us"));
            }
        }
        for (index, part) in segment.parts.iter().enumerate() {
            let last = segment.complete.is_some() && index + 1 == segment.parts.len();
            let newest = segment.complete.is_none() && index + 1 == segment.parts.len();
            if part.duration_us > part_target {
                faults.push(format!("§4.4.4.9: part {msn}.{index} lasts {} us", part.duration_us));
            }
            // The newest part of an open segment may turn out to be its last.
            if part.duration_us * 100 < part_target * 85 && !last && !newest {
                faults.push(format!("§4.4.4.9: part {msn}.{index} lasts only {} us", part.duration_us));
            }
        }
        if playlist.independent && segment.parts.first().is_some_and(|part| !part.independent) {
            faults.push(format!("§4.3.5.1: {msn}.0 is not independent in a playlist of independent segments"));
        }
    }
    faults
}

/// EXT-X-PROGRAM-DATE-TIME goes with the durations, within a discontinuity.
fn clocks(playlist: &Playlist) -> Vec<String> {
    let mut faults = Vec::new();
    for pair in playlist.segments.windows(2) {
        let [one, two] = pair else { continue };
        let (Some(from), Some(to)) = (one.wall, two.wall) else { continue };
        let off = to - from - i64::try_from(one.duration_us() / 1_000).unwrap_or(i64::MAX);
        if one.discontinuity_sequence == two.discontinuity_sequence && off.abs() > CLOCK_MS {
            faults.push(format!("EXT-X-PROGRAM-DATE-TIME of {} is {off} ms off", two.msn));
        }
    }
    faults
}

/// §6.2.1: what may not change from one reload to the next.
fn same_header(first: &Playlist, now: &Playlist) -> Vec<String> {
    let stable = |playlist: &Playlist| {
        (
            playlist.version,
            playlist.target_us,
            playlist.part_target_us,
            playlist.can_block,
            playlist.can_skip_until_us,
            playlist.hold_back_us,
            playlist.part_hold_back_us,
            playlist.playlist_type.clone(),
        )
    };
    if stable(first) == stable(now) {
        return Vec::new();
    }
    vec![format!("§6.2.1: the header changed from {:?} to {:?}", stable(first), stable(now))]
}

/// Numbers only grow, and nothing is taken away early.
fn progress(before: &Playlist, now: &Playlist) -> Vec<String> {
    let mut faults = Vec::new();
    if now.media_sequence < before.media_sequence {
        faults.push(format!("§6.2.2: EXT-X-MEDIA-SEQUENCE from {} to {}", before.media_sequence, now.media_sequence));
    }
    if now.discontinuity_sequence < before.discontinuity_sequence {
        faults.push("§6.2.2: EXT-X-DISCONTINUITY-SEQUENCE went back".to_owned());
    }
    if now.next() < before.next() && !now.ended {
        faults.push(format!("the end went back from {:?} to {:?}", before.next(), now.next()));
    }
    // §6.2.2: not removed while the rest is shorter than three target durations.
    if now.media_sequence > before.media_sequence && now.duration_us() < 3 * now.target_us && !now.ended {
        faults.push(format!("§6.2.2: a segment was removed and {} us are left", now.duration_us()));
    }
    if before.ended && now != before {
        faults.push("§6.2.1: changed after EXT-X-ENDLIST".to_owned());
    }
    faults
}

/// §6.2.5.1 / §4.4.5.3: what was hinted is what came.
fn hint_kept(before: &Playlist, now: &Playlist) -> Vec<String> {
    let Some(hint) = &before.hint else { return Vec::new() };
    let (msn, part) = before.next();
    let listed = |msn: u64, part: u64| {
        let segment = now.segments.iter().find(|segment| segment.msn == msn)?;
        segment.parts.get(usize::try_from(part).ok()?).map(|part| part.uri.as_str())
    };
    // `docs/spec/hls.md`, deviation 3: where the segment ended before it, a hint comes to nothing.
    let ended = now.segments.iter().any(|segment| segment.msn == msn && segment.complete.is_some());
    let came = listed(msn, part).or_else(|| if ended { None } else { listed(msn + 1, 0) });
    match came {
        Some(uri) if uri != hint => vec![format!("§4.4.5.3: {hint} was hinted, {uri} came")],
        None if now.next() == before.next() && !now.ended && now.hint.as_ref() != Some(hint) => {
            vec![format!("the hint changed from {hint} to {:?} and nothing came", now.hint)]
        }
        _ => Vec::new(),
    }
}

/// What was listed is listed alike, or with more parts, or without its parts.
fn same_segment(known: &Segment, now: &Segment) -> Vec<String> {
    let mut faults = Vec::new();
    let msn = now.msn;
    if known.complete.is_some() && known.complete != now.complete {
        faults.push(format!("segment {msn} was {:?} and is {:?}", known.complete, now.complete));
    }
    let common = known.parts.len().min(now.parts.len());
    if known.parts[..common] != now.parts[..common] {
        faults.push(format!("parts of {msn} changed from {:?} to {:?}", known.parts, now.parts));
    }
    if known.complete.is_some() && now.parts.len() > common {
        faults.push(format!("complete segment {msn} got another part"));
    }
    if known.complete.is_none() && now.complete.is_none() && now.parts.len() < known.parts.len() {
        faults.push(format!("open segment {msn} lost a part"));
    }
    let fixed = |segment: &Segment| (segment.map.clone(), segment.wall, segment.discontinuity_sequence, segment.gap);
    if fixed(known) != fixed(now) {
        faults.push(format!("segment {msn} was {:?} and is {:?}", fixed(known), fixed(now)));
    }
    faults
}

/// §6.2.5.1: a delta update and the playlist before it make the full playlist. Answers it.
///
/// # Errors
/// What does not fit.
pub fn with_delta(before: &Playlist, delta: &Playlist) -> Result<Playlist, String> {
    if delta.skipped == 0 {
        return Ok(delta.clone());
    }
    let skipped = delta.media_sequence..delta.media_sequence + delta.skipped;
    let mut full = Playlist { skipped: 0, ..delta.clone() };
    let kept: Vec<Segment> = before.segments.iter().filter(|segment| skipped.contains(&segment.msn)).cloned().collect();
    if kept.len() as u64 != delta.skipped {
        return Err(format!("{} segments are skipped, {} of them are known", delta.skipped, kept.len()));
    }
    let boundary = delta.can_skip_until_us.ok_or("EXT-X-SKIP without CAN-SKIP-UNTIL")?;
    // Earlier than the boundary is what begins before it.
    let across = kept.last().map_or(0, Segment::duration_us);
    let beyond: u64 = delta.segments.iter().map(Segment::duration_us).sum::<u64>() + across;
    if beyond < boundary {
        return Err(format!("§4.4.5.2: skipped up to {beyond} us before the end, the boundary is {boundary} us"));
    }
    // A delta update repeats no EXT-X-MAP and no discontinuity that lie before the boundary.
    let (map, sequence) = kept.last().map_or((None, 0), |last| (last.map.clone(), last.discontinuity_sequence));
    let base = sequence.saturating_sub(delta.discontinuity_sequence);
    for segment in &mut full.segments {
        segment.map = segment.map.take().or_else(|| map.clone());
        segment.discontinuity_sequence += base;
    }
    full.segments.splice(0..0, kept);
    Ok(full)
}

#[cfg(test)]
mod tests;
