//! Reading HLS media playlists strictly: an unknown tag, a missing value or a tag out of place is an error, not a shrug.
//!
//! Spec: draft-pantos-hls-rfc8216bis §4. Not the packager's own writer turned around: this side is written from the standard.

use media::UnixMillis;

/// A part that the playlist lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Address.
    pub uri: String,
    /// DURATION in microseconds.
    pub duration_us: u64,
    /// INDEPENDENT=YES.
    pub independent: bool,
}

/// A segment, or the beginning of one that is not complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Media sequence number.
    pub msn: u64,
    /// EXTINF in microseconds and address; `None` while it is not complete.
    pub complete: Option<(u64, String)>,
    /// Parts that are listed.
    pub parts: Vec<Part>,
    /// EXT-X-MAP in force.
    pub map: Option<String>,
    /// EXT-X-PROGRAM-DATE-TIME, where given.
    pub wall: Option<i64>,
    /// Discontinuities before it since the stream began.
    pub discontinuity_sequence: u64,
    /// EXT-X-GAP.
    pub gap: bool,
}

impl Segment {
    /// How long it is as far as it is listed, in microseconds.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        let parts = || self.parts.iter().map(|part| part.duration_us).sum();
        self.complete.as_ref().map_or_else(parts, |(duration, _)| *duration)
    }
}

/// EXT-X-RENDITION-REPORT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// URI.
    pub uri: String,
    /// LAST-MSN.
    pub last_msn: u64,
    /// LAST-PART.
    pub last_part: Option<u64>,
}

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Playlist {
    /// EXT-X-VERSION.
    pub version: u64,
    /// EXT-X-TARGETDURATION in microseconds.
    pub target_us: u64,
    /// PART-TARGET in microseconds.
    pub part_target_us: Option<u64>,
    /// CAN-BLOCK-RELOAD.
    pub can_block: bool,
    /// CAN-SKIP-UNTIL in microseconds.
    pub can_skip_until_us: Option<u64>,
    /// HOLD-BACK in microseconds.
    pub hold_back_us: Option<u64>,
    /// PART-HOLD-BACK in microseconds.
    pub part_hold_back_us: Option<u64>,
    /// EXT-X-MEDIA-SEQUENCE.
    pub media_sequence: u64,
    /// EXT-X-DISCONTINUITY-SEQUENCE.
    pub discontinuity_sequence: u64,
    /// EXT-X-PLAYLIST-TYPE.
    pub playlist_type: Option<String>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent: bool,
    /// SKIPPED-SEGMENTS.
    pub skipped: u64,
    /// Segments; the last one may not be complete.
    pub segments: Vec<Segment>,
    /// EXT-X-PRELOAD-HINT of a part.
    pub hint: Option<String>,
    /// EXT-X-RENDITION-REPORT.
    pub reports: Vec<Report>,
    /// EXT-X-ENDLIST.
    pub ended: bool,
}

impl Playlist {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::default();
        let mut lines = text.lines();
        if lines.next() != Some("#EXTM3U") {
            return Err("does not begin with #EXTM3U".to_owned());
        }
        for line in lines {
            reader.line(line).map_err(|why| format!("{why}: {line:?}"))?;
        }
        reader.finish()
    }

    /// Listed media in microseconds.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        self.segments.iter().map(Segment::duration_us).sum()
    }

    /// Media sequence number and index of the newest part, or of the newest segment if it has no parts.
    #[must_use]
    pub fn last(&self) -> Option<(u64, Option<u64>)> {
        let last = self.segments.last()?;
        Some((last.msn, (last.parts.len() as u64).checked_sub(1)))
    }

    /// The position that the next part will have: what a player asks for next.
    #[must_use]
    pub fn next(&self) -> (u64, u64) {
        match self.segments.last() {
            Some(open) if open.complete.is_none() => (open.msn, open.parts.len() as u64),
            Some(last) => (last.msn + 1, 0),
            None => (self.media_sequence, 0),
        }
    }
}

