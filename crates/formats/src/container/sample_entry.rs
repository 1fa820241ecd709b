//! Sample entries: the box that tells a player which decoder to make, written from a [`Track`] and read back.
//!
//! The decoder configuration goes through byte for byte, for every codec but Opus, whose `OpusHead` and `dOps` differ in
//! byte order. That is why these boxes are written by hand: mp4-atom takes records apart and puts them together again.
//!
//! Spec: ISO/IEC 14496-12 §8.5.2 and §12, 14496-15 (avc1, hvc1), 14496-14 (mp4a), AV1-ISOBMFF (av01),
//! "VP Codec ISO Media File Format Binding" (vp09), "Encapsulation of Opus in ISOBMFF" (Opus), "Encapsulation of FLAC in
//! ISOBMFF" (fLaC).

use bytes::Bytes;
use media::{
    AudioParams, Codec, Colour, ContentLight, Hdr, MasteringDisplay, MediaKind, Track, TrackParams, VideoParams,
};

use super::boxes::{BoxError, BoxTooLarge, Reader, put_box, put_full_box, put_u16, put_u32};

/// Length of a FLAC `STREAMINFO` block, bytes.
const STREAMINFO_BYTES: usize = 34;

/// A track that no sample entry can be written for. The maker of the [`Track`] is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The codec has no mapping to ISO base media files that Tayang writes.
    #[error("{0} has no sample entry")]
    NoMapping(Codec),
    /// The configuration record cannot be one of that codec.
    #[error("{codec} configuration of {bytes} bytes: {what}")]
    Configuration {
        /// The codec.
        codec: Codec,
        /// Length of the record.
        bytes: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The parameters are of the other kind (sound parameters on a video codec, or the reverse).
    #[error("{0} track has parameters of another kind")]
    Kind(Codec),
    /// A box would not fit its size field.
    #[error(transparent)]
    TooLarge(#[from] BoxTooLarge),
}

/// A sample entry as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedEntry {
    /// Format.
    pub codec: Codec,
    /// Decoder configuration, in the form that [`Track::config`] has.
    pub config: Bytes,
    /// Pictures' width and height, as the entry says.
    pub picture: Option<(u16, u16)>,
    /// As the entry says.
    pub colour: Option<Colour>,
    /// As the entry says.
    pub hdr: Hdr,
}

/// Type of the sample entry for `codec`.
pub(crate) fn entry_kind(codec: Codec) -> Result<&'static [u8; 4], EntryError> {
    match codec {
        Codec::H264 => Ok(b"avc1"),
        Codec::H265 => Ok(b"hvc1"),
        Codec::Av1 => Ok(b"av01"),
        Codec::Vp9 => Ok(b"vp09"),
        Codec::Aac => Ok(b"mp4a"),
        Codec::Opus => Ok(b"Opus"),
        Codec::Flac => Ok(b"fLaC"),
        Codec::Mp3 => Err(EntryError::NoMapping(codec)),
    }
}

/// Appends the sample entry of `track`.
pub(crate) fn put_sample_entry(out: &mut Vec<u8>, track: &Track) -> Result<(), EntryError> {
    put_box(out, entry_kind(track.codec)?, |out| {
        out.extend_from_slice(&[0; 6]);
        put_u16(out, 1); // data_reference_index
        match &track.params {
            TrackParams::Video(video) => put_visual(out, track, video),
            TrackParams::Audio(audio) => put_audio(out, track, audio),
        }
    })
}

fn put_visual(out: &mut Vec<u8>, track: &Track, video: &VideoParams) -> Result<(), EntryError> {
    out.extend_from_slice(&[0; 16]);
    put_u16(out, u16::try_from(video.width).unwrap_or(u16::MAX));
    put_u16(out, u16::try_from(video.height).unwrap_or(u16::MAX));
    put_u32(out, 0x0048_0000); // 72 dpi
    put_u32(out, 0x0048_0000);
    put_u32(out, 0);
    put_u16(out, 1); // frames a sample
    out.extend_from_slice(&[0; 32]); // compressor name
    put_u16(out, 0x0018);
    put_u16(out, 0xFFFF);
    put_video_config(out, track)?;
    if let Some(colour) = video.colour {
        put_box::<EntryError>(out, b"colr", |out| {
            out.extend_from_slice(b"nclx");
            for code_point in [colour.primaries, colour.transfer, colour.matrix] {
                put_u16(out, u16::from(code_point));
            }
            out.push(if colour.full_range { 0x80 } else { 0 });
            Ok(())
        })?;
    }
    put_hdr(out, &video.hdr)
}

