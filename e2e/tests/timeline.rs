//! Two hours of timestamps, through a wrap of 32 bits, as fast as the server takes them.

use std::time::Duration;

use e2e::Server;
use e2e::playlist::Playlist;
use e2e::sender::Sender;
use formats::container::cmaf;
use testkit::{EncoderConfig, VideoSpec};

const MINUTE_MS: u64 = 60_000;
const HOURS_MS: u64 = 120 * MINUTE_MS;
/// Media that is sent at once.
const STEP_MS: u64 = MINUTE_MS / 3;

/// Where the newest complete segment begins and ends on the stream's timeline, in seconds.
fn newest(server: &Server, path: &str) -> Option<(u64, f64, f64, Playlist)> {
    let response = server.get(&format!("/{path}/video.m3u8"));
    if response.status != 200 {
        return None;
    }
    let playlist = Playlist::parse(&response.text()).unwrap_or_else(|why| panic!("{why}: {}", response.text()));
    let segment = playlist.segments.iter().rev().find(|segment| segment.complete.is_some())?;
    let (_, uri) = segment.complete.clone().expect("complete");
    let response = server.get(&format!("/{path}/{uri}"));
    assert_eq!(response.status, 200, "{uri}");
    let fragments = cmaf::parse_fragments(&response.body).expect("CMAF");
    let (first, last) = (fragments.first().expect("one"), fragments.last().expect("one"));
    let length: u64 = last.samples.iter().map(|sample| u64::from(sample.duration)).sum();
    let seconds = |ticks: u64| ticks as f64 / 90_000.0;
    Some((segment.msn, seconds(first.base_decode_time), seconds(last.base_decode_time + length), playlist))
}

#[test]
fn two_hours_through_a_wrap_keep_one_timeline_in_bounded_memory() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let config = EncoderConfig {
        video: Some(VideoSpec { frame_bytes: 500, ..VideoSpec::default() }),
        timestamp_bits: 32,
        // The wrap comes after one of the two hours.
        timestamp_start_ms: (1 << 32) - HOURS_MS / 2,
        ..EncoderConfig::default()
    };
    let mut sender = Sender::start(server.address("rtmp"), "live", &channel.key, config);
    let mut memory = 0;
    let (mut first_msn, mut before) = (0, 0.0);
    for step in 1..=HOURS_MS / STEP_MS {
        let sent = step * STEP_MS;
        assert!(sender.push_until(sent), "closed at {sent} ms: {:?}", sender.events());
        // The live path waits for nobody, so a packager that is minutes behind skips: it is given the time for each step.
        let (msn, start, _, playlist) = e2e::poll::until("the step on the timeline", Duration::from_secs(20), || {
            newest(&server, &channel.path).filter(|(_, _, end, _)| *end > sent as f64 / 1_000.0 - 4.5)
        });
        assert!(start >= before, "{sent} ms: the timeline is at {start} s after {before} s");
        assert!(
            playlist.segments.len() <= 16,
            "{sent} ms: {} segments are listed: {playlist:#?}",
            playlist.segments.len()
        );
        assert!(playlist.segments.iter().all(|segment| !segment.gap), "{sent} ms: {playlist:?}");
        for pair in playlist.segments.windows(2) {
            assert_eq!(
                (pair[0].msn + 1, pair[0].discontinuity_sequence),
                (pair[1].msn, pair[1].discontinuity_sequence)
            );
        }
        before = start;
        if sent == 10 * MINUTE_MS {
            (first_msn, memory) = (msn, server.memory_bytes());
        }
    }
    let end = e2e::poll::until("two hours on the timeline", Duration::from_secs(30), || {
        newest(&server, &channel.path).filter(|(_, _, end, _)| *end > 7_200.0 - 2.5)
    });
    assert!(end.2 < 7_200.5, "the timeline is at {} s", end.2);
    // Media that outruns the clock may be cut at every key frame, so that EXT-X-PROGRAM-DATE-TIME can follow: 1 s, not 2 s.
    let segments = end.0 - first_msn;
    assert!((3_285..=6_615).contains(&segments), "{segments} segments in 110 minutes");
    let grown = server.memory_bytes().saturating_sub(memory);
    assert!(grown < 32 << 20, "110 minutes of media cost {grown} bytes");
    assert_eq!(server.state(&channel)["state"], "live");
}
