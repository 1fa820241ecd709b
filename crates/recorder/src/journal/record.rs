//! The records of `index.log` and their bytes. One kind byte, then the fields in order; integers are LEB128 varints,
//! signed ones zigzag first, texts and byte strings carry their length in front.
//!
//! A reader takes records of the version in the header only. Unknown kinds are an error, not skipped: a newer program
//! raises [`VERSION`].

use std::sync::Arc;

use bytes::Bytes;
use formats::container::cmaf::Sample;
use media::{
    AudioParams, ChannelPath, Codec, Colour, ContentLight, FrameRate, Hdr, MasteringDisplay, StreamId, Ticks,
    Timescale, Track, TrackId, TrackParams, UnixMillis, VideoParams,
};
use uuid::Uuid;

use crate::index::Init;
use crate::key::RecordingKey;

use wire::{Reader, Writer};

mod wire;

#[cfg(test)]
mod tests;

/// Version of the record layout.
pub(crate) const VERSION: u64 = 1;

/// First record of every journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    /// Whose recording this is.
    pub(crate) key: RecordingKey,
    /// The channel's public address when the stream began.
    pub(crate) path: ChannelPath,
    /// Server's wall clock at the stream's first frame.
    pub(crate) started: UnixMillis,
}

/// One part whose bytes are in its segment's file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PartRecord {
    pub(crate) track: TrackId,
    pub(crate) epoch: u32,
    pub(crate) msn: u64,
    pub(crate) index: u32,
    /// `tfdt`, in the track's timescale.
    pub(crate) start: Ticks,
    /// In the track's timescale.
    pub(crate) duration: Ticks,
    /// Server's wall clock at its first sample.
    pub(crate) wall: UnixMillis,
    pub(crate) independent: bool,
    pub(crate) discontinuity: bool,
    /// `tfdt` does not follow from the part before.
    pub(crate) reanchored: bool,
    /// Recovery took damaged parts of this track out before it.
    pub(crate) gap_before: bool,
    /// Where in the segment's file it begins, in bytes.
    pub(crate) offset: u64,
    /// Bytes of the part.
    pub(crate) len: u32,
    /// Bytes from the part's start to the first sample.
    pub(crate) payload_offset: u32,
    /// CRC-32 of its bytes.
    pub(crate) crc: u32,
    /// The sample table.
    pub(crate) samples: Arc<[Sample]>,
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The disk was full, or its reserve was reached.
    DiskFull,
    /// A write or flush failed for another reason.
    DiskFault,
    /// Parts came faster than the disk took them.
    Overflow,
    /// Bytes on disk were found damaged or missing.
    Damaged,
    /// Parts came that do not follow one another.
    Sequence,
    /// Frames had left the stream's log before they were packaged: the machine was too busy.
    Missed,
}

/// Why the journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EndReason {
    /// The stream ended.
    Ended,
    /// The process died while it was recorded; the end was written by the next start.
    Recovered,
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    Header(Header),
    Init(Arc<Init>),
    Part(PartRecord),
    /// The segment is complete.
    Sealed {
        track: TrackId,
        msn: u64,
    },
    /// Something is missing before the next segment of every track.
    Gap {
        why: GapReason,
        at: UnixMillis,
    },
    /// The object store has confirmed the segment; the local file may be gone.
    Stored {
        track: TrackId,
        msn: u64,
    },
    /// The segment was found damaged and is no longer part of the recording.
    Dropped {
        track: TrackId,
        msn: u64,
    },
    End(EndReason),
}

