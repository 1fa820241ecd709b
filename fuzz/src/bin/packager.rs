//! Frames in any order of time, size and kind: what the packager gives out reads back as it says.
//! Covers: packager::segmenter.
#![no_main]

use std::collections::HashMap;

use bytes::Bytes;
use formats::container::cmaf::parse_fragments;
use libfuzzer_sys::fuzz_target;
use media::{Frame, MediaKind, StreamId, Ticks, TrackId, UnixMillis};
use packager::{Config, Output, Packager};
use testkit::{Encoder, EncoderConfig};

/// Most frames of one run: a few segments.
const FRAMES_MAX: usize = 400;

fuzz_target!(|bytes: &[u8]| {
    let encoder = Encoder::new(EncoderConfig::default());
    let tracks = encoder.tracks();
    let mut packager = Packager::new(Config::default(), StreamId(1_700_000_000_000), 1_700_000_000);
    packager.set_tracks(&tracks, false);
    let mut clocks: HashMap<TrackId, i64> = HashMap::new();
    let mut next_tfdt: HashMap<TrackId, (u32, i64)> = HashMap::new();
    for step in bytes.chunks_exact(4).take(FRAMES_MAX) {
        let [choice, delta, cts, size] = *step else { return };
        let wanted = if choice & 1 == 0 { MediaKind::Video } else { MediaKind::Audio };
        let Some(track) = tracks.first(wanted) else { return };
        let clock = clocks.entry(track.id).or_default();
        // Strictly rising, as the hub promises: by nothing much, by a frame, or by seconds.
        *clock += 1 + i64::from(delta) * if choice & 2 == 0 { 40 } else { 4_000 };
        let frame = Frame {
            track: track.id,
            dts: Ticks(*clock),
            cts: if wanted == MediaKind::Video { Ticks(i64::from(cts as i8) * 1_500) } else { Ticks::ZERO },
            key: wanted == MediaKind::Audio || choice & 4 == 0,
            payload: Bytes::from(vec![0x80; usize::from(size) + 1]),
        };
        packager.push(&frame, UnixMillis(1_700_000_000_000));
        match choice >> 5 {
            7 => packager.flush(),
            6 => packager.set_tracks(&tracks, true),
            _ => {}
        }
        drain(&mut packager, &mut next_tfdt);
    }
    packager.end();
    drain(&mut packager, &mut next_tfdt);
});

fn drain(packager: &mut Packager, next_tfdt: &mut HashMap<TrackId, (u32, i64)>) {
    while let Some(output) = packager.poll_output() {
        match output {
            Output::Part(part) => {
                let fragments = parse_fragments(&part.bytes).expect("a part reads back");
                let samples: u64 = fragments.iter().map(|fragment| fragment.samples.len() as u64).sum();
                assert_eq!(samples, part.samples.len() as u64);
                let duration: u64 = fragments.iter().map(|fragment| fragment.duration()).sum();
                assert_eq!(duration as i64, part.duration.0);
                assert_eq!(fragments[0].base_decode_time as i64, part.start.0);
                let before = next_tfdt.insert(part.track, (part.epoch, part.start.plus(part.duration).0));
                if let Some((epoch, expected)) = before.filter(|_| !part.reanchored && !part.discontinuity) {
                    assert!(epoch != part.epoch || expected == part.start.0, "a gap: {expected} {}", part.start.0);
                }
            }
            Output::Segment(segment) => {
                let bytes: usize = segment.parts.iter().map(|part| part.bytes.len()).sum();
                assert_eq!(bytes as u64, segment.bytes_len as u64);
                assert!(!segment.parts.is_empty());
            }
            Output::Init(_) | Output::Ended => {}
        }
    }
}
