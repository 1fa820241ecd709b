//! Scenarios over synthetic streams.

use formats::container::cmaf::parse_fragments;
use media::TrackId;
use testkit::encoder::{AUDIO, Encoder, EncoderConfig, VIDEO};

use super::*;
use crate::Part;

const WALL: i64 = 1_700_000_000_000;

/// A packager fed by hand, with everything it gave out.
pub(crate) struct Rig {
    pub(crate) packager: Packager,
    pub(crate) outputs: Vec<Output>,
}

impl Rig {
    fn new(config: Config) -> Self {
        Self { packager: Packager::new(config, StreamId(1), 1_000), outputs: Vec::new() }
    }

    fn drain(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.packager.poll_output()));
    }

    fn parts(&self, id: TrackId) -> Vec<Arc<Part>> {
        let of_track = |output: &Output| match output {
            Output::Part(part) if part.track == id => Some(part.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(of_track).collect()
    }

    fn segments(&self, id: TrackId) -> Vec<Arc<Segment>> {
        let of_track = |output: &Output| match output {
            Output::Segment(segment) if segment.track == id => Some(segment.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(of_track).collect()
    }
}

#[test]
fn smoke() {
    let mut encoder = Encoder::new(EncoderConfig::default());
    let mut rig = Rig::new(Config::default());
    rig.packager.set_tracks(&encoder.tracks(), false);
    for frame in encoder.frames_until_ms(7_000) {
        let ms = frame.dts.millis(encoder.tracks().get(frame.track).unwrap().timescale);
        rig.packager.push(&frame, UnixMillis(WALL + ms));
        rig.drain();
    }
    rig.packager.end();
    rig.drain();
    for output in &rig.outputs {
        match output {
            Output::Part(p) => eprintln!("{:?} {:.3} ind={}", p, p.duration.seconds(p.timescale), p.independent),
            Output::Segment(s) => {
                eprintln!("SEG {:?} {} {:.3} {}", s.track, s.msn, s.duration.seconds(s.timescale), s.independent)
            }
            other => eprintln!("{}", matches!(other, Output::Ended)),
        }
    }
    for s in rig.segments(VIDEO).iter().chain(&rig.segments(AUDIO)) {
        assert_eq!(parse_fragments(&s.concat()).unwrap().len(), s.parts.len());
    }
    assert!(!rig.parts(AUDIO).is_empty());
}
