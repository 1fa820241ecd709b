//! Simulated links between two sans-IO ends: an ordered byte stream as TCP gives it, and datagrams as UDP does.
//!
//! Both are fed and drained with the simulated instant; neither reads a clock. What arrives when is a function of the seed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::Random;

/// What a link does to what is sent over it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Impairment {
    /// Least time on the way.
    pub delay: Duration,
    /// Up to this much more, drawn per packet. On a [`DatagramLink`] a jitter above the spacing of packets reorders them.
    pub jitter: Duration,
    /// Datagrams lost per million. A [`StreamLink`] loses nothing: it delays by one retransmission (200 ms) instead.
    pub loss_per_million: u32,
    /// Datagrams that arrive twice, per million.
    pub duplicate_per_million: u32,
}

/// How long a lost segment of a stream takes to be sent again: Linux's least retransmission timeout.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// One direction of a TCP connection: bytes arrive in order, cut at arbitrary places.
#[derive(Debug)]
pub struct StreamLink {
    random: Random,
    impairment: Impairment,
    segment_bytes_max: usize,
    in_flight: VecDeque<(Instant, Bytes)>,
    last_arrival: Option<Instant>,
}

impl StreamLink {
    /// A link that cuts what is written into segments of 1 to `segment_bytes_max` bytes.
    ///
    /// # Panics
    /// When `segment_bytes_max` is zero.
    #[must_use]
    pub fn new(seed: u64, impairment: Impairment, segment_bytes_max: usize) -> Self {
        assert!(segment_bytes_max > 0, "a segment holds at least one byte");
        Self {
            random: Random::new(seed),
            impairment,
            segment_bytes_max,
            in_flight: VecDeque::new(),
            last_arrival: None,
        }
    }

    /// Writes `bytes` at `now`.
    pub fn write(&mut self, now: Instant, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let len = self.random.between(1, self.segment_bytes_max as u64) as usize;
            let (segment, after) = rest.split_at(len.min(rest.len()));
            rest = after;
            let mut arrival = now + one_way(&mut self.random, &self.impairment);
            if self.random.chance(self.impairment.loss_per_million) {
                arrival += RETRANSMISSION;
            }
            let arrival = self.last_arrival.map_or(arrival, |last| arrival.max(last));
            self.last_arrival = Some(arrival);
            self.in_flight.push_back((arrival, Bytes::copy_from_slice(segment)));
        }
    }

    /// The next segment that has arrived by `now`.
    pub fn read(&mut self, now: Instant) -> Option<Bytes> {
        self.in_flight.pop_front_if(|(arrival, _)| *arrival <= now).map(|(_, segment)| segment)
    }

    /// When the next segment arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.front().map(|(arrival, _)| *arrival)
    }
}

/// One direction of a UDP path: datagrams may be lost, doubled and overtaken.
#[derive(Debug)]
pub struct DatagramLink {
    random: Random,
    impairment: Impairment,
    in_flight: BinaryHeap<Reverse<(Instant, u64, Bytes)>>,
    sent: u64,
    lost: u64,
}

impl DatagramLink {
    /// A path with that impairment.
    #[must_use]
    pub fn new(seed: u64, impairment: Impairment) -> Self {
        Self { random: Random::new(seed), impairment, in_flight: BinaryHeap::new(), sent: 0, lost: 0 }
    }

    /// Sends one datagram at `now`.
    pub fn send(&mut self, now: Instant, datagram: Bytes) {
        if self.random.chance(self.impairment.loss_per_million) {
            self.lost += 1;
            return;
        }
        let copies = 1 + usize::from(self.random.chance(self.impairment.duplicate_per_million));
        for _ in 0..copies {
            let arrival = now + one_way(&mut self.random, &self.impairment);
            self.in_flight.push(Reverse((arrival, self.sent, datagram.clone())));
            self.sent += 1;
        }
    }

    /// The next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<Bytes> {
        self.next_arrival().filter(|arrival| *arrival <= now)?;
        self.in_flight.pop().map(|Reverse((_, _, datagram))| datagram)
    }

    /// When the next datagram arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.peek().map(|Reverse((arrival, _, _))| *arrival)
    }

    /// Datagrams lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

fn one_way(random: &mut Random, impairment: &Impairment) -> Duration {
    let jitter_nanos = u64::try_from(impairment.jitter.as_nanos()).unwrap_or(u64::MAX - 1);
    impairment.delay + Duration::from_nanos(random.between(0, jitter_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    const POOR: Impairment = Impairment {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(30),
        loss_per_million: 20_000,
        duplicate_per_million: 10_000,
    };

    fn stream_run(seed: u64) -> (Vec<u8>, Vec<usize>) {
        let mut clock = Clock::new();
        let mut link = StreamLink::new(seed, POOR, 700);
        let sent: Vec<u8> = (0..20_000u32).map(|n| n as u8).collect();
        for piece in sent.chunks(3_000) {
            link.write(clock.now(), piece);
            clock.advance(Duration::from_millis(5));
        }
        let (mut got, mut cuts) = (Vec::new(), Vec::new());
        while let Some(at) = link.next_arrival() {
            clock.advance_to(at);
            while let Some(segment) = link.read(clock.now()) {
                cuts.push(segment.len());
                got.extend_from_slice(&segment);
            }
        }
        assert_eq!(got, sent);
        (got, cuts)
    }

    #[test]
    fn a_stream_arrives_whole_in_order_and_cut_the_same_way_for_the_same_seed() {
        let (_, cuts) = stream_run(1);
        assert_eq!(stream_run(1).1, cuts);
        assert_ne!(stream_run(2).1, cuts);
        assert!(cuts.iter().all(|len| (1..=700).contains(len)));
    }

    #[test]
    fn nothing_arrives_before_its_delay() {
        let clock = Clock::new();
        let mut link = StreamLink::new(1, Impairment { delay: Duration::from_millis(20), ..Impairment::default() }, 10);
        link.write(clock.now(), b"abc");
        assert!(link.read(clock.now() + Duration::from_millis(19)).is_none());
        assert!(link.read(clock.now() + Duration::from_millis(20)).is_some());
    }

    #[test]
    fn datagrams_are_lost_doubled_and_overtaken_at_about_the_stated_rates() {
        let mut clock = Clock::new();
        let mut link = DatagramLink::new(9, POOR);
        let count = 10_000u32;
        for n in 0..count {
            link.send(clock.now(), Bytes::copy_from_slice(&n.to_be_bytes()));
            clock.advance(Duration::from_millis(1));
        }
        let mut got = Vec::new();
        while let Some(at) = link.next_arrival() {
            clock.advance_to(at);
            while let Some(datagram) = link.receive(clock.now()) {
                got.push(u32::from_be_bytes(datagram.as_ref().try_into().expect("four bytes were sent")));
            }
        }
        assert!((100..=300).contains(&link.lost()), "{} lost of {count}", link.lost());
        let overtaken = got.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!(overtaken > 1_000, "{overtaken} overtaken");
        let arrived = got.len() as u64;
        let distinct = {
            got.sort_unstable();
            got.dedup();
            got.len() as u64
        };
        assert_eq!(distinct, u64::from(count) - link.lost());
        assert!((50..=200).contains(&(arrived - distinct)), "{} doubled", arrived - distinct);
    }
}
