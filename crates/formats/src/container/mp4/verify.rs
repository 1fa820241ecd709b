//! Proves a progressive MP4 against itself: does every sample that the tables promise lie inside the `mdat`, once, in order?
//!
//! Reads the head only (`ftyp`, `moov`, `mdat` header), never the media, so a recording of hours is checked in milliseconds.
//! Total over any bytes; memory and time are bounded by the length of the head, whatever counts it declares.

mod track;

use std::io::{Read, Seek, SeekFrom};

use media::Codec;

use super::super::boxes::{BoxError, FourCc, Reader};

/// Largest `moov` that [`verify_file`] loads, bytes: 100 hours of 60 frames a second with sound.
const MOOV_BYTES_MAX: u64 = 512 << 20;
/// Problems listed in a report; the others are counted only.
const PROBLEMS_MAX: usize = 100;

/// What a file says, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Mp4Report {
    /// One for each `trak`.
    pub tracks: Vec<TrackReport>,
    /// Duration of the movie, milliseconds.
    pub duration_ms: u64,
    /// Length of the file's `mdat` body.
    pub mdat_body_bytes: u64,
    /// The first hundred.
    pub problems: Vec<Problem>,
    /// All of them, counted.
    pub problem_count: u64,
}

/// What the tables of one track promise.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TrackReport {
    /// Number in the file.
    pub track_id: u32,
    /// Formats of its sample entries; `None` for one that Tayang does not carry.
    pub codecs: Vec<Option<Codec>>,
    /// Samples.
    pub samples: u64,
    /// Samples that a decoder can start at.
    pub sync_samples: u64,
    /// Bytes of all samples.
    pub bytes: u64,
    /// Ticks a second.
    pub timescale: u32,
    /// Sum of all durations, ticks.
    pub duration_ticks: u64,
}

/// Something in the file that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// `moov` comes behind `mdat`: the file does not start before it is loaded whole.
    #[error("moov is behind mdat")]
    NotFastStart,
    /// The `mdat` declares more bytes than the file has.
    #[error("mdat ends at byte {declared} of a file of {file_bytes}")]
    CutOff {
        /// Where it should end.
        declared: u64,
        /// Length of the file.
        file_bytes: u64,
    },
    /// Tables of one track count its samples differently.
    #[error("track {track}: {table} counts {count} samples, stsz {samples}")]
    Counts {
        /// Number in the file.
        track: u32,
        /// The table that differs.
        table: FourCc,
        /// What it counts.
        count: u64,
        /// What `stsz` counts.
        samples: u64,
    },
    /// A chunk does not lie inside the `mdat`.
    #[error("track {track}: chunk {chunk} at bytes {start} to {end} is outside the mdat")]
    OutsideMdat {
        /// Number in the file.
        track: u32,
        /// 1-based.
        chunk: u64,
        /// First byte in the file.
        start: u64,
        /// Byte behind its last.
        end: u64,
    },
    /// A chunk begins before the one before it ends.
    #[error("track {track}: chunk {chunk} begins before the one before it ends")]
    Overlap {
        /// Number in the file.
        track: u32,
        /// 1-based.
        chunk: u64,
    },
    /// A row that refers to nothing, or rows out of order.
    #[error("track {track}: row {row} of {table} {what}")]
    Row {
        /// Number in the file.
        track: u32,
        /// The table.
        table: FourCc,
        /// 1-based.
        row: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The media header and the sample durations disagree.
    #[error("track {track}: mdhd says {declared} ticks, stts {ticks}")]
    Duration {
        /// Number in the file.
        track: u32,
        /// By the header.
        declared: u64,
        /// By the table.
        ticks: u64,
    },
    /// No track has a sample.
    #[error("no samples")]
    Empty,
}

