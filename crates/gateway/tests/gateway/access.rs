//! Private channels: who shows no right signature sees nothing, and who does sees all of it, for as long as it holds.

use control::sign::{LEEWAY_S, Purpose, issue};
use gateway::clock::wall_now;
use media::MediaKind;
use rtmp::{ClientEvent, Purpose as RtmpPurpose};

use crate::counts;
use crate::flv_viewers::Watched;
use crate::publisher::Peer;
use crate::stage::Stage;

fn signed(stage: &Stage, name: &str, purpose: Purpose, seconds: i64) -> String {
    issue(stage.channel(name), purpose, wall_now().seconds() + seconds)
}

const FILES: [&str; 8] = [
    "/live/tertutup.flv",
    "/live/tertutup/live.flv",
    "/live/tertutup/master.m3u8",
    "/live/tertutup/video.m3u8",
    "/live/tertutup/live.m3u8",
    "/live/tertutup/manifest.mpd",
    "/live/tertutup/state",
    "/live/tertutup/recordings",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_right_signature_a_private_channel_looks_like_none() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tertutup", 1_000).await;
    let good = signed(&stage, "tertutup", Purpose::Play, 600);
    let flipped = if good.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{flipped}", &good[..good.len() - 1]);
    let later = good.replacen(good.split('-').next().expect("expiry"), "4000000000", 1);
    let wrong = [
        None,
        Some(forged),
        Some(later),
        Some("nonsense".to_owned()),
        Some(signed(&stage, "kelas", Purpose::Play, 600)),
        Some(signed(&stage, "tertutup", Purpose::Publish, 600)),
        Some(signed(&stage, "tertutup", Purpose::Play, -LEEWAY_S - 5)),
    ];
    for file in FILES {
        for sign in &wrong {
            let query = sign.as_ref().map_or_else(|| file.to_owned(), |sign| format!("{file}?sign={sign}"));
            let path = sign.as_ref().map_or_else(|| file.to_owned(), |sign| format!("/s/{sign}{file}"));
            for address in [query, path] {
                let reply = stage.get(&address).await;
                assert_eq!(
                    (reply.status, reply.text().as_str()),
                    (404, "tertutup is not streaming live now\n"),
                    "{address}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_one_may_not_play_and_one_that_is_not_there_are_answered_to_the_byte_alike() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tertutup", 1_000).await;
    let (denied, missing) = (stage.channel("tertutup").id.to_string(), control::keys::random_id().to_string());
    let mut addresses: Vec<String> = FILES.iter().map(|file| file.replace("tertutup", "{}")).collect();
    for more in ["/{}/live.flv", "/video/{}/manifest.m3u8", "/live/{}/playlist.m3u8", "/live/{}/1/video/1.m4s"] {
        addresses.push(more.to_owned());
    }
    let queries = ["", "?token=a&token=b", "?token=", "?sign=a&sign=b", "?sign=a", "?token=a", "?liveType=vod"];
    for (one, other) in [("tertutup", "tertutuq"), (&denied, &missing)] {
        for address in &addresses {
            for query in queries {
                for method in ["GET", "HEAD"] {
                    let ask = async |name: &str| {
                        let path = format!("{}{query}", address.replace("{}", name));
                        let mut reply = stage.connect().await.request(method, &path, &[]).await;
                        reply.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
                        (reply.status, reply.headers.clone(), reply.text())
                    };
                    let (found, nothing) = (ask(one).await, ask(other).await);
                    assert_eq!(found.2, nothing.2.replace(other, one), "{method} {address}{query}");
                    assert_eq!((found.0, &found.1), (nothing.0, &nothing.1), "{method} {address}{query}");
                    assert!(
                        found.1.contains(&("cache-control".to_owned(), "no-store".to_owned())),
                        "who may play asks for the same: {method} {address}{query}"
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_counted_by_reason() {
    let stage = Stage::new().await;
    let forged = || counts::of("tayang_play_denied_total reason=forged");
    let before = forged();
    let foreign = signed(&stage, "kelas", Purpose::Play, 600);
    assert_eq!(stage.get(&format!("/live/tertutup/state?sign={foreign}")).await.status, 404);
    assert!(forged() > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_signatures_are_one_too_many() {
    let stage = Stage::new().await;
    let sign = signed(&stage, "tertutup", Purpose::Play, 600);
    for query in [format!("sign={sign}&sign={sign}"), "sign=".to_owned()] {
        assert_eq!(stage.get(&format!("/live/tertutup/state?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_in_the_query_of_a_playlist_leads_to_the_signed_path() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tertutup", 1_500).await;
    let sign = signed(&stage, "tertutup", Purpose::Play, 600);
    for file in ["master.m3u8", "video.m3u8", "live.m3u8", "manifest.mpd", "playlist.m3u8", "lhls-video.m3u8"] {
        let reply = stage.get(&format!("/live/tertutup/{file}?a=1&sign={sign}&b=2")).await;
        assert_eq!(reply.status, 302, "{file}");
        let location = reply.header("location").expect("a location").to_owned();
        assert_eq!(location, format!("/s/{sign}/live/tertutup/{file}?a=1&b=2"));
        assert_eq!(stage.get(&location).await.status, 200, "{location}");
    }
    let state = stage.get(&format!("/live/tertutup/state?sign={sign}")).await;
    assert_eq!(
        (state.status, state.json()["state"].as_str()),
        (200, Some("live")),
        "what names nothing is answered here"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_signed_playlists_name_is_signed_too() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tertutup", 1_500).await;
    let sign = signed(&stage, "tertutup", Purpose::Play, 600);
    let base = format!("/s/{sign}/live/tertutup");
    let master = stage.text(&format!("{base}/master.m3u8")).await;
    assert!(master.lines().any(|line| line == "video.m3u8"), "beside it, so under the signed path: {master}");
    let media = stage.text(&format!("{base}/video.m3u8")).await;
    let segment = media.lines().find(|line| line.ends_with(".m4s")).expect("a segment");
    assert_eq!(stage.get(&format!("{base}/{segment}")).await.status, 200);
    assert_eq!(stage.get(&format!("/live/tertutup/{segment}")).await.status, 404, "not without");
    for list in ["live.m3u8", "video.m3u8?liveType=vod"] {
        let text = stage.text(&format!("{base}/{list}")).await;
        let first = text.lines().find(|line| line.starts_with('/')).expect("an absolute address");
        assert!(first.starts_with(&format!("/s/{sign}/")), "{first}");
        assert_eq!(stage.get(first).await.status, 200, "{first}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_private_channels_carry_the_signature_on() {
    let stage = Stage::new().await;
    let sign = signed(&stage, "tertutup", Purpose::Play, 600);
    let reply = stage.get(&format!("/s/{sign}/live/tertutup/flv.html")).await;
    assert_eq!(reply.header("location"), Some(format!("/watch/live/tertutup?via=flv&sign={sign}").as_str()));
    let reply = stage.get(&format!("/s/{sign}/watch/live/tertutup")).await;
    assert_eq!(reply.header("location"), Some(format!("/watch/live/tertutup?sign={sign}").as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flv_plays_with_a_signature_and_closes_when_it_runs_out() {
    let stage = Stage::new().await;
    let mut publisher = stage.on_air("tertutup", 1_000).await;
    let lasting = signed(&stage, "tertutup", Purpose::Play, 600);
    let short = signed(&stage, "tertutup", Purpose::Play, 1 - LEEWAY_S);
    let mut kept = stage.connect().await;
    kept.ask("GET", &format!("/live/tertutup.flv?sign={lasting}"), &[]).await;
    assert_eq!(kept.head().await.status, 200);
    let mut closed = stage.connect().await;
    closed.ask("GET", &format!("/live/tertutup.flv?sign={short}"), &[]).await;
    assert_eq!(closed.head().await.status, 200, "it holds still");
    let mut watched = Watched::default();
    watched.push(&closed.rest().await);
    assert!(!watched.video().is_empty(), "it played until then");
    assert!(
        wall_now().seconds() >= short.split('-').next().expect("expiry").parse::<i64>().expect("seconds") + LEEWAY_S
    );
    publisher.send_until_ms(2_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    Watched::default().until(&mut kept, &last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtmp_plays_a_private_channel_with_a_signature_only() {
    let stage = Stage::new().await;
    let publisher = stage.on_air("tertutup", 1_000).await;
    let mut stranger = Peer::open(stage.rtmp, RtmpPurpose::Play, "live", "tertutup").await;
    assert_eq!(stranger.status().await, (true, "NetStream.Play.StreamNotFound".to_owned()));
    let sign = signed(&stage, "tertutup", Purpose::Play, 600);
    let mut guest = Peer::open(stage.rtmp, RtmpPurpose::Play, "live", &format!("tertutup?sign={sign}")).await;
    let first = guest.expect("media", |event| match event {
        ClientEvent::Media { kind: rtmp::MediaKind::Video, body, .. } => Some(body.clone()),
        _ => None,
    });
    assert!(!first.await.is_empty());
    drop(publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_channel_needs_no_signature_and_minds_none() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("kelas", 1_000).await;
    assert_eq!(stage.get("/live/kelas/master.m3u8?sign=whatever").await.status, 200);
    assert_eq!(stage.get("/s/whatever/live/kelas/master.m3u8").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_signature_opened_is_kept_by_its_viewer_alone_and_no_longer_than_it_holds() {
    let stage = Stage::new().await;
    let _publisher = stage.on_air("tertutup", 2_000).await;
    let (stream, msn) = stage.stream("tertutup");
    for seconds in [600, 20] {
        let sign = signed(&stage, "tertutup", Purpose::Play, seconds);
        for (file, longest) in [
            ("master.m3u8".to_owned(), 1),
            ("video.m3u8".to_owned(), 1),
            (format!("video.m3u8?_HLS_msn={msn}&_HLS_part=0"), 6),
            ("manifest.mpd".to_owned(), 1),
            (format!("{stream}/video/init-0.mp4"), seconds + LEEWAY_S),
            (format!("{stream}/video/{msn}.m4s"), seconds + LEEWAY_S),
            (format!("{stream}/video/{msn}.0.m4s"), seconds + LEEWAY_S),
        ] {
            let reply = stage.get(&format!("/s/{sign}/live/tertutup/{file}")).await;
            let (status, _, cache) = reply.kind();
            let age = cache.strip_prefix("private, max-age=").and_then(|rest| rest.split(',').next());
            let age: i64 = age.unwrap_or_else(|| panic!("{file}: {cache}")).parse().expect("seconds");
            assert!(status == 200 && age <= longest && age >= longest.min(seconds - 10), "{file}: {cache}");
        }
    }
}
