//! Which of a channel's files are live and which are of a recording, and what counters call the way to them.

use control::playback::Kind;
use hub::State;
use media::ChannelPath;

use super::target::{ChannelFile, StreamFile};
use crate::Gateway;

/// Whether a token of that kind opens the file.
///
/// What is live: a channel's playlists, windows and FLV, and the media of the stream that it has now, until a moment after
/// its end, so that everybody reads it. What is recorded: all files of streams that are over, and those that are the
/// recording's own.
pub(super) fn opens(gateway: &Gateway, path: &ChannelPath, kind: Kind, file: &ChannelFile) -> bool {
    match file {
        ChannelFile::Flv
        | ChannelFile::Master
        | ChannelFile::LhlsMaster
        | ChannelFile::Media(_)
        | ChannelFile::LhlsMedia(_)
        | ChannelFile::TsPlaylist
        | ChannelFile::Mpd
        | ChannelFile::State
        | ChannelFile::Page(_)
        | ChannelFile::Rendition(_)
        | ChannelFile::WindowMaster
        | ChannelFile::WindowMedia(_) => kind == Kind::Live,
        ChannelFile::Recordings => kind == Kind::Recording,
        ChannelFile::Stream(id, file) => {
            let newest = gateway.live.stream(path, *id);
            let is_over = newest.as_ref().is_none_or(|live| live.stream.state() == State::Ended);
            match kind {
                Kind::Recording => is_over,
                Kind::Live => newest.is_some() && !is_recordings(file),
                Kind::Download => is_over && matches!(file, StreamFile::Mp4),
            }
        }
    }
}

/// It exists of a recording alone.
fn is_recordings(file: &StreamFile) -> bool {
    match file {
        StreamFile::Master | StreamFile::Media(_) | StreamFile::Mpd | StreamFile::Mp4 => true,
        StreamFile::Init(..)
        | StreamFile::Segment(..)
        | StreamFile::SegmentAt(..)
        | StreamFile::Part(..)
        | StreamFile::Ts(_) => false,
    }
}

/// The protocol of a file, as counters and the attendance record call it.
pub(crate) fn protocol_of(file: &ChannelFile) -> &'static str {
    match file {
        ChannelFile::Flv => "flv",
        ChannelFile::Master | ChannelFile::Media(_) | ChannelFile::Stream(_, StreamFile::Part(..)) => "llhls",
        ChannelFile::TsPlaylist | ChannelFile::Stream(_, StreamFile::Ts(_)) => "hls_ts",
        ChannelFile::Mpd | ChannelFile::Stream(_, StreamFile::SegmentAt(..) | StreamFile::Mpd) => "dash",
        ChannelFile::LhlsMaster
        | ChannelFile::LhlsMedia(_)
        | ChannelFile::State
        | ChannelFile::Recordings
        | ChannelFile::Page(_)
        | ChannelFile::Rendition(_)
        | ChannelFile::WindowMaster
        | ChannelFile::WindowMedia(_)
        | ChannelFile::Stream(
            _,
            StreamFile::Master
            | StreamFile::Media(_)
            | StreamFile::Mp4
            | StreamFile::Init(..)
            | StreamFile::Segment(..),
        ) => "hls",
    }
}
