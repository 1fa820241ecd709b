//! Which recording, and where its files and objects lie. Paths are made of ids only, never of names.

use std::fmt;
use std::path::{Path, PathBuf};

use media::{StreamId, TrackId};
use object_store::path::Path as ObjectPath;
use uuid::Uuid;

/// Name of the record file in a journal folder.
pub(crate) const INDEX_LOG: &str = "index.log";
/// Name of the object that holds the records of a finished recording.
pub(crate) const INDEX_BIN: &str = "index.bin";
/// Name of the object that holds `ftyp`, `moov` and the `mdat` header of a finished recording's MP4.
pub(crate) const MP4_HEAD: &str = "mp4.head";

/// One recording: a stream id is unique within its channel only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingKey {
    /// The channel's id.
    pub channel: Uuid,
    /// The stream within the channel; also the recording's public id.
    pub stream: StreamId,
}

impl fmt::Display for RecordingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.stream)
    }
}

impl RecordingKey {
    /// The stream's folder under `journal_dir`.
    pub(crate) fn folder(&self, journal_dir: &Path) -> PathBuf {
        journal_dir.join(self.channel.to_string()).join(self.stream.to_string())
    }

    /// The key of a folder, by the names of its last two components.
    pub(crate) fn of_folder(channel: &str, stream: &str) -> Option<Self> {
        Some(Self { channel: channel.parse().ok()?, stream: stream.parse().ok()? })
    }

    /// Object of a sealed segment.
    pub(crate) fn segment_object(&self, track: TrackId, msn: u64) -> ObjectPath {
        ObjectPath::from(format!("{self}/{}/{msn}.m4s", track.0))
    }

    /// Object beside the segments, by name.
    pub(crate) fn object(&self, name: &str) -> ObjectPath {
        ObjectPath::from(format!("{self}/{name}"))
    }
}

/// File name of a segment in its journal folder.
pub(crate) fn segment_file(track: TrackId, msn: u64) -> String {
    format!("{}-{msn}.m4s", track.0)
}

/// The track and sequence number that a file name of [`segment_file`] stands for.
pub(crate) fn parse_segment_file(name: &str) -> Option<(TrackId, u64)> {
    let (track, msn) = name.strip_suffix(".m4s")?.split_once('-')?;
    Some((TrackId(track.parse().ok()?), msn.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_file_name_read_back() {
        let key = RecordingKey { channel: Uuid::from_u128(7), stream: StreamId(1_790_000_000_123) };
        let folder = key.folder(Path::new("/j"));
        let mut parts = folder.iter().rev().filter_map(|part| part.to_str());
        let (stream, channel) = (parts.next().expect("stream"), parts.next().expect("channel"));
        assert_eq!(RecordingKey::of_folder(channel, stream), Some(key));
        assert_eq!(parse_segment_file(&segment_file(TrackId(3), 99)), Some((TrackId(3), 99)));
        for bad in ["index.log", "3.m4s", "-9.m4s", "3-x.m4s", "3-9.mp4", "300-1.m4s"] {
            assert_eq!(parse_segment_file(bad), None, "{bad}");
        }
    }
}