/// `mdcv` and `clli`, ISO/IEC 14496-12 §12.1.6 and §12.1.7.
fn put_hdr(out: &mut Vec<u8>, hdr: &Hdr) -> Result<(), EntryError> {
    if let Some(display) = hdr.mastering {
        put_box::<EntryError>(out, b"mdcv", |out| {
            for (x, y) in [display.green, display.blue, display.red, display.white] {
                put_u16(out, x);
                put_u16(out, y);
            }
            put_u32(out, display.luminance_max);
            put_u32(out, display.luminance_min);
            Ok(())
        })?;
    }
    if let Some(light) = hdr.content_light {
        put_box::<EntryError>(out, b"clli", |out| {
            put_u16(out, light.max_cll);
            put_u16(out, light.max_fall);
            Ok(())
        })?;
    }
    Ok(())
}

fn put_video_config(out: &mut Vec<u8>, track: &Track) -> Result<(), EntryError> {
    let verbatim = |out: &mut Vec<u8>| {
        out.extend_from_slice(&track.config);
        Ok(())
    };
    let shortest = match track.codec {
        Codec::H264 => 7,
        Codec::H265 => 23,
        Codec::Av1 => 4,
        Codec::Vp9 => 8,
        Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => return Err(EntryError::Kind(track.codec)),
    };
    if track.config.len() < shortest {
        return Err(configuration(track, "record is cut off"));
    }
    match track.codec {
        Codec::H264 => put_box(out, b"avcC", verbatim),
        Codec::H265 => put_box(out, b"hvcC", verbatim),
        Codec::Av1 => put_box(out, b"av1C", verbatim),
        // Some senders put version and flags of the full box before the record; a bit depth of 0 gives them away.
        Codec::Vp9 if track.config.starts_with(&[1, 0, 0, 0]) && track.config.len() >= 12 => {
            put_box(out, b"vpcC", verbatim)
        }
        Codec::Vp9 => put_full_box(out, b"vpcC", 1, 0, verbatim),
        Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => Err(EntryError::Kind(track.codec)),
    }
}

fn put_audio(out: &mut Vec<u8>, track: &Track, audio: &AudioParams) -> Result<(), EntryError> {
    let bits = match track.codec {
        Codec::Flac => flac_bits_per_sample(&track.config).unwrap_or(16),
        _ => 16,
    };
    out.extend_from_slice(&[0; 8]);
    put_u16(out, u16::from(audio.channels));
    put_u16(out, bits);
    put_u32(out, 0);
    put_u32(out, entry_rate(audio.sample_rate) << 16);
    match track.codec {
        Codec::Aac if track.config.len() < 2 => Err(configuration(track, "record is cut off")),
        Codec::Aac => put_esds(out, &track.config),
        Codec::Opus => put_dops(out, track),
        Codec::Flac => put_dfla(out, track),
        Codec::H264 | Codec::H265 | Codec::Av1 | Codec::Vp9 => Err(EntryError::Kind(track.codec)),
        Codec::Mp3 => Err(EntryError::NoMapping(Codec::Mp3)),
    }
}

/// The 16-bit integer part holds at most 65,535 Hz: above it, the greatest regular division (FLAC in ISOBMFF §3.3.1).
fn entry_rate(mut hz: u32) -> u32 {
    while hz > 0xFFFF {
        hz /= 2;
    }
    hz
}

fn flac_bits_per_sample(streaminfo: &[u8]) -> Option<u16> {
    let high = u16::from(*streaminfo.get(12)? & 1) << 4;
    Some((high | u16::from(*streaminfo.get(13)? >> 4)) + 1)
}

/// ISO/IEC 14496-1 §7.2.6: ES_Descriptor(DecoderConfigDescriptor(DecoderSpecificInfo), SLConfigDescriptor).
fn put_esds(out: &mut Vec<u8>, config: &[u8]) -> Result<(), EntryError> {
    let mut specific = Vec::new();
    put_descriptor(&mut specific, 0x05, config);
    let mut decoder = vec![0x40, 0x15]; // MPEG-4 audio; audio stream, reserved bit set
    decoder.extend_from_slice(&[0; 11]); // buffer size, maximum and average bit rate: unknown
    decoder.extend_from_slice(&specific);
    let mut stream = vec![0, 0, 0]; // ES_ID, flags
    put_descriptor(&mut stream, 0x04, &decoder);
    put_descriptor(&mut stream, 0x06, &[0x02]);
    put_full_box(out, b"esds", 0, 0, |out| {
        put_descriptor(out, 0x03, &stream);
        Ok(())
    })
}

