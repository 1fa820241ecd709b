//! MPEG-2 transport stream segments: frames of one video and one audio track in, 188-byte packets out.
//!
//! For HLS players that know no fragmented MP4. Pure: the caller says which frames make a segment (those of the CMAF
//! segment) and carries [`Continuity`] from one to the next. Nothing is decoded; NAL units get start codes, AAC gets ADTS
//! headers, and no payload byte is changed. Does not own segmenting or playlists (`packager`).
//!
//! Spec: ISO/IEC 13818-1 §2.4 (packets, PES, PSI), §2.14 (H.264) and §2.17 (H.265) in transport streams, ISO/IEC 13818-7 §6.2
//! and 14496-3 §1.A (ADTS), "Opus in MPEG-2 TS" as ffmpeg and ETSI TS 103 190 players read it, RFC 8216 §3.2.
//!
//! Invariants (each has a test):
//! * a segment starts with PAT and PMT and can be played on its own when its first video frame is a key frame;
//! * every PES packet holds one access unit and its own time stamp, so nothing is inferred and nothing drifts;
//! * PCR runs 0.7 s behind the decode time and is never more than 100 ms of media apart;
//! * all times have [`TIME_OFFSET_90K`] added, so that a stream that starts at zero has no negative clock.

mod elementary;
mod frames;
mod packet;
mod psi;

use media::{Codec, MediaKind, Track, TrackId};

use elementary::Elementary;
use packet::{PacketWriter, PesHeader};

pub use frames::{interleave, part_frames};

/// Added to every time stamp: 1.4 s, where ffmpeg's own transport streams start, too.
pub const TIME_OFFSET_90K: i64 = 126_000;
/// How far the program clock is behind the decode time: what a decoder may buffer.
const PCR_DELAY_90K: i64 = 63_000;
/// ISO/IEC 13818-1 §2.7.2: at most 100 ms between clock references.
const PCR_INTERVAL_90K: i64 = 9_000;

const PID_PMT: u16 = 0x1000;
const PID_VIDEO: u16 = 0x100;
const PID_AUDIO: u16 = 0x101;

/// A track that cannot be carried in a transport stream. Its publisher is at fault, or TS is the wrong output for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TsError {
    /// No stream type that players know.
    #[error("{0} is not carried in transport streams")]
    Codec(Codec),
    /// The decoder configuration cannot be expressed in band.
    #[error("{codec} configuration: {what}")]
    Configuration {
        /// The codec.
        codec: Codec,
        /// What is wrong, or what a transport stream cannot say.
        what: String,
    },
    /// Sound in place of pictures, or the reverse.
    #[error("track {} is of the wrong kind", .0.0)]
    Kind(TrackId),
    /// Neither video nor audio was given.
    #[error("there are no tracks")]
    Empty,
}

/// One frame to be put into a segment.
#[derive(Clone, Copy, Debug)]
pub struct TsFrame<'a> {
    /// Frames of tracks that the muxer was not made for are passed over.
    pub track: TrackId,
    /// Presentation time, 90 kHz, any 64-bit value: wrapped to 33 bits here.
    pub pts_90k: i64,
    /// Decode time, 90 kHz.
    pub dts_90k: i64,
    /// A decoder can start here.
    pub key: bool,
    /// As in `media::Frame`.
    pub payload: &'a [u8],
}

/// What must go on from segment to segment. A new stream starts with the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Continuity {
    pat: u8,
    pmt: u8,
    video: u8,
    audio: u8,
    /// Frames left out because they cannot be written: without a NAL unit, or longer than ADTS or PES can say.
    pub skipped_frames: u64,
}

/// Writes segments of one program: at most one video and one audio track.
#[derive(Clone, Debug)]
pub struct TsMuxer {
    video: Option<Stream>,
    audio: Option<Stream>,
}

#[derive(Clone, Debug)]
struct Stream {
    track: TrackId,
    pid: u16,
    elementary: Elementary,
}

impl TsMuxer {
    /// For these tracks; a change of configuration needs a new muxer and goes on with the same [`Continuity`].
    ///
    /// # Errors
    /// [`TsError`] where a track cannot be carried: AV1, VP9, FLAC, or a configuration that ADTS has no field for.
    pub fn new(video: Option<&Track>, audio: Option<&Track>) -> Result<Self, TsError> {
        let stream = |track: &Track, kind, pid| {
            if track.kind() != kind {
                return Err(TsError::Kind(track.id));
            }
            Ok(Stream { track: track.id, pid, elementary: Elementary::of(track)? })
        };
        let video = video.map(|track| stream(track, MediaKind::Video, PID_VIDEO)).transpose()?;
        let audio = audio.map(|track| stream(track, MediaKind::Audio, PID_AUDIO)).transpose()?;
        if video.is_none() && audio.is_none() {
            return Err(TsError::Empty);
        }
        Ok(Self { video, audio })
    }

    /// One segment. `frames` are interleaved by decode time; those that cannot be written are counted and left out.
    #[must_use]
    pub fn segment<'a>(&self, frames: impl IntoIterator<Item = TsFrame<'a>>, continuity: &mut Continuity) -> Vec<u8> {
        let mut writer = PacketWriter::new();
        let clock = self.clock_pid();
        writer.psi(0, &psi::pat(PID_PMT), &mut continuity.pat);
        let streams = self.video.iter().chain(&self.audio).map(|stream| (stream.pid, &stream.elementary));
        writer.psi(PID_PMT, &psi::pmt(clock, streams), &mut continuity.pmt);
        let mut last_clock: Option<i64> = None;
        let mut unit = Vec::new();
        for frame in frames {
            let Some(stream) = self.stream_of(frame.track) else { continue };
            unit.clear();
            if stream.elementary.put_unit(&mut unit, frame.key, frame.payload).is_none() {
                continuity.skipped_frames += 1;
                continue;
            }
            let pts = frame.pts_90k.saturating_add(TIME_OFFSET_90K);
            let dts = frame.dts_90k.saturating_add(TIME_OFFSET_90K);
            let pcr = dts.saturating_sub(PCR_DELAY_90K);
            let since = last_clock.map_or(i64::MAX, |last| pcr.saturating_sub(last));
            let with_frame = stream.pid == clock && since > 0;
            if with_frame {
                last_clock = Some(pcr);
            } else if stream.pid != clock && since > PCR_INTERVAL_90K {
                writer.clock(clock, pcr, continuity.video);
                last_clock = Some(pcr);
            }
            let counter = if stream.pid == PID_VIDEO { &mut continuity.video } else { &mut continuity.audio };
            let header = PesHeader { stream_id: stream.elementary.stream_id(), pts, dts };
            let random_access = frame.key && stream.pid == clock;
            writer.pes(stream.pid, header, &unit, with_frame.then_some(pcr), random_access, counter);
        }
        writer.into_bytes()
    }

    fn clock_pid(&self) -> u16 {
        if self.video.is_some() { PID_VIDEO } else { PID_AUDIO }
    }

    fn stream_of(&self, track: TrackId) -> Option<&Stream> {
        self.video.iter().chain(&self.audio).find(|stream| stream.track == track)
    }
}

#[cfg(test)]
mod tests;
