//! A segment as MPEG-TS: the same frames, for players that know no fragmented MP4.
//!
//! Each view is made from the segments of one number alone, in any order, by any server, so continuity counters cannot
//! run on from the segment before. They start at zero, and a packet with `discontinuity_indicator` (ISO/IEC 13818-1
//! §2.4.3.5) before the first of each elementary stream says so; time stamps go on. CMAF may present a picture before its
//! decode time (negative composition offsets), a transport stream may not: all decode times of the segment then move
//! ahead by as much as the worst needs. Presentation times stay.

use bytes::Bytes;
use formats::container::cmaf::{ParsedFragment, parse_fragments};
use formats::container::ts::{Continuity, TsError, TsFrame, TsMuxer, interleave, part_frames};
use media::{MediaKind, Track, TrackId};

const PACKET_BYTES: usize = 188;
/// PIDs of tables: program association, and the muxer's program map.
const PIDS_OF_TABLES: [u16; 2] = [0, 0x1000];

/// Why there is no MPEG-TS view of a segment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TsViewError {
    /// The stream's codecs have no place in transport streams.
    #[error("segment {msn}: {source}")]
    Codec {
        /// The segment.
        msn: u64,
        /// What cannot be carried.
        source: TsError,
    },
    /// The kept segment does not parse: our fault, or the disk's.
    #[error("segment {msn} of track {track}: {what}", track = track.0)]
    Fragment {
        /// The segment.
        msn: u64,
        /// Its track.
        track: TrackId,
        /// What is wrong.
        what: String,
    },
}

/// Transport stream of segment `msn` from the CMAF segments of its tracks: the first video and the first audio are
/// carried.
///
/// # Errors
/// [`TsViewError::Codec`] where a track cannot be carried, [`TsViewError::Fragment`] where bytes are not whole fragments.
pub fn ts_view(tracks: &[(&Track, Bytes)], msn: u64) -> Result<Vec<u8>, TsViewError> {
    let first = |kind| tracks.iter().find(|(track, _)| track.kind() == kind).map(|(track, bytes)| (*track, bytes));
    let (video, audio) = (first(MediaKind::Video), first(MediaKind::Audio));
    let muxer = TsMuxer::new(video.map(|(track, _)| track), audio.map(|(track, _)| track))
        .map_err(|source| TsViewError::Codec { msn, source })?;
    let (video_parts, audio_parts) = (parts_of(video, msn)?, parts_of(audio, msn)?);
    let early = frames_of(video, &video_parts).map(|frame| frame.dts_90k - frame.pts_90k).max().unwrap_or(0).max(0);
    let pictures = frames_of(video, &video_parts).map(|frame| TsFrame { dts_90k: frame.dts_90k - early, ..frame });
    let frames = interleave(pictures, frames_of(audio, &audio_parts));
    let segment = muxer.segment(frames, &mut Continuity::default());
    Ok(mark_discontinuity(segment))
}

type Source<'a> = Option<(&'a Track, &'a Bytes)>;

fn parts_of(source: Source<'_>, msn: u64) -> Result<Vec<ParsedFragment>, TsViewError> {
    let Some((track, bytes)) = source else { return Ok(Vec::new()) };
    let refused =
        |error: &dyn std::fmt::Display| TsViewError::Fragment { msn, track: track.id, what: error.to_string() };
    parse_fragments(bytes).map_err(|error| refused(&error))
}

fn frames_of<'a>(source: Source<'a>, parts: &'a [ParsedFragment]) -> impl Iterator<Item = TsFrame<'a>> {
    parts.iter().flat_map(move |part| {
        source.into_iter().flat_map(move |(track, bytes)| {
            let payload = bytes.get(part.payload_range.clone()).unwrap_or_default();
            part_frames(track, part.base_decode_time, &part.samples, payload)
        })
    })
}

/// After the tables, one packet without payload for each elementary stream: its counter is that before zero, so the
/// stream's first packet follows from it.
fn mark_discontinuity(segment: Vec<u8>) -> Vec<u8> {
    let pids = || segment.chunks_exact(PACKET_BYTES).filter_map(pid_of);
    let tables = pids().take_while(|pid| PIDS_OF_TABLES.contains(pid)).count() * PACKET_BYTES;
    let mut streams: Vec<u16> = pids().filter(|pid| !PIDS_OF_TABLES.contains(pid)).collect();
    streams.sort_unstable();
    streams.dedup();
    let Some((tables, media)) = segment.split_at_checked(tables) else { return segment };
    let mut out = Vec::with_capacity(segment.len() + streams.len() * PACKET_BYTES);
    out.extend_from_slice(tables);
    for pid in streams {
        let mut packet = [0xFF; PACKET_BYTES];
        let [high, low] = pid.to_be_bytes();
        // Sync byte; PID; adaptation field only, counter 15; its length; `discontinuity_indicator`.
        for (byte, value) in packet.iter_mut().zip([0x47, high, low, 0x2F, 183, 0x80]) {
            *byte = value;
        }
        out.extend_from_slice(&packet);
    }
    out.extend_from_slice(media);
    out
}

