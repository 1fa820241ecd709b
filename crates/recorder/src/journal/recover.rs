//! Reads a journal after anything: a clean end, a kill, a power cut, damage. Repairs it once, at start.
//!
//! [`read`] only reads and is also what another process uses beside a running server. [`recover`] cuts what is torn,
//! writes the end, and flushes; a crash in the middle of it is repaired by doing it again. A log that is damaged in the
//! middle is first rebuilt from the frames around the damage.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use media::TrackId;

use crate::index::Fold;
use crate::journal::frame::FrameReader;
use crate::journal::record::{EndReason, PartRecord, Record};
use crate::journal::volume::Volume;
use crate::journal::writer::Journal;
use crate::key::{INDEX_LOG, parse_segment_file, segment_file};
use salvage::{salvage, without_parts};
use tail::{Tail, TailPart};

mod salvage;
mod tail;

#[cfg(test)]
mod tests;

/// Buffer for reading a log.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Folds a log up to the first record that is damaged, cut off or does not follow, whose place is the second value.
/// Parts reach `on_part`.
///
/// `None` if there is no sound header, so nothing was recorded.
///
/// # Errors
/// What the file system says.
pub(crate) fn read(source: impl io::Read, mut on_part: impl FnMut(&PartRecord)) -> io::Result<Option<(Fold, u64)>> {
    let mut frames = FrameReader::new(BufReader::with_capacity(READ_BUFFER_BYTES, source));
    let header = match frames.next_record()?.and_then(Record::decode) {
        Some(Record::Header(header)) => header,
        _ => return Ok(None),
    };
    let mut fold = Fold::new(header);
    let mut sound_len = frames.sound_len();
    while let Some(record) = frames.next_record()?.and_then(Record::decode) {
        if fold.apply(&record).is_err() {
            break;
        }
        if let Record::Part(part) = &record {
            on_part(part);
        }
        sound_len = frames.sound_len();
    }
    Ok(Some((fold, sound_len)))
}

/// What became of a folder.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A recording whose journal has an end and may take `Stored` records. It may hold no segment at all.
    Recovered(Box<Journal>),
    /// No header can be read. `has_segments` tells whether bytes lie there that somebody may want to look at.
    Unreadable {
        /// Segment files are in the folder.
        has_segments: bool,
    },
}

/// Repairs the journal in `folder` and ends it.
///
/// # Errors
/// What the file system says; nothing is lost by trying again.
pub(crate) fn recover(folder: &Path, volume: &Arc<dyn Volume>) -> io::Result<Outcome> {
    let files = segment_files(folder)?;
    let unreadable = Outcome::Unreadable { has_segments: !files.is_empty() };
    let path = folder.join(INDEX_LOG);
    let log = match OpenOptions::new().read(true).write(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(unreadable),
        opened => opened?,
    };
    let Some(log) = salvage(folder, log, volume)? else { return Ok(unreadable) };
    let mut tail = Tail::default();
    let Some((fold, sound_len)) = read(&log, |part| tail.push(part))? else { return Ok(unreadable) };
    let damaged = tail.damaged(|part| is_sound(folder, part, &fold));
    let (log, fold, sound_len) = if damaged.is_empty() {
        (log, fold, sound_len)
    } else {
        let log = without_parts(folder, &log, volume, |part| damaged.contains(&(part.track, part.msn, part.index)))?;
        let Some((fold, sound_len)) = read(&log, |_| ())? else { return Ok(unreadable) };
        (log, fold, sound_len)
    };
    log.set_len(sound_len)?;
    let mut journal = Journal::over(volume.clone(), folder.to_owned(), fold, log, sound_len);
    journal.end(EndReason::Recovered);
    trim_files(&**volume, &journal, &files, &tail)?;
    match journal.sync() {
        // The disk is full to the last byte: the recording is whole but for its end, which the I/O thread writes later.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => (),
        synced => synced?,
    }
    volume.sync_dir(folder)?;
    Ok(Outcome::Recovered(Box::new(journal)))
}

type Files = HashMap<(TrackId, u64), u64>;

fn segment_files(folder: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(id) = entry.file_name().to_str().and_then(parse_segment_file) {
            files.insert(id, entry.metadata()?.len());
        }
    }
    Ok(files)
}

/// The part's bytes are in its file, or the object store has confirmed its segment.
fn is_sound(folder: &Path, part: &TailPart, fold: &Fold) -> io::Result<bool> {
    let entry = fold.index().track(part.track).and_then(|track| track.segments.get(part.msn));
    if entry.is_some_and(|entry| entry.stored) {
        return Ok(true);
    }
    let file = match File::open(folder.join(segment_file(part.track, part.msn))) {
        // The segment may be in the store without a record of it: whoever uploads it finds out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(entry.is_some()),
        opened => opened?,
    };
    if file.metadata()?.len() < part.offset.saturating_add(part.len.into()) {
        return Ok(false);
    }
    let mut bytes = vec![0; part.len as usize];
    file.read_exact_at(&mut bytes, part.offset)?;
    Ok(crc32fast::hash(&bytes) == part.crc)
}

/// Cuts files to what the index says, removes those that it does not know, and flushes those of the tail.
fn trim_files(volume: &dyn Volume, journal: &Journal, files: &Files, tail: &Tail) -> io::Result<()> {
    let index = journal.fold().index();
    for (&(track, msn), &len) in files {
        let path = journal.folder().join(segment_file(track, msn));
        match index.track(track).and_then(|track| track.segments.get(msn)) {
            None => std::fs::remove_file(path)?,
            Some(entry) if len > entry.bytes => {
                let file = OpenOptions::new().write(true).open(path)?;
                file.set_len(entry.bytes)?;
                volume.sync(&file)?;
            }
            Some(_) if tail.has(track, msn) => volume.sync(&File::open(path)?)?,
            Some(_) => (),
        }
    }
    Ok(())
}
