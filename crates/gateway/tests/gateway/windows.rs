//! Windows by query: clips, everything so far, delayed live.

use std::time::Instant;

use media::MediaKind;

use crate::stage::{Options, PATIENCE, Stage, packaging};

fn segments(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| !line.starts_with('#')).collect()
}

fn number(address: &str) -> u64 {
    let name = address.rsplit('/').next().expect("a name");
    name.split('.').next().expect("a number").parse().expect("a number")
}

fn numbers(playlist: &str) -> Vec<u64> {
    segments(playlist).into_iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vod_is_a_finished_list_of_all_so_far() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 3_100).await;
    let (_, first) = stage.stream("kelas");
    for address in ["/video/kelas/video/chunklist.m3u8?liveType=vod", "/live/kelas/video.m3u8?liveType=vod"] {
        let text = stage.text(address).await;
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD"), "{text}");
        assert!(text.trim_end().ends_with("#EXT-X-ENDLIST"), "{text}");
        assert_eq!(numbers(&text), (first..first + 6).collect::<Vec<_>>(), "{text}");
        for segment in segments(&text) {
            assert_eq!(stage.get(segment).await.status, 200, "{segment}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_grows_and_is_finished_with_the_stream() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_600).await;
    let (_, first) = stage.stream("kelas");
    let address = "/live/kelas/video.m3u8?liveType=event&chunksLatency=0";
    let text = stage.text(address).await;
    assert!(text.contains("#EXT-X-PLAYLIST-TYPE:EVENT") && !text.contains("ENDLIST"), "{text}");
    assert_eq!(numbers(&text), [first, first + 1, first + 2]);
    publisher.send_until_ms(2_100).await;
    stage.packaged("kelas", 2_100).await;
    assert_eq!(numbers(&stage.text(address).await).len(), 4);
    stage.end("kelas").await;
    let text = stage.text(address).await;
    assert!(text.trim_end().ends_with("#EXT-X-ENDLIST"), "{text}");
    assert_eq!(numbers(&text).len(), 5, "the last, short one too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_live_shows_as_many_as_asked_for_and_leaves_out_the_newest() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 4_100).await;
    let (_, first) = stage.stream("kelas");
    let list = async |query: &str| numbers(&stage.text(&format!("/video/kelas/source/chunklist.m3u8?{query}")).await);
    assert_eq!(list("chunksLatency=0").await, [first + 5, first + 6, first + 7], "three unless told otherwise");
    assert_eq!(list("chunksLatency=0&chunksNumber=2").await, [first + 6, first + 7]);
    assert_eq!(list("chunksLatency=2&chunksNumber=2").await, [first + 4, first + 5]);
    assert_eq!(list("liveType=live&chunksLatency=7&chunksNumber=5").await, [first], "no more than there are");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_in_seconds_leaves_out_what_is_newer() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_100).await;
    // All of it was published a moment ago.
    for address in ["/video/kelas/video/chunklist.m3u8", "/live/kelas/video.m3u8?latency=3600"] {
        let reply = stage.get(address).await;
        assert_eq!((reply.status, reply.text().as_str()), (404, "no segment in this window\n"), "{address}");
    }
    stage.end("kelas").await;
    assert_eq!(stage.get("/video/kelas/video/chunklist.m3u8").await.status, 200, "nothing newer comes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_in_time_are_cut_by_the_servers_clock() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_100).await;
    let (_, began) = stage.stream("kelas");
    let (before, after) = (began - 1_000, began + 1_000);
    let all = stage.text(&format!("/live/kelas/video.m3u8?liveType=vod&fromEpochS={before}&toEpochS={after}")).await;
    assert_eq!(numbers(&all).len(), 4);
    for query in [format!("fromEpochS={after}"), format!("fromEpochS=1&toEpochS={before}")] {
        assert_eq!(stage.get(&format!("/live/kelas/video.m3u8?liveType=vod&{query}")).await.status, 404, "{query}");
    }
    let open = stage.text("/live/kelas/video.m3u8?liveType=vod&fromEpochS=-1&toEpochS=-1").await;
    assert_eq!(numbers(&open).len(), 4, "-1 stands for not given");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_that_make_no_sense_are_refused() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_100).await;
    for query in [
        "liveType=film",
        "latency=x",
        "latency=-5",
        "chunksNumber=0",
        "chunksNumber=99999999999",
        "chunksLatency=-1",
        "fromEpochS=-2",
        "toEpochS=soon",
        "fromEpochS=20&toEpochS=10",
        "liveType=vod&liveType=vod",
    ] {
        for file in [
            "/live/kelas/video.m3u8",
            "/live/kelas/live.m3u8",
            "/video/kelas/manifest.m3u8",
            "/video/kelas/video/chunklist.m3u8",
        ] {
            let reply = stage.get(&format!("{file}?{query}")).await;
            assert_eq!((reply.status, reply.header("cache-control")), (400, Some("no-store")), "{file}?{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_multivariant_playlist_carries_the_window_on_and_nothing_else() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_600).await;
    let text = stage.text("/video/kelas/manifest.m3u8?liveType=vod&evil=1&toEpochS=-1").await;
    let variant = segments(&text)[0];
    assert_eq!(variant, "video/chunklist.m3u8?liveType=vod&toEpochS=-1");
    assert!(!text.contains("evil"), "{text}");
    assert_eq!(stage.get(&format!("/video/kelas/{variant}")).await.status, 200);
    assert_eq!(stage.get("/video/kelas/720p/chunklist.m3u8?liveType=vod").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_mpeg_ts_name_mpeg_ts() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_100).await;
    let text = stage.text("/live/kelas/live.m3u8?liveType=vod").await;
    assert_eq!(segments(&text).len(), 4, "{text}");
    for segment in segments(&text) {
        let reply = stage.get(segment).await;
        assert_eq!((reply.status, reply.header("content-type"), reply.body[0]), (200, Some("video/mp2t"), 0x47));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_stream_can_be_wound_back_beyond_its_window() {
    let options = Options { packaging: packager::Config { window_segments: 3, ..packaging() }, ..Options::default() };
    let stage = Stage::with(options).await;
    let publisher = stage.on_air("kelas", 8_100).await;
    let (stream, first) = stage.stream("kelas");
    let live = stage.text("/live/kelas/video.m3u8").await;
    assert!(!live.contains(&format!("/video/{first}.m4s")), "the window has moved on: {live}");
    let all: Vec<u64> = (first..first + 16).collect();
    let mut text = stage.text("/live/kelas/video.m3u8?liveType=vod").await;
    for _ in 0..1_000 {
        if numbers(&text) == all {
            break;
        }
        // The recorder writes behind the window.
        text = stage.text("/live/kelas/video.m3u8?liveType=vod").await;
    }
    assert_eq!(numbers(&text), all);
    let oldest = stage.get(&format!("/live/kelas/{stream}/video/{first}.m4s")).await;
    assert_eq!(oldest.status, 200);
    let picture = &publisher.payloads(MediaKind::Video)[0];
    let found = oldest.body.windows(picture.len()).any(|window| window == picture);
    assert!(found, "the first picture that was published is in it");
    let part = stage.get(&format!("/live/kelas/{stream}/video/{first}.0.m4s")).await;
    assert!(part.status == 200 && oldest.body.starts_with(&part.body));
    let ts = stage.get(&format!("/live/kelas/{stream}/ts/{first}.ts")).await;
    assert_eq!((ts.status, ts.body[0]), (200, 0x47));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_recorded_has_its_window_only() {
    let options = Options { packaging: packager::Config { window_segments: 3, ..packaging() }, ..Options::default() };
    let stage = Stage::with(options).await;
    let _publisher = stage.on_air("tanpa", 8_100).await;
    let (stream, first) = stage.stream("tanpa");
    let text = stage.text("/live/tanpa/video.m3u8?liveType=vod").await;
    assert!(numbers(&text)[0] > first, "{text}");
    assert_eq!(stage.get(&format!("/live/tanpa/{stream}/video/{first}.m4s")).await.status, 404);
    let all_so_far = "/live/tanpa/video.m3u8?liveType=event&chunksLatency=0";
    let text = stage.text(all_so_far).await;
    assert!(numbers(&text)[0] > first && !text.contains("PLAYLIST-TYPE"), "its head moves: {text}");
    stage.end("tanpa").await;
    let text = stage.text(all_so_far).await;
    assert!(text.trim_end().ends_with("#EXT-X-ENDLIST") && !text.contains("TYPE:EVENT"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_growing_list_leaves_out_what_a_player_has_already() {
    let options = Options { packaging: packager::Config { window_segments: 3, ..packaging() }, ..Options::default() };
    let stage = Stage::with(options).await;
    let _publisher = stage.on_air("kelas", 9_100).await;
    let (stream, _) = stage.stream("kelas");
    for list in [
        "/live/kelas/video.m3u8?liveType=event&chunksLatency=0".to_owned(),
        // The window has none of a recording that goes on.
        format!("/live/kelas/{stream}/video.m3u8?"),
    ] {
        let skipping = |text: &str| text.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=");
        let deadline = Instant::now() + PATIENCE;
        let (whole, delta) = loop {
            let delta = stage.text(&format!("{list}&_HLS_skip=YES")).await;
            // Read behind it: what has grown meanwhile is in the whole list alone.
            let whole = stage.text(&list).await;
            // The recorder writes behind the window.
            if skipping(&delta) || Instant::now() > deadline {
                break (whole, delta);
            }
        };
        assert!(!skipping(&whole) && skipping(&delta), "{list}: {delta}");
        assert!(numbers(&delta).len() < numbers(&whole).len(), "{list}");
        assert!(!skipping(&stage.text(&list).await), "{list}: whoever asks for all gets it");
    }
    let clip = stage.text("/live/kelas/video.m3u8?liveType=vod&_HLS_skip=YES").await;
    assert!(!clip.contains("EXT-X-SKIP"), "a complete list is told whole");
}
