//! HLS playlists, as text.
//!
//! Spec: draft-pantos-hls-rfc8216bis §4 (tags), and the community's LHLS tags (hls.js RFC 0001). Writing only. Values are
//! written as given, but for what would end a quoted string or a line: in URIs and names, `"` and control characters are
//! percent-encoded.

use std::fmt::{self, Display, Write};

use media::UnixMillis;

/// A span of time in microseconds: the precision of every decimal in a playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub u64);

impl Micros {
    /// From ticks of `1/hz` seconds, rounded to the nearest microsecond. Negative counts as zero.
    #[must_use]
    pub fn from_ticks(ticks: media::Ticks, scale: media::Timescale) -> Self {
        let ticks = u128::try_from(ticks.0).unwrap_or(0);
        let hz = u128::from(scale.hz());
        Self(u64::try_from((ticks * 1_000_000 + hz / 2) / hz).unwrap_or(u64::MAX))
    }

    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }
}

/// Seconds with as many decimals as are not zero, at least one: `2.0`, `0.19991`.
impl Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, mut fraction, mut width) = (self.0 / 1_000_000, self.0 % 1_000_000, 6);
        while width > 1 && fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        write!(f, "{seconds}.{fraction:0width$}")
    }
}

/// EXT-X-SERVER-CONTROL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerControl {
    /// CAN-BLOCK-RELOAD.
    pub can_block_reload: bool,
    /// CAN-SKIP-UNTIL.
    pub can_skip_until: Option<Micros>,
    /// HOLD-BACK.
    pub hold_back: Option<Micros>,
    /// PART-HOLD-BACK.
    pub part_hold_back: Option<Micros>,
}

/// EXT-X-PLAYLIST-TYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaylistType {
    /// Only grows.
    Event,
    /// Never changes.
    Vod,
}

/// What stands above the segments of a media playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaHeader {
    /// EXT-X-VERSION.
    pub version: u8,
    /// EXT-X-TARGETDURATION, seconds.
    pub target_duration_s: u32,
    /// EXT-X-SERVER-CONTROL.
    pub server_control: Option<ServerControl>,
    /// PART-TARGET of EXT-X-PART-INF.
    pub part_target: Option<Micros>,
    /// EXT-X-MEDIA-SEQUENCE.
    pub media_sequence: u64,
    /// EXT-X-DISCONTINUITY-SEQUENCE; not written when zero.
    pub discontinuity_sequence: u64,
    /// EXT-X-PLAYLIST-TYPE.
    pub playlist_type: Option<PlaylistType>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
}

/// One entry of a media playlist. `U` writes a URI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<U> {
    /// EXT-X-SKIP: so many segments are left out.
    Skip(u64),
    /// EXT-X-DISCONTINUITY.
    Discontinuity,
    /// EXT-X-MAP.
    Map(U),
    /// EXT-X-PROGRAM-DATE-TIME.
    ProgramDateTime(UnixMillis),
    /// EXT-X-GAP: the next segment is not there.
    Gap,
    /// EXT-X-PART.
    Part {
        /// DURATION.
        duration: Micros,
        /// URI.
        uri: U,
        /// INDEPENDENT.
        independent: bool,
    },
    /// EXTINF and URI.
    Segment {
        /// Duration.
        duration: Micros,
        /// URI.
        uri: U,
    },
    /// EXT-X-PRELOAD-HINT of type PART.
    PreloadHint(U),
    /// EXT-X-RENDITION-REPORT.
    RenditionReport {
        /// URI of the other playlist.
        uri: U,
        /// LAST-MSN.
        last_msn: u64,
        /// LAST-PART.
        last_part: Option<u32>,
    },
    /// EXT-X-PREFETCH: a segment that is being made (LHLS).
    Prefetch(U),
    /// EXT-X-PREFETCH-DISCONTINUITY.
    PrefetchDiscontinuity,
    /// EXT-X-ENDLIST.
    EndList,
}

