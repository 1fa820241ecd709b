//! Segments, parts and playlists byte for byte: what was published is what is fetched, however it is fetched.

use std::io::Read as _;

use bytes::Bytes;
use formats::container::cmaf::{parse_fragments, parse_init};
use media::{Codec, MediaKind};

use crate::stage::Stage;

/// Samples of fragments, one after the other.
fn samples(bytes: &[u8]) -> Vec<Bytes> {
    let mut out = Vec::new();
    for fragment in parse_fragments(bytes).expect("whole fragments") {
        let mut at = fragment.payload_range.start;
        for sample in &fragment.samples {
            out.push(Bytes::copy_from_slice(&bytes[at..at + sample.size as usize]));
            at += sample.size as usize;
        }
        assert_eq!(at, fragment.payload_range.end);
    }
    out
}

/// Addresses of parts in a playlist, in order.
fn parts(playlist: &str) -> Vec<String> {
    let lines = playlist.lines().filter(|line| line.starts_with("#EXT-X-PART:"));
    lines.map(|line| uri_of(line).to_owned()).collect()
}

fn uri_of(line: &str) -> &str {
    line.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an address")
}

fn segments(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| !line.starts_with('#')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_hold_exactly_what_was_published() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 2_000).await;
    for (label, kind) in [("video", MediaKind::Video), ("audio", MediaKind::Audio)] {
        let playlist = stage.text(&format!("/live/kelas/{label}.m3u8")).await;
        let mut got = Vec::new();
        for segment in segments(&playlist) {
            got.extend(samples(&stage.get(&format!("/live/kelas/{segment}")).await.body));
        }
        assert!(got.len() > 30, "{label}");
        assert_eq!(got, publisher.payloads(kind)[..got.len()], "{label}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_initialisation_says_what_the_publisher_said() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("kelas", 1_000).await;
    let (stream, _) = stage.stream("kelas");
    let video = stage.get(&format!("/live/kelas/{stream}/video/init-0.mp4")).await;
    let video = parse_init(&video.body).expect("an initialisation");
    assert_eq!((video.codec, video.picture), (Codec::H264, Some((1_280, 720))));
    assert_eq!(video.config, publisher.encoder.video_track().expect("video").config);
    let audio = stage.get(&format!("/live/kelas/{stream}/audio/init-0.mp4")).await;
    let audio = parse_init(&audio.body).expect("an initialisation");
    assert_eq!((audio.codec, audio.timescale.hz()), (Codec::Aac, 48_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_a_segment_are_the_segment() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_000).await;
    let playlist = stage.text("/live/kelas/video.m3u8").await;
    for segment in segments(&playlist) {
        let stem = segment.strip_suffix(".m4s").expect("a segment");
        let mut joined = Vec::new();
        let own: Vec<String> =
            parts(&playlist).into_iter().filter(|part| part.starts_with(&format!("{stem}."))).collect();
        assert_eq!(own.len(), 3, "200, 200 and 100 ms");
        for part in &own {
            joined.extend(stage.get(&format!("/live/kelas/{part}")).await.body);
        }
        assert!(joined == stage.get(&format!("/live/kelas/{segment}")).await.body, "{segment}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hinted_part_waits_until_it_is_made() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_000).await;
    let playlist = stage.text("/live/kelas/video.m3u8").await;
    let hint = playlist.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT")).map(uri_of).expect("a hint");
    let address = format!("/live/kelas/{hint}");
    let mut waiting = stage.connect().await;
    waiting.ask("GET", &address, &[]).await;
    let early = tokio::time::timeout(std::time::Duration::from_millis(150), waiting.head()).await;
    assert!(early.is_err(), "it is not made yet");
    publisher.send_until_ms(1_300).await;
    let reply = waiting.answer().await;
    assert_eq!(reply.kind(), (200, "video/mp4", "public, max-age=31536000, immutable"));
    assert!(reply.body == stage.get(&address).await.body);
    assert!(!samples(&reply.body).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_that_does_not_come_true_is_not_found_once_the_segment_is_whole() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 900).await;
    let (stream, first) = stage.stream("kelas");
    publisher.send_until_ms(1_000).await;
    let mut waiting = stage.connect().await;
    // The second segment's parts are 0, 1 and 2; a key frame ends it where part 3 might have begun.
    stage.packaged("kelas", 1_000).await;
    publisher.send_until_ms(1_100).await;
    waiting.ask("GET", &format!("/live/kelas/{stream}/video/{}.3.m4s", first + 1), &[]).await;
    assert_eq!(waiting.head().await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_growing_segment_comes_part_by_part_and_is_the_final_segment() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_250).await;
    let (stream, first) = stage.stream("kelas");
    let address = format!("/live/kelas/{stream}/video/{}.m4s", first + 2);
    let mut growing = stage.connect().await;
    growing.ask("GET", &address, &[]).await;
    let head = growing.head().await;
    assert_eq!((head.status, head.is_chunked()), (200, true));
    assert_eq!(head.header("cache-control"), Some("no-cache"), "it may be cut off");
    let mut chunks = vec![growing.chunk().await.expect("the part that is there")];
    let part = |n: u32| format!("/live/kelas/{stream}/video/{}.{n}.m4s", first + 2);
    assert!(chunks[0] == stage.get(&part(0)).await.body, "the first chunk is the first part");
    publisher.send_until_ms(1_450).await;
    chunks.push(growing.chunk().await.expect("the next part"));
    assert!(chunks[1] == stage.get(&part(1)).await.body, "it came before the segment was whole");
    publisher.send_until_ms(1_600).await;
    while let Some(chunk) = growing.chunk().await {
        chunks.push(chunk);
    }
    let whole = stage.get(&address).await;
    assert!(!whole.is_chunked(), "now its length is known");
    assert!(chunks.concat() == whole.body);
    assert_eq!(growing.get("/readyz").await.status, 200, "the connection goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_segment_after_the_one_being_made_can_be_asked_for() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_250).await;
    let (stream, first) = stage.stream("kelas");
    let address = format!("/live/kelas/{stream}/video/{}.m4s", first + 3);
    let mut growing = stage.connect().await;
    growing.ask("GET", &address, &[]).await;
    let head = growing.head().await;
    assert_eq!((head.status, head.is_chunked()), (200, true), "before its first byte is there");
    publisher.send_until_ms(2_100).await;
    let got = growing.body(&head).await;
    assert!(got == stage.get(&address).await.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_growing_segment_ends_with_the_stream() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_250).await;
    let (stream, first) = stage.stream("kelas");
    let address = format!("/live/kelas/{stream}/video/{}.m4s", first + 2);
    let mut growing = stage.connect().await;
    growing.ask("GET", &address, &[]).await;
    assert_eq!(growing.head().await.status, 200);
    stage.end("kelas").await;
    let mut got = Vec::new();
    while let Some(chunk) = growing.chunk().await {
        got.extend(chunk);
    }
    assert!(got == stage.get(&address).await.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_does_not_grow_is_cut_off_in_time_and_does_not_pass_for_whole() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_250).await;
    let (stream, first) = stage.stream("kelas");
    for n in [2, 3] {
        let mut growing = stage.connect().await;
        let asked = std::time::Instant::now();
        growing.ask("GET", &format!("/live/kelas/{stream}/video/{}.m4s", first + n), &[]).await;
        assert_eq!(growing.head().await.status, 200);
        let got = growing.rest().await;
        assert!(!got.ends_with(b"0\r\n\r\n"), "the last chunk would say that this was all");
        let waited = asked.elapsed();
        assert!(waited < std::time::Duration::from_secs(6), "two longest segments and a second: {waited:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_range_of_a_segment_is_that_part_of_it_across_its_parts() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let (stream, msn) = stage.stream("kelas");
    let address = format!("/live/kelas/{stream}/video/{msn}.m4s");
    let whole = stage.get(&address).await.body;
    let first = stage.get(&format!("/live/kelas/{stream}/video/{msn}.0.m4s")).await.body.len();
    let mut connection = stage.connect().await;
    for (from, to) in [(first - 1, first), (first, first + 1), (0, first - 1), (1, whole.len() - 2), (first, first)] {
        let reply = connection.get_with(&address, &[("Range", &format!("bytes={from}-{to}"))]).await;
        assert!(reply.status == 206 && reply.body == whole[from..=to], "{from}-{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_a_segment_are_served() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    let (stream, msn) = stage.stream("kelas");
    let address = format!("/live/kelas/{stream}/video/{msn}.m4s");
    let whole = stage.get(&address).await;
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let total = whole.body.len();
    let mut connection = stage.connect().await;
    for (range, wanted) in [
        ("bytes=0-99".to_owned(), 0..100),
        ("bytes=100-".to_owned(), 100..total),
        ("bytes=-50".to_owned(), total - 50..total),
        (format!("bytes=10-{}", total * 2), 10..total),
    ] {
        let reply = connection.get_with(&address, &[("Range", &range)]).await;
        assert_eq!(reply.status, 206, "{range}");
        assert_eq!(reply.body, whole.body[wanted.clone()], "{range}");
        let said = format!("bytes {}-{}/{total}", wanted.start, wanted.end - 1);
        assert_eq!(reply.header("content-range"), Some(said.as_str()));
    }
    let beyond = connection.get_with(&address, &[("Range", &format!("bytes={total}-"))]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(format!("bytes */{total}").as_str())));
    for ignored in ["bytes=5-4", "bytes=0-1,4-5", "lines=1-2"] {
        let reply = connection.get_with(&address, &[("Range", ignored)]).await;
        assert_eq!((reply.status, reply.body.len()), (200, total), "{ignored}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playlists_are_compressed_for_those_who_take_it() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 3_000).await;
    let mut connection = stage.connect().await;
    for file in ["/live/kelas/video.m3u8", "/live/kelas/manifest.mpd"] {
        let plain = connection.get(file).await;
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("Accept-Encoding")));
        for accepted in ["gzip", "br, gzip;q=0.8", "deflate, gzip, *;q=0"] {
            let packed = connection.get_with(file, &[("Accept-Encoding", accepted)]).await;
            assert_eq!(packed.header("content-encoding"), Some("gzip"), "{accepted}");
            assert_eq!(packed.header("vary"), Some("Accept-Encoding"));
            assert!(packed.body.len() * 2 < plain.body.len(), "it pays");
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).expect("gzip");
            assert_eq!(unpacked, plain.body);
        }
        for refused in ["br", "identity", "gzip;q=0", "gzip; q=0.0", "xgzip"] {
            let reply = connection.get_with(file, &[("Accept-Encoding", refused)]).await;
            assert_eq!(reply.header("content-encoding"), None, "{refused}");
            assert!(reply.body == plain.body, "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mpeg_ts_segments_are_whole_packets_that_start_with_tables() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_000).await;
    let text = stage.text("/live/kelas/live.m3u8").await;
    assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:3\n"), "{text}");
    assert!(
        !text.contains("EXT-X-PART") && !text.contains("EXT-X-MAP"),
        "nothing that an old player trips over: {text}"
    );
    let (_, first) = stage.stream("kelas");
    assert!(text.contains(&format!("#EXT-X-MEDIA-SEQUENCE:{first}\n")), "{text}");
    assert_eq!(segments(&text).len(), 3, "{text}");
    for segment in segments(&text) {
        let reply = stage.get(segment).await;
        assert_eq!((reply.status, reply.body.len() % 188), (200, 0), "{segment}");
        assert!(reply.body.chunks(188).all(|packet| packet[0] == 0x47), "{segment}");
        assert_eq!([reply.body[1] & 0x1F, reply.body[2]], [0, 0], "the program association table is first");
        let part = stage.connect().await.get_with(segment, &[("Range", "bytes=188-375")]).await;
        assert_eq!((part.status, part.body[0], part.body.len()), (206, 0x47, 188));
    }
    assert_eq!(stage.text("/live/kelas.m3u8").await, text, "livego's address has the same list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lhls_names_the_segment_being_made_and_it_can_be_read() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("kelas", 1_250).await;
    let master = stage.text("/live/kelas/playlist.m3u8").await;
    assert!(master.lines().any(|line| line == "lhls-video.m3u8"), "{master}");
    let text = stage.text("/live/kelas/lhls-video.m3u8").await;
    let next = text.lines().find_map(|line| line.strip_prefix("#EXT-X-PREFETCH:")).expect("a prefetch");
    let (stream, first) = stage.stream("kelas");
    assert_eq!(next, format!("{stream}/video/{}.m4s", first + 2));
    assert!(!text.contains("EXT-X-PART"), "{text}");
    let mut growing = stage.connect().await;
    growing.ask("GET", &format!("/live/kelas/{next}"), &[]).await;
    assert!(growing.head().await.is_chunked());
    assert!(growing.chunk().await.is_some(), "what there is comes at once");
    publisher.send_until_ms(1_600).await;
    while growing.chunk().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manifest_is_dynamic_balanced_and_names_what_can_be_fetched() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 2_000).await;
    let text = stage.text("/live/kelas/manifest.mpd").await;
    assert!(text.contains("type=\"dynamic\""), "{text}");
    assert!(text.contains("value=\"/time\""), "its clock is ours: {text}");
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let inner = tag.split('>').next().expect("a tag");
        let name = inner.split([' ', '\n', '/']).find(|word| !word.is_empty()).expect("a name");
        match (inner.starts_with('/'), inner.ends_with('/') || inner.starts_with('?')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{text}"),
            (false, false) => open.push(name),
            (false, true) => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let (stream, first) = stage.stream("kelas");
    let sets: Vec<&str> = text.split("<AdaptationSet").skip(1).collect();
    assert!(sets.len() >= 2, "video and audio: {text}");
    for (set, track) in sets.into_iter().zip(["video", "audio"]) {
        let value = |name: &str| set.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next());
        let init = value("initialization").expect("an address");
        assert_eq!(stage.get(&format!("/live/kelas/{init}")).await.status, 200, "{init}");
        let name = value("media").expect("a template").replace("$Time$", value("t").expect("a first segment"));
        let segment = stage.get(&format!("/live/kelas/{name}")).await;
        let same = stage.get(&format!("/live/kelas/{stream}/{track}/{first}.m4s")).await;
        assert_eq!((segment.status, &segment.body), (200, &same.body), "{name}");
        let never = value("media").expect("a template").replace("$Time$", "7");
        assert_eq!(stage.get(&format!("/live/kelas/{never}")).await.status, 404, "{never}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_multivariant_playlist_names_is_there() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_500).await;
    let text = stage.text("/live/kelas/master.m3u8").await;
    assert!(text.contains("CODECS=\"avc1.") && text.contains("mp4a.40.2"), "{text}");
    assert!(text.contains("RESOLUTION=1280x720"), "{text}");
    let audio = text.lines().find(|line| line.contains("TYPE=AUDIO")).map(uri_of).expect("audio");
    for media in segments(&text).into_iter().chain([audio]) {
        let list = stage.text(&format!("/live/kelas/{media}")).await;
        let map = list.lines().find(|line| line.starts_with("#EXT-X-MAP")).map(uri_of).expect("a map");
        assert_eq!(stage.get(&format!("/live/kelas/{map}")).await.status, 200, "{map}");
        for name in segments(&list).into_iter().map(str::to_owned).chain(parts(&list)) {
            assert_eq!(stage.get(&format!("/live/kelas/{name}")).await.status, 200, "{name}");
        }
    }
}