fn pid_of(packet: &[u8]) -> Option<u16> {
    let high = packet.get(1)? & 0x1F;
    Some(u16::from_be_bytes([high, *packet.get(2)?]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use testkit::encoder::{AUDIO, Encoder, EncoderConfig, VIDEO};

    use super::*;
    use crate::segmenter::tests::Rig;

    fn packaged(encoder: &mut Encoder) -> Rig {
        let mut rig = Rig::of(encoder);
        rig.push_all(&encoder.frames_until_ms(6_000));
        rig.end()
    }

    fn view(rig: &Rig, encoder: &Encoder, at: usize) -> Vec<u8> {
        let tracks = encoder.tracks();
        let sources: Vec<(&Track, Bytes)> = [VIDEO, AUDIO]
            .iter()
            .filter_map(|id| Some((&**tracks.get(*id)?, rig.segments(*id).get(at)?.concat())))
            .collect();
        ts_view(&sources, 1_000 + at as u64).expect("H.264 and AAC are carried")
    }

    #[test]
    fn every_segment_begins_with_tables_and_counts_on_within() {
        let mut encoder = Encoder::new(EncoderConfig::default());
        let rig = packaged(&mut encoder);
        for at in 0..3 {
            let bytes = view(&rig, &encoder, at);
            assert_eq!(bytes.len() % PACKET_BYTES, 0);
            let packets: Vec<&[u8]> = bytes.chunks_exact(PACKET_BYTES).collect();
            assert!(packets.iter().all(|packet| packet[0] == 0x47));
            assert_eq!((pid_of(packets[0]), pid_of(packets[1])), (Some(0), Some(0x1000)));
            let mut counters: BTreeMap<u16, u8> = BTreeMap::new();
            for packet in packets {
                let pid = pid_of(packet).expect("a packet has a PID");
                let (has_payload, counter) = (packet[3] & 0x10 != 0, packet[3] & 0x0F);
                match counters.insert(pid, counter) {
                    Some(before) if has_payload => assert_eq!(counter, (before + 1) & 15, "PID {pid}"),
                    Some(before) => assert_eq!(counter, before, "PID {pid}"),
                    None if PIDS_OF_TABLES.contains(&pid) => {}
                    None => assert_eq!((packet[3], packet[5]), (0x2F, 0x80), "PID {pid} says that it starts anew"),
                }
            }
            assert_eq!(counters.len(), 4, "two tables and two streams");
        }
    }

    #[test]
    fn no_picture_is_due_before_it_is_decoded() {
        let video = testkit::VideoSpec { b_frames: 2, negative_cts: true, ..testkit::VideoSpec::default() };
        let mut encoder = Encoder::new(EncoderConfig { video: Some(video), ..EncoderConfig::default() });
        let rig = packaged(&mut encoder);
        let bytes = view(&rig, &encoder, 1);
        let mut both = 0;
        for packet in bytes.chunks_exact(PACKET_BYTES).filter(|packet| pid_of(packet) == Some(0x100)) {
            let header = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
            if packet[1] & 0x40 != 0 && packet[header + 7] & 0xC0 == 0xC0 {
                let stamp = |at: usize| {
                    let field = &packet[header + at..header + at + 5];
                    (i64::from(field[0] & 0x0E) << 29)
                        | (i64::from(u16::from_be_bytes([field[1], field[2]]) >> 1) << 15)
                        | i64::from(u16::from_be_bytes([field[3], field[4]]) >> 1)
                };
                assert!(stamp(9) >= stamp(14), "PTS {} before DTS {}", stamp(9), stamp(14));
                both += 1;
            }
        }
        assert!(both > 10, "{both}");
    }

    #[test]
    fn a_view_depends_on_its_own_segments_alone() {
        let mut encoder = Encoder::new(EncoderConfig::default());
        let rig = packaged(&mut encoder);
        assert_eq!(view(&rig, &encoder, 2), view(&rig, &encoder, 2));
        let mut alone = Encoder::new(EncoderConfig::audio_only());
        let rig = packaged(&mut alone);
        assert!(view(&rig, &alone, 1).len() > 10 * PACKET_BYTES, "sound alone is a program, too");
    }

    #[test]
    fn broken_segments_and_foreign_codecs_are_refused_by_name() {
        let encoder = Encoder::new(EncoderConfig::default());
        let video = encoder.video_track().expect("has video");
        let cut = Bytes::from_static(&[0, 0, 0, 64, b'm', b'o', b'o', b'f']);
        let error = ts_view(&[(&video, cut)], 7).expect_err("cut off");
        assert!(error.to_string().starts_with("segment 7 of track"), "{error}");
        let av1 = Track { codec: media::Codec::Av1, ..(*video).clone() };
        assert!(matches!(ts_view(&[(&av1, Bytes::new())], 7), Err(TsViewError::Codec { msn: 7, .. })));
        assert!(ts_view(&[], 7).is_err(), "nothing to show");
    }
}