/// Appends the tags above the segments.
pub fn write_header(out: &mut String, header: &MediaHeader) {
    let _ = try_write_header(out, header); // a `String` takes everything
}

fn try_write_header(out: &mut String, header: &MediaHeader) -> fmt::Result {
    writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{}", header.version)?;
    writeln!(out, "#EXT-X-TARGETDURATION:{}", header.target_duration_s)?;
    if let Some(control) = &header.server_control {
        write_server_control(out, control)?;
    }
    if let Some(part_target) = header.part_target {
        writeln!(out, "#EXT-X-PART-INF:PART-TARGET={part_target}")?;
    }
    writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", header.media_sequence)?;
    if header.discontinuity_sequence != 0 {
        writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", header.discontinuity_sequence)?;
    }
    match header.playlist_type {
        Some(PlaylistType::Event) => writeln!(out, "#EXT-X-PLAYLIST-TYPE:EVENT")?,
        Some(PlaylistType::Vod) => writeln!(out, "#EXT-X-PLAYLIST-TYPE:VOD")?,
        None => {}
    }
    if header.independent_segments {
        writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    Ok(())
}

fn write_server_control(out: &mut String, control: &ServerControl) -> fmt::Result {
    let mut separator = ':';
    let mut attribute = |out: &mut String, name: &str, value: &dyn Display| {
        let written = write!(out, "{separator}{name}={value}");
        separator = ',';
        written
    };
    if *control == ServerControl::default() {
        return Ok(());
    }
    write!(out, "#EXT-X-SERVER-CONTROL")?;
    if control.can_block_reload {
        attribute(out, "CAN-BLOCK-RELOAD", &"YES")?;
    }
    for (name, value) in [
        ("CAN-SKIP-UNTIL", control.can_skip_until),
        ("HOLD-BACK", control.hold_back),
        ("PART-HOLD-BACK", control.part_hold_back),
    ] {
        if let Some(value) = value {
            attribute(out, name, &value)?;
        }
    }
    writeln!(out)
}

/// Appends one entry.
pub fn write_item<U: Display>(out: &mut String, item: &Item<U>) {
    let _ = try_write_item(out, item); // a `String` takes everything
}

fn try_write_item<U: Display>(out: &mut String, item: &Item<U>) -> fmt::Result {
    match item {
        Item::Skip(segments) => writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={segments}"),
        Item::Discontinuity => writeln!(out, "#EXT-X-DISCONTINUITY"),
        Item::Map(uri) => writeln!(out, "#EXT-X-MAP:URI=\"{}\"", Safe(uri)),
        Item::ProgramDateTime(wall) => writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{wall}"),
        Item::Gap => writeln!(out, "#EXT-X-GAP"),
        Item::Part { duration, uri, independent } => {
            let independent = if *independent { ",INDEPENDENT=YES" } else { "" };
            writeln!(out, "#EXT-X-PART:DURATION={duration},URI=\"{}\"{independent}", Safe(uri))
        }
        Item::Segment { duration, uri } => writeln!(out, "#EXTINF:{duration},\n{}", Safe(uri)),
        Item::PreloadHint(uri) => writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"", Safe(uri)),
        Item::RenditionReport { uri, last_msn, last_part } => {
            write!(out, "#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={last_msn}", Safe(uri))?;
            match last_part {
                Some(part) => writeln!(out, ",LAST-PART={part}"),
                None => writeln!(out),
            }
        }
        Item::Prefetch(uri) => writeln!(out, "#EXT-X-PREFETCH:{}", Safe(uri)),
        Item::PrefetchDiscontinuity => writeln!(out, "#EXT-X-PREFETCH-DISCONTINUITY"),
        Item::EndList => writeln!(out, "#EXT-X-ENDLIST"),
    }
}