/// Why a file could not be verified at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Its boxes cannot be read.
    #[error(transparent)]
    Boxes(#[from] BoxError),
    /// The reader failed.
    #[error("reading the file: {0}")]
    Read(#[from] std::io::Error),
    /// The head is longer than any recording's.
    #[error("moov of {bytes} bytes exceeds limit {max}")]
    TooLarge {
        /// Declared size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
}

/// Verifies a file of which `head` is everything up to and including the `mdat` header, as
/// [`fast_start_head`](super::fast_start_head) makes it, and `file_bytes` the length.
///
/// # Errors
/// [`BoxError`] where the head cannot be read. What can be read but not be right is a [`Problem`] of the report.
pub fn verify(head: &[u8], file_bytes: u64) -> Result<Mp4Report, BoxError> {
    let mut at = 0usize;
    let mut moov = None;
    let mut mdat = None;
    while let Some(found) = Top::read(head.get(at..).unwrap_or_default(), at as u64)? {
        match &found.kind.0 {
            b"mdat" => mdat = Some(found),
            b"moov" => moov = Some((found.body, found.end.saturating_sub(found.body))),
            _ => {}
        }
        let Some(next) = usize::try_from(found.end).ok().filter(|&end| end <= head.len()) else { break };
        at = next;
    }
    let parent = FourCc(*b"file");
    let mdat = mdat.ok_or(BoxError::Missing { parent, kind: FourCc(*b"mdat") })?;
    let (body, bytes) = moov.ok_or(BoxError::Missing { parent, kind: FourCc(*b"moov") })?;
    let range = usize::try_from(body).ok().zip(usize::try_from(body.saturating_add(bytes)).ok());
    let moov_bytes = range.and_then(|(start, end)| head.get(start..end));
    let moov_bytes =
        moov_bytes.ok_or(BoxError::Truncated { kind: FourCc(*b"moov"), field: "body", at: body as usize })?;
    verify_moov(moov_bytes, body, &mdat, file_bytes)
}

/// As [`verify`], loading what it needs of a file; boxes may come in any order.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_file(file: &mut (impl Read + Seek)) -> Result<Mp4Report, VerifyError> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let (mut at, mut moov, mut mdat) = (0, None, None);
    while at < file_bytes {
        file.seek(SeekFrom::Start(at))?;
        let mut header = Vec::with_capacity(16);
        file.by_ref().take(16).read_to_end(&mut header)?;
        let Some(found) = Top::read(&header, at)? else { break };
        let bytes = found.end.saturating_sub(found.body);
        match &found.kind.0 {
            b"moov" if bytes > MOOV_BYTES_MAX => return Err(VerifyError::TooLarge { bytes, max: MOOV_BYTES_MAX }),
            b"moov" => {
                let mut body = Vec::new();
                file.seek(SeekFrom::Start(found.body))?;
                file.by_ref().take(bytes).read_to_end(&mut body)?;
                moov = Some((body, found.body));
            }
            b"mdat" => mdat = Some(found),
            _ => {}
        }
        at = found.end;
    }
    let parent = FourCc(*b"file");
    let mdat = mdat.ok_or(BoxError::Missing { parent, kind: FourCc(*b"mdat") })?;
    let (body, start) = moov.ok_or(BoxError::Missing { parent, kind: FourCc(*b"moov") })?;
    Ok(verify_moov(&body, start, &mdat, file_bytes)?)
}

/// Header of a box of the file: 64-bit, as it may end far beyond what is loaded.
#[derive(Clone, Copy)]
struct Top {
    kind: FourCc,
    /// First byte of its body, and the byte behind its last.
    body: u64,
    end: u64,
}

impl Top {
    /// `None` when less than a header is left.
    fn read(bytes: &[u8], at: u64) -> Result<Option<Self>, BoxError> {
        let Some((header, rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
        let [s0, s1, s2, s3, kind @ ..] = *header;
        let kind = FourCc(kind);
        let (size, header_bytes) = match (u32::from_be_bytes([s0, s1, s2, s3]), rest.first_chunk::<8>()) {
            (1, Some(large)) => (u64::from_be_bytes(*large), 16),
            (1, None) => return Ok(None),
            (small, _) => (u64::from(small), 8),
        };
        match at.checked_add(size) {
            Some(end) if size >= header_bytes => Ok(Some(Self { kind, body: at + header_bytes, end })),
            _ => Err(BoxError::Size { kind, at: at as usize, size, room: bytes.len() }),
        }
    }
}

struct Findings {
    report: Mp4Report,
}

impl Findings {
    fn add(&mut self, problem: Problem) {
        self.report.problem_count += 1;
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(problem);
        }
    }
}

fn verify_moov(moov: &[u8], moov_at: u64, mdat: &Top, file_bytes: u64) -> Result<Mp4Report, BoxError> {
    let mut report = Mp4Report { mdat_body_bytes: mdat.end.saturating_sub(mdat.body), ..Mp4Report::default() };
    let mut moov = Reader::new(b"moov", moov);
    let mut header = None;
    let mut traks = Vec::new();
    while let Some(child) = moov.next_box()? {
        match &child.kind().0 {
            b"mvhd" => Reader::once(&mut header, child)?,
            b"trak" => traks.push(child),
            _ => {}
        }
    }
    let (timescale, ticks) = track::times(moov.need(b"mvhd", header)?)?;
    report.duration_ms = scaled(ticks, 1_000, timescale);
    let mut findings = Findings { report };
    if moov_at > mdat.body {
        findings.add(Problem::NotFastStart);
    }
    if mdat.end > file_bytes {
        findings.add(Problem::CutOff { declared: mdat.end, file_bytes });
    }
    for trak in traks {
        let track = track::check(trak, mdat, &mut findings)?;
        findings.report.tracks.push(track);
    }
    if findings.report.tracks.iter().all(|track| track.samples == 0) {
        findings.add(Problem::Empty);
    }
    Ok(findings.report)
}

fn scaled(ticks: u64, to: u32, from: u32) -> u64 {
    u64::try_from(u128::from(ticks) * u128::from(to) / u128::from(from.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
