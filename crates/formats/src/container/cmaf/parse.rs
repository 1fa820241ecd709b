//! Strict reader of what the other two modules write, and of the like from other muxers: one track, one `traf`, one `trun`.
//!
//! For recovery, `recording verify` and tests, not for arbitrary MP4 files. Total over any bytes; what it allocates is
//! bounded by [`FragmentLimits`] and by the length of the input, whatever counts the input declares.

use std::ops::Range;

use bytes::Bytes;
use media::{Codec, Colour, Hdr, Timescale, Track, TrackId, TrackParams};

use super::super::super::codec::{CodecError, make_track};
use super::super::boxes::{BoxError, FourCc, Reader};
use super::super::sample_entry::{ParsedEntry, parse_entry};
use super::{Prft, Sample};

/// Bounds on what one call of [`parse_fragments_within`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Samples of one fragment. A part has tens, a whole segment hundreds.
    pub samples_max: u32,
    /// Fragments of one input.
    pub fragments_max: usize,
}

impl FragmentLimits {
    /// 65,536 samples: 18 minutes at 60 frames a second in one fragment; 65,536 fragments: 3.6 hours of 200 ms parts.
    pub const DEFAULT: Self = Self { samples_max: 65_536, fragments_max: 65_536 };
}

/// One `moof` with its `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedFragment {
    /// The track (its number in the file less one).
    pub track: TrackId,
    /// `mfhd` sequence number.
    pub sequence: u32,
    /// `tfdt`, ticks.
    pub base_decode_time: u64,
    /// In decode order.
    pub samples: Vec<Sample>,
    /// Where the samples lie in the input: one after the other.
    pub payload_range: Range<usize>,
    /// From the `prft` in front of the `moof`, if any.
    pub prft: Option<Prft>,
}

impl ParsedFragment {
    /// Sum of the samples' durations, ticks.
    #[must_use]
    pub fn duration(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }
}

/// What an initialisation segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedInit {
    /// The track (its number in the file less one).
    pub track: TrackId,
    /// Unit of all times in the fragments.
    pub timescale: Timescale,
    /// Format.
    pub codec: Codec,
    /// Decoder configuration, in the form that `media::Track::config` has.
    pub config: Bytes,
    /// Pictures' width and height, as the sample entry says.
    pub picture: Option<(u16, u16)>,
    /// As the sample entry says.
    pub colour: Option<Colour>,
    /// As the sample entry says.
    pub hdr: Hdr,
}

impl ParsedInit {
    /// The track that this is the initialisation segment of, as far as it says: a frame rate, or the duration of audio
    /// frames, is known where the decoder configuration holds it.
    ///
    /// # Errors
    /// [`CodecError`] where the decoder configuration is malformed.
    pub fn to_track(&self) -> Result<Track, CodecError> {
        let mut track = make_track(self.track, self.codec, self.config.clone())?;
        track.timescale = self.timescale;
        if let TrackParams::Video(video) = &mut track.params {
            if let (0, Some((width, height))) = (video.width, self.picture) {
                (video.width, video.height) = (u32::from(width), u32::from(height));
            }
            video.colour = self.colour.or(video.colour);
            video.hdr = self.hdr;
        }
        Ok(track)
    }
}