/// VIDEO-RANGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoRange {
    /// BT.709 and its like.
    Sdr,
    /// Hybrid log-gamma.
    Hlg,
    /// Perceptual quantiser.
    Pq,
}

impl Display for VideoRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sdr => "SDR",
            Self::Hlg => "HLG",
            Self::Pq => "PQ",
        })
    }
}

/// EXT-X-MEDIA of type AUDIO.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioRendition {
    /// GROUP-ID.
    pub group: String,
    /// NAME, unique in its group.
    pub name: String,
    /// DEFAULT.
    pub default: bool,
    /// CHANNELS: how many.
    pub channels: u8,
    /// URI.
    pub uri: String,
}

/// EXT-X-STREAM-INF and its URI.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// BANDWIDTH, bits per second.
    pub bandwidth_bps: u64,
    /// AVERAGE-BANDWIDTH, bits per second.
    pub average_bandwidth_bps: Option<u64>,
    /// CODECS, comma-separated.
    pub codecs: String,
    /// RESOLUTION: across and down.
    pub resolution: Option<(u32, u32)>,
    /// FRAME-RATE in thousandths.
    pub frame_rate_millihz: Option<u64>,
    /// VIDEO-RANGE.
    pub video_range: Option<VideoRange>,
    /// AUDIO.
    pub audio_group: Option<String>,
    /// URI.
    pub uri: String,
}

/// A multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multivariant {
    /// EXT-X-VERSION.
    pub version: u8,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// Audio renditions.
    pub audio: Vec<AudioRendition>,
    /// Variants, best first.
    pub variants: Vec<Variant>,
}

/// The playlist as text.
#[must_use]
pub fn write_multivariant(playlist: &Multivariant) -> String {
    let mut out = String::with_capacity(512);
    let _ = try_write_multivariant(&mut out, playlist); // a `String` takes everything
    out
}

fn try_write_multivariant(out: &mut String, playlist: &Multivariant) -> fmt::Result {
    writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{}", playlist.version)?;
    if playlist.independent_segments {
        writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    for audio in &playlist.audio {
        let default = if audio.default { "YES" } else { "NO" };
        writeln!(
            out,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{}\",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{}\",URI=\"{}\"",
            Safe(&audio.group),
            Safe(&audio.name),
            audio.channels,
            Safe(&audio.uri)
        )?;
    }
    for variant in &playlist.variants {
        write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={}", variant.bandwidth_bps)?;
        if let Some(average) = variant.average_bandwidth_bps {
            write!(out, ",AVERAGE-BANDWIDTH={average}")?;
        }
        write!(out, ",CODECS=\"{}\"", Safe(&variant.codecs))?;
        if let Some((width, height)) = variant.resolution {
            write!(out, ",RESOLUTION={width}x{height}")?;
        }
        if let Some(rate) = variant.frame_rate_millihz {
            write!(out, ",FRAME-RATE={}.{:03}", rate / 1_000, rate % 1_000)?;
        }
        if let Some(range) = variant.video_range {
            write!(out, ",VIDEO-RANGE={range}")?;
        }
        if let Some(group) = &variant.audio_group {
            write!(out, ",AUDIO=\"{}\"", Safe(group))?;
        }
        writeln!(out, "\n{}", Safe(&variant.uri))?;
    }
    Ok(())
}

/// Writes a value without what would end a quoted string or a line: such characters are percent-encoded.
struct Safe<T>(T);

impl<T: Display> Display for Safe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(SafeWriter(f), "{}", self.0)
    }
}

struct SafeWriter<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for SafeWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let unsafe_char = |c: char| c == '"' || c.is_control();
        let mut rest = text;
        while let Some(at) = rest.find(unsafe_char) {
            let (clean, tail) = rest.split_at(at);
            self.0.write_str(clean)?;
            let mut chars = tail.chars();
            if let Some(c) = chars.next() {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    write!(self.0, "%{byte:02X}")?;
                }
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests;
