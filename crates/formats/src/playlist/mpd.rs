//! DASH media presentation descriptions, as text.
//!
//! Spec: ISO/IEC 23009-1:2022 §5 (MPD, Period, AdaptationSet, SegmentTemplate with SegmentTimeline), Annex K.3 and K.4
//! (latency). Writing only; one representation to an adaptation set. Text is XML-escaped here.

use std::fmt::{self, Display, Write};

use media::UnixMillis;

/// Target and bounds of live latency, `ServiceDescription`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Aimed at, milliseconds.
    pub target_ms: u32,
    /// Never nearer, milliseconds.
    pub min_ms: u32,
    /// Beyond it a player seeks, milliseconds.
    pub max_ms: u32,
}

/// Live or finished.
#[derive(Clone, Debug, PartialEq)]
pub enum Presentation {
    /// `type="dynamic"`.
    Dynamic {
        /// Wall clock of the presentation's zero.
        availability_start: UnixMillis,
        /// When this text was made.
        publish_time: UnixMillis,
        /// How often to ask again, milliseconds.
        minimum_update_ms: u64,
        /// How far back segments are kept, milliseconds.
        time_shift_buffer_ms: u64,
        /// Where to play when nothing else says, milliseconds behind the live edge.
        suggested_delay_ms: u64,
        /// Address that answers with the server's clock as `xs:dateTime`.
        utc_timing: Option<String>,
        /// Low latency.
        latency: Option<Latency>,
    },
    /// `type="static"`.
    Static {
        /// Length, milliseconds.
        duration_ms: u64,
    },
}

/// `MPD`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mpd {
    /// Live or finished.
    pub presentation: Presentation,
    /// `minBufferTime`, milliseconds.
    pub min_buffer_ms: u64,
    /// `maxSegmentDuration`, milliseconds.
    pub max_segment_ms: u64,
    /// In order of time.
    pub periods: Vec<Period>,
}

/// `Period`.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Constant while it is listed.
    pub id: String,
    /// From the presentation's zero, milliseconds.
    pub start_ms: u64,
    /// Length, milliseconds; `None` for the last of a live presentation.
    pub duration_ms: Option<u64>,
    /// One for each track.
    pub sets: Vec<AdaptationSet>,
}

/// Media of a track, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Pictures.
    Video {
        /// Across.
        width: u32,
        /// Down.
        height: u32,
        /// Frames and the seconds that they take.
        frame_rate: Option<(u32, u32)>,
    },
    /// Sound.
    Audio {
        /// Samples per second.
        sample_rate: u32,
        /// Channels.
        channels: u8,
    },
}

/// `ProducerReferenceTime`: the wall clock of one instant of the media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerTime {
    /// Wall clock.
    pub wall: UnixMillis,
    /// The instant in ticks of the track.
    pub presentation_time: u64,
}

/// `AdaptationSet` with its only `Representation`.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptationSet {
    /// Constant over periods.
    pub id: u32,
    /// Name of the representation.
    pub name: String,
    /// `codecs`.
    pub codecs: String,
    /// `bandwidth`, bits per second.
    pub bandwidth_bps: u64,
    /// What it shows or sounds.
    pub content: Content,
    /// Segments all begin with a sync sample.
    pub starts_with_sync: bool,
    /// In-band `prft`, and one of its values.
    pub producer_time: Option<ProducerTime>,
    /// Where its segments are.
    pub template: SegmentTemplate,
}

/// `SegmentTemplate` with `SegmentTimeline`.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentTemplate {
    /// Ticks per second.
    pub timescale: u32,
    /// Media time of the period's start, ticks.
    pub presentation_time_offset: u64,
    /// Address of the init segment.
    pub initialization: String,
    /// Address of a segment, with `$Time$`.
    pub media: String,
    /// A segment can be asked for this much before its end, milliseconds, and is then sent as it grows.
    pub availability_time_offset_ms: Option<u32>,
    /// Segments.
    pub timeline: Vec<Stretch>,
}

