//! A player that asks as RFC 8216bis lets it, and holds every answer to the rules.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use formats::container::cmaf;

use super::{Follower, with_delta};
use crate::http::{self, Response};
use crate::playlist::Playlist;
use crate::server::Server;

/// Between the moment that a part is due and its answer: the test's own threads share two cores with encoders.
const LATE: Duration = Duration::from_millis(1_500);

/// What following a rendition came to.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub faults: Vec<String>,
    /// Blocking reloads that were answered with a new part.
    pub reloads: usize,
    /// Delta updates that made the full playlist.
    pub deltas: usize,
    /// Segments that were held against their parts.
    pub segments: usize,
    /// Parts that were fetched by their hint, before they existed.
    pub hinted: usize,
    /// Rendition reports held against the rendition.
    pub reports: usize,
}

/// Follows one rendition with blocking reloads for as long as `time`.
///
/// # Panics
/// When the server does not answer.
#[must_use]
pub fn follow(server: &Server, channel: &str, track: &str, time: Duration) -> Report {
    let mut player =
        Player { server, folder: format!("/{channel}/"), track, report: Report::default(), checked: BTreeMap::new() };
    let mut follower = Follower::default();
    let start = Instant::now();
    let first = player.playlist("");
    player.see(&mut follower, first, None);
    while start.elapsed() < time {
        let Some(newest) = follower.newest().cloned() else { break };
        let (msn, part) = newest.next();
        player.hinted_part(&newest);
        let asked = Instant::now();
        let answer = player.playlist(&format!("?_HLS_msn={msn}&_HLS_part={part}"));
        if asked.elapsed() > Duration::from_micros(newest.part_target_us.unwrap_or(0)) + LATE {
            player.fault(format!("{msn}.{part} was answered after {:?}", asked.elapsed()));
        }
        player.report.reloads += 1;
        player.see(&mut follower, answer, Some((msn, part)));
        player.delta(&newest, (msn, part), &follower);
        player.rendition_reports(&follower);
        player.segments(&follower);
    }
    player.report
}

struct Player<'a> {
    server: &'a Server,
    folder: String,
    track: &'a str,
    report: Report,
    /// Segments held against their parts, and where their media ends, in ticks.
    checked: BTreeMap<u64, u64>,
}