#[derive(Default)]
struct Reader {
    playlist: Playlist,
    open: Segment,
    open_begun: bool,
    extinf: Option<u64>,
    map: Option<String>,
    discontinuities: u64,
    counted: u64,
    seen: Vec<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if self.playlist.ended && !line.is_empty() {
            return Err("after EXT-X-ENDLIST".to_owned());
        }
        let Some(tag) = line.strip_prefix('#') else {
            return if line.is_empty() { Err("empty line".to_owned()) } else { self.uri(line) };
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        if self.header(name, value)? {
            return Ok(());
        }
        match name {
            "EXTINF" => {
                self.begin();
                self.extinf = Some(micros(value.trim_end_matches(','))?);
            }
            "EXT-X-PART" => self.part(&attributes(value)?)?,
            "EXT-X-MAP" => {
                self.begin();
                self.map = Some(text(&attributes(value)?, "URI")?);
            }
            "EXT-X-PROGRAM-DATE-TIME" => {
                self.begin();
                self.open.wall = Some(date(value)?);
            }
            "EXT-X-DISCONTINUITY" => {
                self.begin();
                self.discontinuities += 1;
            }
            "EXT-X-GAP" => {
                self.begin();
                self.open.gap = true;
            }
            "EXT-X-SKIP" => {
                if !self.playlist.segments.is_empty() || self.playlist.skipped > 0 {
                    return Err("EXT-X-SKIP is not first".to_owned());
                }
                self.playlist.skipped = number(&text(&attributes(value)?, "SKIPPED-SEGMENTS")?)?;
                self.counted = self.playlist.skipped;
            }
            "EXT-X-PRELOAD-HINT" => self.hint(&attributes(value)?)?,
            "EXT-X-RENDITION-REPORT" => {
                let attributes = attributes(value)?;
                let last_part = find(&attributes, "LAST-PART").map(number).transpose()?;
                let (uri, last_msn) = (text(&attributes, "URI")?, number(&text(&attributes, "LAST-MSN")?)?);
                self.playlist.reports.push(Report { uri, last_msn, last_part });
            }
            "EXT-X-ENDLIST" => self.playlist.ended = true,
            _ => return Err("unknown tag".to_owned()),
        }
        Ok(())
    }

    /// Tags that stand once above the segments. True if `name` is one.
    fn header(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let playlist = &mut self.playlist;
        match name {
            "EXT-X-VERSION" => playlist.version = number(value)?,
            "EXT-X-TARGETDURATION" => playlist.target_us = number(value)? * 1_000_000,
            "EXT-X-MEDIA-SEQUENCE" => playlist.media_sequence = number(value)?,
            "EXT-X-DISCONTINUITY-SEQUENCE" => playlist.discontinuity_sequence = number(value)?,
            "EXT-X-PLAYLIST-TYPE" => playlist.playlist_type = Some(value.to_owned()),
            "EXT-X-INDEPENDENT-SEGMENTS" => playlist.independent = true,
            "EXT-X-PART-INF" => playlist.part_target_us = Some(micros(&text(&attributes(value)?, "PART-TARGET")?)?),
            "EXT-X-SERVER-CONTROL" => {
                let attributes = attributes(value)?;
                let span = |name| find(&attributes, name).map(micros).transpose();
                playlist.can_block = find(&attributes, "CAN-BLOCK-RELOAD") == Some("YES");
                playlist.can_skip_until_us = span("CAN-SKIP-UNTIL")?;
                playlist.hold_back_us = span("HOLD-BACK")?;
                playlist.part_hold_back_us = span("PART-HOLD-BACK")?;
            }
            _ => return Ok(false),
        }
        if !playlist.segments.is_empty() || self.open_begun {
            return Err("below a segment".to_owned());
        }
        if self.seen.iter().any(|seen| seen == name) {
            return Err("twice".to_owned());
        }
        self.seen.push(name.to_owned());
        Ok(true)
    }

    fn begin(&mut self) {
        self.open_begun = true;
    }

    fn part(&mut self, attributes: &[(String, String)]) -> Result<(), String> {
        self.begin();
        if self.playlist.hint.is_some() {
            return Err("a part behind the hint".to_owned());
        }
        self.open.parts.push(Part {
            uri: text(attributes, "URI")?,
            duration_us: micros(&text(attributes, "DURATION")?)?,
            independent: find(attributes, "INDEPENDENT") == Some("YES"),
        });
        Ok(())
    }

    fn hint(&mut self, attributes: &[(String, String)]) -> Result<(), String> {
        if text(attributes, "TYPE")? != "PART" || self.playlist.hint.is_some() {
            return Err("one hint of a part is expected".to_owned());
        }
        self.playlist.hint = Some(text(attributes, "URI")?);
        Ok(())
    }

    fn uri(&mut self, uri: &str) -> Result<(), String> {
        let duration = self.extinf.take().ok_or("a URI without EXTINF")?;
        self.open.complete = Some((duration, uri.to_owned()));
        self.push();
        Ok(())
    }

    fn push(&mut self) {
        let mut segment = std::mem::take(&mut self.open);
        segment.msn = self.playlist.media_sequence + self.counted;
        segment.map = self.map.clone();
        segment.discontinuity_sequence = self.playlist.discontinuity_sequence + self.discontinuities;
        self.playlist.segments.push(segment);
        self.counted += 1;
        self.open_begun = false;
    }