/// `S`: segments of one duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Start of the first, where it does not follow from the one before; ticks.
    pub time: Option<u64>,
    /// Duration of each, ticks.
    pub duration: u64,
    /// How many more follow the first.
    pub repeat: u64,
}

/// The segments as stretches: equal neighbours are joined, times are written where they do not follow.
pub fn timeline(segments: impl IntoIterator<Item = (u64, u64)>) -> Vec<Stretch> {
    let mut out: Vec<Stretch> = Vec::new();
    let mut expected = None;
    for (time, duration) in segments {
        let follows = expected == Some(time);
        match out.last_mut() {
            Some(last) if follows && last.duration == duration => last.repeat += 1,
            _ => out.push(Stretch { time: (!follows).then_some(time), duration, repeat: 0 }),
        }
        expected = time.checked_add(duration);
    }
    out
}

/// The description as text.
#[must_use]
pub fn write(mpd: &Mpd) -> String {
    let mut out = String::with_capacity(2_048);
    let _ = try_write(&mut out, mpd); // a `String` takes everything
    out
}

fn try_write(out: &mut String, mpd: &Mpd) -> fmt::Result {
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"");
    match &mpd.presentation {
        Presentation::Dynamic { availability_start, publish_time, .. } => write!(
            out,
            " profiles=\"urn:mpeg:dash:profile:isoff-live:2011,http://www.dashif.org/guidelines/low-latency-live-v5\" \
             type=\"dynamic\" availabilityStartTime=\"{availability_start}\" publishTime=\"{publish_time}\""
        )?,
        Presentation::Static { duration_ms } => write!(
            out,
            " profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" mediaPresentationDuration=\"{}\"",
            Span(*duration_ms)
        )?,
    }
    if let Presentation::Dynamic { minimum_update_ms, time_shift_buffer_ms, suggested_delay_ms, .. } = &mpd.presentation
    {
        write!(
            out,
            " minimumUpdatePeriod=\"{}\" timeShiftBufferDepth=\"{}\" suggestedPresentationDelay=\"{}\"",
            Span(*minimum_update_ms),
            Span(*time_shift_buffer_ms),
            Span(*suggested_delay_ms)
        )?;
    }
    writeln!(
        out,
        " minBufferTime=\"{}\" maxSegmentDuration=\"{}\">",
        Span(mpd.min_buffer_ms),
        Span(mpd.max_segment_ms)
    )?;
    if let Presentation::Dynamic { latency: Some(latency), .. } = &mpd.presentation {
        write_latency(out, latency)?;
    }
    let timing = match &mpd.presentation {
        Presentation::Dynamic { utc_timing, .. } => utc_timing.as_deref(),
        Presentation::Static { .. } => None,
    };
    for period in &mpd.periods {
        write_period(out, period, timing)?;
    }
    if let Some(url) = timing {
        write_timing(out, "  ", url)?;
    }
    writeln!(out, "</MPD>")
}

fn write_timing(out: &mut String, indent: &str, url: &str) -> fmt::Result {
    writeln!(out, "{indent}<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"{}\"/>", Escaped(url))
}

fn write_latency(out: &mut String, latency: &Latency) -> fmt::Result {
    writeln!(
        out,
        "  <ServiceDescription id=\"0\">\n    <Latency referenceId=\"0\" target=\"{}\" min=\"{}\" max=\"{}\"/>\n    \
         <PlaybackRate min=\"0.96\" max=\"1.04\"/>\n  </ServiceDescription>",
        latency.target_ms, latency.min_ms, latency.max_ms
    )
}

