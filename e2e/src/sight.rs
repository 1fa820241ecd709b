//! What a player saw and heard of the test signal, and whether that is right.

use crate::signal::{CLIP_FRAMES, RATE};

/// Flash and beep may be this far apart, in milliseconds.
const SYNC_MS: f64 = 60.0;
/// At the ends of what was seen, a flash may stand without its beep, in milliseconds.
const EDGE_MS: f64 = 400.0;

/// A decoded picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picture {
    /// When it is shown, in milliseconds.
    pub at_ms: f64,
    /// The number it carries.
    pub number: u32,
    /// It is the white one.
    pub flash: bool,
}

/// Decoded sound without a hole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoundSpan {
    /// When it begins, in milliseconds.
    pub from_ms: f64,
    /// When it ends, in milliseconds.
    pub to_ms: f64,
}

/// What a player made of a stream.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// Pictures in the order in which they are shown.
    pub pictures: Vec<Picture>,
    /// Sound, one entry if there is no hole.
    pub sound: Vec<SoundSpan>,
    /// When beeps begin, in milliseconds.
    pub beeps_ms: Vec<f64>,
    /// What the player complained of.
    pub complaints: String,
}

impl Sight {
    /// How long the pictures are shown, in milliseconds.
    #[must_use]
    pub fn picture_ms(&self) -> f64 {
        match (self.pictures.first(), self.pictures.last()) {
            (Some(first), Some(last)) => last.at_ms - first.at_ms + 1_000.0 / f64::from(RATE),
            _ => 0.0,
        }
    }

    /// How much sound there is, in milliseconds.
    #[must_use]
    pub fn sound_ms(&self) -> f64 {
        self.sound.iter().map(|span| span.to_ms - span.from_ms).sum()
    }

    /// Where pictures are missing, repeated or shown at the wrong time.
    #[must_use]
    pub fn picture_faults(&self) -> Vec<String> {
        let step = 1_000.0 / f64::from(RATE);
        let mut faults = Vec::new();
        for pair in self.pictures.windows(2) {
            let [one, two] = pair else { continue };
            let ahead = (two.number + CLIP_FRAMES - one.number) % CLIP_FRAMES;
            if ahead != 1 {
                faults.push(format!("picture {} after {} at {:.1} ms", two.number, one.number, two.at_ms));
            }
            // FLV and RTMP count in milliseconds.
            let late = two.at_ms - one.at_ms - step;
            if late.abs() > 1.5 && ahead == 1 {
                faults.push(format!(
                    "picture {} is shown {:.1} ms after {}",
                    two.number,
                    two.at_ms - one.at_ms,
                    one.number
                ));
            }
        }
        faults
    }

    /// Distance of each flash from its beep, in milliseconds; positive where the beep is later. `None` for one without.
    #[must_use]
    pub fn sync(&self) -> Vec<(f64, Option<f64>)> {
        let nearest = |at: f64| {
            let distances = self.beeps_ms.iter().map(|beep| beep - at);
            distances.filter(|distance| distance.abs() < 500.0).min_by(|a, b| a.abs().total_cmp(&b.abs()))
        };
        let heard = |at: f64| self.sound.iter().any(|span| at - EDGE_MS >= span.from_ms && at + EDGE_MS <= span.to_ms);
        let flashes = self.pictures.iter().filter(|picture| picture.flash && heard(picture.at_ms));
        flashes.map(|picture| (picture.at_ms, nearest(picture.at_ms))).collect()
    }

    /// Holds the pictures, the sound and their distance to what was sent: `seconds` at least, no picture missing or
    /// repeated, no hole in the sound, in sync.
    ///
    /// # Panics
    /// When they are not right.
    #[track_caller]
    pub fn assert_whole(&self, what: &str, seconds: f64) {
        self.assert_pictures(what, seconds);
        assert!(
            self.sound_ms() >= seconds * 1_000.0 - 300.0,
            "{what}: {:.0} ms of sound {}",
            self.sound_ms(),
            self.complaints
        );
        assert!(self.sound.len() == 1, "{what}: holes in the sound: {:?}", self.sound);
        self.assert_in_sync(what);
    }

    /// The pictures alone.
    ///
    /// # Panics
    /// When they are not right.
    #[track_caller]
    pub fn assert_pictures(&self, what: &str, seconds: f64) {
        let enough = self.picture_ms() >= seconds * 1_000.0 - 100.0;
        assert!(enough, "{what}: {:.0} ms of pictures {}", self.picture_ms(), self.complaints);
        let faults = self.picture_faults();
        assert!(faults.is_empty(), "{what}: {faults:#?} {}", self.complaints);
    }

    /// Flash and beep belong together.
    ///
    /// # Panics
    /// When they are further apart than [`SYNC_MS`], or there is none.
    #[track_caller]
    pub fn assert_in_sync(&self, what: &str) {
        let sync = self.sync();
        assert!(!sync.is_empty(), "{what}: no flash within the sound; beeps at {:?}", self.beeps_ms);
        for (at, distance) in sync {
            let near = distance.is_some_and(|distance| distance.abs() <= SYNC_MS);
            assert!(
                near,
                "{what}: the beep of the flash at {at:.1} ms is {distance:?} ms away; beeps {:?}",
                self.beeps_ms
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Sight {
        let pictures = (0..90)
            .map(|n| Picture { at_ms: f64::from(n) * 1_000.0 / 30.0, number: n + 5_370, flash: n % 30 == 0 })
            .map(|picture| Picture { number: picture.number % CLIP_FRAMES, ..picture });
        Sight {
            pictures: pictures.collect(),
            sound: vec![SoundSpan { from_ms: 0.0, to_ms: 3_000.0 }],
            beeps_ms: vec![1_010.0, 2_010.0],
            complaints: String::new(),
        }
    }

    #[test]
    fn what_is_right_passes_also_over_the_end_of_the_clip() {
        right().assert_whole("the signal", 3.0);
    }

    #[test]
    fn a_missing_a_repeated_and_a_late_picture_are_found() {
        let mut sight = right();
        sight.pictures.remove(40);
        assert_eq!(sight.picture_faults().len(), 1);
        let mut sight = right();
        sight.pictures[41].number = sight.pictures[40].number;
        assert_eq!(sight.picture_faults().len(), 2);
        let mut sight = right();
        sight.pictures[41].at_ms += 5.0;
        assert_eq!(sight.picture_faults().len(), 2);
    }

    #[test]
    #[should_panic(expected = "the beep of the flash at 1000.0 ms")]
    fn a_beep_that_is_late_is_found() {
        let mut sight = right();
        sight.beeps_ms = vec![1_070.0, 2_070.0];
        sight.assert_in_sync("the signal");
    }

    #[test]
    #[should_panic(expected = "holes in the sound")]
    fn a_hole_in_the_sound_is_found() {
        let mut sight = right();
        sight.sound = vec![SoundSpan { from_ms: 0.0, to_ms: 1_500.0 }, SoundSpan { from_ms: 1_550.0, to_ms: 3_000.0 }];
        sight.assert_whole("the signal", 3.0);
    }
}