    fn finish(mut self) -> Result<Playlist, String> {
        if self.extinf.is_some() {
            return Err("EXTINF without a URI".to_owned());
        }
        if !self.open.parts.is_empty() {
            self.push();
        } else if self.open_begun {
            return Err("tags of a segment that does not come".to_owned());
        }
        for required in ["EXT-X-TARGETDURATION", "EXT-X-VERSION"] {
            if !self.seen.iter().any(|seen| seen == required) {
                return Err(format!("{required} is missing"));
            }
        }
        Ok(self.playlist)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// Decimal seconds in microseconds.
fn micros(text: &str) -> Result<u64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text:?} is no time"));
    }
    let micros = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<6}"))? };
    Ok(number(whole)? * 1_000_000 + micros)
}

/// `2026-11-21T12:00:00.000Z` in Unix milliseconds.
fn date(text: &str) -> Result<i64, String> {
    let bad = || format!("{text:?} is no time in UTC");
    let digits = text.strip_suffix('Z').ok_or_else(bad)?;
    let fields: Vec<i64> =
        digits.split(['-', 'T', ':', '.']).map(|field| field.parse().map_err(|_| bad())).collect::<Result<_, _>>()?;
    let &[year, month, day, hour, minute, second, milli] = fields.as_slice() else { return Err(bad()) };
    // Days from 1970-03-01-based years, as in "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant).
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let millis = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + milli;
    // The other way round by the code that stamps them: two opinions that must agree.
    if UnixMillis(millis).to_string() == text { Ok(millis) } else { Err(bad()) }
}

/// `NAME=value,NAME="value, too"`.
fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("an attribute without a value")?;
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("an open quote")?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if find(&found, name).is_some() {
            return Err(format!("{name} twice"));
        }
        found.push((name.to_owned(), value.to_owned()));
        rest = match left.strip_prefix(',') {
            Some("") => return Err("a comma at the end".to_owned()),
            Some(more) => more,
            None if left.is_empty() => "",
            None => return Err("no comma between attributes".to_owned()),
        };
    }
    Ok(found)
}

fn find<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn text(attributes: &[(String, String)], name: &str) -> Result<String, String> {
    find(attributes, name).map(str::to_owned).ok_or_else(|| format!("{name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const LIVE: &str = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.0,HOLD-BACK=12.0,PART-HOLD-BACK=0.66\n\
        #EXT-X-PART-INF:PART-TARGET=0.22\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-MAP:URI=\"s/video/init-0.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:58:49.000Z\n\
        #EXT-X-PART:DURATION=0.2,URI=\"s/video/100.0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.1,URI=\"s/video/100.1.m4s\"\n\
        #EXTINF:0.3,\ns/video/100.m4s\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:58:49.300Z\n\
        #EXT-X-PART:DURATION=0.2,URI=\"s/video/101.0.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s/video/101.1.m4s\"\n\
        #EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\",LAST-MSN=101,LAST-PART=0\n";

    #[test]
    fn a_live_playlist_is_read_whole() {
        let playlist = Playlist::parse(LIVE).expect("right");
        assert_eq!((playlist.version, playlist.target_us, playlist.part_target_us), (9, 4_000_000, Some(220_000)));
        assert_eq!(playlist.segments.len(), 2);
        assert_eq!(playlist.segments[0].complete, Some((300_000, "s/video/100.m4s".to_owned())));
        assert_eq!(playlist.segments[0].wall, Some(1_795_265_929_000));
        assert_eq!((playlist.segments[1].msn, playlist.segments[1].complete.as_ref()), (101, None));
        assert_eq!(playlist.next(), (101, 1));
        assert_eq!(playlist.last(), Some((101, Some(0))));
        assert_eq!(playlist.duration_us(), 500_000);
        assert_eq!(playlist.reports[0].last_part, Some(0));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (from, to) in [
            ("#EXTM3U\n", ""),
            ("#EXT-X-TARGETDURATION:4\n", ""),
            ("#EXT-X-VERSION:9\n", "#EXT-X-VERSION:9\n#EXT-X-VERSION:9\n"),
            ("#EXTINF:0.3,\n", ""),
            ("s/video/100.m4s\n", ""),
            ("#EXT-X-PART-INF", "#EXT-X-PRAT-INF"),
            ("49.300Z", "49.300"),
            ("DURATION=0.1,", ""),
            ("URI=\"s/video/101.1.m4s\"", "URI=\"s/video/101.1.m4s"),
            ("LAST-MSN=101", "LAST-MSN=-1"),
        ] {
            assert!(LIVE.contains(from), "{from}");
            assert!(Playlist::parse(&LIVE.replacen(from, to, 1)).is_err(), "{from:?} as {to:?}");
        }
        assert!(Playlist::parse(&format!("{LIVE}#EXT-X-ENDLIST\n#EXTINF:1.0,\nx\n")).is_err());
    }
}
