//! Real fragments with synthetic samples, and disks that fail: for the tests of this crate.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use control::{BoxFuture, Channel, ChannelOptions, Recording, RecordingRepository, RepositoryError};
use formats::container::cmaf::{FragmentHeader, Sample, fragment_header, init_segment};
use media::{
    AudioParams, ChannelPath, Codec, StreamId, Ticks, Timescale, Track, TrackId, TrackParams, UnixMillis, VideoParams,
};
use packager::Output;
use uuid::Uuid;

use crate::index::Init;
use crate::journal::record::{Header, PartRecord};
use crate::journal::volume::{Disk, Volume};
use crate::key::RecordingKey;

pub(crate) const WALL: UnixMillis = UnixMillis(1_790_000_000_000);
pub(crate) const MSN_BASE: u64 = 1_790_000_000;

pub(crate) fn header() -> Header {
    let key = RecordingKey { channel: Uuid::from_u128(0xC0FFEE), stream: StreamId(WALL.0 as u64) };
    let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
    Header { key, path, started: WALL }
}

/// 640x360 Constrained Baseline as x264 writes it.
const AVCC: &[u8] = &[
    0x01, 0x42, 0xC0, 0x1E, 0xFF, 0xE1, 0x00, 0x18, 0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA0, 0x2F, 0xF9, 0x70, 0x11,
    0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0F, 0x16, 0x2E, 0x48, 0x01, 0x00, 0x05, 0x68, 0xCB,
    0x83, 0xCB, 0x20,
];

pub(crate) fn video() -> Arc<Track> {
    let params = TrackParams::Video(VideoParams {
        width: 640,
        height: 360,
        frame_rate: None,
        colour: None,
        hdr: media::Hdr::default(),
    });
    Arc::new(Track {
        id: TrackId(0),
        codec: Codec::H264,
        timescale: Timescale::VIDEO,
        config: Bytes::from_static(AVCC),
        params,
        codec_string: "avc1.42c01e".into(),
    })
}

pub(crate) fn audio() -> Arc<Track> {
    let params = TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1_024 });
    Arc::new(Track {
        id: TrackId(1),
        codec: Codec::Aac,
        timescale: Timescale::new(48_000).expect("not zero"),
        config: Bytes::from_static(&[0x11, 0x90]),
        params,
        codec_string: "mp4a.40.2".into(),
    })
}

pub(crate) fn init(track: Arc<Track>) -> Arc<Init> {
    let bytes = init_segment(&track).expect("writable");
    let name = if track.video().is_some() { "video" } else { "audio" };
    Arc::new(Init { track, name: name.into(), epoch: 0, bytes })
}

/// Parts per segment and milliseconds per part.
pub(crate) const PARTS: u32 = 5;
pub(crate) const PART_MS: i64 = 200;

/// Part `n` of the stream on `track`, with the bytes of a real fragment.
pub(crate) fn part(track: &Track, n: u32) -> (PartRecord, Vec<u8>) {
    let count = if track.video().is_some() { 5 } else { 10 };
    let scale = track.timescale;
    let duration = Ticks(PART_MS).rescale(Timescale::MILLIS, scale).0 / count * count;
    let start = Ticks(i64::from(n) * duration);
    let samples: Arc<[Sample]> = (0..count)
        .map(|at| Sample {
            size: 40 + (n * 7 + at as u32 * 13) % 60,
            duration: (duration / count) as u32,
            cts: 0,
            key: track.video().is_none() || (n.is_multiple_of(PARTS) && at == 0),
        })
        .collect();
    let header = FragmentHeader {
        sequence: n + 1,
        track: track.id,
        timescale: scale,
        base_decode_time: start.0 as u64,
        samples: &samples,
        prft: None,
    };
    let mut bytes = fragment_header(&header).expect("small").to_vec();
    let payload_offset = bytes.len() as u32;
    let payload: u32 = samples.iter().map(|sample| sample.size).sum();
    bytes.extend((0..payload).map(|at| (at * 31 + n * 17 + u32::from(track.id.0)) as u8));
    let record = PartRecord {
        track: track.id,
        epoch: 0,
        msn: MSN_BASE + u64::from(n / PARTS),
        index: n % PARTS,
        start,
        duration: Ticks(duration),
        wall: WALL.plus_millis(i64::from(n) * PART_MS),
        independent: track.video().is_none() || n.is_multiple_of(PARTS),
        discontinuity: false,
        reanchored: false,
        gap_before: false,
        offset: 0,
        len: bytes.len() as u32,
        payload_offset,
        crc: crc32fast::hash(&bytes),
        samples,
    };
    (record, bytes)
}

/// A disk without flushes and with so many bytes left; what is written when they run out is torn. Removing files gives nothing back.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    pub(crate) left: AtomicU64,
}

