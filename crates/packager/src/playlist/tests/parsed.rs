//! Playlists read back with quick-m3u8, for tests: a list of ours must parse there without an unknown tag.

use quick_m3u8::config::ParsingOptionsBuilder;
use quick_m3u8::tag::hls::Tag;
use quick_m3u8::tag::{HlsPlaylistType, KnownTag};
use quick_m3u8::{HlsLine, Reader};

/// One segment as listed, or what is listed after the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listed {
    pub(crate) uri: String,
    pub(crate) duration: f64,
    pub(crate) gap: bool,
    pub(crate) discontinuity: bool,
    pub(crate) map: Option<String>,
    pub(crate) dated: bool,
    /// URI, duration, independent.
    pub(crate) parts: Vec<(String, f64, bool)>,
}

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) version: u8,
    pub(crate) target_s: u64,
    pub(crate) part_target: Option<f64>,
    pub(crate) block_reload: bool,
    pub(crate) skip_until: Option<f64>,
    pub(crate) hold_back: Option<f64>,
    pub(crate) part_hold_back: Option<f64>,
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) event: bool,
    pub(crate) vod: bool,
    pub(crate) independent: bool,
    pub(crate) skipped: u64,
    pub(crate) segments: Vec<Listed>,
    /// Parts after the last segment.
    pub(crate) open: Listed,
    pub(crate) hint: Option<String>,
    pub(crate) reports: Vec<(String, u64, Option<u64>)>,
    /// Lines of tags that the draft does not know.
    pub(crate) other: Vec<String>,
    pub(crate) ended: bool,
}

impl Parsed {
    pub(crate) fn of(text: &str) -> Self {
        assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:"), "{text}");
        let options = ParsingOptionsBuilder::new().with_parsing_for_all_tags().build();
        let mut reader = Reader::from_str(text, options);
        let mut out = Self::default();
        loop {
            match reader.read_line() {
                Ok(Some(HlsLine::KnownTag(KnownTag::Hls(tag)))) => out.tag(&tag),
                Ok(Some(HlsLine::Uri(uri))) => {
                    let segment = std::mem::take(&mut out.open);
                    out.segments.push(Listed { uri: uri.to_string(), ..segment });
                }
                Ok(Some(HlsLine::UnknownTag(tag))) => out.other.push(tag.name().to_owned()),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => panic!("{error:?} in\n{text}"),
            }
        }
        out
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Version(version) => self.version = version.version() as u8,
            Tag::Targetduration(target) => self.target_s = target.target_duration(),
            Tag::PartInf(part) => self.part_target = Some(part.part_target()),
            Tag::ServerControl(control) => {
                self.block_reload = control.can_block_reload();
                self.skip_until = control.can_skip_until();
                self.hold_back = control.hold_back();
                self.part_hold_back = control.part_hold_back();
            }
            Tag::MediaSequence(sequence) => self.media_sequence = sequence.media_sequence(),
            Tag::DiscontinuitySequence(sequence) => self.discontinuity_sequence = sequence.discontinuity_sequence(),
            Tag::PlaylistType(kind) => {
                self.event = kind.playlist_type() == HlsPlaylistType::Event;
                self.vod = kind.playlist_type() == HlsPlaylistType::Vod;
            }
            Tag::IndependentSegments(_) => self.independent = true,
            Tag::Skip(skip) => self.skipped = skip.skipped_segments(),
            Tag::Discontinuity(_) => self.open.discontinuity = true,
            Tag::Map(map) => self.open.map = Some(map.uri().to_owned()),
            Tag::ProgramDateTime(_) => self.open.dated = true,
            Tag::Gap(_) => self.open.gap = true,
            Tag::Part(part) => self.open.parts.push((part.uri().to_owned(), part.duration(), part.independent())),
            Tag::Inf(inf) => self.open.duration = inf.duration(),
            Tag::PreloadHint(hint) => self.hint = Some(hint.uri().to_owned()),
            Tag::RenditionReport(report) => {
                self.reports.push((report.uri().to_owned(), report.last_msn(), report.last_part()));
            }
            Tag::Endlist(_) => self.ended = true,
            Tag::M3u(_) => {}
            other => panic!("a tag that we do not write: {other:?}"),
        }
    }

    /// Media sequence number and URI of every segment.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u64, &Listed)> {
        (self.media_sequence + self.skipped..).zip(&self.segments)
    }

    /// Discontinuity sequence of each listed segment.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        let mut sequence = self.discontinuity_sequence;
        let mut next = |listed: &Listed| {
            sequence += u64::from(listed.discontinuity);
            sequence
        };
        self.segments.iter().map(&mut next).collect()
    }
}
