//! Writer of fragment headers. Hand-written: it runs for every part of every track, and costs one allocation.

use bytes::Bytes;
use media::{Timescale, TrackId, UnixMillis};

use super::super::boxes::{put_u32, put_u64};
use super::super::movie::file_track_id;
use super::FragmentError;

/// `sample_depends_on = 2`: depends on no other sample.
const FLAGS_SYNC: u32 = 0x0200_0000;
/// `sample_depends_on = 1`, `sample_is_non_sync_sample`.
const FLAGS_NON_SYNC: u32 = 0x0101_0000;

const TFHD_BASE_IS_MOOF: u32 = 0x02_0000;
const TFHD_DURATION: u32 = 0x08;
const TFHD_SIZE: u32 = 0x10;
const TFHD_FLAGS: u32 = 0x20;
const TRUN_DATA_OFFSET: u32 = 0x01;
const TRUN_FIRST_FLAGS: u32 = 0x04;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_CTS: u32 = 0x800;

/// Length of a version 1 `prft` box, bytes.
const PRFT_BYTES: usize = 32;
const MDAT_HEADER_BYTES: usize = 8;

/// Seconds between the epochs of NTP (1900) and Unix (1970).
const NTP_UNIX_SECONDS: u64 = 2_208_988_800;

/// One sample of a fragment, as sample tables speak of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Payload bytes.
    pub size: u32,
    /// Ticks to the next sample's decode time.
    pub duration: u32,
    /// Presentation time less decode time, in ticks.
    pub cts: i32,
    /// Sync sample.
    pub key: bool,
}

/// Producer reference time: which wall clock the media time `media_time` was captured at (ISO/IEC 14496-12 §8.16.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prft {
    /// NTP timestamp: seconds since 1900 in the upper, their fraction in the lower 32 bits.
    pub ntp: u64,
    /// The media time that belongs to it, in ticks of the track.
    pub media_time: u64,
}

impl Prft {
    /// `media_time` (ticks of the track) was captured at `wall`. Times before 1900 count as 1900; NTP's 32-bit seconds
    /// wrap in 2036 as they do for everyone.
    #[must_use]
    pub fn at(wall: UnixMillis, media_time: u64) -> Self {
        let millis = i128::from(wall.0) + i128::from(NTP_UNIX_SECONDS) * 1_000;
        let millis = u64::try_from(millis.max(0)).unwrap_or(u64::MAX);
        let fraction = ((millis % 1_000) << 32) / 1_000;
        Self { ntp: ((millis / 1_000) << 32) | fraction, media_time }
    }

    /// The wall clock, rounded to milliseconds; takes the seconds as of 1968 to 2036 and on (era by RFC 4330 §3).
    #[must_use]
    pub fn wall(self) -> UnixMillis {
        let seconds = self.ntp >> 32;
        let era = if seconds & 0x8000_0000 == 0 { 1u64 << 32 } else { 0 };
        let fraction_millis = ((self.ntp & 0xFFFF_FFFF) * 1_000 + (1 << 31)) >> 32;
        UnixMillis(((seconds + era) as i64 - NTP_UNIX_SECONDS as i64) * 1_000 + fraction_millis as i64)
    }
}

/// All that the header of a fragment says.
#[derive(Clone, Copy, Debug)]
pub struct FragmentHeader<'a> {
    /// `mfhd` sequence number: increases over the fragments of a track.
    pub sequence: u32,
    /// The track. In the file its number is one more.
    pub track: TrackId,
    /// The track's timescale. Not written (the init segment says it); kept so that the numbers below have a unit.
    pub timescale: Timescale,
    /// Decode time of the first sample, ticks.
    pub base_decode_time: u64,
    /// In decode order.
    pub samples: &'a [Sample],
    /// Written before the `moof` when given.
    pub prft: Option<Prft>,
}

/// Which sample fields go into every `trun` entry and which are said once.
struct Shape {
    tfhd_flags: u32,
    trun_flags: u32,
    first: Sample,
    /// Flags of all samples, or of all but the first.
    default_flags: u32,
    mdat_bytes: u32,
    prft_bytes: usize,
    moof_bytes: usize,
    tfhd_bytes: usize,
    trun_bytes: usize,
}

impl Shape {
    fn of(header: &FragmentHeader<'_>) -> Result<Self, FragmentError> {
        let first = header.samples.first().copied().unwrap_or_default();
        let second_key = header.samples.get(1).map_or(first.key, |second| second.key);
        let (mut durations, mut sizes, mut flags, mut cts) = (false, false, false, false);
        let mut bytes = 0u64;
        for (at, sample) in header.samples.iter().enumerate() {
            bytes += u64::from(sample.size);
            durations |= sample.duration != first.duration;
            sizes |= sample.size != first.size;
            flags |= at > 0 && sample.key != second_key;
            cts |= sample.cts != 0;
        }
        let mut trun_flags = TRUN_DATA_OFFSET;
        let mut tfhd_flags = TFHD_BASE_IS_MOOF;
        for (varies, in_trun, in_tfhd) in
            [(durations, TRUN_DURATION, TFHD_DURATION), (sizes, TRUN_SIZE, TFHD_SIZE), (flags, TRUN_FLAGS, TFHD_FLAGS)]
        {
            if varies { trun_flags |= in_trun } else { tfhd_flags |= in_tfhd }
        }
        if cts {
            trun_flags |= TRUN_CTS;
        }
        if !flags && first.key != second_key {
            trun_flags |= TRUN_FIRST_FLAGS;
        }
        let entry_bytes = 4 * (trun_flags & 0xF00).count_ones() as usize;
        let tfhd_bytes = 16 + 4 * (tfhd_flags & 0xFF).count_ones() as usize;
        let trun_bytes = 16 + 4 * (trun_flags & 0xFF).count_ones() as usize + entry_bytes * header.samples.len();
        let moof_bytes = 8 + 16 + 8 + tfhd_bytes + 20 + trun_bytes;
        let fits = i32::try_from(moof_bytes + MDAT_HEADER_BYTES).is_ok();
        let mdat_bytes = u32::try_from(bytes + MDAT_HEADER_BYTES as u64).ok().filter(|_| fits);
        Ok(Self {
            tfhd_flags,
            trun_flags,
            first,
            default_flags: sample_flags(second_key),
            mdat_bytes: mdat_bytes.ok_or(FragmentError::TooLarge { bytes })?,
            prft_bytes: if header.prft.is_some() { PRFT_BYTES } else { 0 },
            moof_bytes,
            tfhd_bytes,
            trun_bytes,
        })
    }

