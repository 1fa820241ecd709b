//! A window on a stream's segments by query: live with a chosen delay, everything so far, or a clip between two times,
//! all over the same segments (the grammar of the serverless platform, `docs/spec/hls.md`).

use std::ops::Range;

use media::UnixMillis;

use super::SegmentEntry;
use super::media::Kind;

/// Most segments that `chunksNumber` may ask for.
const CHUNKS_MAX: usize = 100_000;

/// `liveType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveType {
    /// The newest few.
    #[default]
    Live,
    /// All so far, growing.
    Event,
    /// A finished clip.
    Vod,
}

/// Why a query is refused. The asker is at fault, except for [`QueryError::Empty`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Not one of the three.
    #[error("liveType is none of live, event, vod")]
    LiveType,
    /// Not a number, or out of range.
    #[error("{0} is not a number in its range")]
    Number(&'static str),
    /// The same parameter twice.
    #[error("{0} is given twice")]
    Duplicate(&'static str),
    /// `toEpochS` is not after `fromEpochS`.
    #[error("toEpochS is not after fromEpochS")]
    Order,
    /// No segment lies in the window, or none yet.
    #[error("no segment in this window")]
    Empty,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowQuery {
    /// `liveType`.
    pub live_type: LiveType,
    /// `latency`, seconds: nothing newer than this is listed.
    pub latency_s: Option<u32>,
    /// `chunksNumber`: how many, for live.
    pub chunks_number: Option<usize>,
    /// `chunksLatency`: how many of the newest are left out.
    pub chunks_latency: Option<usize>,
    /// `fromEpochS`: seconds since 1970.
    pub from_s: Option<i64>,
    /// `toEpochS`: seconds since 1970; for vod.
    pub to_s: Option<i64>,
}

/// What holds where the query says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Of `latency`, while the stream lasts.
    pub latency_s: u32,
    /// Of `chunksNumber`.
    pub chunks_number: usize,
}

impl Default for Defaults {
    /// As the platform that the grammar comes from.
    fn default() -> Self {
        Self { latency_s: 20, chunks_number: 3 }
    }
}

/// Segments chosen, and how the list of them behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Places in the slice that was selected from. Not empty.
    pub range: Range<usize>,
    /// How the list behaves.
    pub kind: Kind,
}

impl WindowQuery {
    /// Reads the parameters out of a query string (without question mark). `None` when it has none of them. Others are
    /// passed over; so is `alternateChunkStreamID`, and −1, which stands for "not given" in times.
    ///
    /// # Errors
    /// A parameter of ours that does not say what it may.
    pub fn parse(query: &str) -> Result<Option<Self>, QueryError> {
        let mut out = Self::default();
        let mut seen: [Option<&'static str>; 6] = [None; 6];
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let known: &'static str = match name {
                "liveType" => "liveType",
                "latency" => "latency",
                "chunksNumber" => "chunksNumber",
                "chunksLatency" => "chunksLatency",
                "fromEpochS" => "fromEpochS",
                "toEpochS" => "toEpochS",
                _ => continue,
            };
            if seen.contains(&Some(known)) {
                return Err(QueryError::Duplicate(known));
            }
            if let Some(free) = seen.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(known);
            }
            let count =
                |max: usize| value.parse().ok().filter(|count: &usize| *count <= max).ok_or(QueryError::Number(known));
            match known {
                "liveType" => out.live_type = live_type(value)?,
                "latency" => out.latency_s = Some(value.parse().map_err(|_| QueryError::Number(known))?),
                "chunksNumber" => {
                    out.chunks_number = Some(
                        count(CHUNKS_MAX).and_then(|n| if n == 0 { Err(QueryError::Number(known)) } else { Ok(n) })?,
                    );
                }
                "chunksLatency" => out.chunks_latency = Some(count(CHUNKS_MAX)?),
                "fromEpochS" => out.from_s = epoch(value, known)?,
                _ => out.to_s = epoch(value, known)?,
            }
        }
        match (out.from_s, out.to_s) {
            (Some(from), Some(to)) if to <= from => Err(QueryError::Order),
            _ => Ok(seen.iter().any(Option::is_some).then_some(out)),
        }
    }

    /// Chooses among `entries`, which ascend. `ended`: the stream is over, so there is nothing to hold back from.
    ///
    /// # Errors
    /// [`QueryError::Empty`] when nothing is left.
    pub fn select(
        &self,
        entries: &[SegmentEntry],
        now: UnixMillis,
        ended: bool,
        defaults: &Defaults,
    ) -> Result<Selection, QueryError> {
        let from = self.from_s.map_or(0, |from_s| {
            let from = UnixMillis(from_s.saturating_mul(1_000));
            entries.iter().position(|entry| entry.wall_end() > from).unwrap_or(entries.len())
        });
        let held_back = self.held_back(entries, now, ended, defaults);
        let (range, kind) = match self.live_type {
            LiveType::Live => {
                let count = self.chunks_number.unwrap_or(defaults.chunks_number);
                (from.max(held_back.saturating_sub(count))..held_back, Kind::Live)
            }
            LiveType::Event => (from..held_back, Kind::Event { ended: ended && held_back == entries.len() }),
            LiveType::Vod => {
                let to = self.to_s.map_or(held_back, |to_s| {
                    let to = UnixMillis(to_s.saturating_mul(1_000));
                    let end = entries.iter().rposition(|entry| entry.wall < to).map_or(0, |at| at + 1);
                    end.min(held_back)
                });
                (from..to, Kind::Vod)
            }
        };
        if range.start < range.end { Ok(Selection { range, kind }) } else { Err(QueryError::Empty) }
    }

    /// How many of `entries` may be shown. `latency` wins over `chunksLatency`; the default holds back live and event
    /// lists only, and only where neither was given.
    fn held_back(&self, entries: &[SegmentEntry], now: UnixMillis, ended: bool, defaults: &Defaults) -> usize {
        let by_time = |latency_s: u32| {
            let limit = now.plus_millis(-i64::from(latency_s) * 1_000);
            entries.iter().rposition(|entry| entry.wall_end() <= limit).map_or(0, |at| at + 1)
        };
        match (self.latency_s, self.chunks_latency, self.live_type) {
            (Some(latency_s), _, _) => by_time(latency_s),
            (None, Some(chunks), _) => entries.len().saturating_sub(chunks),
            (None, None, LiveType::Live | LiveType::Event) if !ended => by_time(defaults.latency_s),
            (None, None, LiveType::Live | LiveType::Event | LiveType::Vod) => entries.len(),
        }
    }
}

fn live_type(value: &str) -> Result<LiveType, QueryError> {
    match value {
        "live" => Ok(LiveType::Live),
        "event" => Ok(LiveType::Event),
        "vod" => Ok(LiveType::Vod),
        _ => Err(QueryError::LiveType),
    }
}

fn epoch(value: &str, name: &'static str) -> Result<Option<i64>, QueryError> {
    let seconds: i64 = value.parse().map_err(|_| QueryError::Number(name))?;
    match seconds {
        -1 => Ok(None),
        0.. => Ok(Some(seconds)),
        _ => Err(QueryError::Number(name)),
    }
}

#[cfg(test)]
mod tests;
