//! Lessons that are past, of which nothing is known here any more: their recordings play to who has a token.

use std::time::Instant;

use bytes::Bytes;
use control::playback::{Claims, Kind};
use control::teaching::lessons::path_of;
use control::{ChangeKind, LessonId, NewChange, Snapshot, Uuid};
use gateway::clock::wall_now;
use gateway::http::Body;
use gateway::right::Right;
use http_body_util::BodyExt as _;

use crate::playback::{IN_TIME, Pass, by_each_carrier, revoke, stage};
use crate::stage::{PATIENCE, Stage, soon};

const NAME: &str = "tertutup";

/// A stage with a recording of a lesson, which the directory has no word of: where its files are, and their names.
async fn past() -> (Stage, String, Vec<String>) {
    let stage = stage().await;
    let _publisher = stage.on_air(NAME, 2_000).await;
    let (stream, msn) = stage.stream(NAME);
    stage.end(NAME).await;
    assert!(stage.gateway.recorder.settle(PATIENCE).await, "the recording becomes ready");
    let lesson = LessonId(stage.channel(NAME).id);
    stage.gateway.directory.replace(Snapshot::default());
    let files = ["master.m3u8", "video.m3u8", "manifest.mpd", "recording.mp4", "video/init-0.mp4"];
    let files = files.map(ToOwned::to_owned).into_iter();
    let files = files.chain([format!("video/{msn}.m4s"), format!("video/{msn}.0.m4s"), format!("ts/{msn}.ts")]);
    let base = format!("/{}", path_of(lesson));
    let files = files.map(|file| format!("{base}/{stream}/{file}")).chain([format!("{base}/recordings")]).collect();
    (stage, base, files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_of_a_past_lesson_opens_to_its_token_by_any_carrier_and_to_no_other() {
    let (stage, base, files) = past().await;
    let (right, live, download) =
        (Pass::new(&stage, Kind::Recording), Pass::new(&stage, Kind::Live), Pass::new(&stage, Kind::Download));
    let of_another = Claims { lesson: LessonId(Uuid::from_u128(7)), ..(*right.claims).clone() };
    let wrong = [live, Pass::of(&stage, of_another)];
    let unknown = stage.get("/live/tidak-ada/master.m3u8").await.text();
    let name = base.rsplit('/').next().expect("a name");
    for file in &files {
        for (carrier, status) in by_each_carrier(&stage, file, &right).await {
            assert_eq!(status, 200, "{file} by {carrier}");
        }
        let nothing = stage.get(file).await;
        assert_eq!(
            (nothing.status, nothing.text()),
            (404, unknown.replace("tidak-ada", name)),
            "as if it were not there"
        );
        for pass in &wrong {
            for (carrier, status) in by_each_carrier(&stage, file, pass).await {
                assert_eq!(status, 404, "{file} by {carrier}");
            }
        }
        let is_mp4 = file.ends_with("recording.mp4");
        let taken = by_each_carrier(&stage, file, &download).await;
        assert!(taken.iter().all(|(_, status)| (*status == 200) == is_mp4), "{file}: {taken:?}");
    }
    let listed = stage.get(&format!("/p/{}{base}/recordings", right.token)).await.json();
    assert_eq!(listed["recordings"].as_array().map(Vec::len), Some(1), "{listed}");
    for live in ["master.m3u8", "live.flv", "state"] {
        let file = format!("/p/{}{base}/{live}", right.token);
        assert_eq!(stage.get(&file).await.status, 404, "{live}: it is over");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recording_of_a_past_lesson_stops_within_a_second_of_a_revocation() {
    let (stage, _, files) = past().await;
    let (pass, stays) = (Pass::new(&stage, Kind::Recording), Pass::new(&stage, Kind::Recording));
    let under_way = |pass: &Pass| {
        let path = path_of(pass.claims.lesson);
        let grant = stage.gateway.directory.authorize_playback(&path, &pass.claims, wall_now()).expect("granted");
        Body::fed(&stage.gateway, Right::new(grant), |sender| async move {
            sender.send(Ok(Bytes::from_static(b"some"))).await.expect("taken");
            let _open = sender;
            std::future::pending().await
        })
    };
    let (mut gone, mut kept) = (under_way(&pass), under_way(&stays));
    for body in [&mut gone, &mut kept] {
        assert!(soon("its first bytes", body.frame()).await.expect("a frame").is_ok());
    }
    let start = Instant::now();
    revoke(&stage, 11, NewChange::new(ChangeKind::Revoked).user(pass.claims.user).lesson(pass.claims.lesson));
    let end = soon("the end", gone.frame()).await.expect("cut off, not ended");
    assert!(end.is_err() && start.elapsed() < IN_TIME, "{:?}", start.elapsed());
    for file in &files {
        for (carrier, status) in by_each_carrier(&stage, file, &pass).await {
            assert_eq!(status, 404, "{file} by {carrier}");
        }
    }
    assert!(futures_util::FutureExt::now_or_never(kept.frame()).is_none(), "others go on");
    assert_eq!(by_each_carrier(&stage, &files[0], &stays).await[0].1, 200);
}
