//! Reading recordings: from the journal while they are not ready, from the object store after that, the same to callers.
//!
//! Reads only. It works beside a running server too, from another process: a journal is then read as far as it is sound.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use media::TrackId;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::cache::Cache;
use crate::config::RecorderConfig;
use crate::entry::Registry;
use crate::error::RecorderError;
use crate::index::{Fold, Init, Phase, RecordingIndex, SegmentEntry};
use crate::journal::recover::read;
use crate::key::{INDEX_BIN, INDEX_LOG, MP4_HEAD, RecordingKey, segment_file};
use crate::layout::{Mp4Layout, make_head};
use crate::sink::blocking;

/// Bytes read at a time when a file is sent. A reader that takes nothing holds a few such pieces; one that reads asks an
/// object store once for each.
const READ_BYTES_MAX: u64 = 128 << 10;

/// What one segment costs in the cache of indexes, roughly.
const SEGMENT_COST: usize = size_of::<SegmentEntry>();

type SegmentKey = (RecordingKey, TrackId, u64);

/// The reading side of the recorder.
#[derive(Debug)]
pub struct Archive {
    pub(crate) config: RecorderConfig,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) registry: Arc<Registry>,
    indexes: Cache<RecordingKey, Arc<RecordingIndex>>,
    segments: Cache<SegmentKey, Bytes>,
    /// With the number of bytes of segments it was made for.
    layouts: Cache<(RecordingKey, u64), Arc<Mp4Layout>>,
}

impl Archive {
    /// A reader that repairs and writes nothing: for tools beside a running server.
    #[must_use]
    pub fn open(config: RecorderConfig, objects: Arc<dyn ObjectStore>) -> Self {
        Self::over(config, objects, Arc::default())
    }

    pub(crate) fn over(config: RecorderConfig, objects: Arc<dyn ObjectStore>, registry: Arc<Registry>) -> Self {
        let max = config.cache_bytes_max;
        let (indexes, segments, layouts) = (Cache::new(max), Cache::new(max), Cache::new(max));
        Self { config, objects, registry, indexes, segments, layouts }
    }

    /// What the recording holds now. While it is recorded, the complete segments so far.
    ///
    /// # Errors
    /// [`RecorderError::NoRecording`]; others where files or the store cannot be read.
    pub async fn index(&self, key: RecordingKey) -> Result<Arc<RecordingIndex>, RecorderError> {
        if let Some(entry) = self.registry.get(&key) {
            return Ok(entry.index());
        }
        if let Some(index) = self.indexes.get(&key) {
            return Ok(index);
        }
        if let Some(index) = self.journal_index(key).await? {
            return Ok(index);
        }
        let records = self.index_bin(key).await?;
        let fold = read(&records[..], |_| ())?.ok_or(RecorderError::Damaged { key, what: INDEX_BIN })?;
        let mut fold: Fold = fold.0;
        fold.set_phase(Phase::Ready);
        let index = fold.index().clone();
        let cost: usize = index.tracks.iter().map(|track| track.segments.len() * SEGMENT_COST).sum();
        self.indexes.put(key, index.clone(), cost + 4_096);
        Ok(index)
    }

