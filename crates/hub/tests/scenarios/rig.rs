//! A sender with a wire clock, and a reader that checks what every reader may rely on.

use std::sync::Arc;
use std::time::Duration;

use hub::{Entry, Fenced, Hub, Item, Publisher, Stream};
use media::{ChannelPath, Frame, Ticks, Timescale, TimestampUnwrapper, TrackId};
use testkit::encoder::Stamp;
use testkit::{Clock, Encoder, EncoderConfig};

pub fn path(name: &str) -> ChannelPath {
    ChannelPath { app: "live".parse().expect("name"), name: name.parse().expect("name") }
}

/// Frames as ingest hands them over: millisecond times, wrapped, jumped and unrolled again.
pub struct Sender {
    encoder: Encoder,
    unwrapper: TimestampUnwrapper,
}

impl Sender {
    pub fn new(config: EncoderConfig) -> Self {
        Self { unwrapper: TimestampUnwrapper::new(config.timestamp_bits), encoder: Encoder::new(config) }
    }

    pub fn announce(&self, publisher: &Publisher, clock: &Clock) {
        for track in self.encoder.tracks().iter() {
            publisher.put_track(track.as_ref().clone(), clock.wall()).expect("tracks are taken");
        }
    }

    /// Media time of the next frame, in milliseconds.
    pub fn at_ms(&self) -> i64 {
        self.encoder.next_dts_ms()
    }

    /// The next frame on the publisher's clock, unwrapped.
    pub fn next(&mut self) -> Frame {
        let sent = self.encoder.next_sent();
        let unwrapped = Ticks(self.unwrapper.unwrap(u64::from(sent.timestamp_ms)));
        let timescale = self.timescale(sent.frame.track);
        Frame { dts: unwrapped.rescale(Timescale::MILLIS, timescale), ..sent.frame }
    }

    /// Pushes everything before `until_ms` of media time as it becomes due, the clock running beside it.
    pub fn run(&mut self, publisher: &Publisher, clock: &mut Clock, until_ms: i64) -> Result<(), Fenced> {
        while self.at_ms() < until_ms {
            let due_ms = self.at_ms();
            publisher.push(self.next(), clock.wall())?;
            clock.advance(Duration::from_millis(u64::try_from(self.at_ms() - due_ms).unwrap_or(0)));
        }
        Ok(())
    }

    fn timescale(&self, id: TrackId) -> Timescale {
        self.encoder.tracks().get(id).expect("its own track").timescale
    }
}

/// Follows a stream, and holds every read to the contract of the log.
#[derive(Default)]
pub struct Follower {
    pub next: u64,
    pub missed: u64,
    pub ended: bool,
    pub entries: Vec<Arc<Entry>>,
}

impl Follower {
    /// Reads up to `max` entries.
    pub fn read(&mut self, stream: &Stream, max: usize) {
        let before = self.entries.len();
        let read = stream.read(self.next, max, &mut self.entries);
        let mut expected = self.next + read.missed;
        for entry in &self.entries[before..] {
            assert_eq!(entry.seq, expected, "entries come in order and without gaps");
            expected += 1;
        }
        assert_eq!(read.next, expected);
        assert!(self.entries.len() - before <= max);
        self.missed += read.missed;
        self.next = read.next;
        self.ended = read.ended;
    }

    pub fn read_all(&mut self, stream: &Stream) {
        self.read(stream, usize::MAX);
    }

    pub fn frames(&self, track: TrackId) -> Vec<&Frame> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.item {
                Item::Frame { frame, .. } if frame.track == track => Some(frame),
                Item::Frame { .. } | Item::Tracks { .. } | Item::Stalled | Item::Resumed => None,
            })
            .collect()
    }

    /// The encoder's numbers of that track's frames, in the order in which they came out.
    pub fn stamps(&self, track: TrackId) -> Vec<u64> {
        let stamp = |frame: &&Frame| Stamp::find(&frame.payload).expect("every frame is stamped");
        self.frames(track)
            .iter()
            .map(stamp)
            .inspect(|stamp| assert_eq!(stamp.track, track))
            .map(|s| s.sequence)
            .collect()
    }

    /// How often the tracks were announced, and how often as a discontinuity.
    pub fn announcements(&self) -> (usize, usize) {
        let marks = self.entries.iter().filter_map(|entry| match &entry.item {
            Item::Tracks { discontinuity, .. } => Some(*discontinuity),
            Item::Frame { .. } | Item::Stalled | Item::Resumed => None,
        });
        marks.fold((0, 0), |(all, broken), mark| (all + 1, broken + usize::from(mark)))
    }

    /// Panics unless decode times rise on the track; answers the first and last in milliseconds.
    pub fn assert_times_rise(&self, track: TrackId, timescale: Timescale) -> (i64, i64) {
        let times: Vec<Ticks> = self.frames(track).iter().map(|frame| frame.dts).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "decode times rise on {track:?}");
        let ms = |at: Option<&Ticks>| at.expect("frames came").millis(timescale);
        (ms(times.first()), ms(times.last()))
    }
}

pub fn publish(hub: &Hub, clock: &Clock) -> Publisher {
    hub.publish(&path("kelas"), clock.wall()).0
}