fn put_descriptor(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    // Expandable length, 7 bits a byte; always four bytes, as most writers do, so that players need no other form.
    for shift in [21, 14, 7] {
        out.push(0x80 | ((body.len() >> shift) as u8 & 0x7F));
    }
    out.push(body.len() as u8 & 0x7F);
    out.extend_from_slice(body);
}

fn put_dops(out: &mut Vec<u8>, track: &Track) -> Result<(), EntryError> {
    let cut_off = || configuration(track, "record is cut off");
    let record = track.config.strip_prefix(b"OpusHead").ok_or_else(|| configuration(track, "OpusHead is missing"))?;
    let (fixed, table) = record.split_first_chunk::<11>().ok_or_else(cut_off)?;
    let [_version, channels, skip0, skip1, rate0, rate1, rate2, rate3, gain0, gain1, family] = *fixed;
    let table_bytes = if family == 0 { 0 } else { 2 + usize::from(channels) };
    let table = table.get(..table_bytes).ok_or_else(cut_off)?;
    put_box(out, b"dOps", |out| {
        out.extend_from_slice(&[0, channels, skip1, skip0, rate3, rate2, rate1, rate0, gain1, gain0, family]);
        out.extend_from_slice(table);
        Ok(())
    })
}

fn put_dfla(out: &mut Vec<u8>, track: &Track) -> Result<(), EntryError> {
    if track.config.len() != STREAMINFO_BYTES {
        return Err(configuration(track, "STREAMINFO has 34 bytes"));
    }
    put_full_box(out, b"dfLa", 0, 0, |out| {
        put_u32(out, 0x8000_0000 | STREAMINFO_BYTES as u32); // last block, type 0
        out.extend_from_slice(&track.config);
        Ok(())
    })
}

fn configuration(track: &Track, what: &'static str) -> EntryError {
    EntryError::Configuration { codec: track.codec, bytes: track.config.len(), what }
}

/// Reads a sample entry; `entry` stands behind its box header. `None` for a format that Tayang does not carry.
pub(crate) fn parse_entry(mut entry: Reader<'_>) -> Result<Option<ParsedEntry>, BoxError> {
    let codec = match &entry.kind().0 {
        b"avc1" | b"avc3" => Codec::H264,
        b"hvc1" | b"hev1" => Codec::H265,
        b"av01" => Codec::Av1,
        b"vp09" => Codec::Vp9,
        b"mp4a" => Codec::Aac,
        b"Opus" => Codec::Opus,
        b"fLaC" => Codec::Flac,
        _ => return Ok(None),
    };
    let mut picture = None;
    match codec.kind() {
        MediaKind::Audio => entry.take(28, "sample entry").map(drop)?,
        MediaKind::Video => {
            entry.take(24, "sample entry")?;
            picture = Some((entry.u16("width")?, entry.u16("height")?));
            entry.take(50, "sample entry")?;
        }
    }
    let [record, colr, mdcv, clli] = entry.children([record_kind(codec), b"colr", b"mdcv", b"clli"])?;
    let mut record = entry.need(record_kind(codec), record)?;
    let config = match codec {
        Codec::H264 | Codec::H265 | Codec::Av1 => verbatim(record),
        Codec::Vp9 => {
            record.version_flags()?;
            verbatim(record)
        }
        Codec::Aac => parse_esds(record)?,
        Codec::Opus => parse_dops(record)?,
        Codec::Flac => parse_dfla(record)?,
        Codec::Mp3 => return Ok(None),
    };
    let colour = colr.map(parse_colr).transpose()?.flatten();
    let hdr = Hdr { mastering: mdcv.map(parse_mdcv).transpose()?, content_light: clli.map(parse_clli).transpose()? };
    Ok(Some(ParsedEntry { codec, config, picture, colour, hdr }))
}

fn record_kind(codec: Codec) -> &'static [u8; 4] {
    match codec {
        Codec::H264 => b"avcC",
        Codec::H265 => b"hvcC",
        Codec::Av1 => b"av1C",
        Codec::Vp9 => b"vpcC",
        Codec::Aac | Codec::Mp3 => b"esds",
        Codec::Opus => b"dOps",
        Codec::Flac => b"dfLa",
    }
}