    /// The index of a journal that this process does not write.
    async fn journal_index(&self, key: RecordingKey) -> Result<Option<Arc<RecordingIndex>>, RecorderError> {
        let path = key.folder(&self.config.journal_dir).join(INDEX_LOG);
        let read_log = move || match File::open(path) {
            Ok(log) => Ok(read(log, |_| ())?.map(|(fold, _)| fold.index().clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        Ok(blocking(read_log).await?)
    }

    async fn index_bin(&self, key: RecordingKey) -> Result<Bytes, RecorderError> {
        match self.objects.get(&key.object(INDEX_BIN)).await {
            Ok(object) => Ok(object.bytes().await?),
            Err(object_store::Error::NotFound { .. }) => Err(RecorderError::NoRecording(key)),
            Err(error) => Err(error.into()),
        }
    }

    async fn entry(&self, key: RecordingKey, track: TrackId, msn: u64) -> Result<SegmentEntry, RecorderError> {
        let index = self.index(key).await?;
        let entry = index.track(track).and_then(|track| track.segments.get(msn)).copied();
        entry.ok_or(RecorderError::NoSegment { key, track, msn })
    }

    /// The configuration and CMAF header of an epoch.
    ///
    /// # Errors
    /// As [`Archive::index`]; [`RecorderError::NoSegment`] if the track has no such epoch.
    pub async fn init(&self, key: RecordingKey, track: TrackId, epoch: u32) -> Result<Arc<Init>, RecorderError> {
        let index = self.index(key).await?;
        let init = index.track(track).and_then(|track| track.init(epoch)).cloned();
        init.ok_or(RecorderError::NoSegment { key, track, msn: epoch.into() })
    }

    /// The bytes of a complete segment.
    ///
    /// # Errors
    /// [`RecorderError::NoSegment`] if there is none of that number; others where it cannot be read.
    pub async fn read_segment(&self, key: RecordingKey, track: TrackId, msn: u64) -> Result<Bytes, RecorderError> {
        let entry = self.entry(key, track, msn).await?;
        if let Some(bytes) = self.segments.get(&(key, track, msn)) {
            return Ok(bytes);
        }
        let bytes = self.read_slice(key, track, msn, 0..entry.bytes).await?;
        self.segments.put((key, track, msn), bytes.clone(), bytes.len());
        Ok(bytes)
    }

    /// The bytes of a part of a complete segment.
    ///
    /// # Errors
    /// As [`Archive::read_segment`].
    pub async fn read_part(
        &self,
        key: RecordingKey,
        track: TrackId,
        msn: u64,
        index: u32,
    ) -> Result<Bytes, RecorderError> {
        let bytes = self.read_segment(key, track, msn).await?;
        part_range(&bytes, index).map(|range| bytes.slice(range)).ok_or(RecorderError::NoSegment { key, track, msn })
    }

    /// Part of a segment's bytes: from the journal, or from the store where that is gone.
    pub(crate) async fn read_slice(
        &self,
        key: RecordingKey,
        track: TrackId,
        msn: u64,
        range: Range<u64>,
    ) -> Result<Bytes, RecorderError> {
        let path = key.folder(&self.config.journal_dir).join(segment_file(track, msn));
        let (at, len) = (range.start, (range.end - range.start) as usize);
        let local = blocking(move || {
            let file = File::open(path)?;
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, at)?;
            Ok(Bytes::from(bytes))
        });
        match local.await {
            Ok(bytes) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(error.into()),
        }
        let bytes = self.objects.get_range(&key.segment_object(track, msn), range).await?;
        if bytes.len() == len { Ok(bytes) } else { Err(RecorderError::Damaged { key, what: "segment" }) }
    }

    /// The recording as one MP4. While it is recorded, of the complete segments so far.
    ///
    /// # Errors
    /// As [`Archive::index`]; [`RecorderError::Mp4`] if there is nothing in it yet.
    pub async fn mp4(&self, key: RecordingKey) -> Result<Arc<Mp4Layout>, RecorderError> {
        let index = self.index(key).await?;
        let version = (key, index.bytes());
        if let Some(layout) = self.layouts.get(&version) {
            return Ok(layout);
        }
        let head = match index.phase {
            Phase::Ready => match self.objects.get(&key.object(MP4_HEAD)).await {
                Ok(object) => object.bytes().await?,
                Err(object_store::Error::NotFound { .. }) => self.make_head(key, &index).await?,
                Err(error) => return Err(error.into()),
            },
            Phase::Recording | Phase::Sealed => self.make_head(key, &index).await?,
        };
        let layout = Arc::new(Mp4Layout::new(head, &index));
        let cost = layout.head.len() + layout.segments.len() * size_of::<crate::PlacedSegment>();
        self.layouts.put(version, layout.clone(), cost);
        Ok(layout)
    }

    async fn make_head(&self, key: RecordingKey, index: &Arc<RecordingIndex>) -> Result<Bytes, RecorderError> {
        let source = self.records(key).await?;
        let index = index.clone();
        Ok(blocking(move || make_head(&index, source)).await??)
    }

    /// The recording's records, wherever they are.
    pub(crate) async fn records(&self, key: RecordingKey) -> Result<Box<dyn Read + Send>, RecorderError> {
        let path = key.folder(&self.config.journal_dir).join(INDEX_LOG);
        match blocking(move || File::open(path)).await {
            Ok(log) => Ok(Box::new(log)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Box::new(io::Cursor::new(self.index_bin(key).await?)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Bytes of the MP4 in pieces of at most 128 KiB; the reader holds one at a time.
    ///
    /// # Errors
    /// [`RecorderError::Range`] if the range is empty or not inside the file. The stream ends at its first error.
    pub fn mp4_range(
        self: &Arc<Self>,
        key: RecordingKey,
        layout: Arc<Mp4Layout>,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, RecorderError>> + Send + 'static, RecorderError> {
        if range.start >= range.end || range.end > layout.total_len {
            return Err(RecorderError::Range { start: range.start, end: range.end, total: layout.total_len });
        }
        let state = (self.clone(), layout, range);
        Ok(futures_util::stream::try_unfold(state, move |(archive, layout, range)| async move {
            if range.start >= range.end {
                return Ok(None);
            }
            let bytes = archive.mp4_piece(key, &layout, &range).await?;
            let rest = range.start + bytes.len() as u64..range.end;
            Ok(Some((bytes, (archive, layout, rest))))
        }))
    }

    async fn mp4_piece(
        &self,
        key: RecordingKey,
        layout: &Mp4Layout,
        range: &Range<u64>,
    ) -> Result<Bytes, RecorderError> {
        let head_len = layout.head.len() as u64;
        let end = range.end.min(range.start + READ_BYTES_MAX);
        if range.start < head_len {
            return Ok(layout.head.slice(range.start as usize..end.min(head_len) as usize));
        }
        let total = layout.total_len;
        let outside = RecorderError::Range { start: range.start, end, total };
        let segment = layout.segment_at(range.start).ok_or(outside)?;
        let from = range.start - segment.offset;
        let to = (end - segment.offset).min(segment.len);
        self.read_slice(key, segment.track, segment.msn, from..to).await
    }
}

/// Where part `index` lies in a segment: each ends with its `mdat`.
fn part_range(segment: &[u8], index: u32) -> Option<Range<usize>> {
    let (mut at, mut start, mut n) = (0usize, 0usize, 0);
    loop {
        let header = segment.get(at..)?.first_chunk::<8>()?;
        let size = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let end = at.checked_add(size.max(8)).filter(|end| *end <= segment.len())?;
        if &header[4..] == b"mdat" {
            if n == index {
                return Some(start..end);
            }
            n += 1;
            start = end;
        }
        at = end;
    }
}