impl Record {
    /// Appends the record's bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer(out);
        match self {
            Self::Header(header) => encode_header(header, &mut w),
            Self::Init(init) => encode_init(init, &mut w),
            Self::Part(part) => encode_part(part, &mut w),
            Self::Sealed { track, msn } => encode_segment(4, *track, *msn, &mut w),
            Self::Gap { why, at } => {
                w.u8(5);
                w.u8(match why {
                    GapReason::DiskFull => 1,
                    GapReason::DiskFault => 2,
                    GapReason::Overflow => 3,
                    GapReason::Damaged => 4,
                    GapReason::Sequence => 5,
                    GapReason::Missed => 6,
                });
                w.signed(at.0);
            }
            Self::Stored { track, msn } => encode_segment(6, *track, *msn, &mut w),
            Self::End(why) => {
                w.u8(7);
                w.u8(match why {
                    EndReason::Ended => 1,
                    EndReason::Recovered => 2,
                });
            }
            Self::Dropped { track, msn } => encode_segment(8, *track, *msn, &mut w),
        }
    }

    /// The record in `bytes`; `None` if it is not one, wholly, of this version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        let record = match r.u8()? {
            1 => Self::Header(decode_header(&mut r)?),
            2 => Self::Init(Arc::new(decode_init(&mut r)?)),
            3 => Self::Part(decode_part(&mut r)?),
            4 => Self::Sealed { track: r.track()?, msn: r.unsigned()? },
            5 => Self::Gap {
                why: match r.u8()? {
                    1 => GapReason::DiskFull,
                    2 => GapReason::DiskFault,
                    3 => GapReason::Overflow,
                    4 => GapReason::Damaged,
                    5 => GapReason::Sequence,
                    6 => GapReason::Missed,
                    _ => return None,
                },
                at: UnixMillis(r.signed()?),
            },
            6 => Self::Stored { track: r.track()?, msn: r.unsigned()? },
            7 => Self::End(match r.u8()? {
                1 => EndReason::Ended,
                2 => EndReason::Recovered,
                _ => return None,
            }),
            8 => Self::Dropped { track: r.track()?, msn: r.unsigned()? },
            _ => return None,
        };
        r.0.is_empty().then_some(record)
    }
}

fn encode_segment(kind: u8, track: TrackId, msn: u64, w: &mut Writer<'_>) {
    w.u8(kind);
    w.u8(track.0);
    w.unsigned(msn);
}

fn encode_header(header: &Header, w: &mut Writer<'_>) {
    w.u8(1);
    w.unsigned(VERSION);
    w.bytes(header.key.channel.as_bytes());
    w.unsigned(header.key.stream.0);
    w.bytes(header.path.app.as_str().as_bytes());
    w.bytes(header.path.name.as_str().as_bytes());
    w.signed(header.started.0);
}

fn decode_header(r: &mut Reader<'_>) -> Option<Header> {
    if r.unsigned()? != VERSION {
        return None;
    }
    let channel = Uuid::from_slice(r.bytes()?).ok()?;
    let stream = StreamId(r.unsigned()?);
    let app = r.text()?.parse().ok()?;
    let name = r.text()?.parse().ok()?;
    let started = UnixMillis(r.signed()?);
    Some(Header { key: RecordingKey { channel, stream }, path: ChannelPath { app, name }, started })
}

fn encode_init(init: &Init, w: &mut Writer<'_>) {
    let track = &init.track;
    w.u8(2);
    w.u8(track.id.0);
    w.bytes(init.name.as_bytes());
    w.unsigned(init.epoch.into());
    w.u8(codec_number(track.codec));
    w.unsigned(track.timescale.hz().into());
    match &track.params {
        TrackParams::Video(video) => {
            w.u8(1);
            w.unsigned(video.width.into());
            w.unsigned(video.height.into());
            let rate = video.frame_rate.unwrap_or(FrameRate { frames: 0, seconds: 0 });
            w.unsigned(rate.frames.into());
            w.unsigned(rate.seconds.into());
            // Bits 0 and 1: no colour, limited range, full range. Bit 2: content light. Bit 3: mastering display.
            let Hdr { content_light, mastering } = video.hdr;
            let colour = video.colour.map_or(0, |colour| 1 + u8::from(colour.full_range));
            w.u8(colour | u8::from(content_light.is_some()) << 2 | u8::from(mastering.is_some()) << 3);
            if let Some(colour) = video.colour {
                w.0.extend_from_slice(&[colour.primaries, colour.transfer, colour.matrix]);
            }
            if let Some(ContentLight { max_cll, max_fall }) = content_light {
                w.unsigned(max_cll.into());
                w.unsigned(max_fall.into());
            }
            if let Some(display) = mastering {
                for (x, y) in [display.red, display.green, display.blue, display.white] {
                    w.unsigned(x.into());
                    w.unsigned(y.into());
                }
                w.unsigned(display.luminance_max.into());
                w.unsigned(display.luminance_min.into());
            }
        }
        TrackParams::Audio(audio) => {
            w.u8(2);
            w.unsigned(audio.sample_rate.into());
            w.u8(audio.channels);
            w.unsigned(audio.frame_samples.into());
        }
    }
    w.bytes(track.codec_string.as_bytes());
    w.bytes(&track.config);
    w.bytes(&init.bytes);
}

fn decode_mastering(r: &mut Reader<'_>) -> Option<MasteringDisplay> {
    let mut point = || Some((r.u16()?, r.u16()?));
    let (red, green, blue, white) = (point()?, point()?, point()?, point()?);
    Some(MasteringDisplay { red, green, blue, white, luminance_max: r.u32()?, luminance_min: r.u32()? })
}