impl Player<'_> {
    fn fault(&mut self, fault: String) {
        self.report.faults.push(format!("{}: {fault}", self.track));
    }

    fn get(&self, uri: &str) -> Response {
        self.server.get(&format!("{}{uri}", self.folder))
    }

    fn playlist(&mut self, query: &str) -> Option<Playlist> {
        let response = self.get(&format!("{}.m3u8{query}", self.track));
        if response.status != 200 {
            self.fault(format!("{query} is answered with {}: {}", response.status, response.text()));
            return None;
        }
        match Playlist::parse(&response.text()) {
            Ok(playlist) => Some(playlist),
            Err(why) => {
                self.fault(format!("{query}: {why}"));
                None
            }
        }
    }

    fn see(&mut self, follower: &mut Follower, playlist: Option<Playlist>, asked: Option<(u64, u64)>) {
        if let Some(playlist) = playlist {
            for fault in follower.see(playlist, asked) {
                self.fault(fault);
            }
        }
    }

    /// §6.2.5.1: a hinted part may be asked for before it exists, and comes when it does.
    fn hinted_part(&mut self, newest: &Playlist) {
        let Some(hint) = newest.hint.clone().filter(|_| self.report.reloads % 8 == 3) else { return };
        let response = self.get(&hint);
        let known = newest.next();
        let Some(after) = self.playlist("") else { return };
        // Deviation 3: the segment ended before the part that was hinted.
        let ended = after.segments.iter().any(|segment| segment.msn == known.0 && segment.complete.is_some());
        if response.status == 404 && ended {
            return;
        }
        if response.status != 200 {
            return self.fault(format!("hinted {hint} is answered with {}", response.status));
        }
        self.report.hinted += 1;
        let listed = after.segments.iter().flat_map(|segment| &segment.parts).any(|part| part.uri == hint);
        if !listed {
            self.fault(format!("{hint} came and is not listed behind {known:?}"));
        }
    }

    /// A delta update for the same position makes the same playlist.
    fn delta(&mut self, before: &Playlist, (msn, part): (u64, u64), follower: &Follower) {
        let Some(delta) = self.playlist(&format!("?_HLS_msn={msn}&_HLS_part={part}&_HLS_skip=YES")) else { return };
        let full = match with_delta(before, &delta) {
            Ok(full) => full,
            Err(why) => return self.fault(format!("delta update: {why}")),
        };
        // Only answers about the same moment can be held against each other.
        let Some(newest) = follower.newest().filter(|newest| newest.next() == full.next()) else { return };
        let bare = |playlist: &Playlist| {
            let mut bare = Playlist { reports: Vec::new(), ..playlist.clone() };
            // Parts further back than three target durations may be listed or not.
            let keep = bare.segments.len().saturating_sub(4);
            bare.segments.iter_mut().take(keep).for_each(|segment| segment.parts.clear());
            bare
        };
        if bare(&full) != bare(newest) {
            self.fault(format!("a delta update makes {full:#?} of {newest:#?}"));
        } else if delta.skipped > 0 {
            self.report.deltas += 1;
        }
    }

    /// §4.4.5.4: what one playlist says of another is what the other says.
    fn rendition_reports(&mut self, follower: &Follower) {
        let Some(newest) = follower.newest().cloned() else { return };
        for said in newest.reports {
            let response = self.get(&said.uri);
            let Ok(other) = Playlist::parse(&response.text()) else {
                self.fault(format!("the reported {} is answered with {}", said.uri, response.status));
                continue;
            };
            let reported = (said.last_msn, said.last_part.map_or(0, |part| part + 1));
            // The other has gone on since, by less than this player needs for a round.
            let (msn, part) = other.next();
            let ahead = (msn, part) >= reported || (msn == said.last_msn + 1 && part == 0);
            if !ahead || msn > said.last_msn + 2 {
                self.fault(format!("{} is reported at {reported:?} and is at {:?}", said.uri, other.next()));
            }
            self.report.reports += 1;
        }
    }

    /// §6.2.5.1 and CMAF: a segment is its parts, byte for byte, and its media goes on where the one before ended.
    fn segments(&mut self, follower: &Follower) {
        let complete: Vec<_> =
            follower.complete().filter(|segment| !self.checked.contains_key(&segment.msn)).cloned().collect();
        for segment in complete {
            let Some((_, uri)) = &segment.complete else { continue };
            let whole = self.get(uri);
            let mut joined = Vec::new();
            for part in &segment.parts {
                let response = self.get(&part.uri);
                if response.status != 200 {
                    self.fault(format!("{} is answered with {}", part.uri, response.status));
                }
                joined.extend(response.body);
            }
            if whole.status != 200 || whole.body != joined {
                self.fault(format!(
                    "{uri} ({}, {} bytes) is not its parts ({} bytes)",
                    whole.status,
                    whole.body.len(),
                    joined.len()
                ));
            }
            self.media(segment.msn, segment.duration_us(), &whole.body);
            self.report.segments += 1;
        }
    }

    fn media(&mut self, msn: u64, duration_us: u64, bytes: &[u8]) {
        let Ok(fragments) = cmaf::parse_fragments(bytes) else {
            return self.fault(format!("segment {msn} is no CMAF"));
        };
        let mut at = fragments.first().map(|fragment| fragment.base_decode_time);
        if let (Some(at), Some(before)) = (at, msn.checked_sub(1).and_then(|before| self.checked.get(&before)).copied())
            && at != before
        {
            self.fault(format!("segment {msn} begins at {at}, the one before ends at {before}"));
        }
        let start = at.unwrap_or(0);
        for fragment in &fragments {
            if Some(fragment.base_decode_time) != at {
                self.fault(format!("a fragment of {msn} begins at {}, not at {at:?}", fragment.base_decode_time));
            }
            let length: u64 = fragment.samples.iter().map(|sample| u64::from(sample.duration)).sum();
            at = Some(fragment.base_decode_time + length);
        }
        let end = at.unwrap_or(0);
        let hz = if self.track.starts_with("video") { 90_000 } else { 48_000 };
        let lasts = (end - start) * 1_000_000 / hz;
        if lasts.abs_diff(duration_us) > 1_000 {
            self.fault(format!("segment {msn} holds {lasts} us and is listed with {duration_us} us"));
        }
        self.checked.insert(msn, end);
    }
}

