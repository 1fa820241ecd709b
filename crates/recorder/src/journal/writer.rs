//! Writes one stream's journal. Runs on an I/O thread; every call may block on the disk.
//!
//! Order per part: its bytes are appended to the segment's file, then its record to `index.log`. [`Journal::sync`]
//! flushes segment files first, then the folder's names, then the log: a record that survives a power cut without its
//! bytes is found by its checksum, bytes without a record are cut off.
//!
//! Invariants (each has a test of the same name):
//! * `the_fold_is_what_a_reader_of_the_files_gets`: after any failure, memory and disk tell the same story.
//! * `a_failed_write_leaves_no_torn_tail`: files are cut back to their last whole part at once.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media::{TrackId, UnixMillis};

use crate::index::{Fold, GapReason, Init, Misfit};
use crate::journal::frame;
use crate::journal::record::{EndReason, Header, PartRecord, Record};
use crate::journal::volume::{Volume, create_dirs};
use crate::key::{INDEX_LOG, segment_file};

#[cfg(test)]
mod tests;

/// Bytes of records that wait for a disk that refuses them: seals and gap marks only, since parts are dropped then.
const PENDING_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
struct OpenSegment {
    track: TrackId,
    msn: u64,
    file: File,
    len: u64,
    dirty: bool,
}

/// The journal of one stream.
#[derive(Debug)]
pub(crate) struct Journal {
    volume: Arc<dyn Volume>,
    folder: PathBuf,
    fold: Fold,
    log: File,
    /// Bytes of whole, sound frames; what is behind them is torn and gets overwritten.
    log_len: u64,
    log_dirty: bool,
    names_dirty: bool,
    segments: Vec<OpenSegment>,
    /// Complete segments that are not flushed yet.
    retired: Vec<File>,
    /// Frames already folded that the disk has not taken yet.
    pending: Vec<u8>,
    /// Local files of stored segments, to be removed once that is flushed.
    unlink: Vec<PathBuf>,
}

impl Journal {
    /// Makes the folder and the log with its header, flushed. Fails with `AlreadyExists` where a log is.
    pub(crate) fn create(journal_dir: &Path, header: Header, volume: Arc<dyn Volume>) -> io::Result<Self> {
        let folder = header.key.folder(journal_dir);
        create_dirs(&*volume, journal_dir, &folder)?;
        let path = folder.join(INDEX_LOG);
        let log = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        let mut bytes = Vec::with_capacity(256);
        frame::append(&mut bytes, |out| Record::Header(header.clone()).encode(out));
        let written = volume.write_at(&log, 0, &bytes);
        let written = written.and_then(|()| volume.sync(&log)).and_then(|()| volume.sync_dir(&folder));
        if let Err(error) = written {
            // Leave nothing behind, so that the next try can begin again.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self::over(volume, folder, Fold::new(header), log, bytes.len() as u64))
    }

    /// A journal whose log holds `log_len` sound bytes that fold to `fold`.
    pub(crate) fn over(volume: Arc<dyn Volume>, folder: PathBuf, fold: Fold, log: File, log_len: u64) -> Self {
        Self {
            volume,
            folder,
            fold,
            log,
            log_len,
            log_dirty: false,
            names_dirty: false,
            segments: Vec::new(),
            retired: Vec::new(),
            pending: Vec::new(),
            unlink: Vec::new(),
        }
    }

    /// What was written.
    pub(crate) fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Where the journal lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything handed in is with the operating system.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Everything handed in survives a power cut.
    pub(crate) fn is_synced(&self) -> bool {
        self.is_settled()
            && !self.log_dirty
            && !self.names_dirty
            && self.retired.is_empty()
            && !self.any_segment_dirty()
    }

    fn any_segment_dirty(&self) -> bool {
        self.segments.iter().any(|segment| segment.dirty)
    }

    /// Adds a configuration. `InvalidInput`: this one will never fit.
    pub(crate) fn write_init(&mut self, init: &Arc<Init>) -> io::Result<()> {
        if !self.fold.has_room_for(init) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the recording has too many configurations"));
        }
        self.append(&Record::Init(init.clone()))
    }

    /// Appends a part: `record.offset` is filled in here. On an error the part is not in the recording and both files
    /// are as before; the caller marks the gap with [`Journal::lose`].
    pub(crate) fn write_part(&mut self, mut record: PartRecord, bytes: &[u8]) -> io::Result<()> {
        record.offset = self.open_at(&record).map_or(0, |at| self.segments[at].len);
        // Before a file is opened: the file of a segment that is complete must not be begun again.
        self.fold.check_part(&record).map_err(misfit)?;
        let at = self.segment_for(&record)?;
        let segment = &mut self.segments[at];
        if let Err(error) = self.volume.write_at(&segment.file, segment.len, bytes) {
            let _ = segment.file.set_len(segment.len);
            return Err(error);
        }
        segment.len += bytes.len() as u64;
        segment.dirty = true;
        let start = record.offset;
        let appended = self.append(&Record::Part(record));
        if appended.is_err()
            && let Some(segment) = self.segments.get_mut(at)
        {
            segment.len = start;
            let _ = segment.file.set_len(start);
        }
        appended
    }