/// Reads an initialisation segment with exactly one track and one sample entry.
///
/// # Errors
/// [`BoxError`] where the bytes are anything else; other boxes are passed over.
pub fn parse_init(bytes: &[u8]) -> Result<ParsedInit, BoxError> {
    let mut file = Reader::new(b"file", bytes);
    let mut moov = file.child(b"moov")?;
    let mut trak = moov.child(b"trak")?;
    let [tkhd, mdia] = trak.children([b"tkhd", b"mdia"])?;
    let mut tkhd = trak.need(b"tkhd", tkhd)?;
    let (version, _) = tkhd.version_flags()?;
    tkhd.take(if version == 0 { 8 } else { 16 }, "times")?;
    let track = file_track(&mut tkhd)?;
    let mut mdia = trak.need(b"mdia", mdia)?;
    let [mdhd, minf] = mdia.children([b"mdhd", b"minf"])?;
    let mut mdhd = mdia.need(b"mdhd", mdhd)?;
    let (version, _) = mdhd.version_flags()?;
    mdhd.take(if version == 0 { 8 } else { 16 }, "times")?;
    let timescale = Timescale::new(mdhd.u32("timescale")?).ok_or_else(|| mdhd.refuse("timescale is zero"))?;
    let mut stsd = mdia.need(b"minf", minf)?.child(b"stbl")?.child(b"stsd")?;
    stsd.version_flags()?;
    if stsd.u32("entry count")? != 1 {
        return Err(stsd.refuse("exactly one sample entry is expected"));
    }
    let entry = stsd.next_box()?.ok_or_else(|| stsd.refuse("sample entry is missing"))?;
    let unknown = entry.refuse("sample entry of an unknown format");
    let ParsedEntry { codec, config, picture, colour, hdr } = parse_entry(entry)?.ok_or(unknown)?;
    Ok(ParsedInit { track, timescale, codec, config, picture, colour, hdr })
}

fn file_track(reader: &mut Reader<'_>) -> Result<TrackId, BoxError> {
    let id = reader.u32("track id")?;
    let id = id.checked_sub(1).and_then(|id| u8::try_from(id).ok());
    id.map(TrackId).ok_or_else(|| reader.refuse("track id is outside 1 to 256"))
}

/// Reads every fragment of `bytes`, within [`FragmentLimits::DEFAULT`].
///
/// # Errors
/// As [`parse_fragments_within`].
pub fn parse_fragments(bytes: &[u8]) -> Result<Vec<ParsedFragment>, BoxError> {
    parse_fragments_within(bytes, &FragmentLimits::DEFAULT)
}

/// Reads every fragment of `bytes`: `moof` and `mdat` in turn, the samples filling the `mdat` exactly. Boxes other than
/// these and `prft` are passed over.
///
/// # Errors
/// [`BoxError`] at the first thing that is not so; nothing of an input with an error is returned.
pub fn parse_fragments_within(bytes: &[u8], limits: &FragmentLimits) -> Result<Vec<ParsedFragment>, BoxError> {
    let mut file = Reader::new(b"file", bytes);
    let mut fragments = Vec::new();
    let mut prft = None;
    loop {
        let start = file.at();
        let Some(child) = file.next_box()? else { break };
        match &child.kind().0 {
            b"prft" => prft = parse_prft(child)?,
            b"mdat" => return Err(child.refuse("mdat without a moof before it")),
            b"moof" => {
                let Some(mdat) = file.next_box()? else {
                    return Err(child.refuse("moof without an mdat behind it"));
                };
                if mdat.kind().0 != *b"mdat" {
                    return Err(mdat.refuse("mdat is expected behind a moof"));
                }
                if fragments.len() >= limits.fragments_max {
                    return Err(child.refuse("more fragments than the limit"));
                }
                fragments.push(parse_moof(child, start, &mdat, prft.take(), limits)?);
            }
            _ => {}
        }
    }
    match prft {
        Some(_) => Err(BoxError::Missing { parent: FourCc(*b"file"), kind: FourCc(*b"moof") }),
        None => Ok(fragments),
    }
}

fn parse_prft(mut prft: Reader<'_>) -> Result<Option<Prft>, BoxError> {
    let (version, _) = prft.version_flags()?;
    prft.u32("reference track id")?;
    let ntp = prft.u64("ntp timestamp")?;
    let media_time = prft.u32_or_u64(version, "media time")?;
    Ok(Some(Prft { ntp, media_time }))
}

