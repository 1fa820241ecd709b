//! The tables of one track, walked without being expanded: a run costs its row, whatever count it declares.

use super::super::super::boxes::{BoxError, FourCc, Reader};
use super::super::super::sample_entry::parse_entry;
use super::{Findings, Problem, Top, TrackReport};

/// A table of fixed-size rows of 32-bit values.
struct Table<'a> {
    kind: FourCc,
    rows: &'a [u8],
    row_bytes: usize,
}

impl<'a> Table<'a> {
    fn read(mut reader: Reader<'a>, row_bytes: usize) -> Result<Self, BoxError> {
        reader.version_flags()?;
        let count = reader.u32("entry count")?;
        Self::of(reader, count, row_bytes)
    }

    fn of(mut reader: Reader<'a>, count: u32, row_bytes: usize) -> Result<Self, BoxError> {
        let bytes = (count as usize).checked_mul(row_bytes).ok_or_else(|| reader.refuse("entry count"))?;
        Ok(Self { kind: reader.kind(), rows: reader.take(bytes, "entries")?, row_bytes })
    }

    /// Row number (1-based) and row.
    fn rows(&self) -> impl Iterator<Item = (u64, Row<'a>)> {
        (1..).zip(self.rows.chunks_exact(self.row_bytes).map(Row))
    }

    fn len(&self) -> u64 {
        (self.rows.len() / self.row_bytes) as u64
    }
}

/// Columns of 32 bits.
#[derive(Clone, Copy)]
struct Row<'a>(&'a [u8]);

impl Row<'_> {
    fn column(&self, at: usize) -> u32 {
        self.0.get(4 * at..).and_then(|bytes| bytes.first_chunk::<4>()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    fn wide(&self) -> u64 {
        (u64::from(self.column(0)) << 32) | u64::from(self.column(1))
    }
}

/// Timescale and duration of an `mvhd` or `mdhd`.
pub(super) fn times(mut header: Reader<'_>) -> Result<(u32, u64), BoxError> {
    let (version, _) = header.version_flags()?;
    header.take(if version == 0 { 8 } else { 16 }, "times")?;
    let timescale = header.u32("timescale")?;
    Ok((timescale, header.u32_or_u64(version, "duration")?))
}

/// Checks one `trak` and adds what is wrong with it to `findings`.
pub(super) fn check(mut trak: Reader<'_>, mdat: &Top, findings: &mut Findings) -> Result<TrackReport, BoxError> {
    let [tkhd, mdia] = trak.children([b"tkhd", b"mdia"])?;
    let mut tkhd = trak.need(b"tkhd", tkhd)?;
    let (version, _) = tkhd.version_flags()?;
    tkhd.take(if version == 0 { 8 } else { 16 }, "times")?;
    let mut report = TrackReport { track_id: tkhd.u32("track id")?, ..TrackReport::default() };
    let mut mdia = trak.need(b"mdia", mdia)?;
    let [mdhd, minf] = mdia.children([b"mdhd", b"minf"])?;
    let (timescale, declared) = times(mdia.need(b"mdhd", mdhd)?)?;
    report.timescale = timescale;
    let mut stbl = mdia.need(b"minf", minf)?.child(b"stbl")?;
    let [stsd, stts, ctts, stsc, stsz, stco, co64, stss] =
        stbl.children([b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"co64", b"stss"])?;
    report.codecs = descriptions(stbl.need(b"stsd", stsd)?)?;
    let sizes = Sizes::read(stbl.need(b"stsz", stsz)?)?;
    report.samples = sizes.count;
    let mut tables = Tables { mdat, findings, report: &mut report };
    tables.check_durations(&Table::read(stbl.need(b"stts", stts)?, 8)?, declared);
    if let Some(ctts) = ctts {
        tables.check_count(&Table::read(ctts, 8)?);
    }
    tables.check_sync(stss.map(|stss| Table::read(stss, 4)).transpose()?.as_ref());
    let offsets = match co64 {
        Some(co64) => Table::read(co64, 8)?,
        None => Table::read(stbl.need(b"stco", stco)?, 4)?,
    };
    tables.check_chunks(&Table::read(stbl.need(b"stsc", stsc)?, 12)?, &offsets, &sizes);
    Ok(report)
}

fn descriptions(mut stsd: Reader<'_>) -> Result<Vec<Option<media::Codec>>, BoxError> {
    stsd.version_flags()?;
    let count = stsd.u32("entry count")?;
    let mut codecs = Vec::new();
    while let Some(entry) = stsd.next_box()? {
        codecs.push(parse_entry(entry)?.map(|entry| entry.codec));
    }
    if codecs.len() != count as usize {
        return Err(stsd.refuse("entry count is not the number of entries"));
    }
    Ok(codecs)
}

struct Sizes<'a> {
    count: u64,
    /// Size of every sample; zero where the table says each.
    alike: u32,
    each: Table<'a>,
}

