//! LL-HLS, held to every rule that we claim, for a minute; and what is said when the publisher is gone.

use std::time::{Duration, Instant};

use e2e::llhls::live::{follow, headers};
use e2e::playlist::Playlist;
use e2e::server::Options;
use e2e::{Publisher, Server, poll};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_live_playlist_keeps_every_rule_for_a_minute() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let (video, audio) = std::thread::scope(|threads| {
        let audio = threads.spawn(|| follow(&server, &channel.path, "audio", MINUTE));
        (follow(&server, &channel.path, "video", MINUTE), audio.join().expect("the player does not panic"))
    });
    for (track, report) in [("video", video), ("audio", audio)] {
        let faults = &report.faults;
        assert!(
            faults.is_empty(),
            "{track}: {} faults, the first: {:#?}",
            faults.len(),
            faults.iter().take(30).collect::<Vec<_>>()
        );
        // 200 ms parts: 300 in a minute. A slow machine may see two at once, but not always.
        assert!(report.reloads >= 150, "{track}: {report:?}");
        assert!(
            report.deltas >= 30 && report.segments >= 20 && report.hinted >= 10 && report.reports >= 100,
            "{track}: {report:?}"
        );
    }
    let faults = headers(&server, &channel.path);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_reload_that_cannot_come_true_is_answered_in_time_and_the_end_is_told() {
    let config = "reconnect_window_s = 16\n".to_owned();
    let server = Server::start_with(Options { config, ..Options::default() });
    let channel = server.channel("kelas", &["--no-record"]);
    let publisher = Publisher::ordinary(&server, &channel);
    let address = format!("/{}/video.m3u8", channel.path);
    let parse = |text: &str| Playlist::parse(text).expect("a right playlist");
    poll::until_true("four segments", Duration::from_secs(30), || {
        parse(&server.get(&address).text()).segments.len() > 4
    });
    publisher.kill();
    server.until_state(&channel, "stalled", Duration::from_secs(5));
    let last = parse(&server.get(&address).text());
    let (msn, part) = last.next();
    let asked = Instant::now();
    let refused = server.get(&format!("{address}?_HLS_msn={msn}&_HLS_part={part}"));
    let took = asked.elapsed();
    assert_eq!(refused.status, 503, "{}", refused.text());
    // §6.2.5.2: three target durations.
    assert!(took < Duration::from_micros(3 * last.target_us), "{took:?}");
    assert!(refused.header("cache-control").is_some_and(|cache| cache.contains("no-store")), "{:?}", refused.headers);
    assert_eq!(parse(&server.get(&address).text()).segments, last.segments, "nothing came and nothing went");
    server.until_state(&channel, "ended", Duration::from_secs(20));
    for track in ["video", "audio"] {
        let ended = parse(&server.get(&format!("/{}/{track}.m3u8", channel.path)).text());
        assert!(ended.ended && ended.hint.is_none(), "{track}: {ended:?}");
        assert!(ended.segments.iter().all(|segment| segment.complete.is_some()), "{track}: {ended:?}");
    }
    let dash = server.get(&format!("/{}/manifest.mpd", channel.path)).text();
    assert!(dash.contains("type=\"static\""), "{dash}");
}
