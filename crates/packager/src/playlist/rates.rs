//! Bit rates and frame rates as measured: what BANDWIDTH, AVERAGE-BANDWIDTH and FRAME-RATE say.

use super::SegmentEntry;

/// Running measurement of one track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    bytes: u64,
    micros: u64,
    samples: u64,
    run_bytes: u64,
    run_micros: u64,
    peak_bps: u64,
}

impl Rates {
    /// Peaks are taken over runs of segments that last this long in microseconds: half the usual TARGETDURATION, as the
    /// definition of BANDWIDTH has it (RFC 8216bis §4.4.6.2), so that one short segment with one key frame is no peak.
    const RUN_MICROS: u64 = 2_000_000;
    /// A run may be short of that by what a frame lasts.
    const RUN_SLACK_MICROS: u64 = 100_000;

    /// Rates over a whole list.
    #[must_use]
    pub fn of(entries: &[SegmentEntry]) -> Self {
        let mut rates = Self::default();
        for entry in entries {
            rates.observe(entry);
        }
        rates
    }

    /// Counts a segment in.
    pub fn observe(&mut self, entry: &SegmentEntry) {
        let micros = formats::playlist::m3u8::Micros::from_ticks(entry.duration, entry.timescale).0;
        self.bytes = self.bytes.saturating_add(entry.bytes_len);
        self.micros = self.micros.saturating_add(micros);
        self.samples = self.samples.saturating_add(u64::from(entry.samples));
        self.run_bytes = self.run_bytes.saturating_add(entry.bytes_len);
        self.run_micros = self.run_micros.saturating_add(micros);
        if self.run_micros + Self::RUN_SLACK_MICROS >= Self::RUN_MICROS {
            self.peak_bps = self.peak_bps.max(per_second(self.run_bytes.saturating_mul(8), self.run_micros));
            (self.run_bytes, self.run_micros) = (0, 0);
        }
    }

    /// Bits per second at the peak. At least 1: BANDWIDTH must not be zero.
    #[must_use]
    pub fn peak_bps(&self) -> u64 {
        self.peak_bps.max(self.average_bps())
    }

    /// Bits per second over all. At least 1.
    #[must_use]
    pub fn average_bps(&self) -> u64 {
        per_second(self.bytes.saturating_mul(8), self.micros).max(1)
    }

    /// Samples per second in thousandths; `None` before the first segment.
    #[must_use]
    pub fn samples_millihz(&self) -> Option<u64> {
        (self.micros > 0).then(|| per_second(self.samples.saturating_mul(1_000), self.micros))
    }
}

fn per_second(count: u64, micros: u64) -> u64 {
    let rate = u128::from(count) * 1_000_000 / u128::from(micros.max(1));
    if micros == 0 { 0 } else { u64::try_from(rate).unwrap_or(u64::MAX) }
}