impl<'a> Sizes<'a> {
    fn read(mut stsz: Reader<'a>) -> Result<Self, BoxError> {
        stsz.version_flags()?;
        let alike = stsz.u32("sample size")?;
        let count = stsz.u32("sample count")?;
        let each = Table::of(stsz, if alike == 0 { count } else { 0 }, 4)?;
        Ok(Self { count: u64::from(count), alike, each })
    }
}

struct Tables<'a> {
    mdat: &'a Top,
    findings: &'a mut Findings,
    report: &'a mut TrackReport,
}

impl Tables<'_> {
    fn compare(&mut self, table: FourCc, count: u64) {
        let (track, samples) = (self.report.track_id, self.report.samples);
        if count != samples {
            self.findings.add(Problem::Counts { track, table, count, samples });
        }
    }

    fn row(&mut self, table: FourCc, row: u64, what: &'static str) {
        self.findings.add(Problem::Row { track: self.report.track_id, table, row, what });
    }

    fn check_count(&mut self, runs: &Table<'_>) {
        self.compare(runs.kind, runs.rows().map(|(_, row)| u64::from(row.column(0))).sum());
    }

    fn check_durations(&mut self, stts: &Table<'_>, declared: u64) {
        self.check_count(stts);
        let products = stts.rows().map(|(_, row)| u64::from(row.column(0)) * u64::from(row.column(1)));
        let ticks = products.fold(0, u64::saturating_add);
        self.report.duration_ticks = ticks;
        if ticks != declared {
            self.findings.add(Problem::Duration { track: self.report.track_id, declared, ticks });
        }
    }

    fn check_sync(&mut self, stss: Option<&Table<'_>>) {
        let Some(stss) = stss else {
            self.report.sync_samples = self.report.samples;
            return;
        };
        self.report.sync_samples = stss.len();
        let mut last = 0;
        for (number, row) in stss.rows() {
            let sample = u64::from(row.column(0));
            if sample <= last || sample > self.report.samples {
                self.row(stss.kind, number, "is out of order or names no sample");
            }
            last = sample;
        }
    }

    fn check_chunks(&mut self, stsc: &Table<'_>, offsets: &Table<'_>, sizes: &Sizes<'_>) {
        let mut runs = stsc.rows().peekable();
        let mut each = sizes.each.rows();
        let (mut in_chunk, mut counted, mut last_end) = (0u64, 0u64, 0u64);
        let track = self.report.track_id;
        for (chunk, row) in offsets.rows() {
            while let Some((number, run)) = runs.next_if(|(_, run)| u64::from(run.column(0)) <= chunk) {
                if u64::from(run.column(0)) != chunk {
                    self.row(stsc.kind, number, "is out of order");
                }
                if run.column(2) == 0 || run.column(2) as usize > self.report.codecs.len() {
                    self.row(stsc.kind, number, "names no sample entry");
                }
                in_chunk = u64::from(run.column(1));
            }
            let bytes = if sizes.alike == 0 {
                let length = usize::try_from(in_chunk).unwrap_or(usize::MAX);
                each.by_ref().take(length).map(|(_, size)| u64::from(size.column(0))).sum()
            } else {
                in_chunk.saturating_mul(u64::from(sizes.alike))
            };
            counted = counted.saturating_add(in_chunk);
            let start = if offsets.row_bytes == 8 { row.wide() } else { u64::from(row.column(0)) };
            let end = start.saturating_add(bytes);
            if start < self.mdat.body || end > self.mdat.end {
                self.findings.add(Problem::OutsideMdat { track, chunk, start, end });
            }
            if start < last_end {
                self.findings.add(Problem::Overlap { track, chunk });
            }
            last_end = end;
            self.report.bytes = self.report.bytes.saturating_add(bytes);
        }
        if let Some((number, _)) = runs.next() {
            self.row(stsc.kind, number, "names no chunk");
        }
        self.compare(stsc.kind, counted);
    }
}
