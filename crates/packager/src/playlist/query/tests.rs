use media::{Ticks, Timescale};

use super::*;

/// Ten segments of 2 s from wall clock 100 s on.
fn entries() -> Vec<SegmentEntry> {
    (0..10)
        .map(|n| SegmentEntry {
            msn: 50 + n,
            epoch: 0,
            start: Ticks(n as i64 * 2_000),
            duration: Ticks(2_000),
            timescale: Timescale::MILLIS,
            independent: true,
            discontinuity_sequence: 0,
            wall: UnixMillis(100_000 + n as i64 * 2_000),
            bytes_len: 1_000,
            samples: 60,
        })
        .collect()
}

/// Asks at wall clock 120 s, where the last segment has just ended.
fn ask(query: &str, ended: bool) -> Result<Selection, QueryError> {
    let query = WindowQuery::parse(query)?.unwrap_or_default();
    query.select(&entries(), UnixMillis(120_000), ended, &Defaults::default())
}

#[test]
fn a_query_without_our_parameters_is_none_of_ours() {
    for query in ["", "sign=1-a", "_HLS_msn=4&_HLS_part=1", "live", "=", "&&"] {
        assert_eq!(WindowQuery::parse(query), Ok(None), "{query}");
    }
}

#[test]
fn windows_are_what_the_grammar_says() {
    for (query, ended, range, kind) in [
        ("latency=0", false, 7..10, Kind::Live),
        ("latency=6&chunksNumber=2", false, 5..7, Kind::Live),
        ("latency=6&chunksLatency=9", false, 4..7, Kind::Live),
        ("chunksLatency=1", false, 6..9, Kind::Live),
        ("liveType=live&chunksNumber=100&latency=0", false, 0..10, Kind::Live),
        ("latency=0&fromEpochS=117", false, 8..10, Kind::Live),
        ("liveType=live", true, 7..10, Kind::Live),
        ("liveType=event&latency=4", false, 0..8, Kind::Event { ended: false }),
        ("liveType=event", true, 0..10, Kind::Event { ended: true }),
        ("liveType=event&chunksLatency=1", true, 0..9, Kind::Event { ended: false }),
        ("liveType=event&fromEpochS=104&latency=0", false, 2..10, Kind::Event { ended: false }),
        ("liveType=vod", false, 0..10, Kind::Vod),
        ("liveType=vod&fromEpochS=103&toEpochS=107", false, 1..4, Kind::Vod),
        ("liveType=vod&fromEpochS=-1&toEpochS=-1", false, 0..10, Kind::Vod),
        ("liveType=vod&toEpochS=9999999999", false, 0..10, Kind::Vod),
        ("liveType=vod&alternateChunkStreamID=x", false, 0..10, Kind::Vod),
    ] {
        assert_eq!(ask(query, ended), Ok(Selection { range, kind }), "{query}");
    }
}

#[test]
fn the_default_delay_holds_back_a_stream_that_goes_on() {
    assert_eq!(ask("liveType=live", false), Err(QueryError::Empty), "20 s of the only 20 s");
    let query = WindowQuery::default();
    let later = query.select(&entries(), UnixMillis(125_000), false, &Defaults::default());
    assert_eq!(later, Ok(Selection { range: 0..2, kind: Kind::Live }));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (query, error) in [
        ("liveType=now", QueryError::LiveType),
        ("liveType=", QueryError::LiveType),
        ("latency=-1", QueryError::Number("latency")),
        ("latency=1.5", QueryError::Number("latency")),
        ("chunksNumber=0", QueryError::Number("chunksNumber")),
        ("chunksNumber=100001", QueryError::Number("chunksNumber")),
        ("chunksLatency=x", QueryError::Number("chunksLatency")),
        ("fromEpochS=-2", QueryError::Number("fromEpochS")),
        ("toEpochS=99999999999999999999", QueryError::Number("toEpochS")),
        ("latency=1&latency=1", QueryError::Duplicate("latency")),
        ("liveType=vod&fromEpochS=5&toEpochS=5", QueryError::Order),
        ("liveType=vod&fromEpochS=500", QueryError::Empty),
        ("liveType=vod&fromEpochS=1&toEpochS=50", QueryError::Empty),
        ("latency=4294967295", QueryError::Empty),
        ("chunksLatency=10", QueryError::Empty),
    ] {
        assert_eq!(ask(query, false), Err(error), "{query}");
    }
    assert!(WindowQuery::default().select(&[], UnixMillis(0), true, &Defaults::default()).is_err());
}

proptest::proptest! {
    #[test]
    fn any_query_gives_an_error_or_a_window_that_is_there(
        query in "[a-zA-Z]{0,3}(liveType|latency|chunksNumber|chunksLatency|fromEpochS|toEpochS)=[-a-z0-9]{0,12}&(fromEpochS|toEpochS|liveType)=(-?[0-9]{0,19}|vod|event)",
        now in proptest::prelude::any::<i64>(),
        ended in proptest::prelude::any::<bool>(),
    ) {
        let query = WindowQuery::parse(&query).ok().flatten().unwrap_or_default();
        if let Ok(selection) = query.select(&entries(), UnixMillis(now), ended, &Defaults::default()) {
            proptest::prop_assert!(selection.range.start < selection.range.end && selection.range.end <= 10);
        }
    }
}
