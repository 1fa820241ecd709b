//! Window queries: what is selected exists and is not empty.
//! Covers: packager::playlist::query.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media::{Ticks, Timescale, UnixMillis};
use packager::SegmentEntry;
use packager::playlist::query::{Defaults, WindowQuery};

const START_S: i64 = 1_700_000_000;

/// Two minutes of two-second segments.
static ENTRIES: LazyLock<Vec<SegmentEntry>> = LazyLock::new(|| {
    let entry = |n: i64| SegmentEntry {
        msn: n as u64,
        epoch: 0,
        start: Ticks(n * 180_000),
        duration: Ticks(180_000),
        timescale: Timescale::VIDEO,
        independent: true,
        discontinuity_sequence: 0,
        wall: UnixMillis((START_S + 2 * n) * 1_000),
        bytes_len: 1_000,
        samples: 60,
    };
    (0..60).map(entry).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    let Ok(Some(query)) = WindowQuery::parse(query) else { return };
    for ended in [false, true] {
        for now in [0, START_S * 1_000 + 60_000, i64::MAX] {
            if let Ok(selection) = query.select(&ENTRIES, UnixMillis(now), ended, &Defaults::default()) {
                assert!(!selection.range.is_empty() && selection.range.end <= ENTRIES.len());
            }
        }
    }
});