fn parse_moof(
    mut moof: Reader<'_>,
    moof_start: usize,
    mdat: &Reader<'_>,
    prft: Option<Prft>,
    limits: &FragmentLimits,
) -> Result<ParsedFragment, BoxError> {
    let [mfhd, traf] = moof.children([b"mfhd", b"traf"])?;
    let mut mfhd = moof.need(b"mfhd", mfhd)?;
    mfhd.version_flags()?;
    let sequence = mfhd.u32("sequence number")?;
    let mut traf = moof.need(b"traf", traf)?;
    let [tfhd, tfdt, trun] = traf.children([b"tfhd", b"tfdt", b"trun"])?;
    let mut tfdt = traf.need(b"tfdt", tfdt)?;
    let (version, _) = tfdt.version_flags()?;
    let base_decode_time = tfdt.u32_or_u64(version, "base media decode time")?;
    let defaults = Defaults::parse(traf.need(b"tfhd", tfhd)?)?;
    let trun = traf.need(b"trun", trun)?;
    let (samples, data_offset) = parse_trun(trun.clone(), &defaults, mdat.left(), limits)?;
    if moof_start.checked_add(data_offset) != Some(mdat.at()) {
        return Err(trun.refuse("data offset does not point at the mdat's payload"));
    }
    let sum: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
    if sum != mdat.left() as u64 {
        return Err(trun.refuse("samples do not fill the mdat exactly"));
    }
    let payload_range = mdat.at()..mdat.at().saturating_add(mdat.left());
    Ok(ParsedFragment { track: defaults.track, sequence, base_decode_time, samples, payload_range, prft })
}

/// `tfhd`: what holds for all samples of the fragment. Defaults of `trex` are not looked up; our writer never needs them.
struct Defaults {
    track: TrackId,
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
}

impl Defaults {
    fn parse(mut tfhd: Reader<'_>) -> Result<Self, BoxError> {
        let (_, flags) = tfhd.version_flags()?;
        let track = file_track(&mut tfhd)?;
        if flags & 0x01 != 0 {
            return Err(tfhd.refuse("base data offset: only offsets from the moof are read"));
        }
        if flags & 0x02 != 0 {
            tfhd.u32("sample description index")?;
        }
        let mut optional = |flag: u32, field| (flags & flag != 0).then(|| tfhd.u32(field)).transpose();
        Ok(Self {
            track,
            duration: optional(0x08, "default sample duration")?,
            size: optional(0x10, "default sample size")?,
            flags: optional(0x20, "default sample flags")?,
        })
    }
}

fn parse_trun(
    mut trun: Reader<'_>,
    defaults: &Defaults,
    payload_bytes: usize,
    limits: &FragmentLimits,
) -> Result<(Vec<Sample>, usize), BoxError> {
    let (version, flags) = trun.version_flags()?;
    let count = trun.u32("sample count")?;
    if flags & 0x01 == 0 {
        return Err(trun.refuse("data offset is missing"));
    }
    let data_offset = trun.u32("data offset")? as usize;
    let first_flags = (flags & 0x04 != 0).then(|| trun.u32("first sample flags")).transpose()?;
    let entry_bytes = 4 * (flags & 0xF00).count_ones() as usize;
    // Each sample costs bytes of the trun or, all being alike, of the mdat: a declared count alone allocates nothing.
    let room = trun.left().checked_div(entry_bytes).unwrap_or(payload_bytes.max(1));
    if count > limits.samples_max || count as usize > room {
        return Err(trun.refuse("more samples than there is room for"));
    }
    let mut samples = Vec::with_capacity(count as usize);
    for at in 0..count {
        let mut field = |flag: u32, fallback: Option<u32>, field| match (flags & flag != 0, fallback) {
            (true, _) => trun.u32(field),
            (false, Some(value)) => Ok(value),
            (false, None) => Err(trun.refuse("a sample field is neither in the trun nor in the tfhd")),
        };
        let duration = field(0x100, defaults.duration, "sample duration")?;
        let size = field(0x200, defaults.size, "sample size")?;
        let mut sample_flags = field(0x400, defaults.flags.or(Some(0)), "sample flags")?;
        let cts = field(0x800, Some(0), "composition time offset")?;
        if let (0, Some(first)) = (at, first_flags) {
            sample_flags = first;
        }
        if version == 0 && cts > i32::MAX as u32 {
            return Err(trun.refuse("composition time offset exceeds 31 bits"));
        }
        samples.push(Sample { size, duration, cts: cts as i32, key: sample_flags & 0x0001_0000 == 0 });
    }
    Ok((samples, data_offset))
}

#[cfg(test)]
mod tests;