    fn bytes(&self) -> usize {
        self.prft_bytes + self.moof_bytes + MDAT_HEADER_BYTES
    }
}

const fn sample_flags(key: bool) -> u32 {
    if key { FLAGS_SYNC } else { FLAGS_NON_SYNC }
}

/// `[prft] moof mdat-header` for a fragment whose payload, the samples one after the other, follows at once.
///
/// # Errors
/// [`FragmentError::TooLarge`] when the samples do not fit an `mdat` with a 32-bit size.
pub fn fragment_header(header: &FragmentHeader<'_>) -> Result<Bytes, FragmentError> {
    let shape = Shape::of(header)?;
    let mut out = Vec::with_capacity(shape.bytes());
    put_header(header, &shape, &mut out);
    Ok(out.into())
}

/// As [`fragment_header`], appended to `out`: reserve [`fragment_header_bytes`] and the payload's length before, and the
/// whole fragment costs one allocation. Leaves `out` alone on error.
///
/// # Errors
/// As [`fragment_header`].
pub fn write_fragment_header(header: &FragmentHeader<'_>, out: &mut Vec<u8>) -> Result<(), FragmentError> {
    let shape = Shape::of(header)?;
    out.reserve(shape.bytes());
    put_header(header, &shape, out);
    Ok(())
}

/// Length of what [`fragment_header`] writes: the payload's offset in the fragment.
///
/// # Errors
/// As [`fragment_header`].
pub fn fragment_header_bytes(header: &FragmentHeader<'_>) -> Result<usize, FragmentError> {
    Ok(Shape::of(header)?.bytes())
}

fn put_header(header: &FragmentHeader<'_>, shape: &Shape, out: &mut Vec<u8>) {
    let track_id = file_track_id(header.track);
    if let Some(prft) = header.prft {
        put_box_header(out, PRFT_BYTES, b"prft");
        put_u32(out, 0x0100_0018); // version 1; flags 24: the time of capture
        put_u32(out, track_id);
        put_u64(out, prft.ntp);
        put_u64(out, prft.media_time);
    }
    put_box_header(out, shape.moof_bytes, b"moof");
    put_box_header(out, 16, b"mfhd");
    put_u32(out, 0);
    put_u32(out, header.sequence);
    put_box_header(out, 8 + shape.tfhd_bytes + 20 + shape.trun_bytes, b"traf");
    put_box_header(out, shape.tfhd_bytes, b"tfhd");
    put_u32(out, shape.tfhd_flags);
    put_u32(out, track_id);
    for (flag, value) in
        [(TFHD_DURATION, shape.first.duration), (TFHD_SIZE, shape.first.size), (TFHD_FLAGS, shape.default_flags)]
    {
        if shape.tfhd_flags & flag != 0 {
            put_u32(out, value);
        }
    }
    put_box_header(out, 20, b"tfdt");
    put_u32(out, 0x0100_0000);
    put_u64(out, header.base_decode_time);
    put_trun(header, shape, out);
    put_box_header(out, shape.mdat_bytes as usize, b"mdat");
}

fn put_trun(header: &FragmentHeader<'_>, shape: &Shape, out: &mut Vec<u8>) {
    put_box_header(out, shape.trun_bytes, b"trun");
    put_u32(out, 0x0100_0000 | shape.trun_flags);
    put_u32(out, header.samples.len() as u32);
    put_u32(out, (shape.moof_bytes + MDAT_HEADER_BYTES) as u32);
    if shape.trun_flags & TRUN_FIRST_FLAGS != 0 {
        put_u32(out, sample_flags(shape.first.key));
    }
    for sample in header.samples {
        if shape.trun_flags & TRUN_DURATION != 0 {
            put_u32(out, sample.duration);
        }
        if shape.trun_flags & TRUN_SIZE != 0 {
            put_u32(out, sample.size);
        }
        if shape.trun_flags & TRUN_FLAGS != 0 {
            put_u32(out, sample_flags(sample.key));
        }
        if shape.trun_flags & TRUN_CTS != 0 {
            put_u32(out, sample.cts as u32);
        }
    }
}

/// Sizes were proved to fit by [`Shape::of`].
fn put_box_header(out: &mut Vec<u8>, size: usize, kind: &[u8; 4]) {
    put_u32(out, size as u32);
    out.extend_from_slice(kind);
}

#[cfg(test)]
mod tests;