    fn open_at(&self, record: &PartRecord) -> Option<usize> {
        self.segments.iter().position(|segment| segment.track == record.track && segment.msn == record.msn)
    }

    /// The open file of the part's segment; a new one closes the track's last.
    fn segment_for(&mut self, record: &PartRecord) -> io::Result<usize> {
        if let Some(at) = self.open_at(record) {
            return Ok(at);
        }
        self.retire(record.track);
        let path = self.folder.join(segment_file(record.track, record.msn));
        // Truncated: a file of that name can only be the torn start of a segment that no record tells of.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        self.names_dirty = true;
        self.segments.push(OpenSegment { track: record.track, msn: record.msn, file, len: 0, dirty: false });
        Ok(self.segments.len() - 1)
    }

    fn retire(&mut self, track: TrackId) {
        if let Some(at) = self.segments.iter().position(|segment| segment.track == track) {
            let segment = self.segments.swap_remove(at);
            if segment.dirty {
                self.retired.push(segment.file);
            }
        }
    }

    /// The segment is complete, if it is the track's open one.
    pub(crate) fn seal(&mut self, track: TrackId, msn: u64) {
        if self.fold.open_of(track).is_some_and(|entry| entry.msn == msn) {
            self.append_or_wait(&Record::Sealed { track, msn });
            self.retire(track);
        }
    }

    /// Something is missing from here on: open segments end with their last whole part.
    pub(crate) fn lose(&mut self, why: GapReason, at: UnixMillis) {
        self.append_or_wait(&Record::Gap { why, at });
        self.retire_all();
    }

    fn retire_all(&mut self) {
        while let Some(segment) = self.segments.first() {
            self.retire(segment.track);
        }
    }

    /// The object store has the segment; its file goes once that is flushed.
    pub(crate) fn stored(&mut self, track: TrackId, msn: u64) {
        if self.append_or_wait(&Record::Stored { track, msn }) {
            self.unlink.push(self.folder.join(segment_file(track, msn)));
        }
    }

    /// The segment is damaged and leaves the recording.
    pub(crate) fn drop_segment(&mut self, track: TrackId, msn: u64) {
        self.append_or_wait(&Record::Dropped { track, msn });
    }

    /// The stream is over.
    pub(crate) fn end(&mut self, why: EndReason) {
        if !self.fold.ended() {
            self.append_or_wait(&Record::End(why));
            self.retire_all();
        }
    }

    /// Writes records that the disk refused before. Must succeed before parts are written again.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            if let Err(error) = self.append_frames(&pending) {
                self.pending = pending;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes everything that was written survive a power cut, then removes local files of stored segments.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.settle()?;
        for segment in self.segments.iter_mut().filter(|segment| segment.dirty) {
            self.volume.sync(&segment.file)?;
            segment.dirty = false;
        }
        while let Some(file) = self.retired.last() {
            self.volume.sync(file)?;
            self.retired.pop();
        }
        if self.names_dirty {
            self.volume.sync_dir(&self.folder)?;
            self.names_dirty = false;
        }
        if self.log_dirty {
            self.volume.sync(&self.log)?;
            self.log_dirty = false;
        }
        for path in self.unlink.drain(..) {
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        self.settle()?;
        let mut bytes = Vec::with_capacity(512);
        if !frame::append(&mut bytes, |out| record.encode(out)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "record longer than its limit"));
        }
        let mut fold = self.fold.clone();
        fold.apply(record).map_err(misfit)?;
        self.append_frames(&bytes)?;
        self.fold = fold;
        Ok(())
    }

    /// For what has happened whether the disk takes it or not. False if it is not even kept for later: the next start
    /// then finds the same from the parts.
    fn append_or_wait(&mut self, record: &Record) -> bool {
        if self.fold.apply(record).is_err() {
            return false;
        }
        let mut bytes = std::mem::take(&mut self.pending);
        let before = bytes.len();
        frame::append(&mut bytes, |out| record.encode(out));
        if self.append_frames(&bytes).is_ok() {
            return true;
        }
        let kept = bytes.len() <= PENDING_BYTES_MAX;
        if !kept {
            bytes.truncate(before);
        }
        self.pending = bytes;
        kept
    }

    fn append_frames(&mut self, frames: &[u8]) -> io::Result<()> {
        if let Err(error) = self.volume.write_at(&self.log, self.log_len, frames) {
            let _ = self.log.set_len(self.log_len);
            return Err(error);
        }
        self.log_len += frames.len() as u64;
        self.log_dirty = true;
        Ok(())
    }
}

fn misfit(misfit: Misfit) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, misfit)
}