impl SmallDisk {
    pub(crate) fn with(left: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(left) })
    }
}

impl Volume for SmallDisk {
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.left.load(Ordering::SeqCst))
    }

    fn write_at(&self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let left = self.left.load(Ordering::SeqCst);
        let granted = (bytes.len() as u64).min(left);
        Disk.write_at(file, offset, &bytes[..granted as usize])?;
        self.left.store(left - granted, Ordering::SeqCst);
        if granted < bytes.len() as u64 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Recordings' rows in memory. Fails every call while told to.
#[derive(Debug, Default)]
pub(crate) struct MemoryRows {
    rows: parking_lot::Mutex<Vec<Recording>>,
    pub(crate) broken: AtomicBool,
}

impl MemoryRows {
    fn check(&self) -> Result<(), RepositoryError> {
        if self.broken.load(Ordering::SeqCst) { Err(RepositoryError::Full) } else { Ok(()) }
    }
}

impl RecordingRepository for MemoryRows {
    fn put_recording<'a>(&'a self, recording: &'a Recording) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            self.check()?;
            let mut rows = self.rows.lock();
            rows.retain(|row| (row.channel, row.id) != (recording.channel, recording.id));
            rows.push(recording.clone());
            Ok(())
        })
    }

    fn recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<Option<Recording>, RepositoryError>> {
        Box::pin(async move {
            self.check()?;
            Ok(self.rows.lock().iter().find(|row| row.channel == channel && row.id == id).cloned())
        })
    }

    fn recordings(&self, channel: Option<Uuid>) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            self.check()?;
            let rows = self.rows.lock();
            Ok(rows.iter().filter(|row| channel.is_none_or(|id| row.channel == id)).cloned().collect())
        })
    }

    fn newest_recordings(&self, channel: Uuid, max: u32) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        Box::pin(async move {
            let mut rows = self.recordings(Some(channel)).await?;
            rows.sort_by_key(|row| std::cmp::Reverse(row.id));
            rows.truncate(max as usize);
            Ok(rows)
        })
    }

    fn recordings_ahead(&self) -> BoxFuture<'_, Result<Vec<Recording>, RepositoryError>> {
        self.recordings(None)
    }

    fn delete_recording(&self, channel: Uuid, id: StreamId) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(async move {
            self.check()?;
            self.rows.lock().retain(|row| (row.channel, row.id) != (channel, id));
            Ok(())
        })
    }
}

/// The channel of [`header`].
pub(crate) fn channel() -> Channel {
    let Header { key, path, .. } = header();
    let mut channel = Channel::create(path, &ChannelOptions::default(), WALL);
    channel.id = key.channel;
    channel
}

/// Everything a packager gives out for parts `range` of both tracks; configurations first if it begins at 0.
pub(crate) fn outputs(range: std::ops::Range<u32>) -> Vec<Output> {
    let tracks = [video(), audio()];
    let mut outputs = Vec::new();
    if range.start == 0 {
        outputs.extend(tracks.iter().map(|track| {
            let Init { track, name, epoch, bytes } = (*init(track.clone())).clone();
            Output::Init(Arc::new(packager::Init { track, name, epoch, bytes }))
        }));
    }
    for n in range {
        for track in &tracks {
            let part = output_part(track, n);
            outputs.push(Output::Part(part.clone()));
            if n % PARTS == PARTS - 1 {
                outputs.push(Output::Segment(segment_of(track, n)));
            }
        }
    }
    outputs
}

pub(crate) fn output_part(track: &Track, n: u32) -> Arc<packager::Part> {
    let (record, bytes) = part(track, n);
    Arc::new(packager::Part {
        track: track.id,
        epoch: 0,
        msn: record.msn,
        index: record.index,
        start: record.start,
        duration: record.duration,
        timescale: track.timescale,
        independent: record.independent,
        discontinuity: false,
        discontinuity_sequence: 0,
        reanchored: false,
        over_target: false,
        wall: record.wall,
        samples: record.samples,
        bytes: bytes.into(),
        payload_offset: record.payload_offset,
    })
}

fn segment_of(track: &Track, last: u32) -> Arc<packager::Segment> {
    let parts: Arc<[_]> = (last + 1 - PARTS..=last).map(|n| output_part(track, n)).collect();
    let first = &parts[0];
    Arc::new(packager::Segment {
        track: track.id,
        epoch: 0,
        msn: first.msn,
        start: first.start,
        duration: Ticks(parts.iter().map(|part| part.duration.0).sum()),
        timescale: track.timescale,
        independent: true,
        discontinuity: false,
        discontinuity_sequence: 0,
        wall: first.wall,
        bytes_len: parts.iter().map(|part| part.bytes.len() as u64).sum(),
        parts,
    })
}