fn write_period(out: &mut String, period: &Period, timing: Option<&str>) -> fmt::Result {
    write!(out, "  <Period id=\"{}\" start=\"{}\"", Escaped(&period.id), Span(period.start_ms))?;
    if let Some(duration_ms) = period.duration_ms {
        write!(out, " duration=\"{}\"", Span(duration_ms))?;
    }
    writeln!(out, ">")?;
    for set in &period.sets {
        write_set(out, set, timing)?;
    }
    writeln!(out, "  </Period>")
}

fn write_set(out: &mut String, set: &AdaptationSet, timing: Option<&str>) -> fmt::Result {
    let kind = match set.content {
        Content::Video { .. } => "video",
        Content::Audio { .. } => "audio",
    };
    write!(
        out,
        "    <AdaptationSet id=\"{}\" contentType=\"{kind}\" mimeType=\"{kind}/mp4\" segmentAlignment=\"true\"",
        set.id
    )?;
    if set.starts_with_sync {
        write!(out, " startWithSAP=\"1\"")?;
    }
    writeln!(out, ">")?;
    if let Some(producer) = &set.producer_time {
        writeln!(
            out,
            "      <ProducerReferenceTime id=\"0\" inband=\"true\" type=\"encoder\" wallClockTime=\"{}\" \
             presentationTime=\"{}\">",
            producer.wall, producer.presentation_time
        )?;
        if let Some(url) = timing {
            write_timing(out, "        ", url)?;
        }
        writeln!(out, "      </ProducerReferenceTime>")?;
    }
    write_template(out, &set.template)?;
    write!(
        out,
        "      <Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\"",
        Escaped(&set.name),
        Escaped(&set.codecs),
        set.bandwidth_bps
    )?;
    match &set.content {
        Content::Video { width, height, frame_rate } => {
            write!(out, " width=\"{width}\" height=\"{height}\"")?;
            match frame_rate {
                Some((frames, 1)) => write!(out, " frameRate=\"{frames}\"")?,
                Some((frames, seconds)) => write!(out, " frameRate=\"{frames}/{seconds}\"")?,
                None => {}
            }
            writeln!(out, "/>")?;
        }
        Content::Audio { sample_rate, channels } => writeln!(
            out,
            " audioSamplingRate=\"{sample_rate}\">\n        <AudioChannelConfiguration \
             schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" value=\"{channels}\"/>\n      \
             </Representation>"
        )?,
    }
    writeln!(out, "    </AdaptationSet>")
}

fn write_template(out: &mut String, template: &SegmentTemplate) -> fmt::Result {
    write!(out, "      <SegmentTemplate timescale=\"{}\"", template.timescale)?;
    if template.presentation_time_offset != 0 {
        write!(out, " presentationTimeOffset=\"{}\"", template.presentation_time_offset)?;
    }
    write!(out, " initialization=\"{}\" media=\"{}\"", Escaped(&template.initialization), Escaped(&template.media))?;
    if let Some(offset_ms) = template.availability_time_offset_ms {
        let (seconds, millis) = (offset_ms / 1_000, offset_ms % 1_000);
        write!(out, " availabilityTimeOffset=\"{seconds}.{millis:03}\" availabilityTimeComplete=\"false\"")?;
    }
    writeln!(out, ">\n        <SegmentTimeline>")?;
    for stretch in &template.timeline {
        write!(out, "          <S")?;
        if let Some(time) = stretch.time {
            write!(out, " t=\"{time}\"")?;
        }
        write!(out, " d=\"{}\"", stretch.duration)?;
        if stretch.repeat > 0 {
            write!(out, " r=\"{}\"", stretch.repeat)?;
        }
        writeln!(out, "/>")?;
    }
    writeln!(out, "        </SegmentTimeline>\n      </SegmentTemplate>")
}

/// `xs:duration` in seconds: `PT2.005S`.
struct Span(u64);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PT{}.{:03}S", self.0 / 1_000, self.0 % 1_000)
    }
}

/// XML attribute value. Control characters, which XML 1.0 cannot carry, become U+FFFD.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c if c.is_control() => f.write_char('\u{FFFD}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
