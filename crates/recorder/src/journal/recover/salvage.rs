//! A log with damage in its middle: goes on after it where frames are sound again, so that one flipped bit at the start
//! of a lesson does not cost the lesson.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use media::{TrackId, UnixMillis};

use crate::index::{Fold, GapReason};
use crate::journal::frame::{self, FrameReader};
use crate::journal::record::{PartRecord, Record};
use crate::journal::volume::Volume;
use crate::key::INDEX_LOG;

/// How far behind damage the next sound frame is looked for: four of the longest records.
const SEARCH_BYTES_MAX: u64 = 4 * frame::RECORD_BYTES_MAX as u64;
/// Damaged places that are bridged in one log; what is behind them is cut off.
const PLACES_MAX: usize = 64;
/// Name of the log that is being rebuilt.
const REBUILT_LOG: &str = "index.log.rebuilt";

/// Returns the log, positioned at its start, rebuilt if frames follow after damage. `None` if its header is damaged.
///
/// # Errors
/// What the file system says; the log is as it was then.
pub(super) fn salvage(folder: &Path, mut log: File, volume: &Arc<dyn Volume>) -> io::Result<Option<File>> {
    let len = log.metadata()?.len();
    let mut rebuilt: Option<Vec<u8>> = None;
    let mut fold: Option<Fold> = None;
    let mut at = 0;
    for _ in 0..PLACES_MAX {
        log.seek(SeekFrom::Start(at))?;
        let reached = at + copy_sound(&log, &mut fold, &mut rebuilt)?;
        let Some(fold) = &mut fold else { return Ok(None) };
        // A clean end is the ordinary case, a torn last frame the next.
        let Some(next) = next_sound(&mut log, reached, len)? else { break };
        if rebuilt.is_none() {
            let mut sound = vec![0; reached as usize];
            log.seek(SeekFrom::Start(0))?;
            log.read_exact(&mut sound)?;
            rebuilt = Some(sound);
        }
        let gap = Record::Gap { why: GapReason::Damaged, at: UnixMillis(fold.index().started.0) };
        if fold.apply(&gap).is_ok()
            && let Some(rebuilt) = &mut rebuilt
        {
            frame::append(rebuilt, |out| gap.encode(out));
        }
        at = next;
    }
    if let Some(bytes) = rebuilt {
        tracing::warn!(folder = %folder.display(), "journal was damaged in its middle, what is sound on both sides is kept");
        log = replace(folder, &bytes, volume)?;
    }
    log.seek(SeekFrom::Start(0))?;
    Ok(Some(log))
}

/// Folds sound frames from where `log` stands, copying those that fit if the log is being rebuilt. Returns their length.
fn copy_sound(log: &File, fold: &mut Option<Fold>, rebuilt: &mut Option<Vec<u8>>) -> io::Result<u64> {
    let mut frames = FrameReader::new(io::BufReader::with_capacity(super::READ_BUFFER_BYTES, log));
    let mut sound = 0;
    loop {
        let Some(bytes) = frames.next_record()? else { return Ok(sound) };
        let Some(record) = Record::decode(bytes) else { return Ok(sound) };
        let fits = match fold {
            Some(fold) => fold.apply(&record).is_ok(),
            None => match record {
                Record::Header(header) => {
                    *fold = Some(Fold::new(header));
                    true
                }
                _ => return Ok(sound),
            },
        };
        match rebuilt {
            // Parts of a segment whose beginning is lost do not fit, and are left out.
            Some(rebuilt) if fits => {
                frame::append(rebuilt, |out| out.extend_from_slice(bytes));
            }
            Some(_) => (),
            None if fits => (),
            None => return Ok(sound),
        }
        sound = frames.sound_len();
    }
}

/// Where the next sound record begins behind `from`, if one is near.
fn next_sound(log: &mut File, from: u64, len: u64) -> io::Result<Option<u64>> {
    if from >= len {
        return Ok(None);
    }
    log.seek(SeekFrom::Start(from))?;
    let mut window = Vec::new();
    log.take(SEARCH_BYTES_MAX + frame::RECORD_BYTES_MAX as u64).read_to_end(&mut window)?;
    let starts = 1..window.len().min(SEARCH_BYTES_MAX as usize);
    let is_sound =
        |at: &usize| frame::split(&window[*at..]).is_some_and(|(record, _)| Record::decode(record).is_some());
    Ok(starts.into_iter().find(is_sound).map(|at| from + at as u64))
}

/// Rebuilds the log without the parts that `skip` names and without those behind them in their segments; the next
/// segment of such a track says that a gap is before it. Returns the log, positioned at its start.
///
/// # Errors
/// What the file system says; the log is as it was then.
pub(super) fn without_parts(
    folder: &Path,
    log: &File,
    volume: &Arc<dyn Volume>,
    skip: impl Fn(&PartRecord) -> bool,
) -> io::Result<File> {
    let mut source = log;
    source.seek(SeekFrom::Start(0))?;
    let mut frames = FrameReader::new(io::BufReader::with_capacity(super::READ_BUFFER_BYTES, source));
    let (mut fold, mut rebuilt): (Option<Fold>, _) = (None, Vec::new());
    let mut trimmed: Vec<TrackId> = Vec::new();
    while let Some(mut record) = frames.next_record()?.and_then(Record::decode) {
        if let Record::Part(part) = &mut record {
            let was_trimmed = trimmed.iter().position(|track| *track == part.track);
            if skip(part) {
                trimmed.extend(was_trimmed.is_none().then_some(part.track));
                continue;
            }
            part.gap_before |= was_trimmed.is_some() && part.index == 0;
        }
        let fits = match (&mut fold, &record) {
            (Some(fold), record) => fold.apply(record).is_ok(),
            (None, Record::Header(header)) => fold.insert(Fold::new(header.clone())).open().is_empty(),
            (None, _) => false,
        };
        if fits {
            frame::append(&mut rebuilt, |out| record.encode(out));
            if let Record::Part(part) = &record {
                trimmed.retain(|track| *track != part.track || part.index != 0);
            }
        }
    }
    tracing::warn!(folder = %folder.display(), "parts of a journal did not reach the disk or are damaged, and are cut out");
    let mut file = replace(folder, &rebuilt, volume)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn replace(folder: &Path, bytes: &[u8], volume: &Arc<dyn Volume>) -> io::Result<File> {
    let path = folder.join(REBUILT_LOG);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    file.write_all(bytes)?;
    volume.sync(&file)?;
    std::fs::rename(&path, folder.join(INDEX_LOG))?;
    volume.sync_dir(folder)?;
    Ok(file)
}