/// Holds what stands around the bytes to what caches, browsers and players need. Answers what is wrong.
///
/// # Panics
/// When the server does not answer.
#[must_use]
pub fn headers(server: &Server, channel: &str) -> Vec<String> {
    let folder = format!("/{channel}/");
    let mut faults = Vec::new();
    let text = server.get(&format!("{folder}video.m3u8")).text();
    let playlist = Playlist::parse(&text).expect("a right playlist");
    let segment = playlist.segments.iter().find(|segment| segment.complete.is_some() && !segment.parts.is_empty());
    let segment = segment.expect("a complete segment");
    let map = segment.map.clone().expect("a map");
    let (_, whole) = segment.complete.clone().expect("complete");
    let objects = [
        ("master.m3u8".to_owned(), "application/vnd.apple.mpegurl", false),
        ("video.m3u8".to_owned(), "application/vnd.apple.mpegurl", false),
        (map, "video/mp4", true),
        (whole, "video/mp4", true),
        (segment.parts[0].uri.clone(), "video/mp4", true),
    ];
    for (uri, mime, immutable) in objects {
        let path = format!("{folder}{uri}");
        let ask = |method: &str, headers: &[(&str, &str)]| {
            http::request(server.address("http"), method, &path, headers).expect("an answer")
        };
        let get = ask("GET", &[]);
        let head = ask("HEAD", &[]);
        let mut must = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{uri}: {what}: {:?}", get.headers));
            }
        };
        must(get.status == 200 && head.status == 200, "status");
        must(get.header("content-type") == Some(mime), "type");
        must(get.header("access-control-allow-origin") == Some("*"), "CORS");
        let cache = get.header("cache-control").unwrap_or_default();
        must(cache.contains("immutable") == immutable && cache.contains("max-age"), "cache");
        must(head.header("content-length").is_some() && head.header("content-type") == Some(mime), "HEAD");
        if immutable {
            must(head.header("content-length") == Some(get.body.len().to_string().as_str()), "HEAD length");
            let range = ask("GET", &[("Range", "bytes=4-7")]);
            must(range.status == 206 && get.body.get(4..8) == Some(&range.body), "range");
        } else {
            let packed = ask("GET", &[("Accept-Encoding", "br, gzip;q=0.8")]);
            let gzip = packed.header("content-encoding") == Some("gzip");
            // What fits into one packet is not worth packing.
            must((gzip || packed.body.len() < 1_000) && packed.decoded_text().starts_with("#EXTM3U"), "gzip");
            must(packed.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")), "vary");
            must(get.header("content-encoding").is_none(), "not packed for those who do not ask");
        }
        let preflight = ask("OPTIONS", &[("Origin", "https://example.org"), ("Access-Control-Request-Method", "GET")]);
        must(
            preflight.status == 204
                && preflight.header("access-control-allow-methods").is_some_and(|m| m.contains("GET")),
            "OPTIONS",
        );
    }
    let (msn, _) = playlist.next();
    for query in [
        format!("_HLS_msn={}", msn + 3),
        format!("_HLS_msn={}&_HLS_part=0", msn + 50),
        format!("_HLS_msn={msn}&_HLS_part=200"),
        "_HLS_part=3".to_owned(),
        "_HLS_msn=x".to_owned(),
    ] {
        let asked = Instant::now();
        let response = server.get(&format!("{folder}video.m3u8?{query}"));
        // §6.2.5.2.
        if response.status != 400 || asked.elapsed() > Duration::from_secs(1) {
            faults.push(format!("{query}: {} after {:?}", response.status, asked.elapsed()));
        }
        if response.header("access-control-allow-origin") != Some("*") {
            faults.push(format!("{query}: a refusal that no page can read"));
        }
    }
    faults
}
