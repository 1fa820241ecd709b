//! Recordings: what was live can be watched again, by playlist and as one file.

use std::io::Cursor;

use formats::container::mp4::verify_file;
use gateway::clock::wall_now;
use media::MediaKind;
use serde_json::Value;
use testkit::{Encoder, EncoderConfig, VideoSpec};

use crate::publisher::encoding;
use crate::stage::{Options, PATIENCE, Stage};

/// A stream of 2.1 s that has ended and whose recording is ready: its folder's address and what was published.
async fn recorded(stage: &Stage) -> (String, Vec<bytes::Bytes>) {
    let publisher = stage.on_air("kelas", 2_100).await;
    let (stream, _) = stage.stream("kelas");
    stage.end("kelas").await;
    assert!(stage.gateway.recorder.settle(PATIENCE).await, "the recording becomes ready");
    (format!("/live/kelas/{stream}"), publisher.payloads(MediaKind::Video))
}

fn segments(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| !line.starts_with('#')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_stream_is_listed_with_its_addresses() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/live/kelas/recordings").await.json()["recordings"], Value::Array(Vec::new()));
    let (base, _) = recorded(&stage).await;
    for address in ["/live/kelas/recordings", "/live/kelas/state"] {
        let list = stage.get(address).await.json()["recordings"].clone();
        let [one] = list.as_array().expect("a list").as_slice() else { panic!("{list}") };
        assert_eq!(one["state"].as_str(), Some("ready"));
        assert!((2.0..2.3).contains(&one["duration"].as_f64().expect("seconds")), "{one}");
        assert_eq!(one["playlist"].as_str(), Some(format!("{base}/master.m3u8").as_str()));
        assert_eq!(one["mp4"].as_str(), Some(format!("{base}/recording.mp4").as_str()));
        assert!(one["bytes"].as_u64().is_some_and(|bytes| bytes > 10_000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_playlists_are_complete_and_name_what_was_live() {
    let stage = Stage::new().await;
    let (base, sent) = recorded(&stage).await;
    let master = stage.get(&format!("{base}/master.m3u8")).await;
    assert_eq!(master.kind(), (200, "application/vnd.apple.mpegurl", "public, max-age=3600"));
    assert_eq!(segments(&master.text()), ["video.m3u8"]);
    for label in ["video", "audio"] {
        let text = stage.text(&format!("{base}/{label}.m3u8")).await;
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD") && text.trim_end().ends_with("#EXT-X-ENDLIST"), "{text}");
        assert_eq!(segments(&text).len(), 5, "{text}");
        let mut bytes = Vec::new();
        for segment in segments(&text) {
            bytes.extend(stage.get(&format!("{base}/{segment}")).await.body);
        }
        if label == "video" {
            let last = sent.last().expect("a picture");
            assert!(bytes.ends_with(last), "up to the last picture that was published");
        }
    }
    assert_eq!(stage.get(&format!("{base}/video9.m3u8")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_manifest_is_static() {
    let stage = Stage::new().await;
    let (base, _) = recorded(&stage).await;
    let reply = stage.get(&format!("{base}/manifest.mpd")).await;
    assert_eq!(reply.kind(), (200, "application/dash+xml", "public, max-age=3600"));
    assert!(reply.text().contains("type=\"static\""), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_one_mp4_that_holds_every_picture() {
    let stage = Stage::new().await;
    let (base, sent) = recorded(&stage).await;
    let address = format!("{base}/recording.mp4");
    let whole = stage.get(&address).await;
    assert_eq!(whole.kind(), (200, "video/mp4", "public, max-age=31536000, immutable"));
    assert!(whole.header("content-disposition").is_some_and(|name| name.contains("kelas-")));
    let report = verify_file(&mut Cursor::new(&whole.body)).expect("an MP4");
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.tracks.len(), 2);
    assert_eq!(report.tracks[0].samples, sent.len() as u64);
    assert_eq!(report.tracks[0].bytes, sent.iter().map(|payload| payload.len() as u64).sum::<u64>());
    let head = stage.head(&address).await;
    assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mp4_can_be_sought_in() {
    let stage = Stage::new().await;
    let (base, _) = recorded(&stage).await;
    let address = format!("{base}/recording.mp4");
    let whole = stage.get(&address).await.body;
    let total = whole.len();
    let mut connection = stage.connect().await;
    for (range, wanted) in [
        ("bytes=0-1".to_owned(), 0..2),
        ("bytes=0-".to_owned(), 0..total),
        (format!("bytes={}-{}", total / 2, total / 2 + 9_999), total / 2..(total / 2 + 10_000).min(total)),
        ("bytes=-1000".to_owned(), total - 1_000..total),
    ] {
        let reply = connection.get_with(&address, &[("Range", &range)]).await;
        assert_eq!(reply.status, 206, "{range}");
        let said = format!("bytes {}-{}/{total}", wanted.start, wanted.end - 1);
        assert_eq!(reply.header("content-range"), Some(said.as_str()));
        assert!(reply.body == whole[wanted], "{range}");
    }
    let beyond = connection.get_with(&address, &[("Range", &format!("bytes={total}-"))]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(format!("bytes */{total}").as_str())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mp4_of_a_stream_that_goes_on_is_not_there_yet() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_500).await;
    let (stream, _) = stage.stream("kelas");
    let reply = stage.get(&format!("/live/kelas/{stream}/recording.mp4")).await;
    assert_eq!((reply.status, reply.header("cache-control")), (409, Some("no-store")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_that_do_not_exist_are_not_found() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tanpa", 1_500).await;
    let (stream, _) = stage.stream("tanpa");
    stage.end("tanpa").await;
    for file in ["recording.mp4", "master.m3u8", "video.m3u8", "manifest.mpd"] {
        for folder in [format!("/live/tanpa/{stream}"), "/live/kelas/17".to_owned()] {
            assert_eq!(stage.get(&format!("{folder}/{file}")).await.status, 404, "{folder}/{file}");
        }
    }
    assert_eq!(stage.get("/live/tanpa/recordings").await.json()["recordings"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_recording_needs_a_signature_as_its_channel_does() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tertutup", 1_500).await;
    let (stream, _) = stage.stream("tertutup");
    stage.end("tertutup").await;
    assert!(stage.gateway.recorder.settle(PATIENCE).await);
    let until = gateway::clock::wall_now().seconds() + 600;
    let sign = control::sign::issue(stage.channel("tertutup"), control::sign::Purpose::Play, until);
    for file in ["master.m3u8", "video.m3u8", "recording.mp4", "manifest.mpd"] {
        let address = format!("/live/tertutup/{stream}/{file}");
        assert_eq!(stage.get(&address).await.status, 404, "{address}");
        assert_eq!(stage.get(&format!("/s/{sign}{address}")).await.status, 200, "{address}");
    }
    let direct = stage.get(&format!("/live/tertutup/{stream}/recording.mp4?sign={sign}")).await;
    assert_eq!(direct.status, 200, "a file names nothing, so its address may carry the signature");
}

/// On one thread nothing is packaged while the test pushes.
#[tokio::test]
async fn what_left_the_log_before_it_was_packaged_is_a_gap_of_the_recording() {
    let stage = Stage::with(Options { log_bytes_max: 1 << 20, ..Options::default() }).await;
    let channel = stage.channel("kelas");
    let publisher = stage.gateway.live.publish(channel).expect("begun");
    let video = encoding().video.map(|video| VideoSpec { frame_bytes: 6_000, ..video });
    let mut encoder = Encoder::new(EncoderConfig { video, ..encoding() });
    for track in encoder.tracks().iter() {
        publisher.put_track((**track).clone(), wall_now()).expect("put");
    }
    let push_until = |encoder: &mut Encoder, ms| {
        for frame in encoder.frames_until_ms(ms) {
            publisher.push(frame, wall_now()).expect("push");
        }
    };
    push_until(&mut encoder, 1_000);
    stage.packaged("kelas", 1_000).await;
    push_until(&mut encoder, 30_000);
    let stream = stage.live("kelas").stream.clone();
    stage.until("the rest is packaged", || (stream.behind() == 0).then_some(())).await;
    let id = stream.id();
    stage.end("kelas").await;
    assert!(stage.gateway.recorder.settle(PATIENCE).await, "the recording becomes ready");
    let key = recorder::RecordingKey { channel: channel.id, stream: id };
    let index = stage.gateway.recorder.archive().index(key).await.expect("a recording");
    assert_eq!(index.gaps.iter().map(|gap| gap.why).collect::<Vec<_>>(), [recorder::GapReason::Missed]);
    for track in &index.tracks {
        assert_eq!(track.segments.iter().filter(|segment| segment.gap_before).count(), 1, "{:?}", track.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_watch_a_recording_get_the_same_playlists_and_segments() {
    let stage = Stage::new().await;
    let (base, _) = recorded(&stage).await;
    let (_, first) = stage.stream("kelas");
    let later = std::time::Instant::now() + std::time::Duration::from_secs(61);
    stage.gateway.live.expire(later);
    assert!(stage.gateway.live.all().is_empty(), "only the recording has it now");
    for file in ["master.m3u8".to_owned(), "video.m3u8".to_owned(), "manifest.mpd".to_owned(), format!("ts/{first}.ts")]
    {
        let address = format!("{base}/{file}");
        let mut all = Vec::new();
        for _ in 0..20 {
            let mut connection = stage.connect().await;
            connection.ask("GET", &address, &[]).await;
            all.push(connection);
        }
        let wanted = stage.get(&address).await;
        assert_eq!(wanted.status, 200, "{file}");
        for mut one in all {
            assert!(one.answer().await.body == wanted.body, "{file}");
        }
    }
    assert_eq!(stage.get(&format!("{base}/ts/{}.ts", first + 100)).await.status, 404);
}