/// `None` for a profile, and for code points beyond those of H.273.
fn parse_colr(mut colr: Reader<'_>) -> Result<Option<Colour>, BoxError> {
    if colr.take(4, "colour type")? != b"nclx" {
        return Ok(None);
    }
    let [primaries, transfer, matrix] = [colr.u16("primaries")?, colr.u16("transfer")?, colr.u16("matrix")?];
    let full_range = colr.u8("full range flag")? & 0x80 != 0;
    let code_points = [primaries, transfer, matrix].map(u8::try_from);
    let [Ok(primaries), Ok(transfer), Ok(matrix)] = code_points else { return Ok(None) };
    Ok(Some(Colour { primaries, transfer, matrix, full_range }))
}

fn parse_mdcv(mut mdcv: Reader<'_>) -> Result<MasteringDisplay, BoxError> {
    let mut point = || Ok::<_, BoxError>((mdcv.u16("chromaticity x")?, mdcv.u16("chromaticity y")?));
    let (green, blue, red, white) = (point()?, point()?, point()?, point()?);
    let (luminance_max, luminance_min) = (mdcv.u32("brightest")?, mdcv.u32("darkest")?);
    Ok(MasteringDisplay { red, green, blue, white, luminance_max, luminance_min })
}

fn parse_clli(mut clli: Reader<'_>) -> Result<ContentLight, BoxError> {
    Ok(ContentLight { max_cll: clli.u16("brightest pixel")?, max_fall: clli.u16("brightest average")? })
}

fn verbatim(record: Reader<'_>) -> Bytes {
    Bytes::copy_from_slice(record.rest())
}

fn parse_esds(mut esds: Reader<'_>) -> Result<Bytes, BoxError> {
    esds.version_flags()?;
    let mut stream = descriptor(&mut esds, 0x03)?;
    stream.take(2, "ES_ID")?;
    let flags = stream.u8("ES_Descriptor flags")?;
    if flags & 0x80 != 0 {
        stream.take(2, "dependsOn_ES_ID")?;
    }
    if flags & 0x40 != 0 {
        let length = stream.u8("URL length")?;
        stream.take(usize::from(length), "URL")?;
    }
    if flags & 0x20 != 0 {
        stream.take(2, "OCR_ES_ID")?;
    }
    let mut decoder = descriptor(&mut stream, 0x04)?;
    if decoder.u8("objectTypeIndication")? != 0x40 {
        return Err(decoder.refuse("only MPEG-4 audio is carried in mp4a"));
    }
    decoder.take(12, "DecoderConfigDescriptor")?;
    Ok(verbatim(descriptor(&mut decoder, 0x05)?))
}

/// A reader over the body of the next descriptor, which must have that tag.
fn descriptor<'a>(parent: &mut Reader<'a>, tag: u8) -> Result<Reader<'a>, BoxError> {
    if parent.u8("descriptor tag")? != tag {
        return Err(parent.refuse("descriptor out of order"));
    }
    let mut length = 0usize;
    for _ in 0..4 {
        let byte = parent.u8("descriptor length")?;
        length = (length << 7) | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = parent.clone();
    body.truncate(length)?;
    parent.take(length, "descriptor")?;
    Ok(body)
}

fn parse_dops(mut dops: Reader<'_>) -> Result<Bytes, BoxError> {
    let mut head = Vec::with_capacity(19 + dops.left());
    head.extend_from_slice(b"OpusHead\x01");
    if dops.u8("version")? != 0 {
        return Err(dops.refuse("unknown version of the Opus record"));
    }
    let channels = dops.u8("channel count")?;
    head.push(channels);
    head.extend_from_slice(&dops.u16("pre-skip")?.to_le_bytes());
    head.extend_from_slice(&dops.u32("input sample rate")?.to_le_bytes());
    head.extend_from_slice(&dops.u16("output gain")?.to_le_bytes());
    let family = dops.u8("mapping family")?;
    head.push(family);
    if family != 0 {
        head.extend_from_slice(dops.take(2 + usize::from(channels), "channel mapping")?);
    }
    Ok(head.into())
}

fn parse_dfla(mut dfla: Reader<'_>) -> Result<Bytes, BoxError> {
    dfla.version_flags()?;
    let header = dfla.u32("metadata block header")?;
    if header & 0x7FFF_FFFF != STREAMINFO_BYTES as u32 {
        return Err(dfla.refuse("first metadata block is no STREAMINFO"));
    }
    Ok(Bytes::copy_from_slice(dfla.take(STREAMINFO_BYTES, "STREAMINFO")?))
}

#[cfg(test)]
mod tests;