fn decode_init(r: &mut Reader<'_>) -> Option<Init> {
    let id = r.track()?;
    let name = r.text()?.into();
    let epoch = r.u32()?;
    let codec = codec_of_number(r.u8()?)?;
    let timescale = Timescale::new(r.u32()?)?;
    let params = match r.u8()? {
        1 => {
            let (width, height) = (r.u32()?, r.u32()?);
            let rate = FrameRate { frames: r.u32()?, seconds: r.u32()? };
            let frame_rate = (rate.seconds != 0).then_some(rate);
            let flags = r.u8()?;
            let colour = match flags & 3 {
                0 => None,
                flag @ 1..=2 => {
                    Some(Colour { full_range: flag == 2, primaries: r.u8()?, transfer: r.u8()?, matrix: r.u8()? })
                }
                _ => return None,
            };
            let content_light =
                if flags & 4 == 0 { None } else { Some(ContentLight { max_cll: r.u16()?, max_fall: r.u16()? }) };
            let mastering = if flags & 8 == 0 { None } else { Some(decode_mastering(r)?) };
            let hdr = Hdr { content_light, mastering };
            (flags < 16).then_some(TrackParams::Video(VideoParams { width, height, frame_rate, colour, hdr }))?
        }
        2 => TrackParams::Audio(AudioParams { sample_rate: r.u32()?, channels: r.u8()?, frame_samples: r.u32()? }),
        _ => return None,
    };
    let codec_string = r.text()?.to_owned();
    let config = Bytes::copy_from_slice(r.bytes()?);
    let bytes = Bytes::copy_from_slice(r.bytes()?);
    Some(Init { track: Arc::new(Track { id, codec, timescale, config, params, codec_string }), name, epoch, bytes })
}

/// Numbers are for ever: they are on disks.
fn codec_number(codec: Codec) -> u8 {
    match codec {
        Codec::H264 => 1,
        Codec::H265 => 2,
        Codec::Av1 => 3,
        Codec::Vp9 => 4,
        Codec::Aac => 5,
        Codec::Opus => 6,
        Codec::Flac => 7,
        Codec::Mp3 => 8,
    }
}

fn codec_of_number(number: u8) -> Option<Codec> {
    let all = [Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9, Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3];
    all.into_iter().find(|codec| codec_number(*codec) == number)
}

fn encode_part(part: &PartRecord, w: &mut Writer<'_>) {
    w.u8(3);
    w.u8(part.track.0);
    w.unsigned(part.epoch.into());
    w.unsigned(part.msn);
    w.unsigned(part.index.into());
    w.signed(part.start.0);
    w.signed(part.duration.0);
    w.signed(part.wall.0);
    let flags = [part.independent, part.discontinuity, part.reanchored, part.gap_before];
    w.u8(flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag)));
    w.unsigned(part.offset);
    w.unsigned(part.len.into());
    w.unsigned(part.payload_offset.into());
    w.unsigned(part.crc.into());
    w.unsigned(part.samples.len() as u64);
    for sample in part.samples.iter() {
        w.unsigned(u64::from(sample.size) << 1 | u64::from(sample.key));
        w.unsigned(sample.duration.into());
        w.signed(sample.cts.into());
    }
}

fn decode_part(r: &mut Reader<'_>) -> Option<PartRecord> {
    let (track, epoch, msn, index) = (r.track()?, r.u32()?, r.unsigned()?, r.u32()?);
    let (start, duration, wall) = (Ticks(r.signed()?), Ticks(r.signed()?), UnixMillis(r.signed()?));
    let flags = r.u8()?;
    let (offset, len, payload_offset, crc) = (r.unsigned()?, r.u32()?, r.u32()?, r.u32()?);
    let count = r.unsigned()?;
    // A sample takes at least three bytes here, so the count cannot make us hold more than the record's length.
    if flags > 15 || count > r.0.len() as u64 / 3 {
        return None;
    }
    let mut samples = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let size_and_key = r.unsigned()?;
        samples.push(Sample {
            size: u32::try_from(size_and_key >> 1).ok()?,
            duration: r.u32()?,
            cts: i32::try_from(r.signed()?).ok()?,
            key: size_and_key & 1 == 1,
        });
    }
    Some(PartRecord {
        track,
        epoch,
        msn,
        index,
        start,
        duration,
        wall,
        independent: flags & 1 != 0,
        discontinuity: flags & 2 != 0,
        reanchored: flags & 4 != 0,
        gap_before: flags & 8 != 0,
        offset,
        len,
        payload_offset,
        crc,
        samples: samples.into(),
    })
}
